//! Five fits and four means: index units' own mean, and what they would show at reference units' hospitals, surfaces, or both.

use super::roster::{LeftOut, Roster};
use crate::decompose::DecomposeError;
use crate::decompose::fits::{Fits, FittedIn, GroupTerms, Toward};
use crate::decompose::moments::group_means;
use crate::decompose::with_and_without::supported;
use crate::design::Contrast;
use crate::estimate::Estimate;
use crate::model::ModelMatrix;
use crate::model::arrow::{self, ArrowFit, LAMBDA};
use crate::model::glm::{self, Fit};
use crate::vocab::{BlockSet, Family};

/// What goes into the influences.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Errors {
    /// Residuals over the root of one minus their leverage, and the outcome fit where a group has no units (METHODS 5.5(d)).
    Leverage,
    /// The efficient influence function as it is, without the leverage.
    Plain,
    /// None: values are all that is needed.
    None,
}

/// The means of one population, all standardised to its index units (METHODS 5.5(c)).
pub struct Means {
    /// Mean outcomes as observed.
    pub index: Estimate,
    pub reference: Estimate,
    /// `E_1[E_0(Y | allowables)]`.
    pub none: Estimate,
    /// `a(A)`.
    pub patients: Estimate,
    /// `a(A, H)`: reference units' outcome at index units' hospitals.
    pub at_hospitals: Estimate,
    /// `b(H | A)`: index units' outcome at the hospitals of similar reference units; why not, where a model has no fit.
    pub elsewhere: Result<Estimate, DecomposeError>,
    pub support: Support,
    /// Units of the comparison that are not in this population.
    pub left_out: LeftOut,
}

/// What the weights rest on.
#[derive(Clone, Copy, Debug)]
pub struct Support {
    /// Share of index units at hospitals without reference units.
    pub unsupported_index: f64,
    /// Weighted share of reference units at hospitals without index units.
    pub unsupported_reference: f64,
    /// Of reference units weighted to look like index units given the allowables, with the given blocks or without them, whichever is
    /// thinner: every row of both families rests on them.
    pub ess_patients: f64,
    pub max_patients: f64,
    /// Of reference units weighted to index units of the same hospital (family A).
    pub ess_reference: f64,
    /// Of index units weighted to the hospitals of similar reference units (family B).
    pub ess_index: f64,
    pub max_reference: f64,
    pub max_index: f64,
    /// Weighted share of reference units in hospitals with fewer than 5 index units.
    pub thin: f64,
}

/// Influences in the order of units; `p` sums to the estimate's deviation, so an influence is `n p`.
struct Influence<'c, 'a> {
    c: &'c Contrast<'a>,
    values: Vec<f64>,
}

impl<'c, 'a> Influence<'c, 'a> {
    fn new(c: &'c Contrast<'a>) -> Self {
        Self { c, values: vec![0.0; c.n()] }
    }

    fn add(&mut self, row: usize, p: f64) {
        self.values[self.c.unit(row)] += self.c.n() as f64 * p;
    }

    fn of(self, value: f64) -> Estimate {
        Estimate { value, influence: self.values }
    }
}

/// Weights by row of the design that sum to 1 over the rows with a positive one.
fn normalised(c: &Contrast<'_>, raw: impl Fn(usize) -> f64) -> Vec<f64> {
    let mut out = vec![0.0; c.y.len()];
    c.units().filter(|&i| c.w[i] > 0.0).for_each(|i| out[i] = raw(i));
    let sum: f64 = c.units().map(|i| out[i]).sum();
    out.iter_mut().for_each(|v| *v /= sum);
    out
}

fn by_row(c: &Contrast<'_>, f: impl Fn(usize) -> f64) -> Vec<f64> {
    let mut out = vec![0.0; c.y.len()];
    c.units().filter(|&i| c.w[i] > 0.0).for_each(|i| out[i] = f(i));
    out
}

fn dot(c: &Contrast<'_>, w: &[f64], f: impl Fn(usize) -> f64) -> f64 {
    c.units().filter(|&i| w[i] != 0.0).map(|i| w[i] * f(i)).sum()
}

/// `E_1[E_0(Y | X)]` in one step: the mean of `mu` over index units plus the weighted mean of reference residuals. Each row's
/// residual is multiplied by `inflate` in the influence.
fn one_step(c: &Contrast<'_>, wr: &[f64], mu: &[f64], weight: &[f64], inflate: impl Fn(usize) -> f64) -> Estimate {
    let value = dot(c, wr, |i| mu[i]) + dot(c, weight, |i| c.y[i] - mu[i]);
    let mut influence = Influence::new(c);
    for i in c.units() {
        influence.add(i, wr[i] * (mu[i] - value) + weight[i] * (c.y[i] - mu[i]) * inflate(i));
    }
    influence.of(value)
}

