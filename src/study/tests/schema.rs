//! The JSON Schema: the committed file is the program's, and it accepts and refuses what the parser does.

use super::*;
use std::path::PathBuf;

#[test]
fn the_committed_schema_is_the_program_s() {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/study.schema.json");
    let committed = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(committed == schema_json(), "docs/study.schema.json is out of date: write `gapshare schema study` to it and review the change");
}

/// Whether the parser takes the shape of a study: what a schema can say, so neither columns nor what is not built yet.
fn parser_accepts(text: &str) -> bool {
    let beyond_a_schema = [codes::G109, codes::G203, codes::G205, codes::G206, codes::G209, codes::G211];
    problems(text).iter().all(|p| beyond_a_schema.contains(&p.code))
}

#[test]
fn the_schema_and_the_parser_agree() {
    let schema: serde_json::Value = serde_json::from_str(&schema_json()).unwrap_or_default();
    let validator = jsonschema::validator_for(&schema).unwrap_or_else(|error| panic!("{error}"));
    let mut wrong = Vec::new();
    for (from, to, accepted) in [
        ("study: s", "study: s", true),
        ("study: s", "study: s\ntitle: T\nweight: null\ncluster: hospital_id\ncausal_claims: declared", true),
        ("study: s", "study: S", false),
        ("study: s", "", false),
        ("study: s", "study: 3", false),
        ("study: s", "study: s\nstudent: t", false),
        ("gapshare: 1", "gapshare: 2", false),
        ("gapshare: 1", "gapshare: '1'", false),
        ("path: units.csv", "path: units.csv, types: { a: text, b: date, c: { date: { format: '%Y' } }, d: { datetime: {} } }", true),
        ("path: units.csv", "path: units.csv, types: { a: { text: {} } }", false),
        ("path: units.csv", "path: units.csv, types: { a: txt }", false),
        ("path: units.csv", "path: units.csv, null_values: ['', 9, true], on_bad_value: set_null", true),
        ("path: units.csv", "path: units.csv, null_values: ''", false),
        ("path: units.csv", "path: [units.csv]", false),
        ("prefix: h_", "select: [a, b], unmatched: keep", true),
        ("prefix: h_", "unmatched: ignore", false),
        ("by: { left: hospital_id, right: id }", "by: [id, { left: a, right: b }]", true),
        ("by: { left: hospital_id, right: id }", "by: { left: a }", false),
        ("by: { left: hospital_id, right: id }", "by: { left: a, right: b, middle: c }", false),
        ("by: { left: hospital_id, right: id }, prefix: h_", "prefix: h_", false),
        ("prefix: h_ }]", "prefix: h_ }], derive: { x: 'age + 1' }, index_date: admitted", true),
        ("prefix: h_ }]", "prefix: h_ }], derive: { x: 1 }", false),
        ("prefix: h_ }]", "prefix: h_ }], derive: ", false),
        (
            "prefix: h_ }]",
            "prefix: h_ }], steps: [{ name: a, where: x }, { name: b, first: { per: id, by: [admitted] } }, { name: c, present: [sex] }]",
            true,
        ),
        ("prefix: h_ }]", "prefix: h_ }], steps: [{ name: a }]", false),
        ("prefix: h_ }]", "prefix: h_ }], steps: [{ name: a, where: x, present: [sex] }]", false),
        ("prefix: h_ }]", "prefix: h_ }], steps: [{ where: x }]", false),
        ("prefix: h_ }]", "prefix: h_ }], steps: [{ name: b, first: { per: id } }]", false),
        (
            "prefix: h_ }]",
            "prefix: h_ }], features: { d: { table: units, by: id, at: t, window: [-30d, 0d], take: any, codes: { column: c, list: [E10*, { file: f.csv }] } } }",
            true,
        ),
        ("prefix: h_ }]", "prefix: h_ }], features: { d: { table: units, by: id, take: some } }", false),
        ("prefix: h_ }]", "prefix: h_ }], features: { d: { table: units, by: id, window: [-30d] } }", false),
        (
            "prefix: h_ }]",
            "prefix: h_ }], features: { d: { table: units, by: id, score: { charlson: { column: c, coding: icd10, weights: quan2011 } } } }",
            true,
        ),
        ("index: Black", "index: [Black, 1, true]", true),
        ("index: Black", "index: { a: b }", false),
        ("index: Black", "index: null", false),
        ("index: Black", "indexes: Black", false),
        ("family: binomial", "family: { binomial: { link: logit, penalty: none } }, event: [1, dead]", true),
        ("family: binomial", "family: { binomial: {}, poisson: {} }", false),
        ("family: binomial", "family: { binomial: { lnik: logit } }", false),
        ("family: binomial", "family: {}", false),
        ("family: binomial", "family: cox", false),
        ("family: binomial", "family: { binomial: null }", false),
        ("family: binomial", "family: poisson, exposure: days", true),
        (
            "[sex, severity]",
            "[{ sex: { categorical: { base: 1, merge: { a: [x, 2] } } } }, { severity: { spline: { df: 4 } } }, { days: { log: { offset: 1 } } }]",
            true,
        ),
        ("[sex, severity]", "[{ sex: { numeric: {} } }, { hospital_id: { random_intercept: {} } }, { interaction: [sex, age] }]", true),
        ("[sex, severity]", "[{ sex: numeric }]", false),
        ("[sex, severity]", "[{ sex: { spline: {} } }]", false),
        ("[sex, severity]", "[{ severity: { spline: { df: 1 } } }]", false),
        ("[sex, severity]", "[{ severity: { spline: { df: 7 } } }]", false),
        ("[sex, severity]", "[{ sex: { numeric: {} }, severity: { numeric: {} } }]", false),
        ("[sex, severity]", "[{}]", false),
        ("[sex, severity]", "[[sex]]", false),
        ("[sex, severity]", "sex", false),
        ("[sex, severity]", "[{ interaction: [sex] }]", false),
        ("clinical: [sex", "allowable: [sex", false),
        ("clinical: [sex", "a+b: [sex", false),
        (
            "analyses:",
            "missing: { sex: { level: unknown }, severity: { impute: { with: median, flag: false } }, age: drop_row, otherwise: error }\nanalyses:",
            true,
        ),
        ("analyses:", "missing: { otherwise: { level: x } }\nanalyses:", false),
        ("analyses:", "missing: { age: { impute: { flag: true } } }\nanalyses:", false),
        ("analyses:", "missing: { age: keep }\nanalyses:", false),
        ("analyses:", "labels: { age: 3 }\nanalyses:", false),
        ("analyses:", "uncertainty: { influence: { level: 0.9 } }\nrelease: { min_cell: 0, design: rows.parquet }\nanalyses:", true),
        ("analyses:", "uncertainty: { influence: { level: 1 } }\nanalyses:", false),
        ("analyses:", "uncertainty: influence\nanalyses:", false),
        ("analyses:", "release: { min_cell: -1 }\nanalyses:", false),
        ("analyses:", "release: { min_cell: 1.5 }\nanalyses:", false),
        (
            "with_and_without: {}",
            "with_and_without: { attribution: first_in, surface: pooled_interacted, target: pooled, estimator: gcomp, learner: glm }",
            true,
        ),
        ("with_and_without: {}", "with_and_without: { learner: boosted_trees, folds: 10, target: pooled }", true),
        ("with_and_without: {}", "with_and_without: { learner: gbm }", false),
        ("with_and_without: {}", "with_and_without: { attribution: { shapley: null } }", false),
        ("with_and_without: {}", "with_and_without: null", false),
        ("with_and_without: {}", "with_and_without: { surface: pooled }", false),
        ("with_and_without: {}", "oaxaca_blinder: { reference: neumark, fold: two, linear: true, detail: false, se: influence }", true),
        ("with_and_without: {}", "oaxaca_blinder: { reference: nuemark }", false),
        ("with_and_without: {}", "fairlie: { reps: 100 }", true),
        ("with_and_without: {}", "hospital: { id: hospital_id, given: [allowable], unsupported: borrow }", true),
        ("with_and_without: {}", "oaxaca: {}", false),
        ("{ with_and_without: {} }", "with_and_without", false),
        ("primary:", "main:", false),
        ("analyses:", "sensitivity: {}\nanalyses:", true),
        (
            "analyses:",
            "sensitivity: { analyses: [primary], order: {}, estimator: {}, surface: {}, target: {}, leave_one_out: {}, e_value: {} }\nanalyses:",
            true,
        ),
        (
            "analyses:",
            "sensitivity: { trimming: { at: [0.05] }, contested: { sex: hospital, severity: [hospital, allowable] }, allowable: { none: [], more: [age, sex] } }\nanalyses:",
            true,
        ),
        ("analyses:", "sensitivity: { ovb: { benchmarks: [clinical, sex], multiples: [1, 2.5] }, park: {}, allowable: {} }\nanalyses:", true),
        ("analyses:", "sensitivity: { learner: { try: [glm, splines, random_forest, stack], folds: 2, seed: 1 } }\nanalyses:", true),
        (
            "analyses:",
            "sensitivity: { negative_control: { outcomes: [days, { vital_status: { event: dead } }, { los: { family: { binomial: {} } } }] } }\nanalyses:",
            true,
        ),
        ("analyses:", "sensitivity: { learner: { try: [] } }\nanalyses:", false),
        ("analyses:", "sensitivity: { learner: { try: [gbm] } }\nanalyses:", false),
        ("analyses:", "sensitivity: { learner: { try: null } }\nanalyses:", false),
        ("analyses:", "sensitivity: { learner: { folds: 21 } }\nanalyses:", false),
        ("analyses:", "sensitivity: { learner: { seed: -1 } }\nanalyses:", false),
        ("analyses:", "sensitivity: { negative_control: {} }\nanalyses:", false),
        ("analyses:", "sensitivity: { negative_control: { outcomes: days } }\nanalyses:", false),
        ("analyses:", "sensitivity: { negative_control: { outcomes: [] } }\nanalyses:", false),
        ("analyses:", "sensitivity: { negative_control: { outcomes: [{ days: { familiy: gaussian } }] } }\nanalyses:", false),
        ("analyses:", "sensitivity: { negative_control: { outcomes: [{ days: {}, los: {} }] } }\nanalyses:", false),
        ("analyses:", "sensitivity: null\nanalyses:", false),
        ("analyses:", "sensitivity: { order: null }\nanalyses:", false),
        ("analyses:", "sensitivity: { order: true }\nanalyses:", false),
        ("analyses:", "sensitivity: { trimming: { at: [0.5] } }\nanalyses:", false),
        ("analyses:", "sensitivity: { trimming: { at: [] } }\nanalyses:", false),
        ("analyses:", "sensitivity: { trimming: { at: 0.1 } }\nanalyses:", false),
        ("analyses:", "sensitivity: { park: { at: [1] } }\nanalyses:", false),
        ("analyses:", "sensitivity: { ovb: { multiples: [0] } }\nanalyses:", false),
        ("analyses:", "sensitivity: { evalue: {} }\nanalyses:", false),
    ] {
        let text = with(from, to);
        let data: serde_json::Value = serde_yaml::from_str(&text).unwrap_or_else(|error| panic!("{to}: {error}"));
        let (schema_says, parser_says) = (validator.is_valid(&data), parser_accepts(&text));
        if (schema_says, parser_says) != (accepted, accepted) {
            wrong.push(format!("{to}\n  expected {accepted}, schema {schema_says}, parser {parser_says}: {:?}", problems(&text)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
