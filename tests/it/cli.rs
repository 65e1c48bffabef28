//! The program as a user calls it: exit codes, messages, and earlier results left as they were.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A folder with a small study that runs: 600 patients in 30 hospitals, one table of hospitals.
pub struct Study {
    dir: tempfile::TempDir,
}

const STUDY: &str = r#"gapshare: 1
study: small
tables:
  patients: { path: patients.csv }
  hospitals: { path: hospitals.csv }
cohort:
  unit: { table: patients, key: id }
  joins:
    - { table: hospitals, by: hospital, prefix: h_ }
  steps:
    - { name: adults, where: "age >= 18" }
group: { column: race, reference: White, index: [Black] }
outcome: { column: died, family: binomial }
allowable: [age]
blocks:
  clinical: [lab, { type: { categorical: { base: a } } }]
  hospital: [h_volume]
cluster: hospital
analyses:
  primary: { with_and_without: { estimator: gcomp } }
"#;

fn patients() -> Vec<String> {
    let mut state = 7u64;
    let mut uniform = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / 2f64.powi(53)
    };
    let mut lines = vec!["id,hospital,race,age,lab,type,died".to_owned()];
    for i in 0..600 {
        let black = uniform() < 0.4;
        let hospital = (uniform() * 30.0).floor();
        let (age, lab) = (40.0 + (uniform() * 40.0).floor(), (uniform() * 100.0).round() / 10.0);
        let kind = ["a", "b", "c"][(uniform() * 3.0) as usize];
        let died = u8::from(uniform() < 0.25 + 0.02 * lab + if black { 0.08 } else { 0.0 });
        lines.push(format!("{i},{hospital},{},{age},{lab},{kind},{died}", if black { "Black" } else { "White" }));
    }
    lines
}

impl Study {
    pub fn new() -> Self {
        let s = Self { dir: tempfile::tempdir().unwrap() };
        s.write("study.yaml", STUDY);
        s.write("patients.csv", &patients().join("\n"));
        let hospitals: Vec<String> = (0..30).map(|h| format!("{h},{}", 100 + h * 37 % 200)).collect();
        s.write("hospitals.csv", &format!("hospital,volume\n{}", hospitals.join("\n")));
        s
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    /// Replaces text in a file; the text must be there.
    pub fn edit(&self, name: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.path(name)).unwrap();
        assert!(text.contains(from), "{name} does not hold {from:?}");
        self.write(name, &text.replace(from, to));
    }

    pub fn call(&self, args: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_gapshare")).current_dir(self.dir.path()).args(args).output().unwrap()
    }

    pub fn run(&self) -> Output {
        self.call(&["run", "study.yaml", "--quiet"])
    }
}

pub fn code(o: &Output) -> i32 {
    o.status.code().unwrap()
}

pub fn stderr(o: &Output) -> String {
    String::from_utf8_lossy(&o.stderr).into_owned()
}

/// Every file below a folder with its bytes.
fn contents(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut out = Vec::new();
    let mut open = vec![dir.to_owned()];
    while let Some(d) = open.pop() {
        for e in fs::read_dir(&d).unwrap() {
            let p = e.unwrap().path();
            if p.is_dir() {
                open.push(p);
            } else {
                out.push((p.clone(), fs::read(&p).unwrap()));
            }
        }
    }
    out.sort();
    out
}

#[test]
fn a_study_runs_verifies_and_renders_again() {
    let s = Study::new();
    let o = s.run();
    assert_eq!(code(&o), 0, "{}", stderr(&o));
    let stdout = String::from_utf8_lossy(&o.stdout).into_owned();
    assert!(stdout.contains("Gap as observed") && stdout.contains("report:"), "{stdout}");
    let out = s.path("results/small");
    for file in ["report.html", "results.json", "run.json", "study.resolved.yaml", "tables/decomposition.csv", "tables/SCHEMA.csv"] {
        assert!(out.join(file).is_file(), "{file}");
    }
    assert_eq!(code(&s.call(&["verify", "results/small"])), 0);
    let before = fs::read(out.join("report.html")).unwrap();
    assert_eq!(code(&s.call(&["report", "results/small"])), 0);
    assert_eq!(fs::read(out.join("report.html")).unwrap(), before);
    s.edit("hospitals.csv", "0,100", "0,101");
    assert_eq!(code(&s.call(&["verify", "results/small"])), 2);
}

