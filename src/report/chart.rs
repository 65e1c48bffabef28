//! The contribution chart: from the gap through each part to what is not explained, as SVG of our own.
//!
//! It is drawn twice, 800 and 350 units wide; the page shows one, so text is sharp on a telephone and in print. Text is laid
//! out for DejaVu Sans, the widest usual fallback.

use super::numbers::{Units, percent};
use super::study::{Interval, Part, Study, total};
use std::fmt::Write;

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

/// The chart of one analysis, and its numbers as a sentence.
pub struct Chart {
    rows: Vec<Row>,
    title: String,
    desc: String,
    unit: Units,
    share_of: String,
    id: String,
}

impl Chart {
    /// The chart of the primary analysis of a group; `None` where it has no estimates.
    pub fn new(s: &Study, group: &str, title: &str, id: &str) -> Option<Self> {
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
        let named = |part: &str| super::view::part_of(&method, part);
        let (whole, whose) = match super::hospital::population(s, group, &s.meta.primary) {
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
                rows.push(step(named("allowable"), s.allowables(), Mark::Fair, fair, "\u{2013}".into()));
            }
            if let Some(adjusted) = adjusted.filter(|a| a.estimate != gap.estimate) {
                let share = if shares { "100%" } else { "NA" };
                rows.push(from_zero("Gap at the same values of these", String::new(), Mark::Total, adjusted, share.into()));
            }
        }
        for p in parts.iter().filter(|p| p.part != "gap" && p.part != "allowable") {
            let Some(value) = p.value else { continue };
            let has_components = |part: &str| parts.iter().any(|q| q.part == part && q.component != "total");
            match (p.part.as_str(), p.component.as_str()) {
                ("unexplained", "total") => {
                    let (label, sub) = match named("unexplained") {
                        own if own != super::view::part_name("unexplained") => (own, String::new()),
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
                    let (label, sub) = super::hospital::component(s, &s.meta.primary, block);
                    rows.push(step(label, sub, mark, value, share(p)));
                }
                // Components of parts other than the explained one stand in the tables.
                _ => {}
            }
        }
        let desc: Vec<String> = rows.iter().map(|r| format!("{}: {}", r.label, unit.show(r.value.estimate))).collect();
        let share_of = adjusted.map(|a| format!("of {}", unit.show(a.estimate))).unwrap_or_default();
        Some(Self { title: title.to_owned(), desc: format!("In {}. {}.", unit.word, desc.join("; ")), rows, unit, share_of, id: id.to_owned() })
    }

    /// The wide and the narrow drawing.
    pub fn svg(&self) -> String {
        format!("{}{}", self.draw(&Layout::wide(self), 'w'), self.draw(&Layout::narrow(self), 'n'))
    }

    fn limits(&self, v: Interval) -> String {
        v.limits.map_or_else(|| "\u{2013}".to_owned(), |(low, high)| format!("({})", self.unit.range(low, high)))
    }

    /// Estimate, interval and share in one line, for the narrow drawing.
    fn numbers(&self, row: &Row) -> String {
        let share = if row.share == "\u{2013}" { String::new() } else { format!(", {}", row.share) };
        format!("{} {}{share}", self.unit.show(row.value.estimate), self.limits(row.value))
    }

    /// Axis: lowest and highest value and the ticks, in shown units.
    fn axis(&self) -> (f64, f64, Vec<f64>) {
        let shown = |v: f64| v * self.unit.factor;
        let ends = self.rows.iter().flat_map(|r| {
            let (a, b) = r.whisker.unwrap_or((r.to, r.to));
            [r.from, r.to, a, b].map(shown)
        });
        let (low, high) = ends.fold((0.0f64, 0.0f64), |(l, h), v| (l.min(v), h.max(v)));
        ticks(low, high)
    }

