//! Fairlie's nonlinear decomposition without its simulation: the two groups matched rank for rank by predicted outcome, and the
//! reference units' values turned into the index units' player by player.
//!
//! `V(T) = sum over pairs m_ij F(b0 + index unit's parts in T + reference unit's parts elsewhere)`, with `V(all) - V(none)` the
//! explained part of the two-fold decomposition with these coefficients (METHODS 4.6; Fairlie (2005) J. Econ. Soc. Meas. 30).
//! The random matchings of Stata's `fairlie` scatter around these values.

mod game;
mod random;

use super::attribution::rules_of;
use super::coupling::{Held, Pair, Ranked, couple, gradient, windows};
use super::fits::{Fits, FittedIn, GroupTerms};
use super::kob::algebra::{Coefficients as Star, Covariates, Influences, Model, Side, Space};
use super::moments::{coefficient_sum, group_means, outcome_sd};
use super::oaxaca::Coefficients;
use super::{Component, DecomposeError, Decomposition, Detail, Draft, Fact, Method, Part, Row, row};
use crate::design::{Contrast, Design};
use crate::estimate::Estimate;
use crate::linalg::accumulate;
use crate::vocab::{Family, Role};
use game::{Drift, Game, Outputs, Rule};
use rayon::prelude::*;
use std::ops::Range;

/// Partners on each side over which the values of a unit are averaged for its influence.
const NEIGHBOURS: usize = 16;

/// Partners on each side that are averaged where ranks are let move.
const NEAR: usize = 8;

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

/// Derivatives of the outputs by each unit's own key.
struct Meeting {
    reference: Vec<Vec<f64>>,
    index: Vec<Vec<f64>>,
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

    /// Every output with the influence of every unit on it.
    fn influences(&self, m: &Matched, b: &[f64], model: &Model<'_>) -> Vec<Estimate> {
        let c = self.c;
        let values = self.values(m);
        let meeting = self.meeting(m);
        // The smaller group's units meet the neighbourhood of their rank in the larger.
        let by_reference = m.reference.len() <= m.index.len();
        let near = |m: &Matched| if by_reference { windows(&m.reference, &m.index, NEAR) } else { windows(&m.index, &m.reference, NEAR) };
        let here = near(m);
        let game = self.game.where_ranks_move();
        let gradient = gradient(b, &model.vcov(), values.len(), |moved, held| {
            let fixed = || Matched { base: moved[0], parts: self.parts(moved), ..m.clone() };
            match held {
                Held::Pairs => self.values(&fixed()),
                Held::Ranks => self.averaged(&game, &fixed(), &here, by_reference),
                Held::Nothing => {
                    let m = self.matched(moved);
                    self.averaged(&game, &m, &near(&m), by_reference)
                }
            }
        });
        let sampled = self.sampling_influences(m, &meeting);
        let terms = |o: usize| model.by_term(&gradient.iter().map(|g| g[o]).collect::<Vec<_>>());
        let moved: Vec<Vec<f64>> = (0..values.len()).map(|o| coefficient_sum(c, &model.m, &model.fit, &terms(o)).influence).collect();
        values
            .into_iter()
            .zip(sampled)
            .zip(moved)
            .map(|((value, mut influence), moved)| {
                influence.iter_mut().zip(moved).for_each(|(i, m)| *i += m);
                Estimate { value, influence }
            })
            .collect()
    }

    /// Derivatives of the outputs by each unit's own key, averaged over its pairs; by output, in sorted order.
    fn meeting(&self, m: &Matched) -> Meeting {
        let outputs = self.game.outputs();
        let drift = Drift { index: self.drift(m, &m.index), reference: self.drift(m, &m.reference) };
        let mut out = Meeting { reference: vec![vec![0.0; m.reference.len()]; outputs], index: vec![vec![0.0; m.index.len()]; outputs] };
        let slopes: Vec<Outputs> = m
            .pairs
            .par_iter()
            .map_init(
                || self.game.scratch(),
                |s, p| {
                    let mut out = self.game.no_outputs();
                    self.game.with_slopes(m.base, m.of_reference(p), m.of_index(p), &drift, s, &mut out);
                    out
                },
            )
            .collect();
        for (p, slope) in m.pairs.iter().zip(&slopes) {
            let (of_reference, of_index) = m.shares(p);
            for o in 0..outputs {
                out.reference[o][p.reference] += of_reference * slope.by_reference[o];
                out.index[o][p.index] += of_index * slope.by_index[o];
            }
        }
        out
    }

