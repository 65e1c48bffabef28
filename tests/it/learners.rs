//! Learners: what they can learn, their conditions of optimality, weights, calibration.

use crate::frames::{Columns, near};
use crate::lcg;
use gapshare::decompose::fits::{Fits, FittedIn, GroupTerms};
use gapshare::design::Contrast;
use gapshare::model::learner::boosted::BoostedTrees;
use gapshare::model::learner::penalised::{Penalised, Penalty, at, linfa_ridge};
use gapshare::model::learner::stack::Stack;
use gapshare::model::learner::{Constant, Glm, LearnError, Learner, LearnerKind, Predictor, Sample, calibrate, loss};
use gapshare::model::{ModelMatrix, expit, glm};
use gapshare::vocab::{BlockSet, Family};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

const N: usize = 6000;

/// Four columns and an outcome: events with a smooth or a strongly curved log-odds, or a number around the same curve.
pub fn data(family: Family, curved: bool, seed: u64, n: usize) -> Columns<'static> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut normal = || -> f64 { StandardNormal.sample(&mut rng) };
    let x: Vec<[f64; 4]> = (0..n).map(|_| [normal(), normal(), normal(), normal()]).collect();
    let eta = |x: &[f64; 4]| {
        if curved { -1.0 + 1.2 * (x[0] * x[0] - 1.0) + 1.5 * x[1].signum() * x[2].signum() } else { -0.8 + 0.8 * x[0] - 0.5 * x[1] + 0.3 * x[2] }
    };
    let mut uniform = || (rng.next_u64() >> 11) as f64 / 2f64.powi(53);
    let y = x.iter().map(|x| match family {
        Family::Binomial | Family::Probit => f64::from(u8::from(uniform() < expit(eta(x)))),
        Family::Gaussian | Family::Poisson => eta(x) + 2.0 * uniform() - 1.0,
    });
    let y = y.collect();
    let column = |k: usize| x.iter().map(|x| x[k]).collect::<Vec<f64>>();
    Columns {
        family,
        y,
        group: (0..n).map(|i| f64::from(u8::from(i % 2 == 0))).collect(),
        allowable: vec![("a", column(0))],
        blocks: vec![("b", vec![("b", column(1)), ("c", column(2)), ("d", column(3))])],
        weight: None,
        cluster: None,
    }
}

/// Rows 0, 1, 2, ... in turn: fitted on, held out, for the test.
fn thirds(n: usize) -> [Vec<usize>; 3] {
    [(0..n).filter(|i| i % 5 < 3).collect(), (0..n).filter(|i| i % 5 == 3).collect(), (0..n).filter(|i| i % 5 == 4).collect()]
}

pub fn matrix<'a>(c: &'a Contrast<'a>) -> ModelMatrix<'a> {
    Fits::new(c).matrix(FittedIn::Pooled, BlockSet::all(c.design.blocks.len()), GroupTerms::Without).unwrap()
}

/// Loss on the third part of the rows of a learner fitted on the first and calibrated on the second.
fn test_loss(learner: &dyn Learner, c: &Contrast<'_>, family: Family) -> f64 {
    let m = matrix(c);
    let [rows, holdout, test] = thirds(c.y.len());
    let s = Sample { m: &m, rows: &rows, holdout: &holdout, y: &c.y, w: &c.w, cluster: None };
    let fitted = learner.fit(&s, family, 7).unwrap();
    let fitted = calibrate::calibrated(fitted, &s, family).unwrap();
    let p = fitted.predict(&m, &test);
    let (y, w): (Vec<f64>, Vec<f64>) = test.iter().map(|&i| (c.y[i], c.w[i])).unzip();
    loss(family, &y, &p, &w)
}

