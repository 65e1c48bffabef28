//! A study file to start from: `gapshare init`.

use super::resolve::seen_from;
use crate::cohort::inputs::Input;
use crate::cohort::plan::{CohortPlan, ColumnInfo, Columns, Format, Kind, Named, OnBadValue, TablePlan, UnitPlan};
use crate::cohort::sources::{Model, tables_in};
use crate::error::{Problem, Problems, codes};
use indexmap::IndexMap;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

const SOURCE: &str = include_str!("start/source.yaml");
const TABLES: &str = include_str!("start/tables.yaml");

/// What the study reads.
pub enum From<'a> {
    Source(&'static Model),
    /// Any folder of tables; the function says which columns the joined row of a cohort has.
    Tables(&'a dyn Fn(&CohortPlan) -> Result<Columns, Problems>),
}

/// Writes a study file for the tables in `dir`; returns its path: `out`, or the name of the study in the current folder.
///
/// Errors: G202 for a folder that holds no such tables; G203 for tables with too few columns; G233 if the file is there already.
pub fn start(from: &From<'_>, dir: &Path, out: Option<&Path>) -> Result<PathBuf, Problems> {
    let name = match from {
        From::Source(model) => model.name,
        From::Tables(_) => "study",
    };
    let path = out.map_or_else(|| PathBuf::from(format!("{name}.yaml")), Path::to_owned);
    let folder = super::plan::folder_of(&path);
    let seen = seen_from(&dir.to_string_lossy(), Path::new("."), folder);
    let text = match from {
        From::Source(model) => of_source(model, dir, &seen)?,
        From::Tables(columns_of) => of_tables(dir, &seen, *columns_of)?,
    };
    let written = std::fs::OpenOptions::new().write(true).create_new(true).open(&path).and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|e| {
        vec![if e.kind() == ErrorKind::AlreadyExists {
            Problem::error(codes::G233, format!("{} exists; it is left as it is", path.display())).help("name another file with --out")
        } else {
            Problem::error(codes::G212, format!("{} cannot be written: {e}", path.display()))
        }]
    })?;
    Ok(path)
}

fn unusable(dir: &Path, what: &str) -> Problems {
    vec![Problem::error(codes::G202, format!("`{}` {what}", dir.display()))]
}

fn of_source(model: &'static Model, dir: &Path, seen: &str) -> Result<String, Problems> {
    let there = tables_in(model, dir).map_err(|what| unusable(dir, &what))?;
    if let Some(missing) = ["patients", "encounters"].iter().find(|t| !there.contains(*t)) {
        let base = model.tables.iter().find(|t| t.name == *missing).map_or("", |t| t.base).to_uppercase();
        return Err(unusable(dir, &format!("has no {base}, which the study's `{missing}` are made of")));
    }
    let (hospitals, hospital_block) = if there.contains(&"hospitals") {
        (
            "    # Encounters without a hospital, or with one that is not listed, stay and hold nulls.\n    - { table: hospitals, by: hospital_id, unmatched: keep }\n",
            "  # hospital: [{ hospital_id: { fixed_effects: {} } }]    # where hospitals treat both groups; then also `cluster: hospital_id`\n",
        )
    } else {
        ("", "")
    };
    let filled = SOURCE
        .replace("@TITLE@", model.title)
        .replace("@NAME@", model.name)
        .replace("@DIR@", &quoted(seen))
        .replace("@HOSPITALS@", hospitals)
        .replace("@HOSPITAL_BLOCK@", hospital_block)
        .replace("@TABLES@", &there.join(", "));
    Ok(filled)
}

/// A table of the folder with its columns.
struct Found {
    name: String,
    file: String,
    columns: IndexMap<String, ColumnInfo>,
}

