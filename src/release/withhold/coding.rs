//! What is recorded of units, by group and over hospitals. Groups sum to the whole, so that where the units of one group with or without an
//! event are few, those of no group are shown. A hospital's share has full precision and gives its counts away: it is shown where they are not
//! few, for a group in any group, since the same hospital may stand in several rows; and shares are shown where the sums of the hospitals that
//! must not be shown are not few either. Counts that differ by few from those of other events, whose window may lie within this one, are few.

use super::{Ledger, Rule};
use crate::release::Table;
use crate::release::schema::CODING_SHARES;

const WHOLE: [&str; 3] = ["n_without", "share_without", "mean_events"];

/// Rows of the same events follow one another, the row of all groups first.
pub(super) fn withhold(table: &mut Table, rule: Rule, ledger: &mut Ledger) {
    let mut from = 0;
    while from < table.rows.len() {
        let next = (from + 1..table.rows.len()).find(|&r| table.text(r, "side") == "all").unwrap_or(table.rows.len());
        shares(table, from, next, rule, ledger);
        let whole_few = few_units(table, from, rule);
        let groups: Vec<usize> = (from + 1..next).collect();
        for rows in [vec![from], groups] {
            if rows.iter().any(|&r| rule.small(table.int(r, "n_units").unwrap_or(0))) {
                rows.iter().for_each(|&r| ledger.withhold(table, r, &["n_units"]));
            }
            // The whole would follow from its groups.
            if whole_few || rows.iter().any(|&r| few_units(table, r, rule)) {
                rows.iter().for_each(|&r| ledger.withhold(table, r, &WHOLE));
            }
            if rows.iter().any(|&r| few_events(table, r, rule)) {
                rows.iter().for_each(|&r| ledger.withhold(table, r, &["mean_events"]));
            }
        }
        from = next;
    }
}

/// The shares of hospitals in rows `from..next`. Where groups must not be shown, neither are their hospitals.
fn shares(table: &mut Table, from: usize, next: usize, rule: Rule, ledger: &mut Ledger) {
    let no_group = (from..next).any(|r| few_units(table, r, rule));
    for row in from..next {
        let none = rule.small(table.int(row, "_fewest_rest").unwrap_or(0)) || few_units(table, row, rule) || row > from && no_group;
        for (name, _) in CODING_SHARES {
            if none || rule.small(table.int(row, &format!("_fewest_{name}")).unwrap_or(0)) {
                ledger.withhold(table, row, &[&format!("share_{name}")]);
            }
        }
    }
}

/// Whether few units of the row have an event, have none, or make the difference from other events. Decided on counts, before any is withheld.
fn few_units(table: &Table, row: usize, rule: Rule) -> bool {
    let (Some(n), Some(without)) = (table.int(row, "n_units"), table.int(row, "n_without")) else { return true };
    let near = rule.small(table.int(row, "_nearest").unwrap_or(0));
    near || rule.small(n) || rule.small(without) || rule.small(n - without)
}

/// Whether the events are few, or those beyond the first of each unit.
fn few_events(table: &Table, row: usize, rule: Rule) -> bool {
    let (Some(n), Some(without), Some(events)) = (table.int(row, "n_units"), table.int(row, "n_without"), table.int(row, "_events")) else {
        return true;
    };
    rule.small(events) || rule.small(events - (n - without))
}
