//! Omitted-variable bias of the linear adjusted gap: partial R2, robustness values, and bounds by observed factors.
//!
//! Source: Cinelli & Hazlett (2020) J. R. Stat. Soc. B 82, 39. Agrees with R `sensemakr` on its Darfur example to the printed
//! digits (case C14 of the reference material).

use crate::decompose::DecomposeError;
use crate::decompose::fits::{Fits, FittedIn, GroupTerms};
use crate::design::Column;
use crate::model::{FitError, GROUP, ModelMatrix, Term, glm};
use crate::vocab::{BlockSet, Family};
use statrs::distribution::{ContinuousCDF, StudentsT};

/// A coefficient with the classical standard error of least squares and the residual degrees of freedom.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Coefficient {
    pub estimate: f64,
    pub std_error: f64,
    pub df: f64,
}

/// What observed factors explain beyond all others: of the group, and of the outcome given the group.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PartialR2 {
    pub of_group: f64,
    pub of_outcome: f64,
}

/// The coefficient if a factor were left out that is some multiple as strong as an observed one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bound {
    /// Partial R2 of the left-out factor with the group, and with the outcome given the group.
    pub r2_group: f64,
    pub r2_outcome: f64,
    /// Whether the multiple asks for more than all of the outcome's variation, so that `r2_outcome` was set to 1.
    pub capped: bool,
    pub adjusted: Coefficient,
}

impl Coefficient {
    pub fn t(&self) -> f64 {
        self.estimate / self.std_error
    }

    /// Share of the outcome's variation left by the covariates that the group explains: `t^2 / (t^2 + df)`.
    pub fn partial_r2(&self) -> f64 {
        let t2 = self.t().powi(2);
        t2 / (t2 + self.df)
    }

    /// How strong a left-out factor must be with group and outcome alike, in partial R2, to take away the share `q` of the estimate.
    pub fn robustness_value(&self, q: f64) -> f64 {
        binding(q * self.t().abs() / self.df.sqrt())
    }

    /// How strong to make the estimate, less the share `q`, no longer differ from 0 at level `alpha`. 0 where it does not differ as it is.
    pub fn robustness_value_at(&self, q: f64, alpha: f64) -> f64 {
        let f = q * self.t().abs() / self.df.sqrt();
        let critical = t_quantile(1.0 - alpha / 2.0, self.df - 1.0) / (self.df - 1.0).sqrt();
        if f > critical && f > critical.recip() {
            // A factor that explains less of the outcome than of the group does more here: with few degrees of freedom only.
            return (f * f - critical * critical) / (1.0 + f * f);
        }
        binding((f - critical).max(0.0))
    }

    /// The estimate if a factor with these partial R2 were left out and worked against it: bias `se sqrt(df R2_Y R2_D / (1 - R2_D))`.
    pub fn less(&self, r2_group: f64, r2_outcome: f64) -> Self {
        let bias = self.std_error * (self.df * r2_outcome * r2_group / (1.0 - r2_group)).sqrt();
        Self {
            estimate: self.estimate.signum() * (self.estimate.abs() - bias),
            std_error: self.std_error * ((1.0 - r2_outcome) / (1.0 - r2_group) * self.df / (self.df - 1.0)).sqrt(),
            df: self.df - 1.0,
        }
    }

    /// The bound for a left-out factor `multiple` times as strong as observed ones, with group and outcome alike. `None` where it
    /// would explain all of the group.
    pub fn bound(&self, observed: PartialR2, multiple: f64) -> Option<Bound> {
        let (r_d, r_y) = (observed.of_group, observed.of_outcome);
        let r2_group = multiple * r_d / (1.0 - r_d);
        let r_zx = multiple * r_d * r_d / ((1.0 - multiple * r_d) * (1.0 - r_d));
        if r2_group.is_nan() || r2_group >= 1.0 || !(0.0..1.0).contains(&r_zx) {
            return None;
        }
        let asked = ((multiple.sqrt() + r_zx.sqrt()) / (1.0 - r_zx).sqrt()).powi(2) * r_y / (1.0 - r_y);
        let r2_outcome = asked.min(1.0);
        Some(Bound { r2_group, r2_outcome, capped: asked > 1.0, adjusted: self.less(r2_group, r2_outcome) })
    }
}

/// The partial R2 r with `f^2 = r^2 / (1 - r)`.
fn binding(f: f64) -> f64 {
    0.5 * ((f.powi(4) + 4.0 * f * f).sqrt() - f * f)
}

pub fn t_quantile(p: f64, df: f64) -> f64 {
    StudentsT::new(0.0, 1.0, df).map_or(f64::NAN, |t| t.inverse_cdf(p))
}

