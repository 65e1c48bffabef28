//! The methods paragraph of a paper, from the study and its tables.

use super::numbers::{count, level, outcome_name};
use super::study::{Study, list};
use super::wording::{inner, method_name};
use crate::release::schema;

/// Paragraphs on data, comparison and uncertainty.
pub fn methods(s: &Study) -> Vec<String> {
    vec![data(s), comparison(s), uncertainty(s)]
}

fn data(s: &Study) -> String {
    let meta = s.meta;
    let reference = s.patients(&meta.reference);
    let n = s.meta.index.first().and_then(|g| s.gap_row(g)).and_then(|(t, r)| t.int(r, "n_reference"));
    let sized = |name: String, role: &str, n: Option<i64>| match n {
        Some(n) => format!("{name} ({role}, n = {})", count(n)),
        None => format!("{name} ({role})"),
    };
    let index: Vec<String> =
        meta.index.iter().map(|g| sized(s.patients(g), "index group", s.gap_row(g).and_then(|(t, r)| t.int(r, "n_index")))).collect();
    let quantity = match meta.family.as_str() {
        "binomial" | "probit" => "risk",
        "poisson" => "rate",
        _ => "mean",
    };
    let mut text = format!(
        "{}We compared {} with {} by {}. The outcome was {}. The gap is the {quantity} of the index group minus the {quantity} of the reference group.",
        cohort(s).unwrap_or_default(),
        index.join(" and "),
        sized(reference, "reference group", n),
        inner(s.label(&meta.group)),
        inner(&outcome_name(meta))
    );
    if let Some(t) = s.table(&schema::ATTRITION) {
        let missing: Vec<String> = (0..t.rows.len())
            .filter(|&r| t.int(r, "n_removed") != Some(0))
            .filter_map(|r| t.text(r, "name").strip_prefix("missing: ").map(|v| inner(s.label(v))))
            .collect();
        if !missing.is_empty() {
            text.push_str(&format!(" Rows without a value of {} were left out.", list(&missing)));
        }
    }
    text
}

/// Who is in the study, where the counts may be shown: `Of 28,614 rows of encounters, 20,062 were analysed after these steps: ...`
fn cohort(s: &Study) -> Option<String> {
    let t = s.table(&schema::ATTRITION)?;
    let (first, last) = (0, t.rows.len().checked_sub(1)?);
    let (from, to) = (t.int(first, "n_after")?, t.int(last, "n_after")?);
    let steps: Vec<String> = (1..=last)
        .filter(|&r| t.int(r, "n_removed") != Some(0) && !t.text(r, "name").starts_with("missing: "))
        .map(|r| inner(&super::sections::step_name(s, t.text(r, "name"))))
        .collect();
    let source = inner(t.text(first, "name"));
    Some(match steps.len() {
        0 => format!("All {} {source} were analysed. ", count(to)),
        _ => format!("Of {} {source}, {} were analysed; the steps that kept them: {}. ", count(from), count(to), steps.join("; ")),
    })
}

fn comparison(s: &Study) -> String {
    let meta = s.meta;
    let fair = s.allowables_in_words();
    let mut text = match (meta.allowable.len(), s.setting(&meta.primary, "target").as_deref()) {
        (0, _) => "No variable was treated as fair.".to_owned(),
        (n, target) => {
            let was = if n == 1 { "was" } else { "were" };
            let to = match target {
                Some("index") => " and standardised to the index group",
                Some("reference") => " and standardised to the reference group",
                Some("pooled") => " and standardised to both groups together",
                _ => "",
            };
            format!("{} {was} treated as fair{to}.", super::study::capital(&fair))
        }
    };
    let blocks: Vec<String> = meta
        .blocks
        .iter()
        .map(|(b, variables)| format!("{} ({})", inner(&s.block(b)), list(&variables.iter().map(|v| inner(s.label(v))).collect::<Vec<_>>())))
        .collect();
    text.push_str(&format!(
        " {} declared: {}.",
        if blocks.len() == 1 { "One block was" } else { "These blocks were" },
        list_with_semicolons(&blocks)
    ));
    text.push(' ');
    text.push_str(&estimation(s));
    let others: Vec<String> = s.analyses().iter().filter(|a| **a != meta.primary).filter_map(|a| s.method(a)).fold(Vec::new(), |mut names, m| {
        let name = super::wording::lower(method_name(&m));
        if !names.contains(&name) {
            names.push(name);
        }
        names
    });
    if !others.is_empty() {
        text.push_str(&format!(" Further analyses, shown beside it: {}.", list(&others)));
    }
    text
}

