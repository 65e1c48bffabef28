//! Causal decomposition of a group disparity by a binary treatment (Yu & Elwert 2025; R package cdgd 1.0.1; METHODS 5.6):
//! who is treated, what the treatment does for each group, and whether those are treated whom it helps most.
//!
//! With a the reference and b the index group, `tau` the effect of treatment and `psi(t, g) = E_g(Y_t)`:
//! baseline `psi(0,b) - psi(0,a)`, prevalence `E_b(tau) (P_b(T) - P_a(T))`, effect `(E_b(tau) - E_a(tau)) P_a(T)`, and selection, the
//! rest: `Cov_b(T, tau) - Cov_a(T, tau)`. Signs are index - reference: minus one times what the package prints.
//!
//! `psi(t, g)` is the mean over group g of `I_t = v_t (Y - mu_t) + mu_t`, `v_t = 1(T = t) / P(T = t | x, g)` over its mean. The nuisances are
//! parametric: a logit of the treatment on group and covariates, and an outcome model for either treatment with the outcome's own
//! link. Influences carry their estimation; the package's leave it out (`eif_only`).

use super::fits::{Fits, FittedIn, GroupTerms};
use super::moments::{add_score_influence, group_means, mean, outcome_sd};
use super::support::{Spread, TREATMENT};
use super::{Assumption, Component, DecomposeError, Decomposition, Draft, Fact, Least, Method, MethodFamily, Part, Verdict, row};
use crate::design::{Contrast, Design};
use crate::estimate::{Estimate, Sampling};
use crate::model::{FitError, ModelMatrix, glm};
use crate::vocab::{BlockSet, Family, read_number};
use std::ops::Range;

mod conditional;

const PREVALENCE: Component = Component::Named("prevalence");
const EFFECT: Component = Component::Named("effect");
const SELECTION: Component = Component::Named("selection");
const Q_DISTRIBUTION: Component = Component::Named("q_distribution");

/// Settings of `cdgd`.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Cdgd {
    /// Column of the treatment, 0 or 1.
    pub treatment: String,
    /// The blocks that, beside the allowables, prevalence, effect and selection are taken given; `None`: the unconditional version.
    pub given: Option<BlockSet>,
    /// Errors from the efficient influence function alone, as R cdgd has them: the models' own estimation is left out.
    pub eif_only: bool,
}

/// One of the two groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Of {
    Reference,
    Index,
}

impl Of {
    fn rows(self, c: &Contrast<'_>) -> Range<usize> {
        match self {
            Self::Reference => c.reference(),
            Self::Index => c.index(),
        }
    }

    fn fitted_in(self) -> FittedIn {
        match self {
            Self::Reference => FittedIn::Reference,
            Self::Index => FittedIn::Index,
        }
    }

    fn name(self) -> &'static str {
        self.fitted_in().name()
    }
}

