//! The result folder: tables as CSV, results.json, SCHEMA.csv, the report and run.json, written beside the folder and moved
//! into place at the end.
//!
//! CSV is UTF-8 with commas and a header; numbers in the shortest form that reads back to the same bits, null is empty,
//! quotes as in RFC 4180. A spreadsheet would run a text cell that begins with `=`, `+`, `-`, `@`, a tab or a carriage
//! return: such a cell gets a leading apostrophe, unless it reads as a number or is a single character. results.json holds
//! the text as it is.

use super::manifest::{OutputRecord, RunManifest, hash, hash_file};
use super::{Cell, ResultTables, Table, schema};
use crate::error::{Problem, Problems, codes};
use crate::vocab::read_number;
use serde_json::{Map, Value};
use std::fs;
use std::path::{Component, Path, PathBuf};

/// Version of the layout of results.json and run.json.
pub const SCHEMA_VERSION: u64 = 1;

/// Writes the whole result folder and moves it into place; returns the manifest as written, with its outputs.
///
/// An earlier result folder is replaced only once the new one is complete; files in it that gapshare did not write are
/// carried over. Errors: `G212` if the parent cannot be written, or `out` exists and is not a result folder.
pub fn write_all(
    out: &Path,
    results: &ResultTables,
    report_html: &str,
    resolved_yaml: &str,
    mut manifest: RunManifest,
) -> Result<RunManifest, Problems> {
    let target = prepare(out)?;
    let parent = target.parent().map_or_else(|| PathBuf::from("."), Path::to_path_buf);
    let staging = tempfile::Builder::new().prefix(".gapshare-").tempdir_in(&parent).map_err(|e| unwritable(&parent, &e))?;
    let new = staging.path().join("new");
    let old = staging.path().join("old");

    let mut files: Vec<(String, String)> = vec![
        ("report.html".into(), report_html.to_owned()),
        ("results.json".into(), results_json(results)?),
        ("study.resolved.yaml".into(), resolved_yaml.to_owned()),
    ];
    for table in results.tables.values() {
        files.push((format!("tables/{}.csv", table.name), table_csv(table)));
    }
    files.push(("tables/SCHEMA.csv".into(), schema::schema_csv(Some(results))));

    fs::create_dir_all(new.join("tables")).map_err(|e| unwritable(&new, &e))?;
    manifest.schema_version = SCHEMA_VERSION;
    manifest.outputs.clear();
    for (name, text) in &files {
        let path = new.join(name);
        fs::write(&path, text).map_err(|e| unwritable(&path, &e))?;
        manifest.outputs.push(OutputRecord { path: name.clone(), sha256: hash(text.as_bytes()), bytes: text.len() as u64 });
    }
    let path = new.join("run.json");
    fs::write(&path, manifest.to_json()?).map_err(|e| unwritable(&path, &e))?;

    if target.exists() {
        // Exports of the old results would be mistaken for those of the new; one that was edited since is the user's.
        let exports = RunManifest::read(&target).map(|m| m.exports).unwrap_or_default();
        carry_over(&target, &target, &new, &exports)?;
        fs::rename(&target, &old).map_err(|e| unwritable(&target, &e))?;
        if let Err(e) = fs::rename(&new, &target) {
            // The last result goes back where it was; if even that fails it is kept under its temporary name.
            if fs::rename(&old, &target).is_err() {
                let kept = staging.keep();
                let kept = format!("the last result is in {}", kept.join("old").display());
                return Err(unwritable(&target, &e).into_iter().map(|p| p.note(kept.clone())).collect());
            }
            return Err(unwritable(&target, &e));
        }
    } else {
        fs::rename(&new, &target).map_err(|e| unwritable(&target, &e))?;
    }
    Ok(manifest)
}

/// Replaces report.html of a result folder and its hash in run.json.
///
/// Errors: `G202` if run.json cannot be read, `G212` if the folder cannot be written.
pub fn replace_report(dir: &Path, report_html: &str) -> Result<(), Problems> {
    let mut manifest = RunManifest::read(dir)?;
    manifest.outputs.retain(|o| o.path != "report.html");
    let record = OutputRecord { path: "report.html".into(), sha256: hash(report_html.as_bytes()), bytes: report_html.len() as u64 };
    manifest.outputs.insert(0, record);
    replace(dir, "report.html", report_html)?;
    replace(dir, "run.json", &manifest.to_json()?)
}

