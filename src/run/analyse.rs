//! Every analysis of the study for every index group, and the checks on them.

use crate::decompose::fits::{Fits, FittedIn, GroupTerms};
use crate::decompose::hospital::{HospitalRow, HospitalUnit, HospitalValue};
use crate::decompose::moments::group_means;
use crate::decompose::{DecomposeError, Decomposition, MethodFamily, Undefined};
use crate::describe::{GapTable, TableOneRow, gap_table, table_one};
use crate::design::{Contrast, Design};
use crate::diagnostics::fitness::Fitness;
use crate::diagnostics::{self, Check, Gate};
use crate::error::codes::Exit;
use crate::error::{Problem, Problems, codes};
use crate::estimate::Sampling;
use crate::inference::{Inferred, InferredRow, InferredTerm, infer, infer_decomposition, infer_detail, sampling_of};
use crate::model::Term;
use crate::model::sandwich::cluster_std_errors;
use crate::release::shown_count;
use crate::sensitivity::{self, Control, Varied};
use crate::study::plan::StudyPlan;
use crate::vocab::{BlockSet, Family, Scale};
use std::collections::BTreeSet;

/// A set of blocks as printed.
pub struct SetResult {
    pub set: BlockSet,
    pub counterfactual_mean: f64,
    pub adjusted_gap: Inferred,
    pub accounted: Inferred,
}

/// A decomposition as printed.
pub struct AnalysisResult {
    pub scale: Scale,
    pub rows: Vec<InferredRow>,
    pub sets: Vec<SetResult>,
    pub detail: Vec<InferredTerm>,
    /// Rows that the data do not define, with the reason.
    pub undefined: Vec<Undefined>,
    /// The family of the rows, where the data decide it; else that of the method.
    pub family: Option<MethodFamily>,
    pub hospital: Option<HospitalResult>,
}

/// The tables of the hospital method as printed.
pub struct HospitalResult {
    /// Each row with its estimate, or why it has none.
    pub rows: Vec<(HospitalRow, Option<Inferred>)>,
    pub units: Vec<HospitalUnit>,
    /// Reference and index units that are not in the population whose gap is divided.
    pub left_out: [usize; 2],
    /// Quantile of the intervals of hospitals' effects.
    pub quantile: f64,
}

/// A coefficient as printed; `None` for a term that was dropped in the fit.
pub struct CoefficientResult {
    pub term: String,
    /// Position of the design's column that it codes; `None` for products with the group.
    pub column: Option<usize>,
    pub value: Option<Inferred>,
    /// Events among the fitted units at the higher value of a two-valued column.
    pub events_level: Option<u64>,
}

/// A fitted outcome model as printed.
pub struct ModelResult {
    pub analysis: usize,
    pub set: BlockSet,
    pub fitted_in: FittedIn,
    pub group_terms: GroupTerms,
    pub family: Family,
    pub n: usize,
    pub events: Option<f64>,
    pub k: usize,
    pub loglik: f64,
    pub aic: f64,
    pub auc: Option<f64>,
    pub brier: Option<f64>,
    pub iterations: usize,
    pub clustered: bool,
    pub coefficients: Vec<CoefficientResult>,
}

/// One index group against the reference.
pub struct GroupResult {
    pub index_group: usize,
    pub gap: GapTable,
    pub table_one: Vec<TableOneRow>,
    pub models: Vec<ModelResult>,
    /// By position in the study's analyses.
    pub analyses: Vec<Result<AnalysisResult, DecomposeError>>,
    pub checks: Vec<Check>,
    /// Analyses by position, and how they vary.
    pub varied: Vec<(usize, Vec<Varied>)>,
}

/// Everything the tables are filled from.
pub struct Analysed {
    pub groups: Vec<GroupResult>,
    /// (analysis, index group, reason) whose estimates a failed gate marks.
    pub blinded: Vec<(usize, usize, String)>,
    primary: usize,
}

