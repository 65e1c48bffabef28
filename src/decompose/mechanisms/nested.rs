//! Means with some mechanisms as among reference units, by nested regressions and group odds (METHODS 5.1).
//!
//! The blocks `Z_1..Z_K` and the outcome are drawn one after the other, each given all before it. With `r_k` the group whose law
//! mechanism k follows (1 index, 0 reference),
//!
//! ```text
//! nu_{K+1} = Y,   nu_{k-1} = E[nu_k | R = r_k, Z_<k, C],   m(r) = E_1[nu_0(C)]
//! one-step   m + sum_k d_k,   d_k = sum W_k (nu_k - nu_{k-1}) / sum W_k,   W_k = w 1(R = r_k) omega_k
//! ```
//!
//! with `omega_k` a product of group odds `o_j = P(R=0 | Z_1..Z_j, C) / P(R=1 | ...)`. Every influence function carries the scores
//! of the regressions and of the group models, by one backward pass. Sources: Zhou (2022) J. R. Stat. Soc. B 84, 794-821;
//! Quintas-Martinez et al. (2024); METHODS 5.1.

use super::rich::Rich;
use crate::decompose::DecomposeError;
use crate::decompose::fits::{Fits, FittedIn, GroupTerms, Toward};
use crate::decompose::moments::{add_score_influence, mean};
use crate::design::Contrast;
use crate::estimate::Estimate;
use crate::model::glm::{self, Fit};
use crate::model::{ModelMatrix, Term};
use crate::vocab::{BlockSet, Family};
use std::ops::Range;
use std::rc::Rc;

/// The mean of one setting of the switches.
pub struct Vertex {
    /// Bit k: block k follows the reference group's law; bit K: the outcome does.
    pub switched: u32,
    pub one_step: Estimate,
    /// Of the nested regressions alone; learners have no standard error for it.
    pub plug_in: Option<Estimate>,
    /// Smallest effective number of units, `(sum W_k)^2 / sum W_k^2`, over the regressions.
    pub effective: f64,
    /// Largest share of one unit in the weights of a regression.
    pub largest: f64,
}

/// A model of group membership given the allowables and the first blocks.
struct Odds<'a> {
    matrix: ModelMatrix<'a>,
    fit: Fit,
    /// By row of the design: `(1 - pi) / pi`.
    o: Vec<f64>,
}

/// One regression of a chain: its model, the group it was fitted in, and its linear predictor and mean for every unit.
struct Step<'a> {
    matrix: ModelMatrix<'a>,
    fit: Rc<Fit>,
    in_index: bool,
    slope: Vec<f64>,
    nu: Vec<f64>,
}

/// What all vertices share.
struct Chain<'a> {
    fits: &'a Fits<'a>,
    c: &'a Contrast<'a>,
    /// Positions of the blocks in causal order.
    order: &'a [usize],
    rich: &'a Rich,
    odds: Vec<Odds<'a>>,
}

/// The blocks that come first in the order.
pub fn first_blocks(order: &[usize], n: usize) -> BlockSet {
    order.iter().take(n).fold(BlockSet::NONE, |s, &k| s.with(k))
}

/// Every vertex of the switches, by `switched`.
///
/// Errors: a model without a fit; [`DecomposeError::NoSupport`] for levels of one group that the other lacks.
pub fn vertices<'a>(fits: &'a Fits<'a>, order: &'a [usize], rich: &'a Rich) -> Result<Vec<Vertex>, DecomposeError> {
    let c = fits.contrast;
    let odds = (0..=order.len()).map(|j| group_odds(fits, first_blocks(order, j))).collect::<Result<_, _>>()?;
    let chain = Chain { fits, c, order, rich, odds };
    let mut out = Vec::with_capacity(1 << (order.len() + 1));
    chain.descend(order.len(), &mut Vec::new(), &mut out)?;
    out.sort_by_key(|v| v.switched);
    Ok(out)
}

