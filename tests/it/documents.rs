//! The documents: those made from the program are current, and what the others tell the reader to type or to write is right.

use gapshare::cli::Cli;
use gapshare::cohort::plan::Columns;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Parser;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// README.md and every page below docs/, with its path.
fn pages() -> Vec<(PathBuf, String)> {
    let mut out = vec![root().join("README.md")];
    let mut open = vec![root().join("docs")];
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|e| e == "md") {
                out.push(path);
            }
        }
    }
    out.sort();
    out.into_iter().map(|p| (p.clone(), fs::read_to_string(p).unwrap())).collect()
}

/// A fenced block: its language, its text, the line before it.
struct Block {
    language: String,
    text: String,
    before: String,
}

fn blocks(page: &str) -> Vec<Block> {
    let mut out: Vec<Block> = Vec::new();
    let (mut inside, mut before) = (false, String::new());
    for line in page.lines() {
        match (line.trim_start().strip_prefix("```"), inside) {
            (Some(language), false) => {
                out.push(Block { language: language.trim().to_owned(), text: String::new(), before: before.clone() });
                inside = true;
            }
            (Some(_), true) => inside = false,
            (None, true) => {
                let block = out.last_mut().unwrap();
                block.text.push_str(line);
                block.text.push('\n');
            }
            (None, false) => {
                if !line.trim().is_empty() {
                    line.clone_into(&mut before);
                }
            }
        }
    }
    assert!(!inside, "a block is not closed");
    out
}

#[test]
fn documents_made_from_the_program_are_current() {
    let made = gapshare::cli::documents::documents();
    if std::env::var_os("UPDATE_DOCUMENTS").is_some() {
        gapshare::cli::documents::write(&root().join("docs")).unwrap();
    }
    let old: Vec<&str> = made
        .iter()
        .filter(|(name, text)| fs::read_to_string(root().join("docs").join(name)).ok().as_ref() != Some(text))
        .map(|(name, _)| name.as_str())
        .collect();
    assert!(old.is_empty(), "not current: {old:?}; run `gapshare documents docs`, or the test with UPDATE_DOCUMENTS=1");
    // A page that no method has any more.
    for entry in fs::read_dir(root().join("docs/methods")).unwrap() {
        let name = format!("methods/{}", entry.unwrap().file_name().to_string_lossy());
        assert!(made.iter().any(|(made, _)| *made == name), "docs/{name} is made by nothing");
    }
}

/// The words of a command line up to a pipe, a redirection or a comment, without variables set before it.
fn words(line: &str) -> Vec<String> {
    let mut out = vec![String::new()];
    let mut quote = None;
    for c in line.chars() {
        match (quote, c) {
            (None, '|' | '>' | '#' | ';' | '&') => break,
            (None, '"' | '\'') => quote = Some(c),
            (Some(q), c) if c == q => quote = None,
            (None, ' ') => out.push(String::new()),
            (_, c) => out.last_mut().unwrap().push(c),
        }
    }
    out.retain(|w| !w.is_empty());
    let start = out.iter().take_while(|w| w.contains('=') && w.chars().next().is_some_and(|c| c.is_ascii_uppercase())).count();
    out.split_off(start)
}

/// The arguments of a line that calls gapshare, the program's name first.
fn call(line: &str) -> Option<Vec<String>> {
    let words = words(line.trim().trim_start_matches("$ "));
    let program = if words.first().is_some_and(|w| w == "gapshare") {
        1
    } else if words.first().is_some_and(|w| w == "cargo") && words.get(1).is_some_and(|w| w == "run") {
        words.iter().position(|w| w == "--")? + 1
    } else {
        return None;
    };
    Some(std::iter::once("gapshare".to_owned()).chain(words[program..].iter().cloned()).collect())
}

#[test]
fn every_command_line_in_the_documents_is_understood() {
    let mut n = 0;
    for (path, page) in pages() {
        let fenced = blocks(&page).into_iter().filter(|b| matches!(b.language.as_str(), "sh" | "bash" | "console")).map(|b| b.text);
        // `gapshare ...` inside a sentence.
        let inline = page.split('`').skip(1).step_by(2).filter(|t| t.starts_with("gapshare ") && !t.contains('\n')).map(str::to_owned);
        for line in
            fenced.chain(inline).collect::<Vec<_>>().iter().flat_map(|t| t.replace("\\\n", " ").lines().map(str::to_owned).collect::<Vec<_>>())
        {
            let Some(arguments) = call(&line).filter(|a| !a.iter().any(|w| w.contains("..."))) else { continue };
            if let Err(e) = Cli::try_parse_from(&arguments) {
                let shown = matches!(e.kind(), clap::error::ErrorKind::DisplayHelp | clap::error::ErrorKind::DisplayVersion);
                // `gapshare check` in a sentence names the command.
                let named = e.kind() == clap::error::ErrorKind::MissingRequiredArgument && arguments.len() == 2;
                assert!(shown || named || arguments.len() == 1, "{}: `{line}`: {e}", path.display());
            }
            n += 1;
        }
    }
    assert!(n > 40, "only {n} command lines were found");
}

const BASE: &str = "\
gapshare: 1
study: snippet
tables: { t: { path: t.csv } }
cohort: { unit: { table: t } }
group: { column: g, reference: a, index: b }
outcome: { column: died_30d, family: binomial }
allowable: [age_years, sex]
blocks: { biological: [egfr, lvef_pct, diabetes], socioeconomic: [deprivation, medicaid], hospital: [h_quality_index] }
analyses: { primary: { with_and_without: {} } }
";

