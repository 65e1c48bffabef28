//! Equalising blocks (family B): what index units' outcomes would be, by their own outcome process, if the blocks T were
//! distributed as among reference units with the same values of what is given (Jackson & VanderWeele 2018; METHODS 5.2).
//!
//! `dr` and `gcomp` estimate `b(T | A) = E_{A|R=1} E_0[ mu_1(T, A) | A ]` with A the allowables and the `given` blocks. Everything upstream of T
//! that is outside A is not looked at, and confounds. `donors` and `product` estimate
//! `theta = E_{L,A|R=1} int mu_1(m, L, A) f_0(m | A) dm`, in which the other blocks L keep the index group's distribution.
//! Reduction `mean_1 - b`, remaining `b - a(A)` with `a(A) = E_1 E_0(Y | A)`, and `a(A) - mean_0` goes with what is given.

use super::fits::{Fits, Toward};
use super::moments::{group_means, outcome_sd};
use super::with_and_without::{self, WithAndWithout};
use super::{Assumption, Component, DecomposeError, Decomposition, Draft, Fact, Inference, Method, MethodFamily, Part, Row, row};
use crate::design::{Contrast, Design};
use crate::estimate::resample::Bootstrap;
use crate::estimate::{Estimate, Sampling};
use crate::vocab::{BlockSet, Family, Role};

mod donors;
mod one_step;
mod product;
mod strata;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Estimator {
    /// One-step: the plug-in plus weighted means of the residuals of both its regressions.
    #[default]
    Dr,
    /// Plug-in of the two regressions.
    Gcomp,
    /// The values of reference units with like values of what is given, in the index group's outcome model.
    Donors,
    /// Products of least-squares coefficients.
    Product,
}

/// Settings of `interventional`.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Interventional {
    /// The blocks that are equalised together: one or more.
    pub equalize: BlockSet,
    /// The blocks that the equalisation is conditional on, beside the allowables.
    pub given: BlockSet,
    pub estimator: Estimator,
    /// Of `donors`, which has no influence function.
    pub bootstrap: Bootstrap,
}

/// The means of one equalisation, or the differences that follow from them.
struct Found {
    rows: Vec<Row>,
    /// The reduction by each block alone, where several are equalised.
    alone: Vec<(usize, Estimate)>,
    facts: Vec<Fact>,
    inference: Inference,
}

