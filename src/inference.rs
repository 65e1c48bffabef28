//! From estimates to what tables print: standard errors, intervals and shares, for every method alike.

mod pooled;
mod response;

pub use pooled::{Condensed, pool_decompositions};
pub use response::{NoResponse, Response};

use crate::decompose::{Component, Decomposition, Detail, Inference, Part, Row, Rules};
use crate::estimate::{Estimate, Sampling};

/// An estimate with its standard error and interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Inferred {
    pub estimate: f64,
    pub std_error: f64,
    pub conf_low: f64,
    pub conf_high: f64,
}

pub fn infer(e: &Estimate, sampling: &Sampling) -> Inferred {
    let (conf_low, conf_high) = sampling.interval(e);
    Inferred { estimate: e.value, std_error: sampling.std_error(e), conf_low, conf_high }
}

/// On the logarithmic scale: estimate and limits exponentiated, the standard error that of the logarithm (CONTRACT 3).
pub fn infer_ratio(log: &Estimate, sampling: &Sampling) -> Inferred {
    let i = infer(log, sampling);
    Inferred { estimate: i.estimate.exp(), std_error: i.std_error, conf_low: i.conf_low.exp(), conf_high: i.conf_high.exp() }
}

/// How the influences of this decomposition turn into standard errors.
pub fn sampling_of(d: &Decomposition, sampling: &Sampling) -> Sampling {
    let values = d.rows.first().map_or(0, |r| r.estimate.influence.len());
    match d.inference {
        Inference::Units => sampling.clone(),
        Inference::Skewed => sampling.skewed(),
        Inference::Given => sampling.of_units(),
        Inference::Hospitals => sampling.of_jackknife(values),
        Inference::Replicates => sampling.of_replicates(values),
    }
}

/// A row of a decomposition as printed.
#[derive(Clone, Debug, PartialEq)]
pub struct InferredRow {
    pub part: Part,
    pub component: Component,
    pub value: Inferred,
    /// Share of the gap that is left after the allowables; `None` where the interval of that gap covers 0, and for the gap and
    /// allowable rows.
    pub share: Option<Share>,
    pub rules: Option<Rules>,
    /// Fraction of missing information, of an estimate that is pooled over imputations.
    pub missing_information: Option<f64>,
    /// With clusters left out in turn, if the study asks for it.
    pub std_error_cv3: Option<f64>,
}

/// A share of the gap, with Fieller limits; classical errors know no covariance of parts, so they give no limits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Share {
    pub value: f64,
    pub limits: Option<(f64, f64)>,
}

/// An estimate whose standard error may be a classical one: normal limits then, whatever the clusters.
fn infer_row(e: &Estimate, classical: Option<f64>, sampling: &Sampling) -> Inferred {
    match classical {
        None => infer(e, sampling),
        Some(std_error) => {
            let (std_error, half) = sampling.classical(e, std_error);
            Inferred { estimate: e.value, std_error, conf_low: e.value - half, conf_high: e.value + half }
        }
    }
}

/// What a term contributes, as printed.
#[derive(Clone, Debug, PartialEq)]
pub struct InferredTerm {
    /// The term; its estimate has no influences any more.
    pub detail: Detail,
    pub value: Inferred,
}

/// Standard errors and intervals of every term.
pub fn infer_detail(d: &Decomposition, sampling: &Sampling) -> Vec<InferredTerm> {
    let bare = |d: &Detail| Detail { estimate: Estimate { value: d.estimate.value, influence: Vec::new() }, ..d.clone() };
    d.detail.iter().map(|t| InferredTerm { value: infer_row(&t.estimate, t.classical, sampling), detail: bare(t) }).collect()
}

/// Standard errors, intervals and shares of every row.
pub fn infer_decomposition(d: &Decomposition, sampling: &Sampling) -> Vec<InferredRow> {
    let denominator = d.share_denominator().filter(|e| !sampling.covers_zero(e));
    let share = |r: &Row| match (&denominator, r.part) {
        (None, _) | (_, Part::Gap | Part::Allowable) => None,
        (Some(d), _) if r.classical.is_some() => Some(Share { value: r.estimate.value / d.value, limits: None }),
        (Some(d), _) => sampling.fieller(&r.estimate, d).map(|limits| Share { value: r.estimate.value / d.value, limits: Some(limits) }),
    };
    // The gap has the interval of table `gap`, whatever the method.
    let of_gap = sampling.unskewed();
    d.rows
        .iter()
        .map(|r| InferredRow {
            part: r.part,
            component: r.component,
            value: infer_row(&r.estimate, r.classical, if r.part == Part::Gap { &of_gap } else { sampling }),
            share: share(r),
            rules: r.rules,
            missing_information: sampling.rubin(&r.estimate, r.classical.map(|se| se * se)).map(|rubin| rubin.fmi),
            std_error_cv3: None,
        })
        .collect()
}
