//! Units of measurement. Conversions are exact ratios within mass or amount concentrations; between the two the analyte must be
//! named. Nothing is guessed: a unit that is not known here and has no factor in the study file is an error.

use crate::cohort::plan::MeasurePlan;
use crate::error::{Problem, codes, nearest};
use std::collections::HashMap;

/// Spellings that are remembered.
const MOST_SPELLINGS: usize = 1 << 12;

/// What a unit measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dimension {
    /// In mg/dL.
    Mass,
    /// In umol/L.
    Amount,
    /// In umol/L of charge.
    Charge,
    /// In U/L.
    Activity,
    /// Cells per nL (10^9/L).
    Cells,
    /// In mmHg.
    Pressure,
    /// In 1.
    Share,
    /// In kg.
    Weight,
    /// In cm.
    Length,
}

/// Spelling in small letters, dimension, and how many of the dimension's unit one is, as numerator and denominator.
const UNITS: &[(&str, Dimension, f64, f64)] = &[
    ("mg/dl", Dimension::Mass, 1.0, 1.0),
    ("mg%", Dimension::Mass, 1.0, 1.0),
    ("g/dl", Dimension::Mass, 1e3, 1.0),
    ("g/l", Dimension::Mass, 100.0, 1.0),
    ("mg/l", Dimension::Mass, 1.0, 10.0),
    ("ug/l", Dimension::Mass, 1.0, 1e4),
    ("ug/dl", Dimension::Mass, 1.0, 1e3),
    ("ug/ml", Dimension::Mass, 1.0, 10.0),
    ("mg/ml", Dimension::Mass, 100.0, 1.0),
    ("ng/ml", Dimension::Mass, 1.0, 1e4),
    ("ng/dl", Dimension::Mass, 1.0, 1e6),
    ("ng/l", Dimension::Mass, 1.0, 1e7),
    ("pg/ml", Dimension::Mass, 1.0, 1e7),
    ("mol/l", Dimension::Amount, 1e6, 1.0),
    ("mmol/l", Dimension::Amount, 1e3, 1.0),
    ("umol/l", Dimension::Amount, 1.0, 1.0),
    ("nmol/l", Dimension::Amount, 1.0, 1e3),
    ("pmol/l", Dimension::Amount, 1.0, 1e6),
    ("meq/l", Dimension::Charge, 1e3, 1.0),
    ("u/l", Dimension::Activity, 1.0, 1.0),
    ("iu/l", Dimension::Activity, 1.0, 1.0),
    ("u/ml", Dimension::Activity, 1e3, 1.0),
    ("iu/ml", Dimension::Activity, 1e3, 1.0),
    ("10^9/l", Dimension::Cells, 1.0, 1.0),
    ("10*9/l", Dimension::Cells, 1.0, 1.0),
    ("10^3/ul", Dimension::Cells, 1.0, 1.0),
    ("10*3/ul", Dimension::Cells, 1.0, 1.0),
    ("k/ul", Dimension::Cells, 1.0, 1.0),
    ("/ul", Dimension::Cells, 1.0, 1e3),
    ("mmhg", Dimension::Pressure, 1.0, 1.0),
    ("mm[hg]", Dimension::Pressure, 1.0, 1.0),
    ("kpa", Dimension::Pressure, 760.0, 101.325),
    ("%", Dimension::Share, 1.0, 100.0),
    ("1", Dimension::Share, 1.0, 1.0),
    ("kg", Dimension::Weight, 1.0, 1.0),
    ("g", Dimension::Weight, 1.0, 1e3),
    ("lb", Dimension::Weight, 0.453_592_37, 1.0),
    ("cm", Dimension::Length, 1.0, 1.0),
    ("m", Dimension::Length, 100.0, 1.0),
    ("mm", Dimension::Length, 1.0, 10.0),
    ("in", Dimension::Length, 2.54, 1.0),
];

/// An analyte: umol/L in 1 mg/dL (10,000 / molar mass; creatinine the customary 88.4), and charges of the ion (0: none).
/// Molar masses: CIAAW standard atomic weights. Urea nitrogen counts the two nitrogen atoms, phosphate the phosphorus.
const ANALYTES: &[(&str, f64, f64)] = &[
    ("creatinine", 88.4, 0.0),
    ("glucose", 10_000.0 / 180.156, 0.0),
    ("urea_nitrogen", 10_000.0 / 28.014, 0.0),
    ("urea", 10_000.0 / 60.056, 0.0),
    ("bilirubin", 10_000.0 / 584.673, 0.0),
    ("uric_acid", 10_000.0 / 168.112, 0.0),
    ("cholesterol", 10_000.0 / 386.664, 0.0),
    ("triglycerides", 10_000.0 / 885.45, 0.0),
    ("lactate", 10_000.0 / 90.078, 0.0),
    ("iron", 10_000.0 / 55.845, 0.0),
    ("phosphate", 10_000.0 / 30.974, 0.0),
    ("calcium", 10_000.0 / 40.078, 2.0),
    ("magnesium", 10_000.0 / 24.305, 2.0),
    ("sodium", 10_000.0 / 22.990, 1.0),
    ("potassium", 10_000.0 / 39.098, 1.0),
    ("chloride", 10_000.0 / 35.453, 1.0),
    ("bicarbonate", 10_000.0 / 61.017, 1.0),
];