    /// What the two samples' own error adds at fixed coefficients: see [`super::coupling`].
    fn sampling_influences(&self, m: &Matched, meeting: &Meeting) -> Vec<Vec<f64>> {
        let outputs = self.game.outputs();
        let (n0, n1) = (m.reference.len(), m.index.len());
        // Means over the partners that a unit's rank meets.
        let of_reference = means_over(&self.game, m, &windows(&m.reference, &m.index, NEIGHBOURS), true);
        let of_index = means_over(&self.game, m, &windows(&m.index, &m.reference, NEIGHBOURS), false);
        let n = self.c.n() as f64;
        (0..outputs)
            .map(|o| {
                let (shift0, shift1) = (m.reference.shift(&meeting.reference[o]), m.index.shift(&meeting.index[o]));
                // Each group's units feel how the other group's partners shift at their rank.
                let (mut met0, mut met1) = (vec![0.0; n0], vec![0.0; n1]);
                for p in &m.pairs {
                    let (a, b) = m.shares(p);
                    met0[p.reference] += a * shift1[p.index];
                    met1[p.index] += b * shift0[p.reference];
                }
                let mut influence = vec![0.0; self.c.n()];
                for (group, own, met) in [(&m.reference, &of_reference, &met0), (&m.index, &of_index, &met1)] {
                    let felt: Vec<f64> = (0..group.len()).map(|p| own[p][o] + met[p]).collect();
                    let mean = felt.iter().zip(&group.mass).map(|(f, w)| f * w).sum::<f64>() / group.total;
                    for (p, f) in felt.iter().enumerate() {
                        influence[self.c.unit(group.rows[p])] = n * group.mass[p] / group.total * (f - mean);
                    }
                }
                influence
            })
            .collect()
    }

    /// The outputs of `game` with each unit's partners averaged over a window; 0 for outputs that it leaves out.
    fn averaged(&self, game: &Game, m: &Matched, windows: &[Range<usize>], of_reference: bool) -> Vec<f64> {
        let group = if of_reference { &m.reference } else { &m.index };
        let mut out = vec![0.0; self.game.outputs()];
        for (mass, means) in group.mass.iter().zip(means_over(game, m, windows, of_reference)) {
            out.iter_mut().zip(means).for_each(|(o, v)| *o += mass / group.total * v);
        }
        out
    }

    /// Slope of each part on the key within a group: how the parts of the unit at a rank move when the rank's key moves.
    fn drift(&self, m: &Matched, group: &Ranked) -> Vec<f64> {
        let mean = |f: &dyn Fn(usize) -> f64| (0..group.len()).map(|p| group.mass[p] * f(p)).sum::<f64>() / group.total;
        let centre = mean(&|p| group.keys[p]);
        let spread = mean(&|p| (group.keys[p] - centre).powi(2));
        (0..self.game.parts)
            .map(|v| if spread > 0.0 { mean(&|p| (group.keys[p] - centre) * m.parts[group.rows[p]][v]) / spread } else { 0.0 })
            .collect()
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

/// The outputs of each unit, averaged over a window of partners.
fn means_over(game: &Game, m: &Matched, windows: &[Range<usize>], of_reference: bool) -> Vec<Vec<f64>> {
    windows
        .par_iter()
        .enumerate()
        .map_init(
            || (game.scratch(), vec![0.0; game.outputs()]),
            |(s, out), (p, window)| {
                let mut sum = vec![0.0; out.len()];
                let mut weight = 0.0;
                for q in window.clone() {
                    let (a, b) = if of_reference { (p, q) } else { (q, p) };
                    let w = if of_reference { m.index.mass[q] } else { m.reference.mass[q] };
                    game.contributions(m.base, &m.parts[m.reference.rows[a]], &m.parts[m.index.rows[b]], s, out);
                    sum.iter_mut().zip(&*out).for_each(|(t, o)| *t += w * o);
                    weight += w;
                }
                sum.iter_mut().for_each(|t| *t /= weight);
                sum
            },
        )
        .collect()
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

/// Lets influences of players sum to those of the total, and of variables to those of their player: windows and local slopes
/// leave a remainder, which is shared evenly.
fn balance(outputs: &mut [Estimate], players: usize, total: &Estimate, game: &Game) {
    let settle = |outputs: &mut [Estimate], members: &[usize], whole: &Estimate| {
        let sum = Estimate::linear(&members.iter().map(|&k| (1.0, &outputs[k])).collect::<Vec<_>>());
        let rest = 1.0 / members.len() as f64;
        for &k in members {
            for ((i, w), s) in outputs[k].influence.iter_mut().zip(&whole.influence).zip(&sum.influence) {
                *i += rest * (w - s);
            }
        }
    };
    let all: Vec<usize> = (0..players).collect();
    if all.is_empty() {
        return;
    }
    settle(outputs, &all, total);
    if game.in_detail {
        for (k, variables) in game.players.iter().enumerate() {
            let members: Vec<usize> = variables.iter().map(|v| players + v).collect();
            if !members.is_empty() {
                let whole = outputs[k].clone();
                settle(outputs, &members, &whole);
            }
        }
    }
}
