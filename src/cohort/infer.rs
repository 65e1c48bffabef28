//! What a column of text cells is, and its cells as values of that type.
//!
//! Inference sees every cell of the column. Padded numbers, thousands commas, leading zeros, signs written as `+` and integers too
//! long to be exact are never guessed at: such a column is text.

use super::plan::ColumnType;
use super::text::{Cells, note};
use crate::vocab::read_number;
use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime};
use polars::prelude::{Column, DataType, IntoColumn, NamedFrom, PolarsResult, Series, StringChunkedBuilder, TimeUnit};

/// The type that timestamps have after reading: microseconds, no time zone.
pub(super) const DATETIME: DataType = DataType::Datetime(TimeUnit::Microseconds, None);

/// Cells that do not read as the type, and the first rows (from 1) that hold one.
#[derive(Clone, Debug, Default)]
pub(super) struct BadCells {
    pub count: usize,
    pub rows: Vec<usize>,
}

/// The cells of a column of time stamps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Stamps {
    /// With a zone: read as UTC.
    pub zoned: u64,
    /// Without one: read as they stand.
    pub unzoned: u64,
    /// Without a time of day: read as midnight.
    pub dates: u64,
}

impl Stamps {
    pub fn all(self) -> u64 {
        self.zoned + self.unzoned + self.dates
    }

    pub fn plus(self, other: Self) -> Self {
        Self { zoned: self.zoned + other.zoned, unzoned: self.unzoned + other.unzoned, dates: self.dates + other.dates }
    }
}

/// What the cells of a column would read as, counted.
#[derive(Clone, Debug, Default)]
pub(super) struct Profile {
    values: usize,
    integer: usize,
    decimal: usize,
    boolean: usize,
    date: usize,
    stamp: usize,
    stamp_utc: usize,
    /// Numbers only after trimming spaces, removing thousands commas, or dropping leading zeros.
    nearly_number: usize,
}

impl Profile {
    pub fn of(cells: &Cells) -> Self {
        let mut p = Self::default();
        p.add(cells);
        p
    }

    /// Counts the cells of a further file of the table.
    pub fn add(&mut self, cells: &Cells) {
        for cell in cells.iter().flatten() {
            self.values += 1;
            let count = match form(cell) {
                Form::Integer => &mut self.integer,
                Form::Decimal => &mut self.decimal,
                Form::Boolean => &mut self.boolean,
                Form::Date => &mut self.date,
                Form::Stamp => &mut self.stamp,
                Form::StampUtc => &mut self.stamp_utc,
                Form::NearlyNumber => &mut self.nearly_number,
                Form::Word => continue,
            };
            *count += 1;
        }
    }

    /// The type of the column; `Null` when it has no value at all.
    pub fn dtype(&self) -> DataType {
        let all = |n: usize| n == self.values;
        if self.values == 0 {
            DataType::Null
        } else if all(self.integer) {
            DataType::Int64
        } else if all(self.integer + self.decimal) {
            DataType::Float64
        } else if all(self.boolean) {
            DataType::Boolean
        } else if all(self.date) {
            DataType::Date
        } else if all(self.date + self.stamp) || all(self.stamp_utc) {
            DATETIME
        } else {
            DataType::String
        }
    }

    /// The same for the strings of an ndjson file, where numbers and booleans have their own spelling and dates have not.
    pub fn dtype_of_json_strings(&self) -> DataType {
        match self.dtype() {
            DataType::Date => DataType::Date,
            d @ DataType::Datetime(..) => d,
            _ => DataType::String,
        }
    }

    /// Its time stamps by what they say; dates are those without a time of day.
    pub fn stamps(&self) -> Stamps {
        Stamps { zoned: self.stamp_utc as u64, unzoned: self.stamp as u64, dates: self.date as u64 }
    }

