//! What is said of hospital analyses, on invented numbers: which way, of whom, and what is not said.

use super::super::study::Study;
use super::super::tests::FORBIDDEN;
use super::super::{render, terminal_table};
use super::{Told, section};
use crate::release::{Cell, Meta, ResultTables, Table, schema, withhold};
use serde_json::{Value, json};

/// One hospital analysis of Black and White patients: pairs by family with limits `width` away, or why there are none.
#[derive(Clone)]
struct Case {
    family: &'static str,
    outcome: &'static str,
    index: &'static str,
    allowable: &'static [&'static str],
    given: &'static [&'static str],
    a: Result<[f64; 2], &'static str>,
    b: Result<[f64; 2], &'static str>,
    width: f64,
    /// The difference of the families and its standard error.
    difference: Option<(f64, f64)>,
    /// Populations of the families.
    populations: [Option<&'static str>; 2],
    /// Shares of patients at hospitals that lack the other group; null is withheld.
    elsewhere: [Option<f64>; 2],
    sample: bool,
    causal: bool,
    characteristics: bool,
    min_cell: u32,
    further: Vec<(&'static str, &'static [&'static str])>,
}

fn case() -> Case {
    Case {
        family: "binomial",
        outcome: "Death within 30 days",
        index: "Black",
        allowable: &["Age, years", "Sex"],
        given: &["Socioeconomic factors", "Clinical status"],
        a: Ok([0.016, 0.011]),
        b: Ok([0.017, 0.010]),
        width: 0.004,
        difference: Some((0.001, 0.002)),
        populations: [None; 2],
        elsewhere: [Some(0.0); 2],
        sample: false,
        causal: false,
        characteristics: false,
        min_cell: 0,
        further: Vec::new(),
    }
}

impl Case {
    fn blocks(&self) -> Vec<&'static str> {
        let mut out: Vec<&str> = vec!["Socioeconomic factors", "Clinical status"];
        out.extend(self.given.iter().filter(|g| !["Socioeconomic factors", "Clinical status"].contains(g)));
        out
    }

    fn scale(&self) -> &'static str {
        match self.family {
            "binomial" => "risk_difference",
            "gaussian" => "mean_difference",
            _ => "rate_difference",
        }
    }

    /// Blocks are `b0`, `b1`, ... with what is given here as their labels, allowables likewise `a0`, ...
    fn settings(&self, given: &[&str]) -> Value {
        let blocks = self.blocks();
        let keys = given.iter().filter_map(|g| blocks.iter().position(|b| b == g)).map(|k| json!(format!("b{k}")));
        let given: Vec<Value> = std::iter::once(json!("allowable")).chain(keys).collect();
        let effects = if self.characteristics { "characteristics" } else { "ids" };
        json!({"hospital": {"id": "site", "effects": effects, "given": given, "hospitals_as": if self.sample { "sample" } else { "population" }}})
    }

    fn meta(&self) -> Meta {
        let mut meta = Meta {
            study: "fixture".into(),
            title: "Fixture".into(),
            outcome: "y".into(),
            family: self.family.into(),
            scale: self.scale().into(),
            group: "race".into(),
            reference: "White".into(),
            index: vec![self.index.into()],
            allowable: (0..self.allowable.len()).map(|k| format!("a{k}")).collect(),
            causal_claims: self.causal,
            primary: "primary".into(),
            level: 0.95,
            min_cell: self.min_cell,
            ..Meta::default()
        };
        meta.labels.insert("y".into(), self.outcome.into());
        self.allowable.iter().enumerate().for_each(|(k, l)| drop(meta.labels.insert(format!("a{k}"), (*l).into())));
        for (k, label) in self.blocks().iter().enumerate() {
            meta.blocks.insert(format!("b{k}"), vec![format!("v{k}")]);
            meta.labels.insert(format!("b{k}"), (*label).into());
        }
        meta.blocks.insert("hospital".into(), vec!["site".into()]);
        meta.analyses.insert("primary".into(), self.settings(self.given));
        self.further.iter().for_each(|(name, given)| drop(meta.analyses.insert((*name).into(), self.settings(given))));
        meta
    }

    fn estimate(&self, v: f64) -> [(&'static str, Cell); 4] {
        [
            ("estimate", v.into()),
            ("std_error", (self.width / 1.96).into()),
            ("conf_low", (v - self.width).into()),
            ("conf_high", (v + self.width).into()),
        ]
    }

    fn tables(&self) -> ResultTables {
        let meta = self.meta();
        let mut gap = Table::new(&schema::GAP);
        let mut parts = Table::new(&schema::DECOMPOSITION);
        let mut rows = Table::new(&schema::HOSPITAL);
        let mut units = Table::new(&schema::HOSPITAL_UNITS);
        let mut checks = Table::new(&schema::DIAGNOSTICS);
        let push = |t: &mut Table, first: &[(&str, Cell)], rest: &[(&str, Cell)]| t.push(&[first, rest].concat()).unwrap();
        let group = ("index_group", Cell::from(self.index));
        let events = |n: u64| if self.family == "gaussian" { Cell::Null } else { n.into() };
        let of_gap = [
            group.clone(),
            ("reference_group", "White".into()),
            ("outcome", "y".into()),
            ("scale", self.scale().into()),
            ("mean_reference", 0.1.into()),
            ("mean_index", 0.16.into()),
            ("n_reference", 900u64.into()),
            ("n_index", 500u64.into()),
            ("_events_reference", events(90)),
            ("_events_index", events(80)),
        ];
        push(&mut gap, &of_gap, &self.estimate(0.06));
        let (pair, population) = match (&self.a, &self.b) {
            (Ok(a), _) => (Some(*a), self.populations[0]),
            (Err(_), Ok(b)) => (Some(*b), self.populations[1]),
            (Err(_), Err(_)) => (None, None),
        };
        for analysis in meta.analyses.keys() {
            let key = [group.clone(), ("analysis", analysis.into())];
            for (k, (family, found)) in [("A", &self.a), ("B", &self.b)].into_iter().enumerate() {
                for (at, name) in ["where_they_go", "how_they_fare_there"].into_iter().enumerate() {
                    let row = [("row", Cell::from(name)), ("family", family.into()), ("population", self.populations[k].into())];
                    let first = [key.as_slice(), &row].concat();
                    match found {
                        Ok(pair) => push(&mut rows, &first, &self.estimate(pair[at])),
                        Err(reason) => push(&mut rows, &first, &[("reason", (*reason).into()), ("estimate", f64::NAN.into())]),
                    }
                }
            }
            if let Some((v, error)) = self.difference {
                let row = [("row", Cell::from("difference")), ("family", "A,B".into())];
                push(&mut rows, &[key.as_slice(), &row].concat(), &[("estimate", v.into()), ("std_error", error.into())]);
            }
            // A number without an interval, and one that is none.
            for (name, v) in [("intraclass_correlation", 0.05), ("median_odds_ratio", f64::NAN)] {
                push(&mut rows, &key, &[("row", name.into()), ("estimate", v.into())]);
            }
            for (k, (name, n0, n1)) in [("St Mary", 40u64, 30u64), ("St Luke", 35, 25), ("Secret <b>", 30, 3)].into_iter().enumerate() {
                let effect = 0.1 * k as f64 - 0.1;
                let of = [
                    ("hospital", Cell::from(name)),
                    ("n_reference", n0.into()),
                    ("n_index", n1.into()),
                    ("observed", 0.2.into()),
                    ("effect", effect.into()),
                    ("conf_low", (effect - 0.2).into()),
                    ("conf_high", (effect + 0.2).into()),
                    ("_events_reference", events(20)),
                    ("_events_index", events(15)),
                ];
                push(&mut units, &key, &of);
            }
            for (check, v) in [
                ("hospitals", Some(3.0)),
                ("hospitals_with_both", Some(if self.elsewhere == [Some(0.0); 2] { 3.0 } else { 2.0 })),
                ("unsupported_index_share", self.elsewhere[0]),
                ("unsupported_reference_share", self.elsewhere[1]),
            ] {
                let message = format!("analysis {analysis}: figure");
                push(&mut checks, std::slice::from_ref(&group), &[("check", check.into()), ("value", v.into()), ("message", message.into())]);
            }
            let Some([go, fare]) = pair else { continue };
            let key = [key.as_slice(), &[("method", "hospital".into()), ("scale", self.scale().into()), ("population", population.into())]].concat();
            for (part, component, v) in [
                ("gap", "total", go + fare),
                ("allowable", "total", 0.002),
                ("explained", "total", go - 0.002),
                ("explained", "patients", -0.002),
                ("explained", "where_they_go", go),
                ("unexplained", "total", fare),
            ] {
                let share = if part == "explained" || part == "unexplained" { Cell::Number(0.5) } else { Cell::Null };
                let row = [("part", Cell::from(part)), ("component", component.into()), ("share", share)];
                push(&mut parts, &[key.as_slice(), &row].concat(), &self.estimate(v));
            }
        }
        withhold(meta, vec![gap, parts, rows, units, checks], self.min_cell).unwrap().0
    }

    fn told(&self) -> Told {
        let tables = self.tables();
        section(&Study::new(&tables), 2)
    }

    fn said(&self) -> String {
        self.told().paragraphs.join("\n").replace('\u{a0}', " ").replace('\u{2212}', "-")
    }
}

/// Text of a page as people read it.
fn page(c: &Case) -> String {
    let html = render(&c.tables()).unwrap();
    html.replace('\u{a0}', " ").replace("&nbsp;", " ").replace('\u{2212}', "-").replace("&#x27;", "'")
}

/// The page without its elements `name`, which must each be closed.
fn without_elements(html: String, name: &str) -> String {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let mut rest = html.as_str();
    let mut out = String::new();
    while let Some((before, after)) = rest.split_once(&open) {
        out.push_str(before);
        rest = after.split_once(&close).map(|(_, r)| r).unwrap();
    }
    out + rest
}

#[track_caller]
fn holds(text: &str, phrases: &[&str]) {
    phrases.iter().for_each(|p| assert!(text.contains(p), "no `{p}` in:\n{text}"));
}

#[track_caller]
fn holds_none(text: &str, phrases: &[&str]) {
    phrases.iter().for_each(|p| assert!(!text.contains(p), "`{p}` in:\n{text}"));
}

const NONE: &str = "which the data cannot tell from none";

#[test]
fn sentences_say_which_way_by_the_outcome_s_own_words() {
    let above = case().said();
    holds(
        &above,
        &[
            "Black patients were treated at hospitals where, for patients with the same age, sex, socioeconomic factors and clinical status, the outcome \
             (death within 30 days) among White patients was 1.6 points (95% interval 1.2 to 2.0) more frequent than at the hospitals that similar \
             White patients use.",
            "At the same hospitals and with all of these the same, it was 1.1 points (95% interval 0.7 to 1.5) more frequent among Black patients than \
             among White patients.",
            "By the outcomes of Black patients themselves: once they are reweighted to the hospitals that similar White patients use, with the outcomes \
             that Black patients have there, the outcome (death within 30 days) is 1.7 points (95% interval 1.3 to 2.1) less frequent among them.",
            "At those hospitals it is 1.0 points (95% interval 0.6 to 1.4) more frequent among Black patients than among similar White patients.",
            "All 3 hospitals treated both Black patients and White patients.",
        ],
    );
    holds_none(&above, &[NONE]);
    // Below 0 every direction turns, and intervals with it.
    let below = Case { a: Ok([-0.016, -0.011]), b: Ok([-0.017, -0.010]), ..case() }.said();
    holds(
        &below,
        &[
            "among White patients was 1.6 points (95% interval 1.2 to 2.0) less frequent than at the hospitals that similar White patients use.",
            "it was 1.1 points (95% interval 0.7 to 1.5) less frequent among Black patients than among White patients.",
            "is 1.7 points (95% interval 1.3 to 2.1) more frequent among them.",
            "it is 1.0 points (95% interval 0.6 to 1.4) less frequent among Black patients than among similar White patients.",
        ],
    );
    holds_none(&below, &[NONE]);
    // Intervals over 0 are not hidden, and no direction stands alone.
    let unclear = Case { width: 0.02, ..case() }.said();
    assert_eq!(unclear.matches(NONE).count(), 4, "{unclear}");
    holds(&unclear, &["1.6 points (95% interval -0.4 to 3.6) more frequent than at the hospitals that similar White patients use, which"]);
    // Signs of one part do not depend on the other.
    let crossed = Case { a: Ok([-0.016, 0.011]), ..case() }.said();
    holds(&crossed, &["less frequent than at the hospitals", "more frequent among Black patients than among White patients"]);
}

#[test]
fn other_outcomes_are_higher_or_lower_in_their_unit() {
    let days = Case { family: "gaussian", outcome: "Length of stay, days", a: Ok([0.6, -0.1]), b: Ok([0.2, 0.3]), width: 0.05, ..case() };
    holds(
        &Case { difference: Some((0.0, 1.0)), ..days }.said(),
        &[
            "mean length of stay among White patients was 0.6",
            "days (95% interval 0.55 to 0.65) higher than at the hospitals",
            "lower among Black patients than among White patients.",
            "mean length of stay is 0.2",
            "lower among them.",
        ],
    );
    let falls = Case { family: "poisson", outcome: "Falls", ..case() }.said();
    holds(&falls, &["the rate of falls among White patients was", "higher than at the hospitals"]);
    for c in [case(), Case { outcome: "Discharge to home", ..case() }, Case { family: "gaussian", outcome: "Days alive, days", ..case() }] {
        holds_none(&page(&c).to_lowercase(), &["worse", "better", "hospital quality"]);
    }
}

#[test]
fn families_that_disagree_stand_together() {
    // Two standard errors exactly is not beyond two.
    let agree = Case { difference: Some((0.02, 0.01)), ..case() };
    holds_none(&agree.said(), &["disagree"]);
    for (difference, a, b) in [(0.0201, [0.005, 0.022], [0.0251, 0.0019]), (-0.0201, [0.0251, 0.0019], [0.005, 0.022])] {
        let c = Case { difference: Some((difference, 0.01)), a: Ok(a), b: Ok(b), ..case() };
        let said = c.said();
        holds(
            &said,
            &[
                "The gap is not the same at all hospitals; the two ways of dividing it disagree, by 2.0 points",
                "by the outcomes of Black patients themselves,",
            ],
        );
        holds(&said, &[&format!("By the outcomes of White patients, {:.1} points", 100.0 * a[0])]);
        holds(&said, &[&format!("themselves, {:.1} points", 100.0 * b[0])]);
        holds_none(&said, &["were treated at hospitals where", "reweighted", "than at the hospitals"]);
        let page = page(&c);
        holds(&page, &["One of two ways of dividing the gap by hospitals, which disagree"]);
        holds_none(&page, &["were treated at hospitals where"]);
    }
    // A difference without a standard error says nothing.
    holds_none(&Case { difference: Some((0.5, f64::NAN)), ..case() }.said(), &["disagree"]);
}

#[test]
fn a_family_without_estimate_leaves_the_other_and_its_reason() {
    let reason = "31% of index units are at hospitals without reference units (at most 25%)";
    let c = Case { a: Err(reason), difference: None, elsewhere: [Some(0.31), Some(0.01)], ..case() };
    let said = c.said();
    holds(
        &said,
        &[
            "the outcome (death within 30 days) is 1.7 points",
            &format!("By the outcomes of White patients there is no estimate: {reason}."),
            "31.0% of Black patients were at hospitals without White patients.",
            "At hospitals without Black patients, where 1.0% of White patients weighted to be like Black patients are, the outcomes of White patients \
             stand for the missing ones.",
        ],
    );
    holds_none(&said, &["were treated at hospitals where", "NaN"]);
    let other = Case { b: Err("too few events"), difference: None, ..case() }.said();
    holds(&other, &["were treated at hospitals where", "By the outcomes of Black patients themselves there is no estimate: too few events."]);
    // Neither: the reason alone.
    let neither = Case { a: Err("too few"), b: Err("too few"), difference: None, ..case() }.said();
    assert_eq!(neither, "By the outcomes of White patients there is no estimate: too few.");
}

#[test]
fn a_gap_of_fewer_than_all_patients_says_of_whom_it_is() {
    let of_reference = Case { populations: [Some("hospitals with reference units"), None], elsewhere: [Some(0.057), Some(0.008)], ..case() };
    holds(
        &of_reference.said(),
        &[
            "The numbers by the outcomes of White patients, and the gap that they divide, are of hospitals that treat White patients: 5.7% of Black \
             patients are elsewhere and left out.",
            "Of 3 hospitals, 2 treated both Black patients and White patients, and 1 only one of the two groups.",
            "At hospitals without Black patients, where 0.8% of White patients weighted to be like Black patients are, the outcomes of White patients \
             stand for the missing ones.",
        ],
    );
    for c in [of_reference.clone(), Case { allowable: &[], ..of_reference.clone() }] {
        let html = page(&c);
        holds(
            &html,
            &[
                "Gap at hospitals that treat White patients",
                ">at hospitals that treat<",
                "Every part is of patients at hospitals that treat White patients.",
            ],
        );
        holds(
            &html,
            &["By the outcomes of White patients (family A), at hospitals that treat White patients", "pp at hospitals that treat White patients"],
        );
        holds_none(&html, &["Gap as observed", "themselves (family B), at"]);
        let text = terminal_table(&c.tables());
        holds(&text, &["Gap at hospitals that treat White patients"]);
        holds_none(&text, &["Gap as observed"]);
    }
    holds(&page(&of_reference), &["Between patients with the same age and sex at hospitals that treat White patients the gap is"]);
    // Family B's own population does not touch the headline's gap.
    let of_index = Case { populations: [None, Some("hospitals with index units")], elsewhere: [Some(0.0), Some(0.057)], ..case() };
    holds(
        &of_index.said(),
        &["The numbers by the outcomes of Black patients themselves are of hospitals that treat Black patients: 5.7% of White patients"],
    );
    holds(&page(&of_index), &["Gap as observed", "themselves (family B), at hospitals that treat Black patients"]);
    // Unless it is the headline.
    let headline = Case { a: Err("too few events"), difference: None, ..of_index };
    holds(&page(&headline), &["Gap at hospitals that treat Black patients"]);
    // The share may be withheld; that somebody is left out is said all the same.
    let withheld = Case { elsewhere: [None, Some(0.0)], ..of_reference };
    holds(&withheld.said(), &["a share, withheld, of Black patients are elsewhere and left out."]);
}

#[test]
fn words_of_change_need_declared_claims() {
    let declared = Case { causal: true, ..case() }.said();
    holds(
        &declared,
        &[
            "If Black patients were spread over hospitals as similar White patients are, and fared there as Black patients fare there now, the outcome (death \
           within 30 days) would be 1.7 points (95% interval 1.3 to 2.1) less frequent among them, under the assumptions of the study file.",
        ],
    );
    holds_none(&declared, &["reweighted"]);
    holds_none(&case().said(), &["If ", "would", "effect", "because", "cause", "due to"]);
}

#[test]
fn case_mix_that_is_not_given_is_said_to_be_in_the_numbers() {
    let warning = "Patients are compared given age and sex alone: what else they differ in, their case mix, is part of both numbers";
    holds_none(&case().said(), &["case mix"]);
    for c in [Case { given: &[], ..case() }, Case { given: &[], characteristics: true, ..case() }] {
        holds(&c.said(), &[warning]);
        // The headline above the sections says so too.
        assert!(page(&c).matches(warning).count() >= 2);
    }
    holds(
        &Case { given: &[], allowable: &[], ..case() }.said(),
        &["Patients are compared as they are: what else", "treated at hospitals where the outcome"],
    );
    let further = Case { further: vec![("narrow", &[])], ..case() }.said();
    holds(&further, &[warning]);
}

#[test]
fn further_analyses_are_short_and_say_only_what_is_new() {
    let c = Case {
        further: vec![("again", &["Socioeconomic factors", "Clinical status"]), ("narrow", &["Socioeconomic factors"])],
        elsewhere: [Some(0.01), Some(0.0)],
        ..case()
    };
    let paragraphs: Vec<String> = c.told().paragraphs.iter().map(|p| p.replace('\u{a0}', " ")).collect();
    let of = |name: &str| paragraphs.iter().find(|p| p.starts_with(&format!("Analysis {name}"))).unwrap();
    assert_eq!(
        of("again"),
        "Analysis again: by the outcomes of White patients, the outcome (death within 30 days) is 1.6 points (95% interval 1.2 to 2.0) more frequent where \
         Black patients go than where similar White patients go; at the same hospitals it is 1.1 points (95% interval 0.7 to 1.5) more frequent among \
         Black patients than among similar White patients."
    );
    holds(of("narrow"), &["Analysis narrow (given age, sex and socioeconomic factors): by the outcomes of White patients"]);
    assert!(of("narrow").len() < 450, "{}", of("narrow").len());
    assert!(paragraphs.iter().all(|p| p.len() < 700), "{paragraphs:?}");
    let sample = Case { sample: true, ..case() }.said();
    holds(&sample, &["Intervals are approximate and speak of more hospitals than these"]);
}

/// Names that are lists of their own are told apart; settings hold no JSON.
#[test]
fn lists_of_names_with_commas_read_one_way() {
    let c = Case { given: &["Clinical, measured", "Housing and income"], ..case() };
    holds(&c.said(), &["with the same age; sex; clinical, measured; and housing and income, the outcome"]);
    let html = page(&c);
    holds(&html, &["given the variables treated as fair + clinical, measured + housing and income"]);
    holds_none(&html, &["[&quot;", "[\"", "&#34;"]);
    holds(&terminal_table(&c.tables()), &["Case mix of patients (given clinical, measured; and housing and income)"]);
}

#[test]
fn no_forbidden_phrase_no_nan_and_no_markup_from_labels() {
    let markup = Case { outcome: "Death <script> & more", index: "Black<i>", given: &["Case \"mix\" <b>"], ..case() };
    let cases = [
        case(),
        Case { causal: true, ..case() },
        Case { difference: Some((0.05, 0.01)), ..case() },
        Case { a: Err("too few"), difference: None, ..case() },
        Case { given: &[], sample: true, further: vec![("narrow", &[])], ..case() },
        Case { characteristics: true, family: "gaussian", outcome: "Length of stay, days", ..case() },
        markup,
    ];
    for c in &cases {
        let html = page(c);
        // The page's own script and styles are no words of the study.
        let said = without_elements(without_elements(html, "script"), "style");
        let lower = said.to_lowercase();
        holds_none(&lower, FORBIDDEN);
        holds_none(&said, &["NaN", "<script", "Black<i>", "\"mix\" <b>", "Secret <b>"]);
        let words = said.split(|c: char| !c.is_alphabetic()).filter(|w| w.eq_ignore_ascii_case("inf") || w.eq_ignore_ascii_case("nan"));
        assert_eq!(words.collect::<Vec<_>>(), Vec::<&str>::new());
        assert_eq!(lower.matches("ranking").count(), lower.matches("not a ranking").count());
    }
    holds(&page(&cases[6]), &["&lt;script&gt;", "Black&lt;i&gt; patients", "Secret &lt;b&gt;"]);
    // A number that is none stands as a dash.
    let view = case().told().tables.swap_remove(0);
    let row = view.rows.iter().find(|r| r.cells[0].text == "Median odds ratio").unwrap();
    assert_eq!(row.cells[1].text, "\u{2013}");
}

#[test]
fn withheld_hospitals_are_never_named() {
    let open = page(&case());
    holds(&open, &["Secret", "St Mary", "How 3 hospitals differ"]);
    // With few index patients at one hospital, another goes with it.
    let c = Case { min_cell: 11, ..case() };
    let html = page(&c);
    holds_none(&html, &["Secret"]);
    assert_eq!(["St Mary", "St Luke"].iter().filter(|n| html.contains(**n)).count(), 1, "one of them keeps the small one company");
    let Told { figures, paragraphs, .. } = c.told();
    assert!(figures.is_empty() && !paragraphs.concat().contains("Secret"));
}
