//! The bootstrap as weights: every replicate multiplies the weights of the same rows, and nothing is copied (METHODS 6.3).
//!
//! Each replicate draws from a stream of its own, of a counter-based generator, so that results depend on the seed and the number
//! of the replicate only, never on threads.

use super::Estimate;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::ops::Range;

/// How many replicates, and the seed of their streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bootstrap {
    pub replicates: u32,
    pub seed: u64,
}

impl Default for Bootstrap {
    fn default() -> Self {
        Self { replicates: 200, seed: 20_260_101 }
    }
}

/// The stream of one replicate; the data themselves are number 0.
pub fn stream(seed: u64, replicate: u32) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(u64::from(replicate));
    rng
}

/// A number from 0 up to, but not including, 1.
pub fn uniform(rng: &mut ChaCha8Rng) -> f64 {
    (rng.next_u64() >> 11) as f64 / 2f64.powi(53)
}

/// What is drawn with replacement: whole clusters, or else units within each group, whose sizes stay as they are.
pub struct Resampling<'a> {
    /// Units of each group, by position.
    pub groups: &'a [Range<usize>],
    /// Cluster of each unit, 0..G.
    pub cluster: Option<&'a [u32]>,
}

impl Resampling<'_> {
    /// How often each unit is drawn.
    pub fn counts(&self, rng: &mut ChaCha8Rng) -> Vec<f64> {
        let mut below = |n: usize| ((uniform(rng) * n as f64) as usize).min(n.saturating_sub(1));
        match self.cluster {
            Some(codes) => {
                let g = codes.iter().max().map_or(0, |m| *m as usize + 1);
                let mut drawn = vec![0.0; g];
                (0..g).for_each(|_| drawn[below(g)] += 1.0);
                codes.iter().map(|c| drawn[*c as usize]).collect()
            }
            None => {
                let mut drawn = vec![0.0; self.groups.iter().map(|r| r.end).max().unwrap_or(0)];
                for r in self.groups {
                    r.clone().for_each(|_| drawn[r.start + below(r.len())] += 1.0);
                }
                drawn
            }
        }
    }
}

/// Estimates that hold one value a replicate, `B (theta_b - mean theta) / sqrt(B - 1)`: their variance is that of the replicates.
/// `replicates` holds as many values each as `values`.
pub fn estimates(values: &[f64], replicates: &[Vec<f64>]) -> Vec<Estimate> {
    let b = replicates.len() as f64;
    let of = |k: usize, value: f64| {
        let mean = replicates.iter().map(|r| r[k]).sum::<f64>() / b;
        Estimate { value, influence: replicates.iter().map(|r| b * (r[k] - mean) / (b - 1.0).sqrt()).collect() }
    };
    values.iter().enumerate().map(|(k, v)| of(k, *v)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_keep_their_sizes_and_clusters_go_together() {
        let groups = [0..7, 7..20];
        let units = Resampling { groups: &groups, cluster: None }.counts(&mut stream(1, 4));
        assert_eq!((units[..7].iter().sum::<f64>(), units[7..].iter().sum::<f64>()), (7.0, 13.0));
        let codes: Vec<u32> = (0..20).map(|i| i % 6).collect();
        let clusters = Resampling { groups: &groups, cluster: Some(&codes) }.counts(&mut stream(1, 4));
        assert!((0..14).all(|i| clusters[i] == clusters[i + 6]));
        assert_eq!(clusters[..6].iter().sum::<f64>(), 6.0);
        // One stream a replicate.
        assert_eq!(units, Resampling { groups: &groups, cluster: None }.counts(&mut stream(1, 4)));
        assert_ne!(units, Resampling { groups: &groups, cluster: None }.counts(&mut stream(1, 5)));
    }
}
