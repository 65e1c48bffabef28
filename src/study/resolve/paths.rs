//! Paths of the study file: `${NAME}` from the environment, formats from extensions, paths seen from another folder.

use super::Resolver;
use crate::cohort::plan::Format;
use crate::error::{Problem, codes};
use crate::study::placed::Word;
use crate::study::places::Span;
use std::path::{Component, Path, PathBuf};

/// The value of an environment variable, if it is set.
pub type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

impl Resolver<'_> {
    /// The path with `${NAME}` replaced, seen from the folder of the study file. `None` if a name is not set (reported).
    pub(super) fn path(&mut self, path: &Word) -> Option<PathBuf> {
        let text = self.expanded(path)?;
        if text.is_empty() {
            self.error(codes::G202, "the path is empty", path.span, "empty", "write the name of a file");
            return None;
        }
        Some(self.folder.join(text))
    }

    /// The text with `${NAME}` replaced. `None` if a name is not set (reported).
    pub(super) fn expanded(&mut self, path: &Word) -> Option<String> {
        let mut text = String::new();
        let mut rest = path.value.as_str();
        let errors = self.errors();
        while let Some((before, after)) = rest.split_once("${") {
            text.push_str(before);
            let Some((name, after)) = after.split_once('}') else {
                self.error(codes::G106, format!("`{}` has `${{` without `}}`", path.value), path.span, "not closed", "write `${NAME}`");
                return None;
            };
            match (self.environment)(name) {
                Some(value) => text.push_str(&value),
                None => {
                    let span = self.within(path.span, &format!("${{{name}}}"));
                    let help = format!("set it before the run: {name}=/some/folder gapshare run ...");
                    self.error(codes::G106, format!("the environment variable {name} is not set"), span, "not set", &help);
                }
            }
            rest = after;
        }
        text.push_str(rest);
        (self.errors() == errors).then_some(text)
    }

    /// The part of a value that reads `part`, if it stands on the value's first line.
    fn within(&self, span: Span, part: &str) -> Span {
        let line = self.place(span).map(|place| place.text).unwrap_or_default();
        let value: String = line.chars().skip(span.col.saturating_sub(1)).take(span.len).collect();
        match value.find(part) {
            Some(at) => Span { col: span.col + value[..at].chars().count(), len: part.chars().count(), ..span },
            None => span,
        }
    }

    /// The format that a path's extension names. `None` if it is none of ours (reported).
    pub(super) fn format(&mut self, path: &Word) -> Option<Format> {
        if let Some((_, format)) = Format::of_name(&path.value) {
            return Some(format);
        }
        let problem = Problem::error(codes::G202, format!("the name of `{}` does not say a format that can be read", path.value))
            .at(self.place(path.span))
            .label("unknown format")
            .note("known: .csv, .csv.gz, .tsv, .parquet, .arrow, .ipc, .feather, .ndjson, .jsonl")
            .help("convert the file, or give it the ending of its format");
        self.problems.push(problem);
        None
    }
}

/// The relative `path`, which is meant from the folder `from`, as it reads from the folder `to`. Absolute paths and those
/// that begin with `${` stay as they are. Folders that exist are looked up, so that symbolic links are followed.
pub fn seen_from(path: &str, from: &Path, to: &Path) -> String {
    if path.starts_with("${") || Path::new(path).is_absolute() {
        return path.to_owned();
    }
    let (target, base) = (flatten(&real(from).join(path)), flatten(&real(to)));
    let shared = target.components().zip(base.components()).take_while(|(a, b)| a == b).count();
    let up = base.components().skip(shared).map(|_| Component::ParentDir);
    let relative: PathBuf = up.chain(target.components().skip(shared)).collect();
    relative.to_string_lossy().replace('\\', "/")
}

/// The folder with symbolic links resolved as far as it exists.
fn real(folder: &Path) -> PathBuf {
    let absolute = flatten(&std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned()));
    for ancestor in absolute.ancestors() {
        if let (Ok(found), Ok(rest)) = (ancestor.canonicalize(), absolute.strip_prefix(ancestor)) {
            return found.join(rest);
        }
    }
    absolute
}

/// Takes `.` and `..` out of an absolute path.
fn flatten(path: &Path) -> PathBuf {
    let mut flat = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                flat.pop();
            }
            Component::Normal(_) | Component::RootDir | Component::Prefix(_) => flat.push(component),
        }
    }
    flat
}

#[cfg(test)]
mod tests {
    use super::seen_from;
    use std::path::Path;

    #[test]
    fn paths_are_seen_from_another_folder() {
        for (path, from, to, expected) in [
            ("../data/a.csv", "/w/studies", "/w/results/s", "../../data/a.csv"),
            ("a.csv", "/w", "/w", "a.csv"),
            ("./x/../b*.csv", "/w/studies", "/w/studies/results/s", "../../b*.csv"),
            ("/abs/a.csv", "/w", "/v", "/abs/a.csv"),
            ("${DIR}/a.csv", "/w", "/v", "${DIR}/a.csv"),
            ("sub/${DIR}.csv", "/w", "/v", "../w/sub/${DIR}.csv"),
        ] {
            assert_eq!(seen_from(path, Path::new(from), Path::new(to)), expected, "{path}");
        }
    }
}
