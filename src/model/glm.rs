//! Weighted generalised linear models, by Newton's method with step halving.
//!
//! Columns are centred and scaled inside the solver only (METHODS 1.3); every figure that leaves it is on the
//! scale of the design. Source: McCullagh & Nelder (1989), ch. 2.5.

use super::{FitError, ModelMatrix, Term};
use crate::linalg::{BLOCK, Cholesky, accumulate};
use crate::vocab::Family;
use ndarray::linalg::{general_mat_mul, general_mat_vec_mul};
use ndarray::{Array1, Array2, s};
use statrs::distribution::{ContinuousCDF, Normal};
use std::ops::Range;

const MAX_STEPS: usize = 50;
const STEP_TOLERANCE: f64 = 1e-10;
/// A linear predictor beyond the first number is a separated fit: the fitted probability is below 1e-13. So is a coefficient
/// per standard deviation of its column beyond the second.
fn bounds(family: Family) -> Option<(f64, f64)> {
    match family {
        Family::Binomial => Some((30.0, 15.0)),
        Family::Probit => Some((7.35, 8.0)),
        Family::Gaussian | Family::Poisson => None,
    }
}

/// A converged fit.
#[derive(Clone, Debug)]
pub struct Fit {
    pub family: Family,
    /// Terms as asked for; those in `dropped` have a coefficient of 0.
    pub terms: Vec<Term>,
    pub beta: Vec<f64>,
    /// Positions in `terms` of columns that are constant or depend on earlier ones in the rows of the fit.
    pub dropped: Vec<usize>,
    /// Rows with a positive weight.
    pub n: usize,
    pub sum_w: f64,
    /// Log-likelihood as R's `logLik` has it; for poisson without the terms that depend on the outcome alone.
    pub loglik: f64,
    pub iterations: usize,
    /// Residual variance of a gaussian fit, `sum w e^2 / (n - k)`; 1 otherwise.
    pub dispersion: f64,
    kept: Vec<usize>,
    /// Mean and scale of each kept term.
    scaling: Vec<(f64, f64)>,
    /// Factor of minus the second derivative of the log-likelihood in scaled columns.
    information: Cholesky,
    /// Factor of its expected value, where that is another matrix: with a link that is not the canonical one.
    expected: Option<Cholesky>,
    /// For each dropped term: its centre and spread, and its regression on the kept terms in scaled columns.
    alias: Vec<(f64, f64, Vec<f64>)>,
}

struct Moments {
    n: usize,
    sum_w: f64,
    sum_wy: f64,
    sum_wyy: f64,
    /// Per term: shifted sum and sum of squares.
    sums: Vec<(f64, f64)>,
    /// Per term: rows at 1, events at 1, whether all values are 0 or 1 (rows with weight only).
    binary: Vec<(usize, f64, bool)>,
    events: f64,
}

struct Pass {
    loglik: f64,
    score: Array1<f64>,
    information: Array2<f64>,
    max_eta: f64,
}

