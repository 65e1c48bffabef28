//! SQL expressions over one row: what is accepted, which columns they read, what type they have.

use super::finite::finite;
use super::plan::Named;
use super::problems::polars_says;
use crate::error::{Problem, codes, nearest};
use polars::prelude::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// An accepted expression.
#[derive(Clone, Debug)]
pub(super) struct Expression {
    expr: Expr,
    /// Values that arithmetic and functions had no finite value for, in all evaluations.
    undefined: Arc<AtomicUsize>,
    /// The columns it reads.
    pub columns: Vec<String>,
    /// Those inside LEAST or GREATEST, if nothing in the expression looks for missing values.
    skipping: Vec<String>,
}

/// Functions of one row.
const FUNCTIONS: &[&str] = &[
    "abs",
    "acos",
    "acosd",
    "asin",
    "asind",
    "atan",
    "atan2",
    "atan2d",
    "atand",
    "bit_length",
    "cbrt",
    "ceil",
    "ceiling",
    "char_length",
    "character_length",
    "coalesce",
    "concat",
    "concat_ws",
    "cos",
    "cosd",
    "cot",
    "cotd",
    "date",
    "date_part",
    "datetime",
    "degrees",
    "div",
    "ends_with",
    "exp",
    "floor",
    "greatest",
    "if",
    "ifnull",
    "initcap",
    "least",
    "left",
    "length",
    "ln",
    "log",
    "log10",
    "log1p",
    "log2",
    "lower",
    "lpad",
    "ltrim",
    "mod",
    "nullif",
    "octet_length",
    "pi",
    "pow",
    "power",
    "radians",
    "regexp_like",
    "replace",
    "reverse",
    "right",
    "round",
    "rpad",
    "rtrim",
    "sign",
    "sin",
    "sind",
    "split_part",
    "sqrt",
    "starts_with",
    "strftime",
    "strpos",
    "strptime",
    "substr",
    "tan",
    "tand",
    "time",
    "timestamp",
    "trunc",
    "truncate",
    "upper",
];

/// Words that a parenthesis may follow without being a function.
const WORDS: &[&str] = &[
    "and",
    "as",
    "between",
    "by",
    "case",
    "cast",
    "char",
    "dec",
    "decimal",
    "else",
    "end",
    "escape",
    "extract",
    "float",
    "for",
    "from",
    "ilike",
    "in",
    "interval",
    "is",
    "like",
    "not",
    "numeric",
    "on",
    "or",
    "overlay",
    "position",
    "regexp",
    "rlike",
    "similar",
    "substring",
    "then",
    "to",
    "trim",
    "try_cast",
    "varchar",
    "when",
    "xor",
];

/// Words of an expression that has thought of missing values.
const MISSING_WORDS: &[&str] = &["coalesce", "ifnull", "is", "nullif"];

const AGGREGATES: &[&str] = &[
    "array_agg",
    "avg",
    "corr",
    "count",
    "covar",
    "covar_pop",
    "covar_samp",
    "first",
    "group_concat",
    "last",
    "listagg",
    "max",
    "mean",
    "median",
    "min",
    "quantile_cont",
    "quantile_disc",
    "stddev",
    "stddev_pop",
    "stddev_samp",
    "stdev",
    "stdev_samp",
    "string_agg",
    "sum",
    "total",
    "var",
    "var_pop",
    "var_samp",
    "variance",
];

const WINDOWS: &[&str] = &[
    "over",
    "cume_dist",
    "dense_rank",
    "filter",
    "first_value",
    "lag",
    "last_value",
    "lead",
    "nth_value",
    "ntile",
    "percent_rank",
    "rank",
    "row_number",
    "within",
];

/// Refused even without a parenthesis.
const CLOCKS: &[&str] = &["current_date", "current_time", "current_timestamp", "localtime", "localtimestamp"];

const CLOCKS_AND_CHANCE: &[&str] = &[
    "clock_timestamp",
    "getdate",
    "gen_random_uuid",
    "newid",
    "now",
    "rand",
    "randn",
    "random",
    "statement_timestamp",
    "sysdate",
    "today",
    "transaction_timestamp",
    "uuid",
];

