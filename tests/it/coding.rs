//! Coding differences by hospital: tables/coding.csv on tables whose units were counted by hand, what is withheld, and the warning.

use crate::real::rows;
use serde_json::Value;
use std::fmt::Write;
use std::process::Command;

/// A hospital: units and units without a diagnosis, of White and of Black patients.
type Hospital = (&'static str, [(usize, usize); 2]);

const HOSPITALS: [Hospital; 6] = [
    ("A", [(60, 12), (40, 16)]),
    ("B", [(80, 16), (50, 15)]),
    ("C", [(70, 35), (50, 30)]),
    ("D", [(90, 60), (60, 45)]),
    ("E", [(100, 15), (60, 12)]),
    // Too few units for a share of its own.
    ("F", [(15, 0), (12, 0)]),
];

const STUDY: &str = r#"gapshare: 1
study: coding
tables: { stays: { path: stays.csv }, dx: { path: dx.csv } }
cohort:
  unit: { table: stays, key: id }
  index_date: day
  features:
    diabetes: { table: dx, by: id, at: at, window: [-30d, -1d], take: any, codes: { column: icd, list: [E11*] } }
    charlson: { table: dx, by: id, at: at, window: [-30d, -1d], score: { charlson: { column: icd, coding: icd10 } } }
    ever: { table: dx, by: id, at: at, window: any_time, take: count, codes: { column: icd, list: [E11*] } }
group: { column: race, reference: White, index: [Black] }
outcome: { column: died, family: binomial }
allowable: [age]
blocks: { clinical: [diabetes, charlson] }
cluster: site
analyses: { primary: { with_and_without: { estimator: gcomp } } }
"#;

struct Run {
    code: i32,
    json: Value,
    stderr: String,
    csv: String,
    html: String,
}

/// Units with a diagnosis have two in the window; all have one long before it, and one without a code in it.
fn run(hospitals: &[Hospital], study: &str) -> Run {
    run_with(hospitals, study, |_, _| ["2024-03-01", "2024-03-02"])
}

/// `dates` gives the days of the two diagnoses by hospital, and whether the patient is one of the reference group.
fn run_with(hospitals: &[Hospital], study: &str, mut dates: impl FnMut(&str, bool) -> [&'static str; 2]) -> Run {
    let dir = tempfile::tempdir().unwrap();
    let (mut stays, mut dx) = ("id,site,race,age,day,died\n".to_owned(), "id,at,icd\n".to_owned());
    let mut id = 0;
    for (name, groups) in hospitals {
        for (race, (n, without)) in ["White", "Black"].iter().zip(groups) {
            for k in 0..*n {
                id += 1;
                let died = u8::from((id * 7 + k) % 5 == 0 || k % 4 == 0);
                writeln!(stays, "{id},{name},{race},{},2024-03-15,{died}", 40 + id * 17 % 43).unwrap();
                writeln!(dx, "{id},2020-01-01,E11.9\n{id},2024-03-10,").unwrap();
                if k >= *without {
                    let code = if id % 3 == 0 { "E11.9" } else { "Z00.0" };
                    let [one, two] = dates(name, *race == "White");
                    writeln!(dx, "{id},{one},{code}\n{id},{two},I10").unwrap();
                }
            }
        }
    }
    for (name, text) in [("stays.csv", stays.as_str()), ("dx.csv", &dx), ("study.yaml", study)] {
        std::fs::write(dir.path().join(name), text).unwrap();
    }
    let o = Command::new(env!("CARGO_BIN_EXE_gapshare")).current_dir(dir.path()).args(["run", "study.yaml", "--quiet", "--out", "out"]).output();
    let o = o.unwrap();
    let stderr = String::from_utf8_lossy(&o.stderr).into_owned();
    let json = std::fs::read(dir.path().join("out/results.json")).map_or(Value::Null, |b| serde_json::from_slice(&b).unwrap());
    let csv = std::fs::read_to_string(dir.path().join("out/tables/coding.csv")).unwrap_or_default();
    let html = std::fs::read_to_string(dir.path().join("out/report.html")).unwrap_or_default();
    Run { code: o.status.code().unwrap(), json, stderr, csv, html }
}

fn row<'a>(run: &'a Run, features: &str, side: &str) -> &'a Value {
    let found = rows(&run.json, "coding", &[("features", features), ("side", side)]);
    assert_eq!(found.len(), 1, "{}", run.csv);
    found[0]
}

const SHARES: [&str; 7] = ["share_min", "share_p10", "share_p25", "share_median", "share_p75", "share_p90", "share_max"];

