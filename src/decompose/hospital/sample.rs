//! Hospitals as a sample of more: every row again without each hospital in turn (CV3; METHODS 5.5(d) and 6.2).

use super::judge::Judged;
use super::means::Errors;
use super::roster::{Roster, without};
use super::table::{HospitalRow, HospitalValue, Kitagawas};
use super::{Hospital, Populations, WHERE_THEY_GO, refused};
use crate::decompose::fits::Fits;
use crate::decompose::{Component, DecomposeError, Fact, Part, Row};
use crate::estimate::Estimate;

/// Fewer hospitals give no intervals at all, and fewer than the second none for where they go, which would cover too little.
const FEWEST: usize = 20;
const FEWEST_FOR_SORTING: usize = 40;

/// Replaces the influences by those of hospitals, `(G - 1)(theta - theta_without_h)`: with G/(G-1) sum / G^2 they give the jackknife's
/// variance `(G - 1)/G sum_h (theta_without_h - theta)^2`.
///
/// Errors: fewer than 20 hospitals; a model without one of the hospitals has no fit.
pub fn jackknife(
    settings: &Hospital,
    fits: &Fits<'_>,
    roster: &Roster<'_>,
    populations: &Populations,
    judged: &Judged,
    rows: &mut [Row],
    table: &mut [HospitalRow],
) -> Result<Fact, DecomposeError> {
    let counts = roster.counts(fits.contrast);
    let listed: Vec<usize> = (0..roster.len()).filter(|&h| counts.units[h] != [0, 0]).collect();
    let g = listed.len();
    if g < FEWEST {
        let reason = format!("{g} hospitals are too few to speak of hospitals that are not in the data: at least {FEWEST} are needed");
        return Err(refused(reason, "write `hospitals_as: population`: the intervals are then for these hospitals"));
    }
    let restrict = [0, 1].map(|f| populations.restricted[f].is_some());
    let mut moved: Vec<Vec<f64>> = vec![Vec::new(); rows.len()];
    let mut moved_table: Vec<Vec<f64>> = vec![Vec::new(); table.len()];
    for left_out in listed {
        let c = without(fits.contrast, roster, |h| h == left_out);
        let fits = Fits::new(&c);
        let counts = roster.counts(&c);
        let again = settings.populations(&fits, roster, &counts, Some(restrict), Errors::None).and_then(|p| {
            let divided = Kitagawas::new(&fits, roster, &counts, settings.given);
            settings.values(&fits, roster, &p, judged, &divided)
        });
        let (some_rows, some_table) = again.map_err(|e| {
            let reason = format!("without one of the hospitals there is no estimate: {e}");
            refused(reason, "write `hospitals_as: population`, or merge hospitals")
        })?;
        let shift = |all: f64, rest: f64| (g as f64 - 1.0) * (all - rest);
        for ((out, all), rest) in moved.iter_mut().zip(rows.iter()).zip(&some_rows) {
            out.push(shift(all.estimate.value, rest.estimate.value));
        }
        for ((out, all), rest) in moved_table.iter_mut().zip(table.iter()).zip(&some_table) {
            out.push(match (&all.value, &rest.value) {
                (HospitalValue::Estimate(all), HospitalValue::Estimate(rest)) => shift(all.value, rest.value),
                _ => f64::NAN,
            });
        }
    }
    let few = g < FEWEST_FOR_SORTING;
    let put = |e: &mut Estimate, influence: Vec<f64>, sorting: bool| {
        e.influence = if few && sorting { vec![f64::NAN; g] } else { influence };
    };
    for (r, influence) in rows.iter_mut().zip(moved) {
        let sorting = r.component == WHERE_THEY_GO || (r.part == Part::Explained && r.component == Component::Total);
        put(&mut r.estimate, influence, sorting);
    }
    for (r, influence) in table.iter_mut().zip(moved_table) {
        if let HospitalValue::Estimate(e) = &mut r.value {
            put(e, influence, matches!(r.name, "where_they_go" | "where_they_go_borrowed" | "standardised_risk"));
        }
    }
    let message = match few {
        true => format!("hospitals that were left out in turn; with fewer than {FEWEST_FOR_SORTING} where they go has no interval of this kind"),
        false => "hospitals that were left out in turn; the intervals of where they go are approximate".to_owned(),
    };
    Ok(Fact::informs("hospitals_left_out", Some(g as f64), message))
}
