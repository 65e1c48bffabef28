//! Negative controls: outcomes that neither the group nor the blocks can have affected, on data of known truth.

use crate::cli::{Study, code, stderr};
use crate::frames::{Columns, near};
use crate::lcg;
use crate::real::rows;
use crate::sensitivity::{GCOMP, as_by_hand};
use gapshare::decompose::fits::Fits;
use gapshare::decompose::mechanisms::Mechanisms;
use gapshare::decompose::with_and_without::WithAndWithout;
use gapshare::decompose::{Component, Method, Part};
use gapshare::design::{Contrast, Design};
use gapshare::estimate::resample::{stream, uniform};
use gapshare::sensitivity::{Control, Figure, Found, Sensitivity, Variation, Varied, vary};
use gapshare::vocab::Family;
use serde_json::Value;

fn on(d: &Design, controls: &[Control], method: &dyn Method) -> Vec<Varied> {
    let c = Contrast::new(d, 1);
    vary(&Sensitivity::default(), controls, &Fits::new(&c), method, 0.95)
}

/// Outcomes of the LCG rows: by chance alone, and by a factor that differs between the groups and that nobody measured.
fn outcomes(seed: u64) -> [Vec<f64>; 3] {
    let mut rng = stream(seed, 0);
    let data = lcg::rows();
    let null = data.iter().map(|_| f64::from(u8::from(uniform(&mut rng) < 0.3))).collect();
    let number = data.iter().map(|_| uniform(&mut rng) + uniform(&mut rng)).collect();
    let confounded = data.iter().map(|r| f64::from(u8::from(uniform(&mut rng) < 0.25 + 0.15 * r[0]))).collect();
    [null, number, confounded]
}

/// The control in the order of the design's rows.
fn control(name: &str, d: &Design, family: Family, y: &[f64]) -> Control {
    Control { name: name.into(), family, y: d.cohort_row.iter().map(|r| y[*r as usize]).collect() }
}

const UNEXPLAINED: Figure = Figure::Part(Part::Unexplained, Component::Total);

/// Every interval of a null outcome holds 0 as often as it says, and a factor that differs between groups shows as not explained.
#[test]
fn null_outcomes_are_near_zero_and_confounded_ones_are_not() {
    let d = lcg::columns().design();
    let (mut held, mut all) = (0, 0);
    for seed in 0..60 {
        let [null, number, confounded] = outcomes(seed);
        let controls = [control("null", &d, Family::Binomial, &null), control("number", &d, Family::Gaussian, &number)];
        for v in on(&d, &controls, &GCOMP) {
            let Found::Estimate(e) = &v.found else { panic!("{v:?}") };
            all += 1;
            held += usize::from(e.conf_low <= 0.0 && e.conf_high >= 0.0);
            assert!(e.estimate.abs() < 5.0 * e.std_error, "{seed}: {v:?}");
        }
        if seed < 5 {
            let rows = on(&d, &[control("confounded", &d, Family::Binomial, &confounded)], &GCOMP);
            let Some(Found::Estimate(e)) = rows.iter().find(|v| v.figure == UNEXPLAINED).map(|v| &v.found) else { panic!("{rows:?}") };
            assert!(e.conf_low > 0.0 && (e.estimate - 0.15).abs() < 4.0 * e.std_error, "{e:?}");
        }
    }
    // 60 samples of 2 outcomes, 7 rows each (gap, allowable, explained, three blocks, unexplained), correlated within a sample.
    assert_eq!(all, 840);
    let share = f64::from(held as u32) / 840.0;
    assert!((0.92..=0.98).contains(&share), "{share}");
}

