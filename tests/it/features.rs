//! Features as a user meets them: the example study from raw events against the one from the registry, outputs, and bad input.

use polars::prelude::{DataFrame, ParquetReader, SerReader};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn call(dir: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_gapshare")).current_dir(dir).args(args).output().unwrap()
}

fn stderr(o: &Output) -> String {
    String::from_utf8_lossy(&o.stderr).into_owned()
}

fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn parquet(path: &Path) -> DataFrame {
    ParquetReader::new(fs::File::open(path).unwrap()).finish().unwrap()
}

/// The study that derives everything from tables of events has the analysis rows of the study on the registry's table.
#[test]
fn events_and_the_registry_give_the_same_design() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("pipelines")).unwrap();
    let spec = project("synthetic_data/cardiac_surgery.spec.yaml");
    let text = fs::read_to_string(spec).unwrap().replace("draws: 8000000", "draws: 20000");
    fs::write(dir.path().join("spec.yaml"), text).unwrap();
    let o = call(dir.path(), &["synth", "spec.yaml", "--units", "3000", "--seed", "7", "--out", "synthetic_data/cardiac_surgery"]);
    assert!(o.status.success(), "{}", stderr(&o));
    let mut designs = Vec::new();
    for name in ["cardiac_surgery", "cardiac_surgery_table"] {
        let study = format!("pipelines/{name}.yaml");
        fs::copy(project(&study), dir.path().join(&study)).unwrap();
        let file = format!("{name}.parquet");
        let o = call(dir.path(), &["run", &study, "--design", &file, "--quiet"]);
        assert!(matches!(o.status.code(), Some(0 | 1)), "{}", stderr(&o));
        designs.push(parquet(&dir.path().join(file)));
    }
    let (events, table) = (&designs[0], &designs[1]);
    assert_eq!(events.height(), 3000);
    assert_eq!(events.get_column_names(), table.get_column_names());
    let mut largest: f64 = 0.0;
    // `row` is that of the unit table: stays in one, operations in the other.
    for (a, b) in events.columns().iter().zip(table.columns()).filter(|(a, _)| a.name() != "row") {
        match (a.f64(), b.f64()) {
            (Ok(x), Ok(y)) => {
                for (x, y) in x.iter().zip(y.iter()) {
                    let (x, y) = (x.unwrap(), y.unwrap());
                    largest = largest.max((x - y).abs() / y.abs().max(1.0));
                }
            }
            _ => assert!(a.equals(b), "{}", a.name()),
        }
    }
    // Creatinine goes through umol/L and back.
    assert!(largest < 1e-13, "{largest:e}");
    let counts = fs::read_to_string(dir.path().join("results/cardiac_surgery/tables/features.csv")).unwrap();
    assert_eq!(counts.lines().count(), 1 + 5, "{counts}");
}

const STUDY: &str = r#"gapshare: 1
study: small
tables:
  patients: { path: patients.csv }
  labs: { path: labs.csv, types: { at: date } }
  diagnoses: { path: "dx_*.csv" }
cohort:
  unit: { table: patients, key: id }
  index_date: index_date
  features:
    lab: { table: labs, by: id, at: at, value: value, window: [-30d, 0d], take: last, unit: { column: unit, to: mg/dL, of: creatinine } }
    diabetes: { table: diagnoses, by: id, window: any_time, take: any, codes: { column: code, list: { file: codes.csv } } }
    charlson: { table: diagnoses, by: id, window: any_time, score: { charlson: { column: code, coding: icd10, weights: quan2011 } } }
  derive:
    comorbid: "CASE WHEN charlson > 0 THEN 1 ELSE 0 END"
  steps:
    - { name: measured, present: lab }
group: { column: race, reference: White, index: Black }
outcome: { column: died, family: binomial }
allowable: [age]
blocks: { clinical: [lab, diabetes, comorbid] }
analyses: { primary: { with_and_without: { estimator: gcomp } } }
"#;

