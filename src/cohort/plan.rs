//! The cohort as plain data: which tables are read, how rows are joined, derived, kept and reduced to one row a unit,
//! and what each column of the analysis is. [`super::engine`] runs it on polars; `run.json` holds it as lineage.

use crate::error::Place;
use crate::vocab::{Family, Role, Scalar};
use indexmap::IndexMap;
use serde::Serialize;
use std::path::PathBuf;

/// A name of the user's and where it stands in the study file.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub struct Named {
    pub name: String,
    #[serde(skip)]
    pub place: Option<Place>,
}

/// Tables, then steps on the unit table's rows in order: one row a unit comes in, one row a kept unit comes out.
#[derive(Clone, Debug, Serialize)]
pub struct CohortPlan {
    pub tables: IndexMap<String, TablePlan>,
    pub unit: UnitPlan,
    pub steps: Vec<RowStep>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    Csv,
    CsvGz,
    Tsv,
    Parquet,
    Ipc,
    Ndjson,
}

/// One table: its files and how its cells are read.
#[derive(Clone, Debug, Serialize)]
pub struct TablePlan {
    pub name: String,
    #[serde(skip)]
    pub place: Option<Place>,
    /// As the study file writes it, before `${VAR}` is replaced: what outputs show.
    pub path: String,
    /// Environment replaced, relative to the study file; may hold a glob.
    #[serde(skip)]
    pub resolved: PathBuf,
    #[serde(skip)]
    pub path_place: Option<Place>,
    pub format: Format,
    pub null_values: Vec<String>,
    pub types: IndexMap<String, TypedColumn>,
    pub on_bad_value: OnBadValue,
}

#[derive(Clone, Debug, Serialize)]
pub struct TypedColumn {
    #[serde(flatten)]
    pub kind: ColumnType,
    #[serde(skip)]
    pub place: Option<Place>,
}

/// A declared type (CONTRACT 1, Types).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ColumnType {
    Text,
    Integer,
    Number,
    Boolean,
    Date { format: Option<String> },
    Datetime { format: Option<String> },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OnBadValue {
    Error,
    SetNull,
}

#[derive(Clone, Debug, Serialize)]
pub struct UnitPlan {
    pub table: Named,
    pub key: Option<Named>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RowStep {
    Join(JoinPlan),
    Derive(DerivePlan),
    /// `where`: rows for which the expression is true are kept.
    Keep(KeepPlan),
    First(FirstPlan),
    Present(PresentPlan),
}

#[derive(Clone, Debug, Serialize)]
pub struct JoinPlan {
    pub table: Named,
    /// Pairs (left column, right column).
    pub by: Vec<(Named, Named)>,
    pub unmatched: Unmatched,
    pub select: Option<Vec<Named>>,
    pub prefix: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unmatched {
    Error,
    Drop,
    Keep,
}

#[derive(Clone, Debug, Serialize)]
pub struct DerivePlan {
    pub column: Named,
    pub sql: Named,
}

#[derive(Clone, Debug, Serialize)]
pub struct KeepPlan {
    pub name: String,
    pub sql: Named,
}

#[derive(Clone, Debug, Serialize)]
pub struct FirstPlan {
    pub name: String,
    pub per: Vec<Named>,
    pub by: Vec<Named>,
}

#[derive(Clone, Debug, Serialize)]
pub struct PresentPlan {
    pub name: String,
    pub columns: Vec<Named>,
}

/// What the columns of the joined row are for.
#[derive(Clone, Debug, Serialize)]
pub struct RolesPlan {
    pub group: GroupPlan,
    pub outcome: OutcomePlan,
    /// Allowables first, then the blocks in order.
    pub variables: Vec<VariablePlan>,
    pub blocks: Vec<String>,
    pub cluster: Option<Named>,
    /// Columns that analyses read as labels: what they are there for, and which.
    pub labelled: Vec<(&'static str, Named)>,
    pub weight: Option<Named>,
    /// Outcomes of negative controls.
    pub controls: Vec<OutcomePlan>,
}

#[derive(Clone, Debug, Serialize)]
pub struct GroupPlan {
    pub column: Named,
    pub reference: Value,
    /// At least one; each is compared with the same reference.
    pub index: Vec<Value>,
}

#[derive(Clone, Debug, Serialize)]
pub struct Value {
    pub value: Scalar,
    #[serde(skip)]
    pub place: Option<Place>,
}

#[derive(Clone, Debug, Serialize)]
pub struct OutcomePlan {
    pub column: Named,
    pub family: Family,
    /// Binomial: the cells that count as the event. Empty: the column must hold 0/1, false/true.
    pub event: Vec<Value>,
    /// Poisson: the column of exposures (rates per unit of it).
    pub exposure: Option<Named>,
}

/// One entry of `allowable` or of a block.
#[derive(Clone, Debug, Serialize)]
pub struct VariablePlan {
    /// The column; for an interaction `a:b`.
    pub column: Named,
    pub role: Role,
    pub coding: Coding,
    pub missing: MissingRule,
    /// Where the missing rule of this variable stands, if it has one of its own.
    #[serde(skip)]
    pub missing_place: Option<Place>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Coding {
    /// By the kind of the column: numbers linear, text, boolean and dictionary columns as categories.
    Auto,
    Numeric,
    /// Merge: new level -> the values that form it. Base: most frequent level unless given.
    Categorical {
        base: Option<Scalar>,
        merge: IndexMap<String, Vec<Scalar>>,
    },
    /// Restricted cubic spline with `df` columns and df + 1 knots.
    Spline {
        df: usize,
    },
    /// log(x + offset).
    Log {
        offset: f64,
    },
    /// Products of the coded columns of two variables.
    Interaction {
        of: [String; 2],
    },
    /// Indicator columns of hospital ids.
    FixedEffects,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MissingRule {
    DropRow,
    Error,
    /// Missing cells become a level of their own with this name.
    Level(Scalar),
    Impute {
        with: Fill,
        flag: bool,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fill {
    Median,
    Mean,
    Constant(f64),
}

/// What a column holds, as `check` needs to know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Number,
    Text,
    Boolean,
    Date,
    Datetime,
    Duration,
    Other,
}

/// The columns of the joined row after all derivations, with their kinds and the table each comes from.
#[derive(Clone, Debug, Default)]
pub struct Columns {
    pub by_name: IndexMap<String, ColumnInfo>,
}

#[derive(Clone, Debug)]
pub struct ColumnInfo {
    pub kind: Kind,
    /// The table, or `None` for a derived column.
    pub table: Option<String>,
}
