//! Models with and without the blocks (family A): what index units would show with the outcome of comparable reference units.
//!
//! For every set K of blocks, `a(K) = E_1[ E(Y | R=0, C, X_K) ]` and `adjusted_gap(K) = mean_index - a(K)`
//! (METHODS 3.1; Peters 1941, Belson 1956 for the full set). What a block accounts for is by how much the adjusted gap
//! falls when it enters; `attribution.rs` credits it.

mod learned;

use super::attribution;
use super::crossfit::CrossFit;
use super::fits::{Fits, FittedIn, GroupModel, GroupTerms, Toward};
use super::moments::{add_score_influence, group_means, mean, outcome_sd, share_index};
use super::{Component, DecomposeError, Decomposition, Draft, Method, MethodFamily, Part, Row, Second, SetRow, Variant, Vary, row};
use crate::design::Contrast;
use crate::estimate::Estimate;
use crate::model::{ModelMatrix, glm::Fit};
use crate::vocab::{BlockSet, Family};
use std::ops::Range;
use std::rc::Rc;

/// Which rule credits the blocks in the `estimate` column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Attribution {
    #[default]
    Shapley,
    Sequential,
    FirstIn,
    LastIn,
}

/// Which model stands for "comparable reference units".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Surface {
    /// Fitted in the other group only.
    #[default]
    ReferenceModel,
    /// Fitted in both groups, with the group as a main effect: the classical nested model.
    PooledMain,
    /// Fitted in both groups, every column times the group as well.
    PooledInteracted,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Estimator {
    /// One-step, doubly robust: the plug-in plus the weighted mean of the other group's residuals.
    #[default]
    Dr,
    /// Plug-in of the outcome model.
    Gcomp,
    /// Weighted mean of the other group's outcomes, with the odds of the group model as weights; no outcome model. Only the
    /// sensitivity section asks for it.
    Ipw,
}

/// The population over which the allowables are standardised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Target {
    #[default]
    Index,
    Reference,
    Pooled,
}

/// Settings of `with_and_without`.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct WithAndWithout {
    pub attribution: Attribution,
    pub surface: Surface,
    pub estimator: Estimator,
    pub target: Target,
    /// The order of the sequential attribution: positions of blocks. Empty: the order of the study file.
    pub sequence: Vec<usize>,
    /// How outcome and group are learned; `None` for GLMs, whose estimation the influences carry. Goes with the reference model's
    /// surface and the one-step estimator.
    pub learner: Option<CrossFit>,
}

/// Mean outcome with the other group's surface, and the adjusted gap, for one set of blocks.
struct Adjusted {
    counterfactual_mean: Estimate,
    gap: Estimate,
}

