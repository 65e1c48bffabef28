//! The predictors of each incomplete variable in one group: all other columns, and what the unit's cluster is like.

use super::draw::Target;
use super::{Basis, Data, Factor};
use crate::estimate::renumbered;
use crate::model::spline;
use ndarray::Array2;
use std::ops::Range;

/// Columns of one group, by row of the group, with those of incomplete variables as they are filled at present.
pub(super) struct Predictors<'a> {
    data: &'a Data,
    rows: Range<usize>,
    /// Cluster of each row of the group, 0..G.
    cluster: Option<(Vec<u32>, usize)>,
    known: Vec<Standard>,
    known_means: Vec<Standard>,
    /// By incomplete variable: its values, the columns of its basis, and their means over clusters.
    values: Vec<Vec<f64>>,
    columns: Vec<Vec<Standard>>,
    means: Vec<Vec<Standard>>,
}

/// A column with mean 0 and standard deviation 1; empty if it does not vary.
type Standard = Vec<f64>;

fn standardised(mut column: Vec<f64>) -> Standard {
    let n = column.len() as f64;
    let mean = column.iter().sum::<f64>() / n;
    column.iter_mut().for_each(|v| *v -= mean);
    let sd = (column.iter().map(|v| v * v).sum::<f64>() / n).sqrt();
    if sd > 1e-10 * mean.abs() && sd > 0.0 {
        column.iter_mut().for_each(|v| *v /= sd);
        column
    } else {
        Vec::new()
    }
}

/// Column `j` of the basis at a value.
fn at(basis: &Basis, j: usize, value: f64) -> f64 {
    match basis {
        Basis::Linear => value,
        Basis::Log { offset } => (value + offset).ln(),
        Basis::Spline { knots } => match j {
            0 => value,
            _ => spline::basis(value, knots, j - 1),
        },
        Basis::Levels { base, .. } => f64::from(u8::from(value as usize == if j < *base { j } else { j + 1 })),
    }
}

impl<'a> Predictors<'a> {
    pub fn new(data: &'a Data, rows: Range<usize>) -> Self {
        let cluster = data.cluster.as_ref().map(|c| renumbered(&c[rows.clone()]));
        let mut out = Self {
            data,
            cluster,
            known: data.known.iter().map(|k| standardised(k[rows.clone()].to_vec())).collect(),
            known_means: Vec::new(),
            values: data.variables.iter().map(|v| v.values[rows.clone()].to_vec()).collect(),
            columns: vec![Vec::new(); data.variables.len()],
            means: vec![Vec::new(); data.variables.len()],
            rows,
        };
        out.known_means = out.known.iter().map(|k| out.over_clusters(k)).collect();
        // Variables without a hole in this group are known.
        for v in 0..data.variables.len() {
            if out.values[v].iter().all(|x| !x.is_nan()) {
                out.refresh(v);
            }
        }
        out
    }

    /// Means of the clusters, by row; nothing where they are the column itself.
    fn over_clusters(&self, column: &[f64]) -> Standard {
        let Some((code, g)) = self.cluster.as_ref().filter(|_| !column.is_empty()) else { return Vec::new() };
        let (mut sum, mut n) = (vec![0.0; *g], vec![0.0; *g]);
        for (c, v) in code.iter().zip(column) {
            sum[*c as usize] += v;
            n[*c as usize] += 1.0;
        }
        let means: Vec<f64> = code.iter().map(|c| sum[*c as usize] / n[*c as usize]).collect();
        let same = means.iter().zip(column).all(|(m, v)| (m - v).abs() <= 1e-9);
        if same { Vec::new() } else { standardised(means) }
    }