/// A control is the study with that outcome, without the units that lack it.
#[test]
fn controls_are_the_studies_of_their_outcomes() {
    let columns = |weighted: bool| {
        let mut c = lcg::columns();
        c.cluster = Some((0..2000).map(|i| format!("{:02}", i * 7 % 40)).collect());
        c.weight = weighted.then(|| (0..2000).map(|i| 1.0 + f64::from(i % 4)).collect());
        c
    };
    let [mut null, mut number, _] = outcomes(3);
    (0..2000).step_by(9).for_each(|i| null[i] = f64::NAN);
    number[17] = f64::NAN;
    let counts: Vec<f64> = (0..2000).map(|i| f64::from((i * i % 11) as u32 % 4)).collect();
    for weighted in [false, true] {
        let d = columns(weighted).design();
        for (name, family, y) in [("null", Family::Binomial, &null), ("number", Family::Gaussian, &number), ("counts", Family::Poisson, &counts)] {
            let keep: Vec<usize> = (0..2000).filter(|i| !y[*i].is_nan()).collect();
            let some = |v: &[f64]| keep.iter().map(|i| v[*i]).collect::<Vec<f64>>();
            let whole = columns(weighted);
            let named = |list: &[(&'static str, Vec<f64>)]| list.iter().map(|(t, v)| (*t, some(v))).collect::<Vec<_>>();
            let by_hand = Columns {
                family,
                y: some(y),
                group: some(&whole.group),
                allowable: named(&whole.allowable),
                blocks: whole.blocks.iter().map(|(b, c)| (*b, named(c))).collect(),
                weight: whole.weight.as_deref().map(some),
                cluster: whole.cluster.as_ref().map(|c| keep.iter().map(|i| c[*i].clone()).collect()),
            }
            .design();
            let methods: [&dyn Method; 3] = [&WithAndWithout::default(), &GCOMP, &Mechanisms { sequence: vec![0, 1, 2], ..Mechanisms::default() }];
            for method in methods {
                let found = on(&d, &[control(name, &d, family, y)], method);
                as_by_hand(name, &found, Variation::NegativeControl, name, &by_hand, method);
                let retained = found[0].retained.unwrap();
                assert_eq!(retained.n, (by_hand.groups[0].rows.len(), by_hand.groups[1].rows.len()));
                assert_eq!(retained.n.0 + retained.left_out.0 + retained.n.1 + retained.left_out.1, 2000);
                assert_eq!(retained.events.is_none(), family == Family::Gaussian);
                assert!(found.iter().all(|v| v.scale == Some(family.scale())));
            }
        }
    }
}

#[test]
fn controls_that_cannot_be_analysed_say_why() {
    let d = lcg::columns().design();
    let reason = |y: &[f64]| {
        let rows = on(&d, &[control("x", &d, Family::Binomial, y)], &GCOMP);
        match rows.as_slice() {
            [Varied { found: Found::Undefined(reason), .. }] => reason.clone(),
            [Varied { found: Found::Failed(e), .. }] => e.to_string(),
            other => panic!("{other:?}"),
        }
    };
    let index: Vec<f64> = lcg::rows().iter().map(|r| if r[0] == 1.0 { f64::NAN } else { r[5] }).collect();
    assert_eq!(reason(&index), "it is known of no unit of a group");
    assert!(reason(&[0.0; 2000]).contains("does not vary"), "{}", reason(&[0.0; 2000]));
}

/// From study file to table, report and messages.
#[test]
fn a_study_has_controls() {
    let s = Study::new();
    let text = std::fs::read_to_string(s.path("patients.csv")).unwrap();
    let mut rng = stream(11, 0);
    let lines: Vec<String> = text
        .lines()
        .enumerate()
        .map(|(i, line)| match i {
            0 => format!("{line},fracture,ldl,eyes"),
            _ => {
                let fracture = u8::from(uniform(&mut rng) < 0.3);
                let ldl = if i % 12 == 0 { String::new() } else { format!("{:.3}", 3.0 + uniform(&mut rng)) };
                format!("{line},{fracture},{ldl},{}", ["brown", "blue"][i % 2])
            }
        })
        .collect();
    s.write("patients.csv", &lines.join("\n"));
    let section = "sensitivity:\n  negative_control: { outcomes: [fracture, { ldl: { family: gaussian } }, { eyes: { event: blue } }] }\nanalyses:";
    for (name, from, to) in [
        ("all", "analyses:", section),
        ("fracture", "column: died", "column: fracture"),
        ("ldl", "column: died, family: binomial", "column: ldl, family: gaussian"),
        ("eyes", "column: died, family: binomial", "column: eyes, family: binomial, event: blue"),
    ] {
        std::fs::copy(s.path("study.yaml"), s.path(&format!("{name}.yaml"))).unwrap();
        s.edit(&format!("{name}.yaml"), from, to);
        let o = s.call(&["run", &format!("{name}.yaml"), "--quiet", "--out", name]);
        assert!(code(&o) <= 1, "{name}: {}", stderr(&o));
        if name == "all" {
            assert!(stderr(&o).contains("control outcome `ldl`: missing in 50 of 600 rows"), "{}", stderr(&o));
        }
    }
    let json = |name: &str| -> Value { serde_json::from_slice(&std::fs::read(s.path(name).join("results.json")).unwrap()).unwrap() };
    let all = json("all");
    for name in ["fracture", "ldl", "eyes"] {
        let by_hand = json(name);
        for w in rows(&by_hand, "decomposition", &[("analysis", "primary")]) {
            let keys = ["part", "component"].map(|k| (k, w[k].as_str().unwrap()));
            let got = rows(&all, "sensitivity", &[("variation", "negative_control"), ("setting", name), keys[0], keys[1]]);
            assert_eq!(got.len(), 1, "{name} {keys:?}");
            for figure in ["estimate", "std_error", "conf_low", "conf_high"] {
                near(figure, got[0][figure].as_f64().unwrap(), w[figure].as_f64().unwrap(), 1e-12);
            }
            assert_eq!(got[0]["scale"], w["scale"]);
            let gap = rows(&by_hand, "gap", &[])[0];
            assert_eq!((&got[0]["n_reference"], &got[0]["n_index"]), (&gap["n_reference"], &gap["n_index"]));
        }
    }
    let html = std::fs::read_to_string(s.path("all/report.html")).unwrap();
    for text in ["Negative control, ldl: primary", "Index units in it", "should be near 0"] {
        assert!(html.contains(text), "{text}");
    }
    // The resolved study runs to the same numbers.
    std::fs::copy(s.path("all/study.resolved.yaml"), s.path("all/again.yaml")).unwrap();
    assert!(code(&s.call(&["run", "all/again.yaml", "--quiet", "--out", "again"])) <= 1);
    assert_eq!(json("again")["sensitivity"], all["sensitivity"]);
    // What cannot be one.
    for (entry, error, says) in [
        ("fractur", "G203", "column `fractur` is not in any table"),
        ("eyes", "G211", "`eyes` holds text, so it must be said which values are the event"),
        ("{ eyes: { family: gaussian } }", "G211", "a gaussian outcome is a column of numbers, and `eyes` holds text"),
        ("died", "G206", "`died` is the outcome and cannot be the outcome of a negative control"),
        ("lab", "G206", "`lab` is a variable of the study and cannot be the outcome of a negative control"),
        ("ldl", "G306", "control outcome `ldl` takes"),
    ] {
        std::fs::copy(s.path("study.yaml"), s.path("wrong.yaml")).unwrap();
        s.edit("wrong.yaml", "analyses:", &format!("sensitivity: {{ negative_control: {{ outcomes: [{entry}] }} }}\nanalyses:"));
        let o = s.call(&["run", "wrong.yaml", "--quiet"]);
        assert!(code(&o) >= 2 && stderr(&o).contains(error) && stderr(&o).contains(says), "{entry}: {}", stderr(&o));
    }
}