impl Method for WithAndWithout {
    fn name(&self) -> &'static str {
        "with_and_without"
    }

    fn family(&self) -> MethodFamily {
        MethodFamily::A
    }

    fn refuses(&self, _family: Family) -> Option<String> {
        None
    }

    fn rests_on_overlap(&self) -> bool {
        self.surface == Surface::ReferenceModel
    }

    fn variants(&self) -> Vec<Variant> {
        let mut out = Vec::new();
        // Learners go with the one-step estimator of the reference model alone.
        let glm = self.learner.is_none();
        let mut add = |vary, setting, method: Self| {
            if method != *self {
                out.push(Variant { vary, setting, method: Box::new(method) });
            }
        };
        let of_both_groups = self.surface != Surface::ReferenceModel;
        for (setting, estimator) in [("dr", Estimator::Dr), ("gcomp", Estimator::Gcomp), ("ipw", Estimator::Ipw)] {
            if !of_both_groups && glm {
                add(Vary::Estimator, setting, Self { estimator, ..self.clone() });
            }
        }
        for (setting, surface) in
            [("reference_model", Surface::ReferenceModel), ("pooled_main", Surface::PooledMain), ("pooled_interacted", Surface::PooledInteracted)]
        {
            if surface != self.surface && glm {
                add(Vary::Surface, setting, Self { surface, estimator: Estimator::Gcomp, ..self.clone() });
            }
        }
        for (setting, target) in [("index", Target::Index), ("reference", Target::Reference), ("pooled", Target::Pooled)] {
            add(Vary::Target, setting, Self { target, ..self.clone() });
        }
        out
    }

    fn with_learner(&self, learner: Option<CrossFit>) -> Result<Box<dyn Method>, String> {
        if learner.is_some() && self.surface != Surface::ReferenceModel {
            return Err("a learner goes with `surface: reference_model`, not with a pooled surface".into());
        }
        if learner.is_some() && self.estimator != Estimator::Dr {
            return Err("a learner goes with `estimator: dr`: its plug-in has no valid standard error".into());
        }
        Ok(Box::new(Self { learner, ..self.clone() }))
    }

    fn learner(&self) -> Option<CrossFit> {
        self.learner
    }

    fn adjusted_means(&self, d: &Decomposition) -> Option<(Estimate, Estimate)> {
        let full = d.sets.last()?;
        let mean = full.counterfactual_mean.clone();
        // Target reference: the counterfactual is that of reference units with the index group's outcome, but for `pooled_main`.
        let as_index = self.target == Target::Reference && self.surface != Surface::PooledMain;
        Some(match as_index {
            true => (mean.clone(), mean.minus(&full.adjusted_gap)),
            false => (mean.plus(&full.adjusted_gap), mean),
        })
    }

    fn second_estimate(&self, fits: &Fits<'_>) -> Result<Option<Second>, DecomposeError> {
        if self.estimator != Estimator::Dr || self.learner.is_some() {
            return Ok(None);
        }
        let plug_in = Self { estimator: Estimator::Gcomp, ..self.clone() };
        Ok(Some(Second { reported: self.counterfactual_mean(fits)?, other: plug_in.counterfactual_mean(fits)? }))
    }

    fn decompose(&self, fits: &Fits<'_>) -> Result<Decomposition, DecomposeError> {
        let c = fits.contrast;
        let draft = match self.learner {
            Some(learner) => self.learned(fits, learner)?,
            None => {
                let sets = BlockSet::subsets(c.design.blocks.len());
                self.draft(fits, sets.map(|set| self.adjusted(fits, set)).collect::<Result<_, _>>()?)
            }
        };
        Decomposition::new(c.design.family.scale(), draft, outcome_sd(c))
    }
}

impl WithAndWithout {
    /// The parts that follow from the adjusted gaps of every set of blocks, the empty set first.
    fn draft(&self, fits: &Fits<'_>, adjusted: Vec<Adjusted>) -> Draft {
        let c = fits.contrast;
        let k = c.design.blocks.len();
        let means = group_means(c);
        let gap = means.index.minus(&means.reference);
        let v: Vec<Estimate> = adjusted.iter().map(|a| adjusted[0].gap.minus(&a.gap)).collect();

        let sequence: Vec<usize> = if self.sequence.is_empty() { (0..k).collect() } else { self.sequence.clone() };
        let contributions = match self.attribution {
            Attribution::Shapley => attribution::shapley(&v, k),
            Attribution::Sequential => attribution::sequential(&v, &sequence),
            Attribution::FirstIn => attribution::first_in(&v, k),
            Attribution::LastIn => attribution::last_in(&v, k),
        };
        let full = BlockSet::all(k).0 as usize;
        let explained = v[full].clone();
        let unexplained = adjusted[full].gap.clone();

        // First-in and last-in values leave out, or count twice, what blocks account for together: a row of its own makes the part sum.
        let mut credited = vec![(1.0, &explained)];
        credited.extend(contributions.iter().map(|e| (-1.0, e)));
        let joint = matches!(self.attribution, Attribution::FirstIn | Attribution::LastIn).then(|| Estimate::linear(&credited));

        let mut rows = vec![
            row(Part::Gap, Component::Total, gap.clone()),
            row(Part::Allowable, Component::Total, gap.minus(&adjusted[0].gap)),
            row(Part::Explained, Component::Total, explained.clone()),
        ];
        let rules = attribution::rules(&v, k, &sequence);
        for (block, (estimate, rules)) in contributions.into_iter().zip(rules).enumerate() {
            rows.push(Row { part: Part::Explained, component: Component::Block(block), estimate, rules: Some(rules), classical: None });
        }
        rows.extend(joint.map(|e| row(Part::Explained, Component::Set(BlockSet::all(k)), e)));
        rows.push(row(Part::Unexplained, Component::Total, unexplained));
        let sets = BlockSet::subsets(k)
            .zip(adjusted)
            .zip(v)
            .map(|((set, a), accounted)| SetRow { set, counterfactual_mean: a.counterfactual_mean, adjusted_gap: a.gap, accounted })
            .collect();
        Draft { rows, sets, ..Draft::default() }
    }

