//! Files that carry types of their own: parquet, arrow, ndjson. Their columns are brought to the few types that the engine knows.

use super::infer::{BadCells, DATETIME, Profile, Stamps, Target};
use super::plan::Format;
use super::source::SourceFile;
use super::text::{Cells, is_null};
use crate::vocab::read_number;
use polars::prelude::*;

/// A scan of one file; the format is not a delimited one.
pub(super) fn scan(file: &SourceFile, format: Format) -> PolarsResult<LazyFrame> {
    let path = PlRefPath::try_from_path(&file.path)?;
    match format {
        Format::Parquet => LazyFrame::scan_parquet(path, ScanArgsParquet { glob: false, ..Default::default() }),
        Format::Ipc => LazyFrame::scan_ipc(path, Default::default(), UnifiedScanArgs { glob: false, ..Default::default() }),
        Format::Ndjson => LazyJsonLineReader::new(path).with_infer_schema_length(None).finish(),
        Format::Csv | Format::CsvGz | Format::Tsv => polars_bail!(ComputeError: "a delimited file has no types"),
    }
}

/// The type that a column of a file has after reading; `None` if the engine has none for it (lists, structs, times of day).
pub(super) fn normal(dtype: &DataType) -> Option<DataType> {
    match dtype {
        DataType::Null => Some(DataType::Null),
        DataType::Boolean => Some(DataType::Boolean),
        DataType::String => Some(DataType::String),
        DataType::Date => Some(DataType::Date),
        DataType::Datetime(..) => Some(DATETIME),
        DataType::Duration(_) => Some(DataType::Duration(TimeUnit::Microseconds)),
        DataType::UInt64 | DataType::Decimal(..) => Some(DataType::Float64),
        d if d.is_integer() => Some(DataType::Int64),
        d if d.is_float() => Some(DataType::Float64),
        d if d.is_categorical() || d.is_enum() => Some(DataType::String),
        _ => None,
    }
}

/// One type for a column over the files of a table, or `None` if they cannot be one.
pub(super) fn common(a: &DataType, b: &DataType) -> Option<DataType> {
    match (a, b) {
        (a, b) if a == b => Some(a.clone()),
        (DataType::Null, d) | (d, DataType::Null) => Some(d.clone()),
        (DataType::Int64, DataType::Float64) | (DataType::Float64, DataType::Int64) => Some(DataType::Float64),
        _ => None,
    }
}

/// A column after reading.
pub(super) struct Converted {
    pub column: Column,
    pub bad: BadCells,
    /// For text most of which would read as numbers: (cells that would, all cells).
    pub looks: Option<(usize, usize)>,
}

impl Converted {
    fn good(column: Column) -> Self {
        Self { column, bad: BadCells::default(), looks: None }
    }
}

/// The column in its normal type, null values applied, and then in its declared type if it has one.
pub(super) fn convert(column: &Column, declared: Option<&Target>, json: bool, null_values: &[String], offset: usize) -> PolarsResult<Converted> {
    let dtype = normal(column.dtype()).ok_or_else(|| polars_err!(ComputeError: "type {} is not supported", column.dtype()))?;
    let column = blank(column.cast(&dtype)?, null_values)?;
    let name = column.name().clone();
    if dtype == DataType::String {
        let texts = column.str()?;
        let mut cells = Cells::default();
        texts.iter().for_each(|c| cells.push(c));
        let profile = Profile::of(&cells);
        let (target, looks) = match declared {
            Some(t) => (t.clone(), None),
            None if json => (Target::inferred(&profile.dtype_of_json_strings()), profile.looks_like_numbers()),
            None => (Target::Text, profile.looks_like_numbers()),
        };
        let (column, bad) = target.column(&name, &cells, offset)?;
        return Ok(Converted { column, bad, looks });
    }
    match declared {
        None => Ok(Converted::good(column)),
        Some(t) if t.dtype() == dtype => Ok(Converted::good(column)),
        Some(Target::Number) if dtype == DataType::Int64 => Ok(Converted::good(column.cast(&DataType::Float64)?)),
        Some(Target::Date(_)) if dtype == DATETIME => Ok(Converted::good(column.cast(&DataType::Date)?)),
        Some(Target::Datetime(_)) if dtype == DataType::Date => Ok(Converted::good(column.cast(&DATETIME)?)),
        Some(t) => {
            let texts = column.cast(&DataType::String)?;
            let (column, bad) = t.column_of(&name, texts.len(), texts.str()?.iter(), offset)?;
            Ok(Converted { column, bad, looks: None })
        }
    }
}

/// What the time stamps of a column say of their zone; `None` for other columns.
pub(super) fn stamps(column: &Column) -> Option<Stamps> {
    let n = (column.len() - column.null_count()) as u64;
    match column.dtype() {
        DataType::Datetime(_, Some(_)) => Some(Stamps { zoned: n, ..Stamps::default() }),
        DataType::Datetime(_, None) => Some(Stamps { unzoned: n, ..Stamps::default() }),
        _ => None,
    }
}

/// Null where a cell is one of the null values: texts if equal without the spaces around them, numbers if they read as the same number.
fn blank(column: Column, null_values: &[String]) -> PolarsResult<Column> {
    let name = column.name().clone();
    match column.dtype() {
        DataType::String => {
            let texts = column.str()?;
            if !texts.iter().flatten().any(|c| is_null(c, null_values)) {
                return Ok(column);
            }
            let mut b = StringChunkedBuilder::new(name, texts.len());
            texts.iter().for_each(|c| b.append_option(c.filter(|c| !is_null(c, null_values))));
            Ok(b.finish().into_column())
        }
        DataType::Int64 | DataType::Float64 => {
            let nan = null_values.iter().any(|v| v.trim().eq_ignore_ascii_case("nan"));
            let listed: Vec<f64> = null_values.iter().filter_map(|v| read_number(v)).collect();
            if listed.is_empty() && !(nan && column.dtype().is_float()) {
                return Ok(column);
            }
            let dtype = column.dtype().clone();
            let keep = |v: f64| !(listed.contains(&v) || nan && v.is_nan());
            if dtype == DataType::Int64 {
                let values: Int64Chunked = column.i64()?.iter().map(|v| v.filter(|v| keep(*v as f64))).collect();
                Ok(values.with_name(name).into_column())
            } else {
                let values: Float64Chunked = column.f64()?.iter().map(|v| v.filter(|v| keep(*v))).collect();
                Ok(values.with_name(name).into_column())
            }
        }
        _ => Ok(column),
    }
}
