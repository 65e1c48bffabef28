//! The contribution chart: from the gap through each part to what is not explained.

use super::{Axis, LABELS, PLOT, Sheet, WIDE_END, fold, text_width, twice};
use crate::release::schema;
use crate::report::Figure;
use crate::report::figure::Drawn;
use crate::report::hospital;
use crate::report::numbers::{Units, level, percent};
use crate::report::study::{Interval, Part, Study, capital, total};
use crate::report::view::{TableView, dash, marked, number, part_name, part_of, ranged, words};
use crate::report::wording::family_name;

#[derive(Clone, Copy, PartialEq)]
enum Mark {
    /// From 0: the gap, and the gap at the same allowables.
    Total,
    /// Hatched: the part of the allowables.
    Fair,
    /// Floating: the block at this position.
    Block(usize),
    /// Floating: a part that belongs to no block.
    Other,
    /// Open, from 0: not explained.
    Open,
}

struct Row {
    label: String,
    sub: String,
    mark: Mark,
    value: Interval,
    share: String,
    /// Ends of the bar, in the table's unit.
    from: f64,
    to: f64,
    /// Whisker at the end that the bar reaches.
    whisker: Option<(f64, f64)>,
}

/// The chart of the primary analysis of one group, and its numbers as a sentence.
struct Waterfall {
    rows: Vec<Row>,
    desc: String,
    unit: Units,
    level: String,
    share_of: String,
}

/// The chart of the primary analysis of a group; `None` where it has no estimates.
pub fn figure(s: &Study, group: &str, figure: Figure, id: String) -> Option<Drawn> {
    let chart = Waterfall::new(s, group)?;
    let svg = twice(&id, &figure.title, &chart.desc, |sheet| chart.draw(sheet));
    let family = capital(&family_name(&s.family(&s.meta.primary)));
    Some(Drawn { data: Some(TableView { family, ..chart.data() }), ..Drawn::new(id, Figure { svg, ..figure }) })
}

impl Waterfall {
    fn new(s: &Study, group: &str) -> Option<Self> {
        let parts = s.parts(group, &s.meta.primary);
        let unit = s.units(group, parts.iter().find(|p| p.part == "gap").and_then(|p| scale_of(s, p))?);
        let gap = total(&parts, "gap")?;
        let adjusted = s.adjusted_gap(group, &s.meta.primary);
        let shares = parts.iter().any(|p| p.share.is_some());
        let share = |p: &Part| p.share.map_or_else(|| "NA".to_owned(), percent);
        let from_zero = |label: &str, sub: String, mark, value: Interval, share: String| Row {
            label: label.to_owned(),
            sub,
            mark,
            value,
            share,
            from: 0.0,
            to: value.estimate,
            whisker: value.limits,
        };
        let method = s.method(&s.meta.primary).unwrap_or_default();
        let named = |part: &str| part_of(&method, part);
        let (whole, whose) = match hospital::population(s, group, &s.meta.primary) {
            Some(place) => ("Gap".to_owned(), place),
            None => (named("gap"), String::new()),
        };
        let mut rows = vec![from_zero(&whole, whose, Mark::Total, gap, "\u{2013}".into())];
        let mut at = gap.estimate;
        let mut step = |label: String, sub: String, mark, value: Interval, share: String| {
            let row = Row {
                label,
                sub,
                mark,
                value,
                share,
                from: at,
                to: at - value.estimate,
                whisker: value.limits.map(|(low, high)| (at - high, at - low)),
            };
            at -= value.estimate;
            row
        };
        if let (Some(fair), false) = (total(&parts, "allowable"), s.meta.allowable.is_empty()) {
            // Where the method credits nothing to them, there is no step.
            if fair.estimate != 0.0 || fair.limits.is_some_and(|(low, high)| low != high) {
                rows.push(step(named("allowable"), s.allowables_in_words(), Mark::Fair, fair, "\u{2013}".into()));
            }
            if let Some(adjusted) = adjusted.filter(|a| a.estimate != gap.estimate) {
                let share = if shares { "100%" } else { "NA" };
                // Named where there is room for it.
                let fair = s.allowables_in_words();
                let label = if fair.chars().count() <= 36 { format!("Gap at the same {fair}") } else { "Gap at the same values of these".to_owned() };
                rows.push(from_zero(&label, String::new(), Mark::Total, adjusted, share.into()));
            }
        }
        for p in parts.iter().filter(|p| p.part != "gap" && p.part != "allowable") {
            let Some(value) = p.value else { continue };
            let has_components = |part: &str| parts.iter().any(|q| q.part == part && q.component != "total");
            match (p.part.as_str(), p.component.as_str()) {
                ("unexplained", "total") => {
                    let (label, sub) = match named("unexplained") {
                        own if own != part_name("unexplained") => (own, String::new()),
                        _ => ("Not explained".to_owned(), "by the measured factors".to_owned()),
                    };
                    rows.push(from_zero(&label, sub, Mark::Open, value, share(p)));
                }
                // The total stands for its components, which follow.
                ("explained" | "endowments", "total") if has_components(&p.part) => {}
                ("explained" | "endowments" | "coefficients" | "interaction", "total") => {
                    rows.push(step(named(&p.part), String::new(), Mark::Other, value, share(p)));
                }
                // Nothing is credited, by definition: no step.
                ("explained", _) if value.estimate == 0.0 && value.limits.is_none_or(|(low, high)| low == high) => {}
                ("explained" | "endowments", block) => {
                    let mark = s.meta.blocks.get_index_of(block).map_or(Mark::Other, Mark::Block);
                    let (label, sub) = hospital::component(s, &s.meta.primary, block);
                    rows.push(step(label, sub, mark, value, share(p)));
                }
                // Components of parts other than the explained one stand in the tables.
                _ => {}
            }
        }
        let desc: Vec<String> = rows.iter().map(|r| format!("{}: {}", r.label, unit.show(r.value.estimate))).collect();
        let share_of = adjusted.map(|a| format!("of {}", unit.show(a.estimate))).unwrap_or_default();
        let level = format!("({} interval)", level(s.meta.level));
        Some(Self { desc: format!("In {}. {}.", unit.word, desc.join("; ")), rows, unit, level, share_of })
    }

