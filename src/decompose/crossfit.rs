//! Cross-fitting: nuisance functions learned on the other folds, several random splits, one answer (METHODS 5.3; Chernozhukov et al. 2018).
//!
//! For an estimator with one level of nuisances (`with_and_without`) [`CrossFit::out_of_fold`] does it all. Nested regressions
//! (`mechanisms`) need the whole chain within a fold, and take the pieces:
//!
//! ```text
//! for folds in cross_fit.splits(contrast)?          // S splits; each is V folds
//!     for (v, fold) in folds                        // in parallel; collect in order
//!         response = y                              // by row of the design
//!         for k from the outermost regression inwards
//!             nuisance = Nuisance { matrix, family, y: &response, w, among: rows of the group r_k, part: a number for (k, suffix) }
//!             fit = cross_fit.fit(contrast, fold, &nuisance)?
//!             response at fold.train and fold.held = fit.predict(&matrix, rows)     // both: the next fit is anchored to all rows
//!             keep the predictions at fold.held
//!     the estimating equation over all units, with the predictions kept, nuisance terms left out of the influence
//!     -> a Draft
//! median_rule(drafts, the headline row, sampling)   // -> the Draft to report
//! ```
//!
//! Predictions of a chain at `train` are made by the fit itself, those at `held` never saw these units.

use super::{Component, Draft, Fact, Part, Verdict};
use crate::design::Contrast;
use crate::estimate::{Estimate, Sampling};
use crate::model::ModelMatrix;
use crate::model::learner::{Constant, LearnError, Learner, LearnerKind, Predictor, Sample, calibrate, folds};
use crate::vocab::Family;
use rayon::prelude::*;
use std::ops::Range;

/// Group probabilities stay within these limits (METHODS 2); how many were moved is counted.
pub const CLIP: (f64, f64) = (0.01, 0.99);

/// Seed of the splits, the forests and the bootstraps of the learners.
pub const SEED: u64 = 20_260_101;

/// How nuisance functions are learned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CrossFit {
    pub learner: LearnerKind,
    pub folds: usize,
    /// Random splits; odd, so that one of them is the median.
    pub splits: usize,
    pub seed: u64,
}

impl CrossFit {
    /// Five folds, five splits.
    pub fn new(learner: LearnerKind) -> Self {
        Self { learner, folds: 5, splits: 5, seed: SEED }
    }
}

/// One fold: rows of the design with a positive weight, ascending.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fold {
    /// Rows of the other folds.
    pub train: Vec<usize>,
    /// Rows that the fits of this fold predict.
    pub held: Vec<usize>,
    /// A fifth of `train`, by cluster where there are clusters: for early stopping and calibration.
    pub holdout: Vec<usize>,
    /// `train` without `holdout`.
    pub fitted: Vec<usize>,
    seed: u64,
}

/// A nuisance function: what is regressed on what, among which rows. `y` and `w` are as long as the design.
#[derive(Clone)]
pub struct Nuisance<'a> {
    pub m: &'a ModelMatrix<'a>,
    pub family: Family,
    pub y: &'a [f64],
    pub w: &'a [f64],
    /// Rows of the design that it is fitted among: one group, or both.
    pub among: Vec<Range<usize>>,
    /// Tells the random streams of an analysis' nuisances apart.
    pub part: u64,
}

impl CrossFit {
    /// The folds of each split: by cluster, otherwise dealt within group and (binomial) outcome.
    ///
    /// Errors: fewer clusters, or units, than folds.
    pub fn splits(&self, c: &Contrast<'_>) -> Result<Vec<Vec<Fold>>, LearnError> {
        (0..self.splits as u64).map(|s| self.split(c, folds::derived_seed(self.seed, s))).collect()
    }

