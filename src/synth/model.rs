//! The structural equations, one function each. Every function that has a group term takes a switch: `true` uses the
//! index group's mechanism, `false` the reference group's, whatever the group of the patient.
//!
//! Ages are whole days, because tables hold dates; eGFR is floored and age and LVEF are clipped before anything
//! depends on them. The truth is computed with the same functions, so it refers to exactly this population.

use super::geography::{AREAS, Geography, Hospital};
use super::scenario::Parameters;
use rand::{Rng, RngExt};
use rand_distr::StandardNormal;
use statrs::distribution::{ContinuousCDF, Normal};

pub const DAYS_PER_YEAR: f64 = 365.25;
/// 18 years, rounded up to a day.
pub const MIN_AGE_DAYS: i32 = 6_575;
/// 100 years.
pub const MAX_AGE_DAYS: i32 = 36_525;
pub const EGFR_FLOOR: f64 = 8.0;
pub const LVEF_RANGE: (f64, f64) = (10.0, 80.0);

const EGFR_SD: f64 = 15.0;
const LVEF_SD: f64 = 8.0;

/// 1 / (1 + e^-x).
pub fn expit(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// Which group's mechanism generates each factor and the outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Switches {
    pub socioeconomic: bool,
    pub biological: bool,
    pub hospital: bool,
    pub outcome: bool,
}

impl Switches {
    /// Every mechanism that of one group.
    pub fn all(index: bool) -> Self {
        Self { socioeconomic: index, biological: index, hospital: index, outcome: index }
    }

    /// Position among the 16 vertices: the digits socioeconomic, biological, hospital, outcome as a binary number.
    pub fn position(self) -> usize {
        [self.socioeconomic, self.biological, self.hospital, self.outcome].iter().fold(0, |p, &on| 2 * p + usize::from(on))
    }
}

/// The exogenous part of a patient: everything that is left to chance. The same noise in two worlds makes them
/// comparable draw by draw.
#[derive(Clone, Debug)]
pub struct Noise {
    age: f64,
    female: f64,
    zip: f64,
    medicaid: f64,
    diabetes: f64,
    egfr: f64,
    lvef: f64,
    hospital: f64,
}

impl Noise {
    pub fn draw(rng: &mut impl Rng) -> Self {
        Self {
            age: rng.sample(StandardNormal),
            female: rng.random(),
            zip: rng.random(),
            medicaid: rng.random(),
            diabetes: rng.random(),
            egfr: rng.sample(StandardNormal),
            lvef: rng.sample(StandardNormal),
            hospital: rng.random(),
        }
    }
}

#[derive(Clone, Copy, Debug)]
pub struct Allowable {
    pub age_days: i32,
    pub age_years: f64,
    pub female: bool,
    /// Age in years minus 66.
    pub age: f64,
}

#[derive(Clone, Copy, Debug)]
pub struct Socioeconomic {
    pub zip: usize,
    pub medicaid: bool,
}

impl Socioeconomic {
    /// The 120 states, area by area, without and with Medicaid.
    pub const STATES: usize = 2 * AREAS;

    pub fn state(self) -> usize {
        2 * self.zip + usize::from(self.medicaid)
    }

    pub fn from_state(state: usize) -> Self {
        Self { zip: state / 2, medicaid: state % 2 == 1 }
    }
}

#[derive(Clone, Copy, Debug)]
pub struct Biological {
    pub diabetes: bool,
    /// mL/min/1.73 m².
    pub egfr: f64,
    /// Percent.
    pub lvef: f64,
}

/// A discrete distribution: probabilities and their running sums.
#[derive(Clone, Debug)]
struct Discrete {
    probability: Vec<f64>,
    cumulative: Vec<f64>,
}

impl Discrete {
    /// Proportional to e^utility.
    fn softmax(utility: impl Iterator<Item = f64>) -> Self {
        let weight: Vec<f64> = utility.map(f64::exp).collect();
        let total: f64 = weight.iter().sum();
        let probability: Vec<f64> = weight.into_iter().map(|w| w / total).collect();
        let cumulative = running_sums(&probability);
        Self { probability, cumulative }
    }

