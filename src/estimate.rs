//! A point estimate with the influence of every unit on it, and the arithmetic that everything else is made of.
//!
//! Influences are scaled so that `value(data) - value(truth) = mean(influence)` to first order: the variance is
//! `sum psi^2 / n^2` for independent units, and `G/(G-1) sum_h Psi_h^2 / n^2` over cluster sums `Psi_h`
//! (METHODS 6.1; Hampel 1974).

mod pooled;
pub mod resample;

pub use pooled::{Rubin, pool};

use statrs::distribution::{ContinuousCDF, Normal, StudentsT};
use std::borrow::Cow;

/// A point estimate and the influence of each unit on it.
#[derive(Clone, Debug, PartialEq)]
pub struct Estimate {
    pub value: f64,
    /// One value a unit, in the order of the rows of the comparison.
    pub influence: Vec<f64>,
}

impl Estimate {
    /// A known number: no unit has influence on it.
    pub fn constant(value: f64, n: usize) -> Self {
        Self { value, influence: vec![0.0; n] }
    }

    /// `sum_k c_k e_k`. The estimates are of the same units; an empty list gives 0 without units.
    pub fn linear(parts: &[(f64, &Self)]) -> Self {
        let n = parts.first().map_or(0, |(_, e)| e.influence.len());
        let mut out = Self::constant(0.0, n);
        for &(c, e) in parts {
            debug_assert_eq!(e.influence.len(), n);
            if c == 0.0 {
                continue;
            }
            out.value += c * e.value;
            for (o, p) in out.influence.iter_mut().zip(&e.influence) {
                *o += c * p;
            }
        }
        out
    }

    pub fn plus(&self, other: &Self) -> Self {
        Self::linear(&[(1.0, self), (1.0, other)])
    }

    pub fn minus(&self, other: &Self) -> Self {
        Self::linear(&[(1.0, self), (-1.0, other)])
    }

    /// The product, by the delta method.
    pub fn times(&self, other: &Self) -> Self {
        Self { value: self.value * other.value, ..Self::linear(&[(other.value, self), (self.value, other)]) }
    }

    /// The ratio, by the delta method; not finite when the denominator is 0.
    pub fn over(&self, other: &Self) -> Self {
        let ratio = self.value / other.value;
        Self { value: ratio, ..Self::linear(&[(1.0 / other.value, self), (-ratio / other.value, other)]) }
    }

    /// A smooth function of the estimate: its value and its derivative there.
    pub fn map(&self, value: f64, derivative: f64) -> Self {
        Self { value, ..Self::linear(&[(derivative, self)]) }
    }

    pub fn ln(&self) -> Self {
        self.map(self.value.ln(), 1.0 / self.value)
    }

    /// `ln(v / (1 - v))`.
    pub fn logit(&self) -> Self {
        self.map((self.value / (1.0 - self.value)).ln(), 1.0 / (self.value * (1.0 - self.value)))
    }
}

/// Codes of clusters as 0..G, in their order, and G.
pub fn renumbered(codes: &[u32]) -> (Vec<u32>, usize) {
    let mut seen: Vec<u32> = codes.to_vec();
    seen.sort_unstable();
    seen.dedup();
    (codes.iter().map(|c| seen.partition_point(|s| s < c) as u32).collect(), seen.len())
}

/// How units were sampled, and the coverage of intervals: what turns influences into standard errors.
#[derive(Clone, Debug)]
pub struct Sampling {
    n: usize,
    /// Cluster of each unit, 0..n_cluster.
    cluster: Option<Vec<u32>>,
    n_cluster: usize,
    quantile: f64,
    normal_quantile: f64,
    probability: f64,
    kind: Kind,
    /// For estimates that are pooled over completed data sets: the sampling of each of them; empty otherwise.
    completed: Vec<Sampling>,
    /// Values in `influence`: one a unit, unless they are condensed.
    length: usize,
}