/// The words of an expression in lower case, each with whether `(` follows it; strings, quoted names and comments are skipped.
fn words(sql: &str) -> Vec<(String, bool)> {
    let chars: Vec<char> = sql.chars().collect();
    let mut out: Vec<(String, bool)> = Vec::new();
    let mut i = 0;
    let mut after_word = false;
    while i < chars.len() {
        let c = chars[i];
        if c == '\'' || c == '"' || c == '`' {
            i += 1;
            while i < chars.len() && chars[i] != c {
                i += 1;
            }
            i += 1;
            after_word = false;
        } else if c == '-' && chars.get(i + 1) == Some(&'-') {
            while i < chars.len() && chars[i] != '\n' {
                i += 1;
            }
        } else if c == '/' && chars.get(i + 1) == Some(&'*') {
            while i < chars.len() && !(chars[i] == '*' && chars.get(i + 1) == Some(&'/')) {
                i += 1;
            }
            i += 2;
        } else if c.is_alphabetic() || c == '_' {
            let start = i;
            while i < chars.len() && (chars[i].is_alphanumeric() || chars[i] == '_') {
                i += 1;
            }
            out.push((chars[start..i].iter().collect::<String>().to_lowercase(), false));
            after_word = true;
        } else if c.is_ascii_digit() {
            while i < chars.len() && (chars[i].is_alphanumeric() || chars[i] == '_' || chars[i] == '.') {
                i += 1;
            }
            after_word = false;
        } else {
            if c == '('
                && after_word
                && let Some(last) = out.last_mut()
            {
                last.1 = true;
            }
            after_word &= c.is_whitespace();
            i += 1;
        }
    }
    out
}

