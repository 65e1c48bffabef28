//! The report on fixtures: invented numbers, whose only property is that parts sum to gaps.

mod rules;

use super::{render, terminal_table};
use crate::error::Problems;
use crate::release::{Cell, Meta, ResultTables, ShownProblem, Table, read_results, schema, withhold, write_all};
use indexmap::IndexMap;
use serde_json::json;

/// Phrases that no report may hold (METHODS 11, REPORT_DESIGN 8).
pub(super) const FORBIDDEN: &[&str] = &[
    "effect of race",
    "effects of race",
    "due to race",
    "caused by",
    "race difference",
    "racial difference",
    "biological difference",
    "genetic",
    "innate",
    "preventable fraction",
    "discrimination",
    "unmodifiable",
    "minorities",
    "non-white",
    " blacks",
    " whites",
    "chose ",
];

fn meta(family: &str, index: &[&str], blocks: &[&str]) -> Meta {
    let scale = match family {
        "binomial" => "risk_difference",
        "gaussian" => "mean_difference",
        _ => "rate_difference",
    };
    let mut labels = IndexMap::new();
    labels.insert("creatinine".to_owned(), "Creatinine, mg/dL <b>".to_owned());
    labels.insert("age_years".to_owned(), "age".to_owned());
    labels.insert("los".to_owned(), "Length of stay, days".to_owned());
    labels.insert("died_30d".to_owned(), "death within 30 days".to_owned());
    let mut analyses = IndexMap::new();
    analyses.insert(
        "primary".to_owned(),
        json!({"with_and_without": {"attribution": "shapley", "surface": "reference_model", "estimator": "dr", "target": "index"}}),
    );
    analyses.insert("by_hand".to_owned(), json!({"oaxaca_blinder": {"reference": "pooled", "linear": true}}));
    analyses.insert("log_odds".to_owned(), json!({"khb": {"ape": false}}));
    Meta {
        version: "0.1.0".into(),
        study: "fixture".into(),
        title: "Fixture: a gap in invented data".into(),
        study_file: "fixture.yaml".into(),
        study_sha256: "00".repeat(32),
        units: "patients".into(),
        outcome: if family == "gaussian" { "los" } else { "died_30d" }.into(),
        family: family.into(),
        scale: scale.into(),
        exposure: (family == "poisson").then(|| "patient-days".to_owned()),
        group: "race".into(),
        reference: "White".into(),
        index: index.iter().map(ToString::to_string).collect(),
        allowable: vec!["age_years".into(), "sex".into()],
        blocks: blocks.iter().map(|b| (b.to_string(), vec![format!("v_{b}")])).collect(),
        causal_order: Vec::new(),
        causal_claims: false,
        cluster: Some("hospital_id".into()),
        weight: None,
        labels,
        analyses,
        primary: "primary".into(),
        level: 0.95,
        min_cell: 11,
        blinded: vec![("by_hand".into(), index[0].into(), "5.6% of index units are outside the reference group's range".into())],
        not_estimated: Vec::new(),
        assumptions: Vec::new(),
        problems: vec![ShownProblem {
            code: "G319".into(),
            message: "creatinine: 412 missing values filled with the median".into(),
            notes: vec!["index group: 120".into()],
            help: Some("see `missing`".into()),
            place: Some("fixture.yaml:30:3".into()),
        }],
    }
}

