//! `mechanisms` with learners: the chain of regressions and the group odds cross-fitted, without terms for their own estimation.
//!
//! In each fold the whole chain is learned on the other folds: a regression's predictions there are the next one's response, and its
//! predictions in the fold are what the estimate uses (METHODS 5.1, 5.3; Chernozhukov et al. 2018).

use super::nested::{Vertex, effective, first_blocks, largest, one_step, weights};
use crate::decompose::DecomposeError;
use crate::decompose::crossfit::{CLIP, CrossFit, Fold, Nuisance};
use crate::decompose::fits::{Fits, FittedIn, GroupTerms, Toward};
use crate::design::Contrast;
use crate::model::ModelMatrix;
use crate::model::learner::LearnError;
use crate::vocab::Family;
use rayon::prelude::*;
use std::collections::BTreeMap;

/// Predictions out of fold, by row of the design.
#[derive(Default)]
struct Predicted {
    /// `nu` of a level (blocks it is given), by the mechanisms at and after it that follow the index group's law (bits).
    nu: BTreeMap<(usize, u32), Vec<f64>>,
    /// P(index | first j blocks, allowables).
    pi: Vec<Vec<f64>>,
}

/// What one fold needs.
struct Chain<'a> {
    c: &'a Contrast<'a>,
    cf: CrossFit,
    /// Matrices given the first 0..=K blocks.
    matrices: Vec<ModelMatrix<'a>>,
    family: Family,
}

/// One fold's predictions at its held rows.
#[derive(Default)]
struct OfFold {
    nu: Vec<((usize, u32), Vec<f64>)>,
    pi: Vec<Vec<f64>>,
}

/// Every vertex of the switches, by `switched`, for one split; and the units whose group probability was moved to a limit, for
/// the set of first blocks with the most: (how many blocks, units).
///
/// Errors: [`DecomposeError::Learner`] for a fit that failed; [`DecomposeError::NoSupport`] for levels that one group lacks.
pub fn vertices(fits: &Fits<'_>, order: &[usize], cf: CrossFit, folds: &[Fold]) -> Result<(Vec<Vertex>, (usize, usize)), DecomposeError> {
    let c = fits.contrast;
    let k = order.len();
    // A level that one group lacks stops it for learners as well: what they predict there is made up.
    for toward in [Toward::Index, Toward::Reference] {
        fits.support(first_blocks(order, k), toward)?;
    }
    let matrices = (0..=k).map(|j| fits.matrix(FittedIn::Pooled, first_blocks(order, j), GroupTerms::Without)).collect::<Result<Vec<_>, _>>()?;
    let family = match c.design.family {
        Family::Probit => Family::Binomial,
        family => family,
    };
    let chain = Chain { c, cf, matrices, family };
    let failed = |(of, j, e): (&'static str, usize, LearnError)| DecomposeError::Learner {
        learner: cf.learner.name(),
        of,
        blocks: fits.set_name(first_blocks(order, j)),
        reason: e.to_string(),
    };
    let parts: Vec<_> = folds.par_iter().map(|fold| chain.fold(fold)).collect();
    let mut all = Predicted { pi: vec![vec![0.0; c.y.len()]; k + 1], ..Predicted::default() };
    for (fold, part) in folds.iter().zip(parts) {
        let part = part.map_err(failed)?;
        for (key, values) in part.nu {
            let of_key = all.nu.entry(key).or_insert_with(|| vec![0.0; c.y.len()]);
            fold.held.iter().zip(values).for_each(|(&i, v)| of_key[i] = v);
        }
        for (of_j, values) in all.pi.iter_mut().zip(part.pi) {
            fold.held.iter().zip(values).for_each(|(&i, v)| of_j[i] = v);
        }
    }
    Ok((means(c, order, &all), clipped(c, &all.pi)))
}

