//! Features of the study file -> [`FeaturePlan`].

use super::Resolver;
use crate::cohort::plan::{
    Bound, CodeSource, CodesPlan, FeaturePlan, Icd, MeasurePlan, OnBadValue, RolesPlan, SameDay, ScoreIndex, ScorePlan, Take, Weights, WindowPlan,
};
use crate::error::{Problem, codes};
use crate::study::file::{
    CharlsonWeightsFile, CodeFile, CodesFile, ElixhauserWeightsFile, FeatureFile, IcdFile, OnBadValueFile, SameDayFile, ScoreFile, TakeFile,
    WindowFile,
};
use crate::study::placed::{Literal, Word};
use std::cmp::Ordering;

/// The longest window, in days: longer ones are typing errors.
const MOST_DAYS: i64 = 73_050;

impl Resolver<'_> {
    /// A feature with its names as written. `None` if it cannot be planned (reported).
    pub(super) fn feature(&mut self, name: &Word, file: &FeatureFile) -> Option<FeaturePlan> {
        let errors = self.errors();
        self.known_table(&file.table);
        if file.by.0.is_empty() {
            self.error(codes::G213, "a feature needs a column that ties events to units", name.span, "no column", "write `by: patient_id`");
        }
        let take = self.take(name, file);
        let window = self.window(name, file);
        let relative = matches!(window, Some(WindowPlan::Between { .. }));
        let needs_time = relative || matches!(take, Some(Take::First | Take::Last));
        if needs_time && file.at.is_none() {
            let why = if relative { "a window needs the time of events" } else { "`first` and `last` need the time of events" };
            self.error(codes::G105, format!("feature `{}`: {why}", name.value), name.span, "no `at`", "add `at:`, the column of the time");
        }
        let index_date = self.file.cohort.index_date.as_ref();
        if relative && index_date.is_none() {
            let message = format!("the window of `{}` is relative to an index date, and the study has none", name.value);
            self.error(codes::G105, message, name.span, "no index date", "add `index_date: column` to `cohort`");
        }
        if let (Some(_), None) = (&file.same_day, relative.then_some(())) {
            self.error(codes::G210, "`same_day` is about windows, and this feature has none", name.span, "no window", "remove it");
        }
        if let (Some(unit), None) = (&file.unit, &file.value) {
            self.error(codes::G105, "`unit` converts values, and this feature reads none", unit.column.span, "no `value`", "add `value:`");
        }
        if let Some(range) = &file.plausible {
            let [low, high] = range.value;
            if file.value.is_none() {
                self.error(codes::G105, "`plausible` is about values, and this feature reads none", range.span, "no `value`", "add `value:`");
            }
            if low.partial_cmp(&high) != Some(Ordering::Less) {
                self.error(codes::G213, "`plausible` is upside down", range.span, "upside down", "write the smaller value first");
            }
        }
        let codes = match &file.codes {
            Some(codes) => Some(self.codes(codes)?),
            None => None,
        };
        let plan = FeaturePlan {
            column: self.named(name),
            table: self.named(&file.table),
            by: file.by.0.iter().map(|by| (self.named(&by.left), self.named(&by.right))).collect(),
            keep: file.keep.as_ref().map(|sql| self.named(sql)),
            value: file.value.as_ref().map(|value| self.named(value)),
            at: file.at.as_ref().map(|at| self.named(at)),
            window: window?,
            index_date: index_date.filter(|_| relative).map(|date| self.named(date)),
            birth_date: self.file.cohort.birth_date.as_ref().filter(|_| file.at.is_some()).map(|date| self.named(date)),
            same_day: file.same_day.map(|rule| match rule {
                SameDayFile::Include => SameDay::Include,
                SameDayFile::Exclude => SameDay::Exclude,
            }),
            take: take?,
            unit: file.unit.as_ref().map(|unit| MeasurePlan {
                column: self.named(&unit.column),
                to: self.named(&unit.to),
                of: unit.of.as_ref().map(|of| self.named(of)),
                factors: unit.factors.iter().map(|(unit, factor)| (unit.value.clone(), factor.value)).collect(),
                unstated: unit.unstated.as_ref().map(|unit| unit.value.clone()),
                on_unknown: match unit.on_unknown {
                    OnBadValueFile::Error => OnBadValue::Error,
                    OnBadValueFile::SetNull => OnBadValue::SetNull,
                },
            }),
            plausible: file.plausible.as_ref().map(|range| range.value),
            codes,
        };
        (self.errors() == errors).then_some(plan)
    }

    fn take(&mut self, name: &Word, file: &FeatureFile) -> Option<Take> {
        let take = match (&file.take, &file.score) {
            (Some(_), Some(_)) => {
                let message = format!("feature `{}` has both `take` and `score`", name.value);
                self.error(codes::G210, message, name.span, "one of them", "a score takes all codes of the window: remove `take`");
                return None;
            }
            // What could not be read was reported where it stands.
            (None, None) if !self.complete(&["cohort"]) => return None,
            (None, None) => {
                let message = format!("feature `{}` does not say how events become one value", name.value);
                self.error(codes::G105, message, name.span, "no `take`", "add `take:` first, last, min, max, mean, count or any; or `score:`");
                return None;
            }
            (None, Some(score)) => {
                if let Some(value) = file.value.as_ref() {
                    self.error(codes::G210, "a score reads codes, not values", value.span, "not read", "remove `value`");
                }
                return Some(Take::Score(self.score(score)));
            }
            (Some(take), None) => match take {
                TakeFile::First => Take::First,
                TakeFile::Last => Take::Last,
                TakeFile::Min => Take::Min,
                TakeFile::Max => Take::Max,
                TakeFile::Mean => Take::Mean,
                TakeFile::Count => Take::Count,
                TakeFile::Any => Take::Any,
            },
        };
        if file.value.is_none() && !matches!(take, Take::Count | Take::Any) {
            let message = format!("feature `{}`: `take: {}` needs a value", name.value, take.name());
            self.error(codes::G105, message, name.span, "no `value`", "add `value:`, the column of the value; or take `count` or `any`");
            return None;
        }
        Some(take)
    }

    fn score(&self, file: &ScoreFile) -> ScorePlan {
        let icd = |coding: IcdFile| match coding {
            IcdFile::Icd9 => Icd::Icd9,
            IcdFile::Icd10 => Icd::Icd10,
        };
        match file {
            ScoreFile::Charlson(f) => ScorePlan {
                index: ScoreIndex::Charlson,
                column: self.named(&f.column),
                coding: icd(f.coding),
                weights: match f.weights {
                    CharlsonWeightsFile::Charlson1987 => Weights::Charlson1987,
                    CharlsonWeightsFile::Quan2011 => Weights::Quan2011,
                },
            },
            ScoreFile::Elixhauser(f) => ScorePlan {
                index: ScoreIndex::Elixhauser,
                column: self.named(&f.column),
                coding: icd(f.coding),
                weights: match f.weights {
                    ElixhauserWeightsFile::Count => Weights::Count,
                    ElixhauserWeightsFile::VanWalraven => Weights::VanWalraven,
                    ElixhauserWeightsFile::Ahrq => Weights::Ahrq,
                },
            },
        }
    }

    /// `None` if a bound cannot be read (reported).
    fn window(&mut self, name: &Word, file: &FeatureFile) -> Option<WindowPlan> {
        let Some(window) = &file.window else {
            let problem = Problem::warning(codes::G326, format!("feature `{}` has no window: the whole table counts", name.value))
                .at(self.place(name.span))
                .note("events after the index date count as well")
                .help("add `window: [-365d, 0d]`, or `window: any_time` if that is meant");
            self.problems.push(problem);
            return Some(WindowPlan::AnyTime);
        };
        match &window.value {
            WindowFile::AnyTime => Some(WindowPlan::AnyTime),
            WindowFile::Between(from, to) => {
                let (first, last) = (self.bound(from), self.bound(to));
                let (first, last) = (first?, last?);
                if first.hours > last.hours {
                    let message = format!("the window of `{}` is upside down: {} comes after {}", name.value, from.text, to.text);
                    self.error(codes::G213, message, from.span, "upside down", &format!("write `window: [{}, {}]`", to.text, from.text));
                    return None;
                }
                Some(WindowPlan::Between { from: first, to: last })
            }
        }
    }

    fn bound(&mut self, literal: &Literal) -> Option<Bound> {
        let text = literal.text.trim();
        let (number, in_hours) = match (text.strip_suffix('d'), text.strip_suffix('h')) {
            (Some(days), _) => (days, false),
            (None, Some(hours)) => (hours, true),
            (None, None) => (text, false),
        };
        let hours = number.parse::<i64>().ok().filter(|n| n.abs() <= MOST_DAYS * if in_hours { 24 } else { 1 });
        match hours {
            Some(n) if number != text => Some(Bound { hours: if in_hours { n } else { 24 * n }, in_hours }),
            Some(n) => {
                let message = format!("`{text}` does not say days or hours");
                self.error(codes::G210, message, literal.span, "no unit of time", &format!("write `{n}d` or `{n}h`"));
                None
            }
            None => {
                let message = format!("`{text}` is not a bound of a window");
                self.error(codes::G210, message, literal.span, "not a bound", "write whole days or hours, such as -30d, 0d, -6h; or `any_time`");
                None
            }
        }
    }

    fn codes(&mut self, file: &CodesFile) -> Option<CodesPlan> {
        let mut list = Vec::with_capacity(file.list.0.len());
        for entry in &file.list.0 {
            list.push(match entry {
                CodeFile::Code(code) => CodeSource::Code(self.named(&Word { value: code.text.clone(), span: code.span })),
                CodeFile::File(table) => {
                    CodeSource::File { path: table.file.value.clone(), resolved: self.path(&table.file)?, place: self.place(table.file.span) }
                }
            });
        }
        Some(CodesPlan { column: self.named(&file.column), list, system: file.system.clone() })
    }

    /// G327 for covariates whose window goes on beyond the index date.
    pub(super) fn covariates_from_later(&mut self, roles: &RolesPlan) {
        let file = self.file;
        for variable in &roles.variables {
            let feature = file.cohort.features.get(variable.column.name.as_str());
            let Some(WindowFile::Between(_, to)) = feature.and_then(|f| f.window.as_ref()).map(|w| &w.value) else { continue };
            let later = !to.text.trim().starts_with(['-', '0']);
            if later {
                let problem = Problem::warning(
                    codes::G327,
                    format!("`{}` is a covariate, and its window goes on after the index date, to {}", variable.column.name, to.text),
                )
                .at(variable.column.place.clone())
                .label("known only later")
                .note("what happens after the index date may be a consequence of what the study explains")
                .help("end the window at 0d or before");
                self.problems.push(problem);
            }
        }
    }
}
