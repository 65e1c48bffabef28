//! Result tables and their schema, withholding of small cells, writers, run manifest.
//!
//! A producer fills a [`Table`] row by row against its declaration in [`schema`]; [`withhold::withhold`] turns the tables
//! into [`ResultTables`], from which [`write`] makes the result folder and `report` the page.

pub mod compare;
pub mod json_schema;
pub mod manifest;
pub mod read;
pub mod schema;
pub mod table;
#[cfg(test)]
mod tests;
pub mod withhold;
pub mod write;

pub use compare::{Comparison, compare};
pub use manifest::{InputRecord, OutputRecord, RunManifest, StageRecord, VerifyReport, verify};
pub use read::read_results;
pub use table::{Cell, Table};
pub use withhold::{shown_count, shown_text, withhold};
pub use write::{check_output, record_exports, replace_report, write_all};

use crate::error::Problem;
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the report needs beside the tables; stands under `meta` in results.json.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Meta {
    pub version: String,
    pub study: String,
    pub title: String,
    /// The study file as the user named it.
    #[serde(default)]
    pub study_file: String,
    /// sha256 of the study file's bytes, in hexadecimal.
    #[serde(default)]
    pub study_sha256: String,
    /// What the units are called, in the plural; empty in results of earlier versions, which said patients.
    #[serde(default)]
    pub units: String,
    pub outcome: String,
    pub family: String,
    pub scale: String,
    /// The column of exposures of a Poisson outcome.
    #[serde(default)]
    pub exposure: Option<String>,
    pub group: String,
    pub reference: String,
    pub index: Vec<String>,
    /// Variables treated as fair differences.
    pub allowable: Vec<String>,
    /// Blocks in order, each with its variables.
    pub blocks: IndexMap<String, Vec<String>>,
    /// Blocks in the user's causal order; empty when none is given.
    pub causal_order: Vec<String>,
    pub causal_claims: bool,
    pub cluster: Option<String>,
    pub weight: Option<String>,
    pub labels: IndexMap<String, String>,
    /// Name of an analysis -> its method and settings, as the study file writes them in full.
    pub analyses: IndexMap<String, serde_json::Value>,
    pub primary: String,
    pub level: f64,
    pub min_cell: u32,
    /// Analyses that could not be estimated, or whose estimates a failed gate blinds: (analysis, index group, reason).
    pub blinded: Vec<(String, String, String)>,
    pub not_estimated: Vec<(String, String, String)>,
    /// What must hold for the causal analyses' numbers to be effects.
    #[serde(default)]
    pub assumptions: Vec<ShownAssumption>,
    /// Warnings, with their codes.
    pub problems: Vec<ShownProblem>,
}

/// An assumption of one analysis.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ShownAssumption {
    pub analysis: String,
    pub name: String,
    pub text: String,
}

/// A warning as it stands in run.json, results.json and the report.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ShownProblem {
    pub code: String,
    pub message: String,
    pub notes: Vec<String>,
    pub help: Option<String>,
    /// file:line:col
    pub place: Option<String>,
}

impl From<&Problem> for ShownProblem {
    fn from(p: &Problem) -> Self {
        Self {
            code: p.code.to_string(),
            message: p.message.clone(),
            notes: p.notes.clone(),
            help: p.help.clone(),
            place: p.place.as_ref().map(|w| format!("{}:{}:{}", w.file, w.line, w.col)),
        }
    }
}

impl ShownProblem {
    /// As outputs may show it: warnings about the data (G3..) with small counts withheld, those of checks (G5..) without their
    /// figures, which stand in table `diagnostics` where they may be shown.
    pub fn released(p: &Problem, min_cell: u32) -> Self {
        let shown = Self::from(p);
        if p.code.0.starts_with("G5") {
            return Self { notes: Vec::new(), ..shown };
        }
        if !p.code.0.starts_with("G3") {
            return shown;
        }
        Self { message: shown_text(&shown.message, min_cell), notes: shown.notes.iter().map(|n| shown_text(n, min_cell)).collect(), ..shown }
    }
}

/// Tables from which small cells are already withheld: what cannot be shown is not in here.
#[derive(Clone, Debug, PartialEq)]
pub struct ResultTables {
    pub meta: Meta,
    pub tables: IndexMap<&'static str, Table>,
}

impl ResultTables {
    /// The table of this declaration, if it was written.
    pub fn get(&self, decl: &schema::TableDecl) -> Option<&Table> {
        self.tables.get(decl.name)
    }
}
