//! Whether like is compared with like: where the groups lie on the log-odds of being index, a panel a step of the blocks.

use super::{Axis, Sheet, fold, twice};
use crate::release::{Table, schema};
use crate::report::Figure;
use crate::report::figure::{Drawn, captioned};
use crate::report::numbers::{count, fixed};
use crate::report::study::Study;
use crate::report::view::{TableView, counted, number, ranged, words};
use std::fmt::Write;

struct Panel {
    title: String,
    /// The blocks of the group model.
    set: String,
    /// Lower and upper end, then density of reference and index group.
    bins: Vec<(f64, f64, f64, f64)>,
    c: Option<f64>,
    outside: Option<f64>,
    rows: Vec<usize>,
}

/// More panels than this are left to the table: the first and the last of the path are drawn always.
const PANELS: usize = 6;

pub fn figure(s: &Study, group: &str, id: String) -> Option<Drawn> {
    let t = s.table(&schema::OVERLAP)?;
    let mut panels = panels(s, t, group);
    if panels.is_empty() {
        return None;
    }
    if panels.len() > PANELS {
        let keep = |k: usize, n: usize| k + 1 == n || k < PANELS - 1;
        let n = panels.len();
        panels = panels.into_iter().enumerate().filter(|(k, _)| keep(*k, n)).map(|(_, p)| p).collect();
    }
    let (index, reference) = (s.patients(group), s.patients(&s.meta.reference));
    let outside = panels.last().and_then(|p| p.outside);
    let title = match outside {
        _ if !absent_blocks(s, &panels).is_empty() => "How far the groups overlap as blocks enter".to_owned(),
        Some(v) if v <= 0.05 => format!("With every block, all but {}% of {index} have {reference} like them", fixed(v * 100.0, 1)),
        Some(v) => format!("With every block, {}% of {index} lie outside the range of {reference}", fixed(v * 100.0, 1)),
        None => "How far the groups overlap as blocks enter".to_owned(),
    };
    let told: Vec<String> = panels.iter().map(|p| format!("{}: c {}", p.title, p.c.map_or_else(|| "not known".into(), |c| fixed(c, 2)))).collect();
    let desc = format!("Mirrored histograms of the log-odds of being index. {}.", told.join("; "));
    let svg = twice(&id, &title, &desc, |sheet| draw(&panels, (&s.short(group), &s.short(&s.meta.reference)), sheet));
    let caption = format!(
        "Distribution of the log-odds of being in the index group, given the factors so far. Upper, filled: {index}. Lower, outlined: {reference}."
    );
    let rule = match s.meta.min_cell {
        0 | 1 => String::new(),
        n => format!(" Bins are joined until each holds none or at least {n} of a group."),
    };
    let note = format!(
        "c: 0.5 where the groups do not differ, 1 where they do not overlap. Outside: share of the index group beyond the range of 99.8% of the reference group.{rule}"
    );
    let absent = absent_blocks(s, &panels);
    let note = match absent.as_slice() {
        [] => note,
        _ => format!("{note} Not drawn with {}: there is no group model, or nothing that may be shown.", crate::report::study::list(&absent)),
    };
    let mut drawn = Drawn::new(id, Figure { svg, ..captioned(title, caption, note) });
    drawn.data = Some(data(t, &panels, (&s.short(group), &s.short(&s.meta.reference))));
    Some(drawn)
}

/// Blocks that no drawn panel holds.
fn absent_blocks(s: &Study, panels: &[Panel]) -> Vec<String> {
    let drawn = |block: &str| panels.iter().any(|p| p.set.split('+').any(|b| b == block));
    s.meta.blocks.keys().filter(|b| !drawn(b)).map(|b| s.block_in_words(b)).collect()
}

fn panels(s: &Study, t: &Table, group: &str) -> Vec<Panel> {
    let mut out: Vec<Panel> = Vec::new();
    let mut before = String::new();
    for r in (0..t.rows.len()).filter(|&r| t.text(r, "index_group") == group) {
        let set = t.text(r, "blocks");
        if out.is_empty() || set != before {
            let title = match set.rsplit('+').next() {
                Some("none") | None if s.meta.allowable.is_empty() => "Nothing".to_owned(),
                Some("none") | None => "Treated as fair only".to_owned(),
                Some(last) if out.is_empty() => s.block(last),
                Some(last) => format!("and {}", crate::report::wording::inner(&s.block(last))),
            };
            let check = |name: &str| {
                let d = s.table(&schema::DIAGNOSTICS)?;
                let is = |r: &usize| d.text(*r, "check") == name && d.text(*r, "index_group") == group && d.text(*r, "blocks") == set;
                (0..d.rows.len()).find(is).and_then(|r| d.number(r, "value"))
            };
            out.push(Panel {
                title,
                set: set.to_owned(),
                bins: Vec::new(),
                c: check("group_model_c_statistic"),
                outside: check("index_outside_reference_range"),
                rows: Vec::new(),
            });
            before = set.to_owned();
        }
        let of = |c: &str| t.number(r, c);
        let Some(panel) = out.last_mut() else { continue };
        if let (Some(low), Some(high), Some(s0), Some(s1)) = (of("low"), of("high"), of("share_reference"), of("share_index"))
            && high > low
        {
            panel.bins.push((low, high, s0 / (high - low), s1 / (high - low)));
            panel.rows.push(r);
        }
    }
    // Without allowables the groups do not differ by anything before the first block.
    out.retain(|p| p.bins.len() > 1);
    out
}

