//! Text -> [`StudyFile`], with every problem of its shape at once.
//!
//! serde stops at the first value that does not fit. So that value is reported, taken out of the tree, and the reading
//! starts over, until the rest fits. What was taken out is remembered: it is not reported a second time as missing, and
//! the checks that would trip over its absence are not made.

use super::file::StudyFile;
use super::places::{self, Data, Node, Source, Span};
use super::read::{FaultKind, Step, from_tree, listed};
use crate::error::{Problem, Problems, codes, nearest};
use serde_json::Value as Json;

/// A study file as far as it could be read.
pub struct Study {
    pub source: Source,
    /// What is left when everything that does not fit is taken out.
    pub tree: Node,
    pub file: StudyFile,
    /// The top-level keys under which something was taken out.
    pub incomplete: Vec<String>,
}

/// Reads the text of a study file; `name` is what problems call the file. No study if what is left is none.
pub fn read(name: &str, text: &str) -> (Option<Study>, Problems) {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let source = Source::new(name, text);
    let (root, problems) = places::read(&source, text);
    let Some(root) = root else { return (None, problems) };
    let mut reading = Reading { source: &source, root, incomplete: Vec::new(), taken_out: Vec::new(), problems };
    let file = reading.run();
    let Reading { root: tree, incomplete, problems, .. } = reading;
    (file.map(|file| Study { source, tree, file, incomplete }), problems)
}

/// The JSON Schema of the format.
pub fn schema() -> Json {
    schemars::schema_for!(StudyFile).to_value()
}

struct Reading<'a> {
    source: &'a Source,
    root: Node,
    incomplete: Vec<String>,
    /// Map (by its place) and key of each entry taken out.
    taken_out: Vec<(Span, String)>,
    problems: Problems,
}

/// Begins the names in what stands in for a section: no column or table is called so.
pub const STAND_IN: char = '\0';

/// What stands in for a section that is missing or could not be read. It is marked incomplete, and nothing is said about it.
const STAND_INS: [(&str, &str); 8] = [
    ("gapshare", "1"),
    ("study", "unnamed"),
    ("tables", "{}"),
    ("cohort", "{ unit: { table: \"\\0table\" } }"),
    ("group", "{ column: \"\\0group\", reference: a, index: [b] }"),
    ("outcome", "{ column: \"\\0outcome\", family: gaussian }"),
    ("blocks", "{}"),
    ("analyses", "{}"),
];

/// A value on the way from the root, in the words of a message.
struct Site {
    /// `cohort.joins[2].by`; empty for the root.
    path: String,
    node: Node,
    /// Where to point: the value, or its key when the value is a block of lines or nothing.
    pointer: Span,
}

