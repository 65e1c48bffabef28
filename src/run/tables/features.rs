//! Tables `features`, `code_lists` and `coding`.

use crate::cohort::engine::Cohort;
use crate::cohort::features::FeatureReport;
use crate::error::Problems;
use crate::release::schema;
use crate::release::{Cell, Table};
use crate::run::coding::CodingRows;

/// Nothing for a study without features.
pub(super) fn tables(reports: &[FeatureReport]) -> Result<Vec<Table>, Problems> {
    if reports.is_empty() {
        return Ok(Vec::new());
    }
    let (mut features, mut lists) = (Table::new(&schema::FEATURES), Table::new(&schema::CODE_LISTS));
    for r in reports {
        let c = &r.counts;
        features.push(&[
            ("feature", (&r.feature).into()),
            ("table", (&r.table).into()),
            ("take", r.take.into()),
            ("window", (&r.window).into()),
            ("n_rows", c.rows.into()),
            ("n_matched", c.matched.into()),
            ("n_kept", c.kept.into()),
            ("n_where_null", c.where_null.into()),
            ("n_coded", c.coded.into()),
            ("n_no_time", c.no_time.into()),
            ("n_before_birth", c.before_birth.into()),
            ("n_in_window", c.in_window.into()),
            ("n_same_day", c.same_day.into()),
            ("n_no_value", c.no_value.into()),
            ("n_unknown_unit", c.unknown_unit.into()),
            ("n_converted", c.converted.into()),
            ("n_implausible", c.implausible.into()),
            ("n_used", c.used.into()),
            ("n_units", r.units.into()),
            ("n_units_with_event", r.units_with_event.into()),
            ("n_units_tied", r.units_tied.into()),
            ("n_units_tied_differing", r.units_tied_differing.into()),
            ("n_without_zone", c.no_zone.into()),
            ("n_without_time_of_day", c.no_time_of_day.into()),
            ("_fewest_code", r.codes.iter().map(|c| c.units).filter(|n| *n > 0).min().into()),
        ])?;
        for code in &r.codes {
            lists.push(&[
                ("feature", (&r.feature).into()),
                ("table", (&r.table).into()),
                ("column", (&code.column).into()),
                ("system", code.system.clone().into()),
                ("code", (&code.code).into()),
                ("label", code.label.clone().into()),
                ("file", code.file.as_deref().map(file_name).into()),
                ("n_rows", code.rows.into()),
                ("n_units", code.units.into()),
            ])?;
        }
    }
    Ok(if lists.rows.is_empty() { vec![features] } else { vec![features, lists] })
}

/// The path of the file stands in run.json; the resolved study, in another folder, gives the same tables.
fn file_name(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}

/// `None` where nothing was counted.
pub(super) fn coding(cohort: &Cohort, counted: &CodingRows) -> Result<Option<Table>, Problems> {
    let mut table = Table::new(&schema::CODING);
    for row in &counted.rows {
        let Some(r) = cohort.recorded.get(row.recorded) else { continue };
        let side = row.group.map_or("all", |g| if g == 0 { "reference" } else { "index" });
        let mut cells: Vec<(String, Cell)> = [
            ("table", (&r.table).into()),
            ("column", (&r.column).into()),
            ("window", (&r.window).into()),
            ("features", r.features.join("+").into()),
            ("place", (&counted.place).into()),
            ("side", side.into()),
            ("group", row.group.map(|g| cohort.group_labels[g].clone()).into()),
            ("n_units", row.n.into()),
            ("n_places", row.places.into()),
            ("n_places_large", row.large.into()),
            ("n_without", row.without.into()),
            ("share_without", (row.without as f64 / row.n as f64).into()),
            ("mean_events", (row.events as f64 / row.n as f64).into()),
            ("_events", row.events.into()),
            ("_fewest_rest", row.fewest_rest.into()),
            ("_nearest", row.nearest.into()),
        ]
        .map(|(name, cell)| (name.to_owned(), cell))
        .to_vec();
        for ((name, _), share) in schema::CODING_SHARES.iter().zip(&row.shares) {
            cells.push((format!("share_{name}"), share.value.into()));
            cells.push((format!("_fewest_{name}"), share.fewest.into()));
        }
        table.push(&cells.iter().map(|(name, cell)| (name.as_str(), cell.clone())).collect::<Vec<_>>())?;
    }
    Ok((!table.rows.is_empty()).then_some(table))
}
