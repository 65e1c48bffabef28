//! How variables were made of tables of events, what became of the rows, and whether hospitals record alike.

use super::numbers::{count, fixed, percent, range};
use super::study::Study;
use super::view::{Shown, TableView, absent, counted, number, ranged, value, words};
use crate::release::{Table, schema};

/// Codes of a list that are named.
const SHOWN: usize = 4;

/// Columns of `features` between the rows that are read and those that count: head, meaning.
const STAGES: [(&str, &str, &str); 16] = [
    ("n_without_zone", "No zone", "Time stamps of the whole table that say no zone: read as they stand"),
    ("n_without_time_of_day", "No time of day", "Dates among the time stamps of the whole table: read as midnight"),
    ("n_matched", "Of the cohort", "With the key of a unit of the cohort, before its steps"),
    ("n_kept", "Kept", "For which `where` is true"),
    ("n_where_null", "Where unknown", "Set aside: `where` is neither true nor false"),
    ("n_coded", "Coded", "With a code of the list"),
    ("n_no_time", "No time", "Set aside for want of a time"),
    ("n_before_birth", "Before birth", "Set aside: dated before the birth of their units"),
    ("n_in_window", "In window", "In the window of a unit"),
    ("n_same_day", "Index day", "On the index day, their order to the index date not known"),
    ("n_no_value", "No value", "Set aside for want of a value"),
    ("n_unknown_unit", "Unit unknown", "Set aside: in a unit of measurement that cannot be converted"),
    ("n_converted", "Converted", "Converted from another unit of measurement"),
    ("n_implausible", "Implausible", "Set aside: outside what is plausible"),
    ("n_used", "Counted", "Rows that count for at least one unit"),
    ("n_units_tied", "Ties", "Units with several rows at the time that decides: the order of the file decided"),
];

/// A row of `features` each: what it is made of.
pub fn features(s: &Study) -> Option<TableView> {
    let t = s.table(&schema::FEATURES)?;
    let mut view = TableView::new("Variables made of tables of events")
        .left("Variable", "As the study file labels it")
        .left("Table", "The table of events")
        .left("Window", "Relative to the index date, both bounds included")
        .left("Taken", "How the events of a unit become one value")
        .left("Codes", "The first of the list, or where it comes from")
        .right("Rows read", "Data rows of the table")
        .right("Counted", "Rows that count for at least one unit")
        .right("Units with an event", "Of the units of the cohort before its steps");
    for r in 0..t.rows.len() {
        let with_event = match (t.int(r, "n_units_with_event"), t.int(r, "n_units")) {
            (Some(n), Some(of)) if of > 0 => number(format!("{} ({})", count(n), percent(n as f64 / of as f64)), n as f64),
            (Some(n), _) => number(count(n), n as f64),
            (None, _) => absent(t, r),
        };
        view.row(
            "",
            vec![
                words(s.label(t.text(r, "feature"))),
                words(t.text(r, "table")),
                words(window(t.text(r, "window"))),
                words(taken(t.text(r, "take"))),
                words(codes(s, t.text(r, "feature"), t.text(r, "take")).unwrap_or_else(|| "\u{2013}".to_owned())),
                counted(t, r, "n_rows"),
                counted(t, r, "n_used"),
                with_event,
            ],
        );
    }
    view.note(
        "RECORD 6.1, 7.1. Every code, prefix and range, with the rows and units that have it: tables/code_lists.csv. Units without an event have no \
         value, or 0 where events are counted.",
    );
    Some(view)
}

/// From the rows that are read to those that count; stages at which nothing happened are left out.
pub fn stages(s: &Study) -> Option<TableView> {
    let t = s.table(&schema::FEATURES)?;
    let rows = 0..t.rows.len();
    let happened: Vec<_> = STAGES
        .iter()
        .filter(|(column, ..)| match *column {
            // Each counts rows of the one before it.
            "n_kept" => rows.clone().any(|r| t.int(r, "n_kept") != t.int(r, "n_matched")),
            "n_coded" => rows.clone().any(|r| t.int(r, "n_coded") != t.int(r, "n_kept")),
            "n_matched" | "n_in_window" | "n_used" => true,
            other => rows.clone().any(|r| t.int(r, other).is_some_and(|n| n > 0)),
        })
        .collect();
    let mut view =
        TableView::new("What became of the rows of events").left("Variable", "As the study file labels it").right("Read", "Data rows of the table");
    for (_, head, tip) in &happened {
        view = view.right(*head, tip);
    }
    for r in rows {
        let mut cells = vec![words(s.label(t.text(r, "feature"))), counted(t, r, "n_rows")];
        cells.extend(happened.iter().map(|(column, ..)| counted(t, r, column)));
        view.row("", cells);
    }
    view.note("STROBE 8, RECORD 12.2. Ties are units, all others rows. tables/features.csv has them all.");
    view.folded = Some(view.caption.clone());
    Some(view)
}

