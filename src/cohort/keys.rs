//! Equal keys get equal codes: for unique units, for joins, and for `first: per`.
//!
//! Whole and decimal numbers are compared as numbers, texts without the spaces around them, a text with a number by the equality rule of
//! the study file (both read as the same number, otherwise equal texts). Other pairs of types are refused rather than matching nothing.

use crate::vocab::read_number;
use polars::prelude::{Column, DataType, PolarsError, PolarsResult};
use std::collections::HashMap;
use std::hash::Hash;

/// The code of a missing key.
pub(super) const NO_KEY: u32 = u32::MAX;

/// Why two columns cannot be compared.
pub(super) enum KeyError {
    Types(String, String),
    Polars(PolarsError),
}

impl From<PolarsError> for KeyError {
    fn from(e: PolarsError) -> Self {
        Self::Polars(e)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Integer,
    Number,
    Text,
    Boolean,
    Date,
    Datetime,
    Nothing,
}

fn form(dtype: &DataType) -> Option<Form> {
    match dtype {
        DataType::Null => Some(Form::Nothing),
        DataType::String => Some(Form::Text),
        DataType::Boolean => Some(Form::Boolean),
        DataType::Date => Some(Form::Date),
        DataType::Datetime(..) => Some(Form::Datetime),
        d if d.is_integer() => Some(Form::Integer),
        d if d.is_float() => Some(Form::Number),
        _ => None,
    }
}

/// The type of a column as messages call it.
pub(super) fn type_name(dtype: &DataType) -> &'static str {
    match form(dtype) {
        Some(Form::Integer) => "integer",
        Some(Form::Number) => "number",
        Some(Form::Text) => "text",
        Some(Form::Boolean) => "boolean",
        Some(Form::Date) => "date",
        Some(Form::Datetime) => "datetime",
        Some(Form::Nothing) => "empty",
        None if dtype.is_duration() => "duration",
        None => "of another type",
    }
}

struct Interner<K>(HashMap<K, u32>);

impl<K: Hash + Eq> Interner<K> {
    fn code(&mut self, key: K) -> u32 {
        let next = self.0.len() as u32;
        *self.0.entry(key).or_insert(next)
    }

    fn codes(&mut self, keys: impl Iterator<Item = Option<K>>) -> Vec<u32> {
        keys.map(|k| k.map_or(NO_KEY, |k| self.code(k))).collect()
    }
}

/// Bits that are equal for equal numbers; `None` for NaN, which equals nothing.
fn bits(v: f64) -> Option<u64> {
    (!v.is_nan()).then(|| if v == 0.0 { 0 } else { v.to_bits() })
}

/// Codes of the cells of two columns (the second may be absent): equal cells get equal codes, whichever column they stand in.
fn pair(left: &Column, right: Option<&Column>) -> Result<(Vec<u32>, Vec<u32>), KeyError> {
    let wrong = || KeyError::Types(type_name(left.dtype()).to_owned(), right.map_or("", |r| type_name(r.dtype())).to_owned());
    let l = form(left.dtype()).ok_or_else(wrong)?;
    let r = match right {
        Some(r) => form(r.dtype()).ok_or_else(wrong)?,
        None => l,
    };
    let empty = |c: Option<&Column>| vec![NO_KEY; c.map_or(0, Column::len)];
    let mode = match (l, r) {
        (Form::Nothing, Form::Nothing) => return Ok((empty(Some(left)), empty(right))),
        (Form::Nothing, other) | (other, Form::Nothing) => other,
        (a, b) if a == b => a,
        (Form::Integer, Form::Number) | (Form::Number, Form::Integer) => Form::Number,
        (Form::Text, Form::Integer | Form::Number) | (Form::Integer | Form::Number, Form::Text) => return mixed(left, right),
        _ => return Err(wrong()),
    };
    let both = |dtype: &DataType| -> PolarsResult<(Column, Option<Column>)> { Ok((left.cast(dtype)?, right.map(|r| r.cast(dtype)).transpose()?)) };
    match mode {
        Form::Text => {
            let (left, right) = both(&DataType::String)?;
            let mut interner = Interner(HashMap::new());
            let a = interner.codes(left.str()?.iter().map(|c| c.map(str::trim)));
            let b = match &right {
                Some(r) => interner.codes(r.str()?.iter().map(|c| c.map(str::trim))),
                None => Vec::new(),
            };
            Ok((a, b))
        }
        Form::Number => {
            let (left, right) = both(&DataType::Float64)?;
            let mut interner = Interner(HashMap::new());
            let a = interner.codes(left.f64()?.iter().map(|v| v.and_then(bits)));
            let b = match &right {
                Some(r) => interner.codes(r.f64()?.iter().map(|v| v.and_then(bits))),
                None => Vec::new(),
            };
            Ok((a, b))
        }
        Form::Integer | Form::Boolean | Form::Date | Form::Datetime | Form::Nothing => {
            let (left, right) =
                (left.to_physical_repr().cast(&DataType::Int64)?, right.map(|r| r.to_physical_repr().cast(&DataType::Int64)).transpose()?);
            let mut interner = Interner(HashMap::new());
            let a = interner.codes(left.i64()?.iter());
            let b = match &right {
                Some(r) => interner.codes(r.i64()?.iter()),
                None => Vec::new(),
            };
            Ok((a, b))
        }
    }
}

