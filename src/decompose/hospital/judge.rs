//! What the data are too thin for, and what the reader is warned of (METHODS 5.5(d), refuse and flag).

use super::roster::{Counts, Roster};
use super::table::{gap_between, reason, too_much_borrowed};
use super::{AUTO, Hospital, Populations, REFUSED, refused};
use crate::decompose::{DecomposeError, Fact, Verdict};
use crate::design::{Column, Contrast};
use crate::vocab::{BlockSet, Family, Role};

const HOSPITALS_WITH_BOTH: usize = 5;
/// Refused below the first, flagged below the second.
const EVENTS: (f64, f64) = (20.0, 50.0);
const EFFECTIVE: (f64, f64) = (50.0, 100.0);
/// Refused above the first, flagged above the second.
const LARGEST_WEIGHT: (f64, f64) = (0.10, 0.05);
const THIN: f64 = 0.5;

/// What the figures say of the two families.
pub struct Judged {
    /// 0: family A; 1: family B, where A has no estimate.
    pub headline: usize,
    /// Why a family has no estimate.
    pub refusals: [Option<String>; 2],
    pub facts: Vec<Fact>,
}

/// What can be said before anything is fitted.
///
/// Errors: [`DecomposeError::Refused`] for too few hospitals with both groups, or too few events.
pub fn enough(c: &Contrast<'_>, roster: &Roster<'_>, counts: &Counts) -> Result<(), DecomposeError> {
    let both = counts.with_both();
    if both < HOSPITALS_WITH_BOTH {
        let reason = format!("{both} hospitals have units of both groups, and at least {HOSPITALS_WITH_BOTH} are needed");
        return Err(refused(reason, "with so few shared hospitals, compare them one by one, or use `effects: characteristics`"));
    }
    few_events(c, roster, counts, None).map_or(Ok(()), |reason| Err(thin(reason)))
}

/// Errors: [`DecomposeError::Refused`] where neither family has an estimate.
pub fn judge(settings: &Hospital, c: &Contrast<'_>, roster: &Roster<'_>, counts: &Counts, p: &Populations) -> Result<Judged, DecomposeError> {
    let mass = [p.all.support.unsupported_index, p.all.support.unsupported_reference];
    let refusals = [0, 1].map(|family| {
        let s = p.of(family).support;
        let (ess, largest) = [(s.ess_reference, s.max_reference), (s.ess_index, s.max_index)][family];
        too_much_borrowed(family, mass[family])
            .or_else(|| p.failed[family].as_ref().map(|e| format!("without the hospitals that lack a group: {}", reason(e))))
            .or_else(|| few_events(c, roster, counts, p.restricted[family].is_some().then_some(family)))
            // a(A) is in the rows of both families (METHODS 5.5(d) names the weights by hospital only).
            .or_else(|| too_thin("the weights that make reference units like index units, hospitals aside,", s.ess_patients, s.max_patients))
            .or_else(|| too_thin("its weights", ess, largest))
            .or_else(|| (family == 1).then(|| p.of(1).elsewhere.as_ref().err().map(reason)).flatten())
    });
    let headline = match &refusals {
        [None, _] => 0,
        [Some(_), None] => 1,
        [Some(a), Some(b)] if a == b => return Err(thin(a.clone())),
        [Some(a), Some(b)] => return Err(thin(format!("by reference units' outcomes: {a}; by index units' outcomes: {b}"))),
    };
    let mut facts = vec![
        Fact::informs("hospitals", Some(counts.with_units() as f64), "hospitals with units of the comparison"),
        Fact::judged(
            "hospitals_with_both",
            counts.with_both() as f64,
            Verdict::Passes(HOSPITALS_WITH_BOTH as f64),
            "hospitals with units of both groups",
        ),
    ];
    facts.extend([0, 1].map(|family| unsupported(settings, c, roster, counts, p, family, mass[family])));
    for (family, reason) in refusals.iter().enumerate().filter_map(|(f, r)| r.as_ref().map(|r| (f, r))) {
        let name = ["A", "B"][family];
        let rest = if family == 0 { "; the parts of the gap are those of family B, index units' own outcomes" } else { "" };
        facts.push(Fact::judged("family_refused", f64::NAN, Verdict::Warns(0.0), format!("family {name} has no estimate: {reason}{rest}")));
    }
    facts.extend(flags(c, roster, counts, p, &refusals));
    Ok(Judged { headline, refusals, facts })
}