impl Analysed {
    /// `None`: nothing failed.
    pub fn exit(&self) -> Option<Exit> {
        let failed = |which: &dyn Fn(usize) -> bool| self.groups.iter().any(|g| g.analyses.iter().enumerate().any(|(a, r)| r.is_err() && which(a)));
        if failed(&|a| a == self.primary) {
            return Some(Exit::Estimation);
        }
        let gate = self.groups.iter().any(|g| g.checks.iter().any(Check::fails_gate));
        (gate || failed(&|_| true)).then_some(Exit::Gate)
    }

    /// Analyses that could not be estimated, failed gates and warnings of checks.
    pub fn problems(&self, plan: &StudyPlan) -> Problems {
        let mut out = Problems::new();
        for g in &self.groups {
            let label = &plan.roles.group.index[g.index_group - 1].value.text;
            for (analysis, result) in plan.analyses.iter().zip(&g.analyses) {
                for u in result.iter().flat_map(undefined_parts) {
                    let message = format!("analysis `{}` for {label}: rows of {} are null: {}", analysis.name, u.part.name(), u.reason);
                    out.push(Problem::warning(codes::G406, message).at(analysis.place.clone()));
                }
                let Err(e) = result else { continue };
                let message = format!("analysis `{}` for {label}: {}", analysis.name, e.shown(plan.min_cell));
                let problem = if analysis.name == plan.analyses[self.primary].name {
                    Problem::error(e.code(), message)
                } else {
                    Problem::warning(e.code(), message)
                };
                out.push(problem.at(analysis.place.clone()).help(e.help()));
            }
            for c in g.checks.iter().filter(|c| !c.passed) {
                let set = c.set.map(|s| format!(", blocks {}", s.name(&plan.roles.blocks))).unwrap_or_default();
                let code = if c.fails_gate() { codes::G501 } else { codes::G503 };
                let problem = Problem::warning(code, format!("{} for {label}{set}: {}", c.check, c.message));
                out.push(match (c.value, c.threshold) {
                    (Some(v), Some(t)) => problem.note(format!("found {v:.4}, threshold {t}")),
                    _ => problem,
                });
            }
        }
        out
    }
}

/// The first undefined row of each part.
fn undefined_parts(r: &AnalysisResult) -> impl Iterator<Item = &Undefined> {
    let first = |at: usize| r.undefined[..at].iter().all(|earlier| earlier.part != r.undefined[at].part);
    r.undefined.iter().enumerate().filter(move |(at, _)| first(*at)).map(|(_, u)| u)
}

impl DecomposeError {
    /// The message with small counts withheld.
    pub fn shown(&self, min_cell: u32) -> String {
        match self {
            Self::NoSupport { n, .. } => self.to_string().replacen(&n.to_string(), &shown_count(*n as u64, min_cell), 1),
            Self::Fit(f) => match &f.separated {
                Some(s) => self.to_string().replacen(&format!("its {} ", s.n), &format!("its {} ", shown_count(s.n as u64, min_cell)), 1),
                None => self.to_string(),
            },
            _ => self.to_string(),
        }
    }
}

pub fn analyse(plan: &StudyPlan, design: &Design, controls: &[Control], progress: &dyn Fn(&str)) -> Analysed {
    let mut out = Analysed { groups: Vec::new(), blinded: Vec::new(), primary: plan.primary };
    for index_group in 1..design.groups.len() {
        let contrast = Contrast::new(design, index_group);
        let g = one_group(plan, &contrast, controls, progress);
        for (a, analysis) in plan.analyses.iter().enumerate() {
            let stops = |c: &&Check| {
                c.fails_gate()
                    && match c.gate {
                        Gate::Warns => false,
                        Gate::Overlap => analysis.method.rests_on_overlap(),
                        Gate::Intervals => true,
                        Gate::Analysis => c.analysis == Some(a),
                    }
            };
            let failed: BTreeSet<&str> = g.checks.iter().filter(stops).map(|c| c.check).collect();
            if !failed.is_empty() {
                out.blinded.push((a, index_group, failed.into_iter().collect::<Vec<_>>().join(", ")));
            }
        }
        out.groups.push(g);
    }
    out
}

