//! What all drawings share: the sheet, the axis, the marks, and text that fits.
//!
//! Every chart is SVG of our own and drawn twice, 800 and 350 units wide; the page shows one, so text is sharp on a telephone and in
//! print. Text is laid out for DejaVu Sans, the widest usual fallback: what fits there fits everywhere.

pub mod contours;
pub mod flow;
pub mod ladder;
pub mod love;
pub mod orders;
pub mod overlap;
pub mod panels;
pub mod rates;
pub mod waterfall;

use super::numbers::fixed;
use std::fmt::Write;

/// Where the label column of a wide drawing ends, and where its plot begins.
pub const LABELS: f64 = 184.0;
pub const PLOT: f64 = 196.0;
/// The right end of numbers, wide and narrow.
pub const WIDE_END: f64 = 796.0;
pub const NARROW_END: f64 = 346.0;

/// Ticks and units are smaller than labels.
const SMALL: f64 = 0.92;

/// One of the two drawings of a chart.
pub struct Sheet {
    pub wide: bool,
    id: String,
    body: String,
    hatched: bool,
    /// The lowest line of text.
    deepest: f64,
}

/// Both drawings of a chart. `draw` puts marks on a sheet and returns its height; `id` is unique on the page.
pub fn twice(id: &str, title: &str, desc: &str, draw: impl Fn(&mut Sheet) -> f64) -> String {
    let one = |wide: bool| {
        let mut sheet = Sheet { wide, id: format!("{id}-{}", if wide { 'w' } else { 'n' }), body: String::new(), hatched: false, deepest: 0.0 };
        let height = draw(&mut sheet);
        sheet.svg(height, title, desc)
    };
    format!("{}{}", one(true), one(false))
}

impl Sheet {
    pub fn width(&self) -> f64 {
        if self.wide { 800.0 } else { 350.0 }
    }

    /// The right end of numbers.
    pub fn end(&self) -> f64 {
        if self.wide { WIDE_END } else { NARROW_END }
    }

    /// One of two values, for the wide and for the narrow drawing.
    pub fn either<T>(&self, wide: T, narrow: T) -> T {
        if self.wide { wide } else { narrow }
    }

    pub fn put(&mut self, element: &str) {
        self.body.push_str(element);
    }

    pub fn text(&mut self, x: f64, y: f64, class: &str, anchor: &str, words: &str) {
        self.body.push_str(&text(x, y, class, anchor, words));
        self.deepest = self.deepest.max(y);
    }

    /// Lines of text around the middle `y`, 14 apart.
    pub fn lines(&mut self, x: f64, y: f64, class: &str, anchor: &str, lines: &[String]) {
        let mut at = y + 4.0 - (lines.len() as f64 - 1.0) * 7.0;
        for line in lines {
            self.text(x, at, class, anchor, line);
            at += 14.0;
        }
    }

    pub fn path(&mut self, class: &str, d: &str) {
        // Writing to a String does not fail.
        let _ = write!(self.body, "<path class=\"{class}\" d=\"{d}\"/>");
    }

    pub fn horizontal(&mut self, class: &str, x0: f64, x1: f64, y: f64) {
        self.path(class, &format!("M{x0:.1} {y:.1}H{x1:.1}"));
    }

    pub fn vertical(&mut self, class: &str, x: f64, y0: f64, y1: f64) {
        self.path(class, &format!("M{x:.1} {y0:.1}V{y1:.1}"));
    }

    pub fn rect(&mut self, class: &str, x: f64, y: f64, w: f64, h: f64) {
        let _ = write!(self.body, "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{w:.1}\" height=\"{h:.1}\"/>");
    }

    /// A bar filled with the hatch of what is treated as fair, or withheld.
    pub fn hatched(&mut self, class: &str, x: f64, y: f64, w: f64, h: f64) {
        self.hatched = true;
        let _ = write!(
            self.body,
            "<rect class=\"{class}\" style=\"fill:url(#{}-hatch)\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{w:.1}\" height=\"{h:.1}\"/>",
            self.id
        );
    }

    /// A mark that says its numbers on hover; the data table says them to everybody.
    pub fn mark(&mut self, mark: Mark, hue: Hue, x: f64, y: f64, r: f64, tip: &str) {
        let tip = if self.wide && !tip.is_empty() { format!(" data-tip=\"{}\"", escape(tip)) } else { String::new() };
        let (fill, stroke) = (hue.fill(), hue.stroke());
        let element = match mark {
            Mark::Disc => format!("<circle class=\"{fill}\"{tip} cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{r}\"/>"),
            Mark::Ring => format!("<circle class=\"o {stroke}\"{tip} cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{r}\"/>"),
            Mark::Diamond | Mark::OpenDiamond => {
                let class = if mark == Mark::Diamond { fill } else { format!("o {stroke}") };
                let r = r + 0.8;
                format!("<path class=\"{class}\"{tip} d=\"M{:.1} {y:.1}l{r} {r}l{r} -{r}l-{r} -{r}z\"/>", x - r)
            }
        };
        self.put(&element);
    }

