//! Multiple imputation of the variables whose rule says so: the cohort as data for [`chained`], and its completed designs.
//!
//! What is imputed is the variable, after its levels are merged; splines, logarithms and products follow from it in every completed data
//! set. Knots and base levels are those of the observed cells, and columns that vary in one completed data set and not in another are left
//! out of all, so that all designs have the same columns.

pub mod chained;

use super::categories::{self, Categories};
use super::coding::{self, code_like};
use super::engine::Cohort;
use super::fill::Sample;
use super::levels::MISSING;
use super::plan::{Coding, MissingRule, Named, RolesPlan, VariablePlan};
use super::roles::Values;
use crate::design::Design;
use crate::error::{Problem, Problems, codes};
use crate::vocab::{Family, Scalar};
use chained::{Basis, Completed, Data, Factor, ImputeError, Imputed, Incomplete, Settings};
use indexmap::IndexMap;
use std::collections::BTreeSet;

/// Levels of a variable that can be imputed: each is a set of coefficients of its own.
const MOST_LEVELS: usize = 20;

/// The completed data sets of a cohort.
pub struct Imputations<'a> {
    observed: &'a Cohort,
    /// With the levels of imputed variables merged, and their base levels named in the roles.
    merged: Cohort,
    roles: RolesPlan,
    variables: Vec<Part>,
    /// Row of the cohort of each row of the design.
    order: Vec<u32>,
    completed: Vec<Completed>,
    /// Terms that no completed design has.
    left_out: BTreeSet<String>,
    pub warnings: Problems,
}

/// An imputed variable: its name, and its levels if it has levels.
struct Part {
    name: String,
    levels: Option<Vec<String>>,
}

impl Imputations<'_> {
    pub fn len(&self) -> usize {
        self.completed.len()
    }

    pub fn is_empty(&self) -> bool {
        self.completed.is_empty()
    }

    /// The design of one completed data set. Errors: as [`coding::code`].
    pub fn design(&self, m: usize) -> Result<(Design, Problems), Problems> {
        let (mut design, warnings) = self.whole(m)?;
        let out: Vec<usize> = (0..design.columns.len()).filter(|&j| self.left_out.contains(&design.columns[j].term)).collect();
        design.take_out(&out);
        Ok((design, warnings))
    }

    fn whole(&self, m: usize) -> Result<(Design, Problems), Problems> {
        let mut cohort = self.merged.clone();
        for (part, cells) in self.variables.iter().zip(&self.completed[m]) {
            let row = |at: usize| self.order[at] as usize;
            match cohort.columns.get_mut(&part.name) {
                Some(Values::Number(v)) if part.levels.is_none() => cells.iter().for_each(|(at, value)| v[row(*at)] = *value),
                Some(Values::Category { code, .. }) => cells.iter().for_each(|(at, value)| code[row(*at)] = *value as u32),
                Some(Values::Number(_)) | None => {}
            }
        }
        code_like(&cohort, &self.roles, self.observed)
    }
}

