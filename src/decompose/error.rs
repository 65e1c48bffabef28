//! Why a decomposition could not be estimated, and what to do about it.

use super::fits::SeparatedLevel;
use crate::error::codes::{self, Code};
use crate::model::{FitError, GROUP, Term};
use std::fmt;

/// Why a decomposition could not be estimated.
#[derive(Clone, Debug, PartialEq)]
pub enum DecomposeError {
    /// An outcome model has no fit.
    Fit(Box<FailedFit>),
    /// The model of group membership has no fit.
    GroupFit {
        blocks: String,
        reason: String,
    },
    /// A regression of predicted means has no fit.
    Nested {
        blocks: String,
        fitted_in: &'static str,
        reason: String,
    },
    /// Units about which the model of the other group says nothing: (term, units) for each term that has no coefficient there.
    NoSupport {
        blocks: String,
        fitted_in: &'static str,
        n: usize,
        terms: Vec<(String, usize)>,
    },
    /// A column can be told from the others in one group and not in the other, so coefficients cannot be compared.
    Rank {
        fitted_in: &'static str,
        terms: Vec<String>,
    },
    /// A learner has no fit in some fold.
    Learner {
        learner: &'static str,
        /// What it was to learn: the outcome, or the group.
        of: &'static str,
        blocks: String,
        reason: String,
    },
    /// The data are too thin for what the method promises.
    Refused {
        reason: String,
        help: &'static str,
    },
    NotAdditive {
        part: &'static str,
        total: f64,
        sum: f64,
    },
}

impl DecomposeError {
    pub fn code(&self) -> Code {
        match self {
            Self::Fit(f) => match f.error {
                FitError::Separated { .. } => codes::G311,
                FitError::NotConverged { .. } => codes::G401,
                FitError::NoRows | FitError::NoVariation { .. } | FitError::TooFewRows { .. } => codes::G403,
                FitError::Layout => codes::G901,
            },
            Self::GroupFit { .. } | Self::Nested { .. } | Self::Learner { .. } => codes::G401,
            Self::NoSupport { .. } | Self::Rank { .. } => codes::G402,
            Self::Refused { .. } => codes::G407,
            Self::NotAdditive { .. } => codes::G404,
        }
    }

    /// What to do about it.
    pub fn help(&self) -> &'static str {
        match self {
            Self::Fit(f) if matches!(f.error, FitError::Separated { term: Term::Column(GROUP), .. }) => {
                "one group has no events, or nothing but events: no model of both groups has a fit; widen the cohort or the definition of the event"
            }
            Self::Fit(f) if matches!(f.error, FitError::Separated { .. }) => {
                "merge levels, or leave the variable out; no penalty is applied silently"
            }
            Self::Fit(f) => match f.error {
                FitError::NoVariation { .. } => {
                    "every unit of these rows has the same outcome: nothing can be modelled; widen the cohort or the definition of the event"
                }
                FitError::NoRows => "no row has a positive weight",
                _ => "use fewer or coarser variables",
            },
            Self::GroupFit { .. } => {
                "the groups hardly overlap on these variables: merge levels, leave variables out, or restrict the cohort to where both groups are; very unequal `weight` can do the same"
            }
            Self::Nested { .. } => "use fewer or coarser variables",
            Self::Learner { .. } => "use fewer `folds`, merge rare levels, or write `learner: glm`",
            Self::NoSupport { .. } => {
                "merge levels, exclude these units in a step, or use a model of both groups (`surface: pooled_main`, `coefficients: pooled`, `reference: pooled`)"
            }
            Self::Rank { .. } => "merge levels, or leave the variable out",
            Self::Refused { help, .. } => help,
            Self::NotAdditive { .. } => "please report it with the study file",
        }
    }
}

/// The blocks of a model in words, from the name of the set.
fn with(blocks: &str) -> String {
    if blocks == "none" { "without blocks".to_owned() } else { format!("with blocks {blocks}") }
}

/// An outcome model without a fit.
#[derive(Clone, Debug, PartialEq)]
pub struct FailedFit {
    pub blocks: String,
    pub fitted_in: &'static str,
    pub error: FitError,
    pub reason: String,
    /// The level that predicts the outcome perfectly, if it is one.
    pub separated: Option<SeparatedLevel>,
}

impl fmt::Display for FailedFit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { blocks, fitted_in, reason, .. } = self;
        match &self.separated {
            Some(s) => {
                let (kind, n) = (if s.events == 0.0 { "no events" } else { "nothing but events" }, s.n);
                write!(f, "`{}` has {kind} among its {n} {fitted_in} rows (model with blocks: {blocks}), so its coefficient is unbounded", s.level)
            }
            None => write!(f, "the outcome model in {fitted_in} rows {} has no fit: {reason}", with(blocks)),
        }
    }
}

impl fmt::Display for DecomposeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fit(failed) => write!(f, "{failed}"),
            Self::GroupFit { blocks, reason } => write!(f, "the model of group membership {} has no fit: {reason}", with(blocks)),
            Self::Nested { blocks, fitted_in, reason } => {
                write!(f, "the regression of predicted means in {fitted_in} rows {} has no fit: {reason}", with(blocks))
            }
            Self::Learner { learner, of, blocks, reason } => {
                let reason = reason.replace("the outcome", &format!("the {of}"));
                write!(f, "{learner} of the {of} {} has no fit in some fold: {reason}", with(blocks))
            }
            Self::NoSupport { blocks, fitted_in, n, terms } => {
                let (target, named) = (if *fitted_in == "index" { "reference" } else { "index" }, terms.len());
                write!(f, "{n} {target} units have no support in the {fitted_in} group (model with blocks: {blocks}): {named} ")?;
                write!(f, "column{} without counterpart there", if named == 1 { "" } else { "s" })?;
                let list: Vec<&str> = terms.iter().take(5).map(|(t, _)| t.as_str()).collect();
                write!(f, " ({}{})", list.join(", "), if named > 5 { ", ..." } else { "" })
            }
            Self::Rank { fitted_in, terms } => {
                let list: Vec<&str> = terms.iter().take(5).map(String::as_str).collect();
                write!(
                    f,
                    "in the {fitted_in} group {} cannot be told from the columns before it: {}",
                    if terms.len() == 1 { "a column" } else { "columns" },
                    list.join(", ")
                )
            }
            Self::Refused { reason, .. } => write!(f, "{reason}"),
            Self::NotAdditive { part, total, sum } => write!(f, "the parts of {part} sum to {sum}, not to {total}"),
        }
    }
}
