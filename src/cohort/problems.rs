//! Problems that several files of this floor report in the same words.

use super::plan::{Columns, Named};
use crate::error::{Problem, codes, nearest};
use polars::error::{PolarsError, PolarsWarning, get_warning_function, set_warning_function};
use std::sync::OnceLock;

type Warn = fn(&str, PolarsWarning);

/// What polars itself does with a warning.
static OF_POLARS: OnceLock<Warn> = OnceLock::new();

/// Keeps what polars says of its own next version to itself: a study file cannot do anything about it.
pub(super) fn without_deprecations() {
    OF_POLARS.get_or_init(|| {
        let before = get_warning_function();
        set_warning_function(|text, kind| {
            if let (false, Some(warn)) = (matches!(kind, PolarsWarning::Deprecation), OF_POLARS.get()) {
                warn(text, kind);
            }
        });
        before
    });
}

/// Names listed in a note.
const SHOWN: usize = 8;

/// G203 for a name that the joined row does not have, with the nearest names of the table that holds the nearest one.
pub fn unknown_column(columns: &Columns, named: &Named) -> Problem {
    not_in_row(named, columns.by_name.iter().map(|(n, c)| (n.as_str(), c.table.as_deref())))
}

/// G203 for a name that is none of `known`: pairs of (name, table or `None` for a derived column).
pub(super) fn not_in_row<'a>(named: &Named, known: impl Iterator<Item = (&'a str, Option<&'a str>)> + Clone) -> Problem {
    let problem = Problem::error(codes::G203, format!("column `{}` is not in any table", named.name)).at(named.place.clone()).label("not found");
    let near = nearest(&named.name, known.clone().map(|k| k.0));
    let table = match near {
        Some(near) => known.clone().find(|k| k.0 == near).and_then(|k| k.1),
        None => known.clone().find_map(|k| k.1),
    };
    let names = by_nearness(&named.name, known.filter(|k| k.1 == table).map(|k| k.0));
    let place = table.map_or_else(|| "derived columns".to_owned(), |t| format!("`{t}`"));
    let problem = if names.is_empty() { problem } else { problem.note(format!("found in {place}: {names}")) };
    match near {
        Some(near) => problem.help(format!("write `{near}`, or add the file that holds it under `tables`")),
        None => problem.help("join the table that holds it, or add its file under `tables`"),
    }
}

/// G203 for a name that one table does not have.
pub(super) fn not_in_table(named: &Named, table: &str, known: &[String]) -> Problem {
    let problem =
        Problem::error(codes::G203, format!("column `{}` is not in table `{table}`", named.name)).at(named.place.clone()).label("not found");
    let problem = problem.note(format!("found in `{table}`: {}", by_nearness(&named.name, known.iter().map(String::as_str))));
    match nearest(&named.name, known.iter().map(String::as_str)) {
        Some(near) => problem.help(format!("write `{near}`")),
        None => problem,
    }
}

/// The names, nearest first, the first few of them.
pub(super) fn by_nearness<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> String {
    let lower = name.to_lowercase();
    let mut names: Vec<(f64, &str)> = known.map(|k| (strsim::jaro_winkler(&lower, &k.to_lowercase()), k)).collect();
    names.sort_by(|a, b| b.0.total_cmp(&a.0));
    let more = names.len().saturating_sub(SHOWN);
    let list: Vec<&str> = names.iter().take(SHOWN).map(|n| n.1).collect();
    if more > 0 { format!("{} and {more} more", list.join(", ")) } else { list.join(", ") }
}

/// The first sentence of what polars says, without the values of cells that it may list.
pub(super) fn polars_says(e: &PolarsError) -> String {
    let text = e.to_string();
    let line = text.lines().next().unwrap_or_default();
    line.split(": [").next().unwrap_or(line).trim().to_owned()
}

/// G901: polars refused something that it cannot refuse for any input.
pub(super) fn bug(what: &str, e: &PolarsError) -> Problem {
    Problem::error(codes::G901, format!("{what}: {}", polars_says(e)))
}
