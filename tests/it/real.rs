//! The pipelines on the real public tables, against the fits of two other programs (`reference/real` of the shared material).

use crate::frames::{close, near, shared};
use std::path::Path;
use std::process::Command;

pub fn run(study: &str, out: &Path) -> Option<(i32, serde_json::Value)> {
    let (data, small) = (shared("data")?, shared("reference/data")?);
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    let o = Command::new(env!("CARGO_BIN_EXE_gapshare"))
        .env("GAPSHARE_DATA", data)
        .env("HOMECOMP_DIR", small)
        .args(["run", "--quiet", "--out"])
        .arg(out)
        .arg(manifest.join("pipelines").join(format!("{study}.yaml")))
        .output()
        .unwrap();
    let code = o.status.code().unwrap();
    assert!(code <= 1 || code == 4, "{}", String::from_utf8_lossy(&o.stderr));
    let json = serde_json::from_slice(&std::fs::read(out.join("results.json")).unwrap()).unwrap();
    Some((code, json))
}

fn reference() -> Option<serde_json::Value> {
    serde_json::from_slice(&std::fs::read(shared("reference/real/rhc_and_sparcs_fits.json")?).unwrap()).unwrap()
}

pub fn rows<'a>(json: &'a serde_json::Value, table: &str, keys: &[(&str, &str)]) -> Vec<&'a serde_json::Value> {
    let all = json[table].as_array().unwrap().iter();
    all.filter(|r| keys.iter().all(|(k, v)| r[*k].as_str() == Some(v) || r[*k].as_bool().is_some_and(|b| b.to_string() == *v))).collect()
}

#[test]
fn rhc_death_has_the_known_rates_and_null_shares() {
    let dir = tempfile::tempdir().unwrap();
    let (Some((code, json)), Some(want)) = (run("rhc_mortality", &dir.path().join("r")), reference()) else { return };
    assert_eq!(code, 0);
    let gap = rows(&json, "gap", &[("scale", "risk_difference")])[0];
    near("black", gap["mean_index"].as_f64().unwrap(), want["rhc_crude"]["black"]["rate"].as_f64().unwrap(), 5e-7);
    near("white", gap["mean_reference"].as_f64().unwrap(), want["rhc_crude"]["white"]["rate"].as_f64().unwrap(), 5e-7);
    assert_eq!(gap["n_index"].as_u64(), want["rhc_crude"]["black"]["n"].as_u64());
    // The odds ratio of `y ~ black`.
    let odds = rows(&json, "gap", &[("scale", "odds_ratio")])[0];
    near("odds ratio", odds["estimate"].as_f64().unwrap(), want["rhc_dth30_black_vs_white"][0]["OR"].as_f64().unwrap(), 5.1e-5);
    for r in rows(&json, "decomposition", &[("analysis", "primary")]) {
        assert!(r["share"].is_null() && !r["estimate"].is_null(), "{r}");
    }
}

#[test]
fn sparcs_gap_is_one_day_and_clusters_double_its_interval() {
    let dir = tempfile::tempdir().unwrap();
    let (Some((_, json)), Some(want)) = (run("sparcs_length_of_stay", &dir.path().join("r")), reference()) else { return };
    let gap = rows(&json, "gap", &[("scale", "mean_difference")])[0];
    let n = |k: &str| gap[k].as_u64();
    assert_eq!((n("n_index"), n("n_reference")), (want["sparcs_adult_n"]["black"].as_u64(), want["sparcs_adult_n"]["white"].as_u64()));
    near("gap", gap["estimate"].as_f64().unwrap(), 1.00, 0.005);
    // METHODS 6.2 states the clustered error of this gap.
    near("clustered", gap["std_error"].as_f64().unwrap(), 0.4816, 5.1e-5);
    let clustered = gap["std_error"].as_f64().unwrap();

    // METHODS 6.2 states what leaving out each of its 85 facilities gives.
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("pipelines/sparcs_length_of_stay.yaml")).unwrap();
    let jackknife = dir.path().join("jackknife.yaml");
    std::fs::write(&jackknife, text.replace("cluster: facility\n", "cluster: facility\nuncertainty: { influence: { small_clusters: cv3 } }\n"))
        .unwrap();
    let (_, json) = run_file(&jackknife, &dir.path().join("j"));
    let gap = rows(&json, "decomposition", &[("analysis", "primary"), ("part", "gap")])[0];
    near("jackknife", gap["std_error_cv3"].as_f64().unwrap(), 0.5093, 1e-4);

    // The same study without `cluster`, and with the reference model.
    let plain = dir.path().join("plain.yaml");
    std::fs::write(&plain, text.replace("cluster: facility\n", "")).unwrap();
    let (_, json) = run_file(&plain, &dir.path().join("p"));
    let plain = rows(&json, "gap", &[("scale", "mean_difference")])[0]["std_error"].as_f64().unwrap();
    assert!((1.6..2.6).contains(&(clustered / plain)), "{clustered} {plain}");

    let reference = dir.path().join("reference.yaml");
    std::fs::write(&reference, text.replace("surface: pooled_main, estimator", "surface: reference_model, estimator")).unwrap();
    let (code, json) = run_file(&reference, &dir.path().join("f"));
    assert_eq!(code, 4);
    let reason = rows(&json, "decomposition", &[("analysis", "primary")])[0]["reason"].as_str().unwrap().to_owned();
    assert!(reason.contains("units have no support in the reference group"), "{reason}");
}

