//! What the columns of the joined row are for: group, outcome, weight, exposure, cluster, and the variables with their missing rules.

use super::attrition::{self, Marks, Missingness};
use super::keys::type_name;
use super::layout::Layout;
use super::levels::{Levels, MISSING};
use super::plan::{Coding, GroupPlan, MissingRule, Named, OutcomeMissing, OutcomePlan, RolesPlan, VariablePlan};
use super::problems::bug;
use super::text::{note, row_list};
use crate::design::Clusters;
use crate::error::{Problem, Problems, codes, nearest};
use crate::vocab::{Family, LARGEST, read_number};
use indexmap::IndexMap;
use polars::prelude::{Column, DataFrame, DataType, PolarsError};
use std::collections::BTreeSet;

/// Levels listed in a note.
const SHOWN_LEVELS: usize = 10;

/// A column of the analysis before coding.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// NaN is missing; all others are finite.
    Number(Vec<f64>),
    /// Codes are positions in `levels`; `u32::MAX` is missing. Every level has a row.
    Category { levels: Vec<String>, code: Vec<u32> },
}

/// The columns that a variable reads.
pub(super) fn columns_of(variable: &VariablePlan) -> Vec<&str> {
    match &variable.coding {
        Coding::Interaction { of } => of.iter().map(String::as_str).collect(),
        _ => vec![&variable.column.name],
    }
}

/// Every column that the roles name, with the place of its first mention.
pub(super) fn columns(roles: &RolesPlan) -> Vec<Named> {
    let mut out = vec![roles.group.column.clone(), roles.outcome.column.clone()];
    out.extend([&roles.outcome.exposure, &roles.cluster, &roles.weight].into_iter().flatten().cloned());
    out.extend(roles.controls.iter().map(|c| c.column.clone()));
    out.extend(roles.labelled.iter().map(|(_, named)| named.clone()));
    for variable in &roles.variables {
        out.extend(columns_of(variable).into_iter().map(|name| Named { name: name.to_owned(), place: variable.column.place.clone() }));
    }
    let mut seen = BTreeSet::new();
    out.retain(|n| seen.insert(n.name.clone()));
    out
}

/// The frame of the joined row, which rows are still there, and where to look up tables of columns.
pub(super) struct Rows<'a> {
    pub frame: &'a DataFrame,
    pub layout: &'a Layout,
    pub marks: &'a mut Marks,
    pub warnings: &'a mut Problems,
    pub problems: &'a mut Problems,
}

fn internal(e: PolarsError) -> Box<Problem> {
    Box::new(bug("a role", &e))
}

