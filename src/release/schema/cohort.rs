//! Tables about the making of the cohort: features and the code lists behind them.

use super::{TableDecl, WITHHELD, count, integer, key, number, text};

pub static FEATURES: TableDecl = TableDecl {
    name: "features",
    row: "a feature and what became of the rows of its event table",
    columns: &[
        key("feature", "The feature as the study file names it."),
        key("table", "Its event table."),
        key("take", "How the events of a unit become one value."),
        key("window", "Bounds relative to the index date, included; or any_time."),
        count("n_rows", "rows", "Data rows of the event table."),
        count("n_matched", "rows", "Of those: with the key of a unit of the cohort, before its steps."),
        count("n_kept", "rows", "Of those: for which `where` is true; all without one."),
        count("n_where_null", "rows", "Not kept because `where` is neither true nor false."),
        count("n_coded", "rows", "Of those kept: with a code of the list, or of the score; all without one."),
        count(
            "n_no_time",
            "rows",
            "Of those: set aside for want of a time; none where the value does not depend on it (any_time, but for first and last).",
        ),
        count("n_before_birth", "rows", "Of those: set aside because they are dated before the birth of their units."),
        count("n_in_window", "rows", "Of those: in the window of at least one unit."),
        count(
            "n_same_day",
            "rows",
            "On the index day, where the window ends or begins with it: their order to the index date is not known; they count, or do not, by `same_day`.",
        ),
        count("n_no_value", "rows", "In the window and set aside for want of a value."),
        count("n_unknown_unit", "rows", "In the window and set aside because their unit of measurement is not known."),
        count("n_converted", "rows", "Converted from another unit of measurement."),
        count("n_implausible", "rows", "In the window and set aside because they lie outside what is plausible."),
        count("n_used", "rows", "Rows that count for at least one unit."),
        count("n_units", "units", "Units of the cohort before its steps."),
        count("n_units_with_event", "units", "Units with at least one row that counts."),
        count("n_units_tied", "units", "First and last: units with several rows at the time that decides; the order of the file decided."),
        count("n_units_tied_differing", "units", "Of those: with differing values."),
        WITHHELD,
        integer(
            "n_without_zone",
            "rows",
            "Time stamps in the time column of the table that say no zone and were read as they stand; null for dates, sources and queries.",
        ),
        integer("n_without_time_of_day", "rows", "Dates among the time stamps of that column, read as midnight."),
    ],
    hidden: &[integer("_fewest_code", "units", "Smallest number of units, 0 excepted, that a code of the list was found in.")],
};

pub static CODE_LISTS: TableDecl = TableDecl {
    name: "code_lists",
    row: "a code, prefix or range of the code list of a feature",
    columns: &[
        key("feature", "The feature as the study file names it."),
        key("table", "Its event table."),
        key("column", "The column of codes."),
        text("system", "Coding system, as the list says."),
        key("code", "The code; a prefix ends with *, a range is two codes with a hyphen."),
        text("label", "What it stands for, as the list says; for a score the condition."),
        text("file", "The name of the file of the list, whose path stands in run.json; null for codes of the study file and of scores."),
        count("n_rows", "rows", "Rows of units of the cohort, kept by `where`, that have it; the window is not applied."),
        count("n_units", "units", "Units that those rows are of."),
        WITHHELD,
    ],
    hidden: &[],
};

pub static CODING: TableDecl = TableDecl {
    name: "coding",
    row: "the events that features of codes choose from, among the units of a group",
    columns: &[
        key("table", "The event table."),
        key("column", "The column of codes."),
        key("window", "Bounds relative to the index date, included; or any_time."),
        key("features", "The features that choose from these events, joined by +."),
        key("place", "The column whose values are hospitals: of the hospital method, else of fixed effects, else of clusters."),
        key("side", "all, reference or index."),
        text("group", "The group, as the study file writes it; null for all groups together."),
        count("n_units", "units", "Units of the analysis."),
        integer("n_places", "hospitals", "Hospitals with at least one of them."),
        integer(
            "n_places_large",
            "hospitals",
            "Hospitals with at least 30 of them (or `release: min_cell`, if that is more): the shares below are theirs.",
        ),
        integer(
            "n_without",
            "units",
            "Units without an event with a code in the window, whatever the code; units without a key or an index date are among them.",
        ),
        number("share_without", "", "n_without / n_units."),
        number("mean_events", "", "Mean number of events with a code in the window, a unit."),
        number("share_min", "", "Smallest share_without of a hospital."),
        number("share_p10", "", "The share of the hospital at the 10th percentile: the smallest that at least 10% of hospitals do not exceed."),
        number("share_p25", "", "The share of the hospital at the 25th percentile."),
        number("share_median", "", "The share of the hospital at the 50th percentile."),
        number("share_p75", "", "The share of the hospital at the 75th percentile."),
        number("share_p90", "", "The share of the hospital at the 90th percentile."),
        number("share_max", "", "Largest share_without of a hospital."),
        WITHHELD,
    ],
    hidden: &[
        integer("_events", "rows", "Events with a code of these units."),
        integer("_nearest", "units", "Smallest difference, 0 excepted, of n_without from that of the group in the rows of other events before."),
        integer(
            "_fewest_min",
            "units",
            "Fewest units, 0 excepted, with or without an event at the hospital of share_min; of a group's row in any group.",
        ),
        integer("_fewest_p10", "units", "The same of share_p10."),
        integer("_fewest_p25", "units", "The same of share_p25."),
        integer("_fewest_median", "units", "The same of share_median."),
        integer("_fewest_p75", "units", "The same of share_p75."),
        integer("_fewest_p90", "units", "The same of share_p90."),
        integer("_fewest_max", "units", "The same of share_max."),
        integer("_fewest_rest", "units", "The same of all hospitals together that have so few, whose sum would follow from the others."),
    ],
};

/// The shares of hospitals in [`CODING`], by the ends of their columns, with the share of hospitals that do not exceed them.
pub const CODING_SHARES: [(&str, f64); 7] = [("min", 0.0), ("p10", 0.1), ("p25", 0.25), ("median", 0.5), ("p75", 0.75), ("p90", 0.9), ("max", 1.0)];

/// Columns of [`FEATURES`] that are counts of the cohort's events and units.
pub const FEATURE_COUNTS: [&str; 18] = [
    "n_matched",
    "n_kept",
    "n_where_null",
    "n_coded",
    "n_no_time",
    "n_before_birth",
    "n_in_window",
    "n_same_day",
    "n_no_value",
    "n_unknown_unit",
    "n_converted",
    "n_implausible",
    "n_used",
    "n_units_with_event",
    "n_units_tied",
    "n_units_tied_differing",
    "n_without_zone",
    "n_without_time_of_day",
];

/// Columns of [`FEATURES`] each of which counts rows of the one before it.
pub const FEATURE_CHAIN: [&str; 5] = ["n_matched", "n_kept", "n_coded", "n_in_window", "n_used"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_counts_are_columns() {
        let has = |name: &str| FEATURES.columns.iter().any(|c| c.name == name);
        assert!(FEATURE_COUNTS.iter().all(|c| has(c)) && FEATURE_CHAIN.iter().all(|c| FEATURE_COUNTS.contains(c)));
    }
}
