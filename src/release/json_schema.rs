//! The JSON Schema of results.json, from the declarations of the tables and of the study's description.

use super::Meta;
use super::schema::{ATTRITION, ColumnDecl, Kind, TABLES, TableDecl};
use super::write::SCHEMA_VERSION;
use serde_json::{Map, Value, json};

/// The schema as `gapshare schema results --json` prints it; docs/results.schema.json is this text.
///
/// Further tables and columns may follow in later versions of the same `schema_version`, so neither is closed.
pub fn results_schema() -> String {
    let meta = schemars::schema_for!(Meta);
    let mut meta = meta.as_value().clone();
    let defs = meta.as_object_mut().and_then(|m| m.remove("$defs")).unwrap_or_else(|| json!({}));
    if let Some(meta) = meta.as_object_mut() {
        meta.remove("$schema");
        meta.insert("description".into(), "What was studied, and how.".into());
    }
    let mut properties = Map::new();
    properties.insert("schema_version".into(), json!({ "const": SCHEMA_VERSION, "description": "Version of this layout." }));
    properties.insert("meta".into(), meta);
    properties.extend(TABLES.iter().map(|t| (t.name.to_owned(), table(t))));
    let schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "results.json of gapshare",
        "description": "The result tables as arrays of objects, with what was studied under `meta`. Numbers are in full precision; a cell that is withheld is null in a row whose `withheld` is true.",
        "type": "object",
        "properties": properties,
        "required": ["schema_version", "meta"],
        "$defs": defs,
    });
    format!("{schema:#}\n")
}

fn table(t: &TableDecl) -> Value {
    let several = |c: &&ColumnDecl| !(t.name == ATTRITION.name && c.name == "n_index");
    let properties: Map<String, Value> = t.columns.iter().map(|c| (c.name.to_string(), column(c))).collect();
    let required: Vec<&str> = t.columns.iter().filter(several).map(|c| c.name.as_ref()).collect();
    let mut row = json!({ "type": "object", "properties": properties, "required": required });
    if t.name == ATTRITION.name
        && let Some(row) = row.as_object_mut()
    {
        // With several index groups a column each takes the place of n_index.
        row.insert("patternProperties".into(), json!({ "^n_": { "type": ["integer", "null"] } }));
    }
    json!({ "type": "array", "description": format!("A row is {}.", t.row), "items": row })
}

fn column(c: &ColumnDecl) -> Value {
    let kind = match c.kind {
        Kind::Text => "string",
        Kind::Integer => "integer",
        Kind::Number => "number",
        Kind::Boolean => "boolean",
    };
    let kind = if c.nullable() { json!([kind, "null"]) } else { json!(kind) };
    let unit = if c.unit.is_empty() { String::new() } else { format!(" Unit: {}.", c.unit) };
    json!({ "type": kind, "description": format!("{}{unit}", c.doc) })
}
