//! Results as the rows of the declared tables.

mod features;
mod hospital;
mod missing;
mod varied;

use super::analyse::{Analysed, GroupResult, ModelResult};
use super::coding::CodingRows;
use super::compare::Compared;
use crate::cohort::engine::Cohort;
use crate::decompose::fits::GroupTerms;
use crate::decompose::{Assumption, Component, Detail, Least, Method, Part};
use crate::design::Design;
use crate::error::Problems;
use crate::inference::Inferred;
use crate::release::schema::{self, attrition_event_columns, attrition_index_columns};
use crate::release::{Cell, Meta, ShownAssumption, Table};
use crate::study::plan::{AnalysisPlan, StudyPlan};
use crate::vocab::{BlockSet, Role, Scale};
use indexmap::IndexMap;
use std::ops::Range;

/// What the report needs beside the tables.
pub fn meta(plan: &StudyPlan, design: &Design, analysed: &Analysed) -> Meta {
    let roles = &plan.roles;
    let names = |role: Role| roles.variables.iter().filter(|v| v.role == role).map(|v| v.column.name.clone()).collect::<Vec<_>>();
    let index = |g: usize| design.groups[g].label.clone();
    let blinded = analysed.blinded.iter().map(|(a, g, reason)| (plan.analyses[*a].name.clone(), index(*g), reason.clone()));
    let not_estimated = analysed.groups.iter().flat_map(|g| {
        let failed = plan.analyses.iter().zip(&g.analyses);
        failed.filter_map(|(a, r)| r.as_ref().err().map(|e| (a.name.clone(), index(g.index_group), e.shown(&analysed.mask)))).collect::<Vec<_>>()
    });
    Meta {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        study: plan.name.clone(),
        title: plan.title.clone(),
        units: plan.called.clone(),
        outcome: roles.outcome.column.name.clone(),
        family: design.family.name().to_owned(),
        scale: design.family.scale().name().to_owned(),
        exposure: roles.outcome.exposure.as_ref().map(|e| e.name.clone()),
        group: roles.group.column.name.clone(),
        reference: index(0),
        index: (1..design.groups.len()).map(index).collect(),
        allowable: names(Role::Allowable),
        blocks: roles.blocks.iter().enumerate().map(|(k, b)| (b.clone(), names(Role::Block(k)))).collect(),
        causal_order: plan.causal_order.iter().flatten().map(|&k| roles.blocks[k].clone()).collect(),
        causal_claims: plan.causal_claims,
        cluster: roles.cluster.as_ref().map(|c| c.name.clone()),
        weight: roles.weight.as_ref().map(|w| w.name.clone()),
        labels: plan.labels.clone(),
        analyses: plan.analyses.iter().map(|a| (a.name.clone(), a.settings.clone())).collect::<IndexMap<_, _>>(),
        primary: plan.analyses[plan.primary].name.clone(),
        level: plan.level,
        min_cell: plan.min_cell,
        blinded: blinded.collect(),
        not_estimated: not_estimated.collect(),
        assumptions: assumptions(plan, design),
        problems: Vec::new(),
        // The study file's name and hash stand in run.json: the resolved study gives the same results.json.
        ..Meta::default()
    }
}

/// What each causal analysis rests on.
fn assumptions(plan: &StudyPlan, design: &Design) -> Vec<ShownAssumption> {
    let of = |a: &AnalysisPlan| {
        let shown = |s: Assumption| ShownAssumption { analysis: a.name.clone(), name: s.name.to_owned(), text: s.text };
        a.method.assumptions(design).into_iter().map(shown).collect::<Vec<_>>()
    };
    plan.analyses.iter().flat_map(of).collect()
}

