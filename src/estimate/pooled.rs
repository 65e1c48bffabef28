//! Estimates from several completed data sets as one, by Rubin's rules.
//!
//! A pooled estimate keeps the influences of every data set one after another, then by how much each data set's value differs from their mean. Sums,
//! differences and smooth functions of pooled estimates are then pooled themselves, and [`Sampling::covariance`] of two of them is the
//! entry of Rubin's `T = U + (1 + 1/M) B`: shares and whatever else is computed from several estimates is computed after pooling (METHODS
//! 6.6). Source: Rubin (1987) Multiple Imputation for Nonresponse in Surveys, 3.1; Barnard & Rubin (1999) Biometrika 86:948-955.

use super::{Estimate, Kind, Sampling};

/// Share of the variance that is due to missing values below which there is none: what rounding leaves of equal numbers.
const NOTHING: f64 = 1e-12;

/// The variance of a pooled estimate and what it is made of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rubin {
    /// Mean variance of the completed data sets.
    pub within: f64,
    /// Variance of their estimates.
    pub between: f64,
    /// `within + (1 + 1/M) between`.
    pub total: f64,
    /// Share of `total` that is due to missing values.
    pub lambda: f64,
    /// Of the interval; `None` is a normal one.
    pub df: Option<f64>,
    /// Relative increase of the variance.
    pub riv: f64,
    /// Fraction of missing information, `(riv + 2 / (df + 3)) / (riv + 1)`.
    pub fmi: f64,
}

impl Rubin {
    /// `df` is that of the complete data; `None` stands for a normal distribution. NaN without variance.
    pub fn new(within: f64, between: f64, m: usize, df: Option<f64>) -> Self {
        let added = (1.0 + 1.0 / m as f64) * between;
        let total = within + added;
        let (lambda, riv) = (added / total, added / within);
        if lambda.is_nan() || lambda <= NOTHING {
            return Self { within, between, total, lambda: 0.0, df, riv: 0.0, fmi: 0.0 };
        }
        let old = (m as f64 - 1.0) / (lambda * lambda);
        let df = df.map_or(old, |complete| {
            let observed = (complete + 1.0) / (complete + 3.0) * complete * (1.0 - lambda);
            old * observed / (old + observed)
        });
        Self { within, between, total, lambda, df: Some(df), riv, fmi: (riv + 2.0 / (df + 3.0)) / (riv + 1.0) }
    }
}

/// The pooled estimate, one condensed estimate of each completed data set.
pub fn pool(parts: &[&Estimate]) -> Estimate {
    let m = parts.len() as f64;
    let first = parts.first().map_or(f64::NAN, |e| e.value);
    // Equal values have their own value as mean, to the last bit.
    let value = first + parts.iter().map(|e| e.value - first).sum::<f64>() / m;
    let mut influence: Vec<f64> = parts.iter().flat_map(|e| e.influence.iter().copied()).collect();
    influence.extend(parts.iter().map(|e| e.value - value));
    Estimate { value, influence }
}

/// What remains of an influence, relative to its size, where it is a linear combination of others.
const DEPENDENT: f64 = 1e-14;

impl Sampling {
    /// Shortens the influences of all estimates of one data set together, such that every variance and covariance stays what it is; returns
    /// the sampling that belongs to them. Over clusters their sums are left; of independent units the coordinates in an orthonormal basis
    /// of the influences (modified Gram-Schmidt). Influences whose skewness counts stay as they are.
    pub fn condense(&self, estimates: &mut [&mut Estimate]) -> Self {
        if let Some(g) = self.n_cluster() {
            estimates.iter_mut().for_each(|e| e.influence = self.sums(&e.influence).into_owned());
            return Self { cluster: Some((0..g as u32).collect()), length: g, ..self.clone() };
        }
        let rank = estimates.len();
        if self.kind == Kind::Skewed || self.length <= rank {
            return self.clone();
        }
        let mut basis: Vec<Vec<f64>> = Vec::new();
        for e in estimates.iter_mut() {
            let size = e.influence.iter().map(|v| v * v).sum::<f64>().sqrt();
            let mut rest = std::mem::take(&mut e.influence);
            let mut coordinates = vec![0.0; rank];
            for (c, q) in coordinates.iter_mut().zip(&basis) {
                *c = rest.iter().zip(q).map(|(v, q)| v * q).sum();
                rest.iter_mut().zip(q).for_each(|(v, q)| *v -= *c * q);
            }
            let left = rest.iter().map(|v| v * v).sum::<f64>().sqrt();
            if left > DEPENDENT * size {
                coordinates[basis.len()] = left;
                rest.iter_mut().for_each(|v| *v /= left);
                basis.push(rest);
            }
            e.influence = coordinates;
        }
        Self { length: rank, ..self.clone() }
    }

