//! What every decomposition of this population should find, by Monte Carlo with common random numbers.
//!
//! Each draw is an index patient (the allowables of the index group) in every world at once: the 16 vertices of the
//! mechanism switches, and the counterfactual means a(K) of family A. Probabilities are averaged, never drawn outcomes.
//! a(K) is the mean outcome of reference patients with the index patient's allowables and blocks K; the other blocks
//! follow the reference distribution given those. Without looking back at an earlier block that is a vertex:
//! a(none) = m(0000), a(S) = m(1000), a(S+B) = m(1100), a(S+H) = m(1010), since hospitals do not look at biology,
//! a(S+B+H) = m(1110). The others need p0(area, Medicaid | age, sex, B, H), which is an exact sum over 120 states.

use super::draw::{Domain, stream};
use super::model::{Allowable, Biological, Model, Noise, Socioeconomic, Switches, position, running_sums};
use super::spec::Spec;
use super::{BLOCKS, MECHANISMS};
use crate::vocab::BlockSet;
use rand::{Rng, RngExt};
use rayon::prelude::*;

/// Draws that share a random stream. Part of what a seed means: another value gives other numbers.
const CHUNK: usize = 1 << 14;

/// 16 vertices, then a(biological), a(hospital), a(biological+hospital), and the reference group's mean.
const CELLS: usize = 20;
const A_BIOLOGICAL: usize = 16;
const A_HOSPITAL: usize = 17;
const A_BIOLOGICAL_HOSPITAL: usize = 18;
const MEAN_REFERENCE: usize = 19;

const BIOLOGICAL: usize = 0;
const SOCIOECONOMIC: usize = 1;
const HOSPITAL: usize = 2;

/// A true value and the Monte-Carlo standard error of its computation.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Figure {
    pub value: f64,
    pub mc_se: f64,
}

/// Who gets credit for what the blocks account for together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule<'a> {
    Shapley,
    /// Blocks enter in this order: positions in [`BLOCKS`].
    Sequential(&'a [usize]),
    FirstIn,
    LastIn,
}

/// The means of all cells and their covariance, from which every true value is a linear combination.
#[derive(Clone, Debug)]
pub struct Truth {
    pub draws: usize,
    pub seed: u64,
    mean: [f64; CELLS],
    /// Covariance of the cells within a draw, row-major.
    covariance: Vec<f64>,
}

/// A linear combination of cells.
#[derive(Clone, Debug)]
struct Combination([f64; CELLS]);

impl Combination {
    fn cell(k: usize) -> Self {
        let mut c = [0.0; CELLS];
        c[k] = 1.0;
        Self(c)
    }

    fn zero() -> Self {
        Self([0.0; CELLS])
    }

    fn plus(mut self, factor: f64, other: &Self) -> Self {
        self.0.iter_mut().zip(&other.0).for_each(|(a, b)| *a += factor * b);
        self
    }

    fn minus(self, other: &Self) -> Self {
        self.plus(-1.0, other)
    }
}

/// Sums of a chunk of draws: cells, and products of cells (upper triangle, row-major square).
struct Sums {
    cell: [f64; CELLS],
    product: Vec<f64>,
}

/// The truth of the spec's population from this many draws; the spec gives the seed.
pub fn truth(spec: &Spec, draws: usize) -> Truth {
    let model = Model::new(&spec.parameters, spec.hospitals);
    let seed = spec.truth.seed;
    let chunks: Vec<Sums> = (0..draws.div_ceil(CHUNK)).into_par_iter().map(|k| chunk(&model, seed, k, CHUNK.min(draws - k * CHUNK))).collect();
    // In the order of the chunks, so that the last digits do not depend on threads.
    let mut cell = [0.0; CELLS];
    let mut product = vec![0.0; CELLS * CELLS];
    for sums in &chunks {
        cell.iter_mut().zip(&sums.cell).for_each(|(a, b)| *a += b);
        product.iter_mut().zip(&sums.product).for_each(|(a, b)| *a += b);
    }
    let n = draws as f64;
    let mean = cell.map(|s| s / n);
    let mut covariance = vec![0.0; CELLS * CELLS];
    for i in 0..CELLS {
        for j in i..CELLS {
            let value = product[i * CELLS + j] / n - mean[i] * mean[j];
            covariance[i * CELLS + j] = value;
            covariance[j * CELLS + i] = value;
        }
    }
    Truth { draws, seed, mean, covariance }
}

fn chunk(model: &Model, seed: u64, number: usize, draws: usize) -> Sums {
    let mut rng = stream(seed, Domain::Truth, number as u64);
    let mut sums = Sums { cell: [0.0; CELLS], product: vec![0.0; CELLS * CELLS] };
    for _ in 0..draws {
        let value = one_draw(model, &mut rng);
        for (i, a) in value.iter().enumerate() {
            sums.cell[i] += a;
            sums.product[i * CELLS + i..(i + 1) * CELLS].iter_mut().zip(&value[i..]).for_each(|(p, b)| *p += a * b);
        }
    }
    sums
}

