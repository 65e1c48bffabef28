//! Tables into data frames: the wanted columns of every file, in one type each, with what was wrong counted.

use super::database;
use super::infer::{BadCells, Profile, Stamps, Target, format_is_valid};
use super::inputs::Input;
use super::plan::{ColumnType, Format, Named, OnBadValue, TablePlan};
use super::problems::{bug, not_in_table, polars_says};
use super::source::{self, InputFile, ReadFile, SourceFile, format_name};
use super::sources;
use super::text::{self, Cells, Extent, SHOWN_ROWS, row_list};
use super::typed;
use crate::error::{Problem, Problems, codes};
use polars::prelude::*;
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// Rows of a delimited file that `check` looks at to tell the types of its columns.
const SAMPLE_ROWS: usize = 5_000;

/// Stands in the schema for a type that the engine does not have: a list, which no expression and no role accepts.
fn no_type() -> DataType {
    DataType::List(Box::new(DataType::Null))
}

/// The files of a table and the names of its columns (those of its first file).
pub(super) struct Header {
    pub files: Vec<SourceFile>,
    pub names: Vec<String>,
    /// Types that the files themselves state, or the database; empty for delimited text.
    pub typed: Vec<Option<DataType>>,
    /// A query that was seen to give no rows.
    pub no_rows: bool,
}

/// A table as it was read.
pub(super) struct Read {
    pub frame: DataFrame,
    pub input: InputFile,
    /// What its columns of time stamps say of their zone, where that is known.
    pub stamps: BTreeMap<String, Stamps>,
}

pub(super) fn unreadable(table: &TablePlan, file: &SourceFile, what: impl std::fmt::Display) -> Problem {
    Problem::error(codes::G202, format!("`{}` of table `{}` {what}", file.shown, table.name)).at(table.path_place.clone())
}

pub(super) fn is_delimited(format: Format) -> bool {
    matches!(format, Format::Csv | Format::CsvGz | Format::Tsv)
}

/// Files and column names of a table. Also refuses (G203) a declared type of a column that is not there, and (G210) a date format
/// that is not understood.
pub(super) fn header(table: &TablePlan, problems: &mut Problems) -> Option<Header> {
    let header = match &table.input {
        Input::Files(format) => file_header(table, *format, problems),
        Input::Model(plan) => sources::header(table, plan, problems),
        Input::Query(plan) => database::header(table, plan, problems),
    }?;
    for (name, t) in &table.types {
        if !header.names.contains(name) {
            problems.push(not_in_table(&Named { name: name.clone(), place: t.place.clone() }, &table.name, &header.names));
        }
        if let ColumnType::Date { format: Some(f) } | ColumnType::Datetime { format: Some(f) } = &t.kind
            && !format_is_valid(f)
        {
            problems.push(
                Problem::error(codes::G210, format!("`{f}` is not a date format"))
                    .at(t.place.clone())
                    .help("write it with %Y, %m, %d, %H, %M, %S, such as \"%m/%d/%Y %H:%M\""),
            );
        }
    }
    Some(header)
}

fn file_header(table: &TablePlan, format: Format, problems: &mut Problems) -> Option<Header> {
    let files = source::files(table, format).map_err(|p| problems.push(*p)).ok()?;
    let first = files.first()?;
    let (names, typed) = if is_delimited(format) {
        let names = text::header(first, format).map_err(|e| problems.push(unreadable(table, first, e))).ok()?;
        (names, Vec::new())
    } else {
        let schema = typed::scan(first, format)
            .and_then(|mut lf| lf.collect_schema())
            .map_err(|e| problems.push(unreadable(table, first, format!("cannot be read as {}: {}", format_name(format), polars_says(&e)))))
            .ok()?;
        (schema.iter_names().map(|n| n.to_string()).collect(), schema.iter_values().map(typed::normal).collect())
    };
    if names.len() == 1 && is_delimited(format) && names[0].contains([';', '\t', '|']) {
        problems.push(
            unreadable(table, first, "has one column, whose name holds another delimiter")
                .help("csv files are separated by commas, tsv files by tabs"),
        );
    }
    Some(Header { files, names, typed, no_rows: false })
}