fn list_with_semicolons(names: &[String]) -> String {
    names.join("; ")
}

/// How the primary analysis divides the gap.
fn estimation(s: &Study) -> String {
    let primary = &s.meta.primary;
    let method = s.method(primary).unwrap_or_default();
    if method != "with_and_without" {
        let settings: Vec<String> = s.settings(primary).iter().filter_map(|(k, v)| super::wording::setting_in_words(s, k, v)).collect();
        let told = if settings.is_empty() { String::new() } else { format!(" ({})", settings.join("; ")) };
        return format!("The gap was divided by the method {}{told}.", super::wording::lower(method_name(&method)));
    }
    let setting = |key: &str| s.setting(primary, key).unwrap_or_default();
    let learner = match setting("learner").as_str() {
        "" | "glm" => match s.meta.family.as_str() {
            "binomial" => "logistic models".to_owned(),
            "probit" => "probit models".to_owned(),
            "poisson" => "Poisson models".to_owned(),
            _ => "linear models".to_owned(),
        },
        other => format!("cross-fitted {} learners", other.replace('_', " ")),
    };
    let estimator = match setting("estimator").as_str() {
        "dr" if learner.starts_with("cross-fitted") || s.meta.family == "binomial" => {
            format!("by a doubly robust one-step estimator with {learner} of the outcome and of group membership")
        }
        "dr" => format!("by a doubly robust one-step estimator with {learner} of the outcome and logistic models of group membership"),
        _ => format!("by standardising predictions of {learner}"),
    };
    let surface = match setting("surface").as_str() {
        "pooled_main" => ", fitted in both groups with an indicator of the group",
        "pooled_interacted" => ", fitted in both groups with interactions of the group",
        _ => "",
    };
    let credit = match setting("attribution").as_str() {
        "sequential" => "Blocks were credited in their order in the study file",
        "first_in" => "Each block was credited with what it accounts for alone",
        "last_in" => "Each block was credited with what it accounts for beyond all others",
        _ => "Contributions are averages over all orders in which the blocks can enter (Shapley values)",
    };
    let index = s.meta.index.iter().map(|g| s.patients(g)).collect::<Vec<_>>();
    let adds = if matches!(setting("attribution").as_str(), "first_in" | "last_in") {
        ""
    } else {
        " and sum, with what is not explained, to the gap at the same values of the variables treated as fair"
    };
    format!(
        "For every set of blocks we estimated the mean outcome that {} would show with the outcomes of {} who have the same values, {estimator}{surface}. \
         {credit}{adds}.",
        list(&index),
        s.patients(&s.meta.reference)
    )
}

fn uncertainty(s: &Study) -> String {
    let clusters = match s.cluster_in_words() {
        Some(c) => {
            let df = cluster_count(s).map(|n| format!(" ({} of them; t with {} degrees of freedom)", count(n), count(n - 1))).unwrap_or_default();
            format!(", summed within clusters by {c}{df}")
        }
        None => String::new(),
    };
    let weights = s.meta.weight.as_ref().map(|w| format!(" Rows were weighted by {}.", inner(s.label(w)))).unwrap_or_default();
    let shares = if s.parts_have_shares() { " Shares of the gap use Fieller's method." } else { "" };
    let rule = match s.meta.min_cell {
        0 | 1 => String::new(),
        n => format!(" Counts from 1 to {} are withheld.", n - 1),
    };
    format!(
        "Intervals are {} and pointwise, from influence functions{clusters}.{shares}{weights}{rule} Analyses used gapshare {}.",
        level(s.meta.level),
        s.meta.version
    )
}

fn cluster_count(s: &Study) -> Option<i64> {
    let t = s.table(&schema::DIAGNOSTICS)?;
    (0..t.rows.len()).find(|&r| t.text(r, "check") == "clusters").and_then(|r| t.number(r, "value")).map(|v| v as i64)
}