impl Method for Interventional {
    fn name(&self) -> &'static str {
        "interventional"
    }

    fn family(&self) -> MethodFamily {
        MethodFamily::B
    }

    fn refuses(&self, family: Family) -> Option<String> {
        let linear_only = self.estimator == Estimator::Product && family != Family::Gaussian;
        linear_only
            .then(|| format!("`estimator: product` multiplies least-squares coefficients of a gaussian outcome; the outcome is {}", family.name()))
    }

    fn resamples(&self) -> bool {
        self.estimator == Estimator::Donors
    }

    fn seed(&self) -> Option<u64> {
        self.resamples().then_some(self.bootstrap.seed)
    }

    fn components(&self, part: Part, _n_blocks: usize) -> Vec<Component> {
        if part == Part::Explained { vec![Component::Set(self.equalize)] } else { Vec::new() }
    }

    fn assumptions(&self, design: &Design) -> Vec<Assumption> {
        let others = BlockSet::all(design.blocks.len()).minus(self.equalize.union(self.given));
        let keeps_others = matches!(self.estimator, Estimator::Donors | Estimator::Product);
        let (equalised, given, rest) = (in_words(self.equalize, design), with_allowables(self.given, design), in_words(others, design));
        let confounders = if keeps_others { with_allowables(self.given.union(others), design) } else { given.clone() };
        let held = match (keeps_others, others.is_empty()) {
            (_, true) => String::new(),
            (false, false) => format!(
                ". Not in the models: {rest}; what of it comes before {equalised} must not matter for the outcome, and what comes after changes with {equalised}"
            ),
            (true, false) => format!(". Kept as index units have it: {rest}, which counts as coming before {equalised}"),
        };
        vec![
            Assumption {
                name: "exchangeability",
                text: format!(
                    "within the index group and given {confounders}, which values of {equalised} a unit has is unrelated to what its outcome would be at others{held}"
                ),
            },
            Assumption {
                name: "positivity",
                text: format!("values of {equalised} that reference units have are found among index units too, at the same values of {confounders}"),
            },
            Assumption {
                name: "consistency",
                text: format!(
                    "values of {equalised} can be changed in a well-defined way, and those of one unit do not change the outcome of another (capacity, for one)"
                ),
            },
            Assumption { name: "order", text: format!("what is given ({given}) comes before {equalised} and does not follow from it") },
        ]
    }

    fn decompose(&self, fits: &Fits<'_>) -> Result<Decomposition, DecomposeError> {
        let c = fits.contrast;
        let found = match self.estimator {
            Estimator::Dr => self.by_regression(fits, true)?,
            Estimator::Gcomp => self.by_regression(fits, false)?,
            Estimator::Donors => self.by_donors(fits)?,
            Estimator::Product => self.by_products(fits)?,
        };
        let Found { rows, alone, mut facts, inference } = found;
        if self.estimator != Estimator::Dr {
            // No weights, but the same overlap: another estimator is no way round it.
            facts.extend(one_step::overlap(fits, self.equalize, self.given));
        }
        let sampling = Sampling::new(c.n(), c.clusters().as_deref(), 0.95);
        let sampling = if inference == Inference::Replicates { sampling.of_replicates(replicates(&rows)) } else { sampling };
        for (block, reduction) in &alone {
            let (name, error) = (&c.design.blocks[*block], sampling.std_error(reduction));
            let message = format!(
                "reduction when {name} alone is equalised, given the same; standard error {error:.6}. Reductions by single blocks need not sum to that of all of them"
            );
            facts.push(Fact::informs("equalized_alone", Some(reduction.value), message));
        }
        Decomposition::new(c.design.family.scale(), Draft { rows, facts, inference, ..Draft::default() }, outcome_sd(c))
    }
}

/// Blocks as a sentence names them.
fn in_words(set: BlockSet, design: &Design) -> String {
    listed(set, design, None)
}

/// The allowables, where there are any, and blocks.
fn with_allowables(set: BlockSet, design: &Design) -> String {
    let fair = design.columns.iter().any(|c| c.role == Role::Allowable).then_some("the allowables");
    let words = listed(set, design, fair);
    if words.is_empty() { "nothing".to_owned() } else { words }
}

fn listed(set: BlockSet, design: &Design, first: Option<&str>) -> String {
    let blocks = design.blocks.iter().enumerate().filter(|(k, _)| set.contains(*k)).map(|(_, name)| name.as_str());
    let names: Vec<&str> = first.into_iter().chain(blocks).collect();
    match names.split_last() {
        Some((last, before)) if !before.is_empty() => format!("{} and {last}", before.join(", ")),
        _ => names.concat(),
    }
}

fn replicates(rows: &[Row]) -> usize {
    rows.first().map_or(0, |r| r.estimate.influence.len())
}

impl Interventional {
    /// Each equalised block, where there are several.
    fn single(&self, n_blocks: usize) -> Vec<usize> {
        let blocks: Vec<usize> = (0..n_blocks).filter(|k| self.equalize.contains(*k)).collect();
        if blocks.len() > 1 { blocks } else { Vec::new() }
    }

    /// Gap, what goes with the allowables and the given, reduction, remaining: from `mean_1`, `mean_0`, `a(A)` and the equalised mean.
    fn rows(&self, index: &Estimate, reference: &Estimate, standardised: &Estimate, equalised: &Estimate) -> Vec<Row> {
        self.rows_of_parts(index.minus(reference), standardised.minus(reference), index.minus(equalised), equalised.minus(standardised))
    }

    fn rows_of_parts(&self, gap: Estimate, allowable: Estimate, reduction: Estimate, remaining: Estimate) -> Vec<Row> {
        vec![
            row(Part::Gap, Component::Total, gap),
            row(Part::Allowable, Component::Total, allowable),
            row(Part::Explained, Component::Total, reduction.clone()),
            row(Part::Explained, Component::Set(self.equalize), reduction),
            row(Part::Unexplained, Component::Total, remaining),
        ]
    }

