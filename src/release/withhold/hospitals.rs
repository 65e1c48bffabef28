//! Hospitals one by one, and populations that differ by few units or events.
//!
//! # Why no withheld count comes out
//!
//! What is shown of hospitals' counts are those of hospitals that may be shown, and the totals of the comparison. Everything else that
//! follows from the counts alone (`_of_counts`: Kitagawa's sums, the contextual identity, and every number where the models hold nothing
//! but groups and hospitals) is withheld as soon as one hospital is: such a number in full precision, less the terms of the hospitals that are
//! shown, is an equation that only one small integer solves. Of the withheld hospitals the totals then say their sums:
//!
//! - sizes (`away`): of each group with a small count at least two hospitals, with at least `min` units together;
//! - outcomes by group (`by_group`), with the mean of both groups together still shown: at least two hospitals with both groups, and at least
//!   `min` events and non-events of each group together. Adding an event of the index group at one and taking it away at the other, with the
//!   reverse of the reference group, changes nothing that is shown;
//! - outcomes of both groups together (`together`): likewise, and they are a part of those by group, since two numbers of three give the third.
//!
//! A hospital that is withheld for one index group is for all: they share the reference group. With several index groups outcomes of both groups
//! together are withheld wherever those by group are: a hospital without units of one index group shows its reference events there. Hospitals by another id column are not listed
//! at all: where columns nest, differences of sums of two lists are parts of hospitals.

use super::{Contrast, ESTIMATES, Ledger, Rule};
use crate::release::Cell;
use crate::release::Table;
use crate::release::schema::TableDecl;
use indexmap::IndexMap;
use std::collections::HashSet;

/// Cells that rest on the outcomes of each group at the hospital.
const BY_GROUP: &[&str] = &["between", "within", "between_centred", "between_adjusted", "within_adjusted"];
/// Cells that rest on the outcomes of both groups together.
const TOGETHER: &[&str] = &["observed", "observed_to_expected", "effect", "conf_low", "conf_high"];
/// Of these, the ones that rest on all hospitals.
const EFFECT: &[&str] = &["effect", "conf_low", "conf_high"];

/// A hospital of one comparison: units and events, reference first.
struct Counts {
    name: String,
    n: [i64; 2],
    events: Option<[i64; 2]>,
}

impl Counts {
    fn has_both(&self) -> bool {
        self.n.iter().all(|n| *n > 0)
    }

    fn total(&self) -> i64 {
        self.events.map_or(0, |e| e[0] + e[1])
    }
}

/// What is not shown of hospitals.
#[derive(Default)]
pub(super) struct Hidden {
    /// By row of `hospital_units`.
    away: HashSet<usize>,
    by_group: HashSet<usize>,
    together: HashSet<usize>,
    /// Index groups of which some hospital's numbers are not shown.
    groups: HashSet<String>,
    /// Analyses by another id column than that of the hospitals that are listed.
    unlisted: HashSet<String>,
}