/// Rows of each kind of variation: (variation, setting, part, component, estimate with a limit or none, scale, reason).
fn varied(meta: &Meta, blocks: &[&str], size: f64) -> Result<Table, Problems> {
    let mut t = Table::new(&schema::SENSITIVITY);
    let scale = meta.scale.as_str();
    for group in &meta.index {
        for (variation, setting, part, component, estimate, scale, reason) in [
            ("order", "smallest", Some("explained"), blocks[0], Some(0.01), Some(scale), None),
            ("estimator", "ipw", Some("explained"), "total", Some(0.05), Some(scale), None),
            ("estimator", "gcomp", Some("gap"), "total", None, None, Some("no support for <b>")),
            ("learner", "boosted_trees", Some("explained"), "total", Some(0.03), Some(scale), None),
            ("learner", "boosted_trees", None, "split_range", Some(0.25), None, None),
            ("learner", "boosted_trees", None, "clipped_group_probabilities", Some(0.013), None, None),
            ("negative_control", "fracture", Some("unexplained"), "total", Some(0.001), Some("mean_difference"), None),
            ("negative_control", "ldl", Some("gap"), "total", None, None, Some("it is known of no unit of a group")),
            ("trimming", "0.05", Some("gap"), "total", Some(0.06), Some(scale), None),
            ("leave_one_out", "creatinine", Some("explained"), blocks[0], Some(0.02), Some(scale), None),
            ("e_value", "every block", None, "e_value", Some(1.35), Some("risk_ratio"), None),
            ("ovb", "linear", None, "robustness_value", Some(0.0166), None, None),
            ("ovb", "2 x biological", None, "r2_with_group", Some(0.02), None, None),
            ("park", "hospital", None, "reduction", Some(0.02), Some(scale), None),
        ] {
            let additive = scale == Some(meta.scale.as_str());
            let estimate = estimate.map(|v| if additive { v * size } else { v });
            let limits = estimate.filter(|_| additive && variation != "order");
            let cells = [
                ("index_group", Cell::from(group)),
                ("analysis", "primary".into()),
                ("variation", variation.into()),
                ("setting", setting.into()),
                ("part", part.into()),
                ("component", component.into()),
                ("estimate", estimate.into()),
                ("std_error", limits.map(|_| 0.004 * size).into()),
                ("conf_low", limits.map(|v| v - 0.008 * size).into()),
                ("conf_high", limits.map(|v| v + 0.008 * size).into()),
                ("scale", scale.into()),
                ("reason", reason.into()),
                ("blinded", (variation == "estimator").into()),
                ("n_reference", (variation == "trimming").then_some(14000u64).into()),
                ("n_index", (variation == "trimming").then_some(4500u64).into()),
            ];
            z(&mut t, &cells)?;
        }
    }
    Ok(t)
}

/// Two normal shapes, apart by more with every block; ends with few units.
fn overlap(index: &[&str], blocks: &[&str]) -> Result<Table, Problems> {
    let mut t = Table::new(&schema::OVERLAP);
    for group in index {
        for set in 0..=blocks.len() {
            let name = if set == 0 { "none".to_owned() } else { blocks[..set].join("+") };
            for k in -20..20 {
                let low = f64::from(k) * 0.2;
                let bell = |centre: f64| (-(low + 0.1 - centre).powi(2)).exp();
                let (s0, s1) = (bell(-1.0), bell(-1.0 + 0.3 * set as f64));
                let cells = [
                    ("index_group", Cell::from(*group)),
                    ("blocks", name.as_str().into()),
                    ("low", low.into()),
                    ("high", (low + 0.2).into()),
                    ("n_reference", ((s0 * 1683.0) as u64).into()),
                    ("n_index", ((s1 * 564.0) as u64).into()),
                    ("share_reference", (s0 * 0.1128).into()),
                    ("share_index", (s1 * 0.1128).into()),
                ];
                z(&mut t, &cells)?;
            }
        }
    }
    Ok(t)
}

fn z(t: &mut Table, cells: &[(&str, Cell)]) -> Result<(), Problems> {
    t.push(cells)
}

