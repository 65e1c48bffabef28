//! The tables that a paper prints, as plain rows of text: the decompositions and Table 1. The terminal and the exports draw them.

use super::characteristics::{self, Line, Side};
use super::numbers::{fixed, level, outcome_name, percent};
use super::study::Study;
use super::view::row_name;
use super::wording::{analysis_note, method_name, sentence};
use crate::release::{ResultTables, schema};
use std::collections::BTreeMap;

/// A table with its caption and note; the first column is words, the others are figures.
#[derive(Clone, Debug, PartialEq)]
pub struct PaperTable {
    /// A file name without its ending: `decomposition_primary`, `table_one`.
    pub name: String,
    pub caption: String,
    pub note: String,
    pub head: Vec<String>,
    pub rows: Vec<PaperRow>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct PaperRow {
    pub kind: RowKind,
    /// As many as the head has; only the first for a [`RowKind::Heading`].
    pub cells: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowKind {
    Plain,
    /// Belongs to the row above: set in.
    Inner,
    /// A line over the rows that follow.
    Heading,
}

/// What stands where there is no number to be had.
const ABSENT: &str = "\u{2013}";

/// Table 1 and every decomposition, for each index group.
pub fn paper_tables(tables: &ResultTables) -> Vec<PaperTable> {
    let s = Study::new(tables);
    let mut out = Vec::new();
    for group in &s.meta.index {
        out.extend(table_one(&s, group));
        out.extend(s.analyses().iter().filter_map(|analysis| decomposition(&s, group, analysis)));
    }
    // Names that differ in what a file name cannot hold are told apart by a number.
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for table in &mut out {
        let n = seen.entry(table.name.clone()).or_default();
        *n += 1;
        if *n > 1 {
            table.name = format!("{}_{n}", table.name);
        }
    }
    out
}

/// A name for files, with the group where there are several.
fn name(s: &Study, stem: &str, group: &str) -> String {
    let plain = |text: &str| text.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' }).collect::<String>();
    if s.meta.index.len() > 1 { format!("{}_{}", plain(stem), plain(group)) } else { plain(stem) }
}

/// One decomposition: part, estimate, interval, share. `None` where the analysis has no rows.
pub(super) fn decomposition(s: &Study, group: &str, analysis: &str) -> Option<PaperTable> {
    let parts = s.parts(group, analysis);
    let first = parts.first()?;
    let scale = s.table(&schema::DECOMPOSITION).map_or("", |t| t.text(first.row, "scale"));
    let u = s.units(group, scale);
    let rows = parts.iter().map(|p| {
        let missing = if p.withheld { "withheld" } else { ABSENT };
        let share = match (p.share, p.part.as_str()) {
            (Some(v), _) => percent(v),
            (None, "gap" | "allowable") => ABSENT.to_owned(),
            (None, _) if p.withheld => missing.to_owned(),
            (None, _) => "NA".to_owned(),
        };
        // The allowables are covariates of cdgd's models, and no part of its gap.
        let value = p.value.filter(|_| !(p.part == "allowable" && s.method(analysis).as_deref() == Some("cdgd")));
        let cells = vec![
            row_name(s, group, analysis, &p.part, &p.component),
            value.map_or_else(|| missing.to_owned(), |v| u.show(v.estimate)),
            value.and_then(|v| v.limits).map_or_else(|| missing.to_owned(), |(low, high)| u.range(low, high)),
            share,
        ];
        PaperRow { kind: if p.component == "total" { RowKind::Plain } else { RowKind::Inner }, cells }
    });
    let fair = s.allowables_in_words();
    let of = if fair.is_empty() { "the gap".to_owned() } else { format!("the gap at the same {fair}") };
    let clusters = s.cluster_in_words().map(|c| format!(", clustered by {c}")).unwrap_or_default();
    let mut note =
        vec![format!("Gap: {} minus {}. {} confidence intervals{clusters}.", s.patients(group), s.patients(&s.meta.reference), level(s.meta.level))];
    if parts.iter().any(|p| p.share.is_some()) {
        note.push(format!("Share: of {of}."));
    } else if parts.iter().any(|p| p.value.is_some() && !matches!(p.part.as_str(), "gap" | "allowable")) {
        note.push(format!("NA: no shares, since the interval of {of} covers 0."));
    }
    note.push("Parts are rounded one by one.".to_owned());
    note.push(format!("{} gapshare {}.", analysis_note(s, analysis), s.meta.version));
    if parts.iter().any(|p| p.withheld) {
        note.push(withheld_rule(s).trim_start().to_owned());
    }
    if let Some(reason) = s.not_estimated(analysis, group) {
        note.push(sentence(&format!("Not estimated: {}", s.in_words(reason))));
    }
    if let Some(reason) = s.blinded(analysis, group) {
        note.push(format!("These estimates rest on a check that did not pass: {}.", super::wording::inner(&super::checks::name(reason))));
    }
    Some(PaperTable {
        name: name(s, &format!("decomposition_{analysis}"), group),
        caption: format!(
            "{}: the gap between {} and {}, {}",
            super::study::capital(&outcome_name(s.meta)),
            s.patients(group),
            s.patients(&s.meta.reference),
            super::wording::lower(method_name(&s.method(analysis).unwrap_or_default()))
        ),
        note: note.join(" "),
        head: vec!["Part".to_owned(), super::study::capital(&u.word), s.interval_head(), "Share".to_owned()],
        rows: rows.collect(),
    })
}

/// Means and proportions of every variable, by block.
fn table_one(s: &Study, group: &str) -> Option<PaperTable> {
    let t = s.table(&schema::TABLE_ONE)?;
    let lines = characteristics::lines(s, group);
    let side = |side: &Side| if side.withheld { "withheld".to_owned() } else { side.text.clone() };
    let smd = |r: usize| match t.number(r, "smd") {
        Some(v) => fixed(v, 2),
        None if t.flag(r, "withheld") => "withheld".to_owned(),
        None => ABSENT.to_owned(),
    };
    let rows: Vec<PaperRow> = lines
        .iter()
        .map(|line| match line {
            Line::Block(name) => PaperRow { kind: RowKind::Heading, cells: vec![name.clone()] },
            Line::Variable { label, row, index, reference } => {
                PaperRow { kind: RowKind::Plain, cells: vec![label.clone(), side(index), side(reference), smd(*row)] }
            }
            Line::Level { label, index, reference } => {
                PaperRow { kind: RowKind::Inner, cells: vec![label.clone(), side(index), side(reference), String::new()] }
            }
        })
        .collect();
    let sized = |name: String, column: &str| match s.gap_row(group).and_then(|(t, r)| t.int(r, column)) {
        Some(n) => format!("{name} (n = {})", super::numbers::count(n)),
        None => name,
    };
    let withheld = rows.iter().any(|r| r.cells.iter().any(|c| c == "withheld"));
    let mut note = format!(
        "{} SMD: standardised mean difference, {} minus {}.",
        characteristics::note(s, &lines),
        s.patients(group),
        s.patients(&s.meta.reference)
    );
    if withheld {
        note.push_str(&withheld_rule(s));
    }
    (!rows.is_empty()).then(|| PaperTable {
        name: name(s, "table_one", group),
        caption: format!("Characteristics of {} and {}", s.patients(group), s.patients(&s.meta.reference)),
        note,
        head: vec![
            "Characteristic".to_owned(),
            sized(s.patients(group), "n_index"),
            sized(s.patients(&s.meta.reference), "n_reference"),
            "SMD".to_owned(),
        ],
        rows,
    })
}

/// What `withheld` stands for.
fn withheld_rule(s: &Study) -> String {
    match s.meta.min_cell {
        0 | 1 => String::new(),
        n => format!(" Withheld: rests on, or would reveal, a count of 1 to {}.", n - 1),
    }
}