/// Fits `y` on the matrix. `y` and `w` are as long as the design; rows with weight 0 take no part.
///
/// `y` may lie between 0 and 1 for binomial (fractional logit). Errors: see [`FitError`].
pub fn fit(m: &ModelMatrix<'_>, family: Family, y: &[f64], w: &[f64]) -> Result<Fit, FitError> {
    let shift: Vec<f64> = match m.rows.iter().find(|r| !r.is_empty()) {
        Some(r) => m.terms.iter().map(|t| m.value(r.start, *t, None)).collect(),
        None => return Err(FitError::NoRows),
    };
    let mo = moments(m, y, w, &shift)?;
    let k_all = m.terms.len();
    let y_bar = mo.sum_wy / mo.sum_w;
    let start = match family {
        Family::Gaussian => y_bar,
        Family::Binomial | Family::Probit if y_bar <= 0.0 || y_bar >= 1.0 => return Err(FitError::NoVariation { n: mo.n, events: mo.events }),
        Family::Binomial => (y_bar / (1.0 - y_bar)).ln(),
        Family::Probit => Normal::standard().inverse_cdf(y_bar),
        Family::Poisson if y_bar <= 0.0 => return Err(FitError::NoVariation { n: mo.n, events: mo.events }),
        Family::Poisson => y_bar.ln(),
    };
    let scaling_all: Vec<(f64, f64)> = (0..k_all)
        .map(|t| {
            if t == 0 {
                return (0.0, 1.0);
            }
            let (s1, s2) = mo.sums[t];
            let mean = s1 / mo.sum_w;
            let variance = (s2 / mo.sum_w - mean * mean).max(0.0);
            let centre = shift[t] + mean;
            // A spread that rounding alone could produce is no spread.
            let sd = variance.sqrt();
            if sd > 1e-10 * centre.abs().max(shift[t].abs()) { (centre, sd) } else { (centre, 0.0) }
        })
        .collect();

    // With every coefficient but the intercept at 0 the information is proportional to the weighted Gram matrix, so the first step finds the rank.
    let mut b = vec![0.0; k_all];
    b[0] = start;
    let mut pass = run(m, &(0..k_all).collect::<Vec<_>>(), &scaling_all, family, y, w, &b);
    let rank = Cholesky::new(&pass.information);
    let kept = rank.kept.clone();
    // Sums that overflow leave no column, not even the intercept.
    if kept.first() != Some(&0) {
        return Err(FitError::NotConverged { iterations: 0 });
    }
    let alias = rank.dropped.iter().map(|&d| (scaling_all[d].0, scaling_all[d].1, rank.solve(&pass.information.column(d).to_vec()))).collect();
    let k = kept.len();
    if mo.n <= k && !(family == Family::Gaussian && mo.n == k) {
        return Err(FitError::TooFewRows { n: mo.n, k });
    }
    separated_level(family, &mo, m, &kept)?;
    let scaling: Vec<(f64, f64)> = kept.iter().map(|&t| scaling_all[t]).collect();
    b = kept.iter().map(|&t| b[t]).collect();
    if k < k_all {
        pass = run(m, &kept, &scaling, family, y, w, &b);
    }

    let mut iterations = 0;
    let information = loop {
        let factor = Cholesky::new(&pass.information);
        if !factor.dropped.is_empty() {
            return Err(separated(m, &kept, &b));
        }
        let step = factor.solve(&pass.score.to_vec());
        let size = step.iter().fold(0.0_f64, |a, s| a.max(s.abs()));
        if !size.is_finite() {
            return Err(FitError::NotConverged { iterations });
        }
        // The coefficient of a gaussian outcome carries its unit; all of them may be 0.
        let unit = if family == Family::Gaussian { b.iter().fold((mo.sum_wyy / mo.sum_w).sqrt().max(1e-300), |a, v| a.max(v.abs())) } else { 1.0 };
        if size < STEP_TOLERANCE * unit {
            b.iter_mut().zip(&step).for_each(|(b, s)| *b += s);
            break factor;
        }
        if iterations == MAX_STEPS {
            return Err(FitError::NotConverged { iterations });
        }
        iterations += 1;
        let mut factor_of_step = 1.0;
        let old = (pass.loglik, b.clone());
        loop {
            b.iter_mut().zip(&old.1).zip(&step).for_each(|((b, o), s)| *b = o + factor_of_step * s);
            pass = run(m, &kept, &scaling, family, y, w, &b);
            if pass.loglik.is_finite() && pass.loglik >= old.0 - 1e-10 * (1.0 + old.0.abs()) {
                break;
            }
            factor_of_step *= 0.5;
            if factor_of_step < 1e-6 {
                return Err(FitError::NotConverged { iterations });
            }
        }
        // The likelihood stands still while the coefficients still move: they run away.
        let still = (pass.loglik - old.0).abs() <= 1e-12 * (1.0 + pass.loglik.abs());
        let far = bounds(family).is_some_and(|(eta, _)| pass.max_eta > eta);
        let runs_away = far || family != Family::Gaussian && still && size > 1e-3;
        if runs_away {
            return Err(separated(m, &kept, &step));
        }
    };
    if bounds(family).is_some_and(|(_, scaled)| b[1..].iter().any(|v| v.abs() > scaled)) {
        return Err(separated(m, &kept, &b));
    }
    let expected = (family == Family::Probit).then(|| Cholesky::new(&expected_information(m, &kept, &scaling, family, w, &b)));

    let mut beta = vec![0.0; k_all];
    for ((&t, &v), &(_, sd)) in kept.iter().zip(&b).zip(&scaling) {
        beta[t] = v / sd;
    }
    beta[0] = b[0] - kept.iter().zip(&scaling).skip(1).map(|(&t, (c, _))| beta[t] * c).sum::<f64>();
    let (loglik, dispersion) = match family {
        Family::Gaussian => gaussian_loglik(m, y, w, &beta, mo.n, k),
        Family::Binomial | Family::Probit | Family::Poisson => (pass.loglik, 1.0),
    };
    Ok(Fit {
        family,
        terms: m.terms.clone(),
        beta,
        dropped: rank.dropped,
        n: mo.n,
        sum_w: mo.sum_w,
        loglik,
        iterations,
        dispersion,
        kept,
        scaling,
        information,
        expected,
        alias,
    })
}

