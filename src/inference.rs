//! From estimates to what tables print: standard errors, intervals and shares, for every method alike.

use crate::decompose::{Component, Decomposition, Part, Row, Rules};
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

/// A row of a decomposition as printed.
#[derive(Clone, Debug, PartialEq)]
pub struct InferredRow {
    pub part: Part,
    pub component: Component,
    pub value: Inferred,
    /// Share of the gap that is left after the allowables, with Fieller limits; `None` where the interval of that gap
    /// covers 0, and for the gap and allowable rows.
    pub share: Option<(f64, f64, f64)>,
    pub rules: Option<Rules>,
}

/// Standard errors, intervals and shares of every row.
pub fn infer_decomposition(d: &Decomposition, sampling: &Sampling) -> Vec<InferredRow> {
    let denominator = d.share_denominator().filter(|e| !sampling.covers_zero(e));
    let share = |r: &Row| match (&denominator, r.part) {
        (None, _) | (_, Part::Gap | Part::Allowable) => None,
        (Some(d), _) => sampling.fieller(&r.estimate, d).map(|(low, high)| (r.estimate.value / d.value, low, high)),
    };
    d.rows
        .iter()
        .map(|r| InferredRow { part: r.part, component: r.component, value: infer(&r.estimate, sampling), share: share(r), rules: r.rules })
        .collect()
}
