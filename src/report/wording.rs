//! Sentences, chosen by rules on the intervals. Nothing here is free text: a share is an accounting quantity, factors
//! travel with the gap, and what is left is not explained by the measured factors.

use super::numbers::{Units, level, outcome_name};
use super::study::{Interval, Part, Study, total};

/// What stands at the top for one index group.
pub struct Headline {
    pub lead: Vec<String>,
    /// Title of the contribution chart.
    pub title: String,
}

/// `1.9 (1.2 to 2.7)`.
fn with_limits(u: &Units, v: Interval) -> String {
    match v.limits {
        Some((low, high)) => format!("{}\u{a0}({})", u.lead(v.estimate), u.lead_range(low, high)),
        None => u.lead(v.estimate),
    }
}

pub fn headline(s: &Study, group: &str) -> Headline {
    let mut lead = vec![observed(s, group, &s.units(group, &s.meta.scale))];
    let mut title = format!("The gap between {} and {}", s.patients(group), s.patients(&s.meta.reference));
    if let Some(reason) = s.not_estimated(&s.meta.primary, group) {
        lead.push(sentence(&format!("The primary analysis could not be estimated: {}", s.in_words(reason))));
        return Headline { lead, title };
    }
    if let Some(reason) = s.blinded(&s.meta.primary, group) {
        lead.push(format!(
            "The division of the gap rests on a check that did not pass ({}). It is shown for completeness, marked, and not summed up in words.",
            inner(&super::checks::name(reason))
        ));
        title = "A division of the gap that rests on a check which did not pass \u{2020}".into();
        return Headline { lead, title };
    }
    let parts = s.parts(group, &s.meta.primary);
    // The analysis may be on another scale than the gap: log-odds, average partial effects.
    let u = s.units(group, &s.primary_scale(group));
    let Some(adjusted) = s.adjusted_gap(group, &s.meta.primary) else {
        if parts.iter().any(|p| p.withheld) {
            lead.push("Its parts are withheld: they rest on too few units or events.".into());
        }
        return Headline { lead, title };
    };
    let shares = parts.iter().any(|p| p.share.is_some());
    let distinct = adjusted.excludes_zero().unwrap_or(shares) && shares;
    let fair = s.allowables_in_words();
    // A division of fewer than all units says of whom it is.
    let place = super::hospital::population(s, group, &s.meta.primary).map(|place| format!(" {place}")).unwrap_or_default();
    let units = s.unit_name();
    let basis = if fair.is_empty() { format!("The gap{place}") } else { format!("Between {units} with the same {fair}{place} the gap") };
    if !distinct {
        let at = if fair.is_empty() { place } else { format!(" at the same {fair}{place}") };
        let size = match adjusted.limits {
            Some((low, high)) => format!("{} {}, {}", u.lead(adjusted.estimate), u.noun, u.lead_range(low, high)),
            None => format!("{} {}", u.lead(adjusted.estimate), u.noun),
        };
        lead.push(format!("The data do not show a gap{at} ({size}). Contributions are given in {}; shares are not.", u.noun));
        title = "Parts of a gap that the data cannot tell from none".into();
        return Headline { lead, title };
    }
    match s.method(&s.meta.primary).as_deref() {
        Some("khb") => {
            return Headline {
                lead: lead.into_iter().chain([of_coefficients(s, &u, &parts)]).collect(),
                title: "The group's coefficient with and without the blocks, on one scale".into(),
            };
        }
        Some("interventional" | "cdgd") => {
            let said = super::causal::readings_of(s, group, &s.meta.primary);
            let title = if s.method(&s.meta.primary).as_deref() == Some("cdgd") { "The gap by a treatment" } else { "The gap with blocks equalised" };
            return Headline { lead: lead.into_iter().chain(said).collect(), title: title.into() };
        }
        Some("hospital") => {
            let (title, said) = super::hospital::headline(s, group);
            let gap =
                (!fair.is_empty() || !place.is_empty()).then(|| format!("{basis} is {} {}.", u.lead(adjusted.estimate), limits_of(&u, adjusted)));
            return Headline { lead: lead.into_iter().chain(gap).chain(said).collect(), title };
        }
        Some("rank_and_replace") => {
            return Headline {
                lead: lead.into_iter().chain([of_need(s, group, &u, &parts)]).collect(),
                title: "Need, treated as fair, and all that is not need".into(),
            };
        }
        _ => {}
    }
    let mut sentence =
        if fair.is_empty() { String::new() } else { format!("{basis} is {} {}. ", u.lead(adjusted.estimate), limits_of(&u, adjusted)) };
    if let (Some(explained), Some(rest)) = (total(&parts, "explained"), total(&parts, "unexplained")) {
        sentence.push_str(&divided(s, &u, adjusted, explained, rest));
        let majority = parts.iter().any(|p| p.part == "explained" && p.component == "total" && p.share_limits.is_some_and(|(low, _)| low > 0.5));
        title = title_of(adjusted, explained, rest, majority).into();
    } else if let (Some(e), Some(c), Some(i)) = (total(&parts, "endowments"), total(&parts, "coefficients"), total(&parts, "interaction")) {
        sentence.push_str(&format!(
            "Of it, {} travels with different levels of the measured factors, {} with different coefficients, and {} with both together.",
            with_limits(&u, e),
            with_limits(&u, c),
            with_limits(&u, i)
        ));
        title = "The gap by levels, coefficients and both together".into();
    }
    if !sentence.trim().is_empty() {
        lead.push(sentence.trim().to_owned());
    }
    Headline { lead, title }
}

