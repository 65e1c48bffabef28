//! The descriptive layer: the gap on every scale, and Table 1 with standardised mean differences.

use crate::decompose::moments::GroupMeans;
use crate::design::{Contrast, Described, DescribedValues};
use crate::estimate::{Estimate, Sampling};
use crate::inference::{Inferred, infer, infer_ratio};
use crate::linalg::Cholesky;
use crate::vocab::{Family, Role, Scale};
use ndarray::Array2;
use std::ops::Range;

/// The gap on one scale. Ratio scales have no estimate when a group has no events, or nothing else.
#[derive(Clone, Debug, PartialEq)]
pub struct GapRow {
    pub scale: Scale,
    pub value: Option<Inferred>,
}

/// Mean outcomes and the gap on every scale of the family (METHODS 2).
#[derive(Clone, Debug)]
pub struct GapTable {
    pub mean_reference: f64,
    pub mean_index: f64,
    /// Limits of the two means; none where a risk is 0 or 1, which has no sampling error by its influences.
    pub limits_reference: Option<(f64, f64)>,
    pub limits_index: Option<(f64, f64)>,
    pub n_reference: usize,
    pub n_index: usize,
    /// Events (sum of the outcome, unweighted) of a binomial or poisson outcome; units at the higher value of a gaussian outcome with two.
    pub events: Option<(f64, f64)>,
    pub rows: Vec<GapRow>,
}

/// `m`: the means of [`group_means`], with whatever else moves them in their influences.
pub fn gap_table(c: &Contrast<'_>, m: &GroupMeans, sampling: &Sampling) -> GapTable {
    let family = c.design.family;
    let count = |rows: Range<usize>| rows.map(|i| c.design.y[i]).sum::<f64>();
    let (y0, y1) = (m.reference.value, m.index.value);
    let difference = m.index.minus(&m.reference);
    let mut rows = Vec::new();
    let mut push = |scale, value| rows.push(GapRow { scale, value });
    match family {
        Family::Gaussian => push(Scale::MeanDifference, Some(infer(&difference, sampling))),
        Family::Poisson => {
            push(Scale::RateDifference, Some(infer(&difference, sampling)));
            push(Scale::RateRatio, (y0 > 0.0 && y1 > 0.0).then(|| infer_ratio(&m.index.ln().minus(&m.reference.ln()), sampling)));
        }
        Family::Binomial | Family::Probit => {
            let inside = |p: f64| p > 0.0 && p < 1.0;
            let mut risk = infer(&difference, sampling);
            if (!inside(y0) || !inside(y1)) && sampling.n_cluster().is_none() && !c.design.weighted {
                // A zero cell has no sampling error by its influences: the score interval does not need one.
                (risk.conf_low, risk.conf_high) = newcombe(y1, c.index().len() as f64, y0, c.reference().len() as f64, sampling.quantile());
            }
            push(Scale::RiskDifference, Some(risk));
            push(Scale::RiskRatio, (y0 > 0.0 && y1 > 0.0).then(|| infer_ratio(&m.index.ln().minus(&m.reference.ln()), sampling)));
            push(Scale::OddsRatio, (inside(y0) && inside(y1)).then(|| infer_ratio(&m.index.logit().minus(&m.reference.logit()), sampling)));
        }
    }
    // A gaussian outcome with two values has events too: its mean times n is their number.
    let y = &c.design.y;
    let low = c.units().map(|i| y[i]).fold(f64::INFINITY, f64::min);
    let high = c.units().map(|i| y[i]).fold(f64::NEG_INFINITY, f64::max);
    let two_values = c.units().all(|i| y[i] == low || y[i] == high);
    let at_high = |rows: Range<usize>| rows.filter(|&i| y[i] == high).count() as f64;
    let events = match family {
        Family::Gaussian => two_values.then(|| (at_high(c.reference()), at_high(c.index()))),
        Family::Binomial | Family::Probit | Family::Poisson => Some((count(c.reference()), count(c.index()))),
    };
    let limits = |mean: &Estimate| {
        let v = infer(mean, sampling);
        (v.std_error > 0.0).then_some((v.conf_low, v.conf_high))
    };
    GapTable {
        mean_reference: y0,
        mean_index: y1,
        limits_reference: limits(&m.reference),
        limits_index: limits(&m.index),
        n_reference: c.reference().len(),
        n_index: c.index().len(),
        events,
        rows,
    }
}

/// Hybrid score interval of a difference of proportions (Newcombe 1998, method 10).
fn newcombe(p1: f64, n1: f64, p0: f64, n0: f64, z: f64) -> (f64, f64) {
    let wilson = |p: f64, n: f64| {
        let (centre, half) = (p + z * z / (2.0 * n), z * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt());
        ((centre - half) / (1.0 + z * z / n), (centre + half) / (1.0 + z * z / n))
    };
    let ((l1, u1), (l0, u0)) = (wilson(p1, n1), wilson(p0, n0));
    let d = p1 - p0;
    (d - ((p1 - l1).powi(2) + (u0 - p0).powi(2)).sqrt(), d + ((u1 - p1).powi(2) + (p0 - l0).powi(2)).sqrt())
}

