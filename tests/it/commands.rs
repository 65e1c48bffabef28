//! The commands beside `run`: plan, compare, explain, schema, completions, the manual page, and the sentence at the end of a run.

use super::program::{Study, code, contents, stderr};
use std::fs;
use std::process::Output;

fn stdout(o: &Output) -> String {
    String::from_utf8_lossy(&o.stdout).into_owned()
}

fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap()
}

/// Every method that the plan counts models for, on one study: the counts are those of table `models`.
#[test]
fn a_plan_counts_the_models_that_a_run_fits() {
    let s = Study::new();
    let analyses = "  primary: { with_and_without: { estimator: gcomp } }
  robust: { with_and_without: { estimator: dr } }
  pooled_target: { with_and_without: { target: pooled } }
  pooled_main: { with_and_without: { surface: pooled_main } }
  twofold: { oaxaca_blinder: {} }
  twofold_detail: { oaxaca_blinder: { reference: index, detail: true } }
  neumark: { oaxaca_blinder: { reference: neumark } }
  pooled_detail: { oaxaca_blinder: { reference: pooled, detail: true, linear: true } }
  cotton: { oaxaca_blinder: { reference: cotton } }
  threefold: { oaxaca_blinder: { fold: three, reference: index } }
  yun: { yun: {} }
  yun_pooled: { yun: { coefficients: pooled } }
  fairlie: { fairlie: {} }
  fairlie_pooled: { fairlie: { coefficients: pooled, reps: 3 } }
  gelbach: { gelbach: { linear: true } }
  khb: { khb: {} }
  iom: { rank_and_replace: {} }
  learned: { with_and_without: { learner: ridge } }
";
    s.edit("study.yaml", "  primary: { with_and_without: { estimator: gcomp } }\n", analyses);
    let o = s.call(&["plan", "study.yaml", "--json"]);
    assert_eq!(code(&o), 0, "{}", stderr(&o));
    let plan = json(&stdout(&o));
    assert!(!s.path("results").exists());
    assert_eq!(plan["units"]["rows"], 600);
    assert_eq!(plan["tables"]["hospitals"]["rows"], 30);
    assert_eq!(plan["analyses"]["fairlie_pooled"]["replicates"], 3);
    assert_eq!(plan["analyses"]["learned"]["other_fits"], 4 * 2 * 5 * 5);
    let o = s.run();
    assert!(code(&o) <= 1, "{}", stderr(&o));
    let results = json(&fs::read_to_string(s.path("results/small/results.json")).unwrap());
    for (name, ahead) in plan["analyses"].as_object().unwrap() {
        let fitted = results["models"].as_array().unwrap().iter().filter(|m| m["analysis"] == name.as_str()).count();
        assert_eq!(ahead["outcome_models"].as_u64(), Some(fitted as u64), "{name}");
    }
    let text = stdout(&s.call(&["plan", "study.yaml"]));
    assert!(text.contains("about 600 rows of patients") && text.contains("adults") && text.contains("Black, each with White"), "{text}");
}

#[test]
fn a_plan_of_a_wrong_study_says_what_check_says() {
    let s = Study::new();
    s.edit("study.yaml", "[h_volume]", "[h_volum]");
    let o = s.call(&["plan", "study.yaml"]);
    assert_eq!(code(&o), 2);
    assert!(stderr(&o).contains("error[G203]"));
}

#[test]
fn results_of_one_study_are_the_same() {
    let s = Study::new();
    for out in ["a", "deeper/b"] {
        assert_eq!(code(&s.call(&["run", "study.yaml", "--quiet", "--out", out])), 0);
    }
    let before = contents(&s.path("a"));
    let o = s.call(&["compare", "a", "deeper/b"]);
    assert_eq!(code(&o), 0, "{}", stderr(&o));
    let text = stdout(&o);
    assert!(text.contains("Study, inputs, version and seeds are the same.") && text.contains("tables hold the same"), "{text}");
    assert_eq!(contents(&s.path("a")), before);
}

