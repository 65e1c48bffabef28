//! A workbook: a sheet a table with the names of its columns in bold, numbers as numbers, and the dictionary of the columns at the end.
//!
//! Source: ECMA-376 part 1 (SpreadsheetML). Text stands in the cells themselves, so a spreadsheet never runs it as a formula.

use super::{xml_text, zip};
use crate::error::Problems;
use crate::release::{Cell, ResultTables};

const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n";
const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
const RELATIONS: &str = "http://schemas.openxmlformats.org/package/2006/relationships";
const OFFICE: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";

struct Sheet {
    name: String,
    head: Vec<String>,
    rows: Vec<Vec<Cell>>,
}

/// The workbook's bytes.
pub fn workbook(results: &ResultTables) -> Result<Vec<u8>, Problems> {
    let mut sheets: Vec<Sheet> =
        results.tables.values().map(|t| Sheet { name: t.name.to_owned(), head: t.columns.clone(), rows: t.rows.clone() }).collect();
    let dictionary = results.tables.values().flat_map(|t| {
        t.declarations().map(|c| [t.name, c.name.as_ref(), c.kind.name(), c.unit, c.doc.as_ref()].map(Cell::from).to_vec()).collect::<Vec<_>>()
    });
    sheets.push(Sheet {
        name: "SCHEMA".to_owned(),
        head: ["table", "column", "type", "unit", "description"].map(String::from).to_vec(),
        rows: dictionary.collect(),
    });
    let mut files = vec![
        ("[Content_Types].xml".to_owned(), content_types(sheets.len())),
        (
            "_rels/.rels".to_owned(),
            format!(
                "{HEAD}<Relationships xmlns=\"{RELATIONS}\"><Relationship Id=\"rId1\" Type=\"{OFFICE}/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>"
            ),
        ),
        ("xl/workbook.xml".to_owned(), book(&sheets)),
        ("xl/_rels/workbook.xml.rels".to_owned(), book_relations(sheets.len())),
        ("xl/styles.xml".to_owned(), styles()),
    ];
    files.extend(sheets.iter().enumerate().map(|(k, s)| (format!("xl/worksheets/sheet{}.xml", k + 1), sheet(s))));
    zip::archive(&files.into_iter().map(|(name, text)| (name, text.into_bytes())).collect::<Vec<_>>())
}

fn content_types(sheets: usize) -> String {
    let kind = "application/vnd.openxmlformats-officedocument.spreadsheetml";
    let parts: String =
        (1..=sheets).map(|k| format!("<Override PartName=\"/xl/worksheets/sheet{k}.xml\" ContentType=\"{kind}.worksheet+xml\"/>")).collect();
    format!(
        "{HEAD}<Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\">\
         <Default Extension=\"rels\" ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/>\
         <Default Extension=\"xml\" ContentType=\"application/xml\"/>\
         <Override PartName=\"/xl/workbook.xml\" ContentType=\"{kind}.sheet.main+xml\"/>\
         <Override PartName=\"/xl/styles.xml\" ContentType=\"{kind}.styles+xml\"/>{parts}</Types>"
    )
}

fn book(sheets: &[Sheet]) -> String {
    let list: String = sheets
        .iter()
        .enumerate()
        .map(|(k, s)| format!("<sheet name=\"{}\" sheetId=\"{}\" r:id=\"rId{}\"/>", xml_text(&s.name), k + 1, k + 1))
        .collect();
    format!("{HEAD}<workbook xmlns=\"{MAIN}\" xmlns:r=\"{OFFICE}\"><sheets>{list}</sheets></workbook>")
}

fn book_relations(sheets: usize) -> String {
    let list: String =
        (1..=sheets).map(|k| format!("<Relationship Id=\"rId{k}\" Type=\"{OFFICE}/worksheet\" Target=\"worksheets/sheet{k}.xml\"/>")).collect();
    let styles = sheets + 1;
    format!(
        "{HEAD}<Relationships xmlns=\"{RELATIONS}\">{list}<Relationship Id=\"rId{styles}\" Type=\"{OFFICE}/styles\" Target=\"styles.xml\"/></Relationships>"
    )
}

