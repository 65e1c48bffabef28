//! Withholding of small cells: a count below `min_cell` (0 itself excepted), whatever would let it be computed back, and
//! every estimate that rests on fewer than `min_cell` index or reference units or events.
//!
//! # What the producer fills
//!
//! Withholding decides on counts, so tables whose visible columns hold none carry hidden ones (declared in
//! [`super::schema`], names with `_`, never written):
//!
//! | table | hidden columns |
//! |---|---|
//! | `gap` | `_events_reference`, `_events_index`: required unless gaussian |
//! | `table_one` | `_n_*`: units with a value; `_count_*`: units at the level, or at the higher value of a number with two values |
//! | `coefficients`, `decomposition_detail` | `_variable`, `_level` of the term's design column; `_n_level_*`: units of each group at the higher value of a two-valued column (level, flag, 0/1 number); `_events_level` in the fit |
//! | `sensitivity` | `_left_out_*`, `_events_*` of a trimmed sample; `_variables` that a row is about one by one |
//! | `missing_methods` | `_left_out_*`: units fewer than in the study's own analysis; `_events_*` |
//! | `table_one`, `coefficients`, `decomposition_detail` | `_place`: whether the levels of the variable are hospitals or clusters |
//! | `hospital_units` | `_events_reference`, `_events_index` of the hospital, null with a gaussian outcome; `_id`: the column of ids; `_of_counts` |
//! | `hospital`, `decomposition`, `sensitivity` | `_population_without_*`: units and events that are not in the population of the row, where it is not that of other rows; `_of_counts`: the number follows from hospitals' counts alone |
//! | `decomposition`, `sensitivity` | `_least_units`, `_least_events`: the smallest of the parts of groups that the method fits by themselves |
//! | `features` | `_fewest_code`: units of the rarest code that was found at all |
//! | `coding` | `_events`; `_fewest_*`: the smallest counts of the hospital of a share, and of those that are not shown |
//! | `diagnostics` | `_count`, `_of`: the units behind a value that is a count or a share of units |
//!
//! Free text (step names, reasons, messages, warnings) is not read: a producer puts counts there through [`shown_count`].
//!
//! # What is withheld
//!
//! - `gap`, and by index group all other estimates: where the group's or the reference's units, events or (binomial)
//!   non-events are fewer than `min_cell`. The mean outcome times n is the number of events.
//! - `attrition`: [`attrition`]. `joins`: [`joins`]. `table_one`: [`levels`]. `coefficients` and `decomposition_detail`: [`terms`].
//! - Every estimate of a set of one variable with levels, where a level is withheld: [`saturated`].
//! - `models`: likewise by the units of the fit, together with every figure that is a function of its events.
//! - `hospital_units`, `hospital`: [`hospitals`]. The whole row, name included, with others where a total would give it away; what rests on
//!   few events of the hospital likewise; and then every number that follows from hospitals' counts alone. Populations that leave out few
//!   units or events.
//! - `sensitivity`: [`varied`]. `features`, `code_lists`: [`features`]. `coding`: [`coding`]. `missingness`, `missing_methods`: [`missing`].
//! - `diagnostics`: the value and its message; whether the check passed stays.
//! - `overlap`: nothing is set to null; bins are joined until no count is small: [`overlap`].

mod attrition;
mod coding;
mod features;
mod hospitals;
mod levels;
mod missing;
mod overlap;
mod saturated;
mod terms;
#[cfg(test)]
mod tests;
mod varied;

pub use varied::SEPARATOR;

use super::schema::{self, TABLES};
use super::{Meta, ResultTables, ShownProblem, Table};
use crate::error::{Problem, Problems, codes};
use indexmap::IndexMap;

/// A count as free text may show it: `0`, a number from `min_cell` on, or `fewer than 11`.
pub fn shown_count(n: u64, min_cell: u32) -> String {
    if n != 0 && n < u64::from(min_cell) { format!("fewer than {min_cell}") } else { n.to_string() }
}

