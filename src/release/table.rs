//! One result table: rows of typed cells, checked against the declaration as they are pushed.

use super::schema::{ColumnDecl, Kind, Presence, TableDecl};
use crate::error::{Problem, Problems, codes};
use std::borrow::Cow;

/// One cell of a result table.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    Null,
    Bool(bool),
    Int(i64),
    /// Finite; what is not finite becomes [`Cell::Null`] on the way in.
    Number(f64),
    Text(String),
}

impl From<f64> for Cell {
    /// NaN and infinities never reach a table; negative zero is written as zero.
    fn from(v: f64) -> Self {
        if v.is_finite() { Self::Number(v + 0.0) } else { Self::Null }
    }
}

impl From<bool> for Cell {
    fn from(v: bool) -> Self {
        Self::Bool(v)
    }
}

impl From<&str> for Cell {
    fn from(v: &str) -> Self {
        Self::Text(v.to_owned())
    }
}

impl From<String> for Cell {
    fn from(v: String) -> Self {
        Self::Text(v)
    }
}

impl From<&String> for Cell {
    fn from(v: &String) -> Self {
        Self::Text(v.clone())
    }
}

impl From<i64> for Cell {
    fn from(v: i64) -> Self {
        Self::Int(v)
    }
}

impl From<i32> for Cell {
    fn from(v: i32) -> Self {
        Self::Int(i64::from(v))
    }
}

impl From<u32> for Cell {
    fn from(v: u32) -> Self {
        Self::Int(i64::from(v))
    }
}

impl From<u64> for Cell {
    /// Counts beyond 2^63 do not occur; such a value would become null.
    fn from(v: u64) -> Self {
        i64::try_from(v).map_or(Self::Null, Self::Int)
    }
}

impl From<usize> for Cell {
    /// Counts beyond 2^63 do not occur; such a value would become null.
    fn from(v: usize) -> Self {
        i64::try_from(v).map_or(Self::Null, Self::Int)
    }
}

impl<T: Into<Cell>> From<Option<T>> for Cell {
    fn from(v: Option<T>) -> Self {
        v.map_or(Self::Null, Into::into)
    }
}

impl Cell {
    pub fn is_null(&self) -> bool {
        *self == Self::Null
    }

    /// The value of a number or integer cell.
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Number(v) => Some(*v),
            Self::Int(v) => Some(*v as f64),
            Self::Null | Self::Bool(_) | Self::Text(_) => None,
        }
    }

    pub fn int(&self) -> Option<i64> {
        match self {
            Self::Int(v) => Some(*v),
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::Text(_) => None,
        }
    }

    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(v) => Some(v),
            Self::Null | Self::Bool(_) | Self::Int(_) | Self::Number(_) => None,
        }
    }

    pub fn bool(&self) -> Option<bool> {
        match self {
            Self::Bool(v) => Some(*v),
            Self::Null | Self::Int(_) | Self::Number(_) | Self::Text(_) => None,
        }
    }

    fn fits(&self, kind: Kind) -> bool {
        match self {
            Self::Null => true,
            Self::Bool(_) => kind == Kind::Boolean,
            Self::Int(_) => matches!(kind, Kind::Integer | Kind::Number),
            Self::Number(_) => kind == Kind::Number,
            Self::Text(_) => kind == Kind::Text,
        }
    }
}

/// A result table: its declaration and its rows, each as long as `columns`.
///
/// Until it is withheld it also has the hidden columns of its declaration (names that begin with `_`): the counts that
/// say what must not be shown. Writers never see them.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    pub name: &'static str,
    /// Column names in order. `attrition` has one count column a group when there are several index groups.
    pub columns: Vec<String>,
    pub rows: Vec<Vec<Cell>>,
    decls: Vec<Cow<'static, ColumnDecl>>,
}

impl Table {
    /// An empty table for a producer to fill. For `attrition` use [`Table::attrition`].
    pub fn new(decl: &'static TableDecl) -> Self {
        Self::of(decl, decl.columns.iter().chain(decl.hidden).map(Cow::Borrowed).collect())
    }

    /// The attrition table: `n_index`, or one column `n_<value>` an index group when there are several.
    pub fn attrition(index: &[String]) -> Self {
        Self::of(&super::schema::ATTRITION, super::schema::attrition_columns(index))
    }

    /// An empty table without hidden columns, as results.json holds it.
    pub(super) fn shown(decl: &'static TableDecl, index: &[String]) -> Self {
        if decl.name == super::schema::ATTRITION.name {
            return Self::attrition(index);
        }
        Self::of(decl, decl.columns.iter().map(Cow::Borrowed).collect())
    }

    fn of(decl: &'static TableDecl, decls: Vec<Cow<'static, ColumnDecl>>) -> Self {
        let columns = decls.iter().map(|c| c.name.to_string()).collect();
        Self { name: decl.name, columns, rows: Vec::new(), decls }
    }

