//! Columns that are linear combinations of earlier ones over the whole sample.

use crate::design::Design;
use crate::model::{GROUP, ModelMatrix, Term, glm};
use crate::vocab::Family;

/// Takes dependent columns out of the design and names them: (term, variable). The later column goes (METHODS 1.1).
pub(super) fn drop_dependent(design: &mut Design) -> Vec<(String, String)> {
    let p = design.columns.len();
    let kept_out: Vec<usize> = {
        let terms: Vec<Term> = (0..p).filter(|&j| j != GROUP).map(Term::Column).collect();
        // Least squares finds the rank whatever the outcome is; without a fit (too few rows) the models say so themselves.
        let y: Vec<f64> = design.y.iter().map(|v| if v.is_nan() { 0.0 } else { *v }).collect();
        let w = design.weight.to_vec();
        let fit =
            ModelMatrix::new(design.x.view(), terms, std::iter::once(0..y.len()).collect()).and_then(|m| glm::fit(&m, Family::Gaussian, &y, &w));
        let Ok(fit) = fit else { return Vec::new() };
        let position = |t: &usize| if let Term::Column(j) = fit.terms[*t] { Some(j) } else { None };
        fit.dropped.iter().filter_map(position).collect()
    };
    let named: Vec<(String, String)> = kept_out.iter().map(|&j| (design.columns[j].term.clone(), design.columns[j].variable.clone())).collect();
    design.take_out(&kept_out);
    design.dropped.extend(named.iter().map(|(t, _)| (t.clone(), "a linear combination of columns before it".to_owned())));
    named
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::design::{Column, Factor, Group};
    use crate::vocab::Role;
    use ndarray::{Array1, Array2};

    #[test]
    fn the_later_column_goes_and_positions_follow() {
        let x = Array2::from_shape_fn((40, 6), |(i, j)| {
            let (a, b) = ((i % 7) as f64, ((i * i) % 11) as f64);
            [1.0, f64::from(u8::from(i >= 20)), a, b, 2.0 * a - 3.0 * b + 1.0, f64::from(u8::from(i % 3 == 0))][j]
        });
        let column =
            |term: &str| Column { term: term.into(), variable: term.into(), role: Role::Block(0), requires: Vec::new(), level: None, product: None };
        let mut d = Design {
            family: Family::Gaussian,
            y: (0..40).map(|i| (i % 5) as f64).collect(),
            x,
            columns: ["(intercept)", "(group)", "a", "b", "sum", "third"].map(column).to_vec(),
            factors: vec![Factor { variable: "third".into(), base: "no".into(), columns: vec![5], fixed_effects: false, lost_level: false }],
            blocks: vec!["all".into()],
            groups: vec![Group { label: "r".into(), rows: 0..20 }, Group { label: "i".into(), rows: 20..40 }],
            weight: Array1::ones(40),
            weighted: false,
            clusters: None,
            labelled: Vec::new(),
            exposure: None,
            described: Vec::new(),
            cohort_row: (0..40).collect(),
            dropped: Vec::new(),
        };
        assert_eq!(drop_dependent(&mut d), vec![("sum".to_owned(), "sum".to_owned())]);
        assert_eq!((d.x.ncols(), d.columns[4].term.as_str(), d.factors[0].columns.clone()), (5, "third", vec![4]));
        assert!(drop_dependent(&mut d).is_empty());
        assert!(d.x.is_standard_layout());
    }
}
