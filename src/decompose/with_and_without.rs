//! Models with and without the blocks (family A): what index units would show with the outcome of comparable reference units.

use super::Method;
use crate::vocab::Family;

/// Which rule credits the blocks in the `estimate` column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Attribution {
    #[default]
    Shapley,
    Sequential,
    FirstIn,
    LastIn,
}

/// Which model stands for "comparable reference units".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Surface {
    #[default]
    ReferenceModel,
    PooledMain,
    PooledInteracted,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Estimator {
    /// One-step, doubly robust.
    #[default]
    Dr,
    /// Plug-in of the outcome model.
    Gcomp,
}

/// The population over which the allowables are standardised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Target {
    #[default]
    Index,
    Reference,
    Pooled,
}

/// Settings of `with_and_without`.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct WithAndWithout {
    pub attribution: Attribution,
    pub surface: Surface,
    pub estimator: Estimator,
    pub target: Target,
    /// The order of the sequential attribution: positions of blocks. Empty: the order of the study file.
    pub sequence: Vec<usize>,
}

impl Method for WithAndWithout {
    fn name(&self) -> &'static str {
        "with_and_without"
    }

    fn refuses(&self, _family: Family) -> Option<String> {
        None
    }
}
