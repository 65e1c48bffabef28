//! Where each group goes: the hospitals in the order of their effects, and at each the share of the group's patients that it treats.

use super::super::chart::{Axis, Hue, Mark, NARROW_END, Sheet, WIDE_END, fold, twice};
use super::super::figure::{Drawn, captioned, disc, ring};
use super::super::numbers::{count, fixed};
use super::super::view::{TableView, number, value, words};
use super::super::{Figure, study::capital};
use super::One;
use crate::release::schema;

/// More hospitals than this stand without their names.
const NAMED: usize = 30;

struct Hospital {
    name: String,
    row: usize,
    effect: f64,
    /// Percent of the group's patients at the hospitals drawn.
    index: f64,
    reference: f64,
}

/// The hospitals with effects and with both counts; nothing for fewer than two.
pub fn figure(one: &One, number_of_figure: usize) -> Option<Drawn> {
    let s = one.s;
    let t = s.table(&schema::HOSPITAL_UNITS)?;
    let rows = one.rows_of(t);
    let counts = |r: usize| t.int(r, "n_index").zip(t.int(r, "n_reference"));
    let found: Vec<(String, usize, f64, i64, i64)> = rows
        .iter()
        .filter_map(|&r| {
            let (index, reference) = counts(r)?;
            Some((t.cell(r, "hospital").text()?.to_owned(), r, t.number(r, "effect")?, index, reference))
        })
        .collect();
    let (all_index, all_reference) = (found.iter().map(|f| f.3).sum::<i64>(), found.iter().map(|f| f.4).sum::<i64>());
    if found.len() < 2 || all_index == 0 || all_reference == 0 {
        return None;
    }
    let mut hospitals: Vec<Hospital> = found
        .into_iter()
        .map(|(name, row, effect, index, reference)| Hospital {
            name,
            row,
            effect,
            index: 100.0 * index as f64 / all_index as f64,
            reference: 100.0 * reference as f64 / all_reference as f64,
        })
        .collect();
    hospitals.sort_by(|a, b| b.effect.total_cmp(&a.effect).then_with(|| a.name.cmp(&b.name)));
    let above = |of: &dyn Fn(&Hospital) -> f64| fixed(hospitals.iter().filter(|h| h.effect > 0.0).map(of).sum(), 0);
    let (index, reference) = (one.index(), one.reference());
    let higher = if s.meta.family == "binomial" { "the outcome is more frequent" } else { "the outcome is larger" };
    let title = format!(
        "{}% of {index} and {}% of {reference} were at hospitals where {higher} than at the average one",
        above(&|h| h.index),
        above(&|h| h.reference)
    );
    let caption = format!(
        "Share of each group's {0} at each hospital, in percent. Hospitals stand in the order of the figure before, by their estimates for comparable {0}.",
        s.unit_name()
    );
    let away = rows.len() - hospitals.len();
    let mut note = "Above and below the line is by the estimates alone; their intervals stand in the figure before.".to_owned();
    if away > 0 {
        let are = if away == 1 { "hospital is" } else { "hospitals are" };
        note.push_str(&format!(" {} {are} not drawn, nor in the shares: withheld, or without an effect.", count(away as i64)));
    }
    let id = format!("shares-{number_of_figure}");
    let largest = hospitals.iter().max_by(|a, b| (a.index - a.reference).abs().total_cmp(&(b.index - b.reference).abs()))?;
    let desc = format!(
        "{} hospitals; the shares differ most at {}: {}% of {index}, {}% of {reference}.",
        hospitals.len(),
        largest.name,
        fixed(largest.index, 1),
        fixed(largest.reference, 1)
    );
    let names = (s.short(one.group), s.short(&s.meta.reference));
    let svg = twice(&id, &title, &desc, |sheet| draw(&hospitals, &names, sheet));
    let mut drawn = Drawn::new(id, Figure { svg, ..captioned(title, caption, note) });
    drawn.key = vec![disc(Hue::Ink, index), ring(Hue::Ink, reference)];
    let mut view = TableView::new("")
        .left("Hospital", "In the order of the effects")
        .right(names.0.clone(), "Index units")
        .right(names.1.clone(), "Reference units")
        .right(format!("{}, share", names.0), "Percent of the index units at the hospitals drawn")
        .right(format!("{}, share", names.1), "Percent of the reference units at the hospitals drawn");
    for h in &hospitals {
        let units = |c: &str| value(t, h.row, c, |v| count(v as i64));
        let share = |v: f64| number(format!("{}%", fixed(v, 1)), v / 100.0);
        view.row("", vec![words(h.name.clone()), units("n_index"), units("n_reference"), share(h.index), share(h.reference)]);
    }
    drawn.data = Some(view);
    Some(drawn)
}

fn draw(hospitals: &[Hospital], names: &(String, String), sheet: &mut Sheet) -> f64 {
    let named = hospitals.len() <= NAMED;
    let pitch = if named { 19.0 } else { (520.0 / hospitals.len() as f64).min(13.0) };
    let left = if named { sheet.either(196.0, 112.0) } else { sheet.either(24.0, 14.0) };
    let axis = Axis::over(hospitals.iter().flat_map(|h| [h.index, h.reference]), left, sheet.either(WIDE_END - 20.0, NARROW_END - 8.0));
    let (top, bottom) = (8.0, 14.0 + pitch * hospitals.len() as f64);
    axis.draw(sheet, top, bottom, "percent of the group's patients");
    let radius = (pitch * 0.34).clamp(1.2, 4.0);
    let y = |at: usize| top + 3.0 + pitch * (at as f64 + 0.5);
    if let Some(at) = hospitals.iter().position(|h| h.effect <= 0.0).filter(|at| *at > 0) {
        sheet.horizontal("thr", left, axis.x(0.0).max(sheet.either(WIDE_END - 20.0, NARROW_END - 8.0)), y(at) - pitch / 2.0);
        sheet.text(sheet.either(WIDE_END - 20.0, NARROW_END - 8.0), y(at) - pitch / 2.0 - 4.0, "un hal", "end", "average hospital");
    }
    for (at, h) in hospitals.iter().enumerate() {
        let (a, b) = (axis.x(h.index), axis.x(h.reference));
        sheet.horizontal("span2", a.min(b), a.max(b), y(at));
        let tip = format!("{}: {}% of {}, {}% of {}", h.name, fixed(h.index, 1), names.0, fixed(h.reference, 1), names.1);
        sheet.mark(Mark::Ring, Hue::Ink, b, y(at), radius, &tip);
        sheet.mark(Mark::Disc, Hue::Ink, a, y(at), radius, &tip);
        if named {
            let label = fold(&capital(&h.name), left - 16.0, false);
            sheet.text(left - 12.0, y(at) + 4.0, "t", "end", label.first().map_or("", String::as_str));
        }
    }
    bottom + 40.0
}
