use super::{spec, spec_with};
use crate::synth::tables::{Table, Tables, Values, generate};
use crate::synth::write::frame;
use crate::synth::{Unit, creatinine_mg_dl, draw_units, egfr_ckd_epi_2021, truth, write};
use polars::prelude::{DataFrame, DataType, IntoLazy, JoinArgs, JoinType, ParquetReader, SerReader, SortMultipleOptions, UniqueKeepStrategy, col};
use polars::sql::sql_expr;
use std::collections::{HashMap, HashSet};

const UNITS: usize = 3_000;

fn text<'a>(t: &'a Table, column: &str) -> &'a [String] {
    match t.column(column) {
        Some(Values::Text(v)) => v,
        other => panic!("{}.{column} is {other:?}", t.name),
    }
}

fn number<'a>(t: &'a Table, column: &str) -> &'a [f64] {
    match t.column(column) {
        Some(Values::Number(v)) => v,
        other => panic!("{}.{column} is {other:?}", t.name),
    }
}

fn integer<'a>(t: &'a Table, column: &str) -> &'a [i64] {
    match t.column(column) {
        Some(Values::Integer(v)) => v,
        other => panic!("{}.{column} is {other:?}", t.name),
    }
}

fn date<'a>(t: &'a Table, column: &str) -> &'a [i32] {
    match t.column(column) {
        Some(Values::Date(v)) => v,
        other => panic!("{}.{column} is {other:?}", t.name),
    }
}

fn time<'a>(t: &'a Table, column: &str) -> &'a [i64] {
    match t.column(column) {
        Some(Values::Datetime(v)) => v,
        other => panic!("{}.{column} is {other:?}", t.name),
    }
}

fn table<'a>(tables: &'a Tables, name: &str) -> &'a Table {
    tables.get(name).unwrap_or_else(|| panic!("no table {name}"))
}

fn day(time: i64) -> i32 {
    i32::try_from(time.div_euclid(86_400)).expect("a day")
}

#[test]
fn ckd_epi_2021_gives_known_values_and_is_inverted() {
    // The equation of Inker et al. (2021) in Python 3.11.
    for (creatinine, age, female, egfr) in [
        (1.0, 50.0, false, 91.6914786098333),
        (1.0, 50.0, true, 68.63349665880087),
        (0.6, 70.0, true, 96.50115289101507),
        (2.5, 66.0, false, 27.64297903236527),
    ] {
        let got = egfr_ckd_epi_2021(creatinine, age, female);
        assert!((got / egfr - 1.0).abs() < 1e-12, "{got} is not {egfr}");
        assert!((creatinine_mg_dl(egfr, age, female) / creatinine - 1.0).abs() < 1e-12);
    }
}

#[test]
fn a_unit_depends_neither_on_the_number_of_units_nor_on_threads() {
    let spec = spec();
    let many = draw_units(&spec, 500, 7);
    assert_eq!(draw_units(&spec, 100, 7), many[..100]);
    assert_ne!(draw_units(&spec, 100, 8), many[..100]);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a thread pool");
    assert_eq!(pool.install(|| generate(&spec, 200, 7)), generate(&spec, 200, 7));
}

#[test]
fn units_have_the_means_of_the_truth() {
    let spec = spec();
    let units = draw_units(&spec, 200_000, 3);
    let t = truth(&spec, 200_000);
    for (index, expected) in [(false, t.mean_reference()), (true, t.mean_index())] {
        let group: Vec<&Unit> = units.iter().filter(|u| u.index == index).collect();
        let n = group.len() as f64;
        let mean = group.iter().filter(|u| u.outcome).count() as f64 / n;
        let se = (mean * (1.0 - mean) / n).sqrt();
        assert!((mean - expected.value).abs() < 4.0 * se.hypot(expected.mc_se), "{index}: {mean} is not {}", expected.value);
    }
    let share = units.iter().filter(|u| u.index).count() as f64 / units.len() as f64;
    assert!((share - 0.25).abs() < 4.0 * (0.25f64 * 0.75 / units.len() as f64).sqrt(), "{share}");
    assert!(units.iter().all(|u| u.egfr >= 8.0 && (10.0..=80.0).contains(&u.lvef) && (18.0..=100.0).contains(&u.age_years)));
}

