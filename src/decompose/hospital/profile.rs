//! The hospitals one by one: their parts of Kitagawa's division, observed and expected outcomes, shrunken effects. A description, never
//! a ranking, and no part of the sorting numbers.

use super::Hospital;
use super::roster::{Counts, Roster};
use super::table::{HospitalRow, HospitalUnit, HospitalValue, Kitagawas};
use crate::decompose::Fact;
use crate::decompose::fits::{Fits, FittedIn, GroupTerms};
use crate::model::FitError;
use crate::model::mixed::{self, MixedFit};
use crate::vocab::Family;

/// What describes the hospitals.
pub struct Profile {
    pub rows: Vec<HospitalRow>,
    pub units: Vec<HospitalUnit>,
    pub facts: Vec<Fact>,
}

/// Expected outcomes are those of the model of patients in both groups together, without hospitals and without the group, so that
/// observed and expected agree in total; effects are conditional modes of the same model with a random intercept.
pub fn profile(settings: &Hospital, fits: &Fits<'_>, roster: &Roster<'_>, counts: &Counts, divided: &Kitagawas) -> Profile {
    let c = fits.contrast;
    let family = c.design.family;
    let (mut rows, mut facts) = (Vec::new(), Vec::new());
    let patients = fits.matrix(FittedIn::Pooled, settings.given, GroupTerms::Without);
    let model = patients.and_then(|m| Ok((fits.outcome(FittedIn::Pooled, settings.given, GroupTerms::Without, family)?, m)));
    let mixed = match (&model, family) {
        (Ok((_, m)), Family::Binomial | Family::Gaussian) => Some(mixed::fit(m, roster.hospitals(), family, settings.quadrature, &c.y, &c.w)),
        (Err(_), _) | (_, Family::Probit | Family::Poisson) => None,
    };
    let mut number = |name, value: Result<f64, String>| {
        let value = value.map_or_else(HospitalValue::Missing, HospitalValue::Number);
        rows.push(HospitalRow { name, family: None, value });
    };
    let none = || match &model {
        Err(e) => e.to_string(),
        Ok(_) => format!("no random-intercept model for a {} outcome with a {} link", family.name(), family.link()),
    };
    let of = |f: fn(&MixedFit) -> f64| match &mixed {
        None => Err(none()),
        Some(Err(e)) => Err(describe(e)),
        Some(Ok(fit)) => Ok(f(fit)),
    };
    number("intraclass_correlation", of(MixedFit::intraclass_correlation));
    if family.is_binomial() {
        number("median_odds_ratio", of(MixedFit::median_odds_ratio));
    }
    if let Some(Err(e)) = &mixed {
        facts.push(Fact::informs("random_intercept", None, describe(e)));
    }
    let mut sums = vec![[0.0; 3]; roster.len()];
    let mut events = vec![[0.0; 2]; roster.len()];
    for i in c.units().filter(|&i| c.w[i] > 0.0) {
        let h = roster.of(i);
        let expected = model.as_ref().map_or(0.0, |(fit, m)| family.mean(m.dot(i, &fit.beta, None)));
        [1.0, c.y[i], expected].into_iter().zip(&mut sums[h]).for_each(|(v, s)| *s += c.w[i] * v);
        events[h][usize::from(c.r[i] == 1.0)] += c.design.y[i];
    }
    let units = (0..roster.len()).filter(|&h| counts.units[h] != [0, 0]).map(|h| HospitalUnit {
        hospital: roster.labels[h].to_owned(),
        units: counts.units[h],
        events: (family != Family::Gaussian).then(|| events[h].map(|e| e as u64)),
        raw: divided.raw.units[h],
        between_centred: divided.raw.centred[h],
        adjusted: divided.adjusted.as_ref().ok().map(|k| k.units[h]),
        observed: sums[h][1] / sums[h][0],
        expected: model.is_ok().then(|| sums[h][2] / sums[h][0]),
        effect: mixed.as_ref().and_then(|m| m.as_ref().ok()).map(|m| m.effects[h]),
    });
    Profile { rows, units: units.collect(), facts }
}

fn describe(e: &FitError) -> String {
    format!("the random-intercept model that describes hospitals has no fit: {e}")
}
