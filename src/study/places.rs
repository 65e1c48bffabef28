//! The study file as a tree in which every key and every value knows where it stands.
//!
//! serde_yaml says what the values are; saphyr-parser reads the same text once more and says where they stand. The two
//! readings are laid over each other node by node, and a text that they read differently is refused: a place is never
//! a guess. Anchors, aliases, merge keys, tags and further documents are refused as well.

use crate::error::{Place, Problem, Problems, codes};
use saphyr_parser::{Event, Parser, ScalarStyle, Span as Marks};
use serde_yaml::Value;
use std::sync::Arc;

/// Maps and lists deeper than this are refused; the format needs eight.
const MAX_DEPTH: usize = 64;

/// Line and column from 1, in characters; `len` characters are underlined. Line 0 means: not in the file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    pub line: usize,
    pub col: usize,
    pub len: usize,
}

/// A key of a map.
#[derive(Clone, Debug)]
pub struct Key {
    pub text: String,
    pub span: Span,
}

/// A value and where it stands.
#[derive(Clone, Debug)]
pub struct Node {
    pub span: Span,
    pub data: Data,
}

#[derive(Clone, Debug)]
pub enum Data {
    Scalar {
        /// As serde_yaml reads it: null, boolean, number or string.
        value: Value,
        /// As the file writes it, quotes taken off: `1.50` stays `1.50`.
        text: String,
        plain: bool,
    },
    List(Vec<Node>),
    Map(Vec<(Key, Node)>),
}

impl Node {
    /// Where to point for this value: a map is pointed at by its first key.
    pub fn pointer(&self) -> Span {
        match &self.data {
            Data::Map(entries) => entries.first().map_or(self.span, |(key, _)| key.span),
            Data::Scalar { .. } | Data::List(_) => self.span,
        }
    }
}

/// The file's name and lines: turns a [`Span`] into a [`Place`].
#[derive(Clone, Debug)]
pub struct Source {
    file: Arc<str>,
    lines: Vec<Arc<str>>,
}

/// Where a key stands that is reached through the keys of `path`; nowhere if it is not in the tree.
pub fn key_at(root: &Node, path: &[&str]) -> Span {
    let Some((first, rest)) = path.split_first() else { return Span::default() };
    let Data::Map(entries) = &root.data else { return Span::default() };
    match entries.iter().find(|(key, _)| key.text == *first) {
        Some((key, _)) if rest.is_empty() => key.span,
        Some((_, node)) => key_at(node, rest),
        None => Span::default(),
    }
}

/// The passwords in a text: of URLs (`scheme://user:password@host`, `?password=...`) and of lists of keys (`password=...`). What is written
/// as `${NAME}` is none.
pub fn secrets(text: &str) -> impl Iterator<Item = &str> {
    let of_url = move |(at, _): (usize, &str)| {
        let rest = &text[at + 3..];
        let rest = &rest[..rest.find(ends_secret).unwrap_or(rest.len())];
        // The password may hold any sign; the host holds no @.
        rest.rsplit_once('@').and_then(|(user, _)| user.split_once(':')).map(|(_, password)| password)
    };
    let lower = text.to_ascii_lowercase();
    let keys: Vec<usize> = lower.match_indices("password=").map(|(at, _)| at + "password=".len()).collect();
    let of_key = move |at: usize| {
        let rest = &text[at..];
        &rest[..rest.find(|c| ends_secret(c) || c == '&').unwrap_or(rest.len())]
    };
    text.match_indices("://").filter_map(of_url).chain(keys.into_iter().map(of_key)).filter(|s| !s.is_empty() && !s.starts_with("${"))
}

fn ends_secret(c: char) -> bool {
    c.is_whitespace() || matches!(c, '"' | '\'' | ',')
}

/// The line with its passwords as asterisks, so that columns stay where they are.
fn masked(line: &str) -> String {
    let mut shown = line.to_owned();
    for secret in secrets(line) {
        shown = shown.replace(secret, &"*".repeat(secret.chars().count()));
    }
    shown
}

impl Source {
    pub fn new(file: &str, text: &str) -> Self {
        // Excerpts of the file are printed and kept; a password in it is not.
        Self { file: Arc::from(file), lines: text.lines().map(|line| Arc::from(masked(line))).collect() }
    }

    /// `None` for what is not written in the file.
    pub fn place(&self, span: Span) -> Option<Place> {
        (span.line > 0).then(|| Place { file: self.file.clone(), line: span.line, col: span.col, len: span.len.max(1), text: self.line(span.line) })
    }

    fn line(&self, line: usize) -> Arc<str> {
        self.lines.get(line.wrapping_sub(1)).cloned().unwrap_or_else(|| Arc::from(""))
    }