    /// The counterfactual mean with every block, alone: what resampling checks need.
    pub fn counterfactual_mean(&self, fits: &Fits<'_>) -> Result<Estimate, DecomposeError> {
        self.counterfactual_mean_with(fits, BlockSet::all(fits.contrast.design.blocks.len()))
    }

    /// The counterfactual mean with the blocks of `set`.
    pub fn counterfactual_mean_with(&self, fits: &Fits<'_>, set: BlockSet) -> Result<Estimate, DecomposeError> {
        Ok(self.adjusted(fits, set)?.counterfactual_mean)
    }

    fn adjusted(&self, fits: &Fits<'_>, set: BlockSet) -> Result<Adjusted, DecomposeError> {
        match self.surface {
            Surface::ReferenceModel => match self.target {
                Target::Index => self.by_other_group(fits, set, Toward::Index),
                Target::Reference => self.by_other_group(fits, set, Toward::Reference),
                Target::Pooled => {
                    let index = self.by_other_group(fits, set, Toward::Index)?;
                    let reference = self.by_other_group(fits, set, Toward::Reference)?;
                    Ok(pool(fits, &index, &reference))
                }
            },
            Surface::PooledMain => self.by_pooled_model(fits, set, GroupTerms::Main),
            Surface::PooledInteracted => self.by_pooled_model(fits, set, GroupTerms::Interacted),
        }
    }

    /// The surface of the group that is not the target, averaged over the target.
    fn by_other_group(&self, fits: &Fits<'_>, set: BlockSet, toward: Toward) -> Result<Adjusted, DecomposeError> {
        Ok(against(fits, toward, self.cross_mean(fits, set, toward)?))
    }

    /// `E_target[ E(Y | other group, C, X_K) ]` with its influence function (METHODS 3.2, stacked).
    pub(super) fn cross_mean(&self, fits: &Fits<'_>, set: BlockSet, toward: Toward) -> Result<Estimate, DecomposeError> {
        let c = fits.contrast;
        let family = c.design.family;
        let (fitted_in, target) = match toward {
            Toward::Index => (FittedIn::Reference, c.index()),
            Toward::Reference => (FittedIn::Index, c.reference()),
        };
        let m = fits.matrix(fitted_in, set, GroupTerms::Without)?;
        if self.estimator == Estimator::Ipw {
            return Ok(weighted_mean(fits, set, toward, &m, |i| c.y[i])?.0);
        }
        let fit = supported(fits, fitted_in, set, &target)?;
        let target_rows = std::slice::from_ref(&target);
        let eta = linear_predictors(fits, &m, &fit);
        let mu: Vec<f64> = eta.iter().map(|&e| family.mean(e)).collect();
        let mut plug_in = mean(c, &target, |i| mu[i]);
        let sum_target: f64 = target.clone().map(|i| c.w[i]).sum();
        let mut gradient = m.weighted_sum(target_rows, None, |i| c.w[i] * family.slope(eta[i]) / sum_target);
        if self.estimator == Estimator::Gcomp {
            add_score_influence(c, &m, &fit, &gradient, &c.y, &c.w, &mut plug_in.influence);
            return Ok(plug_in);
        }

        let (correction, group) = weighted_mean(fits, set, toward, &m, |i| c.y[i] - mu[i])?;
        let omega = &group.odds;
        let sum_omega: f64 = m.rows.iter().cloned().flatten().map(|i| omega[i]).sum();
        let by_coefficients = m.weighted_sum(&m.rows, None, |i| omega[i] * family.slope(eta[i]) / sum_omega);
        gradient.iter_mut().zip(by_coefficients).for_each(|(g, v)| *g -= v);
        let mut out = plug_in.plus(&correction);
        add_score_influence(c, &m, &fit, &gradient, &c.y, &c.w, &mut out.influence);
        Ok(out)
    }

