//! Runs a [`CohortPlan`] on polars: tables are read with the columns that are needed and no others, joined, derived and reduced to the
//! rows of the analysis, and every row that goes is counted.

use super::attrition::{AttritionRow, Marks, Missingness, emptied};
use super::features::{self, Events, Feature, FeatureReport, Recorded};
use super::finite;
use super::infer::BadCells;
use super::inputs::Input;
use super::joins::{self, JoinRow, Joined};
use super::keys::{self, KeyError, NO_KEY};
use super::layout::{self, Layout, Origin};
use super::plan::{CohortPlan, Columns, OutcomeMissing, RolesPlan, RowStep, UnitPlan};
use super::problems::{bug, without_deprecations};
use super::read::{self, Read, rows_shown};
use super::roles::{self, Rows, Values};
use super::source::InputFile;
use super::sources;
use super::steps;
use super::text::note;
use crate::design::Clusters;
use crate::error::{Place, Problem, Problems, codes};
use crate::vocab::Family;
use indexmap::IndexMap;
use polars::prelude::{DataFrame, Schema};
use std::collections::BTreeSet;

/// The rows of the analysis in the order of the unit table: one a unit, group and outcome known, keys unique.
#[derive(Clone, Debug)]
pub struct Cohort {
    /// Every column that a variable reads, by its name in the joined row; (n) values each.
    pub columns: IndexMap<String, Values>,
    /// (n) group codes: 0 the reference, 1.. the index groups in the order of the study file.
    pub group: Vec<u32>,
    /// Group labels as the study file writes them, the reference first.
    pub group_labels: Vec<String>,
    /// (n) outcome; 0/1 for binomial. NaN is missing, with [`OutcomeMissing::InverseProbability`] only.
    pub outcome: Vec<f64>,
    /// (n) each of the control outcomes; NaN is missing.
    pub controls: Vec<Vec<f64>>,
    pub weight: Option<Vec<f64>>,
    pub exposure: Option<Vec<f64>>,
    pub cluster: Option<Clusters>,
    /// Columns that analyses read as labels, by name.
    pub labelled: Vec<(String, Clusters)>,
    /// (n) row of the unit table, counted from 0.
    pub unit_row: Vec<u32>,
    pub attrition: Vec<AttritionRow>,
    /// In the order of the study file.
    pub joins: Vec<JoinRow>,
    /// What became of the rows of event tables, a feature each.
    pub features: Vec<FeatureReport>,
    /// (n) each: events with a code, whatever the code, that features choose from.
    pub recorded: Vec<Recorded>,
    /// The outcome first, then the variables.
    pub missingness: Vec<Missingness>,
    pub inputs: Vec<InputFile>,
    /// Data rows read of each table.
    pub rows_read: IndexMap<String, u64>,
    pub warnings: Problems,
}

impl Cohort {
    pub fn n(&self) -> usize {
        self.outcome.len()
    }
}

/// The dry run of `gapshare check`: reads the headers, and a sample of the rows where a file does not state its types; resolves every name
/// of the plan and types every expression. Returns the columns of the joined row after all steps.
///
/// Errors, all at once: G201, G202, G203, G204, G207, G208, G210, G211.
pub fn columns(plan: &CohortPlan) -> Result<Columns, Problems> {
    without_deprecations();
    let layout = layout::resolve(plan)?;
    some_rows(plan, &layout)?;
    let schema = layout.schema(plan)?;
    Ok(Columns { warnings: sources::warnings(plan.tables.values()), ..layout.kinds(&schema) })
}