    /// (cells that would read as numbers, all cells), when the column is text and most of them would.
    pub fn looks_like_numbers(&self) -> Option<(usize, usize)> {
        let numbers = self.integer + self.decimal + self.nearly_number;
        (self.dtype() == DataType::String && 2 * numbers > self.values).then_some((numbers, self.values))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Integer,
    Decimal,
    Boolean,
    Date,
    Stamp,
    StampUtc,
    NearlyNumber,
    Word,
}

/// Digits that an `i64` and an `f64` hold exactly.
const EXACT_DIGITS: usize = 15;
/// Digits that an `i64` holds.
const INTEGER_DIGITS: usize = 18;

fn form(cell: &str) -> Form {
    let b = cell.as_bytes();
    match b.first() {
        Some(b'0'..=b'9' | b'-' | b'.') => {}
        Some(b'+' | b' ' | b'\t' | b'"' | b'(' | b'$') => return nearly(cell),
        Some(b't' | b'T' | b'f' | b'F') if cell.eq_ignore_ascii_case("true") || cell.eq_ignore_ascii_case("false") => return Form::Boolean,
        _ => return Form::Word,
    }
    if b.len() >= 10 && b[4] == b'-' && b[7] == b'-' {
        if iso_date(cell).is_some() {
            return Form::Date;
        }
        return match iso_stamp(cell) {
            Some((_, true)) => Form::StampUtc,
            Some((_, false)) => Form::Stamp,
            None => Form::Word,
        };
    }
    let digits = &b[usize::from(b[0] == b'-')..];
    let whole = digits.iter().take_while(|c| c.is_ascii_digit()).count();
    let leading_zero = whole > 1 && digits[0] == b'0';
    if whole == digits.len() && whole > 0 {
        return if leading_zero || whole > INTEGER_DIGITS { Form::NearlyNumber } else { Form::Integer };
    }
    if read_number(cell).is_some() && !cell.ends_with([' ', '\t']) {
        let significant = digits.iter().take_while(|c| !c.eq_ignore_ascii_case(&b'e')).filter(|c| c.is_ascii_digit()).count();
        return if leading_zero || (whole > EXACT_DIGITS && significant > INTEGER_DIGITS) { Form::NearlyNumber } else { Form::Decimal };
    }
    nearly(cell)
}

/// Whether a cell lets its column be one of numbers.
pub(super) fn is_number(cell: &str) -> bool {
    matches!(form(cell), Form::Integer | Form::Decimal)
}

/// Whether a cell lets its column be one of dates or time stamps.
pub(super) fn is_moment(cell: &str) -> bool {
    matches!(form(cell), Form::Date | Form::Stamp | Form::StampUtc)
}

fn nearly(cell: &str) -> Form {
    let plain: String = cell.trim().trim_matches('"').trim().chars().filter(|c| *c != ',').collect();
    if read_number(&plain).is_some() { Form::NearlyNumber } else { Form::Word }
}

/// Years outside this range come from a two-digit year or a typing error, not from a patient record.
fn plausible(d: NaiveDate) -> Option<NaiveDate> {
    (1000..=9999).contains(&d.year()).then_some(d)
}

/// yyyy-mm-dd and nothing else.
fn iso_date(cell: &str) -> Option<NaiveDate> {
    let b = cell.as_bytes();
    let digits = |r: std::ops::Range<usize>| b[r].iter().all(u8::is_ascii_digit);
    (b.len() == 10 && b[4] == b'-' && b[7] == b'-' && digits(0..4) && digits(5..7) && digits(8..10)).then_some(())?;
    NaiveDate::from_ymd_opt(cell[0..4].parse().ok()?, cell[5..7].parse().ok()?, cell[8..10].parse().ok()?).and_then(plausible)
}

/// yyyy-mm-dd, `T` or a space, hh:mm with optional seconds and fraction; `Z` (or +00:00) is reported. Other offsets are not read:
/// they would move events to another day.
fn iso_stamp(cell: &str) -> Option<(NaiveDateTime, bool)> {
    let (date, time) = (cell.get(..10)?, cell.get(11..)?);
    matches!(cell.as_bytes()[10], b'T' | b' ').then_some(())?;
    let date = iso_date(date)?;
    let (time, utc) = match time.strip_suffix('Z').or_else(|| time.strip_suffix("+00:00")) {
        Some(t) => (t, true),
        None => (time, false),
    };
    let time = chrono::NaiveTime::parse_from_str(time, "%H:%M:%S%.f").or_else(|_| chrono::NaiveTime::parse_from_str(time, "%H:%M")).ok()?;
    Some((date.and_time(time), utc))
}

/// A declared type, or the type that was inferred, as something to parse cells with.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Target {
    Null,
    Text,
    Integer,
    Number,
    Boolean,
    Date(Option<String>),
    Datetime(Option<String>),
}

impl Target {
    pub fn declared(kind: &ColumnType) -> Self {
        match kind {
            ColumnType::Text => Self::Text,
            ColumnType::Integer => Self::Integer,
            ColumnType::Number => Self::Number,
            ColumnType::Boolean => Self::Boolean,
            ColumnType::Date { format } => Self::Date(format.clone()),
            ColumnType::Datetime { format } => Self::Datetime(format.clone()),
        }
    }

    pub fn inferred(dtype: &DataType) -> Self {
        match dtype {
            DataType::Null => Self::Null,
            DataType::Int64 => Self::Integer,
            DataType::Float64 => Self::Number,
            DataType::Boolean => Self::Boolean,
            DataType::Date => Self::Date(None),
            DataType::Datetime(..) => Self::Datetime(None),
            _ => Self::Text,
        }
    }

