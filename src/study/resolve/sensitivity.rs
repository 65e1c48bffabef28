//! The section `sensitivity` -> what is varied: names, places, ranges.

use super::Resolver;
use crate::cohort::plan::{Named, OutcomePlan};
use crate::decompose::Vary;
use crate::decompose::crossfit::CrossFit;
use crate::error::{codes, nearest};
use crate::model::learner::LearnerKind;
use crate::sensitivity::{AllowableSet, Benchmark, OmittedPlan, Sensitivity, Tried, UnmeasuredPlan};
use crate::study::file::{ControlFile, FamilyFile, MethodFile, SensitivityFile, TriedFile};
use crate::study::placed::{Placed, Word};
use crate::vocab::{Family, Role};

/// What a variable can be moved to beside blocks.
const ALLOWABLE: &str = "allowable";

impl<'a> Resolver<'a> {
    pub(super) fn sensitivity(&mut self) -> Option<Sensitivity> {
        let study = self.file;
        let written = study.sensitivity.as_ref()?;
        let file = written.value.in_full(study);
        self.check_applies(&file);
        let on = |switch: bool, vary: Vary| switch.then_some(vary);
        let vary =
            [on(file.estimator.is_some(), Vary::Estimator), on(file.surface.is_some(), Vary::Surface), on(file.target.is_some(), Vary::Target)];
        let inside = |low: f64, high: f64| move |v: f64| v > low && v < high;
        let trimming = file.trimming.as_ref().map(|t| {
            let mut at = self.in_range("at", &t.at, "above 0 and below 0.5", "write `at: [0.01, 0.02, 0.05, 0.1]`", inside(0.0, 0.5));
            at.sort_by(f64::total_cmp);
            at.dedup();
            at
        });
        let park = file.park.as_ref().map(|p| self.in_range("at", &p.at, "above 0 and below 1", "write `at: [0.1, 0.2, 0.3]`", inside(0.0, 1.0)));
        let unmeasured = file.unmeasured.as_ref().map(|u| UnmeasuredPlan {
            delta: self.in_range("delta", &u.value.delta, "a finite number", "write `delta: [0.1, 0.5]`", f64::is_finite),
            gamma: self.in_range("gamma", &u.value.gamma, "a finite number", "write `gamma: [0.25, 0.5, 1.0]`", f64::is_finite),
        });
        Some(Sensitivity {
            analyses: self.varied_analyses(&file),
            order: file.order.is_some(),
            vary: vary.into_iter().flatten().collect(),
            learner: self.tried(&file),
            trimming: trimming.unwrap_or_default(),
            leave_one_out: file.leave_one_out.is_some(),
            contested: self.contested(&file),
            allowable: self.allowable_sets(&file),
            e_value: file.e_value.is_some(),
            omitted: self.omitted(&file),
            park: park.unwrap_or_default(),
            unmeasured,
        })
    }

    /// What needs another outcome or another method.
    fn check_applies(&mut self, file: &SensitivityFile) {
        let study = self.file;
        if let (Some(e_value), FamilyFile::Gaussian(_)) = (&file.e_value, &study.outcome.family.value)
            && self.complete(&["outcome"])
        {
            let message = "`e_value` is of a ratio of risks or rates, and the outcome is gaussian";
            self.error(codes::G209, message, e_value.span, "not for this outcome", "remove it; `ovb` is for means");
        }
        let is_mechanisms = |method: &MethodFile| matches!(method, MethodFile::Mechanisms(_));
        if let Some(unmeasured) = file.unmeasured.as_ref().filter(|_| !file.has_method(study, is_mechanisms))
            && self.complete(&["analyses"])
        {
            let message = "`unmeasured` is of an analysis by `mechanisms`, and none is varied here";
            self.error(codes::G209, message, unmeasured.span, "no analysis by mechanisms", "name one under `sensitivity: { analyses: [...] }`");
        }
    }

    /// Positions of the analyses, each once.
    fn varied_analyses(&mut self, file: &SensitivityFile) -> Vec<usize> {
        let study = self.file;
        let names: Vec<&str> = study.analyses.keys().map(|name| name.value.as_str()).collect();
        let mut out: Vec<usize> = Vec::new();
        for word in &file.analyses {
            match names.iter().position(|name| *name == word.value) {
                Some(at) if out.contains(&at) => {
                    let message = format!("`sensitivity` names the analysis `{}` twice", word.value);
                    self.error(codes::G210, message, word.span, "repeated", "remove one of the two");
                }
                Some(at) => out.push(at),
                None if !self.complete(&["analyses"]) || !word.is_written() => {}
                None => {
                    let help = self.near(&word.value, &names, "the analyses are");
                    let message = format!("`sensitivity` names `{}`, which is not an analysis", word.value);
                    self.error(codes::G210, message, word.span, "not an analysis", &help);
                }
            }
        }
        if file.analyses.is_empty() {
            self.error(codes::G213, "`analyses` names no analysis", self.section("sensitivity"), "empty", "write `analyses: [primary]`");
        }
        out
    }