/// Runs the plan on the data.
///
/// Errors: those of [`columns`] and, of the data, G301 to G309, G312, G313, G306.
pub fn build(plan: &CohortPlan, roles: &RolesPlan) -> Result<Cohort, Problems> {
    without_deprecations();
    let layout = layout::resolve(plan)?;
    some_rows(plan, &layout)?;
    let of_roles = roles::columns(roles);
    let unknown: Problems = of_roles.iter().filter(|n| !layout.columns.contains_key(&n.name)).map(|n| layout.unknown(n)).collect();
    if !unknown.is_empty() {
        return Err(unknown);
    }
    let role_names: BTreeSet<String> = of_roles.iter().map(|n| n.name.clone()).collect();
    let mut warnings = Problems::new();
    let tables = read_tables(plan, &layout, &role_names, &mut warnings)?;
    let events = open_events(plan, &layout, &mut warnings)?;
    let Steps { frame, mut marks, joins, features, recorded, from_missing, inputs: more } =
        run_steps(plan, &layout, &tables, &events, &mut warnings)?;
    let names: Vec<&str> = role_names.iter().map(String::as_str).collect();
    let frame = frame.select(names).map_err(|e| vec![bug("the columns of the roles", &e)])?;

    let mut problems = Problems::new();
    let mut rows = Rows { frame: &frame, layout: &layout, marks: &mut marks, warnings: &mut warnings, problems: &mut problems };
    let group = rows.group(&roles.group);
    if let Some(group) = &group {
        rows.marks.step("group is reference or index", |row| group[row] == super::levels::MISSING);
    }
    let n_groups = 1 + roles.group.index.len();
    let before_outcome = rows.marks.clone();
    let outcome = or_report(rows.outcome(&roles.outcome), rows.problems);
    let mut missingness = Vec::new();
    if let (Some(group), Some(outcome)) = (&group, &outcome) {
        let by_group = before_outcome.missing(group, n_groups, |row| outcome[row].is_nan());
        missingness.push(Missingness { column: roles.outcome.column.name.clone(), role: None, by_group, nested: Vec::new() });
        missingness.extend(rows.missingness(roles, group, n_groups));
    }
    rows.missing(roles);
    if let Some(weight) = &roles.weight {
        rows.without_zero_weight(weight);
    }
    let group_labels: Vec<String> = std::iter::once(&roles.group.reference).chain(&roles.group.index).map(|v| v.value.text.clone()).collect();
    let events = outcome.as_deref().filter(|_| matches!(roles.outcome.family, Family::Binomial | Family::Probit));
    let mut counted = rows.marks.clone();
    if let (OutcomeMissing::InverseProbability, Some(outcome)) = (roles.outcome.missing, &outcome) {
        counted.step("outcome known", |row| outcome[row].is_nan());
    }
    let attrition = group.as_ref().map(|g| counted.lines(g, n_groups, events)).unwrap_or_default();
    rows.problems.extend(emptied(&attrition, &group_labels, |name| step_at(plan, name)));
    let columns = rows.variables(roles);
    let weight = roles.weight.as_ref().map(|w| rows.weight(w)).transpose();
    let weight = or_report(weight, rows.problems);
    let exposure = roles.outcome.exposure.as_ref().map(|e| rows.exposure(e)).transpose();
    let exposure = or_report(exposure, rows.problems);
    let cluster = roles.cluster.as_ref().map(|c| rows.labels("the cluster", c)).transpose();
    let cluster = or_report(cluster, rows.problems);
    let mut controls = Vec::new();
    for plan in &roles.controls {
        let values = rows.control(plan);
        controls.extend(or_report(values, rows.problems));
    }
    let mut labelled = Vec::new();
    for (what, named) in &roles.labelled {
        let labels = rows.labels(what, named);
        labelled.extend(or_report(labels, rows.problems).map(|l| (named.name.clone(), l)));
    }

    let unit_row = marks.kept();
    warnings.extend(steps::from_missing(plan, &from_missing, &marks));
    let joins: Vec<JoinRow> = joins.into_iter().map(|j| j.finish(&unit_row)).collect();
    let (Some(group), Some(outcome), Some(weight), Some(exposure), Some(cluster), true) =
        (group, outcome, weight, exposure, cluster, problems.is_empty())
    else {
        // A number column that one cell made text, or a column that the source leaves empty, explains other errors; events that do not count
        // explain missing values.
        let missing = problems.iter().any(|p| [codes::G307, codes::G308, codes::G312].contains(&p.code));
        let explains = |w: &Problem| match w.code {
            codes::G315 | codes::G331 | codes::G332 => true,
            codes::G304 | codes::G321 | codes::G322 | codes::G323 | codes::G325 => missing,
            _ => false,
        };
        problems.extend(warnings.into_iter().filter(explains));
        return Err(problems);
    };
    let mut rows_read: IndexMap<String, u64> = tables.iter().map(|(name, read)| (name.clone(), read.frame.height() as u64)).collect();
    for t in &more {
        rows_read.entry(t.table.clone()).or_insert_with(|| t.files.iter().map(|f| f.rows).sum());
    }
    let inputs = all_inputs(tables.into_values().map(|read| read.input).chain(more), &layout);
    Ok(Cohort {
        columns,
        group: unit_row.iter().map(|row| group[*row as usize]).collect(),
        group_labels,
        outcome: unit_row.iter().map(|row| outcome[*row as usize]).collect(),
        controls,
        weight,
        exposure,
        cluster,
        labelled,
        recorded: recorded.into_iter().map(|r| r.of_rows(&unit_row)).collect(),
        unit_row,
        attrition,
        missingness,
        joins,
        features,
        rows_read,
        inputs,
        warnings,
    })
}

