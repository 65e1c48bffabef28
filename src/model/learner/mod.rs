//! Learners of a conditional mean behind one trait, for nuisance functions that are cross-fitted (METHODS 5.3).
//!
//! A [`Sample`] names rows of a model matrix; each learner lays them out as it needs them. Every learner takes analysis weights and
//! outcomes between 0 and 1. Rows of the training folds are split once more: a learner is fitted on `rows`, and `holdout` decides when
//! boosting stops and recalibrates the predictions ([`calibrate`]).

pub mod boosted;
pub mod calibrate;
pub mod folds;
pub mod forest;
pub mod penalised;
pub mod stack;

use super::{FitError, ModelMatrix, glm};
use crate::vocab::Family;
use std::fmt;

/// What a learner is fitted on. `y` and `w` are as long as the design.
#[derive(Clone, Copy, Debug)]
pub struct Sample<'a> {
    /// The terms; which rows its own ranges name does not matter as long as they hold those below.
    pub m: &'a ModelMatrix<'a>,
    /// Rows of the design that are fitted on, all with a positive weight.
    pub rows: &'a [usize],
    /// Rows held out from the fit, by cluster where there are clusters.
    pub holdout: &'a [usize],
    /// 0/1, or between 0 and 1, for a binomial family; any number otherwise.
    pub y: &'a [f64],
    pub w: &'a [f64],
    /// By row of the design: what inner folds keep together.
    pub cluster: Option<&'a [u32]>,
}

/// Learns `E[y | x]`.
pub trait Learner: Send + Sync + fmt::Debug {
    /// The family says on which loss: log-loss for a binomial outcome (whatever its link), otherwise squared error. The GLM keeps link and family.
    ///
    /// The same sample and seed give the same bits at any number of threads. Errors: the fit does not exist.
    fn fit(&self, s: &Sample<'_>, family: Family, seed: u64) -> Result<Box<dyn Predictor>, LearnError>;
}

/// A fitted learner.
pub trait Predictor: Send + Sync {
    /// Means at rows of a matrix with the terms of the fit.
    fn predict(&self, m: &ModelMatrix<'_>, rows: &[usize]) -> Vec<f64>;
}

/// The learners that a study file can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LearnerKind {
    Ridge,
    ElasticNet,
    RandomForest,
    BoostedTrees,
    Stack,
}

impl LearnerKind {
    pub const ALL: [Self; 5] = [Self::Ridge, Self::ElasticNet, Self::RandomForest, Self::BoostedTrees, Self::Stack];

    pub fn name(self) -> &'static str {
        match self {
            Self::Ridge => "ridge",
            Self::ElasticNet => "elastic_net",
            Self::RandomForest => "random_forest",
            Self::BoostedTrees => "boosted_trees",
            Self::Stack => "stack",
        }
    }

    /// What it is, for the line that says how an analysis was made.
    pub fn settings(self) -> &'static str {
        match self {
            Self::Ridge => "penalty on squared coefficients per standard deviation, chosen by 5 inner folds",
            Self::ElasticNet => "half the penalty on absolute, half on squared coefficients, its size chosen by 5 inner folds",
            Self::RandomForest => "200 regression trees, a third of the columns at each split, at least 20 units a leaf",
            Self::BoostedTrees => {
                "trees of depth 3, learning rate 0.1, at least 50 units a leaf, up to 300 trees, stopped 20 trees after the best on held-out units"
            }
            Self::Stack => "a convex combination of the GLM and boosted trees, weights by 3 inner folds",
        }
    }

    pub fn learner(self) -> Box<dyn Learner> {
        match self {
            Self::Ridge => Box::new(penalised::Penalised::ridge()),
            Self::ElasticNet => Box::new(penalised::Penalised::elastic_net()),
            Self::RandomForest => Box::new(forest::RandomForest::default()),
            Self::BoostedTrees => Box::new(boosted::BoostedTrees::default()),
            Self::Stack => Box::new(stack::Stack::default()),
        }
    }
}

