//! What the causal analyses assume, and what their numbers say: with verbs of change only where the study file claims causes.

use super::graph::Graph;
use super::numbers::outcome_name;
use super::study::{Interval, Study, capital, list, total};
use super::view::{TableView, words};
use super::wording::inner;
use super::{Figure, numbers};
use indexmap::IndexMap;

/// The assumed order as a figure, where the study gives one.
pub fn order(s: &Study, number: usize) -> Option<Figure> {
    let order = &s.meta.causal_order;
    if order.is_empty() {
        return None;
    }
    let blocks: Vec<(String, usize)> = order.iter().map(|b| (s.block(b), s.meta.blocks.get_index_of(b.as_str()).unwrap_or_default())).collect();
    let graph = Graph::new(capital(s.label(&s.meta.group)), &blocks, outcome_name(s.meta));
    let fair = s.allowables_in_words();
    let given = if fair.is_empty() {
        String::new()
    } else {
        format!(" Arrows from {fair} to everything else are not drawn: comparisons are made at the same values of these.")
    };
    Some(Figure {
        number,
        title: "The order that the study file assumes".to_owned(),
        caption: format!("Each node may act on every later one; the numbers are the order of the blocks.{given}"),
        svg: graph.svg(),
        note: "The order is an assumption, not a finding: the data cannot tell it from another.".to_owned(),
    })
}

/// The arrows of the order as a table.
pub fn arrows(s: &Study) -> TableView {
    let blocks = s.meta.causal_order.iter().map(|b| s.block(b));
    let nodes: Vec<String> = std::iter::once(capital(s.label(&s.meta.group))).chain(blocks).chain([outcome_name(s.meta)]).collect();
    let mut view = TableView::new("").left("From", "What may act").left("To", "What it may act on");
    for (at, from) in nodes.iter().enumerate() {
        for to in nodes.iter().skip(at + 1) {
            view.row("", vec![words(from.clone()), words(to.clone())]);
        }
    }
    view
}

/// What must hold for each causal analysis.
pub fn assumptions(s: &Study) -> Vec<TableView> {
    if s.meta.assumptions.is_empty() {
        return Vec::new();
    }
    let mut view =
        TableView::new("What must hold for the numbers to be effects").left("Analysis", "").left("Assumption", "").left("In this study", "");
    // Analyses that rest on the same stand together.
    let mut by_analysis: IndexMap<&str, Vec<(&str, &str)>> = IndexMap::new();
    for a in &s.meta.assumptions {
        by_analysis.entry(&a.analysis).or_default().push((&a.name, &a.text));
    }
    let mut shared: IndexMap<Vec<(&str, &str)>, Vec<&str>> = IndexMap::new();
    for (analysis, list) in by_analysis {
        shared.entry(list).or_default().push(analysis);
    }
    for (list, analyses) in shared {
        for (at, (name, text)) in list.into_iter().enumerate() {
            let who = if at == 0 { analyses.join(", ") } else { String::new() };
            view.row(
                "",
                vec![words(who), words(capital(name)), words(capital(&s.in_words(text).replace("the allowables", "the variables treated as fair")))],
            );
        }
    }
    view.note(if s.meta.causal_claims {
        "The study file claims that they hold (causal_claims: declared). No table here can show it; positivity alone has figures, under Checks."
    } else {
        "The study file does not claim that they hold, so the numbers are read as a reweighting of these data. Positivity has figures under Checks."
    });
    vec![view]
}

/// What the parts of each analysis that asks about changes say.
pub fn readings(s: &Study) -> Vec<String> {
    let mut out = Vec::new();
    for group in &s.meta.index {
        for analysis in s.analyses().iter().filter(|a| s.blinded(a, group).is_none()) {
            out.extend(readings_of(s, group, analysis));
        }
    }
    out
}

/// What the parts of one analysis say; nothing for methods that do not ask about changes.
pub fn readings_of(s: &Study, group: &str, analysis: &str) -> Vec<String> {
    match s.method(analysis).as_deref() {
        Some("mechanisms") if s.setting(analysis, "attribution").as_deref() == Some("sequential") => of_mechanisms(s, group, analysis),
        Some("interventional") => of_interventional(s, group, analysis),
        Some("cdgd") => of_cdgd(s, group, analysis),
        _ => Vec::new(),
    }
}

/// A size and its interval, both turned so that the estimate is above 0.
pub(super) fn said(s: &Study, u: &numbers::Units, v: Interval) -> String {
    let size = format!("{} {}", u.lead(v.estimate.abs()), u.noun);
    match v.limits {
        Some((low, high)) => {
            let (low, high) = if v.estimate < 0.0 { (-high, -low) } else { (low, high) };
            format!("{size} ({} interval {})", numbers::level(s.meta.level), u.lead_range(low, high))
        }
        None => size,
    }
}

/// Names that an option lists, blocks by their labels.
fn named(s: &Study, analysis: &str, method: &str, key: &str) -> Vec<String> {
    let words = s.meta.analyses.get(analysis).and_then(|v| v.get(method)?.get(key)?.as_array());
    words.into_iter().flatten().filter_map(|w| w.as_str()).filter(|w| *w != "allowable").map(|w| s.block_in_words(w)).collect()
}

/// What is the same in a comparison: the variables treated as fair, and blocks.
fn same(s: &Study, blocks: Vec<String>) -> String {
    let all: Vec<String> = s.allowable_names().into_iter().chain(blocks).collect();
    if all.is_empty() { String::new() } else { format!(" with the same {}", list(&all)) }
}