/// The matrix of a model without the terms that its rows cannot tell from others.
fn kept<'a>(m: ModelMatrix<'a>, fit: &Fit) -> ModelMatrix<'a> {
    m.keep(|t| fit.is_estimated(t))
}

/// The reference surface given the allowables and `set`, and the odds of the index group: what `a(set)` is made of.
struct Patients {
    mu: Vec<f64>,
    odds: Vec<f64>,
}

impl Patients {
    /// Errors: a model without a fit, or index units without support among reference units.
    fn fit(fits: &Fits<'_>, set: BlockSet) -> Result<Self, DecomposeError> {
        let c = fits.contrast;
        let m = fits.matrix(FittedIn::Reference, set, GroupTerms::Without)?;
        let fit = supported(fits, FittedIn::Reference, set, &c.index())?;
        let mu = by_row(c, |i| c.design.family.mean(m.dot(i, &fit.beta, None)));
        Ok(Self { mu, odds: fits.group(set, Toward::Index)?.odds.clone() })
    }
}

/// The means of the units with weight in `fits.contrast`.
///
/// Errors: a model of patients or the model with hospitals has no fit, or says nothing about some units.
pub fn means(fits: &Fits<'_>, roster: &Roster<'_>, given: BlockSet, errors: Errors) -> Result<Means, DecomposeError> {
    let c = fits.contrast;
    let family = c.design.family;
    let counts = roster.counts(c);
    let observed = group_means(c);
    let wr = normalised(c, |i| c.w[i] * c.r[i]);
    let alone = |p: &Patients| one_step(c, &wr, &p.mu, &normalised(c, |i| p.odds[i]), |_| 1.0);
    let case_mix = Patients::fit(fits, given)?;
    let patients = alone(&case_mix);
    let of_none = if given == BlockSet::NONE { None } else { Some(Patients::fit(fits, BlockSet::NONE)?) };
    let none = of_none.as_ref().map_or_else(|| patients.clone(), alone);
    let wg = normalised(c, |i| case_mix.odds[i]);
    // What the weights without the given blocks rest on: the allowable and the patients row are made of them.
    let fair = of_none.as_ref().map(|p| normalised(c, |i| p.odds[i]));

    let group = fits.group(given, Toward::Index)?;
    let pooled = fits.matrix(FittedIn::Pooled, given, GroupTerms::Without)?;
    let allocation = arrow::fit(vec![kept(pooled.clone(), &group.fit)], roster.hospitals(), Family::Binomial, LAMBDA, &c.r, &group.w)
        .map_err(|e| DecomposeError::GroupFit { blocks: format!("{} and hospitals", fits.set_name(given)), reason: e.of("the group") })?;
    let odds = by_row(c, |i| if group.w[i] > 0.0 { allocation.eta(0, i).exp() } else { 0.0 });
    let w_pi = normalised(c, |i| c.w[i] * (1.0 - c.r[i]) * odds[i]);

    let outcome = Outcome::fit(fits, roster, given)?;
    let inflate: Vec<f64> = match errors {
        Errors::Leverage => outcome.arrow.leverage(&c.y, &c.w).into_iter().map(|l| 1.0 / (1.0 - l).sqrt()).collect(),
        Errors::Plain | Errors::None => vec![1.0; c.y.len()],
    };
    let m0 = by_row(c, |i| family.mean(outcome.arrow.eta(0, i)));
    let mut at_hospitals = one_step(c, &wr, &m0, &w_pi, |i| inflate[i]);
    if errors != Errors::None {
        let unsupported = |i: usize| if counts.lacks(roster.of(i), 0) { wr[i] } else { 0.0 };
        outcome.add_borrowed(c, 0, unsupported, &inflate, &mut at_hospitals);
    }

    let w_omega = normalised(c, |i| if c.r[i] == 1.0 { c.w[i] * pooled.dot(i, &group.fit.beta, None).exp() / odds[i] } else { 0.0 });
    let elsewhere = outcome.index_supported(fits, given).and_then(|()| {
        let m1 = by_row(c, |i| family.mean(outcome.arrow.eta(1, i)));
        let m = fits.matrix(FittedIn::Reference, given, GroupTerms::Without)?;
        let smooth = glm::fit(&m, family, &m1, &c.w).map_err(|e| fits.failed(FittedIn::Reference, given, &e))?;
        let eta = by_row(c, |i| family.mean(m.dot(i, &smooth.beta, None)));
        let value = dot(c, &wr, |i| eta[i]) + dot(c, &wg, |i| m1[i] - eta[i]) + dot(c, &w_omega, |i| c.y[i] - m1[i]);
        let mut influence = Influence::new(c);
        for i in c.units() {
            influence.add(i, wr[i] * (eta[i] - value) + wg[i] * (m1[i] - eta[i]) + w_omega[i] * (c.y[i] - m1[i]) * inflate[i]);
        }
        let mut out = influence.of(value);
        if errors != Errors::None {
            let unsupported = |i: usize| if counts.lacks(roster.of(i), 1) { wg[i] } else { 0.0 };
            outcome.add_borrowed(c, 1, unsupported, &inflate, &mut out);
        }
        Ok(out)
    });

    let share = |w: &[f64], at: &dyn Fn(usize) -> bool| dot(c, w, |i| f64::from(u8::from(at(roster.of(i)))));
    let ess = |w: &[f64]| 1.0 / w.iter().map(|v| v * v).sum::<f64>();
    let largest = |w: &[f64]| w.iter().fold(0.0_f64, |a, v| a.max(*v));
    let support = Support {
        unsupported_index: share(&wr, &|h| counts.lacks(h, 0)),
        unsupported_reference: share(&wg, &|h| counts.lacks(h, 1)),
        ess_patients: fair.iter().map(|w| ess(w)).fold(ess(&wg), f64::min),
        max_patients: fair.iter().map(|w| largest(w)).fold(largest(&wg), f64::max),
        ess_reference: ess(&w_pi),
        ess_index: ess(&w_omega),
        max_reference: largest(&w_pi),
        max_index: largest(&w_omega),
        thin: share(&wg, &|h| counts.units[h][1] < 5),
    };
    Ok(Means { index: observed.index, reference: observed.reference, none, patients, at_hospitals, elsewhere, support, left_out: LeftOut::default() })
}