/// A row of Table 1: a number, one level of a category, or (level `None`) a category as a whole.
#[derive(Clone, Debug, PartialEq)]
pub struct TableOneRow {
    pub role: Role,
    pub variable: String,
    pub level: Option<String>,
    /// Mean and standard deviation, or proportion; `None` on the row of a whole category.
    pub reference: Option<(f64, Option<f64>)>,
    pub index: Option<(f64, Option<f64>)>,
    /// Index minus reference over the root of the mean variance (Yang & Dalton 2012); `None` without variation.
    pub smd: Option<f64>,
    /// The same with reference units weighted to look like index units.
    pub smd_weighted: Option<f64>,
    pub n_missing: (usize, usize),
    /// Units at this level (reference, index); for a number with few values those at its rarest value, which mean and standard
    /// deviation would give away.
    pub n_level: Option<(usize, usize)>,
}

/// Table 1 of one comparison. `odds`: weights by row of the design that turn reference units into index units.
pub fn table_one(c: &Contrast<'_>, odds: Option<&[f64]>) -> Vec<TableOneRow> {
    c.design.described.iter().flat_map(|d| describe(c, d, odds)).collect()
}

fn describe(c: &Contrast<'_>, d: &Described, odds: Option<&[f64]>) -> Vec<TableOneRow> {
    let w = &c.design.weight;
    match &d.values {
        DescribedValues::Number(x) => {
            let missing = |rows: Range<usize>| rows.filter(|&i| x[i].is_nan()).count();
            let of = |rows: Range<usize>| spread(rows, |i| w[i], x);
            let (reference, index) = (of(c.reference()), of(c.index()));
            let binary = c.units().all(|i| x[i].is_nan() || x[i] == 0.0 || x[i] == 1.0);
            let variance = |s: &Spread| if binary { s.mean * (1.0 - s.mean) } else { s.sd * s.sd };
            let pooled = ((variance(&reference) + variance(&index)) / 2.0).sqrt();
            let smd = |m1: f64, m0: f64| (pooled > 0.0).then(|| (m1 - m0) / pooled);
            // The odds carry the exposure of a rate, so the index units they are made to look like carry it too.
            let like = |o: &[f64]| smd(spread(c.index(), |i| c.w[i], x).mean, spread(c.reference(), |i| o[i], x).mean);
            let weighted = odds.and_then(like).filter(|v| v.is_finite());
            let n_level = rarest_value(c, x);
            vec![TableOneRow {
                role: d.role,
                variable: d.variable.clone(),
                level: None,
                reference: Some((reference.mean, Some(reference.sd))),
                index: Some((index.mean, Some(index.sd))),
                smd: smd(index.mean, reference.mean),
                smd_weighted: weighted,
                n_missing: (missing(c.reference()), missing(c.index())),
                n_level,
            }]
        }
        DescribedValues::Category { levels, code } => {
            let missing = |rows: Range<usize>| rows.filter(|&i| code[i] == u32::MAX).count();
            let n_missing = (missing(c.reference()), missing(c.index()));
            let proportions = |rows: Range<usize>, weight: &dyn Fn(usize) -> f64| {
                let mut sum = vec![0.0; levels.len()];
                for i in rows.filter(|&i| code[i] != u32::MAX) {
                    sum[code[i] as usize] += weight(i);
                }
                let total: f64 = sum.iter().sum();
                sum.iter().map(|s| s / total).collect::<Vec<f64>>()
            };
            let counts = |rows: Range<usize>| {
                let mut n = vec![0usize; levels.len()];
                rows.filter(|&i| code[i] != u32::MAX).for_each(|i| n[code[i] as usize] += 1);
                n
            };
            let (p0, p1) = (proportions(c.reference(), &|i| w[i]), proportions(c.index(), &|i| w[i]));
            let (n0, n1) = (counts(c.reference()), counts(c.index()));
            let weighted = odds.map(|o| (proportions(c.index(), &|i| c.w[i]), proportions(c.reference(), &|i| o[i])));
            let pooled = |l: usize| ((p0[l] * (1.0 - p0[l]) + p1[l] * (1.0 - p1[l])) / 2.0).sqrt();
            let smd = |l: usize, to: f64, from: f64| (pooled(l) > 0.0).then(|| (to - from) / pooled(l)).filter(|v| v.is_finite());
            let mut rows = vec![TableOneRow {
                role: d.role,
                variable: d.variable.clone(),
                level: None,
                reference: None,
                index: None,
                smd: categorical_smd(&p1, &p0, &p0, &p1),
                smd_weighted: weighted.as_ref().and_then(|(to, from)| categorical_smd(to, from, &p0, &p1)),
                n_missing,
                n_level: None,
            }];
            rows.extend(levels.iter().enumerate().filter(|(l, _)| n0[*l] + n1[*l] > 0).map(|(l, level)| TableOneRow {
                role: d.role,
                variable: d.variable.clone(),
                level: Some(level.clone()),
                reference: Some((p0[l], None)),
                index: Some((p1[l], None)),
                smd: smd(l, p1[l], p0[l]),
                smd_weighted: weighted.as_ref().and_then(|(to, from)| smd(l, to[l], from[l])),
                n_missing,
                n_level: Some((n0[l], n1[l])),
            }));
            rows
        }
    }
}

