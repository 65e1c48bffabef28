//! Oaxaca-Blinder in detail against R `oaxaca`, `OaxacaBlinder` (sinanpl), statsmodels and the formulas of Yun (2004).

use crate::frames::{Columns, Frame, close, expected, near};
use gapshare::decompose::fits::Fits;
use gapshare::decompose::oaxaca::{Coefficients, Fold, OaxacaBlinder};
use gapshare::decompose::yun::Yun;
use gapshare::decompose::{Component, Decomposition, Detail, Method, Part, StdErrors};
use gapshare::design::{Contrast, Design, Factor};
use gapshare::estimate::Sampling;
use gapshare::vocab::Family;

pub fn decompose(d: &Design, m: &dyn Method) -> Decomposition {
    let c = Contrast::new(d, 1);
    m.decompose(&Fits::new(&c)).unwrap_or_else(|e| panic!("{m:?}: {e}"))
}

pub fn total(d: &Decomposition, part: Part) -> f64 {
    d.row(part, Component::Total).unwrap_or_else(|| panic!("no {part:?}")).estimate.value
}

pub fn term<'a>(d: &'a Decomposition, part: Part, term: &str) -> &'a Detail {
    d.detail.iter().find(|t| t.part == part && t.term == term).unwrap_or_else(|| panic!("no {part:?} {term}"))
}

/// Index: native born (R's group A), reference: foreign born; education as a factor with base high school.
pub fn chicago() -> Option<Design> {
    let f = Frame::read("reference/data/chicago.csv")?;
    let levels = ["LTHS", "some.college", "college", "advanced.degree"];
    let education = levels.iter().map(|t| (*t, f.number(t))).collect();
    let group = f.number("foreign.born").iter().map(|v| 1.0 - v).collect();
    let blocks = vec![("age", vec![("age", f.number("age"))]), ("sex", vec![("female", f.number("female"))]), ("education", education)];
    let y = f.number("ln.real.wage");
    let mut d = Columns { family: Family::Gaussian, y, group, allowable: vec![], blocks, weight: None, cluster: None }.design();
    let columns: Vec<usize> = levels.iter().map(|l| d.columns.iter().position(|c| c.term == *l).unwrap()).collect();
    for (&j, l) in columns.iter().zip(levels) {
        d.columns[j].variable = "education".into();
        d.columns[j].level = Some(l.into());
    }
    d.factors.push(Factor { variable: "education".into(), base: "high.school".into(), columns, fixed_effects: false, lost_level: false });
    Some(d)
}

pub fn homecomp(group: &str, blocks: &[(&'static str, &[&'static str])]) -> Option<Design> {
    let f = Frame::read("reference/data/homecomp_bw.csv")?;
    let blocks = blocks.iter().map(|(b, terms)| (*b, terms.iter().map(|t| (*t, f.number(t))).collect())).collect();
    let (y, group) = (f.number("homecomp"), f.number(group));
    Some(Columns { family: Family::Binomial, y, group, allowable: vec![], blocks, weight: None, cluster: None }.design())
}

pub const HOMECOMP: [&str; 7] = ["female", "age", "hsgrad", "somecol", "college", "married", "prevmar"];

const REFERENCES: [(Coefficients, &str); 6] = [
    (Coefficients::Reference, "0"),
    (Coefficients::Index, "1"),
    (Coefficients::Reimers, "0.5"),
    (Coefficients::Cotton, "nA/n"),
    (Coefficients::Neumark, "-1"),
    (Coefficients::Pooled, "-2"),
];

/// Parts of a two-fold decomposition, and what R oaxaca calls them.
const TWO_FOLD: [(Part, &str); 4] = [
    (Part::Explained, "explained"),
    (Part::Unexplained, "unexplained"),
    (Part::UnexplainedIndex, "unexplained A"),
    (Part::UnexplainedReference, "unexplained B"),
];