    fn at(&self, u: f64) -> usize {
        position(&self.cumulative, u)
    }
}

pub fn running_sums(weights: &[f64]) -> Vec<f64> {
    weights
        .iter()
        .scan(0.0, |sum, w| {
            *sum += w;
            Some(*sum)
        })
        .collect()
}

/// The first position whose running sum exceeds `level`; the last one when rounding leaves none.
pub fn position(cumulative: &[f64], level: f64) -> usize {
    cumulative.partition_point(|&c| c <= level).min(cumulative.len() - 1)
}

/// The equations of one scenario.
#[derive(Clone, Debug)]
pub struct Model {
    pub parameters: Parameters,
    pub geography: Geography,
    /// P(area), by switch.
    zip: [Discrete; 2],
    /// P(hospital | area, Medicaid), by switch and state.
    hospital: [Vec<Discrete>; 2],
}

impl Model {
    pub fn new(parameters: &Parameters, hospitals: usize) -> Self {
        let geography = Geography::new(hospitals);
        let p = parameters;
        let zip = [0.0, 1.0].map(|r| Discrete::softmax(geography.areas.iter().map(|a| p.segregation * r * a.deprivation)));
        let hospital = [0.0, 1.0].map(|r| {
            (0..Socioeconomic::STATES)
                .map(|state| {
                    let s = Socioeconomic::from_state(state);
                    let preference = p.quality_choice * (1.0 - 0.6 * f64::from(u8::from(s.medicaid))) - p.sorting * r;
                    let utility = |(j, h): (usize, &Hospital)| -6.0 * geography.distance(s.zip, j) + preference * h.quality;
                    Discrete::softmax(geography.hospitals.iter().enumerate().map(utility))
                })
                .collect()
        });
        Self { parameters: parameters.clone(), geography, zip, hospital }
    }

    pub fn deprivation(&self, zip: usize) -> f64 {
        self.geography.areas[zip].deprivation
    }

    pub fn quality(&self, hospital: usize) -> f64 {
        self.geography.hospitals[hospital].quality
    }

    /// age = 66 + 10ε + shift, in whole days, clipped to 18..100 years; female ~ Bern(.32 + shift).
    pub fn allowable(&self, noise: &Noise, index: bool) -> Allowable {
        let r = f64::from(u8::from(index));
        let years = 66.0 + 10.0 * noise.age + self.parameters.age_shift * r;
        let age_days = ((years * DAYS_PER_YEAR).round() as i32).clamp(MIN_AGE_DAYS, MAX_AGE_DAYS);
        let age_years = f64::from(age_days) / DAYS_PER_YEAR;
        Allowable { age_days, age_years, female: noise.female < 0.32 + self.parameters.female_shift * r, age: age_years - 66.0 }
    }

    /// P(area) of the reference group or the index group.
    pub fn zip_probability(&self, zip: usize, index: bool) -> f64 {
        self.zip[usize::from(index)].probability[zip]
    }

    /// P(Medicaid | area, age).
    pub fn medicaid_probability(&self, c: &Allowable, zip: usize, index: bool) -> f64 {
        expit(-1.5 + 0.8 * self.deprivation(zip) + self.parameters.medicaid_shift * f64::from(u8::from(index)) - 0.01 * c.age)
    }

    pub fn socioeconomic(&self, noise: &Noise, c: &Allowable, index: bool) -> Socioeconomic {
        let zip = self.zip[usize::from(index)].at(noise.zip);
        Socioeconomic { zip, medicaid: noise.medicaid < self.medicaid_probability(c, zip, index) }
    }

    /// P(diabetes | age, area).
    pub fn diabetes_probability(&self, c: &Allowable, zip: usize, index: bool) -> f64 {
        let p = &self.parameters;
        expit(-0.8 + 0.02 * c.age + 0.35 * p.deprivation_to_biology * self.deprivation(zip) + p.biology_shift * f64::from(u8::from(index)))
    }

