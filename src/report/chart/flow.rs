//! The cohort flow: a box a step with who is left, and to the right who was removed.

use super::{Sheet, fold, twice};
use crate::release::Table;
use crate::release::schema::{self, attrition_index_columns};
use crate::report::figure::{Drawn, captioned};
use crate::report::numbers::{count, fixed};
use crate::report::study::{Study, capital};
use crate::report::{Figure, sections};

struct Step {
    name: String,
    /// Rows left; `None` where withheld.
    left: Option<i64>,
    /// By group, the index groups first.
    groups: Option<String>,
    removed: Option<i64>,
    removed_groups: Option<String>,
}

/// The flow diagram; `None` where there is a single step, or none.
pub fn figure(s: &Study) -> Option<Drawn> {
    let t = s.table(&schema::ATTRITION)?;
    let steps = steps(s, t);
    if steps.len() < 2 {
        return None;
    }
    let shown = |n: Option<i64>| n.map_or_else(|| "withheld".to_owned(), count);
    let (first, last) = (steps.first()?, steps.last()?);
    let title = match (first.left, last.left) {
        (Some(a), Some(b)) => format!("{} of {} rows are analysed", count(b), count(a)),
        _ => "From the rows of the tables to the units analysed".to_owned(),
    };
    let desc = format!(
        "{} steps from {} rows to {}{}.",
        steps.len() - 1,
        shown(first.left),
        shown(last.left),
        last.groups.as_ref().map(|g| format!(": {g}")).unwrap_or_default()
    );
    let id = "flow".to_owned();
    let svg = twice(&id, &title, &desc, |sheet| draw(&steps, sheet));
    let caption = "Rows left after each step, and to the right the rows that it removed.";
    let mut drawn = Drawn::new(id, Figure { svg, ..captioned(title, caption, "") });
    drawn.data = sections::attrition(s);
    Some(drawn)
}

fn steps(s: &Study, t: &Table) -> Vec<Step> {
    let columns: Vec<(String, String)> =
        s.meta.index.iter().cloned().zip(attrition_index_columns(t)).chain([(s.meta.reference.clone(), "n_reference".to_owned())]).collect();
    let by_group = |of: &dyn Fn(&str) -> Option<i64>| {
        let told: Option<Vec<String>> = columns.iter().map(|(group, c)| of(c).map(|n| format!("{} {}", capital(group), count(n)))).collect();
        told.map(|t| t.join(" \u{b7} "))
    };
    let mut out: Vec<Step> = Vec::new();
    for r in 0..t.rows.len() {
        let name = sections::step_name(s, t.text(r, "name"));
        let groups = by_group(&|c| t.int(r, c));
        let left = t.int(r, "n_after");
        if r == 0 && t.int(r, "n_removed") == Some(0) {
            out.push(Step { name, left, groups, removed: Some(0), removed_groups: None });
            continue;
        }
        if r == 0 {
            out.push(Step { name: "Rows of the tables".into(), left: t.int(r, "n_before"), groups: None, removed: Some(0), removed_groups: None });
        }
        let gone = |c: &str| r.checked_sub(1).and_then(|before| Some(t.int(before, c)? - t.int(r, c)?));
        let removed_groups = match columns.iter().map(|(_, c)| gone(c)).sum::<Option<i64>>() {
            Some(0) => Some("none of these groups".to_owned()),
            _ => by_group(&gone),
        };
        out.push(Step { name, left, groups, removed: t.int(r, "n_removed"), removed_groups });
    }
    out
}

fn draw(steps: &[Step], sheet: &mut Sheet) -> f64 {
    let (box_width, arrow, gap) = sheet.either((346.0, 166.0, 26.0), (214.0, 40.0, 24.0));
    let (number, words) = sheet.either((428.0, 438.0), (270.0, 276.0));
    let mut y = 2.0;
    for (at, step) in steps.iter().enumerate() {
        let count_text = step.left.map_or_else(|| "withheld".to_owned(), count);
        let name = fold(&capital(&step.name), box_width - 24.0 - super::text_width(&count_text) * 1.12 - 8.0, true);
        let under: Vec<String> = step.groups.as_ref().map(|g| fold(g, box_width - 20.0, false)).unwrap_or_default();
        if at > 0 {
            sheet.path("arrow", &format!("M{arrow:.1} {:.1}V{:.1}", y, y + gap));
            sheet.path("arrow", &format!("M{:.1} {:.1}l4 6l4 -6", arrow - 4.0, y + gap - 6.5));
            if step.removed != Some(0) {
                let side = y + gap / 2.0;
                let gone = step.removed.map_or_else(|| "withheld".to_owned(), |n| format!("\u{2212}{}", fixed(n as f64, 0)));
                // The line ends before the number, in one place for all that have room.
                let end = (number - super::text_width(&gone) * 1.12 - 6.0).min(number - sheet.either(58.0, 50.0));
                sheet.path("arrow", &format!("M{arrow:.1} {side:.1}H{end:.1}"));
                sheet.text(number, side + 4.0, "t b", "end", &gone);
                if let Some(groups) = &step.removed_groups {
                    let lines = fold(groups, sheet.width() - words - 2.0, false);
                    let first = side + 4.0 - (lines.len() as f64 - 1.0) * 6.5;
                    for (k, line) in lines.iter().enumerate() {
                        sheet.text(words, first + 13.0 * k as f64, "un", "start", line);
                    }
                }
            }
            y += gap;
        }
        let height = 12.0 + 16.0 * name.len() as f64 + 15.0 * under.len() as f64 + 4.0;
        sheet.rect(if at + 1 == steps.len() { "box last" } else { "box" }, 1.0, y, box_width, height);
        let mut line = y + 19.0;
        sheet.text(box_width - 9.0, line, "t b", "end", &count_text);
        for words in &name {
            sheet.text(11.0, line, "t b", "start", words);
            line += 16.0;
        }
        for words in &under {
            sheet.text(11.0, line, "un", "start", words);
            line += 15.0;
        }
        y += height;
    }
    y + 4.0
}
