//! Whether hospitals record alike: the share of units without any event with a code, by group and over hospitals.

use crate::cohort::Values;
use crate::cohort::engine::Cohort;
use crate::cohort::features::Recorded;
use crate::cohort::plan::Coding;
use crate::error::{Problem, Problems, codes};
use crate::release::schema::CODING_SHARES;
use crate::release::withhold::Rule;
use crate::study::plan::StudyPlan;

/// Units that a hospital needs for a share of its own, if `min_cell` is not more.
const LARGE: u64 = 30;
/// Difference of the 90th and the 10th percentile, beyond chance, from which on hospitals are said to code differently.
const FAR: f64 = 0.20;
/// The same difference of a normal distribution, in standard deviations.
const NORMAL_SPREAD: f64 = 2.563_103_131_089_201;

/// The hospital of each unit of the cohort, and the column that names it: of the hospital method, of fixed effects, or the cluster.
fn places<'a>(plan: &'a StudyPlan, cohort: &'a Cohort) -> Option<(&'a str, &'a [u32])> {
    let id = plan.roles.labelled.iter().find(|(what, _)| *what == "the hospital id").map(|(_, named)| named.name.as_str());
    let by_id = || id.and_then(|id| cohort.labelled.iter().find(|(name, _)| name == id)).map(|(name, c)| (name.as_str(), c.code.as_slice()));
    let fixed = || {
        let variable = plan.roles.variables.iter().find(|v| v.coding == Coding::FixedEffects)?;
        match cohort.columns.get(&variable.column.name)? {
            Values::Category { code, .. } => Some((variable.column.name.as_str(), code.as_slice())),
            Values::Number(_) => None,
        }
    };
    let cluster = || Some((plan.roles.cluster.as_ref()?.name.as_str(), cohort.cluster.as_ref()?.code.as_slice()));
    by_id().or_else(fixed).or_else(cluster)
}

/// Units, and those of them without an event.
#[derive(Clone, Copy, Default)]
struct Count {
    n: u64,
    without: u64,
}

impl Count {
    fn plus(self, other: Self) -> Self {
        Self { n: self.n + other.n, without: self.without + other.without }
    }

    fn share(self) -> f64 {
        self.without as f64 / self.n as f64
    }

    /// The fewer of those with and without an event that are there at all.
    fn fewest(self) -> Option<u64> {
        [self.without, self.n - self.without].into_iter().filter(|n| *n > 0).min()
    }

    fn has_few(self, rule: Rule) -> bool {
        rule.hides(self.without as usize, Some(self.n as usize))
    }
}

/// A share of a hospital that is shown, with the smallest count that it would give away.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Share {
    pub value: Option<f64>,
    pub fewest: Option<u64>,
}

/// A row of table `coding`.
pub struct CodingRow {
    /// Position among the cohort's recorded events.
    pub recorded: usize,
    /// The group by its position; `None` for all together.
    pub group: Option<usize>,
    pub n: u64,
    pub without: u64,
    pub events: u64,
    pub places: usize,
    pub large: usize,
    /// In the order of [`CODING_SHARES`].
    pub shares: [Share; CODING_SHARES.len()],
    pub fewest_rest: Option<u64>,
    /// The smallest difference, 0 excepted, of `without` from that of other events before these, whose window may be a part of this one.
    pub nearest: Option<u64>,
}

/// The rows of table `coding`, those of the same events one after another and that of all groups first.
#[derive(Default)]
pub struct CodingRows {
    /// The column that names hospitals.
    pub place: String,
    pub rows: Vec<CodingRow>,
    pub warnings: Problems,
}

/// Nothing for studies that name no hospitals, or have no features of codes.
pub fn coding(plan: &StudyPlan, cohort: &Cohort) -> CodingRows {
    let Some((place, code)) = places(plan, cohort).filter(|_| !cohort.recorded.is_empty()) else { return CodingRows::default() };
    let rule = Rule::from(plan.min_cell);
    let large = LARGE.max(u64::from(plan.min_cell));
    let mut out = CodingRows { place: place.to_owned(), ..CodingRows::default() };
    let all: Vec<Counted> = cohort.recorded.iter().map(|r| Counted::of(r, cohort, code)).collect();
    for (k, (r, counted)) in cohort.recorded.iter().zip(&all).enumerate() {
        let rows = std::iter::once(None).chain((0..cohort.group_labels.len()).map(Some));
        out.rows.extend(rows.map(|group| counted.row(&all[..k], group, large, rule)));
        if counted.spread(large).is_some_and(|spread| spread > FAR) {
            out.warnings.push(warning(r, place));
        }
    }
    out
}

/// G328. Without numbers: those of few units are withheld from outputs.
fn warning(r: &Recorded, place: &str) -> Problem {
    let features = r.features.iter().map(|f| format!("`{f}`")).collect::<Vec<_>>().join(", ");
    let window = if r.window == "any_time" { "at any time".to_owned() } else { format!("in the window {}", r.window) };
    let text = format!(
        "the share of units without any `{}` in `{}` {window} differs by more than {FAR:.2} between the 10th and the 90th percentile of \
         `{place}`: {features} may measure coding as much as health",
        r.column, r.table
    );
    Problem::warning(codes::G328, text)
        .at(r.place.clone())
        .note("tables/coding.csv has the shares by group and over hospitals")
        .help("ask the sites how and since when they record; use a window that all cover; compare with an analysis that has the hospitals in it")
}

