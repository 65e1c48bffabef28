//! Designs made from another one: variables left out or moved, rows left out. Values are copied, never coded again.

use super::{Clusters, Column, Contrast, Design, Factor, Group};
use crate::vocab::{Family, Role};
use ndarray::{Array1, Array2};
use std::collections::BTreeMap;

impl Design {
    /// The design of a study in which variables have other roles. `role` says which, by variable and present role; `None` leaves the
    /// variable out, and every product with it.
    ///
    /// A block can lose its last column; it keeps its place. Columns stand as in a study file: the allowables, then the blocks. What Table 1 needs is
    /// left behind.
    pub fn with_roles(&self, role: impl Fn(&str, Role) -> Option<Role>) -> Self {
        let of = |c: &Column| if matches!(c.role, Role::Intercept | Role::Group) { Some(c.role) } else { role(&c.variable, c.role) };
        let variable_of: BTreeMap<&str, &Column> = self.columns.iter().map(|c| (c.term.as_str(), c)).collect();
        // (column, its new role and what it requires), in the new order.
        let mut kept: Vec<(usize, Role, Vec<Role>)> = Vec::with_capacity(self.columns.len());
        for (j, c) in self.columns.iter().enumerate() {
            let Some(now) = of(c) else { continue };
            let parts: Vec<&Column> = c.product.iter().flat_map(|(a, b)| [a, b]).filter_map(|t| variable_of.get(t.as_str()).copied()).collect();
            let requires: Option<Vec<Role>> = match parts.is_empty() {
                true => Some(c.requires.clone()),
                false => parts.into_iter().map(of).collect(),
            };
            kept.extend(requires.map(|requires| (j, now, requires)));
        }
        kept.sort_by_key(|(_, role, _)| *role);
        let now_at: BTreeMap<usize, usize> = kept.iter().enumerate().map(|(at, (j, ..))| (*j, at)).collect();
        let factors = self.factors.iter().filter_map(|f| {
            let columns: Vec<usize> = f.columns.iter().filter_map(|j| now_at.get(j).copied()).collect();
            (columns.len() == f.columns.len()).then(|| Factor { columns, ..f.clone() })
        });
        let mut x = Array2::zeros((self.x.nrows(), kept.len()));
        for (mut to, from) in x.outer_iter_mut().zip(self.x.outer_iter()) {
            to.iter_mut().zip(&kept).for_each(|(cell, (j, ..))| *cell = from[*j]);
        }
        Self {
            family: self.family,
            y: self.y.clone(),
            x,
            factors: factors.collect(),
            columns: kept.into_iter().map(|(j, role, requires)| Column { role, requires, ..self.columns[j].clone() }).collect(),
            blocks: self.blocks.clone(),
            groups: self.groups.clone(),
            weight: self.weight.clone(),
            weighted: self.weighted,
            clusters: self.clusters.clone(),
            exposure: self.exposure.clone(),
            labelled: self.labelled.clone(),
            described: Vec::new(),
            cohort_row: self.cohort_row.clone(),
            dropped: self.dropped.clone(),
        }
    }

    /// The design of the units of one comparison for which `keep` holds: the reference and one index group. Columns are coded as
    /// before (knots, base levels), so some may not vary any more. What Table 1 needs is left behind.
    pub fn with_rows(&self, comparison: &Contrast<'_>, keep: impl Fn(usize) -> bool) -> Self {
        let of = |rows: std::ops::Range<usize>| rows.filter(|&i| keep(i)).collect::<Vec<usize>>();
        let (reference, index) = (of(comparison.reference()), of(comparison.index()));
        let borders = [0..reference.len(), reference.len()..reference.len() + index.len()];
        let labels = [&self.groups[0].label, &self.groups[comparison.index_group].label];
        let rows: Vec<usize> = reference.into_iter().chain(index).collect();
        let pick = |v: &Array1<f64>| rows.iter().map(|&i| v[i]).collect::<Array1<f64>>();
        let codes = |c: &Clusters| Clusters { code: rows.iter().map(|&i| c.code[i]).collect(), labels: c.labels.clone() };
        let mut x = Array2::zeros((rows.len(), self.x.ncols()));
        for (mut to, &i) in x.outer_iter_mut().zip(&rows) {
            to.assign(&self.x.row(i));
        }
        Self {
            family: self.family,
            y: pick(&self.y),
            x,
            columns: self.columns.clone(),
            factors: self.factors.clone(),
            blocks: self.blocks.clone(),
            groups: labels.into_iter().zip(borders).map(|(label, rows)| Group { label: label.clone(), rows }).collect(),
            weight: pick(&self.weight),
            weighted: self.weighted,
            clusters: self.clusters.as_ref().map(codes),
            exposure: self.exposure.as_ref().map(pick),
            labelled: self.labelled.iter().map(|(name, c)| (name.clone(), codes(c))).collect(),
            described: Vec::new(),
            cohort_row: rows.iter().map(|&i| self.cohort_row[i]).collect(),
            dropped: self.dropped.clone(),
        }
    }

    /// The design of a study of another outcome; `y` by row of the design. An exposure stays for counts.
    pub fn with_outcome(self, family: Family, y: Array1<f64>) -> Self {
        Self { family, y, exposure: self.exposure.filter(|_| family == Family::Poisson), ..self }
    }

    /// Variables with a column in a block or among the allowables, in the order of the columns, with their roles.
    pub fn variables(&self) -> Vec<(String, Role)> {
        let mut out: Vec<(String, Role)> = Vec::new();
        for c in self.columns.iter().filter(|c| !matches!(c.role, Role::Intercept | Role::Group)) {
            if !out.iter().any(|(v, _)| *v == c.variable) {
                out.push((c.variable.clone(), c.role));
            }
        }
        out
    }

    /// Whether a block has no column.
    pub fn is_empty_block(&self, block: usize) -> bool {
        self.columns.iter().all(|c| c.role != Role::Block(block))
    }
}