/// Notes in run.json the files that were exported into the result folder, so that the next run leaves out what is then stale.
///
/// Errors: `G202` if run.json cannot be read, `G212` if it cannot be written.
pub fn record_exports(dir: &Path, exports: Vec<OutputRecord>) -> Result<(), Problems> {
    let mut manifest = RunManifest::read(dir)?;
    manifest.exports.retain(|old| exports.iter().all(|new| new.path != old.path));
    manifest.exports.extend(exports);
    replace(dir, "run.json", &manifest.to_json()?)
}

/// Replaces a file of a result folder at once.
fn replace(dir: &Path, name: &str, text: &str) -> Result<(), Problems> {
    let path = dir.join(name);
    let file = tempfile::Builder::new().prefix(".gapshare-").tempfile_in(dir).map_err(|e| unwritable(dir, &e))?;
    fs::write(file.path(), text).map_err(|e| unwritable(&path, &e))?;
    if let Ok(permissions) = fs::metadata(&path).map(|m| m.permissions()) {
        fs::set_permissions(file.path(), permissions).map_err(|e| unwritable(&path, &e))?;
    }
    file.persist(&path).map_err(|e| unwritable(&path, &e.error))?;
    Ok(())
}

/// Whether a result folder can be written at `out`, so that a run can refuse before it computes anything.
///
/// Errors: `G212` if the parent cannot be created or written, or `out` exists and is not a result folder.
pub fn check_output(out: &Path) -> Result<(), Problems> {
    let target = prepare(out)?;
    let parent = target.parent().map_or_else(|| PathBuf::from("."), Path::to_path_buf);
    tempfile::Builder::new().prefix(".gapshare-").tempdir_in(&parent).map_err(|e| unwritable(&parent, &e))?;
    Ok(())
}

/// The folder to be replaced or created, with an existing parent. Links are followed.
fn prepare(out: &Path) -> Result<PathBuf, Problems> {
    if out.exists() {
        let target = fs::canonicalize(out).map_err(|e| unwritable(out, &e))?;
        let ours = if target.is_dir() {
            let mut entries = fs::read_dir(&target).map_err(|e| unwritable(out, &e))?;
            target.join("run.json").is_file() || entries.next().is_none()
        } else {
            false
        };
        if !ours {
            return Err(vec![
                Problem::error(codes::G212, format!("{} exists and is not a result folder of gapshare; it is left as it is", out.display()))
                    .note("a result folder holds a file run.json; an empty folder is accepted too")
                    .help("choose another folder with --out"),
            ]);
        }
        return Ok(target);
    }
    let named = matches!(out.components().next_back(), Some(Component::Normal(_)));
    let parent = out.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !named {
        return Err(vec![Problem::error(codes::G212, format!("{} does not name a folder", out.display()))]);
    }
    fs::create_dir_all(parent).map_err(|e| unwritable(parent, &e))?;
    Ok(out.to_path_buf())
}

/// Whether a path inside a result folder is one that gapshare writes.
fn is_result_file(inside: &Path) -> bool {
    let text = inside.to_string_lossy();
    matches!(text.as_ref(), "report.html" | "results.json" | "run.json" | "study.resolved.yaml")
        || (inside.parent() == Some(Path::new("tables")) && inside.extension().is_some_and(|e| e == "csv"))
}

/// Copies what the user has put into the old folder to the new one.
fn carry_over(root: &Path, from: &Path, new: &Path, exports: &[OutputRecord]) -> Result<(), Problems> {
    let exported = |inside: &Path, path: &Path| {
        let record = exports.iter().find(|e| Path::new(&e.path) == inside);
        record.is_some_and(|e| hash_file(path).is_ok_and(|(sha256, _)| sha256 == e.sha256))
    };
    for entry in fs::read_dir(from).map_err(|e| unwritable(from, &e))? {
        let path = entry.map_err(|e| unwritable(from, &e))?.path();
        let inside = path.strip_prefix(root).unwrap_or(&path);
        let destination = new.join(inside);
        if path.is_dir() {
            carry_over(root, &path, new, exports)?;
        } else if !is_result_file(inside) && !exported(inside, &path) {
            let parent = destination.parent().unwrap_or(new);
            fs::create_dir_all(parent).map_err(|e| unwritable(parent, &e))?;
            fs::copy(&path, &destination).map_err(|e| unwritable(&destination, &e))?;
        }
    }
    Ok(())
}

