//! The hospital pipelines from file to tables: on the example study, and on the New York discharges.

use crate::frames::{close, near};
use crate::real::{rows, run, run_file};
use serde_json::Value;
use std::process::Command;

fn number(v: &Value, key: &str) -> f64 {
    v[key].as_f64().unwrap_or_else(|| panic!("{key}: {v}"))
}

fn of<'a>(json: &'a Value, analysis: &str, row: &str) -> &'a Value {
    rows(json, "hospital", &[("analysis", analysis), ("row", row)])[0]
}

#[test]
fn the_example_study_divides_its_gap_over_hospitals() {
    let dir = tempfile::tempdir().unwrap();
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let out = dir.path().join("r");
    let gapshare = |args: &[&std::ffi::OsStr]| Command::new(env!("CARGO_BIN_EXE_gapshare")).args(args).output().unwrap();
    let study = root.join("pipelines/cardiac_surgery_hospitals.yaml");
    let o = gapshare(&["run".as_ref(), "--quiet".as_ref(), "--out".as_ref(), out.as_ref(), study.as_ref()]);
    assert!(o.status.success(), "{}", String::from_utf8_lossy(&o.stderr));
    let json: Value = serde_json::from_slice(&std::fs::read(out.join("results.json")).unwrap()).unwrap();

    // The parts of the gap and the rows of the hospital table are the same numbers.
    let part = |analysis: &str, part: &str, component: &str| {
        rows(&json, "decomposition", &[("analysis", analysis), ("part", part), ("component", component)])[0].clone()
    };
    for analysis in ["primary", "allowables", "quality_index"] {
        for (row, p, component) in [("where_they_go", "explained", "where_they_go"), ("how_they_fare_there", "unexplained", "total")] {
            let (a, b) = (of(&json, analysis, row), part(analysis, p, component));
            for key in ["estimate", "std_error", "conf_low", "conf_high"] {
                assert_eq!(a[key], b[key], "{analysis} {row} {key}");
            }
        }
        let total = |p: &str| number(&part(analysis, p, "total"), "estimate");
        near("sum", total("allowable") + total("explained") + total("unexplained"), total("gap"), 1e-12);
    }
    // What the population's equations say of the hospital after the other blocks: within three standard errors, by ids and by the
    // quality index that makes hospitals differ.
    let truth: Value = serde_json::from_slice(&std::fs::read(root.join("synthetic_data/cardiac_surgery/truth.json")).unwrap()).unwrap();
    let want = number(&truth["contributions"]["sequential"]["socioeconomic>biological>hospital"]["hospital"], "value");
    for analysis in ["primary", "quality_index"] {
        let go = of(&json, analysis, "where_they_go");
        assert!((number(go, "estimate") - want).abs() < 3.0 * number(go, "std_error"), "{analysis}: {go} {want}");
    }
    // Clusters are not used given the hospitals, and are for their characteristics.
    let says = rows(&json, "diagnostics", &[("check", "hospitals_as")]);
    assert!(says.iter().all(|r| r["message"].as_str().unwrap().contains("the study's clusters are not used")), "{says:?}");
    assert_eq!(says.len(), 2);

    // Hospitals sum to the divisions; those without a name stand last.
    let units = rows(&json, "hospital_units", &[("analysis", "primary")]);
    assert_eq!(units.len(), 40);
    let named = units.iter().take_while(|u| !u["hospital"].is_null()).count();
    assert!(named > 20 && units[named..].iter().all(|u| u["hospital"].is_null() && u["n_index"].is_null() && u["effect"].is_null()));
    for u in &units[..named] {
        assert!(number(u, "n_reference") >= 11.0 && number(u, "n_index") >= 11.0, "{u}");
        if !u["effect"].is_null() {
            assert!(number(u, "conf_low") < number(u, "effect") && number(u, "effect") < number(u, "conf_high"));
            close("ratio", number(u, "observed_to_expected"), number(u, "observed") / number(u, "expected"), 1e-12);
        }
    }
    for command in ["report", "verify"] {
        let o = gapshare(&[command.as_ref(), out.as_ref()]);
        assert!(o.status.success(), "{command}: {}", String::from_utf8_lossy(&o.stderr));
    }
}

/// Known of these discharges: 85 facilities, 40 of which lack a group; deaths at the 45 others differ by -1.31 points, +0.22 between and
/// -1.53 within.
#[test]
fn new_york_hospitals_have_the_known_division() {
    let dir = tempfile::tempdir().unwrap();
    let Some((_, json)) = run("sparcs_hospital_deaths", &dir.path().join("deaths")) else { return };
    // Beside hospitals that are withheld no sum over all of them is shown.
    let sums = rows(&json, "hospital", &[("analysis", "primary"), ("row", "kitagawa_between_shared")]);
    assert!(sums.iter().all(|r| r["estimate"].is_null() && r["withheld"] == true));
    assert!(rows(&json, "hospital_units", &[("analysis", "primary")]).iter().any(|u| u["hospital"].is_null()));
    // These discharges are public.
    let text = std::fs::read_to_string(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("pipelines/sparcs_hospital_deaths.yaml")).unwrap();
    let file = dir.path().join("study.yaml");
    std::fs::write(&file, format!("{text}\nrelease: {{ min_cell: 0 }}\n")).unwrap();
    let (_, json) = run_file(&file, &dir.path().join("all"));
    let value = |row: &str| 100.0 * number(of(&json, "primary", row), "estimate");
    near("between", value("kitagawa_between_shared"), 0.22, 0.005);
    near("within", value("kitagawa_within_shared"), -1.53, 0.005);
    near("gap", value("kitagawa_between_shared") + value("kitagawa_within_shared"), -1.31, 0.005);
    let check = |json: &Value, check: &str| number(rows(json, "diagnostics", &[("check", check)])[0], "value");
    assert_eq!((check(&json, "hospitals"), check(&json, "hospitals_with_both")), (85.0, 45.0));

    let Some((_, json)) = run("sparcs_hospitals", &dir.path().join("days")) else { return };
    assert_eq!((check(&json, "hospitals"), check(&json, "hospitals_with_both")), (85.0, 45.0));
    // Borrowed: the same gap in both families. Restricted: family B's own.
    let gap = |analysis: &str, family: &str| {
        number(rows(&json, "hospital", &[("analysis", analysis), ("row", "adjusted_gap"), ("family", family)])[0], "estimate")
    };
    near("borrowed", gap("borrowed", "A"), gap("borrowed", "B"), 1e-12);
    assert!((gap("primary", "A") - gap("primary", "B")).abs() > 0.05);
    let go = |row: &str| number(rows(&json, "hospital", &[("analysis", "primary"), ("row", row), ("family", "B")])[0], "estimate");
    let borrowed = rows(&json, "hospital", &[("analysis", "borrowed"), ("row", "where_they_go"), ("family", "B")])[0];
    near("borrowed pair", go("where_they_go_borrowed"), number(borrowed, "estimate"), 1e-12);
}
