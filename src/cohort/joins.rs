//! Many-to-one joins: every row of the cohort keeps its place and gets the one matching row of the right table, or nulls.

use super::attrition::Marks;
use super::infer::BadCells;
use super::keys::{self, KeyError, NO_KEY, Pairs};
use super::plan::{JoinPlan, Named, Unmatched};
use super::problems::bug;
use super::read::rows_shown;
use super::source::ReadFile;
use crate::error::{Problem, Problems, codes};
use polars::prelude::{Column, DataFrame, IdxCa, IdxSize, NewChunkedArray};
use serde::Serialize;
use std::collections::HashSet;

/// One line of tables/joins.csv.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct JoinRow {
    pub table: String,
    /// Columns of the joined row, `=` the column of the table where it is called differently, with commas between.
    pub key: String,
    pub unmatched: Unmatched,
    /// Steps of attrition before it.
    pub after_step: usize,
    pub n_rows: u64,
    pub n_matched: u64,
    /// Rows of the table.
    pub n_table: u64,
    /// Whether two rows that were kept to the end have the same row of the table.
    pub shared: bool,
}

/// A join that was made: its line, and the row of the table that each row of the cohort got.
pub(super) struct Joined {
    row: JoinRow,
    of: Vec<Option<IdxSize>>,
}

impl Joined {
    /// The line, once it is known which rows of the cohort were kept.
    pub fn finish(self, kept: &[u32]) -> JoinRow {
        let mut seen = HashSet::new();
        let shared = kept.iter().filter_map(|row| *self.of.get(*row as usize)?).any(|of| !seen.insert(of));
        JoinRow { shared, ..self.row }
    }
}

/// Adds the columns (name in the joined row, column of `right`) to `rows`. Errors: G211 (keys that cannot be compared), G303, G304.
pub(super) fn join(
    rows: &mut DataFrame,
    marks: &mut Marks,
    join: &JoinPlan,
    columns: &[(String, String)],
    right: &DataFrame,
    files: &[ReadFile],
    warnings: &mut Problems,
) -> Result<Joined, Problems> {
    let table = &join.table.name;
    let place = join.table.place.clone();
    let internal = |e| vec![bug("a join", &e)];
    let mut by: Vec<(&Column, &Column)> = Vec::with_capacity(join.by.len());
    for (l, r) in &join.by {
        by.push((rows.column(&l.name).map_err(internal)?, right.column(&r.name).map_err(internal)?));
    }
    let Pairs { left: left_codes, right: right_codes, spelled } = keys::pairs(&by).map_err(|(k, e)| match e {
        KeyError::Polars(e) => internal(e),
        KeyError::Types(l, r) => {
            let (left, right) = &join.by[k];
            vec![
                Problem::error(codes::G211, format!("`{}` is {l} and `{}` of `{table}` is {r}: they cannot be compared", left.name, right.name))
                    .at(left.place.clone())
                    .help("give one of them the type of the other under `tables: { name: { types: ... } }`"),
            ]
        }
    })?;
    for (((l, _), (left, right)), spelled) in by.iter().zip(&join.by).zip(&spelled) {
        let (l_name, r_name) = (format!("`{}`", left.name), format!("`{}` of `{table}`", right.name));
        let (text, number) = if l.dtype().is_string() { (l_name, r_name) } else { (r_name, l_name) };
        if let Some(p) = spelled.refuse(&text, &number, left.place.clone()) {
            return Err(vec![p]);
        }
        spelled.warn(&text, &number, left.place.clone(), warnings);
    }
    let (count, first) = keys::repeated(&right_codes);
    if count > 0 {
        let key: Vec<&str> = join.by.iter().map(|(_, r)| r.name.as_str()).collect();
        let shown = rows_shown(files, &BadCells { count, rows: first });
        return Err(vec![
            Problem::error(codes::G303, format!("{count} rows of `{table}` repeat a `{}` that stands in a row before them", key.join(", ")))
                .at(place)
                .note(format!("{shown} (the header not counted)"))
                .help("a join is many-to-one: join on more columns, or reduce the table to one row a key first"),
        ]);
    }
    let n_codes = left_codes.iter().chain(&right_codes).filter(|c| **c != NO_KEY).max().map_or(0, |m| *m as usize + 1);
    let mut row_of = vec![IdxSize::MAX; n_codes];
    for (row, code) in right_codes.iter().enumerate().filter(|(_, c)| **c != NO_KEY) {
        row_of[*code as usize] = row as IdxSize;
    }
    let matched: Vec<Option<IdxSize>> =
        left_codes.iter().map(|c| if *c == NO_KEY { None } else { Some(row_of[*c as usize]).filter(|r| *r != IdxSize::MAX) }).collect();

    let n_unmatched = (0..matched.len()).filter(|row| marks.is_kept(*row) && matched[*row].is_none()).count();
    let n = marks.n_kept();
    let key = |(l, r): &(Named, Named)| if l.name == r.name { l.name.clone() } else { format!("{}={}", l.name, r.name) };
    let row = JoinRow {
        table: table.clone(),
        key: join.by.iter().map(key).collect::<Vec<_>>().join(", "),
        unmatched: join.unmatched,
        after_step: marks.n_steps(),
        n_rows: n as u64,
        n_matched: (n - n_unmatched) as u64,
        n_table: right.height() as u64,
        shared: false,
    };
    match join.unmatched {
        Unmatched::Error if n_unmatched > 0 => {
            return Err(vec![
                Problem::error(codes::G304, format!("{n_unmatched} of {n} rows have no row in `{table}`"))
                    .at(place)
                    .help("say what should happen to them: `unmatched: drop` (a row of attrition) or `unmatched: keep` (nulls)"),
            ]);
        }
        Unmatched::Error => {}
        Unmatched::Drop => {
            marks.step(format!("join {table}"), |row| matched[row].is_none());
        }
        Unmatched::Keep if n_unmatched > 0 => {
            warnings.push(
                Problem::warning(codes::G304, format!("{n_unmatched} of {n} rows have no row in `{table}` and hold nulls for its columns"))
                    .at(place.clone()),
            );
        }
        Unmatched::Keep => {}
    }
    if n > 0 && n_unmatched == n {
        warnings.push(
            Problem::warning(codes::G304, format!("no row has a row in `{table}`"))
                .at(place)
                .help("are the keys written the same way in both tables?"),
        );
    }
    let take = IdxCa::from_iter_options("".into(), matched.iter().copied());
    for (name, column) in columns {
        // A column that nothing uses was not read.
        let Ok(column) = right.column(column) else { continue };
        let column = column.take(&take).map_err(internal)?.with_name(name.as_str().into());
        rows.with_column(column).map_err(internal)?;
    }
    Ok(Joined { row, of: matched })
}