    /// The part of the first line that the marks cover, without spaces at its end.
    fn span(&self, marks: Marks) -> Span {
        let (line, col) = (marks.start.line(), marks.start.col() + 1);
        let rest: Vec<char> = self.line(line).chars().skip(col - 1).collect();
        let wanted = if marks.end.line() == line { marks.end.col().saturating_sub(marks.start.col()) } else { rest.len() };
        let covered: String = rest.iter().take(wanted).collect();
        Span { line, col, len: covered.trim_end().chars().count().max(1) }
    }
}

/// Reads the text into a tree. Every repeated key is reported (G102) and its first value kept, so that the rest can
/// still be checked; `None` if the text is not YAML that can be placed (G101).
pub fn read(source: &Source, text: &str) -> (Option<Node>, Problems) {
    let mut builder = Builder { source, open: Vec::new(), root: None, documents: 0, problems: Vec::new() };
    if let Err(problem) = builder.run(text) {
        builder.problems.push(*problem);
        return (None, builder.problems);
    }
    let (root, problems) = (builder.root, builder.problems);
    let Some(mut root) = root.filter(|node| !is_nothing(node)) else {
        let empty = Problem::error(codes::G101, "the study file is empty").help("start with `gapshare: 1`");
        return (None, vec![empty]);
    };
    if !problems.is_empty() {
        fill_each(&mut root);
        return (Some(root), problems);
    }
    match fill_from_text(source, &mut root, text) {
        Ok(()) => (Some(root), problems),
        Err(problem) => (None, vec![*problem]),
    }
}

fn is_nothing(node: &Node) -> bool {
    matches!(&node.data, Data::Scalar { text, plain: true, .. } if text.is_empty())
}

/// A map or list whose end has not been read yet.
enum Open {
    List(Span, Vec<Node>),
    Map(Span, Vec<(Key, Node)>, Option<Key>),
}

struct Builder<'a> {
    source: &'a Source,
    open: Vec<Open>,
    root: Option<Node>,
    documents: usize,
    problems: Problems,
}

type Step = Result<(), Box<Problem>>;

