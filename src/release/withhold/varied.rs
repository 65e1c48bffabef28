//! Sensitivity: rows that differ from published ones by few units, or by one variable that must not be told apart.
//!
//! - A trimmed sample is withheld where a group keeps too few units or events, or where it has lost too few units, events or non-events since
//!   the sample shown before it: estimates in full precision would give away the outcomes of those that are gone. Samples are nested,
//!   so that the differences between any two shown are sums of such differences.
//! - A control outcome is withheld where a group has too few units or events of it, or a small number lacks it.
//! - Figures of a learner that count units go where they count few.
//! - A variable moved by itself changes block totals by its own contribution, and a benchmark by one variable is a function of its
//!   proportions: where Table 1 withholds a level of it, these rows go.

use super::levels::HiddenLevels;
use super::{Contrast, ESTIMATES, Ledger, Rule, distinct};
use crate::release::Table;
use indexmap::IndexMap;

/// Separates the names in `_variables`.
pub const SEPARATOR: char = '\u{1f}';

pub(super) fn withhold(
    table: &mut Table,
    family: &str,
    support: &IndexMap<String, Contrast>,
    hidden: &HiddenLevels,
    rule: Rule,
    ledger: &mut Ledger,
) {
    for row in 0..table.rows.len() {
        let group = table.text(row, "index_group");
        let variables = table.text(row, "_variables");
        if variables.split(SEPARATOR).any(|v| hidden.of(group, v).next().is_some()) {
            ledger.withhold(table, row, ESTIMATES);
        }
    }
    for row in 0..table.rows.len() {
        if table.text(row, "variation") == "negative_control" {
            control(table, row, rule, ledger);
        }
        let count = table.int(row, "_count");
        let rest = count.zip(table.int(row, "_of")).map(|(c, of)| of - c);
        if count.is_some_and(|c| rule.small(c)) || rest.is_some_and(|c| rule.small(c)) {
            ledger.withhold(table, row, ESTIMATES);
        }
    }
    let of = |t: &Table, group: &str, analysis: &str| -> Vec<usize> {
        let is = |&r: &usize| t.text(r, "index_group") == group && t.text(r, "analysis") == analysis && t.text(r, "variation") == "trimming";
        (0..t.rows.len()).filter(is).collect()
    };
    for group in distinct(table, "index_group") {
        for analysis in distinct(table, "analysis") {
            let rows = of(table, &group, &analysis);
            let whole = support.get(&group).map_or([None, None], |c| [c.reference.events, c.index.events]);
            trimming(table, &rows, family, whole, rule, ledger);
        }
    }
}

/// Whether a group of the sample that a row is of has too few units or events.
fn few(table: &Table, row: usize, family: &str, rule: Rule) -> bool {
    ["reference", "index"].into_iter().any(|side| {
        let n = table.int(row, &format!("n_{side}")).unwrap_or(0);
        rule.few_of(n, table.int(row, &format!("_events_{side}")), family)
    })
}

fn control(table: &mut Table, row: usize, rule: Rule, ledger: &mut Ledger) {
    let family = if table.text(row, "scale").starts_with("rate") { "poisson" } else { "binomial" };
    let few_lack_it = ["_left_out_reference", "_left_out_index"].iter().any(|c| table.int(row, c).is_some_and(|n| rule.small(n)));
    // A gap in full precision tells the numbers that its means were divided by.
    if few_lack_it || few(table, row, family, rule) {
        ledger.withhold(table, row, ESTIMATES);
    }
    // How many lack the outcome follows from the units of the study.
    for side in ["reference", "index"] {
        let (n, left_out) = (format!("n_{side}"), format!("_left_out_{side}"));
        if [&n, &left_out].into_iter().filter_map(|c| table.int(row, c)).any(|c| rule.small(c)) {
            ledger.withhold(table, row, &[&n]);
        }
    }
}

/// The rows of one analysis, from the whole sample to the smallest.
fn trimming(table: &mut Table, rows: &[usize], family: &str, whole: [Option<i64>; 2], rule: Rule, ledger: &mut Ledger) {
    // Left out of reference and index group in the sample that was shown last, and the events in it.
    let mut shown = ([0, 0], whole);
    let mut at = 0;
    while let Some(&first) = rows.get(at) {
        let setting = table.text(first, "setting").to_owned();
        let same: Vec<usize> = rows[at..].iter().copied().take_while(|&r| table.text(r, "setting") == setting).collect();
        at += same.len();
        let int = |column: &str| table.int(first, column);
        let left_out = ["_left_out_reference", "_left_out_index"].map(|c| int(c).unwrap_or(0));
        let events = ["_events_reference", "_events_index"].map(int);
        let revealing = (0..2).any(|g| {
            let gone = shown.1[g].zip(events[g]).map(|(before, now)| before - now);
            rule.reveals(left_out[g] - shown.0[g], gone, family)
        });
        if revealing || few(table, first, family, rule) {
            for r in same {
                ledger.withhold(table, r, ESTIMATES);
                ledger.withhold(table, r, &["n_reference", "n_index"]);
            }
        } else {
            shown = (left_out, events);
        }
    }
}