/// Whether a column of the design differs between units of one hospital.
fn varies_within(c: &Contrast<'_>, roster: &Roster<'_>, column: usize) -> bool {
    let mut first: Vec<Option<f64>> = vec![None; roster.len()];
    c.units().filter(|&i| c.w[i] > 0.0).any(|i| {
        let v = c.design.x[[i, column]];
        v != *first[roster.of(i)].get_or_insert(v)
    })
}

/// The columns of blocks, by term, that differ within hospitals, and those that do not.
fn columns_of(c: &Contrast<'_>, roster: &Roster<'_>, within: BlockSet) -> (Vec<String>, Vec<String>) {
    let of_blocks = |(j, column): (usize, &Column)| matches!(column.role, Role::Block(k) if within.contains(k)).then_some((j, column.term.clone()));
    let columns = c.design.columns.iter().enumerate().filter_map(of_blocks);
    let (differ, same): (Vec<_>, Vec<_>) = columns.partition(|(j, _)| varies_within(c, roster, *j));
    let terms = |of: Vec<(usize, String)>| of.into_iter().map(|(_, term)| term).collect();
    (terms(differ), terms(same))
}

/// Where the study does not say what patients are compared given, the last block is taken to be the hospitals' own. Then its columns are the same
/// for all units of a hospital; else patients would be compared without what is theirs.
pub fn block_of_hospitals(settings: &Hospital, c: &Contrast<'_>, roster: &Roster<'_>) -> Result<(), DecomposeError> {
    let Some(block) = settings.block else { return Ok(()) };
    let (differ, _) = columns_of(c, roster, BlockSet::one(block));
    if differ.is_empty() {
        return Ok(());
    }
    let name = c.design.blocks.get(block).map_or("", String::as_str);
    let reason = format!(
        "the block `{name}` is taken to be the hospitals', since the analysis does not say what patients are compared given, and {} differs between units of one hospital",
        differ.join(", ")
    );
    Err(refused(reason, "write `given`, with every block that is the patients' own: `given: [allowable, ...]`"))
}

/// Columns that patients are compared given and that are the hospitals' own.
pub fn given_hospitals(settings: &Hospital, c: &Contrast<'_>, roster: &Roster<'_>) -> Option<Fact> {
    let many = c.units().filter(|&i| c.w[i] > 0.0).count() >= 2 * roster.len();
    let (_, same) = columns_of(c, roster, settings.given);
    (many && !same.is_empty()).then(|| {
        let message = format!(
            "columns that patients are compared given and that are the same for all units of a hospital: {}. Where they go is then between hospitals that are alike in them",
            same.join(", ")
        );
        Fact::judged("given_of_hospitals", same.len() as f64, Verdict::Warns(0.0), message)
    })
}

/// Why weights rest on too few units, if they do.
fn too_thin(which: &str, ess: f64, largest: f64) -> Option<String> {
    if ess.is_nan() || ess < EFFECTIVE.0 {
        return Some(format!("{which} are worth {ess:.0} units, and at least {} are needed", EFFECTIVE.0));
    }
    (largest > LARGEST_WEIGHT.0)
        .then(|| format!("one unit carries {:.0}% of the weight (at most {:.0}%) where {which} are used", 100.0 * largest, 100.0 * LARGEST_WEIGHT.0))
}

fn thin(reason: String) -> DecomposeError {
    refused(reason, "widen the cohort or the definition of the event, merge hospitals, or use `effects: characteristics`")
}

/// Units and events (or non-events, whichever are fewer) of each group, without the hospitals that lack group `dropped`.
fn events(c: &Contrast<'_>, roster: &Roster<'_>, counts: &Counts, dropped: Option<usize>) -> [f64; 2] {
    [c.reference(), c.index()].map(|rows| {
        let kept = |i: &usize| c.w[*i] > 0.0 && !dropped.is_some_and(|r| counts.lacks(roster.of(*i), r));
        let (n, events) = rows.filter(kept).fold((0.0, 0.0), |(n, e), i| (n + 1.0, e + c.design.y[i]));
        match c.design.family {
            Family::Gaussian => n,
            Family::Poisson => events,
            Family::Binomial | Family::Probit => events.min(n - events),
        }
    })
}

fn what(family: Family) -> &'static str {
    match family {
        Family::Gaussian => "units",
        Family::Poisson => "events",
        Family::Binomial | Family::Probit => "events or non-events",
    }
}

fn few_events(c: &Contrast<'_>, roster: &Roster<'_>, counts: &Counts, dropped: Option<usize>) -> Option<String> {
    let found = events(c, roster, counts, dropped);
    let (group, _) = ["reference", "index"].into_iter().zip(found).find(|(_, n)| *n < EVENTS.0)?;
    // The number itself may be too small to show.
    Some(format!("the {group} group has fewer than {} {}", EVENTS.0, what(c.design.family)))
}

