//! Means and smooth functions of coefficients as estimates: the pieces that methods combine.

use crate::design::Contrast;
use crate::estimate::Estimate;
use crate::linalg::accumulate;
use crate::model::ModelMatrix;
use crate::model::glm::Fit;
use std::ops::Range;

/// Weighted mean of `f` over rows of the comparison; influence `n w_i (f_i - mean) / sum w`.
pub fn mean(c: &Contrast<'_>, rows: &Range<usize>, f: impl Fn(usize) -> f64 + Sync + Send) -> Estimate {
    mean_over(c, std::slice::from_ref(rows), f)
}

/// [`mean`] over several ranges of rows.
pub fn mean_over(c: &Contrast<'_>, rows: &[Range<usize>], f: impl Fn(usize) -> f64 + Sync + Send) -> Estimate {
    let (sum_w, sum) = accumulate(
        rows,
        |chunk| chunk.fold((0.0, 0.0), |(sw, s), i| (sw + c.w[i], s + c.w[i] * f(i))),
        |a: &mut (f64, f64), b| {
            a.0 += b.0;
            a.1 += b.1;
        },
    )
    .unwrap_or((0.0, 0.0));
    let value = sum / sum_w;
    let n = c.n();
    let mut influence = vec![0.0; n];
    for i in rows.iter().cloned().flatten() {
        influence[c.unit(i)] = n as f64 * c.w[i] * (f(i) - value) / sum_w;
    }
    Estimate { value, influence }
}

/// Mean outcomes of the index and of the reference group.
pub struct GroupMeans {
    pub index: Estimate,
    pub reference: Estimate,
}

pub fn group_means(c: &Contrast<'_>) -> GroupMeans {
    GroupMeans { index: mean(c, &c.index(), |i| c.y[i]), reference: mean(c, &c.reference(), |i| c.y[i]) }
}

/// Share of the weight that index units carry.
pub fn share_index(c: &Contrast<'_>) -> Estimate {
    let sum = |rows: Range<usize>| rows.map(|i| c.w[i]).sum::<f64>();
    let total = sum(c.index()) + sum(c.reference());
    let value = sum(c.index()) / total;
    let n = c.n() as f64;
    Estimate { value, influence: c.units().map(|i| n * c.w[i] * (c.r[i] - value) / total).collect() }
}

/// Standard deviation of the outcome over both groups: the yardstick for rounding.
pub fn outcome_sd(c: &Contrast<'_>) -> f64 {
    let (mut sw, mut s) = (0.0, 0.0);
    for i in c.units() {
        sw += c.w[i];
        s += c.w[i] * c.y[i];
    }
    let mean = s / sw;
    (c.units().map(|i| c.w[i] * (c.y[i] - mean).powi(2)).sum::<f64>() / sw).sqrt()
}

/// Adds `n g'J^-1 s_i` to the influences: what estimating the coefficients of `fit` adds to a quantity with gradient `g`.
///
/// `y` and `w` are those of the fit, by row of the design; `s_i = w_i x_i` times the derivative of the log-likelihood by the linear predictor
/// (`y_i - mu_i` with a canonical link).
pub fn add_score_influence(c: &Contrast<'_>, m: &ModelMatrix<'_>, fit: &Fit, gradient: &[f64], y: &[f64], w: &[f64], influence: &mut [f64]) {
    let lambda = fit.solve(gradient);
    let n = c.n() as f64;
    for i in m.rows.iter().cloned().flatten().filter(|&i| w[i] > 0.0) {
        let (score, _) = fit.family.score(y[i], m.dot(i, &fit.beta, None));
        influence[c.unit(i)] += n * w[i] * score * m.dot(i, &lambda, None);
    }
}

/// `a'beta` of a fit of the outcome, as an estimate.
pub fn coefficient_sum(c: &Contrast<'_>, m: &ModelMatrix<'_>, fit: &Fit, a: &[f64]) -> Estimate {
    let value = a.iter().zip(&fit.beta).map(|(a, b)| a * b).sum();
    let mut influence = vec![0.0; c.n()];
    add_score_influence(c, m, fit, a, &c.y, &c.w, &mut influence);
    Estimate { value, influence }
}
