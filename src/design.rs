//! The analysis data as matrices: outcome, columns with their names and blocks, groups, weights, clusters, in one struct.

use crate::vocab::{Family, Role};
use ndarray::{Array1, Array2};
use std::ops::Range;

/// A column of the design and what it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// The term as tables name it: `(intercept)`, `(group)`, `age`, `educ=hs`, `age.s1`, `log(x)`, `x.missing`, `a:b`.
    pub term: String,
    /// The variable that it codes, as the study file names it.
    pub variable: String,
    pub role: Role,
    /// For an indicator of a level: which level.
    pub level: Option<String>,
}

/// Indicator columns that together code one categorical variable.
#[derive(Clone, Debug, PartialEq)]
pub struct Factor {
    pub variable: String,
    pub base: String,
    /// Positions in [`Design::columns`].
    pub columns: Vec<usize>,
    /// Hospital fixed effects rather than an ordinary categorical variable.
    pub fixed_effects: bool,
}

/// A group: its label in outputs and its rows. Rows are sorted by group, the reference first.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    pub label: String,
    pub rows: Range<usize>,
}

/// Clusters (hospitals): a code per row and how many there are.
#[derive(Clone, Debug, PartialEq)]
pub struct Clusters {
    pub code: Vec<u32>,
    pub labels: Vec<String>,
}

/// A variable as it was before coding, for Table 1. Rows are those of the design.
#[derive(Clone, Debug)]
pub struct Described {
    pub variable: String,
    pub role: Role,
    pub values: DescribedValues,
}

#[derive(Clone, Debug)]
pub enum DescribedValues {
    /// NaN is missing.
    Number(Vec<f64>),
    /// Codes are positions in `levels`; `u32::MAX` is missing.
    Category { levels: Vec<String>, code: Vec<u32> },
}

/// The analysis data. There is one copy of `x`, however many models are fitted on its columns.
#[derive(Clone, Debug)]
pub struct Design {
    pub family: Family,
    /// (n) outcome; 0/1 for binomial; a rate (count / exposure) is never stored: counts and `exposure` are.
    pub y: Array1<f64>,
    /// (n, p), row-major. Column 0 is the intercept, column 1 is 1 for every row that is not of the reference group.
    pub x: Array2<f64>,
    pub columns: Vec<Column>,
    pub factors: Vec<Factor>,
    /// Names of the blocks in the order of the study file.
    pub blocks: Vec<String>,
    /// Reference first, then the index groups.
    pub groups: Vec<Group>,
    /// (n) analysis weights; all 1 when none are given.
    pub weight: Array1<f64>,
    pub weighted: bool,
    pub clusters: Option<Clusters>,
    /// (n) exposures of a Poisson outcome.
    pub exposure: Option<Array1<f64>>,
    pub described: Vec<Described>,
    /// Row of the cohort (in file order) that each row of the design came from.
    pub cohort_row: Vec<u32>,
    /// Columns left out because they are constant or depend on earlier ones: (term, reason).
    pub dropped: Vec<(String, String)>,
}
