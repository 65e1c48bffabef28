//! The version given Q: prevalence, effect and selection among units with the same Q, and what the groups' different Q adds.

use super::{Of, Treatment, no_fit};
use crate::decompose::DecomposeError;
use crate::decompose::fits::{Fits, FittedIn, GroupModel, GroupTerms, Toward};
use crate::decompose::moments::add_score_influence;
use crate::estimate::Estimate;
use crate::model::{ModelMatrix, glm};
use crate::vocab::{BlockSet, Family};
use std::rc::Rc;

/// What the effect of treatment, and treatment itself, depend on among the units of one group.
struct InGroup<'a> {
    m: ModelMatrix<'a>,
    /// Least squares of `I_1 - I_0` on Q, and its prediction by row, for both groups' units.
    effect: glm::Fit,
    tau: Vec<f64>,
    /// Logit of the treatment on Q, and the probability by row.
    prevalence: glm::Fit,
    p: Vec<f64>,
}

pub(super) struct GivenQ<'f, 'a> {
    fits: &'f Fits<'a>,
    t: &'f Treatment<'f, 'a>,
    given: BlockSet,
    /// By row: `I_1 - I_0`.
    contrast: Vec<f64>,
    reference: InGroup<'a>,
    index: InGroup<'a>,
}

/// Weights that turn one group's distribution of Q into another's; the group itself needs none.
struct Moved {
    /// By row of the group, analysis weight included.
    w: Vec<f64>,
    model: Option<(Rc<GroupModel>, Toward)>,
    sum: f64,
}

impl<'f, 'a> GivenQ<'f, 'a> {
    pub fn new(fits: &'f Fits<'a>, t: &'f Treatment<'f, 'a>, given: BlockSet) -> Result<Self, DecomposeError> {
        let contrast: Vec<f64> = t.arms[1].potential.iter().zip(&t.arms[0].potential).map(|(one, zero)| one - zero).collect();
        let reference = InGroup::new(fits, t, given, Of::Reference, &contrast)?;
        let index = InGroup::new(fits, t, given, Of::Index, &contrast)?;
        Ok(Self { fits, t, given, contrast, reference, index })
    }

