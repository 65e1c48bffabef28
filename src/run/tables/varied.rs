//! The table `sensitivity`.

use super::hospital::without;
use super::{Cells, Filler, inferred, least};
use crate::error::Problems;
use crate::release::schema::SENSITIVITY;
use crate::release::withhold::SEPARATOR;
use crate::release::{Cell, Table};
use crate::sensitivity::{Figure, Found, Varied};

impl Filler<'_> {
    pub(super) fn sensitivity(&self) -> Result<Table, Problems> {
        let mut table = Table::new(&SENSITIVITY);
        for g in &self.analysed.groups {
            for (analysis, rows) in &g.varied {
                for v in rows {
                    let mut cells = vec![("index_group", self.label(g)), ("analysis", (&self.plan.analyses[*analysis].name).into())];
                    cells.extend(self.varied(v));
                    table.push(&cells)?;
                }
            }
        }
        Ok(table)
    }

    fn varied(&self, v: &Varied) -> Cells {
        let (part, component) = match v.figure {
            Figure::Part(part, component) => (Some(part.name()), self.component(component)),
            Figure::Named(name) => (None, name.to_owned()),
        };
        let n = |of: fn((usize, usize)) -> usize| -> (Cell, Cell) { (v.retained.map(|r| of(r.n)).into(), v.retained.map(|r| of(r.left_out)).into()) };
        let (reference, index) = (n(|n| n.0), n(|n| n.1));
        let events = v.retained.and_then(|r| r.events);
        let reason = match &v.found {
            Found::Estimate(_) | Found::Number(_) => None,
            Found::Failed(e) => Some(e.shown(&self.analysed.mask)),
            Found::Undefined(reason) => Some(reason.clone()),
        };
        let mut cells: Cells = vec![
            ("variation", v.variation.name().into()),
            ("setting", (&v.setting).into()),
            ("component", component.into()),
            ("part", part.into()),
            ("scale", v.scale.map(|s| s.name()).into()),
            ("n_reference", reference.0),
            ("n_index", index.0),
            ("blinded", v.blinded.into()),
            ("reason", reason.into()),
            ("_left_out_reference", reference.1),
            ("_left_out_index", index.1),
            ("_events_reference", events.map(|e| e.0 as u64).into()),
            ("_events_index", events.map(|e| e.1 as u64).into()),
            ("_count", v.counted.map(|(n, _)| n).into()),
            ("_of", v.counted.and_then(|(_, of)| of).into()),
            ("_variables", (!v.variables.is_empty()).then(|| v.variables.join(&SEPARATOR.to_string())).into()),
        ];
        if let Some((left_out, of_counts)) = v.population {
            cells.extend(without(left_out));
            cells.push(("_of_counts", of_counts.into()));
        }
        cells.extend(least(v.least));
        match &v.found {
            Found::Estimate(value) => cells.extend(inferred(Some(*value))),
            Found::Number(value) => cells.push(("estimate", (*value).into())),
            Found::Failed(_) | Found::Undefined(_) => {}
        }
        cells
    }
}
