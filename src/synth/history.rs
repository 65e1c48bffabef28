//! What happens to one patient: stays, operations, measurements, complications and death around the analysis variables.
//!
//! Days count from 1970-01-01, times in seconds from its midnight. Everything a study needs is placed so that a rule in
//! whole days finds it: the last creatinine and the last echocardiogram before the operation are on an earlier day than
//! the operation, and what comes after it is on a later day.

use super::draw::Unit;
use super::model::{DAYS_PER_YEAR, EGFR_FLOOR, LVEF_RANGE};
use super::renal::creatinine_mg_dl;
use super::spec::Spec;
use rand::{Rng, RngExt};
use rand_distr::StandardNormal;

/// Values of `race` that are neither of the spec's groups.
pub const OTHER_RACES: [&str; 3] = ["Asian", "American Indian", "Other"];

/// µmol/L of creatinine in 1 mg/dL.
pub const UMOL_L_PER_MG_DL: f64 = 88.4;

/// The outcome counts events up to this day after the operation, included.
pub const OUTCOME_DAYS: i32 = 30;

const DAY: i64 = 86_400;
const HOUR: i64 = 3_600;
const MINUTE: i64 = 60;

/// The major complications of the composite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Complication {
    Stroke,
    RenalFailure,
    ProlongedVentilation,
    DeepSternalInfection,
    Reoperation,
}

impl Complication {
    pub const ALL: [Self; 5] = [Self::Stroke, Self::RenalFailure, Self::ProlongedVentilation, Self::DeepSternalInfection, Self::Reoperation];

    pub fn name(self) -> &'static str {
        match self {
            Self::Stroke => "stroke",
            Self::RenalFailure => "renal_failure",
            Self::ProlongedVentilation => "prolonged_ventilation",
            Self::DeepSternalInfection => "deep_sternal_infection",
            Self::Reoperation => "reoperation",
        }
    }
}

/// Class of an operation. The first three are index operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    Cabg,
    Valve,
    CabgValve,
    Aortic,
    AssistDevice,
    Pericardial,
}

impl Class {
    pub fn name(self) -> &'static str {
        match self {
            Self::Cabg => "cabg",
            Self::Valve => "valve",
            Self::CabgValve => "cabg_valve",
            Self::Aortic => "aortic",
            Self::AssistDevice => "assist_device",
            Self::Pericardial => "pericardial",
        }
    }

    /// ICD-10-PCS codes of the operation.
    fn codes(self, rng: &mut impl Rng) -> Vec<&'static str> {
        let bypass = ["02100Z9", "021009W", "021109W", "021209W"];
        let valve = ["02RF08Z", "02RF0JZ", "02RG08Z", "02UG0JZ"];
        match self {
            Self::Cabg => vec![one_of(&bypass, rng)],
            Self::Valve => vec![one_of(&valve, rng)],
            Self::CabgValve => vec![one_of(&bypass, rng), one_of(&valve, rng)],
            Self::Aortic => vec!["02RX0JZ"],
            Self::AssistDevice => vec!["02HA0QZ"],
            Self::Pericardial => vec!["0W9D00Z"],
        }
    }

    /// ICD-10-CM code of the reason for the operation.
    fn reason(self) -> &'static [&'static str] {
        match self {
            Self::Cabg => &["I25.10"],
            Self::Valve => &["I35.0"],
            Self::CabgValve => &["I25.10", "I35.0"],
            Self::Aortic => &["I71.21"],
            Self::AssistDevice => &["I50.22"],
            Self::Pericardial => &["I31.39"],
        }
    }
}

#[derive(Clone, Debug)]
pub struct Diagnosis {
    pub icd10: &'static str,
    pub present_on_admission: bool,
}

#[derive(Clone, Debug)]
pub struct Lab {
    pub loinc: &'static str,
    pub value: f64,
    pub unit: &'static str,
    pub at: i64,
}

#[derive(Clone, Debug)]
pub struct Echo {
    pub lvef: f64,
    pub at: i64,
}

/// An operation as a surgical registry holds it.
#[derive(Clone, Debug)]
pub struct Operation {
    pub day: i32,
    pub at: i64,
    pub class: Class,
    pub codes: Vec<&'static str>,
    /// The last before the operation.
    pub creatinine_mg_dl: f64,
    /// The last before the operation.
    pub lvef: f64,
    pub diabetes: bool,
    /// By position in [`Complication::ALL`]: days after the operation.
    pub complications: [Option<i32>; 5],
}

impl Operation {
    /// Whether a complication fell within the outcome's window.
    pub fn within_window(&self, kind: usize) -> bool {
        self.complications[kind].is_some_and(|day| day <= OUTCOME_DAYS)
    }
}

