//! The tables that a paper prints, as plain rows of text: the decompositions and Table 1. The terminal and the exports draw them.

use super::numbers::{fixed, level, outcome_name, percent};
use super::study::Study;
use super::view::{mean_sd, row_name};
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
        let missing = if p.withheld { "withheld" } else { "-" };
        let share = match (p.share, p.part.as_str()) {
            (Some(v), _) => percent(v),
            (None, "gap" | "allowable") => "-".to_owned(),
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
    let settings: Vec<String> = s.settings(analysis).into_iter().map(|(key, value)| format!("{key} {value}")).collect();
    let mut note = vec![match &s.meta.cluster {
        Some(cluster) => format!("Intervals at {}, clustered by {}.", level(s.meta.level), s.label(cluster)),
        None => format!("Intervals at {}.", level(s.meta.level)),
    }];
    note.push("Share: of the gap less what is treated as fair; NA where the interval of that covers 0.".to_owned());
    note.push(format!("Method: {} ({}); gapshare {}.", s.method(analysis).unwrap_or_default(), settings.join(", "), s.meta.version));
    if let Some(reason) = s.not_estimated(analysis, group) {
        note.push(format!("Not estimated: {reason}."));
    }
    if let Some(reason) = s.blinded(analysis, group) {
        note.push(format!("These estimates rest on a check that did not pass: {}.", reason.replace('_', " ")));
    }
    Some(PaperTable {
        name: name(s, &format!("decomposition_{analysis}"), group),
        caption: format!("{} and {}: {}", s.patients(group), s.patients(&s.meta.reference), outcome_name(s.meta)),
        note: note.join(" "),
        head: vec!["part".to_owned(), u.word.clone(), format!("{} interval", level(s.meta.level)), "share".to_owned()],
        rows: rows.collect(),
    })
}

/// Means and proportions of every variable, by block.
fn table_one(s: &Study, group: &str) -> Option<PaperTable> {
    let t = s.table(&schema::TABLE_ONE)?;
    let mut rows: Vec<PaperRow> = Vec::new();
    let (mut block, mut variable) = (String::new(), String::new());
    for r in (0..t.rows.len()).filter(|&r| t.text(r, "index_group") == group) {
        if t.text(r, "block") != block {
            block = t.text(r, "block").to_owned();
            rows.push(PaperRow { kind: RowKind::Heading, cells: vec![s.block(&block)] });
        }
        let missing = if t.flag(r, "withheld") { "withheld" } else { "-" };
        let smd = |r: usize| t.number(r, "smd").map_or_else(|| missing.to_owned(), |v| fixed(v, 2));
        let level = t.cell(r, "level").text();
        if level.is_some() && t.text(r, "variable") != variable {
            let cells = vec![s.label(t.text(r, "variable")).to_owned(), String::new(), String::new(), smd(r)];
            rows.push(PaperRow { kind: RowKind::Plain, cells });
        }
        variable = t.text(r, "variable").to_owned();
        let spread = ["sd_index", "sd_reference"].iter().filter_map(|c| t.number(r, c)).reduce(f64::max);
        let side = |mean: &str, sd: &str| match (level, t.number(r, mean)) {
            (_, None) => missing.to_owned(),
            (Some(_), Some(v)) => format!("{}%", fixed(v * 100.0, 1)),
            (None, Some(v)) => mean_sd(v, t.number(r, sd), spread),
        };
        let (index, reference) = (side("mean_index", "sd_index"), side("mean_reference", "sd_reference"));
        // A categorical variable has a row of its own before those of its levels.
        let next = (r + 1 < t.rows.len()).then_some(r + 1).filter(|&n| t.text(n, "variable") == variable && !t.cell(n, "level").is_null());
        let (index, reference) = if level.is_none() && next.is_some() { (String::new(), String::new()) } else { (index, reference) };
        rows.push(match level {
            Some(level) => PaperRow { kind: RowKind::Inner, cells: vec![level.to_owned(), index, reference, String::new()] },
            None => PaperRow { kind: RowKind::Plain, cells: vec![s.label(&variable).to_owned(), index, reference, smd(r)] },
        });
    }
    (!rows.is_empty()).then(|| PaperTable {
        name: name(s, "table_one", group),
        caption: format!("Characteristics of {} and {}", s.patients(group), s.patients(&s.meta.reference)),
        note: "Mean (SD) or %, of known values. SMD: difference in means, index minus reference, over the standard deviation.".to_owned(),
        head: ["".to_owned(), s.patients(group), s.patients(&s.meta.reference), "SMD".to_owned()].to_vec(),
        rows,
    })
}