/// Units with and without events, by hospital and group.
struct Counted {
    /// [hospital][group]
    by_place: Vec<Vec<Count>>,
    /// Events of each group.
    events: Vec<u64>,
}

impl Counted {
    fn of(r: &Recorded, cohort: &Cohort, place: &[u32]) -> Self {
        let groups = cohort.group_labels.len();
        let n_places = place.iter().filter(|p| **p != u32::MAX).max().map_or(0, |m| *m as usize + 1);
        // The last is for units whose hospital is not known.
        let mut out = Self { by_place: vec![vec![Count::default(); groups]; n_places + 1], events: vec![0; groups] };
        for ((events, group), place) in r.events.iter().zip(&cohort.group).zip(place) {
            let count = &mut out.by_place[(*place as usize).min(n_places)][*group as usize];
            *count = count.plus(Count { n: 1, without: u64::from(*events == 0) });
            out.events[*group as usize] += u64::from(*events);
        }
        out
    }

    fn count(&self, place: usize, group: Option<usize>) -> Count {
        match group {
            Some(g) => self.by_place[place][g],
            None => self.by_place[place].iter().fold(Count::default(), |a, b| a.plus(*b)),
        }
    }

    /// Hospitals; units whose hospital is not known are of none.
    fn places(&self) -> std::ops::Range<usize> {
        0..self.by_place.len() - 1
    }

    fn whole(&self, group: Option<usize>) -> Count {
        (0..self.by_place.len()).fold(Count::default(), |sum, p| sum.plus(self.count(p, group)))
    }

    /// Hospitals of enough units, by their share.
    fn sorted(&self, group: Option<usize>, large: u64) -> Vec<usize> {
        let mut places: Vec<usize> = self.places().filter(|p| self.count(*p, group).n >= large).collect();
        places.sort_by(|a, b| self.count(*a, group).share().total_cmp(&self.count(*b, group).share()));
        places
    }

    /// The row of a group; `before` are the events whose rows stand before these.
    fn row(&self, before: &[Self], group: Option<usize>, large: u64, rule: Rule) -> CodingRow {
        let sorted = self.sorted(group, large);
        // A group's share could be set beside those of other groups and of all at the same hospital: all of its counts decide.
        let sides: Vec<Option<usize>> = if group.is_some() { (0..self.events.len()).map(Some).collect() } else { vec![None] };
        let differ = |of: &dyn Fn(&Self) -> Count| before.iter().map(|b| of(b).without.abs_diff(of(self).without)).filter(|n| *n > 0).min();
        let near = |place: usize, side: Option<usize>| differ(&|c: &Self| c.count(place, side));
        let few = |place: usize| {
            let is =
                |side: &Option<usize>| self.count(place, *side).has_few(rule) || near(place, *side).is_some_and(|n| rule.hides(n as usize, None));
            sides.iter().any(is)
        };
        let share = |(_, at): (&str, f64)| {
            let Some(place) = ranked(&sorted, at) else { return Share::default() };
            let fewest = sides.iter().flat_map(|side| [self.count(place, *side).fewest(), near(place, *side)]).flatten().min();
            Share { value: Some(self.count(place, group).share()), fewest }
        };
        let rest = |side: &Option<usize>| {
            let hidden = (0..self.by_place.len()).filter(|p| few(*p) || !self.places().contains(p));
            hidden.fold(Count::default(), |sum, p| sum.plus(self.count(p, *side))).fewest()
        };
        let whole = self.whole(group);
        CodingRow {
            recorded: before.len(),
            group,
            n: whole.n,
            without: whole.without,
            events: group.map_or_else(|| self.events.iter().sum(), |g| self.events[g]),
            places: self.places().filter(|p| self.count(*p, group).n > 0).count(),
            large: sorted.len(),
            shares: CODING_SHARES.map(share),
            fewest_rest: sides.iter().filter_map(rest).min(),
            nearest: differ(&|c: &Self| c.whole(group)),
        }
    }

    /// The 90th percentile of hospitals' shares less the 10th, after what binomial variation gives hospitals of these sizes around a common share.
    fn spread(&self, large: u64) -> Option<f64> {
        let sorted = self.sorted(None, large);
        let at = |p: f64| ranked(&sorted, p).map(|place| self.count(place, None).share());
        let far = at(0.9)? - at(0.1)?;
        let sum = sorted.iter().fold(Count::default(), |sum, p| sum.plus(self.count(*p, None)));
        let inverse = sorted.iter().map(|p| 1.0 / self.count(*p, None).n as f64).sum::<f64>() / sorted.len() as f64;
        let chance = NORMAL_SPREAD.powi(2) * sum.share() * (1.0 - sum.share()) * inverse;
        Some((far.powi(2) - chance).max(0.0).sqrt())
    }
}

/// The first of the sorted that at least a share `p` of them does not exceed. One alone has no spread.
fn ranked(sorted: &[usize], p: f64) -> Option<usize> {
    let rank = (p * sorted.len() as f64 - 1e-9).ceil().max(1.0) as usize;
    sorted.get(rank - 1).copied().filter(|_| sorted.len() > 1)
}
