//! Hospitals: where they go, and how they fare there (METHODS 5.5).
//!
//! With A the allowables and the blocks before the hospital block, and index units as the population throughout:
//!
//! ```text
//! where they go        a(A, H) - a(A)      index units' hospitals against those of similar reference units, by reference units' outcomes
//! how they fare there  mean_index - a(A, H)       against similar reference units of the same hospitals
//! ```
//!
//! Family B asks the same of index units' own outcomes. Effects of hospitals are indicators with a penalty that only keeps them
//! finite (`model/arrow.rs`): sorting is linear in them, so that shrinkage would be bias. Beside the pair stand Kitagawa's
//! division, raw and adjusted, the contextual identity, and a description of the hospitals by a random-intercept logit.

mod judge;
mod kitagawa;
mod means;
mod profile;
mod roster;
mod sample;
mod standardised;
mod table;

pub use means::Errors;
pub use roster::LeftOut;
pub use table::{HospitalRow, HospitalTables, HospitalUnit, HospitalValue};

use super::fits::Fits;
use super::moments::{group_means, outcome_sd};
use super::{Assumption, Component, DecomposeError, Decomposition, Draft, Fact, Inference, Method, MethodFamily, Part, row};
use crate::design::{Contrast, Design};
use crate::estimate::Estimate;
use crate::vocab::{BlockSet, Family, Role};
use judge::Judged;
use means::{Means, means};
use roster::{Counts, Roster, left_out, without};
use table::Kitagawas;

/// What stands for the hospitals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Effects {
    /// The hospitals as such.
    #[default]
    Ids,
    /// The columns of the hospital block.
    Characteristics,
}

/// What is done with hospitals that only one group uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Unsupported {
    /// Borrow up to 2% of the mass, restrict above.
    #[default]
    Auto,
    /// The other group's outcomes there stand for the missing ones, through the shared effects of hospitals.
    Borrow,
    /// The units of these hospitals leave the family that needs them.
    Restrict,
}

/// Which hospitals the intervals speak of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum HospitalsAs {
    /// The ones in the data.
    #[default]
    Population,
    /// A population that they are drawn from.
    Sample,
}

/// Settings of `hospital`.
#[derive(Clone, Debug)]
pub struct Hospital {
    /// Column of hospital ids; `effects: characteristics` can do without.
    pub id: Option<String>,
    pub effects: Effects,
    /// The blocks that patients are compared given, beside the allowables.
    pub given: BlockSet,
    /// The block of the hospitals: of their characteristics, or taken to be, or with their ids. `None` where ids stand for themselves.
    pub block: Option<usize>,
    pub unsupported: Unsupported,
    pub hospitals_as: HospitalsAs,
    /// Nodes of adaptive Gauss-Hermite quadrature in the random-intercept logit that describes hospitals; 1 is Laplace's approximation.
    pub quadrature: usize,
    /// What goes into the standard errors; tests switch the leverage off.
    pub errors: Errors,
}

/// Borrowed mass above which `auto` restricts, and mass above which a family has no estimate.
const AUTO: f64 = 0.02;
const REFUSED: f64 = 0.25;

const PATIENTS: Component = Component::Named("patients");
const WHERE_THEY_GO: Component = Component::Named("where_they_go");