#[test]
fn every_learner_beats_the_mean_and_trees_beat_the_glm_where_it_is_wrong() {
    for family in [Family::Binomial, Family::Gaussian] {
        let (smooth, curved) = (data(family, false, 1, N).design(), data(family, true, 2, N).design());
        let (smooth, curved) = (Contrast::new(&smooth, 1), Contrast::new(&curved, 1));
        let mean = [&smooth, &curved].map(|c| test_loss(&Constant, c, family));
        let glm = [&smooth, &curved].map(|c| test_loss(&Glm, c, family));
        assert!(glm[0] < 0.95 * mean[0], "{glm:?} {mean:?}");
        for kind in LearnerKind::ALL {
            let learner = kind.learner();
            let found = [&smooth, &curved].map(|c| test_loss(learner.as_ref(), c, family));
            eprintln!(
                "{family:?} {kind:?}: smooth {:.4} (mean {:.4}, glm {:.4}), curved {:.4} (mean {:.4}, glm {:.4})",
                found[0], mean[0], glm[0], found[1], mean[1], glm[1]
            );
            // Within a hundredth (trees: a twentieth of what there is to learn) of the right model where there is one.
            assert!(found[0] < mean[0] - 0.75 * (mean[0] - glm[0]), "{kind:?} {found:?}");
            if matches!(kind, LearnerKind::RandomForest | LearnerKind::BoostedTrees | LearnerKind::Stack) {
                assert!(found[1] < 0.9 * glm[1], "{kind:?} {found:?} {glm:?}");
            }
        }
    }
}

/// The stationarity conditions at the solution, on columns scaled here, with weights and fractional outcomes.
#[test]
fn penalised_fits_satisfy_the_karush_kuhn_tucker_conditions() {
    for family in [Family::Binomial, Family::Gaussian] {
        let mut columns = data(family, true, 3, 1500);
        columns.weight = Some((0..1500).map(|i| 0.5 + (i % 4) as f64).collect());
        if family == Family::Binomial {
            columns.y.iter_mut().enumerate().for_each(|(i, y)| *y = 0.1 + 0.8 * *y + 0.001 * (i % 90) as f64);
        }
        let d = columns.design();
        let c = Contrast::new(&d, 1);
        let m = matrix(&c);
        let rows: Vec<usize> = (0..1500).filter(|i| i % 3 > 0).collect();
        let s = Sample { m: &m, rows: &rows, holdout: &[], y: &c.y, w: &c.w, cluster: None };
        let sum_w: f64 = rows.iter().map(|&i| c.w[i]).sum();
        let mean = |f: &dyn Fn(usize) -> f64| rows.iter().map(|&i| c.w[i] * f(i)).sum::<f64>() / sum_w;
        let mut zeros = 0;
        for mix in [0.0, 0.5, 1.0] {
            for lambda in [0.001, 0.03, 0.2] {
                let fit = at(&s, family, Penalty { lambda, mix }).unwrap();
                let eta = |i: usize| fit.intercept + fit.terms.iter().zip(&fit.beta).map(|(t, b)| b * m.value(i, *t, None)).sum::<f64>();
                let residual = |i: usize| c.y[i] - family.mean(eta(i));
                near("intercept", mean(&residual), 0.0, 1e-8);
                for (t, b) in fit.terms.iter().zip(&fit.beta) {
                    let centre = mean(&|i| m.value(i, *t, None));
                    let sd = mean(&|i| (m.value(i, *t, None) - centre).powi(2)).sqrt();
                    let score = mean(&|i| residual(i) * (m.value(i, *t, None) - centre) / sd) - lambda * (1.0 - mix) * b * sd;
                    if *b == 0.0 {
                        zeros += 1;
                        assert!(score.abs() <= lambda * mix + 1e-8, "{mix} {lambda} {score}");
                    } else {
                        near(&format!("{family:?} {mix} {lambda}"), score, lambda * mix * b.signum(), 1e-8);
                    }
                }
            }
        }
        assert!(zeros > 0, "the absolute penalty leaves nothing out");
    }
}

