//! The rows of the analysis as a matrix: one place where variables become columns, with their terms, blocks and base levels.

use super::categories::{self, Categories};
use super::engine::Cohort;
use super::fill::{self, Sample};
use super::plan::{Coding, MissingRule, Named, RolesPlan, VariablePlan};
use super::rank;
use super::roles::{Values, columns_of};
use crate::design::{Clusters, Column, Described, DescribedValues, Design, Factor, Group};
use crate::error::{Problem, Problems, codes};
use crate::model::spline;
use crate::vocab::{LARGEST, Role};
use indexmap::IndexMap;
use ndarray::{Array1, Array2};
use std::sync::Arc;

/// Levels of a categorical variable; more are a number or an identifier that was read as text, and a matrix that fits in no memory.
const MAX_LEVELS: usize = 1_000;
/// Up to here, levels are not compared with the number of rows.
const SMALL: usize = 20;

/// A column before it is written into the matrix: what is kept is one vector a variable, not one a column.
#[derive(Clone, Debug)]
enum Source {
    Number(Arc<Vec<f64>>),
    /// 1 where the code is this one.
    Indicator(Arc<Vec<u32>>, u32),
    Product(Box<Source>, Box<Source>),
}

impl Source {
    fn at(&self, row: usize) -> f64 {
        match self {
            Self::Number(v) => v[row],
            Self::Indicator(code, level) => f64::from(code[row] == *level),
            Self::Product(a, b) => a.at(row) * b.at(row),
        }
    }
}

#[derive(Clone, Debug)]
struct Coded {
    term: String,
    level: Option<String>,
    source: Source,
    /// For a product: the terms of its parts.
    product: Option<(String, String)>,
}

/// The columns of one variable.
#[derive(Clone, Debug, Default)]
struct CodedVariable {
    columns: Vec<Coded>,
    /// 1 where a missing value was filled.
    flag: Option<Coded>,
    /// Base level and whether the indicators are fixed effects.
    base: Option<(String, bool)>,
}

/// Codes the cohort: rows sorted by group (the reference first, file order within), column 0 the intercept, column 1 the group, then the
/// allowables and the blocks in order. Warnings: G314 for every column left out because it does not vary, G319 for every fill.
///
/// So are columns that depend linearly on earlier ones over all rows ([`rank`]).
///
/// Errors: G203 (base, merge), G210, G211 (too many levels), G213 (df), G310, G312, G313.
pub fn code(cohort: &Cohort, roles: &RolesPlan) -> Result<(Design, Problems), Problems> {
    code_like(cohort, roles, cohort)
}

