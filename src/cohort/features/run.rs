//! The features of one event table in one pass over its rows.

use super::codes::CodeList;
use super::events::Events;
use super::keys::Keys;
use super::recorded::Recorded;
use super::reduce::{Reduction, Value};
use super::report::{self, CodeCount, FeatureCounts, FeatureReport};
use super::scores::Score;
use super::times::{self, Use};
use super::units::{self, Converter};
use super::window::{Lies, Moments, Window};
use crate::cohort::attrition::Marks;
use crate::cohort::finite;
use crate::cohort::infer::Stamps;
use crate::cohort::plan::{FeaturePlan, Named, OnBadValue, Take};
use crate::cohort::problems::bug;
use crate::cohort::source::InputFile;
use crate::cohort::sql::Expression;
use crate::cohort::steps::not_computed;
use crate::error::{Problem, Problems, codes};
use polars::prelude::{Column, DataFrame, DataType, PolarsResult, Schema, StringChunked};
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

/// A value this many times the median of the units' values is pointed out.
const EXTREME: f64 = 1_000.0;

/// Spellings whose meaning is remembered: a column of free text would fill the memory.
const MOST_SPELLINGS: usize = 1 << 18;

/// A feature with what the plan names.
pub(in crate::cohort) struct Feature<'a> {
    pub plan: &'a FeaturePlan,
    pub keep: Option<&'a Expression>,
    pub list: Option<&'a CodeList>,
    pub score: Option<&'a Score>,
}

/// The columns of the features and what became of the rows.
pub(in crate::cohort) struct Computed {
    pub columns: Vec<Column>,
    pub reports: Vec<FeatureReport>,
    pub recorded: Vec<Recorded>,
    pub input: InputFile,
}

/// What a code came to, by its spelling in the table.
type Hits = HashMap<String, Rc<[u32]>>;

/// The rows and units that each entry of a list found.
struct Tally {
    rows: Vec<u64>,
    /// Bits by unit.
    units: Vec<Vec<u64>>,
    n_units: usize,
}

impl Tally {
    fn new(entries: usize, n_units: usize) -> Self {
        Self { rows: vec![0; entries], units: vec![Vec::new(); entries], n_units }
    }

    fn count(&mut self, entries: &[u32], units: &[u32]) {
        for &entry in entries {
            self.rows[entry as usize] += 1;
            let bits = &mut self.units[entry as usize];
            if bits.is_empty() {
                bits.resize(self.n_units.div_ceil(64), 0);
            }
            units.iter().for_each(|u| bits[*u as usize / 64] |= 1 << (u % 64));
        }
    }

    fn units(&self, entry: usize) -> u64 {
        self.units[entry].iter().map(|b| u64::from(b.count_ones())).sum()
    }
}

/// A feature while its table is read.
struct Job<'a> {
    feature: &'a Feature<'a>,
    keys: usize,
    window: Window,
    needs_time: bool,
    converter: Option<Converter>,
    unknown: BTreeMap<String, u64>,
    reduction: Reduction,
    counts: FeatureCounts,
    /// Of the code list and of the score.
    hits: [Hits; 2],
    tally: Option<Tally>,
    /// What is recorded whatever the code, unless a feature before it counts the same.
    recorded: Option<Recorded>,
}

/// Values of a piece that a feature reads.
enum Cells {
    None,
    Numbers(Vec<Option<f64>>),
    Whole(Vec<Option<i64>>),
    Texts(StringChunked),
}

impl Cells {
    fn of(column: &Column) -> PolarsResult<Self> {
        Ok(match column.dtype() {
            DataType::Null => Self::None,
            DataType::Float64 => Self::Numbers(column.f64()?.iter().map(|v| v.filter(|v| v.is_finite())).collect()),
            DataType::String => Self::Texts(column.str()?.clone()),
            _ => Self::Whole(column.to_physical_repr().cast(&DataType::Int64)?.i64()?.iter().collect()),
        })
    }

    fn get(&self, row: usize) -> Option<Value<'_>> {
        match self {
            Self::None => None,
            Self::Numbers(v) => v[row].map(Value::Number),
            Self::Whole(v) => v[row].map(Value::Whole),
            Self::Texts(v) => v.get(row).map(Value::Text),
        }
    }
}

