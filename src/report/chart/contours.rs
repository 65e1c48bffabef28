//! How strong an unmeasured factor would have to be: the linear adjusted gap that would remain, by its partial R2 with group and outcome.

use super::{Sheet, fold, text_width, ticks, twice};
use crate::release::{Table, schema};
use crate::report::Figure;
use crate::report::figure::{Drawn, captioned};
use crate::report::numbers::{Units, fixed, general};
use crate::report::study::Study;
use crate::report::view::{TableView, number, words};
use std::fmt::Write;

struct Benchmark {
    name: String,
    group: f64,
    outcome: f64,
    remains: Option<f64>,
}

struct Contours {
    /// The gap in shown units, and what its standard error times the root of the degrees of freedom is.
    gap: f64,
    spread: f64,
    robustness: Option<f64>,
    robustness_of_limit: Option<f64>,
    benchmarks: Vec<Benchmark>,
    unit: Units,
}

/// The contours of one analysis that has rows of omitted-variable bias.
pub fn figure(s: &Study, group: &str, analysis: &str, id: String) -> Option<Drawn> {
    let t = s.table(&schema::SENSITIVITY)?;
    let rows: Vec<usize> = (0..t.rows.len())
        .filter(|&r| t.text(r, "index_group") == group && t.text(r, "analysis") == analysis && t.text(r, "variation") == "ovb")
        .collect();
    let linear = |component: &str| find(t, &rows, "linear", component);
    let unit = s.units(group, &s.meta.scale);
    let gap = linear("adjusted_gap")?;
    let partial = linear("partial_r2").filter(|r| *r > 0.0 && *r < 1.0)?;
    // partial R2 = t^2 / (t^2 + df), so that se sqrt(df) = |gap| sqrt((1 - R2) / R2).
    let spread = gap.abs() * ((1.0 - partial) / partial).sqrt() * unit.factor;
    let mut benchmarks: Vec<Benchmark> = Vec::new();
    for &r in &rows {
        let Some(name) = t.text(r, "setting").strip_prefix("1 x ") else { continue };
        let of = |component: &str| find(t, &rows, t.text(r, "setting"), component);
        let shown = if s.meta.blocks.contains_key(name) { s.block(name) } else { s.label(name).to_owned() };
        if benchmarks.iter().any(|b| b.name == shown) {
            continue;
        }
        if let (Some(group), Some(outcome)) = (of("r2_with_group"), of("r2_with_outcome")) {
            benchmarks.push(Benchmark { name: shown, group, outcome, remains: of("adjusted_gap") });
        }
    }
    let chart = Contours {
        gap: gap * unit.factor,
        spread,
        robustness: linear("robustness_value"),
        robustness_of_limit: linear("robustness_value_of_limit"),
        benchmarks,
        unit,
    };
    Some(chart.drawn(s, group, id))
}

fn find(t: &Table, rows: &[usize], setting: &str, component: &str) -> Option<f64> {
    rows.iter().find(|&&r| t.text(r, "setting") == setting && t.text(r, "component") == component).and_then(|&r| t.number(r, "estimate"))
}