    fn draw(&self, l: &Layout, class: char) -> String {
        let (low, high, ticks) = self.axis();
        let x = |v: f64| l.left + (v - low) / (high - low) * (l.right - l.left);
        let xv = |v: f64| x(v * self.unit.factor);
        let id = format!("{}-{class}", self.id);
        let bottom = l.rows.last().map_or(l.top, |r| r.y + r.height);
        let width = l.width;
        let mut out = String::new();
        // Writing to a String does not fail.
        let mut put = |text: String| {
            let _ = out.write_str(&text);
        };
        put(format!(
            "<svg class=\"{class}\" viewBox=\"0 0 {width} {h:.0}\" role=\"img\" aria-labelledby=\"{id}-t {id}-d\"><title id=\"{id}-t\">{t}</title><desc \
             id=\"{id}-d\">{d}</desc><defs><pattern id=\"{id}-hatch\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\" \
             patternTransform=\"rotate(45)\"><line class=\"hatch\" x1=\"0\" y1=\"0\" x2=\"0\" y2=\"6\"/></pattern></defs>",
            h = bottom + 44.0,
            t = escape(&self.title),
            d = escape(&self.desc)
        ));
        for &t in &ticks {
            let class = if t == 0.0 { "null" } else { "grid" };
            put(format!("<path class=\"{class}\" d=\"M{x:.1} {y0:.1}V{bottom:.1}\"/>", x = x(t), y0 = l.top));
        }
        let places = ticks.windows(2).next().map_or(0, |w| (-(w[1] - w[0]).log10().floor()).clamp(0.0, 9.0) as usize);
        for &t in &ticks {
            put(text(x(t), bottom + 15.0, "tk", "middle", &super::numbers::fixed(t, places)));
        }
        put(text(l.left, bottom + 34.0, "un", "start", &self.unit.word));
        l.heads(self, &mut put);
        for (at, (row, place)) in self.rows.iter().zip(&l.rows).enumerate() {
            let mid = place.bar + 10.0;
            if let (Some(next), true) = (l.rows.get(at + 1), l.wide) {
                put(format!("<path class=\"con\" d=\"M{x:.1} {y0:.1}V{y1:.1}\"/>", x = xv(row.to), y0 = place.bar + 20.0, y1 = next.bar));
            }
            let (a, b) = (xv(row.from.min(row.to)), xv(row.from.max(row.to)));
            let (class, style) = match row.mark {
                Mark::Total => ("b-tot".to_owned(), String::new()),
                Mark::Fair => ("b-fair".to_owned(), format!(" style=\"fill:url(#{id}-hatch)\"")),
                Mark::Block(k) => (format!("b-k{}", k.min(6) + 1), String::new()),
                Mark::Other => ("b-oth".to_owned(), String::new()),
                Mark::Open => ("b-open".to_owned(), String::new()),
            };
            put(format!(
                "<rect class=\"{class}\"{style} x=\"{a:.1}\" y=\"{y:.1}\" width=\"{w:.1}\" height=\"20\"/>",
                y = place.bar,
                w = (b - a).max(0.8)
            ));
            if let Mark::Block(k @ 3..=5) = row.mark {
                put(shape(k, (a + b) / 2.0, mid));
            }
            if let Some((low, high)) = row.whisker {
                let (a, b) = (xv(low), xv(high));
                put(format!("<path class=\"wh\" d=\"M{a:.1} {mid:.1}H{b:.1}M{a:.1} {y0:.1}v8M{b:.1} {y0:.1}v8\"/>", y0 = mid - 4.0));
            }
            l.label(row, place, self, &mut put);
        }
        put("</svg>".to_owned());
        out
    }
}

fn scale_of<'a>(s: &'a Study, p: &Part) -> Option<&'a str> {
    s.table(&crate::release::schema::DECOMPOSITION).map(|t| t.text(p.row, "scale"))
}

