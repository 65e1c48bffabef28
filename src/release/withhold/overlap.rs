//! Where the groups lie on the log-odds of being index: bins with few units of a group are joined to their neighbours.
//!
//! From the left, a bin is closed once it holds, of each group, none or at least `min_cell` units; what is left at the right end joins the last
//! one. The counts of one group model add up to what table `gap` shows, and no difference of them is small, since each is 0 or large.

use super::{Contrast, Ledger, Rule};
use crate::release::{Cell, Table};
use indexmap::IndexMap;

pub(super) fn withhold(table: &mut Table, support: &IndexMap<String, Contrast>, rule: Rule, ledger: &mut Ledger) {
    let rows = std::mem::take(&mut table.rows);
    let columns: Vec<Option<usize>> = SUMS.iter().chain(&["index_group", "blocks", "high"]).map(|c| table.position(c)).collect();
    let [Some(n0), Some(n1), Some(s0), Some(s1), Some(group), Some(blocks), Some(high)] = columns[..] else { return };
    let small = |row: &[Cell]| [n0, n1].iter().any(|&c| rule.small(row.get(c).and_then(Cell::int).unwrap_or(0)));
    let sums = [n0, n1, s0, s1];
    let join = |into: &mut Vec<Cell>, row: &[Cell]| {
        for &c in &sums {
            into[c] = match (&into[c], &row[c]) {
                (Cell::Int(a), Cell::Int(b)) => Cell::Int(a + b),
                (a, b) => (a.number().unwrap_or(0.0) + b.number().unwrap_or(0.0)).into(),
            };
        }
        into[high] = row[high].clone();
    };
    let mut out: Vec<Vec<Cell>> = Vec::new();
    let mut open: Option<Vec<Cell>> = None;
    let close = |open: &mut Option<Vec<Cell>>, out: &mut Vec<Vec<Cell>>| {
        let Some(rest) = open.take() else { return };
        match out.last_mut() {
            Some(last) if last[group] == rest[group] && last[blocks] == rest[blocks] && small(&rest) => join(last, &rest),
            _ => out.push(rest),
        }
    };
    for row in rows {
        if open.as_ref().is_some_and(|o| o[group] != row[group] || o[blocks] != row[blocks]) {
            close(&mut open, &mut out);
        }
        match &mut open {
            Some(o) => join(o, &row),
            None => open = Some(row),
        }
        if let Some(closed) = open.take_if(|o| !small(o)) {
            out.push(closed);
        }
    }
    close(&mut open, &mut out);
    table.rows = out;
    for row in 0..table.rows.len() {
        let c = support.get(table.text(row, "index_group")).copied().unwrap_or_default();
        // One bin that holds too few in all, or a group whose size is withheld.
        if c.reference.units_small || c.index.units_small || small(&table.rows[row]) {
            ledger.withhold(table, row, &SUMS);
        }
    }
}

const SUMS: [&str; 4] = ["n_reference", "n_index", "share_reference", "share_index"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::release::schema;

    fn bins(counts: &[(u64, u64)]) -> Vec<(i64, i64, f64, f64)> {
        let mut t = Table::new(&schema::OVERLAP);
        for (k, (n0, n1)) in counts.iter().enumerate() {
            let cells = [
                ("index_group", Cell::from("b")),
                ("blocks", "none".into()),
                ("low", (k as f64).into()),
                ("high", (k as f64 + 1.0).into()),
                ("n_reference", (*n0).into()),
                ("n_index", (*n1).into()),
                ("share_reference", 0.1.into()),
                ("share_index", 0.1.into()),
            ];
            t.push(&cells).unwrap();
        }
        withhold(&mut t, &IndexMap::new(), Rule { min: 11 }, &mut Ledger::default());
        let int = |r: usize, c: &str| t.int(r, c).unwrap_or(-1);
        (0..t.rows.len()).map(|r| (int(r, "n_reference"), int(r, "n_index"), t.number(r, "low").unwrap(), t.number(r, "high").unwrap())).collect()
    }

    #[test]
    fn no_bin_has_a_small_count_and_none_is_lost() {
        let found = bins(&[(3, 0), (20, 0), (40, 5), (60, 7), (80, 50), (30, 20), (12, 30), (2, 11), (0, 9), (0, 1)]);
        assert!(found.iter().all(|(a, b, ..)| (*a == 0 || *a >= 11) && (*b == 0 || *b >= 11)), "{found:?}");
        assert_eq!(found.iter().map(|f| f.0).sum::<i64>(), 247);
        assert_eq!(found.iter().map(|f| f.1).sum::<i64>(), 133);
        assert!(found.windows(2).all(|w| w[0].3 == w[1].2), "bins touch: {found:?}");
        // Too few altogether: nothing is shown.
        assert_eq!(bins(&[(3, 2), (4, 2)]), [(-1, -1, 0.0, 2.0)]);
    }
}
