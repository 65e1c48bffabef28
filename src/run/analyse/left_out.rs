//! Every analysis again without each cluster in turn: the cluster jackknife CV3 of MacKinnon, Nielsen & Webb (2023, *J Appl Econometrics* 38:671),
//! beside the errors by cluster sums (METHODS 6.2). Models are fitted again, not moved by a step: with few clusters the step is what is in doubt.

use super::decompose;
use crate::decompose::{Component, Decomposition, Fact, Inference, Part, Verdict};
use crate::design::Contrast;
use crate::estimate::{Estimate, Sampling};
use crate::inference::sampling_of;
use crate::study::plan::StudyPlan;
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// From so many clusters on, cluster sums serve.
const MANY: usize = 100;
/// A larger standard error than by cluster sums, by this ratio, is worth a warning.
const LARGER: f64 = 1.1;

/// Standard errors by row of a decomposition.
pub type StdErrors = BTreeMap<(Part, Component), f64>;

/// The jackknife's standard errors of one analysis, where it has them, and a line for the checks.
#[derive(Clone, Default)]
pub struct LeftOut {
    pub std_errors: StdErrors,
    pub fact: Option<Fact>,
}

/// By analysis. `whole` are the analyses of all clusters; those that resample, leave hospitals out themselves, or have errors of other programs'
/// formulas are left as they are.
pub fn leave_clusters_out<E: Sync>(plan: &StudyPlan, c: &Contrast<'_>, whole: &[Result<Decomposition, E>], sampling: &Sampling) -> Vec<LeftOut> {
    let nothing = || vec![LeftOut::default(); whole.len()];
    let Some(codes) = c.design.clusters.as_ref().map(|clusters| &clusters.code) else { return nothing() };
    let clusters: BTreeSet<u32> = c.units().filter(|&i| c.w[i] > 0.0).map(|i| codes[i]).collect();
    let g = clusters.len();
    let takes = |d: &Decomposition| matches!(d.inference, Inference::Units | Inference::Skewed) && d.rows.iter().all(|r| r.classical.is_none());
    let which: Vec<usize> = (0..whole.len()).filter(|&a| whole[a].as_ref().is_ok_and(takes)).collect();
    if !(2..MANY).contains(&g) {
        let message = match g >= MANY {
            true => format!("clusters: from {MANY} on they are not left out in turn, and errors by cluster sums serve"),
            false => "clusters: there is nothing to leave out".to_owned(),
        };
        let fact = |a: usize| LeftOut {
            fact: which.contains(&a).then(|| Fact::informs("cv3_clusters", Some(g as f64), message.clone())),
            ..LeftOut::default()
        };
        return (0..whole.len()).map(fact).collect();
    }
    // Values alone are kept: influences of every row without every cluster would not fit into memory.
    let without = |&left_out: &u32| -> Vec<Option<Values>> {
        let mut rest = c.clone();
        c.units().filter(|&i| codes[i] == left_out).for_each(|i| rest.w[i] = 0.0);
        let again = decompose(plan, &rest, &which);
        let values = |(again, &a): (Result<Decomposition, _>, &usize)| {
            let (again, d) = (again.ok()?, whole[a].as_ref().ok()?);
            Some(d.rows.iter().map(|r| again.row(r.part, r.component).map(|r| r.estimate.value)).collect())
        };
        again.into_iter().zip(&which).map(values).collect()
    };
    let order: Vec<u32> = clusters.into_iter().collect();
    let rest: Vec<Vec<Option<Values>>> = order.par_iter().map(without).collect();
    let mut out = nothing();
    for (at, &a) in which.iter().enumerate() {
        if let Ok(d) = &whole[a] {
            out[a] = one(d, &rest.iter().map(|of| of[at].as_ref()).collect::<Vec<_>>(), sampling);
        }
    }
    out
}

/// By row of the analysis with all clusters; `None` where the row is undefined.
type Values = Vec<Option<f64>>;

/// `rest`: the analysis without each cluster; `None` where it has no estimate then.
fn one(d: &Decomposition, rest: &[Option<&Values>], sampling: &Sampling) -> LeftOut {
    let g = rest.len();
    let failed = rest.iter().filter(|r| r.is_none()).count();
    if failed > 0 {
        let message = format!("clusters without which there is no estimate, of {g} that are left out in turn: no jackknife errors");
        return LeftOut { fact: Some(Fact::judged("cv3_failed", failed as f64, Verdict::Warns(0.0), message)), ..LeftOut::default() };
    }
    let (own, jackknife) = (sampling_of(d, sampling), sampling.of_jackknife(g));
    let mut std_errors = StdErrors::new();
    let mut largest: Option<(f64, String)> = None;
    for (k, r) in d.rows.iter().enumerate() {
        let moved = |of: &&Values| Some((g as f64 - 1.0) * (r.estimate.value - of[k]?));
        // A row that the data without some cluster leave undefined has no jackknife.
        let Some(influence) = rest.iter().flatten().map(moved).collect::<Option<Vec<f64>>>() else { continue };
        let std_error = jackknife.std_error(&Estimate { value: r.estimate.value, influence });
        std_errors.insert((r.part, r.component), std_error);
        let ratio = std_error / own.std_error(&r.estimate);
        if ratio.is_finite() && largest.as_ref().is_none_or(|(most, _)| ratio > *most) {
            largest = Some((ratio, r.part.name().to_owned()));
        }
    }
    let fact = largest.map(|(ratio, part)| {
        let verdict = if ratio <= LARGER { Verdict::Passes(LARGER) } else { Verdict::Warns(LARGER) };
        let message = format!(
            "largest ratio of the jackknife's standard error (std_error_cv3, each of {g} clusters left out) to that by cluster sums, in part {part}: \
             with few clusters intervals by the latter are too short"
        );
        Fact::judged("cv3_ratio", ratio, verdict, message)
    });
    LeftOut { std_errors, fact }
}
