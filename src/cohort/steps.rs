//! The steps that keep or remove rows: `where`, `first`, `present`.

use super::attrition::Marks;
use super::finite;
use super::keys::{self, KeyError, NO_KEY};
use super::plan::{CohortPlan, FirstPlan, KeepPlan, Named, PresentPlan, RowStep};
use super::problems::{bug, polars_says};
use super::sql::Expression;
use super::text::note;
use crate::error::{Problem, Problems, codes};
use polars::prelude::{BooleanChunked, Column, DataFrame, DataType, PolarsResult};

/// Rows for which the expression is true are kept; a null is not true, and the nulls are counted in a warning.
pub(super) fn keep(
    rows: &DataFrame,
    marks: &mut Marks,
    step: &KeepPlan,
    expression: &Expression,
    warnings: &mut Problems,
) -> Result<(), Box<Problem>> {
    expression.take_undefined();
    let result = expression.evaluate(rows, "where").map_err(|e| not_computed(&step.sql, &e))?;
    warnings.extend(finite::undefined(&format!("step `{}`", step.name), expression.take_undefined(), step.sql.place.clone()));
    let result = if result.dtype() == &DataType::Null { Column::full_null("where".into(), result.len(), &DataType::Boolean) } else { result };
    let truth: &BooleanChunked = result.bool().map_err(|_| {
        Problem::error(codes::G211, format!("`where` of step `{}` is not true or false", step.name))
            .at(step.sql.place.clone())
            .help("compare: age >= 18, sex = 'F', flag = 1")
    })?;
    let truth: Vec<Option<bool>> = truth.iter().collect();
    let nulls = truth.iter().enumerate().filter(|(row, t)| t.is_none() && marks.is_kept(*row)).count();
    let removed = marks.step(step.name.clone(), |row| truth[row] != Some(true));
    if nulls > 0 {
        warnings.push(
            Problem::warning(codes::G319, format!("step `{}`: {nulls} of the {removed} removed rows have a missing value in `where`", step.name))
                .at(step.sql.place.clone())
                .note("a condition that is neither true nor false does not keep the row"),
        );
    }
    Ok(())
}

/// G329 for derived columns that have a value in kept rows where a column that they read has none: (step, column, rows).
pub(super) fn from_missing(plan: &CohortPlan, found: &[(usize, String, Vec<u32>)], marks: &Marks) -> Problems {
    let of = |(at, column, rows): &(usize, String, Vec<u32>)| {
        let RowStep::Derive(derive) = plan.steps.get(*at)? else { return None };
        let n = rows.iter().filter(|row| marks.is_kept(**row as usize)).count();
        let (name, all) = (&derive.column.name, marks.n_kept());
        let text =
            format!("derived column `{name}` has a value in {n} of {all} rows where `{column}` has none: LEAST and GREATEST skip missing values");
        let problem = Problem::warning(codes::G329, text).at(derive.sql.place.clone());
        (n > 0).then(|| problem.help(format!("write CASE WHEN {column} IS NOT NULL THEN ... END; COALESCE({column}, ...) says that it is meant")))
    };
    found.iter().filter_map(of).collect()
}

/// What a failure to compute an expression on the data is: cells that do not convert.
pub(super) fn not_computed(sql: &Named, e: &polars::error::PolarsError) -> Problem {
    Problem::error(codes::G301, format!("the expression could not be computed: {}", polars_says(e)))
        .at(sql.place.clone())
        .help("TRY_CAST gives null where CAST fails; or give the column a type under `tables: { name: { types: ... } }`")
}

/// Removes rows with a null in one of the columns.
pub(super) fn present(rows: &DataFrame, marks: &mut Marks, step: &PresentPlan) -> Result<(), Box<Problem>> {
    let mut nulls = Vec::with_capacity(step.columns.len());
    for column in &step.columns {
        nulls.push(rows.column(&column.name).map_err(|e| bug("present", &e))?.is_null());
    }
    marks.step(step.name.clone(), |row| nulls.iter().any(|n| n.get(row) == Some(true)));
    Ok(())
}