/// [`code`] with the knots of splines and the values of Table 1 from `observed`: the same rows before missing cells were imputed.
pub(super) fn code_like(cohort: &Cohort, roles: &RolesPlan, observed: &Cohort) -> Result<(Design, Problems), Problems> {
    let (order, groups) = sort_by_group(cohort);
    let sample = Sample { groups: &groups };
    let mut coder = Coder { cohort, observed, order: &order, sample, warnings: Problems::new(), problems: Problems::new() };
    let is_interaction = |v: &VariablePlan| matches!(v.coding, Coding::Interaction { .. });

    let mut coded: IndexMap<&str, CodedVariable> = IndexMap::new();
    for v in roles.variables.iter().filter(|v| !is_interaction(v)) {
        let c = coder.variable(&v.column, &v.coding, &v.missing);
        coded.insert(&v.column.name, c);
    }
    let mut parts: Vec<(&VariablePlan, CodedVariable)> = Vec::with_capacity(roles.variables.len());
    for v in &roles.variables {
        let c = if is_interaction(v) { coder.interaction(v, &coded) } else { coded.get(v.column.name.as_str()).cloned().unwrap_or_default() };
        parts.push((v, c));
    }
    let described = coder.describe(roles);
    let n = order.len();
    let mut built = Built::new(n, cohort, &order);
    for (v, c) in parts {
        let requires = match &v.coding {
            Coding::Interaction { of } => roles.variables.iter().filter(|o| of.contains(&o.column.name)).map(|o| o.role).collect(),
            _ => Vec::new(),
        };
        built.add(v, c, &requires, &mut coder.warnings);
    }
    let Coder { mut warnings, mut problems, .. } = coder;
    let x = built.matrix(&mut problems);
    if !problems.is_empty() {
        return Err(problems);
    }
    let in_order = |c: &Clusters| Clusters { code: order.iter().map(|i| c.code[*i as usize]).collect(), labels: c.labels.clone() };
    let pick = |values: &[f64]| -> Array1<f64> { order.iter().map(|i| values[*i as usize]).collect() };
    let mut design = Design {
        family: roles.outcome.family,
        y: pick(&cohort.outcome),
        x,
        columns: built.columns,
        factors: built.factors,
        blocks: roles.blocks.clone(),
        weight: cohort.weight.as_deref().map_or_else(|| Array1::ones(n), pick),
        weighted: cohort.weight.is_some(),
        clusters: cohort.cluster.as_ref().map(in_order),
        labelled: cohort.labelled.iter().map(|(name, c)| (name.clone(), in_order(c))).collect(),
        exposure: cohort.exposure.as_deref().map(pick),
        described,
        cohort_row: order,
        dropped: built.dropped,
        groups,
    };
    for (term, variable) in rank::drop_dependent(&mut design) {
        let place = roles.variables.iter().find(|v| v.column.name == variable).and_then(|v| v.column.place.clone());
        let message = format!("column `{term}` was left out: it is a linear combination of columns before it");
        warnings.push(Problem::warning(codes::G314, message).at(place));
    }
    Ok((design, warnings))
}

/// Cohort rows in design order, and the groups as ranges of it.
fn sort_by_group(cohort: &Cohort) -> (Vec<u32>, Vec<Group>) {
    let mut order: Vec<u32> = (0..cohort.n() as u32).collect();
    order.sort_by_key(|i| cohort.group[*i as usize]);
    let mut groups = Vec::with_capacity(cohort.group_labels.len());
    let mut start = 0;
    for (g, label) in cohort.group_labels.iter().enumerate() {
        let end = start + cohort.group.iter().filter(|c| **c as usize == g).count();
        groups.push(Group { label: label.clone(), rows: start..end });
        start = end;
    }
    (order, groups)
}

struct Coder<'a> {
    cohort: &'a Cohort,
    observed: &'a Cohort,
    order: &'a [u32],
    sample: Sample<'a>,
    warnings: Problems,
    problems: Problems,
}

