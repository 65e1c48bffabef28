//! How many rows each step removed, by group. Rows are marked rather than removed while the steps run, so that every row has its group
//! in every line, also where the group column comes from a later join.

use super::levels::MISSING;
use crate::error::{Place, Problem, Problems, codes};
use crate::vocab::Role;
use serde::Serialize;

/// One line of tables/attrition.csv.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AttritionRow {
    /// 0 for the unit table itself.
    pub step: usize,
    pub name: String,
    pub n_before: u64,
    pub n_removed: u64,
    pub n_after: u64,
    /// Rows left in each group, the reference first. Rows of no group are in `n_after` alone.
    pub by_group: Vec<u64>,
    /// Of these, rows with the event; empty unless the outcome is binomial.
    pub events: Vec<u64>,
}

const KEPT: u32 = u32::MAX;

/// Missing cells of the outcome or a variable, by group, before the rules for missing values removed rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Missingness {
    pub column: String,
    /// `None`: the outcome.
    pub role: Option<Role>,
    /// Rows, and rows without a value, of each group, the reference first.
    pub by_group: Vec<(u64, u64)>,
    /// Of each group: the fewest rows, 0 excepted, by which the missing ones differ from those of a variable before it whose missing rows are
    /// a part of them or hold them. Empty for the outcome.
    pub nested: Vec<Option<u64>>,
}

/// How many rows one of two sets has more, if it holds the other. `None` of an empty set.
pub(super) fn more(a: &[u64], b: &[u64]) -> Option<u64> {
    let count = |of: &dyn Fn(u64, u64) -> u64| a.iter().zip(b).map(|(a, b)| u64::from(of(*a, *b).count_ones())).sum::<u64>();
    match (count(&|a, b| a & !b), count(&|a, b| b & !a)) {
        (0, n) | (n, 0) if n > 0 && count(&|a, b| a & b) > 0 => Some(n),
        _ => None,
    }
}

/// Which step removed each row of the unit table.
#[derive(Clone)]
pub(super) struct Marks {
    removed_by: Vec<u32>,
    names: Vec<String>,
}

impl Marks {
    /// `name` is that of the first line.
    pub fn new(rows: usize, name: String) -> Self {
        Self { removed_by: vec![KEPT; rows], names: vec![name] }
    }

    pub fn is_kept(&self, row: usize) -> bool {
        self.removed_by[row] == KEPT
    }

    /// Rows still there, in file order.
    pub fn kept(&self) -> Vec<u32> {
        self.removed_by.iter().enumerate().filter(|(_, r)| **r == KEPT).map(|(i, _)| i as u32).collect()
    }

    /// Steps so far; the rows of the unit table are none.
    pub fn n_steps(&self) -> usize {
        self.names.len() - 1
    }

    pub fn n_kept(&self) -> usize {
        self.removed_by.iter().filter(|r| **r == KEPT).count()
    }

    /// A step: kept rows for which `remove` is true go. Returns how many.
    pub fn step(&mut self, name: impl Into<String>, remove: impl Fn(usize) -> bool) -> usize {
        let step = self.names.len() as u32;
        self.names.push(name.into());
        let mut n = 0;
        for (row, mark) in self.removed_by.iter_mut().enumerate() {
            if *mark == KEPT && remove(row) {
                *mark = step;
                n += 1;
            }
        }
        n
    }

    /// Kept rows, and those of them for which `is_missing` holds, of each of `n_groups` groups.
    pub fn missing(&self, group: &[u32], n_groups: usize, is_missing: impl Fn(usize) -> bool) -> Vec<(u64, u64)> {
        let mut out = vec![(0, 0); n_groups];
        for row in self.kept() {
            if let Some((n, missing)) = out.get_mut(group[row as usize] as usize) {
                *n += 1;
                *missing += u64::from(is_missing(row as usize));
            }
        }
        out
    }

    /// Which kept rows are missing, group by group, as bits.
    pub fn missing_bits(&self, group: &[u32], n_groups: usize, is_missing: impl Fn(usize) -> bool) -> Vec<Vec<u64>> {
        let mut out = vec![Vec::new(); n_groups];
        let mut seen = vec![0usize; n_groups];
        for row in self.kept() {
            let g = group[row as usize] as usize;
            let (Some(bits), Some(at)) = (out.get_mut(g), seen.get_mut(g)) else { continue };
            if at.is_multiple_of(64) {
                bits.push(0u64);
            }
            if let Some(last) = bits.last_mut() {
                *last |= u64::from(is_missing(row as usize)) << (*at % 64);
            }
            *at += 1;
        }
        out
    }

