//! Outcomes of negative controls as the study file writes them.

use super::FamilyFile;
use super::variables::OnlyOne;
use crate::study::placed::{Literal, OneOrMany, Placed};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserializer, Visitor};
use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NegativeControlFile {
    /// Columns of the control outcomes, each with options where its family is not that of the outcome: `[fracture, { ldl: { family: gaussian } }]`.
    #[schemars(extend("minItems" = 1))]
    pub outcomes: Vec<Placed<ControlFile>>,
}

/// A control outcome: a column name, or `{ column: { family: gaussian } }`.
#[derive(Clone, Debug, PartialEq)]
pub struct ControlFile {
    pub column: String,
    pub options: ControlOptionsFile,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ControlOptionsFile {
    /// Family of its distribution; that of the study's outcome unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub family: Option<Placed<FamilyFile>>,
    /// Binomial: the value or values that are the event; unless given the column holds 0/1 or false/true.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event: Option<OneOrMany<Literal>>,
}

struct ControlVisitor;

impl<'de> Visitor<'de> for ControlVisitor {
    type Value = ControlFile;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a column name, or `{ column: { family: gaussian } }`")
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<ControlFile, E> {
        Ok(ControlFile { column: name.to_owned(), options: ControlOptionsFile::default() })
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<ControlFile, A::Error> {
        let Some(column) = map.next_key::<String>()? else {
            return Err(de::Error::custom("the entry is empty: write a column name"));
        };
        let control = ControlFile { column, options: map.next_value()? };
        match map.next_key::<OnlyOne>()? {
            Some(OnlyOne) | None => Ok(control),
        }
    }
}

impl<'de> Deserialize<'de> for ControlFile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ControlVisitor)
    }
}

impl Serialize for ControlFile {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry(&self.column, &self.options)?;
        map.end()
    }
}

impl JsonSchema for ControlFile {
    fn schema_name() -> Cow<'static, str> {
        "Control".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let options = generator.subschema_for::<ControlOptionsFile>();
        json_schema!({
            "description": "A column name, or `{ column: { family: gaussian } }`.",
            "anyOf": [
                { "type": "string" },
                { "type": "object", "minProperties": 1, "maxProperties": 1, "additionalProperties": options }
            ]
        })
    }
}