/// Where the study file has the step of a name.
fn step_at(plan: &CohortPlan, name: &str) -> Option<Place> {
    plan.steps.iter().find_map(|step| match step {
        RowStep::Keep(keep) if keep.name == name => keep.sql.place.clone(),
        RowStep::First(first) if first.name == name => first.per.first().and_then(|c| c.place.clone()),
        RowStep::Present(present) if present.name == name => present.columns.first().and_then(|c| c.place.clone()),
        RowStep::Keep(_) | RowStep::First(_) | RowStep::Present(_) | RowStep::Join(_) | RowStep::Derive(_) | RowStep::Feature(_) => None,
    })
}

/// G307 for a unit table that has a header and nothing else: its columns have no types to check.
fn some_rows(plan: &CohortPlan, layout: &Layout) -> Result<(), Problems> {
    let unit = &plan.unit.table;
    match (plan.tables.get(&unit.name), layout.headers.get(&unit.name)) {
        (Some(table), Some(header)) if read::has_no_rows(table, header) => {
            Err(vec![Problem::error(codes::G307, nothing(plan, &unit.name)).at(table.path_place.clone())])
        }
        _ => Ok(()),
    }
}

/// What G307 says of a unit table without rows.
fn nothing(plan: &CohortPlan, unit: &str) -> String {
    match plan.tables.get(unit).map(|t| &t.input) {
        Some(Input::Query(_)) => format!("the query of table `{unit}` gives no rows"),
        _ => format!("table `{unit}` has a header and no rows"),
    }
}

fn or_report<T>(result: Result<T, Box<Problem>>, problems: &mut Problems) -> Option<T> {
    result.map_err(|p| problems.push(*p)).ok()
}

fn read_tables(plan: &CohortPlan, layout: &Layout, roles: &BTreeSet<String>, warnings: &mut Problems) -> Result<IndexMap<String, Read>, Problems> {
    let mut problems = Problems::new();
    let mut tables = IndexMap::new();
    for (name, wanted) in layout.wanted(plan, roles) {
        let (Some(table), Some(header)) = (plan.tables.get(&name), layout.headers.get(&name)) else { continue };
        if let Some(read) = read::read(table, header, &wanted, warnings, &mut problems) {
            let (frame, found) = finite::without_nan(read.frame)?;
            warnings.extend(finite::nan_in_table(&name, &found, table.path_place.clone()));
            tables.insert(name, Read { frame, ..read });
        }
    }
    if problems.is_empty() { Ok(tables) } else { Err(problems) }
}

/// The first pass over each event table.
fn open_events<'a>(plan: &'a CohortPlan, layout: &'a Layout, warnings: &mut Problems) -> Result<IndexMap<String, Events<'a>>, Problems> {
    let mut problems = Problems::new();
    let mut events = IndexMap::new();
    for (name, needs) in &layout.needs {
        let (Some(table), Some(header)) = (plan.tables.get(name), layout.headers.get(name)) else { continue };
        match Events::open(table, header, needs, warnings) {
            Ok(opened) => {
                events.insert(name.clone(), opened);
            }
            Err(p) => problems.extend(p),
        }
    }
    if problems.is_empty() { Ok(events) } else { Err(problems) }
}

/// Every table once, then the files of codes.
fn all_inputs(tables: impl Iterator<Item = InputFile>, layout: &Layout) -> Vec<InputFile> {
    let lists = layout.features.iter().flatten().filter_map(|parts| parts.list.as_ref()?.input.clone());
    let mut inputs: Vec<InputFile> = Vec::new();
    for input in tables.chain(lists) {
        if !inputs.iter().any(|seen| seen.table == input.table) {
            inputs.push(input);
        }
    }
    inputs
}

