//! Bad input through the program: the exit code, what the message says, and earlier results left as they were.

use super::program::{Study, code, contents, lines, stderr};
use std::fs;

/// One kind of bad input: what is changed, the exit code, what the message holds.
struct Bad {
    what: &'static str,
    change: fn(&Study),
    exit: i32,
    says: &'static [&'static str],
}

const BAD: &[Bad] = &[
    Bad {
        what: "unknown column",
        change: |s| s.edit("study.yaml", "[h_volume]", "[h_volum]"),
        exit: 2,
        says: &["error[G203]", "study.yaml:17:14", "h_volume"],
    },
    Bad { what: "duplicated join key", change: |s| s.edit("hospitals.csv", "\n1,", "\n0,"), exit: 3, says: &["error[G303]", "hospitals"] },
    Bad {
        what: "a group value that does not occur",
        change: |s| s.edit("study.yaml", "index: [Black]", "index: [black]"),
        exit: 3,
        says: &["error[G305]", "Black"],
    },
    Bad {
        what: "an outcome with a third value",
        change: |s| {
            lines(s, |i, c| {
                if i == 9 {
                    c[6] = "2".into()
                }
            })
        },
        exit: 3,
        says: &["error[G306]", "event"],
    },
    Bad {
        what: "the unit table cannot be read: columns that it may hold are not called unknown",
        change: |s| s.edit("study.yaml", "path: patients.csv", "path: patiens.csv"),
        exit: 2,
        says: &["error[G202]", "patiens.csv"],
    },
    Bad {
        what: "all rows excluded",
        change: |s| s.edit("study.yaml", "age >= 18", "age >= 180"),
        exit: 3,
        says: &["error[G307]", "adults", "age >= 180", "removes them"],
    },
    Bad {
        what: "one group empty after a step",
        change: |s| s.edit("study.yaml", "age >= 18", "race = 'White'"),
        exit: 3,
        says: &["error[G308]", "adults", "removes them"],
    },
    Bad {
        what: "a separated hospital",
        change: |s| {
            s.edit("study.yaml", "hospital: [h_volume]", "hospital: [{ hospital: { fixed_effects: {} } }]");
            lines(s, |i, c| {
                if i > 0 && c[1] == "3" {
                    c[6] = "0".into()
                }
            });
        },
        exit: 4,
        says: &["error[G311]", "hospital=[withheld]", "unbounded"],
    },
    Bad {
        what: "text in a number column",
        change: |s| {
            s.edit("study.yaml", "patients.csv }", "patients.csv, types: { lab: number } }");
            lines(s, |i, c| {
                if i == 5 {
                    c[4] = "high".into()
                }
            });
        },
        exit: 3,
        says: &["error[G301]", "lab"],
    },
    Bad { what: "an empty file", change: |s| s.write("patients.csv", ""), exit: 2, says: &["error[G202]", "patients"] },
    Bad {
        what: "a file with a header and no rows",
        change: |s| s.write("patients.csv", "id,hospital,race,age,lab,type,died\n"),
        exit: 3,
        says: &["error[G307]", "no rows"],
    },
    Bad {
        what: "one NaN makes a number column text, and that is said",
        change: |s| {
            lines(s, |i, c| {
                if i == 5 {
                    c[4] = "NaN".into();
                }
            })
        },
        exit: 4,
        says: &["warning[G315]", "`lab` of table `patients` is text, although 599 of its 600 values would read as numbers"],
    },
    Bad { what: "a missing file", change: |s| fs::remove_file(s.path("hospitals.csv")).unwrap(), exit: 2, says: &["error[G202]", "hospitals.csv"] },
    Bad { what: "a YAML tab", change: |s| s.edit("study.yaml", "  patients:", "\tpatients:"), exit: 2, says: &["error[G101]", "study.yaml:4:"] },
    Bad {
        what: "a duplicated key",
        change: |s| s.edit("study.yaml", "cluster: hospital", "cluster: hospital\ncluster: id"),
        exit: 2,
        says: &["error[G102]", "study.yaml:19:1"],
    },
    Bad {
        what: "a repeated unit key",
        change: |s| {
            lines(s, |i, c| {
                if i == 7 {
                    c[0] = "3".into()
                }
            })
        },
        exit: 3,
        says: &["error[G302]"],
    },
    Bad {
        what: "an unset variable in a path",
        change: |s| s.edit("study.yaml", "path: patients.csv", "path: \"${NOT_SET_ANYWHERE}/patients.csv\""),
        exit: 2,
        says: &["error[G106]", "NOT_SET_ANYWHERE"],
    },
    Bad {
        what: "an option that is not built yet",
        change: |s| s.edit("study.yaml", "family: binomial", "family: { binomial: { penalty: firth } }"),
        exit: 2,
        says: &["error[G109]", "firth"],
    },
    Bad {
        what: "mechanisms without an order",
        change: |s| s.edit("study.yaml", "with_and_without: { estimator: gcomp }", "mechanisms: {}"),
        exit: 2,
        says: &["error[G209]", "causal_order"],
    },
    Bad { what: "an unknown key", change: |s| s.edit("study.yaml", "allowable:", "alowable:"), exit: 2, says: &["error[G103]", "allowable"] },
];

