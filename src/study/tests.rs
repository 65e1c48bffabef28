//! Whole studies: each kind of wrong study with its place and help, the example of the format, and the resolved file.

mod example;
mod schema;
mod sensitivity;
mod wrong;
mod wrong_analyses;

use super::*;
use crate::cohort::plan::{ColumnInfo, Kind};

const GOOD: &str = "\
gapshare: 1
study: s
tables: { units: { path: units.csv }, hospitals: { path: \"${DATA}/h_*.parquet\" } }
cohort: { unit: { table: units, key: id }, joins: [{ table: hospitals, by: { left: hospital_id, right: id }, prefix: h_ }] }
group: { column: race, reference: White, index: Black }
outcome: { column: died, family: binomial }
allowable: [age]
blocks: { clinical: [sex, severity], hospital: [h_teaching, h_volume] }
analyses: { primary: { with_and_without: {} } }
";

/// The columns of the joined row of [`GOOD`].
fn columns() -> Columns {
    let units = [
        ("id", Kind::Text),
        ("race", Kind::Text),
        ("died", Kind::Number),
        ("vital_status", Kind::Text),
        ("age", Kind::Number),
        ("sex", Kind::Text),
        ("severity", Kind::Number),
        ("survey_weight", Kind::Number),
        ("days", Kind::Number),
        ("admitted", Kind::Date),
        ("hospital_id", Kind::Text),
    ];
    let mut columns = Columns::default();
    for (name, kind) in units {
        columns.by_name.insert(name.to_owned(), ColumnInfo { kind, table: Some("units".to_owned()) });
    }
    for (name, kind) in [("h_teaching", Kind::Boolean), ("h_volume", Kind::Number)] {
        columns.by_name.insert(name.to_owned(), ColumnInfo { kind, table: Some("hospitals".to_owned()) });
    }
    columns.by_name.insert("los".to_owned(), ColumnInfo { kind: Kind::Duration, table: None });
    columns
}

fn environment(name: &str) -> Option<String> {
    (name == "DATA").then(|| "/data".to_owned())
}

fn load_text(text: &str) -> Result<StudyPlan, Problems> {
    load_bytes(Path::new("studies/s.yaml"), text.as_bytes(), &environment, &|_| Ok(columns()))
}

fn problems(text: &str) -> Problems {
    match load_text(text) {
        Ok(plan) => plan.warnings,
        Err(problems) => problems,
    }
}

/// [`GOOD`] with one part replaced.
fn with(from: &str, to: &str) -> String {
    assert!(GOOD.contains(from), "{from}");
    GOOD.replace(from, to)
}
