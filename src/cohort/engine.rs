//! Runs a [`CohortPlan`] on polars: tables are read with the columns that are needed and no others, joined, derived and reduced to the
//! rows of the analysis, and every row that goes is counted.

use super::attrition::{AttritionRow, Marks, emptied};
use super::infer::BadCells;
use super::joins;
use super::keys::{self, KeyError, NO_KEY};
use super::layout::{self, Layout};
use super::plan::{CohortPlan, Columns, RolesPlan, RowStep, UnitPlan};
use super::problems::bug;
use super::read::{self, Read, rows_shown};
use super::roles::{self, Rows, Values};
use super::source::InputFile;
use super::steps;
use super::text::note;
use crate::design::Clusters;
use crate::error::{Problem, Problems, codes};
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
    /// (n) outcome; 0/1 for binomial.
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
    let layout = layout::resolve(plan)?;
    some_rows(plan, &layout)?;
    let schema = layout.schema(plan)?;
    Ok(layout.kinds(&schema))
}

/// Runs the plan on the data.
///
/// Errors: those of [`columns`] and, of the data, G301 to G309, G312, G313, G306.
pub fn build(plan: &CohortPlan, roles: &RolesPlan) -> Result<Cohort, Problems> {
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
    let (frame, mut marks) = run_steps(plan, &layout, &tables, &mut warnings)?;
    let names: Vec<&str> = role_names.iter().map(String::as_str).collect();
    let frame = frame.select(names).map_err(|e| vec![bug("the columns of the roles", &e)])?;

    let mut problems = Problems::new();
    let mut rows = Rows { frame: &frame, layout: &layout, marks: &mut marks, warnings: &mut warnings, problems: &mut problems };
    let group = rows.group(&roles.group);
    if let Some(group) = &group {
        rows.marks.step("group is reference or index", |row| group[row] == super::levels::MISSING);
    }
    let outcome = or_report(rows.outcome(&roles.outcome), rows.problems);
    rows.missing(roles);
    if let Some(weight) = &roles.weight {
        rows.without_zero_weight(weight);
    }
    let group_labels: Vec<String> = std::iter::once(&roles.group.reference).chain(&roles.group.index).map(|v| v.value.text.clone()).collect();
    let attrition = group.as_ref().map(|g| rows.marks.lines(g, group_labels.len())).unwrap_or_default();
    rows.problems.extend(emptied(&attrition, &group_labels));
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
    let (Some(group), Some(outcome), Some(weight), Some(exposure), Some(cluster), true) =
        (group, outcome, weight, exposure, cluster, problems.is_empty())
    else {
        // A number column that one cell made text explains other errors.
        problems.extend(warnings.into_iter().filter(|w| w.code == codes::G315));
        return Err(problems);
    };
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
        unit_row,
        attrition,
        rows_read: tables.iter().map(|(name, read)| (name.clone(), read.frame.height() as u64)).collect(),
        inputs: tables.into_values().map(|read| read.input).collect(),
        warnings,
    })
}

/// G307 for a unit table that has a header and nothing else: its columns have no types to check.
fn some_rows(plan: &CohortPlan, layout: &Layout) -> Result<(), Problems> {
    let unit = &plan.unit.table;
    match (plan.tables.get(&unit.name), layout.headers.get(&unit.name)) {
        (Some(table), Some(header)) if read::has_no_rows(table, header) => {
            Err(vec![Problem::error(codes::G307, format!("table `{}` has a header and no rows", unit.name)).at(table.path_place.clone())])
        }
        _ => Ok(()),
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
            tables.insert(name, read);
        }
    }
    if problems.is_empty() { Ok(tables) } else { Err(problems) }
}

/// The joined rows after all steps, and which of them were removed by which step.
fn run_steps(plan: &CohortPlan, layout: &Layout, tables: &IndexMap<String, Read>, warnings: &mut Problems) -> Result<(DataFrame, Marks), Problems> {
    let unit = &plan.unit.table.name;
    let Some(unit_table) = tables.get(unit) else {
        return Err(vec![Problem::error(codes::G901, "no column of the unit table is used")]);
    };
    if unit_table.frame.height() == 0 {
        return Err(vec![
            Problem::error(codes::G307, format!("table `{unit}` has a header and no rows"))
                .at(plan.tables.get(unit).and_then(|t| t.path_place.clone())),
        ]);
    }
    let mut frame = unit_table.frame.clone();
    let mut marks = Marks::new(frame.height(), format!("rows of {unit}"));
    let mut problems = Problems::new();
    check_units(&plan.unit, unit_table, warnings, &mut problems);
    // Types may differ from those of the sample that `check` saw, so expressions are typed again on what was read.
    let mut typed = false;
    for ((step, expression), joined) in plan.steps.iter().zip(&layout.expressions).zip(&layout.joined) {
        if let RowStep::Join(plan) = step {
            let Some(right) = tables.get(&plan.table.name) else { continue };
            let ready = plan.by.iter().all(|(l, _)| frame.column(&l.name).is_ok());
            if ready && let Err(p) = joins::join(&mut frame, &mut marks, plan, joined, &right.frame, &right.input.files, warnings) {
                problems.extend(p);
            }
            continue;
        }
        if !problems.is_empty() {
            continue;
        }
        if !typed {
            typed = joins_done(plan, step);
            if typed {
                let mut schema: Schema = (**frame.schema()).clone();
                layout.type_expressions(plan, &mut schema, &mut problems);
                if !problems.is_empty() {
                    continue;
                }
            }
        }
        let done = match (step, expression) {
            (RowStep::Derive(derive), Some(expression)) => expression
                .evaluate(&frame, &derive.column.name)
                .map_err(|e| vec![steps::not_computed(&derive.sql, &e)])
                .and_then(|c| frame.with_column(c).map(|_| ()).map_err(|e| vec![bug("a derived column", &e)])),
            (RowStep::Keep(keep), Some(expression)) => steps::keep(&frame, &mut marks, keep, expression, warnings).map_err(|p| vec![*p]),
            (RowStep::First(first), _) => steps::first(&frame, &mut marks, first, warnings),
            (RowStep::Present(present), _) => steps::present(&frame, &mut marks, present).map_err(|p| vec![*p]),
            (RowStep::Join(_) | RowStep::Derive(_) | RowStep::Keep(_), _) => Ok(()),
        };
        if let Err(p) = done {
            problems.extend(p);
        }
    }
    if problems.is_empty() { Ok((frame, marks)) } else { Err(problems) }
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