/// Units without any event with a code, by group and over hospitals.
pub fn coding(s: &Study) -> Option<TableView> {
    let t = s.table(&schema::CODING)?;
    let mut view = TableView::new("Units without any recorded code, by group and over hospitals")
        .left("Group", "Units of the analysis")
        .right("Units", "Units of the analysis")
        .right("Without any", "Units without an event with a code in the window, whatever the code")
        .right("Codes a unit", "Mean number of events with a code in the window")
        .right("Hospitals", "Of enough units for a share of their own")
        .right("Median", "Share without any code, at the hospital in the middle")
        .right("10th to 90th", "Percentiles of the share over hospitals")
        .right("Range", "Smallest and largest share of a hospital");
    for r in 0..t.rows.len() {
        if t.text(r, "side") == "all" {
            let features: Vec<&str> = t.text(r, "features").split('+').map(|f| s.label(f)).collect();
            view.group(format!("{}, {}: read by {}", t.text(r, "table"), window(t.text(r, "window")), features.join(", ")));
        }
        let group = match t.cell(r, "group").text() {
            Some(group) => s.patients(group),
            None => "All".to_owned(),
        };
        view.row(
            if t.text(r, "side") == "all" { "" } else { "sub" },
            vec![
                words(group),
                counted(t, r, "n_units"),
                value(t, r, "share_without", percent),
                value(t, r, "mean_events", |v| fixed(v, 2)),
                counted(t, r, "n_places_large"),
                value(t, r, "share_median", percent),
                between(t, r, "share_p10", "share_p90"),
                between(t, r, "share_min", "share_max"),
            ],
        );
    }
    let place = t.text(0, "place");
    view.note(format!(
        "RECORD 6.2, 12.2, 19.1. Hospitals: the values of {place}, each counts once. Where they differ, what is made of codes is partly a measure of \
         coding: patients of hospitals that record little look healthier than they are."
    ));
    Some(view)
}

fn between(t: &Table, row: usize, low: &str, high: &str) -> Shown {
    match t.number(row, low).zip(t.number(row, high)) {
        Some((low, high)) => ranged(format!("{}%", range(100.0 * low, 100.0 * high, 0)), low, high),
        None => absent(t, row),
    }
}

/// `from -30d to 0d` as people read it.
fn window(text: &str) -> String {
    if text == "any_time" { "any time".to_owned() } else { text.trim_start_matches("from ").replace('-', "\u{2212}").replace(' ', "\u{a0}") }
}

fn taken(take: &str) -> &str {
    match take {
        "charlson" => "Charlson score",
        "elixhauser" => "Elixhauser score",
        other => other,
    }
}

/// The first codes of a feature's list, how many more there are, and the file that they come from.
fn codes(s: &Study, feature: &str, take: &str) -> Option<String> {
    let t = s.table(&schema::CODE_LISTS)?;
    let rows: Vec<usize> = (0..t.rows.len()).filter(|&r| t.text(r, "feature") == feature).collect();
    let first = *rows.first()?;
    let system = t.text(first, "system");
    if matches!(take, "charlson" | "elixhauser") && t.text(first, "file").is_empty() {
        return Some(format!("{system}, Quan et al. 2005"));
    }
    let mut out = rows.iter().take(SHOWN).map(|&r| t.text(r, "code")).collect::<Vec<_>>().join(", ");
    if rows.len() > SHOWN {
        out.push_str(&format!(" and {} more", rows.len() - SHOWN));
    }
    let mut files: Vec<&str> = rows.iter().map(|&r| t.text(r, "file")).filter(|f| !f.is_empty()).collect();
    files.dedup();
    let from: Vec<&str> = std::iter::once(system).chain(files).filter(|f| !f.is_empty()).collect();
    Some(if from.is_empty() { out } else { format!("{out} ({})", from.join(", ")) })
}