#[test]
fn what_differs_is_named_with_its_causes() {
    let s = Study::new();
    assert_eq!(code(&s.call(&["run", "study.yaml", "--quiet", "--out", "a"])), 0);
    // Another estimator, and a hospital of another size.
    s.edit("study.yaml", "estimator: gcomp", "estimator: dr");
    s.edit("hospitals.csv", "\n3,", "\n3,9");
    assert_eq!(code(&s.call(&["run", "study.yaml", "--quiet", "--out", "b"])), 0);
    let o = s.call(&["compare", "a", "b", "--limit", "500"]);
    assert_eq!(code(&o), 1, "{}", stderr(&o));
    let text = stdout(&o);
    for says in [
        "study: analyses.primary.with_and_without.estimator: gcomp -> dr",
        "input: hospitals (hospitals.csv): 30 rows, sha256 ",
        "  Black, primary, explained, hospital: estimate: ",
        "standard errors)",
        "The same: attrition, joins, gap",
    ] {
        assert!(text.contains(says), "no {says:?} in\n{text}");
    }
    // The patients did not change, nor did the first step's counts.
    assert!(!text.contains("input: patients") && !text.contains("\nattrition:"), "{text}");
    // A tolerance that covers everything leaves nothing.
    let wide = s.call(&["compare", "a", "b", "--tolerance", "1e9"]);
    assert!(!stdout(&wide).contains("decomposition: "), "{}", stdout(&wide));
    assert_eq!(code(&s.call(&["compare", "a", "nowhere"])), 2);
    assert_eq!(code(&s.call(&["compare", "a", "b", "--tolerance", "-1"])), 2);
}

/// Results of a version that did not have a column yet: that is said once, and the numbers are compared.
#[test]
fn results_of_an_older_version_can_be_compared() {
    let s = Study::new();
    for out in ["a", "b"] {
        assert_eq!(code(&s.call(&["run", "study.yaml", "--quiet", "--out", out])), 0);
    }
    let mut results = json(&fs::read_to_string(s.path("a/results.json")).unwrap());
    for row in results["gap"].as_array_mut().unwrap() {
        row.as_object_mut().unwrap().remove("withheld");
    }
    results["meta"].as_object_mut().unwrap().remove("level");
    s.write("a/results.json", &results.to_string());
    s.edit("a/run.json", "\"version\": \"", "\"version\": \"0.0.1-");
    let o = s.call(&["compare", "a", "b"]);
    assert_eq!(code(&o), 0, "{}", stderr(&o));
    let text = stdout(&o);
    assert!(text.contains("columns: gap.withheld is only in the second") && text.contains("version of gapshare: 0.0.1-"), "{text}");
    // The report of such a folder is refused, since it would have gaps.
    assert_eq!(code(&s.call(&["report", "a"])), 2);
}

/// A cell that one release withholds is said to be withheld, and rows of an analysis that one study lacks are listed.
#[test]
fn withheld_cells_and_missing_rows_are_told() {
    let s = Study::new();
    assert_eq!(code(&s.call(&["run", "study.yaml", "--quiet", "--out", "a"])), 0);
    s.edit("study.yaml", "analyses:\n", "release: { min_cell: 90 }\nanalyses:\n  more: { oaxaca_blinder: {} }\n");
    s.call(&["run", "study.yaml", "--quiet", "--out", "b"]);
    let o = s.call(&["compare", "a", "b", "--limit", "500"]);
    assert_eq!(code(&o), 1, "{}", stderr(&o));
    let text = stdout(&o);
    for says in ["-> withheld", "study: release.min_cell: 11 -> 90", "study: analyses.more: (not there) -> ", "  + Black, more, gap, total"] {
        assert!(text.contains(says), "no {says:?} in\n{text}");
    }
}

