//! Cluster-robust standard errors of coefficients.

use super::ModelMatrix;
use super::glm::Fit;
use std::collections::BTreeMap;

/// `sqrt diag( G/(G-1) J^-1 (sum_h S_h S_h') J^-1 )` with `S_h` the score summed over cluster h (Liang & Zeger 1986);
/// as R's `sandwich::vcovCL(type = "HC0", cadjust = TRUE)`. 0 for dropped terms; `None` with fewer than two clusters.
///
/// `y`, `w` and `cluster` are by row of the design.
pub fn cluster_std_errors(m: &ModelMatrix<'_>, fit: &Fit, y: &[f64], w: &[f64], cluster: &[u32]) -> Option<Vec<f64>> {
    let k = m.terms.len();
    let mut scores: BTreeMap<u32, Vec<f64>> = BTreeMap::new();
    for i in m.rows.iter().cloned().flatten().filter(|&i| w[i] > 0.0) {
        let e = w[i] * fit.family.score(y[i], m.dot(i, &fit.beta, None)).0;
        let sum = scores.entry(cluster[i]).or_insert_with(|| vec![0.0; k]);
        for (s, t) in sum.iter_mut().zip(&m.terms) {
            *s += e * m.value(i, *t, None);
        }
    }
    let g = scores.len() as f64;
    if scores.len() < 2 {
        return None;
    }
    let inverse = fit.inverse_information();
    let variance = |j: usize| -> f64 {
        let row = inverse.row(j);
        scores.values().map(|s| row.iter().zip(s).map(|(a, b)| a * b).sum::<f64>().powi(2)).sum()
    };
    Some((0..k).map(|j| (g / (g - 1.0) * variance(j)).sqrt()).collect())
}
