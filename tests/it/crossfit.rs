//! Cross-fitting: folds, the median rule, and with_and_without with learners end to end.

use crate::frames::{Columns, near};
use crate::lcg;
use crate::learners::{data, matrix};
use gapshare::decompose::crossfit::{CLIP, CrossFit, Nuisance, median_rule};
use gapshare::decompose::fits::Fits;
use gapshare::decompose::with_and_without::WithAndWithout;
use gapshare::decompose::{Component, Decomposition, Draft, Method, Part, Verdict, row};
use gapshare::design::{Contrast, Design};
use gapshare::estimate::{Estimate, Sampling};
use gapshare::model::expit;
use gapshare::model::learner::{LearnError, LearnerKind, folds};
use gapshare::vocab::Family;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use std::ops::Range;

#[test]
fn the_same_seed_gives_the_same_bits_at_any_number_of_threads() {
    let d = data(Family::Binomial, true, 8, 1500).design();
    for kind in LearnerKind::ALL {
        let run = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| bits(&decompose(&d, CrossFit { splits: 1, folds: 3, ..CrossFit::new(kind) })))
        };
        assert_eq!(run(1), run(8), "{kind:?}");
    }
    let other = CrossFit { splits: 1, folds: 3, seed: 1, ..CrossFit::new(LearnerKind::BoostedTrees) };
    assert_ne!(bits(&decompose(&d, other)), bits(&decompose(&d, CrossFit { seed: 2, ..other })));
}

fn bits(d: &Decomposition) -> Vec<u64> {
    d.rows.iter().flat_map(|r| std::iter::once(r.estimate.value).chain(r.estimate.influence.iter().copied())).map(f64::to_bits).collect()
}

fn decompose(d: &Design, learner: CrossFit) -> Decomposition {
    let c = Contrast::new(d, 1);
    WithAndWithout { learner: Some(learner), ..WithAndWithout::default() }.decompose(&Fits::new(&c)).unwrap_or_else(|e| panic!("{e}"))
}

#[test]
fn folds_keep_clusters_together_and_strata_in_balance() {
    let mut columns = lcg::columns();
    let d = columns.design();
    let c = Contrast::new(&d, 1);
    let cf = CrossFit::new(LearnerKind::Ridge);
    let splits = cf.splits(&c).unwrap();
    assert_eq!((splits.len(), splits[0].len()), (5, 5));
    assert_ne!(splits[0][0].held, splits[1][0].held);
    for folds in &splits {
        let mut all: Vec<usize> = folds.iter().flat_map(|f| f.held.clone()).collect();
        all.sort_unstable();
        assert_eq!(all, (0..2000).collect::<Vec<_>>());
        for f in folds {
            let events = |r: f64| f.held.iter().filter(|&&i| c.r[i] == r && c.y[i] == 1.0).count();
            // 680 index units with 277 events, 1,320 reference units with 332.
            assert!((55..=57).contains(&events(1.0)) && (66..=68).contains(&events(0.0)), "{} {}", events(1.0), events(0.0));
            assert_eq!(f.train.len() + f.held.len(), 2000);
            assert!(f.train.iter().all(|i| f.held.binary_search(i).is_err()));
            let mut train: Vec<usize> = f.fitted.iter().chain(&f.holdout).copied().collect();
            train.sort_unstable();
            assert_eq!(train, f.train);
            assert!((f.holdout.len() as f64 / 1600.0 - 0.2).abs() < 0.01);
        }
    }
    columns.cluster = Some((0..2000).map(|i| format!("{}", (i * i + 3 * i) % 23 % 12)).collect());
    let d = columns.design();
    let c = Contrast::new(&d, 1);
    let code = &d.clusters.as_ref().unwrap().code;
    for f in cf.splits(&c).unwrap().iter().flatten() {
        let of = |rows: &[usize]| rows.iter().map(|&i| code[i]).collect::<std::collections::BTreeSet<_>>();
        assert!(of(&f.train).is_disjoint(&of(&f.held)) && of(&f.holdout).is_disjoint(&of(&f.fitted)));
        assert!(!f.held.is_empty() && !f.holdout.is_empty() && !f.fitted.is_empty());
    }
    let few = CrossFit { folds: 20, ..cf };
    assert!(matches!(few.splits(&c), Err(LearnError::FewClusters { needed: 20, .. })));
    let (x, y) = (folds::derived_seed(1, 0), folds::derived_seed(1, 1));
    assert!(x != y && x != folds::derived_seed(2, 0));
}

