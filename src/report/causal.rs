//! What the causal analyses assume, and what their numbers say: with verbs of change only where the study file claims causes.

use super::graph::Graph;
use super::numbers::outcome_name;
use super::study::{Interval, Study, capital, list};
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
    let graph = Graph::new(s.label(&s.meta.group).to_owned(), &blocks, outcome_name(s.meta));
    let fair = s.allowables_in_words();
    let given = if fair.is_empty() {
        String::new()
    } else {
        format!(" Arrows from {fair} to everything else are not drawn: comparisons are made at the same values of these.")
    };
    Some(Figure {
        number,
        title: "The order that the study file assumes".to_owned(),
        caption: format!("Each node may act on every later one.{given}"),
        svg: graph.svg(),
        note: "The order is an assumption, not a finding: the data cannot tell it from another.".to_owned(),
    })
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
            view.row("", vec![words(who), words(capital(name)), words(capital(text))]);
        }
    }
    view.note(if s.meta.causal_claims {
        "The study file claims that they hold (causal_claims: declared). No table here can show it; positivity alone has figures, under Checks."
    } else {
        "The study file does not claim that they hold, so the numbers are read as a reweighting of these data. Positivity has figures under Checks."
    });
    vec![view]
}

/// A sentence for each part of each analysis of mechanisms.
pub fn readings(s: &Study) -> Vec<String> {
    let mut out = Vec::new();
    for group in &s.meta.index {
        for analysis in s.analyses().iter().filter(|a| s.method(a).as_deref() == Some("mechanisms")) {
            if s.blinded(analysis, group).is_some() || s.setting(analysis, "attribution").as_deref() != Some("sequential") {
                continue;
            }
            out.extend(of_mechanisms(s, group, analysis));
        }
    }
    out
}

fn of_mechanisms(s: &Study, group: &str, analysis: &str) -> Vec<String> {
    let parts = s.parts(group, analysis);
    let u = s.units(group, &s.meta.scale);
    let (index, reference) = (s.patients(group), s.patients(&s.meta.reference));
    let fair = s.allowables_in_words();
    let like = if fair.is_empty() { reference.clone() } else { format!("{reference} of the same {fair}") };
    // A size and its interval, both turned so that the estimate is above 0.
    let said = |v: Interval| {
        let size = format!("{} {}", u.lead(v.estimate.abs()), u.noun);
        match v.limits {
            Some((low, high)) => {
                let (low, high) = if v.estimate < 0.0 { (-high, -low) } else { (low, high) };
                format!("{size} ({} interval {})", numbers::level(s.meta.level), u.lead_range(low, high))
            }
            None => size,
        }
    };
    let order = &s.meta.causal_order;
    let mut out = Vec::new();
    for (at, block) in order.iter().enumerate() {
        let Some(v) = parts.iter().find(|p| p.part == "explained" && p.component == *block).and_then(|p| p.value) else { continue };
        let name = inner(&s.block(block));
        let names = |of: &[String]| list(&of.iter().map(|b| inner(&s.block(b))).collect::<Vec<_>>());
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
