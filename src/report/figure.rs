//! A drawing as the page shows it: caption, the two drawings, a key, and its numbers as a table.

use super::Figure;
use super::chart::Hue;
use super::view::TableView;
use serde::Serialize;

/// A figure with what stands under it.
#[derive(Serialize)]
pub struct Drawn {
    /// The id of the figure, unique on the page.
    pub id: String,
    #[serde(flatten)]
    pub figure: Figure,
    pub key: Vec<Key>,
    /// The numbers that are drawn, folded away.
    pub data: Option<TableView>,
}

/// A mark and what it stands for.
#[derive(Serialize)]
pub struct Key {
    /// SVG of our own, 22 by 12.
    pub svg: String,
    pub text: String,
}

impl Drawn {
    pub fn new(id: String, figure: Figure) -> Self {
        Self { id, figure, key: Vec::new(), data: None }
    }
}

impl From<Figure> for Drawn {
    fn from(figure: Figure) -> Self {
        Self::new(format!("figure-{}", figure.number), figure)
    }
}

/// A figure without number and drawing, which come later.
pub fn captioned(title: impl Into<String>, caption: impl Into<String>, note: impl Into<String>) -> Figure {
    Figure { number: 0, title: title.into(), caption: caption.into(), note: note.into(), svg: String::new() }
}

pub fn disc(hue: Hue, text: impl Into<String>) -> Key {
    key(&format!("<circle class=\"{}\" cx=\"11\" cy=\"6\" r=\"4.5\"/>", hue.fill()), text)
}

pub fn ring(hue: Hue, text: impl Into<String>) -> Key {
    key(&format!("<circle class=\"o {}\" cx=\"11\" cy=\"6\" r=\"4.5\"/>", hue.stroke()), text)
}

pub fn diamond(class: &str, text: impl Into<String>) -> Key {
    key(&format!("<path class=\"{class}\" d=\"M6 6l5 5l5 -5l-5 -5z\"/>"), text)
}

fn key(mark: &str, text: impl Into<String>) -> Key {
    Key { svg: format!("<svg viewBox=\"0 0 22 12\" aria-hidden=\"true\">{mark}</svg>"), text: text.into() }
}