fn of_interventional(s: &Study, group: &str, analysis: &str) -> Vec<String> {
    let (parts, u) = (s.parts(group, analysis), s.units(group, &s.meta.scale));
    let (index, reference) = (s.patients(group), s.patients(&s.meta.reference));
    let value = |part: &str| total(&parts, part);
    let (Some(reduction), Some(remaining)) = (value("explained"), value("unexplained")) else { return Vec::new() };
    let moved = list(&named(s, analysis, "interventional", "equalize"));
    let like = format!("{reference}{}", same(s, named(s, analysis, "interventional", "given")));
    let direction = if reduction.estimate >= 0.0 { "lower" } else { "higher" };
    let first = if s.meta.causal_claims {
        format!(
            "If {moved} were distributed among {index} as among {like}, with the outcome still coming about as it does for {index}, their mean outcome \
             would be {direction} by {}, under the assumptions below.",
            said(s, &u, reduction)
        )
    } else {
        format!("Reweighting {index} to the distribution of {moved} among {like} goes with a mean outcome {direction} by {}.", said(s, &u, reduction))
    };
    let direction = if remaining.estimate >= 0.0 { "higher" } else { "lower" };
    vec![first, format!("What remains: their mean outcome is then {direction} than that of {like} by {}.", said(s, &u, remaining))]
}

fn of_cdgd(s: &Study, group: &str, analysis: &str) -> Vec<String> {
    let (parts, u) = (s.parts(group, analysis), s.units(group, &s.meta.scale));
    let component = |name: &str| parts.iter().find(|p| p.part == "explained" && p.component == name).and_then(|p| p.value);
    let Some(treatment) = s.setting(analysis, "treatment") else { return Vec::new() };
    let treatment = inner(s.label(&treatment));
    let given = same(s, named(s, analysis, "cdgd", "given"));
    let given = if s.setting(analysis, "given").is_some() { format!(", among {}{given},", s.unit_name()) } else { String::new() };
    let shares = ["cdgd_treated_share_index", "cdgd_treated_share_reference"].map(|check| s.figure(group, analysis, check));
    let more_often = match shares {
        [Some(index), Some(reference)] if index > reference => format!("{} have {treatment}", s.patients(group)),
        [Some(index), Some(reference)] if index < reference => format!("{} have {treatment}", s.patients(&s.meta.reference)),
        _ => format!("one group has {treatment}"),
    };
    let mut out = Vec::new();
    for (name, means) in [
        ("prevalence", format!("{more_often} more often{given}")),
        ("effect", format!("{treatment} goes with more for one group than for the other{given}")),
        ("selection", format!("{treatment} goes, in one group more than in the other, to those for whom more goes with it{given}")),
        ("q_distribution", format!("the groups differ in what is given, on which {treatment} and what goes with it depend,")),
    ] {
        if let Some(v) = component(name) {
            let none = if v.excludes_zero() == Some(false) { ", which the data cannot tell from none" } else { "" };
            out.push(match (s.meta.causal_claims, v.estimate >= 0.0) {
                (true, true) => format!("That {means} widens the gap by {}{none}.", said(s, &u, v)),
                (true, false) => format!("That {means} narrows the gap by {}{none}.", said(s, &u, v)),
                (false, true) => format!("{} of the gap goes with this: {means}{none}.", capital(&said(s, &u, v))),
                (false, false) => format!("{} against the gap goes with this: {means}{none}.", capital(&said(s, &u, v))),
            });
        }
    }
    if let Some(v) = total(&parts, "unexplained") {
        let direction = if v.estimate >= 0.0 { "higher" } else { "lower" };
        let (index, reference) = (s.patients(group), s.patients(&s.meta.reference));
        out.push(format!(
            "Without {treatment} the mean outcome of {index} is modelled as {direction} than that of {reference} by {}.",
            said(s, &u, v)
        ));
    }
    out
}

fn of_mechanisms(s: &Study, group: &str, analysis: &str) -> Vec<String> {
    let parts = s.parts(group, analysis);
    let u = s.units(group, &s.meta.scale);
    let (index, reference) = (s.patients(group), s.patients(&s.meta.reference));
    let fair = s.allowables_in_words();
    let like = if fair.is_empty() { reference.clone() } else { format!("{reference} of the same {fair}") };
    let said = |v: Interval| said(s, &u, v);
    let order = &s.meta.causal_order;
    let mut out = Vec::new();
    for (at, block) in order.iter().enumerate() {
        let Some(v) = parts.iter().find(|p| p.part == "explained" && p.component == *block).and_then(|p| p.value) else { continue };
        let name = s.block_in_words(block);
        let names = |of: &[String]| list(&of.iter().map(|b| s.block_in_words(b)).collect::<Vec<_>>());
        let before = if at == 0 { String::new() } else { format!(", with that of {} so already", names(&order[..at])) };
        let after = if at + 1 == order.len() { "the outcome".to_owned() } else { format!("{} and the outcome", names(&order[at + 1..])) };
        let direction = if v.estimate >= 0.0 { "lower" } else { "higher" };
        out.push(if s.meta.causal_claims {
            format!(
                "If the distribution of {name} among {index} were that among {like}{before}, with {after} still responding as they do for {index}, their mean \
                 outcome would be {direction} by {}, under the assumptions below.",
                said(v)
            )
        } else {
            format!(
                "Reweighting {index} to the distribution of {name} among {like}{before}, with {after} as for {index}, goes with a mean outcome {direction} by \
                 {}.",
                said(v)
            )
        });
    }
    if let Some(v) = parts.iter().find(|p| p.part == "unexplained" && p.component == "total").and_then(|p| p.value) {
        let direction = if v.estimate >= 0.0 { "higher" } else { "lower" };
        out.push(format!(
            "At the same values of every measured block, the mean outcome of {index} is {direction} than that of {like} by {}.",
            said(v)
        ));
    }
    out
}
