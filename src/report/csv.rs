//! A table of the page as a file: one number a cell, in full precision, as a `data:` link that works without script.

use super::view::{Shown, TableView};

/// `data:text/csv,...` of a table. `units`: how the page writes the units of gaps, which the file does not use.
pub fn link(view: &TableView, units: &[String]) -> String {
    format!("data:text/csv;charset=utf-8,{}", percent_encoded(&text(view, units)))
}

/// The file: heads, then rows. Lines over rows become a first column; an interval becomes two columns; what is withheld is empty and
/// said in the last column. Numbers are in the unit of the outcome: a risk of 0.013 is 1.3 percentage points.
fn text(view: &TableView, units: &[String]) -> String {
    let grouped = view.rows.iter().any(|r| r.class == "grp");
    let withheld = view.rows.iter().any(|r| r.cells.iter().any(|c| c.class == "wt"));
    let mut heads: Vec<String> = if grouped { vec!["part".to_owned()] } else { Vec::new() };
    // By column, the endings that its cells have.
    let mut endings: Vec<Vec<&'static str>> = Vec::new();
    for (at, head) in view.head.iter().enumerate() {
        let mut found: Vec<&'static str> = Vec::new();
        for (ending, _) in view.rows.iter().filter_map(|r| r.cells.get(at)).flat_map(|c| &c.values) {
            if !found.contains(ending) {
                found.push(ending);
            }
        }
        if found.is_empty() {
            found.push("");
        }
        let name = plain(&head.text, units);
        heads.extend(found.iter().map(|e| format!("{name} {e}").trim().to_owned()));
        endings.push(found);
    }
    if withheld {
        heads.push("withheld".to_owned());
    }
    let mut lines = vec![heads];
    let mut group = String::new();
    for row in &view.rows {
        if row.class == "grp" {
            group = row.cells.first().map_or_else(String::new, |c| c.text.clone());
            continue;
        }
        let mut line: Vec<String> = if grouped { vec![group.clone()] } else { Vec::new() };
        for (cell, endings) in row.cells.iter().zip(&endings) {
            line.extend(endings.iter().map(|ending| value(cell, ending)));
        }
        if withheld {
            line.push(row.cells.iter().any(|c| c.class == "wt").to_string());
        }
        lines.push(line);
    }
    lines.iter().map(|l| l.iter().map(|v| quoted(v)).collect::<Vec<_>>().join(",") + "\r\n").collect()
}

fn value(cell: &Shown, ending: &str) -> String {
    if let Some((_, v)) = cell.values.iter().find(|(e, _)| *e == ending) {
        return format!("{v:?}");
    }
    let absent = cell.class == "wt" || matches!(cell.text.as_str(), "\u{2013}" | "NA" | "");
    if absent || !cell.values.is_empty() || !ending.is_empty() { String::new() } else { cell.text.replace('\u{a0}', " ").replace('\u{2212}', "-") }
}

/// A head without the unit in which the page shows the numbers.
fn plain(head: &str, units: &[String]) -> String {
    let mut name = head.to_owned();
    for unit in units {
        for with in [format!(", {unit}"), format!(" {unit}")] {
            name = name.replace(&with, "");
        }
        if name == *unit {
            name = "estimate".to_owned();
        }
    }
    name
}

/// Quoted where needed; what a spreadsheet would read as a formula is not.
fn quoted(v: &str) -> String {
    let numeric = v.strip_prefix(['+', '-']).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit() || c == '.'));
    let risky = v.starts_with(['=', '@', '\t', '\r', '+', '-']) && !numeric;
    let v = if risky { format!("'{v}") } else { v.to_owned() };
    if v.contains(['"', ',', '\n', '\r']) { format!("\"{}\"", v.replace('"', "\"\"")) } else { v }
}

fn percent_encoded(text: &str) -> String {
    let mut out = String::new();
    for b in text.bytes() {
        match b {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b',' | b'(' | b')' | b'/' | b':' | b'*' | b'!' => {
                out.push(b as char)
            }
            _ => out.push_str(&format!("%{b:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::view::{marked, number, ranged, withheld, words};
    use super::*;

    #[test]
    fn a_file_has_one_number_a_cell_and_no_formula() {
        let mut view = TableView::new("t").left("Name", "").right("Gap, pp", "").right("Interval", "").right("Share", "");
        view.group("Block, one");
        view.row("", vec![words("=sum(A1)"), number("1.20".into(), 0.012), ranged("0.40 to 2.00".into(), 0.004, 0.02), marked("r", "NA")]);
        view.row("", vec![words("a \"b\""), withheld(), marked("r", "\u{2013}"), marked("r", "\u{2212}5%")]);
        let want = "part,Name,Gap,Interval low,Interval high,Share,withheld\r\n\
                    \"Block, one\",'=sum(A1),0.012,0.004,0.02,,false\r\n\
                    \"Block, one\",\"a \"\"b\"\"\",,,,-5%,true\r\n";
        assert_eq!(text(&view, &["pp".to_owned()]), want);
        let link = link(&view, &[]);
        assert!(link.starts_with("data:text/csv") && !link.contains(['"', '<', ' ', '#', '\n']));
    }
}
