//! [`StudyFile`] -> [`CohortPlan`] and [`super::plan::StudyPlan`]: names, roles, methods. Every problem at once.

mod analyses;
mod causal;
mod cohort;
mod columns;
mod features;
mod inputs;
mod missing;
mod paths;
mod roles;
mod sensitivity;

pub use paths::{Environment, seen_from};

use super::file::{InfluenceFile, MissingRuleFile, StudyFile, UncertaintyFile};
use super::placed::Word;
use super::places::{Node, Source, Span, key_at};
use super::plan::{AnalysisPlan, GroupLevelColumns, MissingPlan};
use super::shape::Study;
use crate::cohort::plan::{CohortPlan, Columns, Named, RolesPlan, RowStep, UnitPlan};
use crate::error::{Code, Place, Problem, Problems, codes};
use crate::sensitivity::Sensitivity;
use indexmap::IndexMap;
use std::path::{Path, PathBuf};

/// Resamples whose standard deviation is known to about 10%.
const FEWEST_REPLICATES: u32 = 50;

/// What every part of the resolution reads, and the problems found so far.
pub struct Resolver<'a> {
    source: &'a Source,
    tree: &'a Node,
    file: &'a StudyFile,
    /// Top-level keys under which something could not be read and is reported already.
    incomplete: &'a [String],
    /// Folder of the study file.
    folder: &'a Path,
    environment: Environment<'a>,
    pub problems: Problems,
}

/// Everything but what the program adds: the study's own contents, resolved.
pub struct Resolved {
    pub cohort: CohortPlan,
    pub roles: RolesPlan,
    pub causal_order: Option<Vec<usize>>,
    pub analyses: Vec<AnalysisPlan>,
    pub primary: usize,
    pub labels: IndexMap<String, String>,
    pub sensitivity: Option<Sensitivity>,
    pub missing: MissingPlan,
    pub level: f64,
    pub leave_clusters_out: bool,
    pub design_file: Option<PathBuf>,
    pub group_level_columns: Vec<GroupLevelColumns>,
}

/// A plan that reads the headers of every table and does nothing with them.
fn tables_alone(cohort: &CohortPlan) -> Option<CohortPlan> {
    let first = cohort.tables.keys().next()?.clone();
    let unit = UnitPlan { table: Named { name: first, place: None }, key: None };
    Some(CohortPlan { tables: cohort.tables.clone(), unit, steps: Vec::new() })
}

impl<'a> Resolver<'a> {
    pub fn new(study: &'a Study, folder: &'a Path, environment: Environment<'a>) -> Self {
        let Study { source, tree, file, incomplete } = study;
        Self { source, tree, file, incomplete, folder, environment, problems: Vec::new() }
    }

    /// Resolves the study. `None` if a part of it cannot be resolved; `problems` then holds at least one error.
    pub fn run(&mut self, columns_of: &dyn Fn(&CohortPlan) -> Result<Columns, Problems>) -> Option<Resolved> {
        self.head();
        let errors_before = self.errors();
        let cohort = self.cohort();
        let readable = self.errors() == errors_before && self.complete(&["tables", "cohort"]);
        let columns = match readable {
            true => Some(columns_of(&cohort)),
            // The files can be looked at all the same: every table on its own, without joins and steps.
            false if self.complete(&["tables"]) => tables_alone(&cohort).and_then(|plan| columns_of(&plan).err()).map(Err),
            false => None,
        };
        let columns = columns.and_then(|found| match found {
            Ok(columns) => {
                self.problems.extend(columns.warnings.iter().cloned());
                Some(columns)
            }
            Err(problems) => {
                self.problems.extend(problems);
                None
            }
        });
        let roles = self.roles();
        let labels = self.file.labels.iter().map(|(name, label)| (name.value.clone(), label.clone())).collect();
        if let (Some(columns), Some(roles)) = (&columns, &roles) {
            self.check_columns(columns, roles);
        }
        if let Some(roles) = &roles {
            self.covariates_from_later(roles);
        }
        let causal_order = self.causal_order();
        let analyses = self.analyses(causal_order.as_deref());
        let sensitivity = self.sensitivity();
        let missing = self.missing();
        let level = self.level();
        let leave_clusters_out = self.leave_clusters_out();
        let design_file = self.file.release.design.as_ref().and_then(|path| self.path(path));
        let primary = analyses.iter().position(|analysis| analysis.name == "primary");
        if self.errors() > 0 {
            return None;
        }
        let (roles, columns, primary) = (roles?, columns?, primary?);
        let group_level_columns = group_level_columns(&cohort, &roles, &columns);
        Some(Resolved {
            cohort,
            roles,
            causal_order,
            analyses,
            primary,
            labels,
            sensitivity,
            missing,
            level,
            leave_clusters_out,
            design_file,
            group_level_columns,
        })
    }