fn mixed(left: &Column, right: Option<&Column>) -> Result<(Vec<u32>, Vec<u32>), KeyError> {
    let left = if left.dtype() == &DataType::String { left.clone() } else { left.cast(&DataType::Float64)? };
    let right = match right {
        Some(r) if r.dtype() == &DataType::String => Some(r.clone()),
        Some(r) => Some(r.cast(&DataType::Float64)?),
        None => None,
    };
    let mut numbers = Interner(HashMap::new());
    let mut words = Interner(HashMap::new());
    // Numbers get even codes, words odd ones.
    let mut codes_of = |column: &Column| -> PolarsResult<Vec<u32>> {
        Ok(match column.try_str() {
            Some(texts) => texts
                .iter()
                .map(|cell| match cell.map(|c| (c, read_number(c))) {
                    Some((_, Some(v))) => bits(v).map_or(NO_KEY, |b| 2 * numbers.code(b)),
                    Some((c, None)) => 2 * words.code(c.trim().to_owned()) + 1,
                    None => NO_KEY,
                })
                .collect(),
            None => column.f64()?.iter().map(|v| v.and_then(bits).map_or(NO_KEY, |b| 2 * numbers.code(b))).collect(),
        })
    };
    let a = codes_of(&left)?;
    let b = right.as_ref().map(&mut codes_of).transpose()?.unwrap_or_default();
    Ok((a, b))
}

/// Codes of keys made of several columns: (left rows, right rows). A key with a missing part is [`NO_KEY`].
pub(super) fn pairs(columns: &[(&Column, Option<&Column>)]) -> Result<(Vec<u32>, Vec<u32>), (usize, KeyError)> {
    let mut out: Option<(Vec<u32>, Vec<u32>)> = None;
    for (k, (left, right)) in columns.iter().enumerate() {
        let next = pair(left, *right).map_err(|e| (k, e))?;
        out = Some(match out {
            None => next,
            Some(so_far) => {
                let mut interner = Interner(HashMap::new());
                let mut combine = |a: &[u32], b: &[u32]| -> Vec<u32> {
                    interner.codes(a.iter().zip(b).map(|(a, b)| (*a != NO_KEY && *b != NO_KEY).then_some((*a, *b))))
                };
                (combine(&so_far.0, &next.0), combine(&so_far.1, &next.1))
            }
        });
    }
    Ok(out.unwrap_or_default())
}

/// Codes of the keys of one table.
pub(super) fn single(columns: &[&Column]) -> Result<Vec<u32>, (usize, KeyError)> {
    let columns: Vec<(&Column, Option<&Column>)> = columns.iter().map(|c| (*c, None)).collect();
    pairs(&columns).map(|p| p.0)
}

/// Rows (from 1) whose key stood in a row before, counted, the first of them listed.
pub(super) fn repeated(codes: &[u32]) -> (usize, Vec<usize>) {
    let mut seen = vec![false; codes.iter().filter(|c| **c != NO_KEY).max().map_or(0, |m| *m as usize + 1)];
    let (mut count, mut rows) = (0, Vec::new());
    for (row, code) in codes.iter().enumerate().filter(|(_, c)| **c != NO_KEY) {
        if std::mem::replace(&mut seen[*code as usize], true) {
            super::text::note(&mut count, &mut rows, row + 1);
        }
    }
    (count, rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use polars::prelude::NamedFrom;
    use polars::prelude::{IntoColumn, Series};

    fn column<T, P: ?Sized>(v: T) -> Column
    where
        Series: NamedFrom<T, P>,
    {
        Series::new("k".into(), v).into_column()
    }

    fn equal(left: &Column, right: &Column) -> Option<Vec<Vec<bool>>> {
        let (a, b) = pair(left, Some(right)).ok()?;
        Some(a.iter().map(|x| b.iter().map(|y| x == y && *x != NO_KEY).collect()).collect())
    }

    #[test]
    fn keys_follow_the_equality_rule() {
        let ints = column(&[776i64, 5][..]);
        let texts = column(&["0776", " 5 ", "abc"][..]);
        assert_eq!(equal(&ints, &texts), Some(vec![vec![true, false, false], vec![false, true, false]]));
        assert_eq!(equal(&ints, &column(&[776.0, 5.5][..])), Some(vec![vec![true, false], vec![false, false]]));
        assert_eq!(equal(&texts, &column(&["776", "5"][..])), Some(vec![vec![false, false], vec![false, true], vec![false, false]]));
        assert!(equal(&ints, &column(&[true][..])).is_none());
        assert_eq!(equal(&column(&[None, Some(1i64)][..]), &column(&[None, Some(1i64)][..])), Some(vec![vec![false, false], vec![false, true]]));
    }

    #[test]
    fn keys_of_two_columns() {
        let (a, b) = (column(&[1i64, 1, 2, 1][..]), column(&["x", "y", "x", "x "][..]));
        let codes = single(&[&a, &b]).unwrap_or_default();
        assert_eq!(codes, [0, 1, 2, 0]);
        assert_eq!(repeated(&codes), (1, vec![4]));
    }
}
