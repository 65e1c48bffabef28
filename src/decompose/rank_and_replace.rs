//! Rank and replace: the health-care disparity in the sense of the Institute of Medicine (Cook, McGuire, Meara & Zaslavsky 2009,
//! Health Serv. Outcomes Res. Methodol. 9, 1-21; METHODS 4.8).
//!
//! One model of both groups, with the group indicator. The index group's distribution of the need index `s = x_need'b` is replaced
//! by the reference group's, rank for rank, while everything else, and with it what travels with socioeconomic position, stays:
//! the disparity is `E_1 F(o + Q_0(U)) - mean_reference`, `o` the rest of the linear predictor and `U` the unit's rank of need in its
//! group. Ranks are matched as intervals, not at their middle: an index unit takes the mean over the reference units that its
//! own weight meets, so a weight of 2 is the same as two rows (mid-ranks are not, and differ by terms of order 1/n).
//! `combined` first weights index units by the odds of the reference group given need (Cook et al., propensity and rank).

use super::coupling::{Held, Pair, Ranked, couple, gradient};
use super::fits::Fits;
use super::kob::algebra::Side;
use super::mediated::Pooled;
use super::moments::{add_score_influence, group_means, outcome_sd};
use super::{Component, DecomposeError, Decomposition, Draft, Fact, Method, Part, row};
use crate::design::Contrast;
use crate::estimate::Estimate;
use crate::model::{INTERCEPT, ModelMatrix, Term, glm};
use crate::vocab::{BlockSet, Family, Role};
use std::ops::Range;

/// Settings of `rank_and_replace`.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct RankAndReplace {
    /// Variables that stand for need; empty: the allowables.
    pub need: Vec<String>,
    /// Weight index units toward the reference group's need before ranks are replaced.
    pub combined: bool,
}

impl Method for RankAndReplace {
    fn name(&self) -> &'static str {
        "rank_and_replace"
    }

    fn refuses(&self, _family: Family) -> Option<String> {
        None
    }

    fn decompose(&self, fits: &Fits<'_>) -> Result<Decomposition, DecomposeError> {
        let c = fits.contrast;
        let family = c.design.family;
        let pooled = Pooled::new(fits, BlockSet::all(c.design.blocks.len()), family)?;
        let need: Vec<bool> = pooled.m.terms.iter().map(|t| self.is_need(c, *t)).collect();
        let weights = if self.combined { Some(Propensity::new(fits, &pooled.m, &need)?) } else { None };
        let setting = Setting { c, m: &pooled.m, need, family };

        let beta = &pooled.fit.beta;
        let own = weights.as_ref().map_or_else(|| c.w.clone(), |p| p.weights(c));
        let replaced = setting.replaced(beta, &own);
        let felt = setting.felt(&replaced);
        let mut influence = setting.sampling_influence(&replaced, &felt);
        let by_coefficient = gradient(beta, &pooled.fit.vcov(), 1, |moved, held| {
            vec![if held == Held::Nothing { setting.replaced(moved, &own).value } else { setting.value(moved, &replaced) }]
        });
        let gradient: Vec<f64> = by_coefficient.iter().map(|g| g[0]).collect();
        add_score_influence(c, &pooled.m, &pooled.fit, &gradient, &c.y, &c.w, &mut influence);
        if let Some(p) = &weights {
            // The weights are odds: the logarithm of one moves by -x with the coefficients.
            let index = std::slice::from_ref(&replaced.index_rows);
            let by_row = setting.by_row(&replaced, &felt.index);
            let gradient = p.m.weighted_sum(index, None, |i| -by_row[i]);
            add_score_influence(c, &p.m, &p.fit, &gradient, &c.r, &c.w, &mut influence);
        }
        let counterfactual = Estimate { value: replaced.value, influence };

        let means = group_means(c);
        let zero = Estimate::constant(0.0, c.n());
        let rows = vec![
            row(Part::Gap, Component::Total, means.index.minus(&means.reference)),
            row(Part::Allowable, Component::Total, means.index.minus(&counterfactual)),
            row(Part::Explained, Component::Total, zero),
            row(Part::Unexplained, Component::Total, counterfactual.minus(&means.reference)),
        ];
        let mut draft = Draft { rows, ..Draft::default() };
        for (group, ranked) in [("reference", &replaced.reference), ("index", &replaced.index)] {
            draft.facts.push(Fact::informs(
                "rank_and_replace_ties_share",
                Some(ranked.ties()),
                format!("share of the {group} group whose need index others of the group have too; ties are ranked in the order of rows"),
            ));
        }
        let fitted: f64 = c.index().map(|i| c.w[i] * family.mean(pooled.m.dot(i, beta, None))).sum::<f64>() / c.index().map(|i| c.w[i]).sum::<f64>();
        draft.facts.push(Fact::informs(
            "rank_and_replace_misfit",
            Some(means.index.value - fitted),
            "mean outcome of the index group less its mean prediction without replacement: 0 with a canonical link".to_owned(),
        ));
        Decomposition::new(family.scale(), draft, outcome_sd(c))
    }
}

impl RankAndReplace {
    fn is_need(&self, c: &Contrast<'_>, term: Term) -> bool {
        let Term::Column(j) = term else { return false };
        let column = &c.design.columns[j];
        if let (Some((a, b)), false) = (&column.product, self.need.is_empty()) {
            // A product is of need if both its parts are.
            let of_need = |term: &String| c.design.columns.iter().any(|c| c.term == *term && self.need.contains(&c.variable));
            return of_need(a) && of_need(b);
        }
        match column.role {
            Role::Intercept | Role::Group => false,
            role if self.need.is_empty() => role == Role::Allowable,
            _ => self.need.contains(&column.variable),
        }
    }
}

