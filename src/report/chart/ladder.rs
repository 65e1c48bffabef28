//! The adjusted gap for every set of blocks: which blocks are in, the gap that is left, and how much that is less.

use super::{Axis, Hue, Mark, NARROW_END, Sheet, Style, WIDE_END, text_width, twice};
use crate::release::schema;
use crate::report::Figure;
use crate::report::figure::{Drawn, captioned};
use crate::report::numbers::{Units, level, percent};
use crate::report::study::{Interval, Study, interval};
use crate::report::view::TableView;

/// More sets than this make a drawing that nobody reads: their table stands alone.
const SETS: usize = 32;

struct Row {
    name: String,
    /// By block of the study file, whether it is in.
    inside: Vec<bool>,
    gap: Interval,
    attenuation: Option<f64>,
}

/// The ladder of one analysis; `table` holds its numbers.
pub fn figure(s: &Study, group: &str, analysis: &str, id: String, table: TableView) -> Result<Drawn, Box<TableView>> {
    let Some(rows) = rows(s, group, analysis).filter(|r| (2..=SETS).contains(&r.len())) else { return Err(Box::new(table)) };
    let u = s.units(group, &s.meta.scale);
    let title = title(&rows);
    let told: Vec<String> = rows.iter().map(|r| format!("{} {}", r.name, u.show(r.gap.estimate))).collect();
    let desc = format!("Adjusted gap by set of blocks, in {}: {}.", u.word, told.join("; "));
    let letters = letters(s);
    let svg = twice(&id, &title, &desc, |sheet| draw(&rows, &letters, &u, sheet));
    let names: Vec<String> = letters.iter().zip(s.meta.blocks.keys()).map(|(l, b)| format!("{l} {}", s.block(b))).collect();
    let caption = format!(
        "Adjusted gap with {} interval for every set of blocks; a filled disc marks a block that is in the comparison. {}. Of {}, {}.",
        level(s.meta.level),
        names.join(", "),
        s.analysis_in_words(analysis),
        s.patients(group)
    );
    let note = if rows.iter().any(|r| r.attenuation.is_some()) {
        "Attenuation: how much smaller the gap is than without blocks, as a share of that. Rows stand in the order of the study file, not of size."
    } else {
        "Rows stand in the order of the study file, not of size. No attenuation: the gap without blocks cannot be told from 0."
    };
    let mut drawn = Drawn::new(id, Figure { svg, ..captioned(title, caption, note) });
    drawn.data = Some(table);
    Ok(drawn)
}

fn rows(s: &Study, group: &str, analysis: &str) -> Option<Vec<Row>> {
    let t = s.table(&schema::WITH_AND_WITHOUT)?;
    let base = s.adjusted_gap(group, analysis).filter(|v| v.excludes_zero() == Some(true));
    let of = (0..t.rows.len()).filter(|&r| t.text(r, "index_group") == group && t.text(r, "analysis") == analysis);
    let rows = of.filter_map(|r| {
        let set = t.text(r, "blocks");
        let gap = interval(t, r, "adjusted_gap")?;
        Some(Row {
            name: s.blocks(set),
            inside: s.meta.blocks.keys().map(|b| set.split('+').any(|x| x == b)).collect(),
            gap,
            attenuation: base.and_then(|b| Some(t.number(r, "accounted")? / b.estimate)).filter(|_| set != "none"),
        })
    });
    Some(rows.collect())
}

/// By the intervals of the first and the last row.
fn title(rows: &[Row]) -> String {
    let (Some(first), Some(last)) = (rows.first(), rows.last()) else { return "The gap with and without the blocks".into() };
    if first.gap.excludes_zero() == Some(false) {
        return "The gap with and without the blocks, where the data do not show one without".into();
    }
    let apart = match (first.gap.limits, last.gap.limits) {
        (Some((low, high)), Some((below, above))) => {
            last.gap.estimate < low || last.gap.estimate > high || first.gap.estimate < below || first.gap.estimate > above
        }
        _ => true,
    };
    let closer = last.gap.estimate.abs() < first.gap.estimate.abs();
    match (apart, closer, last.gap.excludes_zero()) {
        (false, ..) => "The adjusted gap changes little as blocks enter".into(),
        (true, true, Some(true)) => "The adjusted gap shrinks as blocks enter, and does not close".into(),
        (true, true, _) => "The adjusted gap shrinks as blocks enter; with all of them the data cannot tell it from none".into(),
        (true, false, _) => "The adjusted gap grows as blocks enter".into(),
    }
}

