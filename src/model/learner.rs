//! Learners of a conditional mean behind one trait: the GLM, and the ridge-penalised logistic regression of linfa.

use super::{FitError, ModelMatrix, glm};
use crate::vocab::Family;
use linfa::prelude::{Fit as _, ParamGuard};
use linfa_logistic::LogisticRegression;
use ndarray::{Array1, Array2};
use std::fmt;

/// Learns `E[y | x]` on the rows of a model matrix.
pub trait Learner: Send + Sync + fmt::Debug {
    /// Coefficients on the design's scale, as long as `m.terms` (0 for dropped terms).
    ///
    /// `y` and `w` are as long as the design. Errors: the fit did not exist, or the learner cannot use these data.
    fn coefficients(&self, m: &ModelMatrix<'_>, y: &[f64], w: &[f64]) -> Result<Vec<f64>, LearnError>;
}

#[derive(Clone, Debug, PartialEq)]
pub enum LearnError {
    Fit(FitError),
    /// linfa-logistic takes no sample weights: they would be ignored without a word.
    WeightsNotTaken,
    /// linfa-logistic takes 0/1 outcomes.
    NotBinary,
    Solver(String),
}

impl fmt::Display for LearnError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fit(e) => write!(f, "{e}"),
            Self::WeightsNotTaken => write!(f, "this learner takes no analysis weights"),
            Self::NotBinary => write!(f, "this learner takes an outcome of 0 and 1"),
            Self::Solver(e) => write!(f, "the solver failed: {e}"),
        }
    }
}

/// Unpenalised maximum likelihood.
#[derive(Clone, Copy, Debug)]
pub struct Glm {
    pub family: Family,
}

impl Learner for Glm {
    fn coefficients(&self, m: &ModelMatrix<'_>, y: &[f64], w: &[f64]) -> Result<Vec<f64>, LearnError> {
        glm::fit(m, self.family, y, w).map(|f| f.beta).map_err(LearnError::Fit)
    }
}

/// Logistic regression with penalty `alpha / 2 |b|^2` on coefficients per standard deviation; the intercept is free.
#[derive(Clone, Copy, Debug)]
pub struct RidgeLogistic {
    pub alpha: f64,
}

impl Learner for RidgeLogistic {
    fn coefficients(&self, m: &ModelMatrix<'_>, y: &[f64], w: &[f64]) -> Result<Vec<f64>, LearnError> {
        let rows: Vec<usize> = m.rows.iter().cloned().flatten().collect();
        if rows.iter().any(|&i| w[i] != 1.0) {
            return Err(LearnError::WeightsNotTaken);
        }
        if rows.iter().any(|&i| y[i] != 0.0 && y[i] != 1.0) {
            return Err(LearnError::NotBinary);
        }
        let events = rows.iter().filter(|&&i| y[i] == 1.0).count();
        if events == 0 || events == rows.len() {
            return Err(LearnError::Fit(FitError::NoVariation { n: rows.len(), events: events as f64 }));
        }
        let n = rows.len() as f64;
        let k = m.terms.len() - 1;
        let mut x = Array2::<f64>::zeros((rows.len(), k));
        let mut scaling = Vec::with_capacity(k);
        for t in 0..k {
            let value = |i: usize| m.value(i, m.terms[t + 1], None);
            let mean = rows.iter().map(|&i| value(i)).sum::<f64>() / n;
            let sd = (rows.iter().map(|&i| (value(i) - mean).powi(2)).sum::<f64>() / n).sqrt();
            for (r, &i) in rows.iter().enumerate() {
                x[[r, t]] = if sd > 0.0 { (value(i) - mean) / sd } else { 0.0 };
            }
            scaling.push((mean, sd));
        }
        let labels: Array1<bool> = rows.iter().map(|&i| y[i] == 1.0).collect();
        let data = linfa::DatasetBase::new(x, labels);
        let fitted = LogisticRegression::default()
            .alpha(self.alpha)
            .max_iterations(1000)
            .gradient_tolerance(1e-10)
            .check()
            .and_then(|p| p.fit(&data))
            .map_err(|e| LearnError::Solver(e.to_string()))?;
        // linfa-logistic takes the more frequent label as the positive class.
        let sign = if fitted.labels().pos.class { 1.0 } else { -1.0 };
        let mut out = vec![sign * fitted.intercept()];
        for (b, (mean, sd)) in fitted.params().iter().zip(scaling) {
            let b = if sd > 0.0 { sign * b / sd } else { 0.0 };
            out[0] -= b * mean;
            out.push(b);
        }
        Ok(out)
    }
}