/// The rule on numbers: the lower median split gives the values, each row the variance of METHODS 5.3 around them.
#[test]
fn the_median_rule_is_that_of_methods() {
    let draft = |values: [f64; 2], spread: f64| Draft {
        rows: [(Part::Explained, values[0]), (Part::Unexplained, values[1])]
            .map(|(part, value)| row(part, Component::Total, Estimate { value, influence: vec![spread, -spread, spread, -spread] }))
            .to_vec(),
        ..Draft::default()
    };
    // V_s = spread^2 / 4.
    let drafts = vec![draft([0.5, 3.0], 2.0), draft([0.7, 1.0], 4.0), draft([0.9, 2.0], 6.0)];
    let sampling = Sampling::new(4, None, 0.95);
    let (out, chosen) = median_rule(drafts, (Part::Unexplained, Component::Total), &sampling);
    assert_eq!((chosen, out.rows[0].estimate.value, out.rows[1].estimate.value), (2, 0.9, 2.0));
    // Unexplained: {1 + 1, 4 + 1, 9 + 0}; explained: {1 + .16, 4 + .04, 9}.
    near("unexplained", sampling.variance(&out.rows[1].estimate), 5.0, 1e-12);
    near("explained", sampling.variance(&out.rows[0].estimate), 4.04, 1e-12);
    let (one, _) = median_rule(vec![draft([0.5, 3.0], 2.0)], (Part::Unexplained, Component::Total), &sampling);
    assert_eq!(one.rows, draft([0.5, 3.0], 2.0).rows);
}

#[test]
fn parts_sum_and_facts_say_how() {
    for family in [Family::Binomial, Family::Gaussian] {
        let mut columns = data(family, true, 11, 1500);
        columns.weight = Some((0..1500).map(|i| 1.0 + (i % 3) as f64).collect());
        columns.cluster = Some((0..1500).map(|i| format!("{}", i / 7 % 30)).collect());
        let d = columns.design();
        let out = decompose(&d, CrossFit { splits: 3, folds: 2, ..CrossFit::new(LearnerKind::BoostedTrees) });
        let total = |p: Part| out.row(p, Component::Total).unwrap().estimate.value;
        near("gap", total(Part::Allowable) + total(Part::Explained) + total(Part::Unexplained), total(Part::Gap), 1e-12);
        for r in &out.rows {
            near("mean influence", r.estimate.influence.iter().sum::<f64>() / 1500.0, 0.0, 1e-9);
        }
        let found = |check: &str| out.facts.iter().find(|f| f.check == check).unwrap_or_else(|| panic!("no {check}"));
        assert!(found("learner").message.contains("2 folds by cluster, 3 splits, seed 20260101"), "{}", found("learner").message);
        assert!(found("learner_group_c_statistic").value.unwrap() < 0.6);
        assert!(found("clipped_group_probabilities").units.is_some());
        assert_eq!(out.facts.iter().any(|f| f.check == "learner_outcome_c_statistic"), family == Family::Binomial);
    }
}

