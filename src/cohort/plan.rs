//! The cohort as plain data: which tables are read, how rows are joined, derived, kept and reduced to one row a unit,
//! and what each column of the analysis is. [`super::engine`] runs it on polars; `run.json` holds it as lineage.

use super::inputs::Input;
use crate::error::{Place, Problems};
use crate::vocab::{Family, Role, Scalar};
use indexmap::IndexMap;
use serde::Serialize;
use std::path::PathBuf;

/// A name of the user's and where it stands in the study file.
#[derive(Clone, Debug, PartialEq, Serialize)]
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
    /// As the study file writes it, before `${VAR}` is replaced: what outputs show. A database's address, where the rows come from a query.
    pub path: String,
    /// Environment replaced, relative to the study file; may hold a glob. Empty where the rows come from a query.
    #[serde(skip)]
    pub resolved: PathBuf,
    #[serde(skip)]
    pub path_place: Option<Place>,
    pub input: Input,
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
    /// One value a unit from the rows of an event table.
    Feature(Box<FeaturePlan>),
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

impl Unmatched {
    /// As the study file writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Drop => "drop",
            Self::Keep => "keep",
        }
    }
}

#[derive(Clone, Debug, Serialize)]
pub struct DerivePlan {
    pub column: Named,
    pub sql: Named,
}

/// One value a unit from the rows of an event table, which is read in pieces and never held whole.
#[derive(Clone, Debug, Serialize)]
pub struct FeaturePlan {
    pub column: Named,
    pub table: Named,
    /// Pairs (column of the joined row, column of the event table).
    pub by: Vec<(Named, Named)>,
    /// `where` over one event.
    pub keep: Option<Named>,
    pub value: Option<Named>,
    pub at: Option<Named>,
    pub window: WindowPlan,
    /// Given where the window is relative to it.
    pub index_date: Option<Named>,
    /// Events before it are set aside. Given where the study has one and the events have a time.
    pub birth_date: Option<Named>,
    /// What the study file says of events whose order to the index date is not known within the day.
    pub same_day: Option<SameDay>,
    pub take: Take,
    pub unit: Option<MeasurePlan>,
    /// Values outside are set aside and counted.
    pub plausible: Option<[f64; 2]>,
    pub codes: Option<CodesPlan>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum WindowPlan {
    /// The whole table.
    AnyTime,
    /// Both bounds included, relative to the index date.
    Between { from: Bound, to: Bound },
}

/// A bound of a window, in whole hours; whether it was written in hours rather than in days.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Bound {
    pub hours: i64,
    pub in_hours: bool,
}

impl std::fmt::Display for Bound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.in_hours { write!(f, "{}h", self.hours) } else { write!(f, "{}d", self.hours / 24) }
    }
}

impl std::fmt::Display for WindowPlan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::AnyTime => f.write_str("any_time"),
            Self::Between { from, to } => write!(f, "{from} to {to}"),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SameDay {
    Include,
    Exclude,
}

/// How the events of a unit become one value.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Take {
    First,
    Last,
    Min,
    Max,
    Mean,
    Count,
    Any,
    Score(ScorePlan),
}

impl Take {
    /// As outputs call it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Last => "last",
            Self::Min => "min",
            Self::Max => "max",
            Self::Mean => "mean",
            Self::Count => "count",
            Self::Any => "any",
            Self::Score(ScorePlan { index: ScoreIndex::Charlson, .. }) => "charlson",
            Self::Score(ScorePlan { index: ScoreIndex::Elixhauser, .. }) => "elixhauser",
        }
    }
}

/// A comorbidity score of the diagnosis codes in a column.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ScorePlan {
    pub index: ScoreIndex,
    pub column: Named,
    pub coding: Icd,
    pub weights: Weights,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ScoreIndex {
    Charlson,
    Elixhauser,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Icd {
    Icd9,
    Icd10,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Weights {
    Charlson1987,
    Quan2011,
    /// The number of conditions.
    Count,
    VanWalraven,
    Ahrq,
}

/// Conversion of units of measurement.
#[derive(Clone, Debug, Serialize)]
pub struct MeasurePlan {
    pub column: Named,
    pub to: Named,
    /// The analyte, for conversions between mass and amount of substance.
    pub of: Option<Named>,
    /// One of a unit in the unit converted to, as the study file gives it.
    pub factors: IndexMap<String, f64>,
    pub on_unknown: OnBadValue,
}

/// Which events have one of these codes.
#[derive(Clone, Debug, Serialize)]
pub struct CodesPlan {
    pub column: Named,
    pub list: Vec<CodeSource>,
    /// Of the codes written in the study file.
    pub system: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CodeSource {
    Code(Named),
    File {
        path: String,
        #[serde(skip)]
        resolved: PathBuf,
        #[serde(skip)]
        place: Option<Place>,
    },
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
    /// What was noticed about the tables on the way.
    pub warnings: Problems,
}

#[derive(Clone, Debug)]
pub struct ColumnInfo {
    pub kind: Kind,
    /// The table, or `None` for a derived column.
    pub table: Option<String>,
}
