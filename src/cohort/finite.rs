//! Numbers that are none. Polars takes NaN for larger than every number and equal to itself, so that `NaN > 1` is true: here NaN is a missing value,
//! and so is what has no value (the logarithm of a negative number, a division by 0).

use super::problems::bug;
use crate::error::{Place, Problem, Problems, codes};
use polars::prelude::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Floats for which `keep` is false become null; how many did.
fn cleared(column: Column, keep: fn(f64) -> bool) -> PolarsResult<(Column, usize)> {
    macro_rules! cleared {
        ($ca:expr) => {{
            let ca = $ca;
            let n = ca.iter().flatten().filter(|v| !keep(f64::from(*v))).count();
            let out = if n == 0 { column.clone() } else { ca.apply(|v| v.filter(|v| keep(f64::from(*v)))).into_column() };
            Ok((out, n))
        }};
    }
    match column.dtype() {
        DataType::Float64 => cleared!(column.f64()?),
        DataType::Float32 => cleared!(column.f32()?),
        _ => Ok((column, 0)),
    }
}

/// NaN in the columns of a table as missing values. Returns the names of the columns that have some, with their number.
pub(super) fn without_nan(frame: DataFrame) -> Result<(DataFrame, Vec<(String, usize)>), Problems> {
    let height = frame.height();
    let mut found = Vec::new();
    let mut columns = Vec::with_capacity(frame.width());
    for column in frame.columns().iter().cloned() {
        let name = column.name().to_string();
        let (column, n) = cleared(column, |v| !v.is_nan()).map_err(|e| vec![bug("NaN as missing values", &e)])?;
        found.extend((n > 0).then_some((name, n)));
        columns.push(column);
    }
    let frame = DataFrame::new(height, columns).map_err(|e| vec![bug("NaN as missing values", &e)])?;
    Ok((frame, found))
}

/// G330 for a table with NaN.
pub(super) fn nan_in_table(table: &str, found: &[(String, usize)], place: Option<Place>) -> Option<Problem> {
    let columns: Vec<String> = found.iter().map(|(column, n)| format!("{n} in `{column}`")).collect();
    let text = format!("cells of `{table}` that are NaN count as missing: {}", columns.join(", "));
    (!found.is_empty()).then(|| Problem::warning(codes::G330, text).at(place).help("missing cells of parquet and arrow files are nulls"))
}

/// G330 for an expression with values that are not defined.
pub(super) fn undefined(what: &str, n: usize, place: Option<Place>) -> Option<Problem> {
    let text = format!("{what}: {n} values are not defined (a division by 0, the logarithm or root of a negative number) and count as missing");
    let help = "say what they are: CASE WHEN x > 0 THEN LN(x) END";
    (n > 0).then(|| Problem::warning(codes::G330, text).at(place).help(help))
}

/// The expression with every value that is no number as a missing one: what columns hold, and what arithmetic and functions of columns have no finite
/// value for, which `undefined` counts. `schema` has the columns; an expression that does not fit them is left for polars to refuse.
pub(super) fn finite(expr: Expr, schema: &Schema, undefined: &Arc<AtomicUsize>) -> Expr {
    let arithmetic = |op: Operator| {
        use Operator as O;
        matches!(op, O::Plus | O::Minus | O::Multiply | O::RustDivide | O::TrueDivide | O::FloorDivide | O::Modulus)
    };
    let inner = |e: Arc<Expr>| Arc::new(finite(Arc::unwrap_or_clone(e), schema, undefined));
    let all = |of: Vec<Expr>| of.into_iter().map(|e| finite(e, schema, undefined)).collect::<Vec<_>>();
    match expr {
        Expr::Column(name) => cleared_in(Expr::Column(name), schema, None),
        Expr::BinaryExpr { left, op, right } => {
            let out = Expr::BinaryExpr { left: inner(left), op, right: inner(right) };
            if arithmetic(op) { cleared_in(out, schema, Some(undefined)) } else { out }
        }
        Expr::Cast { expr, dtype, options } => cleared_in(Expr::Cast { expr: inner(expr), dtype, options }, schema, Some(undefined)),
        Expr::Ternary { predicate, truthy, falsy } => Expr::Ternary { predicate: inner(predicate), truthy: inner(truthy), falsy: inner(falsy) },
        Expr::Function { input, function } => cleared_in(Expr::Function { input: all(input), function }, schema, Some(undefined)),
        Expr::AnonymousFunction { input, function, options, fmt_str } => {
            cleared_in(Expr::AnonymousFunction { input: all(input), function, options, fmt_str }, schema, Some(undefined))
        }
        other => other,
    }
}

/// A constant stays as it is: polars takes the length of the result from the columns.
fn cleared_in(expr: Expr, schema: &Schema, undefined: Option<&Arc<AtomicUsize>>) -> Expr {
    let float = match expr.to_field(schema).map(|f| f.dtype().clone()) {
        Ok(DataType::Float32) => DataType::Float32,
        Ok(DataType::Float64 | DataType::Unknown(UnknownKind::Float)) => DataType::Float64,
        Ok(_) | Err(_) => return expr,
    };
    if expr.clone().meta().root_names().is_empty() {
        return expr;
    }
    let undefined = undefined.map(Arc::clone);
    let clear = move |c: Column| {
        let (c, n) = cleared(c, f64::is_finite)?;
        if let Some(undefined) = &undefined {
            undefined.fetch_add(n, Ordering::Relaxed);
        }
        Ok(c)
    };
    let typed = float.clone();
    expr.cast(float).map(clear, move |_, f| Ok(Field::new(f.name().clone(), typed.clone())))
}
