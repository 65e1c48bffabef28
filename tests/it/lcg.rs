//! Golden numbers of METHODS 9 on the data of a linear congruential generator (n = 2,000), printed by `golden2.py`
//! (numpy) of the reference material.

use crate::frames::{Columns, close, near};
use gapshare::decompose::fits::{Fits, FittedIn, GroupTerms};
use gapshare::decompose::mechanisms::Mechanisms;
use gapshare::decompose::moments::group_means;
use gapshare::decompose::with_and_without::{Attribution, Estimator, Surface, Target, WithAndWithout};
use gapshare::decompose::{Component, Decomposition, Method, Part};
use gapshare::design::{Contrast, Design};
use gapshare::estimate::{Estimate, Sampling};
use gapshare::vocab::{BlockSet, Family};

/// METHODS 9: six uniform draws for each of 2,000 rows.
pub fn uniforms() -> Vec<[f64; 6]> {
    let mut x: u64 = 20_240_601;
    let mut next = || {
        x = x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (x >> 11) as f64 / 2f64.powi(53)
    };
    (0..2000).map(|_| [0; 6].map(|_| next())).collect()
}

/// METHODS 9, "LCG data": R, C, S, B, H, Y of 2,000 rows.
pub fn rows() -> Vec<[f64; 6]> {
    uniforms()
        .into_iter()
        .map(|u| {
            let r = f64::from(u8::from(u[0] < 0.35));
            let c = 2.0 * u[1] - 1.0;
            let s = 2.0 * u[2] - 1.0 + 0.6 * r;
            let b = 2.0 * u[3] - 1.0 + 0.4 * s + 0.3 * c;
            let h = (4.0 * u[4] + r * u[2]).min(3.999).floor();
            let eta = -1.2 + 0.5 * c + 0.4 * s + 0.7 * b + [-0.4, -0.1, 0.2, 0.5][h as usize] + 0.2 * r;
            let y = f64::from(u8::from(u[5] < 1.0 / (1.0 + (-eta).exp())));
            [r, c, s, b, h, y]
        })
        .collect()
}

pub fn columns() -> Columns<'static> {
    let d = rows();
    let col = |j: usize| d.iter().map(|r| r[j]).collect::<Vec<f64>>();
    let h = |level: f64| d.iter().map(|r| f64::from(u8::from(r[4] == level))).collect::<Vec<f64>>();
    Columns {
        family: Family::Binomial,
        y: col(5),
        group: col(0),
        allowable: vec![("C", col(1))],
        blocks: vec![("S", vec![("S", col(2))]), ("B", vec![("B", col(3))]), ("H", vec![("H=1", h(1.0)), ("H=2", h(2.0)), ("H=3", h(3.0))])],
        weight: None,
        cluster: None,
    }
}

fn run(d: &Design, settings: &WithAndWithout) -> Decomposition {
    let c = Contrast::new(d, 1);
    settings.decompose(&Fits::new(&c)).unwrap()
}

fn set(names: &str) -> BlockSet {
    names.chars().fold(BlockSet::NONE, |s, ch| s.with("SBH".find(ch).unwrap()))
}

fn counterfactual<'a>(d: &'a Decomposition, names: &str) -> &'a Estimate {
    &d.sets.iter().find(|s| s.set == set(names)).unwrap().counterfactual_mean
}

#[test]
fn the_data_are_those_of_the_golden_numbers() {
    let d = columns().design();
    let c = Contrast::new(&d, 1);
    let m = group_means(&c);
    assert_eq!(d.groups[1].rows.len(), 680);
    close("mean index", m.index.value, 0.407352941176, 1e-11);
    close("mean reference", m.reference.value, 0.251515151515, 1e-11);
}

