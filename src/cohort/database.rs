//! The rows of a query as a table. Every cell comes as text and is read like the cell of a file, in the type that the database states
//! ([`postgres`]) or that its values have ([`sqlite`]).
//!
//! Nothing that a server says is shown before [`without_secrets`] has taken the address and the password out.

mod postgres;
mod sqlite;

use super::infer::{BadCells, Target};
use super::inputs::{Database, QueryPlan};
use super::plan::TablePlan;
use super::problems::bug;
use super::read::{Header, Part, Parts, declared};
use super::source::ReadFile;
use super::text::{Cells, is_null};
use crate::error::{Problem, Problems, codes};
use polars::prelude::DataType;
use sha2::{Digest, Sha256};
use std::path::PathBuf;

/// A column of a query: its name, and its type if the engine has one for it.
pub(super) struct QueryColumn {
    name: String,
    dtype: Option<DataType>,
}

/// What a query answered: the wanted columns as text, and the hash of all rows.
pub(super) struct Answer {
    /// Of the columns asked for, in their order.
    cells: Vec<Cells>,
    rows: u64,
    bytes: u64,
    sha256: String,
}

/// What went wrong, in words that hold no secret: of the connection, or of the query.
pub(super) enum Fault {
    Database(String),
    Query(String),
}

/// Names and types of the columns of the query; its rows are not read (PostgreSQL), or some of them (SQLite). Errors: G232.
pub(super) fn header(table: &TablePlan, plan: &QueryPlan, problems: &mut Problems) -> Option<Header> {
    let found = match &plan.database {
        // The rows of a prepared query are not known.
        Database::Postgres(url) => postgres::columns(url, &plan.sql.name).map(|columns| (columns, false)),
        Database::Sqlite(path) => sqlite::columns(path, &plan.sql.name, &table.null_values),
    };
    let (columns, no_rows) = found.map_err(|fault| problems.push(problem(table, plan, fault))).ok()?;
    let mut names: Vec<String> = Vec::new();
    for column in &columns {
        if names.contains(&column.name) {
            let message = format!("the query of table `{}` has two columns called `{}`", table.name, column.name);
            problems.push(Problem::error(codes::G204, message).at(plan.sql.place.clone()).help("name one of them with AS"));
            return None;
        }
        names.push(column.name.clone());
    }
    Some(Header { files: Vec::new(), names, typed: columns.into_iter().map(|c| c.dtype).collect(), no_rows })
}

/// The wanted columns. Errors: G232, G211 (a type that the engine does not have).
pub(super) fn read(table: &TablePlan, plan: &QueryPlan, header: &Header, wanted: &[String], problems: &mut Problems) -> Option<Parts> {
    let mut at = Vec::with_capacity(wanted.len());
    for name in wanted {
        let position = header.names.iter().position(|n| n == name)?;
        match (declared(table, name), header.typed.get(position).cloned().flatten()) {
            (None, None) => {
                let message = format!("column `{name}` of the query of table `{}` has a type that is not read", table.name);
                let help = "cast it in the query, to text, a number, a boolean, a date or a timestamp";
                problems.push(Problem::error(codes::G211, message).at(plan.sql.place.clone()).help(help));
                return None;
            }
            (Some(target), _) => at.push((position, target.clone(), Some(target))),
            (None, Some(dtype)) => at.push((position, Target::inferred(&dtype), None)),
        }
    }
    let positions: Vec<usize> = at.iter().map(|a| a.0).collect();
    let answer = match &plan.database {
        Database::Postgres(url) => postgres::rows(url, &plan.sql.name, &positions, header.names.len()),
        Database::Sqlite(path) => sqlite::rows(path, &plan.sql.name, &positions),
    };
    let answer = answer.map_err(|fault| problems.push(problem(table, plan, fault))).ok()?;
    let mut columns = Vec::with_capacity(wanted.len());
    for ((name, (_, target, declared)), cells) in wanted.iter().zip(at).zip(&answer.cells) {
        // SQLite has types of values, not of columns: what `check` saw of them may not be all.
        let target = match (&declared, &plan.database) {
            (None, Database::Sqlite(_)) if target == Target::Null => Target::Text,
            _ => target,
        };
        let values = cells.iter().map(|c| c.filter(|c| !is_null(c, &table.null_values)));
        let (column, bad) = target.column_of(name, cells.len(), values, 0).map_err(|e| problems.push(bug("a column of a query", &e))).ok()?;
        // A value that the database itself could not have typed this way is reported like a cell that does not parse.
        let target = (declared.is_some() || bad.count > 0).then_some(target);
        columns.push(Part { column, target, bad: BadCells { count: bad.count, rows: bad.rows }, looks: None, stamps: None });
    }
    let file =
        ReadFile { path: table.path.clone(), resolved: PathBuf::new(), sha256: answer.sha256, bytes: answer.bytes, rows: answer.rows, query: true };
    Some(Parts { columns, files: vec![file] })
}

fn problem(table: &TablePlan, plan: &QueryPlan, fault: Fault) -> Problem {
    match fault {
        Fault::Database(what) => Problem::error(codes::G232, format!("the database of table `{}` cannot be read: {what}", table.name))
            .at(table.path_place.clone())
            .help("is the address right, and can the server be reached from this machine? `psql` or `sqlite3` with the same address tells"),
        Fault::Query(what) => Problem::error(codes::G232, format!("the query of table `{}` cannot be run: {what}", table.name))
            .at(plan.sql.place.clone())
            .help("it runs in a read-only transaction and must be one SELECT"),
    }
}

/// The message without these words and whatever a server quotes after a colon: that may be a value of the data.
fn without_secrets(message: &str, secrets: &[&str]) -> String {
    let line = message.lines().next().unwrap_or_default();
    let line = line.split(": \"").next().unwrap_or(line);
    let mut text = line.trim().to_owned();
    for secret in secrets.iter().filter(|s| !s.is_empty()) {
        text = text.replace(*secret, "***");
    }
    text
}

/// Hashes rows of text as PostgreSQL's COPY writes them, whatever the database.
#[derive(Default)]
struct RowHash {
    hash: Sha256,
    bytes: u64,
    line: String,
    cells: usize,
}

impl RowHash {
    fn add_bytes(&mut self, bytes: &[u8]) {
        self.hash.update(bytes);
        self.bytes += bytes.len() as u64;
    }

    fn cell(&mut self, cell: Option<&str>) {
        if self.cells > 0 {
            self.line.push('\t');
        }
        self.cells += 1;
        let Some(cell) = cell else {
            self.line.push_str("\\N");
            return;
        };
        for c in cell.chars() {
            match c {
                '\\' => self.line.push_str("\\\\"),
                '\t' => self.line.push_str("\\t"),
                '\n' => self.line.push_str("\\n"),
                '\r' => self.line.push_str("\\r"),
                c => self.line.push(c),
            }
        }
    }

    fn end_row(&mut self) {
        self.line.push('\n');
        self.cells = 0;
        let line = std::mem::take(&mut self.line);
        self.add_bytes(line.as_bytes());
    }

    fn finish(self) -> (String, u64) {
        (self.hash.finalize().iter().map(|b| format!("{b:02x}")).collect(), self.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_says_holds_no_secret_and_no_value() {
        for (said, shown) in [
            ("password authentication failed for user \"ann\" with s3cret", "password authentication failed for user \"ann\" with ***"),
            ("invalid input syntax for type integer: \"John Smith\"", "invalid input syntax for type integer"),
            ("first line\nSTATEMENT: second", "first line"),
        ] {
            assert_eq!(without_secrets(said, &["s3cret", ""]), shown);
        }
    }
}