#[derive(Clone, Debug)]
pub struct Encounter {
    pub admit: i64,
    pub discharge: i64,
    pub payer: &'static str,
    pub admit_type: &'static str,
    pub operation: Option<Operation>,
    pub diagnoses: Vec<Diagnosis>,
    pub labs: Vec<Lab>,
    pub echo: Vec<Echo>,
}

/// One patient with everything that is recorded.
#[derive(Clone, Debug)]
pub struct Patient {
    pub birth: i32,
    pub female: bool,
    pub race: String,
    pub zip: usize,
    /// Every stay is in this hospital.
    pub hospital: usize,
    pub death: Option<i32>,
    /// In no order of time: the index stay is not always the first.
    pub encounters: Vec<Encounter>,
}

/// What follows an operation: deaths and complications by day.
struct Course {
    death: Option<i32>,
    complications: [Option<i32>; 5],
}

fn one_of<T: Copy>(items: &[T], rng: &mut impl Rng) -> T {
    items[rng.random_range(0..items.len())]
}

fn happens(p: f64, rng: &mut impl Rng) -> bool {
    rng.random::<f64>() < p
}

/// The first position at which the running sum of probabilities exceeds a uniform draw.
fn choice<T: Copy>(items: &[(T, f64)], rng: &mut impl Rng) -> T {
    let mut left = rng.random::<f64>();
    for (item, p) in items {
        if left < *p {
            return *item;
        }
        left -= p;
    }
    items[items.len() - 1].0
}

fn uniform(low: f64, high: f64, rng: &mut impl Rng) -> f64 {
    low + (high - low) * rng.random::<f64>()
}

/// A minute on this day between two hours.
fn hours(day: i32, from: i64, to: i64, rng: &mut impl Rng) -> i64 {
    i64::from(day) * DAY + rng.random_range(from * 60..to * 60) * MINUTE
}

/// How a patient's death stands to an operation.
#[derive(Clone, Copy)]
enum Fate {
    /// Still open: the operation may lead to it.
    Open,
    /// Settled by another operation: days after this one, beyond its window, or never.
    Settled(Option<i32>),
}

/// Splits the composite into its events, and adds what comes after the window.
fn course(spec: &Spec, outcome: bool, fate: Fate, rng: &mut impl Rng) -> Course {
    let o = &spec.outcome;
    let mut course = Course { death: None, complications: [None; 5] };
    if let Fate::Settled(death) = fate {
        course.death = death;
    }
    let open = matches!(fate, Fate::Open);
    if outcome {
        let died = open && happens(o.death, rng);
        if died {
            // Early days are likelier: the square of a uniform draw, days 0 to 30.
            course.death = Some((rng.random::<f64>().powi(2) * f64::from(OUTCOME_DAYS + 1)) as i32);
        }
        if !died || happens(o.complication_before_death, rng) {
            let last = course.death.map_or(OUTCOME_DAYS, |death| death.min(OUTCOME_DAYS));
            let kinds = o.first_complication.probabilities();
            let first = choice(&[0, 1, 2, 3, 4].map(|k| (k, kinds[k])), rng);
            for k in 0..Complication::ALL.len() {
                let further = happens(o.further_complication, rng);
                let day = (rng.random::<f64>().powi(2) * f64::from(last + 1)) as i32;
                if k == first || further {
                    course.complications[k] = Some(day);
                }
            }
        }
    }
    if open && course.death.is_none() && happens(o.late_death, rng) {
        course.death = Some(rng.random_range(OUTCOME_DAYS + 1..=730));
    }
    let late = rng.random_range(OUTCOME_DAYS + 1..=120);
    if happens(o.late_complication, rng) && course.death.is_none_or(|day| late <= day) {
        let kind = rng.random_range(0..Complication::ALL.len());
        course.complications[kind] = course.complications[kind].or(Some(late));
    }
    course
}

fn payer(medicaid: bool, age_years: f64, rng: &mut impl Rng) -> &'static str {
    if medicaid {
        "medicaid"
    } else if age_years >= 65.0 {
        choice(&[("medicare", 0.92), ("private", 0.08)], rng)
    } else {
        choice(&[("private", 0.75), ("medicare", 0.12), ("self_pay", 0.13)], rng)
    }
}

/// What is measured and known at one operation.
struct Status {
    egfr: f64,
    lvef: f64,
    diabetes: bool,
    age_years: f64,
    female: bool,
    medicaid: bool,
}

impl Status {
    fn of(unit: &Unit) -> Self {
        Self { egfr: unit.egfr, lvef: unit.lvef, diabetes: unit.diabetes, age_years: unit.age_years, female: unit.female, medicaid: unit.medicaid }
    }