#[track_caller]
fn assert_shares(row: &Value, expected: [(usize, usize); 7]) {
    for (column, (without, n)) in SHARES.iter().zip(expected) {
        let share = row[*column].as_f64().unwrap_or(f64::NAN);
        assert!((share - without as f64 / n as f64).abs() < 1e-15, "{column}: {row}");
    }
}

fn shown(row: &Value) -> Vec<&'static str> {
    SHARES.iter().copied().filter(|c| !row[*c].is_null()).collect()
}

#[test]
fn shares_are_those_counted_by_hand() {
    let run = run(&HOSPITALS, STUDY);
    // Six clusters are few: a check says so.
    assert_eq!(run.code, 1, "{}", run.stderr);
    assert_eq!(run.json["coding"].as_array().unwrap().len(), 6, "{}", run.csv);
    let all = row(&run, "diabetes+charlson", "all");
    for (key, value) in [("table", "dx"), ("column", "icd"), ("window", "from -30d to -1d"), ("place", "site")] {
        assert_eq!(all[key], value);
    }
    let int = |row: &Value, key: &str| row[key].as_u64().unwrap();
    for (side, group, n, without, large) in
        [("all", None, 687, 256, 5), ("reference", Some("White"), 415, 138, 5), ("index", Some("Black"), 272, 118, 5)]
    {
        let r = row(&run, "diabetes+charlson", side);
        assert_eq!(r["group"].as_str(), group);
        assert_eq!((int(r, "n_units"), int(r, "n_without"), int(r, "n_places"), int(r, "n_places_large")), (n, without, 6, large), "{side}");
        assert_eq!(r["share_without"].as_f64(), Some(without as f64 / n as f64));
        assert_eq!(r["mean_events"].as_f64(), Some(2.0 * (n - without) as f64 / n as f64));
        assert_eq!(r["withheld"], false);
    }
    // E, B, A, C, D: the 10th percentile of five hospitals is the first of them, the 90th the last.
    assert_shares(all, [(27, 160), (27, 160), (31, 130), (28, 100), (65, 120), (105, 150), (105, 150)]);
    // Of White patients A and B are equal.
    assert_shares(row(&run, "diabetes+charlson", "reference"), [(15, 100), (15, 100), (12, 60), (16, 80), (35, 70), (60, 90), (60, 90)]);
    assert_shares(row(&run, "diabetes+charlson", "index"), [(12, 60), (12, 60), (15, 50), (16, 40), (30, 50), (45, 60), (45, 60)]);
    // Everybody has a diagnosis from years ago.
    let ever = row(&run, "ever", "all");
    assert_eq!((int(ever, "n_without"), ever["mean_events"].as_f64()), (0, Some((687.0 + 2.0 * 431.0) / 687.0)));
    assert_shares(ever, [(0, 1); 7]);
    // The report has them beside what the features are made of.
    let section = run.html.split("<section id=\"").find(|s| s.starts_with("derived\"")).unwrap();
    for part in
        ["How the variables were derived", "RECORD 6.1, 7.1", "E11*", "\u{2212}30d\u{a0}to\u{a0}\u{2212}1d", ">687<", ">37%<", "17\u{a0}to\u{a0}70%"]
    {
        assert!(section.contains(part), "{part}\n{section}");
    }
    let warnings: Vec<&str> = run.stderr.lines().filter(|l| l.contains("G328")).collect();
    assert!(warnings.len() == 1 && warnings[0].contains("`diabetes`, `charlson` may measure coding"), "{}", run.stderr);
}

/// Hospitals of the hospital method come before the cluster, and a study that names none has no table.
#[test]
fn hospitals_are_those_that_the_study_names() {
    let by_id = STUDY
        .replace("cluster: site", "cluster: id")
        .replace("{ primary: {", "{ sites: { hospital: { id: site } }, primary: {")
        .replace("blocks: {", "causal_order: [clinical]\nblocks: {");
    let found = run(&HOSPITALS, &by_id);
    assert_eq!(row(&found, "ever", "all")["place"], "site", "{}", found.stderr);
    let none = run(&HOSPITALS, &STUDY.replace("cluster: site\n", ""));
    assert!(none.code == 0 && none.json["coding"].is_null() && none.csv.is_empty(), "{}", none.stderr);
}

