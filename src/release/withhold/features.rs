//! Features and code lists. The counts of a feature telescope, so that one small count, or a small difference of neighbours, would be
//! computed from the others: where there is one, all of them go but the rows of the table and the units of the cohort. So they do where a
//! code of the list was found in few units, whose count would otherwise be that of the list less those of its other codes. The units of the
//! cohort go too where the cohort flow withholds a total, which they may be.

use super::{Ledger, Rule};
use crate::release::Table;
use crate::release::schema::{FEATURE_CHAIN, FEATURE_COUNTS};

/// `whole_flow`: the cohort flow shows all of its totals.
pub(super) fn features(table: &mut Table, whole_flow: bool, rule: Rule, ledger: &mut Ledger) {
    for row in 0..table.rows.len() {
        let count = |column: &str| table.int(row, column).unwrap_or(0);
        let any_small = FEATURE_COUNTS.iter().any(|c| rule.small(count(c)));
        let near = FEATURE_CHAIN.windows(2).any(|pair| rule.small(count(pair[0]) - count(pair[1])));
        let others = rule.small(count("n_rows") - count("n_matched")) || rule.small(count("n_units") - count("n_units_with_event"));
        if any_small || near || others || rule.small(count("_fewest_code")) {
            ledger.withhold(table, row, &FEATURE_COUNTS);
        }
        if !whole_flow || rule.small(table.int(row, "n_units").unwrap_or(0)) {
            ledger.withhold(table, row, &["n_units"]);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::release::schema;

    /// A feature whose counts are all large, with some replaced.
    fn feature(other: &[(&'static str, i64)]) -> Table {
        let mut table = Table::new(&schema::FEATURES);
        let mut cells: Vec<(&str, crate::release::Cell)> =
            vec![("feature", "f".into()), ("table", "t".into()), ("take", "last".into()), ("window", "any_time".into())];
        let usual = |name: &str| match name {
            "n_rows" => 10_000,
            "n_matched" => 9_000,
            "n_kept" => 8_000,
            "n_coded" => 7_000,
            "n_in_window" => 5_000,
            "n_used" => 4_000,
            "n_units" => 3_000,
            "n_units_with_event" => 2_000,
            _ => 100,
        };
        for c in schema::FEATURES
            .columns
            .iter()
            .chain(schema::FEATURES.hidden)
            .map(|c| c.name.as_ref())
            .filter(|c| c.contains("n_") || *c == "_fewest_code")
        {
            let n = other.iter().find(|o| o.0 == c).map_or(usual(c), |o| o.1);
            cells.push((c, n.into()));
        }
        table.push(&cells).expect("a row");
        table
    }

    fn shown(other: &[(&'static str, i64)], whole_flow: bool) -> (bool, bool, bool) {
        let (mut table, mut ledger) = (feature(other), Ledger::default());
        features(&mut table, whole_flow, Rule { min: 11 }, &mut ledger);
        let counts = FEATURE_COUNTS.iter().map(|c| table.int(0, c).is_some()).collect::<Vec<_>>();
        assert!(counts.iter().all(|c| *c == counts[0]));
        assert_eq!(table.flag(0, "withheld"), ledger.total() > 0);
        (table.int(0, "n_rows").is_some(), table.int(0, "n_units").is_some(), counts[0])
    }

    #[test]
    fn one_small_count_takes_all() {
        assert_eq!(shown(&[], true), (true, true, true));
        assert_eq!(shown(&[("n_no_value", 0), ("n_units_tied", 0)], true), (true, true, true));
        for small in [
            [("n_units_tied", 3)],
            [("n_no_time", 10)],
            [("n_kept", 8_995)],
            [("n_matched", 9_995)],
            [("n_units_with_event", 2_992)],
            [("_fewest_code", 4)],
            [("n_used", 5)],
        ] {
            assert_eq!(shown(&small, true), (true, true, false), "{small:?}");
        }
        assert_eq!(shown(&[], false), (true, false, true));
    }

    #[test]
    fn codes_of_few_units_lose_their_counts() {
        let mut table = Table::new(&schema::CODE_LISTS);
        for (code, rows, units) in [("E11*", 500, 300), ("E13*", 40, 4), ("E10", 0, 0)] {
            let named = [("feature", "f".into()), ("table", "t".into()), ("column", "c".into()), ("code", code.into())];
            table.push(&[&named[..], &[("n_rows", crate::release::Cell::from(rows)), ("n_units", units.into())]].concat()).expect("a row");
        }
        code_lists(&mut table, Rule { min: 11 }, &mut Ledger::default());
        let rows: Vec<Option<i64>> = (0..3).map(|row| table.int(row, "n_rows")).collect();
        assert_eq!(rows, [Some(500), None, Some(0)]);
        assert_eq!((table.int(1, "n_units"), table.flag(1, "withheld"), table.flag(2, "withheld")), (None, true, false));
    }
}
