//! Tables of the page as the template reads them: heads and cells that are ready to print.

use super::numbers::{Units, count, general, percent};
use super::study::Study;
use crate::release::schema::TableDecl;
use crate::release::{Cell, Table};
use serde::Serialize;

#[derive(Serialize)]
pub struct Head {
    pub text: String,
    pub left: bool,
    /// The column's description, shown on hover.
    pub tip: String,
}

#[derive(Clone, Default, Serialize)]
pub struct Shown {
    pub text: String,
    /// `l` text, `r` number, `wt` withheld, `pass`, `fail`, `note`.
    pub class: &'static str,
    /// The value in full precision, by which a column is sorted.
    pub value: Option<String>,
    /// The numbers of the cell in full precision, as a file holds them: under the head of the column, or with `low`, `high`, `sd` after it.
    #[serde(skip)]
    pub values: Vec<(&'static str, f64)>,
    /// The number of the block whose disc stands before the text.
    pub hue: Option<usize>,
    /// An anchor that the text leads to.
    pub link: Option<String>,
}

#[derive(Serialize)]
pub struct RowView {
    /// `tot`, `grp`, `sub` or nothing.
    pub class: &'static str,
    pub cells: Vec<Shown>,
}

#[derive(Serialize, Default)]
pub struct TableView {
    /// Its place among the tables of the page; 0 for the numbers of a figure.
    pub number: usize,
    /// The name of the file that holds its numbers.
    pub name: String,
    /// Its numbers in full precision as a `data:` link.
    pub csv: String,
    /// The family of all its numbers, for their hover text.
    pub family: String,
    pub caption: String,
    pub note: String,
    pub head: Vec<Head>,
    pub rows: Vec<RowView>,
    /// The line under which the table is folded away.
    pub folded: Option<String>,
}

impl TableView {
    pub fn new(caption: impl Into<String>) -> Self {
        Self { caption: caption.into(), ..Self::default() }
    }

    pub fn left(mut self, text: &str, tip: &str) -> Self {
        self.head.push(Head { text: text.into(), left: true, tip: tip.into() });
        self
    }

    pub fn right(mut self, text: impl Into<String>, tip: &str) -> Self {
        self.head.push(Head { text: text.into(), left: false, tip: tip.into() });
        self
    }

    pub fn row(&mut self, class: &'static str, cells: Vec<Shown>) {
        self.rows.push(RowView { class, cells });
    }

    /// A line over the rows that follow.
    pub fn group(&mut self, text: impl Into<String>) {
        let mut cells = vec![words(text)];
        cells.extend((1..self.head.len()).map(|_| words("")));
        self.row("grp", cells);
    }

    pub fn note(&mut self, note: impl Into<String>) {
        self.note = note.into();
    }

