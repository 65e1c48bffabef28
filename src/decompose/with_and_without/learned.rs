//! `with_and_without` with learners: outcome and group cross-fitted, the one-step estimate of METHODS 3.2 over all units, several splits.
//!
//! Influences are those of the efficient influence function: cross-fitted nuisances drop the terms of their own estimation.

use super::{Adjusted, Target, WithAndWithout, against, mean_by, pool};
use crate::decompose::crossfit::{CLIP, CrossFit, Fold, Nuisance, clipped, headline_values, median_rule, range_over_splits};
use crate::decompose::fits::{Fits, FittedIn, GroupTerms, Support, Toward};
use crate::decompose::moments::mean;
use crate::decompose::{Component, DecomposeError, Draft, Fact, Part, Verdict};
use crate::estimate::{Estimate, Sampling};
use crate::model::auc;
use crate::model::learner::{LearnError, loss};
use crate::vocab::{BlockSet, Family};
use std::ops::Range;

/// What is told of one set of blocks in one split.
struct Notes {
    set: BlockSet,
    toward: Toward,
    /// Loss and c-statistic of out-of-fold predictions: of the outcome in the other group, of the group in both.
    outcome: (f64, Option<f64>),
    group: (f64, Option<f64>),
    /// Units whose group probability was moved to a limit.
    clipped: usize,
    /// Effective number of weighted units of the other group.
    effective: f64,
    /// Units of the target whose probability lies outside that of 99.8% of the other group, and their share of the weight.
    outside: (usize, f64),
}

/// Share of the target outside the other group's range beyond which the estimates are marked: the gate of METHODS 2, on what was learned. A
/// logit of main effects can miss that a column's range ends earlier in one group.
const MUCH_OUTSIDE: f64 = 0.05;

impl WithAndWithout {
    pub(super) fn learned(&self, fits: &Fits<'_>, cf: CrossFit) -> Result<Draft, DecomposeError> {
        let c = fits.contrast;
        let k = c.design.blocks.len();
        let unsplit = |e: LearnError| DecomposeError::Learner {
            learner: cf.learner.name(),
            of: "outcome",
            blocks: fits.set_name(BlockSet::all(k)),
            reason: e.to_string(),
        };
        let (mut drafts, mut notes) = (Vec::new(), Vec::new());
        for folds in cf.splits(c).map_err(unsplit)? {
            let mut of_split = Vec::new();
            let mut adjusted = Vec::new();
            for set in BlockSet::subsets(k) {
                adjusted.push(self.adjusted_by_learner(fits, cf, &folds, set, &mut of_split)?);
            }
            drafts.push(self.draft(fits, adjusted));
            notes.push(of_split);
        }
        let headline = (Part::Unexplained, Component::Total);
        let values = headline_values(&drafts, headline);
        let sampling = Sampling::new(c.n(), c.clusters().as_deref(), 0.95);
        let (mut draft, chosen) = median_rule(drafts, headline, &sampling);
        let of = draft.rows.iter().find(|r| (r.part, r.component) == headline).map(|r| sampling.std_error(&r.estimate));
        draft.facts = facts(fits, cf, &values, chosen, of.unwrap_or(f64::NAN), &notes[chosen]);
        Ok(draft)
    }

    fn adjusted_by_learner(
        &self,
        fits: &Fits<'_>,
        cf: CrossFit,
        folds: &[Fold],
        set: BlockSet,
        notes: &mut Vec<Notes>,
    ) -> Result<Adjusted, DecomposeError> {
        let mut toward = |toward: Toward| -> Result<Adjusted, DecomposeError> {
            let (cross, note) = cross_mean(fits, cf, folds, set, toward)?;
            notes.push(note);
            Ok(against(fits, toward, cross))
        };
        match self.target {
            Target::Index => toward(Toward::Index),
            Target::Reference => toward(Toward::Reference),
            Target::Pooled => {
                let (index, reference) = (toward(Toward::Index)?, toward(Toward::Reference)?);
                Ok(pool(fits, &index, &reference))
            }
        }
    }
}

