//! Shrunken effects of hospitals with their intervals, as SVG of our own. Hospitals stand by size of effect so that their spread can be read.

use super::super::Figure;
use super::super::chart::{escape, text, ticks, wrap};
use super::super::figure::Drawn;
use super::super::numbers::{Units, count, fixed, general, level, range};
use super::super::view::{TableView, number, ranged, words};
use super::One;
use crate::release::schema;
use std::fmt::Write;

/// More hospitals than this stand without their names.
const NAMED: usize = 30;

struct Hospital {
    name: String,
    effect: f64,
    limits: (f64, f64),
}

/// The drawing; effects in shown units, or on the log scale of odds ratios.
struct Caterpillar {
    hospitals: Vec<Hospital>,
    ratio: bool,
    unit: Units,
    id: String,
    title: String,
}

struct Layout {
    class: char,
    width: f64,
    left: f64,
    right: f64,
    pitch: f64,
    /// Characters of a name.
    letters: usize,
    /// Whether numbers stand at the right.
    numbers: bool,
}

/// The hospitals of an analysis; nothing where fewer than two have effects that may be shown.
pub fn figure(one: &One, number: usize) -> Option<Drawn> {
    let s = one.s;
    let t = s.table(&schema::HOSPITAL_UNITS)?;
    let ratio = match s.meta.family.as_str() {
        "binomial" => true,
        "gaussian" => false,
        _ => return None,
    };
    let unit = one.units();
    let factor = if ratio { 1.0 } else { unit.factor };
    let rows = one.rows_of(t);
    let shown = |r: &usize| -> Option<Hospital> {
        let name = t.cell(*r, "hospital").text()?.to_owned();
        let [effect, low, high] = [t.number(*r, "effect")?, t.number(*r, "conf_low")?, t.number(*r, "conf_high")?].map(|v| v * factor);
        let drawn = |v: f64| v.is_finite() && (!ratio || (v.exp().is_normal()));
        (drawn(effect) && drawn(low) && drawn(high)).then_some(Hospital { name, effect, limits: (low, high) })
    };
    let mut hospitals: Vec<Hospital> = rows.iter().filter_map(shown).collect();
    if hospitals.len() < 2 {
        return None;
    }
    hospitals.sort_by(|a, b| b.effect.total_cmp(&a.effect).then_with(|| a.name.cmp(&b.name)));
    let (n, away) = (hospitals.len(), rows.len() - hospitals.len());
    let given = one.given();
    let alike = if given.is_empty() { "all patients".to_owned() } else { format!("patients with the same {given}") };
    let what = if ratio { "Odds ratios".to_owned() } else { format!("Differences, in {},", unit.word) };
    let mut note = "Effects hold unmeasured case mix. They stand by size so that the spread can be read: this is not a ranking.".to_owned();
    if n > NAMED {
        note.push_str(" So many hospitals stand without names; the table of hospitals has those that may be shown.");
    }
    if away > 0 {
        let are = if away == 1 { "hospital is" } else { "hospitals are" };
        note.push_str(&format!(" {} {are} not drawn: withheld, or without an effect.", count(away as i64)));
    }
    let title = format!("How {} hospitals differ for comparable patients", count(n as i64));
    let id = format!("hospitals-{number}");
    let drawing = Caterpillar { hospitals, ratio, unit, id, title: title.clone() };
    let data = drawing.data(&s.interval_head());
    let figure = Figure {
        number,
        title,
        caption: format!(
            "{what} of each hospital to one of average effect, for {alike}, {} and {} together: random intercepts, shrunken towards the average, with {} \
             intervals.",
            one.index(),
            one.reference(),
            level(s.meta.level)
        ),
        note,
        svg: drawing.svg(),
    };
    Some(Drawn { data: Some(data), ..Drawn::from(figure) })
}