/// From the fourth block on hues are no longer told apart by everybody: a shape stands on the bar.
fn shape(k: usize, x: f64, y: f64) -> String {
    let d = match k {
        3 => format!("M{:.1} {:.1}h7v7h-7z", x - 3.5, y - 3.5),
        4 => format!("M{x:.1} {:.1}l4.5 8h-9z", y - 4.5),
        _ => format!("M{:.1} {:.1}l7 7m0 -7l-7 7", x - 3.5, y - 3.5),
    };
    format!("<path class=\"shape\" d=\"{d}\"/>")
}

/// Where things stand in one drawing.
struct Layout {
    width: f64,
    left: f64,
    right: f64,
    top: f64,
    wide: bool,
    /// Right ends of the estimate and interval columns of the wide drawing.
    columns: [f64; 2],
    rows: Vec<Place>,
}

struct Place {
    y: f64,
    height: f64,
    bar: f64,
    lines: Vec<(String, &'static str)>,
}

/// Width of a text at 12.5 units in DejaVu Sans, about.
fn text_width(text: &str) -> f64 {
    text.chars().count() as f64 * 7.6
}

impl Layout {
    fn wide(c: &Chart) -> Self {
        let longest = |f: &dyn Fn(&Row) -> String| c.rows.iter().map(|r| text_width(&f(r))).fold(0.0, f64::max);
        let interval = longest(&|r| c.limits(r.value)).max(text_width("(95% interval)"));
        let estimate = longest(&|r| c.unit.show(r.value.estimate));
        let share = longest(&|r| r.share.clone()).max(text_width(&c.share_of)) + 14.0;
        let columns = [796.0 - share - interval - 8.0, 796.0 - share];
        let top = 36.0;
        let mut y = top;
        let mut rows = Vec::new();
        for r in &c.rows {
            let lines = lines_of(r, 24);
            let height = (lines.len() as f64 * 14.0 + 16.0).max(44.0);
            rows.push(Place { y, height, bar: y + height / 2.0 - 10.0, lines });
            y += height;
        }
        Self { width: 800.0, left: 196.0, right: (columns[0] - estimate - 14.0).max(330.0), top, wide: true, columns, rows }
    }

    fn narrow(c: &Chart) -> Self {
        let top = 4.0;
        let mut y = top;
        let mut rows = Vec::new();
        for r in &c.rows {
            let mut lines = lines_of(r, 44);
            let last = lines.last().map_or(0.0, |(line, _)| text_width(line));
            if last + text_width(&c.numbers(r)) > 330.0 {
                // The numbers take a line of their own.
                lines.push((String::new(), "t"));
            }
            let height = lines.len() as f64 * 14.0 + 38.0;
            rows.push(Place { y, height, bar: y + lines.len() as f64 * 14.0 + 8.0, lines });
            y += height;
        }
        Self { width: 350.0, left: 6.0, right: 344.0, top, wide: false, columns: [0.0; 2], rows }
    }

    fn heads(&self, c: &Chart, put: &mut impl FnMut(String)) {
        if self.wide {
            put(text(self.columns[1], 13.0, "un", "end", &c.unit.short));
            put(text(self.columns[1], 27.0, "un", "end", "(interval)"));
            put(text(796.0, 13.0, "un", "end", "share"));
            put(text(796.0, 27.0, "un", "end", &c.share_of));
        }
    }

