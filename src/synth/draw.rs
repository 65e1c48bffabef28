//! Random streams, and the analysis variables of a sample.
//!
//! Every unit has a stream of its own (ChaCha8 keyed by the seed, with the unit's number as stream number), so that what
//! is drawn for a unit depends neither on threads nor on how many units there are.

use super::model::{Model, Noise, Switches};
use super::spec::Spec;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

/// What a stream is for; streams of two domains never coincide.
#[derive(Clone, Copy, Debug)]
pub enum Domain {
    /// Analysis variables of the units.
    Units = 1,
    /// Everything else about a unit: dates, encounters, events.
    Histories = 2,
    /// Patients that the study's steps remove.
    Others = 3,
    Areas = 4,
    Hospitals = 5,
    /// Monte-Carlo draws of the truth.
    Truth = 6,
    /// Who lacks a value.
    Missing = 7,
}

/// The stream with this number: the domain in the upper 8 bits, the number in the lower 56.
pub fn stream(seed: u64, domain: Domain, number: u64) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream((domain as u64) << 56 | number);
    rng
}

/// What the analysis uses of one patient.
#[derive(Clone, Debug, PartialEq)]
pub struct Unit {
    /// Index group (true) or reference group.
    pub index: bool,
    /// Age at the operation.
    pub age_days: i32,
    /// `age_days` / 365.25: what (operation_date - birth_date) in days / 365.25 gives.
    pub age_years: f64,
    pub female: bool,
    /// Position of the area.
    pub zip: usize,
    pub deprivation: f64,
    pub medicaid: bool,
    pub diabetes: bool,
    /// mL/min/1.73 m².
    pub egfr: f64,
    /// Percent.
    pub lvef: f64,
    /// Position of the hospital.
    pub hospital: usize,
    pub quality: f64,
    /// P(outcome) given all of the above.
    pub probability: f64,
    /// Death or major morbidity within 30 days.
    pub outcome: bool,
}

/// The analysis variables of `n` units: the same units, in the same order, that [`super::generate`] puts into tables.
pub fn draw_units(spec: &Spec, n: usize, seed: u64) -> Vec<Unit> {
    let model = Model::new(&spec.parameters, spec.hospitals);
    draw_from(&model, spec.group.index_share, n, seed)
}

pub(super) fn draw_from(model: &Model, index_share: f64, n: usize, seed: u64) -> Vec<Unit> {
    (0..n as u64)
        .into_par_iter()
        .map(|i| {
            let mut rng = stream(seed, Domain::Units, i);
            let index = rng.random::<f64>() < index_share;
            draw_unit(model, index, &mut rng)
        })
        .collect()
}

/// One unit of this group from a stream.
pub(super) fn draw_unit(model: &Model, index: bool, rng: &mut ChaCha8Rng) -> Unit {
    let r = Switches::all(index);
    let noise = Noise::draw(rng);
    let c = model.allowable(&noise, index);
    let s = model.socioeconomic(&noise, &c, r.socioeconomic);
    let b = model.biological(&noise, &c, s, r.biological);
    let hospital = model.hospital(&noise, s, r.hospital);
    let probability = model.outcome(&c, s, &b, hospital, r.outcome);
    Unit {
        index,
        age_days: c.age_days,
        age_years: c.age_years,
        female: c.female,
        zip: s.zip,
        deprivation: model.deprivation(s.zip),
        medicaid: s.medicaid,
        diabetes: b.diabetes,
        egfr: b.egfr,
        lvef: b.lvef,
        hospital,
        quality: model.quality(hospital),
        probability,
        outcome: rng.random::<f64>() < probability,
    }
}
