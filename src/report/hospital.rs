//! The section of the hospital analyses: where they go, and how they fare there.
//!
//! Sentences are chosen by rules on the rows (METHODS 5.5(f)). Masses, and how many hospitals lack a group, are read from the diagnostics,
//! which hold what is withheld; nothing is counted here.

mod caterpillar;
mod rows;
mod sentences;
mod shares;
#[cfg(test)]
mod tests;

use super::figure::Drawn;
use super::numbers::{Units, level};
use super::study::{Interval, Study, capital, interval, list};
use super::view::TableView;
use crate::release::{Table, schema};

/// What the section holds.
pub struct Told {
    pub intro: String,
    pub paragraphs: Vec<String>,
    pub figures: Vec<Drawn>,
    pub tables: Vec<TableView>,
}

/// The section; its figures are numbered from `number` on.
pub fn section(s: &Study, number: usize) -> Told {
    let intro = "How much of the gap goes with the hospitals that the groups use, and how much is found between comparable patients of the same \
                 hospitals. Nothing here says why patients were treated where they were.";
    let mut out = Told { intro: intro.to_owned(), paragraphs: Vec::new(), figures: Vec::new(), tables: Vec::new() };
    let analyses = analyses(s);
    for group in &s.meta.index {
        for (at, analysis) in analyses.iter().enumerate() {
            let one = One { s, group, analysis };
            if at == 0 {
                out.paragraphs.extend(one.in_full());
                out.figures.extend(caterpillar::figure(&one, number + out.figures.len()));
                out.figures.extend(shares::figure(&one, number + out.figures.len()));
            } else {
                out.paragraphs.extend(one.in_short(&One { s, group, analysis: analyses[0] }));
            }
            let table = rows::table(&one);
            out.tables.extend(table.map(|t| if at == 0 { t } else { TableView { folded: Some(t.caption.clone()), ..t } }));
        }
    }
    if let Some(t) = s.table(&schema::HOSPITAL_UNITS) {
        let mut view = super::view::plain(s, &schema::HOSPITAL_UNITS, t, "Hospitals one by one".into());
        view.folded = Some("Hospitals one by one".into());
        view.note.push_str(" In the order of their names, and not a ranking; effects hold unmeasured case mix.");
        out.tables.push(view);
    }
    out
}

/// Analyses of the method, the primary first.
fn analyses<'a>(s: &Study<'a>) -> Vec<&'a str> {
    let meta = s.meta;
    let mut names: Vec<&str> = meta.analyses.keys().map(String::as_str).filter(|a| s.method(a).as_deref() == Some("hospital")).collect();
    names.sort_by_key(|a| *a != meta.primary);
    names
}

/// Title of the contribution chart, and what is said at the top, where the primary analysis is of this method.
pub fn headline(s: &Study, group: &str) -> (String, Vec<String>) {
    let one = One { s, group, analysis: &s.meta.primary };
    let title = if one.disagreement().is_some() {
        "One of two ways of dividing the gap by hospitals, which disagree"
    } else {
        "Patients, the hospitals that they use, and what is left at the same hospitals"
    };
    let parts = s.parts(group, one.analysis);
    let mut lead = Vec::new();
    let patients = parts.iter().find(|p| p.component == "patients").and_then(|p| p.value);
    if let (Some(v), false) = (patients, given_blocks(s, one.analysis).is_empty()) {
        let fair = s.allowables_in_words();
        let at = if fair.is_empty() { String::new() } else { format!("At the same {fair}, ") };
        let blocks = list(&blocks_in_words(s, one.analysis));
        lead.push(capital(&format!("{at}{} of the gap goes with differences in {blocks}.", one.signed(v))));
    }
    lead.push(one.headline_sentences().join(" "));
    lead.extend(one.family_of_headline().and_then(|f| one.population(f)));
    lead.extend(one.case_mix_left());
    lead.retain(|l| !l.is_empty());
    (title.to_owned(), lead)
}

/// `at hospitals that treat White patients`, where the gap that an analysis divides is not that of every unit.
pub fn population(s: &Study, group: &str, analysis: &str) -> Option<String> {
    let t = s.table(&schema::DECOMPOSITION)?;
    let row = s.parts(group, analysis).iter().find(|p| p.part == "gap").map(|p| p.row)?;
    t.cell(row, "population").text().map(|of| format!("at {}", hospitals_of(s, group, of)))
}

/// The hospitals of a population as people read them.
fn hospitals_of(s: &Study, group: &str, population: &str) -> String {
    match population {
        "hospitals with reference units" => format!("hospitals that treat {}", s.patients(&s.meta.reference)),
        "hospitals with index units" => format!("hospitals that treat {}", s.patients(group)),
        "hospitals with units of both groups" => "hospitals that treat both groups".to_owned(),
        other => other.to_owned(),
    }
}

