//! Result tables -> one self-contained report.html; reads tables only.
//!
//! No request and no image: styles, charts and a small script stand in the page, which reads the same without the script. What is withheld is
//! not in [`ResultTables`], so it cannot be shown here.

mod causal;
mod characteristics;
mod chart;
mod checks;
mod compared;
mod csv;
mod derived;
mod figure;
mod graph;
mod hospital;
mod methods;
mod missing;
mod numbers;
mod page;
mod paper;
mod prose;
mod reporting;
mod sections;
mod study;
mod terminal;
#[cfg(test)]
mod tests;
mod varied;
mod view;
mod wording;

pub use paper::{PaperRow, PaperTable, RowKind, paper_tables};
pub use terminal::terminal_table;

use crate::error::{Problem, Problems, codes};
use crate::release::{ResultTables, schema};
use figure::Drawn;
use indexmap::IndexMap;
use page::Section;
use serde::Serialize;
use study::Study;

const TEMPLATE: &str = include_str!("template.html");
const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");
/// The colours of REPORT_DESIGN section 3; those of blocks 1 to 3 are told apart by every kind of colour vision.
const LIGHT: &str = "--bg:#fff;--panel:#f6f7f8;--ink:#1b1f24;--ink2:#4a525c;--ink3:#636c76;--rule:#d9dde2;--grid:#e8ebee;--link:#0b5cad;--k1:#b45309;--k2:#0f766e;--k3:#5b45b8;--k4:#9d174d;--k5:#1d6fa5;--k6:#5f6b00;--tot:#4a525c;--fair:#8a929b;--open:#636c76;--mut:#7b848e;--ok:#1a6b35;--bad:#a1260d;--badbg:#fdf3f0;color-scheme:light;";
const DARK: &str = "--bg:#12161b;--panel:#1a1f26;--ink:#e7eaed;--ink2:#a9b2bc;--ink3:#8c96a1;--rule:#333b45;--grid:#262d35;--link:#7fb8f0;--k1:#f0a44a;--k2:#45c4b0;--k3:#a79bf7;--k4:#f28cb8;--k5:#6fb7ea;--k6:#c5cf5a;--tot:#a9b2bc;--fair:#6d7782;--open:#a9b2bc;--mut:#7e8893;--ok:#7bd09a;--bad:#ff9a85;--badbg:#2a1c1a;color-scheme:dark;";

#[derive(Serialize)]
struct Page {
    style: String,
    script: &'static str,
    title: String,
    byline: String,
    groups: Vec<Group>,
    standing: String,
    alerts: Vec<Alert>,
    sections: Vec<Section>,
    facts: Vec<(String, String)>,
}

/// Headline and chart of one index group.
#[derive(Serialize)]
struct Group {
    lead: Vec<String>,
    figure: Option<Drawn>,
}

#[derive(Serialize)]
struct Alert {
    head: String,
    text: String,
    /// An anchor of the page that says more.
    link: Option<&'static str>,
}

/// A drawing with its words.
#[derive(Serialize)]
struct Figure {
    number: usize,
    title: String,
    caption: String,
    note: String,
    /// SVG of our own, already escaped.
    svg: String,
}

/// The whole report as one HTML page.
///
/// Errors: `G901` if the template cannot be rendered.
pub fn render(tables: &ResultTables) -> Result<String, Problems> {
    let s = Study::new(tables);
    let page = page(&s);
    let bug = |e: minijinja::Error| vec![Problem::error(codes::G901, format!("report.html: {e:#}"))];
    let mut environment = minijinja::Environment::new();
    environment.set_undefined_behavior(minijinja::UndefinedBehavior::Strict);
    environment.add_filter("code", code);
    // The name ends in .html, so every value is escaped unless the template says `safe`.
    environment.add_template("report.html", TEMPLATE).map_err(bug)?;
    let template = environment.get_template("report.html").map_err(bug)?;
    template.render(minijinja::value::Serde(&page)).map_err(bug)
}

