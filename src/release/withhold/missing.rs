//! Missing values: counts by group, and results under other rules, whose samples differ from the published one by the rows with missing values.
//!
//! The counts are of units before any is dropped for a missing value, which other tables count too, so that one withheld there is often the
//! difference of two shown numbers. `n` is shown where attrition shows the same counts by group. `n_missing` of a variable goes, in every group,
//! - where it is small, or those with a value are few;
//! - where it is apart by few from what steps remove, or from the missing values of the same variable at the end (`table_one`), or from the
//!   units that another treatment of missing values leaves out (`missing_methods`): the units between lack something else as well, or do not;
//! - where together with that of one other variable whose rows are dropped, or of all of them, it is apart by few from what steps remove;
//! - where the units are those without another variable and few more or fewer (`_nested`);
//! - where its sum over groups is apart by few from what steps remove, from the units without an event of the feature, or from the rows
//!   without a row in a joined table.

use super::attrition::Flow;
use super::{ESTIMATES, Ledger, Rule, distinct};
use crate::release::{Table, schema};
use indexmap::IndexMap;
use std::collections::BTreeSet;

/// Sizes that are shown of each group, and of all together, and the differences between them.
struct Shown {
    /// By group, the reference first: how many units lie between two samples whose sizes are known.
    gone: Vec<BTreeSet<i64>>,
    gone_in_all: BTreeSet<i64>,
}

impl Shown {
    /// From the sample that `start` is the place of in the flow to the last, whose sizes table `gap` has.
    fn of(flow: &Flow, start: usize, groups: &[String], methods: Option<&Table>) -> Self {
        let mut sizes = vec![BTreeSet::new(); groups.len()];
        let mut totals = BTreeSet::new();
        for (at, level) in flow.levels.iter().enumerate().skip(start) {
            let last = at + 1 == flow.levels.len();
            if flow.totals[at] || last {
                totals.insert(level.total);
            }
            if flow.groups[at] || last {
                level.groups.iter().flatten().zip(&mut sizes).for_each(|(n, sizes)| _ = sizes.insert(*n));
            }
        }
        for (table, row) in methods.iter().flat_map(|t| (0..t.rows.len()).map(move |row| (t, row))) {
            for (g, side) in sides(table, row, groups) {
                sizes[g].extend(table.int(row, &format!("n_{side}")));
            }
        }
        Self { gone: sizes.iter().map(differences).collect(), gone_in_all: differences(&totals) }
    }
}

fn differences(sizes: &BTreeSet<i64>) -> BTreeSet<i64> {
    sizes.iter().flat_map(|a| sizes.iter().map(move |b| a - b)).filter(|d| *d > 0).collect()
}

/// Places of the two groups that a row compares, and what its columns call them.
fn sides(table: &Table, row: usize, groups: &[String]) -> Vec<(usize, &'static str)> {
    let index = groups.iter().position(|g| g == table.text(row, "index_group"));
    groups.first().map(|_| (0, "reference")).into_iter().chain(index.map(|g| (g, "index"))).collect()
}