/// 600 patients: each has a lab in one of two units before the index date, one after it that would decide if it leaked in, and diagnoses.
fn small() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let mut state = 11u64;
    let mut uniform = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / 2f64.powi(53)
    };
    let (mut patients, mut labs) = ("id,race,age,index_date,died\n".to_owned(), "id,at,value,unit\n".to_owned());
    let (mut one, mut two) = ("id,code\n".to_owned(), "id,code\n".to_owned());
    for i in 0..600 {
        let black = uniform() < 0.4;
        let lab = 0.5 + uniform();
        let died = u8::from(uniform() < 0.2 + 0.1 * lab + if black { 0.08 } else { 0.0 });
        patients.push_str(&format!("{i},{},{},2024-03-15,{died}\n", if black { "Black" } else { "White" }, 40 + i % 40));
        let (value, unit) = if i % 3 == 0 { (lab * 88.4, "umol/L") } else { (lab, "mg/dL") };
        labs.push_str(&format!("{i},2024-03-14,{value},{unit}\n{i},2024-03-16,{},mg/dL\n{i},2024-02-01,9,mg/dL\n", 1000.0));
        if uniform() < 0.3 {
            one.push_str(&format!("{i},E11.9\n"));
        }
        two.push_str(&format!("{i},{}\n", if uniform() < 0.3 { "I50.9" } else { "Z00.0" }));
    }
    for (name, text) in [
        ("study.yaml", STUDY),
        ("patients.csv", &patients),
        ("labs.csv", &labs),
        ("dx_1.csv", &one),
        ("dx_2.csv", &two),
        ("codes.csv", "code,system,label\nE11*,ICD-10-CM,Type 2 diabetes\nE13*,ICD-10-CM,Other diabetes\n"),
    ] {
        fs::write(dir.path().join(name), text).unwrap();
    }
    dir
}

fn edit(dir: &Path, name: &str, from: &str, to: &str) {
    let text = fs::read_to_string(dir.join(name)).unwrap();
    assert!(text.contains(from), "{name} does not hold {from:?}");
    fs::write(dir.join(name), text.replace(from, to)).unwrap();
}