/// The peers print 12 digits: what they leave of small numbers is compared on the scale of the gap.
#[track_caller]
fn printed(what: &str, got: f64, want: f64) {
    assert!((got - want).abs() <= 1e-8 * want.abs().max(1e-3), "{what}: got {got:.15}, want {want:.15}");
}

/// C01: every variable, without normalisation; the two halves of what is not explained.
#[test]
fn c01_detail_without_normalisation() {
    let (Some(d), Some(want)) = (chicago(), expected("C01")) else { return };
    let settings = OaxacaBlinder { detail: true, normalize: false, ..OaxacaBlinder::default() };
    for (reference, w) in REFERENCES {
        let out = decompose(&d, &OaxacaBlinder { reference, ..settings.clone() });
        for (part, key) in TWO_FOLD {
            // R's pooled fit has the indicator of its group B, so its intercept is group A's; ours has that of the index group, A, and so
            // group B's intercept: the coefficient of the indicator stands in the other half.
            let moved = match (reference, part) {
                (Coefficients::Pooled, Part::UnexplainedIndex) => -total(&out, Part::Unexplained),
                (Coefficients::Pooled, Part::UnexplainedReference) => total(&out, Part::Unexplained),
                _ => 0.0,
            };
            printed(w, total(&out, part) + moved, want[&format!("twofold|w={w}|coef({key})")].0);
            for (k, (value, _)) in
                want.iter().filter_map(|(k, v)| Some((k.strip_prefix(&format!("twofold.var|w={w}|"))?.strip_suffix(&format!("|coef({key})"))?, v)))
            {
                match (k, part) {
                    ("(Intercept)", Part::Explained) => assert_eq!(*value, 0.0),
                    ("(Intercept)", _) => printed(k, term(&out, part, "(intercept)").estimate.value + moved, *value),
                    _ => printed(k, term(&out, part, k).estimate.value, *value),
                }
            }
        }
    }
    let out = decompose(&d, &OaxacaBlinder { fold: Fold::Three, ..settings });
    for (part, key) in [(Part::Endowments, "endowments"), (Part::Coefficients, "coefficients"), (Part::Interaction, "interaction")] {
        for name in ["age", "female", "LTHS", "some.college", "college", "advanced.degree"] {
            printed(name, term(&out, part, name).estimate.value, want[&format!("threefold.var|{name}|coef({key})")].0);
        }
    }
}

/// C01c: education normalised over all five levels. For weight -2 R oaxaca 0.1.5 takes the un-normalised pooled vector in its
/// detail (METHODS 4.2): ours is the formula, C02's `jann invariant` has the same numbers, and R's difference is recorded.
#[test]
fn c01c_detail_with_normalisation() {
    let (Some(d), Some(want)) = (chicago(), expected("C01c")) else { return };
    let settings = OaxacaBlinder { detail: true, ..OaxacaBlinder::default() };
    let names = [
        ("age", "age"),
        ("female", "female"),
        ("LTHS", "LTHS"),
        ("some.college", "some.college"),
        ("college", "college"),
        ("advanced.degree", "advanced.degree"),
        ("education=high.school", "(Base)"),
    ];
    for (reference, w) in REFERENCES {
        let out = decompose(&d, &OaxacaBlinder { reference, ..settings.clone() });
        for (part, key) in TWO_FOLD {
            let r = |name: &str| want[&format!("twofold.var|w={w}|{name}|coef({key})")].0;
            for (ours, theirs) in names {
                let got = term(&out, part, ours).estimate.value;
                if w != "-2" || matches!(ours, "age" | "female") {
                    printed(ours, got, r(theirs));
                } else {
                    assert!((got - r(theirs)).abs() > 1e-4, "{ours}: R's defect is gone? {got} {}", r(theirs));
                }
            }
            if part != Part::Explained && w != "-2" {
                printed("intercept", term(&out, part, "(intercept)").estimate.value, r("(Intercept)"));
            }
        }
        let of_block = out.row(Part::Unexplained, Component::Block(2)).unwrap().estimate.value;
        let sum: f64 = out.detail.iter().filter(|t| t.part == Part::Unexplained && t.variable == "education").map(|t| t.estimate.value).sum();
        near("education", of_block, sum, 1e-14);
    }
    let out = decompose(&d, &OaxacaBlinder { fold: Fold::Three, ..settings });
    for (part, key) in [(Part::Endowments, "endowments"), (Part::Coefficients, "coefficients"), (Part::Interaction, "interaction")] {
        for (ours, theirs) in names {
            printed(ours, term(&out, part, ours).estimate.value, want[&format!("threefold.var|{theirs}|coef({key})")].0);
        }
    }
}