impl Method for Cdgd {
    fn name(&self) -> &'static str {
        "cdgd"
    }

    fn family(&self) -> MethodFamily {
        MethodFamily::Treatment
    }

    fn refuses(&self, _family: Family) -> Option<String> {
        None
    }

    fn components(&self, part: Part, _n_blocks: usize) -> Vec<Component> {
        match (part, self.given) {
            (Part::Explained, None) => vec![PREVALENCE, EFFECT, SELECTION],
            (Part::Explained, Some(_)) => vec![PREVALENCE, EFFECT, SELECTION, Q_DISTRIBUTION],
            _ => Vec::new(),
        }
    }

    fn assumptions(&self, design: &Design) -> Vec<Assumption> {
        let all = design.blocks.join(", ");
        let t = &self.treatment;
        vec![
            Assumption {
                name: "exchangeability",
                text: format!(
                    "within a group, who has {t} is unrelated to what the outcome would be with and without it, given the allowables and {all}"
                ),
            },
            Assumption { name: "positivity", text: format!("in both groups units with any values of these variables may or may not have {t}") },
            Assumption {
                name: "consistency",
                text: format!("{t} is well defined, and that of one unit does not change the outcome of another (capacity, for one)"),
            },
            Assumption { name: "timing", text: format!("the allowables and {all} come before {t}: what it changes must not be among them") },
        ]
    }

    fn decompose(&self, fits: &Fits<'_>) -> Result<Decomposition, DecomposeError> {
        let c = fits.contrast;
        let t = Treatment::new(fits, &self.treatment, self.eif_only)?;
        let means = group_means(c);
        let gap = means.index.minus(&means.reference);
        let psi = |arm: usize, of: Of| t.potential_mean(arm, of);
        let (without_a, without_b) = (psi(0, Of::Reference), psi(0, Of::Index));
        let baseline = without_b.minus(&without_a);
        let explained = gap.minus(&baseline);
        let share = |of: Of| mean(c, &of.rows(c), |i| t.treated[i]);
        let (treated_a, treated_b) = (share(Of::Reference), share(Of::Index));

        let mut components;
        let reduced;
        match self.given {
            None => {
                let (effect_a, effect_b) = (psi(1, Of::Reference).minus(&without_a), psi(1, Of::Index).minus(&without_b));
                let prevalence = effect_b.times(&treated_b.minus(&treated_a));
                let effect = effect_b.minus(&effect_a).times(&treated_a);
                let selection = Estimate::linear(&[(1.0, &explained), (-1.0, &prevalence), (-1.0, &effect)]);
                components = vec![(PREVALENCE, prevalence), (EFFECT, effect), (SELECTION, selection)];
                reduced = without_b.plus(&effect_b.times(&treated_a));
            }
            Some(given) => {
                let q = conditional::GivenQ::new(fits, &t, given)?;
                // delta(g1, g2, g3) = E_g3[ tau_g1(Q) P(T | Q, g2) ]
                let bab = q.delta(Of::Index, Of::Reference, Of::Index)?;
                let bbb = q.delta(Of::Index, Of::Index, Of::Index)?;
                let aaa = q.delta(Of::Reference, Of::Reference, Of::Reference)?;
                let baa = q.delta(Of::Index, Of::Reference, Of::Reference)?;
                let (prevalence, effect, distribution) = (bbb.minus(&bab), baa.minus(&aaa), bab.minus(&baa));
                let selection = Estimate::linear(&[(1.0, &explained), (-1.0, &prevalence), (-1.0, &effect), (-1.0, &distribution)]);
                components = vec![(PREVALENCE, prevalence), (EFFECT, effect), (SELECTION, selection), (Q_DISTRIBUTION, distribution)];
                reduced = without_b.plus(&bab);
            }
        }
        let mut rows = vec![
            row(Part::Gap, Component::Total, gap),
            row(Part::Allowable, Component::Total, Estimate::constant(0.0, c.n())),
            row(Part::Explained, Component::Total, explained),
        ];
        rows.extend(components.drain(..).map(|(component, e)| row(Part::Explained, component, e)));
        rows.push(row(Part::Unexplained, Component::Total, baseline));

        let least = t.least();
        let mut facts = t.facts(least);
        let change = reduced.minus(&means.index);
        let given = if self.given.is_some() { " of units with the same values of what is given" } else { "" };
        let error = Sampling::new(c.n(), c.clusters().as_deref(), 0.95).std_error(&change);
        facts.push(Fact::informs(
            "cdgd_jackson_reduction",
            Some(change.value),
            format!(
                "change of the index group's mean outcome if {} were given to its units at random, at the reference group's rate{given}; standard error {error:.6}",
                self.treatment
            ),
        ).counting(least.events.map_or(least.units, |e| least.units.min(e as usize)), None));
        Decomposition::new(c.design.family.scale(), Draft { rows, facts, least: Some(least), ..Draft::default() }, outcome_sd(c))
    }
}

/// The models of treatment and outcome, and what follows from them for every unit.
struct Treatment<'f, 'a> {
    c: &'a Contrast<'a>,
    column: &'f str,
    /// Intercept, group, allowables and all blocks, in both groups.
    m: ModelMatrix<'a>,
    /// By row of the design: 1 for treated units.
    treated: Vec<f64>,
    model: glm::Fit,
    /// Untreated, treated.
    arms: [Arm; 2],
    eif_only: bool,
}