pub(super) fn counts(table: &mut Table, flow: &Flow, others: &IndexMap<&'static str, Table>, rule: Rule, ledger: &mut Ledger) {
    let groups = distinct(table, "group");
    let near = |known: &BTreeSet<i64>, n: i64| known.range(n - rule.min + 1..n + rule.min).any(|k| *k != n);
    // Of the variables whose rows are dropped and whose counts are shown.
    let mut dropped: Vec<Vec<i64>> = Vec::new();
    let mut shown: Option<Shown> = None;
    for variable in distinct(table, "variable") {
        let rows: Vec<usize> = (0..table.rows.len()).filter(|&r| table.text(r, "variable") == variable).collect();
        let int = |column: &str| rows.iter().map(|&r| table.int(r, column).unwrap_or(0)).collect::<Vec<i64>>();
        let (n, missing) = (int("n"), int("n_missing"));
        let places: Vec<usize> = rows.iter().filter_map(|&r| groups.iter().position(|g| g == table.text(r, "group"))).collect();
        let same = |at: &usize| flow.levels[*at].groups.as_ref().is_some_and(|sizes| places.iter().zip(&n).all(|(g, n)| sizes.get(*g) == Some(n)));
        let levels: Vec<usize> = (0..flow.levels.len()).filter(same).collect();
        // The outcome comes first: the samples from there on differ by rows that lack something.
        let start = levels.first().copied().unwrap_or(0);
        let shown = shown.get_or_insert_with(|| Shown::of(flow, start, &groups, others.get(schema::MISSING_METHODS.name)));

        let alone = (0..rows.len()).any(|k| rule.small(missing[k]) || rule.small(n[k] - missing[k]) || rule.small(int("_nested")[k]));
        let gone = |counts: &[i64]| places.iter().zip(counts).any(|(g, c)| shown.gone.get(*g).is_some_and(|known| near(known, *c)));
        let plus = |other: &[i64]| missing.iter().zip(other).map(|(a, b)| a + b).collect::<Vec<i64>>();
        let is_dropped = rows.first().is_some_and(|&r| table.text(r, "rule") == "drop_row");
        let all_dropped = dropped.iter().fold(missing.clone(), |sum, d| sum.iter().zip(d).map(|(a, b)| a + b).collect());
        let together = is_dropped && (dropped.iter().any(|d| gone(&plus(d))) || gone(&all_dropped));
        let at_end = at_end(others.get(schema::TABLE_ONE.name), &variable, &groups);
        let later = places.iter().zip(&missing).any(|(g, m)| at_end.get(*g).is_some_and(|known| near(known, *m)));
        let in_all = missing.iter().sum();
        let elsewhere = near(&shown.gone_in_all, in_all) || near(&without_event(others, &variable), in_all);
        if alone || (missing.iter().any(|m| *m > 0) && (gone(&missing) || together || later || elsewhere)) {
            rows.iter().for_each(|&r| ledger.withhold(table, r, &["n_missing", "share_missing"]));
        } else if is_dropped && in_all > 0 {
            dropped.push(missing.clone());
        }
        let n_shown = levels.iter().any(|at| flow.groups[*at] || at + 1 == flow.levels.len());
        for (k, &r) in rows.iter().enumerate() {
            if !n_shown || rule.small(n[k]) {
                ledger.withhold(table, r, &["n"]);
                // n is n_missing over the share.
                if missing[k] > 0 {
                    ledger.withhold(table, r, &["share_missing"]);
                }
            }
        }
    }
}

/// By group, how many units of the analysis lack the variable, as table 1 shows it.
fn at_end(table_one: Option<&Table>, variable: &str, groups: &[String]) -> Vec<BTreeSet<i64>> {
    let mut known = vec![BTreeSet::new(); groups.len()];
    for (table, row) in table_one.iter().flat_map(|t| (0..t.rows.len()).map(move |row| (t, row))) {
        if table.text(row, "variable") == variable {
            for (g, side) in sides(table, row, groups) {
                known[g].extend(table.int(row, &format!("n_missing_{side}")));
            }
        }
    }
    known
}

/// Units without an event of the feature of this name, and rows without a row in a joined table, as their tables show them.
fn without_event(others: &IndexMap<&'static str, Table>, variable: &str) -> BTreeSet<i64> {
    let features = others.get(schema::FEATURES.name).into_iter().flat_map(|t| {
        let of = (0..t.rows.len()).filter(|&r| t.text(r, "feature") == variable);
        of.filter_map(|r| Some(t.int(r, "n_units")? - t.int(r, "n_units_with_event")?))
    });
    let joins = others.get(schema::JOINS.name).into_iter().flat_map(|t| (0..t.rows.len()).filter_map(|r| t.int(r, "n_unmatched")));
    features.chain(joins).collect()
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