/// The linear adjusted gap: the group's coefficient in the least squares of the outcome on group, allowables and every block.
///
/// Errors: no fit, or a group that cannot be told from the covariates.
pub fn adjusted_gap(fits: &Fits<'_>) -> Result<Coefficient, DecomposeError> {
    let set = BlockSet::all(fits.contrast.design.blocks.len());
    let m = fits.matrix(FittedIn::Pooled, set, GroupTerms::Main)?;
    let fit = fits.outcome(FittedIn::Pooled, set, GroupTerms::Main, Family::Gaussian)?;
    fits.told_from_the_group(&m, &fit)?;
    let at = m.terms.iter().position(|t| *t == Term::Column(GROUP)).filter(|&at| fit.is_estimated(at));
    let Some(at) = at else {
        return Err(DecomposeError::Rank { fitted_in: FittedIn::Pooled.name(), terms: vec!["(group)".to_owned()] });
    };
    Ok(Coefficient { estimate: fit.beta[at], std_error: fit.std_errors()[at], df: fit.n as f64 - fit.k() as f64 })
}

/// What the columns that `of` picks explain of group and outcome beyond all other covariates.
///
/// Errors: no fit of a model with or without them.
pub fn partial_r2(fits: &Fits<'_>, of: impl Fn(&Column) -> bool) -> Result<PartialR2, DecomposeError> {
    let c = fits.contrast;
    let set = BlockSet::all(c.design.blocks.len());
    let all = c.columns(set);
    let others: Vec<usize> = all.iter().copied().filter(|&j| !of(&c.design.columns[j])).collect();
    let left = |columns: &[usize], with_group: bool, y: &[f64]| -> Result<f64, FitError> {
        let mut terms: Vec<Term> = columns.iter().map(|&j| Term::Column(j)).collect();
        if with_group {
            terms.insert(1, Term::Column(GROUP));
        }
        let fit = glm::fit(&ModelMatrix::new(c.design.x.view(), terms, c.rows())?, Family::Gaussian, y, &c.w)?;
        Ok(fit.dispersion * (fit.n as f64 - fit.k() as f64))
    };
    let share = |with_group: bool, y: &[f64]| -> Result<f64, FitError> {
        let without = left(&others, with_group, y)?;
        Ok((without - left(&all, with_group, y)?) / without)
    };
    let both = || -> Result<PartialR2, FitError> { Ok(PartialR2 { of_group: share(false, &c.r)?, of_outcome: share(true, &c.y)? }) };
    both().map_err(|e| fits.failed(FittedIn::Pooled, set, &e))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// R2 of group and outcome alike, found by bisection: where the adjusted t reaches its critical value.
    fn by_search(c: &Coefficient, critical: f64) -> f64 {
        let t = |r: f64| {
            // The strongest of all factors with both R2 at most r.
            (0..=2000).map(|k| c.less(r, r * f64::from(k) / 2000.0)).map(|a| a.t() * c.estimate.signum()).fold(f64::INFINITY, f64::min)
        };
        let (mut low, mut high) = (0.0, 1.0 - 1e-12);
        for _ in 0..60 {
            let middle = 0.5 * (low + high);
            if t(middle) > critical { low = middle } else { high = middle }
        }
        low
    }

    #[test]
    fn robustness_values_are_where_the_adjusted_t_is_critical() {
        for (estimate, df) in [(4.2, 783.0), (-3.0, 40.0), (9.0, 8.0), (12.0, 4.0)] {
            let c = Coefficient { estimate, std_error: 1.0, df };
            let r = c.robustness_value(1.0);
            assert!(c.less(r, r).estimate.abs() < 1e-12, "{estimate}");
            let r = c.robustness_value_at(1.0, 0.05);
            let critical = t_quantile(0.975, df - 1.0);
            assert!((r - by_search(&c, critical)).abs() < 1e-4, "{estimate} {df}: {r} {}", by_search(&c, critical));
        }
        assert_eq!(Coefficient { estimate: 1.0, std_error: 1.0, df: 50.0 }.robustness_value_at(1.0, 0.05), 0.0);
    }

    #[test]
    fn a_bound_beyond_the_whole_group_has_no_value() {
        let c = Coefficient { estimate: 1.0, std_error: 0.2, df: 100.0 };
        assert!(c.bound(PartialR2 { of_group: 0.5, of_outcome: 0.1 }, 1.0).is_none());
        let strong = c.bound(PartialR2 { of_group: 0.1, of_outcome: 0.6 }, 2.0).unwrap();
        assert!(strong.capped && strong.r2_outcome == 1.0);
        assert_eq!(strong.adjusted.std_error, 0.0);
    }
}
