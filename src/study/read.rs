//! serde over the placed tree: what a struct of the format reads from, and what it says when a value does not fit.
//!
//! Beside serde's own rules: a struct is a map (never a list), a choice without options is a word and a choice with
//! options a map with one key, and the types of [`super::placed`] learn where their value stands and how it is spelt.

use super::placed::{LITERAL, LITERAL_OR_MAP, ONE_OR_MANY, PLACED};
use super::places::{Data, Key, Node, Span};
use serde::Deserialize;
use serde::de::{self, DeserializeSeed, Deserializer, Expected, IntoDeserializer, Unexpected, Visitor};
use serde_yaml::Value;
use std::fmt::{self, Display};

/// Choices with options that may also be written as a word alone, all options at their defaults.
const WORDS_WITH_DEFAULTS: [&str; 2] = ["FamilyFile", "TypeFile"];

/// One step from a map or list to a value in it: the position of the entry or item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Value(usize),
    /// The key of the entry is at fault rather than its value.
    Key(usize),
    Item(usize),
}

/// Why a value does not fit, and the way to it from the innermost step outwards.
#[derive(Debug)]
pub struct Fault {
    pub path: Vec<Step>,
    pub kind: FaultKind,
}

#[derive(Debug)]
pub enum FaultKind {
    Type {
        found: String,
        expected: String,
    },
    UnknownKey {
        key: String,
        known: Vec<&'static str>,
    },
    UnknownChoice {
        choice: String,
        known: Vec<&'static str>,
    },
    /// `within` is the name of the struct.
    MissingKey {
        key: &'static str,
        within: Option<&'static str>,
    },
    Other(String),
}

impl Fault {
    fn new(kind: FaultKind) -> Self {
        Self { path: Vec::new(), kind }
    }

    fn expected(node: &Node, expected: impl Into<String>) -> Self {
        Self::new(FaultKind::Type { found: describe(node), expected: expected.into() })
    }

    fn through(mut self, step: Step) -> Self {
        self.path.push(step);
        self
    }
}

impl Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.kind)
    }
}

impl std::error::Error for Fault {}

impl de::Error for Fault {
    fn custom<T: Display>(message: T) -> Self {
        Self::new(FaultKind::Other(message.to_string()))
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::new(FaultKind::Type { found: describe_unexpected(found), expected: plain_words(&expected.to_string()).to_owned() })
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::invalid_type(found, expected)
    }

    fn unknown_field(key: &str, known: &'static [&'static str]) -> Self {
        Self::new(FaultKind::UnknownKey { key: key.to_owned(), known: known.to_vec() })
    }

    fn unknown_variant(choice: &str, known: &'static [&'static str]) -> Self {
        Self::new(FaultKind::UnknownChoice { choice: choice.to_owned(), known: known.to_vec() })
    }

    fn missing_field(key: &'static str) -> Self {
        Self::new(FaultKind::MissingKey { key, within: None })
    }
}

/// A value in the words of a message.
pub fn describe(node: &Node) -> String {
    match &node.data {
        Data::List(_) => "a list".to_owned(),
        Data::Map(_) => "a map".to_owned(),
        Data::Scalar { value: Value::Null, .. } => "nothing".to_owned(),
        Data::Scalar { value: Value::Bool(v), .. } => format!("`{v}`"),
        Data::Scalar { value: Value::Number(_), text, .. } => format!("the number {text}"),
        Data::Scalar { text, .. } => format!("the text `{text}`"),
    }
}

fn describe_unexpected(found: Unexpected<'_>) -> String {
    match found {
        Unexpected::Str(v) => format!("the text `{v}`"),
        Unexpected::Signed(v) => format!("the number {v}"),
        Unexpected::Unsigned(v) => format!("the number {v}"),
        Unexpected::Float(v) => format!("the number {v}"),
        Unexpected::Bool(v) => format!("`{v}`"),
        Unexpected::Unit | Unexpected::Option => "nothing".to_owned(),
        Unexpected::Seq => "a list".to_owned(),
        Unexpected::Map => "a map".to_owned(),
        other => other.to_string(),
    }
}