    /// A model of both groups: the mean difference of its predictions as an index and as a reference unit.
    fn by_pooled_model(&self, fits: &Fits<'_>, set: BlockSet, group_terms: GroupTerms) -> Result<Adjusted, DecomposeError> {
        let c = fits.contrast;
        let family = c.design.family;
        let m = fits.matrix(FittedIn::Pooled, set, group_terms)?;
        let fit = fits.outcome(FittedIn::Pooled, set, group_terms, family)?;
        match group_terms {
            GroupTerms::Interacted => self.check_support(fits, set)?,
            GroupTerms::Main | GroupTerms::Without => fits.told_from_the_group(&m, &fit)?,
        }
        let over = |target: Range<usize>| {
            let predicted = |g: f64| -> Vec<f64> { each_row(c.y.len(), &m, |i| m.dot(i, &fit.beta, Some(g))) };
            let (eta1, eta0) = (predicted(1.0), predicted(0.0));
            let means = |eta: &[f64]| -> Vec<f64> { eta.iter().map(|&e| family.mean(e)).collect() };
            let (mu1, mu0) = (means(&eta1), means(&eta0));
            let sum: f64 = target.clone().map(|i| c.w[i]).sum();
            let rows = std::slice::from_ref(&target);
            let g1 = m.weighted_sum(rows, Some(1.0), |i| c.w[i] * family.slope(eta1[i]) / sum);
            let g0 = m.weighted_sum(rows, Some(0.0), |i| c.w[i] * family.slope(eta0[i]) / sum);
            let difference: Vec<f64> = g1.iter().zip(&g0).map(|(a, b)| a - b).collect();
            let mut gap = mean(c, &target, |i| mu1[i] - mu0[i]);
            add_score_influence(c, &m, &fit, &difference, &c.y, &c.w, &mut gap.influence);
            // Target reference: what reference units would show as index units, as for the reference model. With the group as a
            // main effect METHODS 3.1 has the mean as reference units for every target.
            let as_index = group_terms == GroupTerms::Interacted && self.target == Target::Reference;
            let (mu, gradient) = if as_index { (&mu1, &g1) } else { (&mu0, &g0) };
            let mut counterfactual_mean = mean(c, &target, |i| mu[i]);
            add_score_influence(c, &m, &fit, gradient, &c.y, &c.w, &mut counterfactual_mean.influence);
            Adjusted { counterfactual_mean, gap }
        };
        Ok(match self.target {
            Target::Index => over(c.index()),
            Target::Reference => over(c.reference()),
            Target::Pooled => {
                let (index, reference) = (over(c.index()), over(c.reference()));
                let p1 = share_index(c);
                Adjusted {
                    gap: weigh(&p1, &index.gap, &reference.gap),
                    counterfactual_mean: weigh(&p1, &index.counterfactual_mean, &reference.counterfactual_mean),
                }
            }
        })
    }

    /// The surface of the other group must say something about every unit of the target.
    fn check_support(&self, fits: &Fits<'_>, set: BlockSet) -> Result<(), DecomposeError> {
        let c = fits.contrast;
        let sides: &[(FittedIn, Range<usize>)] = match self.target {
            Target::Index => &[(FittedIn::Reference, c.index())],
            Target::Reference => &[(FittedIn::Index, c.reference())],
            Target::Pooled => &[(FittedIn::Reference, c.index()), (FittedIn::Index, c.reference())],
        };
        for (fitted_in, target) in sides {
            supported(fits, *fitted_in, set, target)?;
        }
        Ok(())
    }
}

/// The gap that is left when the target's mean is compared with the other group's surface there.
fn against(fits: &Fits<'_>, toward: Toward, cross: Estimate) -> Adjusted {
    let means = group_means(fits.contrast);
    match toward {
        Toward::Index => Adjusted { gap: means.index.minus(&cross), counterfactual_mean: cross },
        Toward::Reference => Adjusted { gap: cross.minus(&means.reference), counterfactual_mean: cross },
    }
}

