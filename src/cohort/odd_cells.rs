//! Which cells keep a column of a text file from being one of numbers or of dates: read again, for an error that says so.

use super::infer;
use super::inputs::Input;
use super::plan::TablePlan;
use super::read::{Header, is_delimited};
use super::text::Records;

/// What a column is needed as.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Needed {
    Numbers,
    Dates,
}

/// Where the first such cell stands, and how many there are; the cell itself is not shown. `None` where there is none, where the type is declared, or where the table does
/// not come from text files.
pub(super) fn first(table: &TablePlan, header: &Header, column: &str, needed: Needed) -> Option<String> {
    let Input::Files(format) = table.input else { return None };
    if !is_delimited(format) || table.types.contains_key(column) {
        return None;
    }
    let (mut values, mut odd, mut first) = (0usize, 0usize, None);
    for file in &header.files {
        let mut records = Records::open(file, format, &[column.to_owned()]).ok()?;
        while records.next().ok()? {
            let row = records.rows;
            let Some(cell) = records.cell(0, &table.null_values) else { continue };
            values += 1;
            let fits = match needed {
                Needed::Numbers => infer::is_number(cell),
                Needed::Dates => infer::is_moment(cell),
            };
            if !fits {
                odd += 1;
                first.get_or_insert_with(|| (row, file.shown.clone()));
            }
        }
    }
    let (row, file) = first?;
    let what = match needed {
        Needed::Numbers => "numbers",
        Needed::Dates => "dates",
    };
    Some(format!("{odd} of its {values} values are no {what}; the first stands in row {row} of {file} (the header not counted)"))
}
