//! Multiple imputation by chained equations within groups.
//!
//! Each incomplete variable in turn is drawn given all others, the outcome, and the means of all of these over the unit's cluster
//! (METHODS 6.6): numbers by predictive mean matching, two levels by a logit, more by a multinomial logit, each with parameters
//! drawn from their approximate posterior, so that imputations are proper (Rubin 1987, ch. 4). Groups never borrow from one another:
//! the models are congenial with analyses that fit each group by itself. Source: van Buuren & Groothuis-Oudshoorn (2011) J. Stat.
//! Softw. 45(3); White, Royston & Wood (2011) Stat. Med. 30:377-399.

mod draw;
mod predictors;

use crate::estimate::resample::{stream, uniform};
use crate::model::FitError;
use draw::Target;
use predictors::Predictors;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use std::collections::BTreeSet;
use std::ops::Range;

/// How often and how imputations are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    pub imputations: u32,
    /// Rounds through the incomplete variables; with one incomplete variable in a group one round is all that there is.
    pub cycles: u32,
    /// Units with the nearest predictions, one of which lends its value.
    pub donors: u32,
    pub seed: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { imputations: 20, cycles: 10, donors: 5, seed: 20_260_101 }
    }
}

/// How a variable enters models.
#[derive(Clone, Debug, PartialEq)]
pub enum Basis {
    Linear,
    Log {
        offset: f64,
    },
    /// Restricted cubic, with these knots.
    Spline {
        knots: Vec<f64>,
    },
    /// Indicators of all of 0..levels but the base.
    Levels {
        levels: usize,
        base: usize,
    },
}

impl Basis {
    /// Columns that the variable makes.
    pub fn width(&self) -> usize {
        match self {
            Self::Linear | Self::Log { .. } => 1,
            Self::Spline { knots } => knots.len().saturating_sub(1),
            Self::Levels { levels, .. } => levels.saturating_sub(1),
        }
    }
}

/// An incomplete variable. Rows are those of the design; NaN is missing; levels are their position.
#[derive(Clone, Debug)]
pub struct Incomplete {
    pub name: String,
    pub values: Vec<f64>,
    pub basis: Basis,
}

/// A column of predictors: one that is the same in every completed data set, or one of an incomplete variable.
#[derive(Clone, Debug)]
pub enum Factor {
    Known(Vec<f64>),
    /// Column of the basis of the incomplete variable at this position.
    Of(usize, usize),
}

/// What is imputed, and from what.
#[derive(Clone, Debug)]
pub struct Data {
    pub variables: Vec<Incomplete>,
    /// Columns without a hole: the outcome, the other variables, weights.
    pub known: Vec<Vec<f64>>,
    /// Products of two columns, at least one of an incomplete variable.
    pub products: Vec<(Factor, Factor)>,
    pub groups: Vec<Range<usize>>,
    /// Cluster of each row.
    pub cluster: Option<Vec<u32>>,
}

/// The cells of one completed data set: for each incomplete variable (row, value).
pub type Completed = Vec<Vec<(usize, f64)>>;

/// Why there are no imputations.
#[derive(Clone, Debug, PartialEq)]
pub enum ImputeError {
    /// A variable (by position) has cells to impute in a group and no observed one.
    NothingObserved {
        variable: usize,
        group: usize,
    },
    /// Fewer observed cells than the model of the variable has coefficients.
    TooFew {
        variable: usize,
        group: usize,
        observed: usize,
        coefficients: usize,
    },
    Fit {
        variable: usize,
        group: usize,
        reason: String,
    },
}

/// Imputed cells of every completed data set, and the models that were fitted without clusters' means because few cells are observed:
/// (variable, group).
#[derive(Clone, Debug)]
pub struct Imputed {
    pub completed: Vec<Completed>,
    pub without_means: Vec<(usize, usize)>,
    /// (variable, group) whose model needed pseudo-observations in some data set.
    pub augmented: Vec<(usize, usize)>,
}

/// Draws the completed data sets, in parallel; each group of each data set has a random stream of its own, so results depend on the
/// seed and the data alone.
///
/// Errors: the first of the groups, variables and data sets in this order.
pub fn impute(data: &Data, settings: &Settings) -> Result<Imputed, ImputeError> {
    let mut chains = Vec::new();
    for (group, rows) in data.groups.iter().enumerate() {
        let chain = Chain::new(data, group, rows.clone())?;
        if !chain.targets.is_empty() {
            chains.push(chain);
        }
    }
    let drawn = (1..=settings.imputations).into_par_iter().map(|m| {
        let mut out: Completed = vec![Vec::new(); data.variables.len()];
        let mut augmented = BTreeSet::new();
        for chain in &chains {
            let mut rng = stream(settings.seed, m + (chain.group as u32) * GROUP_STREAMS);
            for t in chain.run(settings, &mut rng)? {
                out[t.variable].extend(t.cells);
                augmented.extend(t.augmented.then_some((t.variable, chain.group)));
            }
        }
        Ok((out, augmented))
    });
    let drawn = drawn.collect::<Result<Vec<_>, ImputeError>>();
    let (completed, augmented): (Vec<_>, Vec<_>) = drawn?.into_iter().unzip();
    let augmented: BTreeSet<(usize, usize)> = augmented.into_iter().flatten().collect();
    let without_means = chains.iter().flat_map(|c| c.targets.iter().filter(|t| !t.with_means).map(|t| (t.variable, c.group))).collect();
    Ok(Imputed { completed, without_means, augmented: augmented.into_iter().collect() })
}