impl Rows<'_> {
    fn column(&self, named: &Named) -> Result<&Column, Box<Problem>> {
        self.frame.column(&named.name).map_err(internal)
    }

    fn of_table(&self, named: &Named) -> String {
        self.layout.table_of(&named.name).map_or_else(|| format!("derived column `{}`", named.name), |t| format!("`{}` of table `{t}`", named.name))
    }

    /// Group code of every row of the unit table (0 reference, 1.. index, [`MISSING`] neither). Errors: G210, G305.
    pub fn group(&mut self, plan: &GroupPlan) -> Option<Vec<u32>> {
        let levels = match self.column(&plan.column).and_then(|c| Levels::of(c).map_err(internal)) {
            Ok(levels) => levels,
            Err(p) => {
                self.problems.push(*p);
                return None;
            }
        };
        let mut group_of = vec![MISSING; levels.texts.len()];
        let before = self.problems.len();
        for (g, value) in std::iter::once(&plan.reference).chain(&plan.index).enumerate() {
            let found = levels.find(&value.value);
            if found.is_empty() {
                self.problems.push(no_such_group(plan, value, &levels));
            }
            if found.iter().any(|level| group_of[*level] != MISSING) {
                self.problems.push(
                    Problem::error(codes::G210, format!("`{}` names the same group as another value", value.value.text)).at(value.place.clone()),
                );
            }
            found.into_iter().for_each(|level| group_of[level] = g as u32);
        }
        if levels.padded > 0 {
            self.warnings.push(padded(&plan.column, levels.padded));
        }
        let code_of = |c: &u32| if *c == MISSING { MISSING } else { group_of[*c as usize] };
        (self.problems.len() == before).then(|| levels.code.iter().map(code_of).collect())
    }

    /// The outcome of every row of the unit table, NaN where unknown; adds the attrition row `outcome known`.
    pub fn outcome(&mut self, plan: &OutcomePlan) -> Result<Vec<f64>, Box<Problem>> {
        let values = self.of_family(plan, false)?;
        // Infinite and NaN outcomes are errors, found below; only nulls are unknown.
        let nulls = self.column(&plan.column)?.is_null();
        match plan.missing {
            OutcomeMissing::DropRow => {
                self.marks.step("outcome known", |row| nulls.get(row) == Some(true));
            }
            OutcomeMissing::Error => self.none_missing(&plan.column, "the outcome")?,
            // These rows say how rows with an outcome must be weighted; they leave after the others.
            OutcomeMissing::InverseProbability => {}
        }
        self.usable(plan, &values)?;
        Ok(values)
    }

    /// A control outcome of the kept rows, NaN where unknown, which removes no row. Warns of missing values (G319). Errors: as the outcome's.
    pub fn control(&mut self, plan: &OutcomePlan) -> Result<Vec<f64>, Box<Problem>> {
        let values = self.of_family(plan, true)?;
        self.usable(plan, &values)?;
        let nulls = self.column(&plan.column)?.is_null();
        let kept = self.marks.kept();
        let missing = kept.iter().filter(|row| nulls.get(**row as usize) == Some(true)).count();
        if missing > 0 {
            let message =
                format!("control outcome `{}`: missing in {missing} of {} rows, which only its own rows leave out", plan.column.name, kept.len());
            self.warnings.push(Problem::warning(codes::G319, message).at(plan.column.place.clone()));
        }
        Ok(kept.into_iter().map(|row| values[row as usize]).collect())
    }

    fn of_family(&mut self, plan: &OutcomePlan, control: bool) -> Result<Vec<f64>, Box<Problem>> {
        match plan.family {
            Family::Binomial | Family::Probit => self.event(plan, control),
            Family::Gaussian | Family::Poisson => self.numbers(&plan.column, if control { "a control outcome" } else { "the outcome" }),
        }
    }

    fn usable(&self, plan: &OutcomePlan, values: &[f64]) -> Result<(), Box<Problem>> {
        self.finite(&plan.column, values)?;
        if plan.family == Family::Poisson {
            self.not_below_zero(&plan.column, values, "a count")?;
        }
        Ok(())
    }

    fn event(&mut self, plan: &OutcomePlan, control: bool) -> Result<Vec<f64>, Box<Problem>> {
        let column = self.column(&plan.column)?;
        if column.dtype().is_duration() {
            return Err(Box::new(duration(&plan.column)));
        }
        let levels = Levels::of(column).map_err(internal)?;
        let present = levels.rows(&self.marks.kept());
        let mut value_of: Vec<f64> = vec![f64::NAN; levels.texts.len()];
        if plan.event.is_empty() {
            let read = |text: &str| match text.to_lowercase().as_str() {
                "true" => Some(1.0),
                "false" => Some(0.0),
                t => read_number(t).filter(|v| *v == 0.0 || *v == 1.0),
            };
            let others = present.texts.iter().filter(|t| read(t).is_none()).count();
            if others > 0 {
                let n = present.texts.len();
                let name = &plan.column.name;
                let (what, help) = match control {
                    true => ("control outcome", format!("outcomes: [{{ {name}: {{ event: [...] }} }}], or write `family: gaussian`")),
                    false => ("outcome", format!("outcome: {{ column: {name}, family: binomial, event: [...] }}")),
                };
                let problem = Problem::error(codes::G306, format!("{what} `{name}` takes {n} values, of which {others} are neither 0 nor 1"))
                    .at(plan.column.place.clone())
                    .help(format!("say which is the event: {help}"));
                let texts = column.dtype() == &DataType::String && n <= SHOWN_LEVELS;
                return Err(Box::new(if texts { problem.note(format!("found: {}", present.texts.join(", "))) } else { problem }));
            }
            for (value, text) in value_of.iter_mut().zip(&levels.texts) {
                *value = read(text).unwrap_or(f64::NAN);
            }
        } else {
            value_of.fill(0.0);
            let mut without_rows = Vec::new();
            for event in &plan.event {
                if present.find(&event.value).is_empty() {
                    without_rows.push(event);
                }
                levels.find(&event.value).into_iter().for_each(|level| value_of[level] = 1.0);
            }
            if without_rows.len() == plan.event.len() {
                let problem = Problem::error(codes::G306, format!("no row of outcome `{}` has an event value", plan.column.name))
                    .at(without_rows[0].place.clone());
                let problem = problem.note(found(&present));
                let near = nearest(&without_rows[0].value.text, present.texts.iter().map(String::as_str));
                return Err(Box::new(match near {
                    Some(near) => problem.help(format!("write `{near}`")),
                    None => problem,
                }));
            }
            for event in without_rows {
                self.warnings
                    .push(Problem::warning(codes::G320, format!("no row has the event value `{}`", event.value.text)).at(event.place.clone()));
            }
        }
        if levels.padded > 0 {
            self.warnings.push(padded(&plan.column, levels.padded));
        }
        Ok(levels.code.iter().map(|c| if *c == MISSING { f64::NAN } else { value_of[*c as usize] }).collect())
    }

    /// A column as numbers, nulls as NaN. Errors: G208, G211, G301 (text).
    fn numbers(&self, named: &Named, what: &str) -> Result<Vec<f64>, Box<Problem>> {
        let column = self.column(named)?;
        match column.dtype() {
            DataType::String => {
                let (mut bad, mut first) = (0, Vec::new());
                let mut values = 0usize;
                for (row, cell) in column.str().map_err(internal)?.iter().enumerate().filter(|(row, _)| self.marks.is_kept(*row)) {
                    let Some(cell) = cell else { continue };
                    values += 1;
                    if read_number(cell).is_none() {
                        note(&mut bad, &mut first, row + 1);
                    }
                }
                let help = format!("say its type: types: {{ {}: number }}, or derive a number from it", named.name);
                let problem = Problem::error(codes::G301, format!("{} is {what} and needs numbers, but it is text", self.of_table(named)))
                    .at(named.place.clone())
                    .help(help);
                Err(Box::new(if bad > 0 {
                    problem.note(format!("{bad} of its {values} values do not read as numbers: {} of the unit table", row_list(&first, bad)))
                } else {
                    problem.note("all its values would read as numbers; padded numbers, thousands commas and leading zeros are not guessed at")
                }))
            }
            DataType::Duration(_) => Err(Box::new(duration(named))),
            DataType::Null => Ok(vec![f64::NAN; column.len()]),
            d if d.is_numeric() || d.is_bool() => {
                let column = column.cast(&DataType::Float64).map_err(internal)?;
                Ok(column.f64().map_err(internal)?.iter().map(|v| v.unwrap_or(f64::NAN)).collect())
            }
            d => Err(Box::new(
                Problem::error(codes::G211, format!("{} is {what} and needs numbers, but it is {}", self.of_table(named), type_name(d)))
                    .at(named.place.clone()),
            )),
        }
    }

    /// G313 if a kept row holds an infinite value, or one that is not a number although it is not null.
    fn finite(&self, named: &Named, values: &[f64]) -> Result<(), Box<Problem>> {
        let nulls = self.column(named)?.is_null();
        let bad = |v: f64| !v.is_finite() || v.abs() > LARGEST;
        self.refuse(named, "infinite or undefined values, or values beyond 1e100", |row| bad(values[row]) && nulls.get(row) != Some(true))
            .map_err(|p| Box::new(p.help("undefined values come from expressions such as 0 / 0 or LN(0): NULLIF(x, 0) makes them null")))
    }

    fn not_below_zero(&self, named: &Named, values: &[f64], what: &str) -> Result<(), Box<Problem>> {
        self.refuse(named, &format!("negative values, and {what} is not below 0"), |row| values[row] < 0.0)
    }

    fn refuse(&self, named: &Named, what: &str, is_bad: impl Fn(usize) -> bool) -> Result<(), Box<Problem>> {
        let (mut bad, mut first) = (0, Vec::new());
        self.marks.kept().into_iter().filter(|row| is_bad(*row as usize)).for_each(|row| note(&mut bad, &mut first, row as usize + 1));
        if bad == 0 {
            return Ok(());
        }
        Err(Box::new(
            Problem::error(codes::G313, format!("{} holds {bad} {what}", self.of_table(named)))
                .at(named.place.clone())
                .note(format!("{} of the unit table", row_list(&first, bad))),
        ))
    }

    fn none_missing(&self, named: &Named, what: &str) -> Result<(), Box<Problem>> {
        let nulls = self.column(named)?.is_null();
        let missing = self.marks.kept().into_iter().filter(|row| nulls.get(*row as usize) == Some(true)).count();
        if missing == 0 {
            return Ok(());
        }
        Err(Box::new(
            Problem::error(codes::G312, format!("{what} `{}` is missing in {missing} of {} rows", named.name, self.marks.n_kept()))
                .at(named.place.clone())
                .help(format!("remove these rows in a step: present: [{}]", named.name)),
        ))
    }

    /// Missing cells of every variable by group, before rows are dropped for them.
    pub fn missingness(&self, roles: &RolesPlan, group: &[u32], n_groups: usize) -> Vec<Missingness> {
        let own = roles.variables.iter().filter(|v| !matches!(v.coding, Coding::Interaction { .. }));
        let mut before: Vec<Vec<Vec<u64>>> = Vec::new();
        own.filter_map(|v| {
            let nulls = self.frame.column(&v.column.name).ok()?.is_null();
            let is_missing = |row: usize| nulls.get(row) == Some(true);
            let by_group = self.marks.missing(group, n_groups, is_missing);
            let bits = self.marks.missing_bits(group, n_groups, is_missing);
            let nested = (0..n_groups).map(|g| before.iter().filter_map(|b| attrition::more(&bits[g], &b[g])).min()).collect();
            if by_group.iter().any(|(_, missing)| *missing > 0) {
                before.push(bits);
            }
            Some(Missingness { column: v.column.name.clone(), role: Some(v.role), by_group, nested })
        })
        .collect()
    }

    /// Applies the rules `drop_row` (an attrition row for each variable that removes rows) and `error` (G312), in order.
    pub fn missing(&mut self, roles: &RolesPlan) {
        let listed: BTreeSet<&str> =
            roles.variables.iter().filter(|v| !matches!(v.coding, Coding::Interaction { .. })).map(|v| v.column.name.as_str()).collect();
        for variable in &roles.variables {
            // A variable that stands in the study file itself keeps its own rule when an interaction uses it too.
            let own = |c: &&str| !matches!(variable.coding, Coding::Interaction { .. }) || !listed.contains(*c);
            let mut nulls = Vec::new();
            for column in columns_of(variable).iter().filter(|c| own(c)) {
                match self.frame.column(column) {
                    Ok(c) => nulls.push(c.is_null()),
                    Err(e) => self.problems.push(*internal(e)),
                }
            }
            let is_missing = |row: usize| nulls.iter().any(|n| n.get(row) == Some(true));
            let count = self.marks.kept().into_iter().filter(|row| is_missing(*row as usize)).count();
            let name = &variable.column.name;
            match &variable.missing {
                _ if count == 0 => {}
                MissingRule::DropRow => {
                    self.marks.step(format!("missing: {name}"), is_missing);
                }
                MissingRule::Error => self.problems.push(
                    Problem::error(
                        codes::G312,
                        format!("`{name}` is missing in {count} of {} rows, and its missing rule is `error`", self.marks.n_kept()),
                    )
                    .at(variable.missing_place.clone().or_else(|| variable.column.place.clone()))
                    .help(format!("under `missing`: {name}: drop_row, or impute it, or a level of its own")),
                ),
                MissingRule::Level(_) | MissingRule::Impute { .. } | MissingRule::MultipleImputation => {}
            }
        }
    }

    /// The values of every variable in the kept rows. Errors: G208, G211, G301, G313.
    pub fn variables(&mut self, roles: &RolesPlan) -> IndexMap<String, Values> {
        let kept = self.marks.kept();
        let mut out = IndexMap::new();
        for variable in &roles.variables {
            for name in columns_of(variable) {
                let named = Named { name: name.to_owned(), place: variable.column.place.clone() };
                // The coding that needs numbers, here or where the variable stands itself.
                let numeric = roles
                    .variables
                    .iter()
                    .any(|v| v.column.name == name && matches!(v.coding, Coding::Numeric | Coding::Spline { .. } | Coding::Log { .. }));
                if out.contains_key(name) {
                    continue;
                }
                match self.values(&named, numeric, &kept) {
                    Ok(values) => {
                        out.insert(name.to_owned(), values);
                    }
                    Err(p) => self.problems.push(*p),
                }
            }
        }
        out
    }

    fn values(&mut self, named: &Named, numeric: bool, kept: &[u32]) -> Result<Values, Box<Problem>> {
        let column = self.column(named)?;
        let dtype = column.dtype();
        if numeric || dtype.is_numeric() {
            let values = self.numbers(named, "a numeric variable")?;
            self.finite(named, &values)?;
            return Ok(Values::Number(kept.iter().map(|row| values[*row as usize]).collect()));
        }
        match dtype {
            DataType::String | DataType::Boolean | DataType::Null => {
                let levels = Levels::of(column).map_err(internal)?;
                if levels.padded > 0 {
                    self.warnings.push(padded(named, levels.padded));
                }
                let levels = levels.rows(kept);
                Ok(Values::Category { levels: levels.texts, code: levels.code })
            }
            DataType::Duration(_) => Err(Box::new(duration(named))),
            d => Err(Box::new(
                Problem::error(codes::G211, format!("{} is {} and cannot be a variable", self.of_table(named), type_name(d)))
                    .at(named.place.clone())
                    .help("derive a number from it, such as DATE_PART('year', d) or (a - b) / INTERVAL '1 day'"),
            )),
        }
    }

    /// Rows of weight 0 say nothing: they leave as a line of attrition, so that they do not count as support either.
    pub fn without_zero_weight(&mut self, named: &Named) {
        // A weight that cannot be read is reported by `weight`.
        let Ok(values) = self.numbers(named, "the weight") else { return };
        if self.marks.kept().into_iter().any(|row| values[row as usize] == 0.0) {
            self.marks.step("weight above 0", |row| values[row] == 0.0);
        }
    }

    /// Analysis weights of the kept rows. Errors: G211, G301, G312, G313.
    pub fn weight(&mut self, named: &Named) -> Result<Vec<f64>, Box<Problem>> {
        let values = self.numbers(named, "the weight")?;
        self.none_missing(named, "the weight")?;
        self.finite(named, &values)?;
        self.not_below_zero(named, &values, "a weight")?;
        Ok(self.marks.kept().into_iter().map(|row| values[row as usize]).collect())
    }

    /// Exposures of the kept rows, all above 0. Errors: G211, G301, G312, G313.
    pub fn exposure(&mut self, named: &Named) -> Result<Vec<f64>, Box<Problem>> {
        let values = self.numbers(named, "the exposure")?;
        self.none_missing(named, "the exposure")?;
        self.finite(named, &values)?;
        self.refuse(named, "values of 0 or less, and an exposure is above 0", |row| values[row] <= 0.0)?;
        Ok(self.marks.kept().into_iter().map(|row| values[row as usize]).collect())
    }

    /// A column of the kept rows as labels; `what` it is there for. Errors: G312.
    pub fn labels(&mut self, what: &str, named: &Named) -> Result<Clusters, Box<Problem>> {
        self.none_missing(named, what)?;
        let levels = Levels::of(self.column(named)?).map_err(internal)?.rows(&self.marks.kept());
        Ok(Clusters { code: levels.code, labels: levels.texts })
    }
}

