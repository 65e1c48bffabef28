//! The section of the hospital analyses: where they go, and how they fare there.
//!
//! Sentences are chosen by rules on the rows (METHODS 5.5(f)). Masses, and how many hospitals lack a group, are read from the diagnostics,
//! which hold what is withheld; nothing is counted here.

mod caterpillar;
mod rows;

use super::Figure;
use super::causal::said;
use super::numbers::{Units, count, fixed, level, outcome_name};
use super::study::{Interval, Study, capital, interval, list};
use super::view::TableView;
use super::wording::inner;
use crate::release::{Table, schema};

/// What the section holds.
pub struct Told {
    pub intro: String,
    pub paragraphs: Vec<String>,
    pub figures: Vec<Figure>,
    pub tables: Vec<TableView>,
}

/// The section; its figures are numbered from `number` on.
pub fn section(s: &Study, number: usize) -> Told {
    let mut out = Told { intro: intro(s), paragraphs: Vec::new(), figures: Vec::new(), tables: Vec::new() };
    for group in &s.meta.index {
        for (at, analysis) in analyses(s).into_iter().enumerate() {
            let one = One { s, group, analysis };
            if at == 0 {
                out.paragraphs.extend(one.sentences());
                out.paragraphs.extend(one.support());
                out.figures.extend(caterpillar::figure(&one, number + out.figures.len()));
            } else {
                let said = one.sentences().join(" ");
                out.paragraphs.extend((!said.is_empty()).then(|| format!("Analysis {analysis}: {said}")));
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

fn intro(s: &Study) -> String {
    let mut text = "How much of the gap goes with the hospitals that the groups use, and how much is found between comparable patients of the same \
                    hospitals. Nothing here says why patients were treated where they were."
        .to_owned();
    if s.meta.family == "binomial" {
        text.push_str(&format!(" Worse outcomes are a higher risk, better ones a lower risk: {}.", inner(&outcome_name(s.meta))));
    }
    text
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
    let u = one.units();
    let mut lead = Vec::new();
    let patients = parts.iter().find(|p| p.component == "patients").and_then(|p| p.value);
    if let (Some(v), false) = (patients, given_blocks(s, one.analysis).is_empty()) {
        let fair = s.allowables_in_words();
        let at = if fair.is_empty() { String::new() } else { format!("At the same {fair}, ") };
        let sentence = format!(
            "{at}{} of the gap goes with differences in {}.",
            said_signed(s, &u, v),
            list(&given_blocks(s, one.analysis).iter().map(|b| inner(&s.block(b))).collect::<Vec<_>>())
        );
        lead.push(capital(&sentence));
    }
    lead.push(one.headline_sentences().join(" "));
    lead.extend(one.family_of_headline().and_then(|f| one.population(f)));
    lead.retain(|l| !l.is_empty());
    (title.to_owned(), lead)
}

/// Blocks that patients are compared given, beside the allowables.
fn given_blocks(s: &Study, analysis: &str) -> Vec<String> {
    let given = s.meta.analyses.get(analysis).and_then(|v| v.get("hospital")?.get("given")?.as_array());
    given.into_iter().flatten().filter_map(|w| w.as_str()).filter(|w| *w != "allowable").map(str::to_owned).collect()
}

/// A component of a decomposition as people read it: one of the method's own, or a block; and what it is made of.
pub fn component(s: &Study, analysis: &str, component: &str) -> (String, String) {
    match (s.method(analysis).as_deref(), component) {
        (Some("hospital"), "patients") => {
            let blocks: Vec<String> = given_blocks(s, analysis).iter().map(|b| inner(&s.block(b))).collect();
            let made_of = if blocks.is_empty() { "no block given".to_owned() } else { format!("given {}", list(&blocks)) };
            ("Case mix of patients".to_owned(), made_of)
        }
        (Some("hospital"), "where_they_go") => ("Where they go".to_owned(), String::new()),
        _ => (s.blocks(component), String::new()),
    }
}

/// A part and its interval with their sign.
fn said_signed(s: &Study, u: &Units, v: Interval) -> String {
    let limits = v.limits.map(|(low, high)| format!(" ({} interval {})", level(s.meta.level), u.lead_range(low, high))).unwrap_or_default();
    format!("{} {}{limits}", u.lead(v.estimate), u.noun)
}

/// One analysis of one index group.
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

    fn pair(&self, family: &str) -> Option<[Interval; 2]> {
        let of = |name: &str| self.row(name, family).and_then(|(t, r)| interval(t, r, "estimate"));
        Some([of("where_they_go")?, of("how_they_fare_there")?])
    }

    /// A diagnostic of this analysis.
    fn check(&self, name: &str) -> Option<(&'a Table, usize)> {
        let t = self.s.table(&schema::DIAGNOSTICS)?;
        let start = format!("analysis {}: ", self.analysis);
        let is = |r: &usize| t.text(*r, "check") == name && t.text(*r, "index_group") == self.group && (t.text(*r, "message").starts_with(&start));
        (0..t.rows.len()).find(is).map(|r| (t, r))
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
        let fair = self.s.meta.allowable.iter().map(|v| inner(super::study::without_unit(self.s.label(v))));
        list(&fair.chain(given_blocks(self.s, self.analysis).iter().map(|b| inner(&self.s.block(b)))).collect::<Vec<_>>())
    }

    /// ` with the same age and sex`, or nothing.
    fn alike(&self) -> String {
        let given = self.given();
        if given.is_empty() { given } else { format!(" with the same {given}") }
    }

    fn index(&self) -> String {
        self.s.patients(self.group)
    }

    fn reference(&self) -> String {
        self.s.patients(&self.s.meta.reference)
    }

    /// What is compared, inside a sentence.
    fn quantity(&self) -> &'static str {
        match self.s.meta.family.as_str() {
            "binomial" | "probit" => "risk",
            "poisson" => "rate",
            _ => "mean outcome",
        }
    }

    fn said(&self, v: Interval) -> String {
        said(self.s, &self.units(), v)
    }

    /// All that is said of the analysis, a paragraph each.
    fn sentences(&self) -> Vec<String> {
        if let Some(reason) = self.s.not_estimated(self.analysis, self.group) {
            return vec![format!("{}: not estimated: {reason}", self.index())];
        }
        if let Some(reason) = self.s.blinded(self.analysis, self.group) {
            let reason = reason.replace('_', " ");
            return vec![format!(
                "{}: the numbers rest on a check that did not pass ({reason}). They stand in the table and are not summed up in words.",
                self.index()
            )];
        }
        let Some(headline) = self.family_of_headline() else { return self.missing("A").into_iter().collect() };
        let mut out = vec![self.headline_sentences().join(" ")];
        if self.disagreement().is_none() && headline == "A" {
            out.extend(self.pair("B").map(|pair| self.of_b(pair).join(" ")).or_else(|| self.missing("B")));
        }
        if headline == "B" {
            out.extend(self.missing("A"));
        }
        let about: Vec<String> = ["A", "B"].into_iter().filter_map(|f| self.population(f)).chain(self.kind_of_intervals()).collect();
        out.extend((!about.is_empty()).then(|| about.join(" ")));
        out
    }

    /// The pair that divides the gap; both where they disagree.
    fn headline_sentences(&self) -> Vec<String> {
        if let (Some(difference), Some(a), Some(b)) = (self.disagreement(), self.pair("A"), self.pair("B")) {
            return vec![self.both(difference, a, b)];
        }
        match (self.pair("A"), self.pair("B")) {
            (Some(pair), _) => self.of_a(pair),
            (None, Some(pair)) => self.of_b(pair),
            (None, None) => Vec::new(),
        }
    }

    /// Family A: by the outcomes of reference units.
    fn of_a(&self, [go, fare]: [Interval; 2]) -> Vec<String> {
        let (index, reference) = (self.index(), self.reference());
        let given = self.given();
        let (alike, similar) = if given.is_empty() { (String::new(), "") } else { (format!(" for patients with the same {given},"), "similar ") };
        let outcomes = match self.s.meta.family.as_str() {
            "binomial" | "probit" => {
                let which = if go.estimate >= 0.0 { "worse" } else { "better" };
                format!("outcomes of {reference} are {} {which}", self.said(go))
            }
            _ => format!("the {} of {reference} is {} {}", self.quantity(), self.said(go), higher(go)),
        };
        let (place, same) = if self.by_characteristics() {
            ("hospitals of such measured characteristics that,", "At hospitals of the same measured characteristics")
        } else {
            ("hospitals where,", "At the same hospitals")
        };
        let place = if alike.is_empty() { place.trim_end_matches(',') } else { place };
        let with = if given.is_empty() { String::new() } else { format!(" and with the same {given}") };
        vec![
            format!("{index} were treated at {place}{alike} {outcomes} than at the hospitals that {similar}{reference} use{}.", none(go)),
            format!(
                "{same}{with}, the {} of {index} was {} {} than that of {reference}{}.",
                self.quantity(),
                self.said(fare),
                higher(fare),
                none(fare)
            ),
        ]
    }

    /// Family B: by the outcomes of index units themselves.
    fn of_b(&self, [go, fare]: [Interval; 2]) -> Vec<String> {
        let (index, reference, quantity) = (self.index(), self.reference(), self.quantity());
        let similar = if self.given().is_empty() { "" } else { "similar " };
        let change = if go.estimate >= 0.0 { "lower" } else { "higher" };
        let moved = if self.s.meta.causal_claims {
            format!(
                "If {index} were spread over hospitals as {similar}{reference} are, and fared there as {index} fare there now, their {quantity} would be {} \
                 {change}{}, under the assumptions of the study file.",
                self.said(go),
                none(go)
            )
        } else {
            format!(
                "By the outcomes of {index} themselves: reweighting {index} to the hospitals that {similar}{reference} use, with the outcomes that {index} have \
                 there, goes with a {quantity} {} {change}{}.",
                self.said(go),
                none(go)
            )
        };
        let rest = format!(
            "At those hospitals the {quantity} of {index} is {} {} than that of {reference}{}{}.",
            self.said(fare),
            higher(fare),
            self.alike(),
            none(fare)
        );
        vec![moved, rest]
    }

    /// The families disagree: neither pair stands alone.
    fn both(&self, difference: Interval, a: [Interval; 2], b: [Interval; 2]) -> String {
        let u = self.units();
        let signed = |v: Interval| said_signed(self.s, &u, v);
        format!(
            "The gap is not the same at all hospitals; the two ways of dividing it disagree, by {}. By the outcomes of {}, {} of it goes with where {} go and \
             {} is found at the same hospitals; by the outcomes of {} themselves, {} and {}.",
            self.said(difference),
            self.reference(),
            signed(a[0]),
            self.index(),
            signed(a[1]),
            self.index(),
            signed(b[0]),
            signed(b[1])
        )
    }

    /// Why a family has no numbers.
    fn missing(&self, family: &str) -> Option<String> {
        let (t, r) = self.row("where_they_go", family)?;
        let whose = if family == "A" { self.reference() } else { format!("{} themselves", self.index()) };
        if t.flag(r, "withheld") {
            return Some(format!("The numbers by the outcomes of {whose} are withheld: the population that they are of leaves out too few to show."));
        }
        t.cell(r, "reason").text().map(|why| format!("By the outcomes of {whose} there is no estimate: {}.", why.trim_end_matches('.')))
    }

    /// Whose numbers a family's are, where hospitals lack a group.
    fn population(&self, family: &str) -> Option<String> {
        self.pair(family)?;
        let (check, lacking, own) = match family {
            "A" => ("unsupported_index_share", self.reference(), self.index()),
            _ => ("unsupported_reference_share", self.index(), format!("{} weighted to be like {}", self.reference(), self.index())),
        };
        let (t, r) = self.check(check)?;
        let share = match t.number(r, "value") {
            Some(0.0) => return None,
            Some(v) => share(v),
            None => "a share, which is withheld,".to_owned(),
        };
        let headline = self.family_of_headline() == Some(family);
        let whose = if family == "A" { self.reference() } else { format!("{} themselves", self.index()) };
        // Rows of every hospital stand beside the pair exactly where the pair is of fewer.
        Some(if self.row("where_they_go_borrowed", family).is_some() {
            let gap = if headline { ", and the gap that they divide," } else { "" };
            format!("The numbers by the outcomes of {whose}{gap} are of hospitals that treat {lacking}: {share} of {own} are elsewhere and left out.")
        } else {
            let other = if family == "A" { self.index() } else { self.reference() };
            format!("At hospitals without {lacking}, where {share} of {own} are, the outcomes of {other} stand for the missing ones.")
        })
    }

    fn kind_of_intervals(&self) -> Option<String> {
        (self.s.setting(self.analysis, "hospitals_as").as_deref() == Some("sample"))
            .then(|| "Intervals are approximate and speak of more hospitals than these, of which these are taken as a sample.".to_owned())
    }

    /// How many hospitals there are, how many have both groups, and how many patients are elsewhere.
    fn support(&self) -> Option<String> {
        let (all, both) = (self.figure("hospitals")?, self.figure("hospitals_with_both")?);
        let (index, reference) = (self.index(), self.reference());
        let mut text = if both >= all {
            format!("{}: all {} hospitals treated both groups.", index, count(all as i64))
        } else {
            format!(
                "Of {} hospitals, {} treated both {index} and {reference}, and {} only one of the two groups.",
                count(all as i64),
                count(both as i64),
                count((all - both) as i64)
            )
        };
        let elsewhere: Vec<String> = [
            ("unsupported_index_share", format!("of {index} were at hospitals without {reference}")),
            ("unsupported_reference_share", format!("of {reference}, weighted to be like {index}, at hospitals without {index}")),
        ]
        .into_iter()
        .filter_map(|(check, what)| self.figure(check).map(|v| format!("{} {what}", share(v))))
        .collect();
        if both < all && !elsewhere.is_empty() {
            text.push_str(&format!(" {}.", elsewhere.join(", and ")));
        }
        Some(text)
    }
}

/// A mass with a decimal: a percent is much here.
fn share(v: f64) -> String {
    format!("{}%", fixed(v * 100.0, 1))
}

fn higher(v: Interval) -> &'static str {
    if v.estimate >= 0.0 { "higher" } else { "lower" }
}

fn none(v: Interval) -> &'static str {
    match v.excludes_zero() {
        Some(false) => ", which the data cannot tell from none",
        Some(true) | None => "",
    }
}
