//! The result tables as declared: columns, types, units, descriptions. CSV headers, SCHEMA.csv and results.json come from here.
//!
//! Columns stand in the contract's order; further ones follow at the end. `hidden` columns begin with `_`: a producer fills
//! them with the counts that an estimate rests on, [`super::withhold`] reads them, and no writer ever sees them.

use super::{ResultTables, Table, write};
use std::borrow::Cow;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Text,
    Integer,
    Number,
    Boolean,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Boolean => "boolean",
        }
    }
}

/// When a cell may be null.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// Never.
    Always,
    /// The producer gives a value; it is null where it is withheld.
    Counted,
    Nullable,
    /// A boolean that is false unless said otherwise.
    Flag,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ColumnDecl {
    pub name: Cow<'static, str>,
    pub kind: Kind,
    /// Empty for columns without a unit. `outcome` is the outcome's own unit: a risk (0.013 = 1.3 percentage points), a
    /// mean, a rate per unit of exposure.
    pub unit: &'static str,
    pub doc: Cow<'static, str>,
    pub presence: Presence,
}

impl ColumnDecl {
    pub fn nullable(&self) -> bool {
        matches!(self.presence, Presence::Counted | Presence::Nullable)
    }
}

#[derive(Debug, PartialEq)]
pub struct TableDecl {
    pub name: &'static str,
    /// What one row is.
    pub row: &'static str,
    pub columns: &'static [ColumnDecl],
    /// Filled by the producer, read by withholding, never written.
    pub hidden: &'static [ColumnDecl],
}

const fn column(name: &'static str, kind: Kind, unit: &'static str, presence: Presence, doc: &'static str) -> ColumnDecl {
    ColumnDecl { name: Cow::Borrowed(name), kind, unit, doc: Cow::Borrowed(doc), presence }
}

const fn key(name: &'static str, doc: &'static str) -> ColumnDecl {
    column(name, Kind::Text, "", Presence::Always, doc)
}

const fn text(name: &'static str, doc: &'static str) -> ColumnDecl {
    column(name, Kind::Text, "", Presence::Nullable, doc)
}

const fn number(name: &'static str, unit: &'static str, doc: &'static str) -> ColumnDecl {
    column(name, Kind::Number, unit, Presence::Nullable, doc)
}

const fn integer(name: &'static str, unit: &'static str, doc: &'static str) -> ColumnDecl {
    column(name, Kind::Integer, unit, Presence::Nullable, doc)
}

const fn boolean(name: &'static str, doc: &'static str) -> ColumnDecl {
    column(name, Kind::Boolean, "", Presence::Nullable, doc)
}

const fn flag(name: &'static str, doc: &'static str) -> ColumnDecl {
    column(name, Kind::Boolean, "", Presence::Flag, doc)
}

/// A count that the producer always knows; null where it is withheld.
const fn count(name: &'static str, unit: &'static str, doc: &'static str) -> ColumnDecl {
    column(name, Kind::Integer, unit, Presence::Counted, doc)
}

const INDEX_GROUP: ColumnDecl = key("index_group", "The index group, as the study file writes it.");
const ANALYSIS: ColumnDecl = key("analysis", "Name of the analysis in the study file.");
const ESTIMATE: ColumnDecl = number("estimate", "outcome", "The estimate; index minus reference for a gap.");
const STD_ERROR: ColumnDecl = number("std_error", "outcome", "Standard error of the estimate.");
const CONF_LOW: ColumnDecl = number("conf_low", "outcome", "Lower confidence limit at the study's level.");
const CONF_HIGH: ColumnDecl = number("conf_high", "outcome", "Upper confidence limit at the study's level.");
const WITHHELD: ColumnDecl =
    flag("withheld", "Cells of this row are null because they rest on, or would reveal, fewer units or events than `release: min_cell`.");
const BLINDED: ColumnDecl = flag("blinded", "A diagnostic gate that this estimate rests on failed: tables/diagnostics.csv.");
const BLOCKS: ColumnDecl = key("blocks", "The set of blocks, joined by + in the order of the study file, or none. The allowables are in every set.");

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
    ],
    hidden: &[],
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
const HIDDEN_TERM: &[ColumnDecl] = &[
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
    ],
    hidden: HIDDEN_LEFT_OUT,
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

