//! Event tables in pieces: they may be larger than memory. A first pass over the files finds the types of the columns that are needed
//! (delimited text says none, and the first word of a number column may stand on its last row); the second hands the rows on in file
//! order. No more than a few pieces are in memory at a time.

use crate::cohort::infer::{BadCells, Profile, Stamps, Target};
use crate::cohort::inputs::Input;
use crate::cohort::plan::{Format, Named, TablePlan};
use crate::cohort::problems::{bug, polars_says};
use crate::cohort::read::{self, Header, Noticed, Read};
use crate::cohort::source::{self, InputFile, ReadFile, SourceFile, format_name};
use crate::cohort::text::{self, Cells, Records};
use crate::cohort::typed;
use crate::error::{Problem, Problems, codes};
use polars::prelude::{Column, DataFrame, DataType, Engine, LazyFrame, PlanCallback, PolarsResult, Schema, col};
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::sync::mpsc::sync_channel;

/// Rows of a piece.
const PIECE: usize = 1 << 16;

/// The columns of an event table that features need.
#[derive(Clone, Debug, Default)]
pub(in crate::cohort) struct Needs {
    pub columns: BTreeSet<String>,
    /// Columns of codes: they are text whatever they look like, so that 0389 and 250.00 keep their zeros.
    pub codes: Vec<Named>,
}

/// An event table whose types are known.
pub(in crate::cohort) struct Events<'a> {
    table: &'a TablePlan,
    header: &'a Header,
    rows: Rows,
    columns: Vec<EventColumn>,
}

/// What was read of an event table.
pub(in crate::cohort) struct Told {
    pub input: InputFile,
    /// What the time stamps of each column say; nothing of a table that does not come from files of its own.
    pub stamps: BTreeMap<String, Stamps>,
}

/// Where the rows are.
enum Rows {
    Files(Format),
    /// A folder in a common data model, or a query: read whole when it was opened.
    Held(Box<Read>),
}

struct EventColumn {
    name: String,
    /// How its cells are read; `None` where the file's own type is taken.
    target: Option<Target>,
    declared: bool,
    dtype: DataType,
    looks: Option<(usize, usize)>,
}

/// Is the column one of codes, whose type is text unless the study file says otherwise?
pub(in crate::cohort) fn is_code(table: &TablePlan, needs: &Needs, column: &str) -> bool {
    !table.types.contains_key(column) && needs.codes.iter().any(|c| c.name == column)
}

