//! Tables, joins, derived columns, features and steps as the study file writes them.

use super::FeatureFile;
use crate::study::placed::{Literal, OneOrMany, Placed, Word};
use indexmap::IndexMap;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserializer, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;

/// One input table: a file (`path`), or the rows of a query (`sql` and `from`). Under the names `omop` and `synthea` stands the folder of a
/// source, which becomes the tables patients, encounters, conditions, procedures, measurements, observations, deaths and hospitals.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("oneOf" = [
    { "required": ["path"], "not": { "anyOf": [{ "required": ["sql"] }, { "required": ["from"] }] } },
    { "required": ["sql", "from"], "not": { "required": ["path"] } }]))]
pub struct TableFile {
    /// File, relative to the study file; `${NAME}` is replaced from the environment, `*` and `?` match several files.
    #[serde(default, deserialize_with = "super::sensitivity::given", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Word")]
    pub path: Option<Word>,
    /// A SELECT whose rows are the table; it runs in a read-only transaction.
    #[serde(default, deserialize_with = "super::sensitivity::given", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Word")]
    pub sql: Option<Word>,
    /// The database of `sql`: a PostgreSQL URL or a SQLite file, usually as `${DATABASE_URL}`. A password is never written here.
    #[serde(default, deserialize_with = "super::sensitivity::given", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Word")]
    pub from: Option<Word>,
    /// Types of columns, in place of those inferred.
    #[serde(default)]
    pub types: IndexMap<Word, Placed<TypeFile>>,
    /// Cells that mean missing. "NA", "None" and "?" are text unless listed.
    #[serde(default = "empty_text")]
    pub null_values: Vec<Literal>,
    /// What happens to cells that do not parse as the declared type.
    #[serde(default)]
    pub on_bad_value: OnBadValueFile,
}

fn empty_text() -> Vec<Literal> {
    vec![Literal { text: String::new(), span: Default::default() }]
}

/// Type of a column: a word, or a map where a format is needed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(transform = super::words_with_defaults)]
pub enum TypeFile {
    Text,
    Integer,
    /// Spaces around it are trimmed; anything else that does not parse is a bad value.
    Number,
    Boolean,
    Date(FormatFile),
    Datetime(FormatFile),
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct FormatFile {
    /// How the cells are written, such as `%m/%d/%Y %H:%M`; ISO 8601 unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnBadValueFile {
    /// The run stops and names table, column and rows.
    #[default]
    Error,
    /// The cell becomes missing and is counted.
    SetNull,
}

/// From the tables to one row per unit: joins, then derived columns and features, then steps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CohortFile {
    /// What a row is.
    pub unit: UnitFile,
    /// Many-to-one joins, in order; a repeated right-hand key is an error.
    #[serde(default)]
    pub joins: Vec<JoinFile>,
    /// New columns: SQL expressions over one joined row, in order; later ones see earlier ones.
    #[serde(default)]
    pub derive: IndexMap<Word, Word>,
    /// Column of the date that features look back from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index_date: Option<Word>,
    /// Column of the date of birth: events of features before it are set aside and counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub birth_date: Option<Word>,
    /// One value a unit from event tables.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub features: IndexMap<Word, FeatureFile>,
    /// Which rows are kept, in order; each step is a row of tables/attrition.csv.
    #[serde(default)]
    pub steps: Vec<Placed<StepFile>>,
}

/// The cohort has one row per row of this table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UnitFile {
    /// The table.
    pub table: Word,
    /// Column that identifies a row; a repeated key is an error. Without it uniqueness is not checked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Word>,
    /// What the units are, for the report: a plural such as patients, stays or people. Unless given: patients where the table is one of
    /// patients, or a step keeps the first row of each patient, and units otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub called: Option<String>,
}

/// A many-to-one join.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct JoinFile {
    /// The right-hand table.
    pub table: Word,
    /// Columns to join by: a name, `{ left: a, right: b }`, or a list of these.
    pub by: OneOrMany<By>,
    /// What happens to rows without a match.
    #[serde(default)]
    pub unmatched: UnmatchedFile,
    /// The columns to bring in; all unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub select: Option<Vec<Word>>,
    /// Put before the name of each column brought in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum UnmatchedFile {
    /// The run stops.
    #[default]
    Error,
    /// The rows are dropped, as a row of attrition.
    Drop,
    /// The rows are kept with missing values.
    Keep,
}

/// A pair of columns to join by.
#[derive(Clone, Debug, PartialEq)]
pub struct By {
    pub left: Word,
    pub right: Word,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LeftRight {
    left: Word,
    right: Word,
}

struct ByVisitor;

impl<'de> Visitor<'de> for ByVisitor {
    type Value = By;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a column name or `{ left: a, right: b }`")
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<By, E> {
        let word = Word::default_of(name.to_owned());
        Ok(By { left: word.clone(), right: word })
    }

    fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<By, A::Error> {
        let LeftRight { left, right } = LeftRight::deserialize(de::value::MapAccessDeserializer::new(map))?;
        Ok(By { left, right })
    }
}

struct ByValue(By);

impl<'de> Deserialize<'de> for ByValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ByVisitor).map(Self)
    }
}

impl<'de> Deserialize<'de> for By {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Placed { value: ByValue(mut by), span } = Placed::deserialize(deserializer)?;
        for word in [&mut by.left, &mut by.right] {
            if !word.is_written() {
                word.span = span;
            }
        }
        Ok(by)
    }
}

impl Serialize for By {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.left == self.right {
            return self.left.serialize(serializer);
        }
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("left", &self.left)?;
        map.serialize_entry("right", &self.right)?;
        map.end()
    }
}

impl JsonSchema for By {
    fn schema_name() -> Cow<'static, str> {
        "By".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A column name, or the names in the left and in the right table.",
            "anyOf": [
                { "type": "string" },
                {
                    "type": "object",
                    "properties": { "left": { "type": "string" }, "right": { "type": "string" } },
                    "required": ["left", "right"],
                    "additionalProperties": false
                }
            ]
        })
    }
}

/// A step: a name and one rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("oneOf" = [{ "required": ["where"] }, { "required": ["first"] }, { "required": ["present"] }]))]
pub struct StepFile {
    /// Its name in tables/attrition.csv.
    pub name: String,
    /// Keeps the rows for which this SQL expression is true.
    #[serde(default, rename = "where", skip_serializing_if = "Option::is_none")]
    pub keep: Option<Word>,
    /// Keeps the first row of each unit of something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<FirstFile>,
    /// Keeps the rows in which these columns are not missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub present: Option<OneOrMany<Word>>,
}

/// The first row per value of some columns; ties are broken by file order and counted, a missing `by` is an error.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FirstFile {
    /// Column or columns, such as a patient id.
    pub per: OneOrMany<Word>,
    /// Column or columns to order by.
    pub by: OneOrMany<Word>,
}
