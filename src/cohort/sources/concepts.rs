//! CONCEPT of the OMOP vocabularies: what a concept id is called, and its code in its own vocabulary.

use super::folder::file_of;
use super::raw;
use crate::cohort::plan::{ColumnType, TablePlan};
use crate::cohort::problems::bug;
use crate::cohort::source::ReadFile;
use crate::error::Problems;
use polars::prelude::{PolarsResult, StringChunked};
use std::collections::HashMap;
use std::sync::Arc;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Name,
    Code,
    Vocabulary,
}

/// Rows of CONCEPT by id.
#[derive(Debug, Default)]
pub(super) struct Concepts {
    row: HashMap<i64, u32>,
    /// Name, code and vocabulary of each row.
    parts: [StringChunked; 3],
    pub files: Vec<ReadFile>,
}

impl Concepts {
    /// The concepts of the folder; none if it has no CONCEPT. They are read once for all tables of the folder.
    pub fn of(table: &TablePlan, place: &super::Place<'_>, warnings: &mut Problems, problems: &mut Problems) -> Option<Arc<Self>> {
        let mut cached = place.shared.concepts.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(found) = cached.as_ref() {
            return Some(Arc::clone(found));
        }
        let found = match file_of(table, place.listing, "concept", problems) {
            None => Self::default(),
            Some(plan) => Self::read(&plan, warnings, problems)?,
        };
        Some(Arc::clone(cached.insert(Arc::new(found))))
    }

    fn read(plan: &TablePlan, warnings: &mut Problems, problems: &mut Problems) -> Option<Self> {
        let text = ColumnType::Text;
        let wanted =
            [("concept_id", ColumnType::Integer), ("concept_name", text.clone()), ("concept_code", text.clone()), ("vocabulary_id", text.clone())];
        let read = raw::read_file(plan, &wanted, &["concept_id", "concept_name", "concept_code", "vocabulary_id"], warnings, problems)?;
        let of = || -> PolarsResult<Self> {
            let part = |name: &str| -> PolarsResult<StringChunked> { Ok(read.column(name)?.str()?.rechunk().into_owned()) };
            let parts = [part("concept_name")?, part("concept_code")?, part("vocabulary_id")?];
            let ids = read.column("concept_id")?.i64()?;
            let row = ids.iter().enumerate().filter_map(|(row, id)| Some((id?, row as u32))).collect();
            Ok(Self { row, parts, files: read.files.clone() })
        };
        of().map_err(|e| problems.push(bug("CONCEPT", &e))).ok()
    }

    pub fn has(&self, id: i64) -> bool {
        self.row.contains_key(&id)
    }

    pub fn get(&self, id: i64, part: Part) -> Option<&str> {
        self.parts[part as usize].get(*self.row.get(&id)? as usize)
    }
}
