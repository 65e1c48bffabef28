//! Recalibration on held-out rows: a penalised fit is too flat or too steep, and a flat group probability under-corrects
//! (METHODS 5.3; Platt 1999). And the level of a fold's predictions.

use super::{LearnError, Predictor, Sample};
use crate::model::glm;
use crate::model::{INTERCEPT, ModelMatrix, Term, expit};
use crate::vocab::Family;
use ndarray::Array2;

/// Predicted probabilities enter as logits; those outside are moved to these limits first.
const LIMIT: f64 = 1e-3;

/// A predictor with an intercept and a slope on the scale of the link: logit for a binomial family, identity otherwise.
pub struct Calibrated {
    inner: Box<dyn Predictor>,
    binomial: bool,
    pub intercept: f64,
    pub slope: f64,
}

fn scale(binomial: bool, p: f64) -> f64 {
    if binomial {
        let p = p.clamp(LIMIT, 1.0 - LIMIT);
        (p / (1.0 - p)).ln()
    } else {
        p
    }
}

/// Fits the outcome of the held-out rows on their predictions. Predictions that do not vary keep a slope of 0.
///
/// Errors: [`LearnError::Calibration`], as when the held-out rows have no events.
pub fn calibrated(inner: Box<dyn Predictor>, s: &Sample<'_>, family: Family) -> Result<Calibrated, LearnError> {
    let binomial = family.is_binomial();
    let predicted = inner.predict(s.m, s.holdout);
    // Column 1 is the group's in every design; here there is none.
    let mut x = Array2::zeros((s.holdout.len(), 3));
    for (r, p) in predicted.iter().enumerate() {
        x[[r, 0]] = 1.0;
        x[[r, 2]] = scale(binomial, *p);
    }
    let y: Vec<f64> = s.holdout.iter().map(|&i| s.y[i]).collect();
    let w: Vec<f64> = s.holdout.iter().map(|&i| s.w[i]).collect();
    let whole = std::iter::once(0..y.len()).collect();
    let m = ModelMatrix::new(x.view(), vec![Term::Column(INTERCEPT), Term::Column(2)], whole).map_err(LearnError::Calibration)?;
    let fit = glm::fit(&m, if binomial { Family::Binomial } else { Family::Gaussian }, &y, &w).map_err(LearnError::Calibration)?;
    Ok(Calibrated { inner, binomial, intercept: fit.beta[0], slope: fit.beta[1] })
}

impl Predictor for Calibrated {
    fn predict(&self, m: &ModelMatrix<'_>, rows: &[usize]) -> Vec<f64> {
        let family = if self.binomial { Family::Binomial } else { Family::Gaussian };
        let straight = |p: f64| family.mean(self.intercept + self.slope * scale(self.binomial, p));
        self.inner.predict(m, rows).into_iter().map(straight).collect()
    }
}

/// A predictor moved by a constant on the scale of the link.
pub struct Anchored {
    inner: Box<dyn Predictor>,
    binomial: bool,
    shift: f64,
}

fn moved(binomial: bool, p: f64, shift: f64) -> f64 {
    if binomial {
        let p = p.clamp(1e-9, 1.0 - 1e-9);
        expit((p / (1.0 - p)).ln() + shift)
    } else {
        p + shift
    }
}

/// Moves a predictor so that its mean over `rows` is that of the outcome. `y` and `w` are as long as the design.
///
/// Fits that leave a fold out are too low where the fold is high: where folds are whole hospitals, and hospitals differ, cross-fitted predictions
/// would be shifted against what the hospitals have in common. Anchored to all rows, each fold's function has the same level. One
/// number a fold is estimated without leaving it out, and to a common shift of the outcome the one-step estimate is indifferent.
pub fn anchored(inner: Box<dyn Predictor>, m: &ModelMatrix<'_>, rows: &[usize], y: &[f64], w: &[f64], family: Family) -> Anchored {
    let binomial = family.is_binomial();
    let predicted = inner.predict(m, rows);
    let sum_w: f64 = rows.iter().map(|&i| w[i]).sum();
    let mut shift = 0.0;
    for _ in 0..50 {
        let (mut excess, mut slope) = (0.0, 0.0);
        for (&i, p) in rows.iter().zip(&predicted) {
            let p = moved(binomial, *p, shift);
            excess += w[i] * (p - y[i]);
            slope += w[i] * if binomial { p * (1.0 - p) } else { 1.0 };
        }
        // A step of the logit that Newton would overshoot with is cut.
        let step = (excess / slope).clamp(-2.0, 2.0);
        if !step.is_finite() {
            break;
        }
        shift -= step;
        if excess.abs() <= 1e-13 * sum_w {
            break;
        }
    }
    Anchored { inner, binomial, shift }
}

impl Predictor for Anchored {
    fn predict(&self, m: &ModelMatrix<'_>, rows: &[usize]) -> Vec<f64> {
        self.inner.predict(m, rows).into_iter().map(|p| moved(self.binomial, p, self.shift)).collect()
    }
}
