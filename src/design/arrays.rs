//! A design from arrays, for those who call a method from Rust without a study file.
#![warn(missing_docs)]

use super::{Clusters, Column, Design, Group};
use crate::error::{Problem, Problems, codes};
use crate::vocab::{Family, Role};
use ndarray::{Array1, Array2};

/// Columns of numbers by name; a categorical variable is given as the indicators of its levels without the base.
pub type Numbers<'a> = Vec<(&'a str, Vec<f64>)>;

/// The data of one comparison, in any order of rows; every array has one value a unit.
#[derive(Clone, Debug)]
pub struct Arrays<'a> {
    /// Distribution and link of the outcome.
    pub family: Family,
    /// The outcome: 0 or 1 for a binomial family, counts for Poisson.
    pub outcome: Vec<f64>,
    /// Whether each unit is of the index group; the others are the reference.
    pub index: Vec<bool>,
    /// Variables treated as fair differences.
    pub allowable: Numbers<'a>,
    /// Blocks by name, each with its variables.
    pub blocks: Vec<(&'a str, Numbers<'a>)>,
    /// Analysis weights, 0 or more.
    pub weight: Option<Vec<f64>>,
    /// Cluster of each unit.
    pub cluster: Option<Vec<String>>,
}

impl Arrays<'_> {
    /// The design: reference rows first, intercept and group in front of the variables. `cohort_row` holds each row's place in the arrays.
    ///
    /// Errors: `G214` for arrays of different lengths or more than ten blocks, `G313` for values that are not finite or weights below 0,
    /// `G306` for a binomial outcome that is not 0 or 1, `G308` for an empty group.
    pub fn design(&self) -> Result<Design, Problems> {
        self.check()?;
        let of = |index: bool| (0..self.outcome.len()).filter(move |&i| self.index[i] == index);
        let rows: Vec<usize> = of(false).chain(of(true)).collect();
        let (n, n_reference) = (rows.len(), of(false).count());
        let variables = self.variables();
        let column =
            |term: &str, role| Column { term: term.to_owned(), variable: term.to_owned(), role, requires: Vec::new(), level: None, product: None };
        let columns = [column("(intercept)", Role::Intercept), column("(group)", Role::Group)].into_iter();
        let x = Array2::from_shape_fn((n, variables.len() + 2), |(r, j)| match j {
            0 => 1.0,
            1 => f64::from(u8::from(self.index[rows[r]])),
            j => variables[j - 2].2[rows[r]],
        });
        let clusters = self.cluster.as_ref().map(|of_unit| {
            let mut labels = of_unit.clone();
            labels.sort();
            labels.dedup();
            // Every label is among the sorted ones, and before its place stand as many labels as its code.
            Clusters { code: rows.iter().map(|&i| labels.partition_point(|l| *l < of_unit[i]) as u32).collect(), labels }
        });
        Ok(Design {
            family: self.family,
            y: rows.iter().map(|&i| self.outcome[i]).collect(),
            x,
            columns: columns.chain(variables.iter().map(|(term, role, _)| column(term, *role))).collect(),
            factors: Vec::new(),
            blocks: self.blocks.iter().map(|(name, _)| (*name).to_owned()).collect(),
            groups: vec![Group { label: "reference".into(), rows: 0..n_reference }, Group { label: "index".into(), rows: n_reference..n }],
            weight: self.weight.as_ref().map_or_else(|| Array1::ones(n), |w| rows.iter().map(|&i| w[i]).collect()),
            weighted: self.weight.is_some(),
            clusters,
            exposure: None,
            labelled: Vec::new(),
            described: Vec::new(),
            cohort_row: rows.iter().map(|&i| i as u32).collect(),
            dropped: Vec::new(),
        })
    }

    fn variables(&self) -> Vec<(&str, Role, &[f64])> {
        let mut out: Vec<(&str, Role, &[f64])> = self.allowable.iter().map(|(t, v)| (*t, Role::Allowable, v.as_slice())).collect();
        for (k, (_, columns)) in self.blocks.iter().enumerate() {
            out.extend(columns.iter().map(|(t, v)| (*t, Role::Block(k), v.as_slice())));
        }
        out
    }

    fn check(&self) -> Result<(), Problems> {
        let n = self.outcome.len();
        let mut problems = Problems::new();
        let mut say = |code, message: String| problems.push(Problem::error(code, message));
        let variables = self.variables();
        let weight = self.weight.as_deref().map(|w| ("weight", w));
        let arrays = [("outcome", self.outcome.as_slice())].into_iter().chain(weight).chain(variables.iter().map(|(t, _, v)| (*t, *v)));
        for (name, values) in arrays {
            if values.len() != n {
                say(codes::G214, format!("`{name}` has {} values and the outcome {n}", values.len()));
            }
            if !values.iter().all(|v| v.is_finite()) {
                say(codes::G313, format!("`{name}` holds values that are not finite"));
            }
        }
        for (name, len) in [("index", Some(self.index.len())), ("cluster", self.cluster.as_ref().map(Vec::len))] {
            if len.is_some_and(|len| len != n) {
                say(codes::G214, format!("`{name}` has {} values and the outcome {n}", len.unwrap_or(0)));
            }
        }
        if self.weight.iter().flatten().any(|w| *w < 0.0) {
            say(codes::G313, "a weight is below 0".to_owned());
        }
        if self.family.is_binomial() && !self.outcome.iter().all(|y| *y == 0.0 || *y == 1.0) {
            say(codes::G306, "the outcome of a binomial family is 0 or 1".to_owned());
        }
        for (group, index) in [("reference", false), ("index", true)] {
            if !self.index.contains(&index) {
                say(codes::G308, format!("the {group} group has no units"));
            }
        }
        if self.blocks.is_empty() || self.blocks.len() > 10 {
            say(codes::G214, format!("{} blocks are given; there must be 1 to 10", self.blocks.len()));
        }
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrays() -> Arrays<'static> {
        Arrays {
            family: Family::Gaussian,
            outcome: vec![1.0, 2.0, 3.0],
            index: vec![true, false, false],
            allowable: vec![("age", vec![10.0, 20.0, 30.0])],
            blocks: vec![("block", vec![("x", vec![0.1, 0.2, 0.3])])],
            weight: None,
            cluster: Some(["b", "a", "b"].map(String::from).to_vec()),
        }
    }

    #[test]
    fn reference_rows_come_first() {
        let d = arrays().design().unwrap();
        assert_eq!(d.y.to_vec(), [2.0, 3.0, 1.0]);
        assert_eq!(d.x.row(2).to_vec(), [1.0, 1.0, 10.0, 0.1]);
        assert_eq!((d.groups[0].rows.clone(), d.groups[1].rows.clone()), (0..2, 2..3));
        assert_eq!(d.clusters.unwrap().code, [0, 1, 1]);
        assert_eq!(d.cohort_row, [1, 2, 0]);
    }

    #[test]
    fn wrong_arrays_are_named() {
        for (change, code) in [
            ((|a| a.outcome.push(1.0)) as fn(&mut Arrays), codes::G214),
            (|a| a.outcome[0] = f64::NAN, codes::G313),
            (|a| a.weight = Some(vec![1.0, -1.0, 1.0]), codes::G313),
            (|a| a.family = Family::Binomial, codes::G306),
            (|a| a.index = vec![true; 3], codes::G308),
            (|a| a.blocks.clear(), codes::G214),
        ] {
            let mut a = arrays();
            change(&mut a);
            assert_eq!(a.design().unwrap_err()[0].code, code);
        }
    }
}
