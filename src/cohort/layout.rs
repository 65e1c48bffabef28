//! The joined row: which columns it has after each step, where each comes from, and which of them are needed. Checks every name of the
//! plan without reading a row.

use super::features::{self, Needs, Parts, is_code};
use super::odd_cells::{self, Needed};
use super::plan::{CohortPlan, ColumnInfo, Columns, FeaturePlan, Kind, Named, RowStep};
use super::problems::{not_in_row, not_in_table};
use super::read::{self, Header};
use super::sql::{self, Expression};
use crate::error::{Problem, Problems, codes, nearest};
use indexmap::IndexMap;
use polars::prelude::{DataType, Schema};
use std::collections::{BTreeSet, HashMap};

/// Where a column of the joined row comes from.
#[derive(Clone, Debug)]
pub(super) enum Origin {
    Table { table: String, column: String },
    Derived,
}

/// The plan with its names resolved.
pub(super) struct Layout {
    pub headers: IndexMap<String, Header>,
    pub columns: IndexMap<String, Origin>,
    /// One a step: the expression of a derive or keep step.
    pub expressions: Vec<Option<Expression>>,
    /// One a step: for a join, (name in the joined row, column of the right table).
    pub joined: Vec<Vec<(String, String)>>,
    /// One a step: what a feature reads its events with.
    pub features: Vec<Option<Parts>>,
    /// What features need of each event table.
    pub needs: IndexMap<String, Needs>,
    /// Columns of the joined row that the steps need.
    pub used: BTreeSet<String>,
}

struct Builder<'a> {
    plan: &'a CohortPlan,
    layout: Layout,
    problems: Problems,
}

/// Resolves every name of the plan. Errors: all of G201, G202, G203, G204, G207, G210.
pub(super) fn resolve(plan: &CohortPlan) -> Result<Layout, Problems> {
    let mut problems = Problems::new();
    let mut headers = IndexMap::new();
    for (name, table) in &plan.tables {
        if let Some(header) = read::header(table, &mut problems) {
            headers.insert(name.clone(), header);
        }
    }
    let layout = Layout {
        headers,
        columns: IndexMap::new(),
        expressions: Vec::new(),
        joined: Vec::new(),
        features: Vec::new(),
        needs: IndexMap::new(),
        used: BTreeSet::new(),
    };
    let mut b = Builder { plan, layout, problems };
    // A name cannot be called unknown while the table that may hold it cannot be read.
    let complete = b.layout.headers.len() == plan.tables.len();
    b.unit();
    for step in &plan.steps {
        let (mut expression, mut joined, mut feature) = (None, Vec::new(), None);
        match step {
            RowStep::Join(join) => joined = b.join(join, complete),
            RowStep::Derive(derive) => {
                expression = b.expression(&derive.sql, complete);
                b.derived(&derive.column);
            }
            RowStep::Feature(plan) => feature = b.feature(plan, complete),
            RowStep::Keep(keep) => expression = b.expression(&keep.sql, complete),
            RowStep::First(first) => first.per.iter().chain(&first.by).for_each(|n| b.use_column(n, complete)),
            RowStep::Present(present) => present.columns.iter().for_each(|n| b.use_column(n, complete)),
        }
        b.layout.expressions.push(expression);
        b.layout.joined.push(joined);
        b.layout.features.push(feature);
    }
    if b.problems.is_empty() { Ok(b.layout) } else { Err(b.problems) }
}

