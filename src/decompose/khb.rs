//! Karlson, Holm and Breen: how much smaller the group's logit or probit coefficient becomes when the blocks enter, on one scale.
//!
//! The reduced model holds the covariates less what group and allowables say of them: it has the linear predictor, and so the
//! scale, of the full model, and its group coefficient is `full + sum_j Gamma_j gamma_j` (Karlson, Holm & Breen (2012) Sociol.
//! Methodol. 42, eq. 11; METHODS 3.5). No second fit is needed. Average partial effects multiply every coefficient by the mean
//! slope of the link, which both models share.

use super::fits::Fits;
use super::mediated::{Mediated, Pooled};
use super::moments::{add_score_influence, mean_over};
use super::{Component, DecomposeError, Decomposition, Detail, Draft, Fact, Method, Part, Row, StdErrors, row};
use crate::estimate::Estimate;
use crate::vocab::{BlockSet, Family, Role, Scale};

/// Settings of `khb`.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Khb {
    pub se: StdErrors,
    /// Average partial effects in place of coefficients.
    pub ape: bool,
}

impl Method for Khb {
    fn name(&self) -> &'static str {
        "khb"
    }

    fn refuses(&self, family: Family) -> Option<String> {
        if !family.is_binomial() {
            return Some(format!("it compares logit or probit coefficients; the outcome is {}", family.name()));
        }
        (self.ape && self.se == StdErrors::Classical)
            .then(|| "average partial effects have no classical formula: `se: influence` has errors for them".to_owned())
    }

    fn classical_errors(&self) -> bool {
        self.se == StdErrors::Classical
    }

    fn scale(&self, family: Family) -> Scale {
        match (self.ape, family) {
            (true, _) => family.scale(),
            (false, Family::Probit) => Scale::ProbitIndex,
            (false, _) => Scale::LogOdds,
        }
    }

    fn decompose(&self, fits: &Fits<'_>) -> Result<Decomposition, DecomposeError> {
        let c = fits.contrast;
        let family = c.design.family;
        let k = c.design.blocks.len();
        let naive = Pooled::new(fits, BlockSet::NONE, family)?;
        let long = Pooled::new(fits, BlockSet::all(k), family)?;
        let mediated = Mediated::new(fits, &naive, &long)?;
        let role = |j: usize| c.design.columns[j].role;
        let all = mediated.terms(|j| matches!(role(j), Role::Block(_)));
        let explained = mediated.delta(&all)?;
        let full = long.group(c);
        let reduced = full.plus(&explained.estimate);
        // The reduced coefficient as a linear combination of the full model's, at given first-stage coefficients.
        let mut combination = vec![0.0; long.fit.beta.len()];
        all.iter().filter(|&&t| long.fit.is_estimated(t)).for_each(|&t| combination[t] = mediated.gamma[t]);
        combination[super::mediated::GROUP_TERM] = 1.0;

        let with = |part, component, estimate: Estimate, classical: f64| Row { classical: Some(classical), ..row(part, component, estimate) };
        let mut rows = vec![
            with(Part::Gap, Component::Total, reduced.clone(), long.variance(&combination).max(0.0).sqrt()),
            with(Part::Allowable, Component::Total, Estimate::constant(0.0, c.n()), 0.0),
            with(Part::Explained, Component::Total, explained.estimate, explained.classical),
        ];
        for b in 0..k {
            let d = mediated.delta(&mediated.terms(|j| role(j) == Role::Block(b)))?;
            rows.push(with(Part::Explained, Component::Block(b), d.estimate, d.classical));
        }
        rows.push(with(Part::Unexplained, Component::Total, full, long.classical()));
        let mut detail = mediated.by_variable(Part::Explained)?;
        if self.ape {
            let slope = mean_slope(fits, &long);
            rows.iter_mut().for_each(|r| *r = row(r.part, r.component, r.estimate.times(&slope)));
            detail.iter_mut().for_each(|d: &mut Detail| (d.estimate, d.classical) = (d.estimate.times(&slope), None));
        }
        let scale = self.scale(family);
        let rescaling = reduced.value / naive.fit.beta[super::mediated::GROUP_TERM];
        let facts = vec![
            Fact::informs(
                "khb_naive_coefficient",
                Some(naive.fit.beta[super::mediated::GROUP_TERM]),
                format!("{} coefficient of the group without the blocks, on a scale of its own: not comparable with the full model's", family.link()),
            ),
            Fact::informs(
                "khb_rescaling_factor",
                Some(rescaling).filter(|v| v.is_finite()),
                "reduced over naive coefficient: how much of a change in the naive coefficient is a change of scale".to_owned(),
            ),
        ];
        // The yardstick of rounding is a coefficient here, not an outcome.
        Decomposition::new(scale, Draft { rows, detail, facts, ..Draft::default() }.with_errors(self.se), reduced.value.abs())
    }
}

/// The mean slope of the link over both groups.
fn mean_slope(fits: &Fits<'_>, long: &Pooled<'_>) -> Estimate {
    let c = fits.contrast;
    let family = long.fit.family;
    let (m, beta) = (&long.m, &long.fit.beta);
    let eta = |i: usize| m.dot(i, beta, None);
    let sum: f64 = c.units().map(|i| c.w[i]).sum();
    let mut slope = mean_over(c, &c.rows(), |i| family.slope(eta(i)));
    let gradient = long.m.weighted_sum(&long.m.rows, None, |i| c.w[i] * family.bend(eta(i)) / sum);
    add_score_influence(c, &long.m, &long.fit, &gradient, &c.y, &c.w, &mut slope.influence);
    slope
}