/// The one-step mean with outcome and group predicted out of fold.
fn cross_mean(fits: &Fits<'_>, cf: CrossFit, folds: &[Fold], set: BlockSet, toward: Toward) -> Result<(Estimate, Notes), DecomposeError> {
    let c = fits.contrast;
    let (target, other) = fits.sides(toward);
    let m = fits.matrix(FittedIn::Pooled, set, GroupTerms::Without)?;
    let Support { w, .. } = fits.support(set, toward)?;
    let in_target = fits.in_target(toward);
    let part = 4 * u64::from(set.0) + 2 * u64::from(toward == Toward::Reference);
    let nuisances = [
        Nuisance { m: &m, family: c.design.family, y: &c.y, w: &c.w, among: vec![other.clone()], part },
        Nuisance { m: &m, family: Family::Binomial, y: &in_target, w: &w, among: c.rows(), part: part + 1 },
    ];
    let mut predicted = cf.out_of_fold(c, folds, &nuisances).map_err(|(which, e)| DecomposeError::Learner {
        learner: cf.learner.name(),
        of: ["outcome", "group"][which],
        blocks: fits.set_name(set),
        reason: e.to_string(),
    })?;
    let (pi, mu) = (predicted.pop().unwrap_or_default(), predicted.pop().unwrap_or_default());
    let outcome = judged(c.design.family, std::slice::from_ref(&other), &c.y, &mu, &c.w);
    let group = judged(Family::Binomial, &c.rows(), &in_target, &pi, &w);
    let clipped = c.units().filter(|&i| w[i] > 0.0 && !(CLIP.0..=CLIP.1).contains(&pi[i])).count();
    let mut omega = vec![0.0; c.y.len()];
    for i in other.clone() {
        let p = pi[i].clamp(CLIP.0, CLIP.1);
        omega[i] = w[i] * p / (1.0 - p);
    }
    let (sum, squares) = omega.iter().fold((0.0, 0.0), |(s, q), v| (s + v, q + v * v));
    let (low, high) = limits(other.clone().map(|i| (pi[i], w[i])));
    let beyond: Vec<usize> = target.clone().filter(|&i| w[i] > 0.0 && !(low..=high).contains(&pi[i])).collect();
    let mass = |rows: &mut dyn Iterator<Item = usize>| rows.map(|i| w[i]).sum::<f64>();
    let outside = (beyond.len(), mass(&mut beyond.iter().copied()) / mass(&mut target.clone()));
    // One-step, the nuisance functions held fixed: they were learned on other units.
    let estimate = mean(c, &target, |i| mu[i]).plus(&mean_by(c, std::slice::from_ref(&other), &omega, |i| c.y[i] - mu[i]));
    Ok((estimate, Notes { set, toward, outcome, group, clipped, effective: sum * sum / squares, outside }))
}

/// Values between which 99.8% of the weight lies, of (value, weight).
fn limits(values: impl Iterator<Item = (f64, f64)>) -> (f64, f64) {
    let mut sorted: Vec<(f64, f64)> = values.filter(|v| v.1 > 0.0).collect();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
    let total: f64 = sorted.iter().map(|v| v.1).sum();
    let mut sum = 0.0;
    let inside = sorted.iter().filter(|v| {
        sum += v.1;
        sum > 0.001 * total && sum - v.1 < 0.999 * total
    });
    inside.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v.0), high.max(v.0)))
}

/// Loss of predictions over rows with a positive weight, and their c-statistic for a 0/1 outcome.
fn judged(family: Family, rows: &[Range<usize>], y: &[f64], predicted: &[f64], w: &[f64]) -> (f64, Option<f64>) {
    let rows: Vec<usize> = rows.iter().cloned().flatten().filter(|&i| w[i] > 0.0).collect();
    let pick = |v: &[f64]| -> Vec<f64> { rows.iter().map(|&i| v[i]).collect() };
    let (y, p, w) = (pick(y), pick(predicted), pick(w));
    (loss(family, &y, &p, &w), if family.is_binomial() { auc(&y, &p, &w) } else { None })
}

/// `values` are those of the headline row in each split.
fn facts(fits: &Fits<'_>, cf: CrossFit, values: &[f64], chosen: usize, std_error: f64, notes: &[Notes]) -> Vec<Fact> {
    let c = fits.contrast;
    let headline = "adjusted gap with every block";
    let mut out = vec![cf.told(c, "outcome and group", headline, chosen), range_over_splits(headline, values, std_error)];
    let full = BlockSet::all(c.design.blocks.len());
    for n in notes.iter().filter(|n| n.set == full) {
        let (target, other) = match n.toward {
            Toward::Index => ("index", "reference"),
            Toward::Reference => ("reference", "index"),
        };
        let measure = if c.design.family.is_binomial() { "log-loss" } else { "mean squared error" };
        out.push(Fact::informs(
            "learner_outcome_loss",
            Some(n.outcome.0),
            format!("{measure} of the outcome in {other} units with every block, predicted out of fold"),
        ));
        out.extend(n.outcome.1.map(|v| {
            Fact::informs(
                "learner_outcome_c_statistic",
                Some(v),
                format!("c-statistic of the outcome in {other} units with every block, predicted out of fold"),
            )
        }));
        out.push(Fact::informs("learner_group_loss", Some(n.group.0), "log-loss of the group with every block, predicted out of fold"));
        out.extend(
            n.group
                .1
                .map(|v| Fact::informs("learner_group_c_statistic", Some(v), "c-statistic of the group with every block, predicted out of fold")),
        );
        let verdict = if n.effective >= 100.0 { Verdict::Passes(100.0) } else { Verdict::Fails(100.0) };
        let message = format!(
            "effective number of {other} units, weighted by the learned group probabilities to look like {target} units: (sum w)^2 / sum w^2"
        );
        out.push(Fact::judged("learner_effective_units", n.effective, verdict, message));
        let (count, share) = n.outside;
        let verdict = if share <= MUCH_OUTSIDE { Verdict::Passes(MUCH_OUTSIDE) } else { Verdict::Fails(MUCH_OUTSIDE) };
        let message = format!("share of {target} units whose learned group probability lies outside that of 99.8% of {other} units");
        let all = fits.sides(n.toward).0.filter(|&i| c.w[i] > 0.0).count();
        out.push(Fact::judged("learner_units_outside_range", share, verdict, message).counting(count, Some(all)));
    }
    if let Some(worst) = notes.iter().max_by_key(|n| n.clipped) {
        out.push(clipped(c, worst.clipped, &fits.set_name(worst.set)));
    }
    out
}