struct Setting<'s, 'a> {
    c: &'s Contrast<'a>,
    m: &'s ModelMatrix<'a>,
    /// By term of the model: whether it is of need.
    need: Vec<bool>,
    family: Family,
}

/// The index group with the reference group's need, at some coefficients and weights.
struct Replaced {
    value: f64,
    reference: Ranked,
    index: Ranked,
    pairs: Vec<Pair>,
    /// By row of the design: the linear predictor without need.
    rest: Vec<f64>,
    index_rows: Range<usize>,
}

impl Setting<'_, '_> {
    /// `w` by row of the design: weights of the ranks and of the mean over index units.
    fn replaced(&self, beta: &[f64], w: &[f64]) -> Replaced {
        let c = self.c;
        let (need, rest) = self.predictors(beta);
        let reference = Ranked::new(Side::Reference.rows(c), |i| need[i], |i| c.w[i]);
        let index = Ranked::new(Side::Index.rows(c), |i| need[i], |i| w[i]);
        let pairs = couple(&reference, &index);
        let value = pairs.iter().map(|p| p.mass * self.family.mean(rest[index.rows[p.index]] + reference.keys[p.reference])).sum();
        Replaced { value, reference, index, pairs, rest, index_rows: c.index() }
    }

    /// By row of the design: the need index, and the rest of the linear predictor.
    fn predictors(&self, beta: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let c = self.c;
        let (mut need, mut rest) = (vec![0.0; c.y.len()], vec![0.0; c.y.len()]);
        for i in c.units() {
            for ((t, b), is_need) in self.m.terms.iter().zip(beta).zip(&self.need) {
                let v = self.m.value(i, *t, None) * b;
                if *is_need {
                    need[i] += v;
                } else {
                    rest[i] += v;
                }
            }
        }
        (need, rest)
    }

    /// What one unit more would add, by unit in sorted order: see [`super::coupling`]. The value moves with the reference group
    /// through its need keys alone, so its units have the shift and nothing else.
    fn felt(&self, r: &Replaced) -> Felt {
        let mut slope = vec![0.0; r.reference.len()];
        let (mut own, mut met) = (vec![0.0; r.index.len()], vec![0.0; r.index.len()]);
        for p in &r.pairs {
            let eta = r.eta(p);
            slope[p.reference] += p.mass * r.reference.total / r.reference.mass[p.reference] * self.family.slope(eta);
            own[p.index] += p.mass * r.index.total / r.index.mass[p.index] * self.family.mean(eta);
        }
        let shift = r.reference.shift(&slope);
        for p in &r.pairs {
            met[p.index] += p.mass * r.index.total / r.index.mass[p.index] * shift[p.reference];
        }
        let mean = (0..r.index.len()).map(|p| r.index.mass[p] * (own[p] + met[p])).sum::<f64>() / r.index.total;
        Felt { reference: shift.iter().map(|s| -s).collect(), index: own.iter().zip(&met).map(|(o, m)| o + m - mean).collect() }
    }

    fn sampling_influence(&self, r: &Replaced, felt: &Felt) -> Vec<f64> {
        let (c, n) = (self.c, self.c.n() as f64);
        let mut influence = vec![0.0; c.n()];
        for (group, felt) in [(&r.reference, &felt.reference), (&r.index, &felt.index)] {
            for (p, f) in felt.iter().enumerate() {
                influence[c.unit(group.rows[p])] = n * group.mass[p] / group.total * f;
            }
        }
        influence
    }

    /// A figure of index units in sorted order times their share of the weight, by row of the design.
    fn by_row(&self, r: &Replaced, of_index: &[f64]) -> Vec<f64> {
        let mut out = vec![0.0; self.c.y.len()];
        for (p, f) in of_index.iter().enumerate() {
            out[r.index.rows[p]] = r.index.mass[p] / r.index.total * f;
        }
        out
    }

    /// The mean at other coefficients and the same pairs.
    fn value(&self, beta: &[f64], r: &Replaced) -> f64 {
        let (need, rest) = self.predictors(beta);
        let of = |p: &Pair| self.family.mean(rest[r.index.rows[p.index]] + need[r.reference.rows[p.reference]]);
        r.pairs.iter().map(|p| p.mass * of(p)).sum()
    }
}

struct Felt {
    reference: Vec<f64>,
    index: Vec<f64>,
}

impl Replaced {
    fn eta(&self, p: &Pair) -> f64 {
        self.rest[self.index.rows[p.index]] + self.reference.keys[p.reference]
    }
}

/// The logistic model of group membership given need, which makes the index group's need look like the reference group's.
struct Propensity<'a> {
    m: ModelMatrix<'a>,
    fit: glm::Fit,
}

impl<'a> Propensity<'a> {
    fn new(fits: &Fits<'a>, model: &ModelMatrix<'a>, need: &[bool]) -> Result<Self, DecomposeError> {
        let c = fits.contrast;
        let mut terms = vec![Term::Column(INTERCEPT)];
        terms.extend(model.terms.iter().zip(need).filter(|(_, n)| **n).map(|(t, _)| *t));
        let failed = |e: crate::model::FitError| DecomposeError::GroupFit { blocks: "need alone".to_owned(), reason: e.of("the group") };
        let m = ModelMatrix::new(c.design.x.view(), terms, c.rows()).map_err(failed)?;
        let fit = glm::fit(&m, Family::Binomial, &c.r, &c.w).map_err(failed)?;
        Ok(Self { m, fit })
    }

    /// Index units' weights times the odds of the reference group.
    fn weights(&self, c: &Contrast<'_>) -> Vec<f64> {
        let mut w = c.w.clone();
        for i in c.index() {
            w[i] *= (-self.m.dot(i, &self.fit.beta, None)).exp();
        }
        w
    }
}