#[test]
fn a_study_with_features_runs_and_its_resolved_file_gives_the_same_bytes() {
    let dir = small();
    let o = call(dir.path(), &["check", "study.yaml"]);
    assert!(o.status.success(), "{}", stderr(&o));
    let o = call(dir.path(), &["run", "study.yaml", "--quiet", "--threads", "1"]);
    assert_eq!(o.status.code(), Some(0), "{}", stderr(&o));
    assert!(stderr(&o).contains("codes of its list that match no event of the cohort: E13*"), "{}", stderr(&o));
    let out = dir.path().join("results/small");
    fs::copy(out.join("study.resolved.yaml"), out.join("again.yaml")).unwrap();
    let o = call(dir.path(), &["run", "results/small/again.yaml", "--quiet", "--threads", "2", "--out", "again"]);
    assert_eq!(o.status.code(), Some(0), "{}", stderr(&o));
    for file in
        ["tables/attrition.csv", "tables/gap.csv", "tables/features.csv", "tables/code_lists.csv", "tables/table_one.csv", "tables/decomposition.csv"]
    {
        assert!(fs::read(out.join(file)).unwrap() == fs::read(dir.path().join("again").join(file)).unwrap(), "{file}");
    }
    let features = fs::read_to_string(out.join("tables/features.csv")).unwrap();
    let lab: Vec<&str> = features.lines().nth(1).unwrap().split(',').collect();
    assert_eq!(lab[..8], ["lab", "labs", "last", "from -30d to 0d", "1800", "1800", "1800", "0"], "{features}");
    assert_eq!((lab[11], lab[15], lab[17]), ("600", "200", "600"), "{features}");
    let lists = fs::read_to_string(out.join("tables/code_lists.csv")).unwrap();
    let rows: Vec<&str> = lists.lines().collect();
    assert!(rows[1].starts_with("diabetes,diagnoses,code,ICD-10-CM,E11*,Type 2 diabetes,codes.csv,"), "{}", rows[1]);
    assert_eq!(rows[2], "diabetes,diagnoses,code,ICD-10-CM,E13*,Other diabetes,codes.csv,0,0,false");
    assert!(rows.iter().any(|r| r.starts_with("charlson,diagnoses,code,ICD-10-CM,I50*,congestive_heart_failure,,")), "{lists}");
    // Every file that was read stands in run.json, and verify notices when one changes.
    let run: serde_json::Value = serde_json::from_str(&fs::read_to_string(out.join("run.json")).unwrap()).unwrap();
    let mut read: Vec<(&str, &str, u64)> = run["inputs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|i| (i["table"].as_str().unwrap(), i["written"].as_str().unwrap(), i["rows"].as_u64().unwrap()))
        .collect();
    read.sort_unstable();
    let expected = [
        ("cohort.features.diabetes.codes", "codes.csv", 2),
        ("diagnoses", "dx_2.csv", 600),
        ("labs", "labs.csv", 1800),
        ("patients", "patients.csv", 600),
    ];
    assert!(expected.iter().all(|e| read.contains(e)) && read.len() == 5, "{read:?}");
    assert_eq!(call(dir.path(), &["verify", "results/small"]).status.code(), Some(0));
    edit(dir.path(), "labs.csv", "2024-02-01,9", "2024-02-01,8");
    assert_eq!(call(dir.path(), &["verify", "results/small"]).status.code(), Some(2));
}

/// Nothing after the index date gets in: the later values are a thousand, and none is in the analysis.
#[test]
fn later_values_do_not_leak_in() {
    let dir = small();
    let o = call(dir.path(), &["run", "study.yaml", "--quiet", "--design", "rows.parquet"]);
    assert_eq!(o.status.code(), Some(0), "{}", stderr(&o));
    let rows = parquet(&dir.path().join("rows.parquet"));
    let lab: Vec<f64> = rows.column("lab").unwrap().f64().unwrap().iter().flatten().collect();
    assert!(lab.len() == 600 && lab.iter().all(|v| (0.5..=1.5).contains(v)), "{lab:?}");
}

#[test]
fn bad_input_is_refused_with_a_fix_or_counted() {
    let lab = "window: [-30d, 0d], take: last";
    let cases: [(&str, &str, &str, i32, &[&str]); 11] = [
        ("study.yaml", lab, "window: [0d, -30d], take: last", 2, &["G213", "upside down", "write `window: [-30d, 0d]`"]),
        ("study.yaml", ", of: creatinine", "", 3, &["G323", "200 of 600 values", "`umol/L` (200)", "of: creatinine"]),
        ("labs.csv", "umol/L", "mg/cup", 3, &["G323", "`mg/cup` (200)", "factors"]),
        ("codes.csv", "system", "sistem", 2, &["G203", "codes.csv:1:6", "write `system`"]),
        ("labs.csv", "id,at", "id,taken", 2, &["G203", "column `at` is not in table `labs`"]),
        ("study.yaml", "list: { file: codes.csv }", "list: { file: none.csv }", 2, &["G202", "`none.csv` cannot be read"]),
        ("study.yaml", "index_date: index_date", "index_date: age", 2, &["G211", "the index date is a column of dates"]),
        // Everything is before birth: the error has the counts that explain it.
        (
            "study.yaml",
            "index_date: index_date",
            "index_date: index_date\n  birth_date: index_date",
            3,
            &["G307", "1200 of 1800 events are dated before the birth"],
        ),
        ("study.yaml", "take: last", "take: lst", 2, &["`lst` is not a choice", "write `last`"]),
        ("study.yaml", ", types: { at: date }", "", 2, &["G211", "`labs: { path: ..., types: { at: { datetime: { format:"]),
        ("labs.csv", "\n599,2024-03-14,", "\n599,2024-03-14,x", 2, &["G211", "types: { value: number }"]),
    ];
    for (file, from, to, code, says) in cases {
        let dir = small();
        if to.is_empty() && from.contains("types") {
            edit(dir.path(), "labs.csv", "2024-03-14", "03/14/2024");
        }
        edit(dir.path(), file, from, to);
        let o = call(dir.path(), &["run", "study.yaml", "--quiet"]);
        assert!(!stderr(&o).contains("does not say how events"), "{}", stderr(&o));
        assert_eq!(o.status.code(), Some(code), "{to}\n{}", stderr(&o));
        for part in says {
            assert!(stderr(&o).contains(part), "{part}\n{}", stderr(&o));
        }
    }
    // A table of events of other patients, and a value that cannot be true.
    let dir = small();
    let strangers: String = (0..50).map(|k| format!("9{k:03},2024-03-14,1,mg/dL\n")).collect();
    let labs = fs::read_to_string(dir.path().join("labs.csv")).unwrap() + &strangers;
    fs::write(dir.path().join("labs.csv"), labs.replace("7,2024-02-01,9", "7,2024-03-15,1000000000")).unwrap();
    let o = call(dir.path(), &["run", "study.yaml", "--quiet"]);
    for part in ["50 of 1850 rows of `labs` have a `id` that no unit has", "units have a value more than 1000 times the median", "plausible"] {
        assert!(stderr(&o).contains(part), "{part}\n{}", stderr(&o));
    }
}

/// The study of docs/features.md: stays of one patient at two hospitals, one of which begins within a day of the end of the other.
#[test]
fn transfers_are_found_and_counted() {
    let docs = fs::read_to_string(project("docs/features.md")).unwrap();
    let from = docs.find("## First encounters and transfers").unwrap();
    let yaml = docs[from..].split("```yaml\n").nth(1).unwrap().split("```").next().unwrap();
    let mut csv = "encounter_id,patient_id,hospital_id,admit_date,discharge_date,race,age,died\n".to_owned();
    let mut n = 0;
    let mut stay = |patient: usize, hospital: &str, admit: u32, discharge: u32| {
        n += 1;
        let race = if patient.is_multiple_of(3) { "Black" } else { "White" };
        csv.push_str(&format!("{n},{patient},{hospital},2024-03-{admit:02},2024-03-{discharge:02},{race},{},{}\n", 30 + patient * 7 % 50, n % 5 / 4));
    };
    for patient in 0..600 {
        stay(patient, "A", 3, 5);
        match patient {
            0..40 => stay(patient, "B", 5, 9),   // the same day
            40..60 => stay(patient, "B", 6, 6),  // the next day, and back home on it
            60..90 => stay(patient, "A", 6, 8),  // at the same hospital
            90..130 => stay(patient, "B", 7, 8), // two days later
            _ => {}
        }
    }
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("stays.csv"), csv).unwrap();
    let study = format!(
        "gapshare: 1\nstudy: small\ntables: {{ encounters: {{ path: stays.csv }} }}\n{yaml}group: {{ column: race, reference: White, index: Black }}\n\
         outcome: {{ column: died, family: binomial }}\nblocks: {{ age: [age] }}\nanalyses: {{ primary: {{ with_and_without: {{ estimator: gcomp }} }} }}\n"
    );
    fs::write(dir.path().join("study.yaml"), study).unwrap();
    let o = call(dir.path(), &["run", "study.yaml", "--quiet"]);
    assert_eq!(o.status.code(), Some(0), "{}", stderr(&o));
    let flow = fs::read_to_string(dir.path().join("results/small/tables/attrition.csv")).unwrap();
    let removed = |step: &str| flow.lines().find(|l| l.contains(step)).unwrap().split(',').skip(2).take(3).collect::<Vec<_>>().join(" ");
    assert_eq!(removed("not transferred in"), "730 60 670", "{flow}");
    assert_eq!(removed("first stay of a patient"), "670 70 600", "{flow}");
}
