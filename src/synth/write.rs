//! Tables and `truth.json` as files.

use super::spec::{Format, Spec};
use super::tables::{MOST_UNITS, Table, Tables, Values, generate};
use super::truth::truth;
use super::truth_file::truth_json;
use crate::error::{Problem, Problems, codes};
use polars::prelude::{
    Column, CsvWriter, DataFrame, Int32Chunked, Int64Chunked, IntoColumn, IntoSeries, NamedFrom, NewChunkedArray, ParquetWriter, PolarsError,
    PolarsResult, SerWriter, Series, TimeUnit,
};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

/// Seconds are written as microseconds.
const MICROSECONDS: i64 = 1_000_000;

/// What was written.
#[derive(Clone, Debug)]
pub struct Written {
    pub dir: PathBuf,
    pub files: Vec<WrittenFile>,
    /// Tables of the same names in another format that were there before and are not of this population.
    pub left_over: Vec<PathBuf>,
}

#[derive(Clone, Debug)]
pub struct WrittenFile {
    pub name: String,
    /// `None` for `truth.json`.
    pub rows: Option<usize>,
    pub bytes: u64,
}

/// Generates a population and writes its tables and `truth.json` into `out_dir`, which is made if it is missing.
///
/// Everything is written beside the folder first and moved in at the end, file by file; files of other names stay.
/// `progress` is told each stage. Errors: `units` out of range (G213), a folder or file that cannot be written (G212).
pub fn write(spec: &Spec, units: usize, seed: u64, out_dir: &Path, progress: &dyn Fn(&str)) -> Result<Written, Problems> {
    if !(1..=MOST_UNITS).contains(&units) {
        let problem = Problem::error(codes::G213, format!("{units} units were asked for"));
        return Err(vec![problem.help(format!("ask for 1 to {MOST_UNITS}"))]);
    }
    let parent = match out_dir.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    std::fs::create_dir_all(parent).map_err(|e| vec![unwritable(parent, &e)])?;
    // Before the work rather than after it: a folder that cannot be written is found at once.
    let staging = tempfile::Builder::new().prefix(".synth-").tempdir_in(parent).map_err(|e| vec![unwritable(parent, &e)])?;

    progress(&format!("computing the true values from {} draws", spec.truth.draws));
    let values = truth(spec, spec.truth.draws);
    progress(&format!("drawing {units} units and what is recorded of them"));
    let tables = generate(spec, units, seed);

    progress("writing");
    let mut files = write_tables(&tables, spec.sample.format, staging.path()).map_err(|(name, e)| vec![unwritable(&out_dir.join(name), &e)])?;
    let name = "truth.json".to_owned();
    let text = format!("{:#}\n", truth_json(spec, &values, units, seed));
    std::fs::write(staging.path().join(&name), &text).map_err(|e| vec![unwritable(&out_dir.join(&name), &e)])?;
    files.push(WrittenFile { name, rows: None, bytes: text.len() as u64 });

    std::fs::create_dir_all(out_dir).map_err(|e| vec![unwritable(out_dir, &e)])?;
    let moved = files.iter().filter_map(|f| {
        let to = out_dir.join(&f.name);
        std::fs::rename(staging.path().join(&f.name), &to).err().map(|e| unwritable(&to, &e))
    });
    let problems: Problems = moved.collect();
    if !problems.is_empty() {
        return Err(problems);
    }
    let other = match spec.sample.format {
        Format::Csv => Format::Parquet,
        Format::Parquet => Format::Csv,
    };
    let left_over = tables.tables.iter().map(|t| out_dir.join(format!("{}.{}", t.name, other.extension()))).filter(|p| p.exists()).collect();
    Ok(Written { dir: out_dir.to_owned(), files, left_over })
}

/// Draws a population and writes its tables, without the truth, into a folder that exists: one replicate of a simulation study.
///
/// Errors: a file that cannot be written (G212).
pub fn write_replicate(spec: &Spec, units: usize, seed: u64, dir: &Path) -> Result<(), Problems> {
    let tables = generate(spec, units, seed);
    write_tables(&tables, spec.sample.format, dir).map(|_| ()).map_err(|(name, e)| vec![unwritable(&dir.join(name), &e)])
}

fn write_tables(tables: &Tables, format: Format, dir: &Path) -> Result<Vec<WrittenFile>, (String, PolarsError)> {
    let write = |table: &Table| {
        let name = format!("{}.{}", table.name, format.extension());
        match write_table(table, format, &dir.join(&name)) {
            Ok(bytes) => Ok(WrittenFile { name, rows: Some(table.rows()), bytes }),
            Err(e) => Err((name, e)),
        }
    };
    tables.tables.iter().map(write).collect()
}

fn unwritable(path: &Path, error: &dyn std::fmt::Display) -> Problem {
    Problem::error(codes::G212, format!("`{}` cannot be written: {error}", path.display()))
        .help("choose another folder with --out, or make room and allow writing there")
}

fn column(name: &str, values: &Values) -> Column {
    match values {
        Values::Text(v) => Series::new(name.into(), v.as_slice()).into_column(),
        Values::Integer(v) => Series::new(name.into(), v.as_slice()).into_column(),
        Values::Number(v) if v.iter().any(|x| x.is_nan()) => {
            let cells: Vec<Option<f64>> = v.iter().map(|x| (!x.is_nan()).then_some(*x)).collect();
            Series::new(name.into(), cells.as_slice()).into_column()
        }
        Values::Number(v) => Series::new(name.into(), v.as_slice()).into_column(),
        Values::Date(v) => Int32Chunked::from_slice(name.into(), v).into_date().into_series().into_column(),
        Values::Datetime(v) => {
            let micros: Vec<i64> = v.iter().map(|s| s * MICROSECONDS).collect();
            Int64Chunked::from_vec(name.into(), micros).into_datetime(TimeUnit::Microseconds, None).into_series().into_column()
        }
    }
}

/// The table as a data frame.
pub(super) fn frame(table: &Table) -> PolarsResult<DataFrame> {
    DataFrame::new(table.rows(), table.columns.iter().map(|(name, values)| column(name, values)).collect())
}

/// Writes one table; returns the file's size in bytes.
fn write_table(table: &Table, format: Format, path: &Path) -> PolarsResult<u64> {
    let mut frame = frame(table)?;
    let mut file = BufWriter::new(File::create(path)?);
    match format {
        Format::Parquet => {
            // One row group in one thread: the bytes depend on nothing but the values.
            ParquetWriter::new(&mut file).set_parallel(false).with_row_group_size(Some(1 << 20)).finish(&mut frame)?;
        }
        Format::Csv => CsvWriter::new(&mut file).with_datetime_format(Some("%Y-%m-%dT%H:%M:%S".into())).finish(&mut frame)?,
    }
    file.flush()?;
    Ok(std::fs::metadata(path)?.len())
}