/// The outcome probability of one patient's noise in every cell.
fn one_draw(model: &Model, rng: &mut impl Rng) -> [f64; CELLS] {
    let noise = Noise::draw(rng);
    let (given_biology, given_hospital): (f64, f64) = (rng.random(), rng.random());
    let mut value = [0.0; CELLS];
    let c = model.allowable(&noise, true);

    let s = [false, true].map(|r| model.socioeconomic(&noise, &c, r));
    let b = s.map(|s| [false, true].map(|r| model.biological(&noise, &c, s, r)));
    let h = s.map(|s| [false, true].map(|r| model.hospital(&noise, s, r)));
    for socioeconomic in [false, true] {
        for biological in [false, true] {
            for hospital in [false, true] {
                for outcome in [false, true] {
                    let r = Switches { socioeconomic, biological, hospital, outcome };
                    let (i, j, k) = (usize::from(socioeconomic), usize::from(biological), usize::from(hospital));
                    value[r.position()] = model.outcome(&c, s[i], &b[i][j], h[i][k], outcome);
                }
            }
        }
    }

    // The index patient's own biology and hospital.
    let (own_b, own_h) = (b[1][1], h[1][1]);
    let prior = reference_states(model, &c);
    let density: Vec<f64> = (0..Socioeconomic::STATES / 2).map(|zip| model.biology_density(&own_b, &c, zip, false)).collect();
    let by_biology: Vec<f64> = prior.iter().enumerate().map(|(state, p)| p * density[state / 2]).collect();
    let with_hospital =
        |weights: &[f64]| -> Vec<f64> { weights.iter().enumerate().map(|(state, w)| w * model.hospital_probability(state, own_h, false)).collect() };

    let drawn = draw_state(&by_biology, given_biology);
    value[A_BIOLOGICAL] = model.outcome(&c, drawn, &own_b, model.hospital(&noise, drawn, false), false);

    let drawn = draw_state(&with_hospital(&prior), given_hospital);
    value[A_HOSPITAL] = model.outcome(&c, drawn, &model.biological(&noise, &c, drawn, false), own_h, false);

    value[A_BIOLOGICAL_HOSPITAL] = mean_over_states(model, &with_hospital(&by_biology), &c, &own_b, own_h);

    let c = model.allowable(&noise, false);
    let s = model.socioeconomic(&noise, &c, false);
    value[MEAN_REFERENCE] = model.outcome(&c, s, &model.biological(&noise, &c, s, false), model.hospital(&noise, s, false), false);
    value
}

/// p0(area, Medicaid | allowables), by state.
fn reference_states(model: &Model, c: &Allowable) -> Vec<f64> {
    (0..Socioeconomic::STATES / 2)
        .flat_map(|zip| {
            let (area, medicaid) = (model.zip_probability(zip, false), model.medicaid_probability(c, zip, false));
            [area * (1.0 - medicaid), area * medicaid]
        })
        .collect()
}

/// A state with probability proportional to its weight.
fn draw_state(weights: &[f64], u: f64) -> Socioeconomic {
    let cumulative = running_sums(weights);
    let total = cumulative.last().copied().unwrap_or_default();
    Socioeconomic::from_state(position(&cumulative, u * total))
}

/// The mean of the reference outcome over states, weighted.
fn mean_over_states(model: &Model, weights: &[f64], c: &Allowable, b: &Biological, hospital: usize) -> f64 {
    let (mut sum, mut total) = (0.0, 0.0);
    for (state, w) in weights.iter().enumerate() {
        sum += w * model.outcome(c, Socioeconomic::from_state(state), b, hospital, false);
        total += w;
    }
    sum / total
}

impl Truth {
    fn figure(&self, c: &Combination) -> Figure {
        let value = c.0.iter().zip(&self.mean).map(|(c, m)| c * m).sum();
        let row = |i: usize| &self.covariance[i * CELLS..(i + 1) * CELLS];
        let variance: f64 = (0..CELLS).map(|i| c.0[i] * row(i).iter().zip(&c.0).map(|(v, c)| v * c).sum::<f64>()).sum();
        // Rounding can leave -1e-18 where the combination is identically 0.
        Figure { value, mc_se: (variance.max(0.0) / self.draws as f64).sqrt() }
    }

    /// The cell of a(K), K a set of positions in [`BLOCKS`].
    fn a(set: BlockSet) -> Combination {
        let vertex = |socioeconomic, biological, hospital| Switches { socioeconomic, biological, hospital, outcome: false }.position();
        let cell = match (set.contains(SOCIOECONOMIC), set.contains(BIOLOGICAL), set.contains(HOSPITAL)) {
            (true, biological, hospital) => vertex(true, biological, hospital),
            (false, false, false) => vertex(false, false, false),
            (false, true, false) => A_BIOLOGICAL,
            (false, false, true) => A_HOSPITAL,
            (false, true, true) => A_BIOLOGICAL_HOSPITAL,
        };
        Combination::cell(cell)
    }