/// Every table that the methods of this version fill, before withholding.
///
/// Errors: `G901`, a row that does not fit its declaration.
pub fn all(
    plan: &StudyPlan,
    cohort: &Cohort,
    design: &Design,
    analysed: &Analysed,
    compared: &[Compared],
    coding: &CodingRows,
) -> Result<Vec<Table>, Problems> {
    let filler = Filler { plan, design, analysed };
    let mut tables = vec![
        attrition(cohort, design)?,
        joins(cohort)?,
        filler.table_one()?,
        filler.gap()?,
        filler.models()?,
        filler.coefficients()?,
        filler.with_and_without()?,
        filler.decomposition()?,
        filler.detail()?,
        filler.diagnostics()?,
        filler.overlap()?,
    ];
    if plan.sensitivity.is_some() {
        tables.push(filler.sensitivity()?);
    }
    tables.extend(filler.hospitals()?);
    tables.extend(features::tables(&cohort.features)?);
    tables.extend(features::coding(cohort, coding)?);
    tables.extend(filler.missingness(cohort)?);
    if !compared.is_empty() {
        tables.push(filler.missing_methods(compared)?);
    }
    Ok(tables)
}

fn attrition(cohort: &Cohort, design: &Design) -> Result<Table, Problems> {
    let index: Vec<String> = design.groups[1..].iter().map(|g| g.label.clone()).collect();
    let mut table = Table::attrition(&index);
    let (columns, events) = (attrition_index_columns(&table), attrition_event_columns(&table));
    for r in &cohort.attrition {
        let mut cells: Vec<(&str, Cell)> = vec![
            ("step", r.step.into()),
            ("name", (&r.name).into()),
            ("n_before", r.n_before.into()),
            ("n_removed", r.n_removed.into()),
            ("n_after", r.n_after.into()),
            ("n_reference", r.by_group.first().copied().into()),
        ];
        cells.extend(columns.iter().zip(&r.by_group[1..]).map(|(c, n)| (c.as_str(), (*n).into())));
        cells.extend(events.iter().zip(&r.events).map(|(c, n)| (c.as_str(), (*n).into())));
        table.push(&cells)?;
    }
    Ok(table)
}

fn joins(cohort: &Cohort) -> Result<Table, Problems> {
    let mut table = Table::new(&schema::JOINS);
    for r in &cohort.joins {
        table.push(&[
            ("joined_table", (&r.table).into()),
            ("key", (&r.key).into()),
            ("unmatched", r.unmatched.name().into()),
            ("n_rows", r.n_rows.into()),
            ("n_matched", r.n_matched.into()),
            ("n_unmatched", (r.n_rows - r.n_matched).into()),
            ("n_table", r.n_table.into()),
            ("_after_step", r.after_step.into()),
        ])?;
    }
    Ok(table)
}

/// A row as it is pushed: column and value.
type Cells = Vec<(&'static str, Cell)>;

struct Filler<'a> {
    plan: &'a StudyPlan,
    design: &'a Design,
    analysed: &'a Analysed,
}