/// The units with one treatment.
struct Arm {
    /// The outcome model.
    fit: glm::Fit,
    /// By row: weights of its fit.
    w: Vec<f64>,
    /// By row: inverse probability of this treatment for units that have it, 0 for others.
    u: Vec<f64>,
    /// Weighted mean of `u`.
    mean_u: f64,
    /// By row: derivative of `u` by the linear predictor of the treatment model.
    du: Vec<f64>,
    /// By row: what is left of the outcome after the model, and the derivative of the model's mean by its linear predictor.
    residual: Vec<f64>,
    slope: Vec<f64>,
    /// By row: `I_t`.
    potential: Vec<f64>,
}

impl<'f, 'a> Treatment<'f, 'a> {
    fn new(fits: &Fits<'a>, column: &'f str, eif_only: bool) -> Result<Self, DecomposeError> {
        let c = fits.contrast;
        let treated = treated(c, column)?;
        let all = BlockSet::all(c.design.blocks.len());
        let m = fits.matrix(FittedIn::Pooled, all, GroupTerms::Main)?;
        let model = glm::fit(&m, Family::Binomial, &treated, &c.w).map_err(|e| no_fit(fits, column, "the model of the treatment", &e))?;
        fits.told_from_the_group(&m, &model)?;
        let mut p = vec![0.0; c.y.len()];
        for i in c.units() {
            p[i] = Family::Binomial.mean(m.dot(i, &model.beta, None));
        }
        let arm = |t: f64| Arm::new(fits, column, &m, &treated, &p, t);
        let arms = [arm(0.0)?, arm(1.0)?];
        Ok(Self { c, column, m, treated, model, arms, eif_only })
    }

    /// `E_g(Y_t)`.
    fn potential_mean(&self, t: usize, of: Of) -> Estimate {
        let c = self.c;
        let rows = of.rows(c);
        let mut out = mean(c, &rows, |i| self.arms[t].potential[i]);
        if !self.eif_only {
            let sum: f64 = rows.clone().map(|i| c.w[i]).sum();
            let mut kappa = vec![0.0; c.y.len()];
            rows.for_each(|i| kappa[i] = c.w[i] / sum);
            self.carry(t, 1.0, &kappa, &mut out.influence);
        }
        out
    }

    /// Adds to the influences what the models and the mean of the weights contribute to `sign * sum_i kappa_i I_t,i`.
    fn carry(&self, t: usize, sign: f64, kappa: &[f64], influence: &mut [f64]) {
        let c = self.c;
        let a = &self.arms[t];
        let (n, sum_w) = (c.n() as f64, c.units().map(|i| c.w[i]).sum::<f64>());
        let rows = &self.m.rows;
        let through_mean = sign * c.units().map(|i| kappa[i] * a.u[i] * a.residual[i]).sum::<f64>() / a.mean_u.powi(2);
        for i in c.units() {
            influence[c.unit(i)] -= through_mean * n * c.w[i] * (a.u[i] - a.mean_u) / sum_w;
        }
        let outcome = self.m.weighted_sum(rows, None, |i| sign * kappa[i] * (1.0 - a.u[i] / a.mean_u) * a.slope[i]);
        add_score_influence(c, &self.m, &a.fit, &outcome, &c.y, &a.w, influence);
        let treatment = self.m.weighted_sum(rows, None, |i| a.du[i] * (sign * kappa[i] * a.residual[i] / a.mean_u - through_mean * c.w[i] / sum_w));
        add_score_influence(c, &self.m, &self.model, &treatment, &self.treated, &c.w, influence);
    }

    /// Units of each group with one treatment.
    fn arm(&self, of: Of, arm: usize) -> Vec<usize> {
        of.rows(self.c).filter(|&i| self.c.w[i] > 0.0 && (self.treated[i] == 1.0) == (arm == 1)).collect()
    }

