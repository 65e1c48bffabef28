//! The cells at which two tables differ.

use crate::release::{Cell, Table};
use std::collections::{BTreeMap, BTreeSet};

/// Text columns that say something about a row and do not name it.
const NOT_A_KEY: [&str; 6] = ["reason", "message", "se_kind", "method", "link", "family"];

/// How one table differs.
#[derive(Clone, Debug, PartialEq)]
pub struct TableDifference {
    pub table: &'static str,
    /// Rows that both have.
    pub rows: usize,
    /// Rows of the first that the second does not have, by key.
    pub only_a: Vec<String>,
    pub only_b: Vec<String>,
    pub cells: Vec<CellChange>,
}

/// A cell that is not the same in both.
#[derive(Clone, Debug, PartialEq)]
pub struct CellChange {
    /// What names the row: `Black, primary, explained, hospital`.
    pub row: String,
    pub column: String,
    pub a: Cell,
    pub b: Cell,
    /// Whether a side is null because it is withheld.
    pub withheld: [bool; 2],
    /// The standard error of the row in the first, where the column is `estimate`.
    pub std_error: Option<f64>,
}

impl CellChange {
    /// b - a, where both are numbers.
    pub fn moved(&self) -> Option<f64> {
        Some(self.b.number()? - self.a.number()?)
    }
}

/// What two versions of a table do not have in common; `None` if they hold the same, or neither exists.
pub fn difference(name: &'static str, a: Option<&Table>, b: Option<&Table>, tolerance: f64) -> Option<TableDifference> {
    let (rows_a, rows_b) = (keyed(a, b), keyed(b, a));
    let mut out = TableDifference { table: name, rows: 0, only_a: Vec::new(), only_b: Vec::new(), cells: Vec::new() };
    let at_b: BTreeMap<&Key, usize> = rows_b.iter().map(|(key, row)| (key, *row)).collect();
    let keys_a: BTreeSet<&Key> = rows_a.iter().map(|(key, _)| key).collect();
    out.only_b = rows_b.iter().filter(|(key, _)| !keys_a.contains(key)).map(|(key, _)| key.shown()).collect();
    // A column that only one has says something of its version and nothing of the numbers.
    let columns: Vec<&String> = a.iter().flat_map(|t| &t.columns).filter(|c| b.is_none_or(|t| t.columns.contains(c))).collect();
    for (key, row_a) in &rows_a {
        let (Some(a), Some(b), Some(&row_b)) = (a, b, at_b.get(key)) else {
            out.only_a.push(key.shown());
            continue;
        };
        out.rows += 1;
        for &column in &columns {
            let (cell_a, cell_b) = (a.cell(*row_a, column), b.cell(row_b, column));
            if !same(cell_a, cell_b, tolerance) {
                out.cells.push(CellChange {
                    row: key.shown(),
                    column: column.clone(),
                    a: cell_a.clone(),
                    b: cell_b.clone(),
                    withheld: [cell_a.is_null() && a.flag(*row_a, "withheld"), cell_b.is_null() && b.flag(row_b, "withheld")],
                    std_error: (column == "estimate").then(|| a.number(*row_a, "std_error")).flatten(),
                });
            }
        }
    }
    let differs = !(out.only_a.is_empty() && out.only_b.is_empty() && out.cells.is_empty());
    differs.then_some(out)
}

/// What names a row; rows with the same names are told apart by their number.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    names: Vec<String>,
    number: usize,
}

impl Key {
    fn shown(&self) -> String {
        let names: Vec<&str> = self.names.iter().map(String::as_str).filter(|n| !n.is_empty()).collect();
        let number = if self.number > 0 { format!(" (row {} of these)", self.number + 1) } else { String::new() };
        format!("{}{number}", names.join(", "))
    }
}

/// The rows of a table with their keys, made of columns that the other has too.
fn keyed(table: Option<&Table>, other: Option<&Table>) -> Vec<(Key, usize)> {
    let Some(table) = table else { return Vec::new() };
    let naming: Vec<&str> =
        table.columns.iter().map(String::as_str).filter(|c| names_rows(table, c) && other.is_none_or(|o| o.position(c).is_some())).collect();
    let mut seen: BTreeMap<Vec<String>, usize> = BTreeMap::new();
    let mut out = Vec::with_capacity(table.rows.len());
    for row in 0..table.rows.len() {
        let names: Vec<String> = naming
            .iter()
            .map(|c| match table.cell(row, c) {
                Cell::Text(v) => v.clone(),
                Cell::Bool(true) => (*c).replace('_', " "),
                Cell::Null | Cell::Bool(false) | Cell::Int(_) | Cell::Number(_) => String::new(),
            })
            .collect();
        let number = seen.entry(names.clone()).or_default();
        out.push((Key { names, number: *number }, row));
        *number += 1;
    }
    out
}

/// Whether a column is one of those that name a row: every text but what describes it, and whether the group is in a model. The scale of a
/// part follows from its method; in table `gap` it names the row.
fn names_rows(table: &Table, column: &str) -> bool {
    let text = table.declarations().any(|c| c.name == column && c.kind == super::super::schema::Kind::Text);
    let describes = NOT_A_KEY.contains(&column) || (column == "scale" && table.name != "gap");
    (text && !describes) || column == "with_group"
}

fn same(a: &Cell, b: &Cell, tolerance: f64) -> bool {
    match (a.number(), b.number()) {
        (Some(x), Some(y)) => x == y || (x - y).abs() <= tolerance * x.abs().max(y.abs()),
        _ => a == b,
    }
}