    /// Version and name.
    fn head(&mut self) {
        let file = self.file;
        if file.gapshare.value != 1 && self.complete(&["gapshare"]) {
            let message = format!("this program reads version 1 of the format, not version {}", file.gapshare.value);
            self.error(codes::G107, message, file.gapshare.span, "not supported", "write `gapshare: 1`");
        }
        let name = &file.study.value;
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_') {
            let proposal: String = name.to_lowercase().chars().map(|c| if c.is_ascii_lowercase() || c.is_ascii_digit() { c } else { '_' }).collect();
            let help = if proposal.is_empty() { "write a name such as `my_study`".to_owned() } else { format!("write `{proposal}`") };
            let message = format!("`{name}` cannot name an output folder: study names are made of a-z, 0-9 and _");
            self.error(codes::G108, message, file.study.span, "not a study name", &help);
        }
    }

    fn level(&mut self) -> f64 {
        let file = self.file;
        let level = match &file.uncertainty {
            UncertaintyFile::Influence(options) => &options.level,
            UncertaintyFile::Bootstrap(options) => {
                if options.replicates < FEWEST_REPLICATES {
                    let message = format!("{} resamples tell no error: at least {FEWEST_REPLICATES} are needed", options.replicates);
                    self.error(codes::G213, message, self.section("uncertainty"), "too few", "write `replicates: 1000`");
                }
                &options.level
            }
        };
        if !(level.value > 0.0 && level.value < 1.0) {
            let message = format!("the coverage of intervals lies between 0 and 1, and {} does not", level.value);
            self.error(codes::G213, message, level.span, "out of range", "write `level: 0.95`");
        }
        level.value
    }

    /// Whether `small_clusters` asks for the jackknife over clusters.
    fn leave_clusters_out(&mut self) -> bool {
        let file = self.file;
        let UncertaintyFile::Influence(InfluenceFile { small_clusters: Some(option), .. }) = &file.uncertainty else { return false };
        let weighs = matches!(self.outcome_rule(), Some((_, MissingRuleFile::InverseProbability)));
        if file.cluster.is_none() {
            let help = "name the column of hospitals: `cluster: hospital_id`";
            self.error(codes::G209, "`small_clusters` leaves out clusters, and the study names none", option.span, "no clusters", help);
        } else if weighs || file.imputes() {
            let message = "`small_clusters` is not offered beside multiple imputation and weights for missing outcomes";
            self.error(codes::G210, message, option.span, "no jackknife", "put it into a copy of the study with another rule");
        }
        true
    }

    /// Where a top-level key stands.
    fn section(&self, key: &str) -> Span {
        key_at(self.tree, &[key])
    }

    fn complete(&self, sections: &[&str]) -> bool {
        !self.incomplete.iter().any(|section| sections.contains(&section.as_str()))
    }

    fn errors(&self) -> usize {
        self.problems.iter().filter(|problem| problem.is_error()).count()
    }

    fn place(&self, span: Span) -> Option<Place> {
        self.source.place(span)
    }

    fn named(&self, word: &Word) -> Named {
        Named { name: word.value.clone(), place: self.place(word.span) }
    }

    fn error(&mut self, code: Code, message: impl Into<String>, span: Span, label: &str, help: &str) {
        let problem = Problem::error(code, message).at(self.place(span)).label(label).help(help);
        self.problems.push(problem);
    }

    fn not_built(&mut self, what: &str, span: Span, instead: &str) {
        self.error(codes::G109, format!("{what} has not been built yet"), span, "not built yet", instead);
    }
}

/// Variables by the joined table that their columns come from.
fn group_level_columns(cohort: &CohortPlan, roles: &RolesPlan, columns: &Columns) -> Vec<GroupLevelColumns> {
    let mut found: IndexMap<String, GroupLevelColumns> = IndexMap::new();
    for join in cohort.steps.iter().filter_map(|step| if let RowStep::Join(join) = step { Some(join) } else { None }) {
        let Some((_, right)) = join.by.first().filter(|_| join.table.name != cohort.unit.table.name) else { continue };
        let variables: Vec<String> = roles
            .variables
            .iter()
            .map(|variable| &variable.column.name)
            .filter(|name| columns.by_name.get(*name).is_some_and(|info| info.table.as_deref() == Some(&join.table.name)))
            .cloned()
            .collect();
        if !variables.is_empty() {
            let by = join.by.iter().map(|(left, right)| (left.name.clone(), right.name.clone())).collect();
            found.entry(join.table.name.clone()).or_insert(GroupLevelColumns {
                table: join.table.name.clone(),
                key: right.name.clone(),
                by,
                variables,
            });
        }
    }
    found.into_values().collect()
}
