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

    fn find(&self, key: &K) -> u32 {
        self.0.get(key).copied().unwrap_or(NO_KEY)
    }
}

/// Bits that are equal for equal numbers; `None` for NaN, which equals nothing.
fn bits(v: f64) -> Option<u64> {
    (!v.is_nan()).then(|| if v == 0.0 { 0 } else { v.to_bits() })
}

/// The codes of the cells seen so far: equal cells have equal codes, whichever column they stand in.
struct Dictionary {
    mode: Mode,
    whole: Interner<i64>,
    numbers: Interner<u64>,
    words: HashMap<String, u32>,
}

/// How cells are compared.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// Whole numbers, booleans, dates and times by what they are stored as.
    Whole,
    Number,
    Text,
    /// A text with a number: numbers get even codes, words odd ones.
    Mixed,
    Nothing,
}

impl Dictionary {
    /// Of two columns that are compared.
    fn new(left: &DataType, right: &DataType) -> Result<Self, KeyError> {
        let wrong = || KeyError::Types(type_name(left).to_owned(), type_name(right).to_owned());
        let (l, r) = (form(left).ok_or_else(wrong)?, form(right).ok_or_else(wrong)?);
        let of = |f: Form| match f {
            Form::Integer | Form::Boolean | Form::Date | Form::Datetime => Mode::Whole,
            Form::Number => Mode::Number,
            Form::Text => Mode::Text,
            Form::Nothing => Mode::Nothing,
        };
        let mode = match (l, r) {
            (Form::Nothing, other) | (other, Form::Nothing) => of(other),
            (a, b) if a == b => of(a),
            (Form::Integer, Form::Number) | (Form::Number, Form::Integer) => Mode::Number,
            (Form::Text, Form::Integer | Form::Number) | (Form::Integer | Form::Number, Form::Text) => Mode::Mixed,
            _ => return Err(wrong()),
        };
        Ok(Self { mode, whole: Interner(HashMap::new()), numbers: Interner(HashMap::new()), words: HashMap::new() })
    }

    /// The codes of a column; cells that were not seen before get new ones if `learn`, else none.
    fn codes(&mut self, column: &Column, learn: bool) -> PolarsResult<Vec<u32>> {
        let number = |numbers: &mut Interner<u64>, v: Option<f64>| match v.and_then(bits) {
            Some(b) if learn => numbers.code(b),
            Some(b) => numbers.find(&b),
            None => NO_KEY,
        };
        let word = |words: &mut HashMap<String, u32>, c: &str| {
            if let Some(code) = words.get(c) {
                return *code;
            }
            let next = words.len() as u32;
            if learn { *words.entry(c.to_owned()).or_insert(next) } else { NO_KEY }
        };
        let scaled = |code: u32, odd: u32| if code == NO_KEY { NO_KEY } else { 2 * code + odd };
        if column.dtype() == &DataType::Null {
            return Ok(vec![NO_KEY; column.len()]);
        }
        Ok(match self.mode {
            Mode::Nothing => vec![NO_KEY; column.len()],
            Mode::Whole => {
                let column = column.to_physical_repr().cast(&DataType::Int64)?;
                let of = |v: Option<i64>| match v {
                    Some(v) if learn => self.whole.code(v),
                    Some(v) => self.whole.find(&v),
                    None => NO_KEY,
                };
                column.i64()?.iter().map(of).collect()
            }
            Mode::Number => column.cast(&DataType::Float64)?.f64()?.iter().map(|v| number(&mut self.numbers, v)).collect(),
            Mode::Text => {
                let column = column.cast(&DataType::String)?;
                column.str()?.iter().map(|c| c.map_or(NO_KEY, |c| word(&mut self.words, c.trim()))).collect()
            }
            Mode::Mixed => match column.try_str() {
                Some(texts) => texts
                    .iter()
                    .map(|cell| match cell.map(|c| (c, read_number(c))) {
                        Some((_, Some(v))) => scaled(number(&mut self.numbers, Some(v)), 0),
                        Some((c, None)) => scaled(word(&mut self.words, c.trim()), 1),
                        None => NO_KEY,
                    })
                    .collect(),
                None => column.cast(&DataType::Float64)?.f64()?.iter().map(|v| scaled(number(&mut self.numbers, v), 0)).collect(),
            },
        })
    }
}

/// Codes of keys of one or several columns. A key with a missing part is [`NO_KEY`].
pub(super) struct Matcher {
    parts: Vec<Dictionary>,
    /// Of the codes so far and that of the next part.
    pairs: Vec<Interner<(u32, u32)>>,
}

impl Matcher {
    /// `types`: of the left and the right column of each part. Errors: the part, and why.
    pub fn new<'a>(types: impl Iterator<Item = (&'a DataType, &'a DataType)>) -> Result<Self, (usize, KeyError)> {
        let parts: Vec<Dictionary> = types.enumerate().map(|(k, (l, r))| Dictionary::new(l, r).map_err(|e| (k, e))).collect::<Result<_, _>>()?;
        let pairs = parts.iter().skip(1).map(|_| Interner(HashMap::new())).collect();
        Ok(Self { parts, pairs })
    }

    /// Codes of the keys of a table; keys that were not seen before get new ones if `learn`, else none.
    pub fn codes(&mut self, columns: &[&Column], learn: bool) -> Result<Vec<u32>, (usize, KeyError)> {
        let mut out: Option<Vec<u32>> = None;
        for (k, (part, column)) in self.parts.iter_mut().zip(columns).enumerate() {
            let next = part.codes(column, learn).map_err(|e| (k, e.into()))?;
            out = Some(match out {
                None => next,
                Some(so_far) => {
                    let pairs = &mut self.pairs[k - 1];
                    let combine = |(a, b): (&u32, &u32)| match (*a != NO_KEY && *b != NO_KEY, learn) {
                        (false, _) => NO_KEY,
                        (true, true) => pairs.code((*a, *b)),
                        (true, false) => pairs.find(&(*a, *b)),
                    };
                    so_far.iter().zip(&next).map(combine).collect()
                }
            });
        }
        Ok(out.unwrap_or_default())
    }
}

/// Codes of keys made of several columns: (left rows, right rows).
pub(super) fn pairs(columns: &[(&Column, &Column)]) -> Result<(Vec<u32>, Vec<u32>), (usize, KeyError)> {
    let mut matcher = Matcher::new(columns.iter().map(|(l, r)| (l.dtype(), r.dtype())))?;
    let (left, right): (Vec<&Column>, Vec<&Column>) = columns.iter().copied().unzip();
    Ok((matcher.codes(&left, true)?, matcher.codes(&right, true)?))
}

/// Codes of the keys of one table.
pub(super) fn single(columns: &[&Column]) -> Result<Vec<u32>, (usize, KeyError)> {
    Matcher::new(columns.iter().map(|c| (c.dtype(), c.dtype())))?.codes(columns, true)
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
        let (a, b) = pairs(&[(left, right)]).ok()?;
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