/// serde's words for a type in those of a user.
fn plain_words(expected: &str) -> &str {
    match expected {
        "f64" => "a number",
        "u32" | "u64" | "usize" => "a whole number, 0 or more",
        "a boolean" => "true or false",
        "a string" | "a borrowed string" => "text",
        "a sequence" => "a list",
        other => other,
    }
}

/// Reads a `T` from a tree.
pub fn from_tree<'de, T: Deserialize<'de>>(node: &'de Node) -> Result<T, Fault> {
    T::deserialize(De { node })
}

#[derive(Clone, Copy)]
struct De<'de> {
    node: &'de Node,
}

impl<'de> Deserializer<'de> for De<'de> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match &self.node.data {
            Data::List(items) => visitor.visit_seq(Items { items, next: 0 }),
            Data::Map(entries) => visitor.visit_map(Entries { entries, next: 0 }),
            Data::Scalar { value, text, .. } => match value {
                Value::Null => visitor.visit_unit(),
                Value::Bool(v) => visitor.visit_bool(*v),
                Value::Number(v) => match (v.as_u64(), v.as_i64(), v.as_f64()) {
                    (Some(v), _, _) => visitor.visit_u64(v),
                    (None, Some(v), _) => visitor.visit_i64(v),
                    (None, None, Some(v)) if v.is_finite() => visitor.visit_f64(v),
                    _ => Err(Fault::expected(self.node, "a finite number")),
                },
                _ => visitor.visit_borrowed_str(text),
            },
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match &self.node.data {
            Data::Scalar { value: Value::Null, .. } => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(self, name: &'static str, _: &'static [&'static str], visitor: V) -> Result<V::Value, Fault> {
        let Data::Map(entries) = &self.node.data else { return Err(Fault::expected(self.node, "a map")) };
        visitor.visit_map(Entries { entries, next: 0 }).map_err(|mut fault| {
            if let FaultKind::MissingKey { within: within @ None, .. } = &mut fault.kind {
                *within = Some(name);
            }
            fault
        })
    }

    fn deserialize_enum<V: Visitor<'de>>(self, name: &'static str, variants: &'static [&'static str], visitor: V) -> Result<V::Value, Fault> {
        let words_with_defaults = WORDS_WITH_DEFAULTS.contains(&name);
        match &self.node.data {
            Data::Map(entries) if entries.len() == 1 => visitor.visit_enum(Choice::Map(&entries[0], self.node)),
            Data::Map(entries) if entries.is_empty() => Err(Fault::expected(self.node, format!("one of {}", listed(variants)))),
            Data::Map(_) => Err(Fault::new(FaultKind::Other(format!("one choice is taken here, out of {}", listed(variants)))).through(Step::Key(1))),
            Data::Scalar { value: Value::String(_), text, .. } => visitor.visit_enum(Choice::Word { text, node: self.node, words_with_defaults }),
            Data::Scalar { .. } | Data::List(_) => Err(Fault::expected(self.node, format!("one of {}", listed(variants)))),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, Fault> {
        match name {
            PLACED => visitor.visit_seq(WithSpan { span: self.node.pointer(), next: 0, value: self }),
            LITERAL => match &self.node.data {
                Data::Scalar { value: Value::Bool(_) | Value::Number(_) | Value::String(_), text, .. } => {
                    visitor.visit_seq(WithSpan { span: self.node.span, next: 0, value: text.as_str().into_deserializer() })
                }
                _ => Err(Fault::expected(self.node, "a text, a number, true or false")),
            },
            ONE_OR_MANY => match &self.node.data {
                Data::List(items) => visitor.visit_seq(Items { items, next: 0 }),
                Data::Scalar { .. } | Data::Map(_) => visitor.visit_newtype_struct(self),
            },
            LITERAL_OR_MAP => match &self.node.data {
                Data::Map(entries) => visitor.visit_map(Entries { entries, next: 0 }),
                Data::Scalar { .. } | Data::List(_) => visitor.visit_newtype_struct(self),
            },
            _ => visitor.visit_newtype_struct(self),
        }
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map identifier ignored_any
    }
}

pub fn listed(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

struct Items<'de> {
    items: &'de [Node],
    next: usize,
}

impl<'de> de::SeqAccess<'de> for Items<'de> {
    type Error = Fault;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Fault> {
        let Some(node) = self.items.get(self.next) else { return Ok(None) };
        self.next += 1;
        seed.deserialize(De { node }).map(Some).map_err(|fault| fault.through(Step::Item(self.next - 1)))
    }
}