impl Coder<'_> {
    /// The values of a column in design order.
    fn values(&self, name: &str) -> Option<Values> {
        self.values_of(self.cohort, name)
    }

    fn values_of(&self, cohort: &Cohort, name: &str) -> Option<Values> {
        Some(match cohort.columns.get(name)? {
            Values::Number(v) => Values::Number(self.order.iter().map(|i| v[*i as usize]).collect()),
            Values::Category { levels, code } => {
                Values::Category { levels: levels.clone(), code: self.order.iter().map(|i| code[*i as usize]).collect() }
            }
        })
    }

    /// The coded columns; empty when a problem was reported.
    fn variable(&mut self, named: &Named, coding: &Coding, rule: &MissingRule) -> CodedVariable {
        let coded = match (coding, self.values(&named.name)) {
            (_, None) => Err(vec![Problem::error(codes::G901, format!("`{}` is not in the cohort", named.name))]),
            (Coding::Auto | Coding::Numeric, Some(Values::Number(v))) => self.linear(named, v, rule),
            (Coding::Spline { df }, Some(Values::Number(v))) => self.spline(named, v, rule, *df),
            (Coding::Log { offset }, Some(Values::Number(v))) => self.log(named, v, rule, *offset),
            (Coding::Auto, Some(Values::Category { levels, code })) => self.categorical(named, levels, code, coding, rule),
            (Coding::Categorical { .. } | Coding::FixedEffects, Some(values)) => {
                let (levels, code) = match values {
                    Values::Number(v) => categories::of_numbers(&v),
                    Values::Category { levels, code } => (levels, code),
                };
                self.categorical(named, levels, code, coding, rule)
            }
            (Coding::Numeric | Coding::Spline { .. } | Coding::Log { .. }, Some(Values::Category { .. })) => {
                Err(vec![Problem::error(codes::G211, format!("`{}` needs numbers", named.name)).at(named.place.clone())])
            }
            (Coding::Interaction { .. }, Some(_)) => {
                Err(vec![Problem::error(codes::G210, format!("`{}` is an interaction of an interaction", named.name)).at(named.place.clone())])
            }
        };
        coded.unwrap_or_else(|p| {
            self.problems.extend(p);
            CodedVariable::default()
        })
    }

    fn fill(&mut self, named: &Named, values: Vec<f64>, rule: &MissingRule) -> Result<(Vec<f64>, Option<Coded>), Problems> {
        let filled = fill::numbers(named, values, rule, &self.sample, &mut self.warnings).map_err(|p| vec![*p])?;
        let flag =
            filled.flag.map(|f| Coded { term: format!("{}.missing", named.name), level: None, source: Source::Number(Arc::new(f)), product: None });
        Ok((filled.values, flag))
    }

    fn linear(&mut self, named: &Named, values: Vec<f64>, rule: &MissingRule) -> Result<CodedVariable, Problems> {
        let (values, flag) = self.fill(named, values, rule)?;
        Ok(CodedVariable { columns: vec![number(named.name.clone(), values)], flag, base: None })
    }

    fn log(&mut self, named: &Named, values: Vec<f64>, rule: &MissingRule, offset: f64) -> Result<CodedVariable, Problems> {
        let (values, flag) = self.fill(named, values, rule)?;
        let (bad, counts) = self.sample.count(|i| values[i] + offset <= 0.0);
        if bad > 0 {
            return Err(vec![
                Problem::error(codes::G313, format!("log of `{}`: {counts} rows have {} + {offset} of 0 or less", named.name, named.name))
                    .at(named.place.clone())
                    .help(format!("give an offset that makes it positive: {{ {}: {{ log: {{ offset: 1 }} }} }}", named.name)),
            ]);
        }
        let logs = values.into_iter().map(|v| (v + offset).ln()).collect();
        Ok(CodedVariable { columns: vec![number(format!("log({})", named.name), logs)], flag, base: None })
    }

    /// Knots stand at quantiles of the observed cells, so that filled ones do not pull them together.
    fn spline(&mut self, named: &Named, values: Vec<f64>, rule: &MissingRule, df: usize) -> Result<CodedVariable, Problems> {
        let name = &named.name;
        let observed = match self.values_of(self.observed, name) {
            Some(Values::Number(v)) => v,
            Some(Values::Category { .. }) | None => values.clone(),
        };
        let knots = knots(named, observed, df)?;
        let (values, flag) = self.fill(named, values, rule)?;
        let mut columns = Vec::with_capacity(df);
        for j in 0..df - 1 {
            columns.push(number(format!("{name}.s{}", j + 2), values.iter().map(|x| spline::basis(*x, &knots, j)).collect()));
        }
        columns.insert(0, number(format!("{name}.s1"), values));
        Ok(CodedVariable { columns, flag, base: None })
    }

    fn categorical(
        &mut self,
        named: &Named,
        levels: Vec<String>,
        code: Vec<u32>,
        coding: &Coding,
        rule: &MissingRule,
    ) -> Result<CodedVariable, Problems> {
        let nothing = IndexMap::new();
        let (base, merge, fixed_effects) = match coding {
            Coding::Categorical { base, merge } => (base.as_ref(), merge, false),
            Coding::FixedEffects => (None, &nothing, true),
            _ => (None, &nothing, false),
        };
        let (missing, counts) = self.sample.count(|i| code[i] == u32::MAX);
        let level = fill::level(named, missing, &counts, rule, &mut self.warnings).map_err(|p| vec![*p])?;
        let Categories { levels, code, base } = categories::build(named, levels, code, merge, level, base)?;
        let n = code.len();
        if !fixed_effects && (levels.len() > MAX_LEVELS || levels.len() > SMALL && 2 * levels.len() > n) {
            return Err(vec![too_many_levels(named, levels.len(), n)]);
        }
        let code = Arc::new(code);
        let column = |k: usize| Coded {
            term: format!("{}={}", named.name, levels[k]),
            level: Some(levels[k].clone()),
            source: Source::Indicator(code.clone(), k as u32),
            product: None,
        };
        let columns = (0..levels.len()).filter(|k| *k != base).map(column).collect();
        Ok(CodedVariable { columns, flag: None, base: levels.get(base).map(|b| (b.clone(), fixed_effects)) })
    }

    /// Products of the columns of two variables. A variable of the study file enters as it is coded there; another one as `Auto`, with
    /// the missing rule of the interaction, and brings its flag with it.
    fn interaction(&mut self, v: &VariablePlan, coded: &IndexMap<&str, CodedVariable>) -> CodedVariable {
        let mut out = CodedVariable::default();
        let mut sides = Vec::with_capacity(2);
        let mut flags = Vec::new();
        for name in columns_of(v) {
            match coded.get(name) {
                Some(c) => sides.push(c.columns.clone()),
                None => {
                    let c = self.variable(&Named { name: name.to_owned(), place: v.column.place.clone() }, &Coding::Auto, &v.missing);
                    flags.extend(c.flag);
                    sides.push(c.columns);
                }
            }
        }
        if let [a, b] = sides.as_slice() {
            for (a, b) in a.iter().flat_map(|a| b.iter().map(move |b| (a, b))) {
                let source = Source::Product(Box::new(a.source.clone()), Box::new(b.source.clone()));
                let product = Some((a.term.clone(), b.term.clone()));
                out.columns.push(Coded { term: format!("{}:{}", a.term, b.term), level: None, source, product });
            }
        }
        out.columns.extend(flags);
        out
    }

    /// Every variable as it was before coding.
    fn describe(&self, roles: &RolesPlan) -> Vec<Described> {
        let mut out = Vec::new();
        for v in roles.variables.iter().filter(|v| !matches!(v.coding, Coding::Interaction { .. })) {
            let Some(values) = self.values_of(self.observed, &v.column.name) else { continue };
            let as_levels = matches!(v.coding, Coding::Categorical { .. } | Coding::FixedEffects);
            let values = match values {
                Values::Number(v) if as_levels => {
                    let (levels, code) = categories::of_numbers(&v);
                    DescribedValues::Category { levels, code }
                }
                Values::Number(v) => DescribedValues::Number(v),
                Values::Category { levels, code } => DescribedValues::Category { levels, code },
            };
            out.push(Described { variable: v.column.name.clone(), role: v.role, values });
        }
        out
    }
}

