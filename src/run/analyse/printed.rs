//! Decompositions and models as tables print them.

use super::{AnalysisResult, CoefficientResult, HospitalResult, ModelResult, SetResult};
use crate::decompose::Decomposition;
use crate::decompose::fits::{Fits, FittedIn, OutcomeModel};
use crate::decompose::hospital::{HospitalRow, HospitalValue};
use crate::diagnostics::fitness::Fitness;
use crate::estimate::Sampling;
use crate::inference::{Inferred, infer, infer_decomposition, infer_detail};
use crate::model::Term;
use crate::model::sandwich::cluster_std_errors;
use crate::vocab::Family;

/// `sampling` is that of the decomposition's own estimates.
pub fn printed(d: &Decomposition, sampling: &Sampling) -> AnalysisResult {
    let sets = d.sets.iter().map(|s| SetResult {
        set: s.set,
        counterfactual_mean: s.counterfactual_mean.value,
        adjusted_gap: infer(&s.adjusted_gap, sampling),
        accounted: infer(&s.accounted, sampling),
    });
    let (rows, sets, detail) = (infer_decomposition(d, sampling), sets.collect(), infer_detail(d, sampling));
    let hospital = d.hospital.as_ref().map(|h| HospitalResult {
        rows: h.rows.iter().map(|r| hospital_row(r, sampling)).collect(),
        units: h.units.clone(),
        left_out: h.left_out,
        id: h.id.clone(),
        of_counts: h.of_counts,
        quantile: sampling.normal_quantile(),
    });
    AnalysisResult { scale: d.scale, rows, sets, detail, undefined: d.undefined.clone(), family: d.family, hospital, least: d.least }
}

/// The row without its influences, and its estimate.
fn hospital_row(r: &HospitalRow, sampling: &Sampling) -> (HospitalRow, Option<Inferred>) {
    let bare = |value| HospitalRow { value, ..r.clone() };
    match &r.value {
        HospitalValue::Estimate(e) => (bare(HospitalValue::Number(e.value)), Some(infer(e, sampling))),
        HospitalValue::Number(v) => (r.clone(), Some(Inferred { estimate: *v, std_error: f64::NAN, conf_low: f64::NAN, conf_high: f64::NAN })),
        HospitalValue::Missing(_) => (r.clone(), None),
    }
}

pub fn model_result(fits: &Fits<'_>, m: &OutcomeModel, analysis: usize, sampling: &Sampling) -> ModelResult {
    let c = fits.contrast;
    let fit = &m.fit;
    let fitness = Fitness::of(fits, m);
    let matrix = fits.matrix(m.fitted_in, m.set, m.group_terms).ok();
    let clustered = match (&c.design.clusters, &matrix) {
        (Some(k), Some(matrix)) => cluster_std_errors(matrix, fit, &c.y, &c.w, &k.code),
        _ => None,
    };
    let errors = clustered.clone().unwrap_or_else(|| fit.std_errors());
    // Clusters of the rows of this fit; the quantile is that of the comparison.
    let q = sampling.quantile();
    let coefficients = fit.terms.iter().enumerate().map(|(t, term)| {
        let column = match term {
            Term::Column(j) => Some(*j),
            Term::ByGroup(_) => None,
        };
        let value = fit.is_estimated(t).then(|| Inferred {
            estimate: fit.beta[t],
            std_error: errors[t],
            conf_low: fit.beta[t] - q * errors[t],
            conf_high: fit.beta[t] + q * errors[t],
        });
        CoefficientResult { term: fits.term_name(*term), column, value, events_level: column.and_then(|j| events_at_one(fits, m.fitted_in, j)) }
    });
    ModelResult {
        analysis,
        set: m.set,
        fitted_in: m.fitted_in,
        group_terms: m.group_terms,
        family: fit.family,
        n: fit.n,
        events: fitness.as_ref().and_then(|f| f.events),
        k: fit.k(),
        loglik: fit.loglik,
        aic: fit.aic(),
        auc: fitness.as_ref().and_then(|f| f.auc),
        brier: fitness.as_ref().and_then(|f| f.brier),
        iterations: fit.iterations,
        clustered: clustered.is_some(),
        coefficients: coefficients.collect(),
    }
}

/// Events among the rows of a fit where a 0/1 column is 1; `None` for other columns and for a gaussian outcome.
fn events_at_one(fits: &Fits<'_>, fitted_in: FittedIn, column: usize) -> Option<u64> {
    let d = fits.contrast.design;
    let at = d.indicators(column);
    if d.family == Family::Gaussian || at.is_empty() {
        return None;
    }
    let with = |i: &usize| at.iter().all(|&j| d.x[[*i, j]] == 1.0);
    let events: f64 = fits.rows(fitted_in).into_iter().flatten().filter(with).map(|i| d.y[i]).sum();
    Some(events as u64)
}