impl Method for Hospital {
    fn name(&self) -> &'static str {
        "hospital"
    }

    fn family(&self) -> MethodFamily {
        MethodFamily::A
    }

    fn refuses(&self, _family: Family) -> Option<String> {
        None
    }

    fn rests_on_overlap(&self) -> bool {
        // With ids the method holds its own weights to limits of its own.
        self.effects == Effects::Characteristics
    }

    fn components(&self, part: Part, _n_blocks: usize) -> Vec<Component> {
        match part {
            Part::Explained => vec![PATIENTS, WHERE_THEY_GO],
            _ => Vec::new(),
        }
    }

    fn decompose(&self, fits: &Fits<'_>) -> Result<Decomposition, DecomposeError> {
        match (self.effects, &self.id) {
            (Effects::Ids, Some(id)) => self.by_id(fits, &self.roster(fits, id)?),
            (Effects::Ids, None) => {
                Err(refused("the hospitals have no ids".to_owned(), "name their column in `id`, or write `effects: characteristics`"))
            }
            (Effects::Characteristics, id) => {
                let roster = id.as_ref().map(|id| self.roster(fits, id)).transpose()?;
                self.by_characteristics(fits, roster.as_ref())
            }
        }
    }

    fn assumptions(&self, design: &Design) -> Vec<Assumption> {
        let hospital = match (self.effects, &self.id, self.block.and_then(|k| design.blocks.get(k))) {
            (Effects::Ids, Some(id), _) => format!("the hospital ({id})"),
            (_, _, Some(block)) => format!("the hospital ({block})"),
            (..) => "the hospital".to_owned(),
        };
        let given = match self.given.name(&design.blocks) {
            name if self.given.is_empty() => format!("the allowables ({name} of the blocks)"),
            name => format!("the allowables and {name}"),
        };
        let says = |name, text: String| Assumption { name, text };
        vec![
            says(
                "exchangeability",
                format!(
                    "given the group and {given}, nothing unmeasured goes with both {hospital} and the outcome: hospitals' effects hold no case mix that was not measured"
                ),
            ),
            says("positivity", format!("given {given}, every hospital that one group uses could have been used by a unit of the other")),
            says(
                "consistency",
                "a unit's outcome at a hospital does not depend on who else is treated there: moving units ignores capacity".to_owned(),
            ),
            says("order", format!("{given} come before the hospital; nothing of them follows from it")),
        ]
    }
}

/// The parts of the gap, and the rows of the hospital table.
type Values = (Vec<super::Row>, Vec<HospitalRow>);

/// The means of the populations that the families speak of.
struct Populations {
    /// All units, hospitals that lack a group borrowed from the other.
    all: Means,
    /// What the families are estimated on where that is another population.
    restricted: [Option<Means>; 2],
    /// Why a restricted population has no means.
    failed: [Option<DecomposeError>; 2],
    /// Both restrictions together, where both hold: the population in which the families can be compared.
    both: Option<Result<Means, DecomposeError>>,
}

impl Populations {
    fn of(&self, family: usize) -> &Means {
        self.restricted[family].as_ref().unwrap_or(&self.all)
    }

    fn compared(&self) -> Result<&Means, DecomposeError> {
        match &self.both {
            Some(both) => both.as_ref().map_err(Clone::clone),
            None => Ok(self.restricted.iter().flatten().next().unwrap_or(&self.all)),
        }
    }
}

