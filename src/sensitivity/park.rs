//! A confounder U of one block and the outcome that is not measured: what it would do to the reduction that equalising the
//! block brings (Park, Kang, Lee & Ma (2023) J. Causal Inference 11; METHODS S9).
//!
//! The reduction is `alpha gamma`: alpha the group's coefficient in the least squares of the block's score M on group and allowables,
//! gamma the coefficient of M for index units in that of the outcome on group, M, group x M, allowables and the other blocks. U moves gamma by
//! at most `se(gamma) sqrt(df r_Y r_M / (1 - r_M))`, with `r_Y` and `r_M` its partial R2 with outcome and block.

use super::omitted::Coefficient;
use crate::decompose::DecomposeError;
use crate::decompose::fits::{Fits, FittedIn, GroupTerms};
use crate::decompose::moments::{add_score_influence, coefficient_sum};
use crate::estimate::Estimate;
use crate::model::glm::{self, Fit};
use crate::model::{GROUP, INTERCEPT, ModelMatrix, Term};
use crate::vocab::{BlockSet, Family, Role};
use ndarray::Array2;

/// The two coefficients of a reduction, with classical errors.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Product {
    pub alpha: f64,
    pub alpha_std_error: f64,
    /// For index units.
    pub gamma: Coefficient,
}

impl Product {
    pub fn reduction(&self) -> f64 {
        self.alpha * self.gamma.estimate
    }

    /// By how much U can move the reduction, in either direction: `|alpha| se(gamma) sqrt(df r_Y r_M / (1 - r_M))`.
    pub fn bias(&self, r_y: f64, r_m: f64) -> f64 {
        self.alpha.abs() * self.gamma.std_error * (self.gamma.df * r_y * r_m / (1.0 - r_m)).sqrt()
    }

    /// The reduction with U against it, and with U for it.
    pub fn adjusted(&self, r_y: f64, r_m: f64) -> (f64, f64) {
        let (delta, bias) = (self.reduction(), self.bias(r_y, r_m));
        (delta - delta.signum() * bias, delta + delta.signum() * bias)
    }

    /// `r_Y = r_M` at which the reduction would be 0.
    pub fn robustness_value(&self) -> f64 {
        self.gamma.robustness_value(1.0)
    }

    /// Classical standard error of the reduction with U against it (their equation 15).
    pub fn std_error(&self, r_y: f64, r_m: f64) -> f64 {
        let moved = self.gamma.less(r_m, r_y);
        (self.alpha * moved.std_error).hypot(moved.estimate * self.alpha_std_error)
    }

    /// `r_Y = r_M` at which the interval of the reduction would reach 0, by bisection; 0 where it does as it is.
    ///
    /// The interval is `quantile` times `std_error`, that of the reduction as it is printed (influences, clusters). With U it changes as
    /// the classical one does, `std_error s(r, r) / s(0, 0)`: what U takes of the outcome's variation has no counterpart for clusters.
    pub fn robustness_value_at(&self, quantile: f64, std_error: f64) -> f64 {
        let scale = std_error / self.std_error(0.0, 0.0);
        let limit = |r: f64| self.reduction().abs() - self.bias(r, r) - quantile * scale * self.std_error(r, r);
        let (mut low, mut high) = (0.0, self.robustness_value());
        if limit(low).is_nan() || limit(low) <= 0.0 {
            return 0.0;
        }
        for _ in 0..100 {
            let middle = 0.5 * (low + high);
            if limit(middle) > 0.0 { low = middle } else { high = middle }
        }
        low
    }
}

/// The reduction of one block, and what remains of the gap given the allowables.
#[derive(Clone, Debug)]
pub struct Reduction {
    pub product: Product,
    pub reduction: Estimate,
    pub remaining: Estimate,
    /// Whether M is the block's linear predictor rather than its one column.
    pub score: bool,
}

