//! Tables, joins, derived columns and steps -> [`CohortPlan`].

use super::super::shape::STAND_IN;
use super::Resolver;
use crate::cohort::features::ordered;
use crate::cohort::plan::{
    CohortPlan, ColumnType, DerivePlan, FirstPlan, JoinPlan, KeepPlan, Named, OnBadValue, PresentPlan, RowStep, TablePlan, TypedColumn, UnitPlan,
    Unmatched,
};
use crate::error::{Problem, codes, nearest};
use crate::study::file::{JoinFile, OnBadValueFile, StepFile, TableFile, TypeFile, UnmatchedFile};
use crate::study::placed::{OneOrMany, Placed, Word};
use indexmap::IndexMap;

impl Resolver<'_> {
    pub(super) fn cohort(&mut self) -> CohortPlan {
        let file = self.file;
        let mut tables = IndexMap::new();
        for (name, table) in &file.tables {
            if let Some(plan) = self.table(name, table) {
                tables.insert(name.value.clone(), plan);
            }
        }
        let cohort = &file.cohort;
        self.known_table(&cohort.unit.table);
        let unit = UnitPlan { table: self.named(&cohort.unit.table), key: cohort.unit.key.as_ref().map(|key| self.named(key)) };
        let mut steps = Vec::new();
        for join in &cohort.joins {
            self.known_table(&join.table);
            let join = self.join(join);
            steps.push(RowStep::Join(join));
        }
        let derives = cohort.derive.iter().map(|(column, sql)| DerivePlan { column: self.named(column), sql: self.named(sql) }).collect();
        let features = cohort.features.iter().filter_map(|(column, feature)| self.feature(column, feature)).collect();
        match ordered(derives, features) {
            Ok(ordered) => steps.extend(ordered),
            Err(problems) => self.problems.extend(problems),
        }
        for step in &cohort.steps {
            if let Some(step) = self.step(step) {
                steps.push(step);
            }
        }
        CohortPlan { tables, unit, steps }
    }

    fn table(&mut self, name: &Word, table: &TableFile) -> Option<TablePlan> {
        let format = self.format(&table.path);
        let resolved = self.path(&table.path);
        let types = table
            .types
            .iter()
            .map(|(column, declared)| {
                let kind = match &declared.value {
                    TypeFile::Text => ColumnType::Text,
                    TypeFile::Integer => ColumnType::Integer,
                    TypeFile::Number => ColumnType::Number,
                    TypeFile::Boolean => ColumnType::Boolean,
                    TypeFile::Date(options) => ColumnType::Date { format: options.format.clone() },
                    TypeFile::Datetime(options) => ColumnType::Datetime { format: options.format.clone() },
                };
                (column.value.clone(), TypedColumn { kind, place: self.place(column.span) })
            })
            .collect();
        Some(TablePlan {
            name: name.value.clone(),
            place: self.place(name.span),
            path: table.path.value.clone(),
            resolved: resolved?,
            path_place: self.place(table.path.span),
            format: format?,
            null_values: table.null_values.iter().map(|value| value.text.clone()).collect(),
            types,
            on_bad_value: match table.on_bad_value {
                OnBadValueFile::Error => OnBadValue::Error,
                OnBadValueFile::SetNull => OnBadValue::SetNull,
            },
        })
    }

    pub(super) fn known_table(&mut self, table: &Word) {
        let tables = &self.file.tables;
        if tables.contains_key(table.value.as_str())
            || !self.complete(&["tables"])
            || table.value.starts_with(STAND_IN) && !self.complete(&["cohort"])
        {
            return;
        }
        let names: Vec<&str> = tables.keys().map(|name| name.value.as_str()).collect();
        let help = match nearest(&table.value, names.iter().copied()) {
            Some(near) => format!("write `{near}`, or add the table under `tables`"),
            None => "add the table under `tables`".to_owned(),
        };
        let problem = Problem::error(codes::G201, format!("there is no table `{}`", table.value))
            .at(self.place(table.span))
            .label("not found")
            .note(format!("found under `tables`: {}", names.join(", ")))
            .help(help);
        self.problems.push(problem);
    }

    fn join(&mut self, join: &JoinFile) -> JoinPlan {
        if join.by.0.is_empty() {
            self.error(codes::G213, "a join needs a column to join by", join.table.span, "no column", "write `by: patient_id`");
        }
        JoinPlan {
            table: self.named(&join.table),
            by: join.by.0.iter().map(|by| (self.named(&by.left), self.named(&by.right))).collect(),
            unmatched: match join.unmatched {
                UnmatchedFile::Error => Unmatched::Error,
                UnmatchedFile::Drop => Unmatched::Drop,
                UnmatchedFile::Keep => Unmatched::Keep,
            },
            select: join.select.as_ref().map(|columns| columns.iter().map(|column| self.named(column)).collect()),
            prefix: join.prefix.clone(),
        }
    }

    fn step(&mut self, step: &Placed<StepFile>) -> Option<RowStep> {
        let name = step.value.name.clone();
        match (&step.value.keep, &step.value.first, &step.value.present) {
            (Some(sql), None, None) => Some(RowStep::Keep(KeepPlan { name, sql: self.named(sql) })),
            (None, Some(first), None) => {
                let (per, by) = (self.at_least_one(&first.per, "per", step), self.at_least_one(&first.by, "by", step));
                Some(RowStep::First(FirstPlan { name, per, by }))
            }
            (None, None, Some(columns)) => Some(RowStep::Present(PresentPlan { columns: self.at_least_one(columns, "present", step), name })),
            (None, None, None) => {
                let message = format!("the step `{name}` lacks a rule");
                self.error(codes::G105, message, step.span, "no rule", "add `where:`, `first:` or `present:`");
                None
            }
            _ => {
                let message = format!("the step `{name}` has more than one rule");
                self.error(codes::G210, message, step.span, "one rule a step", "write a step for each: their order counts");
                None
            }
        }
    }

    fn at_least_one(&mut self, columns: &OneOrMany<Word>, key: &str, step: &Placed<StepFile>) -> Vec<Named> {
        if columns.0.is_empty() {
            let message = format!("`{key}` of the step `{}` names no column", step.value.name);
            self.error(codes::G213, message, step.span, "no column", "name at least one column");
        }
        columns.0.iter().map(|column| self.named(column)).collect()
    }
}