impl Contours {
    fn drawn(&self, s: &Study, group: &str, id: String) -> Drawn {
        let u = &self.unit;
        let as_reported = |v: f64| fixed(v, u.places);
        // The strongest of the benchmarks by what it leaves of the gap.
        let closed = self.benchmarks.iter().filter(|b| b.remains.is_some_and(|r| r * self.gap <= 0.0)).count();
        let title = match (self.benchmarks.len(), closed) {
            (0, _) => "How strong an unmeasured factor would have to be to close the gap".to_owned(),
            (1, 0) => "A further factor as strong as the measured one would not close the gap".to_owned(),
            (1, _) => "A further factor as strong as the measured one would close the gap".to_owned(),
            (n, 0) => format!("A further factor as strong as any of {n} measured ones would not close the gap"),
            (n, k) => format!("A further factor as strong as {k} of {n} measured ones would close the gap"),
        };
        let told = self.robustness.map(|v| format!(" Robustness value {}.", fixed(v, 3))).unwrap_or_default();
        let points: Vec<String> = self.benchmarks.iter().map(|b| format!("{} {} and {}", b.name, fixed(b.group, 3), fixed(b.outcome, 3))).collect();
        let desc = format!(
            "Contours of the remaining gap, from {} {}.{told} Measured factors, with group and outcome: {}.",
            as_reported(self.gap),
            u.word,
            points.join("; ")
        );
        let svg = twice(&id, &title, &desc, |sheet| self.draw(sheet));
        let caption = format!(
            "Linear adjusted gap with all blocks, {} {}, between {} and {}, if a further factor were measured. Lines: the gap that would remain.",
            as_reported(self.gap),
            u.word,
            s.patients(group),
            s.patients(&s.meta.reference)
        );
        let note = "The factor is taken to work against the gap. It may lie on the pathway from group to outcome: it would say through what the rest of the gap \
                    runs, not that the gap is spurious.";
        let mut drawn = Drawn::new(id, Figure { svg, ..captioned(title, caption, note) });
        let mut view = TableView::new("")
            .left("Measured factor", "An unmeasured factor just as strong")
            .right("Partial R\u{b2} with the group", "Share of what is left of the group that the factor accounts for")
            .right("Partial R\u{b2} with the outcome", "Share of what is left of the outcome that the factor accounts for")
            .right(format!("Gap that would remain, {}", u.short), "Linear adjusted gap if such a factor were left out and worked against it");
        for b in &self.benchmarks {
            let remains = b.remains.map_or_else(super::super::view::dash, |v| number(u.show(v), v));
            view.row("", vec![words(b.name.clone()), number(general(b.group), b.group), number(general(b.outcome), b.outcome), remains]);
        }
        let extra = [("Robustness value", self.robustness), ("Robustness value of the limit", self.robustness_of_limit)];
        for (name, v) in extra.iter().filter_map(|(n, v)| v.map(|v| (n, v))) {
            view.row("", vec![words(*name), number(general(v), v), number(general(v), v), super::super::view::dash()]);
        }
        drawn.data = Some(view);
        drawn
    }

    /// Partial R2 with the outcome at which `level` would remain, for one with the group.
    fn outcome(&self, level: f64, group: f64) -> f64 {
        ((self.gap - level) / self.spread).powi(2) * (1.0 - group) / group
    }