impl Reading<'_> {
    fn run(&mut self) -> Option<StudyFile> {
        loop {
            let fault = match from_tree::<StudyFile>(&self.root) {
                Ok(file) => return Some(file),
                Err(fault) => fault,
            };
            let mut steps: Vec<Step> = fault.path.into_iter().rev().collect();
            let key = match steps.last() {
                Some(Step::Key(at)) => {
                    let at = *at;
                    steps.pop();
                    Some(at)
                }
                Some(Step::Value(_) | Step::Item(_)) | None => None,
            };
            let site = self.site(&steps);
            let mut pointer = site.pointer;
            if let (Some(at), Data::Map(entries)) = (key, &site.node.data)
                && let Some((key, _)) = entries.get(at)
            {
                pointer = key.span;
            }
            let emptied =
                matches!(&site.node.data, Data::Map(entries) if entries.is_empty()) && self.taken_out.iter().any(|(map, _)| *map == site.node.span);
            let lacks_a_key = matches!(fault.kind, FaultKind::MissingKey { .. });
            match fault.kind {
                FaultKind::Type { .. } | FaultKind::Other(_) if emptied => {}
                FaultKind::UnknownKey { key, known } => {
                    self.unknown_key(&site, pointer, &key, &known);
                    self.mend_key(&steps, &key, &known);
                    continue;
                }
                FaultKind::Type { found, expected } => self.wrong_type(&site, pointer, &found, &expected),
                FaultKind::UnknownChoice { choice, known } => self.unknown_choice(&site, pointer, &choice, &known),
                FaultKind::MissingKey { key, within } => self.missing_keys(&site, key, within),
                FaultKind::Other(message) => {
                    let problem = Problem::error(codes::G104, named(&site.path, &message)).at(self.source.place(pointer));
                    self.problems.push(problem);
                }
            }
            let mended = self.take_out(&steps) || lacks_a_key && steps.is_empty() && self.stand_in();
            if !mended {
                return None;
            }
        }
    }

    fn site(&self, steps: &[Step]) -> Site {
        let mut site = Site { path: String::new(), node: self.root.clone(), pointer: Span { len: 1, ..self.root.pointer() } };
        for step in steps {
            let next = match (&site.node.data, step) {
                (Data::Map(entries), Step::Value(at)) => entries.get(*at).map(|(key, node)| {
                    let path = if site.path.is_empty() { key.text.clone() } else { format!("{}.{}", site.path, key.text) };
                    let on_key = match &node.data {
                        Data::Scalar { text, plain, .. } => *plain && text.is_empty(),
                        Data::List(_) | Data::Map(_) => node.span.line != key.span.line,
                    };
                    Site { path, node: node.clone(), pointer: if on_key { key.span } else { node.span } }
                }),
                (Data::List(items), Step::Item(at)) => {
                    items.get(*at).map(|node| Site { path: format!("{}[{at}]", site.path), node: node.clone(), pointer: node.pointer() })
                }
                _ => None,
            };
            match next {
                Some(next) => site = next,
                None => break,
            }
        }
        site
    }

    fn unknown_key(&mut self, site: &Site, pointer: Span, key: &str, known: &[&'static str]) {
        let of = if site.path.is_empty() { "the study file".to_owned() } else { format!("`{}`", site.path) };
        let help = match nearest(key, known.iter().copied()) {
            Some(near) => format!("write `{near}`"),
            None => "remove it; `gapshare schema study` prints the format".to_owned(),
        };
        let mut problem = Problem::error(codes::G103, format!("`{key}` is not a key of {of}"));
        problem = problem.at(self.source.place(pointer)).label("unknown key").help(help);
        if !known.is_empty() {
            problem = problem.note(format!("known here: {}", listed(known)));
        }
        self.problems.push(problem);
    }

    fn wrong_type(&mut self, site: &Site, pointer: Span, found: &str, expected: &str) {
        let place = if site.path.is_empty() { "the study file" } else { &site.path };
        let is_scalar = matches!(&site.node.data, Data::Scalar { .. });
        let text = match &site.node.data {
            Data::Scalar { text, .. } => text.as_str(),
            Data::List(_) | Data::Map(_) => "",
        };
        let help = if found == "nothing" {
            format!("write {expected} after the colon, or remove the key")
        } else if expected == "text" && is_scalar {
            format!("put it in quotes: \"{text}\"")
        } else if expected == "true or false" && ["yes", "no", "on", "off"].contains(&text.to_lowercase().as_str()) {
            "write true or false: `yes`, `no`, `on` and `off` are text".to_owned()
        } else if expected.contains("number") && text.parse::<f64>().is_ok() && found.starts_with("the text") {
            "write it without quotes".to_owned()
        } else {
            format!("write {expected}; `gapshare schema study` prints the format")
        };
        self.problems.push(
            Problem::error(codes::G104, format!("`{place}` takes {expected}, not {found}"))
                .at(self.source.place(pointer))
                .label(format!("expected {expected}"))
                .help(help),
        );
    }

    fn unknown_choice(&mut self, site: &Site, pointer: Span, choice: &str, known: &[&'static str]) {
        let help = match nearest(choice, known.iter().copied()) {
            Some(near) => format!("write `{near}`"),
            None => format!("write one of {}", listed(known)),
        };
        self.problems.push(
            Problem::error(codes::G210, format!("`{choice}` is not a choice of `{}`", site.path))
                .at(self.source.place(pointer))
                .label("unknown choice")
                .note(format!("choices: {}", listed(known)))
                .help(help),
        );
    }

    /// Every key that the map must have and has not, except those taken out of it before.
    fn missing_keys(&mut self, site: &Site, key: &'static str, within: Option<&'static str>) {
        let schema = schema();
        let declared = match within {
            Some("StudyFile") => &schema,
            Some(name) => &schema["$defs"][name],
            None => &Json::Null,
        };
        let mut required: Vec<&str> = declared["required"].as_array().map_or(vec![], |keys| keys.iter().filter_map(Json::as_str).collect());
        if required.is_empty() {
            required.push(key);
        }
        let Data::Map(entries) = &site.node.data else { return };
        for key in required {
            let present = entries.iter().any(|(k, _)| k.text == key);
            let taken_out = self.taken_out.iter().any(|(map, k)| *map == site.node.span && k == key);
            if present || taken_out {
                continue;
            }
            let of = if site.path.is_empty() { "the study file".to_owned() } else { format!("`{}`", site.path) };
            let mut problem = Problem::error(codes::G105, format!("{of} lacks the key `{key}`"))
                .at(self.source.place(site.pointer))
                .label(format!("`{key}` is missing"))
                .help(format!("add `{key}:`"));
            if let Some(what) = declared["properties"][key]["description"].as_str() {
                problem = problem.note(format!("{key}: {what}"));
            }
            self.problems.push(problem);
        }
    }

    /// An unknown key becomes the key that was probably meant, if that one is not there; otherwise it goes.
    fn mend_key(&mut self, steps: &[Step], key: &str, known: &[&'static str]) {
        let near = nearest(key, known.iter().copied());
        let Some(Data::Map(entries)) = node_mut(&mut self.root, steps).map(|node| &mut node.data) else { return };
        let free = near.filter(|near| entries.iter().all(|(k, _)| k.text != *near));
        match free {
            Some(near) => entries.iter_mut().filter(|(k, _)| k.text == key).for_each(|(k, _)| near.clone_into(&mut k.text)),
            None => entries.retain(|(k, _)| k.text != key),
        }
    }

    /// Puts something in the place of every section that must be there and is not, so that the others are checked in the same
    /// round. False if none is missing.
    fn stand_in(&mut self) -> bool {
        let Data::Map(entries) = &mut self.root.data else { return false };
        let before = entries.len();
        for (key, text) in STAND_INS {
            if entries.iter().any(|(k, _)| k.text == key) {
                continue;
            }
            let line = format!("{key}: {text}");
            if let (Some(Node { data: Data::Map(made), .. }), _) = places::read(&Source::new("", &line), &line) {
                entries.extend(made);
                self.incomplete.push(key.to_owned());
            }
        }
        entries.len() > before
    }

    /// False if nothing can be taken out: the whole file is at fault.
    fn take_out(&mut self, steps: &[Step]) -> bool {
        let Some((last, before)) = steps.split_last() else { return false };
        if let (Some(Step::Value(at)), Data::Map(entries)) = (steps.first(), &self.root.data)
            && let Some((key, _)) = entries.get(*at)
        {
            self.incomplete.push(key.text.clone());
        }
        let Some(parent) = node_mut(&mut self.root, before) else { return false };
        let span = parent.span;
        match (&mut parent.data, last) {
            (Data::Map(entries), Step::Value(at)) if *at < entries.len() => {
                let (key, _) = entries.remove(*at);
                self.taken_out.push((span, key.text));
                true
            }
            (Data::List(items), Step::Item(at)) if *at < items.len() => {
                items.remove(*at);
                true
            }
            _ => false,
        }
    }
}

fn node_mut<'n>(root: &'n mut Node, steps: &[Step]) -> Option<&'n mut Node> {
    steps.iter().try_fold(root, |node, step| match (&mut node.data, step) {
        (Data::Map(entries), Step::Value(at)) => entries.get_mut(*at).map(|(_, node)| node),
        (Data::List(items), Step::Item(at)) => items.get_mut(*at),
        _ => None,
    })
}

fn named(path: &str, message: &str) -> String {
    if path.is_empty() { message.to_owned() } else { format!("`{path}`: {message}") }
}

#[cfg(test)]
mod tests;
