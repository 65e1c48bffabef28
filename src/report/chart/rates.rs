//! The two means, as observed and at the same allowables, with the gap between them.

use super::{Axis, Hue, LABELS, Mark, PLOT, Sheet, WIDE_END, fold, text_width, twice};
use crate::release::schema;
use crate::report::Figure;
use crate::report::figure::{Drawn, captioned, disc, ring};
use crate::report::numbers::{Units, fixed, level, outcome_name};
use crate::report::study::{Interval, Study, interval, total};
use crate::report::view::{TableView, dash, number, ranged, words};
use crate::report::wording::inner;

struct Row {
    label: String,
    index: Interval,
    reference: Interval,
    gap: Interval,
}

struct Rates {
    rows: Vec<Row>,
    index: String,
    reference: String,
    /// Of the means.
    places: usize,
    factor: f64,
    unit: String,
    gap: Units,
}

/// Means of one index group and of the reference group.
pub fn figure(s: &Study, group: &str, id: String) -> Option<Drawn> {
    let (t, row) = s.gap_row(group)?;
    let u = s.units(group, &s.meta.scale);
    let mean = |side: &str| {
        let limits = t.number(row, &format!("mean_{side}_conf_low")).zip(t.number(row, &format!("mean_{side}_conf_high")));
        t.number(row, &format!("mean_{side}")).map(|estimate| Interval { estimate, limits })
    };
    let (index, reference) = (mean("index")?, mean("reference")?);
    let mut rows = vec![Row { label: "As observed".into(), index, reference, gap: interval(t, row, "estimate")? }];
    let fair = s.allowables_in_words();
    let adjusted = adjusted(s, group);
    if let (Some((counterfactual, gap)), false) = (adjusted, fair.is_empty()) {
        rows.push(Row { label: format!("Same {fair}"), index, reference: Interval { estimate: counterfactual, limits: None }, gap });
    }
    let unit = match s.meta.family.as_str() {
        "binomial" | "probit" => format!("{}, per 100", inner(&outcome_name(s.meta))),
        // The rate's unit names what is counted.
        "poisson" => format!("{}: {}", inner(&outcome_name(s.meta)), u.word),
        _ => format!("{}, {}", inner(&outcome_name(s.meta)), u.word),
    };
    let fair_part = total(&s.parts(group, &s.meta.primary), "allowable");
    let title = title(s, &rows, fair_part);
    let (index_name, reference_name) = (s.patients(group), s.patients(&s.meta.reference));
    let caption = format!(
        "{}, with {} intervals.{}",
        crate::report::study::capital(&unit),
        level(s.meta.level),
        match rows.len() {
            2 => format!(
                " Lower row: {reference_name} weighted to the {fair} of {index_name}; the interval of that mean is not computed, that of the gap is."
            ),
            _ => String::new(),
        }
    );
    let chart = Rates { rows, index: s.short(group), reference: s.short(&s.meta.reference), places: u.lead_places, factor: u.factor, unit, gap: u };
    let told: Vec<String> = chart
        .rows
        .iter()
        .map(|r| format!("{}: {} {} and {} {}", r.label, chart.index, chart.mean(r.index), chart.reference, chart.mean(r.reference)))
        .collect();
    let svg = twice(&id, &title, &format!("{}.", told.join("; ")), |sheet| chart.draw(sheet));
    let events = |side: &str, name: &str| match t.int(row, &format!("n_{side}")) {
        Some(n) => format!("{name}, n = {}", crate::report::numbers::count(n)),
        None => name.to_owned(),
    };
    let data = chart.data();
    let mut drawn = Drawn::new(id, Figure { svg, ..captioned(title, caption, "") });
    drawn.key = vec![disc(Hue::Ink, events("index", &index_name)), ring(Hue::Ink, events("reference", &reference_name))];
    drawn.data = Some(data);
    Some(drawn)
}

/// Counterfactual mean and adjusted gap without blocks, of the primary analysis or the first that has them.
fn adjusted(s: &Study, group: &str) -> Option<(f64, Interval)> {
    let t = s.table(&schema::WITH_AND_WITHOUT)?;
    let of = |analysis: &str| {
        (0..t.rows.len()).find(|&r| t.text(r, "index_group") == group && t.text(r, "analysis") == analysis && t.text(r, "blocks") == "none")
    };
    let is_index = |a: &String| s.setting(a, "target").is_none_or(|target| target == "index");
    let r = s.analyses().iter().filter(|a| is_index(a)).find_map(|a| of(a))?;
    Some((t.number(r, "counterfactual_mean")?, interval(t, r, "adjusted_gap")?))
}