/// C02: the factor as one variable, with and without normalisation. Its baseline-invariant tables call the base level
/// `education.baseline` (here the advanced degree), and the plain ones take that level as the base.
#[test]
fn c02_factor_variable() {
    let Some(f) = Frame::read("reference/data/chicago_long.csv") else { return };
    let levels = ["LTHS", "high.school", "some.college", "college"];
    let education = levels.iter().map(|l| (*l, f.is("education", l))).collect();
    let group = f.number("foreign_born").iter().map(|v| 1.0 - v).collect();
    let blocks = vec![("all", vec![("age", f.number("age")), ("female", f.number("female"))]), ("education", education)];
    let mut d =
        Columns { family: Family::Gaussian, y: f.number("ln_real_wage"), group, allowable: vec![], blocks, weight: None, cluster: None }.design();
    let columns: Vec<usize> = levels.iter().map(|l| d.columns.iter().position(|c| c.term == *l).unwrap()).collect();
    columns.iter().for_each(|&j| d.columns[j].variable = "education".into());
    d.factors.push(Factor { variable: "education".into(), base: "advanced.degree".into(), columns, fixed_effects: false, lost_level: false });
    let two = [
        (Part::Explained, "explained"),
        (Part::Unexplained, "unexplained"),
        (Part::UnexplainedIndex, "unexplained_a"),
        (Part::UnexplainedReference, "unexplained_b"),
    ];
    let three = [(Part::Endowments, "endowments"), (Part::Coefficients, "coefficients"), (Part::Interaction, "interaction")];
    let mut compared = 0;
    for (case, reference, fold, parts) in [
        ("C02.twofold.neumark.", Coefficients::Neumark, Fold::Two, two.as_slice()),
        ("C02.twofold.jann.", Coefficients::Pooled, Fold::Two, two.as_slice()),
        ("C02.threefold..", Coefficients::Reference, Fold::Three, three.as_slice()),
    ] {
        for (kind, normalize) in [("plain", false), ("invariant", true)] {
            let Some(want) = expected(&format!("{case}{kind}")) else { return };
            let out = decompose(&d, &OaxacaBlinder { reference, fold, normalize, detail: true, ..OaxacaBlinder::default() });
            close("gap", total(&out, Part::Gap), want["gap|gap"].0, 1e-10);
            for (part, key) in parts {
                // As in C01: the intercept of the pooled fit is the other group's.
                let moved = match (reference, part) {
                    (Coefficients::Pooled, Part::UnexplainedIndex) => -total(&out, Part::Unexplained),
                    (Coefficients::Pooled, Part::UnexplainedReference) => total(&out, Part::Unexplained),
                    _ => 0.0,
                };
                printed(key, total(&out, *part) + moved, want[&format!("overall|{key}")].0);
                for (name, (value, _)) in want.iter().filter_map(|(k, v)| Some((k.strip_prefix("var|")?.strip_suffix(&format!("|{key}"))?, v))) {
                    let ours = match name {
                        "(Intercept)" if matches!(part, Part::Explained | Part::Endowments | Part::Interaction) => {
                            assert_eq!(*value, 0.0);
                            continue;
                        }
                        "(Intercept)" => "(intercept)",
                        "education.baseline" => "education=advanced.degree",
                        other => other.strip_prefix("education").unwrap_or(other),
                    };
                    printed(name, term(&out, *part, ours).estimate.value + if ours == "(intercept)" { moved } else { 0.0 }, *value);
                    compared += 1;
                }
            }
        }
    }
    assert!(compared > 150, "{compared}");
}