    /// What is tried in place of the models of outcome and group, each once.
    fn tried(&mut self, file: &SensitivityFile) -> Vec<Tried> {
        let Some(range) = &file.learner else { return Vec::new() };
        if !(2..=20).contains(&range.folds.value) {
            self.error(codes::G213, "`folds` is a number from 2 to 20", range.folds.span, "out of range", "write `folds: 5`");
        }
        let words: Vec<Placed<TriedFile>> = range.tried.clone().unwrap_or_default();
        if words.is_empty() {
            let help = "write `try: [splines, ridge, boosted_trees]`, or remove the key";
            self.error(codes::G213, "`try` is empty", self.section("sensitivity"), "nothing to try", help);
        }
        let mut out = Vec::new();
        for word in words {
            let learned = |kind| Tried::Learner(CrossFit { folds: range.folds.value as usize, seed: range.seed, ..CrossFit::new(kind) });
            let tried = match word.value {
                TriedFile::Glm => Tried::Glm,
                TriedFile::Splines => Tried::Splines,
                TriedFile::Ridge => learned(LearnerKind::Ridge),
                TriedFile::ElasticNet => learned(LearnerKind::ElasticNet),
                TriedFile::RandomForest => learned(LearnerKind::RandomForest),
                TriedFile::BoostedTrees => learned(LearnerKind::BoostedTrees),
                TriedFile::Stack => learned(LearnerKind::Stack),
            };
            if out.contains(&tried) {
                let message = format!("`try` names `{}` twice", tried.name());
                self.error(codes::G210, message, word.span, "repeated", "remove one of the two");
            } else {
                out.push(tried);
            }
        }
        out
    }

    /// Outcomes of negative controls; `family` is that of the study's outcome.
    pub(super) fn controls(&mut self, family: Family) -> Vec<OutcomePlan> {
        let study = self.file;
        let Some(section) = study.sensitivity.as_ref().and_then(|s| s.value.negative_control.as_ref()) else { return Vec::new() };
        if section.outcomes.is_empty() {
            let help = "name a column that the blocks cannot have affected, or remove the key";
            self.error(codes::G213, "`outcomes` names no column", self.section("sensitivity"), "no outcome", help);
        }
        let mut out: Vec<OutcomePlan> = Vec::new();
        for outcome in &section.outcomes {
            let ControlFile { column: name, options } = &outcome.value;
            let family = options.family.as_ref().map_or(family, |f| self.family(&f.value));
            let event = self.events(options.event.as_ref(), family, outcome.span);
            let covariate = study.all_variables().any(|v| v.value.column() == Some(name));
            let role = match name.as_str() {
                column if column == study.outcome.column.value => Some("the outcome"),
                column if column == study.group.column.value => Some("the group"),
                column if study.weight.as_ref().is_some_and(|w| w.value == column) => Some("the weight"),
                column if study.outcome.exposure.as_ref().is_some_and(|e| e.value == column) => Some("the exposure"),
                _ => covariate.then_some("a variable of the study"),
            };
            if let Some(role) = role {
                let message = format!("`{name}` is {role} and cannot be the outcome of a negative control");
                self.error(codes::G206, message, outcome.span, "has a role already", "name a column that the blocks cannot have affected");
            } else if out.iter().any(|earlier| earlier.column.name == *name) {
                self.error(codes::G210, format!("`outcomes` names `{name}` twice"), outcome.span, "repeated", "remove one of the two");
            }
            let column = Named { name: name.clone(), place: self.place(outcome.span) };
            out.push(OutcomePlan { column, family, event, exposure: None });
        }
        out
    }

    /// Numbers that `right` holds for; at least one must be given.
    fn in_range(&mut self, key: &str, values: &[Placed<f64>], range: &str, help: &str, right: impl Fn(f64) -> bool) -> Vec<f64> {
        for v in values.iter().filter(|v| !right(v.value)) {
            self.error(codes::G213, format!("`{key}` takes numbers {range}, and {} is none", v.value), v.span, "out of range", help);
        }
        if values.is_empty() {
            self.error(codes::G213, format!("`{key}` is empty"), self.section("sensitivity"), "no numbers", help);
        }
        values.iter().map(|v| v.value).filter(|v| right(*v)).collect()
    }

