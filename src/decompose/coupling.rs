//! Two groups matched rank for rank, each unit with its weight: the comonotone coupling of two weighted distributions.
//!
//! A functional of the coupling is `theta = sum m_ij h(i, j)` over pairs of a reference unit i and an index unit j. Its
//! influence function has, beside what the model's coefficients add, two terms a group. With `U` a unit's rank, the first is
//! the mean of `h` over the partners that the unit's rank meets. The second is how all other pairs shift when one unit more
//! stands at that rank: `Gamma(U) - mean Gamma` with `Gamma(t) = integral from t to 1 of dh/d(partner's rank)`; along the sorted keys
//! that is a sum over the gaps between neighbours, and needs no density.
//!
//! Coefficients move `theta` at fixed pairs, smoothly, and because they move the ranks, which is not smooth: that part is a
//! difference over one standard error of the coefficients (the numerical delta method, Hong & Li 2018 J. Econom. 206).
//! A formula in densities would do for continuous keys; a key that takes few values, or has gaps, has none.

use ndarray::Array2;
use rayon::prelude::*;

/// Step of a coefficient, in its standard errors, for what is smooth.
const SMOOTH_STEP: f64 = 1e-4;

/// What is held when coefficients move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// The pairs.
    Pairs,
    /// Which units stand near which: partners are averaged, so that single matches do not make noise.
    Ranks,
    /// Nothing; partners are averaged as in `Ranks`.
    Nothing,
}

/// `d theta / d b` by coefficient and output; `vcov` is the model-based variance of `b`.
///
/// Ranks are let move along the columns of the Cholesky factor of `vcov`: steps of one standard error each that are independent of
/// one another, so that coefficients which are uncertain only together (base levels, products) move only together.
pub fn gradient(b: &[f64], vcov: &Array2<f64>, outputs: usize, theta: impl Fn(&[f64], Held) -> Vec<f64> + Sync) -> Vec<Vec<f64>> {
    let k = b.len();
    let difference = |direction: &[f64], held: Held| -> Vec<f64> {
        let at = |sign: f64| theta(&b.iter().zip(direction).map(|(b, d)| b + sign * d).collect::<Vec<_>>(), held);
        at(1.0).iter().zip(at(-1.0)).map(|(up, down)| (up - down) / 2.0).collect()
    };
    let smooth = |j: usize| -> Vec<f64> {
        let step = SMOOTH_STEP * vcov[[j, j]].max(0.0).sqrt();
        if step <= 0.0 {
            return vec![0.0; outputs];
        }
        let mut direction = vec![0.0; k];
        direction[j] = step;
        difference(&direction, Held::Pairs).into_iter().map(|d| d / step).collect()
    };
    let factor = lower_factor(vcov);
    let by_rank = |j: usize| -> Vec<f64> {
        let direction: Vec<f64> = (0..k).map(|i| factor[[i, j]]).collect();
        if direction[j] <= 0.0 {
            return vec![0.0; outputs];
        }
        difference(&direction, Held::Nothing).iter().zip(difference(&direction, Held::Ranks)).map(|(m, f)| m - f).collect()
    };
    let mut out: Vec<Vec<f64>> = (0..k).into_par_iter().map(smooth).collect();
    let steps: Vec<Vec<f64>> = (0..k).into_par_iter().map(by_rank).collect();
    for o in 0..outputs {
        // L'g = steps, from the last coefficient up.
        let mut g = vec![0.0; k];
        for j in (0..k).rev() {
            if factor[[j, j]] > 0.0 {
                let later: f64 = (j + 1..k).map(|i| factor[[i, j]] * g[i]).sum();
                g[j] = (steps[j][o] - later) / factor[[j, j]];
            }
            out[j][o] += g[j];
        }
    }
    out
}

/// `L` with `L L' = v`; columns of coefficients without variance are 0.
fn lower_factor(v: &Array2<f64>) -> Array2<f64> {
    let k = v.nrows();
    let mut l = Array2::<f64>::zeros((k, k));
    for j in 0..k {
        let rest = v[[j, j]] - (0..j).map(|m| l[[j, m]] * l[[j, m]]).sum::<f64>();
        if rest <= 1e-12 * v[[j, j]].max(0.0) || rest.is_nan() {
            continue;
        }
        l[[j, j]] = rest.sqrt();
        for i in j + 1..k {
            let sum: f64 = (0..j).map(|m| l[[i, m]] * l[[j, m]]).sum();
            l[[i, j]] = (v[[i, j]] - sum) / l[[j, j]];
        }
    }
    l
}

/// Units of a group sorted by a key; ties stay in the order of rows.
#[derive(Clone, Debug)]
pub struct Ranked {
    /// Rows of the design.
    pub rows: Vec<usize>,
    pub keys: Vec<f64>,
    /// Weights, all positive.
    pub mass: Vec<f64>,
    pub total: f64,
}

