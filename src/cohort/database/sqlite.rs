//! SQLite: values have types, columns do not. A column is whole numbers, numbers or text by what its values are; texts that are all dates
//! or timestamps in ISO 8601 are read as such, since SQLite has no type for them.

use super::{Answer, Fault, QueryColumn, RowHash, without_secrets};
use crate::cohort::infer::Profile;
use crate::cohort::text::{Cells, is_null};
use polars::prelude::DataType;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags, Statement};
use std::path::Path;

/// Rows that `check` looks at to tell types.
const SAMPLE_ROWS: usize = 5_000;

fn open(path: &Path) -> Result<Connection, Fault> {
    if !path.is_file() {
        return Err(Fault::Database("the file does not exist".to_owned()));
    }
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)
        .map_err(|e| Fault::Database(said(&e)))?;
    // A file that is no database is noticed at the first look.
    connection.query_row("SELECT count(*) FROM sqlite_master", [], |_| Ok(())).map_err(|e| Fault::Database(said(&e)))?;
    Ok(connection)
}

fn said(e: &rusqlite::Error) -> String {
    without_secrets(&e.to_string(), &[])
}

fn prepare<'a>(connection: &'a Connection, sql: &str) -> Result<Statement<'a>, Fault> {
    let statement = connection.prepare(sql).map_err(|e| Fault::Query(said(&e)))?;
    if !statement.readonly() {
        return Err(Fault::Query("it would change the database".to_owned()));
    }
    if statement.parameter_count() > 0 {
        return Err(Fault::Query("it has parameters, and nothing to put in their place".to_owned()));
    }
    if statement.column_count() == 0 {
        return Err(Fault::Query("it gives no columns".to_owned()));
    }
    Ok(statement)
}

/// What the values of a column are.
#[derive(Clone, Copy, Default)]
struct Seen {
    whole: bool,
    real: bool,
    text: bool,
    bytes: bool,
    beyond_one: bool,
}

/// Rows as text, up to `limit`.
fn walk(
    statement: &mut Statement<'_>,
    limit: usize,
    mut each: impl FnMut(usize, Option<&str>, ValueRef<'_>),
    mut end_row: impl FnMut(),
) -> Result<(), Fault> {
    let width = statement.column_count();
    let mut rows = statement.query([]).map_err(|e| Fault::Query(said(&e)))?;
    let mut n = 0;
    while n < limit {
        let Some(row) = rows.next().map_err(|e| Fault::Query(said(&e)))? else { break };
        n += 1;
        for at in 0..width {
            let value = row.get_ref(at).map_err(|e| Fault::Query(said(&e)))?;
            match value {
                ValueRef::Null => each(at, None, value),
                ValueRef::Integer(v) => each(at, Some(&v.to_string()), value),
                ValueRef::Real(v) => each(at, Some(&format!("{v:?}")), value),
                ValueRef::Text(bytes) => {
                    let text = std::str::from_utf8(bytes).map_err(|_| Fault::Query("it answers text that is not UTF-8".to_owned()))?;
                    each(at, Some(text), value);
                }
                ValueRef::Blob(_) => each(at, Some("(bytes)"), value),
            }
        }
        end_row();
    }
    Ok(())
}

/// Names and types of the columns, by the first rows.
pub(super) fn columns(path: &Path, sql: &str, null_values: &[String]) -> Result<Vec<QueryColumn>, Fault> {
    let connection = open(path)?;
    typed(&connection, sql, SAMPLE_ROWS, null_values)
}

fn typed(connection: &Connection, sql: &str, limit: usize, null_values: &[String]) -> Result<Vec<QueryColumn>, Fault> {
    let mut statement = prepare(connection, sql)?;
    let names: Vec<String> = statement.column_names().iter().map(|n| (*n).to_owned()).collect();
    let stated: Vec<String> = statement.columns().iter().map(|c| c.decl_type().unwrap_or_default().to_ascii_uppercase()).collect();
    let mut seen = vec![Seen::default(); names.len()];
    let mut cells: Vec<Cells> = names.iter().map(|_| Cells::default()).collect();
    let each = |at: usize, text: Option<&str>, value: ValueRef<'_>| {
        let Some(text) = text.filter(|t| !is_null(t, null_values)) else { return };
        match value {
            ValueRef::Null => {}
            ValueRef::Integer(v) => {
                seen[at].whole = true;
                seen[at].beyond_one |= v != 0 && v != 1;
            }
            ValueRef::Real(_) => seen[at].real = true,
            ValueRef::Text(_) => {
                seen[at].text = true;
                cells[at].push(Some(text));
            }
            ValueRef::Blob(_) => seen[at].bytes = true,
        }
    };
    walk(&mut statement, limit, each, || {})?;
    let of = |((name, stated), (seen, cells)): ((String, String), (Seen, Cells))| {
        let dtype = match seen {
            Seen { bytes: true, .. } => None,
            Seen { text: true, whole: false, real: false, .. } => Some(Profile::of(&cells).dtype_of_json_strings()),
            Seen { text: true, .. } => Some(DataType::String),
            Seen { real: true, .. } => Some(DataType::Float64),
            Seen { whole: true, beyond_one: false, .. } if stated.contains("BOOL") => Some(DataType::Boolean),
            // A column of numbers whose first values happen to be whole.
            Seen { whole: true, .. } if is_number(&stated) => Some(DataType::Float64),
            Seen { whole: true, .. } => Some(DataType::Int64),
            Seen { .. } if stated.contains("BOOL") => Some(DataType::Boolean),
            Seen { .. } if stated.contains("INT") => Some(DataType::Int64),
            Seen { .. } if is_number(&stated) => Some(DataType::Float64),
            Seen { .. } => Some(DataType::Null),
        };
        QueryColumn { name, dtype }
    };
    Ok(names.into_iter().zip(stated).zip(seen.into_iter().zip(cells)).map(of).collect())
}

fn is_number(stated: &str) -> bool {
    ["REAL", "FLOA", "DOUB", "NUMERIC", "DECIMAL"].iter().any(|t| stated.contains(t))
}

/// The columns at these positions.
pub(super) fn rows(path: &Path, sql: &str, wanted: &[usize]) -> Result<Answer, Fault> {
    let connection = open(path)?;
    let mut statement = prepare(&connection, sql)?;
    let mut cells: Vec<Cells> = wanted.iter().map(|_| Cells::default()).collect();
    let hash = std::cell::RefCell::new(RowHash::default());
    let (mut rows, mut holds_bytes) = (0, false);
    let each = |at: usize, text: Option<&str>, value: ValueRef<'_>| {
        hash.borrow_mut().cell(text);
        if let Some(k) = wanted.iter().position(|w| *w == at) {
            holds_bytes |= matches!(value, ValueRef::Blob(_));
            cells[k].push(text);
        }
    };
    walk(&mut statement, usize::MAX, each, || {
        hash.borrow_mut().end_row();
        rows += 1;
    })?;
    if holds_bytes {
        return Err(Fault::Query("a column that is needed holds bytes (BLOB); cast it to text".to_owned()));
    }
    let (sha256, bytes) = hash.into_inner().finish();
    Ok(Answer { cells, rows, bytes, sha256 })
}
