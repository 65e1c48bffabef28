//! Missing values: counts by group, and results under other rules, whose samples differ from the published one by the rows with missing values.

use super::{ESTIMATES, Ledger, Rule, distinct};
use crate::release::Table;

/// Where the missing units of one group are few, or those with a value, the counts of no group are shown: attrition has the sum over groups.
pub(super) fn counts(table: &mut Table, rule: Rule, ledger: &mut Ledger) {
    for variable in distinct(table, "variable") {
        let rows: Vec<usize> = (0..table.rows.len()).filter(|&r| table.text(r, "variable") == variable).collect();
        let revealing = |r: usize| {
            let (n, missing) = (table.int(r, "n").unwrap_or(0), table.int(r, "n_missing").unwrap_or(0));
            rule.small(missing) || rule.small(n - missing)
        };
        if rows.iter().any(|&r| revealing(r)) {
            rows.iter().for_each(|&r| ledger.withhold(table, r, &["n_missing", "share_missing"]));
        }
        for r in rows {
            if table.int(r, "n").is_some_and(|n| rule.small(n)) {
                ledger.withhold(table, r, &["n"]);
            }
        }
    }
}

/// A sample that differs from that of the study by few units, or holds few, says nothing.
pub(super) fn methods(table: &mut Table, family: &str, rule: Rule, ledger: &mut Ledger) {
    for row in 0..table.rows.len() {
        let revealing = ["reference", "index"].iter().any(|side| {
            let int = |column: String| table.int(row, &column);
            let n = int(format!("n_{side}")).unwrap_or(0);
            let events = int(format!("_events_{side}"));
            let few_events = events.is_some_and(|e| rule.few(e) || (family != "poisson" && rule.few(n - e)));
            int(format!("_left_out_{side}")).is_some_and(|left| rule.small(left.abs())) || rule.few(n) || few_events
        });
        if revealing {
            ledger.withhold(table, row, ESTIMATES);
            ledger.withhold(table, row, &["n_reference", "n_index"]);
        }
    }
}
