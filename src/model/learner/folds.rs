//! Random splits of rows into folds that keep clusters together or, without clusters, strata in balance.

use super::LearnError;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;

/// The fold, 0..k, of each of `rows`.
///
/// With clusters each one is in a fold as a whole: in random order, the large ones first, each goes where there are fewest rows so far. Without, the rows
/// of each stratum are dealt in random order. Errors: fewer clusters, or rows, than folds.
pub fn assign(rows: &[usize], cluster: Option<&[u32]>, stratum: impl Fn(usize) -> u64, k: usize, seed: u64) -> Result<Vec<usize>, LearnError> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut fold = vec![0; rows.len()];
    match cluster {
        Some(code) => {
            let mut members: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
            rows.iter().enumerate().for_each(|(at, &i)| members.entry(code[i]).or_default().push(at));
            if members.len() < k {
                return Err(LearnError::FewClusters { found: members.len(), needed: k });
            }
            let mut order: Vec<Vec<usize>> = members.into_values().collect();
            order.shuffle(&mut rng);
            order.sort_by_key(|m| std::cmp::Reverse(m.len()));
            let mut size = vec![0; k];
            for positions in order {
                let smallest = (0..k).min_by_key(|f| size[*f]).unwrap_or(0);
                size[smallest] += positions.len();
                positions.into_iter().for_each(|at| fold[at] = smallest);
            }
        }
        None => {
            if rows.len() < k {
                return Err(LearnError::Fit(super::FitError::TooFewRows { n: rows.len(), k }));
            }
            let mut strata: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
            rows.iter().enumerate().for_each(|(at, &i)| strata.entry(stratum(i)).or_default().push(at));
            let mut next = 0;
            for mut positions in strata.into_values() {
                positions.shuffle(&mut rng);
                for at in positions {
                    fold[at] = next;
                    next = (next + 1) % k;
                }
            }
        }
    }
    Ok(fold)
}

/// Folds within the rows of a fit: as [`assign`], in fewer folds where there are fewer clusters, events and non-events in balance.
pub(super) fn inner(s: &super::Sample<'_>, k: usize, seed: u64) -> Result<(usize, Vec<usize>), LearnError> {
    let k = match s.cluster {
        None => k,
        Some(code) => distinct(s.rows, code).clamp(2, k),
    };
    Ok((k, assign(s.rows, s.cluster, |i| u64::from(s.y[i] > 0.5), k, seed)?))
}

/// Clusters that rows are of.
pub fn distinct(rows: &[usize], code: &[u32]) -> usize {
    rows.iter().map(|&i| code[i]).collect::<std::collections::BTreeSet<u32>>().len()
}

/// A seed for a part of a computation, from that of the whole (the finaliser of splitmix64).
pub fn derived_seed(seed: u64, part: u64) -> u64 {
    let mut z = seed ^ part.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