/// Whether the files of a table of delimited text hold nothing but headers. A file that cannot be read is reported elsewhere.
pub(super) fn has_no_rows(table: &TablePlan, header: &Header) -> bool {
    let format = match &table.input {
        Input::Files(format) => Some(*format),
        Input::Model(_) => header.files.first().and_then(|f| sources::format_of(&f.path)),
        Input::Query(_) => return header.no_rows,
    };
    format.is_some_and(|format| is_delimited(format) && header.files.iter().all(|f| text::has_rows(f, format) == Ok(false)))
}

pub(super) fn declared(table: &TablePlan, column: &str) -> Option<Target> {
    table.types.get(column).map(|t| Target::declared(&t.kind))
}

/// The type of every column, from a sample of the first file where the file does not state it; columns for which `decide` is true are
/// followed until they have a value.
pub(super) fn dtypes(table: &TablePlan, header: &Header, decide: &BTreeSet<String>) -> Result<Schema, Box<Problem>> {
    let sample = match &table.input {
        Input::Files(format) => sampled(table, *format, header, decide)?,
        Input::Model(plan) => return Ok(sources::dtypes(plan)),
        Input::Query(_) => header.typed.iter().map(|d| d.clone().unwrap_or_else(no_type)).collect(),
    };
    let mut schema = Schema::with_capacity(header.names.len());
    for (name, dtype) in header.names.iter().zip(sample) {
        schema.insert(name.as_str().into(), declared(table, name).map_or(dtype, |t| t.dtype()));
    }
    Ok(schema)
}

fn sampled(table: &TablePlan, format: Format, header: &Header, decide: &BTreeSet<String>) -> Result<Vec<DataType>, Box<Problem>> {
    let Some(first) = header.files.first() else { return Ok(Vec::new()) };
    Ok(if is_delimited(format) {
        let extent = Extent::Sample { rows: SAMPLE_ROWS, decide: &|name| decide.contains(name) && !table.types.contains_key(name) };
        let file = text::read(first, format, &header.names, &table.null_values, &extent).map_err(|e| unreadable(table, first, e))?;
        file.columns.iter().map(|c| c.as_ref().map_or(DataType::Null, |c| Profile::of(c).dtype())).collect()
    } else {
        let json = format == Format::Ndjson;
        let strings: Vec<Expr> =
            header.names.iter().zip(&header.typed).filter(|(_, d)| json && **d == Some(DataType::String)).map(|(n, _)| col(n.as_str())).collect();
        let mut dates = Schema::default();
        if !strings.is_empty() {
            let cannot = |e: PolarsError| unreadable(table, first, format!("cannot be read: {}", polars_says(&e)));
            let frame = typed::scan(first, format).and_then(|lf| lf.select(strings).limit(SAMPLE_ROWS as IdxSize).collect()).map_err(cannot)?;
            for column in frame.columns() {
                let column = typed::convert(column, None, true, &table.null_values, 0).map_err(cannot)?.column;
                dates.insert(column.name().clone(), column.dtype().clone());
            }
        }
        let of = |(name, dtype): (&String, &Option<DataType>)| match (dates.get(name.as_str()), dtype) {
            (Some(d), _) | (None, Some(d)) => d.clone(),
            (None, None) => no_type(),
        };
        header.names.iter().zip(&header.typed).map(of).collect()
    })
}