    fn split(&self, c: &Contrast<'_>, seed: u64) -> Result<Vec<Fold>, LearnError> {
        let rows: Vec<usize> = c.units().filter(|&i| c.w[i] > 0.0).collect();
        let cluster = clusters(c);
        let event = |i: usize| c.design.family.is_binomial() && c.y[i] > 0.5;
        let stratum = |i: usize| 2 * u64::from(c.r[i] == 1.0) + u64::from(event(i));
        let of = folds::assign(&rows, cluster, stratum, self.folds, seed)?;
        let pick = |rows: &[usize], of: &[usize], inside: &dyn Fn(usize) -> bool| -> Vec<usize> {
            let mut out: Vec<usize> = rows.iter().zip(of).filter(|(_, f)| inside(**f)).map(|(i, _)| *i).collect();
            out.sort_unstable();
            out
        };
        (0..self.folds)
            .map(|v| {
                let train = pick(&rows, &of, &|f| f != v);
                let held = pick(&rows, &of, &|f| f == v);
                let seed = folds::derived_seed(seed, 1000 + v as u64);
                let parts = cluster.map_or(5, |code| folds::distinct(&train, code).min(5));
                let inner = folds::assign(&train, cluster, stratum, parts, seed)?;
                let (holdout, fitted) = (pick(&train, &inner, &|f| f == 0), pick(&train, &inner, &|f| f != 0));
                Ok(Fold { train, held, holdout, fitted, seed })
            })
            .collect()
    }

    /// Fits a nuisance function on a fold's training rows, recalibrates it on the part of them held out, and anchors its level to all rows that it
    /// is fitted among ([`calibrate::anchored`]), so `n.y` is read at `held` too. Without terms it is the mean.
    pub fn fit(&self, c: &Contrast<'_>, fold: &Fold, n: &Nuisance<'_>) -> Result<Box<dyn Predictor>, LearnError> {
        let among =
            |rows: &[usize]| -> Vec<usize> { rows.iter().copied().filter(|i| n.w[*i] > 0.0 && n.among.iter().any(|r| r.contains(i))).collect() };
        let seed = folds::derived_seed(fold.seed, n.part);
        let (rows, holdout) = (among(&fold.fitted), among(&fold.holdout));
        let s = Sample { m: n.m, rows: &rows, holdout: &holdout, y: n.y, w: n.w, cluster: clusters(c) };
        let fitted: Box<dyn Predictor> = if n.m.terms.len() == 1 {
            Constant.fit(&s, n.family, seed)?
        } else {
            Box::new(calibrate::calibrated(self.learner.learner().fit(&s, n.family, seed)?, &s, n.family)?)
        };
        let all: Vec<usize> = among(&fold.train).into_iter().chain(among(&fold.held)).collect();
        Ok(Box::new(calibrate::anchored(fitted, n.m, &all, n.y, n.w, n.family)))
    }

    /// What was learned, how it was split, and which split is reported.
    pub fn told(&self, c: &Contrast<'_>, what: &str, headline: &str, chosen: usize) -> Fact {
        let how = if c.design.clusters.is_some() { "by cluster" } else { "within group and outcome" };
        let message = format!(
            "{what} are learned by {} ({}), recalibrated on a fifth of the training rows, anchored to the sample's mean, and predicted out of fold: {} folds {how}, \
             {} splits, seed {}; estimates are those of split {}, whose {headline} is the median; standard errors by the median rule, without terms \
             for the learners' own estimation",
            self.learner.name(),
            self.learner.settings(),
            self.folds,
            self.splits,
            self.seed,
            chosen + 1
        );
        Fact::informs("learner", None, message)
    }

    /// Predictions of each nuisance by fits that did not see the unit, by row of the design; 0 for rows in no fold.
    ///
    /// Errors: the position of the nuisance that has no fit in some fold, and why.
    pub fn out_of_fold(&self, c: &Contrast<'_>, folds: &[Fold], nuisances: &[Nuisance<'_>]) -> Result<Vec<Vec<f64>>, (usize, LearnError)> {
        let tasks: Vec<(usize, usize)> = (0..nuisances.len()).flat_map(|n| (0..folds.len()).map(move |f| (n, f))).collect();
        let one = |&(n, f): &(usize, usize)| {
            let fit = self.fit(c, &folds[f], &nuisances[n]).map_err(|e| (n, e))?;
            Ok(fit.predict(nuisances[n].m, &folds[f].held))
        };
        let parts: Vec<Result<Vec<f64>, (usize, LearnError)>> = tasks.par_iter().map(one).collect();
        let mut out = vec![vec![0.0; c.y.len()]; nuisances.len()];
        for ((n, f), part) in tasks.into_iter().zip(parts) {
            folds[f].held.iter().zip(part?).for_each(|(&i, p)| out[n][i] = p);
        }
        Ok(out)
    }
}

fn clusters<'a>(c: &Contrast<'a>) -> Option<&'a [u32]> {
    c.design.clusters.as_ref().map(|k| k.code.as_slice())
}