impl Hospital {
    fn roster<'a>(&self, fits: &Fits<'a>, id: &str) -> Result<Roster<'a>, DecomposeError> {
        let none = || refused(format!("the design has no hospital ids `{id}`"), "name the column of hospital ids in `id`");
        Roster::new(fits.contrast, id).ok_or_else(none)
    }

    /// Whether patients are compared given nothing.
    fn nothing_given(&self, c: &Contrast<'_>) -> bool {
        let is_given = |role: Role| matches!(role, Role::Allowable) || matches!(role, Role::Block(k) if self.given.contains(k));
        !c.design.columns.iter().any(|column| is_given(column.role))
    }

    /// Whether the units of hospitals without a group leave the family that needs it.
    fn restricts(&self, mass: f64) -> bool {
        match self.unsupported {
            Unsupported::Borrow => false,
            Unsupported::Restrict => mass > 0.0,
            Unsupported::Auto => mass > AUTO,
        }
    }

    /// `restrict` says which families lose the hospitals that lack a group; `None`: as the settings say of the masses at hand.
    fn populations(
        &self,
        fits: &Fits<'_>,
        roster: &Roster<'_>,
        counts: &Counts,
        restrict: Option<[bool; 2]>,
        errors: Errors,
    ) -> Result<Populations, DecomposeError> {
        let all = means(fits, roster, self.given, errors)?;
        let mass = [all.support.unsupported_index, all.support.unsupported_reference];
        let restrict = restrict.unwrap_or_else(|| mass.map(|m| m <= REFUSED && self.restricts(m)));
        let without = |drop: [bool; 2]| {
            let c = without(fits.contrast, roster, |h| (0..2).any(|r| drop[r] && counts.lacks(h, r)));
            means(&Fits::new(&c), roster, self.given, errors).map(|m| Means { left_out: left_out(fits.contrast, &c), ..m })
        };
        let [a, b] = [[true, false], [false, true]].map(|drop| restrict[usize::from(drop[1])].then(|| without(drop)).map_or((None, None), split));
        let both = (restrict == [true, true]).then(|| without([true, true]));
        Ok(Populations { all, restricted: [a.0, b.0], failed: [a.1, b.1], both })
    }

    fn by_id(&self, fits: &Fits<'_>, roster: &Roster<'_>) -> Result<Decomposition, DecomposeError> {
        let c = fits.contrast;
        let counts = roster.counts(c);
        judge::enough(c, roster, &counts)?;
        judge::block_of_hospitals(self, c, roster)?;
        let populations = self.populations(fits, roster, &counts, None, self.errors)?;
        let judged = judge::judge(self, c, roster, &counts, &populations)?;
        let divided = Kitagawas::new(fits, roster, &counts, self.given);
        let (mut rows, mut table) = self.values(fits, roster, &populations, &judged, &divided)?;
        let mut facts = judged.facts.clone();
        facts.extend(judge::given_hospitals(self, c, roster));
        let inference = match self.hospitals_as {
            HospitalsAs::Population => Inference::Given,
            HospitalsAs::Sample => {
                facts.push(sample::jackknife(self, fits, roster, &populations, &judged, &mut rows, &mut table)?);
                Inference::Hospitals
            }
        };
        facts.push(Fact::informs("hospitals_as", None, self.hospitals_as.says(c.design.clusters.is_some())));
        let profile = profile::profile(self, fits, roster, &counts, &divided);
        table.extend(profile.rows);
        facts.extend(profile.facts);
        let left_out = populations.of(judged.headline).left_out;
        let hospital = Some(HospitalTables { rows: table, units: profile.units, left_out, id: self.id.clone(), of_counts: self.nothing_given(c) });
        let family = Some([MethodFamily::A, MethodFamily::B][judged.headline]);
        Decomposition::new(c.design.family.scale(), Draft { rows, facts, inference, family, hospital, ..Draft::default() }, outcome_sd(c))
    }

    /// The parts of the gap and the rows of the hospital table, from the means of the populations.
    fn values(
        &self,
        fits: &Fits<'_>,
        roster: &Roster<'_>,
        populations: &Populations,
        judged: &Judged,
        kitagawa: &Kitagawas,
    ) -> Result<Values, DecomposeError> {
        let headline = populations.of(judged.headline);
        let [go, fare] = divided(headline, judged.headline)?;
        let rows = parts(&headline.index, &headline.reference, &headline.none, &headline.patients, go, fare);
        let mut table = Vec::new();
        for family in [0, 1] {
            table.extend(table::family_rows(family, populations.of(family), judged.refusals[family].as_deref()));
        }
        table.push(table::difference(populations.compared(), &judged.refusals));
        for family in [0, 1].into_iter().filter(|f| populations.restricted[*f].is_some()) {
            table.extend(table::borrowed_rows(family, &populations.all));
        }
        let standardised = match &judged.refusals[0] {
            Some(reason) => HospitalValue::Missing(reason.clone()),
            None => {
                let counts = roster.counts(fits.contrast);
                let dropped = |h: usize| populations.restricted[0].is_some() && counts.lacks(h, 0);
                let c = without(fits.contrast, roster, dropped);
                let found = standardised::standardised_risk(&Fits::new(&c), roster, self.given);
                found.map_or_else(|e| HospitalValue::Missing(table::reason(&e)), HospitalValue::Estimate)
            }
        };
        let left_out = populations.of(0).left_out;
        table.push(HospitalRow { left_out, ..HospitalRow::new("standardised_risk", Some("A"), standardised) });
        table.extend(kitagawa.rows());
        Ok((rows, table))
    }

    /// The hospital block's columns as an ordinary block: it answers for these characteristics only (METHODS 5.5(e)).
    fn by_characteristics(&self, fits: &Fits<'_>, roster: Option<&Roster<'_>>) -> Result<Decomposition, DecomposeError> {
        let c = fits.contrast;
        let Some(block) = self.block else {
            return Err(refused("the hospitals have no block of characteristics".to_owned(), "leave it out of `given`"));
        };
        let observed = group_means(c);
        let mean = |set| super::with_and_without::WithAndWithout::default().counterfactual_mean_with(fits, set);
        let (none, patients, all) = (mean(BlockSet::NONE)?, mean(self.given)?, mean(self.given.with(block))?);
        let (go, fare) = (all.minus(&patients), observed.index.minus(&all));
        let mut table = vec![
            HospitalRow::estimate("where_they_go", Some("A"), go.clone()),
            HospitalRow::estimate("how_they_fare_there", Some("A"), fare.clone()),
        ];
        let rows = parts(&observed.index, &observed.reference, &none, &patients, go, fare);
        let block = c.design.blocks.get(block).map_or("hospital", String::as_str);
        let message = format!(
            "where they go is of which along the measured characteristics of the block {block}: what hospitals differ in otherwise is in how they fare there"
        );
        let mut facts = vec![Fact::informs("hospital_effects", None, message)];
        let mut units = Vec::new();
        if let Some(roster) = roster {
            let counts = roster.counts(c);
            let divided = Kitagawas::new(fits, roster, &counts, self.given);
            table.extend(divided.rows());
            let profile = profile::profile(self, fits, roster, &counts, &divided);
            table.extend(profile.rows);
            facts.extend(profile.facts);
            units = profile.units;
        }
        let hospital =
            Some(HospitalTables { rows: table, units, id: self.id.clone(), of_counts: self.nothing_given(c), ..HospitalTables::default() });
        Decomposition::new(c.design.family.scale(), Draft { rows, facts, hospital, ..Draft::default() }, outcome_sd(c))
    }
}

