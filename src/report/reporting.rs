//! Where each item of the reporting guidelines is met, what the words mean, and where the methods come from.

use super::page::Section;
use super::study::Study;
use super::view::{TableView, words};

/// (items, content, sections that meet them; the first that is on the page is linked)
const ITEMS: [(&str, &str, &[&str]); 14] = [
    ("STROBE 4 to 6; RECORD 6.1", "Design, setting, participants", &["text", "cohort"]),
    ("STROBE 7; RECORD 7.1", "Variables; code lists stand in tables/code_lists.csv and study.resolved.yaml", &["derived", "groups", "text"]),
    ("STROBE 8", "Data sources and measurement: windows, units, conversions", &["derived", "cohort", "text"]),
    ("STROBE 9", "Bias", &["text", "sensitivity"]),
    ("STROBE 12; RECORD 12.1 to 12.3", "Statistical methods, data access, cleaning and linkage", &["text", "checks"]),
    ("STROBE 12c", "Missing data", &["cohort", "groups"]),
    ("STROBE 12e", "Sensitivity analyses", &["sensitivity"]),
    ("STROBE 13; RECORD 13.1", "Participant flow", &["cohort"]),
    ("STROBE 14", "Descriptive data", &["groups"]),
    ("STROBE 15", "Outcome data", &["gap"]),
    ("STROBE 16", "Main results, absolute and relative", &["gap", "contributions", "nested"]),
    ("STROBE 17", "Other analyses", &["methods", "assumed", "hospitals", "sensitivity"]),
    ("STROBE 19; RECORD 19.1", "Limitations", &["text"]),
    ("RECORD 22.1", "Data, code and protocol", &["again"]),
];

/// The map from items to sections of this page.
pub fn items(sections: &[Section]) -> TableView {
    let mut view = TableView::new("Where each reporting item is met").left("Item", "").left("Content", "").left("Place", "");
    for (item, content, ids) in ITEMS {
        // The sections after those at hand: methods and limitations, provenance.
        let known = |id: &&&str| **id == "text" || **id == "again" || sections.iter().any(|s| s.id == **id);
        let found: Vec<&str> = ids.iter().filter(known).copied().collect();
        let place = |id: &str| match (id, sections.iter().find(|s| s.id == id)) {
            ("again", _) => "Provenance".to_owned(),
            ("text", _) => "Methods and limitations".to_owned(),
            (_, Some(s)) => s.title.to_owned(),
            (_, None) => String::new(),
        };
        let mut cell = match found.as_slice() {
            [] => words("not in this study"),
            all => words(all.iter().map(|id| place(id)).collect::<Vec<_>>().join("; ")),
        };
        cell.link = found.first().map(|id| format!("#{id}"));
        view.row("", vec![words(item), words(content), cell]);
    }
    view.note("STROBE: von Elm 2007. RECORD: Benchimol 2015. Items on title, funding and interpretation are for the authors.");
    view
}

/// The words of this page, in the order of the alphabet.
pub fn terms(s: &Study) -> Vec<(String, String)> {
    let family = |f: &str| s.analyses().iter().any(|a| s.family(a) == f);
    let fair = !s.meta.allowable.is_empty();
    let binomial = matches!(s.meta.family.as_str(), "binomial" | "probit");
    let all = [
        (
            true,
            "Adjusted gap",
            "Observed mean outcome of the index group minus the mean that it would show with the outcomes of reference units of the same values of the \
             variables treated as fair, and of the blocks that are named.",
        ),
        (
            family("A"),
            "Family A",
            "With and without. How much of the adjusted gap disappears when index units are compared with reference units that have the same variables \
             treated as fair and the same blocks. It needs no causal order.",
        ),
        (
            family("B"),
            "Family B",
            "The outcomes of index units themselves are averaged over the distributions that factors have among reference units.",
        ),
        (
            family("M"),
            "Family M",
            "Mechanism switch. How the mean outcome of the index group changes, in the model, as each block comes about as it does among reference units, \
             one after the other in the assumed order.",
        ),
        (true, "Gap", "Mean outcome (risk, rate, mean) of the index group minus that of the reference group, everywhere."),
        (
            true,
            "Not explained",
            "What remains when units with the same measured factors are compared. It holds unmeasured factors, measurement error and differences in care.",
        ),
        (
            s.setting(&s.meta.primary, "attribution").as_deref() == Some("shapley"),
            "Order-averaged",
            "Shapley value: the average, over all orders in which blocks can enter, of the change in the adjusted gap. A rule of fair division; the range \
             over orders stands beside it.",
        ),
        (family("peer"), "Peer convention", "A decomposition as other programs define it, on the same cohort and in the same sign."),
        (binomial, "Percentage points", "Difference between two risks, times 100."),
        (
            s.parts_have_shares(),
            "Share",
            "Contribution divided by the adjusted gap: an accounting quantity under the stated family, order, variables treated as fair and standard \
             population. It can lie below 0% or above 100% and is not a percentage of units. Refused where the interval of the gap covers 0.",
        ),
        (true, "Standardised mean difference", "Difference in means divided by the pooled standard deviation. Above 0.10 is marked."),
        (
            fair,
            "Treated as fair",
            "Allowable variables: the groups are compared at the same values, and nothing is credited to them. Which variables belong here is a value \
             judgement made in the study file.",
        ),
        (s.meta.min_cell > 1, "Withheld", "A count below the limit of the release rule, or what would let it be computed."),
    ];
    all.into_iter().filter(|(used, ..)| *used).map(|(_, term, text)| (term.to_owned(), text.to_owned())).collect()
}