/// The joined rows after all steps, and which of them were removed by which step.
struct Steps {
    frame: DataFrame,
    marks: Marks,
    joins: Vec<Joined>,
    features: Vec<FeatureReport>,
    recorded: Vec<Recorded>,
    /// Derived columns, by their step, with a value in rows where a column that they read has none.
    from_missing: Vec<(usize, String, Vec<u32>)>,
    /// The event tables.
    inputs: Vec<InputFile>,
}

fn run_steps(
    plan: &CohortPlan,
    layout: &Layout,
    tables: &IndexMap<String, Read>,
    events: &IndexMap<String, Events<'_>>,
    warnings: &mut Problems,
) -> Result<Steps, Problems> {
    let unit = &plan.unit.table.name;
    let Some(unit_table) = tables.get(unit) else {
        return Err(vec![Problem::error(codes::G901, "no column of the unit table is used")]);
    };
    if unit_table.frame.height() == 0 {
        return Err(vec![Problem::error(codes::G307, nothing(plan, unit)).at(plan.tables.get(unit).and_then(|t| t.path_place.clone()))]);
    }
    let frame = unit_table.frame.clone();
    let marks = Marks::new(frame.height(), format!("rows of {unit}"));
    let mut so_far =
        Steps { frame, marks, joins: Vec::new(), features: Vec::new(), recorded: Vec::new(), from_missing: Vec::new(), inputs: Vec::new() };
    let mut problems = Problems::new();
    check_units(&plan.unit, unit_table, warnings, &mut problems);
    // Types may differ from those of the sample that `check` saw, so expressions are typed again on what was read.
    let mut typed = false;
    for (at, step) in plan.steps.iter().enumerate() {
        if let RowStep::Join(plan) = step {
            let Some(right) = tables.get(&plan.table.name) else { continue };
            let ready = plan.by.iter().all(|(l, _)| so_far.frame.column(&l.name).is_ok());
            if ready {
                match joins::join(&mut so_far.frame, &mut so_far.marks, plan, &layout.joined[at], &right.frame, &right.input.files, warnings) {
                    Ok(row) => so_far.joins.push(row),
                    Err(p) => problems.extend(p),
                }
            }
            continue;
        }
        if !problems.is_empty() {
            continue;
        }
        if !typed {
            typed = joins_done(plan, step);
            if typed {
                let mut schema: Schema = (**so_far.frame.schema()).clone();
                let types = events.iter().map(|(name, e)| (name.clone(), e.schema())).collect();
                layout.type_expressions(plan, &mut schema, &types, &mut problems);
                if !problems.is_empty() {
                    continue;
                }
            }
        }
        let Steps { frame, marks, from_missing, .. } = &mut so_far;
        let done = match (step, &layout.expressions[at]) {
            (RowStep::Derive(derive), Some(expression)) => {
                expression.take_undefined();
                expression.evaluate(frame, &derive.column.name).map_err(|e| vec![steps::not_computed(&derive.sql, &e)]).and_then(|c| {
                    let what = format!("derived column `{}`", derive.column.name);
                    warnings.extend(finite::undefined(&what, expression.take_undefined(), derive.sql.place.clone()));
                    from_missing.extend(expression.values_from_nothing(frame, &c).into_iter().map(|(name, rows)| (at, name, rows)));
                    frame.with_column(c).map(|_| ()).map_err(|e| vec![bug("a derived column", &e)])
                })
            }
            (RowStep::Feature(_), _) => so_far.features_from(at, plan, layout, tables, events, warnings),
            (RowStep::Keep(keep), Some(expression)) => steps::keep(frame, marks, keep, expression, warnings).map_err(|p| vec![*p]),
            (RowStep::First(first), _) => steps::first(frame, marks, first, warnings),
            (RowStep::Present(present), _) => steps::present(frame, marks, present).map_err(|p| vec![*p]),
            (RowStep::Join(_) | RowStep::Derive(_) | RowStep::Keep(_), _) => Ok(()),
        };
        if let Err(p) = done {
            problems.extend(p);
        }
    }
    if problems.is_empty() { Ok(so_far) } else { Err(problems) }
}