impl Caterpillar {
    /// The effects that are drawn; those of odds ratios as ratios.
    fn data(&self, interval: &str) -> TableView {
        let (head, tip) = if self.ratio {
            ("Odds ratio".to_owned(), "To a hospital of average effect")
        } else {
            (self.unit.short.clone(), "To a hospital of average effect")
        };
        let mut view = TableView::new("").left("Hospital", "In the order of the effects").right(head, tip).right(interval, "Of the shrunken effect");
        let shown = |v: f64| if self.ratio { v.exp() } else { v };
        let places = if self.ratio { 2 } else { self.unit.places };
        // Files hold the unit of the outcome, pages the shown one.
        let file = |v: f64| if self.ratio { v } else { v / self.unit.factor };
        for h in &self.hospitals {
            let (v, low, high) = (shown(h.effect), shown(h.limits.0), shown(h.limits.1));
            view.row("", vec![words(h.name.clone()), number(fixed(v, places), file(v)), ranged(range(low, high, places), file(low), file(high))]);
        }
        view
    }

    fn named(&self) -> bool {
        self.hospitals.len() <= NAMED
    }

    fn svg(&self) -> String {
        let (named, n) = (self.named(), self.hospitals.len() as f64);
        let pitch = if named { 19.0 } else { (480.0 / n).min(13.0) };
        let wide = if named {
            Layout { class: 'w', width: 800.0, left: 196.0, right: 640.0, pitch, letters: 24, numbers: true }
        } else {
            Layout { class: 'w', width: 800.0, left: 24.0, right: 776.0, pitch, letters: 0, numbers: false }
        };
        let narrow = if named {
            Layout { class: 'n', width: 350.0, left: 112.0, right: 338.0, pitch, letters: 13, numbers: false }
        } else {
            Layout { class: 'n', width: 350.0, left: 14.0, right: 336.0, pitch, letters: 0, numbers: false }
        };
        format!("{}{}", self.draw(&wide), self.draw(&narrow))
    }

    /// The axis: its ends, and its ticks with their labels.
    fn axis(&self) -> (f64, f64, Vec<(f64, String)>) {
        let ends = self.hospitals.iter().flat_map(|h| [h.limits.0, h.limits.1, h.effect]);
        let (low, high) = ends.fold((0.0f64, 0.0f64), |(l, h), v| (l.min(v), h.max(v)));
        if !self.ratio {
            let (low, high, at) = ticks(low, high);
            let places = at.windows(2).next().map_or(0, |w| (-(w[1] - w[0]).log10().floor()).clamp(0.0, 9.0) as usize);
            return (low, high, at.into_iter().map(|v| (v, fixed(v, places))).collect());
        }
        // Round ratios, where a row of them has few enough marks; powers of one ratio otherwise.
        const ROUND: [&[f64]; 3] =
            [&[0.8, 0.9, 1.0, 1.1, 1.25], &[0.5, 0.7, 1.0, 1.4, 2.0], &[0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0]];
        for marks in ROUND {
            let (Some(first), Some(last)) = (marks.iter().rposition(|m| m.ln() <= low), marks.iter().position(|m| m.ln() >= high)) else { continue };
            let Some(held) = marks.get(first..=last) else { continue };
            let ends = |at: usize| held.get(at).map_or(0.0, |m| m.ln());
            return (ends(0), ends(held.len() - 1), held.iter().map(|m| (m.ln(), general(*m))).collect());
        }
        let few = |step: &f64| (high / step).ceil() - (low / step).floor() <= 8.0;
        let step = [1.05, 1.1, 1.25, 1.5, 2.0, 4.0, 10.0, 100.0].map(f64::ln).into_iter().find(few).unwrap_or(((high - low) / 6.0).max(1.0));
        let (first, last) = ((low / step).floor() as i64, (high / step).ceil() as i64);
        let label = |v: f64| if (0.1..100.0).contains(&v) { fixed(v, 2) } else { general(v) };
        let at = (first..=last).map(|k| k as f64 * step);
        (first as f64 * step, last as f64 * step, at.map(|v| (v, label(v.exp()))).collect())
    }

    /// An effect and its interval as numbers.
    fn numbers(&self, h: &Hospital) -> String {
        if self.ratio {
            return format!("{} ({})", fixed(h.effect.exp(), 2), range(h.limits.0.exp(), h.limits.1.exp(), 2));
        }
        let places = self.unit.places;
        format!("{} ({})", fixed(h.effect, places), range(h.limits.0, h.limits.1, places))
    }

