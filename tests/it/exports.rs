//! Results in other formats: what is in the files, held to the csv tables and results.json.

use super::program::{Study, code, contents, stderr};
use polars::prelude::{ParquetReader, SerReader};
use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::Command;

const ALL: &str = "parquet,xlsx,latex,docx,html,stata";

/// A study with labels that LaTeX, XML and spreadsheets could stumble over.
fn exported() -> Study {
    let s = Study::new();
    s.edit("study.yaml", "analyses:\n", "analyses:\n  Primary: { oaxaca_blinder: {} }\n");
    s.edit("study.yaml", "cluster: hospital", "labels: { lab: \"Lab_1 & \\\"x\\\" <5%>\", age: \"=1+1\" }\ncluster: hospital");
    let o = s.call(&["run", "study.yaml", "--quiet", "--export", ALL]);
    assert_eq!(code(&o), 0, "{}", stderr(&o));
    s
}

/// The files of a zip archive, read by its central directory.
fn unzipped(path: &Path) -> Vec<(String, String)> {
    let bytes = fs::read(path).unwrap();
    let half = |at: usize| u16::from_le_bytes([bytes[at], bytes[at + 1]]) as usize;
    let word = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]) as usize;
    let end = bytes.len() - 22;
    assert_eq!(&bytes[end..end + 4], b"PK\x05\x06");
    let (n, mut at) = (half(end + 10), word(end + 16));
    let mut out = Vec::new();
    for _ in 0..n {
        assert_eq!(&bytes[at..at + 4], b"PK\x01\x02");
        let (packed, size, name) = (word(at + 20), word(at + 24), half(at + 28));
        let local = word(at + 42);
        let start = local + 30 + half(local + 26) + half(local + 28);
        let mut text = String::new();
        flate2::read::DeflateDecoder::new(&bytes[start..start + packed]).read_to_string(&mut text).unwrap();
        assert_eq!(text.len(), size);
        let mut crc = flate2::Crc::new();
        crc.update(text.as_bytes());
        assert_eq!(crc.sum() as usize, word(at + 16));
        out.push((String::from_utf8(bytes[at + 46..at + 46 + name].to_vec()).unwrap(), text));
        at += 46 + name;
    }
    out
}

fn results(s: &Study) -> serde_json::Value {
    serde_json::from_slice(&fs::read(s.path("results/small/results.json")).unwrap()).unwrap()
}

#[test]
fn parquet_holds_every_cell_with_its_type() {
    let s = exported();
    let results = results(&s);
    let mut tables = 0;
    for (name, rows) in results.as_object().unwrap().iter().filter(|(_, v)| v.is_array()) {
        let file = fs::File::open(s.path(&format!("results/small/exports/parquet/{name}.parquet"))).unwrap();
        let frame = ParquetReader::new(file).finish().unwrap();
        let rows = rows.as_array().unwrap();
        assert_eq!(frame.height(), rows.len(), "{name}");
        for (at, row) in rows.iter().enumerate() {
            for (column, value) in row.as_object().unwrap() {
                let cell = frame.column(column).unwrap().get(at).unwrap();
                let same = match value {
                    serde_json::Value::Null => cell.is_null(),
                    serde_json::Value::Bool(v) => cell.extract_bool() == Some(*v),
                    serde_json::Value::Number(v) => cell.try_extract::<f64>().ok() == v.as_f64(),
                    other => cell.get_str() == other.as_str(),
                };
                assert!(same, "{name} row {at} {column}: {cell:?}, not {value}");
            }
        }
        tables += 1;
    }
    assert!(tables >= 9, "{tables}");
}

#[test]
fn the_workbook_has_a_sheet_a_table_with_numbers_in_full() {
    let s = exported();
    let files = unzipped(&s.path("results/small/exports/small.xlsx"));
    let text = |name: &str| files.iter().find(|(n, _)| n == name).map(|(_, t)| t.clone()).unwrap();
    let book = text("xl/workbook.xml");
    let results = results(&s);
    let tables: Vec<&String> = results.as_object().unwrap().iter().filter(|(_, v)| v.is_array()).map(|(n, _)| n).collect();
    for (k, table) in tables.iter().enumerate() {
        assert!(book.contains(&format!("<sheet name=\"{table}\" sheetId=\"{}\"", k + 1)), "{book}");
        let sheet = text(&format!("xl/worksheets/sheet{}.xml", k + 1));
        let rows = results[table.as_str()].as_array().unwrap();
        assert_eq!(sheet.matches("<row ").count(), rows.len() + 1, "{table}");
        for value in rows.iter().flat_map(|r| r.as_object().unwrap().values()).filter_map(|v| v.as_f64().filter(|_| v.is_f64())) {
            assert!(sheet.contains(&format!("<v>{value:?}</v>")), "{table}: {value}");
        }
    }
    assert!(book.contains("<sheet name=\"SCHEMA\""));
}

