//! What the coefficient of the group loses when covariates enter a model: `sum_j Gamma_j b_j`, with `Gamma_j` the group's
//! coefficient in the least-squares regression of covariate j on group and base covariates, and `b_j` the covariate's
//! coefficient in the long model. In a linear model that is short minus long, exactly (Gelbach 2016); in a logit or probit it is
//! reduced minus full (Karlson, Holm & Breen 2012). Influences come from both stages together.

use super::fits::{Fits, FittedIn, GroupTerms};
use super::moments::{add_score_influence, coefficient_sum};
use super::{DecomposeError, Detail, Part};
use crate::design::Contrast;
use crate::estimate::Estimate;
use crate::model::{FitError, GROUP, INTERCEPT, ModelMatrix, Term, glm};
use crate::vocab::{BlockSet, Family, Role};
use std::rc::Rc;

/// Position of the group indicator among the terms of a model that has it.
pub const GROUP_TERM: usize = 1;

/// A pooled model with the group indicator.
pub struct Pooled<'a> {
    pub m: ModelMatrix<'a>,
    pub fit: Rc<glm::Fit>,
}

impl<'a> Pooled<'a> {
    /// Errors: no fit, or a group coefficient that cannot be told from the covariates.
    pub fn new(fits: &Fits<'a>, set: BlockSet, family: Family) -> Result<Self, DecomposeError> {
        let m = fits.matrix(FittedIn::Pooled, set, GroupTerms::Main)?;
        let fit = fits.outcome(FittedIn::Pooled, set, GroupTerms::Main, family)?;
        fits.told_from_the_group(&m, &fit)?;
        Self { m, fit }.estimable()
    }

    /// Least squares on intercept and group alone: its group coefficient is the gap.
    pub fn of_group_alone(fits: &Fits<'a>) -> Result<Self, DecomposeError> {
        let c = fits.contrast;
        let terms = vec![Term::Column(INTERCEPT), Term::Column(GROUP)];
        let failed = |e: FitError| fits.failed(FittedIn::Pooled, BlockSet::NONE, &e);
        let m = ModelMatrix::new(c.design.x.view(), terms, c.rows()).map_err(failed)?;
        let fit = Rc::new(glm::fit(&m, Family::Gaussian, &c.y, &c.w).map_err(failed)?);
        Self { m, fit }.estimable()
    }

    fn estimable(self) -> Result<Self, DecomposeError> {
        if self.fit.is_estimated(GROUP_TERM) {
            return Ok(self);
        }
        Err(DecomposeError::Rank { fitted_in: FittedIn::Pooled.name(), terms: vec!["(group)".to_owned()] })
    }

    fn unit(&self) -> Vec<f64> {
        let mut unit = vec![0.0; self.fit.terms.len()];
        unit[GROUP_TERM] = 1.0;
        unit
    }

    /// The group's coefficient.
    pub fn group(&self, c: &Contrast<'_>) -> Estimate {
        coefficient_sum(c, &self.m, &self.fit, &self.unit())
    }

    /// `a'V a` with the model-based variance of the coefficients.
    pub fn variance(&self, a: &[f64]) -> f64 {
        let v = self.fit.vcov();
        (0..a.len()).flat_map(|i| (0..a.len()).map(move |j| (i, j))).map(|(i, j)| a[i] * v[[i, j]] * a[j]).sum()
    }

    /// Model-based standard error of the group's coefficient.
    pub fn classical(&self) -> f64 {
        self.variance(&self.unit()).max(0.0).sqrt()
    }
}

/// Covariates between a base matrix and a long model.
pub struct Mediated<'f, 'a> {
    fits: &'f Fits<'a>,
    /// Group and base covariates; a least-squares model.
    base: &'f ModelMatrix<'a>,
    long: &'f Pooled<'a>,
    /// By term of the long model: the group's coefficient in the regression of that column on the base.
    pub gamma: Vec<f64>,
}

/// What some covariates account for, with the classical error of two independent stages.
pub struct Delta {
    pub estimate: Estimate,
    pub classical: f64,
}

