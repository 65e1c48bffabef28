//! Result tables -> one self-contained report.html; reads tables only.
//!
//! No script, no request, no image: styles and charts stand in the page. What is withheld is not in [`ResultTables`], so it
//! cannot be shown here.

mod causal;
mod chart;
mod graph;
mod guidelines;
mod hospital;
mod methods;
mod missing;
mod numbers;
mod paper;
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
use indexmap::IndexMap;
use serde::Serialize;
use study::Study;
use view::TableView;

const TEMPLATE: &str = include_str!("template.html");
const STYLE: &str = include_str!("style.css");

#[derive(Serialize)]
struct Page {
    style: &'static str,
    title: String,
    byline: String,
    groups: Vec<Group>,
    standing: String,
    alerts: Vec<Alert>,
    sections: Vec<Section>,
    warnings: Vec<Warning>,
    limits: Vec<String>,
    facts: Vec<(String, String)>,
}

/// Headline and chart of one index group.
#[derive(Serialize)]
struct Group {
    lead: Vec<String>,
    number: usize,
    chart_title: String,
    caption: String,
    note: String,
    /// SVG of our own, already escaped.
    svg: String,
}

#[derive(Serialize)]
struct Alert {
    head: String,
    text: String,
}

#[derive(Serialize)]
struct Section {
    id: &'static str,
    number: usize,
    title: &'static str,
    intro: String,
    figures: Vec<Figure>,
    /// Whether figures stand before the paragraphs.
    figures_first: bool,
    paragraphs: Vec<String>,
    tables: Vec<TableView>,
}

/// A drawing of a section.
#[derive(Serialize)]
struct Figure {
    number: usize,
    title: String,
    caption: String,
    note: String,
    /// SVG of our own, already escaped.
    svg: String,
}

#[derive(Serialize)]
struct Warning {
    code: String,
    message: String,
    notes: Vec<String>,
    help: Option<String>,
    place: Option<String>,
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
    // The name ends in .html, so every value is escaped unless the template says `safe`.
    environment.add_template("report.html", TEMPLATE).map_err(bug)?;
    let template = environment.get_template("report.html").map_err(bug)?;
    template.render(minijinja::value::Serde(&page)).map_err(bug)
}

fn page(s: &Study) -> Page {
    let meta = s.meta;
    let mut byline = vec![meta.study.clone()];
    byline.extend(sections::analysed(s).map(|n| format!("{} units analysed", numbers::count(n))));
    byline.extend(meta.cluster.as_ref().map(|c| format!("clustered by {}", s.label(c))));
    byline.extend(meta.weight.as_ref().map(|w| format!("weighted by {}", s.label(w))));
    Page {
        style: STYLE,
        title: if meta.title.is_empty() { meta.study.clone() } else { meta.title.clone() },
        byline: byline.join(" \u{b7} "),
        groups: meta.index.iter().enumerate().map(|(at, g)| group(s, at, g)).collect(),
        standing: wording::standing(s),
        alerts: alerts(s),
        sections: sections_of(s),
        warnings: meta
            .problems
            .iter()
            .map(|p| Warning {
                code: p.code.clone(),
                message: p.message.clone(),
                notes: p.notes.clone(),
                help: p.help.clone(),
                place: p.place.clone(),
            })
            .collect(),
        limits: wording::limits(s),
        facts: facts(s),
    }
}

fn group(s: &Study, at: usize, group: &str) -> Group {
    let headline = wording::headline(s, group);
    let chart = chart::Chart::new(s, group, &headline.title, &format!("parts-{}", at + 1));
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
    if s.meta.blocks.len() > 1 {
        note.push_str(" The blocks are not ranked: that would take intervals of their differences.");
    }
    if s.blinded(&s.meta.primary, group).is_some() {
        note.push_str(" \u{2020} A check that these estimates rest on did not pass; see above.");
    }
    Group { lead: headline.lead, number: at + 1, chart_title: headline.title, caption, note, svg: chart.map(|c| c.svg()).unwrap_or_default() }
}