/// Snippets of study files have the right shape: whole files by themselves, sections in the place of those of a small study.
#[test]
fn every_study_snippet_in_the_documents_has_the_right_shape() {
    let dir = tempfile::tempdir().unwrap();
    let mut n = 0;
    for (path, page) in pages() {
        for block in blocks(&page).into_iter().filter(|b| b.language == "yaml") {
            let place = format!("{}: {}", path.display(), block.text);
            let snippet: serde_json::Value = serde_yaml::from_str(&block.text).unwrap_or_else(|e| panic!("{place}: {e}"));
            let mut study: serde_json::Value = serde_yaml::from_str(BASE).unwrap();
            for (key, value) in snippet.as_object().unwrap_or_else(|| panic!("{place}: not a map")) {
                study[key] = value.clone();
            }
            if let Some(analyses) = study["analyses"].as_object_mut()
                && !analyses.contains_key("primary")
            {
                analyses.insert("primary".into(), serde_json::json!({ "with_and_without": {} }));
            }
            let file = dir.path().join("snippet.yaml");
            fs::write(&file, serde_yaml::to_string(&study).unwrap()).unwrap();
            let problems = gapshare::study::load(&file, &|_| Ok(Columns::default())).err().unwrap_or_default();
            // Codes G1.. are about the text and its shape, G210 and G213 about values; names and the environment (G106) cannot be known here.
            let wrong: Vec<String> = problems
                .iter()
                .filter(|p| {
                    p.is_error()
                        && p.code.0 != "G106"
                        && (p.code.0.starts_with("G1") || ["G210", "G213"].contains(&p.code.0))
                        && !p.message.contains("is not a variable of the study")
                })
                .map(|p| format!("{}: {}", p.code, p.message))
                .collect();
            assert!(wrong.is_empty(), "{place}\n{wrong:#?}");
            n += 1;
        }
    }
    assert!(n >= 8, "only {n} snippets were found");
}

/// A folder with everything that documents name by a relative path, and no more.
fn beside_the_data() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for part in ["pipelines", "synthetic_data", "docs"] {
        #[cfg(unix)]
        std::os::unix::fs::symlink(root().join(part), dir.path().join(part)).unwrap();
    }
    dir
}

fn path_with_the_program() -> std::ffi::OsString {
    let program = Path::new(env!("CARGO_BIN_EXE_gapshare")).parent().unwrap().to_owned();
    let old = std::env::var_os("PATH").unwrap_or_default();
    std::env::join_paths(std::iter::once(program).chain(std::env::split_paths(&old))).unwrap()
}

/// Blocks under a line `<!-- run -->` do what they say, one after the other, in a folder of their own a page.
#[cfg(unix)]
#[test]
fn blocks_marked_to_run_do() {
    let mut n = 0;
    for (path, page) in pages() {
        let dir = beside_the_data();
        for block in blocks(&page).into_iter().filter(|b| b.before.trim() == "<!-- run -->") {
            let o = Command::new("sh").args(["-e", "-c", &block.text]).current_dir(dir.path()).env("PATH", path_with_the_program()).output().unwrap();
            assert!(o.status.success(), "{}:\n{}\n{}", path.display(), block.text, String::from_utf8_lossy(&o.stderr));
            n += 1;
        }
    }
    assert!(n >= 3, "only {n} blocks are marked to run");
}

/// The snippets that read results in Python and R run, where pandas or R is installed, and find the same gap.
#[cfg(unix)]
#[test]
fn snippets_in_other_languages_read_the_results() {
    let page = fs::read_to_string(root().join("docs/reading_results.md")).unwrap();
    let dir = beside_the_data();
    let run = Command::new(env!("CARGO_BIN_EXE_gapshare"))
        .args(["run", "pipelines/cardiac_surgery.yaml", "--quiet", "--export", "parquet"])
        .current_dir(dir.path())
        .output()
        .unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let python = std::env::var("GAPSHARE_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    for (language, program, has, flag) in [("python", python.as_str(), "import pandas, pyarrow", "-c"), ("r", "Rscript", "1", "-e")] {
        let there = Command::new(program).args([flag, has]).output().is_ok_and(|o| o.status.success());
        if !there {
            eprintln!("skipped: {language} without what the snippets need");
            continue;
        }
        let found: Vec<Block> = blocks(&page).into_iter().filter(|b| b.language == language).collect();
        assert!(!found.is_empty(), "no snippet in {language}");
        let script: String = found.into_iter().map(|b| b.text).collect();
        let o = Command::new(program).args([flag, &script]).current_dir(dir.path()).output().unwrap();
        let said = String::from_utf8_lossy(&o.stdout).into_owned();
        assert!(o.status.success(), "{language}: {}\n{said}", String::from_utf8_lossy(&o.stderr));
        // The figures of README.md.
        assert!(said.contains("5.81") && said.contains("hospital"), "{language}: {said}");
    }
}

/// Links between the pages lead somewhere.
#[test]
fn links_in_the_documents_lead_to_files() {
    for (path, page) in pages() {
        for target in page.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let file = target.split('#').next().unwrap_or_default();
            if file.is_empty() || file.contains("://") || file.contains(' ') {
                continue;
            }
            assert!(path.parent().unwrap().join(file).exists(), "{}: {target}", path.display());
        }
    }
}
