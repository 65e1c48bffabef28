//! The whole study, stage by stage: check, cohort, design, decompose, diagnose, withhold, write.

mod analyse;
mod clock;
mod coding;
mod compare;
mod data;
mod facade;
pub mod forecast;
mod tables;
pub mod validate;

use crate::cohort::plan::{MissingRule, OutcomePlan};
use crate::cohort::{design_file, engine};
use crate::design::Design;
use crate::error::codes::Exit;
use crate::error::{Problem, Problems, codes};
use crate::release::manifest::{InputRecord, RunManifest, StageRecord};
use crate::release::{Meta, ResultTables, ShownProblem, check_output, read_results, replace_report, withhold, write_all};
use crate::report;
use crate::sensitivity::Control;
use crate::study::{self, plan::StudyPlan};
use analyse::Beside;
use clock::Stopwatch;
use data::Data;
use indexmap::IndexMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

pub use facade::{DecompositionRow, Error, Results, Study};

/// What the command line adds to a study; nothing scientific.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Result folder; `results/<study>` by default.
    pub out: Option<PathBuf>,
    /// Where to write the analysis rows as parquet.
    pub design: Option<PathBuf>,
    /// The command line, for run.json.
    pub command: String,
}

/// A run that wrote its results.
pub struct Outcome {
    pub out: PathBuf,
    pub results: ResultTables,
    /// `None`: nothing failed.
    pub exit: Option<Exit>,
    /// Warnings, and the errors of analyses that could not be estimated.
    pub problems: Problems,
}

/// The stages of a run, in order, as progress tells them.
pub const STAGES: [&str; 5] = ["check", "cohort", "design", "analyses", "tables and report"];

/// Where a run stands: told as each step begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step<'a> {
    /// Position in [`STAGES`].
    pub stage: usize,
    /// What is done now.
    pub doing: &'a str,
    /// Steps of the stage that are done, and how many it has.
    pub done: usize,
    pub of: usize,
}

