//! The rows of the hospital tables.

use super::kitagawa::{Contextual, Kitagawa, adjusted, contextual, kitagawa};
use super::means::Means;
use super::roster::{Counts, LeftOut, Roster, left_out, without};
use super::{REFUSED, divided};
use crate::decompose::DecomposeError;
use crate::decompose::fits::Fits;
use crate::estimate::Estimate;
use crate::vocab::BlockSet;

/// What the hospital method gives beside the parts of the gap.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HospitalTables {
    pub rows: Vec<HospitalRow>,
    pub units: Vec<HospitalUnit>,
    /// Units that are not in the population whose gap is divided.
    pub left_out: LeftOut,
    /// The column of the ids.
    pub id: Option<String>,
    /// Whether the models hold nothing but the groups and the hospitals: every number then follows from hospitals' counts alone.
    pub of_counts: bool,
}

/// A row of the hospital table.
#[derive(Clone, Debug, PartialEq)]
pub struct HospitalRow {
    pub name: &'static str,
    /// A or B, where it is of one of them.
    pub family: Option<&'static str>,
    pub value: HospitalValue,
    /// Units that are not in its population.
    pub left_out: LeftOut,
    /// Whether it follows from the units and outcomes of each hospital alone: with all but a few hospitals known it tells theirs.
    pub of_counts: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub enum HospitalValue {
    Estimate(Estimate),
    /// A number without a standard error.
    Number(f64),
    /// Why there is none.
    Missing(String),
}

/// A hospital. Its parts of the division between and within are null where there is none.
#[derive(Clone, Debug, PartialEq)]
pub struct HospitalUnit {
    pub hospital: String,
    /// Reference and index units.
    pub units: [usize; 2],
    /// Their events, of a binomial or poisson outcome.
    pub events: Option<[u64; 2]>,
    pub raw: [f64; 2],
    pub between_centred: f64,
    pub adjusted: Option<[f64; 2]>,
    /// Mean outcome of both groups together, observed and expected given the patients.
    pub observed: f64,
    pub expected: Option<f64>,
    /// Conditional mode and standard deviation of the random intercept.
    pub effect: Option<(f64, f64)>,
}

impl HospitalRow {
    pub fn estimate(name: &'static str, family: Option<&'static str>, e: Estimate) -> Self {
        Self::new(name, family, HospitalValue::Estimate(e))
    }

    /// A row of all units.
    pub fn new(name: &'static str, family: Option<&'static str>, value: HospitalValue) -> Self {
        Self { name, family, value, left_out: LeftOut::default(), of_counts: false }
    }

    fn from(name: &'static str, family: Option<&'static str>, value: Result<Estimate, DecomposeError>) -> Self {
        Self::new(name, family, value.map_or_else(|e| HospitalValue::Missing(reason(&e)), HospitalValue::Estimate))
    }

