//! The sections of the page, in the order of METHODS 11: what each holds, and the numbers of its figures and tables.

use super::chart::{flow, ladder, love, orders, overlap, rates};
use super::figure::Drawn;
use super::study::Study;
use super::view::TableView;
use super::{Group, causal, chart, compared, derived, hospital, methods, missing, prose, reporting, sections, varied, wording};
use serde::Serialize;

#[derive(Serialize)]
pub struct Section {
    pub id: &'static str,
    /// `None` for sections without results.
    pub number: Option<usize>,
    pub title: &'static str,
    /// Items of reporting guidelines that the section meets.
    pub tags: &'static str,
    pub intro: String,
    pub items: Vec<Item>,
}

/// What a section holds, in its order on the page.
#[derive(Serialize)]
pub enum Item {
    Figure(Box<Drawn>),
    Table(Box<TableView>),
    Text(String),
    /// Text to be copied.
    Paste(Paste),
    /// Words and what they mean.
    Terms(Vec<(String, String)>),
    Warnings(Vec<Warning>),
}

#[derive(Serialize)]
pub struct Paste {
    title: &'static str,
    paragraphs: Vec<String>,
}

#[derive(Serialize)]
pub struct Warning {
    code: String,
    message: String,
    notes: Vec<String>,
    help: Option<String>,
    place: Option<String>,
}

fn figures(found: impl IntoIterator<Item = Drawn>) -> impl Iterator<Item = Item> {
    found.into_iter().map(|f| Item::Figure(Box::new(f)))
}

fn tables(found: impl IntoIterator<Item = TableView>) -> impl Iterator<Item = Item> {
    found.into_iter().map(|t| Item::Table(Box::new(t)))
}

/// Every section that has something to show; numbers its figures and tables, and those of the headline's `groups`.
pub fn sections(s: &Study, groups: &mut [Group]) -> Vec<Section> {
    let mut out = Vec::new();
    let mut numbers = Numbers::new(s);
    for g in groups {
        numbers.figure(g.figure.as_mut());
    }
    let builders: [fn(&Study, usize) -> Section; 12] =
        [cohort, variables, gap, comparable, contributions, nested, conventions, assumed, hospitals, sensitivity, agreement, models];
    let mut at = 0;
    for build in builders {
        let mut section = build(s, numbers.figures + 1);
        if section.items.is_empty() {
            continue;
        }
        at += 1;
        section.number = Some(at);
        numbers.section(&mut section);
        out.push(section);
    }
    for mut section in [to_paste(s), items(&out, at + 2)] {
        at += 1;
        section.number = Some(at);
        numbers.section(&mut section);
        out.push(section);
    }
    out.extend(warnings(s));
    out.push(terms(s));
    out
}

/// Runs through the page and gives figures and tables their numbers, and tables their files.
struct Numbers {
    figures: usize,
    tables: usize,
    /// Units as the page writes them, which files leave out.
    units: Vec<String>,
}

impl Numbers {
    fn new(s: &Study) -> Self {
        let mut units: Vec<String> = Vec::new();
        for group in &s.meta.index {
            for u in [s.units(group, &s.meta.scale), s.units(group, &s.primary_scale(group))] {
                units.extend([u.word, u.short]);
            }
        }
        units.push("per 100".into());
        units.sort_by_key(|u| std::cmp::Reverse(u.len()));
        units.dedup();
        Self { figures: 0, tables: 0, units }
    }

    fn figure(&mut self, figure: Option<&mut Drawn>) {
        let Some(figure) = figure else { return };
        self.figures += 1;
        figure.figure.number = self.figures;
        if let Some(data) = &mut figure.data {
            data.finish(0, format!("figure_{}", self.figures), &self.units);
        }
    }

    fn section(&mut self, section: &mut Section) {
        for item in &mut section.items {
            match item {
                Item::Figure(f) => self.figure(Some(f)),
                Item::Table(t) => {
                    self.tables += 1;
                    t.finish(self.tables, format!("table_{}", self.tables), &self.units);
                }
                Item::Text(_) | Item::Paste(_) | Item::Terms(_) | Item::Warnings(_) => {}
            }
        }
    }
}