    /// The sampling of estimates that [`pool`] made of data sets whose condensed estimates were sampled like these.
    pub fn pooled(of: Vec<Sampling>) -> Option<Self> {
        let first = of.first()?.clone();
        Some(Self { kind: Kind::Plain, completed: of, ..first })
    }

    /// Number of completed data sets behind pooled estimates; `None` for others.
    pub fn imputations(&self) -> Option<usize> {
        (!self.completed.is_empty()).then_some(self.completed.len())
    }

    /// The data sets of a pooled estimate with their influences, and the deviations at the end.
    fn parts<'a>(&'a self, e: &'a Estimate) -> (Vec<(&'a Sampling, &'a [f64])>, &'a [f64]) {
        let mut rest = e.influence.as_slice();
        let mut parts = Vec::with_capacity(self.completed.len());
        for s in &self.completed {
            let (own, others) = rest.split_at(s.length.min(rest.len()));
            parts.push((s, own));
            rest = others;
        }
        (parts, rest)
    }

    pub(super) fn pooled_covariance(&self, a: &Estimate, b: &Estimate) -> f64 {
        let ((of_a, d_a), (of_b, d_b)) = (self.parts(a), self.parts(b));
        let m = self.completed.len() as f64;
        let within = of_a.iter().zip(&of_b).map(|((s, x), (_, y))| s.covariance_of(x, y)).sum::<f64>() / m;
        within + (1.0 + 1.0 / m) * between(d_a, d_b)
    }

    /// Rubin's figures of a pooled estimate, `None` for another. `classical`: variances of the data sets by another formula, their mean.
    pub fn rubin(&self, e: &Estimate, classical: Option<f64>) -> Option<Rubin> {
        let m = self.imputations()?;
        let (parts, deviations) = self.parts(e);
        let within = classical.unwrap_or_else(|| parts.iter().map(|(s, own)| s.covariance_of(own, own)).sum::<f64>() / m as f64);
        let df = if classical.is_some() { None } else { self.complete_df(&parts) };
        Some(Rubin::new(within, between(deviations, deviations), m, df))
    }

    /// Degrees of freedom that the estimate would have if nothing were missing: the mean over the data sets.
    fn complete_df(&self, parts: &[(&Sampling, &[f64])]) -> Option<f64> {
        // Replicates of clusters have no clusters of their own, and keep the number.
        let clusters = |s: &Sampling| (s.n_cluster > 0).then_some(s.n_cluster as f64 - 1.0);
        let of = |(s, own): &(&Sampling, &[f64])| match s.kind {
            Kind::Skewed => s.skewed_df(own).or(clusters(s)),
            Kind::Plain | Kind::Replicates => clusters(s),
        };
        let df: Option<Vec<f64>> = parts.iter().map(of).collect();
        df.map(|df| df.iter().sum::<f64>() / df.len() as f64)
    }

    pub(super) fn pooled_quantile(&self, e: &Estimate) -> f64 {
        self.quantile_with(self.rubin(e, None).and_then(|r| r.df))
    }

    /// The quantile of t at the level of the intervals, or the normal one.
    pub fn quantile_with(&self, df: Option<f64>) -> f64 {
        df.filter(|df| *df <= 1e6).map_or(self.normal_quantile, |df| self.quantile_at(df))
    }

    /// Half the width of an interval, from standard errors that know no clusters: the normal quantile, or that of Rubin's rules.
    pub fn classical(&self, e: &Estimate, std_error: f64) -> (f64, f64) {
        match self.rubin(e, Some(std_error * std_error)) {
            None => (std_error, self.normal_quantile * std_error),
            Some(r) => (r.total.sqrt(), self.quantile_with(r.df) * r.total.sqrt()),
        }
    }
}

