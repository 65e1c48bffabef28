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

/// G322 for times of a column of a table that say their zone, where others or the index date do not (or the other way round), and for those
/// without a time of day. `index`: what the index date says of its zone, where that is known.
pub(super) fn warn(at: &Named, stamps: Stamps, used: Use, table: &str, index: Option<Stamps>, warnings: &mut Problems) {
    let of = format!("{} times in `{}` of `{table}`", stamps.all(), at.name);
    let mut say =
        |text: String, note: &str, help: &str| warnings.push(Problem::warning(codes::G322, text).at(at.place.clone()).note(note).help(help));
    let utc = index.is_some_and(|i| i.zoned > 0 && i.zoned == i.all());
    if stamps.zoned > 0 && stamps.unzoned > 0 {
        if used >= Use::Order {
            let text =
                format!("{} of {of} say their zone and were read as UTC; {} say none and were read as they stand", stamps.zoned, stamps.unzoned);
            say(text, "if these are local times, they are hours away from the others", "write all in one zone");
        }
    } else if stamps.zoned > 0 && used == Use::Exact && !utc {
        let text = format!("{} of {of} say their zone and were read as UTC", stamps.zoned);
        let note = "the index date is compared as it is written; if it is local time, events move by the difference";
        say(text, note, "write both in one zone");
    } else if stamps.unzoned > 0 && used == Use::Exact && utc {
        let text =
            format!("{} of {of} say no zone and were read as they stand, and the index date says its zone and was read as UTC", stamps.unzoned);
        say(text, "if these are local times, events move by the difference", "write both in one zone");
    }
    if stamps.dates > 0 && stamps.dates < stamps.all() && used == Use::Exact {
        let text = format!("{} of {of} have no time of day and were read as midnight", stamps.dates);
        let note = "on the index day they count as before the index date, whenever they were";
        let help = format!("end the window at -1d, or compare days: `types: {{ {}: date }}` under the table", at.name);
        say(text, note, &help);
    }
}
