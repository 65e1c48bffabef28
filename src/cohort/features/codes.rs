//! Code lists: which clinical codes a feature counts. Codes are compared without dots and spaces, in capitals.

use crate::cohort::plan::{CodeSource, CodesPlan, Named};
use crate::cohort::problems::by_nearness;
use crate::cohort::source::{InputFile, ReadFile};
use crate::cohort::text::{note, row_list};
use crate::error::{Place, Problem, Problems, codes, nearest};
use sha2::{Digest, Sha256};
use std::path::Path;
use std::sync::Arc;

/// The columns that a file of codes may have; the first is needed.
const COLUMNS: [&str; 3] = ["code", "system", "label"];

/// A code without dots and spaces, in capitals.
pub(super) fn normal(code: &str) -> String {
    code.chars().filter(|c| *c != '.' && !c.is_whitespace()).map(|c| c.to_ascii_uppercase()).collect()
}

/// Characters of patterns and lists in other languages, which no code has.
const NO_CODE: [char; 8] = ['?', '%', ',', ';', '[', ']', '$', '"'];

/// What an entry of a list stands for.
#[derive(Clone, Debug, PartialEq)]
enum Pattern {
    Exact(String),
    /// Written with `*` at the end.
    Prefix(String),
    /// Written `I20-I25`: codes that begin with one of I20 to I25.
    Range(String, String),
}

impl Pattern {
    /// Errors: what is wrong, and the fix.
    fn read(text: &str, system: Option<&str>) -> Result<Self, (String, &'static str)> {
        let text = text.trim();
        if let Some(stem) = text.strip_suffix('*').filter(|stem| !stem.contains(NO_CODE)) {
            let stem = normal(stem);
            return match (stem.is_empty(), stem.contains('*')) {
                (true, _) => Err((format!("`{text}` would take every code"), "leave `codes` out to take every event")),
                (_, true) => Err((format!("`{text}` has a `*` before its end"), "`*` stands for any ending: E10*")),
                (false, false) => Ok(Self::Prefix(stem)),
            };
        }
        if text.contains('*') && !text.contains(NO_CODE) {
            return Err((format!("`{text}` has a `*` before its end"), "`*` stands for any ending: E10*"));
        }
        if let Some(c) = text.chars().find(|c| NO_CODE.contains(c)) {
            return Err((format!("`{text}` is no code: it has a `{c}`"), "write one code an entry; `*` at its end stands for any ending: E10*"));
        }
        let whole = normal(text);
        if whole.is_empty() {
            return Err(("a code is empty".to_owned(), "remove it"));
        }
        if is_uneven(&whole) {
            return Err((format!("the ends of the range `{text}` are not equally long"), "write both with as many characters: I20-I25 holds I25.9"));
        }
        if let Some((low, high)) = range_of(&whole, system) {
            if low > high {
                return Err((format!("the range `{text}` is upside down"), "write the smaller code first: I20-I25"));
            }
            return Ok(Self::Range(low.to_owned(), high.to_owned()));
        }
        Ok(Self::Exact(whole))
    }

    /// `code` is in its normal form.
    fn matches(&self, code: &str) -> bool {
        let head = |n: usize| code.get(..n);
        match self {
            Self::Exact(c) => code == c,
            Self::Prefix(p) => code.starts_with(p.as_str()),
            Self::Range(low, high) => head(low.len()).is_some_and(|c| c >= low.as_str()) && head(high.len()).is_some_and(|c| c <= high.as_str()),
        }
    }
}

/// The ends of a range: two codes of equal length. A LOINC code such as 2160-0 is none: what follows its hyphen is one digit.
fn range_of<'a>(whole: &'a str, system: Option<&str>) -> Option<(&'a str, &'a str)> {
    let (low, high) = whole.split_once('-')?;
    let loinc = system.is_some_and(|s| normal(s).starts_with("LOINC"));
    (!loinc && !low.is_empty() && low.len() == high.len() && low.is_ascii() && high.is_ascii()).then_some((low, high))
}

/// Whether a code is a range whose ends differ in length: both begin with the same letter and a digit, or are numbers that begin with three digits
/// and go on to four or five. Other codes with a hyphen (LOINC, NDC, SNOMED) do not look so.
fn is_uneven(whole: &str) -> bool {
    let Some((low, high)) = whole.split_once('-') else { return false };
    let (l, h) = (low.as_bytes(), high.as_bytes());
    let icd = |c: &[u8]| c.len() >= 3 && c[0].is_ascii_alphabetic() && c[1].is_ascii_digit() && c.iter().all(u8::is_ascii_alphanumeric);
    let numbers = |c: &[u8]| c.iter().all(u8::is_ascii_digit);
    let lettered = icd(l) && icd(h) && l[0] == h[0];
    l.len() != h.len() && (lettered || (numbers(l) && numbers(h) && l.len() == 3 && (4..=5).contains(&h.len())))
}

