//! `truth.json`: the true values under the names that result tables use.

use super::spec::Spec;
use super::truth::{Figure, Rule, Truth};
use super::{BLOCKS, MECHANISMS};
use crate::vocab::BlockSet;
use serde_json::{Map, Value, json};

fn blocks() -> Vec<String> {
    BLOCKS.map(String::from).to_vec()
}

fn by_block(figure: impl Fn(usize) -> Figure) -> Value {
    BLOCKS.iter().enumerate().map(|(k, name)| ((*name).to_owned(), json!(figure(k)))).collect::<Map<_, _>>().into()
}

/// Every order of the blocks.
fn orders() -> Vec<Vec<usize>> {
    let mut orders: Vec<Vec<usize>> = vec![Vec::new()];
    for _ in BLOCKS {
        orders = orders
            .into_iter()
            .flat_map(|order| {
                let next: Vec<usize> = (0..BLOCKS.len()).filter(|k| !order.contains(k)).collect();
                next.into_iter().map(move |k| order.iter().copied().chain([k]).collect())
            })
            .collect();
    }
    orders
}

/// The file's content for a sample of `units` units drawn with `seed`.
pub fn truth_json(spec: &Spec, truth: &Truth, units: usize, seed: u64) -> Value {
    let names = blocks();
    let sets: Map<String, Value> = BlockSet::subsets(BLOCKS.len())
        .map(|set| {
            let row = json!({
                "counterfactual_mean": truth.counterfactual_mean(set),
                "adjusted_gap": truth.adjusted_gap(set),
                "accounted": truth.accounted(set),
            });
            (set.name(&names), row)
        })
        .collect();
    let sequential: Map<String, Value> = orders()
        .into_iter()
        .map(|order| {
            let name = order.iter().map(|&k| BLOCKS[k]).collect::<Vec<_>>().join(">");
            (name, by_block(|k| truth.contribution(Rule::Sequential(&order), k)))
        })
        .collect();
    let digits = MECHANISMS.len();
    let vertices: Map<String, Value> = (0..1usize << digits).map(|r| (format!("{r:0digits$b}"), json!(truth.vertex_at(r)))).collect();
    let mechanism = |figure: &dyn Fn(usize) -> Figure| -> Map<String, Value> {
        MECHANISMS.iter().enumerate().map(|(k, name)| ((*name).to_owned(), json!(figure(k)))).collect()
    };
    let parameters: Map<String, Value> = spec.parameters.entries().into_iter().map(|(name, value)| (name.to_owned(), json!(value))).collect();
    json!({
        "schema_version": 1,
        "spec": { "name": spec.name, "sha256": spec.sha256, "scenario": spec.scenario, "parameters": parameters },
        "sample": { "units": units, "seed": seed },
        "monte_carlo": { "draws": truth.draws, "seed": truth.seed, "largest_mc_se": truth.largest_mc_se() },
        "group": { "column": "race", "reference": spec.group.reference, "index": spec.group.index },
        "outcome": "death_or_major_morbidity_30d",
        "scale": "risk_difference",
        "allowable_variables": ["age_years", "sex"],
        "blocks": BLOCKS,
        "mean_index": truth.mean_index(),
        "mean_reference": truth.mean_reference(),
        "gap": truth.gap(),
        "allowable": truth.allowable(),
        "adjusted_gap": truth.adjusted_gap(BlockSet::NONE),
        "unexplained": truth.unexplained(),
        "with_and_without": sets,
        "contributions": {
            "shapley": by_block(|k| truth.contribution(Rule::Shapley, k)),
            "first_in": by_block(|k| truth.contribution(Rule::FirstIn, k)),
            "last_in": by_block(|k| truth.contribution(Rule::LastIn, k)),
            "order_min": by_block(|k| truth.order_range(k).0),
            "order_max": by_block(|k| truth.order_range(k).1),
            "sequential": sequential,
        },
        "mechanisms": {
            "order": MECHANISMS,
            "vertices": vertices,
            "path": mechanism(&|k| truth.path(k)),
            "shapley": mechanism(&|k| truth.shapley_mechanism(k)),
        },
    })
}