/// The study file's own joins, derivations and steps, run on the tables, must give back the units.
#[test]
fn the_study_file_derives_the_units_from_the_tables() {
    let spec = spec();
    let tables = generate(&spec, UNITS, 5);
    let cohort = cohort(&tables);
    assert_eq!(cohort.height(), UNITS);

    let column = |name: &str| -> Vec<f64> {
        let series = cohort.column(name).expect("a column").cast(&DataType::Float64).expect("numbers");
        series.f64().expect("numbers").iter().map(|v| v.expect("no missing value")).collect()
    };
    let words = |name: &str| -> Vec<String> {
        cohort.column(name).expect("a column").str().expect("text").iter().map(|v| v.expect("no missing value").to_owned()).collect()
    };
    let (age, egfr, lvef, diabetes, medicaid) = (column("age_years"), column("egfr"), column("lvef_pct"), column("diabetes"), column("medicaid"));
    let (deprivation, quality, outcome) = (column("deprivation"), column("h_quality_index"), column("death_or_major_morbidity_30d"));
    let (sex, race) = (words("sex"), words("race"));

    // LVEF is continuous, so it identifies the unit.
    let units: HashMap<u64, Unit> = draw_units(&spec, UNITS, 5).into_iter().map(|u| (u.lvef.to_bits(), u)).collect();
    let mut bounded = 0;
    for i in 0..UNITS {
        let Some(u) = units.get(&lvef[i].to_bits()) else { panic!("row {i} is no unit") };
        if u.lvef <= 10.0 || u.lvef >= 80.0 {
            bounded += 1;
            continue;
        }
        assert!((age[i] / u.age_years - 1.0).abs() < 1e-14, "{} is not {}", age[i], u.age_years);
        assert!((egfr[i] / u.egfr - 1.0).abs() < 1e-12, "{} is not {}", egfr[i], u.egfr);
        assert_eq!((diabetes[i], medicaid[i]), (f64::from(u8::from(u.diabetes)), f64::from(u8::from(u.medicaid))));
        assert_eq!((deprivation[i], quality[i]), (u.deprivation, u.quality));
        assert_eq!(outcome[i], f64::from(u8::from(u.outcome)));
        assert_eq!(sex[i], if u.female { "F" } else { "M" });
        assert_eq!(race[i], if u.index { "Black" } else { "White" });
    }
    assert!(bounded < UNITS / 100, "{bounded}");
}

/// The cohort of pipelines/cardiac_surgery_table.yaml, by a reading of that file that knows nothing of the study floor.
fn cohort(tables: &Tables) -> DataFrame {
    let study: serde_yaml::Value = serde_yaml::from_str(include_str!("../../../pipelines/cardiac_surgery_table.yaml")).expect("YAML");
    let cohort = &study["cohort"];
    let word = |v: &serde_yaml::Value| v.as_str().expect("text").to_owned();
    let mut rows = frame(table(tables, &word(&cohort["unit"]["table"]))).expect("a frame").lazy();
    for join in cohort["joins"].as_sequence().expect("joins") {
        let mut right = frame(table(tables, &word(&join["table"]))).expect("a frame");
        let by = word(&join["by"]);
        if let Some(select) = join["select"].as_sequence() {
            right = right.select(select.iter().map(word)).expect("columns");
        }
        let prefix = join["prefix"].as_str().unwrap_or_default();
        let names: Vec<String> = right.get_column_names().iter().map(ToString::to_string).filter(|n| *n != by).collect();
        for name in names {
            right.rename(&name, format!("{prefix}{name}").into()).expect("a new name");
        }
        assert_eq!(right.column(&by).expect("a key").n_unique().expect("a count"), right.height(), "{by} is repeated");
        rows = rows.join(right.lazy(), [col(by.as_str())], [col(by.as_str())], JoinArgs::new(JoinType::Left));
    }
    for (name, sql) in cohort["derive"].as_mapping().expect("derivations") {
        rows = rows.with_column(sql_expr(word(sql)).expect("SQL").alias(word(name)));
    }
    for step in cohort["steps"].as_sequence().expect("steps") {
        rows = match (step["where"].as_str(), step["first"].as_mapping()) {
            (Some(sql), None) => rows.filter(sql_expr(sql).expect("SQL")),
            (None, Some(first)) => {
                let (per, by) = (word(&first["per"]), word(&first["by"]));
                rows.sort([by], SortMultipleOptions::default().with_maintain_order(true))
                    .unique_stable(Some(polars::prelude::cols([per])), UniqueKeepStrategy::First)
            }
            other => panic!("a step that this test does not know: {other:?}"),
        };
    }
    rows.filter(sql_expr("race IN ('White', 'Black')").expect("SQL")).collect().expect("a cohort")
}

#[test]
fn every_step_of_the_study_has_rows_to_remove() {
    let tables = generate(&spec(), UNITS, 5);
    let operations = table(&tables, "operations");
    let races: HashSet<&str> = text(table(&tables, "patients"), "race").iter().map(String::as_str).collect();
    assert!(races.len() > 2, "{races:?}");
    let index: Vec<usize> = (0..operations.rows()).filter(|&i| text(operations, "procedure_class")[i].starts_with(['c', 'v'])).collect();
    assert!(index.len() < operations.rows());
    // The file is in no order of time: for some patients the second operation stands first.
    let mut first_seen: HashMap<&str, i32> = HashMap::new();
    let (mut repeats, mut backwards) = (0, 0);
    for i in index {
        let (patient, day) = (text(operations, "patient_id")[i].as_str(), date(operations, "operation_date")[i]);
        match first_seen.get(patient) {
            None => {
                first_seen.insert(patient, day);
            }
            Some(earlier) => {
                repeats += 1;
                backwards += usize::from(day < *earlier);
            }
        }
    }
    assert!(repeats > UNITS / 50 && backwards > repeats / 4, "{repeats} {backwards}");
}