impl<'a> Events<'a> {
    /// The first pass. Errors: G202, G203 (a file without the column), G211 (a type that cannot be used).
    pub fn open(table: &'a TablePlan, header: &'a Header, needs: &Needs, warnings: &mut Problems) -> Result<Self, Problems> {
        let names: Vec<String> = header.names.iter().filter(|n| needs.columns.contains(*n)).cloned().collect();
        let Input::Files(format) = table.input else { return Self::held(table, header, needs, names, warnings) };
        let target = |name: &String| {
            let declared = read::declared(table, name);
            let text = || is_code(table, needs, name).then_some(Target::Text);
            (declared.is_some(), declared.or_else(text))
        };
        let targets: Vec<(bool, Option<Target>)> = names.iter().map(target).collect();
        let mut problems = Problems::new();
        for file in &header.files {
            match names_of(table, format, file) {
                Ok(found) => {
                    problems.extend(names.iter().filter(|n| !found.contains(n)).map(|n| read::lacks(table, file, n)));
                }
                Err(p) => problems.push(*p),
            }
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let columns = match read::is_delimited(format) {
            true => text_columns(table, format, header, names, targets)?,
            false => typed_columns(table, format, header, needs, names, targets)?,
        };
        Ok(Self { table, header, rows: Rows::Files(format), columns })
    }

    /// A table that does not come from files of its own.
    fn held(table: &'a TablePlan, header: &'a Header, needs: &Needs, names: Vec<String>, warnings: &mut Problems) -> Result<Self, Problems> {
        let mut problems = Problems::new();
        let Some(mut held) = read::read(table, header, &names, warnings, &mut problems) else { return Err(problems) };
        for code in names.iter().filter(|n| is_code(table, needs, n)) {
            let Ok(column) = held.frame.column(code) else { continue };
            if column.dtype().is_float() {
                let why = "codes stand in it as numbers with decimals, which have lost their zeros";
                let problem = Problem::error(codes::G211, format!("column `{code}` of `{}` cannot be used: {why}", table.name));
                problems.push(problem.at(table.path_place.clone()).help("make the column text in the query"));
                continue;
            }
            let text = column.cast(&DataType::String).map_err(|e| vec![bug("codes as text", &e)])?;
            held.frame.with_column(text).map_err(|e| vec![bug("codes as text", &e)])?;
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let column = |c: &Column| EventColumn { name: c.name().to_string(), target: None, declared: false, dtype: c.dtype().clone(), looks: None };
        let columns = held.frame.columns().iter().map(column).collect();
        Ok(Self { table, header, rows: Rows::Held(Box::new(held)), columns })
    }

    pub fn schema(&self) -> Schema {
        self.columns.iter().map(|c| (c.name.as_str().into(), c.dtype.clone())).collect()
    }

    pub(super) fn name(&self) -> &str {
        &self.table.name
    }

    /// The second pass: the rows in file order, in pieces. Errors: G202, G301, and those of `each`; warnings G315, G317.
    pub fn read(&self, each: &mut dyn FnMut(DataFrame) -> Result<(), Problems>, warnings: &mut Problems) -> Result<Told, Problems> {
        let format = match &self.rows {
            Rows::Files(format) => *format,
            Rows::Held(held) => {
                for from in (0..held.frame.height()).step_by(PIECE) {
                    each(held.frame.slice(from as i64, PIECE))?;
                }
                return Ok(Told { input: held.input.clone(), stamps: BTreeMap::new() });
            }
        };
        let mut seen = vec![Seen::default(); self.columns.len()];
        let (mut offset, mut files) = (0, Vec::new());
        for file in &self.header.files {
            let (rows, sha256, bytes) = match read::is_delimited(format) {
                true => self.read_text(format, file, offset, &mut seen, each)?,
                false => self.read_typed(format, file, offset, &mut seen, each)?,
            };
            files.push(ReadFile { path: file.shown.clone(), resolved: file.path.clone(), sha256, bytes, rows: rows as u64, query: false });
            offset += rows;
        }
        let mut problems = Problems::new();
        for (c, Seen { bad, .. }) in self.columns.iter().zip(&seen) {
            let target = c.target.as_ref().filter(|_| c.declared);
            read::report(self.table, &Noticed { name: &c.name, cells: offset, target, bad, looks: c.looks }, &files, warnings, &mut problems);
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let stamps =
            self.columns.iter().zip(&seen).filter(|(c, _)| matches!(c.dtype, DataType::Datetime(..))).map(|(c, s)| (c.name.clone(), s.stamps));
        let input = InputFile { table: self.table.name.clone(), path: self.table.path.clone(), files };
        Ok(Told { input, stamps: stamps.collect() })
    }

    fn read_text(
        &self,
        format: Format,
        file: &SourceFile,
        offset: usize,
        seen: &mut [Seen],
        each: Each<'_>,
    ) -> Result<(usize, String, u64), Problems> {
        let names: Vec<String> = self.columns.iter().map(|c| c.name.clone()).collect();
        let mut at = offset;
        let mut failed = Problems::new();
        let read = pieces(self.table, format, file, &names, &mut |cells| {
            let n = cells.first().map_or(0, Cells::len);
            let columns: PolarsResult<Vec<(Column, BadCells)>> =
                self.columns.par_iter().zip(&cells).map(|(c, cells)| c.target.as_ref().unwrap_or(&Target::Text).column(&c.name, cells, at)).collect();
            at += n;
            for ((c, cells), seen) in self.columns.iter().zip(&cells).zip(seen.iter_mut()) {
                let stamps = c.target.as_ref().and_then(|t| t.stamps(cells));
                seen.stamps = seen.stamps.plus(stamps.unwrap_or_default());
            }
            let frame = columns.and_then(|columns| {
                let (columns, more): (Vec<Column>, Vec<BadCells>) = columns.into_iter().unzip();
                seen.iter_mut().zip(more).for_each(|(s, m)| read::merge(&mut s.bad, m));
                DataFrame::new(n, columns)
            });
            let done = frame.map_err(|e| vec![bug("a piece of a table", &e)]).and_then(&mut *each);
            done.map_err(|p| failed.extend(p)).is_ok()
        });
        match read {
            _ if !failed.is_empty() => Err(failed),
            Err(e) => Err(vec![read::unreadable(self.table, file, e)]),
            Ok((rows, (sha256, bytes))) => Ok((rows, sha256, bytes)),
        }
    }

    /// What the cells of a column of a file with types say of their zone.
    fn stamps_of(c: &EventColumn, column: &Column) -> Stamps {
        match (column.dtype(), &c.dtype) {
            (_, d) if !matches!(d, DataType::Datetime(..)) => Stamps::default(),
            (DataType::String, _) => {
                let mut cells = Cells::default();
                column.try_str().into_iter().flat_map(|t| t.iter()).for_each(|c| cells.push(c));
                c.target.as_ref().and_then(|t| t.stamps(&cells)).unwrap_or_default()
            }
            (DataType::Date, _) => Stamps { dates: (column.len() - column.null_count()) as u64, ..Stamps::default() },
            _ => typed::stamps(column).unwrap_or_default(),
        }
    }

    fn read_typed(
        &self,
        format: Format,
        file: &SourceFile,
        offset: usize,
        seen: &mut [Seen],
        each: Each<'_>,
    ) -> Result<(usize, String, u64), Problems> {
        let refuse = |e| vec![cannot(self.table, format, file, &e)];
        let (sha256, bytes) = source::hash_file(&file.path).map_err(|e| vec![read::unreadable(self.table, file, format!("cannot be read: {e}"))])?;
        let mut rows = 0;
        let mut failed = Problems::new();
        let wanted = self.columns.iter().map(|c| col(c.name.as_str())).collect::<Vec<_>>();
        let scan = typed::scan(file, format).map_err(refuse)?.select(wanted);
        let done = batches(scan, &mut |frame| {
            let mut columns = Vec::with_capacity(self.columns.len());
            for ((c, column), seen) in self.columns.iter().zip(frame.columns()).zip(seen.iter_mut()) {
                let frame_column = column;
                let read = typed::convert(column, c.target.as_ref(), false, &self.table.null_values, offset + rows)
                    .and_then(|r| Ok((r.column.cast(&c.dtype)?, r.bad)));
                match read {
                    Ok((column, more)) => {
                        read::merge(&mut seen.bad, more);
                        seen.stamps = seen.stamps.plus(Self::stamps_of(c, frame_column));
                        columns.push(column);
                    }
                    Err(e) => {
                        failed.push(unusable(self.table, file, &c.name, &polars_says(&e)));
                        return false;
                    }
                }
            }
            rows += frame.height();
            let frame = DataFrame::new(frame.height(), columns).map_err(|e| vec![bug("a piece of a table", &e)]);
            frame.and_then(&mut *each).map_err(|p| failed.extend(p)).is_ok()
        });
        if !failed.is_empty() {
            return Err(failed);
        }
        done.map_err(refuse)?;
        Ok((rows, sha256, bytes))
    }
}

/// What was seen of a column on the way.
#[derive(Clone, Default)]
struct Seen {
    bad: BadCells,
    stamps: Stamps,
}

type Each<'e> = &'e mut dyn FnMut(DataFrame) -> Result<(), Problems>;

fn cannot(table: &TablePlan, format: Format, file: &SourceFile, e: &polars::error::PolarsError) -> Problem {
    read::unreadable(table, file, format!("cannot be read as {}: {}", format_name(format), polars_says(e)))
}

fn unusable(table: &TablePlan, file: &SourceFile, column: &str, why: &str) -> Problem {
    Problem::error(codes::G211, format!("column `{column}` of `{}` cannot be used: {why}", file.shown)).at(table.path_place.clone())
}

fn names_of(table: &TablePlan, format: Format, file: &SourceFile) -> Result<Vec<String>, Box<Problem>> {
    if read::is_delimited(format) {
        return text::header(file, format).map_err(|e| Box::new(read::unreadable(table, file, e)));
    }
    let schema = typed::scan(file, format).and_then(|mut lf| lf.collect_schema()).map_err(|e| cannot(table, format, file, &e))?;
    Ok(schema.iter_names().map(|n| n.to_string()).collect())
}

fn text_columns(
    table: &TablePlan,
    format: Format,
    header: &Header,
    names: Vec<String>,
    targets: Vec<(bool, Option<Target>)>,
) -> Result<Vec<EventColumn>, Problems> {
    let unknown: Vec<String> = names.iter().zip(&targets).filter(|(_, t)| t.1.is_none()).map(|(n, _)| n.clone()).collect();
    let mut profiles = vec![Profile::default(); unknown.len()];
    if !unknown.is_empty() {
        for file in &header.files {
            let looked = pieces(table, format, file, &unknown, &mut |cells| {
                profiles.par_iter_mut().zip(cells).for_each(|(p, c)| p.add(&c));
                true
            });
            looked.map_err(|e| vec![read::unreadable(table, file, e)])?;
        }
    }
    let mut profiles = profiles.into_iter();
    let column = |(name, (declared, target)): (String, (bool, Option<Target>))| match target {
        Some(target) => EventColumn { dtype: target.dtype(), target: Some(target), declared, looks: None, name },
        None => {
            let profile = profiles.next().unwrap_or_default();
            let dtype = profile.dtype();
            EventColumn { target: Some(Target::inferred(&dtype)), declared, looks: profile.looks_like_numbers(), name, dtype }
        }
    };
    Ok(names.into_iter().zip(targets).map(column).collect())
}

fn typed_columns(
    table: &TablePlan,
    format: Format,
    header: &Header,
    needs: &Needs,
    names: Vec<String>,
    targets: Vec<(bool, Option<Target>)>,
) -> Result<Vec<EventColumn>, Problems> {
    let json = format == Format::Ndjson;
    let mut types: Vec<DataType> = vec![DataType::Null; names.len()];
    let mut problems = Problems::new();
    for file in &header.files {
        let schema = typed::scan(file, format).and_then(|mut lf| lf.collect_schema()).map_err(|e| vec![cannot(table, format, file, &e)])?;
        for ((name, so_far), target) in names.iter().zip(&mut types).zip(&targets) {
            let Some(own) = schema.get(name.as_str()) else { continue };
            let Some(dtype) = typed::normal(own) else {
                problems.push(unusable(table, file, name, &format!("type {own} is not supported")));
                continue;
            };
            if dtype.is_float() && is_code(table, needs, name) {
                problems.push(
                    unusable(table, file, name, "codes stand in it as numbers with decimals, which have lost their zeros")
                        .help("write the column as text where the file is made"),
                );
            }
            match typed::common(so_far, &dtype) {
                _ if target.1.is_some() => {}
                Some(both) => *so_far = both,
                None => problems.push(
                    unusable(table, file, name, "it is of another type than in the files before it")
                        .help(format!("say its type: types: {{ {name}: text }}")),
                ),
            }
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    // The strings of ndjson may be dates.
    let strings: Vec<String> = names
        .iter()
        .zip(&types)
        .zip(&targets)
        .filter(|((_, d), t)| json && **d == DataType::String && t.1.is_none())
        .map(|x| x.0.0.clone())
        .collect();
    let mut profiles = vec![Profile::default(); strings.len()];
    for file in header.files.iter().filter(|_| !strings.is_empty()) {
        let refuse = |e| vec![cannot(table, format, file, &e)];
        let wanted = strings.iter().map(|n| col(n.as_str())).collect::<Vec<_>>();
        let scan = typed::scan(file, format).map_err(refuse)?.select(wanted);
        let looked = batches(scan, &mut |frame| {
            profiles.iter_mut().zip(frame.columns()).for_each(|(p, column)| {
                let mut cells = Cells::default();
                let texts = column.try_str().into_iter().flat_map(|t| t.iter());
                texts.for_each(|c| cells.push(c.filter(|c| !text::is_null(c, &table.null_values))));
                p.add(&cells);
            });
            true
        });
        looked.map_err(refuse)?;
    }
    let column = |((name, (declared, target)), own): ((String, (bool, Option<Target>)), DataType)| {
        let profile = strings.iter().position(|s| *s == name).map(|k| &profiles[k]);
        let target = target.or_else(|| profile.map(|p| Target::inferred(&p.dtype_of_json_strings())));
        EventColumn { dtype: target.as_ref().map_or(own, Target::dtype), target, declared, looks: None, name }
    };
    Ok(names.into_iter().zip(targets).zip(types).map(column).collect())
}

/// The wanted columns of a file of text in pieces, read on a thread of its own. `each` returns whether to go on.
/// Returns (rows, (sha256, bytes)). Errors: what is wrong with the file, to follow its name.
fn pieces(
    table: &TablePlan,
    format: Format,
    file: &SourceFile,
    names: &[String],
    each: &mut dyn FnMut(Vec<Cells>) -> bool,
) -> Result<(usize, (String, u64)), String> {
    std::thread::scope(|scope| {
        let (send, receive) = sync_channel::<Vec<Cells>>(2);
        let reader = scope.spawn(move || {
            let mut records = Records::open(file, format, names)?;
            loop {
                let mut cells = vec![Cells::default(); names.len()];
                let mut n = 0;
                while n < PIECE && records.next()? {
                    cells.iter_mut().enumerate().for_each(|(k, c)| c.push(records.cell(k, &table.null_values)));
                    n += 1;
                }
                if n > 0 && send.send(cells).is_err() {
                    return Err("was not read to its end".to_owned());
                }
                if n < PIECE {
                    return Ok((records.rows, records.finish()?));
                }
            }
        });
        for cells in receive {
            if !each(cells) {
                break;
            }
        }
        reader.join().unwrap_or_else(|_| Err("cannot be read: the reader stopped".to_owned()))
    })
}

/// The rows of a scan in order, in pieces. `each` returns whether to go on.
fn batches(scan: LazyFrame, each: &mut dyn FnMut(DataFrame) -> bool) -> PolarsResult<()> {
    std::thread::scope(|scope| {
        let (send, receive) = sync_channel::<DataFrame>(1);
        let runner = scope.spawn(move || {
            let hand_on = PlanCallback::new(move |frame: DataFrame| Ok(send.send(frame).is_err()));
            scan.sink_batches(hand_on, true, NonZeroUsize::new(PIECE))?.collect_with_engine(Engine::Streaming).map(|_| ())
        });
        for frame in receive {
            if !each(frame) {
                break;
            }
        }
        runner.join().unwrap_or_else(|_| Err(polars::prelude::polars_err!(ComputeError: "the reader stopped")))
    })
}