fn one_group(plan: &StudyPlan, c: &Contrast<'_>, controls: &[Control], progress: &dyn Fn(&str)) -> GroupResult {
    let design = c.design;
    let label = &design.groups[c.index_group].label;
    let sampling = Sampling::new(c.n(), c.clusters().as_deref(), plan.level);
    let fits = Fits::new(c);
    let mut analyses = Vec::new();
    let mut models = Vec::new();
    let mut facts = Vec::new();
    for (a, analysis) in plan.analyses.iter().enumerate() {
        progress(&format!("{label}: {}", analysis.name));
        fits.take_used();
        let result = analysis.method.decompose(&fits);
        if let Ok(d) = &result {
            facts.extend(d.facts.iter().map(|f| diagnostics::fact((a, &analysis.name), f)));
        }
        analyses.push(result.map(|d| printed(&d, &sampling)));
        models.extend(fits.take_used().iter().map(|m| model_result(&fits, m, a, &sampling)));
    }

    let mut varied: Vec<(usize, Vec<Varied>)> = Vec::new();
    if let Some(section) = &plan.sensitivity {
        // Its models are not those that the analyses are checked by.
        let fits = Fits::new(c);
        for &a in &section.analyses {
            progress(&format!("{label}: sensitivity of {}", plan.analyses[a].name));
            varied.push((a, sensitivity::vary(section, controls, &fits, plan.analyses[a].method.as_ref(), plan.level)));
        }
    }

    progress(&format!("{label}: checks"));
    let rests = plan.analyses.iter().any(|a| a.method.rests_on_overlap());
    let mut checks: Vec<Check> = diagnostics::overlap(&fits, rests).into_iter().flat_map(|o| o.checks).collect();
    checks.extend(diagnostics::events_per_coefficient(&fits));
    if let Some(model) = diagnostics::full_reference_model(&fits) {
        checks.extend(diagnostics::reference_model(&fits, &model));
    }
    checks.extend(diagnostics::extrapolation(c));
    let means = group_means(c);
    checks.extend(diagnostics::clusters(&sampling, &means.index.minus(&means.reference)));
    if let Ok(Some(second)) = plan.analyses[plan.primary].method.second_estimate(&fits) {
        checks.push(diagnostics::estimators_agree(&second.reported, &second.other, &sampling, BlockSet::all(design.blocks.len())));
    }
    if design.clusters.is_none() {
        for g in &plan.group_level_columns {
            let words = format!("{} {}", g.table, g.key).to_lowercase();
            let hospital = ["hospital", "facility", "provider", "site", "center", "centre", "clinic"].iter().any(|w| words.contains(w));
            checks.push(diagnostics::unclustered_columns(&g.table, &g.variables, hospital));
        }
    }
    checks.extend(facts);
    if checks.iter().any(|c| c.fails_gate() && c.gate == Gate::Intervals) {
        varied.iter_mut().flat_map(|(_, rows)| rows).for_each(|v| v.blinded = true);
    }
    let odds = fits.group(BlockSet::all(design.blocks.len()), crate::decompose::fits::Toward::Index).ok();
    GroupResult {
        index_group: c.index_group,
        gap: gap_table(c, &sampling),
        table_one: table_one(c, odds.as_ref().map(|g| g.odds.as_slice())),
        models,
        analyses,
        checks,
        varied,
    }
}

/// The analyses alone, without models and checks, once for each kind of sampling: (sampling, index group, analysis).
pub fn decompositions(plan: &StudyPlan, design: &Design, clustered: &[bool]) -> Vec<Vec<Vec<Result<AnalysisResult, DecomposeError>>>> {
    let mut out: Vec<Vec<Vec<_>>> = clustered.iter().map(|_| Vec::new()).collect();
    for index_group in 1..design.groups.len() {
        let c = Contrast::new(design, index_group);
        let fits = Fits::new(&c);
        let found: Vec<Result<Decomposition, DecomposeError>> = plan.analyses.iter().map(|a| a.method.decompose(&fits)).collect();
        for (kind, clustered) in out.iter_mut().zip(clustered) {
            let clusters = if *clustered { c.clusters() } else { None };
            let sampling = Sampling::new(c.n(), clusters.as_deref(), plan.level);
            kind.push(found.iter().map(|r| r.as_ref().map(|d| printed(d, &sampling)).map_err(Clone::clone)).collect());
        }
    }
    out
}

