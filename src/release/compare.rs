//! What differs between two result folders, and why: inputs by hash, the study file key by key, version, seed; and the numbers,
//! table by table, rows matched by their key.

mod cells;
mod told;

pub use cells::{CellChange, TableDifference};

use super::Table;
use super::manifest::RunManifest;
use super::read::read_results_of_any_version;
use super::schema::TABLES;
use crate::error::{Problem, Problems, codes};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Component, Path, PathBuf};

/// What two results have in common and what not; `a` is the first folder, `b` the second.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Comparison {
    /// Why numbers may differ.
    pub causes: Vec<Cause>,
    /// Tables whose cells differ, in the order in which they are written.
    pub tables: Vec<TableDifference>,
    /// Tables that are the same.
    pub same: Vec<&'static str>,
    /// Columns that only one of them has, being of another version: (table, column, whether it is the first that has it).
    pub columns: Vec<(&'static str, String, bool)>,
}

/// One thing that the results depend on and that is not the same.
#[derive(Clone, Debug, PartialEq)]
pub enum Cause {
    Version {
        a: String,
        b: String,
    },
    /// The seed of an analysis that draws random numbers.
    Seed {
        of: String,
        a: Option<u64>,
        b: Option<u64>,
    },
    /// A key of the study with every default written out, as a path such as `analyses.primary.with_and_without.estimator`.
    Study {
        key: String,
        a: Option<String>,
        b: Option<String>,
    },
    /// A file of a table: sha256 and rows on each side, `None` where it is not read.
    Input {
        table: String,
        file: String,
        a: Option<InputSide>,
        b: Option<InputSide>,
    },
}

/// An input file as one run read it.
#[derive(Clone, Debug, PartialEq)]
pub struct InputSide {
    pub sha256: String,
    pub rows: Option<u64>,
}

impl Comparison {
    /// Whether every table holds the same cells.
    pub fn same_numbers(&self) -> bool {
        self.tables.is_empty()
    }

    /// 0 when every table is the same, else 1.
    pub fn exit_code(&self) -> u8 {
        u8::from(!self.same_numbers())
    }
}

/// Compares two result folders. Two numbers are the same when they differ by at most `tolerance` times the larger of them.
///
/// Errors: `G202` for a folder without results.json, run.json or study.resolved.yaml, or with one that cannot be read.
pub fn compare(a: &Path, b: &Path, tolerance: f64) -> Result<Comparison, Problems> {
    let (runs, results) = ([RunManifest::read(a)?, RunManifest::read(b)?], [read_results_of_any_version(a)?, read_results_of_any_version(b)?]);
    let mut out = Comparison::default();
    let [run_a, run_b] = &runs;
    if run_a.version != run_b.version {
        out.causes.push(Cause::Version { a: run_a.version.clone(), b: run_b.version.clone() });
    }
    for of in run_a.seeds.keys().chain(run_b.seeds.keys().filter(|of| !run_a.seeds.contains_key(*of))) {
        let (a, b) = (run_a.seeds.get(of).copied(), run_b.seeds.get(of).copied());
        if a != b {
            out.causes.push(Cause::Seed { of: of.clone(), a, b });
        }
    }
    let (study_a, study_b) = (resolved_study(a)?, resolved_study(b)?);
    differing_keys("", &study_a, &study_b, &mut out.causes);
    differing_inputs(run_a, run_b, &mut out.causes);
    for decl in TABLES {
        if let (Some(a), Some(b)) = (results[0].get(decl), results[1].get(decl))
            && !a.rows.is_empty()
            && !b.rows.is_empty()
        {
            let only = |x: &Table, y: &Table, first| {
                let missing = x.columns.iter().filter(|c| !y.columns.contains(c));
                missing.map(|c| (decl.name, c.clone(), first)).collect::<Vec<_>>()
            };
            out.columns.extend(only(a, b, true));
            out.columns.extend(only(b, a, false));
        }
        match cells::difference(decl.name, results[0].get(decl), results[1].get(decl), tolerance) {
            Some(found) => out.tables.push(found),
            None if results.iter().any(|r| r.get(decl).is_some()) => out.same.push(decl.name),
            None => {}
        }
    }
    Ok(out)
}