/// Why a learner has no fit.
#[derive(Clone, Debug, PartialEq)]
pub enum LearnError {
    Fit(FitError),
    /// The held-out rows do not allow to recalibrate the predictions.
    Calibration(FitError),
    /// Fewer clusters than a split needs.
    FewClusters {
        found: usize,
        needed: usize,
    },
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
            Self::Calibration(e) => write!(f, "the predictions cannot be recalibrated on the held-out rows: {e}"),
            Self::FewClusters { found, needed } => write!(f, "{found} clusters cannot be split into {needed} folds"),
            Self::WeightsNotTaken => write!(f, "linfa's solver takes no analysis weights"),
            Self::NotBinary => write!(f, "linfa's solver takes an outcome of 0 and 1"),
            Self::Solver(e) => write!(f, "the solver failed: {e}"),
        }
    }
}

impl Sample<'_> {
    /// Sum of the weights and weighted mean of the outcome.
    ///
    /// Errors: no rows, or an outcome that does not vary.
    pub(crate) fn mean(&self) -> Result<(f64, f64), LearnError> {
        let sum_w: f64 = self.rows.iter().map(|&i| self.w[i]).sum();
        if self.rows.is_empty() || sum_w.is_nan() || sum_w <= 0.0 {
            return Err(LearnError::Fit(FitError::NoRows));
        }
        let first = self.y[self.rows[0]];
        if self.rows.iter().all(|&i| self.y[i] == first) {
            return Err(LearnError::Fit(FitError::NoVariation { n: self.rows.len(), events: first * self.rows.len() as f64 }));
        }
        Ok((sum_w, self.rows.iter().map(|&i| self.w[i] * self.y[i]).sum::<f64>() / sum_w))
    }
}

/// Unpenalised maximum likelihood.
#[derive(Clone, Copy, Debug)]
pub struct Glm;

struct FittedGlm {
    family: Family,
    beta: Vec<f64>,
}

impl Learner for Glm {
    fn fit(&self, s: &Sample<'_>, family: Family, _seed: u64) -> Result<Box<dyn Predictor>, LearnError> {
        let mut w = vec![0.0; s.w.len()];
        s.rows.iter().for_each(|&i| w[i] = s.w[i]);
        let fit = glm::fit(s.m, family, s.y, &w).map_err(LearnError::Fit)?;
        Ok(Box::new(FittedGlm { family, beta: fit.beta }))
    }
}

impl Predictor for FittedGlm {
    fn predict(&self, m: &ModelMatrix<'_>, rows: &[usize]) -> Vec<f64> {
        rows.iter().map(|&i| self.family.mean(m.dot(i, &self.beta, None))).collect()
    }
}

/// The weighted mean, where a set has no terms but the intercept.
#[derive(Clone, Copy, Debug)]
pub struct Constant;

struct FittedConstant(f64);

impl Learner for Constant {
    fn fit(&self, s: &Sample<'_>, _family: Family, _seed: u64) -> Result<Box<dyn Predictor>, LearnError> {
        Ok(Box::new(FittedConstant(s.mean()?.1)))
    }
}

impl Predictor for FittedConstant {
    fn predict(&self, _m: &ModelMatrix<'_>, rows: &[usize]) -> Vec<f64> {
        vec![self.0; rows.len()]
    }
}

/// Mean loss of predictions: log-loss for a binomial family, squared error otherwise.
pub fn loss(family: Family, y: &[f64], predicted: &[f64], w: &[f64]) -> f64 {
    let one = |y: f64, p: f64| match family {
        Family::Binomial | Family::Probit => {
            let p = p.clamp(1e-12, 1.0 - 1e-12);
            -(y * p.ln() + (1.0 - y) * (1.0 - p).ln())
        }
        Family::Gaussian | Family::Poisson => (y - p) * (y - p),
    };
    let (sum, sum_w) = y.iter().zip(predicted).zip(w).fold((0.0, 0.0), |(s, sw), ((y, p), w)| (s + w * one(*y, *p), sw + w));
    sum / sum_w
}
