//! The section `sensitivity` as the study file writes it: each key switches a variation on.

use super::{FamilyFile, LearnerFile, MethodFile, NegativeControlFile, NoOptions, StudyFile};
use crate::decompose::crossfit::SEED;
use crate::study::placed::{OneOrMany, Placed, Word};
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

/// How far results move when choices and assumptions do. `{}` stands for order, estimator, leave_one_out, e_value (unless the outcome is
/// gaussian) and ovb.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SensitivityFile {
    /// The analyses that are varied.
    pub analyses: Vec<Word>,
    /// Smallest and largest contribution of each block over all orders of the blocks.
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "NoOptions")]
    pub order: Option<Placed<NoOptions>>,
    /// with_and_without by its other estimators: dr, gcomp, ipw.
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "NoOptions")]
    pub estimator: Option<Placed<NoOptions>>,
    /// Outcome and group predicted by other models; for with_and_without and mechanisms.
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "LearnerRangeFile")]
    pub learner: Option<LearnerRangeFile>,
    /// with_and_without by its other surfaces, plug-in.
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "NoOptions")]
    pub surface: Option<Placed<NoOptions>>,
    /// with_and_without over its other target populations.
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "NoOptions")]
    pub target: Option<Placed<NoOptions>>,
    /// Without units whose probability of being index lies near 0 or 1.
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "TrimmingFile")]
    pub trimming: Option<TrimmingFile>,
    /// Each variable of a block left out in turn.
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "NoOptions")]
    pub leave_one_out: Option<Placed<NoOptions>>,
    /// Variables that could belong elsewhere: the block or blocks (or `allowable`) that each is moved to.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub contested: IndexMap<Word, OneOrMany<Word>>,
    /// Other lists of allowables, by a name of your own: variables, and blocks as a whole. `{}` stands for none at all, and the
    /// present ones with each block.
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "IndexMap<String, Vec<String>>")]
    pub allowable: Option<IndexMap<Word, Vec<Word>>>,
    /// The E-value of the adjusted risk or rate ratio.
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "NoOptions")]
    pub e_value: Option<Placed<NoOptions>>,
    /// Omitted-variable bias of the linear adjusted gap (Cinelli & Hazlett 2020).
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "OvbFile")]
    pub ovb: Option<OvbFile>,
    /// A confounder of one block and the outcome (Park and others 2023).
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "ParkFile")]
    pub park: Option<ParkFile>,
    /// An unmeasured factor of each mechanism; for analyses by `mechanisms`.
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "UnmeasuredFile")]
    pub unmeasured: Option<Placed<UnmeasuredFile>>,
    /// The analysis of outcomes that the blocks cannot have affected: what is explained and unexplained should be near 0.
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "NegativeControlFile")]
    pub negative_control: Option<NegativeControlFile>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LearnerRangeFile {
    /// What is tried: `[splines, ridge, boosted_trees]` unless given, and glm where an analysis that is varied has a learner of its own.
    #[serde(rename = "try", deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Vec<TriedFile>", extend("minItems" = 1))]
    pub tried: Option<Vec<Placed<TriedFile>>>,
    /// Number of folds of cross-fitting.
    #[schemars(extend("minimum" = 2, "maximum" = 20))]
    pub folds: Placed<u32>,
    /// Seed of folds, forests and held-out rows.
    pub seed: u64,
}

