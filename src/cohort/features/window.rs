//! Whether an event lies in the window of a unit.
//!
//! Where the index date and the events both have a time of day, a day is 24 hours and the comparison is exact. Otherwise whole days are
//! compared: day of the event less day of the index date. The order of an event and an index date on the same day is then not known. If
//! neither has a time of day, 0d is that day, as the bounds say. If one of them has, the events of the day count in a window that goes on
//! beyond it, and not in one that ends (or begins) with it unless the study file says `same_day: include`. Where a bound is 0d they are
//! counted either way.

use crate::cohort::plan::{Bound, FeaturePlan, SameDay, WindowPlan};
use polars::prelude::{Column, DataType, PolarsResult};

/// Microseconds of a day.
const DAY: i64 = 86_400_000_000;
const HOUR: i64 = 3_600_000_000;

/// The moments of a column: days since 1970-01-01 of dates, microseconds of time stamps.
pub(super) struct Moments {
    pub at: Vec<Option<i64>>,
    /// Whether they have a time of day.
    pub timed: bool,
}

impl Moments {
    pub fn of(column: &Column) -> PolarsResult<Self> {
        let timed = matches!(column.dtype(), DataType::Datetime(..));
        if column.dtype() == &DataType::Null {
            return Ok(Self { at: vec![None; column.len()], timed });
        }
        Ok(Self { at: column.to_physical_repr().cast(&DataType::Int64)?.i64()?.iter().collect(), timed })
    }

    fn into_days(self) -> Vec<Option<i64>> {
        let timed = self.timed;
        self.at.into_iter().map(|m| m.map(|m| day(m, timed))).collect()
    }
}

fn day(moment: i64, timed: bool) -> i64 {
    if timed { moment.div_euclid(DAY) } else { moment }
}

/// Where an event lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lies {
    Inside,
    Outside,
    /// On the index day, where the window ends or begins with it: the order to the index date is not known.
    SameDayInside,
    SameDayOutside,
    BeforeBirth,
}

enum Rule {
    AnyTime,
    /// Bounds in microseconds.
    Exact(i64, i64),
    /// Bounds in days; whether exactly one of event and index date has a time of day.
    Days(i64, i64, bool),
}

/// The window of a feature, with the index date and the date of birth of every unit.
pub(super) struct Window {
    rule: Rule,
    same_day: Option<SameDay>,
    /// In microseconds for an exact rule, in days otherwise.
    index: Vec<Option<i64>>,
    /// In days.
    birth: Option<Vec<Option<i64>>>,
    events_timed: bool,
}

impl Window {
    /// `index` and `birth` as the plan has them. Bounds in hours take a time of day on both sides, which `check` sees to.
    pub fn new(plan: &FeaturePlan, index: Option<Moments>, birth: Option<Moments>, events_timed: bool) -> Self {
        let birth = birth.map(Moments::into_days);
        let (rule, index) = match (&plan.window, index) {
            (WindowPlan::AnyTime, _) | (WindowPlan::Between { .. }, None) => (Rule::AnyTime, Vec::new()),
            (WindowPlan::Between { from, to }, Some(index)) if index.timed && events_timed => {
                (Rule::Exact(from.hours * HOUR, to.hours * HOUR), index.at)
            }
            (WindowPlan::Between { from, to }, Some(index)) => {
                let days = |b: &Bound| b.hours / 24;
                (Rule::Days(days(from), days(to), index.timed != events_timed), index.into_days())
            }
        };
        Self { rule, same_day: plan.same_day, index, birth, events_timed }
    }

    /// Whether it is relative to the index date.
    pub fn is_relative(&self) -> bool {
        !matches!(self.rule, Rule::AnyTime)
    }

    /// Whether the unit has what the window is relative to.
    pub fn is_known(&self, unit: usize) -> bool {
        !self.is_relative() || self.index.get(unit).is_some_and(Option::is_some)
    }

    /// Where an event at this moment lies for a unit. Without an index date it lies outside.
    pub fn place(&self, moment: Option<i64>, unit: usize) -> Lies {
        let birth = self.birth.as_ref().and_then(|b| b.get(unit).copied().flatten());
        if let (Some(birth), Some(moment)) = (birth, moment)
            && day(moment, self.events_timed) < birth
        {
            return Lies::BeforeBirth;
        }
        let inside = |yes: bool| if yes { Lies::Inside } else { Lies::Outside };
        let index = self.index.get(unit).copied().flatten();
        match (&self.rule, moment, index) {
            (Rule::AnyTime, ..) => Lies::Inside,
            (Rule::Exact(from, to), Some(moment), Some(index)) => inside((*from..=*to).contains(&(moment - index))),
            (Rule::Days(from, to, unknown), Some(moment), Some(index)) => {
                let days = day(moment, self.events_timed) - index;
                if days != 0 || !(*from..=*to).contains(&0) {
                    return inside((*from..=*to).contains(&days));
                }
                match (self.same_day, *from == 0 || *to == 0) {
                    (Some(SameDay::Exclude), _) => Lies::SameDayOutside,
                    (None, true) if *unknown => Lies::SameDayOutside,
                    (_, true) => Lies::SameDayInside,
                    (_, false) => Lies::Inside,
                }
            }
            (Rule::Exact(..) | Rule::Days(..), ..) => Lies::Outside,
        }
    }
}
