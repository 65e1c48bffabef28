//! The analysis rows as a parquet file, so that a reviewer can fit the same models in R or Stata. Rows are people: off by default.

use super::engine::Cohort;
use crate::design::Design;
use crate::error::{Problem, Problems, codes};
use polars::prelude::{Column, DataFrame, ParquetWriter};
use std::fs::File;
use std::path::Path;

/// Writes one row a unit in the order of the design: `row` (of the unit table, from 1), `group`, `outcome`, `weight`, `exposure`
/// and `cluster` where the study has them, then every column of the design by its term (the intercept left out).
///
/// Errors: `G212` if the file cannot be written.
pub fn write(path: &Path, design: &Design, cohort: &Cohort) -> Result<(), Problems> {
    let failed = |e: &dyn std::fmt::Display| vec![Problem::error(codes::G212, format!("the design file {} cannot be written: {e}", path.display()))];
    let n = design.y.len();
    let rows: Vec<u32> = design.cohort_row.iter().map(|&r| cohort.unit_row[r as usize] + 1).collect();
    let mut group = vec![""; n];
    for g in &design.groups {
        group[g.rows.clone()].fill(g.label.as_str());
    }
    let mut columns = vec![Column::new("row".into(), rows), Column::new("group".into(), group), Column::new("outcome".into(), design.y.to_vec())];
    if design.weighted {
        columns.push(Column::new("weight".into(), design.weight.to_vec()));
    }
    if let Some(e) = &design.exposure {
        columns.push(Column::new("exposure".into(), e.to_vec()));
    }
    if let Some(c) = &design.clusters {
        let labels: Vec<&str> = c.code.iter().map(|&k| c.labels[k as usize].as_str()).collect();
        columns.push(Column::new("cluster".into(), labels));
    }
    columns.extend(design.columns.iter().enumerate().skip(1).map(|(j, c)| Column::new(c.term.as_str().into(), design.x.column(j).to_vec())));
    let mut frame = DataFrame::new(n, columns).map_err(|e| failed(&e))?;
    let file = File::create(path).map_err(|e| failed(&e))?;
    ParquetWriter::new(file).finish(&mut frame).map_err(|e| failed(&e))?;
    Ok(())
}