    fn by_regression(&self, fits: &Fits<'_>, one_step: bool) -> Result<Found, DecomposeError> {
        let c = fits.contrast;
        let means = group_means(c);
        let estimator = if one_step { with_and_without::Estimator::Dr } else { with_and_without::Estimator::Gcomp };
        let family_a = WithAndWithout { estimator, ..WithAndWithout::default() };
        let standardised = family_a.cross_mean(fits, self.given, Toward::Index)?;
        let all = one_step::mean(fits, self.equalize, self.given, one_step)?;
        let mut facts = all.facts(c);
        if !self.given.is_empty() {
            let allowables = family_a.cross_mean(fits, BlockSet::NONE, Toward::Index)?;
            let sampling = Sampling::new(c.n(), c.clusters().as_deref(), 0.95);
            facts.extend(self.split(&allowables.minus(&means.reference), &standardised.minus(&allowables), &sampling, c));
        }
        let mut alone = Vec::new();
        for k in self.single(c.design.blocks.len()) {
            let b = one_step::mean(fits, BlockSet::one(k), self.given, one_step)?.estimate;
            alone.push((k, means.index.minus(&b)));
        }
        let rows = self.rows(&means.index, &means.reference, &standardised, &all.estimate);
        Ok(Found { rows, alone, facts, inference: Inference::Units })
    }

    fn by_products(&self, fits: &Fits<'_>) -> Result<Found, DecomposeError> {
        let c = fits.contrast;
        let means = group_means(c);
        let gap = means.index.minus(&means.reference);
        let total = product::total(fits, self.given)?;
        let reduction = product::reduction(fits, self.equalize, self.given)?;
        let mut facts = Vec::new();
        if !self.given.is_empty() {
            let allowables = product::total(fits, BlockSet::NONE)?;
            let sampling = Sampling::new(c.n(), c.clusters().as_deref(), 0.95);
            facts.extend(self.split(&gap.minus(&allowables), &allowables.minus(&total), &sampling, c));
        }
        let alone = self.single(c.design.blocks.len()).into_iter();
        let alone = alone.map(|k| Ok((k, product::reduction(fits, BlockSet::one(k), self.given)?))).collect::<Result<_, DecomposeError>>()?;
        let remaining = total.minus(&reduction);
        let allowable = gap.minus(&total);
        Ok(Found { rows: self.rows_of_parts(gap, allowable, reduction, remaining), alone, facts, inference: Inference::Units })
    }

    fn by_donors(&self, fits: &Fits<'_>) -> Result<Found, DecomposeError> {
        let c = fits.contrast;
        let single = self.single(c.design.blocks.len());
        let mut sets = vec![self.equalize];
        sets.extend(single.iter().map(|k| BlockSet::one(*k)));
        let donors::Outcome { index, reference, standardised, allowables, equalised, mut facts } =
            donors::estimate(fits, &sets, self.given, self.bootstrap)?;
        if !self.given.is_empty() {
            let sampling = Sampling::new(c.n(), c.clusters().as_deref(), 0.95).of_replicates(index.influence.len());
            facts.extend(self.split(&allowables.minus(&reference), &standardised.minus(&allowables), &sampling, c));
        }
        let alone = single.into_iter().zip(equalised.iter().skip(1)).map(|(k, e)| (k, index.minus(e))).collect();
        let rows = self.rows(&index, &reference, &standardised, &equalised[0]);
        Ok(Found { rows, alone, facts, inference: Inference::Replicates })
    }

    /// The allowable row in two, where blocks are given beside the allowables.
    fn split(&self, allowables: &Estimate, given: &Estimate, sampling: &Sampling, c: &Contrast<'_>) -> [Fact; 2] {
        let (fair, rest) = (sampling.std_error(allowables), sampling.std_error(given));
        [
            Fact::informs(
                "interventional_allowables",
                Some(allowables.value),
                format!("of the allowable row, what goes with the allowables; standard error {fair:.6}"),
            ),
            Fact::informs(
                "interventional_given",
                Some(given.value),
                format!("of the allowable row, what goes with {} beyond the allowables; standard error {rest:.6}", self.given.name(&c.design.blocks)),
            ),
        ]
    }
}
