//! Models of completed data sets as one, and whatever else is read from several.

use super::{CoefficientResult, ModelResult};
use crate::estimate::{Rubin, Sampling};
use crate::inference::Inferred;

/// Models that every data set has, coefficient by coefficient by Rubin's rules. Figures of fit are means over the data sets; a term that one of them
/// could not estimate has no coefficient.
pub(super) fn models(mut of: Vec<Vec<ModelResult>>, sampling: &Sampling) -> Vec<ModelResult> {
    let m = of.len();
    if m < 2 {
        return of.pop().unwrap_or_default();
    }
    let (first, others) = of.split_at(1);
    let same = |a: &ModelResult, b: &ModelResult| {
        (a.analysis, a.set, a.fitted_in, a.group_terms, a.family) == (b.analysis, b.set, b.fitted_in, b.group_terms, b.family)
    };
    let each = first.iter().flatten().filter_map(|a| {
        let found: Option<Vec<&ModelResult>> = others.iter().map(|o| o.iter().find(|b| same(a, b))).collect();
        found.map(|found| pooled(&std::iter::once(a).chain(found).collect::<Vec<_>>(), sampling))
    });
    each.collect()
}

fn pooled(of: &[&ModelResult], sampling: &Sampling) -> ModelResult {
    let first = of[0];
    let mean = |f: &dyn Fn(&ModelResult) -> f64| of.iter().map(|m| f(m)).sum::<f64>() / of.len() as f64;
    let some = |f: &dyn Fn(&ModelResult) -> Option<f64>| {
        let values: Option<Vec<f64>> = of.iter().map(|m| f(m)).collect();
        values.map(|v| v.iter().sum::<f64>() / of.len() as f64)
    };
    let df = if first.clustered { sampling.n_cluster().map(|g| g as f64 - 1.0) } else { None };
    let coefficients = first.coefficients.iter().enumerate().map(|(k, c)| {
        let values: Option<Vec<Inferred>> = of.iter().map(|m| m.coefficients.get(k).filter(|o| o.term == c.term)?.value).collect();
        let value = values.map(|v| coefficient(&v, sampling, df));
        CoefficientResult { term: c.term.clone(), column: c.column, value, events_level: c.events_level }
    });
    ModelResult {
        loglik: mean(&|m| m.loglik),
        aic: mean(&|m| m.aic),
        auc: some(&|m| m.auc),
        brier: some(&|m| m.brier),
        k: of.iter().map(|m| m.k).min().unwrap_or(first.k),
        iterations: of.iter().map(|m| m.iterations).max().unwrap_or(first.iterations),
        coefficients: coefficients.collect(),
        analysis: first.analysis,
        set: first.set,
        fitted_in: first.fitted_in,
        group_terms: first.group_terms,
        family: first.family,
        n: first.n,
        events: first.events,
        clustered: first.clustered,
    }
}

fn coefficient(of: &[Inferred], sampling: &Sampling, df: Option<f64>) -> Inferred {
    let m = of.len() as f64;
    let estimate = of.iter().map(|v| v.estimate).sum::<f64>() / m;
    let within = of.iter().map(|v| v.std_error.powi(2)).sum::<f64>() / m;
    let between = of.iter().map(|v| (v.estimate - estimate).powi(2)).sum::<f64>() / (m - 1.0);
    let rubin = Rubin::new(within, between, of.len(), df);
    let (std_error, quantile) = (rubin.total.sqrt(), sampling.quantile_with(rubin.df));
    Inferred { estimate, std_error, conf_low: estimate - quantile * std_error, conf_high: estimate + quantile * std_error }
}

/// Mean weights by row, where every data set has them.
pub(super) fn weights(of: Vec<Option<Vec<f64>>>) -> Option<Vec<f64>> {
    let m = of.len() as f64;
    let mut all = of.into_iter();
    let mut out = all.next()??;
    if m == 1.0 {
        return Some(out);
    }
    for w in all {
        out.iter_mut().zip(w?).for_each(|(o, w)| *o += w);
    }
    out.iter_mut().for_each(|o| *o /= m);
    Some(out)
}