impl Builder<'_> {
    /// Is it a table of the study? Reports G201 if not; `None` also for a table that cannot be read, which is reported already.
    fn table(&mut self, named: &Named) -> Option<Vec<String>> {
        if !self.plan.tables.contains_key(&named.name) {
            let known: Vec<&str> = self.plan.tables.keys().map(String::as_str).collect();
            let problem =
                Problem::error(codes::G201, format!("table `{}` is not under `tables`", named.name)).at(named.place.clone()).label("not found");
            let problem = problem.note(format!("the tables are: {}", known.join(", ")));
            self.problems.push(match nearest(&named.name, known.iter().copied()) {
                Some(near) => problem.help(format!("write `{near}`")),
                None => problem,
            });
        }
        self.layout.headers.get(&named.name).map(|h| h.names.clone())
    }

    fn unit(&mut self) {
        let unit = &self.plan.unit;
        let Some(names) = self.table(&unit.table) else { return };
        for name in &names {
            self.layout.columns.insert(name.clone(), Origin::Table { table: unit.table.name.clone(), column: name.clone() });
        }
        if let Some(key) = &unit.key {
            if names.contains(&key.name) {
                self.layout.used.insert(key.name.clone());
            } else {
                self.problems.push(not_in_table(key, &unit.table.name, &names));
            }
        }
    }

    fn join(&mut self, join: &super::plan::JoinPlan, report: bool) -> Vec<(String, String)> {
        let Some(names) = self.table(&join.table) else { return Vec::new() };
        let table = &join.table.name;
        let mut keys_known = true;
        for (left, right) in &join.by {
            self.use_column(left, report);
            if !names.contains(&right.name) {
                self.problems.push(not_in_table(right, table, &names));
                keys_known = false;
            }
        }
        let new_name = |column: &str| format!("{}{column}", join.prefix.as_deref().unwrap_or_default());
        let mut taken: Vec<(String, String, &Named)> = Vec::new();
        match &join.select {
            Some(select) => {
                for named in select {
                    if !names.contains(&named.name) {
                        self.problems.push(not_in_table(named, table, &names));
                        continue;
                    }
                    // A key that is listed and has the name of the left key says nothing new.
                    let same = join.by.iter().any(|(l, r)| r.name == named.name && (l.name == named.name || l.name == new_name(&named.name)));
                    if !same {
                        taken.push((new_name(&named.name), named.name.clone(), named));
                    }
                }
            }
            None => {
                let keys: BTreeSet<&str> = join.by.iter().map(|(_, r)| r.name.as_str()).collect();
                taken.extend(names.iter().filter(|n| !keys.contains(n.as_str())).map(|n| (new_name(n), n.clone(), &join.table)));
            }
        }
        let mut joined = Vec::new();
        for (name, column, at) in taken {
            match self.layout.columns.get(&name) {
                // The real key may be the column that seems to collide.
                Some(_) if !keys_known => {}
                Some(Origin::Table { table: other, .. }) => self.problems.push(
                    Problem::error(codes::G204, format!("`{name}` stands in `{other}` and in `{table}`"))
                        .at(at.place.clone())
                        .help("give the join a `prefix`, or list the columns to keep under `select`"),
                ),
                Some(Origin::Derived) => self.problems.push(
                    Problem::error(codes::G204, format!("`{name}` of `{table}` has the name of a derived column"))
                        .at(at.place.clone())
                        .help("give the join a `prefix`"),
                ),
                None => {
                    self.layout.columns.insert(name.clone(), Origin::Table { table: table.clone(), column: column.clone() });
                    joined.push((name, column));
                }
            }
        }
        joined
    }

    fn feature(&mut self, plan: &FeaturePlan, report: bool) -> Option<Parts> {
        let names = self.table(&plan.table);
        let left = plan.by.iter().map(|(left, _)| left).chain(&plan.index_date).chain(&plan.birth_date);
        left.for_each(|named| self.use_column(named, report));
        self.derived(&plan.column);
        let needs = self.layout.needs.entry(plan.table.name.clone()).or_default();
        Some(features::parts(plan, &names?, needs, &mut self.problems))
    }

    fn derived(&mut self, column: &Named) {
        let problem = match self.layout.columns.get(&column.name) {
            Some(Origin::Table { table, .. }) => format!("derived column `{}` has the name of a column of `{table}`", column.name),
            Some(Origin::Derived) => format!("column `{}` is derived twice", column.name),
            None => {
                self.layout.columns.insert(column.name.clone(), Origin::Derived);
                return;
            }
        };
        self.problems.push(Problem::error(codes::G204, problem).at(column.place.clone()).help("give it another name"));
    }

    fn expression(&mut self, sql: &Named, report: bool) -> Option<Expression> {
        let expression = sql::parse(sql).map_err(|p| self.problems.push(*p)).ok()?;
        let unknown = expression.columns.iter().filter(|c| !self.layout.columns.contains_key(*c)).count();
        for name in expression.columns.clone() {
            self.use_column(&Named { name, place: sql.place.clone() }, report);
        }
        (unknown == 0).then_some(expression)
    }

    fn use_column(&mut self, named: &Named, report: bool) {
        if self.layout.columns.contains_key(&named.name) {
            self.layout.used.insert(named.name.clone());
        } else if report {
            let problem = self.layout.unknown(named);
            let later = self.plan.steps.iter().any(|s| matches!(s, RowStep::Derive(d) if d.column.name == named.name));
            self.problems.push(if later {
                Problem { notes: vec!["it is derived further down; later expressions see earlier ones".to_owned()], help: None, ..problem }
            } else {
                problem
            });
        }
    }
}

