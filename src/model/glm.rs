//! Weighted generalised linear models, by Newton's method with step halving.
//!
//! Columns are centred and scaled inside the solver only (METHODS 1.3); every figure that leaves it is on the
//! scale of the design. Source: McCullagh & Nelder (1989), ch. 2.5.

mod passes;

use super::{FitError, ModelMatrix, Term};
use crate::linalg::Cholesky;
use crate::vocab::Family;
use ndarray::Array2;
use passes::{Moments, expected_information, gaussian_loglik, moments, run};
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
