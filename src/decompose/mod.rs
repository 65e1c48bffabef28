//! Decomposition methods: pure functions from a [`Contrast`](crate::design::Contrast) to a few estimates and the parts they sum to.
//!
//! A method knows nothing of files, tables or study files; `study/plan.rs` builds its settings. The rules that credit
//! blocks (`attribution.rs`) know nothing of models, and the methods know nothing of orders.

pub mod attribution;
pub mod fits;
pub mod gelbach;
pub mod moments;
pub mod oaxaca;
pub mod with_and_without;

use crate::error::codes::{self, Code};
use crate::estimate::Estimate;
use crate::model::FitError;
use crate::vocab::{BlockSet, Family, Scale};
use fits::{Fits, SeparatedLevel};
use std::fmt::{self, Debug};

/// A decomposition method with its settings.
pub trait Method: Send + Sync + Debug {
    /// The key under `analyses`, such as `with_and_without`.
    fn name(&self) -> &'static str;

    /// Why the method cannot be used with this outcome family, if it cannot.
    fn refuses(&self, family: Family) -> Option<String>;

    /// Decomposes the gap of one comparison.
    ///
    /// Errors: a model that the method needs has no fit, or says nothing about some units.
    fn decompose(&self, fits: &Fits<'_>) -> Result<Decomposition, DecomposeError>;

    /// The parts that the gap is divided into, in the order of the output.
    fn parts(&self) -> &'static [Part] {
        &[Part::Gap, Part::Allowable, Part::Explained, Part::Unexplained]
    }

    /// Whether the estimates compare index units with weighted or modelled reference units, so that they rest on overlap.
    fn rests_on_overlap(&self) -> bool {
        false
    }

    /// For a method with two estimators of one quantity: both, with every block accounted for.
    ///
    /// Errors: as [`Method::decompose`].
    fn second_estimate(&self, _fits: &Fits<'_>) -> Result<Option<Second>, DecomposeError> {
        Ok(None)
    }
}

/// The same quantity by the estimator that is reported and by another one.
pub struct Second {
    pub reported: Estimate,
    pub other: Estimate,
}

/// The part of a gap that a row stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    Gap,
    Allowable,
    Explained,
    Unexplained,
    Endowments,
    Coefficients,
    Interaction,
}

impl Part {
    pub fn name(self) -> &'static str {
        match self {
            Self::Gap => "gap",
            Self::Allowable => "allowable",
            Self::Explained => "explained",
            Self::Unexplained => "unexplained",
            Self::Endowments => "endowments",
            Self::Coefficients => "coefficients",
            Self::Interaction => "interaction",
        }
    }
}

/// What of a part a row stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Component {
    Total,
    /// The block with this position in the study file's order.
    Block(usize),
    /// What first-in or last-in values leave to all blocks together; tables name it by the blocks joined by `+`.
    Jointly,
}

/// One row of a decomposition, in the unit of the outcome.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    pub part: Part,
    pub component: Component,
    pub estimate: Estimate,
    /// What other rules of attribution give, where the method has them.
    pub rules: Option<Rules>,
}

/// The contribution of one block by each rule; range over all orders in which the blocks can enter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rules {
    pub order_min: f64,
    pub order_max: f64,
    pub sequential: f64,
    pub first_in: f64,
    pub last_in: f64,
}

/// A set of blocks that was accounted for.
#[derive(Clone, Debug, PartialEq)]
pub struct SetRow {
    pub set: BlockSet,
    /// Mean outcome that index units would show with the outcome of comparable reference units.
    pub counterfactual_mean: Estimate,
    pub adjusted_gap: Estimate,
    /// By how much the adjusted gap without blocks is larger.
    pub accounted: Estimate,
}

/// The parts of a gap. Its constructor promises that they sum to it.
#[derive(Clone, Debug)]
pub struct Decomposition {
    pub scale: Scale,
    pub rows: Vec<Row>,
    /// Of `with_and_without`: one row a set of blocks.
    pub sets: Vec<SetRow>,
}