fn duration(named: &Named) -> Problem {
    Problem::error(codes::G208, format!("`{}` is a duration, not a number", named.name))
        .at(named.place.clone())
        .help("divide it: (a - b) / INTERVAL '1 day'")
}

fn padded(named: &Named, cells: usize) -> Problem {
    Problem::warning(
        codes::G319,
        format!("{cells} cells of `{}` equal another value but for the spaces around them, and count as that value", named.name),
    )
    .at(named.place.clone())
}

fn found(levels: &Levels) -> String {
    let shown: Vec<&str> = levels.texts.iter().take(SHOWN_LEVELS).map(String::as_str).collect();
    let more = levels.texts.len() - shown.len();
    if more > 0 { format!("found: {} and {more} more", shown.join(", ")) } else { format!("found: {}", shown.join(", ")) }
}

fn no_such_group(plan: &GroupPlan, value: &super::plan::Value, levels: &Levels) -> Problem {
    let text = &value.value.text;
    let problem =
        Problem::error(codes::G305, format!("no row has `{text}` in group column `{}`", plan.column.name)).at(value.place.clone()).label("no rows");
    let problem = if levels.texts.is_empty() { problem.note("the column is empty") } else { problem.note(found(levels)) };
    let texts = || levels.texts.iter().map(String::as_str);
    if let Some(other_case) = texts().find(|t| t.to_lowercase() == text.trim().to_lowercase()) {
        return problem.help(format!("write `{other_case}`: upper and lower case differ"));
    }
    match nearest(text, texts()) {
        Some(near) => problem.help(format!("write `{near}`")),
        None => problem,
    }
}