/// A message of the program: what stands between back quotes is code, large numbers have commas.
fn code(text: &str) -> minijinja::Value {
    let escaped = |t: &str| minijinja::HtmlEscape(t).to_string();
    let pieces: Vec<&str> = text.split('`').collect();
    // An odd quote is a character like others.
    if pieces.len().is_multiple_of(2) {
        return minijinja::Value::from_safe_string(escaped(text));
    }
    let html = pieces.iter().enumerate().map(|(at, t)| if at % 2 == 1 { format!("<code>{}</code>", escaped(t)) } else { escaped(&with_commas(t)) });
    minijinja::Value::from_safe_string(html.collect())
}

/// Whole numbers of five digits and more with commas; other digits, as those of codes, names and decimals, stay.
fn with_commas(text: &str) -> String {
    let of_number = |c: char| c.is_alphanumeric() || matches!(c, '.' | ',' | '_' | '-' | ':' | '/');
    let mut out = String::new();
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        let free = !rest[..start].ends_with(of_number);
        let end = start + rest[start..].find(|c: char| !of_number(c)).unwrap_or(rest.len() - start);
        let word = &rest[start..end];
        let digits = word.trim_end_matches([',', '.', ':']);
        out.push_str(&rest[..start]);
        match digits.parse::<i64>() {
            Ok(n) if free && digits.len() >= 5 && digits.bytes().all(|b| b.is_ascii_digit()) => {
                out.push_str(&numbers::count(n));
                out.push_str(&word[digits.len()..]);
            }
            _ => out.push_str(word),
        }
        rest = &rest[end..];
    }
    out + rest
}

fn page(s: &Study) -> Page {
    let meta = s.meta;
    let mut byline = vec![meta.study.clone()];
    byline.extend(sections::analysed(s).map(|n| format!("{} {} analysed", numbers::count(n), s.unit_name())));
    byline.extend(s.cluster_in_words().map(|c| format!("clustered by {c}")));
    byline.extend(meta.weight.as_ref().map(|w| format!("weighted by {}", s.label(w))));
    let mut groups: Vec<Group> = meta.index.iter().enumerate().map(|(at, g)| group(s, at, g)).collect();
    let sections = page::sections(s, &mut groups);
    Page {
        style: STYLE.replace("/*light*/", LIGHT).replace("/*dark*/", DARK),
        script: SCRIPT,
        title: if meta.title.is_empty() { meta.study.clone() } else { meta.title.clone() },
        byline: byline.join(" \u{b7} "),
        groups,
        standing: wording::standing(s),
        alerts: alerts(s),
        sections,
        facts: facts(s),
    }
}

fn group(s: &Study, at: usize, group: &str) -> Group {
    let headline = wording::headline(s, group);
    let open = match s.method(&s.meta.primary).as_deref() {
        Some("hospital") => "what is left between comparable patients of the same hospitals",
        _ => "what the measured factors do not explain",
    };
    let caption = format!(
        "In {}. Grey bars from 0 are gaps; floating bars are the parts that make one gap the next; the open bar is {open}.",
        s.units(group, &s.primary_scale(group)).word
    );
    let mut note = format!(
        "Whisker: {} interval of the bar that it stands on, at the end that the bar reaches with its start held fixed. Parts are rounded one by one.",
        numbers::level(s.meta.level)
    );
    // A part of the other sign than the gap makes what follows larger, which a bar alone does not say.
    let parts = s.parts(group, &s.meta.primary);
    if let (Some(gap), Some(fair)) = (study::total(&parts, "gap"), study::total(&parts, "allowable"))
        && fair.excludes_zero() == Some(true)
        && gap.excludes_zero() == Some(true)
        && gap.estimate * fair.estimate < 0.0
    {
        let sign = if fair.estimate < 0.0 { "negative" } else { "positive" };
        note.push_str(&format!(" What is treated as fair is {sign}: at the same {} the gap is larger than as observed.", s.allowables_in_words()));
    }
    if s.meta.blocks.len() > 1 {
        note.push_str(" The blocks are not ranked: that would take intervals of their differences.");
    }
    if s.blinded(&s.meta.primary, group).is_some() {
        note.push_str(" \u{2020} A check that these estimates rest on did not pass; see above.");
    }
    let words = figure::captioned(headline.title, caption, note);
    let figure = chart::waterfall::figure(s, group, words, format!("parts-{}", at + 1));
    Group { lead: headline.lead, figure }
}

