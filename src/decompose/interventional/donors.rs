//! Equalised blocks from donors (METHODS 5.2): `theta = E_{L,A|R=1} int mu_1(m, L, A) f_0(m | A) dm`, the integral as the weighted mean over
//! the reference units of an index unit's stratum. No model of the blocks is needed.
//!
//! The mean is over all pairs of an index unit and a donor's values as long as there are at most two million; beyond that 25 donors are drawn for
//! each index unit. There is no influence function here: units or clusters are resampled and both outcome models refitted.

use super::strata::{self, Source, Strata, source};
use crate::decompose::fits::{Fits, FittedIn, GroupTerms};
use crate::decompose::with_and_without::supported;
use crate::decompose::{DecomposeError, Fact, Verdict};
use crate::design::Contrast;
use crate::estimate::resample::{self, Bootstrap, Resampling, uniform};
use crate::estimate::{Estimate, renumbered};
use crate::model::{ModelMatrix, Term, glm};
use crate::vocab::{BlockSet, Family};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::ops::Range;

/// Pairs of an index unit and a donor's values beyond which donors are drawn.
const MOST_PAIRS: usize = 2_000_000;
/// Donors drawn for an index unit.
const DRAWN: usize = 25;
/// Share of replicates without a fit, or without donors somewhere, beyond which the errors are not to be trusted.
const MOST_FAILED: f64 = 0.05;
/// Share of index units in merged strata that is worth a warning, and beyond which the numbers are not of what is given.
const MUCH_MERGED: f64 = 0.10;
const MOSTLY_MERGED: f64 = 0.50;

/// Replicate estimates.
pub(super) struct Outcome {
    pub index: Estimate,
    pub reference: Estimate,
    /// `a(A)`, and `a` with the allowables alone.
    pub standardised: Estimate,
    pub allowables: Estimate,
    /// theta, for each set.
    pub equalised: Vec<Estimate>,
    pub facts: Vec<Fact>,
}

/// Everything that stays the same in every replicate.
struct Setting<'a> {
    c: &'a Contrast<'a>,
    /// The index group's model, with every block.
    outcome: ModelMatrix<'a>,
    /// The reference group's model given A, and given the allowables.
    standard: [ModelMatrix<'a>; 2],
    plans: Vec<Plan>,
}

/// One set of equalised blocks.
struct Plan {
    /// Terms of the index group's model that an index unit keeps, and those it has from a donor.
    own: Vec<usize>,
    moved: Vec<usize>,
    /// Terms that multiply one of each: (term, own column, donor's column).
    both: Vec<(usize, usize, usize)>,
    strata: Vec<Cells>,
    drawn: bool,
}

/// A stratum, its donors by the values that they give.
struct Cells {
    index: Vec<usize>,
    /// (row, position in `patterns`)
    donors: Vec<(usize, usize)>,
    /// A row for each different set of values.
    patterns: Vec<usize>,
}

/// `sets`: the blocks that are equalised, then any others that are to be looked at as well.
///
/// Errors: a model has no fit, donors have values that no index unit has, or most replicates have no estimate.
pub(super) fn estimate(fits: &Fits<'_>, sets: &[BlockSet], given: BlockSet, bootstrap: Bootstrap) -> Result<Outcome, DecomposeError> {
    let c = fits.contrast;
    let all = BlockSet::all(c.design.blocks.len());
    // The models of the data themselves are kept for the tables, and their errors name levels.
    fits.outcome(FittedIn::Index, all, GroupTerms::Without, c.design.family)?;
    for set in [given, BlockSet::NONE] {
        supported(fits, FittedIn::Reference, set, &c.index())?;
    }
    let matrix = |fitted_in, set| fits.matrix(fitted_in, set, GroupTerms::Without);
    let found = strata::strata(c, given)?;
    let outcome = matrix(FittedIn::Index, all)?;
    let plans = sets.iter().map(|set| Plan::new(c, &outcome, &found, *set)).collect::<Result<Vec<_>, _>>()?;
    let setting = Setting { c, outcome, standard: [matrix(FittedIn::Reference, given)?, matrix(FittedIn::Reference, BlockSet::NONE)?], plans };

    let values = setting.means(&c.w, &mut resample::stream(bootstrap.seed, 0)).map_err(|e| match e {
        Lost::Levels(n, terms) => fits.no_support(FittedIn::Index, all, n, &terms, &setting.outcome),
        Lost::Fit(e) => fits.failed(FittedIn::Index, all, &e),
        Lost::Donors => {
            DecomposeError::Refused { reason: "a stratum of index units has no donor with a positive weight".into(), help: "widen the cohort" }
        }
    })?;
    let n0 = c.reference().len();
    let groups = [0..n0, n0..c.n()];
    let codes = c.clusters().map(|codes| renumbered(&codes).0);
    let resampling = Resampling { groups: &groups, cluster: codes.as_deref() };
    let replicates: Vec<Option<Vec<f64>>> = (1..=bootstrap.replicates)
        .into_par_iter()
        .map(|b| {
            let mut rng = resample::stream(bootstrap.seed, b);
            let counts = resampling.counts(&mut rng);
            let mut w = vec![0.0; c.w.len()];
            c.units().zip(&counts).for_each(|(i, count)| w[i] = c.w[i] * count);
            setting.means(&w, &mut rng).ok()
        })
        .collect();
    let asked = replicates.len();
    let kept: Vec<Vec<f64>> = replicates.into_iter().flatten().collect();
    if kept.len() < 2 || 2 * kept.len() < asked {
        let reason = format!("{} of {asked} resamples have no estimate, so its error cannot be estimated", asked - kept.len());
        return Err(DecomposeError::Refused { reason, help: "merge levels, leave variables out, or widen the cohort" });
    }
    let mut facts = setting.facts(&found);
    let failed = (asked - kept.len()) as f64 / asked as f64;
    let verdict = if failed <= MOST_FAILED { Verdict::Passes(MOST_FAILED) } else { Verdict::Fails(MOST_FAILED) };
    let what = if codes.is_some() { "clusters" } else { "units within groups" };
    let message = format!("share of {asked} resamples of {what} that have no estimate and are left out; standard errors are those of the others");
    facts.push(Fact::judged("bootstrap_failed", failed, verdict, message));

    let mut estimates = resample::estimates(&values, &kept).into_iter();
    let mut next = || estimates.next().unwrap_or_else(|| Estimate::constant(f64::NAN, kept.len()));
    let (index, reference, standardised, allowables) = (next(), next(), next(), next());
    Ok(Outcome { index, reference, standardised, allowables, equalised: sets.iter().map(|_| next()).collect(), facts })
}