/// Reads the wanted columns of every file. Errors: G202, G203 (a file without the column), G211 (lists, structs), G301; warnings G315, G317.
pub(super) fn read(table: &TablePlan, header: &Header, wanted: &[String], warnings: &mut Problems, problems: &mut Problems) -> Option<Read> {
    let before = problems.len();
    let parts = match &table.input {
        Input::Files(format) if is_delimited(*format) => read_text(table, *format, header, wanted, problems),
        Input::Files(format) => read_typed(table, *format, header, wanted, problems),
        Input::Model(plan) => return sources::read(table, plan, wanted, warnings, problems),
        Input::Query(plan) => database::read(table, plan, header, wanted, problems),
    }?;
    let mut columns = Vec::with_capacity(wanted.len());
    let mut stamps = BTreeMap::new();
    for part in parts.columns {
        let (name, cells, target) = (part.column.name().as_str(), part.column.len(), part.target.as_ref());
        report(table, &Noticed { name, cells, target, bad: &part.bad, looks: part.looks }, &parts.files, warnings, problems);
        if let Some(s) = part.stamps {
            stamps.insert(name.to_owned(), s);
        }
        columns.push(part.column);
    }
    let height = parts.files.iter().map(|f| f.rows as usize).sum();
    let frame = DataFrame::new(height, columns).map_err(|e| problems.push(bug("a table's columns differ in length", &e))).ok()?;
    let input = InputFile { table: table.name.clone(), path: table.path.clone(), files: parts.files };
    (problems.len() == before).then_some(Read { frame, input, stamps })
}

pub(super) struct Parts {
    pub columns: Vec<Part>,
    pub files: Vec<ReadFile>,
}

/// A column as it was read, and what was wrong with its cells.
pub(super) struct Part {
    pub column: Column,
    pub target: Option<Target>,
    pub bad: BadCells,
    pub looks: Option<(usize, usize)>,
    /// What its time stamps say of their zone; `None` for other columns, and where it is not known.
    pub stamps: Option<Stamps>,
}

fn read_text(table: &TablePlan, format: Format, header: &Header, wanted: &[String], problems: &mut Problems) -> Option<Parts> {
    let mut files = Vec::new();
    let mut cells: Vec<Vec<Cells>> = wanted.iter().map(|_| Vec::new()).collect();
    for file in &header.files {
        let read = match text::read(file, format, wanted, &table.null_values, &Extent::Whole) {
            Ok(read) => read,
            Err(e) => {
                problems.push(unreadable(table, file, e));
                continue;
            }
        };
        for ((name, column), into) in wanted.iter().zip(read.columns).zip(&mut cells) {
            match column {
                Some(c) => into.push(c),
                None => problems.push(lacks(table, file, name)),
            }
        }
        let (sha256, bytes) = read.hash.unwrap_or_default();
        files.push(ReadFile { path: file.shown.clone(), resolved: file.path.clone(), sha256, bytes, rows: read.rows as u64, query: false });
    }
    if files.len() < header.files.len() || cells.iter().any(|c| c.len() < files.len()) {
        return None;
    }
    let columns: PolarsResult<Vec<Part>> = wanted
        .par_iter()
        .zip(cells)
        .map(|(name, cells)| {
            let mut profile = Profile::default();
            cells.iter().for_each(|c| profile.add(c));
            let declared = declared(table, name);
            let target = declared.clone().unwrap_or_else(|| Target::inferred(&profile.dtype()));
            let looks = if declared.is_none() { profile.looks_like_numbers() } else { None };
            let mut whole: Option<Column> = None;
            let mut bad = BadCells::default();
            let mut stamps: Option<Stamps> = None;
            let mut offset = 0;
            for part in cells {
                stamps = target.stamps(&part).map(|s| s.plus(stamps.unwrap_or_default()));
                let (column, b) = target.column(name, &part, offset)?;
                offset += part.len();
                merge(&mut bad, b);
                append(&mut whole, column)?;
            }
            let column = whole.unwrap_or_else(|| Column::new_empty(name.as_str().into(), &target.dtype()));
            Ok(Part { column, target: declared, bad, looks, stamps })
        })
        .collect();
    let columns = columns.map_err(|e| problems.push(bug("a column could not be built", &e))).ok()?;
    Some(Parts { columns, files })
}