fn unwritable(path: &Path, e: &std::io::Error) -> Problems {
    let help = "gapshare writes beside the output folder first; choose a place that can be written with --out";
    vec![Problem::error(codes::G212, format!("{} cannot be written: {e}", path.display())).help(help)]
}

/// results.json: schema_version, meta, then each table as an array of objects.
pub fn results_json(results: &ResultTables) -> Result<String, Problems> {
    let bug = |e: serde_json::Error| vec![Problem::error(codes::G901, format!("results.json: {e}"))];
    let mut root = Map::new();
    root.insert("schema_version".into(), SCHEMA_VERSION.into());
    root.insert("meta".into(), serde_json::to_value(&results.meta).map_err(bug)?);
    for table in results.tables.values() {
        let rows = table.rows.iter().map(|row| {
            let object: Map<String, Value> = table.columns.iter().cloned().zip(row.iter().map(cell_json)).collect();
            Value::Object(object)
        });
        root.insert(table.name.into(), rows.collect());
    }
    let mut text = serde_json::to_string_pretty(&Value::Object(root)).map_err(bug)?;
    text.push('\n');
    Ok(text)
}

fn cell_json(cell: &Cell) -> Value {
    match cell {
        Cell::Null => Value::Null,
        Cell::Bool(v) => Value::from(*v),
        Cell::Int(v) => Value::from(*v),
        Cell::Number(v) => Value::from(*v),
        Cell::Text(v) => Value::from(v.as_str()),
    }
}

/// A table as CSV with its header.
pub fn table_csv(table: &Table) -> String {
    let header: Vec<String> = table.columns.iter().map(|c| csv_text(c)).collect();
    let mut out = header.join(",");
    out.push('\n');
    for row in &table.rows {
        let cells: Vec<String> = row.iter().map(csv_cell).collect();
        out.push_str(&cells.join(","));
        out.push('\n');
    }
    out
}

fn csv_cell(cell: &Cell) -> String {
    match cell {
        Cell::Null => String::new(),
        Cell::Bool(v) => v.to_string(),
        Cell::Int(v) => v.to_string(),
        Cell::Number(v) => csv_number(*v),
        Cell::Text(v) => csv_text(v),
    }
}

/// The shortest decimal form that reads back to the same bits; whole numbers without a point.
fn csv_number(v: f64) -> String {
    let text = format!("{v:?}");
    text.strip_suffix(".0").map_or_else(|| text.clone(), str::to_owned)
}

/// A text cell, guarded against spreadsheets that run formulas, and quoted where it must be.
pub fn csv_text(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']) && text.chars().nth(1).is_some() && read_number(text).is_none();
    let text = if formula { format!("'{text}") } else { text.to_owned() };
    // An empty text is quoted, since an empty cell is null.
    if text.is_empty() || text.contains([',', '"', '\n', '\r']) {
        return format!("\"{}\"", text.replace('"', "\"\""));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn csv_cells_read_back() {
        // RFC 4180 section 2, and shortest round-trip decimals.
        for (cell, want) in [
            (Cell::Null, ""),
            (Cell::from("a,b"), "\"a,b\""),
            (Cell::from("say \"x\""), "\"say \"\"x\"\"\""),
            (Cell::from("two\nlines"), "\"two\nlines\""),
            (Cell::from(0.1), "0.1"),
            (Cell::from(3.0), "3"),
            (Cell::from(1e-300), "1e-300"),
            (Cell::from(-1.5), "-1.5"),
            (Cell::from(true), "true"),
            (Cell::from(""), "\"\""),
        ] {
            assert_eq!(csv_cell(&cell), want);
        }
        for v in [0.1 + 0.2, 1.0 / 3.0, f64::MIN_POSITIVE, f64::MAX, 1234567.125] {
            assert_eq!(csv_number(v).parse::<f64>().unwrap().to_bits(), v.to_bits());
        }
    }

    #[test]
    fn formulas_are_escaped_and_numbers_are_not() {
        for (text, want) in [
            ("=1+1", "'=1+1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0"),
            ("-2+3+cmd", "'-2+3+cmd"),
            ("\tx", "'\tx"),
            ("+5", "+5"),
            ("-1.5e3", "-1.5e3"),
            ("-", "-"),
            ("a=b", "a=b"),
        ] {
            assert_eq!(csv_text(text), want);
        }
    }
}
