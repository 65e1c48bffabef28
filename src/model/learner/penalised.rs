//! Ridge and elastic net: generalised linear models with a penalty on coefficients per standard deviation.
//!
//! Minimises `sum w l(y, b0 + x'b) / sum w + lambda ((1 - mix) / 2 |b|^2 + mix |b|_1)` with `l` minus the log-likelihood (logistic for a
//! binomial family, half the squared error otherwise) and columns of mean 0 and standard deviation 1; the intercept is free (Friedman,
//! Hastie & Tibshirani 2010). Newton's method; each step's quadratic is minimised by coordinate descent on its Gram matrix.
//! `lambda` is chosen by inner folds over a fixed grid.
//!
//! linfa-logistic has the logistic ridge for 0/1 outcomes of equal weight, and ridge uses it there ([`linfa_ridge`]); it takes neither weights nor
//! fractions, and linfa-elasticnet has no logistic loss, so the rest is solved here.

use super::{LearnError, Learner, Predictor, Sample, folds, loss};
use crate::model::{FitError, ModelMatrix, Term, expit};
use crate::vocab::Family;
use linfa::prelude::{Fit as _, ParamGuard};
use linfa_logistic::LogisticRegression;
use ndarray::linalg::{general_mat_mul, general_mat_vec_mul};
use ndarray::{Array1, Array2, ArrayView2, Axis};

const MAX_STEPS: usize = 100;
/// A solution's violation of the stationarity conditions, in units of the gradient per unit of weight and standard deviation.
const TOLERANCE: f64 = 1e-9;
/// The largest penalty of the grid is 1 for ridge, and the smallest that leaves no coefficient for the elastic net; each next is a
/// third of the one before.
const GRID: usize = 9;
const INNER_FOLDS: usize = 5;

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Penalised {
    /// Share of the absolute penalty: 0 for ridge.
    pub mix: f64,
}

/// The penalty of one fit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Penalty {
    pub lambda: f64,
    pub mix: f64,
}

/// Intercept and coefficients on the scale of the design's columns.
#[derive(Clone, Debug)]
pub struct FittedPenalised {
    pub terms: Vec<Term>,
    pub intercept: f64,
    pub beta: Vec<f64>,
    pub lambda: f64,
    binomial: bool,
}

/// Rows laid out with scaled columns, the intercept first, and weights that sum to 1.
#[derive(Clone, Debug)]
struct Laid {
    x: Array2<f64>,
    y: Array1<f64>,
    w: Array1<f64>,
    centre: Vec<f64>,
    /// 0 for a column that does not vary.
    sd: Vec<f64>,
    binomial: bool,
}

impl Laid {
    fn new(s: &Sample<'_>, binomial: bool) -> Self {
        let (n, k) = (s.rows.len(), s.m.terms.len());
        let sum_w: f64 = s.rows.iter().map(|&i| s.w[i]).sum();
        let w: Array1<f64> = s.rows.iter().map(|&i| s.w[i] / sum_w).collect();
        let mut x = Array2::ones((n, k));
        let (mut centre, mut sd) = (vec![0.0; k], vec![1.0; k]);
        for t in 1..k {
            let values: Vec<f64> = s.rows.iter().map(|&i| s.m.value(i, s.m.terms[t], None)).collect();
            let mean: f64 = values.iter().zip(&w).map(|(v, w)| v * w).sum();
            let spread = values.iter().zip(&w).map(|(v, w)| w * (v - mean).powi(2)).sum::<f64>().sqrt();
            // A spread that rounding alone could produce is no spread.
            sd[t] = if spread > 1e-10 * mean.abs() { spread } else { 0.0 };
            centre[t] = mean;
            x.column_mut(t).iter_mut().zip(values).for_each(|(c, v)| *c = if sd[t] > 0.0 { (v - mean) / sd[t] } else { 0.0 });
        }
        Self { x, y: s.rows.iter().map(|&i| s.y[i]).collect(), w, centre, sd, binomial }
    }