#[test]
fn the_full_logit_has_the_golden_coefficients() {
    let d = columns().design();
    let c = Contrast::new(&d, 1);
    let fit = Fits::new(&c).outcome(FittedIn::Pooled, BlockSet::all(3), GroupTerms::Main, Family::Binomial).unwrap();
    let want = [-1.61128297, 0.2064378, 0.5103581, 0.41401821, 0.71381672, 0.23021733, 0.52376693, 0.8867537];
    for (got, want) in fit.beta.iter().zip(want) {
        near("coefficient", *got, want, 1e-7);
    }
}

#[test]
fn pooled_main_gives_the_standardised_risk_differences() {
    let d = columns().design();
    let out = run(&d, &WithAndWithout { surface: Surface::PooledMain, estimator: Estimator::Gcomp, ..WithAndWithout::default() });
    for (names, want) in [
        ("", 0.1515461295),
        ("S", 0.0679687057),
        ("B", 0.1096964408),
        ("H", 0.1297117001),
        ("SB", 0.0653052675),
        ("SH", 0.0442521576),
        ("BH", 0.0876400506),
        ("SBH", 0.0427773189),
    ] {
        let row = out.sets.iter().find(|s| s.set == set(names)).unwrap();
        near(names, row.adjusted_gap.value, want, 5.1e-11);
    }
}

#[test]
fn reference_model_gcomp_gives_the_golden_means_and_parts() {
    let d = columns().design();
    let out = run(&d, &WithAndWithout { estimator: Estimator::Gcomp, ..WithAndWithout::default() });
    for (names, want) in [
        ("", 0.256136674),
        ("S", 0.3291092583),
        ("B", 0.2976865568),
        ("H", 0.2748265175),
        ("SB", 0.3354469159),
        ("SH", 0.3566074864),
        ("BH", 0.3168137781),
        ("SBH", 0.3611332238),
    ] {
        near(names, counterfactual(&out, names).value, want, 5.1e-11);
    }
    let value = |part, component| out.row(part, component).unwrap().estimate.value;
    for (k, want) in [0.059020897976, 0.023412693086, 0.022562958722].into_iter().enumerate() {
        near("Shapley", value(Part::Explained, Component::Block(k)), want, 1e-12);
    }
    near("allowable", value(Part::Allowable, Component::Total), 0.004621522453, 1e-12);
    near("unexplained", value(Part::Unexplained, Component::Total), 0.046219717425, 1e-12);
    let s = Sampling::new(2000, None, 0.95);
    near("SE a(SBH)", s.std_error(counterfactual(&out, "SBH")), 0.0213201205, 5.1e-11);
    near("SE unexplained", s.std_error(&out.row(Part::Unexplained, Component::Total).unwrap().estimate), 0.0268882009, 5.1e-11);
}

#[test]
fn the_one_step_estimate_carries_the_errors_of_both_models() {
    let d = columns().design();
    let out = run(&d, &WithAndWithout::default());
    let a = counterfactual(&out, "SBH");
    near("a(SBH)", a.value, 0.362625897083, 1e-12);
    near("stacked SE", Sampling::new(2000, None, 0.95).std_error(a), 0.0220401091, 5.1e-11);
    assert!(a.influence.iter().sum::<f64>().abs() < 1e-8, "influences have mean 0");
}

/// METHODS 3.2: the leave-one-out jackknife is .0222651 for the one-step and .0214526763 for the plug-in estimate.
#[test]
fn influence_errors_agree_with_the_jackknife() {
    let full = columns();
    let jackknife = |settings: &WithAndWithout| {
        // A unit with weight 0 is a unit left out.
        let mut d = full.design();
        let n = d.y.len();
        let values: Vec<f64> = (0..n)
            .map(|i| {
                d.weight[i] = 0.0;
                let c = Contrast::new(&d, 1);
                let fits = Fits::new(&c);
                let a = settings.counterfactual_mean(&fits).unwrap().value;
                d.weight[i] = 1.0;
                a
            })
            .collect();
        let mean = values.iter().sum::<f64>() / n as f64;
        ((n - 1) as f64 / n as f64 * values.iter().map(|v| (v - mean).powi(2)).sum::<f64>()).sqrt()
    };
    near("one-step", jackknife(&WithAndWithout::default()), 0.0222651, 6e-8);
    near("plug-in", jackknife(&WithAndWithout { estimator: Estimator::Gcomp, ..WithAndWithout::default() }), 0.0214526763, 1e-9);
}