/// Keeps, for each value of `per`, the row that is first by `by`; ties go to the row that stands first in the file. Errors: G309, G211.
pub(super) fn first(rows: &DataFrame, marks: &mut Marks, step: &FirstPlan, warnings: &mut Problems) -> Result<(), Problems> {
    let internal = |e| vec![bug("first", &e)];
    let column = |named: &Named| rows.column(&named.name).map_err(internal);
    let mut problems = Problems::new();
    let kept = marks.kept();
    for named in step.per.iter().chain(&step.by) {
        let nulls = column(named)?.is_null();
        let (mut count, mut first) = (0, Vec::new());
        kept.iter().filter(|row| nulls.get(**row as usize) == Some(true)).for_each(|row| note(&mut count, &mut first, *row as usize + 1));
        if count > 0 {
            problems.push(
                Problem::error(codes::G309, format!("step `{}`: {count} rows have no `{}`", step.name, named.name))
                    .at(named.place.clone())
                    .note(format!("{} of the unit table", super::text::row_list(&first, count)))
                    .help(format!("remove them in a step before this one: present: [{}]", named.name)),
            );
        }
    }
    let mut order = Vec::with_capacity(step.by.len());
    for named in &step.by {
        match ranks(column(named)?).map_err(internal)? {
            Some(r) => order.push(r),
            None => problems.push(
                Problem::error(codes::G211, format!("rows cannot be ordered by `{}`: it is {}", named.name, keys::type_name(column(named)?.dtype())))
                    .at(named.place.clone()),
            ),
        }
    }
    let mut per = Vec::with_capacity(step.per.len());
    for named in &step.per {
        per.push(column(named)?);
    }
    let codes_per = keys::single(&per).map_err(|(k, e)| match e {
        KeyError::Polars(e) => internal(e),
        KeyError::Types(t, _) => {
            vec![Problem::error(codes::G211, format!("`{}` is {t}: it cannot name units", step.per[k].name)).at(step.per[k].place.clone())]
        }
    })?;
    if !problems.is_empty() {
        return Err(problems);
    }
    let n_codes = codes_per.iter().filter(|c| **c != NO_KEY).max().map_or(0, |m| *m as usize + 1);
    let mut best: Vec<Option<u32>> = vec![None; n_codes];
    let mut tied = vec![false; n_codes];
    let key = |row: u32| order.iter().map(move |r| r[row as usize]);
    for row in kept {
        let unit = codes_per[row as usize] as usize;
        match best[unit] {
            None => best[unit] = Some(row),
            Some(b) => match key(row).cmp(key(b)) {
                std::cmp::Ordering::Less => {
                    best[unit] = Some(row);
                    tied[unit] = false;
                }
                std::cmp::Ordering::Equal => tied[unit] = true,
                std::cmp::Ordering::Greater => {}
            },
        }
    }
    let ties = tied.iter().filter(|t| **t).count();
    if ties > 0 {
        warnings.push(
            Problem::warning(
                codes::G318,
                format!("step `{}`: in {ties} units several rows are equally first; the one that stands first in the file was taken", step.name),
            )
            .at(step.by.first().and_then(|b| b.place.clone())),
        );
    }
    let keep: std::collections::HashSet<u32> = best.into_iter().flatten().collect();
    marks.step(step.name.clone(), |row| !keep.contains(&(row as u32)));
    Ok(())
}

/// The rank of every cell, equal cells having equal ranks; `None` for a column that has no order.
fn ranks(column: &Column) -> PolarsResult<Option<Vec<u32>>> {
    let n = column.len();
    let mut order: Vec<u32> = (0..n as u32).collect();
    let mut out = vec![0u32; n];
    match column.dtype() {
        DataType::Null => {}
        DataType::String => {
            let cells: Vec<Option<&str>> = column.str()?.iter().collect();
            order.sort_by_key(|i| cells[*i as usize]);
            dense(&order, &mut out, |a, b| cells[a] == cells[b]);
        }
        d if d.is_float() => {
            let column = column.cast(&DataType::Float64)?;
            let cells: Vec<f64> = column.f64()?.iter().map(|v| v.unwrap_or(f64::NAN)).collect();
            order.sort_by(|a, b| cells[*a as usize].total_cmp(&cells[*b as usize]));
            dense(&order, &mut out, |a, b| cells[a] == cells[b]);
        }
        d if d.is_integer() || d.is_temporal() || d.is_bool() => {
            let column = column.to_physical_repr().cast(&DataType::Int64)?;
            let cells: Vec<Option<i64>> = column.i64()?.iter().collect();
            order.sort_by_key(|i| cells[*i as usize]);
            dense(&order, &mut out, |a, b| cells[a] == cells[b]);
        }
        _ => return Ok(None),
    }
    Ok(Some(out))
}

fn dense(order: &[u32], out: &mut [u32], equal: impl Fn(usize, usize) -> bool) {
    let mut rank = 0;
    for (k, row) in order.iter().enumerate() {
        if k > 0 && !equal(order[k - 1] as usize, *row as usize) {
            rank += 1;
        }
        out[*row as usize] = rank;
    }
}
