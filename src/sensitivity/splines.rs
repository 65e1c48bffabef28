//! A design in which numbers enter as splines. Nothing else is coded again.

use crate::design::{Column, Design, Factor};
use crate::model::spline;
use crate::vocab::Role;
use ndarray::Array2;

/// The design of a study in which every number that enters linearly does so as a restricted cubic spline; how many they are.
///
/// Knots stand at Harrell's quantiles of the coded values
/// over all rows, filled ones included; where they coincide (few values, or many ties) there are fewer columns, down to none. Products stay those
/// of the number itof.
pub fn with_splines(of: &Design, df: usize) -> (Design, usize) {
    let mut added: Vec<(usize, Column, Vec<f64>)> = Vec::new();
    let mut bent = 0;
    for (j, c) in of.columns.iter().enumerate() {
        // As it is: not a level, a product, a logarithm or a spline, nor the flag of a missing value.
        let number = matches!(c.role, Role::Allowable | Role::Block(_)) && c.term == c.variable && c.level.is_none() && c.product.is_none();
        if !number || of.is_binary(j) {
            continue;
        }
        let values = of.x.column(j);
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let knots = (2..=df).rev().filter_map(spline::knot_quantiles).find_map(|at| {
            let knots: Vec<f64> = at.iter().map(|p| spline::quantile(&sorted, *p)).collect();
            knots.windows(2).all(|k| k[0] < k[1]).then_some(knots)
        });
        let Some(knots) = knots else { continue };
        bent += 1;
        for s in 0..knots.len() - 2 {
            let column = Column { term: format!("{}.s{}", c.term, s + 2), ..c.clone() };
            added.push((j, column, values.iter().map(|x| spline::basis(*x, &knots, s)).collect()));
        }
    }
    // Each beside the number that it bends.
    let mut order: Vec<(usize, Option<usize>)> = (0..of.columns.len()).map(|j| (j, None)).collect();
    order.extend(added.iter().enumerate().map(|(at, (j, ..))| (*j, Some(at))));
    order.sort();
    let mut x = Array2::zeros((of.x.nrows(), order.len()));
    for (i, (mut to, from)) in x.outer_iter_mut().zip(of.x.outer_iter()).enumerate() {
        to.iter_mut().zip(&order).for_each(|(cell, (j, at))| *cell = at.map_or(from[*j], |at| added[at].2[i]));
    }
    let now_at = |j: usize| order.iter().position(|o| *o == (j, None));
    let factors = of.factors.iter().map(|f| Factor { columns: f.columns.iter().filter_map(|&j| now_at(j)).collect(), ..f.clone() });
    let design = Design {
        x,
        factors: factors.collect(),
        columns: order.iter().map(|(j, at)| at.map_or(&of.columns[*j], |at| &added[at].1).clone()).collect(),
        described: Vec::new(),
        ..of.clone()
    };
    (design, bent)
}
