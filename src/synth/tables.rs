//! The relational tables: what is recorded of patients, areas, hospitals, stays and events, and the registry's row of
//! every operation.

use super::draw::{Domain, draw_from, draw_unit, stream};
use super::geography::{Geography, area_record, hospital_record};
use super::history::{self, Complication, Encounter, OTHER_RACES, Operation, Patient};
use super::missing::Holes;
use super::model::Model;
use super::spec::Spec;
use rand::RngExt;
use rayon::prelude::*;

/// Ids have eight digits; with this many units patients and stays stay well below that.
pub const MOST_UNITS: usize = 10_000_000;

/// The values of a column. Only numbers can be missing, as NaN.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    Text(Vec<String>),
    Integer(Vec<i64>),
    Number(Vec<f64>),
    /// Days from 1970-01-01.
    Date(Vec<i32>),
    /// Seconds from 1970-01-01T00:00, without a time zone.
    Datetime(Vec<i64>),
}

/// A table: named columns of equal length.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    pub name: &'static str,
    pub columns: Vec<(&'static str, Values)>,
}

impl Table {
    fn new(name: &'static str) -> Self {
        Self { name, columns: Vec::new() }
    }

    fn with(mut self, column: &'static str, values: Values) -> Self {
        self.columns.push((column, values));
        self
    }

    fn text(self, column: &'static str, values: impl Iterator<Item = impl Into<String>>) -> Self {
        self.with(column, Values::Text(values.map(Into::into).collect()))
    }

    fn integer(self, column: &'static str, values: impl Iterator<Item = i64>) -> Self {
        self.with(column, Values::Integer(values.collect()))
    }

    fn flag(self, column: &'static str, values: impl Iterator<Item = bool>) -> Self {
        self.integer(column, values.map(i64::from))
    }

    fn number(self, column: &'static str, values: impl Iterator<Item = f64>) -> Self {
        self.with(column, Values::Number(values.collect()))
    }

    fn date(self, column: &'static str, values: impl Iterator<Item = i32>) -> Self {
        self.with(column, Values::Date(values.collect()))
    }

    fn datetime(self, column: &'static str, values: impl Iterator<Item = i64>) -> Self {
        self.with(column, Values::Datetime(values.collect()))
    }

    pub fn rows(&self) -> usize {
        match self.columns.first() {
            None => 0,
            Some((_, Values::Text(v))) => v.len(),
            Some((_, Values::Integer(v))) => v.len(),
            Some((_, Values::Number(v))) => v.len(),
            Some((_, Values::Date(v))) => v.len(),
            Some((_, Values::Datetime(v))) => v.len(),
        }
    }

    pub fn column(&self, name: &str) -> Option<&Values> {
        self.columns.iter().find(|(n, _)| *n == name).map(|(_, v)| v)
    }
}

/// Every table of a population.
#[derive(Clone, Debug, PartialEq)]
pub struct Tables {
    pub tables: Vec<Table>,
}

impl Tables {
    pub fn get(&self, name: &str) -> Option<&Table> {
        self.tables.iter().find(|t| t.name == name)
    }
}

/// A number below 10^8 that no other `k` below 10^8 has, in no visible order: the multiplier shares no factor with 10^8.
/// Rows sorted by it are in no order of time, so that "the first operation" cannot be had from the order of a file.
fn shuffled(k: usize, multiplier: u64) -> u64 {
    (k as u64 * multiplier + 41_320_957) % 100_000_000
}

fn patient_id(k: usize) -> String {
    format!("P{:08}", shuffled(k, 38_196_601))
}

/// A stay with its id and its patient's position.
struct Stay<'a> {
    id: String,
    patient: usize,
    encounter: &'a Encounter,
}

impl Stay<'_> {
    fn operation(&self) -> Option<(&Self, &Operation)> {
        self.encounter.operation.as_ref().map(|o| (self, o))
    }
}

/// The tables of `units` analysis units (the same as [`super::draw_units`] with this seed) and of everything around them.
pub fn generate(spec: &Spec, units: usize, seed: u64) -> Tables {
    let model = Model::new(&spec.parameters, spec.hospitals);
    let patients = histories(spec, &model, units, seed);
    let mut stays: Vec<Stay<'_>> = patients
        .iter()
        .enumerate()
        .flat_map(|(patient, p)| p.encounters.iter().map(move |e| (patient, e)))
        .enumerate()
        .map(|(k, (patient, encounter))| Stay { id: format!("E{:08}", shuffled(k, 61_803_399)), patient, encounter })
        .collect();
    stays.sort_by(|a, b| a.id.cmp(&b.id));
    let mut order: Vec<(String, &Patient)> = patients.iter().enumerate().map(|(k, p)| (patient_id(k), p)).collect();
    order.sort_by(|a, b| a.0.cmp(&b.0));
    let g = &model.geography;
    let tables = vec![
        operations_table(&stays, &patients, g, spec, seed),
        patients_table(&order, g),
        death_table(&order),
        hospitals_table(g, seed),
        areas_table(g, seed),
        encounters_table(&stays, &patients, g),
        procedures_table(&stays),
        diagnoses_table(&stays),
        labs_table(&stays),
        echo_table(&stays),
        complications_table(&stays),
    ];
    Tables { tables }
}

