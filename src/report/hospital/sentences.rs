//! What is said of a hospital analysis. Directions are those of the outcome (more or less frequent, higher or lower): whether that is good
//! or bad is not for the program to say.

use super::super::causal::said;
use super::super::numbers::{count, fixed, outcome_name};
use super::super::study::{Interval, capital};
use super::super::wording::inner;
use super::{One, given_blocks};

impl One<'_> {
    /// All that is said of the analysis, a paragraph each.
    pub fn in_full(&self) -> Vec<String> {
        if let Some(why) = self.nothing_to_say() {
            return vec![format!("{}: {why}", self.index())];
        }
        let Some(headline) = self.family_of_headline() else { return self.missing("A").into_iter().collect() };
        let disagree = self.disagreement().is_some();
        let mut out = vec![joined(self.headline_sentences().into_iter().chain(self.restriction(headline)))];
        if headline == "A" && !disagree {
            let second = match self.pair("B") {
                Some(pair) => self.of_b(pair).into_iter().chain(self.restriction("B")).collect(),
                None => self.missing("B").into_iter().collect::<Vec<_>>(),
            };
            out.push(joined(second));
        } else if headline == "B" {
            out.extend(self.missing("A"));
        } else {
            out.extend(self.restriction("B"));
        }
        out.push(joined(self.support().into_iter().chain(["A", "B"].iter().filter_map(|f| self.borrowed(f)))));
        out.push(joined(self.case_mix_left().into_iter().chain(self.kind_of_intervals())));
        out.retain(|p| !p.is_empty());
        out
    }

    /// A further analysis in one paragraph: the pair that divides the gap, and in what it is unlike the first.
    pub fn in_short(&self, first: &One) -> Option<String> {
        let name = format!("Analysis {}", self.analysis);
        if let Some(why) = self.nothing_to_say() {
            return Some(format!("{name}: {why}"));
        }
        let given = self.given();
        let by = match (given == first.given(), given.as_str()) {
            (true, _) => String::new(),
            (false, "") => " (nothing given)".to_owned(),
            (false, given) => format!(" (given {given})"),
        };
        let mut out = match (self.disagreement(), self.family_of_headline()) {
            (Some(difference), Some(_)) => vec![format!("{name}{by}: {}", self.both(difference)?)],
            (None, Some(family)) => vec![format!("{name}{by}: {}", self.pair_in_short(family)?)],
            (_, None) => return self.missing("A").map(|why| format!("{name}{by}: {why}")),
        };
        if self.family_of_headline() == Some("B") {
            out.extend(self.missing("A"));
        }
        let told = |one: &One| -> Vec<String> {
            let populations = ["A", "B"].iter().filter(|f| one.told_in_short(f)).filter_map(|f| one.population(f));
            populations.chain(one.case_mix_left()).chain(one.kind_of_intervals()).collect()
        };
        let before = told(first);
        out.extend(told(self).into_iter().filter(|t| !before.contains(t)));
        Some(out.join(" "))
    }

    fn told_in_short(&self, family: &str) -> bool {
        self.disagreement().is_some() || self.family_of_headline() == Some(family)
    }

    /// Why no number may be read out.
    fn nothing_to_say(&self) -> Option<String> {
        if let Some(reason) = self.s.not_estimated(self.analysis, self.group) {
            return Some(format!("not estimated: {reason}"));
        }
        let reason = self.s.blinded(self.analysis, self.group)?.replace('_', " ");
        Some(format!("the numbers rest on a check that did not pass ({reason}). They stand in the table and are not summed up in words."))
    }

    /// The pair that divides the gap; both where they disagree.
    pub fn headline_sentences(&self) -> Vec<String> {
        if let Some(both) = self.disagreement().and_then(|difference| self.both(difference)) {
            return vec![both];
        }
        match (self.pair("A"), self.pair("B")) {
            (Some(pair), _) => self.of_a(pair),
            (None, Some(pair)) => self.of_b(pair),
            (None, None) => Vec::new(),
        }
    }

    /// What is compared: `the outcome (death within 30 days)`, `mean length of stay`, `the rate of falls`.
    fn outcome(&self) -> String {
        let name = inner(&outcome_name(self.s.meta));
        match self.s.meta.family.as_str() {
            "binomial" | "probit" => format!("the outcome ({name})"),
            "poisson" => format!("the rate of {name}"),
            _ => format!("mean {name}"),
        }
    }

    /// `1.6 points (95% interval 1.2 to 1.9) more frequent`; turned about with `by` -1.
    fn more(&self, v: Interval, by: f64) -> String {
        let up = v.estimate * by >= 0.0;
        let word = match (self.s.meta.family.as_str(), up) {
            ("binomial" | "probit", true) => "more frequent",
            ("binomial" | "probit", false) => "less frequent",
            (_, true) => "higher",
            (_, false) => "lower",
        };
        format!("{} {word}", said(self.s, &self.units(), v))
    }

    /// `similar `, where patients are compared given something.
    fn similar(&self) -> &'static str {
        if self.given().is_empty() { "" } else { "similar " }
    }

    fn same_hospitals(&self) -> &'static str {
        if self.by_characteristics() { "hospitals of the same measured characteristics" } else { "the same hospitals" }
    }

    /// Family A: by the outcomes of reference units.
    fn of_a(&self, [go, fare]: [Interval; 2]) -> Vec<String> {
        let (index, reference, similar) = (self.index(), self.reference(), self.similar());
        let given = self.given();
        let place = if self.by_characteristics() { "hospitals of such measured characteristics that" } else { "hospitals where" };
        let (alike, same) = match given.as_str() {
            "" => (String::new(), ","),
            given => (format!(", for patients with the same {given},"), " and with all of these the same,"),
        };
        vec![
            format!(
                "{index} were treated at {place}{alike} {} among {reference} was {} than at the hospitals that {similar}{reference} use{}.",
                self.outcome(),
                self.more(go, 1.0),
                none(go)
            ),
            format!("At {}{same} it was {} among {index} than among {reference}{}.", self.same_hospitals(), self.more(fare, 1.0), none(fare)),
        ]
    }

    /// Family B: by the outcomes of index units themselves.
    fn of_b(&self, [go, fare]: [Interval; 2]) -> Vec<String> {
        let (index, reference, similar) = (self.index(), self.reference(), self.similar());
        let (outcome, less) = (self.outcome(), self.more(go, -1.0));
        let moved = if self.s.meta.causal_claims {
            format!(
                "If {index} were spread over hospitals as {similar}{reference} are, and fared there as {index} fare there now, {outcome} would be {less} \
                 among them{}, under the assumptions of the study file.",
                none(go)
            )
        } else {
            format!(
                "By the outcomes of {index} themselves: once they are reweighted to the hospitals that {similar}{reference} use, with the outcomes that \
                 {index} have there, {outcome} is {less} among them{}.",
                none(go)
            )
        };
        let rest = format!("At those hospitals it is {} among {index} than among {similar}{reference}{}.", self.more(fare, 1.0), none(fare));
        vec![moved, rest]
    }

    fn pair_in_short(&self, family: &str) -> Option<String> {
        let [go, fare] = self.pair(family)?;
        let whose = if family == "A" { self.reference() } else { format!("{} themselves", self.index()) };
        let of = if self.by_characteristics() { ", by the measured characteristics of hospitals," } else { "" };
        Some(format!(
            "by the outcomes of {whose}, {} is {} where {} go{of} than where {}{} go{}; at {} it is {} among {} than among {}{}{}.",
            self.outcome(),
            self.more(go, 1.0),
            self.index(),
            self.similar(),
            self.reference(),
            none(go),
            self.same_hospitals(),
            self.more(fare, 1.0),
            self.index(),
            self.similar(),
            self.reference(),
            none(fare)
        ))
    }

    /// The families disagree: neither pair stands alone. Nothing where one has no numbers.
    fn both(&self, difference: Interval) -> Option<String> {
        let (a, b) = (self.pair("A")?, self.pair("B")?);
        Some(format!(
            "The gap is not the same at all hospitals; the two ways of dividing it disagree, by {}. By the outcomes of {}, {} of it goes with where {} go \
             and {} is found at {}; by the outcomes of {} themselves, {} and {}.",
            said(self.s, &self.units(), difference),
            self.reference(),
            self.signed(a[0]),
            self.index(),
            self.signed(a[1]),
            self.same_hospitals(),
            self.index(),
            self.signed(b[0]),
            self.signed(b[1])
        ))
    }

    fn whose(&self, family: &str) -> String {
        if family == "A" { self.reference() } else { format!("{} themselves", self.index()) }
    }

    /// Why a family has no numbers.
    fn missing(&self, family: &str) -> Option<String> {
        let (t, r) = self.row("where_they_go", family)?;
        let whose = self.whose(family);
        if t.flag(r, "withheld") {
            return Some(format!("The numbers by the outcomes of {whose} are withheld: the population that they are of leaves out too few to show."));
        }
        t.cell(r, "reason").text().map(|why| format!("By the outcomes of {whose} there is no estimate: {}.", why.trim_end_matches('.')))
    }

    /// `5.7% of White patients weighted to be like Black patients`: who are at hospitals that lack the group that a family needs; nothing
    /// where nobody is.
    fn elsewhere(&self, family: &str) -> Option<String> {
        let (check, own) = match family {
            "A" => ("unsupported_index_share", self.index()),
            _ => ("unsupported_reference_share", format!("{} weighted to be like {}", self.reference(), self.index())),
        };
        let (t, r) = self.check(check)?;
        match t.number(r, "value") {
            Some(0.0) => None,
            Some(v) => Some(format!("{} of {own}", share(v))),
            None => Some(format!("a share, withheld, of {own}")),
        }
    }

    /// Whose numbers a family's are, where hospitals that lack a group are left out of it or borrow the other's outcomes.
    pub fn population(&self, family: &str) -> Option<String> {
        self.restriction(family).or_else(|| self.borrowed(family))
    }

    fn restriction(&self, family: &str) -> Option<String> {
        self.pair(family)?;
        let hospitals = self.restricted(family)?;
        let gap = if self.family_of_headline() == Some(family) { ", and the gap that they divide," } else { "" };
        let left_out = self.elsewhere(family).map(|who| format!(": {who} are elsewhere and left out")).unwrap_or_default();
        Some(format!("The numbers by the outcomes of {}{gap} are of {hospitals}{left_out}.", self.whose(family)))
    }

    fn borrowed(&self, family: &str) -> Option<String> {
        self.pair(family)?;
        let who = match self.restricted(family) {
            None => self.elsewhere(family)?,
            Some(_) => return None,
        };
        let (index, reference) = (self.index(), self.reference());
        let (lacking, other) = if family == "A" { (reference, index) } else { (index, reference) };
        Some(format!("At hospitals without {lacking}, where {who} are, the outcomes of {other} stand for the missing ones."))
    }

    /// How many hospitals there are and how many have both groups; and who is elsewhere, where no family's numbers say so.
    fn support(&self) -> Option<String> {
        let (all, both) = (self.figure("hospitals")?, self.figure("hospitals_with_both")?);
        let (index, reference) = (self.index(), self.reference());
        if both >= all {
            return Some(format!("All {} hospitals treated both {index} and {reference}.", count(all as i64)));
        }
        let mut out = vec![format!(
            "Of {} hospitals, {} treated both {index} and {reference}, and {} only one of the two groups.",
            count(all as i64),
            count(both as i64),
            count((all - both) as i64)
        )];
        for (family, lacking) in [("A", &reference), ("B", &index)] {
            if let (None, Some(who)) = (self.pair(family), self.elsewhere(family)) {
                out.push(format!("{} were at hospitals without {lacking}.", capital(&who)));
            }
        }
        Some(out.join(" "))
    }

    /// With the allowables alone, case mix is part of both numbers (METHODS 5.5(c)).
    pub fn case_mix_left(&self) -> Option<String> {
        self.family_of_headline()?;
        let given = self.given();
        let alone =
            if given.is_empty() { "Patients are compared as they are".to_owned() } else { format!("Patients are compared given {given} alone") };
        given_blocks(self.s, self.analysis).is_empty().then(|| {
            format!(
                "{alone}: what else they differ in, their case mix, is part of both numbers, which are therefore no measure of unequal use of hospitals; \
                 for that, see \"Where they go, overall\" of an analysis that is given the blocks before the hospital."
            )
        })
    }

    fn kind_of_intervals(&self) -> Option<String> {
        (self.s.setting(self.analysis, "hospitals_as").as_deref() == Some("sample"))
            .then(|| "Intervals are approximate and speak of more hospitals than these, of which these are taken as a sample.".to_owned())
    }
}

fn joined(sentences: impl IntoIterator<Item = String>) -> String {
    sentences.into_iter().collect::<Vec<_>>().join(" ")
}

/// A mass with a decimal: a percent is much here.
fn share(v: f64) -> String {
    format!("{}%", fixed(v * 100.0, 1))
}

fn none(v: Interval) -> &'static str {
    match v.excludes_zero() {
        Some(false) => ", which the data cannot tell from none",
        Some(true) | None => "",
    }
}