fn unsupported(settings: &Hospital, c: &Contrast<'_>, roster: &Roster<'_>, counts: &Counts, p: &Populations, family: usize, mass: f64) -> Fact {
    let check = ["unsupported_index_share", "unsupported_reference_share"][family];
    let rows = if family == 0 { c.index() } else { c.reference() };
    let of = rows.clone().filter(|&i| c.w[i] > 0.0).count();
    let n = rows.filter(|&i| c.w[i] > 0.0 && counts.lacks(roster.of(i), family)).count();
    let whose = ["index units at hospitals without reference units", "reference units, weighted to index units, at hospitals without index units"];
    let done = match (mass, &p.restricted[family]) {
        (0.0, _) => "",
        (_, Some(_)) => ": these hospitals are left out of the family's rows, which are those of the others and of their gap",
        (m, None) if m > REFUSED => "",
        (_, None) => ": the other group's outcomes there stand for the missing ones",
    };
    let asked = if mass > 0.0 { format!(" (`unsupported: {}`)", settings.unsupported.name()) } else { String::new() };
    let verdict = if mass > AUTO { Verdict::Warns(AUTO) } else { Verdict::Passes(AUTO) };
    let letter = ["A", "B"][family];
    Fact::judged(check, mass, verdict, format!("share of {}{done}{asked}; family {letter} rests on it", whose[family])).counting(n, Some(of))
}

fn flags(c: &Contrast<'_>, roster: &Roster<'_>, counts: &Counts, p: &Populations, refusals: &[Option<String>; 2]) -> Vec<Fact> {
    let mut out = Vec::new();
    let at_least = |value: f64, limit: f64| if value < limit { Verdict::Warns(limit) } else { Verdict::Passes(limit) };
    let at_most = |value: f64, limit: f64| if value > limit { Verdict::Warns(limit) } else { Verdict::Passes(limit) };
    let names = [("hospital_events_reference", "reference"), ("hospital_events_index", "index")];
    for ((check, group), value) in names.into_iter().zip(events(c, roster, counts, None)) {
        let message = format!("{} of the {group} group", what(c.design.family));
        out.push(Fact::judged(check, value, at_least(value, EVENTS.1), message).counting(value.max(0.0) as usize, None));
    }
    let s = p.of(usize::from(refusals[0].is_some())).support;
    let whose = "reference units weighted to look like index units, hospitals aside";
    let message = format!("what {whose} are worth, in units (Kish); both families rest on them");
    out.push(Fact::judged("effective_size_patients", s.ess_patients, at_least(s.ess_patients, EFFECTIVE.1), message));
    let message = format!("largest share of one unit in the weights of {whose}");
    out.push(Fact::judged("largest_weight_patients", s.max_patients, at_most(s.max_patients, LARGEST_WEIGHT.1), message));
    for family in [0, 1].into_iter().filter(|f| refusals[*f].is_none()) {
        let s = p.of(family).support;
        let (names, ess, largest, whose) = [
            (
                ["effective_size_reference", "largest_weight_reference"],
                s.ess_reference,
                s.max_reference,
                "reference units weighted to index units of the same hospital",
            ),
            (
                ["effective_size_index", "largest_weight_index"],
                s.ess_index,
                s.max_index,
                "index units weighted to the hospitals of similar reference units",
            ),
        ][family];
        out.push(Fact::judged(names[0], ess, at_least(ess, EFFECTIVE.1), format!("what {whose} are worth, in units (Kish)")));
        out.push(Fact::judged(names[1], largest, at_most(largest, LARGEST_WEIGHT.1), format!("largest share of one unit in the weights of {whose}")));
    }
    if refusals[1].is_none() {
        let thin = p.of(1).support.thin;
        let message = "share of reference units, weighted to index units, at hospitals with fewer than 5 index units (family B)";
        out.push(Fact::judged("thin_hospitals", thin, at_most(thin, THIN), message));
    }
    if let (None, None, Ok(d)) = (&refusals[0], &refusals[1], p.compared().and_then(gap_between)) {
        let error = d.influence.iter().map(|v| v * v).sum::<f64>().sqrt() / d.influence.len() as f64;
        let ratio = d.value.abs() / error;
        let message = match ratio > 2.0 {
            true => {
                "difference of the two versions of where they go, in standard errors: the gap is not the same at all hospitals, and the two ways of dividing it disagree: report both"
            }
            false => "difference of the two versions of where they go, in standard errors",
        };
        out.push(Fact::judged("families_disagree", ratio, at_most(ratio, 2.0), message));
    }
    out
}
