//! Hospitals one by one, and populations that differ by few units.

use super::{ESTIMATES, Ledger, Rule, distinct};
use crate::release::Cell;
use crate::release::Table;
use crate::release::schema::TableDecl;

/// Cells that rest on the outcomes of each group at the hospital.
const BY_GROUP: &[&str] = &["between", "within", "between_centred", "between_adjusted", "within_adjusted"];
/// Cells that rest on the outcomes of both groups together.
const TOGETHER: &[&str] = &["observed", "observed_to_expected", "effect", "conf_low", "conf_high"];

/// Estimates of a population that leaves out few units: with those of the whole they would tell these units' outcomes.
pub fn populations(table: &mut Table, rule: Rule, ledger: &mut Ledger) {
    for row in 0..table.rows.len() {
        let left_out = ["_left_out_reference", "_left_out_index"].map(|c| table.int(row, c).unwrap_or(0));
        if left_out.iter().any(|&n| rule.small(n)) {
            ledger.withhold(table, row, ESTIMATES);
        }
    }
}

/// A hospital with few units of a group is withheld with its name; another goes with it where the total over hospitals
/// would give its counts away. Outcomes of a hospital with few events or (binomial) non-events are withheld likewise, and its
/// counts stay. Rows without a name stand last, so that the order names nobody.
pub fn units(table: &mut Table, decl: &TableDecl, family: &str, rule: Rule, ledger: &mut Ledger) {
    for group in distinct(table, "index_group") {
        for analysis in distinct(table, "analysis") {
            let of = |r: &usize| table.text(*r, "index_group") == group && table.text(*r, "analysis") == analysis;
            let rows: Vec<usize> = (0..table.rows.len()).filter(of).collect();
            one(table, &rows, decl, family, rule, ledger);
        }
    }
    if let Some(name) = table.position("hospital") {
        table.rows.sort_by_key(|row| row.get(name).is_none_or(Cell::is_null));
    }
}

fn one(table: &mut Table, rows: &[usize], decl: &TableDecl, family: &str, rule: Rule, ledger: &mut Ledger) {
    let counts = |t: &Table, r: usize| ["n_reference", "n_index"].map(|c| t.int(r, c).unwrap_or(0));
    let mut away: Vec<usize> = rows.iter().copied().filter(|&r| counts(table, r).iter().any(|&n| rule.small(n))).collect();
    for side in [0, 1] {
        let needs_company = |away: &[usize]| {
            let hidden: Vec<i64> = away.iter().map(|&r| counts(table, r)[side]).filter(|&n| n > 0).collect();
            hidden.iter().any(|&n| rule.small(n)) && (hidden.len() < 2 || hidden.iter().sum::<i64>() < rule.min)
        };
        while needs_company(&away) {
            let next = rows.iter().copied().filter(|&r| !away.contains(&r) && counts(table, r)[side] > 0).min_by_key(|&r| counts(table, r)[side]);
            match next {
                Some(r) => away.push(r),
                None => break,
            }
        }
    }

    // Events of each group, and of both; none are known of a gaussian outcome.
    let few = |n: i64, events: i64| rule.few(events) || family == "binomial" && rule.few(n - events);
    let events = |t: &Table, r: usize| ["_events_reference", "_events_index"].map(|c| t.int(r, c));
    let of_groups = |t: &Table, r: usize| counts(t, r).into_iter().zip(events(t, r)).any(|(n, e)| n > 0 && e.is_some_and(|e| few(n, e)));
    let of_both = |t: &Table, r: usize| {
        let [n0, n1] = counts(t, r);
        matches!(events(t, r), [Some(a), Some(b)] if few(n0 + n1, a + b))
    };
    for (columns, rests_on_few) in [(BY_GROUP, &of_groups as &dyn Fn(&Table, usize) -> bool), (TOGETHER, &of_both)] {
        let mut hidden: Vec<usize> = rows.iter().copied().filter(|&r| away.contains(&r) || rests_on_few(table, r)).collect();
        // The total over hospitals would give a single one away.
        if hidden.len() == 1 {
            let total = |r: usize| events(table, r).into_iter().flatten().sum::<i64>();
            hidden.extend(rows.iter().copied().filter(|r| !hidden.contains(r)).min_by_key(|&r| total(r)));
        }
        for r in hidden {
            ledger.withhold(table, r, columns);
        }
    }
    for r in away {
        let kept = |c: &&str| !["index_group", "analysis", "withheld"].contains(c);
        let columns: Vec<&str> = decl.columns.iter().map(|c| c.name.as_ref()).filter(kept).collect();
        ledger.withhold(table, r, &columns);
    }
}