impl<'f, 'a> Mediated<'f, 'a> {
    pub fn new(fits: &'f Fits<'a>, base: &'f Pooled<'a>, long: &'f Pooled<'a>) -> Result<Self, DecomposeError> {
        let c = fits.contrast;
        // The base matrix's own projection, whatever the outcome: Gamma_j = e_R'(Z'WZ)^-1 Z'W x_j for every column at once.
        let least_squares = glm::fit(&base.m, Family::Gaussian, &c.y, &c.w).map_err(|e| fits.failed(FittedIn::Pooled, BlockSet::NONE, &e))?;
        let lambda = least_squares.solve(&base.unit());
        let m = &base.m;
        let gamma = long.m.weighted_sum(&long.m.rows, None, |i| c.w[i] * m.dot(i, &lambda, None));
        Ok(Self { fits, base: &base.m, long, gamma })
    }

    /// Positions among the long model's terms of the columns that `of` picks.
    pub fn terms(&self, of: impl Fn(usize) -> bool) -> Vec<usize> {
        let in_base = |t: &Term| self.base.terms.contains(t);
        let terms = self.long.m.terms.iter().enumerate();
        terms.filter(|(_, t)| !in_base(t)).filter(|(_, t)| matches!(t, Term::Column(j) if of(*j))).map(|(k, _)| k).collect()
    }

    /// `sum Gamma_j b_j` over these terms of the long model.
    pub fn delta(&self, terms: &[usize]) -> Result<Delta, DecomposeError> {
        let c = self.fits.contrast;
        let beta = &self.long.fit.beta;
        let mut gamma = vec![0.0; beta.len()];
        for &t in terms.iter().filter(|&&t| self.long.fit.is_estimated(t)) {
            gamma[t] = self.gamma[t];
        }
        // The covariates' fitted sum, for the part in which the first stage moves.
        let mut index = vec![0.0; c.y.len()];
        for i in c.units() {
            index[i] = terms.iter().map(|&t| self.long.m.value(i, self.long.m.terms[t], None) * beta[t]).sum();
        }
        let first = glm::fit(self.base, Family::Gaussian, &index, &c.w).map_err(|e| self.fits.failed(FittedIn::Pooled, BlockSet::NONE, &e))?;
        let mut unit = vec![0.0; first.terms.len()];
        unit[GROUP_TERM] = 1.0;
        let mut estimate = coefficient_sum(c, &self.long.m, &self.long.fit, &gamma);
        add_score_influence(c, self.base, &first, &unit, &index, &c.w, &mut estimate.influence);
        let classical = (self.long.variance(&gamma) + first.vcov()[[GROUP_TERM, GROUP_TERM]]).max(0.0).sqrt();
        Ok(Delta { estimate, classical })
    }

    /// One row a variable: single columns of a factor depend on its base level, their sum does not.
    pub fn by_variable(&self, part: Part) -> Result<Vec<Detail>, DecomposeError> {
        let design = self.fits.contrast.design;
        let mut variables: Vec<(String, Role, Vec<usize>)> = Vec::new();
        for t in self.terms(|j| matches!(design.columns[j].role, Role::Block(_))) {
            let Term::Column(j) = self.long.m.terms[t] else { continue };
            let c = &design.columns[j];
            match variables.iter_mut().find(|(v, role, _)| *v == c.variable && *role == c.role) {
                Some((.., terms)) => terms.push(t),
                None => variables.push((c.variable.clone(), c.role, vec![t])),
            }
        }
        let mut out = Vec::with_capacity(variables.len());
        for (variable, role, terms) in variables {
            let Delta { estimate, classical } = self.delta(&terms)?;
            let column = match (terms.as_slice(), terms.first().map(|&t| self.long.m.terms[t])) {
                ([_], Some(Term::Column(j))) => Some(j),
                _ => None,
            };
            let term = column.map_or_else(|| variable.clone(), |j| design.columns[j].term.clone());
            let level = column.and_then(|j| design.columns[j].level.clone());
            out.push(Detail { part, role, term, variable, level, column, covariate: Vec::new(), estimate, classical: Some(classical) });
        }
        Ok(out)
    }
}