/// Style 1 is bold, for the names of columns.
fn styles() -> String {
    let font = |bold: &str| format!("<font>{bold}<sz val=\"11\"/><name val=\"Calibri\"/></font>");
    format!(
        "{HEAD}<styleSheet xmlns=\"{MAIN}\"><fonts count=\"2\">{}{}</fonts>\
         <fills count=\"2\"><fill><patternFill patternType=\"none\"/></fill><fill><patternFill patternType=\"gray125\"/></fill></fills>\
         <borders count=\"1\"><border><left/><right/><top/><bottom/><diagonal/></border></borders>\
         <cellStyleXfs count=\"1\"><xf numFmtId=\"0\" fontId=\"0\" fillId=\"0\" borderId=\"0\"/></cellStyleXfs>\
         <cellXfs count=\"2\"><xf numFmtId=\"0\" fontId=\"0\" fillId=\"0\" borderId=\"0\" xfId=\"0\"/>\
         <xf numFmtId=\"0\" fontId=\"1\" fillId=\"0\" borderId=\"0\" xfId=\"0\" applyFont=\"1\"/></cellXfs>\
         <cellStyles count=\"1\"><cellStyle name=\"Normal\" xfId=\"0\" builtinId=\"0\"/></cellStyles></styleSheet>",
        font(""),
        font("<b/>")
    )
}

fn sheet(s: &Sheet) -> String {
    let mut rows = vec![row(1, s.head.iter().map(Cell::from), " s=\"1\"")];
    rows.extend(s.rows.iter().enumerate().map(|(k, cells)| row(k + 2, cells.iter().cloned(), "")));
    let columns: String = s
        .head
        .iter()
        .enumerate()
        .map(|(k, name)| {
            // As wide as its longest text, up to a width that still leaves others on the screen.
            let texts =
                s.rows.iter().filter_map(|cells| cells.get(k)).filter_map(|c| if let Cell::Text(v) = c { Some(v.chars().count()) } else { None });
            let wide = texts.max().unwrap_or(0).min(60).max(name.chars().count()).max(10) + 2;
            format!("<col min=\"{0}\" max=\"{0}\" width=\"{wide}\" customWidth=\"1\"/>", k + 1)
        })
        .collect();
    let filter = format!("<autoFilter ref=\"A1:{}{}\"/>", letters(s.head.len().saturating_sub(1)), s.rows.len() + 1);
    format!(
        "{HEAD}<worksheet xmlns=\"{MAIN}\"><sheetViews><sheetView workbookViewId=\"0\"><pane ySplit=\"1\" topLeftCell=\"A2\" activePane=\"bottomLeft\" \
         state=\"frozen\"/></sheetView></sheetViews><cols>{columns}</cols><sheetData>{}</sheetData>{filter}</worksheet>",
        rows.concat()
    )
}

fn row(number: usize, cells: impl Iterator<Item = Cell>, style: &str) -> String {
    let cells: String = cells
        .enumerate()
        .map(|(k, cell)| {
            let at = format!("{}{number}", letters(k));
            match cell {
                Cell::Null => String::new(),
                Cell::Bool(v) => format!("<c r=\"{at}\"{style} t=\"b\"><v>{}</v></c>", u8::from(v)),
                Cell::Int(v) => format!("<c r=\"{at}\"{style}><v>{v}</v></c>"),
                Cell::Number(v) => format!("<c r=\"{at}\"{style}><v>{v:?}</v></c>"),
                Cell::Text(v) => format!("<c r=\"{at}\"{style} t=\"inlineStr\"><is><t xml:space=\"preserve\">{}</t></is></c>", xml_text(&v)),
            }
        })
        .collect();
    format!("<row r=\"{number}\">{cells}</row>")
}

/// A, B, ..., Z, AA, AB, ...
fn letters(column: usize) -> String {
    let (mut left, mut out) = (column + 1, String::new());
    while left > 0 {
        out.insert(0, char::from(b'A' + ((left - 1) % 26) as u8));
        left = (left - 1) / 26;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::letters;

    #[test]
    fn columns_are_named_as_in_a_spreadsheet() {
        for (k, name) in [(0, "A"), (25, "Z"), (26, "AA"), (51, "AZ"), (52, "BA"), (701, "ZZ"), (702, "AAA")] {
            assert_eq!(letters(k), name);
        }
    }
}