#[test]
fn every_topic_is_listed_and_explained() {
    let s = Study::new();
    let listed = stdout(&s.call(&["explain"]));
    for info in gapshare::error::codes::CODES {
        assert!(listed.contains(&format!("  {}  ", info.code)), "{}", info.code);
        let text = gapshare::cli::explain::explain(info.code.0).unwrap();
        assert!(text.contains(info.explanation.split(' ').next().unwrap()) && text.len() > 60, "{text}");
    }
    // The methods of the study file's schema, which are those that can be asked for.
    let schema = json(&stdout(&s.call(&["schema", "study"])));
    let methods = schema["$defs"]["MethodFile"]["oneOf"].as_array().unwrap().iter().filter_map(|m| m["required"][0].as_str());
    let mut n = 0;
    for method in methods {
        assert!(listed.contains(&format!("  {method} ")), "{method} is not listed");
        for (title, text) in gapshare::cli::explain::METHODS.iter().find(|m| m.name == method).unwrap().sections() {
            assert!(text.len() > 20, "{method}: {title}");
        }
        n += 1;
    }
    assert_eq!(n, gapshare::cli::explain::METHODS.len());
}

#[test]
fn completions_and_the_manual_name_every_command() {
    let s = Study::new();
    let manual = stdout(&s.call(&["man"]));
    for shell in ["bash", "zsh", "fish"] {
        let script = stdout(&s.call(&["completions", shell]));
        for word in ["plan", "compare", "export", "tolerance", "threads"] {
            assert!(script.contains(word), "{shell}: {word}");
        }
    }
    assert!(manual.starts_with(".ie") || manual.contains(".TH gapshare 1"), "{}", &manual[..200]);
    for word in ["GAPSHARE RUN", "GAPSHARE COMPARE", "threads", "tolerance"] {
        assert!(manual.contains(word), "{word}");
    }
    // bash reads its script without complaint, where there is a bash.
    s.write("c.bash", &stdout(&s.call(&["completions", "bash"])));
    match std::process::Command::new("bash").arg("-n").arg(s.path("c.bash")).output() {
        Ok(o) => assert!(o.status.success(), "{}", stderr(&o)),
        Err(_) => eprintln!("skipped: there is no bash"),
    }
}

/// results.json of a run is valid by the published schema, and a wrong cell is not.
#[test]
fn results_are_valid_by_their_schema() {
    let s = Study::new();
    s.edit("study.yaml", "analyses:\n", "sensitivity: { analyses: [primary], order: {} }\nanalyses:\n  more: { oaxaca_blinder: { detail: true } }\n");
    let o = s.run();
    assert!(code(&o) <= 1, "{}", stderr(&o));
    let schema = json(&stdout(&s.call(&["schema", "results", "--json"])));
    let validator = jsonschema::validator_for(&schema).unwrap();
    let mut results = json(&fs::read_to_string(s.path("results/small/results.json")).unwrap());
    let errors: Vec<String> = validator.iter_errors(&results).map(|e| format!("{}: {e}", e.instance_path())).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    // Each table of the file is one of the schema, with exactly its columns.
    for (table, rows) in results.as_object().unwrap().iter().filter(|(_, v)| v.is_array()) {
        let columns = schema["properties"][table]["items"]["properties"].as_object().unwrap();
        for row in rows.as_array().unwrap() {
            assert!(row.as_object().unwrap().keys().all(|c| columns.contains_key(c)), "{table}: {row}");
        }
    }
    results["gap"][0]["estimate"] = "large".into();
    assert!(!validator.is_valid(&results));
}

#[test]
fn a_run_ends_with_the_table_and_a_sentence_and_is_quiet_when_piped() {
    let s = Study::new();
    let o = s.call(&["run", "study.yaml"]);
    assert_eq!(code(&o), 0);
    let text = stdout(&o);
    let readings: Vec<&str> = text.lines().filter(|l| l.starts_with("Reading: ")).collect();
    assert_eq!(readings.len(), 1, "{text}");
    assert!(readings[0].ends_with('.') && readings[0].starts_with("Reading: at the same age the gap is "), "{}", readings[0]);
    // No bars and no colours in what is not a terminal.
    for text in [text, stderr(&o)] {
        assert!(!text.contains('\u{1b}') && !text.contains("writing tables"), "{text:?}");
    }
}
