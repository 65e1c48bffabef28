//! A comparison in lines of text.

use super::{Cause, CellChange, Comparison, InputSide, TableDifference};
use crate::release::Cell;

impl Comparison {
    /// What differs and why, at most `limit` cells and rows a table.
    pub fn text(&self, limit: usize) -> String {
        let mut lines = Vec::new();
        if self.causes.is_empty() {
            lines.push("Study, inputs, version and seeds are the same.".to_owned());
        } else {
            lines.push("What the results depend on and is not the same:".to_owned());
            lines.extend(self.causes.iter().map(|c| format!("  {}", c.text())));
        }
        lines.extend(self.columns.iter().map(|(table, column, first)| {
            let which = if *first { "first" } else { "second" };
            format!("  columns: {table}.{column} is only in the {which}")
        }));
        lines.push(String::new());
        if self.same_numbers() {
            lines.push(format!("All {} tables hold the same.", self.same.len()));
        } else {
            if self.causes.is_empty() {
                let why = "Results of one study, one version and the same inputs are the same bytes on one machine: these come from machines that \
                           round otherwise, or a file was edited by hand (`gapshare verify` tells).";
                lines.extend([why.to_owned(), String::new()]);
            }
            for table in &self.tables {
                lines.extend(table.lines(limit));
                lines.push(String::new());
            }
            if !self.same.is_empty() {
                lines.push(format!("The same: {}.", self.same.join(", ")));
            }
        }
        let mut text = lines.join("\n").trim_end().to_owned();
        text.push('\n');
        text
    }
}

impl Cause {
    fn text(&self) -> String {
        let or_none = |v: &Option<String>| v.clone().unwrap_or_else(|| "(not there)".to_owned());
        match self {
            Self::Version { a, b } => format!("version of gapshare: {a} -> {b}"),
            Self::Seed { of, a, b } => format!("seed of {of}: {} -> {}", or_none(&a.map(|v| v.to_string())), or_none(&b.map(|v| v.to_string()))),
            Self::Study { key, a, b } => format!("study: {key}: {} -> {}", or_none(a), or_none(b)),
            Self::Input { table, file, a, b } => format!("input: {table} ({file}): {} -> {}", side(a), side(b)),
        }
    }
}

fn side(s: &Option<InputSide>) -> String {
    let Some(s) = s else { return "(not read)".to_owned() };
    let rows = s.rows.map_or_else(String::new, |n| format!("{n} rows, "));
    format!("{rows}sha256 {}", s.sha256.chars().take(12).collect::<String>())
}

impl TableDifference {
    fn lines(&self, limit: usize) -> Vec<String> {
        let rows: std::collections::BTreeSet<&str> = self.cells.iter().map(|c| c.row.as_str()).collect();
        let mut lines = vec![format!(
            "{}: {} cells in {} of {} common rows differ; {} rows only in the first, {} only in the second",
            self.table,
            self.cells.len(),
            rows.len(),
            self.rows,
            self.only_a.len(),
            self.only_b.len()
        )];
        lines.extend(self.only_a.iter().take(limit).map(|row| format!("  - {row}")));
        lines.extend(self.only_b.iter().take(limit).map(|row| format!("  + {row}")));
        lines.extend(self.cells.iter().take(limit).map(|c| format!("  {}", c.text())));
        let left = [self.only_a.len(), self.only_b.len(), self.cells.len()].iter().map(|n| n.saturating_sub(limit)).sum::<usize>();
        if left > 0 {
            lines.push(format!("  and {left} more (--limit N shows more)"));
        }
        lines
    }
}

impl CellChange {
    fn text(&self) -> String {
        let [a, b] = [(&self.a, self.withheld[0]), (&self.b, self.withheld[1])].map(|(cell, withheld)| match cell {
            Cell::Null if withheld => "withheld".to_owned(),
            Cell::Null => "null".to_owned(),
            Cell::Bool(v) => v.to_string(),
            Cell::Int(v) => v.to_string(),
            Cell::Number(v) => format!("{v:?}"),
            Cell::Text(v) => v.clone(),
        });
        let by = match (self.moved(), self.std_error) {
            (Some(d), Some(se)) if se > 0.0 => format!(" ({d:+.3e}, {:.2} standard errors)", d.abs() / se),
            (Some(d), _) => format!(" ({d:+.3e})"),
            (None, _) => String::new(),
        };
        format!("{}: {}: {a} -> {b}{by}", self.row, self.column)
    }
}