/// A warning about the data as outputs may show it: if one of its whole numbers is small, or differs from the largest (the
/// total that it is part of) by a small number, every whole number in it is withheld.
pub fn shown_text(text: &str, min_cell: u32) -> String {
    let number = |word: &str| word.trim_matches(|c: char| c.is_ascii_punctuation() && c != '$').parse::<u64>().ok();
    let numbers: Vec<u64> = text.split_whitespace().filter_map(number).collect();
    let small = |n: u64| n != 0 && n < u64::from(min_cell);
    let total = numbers.iter().copied().max().unwrap_or(0);
    let revealing = numbers.iter().any(|&n| small(n) || small(total - n));
    if !revealing {
        return text.to_owned();
    }
    let digits = |word: &str| word.chars().filter(char::is_ascii_digit).collect::<String>();
    let words = text.split(' ').map(|word| if number(word).is_some() { word.replacen(&digits(word), "[withheld]", 1) } else { word.to_owned() });
    words.collect::<Vec<_>>().join(" ")
}

/// The rule: at least this many, or none.
#[derive(Clone, Copy)]
pub struct Rule {
    min: i64,
}

impl From<u32> for Rule {
    fn from(min_cell: u32) -> Self {
        Self { min: i64::from(min_cell) }
    }
}

impl Rule {
    /// A count that must not be shown.
    fn small(self, count: i64) -> bool {
        0 < count && count < self.min
    }

    /// Too few for an estimate to rest on; none is too few as well.
    fn few(self, count: i64) -> bool {
        count < self.min
    }

    /// Whether so many units, their events or (unless they are counts) non-events are too few for an estimate.
    fn few_of(self, n: i64, events: Option<i64>, family: &str) -> bool {
        self.few(n) || events.is_some_and(|e| self.few(e) || (family != "poisson" && self.few(n - e)))
    }

    /// Whether units by which two shown samples differ are too few to tell their outcomes; none are not.
    fn reveals(self, n: i64, events: Option<i64>, family: &str) -> bool {
        n > 0 && self.few_of(n, events, family)
    }

    /// Whether a figure that counts so many units, or is their share of `of`, must not be shown.
    pub fn hides(self, count: usize, of: Option<usize>) -> bool {
        let small = |n: usize| i64::try_from(n).is_ok_and(|n| self.small(n));
        small(count) || of.is_some_and(|of| small(of.saturating_sub(count)))
    }

    /// Whether a group of so many units and events carries no estimate.
    pub fn carries_nothing(self, n: usize, events: Option<f64>, family: &str) -> bool {
        self.few_of(n as i64, events.map(|e| e as i64), family)
    }
}

/// Cells withheld by table.
#[derive(Default)]
struct Ledger {
    cells: IndexMap<&'static str, usize>,
}

impl Ledger {
    /// Sets the cells to null and marks the row, if there was anything to withhold.
    fn withhold(&mut self, table: &mut Table, row: usize, columns: &[&str]) {
        let cleared = table.clear(row, columns);
        if cleared > 0 {
            table.set_flag(row, "withheld");
            *self.cells.entry(table.name).or_default() += cleared;
        }
    }

    fn total(&self) -> usize {
        self.cells.values().sum()
    }

    fn warning(&self, min_cell: u32) -> Problem {
        let mut p = Problem::warning(
            codes::G602,
            format!("{} cells are withheld: they rest on, or would reveal, fewer than {min_cell} units or events", self.total()),
        );
        for (table, n) in &self.cells {
            p = p.note(format!("{table}: {n}"));
        }
        p.help("`release: { min_cell: 0 }` switches withholding off, where the data may be shown in full")
    }
}

/// Whether one side of a contrast carries estimates.
#[derive(Clone, Copy, Default)]
struct Support {
    units_small: bool,
    few: bool,
    /// `None` of a gaussian outcome.
    events: Option<i64>,
}

