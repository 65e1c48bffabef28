//! The study with every default written out: study.resolved.yaml.

use super::file::{
    CodingFile, CohortFile, CompareFile, EstimatorFile, HospitalEffectsFile, HospitalFile, InterventionalEstimatorFile, InterventionalFile,
    LearnerFile, MechanismsFile, MethodFile, MissingRuleFile, MultipleImputationFile, OtherwiseFile, StudyFile, SurfaceFile, Variable,
    WithAndWithoutFile,
};
use super::placed::{Placed, Word};
use super::resolve::seen_from;
use crate::error::{Problem, codes};
use serde_json::Value as Json;
use std::path::Path;

impl WithAndWithoutFile {
    /// The estimator asked for, or the default of the surface.
    pub fn estimator_in_force(&self) -> EstimatorFile {
        match (&self.estimator, self.surface) {
            (Some(asked), _) => asked.value,
            (None, SurfaceFile::ReferenceModel) => EstimatorFile::Dr,
            (None, SurfaceFile::PooledMain | SurfaceFile::PooledInteracted) => EstimatorFile::Gcomp,
        }
    }
}

impl InterventionalFile {
    /// The blocks that are equalised: those asked for, or the last in causal order. Empty where neither is given.
    pub fn equalize_in_force(&self, study: &StudyFile) -> Vec<Word> {
        let last = || study.causal_order.iter().flatten().last().cloned().into_iter().collect();
        self.equalize.clone().unwrap_or_else(last)
    }

    /// What the equalisation is conditional on: the allowables always, and for the regressions the blocks before the first that is equalised,
    /// in causal order or else that of the study; donors and products leave every other block as it is.
    pub fn given_in_force(&self, study: &StudyFile) -> Vec<Word> {
        let allowable = Placed::default_of("allowable".to_owned());
        if let Some(asked) = &self.given {
            let named = asked.contains(&allowable);
            return if named { asked.clone() } else { [allowable].into_iter().chain(asked.iter().cloned()).collect() };
        }
        let mut given = vec![allowable];
        if matches!(self.estimator, InterventionalEstimatorFile::Dr | InterventionalEstimatorFile::Gcomp) {
            let equalized = self.equalize_in_force(study);
            given.extend(study.order_in_force().into_iter().take_while(|block| !equalized.contains(block)));
        }
        given
    }
}

impl HospitalFile {
    /// The column of hospital ids: the one that is named, or the only one that enters as fixed effects.
    pub fn id_in_force(&self, study: &StudyFile) -> Option<Word> {
        let mut fixed = study.all_variables().filter_map(|variable| match &variable.value {
            Variable::Column { name, coding: Some(CodingFile::FixedEffects(_)) } => Some(Word { value: name.clone(), span: variable.span }),
            Variable::Column { .. } | Variable::Interaction(_) => None,
        });
        self.id.clone().or_else(|| match (fixed.next(), fixed.next()) {
            (only @ Some(_), None) => only,
            _ => None,
        })
    }

    /// The block of the hospitals, by position: the one with their ids; for characteristics, or where `given` is not written, the last in causal
    /// order, or else that of the study, that patients are not compared given. `None` where ids are in no block and `given` is written, and where
    /// `given` leaves none.
    pub fn block_in_force(&self, study: &StudyFile) -> Option<usize> {
        let id = self.id_in_force(study);
        let is_id = |column: Option<&str>| column.is_some() && column == id.as_ref().map(|word| word.value.as_str());
        let of_ids = study.blocks.values().position(|list| list.iter().any(|v| is_id(v.value.column())));
        let given = |block: &Word| self.given.as_ref().is_some_and(|words| words.contains(block));
        if of_ids.is_none() && self.given.is_some() && self.effects == HospitalEffectsFile::Ids {
            return None;
        }
        of_ids.or_else(|| study.order_in_force().iter().rev().find(|b| !given(b)).and_then(|b| study.blocks.get_index_of(b.value.as_str())))
    }

    /// What patients are compared given: the allowables always, and the blocks asked for or those before the block of the hospitals.
    pub fn given_in_force(&self, study: &StudyFile) -> Vec<Word> {
        let allowable = Placed::default_of("allowable".to_owned());
        let block = self.block_in_force(study).and_then(|k| study.blocks.get_index(k)).map(|(name, _)| name);
        let before = || study.order_in_force().into_iter().take_while(|b| block != Some(b)).collect();
        let asked: Vec<Word> = self.given.clone().unwrap_or_else(before);
        if asked.contains(&allowable) { asked } else { [allowable].into_iter().chain(asked).collect() }
    }
}

impl CohortFile {
    /// What the units are called: as asked, or patients where names say that they are.
    pub fn called_in_force(&self) -> String {
        let of_patients = |name: &Word| name.value.to_lowercase().contains("patient");
        let first = self.steps.iter().filter_map(|step| step.value.first.as_ref()).flat_map(|first| first.per.0.iter());
        let patients = std::iter::once(&self.unit.table).chain(first).any(of_patients);
        self.unit.called.clone().unwrap_or_else(|| if patients { "patients" } else { "units" }.to_owned())
    }
}