#[test]
fn ridge_has_its_closed_form_and_without_penalty_it_is_the_glm() {
    let d = data(Family::Gaussian, false, 4, 800).design();
    let c = Contrast::new(&d, 1);
    let m = matrix(&c);
    let rows: Vec<usize> = (0..800).collect();
    let s = Sample { m: &m, rows: &rows, holdout: &[], y: &c.y, w: &c.w, cluster: None };
    for lambda in [0.0, 0.1, 2.0] {
        let fit = at(&s, Family::Gaussian, Penalty { lambda, mix: 0.0 }).unwrap();
        // (Z'Z/n + lambda I) b = Z'y/n on scaled columns, by elimination.
        let z: Vec<Vec<f64>> = fit
            .terms
            .iter()
            .map(|t| {
                let x: Vec<f64> = rows.iter().map(|&i| m.value(i, *t, None)).collect();
                let mean = x.iter().sum::<f64>() / 800.0;
                let sd = (x.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / 800.0).sqrt();
                x.iter().map(|v| (v - mean) / sd).collect()
            })
            .collect();
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>() / 800.0;
        let k = z.len();
        let mut a: Vec<Vec<f64>> = (0..k).map(|i| (0..k).map(|j| dot(&z[i], &z[j]) + if i == j { lambda } else { 0.0 }).collect()).collect();
        let mut b: Vec<f64> = (0..k).map(|i| dot(&z[i], &c.y)).collect();
        for i in 0..k {
            for j in i + 1..k {
                let f = a[j][i] / a[i][i];
                let pivot = a[i].clone();
                a[j].iter_mut().zip(&pivot).skip(i).for_each(|(x, p)| *x -= f * p);
                b[j] -= f * b[i];
            }
        }
        for i in (0..k).rev() {
            b[i] = (b[i] - (i + 1..k).map(|l| a[i][l] * b[l]).sum::<f64>()) / a[i][i];
        }
        for ((t, got), want) in fit.terms.iter().zip(&fit.beta).zip(&b) {
            let x: Vec<f64> = rows.iter().map(|&i| m.value(i, *t, None)).collect();
            let mean = x.iter().sum::<f64>() / 800.0;
            let sd = (x.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / 800.0).sqrt();
            near("closed form", *got * sd, *want, 1e-9);
        }
    }
    for family in [Family::Binomial, Family::Gaussian] {
        let d = data(family, false, 5, 800).design();
        let c = Contrast::new(&d, 1);
        let m = matrix(&c);
        let s = Sample { m: &m, rows: &rows, holdout: &[], y: &c.y, w: &c.w, cluster: None };
        let want = glm::fit(&m, family, &c.y, &c.w).unwrap();
        for mix in [0.0, 0.5] {
            let fit = at(&s, family, Penalty { lambda: 0.0, mix }).unwrap();
            near("intercept", fit.intercept, want.beta[0], 1e-7);
            fit.beta.iter().zip(&want.beta[1..]).for_each(|(a, b)| near("coefficient", *a, *b, 1e-7));
        }
    }
}

/// linfa-logistic takes the more frequent label as the positive class; whichever it is, it solves the same problem as the solver here.
#[test]
fn linfa_s_ridge_is_the_ridge_whatever_the_more_frequent_label() {
    for flip in [false, true] {
        let mut columns = lcg::columns();
        if flip {
            columns.y.iter_mut().for_each(|y| *y = 1.0 - *y);
        }
        let d = columns.design();
        let c = Contrast::new(&d, 1);
        let m = matrix(&c);
        let rows: Vec<usize> = (0..2000).collect();
        let s = Sample { m: &m, rows: &rows, holdout: &[], y: &c.y, w: &c.w, cluster: None };
        let unpenalised = glm::fit(&m, Family::Binomial, &c.y, &c.w).unwrap();
        for lambda in [0.0, 0.01, 0.1] {
            let (linfa, own) = (linfa_ridge(&s, lambda).unwrap(), at(&s, Family::Binomial, Penalty { lambda, mix: 0.0 }).unwrap());
            near("intercept", linfa.intercept, own.intercept, 1e-5);
            for ((a, b), u) in linfa.beta.iter().zip(&own.beta).zip(&unpenalised.beta[1..]) {
                near("coefficient", *a, *b, 1e-5);
                assert!(lambda < 0.1 || a.abs() < u.abs(), "{a} is not shrunk from {u}");
            }
        }
        let mut w = c.w.clone();
        w[3] = 2.0;
        let mut y = c.y.clone();
        y[3] = 0.5;
        assert_eq!(linfa_ridge(&Sample { w: &w, ..s }, 0.1).map(|_| ()), Err(LearnError::WeightsNotTaken));
        assert_eq!(linfa_ridge(&Sample { y: &y, ..s }, 0.1).map(|_| ()), Err(LearnError::NotBinary));
    }
}

