//! Gelbach's conditional decomposition: what the group coefficient loses between the short and the long regression.
//!
//! `delta_k = sum_j Gamma_j beta_j` over the columns of block k, with `Gamma_j` the group coefficient in the regression of
//! column j on group and allowables, and `beta_j` its coefficient in the long regression (Gelbach (2016) J. Labor Econ. 34,
//! eq. 6; METHODS 3.4). Influences come from both stages together.

use super::fits::{Fits, FittedIn, GroupTerms};
use super::moments::{add_score_influence, coefficient_sum, group_means, outcome_sd};
use super::{Component, DecomposeError, Decomposition, Method, Part, row};
use crate::estimate::Estimate;
use crate::model::glm;
use crate::vocab::{BlockSet, Family, Role};

/// Settings of `gelbach`.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Gelbach {
    /// Least squares on a binomial or poisson outcome.
    pub linear: bool,
}

/// Position of the group indicator among the terms of a model that has it.
const GROUP_TERM: usize = 1;

impl Method for Gelbach {
    fn name(&self) -> &'static str {
        "gelbach"
    }

    fn refuses(&self, family: Family) -> Option<String> {
        (family != Family::Gaussian && !self.linear)
            .then(|| format!("it takes a gaussian outcome, or `linear: true`; the outcome is {}", family.name()))
    }

    fn decompose(&self, fits: &Fits<'_>) -> Result<Decomposition, DecomposeError> {
        let c = fits.contrast;
        let k = c.design.blocks.len();
        let (none, all) = (BlockSet::NONE, BlockSet::all(k));
        let short_matrix = fits.matrix(FittedIn::Pooled, none, GroupTerms::Main)?;
        let short = fits.outcome(FittedIn::Pooled, none, GroupTerms::Main, Family::Gaussian)?;
        let long_matrix = fits.matrix(FittedIn::Pooled, all, GroupTerms::Main)?;
        let long = fits.outcome(FittedIn::Pooled, all, GroupTerms::Main, Family::Gaussian)?;
        let group_of = |fit: &glm::Fit| {
            let mut unit = vec![0.0; fit.terms.len()];
            unit[GROUP_TERM] = 1.0;
            unit
        };
        if !long.is_estimated(GROUP_TERM) || !short.is_estimated(GROUP_TERM) {
            return Err(DecomposeError::Rank { fitted_in: FittedIn::Pooled.name(), terms: vec!["(group)".to_owned()] });
        }
        let short_coefficient = coefficient_sum(c, &short_matrix, &short, &group_of(&short));
        let long_coefficient = coefficient_sum(c, &long_matrix, &long, &group_of(&long));
        let columns = c.columns(all);

        let mut blocks = Vec::with_capacity(k);
        for block in 0..k {
            // Positions among the long model's terms: the intercept, the group, then the columns.
            let of_block: Vec<usize> =
                (1..columns.len()).filter(|&a| c.design.columns[columns[a]].role == Role::Block(block)).map(|a| a + 1).collect();
            // Gamma_j, column by column, for the part in which the long coefficients move.
            let mut gamma = vec![0.0; long.terms.len()];
            for &t in of_block.iter().filter(|&&t| long.is_estimated(t)) {
                let x: Vec<f64> = c.design.x.column(columns[t - 1]).to_vec();
                gamma[t] = auxiliary(fits, &short_matrix, &x, none)?.beta[GROUP_TERM];
            }
            // The block's fitted sum x_k'beta_k, for the part in which the first stage moves.
            let index: Vec<f64> = (0..c.y.len()).map(|i| of_block.iter().map(|&t| c.design.x[[i, columns[t - 1]]] * long.beta[t]).sum()).collect();
            let auxiliary = auxiliary(fits, &short_matrix, &index, none)?;
            let mut delta = coefficient_sum(c, &long_matrix, &long, &gamma);
            add_score_influence(c, &short_matrix, &auxiliary, &group_of(&auxiliary), &index, &c.w, &mut delta.influence);
            blocks.push(delta);
        }
        let means = group_means(c);
        let gap = means.index.minus(&means.reference);
        let parts: Vec<(f64, &Estimate)> = blocks.iter().map(|e| (1.0, e)).collect();
        let explained = if parts.is_empty() { Estimate::constant(0.0, c.n()) } else { Estimate::linear(&parts) };
        let mut rows = vec![
            row(Part::Gap, Component::Total, gap.clone()),
            row(Part::Allowable, Component::Total, gap.minus(&short_coefficient)),
            row(Part::Explained, Component::Total, explained),
        ];
        rows.extend(blocks.into_iter().enumerate().map(|(k, e)| row(Part::Explained, Component::Block(k), e)));
        rows.push(row(Part::Unexplained, Component::Total, long_coefficient));
        Decomposition::new(c.design.family.scale(), rows, Vec::new(), outcome_sd(c))
    }
}

/// Least squares of a column on group and allowables.
fn auxiliary(fits: &Fits<'_>, short: &crate::model::ModelMatrix<'_>, y: &[f64], set: BlockSet) -> Result<glm::Fit, DecomposeError> {
    glm::fit(short, Family::Gaussian, y, &fits.contrast.w).map_err(|e| fits.failed(FittedIn::Pooled, set, &e))
}