/// The estimate and its influences are those of METHODS 3.2 at the out-of-fold predictions: written out here, and as a derivative by
/// a unit's weight with the predictions held fixed.
#[test]
fn influences_are_derivatives_at_the_predictions() {
    let n = 1200;
    let mut columns = data(Family::Binomial, true, 21, n);
    columns.weight = Some((0..n).map(|i| 0.5 + (i % 5) as f64).collect());
    let d = columns.design();
    let c = Contrast::new(&d, 1);
    let cf = CrossFit { splits: 1, folds: 4, ..CrossFit::new(LearnerKind::BoostedTrees) };
    let m = matrix(&c);
    let folds = &cf.splits(&c).unwrap()[0];
    // The set of all blocks has the mask 1 here, and its nuisances the numbers 4 and 5.
    let nuisances = [
        Nuisance { m: &m, family: Family::Binomial, y: &c.y, w: &c.w, among: vec![c.reference()], part: 4 },
        Nuisance { m: &m, family: Family::Binomial, y: &c.r, w: &c.w, among: c.rows(), part: 5 },
    ];
    let predicted = cf.out_of_fold(&c, folds, &nuisances).unwrap();
    let (mu, pi) = (&predicted[0], &predicted[1]);
    let odds: Vec<f64> = pi.iter().map(|p| p.clamp(CLIP.0, CLIP.1)).map(|p| p / (1.0 - p)).collect();
    let value = |w: &[f64]| {
        let mean = |rows: Range<usize>, v: &dyn Fn(usize) -> f64, f: &dyn Fn(usize) -> f64| {
            rows.clone().map(|i| v(i) * f(i)).sum::<f64>() / rows.map(v).sum::<f64>()
        };
        mean(c.index(), &|i| w[i], &|i| mu[i]) + mean(c.reference(), &|i| w[i] * odds[i], &|i| c.y[i] - mu[i])
    };
    let out = decompose(&d, cf);
    let a = &out.sets[1].counterfactual_mean;
    near("value", a.value, value(&c.w), 1e-12);
    for i in (0..n).step_by(37) {
        let mut w = c.w.clone();
        let step = 1e-5;
        w[i] = c.w[i] * (1.0 + step);
        let up = value(&w);
        w[i] = c.w[i] * (1.0 - step);
        near("influence", a.influence[c.unit(i)], n as f64 * (up - value(&w)) / (2.0 * step), 1e-6);
    }
    // No prediction of a unit knows its outcome: with it turned around only the level of its fold can move.
    let held = folds[0].held[0];
    let mut y = c.y.clone();
    y[held] = 1.0 - y[held];
    let turned = [Nuisance { y: &y, ..nuisances[0].clone() }];
    let moved = cf.out_of_fold(&c, folds, &turned).unwrap();
    let shift = |i: usize| (moved[0][i] / (1.0 - moved[0][i])).ln() - (mu[i] / (1.0 - mu[i])).ln();
    for &i in &folds[0].held {
        near("level", shift(i), shift(held), 1e-9);
    }
    assert!(shift(held).abs() < 0.02);
}

/// Hospitals whose level goes with the share of index units: fits that leave hospitals out would be shifted against it. A ridge that has
/// the GLM's own form must give what the GLM gives.
#[test]
fn folds_by_cluster_do_not_shift_the_estimate() {
    let n = 4000;
    let mut rng = ChaCha8Rng::seed_from_u64(31);
    let mut draw = || (rng.next_u64() >> 11) as f64 / 2f64.powi(53);
    let level: Vec<f64> = (0..20).map(|h| (f64::from(h) - 9.5) / 6.0).collect();
    let (mut y, mut group, mut age, mut lab, mut cluster) = (vec![], vec![], vec![], vec![], vec![]);
    for i in 0..n {
        let h = i % 20;
        let r = f64::from(u8::from(draw() < expit(-0.8 + 0.8 * level[h])));
        let (a, l) = (draw() - 0.5 - 0.1 * r, draw() - 0.5 + 0.2 * r);
        y.push(f64::from(u8::from(draw() < expit(-1.0 + level[h] + a + l + 0.2 * r))));
        group.push(r);
        age.push(a);
        lab.push(l);
        cluster.push(format!("{h}"));
    }
    let columns = Columns {
        family: Family::Binomial,
        y,
        group,
        allowable: vec![("age", age)],
        blocks: vec![("lab", vec![("lab", lab)])],
        weight: None,
        cluster: Some(cluster),
    };
    let d = columns.design();
    let c = Contrast::new(&d, 1);
    let glm = WithAndWithout::default().decompose(&Fits::new(&c)).unwrap();
    let ridge = decompose(&d, CrossFit { splits: 3, ..CrossFit::new(LearnerKind::Ridge) });
    let sampling = Sampling::new(n, c.clusters().as_deref(), 0.95);
    for (g, r) in glm.rows.iter().zip(&ridge.rows) {
        let se = sampling.std_error(&g.estimate);
        eprintln!(
            "{:?} {:?}: {:.4} ({:.4}), {:.4} ({:.4})",
            g.part,
            g.component,
            g.estimate.value,
            se,
            r.estimate.value,
            sampling.std_error(&r.estimate)
        );
    }
    for (g, r) in glm.rows.iter().zip(&ridge.rows) {
        let se = sampling.std_error(&g.estimate);
        near(&format!("{:?} {:?}", g.part, g.component), r.estimate.value, g.estimate.value, 0.4 * se + 1e-12);
        assert!((sampling.std_error(&r.estimate) / se - 1.0).abs() < 0.15 || se < 1e-12, "{:?}", g.part);
    }
}