    pub fn dtype(&self) -> DataType {
        match self {
            Self::Null => DataType::Null,
            Self::Text => DataType::String,
            Self::Integer => DataType::Int64,
            Self::Number => DataType::Float64,
            Self::Boolean => DataType::Boolean,
            Self::Date(_) => DataType::Date,
            Self::Datetime(_) => DATETIME,
        }
    }

    /// What the time stamps among some cells say; with a format all say what it says. `None` for other types.
    pub fn stamps(&self, cells: &Cells) -> Option<Stamps> {
        match self {
            Self::Datetime(None) => Some(Profile::of(cells).stamps()),
            Self::Datetime(Some(format)) => {
                let n = cells.iter().flatten().count() as u64;
                let says = ["%z", "%:z", "%::z", "%#z", "%+"].iter().any(|zone| format.contains(zone));
                Some(if says { Stamps { zoned: n, ..Stamps::default() } } else { Stamps { unzoned: n, ..Stamps::default() } })
            }
            Self::Null | Self::Text | Self::Integer | Self::Number | Self::Boolean | Self::Date(_) => None,
        }
    }

    /// As messages call it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Text => "text",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Boolean => "boolean",
            Self::Date(_) => "date",
            Self::Datetime(_) => "datetime",
        }
    }

    /// The cells as a column of this type; cells that do not parse are null and counted. `offset` rows came before these.
    pub fn column(&self, name: &str, cells: &Cells, offset: usize) -> PolarsResult<(Column, BadCells)> {
        self.column_of(name, cells.len(), cells.iter(), offset)
    }

    pub fn column_of<'a>(
        &self,
        name: &str,
        n: usize,
        cells: impl Iterator<Item = Option<&'a str>>,
        offset: usize,
    ) -> PolarsResult<(Column, BadCells)> {
        let mut bad = BadCells::default();
        let series = match self {
            Self::Null => Series::full_null(name.into(), n, &DataType::Null),
            Self::Text => {
                let mut b = StringChunkedBuilder::new(name.into(), n);
                cells.for_each(|c| b.append_option(c));
                return Ok((b.finish().into_column(), bad));
            }
            Self::Integer => Series::new(name.into(), parsed(cells, offset, &mut bad, integer)),
            Self::Number => Series::new(name.into(), parsed(cells, offset, &mut bad, read_number)),
            Self::Boolean => Series::new(name.into(), parsed(cells, offset, &mut bad, boolean)),
            Self::Date(format) => Series::new(name.into(), parsed(cells, offset, &mut bad, |c| date(c, format.as_deref()))).cast(&DataType::Date)?,
            Self::Datetime(format) => {
                Series::new(name.into(), parsed(cells, offset, &mut bad, |c| datetime(c, format.as_deref()))).cast(&DATETIME)?
            }
        };
        Ok((series.into_column(), bad))
    }
}

fn parsed<'a, T>(
    cells: impl Iterator<Item = Option<&'a str>>,
    offset: usize,
    bad: &mut BadCells,
    parse: impl Fn(&str) -> Option<T>,
) -> Vec<Option<T>> {
    cells
        .enumerate()
        .map(|(row, cell)| {
            let value = parse(cell?);
            if value.is_none() {
                note(&mut bad.count, &mut bad.rows, offset + row + 1);
            }
            value
        })
        .collect()
}

/// Whole numbers, also written `12.0`.
fn integer(cell: &str) -> Option<i64> {
    let cell = cell.trim();
    cell.parse().ok().or_else(|| read_number(cell).filter(|v| v.fract() == 0.0 && v.abs() < 9_007_199_254_740_992.0).map(|v| v as i64))
}

fn boolean(cell: &str) -> Option<bool> {
    let cell = cell.trim();
    if cell.eq_ignore_ascii_case("true") || cell == "1" {
        Some(true)
    } else if cell.eq_ignore_ascii_case("false") || cell == "0" {
        Some(false)
    } else {
        None
    }
}

/// Days since 1970-01-01.
fn date(cell: &str, format: Option<&str>) -> Option<i32> {
    let cell = cell.trim();
    let day = match format {
        Some(f) => plausible(NaiveDate::parse_from_str(cell, f).ok()?)?,
        None => iso_date(cell).or_else(|| {
            // A timestamp at midnight is a date that another program wrote out in full.
            let (stamp, _) = iso_stamp(cell)?;
            (stamp.time() == chrono::NaiveTime::MIN).then_some(stamp.date())
        })?,
    };
    i32::try_from(day.signed_duration_since(NaiveDate::from_ymd_opt(1970, 1, 1)?).num_days()).ok()
}