/// The reduction of a block. With several columns M is `x_k'b_k`, its part of the linear predictor of the least squares on all blocks;
/// influences take M as given.
///
/// Errors: no fit, or coefficients that cannot be told from others.
pub fn reduction(fits: &Fits<'_>, block: usize) -> Result<Reduction, DecomposeError> {
    let c = fits.contrast;
    let set = BlockSet::all(c.design.blocks.len());
    let columns = c.columns(set);
    let role = |j: usize| c.design.columns[j].role;
    let own: Vec<usize> = columns.iter().copied().filter(|&j| role(j) == Role::Block(block)).collect();
    let m: Vec<f64> = match own.as_slice() {
        [one] => c.design.x.column(*one).to_vec(),
        several => {
            let long = fits.outcome(FittedIn::Pooled, set, GroupTerms::Main, Family::Gaussian)?;
            let beta = |j: usize| long.terms.iter().zip(&long.beta).find(|(t, _)| **t == Term::Column(j)).map_or(0.0, |(_, b)| *b);
            let beta: Vec<(usize, f64)> = several.iter().map(|&j| (j, beta(j))).collect();
            c.design.x.outer_iter().map(|x| beta.iter().map(|(j, b)| x[*j] * b).sum()).collect()
        }
    };
    // Intercept, group, M, group x M, allowables, other blocks.
    let allowable: Vec<usize> = columns.iter().copied().filter(|&j| role(j) == Role::Allowable).collect();
    let others: Vec<usize> = columns
        .iter()
        .copied()
        .filter(|&j| matches!(role(j), Role::Block(k) if k != block) && c.design.columns[j].requires.iter().all(|r| *r != Role::Block(block)))
        .collect();
    let copied: Vec<usize> = allowable.iter().chain(&others).copied().collect();
    let mut x = Array2::zeros((m.len(), 4 + copied.len()));
    for (i, mut row) in x.outer_iter_mut().enumerate() {
        let from = c.design.x.row(i);
        (row[0], row[1], row[2], row[3]) = (from[INTERCEPT], from[GROUP], m[i], from[GROUP] * m[i]);
        copied.iter().enumerate().for_each(|(at, &j)| row[4 + at] = from[j]);
    }
    let base: Vec<Term> = [0, 1].into_iter().chain(4..4 + allowable.len()).map(Term::Column).collect();
    let full: Vec<Term> = (0..4 + copied.len()).map(Term::Column).collect();
    let least_squares = |terms: &[Term], y: &[f64], needed: usize| -> Result<(ModelMatrix<'_>, Fit), DecomposeError> {
        let failed = |e| fits.failed(FittedIn::Pooled, set, &e);
        let matrix = ModelMatrix::new(x.view(), terms.to_vec(), c.rows()).map_err(failed)?;
        let fit = glm::fit(&matrix, Family::Gaussian, y, &c.w).map_err(failed)?;
        match (1..=needed).all(|t| fit.is_estimated(t)) {
            true => Ok((matrix, fit)),
            false => Err(DecomposeError::Rank { fitted_in: FittedIn::Pooled.name(), terms: vec![c.design.blocks[block].clone()] }),
        }
    };
    let (m_of_m, fit_m) = least_squares(&base, &m, 1)?;
    let (m_of_y, fit_y) = least_squares(&full, &c.y, 3)?;
    let (m_short, fit_short) = least_squares(&base, &c.y, 1)?;
    let unit = |fit: &Fit, at: &[usize]| (0..fit.terms.len()).map(|t| f64::from(u8::from(at.contains(&t)))).collect::<Vec<f64>>();

    let mut alpha = Estimate::constant(fit_m.beta[1], c.n());
    add_score_influence(c, &m_of_m, &fit_m, &unit(&fit_m, &[1]), &m, &c.w, &mut alpha.influence);
    let gamma = coefficient_sum(c, &m_of_y, &fit_y, &unit(&fit_y, &[2, 3]));
    let total = coefficient_sum(c, &m_short, &fit_short, &unit(&fit_short, &[1]));
    let v = fit_y.vcov();
    let product = Product {
        alpha: alpha.value,
        alpha_std_error: fit_m.std_errors()[1],
        gamma: Coefficient {
            estimate: gamma.value,
            std_error: (v[[2, 2]] + 2.0 * v[[2, 3]] + v[[3, 3]]).max(0.0).sqrt(),
            df: fit_y.n as f64 - fit_y.k() as f64,
        },
    };
    let reduction = alpha.times(&gamma);
    Ok(Reduction { product, remaining: total.minus(&reduction), reduction, score: own.len() != 1 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn robustness_values_are_where_nothing_is_left() {
        for (alpha, estimate) in [(0.4, 0.3), (-0.4, 0.3), (0.4, -0.3)] {
            let p = Product { alpha, alpha_std_error: 0.05, gamma: Coefficient { estimate, std_error: 0.04, df: 500.0 } };
            let r = p.robustness_value();
            assert!(p.adjusted(r, r).0.abs() < 1e-15, "{p:?}");
            let (toward, away) = p.adjusted(0.1, 0.2);
            let bias = 0.4 * 0.04 * (500.0_f64 * 0.1 * 0.2 / 0.8).sqrt();
            assert!((toward.abs() - (0.12 - bias).abs()).abs() < 1e-15 && (away.abs() - 0.12 - bias).abs() < 1e-15);
            for times in [1.0, 1.7] {
                let r = p.robustness_value_at(1.96, times * p.std_error(0.0, 0.0));
                assert!(r > 0.0 && r < p.robustness_value());
                assert!((p.adjusted(r, r).0.abs() - 1.96 * times * p.std_error(r, r)).abs() < 1e-12);
            }
            // The printed interval covers 0: nothing is needed, whatever the classical one says.
            assert!(p.robustness_value_at(1.96, p.std_error(0.0, 0.0)) > 0.0);
            assert_eq!(p.robustness_value_at(1.96, 0.12 / 1.95), 0.0);
        }
        let weak = Product { alpha: 0.4, alpha_std_error: 0.3, gamma: Coefficient { estimate: 0.3, std_error: 0.04, df: 500.0 } };
        assert_eq!(weak.robustness_value_at(1.96, weak.std_error(0.0, 0.0)), 0.0);
    }
}