/// METHODS 4.3: classical errors by Jann's (2008) formula, wages in dollars; normalised coefficients of the same fit.
#[test]
fn classical_errors_and_normalised_coefficients_have_the_golden_values() {
    let Some(mut d) = chicago() else { return };
    d.y.mapv_inplace(f64::exp);
    let out = decompose(&d, &OaxacaBlinder { reference: Coefficients::Index, se: StdErrors::Classical, detail: true, ..OaxacaBlinder::default() });
    let classical = |part| out.row(part, Component::Total).unwrap().classical.unwrap();
    near("explained", classical(Part::Explained), 0.8245579, 6e-8);
    near("unexplained", classical(Part::Unexplained), 0.9707182, 6e-8);
    // The golden values are of the reference viewpoint with native born as the reference: the signs turn.
    for (name, want) in [("education", -0.7038093331), ("(intercept)", 4.2637494028), ("age", -7.5585307011), ("female", 1.1652645703)] {
        let sum: f64 =
            out.detail.iter().filter(|t| t.part == Part::Unexplained && (t.term == name || t.variable == name)).map(|t| t.estimate.value).sum();
        near(name, -sum, want, 1e-9);
    }
    for (name, want) in [("education", -2.4544774952), ("age", 1.7491472357), ("female", 0.5230820349)] {
        let sum: f64 = out.detail.iter().filter(|t| t.part == Part::Explained && t.variable == name).map(|t| t.estimate.value).sum();
        near(name, -sum, want, 1e-9);
    }
}

/// C01b: R's bootstrap with 1,000 replicates; ours are influence errors. 10% at R's weight nA/n.
#[test]
fn c01b_influence_errors_are_near_the_bootstrap() {
    let (Some(d), Some(want)) = (chicago(), expected("C01b.boot1000")) else { return };
    let s = Sampling::new(666, None, 0.95);
    let within = |what: &str, got: f64, want: f64, tolerance: f64| assert!((got / want - 1.0).abs() < tolerance, "{what}: {got} against {want}");
    for (reference, w) in REFERENCES {
        let out = decompose(&d, &OaxacaBlinder { reference, detail: true, ..OaxacaBlinder::default() });
        for (part, key) in TWO_FOLD {
            let r = want[&format!("twofold|w={w}|se({key})")].0;
            let got = s.std_error(&out.row(part, Component::Total).unwrap().estimate);
            if let (Coefficients::Pooled | Coefficients::Cotton, Part::UnexplainedIndex | Part::UnexplainedReference) = (reference, part) {
                // Compared the other way round. Pooled: the intercept is the other group's, see C01. nA/n: R's errors, .0189 and .0248 for
                // halves of .57 and .43 of one difference, are those of nB/n: read off the figures, not the source.
                let other = if part == Part::UnexplainedIndex { "unexplained B" } else { "unexplained A" };
                let r = want[&format!("twofold|w={w}|se({other})")].0;
                if r < 1e-10 {
                    assert!(got < 1e-9, "{w} {other}: {got}");
                } else {
                    within(key, got, r, 0.05);
                }
                continue;
            }
            if r < 1e-10 {
                assert!(got < 1e-9, "{w} {key}: {got}");
            } else {
                within(&format!("{w} {key}"), got, r, if w == "nA/n" { 0.10 } else { 0.05 });
            }
        }
    }
    let out = decompose(&d, &OaxacaBlinder { fold: Fold::Three, ..OaxacaBlinder::default() });
    for (part, key) in [(Part::Endowments, "endowments"), (Part::Coefficients, "coefficients"), (Part::Interaction, "interaction")] {
        within(key, s.std_error(&out.row(part, Component::Total).unwrap().estimate), want[&format!("threefold|se({key})")].0, 0.05);
    }
}