/// The value of one row in each split.
pub fn headline_values(drafts: &[Draft], headline: (Part, Component)) -> Vec<f64> {
    drafts.iter().flat_map(|d| &d.rows).filter(|r| (r.part, r.component) == headline).map(|r| r.estimate.value).collect()
}

/// Whether the splits agree on the row whose median is reported: their range in its standard errors.
pub fn range_over_splits(row: &str, values: &[f64], std_error: f64) -> Fact {
    let (low, high) = values.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(*v), h.max(*v)));
    let range = (high - low) / std_error;
    let message = format!("range of the {row} over the splits ({low:.5} to {high:.5}), in its standard errors");
    Fact::judged("split_range", range, if range <= 1.0 { Verdict::Passes(1.0) } else { Verdict::Warns(1.0) }, message)
}

/// Share of units with a clipped group probability beyond which the reader is warned.
const MUCH_CLIPPED: f64 = 0.05;

/// How many units' group probability was moved to a limit, given the blocks where it is most.
pub fn clipped(c: &Contrast<'_>, units: usize, blocks: &str) -> Fact {
    let n = c.units().filter(|&i| c.w[i] > 0.0).count();
    let share = units as f64 / n as f64;
    let message =
        format!("share of units whose learned group probability was moved to {} or {}, in the set of blocks with the most: {blocks}", CLIP.0, CLIP.1);
    let verdict = if share <= MUCH_CLIPPED { Verdict::Passes(MUCH_CLIPPED) } else { Verdict::Warns(MUCH_CLIPPED) };
    Fact::judged("clipped_group_probabilities", share, verdict, message).counting(units, Some(n))
}

/// Several splits as one result, by the median rule of METHODS 5.3, and the position of the split whose values it has.
///
/// The median of each row taken by itself would not sum. So the split whose `headline` row is the median gives every value, and each
/// row's influences are rescaled so that its variance is the rule's, `median_s { V_s + (theta_s - theta)^2 }` around the value
/// reported. For the headline row this is the rule itself; parts sum to the gap as in any one split. With an even number of splits
/// medians are the lower ones. The drafts have the same rows in the same order.
pub fn median_rule(mut drafts: Vec<Draft>, headline: (Part, Component), sampling: &Sampling) -> (Draft, usize) {
    let value = |d: &Draft| d.rows.iter().find(|r| (r.part, r.component) == headline).map_or(0.0, |r| r.estimate.value);
    let mut order: Vec<usize> = (0..drafts.len()).collect();
    order.sort_by(|&a, &b| value(&drafts[a]).total_cmp(&value(&drafts[b])));
    let Some(&chosen) = order.get(drafts.len().saturating_sub(1) / 2) else { return (Draft::default(), 0) };
    let rescaled = |of: &dyn Fn(&Draft) -> &Estimate| -> Estimate {
        let own = of(&drafts[chosen]);
        let mut spread: Vec<f64> = drafts.iter().map(|d| sampling.variance(of(d)) + (of(d).value - own.value).powi(2)).collect();
        spread.sort_by(f64::total_cmp);
        let (target, variance) = (spread[(spread.len() - 1) / 2], sampling.variance(own));
        let factor = (target / variance).sqrt();
        // A known number has no variance to rescale.
        let influence = if factor.is_finite() { own.influence.iter().map(|v| v * factor).collect() } else { own.influence.clone() };
        Estimate { value: own.value, influence }
    };
    let rows: Vec<Estimate> = (0..drafts[chosen].rows.len()).map(|r| rescaled(&|d| &d.rows[r].estimate)).collect();
    let sets: Vec<[Estimate; 3]> = (0..drafts[chosen].sets.len())
        .map(|s| [rescaled(&|d| &d.sets[s].counterfactual_mean), rescaled(&|d| &d.sets[s].adjusted_gap), rescaled(&|d| &d.sets[s].accounted)])
        .collect();
    let detail: Vec<Estimate> = (0..drafts[chosen].detail.len()).map(|t| rescaled(&|d| &d.detail[t].estimate)).collect();
    let mut out = drafts.swap_remove(chosen);
    out.detail.iter_mut().zip(detail).for_each(|(term, e)| term.estimate = e);
    out.rows.iter_mut().zip(rows).for_each(|(row, e)| row.estimate = e);
    for (set, [mean, gap, accounted]) in out.sets.iter_mut().zip(sets) {
        (set.counterfactual_mean, set.adjusted_gap, set.accounted) = (mean, gap, accounted);
    }
    (out, chosen)
}
