//! Event tables and keys as people have them: what does not fit is said, with its place, and nothing is matched without a word.

use serde_json::Value;
use std::fmt::Write;
use std::process::Command;

/// What `run` gave: exit code, stderr, and the features table.
struct Ran {
    code: i32,
    stderr: String,
    features: Vec<Value>,
    json: Value,
}

/// Units with a key as `key` writes it, events as they are given, and a feature.
fn run_on(key: fn(usize) -> String, events: &str, feature: &str, extra: &str) -> Ran {
    let dir = tempfile::tempdir().unwrap();
    let mut units = String::from("id,pid,g,y,idx,x\n");
    for i in 0..200usize {
        writeln!(units, "{i},{},{},{},2020-06-{:02},{}", key(i), ["A", "B"][i % 2], (i * 37 % 101) % 2, 1 + i % 28, (i * 53 % 97) as f64 / 7.0)
            .unwrap();
    }
    std::fs::write(dir.path().join("units.csv"), units).unwrap();
    std::fs::write(dir.path().join("events.csv"), events).unwrap();
    let study = format!(
        "gapshare: 1\nstudy: s\ntables: {{ units: {{ path: units.csv }}, events: {{ path: events.csv }} }}\ncohort:\n  unit: {{ table: units, key: id }}\n  \
         index_date: idx\n{extra}  features:\n    f: {{ table: events, by: pid, {feature} }}\ngroup: {{ column: g, reference: A, index: [B] }}\n\
         outcome: {{ column: y, family: gaussian }}\nblocks: {{ one: [f], two: [x] }}\nmissing: {{ otherwise: drop_row }}\n\
         analyses: {{ primary: {{ gelbach: {{ linear: true }} }} }}\nrelease: {{ min_cell: 0 }}\n"
    );
    std::fs::write(dir.path().join("s.yaml"), study).unwrap();
    let out = dir.path().join("out");
    let done =
        Command::new(env!("CARGO_BIN_EXE_gapshare")).args(["run", "--quiet", "--out"]).arg(&out).arg(dir.path().join("s.yaml")).output().unwrap();
    let json: Value = std::fs::read(out.join("results.json")).map_or(Value::Null, |b| serde_json::from_slice(&b).unwrap());
    Ran {
        code: done.status.code().unwrap(),
        stderr: String::from_utf8_lossy(&done.stderr).into_owned(),
        features: json["features"].as_array().cloned().unwrap_or_default(),
        json,
    }
}

const MEAN: &str = "at: d, value: value, window: [-365d, 0d], take: mean";

/// Three events a unit.
fn events(key: fn(usize) -> String, value: impl Fn(usize) -> String, date: impl Fn(usize) -> String) -> String {
    let mut out = String::from("pid,d,value,code\n");
    for k in 0..600usize {
        writeln!(out, "{},{},{},I21.{}", key(k % 200), date(k), value(k), k % 10).unwrap();
    }
    out
}

fn plain(i: usize) -> String {
    i.to_string()
}

fn padded(i: usize) -> String {
    format!("{i:04}")
}

fn a_value(k: usize) -> String {
    format!("{:.2}", (k * 31 % 89) as f64 / 10.0 + 1.0)
}

fn a_date(k: usize) -> String {
    format!("2020-03-{:02}", 1 + k % 28)
}

#[test]
fn keys_in_other_spellings_are_said_and_two_of_one_number_refused() {
    let padded_events = run_on(plain, &events(padded, a_value, a_date), MEAN, "");
    assert!(padded_events.code <= 1, "{}", padded_events.stderr);
    let says = "600 values of `pid` of the events are numbers with leading zeros or a decimal point, and match `pid` of the units as numbers";
    assert!(padded_events.stderr.contains(says), "{}", padded_events.stderr);

    // Patient 0007 and patient 7 are two, or one: it cannot be told.
    let both = events(padded, a_value, a_date) + "7,2020-03-01,3.5,I21.0\n";
    let two = run_on(plain, &both, MEAN, "");
    assert_eq!(two.code, 2, "{}", two.stderr);
    assert!(two.stderr.contains("error[G211]: `pid` of the events has the same number in several spellings"), "{}", two.stderr);

    // Units with padded keys, events with numbers.
    let units = run_on(padded, &events(plain, a_value, a_date), MEAN, "");
    assert!(units.stderr.contains("200 values of `pid` of the units are numbers with leading zeros"), "{}", units.stderr);

    // As they should be: nothing is said.
    let same = run_on(plain, &events(plain, a_value, a_date), MEAN, "");
    assert!(same.code <= 1 && !same.stderr.contains("leading zeros") && !same.stderr.contains("G315"), "{}", same.stderr);
    assert_eq!(same.json["gap"], padded_events.json["gap"]);
}