/// The two sides of a contrast.
#[derive(Clone, Copy, Default)]
struct Contrast {
    reference: Support,
    index: Support,
}

impl Contrast {
    fn few(self) -> bool {
        self.reference.few || self.index.few
    }
}

/// Columns that are estimates, in every table that a whole contrast is withheld from.
const ESTIMATES: &[&str] = &[
    "counterfactual_mean",
    "adjusted_gap",
    "accounted",
    "accounted_std_error",
    "estimate",
    "std_error",
    "conf_low",
    "conf_high",
    "share",
    "share_conf_low",
    "share_conf_high",
    "order_min",
    "order_max",
    "sequential",
    "first_in",
    "last_in",
    "shapley",
    "missing_information",
    "std_error_cv3",
];

/// Withholds small cells and takes the hidden columns away. `min_cell` 0 switches withholding off.
///
/// The returned problems hold one counted warning `G602` if anything was withheld; it is appended to `meta.problems` too.
/// Errors: `G601` if every estimate of the primary analysis is withheld; `G901` if a producer left out a count that the
/// decision needs, or gave an attrition that does not telescope.
pub fn withhold(mut meta: Meta, tables: Vec<Table>, min_cell: u32) -> Result<(ResultTables, Problems), Problems> {
    let mut tables = by_name(tables)?;
    let mut warnings = Problems::new();
    if min_cell > 0 {
        let rule = Rule::from(min_cell);
        let mut ledger = Ledger::default();
        let had_primary = estimates_of_primary(&tables, &meta.primary);
        apply(&meta, &mut tables, rule, &mut ledger)?;
        if had_primary > 0 && estimates_of_primary(&tables, &meta.primary) == 0 {
            return Err(vec![nothing_left(&meta, &tables, rule)]);
        }
        if ledger.total() > 0 {
            let warning = ledger.warning(min_cell);
            meta.problems.push(ShownProblem::from(&warning));
            warnings.push(warning);
        }
    }
    meta.min_cell = min_cell;
    let tables = tables.into_iter().map(|(name, t)| (name, t.without_hidden())).collect();
    Ok((ResultTables { meta, tables }, warnings))
}

/// Why the primary analysis has no estimate left, and what to do.
fn nothing_left(meta: &Meta, tables: &IndexMap<&'static str, Table>, rule: Rule) -> Problem {
    let (primary, min) = (&meta.primary, rule.min);
    let restricted = tables.get(schema::DECOMPOSITION.name).is_some_and(|t| {
        let gap = |r: &usize| t.text(*r, "analysis") == *primary && t.text(*r, "part") == "gap";
        (0..t.rows.len()).filter(gap).any(|r| hospitals::leaves_out_few(t, r, &meta.family, rule))
    });
    if restricted {
        let message = format!(
            "every estimate of the analysis `{primary}` is withheld: its population leaves out the patients of hospitals that lack a group, and fewer than {min} units, events or non-events of a group with them, whose outcomes would follow from the gaps with and without"
        );
        return Problem::error(codes::G601, message)
            .help("write `unsupported: borrow`, which keeps every patient, or exclude these hospitals' patients in a step of the cohort");
    }
    Problem::error(codes::G601, format!("every estimate of the analysis `{primary}` rests on, or would reveal, fewer than {min} units or events"))
        .help("choose larger groups or a more frequent outcome, or lower `release: { min_cell: ... }` if that is allowed")
}

/// The tables in the declared order, each at most once.
fn by_name(tables: Vec<Table>) -> Result<IndexMap<&'static str, Table>, Problems> {
    let mut out: IndexMap<&'static str, Table> = IndexMap::new();
    for table in tables {
        let name = table.name;
        if out.insert(name, table).is_some() {
            return Err(vec![Problem::error(codes::G901, format!("the table `{name}` is given twice"))]);
        }
    }
    let place = |name: &str| TABLES.iter().position(|t| t.name == name);
    out.sort_by_key(|name, _| place(name));
    Ok(out)
}