    /// The lines. `group` has a code for every row of the unit table, `n_groups` groups in all; `outcome` is 1 for an event.
    pub fn lines(&self, group: &[u32], n_groups: usize, outcome: Option<&[f64]>) -> Vec<AttritionRow> {
        let steps = self.names.len();
        let event = |row: usize| u64::from(outcome.is_some_and(|y| y.get(row) == Some(&1.0)));
        let mut events_removed = vec![vec![0u64; n_groups + 1]; steps];
        let mut events = vec![0u64; n_groups + 1];
        // removed[s][g]: rows of group g that step s removed; the last column is for rows of no group.
        let mut removed = vec![vec![0u64; n_groups + 1]; steps];
        let mut left = vec![0u64; n_groups + 1];
        for (row, (mark, g)) in self.removed_by.iter().zip(group).enumerate() {
            let g = if *g == MISSING { n_groups } else { *g as usize };
            left[g] += 1;
            events[g] += event(row);
            if *mark != KEPT {
                removed[*mark as usize][g] += 1;
                events_removed[*mark as usize][g] += event(row);
            }
        }
        let mut lines = Vec::with_capacity(steps);
        for (step, name) in self.names.iter().enumerate() {
            let n_before = left.iter().sum();
            left.iter_mut().zip(&removed[step]).for_each(|(l, r)| *l -= r);
            events.iter_mut().zip(&events_removed[step]).for_each(|(l, r)| *l -= r);
            let n_after = left.iter().sum();
            lines.push(AttritionRow {
                step,
                name: name.clone(),
                n_before,
                n_removed: n_before - n_after,
                n_after,
                by_group: left[..n_groups].to_vec(),
                events: if outcome.is_some() { events[..n_groups].to_vec() } else { Vec::new() },
            });
        }
        lines
    }
}

/// G307 if a step left no row, G308 for each group that a step emptied. `step_at` finds where the study file has the step of a name.
pub(super) fn emptied(lines: &[AttritionRow], labels: &[String], step_at: impl Fn(&str) -> Option<Place>) -> Problems {
    let placed = |problem: Problem, step: &str| match step_at(step) {
        Some(place) => problem.at(place).label("removes them").help("look at what this compares and in which unit, or take the step out"),
        None => problem.help("`joins`, `group` and `missing` of the study file say what such a step removes"),
    };
    let mut problems = Problems::new();
    for pair in lines.windows(2) {
        let (before, after) = (&pair[0], &pair[1]);
        if before.n_after > 0 && after.n_after == 0 {
            let problem = Problem::error(codes::G307, format!("no rows are left after `{}`", after.name));
            problems.push(placed(problem.note(format!("{} rows were there before it", after.n_before)), &after.name));
            return problems;
        }
        for (g, label) in labels.iter().enumerate() {
            if before.by_group[g] > 0 && after.by_group[g] == 0 {
                let problem = Problem::error(codes::G308, format!("group `{label}` has no rows after `{}`", after.name));
                problems.push(placed(problem.note(format!("{} rows were there before it", before.by_group[g])), &after.name));
            }
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_telescope_by_group() {
        let mut marks = Marks::new(5, "rows of t".to_owned());
        assert_eq!(marks.step("odd", |row| row % 2 == 1), 2);
        assert_eq!(marks.step("first", |row| row == 0 || row == 1), 1);
        let lines = marks.lines(&[0, 0, 1, 1, MISSING], 2, Some(&[1.0, 1.0, 1.0, f64::NAN, 1.0]));
        assert_eq!(lines.iter().map(|l| l.events.clone()).collect::<Vec<_>>(), [[2, 1], [1, 1], [0, 1]]);
        assert_eq!(lines.iter().map(|l| (l.n_before, l.n_removed, l.n_after)).collect::<Vec<_>>(), [(5, 0, 5), (5, 2, 3), (3, 1, 2)]);
        assert_eq!(lines.iter().map(|l| l.by_group.clone()).collect::<Vec<_>>(), [[2, 2], [1, 1], [0, 1]]);
        let problems = emptied(&lines, &["a".to_owned(), "b".to_owned()], |_| None);
        assert_eq!(problems.iter().map(|p| p.code).collect::<Vec<_>>(), [codes::G308]);
        assert_eq!(marks.kept(), [2, 4]);
    }
}
