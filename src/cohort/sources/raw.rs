//! One file of a folder as it is: the columns that a table is made of, by their names in lower case.

use crate::cohort::plan::{ColumnType, TablePlan, TypedColumn};
use crate::cohort::read::{self, Header};
use crate::cohort::source::ReadFile;
use crate::error::{Problem, Problems, codes};
use polars::prelude::{Column, DataFrame, PolarsResult, polars_err};
use std::collections::HashMap;

/// A file whose header was read.
pub(super) struct RawHeader {
    plan: TablePlan,
    header: Header,
    /// Name in lower case -> name in the file.
    names: HashMap<String, String>,
}

/// A file whose columns were read.
pub(super) struct Raw {
    frame: DataFrame,
    names: HashMap<String, String>,
    pub files: Vec<ReadFile>,
}

/// Errors: G202, and G203 for each required column that is not there.
pub(super) fn header(plan: &TablePlan, required: &[&str], problems: &mut Problems) -> Option<RawHeader> {
    let before = problems.len();
    let header = read::header(plan, problems)?;
    let mut names = HashMap::new();
    for name in &header.names {
        if let Some(twice) = names.insert(name.to_ascii_lowercase(), name.clone()) {
            let message = format!("`{}` of table `{}` has columns `{twice}` and `{name}`, which are one here", plan.path, plan.name);
            problems.push(Problem::error(codes::G204, message).at(plan.path_place.clone()));
        }
    }
    for name in required.iter().filter(|r| !names.contains_key(**r)) {
        let message = format!("`{}` has no column `{name}`, which table `{}` is made of", plan.path, plan.name);
        problems.push(Problem::error(codes::G203, message).at(plan.path_place.clone()));
    }
    (problems.len() == before).then(|| RawHeader { plan: plan.clone(), header, names })
}

impl RawHeader {
    pub fn has(&self, column: &str) -> bool {
        self.names.contains_key(column)
    }

    /// Whether nothing follows the header; false where the format does not tell without reading.
    pub fn has_no_rows(&self) -> bool {
        read::has_no_rows(&self.plan, &self.header)
    }

    pub fn into_header(self) -> Header {
        self.header
    }

    /// Reads those of the columns that the file has. Errors: G202, G301.
    pub fn read(mut self, columns: &[(&str, ColumnType)], warnings: &mut Problems, problems: &mut Problems) -> Option<Raw> {
        let mut wanted = Vec::new();
        for (name, kind) in columns {
            let Some(actual) = self.names.get(*name) else { continue };
            if !wanted.contains(actual) {
                self.plan.types.insert(actual.clone(), TypedColumn { kind: kind.clone(), place: None });
                wanted.push(actual.clone());
            }
        }
        let read = read::read(&self.plan, &self.header, &wanted, warnings, problems)?;
        Some(Raw { frame: read.frame, names: self.names, files: read.input.files })
    }
}

/// [`header`], then the columns.
pub(super) fn read_file(
    plan: &TablePlan,
    columns: &[(&str, ColumnType)],
    required: &[&str],
    warnings: &mut Problems,
    problems: &mut Problems,
) -> Option<Raw> {
    header(plan, required, problems)?.read(columns, warnings, problems)
}

impl Raw {
    pub fn height(&self) -> usize {
        self.frame.height()
    }

    pub fn has(&self, column: &str) -> bool {
        self.names.get(column).is_some_and(|n| self.frame.get_column_index(n).is_some())
    }

    pub fn column(&self, column: &str) -> PolarsResult<&Column> {
        let name = self.names.get(column).ok_or_else(|| polars_err!(ColumnNotFound: "{}", column))?;
        self.frame.column(name)
    }
}