/// Imputes every variable with the rule [`MissingRule::MultipleImputation`] and a missing cell. `None` where there is none.
///
/// Warnings: G319 for each variable, with its missing cells by group; G314 for columns left out of all designs because they do not vary, or
/// depend on others, in one of them. Errors: G210 (too many levels), G312 (no observed cell in a group), G401 (a model without a fit), and those of
/// [`coding::code`].
pub fn impute<'a>(cohort: &'a Cohort, roles: &RolesPlan, settings: &Settings) -> Result<Option<Imputations<'a>>, Problems> {
    let wanted: Vec<&VariablePlan> = roles.variables.iter().filter(|v| is_incomplete(cohort, v)).collect();
    if wanted.is_empty() {
        return Ok(None);
    }
    let (mut merged, mut completed_roles) = (cohort.clone(), roles.clone());
    let mut variables = Vec::new();
    let mut problems: Problems = wanted.iter().filter(|v| is_empty(cohort, v)).map(|v| no_value(v)).collect();
    for v in wanted.iter().filter(|v| !is_empty(cohort, v)) {
        match merge_levels(&mut merged, v, &mut completed_roles) {
            Ok(part) => variables.push(part),
            Err(p) => problems.extend(p),
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let (start, _) = coding::code(&with_observed(&merged, &variables), &completed_roles)?;
    let data = data(&merged, &completed_roles, &variables, &start)?;
    let sample = Sample { groups: &start.groups };
    let mut warnings = Problems::new();
    for (v, plan) in data.variables.iter().zip(&wanted) {
        let (_, counts) = sample.count(|i| v.values[i].is_nan());
        let message = format!("`{}`: {counts} missing values were imputed", v.name);
        warnings.push(Problem::warning(codes::G319, message).at(plan.column.place.clone()));
    }
    let group = |g: usize| start.groups.get(g).map_or("", |g| g.label.as_str());
    let Imputed { completed, without_means, augmented } = chained::impute(&data, settings).map_err(|e| vec![not_imputed(&e, &wanted, &group)])?;
    for (v, g) in without_means {
        let name = &data.variables[v].name;
        let message = format!("`{name}` was imputed in group {} without the means of clusters: too few of its cells are observed there", group(g));
        warnings.push(Problem::warning(codes::G319, message).at(wanted[v].column.place.clone()));
    }
    for (v, g) in augmented {
        let name = &data.variables[v].name;
        let message = format!("a level of `{name}` is predicted perfectly in group {}: its imputation model has pseudo-observations", group(g));
        warnings.push(Problem::warning(codes::G319, message).at(wanted[v].column.place.clone()).help("merge rare levels"));
    }
    let order = start.cohort_row.clone();
    let mut out = Imputations { observed: cohort, merged, roles: completed_roles, variables, order, completed, left_out: BTreeSet::new(), warnings };
    out.leave_out()?;
    Ok(Some(out))
}

impl Imputations<'_> {
    /// Terms that some completed design has and another has not leave all.
    fn leave_out(&mut self) -> Result<(), Problems> {
        let mut terms: IndexMap<String, usize> = IndexMap::new();
        for m in 0..self.completed.len() {
            self.whole(m)?.0.columns.into_iter().for_each(|c| *terms.entry(c.term).or_default() += 1);
        }
        for (term, _) in terms.into_iter().filter(|(_, n)| *n < self.completed.len()) {
            let message = format!("column `{term}` was left out: in a completed data set it does not vary, or is a linear combination of others");
            self.warnings.push(Problem::warning(codes::G314, message));
            self.left_out.insert(term);
        }
        Ok(())
    }
}

fn is_incomplete(cohort: &Cohort, v: &VariablePlan) -> bool {
    let missing = match cohort.columns.get(&v.column.name) {
        Some(Values::Number(x)) => x.iter().any(|x| x.is_nan()),
        Some(Values::Category { code, .. }) => code.contains(&MISSING),
        None => false,
    };
    missing && v.missing == MissingRule::MultipleImputation && !matches!(v.coding, Coding::Interaction { .. })
}

fn is_empty(cohort: &Cohort, v: &VariablePlan) -> bool {
    match cohort.columns.get(&v.column.name) {
        Some(Values::Number(x)) => x.iter().all(|x| x.is_nan()),
        Some(Values::Category { code, .. }) => code.iter().all(|c| *c == MISSING),
        None => false,
    }
}

/// G312 for a variable without any value.
fn no_value(v: &VariablePlan) -> Problem {
    Problem::error(codes::G312, format!("`{}` has no value in any row: there is nothing to impute it from", v.column.name))
        .at(v.column.place.clone())
        .label("always missing")
        .help("take it out of the study, or look at why its column is empty")
}

