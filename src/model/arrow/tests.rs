//! The arrow fit against explicit indicators, and its directions against numerical derivatives.

use super::*;
use crate::model::expit;
use ndarray::Array2;

/// Newton's method with dense indicators: coefficients of both sets, then effects, and leverages of the rows.
fn dense(x: &Array2<f64>, n0: usize, code: &[u32], count: usize, family: Family, y: &[f64], w: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let (n, p) = (x.nrows(), x.ncols() - 1);
    let k = 2 * p + count;
    let terms: Vec<usize> = (0..x.ncols()).filter(|j| *j != 1).collect();
    let mut z = Array2::<f64>::zeros((n, k));
    for i in 0..n {
        for (j, t) in terms.iter().enumerate() {
            z[[i, if i < n0 { j } else { p + j }]] = x[[i, *t]];
        }
        z[[i, 2 * p + code[i] as usize]] = 1.0;
    }
    let mut b = vec![0.0; k];
    for step in 0..60 {
        let mut g = vec![0.0; k];
        let mut a = Array2::<f64>::zeros((k, k));
        let mut v = vec![0.0; n];
        for i in 0..n {
            let eta: f64 = (0..k).map(|j| z[[i, j]] * b[j]).sum();
            let (score, curvature) = match family {
                Family::Gaussian => (y[i] - eta, 1.0),
                Family::Poisson => (y[i] - eta.exp(), eta.exp()),
                _ => (y[i] - expit(eta), expit(eta) * (1.0 - expit(eta))),
            };
            v[i] = w[i] * curvature;
            for j in 0..k {
                g[j] += w[i] * score * z[[i, j]];
                for l in 0..k {
                    a[[j, l]] += v[i] * z[[i, j]] * z[[i, l]];
                }
            }
        }
        for j in 2 * p..k {
            g[j] -= LAMBDA * b[j];
            a[[j, j]] += LAMBDA;
        }
        let factor = Cholesky::new(&a);
        let step_by = factor.solve(&g);
        let size = step_by.iter().fold(0.0_f64, |a, s| a.max(s.abs()));
        let f = if family == Family::Gaussian { 1.0 } else { (1.0 / size).min(1.0) };
        b.iter_mut().zip(&step_by).for_each(|(b, s)| *b += f * s);
        if size < 1e-12 || step == 59 {
            let inverse = factor.inverse();
            let leverage = (0..n).map(|i| v[i] * z.row(i).dot(&inverse.dot(&z.row(i)))).collect();
            return (b, leverage);
        }
    }
    unreachable!()
}

/// Rows of two groups in 9 hospitals, one of them without events, one without rows of the second group.
fn rows(family: Family) -> (Array2<f64>, Vec<u32>, Vec<f64>, Vec<f64>, usize) {
    let mut state: u64 = 11;
    let mut uniform = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / 2f64.powi(53)
    };
    let (n0, n1) = (170, 130);
    let mut x = Array2::zeros((n0 + n1, 4));
    let (mut code, mut y, mut w) = (Vec::new(), Vec::new(), Vec::new());
    for i in 0..n0 + n1 {
        let r = f64::from(u8::from(i >= n0));
        let mut h = (9.0 * uniform()) as u32;
        if h == 8 && r == 1.0 {
            h = 0;
        }
        let row = [1.0, r, 100.0 + 30.0 * uniform(), uniform() - 0.2 * r];
        let eta = -1.0 + 0.01 * (row[2] - 100.0) + row[3] + 0.2 * f64::from(h);
        let u = uniform();
        x.row_mut(i).iter_mut().zip(row).for_each(|(c, v)| *c = v);
        y.push(match family {
            Family::Gaussian => eta + u,
            Family::Poisson => (3.0 * u * eta.exp()).floor(),
            _ if h == 3 => 0.0,
            _ => f64::from(u8::from(u < expit(eta))),
        });
        code.push(h);
        w.push(1.0 + (2.0 * uniform()).floor());
    }
    (x, code, y, w, n0)
}

#[test]
fn the_arrow_is_the_dense_fit_with_penalised_indicators() {
    for family in [Family::Binomial, Family::Gaussian, Family::Poisson] {
        let (x, code, y, w, n0) = rows(family);
        let n = x.nrows();
        let (want, leverage) = dense(&x, n0, &code, 9, family, &y, &w);
        let matrix = |rows| ModelMatrix::new(x.view(), vec![Term::Column(0), Term::Column(2), Term::Column(3)], vec![rows]).unwrap();
        let hospitals = Hospitals { code: &code, count: 9 };
        let got = fit(vec![matrix(0..n0), matrix(n0..n)], hospitals, family, LAMBDA, &y, &w).unwrap();
        let mine = got.coefficients(0).iter().chain(got.coefficients(1)).chain(&got.effects);
        for (a, b) in mine.zip(&want) {
            assert!((a - b).abs() < 1e-9 * (1.0 + b.abs()), "{family:?}: {a} {b}");
        }
        for (a, b) in got.leverage(&y, &w).iter().zip(&leverage) {
            assert!((a - b).abs() < 1e-9, "{family:?}: leverage {a} {b}");
        }
    }
}

/// `J^-1 g` against the change of a prediction when one row's weight moves.
#[test]
fn directions_are_derivatives_by_weights() {
    let (x, code, y, mut w, n0) = rows(Family::Binomial);
    let n = x.nrows();
    let matrix = |rows| ModelMatrix::new(x.view(), vec![Term::Column(0), Term::Column(2), Term::Column(3)], vec![rows]).unwrap();
    let run = |w: &[f64]| {
        let hospitals = Hospitals { code: &code, count: 9 };
        fit(vec![matrix(0..n0), matrix(n0..n)], hospitals, Family::Binomial, LAMBDA, &y, w).unwrap()
    };
    let base = run(&w);
    // The first group's slopes at a row of the second.
    let mut g = base.no_gradient();
    base.add_row(&mut g, 0, n0 + 5, 1.0);
    let d = base.solve(&g);
    for i in [4, n0 + 9] {
        let set = usize::from(i >= n0);
        let score = y[i] - expit(base.eta(set, i));
        let at = w[i];
        w[i] = at + 1e-4;
        let up = run(&w).eta(0, n0 + 5);
        w[i] = at - 1e-4;
        let down = run(&w).eta(0, n0 + 5);
        w[i] = at;
        let want = (up - down) / 2e-4;
        let got = base.along(set, i, &d) * score;
        assert!((got - want).abs() < 1e-7, "{got} {want}");
    }
}
