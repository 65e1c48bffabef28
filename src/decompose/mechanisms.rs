//! Mechanisms switched one by one (family M): what index units' outcomes would be if a block were generated as among reference units.
//!
//! `m(r)` is the index group's mean with the mechanisms of `r` that are 0 as among comparable reference units (METHODS 5.1). In causal
//! order, what a block accounts for is `m` before less `m` after its switch, the blocks before it already switched, those after it and the
//! outcome not yet: interventional path effects, which hold what the block does through later ones. The last switch is the outcome's own.

mod learned;
mod nested;
mod rich;

use super::attribution;
use super::crossfit::{self, CrossFit, median_rule};
use super::fits::Fits;
use super::moments::{group_means, outcome_sd};
use super::with_and_without::{Estimator, WithAndWithout};
use super::{Assumption, Component, DecomposeError, Decomposition, Detail, Draft, Fact, Inference, Method, MethodFamily, Part, Row, Verdict, row};
use crate::design::Design;
use crate::estimate::{Estimate, Sampling};
use crate::model::learner::LearnError;
use crate::vocab::{BlockSet, Family, Role};
use nested::{Vertex, first_blocks, vertices};
use rich::Rich;

/// Effective units below which a component's estimates are marked, and below which the reader is warned (METHODS 5.1).
const EFFECTIVE: (f64, f64) = (100.0, 200.0);
/// Share of one unit in the weights above which they are marked, and above which the reader is warned.
const LARGEST: (f64, f64) = (0.05, 0.02);

/// Settings of `mechanisms`.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Mechanisms {
    /// Averaged over all orders of the switches, the outcome's among them, rather than in causal order.
    pub shapley: bool,
    /// The causal order: positions of blocks. Empty: the order of the study file.
    pub sequence: Vec<usize>,
    /// Cross-fitted learners in place of generalised linear models.
    pub learner: Option<CrossFit>,
}

impl Method for Mechanisms {
    fn name(&self) -> &'static str {
        "mechanisms"
    }

    fn family(&self) -> MethodFamily {
        MethodFamily::M
    }

    fn refuses(&self, _family: Family) -> Option<String> {
        None
    }

    fn rests_on_overlap(&self) -> bool {
        true
    }

    fn with_learner(&self, learner: Option<CrossFit>) -> Result<Box<dyn Method>, String> {
        Ok(Box::new(Self { learner, ..self.clone() }))
    }

    fn learner(&self) -> Option<CrossFit> {
        self.learner
    }

    fn assumptions(&self, design: &Design) -> Vec<Assumption> {
        let names = |set: BlockSet| set.name(&design.blocks);
        let order = self.order(design.blocks.len());
        let earlier = |k: usize| {
            let before = first_blocks(&order, k);
            if before.is_empty() { "the allowables".to_owned() } else { format!("the allowables and {}", names(before)) }
        };
        let confounding: Vec<String> = order.iter().enumerate().map(|(k, &b)| format!("{} given {}", design.blocks[b], earlier(k))).collect();
        let list: Vec<&str> = order.iter().map(|&b| design.blocks[b].as_str()).collect();
        vec![
            Assumption {
                name: "exchangeability",
                text: format!("within each group, nothing unmeasured affects both a block and the outcome: {}", confounding.join("; ")),
            },
            Assumption {
                name: "positivity",
                text: "whatever values the blocks take in one group, given what comes before them, they can take in the other".to_owned(),
            },
            Assumption {
                name: "consistency",
                text: "the values of a block are well defined, and one unit's do not change another's outcome (a hospital's capacity would)"
                    .to_owned(),
            },
            Assumption {
                name: "order",
                text: format!("blocks come about in this order, and none is left out between them: {}, then the outcome", list.join(", ")),
            },
        ]
    }

    fn decompose(&self, fits: &Fits<'_>) -> Result<Decomposition, DecomposeError> {
        let c = fits.contrast;
        let draft = match self.learner {
            Some(cf) => self.learned(fits, cf)?,
            None => {
                let (all, facts) = self.means(fits)?;
                self.draft(fits, &all, facts)
            }
        };
        Decomposition::new(c.design.family.scale(), draft, outcome_sd(c))
    }
}

/// What each set of switches takes off the index group's mean.
fn game(all: &[Vertex], of: impl Fn(&Vertex) -> &Estimate) -> Vec<Estimate> {
    all.iter().map(|x| of(&all[0]).minus(of(x))).collect()
}

