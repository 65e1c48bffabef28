//! Runs as a user starts them: outputs, exit codes, weights, analyses that fail.

use super::program::{Study, code, contents, lines, stderr};
use std::fs;

#[test]
fn a_study_runs_verifies_and_renders_again() {
    let s = Study::new();
    let o = s.run();
    assert_eq!(code(&o), 0, "{}", stderr(&o));
    let stdout = String::from_utf8_lossy(&o.stdout).into_owned();
    assert!(stdout.contains("Gap as observed") && stdout.contains("report:"), "{stdout}");
    let out = s.path("results/small");
    for file in ["report.html", "results.json", "run.json", "study.resolved.yaml", "tables/decomposition.csv", "tables/SCHEMA.csv"] {
        assert!(out.join(file).is_file(), "{file}");
    }
    assert_eq!(code(&s.call(&["verify", "results/small"])), 0);
    let before = fs::read(out.join("report.html")).unwrap();
    assert_eq!(code(&s.call(&["report", "results/small"])), 0);
    assert_eq!(fs::read(out.join("report.html")).unwrap(), before);
    s.edit("hospitals.csv", "0,100", "0,101");
    assert_eq!(code(&s.call(&["verify", "results/small"])), 2);
}

/// T27: the same bytes at any number of threads, in every file but run.json; the resolved study gives them too.
#[test]
fn outputs_are_the_same_bytes_whatever_the_threads() {
    let s = Study::new();
    for (threads, out) in [("1", "one"), ("16", "sixteen")] {
        assert_eq!(code(&s.call(&["run", "study.yaml", "--threads", threads, "--out", out])), 0);
    }
    let strip = |dir: &str| contents(&s.path(dir)).into_iter().filter(|(p, _)| !p.ends_with("run.json")).map(|(_, b)| b).collect::<Vec<_>>();
    assert_eq!(strip("one"), strip("sixteen"));
    fs::copy(s.path("one/study.resolved.yaml"), s.path("one/again.yaml")).unwrap();
    assert_eq!(code(&s.call(&["run", "one/again.yaml", "--out", "again"])), 0);
    assert_eq!(fs::read(s.path("again/tables/decomposition.csv")).unwrap(), fs::read(s.path("one/tables/decomposition.csv")).unwrap());
}

#[test]
fn an_estimate_that_fails_leaves_the_descriptive_tables() {
    let s = Study::new();
    s.edit("study.yaml", "hospital: [h_volume]", "hospital: [{ hospital: { fixed_effects: {} } }]");
    // Hospital 3 has no White patients.
    lines(&s, |i, c| {
        if i > 0 && c[1] == "3" {
            c[2] = "Black".into();
        }
    });
    let o = s.run();
    assert_eq!(code(&o), 4, "{}", stderr(&o));
    assert!(stderr(&o).contains("error[G402]") && stderr(&o).contains("no support"), "{}", stderr(&o));
    for table in ["attrition", "gap", "table_one", "diagnostics"] {
        let text = fs::read_to_string(s.path(&format!("results/small/tables/{table}.csv"))).unwrap();
        assert!(text.lines().count() > 1, "{table} is empty");
    }
    let decomposition = fs::read_to_string(s.path("results/small/tables/decomposition.csv")).unwrap();
    assert!(decomposition.lines().skip(1).all(|l| l.contains("no support")), "{decomposition}");
}

#[test]
fn a_constant_column_is_dropped_with_a_named_warning() {
    let s = Study::new();
    lines(&s, |i, c| {
        if i > 0 {
            c[4] = "1.5".into()
        }
    });
    let o = s.run();
    assert_eq!(code(&o), 0, "{}", stderr(&o));
    assert!(stderr(&o).contains("warning[G314]: column `lab`"), "{}", stderr(&o));
}

#[test]
fn a_folder_that_is_not_a_result_is_not_replaced() {
    let s = Study::new();
    fs::create_dir(s.path("thesis")).unwrap();
    s.write("thesis/chapter.txt", "years of work");
    let o = s.call(&["run", "study.yaml", "--out", "thesis"]);
    assert_eq!(code(&o), 2, "{}", stderr(&o));
    assert!(stderr(&o).contains("error[G212]"));
    assert_eq!(fs::read_to_string(s.path("thesis/chapter.txt")).unwrap(), "years of work");
    // A folder inside a file cannot be made.
    let o = s.call(&["run", "study.yaml", "--out", "patients.csv/results"]);
    assert_eq!(code(&o), 2, "{}", stderr(&o));
    assert!(stderr(&o).contains("error[G212]"));
}

#[test]
fn the_analysis_rows_can_be_written_for_a_reviewer() {
    let s = Study::new();
    assert_eq!(code(&s.call(&["run", "study.yaml", "--design", "rows.parquet"])), 0);
    let bytes = fs::read(s.path("rows.parquet")).unwrap();
    assert_eq!(&bytes[..4], b"PAR1");
    assert!(!s.path("results/small/rows.parquet").exists());
}

#[test]
fn check_explain_and_schema_answer() {
    let s = Study::new();
    assert_eq!(code(&s.call(&["check", "study.yaml"])), 0);
    for topic in ["G203", "with_and_without", "oaxaca_blinder", "gelbach"] {
        let o = s.call(&["explain", topic]);
        assert!(code(&o) == 0 && o.stdout.len() > 100, "{topic}");
    }
    assert_eq!(code(&s.call(&["explain", "G2O3"])), 2);
    for of in ["study", "results"] {
        assert_eq!(code(&s.call(&["schema", of])), 0);
    }
}

