//! `uncertainty: { influence: { small_clusters: cv3 } }`: each cluster left out in turn.

use crate::frames::{close, near};
use crate::real::{rows, run_file};
use serde_json::Value;
use std::path::Path;

const ANALYSES: &str = "  primary:        { with_and_without: { attribution: shapley } }\n";

/// The example study on the first `hospitals` hospitals, without one of them if `without` names it.
fn study(dir: &Path, hospitals: usize, without: Option<usize>, cv3: bool) -> Value {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(root.join("pipelines/cardiac_surgery_table.yaml")).unwrap();
    let text = text.replace("../synthetic_data", root.join("synthetic_data").to_str().unwrap());
    let (head, tail) = text.split_at(text.find("\nanalyses:\n").unwrap());
    assert!(tail.contains(ANALYSES));
    let keep: Vec<String> = (1..=hospitals).filter(|h| Some(*h) != without).map(|h| format!("'H{h:02}'")).collect();
    let head =
        head.replacen("  steps:\n", &format!("  steps:\n    - {{ name: some hospitals, where: \"hospital_id IN ({})\" }}\n", keep.join(", ")), 1);
    let uncertainty = if cv3 { "\nuncertainty: { influence: { small_clusters: cv3 } }" } else { "" };
    let file = dir.join(format!("study_{}.yaml", without.unwrap_or(0)));
    std::fs::write(&file, format!("{head}{uncertainty}{tail}  order: {{ mechanisms: {{}} }}\n  equal: {{ interventional: {{ equalize: [hospital] }} }}\nrelease: {{ min_cell: 0 }}\n")).unwrap();
    let (code, json) = run_file(&file, &dir.join("out"));
    assert!(code <= 1, "{code}");
    json
}

fn figure(row: &Value, column: &str) -> f64 {
    row[column].as_f64().unwrap_or_else(|| panic!("{column} of {row}"))
}

/// The rows of a hospital taken out of the data, study by study, give what weights of 0 in one run give.
#[test]
fn the_jackknife_is_that_of_studies_without_each_hospital() {
    let dir = tempfile::tempdir().unwrap();
    let whole = study(dir.path(), 12, None, true);
    let rest: Vec<Value> = (1..=12).map(|h| study(dir.path(), 12, Some(h), false)).collect();
    let of = |json: &Value| -> Vec<Value> { rows(json, "decomposition", &[]).into_iter().cloned().collect() };
    let parts: Vec<Vec<Value>> = rest.iter().map(of).collect();
    let all = of(&whole);
    assert!(all.len() > 20);
    for (k, row) in all.iter().enumerate() {
        let name = format!("{} {} {}", row["analysis"], row["part"], row["component"]);
        let estimate = figure(row, "estimate");
        let squares: f64 = parts.iter().map(|of| (figure(&of[k], "estimate") - estimate).powi(2)).sum();
        assert!(parts.iter().all(|of| of[k]["component"] == row["component"] && of[k]["std_error_cv3"].is_null()));
        // The regressions of mechanisms hold splines whose knots are those of all units.
        let tolerance = if row["analysis"] == "order" { 5e-3 } else { 1e-8 };
        close(&name, figure(row, "std_error_cv3"), (11.0 / 12.0 * squares).sqrt(), tolerance);
    }
    // Beside the errors by cluster sums, not in their place.
    let plain = of(&study(dir.path(), 12, None, false));
    assert!(all.iter().zip(&plain).all(|(a, b)| a["std_error"] == b["std_error"] && a["conf_low"] == b["conf_low"]));
    // The gap has one interval, whatever divides it.
    let gap = rows(&whole, "gap", &[("scale", "risk_difference")])[0];
    for row in all.iter().filter(|r| r["part"] == "gap") {
        assert!(["estimate", "std_error", "conf_low", "conf_high"].iter().all(|c| (figure(row, c) - figure(gap, c)).abs() < 1e-13), "{row} {gap}");
    }
    let check = rows(&whole, "diagnostics", &[("check", "cv3_ratio")]);
    assert_eq!(check.len(), 6);
    let largest = |analysis: &str| {
        let of = all.iter().filter(|r| r["analysis"] == analysis);
        of.map(|r| figure(r, "std_error_cv3") / figure(r, "std_error")).fold(0.0, f64::max)
    };
    for row in check {
        let analysis = row["message"].as_str().unwrap().split([' ', ':']).nth(1).unwrap().to_owned();
        near(&analysis, figure(row, "value"), largest(&analysis), 1e-12);
        assert_eq!(row["passed"].as_bool(), Some(figure(row, "value") <= 1.1));
    }
}