/// T27: the same bytes at any number of threads, in every file but run.json; the resolved study gives them too.
#[test]
fn outputs_are_the_same_bytes_whatever_the_threads() {
    let s = Study::new();
    for (threads, out) in [("1", "one"), ("16", "sixteen")] {
        assert_eq!(code(&s.call(&["run", "study.yaml", "--threads", threads, "--out", out])), 0);
    }
    let strip = |dir: &str| contents(&s.path(dir)).into_iter().filter(|(p, _)| !p.ends_with("run.json")).map(|(_, b)| b).collect::<Vec<_>>();
    assert_eq!(strip("one"), strip("sixteen"));
    fs::copy(s.path("one/study.resolved.yaml"), s.path("one/again.yaml")).unwrap();
    assert_eq!(code(&s.call(&["run", "one/again.yaml", "--out", "again"])), 0);
    assert_eq!(fs::read(s.path("again/tables/decomposition.csv")).unwrap(), fs::read(s.path("one/tables/decomposition.csv")).unwrap());
}

/// One kind of bad input: what is changed, the exit code, what the message holds.
struct Bad {
    what: &'static str,
    change: fn(&Study),
    exit: i32,
    says: &'static [&'static str],
}

fn lines(s: &Study, edit: impl Fn(usize, &mut Vec<String>)) {
    let text = fs::read_to_string(s.path("patients.csv")).unwrap();
    let changed: Vec<String> = text
        .lines()
        .enumerate()
        .map(|(i, l)| {
            let mut cells: Vec<String> = l.split(',').map(String::from).collect();
            edit(i, &mut cells);
            cells.join(",")
        })
        .collect();
    s.write("patients.csv", &changed.join("\n"));
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
    Bad { what: "all rows excluded", change: |s| s.edit("study.yaml", "age >= 18", "age >= 180"), exit: 3, says: &["error[G307]", "adults"] },
    Bad {
        what: "one group empty after a step",
        change: |s| s.edit("study.yaml", "age >= 18", "race = 'White'"),
        exit: 3,
        says: &["error[G308]", "adults"],
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
        says: &["error[G311]", "hospital=3", "unbounded"],
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
        change: |s| s.edit("study.yaml", "allowable:", "uncertainty: { influence: { small_clusters: cv3 } }\nallowable:"),
        exit: 2,
        says: &["error[G109]", "cv3"],
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
        for says in bad.says {
            assert!(text.contains(says), "{}: no {says:?} in\n{text}", bad.what);
        }
        assert!(!text.contains("panicked"), "{}: {text}", bad.what);
        if bad.exit != 4 {
            assert_eq!(contents(&s.path("results")), before, "{}: earlier results were touched", bad.what);
        }
    }
}

#[test]
fn an_estimate_that_fails_leaves_the_descriptive_tables() {
    let s = Study::new();
    s.edit("study.yaml", "hospital: [h_volume]", "hospital: [{ hospital: { fixed_effects: {} } }]");
    // Hospital 3 has no White patients.
    lines(&s, |i, c| {
        if i > 0 && c[1] == "3" {
            c[2] = "Black".into();
        }
    });
    let o = s.run();
    assert_eq!(code(&o), 4, "{}", stderr(&o));
    assert!(stderr(&o).contains("error[G402]") && stderr(&o).contains("no support"), "{}", stderr(&o));
    for table in ["attrition", "gap", "table_one", "diagnostics"] {
        let text = fs::read_to_string(s.path(&format!("results/small/tables/{table}.csv"))).unwrap();
        assert!(text.lines().count() > 1, "{table} is empty");
    }
    let decomposition = fs::read_to_string(s.path("results/small/tables/decomposition.csv")).unwrap();
    assert!(decomposition.lines().skip(1).all(|l| l.contains("no support")), "{decomposition}");
}

#[test]
fn a_constant_column_is_dropped_with_a_named_warning() {
    let s = Study::new();
    lines(&s, |i, c| {
        if i > 0 {
            c[4] = "1.5".into()
        }
    });
    let o = s.run();
    assert_eq!(code(&o), 0, "{}", stderr(&o));
    assert!(stderr(&o).contains("warning[G314]: column `lab`"), "{}", stderr(&o));
}

#[test]
fn a_folder_that_is_not_a_result_is_not_replaced() {
    let s = Study::new();
    fs::create_dir(s.path("thesis")).unwrap();
    s.write("thesis/chapter.txt", "years of work");
    let o = s.call(&["run", "study.yaml", "--out", "thesis"]);
    assert_eq!(code(&o), 2, "{}", stderr(&o));
    assert!(stderr(&o).contains("error[G212]"));
    assert_eq!(fs::read_to_string(s.path("thesis/chapter.txt")).unwrap(), "years of work");
    // A folder inside a file cannot be made.
    let o = s.call(&["run", "study.yaml", "--out", "patients.csv/results"]);
    assert_eq!(code(&o), 2, "{}", stderr(&o));
    assert!(stderr(&o).contains("error[G212]"));
}

#[test]
fn the_analysis_rows_can_be_written_for_a_reviewer() {
    let s = Study::new();
    assert_eq!(code(&s.call(&["run", "study.yaml", "--design", "rows.parquet"])), 0);
    let bytes = fs::read(s.path("rows.parquet")).unwrap();
    assert_eq!(&bytes[..4], b"PAR1");
    assert!(!s.path("results/small/rows.parquet").exists());
}

