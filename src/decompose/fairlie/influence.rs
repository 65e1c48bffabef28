//! What estimating the coefficients and sampling the two groups add to the error of the matched values.

use super::game::{Drift, Game, Outputs};
use super::{Matched, Setting};
use crate::decompose::coupling::{Held, Ranked, gradient, windows};
use crate::decompose::kob::algebra::Model;
use crate::decompose::moments::coefficient_sum;
use crate::estimate::Estimate;
use rayon::prelude::*;
use std::ops::Range;

/// Partners on each side over which the values of a unit are averaged for its influence.
const NEIGHBOURS: usize = 16;

/// Partners on each side that are averaged where ranks are let move.
const NEAR: usize = 8;

/// Derivatives of the outputs by each unit's own key.
struct Meeting {
    reference: Vec<Vec<f64>>,
    index: Vec<Vec<f64>>,
}

impl Setting<'_> {
    /// Every output with the influence of every unit on it.
    pub(super) fn influences(&self, m: &Matched, b: &[f64], model: &Model<'_>) -> Vec<Estimate> {
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

    /// What the two samples' own error adds at fixed coefficients: see [`crate::decompose::coupling`].
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

/// Lets influences of players sum to those of the total, and of variables to those of their player: windows and local slopes
/// leave a remainder, which is shared evenly.
pub(super) fn balance(outputs: &mut [Estimate], players: usize, total: &Estimate, game: &Game) {
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