fn of_tables(dir: &Path, seen: &str, columns_of: &dyn Fn(&CohortPlan) -> Result<Columns, Problems>) -> Result<String, Problems> {
    let entries = std::fs::read_dir(dir).map_err(|e| unusable(dir, &format!("cannot be read: {e}")))?;
    let mut files: Vec<String> = entries.filter_map(|e| e.ok()?.file_name().into_string().ok()).filter(|n| dir.join(n).is_file()).collect();
    files.sort();
    let mut found: Vec<Found> = Vec::new();
    let mut problems = Problems::new();
    for file in files {
        let Some((stem, format)) = Format::of_name(&file) else { continue };
        let mut name: String = stem.to_lowercase().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
        while found.iter().any(|t| t.name == name) || Model::named(&name).is_some() {
            name.push('_');
        }
        match columns_of(&alone(&name, &file, dir, format)) {
            Ok(columns) => found.push(Found { name, file, columns: columns.by_name }),
            Err(p) => problems.extend(p),
        }
    }
    if found.is_empty() {
        problems.extend(unusable(dir, "holds no table that can be read: .csv, .csv.gz, .tsv, .parquet, .arrow, .ipc, .feather, .ndjson, .jsonl"));
        return Err(problems);
    }
    // What makes a table the likeliest one to have a row a unit: an outcome, a group, many columns.
    let likely = |t: &&Found| {
        (group_of(t).is_some_and(|g| looks_like(g, GROUPS)), outcome_of(t, "").is_some_and(|o| looks_like(o, OUTCOMES)), t.columns.len())
    };
    let unit = found.iter().rev().max_by_key(likely).ok_or_else(Problems::new)?;
    let group = group_of(unit).unwrap_or_default();
    let outcome = outcome_of(unit, group);
    let usable = |name: &str, info: &ColumnInfo| matches!(info.kind, Kind::Number | Kind::Text | Kind::Boolean) && !is_id(name);
    let variables: Vec<&str> = unit
        .columns
        .iter()
        .filter(|(name, info)| usable(name, info) && name.as_str() != group && Some(name.as_str()) != outcome)
        .map(|(name, _)| name.as_str())
        .collect();
    let (Some(outcome), Some((last, first))) = (outcome.filter(|_| !group.is_empty()), variables.split_last()) else {
        let message = format!("no table of `{}` has columns for a group, an outcome and a variable", dir.display());
        return Err(vec![Problem::error(codes::G203, message).help("bring them into one table, or write the study file by hand")]);
    };
    let allowable = if first.is_empty() { Vec::new() } else { vec![first[0]] };
    let block: Vec<&str> = first.iter().skip(1).take(9).copied().chain([*last]).collect();
    let family = match unit.columns.get(outcome).map(|c| c.kind) {
        Some(Kind::Number) => "family: gaussian".to_owned(),
        Some(Kind::Boolean) => "family: binomial".to_owned(),
        _ => "family: binomial, event: [REPLACE_EVENT]".to_owned(),
    };
    let key = unit.columns.keys().find(|name| is_id(name)).map_or_else(String::new, |k| format!(", key: {}", quoted(k)));
    let tables: Vec<String> =
        found.iter().map(|t| format!("  {}: {{ path: {} }}", t.name, quoted(&format!("{}/{}", seen.trim_end_matches('/'), t.file)))).collect();
    let joins: Vec<String> = found.iter().filter(|t| t.name != unit.name).filter_map(|t| join(unit, t)).collect();
    let list = |names: &[&str]| names.iter().map(|n| quoted(n)).collect::<Vec<_>>().join(", ");
    Ok(TABLES
        .replace("@TABLES@", &tables.join("\n"))
        .replace("@UNIT@", &unit.name)
        .replace("@KEY@", &key)
        .replace("@JOINS@", &joins.iter().map(|j| format!("  #   {j}\n")).collect::<String>())
        .replace("@GROUP@", &quoted(group))
        .replace("@OUTCOME@", &quoted(outcome))
        .replace("@FAMILY@", &family)
        .replace("@ALLOWABLE@", &list(&allowable))
        .replace("@BLOCK@", &list(&block)))
}

/// A plan that looks at one table.
fn alone(name: &str, file: &str, dir: &Path, format: Format) -> CohortPlan {
    let table = TablePlan {
        name: name.to_owned(),
        place: None,
        path: file.to_owned(),
        resolved: dir.join(file),
        path_place: None,
        input: Input::Files(format),
        null_values: vec![String::new()],
        types: IndexMap::new(),
        on_bad_value: OnBadValue::Error,
    };
    CohortPlan {
        tables: IndexMap::from([(name.to_owned(), table)]),
        unit: UnitPlan { table: Named { name: name.to_owned(), place: None }, key: None },
        steps: Vec::new(),
    }
}

const GROUPS: &[&str] = &["race", "ethnic", "group"];
const OUTCOMES: &[&str] = &["death", "died", "dead", "mortal", "readm", "outcome", "complication", "length", "los", "days", "cost", "charge"];

fn looks_like(name: &str, words: &[&str]) -> bool {
    let lower = name.to_lowercase();
    words.iter().any(|w| lower.contains(w))
}

fn is_id(name: &str) -> bool {
    let lower = name.to_lowercase();
    lower == "id" || lower.ends_with("_id") || lower.ends_with(" id") || lower.ends_with("key") || lower.ends_with("number") || name.ends_with("Id")
}

fn group_of(table: &Found) -> Option<&str> {
    let names = || table.columns.iter().filter(|(name, info)| matches!(info.kind, Kind::Text | Kind::Number | Kind::Boolean) && !is_id(name));
    let by_name = names().find(|(name, _)| looks_like(name, GROUPS));
    by_name.or_else(|| names().find(|(_, info)| info.kind == Kind::Text)).or_else(|| names().next()).map(|(name, _)| name.as_str())
}

fn outcome_of<'t>(table: &'t Found, group: &str) -> Option<&'t str> {
    let usable = |info: &ColumnInfo| matches!(info.kind, Kind::Number | Kind::Text | Kind::Boolean);
    let names = || table.columns.iter().filter(|(name, info)| usable(info) && name.as_str() != group && !is_id(name));
    let by_name = names().find(|(name, _)| looks_like(name, OUTCOMES));
    by_name.or_else(|| names().rev().find(|(_, info)| info.kind == Kind::Number)).or_else(|| names().next_back()).map(|(name, _)| name.as_str())
}

/// A join that the names of columns suggest.
fn join(unit: &Found, other: &Found) -> Option<String> {
    let by = other.columns.keys().find(|name| is_id(name) && unit.columns.contains_key(*name))?;
    Some(format!("- {{ table: {}, by: {}, prefix: {}_ }}", other.name, quoted(by), other.name))
}

/// A name as YAML reads it back: bare where that is safe.
fn quoted(name: &str) -> String {
    let plain = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let word = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"].contains(&name.to_lowercase().as_str());
    if plain && !word { name.to_owned() } else { serde_json::Value::from(name).to_string() }
}