impl Chain<'_> {
    /// Learns everything without the fold's units and predicts it for them. The error names what failed and the number of blocks given.
    fn fold(&self, fold: &Fold) -> Result<OfFold, (&'static str, usize, LearnError)> {
        let mut out = OfFold::default();
        for (j, m) in self.matrices.iter().enumerate() {
            let n = Nuisance { m, family: Family::Binomial, y: &self.c.r, w: &self.c.w, among: self.c.rows(), part: j as u64 };
            let fit = self.cf.fit(self.c, fold, &n).map_err(|e| ("group", j, e))?;
            out.pi.push(fit.predict(m, &fold.held));
        }
        let top = self.matrices.len() - 1;
        self.descend(fold, top, 0, &self.c.y, &mut out)?;
        Ok(out)
    }

    /// The regression given the first `level` blocks in each group, of `response`, and those below it. `laws` are the bits of the mechanisms
    /// above it.
    fn descend(&self, fold: &Fold, level: usize, laws: u32, response: &[f64], out: &mut OfFold) -> Result<(), (&'static str, usize, LearnError)> {
        let m = &self.matrices[level];
        for index in [true, false] {
            let laws = laws | u32::from(index) << level;
            let among = vec![if index { self.c.index() } else { self.c.reference() }];
            // Streams of the groups' models come first.
            let part = 1_000 + (u64::from(laws) << 8 | level as u64);
            let n = Nuisance { m, family: self.family, y: response, w: &self.c.w, among, part };
            let fit = self.cf.fit(self.c, fold, &n).map_err(|e| ("outcome", level, e))?;
            out.nu.push(((level, laws), fit.predict(m, &fold.held)));
            if level > 0 {
                // The next regression learns from predictions at the training rows; its level is anchored at all rows.
                let mut next = vec![0.0; response.len()];
                for rows in [&fold.train, &fold.held] {
                    rows.iter().zip(fit.predict(m, rows)).for_each(|(&i, v)| next[i] = v);
                }
                self.descend(fold, level - 1, laws, &next, out)?;
            }
        }
        Ok(())
    }
}

fn means(c: &Contrast<'_>, order: &[usize], p: &Predicted) -> Vec<Vertex> {
    let k = order.len();
    let o: Vec<Vec<f64>> = p.pi.iter().map(|pi| pi.iter().map(|&v| 1.0 / v.clamp(CLIP.0, CLIP.1) - 1.0).collect()).collect();
    let o: Vec<&[f64]> = o.iter().map(Vec::as_slice).collect();
    let mut out: Vec<Vertex> = (0..1u32 << (k + 1))
        .filter_map(|laws| {
            let of_level = |level: usize| p.nu.get(&(level, laws >> level << level)).map(Vec::as_slice);
            let means: Vec<&[f64]> = (0..=k).map(of_level).chain([Some(c.y.as_slice())]).collect::<Option<_>>()?;
            let weights = weights(c, &(0..=k).map(|m| laws >> m & 1 == 1).collect::<Vec<_>>(), &o);
            let switched = (0..=k).filter(|m| laws >> m & 1 == 0).fold(0, |s, m| s | 1 << order.get(m).copied().unwrap_or(k));
            let (one_step, _) = one_step(c, &means, &weights);
            Some(Vertex { switched, one_step, plug_in: None, effective: effective(&weights), largest: largest(&weights) })
        })
        .collect();
    out.sort_by_key(|v| v.switched);
    out
}

/// The set of first blocks with the most units beyond the limits of the group probability, and how many.
fn clipped(c: &Contrast<'_>, pi: &[Vec<f64>]) -> (usize, usize) {
    let beyond = |of_j: &Vec<f64>| c.units().filter(|&i| c.w[i] > 0.0 && !(CLIP.0..=CLIP.1).contains(&of_j[i])).count();
    pi.iter().map(beyond).enumerate().fold((0, 0), |most, (j, n)| if n > most.1 { (j, n) } else { most })
}
