//! How far results hold: other settings, and checks.

use super::parts::{LEAST_EVENTS, LEAST_UNITS, OF_COUNTS, WITHOUT_EVENTS_INDEX, WITHOUT_EVENTS_REFERENCE, WITHOUT_INDEX, WITHOUT_REFERENCE};
use super::{
    ANALYSIS, BLINDED, BLOCKS, CONF_HIGH, CONF_LOW, INDEX_GROUP, STD_ERROR, TableDecl, WITHHELD, boolean, count, integer, key, number, text,
};

pub static SENSITIVITY: TableDecl = TableDecl {
    name: "sensitivity",
    row: "one variation of an analysis",
    columns: &[
        INDEX_GROUP,
        ANALYSIS,
        key(
            "variation",
            "What was varied: order, estimator, learner, surface, target, trimming, leave_one_out, contested, allowable, e_value, ovb, park, unmeasured \
             or negative_control.",
        ),
        text("setting", "What it was set to, or the block or variable that the row is about."),
        key("component", "As in decomposition where part is given: total or a block; otherwise the figure, such as e_value or robustness_value."),
        number("estimate", "scale", "The estimate under this setting, or the figure; index minus reference for a gap."),
        number("std_error", "scale", "Its standard error, by influences; of ovb the classical one, of a ratio that of its logarithm."),
        CONF_LOW,
        CONF_HIGH,
        text("part", "The part of the gap, as in decomposition; null for other figures."),
        text("scale", "The scale of the estimate; null for figures without one, such as partial R2."),
        integer("n_reference", "units", "Trimming and negative controls: reference units that the row is of; null where it is withheld."),
        integer("n_index", "units", "Trimming and negative controls: index units that the row is of; null where it is withheld."),
        BLINDED,
        text("reason", "Why the row is null: it could not be estimated, or is not defined."),
        WITHHELD,
    ],
    hidden: &[
        integer("_left_out_reference", "units", "Trimming and negative controls: reference units that are left out."),
        integer("_left_out_index", "units", "Trimming and negative controls: index units that are left out."),
        integer("_events_reference", "events", "Trimming and negative controls: events among these reference units; null for a gaussian outcome."),
        integer("_events_index", "events", "Trimming and negative controls: events among these index units; null for a gaussian outcome."),
        integer("_count", "units", "Units that a figure of a learner counts."),
        integer("_of", "units", "All units that it is a share of."),
        text("_variables", "Variables that were moved by themselves, or that a benchmark is made of; null for other rows."),
        WITHOUT_REFERENCE,
        WITHOUT_INDEX,
        WITHOUT_EVENTS_REFERENCE,
        WITHOUT_EVENTS_INDEX,
        OF_COUNTS,
        LEAST_UNITS,
        LEAST_EVENTS,
    ],
};

pub static MISSINGNESS: TableDecl = TableDecl {
    name: "missingness",
    row: "a group and the outcome or a variable",
    columns: &[
        key("group", "The group, as the study file writes it."),
        text("block", "The block of the variable, or allowable; null for the outcome."),
        key("variable", "The outcome or the variable."),
        count(
            "n",
            "units",
            "Units of the group, before any is dropped for a missing value; for variables those whose outcome is known or weighted for.",
        ),
        integer("n_missing", "units", "Units without a value."),
        number("share_missing", "", "n_missing / n."),
        key("rule", "What happens to them: the rule under `missing`."),
        WITHHELD,
    ],
    hidden: &[integer(
        "_nested",
        "units",
        "Fewest units, 0 excepted, that lack this variable and not one before it, or the reverse, where the others lack both or neither.",
    )],
};

pub static MISSING_METHODS: TableDecl = TableDecl {
    name: "missing_methods",
    row: "a part of the primary gap under one treatment of missing values",
    columns: &[
        INDEX_GROUP,
        ANALYSIS,
        key("missing", "study (the rules of the study file), complete_case, indicator or multiple_imputation."),
        key("part", "As in decomposition."),
        key("component", "As in decomposition."),
        number("estimate", "scale", "The contribution."),
        STD_ERROR,
        CONF_LOW,
        CONF_HIGH,
        number("share", "", "As in decomposition."),
        integer("n_reference", "units", "Reference units in the analysis; null where it is withheld."),
        integer("n_index", "units", "Index units in the analysis; null where it is withheld."),
        text("reason", "Why the row is null: it could not be estimated."),
        WITHHELD,
    ],
    hidden: &[
        integer("_left_out_reference", "units", "Reference units fewer than under the study's rules; negative if more."),
        integer("_left_out_index", "units", "Index units fewer than under the study's rules; negative if more."),
        integer("_events_reference", "events", "Events among the reference units; null for a gaussian outcome."),
        integer("_events_index", "events", "Events among the index units; null for a gaussian outcome."),
    ],
};

pub static DIAGNOSTICS: TableDecl = TableDecl {
    name: "diagnostics",
    row: "a check",
    columns: &[
        text("index_group", "The index group; null for a check of the whole study."),
        text("blocks", "The set of blocks that the check is of; null for a check of the whole study."),
        key("check", "Name of the check."),
        number("value", "", "What was found."),
        number("threshold", "", "The limit; null where the row only informs."),
        boolean("passed", "Whether value is within threshold; null where the row only informs."),
        text("message", "What it means, in a sentence. Holds no count of units."),
        WITHHELD,
    ],
    hidden: &[
        integer("_count", "units", "The number of units behind value, when value is a count or a share of units; null otherwise."),
        integer("_of", "units", "The units that _count is a part of; null when there is no such total."),
        OF_COUNTS,
    ],
};

pub static OVERLAP: TableDecl = TableDecl {
    name: "overlap",
    row: "a bin of the log-odds of being index, by one group model",
    columns: &[
        INDEX_GROUP,
        BLOCKS,
        number("low", "log-odds", "Lower end of the bin, included."),
        number("high", "log-odds", "Upper end. Bins are joined until each holds no unit of a group or at least `release: min_cell`."),
        count("n_reference", "units", "Reference units of the group model in the bin."),
        count("n_index", "units", "Index units in the bin."),
        number("share_reference", "", "Share of the reference units' weight that lies in the bin."),
        number("share_index", "", "Share of the index units' weight that lies in the bin."),
        WITHHELD,
    ],
    hidden: &[],
};