/// Why there is no estimate with some weights.
enum Lost {
    Fit(crate::model::FitError),
    /// Donors with values that the index group's model says nothing about: units, and (term, units).
    Levels(usize, Vec<(usize, usize)>),
    Donors,
}

impl Setting<'_> {
    /// Mean of the index group, of the reference group, `a(A)`, `a` given the allowables, and theta for every plan; `w` by row.
    fn means(&self, w: &[f64], rng: &mut ChaCha8Rng) -> Result<Vec<f64>, Lost> {
        let c = self.c;
        let family = c.design.family;
        let (index, reference) = (c.index(), c.reference());
        let fit = |m: &ModelMatrix<'_>, rows: &Range<usize>, concerned: &dyn Fn(usize) -> bool| {
            let fit = glm::fit(m, family, &c.y, w).map_err(Lost::Fit)?;
            let (n, by_term) = fit.unsupported(m, std::slice::from_ref(rows), w);
            let lost: Vec<(usize, usize)> = by_term.into_iter().filter(|(t, n)| *n > 0 && concerned(*t)).collect();
            if lost.is_empty() { Ok(fit) } else { Err(Lost::Levels(n, lost)) }
        };
        let mean = |rows: &Range<usize>, f: &dyn Fn(usize) -> f64| {
            let (sum, sum_w) = rows.clone().fold((0.0, 0.0), |(s, sw), i| (s + w[i] * f(i), sw + w[i]));
            sum / sum_w
        };
        let mut out = vec![mean(&index, &|i| c.y[i]), mean(&reference, &|i| c.y[i])];
        for m in &self.standard {
            let standard = fit(m, &index, &|_| true)?;
            out.push(mean(&index, &|i| family.mean(m.dot(i, &standard.beta, None))));
        }
        let from_donors = |t: usize| self.plans.iter().any(|p| !p.own.contains(&t));
        let outcome = fit(&self.outcome, &reference, &from_donors)?;
        for plan in &self.plans {
            out.push(self.equalised(plan, &outcome, w, rng).ok_or(Lost::Donors)?);
        }
        Ok(out)
    }

    /// theta; `None` where a stratum has no donor with a positive weight.
    fn equalised(&self, plan: &Plan, fit: &glm::Fit, w: &[f64], rng: &mut ChaCha8Rng) -> Option<f64> {
        let (family, x) = (fit.family, &self.c.design.x);
        let part = |terms: &[usize], i: usize| terms.iter().map(|&t| fit.beta[t] * self.outcome.value(i, self.outcome.terms[t], None)).sum::<f64>();
        let (mut total, mut sum) = (0.0, 0.0);
        for s in &plan.strata {
            let mut mass = vec![0.0; s.patterns.len()];
            s.donors.iter().for_each(|&(row, p)| mass[p] += w[row]);
            let all: f64 = mass.iter().sum();
            let moved: Vec<f64> = s.patterns.iter().map(|&j| part(&plan.moved, j)).collect();
            let index = s.index.iter().copied().filter(|&i| w[i] > 0.0);
            if all <= 0.0 {
                if index.count() > 0 {
                    return None;
                }
                continue;
            }
            // What a donor's values add is the same for every index unit where the link is the identity or the logarithm.
            let shared = match (family, plan.both.is_empty()) {
                (Family::Gaussian, true) => Some(mass.iter().zip(&moved).map(|(q, m)| q * m).sum::<f64>() / all),
                (Family::Poisson, true) => Some((mass.iter().zip(&moved).map(|(q, m)| q * m.exp()).sum::<f64>() / all).ln()),
                _ => None,
            };
            let mut below = Vec::new();
            if plan.drawn && shared.is_none() {
                let mut so_far = 0.0;
                below.extend(mass.iter().map(|q| {
                    so_far += q;
                    so_far
                }));
            }
            for i in index {
                let own = part(&plan.own, i);
                let with = |p: usize| {
                    let both = plan.both.iter().map(|&(t, o, d)| fit.beta[t] * x[[i, o]] * x[[s.patterns[p], d]]).sum::<f64>();
                    family.mean(own + moved[p] + both)
                };
                let mean = match shared {
                    Some(added) => family.mean(own + added),
                    None if plan.drawn => {
                        let mut one = || {
                            let at = uniform(rng) * all;
                            with(below.partition_point(|b| *b <= at).min(mass.len() - 1))
                        };
                        (0..DRAWN).map(|_| one()).sum::<f64>() / DRAWN as f64
                    }
                    None => mass.iter().enumerate().filter(|(_, q)| **q > 0.0).map(|(p, q)| q * with(p)).sum::<f64>() / all,
                };
                total += w[i] * mean;
                sum += w[i];
            }
        }
        Some(total / sum)
    }

    fn facts(&self, found: &Strata) -> Vec<Fact> {
        let n = found.strata.iter().map(|s| s.index.len()).sum::<usize>();
        let share = found.merged as f64 / n as f64;
        let verdict = match share {
            s if s <= MUCH_MERGED => Verdict::Passes(MUCH_MERGED),
            s if s <= MOSTLY_MERGED => Verdict::Warns(MUCH_MERGED),
            _ => Verdict::Fails(MOSTLY_MERGED),
        };
        let least = strata::MIN_DONORS;
        let (always, rest) = found.variables.split_at(found.always);
        let matched = match (always, rest) {
            (_, []) => String::new(),
            ([], rest) => format!(": on {} only where there are donors, and on nothing at all elsewhere", rest.join(", ")),
            (always, rest) => format!(": all are matched on {}, and on {} only where there are donors", always.join(", "), rest.join(", ")),
        };
        let merged = format!("share of index units with fewer than {least} reference units in their stratum, matched on fewer variables{matched}");
        let mut out = vec![
            Fact::informs("donor_strata", Some(found.strata.len() as f64), "number of sets of donors, each for the index units of a stratum"),
            Fact::judged("donors_merged", share, verdict, merged).counting(found.merged, Some(n)),
        ];
        if self.plans.iter().any(|p| p.drawn) {
            let message = format!("donors drawn for each index unit: there are more than {MOST_PAIRS} pairs of an index unit and a donor's values");
            out.push(Fact::informs("donors_drawn", Some(DRAWN as f64), message));
        }
        out
    }
}