    /// For each row the mean of the column over the other rows of its cluster whose cell of the target is observed: where a unit is compared with its
    /// cluster, its own value must not be in the cluster's. A cluster without such rows has the mean of the group.
    fn over_others(&self, column: &[f64], t: &Target) -> Standard {
        let Some((code, g)) = &self.cluster else { return Vec::new() };
        let (mut sum, mut n) = (vec![0.0; *g], vec![0.0; *g]);
        for &i in &t.observed {
            sum[code[i] as usize] += column[i];
            n[code[i] as usize] += 1.0;
        }
        let overall = t.observed.iter().map(|&i| column[i]).sum::<f64>() / t.observed.len() as f64;
        let mut out: Vec<f64> = code.iter().map(|c| if n[*c as usize] > 0.0 { sum[*c as usize] / n[*c as usize] } else { overall }).collect();
        for &i in &t.observed {
            let c = code[i] as usize;
            out[i] = if n[c] > 1.0 { (sum[c] - column[i]) / (n[c] - 1.0) } else { overall };
        }
        standardised(out)
    }

    fn basis_column(&self, v: usize, j: usize) -> Vec<f64> {
        let basis = &self.data.variables[v].basis;
        self.values[v].iter().map(|x| at(basis, j, *x)).collect()
    }

    fn refresh(&mut self, v: usize) {
        let columns: Vec<Standard> = (0..self.data.variables[v].basis.width()).map(|j| standardised(self.basis_column(v, j))).collect();
        self.means[v] = columns.iter().map(|c| self.over_clusters(c)).collect();
        self.columns[v] = columns;
    }

    /// Fills the missing cells of a target.
    pub fn set(&mut self, t: &Target, cells: &[f64]) {
        for (&i, v) in t.missing.iter().zip(cells) {
            self.values[t.variable][i] = *v;
        }
        self.refresh(t.variable);
    }

    /// Fills the missing cells of every target with one value.
    pub fn fill(&mut self, targets: &[Target], value: impl Fn(&Target) -> f64) {
        for t in targets {
            self.set(t, &vec![value(t); t.missing.len()]);
        }
    }

    fn factor(&self, f: &Factor) -> Vec<f64> {
        match f {
            Factor::Known(v) => v[self.rows.clone()].to_vec(),
            Factor::Of(v, j) => self.basis_column(*v, *j),
        }
    }

    /// Coefficients of a target's model, the intercept included; those of columns that depend on others are counted too.
    pub fn width(&self, target: usize, with_means: bool) -> usize {
        self.list(target, with_means).len() + 1 + usize::from(with_means) * self.data.variables[target].basis.width()
    }

    /// The columns that vary, of everything but the target and its products.
    fn list(&self, target: usize, with_means: bool) -> Vec<std::borrow::Cow<'_, [f64]>> {
        use std::borrow::Cow;
        let mut out: Vec<Cow<'_, [f64]>> = self.known.iter().map(|k| Cow::Borrowed(k.as_slice())).collect();
        let others = || (0..self.columns.len()).filter(move |v| *v != target);
        out.extend(others().flat_map(|v| self.columns[v].iter().map(|c| Cow::Borrowed(c.as_slice()))));
        let of_target = |f: &Factor| matches!(f, Factor::Of(v, _) if *v == target);
        for (a, b) in self.data.products.iter().filter(|(a, b)| !of_target(a) && !of_target(b)) {
            let product = self.factor(a).into_iter().zip(self.factor(b)).map(|(a, b)| a * b).collect();
            out.push(Cow::Owned(standardised(product)));
        }
        if with_means {
            out.extend(self.known_means.iter().map(|k| Cow::Borrowed(k.as_slice())));
            out.extend(others().flat_map(|v| self.means[v].iter().map(|c| Cow::Borrowed(c.as_slice()))));
        }
        out.retain(|c| !c.is_empty());
        out
    }

    /// The predictors of a target, (rows of the group, columns), the intercept in column 0.
    pub fn matrix(&self, t: &Target) -> Array2<f64> {
        let mut columns = self.list(t.variable, t.with_means);
        if t.with_means {
            for j in 0..self.data.variables[t.variable].basis.width() {
                columns.push(self.over_others(&self.basis_column(t.variable, j), t).into());
            }
            columns.retain(|c| !c.is_empty());
        }
        let mut x = Array2::ones((self.rows.len(), columns.len() + 1));
        for (row, mut cells) in x.outer_iter_mut().enumerate() {
            cells.iter_mut().skip(1).zip(&columns).for_each(|(cell, c)| *cell = c[row]);
        }
        x
    }
}
