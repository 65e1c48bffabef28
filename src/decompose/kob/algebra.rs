//! The two primitives of every Oaxaca-Blinder relative, in two spaces of uncertainty.
//!
//! A decomposition combines products `xbar'M b` of covariate means and coefficients with means `E_g F(x'b)` of one group's
//! units under some coefficients. In [`Influences`] each carries the influence of every unit (stochastic regressors,
//! heteroskedastic, clusters later: METHODS 4.3). In [`Gradients`] it carries its derivative by the parameters that classical
//! formulas take as random: the coefficients of the two groups' models, and for least squares their covariate means. Both are
//! [`Estimate`]s, so products, ratios and sums are written once.

use super::effects::Sparse;
use crate::decompose::fits::{Fits, FittedIn, GroupTerms};
use crate::decompose::moments::{coefficient_sum, mean};
use crate::decompose::{DecomposeError, fits};
use crate::design::Contrast;
use crate::estimate::Estimate;
use crate::linalg::accumulate;
use crate::model::{ModelMatrix, glm::Fit};
use crate::vocab::{BlockSet, Family};
use ndarray::{Array2, Axis};
use std::ops::Range;
use std::rc::Rc;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Index,
    Reference,
}

impl Side {
    pub fn rows(self, c: &Contrast<'_>) -> Range<usize> {
        match self {
            Self::Index => c.index(),
            Self::Reference => c.reference(),
        }
    }
}

/// An outcome model with the matrix it was fitted on.
pub struct Model<'a> {
    pub fitted_in: FittedIn,
    pub m: ModelMatrix<'a>,
    pub fit: Rc<Fit>,
    /// Position among the fit's terms of each column of the comparison.
    at: Vec<usize>,
}

impl<'a> Model<'a> {
    /// The model of all blocks on `columns`, the columns of the comparison.
    pub fn new(fits: &Fits<'a>, fitted_in: FittedIn, group_terms: GroupTerms, family: Family, columns: &[usize]) -> Result<Self, DecomposeError> {
        let all = BlockSet::all(fits.contrast.design.blocks.len());
        let m = fits.matrix(fitted_in, all, group_terms)?;
        let fit = fits.outcome(fitted_in, all, group_terms, family)?;
        let shift = usize::from(group_terms != GroupTerms::Without);
        let at = (0..columns.len()).map(|a| if a == 0 { 0 } else { a + shift }).collect();
        Ok(Self { fitted_in, m, fit, at })
    }

    /// Coefficients by column of the comparison.
    pub fn beta(&self) -> Vec<f64> {
        self.at.iter().map(|&t| self.fit.beta[t]).collect()
    }

    /// Model-based variance of the coefficients by column of the comparison.
    pub fn vcov(&self) -> Array2<f64> {
        self.fit.vcov().select(Axis(0), &self.at).select(Axis(1), &self.at)
    }

    /// Errors: units of the other group about which the model says nothing, or (pooled) a column that only the group tells apart.
    pub fn supports_both_groups(&self, fits: &Fits<'a>) -> Result<(), DecomposeError> {
        let c = fits.contrast;
        let other = match self.fitted_in {
            FittedIn::Reference => c.index(),
            FittedIn::Index => c.reference(),
            FittedIn::Pooled => return fits.told_from_the_group(&self.m, &self.fit),
        };
        let (n, by_term) = self.fit.unsupported(&self.m, std::slice::from_ref(&other), &c.w);
        if n == 0 {
            return Ok(());
        }
        Err(fits.no_support(self.fitted_in, BlockSet::all(c.design.blocks.len()), n, &by_term, &self.m))
    }

    /// A vector over the columns of the comparison as one over the fit's terms.
    pub fn by_term(&self, a: &[f64]) -> Vec<f64> {
        let mut out = vec![0.0; self.m.terms.len()];
        for (&t, v) in self.at.iter().zip(a) {
            out[t] = *v;
        }
        out
    }