impl Hidden {
    /// Decides on every row of `hospital_units`.
    pub(super) fn of(table: &Table, family: &str, primary: &str, support: &IndexMap<String, Contrast>, rule: Rule) -> Self {
        let all: Vec<Counts> = (0..table.rows.len())
            .map(|r| Counts {
                name: table.text(r, "hospital").to_owned(),
                n: ["n_reference", "n_index"].map(|c| table.int(r, c).unwrap_or(0)),
                events: table.int(r, "_events_reference").zip(table.int(r, "_events_index")).map(|(a, b)| [a, b]),
            })
            .collect();
        let mut lists: IndexMap<[&str; 2], Vec<usize>> = IndexMap::new();
        for r in 0..table.rows.len() {
            lists.entry(["index_group", "analysis"].map(|c| table.text(r, c))).or_default().push(r);
        }
        let few = |n: i64, events: i64| rule.few(events) || family == "binomial" && rule.few(n - events);

        let away = spread(&all, &lists, |rows, away| grow_away(&all, rows, away, rule));
        let together = spread(&all, &lists, |rows, names| {
            let is = |r: usize| away.contains(&r) || all[r].events.is_some_and(|e| few(all[r].n[0] + all[r].n[1], e[0] + e[1]));
            let sums = |set: &[usize]| {
                let n: i64 = set.iter().map(|&r| all[r].n[0] + all[r].n[1]).sum();
                few(n, set.iter().map(|&r| all[r].total()).sum())
            };
            grow_outcomes(&all, rows, |r| names.contains(&all[r].name) || is(r), sums)
        });
        let by_group = spread(&all, &lists, |rows, names| {
            let is = |r: usize| together.contains(&r) || all[r].events.is_some_and(|e| (0..2).any(|g| all[r].n[g] > 0 && few(all[r].n[g], e[g])));
            let sums = |set: &[usize]| {
                (0..2).any(|g| {
                    let n: i64 = set.iter().map(|&r| all[r].n[g]).sum();
                    n > 0 && few(n, set.iter().filter_map(|&r| all[r].events).map(|e| e[g]).sum())
                })
            };
            grow_outcomes(&all, rows, |r| names.contains(&all[r].name) || is(r), sums)
        });

        let mut out = Self { away, by_group, together, ..Self::default() };
        let id_of = |analysis: &str| (0..table.rows.len()).find(|&r| table.text(r, "analysis") == analysis).map(|r| table.text(r, "_id"));
        let listed = id_of(primary).or_else(|| (!table.rows.is_empty()).then(|| table.text(0, "_id")));
        for ([group, analysis], rows) in &lists {
            if Some(table.text(rows[0], "_id")) != listed {
                out.unlisted.insert((*analysis).to_owned());
                out.away.extend(rows);
            }
            // The total of the group is not shown either, and would follow from its hospitals.
            if support.get(*group).is_some_and(|c| c.few()) {
                out.together.extend(rows);
            }
        }
        for rows in lists.values() {
            // Too few hospitals have both groups to stand for each other: the outcomes of those that have one would give theirs.
            let hidden = || rows.iter().filter(|r| out.by_group.contains(r));
            let lone = hidden().next().is_some() && hidden().filter(|r| all[**r].has_both()).count() < 2;
            if all[rows[0]].events.is_some() && (lone || hidden().any(|r| !all[*r].has_both() && !out.together.contains(r))) {
                out.together.extend(rows);
            }
        }
        out.together.extend(&out.away);
        out.by_group.extend(&out.together);
        if lists.keys().any(|[group, _]| lists.keys().any(|[other, _]| group != other)) {
            out.together.extend(&out.by_group);
        }
        let of_list = out.by_group.iter().filter(|&&r| !out.unlisted.contains(table.text(r, "analysis")));
        out.groups = of_list.map(|&r| table.text(r, "index_group").to_owned()).collect();
        out
    }

    /// A hospital with few units of a group is withheld with its name, outcomes that rest on few events without it. Rows without a name stand
    /// last, so that the order names nobody.
    pub(super) fn units(&self, table: &mut Table, decl: &TableDecl, support: &IndexMap<String, Contrast>, ledger: &mut Ledger) {
        let kept = |c: &&str| !["index_group", "analysis", "withheld"].contains(c);
        let columns: Vec<&str> = decl.columns.iter().map(|c| c.name.as_ref()).filter(kept).collect();
        for row in 0..table.rows.len() {
            let group = table.text(row, "index_group");
            if support.get(group).is_some_and(|c| c.few()) {
                // Expected outcomes sum to the events of both groups.
                ledger.withhold(table, row, &["expected"]);
            } else if table.flag(row, "_of_counts") && self.groups.contains(group) {
                ledger.withhold(table, row, EFFECT);
            }
            for (set, cells) in [(&self.by_group, BY_GROUP), (&self.together, TOGETHER), (&self.away, &columns)] {
                if set.contains(&row) {
                    ledger.withhold(table, row, cells);
                }
            }
        }
        if let Some(name) = table.position("hospital") {
            table.rows.sort_by_key(|row| row.get(name).is_none_or(Cell::is_null));
        }
    }

