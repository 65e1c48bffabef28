//! Every table as a parquet file with the types of its declaration.

use crate::error::{Problem, Problems, codes};
use crate::release::schema::Kind;
use crate::release::{Cell, ResultTables, Table};
use polars::prelude::{Column, DataFrame, ParquetWriter};

/// `parquet/<table>.parquet` and its bytes, for every table. Errors: `G901` if one cannot be written.
pub fn files(results: &ResultTables) -> Result<Vec<(String, Vec<u8>)>, Problems> {
    results.tables.values().map(|t| Ok((format!("parquet/{}.parquet", t.name), bytes(t)?))).collect()
}

fn bytes(table: &Table) -> Result<Vec<u8>, Problems> {
    let bug = |e: polars::prelude::PolarsError| vec![Problem::error(codes::G901, format!("table `{}` as parquet: {e}", table.name))];
    let columns: Vec<Column> = table
        .declarations()
        .enumerate()
        .map(|(at, decl)| {
            let cells = || table.rows.iter().map(move |row| row.get(at).unwrap_or(&Cell::Null));
            let name = decl.name.as_ref().into();
            match decl.kind {
                Kind::Text => Column::new(name, cells().map(|c| c.text().map(str::to_owned)).collect::<Vec<Option<String>>>()),
                Kind::Integer => Column::new(name, cells().map(Cell::int).collect::<Vec<Option<i64>>>()),
                Kind::Number => Column::new(name, cells().map(Cell::number).collect::<Vec<Option<f64>>>()),
                Kind::Boolean => Column::new(name, cells().map(Cell::bool).collect::<Vec<Option<bool>>>()),
            }
        })
        .collect();
    let mut frame = DataFrame::new(table.rows.len(), columns).map_err(bug)?;
    let mut out = std::io::Cursor::new(Vec::new());
    ParquetWriter::new(&mut out).finish(&mut frame).map_err(bug)?;
    Ok(out.into_inner())
}
