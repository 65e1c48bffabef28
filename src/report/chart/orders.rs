//! How far a contribution depends on the order in which blocks enter: smallest to largest over all orders, first in, last in.

use super::{Axis, Hue, LABELS, Mark, PLOT, Sheet, Style, WIDE_END, fold, text_width, twice};
use crate::release::schema;
use crate::report::Figure;
use crate::report::figure::{Drawn, captioned, diamond, disc};
use crate::report::numbers::{Units, level};
use crate::report::study::{Interval, Study, interval};
use crate::report::view::{TableView, absent, limits, number, value, words};

struct Row {
    block: usize,
    label: String,
    value: Interval,
    smallest: f64,
    largest: f64,
    first: f64,
    last: f64,
    sequential: Option<f64>,
    row: usize,
}

pub fn figure(s: &Study, group: &str, id: String) -> Option<Drawn> {
    let t = s.table(&schema::DECOMPOSITION)?;
    let rows: Vec<Row> = s
        .parts(group, &s.meta.primary)
        .iter()
        .filter(|p| p.part == "explained" && p.component != "total")
        .filter_map(|p| {
            let of = |column: &str| t.number(p.row, column);
            Some(Row {
                block: s.meta.blocks.get_index_of(p.component.as_str())?,
                label: s.block(&p.component),
                value: interval(t, p.row, "estimate")?,
                smallest: of("order_min")?,
                largest: of("order_max")?,
                first: of("first_in")?,
                last: of("last_in")?,
                sequential: of("sequential"),
                row: p.row,
            })
        })
        .collect();
    if rows.len() < 2 {
        return None;
    }
    let u = s.units(group, &s.primary_scale(group));
    let beyond = rows.iter().filter(|r| r.value.limits.is_some_and(|(low, high)| r.smallest < low || r.largest > high)).count();
    let title = match beyond {
        0 => "Over all orders of the blocks, each contribution stays within its interval".to_owned(),
        n if n == rows.len() => "How much a block accounts for depends on what is already in the comparison".to_owned(),
        n => format!("For {n} of {} blocks the contribution depends on what is already in the comparison", rows.len()),
    };
    let told: Vec<String> = rows.iter().map(|r| format!("{} {} to {}", r.label, u.show(r.smallest), u.show(r.largest))).collect();
    let desc = format!("Over all orders, in {}: {}.", u.word, told.join("; "));
    let svg = twice(&id, &title, &desc, |sheet| draw(&rows, &u, sheet));
    let caption = format!(
        "Tinted bar: smallest to largest contribution over all orders in which the blocks can enter. Ticks: block entering first and last. Line: {} interval.",
        level(s.meta.level)
    );
    let mut drawn = Drawn::new(id, Figure { svg, ..captioned(title, caption, "") });
    drawn.key.push(disc(Hue::Ink, "as reported"));
    if rows.iter().any(|r| r.sequential.is_some()) {
        let order: Vec<String> = s.meta.blocks.keys().map(|b| super::super::wording::inner(&s.block(b))).collect();
        let text = if order.len() > 4 { "in the order of the study file".to_owned() } else { format!("study order: {}", order.join(", ")) };
        drawn.key.push(diamond("o s-ink", text));
    }
    let mut view = TableView::new("")
        .left("Block", "")
        .right(u.short.clone(), "The contribution as reported")
        .right("Interval", "Confidence interval")
        .right("Smallest", "Smallest contribution over all orders of the blocks")
        .right("Largest", "Largest contribution over all orders of the blocks")
        .right("First in", "Contribution when the block enters first")
        .right("Last in", "Contribution when the block enters last")
        .right("Study order", "Contribution in the study's order");
    for r in &rows {
        let cells = [r.smallest, r.largest, r.first, r.last].map(|v| number(u.show(v), v));
        let mut line = vec![words(r.label.clone()), value(t, r.row, "estimate", |v| u.show(v)), limits(t, r.row, &u)];
        line.extend(cells);
        line.push(r.sequential.map_or_else(|| absent(t, r.row), |v| number(u.show(v), v)));
        view.row("", line);
    }
    drawn.data = Some(view);
    Some(drawn)
}

fn draw(rows: &[Row], u: &Units, sheet: &mut Sheet) -> f64 {
    let shown = |v: f64| v * u.factor;
    let numbers = |r: &Row| format!("{}, over orders {}", u.show(r.value.estimate), u.range(r.smallest, r.largest));
    let widest = rows.iter().map(|r| text_width(&numbers(r))).fold(0.0, f64::max);
    let all = rows.iter().flat_map(|r| {
        let (low, high) = r.value.limits.unwrap_or((r.value.estimate, r.value.estimate));
        [low, high, r.smallest, r.largest, r.first, r.last, r.sequential.unwrap_or(0.0)].map(shown)
    });
    let axis = Axis::over(all, sheet.either(PLOT, 6.0), sheet.either((WIDE_END - widest - 20.0).max(420.0), 340.0));
    let (top, pitch) = sheet.either((10.0, 46.0), (4.0, 62.0));
    let bottom = top + pitch * rows.len() as f64;
    axis.draw(sheet, top, bottom, &u.word);
    for (at, r) in rows.iter().enumerate() {
        let y = top + pitch * at as f64 + sheet.either(30.0, 34.0);
        let (hue, x) = (Hue::Block(r.block), |v: f64| axis.x(shown(v)));
        let name = fold(&r.label, sheet.either(LABELS - 4.0, 336.0), true);
        if sheet.wide {
            sheet.lines(LABELS, y, "t b", "end", &name);
            sheet.text(WIDE_END, y + 4.0, "t", "end", &numbers(r));
        } else {
            let first = name.first().map_or("", String::as_str);
            sheet.text(4.0, y - 18.0, "t b hal", "start", first);
            let short = format!("{}, orders {}", u.show(r.value.estimate), u.range(r.smallest, r.largest));
            let short = if text_width(first) * 1.12 + text_width(&short) > 326.0 { u.show(r.value.estimate) } else { short };
            sheet.text(346.0, y - 18.0, "un hal", "end", &short);
        }
        sheet.rect(&format!("rg {}", hue.fill()), x(r.smallest), y - 7.0, (x(r.largest) - x(r.smallest)).max(0.8), 14.0);
        for (v, label) in [(r.first, "first in"), (r.last, "last in")] {
            sheet.vertical(&format!("tkm {}", hue.stroke()), x(v), y - 8.0, y + 8.0);
            // The two labels stand apart: each outward of the other's tick where they would meet.
            let other = if label == "first in" { r.last } else { r.first };
            let anchor = match (x(v) - x(other)).abs() < 52.0 {
                false => "middle",
                true if v >= other => "start",
                true => "end",
            };
            let half = if anchor == "middle" { 24.0 } else { 0.0 };
            let at = x(v).clamp(
                4.0 + half + if anchor == "end" { 48.0 } else { 0.0 },
                sheet.width() - 4.0 - half - if anchor == "start" { 48.0 } else { 0.0 },
            );
            sheet.text(at, sheet.either(y - 12.0, y + 20.0), "un hal", anchor, label);
        }
        let style = Style { hue, mark: Mark::Disc, strong: true };
        sheet.interval(
            &axis,
            y,
            shown(r.value.estimate),
            r.value.limits.map(|(l, h)| (shown(l), shown(h))),
            style,
            &format!("{}: {}", r.label, numbers(r)),
        );
        if let Some(v) = r.sequential {
            sheet.mark(Mark::OpenDiamond, hue, x(v), y, 4.0, &format!("{}, study order: {}", r.label, u.show(v)));
        }
    }
    bottom + 40.0
}
