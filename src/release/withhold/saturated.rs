//! Sets of one variable with levels: the model then says of each level its events over its units, and every estimate that rests on it is a sum over
//! levels of counts. In full precision, less the terms of the levels that are shown, it is solved by one set of whole numbers: the counts of the
//! levels that are not. A second variable makes predictions of the cells within levels, whose counts are nowhere shown.

use super::levels::HiddenLevels;
use super::{ESTIMATES, Ledger, Rule};
use crate::release::schema::{COEFFICIENTS, MODELS};
use crate::release::{Meta, Table};
use indexmap::IndexMap;
use std::collections::HashSet;

/// (index group, set of blocks) with a level that must not be told.
pub(super) struct Saturated(HashSet<(String, String)>);

impl Saturated {
    pub(super) fn of(meta: &Meta, tables: &IndexMap<&'static str, Table>, hidden: &HiddenLevels, rule: Rule) -> Self {
        let sets: Vec<(&str, &str)> = match meta.allowable.as_slice() {
            [] => meta.blocks.iter().filter_map(|(b, v)| if let [v] = v.as_slice() { Some((b.as_str(), v.as_str())) } else { None }).collect(),
            [one] => vec![("none", one)],
            _ => Vec::new(),
        };
        let mut out = HashSet::new();
        for group in &meta.index {
            for (set, variable) in &sets {
                if hidden.of(group, variable).next().is_some() || few_events(tables, group, set, rule, meta.family == "binomial") {
                    out.insert((group.clone(), (*set).to_owned()));
                }
            }
        }
        Self(out)
    }

    fn set_of(&self, table: &Table, row: usize) -> bool {
        let key = ["index_group", "blocks"].map(|c| table.text(row, c).to_owned());
        self.0.contains(&key.into())
    }

    /// A table with a row a set: the rows of these sets.
    pub(super) fn sets(&self, table: &mut Table, columns: &[&str], ledger: &mut Ledger) {
        for row in 0..table.rows.len() {
            if self.set_of(table, row) {
                ledger.withhold(table, row, columns);
            }
        }
    }

    /// Parts and variations of the gap: the differences between sets would give these sets.
    pub(super) fn parts(&self, table: &mut Table, ledger: &mut Ledger) {
        for row in 0..table.rows.len() {
            let group = table.text(row, "index_group");
            if table.text(row, "part") != "gap" && self.0.iter().any(|(g, _)| g == group) {
                ledger.withhold(table, row, ESTIMATES);
            }
        }
    }
}

/// Whether a level, the base included, has few events or others in a fit of the set.
fn few_events(tables: &IndexMap<&'static str, Table>, group: &str, set: &str, rule: Rule, binomial: bool) -> bool {
    let (Some(models), Some(terms)) = (tables.get(MODELS.name), tables.get(COEFFICIENTS.name)) else { return false };
    const FIT: [&str; 5] = ["index_group", "blocks", "analysis", "fitted_in", "link"];
    let of_set = |t: &Table, r: usize| t.text(r, "index_group") == group && t.text(r, "blocks") == set;
    (0..models.rows.len()).filter(|&m| of_set(models, m)).any(|m| {
        let same =
            |r: &usize| FIT.iter().all(|c| terms.text(*r, c) == models.text(m, c)) && terms.flag(*r, "with_group") == models.flag(m, "with_group");
        let (Some(n), Some(events)) = (models.int(m, "n"), models.int(m, "events")) else { return false };
        let levels: Vec<Option<[i64; 2]>> = (0..terms.rows.len())
            .filter(|r| same(r) && !terms.text(*r, "_variable").is_empty())
            .map(|r| {
                let at = |c: &str| terms.int(r, c);
                let units = match terms.text(r, "fitted_in") {
                    "reference" => at("_n_level_reference")?,
                    "index" => at("_n_level_index")?,
                    _ => at("_n_level_reference")? + at("_n_level_index")?,
                };
                Some([units, at("_events_level")?])
            })
            .collect();
        // A number has no levels.
        let Some(levels) = levels.into_iter().collect::<Option<Vec<[i64; 2]>>>().filter(|l| !l.is_empty()) else { return false };
        let base = levels.iter().fold([n, events], |rest, [n, e]| [rest[0] - n, rest[1] - e]);
        levels.iter().chain([&base]).any(|[n, e]| rule.few(*e) || binomial && rule.few(n - e))
    })
}
