//! What each player contributes when a reference unit's values turn into an index unit's, pair by pair, at fixed coefficients.
//!
//! Players are the allowables together and the blocks. The value of a set T is F of b0, the index unit's parts for players in T and
//! the reference unit's parts for the others. Within a player its variables share its contribution by the same rule
//! (Owen 1977 for the average over orders), so that they sum to it.

use crate::decompose::attribution::shapley_weights;
use crate::vocab::Family;

/// Sets evaluated for the variables of one pair; beyond it the variables are left out.
const MAX_SETS: usize = 2048;

/// Sets times units, likewise: about a minute on two cores.
const MAX_WORK: usize = 500_000_000;

/// Step of the derivatives by a key.
const STEP: f64 = 1e-5;

/// Which rule credits the players.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rule {
    Shapley,
    /// Players in this order; variables in the order of the study file.
    Sequential(Vec<usize>),
}

pub struct Game {
    pub family: Family,
    pub rule: Rule,
    /// For each player its variables: positions among the parts of a unit.
    pub players: Vec<Vec<usize>>,
    /// Number of variables.
    pub parts: usize,
    /// Whether variables have outputs of their own.
    pub in_detail: bool,
    by_player: Vec<f64>,
    by_variable: Vec<Vec<f64>>,
}

/// Work space of one thread.
pub struct Scratch {
    eta: Vec<f64>,
    mean: Vec<f64>,
    inner: Vec<f64>,
}

/// How a unit's parts move with its key, in each group.
pub struct Drift {
    pub index: Vec<f64>,
    pub reference: Vec<f64>,
}

/// Outputs of a pair: contributions, and their derivatives by the key of the index and of the reference unit.
pub struct Outputs {
    pub value: Vec<f64>,
    pub by_index: Vec<f64>,
    pub by_reference: Vec<f64>,
}

impl Game {
    /// `size`: units of both groups.
    pub fn new(family: Family, rule: Rule, players: Vec<Vec<usize>>, size: usize) -> Self {
        let parts = players.iter().map(Vec::len).sum();
        let sets: usize = match rule {
            Rule::Sequential(_) => parts,
            Rule::Shapley => players.iter().filter(|p| p.len() > 1).map(|p| 1usize << (players.len() - 1 + p.len()).min(40)).sum(),
        };
        let by_player = shapley_weights(players.len());
        let by_variable = players.iter().map(|p| shapley_weights(p.len())).collect();
        Self { family, rule, parts, in_detail: sets <= MAX_SETS && sets.saturating_mul(size) <= MAX_WORK, players, by_player, by_variable }
    }

    /// The game that is played where ranks move: averaged over orders, variables would multiply its cost, and each has an even
    /// share of its player's part instead (single errors move by 3% at most on the three studies of this repository).
    pub fn where_ranks_move(&self) -> Self {
        let in_detail = self.in_detail && matches!(self.rule, Rule::Sequential(_));
        Self {
            rule: self.rule.clone(),
            players: self.players.clone(),
            by_player: self.by_player.clone(),
            by_variable: self.by_variable.clone(),
            in_detail,
            ..*self
        }
    }

    /// Players first, then variables.
    pub fn outputs(&self) -> usize {
        self.players.len() + if self.in_detail { self.parts } else { 0 }
    }

    pub fn scratch(&self) -> Scratch {
        let sets = 1usize << self.players.len();
        let widest = if self.in_detail { self.players.iter().map(Vec::len).max().unwrap_or(0) } else { 0 };
        let zero = || vec![0.0; sets];
        Scratch { eta: zero(), mean: zero(), inner: vec![0.0; 1usize << widest.min(20)] }
    }

    pub fn no_outputs(&self) -> Outputs {
        let zero = || vec![0.0; self.outputs()];
        Outputs { value: zero(), by_index: zero(), by_reference: zero() }
    }

    /// Values of every set of players, in order of bit masks.
    pub fn values(&self, base: f64, reference: &[f64], index: &[f64], s: &mut Scratch, out: &mut [f64]) {
        self.fill(base, reference, index, s);
        out.copy_from_slice(&s.mean);
    }

    fn player(&self, k: usize, unit: &[f64]) -> f64 {
        self.players[k].iter().map(|&v| unit[v]).sum()
    }

    fn fill(&self, base: f64, reference: &[f64], index: &[f64], s: &mut Scratch) {
        s.eta[0] = base + reference.iter().sum::<f64>();
        for k in 0..self.players.len() {
            let step = self.player(k, index) - self.player(k, reference);
            let bit = 1usize << k;
            for t in 0..bit {
                s.eta[t | bit] = s.eta[t] + step;
            }
        }
        s.mean.iter_mut().zip(&s.eta).for_each(|(m, e)| *m = self.family.mean(*e));
    }

    /// The contributions of a pair.
    pub fn contributions(&self, base: f64, reference: &[f64], index: &[f64], s: &mut Scratch, out: &mut [f64]) {
        match &self.rule {
            Rule::Sequential(order) => self.in_order(order, base, reference, index, out),
            Rule::Shapley => {
                self.fill(base, reference, index, s);
                self.share(&s.mean, out);
                if self.in_detail {
                    for k in 0..self.players.len() {
                        self.variables(k, reference, index, s, out, |eta| self.family.mean(eta));
                    }
                }
            }
        }
    }