    /// Terms that the fit dropped, as columns of the comparison.
    pub fn dropped(&self) -> Vec<usize> {
        (0..self.at.len()).filter(|&a| !self.fit.is_estimated(self.at[a])).collect()
    }
}

/// A linear combination of coefficient vectors: (weight, model), with an estimated weight that adds `factor * (b_index - b_reference)`
/// times its influence.
#[derive(Clone)]
pub struct Coefficients<'m, 'a> {
    pub parts: Vec<(f64, &'m Model<'a>)>,
    pub moving: Option<(f64, Rc<Moving<'m, 'a>>)>,
}

/// An estimated weight of the index group's coefficients against the reference group's.
pub struct Moving<'m, 'a> {
    pub weight: Estimate,
    pub index: &'m Model<'a>,
    pub reference: &'m Model<'a>,
}

impl<'m, 'a> Coefficients<'m, 'a> {
    pub fn of(model: &'m Model<'a>) -> Self {
        Self { parts: vec![(1.0, model)], moving: None }
    }

    pub fn minus(&self, other: &Self) -> Self {
        let mut parts = self.parts.clone();
        parts.extend(other.parts.iter().map(|(w, m)| (-w, *m)));
        let moving = match (&self.moving, &other.moving) {
            (Some((f, m)), None) => Some((*f, m.clone())),
            (None, Some((f, m))) => Some((-f, m.clone())),
            // Both move with the same weight.
            (Some((f, m)), Some((g, _))) => Some((f - g, m.clone())),
            (None, None) => None,
        };
        Self { parts, moving }
    }

    pub fn scaled(&self, by: f64) -> Self {
        Self { parts: self.parts.iter().map(|(w, m)| (by * w, *m)).collect(), moving: self.moving.as_ref().map(|(f, m)| (by * f, m.clone())) }
    }

    /// By column of the comparison.
    pub fn values(&self) -> Vec<f64> {
        let mut out: Vec<f64> = Vec::new();
        for (w, m) in &self.parts {
            let beta = m.beta();
            out.resize(beta.len(), 0.0);
            out.iter_mut().zip(beta).for_each(|(o, b)| *o += w * b);
        }
        out
    }
}

/// A signed sum of group means of the covariates.
pub type Means = Vec<(f64, Side)>;

/// `M`: the sum over pairs of `value weight'`.
pub type Form<'e> = Vec<&'e (Sparse, Sparse)>;

fn times(form: &Form<'_>, b: &[f64]) -> Vec<f64> {
    let mut out = vec![0.0; b.len()];
    for (value, weight) in form {
        let coefficient: f64 = weight.iter().map(|&(j, v)| v * b[j]).sum();
        value.iter().for_each(|&(j, v)| out[j] += v * coefficient);
    }
    out
}

fn transposed(form: &Form<'_>, x: &[f64]) -> Vec<f64> {
    let mut out = vec![0.0; x.len()];
    for (value, weight) in form {
        let covariate: f64 = value.iter().map(|&(j, v)| v * x[j]).sum();
        weight.iter().for_each(|&(j, v)| out[j] += v * covariate);
    }
    out
}

/// The space in which uncertainty is carried.
pub trait Space<'m, 'a> {
    /// `xbar'M b` with `xbar` a signed sum of group means.
    fn product(&self, means: &Means, b: &Coefficients<'m, 'a>, form: &Form<'_>) -> Estimate;

    /// `E_side F(x'b)`.
    fn predicted(&self, side: Side, b: &Coefficients<'m, 'a>) -> Estimate;

    /// The mean outcome of a group.
    fn observed(&self, side: Side) -> Estimate;

    /// What to start sums from.
    fn zero(&self) -> Estimate;
}

/// Covariate means of the two groups over the columns of the comparison, and the columns.
pub struct Covariates<'a> {
    pub contrast: &'a Contrast<'a>,
    pub family: Family,
    pub columns: Vec<usize>,
    pub index: Vec<f64>,
    pub reference: Vec<f64>,
}