/// Knots of a spline at Harrell's quantiles of the cells that are not NaN. Errors: G213, G310.
pub(super) fn knots(named: &Named, mut observed: Vec<f64>, df: usize) -> Result<Vec<f64>, Problems> {
    let name = &named.name;
    let quantiles = spline::knot_quantiles(df)
        .ok_or_else(|| vec![Problem::error(codes::G213, format!("spline of `{name}`: df is 2 to 6, not {df}")).at(named.place.clone())])?;
    observed.retain(|v| !v.is_nan());
    observed.sort_by(f64::total_cmp);
    if observed.is_empty() {
        return Err(vec![Problem::error(codes::G310, format!("spline of `{name}`: no analysis row has a value")).at(named.place.clone())]);
    }
    let knots: Vec<f64> = quantiles.iter().map(|p| spline::quantile(&observed, *p)).collect();
    if knots.windows(2).any(|k| k[0] >= k[1]) {
        let distinct = 1 + observed.windows(2).filter(|w| w[0] != w[1]).count();
        return Err(vec![
            Problem::error(codes::G310, format!("spline of `{name}` with df {df}: knots coincide"))
                .at(named.place.clone())
                .note(format!("it takes {distinct} distinct values; {} knots stand at its quantiles", df + 1))
                .help("use a smaller df, enter it linearly, or as categories"),
        ]);
    }
    Ok(knots)
}

