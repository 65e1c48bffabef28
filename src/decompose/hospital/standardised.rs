//! Where they go, overall: the difference in mean standardised hospital risk (METHODS 5.5(c)).

use super::roster::Roster;
use crate::decompose::DecomposeError;
use crate::decompose::fits::{Fits, FittedIn, GroupTerms, Toward};
use crate::design::Contrast;
use crate::estimate::Estimate;
use crate::linalg::accumulate;
use crate::model::arrow::{self, ArrowFit, LAMBDA};
use crate::model::glm;
use crate::vocab::{BlockSet, Family};
use std::ops::Range;

/// `E_1[v_H] - E_1[E_0(v_H | allowables)]`, where `v_h = E_1[mu_0(h, X)]` is what all index units would show at hospital h with
/// the reference group's outcomes given X, the allowables and the blocks of `given`: by how much index units are at hospitals of
/// higher risk than reference units of the same allowables. The risk of each hospital is standardised, so case mix that
/// differs between hospitals does not enter; it is no part of the gap's division.
///
/// Hospitals without reference units stand at an effect of 0. Errors: a model has no fit.
pub fn standardised_risk(fits: &Fits<'_>, roster: &Roster<'_>, given: BlockSet) -> Result<Estimate, DecomposeError> {
    let c = fits.contrast;
    let family = c.design.family;
    let m = fits.matrix(FittedIn::Reference, given, GroupTerms::Without)?;
    let columns = fits.outcome(FittedIn::Reference, given, GroupTerms::Without, family)?;
    let fit = arrow::fit(vec![m.keep(|t| columns.is_estimated(t))], roster.hospitals(), family, LAMBDA, &c.y, &c.w)
        .map_err(|e| fits.failed(FittedIn::Reference, given, &e))?;
    let rows = |range: Range<usize>| range.filter(|&i| c.w[i] > 0.0);
    let sum_index: f64 = c.index().map(|i| c.w[i]).sum();

    let profiles = Profiles::of(c, &fit, sum_index);
    let v = profiles.risks(family, &fit.effects);

    // The mix of hospitals of reference units with the allowables of index units.
    let odds = fits.group(BlockSet::NONE, Toward::Index)?;
    let sum_odds: f64 = c.reference().map(|i| odds.odds[i]).sum();
    let wg = |i: usize| odds.odds[i] / sum_odds;
    let mix = fits.matrix(FittedIn::Reference, BlockSet::NONE, GroupTerms::Without)?;
    let at_own: Vec<f64> = (0..c.y.len()).map(|i| v[roster.of(i)]).collect();
    let smooth = glm::fit(&mix, family, &at_own, &c.w).map_err(|e| fits.failed(FittedIn::Reference, BlockSet::NONE, &e))?;
    let eta: Vec<f64> = (0..c.y.len()).map(|i| if c.w[i] > 0.0 { family.mean(mix.dot(i, &smooth.beta, None)) } else { 0.0 }).collect();
    let index_mean = |f: &dyn Fn(usize) -> f64| rows(c.index()).map(|i| c.w[i] * f(i)).sum::<f64>() / sum_index;
    let value = index_mean(&|i| at_own[i] - eta[i]) - rows(c.reference()).map(|i| wg(i) * (at_own[i] - eta[i])).sum::<f64>();

    // By how much more of the index group than of comparable reference units a hospital has.
    let mut excess = vec![0.0; roster.len()];
    rows(c.index()).for_each(|i| excess[roster.of(i)] += c.w[i] / sum_index);
    rows(c.reference()).for_each(|i| excess[roster.of(i)] -= wg(i));
    let spread = profiles.spread(family, &fit.effects, &excess);
    let mut gradient = fit.no_gradient();
    let centre: f64 = v.iter().zip(&excess).map(|(v, d)| v * d).sum();
    let n = c.n() as f64;
    let mut influence = vec![0.0; c.n()];
    for i in rows(c.index()) {
        let at = profiles.position(&fit, i);
        let w = c.w[i] / sum_index;
        influence[c.unit(i)] += n * w * (at_own[i] - eta[i] - value + spread.mean[at] - centre);
        fit.add_slopes(&mut gradient, 0, i, w * spread.slope[at]);
    }
    gradient.effects = spread.effects;
    let direction = fit.solve(&gradient);
    let leverage = fit.leverage(&c.y, &c.w);
    for i in rows(c.reference()) {
        let (score, _) = family.score(c.y[i], fit.eta(0, i));
        let fitted = fit.along(0, i, &direction) * c.w[i] * score / (1.0 - leverage[i]).sqrt();
        influence[c.unit(i)] += n * (fitted - wg(i) * (at_own[i] - eta[i]));
    }
    Ok(Estimate { value, influence })
}

