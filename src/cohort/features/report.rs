//! What became of the rows of an event table, feature by feature, for outputs and warnings.

use crate::cohort::plan::FeaturePlan;
use crate::error::{Place, Problem, Problems, codes};
use serde::Serialize;

/// Rows of an event table on their way into a feature. Every row that a step takes is in one count, so that the counts telescope.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct FeatureCounts {
    /// Data rows of the table.
    pub rows: u64,
    /// With the key of a unit.
    pub matched: u64,
    /// For which `where` is true.
    pub kept: u64,
    /// Of those not kept: neither true nor false.
    pub where_null: u64,
    /// With a code of the list.
    pub coded: u64,
    /// Of those: without a time, where one is needed.
    pub no_time: u64,
    /// Of those: before the date of birth of every unit that they could count for.
    pub before_birth: u64,
    /// In the window of at least one unit.
    pub in_window: u64,
    /// On an index day that the window ends or begins with, their order to the index date unknown.
    pub same_day: u64,
    /// Of those: that count.
    pub same_day_inside: u64,
    /// In the window and without a value, where one is needed.
    pub no_value: u64,
    /// In a unit that is not known, and set aside.
    pub unknown_unit: u64,
    /// Converted from another unit.
    pub converted: u64,
    /// Outside what is plausible, and set aside.
    pub implausible: u64,
    /// Rows that count.
    pub used: u64,
    /// Times of the table that say no zone, and were read as they stand; `None` without time stamps, or where a source or a query has them.
    pub no_zone: Option<u64>,
    /// Times of the table without a time of day among time stamps, read as midnight.
    pub no_time_of_day: Option<u64>,
}

/// A feature and what it was made of.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FeatureReport {
    pub feature: String,
    pub table: String,
    pub take: &'static str,
    pub window: String,
    pub counts: FeatureCounts,
    /// Units of the cohort before the steps.
    pub units: u64,
    /// Units with an event that counts.
    pub units_with_event: u64,
    /// Units with several events at the time that decides (first, last).
    pub units_tied: u64,
    /// Of those: with differing values.
    pub units_tied_differing: u64,
    pub codes: Vec<CodeCount>,
}

/// A code, prefix or range of a list and what it found among the rows of the cohort's keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CodeCount {
    pub column: String,
    pub code: String,
    pub system: Option<String>,
    pub label: Option<String>,
    /// The file it was read from.
    pub file: Option<String>,
    /// Rows kept by `where` that have it.
    pub rows: u64,
    /// Units that those rows are of.
    pub units: u64,
}

/// Codes named in a message.
const SHOWN: usize = 8;

/// The warnings that the counts call for.
pub(super) fn warn(plan: &FeaturePlan, r: &FeatureReport, warnings: &mut Problems) {
    let c = &r.counts;
    let name = &plan.column.name;
    let place = plan.column.place.clone();
    let mut say = |code, text: String, at: Option<Place>, help: Option<&str>| {
        let problem = Problem::warning(code, format!("feature `{name}`: {text}")).at(at);
        warnings.push(match help {
            Some(help) => problem.help(help),
            None => problem,
        });
    };
    let of = |named: &Option<crate::cohort::plan::Named>| named.as_ref().and_then(|n| n.place.clone()).or_else(|| place.clone());
    if c.where_null > 0 {
        let text = format!("`where` is neither true nor false for {} of {} events, which do not count", c.where_null, c.matched);
        say(codes::G322, text, of(&plan.keep), None);
    }
    if c.no_time > 0 {
        say(codes::G322, format!("{} of {} events have no time and do not count", c.no_time, c.coded), of(&plan.at), None);
    }
    if c.before_birth > 0 {
        let text = format!("{} of {} events are dated before the birth of their unit and do not count", c.before_birth, c.coded);
        say(codes::G322, text, of(&plan.at), None);
    }
    if c.same_day > 0 && plan.same_day.is_none() {
        let counts = if c.same_day_inside > 0 { "and count" } else { "and do not count" };
        let text = format!("{} events lie on the index day {counts}: it is not known whether they came before or after the index date", c.same_day);
        let help = "say `same_day: include` or `same_day: exclude`, end the window at -1d, or give the index date and the events a time of day";
        say(codes::G321, text, of(&plan.at), Some(help));
    }
    if c.no_value > 0 {
        say(codes::G322, format!("{} of {} events in the window have no value and do not count", c.no_value, c.in_window), of(&plan.value), None);
    }
    if c.implausible > 0 {
        let text = format!("{} of {} values lie outside what is plausible and do not count", c.implausible, c.in_window);
        say(codes::G322, text, of(&plan.value), None);
    }
    if r.units_tied_differing > 0 {
        let text = format!(
            "in {} units several events have the same time and different values; the one that stands {} in the file was taken",
            r.units_tied_differing, r.take
        );
        say(codes::G318, text, of(&plan.at), None);
    }
    let missing: Vec<&str> =
        if plan.codes.is_some() { r.codes.iter().filter(|c| c.rows == 0).map(|c| c.code.as_str()).collect() } else { Vec::new() };
    if !missing.is_empty() {
        let more = if missing.len() > SHOWN { format!(" and {} more", missing.len() - SHOWN) } else { String::new() };
        let list = missing.iter().take(SHOWN).copied().collect::<Vec<_>>().join(", ");
        // Without a count of codes: small counts are withheld from outputs.
        let text = format!("codes of its list that match no event of the cohort: {list}{more}");
        let help =
            missing.iter().find(|c| !c.ends_with('*') && !c.contains('-')).map(|c| format!("a code is that code alone; its subcodes are `{c}*`"));
        say(codes::G325, text, plan.codes.as_ref().and_then(|c| c.column.place.clone()), help.as_deref());
    }
}