/// Microseconds since 1970-01-01 00:00; a format with an offset gives UTC.
fn datetime(cell: &str, format: Option<&str>) -> Option<i64> {
    let cell = cell.trim();
    let stamp = match format {
        Some(f) => NaiveDateTime::parse_from_str(cell, f)
            .ok()
            .filter(|_| !f.contains("%z") && !f.contains("%:z"))
            .or_else(|| DateTime::parse_from_str(cell, f).ok().map(|d| d.naive_utc()))
            .or_else(|| NaiveDate::parse_from_str(cell, f).ok().map(|d| d.and_time(chrono::NaiveTime::MIN)))?,
        None => iso_stamp(cell).map(|(s, _)| s).or_else(|| iso_date(cell).map(|d| d.and_time(chrono::NaiveTime::MIN)))?,
    };
    plausible(stamp.date())?;
    Some(stamp.and_utc().timestamp_micros())
}

/// Does chrono understand every part of the format?
pub(super) fn format_is_valid(format: &str) -> bool {
    chrono::format::StrftimeItems::new(format).all(|item| item != chrono::format::Item::Error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dtype(cells: &[&str]) -> DataType {
        let mut c = Cells::default();
        cells.iter().for_each(|x| c.push(Some(x)));
        Profile::of(&c).dtype()
    }

    #[test]
    fn nothing_is_guessed() {
        for (cells, expected) in [
            (&["1", "-2", "0"][..], DataType::Int64),
            (&["1", "2.5", "1e3", ".5"], DataType::Float64),
            (&["00776", "1454"], DataType::String),
            (&["00.5", "1"], DataType::String),
            (&["0.5", "-0.25"], DataType::Float64),
            (&[" 70.25", "80.1"], DataType::String),
            (&["70.25 ", "80.1"], DataType::String),
            (&["1,000", "2"], DataType::String),
            (&["120 +", "3"], DataType::String),
            (&["+5", "3"], DataType::String),
            (&["1234567890123456789", "1"], DataType::String),
            (&["NaN", "1"], DataType::String),
            (&["inf", "1"], DataType::String),
            (&["true", "False"], DataType::Boolean),
            (&["true", "1"], DataType::String),
            (&["2020-02-29"], DataType::Date),
            (&["2021-02-29"], DataType::String),
            (&["2020-02-29", "2020-02-29 10:30"], DATETIME),
            (&["2020-02-29T10:30:01Z"], DATETIME),
            (&["2020-02-29T10:30:01Z", "2020-02-29T10:30:01"], DataType::String),
            (&["2020-02-29T10:30:01+05:00"], DataType::String),
            (&["02/29/2020"], DataType::String),
            (&["250.83", "V57"], DataType::String),
            (&["[70-80)", "?"], DataType::String),
        ] {
            assert_eq!(dtype(cells), expected, "{cells:?}");
        }
        assert_eq!(Profile::of(&Cells::default()).dtype(), DataType::Null);
    }

    #[test]
    fn text_that_looks_like_numbers_is_noticed() {
        let looks = |cells: &[&str]| {
            let mut c = Cells::default();
            cells.iter().for_each(|x| c.push(Some(x)));
            Profile::of(&c).looks_like_numbers()
        };
        assert_eq!(looks(&[" 70.25098", " 3"]), Some((2, 2)));
        assert_eq!(looks(&["120 +", "3", "4"]), Some((2, 3)));
        assert_eq!(looks(&["1,234", "9,999,999"]), Some((2, 2)));
        assert_eq!(looks(&["a", "3"]), None);
        assert_eq!(looks(&["1", "3"]), None);
    }

    #[test]
    fn declared_types_parse_or_count() {
        assert_eq!(integer(" 00776 "), Some(776));
        assert_eq!(integer("12.0"), Some(12));
        assert_eq!(integer("12.5"), None);
        assert_eq!(boolean("TRUE"), Some(true));
        assert_eq!(boolean("yes"), None);
        // 2020-01-15 is 18,276 days after 1970-01-01.
        assert_eq!(date("2020-01-15", None), Some(18_276));
        assert_eq!(date("2020-01-15 00:00:00", None), Some(18_276));
        assert_eq!(date("2020-01-15 10:00:00", None), None);
        assert_eq!(date("01/15/2020", Some("%m/%d/%Y")), Some(18_276));
        assert_eq!(date("01/15/20", Some("%m/%d/%Y")), None);
        assert_eq!(datetime("01/15/2020 06:00", Some("%m/%d/%Y %H:%M")), Some((18_276 * 24 + 6) * 3_600_000_000));
        assert_eq!(datetime("2020-01-15T06:00:00+02:00", Some("%Y-%m-%dT%H:%M:%S%:z")), Some((18_276 * 24 + 4) * 3_600_000_000));
        assert!(format_is_valid("%m/%d/%Y") && !format_is_valid("%Q"));
    }
}