pub fn run_file(study: &Path, out: &Path) -> (i32, serde_json::Value) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gapshare"));
    // Studies of the project's own tables do without the shared ones.
    if let Some(data) = std::path::absolute(Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data")).ok().filter(|p| p.is_dir()) {
        command.env("GAPSHARE_DATA", data);
    }
    let o = command.args(["run", "--quiet", "--out"]).arg(out).arg(study).output().unwrap();
    let json = std::fs::read(out.join("results.json")).unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&o.stderr)));
    (o.status.code().unwrap(), serde_json::from_slice(&json).unwrap())
}

/// The nested logits of `reference/real`, as pooled models with the group: coefficients of Black against White.
#[test]
fn rhc_nested_logits_are_those_of_another_program() {
    let dir = tempfile::tempdir().unwrap();
    let Some(want) = reference() else { return };
    let study = |allowable: &str, blocks: &str| {
        format!(
            "gapshare: 1\nstudy: nested\ntables:\n  rhc:\n    path: ${{GAPSHARE_DATA}}/rhc/rhc.csv\n    null_values: [\"\", \"NA\"]\n    types: {{ ptid: text, {} }}\n\
             cohort: {{ unit: {{ table: rhc, key: ptid }} }}\ngroup: {{ column: race, reference: white, index: [black] }}\n\
             outcome: {{ column: dth30, event: [\"Yes\"], family: binomial }}\nallowable: [{allowable}]\nblocks:\n  all: [{blocks}]\n\
             release: {{ min_cell: 0 }}\nanalyses:\n  primary: {{ with_and_without: {{ surface: pooled_main }} }}\n",
            ["age", "edu", "aps1", "scoma1", "meanbp1", "hrt1", "resp1", "alb1", "crea1", "bili1"].map(|c| format!("{c}: number")).join(", ")
        )
    };
    let clinical = "aps1, scoma1, meanbp1, hrt1, resp1, alb1, crea1, bili1, cat1, ca, chfhx, cardiohx, renalhx, liverhx, malighx";
    let social = "edu, income, ninsclas";
    let file = dir.path().join("study.yaml");
    for (allowable, blocks, case) in
        [("age, sex", clinical.to_owned(), 2), ("age, sex", format!("{clinical}, {social}"), 3), ("", social.to_owned(), 4)]
    {
        std::fs::write(&file, study(allowable, &blocks)).unwrap();
        let (_, json) = run_file(&file, &dir.path().join("out"));
        let fit = &want["rhc_dth30_black_vs_white"][case];
        let black = rows(&json, "coefficients", &[("blocks", "all"), ("term", "(group)"), ("with_group", "true")])[0];
        near("coefficient", black["estimate"].as_f64().unwrap(), fit["beta"].as_f64().unwrap(), 6e-7);
        near("standard error", black["std_error"].as_f64().unwrap(), fit["se"].as_f64().unwrap(), 6e-7);
        let model = rows(&json, "models", &[("blocks", "all"), ("with_group", "true")])[0];
        close("log-likelihood", model["loglik"].as_f64().unwrap(), fit["loglik"].as_f64().unwrap(), 2e-8);
        assert_eq!(model["n"].as_u64(), fit["n"].as_u64());
    }
}

#[test]
fn diabetes_reads_question_marks_as_missing_and_none_as_a_level() {
    let dir = tempfile::tempdir().unwrap();
    if shared("data").is_none() {
        return;
    }
    // Three patients of unknown sex would be withheld, and the counts around them.
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("pipelines/diabetes_readmission.yaml")).unwrap();
    let file = dir.path().join("study.yaml");
    std::fs::write(&file, format!("{text}\nrelease: {{ min_cell: 0 }}\n")).unwrap();
    let (code, json) = run_file(&file, &dir.path().join("r"));
    assert_eq!(code, 0);
    let attrition = json["attrition"].as_array().unwrap();
    assert_eq!(attrition[0]["n_after"].as_u64(), Some(101_766));
    // README of the data: 71,518 patients.
    assert_eq!(attrition[1]["n_after"].as_u64(), Some(71_518));
    let levels: Vec<&str> = rows(&json, "table_one", &[("variable", "A1Cresult")]).iter().filter_map(|r| r["level"].as_str()).collect();
    assert!(levels.contains(&"None"), "{levels:?}");
}

/// Every method in one study, on two real tables: all estimated, parts that sum, one sign.
#[test]
fn every_method_runs_side_by_side() {
    let dir = tempfile::tempdir().unwrap();
    for (study, analyses) in [("home_computers_methods", 14), ("sparcs_methods", 12)] {
        let Some((code, json)) = run(study, &dir.path().join(study)) else { return };
        assert_eq!(code, 0, "{study}");
        let totals = rows(&json, "decomposition", &[("component", "total")]);
        let names: std::collections::BTreeSet<&str> = totals.iter().filter_map(|r| r["analysis"].as_str()).collect();
        assert_eq!(names.len(), analyses, "{study}");
        for name in names {
            let of = |part: &str| totals.iter().find(|r| r["analysis"] == name && r["part"] == part).and_then(|r| r["estimate"].as_f64());
            let parts = ["allowable", "explained", "unexplained", "endowments", "coefficients", "interaction"];
            let (gap, sum) = (of("gap").unwrap(), parts.iter().filter_map(|p| of(p)).sum::<f64>());
            near(&format!("{study} {name}"), gap, sum, 1e-12);
            // C08a and the SPARCS file: the sign of the gap is that of index minus reference in every method and unit.
            assert_eq!(gap > 0.0, study == "sparcs_methods", "{study} {name}: {gap}");
        }
        for r in rows(&json, "decomposition_detail", &[]) {
            assert!(r["estimate"].is_number() || r["withheld"] == true, "{r}");
        }
    }
}