/// How intervals follow from the influences.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Plain,
    Skewed,
    /// Percentiles of the replicates where units were resampled, errors of the replicates where clusters were.
    Replicates,
}

impl Sampling {
    /// `cluster` holds any codes, one a unit; they are renumbered. With clusters intervals use t with G - 1 degrees of freedom.
    pub fn new(n: usize, cluster: Option<&[u32]>, level: f64) -> Self {
        let (cluster, n_cluster) = match cluster {
            None => (None, 0),
            Some(codes) => {
                let (code, g) = renumbered(codes);
                (Some(code), g)
            }
        };
        let p = 0.5 + level / 2.0;
        let normal_quantile = Normal::standard().inverse_cdf(p);
        let quantile = match (&cluster, n_cluster) {
            (Some(_), g) if g >= 2 => StudentsT::new(0.0, 1.0, (g - 1) as f64).map_or(f64::NAN, |t| t.inverse_cdf(p)),
            (Some(_), _) => f64::NAN,
            (None, _) => normal_quantile,
        };
        Self { n, cluster, n_cluster, quantile, normal_quantile, probability: p, kind: Kind::Plain, completed: Vec::new(), length: n }
    }

    /// The same sampling for estimates whose influences are skewed: t with `2 n / (kurtosis - 1)` degrees of freedom, or over
    /// clusters with `2 G / (kurtosis - 1)` and at most G - 1 (METHODS 5.1).
    pub fn skewed(&self) -> Self {
        Self { kind: Kind::Skewed, ..self.clone() }
    }

    /// The same sampling for an estimate that is not skewed.
    pub fn unskewed(&self) -> Self {
        let kind = if self.kind == Kind::Skewed { Kind::Plain } else { self.kind };
        Self { kind, ..self.clone() }
    }

    /// The same sampling of independent units, whatever the clusters: normal intervals.
    pub fn of_units(&self) -> Self {
        Self { cluster: None, n_cluster: 0, quantile: self.normal_quantile, length: self.n, ..self.clone() }
    }

    /// The sampling of estimates that hold one value a cluster left out, `(G - 1)(theta - theta_without_h)`: the jackknife's variance
    /// `(G - 1)/G sum_h (theta_without_h - theta)^2`, and t(G - 1).
    pub fn of_jackknife(&self, clusters: usize) -> Self {
        let codes: Vec<u32> = (0..clusters as u32).collect();
        Self::new(clusters, Some(&codes), 2.0 * self.probability - 1.0)
    }

    /// The sampling of estimates that hold one value a bootstrap replicate, `B (theta_b - mean theta) / sqrt(B - 1)`. Intervals are
    /// percentiles where units were resampled, and t(G - 1) with the replicates' standard error where clusters were (METHODS 6.3).
    pub fn of_replicates(&self, replicates: usize) -> Self {
        Self { n: replicates, cluster: None, kind: Kind::Replicates, length: replicates, ..self.clone() }
    }

    /// Number of clusters; `None` when units are independent.
    pub fn n_cluster(&self) -> Option<usize> {
        self.cluster.as_ref().map(|_| self.n_cluster)
    }

    /// The quantile of the intervals: normal, or t(G - 1); NaN with fewer than two clusters.
    pub fn quantile(&self) -> f64 {
        self.quantile
    }

    /// The normal quantile at the same level, for errors that know no clusters.
    pub fn normal_quantile(&self) -> f64 {
        self.normal_quantile
    }

    /// Sums of the influences within clusters; the influences themselves without clusters.
    pub fn cluster_sums(&self, e: &Estimate) -> Vec<f64> {
        self.sums(&e.influence).into_owned()
    }

