//! Random forest of regression trees: the prediction is the mean over trees of the leaf means, a probability for a 0/1 outcome
//! (Breiman 2001; Malley et al. 2012, probability machines).
//!
//! Why not linfa's forest: `linfa-ensemble` 0.8 returns the label that most trees vote for, each leaf of `linfa-trees` votes for its most
//! frequent label, and leaves with the same vote are merged: with an outcome that is rare everywhere every tree is one leaf. Its bootstrap
//! samples drop the weights. smartcore's regression forest takes no weights at all.

use super::folds::derived_seed;
use super::{LearnError, Learner, Predictor, Sample};
use crate::model::{ModelMatrix, Term};
use crate::vocab::Family;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RandomForest {
    pub trees: usize,
    /// Units of mean weight that a leaf holds at least.
    pub min_leaf: f64,
    pub max_depth: usize,
    /// Values of a column between which a split can fall, at most 256.
    pub bins: usize,
}

impl Default for RandomForest {
    fn default() -> Self {
        Self { trees: 200, min_leaf: 20.0, max_depth: 16, bins: 64 }
    }
}

/// A leaf, or a split: values up to `cut` go to node `left`, others to the one after it.
struct Node {
    column: usize,
    cut: f64,
    left: u32,
    value: f64,
}

const LEAF: u32 = 0;

struct Forest {
    terms: Vec<Term>,
    trees: Vec<Vec<Node>>,
}

/// The rows of the fit: each column in bins, outcomes and weights of mean 1.
struct Binned {
    /// One column after the other.
    bin: Vec<u8>,
    cuts: Vec<Vec<f64>>,
    y: Vec<f64>,
    w: Vec<f64>,
}

/// Midpoints between neighbouring values: all of them, or so many that each bin holds about the same weight.
fn cuts(values: &[f64], w: &[f64], bins: usize) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let distinct = 1 + order.windows(2).filter(|p| values[p[0]] < values[p[1]]).count();
    let target = w.iter().sum::<f64>() / bins as f64;
    let (mut out, mut held) = (Vec::new(), 0.0);
    for p in order.windows(2) {
        held += w[p[0]];
        let (a, b) = (values[p[0]], values[p[1]]);
        if a < b && (distinct <= bins || held >= target) {
            let middle = a + (b - a) / 2.0;
            // Between neighbouring numbers there is no third.
            out.push(if middle < b { middle } else { a });
            held = 0.0;
        }
    }
    out.truncate(bins - 1);
    out
}

impl Binned {
    fn new(s: &Sample<'_>, bins: usize, unit: f64) -> Self {
        let w: Vec<f64> = s.rows.iter().map(|&i| s.w[i] / unit).collect();
        let (mut bin, mut all) = (Vec::with_capacity(s.rows.len() * (s.m.terms.len() - 1)), Vec::new());
        for term in &s.m.terms[1..] {
            let values: Vec<f64> = s.rows.iter().map(|&i| s.m.value(i, *term, None)).collect();
            let cuts = cuts(&values, &w, bins);
            bin.extend(values.iter().map(|v| cuts.partition_point(|c| c < v) as u8));
            all.push(cuts);
        }
        Self { bin, cuts: all, y: s.rows.iter().map(|&i| s.y[i]).collect(), w }
    }
}

/// Sums of weight and of weight times outcome.
type Sums = (f64, f64);

struct Grower<'a> {
    forest: &'a RandomForest,
    data: &'a Binned,
    /// Columns that are looked at in a node.
    tried: usize,
}

/// A split: column, bin of the last value that goes left.
type Split = (usize, usize);

