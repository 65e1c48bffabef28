//! The checks: those that did not pass one by one, of the others the result that lies nearest to the limit, and all of them folded away.

use super::numbers::{fixed, general};
use super::study::{Study, capital};
use super::view::{Shown, TableView, dash, marked, number, value, words};
use crate::release::{Table, schema};

/// A check as people read it.
pub fn name(check: &str) -> String {
    match check {
        "dr_minus_gcomp" => "Doubly robust minus g-computation".into(),
        "reference_model_c_statistic" => "Reference model, c-statistic".into(),
        "group_model_c_statistic" => "Group model, c-statistic".into(),
        "reference_model_calibration" => "Reference model, calibration".into(),
        "index_units_without_reference" => "Index units without reference units".into(),
        "index_outside_reference_range" => "Index units outside the reference range".into(),
        "effective_reference_units" => "Effective reference units".into(),
        "effective_reference_share" => "Effective share of reference units".into(),
        other => capital(&other.replace('_', " ")),
    }
}

/// The analysis that a message names first, and the rest of it.
fn told(t: &Table, r: usize) -> (Option<&str>, &str) {
    let message = t.text(r, "message");
    message.strip_prefix("analysis ").and_then(|rest| rest.split_once(": ")).map_or((None, message), |(a, rest)| (Some(a), rest))
}

/// A number of a check: a share as a percentage, by what the check says of itself.
fn shown(share: bool, v: f64) -> String {
    if !share {
        return general(v);
    }
    let percent = v * 100.0;
    let places = if percent == 0.0 || percent.fract() == 0.0 { 0 } else { (1.0 - percent.abs().log10().floor()).clamp(1.0, 4.0) as usize };
    format!("{}%", fixed(percent, places))
}

fn passed(t: &Table, r: usize) -> Option<bool> {
    t.cell(r, "passed").bool()
}

fn result(t: &Table, r: usize) -> Shown {
    match passed(t, r) {
        Some(false) => marked("fail", "did not pass"),
        Some(true) => marked("pass", "passed"),
        None => marked("note", "for information"),
    }
}

/// The limit with its side, where value and result tell it.
fn limit(t: &Table, r: usize, share: bool) -> Shown {
    let Some(limit) = t.number(r, "threshold") else { return dash() };
    let mut cell = number(shown(share, limit), limit);
    if let (Some(v), Some(well)) = (t.number(r, "value"), passed(t, r))
        && v != limit
    {
        cell.text = format!("{}\u{a0}{}", if (v < limit) == well { "\u{2264}" } else { "\u{2265}" }, cell.text);
    }
    cell
}

/// The tables of the section: the summary, and where it leaves any out, all.
pub fn tables(s: &Study) -> Vec<TableView> {
    let Some(t) = s.table(&schema::DIAGNOSTICS) else { return Vec::new() };
    let mut rows: Vec<usize> = (0..t.rows.len()).filter(|&r| !super::methods::is_figure(t, r)).collect();
    // Those that did not pass, those that did, those that inform; the same check in one place.
    let place = |r: usize| (0..t.rows.len()).find(|&q| t.text(q, "check") == t.text(r, "check")).unwrap_or(r);
    rows.sort_by_key(|&r| (passed(t, r).map_or(2, usize::from), place(r)));
    let (ran, well) = (rows.iter().filter(|&&r| passed(t, r).is_some()).count(), rows.iter().filter(|&&r| passed(t, r) == Some(true)).count());
    let caption = format!("Checks: {well} of {ran} passed");
    let short = summary(t, &rows);
    if short.len() == rows.len() {
        return vec![table(s, t, &rows, caption)];
    }
    let mut first = table(s, t, &short, caption);
    first.note("Of a check that passed everywhere, the result nearest to its limit is shown.");
    let mut all = table(s, t, &rows, "Every check".into());
    all.folded = Some(format!("Every check: {} results", rows.len()));
    vec![first, all]
}

/// Each failed result; of each other check the one nearest to the limit.
fn summary(t: &Table, rows: &[usize]) -> Vec<usize> {
    let mut out: Vec<usize> = Vec::new();
    let room = |r: usize| match (t.number(r, "value"), t.number(r, "threshold")) {
        (Some(v), Some(limit)) => (v - limit).abs() / limit.abs().max(1e-12),
        // For information: the largest.
        (Some(v), None) => -v,
        (None, _) => f64::INFINITY,
    };
    for &r in rows {
        let same = |q: &usize| {
            t.text(*q, "check") == t.text(r, "check") && passed(t, *q) == passed(t, r) && t.number(*q, "threshold") == t.number(r, "threshold")
        };
        match out.iter_mut().find(|q| passed(t, r) != Some(false) && same(q)) {
            Some(q) if room(r) < room(*q) => *q = r,
            Some(_) => {}
            None => out.push(r),
        }
    }
    out
}

fn table(s: &Study, t: &Table, rows: &[usize], caption: String) -> TableView {
    let several = s.meta.index.len() > 1;
    let mut view = TableView::new(caption).left("Check", "").left("Result", "Those that did not pass stand first");
    if several {
        view = view.left("Index group", "");
    }
    view = view
        .right("Found", "What was found")
        .right("Limit", "The side on which a result passes")
        .left("Where", "The set of blocks or the analysis that the result is of");
    view = view.left("What it means", "");
    let mut before = (String::new(), String::new());
    for &r in rows {
        let (analysis, message) = told(t, r);
        let share = message.contains("share of") && [t.number(r, "value"), t.number(r, "threshold")].into_iter().flatten().all(|v| v.abs() <= 1.0);
        let blocks = match t.cell(r, "blocks").text() {
            Some("none") => Some("without blocks".to_owned()),
            other => other.map(|b| s.blocks(b)),
        };
        let place: Vec<String> = blocks.into_iter().chain(analysis.map(|a| a.replace('_', " "))).collect();
        let now = (name(t.text(r, "check")), s.in_words(message));
        // What a check means is said once.
        let message = if now == before { "as above".to_owned() } else { now.1.clone() };
        let mut cells = vec![words(now.0.clone()), result(t, r)];
        if several {
            cells.push(words(super::study::capital(t.text(r, "index_group"))));
        }
        cells.extend([value(t, r, "value", |v| shown(share, v)), limit(t, r, share), words(place.join("; "))]);
        cells.push(words(message));
        before = now;
        view.row("", cells);
    }
    view
}