/// Computes the features of one event table; `frame` holds the joined rows. `index_stamps`: what the index date says of its zone, where that
/// is known.
///
/// Errors, all at once: those of [`Events::read`], G211 (types), G323 (units of measurement).
pub(in crate::cohort) fn compute(
    frame: &DataFrame,
    marks: &Marks,
    features: &[Feature<'_>],
    events: &Events<'_>,
    index_stamps: Option<Stamps>,
    warnings: &mut Problems,
) -> Result<Computed, Problems> {
    let schema = events.schema();
    let mut keys: Vec<Keys<'_>> = Vec::new();
    let mut jobs: Vec<Job<'_>> = Vec::with_capacity(features.len());
    // Features of the same events share their count.
    let mut shared: Vec<Recorded> = Vec::new();
    for feature in features {
        let by = feature.plan.by.as_slice();
        let k = match keys.iter().position(|k| k.by == by) {
            Some(k) => k,
            None => {
                keys.push(Keys::new(frame, marks, by, &schema)?);
                keys.len() - 1
            }
        };
        let mut job = job(frame, feature, k, &schema)?;
        if let Some(own) = &job.recorded
            && jobs.iter().filter_map(|j: &Job<'_>| j.recorded.as_ref()).any(|r| r.is_same(own))
        {
            shared.extend(job.recorded.take());
        }
        jobs.push(job);
    }
    let mut rows = 0u64;
    let told = events.read(
        &mut |piece| {
            rows += piece.height() as u64;
            let mut of_units = Vec::with_capacity(keys.len());
            for k in &mut keys {
                of_units.push(k.of_units(&piece)?);
            }
            jobs.iter_mut().try_for_each(|job| job.take_in(&piece, &of_units[job.keys], &keys[job.keys]))
        },
        warnings,
    )?;
    let mut problems = Problems::new();
    for k in &keys {
        k.warn(events.name(), rows, warnings);
    }
    without_index_date(&jobs, marks, warnings);
    for (at, used) in uses_of_time(&jobs, frame) {
        if let Some(stamps) = told.stamps.get(&at.name) {
            times::warn(at, *stamps, used, events.name(), index_stamps, warnings);
        }
    }
    let mut columns = Vec::with_capacity(jobs.len());
    let mut reports = Vec::with_capacity(jobs.len());
    let mut recorded: Vec<Recorded> = jobs.iter_mut().filter_map(|job| job.recorded.take()).collect();
    for other in shared {
        let _ = recorded.iter_mut().try_fold(other, |other, r| r.merge(other));
    }
    for mut job in jobs {
        job.counts.rows = rows;
        let stamps = job.feature.plan.at.as_ref().and_then(|at| told.stamps.get(&at.name));
        (job.counts.no_zone, job.counts.no_time_of_day) = (stamps.map(|s| s.unzoned), stamps.map(|s| s.dates));
        let known = &keys[job.keys].known;
        let known: Vec<bool> = (0..frame.height()).map(|u| known[u] && job.window.is_known(u)).collect();
        job.unknown_units(warnings, &mut problems);
        let report = job.report(marks);
        report::warn(job.feature.plan, &report, warnings);
        if let (Some(keep), Some(sql)) = (job.feature.keep, &job.feature.plan.keep) {
            let what = format!("`where` of feature `{}`", job.feature.plan.column.name);
            warnings.extend(finite::undefined(&what, keep.take_undefined(), sql.place.clone()));
        }
        job.extremes(marks, warnings);
        reports.push(report);
        let score = |conditions| job.feature.score.map_or(0, |s| s.of(conditions));
        match job.reduction.finish(&job.feature.plan.column.name, &known, score) {
            Ok(column) => columns.push(column),
            Err(e) => problems.push(bug("a feature", &e)),
        }
    }
    if problems.is_empty() { Ok(Computed { columns, reports, recorded, input: told.input }) } else { Err(problems) }
}

fn job<'a>(frame: &DataFrame, feature: &'a Feature<'a>, keys: usize, events: &Schema) -> Result<Job<'a>, Problems> {
    let plan = feature.plan;
    let internal = |e| vec![bug("a feature", &e)];
    let moments = |named: &Option<Named>| -> Result<Option<Moments>, Problems> {
        let column = named.as_ref().map(|n| frame.column(&n.name).and_then(Moments::of)).transpose();
        column.map_err(internal)
    };
    let at_timed = plan.at.as_ref().and_then(|at| events.get(at.name.as_str())).is_some_and(|d| matches!(d, DataType::Datetime(..)));
    let window = Window::new(plan, moments(&plan.index_date)?, moments(&plan.birth_date)?, at_timed);
    let value = plan.value.as_ref().and_then(|v| events.get(v.name.as_str()));
    let dtype = match (&plan.unit, value) {
        (Some(_), _) => DataType::Float64,
        (None, Some(d)) => d.clone(),
        (None, None) => DataType::Null,
    };
    let needs_time = window.is_relative() || matches!(plan.take, Take::First | Take::Last);
    let entries = feature.list.or(feature.score.map(|s| &s.list)).map(|l| l.entries.len());
    Ok(Job {
        feature,
        keys,
        window,
        needs_time,
        converter: plan.unit.as_ref().map(Converter::new),
        unknown: BTreeMap::new(),
        reduction: Reduction::new(&plan.take, &dtype, frame.height()),
        counts: FeatureCounts::default(),
        hits: Default::default(),
        tally: entries.map(|n| Tally::new(n, frame.height())),
        recorded: Recorded::of(plan, frame.height()),
    })
}

fn hit(hits: &mut Hits, list: &CodeList, code: &str) -> Rc<[u32]> {
    if let Some(known) = hits.get(code) {
        return known.clone();
    }
    if hits.len() >= MOST_SPELLINGS {
        hits.clear();
    }
    let found: Rc<[u32]> = list.matches(code).into();
    hits.insert(code.to_owned(), found.clone());
    found
}

fn texts(frame: &DataFrame, named: &Named) -> PolarsResult<StringChunked> {
    frame.column(&named.name)?.cast(&DataType::String)?.str().cloned()
}

impl Job<'_> {
    /// The rows of a piece that are of a unit: (row, key).
    fn take_in(&mut self, frame: &DataFrame, rows: &[(u32, u32)], keys: &Keys<'_>) -> Result<(), Problems> {
        let plan = self.feature.plan;
        self.counts.matched += rows.len() as u64;
        if rows.is_empty() {
            return Ok(());
        }
        let truth = match (self.feature.keep, &plan.keep) {
            (Some(keep), Some(sql)) => {
                let column = keep.evaluate(frame, "where").map_err(|e| vec![not_computed(sql, &e)])?;
                Some(match column.dtype() {
                    DataType::Null => vec![None; column.len()],
                    _ => column.bool().map_err(|e| vec![bug("where", &e)])?.iter().collect::<Vec<Option<bool>>>(),
                })
            }
            _ => None,
        };
        let internal = |e| vec![bug("the columns of a feature", &e)];
        let coded = plan.codes.as_ref().map(|c| texts(frame, &c.column)).transpose().map_err(internal)?;
        let scored = match &plan.take {
            Take::Score(s) => Some(texts(frame, &s.column).map_err(internal)?),
            _ => None,
        };
        let at = plan.at.as_ref().map(|at| frame.column(&at.name).and_then(Moments::of)).transpose().map_err(internal)?;
        let values = plan.value.as_ref().map(|v| frame.column(&v.name).and_then(Cells::of)).transpose().map_err(internal)?;
        let measured = plan.unit.as_ref().map(|u| texts(frame, &u.column)).transpose().map_err(internal)?;
        let mut inside: Vec<u32> = Vec::new();
        for &(row, key) in rows {
            let row = row as usize;
            match truth.as_ref().map(|t| t[row]) {
                Some(Some(false)) => continue,
                Some(None) => {
                    self.counts.where_null += 1;
                    continue;
                }
                Some(Some(true)) | None => self.counts.kept += 1,
            }
            let units = keys.units(key);
            let moment = at.as_ref().and_then(|m| m.at[row]);
            if let (Some(recorded), Some(written)) = (&mut self.recorded, coded.as_ref().or(scored.as_ref()))
                && written.get(row).is_some_and(|c| !c.trim().is_empty())
            {
                recorded.add(moment, units, &self.window);
            }
            if let (Some(coded), Some(list)) = (&coded, self.feature.list) {
                let found = coded.get(row).map(|c| hit(&mut self.hits[0], list, c)).filter(|f| !f.is_empty());
                let Some(found) = found else { continue };
                if let Some(tally) = &mut self.tally {
                    tally.count(&found, units);
                }
            }
            let mut conditions = 0u64;
            if let (Some(scored), Some(score)) = (&scored, self.feature.score) {
                let found = scored.get(row).map(|c| hit(&mut self.hits[1], &score.list, c)).filter(|f| !f.is_empty());
                let Some(found) = found else { continue };
                found.iter().for_each(|e| conditions |= 1 << score.condition[*e as usize]);
                if let Some(tally) = self.tally.as_mut().filter(|_| self.feature.list.is_none()) {
                    tally.count(&found, units);
                }
            }
            self.counts.coded += 1;
            if moment.is_none() && self.needs_time {
                self.counts.no_time += 1;
                continue;
            }
            inside.clear();
            let (mut same_day, mut same_day_inside, mut unborn) = (false, false, 0);
            for &unit in units {
                let lies = self.window.place(moment, unit as usize);
                match lies {
                    Lies::Inside | Lies::SameDayInside => inside.push(unit),
                    Lies::Outside | Lies::SameDayOutside => {}
                    Lies::BeforeBirth => unborn += 1,
                }
                same_day |= matches!(lies, Lies::SameDayInside | Lies::SameDayOutside);
                same_day_inside |= lies == Lies::SameDayInside;
            }
            self.counts.same_day += u64::from(same_day);
            self.counts.same_day_inside += u64::from(same_day_inside);
            self.counts.before_birth += u64::from(unborn == units.len());
            if inside.is_empty() {
                continue;
            }
            self.counts.in_window += 1;
            let value = match &values {
                None => Value::Nothing,
                Some(values) => match values.get(row) {
                    Some(value) => value,
                    None => {
                        self.counts.no_value += 1;
                        continue;
                    }
                },
            };
            let Some(value) = self.in_unit(value, measured.as_ref().map(|m| m.get(row).unwrap_or_default())) else { continue };
            if let (Some([low, high]), Some(v)) = (plan.plausible, number(value))
                && !(low..=high).contains(&v)
            {
                self.counts.implausible += 1;
                continue;
            }
            self.counts.used += 1;
            inside.iter().for_each(|unit| self.reduction.add(*unit as usize, moment.unwrap_or_default(), value, conditions));
        }
        Ok(())
    }

    /// The value in the unit of the feature; `None` if it cannot be converted, which is counted.
    fn in_unit<'v>(&mut self, value: Value<'v>, unit: Option<&str>) -> Option<Value<'v>> {
        let (Some(converter), Some(unit), Some(v)) = (&mut self.converter, unit, number(value)) else { return Some(value) };
        match converter.ratio(unit) {
            Some((1.0, 1.0)) => Some(Value::Number(v)),
            Some((times, over)) => {
                self.counts.converted += 1;
                Some(Value::Number(v * times / over))
            }
            None => {
                self.counts.unknown_unit += 1;
                if self.unknown.len() < MOST_SPELLINGS || self.unknown.contains_key(unit) {
                    *self.unknown.entry(unit.to_owned()).or_default() += 1;
                }
                None
            }
        }
    }

    /// G323 for values that could not be converted.
    fn unknown_units(&self, warnings: &mut Problems, problems: &mut Problems) {
        let Some(unit) = &self.feature.plan.unit else { return };
        let mut found: Vec<(&String, &u64)> = self.unknown.iter().collect();
        found.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
        let Some((first, _)) = found.first() else { return };
        let shown = |u: &str| if u.is_empty() { "no unit".to_owned() } else { format!("`{u}`") };
        let list: Vec<String> = found.iter().take(5).map(|(u, n)| format!("{} ({n})", shown(u))).collect();
        let text = format!(
            "feature `{}`: {} of {} values cannot be converted to {}: they are in {}",
            self.feature.plan.column.name,
            self.counts.unknown_unit,
            self.counts.in_window - self.counts.no_value,
            unit.to.name,
            list.join(", ")
        );
        match unit.on_unknown {
            OnBadValue::Error => {
                problems.push(Problem::error(codes::G323, text).at(unit.column.place.clone()).help(units::advice(unit, first)));
            }
            OnBadValue::SetNull => {
                warnings.push(Problem::warning(codes::G323, format!("{text}, and do not count")).at(unit.column.place.clone()));
            }
        }
    }

    fn report(&self, marks: &Marks) -> FeatureReport {
        let plan = self.feature.plan;
        let with_event = marks.kept().into_iter().filter(|u| self.reduction.has(*u as usize)).count();
        let (units_tied, units_tied_differing) = self.reduction.ties(|unit| marks.is_kept(unit));
        let list = self.feature.list.or(self.feature.score.map(|s| &s.list));
        let column = match (&plan.codes, &plan.take) {
            (Some(codes), _) => codes.column.name.clone(),
            (None, Take::Score(s)) => s.column.name.clone(),
            (None, _) => String::new(),
        };
        let found = list.into_iter().flat_map(|l| l.entries.iter().enumerate()).map(|(k, e)| CodeCount {
            column: column.clone(),
            code: e.text.clone(),
            system: e.system.clone(),
            label: e.label.clone(),
            file: e.file.as_ref().map(|f| f.to_string()),
            rows: self.tally.as_ref().map_or(0, |t| t.rows[k]),
            units: self.tally.as_ref().map_or(0, |t| t.units(k)),
        });
        FeatureReport {
            feature: plan.column.name.clone(),
            table: plan.table.name.clone(),
            take: plan.take.name(),
            window: plan.window.to_string(),
            counts: self.counts,
            units: marks.n_kept() as u64,
            units_with_event: with_event as u64,
            units_tied,
            units_tied_differing,
            codes: found.collect(),
        }
    }

    /// G324 for values far above the others, unless the study file says what is plausible.
    fn extremes(&self, marks: &Marks, warnings: &mut Problems) {
        let plan = self.feature.plan;
        if plan.plausible.is_some() {
            return;
        }
        let mut sizes: Vec<f64> =
            self.reduction.numbers().into_iter().filter(|(u, v)| marks.is_kept(*u) && v.is_finite()).map(|(_, v)| v.abs()).collect();
        sizes.sort_by(f64::total_cmp);
        let Some(median) = sizes.get(sizes.len() / 2).copied().filter(|m| *m > 0.0) else { return };
        let n = sizes.len() - sizes.partition_point(|v| *v <= EXTREME * median);
        if n > 0 {
            warnings.push(
                Problem::warning(
                    codes::G324,
                    format!("feature `{}`: {n} of {} units have a value more than {EXTREME} times the median", plan.column.name, sizes.len()),
                )
                .at(plan.value.as_ref().and_then(|v| v.place.clone()))
                .help("say what can be true, and the rest is set aside and counted: `plausible: [0.1, 30]`"),
            );
        }
    }
}

