//! Tables, joins, derived columns and steps -> [`CohortPlan`].

use super::super::shape::STAND_IN;
use super::Resolver;
use crate::cohort::features::ordered;
use crate::cohort::plan::{CohortPlan, DerivePlan, FirstPlan, JoinPlan, KeepPlan, Named, PresentPlan, RowStep, UnitPlan, Unmatched};
use crate::cohort::sources::Model;
use crate::error::{Problem, codes, nearest};
use crate::study::file::{JoinFile, StepFile, UnmatchedFile};
use crate::study::placed::{OneOrMany, Placed, Word};
use indexmap::IndexMap;

impl Resolver<'_> {
    pub(super) fn cohort(&mut self) -> CohortPlan {
        let file = self.file;
        let mut tables = IndexMap::new();
        for (name, table) in &file.tables {
            self.input_table(name, table, &mut tables);
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

    pub(super) fn known_table(&mut self, table: &Word) {
        let tables = &self.file.tables;
        let of_source = |name: &Word| Model::named(&name.value).map_or(&[][..], |m| m.tables).iter().map(|t| t.name);
        if tables.contains_key(table.value.as_str()) && Model::named(&table.value).is_none()
            || tables.keys().flat_map(of_source).any(|t| t == table.value)
            || !self.complete(&["tables"])
            || table.value.starts_with(STAND_IN) && !self.complete(&["cohort"])
        {
            return;
        }
        let own = tables.keys().map(|name| name.value.as_str()).filter(|name| Model::named(name).is_none());
        let names: Vec<&str> = own.chain(tables.keys().flat_map(of_source)).collect();
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