/// Every table, with a gap of `scale * 0.060` per index group.
fn fixture(family: &str, index: &[&str], blocks: &[&str], size: f64) -> Result<ResultTables, Problems> {
    let meta = meta(family, index, blocks);
    let scale = meta.scale.clone();
    let mut attrition = Table::attrition(&meta.index);
    let mut gap = Table::new(&schema::GAP);
    let mut one = Table::new(&schema::TABLE_ONE);
    let mut diagnostics = Table::new(&schema::DIAGNOSTICS);
    let mut parts = Table::new(&schema::DECOMPOSITION);
    let mut sets = Table::new(&schema::WITH_AND_WITHOUT);
    let mut models = Table::new(&schema::MODELS);
    let mut coefficients = Table::new(&schema::COEFFICIENTS);

    let steps = [
        ("rows of encounters", 0u64, 28614u64),
        ("adults", 47, 28567),
        ("first surgery", 7000, 21567),
        ("group is reference or index", 1500, 20067),
        ("missing: creatinine", 5, 20062),
    ];
    let counts = schema::attrition_index_columns(&attrition);
    for (k, (name, removed, after)) in steps.into_iter().enumerate() {
        let mut cells = vec![
            ("step", k.into()),
            ("name", name.into()),
            ("n_before", (removed + after).into()),
            ("n_removed", removed.into()),
            ("n_after", after.into()),
        ];
        if k >= 3 {
            let each = 5000u64;
            cells.push(("n_reference", (after - each * counts.len() as u64).into()));
            cells.extend(counts.iter().map(|c| (c.as_str(), each.into())));
        }
        z(&mut attrition, &cells)?;
    }
    for group in index {
        let events = (family != "gaussian").then_some(821u64);
        let base = [("index_group", Cell::from(*group)), ("reference_group", "White".into()), ("outcome", meta.outcome.as_str().into())];
        let scales: Vec<(&str, f64)> = match family {
            "binomial" => vec![("risk_difference", 0.0604), ("risk_ratio", 1.58), ("odds_ratio", 1.69)],
            _ => vec![(scale.as_str(), 0.0604 * size)],
        };
        for (name, estimate) in scales {
            let width = if name.ends_with("ratio") { 0.18 } else { 0.0158 * size };
            let mut cells = base.to_vec();
            cells.extend([
                ("scale", name.into()),
                ("estimate", estimate.into()),
                ("std_error", (width / 1.96).into()),
                ("conf_low", (estimate - width).into()),
                ("conf_high", (estimate + width).into()),
                ("mean_reference", (0.1042 * size).into()),
                ("mean_index", (0.1646 * size).into()),
                ("mean_reference_conf_low", (0.095 * size).into()),
                ("mean_reference_conf_high", (0.113 * size).into()),
                ("mean_index_conf_low", (0.15 * size).into()),
                ("mean_index_conf_high", (0.18 * size).into()),
                ("n_reference", 14913u64.into()),
                ("n_index", 5000u64.into()),
                ("_events_reference", events.map(|_| 1554u64).into()),
                ("_events_index", events.into()),
            ]);
            z(&mut gap, &cells)?;
        }
        for (block, variable, level, m0, m1, c) in [
            ("allowable", "age_years", None, 66.0, 63.1, None),
            (blocks[0], "creatinine", None, 1.1, 1.4, None),
            (blocks[0], "insurance", Some("private"), 0.6, 0.4, Some((8948u64, 2000u64))),
            (blocks[0], "insurance", Some("public"), 0.3994, 0.5992, Some((5956, 2996))),
            (blocks[0], "insurance", Some("=none"), 0.0006, 0.0008, Some((9, 4))),
        ] {
            let numeric = level.is_none();
            let mut cells = vec![
                ("index_group", Cell::from(*group)),
                ("block", block.into()),
                ("variable", variable.into()),
                ("level", level.into()),
                ("mean_reference", m0.into()),
                ("mean_index", m1.into()),
                ("sd_reference", numeric.then_some(10.0).into()),
                ("sd_index", numeric.then_some(9.5).into()),
                ("smd", ((m1 - m0) / 2.0).into()),
                ("smd_weighted", 0.02.into()),
                ("n_missing_reference", 0u64.into()),
                ("n_missing_index", 0u64.into()),
                ("_n_reference", 14913u64.into()),
                ("_n_index", 5000u64.into()),
            ];
            if let Some((r, i)) = c {
                cells.extend([("_count_reference", r.into()), ("_count_index", i.into())]);
            }
            z(&mut one, &cells)?;
        }
        for (check, value, threshold, passed, message) in [
            ("outside_support", 0.056, 0.05, false, "5.6% of index units are outside the reference group's range"),
            ("ess", 4733.0, 100.0, true, "weighted reference units count as 4,733"),
        ] {
            let cells = [
                ("index_group", Cell::from(*group)),
                ("blocks", blocks.join("+").into()),
                ("check", check.into()),
                ("value", value.into()),
                ("threshold", threshold.into()),
                ("passed", passed.into()),
                ("message", message.into()),
            ];
            z(&mut diagnostics, &cells)?;
        }
        let k = blocks.len() as f64;
        for (analysis, method, name, factor) in [
            ("primary", "with_and_without", scale.as_str(), size),
            ("by_hand", "oaxaca_blinder", scale.as_str(), size * 1.02),
            ("log_odds", "khb", "log_odds", 9.0),
        ] {
            let mut row = |part: &str, component: &str, v: f64| {
                let shared = !matches!(part, "gap" | "allowable");
                let share = shared.then_some(v / 0.072);
                z(
                    &mut parts,
                    &[
                        ("index_group", Cell::from(*group)),
                        ("analysis", analysis.into()),
                        ("method", method.into()),
                        ("part", part.into()),
                        ("component", component.into()),
                        ("estimate", (v * factor).into()),
                        ("std_error", (0.004 * factor).into()),
                        ("conf_low", ((v - 0.008) * factor).into()),
                        ("conf_high", ((v + 0.008) * factor).into()),
                        ("share", share.into()),
                        ("share_conf_low", share.map(|s| s - 0.1).into()),
                        ("share_conf_high", share.map(|s| s + 0.1).into()),
                        ("order_min", ((component != "total").then_some((v - 0.004) * factor)).into()),
                        ("order_max", ((component != "total").then_some((v + 0.004) * factor)).into()),
                        ("first_in", ((component != "total").then_some((v + 0.004) * factor)).into()),
                        ("last_in", ((component != "total").then_some((v - 0.004) * factor)).into()),
                        ("sequential", ((component != "total").then_some(v * factor)).into()),
                        ("scale", name.into()),
                    ],
                )
            };
            row("gap", "total", 0.0604)?;
            row("allowable", "total", -0.0116)?;
            row("explained", "total", 0.0574)?;
            for block in blocks {
                row("explained", block, 0.0574 / k)?;
            }
            row("unexplained", "total", 0.0146)?;
        }
        for (set, adjusted) in [("none".to_owned(), 0.072), (blocks[0].to_owned(), 0.0433), (blocks.join("+"), 0.0146)] {
            let cells = [
                ("index_group", Cell::from(*group)),
                ("analysis", "primary".into()),
                ("blocks", set.as_str().into()),
                ("counterfactual_mean", ((0.1646 - adjusted) * size).into()),
                ("adjusted_gap", (adjusted * size).into()),
                ("std_error", (0.006 * size).into()),
                ("conf_low", ((adjusted - 0.0125) * size).into()),
                ("conf_high", ((adjusted + 0.0125) * size).into()),
                ("accounted", ((0.072 - adjusted) * size).into()),
            ];
            z(&mut sets, &cells)?;
        }
        let model = [("index_group", Cell::from(*group)), ("blocks", blocks.join("+").into()), ("fitted_in", "reference".into())];
        let mut cells = model.to_vec();
        cells.extend([
            ("family", family.into()),
            ("n", 14913u64.into()),
            ("events", events.map(|_| 1554u64).into()),
            ("k", 4.into()),
            ("loglik", (-4321.5).into()),
            ("link", "logit".into()),
        ]);
        z(&mut models, &cells)?;
        for (term, variable, level, n) in [
            ("(intercept)", None, None, None),
            ("creatinine", Some("creatinine"), None, None),
            ("insurance=public", Some("insurance"), Some("public"), Some((5956u64, 2996u64))),
            ("insurance==none", Some("insurance"), Some("=none"), Some((9, 4))),
        ] {
            let mut cells = model.to_vec();
            cells.extend([
                ("term", Cell::from(term)),
                ("estimate", 0.123.into()),
                ("conf_low", 0.1.into()),
                ("conf_high", 0.15.into()),
                ("link", "logit".into()),
                ("se_kind", "cluster".into()),
                ("_variable", variable.into()),
                ("_level", level.into()),
                ("_n_level_reference", n.map(|n| n.0).into()),
                ("_n_level_index", n.map(|n| n.1).into()),
            ]);
            z(&mut coefficients, &cells)?;
        }
    }
    let tables = vec![attrition, gap, one, diagnostics, parts, sets, models, coefficients, varied(&meta, blocks, size)?, overlap(index, blocks)?];
    let min_cell = meta.min_cell;
    withhold(meta, tables, min_cell).map(|(r, _)| r)
}

