//! Tables `features` and `code_lists`.

use crate::cohort::features::FeatureReport;
use crate::error::Problems;
use crate::release::Table;
use crate::release::schema;

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
                ("file", code.file.clone().into()),
                ("n_rows", code.rows.into()),
                ("n_units", code.units.into()),
            ])?;
        }
    }
    Ok(if lists.rows.is_empty() { vec![features] } else { vec![features, lists] })
}