/// A weight of 2 is two rows: to rounding for penalised fits and, with the held-out rows the same, for boosting up to the precision in which
/// forust keeps gradients. Bootstraps of a forest differ, so it is held to its loss.
#[test]
fn weights_are_repeated_rows() {
    let mut columns = data(Family::Binomial, true, 6, 2500);
    // With few distinct values both have the same bins.
    let coarse = |v: &mut Vec<f64>| v.iter_mut().for_each(|v| *v = (10.0 * *v).round() / 10.0);
    columns.allowable.iter_mut().chain(&mut columns.blocks[0].1).for_each(|(_, v)| coarse(v));
    let weight: Vec<f64> = (0..2500).map(|i| 1.0 + (i % 3) as f64).collect();
    let order: Vec<usize> = (0..2500).flat_map(|i| std::iter::repeat_n(i, weight[i] as usize)).collect();
    let pick = |v: &[f64]| order.iter().map(|&i| v[i]).collect::<Vec<f64>>();
    let repeated = Columns {
        y: pick(&columns.y),
        group: pick(&columns.group),
        allowable: columns.allowable.iter().map(|(t, v)| (*t, pick(v))).collect(),
        blocks: columns.blocks.iter().map(|(b, v)| (*b, v.iter().map(|(t, v)| (*t, pick(v))).collect())).collect(),
        ..data(Family::Binomial, true, 6, 1)
    };
    columns.weight = Some(weight);
    let (a, b) = (columns.design(), repeated.design());
    let (a, b) = (Contrast::new(&a, 1), Contrast::new(&b, 1));
    let (ma, mb) = (matrix(&a), matrix(&b));
    // The file row that a row of the second design repeats; a fifth of them is held out.
    let source: Vec<usize> = b.design.cohort_row.iter().map(|&r| order[r as usize]).collect();
    let split = |source: &dyn Fn(usize) -> usize, n: usize| -> (Vec<usize>, Vec<usize>) { (0..n).partition(|&i| !source(i).is_multiple_of(5)) };
    let (rows_a, held_a) = split(&|i| a.design.cohort_row[i] as usize, a.y.len());
    let (rows_b, held_b) = split(&|i| source[i], b.y.len());
    let sa = Sample { m: &ma, rows: &rows_a, holdout: &held_a, y: &a.y, w: &a.w, cluster: None };
    let sb = Sample { m: &mb, rows: &rows_b, holdout: &held_b, y: &b.y, w: &b.w, cluster: None };
    for mix in [0.0, 0.5] {
        let penalty = Penalty { lambda: 0.02, mix };
        let (x, y) = (at(&sa, Family::Binomial, penalty).unwrap(), at(&sb, Family::Binomial, penalty).unwrap());
        near("intercept", x.intercept, y.intercept, 1e-9);
        x.beta.iter().zip(&y.beta).for_each(|(x, y)| near("coefficient", *x, *y, 1e-9));
    }
    // A leaf holds 50 units of mean weight: of weight 2 or so here, of weight 1 there.
    let unit = rows_a.iter().map(|&i| a.w[i]).sum::<f64>() / rows_a.len() as f64;
    let trees = BoostedTrees::default();
    let x = trees.grow(&sa, Family::Binomial, 1).unwrap();
    let y = BoostedTrees { min_leaf: trees.min_leaf * unit, ..trees }.grow(&sb, Family::Binomial, 1).unwrap();
    let (p, q) = (x.predict(&ma, &held_a), y.predict(&ma, &held_a));
    let difference = p.iter().zip(&q).map(|(p, q)| (p - q).abs()).fold(0.0, f64::max);
    eprintln!("boosting with weights and with repeated rows: {} and {} trees, largest difference {difference:.1e}", x.n_trees(), y.n_trees());
    assert!(x.n_trees() == y.n_trees() && difference < 1e-4, "{difference}");
    let losses = |p: &[f64]| {
        let (y, w): (Vec<f64>, Vec<f64>) = held_a.iter().map(|&i| (a.y[i], a.w[i])).unzip();
        loss(Family::Binomial, &y, p, &w)
    };
    let forest = LearnerKind::RandomForest.learner();
    let (x, y) = (forest.fit(&sa, Family::Binomial, 1).unwrap(), forest.fit(&sb, Family::Binomial, 1).unwrap());
    near("forest", losses(&x.predict(&ma, &held_a)), losses(&y.predict(&ma, &held_a)), 0.01);
}