const LONG: [&str; 10] = [
    "socioeconomic_position_of_person_and_area",
    "biological",
    "hospital",
    "a_block_whose_name_has_no_end_in_sight_and_goes_on",
    "access",
    "procedure",
    "travel",
    "insurance_and_payment",
    "season",
    "pharmacy",
];

fn cases() -> Vec<(&'static str, ResultTables)> {
    let three = ["socioeconomic", "biological", "hospital"];
    vec![
        ("binomial", fixture("binomial", &["Black"], &three, 1.0).unwrap()),
        ("gaussian", fixture("gaussian", &["Black", "Hispanic"], &LONG, 40.0).unwrap()),
        ("poisson", fixture("poisson", &["Black"], &three[..1], 0.02).unwrap()),
    ]
}

/// REPORT_FIXTURES=DIR writes the pages there, to be looked at.
#[test]
fn pages_are_self_contained_and_use_no_forbidden_phrase() {
    for (name, tables) in cases() {
        let html = render(&tables).unwrap();
        if let Some(dir) = std::env::var_os("REPORT_FIXTURES") {
            std::fs::write(std::path::Path::new(&dir).join(format!("{name}.html")), &html).unwrap();
        }
        let lower = html.to_lowercase().replace("&#x27;", "'");
        for phrase in FORBIDDEN {
            assert!(!lower.contains(phrase), "{name}: `{phrase}`");
        }
        for outside in
            ["<script src", "http://", "https://", "url(//", "@import", "<link rel=\"stylesheet", "<img", "<iframe", "fetch(", "xmlhttprequest"]
        {
            assert!(!lower.contains(outside), "{name}: {outside}");
        }
        assert!(!html.contains("undefined") && !html.contains("NaN"), "{name}");
        assert!(html.len() < 2_000_000, "{name}: {} bytes", html.len());
        let mut ids: Vec<&str> = html.split(" id=\"").skip(1).filter_map(|s| s.split('"').next()).collect();
        let all = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), all, "{name}: ids are unique");
        for anchor in html.split(" href=\"#").skip(1).filter_map(|s| s.split('"').next()) {
            assert!(ids.contains(&anchor), "{name}: #{anchor} leads nowhere");
        }
    }
}

