//! What a run would do, told without doing it: rows from headers and metadata, models and replicates from the study file, a rough time.
//! Reads no row of data and fits nothing.

mod told;

use crate::cohort::plan::{Coding, RowStep};
use crate::cohort::size::{RowCount, TableSize, sizes};
use crate::error::Problems;
use crate::estimate::resample::Bootstrap;
use crate::study::plan::{AnalysisPlan, StudyPlan};
use crate::vocab::Role;
use serde_json::Value;

/// What lies ahead.
pub struct Forecast {
    pub study: String,
    pub tables: Vec<TableSize>,
    /// Rows that come in: those of the unit table. Steps and missing values may remove some.
    pub rows: RowCount,
    pub unit_table: String,
    /// Steps that may remove rows, by name.
    pub steps: Vec<String>,
    pub reference: String,
    pub index: Vec<String>,
    /// Block (or `allowable`) and its number of variables.
    pub variables: Vec<(String, usize)>,
    pub analyses: Vec<AnalysisAhead>,
    pub cluster: Option<String>,
    /// Whether every analysis is made again without each cluster.
    pub leave_clusters_out: bool,
    pub level: f64,
    pub sensitivity: Vec<String>,
    /// Seconds on one core, to within a factor of about five; `None` where the number of rows is not known.
    pub seconds: Option<f64>,
}

/// What one analysis does in each comparison.
#[derive(Clone, Debug, PartialEq)]
pub struct AnalysisAhead {
    pub name: String,
    pub method: String,
    pub primary: bool,
    /// Rows that it adds to table `models`; `None` where that depends on the data.
    pub outcome_models: Option<usize>,
    /// Models of the group, and fits of learners, that stand in no table.
    pub other_fits: Option<usize>,
    /// Resamples, or random matchings.
    pub replicates: Option<u64>,
    /// The work in fits of a model, for the time.
    work: f64,
}

/// What a run of this study would do.
///
/// Errors: `G202` for a file that cannot be read.
pub fn forecast(plan: &StudyPlan) -> Result<Forecast, Problems> {
    let tables = sizes(&plan.cohort)?;
    let unit_table = plan.cohort.unit.table.name.clone();
    let rows = tables.iter().find(|t| t.table == unit_table).map_or(RowCount::Unknown, |t| t.rows);
    let roles = &plan.roles;
    let count = |role: Role| roles.variables.iter().filter(|v| v.role == role).count();
    let blocks = roles.blocks.iter().enumerate().map(|(k, b)| (b.clone(), count(Role::Block(k))));
    let variables: Vec<(String, usize)> = std::iter::once(("allowable".to_owned(), count(Role::Allowable))).chain(blocks).collect();
    let analyses: Vec<AnalysisAhead> = plan.analyses.iter().enumerate().map(|(k, a)| ahead(plan, a, k == plan.primary)).collect();
    let removing = plan.cohort.steps.iter().filter_map(|step| match step {
        RowStep::Keep(keep) => Some(keep.name.clone()),
        RowStep::First(first) => Some(first.name.clone()),
        RowStep::Present(present) => Some(present.name.clone()),
        RowStep::Join(_) | RowStep::Derive(_) | RowStep::Feature(_) => None,
    });
    let per_fit = rows.number().map(|n| n as f64 * columns(plan).powi(2) * SECONDS_PER_CELL);
    let varied = plan.sensitivity.as_ref().map_or(0, |s| s.analyses.len());
    let times = if plan.leave_clusters_out { CLUSTERS } else { 1.0 };
    let fits: f64 = times * analyses.iter().map(|a| a.work).sum::<f64>() + 100.0 + 500.0 * varied as f64;
    let seconds = per_fit.map(|s| 0.1 + s * fits * roles.group.index.len() as f64 + rows.number().unwrap_or(0) as f64 * SECONDS_PER_ROW);
    Ok(Forecast {
        study: plan.name.clone(),
        rows,
        unit_table,
        steps: removing.collect(),
        reference: roles.group.reference.value.text.clone(),
        index: roles.group.index.iter().map(|v| v.value.text.clone()).collect(),
        variables,
        analyses,
        cluster: roles.cluster.as_ref().map(|c| c.name.clone()),
        leave_clusters_out: plan.leave_clusters_out,
        level: plan.level,
        sensitivity: plan.sensitivity.iter().flat_map(|s| s.analyses.iter().map(|&a| plan.analyses[a].name.clone())).collect(),
        seconds,
        tables,
    })
}