    fn without(mut self, left_out: LeftOut) -> Self {
        self.left_out = left_out;
        self
    }
}

/// The pair of one family, the adjusted gap that it divides, and the means that it is made of.
pub fn family_rows(family: usize, m: &Means, refused: Option<&str>) -> Vec<HospitalRow> {
    let name = ["A", "B"][family];
    let last = [("mean_patients_and_hospital", Ok(m.at_hospitals.clone())), ("mean_elsewhere", m.elsewhere.clone())];
    let mut rows = pair(family, m, ["where_they_go", "how_they_fare_there"]);
    rows.push(HospitalRow::estimate("adjusted_gap", Some(name), m.index.minus(&m.patients)));
    rows.push(HospitalRow::estimate("mean_index", Some(name), m.index.clone()));
    rows.push(HospitalRow::estimate("mean_patients", Some(name), m.patients.clone()));
    let [reference_surface, index_surface] = last;
    let (of_family, mean) = if family == 0 { reference_surface } else { index_surface };
    rows.push(HospitalRow::from(of_family, Some(name), mean));
    if let Some(reason) = refused {
        rows.iter_mut().for_each(|r| r.value = HospitalValue::Missing(reason.to_owned()));
    }
    rows.into_iter().map(|r| r.without(m.left_out)).collect()
}

/// The pair with every unit, hospitals that lack a group borrowed: what `restrict` leaves.
pub fn borrowed_rows(family: usize, m: &Means) -> Vec<HospitalRow> {
    pair(family, m, ["where_they_go_borrowed", "how_they_fare_there_borrowed"])
}

fn pair(family: usize, m: &Means, names: [&'static str; 2]) -> Vec<HospitalRow> {
    let letter = Some(["A", "B"][family]);
    match divided(m, family) {
        Ok(pair) => names.into_iter().zip(pair).map(|(name, e)| HospitalRow::estimate(name, letter, e)).collect(),
        Err(e) => names.into_iter().map(|name| HospitalRow::from(name, letter, Err(e.clone()))).collect(),
    }
}

/// By how much more goes with the hospitals by index units' outcomes than by reference units', in one population.
pub fn difference(m: Result<&Means, DecomposeError>, refused: &[Option<String>; 2]) -> HospitalRow {
    let name = "difference";
    if let Some(reason) = refused.iter().flatten().next() {
        return HospitalRow::new(name, Some("A,B"), HospitalValue::Missing(reason.clone()));
    }
    let left_out = m.as_ref().map_or(LeftOut::default(), |m| m.left_out);
    HospitalRow::from(name, Some("A,B"), m.and_then(gap_between)).without(left_out)
}

/// Where they go by index units' outcomes less the same by reference units' outcomes.
pub fn gap_between(m: &Means) -> Result<Estimate, DecomposeError> {
    Ok(divided(m, 1)?[0].minus(&divided(m, 0)?[0]))
}

/// Why there is no estimate, without the counts of units that the error's own message holds.
pub fn reason(e: &DecomposeError) -> String {
    match e {
        DecomposeError::NoSupport { fitted_in, terms, .. } => {
            let named: Vec<&str> = terms.iter().take(5).map(|(t, _)| t.as_str()).collect();
            format!("some units have no counterpart in the {fitted_in} group ({})", named.join(", "))
        }
        DecomposeError::Fit(failed) => match &failed.separated {
            Some(s) => format!("`{}` tells the outcome of its {} rows, so its coefficient is unbounded", s.level, failed.fitted_in),
            None => e.to_string(),
        },
        _ => e.to_string(),
    }
}

/// The reason why a family has no estimate: too much of it would be borrowed.
pub fn too_much_borrowed(family: usize, mass: f64) -> Option<String> {
    let whose = ["of index units are at hospitals without reference units", "of comparable reference units are at hospitals without index units"];
    (mass > REFUSED).then(|| format!("{:.0}% {} (at most {:.0}%)", 100.0 * mass, whose[family], 100.0 * REFUSED))
}

/// Kitagawa's division with its variations, and the contextual identity.
pub struct Kitagawas {
    /// Every hospital, by the convention for those that lack a group.
    pub raw: Kitagawa,
    /// Hospitals that both groups use, with their own gap; `None` where there is none.
    pub shared: Option<Kitagawa>,
    pub adjusted: Result<Kitagawa, DecomposeError>,
    /// Units of hospitals that lack a group.
    unshared: LeftOut,
    contextual: Option<Contextual>,
}

impl Kitagawas {
    pub fn new(fits: &Fits<'_>, roster: &Roster<'_>, counts: &Counts, given: BlockSet) -> Self {
        let c = fits.contrast;
        let shared = without(c, roster, |h| !counts.has_both(h));
        Self {
            raw: kitagawa(c, roster, |i| c.y[i]),
            shared: (counts.with_both() > 0).then(|| kitagawa(&shared, roster, |i| c.y[i])),
            adjusted: adjusted(fits, roster, given),
            unshared: left_out(c, &shared),
            contextual: contextual(c, roster),
        }
    }

    pub fn rows(&self) -> Vec<HospitalRow> {
        let mut rows = Vec::new();
        let mut push = |name: &'static str, e: Option<Estimate>, reason: &str| {
            let value = e.map_or_else(|| HospitalValue::Missing(reason.to_owned()), HospitalValue::Estimate);
            let row = HospitalRow { of_counts: true, ..HospitalRow::new(name, None, value) };
            rows.push(if name.ends_with("_shared") { row.without(self.unshared) } else { row });
        };
        push("kitagawa_between", Some(self.raw.between.clone()), "");
        push("kitagawa_within", Some(self.raw.within.clone()), "");
        let none = "no hospital has both groups";
        push("kitagawa_between_shared", self.shared.as_ref().map(|k| k.between.clone()), none);
        push("kitagawa_within_shared", self.shared.as_ref().map(|k| k.within.clone()), none);
        let why = self.adjusted.as_ref().err().map(reason).unwrap_or_default();
        push("kitagawa_between_adjusted", self.adjusted.as_ref().ok().map(|k| k.between.clone()), &why);
        push("kitagawa_within_adjusted", self.adjusted.as_ref().ok().map(|k| k.within.clone()), &why);
        let flat = "group membership does not vary both between and within hospitals";
        let of = |f: &dyn Fn(&Contextual) -> &Estimate| self.contextual.as_ref().map(|c| f(c).clone());
        push("contextual_between", of(&|c| &c.sorting), flat);
        push("contextual_within", of(&|c| &c.slope_within), flat);
        push("contextual_slope_between", of(&|c| &c.slope_between), flat);
        push("contextual_lambda", of(&|c| &c.lambda), flat);
        rows
    }
}
