//! Every analysis of the study for every index group, and the checks on them.

mod left_out;
mod pooled;
mod printed;

use super::data::Data;
use crate::decompose::fits::{Fits, FittedIn, GroupTerms};
use crate::decompose::hospital::{HospitalRow, HospitalUnit, LeftOut};
use crate::decompose::moments::{GroupMeans, group_means};
use crate::decompose::{DecomposeError, Decomposition, Least, MethodFamily, Undefined};
use crate::describe::{GapTable, TableOneRow, gap_table, table_one};
use crate::design::{Contrast, DescribedValues, Design};
use crate::diagnostics::{self, Bin, Check, Gate};
use crate::error::codes::Exit;
use crate::error::{Problem, Problems, codes};
use crate::estimate::Sampling;
use crate::inference::{Condensed, Inferred, InferredRow, InferredTerm, Response, pool_decompositions, sampling_of};
use crate::release::shown_count;
use crate::release::withhold::Rule;
use crate::sensitivity::{self, Control, Varied};
use crate::study::plan::{GroupLevelColumns, StudyPlan};
use crate::vocab::{BlockSet, Family, Scale};
use left_out::leave_clusters_out;
use printed::{model_result, printed};
use rayon::prelude::*;
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
    pub least: Option<Least>,
}

/// The tables of the hospital method as printed.
pub struct HospitalResult {
    /// Each row with its estimate, or why it has none.
    pub rows: Vec<(HospitalRow, Option<Inferred>)>,
    pub units: Vec<HospitalUnit>,
    /// Units that are not in the population whose gap is divided.
    pub left_out: LeftOut,
    /// The column of hospital ids.
    pub id: Option<String>,
    /// Whether every number follows from hospitals' counts alone.
    pub of_counts: bool,
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
    /// Where the groups lie on the linear predictor of each group model.
    pub overlap: Vec<(BlockSet, Vec<Bin>)>,
    /// Analyses by position, and how they vary.
    pub varied: Vec<(usize, Vec<Varied>)>,
}

/// What texts must not say: small counts, and the names of hospitals and clusters with few units of a group.
pub struct Mask {
    min_cell: u32,
    /// Variables whose levels are hospitals or clusters.
    places: Vec<String>,
    /// Terms of such places, and what stands for each.
    terms: Vec<(String, String)>,
}

impl Mask {
    pub fn new(plan: &StudyPlan, design: &Design) -> Self {
        let rule = Rule::from(plan.min_cell);
        let places = plan.places();
        let mut terms = Vec::new();
        for d in design.described.iter().filter(|d| places.contains(&d.variable.as_str())) {
            let DescribedValues::Category { levels, code } = &d.values else { continue };
            for (l, level) in levels.iter().enumerate() {
                let few = design.groups.iter().any(|g| rule.hides(g.rows.clone().filter(|&i| code[i] as usize == l).count(), None));
                if few {
                    terms.push((format!("{}={level}", d.variable), format!("{}=[withheld]", d.variable)));
                }
            }
        }
        // One name may begin with another.
        terms.sort_by_key(|(term, _)| std::cmp::Reverse(term.len()));
        Self { min_cell: plan.min_cell, places: places.into_iter().map(str::to_owned).collect(), terms }
    }

    /// The message of a check. That on extrapolation lists levels by themselves: no place is named there.
    pub fn of_check(&self, c: &Check) -> String {
        let of_places = self.places.iter().any(|p| c.message.contains(&format!("at levels of {p} with fewer than")));
        match c.message.split_once(" reference units: ").filter(|_| of_places) {
            Some((before, _)) => format!("{before} reference units"),
            None => self.text(&c.message),
        }
    }

    pub fn text(&self, text: &str) -> String {
        self.terms.iter().fold(text.to_owned(), |out, (term, stands)| out.replace(term.as_str(), stands))
    }
}

/// Everything the tables are filled from.
pub struct Analysed {
    pub groups: Vec<GroupResult>,
    /// (analysis, index group, reason) whose estimates a failed gate marks.
    pub blinded: Vec<(usize, usize, String)>,
    pub mask: Mask,
    primary: usize,
}

impl GroupResult {
    /// Whether every number of an analysis follows from hospitals' counts alone.
    pub fn of_counts(&self, analysis: usize) -> bool {
        self.analyses.get(analysis).and_then(|r| r.as_ref().ok()?.hospital.as_ref()).is_some_and(|h| h.of_counts)
    }