#[test]
fn bad_input_is_named_and_earlier_results_stay() {
    for bad in BAD {
        let s = Study::new();
        let first = s.run();
        assert_eq!(code(&first), 0, "{}", stderr(&first));
        let before = contents(&s.path("results"));
        (bad.change)(&s);
        let o = s.run();
        let text = stderr(&o);
        assert_eq!(code(&o), bad.exit, "{}: {text}", bad.what);
        assert!(!(bad.says.contains(&"error[G202]") && text.contains("error[G203]")), "{}: a file that is not there explains it\n{text}", bad.what);
        for says in bad.says {
            assert!(text.contains(says), "{}: no {says:?} in\n{text}", bad.what);
        }
        assert!(!text.contains("panicked"), "{}: {text}", bad.what);
        if bad.exit != 4 {
            assert_eq!(contents(&s.path("results")), before, "{}: earlier results were touched", bad.what);
        }
    }
}

/// Weights so large that sums overflow end in a message, not in a panic.
#[test]
fn weights_that_overflow_are_an_error() {
    let s = Study::new();
    lines(&s, |i, c| c.push(if i == 0 { "w".into() } else { "1e308".into() }));
    s.edit("study.yaml", "cluster: hospital", "cluster: hospital\nweight: w");
    let o = s.run();
    assert_eq!(code(&o), 3, "{}", stderr(&o));
    assert!(stderr(&o).contains("error[G313]"), "{}", stderr(&o));
}

/// One round names what is wrong with the shape, the names, the choices and the files, each at its place.
#[test]
fn check_reports_every_problem_at_once() {
    let s = Study::new();
    s.edit("study.yaml", "study: small", "study: Small Study");
    s.edit("study.yaml", "hospitals: { path: hospitals.csv }", "hospitals: { path: hospital.csv }");
    s.edit("study.yaml", "{ table: hospitals,", "{ table: hospitls,");
    s.edit("study.yaml", "family: binomial", "family: binomal");
    s.edit("study.yaml", "allowable: [age]", "allowable: [age, age]");
    s.edit("study.yaml", "cluster: hospital", "clustr: hospital");
    s.edit("study.yaml", "{ estimator: gcomp }", "{ estimator: drr }");
    let o = s.call(&["check", "study.yaml"]);
    assert_eq!(code(&o), 2);
    let text = stderr(&o);
    for (code, at) in [("G108", "2:8"), ("G202", "5:"), ("G201", "9:"), ("G210", "13:"), ("G205", "14:"), ("G103", "18:1"), ("G210", "20:")] {
        assert!(text.contains(&format!("error[{code}]")) && text.contains(&format!("study.yaml:{at}")), "no {code} at {at} in\n{text}");
    }
}
