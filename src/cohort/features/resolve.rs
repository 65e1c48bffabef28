//! What a feature names in its event table, and the type it has.

use super::codes::CodeList;
use super::events::Needs;
use super::reduce::dtype_of;
use super::scores::Score;
use super::units;
use crate::cohort::keys::type_name;
use crate::cohort::odd_cells::Needed;
use crate::cohort::plan::{FeaturePlan, Named, Take, WindowPlan};
use crate::cohort::problems::not_in_table;
use crate::cohort::sql::{self, Expression};
use crate::error::{Problem, Problems, codes};
use polars::prelude::{DataType, Schema};

/// What a feature reads an event with.
pub(in crate::cohort) struct Parts {
    pub keep: Option<Expression>,
    pub list: Option<CodeList>,
    pub score: Option<Score>,
}

/// Resolves the names of a feature in its event table and adds what it reads to `needs`. Errors: G202, G203, G207, G210, G213.
pub(in crate::cohort) fn parts(plan: &FeaturePlan, names: &[String], needs: &mut Needs, problems: &mut Problems) -> Parts {
    let table = &plan.table.name;
    let mut need = |named: &Named, problems: &mut Problems| {
        if names.contains(&named.name) {
            needs.columns.insert(named.name.clone());
        } else {
            problems.push(not_in_table(named, table, names));
        }
    };
    let unit = plan.unit.as_ref().map(|u| &u.column);
    plan.by.iter().map(|(_, r)| r).chain(&plan.value).chain(&plan.at).chain(unit).for_each(|n| need(n, problems));
    let score_column = match &plan.take {
        Take::Score(s) => Some(&s.column),
        _ => None,
    };
    let coded: Vec<&Named> = plan.codes.iter().map(|c| &c.column).chain(score_column).collect();
    coded.iter().for_each(|n| need(n, problems));
    let keep = plan.keep.as_ref().and_then(|sql| {
        let expression = sql::parse(sql).map_err(|p| problems.push(*p)).ok()?;
        let read = expression.columns.iter().map(|name| Named { name: name.clone(), place: sql.place.clone() });
        read.for_each(|n| need(&n, problems));
        Some(expression)
    });
    needs.codes.extend(coded.into_iter().cloned());
    if let Some(Err(p)) = plan.unit.as_ref().map(units::check) {
        problems.push(*p);
    }
    let list = plan.codes.as_ref().and_then(|c| CodeList::load(&plan.column, c, problems));
    let score = match &plan.take {
        Take::Score(s) => Score::new(s).map_err(|p| problems.push(*p)).ok(),
        _ => None,
    };
    Parts { keep, list, score }
}

/// Says which cells of a column, of the events or of the joined row, are not what is needed.
type OddCells<'a> = &'a dyn Fn(bool, &str, Needed) -> Option<String>;

