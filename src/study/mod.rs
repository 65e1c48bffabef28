//! The study file as written, and the study with everything resolved.

pub mod file;
pub mod placed;
pub mod places;
pub mod plan;
mod read;
mod resolve;
mod resolved;
mod shape;
pub mod start;

use crate::cohort::plan::{CohortPlan, Columns};
use crate::error::{Problem, Problems, Severity, codes};
use file::CausalClaims;
use plan::{StudyPlan, folder_of};
use resolve::{Environment, Resolver};
use sha2::{Digest, Sha256};
use std::path::Path;

/// Reads and checks a study file.
///
/// `columns_of` says which columns the joined row of a cohort has; it is called once, if tables and cohort could be
/// resolved, and its problems are reported together with those found here.
///
/// Errors: every problem of the file, in the order of its lines, warnings included.
pub fn load(path: &Path, columns_of: &dyn Fn(&CohortPlan) -> Result<Columns, Problems>) -> Result<StudyPlan, Problems> {
    let name = path.display();
    let bytes = std::fs::read(path).map_err(|error| {
        let help = "give the path of a study file; `gapshare schema study` prints the format";
        vec![Problem::error(codes::G202, format!("the study file `{name}` cannot be read: {error}")).help(help)]
    })?;
    load_bytes(path, &bytes, &|name| std::env::var(name).ok(), columns_of)
}

/// [`load`] without the file system and the environment.
fn load_bytes(
    path: &Path,
    bytes: &[u8],
    environment: Environment<'_>,
    columns_of: &dyn Fn(&CohortPlan) -> Result<Columns, Problems>,
) -> Result<StudyPlan, Problems> {
    let name = path.display().to_string();
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let line = bytes[..error.valid_up_to()].iter().filter(|byte| **byte == b'\n').count() + 1;
        vec![Problem::error(codes::G101, format!("`{name}` is not UTF-8 text: see line {line}")).help("save the file as UTF-8")]
    })?;
    let (study, mut problems) = shape::read(&name, text);
    let Some(study) = study else { return Err(in_order(problems)) };
    let mut resolver = Resolver::new(&study, folder_of(path), environment);
    let resolved = resolver.run(columns_of);
    problems.append(&mut resolver.problems);
    let problems = in_order(problems);
    let file = &study.file;
    match resolved {
        Some(resolved) if !problems.iter().any(Problem::is_error) => Ok(StudyPlan {
            path: path.to_owned(),
            name: file.study.value.clone(),
            title: file.title.clone().unwrap_or_else(|| file.study.value.clone()),
            called: file.cohort.called_in_force(),
            cohort: resolved.cohort,
            roles: resolved.roles,
            causal_order: resolved.causal_order,
            causal_claims: file.causal_claims == CausalClaims::Declared,
            labels: resolved.labels,
            analyses: resolved.analyses,
            primary: resolved.primary,
            sensitivity: resolved.sensitivity,
            missing: resolved.missing,
            level: resolved.level,
            leave_clusters_out: resolved.leave_clusters_out,
            min_cell: file.release.min_cell,
            design_file: resolved.design_file,
            resolved_yaml: resolved::yaml_in_full(file).map_err(|problem| vec![*problem])?,
            sha256: Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect(),
            group_level_columns: resolved.group_level_columns,
            warnings: problems,
        }),
        _ => Err(problems),
    }
}

/// By line and column; errors before warnings at the same place, those without a place last.
fn in_order(mut problems: Problems) -> Problems {
    problems.sort_by_key(|problem| {
        let (line, col) = problem.place.as_ref().map_or((usize::MAX, 0), |place| (place.line, place.col));
        (line, col, problem.severity == Severity::Warning)
    });
    problems
}

/// The JSON Schema of the study file, as `gapshare schema study` prints it; docs/study.schema.json is this text.
pub fn schema_json() -> String {
    let mut text = format!("{:#}", shape::schema());
    text.push('\n');
    text
}

#[cfg(test)]
mod tests;
