//! ZIP areas and hospitals of an invented city: fixed points, the same in every scenario and for every seed.
//!
//! Coordinates are Halton points (bases 2 and 3) on the unit square. What the model uses, deprivation and quality, has
//! mean 0 and population SD 1 over areas and over hospitals. The other columns of the two tables are noisy functions of
//! these that do not enter the model.

use super::draw::{Domain, stream};
use rand::RngExt;
use rand_distr::StandardNormal;
use statrs::distribution::{ContinuousCDF, Normal};

pub const AREAS: usize = 60;
/// Hospitals, unless the spec asks for another number.
pub const HOSPITALS: usize = 40;

#[derive(Clone, Debug)]
pub struct Area {
    /// Text with leading zeros. No ZIP code in use begins with 000.
    pub zip5: String,
    pub x: f64,
    pub y: f64,
    pub deprivation: f64,
}

#[derive(Clone, Debug)]
pub struct Hospital {
    pub hospital_id: String,
    pub x: f64,
    pub y: f64,
    pub quality: f64,
}

#[derive(Clone, Debug)]
pub struct Geography {
    pub areas: Vec<Area>,
    pub hospitals: Vec<Hospital>,
}

/// The van der Corput sequence: the digits of `i` in this base, mirrored at the point.
fn van_der_corput(mut i: usize, base: usize) -> f64 {
    let (mut place, mut value) = (1.0, 0.0);
    while i > 0 {
        place /= base as f64;
        value += place * (i % base) as f64;
        i /= base;
    }
    value
}

/// Mean 0, population SD 1.
fn standardised(mut values: Vec<f64>) -> Vec<f64> {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let sd = (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n).sqrt();
    values.iter_mut().for_each(|v| *v = (*v - mean) / sd);
    values
}

impl Geography {
    /// The first so many hospitals of the sequence; their quality is standardised over them.
    pub fn new(hospitals: usize) -> Self {
        let area_points: Vec<(f64, f64)> = (1..=AREAS).map(|m| (van_der_corput(m, 2), van_der_corput(m, 3))).collect();
        let deprivation = standardised((1..=AREAS).zip(&area_points).map(|(m, p)| 1.2 * p.0 + 0.6 * (0.754_877_666_2 * m as f64).fract()).collect());
        let hospital_points: Vec<(f64, f64)> = (101..101 + hospitals).map(|j| (van_der_corput(j, 2), van_der_corput(j, 3))).collect();
        let normal = Normal::standard();
        let quality = standardised(
            (1..=hospitals)
                .zip(&hospital_points)
                .map(|(j, p)| -0.8 * (2.0 * p.0 - 1.0) + 0.6 * normal.inverse_cdf((0.618_033_988_7 * j as f64).fract() * 0.98 + 0.01))
                .collect(),
        );
        let areas = area_points.into_iter().zip(deprivation).enumerate();
        let hospitals = hospital_points.into_iter().zip(quality).enumerate();
        Self {
            areas: areas.map(|(m, ((x, y), deprivation))| Area { zip5: format!("{:05}", m + 1), x, y, deprivation }).collect(),
            hospitals: hospitals.map(|(j, ((x, y), quality))| Hospital { hospital_id: format!("H{:02}", j + 1), x, y, quality }).collect(),
        }
    }

    /// Euclidean distance of an area from a hospital.
    pub fn distance(&self, area: usize, hospital: usize) -> f64 {
        let (a, h) = (&self.areas[area], &self.hospitals[hospital]);
        (a.x - h.x).hypot(a.y - h.y)
    }
}

/// What is recorded of an area beside its deprivation; it does not enter the model.
#[derive(Clone, Debug)]
pub struct AreaRecord {
    /// Dollars a year.
    pub median_income: i64,
    /// Percent.
    pub pct_uninsured: f64,
}

/// What is recorded of a hospital beside its quality; it does not enter the model.
#[derive(Clone, Debug)]
pub struct HospitalRecord {
    pub beds: i64,
    pub teaching: bool,
    /// Cardiac operations a year.
    pub volume: i64,
    pub safety_net: bool,
}

fn rounded(value: f64, digits: i32) -> f64 {
    let scale = 10f64.powi(digits);
    (value * scale).round() / scale
}

pub fn area_record(area: &Area, position: usize, seed: u64) -> AreaRecord {
    let mut rng = stream(seed, Domain::Areas, position as u64);
    let (income, uninsured): (f64, f64) = (rng.sample(StandardNormal), rng.sample(StandardNormal));
    AreaRecord {
        median_income: (68_000.0 * (-0.28 * area.deprivation + 0.10 * income).exp()).round() as i64,
        pct_uninsured: rounded((8.5 + 3.0 * area.deprivation + 1.2 * uninsured).max(0.5), 1),
    }
}

pub fn hospital_record(hospital: &Hospital, position: usize, seed: u64) -> HospitalRecord {
    let mut rng = stream(seed, Domain::Hospitals, position as u64);
    let noise: [f64; 4] = std::array::from_fn(|_| rng.sample(StandardNormal));
    HospitalRecord {
        beds: (380.0 * (0.20 * hospital.quality + 0.35 * noise[0]).exp()).round() as i64,
        teaching: hospital.quality + noise[1] > 0.3,
        volume: (280.0 * (0.25 * hospital.quality + 0.40 * noise[2]).exp()).round() as i64,
        safety_net: noise[3] - hospital.quality > 0.6,
    }
}