#[test]
fn event_tables_and_the_registry_say_the_same() {
    let spec = spec();
    let tables = generate(&spec, UNITS, 5);
    let operations = table(&tables, "operations");
    let ids = text(operations, "encounter_id");
    let row_of: HashMap<&str, usize> = ids.iter().enumerate().map(|(i, id)| (id.as_str(), i)).collect();
    assert_eq!(row_of.len(), operations.rows());
    let operated = date(operations, "operation_date");

    // The last creatinine before the day of the operation, in mg/dL, and the last echocardiogram.
    let (labs, echo) = (table(&tables, "labs"), table(&tables, "echo"));
    let mut creatinine: HashMap<usize, (i64, f64)> = HashMap::new();
    let mut after = 0;
    for i in (0..labs.rows()).filter(|&i| text(labs, "loinc")[i] == "2160-0") {
        let row = row_of[text(labs, "encounter_id")[i].as_str()];
        let at = time(labs, "ts")[i];
        assert_ne!(day(at), operated[row]);
        if day(at) > operated[row] {
            after += 1;
            continue;
        }
        let value = match text(labs, "unit")[i].as_str() {
            "mg/dL" => number(labs, "value")[i],
            "umol/L" => number(labs, "value")[i] / 88.4,
            other => panic!("unit {other}"),
        };
        let last = creatinine.entry(row).or_insert((at, value));
        if at > last.0 {
            *last = (at, value);
        }
    }
    let mut lvef: HashMap<usize, (i64, f64)> = HashMap::new();
    for i in 0..echo.rows() {
        let row = row_of[text(echo, "encounter_id")[i].as_str()];
        let at = time(echo, "ts")[i];
        assert_ne!(day(at), operated[row]);
        if day(at) < operated[row] {
            let last = lvef.entry(row).or_insert((at, number(echo, "lvef")[i]));
            if at > last.0 {
                *last = (at, number(echo, "lvef")[i]);
            }
        }
    }
    assert!(after > UNITS / 2, "{after}");
    for row in 0..operations.rows() {
        assert!((creatinine[&row].1 / number(operations, "creatinine_mg_dl")[row] - 1.0).abs() < 1e-12);
        assert_eq!(lvef[&row].1, number(operations, "lvef_pct")[row]);
    }

    let diagnoses = table(&tables, "diagnoses");
    let diabetic: HashSet<&str> = (0..diagnoses.rows())
        .filter(|&i| text(diagnoses, "icd10")[i].starts_with("E11"))
        .map(|i| text(diagnoses, "encounter_id")[i].as_str())
        .collect();
    for (id, flag) in ids.iter().zip(integer(operations, "diabetes")) {
        assert_eq!(diabetic.contains(id.as_str()), *flag == 1);
    }

    let complications = table(&tables, "complications");
    let mut flags: HashSet<(String, &str)> = HashSet::new();
    let mut late = 0;
    for i in 0..complications.rows() {
        let id = text(complications, "encounter_id")[i].as_str();
        let days = date(complications, "date")[i] - operated[row_of[id]];
        assert!((0..=120).contains(&days));
        if days <= 30 {
            flags.insert((format!("{}_30d", text(complications, "kind")[i]), id));
        } else {
            late += 1;
        }
    }
    assert!(late > 0);
    let mut recorded = 0;
    for kind in ["stroke_30d", "renal_failure_30d", "prolonged_ventilation_30d", "deep_sternal_infection_30d", "reoperation_30d"] {
        for (id, flag) in ids.iter().zip(integer(operations, kind)) {
            assert_eq!(flags.contains(&(kind.to_owned(), id.as_str())), *flag == 1);
            recorded += flag;
        }
    }
    assert_eq!(usize::try_from(recorded), Ok(flags.len()));
}

