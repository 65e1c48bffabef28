//! Coefficients and the detail of a decomposition: a coefficient, a contribution and one group's proportion give the other
//! group's proportion, so a level that Table 1 withholds loses its coefficient and its variable the detail.

use super::levels::{HiddenLevels, unname};
use super::{Contrast, ESTIMATES, Ledger, Rule, fitted_on_few};
use crate::release::{Cell, Table};
use indexmap::IndexMap;

/// Whether the column behind a term separates a small number of units, by its own counts.
fn rests_on_few(table: &Table, row: usize, rule: Rule) -> bool {
    ["_n_level_reference", "_n_level_index"].iter().any(|c| table.int(row, c).is_some_and(|n| rule.small(n)))
}

pub(super) fn coefficients(
    table: &mut Table,
    family: &str,
    support: &IndexMap<String, Contrast>,
    hidden: &HiddenLevels,
    rule: Rule,
    ledger: &mut Ledger,
) {
    let mut away: Vec<usize> = Vec::new();
    let mut variables: IndexMap<[String; 7], Vec<usize>> = IndexMap::new();
    for row in 0..table.rows.len() {
        let group = table.text(row, "index_group");
        let fitted_in = table.text(row, "fitted_in");
        let contrast = support.get(group).copied().unwrap_or_default();
        let variable = table.text(row, "_variable");
        let level = table.cell(row, "_level").text();
        let n = |side: &str| table.int(row, side).unwrap_or(0);
        let fitted = match fitted_in {
            "reference" => n("_n_level_reference"),
            "index" => n("_n_level_index"),
            _ => n("_n_level_reference") + n("_n_level_index"),
        };
        let few_events = table.int(row, "_events_level").is_some_and(|e| rule.few(e) || (family == "binomial" && rule.few(fitted - e)));
        let listed = !variable.is_empty() && hidden.contains(group, variable, level);
        if fitted_on_few(fitted_in, contrast) || rests_on_few(table, row, rule) || few_events || listed {
            away.push(row);
        }
        if !variable.is_empty() {
            let with_group = if table.flag(row, "with_group") { "with" } else { "without" };
            let key = [group, table.text(row, "analysis"), table.text(row, "blocks"), fitted_in, with_group, table.text(row, "link"), variable];
            variables.entry(key.map(str::to_owned)).or_default().push(row);
        }
    }
    for ([group, .., variable], rows) in &variables {
        // A merged level is known by its sum: with more than the base missing, the whole variable goes.
        let named = |level: &str| rows.iter().any(|&r| table.cell(r, "_level").text() == Some(level));
        if hidden.of(group, variable).flatten().filter(|l| !named(l)).count() > 1 {
            away.extend(rows);
        }
        // Normalised coefficients sum to 0 over the levels: one alone is minus the sum of the others.
        let levels: Vec<usize> = rows.iter().copied().filter(|&r| !table.cell(r, "_level").is_null()).collect();
        let estimates: Vec<f64> = levels.iter().filter_map(|&r| table.number(r, "estimate")).collect();
        let scale: f64 = estimates.iter().map(|e| e.abs()).sum();
        let sums_to_zero = estimates.iter().sum::<f64>().abs() <= 1e-9 * scale;
        let alone = levels.iter().filter(|r| away.contains(r)).count() == 1;
        if alone && sums_to_zero {
            let size = |r: usize| table.int(r, "_n_level_reference").unwrap_or(0) + table.int(r, "_n_level_index").unwrap_or(0);
            away.extend(levels.iter().copied().filter(|r| !away.contains(r)).min_by_key(|&r| size(r)));
        }
    }
    away.iter().for_each(|&row| ledger.withhold(table, row, ESTIMATES));
    unname_places(table, hidden, rule, &["index_group", "analysis", "blocks", "fitted_in", "link", "_variable"]);
}

/// Terms of hospitals and clusters with few units lose their names.
fn unname_places(table: &mut Table, hidden: &HiddenLevels, rule: Rule, key: &[&str]) {
    let is = |r: &usize| {
        let level = table.cell(*r, "_level").text();
        let listed = hidden.contains(table.text(*r, "index_group"), table.text(*r, "_variable"), level);
        table.flag(*r, "_place") && level.is_some() && (listed || rests_on_few(table, *r, rule))
    };
    let unnamed: Vec<usize> = (0..table.rows.len()).filter(is).collect();
    unname(table, &unnamed, |t, r| key.iter().map(|c| t.text(r, c).to_owned()).chain([t.flag(r, "with_group").to_string()]).collect());
}

pub(super) fn detail(table: &mut Table, hidden: &HiddenLevels, rule: Rule, ledger: &mut Ledger) {
    let mut parts: IndexMap<[String; 4], Vec<usize>> = IndexMap::new();
    for row in 0..table.rows.len() {
        let key = ["index_group", "analysis", "part", "block"].map(|c| table.text(row, c).to_owned());
        parts.entry(key).or_default().push(row);
    }
    for ([group, ..], rows) in &parts {
        let variable = |r: usize| table.text(r, "_variable").to_owned();
        // One row for a whole variable with many levels says of a level what its block's total says.
        let whole = |r: usize| {
            let alone = rows.iter().filter(|&&q| variable(q) == variable(r)).count() == 1;
            alone && table.cell(r, "_level").is_null() && table.int(r, "_n_level_reference").is_none()
        };
        let small = |r: usize| {
            let v = variable(r);
            rests_on_few(table, r, rule) || (!v.is_empty() && !whole(r) && hidden.of(group, &v).next().is_some())
        };
        let variables: Vec<String> = rows.iter().filter(|&&r| small(r)).map(|&r| variable(r)).collect();
        let mut away: Vec<usize> = rows.iter().copied().filter(|&r| small(r) || variables.contains(&variable(r))).collect();
        // The terms of a block sum to its component, which is shown.
        if away.len() == 1 {
            away.extend(rows.iter().copied().find(|r| !away.contains(r) && *table.cell(*r, "estimate") != Cell::Null));
        }
        away.iter().for_each(|&row| ledger.withhold(table, row, ESTIMATES));
    }
    unname_places(table, hidden, rule, &["index_group", "analysis", "part", "block", "_variable"]);
}
