//! What is described before anything is divided: the cohort, the groups, the gap.

use super::{INDEX_GROUP, PLACE, TableDecl, WITHHELD, count, integer, key, number, text};

pub static ATTRITION: TableDecl = TableDecl {
    name: "attrition",
    row: "a step of the cohort",
    columns: &[
        integer("step", "", "Position of the step, from 0 for the rows of the unit table."),
        key("name", "Name of the step."),
        count("n_before", "rows", "Rows before the step."),
        count("n_removed", "rows", "Rows that the step removed."),
        count("n_after", "rows", "Rows after the step."),
        integer("n_reference", "rows", "Rows of the reference group after the step; null where the group is not known yet."),
        integer("n_index", "rows", "Rows of the index group after the step; null where the group is not known yet."),
        WITHHELD,
        integer(
            "events_reference",
            "events",
            "Of the rows of the reference group after the step, those with the event; null unless the outcome is binomial.",
        ),
        integer(
            "events_index",
            "events",
            "Of the rows of the index group after the step, those with the event; null unless the outcome is binomial.",
        ),
    ],
    hidden: &[],
};

pub static JOINS: TableDecl = TableDecl {
    name: "joins",
    row: "a join of the cohort",
    columns: &[
        key("joined_table", "The joined table."),
        key("key", "The columns to join by: of the joined row, = of the table where it is called differently."),
        key("unmatched", "What happens to rows without a match: error, drop (a step of attrition) or keep (nulls)."),
        integer("n_rows", "rows", "Rows of the cohort before the join."),
        integer("n_matched", "rows", "Rows with a row in the table."),
        integer("n_unmatched", "rows", "Rows without."),
        integer("n_table", "rows", "Rows of the table."),
        WITHHELD,
    ],
    hidden: &[integer("_after_step", "", "Steps of attrition before the join.")],
};

pub static TABLE_ONE: TableDecl = TableDecl {
    name: "table_one",
    row: "a variable, or a level of it, in one contrast of groups",
    columns: &[
        INDEX_GROUP,
        key("block", "The block of the variable, or allowable."),
        key("variable", "The variable as the study file names it."),
        text("level", "The level, for a categorical variable; null for a number."),
        number("mean_reference", "variable", "Mean in the reference group, of known values; for a level the proportion."),
        number("sd_reference", "variable", "Standard deviation in the reference group."),
        number("mean_index", "variable", "Mean in the index group, of known values; for a level the proportion."),
        number("sd_index", "variable", "Standard deviation in the index group."),
        number("smd", "", "Standardised mean difference, index minus reference; of the whole variable for a categorical one."),
        integer("n_missing_reference", "units", "Reference units without a value."),
        integer("n_missing_index", "units", "Index units without a value."),
        number("smd_weighted", "", "Standardised mean difference after weighting reference units to the index group: the balance check of family A."),
        WITHHELD,
    ],
    hidden: &[
        integer("_n_reference", "units", "Reference units with a value of the variable."),
        integer("_n_index", "units", "Index units with a value of the variable."),
        integer(
            "_count_reference",
            "units",
            "Reference units at the level, or at the higher value of a number with two values; null for other numbers.",
        ),
        integer("_count_index", "units", "Index units at the level, or at the higher value of a number with two values; null for other numbers."),
        PLACE,
    ],
};

pub static GAP: TableDecl = TableDecl {
    name: "gap",
    row: "the gap on one scale",
    columns: &[
        INDEX_GROUP,
        key("reference_group", "The reference group, as the study file writes it."),
        key("outcome", "The outcome column."),
        key("scale", "risk_difference, risk_ratio, odds_ratio, mean_difference, rate_difference or rate_ratio."),
        number("estimate", "scale", "The gap, index minus reference, or the ratio index over reference."),
        number("std_error", "scale", "Standard error; of the logarithm for a ratio."),
        number("conf_low", "scale", "Lower confidence limit; exponentiated for a ratio."),
        number("conf_high", "scale", "Upper confidence limit; exponentiated for a ratio."),
        number("mean_reference", "outcome", "Mean outcome (risk, mean, rate) of the reference group."),
        number("mean_index", "outcome", "Mean outcome (risk, mean, rate) of the index group."),
        count("n_reference", "units", "Reference units."),
        count("n_index", "units", "Index units."),
        WITHHELD,
        number("mean_reference_conf_low", "outcome", "Lower confidence limit of mean_reference."),
        number("mean_reference_conf_high", "outcome", "Upper confidence limit of mean_reference."),
        number("mean_index_conf_low", "outcome", "Lower confidence limit of mean_index."),
        number("mean_index_conf_high", "outcome", "Upper confidence limit of mean_index."),
    ],
    hidden: &[
        integer("_events_reference", "events", "Events among reference units; null for a gaussian outcome."),
        integer("_events_index", "events", "Events among index units; null for a gaussian outcome."),
    ],
};
