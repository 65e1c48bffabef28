//! Fairlie's nonlinear decomposition without its simulation: the two groups matched rank for rank by predicted outcome, and the
//! reference units' values turned into the index units' player by player.
//!
//! `V(T) = sum over pairs m_ij F(b0 + index unit's parts in T + reference unit's parts elsewhere)`, with `V(all) - V(none)` the
//! explained part of the two-fold decomposition with these coefficients (METHODS 4.6; Fairlie (2005) J. Econ. Soc. Meas. 30).
//! The random matchings of Stata's `fairlie` scatter around these values.

mod game;
mod influence;
mod random;

use super::attribution::rules_of;
use super::coupling::{Pair, Ranked, couple};
use super::fits::{Fits, FittedIn, GroupTerms};
use super::kob::algebra::{Coefficients as Star, Covariates, Influences, Model, Side, Space};
use super::moments::{group_means, outcome_sd};
use super::oaxaca::Coefficients;
use super::{Component, DecomposeError, Decomposition, Detail, Draft, Fact, Method, Part, Row, row};
use crate::design::{Contrast, Design};
use crate::estimate::Estimate;
use crate::linalg::accumulate;
use crate::vocab::{Family, Role};
use game::{Game, Rule};
use influence::balance;
use std::ops::Range;

/// Settings of `fairlie`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fairlie {
    /// `Reference`, `Index` or `Pooled`.
    pub coefficients: Coefficients,
    /// Contributions in the study's order rather than averaged over all orders.
    pub sequential: bool,
    /// Random matchings, for the classical version.
    pub reps: Option<u32>,
    /// The order of blocks. Empty: that of the study file.
    pub sequence: Vec<usize>,
}

impl Default for Fairlie {
    fn default() -> Self {
        Self { coefficients: Coefficients::Reference, sequential: false, reps: None, sequence: Vec::new() }
    }
}

/// A variable: what it stands for in tables, and its columns among those of the comparison.
struct Variable {
    name: String,
    role: Role,
    columns: Vec<usize>,
}

/// Everything but the coefficients' values.
struct Setting<'a> {
    c: &'a Contrast<'a>,
    x: &'a Covariates<'a>,
    variables: Vec<Variable>,
    game: Game,
}

/// The coupling at some coefficients.
#[derive(Clone)]
struct Matched {
    base: f64,
    /// By row of the design: the parts of the linear predictor, by variable.
    parts: Vec<Vec<f64>>,
    reference: Ranked,
    index: Ranked,
    pairs: Vec<Pair>,
}

impl Method for Fairlie {
    fn name(&self) -> &'static str {
        "fairlie"
    }

    fn refuses(&self, _family: Family) -> Option<String> {
        None
    }

    fn seed(&self) -> Option<u64> {
        self.reps.map(|_| random::SEED)
    }

    fn refuses_weights(&self) -> Option<&'static str> {
        self.reps.map(|_| "random matchings (`reps`) pair units one to one and have no place for weights; without `reps` weights are exact")
    }

    fn decompose(&self, fits: &Fits<'_>) -> Result<Decomposition, DecomposeError> {
        let c = fits.contrast;
        let family = c.design.family;
        let x = Covariates::new(fits, family)?;
        let (fitted_in, terms) = match self.coefficients {
            Coefficients::Index => (FittedIn::Index, GroupTerms::Without),
            Coefficients::Pooled => (FittedIn::Pooled, GroupTerms::Main),
            _ => (FittedIn::Reference, GroupTerms::Without),
        };
        let model = Model::new(fits, fitted_in, terms, family, &x.columns)?;
        model.supports_both_groups(fits)?;
        let setting = self.setting(c, &x);
        let (game, players) = (&setting.game, setting.game.players.len());
        let b = model.beta();
        let matched = setting.matched(&b);

        // The total is that of two means of predictions, with its exact influences.
        let influences = Influences(&x);
        let star = Star::of(&model);
        let total = influences.predicted(Side::Index, &star).minus(&influences.predicted(Side::Reference, &star));
        let mut outputs = setting.influences(&matched, &b, &model);
        balance(&mut outputs, players, &total, game);

        let sets = setting.values_of_sets(&matched);
        let fair = setting.has_allowables();
        let order = self.order(c.design, fair);
        let rules = rules_of(&sets, players, &order);
        let means = group_means(c);
        let gap = means.index.minus(&means.reference);
        let zero = Estimate::constant(0.0, c.n());
        let allowable = if fair { outputs[0].clone() } else { zero };
        let mut rows = vec![
            row(Part::Gap, Component::Total, gap.clone()),
            row(Part::Allowable, Component::Total, allowable.clone()),
            row(Part::Explained, Component::Total, total.minus(&allowable)),
        ];
        let shift = usize::from(fair);
        for k in shift..players {
            let component = Component::Block(setting.block_of(k));
            rows.push(Row { part: Part::Explained, component, estimate: outputs[k].clone(), rules: Some(rules[k]), classical: None });
        }
        rows.push(row(Part::Unexplained, Component::Total, gap.minus(&total)));
        let mut draft = Draft { rows, detail: setting.detail(&outputs), ..Draft::default() };
        facts(&setting, &matched, &mut draft);
        if let Some(reps) = self.reps {
            setting.replace_by_random(&matched, reps, fits, &mut draft);
        }
        Decomposition::new(family.scale(), draft, outcome_sd(c))
    }
}

