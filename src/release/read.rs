//! results.json -> [`ResultTables`], for `gapshare report DIR`.

use super::schema::{Kind, TABLES};
use super::write::SCHEMA_VERSION;
use super::{Cell, Meta, ResultTables, Table};
use crate::error::{Problem, Problems, codes};
use indexmap::IndexMap;
use serde_json::Value;
use std::fs;
use std::path::Path;

/// Reads results.json of a result folder.
///
/// Errors: `G202` if it is missing, not JSON, of another schema version, or holds other columns than this version writes;
/// every table that is wrong is named.
pub fn read_results(dir: &Path) -> Result<ResultTables, Problems> {
    read(dir, Columns::All)
}

/// As [`read_results`], of any version with the same layout: tables have the declared columns that the file has, and `meta` may lack keys.
pub(super) fn read_results_of_any_version(dir: &Path) -> Result<ResultTables, Problems> {
    read(dir, Columns::Those)
}

/// Which columns a table must have.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Columns {
    /// All that are declared.
    All,
    /// Those that its first row has.
    Those,
}

fn read(dir: &Path, columns: Columns) -> Result<ResultTables, Problems> {
    let path = dir.join("results.json");
    let corrupt = |what: String| {
        Problem::error(codes::G202, format!("{} cannot be read: {what}", path.display()))
            .help("run the study again with `gapshare run` to write the result folder anew")
    };
    let text = fs::read_to_string(&path).map_err(|e| vec![corrupt(e.to_string())])?;
    let root: Value = serde_json::from_str(&text).map_err(|e| vec![corrupt(e.to_string())])?;
    if root.get("schema_version").and_then(Value::as_u64) != Some(SCHEMA_VERSION) {
        return Err(vec![corrupt(format!("it is not of schema_version {SCHEMA_VERSION}"))]);
    }
    let meta = root.get("meta").cloned().unwrap_or(Value::Null);
    let meta = match (serde_json::from_value::<Meta>(meta.clone()), columns) {
        (Ok(meta), _) => meta,
        (Err(e), Columns::All) => return Err(vec![corrupt(format!("meta: {e}"))]),
        (Err(_), Columns::Those) => {
            let index = meta.get("index").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).map(str::to_owned);
            Meta { index: index.collect(), ..Meta::default() }
        }
    };

    let mut tables = IndexMap::new();
    let mut problems = Problems::new();
    for decl in TABLES {
        let Some(rows) = root.get(decl.name) else { continue };
        let mut empty = Table::shown(decl, &meta.index);
        if let (Columns::Those, Some(row)) = (columns, rows.get(0)) {
            empty = empty.with_columns(|name| row.get(name).is_some());
        }
        match rows.as_array().ok_or_else(|| "not an array".to_owned()).and_then(|rows| fill(empty, rows)) {
            Ok(table) => {
                tables.insert(decl.name, table);
            }
            Err(what) => problems.push(corrupt(format!("table `{}`: {what}", decl.name))),
        }
    }
    if problems.is_empty() { Ok(ResultTables { meta, tables }) } else { Err(problems) }
}

fn fill(mut table: Table, rows: &[Value]) -> Result<Table, String> {
    let decls: Vec<(String, Kind)> = table.declarations().map(|c| (c.name.to_string(), c.kind)).collect();
    for (at, row) in rows.iter().enumerate() {
        let object = row.as_object().ok_or_else(|| format!("row {at} is not an object"))?;
        if let Some(other) = object.keys().find(|k| !decls.iter().any(|(name, _)| name == *k)) {
            return Err(format!("row {at} has the column `{other}`, which this version does not know"));
        }
        let cells: Result<Vec<Cell>, String> = decls
            .iter()
            .map(|(name, kind)| {
                let value = object.get(name).ok_or_else(|| format!("row {at} has no column `{name}`"))?;
                read_cell(value, *kind).ok_or_else(|| format!("row {at}: `{name}` is not {}", kind.name()))
            })
            .collect();
        table.rows.push(cells?);
    }
    Ok(table)
}

fn read_cell(value: &Value, kind: Kind) -> Option<Cell> {
    if value.is_null() {
        return Some(Cell::Null);
    }
    match kind {
        Kind::Text => value.as_str().map(Cell::from),
        Kind::Integer => value.as_i64().map(Cell::Int),
        // A count in a number column was written as an integer.
        Kind::Number => value.as_i64().filter(|_| value.is_i64()).map(Cell::Int).or_else(|| value.as_f64().map(Cell::from)),
        Kind::Boolean => value.as_bool().map(Cell::Bool),
    }
}
