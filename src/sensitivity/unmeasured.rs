//! An unmeasured factor U of one mechanism: what it would take from the block's contribution (METHODS S10).
//!
//! With `delta` the difference in U between the groups given what comes before the block, and `gamma` what a unit of U adds to the
//! linear predictor of the outcome, about `gamma delta mu'` of the contribution is U's, `mu'` the slope of the mean at the index
//! group's mean outcome (`mu (1 - mu)` for a logit). First order in gamma: for strong U it is a guide, not a bound.

use crate::vocab::Family;
use statrs::distribution::{Continuous, ContinuousCDF, Normal};

/// The slope of the mean by the linear predictor, where the mean is `mu`; `None` where the link has no such mean.
pub fn slope_at_mean(family: Family, mu: f64) -> Option<f64> {
    match family {
        Family::Gaussian => Some(1.0),
        Family::Binomial => (mu > 0.0 && mu < 1.0).then_some(mu * (1.0 - mu)),
        Family::Probit => (mu > 0.0 && mu < 1.0).then(|| Normal::standard().pdf(Normal::standard().inverse_cdf(mu))),
        Family::Poisson => (mu > 0.0).then_some(mu),
    }
}

/// What is left of a contribution once U has its part.
pub fn adjusted(contribution: f64, delta: f64, gamma: f64, slope: f64) -> f64 {
    contribution - gamma * delta * slope
}

/// The group difference in U at which the contribution would be 0, for this gamma; `None` where U does not matter.
pub fn frontier(contribution: f64, gamma: f64, slope: f64) -> Option<f64> {
    Some(contribution / (gamma * slope)).filter(|v| v.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_frontier_is_where_nothing_is_left() {
        let slope = slope_at_mean(Family::Binomial, 0.2).unwrap();
        assert!((slope - 0.16).abs() < 1e-15);
        // 0.03 - 0.5 * 0.25 * 0.16 = 0.01
        assert!((adjusted(0.03, 0.25, 0.5, slope) - 0.01).abs() < 1e-15);
        let at = frontier(0.03, 0.5, slope).unwrap();
        assert!((at - 0.375).abs() < 1e-15 && adjusted(0.03, at, 0.5, slope).abs() < 1e-15);
        assert_eq!(frontier(0.03, 0.0, slope), None);
        assert!((slope_at_mean(Family::Probit, 0.5).unwrap() - 0.398_942_280_401_432_7).abs() < 1e-12);
        assert_eq!(slope_at_mean(Family::Binomial, 1.0), None);
    }
}
