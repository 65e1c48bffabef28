//! gapshare from Rust: load a study, run it, read its tables. The command line does the same and writes a folder.
#![warn(missing_docs)]

use super::clock::Stopwatch;
use super::{Computed, Step, check, compute, write};
use crate::error::{Problem, Problems};
use crate::release::schema::{DECOMPOSITION, TABLES};
use crate::release::{ResultTables, Table, check_output};
use crate::study::plan::StudyPlan;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

/// A study file that was read and checked against the headers of its tables.
///
/// ```no_run
/// # fn main() -> Result<(), gapshare::Error> {
/// let results = gapshare::Study::load("study.yaml")?.run()?;
/// for row in results.decomposition("primary") {
///     println!("{} {}: {:?}", row.part, row.component, row.estimate);
/// }
/// # Ok(())
/// # }
/// ```
pub struct Study {
    plan: Arc<StudyPlan>,
    watch: Stopwatch,
}

impl Study {
    /// Reads and checks a study file and the headers of its tables; fits nothing.
    ///
    /// Errors: every problem of the file at once, each with its place and a fix.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, Error> {
        let watch = Stopwatch::start();
        Ok(Self { plan: Arc::new(check(path.as_ref())?), watch })
    }

    /// The name of the study, which is that of its result folder.
    pub fn name(&self) -> &str {
        &self.plan.name
    }

    /// The resolved study: cohort, roles of columns, analyses.
    pub fn plan(&self) -> &StudyPlan {
        &self.plan
    }

    /// Warnings of the study file.
    pub fn warnings(&self) -> &[Problem] {
        &self.plan.warnings
    }

    /// Runs the whole study in memory. Nothing is written, unless the study file asks for the analysis rows under `release: design`.
    ///
    /// The number of threads is that of the rayon pool it is called in; results do not depend on it.
    ///
    /// Errors: problems of the data and of the release rules. An analysis that cannot be estimated is no error: its rows are null with the
    /// reason, and [`Results::problems`] names it.
    pub fn run(&self) -> Result<Results, Error> {
        self.run_with(&|_| {})
    }

    /// [`Study::run`], with a function that is told each step as it begins.
    pub fn run_with(&self, progress: &(dyn Fn(Step<'_>) + Sync)) -> Result<Results, Error> {
        Ok(Results { plan: Arc::clone(&self.plan), computed: compute(&self.plan, None, self.watch.clone(), progress)? })
    }
}

/// The results of a study: its tables, small cells already withheld.
pub struct Results {
    plan: Arc<StudyPlan>,
    computed: Computed,
}

/// A row of table `decomposition`. Estimates are in the outcome's own unit (a risk of 0.01 is one percentage point), index minus reference.
#[derive(Clone, Debug, PartialEq)]
pub struct DecompositionRow {
    /// The index group, as the study file writes it.
    pub index_group: String,
    /// `gap`, `allowable`, `explained`, `unexplained`, or the parts of a three-fold decomposition.
    pub part: String,
    /// `total`, or the block that the row is about.
    pub component: String,
    /// `None` where it is withheld or could not be estimated.
    pub estimate: Option<f64>,
    /// Standard error of the estimate.
    pub std_error: Option<f64>,
    /// Lower and upper confidence limit at the study's level.
    pub interval: Option<(f64, f64)>,
    /// Share of the gap less what is treated as fair; `None` where the interval of that covers 0.
    pub share: Option<f64>,
    /// Whether the row is null because of the release rules.
    pub withheld: bool,
}

impl Results {
    /// Every table, and what was studied.
    pub fn tables(&self) -> &ResultTables {
        &self.computed.results
    }

    /// A table by its name, such as `gap` or `coefficients`; docs/results.schema.csv lists them with their columns.
    pub fn table(&self, name: &str) -> Option<&Table> {
        let decl = TABLES.iter().find(|decl| decl.name == name)?;
        self.computed.results.get(decl)
    }

    /// The rows of one analysis in table `decomposition`, of all index groups; none if there is no analysis of this name.
    pub fn decomposition(&self, analysis: &str) -> Vec<DecompositionRow> {
        let Some(t) = self.computed.results.get(&DECOMPOSITION) else { return Vec::new() };
        (0..t.rows.len())
            .filter(|&r| t.text(r, "analysis") == analysis)
            .map(|r| DecompositionRow {
                index_group: t.text(r, "index_group").to_owned(),
                part: t.text(r, "part").to_owned(),
                component: t.text(r, "component").to_owned(),
                estimate: t.number(r, "estimate"),
                std_error: t.number(r, "std_error"),
                interval: t.number(r, "conf_low").zip(t.number(r, "conf_high")),
                share: t.number(r, "share"),
                withheld: t.flag(r, "withheld"),
            })
            .collect()
    }

    /// Warnings, and the errors of analyses that could not be estimated.
    pub fn problems(&self) -> &[Problem] {
        &self.computed.problems
    }

    /// Whether every analysis was estimated and every check passed that estimates rest on.
    pub fn complete(&self) -> bool {
        self.computed.exit.is_none()
    }

    /// Writes the result folder as `gapshare run` does: tables, report, results.json, run.json.
    ///
    /// Errors: the folder cannot be written, or holds something else; an earlier result folder is replaced once the new one is complete.
    pub fn write(&self, dir: impl AsRef<Path>) -> Result<(), Error> {
        check_output(dir.as_ref())?;
        Ok(write(&self.plan, &self.computed, dir.as_ref(), "gapshare (library)")?)
    }
}

/// What went wrong: every problem of the stage that could not go on.
#[derive(Clone, Debug, PartialEq)]
pub struct Error(
    /// Codes, messages, places and fixes; at least one.
    pub Problems,
);

impl From<Problems> for Error {
    fn from(problems: Problems) -> Self {
        Self(problems)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (k, p) in self.0.iter().enumerate() {
            let kind = if p.is_error() { "error" } else { "warning" };
            let line_end = if k > 0 { "\n" } else { "" };
            write!(f, "{line_end}{kind}[{}]: {}", p.code, p.message)?;
            if let Some(place) = &p.place {
                write!(f, " ({}:{}:{})", place.file, place.line, place.col)?;
            }
            if let Some(help) = &p.help {
                write!(f, "; {help}")?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for Error {}