    /// An estimate with its interval; thick with a filled mark where it is the one reported.
    pub fn interval(&mut self, axis: &Axis, y: f64, estimate: f64, limits: Option<(f64, f64)>, style: Style, tip: &str) {
        if let Some((low, high)) = limits {
            let class = format!("{} {}", if style.strong { "iv" } else { "iv2" }, style.hue.stroke());
            self.horizontal(&class, axis.x(low), axis.x(high), y);
        }
        let r = if style.strong { 4.5 } else { 3.5 };
        self.mark(style.mark, style.hue, axis.x(estimate), y, r, tip);
    }

    fn svg(self, height: f64, title: &str, desc: &str) -> String {
        let height = height.max(self.deepest + 5.0);
        let (id, class, w) = (&self.id, if self.wide { 'w' } else { 'n' }, self.width());
        let hatch = if self.hatched {
            format!(
                "<defs><pattern id=\"{id}-hatch\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\"><line \
                 class=\"hatch\" x1=\"0\" y1=\"0\" x2=\"0\" y2=\"6\"/></pattern></defs>"
            )
        } else {
            String::new()
        };
        format!(
            "<svg class=\"{class}\" viewBox=\"0 0 {w:.0} {height:.0}\" role=\"img\" aria-labelledby=\"{id}-t {id}-d\"><title id=\"{id}-t\">{}</title><desc \
             id=\"{id}-d\">{}</desc>{hatch}{}</svg>",
            escape(title),
            escape(desc),
            self.body
        )
    }
}

#[derive(Clone, Copy, PartialEq)]
pub enum Mark {
    Disc,
    Ring,
    Diamond,
    OpenDiamond,
}

/// Whose a mark is: a block by its position, a group or total, what is not explained, or a value for comparison.
#[derive(Clone, Copy, PartialEq)]
pub enum Hue {
    Block(usize),
    Ink,
    Open,
    Mute,
}

impl Hue {
    fn name(self) -> String {
        match self {
            // From the seventh block on ink, with labels only.
            Self::Block(k) if k < 6 => format!("k{}", k + 1),
            Self::Block(_) | Self::Ink => "ink".to_owned(),
            Self::Open => "open".to_owned(),
            Self::Mute => "mut".to_owned(),
        }
    }

    pub fn fill(self) -> String {
        format!("f-{}", self.name())
    }

    pub fn stroke(self) -> String {
        format!("s-{}", self.name())
    }
}

#[derive(Clone, Copy)]
pub struct Style {
    pub hue: Hue,
    pub mark: Mark,
    /// The analysis that is reported.
    pub strong: bool,
}

/// A horizontal scale in shown units.
pub struct Axis {
    low: f64,
    high: f64,
    ticks: Vec<f64>,
    left: f64,
    right: f64,
}

impl Axis {
    /// A scale that holds 0 and all values, with up to 9 ticks.
    pub fn over(values: impl IntoIterator<Item = f64>, left: f64, right: f64) -> Self {
        Self::with_ticks(values, left, right, 9.0)
    }

    /// The same for a panel among others, with as few ticks as have room.
    pub fn panel(values: impl IntoIterator<Item = f64>, left: f64, right: f64) -> Self {
        Self::with_ticks(values, left, right, ((right - left) / 24.0).floor().clamp(3.0, 9.0))
    }

    fn with_ticks(values: impl IntoIterator<Item = f64>, left: f64, right: f64, most: f64) -> Self {
        let (low, high) = range_of(values);
        let (low, high) = if high > low { (low, high) } else { (0.0, 1.0) };
        let pad = 0.04 * (high - low);
        let (low, high) = (if low < 0.0 { low - pad } else { low }, if high > 0.0 { high + pad } else { high });
        let power = 10f64.powf(((high - low) / most).log10().floor());
        let ends = |step: f64| ((low / step).ceil() as i64, (high / step).floor() as i64);
        let few = |step: &f64| {
            let (first, last) = ends(*step);
            (last - first) as f64 + 1.0 <= most
        };
        let step = [1.0, 2.0, 5.0, 10.0, 20.0, 50.0].map(|m| m * power).into_iter().find(few).unwrap_or(100.0 * power);
        let (first, last) = ends(step);
        Self { low, high, ticks: (first..=last).map(|k| k as f64 * step).collect(), left, right }
    }

    pub fn x(&self, v: f64) -> f64 {
        self.left + (v - self.low) / (self.high - self.low) * (self.right - self.left)
    }

