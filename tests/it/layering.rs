//! The floors of the house: imports run downwards only, and nothing below floor 7 knows polars, files, clocks or the terminal.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The floor of a top-level module.
fn floor(module: &str) -> Option<u32> {
    Some(match module {
        "main" | "cli" => 11,
        "run" | "export" => 10,
        "study" | "report" => 9,
        "release" => 8,
        "cohort" | "synth" => 7,
        "inference" | "describe" | "diagnostics" | "sensitivity" => 6,
        "decompose" => 5,
        "estimate" => 4,
        "model" => 3,
        "design" => 2,
        "linalg" => 1,
        "vocab" | "error" => 0,
        _ => return None,
    })
}

/// Code without comments, and without what follows the first `#[cfg(test)]`.
fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]").next().unwrap_or("");
    text.lines().map(|l| l.split("//").next().unwrap_or("")).collect::<Vec<_>>().join("\n")
}

/// Top-level modules named after `crate::` anywhere in the code, `use crate::{a, b}` included.
fn imports(code: &str) -> Vec<String> {
    let word = |s: &str| s.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let mut out = Vec::new();
    for part in code.split("crate::").skip(1) {
        match part.strip_prefix('{') {
            None => out.push(word(part)),
            Some(list) => {
                let mut depth = 0;
                let mut item = String::new();
                for c in list.chars() {
                    match c {
                        '{' => depth += 1,
                        '}' if depth == 0 => break,
                        '}' => depth -= 1,
                        ',' if depth == 0 => out.push(word(std::mem::take(&mut item).trim())),
                        _ if depth == 0 => item.push(c),
                        _ => {}
                    }
                }
                out.push(word(item.trim()));
            }
        }
    }
    out.retain(|m| !m.is_empty());
    out
}

/// What is wrong with one file.
fn faults(module: &str, text: &str) -> Vec<String> {
    let code = code(text);
    let Some(own) = floor(module) else { return vec![format!("module {module} has no floor")] };
    let mut out = Vec::new();
    for other in imports(&code) {
        match floor(&other) {
            Some(f) if f > own => out.push(format!("{module} (floor {own}) imports {other} (floor {f})")),
            Some(f) if f == own && other != module && own != 0 && own != 6 && own != 11 => {
                out.push(format!("{module} and {other} share floor {own} and import one another's code"));
            }
            _ => {}
        }
    }
    let mut forbid = |word: &str, from: u32| {
        if own < from && code.contains(word) {
            out.push(format!("{module} (floor {own}) uses {word}"));
        }
    };
    forbid("polars", 7);
    forbid("std::fs", 7);
    forbid("std::time", 7);
    forbid("println!", 11);
    forbid("print!", 11);
    out
}

fn sources(dir: &Path, out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, out);
        } else if path.extension().is_some_and(|e| e == "rs") {
            out.push(path);
        }
    }
}

#[test]
fn imports_run_downwards() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&src, &mut files);
    let mut seen = BTreeMap::new();
    let mut all = Vec::new();
    for file in &files {
        let inside = file.strip_prefix(&src).unwrap();
        let module = inside.iter().next().unwrap().to_string_lossy().trim_end_matches(".rs").to_owned();
        // Tests beside the code may do what tests do.
        if module == "lib" || inside.file_name().is_some_and(|n| n == "tests.rs") || inside.iter().any(|p| p == "tests") {
            continue;
        }
        *seen.entry(module.clone()).or_insert(0) += 1;
        all.extend(faults(&module, &std::fs::read_to_string(file).unwrap()).into_iter().map(|f| format!("{}: {f}", inside.display())));
    }
    assert!(seen.len() >= 14, "{seen:?}");
    assert!(all.is_empty(), "{}", all.join("\n"));
}

#[test]
fn a_file_that_breaks_the_rules_is_found() {
    assert_eq!(faults("linalg", "use crate::{vocab::X, study::plan::Y};").len(), 1);
    assert_eq!(faults("decompose", "fn f() { crate::cohort::engine::build() }").len(), 1);
    assert_eq!(faults("model", "use polars::prelude::*;").len(), 1);
    assert_eq!(faults("run", "fn f() { println!(\"x\") }").len(), 1);
    assert_eq!(faults("study", "use crate::report::X;").len(), 1);
    assert_eq!(faults("elsewhere", "").len(), 1);
    assert!(faults("cohort", "use crate::design::Design; // crate::run").is_empty());
}
