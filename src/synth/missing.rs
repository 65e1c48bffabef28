//! Values that the registry does not hold: each column's cells are missing with a probability that depends on what is always recorded.
//!
//! Who lacks a value is drawn from streams of its own, so that the same population can be had with and without holes.

use super::draw::{Domain, stream};
use super::geography::Geography;
use super::history::{OUTCOME_DAYS, Operation, Patient};
use super::model::{DAYS_PER_YEAR, expit};
use rand::RngExt;
use serde::Deserialize;

/// Models of missing cells, by column of `operations`; columns without one are complete.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MissingSpec {
    pub creatinine_mg_dl: Option<MissingModel>,
    pub lvef_pct: Option<MissingModel>,
    pub diabetes: Option<MissingModel>,
}

/// `P(missing) = expit(intercept + index R + low_quality 1(q < 0) + age (age - 66) / 10 + outcome Y)`: completely at random with the intercept
/// alone, at random otherwise, since everything in it is recorded.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MissingModel {
    pub intercept: f64,
    /// Index patients.
    pub index: f64,
    /// Hospitals with a quality index below 0.
    pub low_quality: f64,
    /// Ten years of age.
    pub age: f64,
    /// Death or major morbidity within 30 days.
    pub outcome: f64,
}

impl MissingSpec {
    /// The columns in order, which is that of the random numbers.
    fn columns(&self) -> [(&'static str, &Option<MissingModel>); 3] {
        [("creatinine_mg_dl", &self.creatinine_mg_dl), ("lvef_pct", &self.lvef_pct), ("diabetes", &self.diabetes)]
    }

    /// Every number of the section with its path, to be checked.
    pub fn entries(&self) -> Vec<(String, f64)> {
        let of = |(column, m): (&str, &Option<MissingModel>)| {
            let m = m.clone().unwrap_or_default();
            [("intercept", m.intercept), ("index", m.index), ("low_quality", m.low_quality), ("age", m.age), ("outcome", m.outcome)]
                .map(|(key, v)| (format!("missing.{column}.{key}"), v))
        };
        self.columns().into_iter().flat_map(of).collect()
    }

    pub fn has(&self, column: &str) -> bool {
        self.columns().iter().any(|(c, m)| *c == column && m.is_some())
    }
}

/// Which cells of the columns are missing, operation by operation.
pub(super) struct Holes {
    missing: Vec<[bool; 3]>,
}

impl Holes {
    /// `rows`: each operation with its patient. `index`: the race of index patients.
    pub fn draw(spec: &MissingSpec, index: &str, rows: &[(&Operation, &Patient)], g: &Geography, seed: u64) -> Self {
        let draw = |(row, (o, p)): (usize, &(&Operation, &Patient))| {
            let mut rng = stream(seed, Domain::Missing, row as u64);
            let died = p.death.is_some_and(|day| day <= o.day + OUTCOME_DAYS);
            let event = died || (0..o.complications.len()).any(|k| o.within_window(k));
            let number = |is: bool| f64::from(u8::from(is));
            let age = f64::from(o.day - p.birth) / DAYS_PER_YEAR;
            spec.columns().map(|(_, m)| {
                let u: f64 = rng.random();
                m.as_ref().is_some_and(|m| {
                    let low = m.low_quality * number(g.hospitals[p.hospital].quality < 0.0);
                    u < expit(m.intercept + m.index * number(p.race == index) + low + m.age * (age - 66.0) / 10.0 + m.outcome * number(event))
                })
            })
        };
        Self { missing: rows.iter().enumerate().map(draw).collect() }
    }

    /// The values of a column, NaN where it has a hole.
    pub fn in_column<'a>(&'a self, spec: &MissingSpec, column: &'a str, values: impl Iterator<Item = f64> + 'a) -> impl Iterator<Item = f64> + 'a {
        let at = spec.columns().iter().position(|(c, _)| *c == column);
        values.zip(&self.missing).map(move |(v, holes)| if at.is_some_and(|k| holes[k]) { f64::NAN } else { v })
    }
}