    fn draw(&self, sheet: &mut Sheet) -> f64 {
        let (left, right, top, bottom) = sheet.either((64.0, 520.0, 24.0, 288.0), (40.0, 340.0, 24.0, 250.0));
        let most = |of: &dyn Fn(&Benchmark) -> f64| self.benchmarks.iter().map(of).fold(self.robustness.unwrap_or(0.01) * 1.6, f64::max) * 1.12;
        let (_, x_max, x_ticks) = ticks(0.0, most(&|b| b.group).clamp(0.002, 0.9));
        let (_, y_max, y_ticks) = ticks(0.0, most(&|b| b.outcome).clamp(0.002, 0.9));
        let (x_max, y_max) = (x_max.min(1.0), y_max.min(1.0));
        let x = |v: f64| left + v / x_max * (right - left);
        let y = |v: f64| bottom - v / y_max * (bottom - top);
        let places = |t: &[f64]| t.get(1).map_or(2, |step| (-step.log10() - 1e-9).ceil().clamp(1.0, 6.0) as usize);
        let every = if sheet.wide || x_ticks.len() < 7 { 1 } else { 2 };
        for (k, &t) in x_ticks.iter().enumerate().filter(|(_, t)| **t <= x_max) {
            sheet.vertical(if t == 0.0 { "null" } else { "grid" }, x(t), top, bottom);
            if k % every == 0 {
                let label = fixed(t, places(&x_ticks));
                sheet.text(x(t).min(sheet.width() - text_width(&label) / 2.0), bottom + 15.0, "tk", "middle", &label);
            }
        }
        for &t in y_ticks.iter().filter(|t| **t <= y_max) {
            sheet.horizontal(if t == 0.0 { "null" } else { "grid" }, left, right, y(t));
            sheet.text(left - 6.0, y(t) + 4.0, "tk", "end", &fixed(t, places(&y_ticks)));
        }
        sheet.text(sheet.either(8.0, 2.0), 12.0, "un", "start", "partial R\u{b2} with the outcome");
        let below = "partial R\u{b2} of the unmeasured factor with the group";
        sheet.text(left.min(sheet.width() - text_width(below) * 0.92 - 4.0).max(2.0), bottom + 32.0, "un", "start", below);
        // Levels of the gap that remain, on its own side and beyond 0.
        let corner = self.gap.abs() - self.spread * (y_max * x_max / (1.0 - x_max)).sqrt();
        let (_, _, levels) = ticks(corner.max(-2.0 * self.gap.abs()).min(0.0), self.gap.abs());
        for level in levels.iter().copied().filter(|l| *l < self.gap.abs() * 0.98) {
            self.contour(sheet, level, (x_max, y_max), &x, &y);
        }
        let mut taken: Vec<(f64, f64, f64)> = Vec::new();
        for b in &self.benchmarks {
            let (px, py) = (x(b.group), y(b.outcome));
            sheet.put(&format!("<path class=\"f-ink\" d=\"M{px:.1} {:.1}l4 7h-8z\"/>", py - 4.5));
            let name = fold(&b.name, sheet.either(190.0, 120.0), false);
            let name = name.first().map_or("", String::as_str);
            let width = text_width(name);
            let before = px + 8.0 + width > right;
            let (mut at, from) = (py + 4.0, if before { px - 8.0 - width } else { px + 8.0 });
            while taken.iter().any(|(x0, x1, ty)| (ty - at).abs() < 13.0 && from < *x1 && from + width > *x0) && at > top + 12.0 {
                at -= 13.0;
            }
            taken.push((from, from + width, at));
            sheet.text(if before { px - 8.0 } else { px + 8.0 }, at, "t hal", if before { "end" } else { "start" }, name);
        }
        if sheet.wide {
            let mut at = 40.0;
            let mut say = |words: String, sheet: &mut Sheet| {
                for line in fold(&words, 240.0, false) {
                    sheet.text(548.0, at, "t", "start", &line);
                    at += 18.0;
                }
                at += 12.0;
            };
            say(
                format!(
                    "Each line: the gap in {} that would remain if a factor this strong were measured too. Bold: nothing remains.",
                    self.unit.word
                ),
                sheet,
            );
            if !self.benchmarks.is_empty() {
                say("Triangles: measured factors, for scale.".into(), sheet);
            }
            if let Some(v) = self.robustness {
                let limit = self.robustness_of_limit.map(|l| format!(" ({} at the limit of the interval)", fixed(l, 3))).unwrap_or_default();
                say(format!("Robustness value {}{limit}.", fixed(v, 3)), sheet);
            }
        }
        bottom + 40.0
    }

    fn contour(&self, sheet: &mut Sheet, level: f64, (x_max, y_max): (f64, f64), x: &dyn Fn(f64) -> f64, y: &dyn Fn(f64) -> f64) {
        let gap_level = level * self.gap.signum();
        let at = |k: usize| x_max * k as f64 / 160.0;
        let points: Vec<(f64, f64)> = (1..=160).map(|k| (at(k), self.outcome(gap_level, at(k)))).filter(|(_, r)| *r <= y_max).collect();
        // The curve begins where it enters the frame from above.
        let c = ((self.gap - gap_level) / self.spread).powi(2);
        let enters = c / (y_max + c);
        if enters >= x_max || points.is_empty() {
            return;
        }
        let mut d = format!("M{:.1} {:.1}", x(enters), y(y_max));
        for (px, py) in points.iter().filter(|(px, _)| *px > enters) {
            // Writing to a String does not fail.
            let _ = write!(d, "L{:.1} {:.1}", x(*px), y(*py));
        }
        let zero = level.abs() < 1e-12;
        sheet.path(if zero { "ct ct0" } else { "ct" }, &d);
        let label = if zero {
            "0".to_owned()
        } else if gap_level > 0.0 {
            format!("+{}", general(gap_level))
        } else {
            general(gap_level)
        };
        let (lx, ly) = (x(enters) + 5.0, y(y_max) + 16.0);
        if lx + text_width(&label) < x(x_max) {
            sheet.text(lx, ly, if zero { "t b hal" } else { "tk hal" }, "start", &label);
        }
    }
}
