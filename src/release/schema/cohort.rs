//! Tables about the making of the cohort: features and the code lists behind them.

use super::{TableDecl, WITHHELD, count, integer, key, text};

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
        count("n_no_time", "rows", "Of those: set aside for want of a time."),
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
        text("file", "The file of the list; null for codes of the study file and of scores."),
        count("n_rows", "rows", "Rows of units of the cohort, kept by `where`, that have it; the window is not applied."),
        count("n_units", "units", "Units that those rows are of."),
        WITHHELD,
    ],
    hidden: &[],
};

/// Columns of [`FEATURES`] that are counts of the cohort's events and units.
pub const FEATURE_COUNTS: [&str; 16] = [
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
];

/// Columns of [`FEATURES`] each of which counts rows of the one before it.
pub const FEATURE_CHAIN: [&str; 5] = ["n_matched", "n_kept", "n_coded", "n_in_window", "n_used"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_counts_are_columns() {
        let has = |name: &&str| FEATURES.columns.iter().any(|c| c.name == *name);
        assert!(FEATURE_COUNTS.iter().all(|c| has(&c)) && FEATURE_CHAIN.iter().all(|c| FEATURE_COUNTS.contains(c)));
    }
}