/// Seconds of a fit for a row and a pair of columns: 0.59 s for 1,000,000 rows and 40 columns (README, Speed).
const SECONDS_PER_CELL: f64 = 3.7e-10;

/// Clusters that are left out in turn: their number is known when the data are read.
const CLUSTERS: f64 = 40.0;

/// Reading, joining and coding a row.
const SECONDS_PER_ROW: f64 = 5e-6;

/// Columns of the design, as far as the study file tells: categories are taken to have four levels.
fn columns(plan: &StudyPlan) -> f64 {
    let of = |coding: &Coding| match coding {
        Coding::Auto | Coding::Numeric | Coding::Log { .. } => 1.0,
        Coding::Categorical { .. } => 3.0,
        Coding::Spline { df } => *df as f64,
        Coding::Interaction { .. } => 3.0,
        Coding::FixedEffects => 40.0,
    };
    1.0 + plan.roles.variables.iter().map(|v| of(&v.coding)).sum::<f64>()
}

/// Fits that one fit of a learner is worth, with its search for tuning parameters.
fn weight_of(learner: &str) -> f64 {
    match learner {
        "glm" => 1.0,
        "ridge" => 10.0,
        "elastic_net" => 40.0,
        "random_forest" | "boosted_trees" => 200.0,
        _ => 500.0,
    }
}

/// Random splits of cross-fitting.
const SPLITS: usize = 5;

fn ahead(plan: &StudyPlan, analysis: &AnalysisPlan, primary: bool) -> AnalysisAhead {
    let (method, options) = match analysis.settings.as_object().and_then(|o| o.iter().next()) {
        Some((method, options)) => (method.as_str(), options),
        None => (analysis.method.name(), &Value::Null),
    };
    let word = |key: &str| options.get(key).and_then(Value::as_str).unwrap_or_default();
    let flag = |key: &str| options.get(key).and_then(Value::as_bool) == Some(true);
    let number = |key: &str| options.get(key).and_then(Value::as_u64);
    let sets = 1usize << plan.roles.blocks.len();
    let learner = if word("learner").is_empty() { "glm" } else { word("learner") };
    let (outcome_models, other_fits, work) = match method {
        "with_and_without" => {
            let sides = if word("target") == "pooled" && word("surface") == "reference_model" { 2 } else { 1 };
            let fits = sets * sides;
            if learner == "glm" {
                let group = if matches!(word("estimator"), "dr" | "ipw") { fits } else { 0 };
                (Some(fits), Some(group), 4.0 * (fits + group) as f64)
            } else {
                let cross = 2 * fits * SPLITS * number("folds").unwrap_or(5) as usize;
                (Some(0), Some(cross), cross as f64 * weight_of(learner))
            }
        }
        "oaxaca_blinder" => {
            let one = word("fold") == "two" && !flag("detail") && !matches!(word("reference"), "cotton" | "reimers");
            let pooled = word("fold") == "two" && matches!(word("reference"), "pooled" | "neumark");
            let models = if one { 1 } else { 2 + usize::from(pooled) };
            (Some(models), Some(0), 35.0 * models as f64)
        }
        "yun" => {
            let models = if word("coefficients") == "pooled" { 3 } else { 2 };
            (Some(models), Some(0), 35.0 * models as f64)
        }
        "fairlie" => (Some(1), Some(0), number("reps").map_or(1500.0, |reps| 20.0 * reps as f64)),
        "rank_and_replace" => (Some(1), Some(0), 400.0),
        "gelbach" | "khb" => (Some(2), Some(0), 20.0),
        "mechanisms" if learner != "glm" => (None, None, 2.0 * (sets * SPLITS * 5) as f64 * weight_of(learner)),
        "mechanisms" => (None, None, 30.0 * sets as f64),
        "interventional" => (None, None, if word("estimator") == "donors" { 1000.0 } else { 60.0 }),
        _ => (None, None, 200.0),
    };
    let replicates = number("reps").or_else(|| analysis.method.resamples().then(|| resamples(plan)));
    AnalysisAhead { name: analysis.name.clone(), method: method.to_owned(), primary, outcome_models, other_fits, replicates, work }
}

/// Replicates of a method without an influence function.
fn resamples(plan: &StudyPlan) -> u64 {
    let study: Value = serde_yaml::from_str(&plan.resolved_yaml).unwrap_or(Value::Null);
    let asked = study.pointer("/uncertainty/bootstrap/replicates").and_then(Value::as_u64);
    let default = if plan.roles.cluster.is_some() { u64::from(Bootstrap::default().replicates) } else { 1000 };
    asked.unwrap_or(default)
}
