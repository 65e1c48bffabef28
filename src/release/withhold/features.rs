//! Features and code lists. The counts of a feature telescope, so that one small count, or a small difference of neighbours, would be
//! computed from the others: where there is one, all of them go but the rows of the table and the units of the cohort. So they do where a
//! code of the list was found in few units, whose count would otherwise be that of the list less those of its other codes.

use super::{Ledger, Rule};
use crate::release::Table;
use crate::release::schema::{FEATURE_CHAIN, FEATURE_COUNTS};

pub(super) fn features(table: &mut Table, rule: Rule, ledger: &mut Ledger) {
    for row in 0..table.rows.len() {
        let count = |column: &str| table.int(row, column).unwrap_or(0);
        let any_small = FEATURE_COUNTS.iter().any(|c| rule.small(count(c)));
        let near = FEATURE_CHAIN.windows(2).any(|pair| rule.small(count(pair[0]) - count(pair[1])));
        let others = rule.small(count("n_rows") - count("n_matched")) || rule.small(count("n_units") - count("n_units_with_event"));
        if any_small || near || others || rule.small(count("_fewest_code")) {
            ledger.withhold(table, row, &FEATURE_COUNTS);
        }
    }
}

pub(super) fn code_lists(table: &mut Table, rule: Rule, ledger: &mut Ledger) {
    for row in 0..table.rows.len() {
        let count = |column: &str| table.int(row, column).unwrap_or(0);
        if rule.small(count("n_units")) || rule.small(count("n_rows")) {
            ledger.withhold(table, row, &["n_rows", "n_units"]);
        }
    }
}