/// The texts of INTERVAL '...': polars panics on those that it cannot read.
fn intervals(sql: &str) -> impl Iterator<Item = &str> {
    let mut parts = sql.split('\'');
    let mut before = parts.next().unwrap_or_default();
    std::iter::from_fn(move || {
        loop {
            let text = parts.next()?;
            let word = before.trim_end().rsplit(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default();
            let is_interval = word.eq_ignore_ascii_case("interval");
            before = parts.next().unwrap_or_default();
            if is_interval {
                return Some(text);
            }
        }
    })
}

fn refused(sql: &Named, message: String) -> Problem {
    Problem::error(codes::G207, message).at(sql.place.clone())
}

/// Parses and vets an expression. Errors: G207.
pub(super) fn parse(sql: &Named) -> Result<Expression, Box<Problem>> {
    let words = words(&sql.name);
    for (word, called) in &words {
        let (w, called) = (word.as_str(), *called);
        let shown = w.to_uppercase();
        if w == "select" || w == "exists" && called {
            return Err(Box::new(
                refused(sql, format!("`{shown}`: subqueries are not accepted"))
                    .help("an expression sees one row; join the other table under `joins`"),
            ));
        }
        if CLOCKS.contains(&w) || called && CLOCKS_AND_CHANCE.contains(&w) {
            return Err(Box::new(refused(sql, format!("`{shown}` gives another value in every run")).help("write the date: DATE '2026-01-31'")));
        }
        if !called || FUNCTIONS.contains(&w) || WORDS.contains(&w) {
            continue;
        }
        if AGGREGATES.contains(&w) {
            let problem = refused(sql, format!("`{shown}` is an aggregate: it looks at other rows"));
            return Err(Box::new(match w {
                "min" => problem.help("the smallest of several columns of one row is LEAST(a, b)"),
                "max" => problem.help("the largest of several columns of one row is GREATEST(a, b)"),
                _ => problem.help("an expression sees one row"),
            }));
        }
        if WINDOWS.contains(&w) {
            return Err(Box::new(
                refused(sql, format!("`{shown}` is a window function: it looks at other rows"))
                    .help("an expression sees one row; `first:` takes the first row of each unit"),
            ));
        }
        let problem = refused(sql, format!("function `{shown}` is not known"));
        return Err(Box::new(match nearest(w, FUNCTIONS.iter().copied()) {
            Some(near) => problem.help(format!("there is {}", near.to_uppercase())),
            None => problem,
        }));
    }
    if let Some(wrong) = intervals(&sql.name).find(|text| Duration::try_parse_interval(text).is_err()) {
        return Err(Box::new(
            refused(sql, format!("`{wrong}` is not an interval")).help("write a number and a unit: INTERVAL '30 days', INTERVAL '6 hours'"),
        ));
    }
    let expr = polars::sql::sql_expr(&sql.name).map_err(|e| refused(sql, format!("the expression cannot be read: {}", polars_says(&e))))?;
    let mut columns = Vec::new();
    vet(&expr, sql, &mut columns)?;
    let mut inside = Vec::new();
    if !words.iter().any(|(w, _)| MISSING_WORDS.contains(&w.as_str())) {
        skipping(&expr, false, &mut inside);
    }
    let undefined = Arc::new(AtomicUsize::new(0));
    Ok(Expression { expr, undefined, columns, skipping: inside })
}

/// Walks the expression; anything that is not known to look at one row only is refused.
fn vet(expr: &Expr, sql: &Named, columns: &mut Vec<String>) -> Result<(), Box<Problem>> {
    match expr {
        Expr::Column(name) => {
            if !columns.iter().any(|c| c == name.as_str()) {
                columns.push(name.to_string());
            }
            Ok(())
        }
        Expr::Literal(_) => Ok(()),
        Expr::BinaryExpr { left, right, .. } => [left, right].into_iter().try_for_each(|e| vet(e, sql, columns)),
        Expr::Cast { expr, .. } => vet(expr, sql, columns),
        Expr::Ternary { predicate, truthy, falsy } => [predicate, truthy, falsy].into_iter().try_for_each(|e| vet(e, sql, columns)),
        Expr::Function { input, .. } => input.iter().try_for_each(|e| vet(e, sql, columns)),
        Expr::AnonymousFunction { input, options, .. } if options.is_elementwise() => input.iter().try_for_each(|e| vet(e, sql, columns)),
        // The list of `x IN (1, 2)`.
        Expr::Agg(AggExpr::Implode { input, .. }) if matches!(**input, Expr::Literal(_)) => Ok(()),
        Expr::Alias(..) => Err(Box::new(refused(sql, "`AS` is not needed: the key names the column".to_owned()))),
        Expr::Selector(_) => Err(Box::new(refused(sql, "`*` and COLUMNS are not accepted: name the columns".to_owned()))),
        _ => Err(Box::new(
            refused(sql, "the expression does not look at one row only".to_owned())
                .help("aggregates, window functions and subqueries are refused; an expression sees one row"),
        )),
    }
}

/// Columns whose value LEAST or GREATEST takes or leaves: where they are missing it takes another, while other functions give no value.
fn skipping(expr: &Expr, inside: bool, columns: &mut Vec<String>) {
    match expr {
        Expr::Column(name) if inside => columns.push(name.to_string()),
        Expr::BinaryExpr { left, right, .. } => [left, right].into_iter().for_each(|e| skipping(e, inside, columns)),
        Expr::Cast { expr, .. } => skipping(expr, inside, columns),
        Expr::Ternary { truthy, falsy, .. } => [truthy, falsy].into_iter().for_each(|e| skipping(e, inside, columns)),
        Expr::Function { input, function } => {
            let inside = inside || matches!(function, FunctionExpr::MaxHorizontal | FunctionExpr::MinHorizontal);
            input.iter().for_each(|e| skipping(e, inside, columns));
        }
        Expr::AnonymousFunction { input, .. } => input.iter().for_each(|e| skipping(e, inside, columns)),
        _ => {}
    }
}

fn dtype(expr: &Expr, schema: &Schema) -> Option<DataType> {
    expr.to_field(schema).ok().map(|f| f.dtype().clone())
}

fn duration_is_no_number(sql: &Named) -> Problem {
    Problem::error(codes::G208, "a duration is used as a number")
        .at(sql.place.clone())
        .note("the difference of two dates is a duration; as a number it would be microseconds")
        .help("divide it: (a - b) / INTERVAL '1 day'")
}

/// Places where a duration meets a number, or a date a number or a text: polars would take some of them for microseconds or days.
fn mixed_units(expr: &Expr, sql: &Named, schema: &Schema) -> Result<(), Box<Problem>> {
    let is_number = |d: &DataType| d.is_numeric() || matches!(d, DataType::Unknown(UnknownKind::Int(_) | UnknownKind::Float));
    let is_text = |d: &DataType| matches!(d, DataType::String | DataType::Unknown(UnknownKind::Str));
    let is_moment = |d: &DataType| matches!(d, DataType::Date | DataType::Datetime(..));
    let of = |e: &Expr| dtype(e, schema);
    match expr {
        Expr::Cast { expr: inner, .. } => {
            if of(inner).is_some_and(|d| d.is_duration()) && of(expr).is_some_and(|d| is_number(&d)) {
                return Err(Box::new(duration_is_no_number(sql)));
            }
            mixed_units(inner, sql, schema)
        }
        Expr::BinaryExpr { left, op, right } => {
            if let (Some(l), Some(r)) = (of(left), of(right)) {
                let pair = |a: &dyn Fn(&DataType) -> bool, b: &dyn Fn(&DataType) -> bool| a(&l) && b(&r) || b(&l) && a(&r);
                let scaling = matches!(op, Operator::Multiply | Operator::RustDivide | Operator::TrueDivide | Operator::FloorDivide);
                if pair(&|d| d.is_duration(), &is_number) && !scaling {
                    return Err(Box::new(duration_is_no_number(sql)));
                }
                if pair(&is_moment, &is_number) {
                    return Err(Box::new(
                        refused(sql, "a date and a number are put together".to_owned()).help("say the unit: admit_date + INTERVAL '30 days'"),
                    ));
                }
                if pair(&is_moment, &is_text) {
                    return Err(Box::new(
                        refused(sql, "a date and a text are put together".to_owned())
                            .help("write DATE '2020-01-15' for a literal, or give the text column a type: types: { column: date }"),
                    ));
                }
            }
            mixed_units(left, sql, schema)?;
            mixed_units(right, sql, schema)
        }
        Expr::Ternary { predicate, truthy, falsy } => {
            if let (Some(a), Some(b)) = (of(truthy), of(falsy))
                && (a.is_duration() && is_number(&b) || b.is_duration() && is_number(&a))
            {
                return Err(Box::new(duration_is_no_number(sql)));
            }
            [predicate, truthy, falsy].into_iter().try_for_each(|e| mixed_units(e, sql, schema))
        }
        Expr::Function { input, .. } | Expr::AnonymousFunction { input, .. } => {
            let durations = input.iter().filter(|e| of(e).is_some_and(|d| d.is_duration())).count();
            let numbers = input.iter().filter(|e| of(e).is_some_and(|d| is_number(&d))).count();
            if durations > 0 && (numbers > 0 || of(expr).is_some_and(|d| is_number(&d))) {
                return Err(Box::new(duration_is_no_number(sql)));
            }
            input.iter().try_for_each(|e| mixed_units(e, sql, schema))
        }
        _ => Ok(()),
    }
}

impl Expression {
    /// The type of the result. Every column it reads must be in `schema`. Errors: G207, G208.
    pub fn check(&self, sql: &Named, schema: &Schema) -> Result<DataType, Box<Problem>> {
        mixed_units(&self.expr, sql, schema)?;
        // Polars finds some mistakes only when it computes, so the expression is computed on one empty row.
        let mut row = Schema::with_capacity(self.columns.len());
        for name in &self.columns {
            if let Some(dtype) = schema.get(name.as_str()) {
                row.insert(name.as_str().into(), dtype.clone());
            }
        }
        let frame = if row.is_empty() {
            DataFrame::new(1, vec![Column::full_null("".into(), 1, &DataType::Null)])
        } else {
            Ok(DataFrame::full_null(&row, 1))
        };
        let result = frame.and_then(|f| self.evaluate(&f, "")).map_err(|e| {
            let problem = refused(sql, format!("the expression cannot be computed: {}", polars_says(&e)));
            match self.columns.iter().find(|c| schema.get(c.as_str()) == Some(&DataType::Null)) {
                Some(empty) => problem.help(format!("`{empty}` has no value in the file; say its type: types: {{ {empty}: date }}")),
                None => problem,
            }
        })?;
        Ok(result.dtype().clone())
    }

    /// Rows in which the result has a value although a column of LEAST or GREATEST has none: the columns, and the rows of each.
    pub fn values_from_nothing(&self, frame: &DataFrame, result: &Column) -> Vec<(String, Vec<u32>)> {
        let columns = self.columns.iter().filter(|c| self.skipping.contains(c)).filter_map(|c| frame.column(c).ok());
        let rows = |c: &Column| {
            let both = &c.is_null() & &result.is_not_null();
            both.iter().enumerate().filter(|(_, b)| *b == Some(true)).map(|(row, _)| row as u32).collect()
        };
        columns.filter(|c| c.null_count() > 0).map(|c| (c.name().to_string(), rows(c))).collect()
    }

    /// Values that had no finite value in all evaluations, since the last time this was asked.
    pub fn take_undefined(&self) -> usize {
        self.undefined.swap(0, Ordering::Relaxed)
    }

    /// The expression on every row. `name` is that of the result.
    pub fn evaluate(&self, frame: &DataFrame, name: &str) -> PolarsResult<Column> {
        const RESULT: &str = "\u{0}result";
        let columns: PolarsResult<Vec<Column>> = self.columns.iter().map(|c| frame.column(c).cloned()).collect();
        let narrow = DataFrame::new(frame.height(), columns?)?;
        let computed = finite(self.expr.clone(), narrow.schema(), &self.undefined);
        // A constant has no column to take its length from.
        let out = if self.columns.is_empty() {
            let one = DataFrame::new(1, vec![Column::full_null("".into(), 1, &DataType::Null)])?.lazy().select([computed.alias(RESULT)]).collect()?;
            out_of(one, RESULT)?.new_from_index(0, frame.height())
        } else {
            let all = narrow.lazy().with_columns([computed.alias(RESULT)]).collect()?;
            out_of(all, RESULT)?
        };
        polars_ensure!(out.len() == frame.height(), ComputeError: "the expression does not give one value a row");
        Ok(out.with_name(name.into()))
    }
}

fn out_of(frame: DataFrame, name: &str) -> PolarsResult<Column> {
    frame.column(name).cloned()
}