/// A letter for each block, or its number where two begin alike.
fn letters(s: &Study) -> Vec<String> {
    let first: Vec<String> =
        s.meta.blocks.keys().map(|b| s.block(b).chars().next().map_or_else(String::new, |c| c.to_uppercase().collect())).collect();
    let distinct = first.iter().enumerate().all(|(k, l)| first.iter().skip(k + 1).all(|m| m != l));
    if distinct { first } else { (1..=first.len()).map(|k| k.to_string()).collect() }
}

fn draw(rows: &[Row], letters: &[String], u: &Units, sheet: &mut Sheet) -> f64 {
    let shown = |v: f64| v * u.factor;
    let numbers = |r: &Row| match r.gap.limits {
        Some((low, high)) => format!("{} ({})", u.show(r.gap.estimate), u.range(low, high)),
        None => u.show(r.gap.estimate),
    };
    let widest = rows.iter().map(|r| text_width(&numbers(r))).fold(0.0, f64::max);
    let (step, start) = sheet.either((34.0, 22.0), (22.0, 12.0));
    let column = WIDE_END - 72.0;
    let left = start + step * letters.len() as f64 + sheet.either(10.0, 6.0);
    let all = rows.iter().flat_map(|r| {
        let (low, high) = r.gap.limits.unwrap_or((r.gap.estimate, r.gap.estimate));
        [low, high].map(shown)
    });
    let axis = Axis::over(all, left, sheet.either(column - widest - 22.0, 338.0));
    let (top, pitch) = sheet.either((26.0, 30.0), (22.0, 36.0));
    let bottom = top + pitch * rows.len() as f64;
    for at in (0..rows.len()).step_by(2) {
        sheet.rect("zeb", 0.0, top + pitch * at as f64, sheet.width(), pitch);
    }
    axis.draw(sheet, top, bottom, &format!("adjusted gap, {}", u.word));
    let disc = |k: usize| start + step * k as f64;
    for (k, letter) in letters.iter().enumerate() {
        sheet.text(disc(k), 15.0, "t b", "middle", letter);
    }
    if sheet.wide {
        sheet.text(column, 15.0, "un", "end", "adjusted gap (interval)");
        sheet.text(WIDE_END, 15.0, "un", "end", "attenuation");
    }
    for (at, r) in rows.iter().enumerate() {
        let y = top + pitch * (at as f64 + 0.5) + sheet.either(0.0, 6.0);
        let inside: Vec<usize> = (0..r.inside.len()).filter(|&k| r.inside[k]).collect();
        if let (Some(first), Some(last)) = (inside.first(), inside.last())
            && first < last
        {
            sheet.horizontal("join", disc(*first), disc(*last), y);
        }
        for (k, is_in) in r.inside.iter().enumerate() {
            if *is_in {
                sheet.mark(Mark::Disc, Hue::Block(k), disc(k), y, 4.6, "");
            } else {
                sheet.put(&format!("<circle class=\"off\" cx=\"{:.1}\" cy=\"{y:.1}\" r=\"2.2\"/>", disc(k)));
            }
        }
        let mark = if inside.is_empty() { Mark::Ring } else { Mark::Disc };
        let limits = r.gap.limits.map(|(l, h)| (shown(l), shown(h)));
        let style = Style { hue: Hue::Ink, mark, strong: true };
        sheet.interval(&axis, y, shown(r.gap.estimate), limits, style, &format!("{}: {}", r.name, numbers(r)));
        if sheet.wide {
            sheet.text(column, y + 4.0, "t", "end", &numbers(r));
            sheet.text(WIDE_END, y + 4.0, "t", "end", &r.attenuation.map_or_else(|| "\u{2013}".to_owned(), percent));
        } else {
            let said = u.show(r.gap.estimate);
            let x = axis.x(shown(r.gap.estimate)).clamp(left + text_width(&said) / 2.0, NARROW_END - text_width(&said) / 2.0);
            sheet.text(x, y - 8.0, "t hal", "middle", &said);
        }
    }
    bottom + 40.0
}