    /// What the smallest group by treatment rests on.
    fn least(&self) -> Least {
        let c = self.c;
        let arms: Vec<Vec<usize>> = [0, 1].into_iter().flat_map(|t| [Of::Reference, Of::Index].map(|of| self.arm(of, t))).collect();
        let events = |rows: &Vec<usize>| {
            let (n, events) = (rows.len() as u64, rows.iter().map(|&i| c.design.y[i]).sum::<f64>() as u64);
            match c.design.family {
                Family::Gaussian => None,
                Family::Poisson => Some(events),
                Family::Binomial | Family::Probit => Some(events.min(n.saturating_sub(events))),
            }
        };
        Least { units: arms.iter().map(Vec::len).min().unwrap_or(0), events: arms.iter().filter_map(events).min() }
    }

    /// Weights of few units tell how many these are.
    fn facts(&self, least: Least) -> Vec<Fact> {
        let c = self.c;
        let t = self.column;
        let mut out = Vec::new();
        for (of, check) in [(Of::Reference, "cdgd_treated_share_reference"), (Of::Index, "cdgd_treated_share_index")] {
            let rows = of.rows(c);
            let n = rows.clone().filter(|&i| self.treated[i] == 1.0).count();
            let share = mean(c, &rows, |i| self.treated[i]).value;
            out.push(Fact::informs(check, Some(share), format!("share of {} units with {t}", of.name())).counting(n, Some(rows.len())));
        }
        let smallest = c.units().filter(|&i| c.w[i] > 0.0).fold(1.0_f64, |least, i| {
            let p = Family::Binomial.mean(self.m.dot(i, &self.model.beta, None));
            least.min(p).min(1.0 - p)
        });
        let verdict = if smallest >= SMALLEST_PROBABILITY { Verdict::Passes(SMALLEST_PROBABILITY) } else { Verdict::Warns(SMALLEST_PROBABILITY) };
        out.push(
            Fact::judged("cdgd_smallest_probability", smallest, verdict, format!("smallest modelled probability of having {t}, or of not having it"))
                .counting(least.units, None),
        );
        let weights = self.arms.iter().flat_map(|a| c.units().map(|i| a.u[i] / a.mean_u));
        let largest = weights.fold(0.0, f64::max);
        let message = "largest stabilised weight of one unit: inverse probability of its own treatment over the mean of these";
        out.push(Fact::informs("cdgd_largest_stabilised_weight", Some(largest), message).counting(least.units, None));
        for ((t_arm, arm), with) in self.arms.iter().enumerate().zip(["without", "with"]) {
            for of in [Of::Reference, Of::Index] {
                let words = format!("{} units {with} {t}, weighted by inverse probabilities", of.name());
                let spread = Spread::of(of.rows(c).map(|i| c.w[i] * arm.u[i]));
                let n = self.arm(of, t_arm).len();
                out.extend(spread.facts(["cdgd_effective_units", "cdgd_largest_weight"], &TREATMENT, &words).map(|f| f.counting(n, None)));
            }
        }
        out
    }
}

/// A smaller modelled probability of either treatment is worth a warning.
const SMALLEST_PROBABILITY: f64 = 0.01;

