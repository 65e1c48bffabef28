//! Yun's detailed decomposition of a nonlinear model: Oaxaca-Blinder with the outcome's own link, always in detail.
//!
//! Each part is divided by weights, the share of each term in the part's first-order sum: `W_j = dx_j b_j / sum dx_m b_m` for
//! what is explained and `x1_j (b1_j - b0_j) / sum` for what is not (METHODS 4.5; Yun (2004) Econ. Lett. 82, 275-280; Stata
//! `mvdcmp`). The algebra is that of [`super::oaxaca`].

use super::fits::Fits;
use super::oaxaca::{Coefficients, Fold, OaxacaBlinder};
use super::{DecomposeError, Decomposition, Method, StdErrors};
use crate::vocab::Family;

/// Settings of `yun`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Yun {
    /// `Reference`, `Index` or `Pooled`.
    pub coefficients: Coefficients,
    pub se: StdErrors,
}

impl Yun {
    fn as_oaxaca(&self) -> OaxacaBlinder {
        OaxacaBlinder { reference: self.coefficients, fold: Fold::Two, linear: false, detail: true, normalize: true, se: self.se }
    }
}

impl Method for Yun {
    fn name(&self) -> &'static str {
        "yun"
    }

    fn refuses(&self, family: Family) -> Option<String> {
        if family == Family::Gaussian {
            return Some("it divides a model with a curved link; with a gaussian outcome oaxaca_blinder with `detail: true` is the same".to_owned());
        }
        self.as_oaxaca().refuses(family)
    }

    fn classical_errors(&self) -> bool {
        self.se == StdErrors::Classical
    }

    fn decompose(&self, fits: &Fits<'_>) -> Result<Decomposition, DecomposeError> {
        self.as_oaxaca().decompose(fits)
    }
}