/// Mean of `f` over `rows` by the weights `omega`, both by row of the design and held fixed: influence `n omega (f - mean) / sum omega`.
fn mean_by(c: &Contrast<'_>, rows: &[Range<usize>], omega: &[f64], f: impl Fn(usize) -> f64) -> Estimate {
    let rows = || rows.iter().cloned().flatten();
    let sum: f64 = rows().map(|i| omega[i]).sum();
    let value = rows().map(|i| omega[i] * f(i)).sum::<f64>() / sum;
    let mut influence = vec![0.0; c.n()];
    for i in rows() {
        influence[c.unit(i)] = c.n() as f64 * omega[i] * (f(i) - value) / sum;
    }
    Estimate { value, influence }
}

/// The fit in one group, if it says something about every unit of `target`.
pub(super) fn supported(fits: &Fits<'_>, fitted_in: FittedIn, set: BlockSet, target: &Range<usize>) -> Result<Rc<Fit>, DecomposeError> {
    let m = fits.matrix(fitted_in, set, GroupTerms::Without)?;
    let fit = fits.outcome(fitted_in, set, GroupTerms::Without, fits.contrast.design.family)?;
    let (n, by_term) = fit.unsupported(&m, std::slice::from_ref(target), &fits.contrast.w);
    if n > 0 { Err(fits.no_support(fitted_in, set, n, &by_term, &m)) } else { Ok(fit) }
}

/// Mean of `f` over the rows of `m`, the group that is not the target, weighted by the odds of the group model; `f` is held fixed.
///
/// `d = sum omega f / sum omega`, influence `n omega (f - d) / sum omega` and what the scores of the group model add (METHODS 3.2).
fn weighted_mean(
    fits: &Fits<'_>,
    set: BlockSet,
    toward: Toward,
    m: &ModelMatrix<'_>,
    f: impl Fn(usize) -> f64 + Sync + Send,
) -> Result<(Estimate, Rc<GroupModel>), DecomposeError> {
    let c = fits.contrast;
    let group = fits.group(set, toward)?;
    let omega = &group.odds;
    let sum_omega: f64 = m.rows.iter().cloned().flatten().map(|i| omega[i]).sum();
    let Estimate { value, mut influence } = mean_by(c, &m.rows, omega, &f);
    let group_matrix = fits.matrix(FittedIn::Pooled, set, GroupTerms::Without)?;
    let gradient = group_matrix.weighted_sum(&m.rows, None, |i| omega[i] * (f(i) - value) / sum_omega);
    add_score_influence(c, &group_matrix, &group.fit, &gradient, &fits.in_target(toward), &group.w, &mut influence);
    Ok((Estimate { value, influence }, group))
}

/// `p1 index + (1 - p1) reference`, with `p1` estimated.
fn weigh(p1: &Estimate, index: &Estimate, reference: &Estimate) -> Estimate {
    reference.plus(&p1.times(&index.minus(reference)))
}

/// Both groups as the target. The reference units' outcome under the reference surface is the one observed.
fn pool(fits: &Fits<'_>, index: &Adjusted, reference: &Adjusted) -> Adjusted {
    let p1 = share_index(fits.contrast);
    let observed = group_means(fits.contrast).reference;
    Adjusted { gap: weigh(&p1, &index.gap, &reference.gap), counterfactual_mean: weigh(&p1, &index.counterfactual_mean, &observed) }
}

/// Linear predictors of both groups' units, by row of the design.
fn linear_predictors(fits: &Fits<'_>, m: &ModelMatrix<'_>, fit: &Fit) -> Vec<f64> {
    let c = fits.contrast;
    let mut out = vec![0.0; c.y.len()];
    for i in c.units() {
        out[i] = m.dot(i, &fit.beta, None);
    }
    out
}

fn each_row(n: usize, m: &ModelMatrix<'_>, f: impl Fn(usize) -> f64) -> Vec<f64> {
    let mut out = vec![0.0; n];
    for i in m.rows.iter().cloned().flatten() {
        out[i] = f(i);
    }
    out
}
