//! The files of a folder in a common data model: `PERSON.csv`, `person.parquet`; upper and lower case are one.

use super::{Model, concepts::Concepts};
use crate::cohort::inputs::Input;
use crate::cohort::plan::{Format, TablePlan};
use crate::error::{Problem, Problems, codes};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

/// What the tables of one folder read once for all.
#[derive(Debug, Default)]
pub struct Shared {
    pub(super) listing: OnceLock<Result<Listing, String>>,
    /// What is wrong with the folder is said once, not for each of its tables.
    refused: AtomicBool,
    pub(super) concepts: Mutex<Option<Arc<Concepts>>>,
}

/// The files of a folder that tables can be read from.
#[derive(Debug)]
pub struct Listing {
    /// (table in lower case, name of the file, its format), sorted by file name.
    files: Vec<(String, String, Format)>,
}

impl Listing {
    /// Errors: what is wrong with the folder, to follow its name.
    pub(super) fn of(dir: &Path, model: &Model) -> Result<Self, String> {
        let meta = std::fs::metadata(dir).map_err(|e| match e.kind() {
            std::io::ErrorKind::NotFound => "does not exist".to_owned(),
            _ => format!("cannot be read: {e}"),
        })?;
        if !meta.is_dir() {
            return Err(format!("is not a folder; `{}` under `tables` takes the folder that holds the tables of {}", model.name, model.title));
        }
        let entries = std::fs::read_dir(dir).map_err(|e| format!("cannot be read: {e}"))?;
        let mut names: Vec<String> = entries.filter_map(|e| e.ok()?.file_name().into_string().ok()).collect();
        names.sort();
        let known = model.files();
        let mut files = Vec::new();
        for name in &names {
            let Some((stem, format)) = Format::of_name(name) else { continue };
            let table = stem.to_ascii_lowercase();
            if known.contains(&table.as_str()) && dir.join(name).is_file() {
                files.push((table, name.clone(), with_tabs(&dir.join(name), format)));
            }
        }
        if files.is_empty() {
            let what = if names.is_empty() { "is empty" } else { "holds no table" };
            return Err(format!("{what}: {} has files such as {}.csv or {}.parquet", model.title, known[0], known[1]));
        }
        Ok(Self { files })
    }

    /// The file of a table; two of them are an error, since the folder does not say which is meant.
    pub(super) fn find(&self, table: &str) -> Result<Option<(&str, Format)>, String> {
        let mut found = self.files.iter().filter(|(t, _, _)| t == table);
        match (found.next(), found.next()) {
            (Some((_, a, _)), Some((_, b, _))) => Err(format!("holds both `{a}` and `{b}`: keep one of them")),
            (Some((_, name, format)), None) => Ok(Some((name, *format))),
            _ => Ok(None),
        }
    }

    pub(super) fn tables(&self) -> impl Iterator<Item = &str> {
        self.files.iter().map(|(t, _, _)| t.as_str())
    }
}

/// The vocabulary files that OHDSI distributes are called .csv and are separated by tabs: the header tells.
pub(super) fn with_tabs(path: &Path, format: Format) -> Format {
    if format != Format::Csv {
        return format;
    }
    let mut header = String::new();
    let read = File::open(path).and_then(|f| BufReader::new(f).read_line(&mut header));
    if read.is_ok() && header.contains('\t') && !header.contains(',') { Format::Tsv } else { format }
}

/// The listing of a table's folder. Errors: G202, reported for the first table that asks.
pub(super) fn listing<'a>(table: &TablePlan, model: &Model, shared: &'a Shared, problems: &mut Problems) -> Option<&'a Listing> {
    let found = shared.listing.get_or_init(|| Listing::of(&table.resolved, model));
    if let Err(what) = found
        && !shared.refused.swap(true, Ordering::Relaxed)
    {
        problems.push(refused(table, what));
    }
    found.as_ref().ok()
}

pub(super) fn refused(table: &TablePlan, what: &str) -> Problem {
    Problem::error(codes::G202, format!("`{}` {what}", table.path)).at(table.path_place.clone())
}

/// A plan that reads one file of the folder as it is. Errors: G202 for two files of that name.
pub(super) fn file_of(table: &TablePlan, listing: &Listing, file: &str, problems: &mut Problems) -> Option<TablePlan> {
    let found = listing.find(file).map_err(|what| problems.push(refused(table, &what))).ok()?;
    let (name, format) = found?;
    Some(TablePlan {
        path: Path::new(&table.path).join(name).to_string_lossy().into_owned(),
        resolved: table.resolved.join(name),
        input: Input::Files(format),
        types: Default::default(),
        ..table.clone()
    })
}
