//! The parts of the gap, and the hospital method's own tables.

use super::models::HIDDEN_TERM;
use super::{
    ANALYSIS, BLINDED, CONF_HIGH, CONF_LOW, ColumnDecl, ESTIMATE, INDEX_GROUP, STD_ERROR, TableDecl, WITHHELD, count, flag, integer, key, number,
    text,
};

pub static DECOMPOSITION: TableDecl = TableDecl {
    name: "decomposition",
    row: "a part of a gap, or a component of a part",
    columns: &[
        INDEX_GROUP,
        ANALYSIS,
        key("method", "The method's key in the study file."),
        key("part", "gap, allowable, explained, unexplained (or endowments, coefficients, interaction; unexplained_index, unexplained_reference)."),
        key("component", "total, or the block (allowable, intercept, model_misfit) that this is the component of."),
        number("estimate", "scale", "The contribution."),
        number("std_error", "scale", "Its standard error."),
        number("conf_low", "scale", "Lower confidence limit."),
        number("conf_high", "scale", "Upper confidence limit."),
        number("share", "", "estimate / (gap total - allowable total); null where the interval of that denominator covers 0."),
        number("share_conf_low", "", "Lower limit of share (Fieller)."),
        number("share_conf_high", "", "Upper limit of share (Fieller)."),
        number("order_min", "scale", "Smallest contribution over all orders of the blocks."),
        number("order_max", "scale", "Largest contribution over all orders of the blocks."),
        number("sequential", "scale", "Contribution in the study's order."),
        number("first_in", "scale", "Contribution when the block enters first."),
        number("last_in", "scale", "Contribution when the block enters last."),
        key("scale", "risk_difference, mean_difference, rate_difference, log_odds or probit_index."),
        WITHHELD,
        BLINDED,
        text("reason", "Why the row is null: its analysis could not be estimated, or the data do not define it."),
        text(
            "family",
            "The question that the method asks: A (with and without the blocks), B (blocks equalised), M (mechanisms switched), treatment, peer (a convention of other programs).",
        ),
        number("shapley", "scale", "Contribution averaged over all orders."),
        POPULATION,
        number(
            "missing_information",
            "",
            "Fraction of the information about the estimate that is lost to missing values; null without multiple imputation.",
        ),
        number("std_error_cv3", "scale", "Standard error by leaving out each cluster in turn; null without `small_clusters: cv3`."),
    ],
    hidden: &[WITHOUT_REFERENCE, WITHOUT_INDEX, WITHOUT_EVENTS_REFERENCE, WITHOUT_EVENTS_INDEX, OF_COUNTS, LEAST_UNITS, LEAST_EVENTS],
};

pub static DECOMPOSITION_DETAIL: TableDecl = TableDecl {
    name: "decomposition_detail",
    row: "a term of a part",
    columns: &[
        INDEX_GROUP,
        ANALYSIS,
        key("method", "The method's key in the study file."),
        key("part", "The part that the term contributes to, as in decomposition; counterfactual_mean: a mean that the parts are differences of."),
        key("block", "The block of the term, allowable or intercept; switched for a counterfactual mean."),
        key("term", "The term, as in coefficients; for a counterfactual mean the mechanisms that are as among reference units."),
        number("estimate", "scale", "The term's contribution; the terms of a block sum to its component."),
        number("std_error", "scale", "Its standard error."),
        number("conf_low", "scale", "Lower confidence limit."),
        number("conf_high", "scale", "Upper confidence limit."),
        text("variable", "The variable that the term codes."),
        WITHHELD,
    ],
    hidden: HIDDEN_TERM,
};

const POPULATION: ColumnDecl = text("population", "Of the hospital method, where the row is not of every unit: the hospitals whose units it is of.");

/// Of the hospital method: what is not in the population of a row, with the whole in other rows.
pub(super) const WITHOUT_REFERENCE: ColumnDecl =
    integer("_population_without_reference", "units", "Of the hospital method: reference units that are not in the population of the row.");
pub(super) const WITHOUT_INDEX: ColumnDecl =
    integer("_population_without_index", "units", "Of the hospital method: index units that are not in the population of the row.");
pub(super) const WITHOUT_EVENTS_REFERENCE: ColumnDecl =
    integer("_population_without_events_reference", "events", "Events of these reference units; null for a gaussian outcome.");
pub(super) const WITHOUT_EVENTS_INDEX: ColumnDecl =
    integer("_population_without_events_index", "events", "Events of these index units; null for a gaussian outcome.");
pub(super) const OF_COUNTS: ColumnDecl =
    flag("_of_counts", "Of the hospital method: the number follows from units and outcomes of each hospital alone.");
pub(super) const LEAST_UNITS: ColumnDecl =
    integer("_least_units", "units", "Units of the smallest part of a group that the method fits by itself; null for other methods.");
pub(super) const LEAST_EVENTS: ColumnDecl = integer(
    "_least_events",
    "events",
    "The fewest events, or non-events of an outcome that has them, of such a part; null for a gaussian outcome and for other methods.",
);

pub static HOSPITAL: TableDecl = TableDecl {
    name: "hospital",
    row: "a row of the hospital module",
    columns: &[
        INDEX_GROUP,
        ANALYSIS,
        key("row", "where_they_go, how_they_fare_there, difference, standardised_risk, kitagawa_between, kitagawa_within, ...: docs/hospital.md."),
        text("family", "A (reference units' outcomes), B (index units' own) or A,B; null for rows that are of neither."),
        ESTIMATE,
        STD_ERROR,
        CONF_LOW,
        CONF_HIGH,
        WITHHELD,
        BLINDED,
        text("reason", "Why the row is null."),
        POPULATION,
    ],
    hidden: &[WITHOUT_REFERENCE, WITHOUT_INDEX, WITHOUT_EVENTS_REFERENCE, WITHOUT_EVENTS_INDEX, OF_COUNTS],
};

pub static HOSPITAL_UNITS: TableDecl = TableDecl {
    name: "hospital_units",
    row: "a hospital",
    columns: &[
        INDEX_GROUP,
        text("hospital", "The hospital; null where the row is withheld."),
        count("n_reference", "units", "Reference units."),
        count("n_index", "units", "Index units."),
        number("between", "outcome", "Its part of kitagawa_between."),
        number("within", "outcome", "Its part of kitagawa_within; 0 by convention where the hospital lacks a group."),
        number("observed", "outcome", "Observed mean outcome of both groups together."),
        number("expected", "outcome", "Expected mean outcome given the patients, by the model of both groups without hospitals."),
        number("effect", "link", "Random intercept, shrunken: a description, not a ranking."),
        number("conf_low", "link", "Lower confidence limit of effect."),
        number("conf_high", "link", "Upper confidence limit of effect."),
        WITHHELD,
        key("analysis", "Name of the analysis in the study file."),
        number("observed_to_expected", "", "observed / expected."),
        number(
            "between_centred",
            "outcome",
            "Its part of the between-hospital component, its outcomes as deviations from the groups' mean: the same sum.",
        ),
        number("between_adjusted", "outcome", "Its part of the between-hospital component of case-mix-adjusted outcomes."),
        number("within_adjusted", "outcome", "Its part of the within-hospital component of case-mix-adjusted outcomes."),
    ],
    hidden: &[
        integer("_events_reference", "events", "Events of reference units; null with a gaussian outcome."),
        integer("_events_index", "events", "Events of index units."),
        text("_id", "The column of hospital ids."),
        OF_COUNTS,
    ],
};