/// More distinct values than this, and mean and standard deviation do not tell how many units have each.
const FEW_VALUES: usize = 10;

/// Units (reference, index) at the value that fewest of a group's units have, among the values that some have.
fn rarest_value(c: &Contrast<'_>, x: &[f64]) -> Option<(usize, usize)> {
    let rarest = |rows: Range<usize>| {
        let mut counts: Vec<(f64, usize)> = Vec::new();
        for v in rows.map(|i| x[i]).filter(|v| !v.is_nan()) {
            match counts.iter().position(|(value, _)| *value == v) {
                Some(at) => counts[at].1 += 1,
                None if counts.len() == FEW_VALUES => return None,
                None => counts.push((v, 1)),
            }
        }
        // One value for all is no secret.
        counts.iter().map(|(_, n)| *n).min().map(|n| if counts.len() == 1 { 0 } else { n })
    };
    match (rarest(c.reference()), rarest(c.index())) {
        (None, None) => None,
        (a, b) => Some((a.unwrap_or(0), b.unwrap_or(0))),
    }
}

/// `sqrt((T - C)' S^-1 (T - C))` over all levels but the first, S the mean of the multinomial covariances of `v0` and `v1`
/// (Yang & Dalton 2012): the same whichever level is left out.
fn categorical_smd(t: &[f64], c: &[f64], v0: &[f64], v1: &[f64]) -> Option<f64> {
    let k = t.len().saturating_sub(1);
    if k == 0 || t.iter().chain(c).any(|p| !p.is_finite()) {
        return None;
    }
    let covariance = |p: &[f64], a: usize, b: usize| if a == b { p[a] * (1.0 - p[a]) } else { -p[a] * p[b] };
    let s = Array2::from_shape_fn((k, k), |(a, b)| (covariance(v0, a + 1, b + 1) + covariance(v1, a + 1, b + 1)) / 2.0);
    let d: Vec<f64> = (1..=k).map(|l| t[l] - c[l]).collect();
    let solved = Cholesky::new(&s).solve(&d);
    Some(d.iter().zip(solved).map(|(a, b)| a * b).sum::<f64>().max(0.0).sqrt())
}

struct Spread {
    mean: f64,
    sd: f64,
}

/// Weighted mean and standard deviation (denominator n - 1 for equal weights) of the values that are not missing.
fn spread(rows: Range<usize>, w: impl Fn(usize) -> f64, x: &[f64]) -> Spread {
    let known: Vec<usize> = rows.filter(|&i| !x[i].is_nan()).collect();
    let n = known.iter().filter(|&&i| w(i) > 0.0).count() as f64;
    let total: f64 = known.iter().map(|&i| w(i)).sum();
    let mean = known.iter().map(|&i| w(i) * x[i]).sum::<f64>() / total;
    let variance = known.iter().map(|&i| w(i) * (x[i] - mean).powi(2)).sum::<f64>() / total * n / (n - 1.0);
    Spread { mean, sd: variance.sqrt() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Newcombe (1998), Table II, method 10: 56/70 - 48/80 and the zero cells 10/10 - 0/20 and 10/10 - 0/10.
    #[test]
    fn score_intervals_are_those_of_newcombe() {
        let z = 1.959_963_984_540_054;
        for ((a, m), (b, n), (low, high)) in
            [((56.0, 70.0), (48.0, 80.0), (0.0524, 0.3339)), ((10.0, 10.0), (0.0, 20.0), (0.6791, 1.0)), ((10.0, 10.0), (0.0, 10.0), (0.6075, 1.0))]
        {
            let (l, h) = newcombe(a / m, m, b / n, n, z);
            assert!((l - low).abs() < 5e-5 && (h - high).abs() < 5e-5, "{l} {h}");
        }
    }

    #[test]
    fn a_two_level_category_has_the_binary_difference_and_the_left_out_level_does_not_matter() {
        let (p1, p0) = (0.5_f64, 0.2_f64);
        let binary = (p1 - p0) / ((p1 * (1.0 - p1) + p0 * (1.0 - p0)) / 2.0).sqrt();
        let two = categorical_smd(&[1.0 - p1, p1], &[1.0 - p0, p0], &[1.0 - p0, p0], &[1.0 - p1, p1]).unwrap();
        assert!((two - binary).abs() < 1e-12);
        let (t, c) = ([0.2, 0.3, 0.5], [0.3, 0.5, 0.2]);
        let (t2, c2) = ([0.5, 0.2, 0.3], [0.2, 0.3, 0.5]);
        assert!((categorical_smd(&t, &c, &c, &t).unwrap() - categorical_smd(&t2, &c2, &c2, &t2).unwrap()).abs() < 1e-12);
    }
}