    /// The same patient some days later (earlier if negative), with measurements of that time.
    fn at_other_time(unit: &Unit, days: i32, rng: &mut impl Rng) -> Self {
        let change: [f64; 2] = [rng.sample(StandardNormal), rng.sample(StandardNormal)];
        Self {
            egfr: (unit.egfr + 6.0 * change[0]).max(EGFR_FLOOR),
            lvef: (unit.lvef + 5.0 * change[1]).clamp(LVEF_RANGE.0, LVEF_RANGE.1),
            age_years: f64::from(unit.age_days + days) / DAYS_PER_YEAR,
            ..Self::of(unit)
        }
    }
}

fn creatinine(mg_dl: f64, at: i64, spec: &Spec, rng: &mut impl Rng) -> Lab {
    let (value, unit) = if happens(spec.distractors.creatinine_in_umol_l, rng) { (mg_dl * UMOL_L_PER_MG_DL, "umol/L") } else { (mg_dl, "mg/dL") };
    Lab { loinc: "2160-0", value, unit, at }
}

/// The stay of an operation on this day.
fn surgical_stay(spec: &Spec, day: i32, class: Class, status: &Status, course: &Course, rng: &mut impl Rng) -> Encounter {
    let d = &spec.distractors;
    let admit_type = choice(&[("elective", 0.55), ("urgent", 0.40), ("emergency", 0.05)], rng);
    let at = hours(day, 8, 16, rng);
    let wait = match admit_type {
        "urgent" => rng.random_range(1..=4),
        "elective" => rng.random_range(0..=1),
        _ => 0,
    };
    let admit = if wait == 0 { at - rng.random_range(90..=180) * MINUTE } else { hours(day - wait, 8, 18, rng) };
    let mg_dl = creatinine_mg_dl(status.egfr, status.age_years, status.female);

    let complicated = (0..Complication::ALL.len()).any(|k| course.complications[k].is_some_and(|c| c <= OUTCOME_DAYS));
    let planned = rng.random_range(5..=11) + if complicated { rng.random_range(4..=14) } else { 0 };
    let stay = course.death.map_or(planned, |death| death.min(planned));
    let discharge = if stay == 0 { at + 6 * HOUR } else { hours(day + stay, 10, 17, rng) };

    let mut labs = vec![creatinine(mg_dl, hours(day - rng.random_range(1..=5), 6, 16, rng), spec, rng)];
    if happens(d.earlier_creatinine, rng) {
        let at = hours(day - rng.random_range(8..=28), 6, 16, rng);
        labs.push(creatinine(mg_dl * uniform(0.85, 1.2, rng), at, spec, rng));
    }
    if happens(d.old_creatinine, rng) {
        let at = hours(day - rng.random_range(40..=300), 6, 16, rng);
        labs.push(creatinine(mg_dl * uniform(0.8, 1.1, rng), at, spec, rng));
    }
    if happens(d.postoperative_creatinine, rng) && stay >= 1 {
        let at = hours(day + rng.random_range(1..=stay.min(4)), 4, 8, rng);
        labs.push(creatinine(mg_dl * uniform(1.05, 1.7, rng), at, spec, rng));
    }
    let haemoglobin = ((13.2 + 1.4 * rng.sample::<f64, _>(StandardNormal)) * 10.0).round() / 10.0;
    labs.push(Lab { loinc: "718-7", value: haemoglobin.max(5.0), unit: "g/dL", at: hours(day - rng.random_range(1..=5), 6, 16, rng) });

    let other_lvef = |change: f64| (status.lvef + change).clamp(LVEF_RANGE.0, LVEF_RANGE.1);
    let mut echo = vec![Echo { lvef: status.lvef, at: hours(day - rng.random_range(1..=20), 8, 18, rng) }];
    if happens(d.older_echo, rng) {
        echo.push(Echo { lvef: other_lvef(uniform(-8.0, 8.0, rng)), at: hours(day - rng.random_range(30..=400), 8, 18, rng) });
    }
    if happens(d.postoperative_echo, rng) && stay >= 1 {
        echo.push(Echo { lvef: other_lvef(uniform(-8.0, 8.0, rng)), at: hours(day + rng.random_range(1..=stay.min(6)), 8, 10, rng) });
    }

    let mut codes: Vec<&'static str> = class.reason().to_vec();
    codes.push("I10");
    if status.diabetes {
        codes.push("E11.9");
    }
    Encounter {
        admit,
        discharge,
        payer: payer(status.medicaid, status.age_years, rng),
        admit_type,
        diagnoses: diagnoses(&codes, spec, rng),
        labs,
        echo,
        operation: Some(Operation {
            day,
            at,
            class,
            codes: class.codes(rng),
            creatinine_mg_dl: mg_dl,
            lvef: status.lvef,
            diabetes: status.diabetes,
            complications: course.complications,
        }),
    }
}