    fn y1() -> Combination {
        Combination::cell(Switches::all(true).position())
    }

    fn y0() -> Combination {
        Combination::cell(MEAN_REFERENCE)
    }

    fn step(before: BlockSet, block: usize) -> Combination {
        Self::a(before.with(block)).minus(&Self::a(before))
    }

    pub fn mean_index(&self) -> Figure {
        self.figure(&Self::y1())
    }

    pub fn mean_reference(&self) -> Figure {
        self.figure(&Self::y0())
    }

    /// D, index - reference.
    pub fn gap(&self) -> Figure {
        self.figure(&Self::y1().minus(&Self::y0()))
    }

    /// a(none) - reference mean: the part of the gap that the allowables account for.
    pub fn allowable(&self) -> Figure {
        self.figure(&Self::a(BlockSet::NONE).minus(&Self::y0()))
    }

    /// a(K).
    pub fn counterfactual_mean(&self, set: BlockSet) -> Figure {
        self.figure(&Self::a(set))
    }

    /// Index mean - a(K). With K empty: the gap at equal allowables, D_C. With all blocks: the unexplained part.
    pub fn adjusted_gap(&self, set: BlockSet) -> Figure {
        self.figure(&Self::y1().minus(&Self::a(set)))
    }

    /// a(K) - a(none).
    pub fn accounted(&self, set: BlockSet) -> Figure {
        self.figure(&Self::a(set).minus(&Self::a(BlockSet::NONE)))
    }

    /// What is unexplained by all blocks.
    pub fn unexplained(&self) -> Figure {
        self.adjusted_gap(BlockSet::all(BLOCKS.len()))
    }

    /// The contribution of a block (position in [`BLOCKS`]) by a rule.
    pub fn contribution(&self, rule: Rule<'_>, block: usize) -> Figure {
        let k = BLOCKS.len();
        let combination = match rule {
            Rule::FirstIn => Self::step(BlockSet::NONE, block),
            Rule::LastIn => Self::step(BlockSet::all(k).without(block), block),
            Rule::Sequential(order) => {
                let before = order.iter().take_while(|&&b| b != block).fold(BlockSet::NONE, |set, &b| set.with(b));
                Self::step(before, block)
            }
            Rule::Shapley => BlockSet::subsets(k)
                .filter(|set| !set.contains(block))
                .fold(Combination::zero(), |sum, set| sum.plus(shapley_weight(k, set.len()), &Self::step(set, block))),
        };
        self.figure(&combination)
    }

    /// The least and the greatest sequential contribution of a block over all orders.
    pub fn order_range(&self, block: usize) -> (Figure, Figure) {
        let mut steps: Vec<Figure> =
            BlockSet::subsets(BLOCKS.len()).filter(|set| !set.contains(block)).map(|set| self.figure(&Self::step(set, block))).collect();
        steps.sort_by(|a, b| a.value.total_cmp(&b.value));
        (steps[0], steps[steps.len() - 1])
    }

    /// m(r), the mean outcome with the allowables of the index group and these mechanisms.
    pub fn vertex(&self, switches: Switches) -> Figure {
        self.figure(&Combination::cell(switches.position()))
    }

    /// By position: `socioeconomic, biological, hospital, outcome` as binary digits.
    pub fn vertex_at(&self, position: usize) -> Figure {
        self.figure(&Combination::cell(position))
    }

    /// The causal path: mechanisms are switched to the reference group's in causal order; what each switch changes.
    pub fn path(&self, mechanism: usize) -> Figure {
        let on = |from: usize| Combination::cell((1 << (MECHANISMS.len() - from)) - 1);
        self.figure(&on(mechanism).minus(&on(mechanism + 1)))
    }

    /// Shapley value of a mechanism over the 16 vertices.
    pub fn shapley_mechanism(&self, mechanism: usize) -> Figure {
        let k = MECHANISMS.len();
        let bit = 1 << (k - 1 - mechanism);
        let sum = (0..1usize << k).filter(|r| r & bit == 0).fold(Combination::zero(), |sum, r| {
            let step = Combination::cell(r | bit).minus(&Combination::cell(r));
            sum.plus(shapley_weight(k, r.count_ones() as usize), &step)
        });
        self.figure(&sum)
    }

    /// The largest Monte-Carlo standard error among the cell means.
    pub fn largest_mc_se(&self) -> f64 {
        (0..CELLS).map(|k| self.figure(&Combination::cell(k)).mc_se).fold(0.0, f64::max)
    }
}

/// t! (k - t - 1)! / k!
fn shapley_weight(k: usize, t: usize) -> f64 {
    let factorial = |n: usize| (1..=n).map(|i| i as f64).product::<f64>();
    factorial(t) * factorial(k - t - 1) / factorial(k)
}