impl Fit {
    /// Number of coefficients that were estimated.
    pub fn k(&self) -> usize {
        self.kept.len()
    }

    pub fn is_estimated(&self, term: usize) -> bool {
        self.kept.contains(&term)
    }

    /// `J^-1 a` with `J` minus the second derivative of the log-likelihood (`X'WX` with a canonical link), without the
    /// dispersion; `a` and the result are as long as `terms`. This is what moves the coefficients when a weight moves.
    pub fn solve(&self, a: &[f64]) -> Vec<f64> {
        self.solve_with(&self.information, a)
    }

    fn solve_with(&self, factor: &Cholesky, a: &[f64]) -> Vec<f64> {
        let scaled: Vec<f64> =
            self.kept.iter().zip(&self.scaling).enumerate().map(|(i, (&t, &(c, sd)))| if i == 0 { a[0] } else { (a[t] - a[0] * c) / sd }).collect();
        let z = factor.solve(&scaled);
        let mut out = vec![0.0; self.terms.len()];
        let mut intercept = z[0];
        for (i, (&t, &(c, sd))) in self.kept.iter().zip(&self.scaling).enumerate().skip(1) {
            out[t] = z[i] / sd;
            intercept -= out[t] * c;
        }
        out[0] = intercept;
        out
    }

    /// `J^-1`, (terms, terms); 0 for dropped terms.
    pub fn inverse_information(&self) -> Array2<f64> {
        self.inverse(&self.information)
    }

    /// Variance matrix of the coefficients as R's `glm` has it: dispersion times the inverse expected information.
    pub fn vcov(&self) -> Array2<f64> {
        self.inverse(self.expected.as_ref().unwrap_or(&self.information)) * self.dispersion
    }

    fn inverse(&self, factor: &Cholesky) -> Array2<f64> {
        let p = self.terms.len();
        let mut out = Array2::zeros((p, p));
        let mut unit = vec![0.0; p];
        for j in 0..p {
            if self.is_estimated(j) {
                unit[j] = 1.0;
                for (i, v) in self.solve_with(factor, &unit).into_iter().enumerate() {
                    out[[i, j]] = v;
                }
                unit[j] = 0.0;
            }
        }
        out
    }

    /// Model-based standard errors, as R's `glm` prints them; 0 for dropped terms.
    pub fn std_errors(&self) -> Vec<f64> {
        self.vcov().diag().iter().map(|v| v.max(0.0).sqrt()).collect()
    }

    /// Akaike's criterion as R's `AIC` counts it.
    pub fn aic(&self) -> f64 {
        let k = self.k() + usize::from(self.family == Family::Gaussian);
        2.0 * k as f64 - 2.0 * self.loglik
    }

