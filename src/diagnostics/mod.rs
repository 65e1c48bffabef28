//! What cannot be trusted: overlap, events per coefficient, calibration, extrapolation, clusters. Each check is a figure
//! with a threshold; a check that is a gate stops or marks the estimates that rest on it (METHODS 2).

pub mod fitness;
mod overlap;

pub use overlap::{Bin, Overlap, overlap};

use crate::decompose::fits::{Fits, FittedIn, GroupTerms, OutcomeModel};
use crate::decompose::{Fact, Verdict};
use crate::design::{Contrast, DescribedValues};
use crate::estimate::{Estimate, Sampling};
use crate::vocab::{BlockSet, Family};
use fitness::{Fitness, deciles};

/// A check that was made.
#[derive(Clone, Debug, PartialEq)]
pub struct Check {
    /// Set of blocks it is about, if it is about one.
    pub set: Option<BlockSet>,
    pub check: &'static str,
    pub value: Option<f64>,
    pub threshold: Option<f64>,
    pub passed: bool,
    /// What a failure stops.
    pub gate: Gate,
    pub message: String,
    /// The units behind `value` where it counts them or is a share of them, and all units it is a share of: small counts are withheld.
    pub units: Option<(usize, Option<usize>)>,
    /// Position of the analysis that it is about, if it is about one.
    pub analysis: Option<usize>,
}

/// What the failure of a check means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    /// A warning; nothing is stopped.
    Warns,
    /// Estimates that compare index units with weighted reference units are marked.
    Overlap,
    /// Every interval is marked.
    Intervals,
    /// The estimates of the analysis that the check is about are marked.
    Analysis,
}

impl Check {
    fn new(check: &'static str, value: f64, threshold: f64, passed: bool, gate: Gate, message: String) -> Self {
        Self {
            set: None,
            check,
            value: Some(value).filter(|v| v.is_finite()),
            threshold: Some(threshold),
            passed,
            gate,
            message,
            units: None,
            analysis: None,
        }
    }

    fn of(mut self, set: BlockSet) -> Self {
        self.set = Some(set);
        self
    }

    /// `value` counts `n` units, or is the share of `of` units that they are.
    fn counting(mut self, n: usize, of: Option<usize>) -> Self {
        self.units = Some((n, of));
        self
    }

    pub fn fails_gate(&self) -> bool {
        !self.passed && self.gate != Gate::Warns
    }
}

/// A figure that an analysis, by position and name, gives beside its parts.
pub fn fact(analysis: (usize, &str), f: &Fact) -> Check {
    let (position, name) = analysis;
    let message = format!("analysis {name}: {}", f.message);
    let value = f.value.filter(|v| v.is_finite());
    let (threshold, passed, gate) = match f.verdict {
        Verdict::Informs => (None, true, Gate::Warns),
        Verdict::Passes(t) => (Some(t), true, Gate::Warns),
        Verdict::Warns(t) => (Some(t), false, Gate::Warns),
        Verdict::Fails(t) => (Some(t), false, Gate::Analysis),
    };
    Check { set: None, check: f.check, value, threshold, passed, gate, message, units: f.units, analysis: Some(position) }
}

/// Events (or non-events, whichever are fewer) per coefficient of the largest model fitted in each group of rows.
pub fn events_per_coefficient(fits: &Fits<'_>) -> Vec<Check> {
    let c = fits.contrast;
    let models = fits.outcome_models();
    let mut out = Vec::new();
    for fitted_in in [FittedIn::Reference, FittedIn::Index, FittedIn::Pooled] {
        let Some(largest) = models.iter().filter(|m| m.fitted_in == fitted_in).max_by_key(|m| m.fit.k()) else { continue };
        let rows: Vec<usize> = fits.rows(fitted_in).into_iter().flatten().filter(|&i| c.w[i] > 0.0).collect();
        let n = rows.len() as f64;
        let events: f64 = rows.iter().map(|&i| c.design.y[i]).sum();
        let (what, count) = match c.design.family {
            Family::Gaussian => ("rows", n),
            Family::Poisson => ("events", events),
            Family::Binomial | Family::Probit => ("events or non-events", events.min(n - events)),
        };
        let per = count / largest.fit.k() as f64;
        let message =
            format!("{what} per coefficient of the largest model fitted in the {} rows ({} coefficients)", fitted_in.name(), largest.fit.k());
        out.push(Check::new("events_per_coefficient", per, 10.0, per >= 10.0, Gate::Warns, message).of(largest.set));
    }
    out
}

