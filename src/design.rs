//! The analysis data as matrices: outcome, columns with their names and blocks, groups, weights, clusters, in one struct.

mod altered;
pub mod arrays;

use crate::vocab::BlockSet;
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
    /// For an interaction: the roles of its parts, which must be in a model too for this column to enter it.
    pub requires: Vec<Role>,
    /// For an indicator of a level: which level.
    pub level: Option<String>,
    /// For a product: the terms of its two parts.
    pub product: Option<(String, String)>,
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
    /// A level has no column of its own, because it depended on others: its units stand with the base.
    pub lost_level: bool,
}

/// A group: its label in outputs and its rows. Rows are sorted by group, the reference first.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    pub label: String,
    pub rows: Range<usize>,
}

/// Labels of rows (hospitals as clusters, treatments): a code per row and what each code stands for.
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
    /// Columns that analyses read as labels, by name: hospital ids, treatments.
    pub labelled: Vec<(String, Clusters)>,
    pub described: Vec<Described>,
    /// Row of the cohort (in file order) that each row of the design came from.
    pub cohort_row: Vec<u32>,
    /// Columns left out because they are constant or depend on earlier ones: (term, reason).
    pub dropped: Vec<(String, String)>,
}

impl Design {
    /// The 0/1 columns that all must be 1 for a column to say something of a unit: itself, or the 0/1 parts of a product; empty for
    /// a number.
    pub fn indicators(&self, column: usize) -> Vec<usize> {
        let parts: Vec<usize> = match &self.columns[column].product {
            Some((a, b)) => (0..self.columns.len()).filter(|&j| self.columns[j].term == *a || self.columns[j].term == *b).collect(),
            None => vec![column],
        };
        parts.into_iter().filter(|&j| j > 1 && self.is_binary(j)).collect()
    }

    /// Whether a column holds 0 and 1 only.
    pub fn is_binary(&self, column: usize) -> bool {
        self.x.column(column).iter().all(|v| *v == 0.0 || *v == 1.0)
    }
}

/// One index group against the reference: the rows of the two groups, with rates for counts.
///
/// A count with an exposure is analysed as a rate with weight times exposure, which has the same score:
/// `x w (y - e exp(x'b)) = x (w e) (y/e - exp(x'b))`.
#[derive(Clone, Debug)]
pub struct Contrast<'a> {
    pub design: &'a Design,
    /// Position of the index group in `design.groups`.
    pub index_group: usize,
    /// By row of the design: outcome, or rate.
    pub y: Vec<f64>,
    /// By row of the design: analysis weight (times exposure); 0 outside the two groups.
    pub w: Vec<f64>,
    /// By row of the design: 1 for index units.
    pub r: Vec<f64>,
}

impl<'a> Contrast<'a> {
    /// `index_group` is 1 or more.
    pub fn new(design: &'a Design, index_group: usize) -> Self {
        let mut w = design.weight.to_vec();
        let mut y = design.y.to_vec();
        if let Some(exposure) = &design.exposure {
            for ((w, y), e) in w.iter_mut().zip(&mut y).zip(exposure) {
                *w *= e;
                *y /= e;
            }
        }
        let (reference, index) = (&design.groups[0].rows, &design.groups[index_group].rows);
        for (i, w) in w.iter_mut().enumerate() {
            if !reference.contains(&i) && !index.contains(&i) {
                *w = 0.0;
            }
        }
        let r = (0..y.len()).map(|i| f64::from(u8::from(index.contains(&i)))).collect();
        Self { design, index_group, y, w, r }
    }

    pub fn reference(&self) -> Range<usize> {
        self.design.groups[0].rows.clone()
    }

    pub fn index(&self) -> Range<usize> {
        self.design.groups[self.index_group].rows.clone()
    }

    /// Reference rows, then index rows: the order of influences.
    pub fn rows(&self) -> Vec<Range<usize>> {
        vec![self.reference(), self.index()]
    }

    pub fn n(&self) -> usize {
        self.reference().len() + self.index().len()
    }

    /// Rows of the design in the order of influences.
    pub fn units(&self) -> impl Iterator<Item = usize> + use<> {
        self.reference().chain(self.index())
    }

    /// Position among the influences of a row of the design that belongs to one of the two groups.
    pub fn unit(&self, row: usize) -> usize {
        let reference = self.reference();
        if reference.contains(&row) { row - reference.start } else { reference.len() + row - self.index().start }
    }

    /// Cluster codes in the order of influences.
    pub fn clusters(&self) -> Option<Vec<u32>> {
        self.design.clusters.as_ref().map(|c| self.units().map(|i| c.code[i]).collect())
    }

    /// A column that an analysis reads as labels, by row of the design.
    pub fn labels(&self, column: &str) -> Option<&'a Clusters> {
        self.design.labelled.iter().find(|(name, _)| name == column).map(|(_, c)| c)
    }

    /// Positions of the design's columns that a model with the blocks of `set` holds: intercept, allowables, the blocks.
    pub fn columns(&self, set: BlockSet) -> Vec<usize> {
        let has = |role: Role| match role {
            Role::Intercept | Role::Allowable => true,
            Role::Group => false,
            Role::Block(k) => set.contains(k),
        };
        let columns = self.design.columns.iter().enumerate();
        columns.filter(|(_, c)| has(c.role) && c.requires.iter().all(|r| has(*r))).map(|(j, _)| j).collect()
    }
}