/// The different linear predictors of index units without hospitals, and their shares: the risk of every patient at every hospital
/// is computed once for all patients alike.
struct Profiles {
    eta: Vec<f64>,
    share: Vec<f64>,
}

/// What the hospitals' excess sums to for each profile: `sum_h D_h mu(eta + u_h)` and `sum_h D_h mu'(eta + u_h)`; and the derivative
/// by each hospital's effect.
struct Spread {
    mean: Vec<f64>,
    slope: Vec<f64>,
    effects: Vec<f64>,
}

impl Profiles {
    fn of(c: &Contrast<'_>, fit: &ArrowFit<'_>, sum_index: f64) -> Self {
        let mut all: Vec<(f64, f64)> = c.index().filter(|&i| c.w[i] > 0.0).map(|i| (fit.patient(0, i), c.w[i] / sum_index)).collect();
        all.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut out = Self { eta: Vec::new(), share: Vec::new() };
        for (eta, share) in all {
            match (out.eta.last(), out.share.last_mut()) {
                (Some(last), Some(sum)) if last.to_bits() == eta.to_bits() => *sum += share,
                _ => {
                    out.eta.push(eta);
                    out.share.push(share);
                }
            }
        }
        out
    }

    fn position(&self, fit: &ArrowFit<'_>, row: usize) -> usize {
        let eta = fit.patient(0, row);
        self.eta.partition_point(|e| e.total_cmp(&eta).is_lt())
    }

    /// `v_h` of every hospital.
    fn risks(&self, family: Family, effects: &[f64]) -> Vec<f64> {
        let map = |chunk: Range<usize>| {
            let mut v = vec![0.0; effects.len()];
            for j in chunk {
                v.iter_mut().zip(effects).for_each(|(v, u)| *v += self.share[j] * family.mean(self.eta[j] + u));
            }
            v
        };
        let add = |total: &mut Vec<f64>, part: Vec<f64>| total.iter_mut().zip(part).for_each(|(t, p)| *t += p);
        accumulate(std::slice::from_ref(&(0..self.eta.len())), map, add).unwrap_or_default()
    }

    fn spread(&self, family: Family, effects: &[f64], excess: &[f64]) -> Spread {
        let map = |chunk: Range<usize>| {
            let mut out = Spread { mean: Vec::new(), slope: Vec::new(), effects: vec![0.0; effects.len()] };
            for j in chunk {
                let (mut mean, mut slope) = (0.0, 0.0);
                for ((u, d), g) in effects.iter().zip(excess).zip(&mut out.effects) {
                    let eta = self.eta[j] + u;
                    let by_eta = family.slope(eta);
                    mean += d * family.mean(eta);
                    slope += d * by_eta;
                    *g += self.share[j] * d * by_eta;
                }
                out.mean.push(mean);
                out.slope.push(slope);
            }
            out
        };
        let add = |total: &mut Spread, part: Spread| {
            total.mean.extend(part.mean);
            total.slope.extend(part.slope);
            total.effects.iter_mut().zip(part.effects).for_each(|(t, p)| *t += p);
        };
        let none = Spread { mean: Vec::new(), slope: Vec::new(), effects: vec![0.0; effects.len()] };
        accumulate(std::slice::from_ref(&(0..self.eta.len())), map, add).unwrap_or(none)
    }
}
