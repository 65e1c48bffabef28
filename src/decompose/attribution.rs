//! Who gets credit: in order, averaged over all orders, first in, last in. Knows nothing of models.
//!
//! A game is a value `v(T)` for every set of blocks T, by bit mask, with `v(none) = 0`.
//! Source: Shapley (1953); Shorrocks (2013) J. Econ. Inequality 11, 99-126.

use super::Rules;
use crate::estimate::Estimate;
use crate::vocab::BlockSet;

/// Shapley values: each block's marginal contribution averaged over all orders. `v` holds 2^k estimates.
pub fn shapley(v: &[Estimate], k: usize) -> Vec<Estimate> {
    let weight = shapley_weights(k);
    (0..k)
        .map(|block| {
            let mut parts = Vec::new();
            for t in BlockSet::subsets(k).filter(|t| !t.contains(block)) {
                let w = weight[t.len()];
                parts.push((w, &v[t.with(block).0 as usize]));
                parts.push((-w, &v[t.0 as usize]));
            }
            Estimate::linear(&parts)
        })
        .collect()
}

/// Weights of marginal contributions to sets of size t: `t! (k - t - 1)! / k!`, the share of orders in which they come up.
pub fn shapley_weights(k: usize) -> Vec<f64> {
    (0..k).map(|t| 1.0 / (k as f64 * binomial(k - 1, t))).collect()
}

/// Contributions when blocks enter in the order of `sequence` (positions of blocks); results are by block.
pub fn sequential(v: &[Estimate], sequence: &[usize]) -> Vec<Estimate> {
    let n = v.first().map_or(0, |e| e.influence.len());
    let mut out = vec![Estimate::constant(0.0, n); sequence.len()];
    let mut set = BlockSet::NONE;
    for &block in sequence {
        let next = set.with(block);
        out[block] = v[next.0 as usize].minus(&v[set.0 as usize]);
        set = next;
    }
    out
}

/// Each block entered alone.
pub fn first_in(v: &[Estimate], k: usize) -> Vec<Estimate> {
    (0..k).map(|b| v[BlockSet::one(b).0 as usize].minus(&v[0])).collect()
}

/// Each block entered after all others.
pub fn last_in(v: &[Estimate], k: usize) -> Vec<Estimate> {
    let all = BlockSet::all(k);
    (0..k).map(|b| v[all.0 as usize].minus(&v[all.without(b).0 as usize])).collect()
}

/// Every rule's value for each block; the range over orders is that of the marginal contributions over all sets.
pub fn rules(v: &[Estimate], k: usize, sequence: &[usize]) -> Vec<Rules> {
    rules_of(&v.iter().map(|e| e.value).collect::<Vec<_>>(), k, sequence)
}

/// [`rules`] of plain values.
pub fn rules_of(v: &[f64], k: usize, sequence: &[usize]) -> Vec<Rules> {
    let adds = |set: BlockSet, b: usize| v[set.with(b).0 as usize] - v[set.0 as usize];
    let mut in_order = vec![0.0; k];
    let mut set = BlockSet::NONE;
    for &b in sequence {
        in_order[b] = adds(set, b);
        set = set.with(b);
    }
    let weight = shapley_weights(k);
    (0..k)
        .map(|b| {
            let shapley = BlockSet::subsets(k).filter(|t| !t.contains(b)).map(|t| weight[t.len()] * adds(t, b)).sum();
            let marginal = BlockSet::subsets(k).filter(|t| !t.contains(b)).map(|t| adds(t, b));
            let (order_min, order_max) = marginal.fold((f64::INFINITY, f64::NEG_INFINITY), |(lo, hi), m| (lo.min(m), hi.max(m)));
            let last = BlockSet::all(k).without(b);
            Rules { order_min, order_max, sequential: in_order[b], first_in: adds(BlockSet::NONE, b), last_in: adds(last, b), shapley }
        })
        .collect()
}

fn binomial(n: usize, k: usize) -> f64 {
    (0..k).fold(1.0, |c, i| c * (n - i) as f64 / (i + 1) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn game(values: &[f64]) -> Vec<Estimate> {
        values.iter().map(|&v| Estimate { value: v, influence: vec![v, -v] }).collect()
    }

    #[test]
    fn two_blocks_have_the_closed_form() {
        // c(1) = (v(1) + v(12) - v(2)) / 2
        let c = shapley(&game(&[0.0, 3.0, 5.0, 10.0]), 2);
        assert_eq!((c[0].value, c[1].value), (4.0, 6.0));
        assert_eq!(c[0].influence, vec![4.0, -4.0]);
    }

    #[test]
    fn one_block_has_one_answer() {
        let v = game(&[0.0, 3.0]);
        for e in [&shapley(&v, 1), &sequential(&v, &[0]), &first_in(&v, 1), &last_in(&v, 1)] {
            assert_eq!(e[0].value, 3.0);
        }
    }

    #[test]
    fn a_null_player_gets_nothing_and_equals_get_equal_shares() {
        // Blocks 0 and 1 are alike; block 2 never adds anything.
        let value = |s: BlockSet| [0.0, 2.0, 5.0][s.without(2).len()];
        let v = game(&BlockSet::subsets(3).map(value).collect::<Vec<_>>());
        let c = shapley(&v, 3);
        assert!((c[0].value - 2.5).abs() < 1e-15 && (c[1].value - 2.5).abs() < 1e-15 && c[2].value.abs() < 1e-15);
        let r = rules(&v, 3, &[1, 2, 0]);
        assert_eq!(r[0], Rules { order_min: 2.0, order_max: 3.0, sequential: 3.0, first_in: 2.0, last_in: 3.0, shapley: 2.5 });
    }

    /// The average over all orders written out, as the definition has it.
    fn by_enumeration(v: &[Estimate], k: usize) -> Vec<f64> {
        fn orders(left: Vec<usize>) -> Vec<Vec<usize>> {
            if left.is_empty() {
                return vec![vec![]];
            }
            let mut out = Vec::new();
            for (i, &b) in left.iter().enumerate() {
                let mut rest = left.clone();
                rest.remove(i);
                out.extend(orders(rest).into_iter().map(|mut o| {
                    o.insert(0, b);
                    o
                }));
            }
            out
        }
        let all = orders((0..k).collect());
        let mut sum = vec![0.0; k];
        for o in &all {
            for (s, e) in sum.iter_mut().zip(sequential(v, o)) {
                *s += e.value;
            }
        }
        sum.iter().map(|s| s / all.len() as f64).collect()
    }

    proptest! {
        #[test]
        fn contributions_sum_and_equal_the_average_over_orders(k in 1usize..5, seed in prop::collection::vec(-1.0f64..1.0, 16)) {
            let mut values: Vec<f64> = seed[..1 << k].to_vec();
            values[0] = 0.0;
            let v = game(&values);
            let total = values[(1 << k) - 1];
            let c = shapley(&v, k);
            prop_assert!((c.iter().map(|e| e.value).sum::<f64>() - total).abs() < 1e-12);
            for (e, want) in c.iter().zip(by_enumeration(&v, k)) {
                prop_assert!((e.value - want).abs() < 1e-12);
            }
            let order: Vec<usize> = (0..k).rev().collect();
            prop_assert!((sequential(&v, &order).iter().map(|e| e.value).sum::<f64>() - total).abs() < 1e-12);
            for (r, e) in rules(&v, k, &order).iter().zip(&c) {
                prop_assert!((r.shapley - e.value).abs() < 1e-12);
                prop_assert!(r.order_min - 1e-12 <= e.value && e.value <= r.order_max + 1e-12);
            }
        }
    }
}