fn estimates_of_primary(tables: &IndexMap<&'static str, Table>, primary: &str) -> usize {
    let Some(t) = tables.get(schema::DECOMPOSITION.name) else { return 0 };
    (0..t.rows.len()).filter(|&r| t.text(r, "analysis") == primary && t.number(r, "estimate").is_some()).count()
}

fn apply(meta: &Meta, tables: &mut IndexMap<&'static str, Table>, rule: Rule, ledger: &mut Ledger) -> Result<(), Problems> {
    let support = match tables.get(schema::GAP.name) {
        Some(gap) => supports(gap, &meta.family, rule)?,
        None => IndexMap::new(),
    };
    let hidden = tables.get_mut(schema::TABLE_ONE.name).map(|t| levels::withhold(t, rule, ledger)).unwrap_or_default();
    let saturated = saturated::Saturated::of(meta, tables, &hidden, rule);
    let units = tables.get(schema::HOSPITAL_UNITS.name);
    let listed = units.map(|t| hospitals::Hidden::of(t, &meta.family, &meta.primary, &support, rule)).unwrap_or_default();
    let mut flow = Vec::new();
    let mut whole_flow = true;
    let mut rows_of_steps = attrition::Flow::default();
    for decl in TABLES {
        let Some(table) = tables.get_mut(decl.name) else { continue };
        match decl.name {
            "attrition" => {
                rows_of_steps = attrition::withhold(table, rule, ledger)?;
                flow = shown_flow(table);
                whole_flow = (0..table.rows.len()).all(|row| table.int(row, "n_before").is_some() && table.int(row, "n_after").is_some());
            }
            "joins" => joins(table, &flow, rule, ledger),
            "table_one" => {}
            "gap" => gap(table, &support, ledger),
            "models" => {
                models(table, &support, rule, ledger);
                saturated.sets(table, &["loglik", "aic", "auc", "brier"], ledger);
            }
            "coefficients" => {
                terms::coefficients(table, &meta.family, &support, &hidden, rule, ledger);
                saturated.sets(table, ESTIMATES, ledger);
            }
            "decomposition_detail" => {
                whole_contrast(table, &support, ledger)?;
                terms::detail(table, &hidden, rule, ledger);
                saturated.parts(table, ledger);
            }
            "hospital_units" => {
                whole_contrast(table, &support, ledger)?;
                listed.units(table, decl, &support, ledger);
            }
            "diagnostics" => {
                diagnostics(table, &support, rule, ledger);
                listed.rows(table, &meta.family, rule, ledger);
            }
            "overlap" => overlap::withhold(table, &support, rule, ledger),
            "sensitivity" => {
                whole_contrast(table, &support, ledger)?;
                varied::withhold(table, &meta.family, &support, &hidden, rule, ledger);
                saturated.parts(table, ledger);
                parts_of_groups(table, rule, ledger);
                listed.rows(table, &meta.family, rule, ledger);
            }
            // Last: what the other tables show decides.
            "missingness" => {}
            "missing_methods" => {
                whole_contrast(table, &support, ledger)?;
                missing::methods(table, &meta.family, rule, ledger);
            }
            "decomposition" | "hospital" => {
                whole_contrast(table, &support, ledger)?;
                if decl.name == schema::DECOMPOSITION.name {
                    saturated.parts(table, ledger);
                }
                parts_of_groups(table, rule, ledger);
                listed.rows(table, &meta.family, rule, ledger);
            }
            "with_and_without" => {
                whole_contrast(table, &support, ledger)?;
                saturated.sets(table, ESTIMATES, ledger);
            }
            "features" => features::features(table, whole_flow, rule, ledger),
            "code_lists" => features::code_lists(table, rule, ledger),
            "coding" => coding::withhold(table, rule, ledger),
            other => return Err(vec![Problem::error(codes::G901, format!("the table `{other}` has no rule of withholding"))]),
        }
    }
    if let Some(at) = tables.get_mut(schema::MISSINGNESS.name) {
        let mut table = std::mem::replace(at, Table::new(&schema::MISSINGNESS));
        missing::counts(&mut table, &rows_of_steps, tables, rule, ledger);
        tables.insert(schema::MISSINGNESS.name, table);
    }
    Ok(())
}

