//! Features: one value a unit from the rows of event tables (laboratory values, diagnoses, procedures).
//!
//! An event table is read in pieces ([`events`]); of each piece the rows of the cohort's keys go on, are kept by `where`, code list and
//! window, and are reduced at once to a value a unit ([`reduce`]). Every row that does not count is counted ([`report`]).

mod codes;
mod events;
mod keys;
mod order;
mod recorded;
mod reduce;
mod report;
mod resolve;
mod run;
mod scores;
mod times;
mod units;
mod window;

pub(super) use events::{Events, Needs, is_code};
pub use order::ordered;
pub use recorded::Recorded;
pub use report::{CodeCount, FeatureCounts, FeatureReport};
pub(super) use resolve::{Parts, check_type, parts};
pub(super) use run::{Feature, compute};
