//! The result folder on disk: replaced whole, refused where it is somebody else's, checked by hash.

use super::*;
use crate::error::codes;
use std::fs;
use std::path::Path;

fn results(study: &str) -> ResultTables {
    let meta = Meta { study: study.into(), index: vec!["B".into()], ..Meta::default() };
    let mut t = Table::new(&schema::DIAGNOSTICS);
    t.push(&[("check", "a".into()), ("value", 0.1.into()), ("message", "=1+1".into())]).unwrap();
    withhold(meta, vec![t], 0).unwrap().0
}

fn write(out: &Path, study: &str, manifest: RunManifest) -> RunManifest {
    write_all(out, &results(study), "<html>", "gapshare: 1\n", manifest).unwrap()
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_result_folder_is_replaced_whole_and_nothing_is_left_beside_it() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("deep/results");
    write(&out, "first", RunManifest::default());
    fs::create_dir(out.join("notes")).unwrap();
    fs::write(out.join("notes/mine.txt"), "mine").unwrap();
    fs::write(out.join("tables/retired.csv"), "old").unwrap();
    write(&out, "second", RunManifest::default());
    assert_eq!(names(&out), ["notes", "report.html", "results.json", "run.json", "study.resolved.yaml", "tables"]);
    assert_eq!(names(&out.join("tables")), ["SCHEMA.csv", "diagnostics.csv"]);
    assert_eq!(fs::read_to_string(out.join("notes/mine.txt")).unwrap(), "mine");
    assert_eq!(read_results(&out).unwrap().meta.study, "second");
    assert_eq!(names(out.parent().unwrap()), ["results"]);
    let csv = fs::read_to_string(out.join("tables/diagnostics.csv")).unwrap();
    assert_eq!(csv, "index_group,blocks,check,value,threshold,passed,message,withheld\n,,a,0.1,,,'=1+1,false\n");
}

#[test]
fn a_folder_of_somebody_else_is_refused_and_left_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("thesis");
    fs::create_dir(&out).unwrap();
    // An empty folder is accepted.
    assert!(check_output(&out).is_ok());
    fs::write(out.join("chapter1.txt"), "years").unwrap();
    for problems in [
        check_output(&out).unwrap_err(),
        write_all(&out, &results("s"), "", "", RunManifest::default()).unwrap_err(),
        check_output(&out.join("chapter1.txt")).unwrap_err(),
        check_output(&out.join("chapter1.txt/below")).unwrap_err(),
    ] {
        assert_eq!(problems[0].code, codes::G212);
    }
    assert_eq!(names(&out), ["chapter1.txt"]);
    assert_eq!(names(dir.path()), ["thesis"]);
}

#[test]
fn two_runs_differ_in_run_json_only() {
    let dir = tempfile::tempdir().unwrap();
    let (a, b) = (dir.path().join("a"), dir.path().join("b"));
    write(&a, "s", RunManifest { started: "2026-01-01T00:00:00Z".into(), threads: 1, ..RunManifest::default() });
    write(&b, "s", RunManifest { started: "2026-01-02T00:00:00Z".into(), threads: 2, ..RunManifest::default() });
    for file in ["report.html", "results.json", "study.resolved.yaml", "tables/SCHEMA.csv", "tables/diagnostics.csv"] {
        assert_eq!(fs::read(a.join(file)).unwrap(), fs::read(b.join(file)).unwrap(), "{file}");
    }
    assert_ne!(fs::read(a.join("run.json")).unwrap(), fs::read(b.join("run.json")).unwrap());
}

#[test]
fn verify_names_what_changed() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("results");
    let study = dir.path().join("study.yaml");
    let input = dir.path().join("patients.csv");
    fs::write(&study, "gapshare: 1\n").unwrap();
    fs::write(&input, "id\n1\n").unwrap();
    let path = input.to_string_lossy().into_owned();
    let (sha256, bytes) = manifest::hash_file(&input).unwrap();
    let record =
        InputRecord { table: "patients".into(), written: "patients.csv".into(), path: path.clone(), sha256, bytes, rows: Some(1), query: false };
    let manifest = RunManifest {
        study_file: study.to_string_lossy().into_owned(),
        study_sha256: manifest::hash_file(&study).unwrap().0,
        inputs: vec![record],
        ..RunManifest::default()
    };
    write(&out, "s", manifest);
    let clean = verify(&out).unwrap();
    // study file, input, report, results, resolved study, SCHEMA and one table
    assert_eq!((clean.matched, clean.exit_code()), (7, 0));
    replace_report(&out, "<html>again").unwrap();
    assert!(verify(&out).unwrap().ok(), "a report rendered again is a result of the run");

    fs::write(&input, "id\n2\n").unwrap();
    fs::remove_file(out.join("tables/SCHEMA.csv")).unwrap();
    fs::write(out.join("extra.txt"), "x").unwrap();
    let report = verify(&out).unwrap();
    assert_eq!(report.changed, [path]);
    assert_eq!(report.missing, ["tables/SCHEMA.csv"]);
    assert_eq!(report.new, ["extra.txt"]);
    assert_eq!(report.exit_code(), 2);
    assert_eq!(verify(dir.path()).unwrap_err()[0].code, codes::G202);
}

#[test]
fn corrupt_results_are_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("results");
    write(&out, "s", RunManifest::default());
    let path = out.join("results.json");
    let good = fs::read_to_string(&path).unwrap();
    for (bad, says) in [
        ("{".to_owned(), "results.json"),
        (good.replace("\"schema_version\": 1", "\"schema_version\": 2"), "schema_version"),
        (good.replace("\"threshold\"", "\"limit\""), "limit"),
        (good.replace("0.1,", "\"0.1\","), "`value` is not number"),
    ] {
        assert_ne!(bad, good);
        fs::write(&path, bad).unwrap();
        let problem = read_results(&out).unwrap_err().remove(0);
        assert_eq!(problem.code, codes::G202);
        assert!(problem.message.contains(says), "{}", problem.message);
    }
}