/// The pieces of a text between two marks.
fn between<'a>(text: &'a str, open: &str, close: &str) -> Vec<&'a str> {
    text.split(open).skip(1).filter_map(|s| s.split(close).next()).collect()
}

/// Numbers of an attribute or of a path.
fn numbers_in(text: &str) -> Vec<f64> {
    text.split(|c: char| !(c.is_ascii_digit() || c == '.' || c == '-')).filter_map(|n| n.parse().ok()).collect()
}

/// Every figure is drawn twice, with words for those who do not see it, and nothing stands outside.
#[test]
fn figures_are_drawn_twice_with_title_and_description_and_stay_inside() {
    for (name, tables) in cases() {
        let html = render(&tables).unwrap();
        let figures = between(&html, "<figure id=\"", "</figure>");
        assert!(figures.len() >= 8 * tables.meta.index.len(), "{name}: {} figures", figures.len());
        for figure in figures {
            let id = figure.split('"').next().unwrap();
            for (class, width) in [("w", "800"), ("n", "350")] {
                let svg = between(figure, &format!("<svg class=\"{class}\""), "</svg>");
                assert_eq!(svg.len(), 1, "{name} {id}: one drawing of class {class}");
                let svg = svg[0];
                assert!(svg.contains("role=\"img\"") && svg.contains("aria-labelledby"), "{name} {id}");
                assert!(!between(svg, "<title", "</title>")[0].ends_with('>'), "{name} {id}: a title");
                assert!(svg.contains("<desc "), "{name} {id}: a description");
                let view = numbers_in(between(svg, "viewBox=\"", "\"")[0]);
                assert!(view.len() == 4 && view[2].to_string() == width && view[3] > 20.0, "{name} {id}: {view:?}");
                let (w, h) = (view[2], view[3]);
                assert!(!svg.contains("NaN") && !svg.contains("inf\""), "{name} {id}");
                for (attribute, limit) in [(" x=\"", w), (" cx=\"", w), (" y=\"", h), (" cy=\"", h)] {
                    for v in between(svg, attribute, "\"").into_iter().flat_map(numbers_in) {
                        assert!((-0.5..=limit + 0.5).contains(&v), "{name} {id} {class}: {attribute}{v} of {limit}");
                    }
                }
                for text in between(svg, "<text ", "</text>") {
                    let (attributes, words) = text.split_once('>').unwrap();
                    let x = numbers_in(between(attributes, "x=\"", "\"")[0])[0];
                    let width =
                        super::chart::text_width(&words.replace("&quot;", "'").replace("&#39;", "'").replace("&lt;", "<").replace("&gt;", ">"));
                    let (left, right) = match between(attributes, "text-anchor=\"", "\"")[0] {
                        "end" => (x - width, x),
                        "middle" => (x - width / 2.0, x + width / 2.0),
                        _ => (x, x + width),
                    };
                    assert!(left > -9.0 && right < w + 9.0, "{name} {id} {class}: `{words}` from {left:.0} to {right:.0} of {w}");
                }
            }
        }
    }
}