/// The outcome given patients and hospitals: slopes a group, effects of hospitals that the groups share (fit 4).
struct Outcome<'a> {
    arrow: ArrowFit<'a>,
    index_columns: Fit,
    index_matrix: ModelMatrix<'a>,
}

impl<'a> Outcome<'a> {
    fn fit(fits: &Fits<'a>, roster: &'a Roster<'_>, given: BlockSet) -> Result<Self, DecomposeError> {
        let c = fits.contrast;
        let family = c.design.family;
        // Least squares tell which columns a group's rows can estimate, and are never separated.
        let columns = |fitted_in| -> Result<(Fit, ModelMatrix<'a>), DecomposeError> {
            let m = fits.matrix(fitted_in, given, GroupTerms::Without)?;
            let fit = glm::fit(&m, Family::Gaussian, &c.y, &c.w).map_err(|e| fits.failed(fitted_in, given, &e))?;
            Ok((fit, m))
        };
        let (of_reference, m0) = columns(FittedIn::Reference)?;
        let (index_columns, index_matrix) = columns(FittedIn::Index)?;
        let matrices = vec![kept(m0, &of_reference), kept(index_matrix.clone(), &index_columns)];
        let arrow = arrow::fit(matrices, roster.hospitals(), family, LAMBDA, &c.y, &c.w).map_err(|e| fits.failed(FittedIn::Pooled, given, &e))?;
        Ok(Self { arrow, index_columns, index_matrix })
    }

    /// Errors: reference units about whom the index group's slopes say nothing.
    fn index_supported(&self, fits: &Fits<'_>, given: BlockSet) -> Result<(), DecomposeError> {
        let c = fits.contrast;
        let (n, by_term) = self.index_columns.unsupported(&self.index_matrix, &[c.reference()], &c.w);
        if n > 0 { Err(fits.no_support(FittedIn::Index, given, n, &by_term, &self.index_matrix)) } else { Ok(()) }
    }

    /// Adds what estimating the outcome model adds where a prediction has no units of its own group to rest on: the weighted mean
    /// of residuals corrects nothing there (METHODS 5.5(d), unsupported mass).
    fn add_borrowed(&self, c: &Contrast<'_>, set: usize, weight: impl Fn(usize) -> f64, inflate: &[f64], e: &mut Estimate) {
        let family = c.design.family;
        let mut g = self.arrow.no_gradient();
        let mut any = false;
        for i in c.units() {
            let w = weight(i);
            if w > 0.0 {
                any = true;
                self.arrow.add_row(&mut g, set, i, w * family.slope(self.arrow.eta(set, i)));
            }
        }
        if !any {
            return;
        }
        let direction = self.arrow.solve(&g);
        for i in c.units().filter(|&i| c.w[i] > 0.0) {
            let own = usize::from(c.r[i] == 1.0);
            let (score, _) = family.score(c.y[i], self.arrow.eta(own, i));
            e.influence[c.unit(i)] += c.n() as f64 * self.arrow.along(own, i, &direction) * c.w[i] * score * inflate[i];
        }
    }
}