    fn sums<'a>(&self, influence: &'a [f64]) -> Cow<'a, [f64]> {
        match &self.cluster {
            None => Cow::Borrowed(influence),
            Some(code) => {
                let mut sums = vec![0.0; self.n_cluster];
                for (c, v) in code.iter().zip(influence) {
                    sums[*c as usize] += v;
                }
                Cow::Owned(sums)
            }
        }
    }

    fn factor(&self) -> f64 {
        match self.n_cluster() {
            None => 1.0,
            Some(g) => g as f64 / (g as f64 - 1.0),
        }
    }

    /// The covariance of two estimates; of pooled ones that of Rubin's rules.
    pub fn covariance(&self, a: &Estimate, b: &Estimate) -> f64 {
        if self.completed.is_empty() { self.covariance_of(&a.influence, &b.influence) } else { self.pooled_covariance(a, b) }
    }

    fn covariance_of(&self, a: &[f64], b: &[f64]) -> f64 {
        let n2 = (self.n as f64).powi(2);
        let sum: f64 = match &self.cluster {
            None => a.iter().zip(b).map(|(x, y)| x * y).sum(),
            Some(_) => self.sums(a).iter().zip(self.sums(b).iter()).map(|(x, y)| x * y).sum(),
        };
        self.factor() * sum / n2
    }

    pub fn variance(&self, e: &Estimate) -> f64 {
        self.covariance(e, e)
    }

    pub fn std_error(&self, e: &Estimate) -> f64 {
        self.variance(e).sqrt()
    }

    /// The quantile of the intervals of one estimate.
    pub fn quantile_for(&self, e: &Estimate) -> f64 {
        if !self.completed.is_empty() {
            return self.pooled_quantile(e);
        }
        match self.kind {
            Kind::Skewed => self.skewed_df(&e.influence).map_or(self.quantile, |df| self.quantile_at(df)),
            Kind::Plain | Kind::Replicates => self.quantile,
        }
    }

    /// The quantile of t at the level of the intervals.
    fn quantile_at(&self, df: f64) -> f64 {
        StudentsT::new(0.0, 1.0, df).map_or(f64::NAN, |t| t.inverse_cdf(self.probability))
    }

    /// Degrees of freedom of skewed influences; `None` where there are more than a million, and t is normal to 1e-6, or where there is no variance
    /// and so no kurtosis.
    fn skewed_df(&self, influence: &[f64]) -> Option<f64> {
        let sums = self.sums(influence);
        let n = sums.len() as f64;
        let mean = sums.iter().sum::<f64>() / n;
        let moment = |k: i32| sums.iter().map(|v| (v - mean).powi(k)).sum::<f64>() / n;
        let kurtosis = moment(4) / moment(2).powi(2);
        let skewed = 2.0 * n / (kurtosis - 1.0);
        let df = if self.n_cluster().is_some() { skewed.min(n - 1.0) } else { skewed };
        (df.is_finite() && df <= 1e6).then_some(df)
    }

    /// Limits of the interval, `value -+ quantile * std_error`; percentiles for replicates of resampled units.
    pub fn interval(&self, e: &Estimate) -> (f64, f64) {
        if self.kind == Kind::Replicates && self.n_cluster == 0 {
            return self.percentiles(e);
        }
        let half = self.quantile_for(e) * self.std_error(e);
        (e.value - half, e.value + half)
    }

    /// Percentiles of the replicates, which lie around their own mean; type 7 of Hyndman & Fan (1996).
    fn percentiles(&self, e: &Estimate) -> (f64, f64) {
        let b = e.influence.len() as f64;
        let mut moved: Vec<f64> = e.influence.iter().map(|v| v * (b - 1.0).sqrt() / b).collect();
        moved.sort_by(f64::total_cmp);
        let at = |p: f64| {
            let h = p * (b - 1.0);
            let (low, high) = (h.floor() as usize, h.ceil() as usize);
            match (moved.get(low), moved.get(high)) {
                (Some(l), Some(u)) => l + (h - low as f64) * (u - l),
                _ => f64::NAN,
            }
        };
        (e.value + at(1.0 - self.probability), e.value + at(self.probability))
    }

    pub fn covers_zero(&self, e: &Estimate) -> bool {
        let (low, high) = self.interval(e);
        !(low > 0.0 || high < 0.0)
    }

    /// Fieller limits of `a / d`; `None` when the interval of `d` covers 0, since the set is then unbounded.
    pub fn fieller(&self, a: &Estimate, d: &Estimate) -> Option<(f64, f64)> {
        let quantile = self.quantile_for(a).max(self.quantile_for(d));
        fieller(a.value, d.value, self.variance(a), self.variance(d), self.covariance(a, d), quantile)
    }
}

