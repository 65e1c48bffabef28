//! The values of the events of a unit become one value. Nothing but what the answer needs is kept: a value and a time a unit.

use crate::cohort::plan::Take;
use polars::prelude::{Column, DataType, NamedFrom, PolarsResult, Series};

/// The value of one event.
#[derive(Clone, Copy, Debug)]
pub(super) enum Value<'a> {
    Nothing,
    Number(f64),
    /// Whole numbers, dates, times and booleans by what they are stored as.
    Whole(i64),
    Text(&'a str),
}

enum Store {
    Nothing,
    Number(Vec<f64>),
    Whole(Vec<i64>),
    Text(Vec<Option<Box<str>>>),
}

impl Store {
    fn set(&mut self, unit: usize, value: Value<'_>) {
        match (self, value) {
            (Self::Number(v), Value::Number(x)) => v[unit] = x,
            (Self::Whole(v), Value::Whole(x)) => v[unit] = x,
            (Self::Text(v), Value::Text(x)) => v[unit] = Some(x.into()),
            // The type of a column does not change while it is read.
            _ => {}
        }
    }

    fn holds(&self, unit: usize, value: Value<'_>) -> bool {
        match (self, value) {
            (Self::Number(v), Value::Number(x)) => v[unit] == x,
            (Self::Whole(v), Value::Whole(x)) => v[unit] == x,
            (Self::Text(v), Value::Text(x)) => v[unit].as_deref() == Some(x),
            _ => true,
        }
    }

    /// Whether the value is below what is held.
    fn above(&self, unit: usize, value: Value<'_>) -> bool {
        match (self, value) {
            (Self::Number(v), Value::Number(x)) => x < v[unit],
            (Self::Whole(v), Value::Whole(x)) => x < v[unit],
            _ => false,
        }
    }
}

/// Units with more than one event at the time that decides.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tie {
    None,
    Equal,
    Differing,
}

/// One value a unit, as it grows.
pub(super) struct Reduction {
    take: Take,
    dtype: DataType,
    /// Events of each unit.
    n: Vec<u32>,
    time: Vec<i64>,
    tie: Vec<Tie>,
    store: Store,
    /// Mean: sums with what rounding took from them (Neumaier).
    lost: Vec<f64>,
    /// Scores: conditions as bits.
    conditions: Vec<u64>,
}

impl Reduction {
    /// `dtype` is that of the values, after conversion of units.
    pub fn new(take: &Take, dtype: &DataType, units: usize) -> Self {
        let timed = matches!(take, Take::First | Take::Last);
        let valued = matches!(take, Take::First | Take::Last | Take::Min | Take::Max | Take::Mean);
        let of = |yes: bool| if yes { units } else { 0 };
        let store = match dtype {
            _ if !valued => Store::Nothing,
            _ if *take == Take::Mean => Store::Number(vec![0.0; units]),
            DataType::Float64 => Store::Number(vec![0.0; units]),
            DataType::String => Store::Text(vec![None; units]),
            DataType::Null => Store::Nothing,
            _ => Store::Whole(vec![0; units]),
        };
        Self {
            take: take.clone(),
            dtype: dtype.clone(),
            n: vec![0; units],
            time: vec![0; of(timed)],
            tie: vec![Tie::None; of(timed)],
            store,
            lost: vec![0.0; of(*take == Take::Mean)],
            conditions: vec![0; of(matches!(take, Take::Score(_)))],
        }
    }

    /// An event of a unit. `time` counts for first and last, `conditions` for scores.
    pub fn add(&mut self, unit: usize, time: i64, value: Value<'_>, conditions: u64) {
        let first = self.n[unit] == 0;
        self.n[unit] = self.n[unit].saturating_add(1);
        match self.take {
            Take::Count | Take::Any => {}
            Take::Score(_) => self.conditions[unit] |= conditions,
            Take::First | Take::Last => {
                let earlier = time < self.time[unit];
                if first || (time != self.time[unit] && earlier == (self.take == Take::First)) {
                    self.store.set(unit, value);
                    self.time[unit] = time;
                    self.tie[unit] = Tie::None;
                } else if time == self.time[unit] {
                    let same = self.store.holds(unit, value) && self.tie[unit] != Tie::Differing;
                    self.tie[unit] = if same { Tie::Equal } else { Tie::Differing };
                    // Ties go by the order of the file: `first` keeps its first row, `last` takes its last.
                    if self.take == Take::Last {
                        self.store.set(unit, value);
                    }
                }
            }
            Take::Min | Take::Max => {
                let better = match self.take {
                    Take::Min => self.store.above(unit, value),
                    _ => !self.store.above(unit, value) && !self.store.holds(unit, value),
                };
                if first || better {
                    self.store.set(unit, value);
                }
            }
            Take::Mean => {
                let x = match value {
                    Value::Number(x) => x,
                    Value::Whole(x) => x as f64,
                    Value::Nothing | Value::Text(_) => return,
                };
                if let Store::Number(sums) = &mut self.store {
                    let sum = sums[unit] + x;
                    self.lost[unit] += if sums[unit].abs() >= x.abs() { (sums[unit] - sum) + x } else { (x - sum) + sums[unit] };
                    sums[unit] = sum;
                }
            }
        }
    }

