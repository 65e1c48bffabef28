//! The tables of the hospital method.

use super::{Filler, inferred};
use crate::decompose::hospital::{HospitalUnit, HospitalValue, LeftOut};
use crate::error::Problems;
use crate::release::{Cell, Table, schema};
use crate::run::analyse::{AnalysisResult, GroupResult};

impl Filler<'_> {
    /// `hospital` and `hospital_units`, where an analysis of the study fills them.
    pub(super) fn hospitals(&self) -> Result<Vec<Table>, Problems> {
        if !self.plan.analyses.iter().any(|a| a.method.name() == "hospital") {
            return Ok(Vec::new());
        }
        let mut rows = Table::new(&schema::HOSPITAL);
        let mut units = Table::new(&schema::HOSPITAL_UNITS);
        for g in &self.analysed.groups {
            for (a, (analysis, result)) in self.plan.analyses.iter().zip(&g.analyses).enumerate() {
                let key = [("index_group", self.label(g)), ("analysis", (&analysis.name).into()), ("blinded", self.is_blinded(a, g))];
                match result {
                    Ok(r) => self.of_analysis(&key, r, g, &mut rows, &mut units)?,
                    Err(e) if analysis.method.name() == "hospital" => {
                        for row in ["where_they_go", "how_they_fare_there"] {
                            let mut cells = key.to_vec();
                            cells.extend([("row", row.into()), ("family", "A".into()), ("reason", e.shown(&self.analysed.mask).into())]);
                            rows.push(&cells)?;
                        }
                    }
                    Err(_) => {}
                }
            }
        }
        Ok(vec![rows, units])
    }

    fn of_analysis(
        &self,
        key: &[(&'static str, Cell); 3],
        r: &AnalysisResult,
        g: &GroupResult,
        rows: &mut Table,
        units: &mut Table,
    ) -> Result<(), Problems> {
        let Some(h) = &r.hospital else { return Ok(()) };
        for (row, value) in &h.rows {
            let reason = match &row.value {
                HospitalValue::Missing(reason) => Some(reason.clone()),
                HospitalValue::Estimate(_) | HospitalValue::Number(_) => None,
            };
            let mut cells = key.to_vec();
            cells.extend([
                ("row", row.name.into()),
                ("family", row.family.map(str::to_owned).into()),
                ("reason", reason.into()),
                ("population", population(row.left_out)),
                ("_of_counts", (row.of_counts || h.of_counts).into()),
            ]);
            cells.extend(without(row.left_out));
            cells.extend(inferred(*value));
            rows.push(&cells)?;
        }
        for u in &h.units {
            let mut cells = vec![("index_group", self.label(g)), key[1].clone()];
            cells.extend(unit(u, h.quantile));
            cells.extend([("_id", h.id.clone().into()), ("_of_counts", h.of_counts.into())]);
            units.push(&cells)?;
        }
        Ok(())
    }
}

/// The hospitals whose units are left where these are left out; null where none are. Reference units are left out at hospitals without
/// index units, and the other way round.
pub(super) fn population(left_out: LeftOut) -> Cell {
    match left_out.units {
        [0, 0] => Cell::Null,
        [0, _] => "hospitals with reference units".into(),
        [_, 0] => "hospitals with index units".into(),
        [_, _] => "hospitals with units of both groups".into(),
    }
}

/// Units and events that the population of a row leaves out.
pub(super) fn without(left_out: LeftOut) -> [(&'static str, Cell); 4] {
    let LeftOut { units, events } = left_out;
    [
        ("_population_without_reference", units[0].into()),
        ("_population_without_index", units[1].into()),
        ("_population_without_events_reference", events.map(|e| e[0]).into()),
        ("_population_without_events_index", events.map(|e| e[1]).into()),
    ]
}

fn unit(u: &HospitalUnit, quantile: f64) -> Vec<(&'static str, Cell)> {
    let limit = |side: f64| u.effect.map(|(effect, sd)| effect + side * quantile * sd);
    vec![
        ("hospital", (&u.hospital).into()),
        ("n_reference", u.units[0].into()),
        ("n_index", u.units[1].into()),
        ("between", u.raw[0].into()),
        ("within", u.raw[1].into()),
        ("observed", u.observed.into()),
        ("expected", u.expected.into()),
        ("effect", u.effect.map(|e| e.0).into()),
        ("conf_low", limit(-1.0).into()),
        ("conf_high", limit(1.0).into()),
        ("observed_to_expected", u.expected.map(|e| u.observed / e).into()),
        ("between_centred", u.between_centred.into()),
        ("between_adjusted", u.adjusted.map(|a| a[0]).into()),
        ("within_adjusted", u.adjusted.map(|a| a[1]).into()),
        ("_events_reference", u.events.map(|e| e[0]).into()),
        ("_events_index", u.events.map(|e| e[1]).into()),
    ]
}
