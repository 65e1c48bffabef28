//! Imputations against numpy, closed forms, and what must hold whatever is drawn.

use super::draw::Multinomial;
use super::*;
use ndarray::Array2;
use rand::RngExt;
use rand_distr::StandardNormal;

/// tests/known/imputation.csv: the rows, and by outcome coefficients and variances.
fn known() -> (Array2<f64>, Vec<Vec<usize>>, Vec<Vec<f64>>) {
    let lines: Vec<Vec<&str>> = include_str!("../../../../tests/known/imputation.csv").lines().skip(1).map(|l| l.split(',').collect()).collect();
    let (data, expected): (Vec<_>, Vec<_>) = lines.into_iter().partition(|l| l[0].parse::<f64>().is_ok());
    let x = Array2::from_shape_fn((data.len(), 3), |(i, j)| if j == 0 { 1.0 } else { data[i][j - 1].parse().unwrap() });
    let codes = (2..4).map(|c| data.iter().map(|l| l[c].parse().unwrap()).collect()).collect();
    (x, codes, expected.iter().map(|l| l[1..].iter().map(|v| v.parse().unwrap()).collect()).collect())
}

#[test]
fn logits_are_those_of_numpy_also_under_perfect_prediction() {
    let (x, codes, expected) = known();
    let rows: Vec<usize> = (0..x.nrows()).collect();
    for ((k, pseudo, code), want) in [(2, false, &codes[0]), (2, true, &codes[0]), (3, true, &codes[1])].into_iter().zip(expected.chunks(2)) {
        let fit = Multinomial::fit(&x, &rows, code, k, pseudo).unwrap();
        let variance = fit.information.inverse();
        for (j, (beta, v)) in want[0].iter().zip(&want[1]).enumerate() {
            assert!((fit.beta[j] - beta).abs() < 1e-9 * (1.0 + beta.abs()), "{k} levels, {j}: {} {beta}", fit.beta[j]);
            assert!((variance[[j, j]] / v - 1.0).abs() < 1e-7, "{k} levels, {j}: {} {v}", variance[[j, j]]);
        }
    }
    // Without them the third level has no finite coefficients.
    assert!(Multinomial::fit(&x, &rows, &codes[1], 3, false).is_err());
}

/// n units of one group with a predictor; the last `missing` cells of the variable are missing.
fn one_variable(n: usize, missing: usize, basis: Basis, value: impl Fn(f64, f64, f64) -> f64) -> Data {
    let mut rng = stream(9, 1);
    let (mut x, mut values) = (Vec::new(), Vec::new());
    for i in 0..n {
        let (a, e, u): (f64, f64, f64) = (rng.sample(StandardNormal), rng.sample(StandardNormal), uniform(&mut rng));
        x.push(a);
        values.push(if i < n - missing { value(a, e, u) } else { f64::NAN });
    }
    let rows = std::iter::once(0..n).collect();
    Data { variables: vec![Incomplete { name: "v".into(), values, basis }], known: vec![x], products: Vec::new(), groups: rows, cluster: None }
}

/// The variance between imputations of a mean when values are missing completely at random and nothing predicts them: the posterior of the
/// mean and the draws around it give `s2 n0 / (n n1)`, with n0 of n missing.
#[test]
fn levels_have_the_variance_of_proper_imputation() {
    let (n, n0) = (600, 240);
    for levels in [2, 3] {
        let cut = move |_: f64, _: f64, u: f64| {
            if u < 0.5 {
                0.0
            } else if levels == 2 || u < 0.8 {
                1.0
            } else {
                2.0
            }
        };
        let data = one_variable(n, n0, Basis::Levels { levels, base: 0 }, cut);
        let m = 1500;
        let settings = Settings { imputations: m, cycles: 3, ..Settings::default() };
        let found = impute(&data, &settings).unwrap();
        let n1 = (n - n0) as f64;
        for level in 0..levels {
            let observed = data.variables[0].values.iter().filter(|v| **v as usize == level && !v.is_nan()).count() as f64;
            let means: Vec<f64> =
                found.completed.iter().map(|c| (observed + c[0].iter().filter(|(_, v)| *v as usize == level).count() as f64) / n as f64).collect();
            let mean = means.iter().sum::<f64>() / f64::from(m);
            let b = means.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / f64::from(m - 1);
            let p = observed / n1;
            let want = p * (1.0 - p) * n0 as f64 / (n as f64 * n1);
            assert!((mean - p).abs() < 4.0 * (want / f64::from(m)).sqrt() + 0.004, "{level}: {mean} {p}");
            assert!((b / want - 1.0).abs() < 0.15, "{level} of {levels}: {b} {want}");
        }
    }
}

