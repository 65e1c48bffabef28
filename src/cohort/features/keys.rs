//! Which units an event is of.

use crate::cohort::attrition::Marks;
use crate::cohort::keys::{KeyError, Matcher, NO_KEY, Spelled};
use crate::cohort::plan::Named;
use crate::cohort::problems::bug;
use crate::error::{Place, Problem, Problems, codes};
use polars::prelude::{DataFrame, DataType, Schema};

/// The units by the key that events name them by.
pub(super) struct Keys<'a> {
    pub by: &'a [(Named, Named)],
    matcher: Matcher,
    /// Units of key k: `rows[start[k]..start[k + 1]]`.
    start: Vec<u32>,
    rows: Vec<u32>,
    /// Whether each unit has a key.
    pub known: Vec<bool>,
    /// Whether each column of the units is the one of texts, where texts are compared with numbers.
    text: Vec<bool>,
    /// Events whose key is that of no unit, and events without a key.
    strangers: u64,
    keyless: u64,
}

impl<'a> Keys<'a> {
    pub fn new(frame: &DataFrame, marks: &Marks, by: &'a [(Named, Named)], events: &Schema) -> Result<Self, Problems> {
        let internal = |e| vec![bug("the keys of a feature", &e)];
        let mut left = Vec::with_capacity(by.len());
        for (l, _) in by {
            left.push(frame.column(&l.name).map_err(internal)?);
        }
        let types = left.iter().zip(by).map(|(c, (_, r))| (c.dtype(), events.get(r.name.as_str()).unwrap_or(&DataType::Null)));
        let failed = |(k, e): (usize, KeyError)| match e {
            KeyError::Polars(e) => internal(e),
            KeyError::Types(l, r) => {
                let (left, right) = &by[k];
                vec![
                    Problem::error(codes::G211, format!("`{}` is {l} and `{}` of the events is {r}: they cannot be compared", left.name, right.name))
                        .at(left.place.clone())
                        .help("give one of them the type of the other under `tables: { name: { types: ... } }`"),
                ]
            }
        };
        let mut matcher = Matcher::new(types).map_err(failed)?;
        let keys = matcher.codes(&left, true).map_err(failed)?;
        let text: Vec<bool> = left.iter().map(|c| c.dtype().is_string()).collect();
        let n = keys.iter().filter(|c| **c != NO_KEY).max().map_or(0, |m| *m as usize + 1);
        let kept = || keys.iter().enumerate().filter(|(unit, key)| **key != NO_KEY && marks.is_kept(*unit));
        let mut start = vec![0u32; n + 1];
        kept().for_each(|(_, key)| start[*key as usize + 1] += 1);
        (0..n).for_each(|k| start[k + 1] += start[k]);
        let mut next = start.clone();
        let mut rows = vec![0u32; start.last().map_or(0, |n| *n as usize)];
        for (unit, key) in kept() {
            let at = &mut next[*key as usize];
            rows[*at as usize] = unit as u32;
            *at += 1;
        }
        Ok(Self { by, matcher, start, rows, known: keys.iter().map(|k| *k != NO_KEY).collect(), text, strangers: 0, keyless: 0 })
    }

    pub fn units(&self, key: u32) -> &[u32] {
        let at = |k: usize| self.start.get(k).map_or(self.rows.len(), |s| *s as usize);
        &self.rows[at(key as usize)..at(key as usize + 1)]
    }

    /// Rows of a piece that are of a unit: (row, key).
    pub fn of_units(&mut self, frame: &DataFrame) -> Result<Vec<(u32, u32)>, Problems> {
        let internal = |e| vec![bug("the keys of events", &e)];
        let mut right = Vec::with_capacity(self.by.len());
        let mut keyless = vec![false; frame.height()];
        for (_, r) in self.by {
            let column = frame.column(&r.name).map_err(internal)?;
            if column.null_count() > 0 {
                column.is_null().iter().zip(&mut keyless).for_each(|(null, k)| *k |= null == Some(true));
            }
            right.push(column);
        }
        let keys = self.matcher.codes(&right, false).map_err(|(_, e)| match e {
            KeyError::Polars(e) => internal(e),
            KeyError::Types(..) => vec![Problem::error(codes::G901, "the keys of events changed their type")],
        })?;
        let refused: Problems = self.spelled().filter_map(|(spelled, text, number, place)| spelled.refuse(&text, &number, place)).collect();
        if !refused.is_empty() {
            return Err(refused);
        }
        let mut out = Vec::new();
        for (row, key) in keys.into_iter().enumerate() {
            if key != NO_KEY && !self.units(key).is_empty() {
                out.push((row as u32, key));
            } else if keyless[row] {
                self.keyless += 1;
            } else {
                self.strangers += 1;
            }
        }
        Ok(out)
    }

    /// For each column: texts compared with numbers, what messages call the texts and the numbers, and where.
    fn spelled(&self) -> impl Iterator<Item = (&Spelled, String, String, Option<Place>)> {
        self.matcher.spelled().zip(self.by).zip(&self.text).map(|((spelled, (l, r)), left_is_text)| {
            let (left, right) = (format!("`{}` of the units", l.name), format!("`{}` of the events", r.name));
            let (text, number) = if *left_is_text { (left, right) } else { (right, left) };
            (spelled, text, number, r.place.clone())
        })
    }

    /// G304 for events of nobody among the rows of a table, G322 for events without a key, G315 for keys in another spelling.
    pub fn warn(&self, table: &str, rows: u64, warnings: &mut Problems) {
        self.spelled().for_each(|(spelled, text, number, place)| spelled.warn(&text, &number, place, warnings));
        let by: Vec<&str> = self.by.iter().map(|(_, r)| r.name.as_str()).collect();
        let place = self.by.first().and_then(|(_, r)| r.place.clone());
        if self.keyless > 0 {
            let text = format!("{} of {rows} rows of `{table}` have no `{}` and count for no feature", self.keyless, by.join(", "));
            warnings.push(Problem::warning(codes::G322, text).at(place.clone()));
        }
        if self.strangers == 0 {
            return;
        }
        let all = self.strangers + self.keyless == rows;
        let text = match all {
            true => format!("no row of `{table}` has the `{}` of a unit", by.join(", ")),
            false => format!("{} of {rows} rows of `{table}` have a `{}` that no unit has", self.strangers, by.join(", ")),
        };
        let problem = Problem::warning(codes::G304, text).at(place);
        warnings.push(if all { problem.help("are the keys written the same way in both tables?") } else { problem });
    }
}