/// What a reader must know before any number.
fn alerts(s: &Study) -> Vec<Alert> {
    let mut out = Vec::new();
    for (analysis, group, reason) in &s.meta.not_estimated {
        let head = format!("{}, {}: not estimated.", study::capital(&analysis.replace('_', " ")), s.patients(group));
        out.push(Alert { head, text: wording::sentence(&s.in_words(reason)), link: None });
    }
    for (analysis, group, reason) in &s.meta.blinded {
        let head =
            format!("{}, {}: a check that the estimates rest on did not pass.", study::capital(&analysis.replace('_', " ")), s.patients(group));
        out.push(Alert { head, text: wording::sentence(&checks::name(reason)), link: None });
    }
    if let Some(t) = s.table(&schema::DIAGNOSTICS) {
        let failed: Vec<usize> = (0..t.rows.len()).filter(|&r| t.cell(r, "passed").bool() == Some(false)).collect();
        if !failed.is_empty() {
            // By check, the groups that it did not pass for; what each means stands in the section of checks.
            let mut by_check: IndexMap<String, Vec<&str>> = IndexMap::new();
            for &r in &failed {
                let groups = by_check.entry(wording::inner(&checks::name(t.text(r, "check")))).or_default();
                let group = t.text(r, "index_group");
                if !group.is_empty() && !groups.contains(&group) {
                    groups.push(group);
                }
            }
            let several = s.meta.index.len() > 1;
            let told = by_check
                .into_iter()
                .map(|(check, groups)| if several && !groups.is_empty() { format!("{check} ({})", groups.join(", ")) } else { check });
            let told = told.collect::<Vec<_>>().join("; ");
            let total = (0..t.rows.len()).filter(|&r| t.cell(r, "passed").bool().is_some()).count();
            out.push(Alert {
                head: format!("{} of {total} checks did not pass.", failed.len()),
                text: wording::sentence(&told),
                link: Some("#checks"),
            });
        }
    }
    out
}

/// What is needed to run it again.
fn facts(s: &Study) -> Vec<(String, String)> {
    let meta = s.meta;
    let fact = |k: &str, v: String| (k.to_owned(), v);
    let mut out = vec![fact("Program", format!("gapshare {}", meta.version))];
    if !meta.study_file.is_empty() {
        out.push(fact("Study file", meta.study_file.clone()));
    }
    if !meta.study_sha256.is_empty() {
        out.push(fact("sha256", meta.study_sha256.clone()));
    }
    if !meta.study_file.is_empty() {
        out.push(fact("Command", format!("gapshare run {}", meta.study_file)));
    } else {
        out.push(fact("Study file", "study.resolved.yaml beside this page: gapshare run study.resolved.yaml gives these results".into()));
        out.push(fact("Inputs", "named in run.json, each with its sha256; so is the study file".into()));
    }
    let rule = match meta.min_cell {
        0 => "none: every count is shown".to_owned(),
        1 => "nothing is withheld".to_owned(),
        n => format!("counts from 1 to {} are withheld, and what would reveal them", n - 1),
    };
    out.push(fact("Release rule", rule));
    out.push(fact("Machine-readable", "results.json, run.json, study.resolved.yaml, tables/*.csv; columns in tables/SCHEMA.csv".into()));
    out.push(fact("Check", format!("gapshare verify results/{}", meta.study)));
    out
}
