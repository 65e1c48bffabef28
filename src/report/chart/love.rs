//! Balance: standardised mean differences before and after weighting, a row a variable, grouped by block.

use super::{Axis, Hue, Mark, Sheet, WIDE_END, fold, twice};
use crate::release::schema;
use crate::report::Figure;
use crate::report::figure::{Drawn, captioned, disc, ring};
use crate::report::numbers::fixed;
use crate::report::study::Study;
use crate::report::view::{TableView, dash, number, words};

/// Differences that count as balanced.
const BALANCED: f64 = 0.1;

struct Row {
    label: String,
    before: f64,
    after: Option<f64>,
}

enum Line {
    Block(String),
    Variable(Row),
}

pub fn figure(s: &Study, group: &str, id: String) -> Option<Drawn> {
    let (lines, withheld) = lines(s, group)?;
    let rows: Vec<&Row> = lines.iter().filter_map(|l| if let Line::Variable(r) = l { Some(r) } else { None }).collect();
    let (index, reference) = (s.patients(group), s.patients(&s.meta.reference));
    let weighted = rows.iter().any(|r| r.after.is_some());
    let before = rows.iter().filter(|r| r.before > BALANCED).count();
    let after = rows.iter().filter(|r| r.after.is_some_and(|v| v > BALANCED)).count();
    let number = |n: usize| if n == 0 { "none".to_owned() } else { n.to_string() };
    let title = if weighted {
        format!(
            "The groups differ by more than 0.10 on {} of {} measured factors before weighting, and on {} after",
            before,
            rows.len(),
            number(after)
        )
    } else {
        format!("The groups differ by more than 0.10 on {before} of {} measured factors", rows.len())
    };
    let largest = rows.iter().max_by(|a, b| a.before.total_cmp(&b.before))?;
    let left = rows.iter().filter_map(|r| r.after).reduce(f64::max).map(|v| format!("; largest after weighting {}", fixed(v, 2)));
    let desc = format!("Largest difference before weighting {}, {}{}.", fixed(largest.before, 2), largest.label, left.unwrap_or_default());
    let svg = twice(&id, &title, &desc, |sheet| draw(&lines, weighted, sheet));
    let caption = format!("Absolute standardised mean difference between {index} and {reference}, by block.");
    let data = data(&lines, weighted);
    let note = if withheld.is_empty() { String::new() } else { format!("Not drawn, since withheld: {}.", crate::report::study::list(&withheld)) };
    let mut drawn = Drawn::new(id, Figure { svg, ..captioned(title, caption, note) });
    drawn.key.push(ring(Hue::Ink, "before weighting"));
    if weighted {
        drawn.key.push(disc(Hue::Ink, format!("after weighting {reference} to {index}")));
    }
    drawn.data = Some(data);
    Some(drawn)
}

/// Blocks in the order of the table, with their variables as a whole, and the variables whose differences are withheld.
fn lines(s: &Study, group: &str) -> Option<(Vec<Line>, Vec<String>)> {
    let t = s.table(&schema::TABLE_ONE)?;
    let rows: Vec<usize> = (0..t.rows.len()).filter(|&r| t.text(r, "index_group") == group).collect();
    let (mut block, mut seen) = (String::new(), Vec::new());
    let (mut out, mut withheld) = (Vec::new(), Vec::new());
    for &r in &rows {
        let variable = t.text(r, "variable");
        if seen.contains(&variable) {
            continue;
        }
        seen.push(variable);
        // The figures of a whole variable stand on any of its rows.
        let whole = |column: &str| rows.iter().filter(|&&q| t.text(q, "variable") == variable).find_map(|&q| t.number(q, column)).map(f64::abs);
        let Some(before) = whole("smd") else {
            if t.flag(r, "withheld") {
                withheld.push(s.row_label(variable));
            }
            continue;
        };
        if t.text(r, "block") != block {
            block = t.text(r, "block").to_owned();
            out.push(Line::Block(s.block(&block)));
        }
        out.push(Line::Variable(Row { label: s.row_label(variable), before, after: whole("smd_weighted") }));
    }
    out.iter().any(|l| matches!(l, Line::Variable(_))).then_some((out, withheld))
}