/// Told each step of a run as it begins.
pub type Progress<'a> = &'a (dyn Fn(Step<'_>) + Sync);

/// Reads the study file and the table headers; fits nothing.
pub fn check(study: &Path) -> Result<StudyPlan, Problems> {
    study::load(study, &engine::columns)
}

/// Writes a study file for the tables in `dir`; returns its path. `kind` is omop, synthea or tables.
///
/// Errors: G214 for another kind, and those of [`study::start::start`].
pub fn init(kind: &str, dir: &Path, out: Option<&Path>) -> Result<PathBuf, Problems> {
    use crate::cohort::sources::Model;
    use study::start::From;
    let from = match Model::named(kind) {
        Some(model) => From::Source(model),
        None if kind == "tables" => From::Tables(&engine::columns),
        None => {
            let problem = Problem::error(codes::G214, format!("`{kind}` is not a kind of folder that a study can start from"));
            return Err(vec![problem.help("write --from omop DIR, --from synthea DIR, or --from tables DIR")]);
        }
    };
    study::start::start(&from, dir, out)
}

/// The whole study, written to its result folder. `progress` is told each step as it begins.
///
/// Errors: every problem of the stage that could not go on; earlier results stay as they were.
pub fn run(study: &Path, options: &Options, progress: Progress<'_>) -> Result<Outcome, Problems> {
    let watch = Stopwatch::start();
    progress(Step { stage: 0, doing: "checking the study file", done: 0, of: 1 });
    let plan = check(study)?;
    let out = options.out.clone().unwrap_or_else(|| PathBuf::from("results").join(&plan.name));
    check_output(&out)?;
    let computed = compute(&plan, options.design.as_deref(), watch, progress)?;
    write(&plan, &computed, &out, &options.command)?;
    Ok(Outcome { out, results: computed.results, exit: computed.exit, problems: computed.problems })
}

/// What a run computes, before anything is written.
pub(crate) struct Computed {
    pub results: ResultTables,
    /// `None`: nothing failed.
    pub exit: Option<Exit>,
    pub problems: Problems,
    manifest: RunManifest,
    watch: Stopwatch,
}

/// Everything between the plan and the result folder. Writes nothing but the analysis rows, where they are asked for.
pub(crate) fn compute(plan: &StudyPlan, design_out: Option<&Path>, mut watch: Stopwatch, progress: Progress<'_>) -> Result<Computed, Problems> {
    watch.stage("check", None);
    let begins = |stage: usize, doing: &str| progress(Step { stage, doing, done: 0, of: 1 });
    begins(1, "reading tables and building the cohort");
    let cohort = engine::build(&plan.cohort, &plan.roles).map_err(|mut problems| {
        // Tables without rows, or of another version, explain other errors.
        problems.extend(plan.warnings.iter().filter(|w| [codes::G331, codes::G333].contains(&w.code)).cloned());
        problems
    })?;
    // Where each unit has a row of the table for itself, such as one visit a patient, nothing is shared that a cluster could stand for.
    let group_level = plan.group_level_columns.iter().filter(|g| cohort.joins.iter().any(|j| j.table == g.table && j.shared)).collect();
    watch.stage("cohort", Some(cohort.n() as u64));

    begins(2, "coding the design");
    let (data, warnings) = Data::of(&cohort, &plan.roles, &plan.missing.settings).map_err(|mut problems| {
        // A number column that one cell made text explains other errors.
        problems.extend(cohort.warnings.iter().filter(|w| w.code == codes::G315).cloned());
        problems
    })?;
    let design = data.design();
    if let Some(file) = design_out.or(plan.design_file.as_deref()) {
        design_file::write(file, design, &cohort)?;
    }
    watch.stage("design", Some(design.y.len() as u64));

    let coding = coding::coding(plan, &cohort);
    let mut problems: Problems = plan.warnings.iter().chain(&cohort.warnings).chain(&coding.warnings).chain(&warnings).cloned().collect();
    // An analysis or its variations are a step, and so are the checks of a comparison and another treatment of missing values.
    let varied = plan.sensitivity.as_ref().map_or(0, |s| s.analyses.len());
    let of = (plan.analyses.len() + varied + 1) * design.groups.len().saturating_sub(1) + plan.missing.compare.len();
    let done = AtomicUsize::new(0);
    let analysing = |doing: &str| progress(Step { stage: 3, doing, done: done.fetch_add(1, Ordering::Relaxed), of });
    let beside = Beside { controls: controls(plan, &cohort, design), group_level };
    let analysed = analyse::analyse(plan, &data, &beside, &analysing)?;
    problems.extend(analysed.problems(plan));
    let compared = compare::compare(plan, &cohort, &analysing);
    watch.stage("decompose", Some(design.y.len() as u64));

    begins(4, "writing tables and report");
    let raw = tables::all(plan, &cohort, design, &analysed, &compared, &coding)?;
    let meta =
        Meta { problems: problems.iter().map(|p| ShownProblem::released(p, plan.min_cell)).collect(), ..tables::meta(plan, design, &analysed) };
    let (results, withheld) = withhold(meta, raw, plan.min_cell)?;
    problems.extend(withheld);
    let exit = analysed.exit();
    let inputs = cohort.inputs.iter().flat_map(|t| {
        t.files.iter().map(|f| InputRecord {
            table: t.table.clone(),
            written: f.path.clone(),
            path: if f.query { f.path.clone() } else { absolute(&f.resolved) },
            query: f.query,
            sha256: f.sha256.clone(),
            bytes: f.bytes,
            rows: Some(f.rows),
        })
    });
    let manifest = RunManifest {
        schema_version: 1,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        study_file: absolute(&plan.path),
        study_sha256: plan.sha256.clone(),
        inputs: inputs.collect(),
        rows_read: cohort.rows_read.values().sum(),
        warnings: results.meta.problems.clone(),
        exit: exit.map_or(0, |e| e as u8),
        plan: serde_json::json!({ "cohort": &plan.cohort, "roles": &plan.roles }),
        ..RunManifest::default()
    };
    Ok(Computed { results, exit, problems, manifest, watch })
}

/// Renders the report and writes the result folder.
pub(crate) fn write(plan: &StudyPlan, computed: &Computed, out: &Path, command: &str) -> Result<(), Problems> {
    let html = report::render(&computed.results)?;
    let resolved = plan.resolved_yaml_for(out).map_err(|bug| vec![*bug])?;
    let mut watch = computed.watch.clone();
    watch.stage("withhold and report", None);
    let stages = watch.stages().iter().map(|s| StageRecord { name: s.name.to_owned(), seconds: s.seconds, rows: s.rows }).collect();
    let manifest = RunManifest {
        command: command.to_owned(),
        stages,
        seeds: seeds(plan),
        threads: rayon::current_num_threads(),
        peak_memory_bytes: clock::peak_memory(),
        started: watch.started(),
        finished: clock::now(),
        ..computed.manifest.clone()
    };
    write_all(out, &computed.results, &html, &resolved, manifest)?;
    Ok(())
}

/// What the study draws random numbers for, and from which seed.
fn seeds(plan: &StudyPlan) -> IndexMap<String, u64> {
    let analyses = plan.analyses.iter().filter_map(|a| Some((a.name.clone(), a.method.seed()?)));
    let tried = plan.sensitivity.iter().flat_map(|s| &s.learner).find_map(|tried| tried.seed());
    let imputes = plan.roles.variables.iter().any(|v| v.missing == MissingRule::MultipleImputation);
    let imputed = imputes.then(|| ("missing.multiple_imputation".to_owned(), plan.missing.settings.seed));
    analyses.chain(tried.map(|seed| ("sensitivity.learner".to_owned(), seed))).chain(imputed).collect()
}

/// The control outcomes by row of the design.
fn controls(plan: &StudyPlan, cohort: &engine::Cohort, design: &Design) -> Vec<Control> {
    let of = |(outcome, values): (&OutcomePlan, &Vec<f64>)| Control {
        name: outcome.column.name.clone(),
        family: outcome.family,
        y: design.cohort_row.iter().map(|row| values[*row as usize]).collect(),
    };
    plan.roles.controls.iter().zip(&cohort.controls).map(of).collect()
}

/// A path that works from any folder, for `verify`.
fn absolute(path: &Path) -> String {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).display().to_string()
}

/// Renders report.html of a result folder again from its tables.
pub fn report(dir: &Path) -> Result<(), Problems> {
    let results = read_results(dir)?;
    replace_report(dir, &report::render(&results)?)
}

/// Writes synthetic tables and their truth; `units` and `seed` replace what the spec says.
pub fn synth(
    spec: &Path,
    out: Option<&Path>,
    units: Option<usize>,
    seed: Option<u64>,
    progress: &dyn Fn(&str),
) -> Result<crate::synth::Written, Problems> {
    let parsed = crate::synth::read_spec(spec)?;
    let out = out.map_or_else(|| parsed.default_out_dir(), Path::to_owned);
    crate::synth::write(&parsed, units.unwrap_or(parsed.sample.units), seed.unwrap_or(parsed.sample.seed), &out, progress)
}
