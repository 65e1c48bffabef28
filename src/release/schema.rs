//! The result tables as declared: columns, types, units, descriptions. CSV headers, SCHEMA.csv and results.json come from here.
//!
//! Columns stand in the contract's order; further ones follow at the end. `hidden` columns begin with `_`: a producer fills
//! them with the counts that an estimate rests on, [`super::withhold`] reads them, and no writer ever sees them.

mod checks;
mod described;
mod models;
mod parts;
#[cfg(test)]
mod tests;

pub use checks::{DIAGNOSTICS, MISSING_METHODS, MISSINGNESS, OVERLAP, SENSITIVITY};
pub use described::{ATTRITION, GAP, JOINS, TABLE_ONE};
pub use models::{COEFFICIENTS, MODELS, WITH_AND_WITHOUT};
pub use parts::{DECOMPOSITION, DECOMPOSITION_DETAIL, HOSPITAL, HOSPITAL_UNITS};

mod cohort;

pub use cohort::{CODE_LISTS, CODING, CODING_SHARES, FEATURE_CHAIN, FEATURE_COUNTS, FEATURES};

use super::{ResultTables, Table, write};
use std::borrow::Cow;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Text,
    Integer,
    Number,
    Boolean,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Boolean => "boolean",
        }
    }
}

/// When a cell may be null.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// Never.
    Always,
    /// The producer gives a value; it is null where it is withheld.
    Counted,
    Nullable,
    /// A boolean that is false unless said otherwise.
    Flag,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ColumnDecl {
    pub name: Cow<'static, str>,
    pub kind: Kind,
    /// Empty for columns without a unit. `outcome` is the outcome's own unit: a risk (0.013 = 1.3 percentage points), a
    /// mean, a rate per unit of exposure.
    pub unit: &'static str,
    pub doc: Cow<'static, str>,
    pub presence: Presence,
}

impl ColumnDecl {
    pub fn nullable(&self) -> bool {
        matches!(self.presence, Presence::Counted | Presence::Nullable)
    }
}

#[derive(Debug, PartialEq)]
pub struct TableDecl {
    pub name: &'static str,
    /// What one row is.
    pub row: &'static str,
    pub columns: &'static [ColumnDecl],
    /// Filled by the producer, read by withholding, never written.
    pub hidden: &'static [ColumnDecl],
}

const fn column(name: &'static str, kind: Kind, unit: &'static str, presence: Presence, doc: &'static str) -> ColumnDecl {
    ColumnDecl { name: Cow::Borrowed(name), kind, unit, doc: Cow::Borrowed(doc), presence }
}

const fn key(name: &'static str, doc: &'static str) -> ColumnDecl {
    column(name, Kind::Text, "", Presence::Always, doc)
}

const fn text(name: &'static str, doc: &'static str) -> ColumnDecl {
    column(name, Kind::Text, "", Presence::Nullable, doc)
}

const fn number(name: &'static str, unit: &'static str, doc: &'static str) -> ColumnDecl {
    column(name, Kind::Number, unit, Presence::Nullable, doc)
}

const fn integer(name: &'static str, unit: &'static str, doc: &'static str) -> ColumnDecl {
    column(name, Kind::Integer, unit, Presence::Nullable, doc)
}

const fn boolean(name: &'static str, doc: &'static str) -> ColumnDecl {
    column(name, Kind::Boolean, "", Presence::Nullable, doc)
}

const fn flag(name: &'static str, doc: &'static str) -> ColumnDecl {
    column(name, Kind::Boolean, "", Presence::Flag, doc)
}

/// A count that the producer always knows; null where it is withheld.
const fn count(name: &'static str, unit: &'static str, doc: &'static str) -> ColumnDecl {
    column(name, Kind::Integer, unit, Presence::Counted, doc)
}

const INDEX_GROUP: ColumnDecl = key("index_group", "The index group, as the study file writes it.");
const ANALYSIS: ColumnDecl = key("analysis", "Name of the analysis in the study file.");
const ESTIMATE: ColumnDecl = number("estimate", "outcome", "The estimate; index minus reference for a gap.");
const STD_ERROR: ColumnDecl = number("std_error", "outcome", "Standard error of the estimate.");
const CONF_LOW: ColumnDecl = number("conf_low", "outcome", "Lower confidence limit at the study's level.");
const CONF_HIGH: ColumnDecl = number("conf_high", "outcome", "Upper confidence limit at the study's level.");
const WITHHELD: ColumnDecl =
    flag("withheld", "Cells of this row are null because they rest on, or would reveal, fewer units or events than `release: min_cell`.");