/// Units and events behind each contrast, from the gap table.
fn supports(gap: &Table, family: &str, rule: Rule) -> Result<IndexMap<String, Contrast>, Problems> {
    let mut out: IndexMap<String, Contrast> = IndexMap::new();
    for row in 0..gap.rows.len() {
        let side = |group: &str| -> Result<Support, Problems> {
            let n = gap.int(row, &format!("n_{group}"));
            let events = gap.int(row, &format!("_events_{group}"));
            let (Some(n), true) = (n, events.is_some() || family == "gaussian") else {
                let what = format!("table `gap` comes without the units or `_events_{group}` that withholding decides on");
                return Err(vec![Problem::error(codes::G901, what)]);
            };
            Ok(Support { units_small: rule.small(n), few: rule.few_of(n, events, family), events })
        };
        let contrast = Contrast { reference: side("reference")?, index: side("index")? };
        let entry = out.entry(gap.text(row, "index_group").to_owned()).or_default();
        for (have, now) in [(&mut entry.reference, contrast.reference), (&mut entry.index, contrast.index)] {
            have.units_small |= now.units_small;
            have.few |= now.few;
            have.events = now.events;
        }
    }
    Ok(out)
}

/// For each step of attrition, whether the rows after it and the rows that it removed are shown.
fn shown_flow(attrition: &Table) -> Vec<(bool, bool)> {
    let shown = |row, column| !attrition.cell(row, column).is_null();
    (0..attrition.rows.len()).map(|row| (shown(row, "n_after"), shown(row, "n_removed"))).collect()
}

/// Joins count rows that attrition counts too: their numbers are shown where attrition shows them, and few unmatched rows are not. Nor are
/// counts that differ by few: the rows that match two tables may be the same but for those.
fn joins(table: &mut Table, flow: &[(bool, bool)], rule: Rule, ledger: &mut Ledger) {
    let mut known: Vec<i64> = Vec::new();
    for row in 0..table.rows.len() {
        let step = table.int(row, "_after_step").and_then(|s| usize::try_from(s).ok()).unwrap_or(usize::MAX);
        let rows_shown = flow.get(step).is_some_and(|s| s.0);
        let small = ["n_matched", "n_unmatched"].iter().any(|c| table.int(row, c).is_none_or(|n| rule.small(n)));
        let removed_shown = table.text(row, "unmatched") != "drop" || flow.get(step.saturating_add(1)).is_some_and(|s| s.1);
        if rows_shown {
            known.extend(table.int(row, "n_rows"));
        } else {
            ledger.withhold(table, row, &["n_rows"]);
        }
        let matched = table.int(row, "n_matched").unwrap_or(0);
        let near = known.iter().any(|k| rule.small((k - matched).abs()));
        if !rows_shown || small || near || !removed_shown {
            ledger.withhold(table, row, &["n_matched", "n_unmatched"]);
        } else {
            known.push(matched);
        }
        if table.int(row, "n_table").is_some_and(|n| rule.small(n)) {
            ledger.withhold(table, row, &["n_table"]);
        }
    }
}

fn gap(table: &mut Table, support: &IndexMap<String, Contrast>, ledger: &mut Ledger) {
    for row in 0..table.rows.len() {
        let Some(c) = support.get(table.text(row, "index_group")).copied() else { continue };
        if c.few() {
            ledger.withhold(table, row, ESTIMATES);
        }
        for (side, mean, n) in [
            (c.reference, ["mean_reference", "mean_reference_conf_low", "mean_reference_conf_high"], "n_reference"),
            (c.index, ["mean_index", "mean_index_conf_low", "mean_index_conf_high"], "n_index"),
        ] {
            if side.few {
                ledger.withhold(table, row, &mean);
            }
            if side.units_small {
                ledger.withhold(table, row, &[n]);
            }
        }
    }
}

