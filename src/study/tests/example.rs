//! The example of the format, and the resolved file.

use super::*;
use crate::study::placed::Placed;

/// The complete example of the format's description.
const EXAMPLE: &str = include_str!("example.yaml");

#[test]
fn the_example_runs() {
    let names = "age_years sex admit_year ejection_fraction creatinine_mg_dl diabetes insurance deprivation h_teaching h_annual_volume h_safety_net race \
                 died_30d hospital_id admit_date";
    let mut columns = Columns::default();
    for name in names.split_whitespace() {
        let kind = match name {
            "sex" | "insurance" | "race" | "hospital_id" => Kind::Text,
            "admit_date" => Kind::Date,
            _ => Kind::Number,
        };
        columns.by_name.insert(name.to_owned(), ColumnInfo { kind, table: None });
    }
    let environment = |name: &str| (name == "LAB_DIR").then(|| "/labs".to_owned());
    let plan = load_bytes(Path::new("pipelines/cardiac_surgery.yaml"), EXAMPLE.as_bytes(), &environment, &|_| Ok(columns.clone()));
    let plan = plan.unwrap_or_else(|problems| panic!("{problems:#?}"));
    assert_eq!(plan.causal_order, Some(vec![1, 0, 2]));
    assert_eq!((plan.name.as_str(), plan.analyses.len(), plan.warnings.len()), ("cardiac_surgery", 2, 0));
    assert_eq!(plan.cohort.steps.len(), 3 + 2 + 3 + 3);
    assert_eq!(plan.roles.group.index.iter().map(|v| v.value.text.as_str()).collect::<Vec<_>>(), vec!["Black", "Hispanic"]);
}

#[test]
fn the_resolved_study_resolves_to_itself() {
    let full = with("reference: White, index: Black", "reference: 1.50, index: [010, true]")
        .replace("[sex, severity]", "[{ sex: { categorical: { base: 0, merge: { other: [\"2 \", 3] } } } }, { severity: { spline: { df: 3 } } }, { interaction: [sex, age] }, { days: { log: {} } }]")
        .replace("analyses:", "missing: { sex: { level: 9 }, severity: { impute: { with: { constant: 1.2 } } } }\ncausal_order: [hospital, clinical]\nanalyses:")
        .replace("primary:", "b: { with_and_without: { surface: pooled_main } }, primary:")
        .replace("path: units.csv", "path: units.csv, null_values: [\"\", -9], types: { a: text, d: date, t: { datetime: { format: \"%Y\" } } }");
    let featured = with(
        "prefix: h_ }]",
        "prefix: h_ }], index_date: admitted, birth_date: admitted, features: { \
         a: { table: units, by: id, at: t, value: v, window: [-30d, 0d], take: last, unit: { column: u, to: mg/dL, factors: { \"\": 1 } }, plausible: [0.5, 3] }, \
         b: { table: units, by: [{ left: id, right: x }], at: t, window: any_time, take: any, codes: { column: c, system: loinc, list: [010, { file: \"${DATA}/c.csv\" }] } }, \
         c: { table: units, by: id, at: t, window: [-6h, 0h], same_day: exclude, score: { elixhauser: { column: c, coding: icd9 } } } }",
    );
    for text in [GOOD, &full, &featured] {
        let first = load_text(text).unwrap_or_else(|problems| panic!("{problems:#?}"));
        let second = load_text(&first.resolved_yaml).unwrap_or_else(|problems| panic!("{problems:#?}\n{}", first.resolved_yaml));
        assert_eq!(first.resolved_yaml, second.resolved_yaml);
        assert_eq!(names_only(&first), names_only(&second));
    }
    let features = load_text(&featured).map(|plan| plan.resolved_yaml).unwrap_or_default();
    for line in ["on_unknown: error", "weights: count", "window: any_time", "- '010'", "same_day: exclude", "file: ${DATA}/c.csv"] {
        assert!(features.contains(line), "{line}\n{features}");
    }
    let resolved = load_text(&full).map(|plan| plan.resolved_yaml).unwrap_or_default();
    for line in [
        "reference: '1.50'",
        "- '010'",
        "estimator: gcomp",
        "estimator: dr",
        "min_cell: 11",
        "otherwise: drop_row",
        "weight: null",
        "title: s",
        "path: ${DATA}/h_*.parquet",
    ] {
        assert!(resolved.contains(line), "{line}\n{resolved}");
    }
}

/// Everything of a plan but the places.
fn names_only(plan: &StudyPlan) -> (String, String, String, Option<Vec<usize>>) {
    let json = |value: serde_json::Result<String>| value.unwrap_or_default();
    let analyses: Vec<String> = plan.analyses.iter().map(|a| format!("{} {:?} {}", a.name, a.method, a.settings)).collect();
    (json(serde_json::to_string(&plan.cohort)), json(serde_json::to_string(&plan.roles)), analyses.join("\n"), plan.causal_order.clone())
}

#[test]
fn the_resolved_study_reads_the_same_files_from_the_output_folder() {
    let text = with("analyses:", "release: { design: out/rows.parquet }\nanalyses:").replace(
        "prefix: h_ }]",
        "prefix: h_ }], features: { b: { table: units, by: id, window: any_time, take: any, codes: { column: c, list: [{ file: codes/c.csv }] } } }",
    );
    let plan = load_text(&text).unwrap_or_else(|problems| panic!("{problems:#?}"));
    assert_eq!(plan.design_file.as_deref(), Some(Path::new("studies/out/rows.parquet")));
    let moved = plan.resolved_yaml_for(Path::new("results/s")).unwrap_or_else(|problem| panic!("{problem:?}"));
    for line in
        ["path: ../../studies/units.csv", "path: ${DATA}/h_*.parquet", "design: ../../studies/out/rows.parquet", "file: ../../studies/codes/c.csv"]
    {
        assert!(moved.contains(line), "{line}\n{moved}");
    }
}

#[test]
fn a_damaged_study_is_refused_at_a_place_in_the_file() {
    let characters: Vec<char> = EXAMPLE.chars().collect();
    for at in (0..characters.len()).step_by(7) {
        let cut: String = characters[..at].iter().collect();
        let without: String = characters[..at].iter().chain(&characters[at + 1..]).collect();
        for text in [cut, without] {
            for problem in load_text(&text).err().unwrap_or_default() {
                let Some(place) = problem.place else { continue };
                let line = text.lines().nth(place.line - 1).unwrap_or_else(|| panic!("line {} of {at}: {}", place.line, problem.message));
                assert_eq!(place.text.as_ref(), line, "{at}");
                assert!(place.col >= 1 && place.len >= 1 && place.col - 1 <= line.chars().count(), "{at}: {} {}", place.col, problem.message);
            }
        }
    }
}

#[test]
fn a_placed_value_is_its_value() {
    assert_eq!(Placed::default_of(3), Placed { value: 3, span: crate::study::places::Span { line: 1, col: 2, len: 3 } });
}