impl Steps {
    /// The features that follow one another from this step on, each event table read once. Nothing for a step whose feature is there.
    fn features_from(
        &mut self,
        at: usize,
        plan: &CohortPlan,
        layout: &Layout,
        tables: &IndexMap<String, Read>,
        events: &IndexMap<String, Events<'_>>,
        warnings: &mut Problems,
    ) -> Result<(), Problems> {
        let mut by_table: IndexMap<&str, Vec<Feature<'_>>> = IndexMap::new();
        for (step, parts) in plan.steps.iter().zip(&layout.features).skip(at) {
            let (RowStep::Feature(plan), Some(parts)) = (step, parts) else { break };
            if self.frame.column(&plan.column.name).is_err() {
                let feature = Feature { plan, keep: parts.keep.as_ref(), list: parts.list.as_ref(), score: parts.score.as_ref() };
                by_table.entry(&plan.table.name).or_default().push(feature);
            }
        }
        let mut problems = Problems::new();
        for (table, features) in by_table {
            let Some(events) = events.get(table) else { continue };
            let index = features.iter().find_map(|f| f.plan.index_date.as_ref()).and_then(|date| layout.columns.get(&date.name));
            let index_stamps = match index {
                Some(Origin::Table { table, column }) => tables.get(table).and_then(|t| t.stamps.get(column)).copied(),
                Some(Origin::Derived) | None => None,
            };
            match features::compute(&self.frame, &self.marks, &features, events, index_stamps, warnings) {
                Ok(computed) => {
                    for column in computed.columns {
                        self.frame.with_column(column).map_err(|e| vec![bug("a feature", &e)])?;
                    }
                    self.features.extend(computed.reports);
                    for new in computed.recorded {
                        let other = self.recorded.iter_mut().try_fold(new, |new, r| r.merge(new));
                        self.recorded.extend(other);
                    }
                    self.inputs.push(computed.input);
                }
                Err(p) => problems.extend(p),
            }
        }
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }
}

/// Is there no join after this step?
fn joins_done(plan: &CohortPlan, step: &RowStep) -> bool {
    let at = plan.steps.iter().position(|s| std::ptr::eq(s, step)).unwrap_or_default();
    !plan.steps[at..].iter().any(|s| matches!(s, RowStep::Join(_)))
}

/// Keys of the unit table are there and unique: G302; without a key a warning G316.
fn check_units(unit: &UnitPlan, table: &Read, warnings: &mut Problems, problems: &mut Problems) {
    let Some(key) = &unit.key else {
        warnings.push(
            Problem::warning(codes::G316, format!("the rows of `{}` were not checked for repeated units", unit.table.name))
                .at(unit.table.place.clone())
                .help("name the column that identifies them: unit: { table: ..., key: ... }"),
        );
        return;
    };
    let codes_of = match table.frame.column(&key.name).map_err(KeyError::Polars).and_then(|c| keys::single(&[c]).map_err(|(_, e)| e)) {
        Ok(codes) => codes,
        Err(KeyError::Polars(e)) => return problems.push(bug("the unit key", &e)),
        Err(KeyError::Types(t, _)) => {
            return problems.push(Problem::error(codes::G211, format!("`{}` is {t}: it cannot be a key", key.name)).at(key.place.clone()));
        }
    };
    let (count, rows) = keys::repeated(&codes_of);
    let files = &table.input.files;
    if count > 0 {
        problems.push(
            Problem::error(codes::G302, format!("{count} rows of `{}` repeat a `{}` that stands in a row before them", unit.table.name, key.name))
                .at(key.place.clone())
                .note(format!("{} (the header not counted)", rows_shown(files, &BadCells { count, rows })))
                .help("one row of this table is one unit: name the column that identifies its rows, or leave `key` out"),
        );
    }
    let mut missing = BadCells::default();
    codes_of.iter().enumerate().filter(|(_, c)| **c == NO_KEY).for_each(|(row, _)| note(&mut missing.count, &mut missing.rows, row + 1));
    if missing.count > 0 {
        problems.push(
            Problem::error(codes::G302, format!("{} rows of `{}` have no `{}`", missing.count, unit.table.name, key.name))
                .at(key.place.clone())
                .note(format!("{} (the header not counted)", rows_shown(files, &missing))),
        );
    }
}
