//! What the population states of each analysis: the true values that its equations give.

use super::Quantity;
use crate::decompose::{Component, Part};
use crate::study::plan::StudyPlan;
use crate::synth::{BLOCKS, MECHANISMS, Rule, Truth};
use crate::vocab::BlockSet;

/// The true values of an analysis, if it estimates what the population states: family A over the index group.
pub(super) fn of(truth: &Truth, settings: &serde_json::Value, blocks: &[usize], plan: &StudyPlan) -> Vec<(Quantity, f64)> {
    if let Some(options) = settings.get("mechanisms") {
        return of_mechanisms(truth, options, blocks, plan);
    }
    if let Some(options) = settings.get("hospital") {
        return of_hospital(truth, options, plan);
    }
    if let Some(options) = settings.get("interventional") {
        return of_interventional(truth, options, plan);
    }
    let Some(options) = settings.get("with_and_without") else { return Vec::new() };
    let is = |key: &str, value: &str| options.get(key).and_then(|v| v.as_str()) == Some(value);
    if !is("target", "index") || !is("surface", "reference_model") {
        return Vec::new();
    }
    // Sets by the population's positions, orders by the study's.
    let there = |set: BlockSet| blocks.iter().enumerate().filter(|(k, _)| set.contains(*k)).fold(BlockSet::NONE, |s, (_, &b)| s.with(b));
    let order: Vec<usize> = match &plan.causal_order {
        Some(order) => order.iter().map(|&k| blocks[k]).collect(),
        None => blocks.to_vec(),
    };
    let rule = match options.get("attribution").and_then(|v| v.as_str()) {
        Some("shapley") => Rule::Shapley,
        Some("sequential") => Rule::Sequential(&order),
        Some("first_in") => Rule::FirstIn,
        Some("last_in") => Rule::LastIn,
        _ => return Vec::new(),
    };
    let k = blocks.len();
    let mut out = vec![
        (Quantity::Row(Part::Gap, Component::Total), truth.gap().value),
        (Quantity::Row(Part::Allowable, Component::Total), truth.allowable().value),
        (Quantity::Row(Part::Explained, Component::Total), truth.accounted(BlockSet::all(k)).value),
    ];
    for (block, &there) in blocks.iter().enumerate() {
        out.push((Quantity::Row(Part::Explained, Component::Block(block)), truth.contribution(rule, there).value));
    }
    out.push((Quantity::Row(Part::Unexplained, Component::Total), truth.unexplained().value));
    out.extend(BlockSet::subsets(k).map(|s| (Quantity::AdjustedGap(s), truth.adjusted_gap(there(s)).value)));
    out
}

/// The same of mechanisms, if the study has the population's causal order.
fn of_mechanisms(truth: &Truth, options: &serde_json::Value, blocks: &[usize], plan: &StudyPlan) -> Vec<(Quantity, f64)> {
    let name = |study_block: &usize| BLOCKS[blocks[*study_block]];
    let in_order = plan.causal_order.iter().flatten().map(name).eq(MECHANISMS.iter().copied().take(BLOCKS.len()));
    let path = match options.get("attribution").and_then(|v| v.as_str()) {
        Some("sequential") if in_order => true,
        Some("shapley") if in_order => false,
        _ => return Vec::new(),
    };
    let of = |mechanism: usize| if path { truth.path(mechanism).value } else { truth.shapley_mechanism(mechanism).value };
    let last = MECHANISMS.len() - 1;
    let explained: f64 = (0..last).map(of).sum();
    let mut out = vec![
        (Quantity::Row(Part::Gap, Component::Total), truth.gap().value),
        (Quantity::Row(Part::Allowable, Component::Total), truth.allowable().value),
        (Quantity::Row(Part::Explained, Component::Total), explained),
    ];
    for (mechanism, &study_block) in plan.causal_order.iter().flatten().enumerate() {
        out.push((Quantity::Row(Part::Explained, Component::Block(study_block)), of(mechanism)));
    }
    out.push((Quantity::Row(Part::Unexplained, Component::Total), of(last)));
    out
}