impl Mechanisms {
    fn draft(&self, fits: &Fits<'_>, all: &[Vertex], mut facts: Vec<Fact>) -> Draft {
        let c = fits.contrast;
        let k = c.design.blocks.len();
        let v = game(all, |x| &x.one_step);
        let sequence = self.sequence_with_outcome(k);
        let parts = self.credited(&v, &sequence);
        let rules = attribution::rules(&v, k + 1, &sequence);

        let means = group_means(c);
        let gap = means.index.minus(&means.reference);
        let adjusted = v[all.len() - 1].clone();
        let blocks: Vec<(f64, &Estimate)> = parts[..k].iter().map(|e| (1.0, e)).collect();
        let mut rows = vec![
            row(Part::Gap, Component::Total, gap.clone()),
            row(Part::Allowable, Component::Total, gap.minus(&adjusted)),
            row(Part::Explained, Component::Total, Estimate::linear(&blocks)),
        ];
        let with = |part, component, at: usize| Row { rules: Some(rules[at]), ..row(part, component, parts[at].clone()) };
        rows.extend((0..k).map(|b| with(Part::Explained, Component::Block(b), b)));
        rows.push(with(Part::Unexplained, Component::Total, k));

        let sampling = Sampling::new(c.n(), c.clusters().as_deref(), 0.95);
        let plug_in = self.credited_plug_in(all, &sequence);
        for (player, one_step) in parts.iter().enumerate() {
            let name = c.design.blocks.get(player).map_or("outcome", String::as_str);
            facts.extend(support(name, &self.behind(player, &sequence, all)));
            facts.extend(plug_in.as_ref().and_then(|p| p.get(player)).map(|p| agreement(name, one_step, p, &sampling)));
        }
        let detail = all.iter().map(|x| vertex_row(x, &c.design.blocks)).collect();
        Draft { rows, detail, facts, inference: Inference::Skewed, ..Draft::default() }
    }

    /// Several splits by the median rule.
    fn learned(&self, fits: &Fits<'_>, cf: CrossFit) -> Result<Draft, DecomposeError> {
        let c = fits.contrast;
        let k = c.design.blocks.len();
        let order = self.order(k);
        let unsplit = |e: LearnError| DecomposeError::Learner {
            learner: cf.learner.name(),
            of: "outcome",
            blocks: fits.set_name(BlockSet::all(k)),
            reason: e.to_string(),
        };
        let (mut drafts, mut clipped) = (Vec::new(), Vec::new());
        for folds in cf.splits(c).map_err(unsplit)? {
            let (all, beyond) = learned::vertices(fits, &order, cf, &folds)?;
            drafts.push(self.draft(fits, &all, Vec::new()));
            clipped.push(beyond);
        }
        let headline = (Part::Unexplained, Component::Total);
        let values = crossfit::headline_values(&drafts, headline);
        let sampling = Sampling::new(c.n(), c.clusters().as_deref(), 0.95);
        let (mut draft, chosen) = median_rule(drafts, headline, &sampling);
        let error = draft.rows.iter().find(|r| (r.part, r.component) == headline).map_or(f64::NAN, |r| sampling.std_error(&r.estimate));
        draft.facts.push(cf.told(c, "outcome, predicted means and group", "outcome's own part", chosen));
        draft.facts.push(crossfit::range_over_splits("outcome's own part", &values, error));
        let (blocks, units) = clipped[chosen];
        draft.facts.push(crossfit::clipped(c, units, &fits.set_name(first_blocks(&order, blocks))));
        Ok(draft)
    }

    /// What each block, in the order of the study file, and last the outcome's own mechanism account for by the nested regressions alone.
    ///
    /// Errors: as [`Method::decompose`].
    pub fn plug_in(&self, fits: &Fits<'_>) -> Result<Vec<Estimate>, DecomposeError> {
        let (all, _) = self.means(fits)?;
        Ok(self.credited_plug_in(&all, &self.sequence_with_outcome(fits.contrast.design.blocks.len())).unwrap_or_default())
    }

    /// `None` where the vertices have no plug-in.
    fn credited_plug_in(&self, all: &[Vertex], sequence: &[usize]) -> Option<Vec<Estimate>> {
        let means: Vec<&Estimate> = all.iter().map(|x| x.plug_in.as_ref()).collect::<Option<_>>()?;
        Some(self.credited(&means.iter().map(|m| means[0].minus(m)).collect::<Vec<_>>(), sequence))
    }