/// A stay for something that has nothing to do with the heart.
fn other_stay(spec: &Spec, day: i32, status: &Status, rng: &mut impl Rng) -> Encounter {
    let code = one_of(&["J18.9", "N39.0", "K80.20", "S72.001A", "L03.115", "K57.92"], rng);
    Encounter {
        admit: hours(day, 8, 20, rng),
        discharge: hours(day + rng.random_range(1..=9), 10, 17, rng),
        payer: payer(status.medicaid, status.age_years, rng),
        admit_type: choice(&[("urgent", 0.5), ("emergency", 0.35), ("elective", 0.15)], rng),
        operation: None,
        diagnoses: diagnoses(&[code], spec, rng),
        labs: Vec::new(),
        echo: Vec::new(),
    }
}

fn diagnoses(codes: &[&'static str], spec: &Spec, rng: &mut impl Rng) -> Vec<Diagnosis> {
    let mut rows = Vec::with_capacity(codes.len() + 1);
    for icd10 in codes {
        let row = Diagnosis { icd10, present_on_admission: true };
        if happens(spec.distractors.duplicated_diagnosis, rng) {
            rows.push(row.clone());
        }
        rows.push(row);
    }
    rows
}

fn operation_day(spec: &Spec, rng: &mut impl Rng) -> i32 {
    let day = |date: chrono::NaiveDate| chrono::Datelike::num_days_from_ce(&date) - EPOCH_FROM_CE;
    rng.random_range(day(spec.dates.first_operation)..=day(spec.dates.last_operation))
}

/// 1970-01-01 as a day of the common era.
const EPOCH_FROM_CE: i32 = 719_163;

fn index_class(rng: &mut impl Rng) -> Class {
    choice(&[(Class::Cabg, 0.55), (Class::Valve, 0.27), (Class::CabgValve, 0.18)], rng)
}

fn other_class(rng: &mut impl Rng) -> Class {
    choice(&[(Class::Aortic, 0.5), (Class::AssistDevice, 0.2), (Class::Pericardial, 0.3)], rng)
}

/// The history of a patient whose first index operation is this unit.
pub fn of_unit(spec: &Spec, unit: &Unit, race: &str, rng: &mut impl Rng) -> Patient {
    let d = &spec.distractors;
    let mut patient = of_single_operation(spec, unit, race, index_class(rng), rng);
    let day = patient.birth + unit.age_days;
    let later = rng.random_range(60..=900);
    // Nobody has a second operation in the month before a death, so that no death falls into two windows.
    if happens(d.repeat_operation, rng) && patient.death.is_none_or(|death| death > day + later + OUTCOME_DAYS) {
        let stay = further_operation(spec, unit, &patient, later, index_class(rng), rng);
        patient.encounters.push(stay);
    }
    let earlier = rng.random_range(30..=1_500);
    let has_earlier = happens(d.earlier_other_procedure, rng);
    if has_earlier {
        let stay = further_operation(spec, unit, &patient, -earlier, other_class(rng), rng);
        patient.encounters.push(stay);
    }
    let before: i32 = rng.random_range(40..=700);
    let overlaps = has_earlier && (before - earlier).abs() <= 40;
    if happens(d.non_cardiac_encounter, rng) && !overlaps {
        let status = Status::at_other_time(unit, -before, rng);
        patient.encounters.push(other_stay(spec, day - before, &status, rng));
    }
    patient
}

/// Another operation of the same patient, `days` after the index operation, survived.
fn further_operation(spec: &Spec, unit: &Unit, patient: &Patient, days: i32, class: Class, rng: &mut impl Rng) -> Encounter {
    let day = patient.birth + unit.age_days + days;
    let outcome = happens(unit.probability, rng);
    let course = course(spec, outcome, Fate::Settled(patient.death.map(|death| death - day)), rng);
    surgical_stay(spec, day, class, &Status::at_other_time(unit, days, rng), &course, rng)
}

/// A patient whose only operation is not an index operation.
pub fn of_other_procedure(spec: &Spec, unit: &Unit, race: &str, rng: &mut impl Rng) -> Patient {
    of_single_operation(spec, unit, race, other_class(rng), rng)
}

fn of_single_operation(spec: &Spec, unit: &Unit, race: &str, class: Class, rng: &mut impl Rng) -> Patient {
    let day = operation_day(spec, rng);
    let course = course(spec, unit.outcome, Fate::Open, rng);
    let stay = surgical_stay(spec, day, class, &Status::of(unit), &course, rng);
    Patient {
        birth: day - unit.age_days,
        female: unit.female,
        race: race.to_owned(),
        zip: unit.zip,
        hospital: unit.hospital,
        death: course.death.map(|death| day + death),
        encounters: vec![stay],
    }
}