impl Decomposition {
    /// Errors: [`DecomposeError::NotAdditive`] if totals do not sum to the gap, or components to their total, within
    /// 1e-9 of the larger of the gap and the outcome's standard deviation `sd`.
    pub fn new(scale: Scale, rows: Vec<Row>, sets: Vec<SetRow>, sd: f64) -> Result<Self, DecomposeError> {
        let total = |part: Part| rows.iter().find(|r| r.part == part && r.component == Component::Total).map(|r| r.estimate.value);
        let gap = total(Part::Gap).unwrap_or(f64::NAN);
        let tolerance = 1e-9 * gap.abs().max(sd);
        let others = [Part::Allowable, Part::Explained, Part::Unexplained, Part::Endowments, Part::Coefficients, Part::Interaction];
        let sum: f64 = others.iter().filter_map(|p| total(*p)).sum();
        if (sum - gap).abs() > tolerance || !gap.is_finite() || !sum.is_finite() {
            return Err(DecomposeError::NotAdditive { part: "gap", total: gap, sum });
        }
        for part in others {
            let components: Vec<f64> = rows.iter().filter(|r| r.part == part && r.component != Component::Total).map(|r| r.estimate.value).collect();
            let sum: f64 = components.iter().sum();
            if let Some(total) = total(part)
                && !components.is_empty()
                && ((sum - total).abs() > tolerance || !sum.is_finite())
            {
                return Err(DecomposeError::NotAdditive { part: part.name(), total, sum });
            }
        }
        Ok(Self { scale, rows, sets })
    }

    pub fn row(&self, part: Part, component: Component) -> Option<&Row> {
        self.rows.iter().find(|r| r.part == part && r.component == component)
    }

    /// The estimate that shares divide by: gap less the allowable part.
    pub fn share_denominator(&self) -> Option<Estimate> {
        let gap = &self.row(Part::Gap, Component::Total)?.estimate;
        let allowable = &self.row(Part::Allowable, Component::Total)?.estimate;
        Some(gap.minus(allowable))
    }
}

/// A row without other rules.
pub fn row(part: Part, component: Component, estimate: Estimate) -> Row {
    Row { part, component, estimate, rules: None }
}

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
            Self::GroupFit { .. } => codes::G401,
            Self::NoSupport { .. } | Self::Rank { .. } => codes::G402,
            Self::NotAdditive { .. } => codes::G404,
        }
    }

    /// What to do about it.
    pub fn help(&self) -> &'static str {
        match self {
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
            Self::GroupFit { .. } => "the groups hardly overlap on these variables: merge levels, or use `estimator: gcomp`",
            Self::NoSupport { .. } => "merge levels, exclude these units in a step, or use `surface: pooled_main`",
            Self::Rank { .. } => "merge levels, or leave the variable out",
            Self::NotAdditive { .. } => "please report it with the study file",
        }
    }
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
            None => write!(f, "the outcome model in {fitted_in} rows with blocks {blocks} has no fit: {reason}"),
        }
    }
}

impl fmt::Display for DecomposeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fit(failed) => write!(f, "{failed}"),
            Self::GroupFit { blocks, reason } => write!(f, "the model of group membership with blocks {blocks} has no fit: {reason}"),
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
            Self::NotAdditive { part, total, sum } => write!(f, "the parts of {part} sum to {sum}, not to {total}"),
        }
    }
}

/// Every method with each of its settings that changes the formula: what the identity tests run over.
pub fn registered() -> Vec<Box<dyn Method>> {
    use gelbach::Gelbach;
    use oaxaca::{Coefficients, Fold, OaxacaBlinder};
    use with_and_without::{Estimator, Surface, Target, WithAndWithout};
    let mut out: Vec<Box<dyn Method>> = vec![Box::new(Gelbach { linear: true })];
    for target in [Target::Index, Target::Reference, Target::Pooled] {
        for (surface, estimator) in [
            (Surface::ReferenceModel, Estimator::Dr),
            (Surface::ReferenceModel, Estimator::Gcomp),
            (Surface::PooledMain, Estimator::Gcomp),
            (Surface::PooledInteracted, Estimator::Gcomp),
        ] {
            out.push(Box::new(WithAndWithout { surface, estimator, target, ..WithAndWithout::default() }));
        }
    }
    for reference in
        [Coefficients::Reference, Coefficients::Index, Coefficients::Pooled, Coefficients::Neumark, Coefficients::Cotton, Coefficients::Reimers]
    {
        out.push(Box::new(OaxacaBlinder { reference, fold: Fold::Two, linear: true }));
    }
    for reference in [Coefficients::Reference, Coefficients::Index] {
        out.push(Box::new(OaxacaBlinder { reference, fold: Fold::Three, linear: true }));
    }
    out
}
