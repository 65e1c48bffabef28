//! The cohort flow: its counts telescope, so a small removal is the difference of two large counts.
//!
//! Kept are the counts of those steps between which nothing small happened; the steps between are shown by name only, and
//! what they removed together is the difference of what is kept. Totals are decided first; the counts by group stand on
//! steps whose total is kept and that are apart by 0 or at least `min_cell` in the reference group, in every index group
//! and in the rows of neither. Differences of kept counts are sums of such differences, so none is small. Events by group stand where their
//! steps, and the events and other rows between them, keep the same rule.

use super::{Ledger, Rule};
use crate::error::{Problem, Problems, codes};
use crate::release::Table;
use crate::release::schema::{attrition_event_columns, attrition_index_columns};

/// Rows of the cohort after so many steps.
pub(super) struct Level {
    pub total: i64,
    /// Reference, each index group, neither; `None` where the groups are not known.
    pub groups: Option<Vec<i64>>,
}

/// The rows before the first step and after each, and which of these counts are shown: for other tables that count the same rows.
#[derive(Default)]
pub(super) struct Flow {
    pub levels: Vec<Level>,
    pub totals: Vec<bool>,
    pub groups: Vec<bool>,
}

/// Errors: `G901` if n_before - n_removed is not n_after, or n_before not the n_after before it.
pub(super) fn withhold(table: &mut Table, rule: Rule, ledger: &mut Ledger) -> Result<Flow, Problems> {
    let index = attrition_index_columns(table);
    let levels = read(table, &index)?;
    let (totals, groups) = kept(&levels, rule);
    let events = kept_events(table, &levels, &groups, rule);
    let of_events = attrition_event_columns(table);
    let of_events: Vec<&str> = of_events.iter().map(String::as_str).collect();
    let by_group: Vec<&str> = std::iter::once("n_reference").chain(index.iter().map(String::as_str)).collect();
    for row in 0..table.rows.len() {
        if !totals[row] {
            ledger.withhold(table, row, &["n_before"]);
        }
        if !totals[row + 1] {
            ledger.withhold(table, row, &["n_after"]);
        }
        if !totals[row] || !totals[row + 1] {
            ledger.withhold(table, row, &["n_removed"]);
        }
        if !groups[row + 1] {
            ledger.withhold(table, row, &by_group);
        }
        if !events[row + 1] {
            ledger.withhold(table, row, &of_events);
        }
    }
    Ok(Flow { levels, totals, groups })
}

/// The counts before the first step and after each step.
fn read(table: &Table, index: &[String]) -> Result<Vec<Level>, Problems> {
    let mut levels: Vec<Level> = Vec::new();
    for row in 0..table.rows.len() {
        let count = |column: &str| table.int(row, column).unwrap_or(-1);
        let (before, removed, after) = (count("n_before"), count("n_removed"), count("n_after"));
        let joined = levels.last().is_none_or(|l| l.total == before);
        if before - removed != after || removed < 0 || after < 0 || !joined {
            return Err(vec![Problem::error(codes::G901, format!("the counts of attrition step {row} do not telescope"))]);
        }
        if row == 0 {
            levels.push(Level { total: before, groups: None });
        }
        let mut groups: Option<Vec<i64>> =
            std::iter::once("n_reference").chain(index.iter().map(String::as_str)).map(|c| table.int(row, c)).collect();
        if let Some(g) = &mut groups {
            g.push(after - g.iter().sum::<i64>());
        }
        levels.push(Level { total: after, groups });
    }
    Ok(levels)
}

/// For each level, whether its total is kept and whether its counts by group are.
fn kept(levels: &[Level], rule: Rule) -> (Vec<bool>, Vec<bool>) {
    let mut totals = vec![false; levels.len()];
    let mut groups = vec![false; levels.len()];
    let Some(last) = levels.last() else { return (totals, groups) };
    let small_in = |l: &Level| l.groups.as_ref().is_some_and(|g| g.iter().any(|&n| rule.small(n)));
    // With a small group at the end, the total less the sizes that table gap shows would be its size.
    let end_shown = !rule.small(last.total) && !small_in(last);
    let mut below = last.total;
    let mut anchored = end_shown;
    for (at, level) in levels.iter().enumerate().rev() {
        let step = level.total - below;
        totals[at] = !rule.small(level.total) && !rule.small(step) && (anchored || step > 0);
        if totals[at] {
            below = level.total;
            anchored = true;
        }
    }
    // The sizes at the end are known from table gap even where this row is withheld.
    let mut below: Option<Vec<i64>> = last.groups.clone();
    for (at, level) in levels.iter().enumerate().rev() {
        let Some(now) = &level.groups else { continue };
        let near = below.as_ref().is_some_and(|b| now.iter().zip(b).any(|(n, m)| rule.small(n - m)));
        groups[at] = totals[at] && !small_in(level) && !near;
        if groups[at] {
            below = Some(now.clone());
        }
    }
    (totals, groups)
}

/// For each level, whether its events by group are kept: where the rows by group are, and events and other rows are both not few, in every
/// group, nor apart by few from those of the next level that is kept. Those at the end are known from table gap.
fn kept_events(table: &Table, levels: &[Level], groups: &[bool], rule: Rule) -> Vec<bool> {
    let columns = attrition_event_columns(table);
    // (events, other rows) of the reference and each index group after the step.
    let split = |at: usize| -> Option<Vec<(i64, i64)>> {
        let sizes = levels[at].groups.as_ref()?;
        let events: Option<Vec<i64>> = columns.iter().map(|c| table.int(at.checked_sub(1)?, c)).collect();
        Some(events?.into_iter().zip(sizes).map(|(e, n)| (e, n - e)).collect())
    };
    let mut kept = vec![false; levels.len()];
    let mut below = levels.len().checked_sub(1).and_then(split);
    for at in (0..levels.len()).rev() {
        let Some(now) = split(at) else { continue };
        let few = now.iter().any(|(e, o)| rule.small(*e) || rule.small(*o));
        let near = below.iter().flatten().zip(&now).any(|((e, o), (a, b))| rule.small(a - e) || rule.small(b - o));
        kept[at] = groups[at] && !few && !near;
        if kept[at] {
            below = Some(now);
        }
    }
    kept
}
