//! The product estimator, for a linear model (R package causal.decomp 0.1.0, `pocr` with lm; METHODS 5.2).
//!
//! M_j ~ R + A with coefficient `alpha_j` of the group, Y ~ R * M + L + A with `beta_j + gamma_j` of M_j in the index group: the reduction is
//! `sum_j alpha_j (beta_j + gamma_j)`, the total is the group's coefficient in Y ~ R + A. All are weighted least squares.

use super::strata::{Source, source};
use crate::decompose::DecomposeError;
use crate::decompose::fits::{Fits, FittedIn};
use crate::decompose::mediated::{GROUP_TERM, Pooled};
use crate::decompose::moments::add_score_influence;
use crate::estimate::Estimate;
use crate::model::{GROUP, INTERCEPT, ModelMatrix, Term, glm};
use crate::vocab::{BlockSet, Family};

/// The group's coefficient given A.
pub(super) fn total(fits: &Fits<'_>, given: BlockSet) -> Result<Estimate, DecomposeError> {
    Ok(Pooled::new(fits, given, Family::Gaussian)?.group(fits.contrast))
}

/// By how much the gap given A is smaller with T as among reference units.
pub(super) fn reduction(fits: &Fits<'_>, equalised: BlockSet, given: BlockSet) -> Result<Estimate, DecomposeError> {
    let c = fits.contrast;
    let all = BlockSet::all(c.design.blocks.len());
    let (mut moved, mut kept) = (Vec::new(), Vec::new());
    for j in c.columns(all).into_iter().filter(|&j| j != INTERCEPT) {
        match source(c.design, j, equalised)? {
            Source::Donor => moved.push(j),
            Source::Own => kept.push(j),
            Source::Both { .. } => {
                let reason = format!("`{}` is the product of a variable that is equalised and one that is not", c.design.columns[j].term);
                return Err(DecomposeError::Refused { reason, help: "leave the interaction out, or use `estimator: donors`" });
            }
        }
    }
    let mut terms = vec![Term::Column(INTERCEPT), Term::Column(GROUP)];
    terms.extend(kept.iter().chain(&moved).map(|&j| Term::Column(j)));
    let first_by_group = terms.len();
    terms.extend(moved.iter().map(|&j| Term::ByGroup(j)));
    let failed = |e| fits.failed(FittedIn::Pooled, all, &e);
    let m = ModelMatrix::new(c.design.x.view(), terms, c.rows()).map_err(failed)?;
    let fit = glm::fit(&m, Family::Gaussian, &c.y, &c.w).map_err(failed)?;
    let of_group: Vec<String> =
        fit.dropped_with(GROUP_TERM).into_iter().filter(|t| *t < first_by_group).map(|t| fits.term_name(m.terms[t])).collect();
    if !of_group.is_empty() {
        return Err(DecomposeError::Rank { fitted_in: FittedIn::Pooled.name(), terms: of_group });
    }
    // A column that cannot be told from others has no coefficient in either group; one that can, must have it in the index group.
    let first_moved = first_by_group - moved.len();
    let lost = (0..moved.len()).filter(|k| fit.is_estimated(first_moved + k) && !fit.is_estimated(first_by_group + k));
    let lost: Vec<String> = lost.map(|k| fits.term_name(m.terms[first_moved + k])).collect();
    if !lost.is_empty() {
        return Err(DecomposeError::Rank { fitted_in: FittedIn::Index.name(), terms: lost });
    }
    let in_index: Vec<f64> = (0..moved.len()).map(|k| fit.beta[first_moved + k] + fit.beta[first_by_group + k]).collect();

    // One regression serves all of M: of what M adds to the outcome in the index group.
    let mut added = vec![0.0; c.y.len()];
    for i in c.units() {
        added[i] = moved.iter().zip(&in_index).map(|(&j, b)| b * c.design.x[[i, j]]).sum();
    }
    let pooled = Pooled::new(fits, given, Family::Gaussian)?;
    let by_group = glm::fit(&pooled.m, Family::Gaussian, &added, &c.w).map_err(|e| fits.failed(FittedIn::Pooled, given, &e))?;
    let mut unit = vec![0.0; pooled.m.terms.len()];
    unit[GROUP_TERM] = 1.0;
    let mut influence = vec![0.0; c.n()];
    add_score_influence(c, &pooled.m, &by_group, &unit, &added, &c.w, &mut influence);

    // alpha_j = sum_i w_i (z_i' J^-1 e) M_ij is the derivative by the coefficients of M_j.
    let lambda = by_group.solve(&unit);
    let alpha = m.weighted_sum(&m.rows, None, |i| c.w[i] * pooled.m.dot(i, &lambda, None));
    let mut gradient = vec![0.0; m.terms.len()];
    for k in 0..moved.len() {
        gradient[first_moved + k] = alpha[first_moved + k];
        gradient[first_by_group + k] = alpha[first_moved + k];
    }
    add_score_influence(c, &m, &fit, &gradient, &c.y, &c.w, &mut influence);
    Ok(Estimate { value: by_group.beta[GROUP_TERM], influence })
}