/// Of the hospital method: units that are not in the population of a row, with those of the rest in other rows.
const HIDDEN_LEFT_OUT: &[ColumnDecl] =
    &[integer("_left_out_reference", "units", "Reference units left out."), integer("_left_out_index", "units", "Index units left out.")];

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
    ],
    hidden: HIDDEN_LEFT_OUT,
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
    ],
};

pub static SENSITIVITY: TableDecl = TableDecl {
    name: "sensitivity",
    row: "one variation of an analysis",
    columns: &[
        INDEX_GROUP,
        ANALYSIS,
        key(
            "variation",
            "What was varied: order, estimator, surface, target, trimming, leave_one_out, contested, allowable, e_value, ovb, park or unmeasured.",
        ),
        text("setting", "What it was set to, or the block or variable that the row is about."),
        key("component", "As in decomposition where part is given: total or a block; otherwise the figure, such as e_value or robustness_value."),
        number("estimate", "scale", "The estimate under this setting, or the figure; index minus reference for a gap."),
        number("std_error", "scale", "Its standard error, by influences; of ovb the classical one, of a ratio that of its logarithm."),
        CONF_LOW,
        CONF_HIGH,
        text("part", "The part of the gap, as in decomposition; null for other figures."),
        text("scale", "The scale of the estimate; null for figures without one, such as partial R2."),
        integer("n_reference", "units", "Trimming: reference units that are left; null where it is withheld."),
        integer("n_index", "units", "Trimming: index units that are left; null where it is withheld."),
        BLINDED,
        text("reason", "Why the row is null: it could not be estimated, or is not defined."),
        WITHHELD,
    ],
    hidden: &[
        integer("_left_out_reference", "units", "Trimming: reference units that are left out."),
        integer("_left_out_index", "units", "Trimming: index units that are left out."),
        integer("_events_reference", "events", "Trimming: events among the reference units that are left; null for a gaussian outcome."),
        integer("_events_index", "events", "Trimming: events among the index units that are left; null for a gaussian outcome."),
        text("_variables", "Variables that were moved by themselves, or that a benchmark is made of; null for other rows."),
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

/// Every table, in the order in which they are written.
pub static TABLES: [&TableDecl; 13] = [
    &ATTRITION,
    &TABLE_ONE,
    &GAP,
    &MODELS,
    &COEFFICIENTS,
    &WITH_AND_WITHOUT,
    &DECOMPOSITION,
    &DECOMPOSITION_DETAIL,
    &HOSPITAL,
    &HOSPITAL_UNITS,
    &SENSITIVITY,
    &DIAGNOSTICS,
    &OVERLAP,
];

/// The columns of `attrition`: with several index groups `n_index` gives way to a column `n_<value>` each, or
/// `n_index_<value>` where that name is taken.
pub fn attrition_columns(index: &[String]) -> Vec<Cow<'static, ColumnDecl>> {
    let several = index.len() > 1;
    let mut columns: Vec<Cow<'static, ColumnDecl>> = Vec::new();
    for decl in ATTRITION.columns {
        if !(several && decl.name == "n_index") {
            columns.push(Cow::Borrowed(decl));
            continue;
        }
        for value in index {
            let short = format!("n_{value}");
            let taken = ATTRITION.columns.iter().any(|c| c.name == short);
            let name = if taken { format!("n_index_{value}") } else { short };
            let doc = format!("Rows of the index group {value} after the step; null where the group is not known yet.");
            columns.push(Cow::Owned(ColumnDecl { name: name.into(), doc: doc.into(), ..decl.clone() }));
        }
    }
    columns
}

/// The columns of `attrition` that count index groups, in the order of the groups.
pub fn attrition_index_columns(table: &Table) -> Vec<String> {
    let fixed = |name: &str| name != "n_index" && ATTRITION.columns.iter().any(|c| c.name == name);
    table.columns.iter().filter(|c| !fixed(c)).cloned().collect()
}

/// The column dictionary as CSV: table, column, type, unit, description, nullable. `None`: as declared, with one index
/// group; otherwise of the tables at hand.
pub fn schema_csv(results: Option<&ResultTables>) -> String {
    let mut out = String::from("table,column,type,unit,description,nullable\n");
    let mut line = |table: &str, c: &ColumnDecl| {
        let fields = [table, &c.name, c.kind.name(), c.unit, &c.doc, if c.nullable() { "true" } else { "false" }];
        let quoted: Vec<String> = fields.iter().map(|f| if f.is_empty() { String::new() } else { write::csv_text(f) }).collect();
        out.push_str(&quoted.join(","));
        out.push('\n');
    };
    match results {
        None => TABLES.iter().for_each(|t| t.columns.iter().for_each(|c| line(t.name, c))),
        Some(r) => r.tables.values().for_each(|t| t.declarations().for_each(|c| line(t.name, c))),
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    /// The tables of CONTRACT section 3, column by column.
    const CONTRACT: [(&str, &str); 13] = [
        ("attrition", "step, name, n_before, n_removed, n_after, n_reference, n_index"),
        (
            "table_one",
            "index_group, block, variable, level, mean_reference, sd_reference, mean_index, sd_index, smd, n_missing_reference, n_missing_index, smd_weighted",
        ),
        (
            "gap",
            "index_group, reference_group, outcome, scale, estimate, std_error, conf_low, conf_high, mean_reference, mean_index, n_reference, n_index",
        ),
        (
            "models",
            "index_group, blocks, fitted_in, family, n, events, k, loglik, aic, auc, brier, converged, iterations, analysis, link, with_group",
        ),
        (
            "coefficients",
            "index_group, blocks, fitted_in, term, block, estimate, std_error, conf_low, conf_high, analysis, link, with_group, se_kind",
        ),
        (
            "with_and_without",
            "index_group, analysis, blocks, counterfactual_mean, adjusted_gap, std_error, conf_low, conf_high, accounted, accounted_std_error",
        ),
        (
            "decomposition",
            "index_group, analysis, method, part, component, estimate, std_error, conf_low, conf_high, share, share_conf_low, share_conf_high, order_min, order_max, sequential, first_in, last_in, scale",
        ),
        ("decomposition_detail", "index_group, analysis, method, part, block, term, estimate, std_error, conf_low, conf_high, variable"),
        ("hospital", "index_group, analysis, row, family, estimate, std_error, conf_low, conf_high"),
        ("hospital_units", "index_group, hospital, n_reference, n_index, between, within, observed, expected, effect, conf_low, conf_high, withheld"),
        ("sensitivity", "index_group, analysis, variation, setting, component, estimate, std_error, conf_low, conf_high"),
        ("diagnostics", "index_group, blocks, check, value, threshold, passed, message"),
        ("overlap", "index_group, blocks, low, high, n_reference, n_index, share_reference, share_index"),
    ];

    #[test]
    fn columns_begin_as_the_contract_says() {
        assert_eq!(TABLES.len(), CONTRACT.len());
        for (decl, (name, columns)) in TABLES.iter().zip(CONTRACT) {
            assert_eq!(decl.name, name);
            let have: Vec<&str> = decl.columns.iter().map(|c| c.name.as_ref()).collect();
            let want: Vec<&str> = columns.split(", ").collect();
            assert_eq!(have[..want.len()], want[..], "{name}");
            assert!(decl.hidden.iter().all(|c| c.name.starts_with('_')), "{name}");
            assert!(decl.columns.iter().all(|c| !c.name.starts_with('_')), "{name}");
        }
    }

    /// docs/results.schema.csv is written from the declaration and reviewed when it changes: UPDATE_SCHEMA=1 rewrites it.
    #[test]
    fn the_committed_dictionary_is_the_declared_one() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/results.schema.csv");
        if std::env::var_os("UPDATE_SCHEMA").is_some() {
            std::fs::write(&path, schema_csv(None)).unwrap();
        }
        let committed = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(committed == schema_csv(None), "docs/results.schema.csv differs from the declaration; run the test with UPDATE_SCHEMA=1");
    }
}
