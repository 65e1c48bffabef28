//! The primary decomposition as plain text, for the end of a run.

use super::numbers::{level, percent};
use super::study::Study;
use super::view::row_name;
use crate::release::{ResultTables, schema};
use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use indexmap::IndexMap;
use std::collections::BTreeSet;

/// The primary decomposition of every index group, and a line for what did not pass or was not estimated.
pub fn terminal_table(tables: &ResultTables) -> String {
    let s = Study::new(tables);
    let mut out = Vec::new();
    for group in &s.meta.index {
        out.push(format!("{} and {}: {}", s.patients(group), s.patients(&s.meta.reference), super::numbers::outcome_name(s.meta)));
        out.push(match s.not_estimated(&s.meta.primary, group) {
            Some(reason) => format!("  not estimated: {reason}"),
            None => primary(&s, group),
        });
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
    let parts = s.parts(group, &s.meta.primary);
    let Some(first) = parts.first() else { return "  no decomposition".to_owned() };
    let scale = s.table(&schema::DECOMPOSITION).map_or("", |t| t.text(first.row, "scale"));
    let u = s.units(group, scale);
    let method = s.method(&s.meta.primary).unwrap_or_default();
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(vec!["part".to_owned(), u.word.clone(), format!("{} interval", level(s.meta.level)), "share".to_owned()]);
    for p in &parts {
        let indent = if p.component == "total" { "" } else { "  " };
        let name = format!("{indent}{}", row_name(s, group, &s.meta.primary, &p.part, &p.component));
        let missing = if p.withheld { "withheld" } else { "-" };
        let mut limits = p.value.and_then(|v| v.limits).map(|(low, high)| u.range(low, high));
        let share = match (p.share, p.part.as_str()) {
            (Some(v), _) => percent(v),
            (None, "gap" | "allowable") => "-".to_owned(),
            (None, _) if p.withheld => missing.to_owned(),
            (None, _) => "NA".to_owned(),
        };
        // Plain text: an ordinary minus and ordinary spaces, so that it can be read by other programs.
        let plain = |text: String| text.replace('\u{2212}', "-").replace('\u{a0}', " ");
        let mut estimate = p.value.map(|v| u.show(v.estimate));
        // The allowables are covariates of cdgd's models, and no part of its gap.
        if method == "cdgd" && p.part == "allowable" {
            (estimate, limits) = (None, None);
        }
        table.add_row(vec![
            name,
            plain(estimate.unwrap_or_else(|| missing.to_owned())),
            plain(limits.unwrap_or_else(|| missing.to_owned())),
            plain(share),
        ]);
    }
    for column in 1..4 {
        if let Some(c) = table.column_mut(column) {
            c.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.trim_fmt()
}
