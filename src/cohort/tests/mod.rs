//! Plans over small tables written to a temporary folder, and over the real tables of ../shared/data where they are present.

mod coding;
mod features;
mod finite;
mod names;
mod reading;
mod real;
mod roles;
mod sources;
mod sql;
mod steps;

use super::Values;
use super::engine::{Cohort, build, columns};
use super::inputs::Input;
use super::plan::*;
use crate::error::{Code, Problem, Problems, codes};
use crate::vocab::{Family, Role, Scalar};
use indexmap::IndexMap;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

pub fn named(name: &str) -> Named {
    Named { name: name.to_owned(), place: None }
}

pub fn value(text: &str) -> Value {
    Value { value: Scalar::new(text), place: None }
}

/// A plan that grows step by step; files live as long as it does.
pub struct Study {
    pub dir: TempDir,
    pub plan: CohortPlan,
    pub roles: RolesPlan,
}

impl Study {
    /// One table `t` of csv text with columns g (a, b) and y (0, 1), the group and the outcome.
    pub fn new(csv: &str) -> Self {
        let dir = TempDir::new().expect("a temporary folder");
        let plan = CohortPlan { tables: IndexMap::new(), unit: UnitPlan { table: named("t"), key: None }, steps: Vec::new() };
        let roles = RolesPlan {
            group: GroupPlan { column: named("g"), reference: value("a"), index: vec![value("b")] },
            outcome: OutcomePlan { column: named("y"), family: Family::Binomial, event: Vec::new(), exposure: None, missing: Default::default() },
            variables: Vec::new(),
            blocks: vec!["block".to_owned()],
            labelled: Vec::new(),
            cluster: None,
            weight: None,
            controls: Vec::new(),
        };
        Self { dir, plan, roles }.table("t", csv)
    }

    pub fn table(self, name: &str, csv: &str) -> Self {
        self.file(name, &format!("{name}.csv"), Format::Csv, csv.as_bytes())
    }

    pub fn file(self, name: &str, file: &str, format: Format, bytes: &[u8]) -> Self {
        std::fs::write(self.dir.path().join(file), bytes).expect("written");
        self.path(name, file, format)
    }

    pub fn path(mut self, name: &str, path: &str, format: Format) -> Self {
        let resolved = self.dir.path().join(path);
        self.plan.tables.insert(name.to_owned(), table_plan(name, path, resolved, format));
        self
    }

    pub fn types(mut self, table: &str, types: &[(&str, ColumnType)]) -> Self {
        let t = self.plan.tables.get_mut(table).expect("a table");
        t.types.extend(types.iter().map(|(c, kind)| ((*c).to_owned(), TypedColumn { kind: kind.clone(), place: None })));
        self
    }

    pub fn nulls(mut self, table: &str, values: &[&str]) -> Self {
        self.plan.tables.get_mut(table).expect("a table").null_values = values.iter().map(|v| (*v).to_owned()).collect();
        self
    }

    pub fn key(mut self, key: &str) -> Self {
        self.plan.unit.key = Some(named(key));
        self
    }

    pub fn step(mut self, step: RowStep) -> Self {
        self.plan.steps.push(step);
        self
    }

    pub fn derive(self, column: &str, sql: &str) -> Self {
        self.step(RowStep::Derive(DerivePlan { column: named(column), sql: named(sql) }))
    }

    pub fn keep(self, name: &str, sql: &str) -> Self {
        self.step(RowStep::Keep(KeepPlan { name: name.to_owned(), sql: named(sql) }))
    }

    pub fn join(self, table: &str, by: &[(&str, &str)], unmatched: Unmatched) -> Self {
        let by = by.iter().map(|(l, r)| (named(l), named(r))).collect();
        self.step(RowStep::Join(JoinPlan { table: named(table), by, unmatched, select: None, prefix: None }))
    }

    pub fn variable(self, column: &str, coding: Coding, missing: MissingRule) -> Self {
        self.variable_as(column, Role::Block(0), coding, missing)
    }

    pub fn variable_as(mut self, column: &str, role: Role, coding: Coding, missing: MissingRule) -> Self {
        self.roles.variables.push(VariablePlan { column: named(column), role, coding, missing, missing_place: None });
        self
    }

    pub fn x(self, column: &str) -> Self {
        self.variable(column, Coding::Auto, MissingRule::DropRow)
    }

    pub fn columns(&self) -> Result<Columns, Problems> {
        columns(&self.plan)
    }

    pub fn build(&self) -> Result<Cohort, Problems> {
        build(&self.plan, &self.roles)
    }

    #[track_caller]
    pub fn cohort(&self) -> Cohort {
        self.build().unwrap_or_else(|p| panic!("{}", shown(&p)))
    }

    /// The one problem of the run.
    #[track_caller]
    pub fn problem(&self) -> Problem {
        only(self.build().err())
    }

    /// The one problem of the dry run.
    #[track_caller]
    pub fn check_problem(&self) -> Problem {
        only(self.columns().err())
    }
}

/// The one problem; only the warning that explains why a column is text (G315) may stand beside it.
#[track_caller]
fn only(problems: Option<Problems>) -> Problem {
    let mut problems = problems.expect("a problem");
    problems.retain(|p| p.is_error() || p.code != codes::G315);
    assert_eq!(problems.len(), 1, "{}", shown(&problems));
    problems.remove(0)
}

pub fn table_plan(name: &str, path: &str, resolved: PathBuf, format: Format) -> TablePlan {
    TablePlan {
        name: name.to_owned(),
        place: None,
        path: path.to_owned(),
        resolved,
        path_place: None,
        input: Input::Files(format),
        null_values: vec![String::new()],
        types: IndexMap::new(),
        on_bad_value: OnBadValue::Error,
    }
}

pub fn shown(problems: &[Problem]) -> String {
    problems.iter().map(|p| format!("{} {} {:?} {:?}\n", p.code, p.message, p.notes, p.help)).collect()
}

pub fn all_codes(problems: &[Problem]) -> Vec<Code> {
    problems.iter().map(|p| p.code).collect()
}

/// The folder of the shared real tables, or `None` with a line that says so.
pub fn shared(folder: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data").join(folder);
    if path.is_dir() {
        return Some(path);
    }
    println!("skipped: ../shared/data/{folder} is not there");
    None
}
