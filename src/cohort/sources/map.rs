//! How a column of a mapped table comes from the columns of a file.

use super::concepts::{Concepts, Part};
use super::raw::Raw;
use super::{ModelTable, Place, folder, raw};
use crate::cohort::infer::DATETIME;
use crate::cohort::plan::{ColumnType, TablePlan};
use crate::cohort::problems::bug;
use crate::cohort::source::ReadFile;
use crate::error::{Problem, Problems, codes};
use crate::vocab::read_number;
use chrono::{Datelike, NaiveDate};
use polars::prelude::*;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// Where a value comes from. Names of columns are those of the file, in lower case; a column that the file lacks is null.
#[derive(Clone, Copy, Debug)]
pub enum Recipe {
    /// A whole number that names something, as text.
    Id(&'static str),
    /// The first of these columns that the file has: versions call it differently.
    Text(&'static [&'static str]),
    Number(&'static str),
    Integer(&'static str),
    /// The day of a date or of a timestamp.
    Day(&'static str),
    /// The year of a date.
    Year(&'static str),
    /// Text as a number where another column says `numeric`; what does not read as one is null and counted.
    Measured {
        value: &'static str,
        kind: &'static str,
    },
    /// A timestamp; where it is missing, the date at midnight.
    Moment(&'static str, &'static str),
    /// `birth_datetime`, else year, month and day of birth; a missing month or day is taken from the middle and counted.
    Birth,
    /// Words of the source and what they become; another word is null and counted.
    Words(&'static str, &'static [(&'static str, &'static str)]),
    /// An OMOP concept: words for ids that are fixed, else a part of the row in CONCEPT; an id that is not there is null and counted.
    Concept(&'static str, Part, &'static [(i64, &'static str)]),
    /// The first, or the second where the first is null.
    Else(&'static Recipe, &'static Recipe),
    /// The row of another file.
    Lookup(&'static Lookup),
    Constant(&'static str),
}

/// A value from the row of another file that has the same key.
#[derive(Debug)]
pub struct Lookup {
    /// Column of the keys in the file of the table, and in the other.
    pub key: &'static str,
    pub file: &'static str,
    pub by: &'static str,
    pub column: &'static str,
    /// A date rather than text; of several the earliest.
    pub day: bool,
}

impl Recipe {
    pub fn dtype(&self) -> DataType {
        match self {
            Self::Number(_) | Self::Measured { .. } => DataType::Float64,
            Self::Integer(_) | Self::Year(_) => DataType::Int64,
            Self::Day(_) | Self::Birth => DataType::Date,
            Self::Moment(..) => DATETIME,
            Self::Lookup(l) if l.day => DataType::Date,
            Self::Else(a, _) => a.dtype(),
            Self::Id(_) | Self::Text(_) | Self::Words(..) | Self::Concept(..) | Self::Constant(_) | Self::Lookup(_) => DataType::String,
        }
    }

    /// The columns of the file that it reads, with the types that they are read as.
    pub(super) fn reads(&self, into: &mut Vec<(&'static str, ColumnType)>) {
        let stamp = ColumnType::Datetime { format: None };
        match self {
            Self::Id(c) | Self::Integer(c) => into.push((c, ColumnType::Integer)),
            Self::Text(all) => into.extend(all.iter().map(|c| (*c, ColumnType::Text))),
            Self::Number(c) => into.push((c, ColumnType::Number)),
            Self::Day(c) | Self::Year(c) => into.push((c, stamp)),
            Self::Measured { value, kind } => into.extend([(*value, ColumnType::Text), (*kind, ColumnType::Text)]),
            Self::Moment(a, b) => into.extend([(*a, stamp.clone()), (*b, stamp)]),
            Self::Birth => {
                into.push(("birth_datetime", stamp));
                into.extend(["year_of_birth", "month_of_birth", "day_of_birth"].map(|c| (c, ColumnType::Integer)));
            }
            Self::Words(c, _) => into.push((c, ColumnType::Text)),
            Self::Concept(c, _, _) => into.push((c, ColumnType::Integer)),
            Self::Else(a, b) => {
                a.reads(into);
                b.reads(into);
            }
            Self::Lookup(l) => into.push((l.key, ColumnType::Text)),
            Self::Constant(_) => {}
        }
    }

    /// Whether it needs CONCEPT.
    pub(super) fn needs_concepts(&self) -> bool {
        match self {
            Self::Concept(..) => true,
            Self::Else(a, b) => a.needs_concepts() || b.needs_concepts(),
            _ => false,
        }
    }
}

/// What the columns of one table are made from, and what was found on the way.
pub(super) struct Mapper<'a> {
    pub table: &'a TablePlan,
    pub place: &'a Place<'a>,
    pub mapped: &'static ModelTable,
    pub raw: &'a Raw,
    pub concepts: Arc<Concepts>,
    pub warnings: &'a mut Problems,
    pub problems: &'a mut Problems,
    /// Files of lookups, by name.
    lookups: HashMap<&'static str, Option<Raw>>,
    /// Concept columns that were counted already.
    counted: BTreeSet<&'static str>,
}

impl<'a> Mapper<'a> {
    pub fn new(
        table: &'a TablePlan,
        place: &'a Place<'a>,
        mapped: &'static ModelTable,
        raw: &'a Raw,
        concepts: Arc<Concepts>,
        warnings: &'a mut Problems,
        problems: &'a mut Problems,
    ) -> Self {
        Self { table, place, mapped, raw, concepts, warnings, problems, lookups: HashMap::new(), counted: BTreeSet::new() }
    }

    /// Files that were looked up.
    pub fn files(&self) -> Vec<ReadFile> {
        let mut files: Vec<ReadFile> = self.lookups.values().flatten().flat_map(|raw| raw.files.iter().cloned()).collect();
        files.sort_by(|a, b| a.path.cmp(&b.path));
        files
    }

    fn warn(&mut self, message: String) {
        self.warnings.push(Problem::warning(codes::G332, message).at(self.table.path_place.clone()));
    }

    /// The column, by its name in the mapped table.
    pub fn column(&mut self, name: &'static str, recipe: &'static Recipe) -> Option<Column> {
        let column = self.value(name, recipe);
        column.map(|c| c.with_name(name.into())).map_err(|e| self.problems.push(bug("a mapped column", &e))).ok()
    }

    fn nulls(&self, dtype: &DataType) -> Column {
        Column::full_null("".into(), self.raw.height(), dtype)
    }

    fn value(&mut self, name: &'static str, recipe: &'static Recipe) -> PolarsResult<Column> {
        let n = self.raw.height();
        Ok(match recipe {
            Recipe::Id(c) if self.raw.has(c) => self.raw.column(c)?.cast(&DataType::String)?,
            Recipe::Number(c) | Recipe::Integer(c) if self.raw.has(c) => self.raw.column(c)?.clone(),
            Recipe::Day(c) if self.raw.has(c) => self.raw.column(c)?.cast(&DataType::Date)?,
            Recipe::Year(c) if self.raw.has(c) => self.years(c)?,
            Recipe::Measured { value, kind } if self.raw.has(value) && self.raw.has(kind) => self.measured(name, value, kind)?,
            Recipe::Id(_) | Recipe::Number(_) | Recipe::Integer(_) | Recipe::Day(_) | Recipe::Year(_) | Recipe::Measured { .. } => {
                self.nulls(&recipe.dtype())
            }
            Recipe::Text(all) => match all.iter().find(|c| self.raw.has(c)) {
                Some(c) => self.raw.column(c)?.clone(),
                None => self.nulls(&DataType::String),
            },
            Recipe::Constant(text) => Column::new("".into(), vec![*text; n]),
            Recipe::Moment(stamp, day) => self.moment(name, stamp, day)?,
            Recipe::Birth => self.birth()?,
            Recipe::Words(c, words) if self.raw.has(c) => self.words(name, c, words)?,
            Recipe::Concept(c, part, words) if self.raw.has(c) => self.concept(c, *part, words)?,
            Recipe::Words(..) | Recipe::Concept(..) => self.nulls(&DataType::String),
            Recipe::Else(a, b) => {
                let (a, b) = (self.value(name, a)?, self.value(name, b)?);
                let missing = a.is_null();
                b.as_materialized_series().zip_with(&missing, a.as_materialized_series())?.into_column()
            }
            Recipe::Lookup(l) => self.lookup(name, l)?,
        })
    }

    fn moment(&mut self, name: &str, stamp: &str, day: &str) -> PolarsResult<Column> {
        let days = if self.raw.has(day) { self.raw.column(day)?.clone() } else { self.nulls(&DATETIME) };
        if !self.raw.has(stamp) {
            return Ok(days);
        }
        let stamps = self.raw.column(stamp)?.clone();
        let missing = stamps.is_null() & days.is_not_null();
        let count = missing.sum().unwrap_or(0);
        if count == 0 {
            return Ok(stamps);
        }
        self.warn(format!(
            "table `{}`: {count} of {} rows have a date and no time of day: `{name}` is midnight there",
            self.table.name,
            stamps.len()
        ));
        Ok(days.as_materialized_series().zip_with(&missing, stamps.as_materialized_series())?.into_column())
    }

    fn years(&self, column: &str) -> PolarsResult<Column> {
        let days = self.raw.column(column)?.cast(&DataType::Date)?.to_physical_repr();
        let epoch = NaiveDate::default();
        let year = |day: i32| epoch.checked_add_signed(chrono::TimeDelta::days(i64::from(day))).map(|d| i64::from(d.year()));
        let years: Int64Chunked = days.i32()?.iter().map(|d| d.and_then(year)).collect();
        Ok(years.into_column())
    }

    fn measured(&mut self, name: &str, value: &str, kind: &str) -> PolarsResult<Column> {
        let (values, kinds) = (self.raw.column(value)?.str()?, self.raw.column(kind)?.str()?);
        let (mut numeric, mut bad) = (0, 0);
        let numbers: Float64Chunked = values
            .iter()
            .zip(kinds.iter())
            .map(|(v, k)| {
                let v = v.filter(|_| k.is_some_and(|k| k.trim().eq_ignore_ascii_case("numeric")))?;
                let number = read_number(v);
                numeric += 1;
                bad += usize::from(number.is_none());
                number
            })
            .collect();
        if bad > 0 {
            self.warn(format!("table `{}`: {bad} of {numeric} values that are called numeric do not read as numbers: no `{name}`", self.table.name));
        }
        Ok(numbers.into_column())
    }

    fn birth(&mut self) -> PolarsResult<Column> {
        let n = self.raw.height();
        let part = |name: &str| -> PolarsResult<Vec<Option<i64>>> {
            if self.raw.has(name) { Ok(self.raw.column(name)?.i64()?.iter().collect()) } else { Ok(vec![None; n]) }
        };
        let (years, months, days) = (part("year_of_birth")?, part("month_of_birth")?, part("day_of_birth")?);
        let stamps: Vec<Option<i32>> = if self.raw.has("birth_datetime") {
            self.raw.column("birth_datetime")?.cast(&DataType::Date)?.to_physical_repr().i32()?.iter().collect()
        } else {
            vec![None; n]
        };
        let (mut filled, mut impossible) = (0, 0);
        let mut births = Vec::with_capacity(n);
        for row in 0..n {
            let date = match (stamps[row], years[row]) {
                (Some(day), _) => Some(day),
                (None, None) => None,
                (None, Some(year)) => {
                    let (month, day) = (months[row].unwrap_or(7), days[row].unwrap_or(if months[row].is_some() { 15 } else { 1 }));
                    filled += usize::from(months[row].is_none() || days[row].is_none());
                    let date = i32::try_from(year).ok().zip(u32::try_from(month).ok()).zip(u32::try_from(day).ok());
                    let date = date.and_then(|((y, m), d)| NaiveDate::from_ymd_opt(y, m, d)).and_then(days_since_1970);
                    impossible += usize::from(date.is_none());
                    date
                }
            };
            births.push(date);
        }
        let table = &self.table.name;
        let inexact = format!("table `{table}`: {filled} of {n} birth dates lack a month or a day: 1 July, or the 15th of the month, was taken");
        let wrong = format!("table `{table}`: {impossible} of {n} birth dates are no day of a calendar and are null");
        if filled > 0 {
            self.warn(inexact);
        }
        if impossible > 0 {
            self.warn(wrong);
        }
        Column::new("".into(), births).cast(&DataType::Date)
    }

    fn words(&mut self, name: &str, column: &'static str, words: &[(&str, &str)]) -> PolarsResult<Column> {
        let cells = self.raw.column(column)?.str()?.clone();
        let of = |c: &str| words.iter().find(|(from, _)| from.eq_ignore_ascii_case(c.trim())).map(|w| w.1);
        let values: StringChunked = cells.iter().map(|c| c.and_then(of)).collect();
        let lost = values.null_count() - cells.null_count();
        if lost > 0 && self.counted.insert(column) {
            let message = format!(
                "table `{}`: {lost} of {} rows have another word in {} than the model knows, and no `{name}`",
                self.table.name,
                cells.len(),
                column.to_uppercase()
            );
            self.warn(message);
        }
        Ok(values.into_column())
    }

    fn concept(&mut self, column: &'static str, part: Part, words: &[(i64, &str)]) -> PolarsResult<Column> {
        let ids = self.raw.column(column)?.i64()?.clone();
        let concepts = Arc::clone(&self.concepts);
        let known = |id: i64| words.iter().find(|(i, _)| *i == id).map(|w| w.1);
        let values: StringChunked = ids.iter().map(|id| id.and_then(|id| known(id).or_else(|| concepts.get(id, part)))).collect();
        let none = ids.iter().flatten().filter(|id| *id == 0).count();
        let (mut rows, mut absent) = (0, BTreeSet::new());
        for id in ids.iter().flatten().filter(|id| *id != 0 && known(*id).is_none() && !concepts.has(*id)) {
            rows += 1;
            absent.insert(id);
        }
        if (none > 0 || rows > 0) && self.counted.insert(column) {
            let (table, n) = (&self.table.name, ids.len());
            let mut problem = Problem::warning(codes::G332, format!("table `{table}`: {} of {n} rows have no concept in `{column}`", none + rows))
                .at(self.table.path_place.clone());
            if none > 0 {
                problem = problem.note(format!("{none} rows hold 0, no matching concept"));
            }
            if rows > 0 {
                problem = problem.note(format!("{rows} rows hold {} ids that CONCEPT does not", absent.len()));
            }
            if concepts.files.is_empty() {
                problem = problem.note("the folder has no CONCEPT");
            }
            self.warnings.push(problem.note("names and codes are null there; the words of the source stand in the columns called source"));
        }
        Ok(values.into_column())
    }

    fn lookup(&mut self, name: &'static str, l: &'static Lookup) -> PolarsResult<Column> {
        let dtype = if l.day { DataType::Date } else { DataType::String };
        if !self.raw.has(l.key) {
            return Ok(self.nulls(&dtype));
        }
        if !self.lookups.contains_key(l.file) {
            let read = self.other(l.file);
            self.lookups.insert(l.file, read);
        }
        let table = self.table.name.clone();
        let Some(Some(other)) = self.lookups.get(l.file) else {
            self.warnings.push(
                Problem::warning(codes::G331, format!("`{name}` of table `{table}` is empty: the folder has no {}", l.file.to_uppercase()))
                    .at(self.table.path_place.clone()),
            );
            return Ok(self.nulls(&dtype));
        };
        if !other.has(l.column) {
            return Ok(self.nulls(&dtype));
        }
        let keys = self.raw.column(l.key)?.cast(&DataType::String)?;
        let keys: Vec<Option<&str>> = keys.str()?.iter().map(|k| k.map(key_text)).collect();
        let others = other.column(l.by)?.str()?;
        let mut repeated = 0;
        let column = if l.day {
            let days = other.column(l.column)?.cast(&DataType::Date)?.to_physical_repr();
            let mut of: HashMap<&str, i32> = HashMap::new();
            for (key, day) in others.iter().zip(days.i32()?.iter()) {
                let (Some(key), Some(day)) = (key.map(key_text), day) else { continue };
                of.entry(key)
                    .and_modify(|d| {
                        repeated += 1;
                        *d = day.min(*d);
                    })
                    .or_insert(day);
            }
            let days: Int32Chunked = keys.iter().map(|k| k.and_then(|k| of.get(k).copied())).collect();
            days.into_column().cast(&DataType::Date)?
        } else {
            let texts = other.column(l.column)?.str()?;
            let mut of: HashMap<&str, Option<&str>> = HashMap::new();
            for (key, text) in others.iter().zip(texts.iter()) {
                let Some(key) = key.map(key_text) else { continue };
                if of.contains_key(key) {
                    repeated += 1;
                } else {
                    of.insert(key, text);
                }
            }
            let values: StringChunked = keys.iter().map(|k| k.and_then(|k| of.get(k).copied().flatten())).collect();
            values.into_column()
        };
        if repeated > 0 {
            let taken = if l.day { "earliest" } else { "first" };
            let file = l.file.to_uppercase();
            self.warn(format!("{repeated} rows of {file} repeat a `{}`: the {taken} was taken for `{name}` of table `{table}`", l.by));
        }
        Ok(column)
    }

    /// The columns of another file that lookups of this table need.
    fn other(&mut self, file: &'static str) -> Option<Raw> {
        let plan = folder::file_of(self.table, self.place.listing, file, self.problems)?;
        let mut columns = Vec::new();
        for l in self.mapped.columns.iter().filter_map(|c| if let Recipe::Lookup(l) = &c.recipe { Some(*l) } else { None }) {
            if l.file == file {
                columns.push((l.by, ColumnType::Text));
                columns.push((l.column, if l.day { ColumnType::Datetime { format: None } } else { ColumnType::Text }));
            }
        }
        let by = columns.first().map_or("", |c| c.0);
        raw::read_file(&plan, &columns, &[by], self.warnings, self.problems)
    }
}

/// Keys as they are compared: `12.0` is what a table with gaps makes of the whole number 12.
fn key_text(key: &str) -> &str {
    let key = key.trim();
    match key.strip_suffix(".0") {
        Some(whole) if !whole.is_empty() && whole.bytes().all(|b| b.is_ascii_digit()) => whole,
        _ => key,
    }
}

fn days_since_1970(date: NaiveDate) -> Option<i32> {
    i32::try_from(date.signed_duration_since(NaiveDate::from_ymd_opt(1970, 1, 1)?).num_days()).ok()
}
