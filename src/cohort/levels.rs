//! The distinct cells of a column as texts, with a code a row, so that values of the study file are compared once a level and not once a row.

use crate::vocab::Scalar;
use polars::prelude::{Column, DataType, PolarsResult};
use std::collections::HashMap;

/// The code of a missing cell.
pub(super) const MISSING: u32 = u32::MAX;

/// Levels in order of first appearance. Texts are trimmed, numbers written without needless decimals, booleans are `false` and `true`.
#[derive(Clone, Debug, Default)]
pub(super) struct Levels {
    pub texts: Vec<String>,
    /// Positions in `texts`; [`MISSING`] for a null.
    pub code: Vec<u32>,
    /// Cells that equal another level but for the spaces around them.
    pub padded: usize,
    boolean: bool,
}

impl Levels {
    /// Columns of numbers, texts, booleans, dates and datetimes.
    pub fn of(column: &Column) -> PolarsResult<Self> {
        let mut out = Self { boolean: column.dtype() == &DataType::Boolean, ..Self::default() };
        match column.dtype() {
            DataType::String => {
                let mut raw: HashMap<&str, u32> = HashMap::new();
                let mut trimmed: HashMap<&str, u32> = HashMap::new();
                let mut uses: Vec<(u32, usize)> = Vec::new();
                let mut raw_of: Vec<u32> = Vec::new();
                for cell in column.str()?.iter() {
                    let Some(cell) = cell else {
                        out.code.push(MISSING);
                        continue;
                    };
                    let next = raw.len() as u32;
                    let r = *raw.entry(cell).or_insert(next);
                    if r == next {
                        let t = trimmed.len() as u32;
                        let level = *trimmed.entry(cell.trim()).or_insert(t);
                        if level == t {
                            out.texts.push(cell.trim().to_owned());
                        }
                        raw_of.push(level);
                        uses.push((level, 0));
                    }
                    uses[r as usize].1 += 1;
                    out.code.push(raw_of[r as usize]);
                }
                if raw.len() > trimmed.len() {
                    let mut spellings = vec![(0usize, 0usize, 0usize); trimmed.len()];
                    for (level, n) in uses {
                        let s = &mut spellings[level as usize];
                        *s = (s.0 + 1, s.1 + n, s.2.max(n));
                    }
                    // Counted are the cells that are not spelt as most of their level.
                    out.padded = spellings.iter().filter(|s| s.0 > 1).map(|s| s.1 - s.2).sum();
                }
            }
            DataType::Null => out.code = vec![MISSING; column.len()],
            d if d.is_primitive_numeric() => {
                let values = column.cast(&DataType::Float64)?;
                let mut seen: HashMap<u64, u32> = HashMap::new();
                for v in values.f64()?.iter() {
                    let Some(v) = v else {
                        out.code.push(MISSING);
                        continue;
                    };
                    let v = if v == 0.0 { 0.0 } else { v };
                    let next = seen.len() as u32;
                    let code = *seen.entry(v.to_bits()).or_insert(next);
                    if code == next {
                        out.texts.push(number_text(v));
                    }
                    out.code.push(code);
                }
            }
            _ => {
                let column = column.cast(&DataType::String)?;
                let boolean = out.boolean;
                out = Self { boolean, ..Self::of(&column)? };
            }
        }
        Ok(out)
    }

    /// Does the value of the study file equal this level? The case of a boolean does not count.
    pub fn equals(&self, value: &Scalar, level: usize) -> bool {
        if self.boolean { Scalar::new(value.text.to_lowercase()).matches(&self.texts[level]) } else { value.matches(&self.texts[level]) }
    }

    /// The levels that the value equals; more than one when texts such as `1` and `1.0` stand in one column.
    pub fn find(&self, value: &Scalar) -> Vec<usize> {
        (0..self.texts.len()).filter(|k| self.equals(value, *k)).collect()
    }

    /// Only the given rows, without the levels that none of them has.
    pub fn rows(&self, rows: &[u32]) -> Self {
        let mut new = vec![MISSING; self.texts.len()];
        let mut out = Self { boolean: self.boolean, ..Self::default() };
        for row in rows {
            let code = self.code[*row as usize];
            if code == MISSING {
                out.code.push(MISSING);
                continue;
            }
            let slot = &mut new[code as usize];
            if *slot == MISSING {
                *slot = out.texts.len() as u32;
                out.texts.push(self.texts[code as usize].clone());
            }
            out.code.push(*slot);
        }
        out
    }
}

/// `12` rather than `12.0`.
pub(super) fn number_text(v: f64) -> String {
    if v.fract() == 0.0 && v.abs() < 1e15 { format!("{}", v as i64) } else { format!("{v}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use polars::prelude::{IntoColumn, NamedFrom, Series};

    #[test]
    fn padded_cells_are_one_level_and_counted() {
        let column = Series::new("x".into(), &[Some("No"), Some("Yes"), Some(" No"), None, Some("No")][..]).into_column();
        let levels = Levels::of(&column).unwrap_or_default();
        assert_eq!(levels.texts, ["No", "Yes"]);
        assert_eq!(levels.code, [0, 1, 0, MISSING, 0]);
        assert_eq!(levels.padded, 1);
        assert_eq!(levels.rows(&[1, 3]).texts, ["Yes"]);
    }

    #[test]
    fn numbers_and_booleans_are_levels() {
        let numbers = Levels::of(&Series::new("x".into(), &[1.0, 2.5, -0.0, 0.0][..]).into_column()).unwrap_or_default();
        assert_eq!(numbers.texts, ["1", "2.5", "0"]);
        assert_eq!(numbers.find(&Scalar::new("1.0")), [0]);
        let flags = Levels::of(&Series::new("x".into(), &[true, false][..]).into_column()).unwrap_or_default();
        assert_eq!(flags.texts, ["true", "false"]);
        assert_eq!(flags.find(&Scalar::new("True")), [0]);
    }
}
