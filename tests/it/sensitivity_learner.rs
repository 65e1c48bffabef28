//! Other models of outcome and group in the sensitivity section: the analyses that state them, written out.

use crate::cli::{Study, code, stderr};
use crate::frames::near;
use crate::lcg;
use crate::real::rows;
use crate::sensitivity::{GCOMP, as_by_hand, find, on, value};
use gapshare::decompose::crossfit::{CrossFit, SEED};
use gapshare::decompose::fairlie::Fairlie;
use gapshare::decompose::fits::Fits;
use gapshare::decompose::gelbach::Gelbach;
use gapshare::decompose::interventional::{Estimator, Interventional};
use gapshare::decompose::mechanisms::Mechanisms;
use gapshare::decompose::with_and_without::{Surface, WithAndWithout};
use gapshare::decompose::{Component, Method, Part, Vary};
use gapshare::design::Contrast;
use gapshare::estimate::resample::Bootstrap;
use gapshare::model::learner::LearnerKind;
use gapshare::sensitivity::{Figure, Found, Sensitivity, Tried, Variation, Varied};
use gapshare::vocab::BlockSet;
use serde_json::Value;

const GAP: Figure = Figure::Part(Part::Gap, Component::Total);

fn quick(kind: LearnerKind) -> CrossFit {
    CrossFit { splits: 3, folds: 3, ..CrossFit::new(kind) }
}

fn trying(tried: &[Tried]) -> Sensitivity {
    Sensitivity { learner: tried.to_vec(), ..Sensitivity::default() }
}