/// By the intervals: the gap is called larger or smaller where that of what is treated as fair, their difference, excludes 0; without one where
/// the second gap lies beyond the interval of the first.
fn title(s: &Study, rows: &[Row], fair_part: Option<Interval>) -> String {
    let fair = s.allowables_in_words();
    match rows {
        [_, like] if like.gap.excludes_zero() == Some(false) => format!("At the same {fair} the data do not show a gap"),
        [seen, like] => {
            let inside = match fair_part.and_then(Interval::excludes_zero) {
                Some(differ) => !differ,
                None => seen.gap.limits.is_none_or(|(low, high)| like.gap.estimate >= low && like.gap.estimate <= high),
            };
            let (a, b) = (seen.gap.estimate.abs(), like.gap.estimate.abs());
            match (inside, b > a) {
                (true, _) => format!("At the same {fair} the gap is about the same"),
                (false, true) => format!("At the same {fair} the gap is larger, not smaller"),
                (false, false) => format!("At the same {fair} the gap is smaller, and does not close"),
            }
        }
        _ => "The gap as observed".to_owned(),
    }
}

impl Rates {
    fn mean(&self, v: Interval) -> String {
        fixed(v.estimate * self.factor, self.places)
    }

    fn draw(&self, sheet: &mut Sheet) -> f64 {
        let all = self.rows.iter().flat_map(|r| [r.index, r.reference]).flat_map(|v| {
            let (low, high) = v.limits.unwrap_or((v.estimate, v.estimate));
            [low, high]
        });
        let axis = Axis::over(all.map(|v| v * self.factor), sheet.either(PLOT, 6.0), sheet.either(WIDE_END - 60.0, 340.0));
        let (top, pitch) = sheet.either((14.0, 62.0), (6.0, 82.0));
        let bottom = top + pitch * self.rows.len() as f64;
        axis.draw(sheet, top, bottom, &self.unit);
        for (at, r) in self.rows.iter().enumerate() {
            let y = top + pitch * at as f64 + sheet.either(36.0, 56.0);
            if sheet.wide {
                sheet.lines(LABELS, y, "t b", "end", &fold(&r.label, LABELS - 4.0, true));
            } else {
                sheet.text(4.0, y - 42.0, "t b hal", "start", fold(&r.label, 336.0, true).first().map_or("", String::as_str));
            }
            let (a, b) = (axis.x(r.index.estimate * self.factor), axis.x(r.reference.estimate * self.factor));
            sheet.horizontal("span", a.min(b), a.max(b), y);
            // Names stand over their marks, or outward of both where they would meet; where there is no room for that, one over the other.
            let said = |v: Interval, name: &str| format!("{name} {}", self.mean(v));
            let (low, high) = if a < b {
                (said(r.index, &self.index), said(r.reference, &self.reference))
            } else {
                (said(r.reference, &self.reference), said(r.index, &self.index))
            };
            let (x_low, x_high) = (a.min(b), a.max(b));
            let (w_low, w_high) = (text_width(&low), text_width(&high));
            let apart = x_high - x_low >= (w_low + w_high) / 2.0 + 8.0;
            let from = |x: f64, w: f64| x.clamp(2.0, sheet.width() - w - 2.0);
            let (at_low, at_high) = if apart {
                (from(x_low - w_low / 2.0, w_low), from(x_high - w_high / 2.0, w_high))
            } else {
                (from(x_low - w_low + 4.0, w_low), from(x_high - 4.0, w_high))
            };
            let meet = at_low + w_low + 4.0 > at_high;
            sheet.text(at_low, if meet { y - 24.0 } else { y - 10.0 }, "t hal", "start", &low);
            sheet.text(at_high, y - 10.0, "t hal", "start", &high);
            for (v, mark, name) in [(r.reference, Mark::Ring, &self.reference), (r.index, Mark::Disc, &self.index)] {
                if let Some((low, high)) = v.limits {
                    sheet.horizontal("iv s-ink", axis.x(low * self.factor), axis.x(high * self.factor), y);
                }
                let limits = v.limits.map(|(l, h)| format!(" ({})", self.gap.lead_range(l, h))).unwrap_or_default();
                let tip = format!("{name}, {}: {}{limits}", r.label.to_lowercase(), self.mean(v));
                sheet.mark(mark, Hue::Ink, axis.x(v.estimate * self.factor), y, 5.0, &tip);
            }
            let gap = format!("gap {}", self.gap.lead(r.gap.estimate));
            sheet.text((a + b) / 2.0, y + 17.0, "t b hal", "middle", &gap);
        }
        bottom + 40.0
    }

    fn data(&self) -> TableView {
        let mut view = TableView::new("")
            .left("Comparison", "")
            .right(self.index.clone(), "Mean outcome of the index group")
            .right("Interval", "Confidence interval of the mean")
            .right(self.reference.clone(), "Mean outcome of the reference group, or of comparable reference units")
            .right("Interval, reference", "Confidence interval of the mean")
            .right(format!("Gap, {}", self.gap.short), "Index minus reference")
            .right("Interval of the gap", "Confidence interval");
        for r in &self.rows {
            let limits = |v: Interval| v.limits.map_or_else(dash, |(l, h)| ranged(self.gap.range(l, h), l, h));
            let mean = |v: Interval| number(self.gap.show(v.estimate), v.estimate);
            view.row(
                "",
                vec![words(r.label.clone()), mean(r.index), limits(r.index), mean(r.reference), limits(r.reference), mean(r.gap), limits(r.gap)],
            );
        }
        view
    }
}