/// Author and year of what the study uses; `gapshare explain METHOD` has them in full.
pub fn sources(s: &Study) -> Vec<String> {
    let used: Vec<String> = s.analyses().iter().filter_map(|a| s.method(a)).collect();
    let uses = |m: &str| used.iter().any(|u| u == m);
    let varied = s.table(&crate::release::schema::SENSITIVITY);
    let variation = |v: &str| varied.is_some_and(|t| (0..t.rows.len()).any(|r| t.text(r, "variation") == v));
    let all = [
        (
            uses("with_and_without"),
            "With and without: Peters 1941, J Educ Res 34:606; Belson 1956, Appl Stat 5:195; Jackson 2021, Epidemiology 32:282.",
        ),
        (
            s.setting(&s.meta.primary, "attribution").as_deref() == Some("shapley"),
            "Order averaging: Shapley 1953; Shorrocks 2013, J Econ Inequal 11:99.",
        ),
        (uses("oaxaca_blinder"), "Oaxaca-Blinder: Kitagawa 1955, JASA 50:1168; Oaxaca 1973; Blinder 1973; Jann 2008, Stata J 8:453."),
        (uses("fairlie"), "Fairlie 1999, J Labor Econ 17:80."),
        (uses("yun"), "Yun 2004, Econ Lett 82:275."),
        (uses("gelbach"), "Gelbach 2016, J Labor Econ 34:509."),
        (uses("khb"), "Karlson, Holm and Breen 2012, Sociol Methodol 42:286."),
        (uses("rank_and_replace"), "Rank and replace: McGuire et al. 2006, Health Serv Res 41:1979; Cook et al. 2009."),
        (uses("mechanisms"), "Mechanism switch: Quintas-Mart\u{ed}nez et al. 2024."),
        (
            uses("interventional"),
            "Interventional contrasts: VanderWeele and Robinson 2014, Epidemiology 25:473; Jackson and VanderWeele 2018, Epidemiology 29:825.",
        ),
        (uses("cdgd"), "Group-differential treatment: Yu and Elwert 2025, Ann Appl Stat 19."),
        (uses("hospital"), "Hospitals: Kitagawa 1955, JASA 50:1168; docs/hospital.md."),
        (s.meta.cluster.is_some(), "Clusters: Liang and Zeger 1986, Biometrika 73:13."),
        (s.parts_have_shares(), "Shares: Fieller 1954, J R Stat Soc B 16:175."),
        (variation("ovb"), "Omitted variables: Cinelli and Hazlett 2020, J R Stat Soc B 82:39."),
        (variation("e_value"), "E-value: VanderWeele and Ding 2017, Ann Intern Med 167:268."),
    ];
    let mut told: Vec<String> = all.iter().filter(|(used, _)| *used).map(|(_, text)| (*text).to_owned()).collect();
    told.push(format!("Program: gapshare {}. What each method does, with its formula and source: gapshare explain METHOD.", s.meta.version));
    told
}