fn group_odds<'a>(fits: &Fits<'a>, set: BlockSet) -> Result<Odds<'a>, DecomposeError> {
    let c = fits.contrast;
    let group = fits.group(set, Toward::Index)?;
    // Switching a mechanism back to the index group's law needs index units wherever there are reference units.
    if !group.without_target.is_empty() {
        let terms = group.without_target.clone();
        let n = terms.iter().map(|(_, n)| n).sum();
        return Err(DecomposeError::NoSupport { blocks: fits.set_name(set), fitted_in: FittedIn::Index.name(), n, terms });
    }
    let matrix = fits.matrix(FittedIn::Pooled, set, GroupTerms::Without)?;
    let mut o = vec![0.0; c.y.len()];
    for i in c.units() {
        o[i] = (-matrix.dot(i, &group.fit.beta, None)).exp();
    }
    Ok(Odds { matrix, fit: group.fit.clone(), o })
}

impl<'a> Chain<'a> {
    /// Fits the regression on the first `level` blocks in both groups, given those above it, and goes on below.
    fn descend(&self, level: usize, steps: &mut Vec<Step<'a>>, out: &mut Vec<Vertex>) -> Result<(), DecomposeError> {
        for in_index in [true, false] {
            let step = if level == self.order.len() { self.outer(in_index)? } else { self.inner(level, steps, in_index)? };
            steps.push(step);
            if level == 0 {
                out.push(self.vertex(steps));
            } else {
                self.descend(level - 1, steps, out)?;
            }
            steps.pop();
        }
        Ok(())
    }