    /// Some of the rows, columns scaled as in all of them.
    fn part(&self, at: &[usize]) -> Self {
        let w = self.w.select(Axis(0), at);
        let total = w.sum();
        let (x, y) = (self.x.select(Axis(0), at), self.y.select(Axis(0), at));
        Self { x, y, w: w / total, centre: self.centre.clone(), sd: self.sd.clone(), binomial: self.binomial }
    }

    fn mean(&self, eta: f64) -> f64 {
        if self.binomial { expit(eta) } else { eta }
    }

    fn eta(&self, b: &Array1<f64>) -> Array1<f64> {
        self.x.dot(b)
    }

    fn objective(&self, eta: &Array1<f64>, b: &Array1<f64>, p: Penalty) -> f64 {
        let family = if self.binomial { Family::Binomial } else { Family::Gaussian };
        let fit: f64 = eta.iter().zip(&self.y).zip(&self.w).map(|((e, y), w)| -w * family.log_likelihood(*y, *e)).sum();
        let penalty: f64 = b.iter().skip(1).map(|b| (1.0 - p.mix) / 2.0 * b * b + p.mix * b.abs()).sum();
        fit + p.lambda * penalty
    }

    /// The minimum, from `b`.
    fn solve(&self, p: Penalty, b: &mut Array1<f64>) -> Result<(), LearnError> {
        let k = self.x.ncols();
        let mut eta = self.eta(b);
        let mut value = self.objective(&eta, b, p);
        for _ in 0..MAX_STEPS {
            let residual: Array1<f64> = eta.iter().zip(&self.y).zip(&self.w).map(|((e, y), w)| w * (y - self.mean(*e))).collect();
            let mut score = Array1::zeros(k);
            general_mat_vec_mul(1.0, &self.x.t(), &residual, 0.0, &mut score);
            if violation(&score, b, p, &self.sd) < TOLERANCE {
                return Ok(());
            }
            // Curvatures near 0 would let a step run away; a quarter of them is the most there is.
            let curvature = |e: f64| if self.binomial { (expit(e) * expit(-e)).max(1e-5) } else { 1.0 };
            let root: Array1<f64> = eta.iter().zip(&self.w).map(|(e, w)| (w * curvature(*e)).sqrt()).collect();
            let scaled = &self.x * &root.insert_axis(Axis(1));
            let mut gram = Array2::zeros((k, k));
            general_mat_mul(1.0, &scaled.t(), &scaled, 0.0, &mut gram);
            let target = quadratic(&gram, &score, b, p);
            let step = &target - &*b;
            let mut factor = 1.0;
            loop {
                let next = &*b + &(&step * factor);
                let moved = self.eta(&next);
                let new = self.objective(&moved, &next, p);
                if new <= value + 1e-14 * (1.0 + value.abs()) {
                    (*b, eta, value) = (next, moved, new);
                    break;
                }
                factor *= 0.5;
                if factor < 1e-8 {
                    return Err(LearnError::Fit(FitError::NotConverged { iterations: MAX_STEPS }));
                }
            }
        }
        Err(LearnError::Fit(FitError::NotConverged { iterations: MAX_STEPS }))
    }

    /// The smallest penalty of this mix at which every coefficient is 0.
    fn largest(&self, mix: f64) -> f64 {
        let mean = self.y.dot(&self.w);
        let residual: Array1<f64> = self.y.iter().zip(&self.w).map(|(y, w)| w * (y - mean)).collect();
        self.x.t().dot(&residual).iter().skip(1).fold(0.0_f64, |a, v| a.max(v.abs())) / mix
    }

    fn start(&self) -> Array1<f64> {
        let mean = self.y.dot(&self.w);
        let mut b = Array1::zeros(self.x.ncols());
        b[0] = if self.binomial { (mean / (1.0 - mean)).ln() } else { mean };
        b
    }
}

