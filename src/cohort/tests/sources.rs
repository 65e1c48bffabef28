//! Every recipe of the mapped tables, on values written by hand.

use super::*;
use crate::cohort::sources::Model;

/// A table of a source, joined to `t` by `id`, all rows matched or null.
fn joined(model: &str, table: &str, files: &[(&str, &str)], key: &str, derive: &[(&str, &str)]) -> Cohort {
    let mut study = Study::new("id,g,y\n1,a,0\n2,b,1\n3,a,0\n4,b,0\n");
    let dir = study.dir.path().to_owned();
    for (name, text) in files {
        std::fs::write(dir.join(name), text).expect("written");
    }
    let (name, input) = Model::named(model).expect("a model").inputs().find(|(name, _)| *name == table).expect("a table");
    let plan = TablePlan { input, ..table_plan(name, "dir", dir, Format::Csv) };
    study.plan.tables.insert(name.to_owned(), plan);
    let mut study = study.join(table, &[("id", key)], Unmatched::Keep);
    for (column, sql) in derive {
        study = study.derive(column, sql).variable(column, Coding::Auto, MissingRule::Level(Scalar::new("-")));
    }
    study.cohort()
}

/// The levels of a column by row.
fn texts(cohort: &Cohort, column: &str) -> Vec<String> {
    match &cohort.columns[column] {
        Values::Category { levels, code } => code.iter().map(|c| levels.get(*c as usize).cloned().unwrap_or_else(|| "-".to_owned())).collect(),
        Values::Number(values) => values.iter().map(|v| format!("{v:?}")).collect(),
    }
}

#[test]
fn days_before_1970_and_keys_of_tables_with_gaps() {
    let person = "person_id,gender_concept_id,year_of_birth,birth_datetime,race_concept_id,ethnicity_concept_id,location_id\n\
        1,8507,1933,1933-02-28 23:30:00,8527,38003564,10\n2.0,8532,1969,,8515,38003563,11.0\n3,8521,1980,1980-01-01,,0,\n4,8507,1990,1990-12-31,5,5,12\n";
    let files = [
        ("PERSON.csv", person),
        ("death.csv", "person_id,death_date\n1,1965-03-02T13:45:00\n1,1965-03-01\n4.0,2001-01-01\n"),
        ("Location.csv", "location_id,state,zip,county\n10,MA,01234,a\n11,RI,,b\n"),
        ("concept.csv", "concept_id,concept_name,concept_code,vocabulary_id\n8521,OTHER,O,Gender\n5,Five,V,Race\n"),
    ];
    let c = joined(
        "omop",
        "patients",
        &files,
        "patient_id",
        &[
            ("born", "CAST(birth_date AS VARCHAR)"),
            ("gone", "CAST(death_date AS VARCHAR)"),
            ("s", "sex"),
            ("r", "race"),
            ("e", "ethnicity"),
            ("st", "state"),
            ("zi", "zip"),
        ],
    );
    assert_eq!(texts(&c, "born"), ["1933-02-28", "1969-07-01", "1980-01-01", "1990-12-31"]);
    assert_eq!(texts(&c, "gone"), ["1965-03-01", "-", "-", "2001-01-01"]);
    assert_eq!(texts(&c, "s"), ["Male", "Female", "OTHER", "Male"]);
    assert_eq!(texts(&c, "r"), ["White", "Asian", "-", "Five"]);
    assert_eq!(texts(&c, "e"), ["Not Hispanic or Latino", "Hispanic or Latino", "-", "Five"]);
    assert_eq!(texts(&c, "st"), ["MA", "RI", "-", "-"]);
    assert_eq!(texts(&c, "zi"), ["01234", "-", "-", "-"]);
    let files: Vec<&str> = c.inputs[1].files.iter().map(|f| f.path.as_str()).collect();
    assert_eq!(files, ["dir/PERSON.csv", "dir/concept.csv", "dir/Location.csv", "dir/death.csv"]);
}

