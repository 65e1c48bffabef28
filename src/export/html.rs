//! The tables of the paper as one page without script, style sheet or picture: Word, LibreOffice and browsers open it, and rows can be copied.

use super::xml_text;
use crate::report::{PaperTable, RowKind};

/// The text of the page.
pub fn page(title: &str, tables: &[PaperTable]) -> String {
    let tables: String = tables.iter().map(one).collect();
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{0}</title></head>\n\
         <body style=\"font-family: Calibri, Arial, sans-serif; font-size: 11pt\">\n<h1 style=\"font-size: 16pt\">{0}</h1>\n{tables}</body></html>\n",
        xml_text(title)
    )
}

fn one(t: &PaperTable) -> String {
    let cell = |tag: &str, at: usize, text: &str, style: &str| {
        let align = if at == 0 { "left" } else { "right" };
        format!("<{tag} style=\"text-align: {align}; padding: 2pt 8pt; {style}\">{}</{tag}>", xml_text(text))
    };
    let head: String = t.head.iter().enumerate().map(|(k, text)| cell("th", k, text, "border-bottom: 0.5pt solid black")).collect();
    let rows: String = t
        .rows
        .iter()
        .map(|row| match row.kind {
            RowKind::Heading => {
                format!(
                    "<tr><td colspan=\"{}\" style=\"padding: 6pt 8pt 2pt; font-style: italic\">{}</td></tr>\n",
                    t.head.len(),
                    xml_text(&row.cells[0])
                )
            }
            RowKind::Plain | RowKind::Inner => {
                let set_in = if row.kind == RowKind::Inner { "padding-left: 20pt" } else { "" };
                let cells: String = row.cells.iter().enumerate().map(|(k, text)| cell("td", k, text, if k == 0 { set_in } else { "" })).collect();
                format!("<tr>{cells}</tr>\n")
            }
        })
        .collect();
    format!(
        "<p style=\"font-weight: bold; margin: 18pt 0 4pt\">{}</p>\n<table style=\"border-collapse: collapse; border-top: 1pt solid black; border-bottom: 1pt \
         solid black\">\n<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}</tbody></table>\n<p style=\"font-size: 9pt; margin: 4pt 0\">{}</p>\n",
        xml_text(&t.caption),
        xml_text(&t.note)
    )
}
