//! Documents that are made from the program itself, so that they cannot say anything else: completions, the manual page, and below docs/ a page
//! a method, the codes, the commands, the keys of the study file and the schemas.

mod reference;

use super::{Cli, explain};
use crate::error::{Problem, Problems, codes};
use crate::{release, study};
use clap::CommandFactory;
use clap_complete::Shell;
use std::path::Path;

/// The completion script of a shell.
pub fn completions(shell: Shell) -> String {
    let mut out = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "gapshare", &mut out);
    String::from_utf8_lossy(&out).into_owned()
}

/// The manual page, in roff. Errors: `G901` if it cannot be written, which is a bug.
pub fn manual() -> Result<String, Problems> {
    let mut out = Vec::new();
    let bug = |e: std::io::Error| vec![Problem::error(codes::G901, format!("the manual page: {e}"))];
    clap_mangen::Man::new(Cli::command()).render(&mut out).map_err(bug)?;
    // What follows stands in `gapshare COMMAND --help` as well.
    for command in Cli::command().get_subcommands().filter(|c| !c.is_hide_set()) {
        let about = command.get_about().map(ToString::to_string).unwrap_or_default().replace('\\', "\\\\");
        out.extend(format!(".SH \"GAPSHARE {}\"\n{about}\n", command.get_name().to_uppercase()).bytes());
        clap_mangen::Man::new(command.clone()).render_options_section(&mut out).map_err(bug)?;
    }
    Ok(String::from_utf8_lossy(&out).into_owned())
}

/// Every document: path below docs/, text.
pub fn documents() -> Vec<(String, String)> {
    let mut out: Vec<(String, String)> = explain::METHODS.iter().map(|m| (format!("methods/{}.md", m.name), method(m))).collect();
    out.push(("methods/README.md".to_owned(), methods()));
    out.push(("codes.md".to_owned(), all_codes()));
    out.push(("commands.md".to_owned(), commands()));
    out.push(("study_file.md".to_owned(), reference::study_file()));
    out.push(("study.schema.json".to_owned(), study::schema_json()));
    out.push(("results.schema.json".to_owned(), release::json_schema::results_schema()));
    out.push(("results.schema.csv".to_owned(), release::schema::schema_csv(None)));
    out
}

/// Writes them below a folder; says which. Errors: `G212` if one cannot be written.
pub fn write(dir: &Path) -> Result<String, Problems> {
    let mut said = String::new();
    for (name, text) in documents() {
        let path = dir.join(&name);
        let failed = |e: std::io::Error| vec![Problem::error(codes::G212, format!("{} cannot be written: {e}", path.display()))];
        std::fs::create_dir_all(path.parent().unwrap_or(dir)).and_then(|()| std::fs::write(&path, text)).map_err(failed)?;
        said.push_str(&format!("wrote {}\n", path.display()));
    }
    Ok(said)
}

const MADE: &str = "<!-- Made by `gapshare documents docs` from the program; change it there. -->\n";

fn method(m: &explain::MethodText) -> String {
    let mut out = format!("{MADE}\n# `{}`\n", m.name);
    if !m.known_as.is_empty() {
        let names: Vec<String> = m.known_as.iter().map(|n| format!("`{n}`")).collect();
        out.push_str(&format!("\nAlso found under {}.\n", names.join(", ")));
    }
    for (title, text) in m.sections() {
        // Formulas, options and comparisons are set in columns.
        let columns = text.lines().any(|l| l.contains("  "));
        let body = if columns { format!("```text\n{text}\n```") } else { text.replace(['<', '>'], "") };
        let body = if columns { body } else { starless(&body) };
        out.push_str(&format!("\n## {title}\n\n{body}\n"));
    }
    out.push_str("\nThe options with their types: [../study_file.md](../study_file.md).\n");
    out
}

/// Prose in which a star is a star.
fn starless(text: &str) -> String {
    text.replace('*', "\\*")
}

fn methods() -> String {
    let mut out = format!("{MADE}\n# Methods\n\nThe text of `gapshare explain METHOD`, a page each.\n\n| method | also known as |\n|---|---|\n");
    for m in &explain::METHODS {
        out.push_str(&format!("| [`{0}`]({0}.md) | {1} |\n", m.name, m.known_as.join(", ")));
    }
    out
}

fn all_codes() -> String {
    let mut out = format!("{MADE}\n# Codes\n\nThe text of `gapshare explain CODE`.\n\n| code | exit | what | more |\n|---|---:|---|---|\n");
    for c in codes::CODES {
        let cell = |text: &str| text.replace('|', "\\|");
        out.push_str(&format!("| {} | {} | {} | {} |\n", c.code, c.exit as i32, cell(c.title), cell(c.explanation)));
    }
    out
}

fn commands() -> String {
    let mut out = format!("{MADE}\n# Commands\n");
    for command in Cli::command().get_subcommands().filter(|c| !c.is_hide_set()) {
        let mut command = command.clone().bin_name(format!("gapshare {}", command.get_name()));
        let help: Vec<String> = command.render_long_help().to_string().lines().map(|l| l.trim_end().to_owned()).collect();
        out.push_str(&format!("\n## {}\n\n```text\n{}\n```\n", command.get_name(), help.join("\n").trim_end()));
    }
    out
}