/// The unit of the weights says nothing.
#[test]
fn the_scale_of_the_weights_changes_nothing() {
    let run = |kind: LearnerKind, scale: f64| {
        let mut columns = data(Family::Binomial, true, 22, 1200);
        columns.weight = Some((0..1200).map(|i| scale * (1.0 + (i % 3) as f64)).collect());
        decompose(&columns.design(), CrossFit { splits: 1, folds: 2, ..CrossFit::new(kind) })
    };
    for kind in LearnerKind::ALL {
        // A power of two: the same bits inside, so that no tree splits otherwise.
        for (a, b) in run(kind, 1.0).rows.iter().zip(&run(kind, 1024.0).rows) {
            near(&format!("{kind:?} {:?}", a.part), a.estimate.value, b.estimate.value, 1e-9);
        }
    }
}

#[test]
fn models_that_cannot_be_learned_are_named() {
    let mut columns = data(Family::Binomial, true, 12, 600);
    // Three events among reference units: some fold has none to hold out.
    let mut left = 3;
    for i in 0..600 {
        if columns.group[i] == 0.0 && columns.y[i] == 1.0 {
            columns.y[i] = f64::from(u8::from(left > 0));
            left = (left - 1).max(0);
        }
    }
    let d = columns.design();
    let c = Contrast::new(&d, 1);
    let m = WithAndWithout { learner: Some(CrossFit::new(LearnerKind::BoostedTrees)), ..WithAndWithout::default() };
    let e = m.decompose(&Fits::new(&c)).unwrap_err();
    assert!(e.to_string().contains("boosted_trees of the outcome without blocks"), "{e}");
    assert_eq!(e.code(), gapshare::error::codes::G401);
    // A level that index units alone have stops learners as it stops GLMs.
    let mut columns = data(Family::Binomial, true, 12, 600);
    let only: Vec<f64> = (0..600).map(|i| f64::from(u8::from(columns.group[i] == 1.0 && i % 20 == 0))).collect();
    columns.blocks[0].1.push(("only", only));
    let d = columns.design();
    let c = Contrast::new(&d, 1);
    assert_eq!(m.decompose(&Fits::new(&c)).unwrap_err().code(), gapshare::error::codes::G402);
}

/// The design of METHODS 2 (`dml.py` of the reference material): columns C, S, B, H; `uniform` takes away the overlap in S.
fn methods_2(n: usize, seed: u64, uniform: bool) -> (Columns<'static>, f64) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let (mut y, mut group, mut x) = (Vec::new(), Vec::new(), [Vec::new(), Vec::new(), Vec::new(), Vec::new()]);
    let (mut truth, mut index) = (0.0, 0.0);
    let draw = |rng: &mut ChaCha8Rng| (rng.next_u64() >> 11) as f64 / 2f64.powi(53);
    for _ in 0..n {
        let r = f64::from(u8::from(draw(&mut rng) < 0.35));
        let normal = |sd: f64, rng: &mut ChaCha8Rng| sd * Distribution::<f64>::sample(&StandardNormal, rng);
        let c = 2.0 * draw(&mut rng) - 1.0;
        let s = 0.5 * r + if uniform { 2.0 * draw(&mut rng) - 1.0 } else { normal(0.7, &mut rng) };
        let b = 0.5 * s + normal(0.6, &mut rng);
        let h = 0.4 * r - 0.2 * s + normal(0.7, &mut rng);
        let eta = |r: f64| -1.0 + 0.5 * c + 0.6 * s + 0.5 * b * b + 0.7 * h + if h > 0.0 { 0.4 * s } else { 0.0 } + 0.2 * r;
        y.push(f64::from(u8::from(draw(&mut rng) < expit(eta(r)))));
        group.push(r);
        [c, s, b, h].into_iter().zip(&mut x).for_each(|(v, x)| x.push(v));
        truth += r * expit(eta(0.0));
        index += r;
    }
    let [c, s, b, h] = x;
    let columns = Columns {
        family: Family::Binomial,
        y,
        group,
        allowable: vec![("C", c), ("S", s), ("B", b), ("H", h)],
        blocks: vec![],
        weight: None,
        cluster: None,
    };
    (columns, truth / index)
}

struct Simulated {
    bias: f64,
    mc_se: f64,
    covered: f64,
    clipped: f64,
    gates: usize,
}