impl Builder<'_> {
    fn run(&mut self, text: &str) -> Step {
        for event in Parser::new_from_str(text) {
            match event {
                Ok((event, marks)) => self.take(event, self.source.span(marks))?,
                Err(error) => {
                    let (line, col) = (error.marker().line(), error.marker().col() + 1);
                    return Err(Box::new(self.syntax_error(line, col, error.info())));
                }
            }
        }
        Ok(())
    }

    fn take(&mut self, event: Event<'_>, span: Span) -> Step {
        match event {
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => Ok(()),
            Event::DocumentStart(_) => {
                self.documents += 1;
                if self.documents > 1 { Err(self.refuse(span, "a second YAML document starts here", "keep one study in a file")) } else { Ok(()) }
            }
            Event::Alias(_) => Err(self.refuse(span, "aliases (`*name`) are not read", "write the value out")),
            Event::Scalar(text, style, anchor, tag) => {
                self.plain_node(anchor, tag.is_some(), span)?;
                let plain = style == ScalarStyle::Plain;
                self.put(Node { span, data: Data::Scalar { value: Value::Null, text: text.into_owned(), plain } })
            }
            Event::SequenceStart(anchor, tag) => {
                self.plain_node(anchor, tag.is_some(), span)?;
                self.enter(Open::List(span, Vec::new()), span)
            }
            Event::MappingStart(anchor, tag) => {
                self.plain_node(anchor, tag.is_some(), span)?;
                self.enter(Open::Map(span, Vec::new(), None), span)
            }
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(Open::List(start, items)) => self.put(Node { span: until(start, span), data: Data::List(items) }),
                Some(Open::Map(start, entries, _)) => self.put(Node { span: until(start, span), data: Data::Map(entries) }),
                None => Err(self.refuse(span, "an end without a start", "check the brackets")),
            },
        }
    }

    fn plain_node(&self, anchor: usize, tagged: bool, span: Span) -> Step {
        if anchor != 0 {
            return Err(self.refuse(span, "anchors (`&name`) are not read", "write the value out wherever it is needed"));
        }
        if tagged {
            return Err(self.refuse(span, "tags (`!name`) are not read", "remove the tag; choices are written as map keys"));
        }
        Ok(())
    }

    fn enter(&mut self, open: Open, span: Span) -> Step {
        if self.open.len() >= MAX_DEPTH {
            return Err(self.refuse(span, "maps and lists are nested too deeply", "check the brackets"));
        }
        self.open.push(open);
        Ok(())
    }

    /// A finished node goes into the map or list that is open, as a key or as a value.
    fn put(&mut self, node: Node) -> Step {
        match self.open.last_mut() {
            None => self.root = Some(node),
            Some(Open::List(_, items)) => items.push(node),
            Some(Open::Map(_, entries, pending)) => match pending.take() {
                Some(key) => match entries.iter().find(|(k, _)| k.text == key.text) {
                    Some((first, _)) => {
                        let problem = Problem::error(
                            codes::G102,
                            format!("the key `{}` stands twice: on lines {} and {}", key.text, first.span.line, key.span.line),
                        )
                        .at(self.source.place(key.span))
                        .label(format!("first on line {}", first.span.line))
                        .help("remove one of the two");
                        self.problems.push(problem);
                    }
                    None => entries.push((key, node)),
                },
                None => {
                    let key = self.key(node)?;
                    if let Some(Open::Map(_, _, pending)) = self.open.last_mut() {
                        *pending = Some(key);
                    }
                }
            },
        }
        Ok(())
    }

    fn key(&self, node: Node) -> Result<Key, Box<Problem>> {
        match node.data {
            Data::Scalar { text, .. } if text == "<<" => Err(self.refuse(node.span, "merge keys (`<<`) are not read", "write the keys out")),
            Data::Scalar { text, .. } if !text.is_empty() => Ok(Key { text, span: node.span }),
            Data::Scalar { .. } => Err(self.refuse(node.span, "a key is empty", "write a name before the colon")),
            Data::List(_) | Data::Map(_) => Err(self.refuse(node.span, "a key is a list or a map", "keys are words; check the brackets")),
        }
    }

    fn refuse(&self, span: Span, message: &str, help: &str) -> Box<Problem> {
        Box::new(Problem::error(codes::G101, message).at(self.source.place(span)).help(help))
    }

    fn syntax_error(&self, line: usize, col: usize, info: &str) -> Problem {
        // Readers stumble over a tab in the indentation wherever it makes a difference; the user needs the tab itself.
        let tab = self.source.lines.iter().take(line + 1).enumerate().find_map(|(i, text)| {
            let indent: String = text.chars().take_while(|c| c.is_whitespace()).collect();
            indent.chars().position(|c| c == '\t').map(|at| Span { line: i + 1, col: at + 1, len: 1 })
        });
        if let Some(span) = tab {
            return *self.refuse(span, "a tab in the indentation", "indent with spaces");
        }
        let last = self.source.lines.len();
        let span =
            if line > last { Span { line: last, col: self.source.line(last).chars().count().max(1), len: 1 } } else { Span { line, col, len: 1 } };
        let help = "check indentation, brackets and quotes here and on the line above; put a space after each colon";
        *self.refuse(span, &format!("this is not valid YAML: {info}"), help)
    }
}

/// From the start of a bracketed map or list to its end, when both stand on one line.
fn until(start: Span, end: Span) -> Span {
    let len = if end.line == start.line && end.col >= start.col { end.col + end.len - start.col } else { start.len };
    Span { len, ..start }
}

/// Takes every value from serde_yaml's reading of the whole text.
fn fill_from_text(source: &Source, root: &mut Node, text: &str) -> Step {
    let value: Value = serde_yaml::from_str(text).map_err(|error| {
        let span = error.location().map_or(Span::default(), |at| Span { line: at.line(), col: at.column(), len: 1 });
        Box::new(Problem::error(codes::G101, format!("this is not valid YAML: {error}")).at(source.place(span)))
    })?;
    fill(source, root, value)
}

fn fill(source: &Source, node: &mut Node, value: Value) -> Step {
    let differs = |span: Span| {
        Box::new(
            Problem::error(codes::G101, "this can be read in two ways")
                .at(source.place(span))
                .note("two readers of YAML disagree about it")
                .help("write it in a plainer way, with quotes around text"),
        )
    };
    match (&mut node.data, value) {
        (Data::List(items), Value::Sequence(values)) if items.len() == values.len() => {
            items.iter_mut().zip(values).try_for_each(|(item, value)| fill(source, item, value))
        }
        (Data::Map(entries), Value::Mapping(values)) if entries.len() == values.len() => {
            entries.iter_mut().zip(values).try_for_each(|((key, item), (name, value))| match name {
                Value::String(name) if name != key.text => Err(differs(key.span)),
                _ => fill(source, item, value),
            })
        }
        (Data::Scalar { value: slot, text, .. }, value @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_))) => {
            if value.as_str().is_some_and(|read| read != text) {
                return Err(differs(node.span));
            }
            *slot = value;
            Ok(())
        }
        _ => Err(differs(node.span)),
    }
}

