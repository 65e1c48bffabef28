//! The names of the study against the columns of the joined row.

use super::super::shape::STAND_IN;
use super::Resolver;
use crate::cohort::plan::{Coding, Columns, Fill, Kind, MissingRule, Named, OutcomePlan, RolesPlan, VariablePlan};
use crate::error::{Place, Problem, codes, nearest};
use crate::vocab::Family;

/// At most this many columns are listed in a note.
const LISTED: usize = 8;

impl Resolver<'_> {
    pub(super) fn check_columns(&mut self, columns: &Columns, roles: &RolesPlan) {
        self.group_column(columns, roles);
        self.outcome_column(columns, &roles.outcome, "add `event: [value]` to `outcome`");
        for control in &roles.controls {
            let help = format!("write `{{ {}: {{ event: [value] }} }}`", control.column.name);
            self.outcome_column(columns, control, &help);
        }
        if let Some(weight) = &roles.weight
            && let Some(kind) = self.kind(columns, weight)
            && kind != Kind::Number
        {
            self.wrong_kind(weight, kind, "the weight is a column of numbers");
        }
        if let Some(cluster) = &roles.cluster {
            self.kind(columns, cluster);
        }
        for (what, labels) in &roles.labelled {
            if let Some(kind) = self.kind(columns, labels)
                && !matches!(kind, Kind::Text | Kind::Number | Kind::Boolean)
            {
                self.wrong_kind(labels, kind, &format!("{what} is a column of text, numbers or booleans"));
            }
        }
        if let Some(date) = self.file.cohort.index_date.as_ref().map(|date| self.named(date))
            && let Some(kind) = self.kind(columns, &date)
            && !matches!(kind, Kind::Date | Kind::Datetime)
        {
            self.wrong_kind(&date, kind, "the index date is a column of dates");
        }
        for variable in &roles.variables {
            self.variable_column(columns, variable);
        }
        self.label_keys(columns, roles);
    }

    fn group_column(&mut self, columns: &Columns, roles: &RolesPlan) {
        let column = &roles.group.column;
        if let Some(kind) = self.kind(columns, column)
            && !matches!(kind, Kind::Text | Kind::Number | Kind::Boolean)
        {
            self.wrong_kind(column, kind, "groups are values of text, numbers or booleans");
        }
    }

    /// `say_event` is how the study file says which values are the event.
    fn outcome_column(&mut self, columns: &Columns, outcome: &OutcomePlan, say_event: &str) {
        if let Some(kind) = self.kind(columns, &outcome.column) {
            match (outcome.family, kind) {
                (Family::Gaussian | Family::Poisson, Kind::Number) | (Family::Binomial | Family::Probit, Kind::Number | Kind::Boolean) => {}
                (Family::Binomial | Family::Probit, Kind::Text) => {
                    if outcome.event.is_empty() {
                        let problem = Problem::error(
                            codes::G211,
                            format!("`{}` holds text, so it must be said which values are the event", outcome.column.name),
                        )
                        .at(outcome.column.place.clone())
                        .label("text")
                        .help(say_event);
                        self.problems.push(problem);
                    }
                }
                (family, kind) => {
                    let needs = format!("a {} outcome is a column of numbers", family.name());
                    self.wrong_kind(&outcome.column, kind, &needs);
                }
            }
        }
        if let Some(exposure) = &outcome.exposure
            && let Some(kind) = self.kind(columns, exposure)
            && kind != Kind::Number
        {
            self.wrong_kind(exposure, kind, "the exposure is a column of numbers");
        }
    }

    fn variable_column(&mut self, columns: &Columns, variable: &VariablePlan) {
        if matches!(variable.coding, Coding::Interaction { .. }) {
            return;
        }
        let Some(kind) = self.kind(columns, &variable.column) else { return };
        let needs = match (&variable.coding, kind) {
            (_, Kind::Date | Kind::Datetime | Kind::Duration | Kind::Other) => "a variable is a column of numbers, text or booleans",
            (Coding::Numeric, Kind::Text | Kind::Boolean) => "`numeric` takes a column of numbers",
            (Coding::Spline { .. }, Kind::Text | Kind::Boolean) => "`spline` takes a column of numbers",
            (Coding::Log { .. }, Kind::Text | Kind::Boolean) => "`log` takes a column of numbers",
            (
                Coding::Auto | Coding::Categorical { .. } | Coding::FixedEffects | Coding::Interaction { .. },
                Kind::Number | Kind::Text | Kind::Boolean,
            )
            | (Coding::Numeric | Coding::Spline { .. } | Coding::Log { .. }, Kind::Number) => {
                self.missing_rule(variable, kind);
                return;
            }
        };
        self.wrong_kind(&variable.column, kind, needs);
    }

    /// Whether the rule for missing values fits how the variable enters the models.
    fn missing_rule(&mut self, variable: &VariablePlan, kind: Kind) {
        let linear = match variable.coding {
            Coding::Auto => kind == Kind::Number,
            Coding::Numeric | Coding::Spline { .. } | Coding::Log { .. } => true,
            Coding::Categorical { .. } | Coding::FixedEffects | Coding::Interaction { .. } => false,
        };
        let (rule, help) = match (&variable.missing, linear) {
            (MissingRule::Level(_), true) => ("a level for missing values", "use `impute`, or enter the variable as `categorical`"),
            (MissingRule::Impute { with: Fill::Median, .. }, false) => ("its median", "use `level: unknown`"),
            (MissingRule::Impute { with: Fill::Mean, .. }, false) => ("its mean", "use `level: unknown`"),
            (MissingRule::Impute { with: Fill::Constant(_), .. }, false) => ("a constant number", "use `level: unknown`"),
            (MissingRule::DropRow | MissingRule::Error, _) | (MissingRule::Level(_), false) | (MissingRule::Impute { .. }, true) => return,
        };
        let enters = if linear { "as a number" } else { "as categories" };
        let problem = Problem::error(codes::G211, format!("`{}` enters {enters}, so it cannot be given {rule}", variable.column.name))
            .at(variable.missing_place.clone())
            .label(format!("enters {enters}"))
            .help(help);
        self.problems.push(problem);
    }

    /// A label of nothing is a warning: labels are often shared between studies.
    fn label_keys(&mut self, columns: &Columns, roles: &RolesPlan) {
        let file = self.file;
        let interactions = roles.variables.iter().map(|variable| variable.column.name.as_str());
        let known: Vec<&str> =
            columns.by_name.keys().map(String::as_str).chain(file.blocks.keys().map(|k| k.value.as_str())).chain(interactions).collect();
        for name in file.labels.keys().filter(|name| !known.contains(&name.value.as_str())) {
            let help = match nearest(&name.value, known.iter().copied()) {
                Some(near) => format!("write `{near}`"),
                None => "remove it".to_owned(),
            };
            let problem = Problem::warning(codes::G203, format!("`labels` names `{}`, which is neither a column nor a block", name.value))
                .at(self.place(name.span))
                .label("not found")
                .help(help);
            self.problems.push(problem);
        }
    }

    /// The kind of a column. `None` if there is no such column (reported).
    fn kind(&mut self, columns: &Columns, column: &Named) -> Option<Kind> {
        if column.name.starts_with(STAND_IN) && !self.complete(&["group", "outcome"]) {
            return None;
        }
        match columns.by_name.get(&column.name) {
            Some(info) => Some(info.kind),
            None => {
                self.problems.push(unknown_column(columns, &column.name, column.place.clone()));
                None
            }
        }
    }

    fn wrong_kind(&mut self, column: &Named, kind: Kind, needs: &str) {
        let problem = Problem::error(codes::G211, format!("{needs}, and `{}` holds {}", column.name, plural(kind)))
            .at(column.place.clone())
            .label(plural(kind))
            .help("say its type under `tables: { name: { types: ... } }`, or derive a column from it under `cohort.derive`");
        self.problems.push(problem);
    }
}