#[test]
fn nothing_is_recorded_of_the_dead_and_stays_are_in_order() {
    let tables = generate(&spec(), UNITS, 5);
    let death = table(&tables, "death");
    let died: HashMap<&str, i32> = text(death, "patient_id").iter().map(String::as_str).zip(date(death, "death_date").iter().copied()).collect();
    let encounters = table(&tables, "encounters");
    let patient: HashMap<&str, &str> =
        text(encounters, "encounter_id").iter().map(String::as_str).zip(text(encounters, "patient_id").iter().map(String::as_str)).collect();
    for i in 0..encounters.rows() {
        let (admit, discharge) = (time(encounters, "admit_ts")[i], time(encounters, "discharge_ts")[i]);
        assert!(admit < discharge);
        if let Some(death) = died.get(text(encounters, "patient_id")[i].as_str()) {
            assert!(day(discharge) <= *death);
        }
    }
    let (labs, echo, complications) = (table(&tables, "labs"), table(&tables, "echo"), table(&tables, "complications"));
    let days = |t: &Table| -> Vec<i32> { time(t, "ts").iter().map(|&at| day(at)).collect() };
    for (t, days) in [(labs, days(labs)), (echo, days(echo)), (complications, date(complications, "date").to_vec())] {
        for (id, day) in text(t, "encounter_id").iter().zip(days) {
            if let Some(death) = died.get(patient[id.as_str()]) {
                assert!(day <= *death, "{} after death", t.name);
            }
        }
    }
    let areas = table(&tables, "areas");
    assert!(text(areas, "zip5").iter().all(|z| z.len() == 5 && z.starts_with('0')));
}

#[test]
fn the_same_spec_and_seed_write_the_same_bytes() {
    let folder = tempfile::tempdir().expect("a folder");
    for format in ["csv", "parquet"] {
        let spec = spec_with(&[("format: parquet }", &format!("format: {format} }}")), ("draws: 8000000", "draws: 2000")]);
        let (first, second) = (folder.path().join(format!("{format}_1")), folder.path().join(format!("{format}_2")));
        let written = write(&spec, 200, 4, &first, &|_| {}).expect("written");
        write(&spec, 200, 4, &second, &|_| {}).expect("written");
        assert_eq!(written.files.len(), 12);
        for file in &written.files {
            let read = |dir: &std::path::Path| std::fs::read(dir.join(&file.name)).expect("a file");
            assert_eq!(read(&first), read(&second), "{}", file.name);
            assert_eq!(read(&first).len() as u64, file.bytes);
        }
        write(&spec, 200, 5, &second, &|_| {}).expect("written over the earlier files");
        assert_ne!(std::fs::read(first.join(format!("patients.{format}"))).ok(), std::fs::read(second.join(format!("patients.{format}"))).ok());
    }
    // A csv keeps every digit.
    let spec = spec_with(&[("format: parquet }", "format: csv }")]);
    let text = std::fs::read_to_string(folder.path().join("csv_1/hospitals.csv")).expect("a file");
    let quality: Vec<f64> = text.lines().skip(1).map(|l| l.split(',').nth(1).and_then(|v| v.parse().ok()).expect("a number")).collect();
    assert_eq!(quality, number(table(&generate(&spec, 1, 4), "hospitals"), "quality_index"));
}

/// The committed sample is what its spec writes. Ids, dates, codes and flags must be equal; numbers may differ in the last
/// digits between machines, because their mathematical libraries do.
#[test]
fn the_committed_sample_is_what_its_spec_writes() {
    let spec = spec();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/synthetic_data/cardiac_surgery");
    for expected in generate(&spec, spec.sample.units, spec.sample.seed).tables {
        let file = std::fs::File::open(format!("{folder}/{}.parquet", expected.name)).expect("a committed table");
        let got = ParquetReader::new(file).finish().expect("a parquet file");
        let expected = frame(&expected).expect("a frame");
        assert_eq!((got.shape(), got.get_column_names()), (expected.shape(), expected.get_column_names()));
        for (got, expected) in got.columns().iter().zip(expected.columns()) {
            if expected.dtype() == &DataType::Float64 {
                let (got, expected) = (got.f64().expect("numbers"), expected.f64().expect("numbers"));
                assert!(got.iter().zip(expected.iter()).all(|(a, b)| a.zip(b).is_some_and(|(a, b)| (a - b).abs() <= 1e-9 * b.abs().max(1.0))));
            } else {
                assert!(got.equals(expected), "{}", expected.name());
            }
        }
    }
    let json: serde_json::Value = serde_json::from_str(include_str!("../../../synthetic_data/cardiac_surgery/truth.json")).expect("JSON");
    assert_eq!(json["spec"]["sha256"], spec.sha256.as_str(), "the spec has changed: run `gapshare synth` again");
    assert_eq!(json["sample"]["units"], spec.sample.units);
}

#[test]
fn a_folder_that_cannot_be_written_is_a_problem() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("file");
    std::fs::write(&file, "").expect("written");
    let problems = write(&spec(), 10, 1, &file.join("out"), &|_| {}).map(|_| ()).unwrap_err();
    assert_eq!(problems[0].code.0, "G212");
    let problems = write(&spec(), 0, 1, folder.path(), &|_| {}).map(|_| ()).unwrap_err();
    assert_eq!(problems[0].code.0, "G213");
}
