//! The tables of the study file: files, the folder of a source, queries.

use super::Resolver;
use crate::cohort::inputs::{Database, Input, QueryPlan};
use crate::cohort::plan::{ColumnType, OnBadValue, TablePlan, TypedColumn};
use crate::cohort::sources::Model;
use crate::error::{Problem, codes};
use crate::study::file::{OnBadValueFile, TableFile, TypeFile};
use crate::study::placed::Word;
use indexmap::IndexMap;
use std::collections::BTreeSet;
use std::path::PathBuf;

/// Endings of SQLite files.
const SQLITE: [&str; 3] = [".sqlite", ".sqlite3", ".db"];

impl Resolver<'_> {
    /// The plan of a table, or of each table of a source that the study names; what is wrong with it is reported.
    pub(super) fn input_table(&mut self, name: &Word, table: &TableFile, tables: &mut IndexMap<String, TablePlan>) {
        let planned = match (&table.path, &table.sql, &table.from) {
            (Some(path), None, None) => match Model::named(&name.value) {
                Some(model) => return self.source(model, name, table, path, tables),
                None => self.file_table(name, table, path),
            },
            (None, Some(sql), Some(from)) if Model::named(&name.value).is_none() => self.query(name, table, sql, from),
            (None, None, None) => {
                let message = format!("`tables.{}` lacks the key `path`", name.value);
                self.error(codes::G105, message, name.span, "`path` is missing", "add `path:`, or `sql:` and `from:` for a query");
                None
            }
            (None, Some(_), None) => {
                let message = format!("`tables.{}` lacks the key `from`", name.value);
                self.error(codes::G105, message, name.span, "`from` is missing", "add `from: \"${DATABASE_URL}\"`: the database of the query");
                None
            }
            (None, None, Some(_)) => {
                let message = format!("`tables.{}` lacks the key `sql`", name.value);
                self.error(codes::G105, message, name.span, "`sql` is missing", "add `sql:`, the query whose rows are the table");
                None
            }
            (None, Some(_), Some(_)) => {
                let message = format!("`{}` under `tables` is the folder of a source, not a query", name.value);
                self.error(codes::G210, message, name.span, "a reserved name", "give the table of the query another name");
                None
            }
            (Some(_), Some(_), _) | (Some(_), None, Some(_)) => {
                let message = format!("table `{}` has both a file and a query", name.value);
                self.error(codes::G210, message, name.span, "one of them", "keep `path`, or `sql` and `from`");
                None
            }
        };
        if let Some(plan) = planned {
            self.add(plan, name, tables);
        }
    }

    /// A user's own table may stand beside a source, but not under the name of one of its tables.
    fn add(&mut self, plan: TablePlan, name: &Word, tables: &mut IndexMap<String, TablePlan>) {
        let of_source = self.file.tables.keys().filter(|key| key.value != name.value).find(|key| {
            Model::named(&key.value).is_some_and(|model| Model::named(&name.value).is_none() && model.tables.iter().any(|t| t.name == plan.name))
        });
        if let Some(source) = of_source {
            let message = format!("`{}` is the name of a table of `{}`", plan.name, source.value);
            self.error(codes::G204, message, name.span, "stands twice", "give your table another name");
            return;
        }
        tables.insert(plan.name.clone(), plan);
    }

    fn file_table(&mut self, name: &Word, table: &TableFile, path: &Word) -> Option<TablePlan> {
        let format = self.format(path);
        let resolved = self.path(path);
        Some(self.table_plan(&name.value, name, table, path, resolved?, Input::Files(format?)))
    }

    fn table_plan(&self, called: &str, name: &Word, table: &TableFile, path: &Word, resolved: PathBuf, input: Input) -> TablePlan {
        let types = table.types.iter().map(|(column, declared)| {
            let kind = match &declared.value {
                TypeFile::Text => ColumnType::Text,
                TypeFile::Integer => ColumnType::Integer,
                TypeFile::Number => ColumnType::Number,
                TypeFile::Boolean => ColumnType::Boolean,
                TypeFile::Date(options) => ColumnType::Date { format: options.format.clone() },
                TypeFile::Datetime(options) => ColumnType::Datetime { format: options.format.clone() },
            };
            (column.value.clone(), TypedColumn { kind, place: self.place(column.span) })
        });
        TablePlan {
            name: called.to_owned(),
            place: self.place(name.span),
            path: path.value.clone(),
            resolved,
            path_place: self.place(path.span),
            input,
            null_values: table.null_values.iter().map(|value| value.text.clone()).collect(),
            types: types.collect(),
            on_bad_value: match table.on_bad_value {
                OnBadValueFile::Error => OnBadValue::Error,
                OnBadValueFile::SetNull => OnBadValue::SetNull,
            },
        }
    }

    /// The tables of a source that the study names; the others are not looked for.
    fn source(&mut self, model: &'static Model, name: &Word, table: &TableFile, path: &Word, tables: &mut IndexMap<String, TablePlan>) {
        if let Some((column, _)) = table.types.first() {
            let message = format!("the columns of `{}` have the types of the source", model.name);
            self.error(codes::G210, message, column.span, "not taken here", "remove `types`; docs/sources.md lists the columns");
        }
        let other = self.file.tables.keys().find(|key| key.value != name.value && Model::named(&key.value).is_some());
        if let Some(other) = other {
            let message = format!("`{}` and `{}` have tables of the same names", other.value, name.value);
            self.error(codes::G210, message, name.span, "one source a study", "write a study for each");
            return;
        }
        let Some(resolved) = self.path(path) else { return };
        let used = self.named_tables();
        for (called, input) in model.inputs().filter(|(called, _)| used.contains(*called)) {
            let plan = self.table_plan(called, name, table, path, resolved.clone(), input);
            self.add(plan, name, tables);
        }
    }

    /// Tables that the cohort is made of.
    fn named_tables(&self) -> BTreeSet<String> {
        let cohort = &self.file.cohort;
        let joined = cohort.joins.iter().map(|join| &join.table);
        let events = cohort.features.values().map(|feature| &feature.table);
        [&cohort.unit.table].into_iter().chain(joined).chain(events).map(|word| word.value.clone()).collect()
    }

    fn query(&mut self, name: &Word, table: &TableFile, sql: &Word, from: &Word) -> Option<TablePlan> {
        if has_password(&from.value) {
            self.error(
                codes::G231,
                format!("the address of the database of table `{}` holds a password", name.value),
                from.span,
                "in the open",
                "write `from: \"${DATABASE_URL}\"`, or `${NAME}` in place of the password, and set it in the environment",
            );
            return None;
        }
        let address = self.expanded(from)?;
        let lower = address.to_ascii_lowercase();
        let database = if lower.starts_with("postgres://") || lower.starts_with("postgresql://") {
            Database::Postgres(address)
        } else if !address.contains("://") && SQLITE.iter().any(|ending| lower.ends_with(ending)) {
            Database::Sqlite(self.folder.join(address))
        } else {
            let problem = Problem::error(codes::G232, format!("`from` of table `{}` is not the address of a database", name.value))
                .at(self.place(from.span))
                .label("unknown")
                .note("known: postgres://user@host:port/database, and files that end in .sqlite, .sqlite3 or .db")
                .help("the value of an environment variable is not shown");
            self.problems.push(problem);
            return None;
        };
        let plan = QueryPlan { sql: self.named(sql), database };
        Some(self.table_plan(&name.value, name, table, from, PathBuf::new(), Input::Query(plan)))
    }
}

/// Whether the address, as the study file writes it, holds a password that is not a variable.
fn has_password(address: &str) -> bool {
    crate::study::places::secrets(address).next().is_some()
}
