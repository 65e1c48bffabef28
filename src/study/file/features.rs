//! Features as the study file writes them: one value a unit from the rows of an event table.

use super::By;
use crate::study::placed::{Literal, OneOrMany, Placed, Word};
use indexmap::IndexMap;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;

/// One value a unit from the rows of an event table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FeatureFile {
    /// The event table.
    pub table: Word,
    /// Columns that tie events to units.
    pub by: OneOrMany<By>,
    /// Keeps the events for which this SQL expression is true.
    #[serde(default, rename = "where", skip_serializing_if = "Option::is_none")]
    pub keep: Option<Word>,
    /// Column of the value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Word>,
    /// Column of the time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Word>,
    /// From and to, such as `[-30d, 0d]` or `[-6h, 0h]`, relative to the index date and included; or `any_time`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<Placed<WindowFile>>,
    /// Whether events on the index day count of which it is not known that they came before (or after) the index date. Unless given they
    /// count where neither the events nor the index date have a time of day, and otherwise only in windows that go on beyond that day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub same_day: Option<SameDayFile>,
    /// How the values of a unit become one; needed unless `score` is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub take: Option<TakeFile>,
    /// Conversion of units.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<UnitsFile>,
    /// Smallest and largest value that can be true, in the unit converted to: others are set aside and counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plausible: Option<Placed<[f64; 2]>>,
    /// Keeps the events with these codes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub codes: Option<CodesFile>,
    /// A score of the codes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<ScoreFile>,
}

/// The whole table, or two bounds.
#[derive(Clone, Debug, PartialEq)]
pub enum WindowFile {
    AnyTime,
    Between(Literal, Literal),
}

const ANY_TIME: &str = "any_time";

impl<'de> Deserialize<'de> for WindowFile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let OneOrMany(mut bounds) = OneOrMany::<Literal>::deserialize(deserializer)?;
        match (bounds.pop(), bounds.pop(), bounds.pop()) {
            (Some(word), None, None) if word.text == ANY_TIME => Ok(Self::AnyTime),
            (Some(to), Some(from), None) => Ok(Self::Between(from, to)),
            _ => Err(de::Error::custom("a window is two bounds such as `[-30d, 0d]`, or `any_time`")),
        }
    }
}

impl Serialize for WindowFile {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::AnyTime => serializer.serialize_str(ANY_TIME),
            Self::Between(from, to) => [from, to].serialize(serializer),
        }
    }
}

impl JsonSchema for WindowFile {
    fn schema_name() -> Cow<'static, str> {
        "WindowFile".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let bound = generator.subschema_for::<Literal>();
        json_schema!({
            "description": "Two bounds such as `[-30d, 0d]`, or `any_time`.",
            "anyOf": [{ "const": ANY_TIME }, { "type": "array", "items": bound, "minItems": 2, "maxItems": 2 }]
        })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SameDayFile {
    Include,
    Exclude,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TakeFile {
    First,
    Last,
    Min,
    Max,
    Mean,
    Count,
    Any,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UnitsFile {
    /// Column that holds the unit of measurement.
    pub column: Word,
    /// Unit to convert to, such as `mg/dL`.
    pub to: Word,
    /// What is measured, such as `creatinine`: needed between mass and amount of substance (mg/dL and umol/L).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<Word>,
    /// One of each of these units, in the unit converted to: `{ umol/L: 0.01131 }`.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub factors: IndexMap<Word, Placed<f64>>,
    /// What happens to values in a unit that is not known, or without one.
    #[serde(default)]
    pub on_unknown: super::OnBadValueFile,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CodesFile {
    /// Column of codes.
    pub column: Word,
    /// Codes, prefixes with `*`, ranges such as `I20-I25`, or `{ file: codes.csv }`.
    pub list: OneOrMany<CodeFile>,
    /// Coding system of the codes written here, such as `icd10cm`, `icd9cm`, `cpt`, `loinc`, `rxnorm`: stands in tables/code_lists.csv.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
}

/// A code, a prefix, a range, or a file of codes.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum CodeFile {
    Code(Literal),
    File(CodeTable),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CodeTable {
    /// A csv with the columns code, system, label.
    pub file: Word,
}

struct CodeVisitor;

impl<'de> Visitor<'de> for CodeVisitor {
    type Value = CodeFile;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a code or `{ file: codes.csv }`")
    }

    fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<CodeFile, A::Error> {
        CodeTable::deserialize(de::value::MapAccessDeserializer::new(map)).map(CodeFile::File)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<CodeFile, D::Error> {
        Literal::deserialize(deserializer).map(CodeFile::Code)
    }
}

impl<'de> Deserialize<'de> for CodeFile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(crate::study::placed::LITERAL_OR_MAP, CodeVisitor)
    }
}

/// A comorbidity score of ICD codes, by the code lists of Quan et al. (2005).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ScoreFile {
    /// The Charlson comorbidity index: 17 conditions.
    Charlson(CharlsonFile),
    /// The Elixhauser measure: 31 conditions.
    Elixhauser(ElixhauserFile),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CharlsonFile {
    /// Column of codes, with or without dots.
    pub column: Word,
    /// Their coding system.
    pub coding: IcdFile,
    /// Set of weights.
    #[serde(default)]
    pub weights: CharlsonWeightsFile,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ElixhauserFile {
    /// Column of codes, with or without dots.
    pub column: Word,
    /// Their coding system.
    pub coding: IcdFile,
    /// Set of weights.
    #[serde(default)]
    pub weights: ElixhauserWeightsFile,
}

/// Coding system of diagnoses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum IcdFile {
    Icd10,
    Icd9,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CharlsonWeightsFile {
    /// Those of Charlson et al. (1987): 1, 2, 3 and 6.
    #[default]
    Charlson1987,
    /// The updated ones of Quan et al. (2011).
    Quan2011,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ElixhauserWeightsFile {
    /// The number of conditions.
    #[default]
    Count,
    /// Those of van Walraven et al. (2009), for death in hospital.
    VanWalraven,
    /// Those of Moore et al. (2017, AHRQ), for death in hospital.
    Ahrq,
}