/// Streams of one group are this far from those of the next; settings allow fewer imputations.
const GROUP_STREAMS: u32 = 1 << 20;

/// The variables that are incomplete in one group, and their rows.
struct Chain<'a> {
    data: &'a Data,
    group: usize,
    rows: Range<usize>,
    /// From the fewest missing cells to the most.
    targets: Vec<Target>,
}

impl<'a> Chain<'a> {
    fn new(data: &'a Data, group: usize, rows: Range<usize>) -> Result<Self, ImputeError> {
        let mut targets = Vec::new();
        for (variable, v) in data.variables.iter().enumerate() {
            let values = &v.values[rows.clone()];
            let (missing, observed): (Vec<usize>, Vec<usize>) = (0..values.len()).partition(|&i| values[i].is_nan());
            if missing.is_empty() {
                continue;
            }
            if observed.is_empty() {
                return Err(ImputeError::NothingObserved { variable, group });
            }
            targets.push(Target { variable, missing, observed, with_means: data.cluster.is_some() });
        }
        targets.sort_by_key(|t| t.missing.len());
        let mut chain = Self { data, group, rows, targets };
        // Which coefficients can be told apart is seen on a first filling; a thin sample does without the means of clusters.
        let mut predictors = Predictors::new(data, chain.rows.clone());
        predictors.fill(&chain.targets, |t| data.variables[t.variable].values[chain.rows.start + t.observed[0]]);
        for at in 0..chain.targets.len() {
            let t = &chain.targets[at];
            let width = |with_means: bool| predictors.width(t.variable, with_means);
            let with_means = t.with_means && t.observed.len() >= 3 * width(true);
            let needs = width(with_means) + 1;
            if t.observed.len() <= needs && !chain.is_constant(t) {
                return Err(ImputeError::TooFew { variable: t.variable, group, observed: t.observed.len(), coefficients: needs - 1 });
            }
            chain.targets[at].with_means = with_means || data.cluster.is_none();
        }
        Ok(chain)
    }

    /// Whether every observed cell holds one value, which is then the value of the others too.
    fn is_constant(&self, t: &Target) -> bool {
        let values = &self.data.variables[t.variable].values[self.rows.clone()];
        t.observed.iter().all(|&i| values[i] == values[t.observed[0]])
    }

    /// One completed data set.
    fn run(&self, settings: &Settings, rng: &mut ChaCha8Rng) -> Result<Vec<Drawn>, ImputeError> {
        let mut predictors = Predictors::new(self.data, self.rows.clone());
        // Any observed cell stands for a missing one until it is drawn.
        for t in &self.targets {
            let values = &self.data.variables[t.variable].values;
            let mut pick = || {
                let at = ((uniform(rng) * t.observed.len() as f64) as usize).min(t.observed.len() - 1);
                values[self.rows.start + t.observed[at]]
            };
            let cells: Vec<f64> = t.missing.iter().map(|_| pick()).collect();
            predictors.set(t, &cells);
        }
        let cycles = if self.targets.len() == 1 { 1 } else { settings.cycles };
        let mut last: Vec<Drawn> = self.targets.iter().map(|t| Drawn { variable: t.variable, cells: Vec::new(), augmented: false }).collect();
        for _ in 0..cycles {
            for (t, drawn) in self.targets.iter().zip(&mut last) {
                let x = predictors.matrix(t);
                let observed: Vec<f64> = t.observed.iter().map(|&i| self.data.variables[t.variable].values[self.rows.start + i]).collect();
                let levels = match self.data.variables[t.variable].basis {
                    Basis::Levels { levels, .. } => Some(levels),
                    Basis::Linear | Basis::Log { .. } | Basis::Spline { .. } => None,
                };
                let failed = |e: FitError| ImputeError::Fit { variable: t.variable, group: self.group, reason: e.to_string() };
                let cells = draw::cells(&x, t, &observed, levels, settings.donors as usize, rng).map_err(failed)?;
                predictors.set(t, &cells.values);
                drawn.cells = t.missing.iter().map(|&i| self.rows.start + i).zip(cells.values).collect();
                drawn.augmented |= cells.augmented;
            }
        }
        Ok(last)
    }
}

/// The cells of one variable in one group, by row of the design, as they were drawn last.
struct Drawn {
    variable: usize,
    cells: Vec<(usize, f64)>,
    /// Whether its model needed pseudo-observations in some round.
    augmented: bool,
}

#[cfg(test)]
mod tests;
