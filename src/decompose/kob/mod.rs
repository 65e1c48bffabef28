//! What Oaxaca-Blinder and its nonlinear relatives share: effects of coded columns, and the algebra of means and coefficients.

pub mod algebra;
pub mod effects;
