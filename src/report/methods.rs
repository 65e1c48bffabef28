//! Every analysis side by side, in one sign, each with its family and unit, and why they may differ.

use super::numbers::Units;
use super::study::{Interval, Part, Study, total};
use super::view::{Shown, TableView, dash, marked, number, part_name, value, withheld, words};
use super::wording::{analysis_note, family_name, method_name};
use crate::release::Table;
use crate::release::schema;

/// A table for each index group: a row an analysis, its interval under it.
pub fn methods(s: &Study) -> Vec<TableView> {
    let Some(t) = s.table(&schema::DECOMPOSITION) else { return Vec::new() };
    let mut views = Vec::new();
    for group in &s.meta.index {
        let caption = format!("Parts of the gap by analysis: {} and {}", s.patients(group), s.patients(&s.meta.reference));
        let mut view = TableView::new(caption)
            .left("Analysis", "Its name in the study file; the method, its family, its gap and its unit")
            .right("Fair", &part_name("allowable"));
        for block in s.meta.blocks.keys() {
            view = view.right(s.block(block), "What travels with the block; in a threefold decomposition its endowments");
        }
        let mut view = view
            .right("All blocks", &part_name("explained"))
            .right("Not explained", "In a threefold decomposition different coefficients, and below them levels and coefficients together");
        let mut note = Vec::new();
        for analysis in s.analyses() {
            one_analysis(s, t, group, &analysis, &mut view, &mut note);
        }
        note.insert(0, format!("{}s stand under the estimates; the gap is index minus reference.", s.interval_head()));
        view.note(note.join(" "));
        if !view.rows.is_empty() {
            views.push(view);
        }
    }
    views.extend(settings(s));
    views.extend(figures(s));
    views
}

fn one_analysis(s: &Study, t: &Table, group: &str, analysis: &str, view: &mut TableView, note: &mut Vec<String>) {
    let parts = s.parts(group, analysis);
    let Some(first) = parts.first() else { return };
    let (family, name) = (family_name(&s.family(analysis)), method_name(t.text(first.row, "method")));
    let blinded = s.blinded(analysis, group).is_some() || t.flag(first.row, "blinded");
    let mark = if blinded { " \u{2020}" } else { "" };
    if blinded && !note.iter().any(|n| n.starts_with('\u{2020}')) {
        note.push("\u{2020} A check that this analysis rests on did not pass.".to_owned());
    }
    let u = s.units(group, t.text(first.row, "scale"));
    let head = words(format!("{analysis}: {name}{mark}"));
    let gap = total(&parts, "gap").map_or_else(String::new, |v| format!("gap {} {}", u.show(v.estimate), u.short));
    let gap = super::hospital::population(s, group, analysis).map(|place| format!("{gap} {place}")).unwrap_or(gap);
    let under = words(format!("{family}; {gap}").trim_end_matches("; ").to_owned());
    let blocks = s.meta.blocks.len();
    if parts.iter().all(|p| p.value.is_none()) && !first.withheld {
        let reason = s.not_estimated(analysis, group).or_else(|| t.cell(first.row, "reason").text()).unwrap_or("no reason given");
        note.push(format!("{analysis} was not estimated: {}.", reason.trim_end_matches('.')));
        view.row("", std::iter::once(head).chain((0..blocks + 3).map(|_| dash())).collect());
        view.row("sub", std::iter::once(under).chain((0..blocks + 3).map(|_| words(""))).collect());
        return;
    }
    let explained = if parts.iter().any(|p| p.part == "endowments") { "endowments" } else { "explained" };
    let mut values = vec![total(&parts, "allowable")];
    values.extend(s.meta.blocks.keys().map(|b| of_block(&parts, explained, b)));
    values.push(total(&parts, explained));
    let absent = || if first.withheld { withheld() } else { dash() };
    let estimate = |v: &Option<Interval>| v.map_or_else(absent, |v| number(u.show(v.estimate), v.estimate));
    let mut top = vec![head];
    let mut bottom = vec![under];
    top.extend(values.iter().map(estimate));
    bottom.extend(values.iter().map(|v| limits(&u, v)));
    // A threefold decomposition has two parts here; the second stands in rows of its own.
    let rest = total(&parts, "coefficients").or(total(&parts, "unexplained"));
    top.push(estimate(&rest));
    bottom.push(limits(&u, &rest));
    view.row("", top);
    view.row("sub", bottom);
    if let Some(interaction) = total(&parts, "interaction") {
        let cell = marked("r", format!("{} ({})", u.show(interaction.estimate), limits(&u, &Some(interaction)).text));
        let name = words("levels and coefficients together");
        view.row("sub", std::iter::once(name).chain((0..blocks + 2).map(|_| words(""))).chain([cell]).collect());
    }
    if let Some(reason) = parts.iter().filter(|p| p.value.is_none()).find_map(|p| t.cell(p.row, "reason").text()) {
        note.push(format!("{analysis}: a dash where {}.", reason.trim_end_matches('.')));
    }
}