impl Fairlie {
    fn setting<'a>(&self, c: &'a Contrast<'a>, x: &'a Covariates<'a>) -> Setting<'a> {
        let design = c.design;
        let mut variables: Vec<Variable> = Vec::new();
        for (a, &j) in x.columns.iter().enumerate().skip(1) {
            let column = &design.columns[j];
            match variables.iter_mut().find(|v| v.name == column.variable && v.role == column.role) {
                Some(v) => v.columns.push(a),
                None => variables.push(Variable { name: column.variable.clone(), role: column.role, columns: vec![a] }),
            }
        }
        let of = |role: Role| -> Vec<usize> { (0..variables.len()).filter(|&v| variables[v].role == role).collect() };
        let mut players: Vec<Vec<usize>> = vec![of(Role::Allowable)];
        players.extend((0..design.blocks.len()).map(|k| of(Role::Block(k))));
        let fair = !players[0].is_empty();
        if !fair {
            players.remove(0);
        }
        let rule = if self.sequential { Rule::Sequential(self.order(design, fair)) } else { Rule::Shapley };
        let game = Game::new(design.family, rule, players, c.n());
        Setting { c, x, variables, game }
    }

    /// The allowables, then the blocks in the study's order.
    fn order(&self, design: &Design, fair: bool) -> Vec<usize> {
        let shift = usize::from(fair);
        let blocks: Vec<usize> = if self.sequence.is_empty() { (0..design.blocks.len()).collect() } else { self.sequence.clone() };
        (0..shift).chain(blocks.into_iter().map(|k| k + shift)).collect()
    }
}

