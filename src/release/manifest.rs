//! run.json: what was run, on which bytes, with which result; and the check that those bytes are still there.

use super::ShownProblem;
use crate::error::{Problem, Problems, codes};
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt::Write;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Everything that may differ between two runs of the same study stands here and in no other output.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RunManifest {
    pub schema_version: u64,
    pub version: String,
    /// The command line without the program's folder, such as `gapshare run study.yaml --threads 2`.
    pub command: String,
    /// The study file as the user named it.
    pub study_file: String,
    /// sha256 of the study file's bytes, in hexadecimal.
    pub study_sha256: String,
    pub inputs: Vec<InputRecord>,
    /// Filled by [`super::write_all`].
    pub outputs: Vec<OutputRecord>,
    pub rows_read: u64,
    pub warnings: Vec<ShownProblem>,
    pub stages: Vec<StageRecord>,
    /// Seeds of the random streams, by what draws from them: an analysis, or `sensitivity.learner`.
    pub seeds: IndexMap<String, u64>,
    pub threads: usize,
    pub peak_memory_bytes: Option<u64>,
    /// As the caller's clock says, in RFC 3339.
    pub started: String,
    pub finished: String,
    /// The exit status that the run ended with.
    pub exit: u8,
    /// The resolved plan: where each column of the analysis comes from.
    pub plan: serde_json::Value,
}

/// A file that was read.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct InputRecord {
    /// The table under `tables` that it belongs to, or the key that names it.
    pub table: String,
    /// As the study file writes it.
    pub written: String,
    /// Where it was found: absolute, or relative to the folder that gapshare was started in.
    pub path: String,
    pub sha256: String,
    pub bytes: u64,
    pub rows: Option<u64>,
}

/// A file that was written, by its path inside the result folder.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OutputRecord {
    pub path: String,
    pub sha256: String,
    pub bytes: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StageRecord {
    pub name: String,
    pub seconds: f64,
    /// Rows that came out of the stage, where it has rows.
    pub rows: Option<u64>,
}

impl RunManifest {
    pub(super) fn to_json(&self) -> Result<String, Problems> {
        let mut text = serde_json::to_string_pretty(self).map_err(|e| vec![Problem::error(codes::G901, format!("run.json: {e}"))])?;
        text.push('\n');
        Ok(text)
    }

    /// Reads run.json of a result folder. Errors: `G202` if it is missing or not a manifest.
    pub fn read(dir: &Path) -> Result<Self, Problems> {
        let path = dir.join("run.json");
        let unreadable = |e: &dyn std::fmt::Display| {
            vec![
                Problem::error(codes::G202, format!("{} cannot be read: {e}", path.display()))
                    .help("name the result folder of a gapshare run, such as results/my_study"),
            ]
        };
        let text = fs::read_to_string(&path).map_err(|e| unreadable(&e))?;
        serde_json::from_str(&text).map_err(|e| unreadable(&e))
    }
}

/// sha256 in hexadecimal.
pub fn hash(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// sha256 of a file in hexadecimal, and its size in bytes.
pub fn hash_file(path: &Path) -> std::io::Result<(String, u64)> {
    let mut file = fs::File::open(path)?;
    let mut state = Sha256::new();
    let mut buffer = vec![0u8; 1 << 16];
    let mut bytes = 0u64;
    loop {
        let n = file.read(&mut buffer)?;
        if n == 0 {
            return Ok((hex(&state.finalize()), bytes));
        }
        state.update(&buffer[..n]);
        bytes += n as u64;
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(64), |mut out, b| {
        // Writing to a String does not fail.
        let _ = write!(out, "{b:02x}");
        out
    })
}

/// What [`verify`] found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct VerifyReport {
    /// Files whose bytes are those of the run.
    pub matched: usize,
    pub changed: Vec<String>,
    pub missing: Vec<String>,
    /// Files in the result folder that the run did not write; they do not make the check fail.
    pub new: Vec<String>,
}

impl VerifyReport {
    pub fn ok(&self) -> bool {
        self.changed.is_empty() && self.missing.is_empty()
    }

    /// 0 when every file matches, else 2.
    pub fn exit_code(&self) -> u8 {
        if self.ok() { 0 } else { 2 }
    }

    /// One line a file that does not match, then a line with the counts.
    pub fn lines(&self) -> Vec<String> {
        let list = |word: &str, files: &[String]| files.iter().map(|f| format!("{word}  {f}")).collect::<Vec<_>>();
        let mut lines = [list("changed", &self.changed), list("missing", &self.missing), list("new    ", &self.new)].concat();
        lines.push(format!("{} files match, {} changed, {} missing, {} new", self.matched, self.changed.len(), self.missing.len(), self.new.len()));
        lines
    }
}

/// Hashes the study file, the inputs and the outputs again and compares them with run.json.
///
/// Errors: `G202` if run.json cannot be read.
pub fn verify(dir: &Path) -> Result<VerifyReport, Problems> {
    let manifest = RunManifest::read(dir)?;
    let mut report = VerifyReport::default();
    let study = (manifest.study_file.clone(), PathBuf::from(&manifest.study_file), manifest.study_sha256.clone());
    let inputs = manifest.inputs.iter().map(|i| (i.path.clone(), PathBuf::from(&i.path), i.sha256.clone()));
    let outputs = manifest.outputs.iter().map(|o| (o.path.clone(), dir.join(&o.path), o.sha256.clone()));
    for (shown, path, sha256) in std::iter::once(study).chain(inputs).chain(outputs) {
        match hash_file(&path) {
            Ok((now, _)) if now == sha256 => report.matched += 1,
            Ok(_) => report.changed.push(shown),
            Err(_) => report.missing.push(shown),
        }
    }
    let known = |inside: &str| inside == "run.json" || manifest.outputs.iter().any(|o| o.path == inside);
    for inside in files_in(dir, dir) {
        if !known(&inside) {
            report.new.push(inside);
        }
    }
    report.new.sort();
    Ok(report)
}

/// Paths of all files below a folder, relative to `root`, with forward slashes.
fn files_in(root: &Path, folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut out = Vec::new();
    for path in entries.filter_map(|e| e.ok().map(|e| e.path())) {
        if path.is_dir() {
            out.extend(files_in(root, &path));
        } else {
            let inside = path.strip_prefix(root).unwrap_or(&path);
            let parts: Vec<String> = inside.components().map(|c| c.as_os_str().to_string_lossy().into_owned()).collect();
            out.push(parts.join("/"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_sha256() {
        // FIPS 180-4 examples.
        assert_eq!(hash(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(hash(b""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    }
}