    /// Appends a row given as (column, cell) pairs in any order. Columns not given are null, or false for flags.
    ///
    /// Errors: `G901` for a column that is not declared, given twice, of another type, or missing though never null.
    pub fn push(&mut self, cells: &[(&str, Cell)]) -> Result<(), Problems> {
        let bug = |what: String| vec![Problem::error(codes::G901, format!("table `{}`: {what}", self.name))];
        let mut row: Vec<Option<Cell>> = vec![None; self.columns.len()];
        for (name, cell) in cells {
            let Some(at) = self.position(name) else {
                return Err(bug(format!("`{name}` is not a declared column")));
            };
            let decl = &self.decls[at];
            if !cell.fits(decl.kind) {
                return Err(bug(format!("`{name}` takes {}, not {cell:?}", decl.kind.name())));
            }
            if row[at].replace(cell.clone()).is_some() {
                return Err(bug(format!("`{name}` is given twice")));
            }
        }
        let mut full = Vec::with_capacity(row.len());
        for (cell, decl) in row.into_iter().zip(&self.decls) {
            let cell = match (cell, decl.presence) {
                (Some(Cell::Null) | None, Presence::Always | Presence::Counted) => {
                    return Err(bug(format!("`{}` must have a value", decl.name)));
                }
                (Some(Cell::Null) | None, Presence::Flag) => Cell::Bool(false),
                (None, Presence::Nullable) => Cell::Null,
                (Some(cell), _) => cell,
            };
            full.push(cell);
        }
        self.rows.push(full);
        Ok(())
    }

    /// Position of a column.
    pub fn position(&self, column: &str) -> Option<usize> {
        self.columns.iter().position(|c| c == column)
    }

    /// A cell; null where the table has no such column or row.
    pub fn cell(&self, row: usize, column: &str) -> &Cell {
        self.position(column).and_then(|c| self.rows.get(row)?.get(c)).unwrap_or(&Cell::Null)
    }

    pub fn number(&self, row: usize, column: &str) -> Option<f64> {
        self.cell(row, column).number()
    }

    pub fn int(&self, row: usize, column: &str) -> Option<i64> {
        self.cell(row, column).int()
    }

    /// The text of a cell; empty where it is null.
    pub fn text(&self, row: usize, column: &str) -> &str {
        self.cell(row, column).text().unwrap_or("")
    }

    pub fn flag(&self, row: usize, column: &str) -> bool {
        self.cell(row, column).bool().unwrap_or(false)
    }

    /// The declarations of the columns, in their order.
    pub fn declarations(&self) -> impl Iterator<Item = &ColumnDecl> {
        self.decls.iter().map(AsRef::as_ref)
    }

    /// Sets cells of a row to null; how many were not null before.
    pub(super) fn clear(&mut self, row: usize, columns: &[&str]) -> usize {
        let mut cleared = 0;
        for column in columns {
            if let Some(c) = self.position(column)
                && let Some(cell) = self.rows.get_mut(row).and_then(|r| r.get_mut(c))
                && !cell.is_null()
            {
                *cell = Cell::Null;
                cleared += 1;
            }
        }
        cleared
    }

    pub(super) fn set_text(&mut self, row: usize, column: &str, text: &str) {
        if let Some(c) = self.position(column)
            && let Some(cell) = self.rows.get_mut(row).and_then(|r| r.get_mut(c))
        {
            *cell = text.into();
        }
    }

    pub(super) fn set_flag(&mut self, row: usize, column: &str) {
        if let Some(c) = self.position(column)
            && let Some(cell) = self.rows.get_mut(row).and_then(|r| r.get_mut(c))
        {
            *cell = Cell::Bool(true);
        }
    }

    /// The table without its hidden columns.
    pub(super) fn without_hidden(self) -> Self {
        self.with_columns(|name| !name.starts_with('_'))
    }

    /// The table with the columns whose names are wanted.
    pub(super) fn with_columns(mut self, wanted: impl Fn(&str) -> bool) -> Self {
        let keep: Vec<bool> = self.columns.iter().map(|c| wanted(c)).collect();
        let mut at = 0;
        self.decls.retain(|_| {
            at += 1;
            keep[at - 1]
        });
        for row in &mut self.rows {
            let mut at = 0;
            row.retain(|_| {
                at += 1;
                keep[at - 1]
            });
        }
        self.columns.retain(|c| wanted(c));
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::release::schema;

    #[test]
    fn a_row_is_checked_against_the_declaration() {
        let mut t = Table::new(&schema::DIAGNOSTICS);
        let ok = [("check", "overlap".into()), ("value", 0.5.into()), ("passed", true.into()), ("message", "m".into())];
        t.push(&ok).unwrap();
        assert_eq!(t.number(0, "value"), Some(0.5));
        assert_eq!(t.cell(0, "blocks"), &Cell::Null);
        assert_eq!(t.cell(0, "withheld"), &Cell::Bool(false));
        for (bad, says) in [
            (vec![("chek", Cell::from("x"))], "not a declared column"),
            (vec![("check", Cell::from(1.0))], "takes text"),
            (vec![("check", Cell::from("x")), ("check", Cell::from("y"))], "given twice"),
            (vec![("value", Cell::from(1.0))], "must have a value"),
        ] {
            let problem = t.push(&bad).unwrap_err().remove(0);
            assert_eq!(problem.code, codes::G901);
            assert!(problem.message.contains(says), "{}", problem.message);
        }
        assert_eq!(t.rows.len(), 1);
    }

    #[test]
    fn what_is_not_finite_is_null() {
        for v in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(Cell::from(v), Cell::Null);
            assert_eq!(Cell::from(Some(v)), Cell::Null);
        }
        let Cell::Number(zero) = Cell::from(-0.0) else { panic!("a number") };
        assert!(zero.is_sign_positive());
    }

    #[test]
    fn several_index_groups_have_a_count_column_each() {
        let several = Table::attrition(&["Black".into(), "Hispanic".into()]);
        assert_eq!(several.columns[5..8], ["n_reference", "n_Black", "n_Hispanic"]);
        let clash = Table::attrition(&["after".into(), "B".into()]);
        assert_eq!(clash.columns[6], "n_index_after");
        assert_eq!(Table::attrition(&["Black".into()]).columns[6], "n_index");
    }
}