impl Setting<'_> {
    fn has_allowables(&self) -> bool {
        self.game.players.first().and_then(|p| p.first()).is_some_and(|&v| self.variables[v].role == Role::Allowable)
    }

    fn block_of(&self, player: usize) -> usize {
        player - usize::from(self.has_allowables())
    }

    /// By row of the design: the parts of the linear predictor, by variable.
    fn parts(&self, b: &[f64]) -> Vec<Vec<f64>> {
        let mut parts: Vec<Vec<f64>> = vec![Vec::new(); self.c.y.len()];
        for i in self.c.units() {
            let row = self.c.design.x.row(i);
            parts[i] = self.variables.iter().map(|v| v.columns.iter().map(|&a| row[self.x.columns[a]] * b[a]).sum()).collect();
        }
        parts
    }

    fn matched(&self, b: &[f64]) -> Matched {
        let parts = self.parts(b);
        let key = |i: usize| b[0] + parts[i].iter().sum::<f64>();
        let ranked = |rows: Range<usize>| Ranked::new(rows, key, |i| self.c.w[i]);
        let (reference, index) = (ranked(self.c.reference()), ranked(self.c.index()));
        let pairs = couple(&reference, &index);
        Matched { base: b[0], parts, reference, index, pairs }
    }

    /// The contributions at some coefficients.
    fn values(&self, m: &Matched) -> Vec<f64> {
        let map = |chunk: Range<usize>| {
            let mut s = self.game.scratch();
            let (mut out, mut sum) = (vec![0.0; self.game.outputs()], vec![0.0; self.game.outputs()]);
            for p in &m.pairs[chunk] {
                self.game.contributions(m.base, m.of_reference(p), m.of_index(p), &mut s, &mut out);
                sum.iter_mut().zip(&out).for_each(|(a, o)| *a += p.mass * o);
            }
            sum
        };
        self.sum_over_pairs(m, map, self.game.outputs())
    }

    fn values_of_sets(&self, m: &Matched) -> Vec<f64> {
        let sets = 1usize << self.game.players.len();
        let map = |chunk: Range<usize>| {
            let mut s = self.game.scratch();
            let (mut out, mut sum) = (vec![0.0; sets], vec![0.0; sets]);
            for p in &m.pairs[chunk] {
                self.game.values(m.base, m.of_reference(p), m.of_index(p), &mut s, &mut out);
                sum.iter_mut().zip(&out).for_each(|(a, o)| *a += p.mass * o);
            }
            sum
        };
        self.sum_over_pairs(m, map, sets)
    }

    fn sum_over_pairs(&self, m: &Matched, map: impl Fn(Range<usize>) -> Vec<f64> + Sync + Send, n: usize) -> Vec<f64> {
        let all = 0..m.pairs.len();
        accumulate(std::slice::from_ref(&all), map, |total: &mut Vec<f64>, part| {
            total.iter_mut().zip(part).for_each(|(t, p)| *t += p);
        })
        .unwrap_or_else(|| vec![0.0; n])
    }

    fn detail(&self, outputs: &[Estimate]) -> Vec<Detail> {
        if !self.game.in_detail {
            return Vec::new();
        }
        let design = self.c.design;
        let one = |v: &Variable, estimate: &Estimate| {
            let column = if let [a] = v.columns.as_slice() { Some(self.x.columns[*a]) } else { None };
            Detail {
                part: if v.role == Role::Allowable { Part::Allowable } else { Part::Explained },
                role: v.role,
                term: column.map_or_else(|| v.name.clone(), |j| design.columns[j].term.clone()),
                variable: v.name.clone(),
                level: column.and_then(|j| design.columns[j].level.clone()),
                column,
                covariate: Vec::new(),
                estimate: estimate.clone(),
                classical: None,
            }
        };
        self.variables.iter().zip(&outputs[self.game.players.len()..]).map(|(v, e)| one(v, e)).collect()
    }

    /// Puts the averages of random matchings in place of the exact values, which become facts beside them.
    fn replace_by_random(&self, m: &Matched, reps: u32, fits: &Fits<'_>, draft: &mut Draft) {
        let random = random::matched(&self.game, m.base, &m.parts, &m.reference, &m.index, reps);
        let players = self.game.players.len();
        let fair = self.has_allowables();
        let explained: f64 = random.value[usize::from(fair)..players].iter().sum();
        let allowable = if fair { random.value[0] } else { 0.0 };
        let blocks = &fits.contrast.design.blocks;
        for r in &mut draft.rows {
            let (value, noise) = match (r.part, r.component) {
                (Part::Allowable, Component::Total) => (allowable, if fair { random.mc_se[0] } else { 0.0 }),
                (Part::Explained, Component::Total) => (explained, f64::NAN),
                (Part::Explained, Component::Block(k)) => (random.value[k + usize::from(fair)], random.mc_se[k + usize::from(fair)]),
                (Part::Unexplained, Component::Total) => (r.estimate.value + total_of(&self.values(m), players) - explained - allowable, f64::NAN),
                _ => continue,
            };
            let name = match r.component {
                Component::Block(k) => blocks[k].as_str(),
                _ => "total",
            };
            let mut message = format!(
                "exact value of {}, {name}: that of the whole groups matched, which random matchings of samples approach but for terms of order 1/n",
                r.part.name()
            );
            if noise.is_finite() {
                message.push_str(&format!("; Monte-Carlo standard error of their average {noise:.2e}"));
            }
            draft.facts.push(Fact::informs("fairlie_exact", Some(r.estimate.value), message));
            r.estimate.value = value;
        }
        for (v, d) in draft.detail.iter_mut().enumerate() {
            d.estimate.value = random.value[players + v];
        }
    }
}

/// Ties, and variables that were left out.
fn facts(setting: &Setting<'_>, matched: &Matched, draft: &mut Draft) {
    let ties = [("reference", matched.reference.ties()), ("index", matched.index.ties())];
    for (group, share) in ties {
        draft.facts.push(Fact::informs(
            "fairlie_ties_share",
            Some(share),
            format!("share of the {group} group whose predicted outcome others of the group have too; ties are matched in the order of rows"),
        ));
    }
    if !setting.game.in_detail {
        let (players, largest) = (setting.game.players.len(), setting.game.players.iter().map(Vec::len).max().unwrap_or(0));
        let message = format!(
            "contributions of single variables are left out: orders within blocks of up to {largest} variables, for every set of {players} blocks (the \
             allowables count as one), are too many for this many rows; `attribution: sequential` has them"
        );
        draft.facts.push(Fact::informs("fairlie_variables", None, message));
    }
}

fn total_of(values: &[f64], players: usize) -> f64 {
    values[..players].iter().sum()
}

impl Matched {
    /// The share of a pair in its reference unit, and in its index unit.
    fn shares(&self, p: &Pair) -> (f64, f64) {
        (p.mass * self.reference.total / self.reference.mass[p.reference], p.mass * self.index.total / self.index.mass[p.index])
    }

    fn of_reference(&self, p: &Pair) -> &[f64] {
        &self.parts[self.reference.rows[p.reference]]
    }

    fn of_index(&self, p: &Pair) -> &[f64] {
        &self.parts[self.index.rows[p.index]]
    }
}