/// study.resolved.yaml as data, paths of tables made absolute: the two folders may lie at different depths.
fn resolved_study(dir: &Path) -> Result<Value, Problems> {
    let path = dir.join("study.resolved.yaml");
    let unreadable = |e: String| vec![Problem::error(codes::G202, format!("{} cannot be read: {e}", path.display()))];
    let text = fs::read_to_string(&path).map_err(|e| unreadable(e.to_string()))?;
    let mut study: Value = serde_yaml::from_str(&text).map_err(|e| unreadable(e.to_string()))?;
    let folder = std::path::absolute(dir).unwrap_or_else(|_| dir.to_owned());
    if let Some(tables) = study.get_mut("tables").and_then(Value::as_object_mut) {
        for path in tables.values_mut().filter_map(|t| t.get_mut("path")) {
            if let Some(written) = path.as_str().filter(|p| !p.starts_with("${")) {
                *path = Value::from(lexical(&folder.join(written)).display().to_string());
            }
        }
    }
    Ok(study)
}

/// The path without `.` and `..`, links not followed.
fn lexical(path: &Path) -> PathBuf {
    path.components().fold(PathBuf::new(), |mut out, part| {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                out.pop();
            }
            other => out.push(other),
        }
        out
    })
}

/// The keys at which two values differ. Maps are compared key by key and in order, as the order of maps counts; anything else whole.
fn differing_keys(at: &str, a: &Value, b: &Value, out: &mut Vec<Cause>) {
    let (Some(map_a), Some(map_b)) = (a.as_object(), b.as_object()) else {
        if a != b {
            out.push(Cause::Study { key: at.to_owned(), a: shown(Some(a)), b: shown(Some(b)) });
        }
        return;
    };
    let below = |key: &str| if at.is_empty() { key.to_owned() } else { format!("{at}.{key}") };
    for (key, value) in map_a {
        match map_b.get(key) {
            Some(other) => differing_keys(&below(key), value, other, out),
            None => out.push(Cause::Study { key: below(key), a: shown(Some(value)), b: None }),
        }
    }
    for (key, value) in map_b.iter().filter(|(key, _)| !map_a.contains_key(*key)) {
        out.push(Cause::Study { key: below(key), a: None, b: shown(Some(value)) });
    }
    let order = |map: &serde_json::Map<String, Value>, other: &serde_json::Map<String, Value>| -> Vec<String> {
        map.keys().filter(|k| other.contains_key(*k)).cloned().collect()
    };
    let (in_a, in_b) = (order(map_a, map_b), order(map_b, map_a));
    if in_a != in_b {
        out.push(Cause::Study { key: format!("{at} (order)"), a: Some(in_a.join(", ")), b: Some(in_b.join(", ")) });
    }
}

fn shown(value: Option<&Value>) -> Option<String> {
    value.map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned))
}

/// Files that one run read and the other did not, or with other bytes. Files are matched by table and by their name as written.
fn differing_inputs(a: &RunManifest, b: &RunManifest, out: &mut Vec<Cause>) {
    let name = |written: &str| Path::new(written).file_name().map_or_else(|| written.to_owned(), |n| n.to_string_lossy().into_owned());
    let mut files: BTreeMap<(String, String), [Option<InputSide>; 2]> = BTreeMap::new();
    for (side, run) in [a, b].into_iter().enumerate() {
        for input in &run.inputs {
            let entry = files.entry((input.table.clone(), name(&input.written))).or_default();
            entry[side] = Some(InputSide { sha256: input.sha256.clone(), rows: input.rows });
        }
    }
    for ((table, file), [a, b]) in files {
        if a.as_ref().map(|s| &s.sha256) != b.as_ref().map(|s| &s.sha256) {
            out.push(Cause::Input { table, file, a, b });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn keys_that_differ_are_named_by_their_path() {
        let a = json!({ "x": { "y": 1, "z": [1, 2] }, "only_a": true, "k": { "p": 1, "q": 2 } });
        let b = json!({ "x": { "y": 2, "z": [1, 2] }, "k": { "q": 2, "p": 1 }, "only_b": "t" });
        let mut out = Vec::new();
        differing_keys("", &a, &b, &mut out);
        let of = |key: &str, a: Option<&str>, b: Option<&str>| Cause::Study { key: key.into(), a: a.map(Into::into), b: b.map(Into::into) };
        assert_eq!(
            out,
            [
                of("x.y", Some("1"), Some("2")),
                of("only_a", Some("true"), None),
                of("k (order)", Some("p, q"), Some("q, p")),
                of("only_b", None, Some("t")),
            ]
        );
    }

    #[test]
    fn paths_are_the_same_from_any_depth() {
        assert_eq!(lexical(Path::new("/a/r/x/../../d.csv")), lexical(Path::new("/a/r/x/y/../../../d.csv")));
    }
}