fn too_many_levels(named: &Named, levels: usize, rows: usize) -> Problem {
    Problem::error(codes::G211, format!("`{}` enters as categories and has {levels} levels in {rows} rows", named.name)).at(named.place.clone()).help(
        format!(
            "if it is a number, say so: types: {{ {0}: number }}; hospital ids are {{ {0}: {{ fixed_effects: {{}} }} }}; rare levels can be merged",
            named.name
        ),
    )
}

fn number(term: String, values: Vec<f64>) -> Coded {
    Coded { term, level: None, source: Source::Number(Arc::new(values)), product: None }
}

/// The columns of the design as they come together.
struct Built {
    n: usize,
    sources: Vec<Source>,
    columns: Vec<Column>,
    factors: Vec<Factor>,
    dropped: Vec<(String, String)>,
}

impl Built {
    fn new(n: usize, cohort: &Cohort, order: &[u32]) -> Self {
        let group: Vec<f64> = order.iter().map(|i| f64::from(cohort.group[*i as usize] > 0)).collect();
        let column =
            |term: &str, role| Column { term: term.to_owned(), variable: term.to_owned(), role, requires: Vec::new(), level: None, product: None };
        Self {
            n,
            sources: vec![Source::Number(Arc::new(vec![1.0; n])), Source::Number(Arc::new(group))],
            columns: vec![column("(intercept)", Role::Intercept), column("(group)", Role::Group)],
            factors: Vec::new(),
            dropped: Vec::new(),
        }
    }

    /// `requires`: the roles of an interaction's parts.
    fn add(&mut self, v: &VariablePlan, coded: CodedVariable, requires: &[Role], warnings: &mut Problems) {
        let variable = &v.column.name;
        let mut positions = Vec::with_capacity(coded.columns.len());
        if coded.columns.is_empty()
            && let Some((level, _)) = &coded.base
        {
            self.drop(variable.clone(), format!("it has one level in the analysis rows, `{level}`"), v, warnings);
        }
        let flag = coded.flag.into_iter().map(|f| (f, true));
        for (c, is_flag) in coded.columns.into_iter().map(|c| (c, false)).chain(flag) {
            let first = c.source.at(0);
            if (1..self.n).all(|row| c.source.at(row) == first) {
                let reason = match (is_flag, first == 0.0) {
                    (true, true) => format!("no value of `{variable}` is missing in the analysis rows"),
                    _ => format!("it does not vary: all {} analysis rows have one value", self.n),
                };
                self.drop(c.term, reason, v, warnings);
                continue;
            }
            if !is_flag {
                positions.push(self.columns.len());
            }
            let Coded { term, level, product, source } = c;
            self.columns.push(Column { term, variable: variable.clone(), role: v.role, requires: requires.to_vec(), level, product });
            self.sources.push(source);
        }
        if let Some((base, fixed_effects)) = coded.base
            && !positions.is_empty()
        {
            self.factors.push(Factor { variable: variable.clone(), base, columns: positions, fixed_effects, lost_level: false });
        }
    }

    fn drop(&mut self, term: String, reason: String, v: &VariablePlan, warnings: &mut Problems) {
        warnings.push(Problem::warning(codes::G314, format!("column `{term}` was left out: {reason}")).at(v.column.place.clone()));
        self.dropped.push((term, reason));
    }

    /// The matrix, row by row. Errors: G313 for a column that is not finite.
    fn matrix(&self, problems: &mut Problems) -> Array2<f64> {
        let p = self.sources.len();
        let mut x = Array2::zeros((self.n, p));
        for (row, mut cells) in x.outer_iter_mut().enumerate() {
            cells.iter_mut().zip(&self.sources).for_each(|(cell, source)| *cell = source.at(row));
        }
        for (column, values) in self.columns.iter().zip(x.columns()) {
            let bad = values.iter().filter(|v| !v.is_finite() || v.abs() > LARGEST).count();
            if bad > 0 {
                problems.push(Problem::error(codes::G313, format!("column `{}` is not finite, or beyond 1e100, in {bad} rows", column.term)));
            }
        }
        x
    }
}