impl StudyFile {
    /// Whether a rule for missing values is multiple imputation.
    pub fn imputes(&self) -> bool {
        let rules = self.missing.rules.values().any(|r| r.value == MissingRuleFile::MultipleImputation);
        rules || self.missing.otherwise == OtherwiseFile::MultipleImputation
    }

    /// The blocks in causal order, or else as they stand.
    fn order_in_force(&self) -> Vec<Word> {
        self.causal_order.clone().unwrap_or_else(|| self.blocks.keys().cloned().collect())
    }
}

/// The method with every option, as a map with one key.
pub fn method_in_full(method: &MethodFile, study: &StudyFile) -> Json {
    serde_json::to_value(with_defaults(method, study)).unwrap_or(Json::Null)
}

fn with_defaults(method: &MethodFile, study: &StudyFile) -> MethodFile {
    match method {
        MethodFile::WithAndWithout(options) => {
            let estimator = Some(Placed::default_of(options.estimator_in_force()));
            let folds = folds_in_force(options.learner.value, &options.folds);
            MethodFile::WithAndWithout(WithAndWithoutFile { estimator, folds, ..options.clone() })
        }
        MethodFile::Mechanisms(options) => {
            MethodFile::Mechanisms(MechanismsFile { folds: folds_in_force(options.learner.value, &options.folds), ..options.clone() })
        }
        MethodFile::Interventional(options) => {
            let (equalize, given) = (Some(options.equalize_in_force(study)), Some(options.given_in_force(study)));
            MethodFile::Interventional(InterventionalFile { equalize, given, ..options.clone() })
        }
        MethodFile::Hospital(options) => {
            let (id, given) = (options.id_in_force(study), Some(options.given_in_force(study)));
            MethodFile::Hospital(HospitalFile { id, given, ..options.clone() })
        }
        other => other.clone(),
    }
}

/// Folds of cross-fitting; generalised linear models have none.
fn folds_in_force(learner: LearnerFile, folds: &Option<Placed<u32>>) -> Option<Placed<u32>> {
    folds.clone().or((learner != LearnerFile::Glm).then(|| Placed::default_of(5)))
}

/// The whole file with every default. Paths stay as written, `${NAME}` included.
pub fn yaml_in_full(file: &StudyFile) -> Result<String, Box<Problem>> {
    let mut full = file.clone();
    full.title.get_or_insert_with(|| file.study.value.clone());
    full.cohort.unit.called.get_or_insert_with(|| file.cohort.called_in_force());
    for method in full.analyses.values_mut() {
        method.value = with_defaults(&method.value, file);
    }
    if file.imputes() || file.missing.compare.iter().any(|c| c.value == CompareFile::MultipleImputation) {
        full.multiple_imputation.get_or_insert_with(|| Placed::default_of(MultipleImputationFile::default()));
    }
    if let Some(section) = &mut full.sensitivity {
        section.value = section.value.in_full(file);
    }
    // Through JSON: its maps write a choice as `{ key: options }`, where serde_yaml alone would write a tag.
    serde_json::to_value(&full).map_err(|e| e.to_string()).and_then(|json| serde_yaml::to_string(&json).map_err(|e| e.to_string())).map_err(bug)
}

/// The text of [`yaml_in_full`] with relative paths as they read from `to` instead of `from`.
pub fn yaml_seen_from(yaml: &str, from: &Path, to: &Path) -> Result<String, Box<Problem>> {
    let mut study: Json = serde_yaml::from_str(yaml).map_err(|e| bug(e.to_string()))?;
    let move_path = |path: &mut Json| {
        if let Json::String(text) = path {
            *text = seen_from(text, from, to);
        }
    };
    if let Some(tables) = study["tables"].as_object_mut() {
        tables.values_mut().filter_map(|table| table.get_mut("path")).for_each(move_path);
        // A relative file is a SQLite database; servers have URLs.
        let is_file = |from: &&mut Json| from.as_str().is_some_and(|text| !text.contains("://"));
        tables.values_mut().filter_map(|table| table.get_mut("from")).filter(is_file).for_each(move_path);
    }
    let features = study.pointer_mut("/cohort/features").and_then(Json::as_object_mut);
    let lists = features.into_iter().flat_map(|f| f.values_mut()).filter_map(|f| f.pointer_mut("/codes/list").and_then(Json::as_array_mut));
    lists.flatten().filter_map(|entry| entry.get_mut("file")).for_each(move_path);
    study.get_mut("release").and_then(|release| release.get_mut("design")).into_iter().for_each(move_path);
    serde_yaml::to_string(&study).map_err(|e| bug(e.to_string()))
}

fn bug(message: String) -> Box<Problem> {
    Box::new(Problem::error(codes::G901, format!("the study cannot be written as YAML: {message}")))
}