/// A spelling without spaces, in small letters; both letters mu, and `mc`, become `u`.
fn normal(unit: &str) -> String {
    let plain: String = unit
        .chars()
        .filter(|c| !c.is_whitespace())
        .map(|c| match c {
            'µ' | 'μ' => 'u',
            other => other.to_ascii_lowercase(),
        })
        .collect();
    match plain.strip_prefix("mc") {
        Some(rest) if rest.starts_with("mol") || rest.starts_with("g/") => format!("u{rest}"),
        _ => plain,
    }
}

/// A conversion: times `.0`, divided by `.1`.
pub(super) type Ratio = (f64, f64);

/// Converts values to one unit; remembers what each spelling came to.
pub(super) struct Converter {
    to: String,
    of: Option<(f64, f64)>,
    factors: HashMap<String, f64>,
    unstated: Option<String>,
    seen: HashMap<String, Option<Ratio>>,
}

impl Converter {
    pub fn new(plan: &MeasurePlan) -> Self {
        let of = plan.of.as_ref().and_then(|of| analyte(&of.name));
        let factors = plan.factors.iter().map(|(unit, f)| (normal(unit), *f)).collect();
        Self { to: normal(&plan.to.name), of, factors, unstated: plan.unstated.as_deref().map(normal), seen: HashMap::new() }
    }

    /// How a value in this unit is converted; `None` if it cannot be.
    pub fn ratio(&mut self, unit: &str) -> Option<Ratio> {
        if let Some(known) = self.seen.get(unit) {
            return *known;
        }
        let plain = match (unit.trim(), &self.unstated) {
            ("", Some(unstated)) => unstated.clone(),
            _ => normal(unit),
        };
        let found = if let Some(f) = self.factors.get(&plain) {
            Some((*f, 1.0))
        } else if plain == self.to && !plain.is_empty() {
            Some((1.0, 1.0))
        } else {
            ratio(&plain, &self.to, self.of)
        };
        if self.seen.len() < MOST_SPELLINGS {
            self.seen.insert(unit.to_owned(), found);
        }
        found
    }
}

fn analyte(name: &str) -> Option<(f64, f64)> {
    ANALYTES.iter().find(|a| a.0 == name).map(|a| (a.1, a.2))
}

fn known(plain: &str) -> Option<(Dimension, f64, f64)> {
    UNITS.iter().find(|u| u.0 == plain).map(|u| (u.1, u.2, u.3))
}

fn ratio(from: &str, to: &str, of: Option<(f64, f64)>) -> Option<Ratio> {
    let (d_from, n_from, m_from) = known(from)?;
    let (d_to, n_to, m_to) = known(to)?;
    let across = match (d_from, d_to) {
        (a, b) if a == b => (1.0, 1.0),
        (Dimension::Mass, Dimension::Amount) => (of?.0, 1.0),
        (Dimension::Amount, Dimension::Mass) => (1.0, of?.0),
        (Dimension::Amount, Dimension::Charge) => (charges(of)?, 1.0),
        (Dimension::Charge, Dimension::Amount) => (1.0, charges(of)?),
        (Dimension::Mass, Dimension::Charge) => (of?.0 * charges(of)?, 1.0),
        (Dimension::Charge, Dimension::Mass) => (1.0, of?.0 * charges(of)?),
        _ => return None,
    };
    Some((n_from * across.0 * m_to, m_from * across.1 * n_to))
}

fn charges(of: Option<(f64, f64)>) -> Option<f64> {
    of.map(|a| a.1).filter(|z| *z > 0.0)
}

