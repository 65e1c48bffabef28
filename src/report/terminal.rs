//! The primary decomposition as plain text, for the end of a run.

use super::numbers::percent;
use super::paper::{RowKind, decomposition};
use super::study::{Interval, Study, total};
use super::view::row_name;
use super::wording::inner;
use crate::release::{ResultTables, schema};
use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use indexmap::IndexMap;
use std::collections::BTreeSet;

/// The primary decomposition of every index group with a sentence that reads it, and a line for what did not pass or was not estimated.
pub fn terminal_table(tables: &ResultTables) -> String {
    let s = Study::new(tables);
    let mut out = Vec::new();
    for group in &s.meta.index {
        out.push(format!("{} and {}: {}", s.patients(group), s.patients(&s.meta.reference), super::numbers::outcome_name(s.meta)));
        out.push(match (s.not_estimated(&s.meta.primary, group), s.blinded(&s.meta.primary, group)) {
            (Some(reason), _) => format!("  not estimated: {reason}"),
            (None, Some(reason)) => {
                format!("  not shown: a check that decides did not pass ({reason}); marked as blinded in tables/decomposition.csv")
            }
            (None, None) => primary(&s, group),
        });
        out.extend(reading(&s, group));
        out.push(String::new());
    }
    for (names, analyses) in rests_on(&s) {
        let claim = if s.meta.causal_claims { "claimed by the study file" } else { "not claimed: a reweighting, no effects" };
        let rest = if analyses.len() == 1 { "rests" } else { "rest" };
        out.push(format!("{} {rest} on {} ({claim}; report.html spells them out)", analyses.join(", "), names.join(", ")));
    }
    let failed: Vec<String> = match s.table(&schema::DIAGNOSTICS) {
        Some(t) => (0..t.rows.len()).filter(|&r| t.cell(r, "passed").bool() == Some(false)).map(|r| t.text(r, "check").to_owned()).collect(),
        None => Vec::new(),
    };
    if !failed.is_empty() {
        let names: BTreeSet<String> = failed.into_iter().collect();
        let names: Vec<String> = names.into_iter().collect();
        out.push(format!("checks that did not pass: {} (tables/diagnostics.csv)", names.join(", ")));
    }
    for (analysis, group, reason) in &s.meta.blinded {
        out.push(format!("blinded: {analysis}, {group}: {reason}"));
    }
    for (analysis, group, reason) in s.meta.not_estimated.iter().filter(|(a, ..)| *a != s.meta.primary) {
        out.push(format!("not estimated: {analysis}, {group}: {reason}"));
    }
    let mut text = out.join("\n").trim_end().to_owned();
    text.push('\n');
    text
}

/// The assumptions of the causal analyses, by name, and the analyses that rest on the same.
fn rests_on<'a>(s: &Study<'a>) -> IndexMap<Vec<&'a str>, Vec<&'a str>> {
    let mut by_analysis: IndexMap<&str, Vec<&str>> = IndexMap::new();
    for a in &s.meta.assumptions {
        by_analysis.entry(&a.analysis).or_default().push(&a.name);
    }
    let mut out: IndexMap<Vec<&str>, Vec<&str>> = IndexMap::new();
    for (analysis, names) in by_analysis {
        out.entry(names).or_default().push(analysis);
    }
    out
}

fn primary(s: &Study, group: &str) -> String {
    let Some(paper) = decomposition(s, group, &s.meta.primary) else { return "  no decomposition".to_owned() };
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(paper.head.iter().map(|h| inner(h)));
    // Plain text: an ordinary minus and ordinary spaces, so that it can be read by other programs.
    let plain = |text: &String| text.replace(['\u{2212}', '\u{2013}'], "-").replace('\u{a0}', " ");
    for row in &paper.rows {
        let indent = if row.kind == RowKind::Inner { "  " } else { "" };
        let cells = row.cells.iter().enumerate().map(|(at, cell)| if at == 0 { format!("{indent}{cell}") } else { plain(cell) });
        table.add_row(cells.collect::<Vec<_>>());
    }
    for column in 1..4 {
        if let Some(c) = table.column_mut(column) {
            c.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.trim_fmt()
}

/// The primary decomposition in one sentence. `None` where its parts are not shown, or rest on a check that did not pass.
fn reading(s: &Study, group: &str) -> Option<String> {
    let analysis = &s.meta.primary;
    if s.blinded(analysis, group).is_some() {
        return None;
    }
    let parts = s.parts(group, analysis);
    let (gap, explained, rest) = (total(&parts, "gap")?, total(&parts, "explained")?, total(&parts, "unexplained")?);
    let allowable = total(&parts, "allowable").map_or(0.0, |a| a.estimate);
    let u = s.units(group, &s.primary_scale(group));
    let share = |part: &str| {
        let found = parts.iter().find(|p| p.part == part && p.component == "total").and_then(|p| p.share);
        found.map_or_else(String::new, |v| format!(" ({})", percent(v)))
    };
    // What the interval leaves open is said.
    let open = |v: Interval| if v.excludes_zero() == Some(false) { ", which the data cannot tell from none," } else { "" };
    let says = |part: &str| {
        let name = inner(&row_name(s, group, analysis, part, "total"));
        match name.split_once(' ') {
            Some(("travels" | "falls" | "goes" | "remains", _)) => name,
            Some(("not" | "left", _)) => format!("is {name}"),
            _ => format!("stands for \"{name}\""),
        }
    };
    let fair = s.allowables_in_words();
    let at = if fair.is_empty() || allowable == 0.0 { String::new() } else { format!("at the same {fair} ") };
    let text = format!(
        "Reading: {at}the gap is {} {}: {}{}{} {}, {}{}{} {}.",
        u.lead(gap.estimate - allowable),
        u.word,
        u.lead(explained.estimate),
        share("explained"),
        open(explained),
        says("explained"),
        u.lead(rest.estimate),
        share("unexplained"),
        open(rest),
        says("unexplained")
    );
    Some(text.replace('\u{2212}', "-").replace('\u{a0}', " "))
}
