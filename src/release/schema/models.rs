//! The fitted models, and the adjusted gaps that they give.

use super::{ANALYSIS, BLINDED, BLOCKS, ColumnDecl, INDEX_GROUP, PLACE, TableDecl, WITHHELD, boolean, count, integer, key, number, text};

pub static MODELS: TableDecl = TableDecl {
    name: "models",
    row: "a fitted outcome model",
    columns: &[
        INDEX_GROUP,
        BLOCKS,
        key("fitted_in", "reference, index or pooled: the units that the model was fitted on."),
        key("family", "gaussian, binomial or poisson."),
        count("n", "units", "Units in the fit."),
        integer("events", "events", "Events in the fit; null for a gaussian outcome."),
        integer("k", "", "Coefficients."),
        number("loglik", "", "Log-likelihood at the estimate."),
        number("aic", "", "Akaike's information criterion."),
        number("auc", "", "c-statistic in the fitted units; null unless binomial."),
        number("brier", "", "Mean squared difference of outcome and fitted risk; null unless binomial."),
        boolean("converged", "Whether the fit reached its tolerance."),
        integer("iterations", "", "Newton steps."),
        text("analysis", "The analysis that uses the model."),
        text("link", "identity, logit, probit or log."),
        boolean("with_group", "Whether the group indicator is in the model."),
        WITHHELD,
    ],
    hidden: &[],
};

pub static COEFFICIENTS: TableDecl = TableDecl {
    name: "coefficients",
    row: "a term of a fitted outcome model",
    columns: &[
        INDEX_GROUP,
        BLOCKS,
        key("fitted_in", "reference, index or pooled: the units that the model was fitted on."),
        key("term", "(intercept), (group), a number by its name, a level educ=hs, splines age.s1, log(x), x.missing, a:b."),
        text("block", "The block of the term, or allowable; null for intercept and group."),
        number("estimate", "link", "The coefficient."),
        number("std_error", "link", "Its standard error, of the kind in se_kind."),
        number("conf_low", "link", "Lower confidence limit."),
        number("conf_high", "link", "Upper confidence limit."),
        text("analysis", "The analysis that uses the model."),
        text("link", "identity, logit, probit or log."),
        boolean("with_group", "Whether the group indicator is in the model."),
        text("se_kind", "model (inverse information) or cluster (cluster sums with G/(G-1))."),
        WITHHELD,
    ],
    hidden: HIDDEN_TERM,
};

/// What `coefficients` and `decomposition_detail` say about the column behind a term.
pub(super) const HIDDEN_TERM: &[ColumnDecl] = &[
    PLACE,
    text("_variable", "The variable that the term codes; null for intercept and group."),
    text("_level", "The level that the term is the indicator of; null for other terms."),
    integer(
        "_n_level_reference",
        "units",
        "Reference units at the higher value of a column with two values (level, flag, 0/1 number); null for other columns.",
    ),
    integer("_n_level_index", "units", "Index units at the higher value of a column with two values; null for other columns."),
    integer(
        "_events_level",
        "events",
        "Events among the fitted units at the higher value of a column with two values; null for other columns, for a gaussian outcome and in decomposition_detail.",
    ),
];

pub static WITH_AND_WITHOUT: TableDecl = TableDecl {
    name: "with_and_without",
    row: "a set of blocks",
    columns: &[
        INDEX_GROUP,
        ANALYSIS,
        BLOCKS,
        number(
            "counterfactual_mean",
            "outcome",
            "Target index: mean outcome that index units would show with the outcome of comparable reference units. Target reference: that of reference units with the outcome of comparable index units (pooled_main: as reference units). Target pooled: that of all units as reference units.",
        ),
        number("adjusted_gap", "outcome", "The gap that remains with these blocks in the comparison."),
        number("std_error", "outcome", "Standard error of adjusted_gap."),
        number("conf_low", "outcome", "Lower confidence limit of adjusted_gap."),
        number("conf_high", "outcome", "Upper confidence limit of adjusted_gap."),
        number("accounted", "outcome", "adjusted_gap without blocks minus adjusted_gap with these."),
        number("accounted_std_error", "outcome", "Standard error of accounted."),
        WITHHELD,
        BLINDED,
    ],
    hidden: &[],
};
