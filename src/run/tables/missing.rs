//! The tables `missingness` and `missing_methods`.

use super::{Filler, inferred};
use crate::cohort::engine::Cohort;
use crate::cohort::plan::{MissingRule, OutcomeMissing};
use crate::error::Problems;
use crate::release::Table;
use crate::release::schema::{MISSING_METHODS, MISSINGNESS};
use crate::run::analyse::AnalysisResult;
use crate::run::compare::{Compared, Size};

impl Filler<'_> {
    /// `None` where nothing is missing.
    pub(super) fn missingness(&self, cohort: &Cohort) -> Result<Option<Table>, Problems> {
        if cohort.missingness.iter().flat_map(|m| &m.by_group).all(|(_, missing)| *missing == 0) {
            return Ok(None);
        }
        let mut table = Table::new(&MISSINGNESS);
        for m in &cohort.missingness {
            for (g, (label, (n, missing))) in cohort.group_labels.iter().zip(&m.by_group).enumerate() {
                table.push(&[
                    ("group", label.into()),
                    ("block", m.role.and_then(|r| self.block_name(r)).into()),
                    ("variable", (&m.column).into()),
                    ("n", (*n).into()),
                    ("n_missing", (*missing).into()),
                    ("share_missing", (*missing as f64 / *n as f64).into()),
                    ("rule", self.rule(&m.column, m.role.is_none()).into()),
                    ("_nested", m.nested.get(g).copied().flatten().into()),
                ])?;
            }
        }
        Ok(Some(table))
    }

    fn rule(&self, column: &str, outcome: bool) -> &'static str {
        let roles = &self.plan.roles;
        if outcome {
            return match roles.outcome.missing {
                OutcomeMissing::DropRow => "drop_row",
                OutcomeMissing::Error => "error",
                OutcomeMissing::InverseProbability => "inverse_probability",
            };
        }
        match roles.variables.iter().find(|v| v.column.name == column).map(|v| &v.missing) {
            Some(MissingRule::DropRow) | None => "drop_row",
            Some(MissingRule::Error) => "error",
            Some(MissingRule::Level(_)) => "level",
            Some(MissingRule::Impute { .. }) => "impute",
            Some(MissingRule::MultipleImputation) => "multiple_imputation",
        }
    }

    pub(super) fn missing_methods(&self, compared: &[Compared]) -> Result<Table, Problems> {
        let mut table = Table::new(&MISSING_METHODS);
        let primary = self.plan.primary;
        for (k, g) in self.analysed.groups.iter().enumerate() {
            let own = Size::of(self.design, g.index_group);
            let study = g.analyses.get(primary).map(|r| ("study", r.as_ref().map_err(|e| e.shown(&self.analysed.mask)), Some(own)));
            let others =
                compared.iter().filter_map(|c| c.groups.get(k).map(|of| (c.method.name(), of.result.as_ref().map_err(Clone::clone), of.size)));
            for (name, result, size) in study.into_iter().chain(others) {
                let n = |side: usize| size.map(|s| s.n[side]);
                let events = |side: usize| size.and_then(|s| s.events).map(|e| e[side] as u64);
                let left_out = |side: usize| n(side).map(|n| own.n[side] as i64 - n as i64);
                let key = [
                    ("index_group", self.label(g)),
                    ("analysis", (&self.plan.analyses[primary].name).into()),
                    ("missing", name.into()),
                    ("n_reference", n(0).into()),
                    ("n_index", n(1).into()),
                    ("_left_out_reference", left_out(0).into()),
                    ("_left_out_index", left_out(1).into()),
                    ("_events_reference", events(0).into()),
                    ("_events_index", events(1).into()),
                ];
                match result {
                    Ok(AnalysisResult { rows, .. }) => {
                        for r in rows {
                            let mut cells = key.to_vec();
                            cells.extend([("part", r.part.name().into()), ("component", self.component(r.component).into())]);
                            cells.push(("share", r.share.map(|s| s.value).into()));
                            cells.extend(inferred(Some(r.value)));
                            table.push(&cells)?;
                        }
                    }
                    Err(reason) => {
                        let mut cells = key.to_vec();
                        cells.extend([("part", "gap".into()), ("component", "total".into()), ("reason", reason.into())]);
                        table.push(&cells)?;
                    }
                }
            }
        }
        Ok(table)
    }
}
