//! Result tables and their schema, withholding of small cells, writers, run manifest.

pub mod schema;

use crate::error::Problem;
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

/// One cell of a result table.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    Null,
    Bool(bool),
    Int(i64),
    Number(f64),
    Text(String),
}

/// A result table: its declaration and its rows, each as long as the declaration's columns.
#[derive(Clone, Debug)]
pub struct Table {
    pub name: &'static str,
    /// Column names in order. `attrition` has one count column a group when there are several index groups.
    pub columns: Vec<String>,
    pub rows: Vec<Vec<Cell>>,
}

/// What the report needs beside the tables; stands under `meta` in results.json.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Meta {
    pub version: String,
    pub study: String,
    pub title: String,
    pub outcome: String,
    pub family: String,
    pub scale: String,
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
    /// Warnings, with their codes.
    pub problems: Vec<ShownProblem>,
}

/// A warning as it stands in run.json, results.json and the report.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
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

/// Tables from which small cells are already withheld: what cannot be shown is not in here.
#[derive(Clone, Debug)]
pub struct ResultTables {
    pub meta: Meta,
    pub tables: IndexMap<&'static str, Table>,
}
