//! Passes over the rows of a fit: moments, likelihood with its derivatives, expected information.

use crate::linalg::{BLOCK, accumulate};
use crate::model::{FitError, ModelMatrix, Term};
use crate::vocab::Family;
use ndarray::linalg::{general_mat_mul, general_mat_vec_mul};
use ndarray::{Array1, Array2, s};
use std::ops::Range;

pub(super) struct Moments {
    pub(super) n: usize,
    pub(super) sum_w: f64,
    pub(super) sum_wy: f64,
    pub(super) sum_wyy: f64,
    /// Per term: shifted sum and sum of squares.
    pub(super) sums: Vec<(f64, f64)>,
    /// Per term: rows at 1, events at 1, whether all values are 0 or 1 (rows with weight only).
    pub(super) binary: Vec<(usize, f64, bool)>,
    pub(super) events: f64,
}

pub(super) struct Pass {
    pub(super) loglik: f64,
    pub(super) score: Array1<f64>,
    pub(super) information: Array2<f64>,
    pub(super) max_eta: f64,
}

/// Counts, shifted sums and 0/1 columns of the rows with weight, in one pass.
pub(super) fn moments(m: &ModelMatrix<'_>, y: &[f64], w: &[f64], shift: &[f64]) -> Result<Moments, FitError> {
    let k = m.terms.len();
    let zero = || Moments { n: 0, sum_w: 0.0, sum_wy: 0.0, sum_wyy: 0.0, sums: vec![(0.0, 0.0); k], binary: vec![(0, 0.0, true); k], events: 0.0 };
    let map = |chunk: Range<usize>| {
        let mut mo = zero();
        for i in chunk {
            if w[i] <= 0.0 {
                continue;
            }
            mo.n += 1;
            mo.sum_w += w[i];
            mo.sum_wy += w[i] * y[i];
            mo.sum_wyy += w[i] * y[i] * y[i];
            mo.events += y[i];
            for (t, term) in m.terms.iter().enumerate() {
                let x = m.value(i, *term, None);
                let d = x - shift[t];
                mo.sums[t].0 += w[i] * d;
                mo.sums[t].1 += w[i] * d * d;
                if x == 1.0 {
                    mo.binary[t].0 += 1;
                    mo.binary[t].1 += y[i];
                } else if x != 0.0 {
                    mo.binary[t].2 = false;
                }
            }
        }
        mo
    };
    let add = |a: &mut Moments, b: Moments| {
        a.n += b.n;
        a.sum_w += b.sum_w;
        a.sum_wy += b.sum_wy;
        a.sum_wyy += b.sum_wyy;
        a.events += b.events;
        for (x, y) in a.sums.iter_mut().zip(b.sums) {
            x.0 += y.0;
            x.1 += y.1;
        }
        for (x, y) in a.binary.iter_mut().zip(b.binary) {
            x.0 += y.0;
            x.1 += y.1;
            x.2 &= y.2;
        }
    };
    accumulate(&m.rows, map, add).filter(|mo| mo.n > 0 && mo.sum_w > 0.0).ok_or(FitError::NoRows)
}