    /// Variables with the place that they have, as the study file lists them. Products have no name.
    fn places(&self) -> Vec<(&'a str, Role)> {
        let file = self.file;
        let blocks = file.blocks.values().enumerate().flat_map(|(k, list)| list.iter().map(move |v| (v, Role::Block(k))));
        let all = file.allowable.iter().map(|v| (v, Role::Allowable)).chain(blocks);
        all.filter_map(|(v, role)| Some((v.value.column()?, role))).collect()
    }

    fn names_of_blocks(&self) -> Vec<&'a str> {
        self.file.blocks.keys().map(|name| name.value.as_str()).collect()
    }

    fn near(&self, name: &str, known: &[&str], otherwise: &str) -> String {
        match nearest(name, known.iter().copied()) {
            Some(near) => format!("write `{near}`"),
            None => format!("{otherwise} {}", known.join(", ")),
        }
    }

    fn contested(&mut self, file: &SensitivityFile) -> Vec<(String, Vec<Role>)> {
        let ready = self.complete(&["blocks", "allowable"]);
        let mut out = Vec::new();
        for (variable, to) in file.contested.iter().filter(|_| ready) {
            let present = self.places().into_iter().find(|(name, _)| *name == variable.value).map(|(_, role)| role);
            let Some(present) = present else {
                let known: Vec<&str> = self.places().into_iter().map(|(name, _)| name).collect();
                let help = self.near(&variable.value, &known, "the variables are");
                let message = format!("`contested` names `{}`, which is not a variable of the study", variable.value);
                self.error(codes::G210, message, variable.span, "not a variable", &help);
                continue;
            };
            let mut places = Vec::new();
            for word in &to.0 {
                let place = match self.names_of_blocks().iter().position(|name| *name == word.value) {
                    Some(k) => Role::Block(k),
                    None if word.value == ALLOWABLE => Role::Allowable,
                    None => {
                        let known: Vec<&str> = self.names_of_blocks().into_iter().chain([ALLOWABLE]).collect();
                        let help = self.near(&word.value, &known, "write one of");
                        let message = format!("`{}` is moved to `{}`, which is not a block", variable.value, word.value);
                        self.error(codes::G210, message, word.span, "not a block", &help);
                        continue;
                    }
                };
                if place == present {
                    let message = format!("`{}` stands in `{}` already", variable.value, word.value);
                    self.error(codes::G210, message, word.span, "no move", "name the other block that it could belong to");
                }
                places.push(place);
            }
            if to.0.is_empty() {
                let message = format!("`contested` says nowhere to move `{}` to", variable.value);
                self.error(codes::G213, message, variable.span, "empty", "name the other block that it could belong to");
            }
            out.push((variable.value.clone(), places));
        }
        out
    }

    /// A block or a variable; the block where both have the name. `None`, and reported, if it is neither.
    fn block_or_variable(&mut self, key: &str, word: &Word) -> Option<Benchmark> {
        if let Some(k) = self.names_of_blocks().iter().position(|name| *name == word.value) {
            return Some(Benchmark::Block(k));
        }
        let known: Vec<&str> = self.names_of_blocks().into_iter().chain(self.places().into_iter().map(|(name, _)| name)).collect();
        if known.contains(&word.value.as_str()) {
            return Some(Benchmark::Variable(word.value.clone()));
        }
        let help = self.near(&word.value, &known, "write one of");
        let message = format!("`{key}` names `{}`, which is neither a block nor a variable of the study", word.value);
        self.error(codes::G210, message, word.span, "not in the study", &help);
        None
    }

    fn allowable_sets(&mut self, file: &SensitivityFile) -> Vec<AllowableSet> {
        let ready = self.complete(&["blocks", "allowable"]);
        let mut out = Vec::new();
        for (name, words) in file.allowable.iter().flatten().filter(|_| ready) {
            let mut set = AllowableSet { name: name.value.clone(), variables: Vec::new(), blocks: Vec::new() };
            for word in words {
                match self.block_or_variable("allowable", word) {
                    Some(Benchmark::Block(k)) => set.blocks.push(k),
                    Some(Benchmark::Variable(v)) => set.variables.push(v),
                    None => {}
                }
            }
            out.push(set);
        }
        out
    }

    fn omitted(&mut self, file: &SensitivityFile) -> Option<OmittedPlan> {
        let ovb = file.ovb.as_ref()?;
        let multiples = self.in_range("multiples", &ovb.multiples, "above 0", "write `multiples: [1, 2, 3]`", |v| v > 0.0 && v.is_finite());
        let ready = self.complete(&["blocks", "allowable"]);
        let words: Vec<&Word> = ovb.benchmarks.iter().flatten().filter(|_| ready).collect();
        let benchmarks = words.into_iter().filter_map(|word| self.block_or_variable("benchmarks", word)).collect();
        Some(OmittedPlan { benchmarks, multiples })
    }
}