#[test]
fn the_stack_takes_the_member_that_is_right() {
    let share = |curved: bool| {
        let d = data(Family::Binomial, curved, 9, 4000).design();
        let c = Contrast::new(&d, 1);
        let m = matrix(&c);
        let [rows, holdout, _] = thirds(4000);
        let s = Sample { m: &m, rows: &rows, holdout: &holdout, y: &c.y, w: &c.w, cluster: None };
        Stack::default().combine(&s, Family::Binomial, 3).unwrap().share
    };
    let (smooth, curved) = (share(false), share(true));
    assert!(smooth < 0.35 && curved > 0.8 && curved <= 1.0 && smooth >= 0.0, "{smooth} {curved}");
}

/// A prediction that is too flat by half on the logit is put right.
#[test]
fn calibration_restores_the_slope() {
    struct Flat;
    impl Predictor for Flat {
        fn predict(&self, m: &ModelMatrix<'_>, rows: &[usize]) -> Vec<f64> {
            let v = |i: usize, t: usize| m.value(i, m.terms[t], None);
            rows.iter().map(|&i| expit(0.2 + 0.5 * (-0.8 + 0.8 * v(i, 1) - 0.5 * v(i, 2) + 0.3 * v(i, 3)))).collect()
        }
    }
    let d = data(Family::Binomial, false, 10, 20_000).design();
    let c = Contrast::new(&d, 1);
    let m = matrix(&c);
    let holdout: Vec<usize> = (0..20_000).collect();
    let s = Sample { m: &m, rows: &[], holdout: &holdout, y: &c.y, w: &c.w, cluster: None };
    let fit = calibrate::calibrated(Box::new(Flat), &s, Family::Binomial).unwrap();
    // Standard errors of slope and intercept are about .05 and .03.
    near("slope", fit.slope, 2.0, 0.15);
    near("intercept", fit.intercept, -0.4, 0.1);
}

#[test]
fn elastic_net_and_ridge_choose_their_penalty() {
    let d = data(Family::Binomial, false, 13, 3000).design();
    let c = Contrast::new(&d, 1);
    let m = matrix(&c);
    let rows: Vec<usize> = (0..3000).collect();
    let s = Sample { m: &m, rows: &rows, holdout: &[], y: &c.y, w: &c.w, cluster: None };
    for learner in [Penalised::ridge(), Penalised::elastic_net()] {
        let fit = learner.choose(&s, Family::Binomial, 5).unwrap();
        // The truth is linear and 3,000 rows are many: little is gained by a penalty.
        assert!(fit.lambda < 0.02, "{learner:?} {}", fit.lambda);
        assert!((fit.beta[0] - 0.8).abs() < 0.15 && (fit.beta[1] + 0.5).abs() < 0.15, "{:?}", fit.beta);
    }
}