/// Chance alone spreads the shares of small hospitals: no warning.
#[test]
fn chance_is_no_difference() {
    // Shares 0.34 to 0.57 in hospitals of 35 units, as binomial variation around 0.44 gives them.
    let counts = [12, 13, 14, 15, 15, 15, 16, 16, 17, 18, 19, 20];
    let hospitals: Vec<Hospital> =
        "ABCDEFGHIJKL".chars().zip(counts).map(|(h, k)| (&*h.to_string().leak(), [(20, k - k / 2), (15, k / 2)])).collect();
    let run = run(&hospitals, STUDY);
    let all = row(&run, "diabetes+charlson", "all");
    assert!(
        all["share_p90"].as_f64().unwrap() - all["share_p10"].as_f64().unwrap() > 0.15 && !run.stderr.contains("G328"),
        "{}\n{}",
        run.csv,
        run.stderr
    );
}

/// One hospital with few Black patients that have a diagnosis: its share of all is shown, that of a group nowhere, since groups sum to the whole.
#[test]
fn few_units_of_a_group_at_a_hospital_do_not_come_out() {
    let mut hospitals = HOSPITALS;
    hospitals[2].1[1] = (50, 45);
    let run = run(&hospitals, STUDY);
    assert_eq!(shown(row(&run, "diabetes+charlson", "all")).len(), 7, "{}", run.csv);
    for side in ["reference", "index"] {
        let r = row(&run, "diabetes+charlson", side);
        assert!(shown(r).is_empty() && r["withheld"] == true && !r["n_without"].is_null(), "{}", run.csv);
    }
    // With a second hospital of that kind only their sum follows from the others, which are shown.
    hospitals[3].1[1] = (60, 52);
    let two = self::run(&hospitals, STUDY);
    let index = row(&two, "diabetes+charlson", "index");
    assert_eq!(shown(index), ["share_min", "share_p10", "share_p25", "share_median"], "{}", two.csv);
    let hidden = index["n_without"].as_f64().unwrap() - 16.0 - 15.0 - 12.0;
    assert_eq!(hidden, 45.0 + 52.0);
}

/// The share of a hospital whose patients without a diagnosis are few stands nowhere.
#[test]
fn few_units_of_a_hospital_do_not_come_out() {
    let mut hospitals = HOSPITALS;
    hospitals[4].1 = [(100, 4), (60, 0)];
    let run = run(&hospitals, STUDY);
    for side in ["all", "reference", "index"] {
        assert!(shown(row(&run, "diabetes+charlson", side)).is_empty(), "{}", run.csv);
    }
    assert!(!run.csv.contains("0.025") && !run.csv.contains("0.04,") && run.stderr.contains("G328"), "{}", run.csv);
}

/// Few units of a group: no group is shown, the whole is.
#[test]
fn few_units_of_a_group_take_all_groups() {
    let hospitals = HOSPITALS.map(|(h, [white, (n, _)])| (h, [white, (n, if h == "D" { 7 } else { 0 })]));
    let run = run(&hospitals, STUDY);
    let all = row(&run, "diabetes+charlson", "all");
    assert_eq!(all["n_without"].as_u64(), Some(138 + 7));
    for side in ["reference", "index"] {
        let r = row(&run, "diabetes+charlson", side);
        assert!(["n_without", "share_without", "mean_events"].iter().all(|c| r[*c].is_null()) && shown(r).is_empty(), "{}", run.csv);
    }
    // Without the rule of release everything is shown.
    let open = self::run(&hospitals, &format!("{STUDY}release: {{ min_cell: 0 }}\n"));
    assert_eq!(row(&open, "diabetes+charlson", "index")["n_without"].as_u64(), Some(7));
    assert_eq!(shown(row(&open, "diabetes+charlson", "index")).len(), 7);
}

/// A longer window in which seven patients more have an event: their number would be the difference.
#[test]
fn few_units_between_two_windows_do_not_come_out() {
    let longer = "    longer: { table: dx, by: id, at: at, window: [-31d, -1d], take: any, codes: { column: icd, list: [E11*] } }\n    ever:";
    let study = STUDY.replace("    ever:", longer);
    // In the shorter window, too, but for seven patients of D: one day more before the index date.
    let mut early = 7;
    let found = run_with(&HOSPITALS, &study, |site, first| {
        if site == "D" && early > 0 && first {
            early -= 1;
            return ["2024-02-13"; 2];
        }
        ["2024-03-01", "2024-03-02"]
    });
    let int = |features: &str| row(&found, features, "all")["n_without"].as_u64();
    assert_eq!((int("diabetes+charlson"), int("longer")), (Some(256 + 7), None), "{}", found.csv);
    for side in ["all", "reference", "index"] {
        assert!(shown(row(&found, "longer", side)).is_empty(), "{}", found.csv);
    }
    assert_eq!(int("ever"), Some(0));
}