/// Log-likelihood, score and information at `b`, all in scaled columns. Columns without spread are 0.
pub(super) fn run(m: &ModelMatrix<'_>, kept: &[usize], scaling: &[(f64, f64)], family: Family, y: &[f64], w: &[f64], b: &[f64]) -> Pass {
    let k = kept.len();
    let terms: Vec<(Term, f64, f64)> =
        kept.iter().zip(scaling).map(|(&t, &(c, sd))| (m.terms[t], c, if sd > 0.0 { 1.0 / sd } else { 0.0 })).collect();
    let b = Array1::from_vec(b.to_vec());
    let zero = || Pass { loglik: 0.0, score: Array1::zeros(k), information: Array2::zeros((k, k)), max_eta: 0.0 };
    let map = |chunk: Range<usize>| {
        let mut pass = zero();
        let mut packed = Array2::<f64>::zeros((BLOCK, k));
        let mut eta = Array1::<f64>::zeros(BLOCK);
        let mut start = chunk.start;
        while start < chunk.end {
            let rows = start..(start + BLOCK).min(chunk.end);
            let n = rows.len();
            for (r, i) in rows.clone().enumerate() {
                let mut row = packed.row_mut(r);
                for (cell, &(term, c, inv)) in row.iter_mut().zip(&terms) {
                    *cell = (m.value(i, term, None) - c) * inv;
                }
            }
            let mut a = packed.slice_mut(s![..n, ..]);
            let mut e = eta.slice_mut(s![..n]);
            general_mat_vec_mul(1.0, &a, &b, 0.0, &mut e);
            for (r, i) in rows.enumerate() {
                let (wi, yi, eta_i) = (w[i], y[i], e[r]);
                if wi == 0.0 {
                    e[r] = 0.0;
                    a.row_mut(r).fill(0.0);
                    continue;
                }
                pass.max_eta = pass.max_eta.max(eta_i.abs());
                // The score and the curvature of the row; inlined here so that one exponential serves likelihood and mean.
                let (score, curvature) = match family {
                    Family::Gaussian => {
                        pass.loglik -= 0.5 * wi * (yi - eta_i) * (yi - eta_i);
                        (yi - eta_i, 1.0)
                    }
                    Family::Binomial => {
                        let t = (-eta_i.abs()).exp();
                        pass.loglik += wi * (yi * eta_i - (eta_i.max(0.0) + t.ln_1p()));
                        let mu = if eta_i >= 0.0 { 1.0 / (1.0 + t) } else { t / (1.0 + t) };
                        (yi - mu, mu * (1.0 - mu))
                    }
                    Family::Probit => {
                        pass.loglik += wi * family.log_likelihood(yi, eta_i);
                        family.score(yi, eta_i)
                    }
                    Family::Poisson => {
                        let mu = eta_i.exp();
                        pass.loglik += wi * (yi * eta_i - mu);
                        (yi - mu, mu)
                    }
                };
                e[r] = wi * score;
                // The score takes x, the information x sqrt(W): keep both by scaling the residual, not the row twice.
                let root = (wi * curvature).sqrt();
                if root > 0.0 {
                    e[r] /= root;
                } else {
                    e[r] = 0.0;
                }
                a.row_mut(r).mapv_inplace(|v| v * root);
            }
            general_mat_vec_mul(1.0, &a.t(), &e, 1.0, &mut pass.score);
            general_mat_mul(1.0, &a.t(), &a, 1.0, &mut pass.information);
            start += BLOCK;
        }
        pass
    };
    let add = |total: &mut Pass, part: Pass| {
        total.loglik += part.loglik;
        total.score += &part.score;
        total.information += &part.information;
        total.max_eta = total.max_eta.max(part.max_eta);
    };
    accumulate(&m.rows, map, add).unwrap_or_else(zero)
}

/// The expected information at `b`, in scaled columns.
pub(super) fn expected_information(m: &ModelMatrix<'_>, kept: &[usize], scaling: &[(f64, f64)], family: Family, w: &[f64], b: &[f64]) -> Array2<f64> {
    let k = kept.len();
    let map = |chunk: Range<usize>| {
        let mut out = Array2::<f64>::zeros((k, k));
        let mut row = vec![0.0; k];
        for i in chunk.filter(|&i| w[i] > 0.0) {
            for ((cell, &t), &(c, sd)) in row.iter_mut().zip(kept).zip(scaling) {
                *cell = (m.value(i, m.terms[t], None) - c) / sd;
            }
            let eta: f64 = row.iter().zip(b).map(|(x, b)| x * b).sum();
            let v = w[i] * family.information(eta);
            for (a, x) in row.iter().enumerate() {
                for (c, z) in row.iter().enumerate().take(a + 1) {
                    out[[a, c]] += v * x * z;
                }
            }
        }
        out
    };
    let mut out = accumulate(&m.rows, map, |total: &mut Array2<f64>, part| *total += &part).unwrap_or_else(|| Array2::zeros((k, k)));
    for a in 0..k {
        for c in a + 1..k {
            out[[a, c]] = out[[c, a]];
        }
    }
    out
}

/// R's `logLik` of a least-squares fit and the residual variance `sum w e^2 / (n - k)`.
pub(super) fn gaussian_loglik(m: &ModelMatrix<'_>, y: &[f64], w: &[f64], beta: &[f64], n: usize, k: usize) -> (f64, f64) {
    let map = |chunk: Range<usize>| {
        chunk.filter(|&i| w[i] > 0.0).fold((0.0, 0.0), |(rss, lw), i| {
            let e = y[i] - m.dot(i, beta, None);
            (rss + w[i] * e * e, lw + w[i].ln())
        })
    };
    let (rss, log_w) = accumulate(&m.rows, map, |a: &mut (f64, f64), b| {
        a.0 += b.0;
        a.1 += b.1;
    })
    .unwrap_or((0.0, 0.0));
    let n_f = n as f64;
    let loglik = -0.5 * n_f * ((2.0 * std::f64::consts::PI * rss / n_f).ln() + 1.0) + 0.5 * log_w;
    let dispersion = if n > k { rss / (n - k) as f64 } else { 0.0 };
    (loglik, dispersion)
}