#[test]
fn papers_get_escaped_tables() {
    let s = exported();
    let folder = s.path("results/small/exports");
    let tex = fs::read_to_string(folder.join("latex/table_one.tex")).unwrap();
    assert!(tex.contains("Lab\\_1 \\& ''x'' \\textless{}5\\%\\textgreater{}"), "{tex}");
    let tex = fs::read_to_string(folder.join("latex/decomposition_primary.tex")).unwrap();
    assert!(folder.join("latex/decomposition_primary_2.tex").is_file(), "two analyses whose names differ in case only");
    for says in ["\\toprule", "\\midrule", "\\bottomrule", "Gap as observed", "\\quad ", "\\label{tab:decomposition_primary}"] {
        assert!(tex.contains(says), "{says}: {tex}");
    }
    // The figures are those of the terminal.
    let terminal = String::from_utf8_lossy(&s.run().stdout).into_owned();
    let gap = terminal.lines().find(|l| l.trim_start().starts_with("Gap as observed")).unwrap();
    let figure = gap.split_whitespace().find(|w| w.contains('.')).unwrap();
    assert!(tex.contains(&format!("& {} &", figure.replace('-', "$-$"))), "{figure}: {tex}");
    let again = s.call(&["export", "results/small", "--format", "html,docx"]);
    assert_eq!(code(&again), 0, "{}", stderr(&again));
    let html = fs::read_to_string(folder.join("small.html")).unwrap();
    assert!(html.contains("Lab_1 &amp; &quot;x&quot; &lt;5%&gt;") && !html.contains("<script"));
    let files = unzipped(&folder.join("small.docx"));
    let (_, document) = files.iter().find(|(n, _)| n == "word/document.xml").unwrap();
    assert!(document.contains("Lab_1 &amp; &quot;x&quot; &lt;5%&gt;") && document.matches("<w:tbl>").count() == 3, "{document}");
}

/// Exports are as reproducible as the tables, are not carried into the results of the next run, and do not disturb `verify`.
#[test]
fn exports_are_the_same_bytes_and_never_stale() {
    let s = exported();
    let first = contents(&s.path("results/small/exports"));
    assert_eq!(code(&s.call(&["export", "results/small", "--format", ALL])), 0);
    assert_eq!(contents(&s.path("results/small/exports")), first);
    let o = s.call(&["verify", "results/small"]);
    assert_eq!(code(&o), 0, "{}", stderr(&o));
    // What was edited since is the user's, and stays.
    s.write("results/small/exports/small.html", "my own words");
    assert_eq!(code(&s.run()), 0);
    assert!(!s.path("results/small/exports/small.xlsx").exists());
    assert_eq!(fs::read_to_string(s.path("results/small/exports/small.html")).unwrap(), "my own words");
    assert_eq!(code(&s.call(&["export", "results/small", "--format", "latex"])), 0);
    assert_eq!(code(&s.call(&["export", "nowhere", "--format", "xlsx"])), 2);
    assert_eq!(code(&s.call(&["export", "results/small", "--format", "pdf"])), 2);
    let o = s.call(&["export", "results/small", "--format", "stata", "--out", "elsewhere"]);
    assert_eq!(code(&o), 0, "{}", stderr(&o));
    let do_file = fs::read_to_string(s.path("elsewhere/small.do")).unwrap();
    assert!(do_file.contains("import delimited using \"`tables'/decomposition.csv\"") && do_file.contains("label variable estimate"), "{do_file}");
}

/// Python reads the archives, where there is one.
#[test]
fn another_program_reads_the_archives() {
    let s = exported();
    let script = "import sys, zipfile, xml.dom.minidom as m\nfor p in sys.argv[1:]:\n    z = zipfile.ZipFile(p)\n    assert z.testzip() is None\n    [m.parseString(z.read(n)) for n in z.namelist()]\n";
    let files = ["small.xlsx", "small.docx"].map(|f| s.path("results/small/exports").join(f));
    match Command::new("python3").arg("-c").arg(script).args(files).output() {
        Ok(o) => assert!(o.status.success(), "{}", stderr(&o)),
        Err(_) => eprintln!("skipped: there is no python3"),
    }
}

/// Every LaTeX table compiles, and is no wider than the text of a page. Where pdflatex is missing the test says that it skips.
#[test]
fn latex_tables_compile_and_fit_the_page() {
    if Command::new("pdflatex").arg("--version").output().is_err() {
        eprintln!("skipped: pdflatex was not found");
        return;
    }
    let s = exported();
    let folder = s.path("results/small/exports/latex");
    let files: Vec<_> = fs::read_dir(&folder).unwrap().map(|f| f.unwrap().path()).collect();
    assert!(files.len() >= 3);
    let inputs: String = files.iter().map(|f| format!("\\input{{{}}}\n", f.file_name().unwrap().to_str().unwrap())).collect();
    let page = format!("\\documentclass[a4paper]{{article}}\n\\usepackage{{booktabs}}\n\\begin{{document}}\n{inputs}\\end{{document}}\n");
    fs::write(folder.join("page.tex"), page).unwrap();
    let o = Command::new("pdflatex").args(["-interaction=nonstopmode", "page.tex"]).current_dir(&folder).output().unwrap();
    let text = String::from_utf8_lossy(&o.stdout).into_owned();
    assert!(o.status.success() && folder.join("page.pdf").is_file(), "{text}");
    assert!(!text.contains("\n! ") && !text.contains("Overfull"), "{text}");
}