impl Filler<'_> {
    fn label(&self, g: &GroupResult) -> Cell {
        (&self.design.groups[g.index_group].label).into()
    }

    fn block_name(&self, role: Role) -> Option<String> {
        match role {
            Role::Intercept | Role::Group => None,
            Role::Allowable => Some("allowable".to_owned()),
            Role::Block(k) => Some(self.plan.roles.blocks[k].clone()),
        }
    }

    fn blocks(&self, set: BlockSet) -> Cell {
        set.name(&self.plan.roles.blocks).into()
    }

    /// Whether the levels of a variable are hospitals or clusters.
    fn is_place(&self, variable: &str) -> Cell {
        self.plan.places().contains(&variable).into()
    }

    fn is_blinded(&self, analysis: usize, g: &GroupResult) -> Cell {
        self.analysed.blinded.iter().any(|(a, i, _)| *a == analysis && *i == g.index_group).into()
    }

    fn table_one(&self) -> Result<Table, Problems> {
        let mut table = Table::new(&schema::TABLE_ONE);
        for g in &self.analysed.groups {
            let known = |missing: usize, n: usize| n - missing;
            let (n0, n1) = (g.gap.n_reference, g.gap.n_index);
            for r in &g.table_one {
                table.push(&[
                    ("index_group", self.label(g)),
                    ("block", self.block_name(r.role).into()),
                    ("variable", (&r.variable).into()),
                    ("level", r.level.clone().into()),
                    ("mean_reference", r.reference.map(|v| v.0).into()),
                    ("sd_reference", r.reference.and_then(|v| v.1).into()),
                    ("mean_index", r.index.map(|v| v.0).into()),
                    ("sd_index", r.index.and_then(|v| v.1).into()),
                    ("smd", r.smd.into()),
                    ("n_missing_reference", r.n_missing.0.into()),
                    ("n_missing_index", r.n_missing.1.into()),
                    ("smd_weighted", r.smd_weighted.into()),
                    ("_n_reference", known(r.n_missing.0, n0).into()),
                    ("_n_index", known(r.n_missing.1, n1).into()),
                    ("_place", self.is_place(&r.variable)),
                    ("_count_reference", r.n_level.map(|n| n.0).into()),
                    ("_count_index", r.n_level.map(|n| n.1).into()),
                ])?;
            }
        }
        Ok(table)
    }

    fn gap(&self) -> Result<Table, Problems> {
        let mut table = Table::new(&schema::GAP);
        for g in &self.analysed.groups {
            for r in &g.gap.rows {
                let mut cells = vec![
                    ("index_group", self.label(g)),
                    ("reference_group", (&self.design.groups[0].label).into()),
                    ("outcome", (&self.plan.roles.outcome.column.name).into()),
                    ("scale", r.scale.name().into()),
                    ("mean_reference", g.gap.mean_reference.into()),
                    ("mean_index", g.gap.mean_index.into()),
                    ("n_reference", g.gap.n_reference.into()),
                    ("n_index", g.gap.n_index.into()),
                    ("_events_reference", g.gap.events.map(|e| e.0 as u64).into()),
                    ("_events_index", g.gap.events.map(|e| e.1 as u64).into()),
                ];
                cells.extend(inferred(r.value));
                for (columns, limits) in [
                    (["mean_reference_conf_low", "mean_reference_conf_high"], g.gap.limits_reference),
                    (["mean_index_conf_low", "mean_index_conf_high"], g.gap.limits_index),
                ] {
                    cells.extend(columns.into_iter().zip([limits.map(|l| l.0), limits.map(|l| l.1)]).map(|(c, v)| (c, v.into())));
                }
                table.push(&cells)?;
            }
        }
        Ok(table)
    }

    /// The columns that name a model.
    fn model_key(&self, g: &GroupResult, m: &ModelResult) -> Vec<(&'static str, Cell)> {
        vec![
            ("index_group", self.label(g)),
            ("blocks", self.blocks(m.set)),
            ("fitted_in", m.fitted_in.name().into()),
            ("analysis", (&self.plan.analyses[m.analysis].name).into()),
            ("link", m.family.link().into()),
            ("with_group", (m.group_terms != GroupTerms::Without).into()),
        ]
    }

    fn models(&self) -> Result<Table, Problems> {
        let mut table = Table::new(&schema::MODELS);
        for g in &self.analysed.groups {
            for m in &g.models {
                let mut cells = self.model_key(g, m);
                cells.extend([
                    ("family", m.family.name().into()),
                    ("n", m.n.into()),
                    ("events", m.events.map(|e| e as u64).into()),
                    ("k", m.k.into()),
                    ("loglik", m.loglik.into()),
                    ("aic", m.aic.into()),
                    ("auc", m.auc.into()),
                    ("brier", m.brier.into()),
                    ("converged", true.into()),
                    ("iterations", m.iterations.into()),
                ]);
                table.push(&cells)?;
            }
        }
        Ok(table)
    }

    fn coefficients(&self) -> Result<Table, Problems> {
        let mut table = Table::new(&schema::COEFFICIENTS);
        let d = self.design;
        let indicators: Vec<Vec<usize>> = (0..d.columns.len()).map(|j| d.indicators(j)).collect();
        for g in &self.analysed.groups {
            let (reference, index) = (&d.groups[0].rows, &d.groups[g.index_group].rows);
            let counts: Vec<Option<(usize, usize)>> =
                indicators.iter().map(|at| Some((units_with(d, at, reference)?, units_with(d, at, index)?))).collect();
            for m in &g.models {
                for c in &m.coefficients {
                    let column = c.column.map(|j| &d.columns[j]).filter(|c| !matches!(c.role, Role::Intercept | Role::Group));
                    let n = c.column.and_then(|j| counts[j]);
                    let mut cells = self.model_key(g, m);
                    cells.extend([
                        ("term", (&c.term).into()),
                        ("block", column.and_then(|c| self.block_name(c.role)).into()),
                        ("se_kind", if m.clustered { "cluster" } else { "model" }.into()),
                        ("_place", column.map_or(false.into(), |c| self.is_place(&c.variable))),
                        ("_variable", column.map(|c| c.variable.clone()).into()),
                        ("_level", column.and_then(|c| c.level.clone()).into()),
                        ("_n_level_reference", n.map(|n| n.0).into()),
                        ("_n_level_index", n.map(|n| n.1).into()),
                        ("_events_level", n.and(c.events_level).into()),
                    ]);
                    cells.extend(inferred(c.value));
                    table.push(&cells)?;
                }
            }
        }
        Ok(table)
    }

    fn with_and_without(&self) -> Result<Table, Problems> {
        let mut table = Table::new(&schema::WITH_AND_WITHOUT);
        for g in &self.analysed.groups {
            for (a, result) in g.analyses.iter().enumerate() {
                for s in result.iter().flat_map(|r| &r.sets) {
                    table.push(&[
                        ("index_group", self.label(g)),
                        ("analysis", (&self.plan.analyses[a].name).into()),
                        ("blocks", self.blocks(s.set)),
                        ("counterfactual_mean", s.counterfactual_mean.into()),
                        ("adjusted_gap", s.adjusted_gap.estimate.into()),
                        ("std_error", s.adjusted_gap.std_error.into()),
                        ("conf_low", s.adjusted_gap.conf_low.into()),
                        ("conf_high", s.adjusted_gap.conf_high.into()),
                        ("accounted", s.accounted.estimate.into()),
                        ("accounted_std_error", s.accounted.std_error.into()),
                        ("blinded", self.is_blinded(a, g)),
                    ])?;
                }
            }
        }
        Ok(table)
    }

    fn component(&self, c: Component) -> String {
        match c {
            Component::Total => "total".to_owned(),
            Component::Allowable => "allowable".to_owned(),
            Component::Intercept => "intercept".to_owned(),
            Component::Misfit => "model_misfit".to_owned(),
            Component::Block(k) => self.plan.roles.blocks[k].clone(),
            Component::Set(set) => set.name(&self.plan.roles.blocks),
            Component::Named(name) => name.to_owned(),
        }
    }

    fn decomposition(&self) -> Result<Table, Problems> {
        let mut table = Table::new(&schema::DECOMPOSITION);
        for g in &self.analysed.groups {
            for (a, (analysis, result)) in self.plan.analyses.iter().zip(&g.analyses).enumerate() {
                let key = [("index_group", self.label(g)), ("analysis", (&analysis.name).into()), ("method", analysis.method.name().into())];
                match result {
                    Ok(r) => {
                        let family = r.family.unwrap_or(analysis.method.family()).name();
                        let mut rows: Vec<((Part, Component), Cells)> = Vec::new();
                        for row in &r.rows {
                            let mut cells = key.to_vec();
                            cells.extend([
                                ("part", row.part.name().into()),
                                ("component", self.component(row.component).into()),
                                ("share", row.share.map(|s| s.value).into()),
                                ("share_conf_low", row.share.and_then(|s| s.limits).map(|l| l.0).into()),
                                ("share_conf_high", row.share.and_then(|s| s.limits).map(|l| l.1).into()),
                                ("order_min", row.rules.map(|r| r.order_min).into()),
                                ("order_max", row.rules.map(|r| r.order_max).into()),
                                ("sequential", row.rules.map(|r| r.sequential).into()),
                                ("first_in", row.rules.map(|r| r.first_in).into()),
                                ("last_in", row.rules.map(|r| r.last_in).into()),
                                ("shapley", row.rules.map(|r| r.shapley).into()),
                                ("scale", r.scale.name().into()),
                                ("blinded", self.is_blinded(a, g)),
                                ("family", family.into()),
                                ("missing_information", row.missing_information.into()),
                                ("std_error_cv3", row.std_error_cv3.into()),
                            ]);
                            cells.extend(inferred(Some(row.value)));
                            if let Some(h) = &r.hospital {
                                cells.extend([("population", hospital::population(h.left_out)), ("_of_counts", h.of_counts.into())]);
                                cells.extend(hospital::without(h.left_out));
                            }
                            cells.extend(least(r.least));
                            rows.push(((row.part, row.component), cells));
                        }
                        for u in &r.undefined {
                            let mut cells = self.null_row(&key, u.part, u.component, r.scale, &u.reason);
                            cells.push(("family", family.into()));
                            rows.push(((u.part, u.component), cells));
                        }
                        // Part by part, its total first: what the data leave undefined stands where it would stand.
                        rows.sort_by_key(|(at, _)| *at);
                        for (_, cells) in &rows {
                            table.push(cells)?;
                        }
                    }
                    Err(e) => {
                        for (part, component) in null_rows(analysis.method.as_ref(), self.plan.roles.blocks.len()) {
                            let scale = analysis.method.scale(self.design.family);
                            let mut cells = self.null_row(&key, part, component, scale, &e.shown(&self.analysed.mask));
                            cells.push(("family", analysis.method.family().name().into()));
                            table.push(&cells)?;
                        }
                    }
                }
            }
        }
        Ok(table)
    }

    /// A row that has no estimate, and why.
    fn null_row(&self, key: &[(&'static str, Cell); 3], part: Part, component: Component, scale: Scale, reason: &str) -> Cells {
        let mut cells = key.to_vec();
        cells.extend([
            ("part", part.name().into()),
            ("component", self.component(component).into()),
            ("scale", scale.name().into()),
            ("reason", reason.into()),
        ]);
        cells
    }

    fn detail(&self) -> Result<Table, Problems> {
        let mut table = Table::new(&schema::DECOMPOSITION_DETAIL);
        let d = self.design;
        let indicators: Vec<Vec<usize>> = (0..d.columns.len()).map(|j| d.indicators(j)).collect();
        for g in &self.analysed.groups {
            for (analysis, result) in self.plan.analyses.iter().zip(&g.analyses) {
                for t in result.iter().flat_map(|r| &r.detail) {
                    let block = match t.detail.role {
                        Role::Intercept => "intercept".to_owned(),
                        Role::Group => "switched".to_owned(),
                        role => self.block_name(role).unwrap_or_default(),
                    };
                    let n = |group: usize| self.units_at(&t.detail, &d.groups[group].rows, &indicators);
                    let mut cells = vec![
                        ("index_group", self.label(g)),
                        ("analysis", (&analysis.name).into()),
                        ("method", analysis.method.name().into()),
                        ("part", t.detail.part.name().into()),
                        ("block", block.into()),
                        ("term", (&t.detail.term).into()),
                        ("variable", (&t.detail.variable).into()),
                        ("_variable", (!matches!(t.detail.role, Role::Intercept | Role::Group)).then(|| t.detail.variable.clone()).into()),
                        ("_level", t.detail.level.clone().into()),
                        ("_place", self.is_place(&t.detail.variable)),
                        ("_n_level_reference", n(0).into()),
                        ("_n_level_index", n(g.index_group).into()),
                    ];
                    cells.extend(inferred(Some(t.value)));
                    table.push(&cells)?;
                }
            }
        }
        Ok(table)
    }

    /// Units of a group at the higher value of a term with two values, base levels included.
    fn units_at(&self, t: &Detail, rows: &Range<usize>, indicators: &[Vec<usize>]) -> Option<usize> {
        let d = self.design;
        if let Some(j) = t.column {
            return units_with(d, &indicators[j], rows);
        }
        let has = |i: &usize| {
            let terms = || t.covariate.iter().map(|&(j, v)| v * d.x[[*i, j]]);
            terms().sum::<f64>().abs() > 1e-9 * terms().map(f64::abs).sum::<f64>()
        };
        (!t.covariate.is_empty()).then(|| rows.clone().filter(has).count())
    }

    fn overlap(&self) -> Result<Table, Problems> {
        let mut table = Table::new(&schema::OVERLAP);
        for g in &self.analysed.groups {
            for (set, bins) in &g.overlap {
                for b in bins {
                    table.push(&[
                        ("index_group", self.label(g)),
                        ("blocks", self.blocks(*set)),
                        ("low", b.low.into()),
                        ("high", b.high.into()),
                        ("n_reference", b.n.0.into()),
                        ("n_index", b.n.1.into()),
                        ("share_reference", b.share.0.into()),
                        ("share_index", b.share.1.into()),
                    ])?;
                }
            }
        }
        Ok(table)
    }

    fn diagnostics(&self) -> Result<Table, Problems> {
        let mut table = Table::new(&schema::DIAGNOSTICS);
        for g in &self.analysed.groups {
            for c in &g.checks {
                let informs = c.threshold.is_none() && c.passed;
                table.push(&[
                    ("index_group", self.label(g)),
                    ("blocks", c.set.map(|s| s.name(&self.plan.roles.blocks)).into()),
                    ("check", c.check.into()),
                    ("value", c.value.into()),
                    ("threshold", c.threshold.into()),
                    ("passed", (!informs).then_some(c.passed).into()),
                    ("message", self.analysed.mask.of_check(c).into()),
                    ("_count", c.units.map(|u| u.0).into()),
                    ("_of", c.units.and_then(|u| u.1).into()),
                    ("_of_counts", c.analysis.is_some_and(|a| g.of_counts(a)).into()),
                ])?;
            }
        }
        Ok(table)
    }
}

/// Units of which all these 0/1 columns are true; `None` without any.
fn units_with(d: &Design, indicators: &[usize], rows: &Range<usize>) -> Option<usize> {
    (!indicators.is_empty()).then(|| rows.clone().filter(|&i| indicators.iter().all(|&j| d.x[[i, j]] == 1.0)).count())
}

/// What a method that fits parts of the groups rests on.
fn least(least: Option<Least>) -> [(&'static str, Cell); 2] {
    [("_least_units", least.map(|l| l.units).into()), ("_least_events", least.and_then(|l| l.events).into())]
}

fn inferred(v: Option<Inferred>) -> [(&'static str, Cell); 4] {
    [
        ("estimate", v.map(|v| v.estimate).into()),
        ("std_error", v.map(|v| v.std_error).into()),
        ("conf_low", v.map(|v| v.conf_low).into()),
        ("conf_high", v.map(|v| v.conf_high).into()),
    ]
}

/// The rows of an analysis that could not be estimated: every total, and what the parts are divided into.
fn null_rows(method: &dyn Method, n_blocks: usize) -> Vec<(Part, Component)> {
    let of_part = |p: Part| method.components(p, n_blocks).into_iter().map(move |component| (p, component));
    method.parts().iter().flat_map(|&p| std::iter::once((p, Component::Total)).chain(of_part(p))).collect()
}
