//! Result tables in the formats that other programs and papers take; reads a result folder, computes nothing.
//!
//! Parquet and the workbook hold every table as declared, numbers in full; LaTeX, Word and HTML hold the tables that a paper prints
//! (Table 1 and the decompositions) with the report's names and decimals. The same results give the same bytes.

mod docx;
mod html;
mod latex;
mod parquet;
mod stata;
mod xlsx;
mod zip;

use crate::error::{Problem, Problems, codes};
use crate::release::manifest::hash;
use crate::release::{OutputRecord, ResultTables, read_results, record_exports};
use crate::report::paper_tables;
use std::path::{Path, PathBuf};

/// A format that results can be exported to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One file a table, typed.
    Parquet,
    /// One workbook, a sheet a table.
    Xlsx,
    /// One `.tex` a table of the paper, for the package booktabs.
    Latex,
    /// One Word document with the tables of the paper.
    Docx,
    /// One page with the tables of the paper, which Word and browsers open.
    Html,
    /// A do-file that reads the csv tables into Stata with labels.
    Stata,
}

/// Writes the results of a folder in these formats; returns the files written. `out` is `DIR/exports` unless given.
///
/// Errors: `G202` if results.json cannot be read, `G212` if a file cannot be written.
pub fn export(dir: &Path, formats: &[Format], out: Option<&Path>) -> Result<Vec<PathBuf>, Problems> {
    let results = read_results(dir)?;
    let folder = out.map_or_else(|| dir.join("exports"), Path::to_owned);
    let (mut written, mut records) = (Vec::new(), Vec::new());
    for format in formats {
        for (name, bytes) in files(&results, *format, dir, out.is_none())? {
            let path = folder.join(&name);
            records.push(OutputRecord { path: format!("exports/{name}"), sha256: hash(&bytes), bytes: bytes.len() as u64 });
            let parent = path.parent().unwrap_or(&folder);
            let failed = |e: std::io::Error| vec![Problem::error(codes::G212, format!("{} cannot be written: {e}", path.display()))];
            std::fs::create_dir_all(parent).and_then(|()| std::fs::write(&path, bytes)).map_err(failed)?;
            written.push(path);
        }
    }
    if out.is_none() && !records.is_empty() {
        record_exports(dir, records)?;
    }
    Ok(written)
}

/// The files of one format: path below the export folder, bytes.
fn files(results: &ResultTables, format: Format, dir: &Path, inside: bool) -> Result<Vec<(String, Vec<u8>)>, Problems> {
    let study = &results.meta.study;
    Ok(match format {
        Format::Parquet => parquet::files(results)?,
        Format::Xlsx => vec![(format!("{study}.xlsx"), xlsx::workbook(results)?)],
        Format::Latex => {
            let tables = paper_tables(results);
            tables.iter().map(|t| (format!("latex/{}.tex", t.name), latex::table(t).into_bytes())).collect()
        }
        Format::Docx => vec![(format!("{study}.docx"), docx::document(&results.meta.title, &paper_tables(results))?)],
        Format::Html => vec![(format!("{study}.html"), html::page(&results.meta.title, &paper_tables(results)).into_bytes())],
        Format::Stata => {
            let tables = if inside { "../tables".to_owned() } else { absolute(&dir.join("tables")) };
            vec![(format!("{study}.do"), stata::do_file(results, &tables).into_bytes())]
        }
    })
}

fn absolute(path: &Path) -> String {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).display().to_string()
}

/// Text inside XML and HTML: what they cannot hold is left out, what they would read is escaped.
fn xml_text(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\t' | '\n' | '\r' => out.push(c),
            c if c < ' ' || matches!(c, '\u{fffe}' | '\u{ffff}') => {}
            c => out.push(c),
        }
    }
    out
}