/// Whether `given` is left to its default in a study whose order ends with hospitals, or names both other blocks.
fn given_all_others(options: &serde_json::Value, plan: &StudyPlan) -> bool {
    match options.get("given").and_then(|v| v.as_array()) {
        Some(list) => BLOCKS.iter().filter(|b| **b != HOSPITAL).all(|b| list.iter().any(|v| v.as_str() == Some(b))),
        None => {
            let last = plan.causal_order.as_ref().and_then(|o| o.last().copied()).unwrap_or(plan.roles.blocks.len() - 1);
            plan.roles.blocks[last] == HOSPITAL
        }
    }
}

const HOSPITAL: &str = "hospital";

/// Index patients' own outcomes at the hospitals of similar reference patients, and the reference group's at the same: vertices 1101 and 1100.
fn with_hospitals_switched(truth: &Truth) -> (f64, f64) {
    (truth.vertex_at(0b1101).value, truth.vertex_at(0b1100).value)
}

/// Where they go and how they fare there, given socioeconomic and clinical status.
fn of_hospital(truth: &Truth, options: &serde_json::Value, plan: &StudyPlan) -> Vec<(Quantity, f64)> {
    if !given_all_others(options, plan) {
        return Vec::new();
    }
    let everything = BlockSet::all(BLOCKS.len());
    let patients = BLOCKS.iter().enumerate().filter(|(_, b)| **b != HOSPITAL).fold(BlockSet::NONE, |s, (k, _)| s.with(k));
    let (explained, of_patients) = (truth.accounted(everything).value, truth.accounted(patients).value);
    let (there, like_reference) = with_hospitals_switched(truth);
    vec![
        (Quantity::Row(Part::Gap, Component::Total), truth.gap().value),
        (Quantity::Row(Part::Allowable, Component::Total), truth.allowable().value),
        (Quantity::Row(Part::Explained, Component::Named("patients")), of_patients),
        (Quantity::Row(Part::Explained, Component::Named("where_they_go")), explained - of_patients),
        (Quantity::Row(Part::Unexplained, Component::Total), truth.unexplained().value),
        (Quantity::Hospital("where_they_go", "B"), truth.mean_index().value - there),
        (Quantity::Hospital("how_they_fare_there", "B"), there - like_reference),
    ]
}

/// Hospitals equalised given the two other blocks, or socioeconomic circumstances given the allowables, where what follows from
/// them responds.
fn of_interventional(truth: &Truth, options: &serde_json::Value, plan: &StudyPlan) -> Vec<(Quantity, f64)> {
    let words = |key: &str| options.get(key).and_then(|v| v.as_array()).map(|l| l.iter().filter_map(|v| v.as_str()).collect::<Vec<_>>());
    if !matches!(options.get("estimator").and_then(|v| v.as_str()), Some("dr" | "gcomp")) {
        return Vec::new();
    }
    let equalized = words("equalize").unwrap_or_else(|| vec![HOSPITAL]);
    let given_allowables = words("given").is_some_and(|g| g == ["allowable"]);
    let (there, like_reference) = match equalized.as_slice() {
        [HOSPITAL] if given_all_others(options, plan) => with_hospitals_switched(truth),
        ["socioeconomic"] if given_allowables => (truth.vertex_at(0b0111).value, truth.mean_reference().value + truth.allowable().value),
        _ => return Vec::new(),
    };
    vec![
        (Quantity::Row(Part::Gap, Component::Total), truth.gap().value),
        (Quantity::Row(Part::Allowable, Component::Total), like_reference - truth.mean_reference().value),
        (Quantity::Row(Part::Explained, Component::Total), truth.mean_index().value - there),
        (Quantity::Row(Part::Unexplained, Component::Total), there - like_reference),
    ]
}
