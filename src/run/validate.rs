//! A simulation study: the study's own analyses on many samples of a population whose answers are known.

mod truths;

use super::analyse::{self, AnalysisResult};
use crate::cohort::{coding, engine};
use crate::decompose::{Component, Part};
use crate::error::{Problem, Problems, codes};
use crate::inference::Inferred;
use crate::study::plan::StudyPlan;
use crate::synth::{self, BLOCKS, Spec};
use crate::vocab::BlockSet;
use indexmap::IndexMap;
use std::path::{Path, PathBuf};

/// What the command line says.
#[derive(Clone, Debug)]
pub struct Options {
    /// Spec of the population; by default the one beside the folder of the study's tables.
    pub spec: Option<PathBuf>,
    pub runs: usize,
    pub units: Option<usize>,
    /// Seed of the first sample; the next samples take the next seeds.
    pub seed: u64,
    /// Units of the sample that stands for the population where it states no truth; 0: those analyses are left out.
    pub limit: usize,
}

/// Where a true value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The population's own equations.
    Stated,
    /// The analysis itself on one very large sample: what it estimates, with a small error of its own.
    Limit,
}

impl Source {
    pub fn name(self) -> &'static str {
        match self {
            Self::Stated => "stated",
            Self::Limit => "limit",
        }
    }
}

/// Figures of one quantity over all samples.
#[derive(Clone, Debug)]
pub struct Performance {
    pub analysis: String,
    pub quantity: String,
    pub truth: f64,
    pub runs: usize,
    pub mean_estimate: f64,
    /// Standard deviation of the estimates.
    pub sd: f64,
    pub mean_std_error: f64,
    /// Share of samples whose interval holds the truth.
    pub coverage: f64,
    pub mean_width: f64,
    /// Which sampling the standard errors and intervals allow for.
    pub intervals: Intervals,
    pub source: Source,
}

/// What the intervals of a simulation allow for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Intervals {
    /// Those of the study: other hospitals could have been in the data, if it gives `cluster`.
    Study,
    /// The hospitals are these; patients are drawn. This is how a synthetic population is sampled: its hospitals stay.
    Patients,
}

impl Intervals {
    pub fn name(self) -> &'static str {
        match self {
            Self::Study => "study",
            Self::Patients => "patients",
        }
    }
}

impl Performance {
    pub fn bias(&self) -> f64 {
        self.mean_estimate - self.truth
    }
}

/// Results of a simulation study.
pub struct Validation {
    pub rows: Vec<Performance>,
    pub units: usize,
    pub seed: u64,
    pub runs: usize,
    /// Samples in which an analysis could not be estimated: (analysis, samples, the first reason).
    pub failed: Vec<(String, usize, String)>,
    /// Analyses for which the population states no truth.
    pub without_truth: Vec<String>,
}

struct Seen {
    truth: f64,
    source: Source,
    values: Vec<Inferred>,
}