/// Units first, then the patients that the study's steps remove.
fn histories(spec: &Spec, model: &Model, units: usize, seed: u64) -> Vec<Patient> {
    let drawn = draw_from(model, spec.group.index_share, units, seed);
    let label = |index: bool| if index { spec.group.index.as_str() } else { spec.group.reference.as_str() };
    let mut patients: Vec<Patient> = drawn
        .par_iter()
        .enumerate()
        .map(|(i, unit)| history::of_unit(spec, unit, label(unit.index), &mut stream(seed, Domain::Histories, i as u64)))
        .collect();
    let other_race = (spec.distractors.other_race * units as f64).round() as usize;
    let other_procedure = (spec.distractors.other_procedure_only * units as f64).round() as usize;
    let others: Vec<Patient> = (0..other_race + other_procedure)
        .into_par_iter()
        .map(|i| {
            let mut rng = stream(seed, Domain::Others, i as u64);
            if i < other_race {
                let race = OTHER_RACES[rng.random_range(0..OTHER_RACES.len())];
                let unit = draw_unit(model, false, &mut rng);
                history::of_unit(spec, &unit, race, &mut rng)
            } else {
                let index = rng.random::<f64>() < spec.group.index_share;
                let unit = draw_unit(model, index, &mut rng);
                history::of_other_procedure(spec, &unit, label(index), &mut rng)
            }
        })
        .collect();
    patients.extend(others);
    patients
}

const DAY: i64 = 86_400;

fn day_of(time: i64) -> i32 {
    // Times of this century divided by the seconds of a day are far within i32.
    time.div_euclid(DAY) as i32
}

