//! Gelbach's conditional decomposition: what the group coefficient loses between the short and the long regression.
//!
//! `delta_k = sum_j Gamma_j beta_j` over the columns of block k, with `Gamma_j` the group coefficient in the regression of
//! column j on group and allowables, and `beta_j` its coefficient in the long regression (Gelbach (2016) J. Labor Econ. 34,
//! eq. 6; METHODS 3.4).

use super::fits::Fits;
use super::mediated::{Delta, Mediated, Pooled};
use super::moments::{group_means, outcome_sd};
use super::{Component, DecomposeError, Decomposition, Draft, Method, Part, Row, StdErrors, row};
use crate::estimate::Estimate;
use crate::vocab::{BlockSet, Family, Role};

/// Settings of `gelbach`.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Gelbach {
    /// Least squares on a binomial or poisson outcome.
    pub linear: bool,
    pub se: StdErrors,
}

impl Method for Gelbach {
    fn name(&self) -> &'static str {
        "gelbach"
    }

    fn refuses(&self, family: Family) -> Option<String> {
        (family != Family::Gaussian && !self.linear)
            .then(|| format!("it takes a gaussian outcome, or `linear: true`; the outcome is {}", family.name()))
    }

    fn classical_errors(&self) -> bool {
        self.se == StdErrors::Classical
    }

    fn decompose(&self, fits: &Fits<'_>) -> Result<Decomposition, DecomposeError> {
        let c = fits.contrast;
        let k = c.design.blocks.len();
        let alone = Pooled::of_group_alone(fits)?;
        let short = Pooled::new(fits, BlockSet::NONE, Family::Gaussian)?;
        let long = Pooled::new(fits, BlockSet::all(k), Family::Gaussian)?;
        let mediated = Mediated::new(fits, &short, &long)?;
        let role = |j: usize| c.design.columns[j].role;
        let explained = mediated.delta(&mediated.terms(|j| matches!(role(j), Role::Block(_))))?;
        let blocks: Vec<Delta> = (0..k).map(|b| mediated.delta(&mediated.terms(|j| role(j) == Role::Block(b)))).collect::<Result<_, _>>()?;
        let means = group_means(c);
        let gap = means.index.minus(&means.reference);
        let fair = Mediated::new(fits, &alone, &short)?;
        let allowable = fair.delta(&fair.terms(|j| role(j) == Role::Allowable))?;

        let with = |part, component, estimate: Estimate, classical: f64| Row { classical: Some(classical), ..row(part, component, estimate) };
        let mut rows = vec![
            with(Part::Gap, Component::Total, gap.clone(), alone.classical()),
            with(Part::Allowable, Component::Total, gap.minus(&short.group(c)), allowable.classical),
            with(Part::Explained, Component::Total, explained.estimate, explained.classical),
        ];
        rows.extend(blocks.into_iter().enumerate().map(|(b, d)| with(Part::Explained, Component::Block(b), d.estimate, d.classical)));
        rows.push(with(Part::Unexplained, Component::Total, long.group(c), long.classical()));
        let draft = Draft { rows, detail: mediated.by_variable(Part::Explained)?, ..Draft::default() }.with_errors(self.se);
        Decomposition::new(c.design.family.scale(), draft, outcome_sd(c))
    }
}