/// Blocks that patients are compared given, beside the allowables.
fn given_blocks<'a>(s: &Study<'a>, analysis: &str) -> Vec<&'a str> {
    let given = s.meta.analyses.get(analysis).and_then(|v| v.get("hospital")?.get("given")?.as_array());
    given.into_iter().flatten().filter_map(|w| w.as_str()).filter(|w| *w != "allowable").collect()
}

fn blocks_in_words(s: &Study, analysis: &str) -> Vec<String> {
    given_blocks(s, analysis).iter().map(|b| s.block_in_words(b)).collect()
}

/// A component of a decomposition as people read it: one of the method's own, or a block; and what it is made of.
pub fn component(s: &Study, analysis: &str, component: &str) -> (String, String) {
    match (s.method(analysis).as_deref(), component) {
        (Some("hospital"), "patients") => {
            let blocks = blocks_in_words(s, analysis);
            let made_of = if blocks.is_empty() { "no block given".to_owned() } else { format!("given {}", list(&blocks)) };
            ("Case mix of patients".to_owned(), made_of)
        }
        (Some("hospital"), "where_they_go") => ("Where they go".to_owned(), String::new()),
        _ => (s.blocks(component), String::new()),
    }
}

/// One analysis of one index group.
#[derive(Clone, Copy)]
struct One<'a> {
    s: &'a Study<'a>,
    group: &'a str,
    analysis: &'a str,
}

impl<'a> One<'a> {
    fn units(&self) -> Units {
        self.s.units(self.group, &self.s.meta.scale)
    }

    /// A row of the table `hospital`; the family is empty for rows of neither.
    fn row(&self, name: &str, family: &str) -> Option<(&'a Table, usize)> {
        let t = self.s.table(&schema::HOSPITAL)?;
        let found = self.rows_of(t).into_iter().find(|&r| t.text(r, "row") == name && t.text(r, "family") == family);
        found.map(|r| (t, r))
    }

    fn rows_of(&self, t: &Table) -> Vec<usize> {
        (0..t.rows.len()).filter(|&r| t.text(r, "index_group") == self.group && t.text(r, "analysis") == self.analysis).collect()
    }

    /// Where they go and how they fare there, by one family.
    fn pair(&self, family: &str) -> Option<[Interval; 2]> {
        let of = |name: &str| self.row(name, family).and_then(|(t, r)| interval(t, r, "estimate"));
        Some([of("where_they_go")?, of("how_they_fare_there")?])
    }

    /// The hospitals whose patients a family's numbers are of, where that is not all of them.
    fn restricted(&self, family: &str) -> Option<String> {
        let (t, r) = self.row("where_they_go", family)?;
        t.cell(r, "population").text().map(|of| hospitals_of(self.s, self.group, of))
    }

    /// A diagnostic of this analysis.
    fn check(&self, name: &str) -> Option<(&'a Table, usize)> {
        self.s.check(self.group, self.analysis, name)
    }

    fn figure(&self, name: &str) -> Option<f64> {
        self.check(name).and_then(|(t, r)| t.number(r, "value"))
    }

    /// By how much the families differ, where that is more than two standard errors.
    fn disagreement(&self) -> Option<Interval> {
        let (t, r) = self.row("difference", "A,B")?;
        let v = interval(t, r, "estimate")?;
        let error = t.number(r, "std_error")?;
        (v.estimate.abs() > 2.0 * error).then_some(v)
    }

    /// The family whose pair divides the gap: A, and B where A has no estimate.
    fn family_of_headline(&self) -> Option<&'static str> {
        ["A", "B"].into_iter().find(|f| self.pair(f).is_some())
    }

    fn by_characteristics(&self) -> bool {
        self.s.setting(self.analysis, "effects").as_deref() == Some("characteristics")
    }

    /// What patients are compared given: `age, sex and clinical status`.
    fn given(&self) -> String {
        let fair = self.s.allowable_names().into_iter();
        list(&fair.chain(blocks_in_words(self.s, self.analysis)).collect::<Vec<_>>())
    }

    fn index(&self) -> String {
        self.s.patients(self.group)
    }

    fn reference(&self) -> String {
        self.s.patients(&self.s.meta.reference)
    }

    /// A part and its interval with their sign.
    fn signed(&self, v: Interval) -> String {
        let u = self.units();
        let limits = v.limits.map(|(low, high)| format!(" ({} interval {})", level(self.s.meta.level), u.lead_range(low, high))).unwrap_or_default();
        format!("{} {}{limits}", u.lead(v.estimate), u.noun)
    }
}
