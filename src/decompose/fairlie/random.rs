//! Fairlie's own algorithm: samples of the larger group matched with the smaller by rank, averaged over repetitions.

use super::game::{Game, Rule, Scratch};
use crate::decompose::coupling::Ranked;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Seed of the matchings.
pub const SEED: u64 = 20_260_101;

/// Average contributions and their Monte-Carlo standard errors.
pub struct Matched {
    pub value: Vec<f64>,
    pub mc_se: Vec<f64>,
}

/// `reps` random matchings. In each the larger group gives a sample without replacement as large as the smaller; both are sorted
/// by their keys and paired; with the Shapley rule the order in which players switch is drawn anew (Stata's `ro`), otherwise it
/// is the game's. Repetition r draws from a stream of its own, so the result depends on nothing but `reps`.
pub fn matched(game: &Game, base: f64, parts: &[Vec<f64>], reference: &Ranked, index: &Ranked, reps: u32) -> Matched {
    let n = reference.len().min(index.len());
    let players = game.players.len();
    let outputs = game.outputs();
    let one = |rep: u32| -> Vec<f64> {
        let mut rng = ChaCha8Rng::seed_from_u64(SEED);
        rng.set_stream(u64::from(rep));
        let order = match &game.rule {
            Rule::Sequential(order) => order.clone(),
            Rule::Shapley => {
                let mut order: Vec<usize> = (0..players).collect();
                order.shuffle(&mut rng);
                order
            }
        };
        // Within a block the variables' order is drawn too, as its exact counterpart averages over them.
        let mut players = game.players.clone();
        if game.rule == Rule::Shapley {
            players.iter_mut().for_each(|variables| variables.shuffle(&mut rng));
        }
        let mut walk = Game::new(game.family, Rule::Sequential(order), players, 1);
        walk.in_detail = game.in_detail;
        // Sorted positions of a sample stay sorted.
        let (a, b) = (sample(reference.len(), n, &mut rng), sample(index.len(), n, &mut rng));
        let mut scratch: Scratch = walk.scratch();
        let mut sum = vec![0.0; outputs];
        let mut out = vec![0.0; walk.outputs()];
        for (&p, &q) in a.iter().zip(&b) {
            walk.contributions(base, &parts[reference.rows[p]], &parts[index.rows[q]], &mut scratch, &mut out);
            sum.iter_mut().zip(&out).for_each(|(s, o)| *s += o);
        }
        sum.iter_mut().for_each(|s| *s /= n as f64);
        sum
    };
    use rayon::prelude::*;
    let all: Vec<Vec<f64>> = (0..reps).into_par_iter().map(one).collect();
    let r = f64::from(reps);
    let value: Vec<f64> = (0..outputs).map(|o| all.iter().map(|v| v[o]).sum::<f64>() / r).collect();
    let variance = |o: usize| all.iter().map(|v| (v[o] - value[o]).powi(2)).sum::<f64>() / (r - 1.0);
    let mc_se = (0..outputs).map(|o| (variance(o) / r).sqrt()).collect();
    Matched { value, mc_se }
}

/// `k` of the positions 0..n in ascending order, each set equally likely (Knuth's selection sampling).
fn sample(n: usize, k: usize, rng: &mut ChaCha8Rng) -> Vec<usize> {
    let mut out = Vec::with_capacity(k);
    for p in 0..n {
        if rng.random::<f64>() * ((n - p) as f64) < (k - out.len()) as f64 {
            out.push(p);
        }
    }
    out
}