pub(super) fn lacks(table: &TablePlan, file: &SourceFile, column: &str) -> Problem {
    Problem::error(codes::G203, format!("`{}` of table `{}` has no column `{column}`, which the first file has", file.shown, table.name))
        .at(table.path_place.clone())
}

fn append(whole: &mut Option<Column>, part: Column) -> PolarsResult<()> {
    match whole {
        None => *whole = Some(part),
        Some(w) => {
            w.append_owned(part)?;
        }
    }
    Ok(())
}

pub(super) fn merge(bad: &mut BadCells, more: BadCells) {
    bad.count += more.count;
    bad.rows.extend(more.rows.into_iter().take(SHOWN_ROWS - bad.rows.len()));
}

/// Of a column over the files: cells that do not parse, text that looks like numbers, time stamps.
type Notes = (BadCells, Option<(usize, usize)>, Option<Stamps>);

fn read_typed(table: &TablePlan, format: Format, header: &Header, wanted: &[String], problems: &mut Problems) -> Option<Parts> {
    let before = problems.len();
    let mut files = Vec::new();
    let mut whole: Vec<Option<Column>> = wanted.iter().map(|_| None).collect();
    let mut notes: Vec<Notes> = wanted.iter().map(|_| Default::default()).collect();
    let mut offset = 0;
    for file in &header.files {
        let frame = match frame_of(table, format, file, wanted, problems) {
            Some(frame) => frame,
            None => continue,
        };
        let (sha256, bytes) = match source::hash_file(&file.path) {
            Ok(hash) => hash,
            Err(e) => {
                problems.push(unreadable(table, file, format!("cannot be read: {e}")));
                continue;
            }
        };
        for ((column, whole), notes) in frame.columns().iter().zip(&mut whole).zip(&mut notes) {
            let target = declared(table, column.name());
            notes.2 = typed::stamps(column).map(|s| s.plus(notes.2.unwrap_or_default()));
            match typed::convert(column, target.as_ref(), format == Format::Ndjson, &table.null_values, offset) {
                Ok(typed::Converted { column, bad, looks }) => {
                    merge(&mut notes.0, bad);
                    notes.1 = notes.1.or(looks);
                    if let Err(p) = join_types(whole, column, table, file) {
                        problems.push(*p);
                    }
                }
                Err(e) => problems.push(
                    Problem::error(codes::G211, format!("column `{}` of `{}` cannot be used: {}", column.name(), file.shown, polars_says(&e)))
                        .at(table.path_place.clone()),
                ),
            }
        }
        offset += frame.height();
        files.push(ReadFile { path: file.shown.clone(), resolved: file.path.clone(), sha256, bytes, rows: frame.height() as u64, query: false });
    }
    if problems.len() > before {
        return None;
    }
    let columns = wanted
        .iter()
        .zip(whole)
        .zip(notes)
        .filter_map(|((name, column), (bad, looks, stamps))| Some(Part { column: column?, target: declared(table, name), bad, looks, stamps }));
    Some(Parts { columns: columns.collect(), files })
}

fn frame_of(table: &TablePlan, format: Format, file: &SourceFile, wanted: &[String], problems: &mut Problems) -> Option<DataFrame> {
    let mut refuse =
        |e: PolarsError| problems.push(unreadable(table, file, format!("cannot be read as {}: {}", format_name(format), polars_says(&e))));
    let mut lf = typed::scan(file, format).map_err(&mut refuse).ok()?;
    let schema = lf.collect_schema().map_err(&mut refuse).ok()?;
    let lacking: Vec<&String> = wanted.iter().filter(|w| !schema.contains(w.as_str())).collect();
    if !lacking.is_empty() {
        problems.extend(lacking.into_iter().map(|name| lacks(table, file, name)));
        return None;
    }
    let columns: Vec<Expr> = wanted.iter().map(|w| col(w.as_str())).collect();
    lf.select(columns).collect().map_err(&mut refuse).ok()
}