    fn limits(&self, v: Interval) -> String {
        v.limits.map_or_else(|| "\u{2013}".to_owned(), |(low, high)| format!("({})", self.unit.range(low, high)))
    }

    /// Estimate, interval and share in one line, for the narrow drawing.
    fn numbers(&self, row: &Row) -> String {
        let share = if row.share == "\u{2013}" { String::new() } else { format!(", {}", row.share) };
        format!("{} {}{share}", self.unit.show(row.value.estimate), self.limits(row.value))
    }

    fn axis(&self, left: f64, right: f64) -> Axis {
        let ends = self.rows.iter().flat_map(|r| {
            let (a, b) = r.whisker.unwrap_or((r.to, r.to));
            [r.from, r.to, a, b]
        });
        Axis::over(ends.map(|v| v * self.unit.factor), left, right)
    }

    fn draw(&self, sheet: &mut Sheet) -> f64 {
        if sheet.wide { self.wide(sheet) } else { self.narrow(sheet) }
    }

    fn wide(&self, sheet: &mut Sheet) -> f64 {
        let longest = |f: &dyn Fn(&Row) -> String| self.rows.iter().map(|r| text_width(&f(r))).fold(0.0, f64::max);
        let interval = longest(&|r| self.limits(r.value)).max(text_width(&self.level)) + 14.0;
        let estimate = longest(&|r| self.unit.show(r.value.estimate)) * 1.12;
        let share = longest(&|r| r.share.clone()).max(text_width(&self.share_of)) + 14.0;
        let columns = [WIDE_END - share - interval, WIDE_END - share];
        let axis = self.axis(PLOT, (columns[0] - estimate - 14.0).max(330.0));
        let mut y = 34.0;
        let places: Vec<Place> = self
            .rows
            .iter()
            .map(|r| {
                let lines = r.lines(LABELS - 6.0);
                let height = (lines.len() as f64 * 14.0 + 16.0).max(44.0);
                let place = Place { bar: y + height / 2.0 - 10.0, lines, y };
                y += height;
                place
            })
            .collect();
        axis.draw(sheet, 34.0, y, &self.unit.word);
        for (x, over, under) in [(columns[1], self.unit.short.as_str(), self.level.as_str()), (WIDE_END, "share", &self.share_of)] {
            sheet.text(x, 11.0, "un", "end", over);
            sheet.text(x, 25.0, "un", "end", under);
        }
        for (at, (row, place)) in self.rows.iter().zip(&places).enumerate() {
            if let Some(next) = places.get(at + 1) {
                sheet.vertical("con", axis.x(row.to * self.unit.factor), place.bar + 20.0, next.bar);
            }
            self.bar(sheet, &axis, row, place.bar);
            let bold = row.bold();
            let mut at = place.bar + 14.5 - (place.lines.len() as f64 - 1.0) * 7.0;
            for (line, class) in &place.lines {
                sheet.text(LABELS, at, if *class == "t" { bold } else { class }, "end", line);
                at += 14.0;
            }
            let at = place.bar + 14.5;
            sheet.text(columns[0], at, "t b", "end", &self.unit.show(row.value.estimate));
            sheet.text(columns[1], at, "t", "end", &self.limits(row.value));
            sheet.text(WIDE_END, at, "t", "end", &row.share);
        }
        y + 44.0
    }