/// What predicts outcome and group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TriedFile {
    /// Generalised linear models of the study's terms.
    Glm,
    /// Generalised linear models with numbers as restricted cubic splines with 4 df.
    Splines,
    Ridge,
    ElasticNet,
    RandomForest,
    BoostedTrees,
    /// A convex combination of the GLM and boosted trees.
    Stack,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TrimmingFile {
    /// Units with a probability outside `[a, 1 - a]` are left out; each a lies between 0 and 0.5.
    #[schemars(extend("minItems" = 1, "items" = { "type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 0.5 }))]
    pub at: Vec<Placed<f64>>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct OvbFile {
    /// Blocks and variables that a left-out factor is compared with; every block unless given.
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Vec<String>")]
    pub benchmarks: Option<Vec<Word>>,
    /// How many times as strong it may be.
    #[schemars(extend("minItems" = 1, "items" = { "type": "number", "exclusiveMinimum": 0 }))]
    pub multiples: Vec<Placed<f64>>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ParkFile {
    /// Partial R2 of the confounder with the outcome and with the block: every pair of these.
    #[schemars(extend("minItems" = 1, "items" = { "type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1 }))]
    pub at: Vec<Placed<f64>>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct UnmeasuredFile {
    /// Differences in the factor between the groups, index minus reference.
    #[schemars(extend("minItems" = 1))]
    pub delta: Vec<Placed<f64>>,
    /// What a unit of it adds to the linear predictor of the outcome.
    #[schemars(extend("minItems" = 1))]
    pub gamma: Vec<Placed<f64>>,
}

fn numbers(values: &[f64]) -> Vec<Placed<f64>> {
    values.iter().map(|v| Placed::default_of(*v)).collect()
}

impl Default for SensitivityFile {
    fn default() -> Self {
        Self {
            analyses: vec![Placed::default_of("primary".to_owned())],
            order: None,
            estimator: None,
            learner: None,
            surface: None,
            target: None,
            trimming: None,
            leave_one_out: None,
            contested: IndexMap::new(),
            allowable: None,
            e_value: None,
            ovb: None,
            park: None,
            unmeasured: None,
            negative_control: None,
        }
    }
}

impl Default for LearnerRangeFile {
    fn default() -> Self {
        Self { tried: None, folds: Placed::default_of(5), seed: SEED }
    }
}

impl Default for TrimmingFile {
    fn default() -> Self {
        Self { at: numbers(&[0.01, 0.02, 0.05, 0.1]) }
    }
}

impl Default for OvbFile {
    fn default() -> Self {
        Self { benchmarks: None, multiples: numbers(&[1.0, 2.0, 3.0]) }
    }
}

impl Default for ParkFile {
    fn default() -> Self {
        Self { at: numbers(&[0.1, 0.2, 0.3]) }
    }
}

impl Default for UnmeasuredFile {
    fn default() -> Self {
        Self { delta: numbers(&[0.1, 0.25, 0.5]), gamma: numbers(&[0.25, 0.5, 1.0]) }
    }
}

impl SensitivityFile {
    /// The section with everything that it stands for written out.
    pub fn in_full(&self, study: &StudyFile) -> Self {
        let mut full = self.clone();
        if (Self { analyses: Self::default().analyses, ..self.clone() }) == Self::default() {
            let on = || Some(Placed::default_of(NoOptions {}));
            (full.order, full.estimator, full.leave_one_out) = (on(), on(), on());
            full.e_value = on().filter(|_| !matches!(study.outcome.family.value, FamilyFile::Gaussian(_)));
            full.ovb = Some(OvbFile::default());
        }
        if let Some(learner) = &mut full.learner {
            let has_own = |method: &MethodFile| match method {
                MethodFile::WithAndWithout(options) => options.learner.value != LearnerFile::Glm,
                MethodFile::Mechanisms(options) => options.learner.value != LearnerFile::Glm,
                _ => false,
            };
            let glm = self.has_method(study, has_own).then_some(TriedFile::Glm);
            let all = || glm.into_iter().chain([TriedFile::Splines, TriedFile::Ridge, TriedFile::BoostedTrees]);
            learner.tried.get_or_insert_with(|| all().map(Placed::default_of).collect());
        }
        for outcome in full.negative_control.iter_mut().flat_map(|control| &mut control.outcomes) {
            outcome.value.options.family.get_or_insert_with(|| study.outcome.family.clone());
        }
        let blocks = || study.blocks.keys().cloned();
        if let Some(ovb) = &mut full.ovb {
            ovb.benchmarks.get_or_insert_with(|| blocks().collect());
        }
        if let Some(lists) = full.allowable.as_mut().filter(|lists| lists.is_empty()) {
            let present: Vec<Word> = study.allowable.iter().filter_map(|v| v.value.column()).map(|c| Placed::default_of(c.to_owned())).collect();
            if !present.is_empty() {
                lists.insert(Placed::default_of("none".to_owned()), Vec::new());
            }
            for block in blocks() {
                let with: Vec<Word> = present.iter().cloned().chain([block.clone()]).collect();
                lists.insert(Placed::default_of(format!("with {}", block.value)), with);
            }
        }
        full
    }

    /// Whether one of the analyses that are varied is by this method.
    pub fn has_method(&self, study: &StudyFile, is: impl Fn(&MethodFile) -> bool) -> bool {
        self.analyses.iter().filter_map(|name| study.analyses.get(name.value.as_str())).any(|method| is(&method.value))
    }
}

/// A value that is not nothing: `order:` without `{}` is a mistake, not a switch that is off.
pub(super) fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}
