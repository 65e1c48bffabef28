//! Dot plots on shared rows: a panel a part, a row an analysis or a choice. One panel alone has its numbers beside it.

use super::{Axis, Hue, Mark, Sheet, Style, WIDE_END, fold, text_width, twice};
use crate::report::numbers::Units;
use crate::report::study::Interval;
use crate::report::view::{TableView, dash, number, ranged, words};

pub enum Line {
    /// A heading over the rows that follow.
    Group(String),
    Row(Row),
}

pub struct Row {
    pub label: String,
    /// By panel; `None` where the row has no such part.
    pub values: Vec<Option<Interval>>,
    /// The analysis that is reported: filled and bold.
    pub strong: bool,
    /// The mark of every panel, where it is not the usual one.
    pub style: Option<(Hue, Mark)>,
}

pub struct Panels {
    pub heads: Vec<(String, Hue)>,
    pub lines: Vec<Line>,
    pub unit: Units,
    /// Dotted lines, by panel.
    pub reference: Vec<Option<f64>>,
    /// What the horizontal scale measures, in words.
    pub axis: String,
}

/// Panels beside each other before the rest stands below.
const WIDE_BANK: usize = 5;
const NARROW_BANK: usize = 4;

impl Panels {
    pub fn rows(&self) -> impl Iterator<Item = &Row> {
        self.lines.iter().filter_map(|l| if let Line::Row(r) = l { Some(r) } else { None })
    }

    pub fn svg(&self, id: &str, title: &str, desc: &str) -> String {
        twice(id, title, desc, |sheet| self.draw(sheet))
    }

    /// The numbers as a table, an interval a column of its own.
    pub fn data(&self, first: &str) -> TableView {
        let mut view = TableView::new("").left(first, "");
        for (head, _) in &self.heads {
            view = view.right(format!("{head}, {}", self.unit.short), "Estimate").right(format!("{head}, interval"), "Confidence interval");
        }
        for line in &self.lines {
            match line {
                Line::Group(name) => view.group(name.clone()),
                Line::Row(r) => {
                    let mut cells = vec![words(r.label.clone())];
                    for v in &r.values {
                        cells.push(v.map_or_else(dash, |v| number(self.unit.show(v.estimate), v.estimate)));
                        cells.push(v.and_then(|v| v.limits).map_or_else(dash, |(l, h)| ranged(self.unit.range(l, h), l, h)));
                    }
                    view.row(if r.strong { "tot" } else { "sub" }, cells);
                }
            }
        }
        view
    }

    fn numbers(&self, v: Interval) -> String {
        match v.limits {
            Some((low, high)) => format!("{} ({})", self.unit.show(v.estimate), self.unit.range(low, high)),
            None => self.unit.show(v.estimate),
        }
    }

    fn draw(&self, sheet: &mut Sheet) -> f64 {
        let per_bank = sheet.either(WIDE_BANK, NARROW_BANK);
        let banks = self.heads.len().div_ceil(per_bank).max(1);
        // Banks of about the same number of panels.
        let each = self.heads.len().div_ceil(banks).max(1);
        let mut y = 0.0;
        for first in (0..self.heads.len()).step_by(each) {
            y = self.bank(sheet, first..(first + each).min(self.heads.len()), y) + 8.0;
        }
        y
    }

