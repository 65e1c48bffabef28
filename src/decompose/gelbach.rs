//! Gelbach's conditional decomposition: short regression against long regression.

use super::Method;
use crate::vocab::Family;

/// Settings of `gelbach`.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Gelbach {
    /// Least squares on a binomial or poisson outcome.
    pub linear: bool,
}

impl Method for Gelbach {
    fn name(&self) -> &'static str {
        "gelbach"
    }

    fn refuses(&self, family: Family) -> Option<String> {
        (family != Family::Gaussian && !self.linear)
            .then(|| format!("it takes a gaussian outcome, or `linear: true`; the outcome is {}", family.name()))
    }
}