/// A variable that enters as categories gets its merged levels, and its base level by name; a number stays as it is.
fn merge_levels(cohort: &mut Cohort, v: &VariablePlan, roles: &mut RolesPlan) -> Result<Part, Problems> {
    let name = v.column.name.clone();
    let refuse = |message: String, help: &str| vec![Problem::error(codes::G210, message).at(v.column.place.clone()).help(help)];
    let (levels, code) = match (&v.coding, cohort.columns.get(&name)) {
        (Coding::FixedEffects, _) => {
            return Err(refuse(format!("`{name}` identifies hospitals, which cannot be imputed"), "give it `drop_row`"));
        }
        (Coding::Categorical { .. }, Some(Values::Number(x))) => categories::of_numbers(x),
        (_, Some(Values::Category { levels, code })) => (levels.clone(), code.clone()),
        (_, Some(Values::Number(_)) | None) => return Ok(Part { name, levels: None }),
    };
    let nothing = IndexMap::new();
    let (base, merge) = match &v.coding {
        Coding::Categorical { base, merge } => (base.as_ref(), merge),
        _ => (None, &nothing),
    };
    let Categories { levels, code, base } = categories::build(&v.column, levels, code, merge, None, base)?;
    if levels.len() > MOST_LEVELS {
        let message = format!("`{name}` has {} levels; with more than {MOST_LEVELS} it cannot be imputed", levels.len());
        return Err(refuse(message, "merge rare levels, give it `level: unknown` or `drop_row`, or say that it is a number"));
    }
    for other in roles.variables.iter_mut().filter(|o| o.column.name == name) {
        other.coding = Coding::Categorical { base: levels.get(base).map(Scalar::new), merge: IndexMap::new() };
    }
    cohort.columns.insert(name.clone(), Values::Category { levels: levels.clone(), code });
    Ok(Part { name, levels: Some(levels) })
}

/// The cohort with an observed cell in the place of every missing one: the observed cells in turn, so that the column keeps their distribution and
/// knots and levels are found in it as in them.
fn with_observed(cohort: &Cohort, variables: &[Part]) -> Cohort {
    fn in_turn<T: Copy>(cells: &mut [T], is_missing: impl Fn(T) -> bool) {
        let known: Vec<T> = cells.iter().copied().filter(|c| !is_missing(*c)).collect();
        let mut next = known.iter().copied().cycle();
        cells.iter_mut().filter(|c| is_missing(**c)).zip(&mut next).for_each(|(c, known)| *c = known);
    }
    let mut out = cohort.clone();
    for v in variables {
        match out.columns.get_mut(&v.name) {
            Some(Values::Number(x)) => in_turn(x, f64::is_nan),
            Some(Values::Category { code, .. }) => in_turn(code, |c| c == MISSING),
            None => {}
        }
    }
    out
}