    /// Every vertex by its switches, and what was left out of the regressions.
    fn means(&self, fits: &Fits<'_>) -> Result<(Vec<Vertex>, Vec<Fact>), DecomposeError> {
        let k = fits.contrast.design.blocks.len();
        let order = self.order(k);
        let rich = Rich::new(fits.contrast, first_blocks(&order, k.saturating_sub(1)));
        let mut all = vertices(fits, &order, &rich)?;
        // With everything switched the mean is that of family A without blocks, whatever regressions lead to it: one number in the study.
        if let Some(last) = all.last_mut() {
            last.one_step = allowables_alone(fits, Estimator::Dr)?;
            last.plug_in = Some(allowables_alone(fits, Estimator::Gcomp)?);
        }
        Ok((all, rich.facts))
    }

    fn sequence_with_outcome(&self, k: usize) -> Vec<usize> {
        self.order(k).into_iter().chain([k]).collect()
    }

    fn credited(&self, v: &[Estimate], sequence: &[usize]) -> Vec<Estimate> {
        if self.shapley { attribution::shapley(v, sequence.len()) } else { attribution::sequential(v, sequence) }
    }

    fn order(&self, k: usize) -> Vec<usize> {
        if self.sequence.is_empty() { (0..k).collect() } else { self.sequence.clone() }
    }

    /// The vertices that a component is made of.
    fn behind<'a>(&self, player: usize, sequence: &[usize], all: &'a [Vertex]) -> Vec<&'a Vertex> {
        if self.shapley {
            return all.iter().collect();
        }
        let before = sequence.iter().take_while(|&&p| p != player).fold(0u32, |s, &p| s | 1 << p);
        all.iter().filter(|x| x.switched == before || x.switched == before | 1 << player).collect()
    }
}

/// The mean that the allowables alone account for, as `with_and_without` has it.
fn allowables_alone(fits: &Fits<'_>, estimator: Estimator) -> Result<Estimate, DecomposeError> {
    WithAndWithout { estimator, ..WithAndWithout::default() }.counterfactual_mean_with(fits, BlockSet::NONE)
}

/// Whether the weights behind a component rest on enough units of both groups.
fn support(name: &str, behind: &[&Vertex]) -> [Fact; 2] {
    let effective = behind.iter().map(|x| x.effective).fold(f64::INFINITY, f64::min);
    let largest = behind.iter().map(|x| x.largest).fold(0.0, f64::max);
    let low = match effective {
        e if e >= EFFECTIVE.1 => Verdict::Passes(EFFECTIVE.1),
        e if e >= EFFECTIVE.0 => Verdict::Warns(EFFECTIVE.1),
        _ => Verdict::Fails(EFFECTIVE.0),
    };
    let high = match largest {
        l if l <= LARGEST.1 => Verdict::Passes(LARGEST.1),
        l if l <= LARGEST.0 => Verdict::Warns(LARGEST.1),
        _ => Verdict::Fails(LARGEST.0),
    };
    [
        Fact::judged(
            "mechanism_effective_units",
            effective,
            low,
            format!(
                "{name}: smallest effective number of units, (sum w)^2 / sum w^2, over the weighted regressions behind it; intervals cover less than they say where it is small"
            ),
        ),
        Fact::judged(
            "mechanism_largest_weight",
            largest,
            high,
            format!("{name}: largest weight of one unit as a share of all weights of a regression behind it"),
        ),
    ]
}

/// The plug-in beside the one-step estimate.
fn agreement(name: &str, one_step: &Estimate, plug_in: &Estimate, sampling: &Sampling) -> Fact {
    let apart = (one_step.value - plug_in.value).abs() / sampling.std_error(one_step);
    let message = format!(
        "{name}: the nested regressions alone (plug-in) give {:.6} (standard error {:.6}); the value is its distance from the one-step estimate in standard errors of that",
        plug_in.value,
        sampling.std_error(plug_in)
    );
    Fact::judged("mechanism_plug_in", apart, if apart <= 1.0 { Verdict::Passes(1.0) } else { Verdict::Warns(1.0) }, message)
}

/// A vertex as a row of `decomposition_detail`: the mechanisms that follow the reference group's law.
fn vertex_row(x: &Vertex, blocks: &[String]) -> Detail {
    let outcome = "outcome".to_owned();
    let names: Vec<&str> = blocks.iter().chain([&outcome]).enumerate().filter(|(k, _)| x.switched >> k & 1 == 1).map(|(_, b)| b.as_str()).collect();
    let term = if names.is_empty() { "none".to_owned() } else { names.join("+") };
    Detail {
        part: Part::CounterfactualMean,
        role: Role::Group,
        variable: term.clone(),
        term,
        level: None,
        column: None,
        covariate: Vec::new(),
        estimate: x.one_step.clone(),
        classical: None,
    }
}
