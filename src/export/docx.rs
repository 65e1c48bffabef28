//! A Word document with the tables of the paper: real tables, lines above and below as journals set them.
//!
//! Source: ECMA-376 part 1 (WordprocessingML).

use super::{xml_text, zip};
use crate::error::Problems;
use crate::report::{PaperRow, PaperTable, RowKind};

const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n";
const MAIN: &str = "http://schemas.openxmlformats.org/wordprocessingml/2006/main";
const TYPES: &str = "<Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\">\
    <Default Extension=\"rels\" ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/>\
    <Default Extension=\"xml\" ContentType=\"application/xml\"/><Override PartName=\"/word/document.xml\" \
    ContentType=\"application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml\"/></Types>";
const RELATIONS: &str = "<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\"><Relationship Id=\"rId1\" \
    Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument\" Target=\"word/document.xml\"/></Relationships>";

/// The document's bytes.
pub fn document(title: &str, tables: &[PaperTable]) -> Result<Vec<u8>, Problems> {
    let body: String = tables.iter().map(one).collect();
    let text = format!(
        "{HEAD}<w:document xmlns:w=\"{MAIN}\"><w:body>{}{body}<w:sectPr><w:pgSz w:w=\"11906\" w:h=\"16838\"/>\
         <w:pgMar w:top=\"1134\" w:right=\"1134\" w:bottom=\"1134\" w:left=\"1134\" w:header=\"567\" w:footer=\"567\" w:gutter=\"0\"/></w:sectPr></w:body></w:document>",
        paragraph(title, "<w:b/><w:sz w:val=\"28\"/>", "", 240)
    );
    let files = [("[Content_Types].xml", format!("{HEAD}{TYPES}")), ("_rels/.rels", format!("{HEAD}{RELATIONS}")), ("word/document.xml", text)];
    zip::archive(&files.map(|(name, text)| (name.to_owned(), text.into_bytes())))
}

fn one(t: &PaperTable) -> String {
    let rule = |side: &str| format!("<w:{side} w:val=\"single\" w:sz=\"8\" w:space=\"0\" w:color=\"000000\"/>");
    let widths: Vec<usize> = (0..t.head.len()).map(|k| if k == 0 { 4400 } else { 5200 / t.head.len().saturating_sub(1).max(1) }).collect();
    let grid: String = widths.iter().map(|w| format!("<w:gridCol w:w=\"{w}\"/>")).collect();
    let head = PaperRow { kind: RowKind::Plain, cells: t.head.clone() };
    let rows: String = std::iter::once(row(&head, &widths, true)).chain(t.rows.iter().map(|r| row(r, &widths, false))).collect();
    format!(
        "{}<w:tbl><w:tblPr><w:tblW w:w=\"9600\" w:type=\"dxa\"/><w:tblBorders>{}{}</w:tblBorders></w:tblPr><w:tblGrid>{grid}</w:tblGrid>{rows}</w:tbl>{}",
        paragraph(&t.caption, "<w:b/>", "", 60),
        rule("top"),
        rule("bottom"),
        paragraph(&t.note, "<w:sz w:val=\"18\"/>", "", 360)
    )
}

fn row(r: &PaperRow, widths: &[usize], head: bool) -> String {
    let look = if head || r.kind == RowKind::Heading { "<w:b/>" } else { "" };
    let cells: String = widths
        .iter()
        .enumerate()
        .map(|(k, width)| {
            let text = r.cells.get(k).map_or("", String::as_str);
            let place = match (k, r.kind) {
                (0, RowKind::Inner) => "<w:ind w:left=\"240\"/>",
                (0, RowKind::Plain | RowKind::Heading) => "",
                _ => "<w:jc w:val=\"right\"/>",
            };
            let line = if head { "<w:tcBorders><w:bottom w:val=\"single\" w:sz=\"4\" w:space=\"0\" w:color=\"000000\"/></w:tcBorders>" } else { "" };
            format!("<w:tc><w:tcPr><w:tcW w:w=\"{width}\" w:type=\"dxa\"/>{line}</w:tcPr>{}</w:tc>", paragraph(text, look, place, 0))
        })
        .collect();
    let repeat = if head { "<w:trPr><w:tblHeader/></w:trPr>" } else { "" };
    format!("<w:tr>{repeat}{cells}</w:tr>")
}

/// A paragraph with the look of its letters and its place; `after` is the space below in twentieths of a point.
fn paragraph(text: &str, look: &str, place: &str, after: u32) -> String {
    format!(
        "<w:p><w:pPr><w:spacing w:after=\"{after}\"/>{place}</w:pPr><w:r><w:rPr>{look}</w:rPr><w:t xml:space=\"preserve\">{}</w:t></w:r></w:p>",
        xml_text(text)
    )
}
