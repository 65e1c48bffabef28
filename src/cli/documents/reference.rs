//! The reference of the study file, from its JSON Schema.

use crate::study;
use serde_json::Value;

/// docs/study_file.md.
pub fn study_file() -> String {
    let schema: Value = serde_json::from_str(&study::schema_json()).unwrap_or(Value::Null);
    let book = Book { schema: &schema };
    let mut out = format!(
        "{}\n# The study file, key by key\n\nYAML 1.2. Unknown and duplicate keys are refused, with their place. A default stands where one is given; keys without one and \
         marked \\* must be there. The same as a JSON Schema, for editors: [study.schema.json](study.schema.json).\n",
        super::MADE
    );
    out.push_str(&book.section("The file", &schema));
    for name in book.order() {
        if let Some(of) = schema.pointer(&format!("/$defs/{name}")).filter(|of| !book.is_plain(of)) {
            out.push_str(&book.section(&title(&name), of));
        }
    }
    out
}

/// `WithAndWithoutFile` as `With and without`.
fn title(name: &str) -> String {
    let mut out = String::new();
    for c in name.strip_suffix("File").unwrap_or(name).chars() {
        if c.is_uppercase() && !out.is_empty() {
            out.push(' ');
            out.extend(c.to_lowercase());
        } else {
            out.push(c);
        }
    }
    out
}

struct Book<'a> {
    schema: &'a Value,
}

impl Book<'_> {
    /// The definitions in the order in which they are first referred to.
    fn order(&self) -> Vec<String> {
        fn collect(book: &Book<'_>, of: &Value, out: &mut Vec<String>) {
            match of {
                Value::Object(map) => {
                    if let Some(name) = map.get("$ref").and_then(Value::as_str).and_then(|r| r.strip_prefix("#/$defs/"))
                        && !out.iter().any(|n| n == name)
                    {
                        out.push(name.to_owned());
                        if let Some(found) = book.schema.pointer(&format!("/$defs/{name}")) {
                            collect(book, found, out);
                        }
                    }
                    map.iter().filter(|(key, _)| *key != "$defs").for_each(|(_, v)| collect(book, v, out));
                }
                Value::Array(list) => list.iter().for_each(|v| collect(book, v, out)),
                _ => {}
            }
        }
        let mut out = Vec::new();
        collect(self, self.schema, &mut out);
        out
    }

    fn found<'b>(&'b self, of: &'b Value) -> Option<(&'b str, &'b Value)> {
        let name = of.get("$ref").and_then(Value::as_str)?.strip_prefix("#/$defs/")?;
        Some((name, self.schema.pointer(&format!("/$defs/{name}"))?))
    }

    /// Whether a definition says all in a word or two and needs no section.
    fn is_plain(&self, of: &Value) -> bool {
        let has = |key: &str| of.get(key).is_some_and(|v| v.as_object().is_none_or(|o| !o.is_empty()));
        let described =
            |list: &Value| list.as_array().is_some_and(|l| l.iter().any(|v| v.get("description").is_some() || v.get("properties").is_some()));
        let choices = ["oneOf", "anyOf"].iter().filter_map(|key| of.get(*key)).any(described);
        !(choices || has("properties") || of.get("additionalProperties").is_some_and(Value::is_object))
    }

    /// What a key takes, in a few words.
    fn takes(&self, of: &Value) -> String {
        if let Some((name, found)) = self.found(of) {
            return if self.is_plain(found) {
                self.takes(found)
            } else {
                format!("[{}](#{})", title(name), title(name).to_lowercase().replace(' ', "-"))
            };
        }
        if let Some(value) = of.get("const") {
            return code(value);
        }
        if let Some(values) = of.get("enum").and_then(Value::as_array) {
            return values.iter().map(code).collect::<Vec<_>>().join(" / ");
        }
        for key in ["anyOf", "oneOf"] {
            if let Some(choices) = of.get(key).and_then(Value::as_array) {
                let words: Vec<String> = choices.iter().map(|c| self.takes(c)).filter(|w| w != "null" && !w.is_empty()).collect();
                return words.join(" or ");
            }
        }
        let kinds: Vec<&str> = match of.get("type") {
            Some(Value::String(kind)) => vec![kind.as_str()],
            Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).filter(|k| *k != "null").collect(),
            _ => Vec::new(),
        };
        let words = kinds.iter().map(|kind| match *kind {
            "array" => format!("list of {}", of.get("items").map_or_else(String::new, |items| self.takes(items))),
            "object" => match of.get("additionalProperties").filter(|v| v.is_object()) {
                Some(values) => format!("map of names to {}", self.takes(values)),
                None if of.get("properties").is_some() => "map".to_owned(),
                None => "`{}`".to_owned(),
            },
            "string" => "text".to_owned(),
            other => other.to_owned(),
        });
        words.collect::<Vec<_>>().join(", ")
    }

    fn section(&self, title: &str, of: &Value) -> String {
        let mut out = format!("\n## {title}\n");
        if let Some(text) = of.get("description").and_then(Value::as_str) {
            out.push_str(&format!("\n{}\n", line(text)));
        }
        let rows = self.rows(of);
        if !rows.is_empty() {
            out.push_str("\n| key | takes | default | |\n|---|---|---|---|\n");
            out.push_str(&rows.concat());
        }
        if let Some(choices) = ["oneOf", "anyOf"].iter().find_map(|key| of.get(*key)).and_then(Value::as_array) {
            let rows: Vec<String> = choices.iter().flat_map(|choice| self.choice(choice)).collect();
            // A rule on which keys go together is no list of choices.
            if !rows.is_empty() {
                out.push_str("\nOne of:\n\n");
                out.push_str(&rows.concat());
            }
        }
        out
    }

    fn rows(&self, of: &Value) -> Vec<String> {
        let required: Vec<&str> = of.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
        let mut out: Vec<String> = of
            .get("properties")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
            .map(|(key, value)| {
                let star = if required.contains(&key.as_str()) { " \\*" } else { "" };
                let default = value.get("default").filter(|d| !d.is_null()).map_or_else(String::new, code);
                let says = value.get("description").and_then(Value::as_str).unwrap_or_default();
                format!("| `{key}`{star} | {} | {default} | {} |\n", cell(&self.takes(value)), cell(&line(says)))
            })
            .collect();
        if let Some(values) = of.get("additionalProperties").filter(|v| v.is_object()) {
            let says = values.get("description").and_then(Value::as_str).unwrap_or_default();
            out.push(format!("| any name | {} | | {} |\n", cell(&self.takes(values)), cell(&line(says))));
        }
        out
    }

    /// A choice as a line of a list, or the options of a map written out.
    fn choice(&self, of: &Value) -> Vec<String> {
        let says = of.get("description").and_then(Value::as_str).map_or_else(String::new, |text| format!(": {}", line(text)));
        match of.get("properties").and_then(Value::as_object) {
            Some(properties) => {
                let keys: Vec<String> = properties.iter().map(|(key, value)| format!("`{key}:` {}", self.takes(value))).collect();
                vec![format!("- {}{says}\n", keys.join(" with "))]
            }
            None => {
                let takes = self.takes(of);
                if takes.is_empty() || takes == "null" { Vec::new() } else { vec![format!("- {takes}{says}\n")] }
            }
        }
    }
}

fn code(value: &Value) -> String {
    format!("`{}`", value.as_str().map_or_else(|| value.to_string(), str::to_owned))
}

fn line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}