    fn draw(&self, l: &Layout) -> String {
        let (low, high, ticks) = self.axis();
        let span = if high > low { high - low } else { 1.0 };
        let x = |v: f64| l.left + (v - low) / span * (l.right - l.left);
        let top = 24.0;
        let bottom = top + l.pitch * self.hospitals.len() as f64 + 6.0;
        let (id, class) = (format!("{}-{}", self.id, l.class), l.class);
        let of = |h: Option<&Hospital>| h.map(|h| if self.ratio { fixed(h.effect.exp(), 2) } else { fixed(h.effect, self.unit.places) });
        let desc = format!(
            "{} of {} hospitals with intervals, from {} to {}.",
            if self.ratio { "Odds ratios".to_owned() } else { format!("Differences in {}", self.unit.word) },
            self.hospitals.len(),
            of(self.hospitals.last()).unwrap_or_default(),
            of(self.hospitals.first()).unwrap_or_default()
        );
        let mut out = format!(
            "<svg class=\"{class}\" viewBox=\"0 0 {w:.0} {h:.0}\" role=\"img\" aria-labelledby=\"{id}-t {id}-d\"><title id=\"{id}-t\">{t}</title><desc \
             id=\"{id}-d\">{d}</desc>",
            w = l.width,
            h = bottom + 44.0,
            t = escape(&self.title),
            d = escape(&desc)
        );
        // The last label of a narrow drawing would run into the one before it.
        let every = if l.width < 400.0 && ticks.len() > 6 { 2 } else { 1 };
        let zero = ticks.iter().position(|(v, _)| *v == 0.0).unwrap_or_default();
        for (at, (v, label)) in ticks.iter().enumerate() {
            let line = if *v == 0.0 { "null" } else { "grid" };
            // Writing to a String does not fail.
            let _ = write!(out, "<path class=\"{line}\" d=\"M{x:.1} {top:.1}V{bottom:.1}\"/>", x = x(*v));
            if at.abs_diff(zero) % every == 0 {
                out.push_str(&text(x(*v), bottom + 15.0, "tk", "middle", label));
            }
        }
        out.push_str(&text(x(0.0), top - 8.0, "un", "middle", "average hospital"));
        let axis = if self.ratio { "odds ratio, on a log scale".to_owned() } else { self.unit.word.clone() };
        out.push_str(&text(l.left, bottom + 34.0, "un", "start", &axis));
        let radius = (l.pitch * 0.42).clamp(0.9, 3.2);
        let (mut lines, mut dots) = (String::new(), String::new());
        for (at, h) in self.hospitals.iter().enumerate() {
            let y = top + 3.0 + l.pitch * (at as f64 + 0.5);
            let _ = write!(lines, "M{:.1} {y:.1}H{:.1}", x(h.limits.0), x(h.limits.1));
            let _ = write!(
                dots,
                "M{:.1} {y:.1}a{radius:.1} {radius:.1} 0 1 0 {d:.1} 0a{radius:.1} {radius:.1} 0 1 0 -{d:.1} 0",
                x(h.effect) - radius,
                d = 2.0 * radius
            );
            if self.named() {
                out.push_str(&text(l.left - 12.0, y + 4.0, "t", "end", &short(&h.name, l.letters)));
            }
            if l.numbers {
                out.push_str(&text(796.0, y + 4.0, "t", "end", &self.numbers(h)));
            }
        }
        let many = if l.pitch < 4.0 { " many" } else { "" };
        let _ = write!(out, "<path class=\"cw{many}\" d=\"{lines}\"/><path class=\"cd\" d=\"{dots}\"/></svg>");
        out
    }
}

/// A name in one line of so many characters.
fn short(name: &str, letters: usize) -> String {
    let lines = wrap(name, letters);
    match lines.first() {
        Some(first) if lines.len() > 1 => format!("{}\u{2026}", first.chars().take(letters.saturating_sub(1)).collect::<String>()),
        Some(first) => first.clone(),
        None => String::new(),
    }
}