impl Plan {
    fn new(c: &Contrast<'_>, outcome: &ModelMatrix<'_>, found: &Strata, equalised: BlockSet) -> Result<Self, DecomposeError> {
        let (mut own, mut moved, mut both) = (Vec::new(), Vec::new(), Vec::new());
        for (t, term) in outcome.terms.iter().enumerate() {
            let (Term::Column(j) | Term::ByGroup(j)) = *term;
            match source(c.design, j, equalised)? {
                Source::Own => own.push(t),
                Source::Donor => moved.push(t),
                Source::Both { own, donor } => both.push((t, own, donor)),
            }
        }
        let mut columns: Vec<usize> = moved.iter().map(|&t| outcome.terms[t]).map(|(Term::Column(j) | Term::ByGroup(j))| j).collect();
        columns.extend(both.iter().map(|(_, _, donor)| *donor));
        let values = |i: usize| -> Vec<u64> { columns.iter().map(|&j| c.design.x[[i, j]].to_bits()).collect() };
        let strata: Vec<Cells> = found
            .strata
            .iter()
            .map(|s| {
                let mut known: BTreeMap<Vec<u64>, usize> = BTreeMap::new();
                let mut patterns = Vec::new();
                let mut pattern = |j: usize| {
                    *known.entry(values(j)).or_insert_with(|| {
                        patterns.push(j);
                        patterns.len() - 1
                    })
                };
                let donors = s.donors.iter().map(|&j| (j, pattern(j))).collect();
                Cells { index: s.index.clone(), donors, patterns }
            })
            .collect();
        let pairs: usize = strata.iter().map(|s| s.index.len() * s.patterns.len()).sum();
        let separable = both.is_empty() && matches!(c.design.family, Family::Gaussian | Family::Poisson);
        Ok(Self { own, moved, both, strata, drawn: pairs > MOST_PAIRS && !separable })
    }
}
