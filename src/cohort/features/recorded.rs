//! How much is recorded of a unit at all: the events with a code in its window, whatever the code. Where a hospital records few, its
//! patients look healthier than they are.

use super::window::{Lies, Window};
use crate::cohort::plan::{FeaturePlan, Named, SameDay, Take, WindowPlan};
use crate::error::Place;

/// The events with a code that features of code lists and scores choose from.
#[derive(Clone, Debug, PartialEq)]
pub struct Recorded {
    pub table: String,
    /// The column of codes.
    pub column: String,
    pub window: String,
    /// The features that read it, in the order of the study file.
    pub features: Vec<String>,
    /// Where the first of them names its table.
    pub place: Option<Place>,
    /// (units) events with a code in the window of each unit; of the joined rows, or of the units of the analysis.
    pub events: Vec<u32>,
    source: Source,
}

/// What makes the events of two features the same.
#[derive(Clone, Debug, PartialEq)]
struct Source {
    by: Vec<(Named, Named)>,
    keep: Option<Named>,
    at: Option<Named>,
    window: WindowPlan,
    same_day: Option<SameDay>,
}

impl Recorded {
    /// Of a feature that chooses by codes.
    pub(super) fn of(plan: &FeaturePlan, units: usize) -> Option<Self> {
        let column = match (&plan.codes, &plan.take) {
            (Some(codes), _) => &codes.column,
            (None, Take::Score(score)) => &score.column,
            (None, _) => return None,
        };
        let relative = plan.window != WindowPlan::AnyTime;
        let source = Source {
            by: plan.by.clone(),
            keep: plan.keep.clone(),
            at: plan.at.clone().filter(|_| relative),
            window: plan.window.clone(),
            same_day: plan.same_day,
        };
        Some(Self {
            table: plan.table.name.clone(),
            column: column.name.clone(),
            window: plan.window.to_string(),
            features: vec![plan.column.name.clone()],
            place: plan.table.place.clone(),
            events: vec![0; units],
            source,
        })
    }

    pub(super) fn is_same(&self, other: &Self) -> bool {
        (&self.table, &self.column, &self.source) == (&other.table, &other.column, &other.source)
    }

    /// An event with a code at this moment.
    pub(super) fn add(&mut self, moment: Option<i64>, units: &[u32], window: &Window) {
        if moment.is_none() && window.is_relative() {
            return;
        }
        for &unit in units {
            if matches!(window.place(moment, unit as usize), Lies::Inside | Lies::SameDayInside) {
                let events = &mut self.events[unit as usize];
                *events = events.saturating_add(1);
            }
        }
    }

    /// Takes the features of another one in, if both are of the same events; otherwise gives it back.
    pub(in crate::cohort) fn merge(&mut self, other: Self) -> Option<Self> {
        if !self.is_same(&other) {
            return Some(other);
        }
        self.features.extend(other.features);
        None
    }

    /// Of these joined rows alone.
    pub(in crate::cohort) fn of_rows(mut self, rows: &[u32]) -> Self {
        self.events = rows.iter().map(|row| self.events[*row as usize]).collect();
        self
    }
}