/// Calibration and discrimination of the reference model, with every block, in its own group.
pub fn reference_model(fits: &Fits<'_>, model: &OutcomeModel) -> Vec<Check> {
    let c = fits.contrast;
    let Some(f) = Fitness::of(fits, model) else { return Vec::new() };
    let mut out = Vec::new();
    if let Some(auc) = f.auc {
        let message = "c-statistic of the reference model in its own group; 0.5 is no better than chance".to_owned();
        out.push(Check::new("reference_model_c_statistic", auc, 0.5, auc >= 0.5, Gate::Warns, message).of(model.set));
    }
    let calibration = deciles(&f, c.design.family, model.fit.dispersion);
    let message = format!(
        "largest difference between observed and predicted mean outcome over tenths of predicted outcome is {:.4} (Hosmer-Lemeshow statistic {:.2}); the value is its p-value",
        calibration.largest_difference, calibration.statistic
    );
    out.push(Check::new("reference_model_calibration", calibration.p_value, 0.01, calibration.p_value >= 0.01, Gate::Warns, message).of(model.set));
    out
}

/// Reference units that a level needs before the reference model describes rather than extrapolates.
const MIN_REFERENCE_UNITS: usize = 10;

/// Strata of index units that the reference model extrapolates to: levels with few reference units, and numbers beyond
/// the range of 99.8% of reference units. The value is the share of index units in them.
pub fn extrapolation(c: &Contrast<'_>) -> Vec<Check> {
    let n1 = c.index().len() as f64;
    let mut out = Vec::new();
    for d in &c.design.described {
        match &d.values {
            DescribedValues::Category { levels, code } => {
                let count = |l: u32| (c.reference().filter(|&i| code[i] == l).count(), c.index().filter(|&i| code[i] == l).count());
                let thin: Vec<(usize, usize)> = (0..levels.len())
                    .map(|l| (l, count(l as u32)))
                    .filter(|(_, (n0, n1))| *n0 < MIN_REFERENCE_UNITS && *n1 > 0)
                    .map(|(l, (_, n1))| (l, n1))
                    .collect();
                if thin.is_empty() {
                    continue;
                }
                let count = thin.iter().map(|(_, n)| *n).sum::<usize>();
                let share = count as f64 / n1;
                // Hospitals with few patients are not named.
                let hospitals = c.design.factors.iter().any(|f| f.fixed_effects && f.variable == d.variable);
                let named: Vec<&str> = thin.iter().take(5).map(|(l, _)| levels[*l].as_str()).collect();
                let more = if thin.len() > 5 { format!(" and {} more", thin.len() - 5) } else { String::new() };
                let which = if hospitals { String::new() } else { format!(": {}{more}", named.join(", ")) };
                let message =
                    format!("share of index units at levels of {} with fewer than {MIN_REFERENCE_UNITS} reference units{which}", d.variable);
                out.push(Check::new("extrapolation", share, 0.01, share <= 0.01, Gate::Warns, message).counting(count, Some(c.index().len())));
            }
            DescribedValues::Number(x) => {
                let mut known: Vec<f64> = c.reference().map(|i| x[i]).filter(|v| !v.is_nan()).collect();
                known.sort_by(f64::total_cmp);
                let (Some(low), Some(high)) = (quantile(&known, 0.001), quantile(&known, 0.999)) else { continue };
                let count = c.index().filter(|&i| x[i] < low || x[i] > high).count();
                let outside = count as f64 / n1;
                if outside > 0.0 {
                    let message = format!("share of index units whose {} lies outside the range of 99.8% of reference units", d.variable);
                    out.push(
                        Check::new("extrapolation", outside, 0.05, outside <= 0.05, Gate::Warns, message).counting(count, Some(c.index().len())),
                    );
                }
            }
        }
    }
    out
}