    fn bank(&self, sheet: &mut Sheet, panels: std::ops::Range<usize>, y: f64) -> f64 {
        let single = self.heads.len() == 1;
        let widest = self.rows().filter_map(|r| r.values.first().copied().flatten()).map(|v| text_width(&self.numbers(v))).fold(0.0, f64::max);
        let (left, right, gap) =
            if sheet.wide { (232.0, if single { WIDE_END - widest - 18.0 } else { WIDE_END }, 22.0) } else { (4.0, 344.0, 12.0) };
        let n = panels.len() as f64;
        let width = (right - left - gap * (n - 1.0)) / n;
        let heads: Vec<Vec<String>> = panels.clone().map(|p| fold(&self.heads[p].0, width + gap - 8.0, true)).collect();
        let head_lines = if single { 0 } else { heads.iter().map(Vec::len).max().unwrap_or(0) };
        let top = y + 8.0 + 14.0 * head_lines as f64;
        // Where each line stands.
        let mut at = top;
        let places: Vec<(f64, Vec<String>)> = self
            .lines
            .iter()
            .map(|l| match l {
                Line::Group(name) => {
                    let folded = fold(name, sheet.either(if single { 560.0 } else { 224.0 }, 336.0), true);
                    at += if at > top { 10.0 } else { 2.0 };
                    let place = (at + 14.0, folded);
                    at += 4.0 + 15.0 * place.1.len() as f64;
                    place
                }
                Line::Row(r) => {
                    let folded = fold(&r.label, sheet.either(216.0, 336.0), r.strong);
                    let extra = 14.0 * (folded.len() as f64 - 1.0);
                    let place = (at + sheet.either(12.0 + extra / 2.0, 14.0), folded);
                    at += sheet.either(24.0, 38.0) + extra;
                    place
                }
            })
            .collect();
        let bottom = at + 2.0;
        let ends = self.rows().flat_map(|r| r.values.iter().flatten()).flat_map(|v| {
            let (low, high) = v.limits.unwrap_or((v.estimate, v.estimate));
            [low, high, v.estimate]
        });
        let ends: Vec<f64> = ends.map(|v| v * self.unit.factor).collect();
        for (k, p) in panels.clone().enumerate() {
            let x0 = left + (width + gap) * k as f64;
            let axis = if single { Axis::over(ends.iter().copied(), x0, x0 + width) } else { Axis::panel(ends.iter().copied(), x0, x0 + width) };
            axis.draw(sheet, top, bottom, if k == 0 { &self.axis } else { "" });
            let hue = self.heads[p].1;
            if !single {
                for (line, words) in heads[k].iter().rev().enumerate() {
                    sheet.text(x0 + width / 2.0, top - 6.0 - 14.0 * line as f64, "t b", "middle", words);
                }
            }
            if let Some(v) = self.reference.get(p).copied().flatten() {
                sheet.vertical("prim", axis.x(v * self.unit.factor), top, bottom);
            }
            for (line, (y, folded)) in self.lines.iter().zip(&places) {
                let Line::Row(r) = line else { continue };
                let y = if sheet.wide { *y } else { y + 13.0 + 14.0 * (folded.len() as f64 - 1.0) };
                let Some(v) = r.values.get(p).copied().flatten() else { continue };
                let (hue, mark) = r.style.unwrap_or((hue, if r.strong { Mark::Disc } else { Mark::Ring }));
                let shown = |v: f64| v * self.unit.factor;
                let tip = format!("{}, {}: {}", r.label, self.heads[p].0, self.numbers(v));
                let style = Style { hue, mark, strong: r.strong };
                sheet.interval(&axis, y, shown(v.estimate), v.limits.map(|(l, h)| (shown(l), shown(h))), style, &tip);
                if single && sheet.wide {
                    sheet.text(WIDE_END, y + 4.0, "t", "end", &self.numbers(v));
                }
            }
        }
        for (line, (y, folded)) in self.lines.iter().zip(&places) {
            let (class, step) = match line {
                Line::Group(_) => ("t b hal", 15.0),
                Line::Row(r) => (if r.strong { "t b hal" } else { "t hal" }, 14.0),
            };
            let first = match line {
                Line::Row(_) if sheet.wide => y + 4.0 - (folded.len() as f64 - 1.0) * 7.0,
                Line::Row(_) => y + 1.0,
                Line::Group(_) => *y,
            };
            for (k, words) in folded.iter().enumerate() {
                sheet.text(sheet.either(0.0, 4.0), first + step * k as f64, class, "start", words);
            }
        }
        bottom + if self.axis.is_empty() { 22.0 } else { 40.0 }
    }
}