/// One entry of a list.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// As it was written.
    pub text: String,
    pub system: Option<String>,
    pub label: Option<String>,
    /// The file it comes from; `None` for one that stands in the study file, or in the program.
    pub file: Option<Arc<str>>,
    pattern: Pattern,
}

/// The entries of a feature, in their order, and the files they were read from.
#[derive(Clone, Debug, Default)]
pub(in crate::cohort) struct CodeList {
    pub(super) entries: Vec<Entry>,
    pub(in crate::cohort) input: Option<InputFile>,
}

impl CodeList {
    /// Positions of the entries that a code, as it stands in a table, is of.
    pub(super) fn matches(&self, code: &str) -> Vec<u32> {
        let code = normal(code);
        self.entries.iter().enumerate().filter(|(_, e)| e.pattern.matches(&code)).map(|(k, _)| k as u32).collect()
    }

    /// A list that the program brings along, separated by spaces. Errors: as for a user's list.
    pub(super) fn built_in(codes: &str, system: &str, label: &str) -> Result<Vec<Entry>, String> {
        codes
            .split_whitespace()
            .map(|text| {
                let pattern = Pattern::read(text, None).map_err(|e| e.0)?;
                Ok(Entry { text: text.to_owned(), system: Some(system.to_owned()), label: Some(label.to_owned()), file: None, pattern })
            })
            .collect()
    }

    /// The list of a feature. Errors, all at once: G202, G203, G210.
    pub(in crate::cohort) fn load(feature: &Named, plan: &CodesPlan, problems: &mut Problems) -> Option<Self> {
        let before = problems.len();
        let mut list = Self::default();
        let mut files = Vec::new();
        for source in &plan.list {
            match source {
                CodeSource::Code(code) => match Pattern::read(&code.name, plan.system.as_deref()) {
                    Ok(pattern) => {
                        list.entries.push(Entry { text: code.name.trim().to_owned(), system: plan.system.clone(), label: None, file: None, pattern });
                    }
                    Err((what, fix)) => problems.push(Problem::error(codes::G210, what).at(code.place.clone()).help(fix)),
                },
                CodeSource::File { path, resolved, place } => {
                    if let Some((entries, file)) = read_file(path, resolved, place.as_ref(), problems) {
                        list.entries.extend(entries);
                        files.push(file);
                    }
                }
            }
        }
        if !files.is_empty() {
            let path = files.iter().map(|f| f.path.as_str()).collect::<Vec<_>>().join(", ");
            list.input = Some(InputFile { table: format!("cohort.features.{}.codes", feature.name), path, files });
        }
        if problems.len() == before && list.entries.is_empty() {
            problems.push(Problem::error(codes::G213, format!("the code list of `{}` is empty", feature.name)).at(feature.place.clone()));
        }
        (problems.len() == before).then_some(list)
    }
}