impl Layout {
    /// G203 for a name that the joined row does not have.
    pub fn unknown(&self, named: &Named) -> Problem {
        let table = |o: &'_ Origin| match o {
            Origin::Table { table, .. } => Some(table.clone()),
            Origin::Derived => None,
        };
        let known: Vec<(&str, Option<String>)> = self.columns.iter().map(|(n, o)| (n.as_str(), table(o))).collect();
        not_in_row(named, known.iter().map(|(n, t)| (*n, t.as_deref())))
    }

    /// The table that a column of the joined row comes from.
    pub fn table_of(&self, column: &str) -> Option<&str> {
        match self.columns.get(column) {
            Some(Origin::Table { table, .. }) => Some(table),
            Some(Origin::Derived) | None => None,
        }
    }

    /// Columns to be read of each table, in the order of its header: what the steps use, what the roles use, and join keys.
    pub fn wanted(&self, plan: &CohortPlan, roles: &BTreeSet<String>) -> IndexMap<String, Vec<String>> {
        let mut wanted: HashMap<&str, BTreeSet<&str>> = HashMap::new();
        for name in self.used.iter().chain(roles) {
            if let Some(Origin::Table { table, column }) = self.columns.get(name) {
                wanted.entry(table).or_default().insert(column);
            }
        }
        for step in &plan.steps {
            if let RowStep::Join(join) = step {
                wanted.entry(&join.table.name).or_default().extend(join.by.iter().map(|(_, r)| r.name.as_str()));
            }
        }
        let of = |table: &str, header: &Header| -> Vec<String> {
            let set = wanted.get(table).cloned().unwrap_or_default();
            header.names.iter().filter(|n| set.contains(n.as_str())).cloned().collect()
        };
        self.headers.iter().map(|(table, header)| (table.clone(), of(table, header))).filter(|(_, columns)| !columns.is_empty()).collect()
    }

    /// The types of all columns of the joined row, from the headers and a sample. Errors: G202, G207, G208, G211.
    pub fn schema(&self, plan: &CohortPlan) -> Result<Schema, Problems> {
        let mut problems = Problems::new();
        let wanted = self.wanted(plan, &BTreeSet::new());
        let mut of_table: HashMap<&str, Schema> = HashMap::new();
        for (name, header) in &self.headers {
            let decide: BTreeSet<String> = wanted.get(name).into_iter().flatten().cloned().collect();
            match plan.tables.get(name).map(|t| read::dtypes(t, header, &decide)) {
                Some(Ok(schema)) => {
                    of_table.insert(name, schema);
                }
                Some(Err(p)) => problems.push(*p),
                None => {}
            }
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let mut schema = Schema::with_capacity(self.columns.len());
        for (name, origin) in &self.columns {
            if let Origin::Table { table, column } = origin
                && let Some(dtype) = of_table.get(table.as_str()).and_then(|s| s.get(column.as_str()))
            {
                schema.insert(name.as_str().into(), dtype.clone());
            }
        }
        let events = self.needs.iter().filter_map(|(name, needs)| {
            let (table, types) = (plan.tables.get(name)?, of_table.get(name.as_str())?);
            let of = |column: &str, dtype: &DataType| if is_code(table, needs, column) { DataType::String } else { dtype.clone() };
            Some((name.clone(), types.iter().map(|(column, dtype)| (column.clone(), of(column, dtype))).collect()))
        });
        self.type_expressions(plan, &mut schema, &events.collect(), &mut problems);
        if problems.is_empty() { Ok(schema) } else { Err(problems) }
    }

    /// Types of the derived columns and features, added to `schema`; checks that every `where` is true or false. `events` has the types of
    /// the event tables.
    pub fn type_expressions(&self, plan: &CohortPlan, schema: &mut Schema, events: &HashMap<String, Schema>, problems: &mut Problems) {
        for ((step, expression), parts) in plan.steps.iter().zip(&self.expressions).zip(&self.features) {
            if let (RowStep::Feature(feature), Some(parts)) = (step, parts) {
                let types = events.get(&feature.table.name);
                let odd = |of_events: bool, column: &str, needed: Needed| {
                    let (table, column) = match self.columns.get(column).filter(|_| !of_events) {
                        Some(Origin::Table { table, column }) => (table.as_str(), column.as_str()),
                        Some(Origin::Derived) => return None,
                        None => (feature.table.name.as_str(), column),
                    };
                    odd_cells::first(plan.tables.get(table)?, self.headers.get(table)?, column, needed)
                };
                match types.map(|types| features::check_type(feature, parts, schema, types, &odd)) {
                    Some(Ok(dtype)) => {
                        schema.insert(feature.column.name.as_str().into(), dtype);
                    }
                    Some(Err(p)) => problems.push(*p),
                    None => {}
                }
            }
            let Some(expression) = expression else { continue };
            // An expression over a derived column that was refused says nothing new.
            if expression.columns.iter().any(|c| !schema.contains(c.as_str())) {
                continue;
            }
            match step {
                RowStep::Derive(derive) => match expression.check(&derive.sql, schema) {
                    Ok(dtype) => {
                        schema.insert(derive.column.name.as_str().into(), dtype);
                    }
                    Err(p) => problems.push(*p),
                },
                RowStep::Keep(keep) => match expression.check(&keep.sql, schema) {
                    Ok(DataType::Boolean | DataType::Null) => {}
                    Ok(_) => problems.push(
                        Problem::error(codes::G211, format!("`where` of step `{}` is not true or false", keep.name))
                            .at(keep.sql.place.clone())
                            .help("compare: age >= 18, sex = 'F', flag = 1"),
                    ),
                    Err(p) => problems.push(*p),
                },
                RowStep::Join(_) | RowStep::Feature(_) | RowStep::First(_) | RowStep::Present(_) => {}
            }
        }
    }

    /// The columns with their kinds, as the rest of `check` needs them.
    pub fn kinds(&self, schema: &Schema) -> Columns {
        let info = |name: &str| ColumnInfo { kind: schema.get(name).map_or(Kind::Other, kind), table: self.table_of(name).map(str::to_owned) };
        Columns { by_name: self.columns.keys().map(|name| (name.clone(), info(name))).collect(), warnings: Problems::new() }
    }
}

/// What a polars type is to the study file. A column without any value is text.
pub(super) fn kind(dtype: &DataType) -> Kind {
    match dtype {
        DataType::Null | DataType::String => Kind::Text,
        DataType::Boolean => Kind::Boolean,
        DataType::Date => Kind::Date,
        DataType::Datetime(..) => Kind::Datetime,
        DataType::Duration(_) => Kind::Duration,
        d if d.is_numeric() => Kind::Number,
        _ => Kind::Other,
    }
}