#[test]
fn joined_keys_in_other_spellings_are_said() {
    let dir = tempfile::tempdir().unwrap();
    let mut units = String::from("id,pid,g,y\n");
    let (mut right, mut twice) = (String::from("pid,x\n"), String::from("pid,x\n7,0.5\n"));
    for i in 0..200usize {
        writeln!(units, "{i},{i},{},{}", ["A", "B"][i % 2], (i * 37 % 101) % 2).unwrap();
        writeln!(right, "{i:04},{}", i * 53 % 97).unwrap();
        writeln!(twice, "{i:04},{}", i * 53 % 97).unwrap();
    }
    std::fs::write(dir.path().join("units.csv"), units).unwrap();
    let study = "gapshare: 1\nstudy: s\ntables: { units: { path: units.csv }, more: { path: more.csv } }\ncohort: { unit: { table: units, key: id }, \
                 joins: [{ table: more, by: pid, unmatched: error }] }\ngroup: { column: g, reference: A, index: [B] }\n\
                 outcome: { column: y, family: gaussian }\nblocks: { one: [x] }\nanalyses: { primary: { gelbach: { linear: true } } }\n";
    std::fs::write(dir.path().join("s.yaml"), study).unwrap();
    for (csv, code, says) in [
        (&right, 0, "200 values of `pid` of `more` are numbers with leading zeros or a decimal point, and match `pid` as numbers"),
        (&twice, 2, "`pid` of `more` has the same number in several spellings"),
    ] {
        std::fs::write(dir.path().join("more.csv"), csv).unwrap();
        let mut call = Command::new(env!("CARGO_BIN_EXE_gapshare"));
        let done = call.args(["run", "--quiet", "--out"]).arg(dir.path().join("out")).arg(dir.path().join("s.yaml")).output().unwrap();
        let stderr = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.code() == Some(code) && stderr.contains(says), "{:?}: {stderr}", done.status.code());
    }
}

#[test]
fn errors_of_no_rows_keep_the_warnings_that_explain_them() {
    let stranger = |k: usize| format!("p{k}");
    let none = run_on(plain, &events(stranger, a_value, a_date), MEAN, "");
    assert!(
        none.stderr.contains("error[G307]") && none.stderr.contains("warning[G304]: no row of `events` has the `pid` of a unit"),
        "{}",
        none.stderr
    );
    let unborn = run_on(plain, &events(plain, a_value, a_date), MEAN, "  derive: { bd: \"CAST('2020-05-30' AS DATE)\" }\n  birth_date: bd\n");
    assert!(unborn.stderr.contains("error[G307]") && unborn.stderr.contains("before the birth of their unit"), "{}", unborn.stderr);
    assert!(!unborn.stderr.contains("eprecat"), "{}", unborn.stderr);
}

#[test]
fn events_without_a_time_count_where_none_is_needed() {
    let half = |k: usize| if k < 200 { String::new() } else { a_date(k) };
    let table = events(plain, a_value, half);
    let counts = |feature: &str| {
        let ran = run_on(plain, &table, feature, "");
        assert!(ran.code <= 1, "{}", ran.stderr);
        let f = &ran.features[0];
        assert_eq!(ran.stderr.contains("have no time and do not count"), f["n_no_time"] != 0, "{feature}: {}", ran.stderr);
        (f["n_no_time"].as_u64(), f["n_used"].as_u64())
    };
    for take in ["value: value, take: mean", "value: value, take: min", "value: value, take: max"] {
        assert_eq!(counts(&format!("at: d, window: any_time, {take}")), (Some(0), Some(600)), "{take}");
        assert_eq!(counts(&format!("at: d, window: [-365d, 0d], {take}")), (Some(200), Some(400)), "{take}");
    }
    for take in ["first", "last"] {
        assert_eq!(counts(&format!("at: d, window: any_time, value: value, take: {take}")), (Some(200), Some(400)), "{take}");
    }
}

#[test]
fn the_place_of_a_cell_that_makes_a_column_text_is_named() {
    let odd = |cell: &'static str| move |k: usize| if k == 411 || k == 500 { cell.to_owned() } else { a_value(k) };
    for cell in ["<0.1", "NaN", "\"1,234\""] {
        let ran = run_on(plain, &events(plain, odd(cell), a_date), MEAN, "");
        let says = "2 of its 600 values are no numbers; the first stands in row 412 of events.csv";
        assert!(ran.code == 2 && ran.stderr.contains("error[G211]") && ran.stderr.contains(says), "{cell}: {}", ran.stderr);
        // The cell may be a patient's: its place is enough.
        assert!(!ran.stderr.contains(cell.trim_matches('"')), "{}", ran.stderr);
    }
    let feb30 = |k: usize| if k == 99 { "2020-02-30".to_owned() } else { a_date(k) };
    let ran = run_on(plain, &events(plain, a_value, feb30), MEAN, "");
    let says = "1 of its 600 values are no dates; the first stands in row 100 of events.csv";
    assert!(ran.code == 2 && ran.stderr.contains(says), "{}", ran.stderr);
}

#[test]
fn entries_that_can_be_no_codes_are_refused() {
    for (entry, says) in [
        ("\"I2?\"", "`I2?` is no code: it has a `?`"),
        ("\"I2%\"", "`I2%` is no code: it has a `%`"),
        ("I20-I259", "the ends of the range `I20-I259` are not equally long"),
    ] {
        let feature = format!("at: d, window: [-365d, 0d], take: any, codes: {{ column: code, list: [{entry}] }}");
        let ran = run_on(plain, &events(plain, a_value, a_date), &feature, "");
        assert!(ran.code == 2 && ran.stderr.contains("error[G210]") && ran.stderr.contains(says), "{entry}: {}", ran.stderr);
    }
}