    /// Whether any event of the unit counts.
    pub fn has(&self, unit: usize) -> bool {
        self.n[unit] > 0
    }

    /// (units with several events at the time that decides, those of them whose values differ), among some units.
    pub fn ties(&self, of: impl Fn(usize) -> bool) -> (u64, u64) {
        let tied = |t: &dyn Fn(Tie) -> bool| self.tie.iter().enumerate().filter(|(u, tie)| t(**tie) && of(*u)).count() as u64;
        (tied(&|t| t != Tie::None), tied(&|t| t == Tie::Differing))
    }

    /// The numbers of the units that have one.
    pub fn numbers(&self) -> Vec<(usize, f64)> {
        let has = |u: &usize| self.n[*u] > 0;
        match &self.store {
            Store::Number(v) => (0..v.len()).filter(has).map(|u| (u, self.number(u, v))).collect(),
            Store::Whole(v) if self.dtype == DataType::Int64 => (0..v.len()).filter(has).map(|u| (u, v[u] as f64)).collect(),
            Store::Whole(_) | Store::Text(_) | Store::Nothing => Vec::new(),
        }
    }

    fn number(&self, unit: usize, values: &[f64]) -> f64 {
        if self.take == Take::Mean { (values[unit] + self.lost[unit]) / f64::from(self.n[unit]) } else { values[unit] }
    }

    /// The column. Units that are not `known` have no value; of the others those without an event have 0 or false where events are counted.
    pub fn finish(&self, name: &str, known: &[bool], score: impl Fn(u64) -> i64) -> PolarsResult<Column> {
        let units = 0..self.n.len();
        let name = name.into();
        let has = |u: &usize| self.n[*u] > 0 && known[*u];
        let series = match (&self.take, &self.store) {
            (Take::Count, _) => Series::new(name, units.map(|u| known[u].then_some(i64::from(self.n[u]))).collect::<Vec<_>>()),
            (Take::Any, _) => Series::new(name, units.map(|u| known[u].then_some(self.n[u] > 0)).collect::<Vec<_>>()),
            (Take::Score(_), _) => Series::new(name, units.map(|u| known[u].then(|| score(self.conditions[u]))).collect::<Vec<_>>()),
            (_, Store::Number(v)) => Series::new(name, units.map(|u| has(&u).then(|| self.number(u, v))).collect::<Vec<_>>()),
            (_, Store::Whole(v)) => {
                Series::new(name, units.map(|u| has(&u).then(|| v[u])).collect::<Vec<_>>()).cast(&physical(&self.dtype))?.cast(&self.dtype)?
            }
            (_, Store::Text(v)) => Series::new(name, units.map(|u| if has(&u) { v[u].as_deref() } else { None }).collect::<Vec<_>>()),
            (_, Store::Nothing) => Series::full_null(name, self.n.len(), &self.dtype),
        };
        Ok(series.into())
    }
}

/// What a type is stored as.
fn physical(dtype: &DataType) -> DataType {
    if *dtype == DataType::Date { DataType::Int32 } else { DataType::Int64 }
}

/// The type of a feature from that of its values. `None` if such values cannot be taken so.
pub(in crate::cohort) fn dtype_of(take: &Take, value: Option<&DataType>, converted: bool) -> Option<DataType> {
    match (take, value) {
        (Take::Count | Take::Score(_), _) => Some(DataType::Int64),
        (Take::Any, _) => Some(DataType::Boolean),
        (_, None) => None,
        (Take::Mean, Some(d)) => (d.is_numeric() || d == &DataType::Null).then_some(DataType::Float64),
        (Take::First | Take::Last | Take::Min | Take::Max, Some(d)) if converted => {
            (d.is_numeric() || d == &DataType::Null).then_some(DataType::Float64)
        }
        (Take::First | Take::Last, Some(d)) => {
            let takes =
                d.is_numeric() || matches!(d, DataType::String | DataType::Boolean | DataType::Date | DataType::Datetime(..) | DataType::Null);
            takes.then(|| d.clone())
        }
        (Take::Min | Take::Max, Some(d)) => {
            let takes = d.is_numeric() || matches!(d, DataType::Date | DataType::Datetime(..) | DataType::Null);
            takes.then(|| d.clone())
        }
    }
}