    fn narrow(&self, sheet: &mut Sheet) -> f64 {
        let axis = self.axis(6.0, 340.0);
        let mut y = 4.0;
        let places: Vec<Place> = self
            .rows
            .iter()
            .map(|r| {
                let mut lines = r.lines(326.0);
                let last = lines.last().map_or(0.0, |(line, _)| text_width(line) * 1.12);
                if last + text_width(&self.numbers(r)) > 326.0 {
                    // The numbers take a line of their own.
                    lines.push((String::new(), "t"));
                }
                let place = Place { bar: y + lines.len() as f64 * 14.0 + 8.0, y, lines };
                y = place.bar + 30.0;
                place
            })
            .collect();
        axis.draw(sheet, 4.0, y, &self.unit.word);
        for (row, place) in self.rows.iter().zip(&places) {
            self.bar(sheet, &axis, row, place.bar);
            let mut at = place.y - 1.0;
            for (line, class) in &place.lines {
                at += 14.0;
                sheet.text(4.0, at, &format!("hal {}", if *class == "t" { row.bold() } else { class }), "start", line);
            }
            sheet.text(sheet.end(), at, "hal t", "end", &self.numbers(row));
        }
        y + 44.0
    }

    /// The bar at `y`, 20 high, with its shape and its whisker.
    fn bar(&self, sheet: &mut Sheet, axis: &Axis, row: &Row, y: f64) {
        let x = |v: f64| axis.x(v * self.unit.factor);
        let (a, b, mid) = (x(row.from.min(row.to)), x(row.from.max(row.to)), y + 10.0);
        let w = (b - a).max(0.8);
        match row.mark {
            Mark::Total => sheet.rect("b-tot", a, y, w, 20.0),
            Mark::Fair => sheet.hatched("b-fair", a, y, w, 20.0),
            Mark::Block(k) => sheet.rect(&format!("b-k{}", k.min(6) + 1), a, y, w, 20.0),
            Mark::Other => sheet.rect("b-oth", a, y, w, 20.0),
            Mark::Open => sheet.rect("b-open", a, y, w, 20.0),
        }
        if let Mark::Block(k @ 3..=5) = row.mark {
            sheet.path("shape", &shape(k, (a + b) / 2.0, mid));
        }
        if let Some((low, high)) = row.whisker {
            let (a, b) = (x(low), x(high));
            sheet.path("wh", &format!("M{a:.1} {mid:.1}H{b:.1}M{a:.1} {y0:.1}v8M{b:.1} {y0:.1}v8", y0 = mid - 4.0));
        }
        if sheet.wide {
            let tip = format!("{}: {} {} {}", row.label, self.unit.show(row.value.estimate), self.limits(row.value), self.unit.word);
            sheet
                .put(&format!("<rect class=\"hit\" data-tip=\"{}\" x=\"{a:.1}\" y=\"{y:.1}\" width=\"{w:.1}\" height=\"20\"/>", super::escape(&tip)));
        }
    }

    /// The numbers as a table.
    fn data(&self) -> TableView {
        let mut view = TableView::new("")
            .left("Bar", "Totals start at 0; parts make one gap the next")
            .right(self.unit.short.clone(), "The gap or the contribution")
            .right("Interval", "Confidence interval")
            .right("Share", "Contribution over the gap that remains once the variables treated as fair are the same");
        for r in &self.rows {
            let name = if r.sub.is_empty() { r.label.clone() } else { format!("{} ({})", r.label, r.sub) };
            let limits = r.value.limits.map_or_else(dash, |(low, high)| ranged(self.unit.range(low, high), low, high));
            view.row("", vec![words(name), number(self.unit.show(r.value.estimate), r.value.estimate), limits, marked("r", r.share.clone())]);
        }
        view
    }
}

fn scale_of<'a>(s: &'a Study, p: &Part) -> Option<&'a str> {
    s.table(&schema::DECOMPOSITION).map(|t| t.text(p.row, "scale"))
}

/// From the fourth block on hues are no longer told apart by everybody: a shape stands on the bar.
fn shape(k: usize, x: f64, y: f64) -> String {
    match k {
        3 => format!("M{:.1} {:.1}h7v7h-7z", x - 3.5, y - 3.5),
        4 => format!("M{x:.1} {:.1}l4.5 8h-9z", y - 4.5),
        _ => format!("M{:.1} {:.1}l7 7m0 -7l-7 7", x - 3.5, y - 3.5),
    }
}

/// Where a row stands.
struct Place {
    y: f64,
    bar: f64,
    lines: Vec<(String, &'static str)>,
}

impl Row {
    fn bold(&self) -> &'static str {
        if matches!(self.mark, Mark::Total | Mark::Open) { "t b" } else { "t" }
    }

    /// The label and the line under it, broken into lines at most so wide.
    fn lines(&self, width: f64) -> Vec<(String, &'static str)> {
        let mut lines: Vec<(String, &'static str)> = fold(&self.label, width, true).into_iter().map(|l| (l, "t")).collect();
        lines.extend(fold(&self.sub, width, false).into_iter().map(|l| (l, "un")));
        lines
    }
}
