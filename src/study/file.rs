//! The study file as written: its whole format, whether or not this version can run all of it.
//!
//! The doc comments below are the reference manual; `gapshare schema study` prints them with the JSON Schema.
//! A `StudyFile` promises YAML of the right shape, and nothing else: names are resolved in [`super::resolve`].

mod analyses;
mod cohort;
mod controls;
mod features;
mod sensitivity;
mod variables;

pub use analyses::*;
pub use cohort::*;
pub use controls::*;
pub use features::*;
pub use sensitivity::*;
pub use variables::*;

use super::placed::{Literal, OneOrMany, Placed, Word};
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A study: tables, a cohort, a group, an outcome, blocks of variables and analyses of the gap.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StudyFile {
    /// Version of the study file format.
    #[schemars(extend("const" = 1))]
    pub gapshare: Placed<u32>,
    /// Names the output folder.
    #[schemars(extend("pattern" = "^[a-z0-9_]+$"))]
    pub study: Word,
    /// Title of the report; the name of the study unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The input tables by name: csv, csv.gz, tsv, parquet, arrow/ipc/feather, ndjson/jsonl; globs allowed.
    pub tables: IndexMap<Word, TableFile>,
    /// From the tables to one row per unit.
    pub cohort: CohortFile,
    /// Who is compared with whom. The gap is index - reference, everywhere.
    pub group: GroupFile,
    /// What the gap is a gap in.
    pub outcome: OutcomeFile,
    /// Variables treated as fair differences: standardised over, credited to no block. May be empty.
    #[serde(default)]
    pub allowable: Vec<Placed<Variable>>,
    /// Named, disjoint sets of variables, in the order of the report; at most 10.
    /// Any names but none, total, allowable, intercept, and no `+`.
    #[schemars(extend("minProperties" = 1, "maxProperties" = 10, "propertyNames" = { "not": { "anyOf": [
        { "enum": ["", "none", "total", "allowable", "intercept"] }, { "pattern": "\\+" }] } }))]
    pub blocks: IndexMap<Word, Vec<Placed<Variable>>>,
    /// The blocks in causal order: needed by `mechanisms`, and the order of `attribution: sequential` where given.
    #[serde(default)]
    pub causal_order: Option<Vec<Word>>,
    /// Whether outputs may use causal words.
    #[serde(default)]
    pub causal_claims: CausalClaims,
    /// Column of clusters, such as hospitals: every standard error and interval is then cluster-robust.
    #[serde(default)]
    pub cluster: Option<Word>,
    /// Column of analysis weights.
    #[serde(default)]
    pub weight: Option<Word>,
    /// Labels of columns and blocks for tables and figures.
    #[serde(default)]
    pub labels: IndexMap<Word, String>,
    /// What happens to missing values, per variable. Nothing is dropped or filled without a counted line.
    #[serde(default)]
    pub missing: MissingFile,
    /// How imputations are drawn, for variables whose rule under `missing` is `multiple_imputation`.
    #[serde(default, deserialize_with = "sensitivity::given", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "MultipleImputationFile")]
    pub multiple_imputation: Option<Placed<MultipleImputationFile>>,
    /// The analyses by name. Exactly one is called primary.
    #[schemars(extend("required" = ["primary"]))]
    pub analyses: IndexMap<Word, Placed<MethodFile>>,
    /// How uncertainty is estimated.
    #[serde(default)]
    pub uncertainty: UncertaintyFile,
    /// How far results move when choices and assumptions do; nothing is varied unless it is given.
    #[serde(default, deserialize_with = "sensitivity::given", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "SensitivityFile")]
    pub sensitivity: Option<Placed<SensitivityFile>>,
    /// What may leave the building.
    #[serde(default)]
    pub release: ReleaseFile,
}

impl StudyFile {
    /// The allowables, then the variables of the blocks in order.
    pub fn all_variables(&self) -> impl Iterator<Item = &Placed<Variable>> {
        self.allowable.iter().chain(self.blocks.values().flatten())
    }
}

/// Who is compared with whom.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GroupFile {
    /// Column of the groups.
    pub column: Word,
    /// Value of the reference group.
    pub reference: Literal,
    /// Value or values of the index group: each is compared with the same reference, on one cohort.
    pub index: OneOrMany<Literal>,
}

/// What the gap is a gap in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OutcomeFile {
    /// Column of the outcome.
    pub column: Word,
    /// Family of its distribution.
    pub family: Placed<FamilyFile>,
    /// Binomial: the value or values that are the event; unless given the column holds 0/1 or false/true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<OneOrMany<Literal>>,
    /// Poisson: column of exposures; the gap is then one of rates per unit of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exposure: Option<Word>,
}

/// Family of the outcome's distribution: a word, or a map with options.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(transform = words_with_defaults)]
pub enum FamilyFile {
    /// Identity link; the gap is a mean difference.
    Gaussian(NoOptions),
    /// Two values; the gap is a risk difference.
    Binomial(BinomialFile),
    /// Counts with a log link; the gap is a rate difference.
    Poisson(NoOptions),
}

/// Takes no options: `{}`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NoOptions {}

/// Options of a binomial outcome.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BinomialFile {
    /// Link of the outcome model.
    pub link: Placed<Link>,
    /// Penalty of the outcome model.
    pub penalty: Placed<Penalty>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Link {
    #[default]
    Logit,
    Probit,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Penalty {
    #[default]
    None,
    Firth,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CausalClaims {
    #[default]
    NotDeclared,
    Declared,
}

/// How uncertainty is estimated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum UncertaintyFile {
    /// From influence functions.
    Influence(InfluenceFile),
    /// By resampling.
    Bootstrap(BootstrapFile),
}

impl Default for UncertaintyFile {
    fn default() -> Self {
        Self::Influence(InfluenceFile::default())
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct InfluenceFile {
    /// Coverage of the intervals.
    #[schemars(extend("exclusiveMinimum" = 0, "exclusiveMaximum" = 1))]
    pub level: Placed<f64>,
    /// Other standard errors beside those by cluster sums, where clusters are few: column `std_error_cv3`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub small_clusters: Option<Placed<SmallClusters>>,
}

impl Default for InfluenceFile {
    fn default() -> Self {
        Self { level: Placed::default_of(0.95), small_clusters: None }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SmallClusters {
    /// Each cluster left out in turn (below 100 clusters).
    Cv3,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BootstrapFile {
    /// Number of resamples.
    pub replicates: u32,
    /// Seed of the random streams.
    pub seed: u64,
    /// Coverage of the intervals.
    #[schemars(extend("exclusiveMinimum" = 0, "exclusiveMaximum" = 1))]
    pub level: Placed<f64>,
}

impl Default for BootstrapFile {
    fn default() -> Self {
        Self { replicates: 1000, seed: 20_260_101, level: Placed::default_of(0.95) }
    }
}

/// What may leave the building.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ReleaseFile {
    /// Counts below this are withheld, 0 itself excepted; 0 switches withholding off.
    pub min_cell: u32,
    /// File for the analysis rows, as parquet; none are written unless it is given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub design: Option<Word>,
}

impl Default for ReleaseFile {
    fn default() -> Self {
        Self { min_cell: 11, design: None }
    }
}

/// Choices with options that may also be written as the word alone: adds those words to the schema.
fn words_with_defaults(schema: &mut schemars::Schema) {
    let Some(choices) = schema.get_mut("oneOf").and_then(|v| v.as_array_mut()) else { return };
    let words: Vec<_> = choices.iter().filter_map(|choice| choice["required"][0].as_str().map(str::to_owned)).collect();
    choices.push(serde_json::json!({ "type": "string", "enum": words }));
}
