//! Equal keys get equal codes: for unique units, for joins, and for `first: per`.
//!
//! Whole and decimal numbers are compared as numbers, texts without the spaces around them, a text with a number by the equality rule of
//! the study file (both read as the same number, otherwise equal texts). Other pairs of types are refused rather than matching nothing. Texts
//! that are a number in another spelling (0776, 776.0) are counted, and refused where two spellings of one number stand in the column.

use crate::error::{Place, Problem, Problems, codes};
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

/// Texts that were compared with numbers.
#[derive(Default)]
pub(super) struct Spelled {
    /// Cells that have a number in another than its plain spelling.
    odd: u64,
    /// Cells that have a number in another spelling than a cell before them: two ids may have become one.
    twice: u64,
    /// The first text of each code.
    first: HashMap<u32, Box<str>>,
}

impl Spelled {
    fn note(&mut self, code: u32, value: f64, text: &str) {
        self.odd += u64::from(!is_plain(text, value));
        match self.first.get(&code) {
            Some(first) => self.twice += u64::from(**first != *text),
            None => _ = self.first.insert(code, text.into()),
        }
    }

    /// G211 where two spellings of a number stand in the column. `text` is the column of texts, `number` that of numbers, with their tables.
    pub fn refuse(&self, text: &str, number: &str, place: Option<Place>) -> Option<Problem> {
        let clash =
            format!("{text} has the same number in several spellings, such as 0776 and 776, in {} rows, and {number} holds numbers", self.twice);
        (self.twice > 0).then(|| {
            Problem::error(codes::G211, format!("{clash}: it cannot be told whose rows they are")).at(place).help(
                "keys that keep their zeros are text on both sides; where all spellings mean one key, make them numbers: `types: { column: number }`",
            )
        })
    }

    /// G315 where texts are numbers in another spelling.
    pub fn warn(&self, text: &str, number: &str, place: Option<Place>, warnings: &mut Problems) {
        if self.odd > 0 {
            let what = format!("{} values of {text} are numbers with leading zeros or a decimal point, and match {number} as numbers", self.odd);
            warnings.push(Problem::warning(codes::G315, what).at(place).help(
                "say that they are the same keys: `types: { column: number }` for the texts; if zeros are part of the key, both sides must be text",
            ));
        }
    }
}

/// Whether a text is a number as anybody writes it.
fn is_plain(text: &str, value: f64) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text).as_bytes();
    let whole = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    if whole { digits.len() == 1 || digits[0] != b'0' } else { value.to_string() == text }
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
    spelled: Spelled,
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
        Ok(Self { mode, whole: Interner(HashMap::new()), numbers: Interner(HashMap::new()), words: HashMap::new(), spelled: Spelled::default() })
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
                        Some((c, Some(v))) => {
                            let code = number(&mut self.numbers, Some(v));
                            if code != NO_KEY {
                                self.spelled.note(code, v, c.trim());
                            }
                            scaled(code, 0)
                        }
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

    /// What was seen of texts compared with numbers, of each column.
    pub fn spelled(&self) -> impl Iterator<Item = &Spelled> {
        self.parts.iter().map(|p| &p.spelled)
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

/// The keys of two tables.
pub(super) struct Pairs {
    pub left: Vec<u32>,
    pub right: Vec<u32>,
    /// Of each column.
    pub spelled: Vec<Spelled>,
}

/// Codes of keys made of several columns.
pub(super) fn pairs(columns: &[(&Column, &Column)]) -> Result<Pairs, (usize, KeyError)> {
    let mut matcher = Matcher::new(columns.iter().map(|(l, r)| (l.dtype(), r.dtype())))?;
    let (left, right): (Vec<&Column>, Vec<&Column>) = columns.iter().copied().unzip();
    let (left, right) = (matcher.codes(&left, true)?, matcher.codes(&right, true)?);
    Ok(Pairs { left, right, spelled: matcher.parts.into_iter().map(|p| p.spelled).collect() })
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
        let Pairs { left: a, right: b, .. } = pairs(&[(left, right)]).ok()?;
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
    fn other_spellings_of_numbers_are_counted() {
        let ints = column(&[776i64, 5, 7][..]);
        for (texts, odd, twice) in [
            (&["776", " 5 ", "abc", "-3", "0", "0.5"][..], 0, 0),
            (&["0776", "5.0", "007", "7e0"], 4, 1),
            (&["0776", "776", "0776"], 2, 1),
            (&["5", "5"], 0, 0),
        ] {
            for columns in [(&ints, &column(texts)), (&column(texts), &ints)] {
                let spelled = pairs(&[columns]).map(|p| p.spelled.iter().map(|s| (s.odd, s.twice)).collect::<Vec<_>>()).unwrap_or_default();
                assert_eq!(spelled, [(odd, twice)], "{texts:?}");
            }
        }
        // Text with text: as they stand.
        assert!(pairs(&[(&column(&["01"][..]), &column(&["1"][..]))]).is_ok_and(|p| p.spelled[0].odd == 0 && p.left != p.right));
    }

    #[test]
    fn keys_of_two_columns() {
        let (a, b) = (column(&[1i64, 1, 2, 1][..]), column(&["x", "y", "x", "x "][..]));
        let codes = single(&[&a, &b]).unwrap_or_default();
        assert_eq!(codes, [0, 1, 2, 0]);
        assert_eq!(repeated(&codes), (1, vec![4]));
    }
}