/// Matching on a continuous predictor: cells follow the regression, and the mean has about the variance that the regression implies.
#[test]
fn numbers_follow_the_regression_and_are_observed_values() {
    let (n, n0, m) = (2000, 600, 400);
    let data = one_variable(n, n0, Basis::Linear, |x, e, _| 3.0 + 2.0 * x + e);
    let values = &data.variables[0].values;
    let observed: Vec<f64> = values.iter().copied().filter(|v| !v.is_nan()).collect();
    let found = impute(&data, &Settings { imputations: m, ..Settings::default() }).unwrap();
    let mut means = Vec::new();
    for c in &found.completed {
        assert_eq!(c[0].len(), n0);
        assert!(c[0].iter().all(|(row, v)| values[*row].is_nan() && observed.contains(v)));
        means.push(c[0].iter().map(|(_, v)| v).sum::<f64>() / n0 as f64);
        let residual = |(row, v): &(usize, f64)| v - 3.0 - 2.0 * data.known[0][*row];
        let variance = c[0].iter().map(|c| residual(c).powi(2)).sum::<f64>() / n0 as f64;
        assert!((variance - 1.0).abs() < 0.3, "{variance}");
    }
    let mean = means.iter().sum::<f64>() / f64::from(m);
    let x0 = data.known[0][n - n0..].iter().sum::<f64>() / n0 as f64;
    assert!((mean - 3.0 - 2.0 * x0).abs() < 0.1, "{mean}");
    // Residuals of n0 cells around a line known from n1: sigma2 (1 / n0 + 1 / n1).
    let b = means.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / f64::from(m - 1);
    let want = 1.0 / n0 as f64 + 1.0 / (n - n0) as f64;
    assert!((b / want - 1.0).abs() < 0.3, "{b} {want}");
}

/// Two groups, clusters, three incomplete variables and a product.
fn several() -> Data {
    let n = 400;
    let mut rng = stream(2, 2);
    let mut column = |f: &mut dyn FnMut(f64, f64) -> f64| -> Vec<f64> { (0..n).map(|_| f(rng.sample(StandardNormal), rng.random())).collect() };
    let y = column(&mut |e, _| e);
    let mut a = column(&mut |e, u| if u < 0.2 { f64::NAN } else { e.exp() });
    let mut b = column(&mut |_, u| if u < 0.15 { f64::NAN } else { (u * 7.0).floor() % 3.0 });
    let c = column(&mut |e, u| if u < 0.1 { f64::NAN } else { e });
    // One group has no hole in the first two.
    (0..250).for_each(|i| (a[i], b[i]) = (if a[i].is_nan() { 1.0 } else { a[i] }, if b[i].is_nan() { 0.0 } else { b[i] }));
    Data {
        variables: vec![
            Incomplete { name: "a".into(), values: a, basis: Basis::Log { offset: 0.5 } },
            Incomplete { name: "b".into(), values: b, basis: Basis::Levels { levels: 3, base: 1 } },
            Incomplete { name: "c".into(), values: c, basis: Basis::Spline { knots: vec![-1.0, -0.3, 0.3, 1.0] } },
        ],
        products: vec![(Factor::Of(0, 0), Factor::Known(y.clone())), (Factor::Of(1, 1), Factor::Of(2, 0))],
        known: vec![y],
        groups: vec![0..250, 250..n],
        cluster: Some((0..n as u32).map(|i| i % 17).collect()),
    }
}

#[test]
fn imputations_depend_on_the_seed_and_not_on_threads() {
    let data = several();
    let settings = Settings { imputations: 6, cycles: 4, ..Settings::default() };
    let with_threads = |threads: usize, settings: &Settings| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| impute(&data, settings)).unwrap().completed
    };
    let one = with_threads(1, &settings);
    assert_eq!(one, with_threads(5, &settings));
    assert_ne!(one, with_threads(1, &Settings { seed: 1, ..settings }));
    assert_ne!(one[0], one[1]);
    // More imputations leave the first ones as they are.
    assert_eq!(one[..], with_threads(2, &Settings { imputations: 8, ..settings })[..6]);
    for c in &one {
        for (v, cells) in data.variables.iter().zip(c) {
            let missing: Vec<usize> = (0..v.values.len()).filter(|&i| v.values[i].is_nan()).collect();
            let mut rows: Vec<usize> = cells.iter().map(|c| c.0).collect();
            rows.sort_unstable();
            assert_eq!(rows, missing, "{}", v.name);
            assert!(cells.iter().all(|(_, x)| v.values.contains(x)), "{}", v.name);
        }
    }
}

#[test]
fn perfect_prediction_is_counted() {
    let mut data = one_variable(200, 40, Basis::Levels { levels: 2, base: 0 }, |x, _, _| f64::from(u8::from(x > 0.0)));
    let settings = Settings { imputations: 3, ..Settings::default() };
    assert_eq!(impute(&data, &settings).unwrap().augmented, vec![(0, 0)]);
    // Some units on the other side, and there is a fit.
    (0..60).filter(|i| i % 7 == 0).for_each(|i| data.variables[0].values[i] = 1.0 - data.variables[0].values[i]);
    assert!(impute(&data, &settings).unwrap().augmented.is_empty());
}

#[test]
fn what_cannot_be_imputed_is_refused() {
    let mut data = several();
    data.variables[2].values[250..].fill(f64::NAN);
    assert_eq!(impute(&data, &Settings::default()).unwrap_err(), ImputeError::NothingObserved { variable: 2, group: 1 });
    data.variables[2].values[250..253].copy_from_slice(&[0.1, 0.2, 0.3]);
    let e = impute(&data, &Settings::default()).unwrap_err();
    assert!(matches!(e, ImputeError::TooFew { variable: 2, group: 1, observed: 3, .. }), "{e:?}");
    // One value only needs no model.
    data.variables[2].values[250..253].fill(0.5);
    let found = impute(&data, &Settings { imputations: 2, ..Settings::default() }).unwrap();
    assert!(found.completed[0][2].iter().filter(|(row, _)| *row >= 250).all(|(_, v)| *v == 0.5));
}