    /// Means of eGFR and LVEF before flooring and clipping.
    fn biology_means(&self, c: &Allowable, zip: usize, diabetes: bool, index: bool) -> (f64, f64) {
        let p = &self.parameters;
        let (dm, r) = (f64::from(u8::from(diabetes)), f64::from(u8::from(index)));
        let by_area = p.deprivation_to_biology * self.deprivation(zip);
        (75.0 - 0.7 * c.age - 6.0 * dm - 2.0 * by_area - 6.0 * p.biology_shift * r, 55.0 - 3.0 * dm - by_area - 3.0 * p.biology_shift * r)
    }

    pub fn biological(&self, noise: &Noise, c: &Allowable, s: Socioeconomic, index: bool) -> Biological {
        let diabetes = noise.diabetes < self.diabetes_probability(c, s.zip, index);
        let (egfr, lvef) = self.biology_means(c, s.zip, diabetes, index);
        Biological {
            diabetes,
            egfr: (egfr + EGFR_SD * noise.egfr).max(EGFR_FLOOR),
            lvef: (lvef + LVEF_SD * noise.lvef).clamp(LVEF_RANGE.0, LVEF_RANGE.1),
        }
    }

    /// The density of these biological factors, up to a constant that does not depend on the area: normal, or the
    /// probability mass beyond the bound for a value that stands at one.
    pub fn biology_density(&self, b: &Biological, c: &Allowable, zip: usize, index: bool) -> f64 {
        let diabetes = self.diabetes_probability(c, zip, index);
        let (egfr, lvef) = self.biology_means(c, zip, b.diabetes, index);
        let (z_egfr, z_lvef) = ((b.egfr - egfr) / EGFR_SD, (b.lvef - lvef) / LVEF_SD);
        let normal = Normal::standard();
        let (mut exponent, mut mass) = (0.0, 1.0);
        if b.egfr <= EGFR_FLOOR {
            mass *= normal.cdf(z_egfr);
        } else {
            exponent -= 0.5 * z_egfr * z_egfr;
        }
        if b.lvef <= LVEF_RANGE.0 {
            mass *= normal.cdf(z_lvef);
        } else if b.lvef >= LVEF_RANGE.1 {
            mass *= normal.cdf(-z_lvef);
        } else {
            exponent -= 0.5 * z_lvef * z_lvef;
        }
        mass * exponent.exp() * if b.diabetes { diabetes } else { 1.0 - diabetes }
    }

    /// P(hospital | area, Medicaid).
    pub fn hospital_probability(&self, state: usize, hospital: usize, index: bool) -> f64 {
        self.hospital[usize::from(index)][state].probability[hospital]
    }

    /// Utility of hospital j: -6 distance + [.3 (1 - .6 Medicaid) - sorting] quality; multinomial logit.
    pub fn hospital(&self, noise: &Noise, s: Socioeconomic, index: bool) -> usize {
        let hospital = self.hospital[usize::from(index)][s.state()].at(noise.hospital);
        debug_assert!(hospital < self.geography.hospitals.len());
        hospital
    }

    /// P(death or major morbidity within 30 days).
    pub fn outcome(&self, c: &Allowable, s: Socioeconomic, b: &Biological, hospital: usize, index: bool) -> f64 {
        let p = &self.parameters;
        let quality = self.quality(hospital);
        let social = p.socioeconomic_to_outcome * (0.2 * self.deprivation(s.zip) + 0.2 * f64::from(u8::from(s.medicaid)));
        let shift = if index { p.outcome_shift - p.outcome_shift_by_quality * quality } else { 0.0 };
        expit(
            p.outcome_intercept + 0.04 * c.age + 0.2 * f64::from(u8::from(c.female)) + social + 0.45 * f64::from(u8::from(b.diabetes))
                - 0.015 * (b.egfr - 75.0)
                - 0.03 * (b.lvef - 55.0)
                - 0.45 * p.quality_to_outcome * quality
                + shift,
        )
    }
}