impl Arm {
    /// `p`: probability of treatment by row; `t`: 1 for the treated.
    fn new(fits: &Fits<'_>, column: &str, m: &ModelMatrix<'_>, treated: &[f64], p: &[f64], t: f64) -> Result<Self, DecomposeError> {
        let c = fits.contrast;
        let (family, n) = (c.design.family, c.y.len());
        let has: Vec<f64> = treated.iter().map(|v| f64::from(u8::from(*v == t))).collect();
        let w: Vec<f64> = has.iter().zip(&c.w).map(|(h, w)| h * w).collect();
        let words = if t == 1.0 { "the outcome model of treated units" } else { "the outcome model of untreated units" };
        let fit = glm::fit(m, family, &c.y, &w).map_err(|e| no_fit(fits, column, words, &e))?;
        let (unknown, by_term) = fit.unsupported(m, &m.rows, &c.w);
        if unknown > 0 {
            let terms: Vec<String> = by_term.iter().filter(|(_, n)| *n > 0).map(|(t, _)| fits.term_name(m.terms[*t])).collect();
            let reason =
                format!("{words} (`{column}`) says nothing about units with values that occur with the other treatment only: {}", terms.join(", "));
            return Err(DecomposeError::Refused { reason, help: OVERLAP });
        }
        let zero = || vec![0.0; n];
        let (mut u, mut du, mut residual, mut slope) = (zero(), zero(), zero(), zero());
        let (mut sum_u, mut sum_w) = (0.0, 0.0);
        for i in c.units() {
            let eta = m.dot(i, &fit.beta, None);
            residual[i] = c.y[i] - family.mean(eta);
            slope[i] = family.slope(eta);
            let own = if t == 1.0 { p[i] } else { 1.0 - p[i] };
            if has[i] == 1.0 {
                u[i] = 1.0 / own;
                du[i] = if t == 1.0 { -(1.0 - p[i]) / p[i] } else { p[i] / (1.0 - p[i]) };
            }
            sum_u += c.w[i] * u[i];
            sum_w += c.w[i];
        }
        let mean_u = sum_u / sum_w;
        let mut potential = zero();
        for i in c.units() {
            potential[i] = c.y[i] - residual[i] + u[i] / mean_u * residual[i];
        }
        Ok(Self { fit, w, u, mean_u, du, residual, slope, potential })
    }
}

const OVERLAP: &str = "units of both kinds are needed at every value: merge levels, leave variables out, or exclude in a step the units that always or never have the treatment";

/// A model of the treatment, or of the outcome by treatment, that has no fit.
fn no_fit(fits: &Fits<'_>, column: &str, what: &str, e: &FitError) -> DecomposeError {
    let response = if what.starts_with("the model of the treatment") { "the treatment" } else { "the outcome" };
    DecomposeError::Refused { reason: format!("{what} (`{column}`) has no fit: {}", fits.describe(e, response)), help: OVERLAP }
}

/// By row of the design: 1 for treated units.
///
/// Errors: values other than 0 and 1, or false and true; a group in which all units, or none, are treated.
fn treated(c: &Contrast<'_>, column: &str) -> Result<Vec<f64>, DecomposeError> {
    let refused = |reason: String, help: &'static str| Err(DecomposeError::Refused { reason, help });
    let Some(labels) = c.labels(column) else {
        return refused(format!("the column `{column}` was not read"), "please report it with the study file");
    };
    let value = |label: &String| match (read_number(label), label.trim().to_lowercase().as_str()) {
        (Some(0.0), _) | (None, "false") => Some(0.0),
        (Some(1.0), _) | (None, "true") => Some(1.0),
        _ => None,
    };
    let values: Vec<Option<f64>> = labels.labels.iter().map(value).collect();
    let mut out = vec![0.0; c.y.len()];
    for i in c.units() {
        let code = labels.code[i] as usize;
        match values.get(code).copied().flatten() {
            Some(v) => out[i] = v,
            None => {
                let shown: Vec<&str> = labels.labels.iter().take(5).map(String::as_str).collect();
                let more = if labels.labels.len() > 5 { ", ..." } else { "" };
                return refused(
                    format!("the treatment `{column}` is not a column of 0 and 1 (or false and true): it has {}{more}", shown.join(", ")),
                    "derive one: `cohort: { derive: { treated: \"CASE WHEN ... THEN 1 ELSE 0 END\" } }`",
                );
            }
        }
    }
    for of in [Of::Reference, Of::Index] {
        let with = |v: f64| of.rows(c).any(|i| c.w[i] > 0.0 && out[i] == v);
        if !with(1.0) || !with(0.0) {
            let which = if with(1.0) { "every" } else { "no" };
            return refused(format!("{which} {} unit has the treatment `{column}`, so nothing can be said of its effect there", of.name()), OVERLAP);
        }
    }
    Ok(out)
}