fn printed(d: &Decomposition, sampling: &Sampling) -> AnalysisResult {
    let sampling = &sampling_of(d, sampling);
    let sets = d.sets.iter().map(|s| SetResult {
        set: s.set,
        counterfactual_mean: s.counterfactual_mean.value,
        adjusted_gap: infer(&s.adjusted_gap, sampling),
        accounted: infer(&s.accounted, sampling),
    });
    let (rows, sets, detail) = (infer_decomposition(d, sampling), sets.collect(), infer_detail(d, sampling));
    let hospital = d.hospital.as_ref().map(|h| HospitalResult {
        rows: h.rows.iter().map(|r| hospital_row(r, sampling)).collect(),
        units: h.units.clone(),
        left_out: h.left_out,
        quantile: sampling.normal_quantile(),
    });
    AnalysisResult { scale: d.scale, rows, sets, detail, undefined: d.undefined.clone(), family: d.family, hospital }
}

/// The row without its influences, and its estimate.
fn hospital_row(r: &HospitalRow, sampling: &Sampling) -> (HospitalRow, Option<Inferred>) {
    let bare = |value| HospitalRow { value, ..r.clone() };
    match &r.value {
        HospitalValue::Estimate(e) => (bare(HospitalValue::Number(e.value)), Some(infer(e, sampling))),
        HospitalValue::Number(v) => (r.clone(), Some(Inferred { estimate: *v, std_error: f64::NAN, conf_low: f64::NAN, conf_high: f64::NAN })),
        HospitalValue::Missing(_) => (r.clone(), None),
    }
}

fn model_result(fits: &Fits<'_>, m: &crate::decompose::fits::OutcomeModel, analysis: usize, sampling: &Sampling) -> ModelResult {
    let c = fits.contrast;
    let fit = &m.fit;
    let fitness = Fitness::of(fits, m);
    let matrix = fits.matrix(m.fitted_in, m.set, m.group_terms).ok();
    let clustered = match (&c.design.clusters, &matrix) {
        (Some(k), Some(matrix)) => cluster_std_errors(matrix, fit, &c.y, &c.w, &k.code),
        _ => None,
    };
    let errors = clustered.clone().unwrap_or_else(|| fit.std_errors());
    // Clusters of the rows of this fit; the quantile is that of the comparison.
    let q = sampling.quantile();
    let coefficients = fit.terms.iter().enumerate().map(|(t, term)| {
        let column = match term {
            Term::Column(j) => Some(*j),
            Term::ByGroup(_) => None,
        };
        let value = fit.is_estimated(t).then(|| Inferred {
            estimate: fit.beta[t],
            std_error: errors[t],
            conf_low: fit.beta[t] - q * errors[t],
            conf_high: fit.beta[t] + q * errors[t],
        });
        CoefficientResult { term: fits.term_name(*term), column, value, events_level: column.and_then(|j| events_at_one(fits, m.fitted_in, j)) }
    });
    ModelResult {
        analysis,
        set: m.set,
        fitted_in: m.fitted_in,
        group_terms: m.group_terms,
        family: fit.family,
        n: fit.n,
        events: fitness.as_ref().and_then(|f| f.events),
        k: fit.k(),
        loglik: fit.loglik,
        aic: fit.aic(),
        auc: fitness.as_ref().and_then(|f| f.auc),
        brier: fitness.as_ref().and_then(|f| f.brier),
        iterations: fit.iterations,
        clustered: clustered.is_some(),
        coefficients: coefficients.collect(),
    }
}

/// Events among the rows of a fit where a 0/1 column is 1; `None` for other columns and for a gaussian outcome.
fn events_at_one(fits: &Fits<'_>, fitted_in: FittedIn, column: usize) -> Option<u64> {
    let d = fits.contrast.design;
    let at = d.indicators(column);
    if d.family == Family::Gaussian || at.is_empty() {
        return None;
    }
    let with = |i: &usize| at.iter().all(|&j| d.x[[*i, j]] == 1.0);
    let events: f64 = fits.rows(fitted_in).into_iter().flatten().filter(with).map(|i| d.y[i]).sum();
    Some(events as u64)
}