#[test]
fn check_explain_and_schema_answer() {
    let s = Study::new();
    assert_eq!(code(&s.call(&["check", "study.yaml"])), 0);
    for topic in ["G203", "with_and_without", "oaxaca_blinder", "gelbach"] {
        let o = s.call(&["explain", topic]);
        assert!(code(&o) == 0 && o.stdout.len() > 100, "{topic}");
    }
    assert_eq!(code(&s.call(&["explain", "G2O3"])), 2);
    for of in ["study", "results"] {
        assert_eq!(code(&s.call(&["schema", of])), 0);
    }
}

/// Weights of 2 are rows that stand twice, through the whole program.
#[test]
fn integer_weights_are_repeated_rows() {
    let s = Study::new();
    let text = fs::read_to_string(s.path("patients.csv")).unwrap();
    let weight = |i: usize| 1 + i % 3;
    let weighted: Vec<String> = text.lines().enumerate().map(|(i, l)| if i == 0 { format!("{l},w") } else { format!("{l},{}", weight(i)) }).collect();
    let repeated: Vec<String> = text
        .lines()
        .enumerate()
        .flat_map(|(i, l)| {
            (0..if i == 0 { 1 } else { weight(i) }).map(move |k| if i == 0 { l.to_owned() } else { format!("{}{l}", k * 1000 + 1000) })
        })
        .collect();
    let estimates = |out: &str| -> Vec<f64> {
        let json: serde_json::Value = serde_json::from_slice(&fs::read(s.path(out).join("results.json")).unwrap()).unwrap();
        json["decomposition"].as_array().unwrap().iter().map(|r| r["estimate"].as_f64().unwrap()).collect()
    };
    s.write("patients.csv", &repeated.join("\n"));
    assert_eq!(code(&s.call(&["run", "study.yaml", "--out", "repeated"])), 0);
    s.write("patients.csv", &weighted.join("\n"));
    s.edit("study.yaml", "cluster: hospital", "cluster: hospital\nweight: w");
    let o = s.call(&["run", "study.yaml", "--out", "weighted"]);
    assert_eq!(code(&o), 0, "{}", stderr(&o));
    for (a, b) in estimates("repeated").iter().zip(estimates("weighted")) {
        assert!((a - b).abs() < 1e-10, "{a} {b}");
    }
}

/// Without `cluster` a hospital's columns give standard errors that are far too small: a failed gate, exit 1, everything marked.
#[test]
fn hospital_columns_without_cluster_fail_a_gate() {
    let s = Study::new();
    s.edit("study.yaml", "cluster: hospital\n", "");
    let o = s.run();
    assert_eq!(code(&o), 1, "{}", stderr(&o));
    assert!(stderr(&o).contains("unclustered_group_level_columns"), "{}", stderr(&o));
    let json: serde_json::Value = serde_json::from_slice(&fs::read(s.path("results/small/results.json")).unwrap()).unwrap();
    assert!(json["decomposition"].as_array().unwrap().iter().all(|r| r["blinded"] == true));
    assert!(json["diagnostics"].as_array().unwrap().iter().any(|r| r["check"] == "unclustered_group_level_columns" && r["passed"] == false));
}

/// A secondary analysis that cannot be estimated: exit 1, its rows null with a reason, the primary as it was.
#[test]
fn a_secondary_analysis_that_fails_has_null_rows() {
    let s = Study::new();
    s.edit("study.yaml", "hospital: [h_volume]", "hospital: [{ hospital: { fixed_effects: {} } }]");
    s.edit(
        "study.yaml",
        "{ estimator: gcomp } }",
        "{ surface: pooled_main, estimator: gcomp } }\n  other: { with_and_without: { estimator: gcomp } }",
    );
    // Hospital 3 has no White patients.
    lines(&s, |i, c| {
        if i > 0 && c[1] == "3" {
            c[2] = "Black".into();
        }
    });
    let o = s.run();
    assert_eq!(code(&o), 1, "{}", stderr(&o));
    let json: serde_json::Value = serde_json::from_slice(&fs::read(s.path("results/small/results.json")).unwrap()).unwrap();
    for r in json["decomposition"].as_array().unwrap() {
        assert_eq!(r["estimate"].is_null(), r["analysis"] == "other", "{r}");
        assert_eq!(r["reason"].is_null(), r["analysis"] != "other", "{r}");
    }
}