/// C03: statsmodels on home computers, a linear probability model; it takes white minus black.
#[test]
fn c03_statsmodels_homecomp() {
    let (Some(d), Some(want)) = (homecomp("white", &[("all", &HOMECOMP)]), expected("C03.homecomp")) else { return };
    for (reference, key) in [
        (Coefficients::Pooled, "pooled"),
        (Coefficients::Neumark, "nuemark"),
        (Coefficients::Reimers, "reimers"),
        (Coefficients::Reference, "self_submitted=0"),
        (Coefficients::Index, "self_submitted=1"),
    ] {
        let out = decompose(&d, &OaxacaBlinder { reference, linear: true, ..OaxacaBlinder::default() });
        for (part, name) in [(Part::Gap, "gap"), (Part::Explained, "explained"), (Part::Unexplained, "unexplained")] {
            close(key, total(&out, part), want[&format!("two_fold|{key}|{name}")].0, 1e-8);
        }
    }
}

/// C08a: aggregate logit decomposition with three references, and three-fold from the black viewpoint.
#[test]
fn c08a_logit_aggregate() {
    let (Some(d), Some(want)) = (homecomp("white", &[("all", &HOMECOMP)]), expected("C08a")) else { return };
    // The pooled fit has the indicator of black respondents, as here when they are the index group: the gap turns its sign.
    let Some(turned) = homecomp("black", &[("all", &HOMECOMP)]) else { return };
    let out = decompose(&turned, &OaxacaBlinder { reference: Coefficients::Pooled, ..OaxacaBlinder::default() });
    for (part, key) in [(Part::Explained, "explained"), (Part::Unexplained, "unexplained")] {
        close(key, -total(&out, part), want[&format!("{key}|pooled+black")].0, 1e-8);
    }
    for (reference, key) in [(Coefficients::Index, "white"), (Coefficients::Reference, "black")] {
        let out = decompose(&d, &OaxacaBlinder { reference, ..OaxacaBlinder::default() });
        close("gap", total(&out, Part::Gap), want["gap(white-black)"].0, 1e-8);
        close(key, total(&out, Part::Explained), want[&format!("explained|{key}")].0, 1e-8);
        close(key, total(&out, Part::Unexplained), want[&format!("unexplained|{key}")].0, 1e-8);
    }
    let out = decompose(&d, &OaxacaBlinder { fold: Fold::Three, ..OaxacaBlinder::default() });
    for (part, key) in [(Part::Endowments, "endowments(black ref)"), (Part::Coefficients, "coefficients"), (Part::Interaction, "interaction")] {
        close(key, total(&out, part), want[&format!("threefold|{key}")].0, 1e-8);
    }
}

/// C08b: Yun's detail with its delta-method errors at fixed regressors, as Stata mvdcmp; white first, and the reverse.
#[test]
fn c08b_yun_detail_with_classical_errors() {
    let Some(want) = expected("C08b.yun") else { return };
    for (index, coefficients, prefix) in [("white", Coefficients::Index, "A=white"), ("black", Coefficients::Index, "A=black(reverse)")] {
        let Some(d) = homecomp(index, &[("all", &HOMECOMP)]) else { return };
        let out = decompose(&d, &Yun { coefficients, se: StdErrors::Classical });
        for (part, letter) in [(Part::Explained, "E"), (Part::Unexplained, "C")] {
            let row = out.row(part, Component::Total).unwrap();
            let (value, se) = want[&format!("{prefix}|{letter}")];
            close(prefix, row.estimate.value, value, 1e-8);
            close("standard error", row.classical.unwrap(), se.unwrap(), 1e-6);
            for name in HOMECOMP.into_iter().chain(["(Intercept)"]) {
                let (value, se) = want[&format!("{prefix}|{letter}|{name}")];
                if name == "(Intercept)" && part == Part::Explained {
                    continue;
                }
                let t = term(&out, part, if name == "(Intercept)" { "(intercept)" } else { name });
                close(name, t.estimate.value, value, 1e-8);
                close("standard error", t.classical.unwrap(), se.unwrap(), 1e-6);
            }
        }
    }
}
