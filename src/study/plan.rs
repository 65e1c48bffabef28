//! The study with everything resolved and checked: names, blocks, methods, families. Built from a [`super::file::StudyFile`].

use super::resolved::yaml_seen_from;
use crate::cohort::impute::chained::Settings;
use crate::cohort::plan::{Coding, CohortPlan, RolesPlan};
use crate::decompose::Method;
use crate::error::{Place, Problem, Problems};
use crate::sensitivity::Sensitivity;
use indexmap::IndexMap;
use std::path::{Path, PathBuf};

/// A study that `gapshare run` can execute. Its constructor promises: every name resolves, blocks are disjoint,
/// every method accepts the family, exactly one analysis is called primary.
pub struct StudyPlan {
    /// The file as the user named it.
    pub path: PathBuf,
    /// Name of the output folder.
    pub name: String,
    pub title: String,
    /// What the units are called, in the plural.
    pub called: String,
    pub cohort: CohortPlan,
    pub roles: RolesPlan,
    /// Positions in `roles.blocks`.
    pub causal_order: Option<Vec<usize>>,
    pub causal_claims: bool,
    pub labels: IndexMap<String, String>,
    /// In the order of the file.
    pub analyses: Vec<AnalysisPlan>,
    /// Position of `primary` in `analyses`.
    pub primary: usize,
    pub sensitivity: Option<Sensitivity>,
    pub missing: MissingPlan,
    /// Coverage of the intervals, such as 0.95.
    pub level: f64,
    /// Whether each cluster is left out in turn, for standard errors beside those by cluster sums.
    pub leave_clusters_out: bool,
    pub min_cell: u32,
    /// `release: { design: FILE }`: where the analysis rows are written, if asked for.
    pub design_file: Option<PathBuf>,
    /// The study file with every default written out; it runs to the same bytes.
    pub resolved_yaml: String,
    /// sha256 of the study file's bytes, in hexadecimal.
    pub sha256: String,
    /// Columns of the study that come from a joined table with fewer rows than units, by table: (table, key column, columns).
    pub group_level_columns: Vec<GroupLevelColumns>,
    pub warnings: Problems,
}

/// How imputations are drawn, and which other ways to treat missing values are tried.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MissingPlan {
    pub settings: Settings,
    pub compare: Vec<MissingMethod>,
}

/// A way to treat missing values of every variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MissingMethod {
    CompleteCase,
    Indicator,
    MultipleImputation,
}

impl MissingMethod {
    /// The word for it in the study file and in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::CompleteCase => "complete_case",
            Self::Indicator => "indicator",
            Self::MultipleImputation => "multiple_imputation",
        }
    }
}

/// Variables that come from a joined table (hospitals, areas), for the check that `cluster` was not forgotten.
#[derive(Clone, Debug)]
pub struct GroupLevelColumns {
    pub table: String,
    /// Its first key column.
    pub key: String,
    /// All columns of the join: (in the joined row, in the table).
    pub by: Vec<(String, String)>,
    pub variables: Vec<String>,
}

pub struct AnalysisPlan {
    pub name: String,
    pub place: Option<Place>,
    pub method: Box<dyn Method>,
    /// The method with every option written out, as in study.resolved.yaml: `{ "gelbach": { ... } }`.
    pub settings: serde_json::Value,
}

impl StudyPlan {
    /// Columns whose values name hospitals or clusters: those with few units are not named anywhere.
    pub fn places(&self) -> Vec<&str> {
        let roles = &self.roles;
        let fixed = roles.variables.iter().filter(|v| v.coding == Coding::FixedEffects).map(|v| &v.column);
        let ids = roles.labelled.iter().filter(|(what, _)| *what == "the hospital id").map(|(_, named)| named);
        fixed.chain(ids).chain(&roles.cluster).map(|named| named.name.as_str()).collect()
    }

    /// The text of study.resolved.yaml for the folder `out_dir`: relative paths are rewritten so that they work from there.
    ///
    /// Errors: `G901` if the resolved study cannot be written, which is a bug.
    pub fn resolved_yaml_for(&self, out_dir: &Path) -> Result<String, Box<Problem>> {
        yaml_seen_from(&self.resolved_yaml, folder_of(&self.path), out_dir)
    }
}

/// The folder that relative paths of a study file are meant from.
pub fn folder_of(study: &Path) -> &Path {
    match study.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}