fn reason(v: &Varied) -> String {
    match &v.found {
        Found::Undefined(reason) => reason.clone(),
        Found::Failed(e) => e.to_string(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn learners_are_the_analyses_that_state_them() {
    let d = lcg::columns().design();
    let (ridge, trees) = (quick(LearnerKind::Ridge), quick(LearnerKind::BoostedTrees));
    let plan = trying(&[Tried::Glm, Tried::Learner(ridge), Tried::Learner(trees)]);
    type Stated = fn(Option<CrossFit>) -> Box<dyn Method>;
    let methods: [Stated; 2] = [
        |learner| Box::new(WithAndWithout { learner, ..WithAndWithout::default() }),
        |learner| Box::new(Mechanisms { sequence: vec![0, 1, 2], learner, ..Mechanisms::default() }),
    ];
    for stated in methods {
        // Whatever the analysis itself is fitted by.
        for own in [None, Some(ridge)] {
            let rows = on(&d, &plan, stated(own).as_ref());
            for (setting, learner) in [("glm", None), ("ridge", Some(ridge)), ("boosted_trees", Some(trees))] {
                let method = stated(learner);
                as_by_hand(setting, &rows, Variation::Learner, setting, &d, method.as_ref());
                let c = Contrast::new(&d, 1);
                let by_hand = method.decompose(&Fits::new(&c)).unwrap();
                for figure in ["split_range", "clipped_group_probabilities"] {
                    let fact = by_hand.facts.iter().find(|f| f.check == figure);
                    let row = rows.iter().find(|v| v.setting == setting && v.figure == Figure::Named(figure));
                    assert_eq!(fact.map(|f| (f.value, f.units)), row.map(|v| (Some(value(v)), v.counted)), "{setting} {figure}");
                    assert_eq!(fact.is_some(), learner.is_some());
                }
                assert!(find(&rows, setting, GAP).blinded, "no reference patient has S > 1");
            }
        }
    }
}

#[test]
fn a_seed_gives_the_same_bits_at_any_number_of_threads() {
    let d = lcg::columns().design();
    let run = |threads: usize, seed: u64| {
        let plan = trying(&[Tried::Learner(CrossFit { seed, ..quick(LearnerKind::BoostedTrees) })]);
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let rows = pool.install(|| on(&d, &plan, &WithAndWithout::default()));
        rows.iter().map(|v| value(v).to_bits()).collect::<Vec<_>>()
    };
    assert_eq!(run(1, 3), run(2, 3));
    assert_ne!(run(2, 3), run(2, 4));
}

#[test]
fn what_takes_no_learner_says_why() {
    let d = lcg::columns().design();
    let plan = trying(&[Tried::Learner(quick(LearnerKind::Ridge))]);
    let pooled = WithAndWithout { surface: Surface::PooledMain, ..GCOMP };
    let cases: [(&dyn Method, &str); 3] = [
        (&pooled, "a learner goes with `surface: reference_model`, not with a pooled surface"),
        (&GCOMP, "a learner goes with `estimator: dr`: its plug-in has no valid standard error"),
        (&Gelbach::default(), "gelbach takes no learner"),
    ];
    for (method, why) in cases {
        let rows = on(&d, &plan, method);
        assert_eq!(rows.iter().map(|v| (v.setting.as_str(), reason(v))).collect::<Vec<_>>(), [("ridge", why.to_owned())]);
    }
    // Hospital ids as fixed effects.
    let mut ids = d.clone();
    ids.factors.push(gapshare::design::Factor {
        variable: "H".into(),
        base: "0".into(),
        columns: (0..d.columns.len()).filter(|j| d.columns[*j].term.starts_with("H=")).collect(),
        fixed_effects: true,
        lost_level: false,
    });
    let rows = on(&ids, &plan, &Mechanisms { sequence: vec![0, 1, 2], ..Mechanisms::default() });
    assert_eq!(reason(&rows[0]), "learners need a group model, which has no fit with fixed effects");
    // Too few clusters for the folds.
    let mut columns = lcg::columns();
    columns.cluster = Some((0..2000).map(|i| (i % 2).to_string()).collect());
    let rows = on(&columns.design(), &plan, &WithAndWithout::default());
    assert!(reason(&rows[0]).contains("2 clusters cannot be split into 3 folds"), "{}", reason(&rows[0]));
    // Nothing but levels.
    let mut columns = lcg::columns();
    columns.allowable.clear();
    columns.blocks.retain(|(block, _)| *block == "H");
    let rows = on(&columns.design(), &trying(&[Tried::Splines]), &GCOMP);
    assert_eq!(reason(&rows[0]), "no variable enters as a number that takes enough values for a spline");
}

/// An analysis by a learner has one estimator and one surface: the others would be the same numbers under another name.
#[test]
fn learners_are_not_given_other_estimators() {
    let d = lcg::columns().design();
    let plan = Sensitivity { vary: vec![Vary::Estimator, Vary::Surface], ..Sensitivity::default() };
    let rows = on(&d, &plan, &WithAndWithout { learner: Some(quick(LearnerKind::Ridge)), ..WithAndWithout::default() });
    let found: Vec<String> = rows.iter().map(reason).collect();
    assert_eq!(found, ["estimator", "surface"].map(|v| format!("with_and_without, as it is set here, has no other {v}")));
}

#[test]
fn seeds_are_those_that_are_drawn_from() {
    let learned = WithAndWithout { learner: Some(CrossFit { seed: 5, ..quick(LearnerKind::Ridge) }), ..WithAndWithout::default() };
    let interventional = |estimator| Interventional {
        equalize: BlockSet::one(1),
        given: BlockSet::one(0),
        estimator,
        bootstrap: Bootstrap { replicates: 50, seed: 7 },
    };
    let cases: [(&dyn Method, Option<u64>); 6] = [
        (&learned, Some(5)),
        (&GCOMP, None),
        (&interventional(Estimator::Donors), Some(7)),
        (&interventional(Estimator::Dr), None),
        (&Fairlie { reps: Some(10), ..Fairlie::default() }, Some(20_260_101)),
        (&Fairlie::default(), None),
    ];
    for (method, seed) in cases {
        assert_eq!(method.seed(), seed, "{method:?}");
    }
}

fn results(s: &Study, out: &str) -> Value {
    serde_json::from_slice(&std::fs::read(s.path(out).join("results.json")).unwrap()).unwrap()
}

fn seeds(s: &Study, out: &str) -> Value {
    let run: Value = serde_json::from_slice(&std::fs::read(s.path(out).join("run.json")).unwrap()).unwrap();
    run["seeds"].clone()
}

/// From study file to table: each setting is the study that states it.
#[test]
fn a_study_varies_its_models() {
    let s = Study::new();
    s.edit("study.yaml", "estimator: gcomp", "attribution: shapley");
    let section = "sensitivity:\n  learner: { try: [splines, ridge], folds: 3 }\nanalyses:";
    for (name, from, to) in [
        ("varied", "analyses:", section),
        ("ridge", "attribution: shapley", "learner: ridge, folds: 3"),
        (
            "splines",
            "allowable: [age]\nblocks:\n  clinical: [lab, { type: { categorical: { base: a } } }]\n  hospital: [h_volume]",
            "allowable: [{ age: { spline: { df: 4 } } }]\nblocks:\n  clinical: [{ lab: { spline: { df: 4 } } }, { type: { categorical: { base: a } } }]\n  \
             hospital: [{ h_volume: { spline: { df: 4 } } }]",
        ),
    ] {
        std::fs::copy(s.path("study.yaml"), s.path(&format!("{name}.yaml"))).unwrap();
        s.edit(&format!("{name}.yaml"), from, to);
        let o = s.call(&["run", &format!("{name}.yaml"), "--quiet", "--out", name]);
        assert!(code(&o) <= 1, "{}", stderr(&o));
    }
    let varied = results(&s, "varied");
    for setting in ["splines", "ridge"] {
        let by_hand = results(&s, setting);
        let want = rows(&by_hand, "decomposition", &[("analysis", "primary")]);
        assert!(want.len() >= 6, "{want:?}");
        for w in want {
            let keys = ["part", "component"].map(|k| (k, w[k].as_str().unwrap()));
            let got = rows(&varied, "sensitivity", &[("variation", "learner"), ("setting", setting), keys[0], keys[1]]);
            assert_eq!(got.len(), 1, "{setting} {keys:?}");
            for figure in ["estimate", "std_error", "conf_low", "conf_high"] {
                near(figure, got[0][figure].as_f64().unwrap(), w[figure].as_f64().unwrap(), 1e-12);
            }
        }
    }
    let gap = |json: &Value| rows(json, "decomposition", &[("part", "unexplained")])[0]["estimate"].as_f64().unwrap();
    assert_ne!(gap(&results(&s, "splines")), gap(&varied));
    assert_eq!(seeds(&s, "varied"), serde_json::json!({ "sensitivity.learner": SEED }));
    assert_eq!(seeds(&s, "ridge"), serde_json::json!({ "primary": SEED }));
    assert_eq!(seeds(&s, "splines"), serde_json::json!({}));
    let html = std::fs::read_to_string(s.path("varied/report.html")).unwrap();
    for text in ["Other models of outcome and group: primary", "Ridge: its random splits of the sample differ by up to"] {
        assert!(html.contains(text), "{text}");
    }
}