/// Runs the study on `runs` samples drawn anew. Only the tables' files are replaced; everything else is the study's own.
///
/// Errors: the study or the spec cannot be read, or they are not of the same population (G210).
pub fn validate(study: &Path, options: &Options, progress: &dyn Fn(&str)) -> Result<Validation, Problems> {
    let mut plan = super::check(study)?;
    let spec_path = options.spec.clone().map_or_else(|| beside(&plan), Ok)?;
    let spec = synth::read_spec(&spec_path)?;
    let blocks = positions(&plan);
    if plan.roles.group.index.len() != 1 {
        let help = "name the index group that the spec draws, and no other";
        return Err(vec![Problem::error(codes::G210, "validate takes a study with one index group").help(help)]);
    }
    if blocks.is_none() && options.limit == 0 {
        let (study, population) = (plan.roles.blocks.join(", "), BLOCKS.join(", "));
        let message = format!("the study's blocks are {study}; the population states truths for {population}");
        return Err(vec![Problem::error(codes::G210, message).help("take these blocks, or truths from one large sample: --limit 2000000")]);
    }
    if options.runs < 2 {
        return Err(vec![Problem::error(codes::G213, "a simulation study needs at least 2 runs").help("give --runs 100")]);
    }
    progress(&format!("computing the true values from {} draws", spec.truth.draws));
    let truth = synth::truth(&spec, spec.truth.draws);
    let units = options.units.unwrap_or(spec.sample.units);
    let stated = |settings: &serde_json::Value| blocks.as_ref().map_or_else(Vec::new, |b| truths::of(&truth, settings, b, &plan));
    let mut known: Vec<(Source, Vec<(Quantity, f64)>)> = plan.analyses.iter().map(|a| (Source::Stated, stated(&a.settings))).collect();
    if options.limit > 0 && known.iter().any(|(_, t)| t.is_empty()) {
        progress(&format!("taking what the population does not state from one sample of {} units", options.limit));
        one_sample(&mut plan, &spec, options.limit, LIMIT_SEED, |_, intervals, analysis, result| {
            if let (Intervals::Study, Ok(r)) = (intervals, result)
                && known[analysis].1.is_empty()
            {
                known[analysis] = (Source::Limit, limits_of(r));
            }
        })?;
    }
    let without_truth = plan.analyses.iter().zip(&known).filter(|(_, (_, t))| t.is_empty()).map(|(a, _)| a.name.clone()).collect();

    let mut seen: IndexMap<(Intervals, String, String), Seen> = IndexMap::new();
    let mut failed: IndexMap<String, (usize, String)> = IndexMap::new();
    for run in 0..options.runs {
        progress(&format!("sample {} of {}", run + 1, options.runs));
        one_sample(&mut plan, &spec, units, options.seed + run as u64, |plan, intervals, analysis, result| match result {
            Ok(r) => {
                let (source, truths) = &known[analysis];
                for &(quantity, value) in truths {
                    let Some(found) = find(r, quantity) else { continue };
                    let key = (intervals, plan.analyses[analysis].name.clone(), quantity.name(plan));
                    seen.entry(key).or_insert_with(|| Seen { truth: value, source: *source, values: Vec::new() }).values.push(found);
                }
            }
            Err(reason) if intervals == Intervals::Study => failed.entry(plan.analyses[analysis].name.clone()).or_insert((0, reason)).0 += 1,
            Err(_) => {}
        })?;
    }
    let rows = seen.into_iter().map(|((intervals, analysis, quantity), s)| performance(intervals, analysis, quantity, &s)).collect();
    let failed = failed.into_iter().map(|(a, (n, reason))| (a, n, reason)).collect();
    Ok(Validation { rows, units, seed: options.seed, runs: options.runs, failed, without_truth })
}

/// Draws one sample into a folder of its own and runs the study's analyses on it.
fn one_sample(
    plan: &mut StudyPlan,
    spec: &Spec,
    units: usize,
    seed: u64,
    mut each: impl FnMut(&StudyPlan, Intervals, usize, Result<&AnalysisResult, String>),
) -> Result<(), Problems> {
    let dir = tempfile::tempdir().map_err(|e| vec![Problem::error(codes::G212, format!("no temporary folder: {e}"))])?;
    synth::write_replicate(spec, units, seed, dir.path())?;
    for table in plan.cohort.tables.values_mut() {
        let Some(name) = table.resolved.file_name().map(ToOwned::to_owned) else { continue };
        let drawn = dir.path().join(&name);
        if !drawn.exists() {
            let message = format!("table `{}` reads `{}`, which the spec does not write", table.name, table.path);
            return Err(vec![
                Problem::error(codes::G210, message).at(table.path_place.clone()).help("the study must read the tables of the spec's population"),
            ]);
        }
        table.resolved = drawn;
    }
    let cohort = engine::build(&plan.cohort, &plan.roles)?;
    let (design, _) = coding::code(&cohort, &plan.roles)?;
    let mut kinds = vec![(Intervals::Study, true)];
    if design.clusters.is_some() {
        kinds.push((Intervals::Patients, false));
    }
    let clustered: Vec<bool> = kinds.iter().map(|(_, clustered)| *clustered).collect();
    let found = analyse::decompositions(plan, &design, &clustered);
    for ((intervals, _), groups) in kinds.into_iter().zip(found) {
        for analyses in groups {
            for (a, result) in analyses.iter().enumerate() {
                each(plan, intervals, a, result.as_ref().map_err(ToString::to_string));
            }
        }
    }
    Ok(())
}