impl<'a> Covariates<'a> {
    pub fn new(fits: &Fits<'a>, family: Family) -> Result<Self, DecomposeError> {
        let c = fits.contrast;
        let all = BlockSet::all(c.design.blocks.len());
        let means = |fitted_in| -> Result<Vec<f64>, DecomposeError> {
            let m = fits.matrix(fitted_in, all, GroupTerms::Without)?;
            let sum: f64 = m.rows.iter().cloned().flatten().map(|i| c.w[i]).sum();
            Ok(m.weighted_sum(&m.rows, None, |i| c.w[i] / sum))
        };
        Ok(Self { contrast: c, family, columns: c.columns(all), index: means(FittedIn::Index)?, reference: means(FittedIn::Reference)? })
    }

    pub fn of(&self, side: Side) -> &[f64] {
        match side {
            Side::Index => &self.index,
            Side::Reference => &self.reference,
        }
    }

    fn sum(&self, means: &Means) -> Vec<f64> {
        let mut out = vec![0.0; self.columns.len()];
        for (s, side) in means {
            out.iter_mut().zip(self.of(*side)).for_each(|(o, x)| *o += s * x);
        }
        out
    }

    fn value(&self, means: &Means, b: &[f64], form: &Form<'_>) -> f64 {
        self.sum(means).iter().zip(times(form, b)).map(|(x, b)| x * b).sum()
    }

    /// Values of single pairs, without uncertainty.
    pub fn pair_value(&self, means: &Means, b: &[f64], pair: &(Sparse, Sparse)) -> f64 {
        self.value(means, b, &vec![pair])
    }

    /// `x'b` of a row.
    fn eta(&self, row: usize, b: &[f64]) -> f64 {
        let x = self.contrast.design.x.row(row);
        self.columns.iter().zip(b).map(|(&j, b)| x[j] * b).sum()
    }

    /// The mean prediction of a group and its gradient by the coefficients.
    fn prediction(&self, side: Side, b: &[f64]) -> (f64, Vec<f64>) {
        let c = self.contrast;
        let (rows, k) = (side.rows(c), self.columns.len());
        let family = self.family;
        let map = |chunk: Range<usize>| {
            let mut out = vec![0.0; k + 2];
            for i in chunk.filter(|&i| c.w[i] > 0.0) {
                let eta = self.eta(i, b);
                out[k] += c.w[i];
                out[k + 1] += c.w[i] * family.mean(eta);
                let slope = c.w[i] * family.slope(eta);
                let x = c.design.x.row(i);
                out.iter_mut().zip(&self.columns).for_each(|(o, &j)| *o += slope * x[j]);
            }
            out
        };
        let sums = accumulate(std::slice::from_ref(&rows), map, |total: &mut Vec<f64>, part| {
            total.iter_mut().zip(part).for_each(|(t, p)| *t += p);
        })
        .unwrap_or_else(|| vec![0.0; k + 2]);
        (sums[k + 1] / sums[k], sums[..k].iter().map(|v| v / sums[k]).collect())
    }
}

/// Influences of units.
pub struct Influences<'f, 'a>(pub &'f Covariates<'a>);

impl<'f, 'a> Influences<'f, 'a> {
    /// What the coefficients' own error adds: `gradient'IF(b)`.
    fn moving(&self, b: &Coefficients<'_, 'a>, gradient: &[f64]) -> Estimate {
        let c = self.0.contrast;
        let of = |model: &Model<'a>| coefficient_sum(c, &model.m, &model.fit, &model.by_term(gradient));
        let by_fit: Vec<(f64, Estimate)> = b.parts.iter().map(|(w, model)| (*w, of(model))).collect();
        let mut parts: Vec<(f64, &Estimate)> = by_fit.iter().map(|(w, e)| (*w, e)).collect();
        if let Some((factor, moving)) = &b.moving {
            let difference: f64 = gradient.iter().zip(moving.index.beta().iter().zip(moving.reference.beta())).map(|(g, (a, b))| g * (a - b)).sum();
            parts.push((factor * difference, &moving.weight));
        }
        if parts.is_empty() { self.zero_units() } else { Estimate::linear(&parts) }
    }

