//! How numbers are written: units of each scale, decimals, the true minus sign, `a to b` for ranges.

use crate::release::Meta;

/// The unit in which gaps of one scale are shown, and how means of the outcome are.
#[derive(Clone, Debug, PartialEq)]
pub struct Units {
    /// Shown value = table value times this.
    pub factor: f64,
    /// Decimals in tables and charts.
    pub places: usize,
    /// Decimals in sentences.
    pub lead_places: usize,
    /// In full, for axes and first use: `percentage points`, `days`, `events per 1,000 days`.
    pub word: String,
    /// For table heads: `pp`, `days`.
    pub short: String,
    /// After a number in a sentence once the unit is known: `points`, `days`.
    pub noun: String,
}

impl Units {
    /// Units of a gap on `scale`. `std_errors`: those of the rows to be shown, which set the decimals.
    /// `mean_reference`: the reference group's mean, which sets the multiple of a rate.
    pub fn of(meta: &Meta, scale: &str, std_errors: &[f64], mean_reference: Option<f64>) -> Self {
        let smallest = std_errors.iter().copied().filter(|s| *s > 0.0).fold(f64::INFINITY, f64::min);
        match scale {
            "risk_difference" => {
                let places = if smallest < 0.0005 { 3 } else { 2 };
                Self { factor: 100.0, places, lead_places: 1, word: "percentage points".into(), short: "pp".into(), noun: "points".into() }
            }
            "mean_difference" => {
                let word = outcome_unit(meta);
                let largest = std_errors.iter().copied().fold(0.0, f64::max);
                let places = places_for(largest);
                Self { factor: 1.0, places, lead_places: places.saturating_sub(1), short: word.clone(), noun: word.clone(), word }
            }
            "rate_difference" => {
                let factor = rate_factor(mean_reference);
                let per = match &meta.exposure {
                    Some(exposure) => label(meta, exposure).to_owned(),
                    None => "units of exposure".to_owned(),
                };
                let word = if factor == 1.0 { format!("events per unit of {per}") } else { format!("events per {} {per}", fixed(factor, 0)) };
                let largest = std_errors.iter().copied().fold(0.0, f64::max) * factor;
                let places = places_for(largest);
                Self { factor, places, lead_places: places.saturating_sub(1), short: word.clone(), noun: word.clone(), word }
            }
            "log_odds" => Self { factor: 1.0, places: 2, lead_places: 2, word: "log odds".into(), short: "log odds".into(), noun: "log odds".into() },
            other => {
                Self { factor: 1.0, places: 2, lead_places: 2, word: other.replace('_', " "), short: other.replace('_', " "), noun: String::new() }
            }
        }
    }

    pub fn show(&self, v: f64) -> String {
        fixed(v * self.factor, self.places)
    }

    pub fn lead(&self, v: f64) -> String {
        fixed(v * self.factor, self.lead_places)
    }

    pub fn range(&self, low: f64, high: f64) -> String {
        range(low * self.factor, high * self.factor, self.places)
    }

    pub fn lead_range(&self, low: f64, high: f64) -> String {
        range(low * self.factor, high * self.factor, self.lead_places)
    }
}

/// The user's label of a variable, or its name.
pub fn label<'a>(meta: &'a Meta, variable: &'a str) -> &'a str {
    meta.labels.get(variable).map_or(variable, String::as_str)
}

/// The unit of a gaussian outcome: what stands after the last comma of its label (`Length of stay, days`).
fn outcome_unit(meta: &Meta) -> String {
    let label = label(meta, &meta.outcome);
    match label.rsplit_once(", ") {
        Some((_, unit)) if !unit.trim().is_empty() => unit.trim().to_owned(),
        _ => format!("units of {label}"),
    }
}

/// The label of the outcome without its unit.
pub fn outcome_name(meta: &Meta) -> String {
    let label = label(meta, &meta.outcome);
    match (meta.family.as_str(), label.rsplit_once(", ")) {
        ("gaussian", Some((name, _))) => name.to_owned(),
        _ => label.to_owned(),
    }
}