/// The registry: a row an operation, with what was known before it and what happened within 30 days.
fn operations_table(stays: &[Stay<'_>], patients: &[Patient], g: &Geography, spec: &Spec, seed: u64) -> Table {
    let rows: Vec<(&Stay<'_>, &Operation)> = stays.iter().filter_map(Stay::operation).collect();
    let flag = |kind: Complication| {
        let position = Complication::ALL.iter().position(|k| *k == kind);
        rows.iter().map(move |(_, o)| position.is_some_and(|k| o.within_window(k)))
    };
    let with_patients: Vec<(&Operation, &Patient)> = rows.iter().map(|(s, o)| (*o, &patients[s.patient])).collect();
    let holes = Holes::draw(&spec.missing, &spec.group.index, &with_patients, g, seed);
    let number = |column: &'static str, of: fn(&Operation) -> f64| -> Values {
        Values::Number(holes.in_column(&spec.missing, column, rows.iter().map(|(_, o)| of(o))).collect())
    };
    let diabetes = match spec.missing.has("diabetes") {
        true => number("diabetes", |o| f64::from(u8::from(o.diabetes))),
        false => Values::Integer(rows.iter().map(|(_, o)| i64::from(o.diabetes)).collect()),
    };
    Table::new("operations")
        .text("encounter_id", rows.iter().map(|(s, _)| s.id.as_str()))
        .text("patient_id", rows.iter().map(|(s, _)| patient_id(s.patient)))
        .text("hospital_id", rows.iter().map(|(s, _)| g.hospitals[patients[s.patient].hospital].hospital_id.as_str()))
        .date("admit_date", rows.iter().map(|(s, _)| day_of(s.encounter.admit)))
        .date("operation_date", rows.iter().map(|(_, o)| o.day))
        .date("discharge_date", rows.iter().map(|(s, _)| day_of(s.encounter.discharge)))
        .text("procedure_class", rows.iter().map(|(_, o)| o.class.name()))
        .text("payer", rows.iter().map(|(s, _)| s.encounter.payer))
        .text("admit_type", rows.iter().map(|(s, _)| s.encounter.admit_type))
        .with("creatinine_mg_dl", number("creatinine_mg_dl", |o| o.creatinine_mg_dl))
        .with("lvef_pct", number("lvef_pct", |o| o.lvef))
        .with("diabetes", diabetes)
        .flag("stroke_30d", flag(Complication::Stroke))
        .flag("renal_failure_30d", flag(Complication::RenalFailure))
        .flag("prolonged_ventilation_30d", flag(Complication::ProlongedVentilation))
        .flag("deep_sternal_infection_30d", flag(Complication::DeepSternalInfection))
        .flag("reoperation_30d", flag(Complication::Reoperation))
}

fn patients_table(order: &[(String, &Patient)], g: &Geography) -> Table {
    Table::new("patients")
        .text("patient_id", order.iter().map(|(id, _)| id.as_str()))
        .date("birth_date", order.iter().map(|(_, p)| p.birth))
        .text("sex", order.iter().map(|(_, p)| if p.female { "F" } else { "M" }))
        .text("race", order.iter().map(|(_, p)| p.race.as_str()))
        .text("zip5", order.iter().map(|(_, p)| g.areas[p.zip].zip5.as_str()))
}

/// A row for those who died, and for nobody else.
fn death_table(order: &[(String, &Patient)]) -> Table {
    let dead: Vec<(&str, i32)> = order.iter().filter_map(|(id, p)| p.death.map(|day| (id.as_str(), day))).collect();
    Table::new("death").text("patient_id", dead.iter().map(|(id, _)| *id)).date("death_date", dead.iter().map(|(_, day)| *day))
}

fn hospitals_table(g: &Geography, seed: u64) -> Table {
    let records: Vec<_> = g.hospitals.iter().enumerate().map(|(j, h)| hospital_record(h, j, seed)).collect();
    Table::new("hospitals")
        .text("hospital_id", g.hospitals.iter().map(|h| h.hospital_id.as_str()))
        .number("quality_index", g.hospitals.iter().map(|h| h.quality))
        .integer("beds", records.iter().map(|r| r.beds))
        .flag("teaching", records.iter().map(|r| r.teaching))
        .integer("volume", records.iter().map(|r| r.volume))
        .flag("safety_net", records.iter().map(|r| r.safety_net))
        .number("x", g.hospitals.iter().map(|h| h.x))
        .number("y", g.hospitals.iter().map(|h| h.y))
}

fn areas_table(g: &Geography, seed: u64) -> Table {
    let records: Vec<_> = g.areas.iter().enumerate().map(|(m, a)| area_record(a, m, seed)).collect();
    Table::new("areas")
        .text("zip5", g.areas.iter().map(|a| a.zip5.as_str()))
        .number("deprivation", g.areas.iter().map(|a| a.deprivation))
        .integer("median_income", records.iter().map(|r| r.median_income))
        .number("pct_uninsured", records.iter().map(|r| r.pct_uninsured))
}

fn encounters_table(stays: &[Stay<'_>], patients: &[Patient], g: &Geography) -> Table {
    Table::new("encounters")
        .text("encounter_id", stays.iter().map(|s| s.id.as_str()))
        .text("patient_id", stays.iter().map(|s| patient_id(s.patient)))
        .text("hospital_id", stays.iter().map(|s| g.hospitals[patients[s.patient].hospital].hospital_id.as_str()))
        .datetime("admit_ts", stays.iter().map(|s| s.encounter.admit))
        .datetime("discharge_ts", stays.iter().map(|s| s.encounter.discharge))
        .text("payer", stays.iter().map(|s| s.encounter.payer))
        .text("admit_type", stays.iter().map(|s| s.encounter.admit_type))
}

/// Rows of a kind of event with the id of their stay.
fn events<'a, T>(stays: &'a [Stay<'a>], of: impl Fn(&'a Encounter) -> Vec<T>) -> Vec<(&'a str, T)> {
    stays.iter().flat_map(|s| of(s.encounter).into_iter().map(|event| (s.id.as_str(), event))).collect()
}

fn procedures_table(stays: &[Stay<'_>]) -> Table {
    let rows = events(stays, |e| e.operation.iter().flat_map(|o| o.codes.iter().map(|code| (*code, o.at))).collect());
    Table::new("procedures")
        .text("encounter_id", rows.iter().map(|(id, _)| *id))
        .text("code", rows.iter().map(|(_, (code, _))| *code))
        .datetime("ts", rows.iter().map(|(_, (_, at))| *at))
}

fn diagnoses_table(stays: &[Stay<'_>]) -> Table {
    let rows = events(stays, |e| e.diagnoses.iter().collect());
    Table::new("diagnoses")
        .text("encounter_id", rows.iter().map(|(id, _)| *id))
        .text("icd10", rows.iter().map(|(_, d)| d.icd10))
        .text("poa", rows.iter().map(|(_, d)| if d.present_on_admission { "Y" } else { "N" }))
}

fn labs_table(stays: &[Stay<'_>]) -> Table {
    let rows = events(stays, |e| e.labs.iter().collect());
    Table::new("labs")
        .text("encounter_id", rows.iter().map(|(id, _)| *id))
        .text("loinc", rows.iter().map(|(_, l)| l.loinc))
        .number("value", rows.iter().map(|(_, l)| l.value))
        .text("unit", rows.iter().map(|(_, l)| l.unit))
        .datetime("ts", rows.iter().map(|(_, l)| l.at))
}

fn echo_table(stays: &[Stay<'_>]) -> Table {
    let rows = events(stays, |e| e.echo.iter().collect());
    Table::new("echo")
        .text("encounter_id", rows.iter().map(|(id, _)| *id))
        .number("lvef", rows.iter().map(|(_, e)| e.lvef))
        .datetime("ts", rows.iter().map(|(_, e)| e.at))
}

/// Complications of every operation, those after the outcome's window included.
fn complications_table(stays: &[Stay<'_>]) -> Table {
    let rows = events(stays, |e| {
        e.operation
            .iter()
            .flat_map(|o| Complication::ALL.iter().zip(o.complications).filter_map(|(kind, day)| Some((kind.name(), o.day + day?))))
            .collect()
    });
    Table::new("complications")
        .text("encounter_id", rows.iter().map(|(id, _)| *id))
        .text("kind", rows.iter().map(|(_, (kind, _))| *kind))
        .date("date", rows.iter().map(|(_, (_, day))| *day))
}