fn plural(kind: Kind) -> &'static str {
    match kind {
        Kind::Number => "numbers",
        Kind::Text => "text",
        Kind::Boolean => "booleans",
        Kind::Date => "dates",
        Kind::Datetime => "dates with times",
        Kind::Duration => "durations",
        Kind::Other => "values that are neither numbers nor text",
    }
}

fn unknown_column(columns: &Columns, name: &str, place: Option<Place>) -> Problem {
    let problem = Problem::error(codes::G203, format!("column `{name}` is not in any table")).at(place).label("not found");
    let near = nearest(name, columns.by_name.keys().map(String::as_str)).and_then(|near| columns.by_name.get_key_value(near));
    match near {
        Some((near, info)) => {
            let beside: Vec<&str> =
                columns.by_name.iter().filter(|(_, other)| other.table == info.table).map(|(column, _)| column.as_str()).collect();
            let found = match &info.table {
                Some(table) => format!("found in `{table}`: {}", some_of(&beside)),
                None => format!("found under `derive`: {}", some_of(&beside)),
            };
            problem.note(found).help(format!("write `{near}`, or add the file that holds it under `tables`"))
        }
        None => {
            let all: Vec<&str> = columns.by_name.keys().map(String::as_str).collect();
            problem.note(format!("found: {}", some_of(&all))).help("join the table that holds it, or derive it")
        }
    }
}

fn some_of(names: &[&str]) -> String {
    let shown = names.iter().take(LISTED).copied().collect::<Vec<_>>().join(", ");
    if names.len() > LISTED { format!("{shown} and {} more", names.len() - LISTED) } else { shown }
}