    fn zero_units(&self) -> Estimate {
        Estimate::constant(0.0, self.0.contrast.n())
    }
}

impl<'a> Space<'_, 'a> for Influences<'_, 'a> {
    fn product(&self, means: &Means, b: &Coefficients<'_, 'a>, form: &Form<'_>) -> Estimate {
        let (x, c) = (self.0, self.0.contrast);
        let values = b.values();
        let coefficient = times(form, &values);
        let moved = self.moving(b, &transposed(form, &x.sum(means)));
        let by_group: Vec<(f64, Estimate)> = means.iter().map(|(s, side)| (*s, mean(c, &side.rows(c), |i| x.eta(i, &coefficient)))).collect();
        let mut parts: Vec<(f64, &Estimate)> = by_group.iter().map(|(s, e)| (*s, e)).collect();
        parts.push((1.0, &moved));
        Estimate { value: x.value(means, &values, form), ..Estimate::linear(&parts) }
    }

    fn predicted(&self, side: Side, b: &Coefficients<'_, 'a>) -> Estimate {
        let (x, c) = (self.0, self.0.contrast);
        let values = b.values();
        let (value, gradient) = x.prediction(side, &values);
        let moved = self.moving(b, &gradient);
        let own = mean(c, &side.rows(c), |i| x.family.mean(x.eta(i, &values)));
        Estimate { value, ..own.plus(&moved) }
    }

    fn observed(&self, side: Side) -> Estimate {
        let c = self.0.contrast;
        mean(c, &side.rows(c), |i| c.y[i])
    }

    fn zero(&self) -> Estimate {
        self.zero_units()
    }
}

/// Derivatives by `(b_index, b_reference, xbar_index, xbar_reference)`, and the variance of these four by classical formulas:
/// homoskedastic least squares with random regressors (Jann 2008), or model-based coefficients at fixed regressors (Yun 2004).
pub struct Gradients<'f, 'a> {
    x: &'f Covariates<'a>,
    index: &'f Model<'a>,
    reference: &'f Model<'a>,
    /// One matrix for each of the four; the last two are 0 at fixed regressors.
    variance: [Array2<f64>; 4],
}

impl<'f, 'a> Gradients<'f, 'a> {
    pub fn new(x: &'f Covariates<'a>, index: &'f Model<'a>, reference: &'f Model<'a>) -> Self {
        let k = x.columns.len();
        let of_means = |side: Side| match x.family {
            Family::Gaussian => covariance_of_means(x, side),
            _ => Array2::zeros((k, k)),
        };
        let variance = [index.vcov(), reference.vcov(), of_means(Side::Index), of_means(Side::Reference)];
        Self { x, index, reference, variance }
    }

    pub fn std_error(&self, e: &Estimate) -> f64 {
        let k = self.x.columns.len();
        let variance: f64 = self
            .variance
            .iter()
            .zip(e.influence.chunks(k))
            .map(|(v, g)| (0..k).flat_map(|a| (0..k).map(move |b| (a, b))).map(|(a, b)| g[a] * v[[a, b]] * g[b]).sum::<f64>())
            .sum();
        variance.max(0.0).sqrt()
    }

    /// Adds the gradient by a coefficient vector to the slots of the two groups' coefficients. Pooled least squares is a linear
    /// map of the groups' (Oaxaca & Ransom 1994): `d b* / d b_r = (Z'Z)^-1 Z_r'X_r`.
    fn add(&self, out: &mut [f64], b: &Coefficients<'_, 'a>, gradient: &[f64]) {
        let (k, c) = (self.x.columns.len(), self.x.contrast);
        for (w, model) in &b.parts {
            match model.fitted_in {
                FittedIn::Index => out[..k].iter_mut().zip(gradient).for_each(|(o, g)| *o += w * g),
                FittedIn::Reference => out[k..2 * k].iter_mut().zip(gradient).for_each(|(o, g)| *o += w * g),
                FittedIn::Pooled => {
                    let (lambda, m) = (model.fit.solve(&model.by_term(gradient)), &model.m);
                    for (slot, group) in [(0, self.index), (1, self.reference)] {
                        let by = group.m.weighted_sum(&group.m.rows, None, |i| c.w[i] * m.dot(i, &lambda, None));
                        out[slot * k..(slot + 1) * k].iter_mut().zip(by).for_each(|(o, g)| *o += w * g);
                    }
                }
            }
        }
    }
}