/// The type of a feature. `joined` has the columns before it, `events` those of its table. Errors: G207, G208, G211.
pub(in crate::cohort) fn check_type(
    plan: &FeaturePlan,
    parts: &Parts,
    joined: &Schema,
    events: &Schema,
    odd: OddCells<'_>,
) -> Result<DataType, Box<Problem>> {
    let table = &plan.table.name;
    let wrong = |named: &Named, dtype: &DataType, needs: &str, help: String| {
        Box::new(
            Problem::error(codes::G211, format!("{needs}, and `{}` holds {}", named.name, type_name(dtype)))
                .at(named.place.clone())
                .label(type_name(dtype))
                .help(help),
        )
    };
    let noted = |mut problem: Box<Problem>, note: Option<String>| {
        problem.notes.extend(note);
        problem
    };
    // How a column of text becomes one of dates, or of numbers.
    let as_dates = |table: &str, column: &str| {
        format!(
            "text means that some cell is not yyyy-mm-dd or yyyy-mm-dd hh:mm, or that some say a zone (Z) and others do not; say how they are written: \
             `{table}: {{ path: ..., types: {{ {column}: {{ datetime: {{ format: \"%m/%d/%Y %H:%M\" }} }} }} }}`, or `types: {{ {column}: datetime }}` \
             to be told the rows"
        )
    };
    let as_numbers = |named: &Named| {
        let column = &named.name;
        format!(
            "`{table}: {{ path: ..., types: {{ {column}: number }} }}` names the rows that are no numbers; with `on_bad_value: set_null` they are \
             counted as missing"
        )
    };
    let is_moment = |d: &DataType| matches!(d, DataType::Date | DataType::Datetime(..) | DataType::Null);
    for (named, of_events, what, of) in [
        (&plan.at, true, "the time of events is a column of dates", table.as_str()),
        (&plan.index_date, false, "the index date is a column of dates", "its table"),
        (&plan.birth_date, false, "the date of birth is a column of dates", "its table"),
    ] {
        let schema = if of_events { events } else { joined };
        if let Some(named) = named
            && let Some(dtype) = schema.get(named.name.as_str())
            && !is_moment(dtype)
        {
            let help = match dtype {
                DataType::String => as_dates(of, &named.name),
                _ => "name a column of dates or time stamps".to_owned(),
            };
            return Err(noted(wrong(named, dtype, what, help), odd(of_events, &named.name, Needed::Dates)));
        }
    }
    let timed = |named: &Option<Named>, schema: &Schema| {
        let dtype = named.as_ref().and_then(|n| schema.get(n.name.as_str()));
        dtype.is_none_or(|d| matches!(d, DataType::Datetime(..) | DataType::Null))
    };
    if let WindowPlan::Between { from, to } = &plan.window
        && (from.in_hours || to.in_hours)
        && !(timed(&plan.at, events) && timed(&plan.index_date, joined))
    {
        let name = &plan.column.name;
        return Err(Box::new(
            Problem::error(codes::G211, format!("the window of `{name}` is in hours, and its events or the index date have no time of day"))
                .at(plan.column.place.clone())
                .help("write the window in days, such as [-1d, 0d], or give both a column of dates with times"),
        ));
    }
    let unit = plan.unit.as_ref().and_then(|u| Some((&u.column, events.get(u.column.name.as_str())?)));
    if let Some((named, dtype)) = unit.filter(|(_, d)| !matches!(d, DataType::String | DataType::Null)) {
        let help = format!("say that it is: `{table}: {{ path: ..., types: {{ {}: text }} }}`", named.name);
        return Err(wrong(named, dtype, "units of measurement are text", help));
    }
    if let (Some(keep), Some(sql)) = (&parts.keep, &plan.keep)
        && keep.columns.iter().all(|c| events.contains(c.as_str()))
        && !matches!(keep.check(sql, events)?, DataType::Boolean | DataType::Null)
    {
        return Err(Box::new(
            Problem::error(codes::G211, format!("`where` of the feature `{}` is not true or false", plan.column.name))
                .at(sql.place.clone())
                .help("compare: loinc = '2160-0', value > 0"),
        ));
    }
    let value = plan.value.as_ref().map(|v| (v, events.get(v.name.as_str()).cloned().unwrap_or(DataType::Null)));
    if let Some((named, dtype)) = value.as_ref().filter(|(_, d)| plan.plausible.is_some() && !(d.is_numeric() || d == &DataType::Null)) {
        let problem = wrong(named, dtype, "`plausible` takes a column of numbers", as_numbers(named));
        return Err(noted(problem, odd(true, &named.name, Needed::Numbers)));
    }
    match (dtype_of(&plan.take, value.as_ref().map(|v| &v.1), plan.unit.is_some()), &value) {
        (Some(dtype), _) => Ok(dtype),
        (None, Some((named, dtype))) => {
            let problem = wrong(named, dtype, &format!("`take: {}` takes numbers or dates", plan.take.name()), as_numbers(named));
            Err(noted(problem, odd(true, &named.name, Needed::Numbers)))
        }
        (None, None) => Err(Box::new(Problem::error(codes::G901, format!("`{}` has no value to take", plan.column.name)))),
    }
}