/// T5: with every column times the group, the pooled model has the two groups' models inside.
#[test]
fn the_interacted_surface_is_the_reference_model() {
    for family in [Family::Binomial, Family::Gaussian, Family::Poisson] {
        let mut columns = columns();
        columns.family = family;
        let d = columns.design();
        for target in [Target::Index, Target::Reference, Target::Pooled] {
            let settings = WithAndWithout { estimator: Estimator::Gcomp, target, ..WithAndWithout::default() };
            let a = run(&d, &settings);
            let b = run(&d, &WithAndWithout { surface: Surface::PooledInteracted, ..settings });
            let s = Sampling::new(2000, None, 0.95);
            for (x, y) in a.rows.iter().zip(&b.rows) {
                near(&format!("{family:?} {target:?} {:?}", x.part), x.estimate.value, y.estimate.value, 1e-10);
                near("standard error", s.std_error(&x.estimate), s.std_error(&y.estimate), 1e-10);
            }
        }
    }
}

#[test]
fn every_rule_of_attribution_keeps_the_sum() {
    let d = columns().design();
    for attribution in [Attribution::Shapley, Attribution::Sequential, Attribution::FirstIn, Attribution::LastIn] {
        for target in [Target::Index, Target::Reference, Target::Pooled] {
            let out = run(&d, &WithAndWithout { attribution, target, sequence: vec![2, 0, 1], ..WithAndWithout::default() });
            let of = |p| out.row(p, Component::Total).unwrap().estimate.value;
            near("gap", of(Part::Gap), of(Part::Allowable) + of(Part::Explained) + of(Part::Unexplained), 1e-12);
            let parts: f64 = out.rows.iter().filter(|r| r.part == Part::Explained && r.component != Component::Total).map(|r| r.estimate.value).sum();
            near("explained", parts, of(Part::Explained), 1e-12);
        }
    }
}

/// Every mean of `mechanisms`, one-step and plug-in, unweighted and weighted, as an independent implementation has it
/// (tests/known/make_mechanisms.py, numpy). The models are not saturated here, so that weights and residuals matter.
#[test]
fn mechanism_means_are_those_of_a_second_implementation() {
    let known = include_str!("../known/mechanisms.csv");
    let mut checked = 0;
    for weighted in [false, true] {
        let mut columns = columns();
        columns.weight = weighted.then(|| (0..2000).map(|i| 1.0 + f64::from(i % 3)).collect());
        let d = columns.design();
        let c = Contrast::new(&d, 1);
        let fits = Fits::new(&c);
        let found = Mechanisms::default().decompose(&fits).unwrap();
        let vertices: Vec<f64> = found.detail.iter().filter(|t| t.part == Part::CounterfactualMean).map(|t| t.estimate.value).collect();
        let plug_in = Mechanisms::default().plug_in(&fits).unwrap();
        let mut plain = [0.0; 16];
        for line in known.lines().skip(1) {
            let cells: Vec<f64> = line.split(',').map(|v| v.parse().unwrap()).collect();
            if (cells[0] == 1.0) == weighted {
                close(&format!("{weighted} {}", cells[1]), vertices[cells[1] as usize], cells[2], 1e-9);
                plain[cells[1] as usize] = cells[3];
                checked += 1;
            }
        }
        // In causal order S, B, H, outcome: each switch after those before it.
        for (k, e) in plug_in.iter().enumerate() {
            let before = (1usize << k) - 1;
            near(&format!("plug-in {weighted} {k}"), e.value, plain[before] - plain[before | 1 << k], 1e-10);
        }
    }
    assert_eq!(checked, 32);
}