/// `a(full)` by boosting in samples with seeds of their own.
fn simulate(runs: Range<u64>, n: usize, uniform: bool) -> Simulated {
    use gapshare::diagnostics;
    let truth = methods_2(2_000_000, 1_000_000, uniform).1;
    let k = (runs.end - runs.start) as f64;
    let (mut errors, mut outside, mut covered, mut clipped, mut gates) = (Vec::new(), Vec::new(), 0.0, 0.0, 0);
    for seed in runs {
        let d = methods_2(n, seed, uniform).0.design();
        let out = decompose(&d, CrossFit { splits: 1, ..CrossFit::new(LearnerKind::BoostedTrees) });
        let a = &out.sets[0].counterfactual_mean;
        let se = Sampling::new(n, None, 0.95).std_error(a);
        errors.push(a.value - truth);
        covered += f64::from(u8::from((a.value - truth).abs() <= 1.96 * se)) / k;
        clipped += out.facts.iter().find(|f| f.check == "clipped_group_probabilities").and_then(|f| f.value).unwrap() / k;
        let c = Contrast::new(&d, 1);
        let fails = out.facts.iter().any(|f| matches!(f.verdict, Verdict::Fails(_)));
        gates += usize::from(fails || diagnostics::overlap(&Fits::new(&c), true).iter().flat_map(|o| &o.checks).any(|c| c.fails_gate()));
        outside.push(out.facts.iter().find(|f| f.check == "learner_units_outside_range").and_then(|f| f.value).unwrap());
    }
    outside.sort_by(f64::total_cmp);
    eprintln!("outside the range: {:.4} to {:.4}", outside[0], outside[outside.len() - 1]);
    let bias = errors.iter().sum::<f64>() / k;
    let sd = (errors.iter().map(|e| (e - bias).powi(2)).sum::<f64>() / (k - 1.0)).sqrt();
    Simulated { bias, mc_se: sd / k.sqrt(), covered, clipped, gates }
}

/// A fast guard of the simulation below: with overlap the bias of boosting is within three Monte-Carlo errors, without it the gate fires.
#[test]
fn boosting_is_right_with_overlap_and_the_gate_fires_without() {
    let s = simulate(0..6, 3000, false);
    eprintln!("bias {:.4} (mc {:.4}), clipped {:.3}", s.bias, s.mc_se, s.clipped);
    assert!(s.bias.abs() < 3.0 * s.mc_se.max(0.004), "{} {}", s.bias, s.mc_se);
    assert_eq!(s.gates, 0);
    assert_eq!(simulate(0..2, 3000, true).gates, 2);
}

#[test]
#[ignore = "a simulation of some minutes: METHODS 2 has 95.6% coverage with overlap, and far less, with the gate, without it"]
fn boosting_covers_with_overlap_and_not_without() {
    for uniform in [false, true] {
        let s = simulate(0..160, 5000, uniform);
        eprintln!("uniform {uniform}: bias {:.4} (mc {:.4}), covered {:.3}, clipped {:.3}, gates {}", s.bias, s.mc_se, s.covered, s.clipped, s.gates);
        assert_eq!(s.gates, if uniform { 160 } else { 0 });
        // Monte-Carlo standard error of the coverage: .017.
        assert!(uniform || s.covered > 0.90, "{}", s.covered);
    }
}

/// 20,000 units, 12 columns in three blocks, one split of five folds: all eight sets.
#[test]
#[ignore = "a timing, printed"]
fn speed() {
    let n = 20_000;
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut normal = || -> f64 { StandardNormal.sample(&mut rng) };
    let x: Vec<Vec<f64>> = (0..12).map(|_| (0..n).map(|_| normal()).collect()).collect();
    let group: Vec<f64> =
        (0..n).map(|i| f64::from(u8::from(expit(-0.8 + 0.3 * x[0][i] + 0.3 * x[4][i] + 0.3 * x[8][i]) > 0.5 + 0.2 * normal()))).collect();
    let y: Vec<f64> =
        (0..n).map(|i| f64::from(u8::from(expit(-2.0 + 0.5 * x[1][i] + 0.5 * x[5][i] * x[9][i] + 0.3 * group[i]) > 0.5 + 0.2 * normal()))).collect();
    const NAMES: [&str; 12] = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"];
    let part = |r: Range<usize>| r.map(|k| (NAMES[k], x[k].clone())).collect::<Vec<_>>();
    let d = Columns {
        family: Family::Binomial,
        y,
        group,
        allowable: part(0..3),
        blocks: vec![("one", part(3..6)), ("two", part(6..9)), ("three", part(9..12))],
        weight: None,
        cluster: None,
    }
    .design();
    for kind in LearnerKind::ALL {
        let start = std::time::Instant::now();
        decompose(&d, CrossFit { splits: 1, ..CrossFit::new(kind) });
        eprintln!("{kind:?}: {:.1} s", start.elapsed().as_secs_f64());
    }
}
