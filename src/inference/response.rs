//! Missing outcomes: rows with an outcome, weighted by the inverse of its probability, stand for similar rows without one.
//!
//! Within each group `P(observed | allowables, blocks)` is a logit, and a row's analysis weight is divided by it. An influence is the derivative of
//! an estimate by the logarithm of a weight, times n, so that what the estimation of the logit adds to it follows from the influences alone, whatever
//! the method: with `W_i = w_i / p_i`, `d log W_i / d gamma = -(1 - p_i) x_i`, and `gamma` moves by `J^-1 x_j w_j (R_j - p_j)` with row j.
//! Source: Robins, Rotnitzky & Zhao (1994) JASA 89:846-866; Seaman & White (2013) Stat. Methods Med. Res. 22:278-295.

use crate::decompose::{Decomposition, Inference};
use crate::design::{Contrast, DescribedValues, Design};
use crate::estimate::{Estimate, Sampling};
use crate::model::glm::{self, Fit};
use crate::model::{GROUP, ModelMatrix, Term};
use crate::vocab::Family;

/// Rows with an outcome and their weights, and all rows behind them.
pub struct Response {
    /// Rows with an outcome.
    pub design: Design,
    /// All rows; outcomes that are missing are NaN.
    all: Design,
    /// By group; `None` where every outcome is known.
    models: Vec<Option<Fit>>,
    /// By row of `all`: the probability of an outcome.
    probability: Vec<f64>,
}

/// Why there are no weights: the group, and what its logit says.
#[derive(Clone, Debug, PartialEq)]
pub struct NoResponse {
    pub group: String,
    pub reason: String,
}

impl Response {
    /// `all` holds rows without an outcome too. Errors: the logit of a group has no fit.
    pub fn new(all: Design) -> Result<Self, NoResponse> {
        let n = all.y.len();
        let observed: Vec<f64> = all.y.iter().map(|y| f64::from(u8::from(!y.is_nan()))).collect();
        let w = all.weight.to_vec();
        let mut probability = vec![1.0; n];
        let mut models = Vec::with_capacity(all.groups.len());
        for group in &all.groups {
            if group.rows.clone().all(|i| observed[i] == 1.0) {
                models.push(None);
                continue;
            }
            let failed = |reason: String| NoResponse { group: group.label.clone(), reason };
            let m = matrix(&all, group.rows.clone()).map_err(|e| failed(e.to_string()))?;
            let fit = glm::fit(&m, Family::Binomial, &observed, &w).map_err(|e| failed(e.to_string()))?;
            group.rows.clone().for_each(|i| probability[i] = Family::Binomial.mean(m.dot(i, &fit.beta, None)));
            models.push(Some(fit));
        }
        let groups: Vec<usize> = (0..all.groups.len()).collect();
        let kept: Vec<usize> = (0..n).filter(|&i| observed[i] == 1.0).collect();
        let mut design = all.of_groups(&groups, |i| observed[i] == 1.0);
        design.weight = kept.iter().map(|&i| w[i] / probability[i]).collect();
        design.weighted |= models.iter().any(Option::is_some);
        design.described.clone_from(&all.described);
        for d in &mut design.described {
            match &mut d.values {
                DescribedValues::Number(v) => *v = kept.iter().map(|&i| v[i]).collect(),
                DescribedValues::Category { code, .. } => *code = kept.iter().map(|&i| code[i]).collect(),
            }
        }
        Ok(Self { design, all, models, probability })
    }

    /// Rows of both groups of a comparison, with and without an outcome.
    pub fn sampling(&self, c: &Contrast<'_>, clustered: bool, level: f64) -> Sampling {
        let all = Contrast::new(&self.all, c.index_group);
        let clusters = if clustered { all.clusters() } else { None };
        Sampling::new(all.n(), clusters.as_deref(), level)
    }

    /// The smallest probability of an outcome among the rows that have one, of both groups of a comparison.
    pub fn smallest_probability(&self, c: &Contrast<'_>) -> f64 {
        let all = Contrast::new(&self.all, c.index_group);
        all.units().filter(|&i| !self.all.y[i].is_nan()).map(|i| self.probability[i]).fold(1.0, f64::min)
    }

    /// The estimate with the influence of every row, whether it has an outcome or not, the estimation of the weights included.
    pub fn estimate(&self, e: &Estimate, c: &Contrast<'_>) -> Estimate {
        let all = Contrast::new(&self.all, c.index_group);
        let (n_all, n) = (all.n() as f64, e.influence.len() as f64);
        let mut influence = vec![0.0; all.n()];
        let mut own = e.influence.iter();
        for (unit, i) in all.units().enumerate() {
            if !self.all.y[i].is_nan() {
                influence[unit] = own.next().copied().unwrap_or(f64::NAN);
            }
        }
        let before = influence.clone();
        for g in [0, c.index_group] {
            let rows = self.all.groups[g].rows.clone();
            let Some(fit) = &self.models[g] else { continue };
            let Ok(m) = matrix(&self.all, rows.clone()) else { continue };
            let moved = m.weighted_sum(&m.rows, None, |i| -before[all.unit(i)] * (1.0 - self.probability[i]));
            let v = fit.solve(&moved);
            for i in rows {
                let residual = f64::from(u8::from(!self.all.y[i].is_nan())) - self.probability[i];
                influence[all.unit(i)] += m.dot(i, &v, None) * self.all.weight[i] * residual;
            }
        }
        influence.iter_mut().for_each(|v| *v *= n_all / n);
        Estimate { value: e.value, influence }
    }

    /// The same of every estimate of a decomposition whose influences are those of units. Where they are of hospitals left out or of replicates,
    /// weights count as known.
    pub fn correct(&self, d: &mut Decomposition, c: &Contrast<'_>) {
        match d.inference {
            Inference::Units | Inference::Skewed | Inference::Given => {
                for e in d.estimates_mut() {
                    *e = self.estimate(e, c);
                }
            }
            Inference::Hospitals | Inference::Replicates => {}
        }
    }
}

fn matrix(d: &Design, rows: std::ops::Range<usize>) -> Result<ModelMatrix<'_>, crate::model::FitError> {
    let terms = (0..d.columns.len()).filter(|&j| j != GROUP).map(Term::Column).collect();
    ModelMatrix::new(d.x.view(), terms, vec![rows])
}
