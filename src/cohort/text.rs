//! Delimited text, cell by cell. Cells stay text until the whole column has been seen, so that a number column whose first word
//! stands on row 50,000 is neither cut short nor turned into nulls, and a leading zero is never lost.
//!
//! Read here rather than with polars: its types come from the first rows, rows that are too short are filled with nulls without a
//! word, and an error does not name the row.

use super::plan::Format;
use super::source::{Hashing, SourceFile};
use flate2::read::MultiGzDecoder;
use std::fs::File;
use std::io::{BufReader, Read};

/// Row numbers (from 1, the header not counted) that are listed in a message.
pub(super) const SHOWN_ROWS: usize = 5;

/// A column of text cells.
#[derive(Clone, Debug, Default)]
pub(super) struct Cells {
    text: String,
    /// Bytes of each cell; [`Cells::NULL`] for a null.
    len: Vec<u32>,
    values: usize,
}

impl Cells {
    const NULL: u32 = u32::MAX;

    pub fn push(&mut self, cell: Option<&str>) {
        match cell {
            // A cell of 4 GB or more cannot be told from a null; none is that long.
            Some(c) => {
                self.text.push_str(c);
                self.len.push(c.len() as u32);
                self.values += 1;
            }
            None => self.len.push(Self::NULL),
        }
    }

    pub fn len(&self) -> usize {
        self.len.len()
    }

    pub fn iter(&self) -> impl Iterator<Item = Option<&str>> {
        let mut at = 0;
        self.len.iter().map(move |&n| {
            if n == Self::NULL {
                return None;
            }
            let start = at;
            at += n as usize;
            self.text.get(start..at)
        })
    }

    pub fn any_value(&self) -> bool {
        self.values > 0
    }
}

/// Is the cell one of the table's null values? Spaces around both do not count.
pub(super) fn is_null(cell: &str, null_values: &[String]) -> bool {
    let cell = cell.trim();
    null_values.iter().any(|v| v.trim() == cell)
}

/// How much of a file is read.
pub(super) enum Extent<'a> {
    Whole,
    /// Some rows, and then on only while one of these columns has no value yet.
    Sample {
        rows: usize,
        decide: &'a dyn Fn(&str) -> bool,
    },
}

/// What was read of one file. `columns` are the wanted ones in the order asked for; `None` where the file has no such column.
pub(super) struct TextFile {
    pub columns: Vec<Option<Cells>>,
    pub rows: usize,
    /// sha256 and bytes, when the whole file was read.
    pub hash: Option<(String, u64)>,
}

enum Opened {
    Plain(BufReader<Hashing<File>>),
    Gzip(Box<MultiGzDecoder<BufReader<Hashing<File>>>>),
}

impl Opened {
    fn new(file: &SourceFile, format: Format) -> Result<Self, String> {
        let raw = File::open(&file.path).map_err(|e| e.to_string())?;
        let reader = BufReader::with_capacity(1 << 18, Hashing::new(raw));
        Ok(if format == Format::CsvGz { Self::Gzip(Box::new(MultiGzDecoder::new(reader))) } else { Self::Plain(reader) })
    }

    fn finish(self) -> Result<(String, u64), String> {
        let inner = match self {
            Self::Plain(r) => r.into_inner(),
            Self::Gzip(d) => d.into_inner().into_inner(),
        };
        inner.finish().map_err(|e| e.to_string())
    }
}

impl Read for Opened {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        match self {
            Self::Plain(r) => r.read(buffer),
            Self::Gzip(d) => d.read(buffer),
        }
    }
}

fn open(file: &SourceFile, format: Format) -> Result<csv::Reader<Opened>, String> {
    let delimiter = if format == Format::Tsv { b'\t' } else { b',' };
    let opened = Opened::new(file, format)?;
    Ok(csv::ReaderBuilder::new().has_headers(false).flexible(true).delimiter(delimiter).buffer_capacity(1 << 16).from_reader(opened))
}

fn header_of(reader: &mut csv::Reader<Opened>, record: &mut csv::ByteRecord) -> Result<Vec<String>, String> {
    if !reader.read_byte_record(record).map_err(|e| broken(&e))? {
        return Err("has no header".to_owned());
    }
    let mut names = Vec::with_capacity(record.len());
    for (k, name) in record.iter().enumerate() {
        let name = std::str::from_utf8(name).map_err(|_| "has a header that is not UTF-8 text; convert the file to UTF-8".to_owned())?;
        let name = if k == 0 { name.trim_start_matches('\u{feff}') } else { name };
        names.push(name.to_owned());
    }
    if let Some(twice) = names.iter().enumerate().find(|(k, n)| !n.is_empty() && names[..*k].contains(n)) {
        return Err(format!("has two columns called `{}`", twice.1));
    }
    Ok(names)
}

/// Column names of a file. Errors: what is wrong with it, to follow the file's name.
pub(super) fn header(file: &SourceFile, format: Format) -> Result<Vec<String>, String> {
    header_of(&mut open(file, format)?, &mut csv::ByteRecord::new())
}