/// What a reader must know before any number.
fn alerts(s: &Study) -> Vec<Alert> {
    let mut out = Vec::new();
    for (analysis, group, reason) in &s.meta.not_estimated {
        out.push(Alert { head: format!("{analysis}, {}: not estimated.", s.patients(group)), text: reason.clone() });
    }
    for (analysis, group, reason) in &s.meta.blinded {
        let head = format!("{analysis}, {}: a check that the estimates rest on did not pass.", s.patients(group));
        out.push(Alert { head, text: format!("{}.", reason.replace('_', " ")) });
    }
    if let Some(t) = s.table(&schema::DIAGNOSTICS) {
        let failed: Vec<usize> = (0..t.rows.len()).filter(|&r| t.cell(r, "passed").bool() == Some(false)).collect();
        if !failed.is_empty() {
            // By check, the groups that it did not pass for; what each means stands in the section of checks.
            let mut by_check: IndexMap<String, Vec<&str>> = IndexMap::new();
            for &r in &failed {
                let groups = by_check.entry(t.text(r, "check").replace('_', " ")).or_default();
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
                text: format!("{told}. What each means: section Checks."),
            });
        }
    }
    out
}

fn sections_of(s: &Study) -> Vec<Section> {
    let fair = if s.meta.allowable.is_empty() {
        "No variable is treated as fair: the whole gap is divided.".to_owned()
    } else {
        format!("Treated as fair, and credited to no block: {}.", s.allowables())
    };
    let all: [(&'static str, &'static str, String, Vec<TableView>); 11] = [
        (
            "cohort",
            "Cohort",
            "Every step that removed a row is counted.".into(),
            sections::attrition(s).into_iter().chain(missing::counts(s)).collect(),
        ),
        ("gap", "The gap", fair, sections::gap(s)),
        ("groups", "Are the groups comparable?", String::new(), sections::table_one(s)),
        ("checks", "Checks", String::new(), sections::checks(s)),
        (
            "contributions",
            "Contributions",
            "A contribution is how much smaller the gap becomes when a block enters the comparison.".into(),
            sections::contributions(s).into_iter().chain(sections::detail(s)).collect(),
        ),
        (
            "nested",
            "With and without each block",
            "All comparisons use the same rows and the same variables treated as fair.".into(),
            sections::nested(s),
        ),
        (CAUSAL, "What is assumed", String::new(), causal::assumptions(s)),
        ("methods", "Methods side by side", methods::why_they_differ(s), methods::methods(s)),
        (HOSPITALS, "Where they go and how they fare there", String::new(), Vec::new()),
        (
            "sensitivity",
            "Sensitivity",
            "How far results move when choices and assumptions do. None of these replaces the analysis above.".into(),
            varied::tables(s).into_iter().chain(missing::treatments(s)).collect(),
        ),
        ("models", "Models", String::new(), sections::models(s)),
    ];
    let mut out: Vec<Section> = Vec::new();
    let mut number = s.meta.index.len() + 1;
    for (id, title, intro, tables) in all {
        let mut section =
            Section { id, number: out.len() + 1, title, intro, figures: Vec::new(), figures_first: id == CAUSAL, paragraphs: Vec::new(), tables };
        match id {
            CAUSAL => {
                section.figures.extend(causal::order(s, number));
                section.paragraphs = causal::readings(s);
            }
            HOSPITALS => {
                let told = hospital::section(s, number);
                section = Section { intro: told.intro, figures: told.figures, paragraphs: told.paragraphs, tables: told.tables, ..section };
            }
            _ => {}
        }
        number += section.figures.len();
        if !section.tables.is_empty() || !section.figures.is_empty() {
            section.intro = guidelines::with_items(section.intro, id);
            out.push(section);
        }
    }
    out
}

/// The sections that have more than tables: of the causal analyses, and of the hospitals.
const CAUSAL: &str = "assumed";
const HOSPITALS: &str = "hospitals";

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
