//! Gradient-boosted trees of forust-ml, stopped early on held-out rows (METHODS 5.3).

use super::{LearnError, Learner, Predictor, Sample};
use crate::model::{ModelMatrix, Term, expit};
use crate::vocab::Family;
use forust_ml::metric::Metric;
use forust_ml::objective::ObjectiveType;
use forust_ml::{GradientBooster, Matrix};

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BoostedTrees {
    pub max_trees: usize,
    pub depth: usize,
    pub learning_rate: f32,
    /// Units of mean weight that a leaf holds at least. forust bounds the sum of second derivatives; for log-loss that is this many
    /// units with the mean outcome.
    pub min_leaf: f64,
    /// Trees after the best one on the held-out rows; `None` grows `max_trees`.
    pub patience: Option<usize>,
    pub bins: u16,
}

impl Default for BoostedTrees {
    fn default() -> Self {
        Self { max_trees: 300, depth: 3, learning_rate: 0.1, min_leaf: 50.0, patience: Some(20), bins: 256 }
    }
}

/// A fitted booster.
pub struct FittedTrees {
    booster: GradientBooster,
    /// Columns that vary in the rows of the fit.
    terms: Vec<Term>,
    binomial: bool,
    /// Centre and scale of an unbounded outcome.
    scale: (f64, f64),
}

impl FittedTrees {
    /// Trees that predictions are made with.
    pub fn n_trees(&self) -> usize {
        self.booster.prediction_iteration.unwrap_or(self.booster.trees.len())
    }
}

/// Values of the terms at the rows, one column after the other.
fn by_column(m: &ModelMatrix<'_>, terms: &[Term], rows: &[usize]) -> Vec<f64> {
    terms.iter().flat_map(|t| rows.iter().map(|&i| m.value(i, *t, None))).collect()
}

impl BoostedTrees {
    /// As [`Learner::fit`], which loses sight of the number of trees.
    pub fn grow(&self, s: &Sample<'_>, family: Family, seed: u64) -> Result<FittedTrees, LearnError> {
        let (sum_w, mean) = s.mean()?;
        let unit = sum_w / s.rows.len() as f64;
        let binomial = family.is_binomial();
        let scale = if binomial {
            (0.0, 1.0)
        } else {
            let variance = s.rows.iter().map(|&i| s.w[i] * (s.y[i] - mean).powi(2)).sum::<f64>() / sum_w;
            (mean, variance.sqrt())
        };
        let varies = |t: &Term| s.rows.iter().any(|&i| s.m.value(i, *t, None) != s.m.value(s.rows[0], *t, None));
        let terms: Vec<Term> = s.m.terms[1..].iter().copied().filter(varies).collect();
        let outcome = |rows: &[usize]| -> Vec<f64> { rows.iter().map(|&i| (s.y[i] - scale.0) / scale.1).collect() };
        let weights = |rows: &[usize]| -> Vec<f64> { rows.iter().map(|&i| s.w[i] / unit).collect() };
        let curvature = if binomial { mean * (1.0 - mean) } else { 1.0 };
        let mut booster = GradientBooster::default()
            .set_objective_type(if binomial { ObjectiveType::LogLoss } else { ObjectiveType::SquaredLoss })
            .set_evaluation_metric(Some(if binomial { Metric::LogLoss } else { Metric::RootMeanSquaredError }))
            .set_iterations(self.max_trees)
            .set_early_stopping_rounds(self.patience)
            .set_learning_rate(self.learning_rate)
            .set_max_depth(self.depth)
            .set_nbins(self.bins)
            .set_l2(0.0)
            .set_min_leaf_weight((self.min_leaf * curvature) as f32)
            .set_initialize_base_score(false)
            .set_base_score(if binomial { (mean / (1.0 - mean)).ln() } else { 0.0 })
            .set_seed(seed)
            // Folds run beside one another; a fit keeps to its thread.
            .set_parallel(false);
        if !terms.is_empty() {
            let (x, held) = (by_column(s.m, &terms, s.rows), by_column(s.m, &terms, s.holdout));
            let (held_y, held_w) = (outcome(s.holdout), weights(s.holdout));
            let evaluation = (self.patience.is_some() && !s.holdout.is_empty())
                .then(|| vec![(Matrix::new(&held, s.holdout.len(), terms.len()), held_y.as_slice(), held_w.as_slice())]);
            let x = Matrix::new(&x, s.rows.len(), terms.len());
            booster.fit(&x, &outcome(s.rows), &weights(s.rows), evaluation).map_err(|e| LearnError::Solver(e.to_string()))?;
        }
        Ok(FittedTrees { booster, terms, binomial, scale })
    }
}

impl Learner for BoostedTrees {
    fn fit(&self, s: &Sample<'_>, family: Family, seed: u64) -> Result<Box<dyn Predictor>, LearnError> {
        Ok(Box::new(self.grow(s, family, seed)?))
    }
}

impl Predictor for FittedTrees {
    fn predict(&self, m: &ModelMatrix<'_>, rows: &[usize]) -> Vec<f64> {
        let x = by_column(m, &self.terms, rows);
        let raw = match self.terms.len() {
            0 => vec![self.booster.base_score; rows.len()],
            k => self.booster.predict(&Matrix::new(&x, rows.len(), k), false),
        };
        raw.into_iter().map(|v| if self.binomial { expit(v) } else { self.scale.0 + self.scale.1 * v }).collect()
    }
}