fn draw(lines: &[Line], weighted: bool, sheet: &mut Sheet) -> f64 {
    let values = lines.iter().flat_map(|l| match l {
        Line::Variable(r) => vec![r.before, r.after.unwrap_or(0.0), BALANCED],
        Line::Block(_) => Vec::new(),
    });
    let axis = Axis::over(values, sheet.either(266.0, 6.0), sheet.either(690.0, 340.0));
    let top = 16.0;
    // A first pass for the height, a second for the marks over the grid.
    let mut y = top;
    let places: Vec<(f64, Vec<String>)> = lines
        .iter()
        .map(|l| {
            let (label, width, bold) = match l {
                Line::Block(name) => (name, sheet.either(250.0, 330.0), true),
                Line::Variable(r) => (&r.label, sheet.either(236.0, 330.0), false),
            };
            let folded = fold(label, width, bold);
            let extra = 14.0 * (folded.len() as f64 - 1.0);
            let at = match (l, sheet.wide) {
                (Line::Block(_), true) => {
                    y += 10.0;
                    y + 8.0
                }
                (Line::Variable(_), true) => y + 8.0 + extra / 2.0,
                (Line::Block(_), false) => {
                    y += 8.0;
                    y + 6.0
                }
                (Line::Variable(_), false) => y + 6.0,
            };
            y += match (l, sheet.wide) {
                (_, true) => 19.0 + extra,
                (Line::Block(_), false) => 19.0 + extra,
                (Line::Variable(_), false) => 29.0 + extra,
            };
            (at, folded)
        })
        .collect();
    let bottom = y + 4.0;
    axis.draw(sheet, top, bottom, "absolute standardised mean difference");
    sheet.vertical("thr", axis.x(BALANCED), top, bottom);
    sheet.text(axis.x(BALANCED) + 4.0, 11.0, "tk", "start", "0.10");
    if sheet.wide {
        sheet.text(748.0, 11.0, "un", "end", "before");
        if weighted {
            sheet.text(WIDE_END, 11.0, "un", "end", "after");
        }
    }
    for (line, (at, folded)) in lines.iter().zip(&places) {
        match line {
            Line::Block(_) => {
                for (k, words) in folded.iter().enumerate() {
                    sheet.text(sheet.either(8.0, 4.0), at + 4.0 + 14.0 * k as f64, "t b hal", "start", words);
                }
            }
            Line::Variable(r) => {
                let y = if sheet.wide {
                    sheet.lines(22.0, *at, "t", "start", folded);
                    *at
                } else {
                    for (k, words) in folded.iter().enumerate() {
                        sheet.text(4.0, at + 4.0 + 14.0 * k as f64, "t hal", "start", words);
                    }
                    at + 16.0 + 14.0 * (folded.len() as f64 - 1.0)
                };
                let tip = |name: &str, v: f64| format!("{}: {} {name} weighting", r.label, fixed(v, 2));
                if let Some(after) = r.after {
                    sheet.horizontal("span2", axis.x(after), axis.x(r.before), y);
                }
                sheet.mark(Mark::Ring, Hue::Ink, axis.x(r.before), y, 3.8, &tip("before", r.before));
                if let Some(after) = r.after {
                    sheet.mark(Mark::Disc, Hue::Ink, axis.x(after), y, 3.8, &tip("after", after));
                }
                if sheet.wide {
                    sheet.text(748.0, y + 4.0, "tk", "end", &fixed(r.before, 2));
                    let after = r.after.map_or_else(|| "\u{2013}".to_owned(), |v| fixed(v, 2));
                    sheet.text(WIDE_END, y + 4.0, "tk ink", "end", if weighted { &after } else { "" });
                }
            }
        }
    }
    bottom + 40.0
}

fn data(lines: &[Line], weighted: bool) -> TableView {
    let mut view = TableView::new("").left("Variable", "").right("Before", "Absolute standardised mean difference of the groups as they are");
    if weighted {
        view = view.right("After", "The same after weighting reference units to the index group");
    }
    for l in lines {
        match l {
            Line::Block(name) => view.group(name.clone()),
            Line::Variable(r) => {
                let mut cells = vec![words(r.label.clone()), number(fixed(r.before, 2), r.before)];
                if weighted {
                    cells.push(r.after.map_or_else(dash, |v| number(fixed(v, 2), v)));
                }
                view.row("sub", cells);
            }
        }
    }
    view
}