/// How far the score is from what the penalty allows: 0 at the minimum (the Karush-Kuhn-Tucker conditions).
fn violation(score: &Array1<f64>, b: &Array1<f64>, p: Penalty, sd: &[f64]) -> f64 {
    let one = |j: usize| {
        if j == 0 {
            return score[0].abs();
        }
        if sd[j] == 0.0 {
            return 0.0;
        }
        let smooth = score[j] - p.lambda * (1.0 - p.mix) * b[j];
        let bound = p.lambda * p.mix;
        if b[j] == 0.0 { (smooth.abs() - bound).max(0.0) } else { (smooth - bound * b[j].signum()).abs() }
    };
    (0..b.len()).map(one).fold(0.0, f64::max)
}

/// The minimum of the penalised quadratic with this Gram matrix around `b`, by coordinate descent.
fn quadratic(gram: &Array2<f64>, score: &Array1<f64>, b: &Array1<f64>, p: Penalty) -> Array1<f64> {
    let k = b.len();
    let mut at = b.clone();
    // The score of the quadratic at `at`.
    let mut rest = score.clone();
    for _ in 0..10_000 {
        let mut largest = 0.0_f64;
        for j in 0..k {
            let (own, old) = (gram[[j, j]], at[j]);
            if own <= 0.0 {
                continue;
            }
            let pull = rest[j] + own * old;
            let new = match j {
                0 => pull / own,
                _ => {
                    let (bound, ridge) = (p.lambda * p.mix, p.lambda * (1.0 - p.mix));
                    pull.signum() * (pull.abs() - bound).max(0.0) / (own + ridge)
                }
            };
            let step = new - old;
            if step != 0.0 {
                at[j] = new;
                rest.scaled_add(-step, &gram.column(j));
                largest = largest.max(own * step.abs());
            }
        }
        if largest < 1e-2 * TOLERANCE {
            break;
        }
    }
    at
}

impl Penalised {
    pub fn ridge() -> Self {
        Self { mix: 0.0 }
    }

    pub fn elastic_net() -> Self {
        Self { mix: 0.5 }
    }

    /// The penalties that are compared, the largest first.
    fn grid(&self, laid: &Laid) -> Vec<f64> {
        let top = if self.mix > 0.0 { laid.largest(self.mix) } else { 1.0 };
        (0..GRID).map(|g| top / 3f64.powi(g as i32)).collect()
    }

    /// The penalty with the smallest loss over the inner folds, and the fit at it.
    pub fn choose(&self, s: &Sample<'_>, family: Family, seed: u64) -> Result<FittedPenalised, LearnError> {
        s.mean()?;
        let laid = Laid::new(s, family.is_binomial());
        let grid = self.grid(&laid);
        let (k, fold) = folds::inner(s, INNER_FOLDS, seed)?;
        let mut losses = vec![0.0; grid.len()];
        for f in 0..k {
            let part = |inside: bool| -> Vec<usize> { (0..fold.len()).filter(|&at| (fold[at] == f) == inside).collect() };
            let (train, held) = (laid.part(&part(false)), laid.part(&part(true)));
            let share: f64 = part(true).iter().map(|&at| laid.w[at]).sum();
            let mut b = train.start();
            if !b[0].is_finite() {
                return Err(LearnError::Fit(FitError::NoVariation { n: train.y.len(), events: train.y.sum() }));
            }
            for (total, &lambda) in losses.iter_mut().zip(&grid) {
                train.solve(Penalty { lambda, mix: self.mix }, &mut b)?;
                let predicted: Vec<f64> = held.eta(&b).iter().map(|e| held.mean(*e)).collect();
                *total += share * loss(family, &held.y.to_vec(), &predicted, &held.w.to_vec());
            }
        }
        let best = (0..grid.len()).min_by(|&a, &b| losses[a].total_cmp(&losses[b])).unwrap_or(0);
        let penalty = Penalty { lambda: grid[best], mix: self.mix };
        let equal = s.rows.iter().all(|&i| s.w[i] == s.w[s.rows[0]]);
        let whole = s.rows.iter().all(|&i| s.y[i] == 0.0 || s.y[i] == 1.0);
        if self.mix == 0.0 && family.is_binomial() && equal && whole { linfa_ridge(s, penalty.lambda) } else { at(s, family, penalty) }
    }
}

