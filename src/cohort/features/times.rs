//! What the time stamps of events say of their zone and of the time of day: nothing is moved or completed without a count.

use crate::cohort::infer::Stamps;
use crate::cohort::plan::Named;
use crate::error::{Problem, Problems, codes};

/// How the times of events are used.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Use {
    /// Not at all, or as days.
    Days,
    /// To tell the first from the last, or in days of an index date: an hour may make another day of it.
    Order,
    /// Exactly, with an index date that has a time of day.
    Exact,
}

/// G322 for times of a column of a table that say their zone, where others or the index date do not, and for those without a time of day.
pub(super) fn warn(at: &Named, stamps: Stamps, used: Use, table: &str, warnings: &mut Problems) {
    let of = format!("{} times in `{}` of `{table}`", stamps.all(), at.name);
    let mixed = stamps.zoned > 0 && stamps.unzoned > 0;
    if stamps.zoned > 0 && (used == Use::Exact || mixed && used == Use::Order) {
        let text = format!("{} of {of} say their zone and were read as UTC", stamps.zoned);
        let text = if mixed { format!("{text}; {} say none and were read as they stand", stamps.unzoned) } else { text };
        let problem = Problem::warning(codes::G322, text).at(at.place.clone());
        warnings.push(match mixed {
            true => problem.note("if these are local times, they are hours away from the others").help("write all in one zone"),
            false => problem
                .note("the index date is compared as it is written; if it is local time, events move by the difference")
                .help("write both in one zone"),
        });
    }
    if stamps.dates > 0 && stamps.dates < stamps.all() && used == Use::Exact {
        let text = format!("{} of {of} have no time of day and were read as midnight", stamps.dates);
        warnings.push(
            Problem::warning(codes::G322, text)
                .at(at.place.clone())
                .note("on the index day they count as before the index date, whenever they were")
                .help(format!("end the window at -1d, or compare days: `types: {{ {}: date }}` under the table", at.name)),
        );
    }
}