/// The incomplete variables, and as predictors the columns of all others, the outcome, and logarithms of weights and exposures.
fn data(cohort: &Cohort, roles: &RolesPlan, variables: &[Part], start: &Design) -> Result<Data, Problems> {
    let in_order = |values: &[f64]| -> Vec<f64> { start.cohort_row.iter().map(|&i| values[i as usize]).collect() };
    let mut incomplete = Vec::with_capacity(variables.len());
    // The terms of each incomplete variable, with the column of its basis.
    let mut terms: IndexMap<String, Factor> = IndexMap::new();
    for (k, part) in variables.iter().enumerate() {
        let Some(plan) = roles.variables.iter().find(|v| v.column.name == part.name) else { continue };
        let (values, basis) = match (cohort.columns.get(&part.name), &plan.coding) {
            (Some(Values::Category { levels, code }), coding) => {
                let base = match coding {
                    Coding::Categorical { base: Some(b), .. } => levels.iter().position(|l| l == b.text.as_str()).unwrap_or(0),
                    _ => 0,
                };
                let values: Vec<f64> = code.iter().map(|c| if *c == MISSING { f64::NAN } else { f64::from(*c) }).collect();
                (values, Basis::Levels { levels: levels.len(), base })
            }
            (Some(Values::Number(v)), Coding::Spline { df }) => (v.clone(), Basis::Spline { knots: coding::knots(&plan.column, v.clone(), *df)? }),
            (Some(Values::Number(v)), Coding::Log { offset }) => (v.clone(), Basis::Log { offset: *offset }),
            (Some(Values::Number(v)), _) => (v.clone(), Basis::Linear),
            (None, _) => return Err(vec![Problem::error(codes::G901, format!("`{}` is not in the cohort", part.name))]),
        };
        for j in 0..basis.width() {
            terms.insert(term(&plan.column, &basis, part.levels.as_deref(), j), Factor::Of(k, j));
        }
        incomplete.push(Incomplete { name: part.name.clone(), values: in_order(&values), basis });
    }
    let column = |j: usize| start.x.column(j).to_vec();
    let mut known = vec![start.y.iter().enumerate().map(|(i, y)| start.exposure.as_ref().map_or(*y, |e| y / e[i])).collect::<Vec<f64>>()];
    let mut products = Vec::new();
    for (j, c) in start.columns.iter().enumerate().skip(2).filter(|(_, c)| !terms.contains_key(&c.term)) {
        let side = |t: &String| terms.get(t).cloned().or_else(|| start.columns.iter().position(|c| c.term == *t).map(|j| Factor::Known(column(j))));
        match &c.product {
            Some((a, b)) if terms.contains_key(a) || terms.contains_key(b) => products.extend(side(a).zip(side(b))),
            _ => known.push(column(j)),
        }
    }
    if start.weighted {
        known.push(start.weight.iter().map(|w| w.ln()).collect());
    }
    if let (Family::Poisson, Some(e)) = (start.family, &start.exposure) {
        known.push(e.iter().map(|e| e.ln()).collect());
    }
    let groups = start.groups.iter().map(|g| g.rows.clone()).collect();
    Ok(Data { variables: incomplete, known, products, groups, cluster: start.clusters.as_ref().map(|c| c.code.clone()) })
}

/// What coding calls column `j` of a variable.
fn term(named: &Named, basis: &Basis, levels: Option<&[String]>, j: usize) -> String {
    let name = &named.name;
    match basis {
        Basis::Linear => name.clone(),
        Basis::Log { .. } => format!("log({name})"),
        Basis::Spline { .. } => format!("{name}.s{}", j + 1),
        Basis::Levels { base, .. } => {
            let level = if j < *base { j } else { j + 1 };
            format!("{name}={}", levels.and_then(|l| l.get(level)).map_or("", String::as_str))
        }
    }
}

fn not_imputed<'a>(e: &ImputeError, wanted: &[&VariablePlan], group: &dyn Fn(usize) -> &'a str) -> Problem {
    let (ImputeError::NothingObserved { variable, group: g }
    | ImputeError::TooFew { variable, group: g, .. }
    | ImputeError::Fit { variable, group: g, .. }) = e;
    let column = &wanted[*variable].column;
    let (name, g) = (&column.name, group(*g));
    let problem = match e {
        ImputeError::NothingObserved { .. } => Problem::error(
            codes::G312,
            format!("`{name}` has no value in group {g}, so nothing can be imputed there: groups are imputed by themselves"),
        )
        .help("leave the variable out, or give it another rule under `missing`"),
        ImputeError::TooFew { coefficients, .. } => {
            let message = format!("`{name}` has fewer values in group {g} than its imputation model has coefficients ({coefficients})");
            Problem::error(codes::G403, message).help("leave variables out, merge levels, or give it another rule under `missing`")
        }
        ImputeError::Fit { reason, .. } => Problem::error(codes::G401, format!("the imputation model of `{name}` in group {g} has no fit: {reason}"))
            .help("merge rare levels, or give it another rule under `missing`"),
    };
    problem.at(column.place.clone())
}