/// Number of clusters, and how many carry the variance of an estimate (METHODS 6.2).
pub fn clusters(sampling: &Sampling, primary: &Estimate) -> Vec<Check> {
    let Some(g) = sampling.n_cluster() else { return Vec::new() };
    let few = "number of clusters; with fewer than 10 intervals are unreliable whatever their formula".to_owned();
    let mut out = vec![Check::new("clusters", g as f64, 10.0, g >= 10, Gate::Intervals, few)];
    let squares: Vec<f64> = sampling.cluster_sums(primary).iter().map(|v| v * v).collect();
    let effective = squares.iter().sum::<f64>().powi(2) / squares.iter().map(|s| s * s).sum::<f64>();
    let message = "number of clusters that carry the variance of the gap: (sum of squares)^2 / sum of fourth powers of the cluster sums".to_owned();
    out.push(Check::new("effective_clusters", effective, 10.0, effective >= 10.0, Gate::Warns, message));
    out
}

/// Whether the one-step and the plug-in estimate of one adjusted gap differ by more than a standard error of the first.
pub fn estimators_agree(one_step: &Estimate, plug_in: &Estimate, sampling: &Sampling, set: BlockSet) -> Check {
    let ratio = (one_step.value - plug_in.value).abs() / sampling.std_error(one_step);
    let message = "difference of the one-step and the plug-in mean with every block, in standard errors of the first".to_owned();
    Check::new("dr_minus_gcomp", ratio, 1.0, ratio <= 1.0, Gate::Warns, message).of(set)
}

/// How far weights for missing outcomes go.
pub fn response_probability(smallest: f64) -> Check {
    let message = "smallest probability of a known outcome among rows that have one; each stands for 1 / probability rows".to_owned();
    Check::new("smallest_response_probability", smallest, 0.05, smallest >= 0.05, Gate::Warns, message)
}

/// The same check on completed data sets as one: it passes if it passes on all of them. Its figures are those of the first data set where it
/// fails, or else of the first.
pub fn of_completed(of: Vec<Vec<Check>>) -> Vec<Check> {
    let mut out: Vec<Check> = Vec::new();
    for c in of.into_iter().flatten() {
        let same = |o: &&mut Check| (o.check, o.set, o.analysis) == (c.check, c.set, c.analysis) && subject(&o.message) == subject(&c.message);
        match out.iter_mut().find(same) {
            Some(known) if known.passed && !c.passed => *known = c,
            Some(_) => {}
            None => out.push(c),
        }
    }
    out
}

/// A message without its numbers: what the check is about.
fn subject(message: &str) -> String {
    message.chars().filter(|c| !c.is_ascii_digit() && !matches!(c, '.' | '-' | 'e')).collect()
}

/// A hospital's or an area's columns without `cluster`: standard errors would be far too small.
pub fn unclustered_columns(table: &str, variables: &[String], identifies_hospitals: bool) -> Check {
    let gate = if identifies_hospitals { Gate::Intervals } else { Gate::Warns };
    let message =
        format!("{} of table `{table}` vary between its rows only, and `cluster` is not given: standard errors are too small", variables.join(", "));
    Check {
        set: None,
        check: "unclustered_group_level_columns",
        value: None,
        threshold: None,
        passed: false,
        gate,
        message,
        units: None,
        analysis: None,
    }
}

/// The model with every block that a comparison was fitted with in the reference group.
pub fn full_reference_model(fits: &Fits<'_>) -> Option<OutcomeModel> {
    let all = BlockSet::all(fits.contrast.design.blocks.len());
    let family = fits.contrast.design.family;
    let is_full =
        |m: &OutcomeModel| m.fitted_in == FittedIn::Reference && m.set == all && m.group_terms == GroupTerms::Without && m.fit.family == family;
    fits.outcome_models().into_iter().find(is_full)
}

/// Smallest value at which the weights of values up to it reach a share `p` of all; `None` without values.
fn weighted_quantile(values: &[(f64, f64)], p: f64) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
    let target = p * sorted.iter().map(|v| v.1).sum::<f64>();
    let mut sum = 0.0;
    sorted
        .iter()
        .find(|v| {
            sum += v.1;
            sum >= target
        })
        .or(sorted.last())
        .map(|v| v.0)
}

/// Quantile of sorted values by linear interpolation (type 7 of Hyndman & Fan 1996); `None` without values.
pub fn quantile(sorted: &[f64], p: f64) -> Option<f64> {
    let h = p * (sorted.len().checked_sub(1)? as f64);
    let (low, high) = (h.floor() as usize, h.ceil() as usize);
    Some(sorted[low] + (h - low as f64) * (sorted[high] - sorted[low]))
}
