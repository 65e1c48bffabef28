//! Whether like can be compared with like: the group model's linear predictor by group, and the odds weights.

use super::{Check, Gate, fitness, quantile, weighted_quantile};
use crate::decompose::DecomposeError;
use crate::decompose::fits::{Fits, FittedIn, GroupTerms, Toward};
use crate::vocab::BlockSet;

/// Figures of one set of blocks.
#[derive(Clone, Debug, PartialEq)]
pub struct Overlap {
    pub set: BlockSet,
    pub checks: Vec<Check>,
    /// Where the groups lie on the linear predictor of the group model; empty where there is none.
    pub bins: Vec<Bin>,
}

/// Units whose linear predictor (log-odds of being index) lies in `[low, high)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bin {
    pub low: f64,
    pub high: f64,
    /// Reference and index units.
    pub n: (usize, usize),
    /// The same as shares of the weight of the group's units in the group model.
    pub share: (f64, f64),
}

/// Bins of one width, 0.05 times 1, 2 or 4 and powers of ten, at most 80 of them.
fn bins(reference: &[(f64, f64)], index: &[(f64, f64)]) -> Vec<Bin> {
    let all = || reference.iter().chain(index).map(|v| v.0);
    let (low, high) = all().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
    let widths = (0..).flat_map(|k| [0.05, 0.1, 0.2].map(|w| w * 10f64.powi(k)));
    let Some(width) = widths.take(30).find(|w| (high / w).floor() - (low / w).floor() < 80.0) else { return Vec::new() };
    let first = (low / width).floor();
    let at = |v: f64| ((v / width).floor() - first) as usize;
    let mut out: Vec<Bin> = (0..=at(high))
        .map(|k| Bin { low: (first + k as f64) * width, high: (first + k as f64 + 1.0) * width, n: (0, 0), share: (0.0, 0.0) })
        .collect();
    let mass = |of: &[(f64, f64)]| of.iter().map(|v| v.1).sum::<f64>();
    let (m0, m1) = (mass(reference), mass(index));
    for (v, w) in reference {
        if let Some(b) = out.get_mut(at(*v)) {
            (b.n.0, b.share.0) = (b.n.0 + 1, b.share.0 + w / m0);
        }
    }
    for (v, w) in index {
        if let Some(b) = out.get_mut(at(*v)) {
            (b.n.1, b.share.1) = (b.n.1 + 1, b.share.1 + w / m1);
        }
    }
    out
}

/// Overlap on the path from the allowables to all blocks, in the order of the study file. `gate` says whether an analysis rests on it.
///
/// Thresholds (METHODS 2): more than 5% of index units outside the range of 99.8% of reference units, an effective number of
/// weighted reference units below 100 or below 5% of them, more than 1% of index units at levels without reference units.
pub fn overlap(fits: &Fits<'_>, gate: bool) -> Vec<Overlap> {
    let k = fits.contrast.design.blocks.len();
    (0..=k).map(|blocks| one(fits, BlockSet::all(blocks), if gate { Gate::Overlap } else { Gate::Warns })).collect()
}