impl Ranked {
    /// Rows with a positive weight; `key` and `weight` by row.
    pub fn new(rows: std::ops::Range<usize>, key: impl Fn(usize) -> f64, weight: impl Fn(usize) -> f64) -> Self {
        let mut units: Vec<(usize, f64, f64)> = rows.map(|i| (i, key(i), weight(i))).filter(|u| u.2 > 0.0).collect();
        // Stable: rows ascend among equal keys.
        units.sort_by(|a, b| a.1.total_cmp(&b.1));
        let total = units.iter().map(|u| u.2).sum();
        Self {
            rows: units.iter().map(|u| u.0).collect(),
            keys: units.iter().map(|u| u.1).collect(),
            mass: units.iter().map(|u| u.2).collect(),
            total,
        }
    }

    /// Number of units.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Share of the weight at keys that several units have.
    pub fn ties(&self) -> f64 {
        let tied = |p: usize| p > 0 && self.keys[p - 1] == self.keys[p] || p + 1 < self.len() && self.keys[p + 1] == self.keys[p];
        (0..self.len()).filter(|&p| tied(p)).map(|p| self.mass[p]).sum::<f64>() / self.total
    }

    /// `Gamma(U) - mean Gamma` for each unit in sorted order, from the derivative of `h` by this group's key at each unit.
    pub fn shift(&self, slope: &[f64]) -> Vec<f64> {
        let n = self.len();
        let mut gamma = vec![0.0; n];
        for p in (0..n.saturating_sub(1)).rev() {
            gamma[p] = gamma[p + 1] + 0.5 * (slope[p] + slope[p + 1]) * (self.keys[p + 1] - self.keys[p]);
        }
        let mean = gamma.iter().zip(&self.mass).map(|(g, m)| g * m).sum::<f64>() / self.total;
        gamma.iter_mut().for_each(|g| *g -= mean);
        gamma
    }
}

/// A reference and an index unit that meet: positions in the sorted groups, and the share of all mass that they carry.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pair {
    pub reference: usize,
    pub index: usize,
    pub mass: f64,
}

/// The coupling, at most one pair fewer than units. Masses are products of weights, so integer weights meet exactly.
pub fn couple(reference: &Ranked, index: &Ranked) -> Vec<Pair> {
    let whole = reference.total * index.total;
    let mut pairs = Vec::with_capacity(reference.len() + index.len());
    let (mut a, mut b) = (0, 0);
    let first = |r: &Ranked, other: &Ranked, p: usize| r.mass.get(p).map_or(0.0, |m| m * other.total);
    let (mut left_a, mut left_b) = (first(reference, index, 0), first(index, reference, 0));
    while a < reference.len() && b < index.len() {
        let mass = left_a.min(left_b);
        if mass > 0.0 {
            pairs.push(Pair { reference: a, index: b, mass: mass / whole });
        }
        left_a -= mass;
        left_b -= mass;
        if left_a <= 0.0 {
            a += 1;
            left_a = first(reference, index, a);
        }
        if left_b <= 0.0 {
            b += 1;
            left_b = first(index, reference, b);
        }
    }
    pairs
}

/// Positions of the partners around each unit's mid-rank: at most `width` on each side, as many below as above.
pub fn windows(of: &Ranked, among: &Ranked, width: usize) -> Vec<std::ops::Range<usize>> {
    let mut out = Vec::with_capacity(of.len());
    let (mut before, mut at, mut upto) = (0.0, 0, 0.0);
    for p in 0..of.len() {
        let rank = (before + 0.5 * of.mass[p]) / of.total * among.total;
        before += of.mass[p];
        while at + 1 < among.len() && upto + among.mass[at] < rank {
            upto += among.mass[at];
            at += 1;
        }
        let half = width.min(at).min(among.len() - 1 - at);
        out.push(at - half..at + half + 1);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masses_meet_rank_for_rank() {
        let of = |keys: &[f64], w: &[f64]| Ranked::new(0..keys.len(), |i| keys[i], |i| w[i]);
        let (a, b) = (of(&[3.0, 1.0, 2.0], &[1.0, 2.0, 1.0]), of(&[5.0, 4.0], &[1.0, 1.0]));
        assert_eq!(a.rows, vec![1, 2, 0]);
        // Reference masses .5 .25 .25 against index masses .5 .5.
        let pairs: Vec<(usize, usize, f64)> = couple(&a, &b).iter().map(|p| (p.reference, p.index, p.mass)).collect();
        assert_eq!(pairs, vec![(0, 0, 0.5), (1, 1, 0.25), (2, 1, 0.25)]);
        assert_eq!(a.ties(), 0.0);
        assert_eq!(of(&[1.0, 1.0, 2.0], &[1.0, 1.0, 2.0]).ties(), 0.5);
        assert_eq!(windows(&a, &b, 3), vec![0..1, 1..2, 1..2]);
    }

    #[test]
    fn the_shift_of_a_key_itself_is_the_key() {
        // With h = key and slope 1, Gamma(U) = max - key: the shift is minus the centred key.
        let r = Ranked::new(0..4, |i| [1.0, 4.0, 2.0, 9.0][i], |_| 1.0);
        for (s, k) in r.shift(&[1.0; 4]).iter().zip(&r.keys) {
            assert!((s + k - 4.0).abs() < 1e-14);
        }
    }
}