/// What can be wrong with the plan before a row is read. Errors: G210.
pub(in crate::cohort) fn check(plan: &MeasurePlan) -> Result<(), Box<Problem>> {
    if let Some(of) = plan.of.as_ref().filter(|of| analyte(&of.name).is_none()) {
        let names: Vec<&str> = ANALYTES.iter().map(|a| a.0).collect();
        let problem = Problem::error(codes::G210, format!("no conversion is known for `{}`", of.name)).at(of.place.clone());
        let problem = problem.note(format!("known: {}", names.join(", ")));
        return Err(Box::new(match nearest(&of.name, names.iter().copied()) {
            Some(near) => problem.help(format!("write `{near}`, or give `factors` of your own: {{ umol/L: 0.01131 }}")),
            None => problem.help("give `factors` of your own: { umol/L: 0.01131 }"),
        }));
    }
    if let Some((unit, factor)) = plan.factors.iter().find(|(_, f)| !(f.is_finite() && **f > 0.0)) {
        return Err(Box::new(
            Problem::error(codes::G213, format!("the factor of `{unit}` is {factor}: factors are above 0")).at(plan.to.place.clone()),
        ));
    }
    if known(&normal(&plan.to.name)).is_none() && plan.factors.is_empty() {
        let problem = Problem::error(codes::G210, format!("`{}` is not a unit that conversions are known for", plan.to.name));
        let problem = problem.at(plan.to.place.clone()).label("not known");
        return Err(Box::new(match nearest(&normal(&plan.to.name), UNITS.iter().map(|u| u.0)) {
            Some(near) => problem.help(format!("is `{near}` meant? Otherwise give `factors`")),
            None => problem.help("give `factors`: what one of each unit is in this one"),
        }));
    }
    Ok(())
}

/// What would make a unit convertible.
pub(super) fn advice(plan: &MeasurePlan, unit: &str) -> String {
    let plain = normal(unit);
    let needs_analyte = plan.of.is_none() && known(&plain).is_some() && known(&normal(&plan.to.name)).is_some();
    let factor = format!("factors: {{ \"{unit}\": <one {unit} in {}> }}", plan.to.name);
    if plain.is_empty() {
        format!("say what values without a unit are in, such as `unstated: {}`; or set them aside: `on_unknown: set_null`", plan.to.name)
    } else if needs_analyte {
        format!("name the analyte, such as `of: creatinine`; or give the factor: `{factor}`")
    } else {
        format!("give the factor: `{factor}`; or set such values aside: `on_unknown: set_null`")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conversions_are_those_of_the_handbooks() {
        // AMA Manual of Style, conversion to SI units (table 17.5-2), as rounded there.
        for (analyte_name, from, to, factor, digits) in [
            ("creatinine", "mg/dL", "umol/L", 88.4, 4),
            ("glucose", "mg/dL", "mmol/L", 0.0555, 4),
            ("urea_nitrogen", "mg/dL", "mmol/L", 0.357, 3),
            ("bilirubin", "mg/dL", "µmol/L", 17.104, 3),
            ("uric_acid", "mg/dL", "mmol/L", 0.0595, 4),
            ("cholesterol", "mg/dL", "mmol/L", 0.0259, 4),
            ("triglycerides", "mg/dL", "mmol/L", 0.0113, 4),
            ("lactate", "mg/dL", "mmol/L", 0.111, 3),
            ("iron", "μg/dL", "umol/L", 0.179, 3),
            ("phosphate", "mg/dL", "mmol/L", 0.323, 3),
            ("calcium", "mg/dL", "mmol/L", 0.25, 2),
            ("magnesium", "mEq/L", "mmol/L", 0.5, 4),
            ("magnesium", "mg/dL", "mmol/L", 0.411, 3),
            ("potassium", "mEq/L", "mmol/L", 1.0, 4),
        ] {
            let (n, m) = ratio(&normal(from), &normal(to), analyte(analyte_name)).unwrap_or((f64::NAN, 1.0));
            let scale = 10f64.powi(digits);
            assert_eq!((n / m * scale).round() / scale, factor, "{analyte_name} {from}");
        }
    }

    #[test]
    fn nothing_is_converted_by_guess() {
        let of = |name: &str| analyte(name);
        assert_eq!(ratio("umol/l", "mg/dl", None), None);
        assert_eq!(ratio("mmhg", "mg/dl", of("creatinine")), None);
        assert_eq!(ratio("meq/l", "mmol/l", of("glucose")), None);
        assert_eq!(ratio("furlong", "mg/dl", of("creatinine")), None);
        assert_eq!(ratio("g/l", "mg/dl", None), Some((100.0, 1.0)));
        assert_eq!(ratio("umol/l", "mg/dl", of("creatinine")), Some((1.0, 88.4)));
        assert_eq!([normal("mcmol/L"), normal(" µmol / L"), normal("MG/DL")], ["umol/l", "umol/l", "mg/dl"]);
    }
}