fn read_file(shown: &str, path: &Path, place: Option<&Place>, problems: &mut Problems) -> Option<(Vec<Entry>, ReadFile)> {
    let refuse = |what: String| Problem::error(codes::G202, format!("the code list `{shown}` {what}")).at(place.cloned());
    let bytes =
        std::fs::read(path).map_err(|e| problems.push(refuse(format!("cannot be read: {e}")).help("paths are relative to the study file"))).ok()?;
    let Ok(text) = std::str::from_utf8(&bytes) else {
        problems.push(refuse("is not UTF-8 text".to_owned()).help("convert the file to UTF-8"));
        return None;
    };
    let text = text.trim_start_matches('\u{feff}');
    let header_line = text.lines().next().unwrap_or_default();
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).trim(csv::Trim::All).from_reader(text.as_bytes());
    let mut records = reader.records();
    let header: Vec<String> = match records.next() {
        Some(Ok(header)) => header.iter().map(str::to_owned).collect(),
        Some(Err(e)) => {
            problems.push(refuse(format!("cannot be read: {e}")));
            return None;
        }
        None => {
            problems.push(refuse("is empty".to_owned()));
            return None;
        }
    };
    // Where the header's name stands in the file of codes.
    let in_header = |name: &str| Place {
        file: Arc::from(shown),
        line: 1,
        col: header_line.find(name).map_or(1, |at| header_line[..at].chars().count() + 1),
        len: name.chars().count().max(1),
        text: Arc::from(header_line),
    };
    if header.len() == 1 && (header_line.contains(';') || header_line.contains('\t')) {
        let separator = if header_line.contains(';') { "semicolons" } else { "tabs" };
        problems.push(
            Problem::error(codes::G203, format!("the code list `{shown}` has {separator} between its columns"))
                .at(in_header(header_line))
                .label("one column, as it stands")
                .help("write commas between its columns: code,system,label"),
        );
        return None;
    }
    let before = problems.len();
    for name in header.iter().filter(|n| !COLUMNS.contains(&n.as_str())) {
        let free = COLUMNS.iter().copied().filter(|c| !header.iter().any(|h| h == c));
        if let Some(near) = nearest(name, free) {
            problems.push(
                Problem::error(codes::G203, format!("the code list `{shown}` has a column `{name}`"))
                    .at(in_header(name))
                    .label("not a column of code lists")
                    .help(format!("write `{near}`")),
            );
        }
    }
    let at = |column: &str| header.iter().position(|h| h == column);
    let code_at = at("code");
    if code_at.is_none() && problems.len() == before {
        problems.push(
            Problem::error(codes::G203, format!("the code list `{shown}` has no column `code`"))
                .at(in_header(header.first().map_or("", String::as_str)))
                .label("the header")
                .note(format!("found: {}", by_nearness("code", header.iter().map(String::as_str))))
                .help("its columns are code, system and label"),
        );
    }
    let code_at = code_at.filter(|_| problems.len() == before)?;
    let (system_at, label_at, file) = (at("system"), at("label"), Arc::<str>::from(shown));
    let (mut entries, mut rows) = (Vec::new(), 0);
    let (mut ragged, mut ragged_rows, mut empty, mut empty_rows) = (0, Vec::new(), 0, Vec::new());
    for record in records {
        rows += 1;
        let record = match record {
            Ok(record) if record.len() == header.len() => record,
            Ok(_) | Err(_) => {
                note(&mut ragged, &mut ragged_rows, rows);
                continue;
            }
        };
        let cell = |at: Option<usize>| at.and_then(|k| record.get(k)).filter(|c| !c.is_empty()).map(str::to_owned);
        let (Some(code), system) = (cell(Some(code_at)), cell(system_at)) else {
            note(&mut empty, &mut empty_rows, rows);
            continue;
        };
        match Pattern::read(&code, system.as_deref()) {
            Ok(pattern) => entries.push(Entry { text: code, system, label: cell(label_at), file: Some(file.clone()), pattern }),
            Err((what, fix)) => problems.push(refuse(format!("is wrong in row {rows}: {what}")).help(fix)),
        }
    }
    if ragged > 0 {
        problems.push(refuse(format!("has another number of cells than its header in {ragged} rows ({})", row_list(&ragged_rows, ragged))));
    }
    if empty > 0 {
        problems.push(refuse(format!("has no code in {empty} rows ({})", row_list(&empty_rows, empty))).help("remove the rows, or fill them in"));
    }
    let sha256 = Sha256::digest(&bytes).iter().map(|b| format!("{b:02x}")).collect();
    let read = ReadFile { path: shown.to_owned(), resolved: path.to_owned(), sha256, bytes: bytes.len() as u64, rows: rows as u64, query: false };
    (problems.len() == before).then_some((entries, read))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, code: &str) -> bool {
        Pattern::read(pattern, None).is_ok_and(|p| p.matches(&normal(code)))
    }

    #[test]
    fn codes_are_compared_without_dots() {
        for (pattern, code, expected) in [
            ("E11.9", "E119", true),
            ("E119", "e11.9", true),
            ("E11", "E11.9", false),
            ("E10*", "E10.65", true),
            ("E10*", "E11.0", false),
            ("I20-I25", "I25.10", true),
            ("I20-I25", "I20", true),
            ("I20-I25", "I26.0", false),
            ("I20-I25", "I2", false),
            ("250.0-250.3", "25031", true),
            ("250.0-250.3", "250.40", false),
            ("33510-33536", "33533", true),
            ("2160-0", "2160-0", true),
            ("2160-0", "2160", false),
            ("V45.0*", "V4501", true),
            ("0210*", "0210 0Z9", true),
        ] {
            assert_eq!(matches(pattern, code), expected, "{pattern} {code}");
        }
        for code in ["0002-1433", "2160-0", "00002-1433-80", "F-12345", "718-7", "A17.0+", "X/Y"] {
            assert!(matches!(Pattern::read(code, None), Ok(Pattern::Exact(_) | Pattern::Range(..))), "{code}");
        }
        for wrong in ["*", "", "E*0", "I25-I20", "E1?", "I2%", "I2%*", "E10,E11", "E1[01]*", "I20-I259", "I20.0-I25", "250-25099"] {
            assert!(Pattern::read(wrong, None).is_err(), "{wrong}");
        }
        assert_eq!(Pattern::read("7-1", Some("LOINC")), Ok(Pattern::Exact("7-1".to_owned())));
    }
}