fn of_block(parts: &[Part], explained: &str, block: &str) -> Option<Interval> {
    parts.iter().find(|p| p.part == explained && p.component == block).and_then(|p| p.value)
}

fn limits(u: &Units, v: &Option<Interval>) -> Shown {
    match v.and_then(|v| v.limits) {
        // What is 0 by definition has no interval.
        Some((low, high)) if low != high => marked("r", u.range(low, high)),
        _ => words(""),
    }
}

/// What each analysis was told, folded away.
fn settings(s: &Study) -> Option<TableView> {
    let mut view = TableView::new("Settings of each analysis").left("Analysis", "").left("Method and settings", "");
    for analysis in s.analyses() {
        view.row("", vec![words(analysis.clone()), words(analysis_note(s, &analysis))]);
    }
    view.folded = Some("Settings of each analysis".into());
    (view.rows.len() > 1).then_some(view)
}

/// Whether a check is a figure of one analysis that only informs; these stand with the methods.
pub fn is_figure(t: &Table, row: usize) -> bool {
    t.cell(row, "passed").bool().is_none() && t.text(row, "message").starts_with("analysis ")
}

/// Figures that analyses give beside their parts.
fn figures(s: &Study) -> Option<TableView> {
    let t = s.table(&schema::DIAGNOSTICS)?;
    let mut view = TableView::new("Figures beside the parts")
        .left("Figure", "")
        .left("Index group", "")
        .right("Value", "In the unit that its meaning names")
        .left("What it means", "");
    for r in (0..t.rows.len()).filter(|&r| is_figure(t, r)) {
        let name = words(t.text(r, "check").replace('_', " "));
        view.row("", vec![name, words(t.text(r, "index_group")), value(t, r, "value", super::numbers::general), words(t.text(r, "message"))]);
    }
    view.folded = Some("Figures beside the parts: ties, rescaling, random matchings".into());
    (!view.rows.is_empty()).then_some(view)
}

/// Why legitimate answers differ, for the methods that the study uses.
pub fn why_they_differ(s: &Study) -> String {
    let used: Vec<String> = s.analyses().iter().filter_map(|a| s.method(a)).collect();
    let uses = |m: &str| used.iter().any(|u| u == m);
    let mut out = "Different conventions divide the same gap differently, and each is right for its own question.".to_owned();
    let mut say = |condition: bool, sentence: &str| {
        if condition {
            out.push(' ');
            out.push_str(sentence);
        }
    };
    say(
        uses("with_and_without"),
        "With and without the blocks refits the model for every set of blocks, so a block is credited with what it carries of blocks that are left out.",
    );
    say(
        uses("oaxaca_blinder") || uses("yun") || uses("gelbach"),
        "Oaxaca-Blinder, Yun and Gelbach keep one model of all blocks and value differences of the groups' means at its coefficients.",
    );
    say(uses("fairlie"), "Fairlie keeps one model too and turns one group's values into the other's, matched rank for rank.");
    say(
        uses("khb"),
        "Karlson, Holm and Breen compare coefficients, not means: their gap is another quantity, in another unit unless average partial effects are asked for.",
    );
    say(
        uses("rank_and_replace"),
        "Rank and replace treats need as fair and calls everything else disparity, whatever travels with the blocks: its part `not explained` is not what the other methods leave over.",
    );
    if used.len() > 1 {
        out.push_str(" In an invented linear population with three blocks in a chain a gap of 0.747 divides into 0.12, 0.22 and 0.31 by Oaxaca-Blinder or Gelbach, and into 0.18, 0.16 and 0.32 with and without the blocks, with 0.10 not explained by either.");
    }
    out
}