fn section(id: &'static str, title: &'static str, tags: &'static str, intro: impl Into<String>) -> Section {
    Section { id, number: None, title, tags, intro: intro.into(), items: Vec::new() }
}

/// An id for a figure of one index group.
fn id(kind: &str, s: &Study, group: &str) -> String {
    format!("{kind}-{}", s.meta.index.iter().position(|g| g == group).unwrap_or_default() + 1)
}

fn per_group<'a>(s: &'a Study, kind: &'a str, figure: impl Fn(&Study, &str, String) -> Option<Drawn> + 'a) -> impl Iterator<Item = Drawn> + 'a {
    s.meta.index.iter().filter_map(move |g| figure(s, g, id(kind, s, g)))
}

fn cohort(s: &Study, _: usize) -> Section {
    let mut out =
        section("cohort", "Cohort", "STROBE 6, 12c, 13, 14b \u{b7} RECORD 6.1, 6.3, 12.3, 13.1", "Every step that removed a row is counted.");
    match flow::figure(s) {
        Some(f) => out.items.extend(figures([f])),
        None => out.items.extend(tables(sections::attrition(s))),
    }
    out.items.extend(tables(sections::joins(s)));
    out.items.extend(tables(missing::counts(s)));
    out
}

fn variables(s: &Study, _: usize) -> Section {
    let text = "One value a unit from the rows of event tables. Every row that does not count is counted.";
    let mut out = section("derived", "How the variables were derived", "STROBE 7, 8 \u{b7} RECORD 6.1, 7.1, 12.2", text);
    out.items.extend(tables(derived::features(s)));
    out.items.extend(tables(derived::stages(s)));
    out.items.extend(tables(derived::coding(s)));
    out
}

fn gap(s: &Study, _: usize) -> Section {
    let fair = if s.meta.allowable.is_empty() {
        "No variable is treated as fair: the whole gap is divided.".to_owned()
    } else {
        format!("Treated as fair, and credited to no block: {}.", s.allowables_in_words())
    };
    let mut out = section("gap", "The gap", "STROBE 15, 16", fair);
    out.items.extend(figures(per_group(s, "means", rates::figure)));
    out.items.extend(tables(sections::gap(s)));
    out
}

fn comparable(s: &Study, _: usize) -> Section {
    let mut out = section("groups", "Are the groups comparable?", "STROBE 14 \u{b7} RECORD 12.1", "");
    out.items.extend(tables(sections::table_one(s)));
    out.items.extend(figures(per_group(s, "balance", love::figure)));
    out.items.extend(figures(per_group(s, "overlap", overlap::figure)));
    out
}

fn contributions(s: &Study, _: usize) -> Section {
    let text = "A contribution is how much smaller the gap becomes when a block enters the comparison.";
    let mut out = section("contributions", "Contributions", "STROBE 16 \u{b7} primary analysis", text);
    out.items.extend(tables(sections::contributions(s)));
    out.items.extend(figures(per_group(s, "orders", orders::figure)));
    out.items.extend(tables(sections::detail(s)));
    out
}

fn nested(s: &Study, _: usize) -> Section {
    let text = "All comparisons use the same rows and the same variables treated as fair.";
    let mut out = section("nested", "With and without each block", "STROBE 16", text);
    let (mut drawn, mut at): (Vec<String>, usize) = (Vec::new(), 0);
    for (group, analysis, mut table) in sections::nested(s) {
        // One drawing for each index group, of the primary analysis or the first that has sets; the others are folded.
        if !drawn.contains(&group) {
            at += 1;
            table = match ladder::figure(s, &group, &analysis, format!("ladder-{at}"), table) {
                Ok(f) => {
                    drawn.push(group);
                    out.items.push(Item::Figure(Box::new(f)));
                    continue;
                }
                Err(t) => *t,
            };
        }
        table.folded = Some(table.caption.clone());
        out.items.push(Item::Table(Box::new(table)));
    }
    out
}