    /// Numbers that would tell of hospitals that are not shown, and estimates of a population that leaves out few units or events: with those
    /// of the whole they would tell these.
    pub(super) fn rows(&self, table: &mut Table, family: &str, rule: Rule, ledger: &mut Ledger) {
        for row in 0..table.rows.len() {
            if self.tells(table, row) || leaves_out_few(table, row, family, rule) {
                ledger.withhold(table, row, ESTIMATES);
                ledger.withhold(table, row, &["value", "message"]);
            }
        }
    }

    fn tells(&self, table: &Table, row: usize) -> bool {
        let of_counts = table.flag(row, "_of_counts") && table.text(row, "part") != "gap";
        let restricted = SIDES.iter().any(|(n, _)| table.int(row, n).is_some_and(|n| n > 0));
        let unlisted = self.unlisted.contains(table.text(row, "analysis"));
        of_counts && (unlisted || self.groups.contains(table.text(row, "index_group"))) || unlisted && restricted
    }
}

const SIDES: [(&str, &str); 2] =
    [("_population_without_reference", "_population_without_events_reference"), ("_population_without_index", "_population_without_events_index")];

/// Whether the population of a row leaves out few units, events or (binomial) non-events of a group.
pub(super) fn leaves_out_few(table: &Table, row: usize, family: &str, rule: Rule) -> bool {
    SIDES.iter().any(|(n, events)| {
        let n = table.int(row, n).unwrap_or(0);
        rule.reveals(n, table.int(row, events), family)
    })
}

/// Rows of every list that `grow` says; what is one hospital in several lists is withheld in all of them.
fn spread(all: &[Counts], lists: &IndexMap<[&str; 2], Vec<usize>>, grow: impl Fn(&[usize], &HashSet<String>) -> Vec<usize>) -> HashSet<usize> {
    let mut names = HashSet::new();
    loop {
        let rows: HashSet<usize> = lists.values().flat_map(|rows| grow(rows, &names)).collect();
        let before = names.len();
        names.extend(rows.iter().map(|&r| all[r].name.clone()));
        if names.len() == before {
            return rows;
        }
    }
}

/// Hospitals with a small count, and the next larger ones until none follows from the totals.
fn grow_away(all: &[Counts], rows: &[usize], names: &HashSet<String>, rule: Rule) -> Vec<usize> {
    let small = |&r: &usize| names.contains(&all[r].name) || all[r].n.iter().any(|&n| rule.small(n));
    let mut away: Vec<usize> = rows.iter().copied().filter(small).collect();
    for side in [0, 1] {
        let known = |away: &[usize]| {
            let hidden: Vec<i64> = away.iter().map(|&r| all[r].n[side]).filter(|&n| n > 0).collect();
            hidden.iter().any(|&n| rule.small(n)) && (hidden.len() < 2 || hidden.iter().sum::<i64>() < rule.min)
        };
        while known(&away) {
            let next = rows.iter().copied().filter(|&r| !away.contains(&r) && all[r].n[side] > 0).min_by_key(|&r| all[r].n[side]);
            match next {
                Some(r) => away.push(r),
                None => break,
            }
        }
    }
    away
}

/// Hospitals that `is` says, with those of the fewest events until two have both groups and their sums are not few; all, where that fails.
fn grow_outcomes(all: &[Counts], rows: &[usize], is: impl Fn(usize) -> bool, few_together: impl Fn(&[usize]) -> bool) -> Vec<usize> {
    let mut out: Vec<usize> = rows.iter().copied().filter(|&r| is(r)).collect();
    // Means of a gaussian outcome are not counts.
    if out.is_empty() || rows.iter().all(|&r| all[r].events.is_none()) {
        return out;
    }
    while out.iter().filter(|&&r| all[r].has_both()).count() < 2 || few_together(&out) {
        let next = rows.iter().copied().filter(|&r| !out.contains(&r) && all[r].has_both()).min_by_key(|&r| all[r].total());
        match next {
            Some(r) => out.push(r),
            None => return rows.to_vec(),
        }
    }
    out
}