#[test]
fn events_have_codes_names_values_and_units() {
    let concept = "concept_id,concept_name,concept_code,vocabulary_id\n100,Creatinine,2160-0,LOINC\n8840,milligram per deciliter,mg/dL,UCUM\n\
        200,Positive,POS,SNOMED\n300,Local creatinine,K,Local\n";
    let measurement = "measurement_id,person_id,measurement_concept_id,measurement_date,measurement_datetime,value_as_number,value_as_concept_id,\
        unit_concept_id,unit_source_value,visit_occurrence_id,measurement_source_value,measurement_source_concept_id,value_source_value\n\
        1,1,100,2020-01-02,2020-01-02 10:30:00,1.25,0,8840,mg/dl,7,CREA,300,1.25\n2,2,100,2020-01-03,,,200,0,umol/L,,CREA,0,pos\n\
        3,3,0,2020-01-04,2020-01-04 00:00:00,5,,,,8,X,,five\n";
    let columns = [
        ("at", "CAST(taken_at AS VARCHAR)"),
        ("v", "value"),
        ("t", "value_text"),
        ("u", "unit"),
        ("co", "code"),
        ("sy", "code_system"),
        ("na", "name"),
        ("sc", "source_code"),
        ("ss", "source_system"),
        ("en", "encounter_id"),
    ];
    let c = joined("omop", "measurements", &[("measurement.csv", measurement), ("concept.csv", concept)], "patient_id", &columns);
    let first = |column: &str| texts(&c, column);
    assert!(first("at")[0].starts_with("2020-01-02 10:30:00") && first("at")[1].starts_with("2020-01-03 00:00:00"), "{:?}", first("at"));
    assert_eq!(first("v"), ["1.25", "NaN", "5.0", "NaN"]);
    assert_eq!(first("t"), ["1.25", "Positive", "five", "-"]);
    assert_eq!(first("u"), ["mg/dL", "umol/L", "-", "-"]);
    assert_eq!(first("co"), ["2160-0", "2160-0", "-", "-"]);
    assert_eq!(first("sy"), ["LOINC", "LOINC", "-", "-"]);
    assert_eq!(first("na"), ["Creatinine", "Creatinine", "-", "-"]);
    assert_eq!(first("sc"), ["CREA", "CREA", "X", "-"]);
    assert_eq!(first("ss"), ["Local", "-", "-", "-"]);
    assert_eq!(first("en"), ["7", "-", "8", "-"]);

    let observations = "DATE,PATIENT,ENCOUNTER,CATEGORY,CODE,DESCRIPTION,VALUE,UNITS,TYPE\n2020-01-02T10:30:00Z,1,e1,laboratory,2160-0,Creatinine,1.25,mg/dL,numeric\n\
        2020-01-03T00:00:00Z,2,,Vital-Signs,8302-2,Height,tall,cm,numeric\n2020-01-03T00:00:00Z,3,,survey,1-1,Smoker,Yes,,text\n\
        2020-01-03T00:00:00Z,4,,,QALY,QALY,2,a,numeric\n";
    let c = joined("synthea", "measurements", &[("observations.csv", observations)], "patient_id", &columns);
    assert_eq!(texts(&c, "v"), ["1.25", "NaN", "NaN", "NaN"]);
    assert_eq!(texts(&c, "t"), ["1.25", "tall", "-", "-"]);
    assert_eq!(texts(&c, "co"), ["2160-0", "8302-2", "-", "-"]);
    assert!(
        c.warnings.iter().any(|w| w.code == codes::G332 && w.message.contains("1 of 2 values that are called numeric")),
        "{}",
        shown(&c.warnings)
    );
    let c = joined("synthea", "observations", &[("observations.csv", observations)], "patient_id", &columns);
    assert_eq!(texts(&c, "t"), ["-", "-", "Yes", "2"]);
    assert_eq!(texts(&c, "v"), ["NaN", "NaN", "NaN", "2.0"]);
    assert_eq!(c.rows_read["observations"], 2);
}

#[test]
fn rows_of_deaths_are_those_who_died() {
    let patients =
        "Id,BIRTHDATE,DEATHDATE,RACE,ETHNICITY,GENDER\n1,1950-01-01,,white,hispanic,M\n2,1950-01-01,1969-12-31T23:00:00Z,white,hispanic,M\n";
    let c = joined("synthea", "deaths", &[("patients.csv", patients)], "patient_id", &[("gone", "CAST(death_date AS VARCHAR)"), ("why", "cause")]);
    assert_eq!(texts(&c, "gone"), ["-", "1969-12-31", "-", "-"]);
    assert_eq!(c.rows_read["deaths"], 1);
}