fn draw(panels: &[Panel], (index, reference): (&str, &str), sheet: &mut Sheet) -> f64 {
    let columns = sheet.either(2, 1);
    let (width, gap, each) = sheet.either((380.0, 32.0, 186.0), (338.0, 0.0, 182.0));
    let peak = panels.iter().flat_map(|p| &p.bins).map(|b| b.2.max(b.3)).fold(f64::MIN_POSITIVE, f64::max);
    let ends: Vec<f64> = panels.iter().flat_map(|p| &p.bins).flat_map(|b| [b.0, b.1]).collect();
    for (at, p) in panels.iter().enumerate() {
        let x0 = 6.0 + (width + gap) * (at % columns) as f64;
        let y0 = each * (at / columns) as f64;
        let axis = Axis::panel(ends.iter().copied(), x0, x0 + width);
        let (top, middle, bottom) = (y0 + 26.0, y0 + 90.0, y0 + 146.0);
        let last = at + columns >= panels.len();
        axis.draw(sheet, top, bottom, if last { "log-odds of being in the index group" } else { "" });
        let figures: Vec<String> = [p.c.map(|c| format!("c = {}", fixed(c, 2))), p.outside.map(|v| format!("outside {}%", fixed(v * 100.0, 1)))]
            .into_iter()
            .flatten()
            .collect();
        let figures = figures.join(" \u{b7} ");
        sheet.text(x0 + width, y0 + 16.0, "tk", "end", &figures);
        // In one line beside the figures, else in two from where there is nothing else.
        let name = fold(&p.title, width - super::text_width(&figures) - 10.0, true);
        for (k, line) in name.iter().take(2).enumerate() {
            sheet.text(x0, y0 + if name.len() > 1 { 11.0 } else { 16.0 } + 13.0 * k as f64, "t b hal", "start", line);
        }
        for (class, upward) in [("dn1", true), ("dn0", false)] {
            let y = |density: f64| if upward { middle - density / peak * 60.0 } else { middle + density / peak * 52.0 };
            let mut d = String::new();
            for (k, b) in p.bins.iter().enumerate() {
                let v = if upward { b.3 } else { b.2 };
                let first = if k == 0 { format!("M{:.1} {middle:.1}", axis.x(b.0)) } else { String::new() };
                // Writing to a String does not fail.
                let _ = write!(d, "{first}L{:.1} {:.1}L{:.1} {:.1}", axis.x(b.0), y(v), axis.x(b.1), y(v));
            }
            let _ = write!(d, "L{:.1} {middle:.1}z", axis.x(p.bins.last().map_or(0.0, |b| b.1)));
            sheet.path(class, &d);
        }
        sheet.horizontal("base", x0, x0 + width, middle);
        if at == 0 {
            // On the side with less under the words.
            let mass = |from: f64, to: f64| p.bins.iter().filter(|b| axis.x(b.1) > from && axis.x(b.0) < to).map(|b| b.2 + b.3).sum::<f64>();
            let room = super::text_width(index).max(super::text_width(reference)) + 8.0;
            let left = mass(x0, x0 + room) < mass(x0 + width - room, x0 + width);
            let (x, anchor) = if left { (x0 + 4.0, "start") } else { (x0 + width - 4.0, "end") };
            sheet.text(x, y0 + 40.0, "t hal", anchor, index);
            sheet.text(x, bottom - 6.0, "t hal", anchor, reference);
        }
    }
    each * panels.len().div_ceil(columns) as f64 + 2.0
}

fn data(t: &Table, panels: &[Panel], (index, reference): (&str, &str)) -> TableView {
    let mut view = TableView::new("")
        .left("Log-odds", "Bin of the log-odds of being in the index group, by the group model")
        .right(index, "Index units in the bin")
        .right(reference, "Reference units in the bin")
        .right(format!("{index}, share"), "Share of the group's weight")
        .right(format!("{reference}, share"), "Share of the group's weight");
    for p in panels {
        view.group(p.title.clone());
        for (&r, b) in p.rows.iter().zip(&p.bins) {
            let mut bin = ranged(format!("{} to {}", fixed(b.0, 2), fixed(b.1, 2)), b.0, b.1);
            bin.class = "l";
            let share = |c: &str| t.number(r, c).map_or_else(|| words(""), |v| number(format!("{}%", fixed(v * 100.0, 1)), v));
            view.row("sub", vec![bin, counted(t, r, "n_index"), counted(t, r, "n_reference"), share("share_index"), share("share_reference")]);
        }
    }
    let n = panels.iter().map(|p| p.rows.len()).sum::<usize>();
    view.note(format!("{} bins.", count(n as i64)));
    view
}