fn between(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>() / (a.len() as f64 - 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn estimate(value: f64, influence: &[f64]) -> Estimate {
        Estimate { value, influence: influence.to_vec() }
    }

    /// Condenses and pools: estimates by data set, then by quantity.
    fn pooled(mut data: Vec<Vec<Estimate>>, one: &Sampling) -> (Vec<Estimate>, Sampling) {
        let of: Vec<Sampling> = data.iter_mut().map(|d| one.condense(&mut d.iter_mut().collect::<Vec<_>>())).collect();
        let all = (0..data[0].len()).map(|k| pool(&data.iter().map(|d| &d[k]).collect::<Vec<_>>())).collect();
        (all, Sampling::pooled(of).unwrap())
    }

    /// T26 of METHODS: with identical imputations T is U.
    #[test]
    fn identical_data_sets_pool_to_themselves() {
        let e = estimate(0.3, &[1.0, -2.0, 0.5, 0.7]);
        for cluster in [None, Some([3, 3, 9, 7].as_slice())] {
            let one = Sampling::new(4, cluster, 0.95);
            let (p, s) = pooled(vec![vec![e.clone()]; 7], &one);
            assert_eq!(p[0].value, e.value);
            assert!((s.variance(&p[0]) / one.variance(&e) - 1.0).abs() < 1e-15);
            assert!((s.quantile_for(&p[0]) / one.quantile_for(&e) - 1.0).abs() < 1e-9, "{cluster:?}");
            assert_eq!(s.rubin(&p[0], None).unwrap().fmi, 0.0);
        }
    }

    #[test]
    fn matrices_are_pooled_and_functions_follow() {
        // Two estimates of two units in three data sets, by hand.
        let a = [estimate(1.0, &[1.0, -1.0]), estimate(1.5, &[2.0, 0.0]), estimate(0.5, &[0.0, 1.0])];
        let b = [estimate(4.0, &[0.0, 2.0]), estimate(4.0, &[1.0, 1.0]), estimate(7.0, &[-1.0, 3.0])];
        let one = Sampling::new(2, None, 0.95);
        let (p, s) = pooled(a.iter().zip(&b).map(|(a, b)| vec![a.clone(), b.clone(), a.plus(b)]).collect(), &one);
        assert_eq!((p[0].value, p[1].value), (1.0, 5.0));
        // U_ab = mean(-2, 2, 3) / 4 = 0.25; B_ab = (0 * -1 + .5 * -1 - .5 * 2) / 2 = -0.75; T = U + 4/3 B.
        assert!((s.covariance(&p[0], &p[1]) - (0.25 - 1.0)).abs() < 1e-14);
        // U_aa = (2 + 4 + 1) / 3 / 4, B_aa = 0.25.
        assert!((s.variance(&p[0]) - (7.0 / 12.0 + 1.0 / 3.0)).abs() < 1e-14);
        assert!((s.variance(&p[0].plus(&p[1])) - s.variance(&p[2])).abs() < 1e-13);
    }

    #[test]
    fn condensed_influences_keep_every_covariance() {
        let n = 50;
        let v = |k: usize| (0..n).map(|i| ((i * (k + 3) * 7919) % 101) as f64 / 101.0 - 0.4).collect::<Vec<f64>>();
        let mut all: Vec<Estimate> = (0..3).map(|k| estimate(k as f64, &v(k))).collect();
        all.push(all[0].minus(&all[1]));
        for cluster in [None, Some((0..n as u32).map(|i| i % 9).collect::<Vec<u32>>())] {
            let s = Sampling::new(n, cluster.as_deref(), 0.95);
            let mut short = all.clone();
            let c = s.condense(&mut short.iter_mut().collect::<Vec<_>>());
            assert!(short.iter().all(|e| e.influence.len() < 10));
            for i in 0..4 {
                for j in 0..4 {
                    let (got, want) = (c.covariance(&short[i], &short[j]), s.covariance(&all[i], &all[j]));
                    assert!((got - want).abs() < 1e-15, "{got} {want}");
                }
            }
        }
    }
}