/// Weights of 2 are rows that stand twice, through the whole program.
#[test]
fn integer_weights_are_repeated_rows() {
    let s = Study::new();
    let text = fs::read_to_string(s.path("patients.csv")).unwrap();
    let weight = |i: usize| 1 + i % 3;
    let weighted: Vec<String> = text.lines().enumerate().map(|(i, l)| if i == 0 { format!("{l},w") } else { format!("{l},{}", weight(i)) }).collect();
    let repeated: Vec<String> = text
        .lines()
        .enumerate()
        .flat_map(|(i, l)| {
            (0..if i == 0 { 1 } else { weight(i) }).map(move |k| if i == 0 { l.to_owned() } else { format!("{}{l}", k * 1000 + 1000) })
        })
        .collect();
    let estimates = |out: &str| -> Vec<f64> {
        let json: serde_json::Value = serde_json::from_slice(&fs::read(s.path(out).join("results.json")).unwrap()).unwrap();
        json["decomposition"].as_array().unwrap().iter().map(|r| r["estimate"].as_f64().unwrap()).collect()
    };
    s.write("patients.csv", &repeated.join("\n"));
    assert_eq!(code(&s.call(&["run", "study.yaml", "--out", "repeated"])), 0);
    s.write("patients.csv", &weighted.join("\n"));
    s.edit("study.yaml", "cluster: hospital", "cluster: hospital\nweight: w");
    let o = s.call(&["run", "study.yaml", "--out", "weighted"]);
    assert_eq!(code(&o), 0, "{}", stderr(&o));
    for (a, b) in estimates("repeated").iter().zip(estimates("weighted")) {
        assert!((a - b).abs() < 1e-10, "{a} {b}");
    }
}

/// Without `cluster` a hospital's columns give standard errors that are far too small: a failed gate, exit 1, everything marked.
#[test]
fn hospital_columns_without_cluster_fail_a_gate() {
    let s = Study::new();
    s.edit("study.yaml", "cluster: hospital\n", "");
    let o = s.run();
    assert_eq!(code(&o), 1, "{}", stderr(&o));
    assert!(stderr(&o).contains("unclustered_group_level_columns"), "{}", stderr(&o));
    let json: serde_json::Value = serde_json::from_slice(&fs::read(s.path("results/small/results.json")).unwrap()).unwrap();
    assert!(json["decomposition"].as_array().unwrap().iter().all(|r| r["blinded"] == true));
    assert!(json["diagnostics"].as_array().unwrap().iter().any(|r| r["check"] == "unclustered_group_level_columns" && r["passed"] == false));
}

/// A secondary analysis that cannot be estimated: exit 1, its rows null with a reason, the primary as it was.
#[test]
fn a_secondary_analysis_that_fails_has_null_rows() {
    let s = Study::new();
    s.edit("study.yaml", "hospital: [h_volume]", "hospital: [{ hospital: { fixed_effects: {} } }]");
    s.edit(
        "study.yaml",
        "{ estimator: gcomp } }",
        "{ surface: pooled_main, estimator: gcomp } }\n  other: { with_and_without: { estimator: gcomp } }",
    );
    // Hospital 3 has no White patients.
    lines(&s, |i, c| {
        if i > 0 && c[1] == "3" {
            c[2] = "Black".into();
        }
    });
    let o = s.run();
    assert_eq!(code(&o), 1, "{}", stderr(&o));
    let json: serde_json::Value = serde_json::from_slice(&fs::read(s.path("results/small/results.json")).unwrap()).unwrap();
    for r in json["decomposition"].as_array().unwrap() {
        assert_eq!(r["estimate"].is_null(), r["analysis"] == "other", "{r}");
        assert_eq!(r["reason"].is_null(), r["analysis"] != "other", "{r}");
    }
}

#[test]
fn a_collinear_column_is_dropped_with_a_named_warning_and_the_rest_is_estimated() {
    let s = Study::new();
    s.edit("study.yaml", "  steps:", "  derive:\n    lab2: \"2.0 * lab + 1.0\"\n  steps:");
    let plain = s.run();
    assert_eq!(code(&plain), 0, "{}", stderr(&plain));
    let table = || fs::read_to_string(s.path("results/small/tables/decomposition.csv")).unwrap();
    let before = table();
    s.edit("study.yaml", "clinical: [lab,", "clinical: [lab, lab2,");
    let o = s.run();
    assert_eq!(code(&o), 0, "{}", stderr(&o));
    assert!(stderr(&o).contains("warning[G314]: column `lab2`"), "{}", stderr(&o));
    assert_eq!(table(), before);
}

/// Rows of weight 0 say nothing: they are a line of attrition, and do not count as support.
#[test]
fn rows_of_weight_zero_are_counted_out() {
    let s = Study::new();
    lines(&s, |i, c| c.push(if i == 0 { "w".into() } else { (i % 2).to_string() }));
    s.edit("study.yaml", "cluster: hospital", "cluster: hospital\nweight: w");
    let o = s.run();
    assert_eq!(code(&o), 0, "{}", stderr(&o));
    let attrition = fs::read_to_string(s.path("results/small/tables/attrition.csv")).unwrap();
    let last = attrition.lines().last().unwrap();
    assert!(last.contains("weight above 0,600,300,300"), "{attrition}");
}