/// What a comparison of coefficients says: not a division of the observed gap.
fn of_coefficients(s: &Study, u: &Units, parts: &[Part]) -> String {
    let of = |part: &str| total(parts, part).map_or_else(String::new, |v| with_limits(u, v));
    let quantity = if s.setting(&s.meta.primary, "ape").as_deref() == Some("true") {
        format!("average partial effect of the group, in {}", u.word)
    } else {
        format!("coefficient of the group, in {}", u.word)
    };
    let fair = s.allowables_in_words();
    let given = if fair.is_empty() { String::new() } else { format!(" beside {fair}") };
    format!(
        "The {quantity}, is {} without the blocks{given} and {} with them, both on the scale of the model with them: it falls by {}. This is not a \
         division of the gap in means above.",
        of("gap"),
        of("unexplained"),
        of("explained")
    )
}

/// What rank and replace says: the index group with the reference group's need.
fn of_need(s: &Study, group: &str, u: &Units, parts: &[Part]) -> String {
    let of = |part: &str| total(parts, part).map_or_else(String::new, |v| with_limits(u, v));
    format!(
        "With the need of {} given to {} rank for rank, the gap is {} {}: the disparity in the sense of the Institute of Medicine, which holds what \
         travels with every factor that is not need. {} goes with need.",
        s.patients(&s.meta.reference),
        s.patients(group),
        of("unexplained"),
        u.noun,
        of("allowable")
    )
}

fn limits_of(u: &Units, v: Interval) -> String {
    match v.limits {
        Some((low, high)) => format!("{}\u{a0}({})", u.noun, u.lead_range(low, high)),
        None => u.noun.clone(),
    }
}

/// The two means and the gap as observed.
fn observed(s: &Study, group: &str, u: &Units) -> String {
    let (index, reference) = (s.patients(group), s.patients(&s.meta.reference));
    let outcome = inner(&outcome_name(s.meta));
    let Some((t, row)) = s.gap_row(group) else {
        return format!("No gap could be computed between {index} and {reference}.");
    };
    let gap = super::study::interval(t, row, "estimate");
    let (Some(gap), Some(y1), Some(y0)) = (gap, t.number(row, "mean_index"), t.number(row, "mean_reference")) else {
        return format!("The gap in {outcome} between {index} and {reference} is withheld: it rests on too few units or events.");
    };
    let (y1, y0) = (u.lead(y1), u.lead(y0));
    let means = match s.meta.family.as_str() {
        "binomial" => format!("The outcome, {outcome}, occurred in {y1} per 100 {index} and in {y0} per 100 {reference}"),
        "poisson" => format!("The rate of {outcome} was {y1} {} among {index} and {y0} among {reference}", u.word),
        _ => format!("The mean of {outcome} was {y1} {} among {index} and {y0} among {reference}", u.word),
    };
    let limits = gap.limits.map(|(low, high)| format!(" ({} interval {})", level(s.meta.level), u.lead_range(low, high))).unwrap_or_default();
    // A rate's unit is long and was named just before.
    let unit = if s.meta.family == "poisson" { "" } else { u.word.as_str() };
    let size = format!("{} {unit}", u.lead(gap.estimate));
    match gap.excludes_zero() {
        Some(false) => format!("{means}: a difference of {}{limits}, which the data cannot tell from none.", size.trim_end()),
        Some(true) | None => format!("{means}: a gap of {}{limits}.", size.trim_end()),
    }
}

/// Names that keep their capital inside a sentence.
const PROPER: [&str; 14] = [
    "Medicaid",
    "Medicare",
    "Tricare",
    "Hispanic",
    "Latino",
    "Black",
    "White",
    "Asian",
    "English",
    "Spanish",
    "Charlson",
    "Elixhauser",
    "Glasgow",
    "Apgar",
];