/// Two significant digits of a standard error.
fn places_for(std_error: f64) -> usize {
    if std_error.is_finite() && std_error > 0.0 { (1.0 - std_error.log10().floor()).clamp(0.0, 6.0) as usize } else { 2 }
}

/// The power of ten that gives a rate at least one digit before the point, 1 to 1,000,000.
fn rate_factor(rate: Option<f64>) -> f64 {
    let mut factor = 1.0;
    if let Some(rate) = rate.filter(|r| *r > 0.0) {
        while rate * factor < 1.0 && factor < 1e6 {
            factor *= 10.0;
        }
    }
    factor
}

/// Fixed decimals, thousands with commas, U+2212 for minus, never minus zero.
pub fn fixed(v: f64, places: usize) -> String {
    let text = format!("{:.places$}", v.abs());
    let (whole, fraction) = text.split_once('.').map_or((text.as_str(), None), |(w, f)| (w, Some(f)));
    let mut grouped = String::new();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    if let Some(f) = fraction {
        grouped.push('.');
        grouped.push_str(f);
    }
    if v < 0.0 && text.bytes().any(|b| (b'1'..=b'9').contains(&b)) { format!("\u{2212}{grouped}") } else { grouped }
}

/// `a to b` with no-break spaces.
pub fn range(low: f64, high: f64, places: usize) -> String {
    format!("{}\u{a0}to\u{a0}{}", fixed(low, places), fixed(high, places))
}

/// A share as a whole percentage.
pub fn percent(share: f64) -> String {
    format!("{}%", fixed(share * 100.0, 0))
}

pub fn count(n: i64) -> String {
    fixed(n as f64, 0)
}

/// About four significant digits, for figures of any size.
pub fn general(v: f64) -> String {
    let magnitude = if v == 0.0 { 0.0 } else { v.abs().log10().floor() };
    if v.fract() == 0.0 && v.abs() < 1e15 {
        return fixed(v, 0);
    }
    if magnitude < -6.0 {
        return format!("{v:.2e}").replace('-', "\u{2212}");
    }
    let text = fixed(v, (3.0 - magnitude).clamp(0.0, 9.0) as usize);
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// `95%` from 0.95, `99.5%` from 0.995.
pub fn level(level: f64) -> String {
    let percent = (level * 1000.0).round() / 10.0;
    format!("{}%", fixed(percent, usize::from(percent.fract() != 0.0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_by_the_design_rules() {
        for (v, places, want) in [
            (0.0, 2, "0.00"),
            (-0.001, 2, "0.00"),
            (-1.16, 2, "\u{2212}1.16"),
            (19900.0, 0, "19,900"),
            (1234567.891, 1, "1,234,567.9"),
            (100.0, 0, "100"),
        ] {
            assert_eq!(fixed(v, places), want);
        }
        assert_eq!(range(-0.6, 1.4, 1), "\u{2212}0.6\u{a0}to\u{a0}1.4");
        assert_eq!(percent(0.27), "27%");
        assert_eq!(level(0.95), "95%");
        assert_eq!(level(0.995), "99.5%");
        assert_eq!(general(0.12345), "0.1235");
        assert_eq!(general(14102.0), "14,102");
        assert_eq!(general(0.056), "0.056");
    }

    #[test]
    fn units_follow_the_scale() {
        let mut meta = Meta { outcome: "los".into(), family: "gaussian".into(), ..Meta::default() };
        meta.labels.insert("los".into(), "Length of stay, days".into());
        let days = Units::of(&meta, "mean_difference", &[0.25], None);
        assert_eq!((days.word.as_str(), days.show(1.2345).as_str()), ("days", "1.23"));
        meta.exposure = Some("patient-days".into());
        let rate = Units::of(&meta, "rate_difference", &[0.0004], Some(0.0132));
        assert_eq!((rate.word.as_str(), rate.show(0.0021).as_str()), ("events per 100 patient-days", "0.210"));
        let risk = Units::of(&meta, "risk_difference", &[0.01, 0.0003], None);
        assert_eq!(risk.show(0.0123), "1.230");
    }
}