    /// Contributions and their derivatives by the two keys.
    pub fn with_slopes(&self, base: f64, reference: &[f64], index: &[f64], drift: &Drift, s: &mut Scratch, out: &mut Outputs) {
        self.contributions(base, reference, index, s, &mut out.value);
        // The derivative of a contribution along a direction of the parts: by differences of the contribution itself, which holds for
        // every rule and needs no formula of its own.
        let moved = |unit: &[f64], moves: &[f64], step: f64| -> Vec<f64> { unit.iter().zip(moves).map(|(u, m)| u + step * m).collect() };
        let mut low = vec![0.0; out.value.len()];
        let slope = |high: &mut [f64], low: &[f64]| high.iter_mut().zip(low).for_each(|(a, b)| *a = (*a - b) / (2.0 * STEP));
        self.contributions(base, reference, &moved(index, &drift.index, STEP), s, &mut out.by_index);
        self.contributions(base, reference, &moved(index, &drift.index, -STEP), s, &mut low);
        slope(&mut out.by_index, &low);
        self.contributions(base, &moved(reference, &drift.reference, STEP), index, s, &mut out.by_reference);
        self.contributions(base, &moved(reference, &drift.reference, -STEP), index, s, &mut low);
        slope(&mut out.by_reference, &low);
    }

    /// Shapley values of the players from the values of all sets.
    fn share(&self, value: &[f64], out: &mut [f64]) {
        for (k, o) in out.iter_mut().enumerate().take(self.players.len()) {
            let bit = 1usize << k;
            *o = (0..value.len()).filter(|t| t & bit == 0).map(|t| self.by_player[t.count_ones() as usize] * (value[t | bit] - value[t])).sum();
        }
    }

    /// The variables of a player, averaged over its own orders within each set of the other players.
    fn variables(&self, k: usize, reference: &[f64], index: &[f64], s: &mut Scratch, out: &mut [f64], f: impl Fn(f64) -> f64) {
        let at = self.players.len();
        let variables = &self.players[k];
        if variables.len() == 1 {
            out[at + variables[0]] = out[k];
            return;
        }
        variables.iter().for_each(|&v| out[at + v] = 0.0);
        let bit = 1usize << k;
        let inner = 1usize << variables.len();
        for t in (0..s.eta.len()).filter(|t| t & bit == 0) {
            // `s.eta` holds the linear predictors of all sets; this one has the player at the reference unit.
            s.inner[0] = s.eta[t];
            for (a, &v) in variables.iter().enumerate() {
                let step = index[v] - reference[v];
                for q in 0..1usize << a {
                    s.inner[q | 1 << a] = s.inner[q] + step;
                }
            }
            s.inner[..inner].iter_mut().for_each(|e| *e = f(*e));
            let outer = self.by_player[t.count_ones() as usize];
            for (a, &v) in variables.iter().enumerate() {
                let mine = 1usize << a;
                let sum: f64 = (0..inner)
                    .filter(|q| q & mine == 0)
                    .map(|q| self.by_variable[k][q.count_ones() as usize] * (s.inner[q | mine] - s.inner[q]))
                    .sum();
                out[at + v] += outer * sum;
            }
        }
    }

    fn in_order(&self, order: &[usize], base: f64, reference: &[f64], index: &[f64], out: &mut [f64]) {
        let mut eta = base + reference.iter().sum::<f64>();
        let mut before = self.family.mean(eta);
        for &k in order {
            let start = before;
            for &v in &self.players[k] {
                eta += index[v] - reference[v];
                let now = self.family.mean(eta);
                if self.in_detail {
                    out[self.players.len() + v] = now - before;
                }
                before = now;
            }
            out[k] = before - start;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_sum_to_players_and_players_to_the_whole() {
        for rule in [Rule::Shapley, Rule::Sequential(vec![1, 0, 2])] {
            let g = Game::new(Family::Binomial, rule, vec![vec![0], vec![1, 2, 3], vec![4, 5]], 1);
            let (reference, index) = ([0.3, -0.2, 0.5, 0.1, -0.4, 0.2], [0.1, 0.6, -0.3, 0.4, 0.9, -0.7]);
            let mut s = g.scratch();
            let mut out = vec![0.0; g.outputs()];
            g.contributions(-0.5, &reference, &index, &mut s, &mut out);
            let whole = Family::Binomial.mean(-0.5 + index.iter().sum::<f64>()) - Family::Binomial.mean(-0.5 + reference.iter().sum::<f64>());
            assert!((out[..3].iter().sum::<f64>() - whole).abs() < 1e-15);
            for (k, variables) in g.players.iter().enumerate() {
                let sum: f64 = variables.iter().map(|v| out[3 + v]).sum();
                assert!((sum - out[k]).abs() < 1e-15, "player {k}");
            }
        }
    }

    #[test]
    fn with_an_identity_link_everything_is_the_difference() {
        let g = Game::new(Family::Gaussian, Rule::Shapley, vec![vec![0, 1], vec![2]], 1);
        let mut out = vec![0.0; 5];
        g.contributions(1.0, &[1.0, 2.0, 3.0], &[2.0, 5.0, 2.5], &mut g.scratch(), &mut out);
        for (got, want) in out.iter().zip([4.0, -0.5, 1.0, 3.0, -0.5]) {
            assert!((got - want).abs() < 1e-14, "{out:?}");
        }
    }
}