/// Estimates of a method that fits parts of the groups by themselves, where the smallest has too few units or events. The gap is of whole
/// groups.
fn parts_of_groups(table: &mut Table, rule: Rule, ledger: &mut Ledger) {
    for row in 0..table.rows.len() {
        let few = ["_least_units", "_least_events"].iter().any(|c| table.int(row, c).is_some_and(|n| rule.few(n)));
        if few && table.text(row, "part") != "gap" {
            ledger.withhold(table, row, ESTIMATES);
        }
    }
}

/// Every estimate of a contrast that rests on too few units or events.
fn whole_contrast(table: &mut Table, support: &IndexMap<String, Contrast>, ledger: &mut Ledger) -> Result<(), Problems> {
    for row in 0..table.rows.len() {
        let Some(c) = support.get(table.text(row, "index_group")) else {
            let what = format!("table `{}` has estimates of the index group `{}`, table `gap` has not", table.name, table.text(row, "index_group"));
            return Err(vec![Problem::error(codes::G901, what)]);
        };
        if c.few() {
            ledger.withhold(table, row, ESTIMATES);
        }
    }
    Ok(())
}

/// Whether a model of these units is withheld because of the groups it was fitted on.
fn fitted_on_few(fitted_in: &str, c: Contrast) -> bool {
    match fitted_in {
        "reference" => c.reference.few,
        "index" => c.index.few,
        _ => c.few(),
    }
}

fn models(table: &mut Table, support: &IndexMap<String, Contrast>, rule: Rule, ledger: &mut Ledger) {
    for row in 0..table.rows.len() {
        let c = support.get(table.text(row, "index_group")).copied().unwrap_or_default();
        let fitted_in = table.text(row, "fitted_in").to_owned();
        let n = table.int(row, "n").unwrap_or(0);
        let events = table.int(row, "events");
        let binomial = table.text(row, "family") == "binomial";
        let few_events = events.is_some_and(|e| rule.few(e) || (binomial && rule.few(n - e)));
        if fitted_on_few(&fitted_in, c) || rule.few(n) || few_events {
            ledger.withhold(table, row, &["events", "loglik", "aic", "auc", "brier"]);
        }
        // n of a pooled fit less n of the reference fit is the size of the index group.
        let units_small = match fitted_in.as_str() {
            "reference" => c.reference.units_small,
            "index" => c.index.units_small,
            _ => c.reference.units_small || c.index.units_small,
        };
        if units_small || rule.small(n) {
            ledger.withhold(table, row, &["n"]);
        }
    }
}

fn diagnostics(table: &mut Table, support: &IndexMap<String, Contrast>, rule: Rule, ledger: &mut Ledger) {
    for row in 0..table.rows.len() {
        let few = support.get(table.text(row, "index_group")).is_some_and(|c| c.few());
        let count = table.int(row, "_count");
        let rest = count.zip(table.int(row, "_of")).map(|(c, of)| of - c);
        if few || count.is_some_and(|c| rule.small(c)) || rest.is_some_and(|c| rule.small(c)) {
            ledger.withhold(table, row, &["value", "message"]);
        }
        // A resample without a level of k units has probability e^-k: a share above 0 tells how small k is.
        if table.text(row, "check") == "bootstrap_failed" && table.number(row, "value").is_some_and(|v| v > 0.0) {
            ledger.withhold(table, row, &["value"]);
        }
    }
}

/// The different texts of a column, in order of appearance.
fn distinct(table: &Table, column: &str) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for row in 0..table.rows.len() {
        let text = table.text(row, column);
        if !out.iter().any(|t| t == text) {
            out.push(text.to_owned());
        }
    }
    out
}