    /// Gridlines from `top` to `bottom`, ticks 15 below, the unit in words under them.
    pub fn draw(&self, sheet: &mut Sheet, top: f64, bottom: f64, unit: &str) {
        for &t in &self.ticks {
            sheet.vertical(if t == 0.0 { "null" } else { "grid" }, self.x(t), top, bottom);
        }
        let places = self.ticks.windows(2).next().map_or(0, |w| (-(w[1] - w[0]).log10() - 1e-9).ceil().clamp(0.0, 9.0) as usize);
        let labels: Vec<String> = self.ticks.iter().map(|t| fixed(*t, places)).collect();
        let widest = labels.iter().map(|l| text_width(l)).fold(0.0, f64::max);
        let apart = (self.right - self.left) / (self.ticks.len().max(2) - 1) as f64;
        let every = ((widest + 6.0) / apart).ceil().max(1.0) as usize;
        let zero = self.ticks.iter().position(|t| *t == 0.0).unwrap_or_default();
        for (at, (t, label)) in self.ticks.iter().zip(&labels).enumerate() {
            if at.abs_diff(zero) % every == 0 {
                let half = text_width(label) * SMALL / 2.0 + 1.0;
                sheet.text(self.x(*t).clamp(half, sheet.width() - half), bottom + 15.0, "tk", "middle", label);
            }
        }
        // At the start of the scale, or as far before it as it needs to end inside.
        let room = sheet.width() - 6.0;
        for (k, line) in fold(unit, room, false).iter().enumerate() {
            let x = self.left.min(room - text_width(line) * SMALL).max(2.0);
            sheet.text(x, bottom + 32.0 + 14.0 * k as f64, "un", "start", line);
        }
    }
}

fn range_of(values: impl IntoIterator<Item = f64>) -> (f64, f64) {
    values.into_iter().filter(|v| v.is_finite()).fold((0.0f64, 0.0f64), |(l, h), v| (l.min(v), h.max(v)))
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

/// Width of a text at 12.5 units in DejaVu Sans, about.
pub fn text_width(text: &str) -> f64 {
    let of = |c: char| match c {
        'i' | 'l' | 'j' | '.' | ',' | '\'' | ':' | ';' | '|' | '!' | ' ' | '\u{a0}' => 0.33,
        'f' | 't' | 'r' | '(' | ')' | '-' | '/' => 0.42,
        'm' | 'w' | 'M' | 'W' | '%' | '\u{2212}' | '\u{2026}' => 0.95,
        'A'..='Z' => 0.7,
        _ => 0.63,
    };
    text.chars().map(of).sum::<f64>() * 12.5
}

/// Lines of a text that are at most so wide; bold text is wider by a tenth.
pub fn fold(text: &str, width: f64, bold: bool) -> Vec<String> {
    let widening = if bold { 1.12 } else { 1.0 };
    broken(text, |line| text_width(line) * widening <= width)
}

/// Breaks at spaces, after `_`, `-`, `/` and `+`, and inside a word that is longer than a line of `width` characters.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    broken(text, |line| line.chars().count() <= width)
}

fn broken(text: &str, fits: impl Fn(&str) -> bool) -> Vec<String> {
    let mut pieces: Vec<String> = vec![String::new()];
    for c in text.chars() {
        if let Some(last) = pieces.last_mut() {
            if !last.is_empty() && !fits(&format!("{last}{c}")) {
                pieces.push(c.to_string());
            } else {
                last.push(c);
            }
        }
        if matches!(c, ' ' | '_' | '-' | '/' | '+') {
            pieces.push(String::new());
        }
    }
    let mut lines: Vec<String> = Vec::new();
    for piece in pieces.into_iter().filter(|p| !p.is_empty()) {
        match lines.last_mut() {
            Some(line) if fits(format!("{line}{piece}").trim_end()) => line.push_str(&piece),
            _ => lines.push(piece),
        }
    }
    lines.into_iter().map(|l| l.trim().to_owned()).filter(|l| !l.is_empty()).collect()
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
    fn a_panel_keeps_a_tick_at_zero_and_everything_inside() {
        for (low, high) in [(0.0, 8.8), (-1.5, 7.6), (-0.02, 0.004), (0.0, 0.0), (-7.0, -3.0)] {
            let axis = Axis::panel([low, high], 10.0, 80.0);
            assert!(axis.ticks.contains(&0.0), "{low} {high}: {:?}", axis.ticks);
            assert!(axis.x(low) >= 10.0 && axis.x(high) <= 80.0 && axis.x(low).is_finite());
        }
    }

    #[test]
    fn long_labels_are_broken_and_nothing_is_lost() {
        for label in ["Clinical and physiological, measured", "a_very_long_name_of_a_block_without_any_space_in_it", "Socioeconomic"] {
            for lines in [wrap(label, 24), fold(label, 120.0, true)] {
                assert!(lines.iter().all(|l| l.chars().count() <= 24), "{lines:?}");
                let joined: String = lines.concat().replace(' ', "");
                assert_eq!(joined, label.replace(' ', ""));
            }
        }
    }
}
