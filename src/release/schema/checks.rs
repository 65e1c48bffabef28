//! How far results hold: other settings, and checks.

use super::parts::{LEAST_EVENTS, LEAST_UNITS, OF_COUNTS, WITHOUT_EVENTS_INDEX, WITHOUT_EVENTS_REFERENCE, WITHOUT_INDEX, WITHOUT_REFERENCE};
use super::{ANALYSIS, BLINDED, CONF_HIGH, CONF_LOW, INDEX_GROUP, TableDecl, WITHHELD, boolean, integer, key, number, text};

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