    /// Dropped terms whose relation to the kept ones has the term at `on` in it.
    pub fn dropped_with(&self, on: usize) -> Vec<usize> {
        let related = |gamma: &Vec<f64>| gamma.get(on).is_some_and(|g| g.abs() > 1e-7);
        self.dropped.iter().zip(&self.alias).filter(|(_, (_, spread, gamma))| *spread > 0.0 && related(gamma)).map(|(d, _)| *d).collect()
    }

    /// Rows about which the fit says nothing: a term dropped in the fit does not keep, in that row, the relation
    /// to the other terms for which it was dropped. Counts rows for each dropped term: (position in `terms`, rows).
    pub fn unsupported(&self, m: &ModelMatrix<'_>, rows: &[Range<usize>], w: &[f64]) -> (usize, Vec<(usize, usize)>) {
        let mut by_term: Vec<(usize, usize)> = self.dropped.iter().map(|&d| (d, 0)).collect();
        let mut any = 0;
        if self.dropped.is_empty() {
            return (0, by_term);
        }
        for i in rows.iter().cloned().flatten().filter(|&i| w[i] > 0.0) {
            let mut found = false;
            for ((d, count), (centre, spread, gamma)) in by_term.iter_mut().zip(&self.alias) {
                let x = m.value(i, self.terms[*d], None);
                let relation: f64 =
                    self.kept.iter().zip(&self.scaling).skip(1).map(|(&t, (c, sd))| gamma[t] * (m.value(i, self.terms[t], None) - c) / sd).sum();
                if (x - centre - spread * relation).abs() > 1e-6 * (1.0 + x.abs().max(centre.abs())) {
                    *count += 1;
                    found = true;
                }
            }
            any += usize::from(found);
        }
        (any, by_term)
    }
}

/// Counts, shifted sums and 0/1 columns of the rows with weight, in one pass.
fn moments(m: &ModelMatrix<'_>, y: &[f64], w: &[f64], shift: &[f64]) -> Result<Moments, FitError> {
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

/// A 0/1 column one side of which has no events, or (binomial) nothing but events.
fn separated_level(family: Family, mo: &Moments, m: &ModelMatrix<'_>, kept: &[usize]) -> Result<(), FitError> {
    if family == Family::Gaussian {
        return Ok(());
    }
    for &t in kept.iter().skip(1) {
        let (n_one, events_one, binary) = mo.binary[t];
        if !binary {
            continue;
        }
        for (at_one, n, events) in [(true, n_one, events_one), (false, mo.n - n_one, mo.events - events_one)] {
            if n > 0 && (events == 0.0 || family.is_binomial() && events == n as f64) {
                return Err(FitError::Separated { term: m.terms[t], at_one, n: Some(n), events: Some(events) });
            }
        }
    }
    Ok(())
}

/// The error that names the column which moves most.
fn separated(m: &ModelMatrix<'_>, kept: &[usize], direction: &[f64]) -> FitError {
    let largest = (1..kept.len()).max_by(|&a, &b| direction[a].abs().total_cmp(&direction[b].abs()));
    let term = m.terms[kept[largest.unwrap_or(0)]];
    FitError::Separated { term, at_one: true, n: None, events: None }
}

/// Log-likelihood, score and information at `b`, all in scaled columns. Columns without spread are 0.
fn run(m: &ModelMatrix<'_>, kept: &[usize], scaling: &[(f64, f64)], family: Family, y: &[f64], w: &[f64], b: &[f64]) -> Pass {
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
fn expected_information(m: &ModelMatrix<'_>, kept: &[usize], scaling: &[(f64, f64)], family: Family, w: &[f64], b: &[f64]) -> Array2<f64> {
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
fn gaussian_loglik(m: &ModelMatrix<'_>, y: &[f64], w: &[f64], beta: &[f64], n: usize, k: usize) -> (f64, f64) {
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
