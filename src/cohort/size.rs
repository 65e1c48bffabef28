//! How large the tables are, without reading them: rows from the metadata of parquet and arrow files, and for text a figure from the length
//! of its first lines.

use super::inputs::Input;
use super::layout;
use super::plan::{CohortPlan, Format, TablePlan};
use super::problems::polars_says;
use super::source::SourceFile;
use super::sources;
use super::typed;
use crate::error::{Problem, Problems, codes};
use polars::prelude::len;
use std::fs::File;
use std::io::Read;

/// Bytes of a text file that are looked at to tell how long its lines are.
const LOOKED_AT: u64 = 1 << 16;

/// A table as far as it can be known without reading its rows.
#[derive(Clone, Debug, PartialEq)]
pub struct TableSize {
    pub table: String,
    pub files: usize,
    pub bytes: u64,
    pub columns: usize,
    pub rows: RowCount,
}

/// Data rows of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowCount {
    /// As the files state it.
    Stated(u64),
    /// From the length of the first lines.
    About(u64),
    /// Compressed text does not tell.
    Unknown,
}

impl RowCount {
    pub fn number(self) -> Option<u64> {
        match self {
            Self::Stated(n) | Self::About(n) => Some(n),
            Self::Unknown => None,
        }
    }

    fn plus(self, other: Self) -> Self {
        match (self, other) {
            (Self::Stated(a), Self::Stated(b)) => Self::Stated(a + b),
            (Self::Unknown, _) | (_, Self::Unknown) => Self::Unknown,
            (Self::Stated(a) | Self::About(a), Self::Stated(b) | Self::About(b)) => Self::About(a + b),
        }
    }
}

/// The size of every table of the plan. Errors: `G202` for a file that cannot be read, and those of the plan's names.
pub fn sizes(plan: &CohortPlan) -> Result<Vec<TableSize>, Problems> {
    let layout = layout::resolve(plan)?;
    let mut out = Vec::new();
    for (name, header) in &layout.headers {
        let Some(table) = plan.tables.get(name) else { continue };
        let (mut bytes, mut rows) = (0, RowCount::Stated(0));
        for file in &header.files {
            let format = match &table.input {
                Input::Files(format) => Some(*format),
                Input::Model(_) => sources::format_of(&file.path),
                Input::Query(_) => None,
            };
            let (file_bytes, file_rows) = of_file(table, file, format).map_err(|e| vec![*e])?;
            bytes += file_bytes;
            rows = rows.plus(file_rows);
        }
        // What a model's table takes from several files, and what a query answers, has rows of its own number.
        rows = match (&table.input, rows) {
            (Input::Files(_), rows) => rows,
            (Input::Model(_), RowCount::Stated(n) | RowCount::About(n)) if header.files.len() == 1 => RowCount::About(n),
            (Input::Model(_) | Input::Query(_), _) => RowCount::Unknown,
        };
        out.push(TableSize { table: name.clone(), files: header.files.len(), bytes, columns: header.names.len(), rows });
    }
    Ok(out)
}

fn of_file(table: &TablePlan, file: &SourceFile, format: Option<Format>) -> Result<(u64, RowCount), Box<Problem>> {
    let unreadable = |e: String| {
        let message = format!("`{}` of table `{}` cannot be read: {e}", file.shown, table.name);
        Box::new(Problem::error(codes::G202, message).at(table.path_place.clone()))
    };
    let bytes = std::fs::metadata(&file.path).map_err(|e| unreadable(e.to_string()))?.len();
    let rows = match format {
        Some(format @ (Format::Parquet | Format::Ipc)) => {
            let counted = typed::scan(file, format).and_then(|frame| frame.select([len()]).collect());
            let frame = counted.map_err(|e| unreadable(polars_says(&e)))?;
            let n = frame.columns().first().and_then(|c| c.get(0).ok()).and_then(|v| v.try_extract::<u64>().ok());
            n.map_or(RowCount::Unknown, RowCount::Stated)
        }
        Some(Format::CsvGz) | None => RowCount::Unknown,
        Some(format @ (Format::Csv | Format::Tsv | Format::Ndjson)) => {
            let mut start = Vec::new();
            File::open(&file.path).and_then(|f| f.take(LOOKED_AT).read_to_end(&mut start)).map_err(|e| unreadable(e.to_string()))?;
            rows_of_text(&start, bytes, format != Format::Ndjson)
        }
    };
    Ok((bytes, rows))
}

/// Rows of a text file of `bytes` bytes that begins with `start`.
fn rows_of_text(start: &[u8], bytes: u64, header: bool) -> RowCount {
    let ends: Vec<usize> = start.iter().enumerate().filter(|(_, b)| **b == b'\n').map(|(at, _)| at + 1).collect();
    let whole = start.len() as u64 == bytes;
    let first = if header { ends.first().copied().unwrap_or(start.len()) } else { 0 };
    let lines = ends.iter().filter(|end| **end > first).count() as u64;
    if whole {
        let unfinished = start.len() > first && start.last() != Some(&b'\n');
        return RowCount::About(lines + u64::from(unfinished));
    }
    match ends.last().map(|last| (last - first) as u64) {
        Some(seen) if lines > 0 && seen > 0 => RowCount::About((bytes - first as u64) * lines / seen),
        _ => RowCount::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_text_are_those_of_its_lines() {
        for (text, header, n) in [("a,b\n1,2\n3,4\n", true, 2), ("a,b\n1,2\n3,4", true, 2), ("a,b\n", true, 0), ("{}\n{}\n", false, 2)] {
            assert_eq!(rows_of_text(text.as_bytes(), text.len() as u64, header), RowCount::About(n), "{text:?}");
        }
        // A file of 4 + 1,000 x 4 bytes of which 44 are seen.
        let start = format!("a,b\n{}", "1,2\n".repeat(10));
        assert_eq!(rows_of_text(start.as_bytes(), 4004, true), RowCount::About(1000));
        assert_eq!(rows_of_text(b"a,b", 4004, true), RowCount::Unknown);
    }
}