/// A label inside a sentence: its first letter small, unless it begins with an abbreviation or a name.
pub fn inner(label: &str) -> String {
    if PROPER.iter().any(|name| label.strip_prefix(name).is_some_and(|rest| !rest.starts_with(char::is_alphanumeric))) {
        return label.to_owned();
    }
    let mut chars = label.chars();
    match (chars.next(), chars.clone().next()) {
        (Some(first), Some(second)) if second.is_lowercase() || second == ' ' => first.to_lowercase().chain(chars).collect(),
        _ => label.to_owned(),
    }
}

/// A text as a sentence: a capital and a full stop.
pub fn sentence(text: &str) -> String {
    format!("{}.", super::study::capital(text.trim().trim_end_matches('.')))
}

/// How the adjusted gap divides into what travels with the blocks and what is left.
fn divided(s: &Study, u: &Units, adjusted: Interval, explained: Interval, rest: Interval) -> String {
    let blocks = s.all_blocks();
    let same_sign = explained.estimate * adjusted.estimate >= 0.0;
    let first = match (explained.excludes_zero(), same_sign) {
        (Some(false), _) => {
            format!("The data do not show that any of it travels with the {blocks} ({})", with_limits(u, explained))
        }
        (Some(true) | None, true) => format!("Of it, {} travels with the {blocks} taken together", with_limits(u, explained)),
        (Some(true) | None, false) => {
            format!(
                "The {blocks} taken together account for none of it: at the same factors the gap is larger (their part is {})",
                with_limits(u, explained)
            )
        }
    };
    let second = match rest.excludes_zero() {
        Some(false) => {
            format!("what is not explained by the measured factors is {}, which the data cannot tell from none", with_limits(u, rest))
        }
        Some(true) | None => format!("{} is not explained by the measured factors", with_limits(u, rest)),
    };
    format!("{first}; {second}.")
}

fn title_of(adjusted: Interval, explained: Interval, rest: Interval, majority: bool) -> &'static str {
    let same_sign = explained.estimate * adjusted.estimate >= 0.0;
    match (explained.excludes_zero(), same_sign) {
        (Some(false), _) => "The data do not show that the gap travels with the measured blocks",
        (Some(true) | None, false) => "At the same measured factors the gap is larger, not smaller",
        (Some(true) | None, true) if majority => "Most of the gap travels with the measured blocks together",
        (Some(true) | None, true) if rest.excludes_zero() == Some(true) => {
            "Part of the gap travels with the measured blocks, and part is not explained by them"
        }
        (Some(true) | None, true) => "Part of the gap travels with the measured blocks together",
    }
}

/// A method as people name it.
pub fn method_name(method: &str) -> &'static str {
    match method {
        "with_and_without" => "With and without the blocks",
        "oaxaca_blinder" => "Oaxaca-Blinder",
        "fairlie" => "Fairlie",
        "yun" => "Yun weights",
        "rank_and_replace" => "Rank and replace",
        "gelbach" => "Gelbach",
        "khb" => "Karlson, Holm and Breen",
        "mechanisms" => "Mechanism switch",
        "interventional" => "Interventional contrasts",
        "hospital" => "Where they go and how they fare there",
        "cdgd" => "Group-differential treatment",
        _ => "Other method",
    }
}

/// The family of a method, as every number must carry it.
pub fn family_name(family: &str) -> String {
    match family {
        "peer" => "peer convention".to_owned(),
        "" => "family not stated".to_owned(),
        other => format!("family {other}"),
    }
}

/// Method, settings and standing of an analysis, in one sentence.
pub fn analysis_note(s: &Study, analysis: &str) -> String {
    let Some(method) = s.method(analysis) else { return String::new() };
    let name = method_name(&method);
    let family = super::study::capital(&family_name(&s.family(analysis)));
    let settings: Vec<String> = s.settings(analysis).iter().filter_map(|(k, v)| setting_in_words(s, k, v)).collect();
    if settings.is_empty() { format!("{family}: {}.", lower(name)) } else { format!("{family}: {} ({}).", lower(name), settings.join("; ")) }
}