/// Takes every value from serde_yaml's reading of that value alone: for a text that serde_yaml refuses as a whole
/// because of a repeated key, which is reported already.
fn fill_each(node: &mut Node) {
    match &mut node.data {
        Data::List(items) => items.iter_mut().for_each(fill_each),
        Data::Map(entries) => entries.iter_mut().for_each(|(_, item)| fill_each(item)),
        Data::Scalar { value, text, plain } => {
            let read = plain.then(|| serde_yaml::from_str(text)).and_then(Result::ok);
            *value = match read {
                Some(read @ (Value::Null | Value::Bool(_) | Value::Number(_))) => read,
                _ => Value::String(text.clone()),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(text: &str) -> (Option<Node>, Problems) {
        read(&Source::new("s.yaml", text), text)
    }

    fn at<'a>(node: &'a Node, path: &[&str]) -> &'a Node {
        path.iter().fold(node, |node, step| match &node.data {
            Data::Map(entries) => &entries.iter().find(|(k, _)| k.text == *step).expect("a key").1,
            Data::List(items) => &items[step.parse::<usize>().expect("an index")],
            Data::Scalar { .. } => panic!("no {step} in a scalar"),
        })
    }

    #[test]
    fn every_value_knows_where_it_stands() {
        let text = "a: 1.50\nb:\n  - { né: [x, \"y z\"] }   # comment\n  - plain text   # comment\nc:\nd: 'it''s'\n";
        let (root, problems) = tree(text);
        assert_eq!(problems, vec![]);
        let root = root.expect("a tree");
        for (path, line, col, len) in [
            (&["a"][..], 1, 4, 4),
            (&["b", "0", "né", "0"], 3, 12, 1),
            (&["b", "0", "né", "1"], 3, 15, 5),
            (&["b", "0", "né"], 3, 11, 10),
            (&["b", "1"], 4, 5, 10),
            (&["d"], 6, 4, 7),
        ] {
            assert_eq!(at(&root, path).span, Span { line, col, len }, "{path:?}");
        }
        let Data::Scalar { value, text, .. } = &at(&root, &["a"]).data else { panic!("a scalar") };
        assert_eq!((value.as_f64(), text.as_str()), (Some(1.5), "1.50"));
        assert_eq!(at(&root, &["b", "0"]).pointer(), Span { line: 3, col: 7, len: 2 });
    }

    #[test]
    fn on_yes_and_no_are_text() {
        let (root, _) = tree("[on, yes, no, off, true]");
        let Data::List(items) = root.expect("a tree").data else { panic!("a list") };
        let texts = items.iter().filter(|n| matches!(&n.data, Data::Scalar { value: Value::String(_), .. })).count();
        assert_eq!(texts, 4);
    }

    #[test]
    fn every_repeated_key_is_reported_with_both_lines() {
        let (root, problems) = tree("a: 1\nb: { x: 1, x: 2 }\na: 2\n");
        assert!(root.is_some());
        let found: Vec<_> = problems.iter().map(|p| (p.code, p.message.as_str(), p.place.as_ref().map(|w| (w.line, w.col)))).collect();
        assert_eq!(
            found,
            vec![
                (codes::G102, "the key `x` stands twice: on lines 2 and 2", Some((2, 12))),
                (codes::G102, "the key `a` stands twice: on lines 1 and 3", Some((3, 1))),
            ]
        );
    }

    #[test]
    fn what_cannot_be_placed_is_refused() {
        for (text, line, col, message) in [
            ("a:\n\tb: 1\n", 2, 1, "a tab in the indentation"),
            ("a: 1\n---\nb: 1\n", 2, 1, "a second YAML document starts here"),
            ("a: &x 1\nb: *x\n", 1, 4, "anchors (`&name`) are not read"),
            ("a: !!str 1\n", 1, 4, "tags (`!name`) are not read"),
            ("a:\n  <<: { b: 1 }\n", 2, 3, "merge keys (`<<`) are not read"),
            ("? [a, b]\n: 1\n", 1, 3, "a key is a list or a map"),
        ] {
            let (root, problems) = tree(text);
            assert!(root.is_none(), "{text}");
            let place = problems[0].place.as_ref().expect("a place");
            assert_eq!((problems[0].code, place.line, place.col, problems[0].message.as_str()), (codes::G101, line, col, message), "{text}");
        }
        for (text, line) in [("a: [1, 2\nb: 3\n", 2), ("a: b: c\n", 1), ("a: \"x\n", 1), ("a: 1\n b: 2\n", 2)] {
            let (root, problems) = tree(text);
            assert!(root.is_none(), "{text}");
            assert_eq!((problems[0].code, problems[0].place.as_ref().map(|w| w.line)), (codes::G101, Some(line)), "{text}: {}", problems[0].message);
        }
        assert_eq!(tree("# nothing\n").1[0].message, "the study file is empty");
    }
}