impl<'a> Space<'_, 'a> for Gradients<'_, 'a> {
    fn product(&self, means: &Means, b: &Coefficients<'_, 'a>, form: &Form<'_>) -> Estimate {
        let k = self.x.columns.len();
        let values = b.values();
        let mut out = self.zero();
        self.add(&mut out.influence, b, &transposed(form, &self.x.sum(means)));
        let coefficient = times(form, &values);
        for (s, side) in means {
            let slot = if *side == Side::Index { 2 * k } else { 3 * k };
            out.influence[slot..slot + k].iter_mut().zip(&coefficient).for_each(|(o, b)| *o += s * b);
        }
        out.value = self.x.value(means, &values, form);
        out
    }

    fn predicted(&self, side: Side, b: &Coefficients<'_, 'a>) -> Estimate {
        if self.x.family == Family::Gaussian {
            // Least squares has random regressors: the group's means move too.
            let identity: Vec<(Sparse, Sparse)> = (0..self.x.columns.len()).map(|j| (vec![(j, 1.0)], vec![(j, 1.0)])).collect();
            return self.product(&vec![(1.0, side)], b, &identity.iter().collect());
        }
        let (value, gradient) = self.x.prediction(side, &b.values());
        let mut out = self.zero();
        self.add(&mut out.influence, b, &gradient);
        out.value = value;
        out
    }

    fn observed(&self, side: Side) -> Estimate {
        let model = if side == Side::Index { self.index } else { self.reference };
        self.predicted(side, &Coefficients { parts: vec![(1.0, model)], moving: None })
    }

    fn zero(&self) -> Estimate {
        Estimate::constant(0.0, 4 * self.x.columns.len())
    }
}

/// `S_r / n_r` with the usual divisor `n - 1`.
fn covariance_of_means(x: &Covariates<'_>, side: Side) -> Array2<f64> {
    let c = x.contrast;
    let (k, centre) = (x.columns.len(), x.of(side));
    let map = |chunk: Range<usize>| {
        let mut out = Array2::<f64>::zeros((k, k));
        for i in chunk.filter(|&i| c.w[i] > 0.0) {
            let row = c.design.x.row(i);
            for a in 0..k {
                let d = row[x.columns[a]] - centre[a];
                for b in 0..=a {
                    out[[a, b]] += d * (row[x.columns[b]] - centre[b]);
                }
            }
        }
        out
    };
    let rows = side.rows(c);
    let mut out = accumulate(std::slice::from_ref(&rows), map, |t: &mut Array2<f64>, p| *t += &p).unwrap_or_else(|| Array2::zeros((k, k)));
    let n = rows.filter(|&i| c.w[i] > 0.0).count() as f64;
    out /= n * (n - 1.0);
    for a in 0..k {
        for b in a + 1..k {
            out[[a, b]] = out[[b, a]];
        }
    }
    out
}

/// A column that one group cannot tell from the others and the other group can, or can in another way, has no comparable
/// coefficient.
pub fn comparable<'a>(fits: &fits::Fits<'a>, index: &Model<'a>, reference: &Model<'a>) -> Result<(), DecomposeError> {
    for (one, other) in [(index, reference), (reference, index)] {
        let elsewhere = other.dropped();
        let lost: Vec<usize> = one.dropped().into_iter().filter(|a| !elsewhere.contains(a)).collect();
        if !lost.is_empty() {
            let terms = lost.iter().map(|&a| fits.term_name(one.m.terms[one.at[a]])).collect();
            return Err(DecomposeError::Rank { fitted_in: one.fitted_in.name(), terms });
        }
    }
    index.supports_both_groups(fits)?;
    reference.supports_both_groups(fits)
}