    fn of(&self, of: Of) -> &InGroup<'a> {
        match of {
            Of::Reference => &self.reference,
            Of::Index => &self.index,
        }
    }

    fn moved(&self, from: Of, to: Of) -> Result<Moved, DecomposeError> {
        let c = self.fits.contrast;
        let (w, model) = match (from, to) {
            (Of::Reference, Of::Index) => (None, Some(Toward::Index)),
            (Of::Index, Of::Reference) => (None, Some(Toward::Reference)),
            (Of::Reference, Of::Reference) | (Of::Index, Of::Index) => (Some(c.w.clone()), None),
        };
        let model = model.map(|toward| self.fits.group(self.given, toward).map(|g| (g, toward))).transpose()?;
        let w = w.or(model.as_ref().map(|(g, _)| g.odds.clone())).unwrap_or_default();
        let sum = from.rows(c).map(|i| w[i]).sum();
        Ok(Moved { w, model, sum })
    }

    /// `E_g3[ tau_g1(Q) P(T | Q, g2) ]`, one-step: the plug-in, the residuals of the effect in g1 and those of the treatment in g2, both
    /// with Q as in g3.
    pub fn delta(&self, g1: Of, g2: Of, g3: Of) -> Result<Estimate, DecomposeError> {
        let c = self.fits.contrast;
        let (effect, prevalence) = (self.of(g1), self.of(g2));
        let (tau, p, contrast, treated) = (&effect.tau, &prevalence.p, &self.contrast, &self.t.treated);
        let (rows1, rows2, rows3) = (g1.rows(c), g2.rows(c), g3.rows(c));
        let (by1, by2) = (self.moved(g1, g3)?, self.moved(g2, g3)?);
        let n = c.n() as f64;
        let sum3: f64 = rows3.clone().map(|i| c.w[i]).sum();
        let plug = |i: usize| tau[i] * p[i];
        let of_effect = |i: usize| (contrast[i] - tau[i]) * p[i];
        let of_treatment = |i: usize| (treated[i] - p[i]) * tau[i];
        let d = rows3.clone().map(|i| c.w[i] * plug(i)).sum::<f64>() / sum3;
        let d1 = rows1.clone().map(|i| by1.w[i] * of_effect(i)).sum::<f64>() / by1.sum;
        let d2 = rows2.clone().map(|i| by2.w[i] * of_treatment(i)).sum::<f64>() / by2.sum;
        let value = d + d1 + d2;
        // The package centres all three terms by their sum at once, in the units of g3.
        let centres = if self.t.eif_only { (value, 0.0, 0.0) } else { (d, d1, d2) };
        let mut influence = vec![0.0; c.n()];
        rows3.clone().for_each(|i| influence[c.unit(i)] += n * c.w[i] * (plug(i) - centres.0) / sum3);
        rows1.clone().for_each(|i| influence[c.unit(i)] += n * by1.w[i] * (of_effect(i) - centres.1) / by1.sum);
        rows2.clone().for_each(|i| influence[c.unit(i)] += n * by2.w[i] * (of_treatment(i) - centres.2) / by2.sum);
        if self.t.eif_only {
            return Ok(Estimate { value, influence });
        }

        let (only1, only2, only3) = (std::slice::from_ref(&rows1), std::slice::from_ref(&rows2), std::slice::from_ref(&rows3));
        let total = |parts: [Vec<f64>; 3]| -> Vec<f64> {
            let [mut sum, two, three] = parts;
            sum.iter_mut().zip(two.iter().zip(&three)).for_each(|(s, (b, c))| *s += b + c);
            sum
        };
        // What moves the effect's coefficients: its own residuals, and through I_1 - I_0 the models of treatment and outcome.
        let m = &effect.m;
        let gradient = total([
            m.weighted_sum(only3, None, |i| c.w[i] * p[i] / sum3),
            m.weighted_sum(only1, None, |i| -by1.w[i] * p[i] / by1.sum),
            m.weighted_sum(only2, None, |i| by2.w[i] * (treated[i] - p[i]) / by2.sum),
        ]);
        add_score_influence(c, m, &effect.effect, &gradient, contrast, &c.w, &mut influence);
        let lambda = effect.effect.solve(&gradient);
        let mut kappa = vec![0.0; c.y.len()];
        rows1.clone().for_each(|i| kappa[i] = by1.w[i] * p[i] / by1.sum + c.w[i] * m.dot(i, &lambda, None));
        self.t.carry(1, 1.0, &kappa, &mut influence);
        self.t.carry(0, -1.0, &kappa, &mut influence);

        let m = &prevalence.m;
        let slope = |i: usize| p[i] * (1.0 - p[i]);
        let gradient = total([
            m.weighted_sum(only3, None, |i| c.w[i] * tau[i] * slope(i) / sum3),
            m.weighted_sum(only1, None, |i| by1.w[i] * (contrast[i] - tau[i]) * slope(i) / by1.sum),
            m.weighted_sum(only2, None, |i| -by2.w[i] * tau[i] * slope(i) / by2.sum),
        ]);
        add_score_influence(c, m, &prevalence.prevalence, &gradient, treated, &c.w, &mut influence);

        let pooled = self.fits.matrix(FittedIn::Pooled, self.given, GroupTerms::Without)?;
        let member = |toward: Toward| -> Vec<f64> {
            match toward {
                Toward::Index => c.r.clone(),
                Toward::Reference => c.r.iter().map(|r| 1.0 - r).collect(),
            }
        };
        if let Some((group, toward)) = &by1.model {
            let gradient = pooled.weighted_sum(only1, None, |i| by1.w[i] * (of_effect(i) - d1) / by1.sum);
            add_score_influence(c, &pooled, &group.fit, &gradient, &member(*toward), &group.w, &mut influence);
        }
        if let Some((group, toward)) = &by2.model {
            let gradient = pooled.weighted_sum(only2, None, |i| by2.w[i] * (of_treatment(i) - d2) / by2.sum);
            add_score_influence(c, &pooled, &group.fit, &gradient, &member(*toward), &group.w, &mut influence);
        }
        Ok(Estimate { value, influence })
    }
}

impl<'a> InGroup<'a> {
    fn new(fits: &Fits<'a>, t: &Treatment<'_, 'a>, given: BlockSet, of: Of, contrast: &[f64]) -> Result<Self, DecomposeError> {
        let c = fits.contrast;
        let m = fits.matrix(of.fitted_in(), given, GroupTerms::Without)?;
        let (name, column) = (of.name(), t.column);
        let effect = glm::fit(&m, Family::Gaussian, contrast, &c.w)
            .map_err(|e| no_fit(fits, column, &format!("the model of the effect given Q in {name} units"), &e))?;
        let prevalence = glm::fit(&m, Family::Binomial, &t.treated, &c.w)
            .map_err(|e| no_fit(fits, column, &format!("the model of the treatment given Q in {name} units"), &e))?;
        let (unknown, by_term) = effect.unsupported(&m, &c.rows(), &c.w);
        if unknown > 0 {
            return Err(fits.no_support(of.fitted_in(), given, unknown, &by_term, &m));
        }
        let by_row = |f: &dyn Fn(usize) -> f64| {
            let mut out = vec![0.0; c.y.len()];
            c.units().for_each(|i| out[i] = f(i));
            out
        };
        let tau = by_row(&|i| m.dot(i, &effect.beta, None));
        let p = by_row(&|i| Family::Binomial.mean(m.dot(i, &prevalence.beta, None)));
        Ok(Self { m, effect, tau, prevalence, p })
    }
}
