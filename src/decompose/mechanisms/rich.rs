//! The columns of the inner regressions of `mechanisms`: those of the study, splines of its numbers, and allowables times blocks.
//!
//! What an inner regression predicts is a smooth mean of the one before it, and main effects alone bias its plug-in (METHODS 5.1). The
//! outer model keeps the study's own terms: its extrapolation to the other group is what breaks where support is thin.

use crate::decompose::{DecomposeError, Fact};
use crate::design::{Column, Contrast};
use crate::model::{GROUP, INTERCEPT, ModelMatrix, Term, spline};
use crate::vocab::{BlockSet, Role};
use ndarray::Array2;
use std::ops::Range;

/// Spline columns of a number, its own included.
const DF: usize = 4;
/// Rows of the smaller group that an inner model has for each of its columns, at least.
const ROWS_PER_COLUMN: usize = 10;
/// Products of allowables and blocks; more make the fits slow and say little.
const MOST_PRODUCTS: usize = 300;

/// A column beside those of the design, and the roles that must be in a model for it to enter.
struct Extra {
    roles: [Role; 2],
}

/// The design with more columns.
pub struct Rich {
    x: Array2<f64>,
    /// Columns of the design that come first in `x`.
    own: usize,
    extra: Vec<Extra>,
    /// What was left out, and why.
    pub facts: Vec<Fact>,
}

/// A spline column or a product, as it is computed.
enum Source {
    Spline { column: usize, knots: Vec<f64>, j: usize },
    Product(usize, usize),
}

impl Rich {
    /// `inner` holds the blocks of the largest inner regression.
    pub fn new(c: &Contrast<'_>, inner: BlockSet) -> Self {
        let d = c.design;
        let mut facts = Vec::new();
        let inside = |role: Role| matches!(role, Role::Allowable) || matches!(role, Role::Block(k) if inner.contains(k));
        let usable: Vec<usize> = (0..d.columns.len()).filter(|&j| inside(d.columns[j].role) && is_linear(&d.columns[j])).collect();
        let mut splines: Vec<(Source, Extra)> = Vec::new();
        let mut coarse: Vec<&str> = Vec::new();
        for &j in usable.iter().filter(|&&j| !d.is_binary(j) && !coded_as_curve(&d.columns[j])) {
            let Some((df, knots)) = knots(c, j) else {
                coarse.push(&d.columns[j].term);
                continue;
            };
            if df < DF {
                coarse.push(&d.columns[j].term);
            }
            let role = d.columns[j].role;
            splines.extend((0..df - 1).map(|b| (Source::Spline { column: j, knots: knots.clone(), j: b }, Extra { roles: [role, role] })));
        }
        if !coarse.is_empty() {
            let message = format!("numbers with too few distinct values for a spline of {DF} df in the inner regressions: {}", coarse.join(", "));
            facts.push(Fact::informs("inner_spline", Some(coarse.len() as f64), message));
        }
        let mut products: Vec<(Source, Extra)> = Vec::new();
        for &a in usable.iter().filter(|&&j| d.columns[j].role == Role::Allowable) {
            for &b in usable.iter().filter(|&&j| d.columns[j].role != Role::Allowable) {
                products.push((Source::Product(a, b), Extra { roles: [d.columns[a].role, d.columns[b].role] }));
            }
        }
        let smaller = c.reference().len().min(c.index().len());
        let main = c.columns(inner).len();
        let room = |extra: usize| (main + extra) * ROWS_PER_COLUMN <= smaller;
        if !products.is_empty() && (products.len() > MOST_PRODUCTS || !room(splines.len() + products.len())) {
            let message =
                "the inner regressions hold no products of allowables and blocks: too many columns for the smaller group, or too many products";
            facts.push(Fact::informs("inner_products", Some(products.len() as f64), message));
            products.clear();
        }
        if !splines.is_empty() && !room(splines.len()) {
            let message = "the inner regressions hold no splines: too many columns for the smaller group";
            facts.push(Fact::informs("inner_spline", Some(splines.len() as f64), message));
            splines.clear();
        }
        let (sources, extra): (Vec<Source>, Vec<Extra>) = splines.into_iter().chain(products).unzip();
        Self { x: filled(c, &sources), own: d.columns.len(), extra, facts }
    }

    /// The matrix of a regression on the allowables and the blocks of `set`, over `rows`.
    pub fn matrix(&self, c: &Contrast<'_>, set: BlockSet, rows: Vec<Range<usize>>) -> Result<ModelMatrix<'_>, DecomposeError> {
        let has = |role: &Role| matches!(role, Role::Allowable) || matches!(role, Role::Block(k) if set.contains(*k));
        let mut terms: Vec<Term> = c.columns(set).into_iter().map(Term::Column).collect();
        terms.extend(self.extra.iter().enumerate().filter(|(_, e)| e.roles.iter().all(has)).map(|(j, _)| Term::Column(self.own + j)));
        debug_assert!(terms.first() == Some(&Term::Column(INTERCEPT)) && !terms.contains(&Term::Column(GROUP)));
        ModelMatrix::new(self.x.view(), terms, rows).map_err(|e| DecomposeError::Nested {
            blocks: set.name(&c.design.blocks),
            fitted_in: "either",
            reason: e.to_string(),
        })
    }
}

/// The design's columns and the extra ones, row by row.
fn filled(c: &Contrast<'_>, sources: &[Source]) -> Array2<f64> {
    let d = c.design;
    let p = d.columns.len();
    let mut x = Array2::zeros((d.x.nrows(), p + sources.len()));
    for i in c.units() {
        for j in 0..p {
            x[[i, j]] = d.x[[i, j]];
        }
        for (j, s) in sources.iter().enumerate() {
            x[[i, p + j]] = match s {
                Source::Spline { column, knots, j } => spline::basis(d.x[[i, *column]], knots, *j),
                Source::Product(a, b) => d.x[[i, *a]] * d.x[[i, *b]],
            };
        }
    }
    x
}

/// Not a product, and not a bent part of a spline.
fn is_linear(column: &Column) -> bool {
    column.product.is_none() && (!coded_as_curve(column) || column.term.ends_with(".s1"))
}

/// Whether the study file itself codes the variable as a spline.
fn coded_as_curve(column: &Column) -> bool {
    column.term.strip_prefix(column.variable.as_str()).and_then(|rest| rest.strip_prefix(".s")).is_some_and(|k| k.parse::<u32>().is_ok())
}

/// Knots of the richest spline that the values bear, and its df; `None` where they bear none. They stand at quantiles of the two
/// groups' units by weight, so that a weight of 2 is the same as two rows.
fn knots(c: &Contrast<'_>, column: usize) -> Option<(usize, Vec<f64>)> {
    let mut values: Vec<(f64, f64)> = c.units().map(|i| (c.design.x[[i, column]], c.design.weight[i])).collect();
    values.sort_by(|a, b| a.0.total_cmp(&b.0));
    let total: f64 = values.iter().map(|v| v.1).sum();
    let mut sum = 0.0;
    let cumulated: Vec<(f64, f64)> = values
        .iter()
        .map(|v| {
            sum += v.1;
            (v.0, sum)
        })
        .collect();
    let quantile = |p: f64| cumulated.get(cumulated.partition_point(|v| v.1 < p * total)).or(cumulated.last()).map(|v| v.0);
    (2..=DF).rev().find_map(|df| {
        let knots: Vec<f64> = spline::knot_quantiles(df)?.iter().map(|&p| quantile(p)).collect::<Option<_>>()?;
        knots.windows(2).all(|k| k[0] < k[1]).then_some((df, knots))
    })
}
