//! The whole study, stage by stage: check, cohort, design, decompose, diagnose, withhold, write.

mod analyse;
mod clock;
mod tables;
pub mod validate;

use crate::cohort::plan::OutcomePlan;
use crate::cohort::{coding, design_file, engine};
use crate::design::Design;
use crate::error::codes::Exit;
use crate::error::{Problems, codes};
use crate::release::manifest::{InputRecord, RunManifest, StageRecord};
use crate::release::{Meta, ResultTables, ShownProblem, check_output, read_results, replace_report, withhold, write_all};
use crate::report;
use crate::sensitivity::Control;
use crate::study::{self, plan::StudyPlan};
use clock::Stopwatch;
use indexmap::IndexMap;
use std::path::{Path, PathBuf};

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

/// Reads the study file and the table headers; fits nothing.
pub fn check(study: &Path) -> Result<StudyPlan, Problems> {
    study::load(study, &engine::columns)
}

/// The whole study. `progress` is told each stage as it begins.
///
/// Errors: every problem of the stage that could not go on; earlier results stay as they were.
pub fn run(study: &Path, options: &Options, progress: &(dyn Fn(&str) + Sync)) -> Result<Outcome, Problems> {
    let mut watch = Stopwatch::start();
    progress("checking the study file");
    let plan = check(study)?;
    let out = options.out.clone().unwrap_or_else(|| PathBuf::from("results").join(&plan.name));
    check_output(&out)?;
    watch.stage("check", None);

    progress("reading tables and building the cohort");
    let cohort = engine::build(&plan.cohort, &plan.roles)?;
    watch.stage("cohort", Some(cohort.n() as u64));

    progress("coding the design");
    let (design, warnings) = coding::code(&cohort, &plan.roles).map_err(|mut problems| {
        // A number column that one cell made text explains other errors.
        problems.extend(cohort.warnings.iter().filter(|w| w.code == codes::G315).cloned());
        problems
    })?;
    if let Some(file) = options.design.as_ref().or(plan.design_file.as_ref()) {
        design_file::write(file, &design, &cohort)?;
    }
    watch.stage("design", Some(design.y.len() as u64));

    let mut problems: Problems = plan.warnings.iter().chain(&cohort.warnings).chain(&warnings).cloned().collect();
    let analysed = analyse::analyse(&plan, &design, &controls(&plan, &cohort, &design), progress);
    problems.extend(analysed.problems(&plan));
    watch.stage("decompose", Some(design.y.len() as u64));

    progress("writing tables and report");
    let raw = tables::all(&plan, &cohort, &design, &analysed)?;
    let meta =
        Meta { problems: problems.iter().map(|p| ShownProblem::released(p, plan.min_cell)).collect(), ..tables::meta(&plan, &design, &analysed) };
    let (results, withheld) = withhold(meta, raw, plan.min_cell)?;
    problems.extend(withheld);
    let html = report::render(&results)?;
    let resolved = plan.resolved_yaml_for(&out).map_err(|bug| vec![*bug])?;
    watch.stage("withhold and report", None);

    let exit = analysed.exit();
    let inputs = cohort.inputs.iter().flat_map(|t| {
        t.files.iter().map(|f| InputRecord {
            table: t.table.clone(),
            written: f.path.clone(),
            path: absolute(&f.resolved),
            sha256: f.sha256.clone(),
            bytes: f.bytes,
            rows: Some(f.rows),
        })
    });
    let stages = watch.stages().iter().map(|s| StageRecord { name: s.name.to_owned(), seconds: s.seconds, rows: s.rows }).collect();
    let manifest = RunManifest {
        schema_version: 1,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        command: options.command.clone(),
        study_file: absolute(&plan.path),
        study_sha256: plan.sha256.clone(),
        inputs: inputs.collect(),
        rows_read: cohort.rows_read.values().sum(),
        warnings: results.meta.problems.clone(),
        stages,
        seeds: seeds(&plan),
        threads: rayon::current_num_threads(),
        peak_memory_bytes: clock::peak_memory(),
        started: watch.started(),
        finished: clock::now(),
        exit: exit.map_or(0, |e| e as u8),
        plan: serde_json::json!({ "cohort": &plan.cohort, "roles": &plan.roles }),
        ..RunManifest::default()
    };
    write_all(&out, &results, &html, &resolved, manifest)?;
    Ok(Outcome { out, results, exit, problems })
}

/// What the study draws random numbers for, and from which seed.
fn seeds(plan: &StudyPlan) -> IndexMap<String, u64> {
    let analyses = plan.analyses.iter().filter_map(|a| Some((a.name.clone(), a.method.seed()?)));
    let tried = plan.sensitivity.iter().flat_map(|s| &s.learner).find_map(|tried| tried.seed());
    analyses.chain(tried.map(|seed| ("sensitivity.learner".to_owned(), seed))).collect()
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