    /// Names the table and writes its file.
    pub fn finish(&mut self, number: usize, name: String, units: &[String]) {
        self.csv = super::csv::link(self, units);
        (self.number, self.name) = (number, name);
    }
}

pub fn words(text: impl Into<String>) -> Shown {
    Shown { text: text.into(), class: "l", ..Shown::default() }
}

pub fn marked(class: &'static str, text: impl Into<String>) -> Shown {
    Shown { text: text.into(), class, ..Shown::default() }
}

pub fn dash() -> Shown {
    marked("r", "\u{2013}")
}

pub fn withheld() -> Shown {
    marked("wt", "withheld")
}

pub fn number(text: String, value: f64) -> Shown {
    Shown { text, class: "r", value: Some(format!("{value:?}")), values: vec![("", value)], ..Shown::default() }
}

/// A range, or the limits of an interval.
pub fn ranged(text: String, low: f64, high: f64) -> Shown {
    Shown { values: vec![("low", low), ("high", high)], value: Some(format!("{low:?}")), ..marked("r", text) }
}

/// What stands where there is no number.
pub fn absent(t: &Table, row: usize) -> Shown {
    if t.flag(row, "withheld") { withheld() } else { dash() }
}

/// A cell written by `write`, or why there is none.
pub fn value(t: &Table, row: usize, column: &str, write: impl Fn(f64) -> String) -> Shown {
    t.number(row, column).map_or_else(|| absent(t, row), |v| number(write(v), v))
}

pub fn counted(t: &Table, row: usize, column: &str) -> Shown {
    match t.cell(row, column) {
        Cell::Int(n) => number(count(*n), *n as f64),
        _ => absent(t, row),
    }
}

/// `1.17 to 2.71` of a row's conf_low and conf_high.
pub fn limits(t: &Table, row: usize, u: &Units) -> Shown {
    match t.number(row, "conf_low").zip(t.number(row, "conf_high")) {
        Some((low, high)) => ranged(u.range(low, high), low, high),
        None => absent(t, row),
    }
}

pub fn share(t: &Table, row: usize) -> Shown {
    match t.number(row, "share") {
        Some(v) => number(percent(v), v),
        None if t.flag(row, "withheld") => withheld(),
        None => marked("r", if matches!(t.text(row, "part"), "gap" | "allowable") { "\u{2013}" } else { "NA" }),
    }
}

/// A part as the method means it: some methods divide another quantity than the observed gap, or call its parts otherwise.
pub fn part_of(method: &str, part: &str) -> String {
    match (method, part) {
        ("khb", "gap") => "Group, without the blocks (reduced model)".into(),
        ("khb", "explained") => "Falls when the blocks enter".into(),
        ("khb", "unexplained") => "Group, with the blocks (full model)".into(),
        ("rank_and_replace", "allowable") => "Need, treated as fair".into(),
        ("rank_and_replace", "explained") => "Credited to blocks (none, by definition)".into(),
        ("rank_and_replace", "unexplained") => "Disparity: all that is not need".into(),
        ("interventional", "allowable") => "Goes with what is given".into(),
        ("interventional", "explained") => "Goes with the equalised blocks".into(),
        ("interventional", "unexplained") => "Left with the blocks as among the reference group".into(),
        ("hospital", "explained") => "Case mix and where they go".into(),
        ("hospital", "unexplained") => "How they fare there".into(),
        ("cdgd", "allowable") => "Allowables (adjusted for only)".into(),
        ("cdgd", "explained") => "Goes with the treatment".into(),
        ("cdgd", "unexplained") => "Baseline: without the treatment".into(),
        _ => part_name(part),
    }
}

/// The name of a row of an analysis of a group: of the part, or of its component and what that is made of.
pub fn row_name(s: &Study, group: &str, analysis: &str, part: &str, component: &str) -> String {
    if let ("gap", Some(place)) = (part, super::hospital::population(s, group, analysis)) {
        return format!("Gap {place}");
    }
    if component == "total" {
        return part_of(&s.method(analysis).unwrap_or_default(), part);
    }
    match super::hospital::component(s, analysis, component) {
        (name, made_of) if made_of.is_empty() => name,
        (name, made_of) => format!("{name} ({made_of})"),
    }
}

/// A part of a decomposition as people read it.
pub fn part_name(part: &str) -> String {
    match part {
        "gap" => "Gap as observed".into(),
        "allowable" => "Treated as fair".into(),
        "explained" => "Travels with the measured blocks".into(),
        "unexplained" => "Not explained by the measured factors".into(),
        "endowments" => "Different levels of the factors".into(),
        "coefficients" => "Different coefficients".into(),
        "interaction" => "Levels and coefficients together".into(),
        "unexplained_index" => "Not explained, index group".into(),
        "unexplained_reference" => "Not explained, reference group".into(),
        other => other.replace('_', " "),
    }
}

/// A table column by column, for tables without a view of their own.
pub fn plain(s: &Study, decl: &TableDecl, t: &Table, caption: String) -> TableView {
    let mut view = TableView::new(caption);
    let columns: Vec<_> = t.declarations().filter(|c| c.name != "withheld").collect();
    for c in &columns {
        let text = c.name.replace('_', " ");
        let left = c.kind == crate::release::schema::Kind::Text;
        view.head.push(Head { text, left, tip: c.doc.to_string() });
    }
    for row in 0..t.rows.len() {
        let cells = columns.iter().map(|c| match t.cell(row, &c.name) {
            Cell::Null => absent(t, row),
            Cell::Bool(v) => words(if *v { "yes" } else { "no" }),
            Cell::Int(v) => number(count(*v), *v as f64),
            Cell::Number(v) => number(general(*v), *v),
            Cell::Text(v) => words(s.label(v)),
        });
        view.row("", cells.collect());
    }
    view.note(format!("A row is {}. In the unit of the outcome.", decl.row));
    view
}