/// Roots of `(d^2 - z^2 v_d) r^2 - 2 (a d - z^2 c) r + (a^2 - z^2 v_a) = 0` (Fieller 1954); `None` when `d^2 <= z^2 v_d`.
pub fn fieller(a: f64, d: f64, v_a: f64, v_d: f64, c: f64, z: f64) -> Option<(f64, f64)> {
    let z2 = z * z;
    let lead = d * d - z2 * v_d;
    if lead.is_nan() || lead <= 0.0 {
        return None;
    }
    let half = a * d - z2 * c;
    // Rounding can leave the discriminant slightly below 0 when a is proportional to d.
    let root = (half * half - lead * (a * a - z2 * v_a)).max(0.0).sqrt();
    Some(((half - root) / lead, (half + root) / lead))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fieller_limits_are_those_of_methods_6_5() {
        let (low, high) = fieller(0.03, 0.05, 1e-4, 2.25e-4, 1e-4, 1.959_963_984_540_054).unwrap();
        assert!((low - 0.29488).abs() < 5e-6 && (high - 1.06952).abs() < 5e-6, "{low} {high}");
        // The set is unbounded exactly when the interval of the denominator covers 0.
        assert_eq!(fieller(0.03, 0.05, 1e-4, 0.000_651, 1e-4, 1.959_963_984_540_054), None);
        assert!(fieller(0.03, 0.05, 1e-4, 0.000_650, 1e-4, 1.959_963_984_540_054).is_some());
    }

    #[test]
    fn a_mean_has_the_textbook_standard_error() {
        let y = [1.0, 2.0, 4.0, 7.0];
        let mean = 3.5;
        let e = Estimate { value: mean, influence: y.iter().map(|v| v - mean).collect() };
        // sum (y - 3.5)^2 = 6.25 + 2.25 + .25 + 12.25 = 21
        let s = Sampling::new(4, None, 0.95);
        assert!((s.std_error(&e) - 21f64.sqrt() / 4.0).abs() < 1e-15);
        // Two clusters {1,2}, {4,7}: sums -4, 4; factor 2.
        let s = Sampling::new(4, Some(&[9, 9, 3, 3]), 0.95);
        assert!((s.std_error(&e) - (2.0f64 * 32.0).sqrt() / 4.0).abs() < 1e-15);
        assert_eq!(s.n_cluster(), Some(2));
        // t with 1 degree of freedom: tan(pi * 0.475)
        assert!((s.quantile() - (std::f64::consts::PI * 0.475).tan()).abs() < 1e-6);
    }

    #[test]
    fn products_and_ratios_follow_the_delta_method() {
        let a = Estimate { value: 2.0, influence: vec![1.0, -1.0] };
        let b = Estimate { value: 4.0, influence: vec![0.5, 0.5] };
        assert_eq!(a.times(&b), Estimate { value: 8.0, influence: vec![5.0, -3.0] });
        assert_eq!(a.over(&b), Estimate { value: 0.5, influence: vec![0.1875, -0.3125] });
        assert_eq!(a.times(&b).over(&b).value, 2.0);
        assert_eq!(a.minus(&a), Estimate::constant(0.0, 2));
    }

    #[test]
    fn a_single_cluster_has_no_interval() {
        let s = Sampling::new(2, Some(&[1, 1]), 0.95);
        let e = Estimate { value: 1.0, influence: vec![1.0, -1.0] };
        assert!(s.interval(&e).0.is_nan() && s.covers_zero(&e));
    }
}