#[test]
fn a_collinear_column_is_dropped_with_a_named_warning_and_the_rest_is_estimated() {
    let s = Study::new();
    s.edit("study.yaml", "  steps:", "  derive:\n    lab2: \"2.0 * lab + 1.0\"\n  steps:");
    let plain = s.run();
    assert_eq!(code(&plain), 0, "{}", stderr(&plain));
    let table = || fs::read_to_string(s.path("results/small/tables/decomposition.csv")).unwrap();
    let before = table();
    s.edit("study.yaml", "clinical: [lab,", "clinical: [lab, lab2,");
    let o = s.run();
    assert_eq!(code(&o), 0, "{}", stderr(&o));
    assert!(stderr(&o).contains("warning[G314]: column `lab2`"), "{}", stderr(&o));
    assert_eq!(table(), before);
}

/// Rows of weight 0 say nothing: they are a line of attrition, and do not count as support.
#[test]
fn rows_of_weight_zero_are_counted_out() {
    let s = Study::new();
    lines(&s, |i, c| c.push(if i == 0 { "w".into() } else { (i % 2).to_string() }));
    s.edit("study.yaml", "cluster: hospital", "cluster: hospital\nweight: w");
    let o = s.run();
    assert_eq!(code(&o), 0, "{}", stderr(&o));
    let attrition = fs::read_to_string(s.path("results/small/tables/attrition.csv")).unwrap();
    let last = attrition.lines().last().unwrap();
    assert!(last.contains("weight above 0,600,300,300"), "{attrition}");
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

/// A share of few units, in a check's value or message, would give the count away.
#[test]
fn checks_do_not_show_shares_of_few_units() {
    let s = Study::new();
    // Four Black patients are of a kind that no White patient is.
    let mut left = 4;
    let text = fs::read_to_string(s.path("patients.csv")).unwrap();
    let changed: Vec<String> = text
        .lines()
        .map(|l| {
            if left > 0 && l.contains(",Black,") {
                left -= 1;
                let mut c: Vec<&str> = l.split(',').collect();
                c[5] = "rare";
                c.join(",")
            } else {
                l.to_owned()
            }
        })
        .collect();
    s.write("patients.csv", &changed.join("\n"));
    let o = s.run();
    assert_eq!(code(&o), 4, "{}", stderr(&o));
    let n = changed.iter().filter(|l| l.contains(",Black,")).count();
    let share = format!("{}", 4.0 / n as f64);
    for file in ["tables/diagnostics.csv", "results.json", "report.html", "run.json"] {
        let text = fs::read_to_string(s.path("results/small").join(file)).unwrap();
        assert!(!text.contains(&share[..7]), "{file} shows {share}");
    }
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

/// A product of a number and a rare level rests on the rare level's units, whichever level is the base.
#[test]
fn products_with_a_rare_level_are_withheld() {
    for base in ["big", "rare"] {
        let dir = tempfile::tempdir().unwrap();
        let mut csv = "g,y,x,t\n".to_owned();
        for i in 0..400usize {
            let t = if i % 41 == 7 { "rare" } else { ["big", "big", "mid"][i % 3] };
            csv.push_str(&format!("{},{},{},{t}\n", if i % 2 == 0 { "A" } else { "B" }, (i * 37 % 101) as f64 / 10.0, (i * 53 % 97) as f64 / 7.0));
        }
        std::fs::write(dir.path().join("d.csv"), csv).unwrap();
        let study = format!(
            "gapshare: 1\nstudy: s\ntables: {{ d: {{ path: d.csv }} }}\ncohort: {{ unit: {{ table: d }} }}\ngroup: {{ column: g, reference: A, index: B }}\n\
             outcome: {{ column: y, family: gaussian }}\nblocks: {{ a: [x, {{ t: {{ categorical: {{ base: {base} }} }} }}, {{ interaction: [x, t] }}] }}\n\
             analyses: {{ primary: {{ oaxaca_blinder: {{ detail: true }} }} }}\n"
        );
        std::fs::write(dir.path().join("s.yaml"), study).unwrap();
        let out = dir.path().join("out");
        let done = std::process::Command::new(env!("CARGO_BIN_EXE_gapshare"))
            .args(["run", "--quiet", "--out"])
            .arg(&out)
            .arg(dir.path().join("s.yaml"))
            .output()
            .unwrap();
        assert_eq!(done.status.code(), Some(0), "{}", String::from_utf8_lossy(&done.stderr));
        let json: serde_json::Value = serde_json::from_slice(&std::fs::read(out.join("results.json")).unwrap()).unwrap();
        let rows = json["decomposition_detail"].as_array().unwrap();
        let rare: Vec<_> = rows.iter().filter(|r| r["term"].as_str().unwrap().contains("rare")).collect();
        assert!(rare.len() >= 4, "{base}: {rows:?}");
        assert!(rare.iter().all(|r| r["estimate"].is_null() && r["withheld"] == true), "{base}: {rare:?}");
        assert!(rows.iter().any(|r| r["term"] == "x" && r["estimate"].is_number()), "{base}");
    }
}
