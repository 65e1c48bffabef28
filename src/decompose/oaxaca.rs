//! Kitagawa-Oaxaca-Blinder by least squares.

use super::Method;
use crate::vocab::Family;

/// The reference coefficients of the two-fold decomposition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Coefficients {
    #[default]
    Reference,
    Index,
    /// Pooled least squares with a group indicator, whose coefficient is dropped.
    Pooled,
    /// Pooled least squares without a group indicator.
    Neumark,
    /// Mean of the two groups' coefficients weighted by their sizes.
    Cotton,
    /// Plain mean of the two groups' coefficients.
    Reimers,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Fold {
    #[default]
    Two,
    /// Takes `Coefficients::Reference` or `Coefficients::Index`, the viewpoint.
    Three,
}

/// Settings of `oaxaca_blinder`.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct OaxacaBlinder {
    pub reference: Coefficients,
    pub fold: Fold,
    /// Least squares on a binomial or poisson outcome.
    pub linear: bool,
}

impl Method for OaxacaBlinder {
    fn name(&self) -> &'static str {
        "oaxaca_blinder"
    }

    fn refuses(&self, family: Family) -> Option<String> {
        (family != Family::Gaussian && !self.linear)
            .then(|| format!("without `linear: true` it takes a gaussian outcome in this version, not {}", family.name()))
    }
}