impl Grower<'_> {
    /// A tree on a bootstrap sample of the rows.
    fn tree(&self, seed: u64) -> Vec<Node> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let n = self.data.y.len();
        let mut times = vec![0.0; n];
        (0..n).for_each(|_| times[rng.random_range(0..n)] += 1.0);
        let weight: Vec<f64> = times.iter().zip(&self.data.w).map(|(t, w)| t * w).collect();
        let mut rows: Vec<u32> = (0..n as u32).filter(|&r| weight[r as usize] > 0.0).collect();
        let mut nodes = vec![Node { column: 0, cut: 0.0, left: LEAF, value: 0.0 }];
        let mut open = vec![(0usize, 0..rows.len(), 0usize)];
        let mut columns: Vec<usize> = (0..self.data.cuts.len()).collect();
        while let Some((at, range, depth)) = open.pop() {
            let here = &mut rows[range.clone()];
            let total = here.iter().fold((0.0, 0.0), |(w, s): Sums, &r| {
                let w_r = weight[r as usize];
                (w + w_r, s + w_r * self.data.y[r as usize])
            });
            nodes[at].value = total.1 / total.0;
            if depth == self.forest.max_depth || total.0 < 2.0 * self.forest.min_leaf {
                continue;
            }
            columns.shuffle(&mut rng);
            let Some((column, bin)) = self.best(here, &weight, total, &columns) else { continue };
            let of = &self.data.bin[column * n..(column + 1) * n];
            let middle = partition(here, |r| usize::from(of[r as usize]) <= bin);
            let left = nodes.len();
            nodes[at] = Node { column, cut: self.data.cuts[column][bin], left: left as u32, value: nodes[at].value };
            nodes.push(Node { column: 0, cut: 0.0, left: LEAF, value: 0.0 });
            nodes.push(Node { column: 0, cut: 0.0, left: LEAF, value: 0.0 });
            open.push((left + 1, range.start + middle..range.end, depth + 1));
            open.push((left, range.start..range.start + middle, depth + 1));
        }
        nodes
    }

    /// The split that lowers the sum of squares most, over the first columns that can be split here at all.
    fn best(&self, rows: &[u32], weight: &[f64], total: Sums, columns: &[usize]) -> Option<Split> {
        let n = self.data.y.len();
        let mut sums = vec![(0.0, 0.0); self.forest.bins];
        let before = total.1 * total.1 / total.0;
        let mut best: Option<(f64, Split)> = None;
        let mut tried = 0;
        for &column in columns {
            let cuts = &self.data.cuts[column];
            sums[..=cuts.len()].fill((0.0, 0.0));
            let of = &self.data.bin[column * n..(column + 1) * n];
            for &r in rows {
                let (cell, w) = (&mut sums[usize::from(of[r as usize])], weight[r as usize]);
                cell.0 += w;
                cell.1 += w * self.data.y[r as usize];
            }
            let (mut left, mut can) = ((0.0, 0.0), false);
            for (bin, cell) in sums[..cuts.len()].iter().enumerate() {
                left = (left.0 + cell.0, left.1 + cell.1);
                let right = (total.0 - left.0, total.1 - left.1);
                if left.0 < self.forest.min_leaf || right.0 < self.forest.min_leaf {
                    continue;
                }
                can = true;
                let gain = left.1 * left.1 / left.0 + right.1 * right.1 / right.0 - before;
                if gain > 1e-12 * total.0 && best.is_none_or(|(g, _)| gain > g) {
                    best = Some((gain, (column, bin)));
                }
            }
            tried += usize::from(can);
            if tried == self.tried {
                break;
            }
        }
        best.map(|(_, split)| split)
    }
}

/// Moves what holds to the front, in order; returns how many there are.
fn partition(rows: &mut [u32], holds: impl Fn(u32) -> bool) -> usize {
    let (front, back): (Vec<u32>, Vec<u32>) = rows.iter().copied().partition(|&r| holds(r));
    rows[..front.len()].copy_from_slice(&front);
    rows[front.len()..].copy_from_slice(&back);
    front.len()
}

impl Learner for RandomForest {
    fn fit(&self, s: &Sample<'_>, _family: Family, seed: u64) -> Result<Box<dyn Predictor>, LearnError> {
        let (sum_w, _) = s.mean()?;
        let terms = s.m.terms[1..].to_vec();
        let data = Binned::new(s, self.bins.clamp(2, 256), sum_w / s.rows.len() as f64);
        let grower = Grower { forest: self, data: &data, tried: terms.len().div_ceil(3).max(1) };
        let trees = (0..self.trees as u64).into_par_iter().map(|t| grower.tree(derived_seed(seed, t))).collect();
        Ok(Box::new(Forest { terms, trees }))
    }
}

impl Predictor for Forest {
    fn predict(&self, m: &ModelMatrix<'_>, rows: &[usize]) -> Vec<f64> {
        let one = |&i: &usize| {
            let x: Vec<f64> = self.terms.iter().map(|t| m.value(i, *t, None)).collect();
            let leaf = |nodes: &Vec<Node>| {
                let mut at = &nodes[0];
                while at.left != LEAF {
                    at = &nodes[at.left as usize + usize::from(x[at.column] > at.cut)];
                }
                at.value
            };
            self.trees.iter().map(leaf).sum::<f64>() / self.trees.len() as f64
        };
        rows.par_iter().map(one).collect()
    }
}