    fn label(&self, row: &Row, place: &Place, c: &Chart, put: &mut impl FnMut(String)) {
        let bold = if matches!(row.mark, Mark::Total | Mark::Open) { "t b" } else { "t" };
        if self.wide {
            let mut y = place.bar + 14.5 - (place.lines.len() as f64 - 1.0) * 7.0;
            for (line, class) in &place.lines {
                put(text(184.0, y, if *class == "t" { bold } else { class }, "end", line));
                y += 14.0;
            }
            let y = place.bar + 14.5;
            put(text(self.columns[0], y, "t b", "end", &c.unit.show(row.value.estimate)));
            put(text(self.columns[1], y, "t", "end", &c.limits(row.value)));
            put(text(796.0, y, "t", "end", &row.share));
            return;
        }
        let mut y = place.y - 1.0;
        for (line, class) in &place.lines {
            y += 14.0;
            put(text(4.0, y, &format!("hal {}", if *class == "t" { bold } else { class }), "start", line));
        }
        put(text(346.0, y, "hal t", "end", &c.numbers(row)));
    }
}

/// A label and the line under it, broken into lines of at most so many characters.
fn lines_of(row: &Row, width: usize) -> Vec<(String, &'static str)> {
    let mut lines: Vec<(String, &'static str)> = wrap(&row.label, width).into_iter().map(|l| (l, "t")).collect();
    lines.extend(wrap(&row.sub, width + 2).into_iter().map(|l| (l, "un")));
    lines
}

/// Breaks at spaces, after `_`, `-`, `/` and `+`, and inside a word that is longer than a line.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut pieces: Vec<String> = vec![String::new()];
    for c in text.chars() {
        if let Some(last) = pieces.last_mut() {
            last.push(c);
        }
        let long = pieces.last().is_some_and(|p| p.chars().count() >= width);
        if c == ' ' || c == '_' || c == '-' || c == '/' || c == '+' || long {
            pieces.push(String::new());
        }
    }
    let mut lines: Vec<String> = Vec::new();
    for piece in pieces.into_iter().filter(|p| !p.is_empty()) {
        match lines.last_mut() {
            Some(line) if line.chars().count() + piece.trim_end().chars().count() <= width => line.push_str(&piece),
            _ => lines.push(piece),
        }
    }
    lines.into_iter().map(|l| l.trim().to_owned()).filter(|l| !l.is_empty()).collect()
}

/// 4 to 9 ticks at 1, 2 or 5 times a power of ten that hold `low` and `high`: (first, last, all).
pub fn ticks(low: f64, high: f64) -> (f64, f64, Vec<f64>) {
    let (low, high) = if high > low { (low, high) } else { (low - 1.0, high + 1.0) };
    let power = 10f64.powf(((high - low) / 9.0).log10().floor());
    let mut step = power;
    for m in [1.0, 2.0, 5.0, 10.0, 20.0] {
        step = m * power;
        if (high / step).ceil() - (low / step).floor() <= 8.0 {
            break;
        }
    }
    let (first, last) = ((low / step).floor() as i64, (high / step).ceil() as i64);
    (first as f64 * step, last as f64 * step, (first..=last).map(|k| k as f64 * step).collect())
}

pub fn text(x: f64, y: f64, class: &str, anchor: &str, text: &str) -> String {
    format!("<text x=\"{x:.1}\" y=\"{y:.1}\" class=\"{class}\" text-anchor=\"{anchor}\">{}</text>", escape(text))
}

/// Escapes text for HTML and SVG.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_4_to_9_round_numbers_around_the_data() {
        for (low, high) in [(0.0, 8.8), (-1.5, 7.6), (0.0, 0.004), (-300.0, 12000.0), (0.0, 1.0), (-0.5, 0.0), (0.0, 0.0)] {
            let (first, last, all) = ticks(low, high);
            assert!(first <= low && last >= high, "{low} {high}");
            assert!((3..=9).contains(&all.len()), "{low} {high}: {all:?}");
            assert!(all.contains(&0.0));
        }
    }

    #[test]
    fn long_labels_are_broken_and_nothing_is_lost() {
        for label in ["Clinical and physiological, measured", "a_very_long_name_of_a_block_without_any_space_in_it", "Socioeconomic"] {
            let lines = wrap(label, 24);
            assert!(lines.iter().all(|l| l.chars().count() <= 24), "{lines:?}");
            let joined: String = lines.concat().replace(' ', "");
            assert_eq!(joined, label.replace(' ', ""));
        }
    }
}