fn conventions(s: &Study, _: usize) -> Section {
    let mut out = section("methods", "Methods side by side", "STROBE 17", methods::why_they_differ(s));
    // One analysis stands beside nothing; a method without figures of its own elsewhere keeps its table.
    if s.analyses().len() < 2 && s.method(&s.meta.primary).as_deref() == Some("with_and_without") {
        return out;
    }
    out.items.extend(figures(per_group(s, "methods", compared::methods)));
    out.items.extend(tables(methods::methods(s)));
    out
}

fn assumed(s: &Study, number: usize) -> Section {
    let mut out = section("assumed", "What is assumed", "STROBE 17", "");
    out.items.extend(figures(causal::order(s, number).map(|f| Drawn { id: "order".into(), data: Some(causal::arrows(s)), ..Drawn::from(f) })));
    out.items.extend(causal::readings(s).into_iter().map(Item::Text));
    out.items.extend(figures(per_group(s, "mechanisms", compared::mechanisms)));
    out.items.extend(tables(causal::assumptions(s)));
    out
}

fn hospitals(s: &Study, number: usize) -> Section {
    let told = hospital::section(s, number);
    let mut out = section("hospitals", "Where they go and how they fare there", "STROBE 17", told.intro);
    if told.figures.is_empty() && told.tables.is_empty() {
        return out;
    }
    out.items.extend(told.paragraphs.into_iter().map(Item::Text));
    out.items.extend(figures(told.figures));
    out.items.extend(tables(told.tables));
    out
}

fn sensitivity(s: &Study, _: usize) -> Section {
    let text = "How far results move when choices and assumptions do. None of these replaces the analysis above.";
    let mut out = section("sensitivity", "Sensitivity", "STROBE 12e, 17", text);
    let mut at = 0;
    for (group, analysis) in varied::analyses(s) {
        at += 1;
        out.items.extend(figures(compared::choices(s, &group, &analysis, format!("choices-{at}"))));
        out.items.extend(figures(chart::contours::figure(s, &group, &analysis, format!("contours-{at}"))));
    }
    out.items.extend(tables(varied::tables(s)));
    out.items.extend(tables(missing::treatments(s)));
    out
}

fn agreement(s: &Study, _: usize) -> Section {
    let mut out = section("checks", "Agreement and checks", "STROBE 12", "");
    out.items.extend(figures(per_group(s, "agreement", compared::agreement)));
    out.items.extend(tables(super::checks::tables(s)));
    out
}

fn models(s: &Study, _: usize) -> Section {
    let mut out = section("models", "Models", "", "");
    out.items.extend(tables(sections::models(s)));
    out
}

fn to_paste(s: &Study) -> Section {
    let mut out = section("text", "Methods and limitations", "STROBE 12, 19", "Written from the study file, to be copied and edited.");
    out.items.push(Item::Paste(Paste { title: "Methods", paragraphs: prose::methods(s) }));
    out.items.push(Item::Paste(Paste { title: "Limitations", paragraphs: wording::limits(s) }));
    out
}

fn items(sections: &[Section], _: usize) -> Section {
    let mut out = section("items", "Reporting items", "STROBE \u{b7} RECORD", "");
    out.items.push(Item::Table(Box::new(reporting::items(sections))));
    out
}

fn warnings(s: &Study) -> Option<Section> {
    let mut out = section("warnings", "Warnings", "", "");
    let of = |p: &crate::release::ShownProblem| Warning {
        code: p.code.clone(),
        message: p.message.clone(),
        notes: p.notes.clone(),
        help: p.help.clone(),
        place: p.place.clone(),
    };
    out.items.push(Item::Warnings(s.meta.problems.iter().map(of).collect()));
    (!s.meta.problems.is_empty()).then_some(out)
}

fn terms(s: &Study) -> Section {
    let mut out = section("terms", "Terms and sources", "", "");
    out.items.push(Item::Terms(reporting::terms(s)));
    out.items.push(Item::Paste(Paste { title: "Sources of the methods", paragraphs: reporting::sources(s) }));
    out
}