/// The numbers of every figure can be read and taken away.
#[test]
fn every_table_has_a_file_with_a_line_for_each_row() {
    let (name, tables) = cases().swap_remove(0);
    let html = render(&tables).unwrap();
    let views = between(&html, "<div class=\"tw", "</table>");
    assert!(views.len() > 15, "{name}");
    for view in views {
        let file = between(view, "href=\"data:text/csv;charset=utf-8,", "\"")[0];
        let rows = view.matches("<tr").count() - view.matches("<tr class=\"grp\"").count();
        assert_eq!(file.matches("%0D%0A").count(), rows, "{file}");
    }
    for kind in ["flow", "parts-1", "means-1", "balance-1", "overlap-1", "orders-1", "ladder-1", "methods-1", "choices-1"] {
        let figure = html.split(&format!("<figure id=\"{kind}\"")).nth(1).unwrap_or_else(|| panic!("{kind} is drawn"));
        assert!(figure.split("</figure>").next().unwrap().contains("<details class=\"data\">"), "{kind} has its data");
    }
}

/// What is withheld is named as such, and has no place in a drawing.
#[test]
fn a_withheld_value_has_no_mark() {
    let (_, mut tables) = cases().swap_remove(0);
    let marks = |html: &str| between(html, "<figure id=\"balance-1\"", "</figure>")[0].matches("<circle").count();
    let before = marks(&render(&tables).unwrap());
    let t = tables.tables.get_mut("table_one").unwrap();
    let row = (0..t.rows.len()).find(|&r| t.text(r, "variable") == "creatinine").unwrap();
    for column in ["smd", "smd_weighted", "mean_index", "mean_reference", "sd_index", "sd_reference"] {
        let at = t.position(column).unwrap();
        t.rows[row][at] = Cell::Null;
    }
    let withheld = t.position("withheld").unwrap();
    t.rows[row][withheld] = Cell::Bool(true);
    let html = render(&tables).unwrap();
    // Before and after, in both drawings.
    assert_eq!(marks(&html), before - 4);
    assert!(html.contains("<td class=\"wt\"><span>withheld</span></td>"));
}

#[test]
fn units_that_are_not_patients_are_not_called_so() {
    let (_, mut tables) = cases().swap_remove(0);
    tables.meta.units = "stays".into();
    let html = render(&tables).unwrap();
    assert!(html.contains("Between stays with the same age and sex") && html.contains("White stays"));
    assert!(
        !html.to_lowercase().contains("patient"),
        "{}",
        html.to_lowercase().split("patient").next().unwrap().chars().rev().take(80).collect::<String>()
    );
}

#[test]
fn labels_are_escaped_and_small_cells_are_marked() {
    let (_, tables) = cases().swap_remove(0);
    let html = render(&tables).unwrap();
    assert!(html.contains("Creatinine, mg&#x2f;dL &lt;b&gt;") || html.contains("Creatinine, mg/dL &lt;b&gt;"), "labels are escaped");
    assert!(!html.contains("mg/dL <b>"));
    assert!(html.contains("<td class=\"wt\"><span>withheld</span></td>"));
    assert!(html.contains("16.5 per 100 Black patients and in 10.4 per 100 White patients: a gap of 6.0 percentage points"));
    assert!(html.contains("Between patients with the same age and sex the gap is 7.2 points"));
    assert!(html.contains("Clinical and physiological, measured"));
}

