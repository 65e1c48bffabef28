//! Missing values by group, and what the primary analysis says when they are treated in another way.

use super::numbers::percent;
use super::study::Study;
use super::view::{Shown, TableView, absent, counted, limits, number, row_name, share, value, words};
use crate::release::{Table, schema};

/// The count with its share.
fn missing(t: &Table, row: usize) -> Shown {
    match (t.int(row, "n_missing"), t.number(row, "share_missing")) {
        // The share would tell the number of units.
        (Some(n), None) => number(super::numbers::count(n), n as f64),
        (Some(n), Some(share)) => number(format!("{} ({})", super::numbers::count(n), percent(share)), n as f64),
        _ => absent(t, row),
    }
}

/// A rule for missing values as people read it.
fn rule(name: &str) -> String {
    match name {
        "drop" => "rows are left out".into(),
        "impute" => "filled once".into(),
        "level" => "a level of their own".into(),
        "indicator" => "filled, with an indicator".into(),
        other => other.replace('_', " "),
    }
}

/// A row of the outcome and of each variable with missing values.
pub fn counts(s: &Study) -> Vec<TableView> {
    let Some(t) = s.table(&schema::MISSINGNESS) else { return Vec::new() };
    // The rows of a variable: the reference group, then the index groups.
    let groups: Vec<&str> = std::iter::once(&s.meta.reference).chain(&s.meta.index).map(String::as_str).collect();
    let mut view = TableView::new("Missing values").left("Variable", "The outcome first").left("What happens", "The rule in the study file");
    for group in &groups {
        view = view.right(s.short(group), "Units without a value, of all before any is dropped for one");
    }
    for first in (0..t.rows.len()).step_by(groups.len()) {
        let rows: Vec<usize> = (first..first + groups.len()).filter(|&r| r < t.rows.len()).collect();
        if rows.iter().all(|&r| t.int(r, "n_missing") == Some(0)) {
            continue;
        }
        let mut cells = vec![words(s.row_label(t.text(first, "variable"))), words(rule(t.text(first, "rule")))];
        cells.extend(rows.iter().map(|&r| missing(t, r)));
        view.row("", cells);
    }
    vec![view]
}

/// For each index group the totals and components of the primary analysis under each treatment.
pub fn treatments(s: &Study) -> Vec<TableView> {
    let Some(t) = s.table(&schema::MISSING_METHODS) else { return Vec::new() };
    let of = |group: &String| {
        let u = s.units(group, &s.meta.scale);
        let mut view = TableView::new(format!("Missing values treated in other ways: {}", s.patients(group)))
            .left("Treatment", "study: as the study file says")
            .left("Part", "As in the decomposition")
            .right("Estimate", u.word.as_str())
            .right(s.interval_head(), "Confidence interval")
            .right("Share", "Of the gap that is left after what is treated as fair")
            .right(s.short(group), "Index units in the analysis")
            .right(s.short(&s.meta.reference), "Reference units in the analysis");
        let mut notes = vec!["Which treatment is right depends on why values are missing; a difference says that it matters.".to_owned()];
        for r in (0..t.rows.len()).filter(|&r| t.text(r, "index_group") == group) {
            let part = row_name(s, group, t.text(r, "analysis"), t.text(r, "part"), t.text(r, "component"));
            let mut cells = vec![words(t.text(r, "missing").replace('_', " ")), words(part)];
            cells.extend([value(t, r, "estimate", |v| u.show(v)), limits(t, r, &u), share(t, r)]);
            cells.extend(["n_index", "n_reference"].map(|c| counted(t, r, c)));
            view.row("", cells);
            if let Some(reason) = t.cell(r, "reason").text() {
                notes.push(format!("{}: {reason}.", t.text(r, "missing").replace('_', " ")));
            }
        }
        view.note(notes.join(" "));
        view.folded = Some(view.caption.clone());
        view
    };
    s.meta.index.iter().map(of).collect()
}
