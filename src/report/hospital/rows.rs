//! The rows of the table `hospital` as a table that can be read: in groups, with labels in place of names.

use super::super::numbers::general;
use super::super::study::capital;
use super::super::view::{TableView, limits, marked, value, words};
use super::One;
use crate::release::{Table, schema};

/// Where a row stands, by the order of the table.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    ReferenceOutcomes,
    IndexOutcomes,
    Compared,
    Overall,
    Kitagawa,
    Contextual,
    Spread,
    Other,
}

/// Whether a number is in the unit of the outcome.
#[derive(Clone, Copy, PartialEq)]
enum Unit {
    Outcome,
    None,
}

/// Place, label and unit of a row. A name that is not known here keeps its own words.
fn known(name: &str, family: &str) -> (Place, String, Unit) {
    let of_family = match family {
        "A" => Place::ReferenceOutcomes,
        "B" => Place::IndexOutcomes,
        _ => Place::Other,
    };
    let (place, label, unit) = match name {
        "where_they_go" => (of_family, "Where they go", Unit::Outcome),
        "how_they_fare_there" => (of_family, "How they fare there", Unit::Outcome),
        "adjusted_gap" => (of_family, "Gap that the two divide", Unit::Outcome),
        "mean_index" => (of_family, "Mean of the index group", Unit::Outcome),
        "mean_patients" => (of_family, "Mean of comparable reference patients", Unit::Outcome),
        "mean_patients_and_hospital" => (of_family, "The same, at the index group's hospitals", Unit::Outcome),
        "mean_elsewhere" => (of_family, "Index group at the hospitals of comparable reference patients", Unit::Outcome),
        "where_they_go_borrowed" => (of_family, "Where they go, every hospital (missing outcomes borrowed)", Unit::Outcome),
        "how_they_fare_there_borrowed" => (of_family, "How they fare there, every hospital (borrowed)", Unit::Outcome),
        "difference" => (Place::Compared, "Where they go: B less A", Unit::Outcome),
        "standardised_risk" => (Place::Overall, "Where they go, overall: standardised outcome of the hospitals used", Unit::Outcome),
        "kitagawa_between" => (Place::Kitagawa, "Between hospitals, as observed", Unit::Outcome),
        "kitagawa_within" => (Place::Kitagawa, "Within hospitals, as observed", Unit::Outcome),
        "kitagawa_between_shared" => (Place::Kitagawa, "Between, only hospitals that both groups use", Unit::Outcome),
        "kitagawa_within_shared" => (Place::Kitagawa, "Within, only hospitals that both groups use", Unit::Outcome),
        "kitagawa_between_adjusted" => (Place::Kitagawa, "Between, adjusted for case mix", Unit::Outcome),
        "kitagawa_within_adjusted" => (Place::Kitagawa, "Within, adjusted for case mix", Unit::Outcome),
        "contextual_between" => (Place::Contextual, "Between hospitals", Unit::Outcome),
        "contextual_within" => (Place::Contextual, "Within hospitals", Unit::Outcome),
        "contextual_slope_between" => (Place::Contextual, "Slope on a hospital's share of the index group", Unit::Outcome),
        "contextual_lambda" => (Place::Contextual, "Lambda: part of the group's variance between hospitals", Unit::None),
        "intraclass_correlation" => (Place::Spread, "Intraclass correlation", Unit::None),
        "median_odds_ratio" => (Place::Spread, "Median odds ratio", Unit::None),
        other => return (Place::Other, capital(&other.replace('_', " ")), Unit::None),
    };
    (place, label.to_owned(), unit)
}

/// The rows of one analysis of one index group; nothing where it has none.
pub fn table(one: &One) -> Option<TableView> {
    let s = one.s;
    let t = s.table(&schema::HOSPITAL)?;
    let mut rows: Vec<(Place, String, Unit, usize)> = one
        .rows_of(t)
        .into_iter()
        .map(|r| {
            let (place, label, unit) = known(t.text(r, "row"), t.text(r, "family"));
            (place, label, unit, r)
        })
        .collect();
    rows.sort_by_key(|(place, ..)| *place);
    let blinded = rows.iter().any(|(.., r)| t.flag(*r, "blinded"));
    let mark = if blinded { " \u{2020}" } else { "" };
    let u = one.units();
    let mut view = TableView::new(format!("{}{mark}: {} and {}", one.analysis, one.index(), one.reference()))
        .left("", "")
        .right(u.short.clone(), "Index minus reference, or a mean")
        .right(s.interval_head(), "Confidence interval");
    let mut now = None;
    for (place, label, unit, r) in &rows {
        if now != Some(*place) {
            view.group(heading(one, *place));
            now = Some(*place);
        }
        let pair = matches!(t.text(*r, "row"), "where_they_go" | "how_they_fare_there");
        let (estimate, interval) = match unit {
            Unit::Outcome => (value(t, *r, "estimate", |v| u.show(v)), limits(t, *r, &u)),
            Unit::None => (value(t, *r, "estimate", general), plain_limits(t, *r)),
        };
        view.row(if pair { "strong" } else { "sub" }, vec![words(label.clone()), estimate, interval]);
    }
    if rows.is_empty() {
        return None;
    }
    view.note(note(one, t, &rows, blinded));
    Some(view)
}

fn heading(one: &One, place: Place) -> String {
    let at = |family: &str| one.restricted(family).map(|hospitals| format!(", at {hospitals}")).unwrap_or_default();
    match place {
        Place::ReferenceOutcomes => format!("By the outcomes of {} (family A){}", one.reference(), at("A")),
        Place::IndexOutcomes => format!("By the outcomes of {} themselves (family B){}", one.index(), at("B")),
        Place::Compared => "The two compared".to_owned(),
        Place::Overall => "Unequal use overall; no part of the sums".to_owned(),
        Place::Kitagawa => "Divided hospital by hospital (Kitagawa)".to_owned(),
        Place::Contextual => "Linear model of the group and its hospital mean".to_owned(),
        Place::Spread => "How much hospitals differ for comparable patients".to_owned(),
        Place::Other => "Other rows".to_owned(),
    }
}

fn plain_limits(t: &Table, r: usize) -> super::super::view::Shown {
    match t.number(r, "conf_low").zip(t.number(r, "conf_high")) {
        Some((low, high)) => marked("r", format!("{}\u{a0}to\u{a0}{}", general(low), general(high))),
        None => super::super::view::absent(t, r),
    }
}

fn note(one: &One, t: &Table, rows: &[(Place, String, Unit, usize)], blinded: bool) -> String {
    let given = one.given();
    let mut out = vec![match one.s.meta.family.as_str() {
        "binomial" => "Differences are in percentage points, means per 100.".to_owned(),
        _ => format!("In {}.", one.units().word),
    }];
    if !given.is_empty() {
        out.push(format!("Comparable: the same {given}."));
    }
    let mut reasons: Vec<&str> = Vec::new();
    for (.., r) in rows {
        if let Some(why) = t.cell(*r, "reason").text().filter(|why| !why.is_empty() && !reasons.contains(why)) {
            reasons.push(why);
        }
    }
    out.extend(reasons.iter().map(|why| format!("A dash where {}.", why.trim_end_matches('.'))));
    if blinded {
        out.push("\u{2020} A check that this analysis rests on did not pass.".to_owned());
    }
    out.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_that_is_not_known_keeps_its_own_words() {
        let (place, label, _) = known("some_new_row", "A");
        assert!(place == Place::Other && label == "Some new row");
        assert!(known("where_they_go", "B").0 == Place::IndexOutcomes);
    }
}