#[test]
fn other_families_read_in_their_own_units() {
    let cases = cases();
    let gaussian = render(&cases[1].1).unwrap();
    assert!(gaussian.contains("The mean of length of stay was 6.6 days among Black patients and 4.2 among White patients"));
    assert!(!gaussian.contains("percentage points"));
    let poisson = render(&cases[2].1).unwrap();
    assert!(poisson.contains("events per 1,000 patient-days"));
    assert!(!poisson.contains("percentage points"));
}

/// With an interval over 0 no share is named and nothing travels with anything.
#[test]
fn a_gap_that_cannot_be_told_from_zero_gets_no_share() {
    let (_, mut tables) = cases().swap_remove(0);
    for (name, t) in &mut tables.tables {
        for row in 0..t.rows.len() {
            for column in ["share", "share_conf_low", "share_conf_high", "conf_low"] {
                if let Some(c) = t.position(column)
                    && (column != "conf_low" || *name == "with_and_without")
                {
                    t.rows[row][c] = if column == "conf_low" { Cell::Number(-0.01) } else { Cell::Null };
                }
            }
        }
    }
    let html = render(&tables).unwrap();
    assert!(html.contains("The data do not show a gap at the same age and sex"));
    assert!(!html.contains("Of it,") && !html.contains("Most of"));
    assert!(html.contains(">NA<"));
}

#[test]
fn a_study_without_estimates_still_has_a_page() {
    let (_, mut tables) = cases().swap_remove(0);
    tables.tables.shift_remove("decomposition");
    tables.tables.shift_remove("with_and_without");
    tables.meta.not_estimated.push(("primary".into(), "Black".into(), "the fit is separated".into()));
    let html = render(&tables).unwrap();
    assert!(html.contains("not estimated") && html.contains("the fit is separated"));
    assert!(!html.contains("id=\"parts-1\"") && html.contains("id=\"flow\""));
    assert!(terminal_table(&tables).contains("not estimated: the fit is separated"));
}

#[test]
fn the_terminal_shows_the_primary_decomposition() {
    let (_, tables) = cases().swap_remove(0);
    let text = terminal_table(&tables);
    let line = |start: &str| text.lines().find(|l| l.trim_start().starts_with(start)).unwrap_or("").split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(line("Gap as observed"), "Gap as observed 6.04 5.24 to 6.84 -");
    assert_eq!(line("Treated as fair"), "Treated as fair -1.16 -1.96 to -0.36 -");
    assert_eq!(line("Not explained"), "Not explained by the measured factors 1.46 0.66 to 2.26 20%");
    assert!(text.contains("checks that did not pass: outside_support"));
}

#[test]
fn results_read_back_as_written_and_render_the_same() {
    for (name, tables) in cases() {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("results");
        let html = render(&tables).unwrap();
        write_all(&out, &tables, &html, "gapshare: 1\n", Default::default()).unwrap();
        let back = read_results(&out).unwrap();
        assert_eq!(render(&back).unwrap(), html, "{name}");
        assert_eq!(back.meta, tables.meta);
        for (table, original) in &tables.tables {
            assert_eq!(back.tables[table].rows.len(), original.rows.len());
            assert_eq!(back.tables[table].columns, original.columns);
        }
    }
}

#[test]
fn variations_stand_in_a_section_of_their_own() {
    let (name, results) = cases().swap_remove(0);
    let html = render(&results).unwrap_or_else(|p| panic!("{name}: {p:?}"));
    for text in [
        "<h2",
        "Sensitivity",
        "Other estimators: primary",
        "as reported",
        "ipw \u{2020}",
        "Gcomp: no support for &lt;b&gt;.",
        "a = 0.05",
        "Boosted trees: its random splits of the sample differ by up to 0.25 standard errors.",
        "Boosted trees: 1.3% of probabilities of being in a group were moved to 0.01 or 0.99.",
        "Negative control, fracture: primary",
        "Not explained by the measured factors, units of fracture",
        "Ldl: it is known of no unit of a group.",
        "14,000",
        "without creatinine",
        "not that it is spurious",
        "Robustness value",
        "2 \u{d7} Clinical and physiological, measured",
    ] {
        assert!(html.contains(text), "{text}");
    }
}