/// The fit at a given penalty.
///
/// Errors: the outcome does not vary, or no convergence.
pub fn at(s: &Sample<'_>, family: Family, penalty: Penalty) -> Result<FittedPenalised, LearnError> {
    s.mean()?;
    let laid = Laid::new(s, family.is_binomial());
    let mut b = laid.start();
    laid.solve(penalty, &mut b)?;
    Ok(unscaled(s, &laid, b[0], &b.to_vec()[1..], penalty.lambda))
}

/// The logistic ridge by linfa-logistic, whose penalty is on the sum of the losses.
///
/// Errors: unequal weights, an outcome that is not 0/1, one that does not vary, or what the solver reports.
pub fn linfa_ridge(s: &Sample<'_>, lambda: f64) -> Result<FittedPenalised, LearnError> {
    if s.rows.iter().any(|&i| s.w[i] != s.w[s.rows[0]]) {
        return Err(LearnError::WeightsNotTaken);
    }
    if s.rows.iter().any(|&i| s.y[i] != 0.0 && s.y[i] != 1.0) {
        return Err(LearnError::NotBinary);
    }
    s.mean()?;
    let laid = Laid::new(s, true);
    let labels: Array1<bool> = s.rows.iter().map(|&i| s.y[i] == 1.0).collect();
    let columns: ArrayView2<'_, f64> = laid.x.slice(ndarray::s![.., 1..]);
    let data = linfa::DatasetBase::new(columns.to_owned(), labels);
    let fitted = LogisticRegression::default()
        .alpha(lambda * s.rows.len() as f64)
        .max_iterations(1000)
        .gradient_tolerance(1e-10)
        .check()
        .and_then(|p| p.fit(&data))
        .map_err(|e| LearnError::Solver(e.to_string()))?;
    // linfa-logistic takes the more frequent label as the positive class.
    let sign = if fitted.labels().pos.class { 1.0 } else { -1.0 };
    let b: Vec<f64> = fitted.params().iter().map(|b| sign * b).collect();
    Ok(unscaled(s, &laid, sign * fitted.intercept(), &b, lambda))
}

fn unscaled(s: &Sample<'_>, laid: &Laid, intercept: f64, scaled: &[f64], lambda: f64) -> FittedPenalised {
    let mut out = FittedPenalised { terms: s.m.terms[1..].to_vec(), intercept, beta: Vec::new(), lambda, binomial: laid.binomial };
    for ((b, centre), sd) in scaled.iter().zip(&laid.centre[1..]).zip(&laid.sd[1..]) {
        let b = if *sd > 0.0 { b / sd } else { 0.0 };
        out.intercept -= b * centre;
        out.beta.push(b);
    }
    out
}

impl Learner for Penalised {
    fn fit(&self, s: &Sample<'_>, family: Family, seed: u64) -> Result<Box<dyn Predictor>, LearnError> {
        Ok(Box::new(self.choose(s, family, seed)?))
    }
}

impl Predictor for FittedPenalised {
    fn predict(&self, m: &ModelMatrix<'_>, rows: &[usize]) -> Vec<f64> {
        let family = if self.binomial { Family::Binomial } else { Family::Gaussian };
        let eta = |i: usize| self.intercept + self.terms.iter().zip(&self.beta).map(|(t, b)| b * m.value(i, *t, None)).sum::<f64>();
        rows.iter().map(|&i| family.mean(eta(i))).collect()
    }
}