fn one(fits: &Fits<'_>, set: BlockSet, gate: Gate) -> Overlap {
    let c = fits.contrast;
    let (n0, n1) = (c.reference().len() as f64, c.index().len() as f64);
    let unsupported = |n: usize, message: String| {
        let share = n as f64 / n1;
        Check::new("index_units_without_reference", share, 0.01, share <= 0.01, gate, message).of(set).counting(n, Some(c.index().len()))
    };
    let group = match fits.group(set, Toward::Index) {
        Ok(g) => g,
        Err(DecomposeError::NoSupport { n, terms, .. }) => {
            let named: Vec<&str> = terms.iter().take(5).map(|(t, _)| t.as_str()).collect();
            return Overlap {
                set,
                checks: vec![unsupported(n, format!("share of index units at levels without reference units: {}", named.join(", ")))],
                bins: Vec::new(),
            };
        }
        Err(e) => {
            let check = Check {
                set: Some(set),
                check: "group_model",
                value: None,
                threshold: None,
                passed: false,
                gate,
                message: e.to_string(),
                units: None,
                analysis: None,
            };
            return Overlap { set, checks: vec![check], bins: Vec::new() };
        }
    };
    let Ok(m) = fits.matrix(FittedIn::Pooled, set, GroupTerms::Without) else { return Overlap { set, checks: Vec::new(), bins: Vec::new() } };
    // (linear predictor, weight) of the units in the group model.
    let eta = |rows: std::ops::Range<usize>| -> Vec<(f64, f64)> {
        rows.filter(|&i| group.w[i] > 0.0).map(|i| (m.dot(i, &group.fit.beta, None), group.w[i])).collect()
    };
    let (mut reference, index) = (eta(c.reference()), eta(c.index()));
    let bins = bins(&reference, &index);
    let event: Vec<f64> = std::iter::repeat_n(0.0, reference.len()).chain(std::iter::repeat_n(1.0, index.len())).collect();
    let (score, weight): (Vec<f64>, Vec<f64>) = reference.iter().chain(&index).copied().unzip();
    let c_statistic = fitness::auc(&event, &score, &weight);
    reference.sort_by(|a, b| a.0.total_cmp(&b.0));
    let limit = |p: f64| {
        // Equal weights: the interpolated quantile.
        if weight.iter().all(|w| *w == weight[0]) {
            quantile(&reference.iter().map(|v| v.0).collect::<Vec<_>>(), p)
        } else {
            weighted_quantile(&reference, p)
        }
    };
    let mass: f64 = c.index().map(|i| c.w[i]).sum();
    let beyond: Vec<f64> = match (limit(0.001), limit(0.999)) {
        (Some(low), Some(high)) => index.iter().filter(|v| v.0 < low || v.0 > high).map(|v| v.1).collect(),
        _ => Vec::new(),
    };
    let outside = beyond.iter().sum::<f64>() / mass;
    let odds: Vec<f64> = c.reference().map(|i| group.odds[i]).collect();
    let (sum, squares, largest) = odds.iter().fold((0.0, 0.0, 0.0_f64), |(s, q, m), v| (s + v, q + v * v, m.max(*v)));
    let ess = sum * sum / squares;
    let mut checks = vec![unsupported(0, "share of index units at levels without reference units".to_owned())];
    let message = "share of index units whose probability of being index lies outside that of 99.8% of reference units".to_owned();
    checks.push(
        Check::new("index_outside_reference_range", outside, 0.05, outside <= 0.05, gate, message)
            .of(set)
            .counting(beyond.len(), Some(c.index().len())),
    );
    let message = "effective number of reference units once weighted to look like index units: (sum w)^2 / sum w^2".to_owned();
    checks.push(Check::new("effective_reference_units", ess, 100.0, ess >= 100.0, gate, message).of(set));
    let message = "effective number of weighted reference units as a share of all reference units".to_owned();
    checks.push(Check::new("effective_reference_share", ess / n0, 0.05, ess / n0 >= 0.05, gate, message).of(set));
    let message = "largest weight of one reference unit as a share of all weights".to_owned();
    checks.push(Check::new("largest_weight", largest / sum, 0.05, largest / sum <= 0.05, Gate::Warns, message).of(set));
    if let Some(auc) = c_statistic {
        let message = "c-statistic of the group model: 0.5 when the groups do not differ, 1 when they do not overlap".to_owned();
        checks.push(Check { threshold: None, ..Check::new("group_model_c_statistic", auc, 1.0, true, Gate::Warns, message).of(set) });
    }
    for (level, n) in &group.without_target {
        let message = format!("reference units at {level}, where there are no index units: weight 0, and no part in the group model");
        checks.push(Check {
            threshold: None,
            ..Check::new("reference_only_levels", *n as f64, 0.0, true, Gate::Warns, message).of(set).counting(*n, None)
        });
    }
    Overlap { set, checks, bins }
}
