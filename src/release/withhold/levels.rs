//! Table 1: a proportion times its denominator is a count, the levels of a variable sum to the group, and the denominator
//! of a mean in full precision can be found from the mean.

use super::{Ledger, Rule, distinct};
use crate::release::{Cell, Table};
use std::collections::HashSet;

/// The levels that Table 1 withholds, in either group of a contrast.
#[derive(Default)]
pub(super) struct HiddenLevels {
    /// (index group, variable, level); no level for a number with two values.
    levels: HashSet<(String, String, Option<String>)>,
}

impl HiddenLevels {
    pub(super) fn contains(&self, group: &str, variable: &str, level: Option<&str>) -> bool {
        self.levels.contains(&(group.to_owned(), variable.to_owned(), level.map(str::to_owned)))
    }

    /// The withheld levels of a variable.
    pub(super) fn of<'a>(&'a self, group: &'a str, variable: &'a str) -> impl Iterator<Item = Option<&'a str>> {
        self.levels.iter().filter(move |(g, v, _)| g == group && v == variable).map(|(_, _, l)| l.as_deref())
    }
}

/// What stands for the name of a hospital or cluster that has few units.
const UNNAMED: &str = "[withheld]";

/// Takes the names of these rows' levels away, and moves them behind the named ones of their variable: their order would name them. `key` says
/// which rows are of one variable.
pub(super) fn unname(table: &mut Table, unnamed: &[usize], key: impl Fn(&Table, usize) -> Vec<String>) {
    for &row in unnamed {
        let variable = table.text(row, if table.position("_variable").is_some() { "_variable" } else { "variable" }).to_owned();
        table.set_text(row, "level", UNNAMED);
        table.set_text(row, "term", &format!("{variable}={UNNAMED}"));
        table.set_flag(row, "withheld");
    }
    let keys: Vec<Vec<String>> = (0..table.rows.len()).map(|r| key(table, r)).collect();
    let mut done: HashSet<&Vec<String>> = HashSet::new();
    for &row in unnamed.iter().filter(|&&r| done.insert(&keys[r])) {
        let places: Vec<usize> = (0..keys.len()).filter(|&r| keys[r] == keys[row]).collect();
        let (named, last): (Vec<usize>, Vec<usize>) = places.iter().partition(|r| !unnamed.contains(r));
        let rows: Vec<Vec<Cell>> = named.iter().chain(&last).map(|&r| table.rows[r].clone()).collect();
        places.iter().zip(rows).for_each(|(&at, cells)| table.rows[at] = cells);
    }
}

const SIDES: [[&str; 5]; 2] = [
    ["mean_reference", "sd_reference", "n_missing_reference", "_n_reference", "_count_reference"],
    ["mean_index", "sd_index", "n_missing_index", "_n_index", "_count_index"],
];

pub(super) fn withhold(table: &mut Table, rule: Rule, ledger: &mut Ledger) -> HiddenLevels {
    let mut hidden = HiddenLevels::default();
    for group in distinct(table, "index_group") {
        for variable in distinct(table, "variable") {
            let rows: Vec<usize> =
                (0..table.rows.len()).filter(|&r| table.text(r, "index_group") == group && table.text(r, "variable") == variable).collect();
            let mut touched = false;
            for [mean, sd, missing, known, count] in SIDES {
                let n_missing = rows.iter().filter_map(|&r| table.int(r, missing)).max().unwrap_or(0);
                let n_known = rows.iter().filter_map(|&r| table.int(r, known)).max();
                if rule.small(n_missing) || n_known.is_some_and(|n| rule.small(n)) {
                    // The number of known values would be the denominator of the mean, and n less it the missing ones.
                    touched = true;
                    rows.iter().for_each(|&r| ledger.withhold(table, r, &[missing, mean, sd]));
                }
                let counts: Vec<Option<i64>> = rows.iter().map(|&r| table.int(r, count)).collect();
                for at in unshown(&counts, n_known, rule) {
                    touched = true;
                    let row = rows[at];
                    ledger.withhold(table, row, &[mean, sd]);
                    let level = table.cell(row, "level").text().map(str::to_owned);
                    hidden.levels.insert((group.clone(), variable.clone(), level));
                }
            }
            if touched {
                // With the other group's mean it would give the withheld one.
                rows.iter().for_each(|&r| ledger.withhold(table, r, &["smd", "smd_weighted"]));
            }
        }
    }
    let is_hidden = |r: usize| hidden.contains(table.text(r, "index_group"), table.text(r, "variable"), table.cell(r, "level").text());
    let unnamed: Vec<usize> =
        (0..table.rows.len()).filter(|&r| table.flag(r, "_place") && !table.cell(r, "level").is_null() && is_hidden(r)).collect();
    unname(table, &unnamed, |t, r| ["index_group", "variable"].map(|c| t.text(r, c).to_owned()).to_vec());
    hidden
}

/// Positions of the counts that must not be shown: the small ones, and the next smallest until at least two are unknown
/// whose sum is not small. What the listed levels leave of `n` is a level that is never shown.
fn unshown(counts: &[Option<i64>], n: Option<i64>, rule: Rule) -> Vec<usize> {
    let listed: i64 = counts.iter().flatten().sum();
    let rest = if counts.iter().any(Option::is_some) { n.map_or(0, |n| n - listed) } else { 0 };
    let at = |k: usize| counts.get(k).copied().flatten().unwrap_or(0);
    let mut out: Vec<usize> = (0..counts.len()).filter(|&k| rule.small(at(k))).collect();
    if out.is_empty() && !rule.small(rest) {
        return out;
    }
    loop {
        let unknown = out.len() + usize::from(rest > 0);
        let sum: i64 = out.iter().map(|&k| at(k)).sum::<i64>() + rest.max(0);
        if unknown >= 2 && sum >= rule.min {
            return out;
        }
        match (0..counts.len()).filter(|k| !out.contains(k) && at(*k) > 0).min_by_key(|&k| at(k)) {
            Some(next) => out.push(next),
            None => return out,
        }
    }
}
