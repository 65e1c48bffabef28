//! Line and column of every key and value of a spec, from a marked parse of its text.

use crate::error::{Place, Problem, Problems, codes};
use saphyr_parser::{Event, Parser, Span};
use std::collections::HashMap;
use std::sync::Arc;

/// Where each path such as `outcome.death` has its key and its value.
#[derive(Debug, Default)]
pub struct Places {
    pub keys: HashMap<String, Place>,
    pub values: HashMap<String, Place>,
    /// Keys that stand twice in their map.
    pub repeated: Vec<(String, Place)>,
}

/// What encloses the next event.
enum Frame {
    /// In a map: its path, and the key whose value comes next.
    Map {
        path: String,
        key: Option<String>,
    },
    Sequence {
        path: String,
        next: usize,
    },
}

impl Places {
    /// Errors: G101, where the text is no YAML.
    pub fn read(file: &Arc<str>, text: &str) -> Result<Self, Problems> {
        let lines: Vec<&str> = text.lines().collect();
        let place = |span: Span| place(file, &lines, span.start.line(), span.start.col(), span.end.index().saturating_sub(span.start.index()));
        let mut places = Self::default();
        let mut frames: Vec<Frame> = Vec::new();
        for event in Parser::new_from_str(text) {
            let (event, span) = event.map_err(|e| {
                let at = e.marker();
                vec![Problem::error(codes::G101, format!("not valid YAML: {}", e.info())).at(self::place(file, &lines, at.line(), at.col(), 1))]
            })?;
            match event {
                Event::Scalar(value, ..) => match frames.last_mut() {
                    Some(Frame::Map { path, key: key @ None }) => {
                        let full = joined(path, &value);
                        if places.keys.insert(full.clone(), place(span)).is_some() {
                            places.repeated.push((full, place(span)));
                        }
                        *key = Some(value.into_owned());
                    }
                    _ => {
                        let path = next_path(&mut frames);
                        places.values.insert(path, place(span));
                    }
                },
                Event::Alias(_) => {
                    let path = next_path(&mut frames);
                    places.values.insert(path, place(span));
                }
                Event::MappingStart(..) => {
                    let path = next_path(&mut frames);
                    places.values.insert(path.clone(), place(span));
                    frames.push(Frame::Map { path, key: None });
                }
                Event::SequenceStart(..) => {
                    let path = next_path(&mut frames);
                    places.values.insert(path.clone(), place(span));
                    frames.push(Frame::Sequence { path, next: 0 });
                }
                Event::MappingEnd | Event::SequenceEnd => {
                    frames.pop();
                }
                Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentStart(_) | Event::DocumentEnd => {}
            }
        }
        Ok(places)
    }

    /// The value's place, or its key's, or that of the nearest map around it.
    pub fn of(&self, path: &str) -> Option<Place> {
        let found = self.values.get(path).or_else(|| self.keys.get(path));
        found.cloned().or_else(|| path.rsplit_once('.').and_then(|(parent, _)| self.of(parent)))
    }
}

fn joined(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

/// The path of the value that begins here; a map's pending key is used up.
fn next_path(frames: &mut [Frame]) -> String {
    match frames.last_mut() {
        None => String::new(),
        Some(Frame::Map { path, key }) => joined(path, &key.take().unwrap_or_default()),
        Some(Frame::Sequence { path, next }) => {
            *next += 1;
            joined(path, &(*next - 1).to_string())
        }
    }
}

/// A place from a line counted from 1 and a column counted from 0.
pub fn place(file: &Arc<str>, lines: &[&str], line: usize, col: usize, len: usize) -> Place {
    let text = lines.get(line.saturating_sub(1)).copied().unwrap_or_default();
    let rest = text.chars().count().saturating_sub(col);
    Place { file: file.clone(), line, col: col + 1, len: len.clamp(1, rest.max(1)), text: text.into() }
}