    fn outer(&self, in_index: bool) -> Result<Step<'a>, DecomposeError> {
        let set = first_blocks(self.order, self.order.len());
        let (fitted_in, other) = if in_index { (FittedIn::Index, self.c.reference()) } else { (FittedIn::Reference, self.c.index()) };
        let family = self.c.design.family;
        let matrix = self.fits.matrix(fitted_in, set, GroupTerms::Without)?;
        let fit = self.fits.outcome(fitted_in, set, GroupTerms::Without, family)?;
        let (n, by_term) = fit.unsupported(&matrix, std::slice::from_ref(&other), &self.c.w);
        if n > 0 {
            return Err(self.fits.no_support(fitted_in, set, n, &by_term, &matrix));
        }
        Ok(self.step(matrix, fit, in_index))
    }

    /// `E[nu_{level + 1} | R, Z_1..Z_level, C]`: a fractional logit for risks, a log link for rates.
    fn inner(&self, level: usize, steps: &[Step<'a>], in_index: bool) -> Result<Step<'a>, DecomposeError> {
        let c = self.c;
        let set = first_blocks(self.order, level);
        let (name, rows) = if in_index { ("index", c.index()) } else { ("reference", c.reference()) };
        let matrix = self.rich.matrix(c, set, vec![rows])?;
        let family = match c.design.family {
            Family::Binomial | Family::Probit => Family::Binomial,
            Family::Gaussian => Family::Gaussian,
            Family::Poisson => Family::Poisson,
        };
        let response = steps.last().map_or(&c.y, |s| &s.nu);
        let fit = glm::fit(&matrix, family, response, &c.w).map_err(|e| DecomposeError::Nested {
            blocks: self.fits.set_name(set),
            fitted_in: name,
            reason: e.to_string(),
        })?;
        // A column of the study that has no coefficient in this group; the columns added here are only there for smoothness.
        let own = |t: usize| matches!(fit.terms[t], Term::Column(j) if j < c.design.columns.len());
        let other = if in_index { c.reference() } else { c.index() };
        let (_, by_term) = fit.unsupported(&matrix, std::slice::from_ref(&other), &c.w);
        let lost: Vec<(String, usize)> =
            by_term.iter().filter(|(t, n)| *n > 0 && own(*t)).map(|&(t, n)| (self.fits.term_name(fit.terms[t]), n)).collect();
        if let Some(n) = lost.iter().map(|(_, n)| *n).max() {
            return Err(DecomposeError::NoSupport { blocks: self.fits.set_name(set), fitted_in: name, n, terms: lost });
        }
        Ok(self.step(matrix, Rc::new(fit), in_index))
    }

    fn step(&self, matrix: ModelMatrix<'a>, fit: Rc<Fit>, in_index: bool) -> Step<'a> {
        let mut nu = vec![0.0; self.c.y.len()];
        let mut slope = nu.clone();
        for i in self.c.units() {
            let eta = matrix.dot(i, &fit.beta, None);
            nu[i] = fit.family.mean(eta);
            slope[i] = fit.family.slope(eta);
        }
        Step { matrix, fit, in_index, slope, nu }
    }

    /// `steps` holds the regressions from the outcome down to the allowables.
    fn vertex(&self, steps: &[Step<'a>]) -> Vertex {
        let k = self.order.len();
        // By mechanism from 0: the regression on the blocks before it, and its group.
        let regression = |mechanism: usize| &steps[k - mechanism];
        let switched = (0..=k).filter(|&m| !regression(m).in_index).fold(0, |s, m| s | 1 << self.order.get(m).copied().unwrap_or(k));
        let odds: Vec<&[f64]> = self.odds.iter().map(|o| o.o.as_slice()).collect();
        let weights = weights(self.c, &(0..=k).map(|m| regression(m).in_index).collect::<Vec<_>>(), &odds);
        let plug_in = Some(self.with_influence(steps, &[]));
        let one_step = self.with_influence(steps, &weights);
        Vertex { switched, one_step, plug_in, effective: effective(&weights), largest: largest(&weights) }
    }

    /// The mean over index units of the last regression, with the weighted residuals of all of them unless `weights` is empty.
    fn with_influence(&self, steps: &[Step<'a>], weights: &[Weights]) -> Estimate {
        let c = self.c;
        let k = self.order.len();
        // nu_0 to nu_{K+1}.
        let means: Vec<&[f64]> = steps.iter().rev().map(|s| s.nu.as_slice()).chain([c.y.as_slice()]).collect();
        let (Estimate { value, mut influence }, d) = one_step(c, &means, weights);
        let sum_index: f64 = c.index().map(|i| c.w[i]).sum();
        // What each regression's own estimation adds: h is the weight with which nu of this level enters everything below it.
        let mut h = vec![0.0; c.y.len()];
        for i in c.index() {
            h[i] = c.w[i] / sum_index;
        }
        for level in 0..=k {
            let step = &steps[k - level];
            if let Some(above) = level.checked_sub(1).and_then(|m| weights.get(m)) {
                above.rows.clone().for_each(|i| h[i] += above.w[i] / above.sum);
            }
            if let Some(below) = weights.get(level) {
                below.rows.clone().for_each(|i| h[i] -= below.w[i] / below.sum);
            }
            let slope = &step.slope;
            let gradient = step.matrix.weighted_sum(&c.rows(), None, |i| h[i] * slope[i]);
            add_score_influence(c, &step.matrix, &step.fit, &gradient, means[level + 1], &c.w, &mut influence);
            let lambda = step.fit.solve(&gradient);
            h.fill(0.0);
            for i in rows_of(c, step.in_index) {
                h[i] = c.w[i] * step.matrix.dot(i, &lambda, None);
            }
        }
        // What the group models' estimation adds: the logarithm of the odds falls by the linear predictor.
        for (j, odds) in self.odds.iter().enumerate().filter(|_| !weights.is_empty()) {
            let mut v = vec![0.0; c.y.len()];
            for (m, w) in weights.iter().enumerate().filter(|(_, w)| w.exponents[j] != 0) {
                w.rows.clone().for_each(|i| v[i] -= f64::from(w.exponents[j]) * w.w[i] * (means[m + 1][i] - means[m][i] - d[m]) / w.sum);
            }
            let gradient = odds.matrix.weighted_sum(&c.rows(), None, |i| v[i]);
            add_score_influence(c, &odds.matrix, &odds.fit, &gradient, &c.r, &c.w, &mut influence);
        }
        Estimate { value, influence }
    }
}

fn rows_of(c: &Contrast<'_>, in_index: bool) -> Range<usize> {
    if in_index { c.index() } else { c.reference() }
}

/// `W_k` of every mechanism, which follows the index group's law or the reference group's. `o[j]` holds `(1 - pi_j) / pi_j` by row of
/// the design.
pub fn weights(c: &Contrast<'_>, in_index: &[bool], o: &[&[f64]]) -> Vec<Weights> {
    let mut exponent = vec![0i32; o.len()];
    let mut out = Vec::with_capacity(in_index.len());
    for (k, &index) in in_index.iter().enumerate() {
        // omega_k: the odds of the mechanisms before it, and for the reference group the odds given what they drew.
        let mut here = exponent.clone();
        if !index {
            here[k] -= 1;
        }
        let mut w = vec![0.0; c.y.len()];
        for i in rows_of(c, index) {
            let factor: f64 = here.iter().zip(o).filter(|(e, _)| **e != 0).map(|(e, o)| o[i].powi(*e)).product();
            w[i] = c.w[i] * factor;
        }
        out.push(Weights::new(w, here, rows_of(c, index)));
        if !index && k + 1 < o.len() {
            exponent[k + 1] += 1;
            exponent[k] -= 1;
        }
    }
    out
}

/// `mean_1 nu_0 + sum_k d_k` with the influences of its terms, the regressions and the weights held fixed, and the `d_k`. `means` holds
/// `nu_0 .. nu_K+1` by row of the design. Without weights it is the plug-in.
pub fn one_step(c: &Contrast<'_>, means: &[&[f64]], weights: &[Weights]) -> (Estimate, Vec<f64>) {
    let n = c.n() as f64;
    let first = mean(c, &c.index(), |i| means[0][i]);
    let (mut value, mut influence) = (first.value, first.influence);
    let mut d = Vec::with_capacity(weights.len());
    for (m, w) in weights.iter().enumerate() {
        let residual = |i: usize| means[m + 1][i] - means[m][i];
        let own = w.rows.clone().map(|i| w.w[i] * residual(i)).sum::<f64>() / w.sum;
        value += own;
        for i in w.rows.clone() {
            influence[c.unit(i)] += n * w.w[i] * (residual(i) - own) / w.sum;
        }
        d.push(own);
    }
    (Estimate { value, influence }, d)
}

/// Smallest effective number of units, `(sum W_k)^2 / sum W_k^2`.
pub fn effective(weights: &[Weights]) -> f64 {
    weights.iter().map(|w| w.sum * w.sum / w.squares).fold(f64::INFINITY, f64::min)
}

/// Largest share of one unit in the weights of a mechanism.
pub fn largest(weights: &[Weights]) -> f64 {
    weights.iter().map(|w| w.largest / w.sum).fold(0.0, f64::max)
}

/// Weights of one mechanism's residuals, by row of the design.
pub struct Weights {
    w: Vec<f64>,
    rows: Range<usize>,
    /// Powers of the group odds in them.
    exponents: Vec<i32>,
    sum: f64,
    squares: f64,
    largest: f64,
}

impl Weights {
    fn new(w: Vec<f64>, exponents: Vec<i32>, rows: Range<usize>) -> Self {
        let (sum, squares, largest) = rows.clone().fold((0.0, 0.0, 0.0_f64), |(s, q, m), i| (s + w[i], q + w[i] * w[i], m.max(w[i])));
        Self { w, rows, exponents, sum, squares, largest }
    }
}