    /// Whether a group has too few units or events for anything to be shown that compares it.
    fn carries_nothing(&self, plan: &StudyPlan) -> bool {
        let (rule, family) = (Rule::from(plan.min_cell), plan.roles.outcome.family.name());
        let few = |n: usize, events: Option<f64>| rule.carries_nothing(n, events, family);
        plan.min_cell > 0 && (few(self.gap.n_reference, self.gap.events.map(|e| e.0)) || few(self.gap.n_index, self.gap.events.map(|e| e.1)))
    }
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
                let message = format!("analysis `{}` for {label}: {}", analysis.name, e.shown(&self.mask));
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
                let problem = Problem::warning(code, format!("{} for {label}{set}: {}", c.check, self.mask.of_check(c)));
                // As in table `diagnostics`.
                let hidden = g.carries_nothing(plan) || c.units.is_some_and(|(n, of)| Rule::from(plan.min_cell).hides(n, of));
                out.push(match (c.value, c.threshold) {
                    (Some(_), Some(t)) if hidden => problem.note(format!("what was found is withheld; threshold {t}")),
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
    /// The message with small counts withheld, and the names of places with few units.
    pub fn shown(&self, mask: &Mask) -> String {
        let min_cell = mask.min_cell;
        let text = match self {
            Self::NoSupport { n, .. } => self.to_string().replacen(&n.to_string(), &shown_count(*n as u64, min_cell), 1),
            Self::Fit(f) => match &f.separated {
                Some(s) => self.to_string().replacen(&format!("its {} ", s.n), &format!("its {} ", shown_count(s.n as u64, min_cell)), 1),
                None => self.to_string(),
            },
            _ => self.to_string(),
        };
        mask.text(&text)
    }
}

/// What the analyses take beside the plan and the rows.
pub struct Beside<'a> {
    pub controls: Vec<Control>,
    /// Columns of joined tables whose rows units share.
    pub group_level: Vec<&'a GroupLevelColumns>,
}

/// Errors: a completed data set that cannot be coded.
pub fn analyse(plan: &StudyPlan, data: &Data<'_>, beside: &Beside<'_>, progress: &dyn Fn(&str)) -> Result<Analysed, Problems> {
    let mut out = Analysed { groups: Vec::new(), blinded: Vec::new(), mask: Mask::new(plan, data.design()), primary: plan.primary };
    for index_group in 1..data.design().groups.len() {
        let g = one_group(plan, data, beside, index_group, progress)?;
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
    Ok(out)
}

/// What one data set gives; `D` is a decomposition, whole or condensed.
struct Measured<D> {
    analyses: Vec<Result<D, DecomposeError>>,
    models: Vec<ModelResult>,
    checks: Vec<Check>,
    overlap: Vec<(BlockSet, Vec<Bin>)>,
    /// By row of the design: weights that turn reference units into index units.
    odds: Option<Vec<f64>>,
}

fn sampling_for(plan: &StudyPlan, c: &Contrast<'_>, response: Option<&Response>, clustered: bool) -> Sampling {
    match response {
        Some(r) => r.sampling(c, clustered, plan.level),
        None => Sampling::new(c.n(), if clustered { c.clusters() } else { None }.as_deref(), plan.level),
    }
}

fn one_group(plan: &StudyPlan, data: &Data<'_>, beside: &Beside<'_>, index_group: usize, progress: &dyn Fn(&str)) -> Result<GroupResult, Problems> {
    let c = Contrast::new(data.design(), index_group);
    let label = &c.design.groups[index_group].label;
    let response = if let Data::Responding(r) = data { Some(r.as_ref()) } else { None };
    let sampling = sampling_for(plan, &c, response, true);
    let (analyses, models, mut checks, overlap, odds) = match data {
        Data::Complete(_) | Data::Responding(_) => {
            let mut m = measure(plan, &c, response, &sampling, &|what| progress(&format!("{label}: {what}")));
            let analyses = m.analyses.iter().map(|r| r.as_ref().map(|d| printed(d, &sampling_of(d, &sampling))).map_err(Clone::clone));
            let mut analyses: Vec<Result<AnalysisResult, DecomposeError>> = analyses.collect();
            if plan.leave_clusters_out {
                progress(&format!("{label}: each cluster left out"));
                let left_out = leave_clusters_out(plan, &c, &m.analyses, &sampling);
                for ((a, r), of) in analyses.iter_mut().enumerate().zip(left_out) {
                    m.checks.extend(of.fact.iter().map(|f| diagnostics::fact((a, &plan.analyses[a].name), f)));
                    let rows = r.iter_mut().flat_map(|r| &mut r.rows);
                    rows.for_each(|row| row.std_error_cv3 = of.std_errors.get(&(row.part, row.component)).copied());
                }
            }
            (analyses, m.models, m.checks, m.overlap, m.odds)
        }
        Data::Imputed(imputations, _) => {
            progress(&format!("{label}: {} completed data sets", imputations.len()));
            let each = |m: usize| {
                let (design, _) = imputations.design(m)?;
                let found = measure(plan, &Contrast::new(&design, index_group), None, &sampling, &|_| {});
                let analyses = found.analyses.into_iter().map(|r| r.map(|d| Condensed::new(d, &sampling))).collect();
                Ok(Measured { analyses, models: found.models, checks: found.checks, overlap: found.overlap, odds: found.odds })
            };
            let all: Result<Vec<Measured<Condensed>>, Problems> = (0..imputations.len()).into_par_iter().map(each).collect();
            let mut by_analysis: Vec<Vec<Result<Condensed, DecomposeError>>> = plan.analyses.iter().map(|_| Vec::new()).collect();
            let (mut models, mut checks, mut odds) = (Vec::new(), Vec::new(), Vec::new());
            // Drawn for the first completed data set.
            let mut overlap = None;
            for m in all? {
                by_analysis.iter_mut().zip(m.analyses).for_each(|(of, r)| of.push(r));
                models.push(m.models);
                checks.push(m.checks);
                overlap.get_or_insert(m.overlap);
                odds.push(m.odds);
            }
            let analyses = by_analysis.into_iter().map(pooled_analysis).collect();
            (analyses, pooled::models(models, &sampling), diagnostics::of_completed(checks), overlap.unwrap_or_default(), pooled::weights(odds))
        }
    };

    let mut varied: Vec<(usize, Vec<Varied>)> = Vec::new();
    if let Some(section) = &plan.sensitivity {
        // Its models are not those that the analyses are checked by.
        let fits = Fits::new(&c);
        for &a in &section.analyses {
            progress(&format!("{label}: sensitivity of {}", plan.analyses[a].name));
            varied.push((a, sensitivity::vary(section, &beside.controls, &fits, plan.analyses[a].method.as_ref(), plan.level)));
        }
    }
    if c.design.clusters.is_none() {
        for g in &beside.group_level {
            let words = format!("{} {}", g.table, g.key).to_lowercase();
            let hospital = ["hospital", "facility", "provider", "site", "center", "centre", "clinic"].iter().any(|w| words.contains(w));
            checks.push(diagnostics::unclustered_columns(&g.table, &g.variables, hospital));
        }
    }
    if let Some(r) = response {
        checks.push(diagnostics::response_probability(r.smallest_probability(&c)));
    }
    if checks.iter().any(|c| c.fails_gate() && c.gate == Gate::Intervals) {
        varied.iter_mut().flat_map(|(_, rows)| rows).for_each(|v| v.blinded = true);
    }
    Ok(GroupResult {
        index_group,
        gap: gap_table(&c, &means_of(&c, response), &sampling),
        table_one: table_one(&c, odds.as_deref()),
        models,
        analyses,
        checks,
        overlap,
        varied,
    })
}

/// One analysis on every completed data set; the first that has no estimate says why there is none.
fn pooled_analysis(of: Vec<Result<Condensed, DecomposeError>>) -> Result<AnalysisResult, DecomposeError> {
    let of: Result<Vec<Condensed>, DecomposeError> = of.into_iter().collect();
    pool_decompositions(of?).map(|(d, sampling)| printed(&d, &sampling))
}

fn means_of(c: &Contrast<'_>, response: Option<&Response>) -> GroupMeans {
    let m = group_means(c);
    match response {
        None => m,
        Some(r) => GroupMeans { index: r.estimate(&m.index, c), reference: r.estimate(&m.reference, c) },
    }
}

/// Every analysis and every check on one data set.
fn measure(plan: &StudyPlan, c: &Contrast<'_>, response: Option<&Response>, sampling: &Sampling, progress: &dyn Fn(&str)) -> Measured<Decomposition> {
    let design = c.design;
    let fits = Fits::new(c);
    let mut analyses = Vec::new();
    let mut models = Vec::new();
    let mut facts = Vec::new();
    for (a, analysis) in plan.analyses.iter().enumerate() {
        progress(&analysis.name);
        fits.take_used();
        let mut result = analysis.method.decompose(&fits);
        if let Ok(d) = &mut result {
            facts.extend(d.facts.iter().map(|f| diagnostics::fact((a, &analysis.name), f)));
            if let Some(r) = response {
                r.correct(d, c);
            }
        }
        analyses.push(result);
        models.extend(fits.take_used().iter().map(|m| model_result(&fits, m, a, sampling)));
    }

    progress("checks");
    let rests = plan.analyses.iter().any(|a| a.method.rests_on_overlap());
    let (mut checks, mut overlap): (Vec<Check>, Vec<(BlockSet, Vec<Bin>)>) = Default::default();
    for o in diagnostics::overlap(&fits, rests) {
        checks.extend(o.checks);
        overlap.push((o.set, o.bins));
    }
    checks.extend(diagnostics::events_per_coefficient(&fits));
    if let Some(model) = diagnostics::full_reference_model(&fits) {
        checks.extend(diagnostics::reference_model(&fits, &model));
    }
    checks.extend(diagnostics::extrapolation(c));
    let means = means_of(c, response);
    checks.extend(diagnostics::clusters(sampling, &means.index.minus(&means.reference)));
    if let Ok(Some(second)) = plan.analyses[plan.primary].method.second_estimate(&fits) {
        let (reported, other) = match response {
            None => (second.reported, second.other),
            Some(r) => (r.estimate(&second.reported, c), r.estimate(&second.other, c)),
        };
        checks.push(diagnostics::estimators_agree(&reported, &other, sampling, BlockSet::all(design.blocks.len())));
    }
    checks.extend(facts);
    let odds = fits.group(BlockSet::all(design.blocks.len()), crate::decompose::fits::Toward::Index).ok();
    Measured { analyses, models, checks, overlap, odds: odds.map(|g| g.odds.clone()) }
}

/// Some analyses, by position, of one comparison.
fn decompose(plan: &StudyPlan, c: &Contrast<'_>, which: &[usize]) -> Vec<Result<Decomposition, DecomposeError>> {
    let fits = Fits::new(c);
    which.iter().map(|&a| plan.analyses[a].method.decompose(&fits)).collect()
}

/// By kind of sampling, index group and analysis.
pub type Found = Vec<Vec<Vec<Result<AnalysisResult, DecomposeError>>>>;

/// Some analyses, by position, without models and checks, once for each kind of sampling. Errors: a completed data set that cannot be coded.
pub fn decompositions(plan: &StudyPlan, data: &Data<'_>, clustered: &[bool], which: &[usize]) -> Result<Found, Problems> {
    let mut out: Found = clustered.iter().map(|_| Vec::new()).collect();
    for index_group in 1..data.design().groups.len() {
        let c = Contrast::new(data.design(), index_group);
        let response = if let Data::Responding(r) = data { Some(r.as_ref()) } else { None };
        let samplings: Vec<Sampling> = clustered.iter().map(|&clustered| sampling_for(plan, &c, response, clustered)).collect();
        match data {
            Data::Complete(_) | Data::Responding(_) => {
                let mut found = decompose(plan, &c, which);
                if let Some(r) = response {
                    found.iter_mut().flatten().for_each(|d| r.correct(d, &c));
                }
                for (kind, sampling) in out.iter_mut().zip(&samplings) {
                    kind.push(found.iter().map(|r| r.as_ref().map(|d| printed(d, &sampling_of(d, sampling))).map_err(Clone::clone)).collect());
                }
            }
            Data::Imputed(imputations, _) => {
                let each = |m: usize| {
                    let (design, _) = imputations.design(m)?;
                    let found = decompose(plan, &Contrast::new(&design, index_group), which);
                    let of = |s: &Sampling| found.iter().map(|r| r.clone().map(|d| Condensed::new(d, s))).collect::<Vec<_>>();
                    Ok(samplings.iter().map(of).collect::<Vec<_>>())
                };
                let all: Result<Vec<_>, Problems> = (0..imputations.len()).into_par_iter().map(each).collect();
                let mut by: Vec<Vec<Vec<_>>> = samplings.iter().map(|_| which.iter().map(|_| Vec::new()).collect()).collect();
                for m in all? {
                    for (kind, found) in by.iter_mut().zip(m) {
                        kind.iter_mut().zip(found).for_each(|(of, r)| of.push(r));
                    }
                }
                for (kind, of) in out.iter_mut().zip(by) {
                    kind.push(of.into_iter().map(pooled_analysis).collect());
                }
            }
        }
    }
    Ok(out)
}
