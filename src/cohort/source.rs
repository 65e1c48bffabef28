//! The files of a table: what a path or a glob stands for, and the hash of every byte that is read.

use super::plan::{Format, TablePlan};
use crate::error::{Problem, codes};
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

/// What was read of one table, for `run.json`.
#[derive(Clone, Debug, Serialize)]
pub struct InputFile {
    pub table: String,
    /// As the study file writes it.
    pub path: String,
    /// In the order in which their rows follow one another.
    pub files: Vec<ReadFile>,
}

/// One file: its hash and size are those of the bytes on disk.
#[derive(Clone, Debug, Serialize)]
pub struct ReadFile {
    /// The path as written, with a glob replaced by what it matched; `${VAR}` stays.
    pub path: String,
    #[serde(skip)]
    pub resolved: PathBuf,
    pub sha256: String,
    pub bytes: u64,
    /// Data rows, the header not counted.
    pub rows: u64,
    /// Not a file but the answer of a database: the hash is of its rows as text, in the order in which they came.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub query: bool,
}

/// A file of a table before it is read.
#[derive(Clone, Debug)]
pub(super) struct SourceFile {
    /// What messages and outputs show.
    pub shown: String,
    pub path: PathBuf,
}

/// The files that a table's path stands for, sorted by name. Errors: G202 for an empty glob, a missing, empty or unreadable file,
/// or one whose first bytes are those of another format.
pub(super) fn files(table: &TablePlan, format: Format) -> Result<Vec<SourceFile>, Box<Problem>> {
    let refuse = |message: String| Problem::error(codes::G202, message).at(table.path_place.clone());
    let is_glob = !table.resolved.exists() && table.path.contains(['*', '?', '[']);
    let found = if is_glob {
        let pattern = table.resolved.to_str().ok_or_else(|| refuse(format!("`{}` is not a UTF-8 path", table.path)))?;
        let mut paths: Vec<PathBuf> = glob::glob(pattern)
            .map_err(|e| refuse(format!("`{}` is not a pattern: {}", table.path, e.msg)))?
            .filter_map(Result::ok)
            .filter(|p| p.is_file())
            .collect();
        paths.sort();
        if paths.is_empty() {
            return Err(Box::new(
                refuse(format!("no file matches `{}`", table.path)).label("no file").help("a pattern is relative to the study file"),
            ));
        }
        paths.into_iter().map(|path| SourceFile { shown: shown(table, &path), path }).collect()
    } else {
        vec![SourceFile { shown: table.path.clone(), path: table.resolved.clone() }]
    };
    for file in &found {
        if let Err(reason) = openable(file, format) {
            return Err(Box::new(
                refuse(format!("`{}` of table `{}` {reason}", file.shown, table.name)).help("paths are relative to the study file"),
            ));
        }
    }
    Ok(found)
}

/// The written path with its glob components replaced by those of the file that was found.
fn shown(table: &TablePlan, found: &Path) -> String {
    let fixed = |path: &Path| -> PathBuf {
        path.components().take_while(|c| !matches!(c, Component::Normal(n) if n.to_string_lossy().contains(['*', '?', '[']))).collect()
    };
    let rest = found.strip_prefix(fixed(&table.resolved)).unwrap_or(found);
    fixed(Path::new(&table.path)).join(rest).to_string_lossy().into_owned()
}

fn openable(file: &SourceFile, format: Format) -> Result<(), String> {
    let explain = |e: io::Error| match e.kind() {
        io::ErrorKind::NotFound => "does not exist".to_owned(),
        io::ErrorKind::PermissionDenied => "cannot be read: permission denied".to_owned(),
        _ => format!("cannot be read: {e}"),
    };
    let meta = std::fs::metadata(&file.path).map_err(explain)?;
    if meta.is_dir() {
        return Err("is a folder".to_owned());
    }
    if meta.len() == 0 {
        return Err("is empty".to_owned());
    }
    let mut start = Vec::with_capacity(8);
    File::open(&file.path).and_then(|f| f.take(8).read_to_end(&mut start)).map_err(explain)?;
    let looks = match start.as_slice() {
        [b'P', b'A', b'R', b'1', ..] => "parquet",
        [0x1f, 0x8b, ..] => "gzip",
        [b'P', b'K', 3, 4, ..] => "a zip archive (xlsx?)",
        [b'A', b'R', b'R', b'O', b'W', b'1', ..] => "arrow",
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => "UTF-16 text",
        _ => "text",
    };
    let wanted = match format {
        Format::Csv | Format::Tsv | Format::Ndjson => "text",
        Format::CsvGz => "gzip",
        Format::Parquet => "parquet",
        Format::Ipc => "arrow",
    };
    if looks == wanted { Ok(()) } else { Err(format!("is read as {}, but its first bytes are those of {looks}", format_name(format))) }
}

pub(super) fn format_name(format: Format) -> &'static str {
    match format {
        Format::Csv => "csv",
        Format::CsvGz => "csv.gz",
        Format::Tsv => "tsv",
        Format::Parquet => "parquet",
        Format::Ipc => "arrow",
        Format::Ndjson => "ndjson",
    }
}

/// Hashes what passes through it.
pub(super) struct Hashing<R> {
    inner: R,
    hash: Sha256,
    bytes: u64,
}

impl<R: Read> Hashing<R> {
    pub fn new(inner: R) -> Self {
        Self { inner, hash: Sha256::new(), bytes: 0 }
    }

    /// Reads what is left and returns (sha256 in hexadecimal, bytes).
    pub fn finish(mut self) -> io::Result<(String, u64)> {
        io::copy(&mut self, &mut io::sink())?;
        let hex = self.hash.finalize().iter().map(|b| format!("{b:02x}")).collect();
        Ok((hex, self.bytes))
    }
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.hash.update(&buffer[..n]);
        self.bytes += n as u64;
        Ok(n)
    }
}

/// (sha256 in hexadecimal, bytes) of a file, in pieces.
pub(super) fn hash_file(path: &Path) -> io::Result<(String, u64)> {
    Hashing::new(File::open(path)?).finish()
}