/// A setting of an analysis as people say it; nothing where it is what a reader expects anyhow.
pub fn setting_in_words(s: &Study, key: &str, value: &str) -> Option<String> {
    let said = match (key, value) {
        ("attribution", "shapley") => "averaged over all orders of the blocks",
        ("attribution", "sequential") => "blocks in their order",
        ("attribution", "first_in") => "each block entering first",
        ("attribution", "last_in") => "each block entering last",
        ("surface", "reference_model") => "outcome model of the reference group",
        ("surface", "index_model") => "outcome model of the index group",
        ("surface", "pooled_main") => "outcome model of both groups with a group indicator",
        ("surface", "pooled_interacted") => "outcome model of both groups with group interactions",
        ("estimator", "dr" | "one_step") => "doubly robust",
        ("estimator", "gcomp" | "plug_in") => "g-computation",
        ("estimator", "ipw") => "weighting",
        ("target", "index") => "standardised to the index group",
        ("target", "reference") => "standardised to the reference group",
        ("target", "pooled") => "standardised to both groups together",
        ("linear", "true") => "linear models",
        ("fold", "two") => "two-fold",
        ("fold", "three") => "three-fold",
        ("reference", "reference") => "coefficients of the reference group",
        ("reference", "index") => "coefficients of the index group",
        ("reference", "pooled") => "pooled coefficients",
        ("normalize", "true") => "levels normalised",
        ("se", "classical") => "standard errors as other programs print them",
        ("learner", "glm")
        | ("unsupported", "auto")
        | ("quadrature", "1")
        | ("se", "influence")
        | ("linear" | "detail" | "normalize" | "ape", "false") => return None,
        _ => {
            let given = value
                .split(" + ")
                .map(|v| if v == "allowable" { "the variables treated as fair".to_owned() } else { s.in_words(v).replace('_', " ") });
            return Some(format!("{} {}", key.replace('_', " "), given.collect::<Vec<_>>().join(" + ")));
        }
    };
    Some(said.to_owned())
}

/// A method's name inside a sentence.
pub fn lower(name: &str) -> String {
    let keep = ["Oaxaca", "Fairlie", "Yun", "Gelbach", "Karlson"].iter().any(|n| name.starts_with(n));
    let mut chars = name.chars();
    match chars.next() {
        Some(c) if !keep => c.to_lowercase().chain(chars).collect(),
        _ => name.to_owned(),
    }
}

/// Whether the groups are races or ethnicities, by the name of their column.
fn racial(s: &Study) -> bool {
    let name = s.meta.group.to_lowercase();
    let label = s.label(&s.meta.group).to_lowercase();
    [name, label].iter().any(|n| n.contains("race") || n.contains("racial") || n.contains("ethnic"))
}

/// What any reading of the numbers must respect, under the headline.
pub fn standing(s: &Study) -> String {
    let mut out = analysis_note(s, &s.meta.primary);
    out.push_str(if s.meta.causal_claims {
        " The study file declares causal claims: they rest on its assumptions, not on these tables."
    } else {
        " These are accounting quantities for this cohort: they do not say what changing any factor would achieve."
    });
    if racial(s) {
        out.push_str(" Race is recorded as a social classification and read as a marker of exposure to racism.");
    }
    out
}

/// What the numbers mean and where they end, a paragraph each.
pub fn limits(s: &Study) -> Vec<String> {
    let mut out = Vec::new();
    if racial(s) {
        out.push("Race is a social classification and a marker of exposure to racism; it is not studied as a cause.".to_owned());
    } else {
        out.push(format!("The groups are classes of {}; membership is described here, not studied as a cause.", s.label(&s.meta.group)));
    }
    let clinical = s.meta.blocks.keys().any(|b| matches!(b.as_str(), "bio" | "biology" | "biological" | "clinical"));
    if clinical {
        out.push(
            "Measured clinical status follows in part from social exposure and may be recorded with different error in the groups; its \
             contribution is how much of the gap travels with measured presentation."
                .to_owned(),
        );
    }
    let units = s.unit_name();
    out.push(format!(
        "A share is a contribution divided by the gap that remains once the variables treated as fair are the same. It depends on the family, \
         the order, those variables and the standard population; other choices give other shares for the same data. It can lie below 0% or above \
         100%, and it is not a percentage of {units}."
    ));
    out.push(format!(
        "What is not explained holds unmeasured factors, measurement error and differences in care between {units} alike on the measured \
         factors; it measures neither unequal treatment nor what cannot be changed. A small unexplained part would not show equity, because the \
         blocks are themselves pathways."
    ));
    out.push("A part that travels with a block is not thereby justified: that is said only by listing a variable as treated as fair.".to_owned());
    out.push(
        "Only the units of the cohort are described. Being in it may depend on the group and on factors that are not measured, which can bias any \
         comparison in either direction; the results hold for these places and years."
            .to_owned(),
    );
    out.push(format!("Intervals are {} and pointwise; no correction is made for the number of comparisons.", level(s.meta.level)));
    out
}