fn join_types(whole: &mut Option<Column>, part: Column, table: &TablePlan, file: &SourceFile) -> Result<(), Box<Problem>> {
    let name = part.name().to_string();
    let internal = |e: PolarsError| Box::new(bug("the parts of a column do not fit together", &e));
    let Some(w) = whole.take() else {
        *whole = Some(part);
        return Ok(());
    };
    let dtype = typed::common(w.dtype(), part.dtype()).ok_or_else(|| {
        Problem::error(
            codes::G211,
            format!("column `{name}` of table `{}` is of another type in `{}` than in the files before it", table.name, file.shown),
        )
        .at(table.path_place.clone())
        .help(format!("say its type: types: {{ {name}: text }}"))
    })?;
    *whole = Some(w.cast(&dtype).map_err(internal)?);
    append(whole, part.cast(&dtype).map_err(internal)?).map_err(internal)
}

/// Which file and row a row of the whole table is, when there are several files.
pub(super) fn rows_shown(files: &[ReadFile], bad: &BadCells) -> String {
    if files.len() < 2 {
        return row_list(&bad.rows, bad.count);
    }
    let place = |row: usize| {
        let mut first = 0;
        for f in files {
            if row <= first + f.rows as usize {
                return format!("{} of {}", row - first, f.path);
            }
            first += f.rows as usize;
        }
        row.to_string()
    };
    let list: Vec<String> = bad.rows.iter().map(|r| place(*r)).collect();
    let more = if bad.count > list.len() { format!(" and {} more", bad.count - list.len()) } else { String::new() };
    format!("{} {}{more}", if bad.count == 1 { "row" } else { "rows" }, list.join(", "))
}

/// What was noticed while a column was read.
pub(super) struct Noticed<'a> {
    pub name: &'a str,
    pub cells: usize,
    /// The declared type, if there is one.
    pub target: Option<&'a Target>,
    pub bad: &'a BadCells,
    /// (cells that would read as numbers, all cells) of a text column.
    pub looks: Option<(usize, usize)>,
}

/// Says what was noticed: G301 or G317, G315.
pub(super) fn report(table: &TablePlan, seen: &Noticed, files: &[ReadFile], warnings: &mut Problems, problems: &mut Problems) {
    let (name, total) = (seen.name, seen.cells);
    let place = table.types.get(name).and_then(|t| t.place.clone());
    if let Some(target) = seen.target
        && seen.bad.count > 0
    {
        let n = seen.bad.count;
        let cells = if n == 1 { "cell" } else { "cells" };
        match table.on_bad_value {
            OnBadValue::Error => problems.push(
                Problem::error(codes::G301, format!("table `{}`: {n} of {total} cells of `{name}` do not read as {}", table.name, target.name()))
                    .at(place)
                    .note(format!("{} (the header not counted)", rows_shown(files, seen.bad)))
                    .help("list the spelling of missing values under `null_values`, or set `on_bad_value: set_null`"),
            ),
            OnBadValue::SetNull => warnings.push(
                Problem::warning(
                    codes::G317,
                    format!("table `{}`: {n} {cells} of `{name}` do not read as {} and were set to null", table.name, target.name()),
                )
                .at(place)
                .note(format!("{} (the header not counted)", rows_shown(files, seen.bad))),
            ),
        }
    }
    if let Some((numbers, values)) = seen.looks {
        warnings.push(
            Problem::warning(
                codes::G315,
                format!("`{name}` of table `{}` is text, although {numbers} of its {values} values would read as numbers", table.name),
            )
            .at(table.path_place.clone())
            .note("padded numbers, thousands commas and leading zeros are not guessed at")
            .help(format!("say what it is: types: {{ {name}: number }}, or {{ {name}: text }} for codes")),
        );
    }
}