const BLINDED: ColumnDecl = flag("blinded", "A diagnostic gate that this estimate rests on failed: tables/diagnostics.csv.");
const BLOCKS: ColumnDecl = key("blocks", "The set of blocks, joined by + in the order of the study file, or none. The allowables are in every set.");

/// Hidden: of a row about a level.
const PLACE: ColumnDecl = flag("_place", "Whether the levels of the variable are hospitals or clusters: those with few units are not named.");

/// Every table, in the order in which they are written.
pub static TABLES: [&TableDecl; 19] = [
    &ATTRITION,
    &JOINS,
    &TABLE_ONE,
    &GAP,
    &MODELS,
    &COEFFICIENTS,
    &WITH_AND_WITHOUT,
    &DECOMPOSITION,
    &DECOMPOSITION_DETAIL,
    &HOSPITAL,
    &HOSPITAL_UNITS,
    &SENSITIVITY,
    &MISSINGNESS,
    &MISSING_METHODS,
    &DIAGNOSTICS,
    &FEATURES,
    &CODE_LISTS,
    &CODING,
    &OVERLAP,
];

/// The columns of `attrition`: with several index groups `n_index` and `events_index` give way to a column `n_<value>` and `events_<value>`
/// each, or `n_index_<value>` and `events_index_<value>` where those names are taken.
pub fn attrition_columns(index: &[String]) -> Vec<Cow<'static, ColumnDecl>> {
    let several = index.len() > 1;
    let mut columns: Vec<Cow<'static, ColumnDecl>> = Vec::new();
    for decl in ATTRITION.columns {
        let Some(stem) = decl.name.strip_suffix("_index").filter(|_| several) else {
            columns.push(Cow::Borrowed(decl));
            continue;
        };
        for value in index {
            let short = format!("{stem}_{value}");
            let taken = ATTRITION.columns.iter().any(|c| c.name == short);
            let name = if taken { format!("{stem}_index_{value}") } else { short };
            let doc = decl.doc.replace("the index group", &format!("the index group {value}"));
            columns.push(Cow::Owned(ColumnDecl { name: name.into(), doc: doc.into(), ..decl.clone() }));
        }
    }
    columns
}

/// The columns of `attrition` that count rows of index groups, in the order of the groups.
pub fn attrition_index_columns(table: &Table) -> Vec<String> {
    between(table, "n_reference", Some("withheld"))
}

/// The columns of `attrition` that count events: of the reference, then of the index groups.
pub fn attrition_event_columns(table: &Table) -> Vec<String> {
    [vec!["events_reference".to_owned()], between(table, "events_reference", None)].concat()
}

fn between(table: &Table, after: &str, before: Option<&str>) -> Vec<String> {
    let start = table.position(after).map_or(table.columns.len(), |at| at + 1);
    let end = before.and_then(|b| table.columns.iter().skip(start).position(|c| c == b)).map_or(table.columns.len(), |n| start + n);
    table.columns[start..end].to_vec()
}

/// The column dictionary as CSV: table, column, type, unit, description, nullable. `None`: as declared, with one index
/// group; otherwise of the tables at hand.
pub fn schema_csv(results: Option<&ResultTables>) -> String {
    let mut out = String::from("table,column,type,unit,description,nullable\n");
    let mut line = |table: &str, c: &ColumnDecl| {
        let fields = [table, &c.name, c.kind.name(), c.unit, &c.doc, if c.nullable() { "true" } else { "false" }];
        let quoted: Vec<String> = fields.iter().map(|f| if f.is_empty() { String::new() } else { write::csv_text(f) }).collect();
        out.push_str(&quoted.join(","));
        out.push('\n');
    };
    match results {
        None => TABLES.iter().for_each(|t| t.columns.iter().for_each(|c| line(t.name, c))),
        Some(r) => r.tables.values().for_each(|t| t.declarations().for_each(|c| line(t.name, c))),
    }
    out
}