/// `folder/x.spec.yaml` for tables in `folder/x/`.
fn beside(plan: &StudyPlan) -> Result<PathBuf, Problems> {
    let folder = plan.cohort.tables.values().next().and_then(|t| t.resolved.parent());
    let spec = folder.and_then(|f| Some(f.with_file_name(format!("{}.spec.yaml", f.file_name()?.to_string_lossy()))));
    match spec {
        Some(spec) if spec.exists() => Ok(spec),
        _ => Err(vec![
            Problem::error(codes::G210, "the study's tables are not beside a spec of the population they were drawn from")
                .help("validate draws new samples from a synthetic population: name its spec with --spec FILE"),
        ]),
    }
}

/// For each block of the study its position among the population's blocks; `None` if they are not the same.
fn positions(plan: &StudyPlan) -> Option<Vec<usize>> {
    let found: Option<Vec<usize>> = plan.roles.blocks.iter().map(|b| BLOCKS.iter().position(|k| k == b)).collect();
    found.filter(|f| f.len() == BLOCKS.len())
}

/// What has a true value.
#[derive(Clone, Copy)]
enum Quantity {
    Row(Part, Component),
    AdjustedGap(BlockSet),
    /// A row of the hospital table, of this family.
    Hospital(&'static str, &'static str),
}

impl Quantity {
    fn name(self, plan: &StudyPlan) -> String {
        match self {
            Self::Row(part, Component::Block(k)) => format!("{}: {}", part.name(), plan.roles.blocks[k]),
            Self::Row(part, Component::Named(name)) => format!("{}: {name}", part.name()),
            Self::Hospital(row, family) => format!("{row} (family {family})"),
            Self::Row(part, _) => part.name().to_owned(),
            Self::AdjustedGap(set) => format!("adjusted gap: {}", set.name(&plan.roles.blocks)),
        }
    }
}

fn find(r: &AnalysisResult, q: Quantity) -> Option<Inferred> {
    match q {
        Quantity::Row(part, component) => r.rows.iter().find(|row| row.part == part && row.component == component).map(|row| row.value),
        Quantity::Hospital(row, family) => {
            let rows = r.hospital.iter().flat_map(|h| &h.rows);
            rows.filter(|(h, _)| h.name == row && h.family == Some(family)).find_map(|(_, v)| *v)
        }
        Quantity::AdjustedGap(set) => r.sets.iter().find(|s| s.set == set).map(|s| s.adjusted_gap),
    }
}

/// Seed of the sample that stands for the population; no run takes it.
const LIMIT_SEED: u64 = u64::MAX;

/// Totals, blocks, and what a method names itself, as one sample gives them.
fn limits_of(r: &AnalysisResult) -> Vec<(Quantity, f64)> {
    let wanted = |row: &&crate::inference::InferredRow| {
        matches!(row.component, Component::Total)
            || matches!(row.part, Part::Explained | Part::Endowments | Part::Unexplained)
                && matches!(row.component, Component::Block(_) | Component::Named(_))
    };
    r.rows.iter().filter(wanted).map(|row| (Quantity::Row(row.part, row.component), row.value.estimate)).collect()
}

fn performance(intervals: Intervals, analysis: String, quantity: String, s: &Seen) -> Performance {
    let n = s.values.len() as f64;
    let mean = |f: &dyn Fn(&Inferred) -> f64| s.values.iter().map(f).sum::<f64>() / n;
    let mean_estimate = mean(&|v| v.estimate);
    let sd = (s.values.iter().map(|v| (v.estimate - mean_estimate).powi(2)).sum::<f64>() / (n - 1.0)).sqrt();
    Performance {
        source: s.source,
        intervals,
        analysis,
        quantity,
        truth: s.truth,
        runs: s.values.len(),
        mean_estimate,
        sd,
        mean_std_error: mean(&|v| v.std_error),
        coverage: mean(&|v| f64::from(u8::from(v.conf_low <= s.truth && s.truth <= v.conf_high))),
        mean_width: mean(&|v| v.conf_high - v.conf_low),
    }
}
