//! Codes, places and fixes: what every floor says when something is wrong.
//!
//! A [`Problem`] is plain data. It is rendered on the terminal by `cli.rs` and kept in `run.json` and in the report
//! with the same code. `gapshare explain CODE` prints the long form from [`codes::CODES`].

pub mod codes;

pub use codes::{Code, CodeInfo};

use serde::Serialize;
use std::sync::Arc;

/// How a problem ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The stage stops; the exit code is that of the problem's code.
    Error,
    /// The run goes on; the line stands in `run.json` and in the report.
    Warning,
}

/// Where in a file something stands. Lines and columns count from 1, in characters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Place {
    /// The file as the user named it.
    pub file: Arc<str>,
    pub line: usize,
    pub col: usize,
    /// Characters to underline; at least 1.
    pub len: usize,
    /// The whole source line, so that an excerpt can be drawn without the file.
    #[serde(skip)]
    pub text: Arc<str>,
}

/// One thing that is wrong: what was found, where, and what to do about it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Problem {
    pub severity: Severity,
    pub code: Code,
    /// One sentence: what was found. No row values of the data.
    pub message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<Box<Place>>,
    /// A few words under the caret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<Box<str>>,
    /// Further facts, a line each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// The fix.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}

impl Problem {
    pub fn error(code: Code, message: impl Into<String>) -> Self {
        Self { severity: Severity::Error, code, message: message.into(), place: None, label: None, notes: Vec::new(), help: None }
    }

    pub fn warning(code: Code, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, message) }
    }

    /// Where it stands; `None` leaves the problem without a place.
    pub fn at(mut self, place: impl Into<Option<Place>>) -> Self {
        self.place = place.into().map(Box::new);
        self
    }

    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into().into_boxed_str());
        self
    }

    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// What a stage returns when it cannot go on: every problem of that stage, not only the first.
pub type Problems = Vec<Problem>;

/// The name nearest to `name` among `candidates`, if one is near enough to be meant.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = name.to_lowercase();
    candidates
        .into_iter()
        .map(|c| (strsim::jaro_winkler(&lower, &c.to_lowercase()), c))
        .filter(|(score, _)| *score > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, c)| c)
}