struct Entries<'de> {
    entries: &'de [(Key, Node)],
    next: usize,
}

impl<'de> de::MapAccess<'de> for Entries<'de> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Fault> {
        let Some((key, _)) = self.entries.get(self.next) else { return Ok(None) };
        seed.deserialize(KeyDe { key }).map(Some).map_err(|fault| fault.through(Step::Key(self.next)))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Fault> {
        let Some((_, node)) = self.entries.get(self.next) else { return Err(de::Error::custom("a value was asked for after the last key")) };
        self.next += 1;
        seed.deserialize(De { node }).map_err(|fault| fault.through(Step::Value(self.next - 1)))
    }
}

struct KeyDe<'de> {
    key: &'de Key,
}

impl<'de> Deserializer<'de> for KeyDe<'de> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_borrowed_str(&self.key.text)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, Fault> {
        match name {
            PLACED | LITERAL => visitor.visit_seq(WithSpan { span: self.key.span, next: 0, value: self.key.text.as_str().into_deserializer() }),
            _ => visitor.visit_newtype_struct(self),
        }
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct seq tuple
        tuple_struct map struct enum identifier ignored_any
    }
}

/// A choice: a word, or a map with one key.
enum Choice<'de> {
    Word { text: &'de str, node: &'de Node, words_with_defaults: bool },
    Map(&'de (Key, Node), &'de Node),
}

impl<'de> de::EnumAccess<'de> for Choice<'de> {
    type Error = Fault;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Fault> {
        match &self {
            Self::Word { text, .. } => Ok((seed.deserialize((*text).into_deserializer())?, self)),
            Self::Map((key, _), _) => {
                let variant = seed.deserialize(KeyDe { key }).map_err(|fault: Fault| fault.through(Step::Key(0)))?;
                Ok((variant, self))
            }
        }
    }
}

impl<'de> de::VariantAccess<'de> for Choice<'de> {
    type Error = Fault;

    fn unit_variant(self) -> Result<(), Fault> {
        match self {
            Self::Word { .. } => Ok(()),
            Self::Map((key, _), node) => Err(Fault::expected(node, format!("the word `{}` alone", key.text))),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Fault> {
        match self {
            Self::Word { words_with_defaults: true, .. } => {
                seed.deserialize(de::value::MapDeserializer::<_, Fault>::new(std::iter::empty::<(&str, &str)>()))
            }
            Self::Word { text, node, words_with_defaults: false } => Err(Fault::expected(node, format!("a map such as `{{ {text}: {{}} }}`"))),
            Self::Map((_, node), _) => seed.deserialize(De { node }).map_err(|fault| fault.through(Step::Value(0))),
        }
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, Fault> {
        Err(de::Error::custom("the format has no choice that is a tuple"))
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], _: V) -> Result<V::Value, Fault> {
        Err(de::Error::custom("the format has no choice that is a struct of its own"))
    }
}

/// line, column, length, value: what the types of [`super::placed`] read.
struct WithSpan<D> {
    span: Span,
    next: u8,
    value: D,
}

impl<'de, D: Deserializer<'de, Error = Fault> + Take> de::SeqAccess<'de> for WithSpan<D> {
    type Error = Fault;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Fault> {
        self.next += 1;
        match self.next {
            1 => seed.deserialize(self.span.line.into_deserializer()).map(Some),
            2 => seed.deserialize(self.span.col.into_deserializer()).map(Some),
            3 => seed.deserialize(self.span.len.into_deserializer()).map(Some),
            4 => seed.deserialize(self.value.take()).map(Some),
            _ => Ok(None),
        }
    }
}

/// A deserializer that is a reference and can be handed out again.
trait Take {
    fn take(&self) -> Self;
}

impl Take for De<'_> {
    fn take(&self) -> Self {
        *self
    }
}

impl Take for de::value::StrDeserializer<'_, Fault> {
    fn take(&self) -> Self {
        *self
    }
}