impl Unsupported {
    fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Borrow => "borrow",
            Self::Restrict => "restrict",
        }
    }
}

impl HospitalsAs {
    fn says(self, clustered: bool) -> String {
        match (self, clustered) {
            (Self::Population, false) => "population: intervals are for the hospitals listed, with units independent given them".to_owned(),
            (Self::Population, true) => {
                "population: intervals are for the hospitals listed, with units independent given them; the study's clusters are not used".to_owned()
            }
            (Self::Sample, _) => {
                "sample: approximate intervals, by leaving out one hospital at a time, for hospitals of which those listed are a sample".to_owned()
            }
        }
    }
}

/// The means of a population, or why there are none.
fn split(found: Result<Means, DecomposeError>) -> (Option<Means>, Option<DecomposeError>) {
    match found {
        Ok(means) => (Some(means), None),
        Err(e) => (None, Some(e)),
    }
}

/// Where they go and how they fare there, by reference units' outcomes (family 0) or index units' own (family 1).
fn divided(m: &Means, family: usize) -> Result<[Estimate; 2], DecomposeError> {
    if family == 0 {
        return Ok([m.at_hospitals.minus(&m.patients), m.index.minus(&m.at_hospitals)]);
    }
    let b = m.elsewhere.as_ref().map_err(Clone::clone)?;
    Ok([m.index.minus(b), b.minus(&m.patients)])
}

fn parts(index: &Estimate, reference: &Estimate, none: &Estimate, patients: &Estimate, go: Estimate, fare: Estimate) -> Vec<super::Row> {
    let of_patients = patients.minus(none);
    vec![
        row(Part::Gap, Component::Total, index.minus(reference)),
        row(Part::Allowable, Component::Total, none.minus(reference)),
        row(Part::Explained, Component::Total, of_patients.plus(&go)),
        row(Part::Explained, PATIENTS, of_patients),
        row(Part::Explained, WHERE_THEY_GO, go),
        row(Part::Unexplained, Component::Total, fare),
    ]
}

fn refused(reason: String, help: &'static str) -> DecomposeError {
    DecomposeError::Refused { reason, help }
}