fn number(value: Value<'_>) -> Option<f64> {
    match value {
        Value::Number(v) => Some(v),
        Value::Whole(v) => Some(v as f64),
        Value::Nothing | Value::Text(_) => None,
    }
}

/// G322, once, for units without an index date.
fn without_index_date(jobs: &[Job<'_>], marks: &Marks, warnings: &mut Problems) {
    let Some(job) = jobs.iter().find(|j| j.window.is_relative()) else { return };
    let n = marks.kept().into_iter().filter(|u| !job.window.is_known(*u as usize)).count();
    let Some(date) = job.feature.plan.index_date.as_ref().filter(|_| n > 0) else { return };
    let text = format!("{n} of {} units have no `{}`: features with a window are missing for them", marks.n_kept(), date.name);
    let warning = Problem::warning(codes::G322, text).at(date.place.clone());
    if !warnings.contains(&warning) {
        warnings.push(warning);
    }
}

/// The columns of time, once each, and the most that is asked of them.
fn uses_of_time<'a>(jobs: &[Job<'a>], frame: &DataFrame) -> Vec<(&'a Named, Use)> {
    let mut out: Vec<(&Named, Use)> = Vec::new();
    for job in jobs {
        let plan = job.feature.plan;
        let Some(at) = &plan.at else { continue };
        let timed = |n: &Named| frame.column(&n.name).is_ok_and(|c| matches!(c.dtype(), DataType::Datetime(..)));
        let used = match (job.window.is_relative(), &plan.index_date) {
            (true, Some(date)) if timed(date) => Use::Exact,
            _ if job.needs_time => Use::Order,
            _ => Use::Days,
        };
        match out.iter_mut().find(|(known, _)| known.name == at.name) {
            Some((_, most)) => *most = used.max(*most),
            None => out.push((at, used)),
        }
    }
    out
}
