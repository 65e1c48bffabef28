//! Variables, how they enter models, and what happens to their missing values, as the study file writes them.

use super::NoOptions;
use crate::study::placed::{Literal, Placed, Word};
use indexmap::IndexMap;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserializer, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;

/// An entry of `allowable` or of a block: a column name, `{ column: { coding: options } }`, or `{ interaction: [a, b] }`.
#[derive(Clone, Debug, PartialEq)]
pub enum Variable {
    Column { name: String, coding: Option<CodingFile> },
    Interaction(Vec<Word>),
}

impl Variable {
    /// The column, unless it is an interaction.
    pub fn column(&self) -> Option<&str> {
        match self {
            Self::Column { name, .. } => Some(name),
            Self::Interaction(_) => None,
        }
    }
}

/// How a column enters models.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CodingFile {
    /// Linearly.
    Numeric(NoOptions),
    /// As indicators of its levels.
    Categorical(CategoricalFile),
    /// As a restricted cubic spline.
    Spline(SplineFile),
    /// As its logarithm.
    Log(LogFile),
    /// As indicators of hospital ids.
    FixedEffects(NoOptions),
    /// As random intercepts of hospital ids.
    RandomIntercept(NoOptions),
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CategoricalFile {
    /// The base level; the most frequent one unless given, ties in text order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base: Option<Literal>,
    /// New levels, each with the values that form it.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub merge: IndexMap<Word, Vec<Literal>>,
}

/// Restricted cubic spline: df columns, df + 1 knots at Harrell's quantiles of the analysis sample.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SplineFile {
    /// Number of columns.
    #[schemars(extend("minimum" = 2, "maximum" = 6))]
    pub df: Placed<u32>,
}

/// log(x + offset).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LogFile {
    /// Added before the logarithm is taken.
    pub offset: f64,
}

struct VariableVisitor;

impl<'de> Visitor<'de> for VariableVisitor {
    type Value = Variable;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a column name, `{ column: { spline: { df: 4 } } }` or `{ interaction: [a, b] }`")
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<Variable, E> {
        Ok(Variable::Column { name: name.to_owned(), coding: None })
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Variable, A::Error> {
        let Some(name) = map.next_key::<String>()? else {
            return Err(de::Error::custom("the entry is empty: write a column name"));
        };
        let variable =
            if name == "interaction" { Variable::Interaction(map.next_value()?) } else { Variable::Column { coding: Some(map.next_value()?), name } };
        match map.next_key::<OnlyOne>()? {
            Some(OnlyOne) | None => Ok(variable),
        }
    }
}

/// A second key, where only one is taken.
pub(super) struct OnlyOne;

impl<'de> Deserialize<'de> for OnlyOne {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Err(de::Error::custom(format!("an entry holds one column, and `{name}` is a second one: put it into braces of its own")))
    }
}

impl<'de> Deserialize<'de> for Variable {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(VariableVisitor)
    }
}

impl Serialize for Variable {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = match self {
            Self::Column { name, coding: None } => return serializer.serialize_str(name),
            Self::Column { .. } | Self::Interaction(_) => serializer.serialize_map(Some(1))?,
        };
        match self {
            Self::Column { name, coding } => map.serialize_entry(name, coding)?,
            Self::Interaction(parts) => map.serialize_entry("interaction", parts)?,
        }
        map.end()
    }
}

impl JsonSchema for Variable {
    fn schema_name() -> Cow<'static, str> {
        "Variable".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let coding = generator.subschema_for::<CodingFile>();
        json_schema!({
            "description": "A column name (numbers enter linearly; text, booleans and dictionaries as categories), \
                `{ column: { coding: options } }`, or `{ interaction: [a, b] }`.",
            "anyOf": [
                { "type": "string" },
                {
                    "type": "object",
                    "minProperties": 1,
                    "maxProperties": 1,
                    "properties": {
                        "interaction": {
                            "description": "Products of the columns of two variables of the study; owned by the block where it is listed.",
                            "type": "array", "items": { "type": "string" }, "minItems": 2, "maxItems": 2
                        }
                    },
                    "additionalProperties": coding
                }
            ]
        })
    }
}

/// What happens to missing values.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MissingFile {
    pub otherwise: OtherwiseFile,
    pub rules: IndexMap<Word, Placed<MissingRuleFile>>,
}

/// Variables without a rule of their own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OtherwiseFile {
    /// The row is dropped, as a row of attrition.
    #[default]
    DropRow,
    /// The run stops.
    Error,
}

/// What happens where a variable is missing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MissingRuleFile {
    /// The row is dropped, as a row of attrition.
    DropRow,
    /// The run stops.
    Error,
    /// Missing cells become a level of their own with this name.
    Level(Literal),
    /// Missing cells are filled, and counted.
    Impute(ImputeFile),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ImputeFile {
    /// The value to fill in, over the analysis sample of all groups.
    pub with: FillFile,
    /// Whether an indicator of missingness enters the models as well.
    #[serde(default = "yes")]
    pub flag: bool,
}

fn yes() -> bool {
    true
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FillFile {
    Median,
    Mean,
    Constant(f64),
}

struct MissingVisitor;

impl<'de> Visitor<'de> for MissingVisitor {
    type Value = MissingFile;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map of variables")
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<MissingFile, A::Error> {
        let mut missing = MissingFile::default();
        while let Some(name) = map.next_key::<Word>()? {
            if name.value == "otherwise" {
                missing.otherwise = map.next_value()?;
            } else {
                missing.rules.insert(name, map.next_value()?);
            }
        }
        Ok(missing)
    }
}

impl<'de> Deserialize<'de> for MissingFile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MissingVisitor)
    }
}

impl Serialize for MissingFile {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.rules.len() + 1))?;
        for (name, rule) in &self.rules {
            map.serialize_entry(name, rule)?;
        }
        map.serialize_entry("otherwise", &self.otherwise)?;
        map.end()
    }
}

impl JsonSchema for MissingFile {
    fn schema_name() -> Cow<'static, str> {
        "MissingFile".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let (otherwise, rule) = (generator.subschema_for::<OtherwiseFile>(), generator.subschema_for::<MissingRuleFile>());
        json_schema!({
            "description": "A rule for each variable that needs one; `otherwise` is for all the rest.",
            "type": "object",
            "properties": { "otherwise": otherwise },
            "additionalProperties": rule
        })
    }
}