/// Whether a row follows the header.
pub(super) fn has_rows(file: &SourceFile, format: Format) -> Result<bool, String> {
    let (mut reader, mut record) = (open(file, format)?, csv::ByteRecord::new());
    header_of(&mut reader, &mut record)?;
    reader.read_byte_record(&mut record).map_err(|e| broken(&e))
}

/// The rows of a file, one at a time, with the wanted columns only. Rows with another number of cells are passed over, and they and cells
/// that are not UTF-8 make [`Records::finish`] fail.
pub(super) struct Records {
    reader: csv::Reader<Opened>,
    record: csv::ByteRecord,
    width: usize,
    at: Vec<Option<usize>>,
    pub rows: usize,
    ragged: (usize, Vec<usize>),
    not_utf8: (usize, Vec<usize>),
}

impl Records {
    /// Errors: what is wrong with the file, to follow its name.
    pub fn open(file: &SourceFile, format: Format, wanted: &[String]) -> Result<Self, String> {
        let mut reader = open(file, format)?;
        let mut record = csv::ByteRecord::new();
        let names = header_of(&mut reader, &mut record)?;
        let at = wanted.iter().map(|w| names.iter().position(|n| n == w)).collect();
        Ok(Self { reader, record, width: names.len(), at, rows: 0, ragged: Default::default(), not_utf8: Default::default() })
    }

    /// Whether the file has each wanted column.
    pub fn has(&self) -> impl Iterator<Item = bool> + '_ {
        self.at.iter().map(Option::is_some)
    }

    /// Goes to the next row; false at the end.
    pub fn next(&mut self) -> Result<bool, String> {
        loop {
            if !self.reader.read_byte_record(&mut self.record).map_err(|e| broken(&e))? {
                return Ok(false);
            }
            self.rows += 1;
            if self.record.len() == self.width {
                return Ok(true);
            }
            note(&mut self.ragged.0, &mut self.ragged.1, self.rows);
        }
    }

    /// The cell of a wanted column; `None` for a null value.
    pub fn cell(&mut self, column: usize, null_values: &[String]) -> Option<&str> {
        let cell = std::str::from_utf8(self.record.get(self.at[column]?)?);
        if cell.is_err() {
            note(&mut self.not_utf8.0, &mut self.not_utf8.1, self.rows);
        }
        cell.ok().filter(|c| !is_null(c, null_values))
    }

    /// What was wrong with the rows so far.
    pub fn faults(&self) -> Result<(), String> {
        let (ragged, not_utf8) = (&self.ragged, &self.not_utf8);
        if ragged.0 > 0 {
            return Err(format!(
                "has {} columns in its header and another number of cells in {} rows ({})",
                self.width,
                ragged.0,
                row_list(&ragged.1, ragged.0)
            ));
        }
        if not_utf8.0 > 0 {
            return Err(format!(
                "holds {} cells that are not UTF-8 text ({}); convert the file to UTF-8",
                not_utf8.0,
                row_list(&not_utf8.1, not_utf8.0)
            ));
        }
        Ok(())
    }

    /// (sha256, bytes) of the whole file.
    pub fn finish(self) -> Result<(String, u64), String> {
        self.faults()?;
        self.reader.into_inner().finish()
    }
}

/// The wanted columns of a file. Errors: what is wrong with it, to follow the file's name.
pub(super) fn read(file: &SourceFile, format: Format, wanted: &[String], null_values: &[String], extent: &Extent) -> Result<TextFile, String> {
    let mut records = Records::open(file, format, wanted)?;
    let mut columns: Vec<Option<Cells>> = records.has().map(|has| has.then(Cells::default)).collect();
    let mut whole = true;
    while records.next()? {
        let past_sample = match extent {
            Extent::Whole => false,
            Extent::Sample { rows: limit, decide } => {
                let before = records.rows - 1;
                let undecided = || wanted.iter().zip(&columns).any(|(w, c)| decide(w) && c.as_ref().is_some_and(|c| !c.any_value()));
                if before > 0 && before % limit == 0 && !undecided() {
                    records.rows = before;
                    whole = false;
                    break;
                }
                before >= *limit
            }
        };
        for (k, cells) in columns.iter_mut().enumerate() {
            let Some(cells) = cells else { continue };
            if past_sample && cells.any_value() {
                continue;
            }
            cells.push(records.cell(k, null_values));
        }
    }
    records.faults()?;
    let rows = records.rows;
    let hash = if whole { Some(records.finish()?) } else { None };
    Ok(TextFile { columns, rows, hash })
}

/// Counts a row and keeps its number if it is among the first.
pub(super) fn note(count: &mut usize, rows: &mut Vec<usize>, row: usize) {
    *count += 1;
    if rows.len() < SHOWN_ROWS {
        rows.push(row);
    }
}

/// `row 7`, `rows 7, 9, 12 and 40 more`.
pub(super) fn row_list(rows: &[usize], count: usize) -> String {
    let list: Vec<String> = rows.iter().map(usize::to_string).collect();
    let more = if count > rows.len() { format!(" and {} more", count - rows.len()) } else { String::new() };
    format!("{} {}{more}", if count == 1 { "row" } else { "rows" }, list.join(", "))
}

fn broken(e: &csv::Error) -> String {
    format!("cannot be read: {e}")
}
