//! How well a model describes the rows it was fitted on.

use crate::decompose::fits::{Fits, OutcomeModel};
pub use crate::model::auc;
use crate::vocab::Family;
use statrs::distribution::{ChiSquared, ContinuousCDF};

/// Observed and predicted outcomes of a model's own rows, and figures of them.
#[derive(Clone, Debug)]
pub struct Fitness {
    pub observed: Vec<f64>,
    pub predicted: Vec<f64>,
    pub weight: Vec<f64>,
    /// `w^2` times what the variance of the outcome is divided by (the exposure of a rate): `Var(w y) = this x V(mu)`.
    pub variance_weight: Vec<f64>,
    /// Events of a binomial or poisson outcome (unweighted counts).
    pub events: Option<f64>,
    /// c-statistic of a binomial outcome.
    pub auc: Option<f64>,
    /// Mean squared difference of a binomial outcome from its prediction.
    pub brier: Option<f64>,
}

impl Fitness {
    /// `None` only if the model's matrix cannot be laid out again.
    pub fn of(fits: &Fits<'_>, model: &OutcomeModel) -> Option<Self> {
        let c = fits.contrast;
        let m = fits.matrix(model.fitted_in, model.set, model.group_terms).ok()?;
        let rows: Vec<usize> = m.rows.iter().cloned().flatten().filter(|&i| c.w[i] > 0.0).collect();
        let observed: Vec<f64> = rows.iter().map(|&i| c.y[i]).collect();
        let predicted: Vec<f64> = rows.iter().map(|&i| model.fit.family.mean(m.dot(i, &model.fit.beta, None))).collect();
        let weight: Vec<f64> = rows.iter().map(|&i| c.w[i]).collect();
        let variance_weight: Vec<f64> = rows.iter().map(|&i| c.design.weight[i] * c.w[i]).collect();
        let logit = model.fit.family.is_binomial();
        let total: f64 = weight.iter().sum();
        let brier = logit.then(|| observed.iter().zip(&predicted).zip(&weight).map(|((y, p), w)| w * (y - p) * (y - p)).sum::<f64>() / total);
        let events = (c.design.family != Family::Gaussian).then(|| rows.iter().map(|&i| c.design.y[i]).sum());
        let auc = if logit { auc(&observed, &predicted, &weight) } else { None };
        Some(Self { observed, predicted, weight, variance_weight, events, auc, brier })
    }
}

/// Calibration over tenths of predicted outcome.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Calibration {
    /// Largest absolute difference of observed and predicted mean in a tenth.
    pub largest_difference: f64,
    /// `sum (O - E)^2 / V` over the tenths (Hosmer & Lemeshow 1980).
    pub statistic: f64,
    /// Upper tail of chi-square with two degrees of freedom fewer than tenths.
    pub p_value: f64,
}

/// `dispersion` is the residual variance of a gaussian outcome. Weights are analysis weights, not counts of units: the
/// variance of a weighted sum takes their squares.
pub fn deciles(f: &Fitness, family: Family, dispersion: f64) -> Calibration {
    let n = f.observed.len();
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&a, &b| f.predicted[a].total_cmp(&f.predicted[b]));
    let mean_weight = f.weight.iter().sum::<f64>() / n as f64;
    let groups = n.min(10);
    let (mut largest, mut statistic) = (0.0_f64, 0.0);
    for g in 0..groups {
        let (mut o, mut e, mut v, mut sum_w) = (0.0, 0.0, 0.0, 0.0);
        for &i in &order[g * n / groups..(g + 1) * n / groups] {
            o += f.weight[i] * f.observed[i];
            e += f.weight[i] * f.predicted[i];
            v += f.variance_weight[i] * family.variance(f.predicted[i]) * if family == Family::Gaussian { dispersion / mean_weight } else { 1.0 };
            sum_w += f.weight[i];
        }
        largest = largest.max((o - e).abs() / sum_w);
        if v > 0.0 {
            statistic += (o - e) * (o - e) / v;
        }
    }
    let p_value = ChiSquared::new((groups.max(3) - 2) as f64).map_or(f64::NAN, |d| d.sf(statistic));
    Calibration { largest_difference: largest, statistic, p_value }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_c_statistic_counts_pairs() {
        // Pairs (event, non-event): (3,1) (3,2) (2,1) right, (2,2) a tie.
        let (event, score) = ([1.0, 1.0, 0.0, 0.0], [3.0, 2.0, 1.0, 2.0]);
        assert_eq!(auc(&event, &score, &[1.0; 4]), Some(3.5 / 4.0));
        // The tied pair counts twice: 1 + 2 (3,2) and (3,1), 1 + .5 x 2.
        assert_eq!(auc(&event, &score, &[1.0, 1.0, 1.0, 2.0]), Some((1.0 + 2.0 + 1.0 + 1.0) / 6.0));
        assert_eq!(auc(&[1.0, 1.0], &[3.0, 2.0], &[1.0; 2]), None);
    }

    #[test]
    fn a_calibrated_model_has_a_small_statistic_and_a_shifted_one_a_large_one() {
        let predicted: Vec<f64> = (0..1000).map(|i| 0.1 + 0.8 * f64::from(i) / 1000.0).collect();
        // Each run of ten rows holds the events that its prediction asks for.
        let observed: Vec<f64> = (0..1000).map(|i| f64::from(u8::from(f64::from(i % 10) + 0.5 < 10.0 * predicted[i as usize]))).collect();
        let judge = |predicted: Vec<f64>, w: f64| {
            let f = Fitness {
                observed: observed.clone(),
                predicted,
                weight: vec![w; 1000],
                variance_weight: vec![w * w; 1000],
                events: None,
                auc: None,
                brier: None,
            };
            deciles(&f, Family::Binomial, 1.0)
        };
        assert!(judge(predicted.clone(), 1.0).p_value > 0.9);
        let shifted: Vec<f64> = predicted.iter().map(|p| (p + 0.1).min(0.99)).collect();
        let c = judge(shifted.clone(), 1.0);
        assert!(c.p_value < 1e-3 && c.largest_difference > 0.08, "{c:?}");
        // The scale of the weights says nothing.
        let d = judge(shifted, 7.0);
        assert!((c.statistic - d.statistic).abs() < 1e-9 && (c.largest_difference - d.largest_difference).abs() < 1e-12);
    }
}
