//! GEN-E, the example population: what each question answers where the causes are known (METHODS 8.3).

use crate::frames::Columns;
use gapshare::decompose::crossfit::CrossFit;
use gapshare::decompose::fits::Fits;
use gapshare::decompose::gelbach::Gelbach;
use gapshare::decompose::mechanisms::Mechanisms;
use gapshare::decompose::oaxaca::OaxacaBlinder;
use gapshare::decompose::{Component, Method, Part};
use gapshare::design::{Contrast, Design};
use gapshare::estimate::Sampling;
use gapshare::model::learner::LearnerKind;
use gapshare::synth::{Unit, draw_units, read_spec, truth};
use gapshare::vocab::Family;
use std::path::Path;

const SES: usize = 0;
const BIOLOGY: usize = 1;
const HOSPITAL: usize = 2;

/// Blocks in causal order: socioeconomic, biological, hospital (its quality).
fn design(units: &[Unit]) -> Design {
    let column = |f: &dyn Fn(&Unit) -> f64| units.iter().map(f).collect::<Vec<f64>>();
    let yes = |b: bool| f64::from(u8::from(b));
    let columns = Columns {
        family: Family::Binomial,
        y: column(&|u| yes(u.outcome)),
        group: column(&|u| yes(u.index)),
        allowable: vec![("age", column(&|u| u.age_years)), ("female", column(&|u| yes(u.female)))],
        blocks: vec![
            ("socioeconomic", vec![("deprivation", column(&|u| u.deprivation)), ("medicaid", column(&|u| yes(u.medicaid)))]),
            ("biological", vec![("diabetes", column(&|u| yes(u.diabetes))), ("egfr", column(&|u| u.egfr)), ("lvef", column(&|u| u.lvef))]),
            ("hospital", vec![("quality", column(&|u| u.quality))]),
        ],
        weight: None,
        cluster: None,
    };
    columns.design()
}

/// Socioeconomic circumstances are the only thing that differs, and act through clinical status and hospitals alone: the path estimate
/// gives them all of the gap, Oaxaca-Blinder and Gelbach give it to what they act through.
#[test]
fn a_mediated_cause_is_credited_by_mechanisms_and_not_by_regression() {
    let spec = read_spec(&Path::new(env!("CARGO_MANIFEST_DIR")).join("synthetic_data/mediated_ses.spec.yaml")).unwrap();
    let known = truth(&spec, 400_000);
    let units = draw_units(&spec, 60_000, 1);
    let d = design(&units);
    let c = Contrast::new(&d, 1);
    let fits = Fits::new(&c);
    let sampling = Sampling::new(c.n(), None, 0.95);
    let blocks = |m: &dyn Method| {
        let found = m.decompose(&fits).unwrap();
        [SES, BIOLOGY, HOSPITAL].map(|k| {
            let e = &found.row(Part::Explained, Component::Block(k)).unwrap().estimate;
            (e.value, sampling.std_error(e))
        })
    };
    let path = blocks(&Mechanisms::default());
    for (k, (value, se)) in path.iter().enumerate() {
        let want = known.path(k).value;
        assert!((value - want).abs() < 3.0 * se, "{k}: {value} ({se}), truth {want}");
    }
    assert!(path[SES].0 > 3.0 * path[SES].1);
    for m in [&OaxacaBlinder { linear: true, ..OaxacaBlinder::default() } as &dyn Method, &Gelbach { linear: true, ..Gelbach::default() }] {
        let found = blocks(m);
        assert!(found[SES].0.abs() < 3.0 * found[SES].1, "{}: {found:?}", m.name());
        assert!(found[BIOLOGY].0 > 3.0 * found[BIOLOGY].1 && found[HOSPITAL].0 > 3.0 * found[HOSPITAL].1, "{}: {found:?}", m.name());
    }
}

/// Cross-fitted learners in the whole chain: the answers of the base population, parts that sum, and the index group's own mean untouched.
#[test]
fn learned_mechanisms_find_the_population_s_parts() {
    let spec = read_spec(&Path::new(env!("CARGO_MANIFEST_DIR")).join("synthetic_data/cardiac_surgery.spec.yaml")).unwrap();
    let known = truth(&spec, 400_000);
    let d = design(&draw_units(&spec, 10_000, 4));
    let c = Contrast::new(&d, 1);
    let fits = Fits::new(&c);
    let sampling = Sampling::new(c.n(), None, 0.95);
    let learner = Some(CrossFit { splits: 1, ..CrossFit::new(LearnerKind::BoostedTrees) });
    let found = Mechanisms { learner, ..Mechanisms::default() }.decompose(&fits).unwrap();
    for (k, name) in ["socioeconomic", "biological", "hospital"].iter().enumerate() {
        let e = &found.row(Part::Explained, Component::Block(k)).unwrap().estimate;
        let (se, want) = (sampling.std_error(e), known.path(k).value);
        assert!((e.value - want).abs() < 3.0 * se, "{name}: {} ({se}), truth {want}", e.value);
        let plain = &Mechanisms::default().decompose(&fits).unwrap();
        let glm = &plain.row(Part::Explained, Component::Block(k)).unwrap().estimate;
        assert!((e.value - glm.value).abs() < 2.0 * se && (se / sampling.std_error(glm) - 1.0).abs() < 0.5, "{name}: {} and {}", e.value, glm.value);
    }
    let none = found.detail.iter().find(|t| t.part == Part::CounterfactualMean && t.term == "none").unwrap();
    let mean = gapshare::decompose::moments::group_means(&c).index;
    assert!((none.estimate.value - mean.value).abs() < 1e-12 && (sampling.std_error(&none.estimate) / sampling.std_error(&mean) - 1.0).abs() < 1e-9);
}
