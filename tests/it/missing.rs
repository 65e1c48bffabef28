//! Missing values: Rubin's rules against R mice, the pooled run against runs on completed files, weights for missing outcomes against a
//! closed form and derivatives, and studies that ask for what cannot be done.

use crate::frames::{Columns, Frame, close, expected, near};
use gapshare::cohort::engine;
use gapshare::cohort::impute::impute;
use gapshare::decompose::fits::Fits;
use gapshare::decompose::oaxaca::OaxacaBlinder;
use gapshare::decompose::with_and_without::{Estimator, WithAndWithout};
use gapshare::decompose::{Decomposition, Method};
use gapshare::design::{Contrast, Design};
use gapshare::estimate::Rubin;
use gapshare::inference::Response;
use gapshare::model::expit;
use gapshare::model::glm;
use gapshare::model::{ModelMatrix, Term};
use gapshare::vocab::Family;
use serde_json::Value;
use statrs::distribution::{ContinuousCDF, StudentsT};
use std::path::Path;
use std::process::{Command, Output};

/// C21: `mice::pool` of a logit and of least squares on five imputed data sets.
#[test]
fn c21_rubin_pools_as_mice_does() {
    let Some(f) = Frame::read("reference/data/hosp_imputed_long.csv") else { return };
    let terms = ["(Intercept)", "black", "age", "female", "diabetes", "ckd", "ef", "emergent", "income", "medicaid", "rural"];
    for (case, family) in [("C21.rubin.glm", Family::Binomial), ("C21.rubin.lm", Family::Gaussian)] {
        let Some(want) = expected(case) else { return };
        let imp = f.number(".imp");
        let fits: Vec<(glm::Fit, Vec<f64>)> = (1..=5)
            .map(|m| {
                let pick = |name: &str| f.number(name).into_iter().zip(&imp).filter(|(_, i)| **i == f64::from(m)).map(|(v, _)| v).collect::<Vec<_>>();
                let y = pick("death30");
                let columns: Vec<Vec<f64>> = terms[1..].iter().map(|t| pick(t)).collect();
                let x = ndarray::Array2::from_shape_fn((y.len(), terms.len()), |(i, j)| if j == 0 { 1.0 } else { columns[j - 1][i] });
                let matrix = ModelMatrix::new(x.view(), (0..terms.len()).map(Term::Column).collect(), std::iter::once(0..y.len()).collect()).unwrap();
                let fit = glm::fit(&matrix, family, &y, &vec![1.0; y.len()]).unwrap();
                let errors = fit.std_errors();
                (fit, errors)
            })
            .collect();
        let n = fits[0].0.n as f64;
        for (j, term) in terms.iter().enumerate().filter(|(_, t)| want.contains_key(**t)) {
            let q: Vec<f64> = fits.iter().map(|(f, _)| f.beta[j]).collect();
            let mean = q.iter().sum::<f64>() / 5.0;
            let within = fits.iter().map(|(_, e)| e[j] * e[j]).sum::<f64>() / 5.0;
            let between = q.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / 4.0;
            let r = Rubin::new(within, between, 5, Some(n - terms.len() as f64));
            close(term, mean, want[*term].0, 1e-8);
            for (key, got) in
                [("ubar", r.within), ("b", r.between), ("t", r.total), ("df", r.df.unwrap()), ("riv", r.riv), ("lambda", r.lambda), ("fmi", r.fmi)]
            {
                if let Some((value, _)) = want.get(&format!("{term}|{key}")) {
                    // For its degrees of freedom mice takes 1e-4 for any smaller lambda.
                    let tolerance = if r.lambda < 1e-4 && (key == "df" || key == "fmi") { 2e-4 * value.abs().max(1.0) / value.abs() } else { 2e-6 };
                    close(&format!("{case} {term} {key}"), got, *value, tolerance);
                }
            }
        }
    }
}

const STUDY: &str = r#"
gapshare: 1
study: holes
tables:
  patients:  { path: patients.csv, types: { hospital: text } }
cohort:
  unit: { table: patients, key: id }
group: { column: race, reference: White, index: [Black] }
outcome: { column: died, family: binomial }
allowable: [age]
blocks:
  clinical: [lab, { type: { categorical: { base: a } } }, { interaction: [lab, frail] }]
  social: [frail]
cluster: hospital
missing: { lab: multiple_imputation, type: multiple_imputation, otherwise: error }
multiple_imputation: { imputations: 4, cycles: 3, donors: 5, seed: 7 }
analyses:
  primary: { with_and_without: {} }
  linear: { oaxaca_blinder: { linear: true, detail: true } }
  classical: { gelbach: { linear: true, se: classical } }
"#;

/// `holes`: the share of missing cells of lab and type, which depend on the outcome and the group.
fn patients(holes: f64) -> String {
    let mut state = 11u64;
    let mut uniform = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / 2f64.powi(53)
    };
    let mut lines = vec!["id,hospital,race,age,lab,type,frail,died".to_owned()];
    for i in 0..900 {
        let black = uniform() < 0.4;
        let hospital = (uniform() * 25.0).floor();
        let (age, frail) = (40.0 + (uniform() * 40.0).floor(), u8::from(uniform() < 0.3));
        let lab = (uniform() * 100.0).round() / 10.0 + 0.02 * age + 0.1 * hospital;
        let kind = ["a", "b", "c"][(uniform() * 3.0) as usize];
        let died = u8::from(uniform() < 0.15 + 0.02 * lab + if black { 0.08 } else { 0.0 });
        let (u, v) = (uniform(), uniform());
        let lab = if u < holes * (1.0 + f64::from(died)) { String::new() } else { lab.to_string() };
        let kind = if v < holes * if black { 1.0 } else { 0.4 } { "" } else { kind };
        lines.push(format!("{i},h{hospital},{},{age},{lab},{kind},{frail},{died}", if black { "Black" } else { "White" }));
    }
    lines.join("\n")
}

fn study(dir: &Path, text: &str, csv: &str) {
    std::fs::write(dir.join("study.yaml"), text).unwrap();
    std::fs::write(dir.join("patients.csv"), csv).unwrap();
}

fn call(dir: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_gapshare")).current_dir(dir).args(args).output().unwrap()
}

fn results(dir: &Path, out: &str) -> Value {
    let o = call(dir, &["run", "study.yaml", "--quiet", "--out", out]);
    assert!(o.status.code().is_some_and(|c| c <= 1), "{}", String::from_utf8_lossy(&o.stderr));
    serde_json::from_slice(&std::fs::read(dir.join(out).join("results.json")).unwrap()).unwrap()
}

/// The csv with its holes filled from one completed design.
fn completed(csv: &str, design: &Design, unit_row: &[u32]) -> String {
    let column = |term: &str| design.columns.iter().position(|c| c.term == term).unwrap();
    let (lab, b, c) = (column("lab"), column("type=b"), column("type=c"));
    let mut lines: Vec<String> = csv.lines().map(str::to_owned).collect();
    for (row, &cohort_row) in design.cohort_row.iter().enumerate() {
        let line = &mut lines[1 + unit_row[cohort_row as usize] as usize];
        let mut cells: Vec<String> = line.split(',').map(str::to_owned).collect();
        let kind = match (design.x[[row, b]], design.x[[row, c]]) {
            (1.0, _) => "b",
            (_, 1.0) => "c",
            _ => "a",
        };
        for (at, value) in [(4, design.x[[row, lab]].to_string()), (5, kind.to_owned())] {
            assert!(cells[at].is_empty() || cells[at] == value || cells[at].parse::<f64>().ok() == value.parse().ok(), "{line}: {value}");
            cells[at] = value;
        }
        *line = cells.join(",");
    }
    lines.join("\n")
}

/// Every row of the pooled run is what Rubin's rules make of runs on the completed files, with the arithmetic of this test.
#[test]
fn a_pooled_run_is_the_runs_on_completed_files_pooled_by_hand() {
    for clustered in [true, false] {
        let dir = tempfile::tempdir().unwrap();
        let text = if clustered { STUDY.to_owned() } else { STUDY.replace("cluster: hospital\n", "") };
        let csv = patients(0.15);
        study(dir.path(), &text, &csv);
        let pooled = results(dir.path(), "pooled");
        let plan = gapshare::run::check(&dir.path().join("study.yaml")).unwrap_or_else(|p| panic!("{p:?}"));
        let cohort = engine::build(&plan.cohort, &plan.roles).unwrap_or_else(|p| panic!("{p:?}"));
        let imputations = impute(&cohort, &plan.roles, &plan.missing.settings).unwrap_or_else(|p| panic!("{p:?}")).unwrap();
        let m = imputations.len();
        assert_eq!(m, 4);
        let plain =
            text.replace("missing: { lab: multiple_imputation, type: multiple_imputation, otherwise: error }\n", "missing: { otherwise: error }\n");
        let plain = plain.replace("multiple_imputation: { imputations: 4, cycles: 3, donors: 5, seed: 7 }\n", "");
        let runs: Vec<Value> = (0..m)
            .map(|k| {
                let (design, _) = imputations.design(k).unwrap_or_else(|p| panic!("{p:?}"));
                study(dir.path(), &plain, &completed(&csv, &design, &cohort.unit_row));
                results(dir.path(), &format!("r{k}"))
            })
            .collect();
        let g = clustered.then_some(25.0);
        let mut between_seen = false;
        for (table, estimate) in [
            ("decomposition", "estimate"),
            ("decomposition_detail", "estimate"),
            ("with_and_without", "adjusted_gap"),
            ("coefficients", "estimate"),
            ("gap", "estimate"),
        ] {
            let rows = pooled[table].as_array().unwrap();
            assert!(!rows.is_empty());
            for (k, row) in rows.iter().enumerate() {
                let of: Vec<&Value> = runs.iter().map(|r| &r[table][k]).collect();
                for key in ["part", "component", "term", "blocks", "analysis", "fitted_in"] {
                    assert!(of.iter().all(|r| r[key] == row[key]), "{table} {k} {key}");
                }
                if row[estimate].is_null() || table == "gap" && row["scale"] != "risk_difference" {
                    continue;
                }
                let number = |r: &Value, key: &str| r[key].as_f64().unwrap_or(f64::NAN);
                let values: Vec<f64> = of.iter().map(|r| number(r, estimate)).collect();
                let mean = values.iter().sum::<f64>() / m as f64;
                let within = of.iter().map(|r| number(r, "std_error").powi(2)).sum::<f64>() / m as f64;
                let b = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (m as f64 - 1.0);
                let total = within + (1.0 + 1.0 / m as f64) * b;
                let what = format!("{table} {row}");
                near(&what, number(row, estimate), mean, 1e-10 * (1.0 + mean.abs()));
                near(&what, number(row, "std_error"), total.sqrt(), 1e-10 * (1.0 + total.sqrt()));
                // Barnard & Rubin (1999); classical errors know no clusters.
                let lambda = (1.0 + 1.0 / m as f64) * b / total;
                if lambda > 1e-6 {
                    between_seen = true;
                    let old = (m as f64 - 1.0) / lambda.powi(2);
                    let df = match g.filter(|_| row["analysis"] != "classical" || table == "coefficients") {
                        Some(g) => {
                            let complete = g - 1.0;
                            let observed = (complete + 1.0) / (complete + 3.0) * complete * (1.0 - lambda);
                            1.0 / (1.0 / old + 1.0 / observed)
                        }
                        None => old,
                    };
                    let half = if df > 1e6 { 1.959_963_984_540_054 } else { StudentsT::new(0.0, 1.0, df).unwrap().inverse_cdf(0.975) } * total.sqrt();
                    near(&what, number(row, "conf_high"), mean + half, 1e-8 * (1.0 + mean.abs() + half));
                    if table == "decomposition" {
                        let riv = (1.0 + 1.0 / m as f64) * b / within;
                        near(&what, number(row, "missing_information"), (riv + 2.0 / (df + 3.0)) / (1.0 + riv), 1e-8);
                    }
                }
                if table == "decomposition" && !row["share"].is_null() {
                    let find = |part: &str| {
                        let of = |r: &&Value| r["analysis"] == row["analysis"] && r["part"] == part && r["component"] == "total";
                        number(rows.iter().find(of).unwrap(), "estimate")
                    };
                    near(&what, number(row, "share"), mean / (find("gap") - find("allowable")), 1e-9);
                }
            }
        }
        assert!(between_seen);
    }
}

fn tables(dir: &Path) -> Vec<(String, Vec<u8>)> {
    let mut out: Vec<(String, Vec<u8>)> = std::fs::read_dir(dir.join("tables"))
        .unwrap()
        .map(|e| e.unwrap().path())
        .map(|p| (p.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read(&p).unwrap()))
        .collect();
    out.sort();
    out
}

#[test]
fn without_holes_nothing_is_imputed_and_threads_do_not_matter() {
    let dir = tempfile::tempdir().unwrap();
    study(dir.path(), STUDY, &patients(0.0));
    results(dir.path(), "imputed");
    let plain = STUDY.replace("missing: { lab: multiple_imputation, type: multiple_imputation, otherwise: error }\n", "");
    study(dir.path(), &plain.replace("multiple_imputation: { imputations: 4, cycles: 3, donors: 5, seed: 7 }\n", ""), &patients(0.0));
    results(dir.path(), "plain");
    assert_eq!(tables(&dir.path().join("imputed")), tables(&dir.path().join("plain")));

    study(dir.path(), STUDY, &patients(0.15));
    for threads in ["1", "3"] {
        assert!(call(dir.path(), &["run", "study.yaml", "--quiet", "--threads", threads, "--out", threads]).status.code().is_some_and(|c| c <= 1));
    }
    assert_eq!(tables(&dir.path().join("1")), tables(&dir.path().join("3")));
    std::fs::copy(dir.path().join("1/study.resolved.yaml"), dir.path().join("1/again.yaml")).unwrap();
    assert!(call(dir.path(), &["run", "1/again.yaml", "--quiet", "--out", "again"]).status.code().is_some_and(|c| c <= 1));
    assert_eq!(tables(&dir.path().join("1")), tables(&dir.path().join("again")));
}

#[test]
fn missing_cells_are_counted_and_other_treatments_stand_beside() {
    let dir = tempfile::tempdir().unwrap();
    study(dir.path(), &STUDY.replace("otherwise: error }", "otherwise: error, compare: [complete_case, indicator] }"), &patients(0.15));
    let json = results(dir.path(), "r");
    let count = |group: &str, variable: &str| {
        let of = |r: &&Value| r["group"] == group && r["variable"] == variable;
        json["missingness"].as_array().unwrap().iter().find(of).unwrap()["n_missing"].as_u64()
    };
    let csv = patients(0.15);
    let by_hand = |group: &str, at: usize| {
        let of = |l: &&str| l.split(',').nth(2) == Some(group) && l.split(',').nth(at) == Some("");
        Some(csv.lines().filter(of).count() as u64)
    };
    for group in ["White", "Black"] {
        assert_eq!(count(group, "lab"), by_hand(group, 4));
        assert_eq!(count(group, "type"), by_hand(group, 5));
        assert_eq!(count(group, "died"), Some(0));
    }

    // The same as the studies that have these rules.
    let methods = json["missing_methods"].as_array().unwrap();
    for (name, rule) in [
        ("complete_case", "missing: { otherwise: drop_row }"),
        ("indicator", "missing: { lab: { impute: { with: median, flag: true } }, type: { level: (missing) }, otherwise: error }"),
    ] {
        let text = STUDY.replace("missing: { lab: multiple_imputation, type: multiple_imputation, otherwise: error }", rule);
        study(dir.path(), &text.replace("multiple_imputation: { imputations: 4, cycles: 3, donors: 5, seed: 7 }\n", ""), &csv);
        let alone = results(dir.path(), name);
        let mut found = 0;
        for r in methods.iter().filter(|r| r["missing"] == name) {
            let same = |o: &&Value| o["analysis"] == "primary" && o["part"] == r["part"] && o["component"] == r["component"];
            let other = alone["decomposition"].as_array().unwrap().iter().find(same).unwrap();
            assert_eq!((&r["estimate"], &r["std_error"], &r["share"]), (&other["estimate"], &other["std_error"], &other["share"]), "{name}");
            found += usize::from(!r["estimate"].is_null());
        }
        assert!(found > 4, "{name}");
    }
    assert!(methods.iter().any(|r| r["missing"] == "study" && r["part"] == "explained"));
}

#[test]
fn studies_that_ask_for_what_cannot_be_done_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let many = |csv: String| {
        csv.lines()
            .enumerate()
            .map(|(i, l)| if i == 0 { l.to_owned() } else { l.replacen(",h", &format!(",h{i}x"), 1) })
            .collect::<Vec<_>>()
            .join("\n")
    };
    let no_lab = |csv: String| {
        let clear = |l: &str| {
            let mut c: Vec<&str> = l.split(',').collect();
            if c[2] == "Black" {
                c[4] = "";
            }
            c.join(",")
        };
        csv.lines().map(clear).collect::<Vec<_>>().join("\n")
    };
    let empty = |csv: String| {
        let clear = |(i, l): (usize, &str)| {
            let mut c: Vec<&str> = l.split(',').collect();
            if i > 0 {
                c[4] = "";
            }
            c.join(",")
        };
        csv.lines().enumerate().map(clear).collect::<Vec<_>>().join("\n")
    };
    let same = |csv: String| csv;
    type Edit<'a> = &'a dyn Fn(String) -> String;
    for (from, to, edit, says) in [
        ("imputations: 4", "imputations: 1", &same as Edit<'_>, "`imputations` is 1"),
        ("donors: 5", "donors: 0", &same, "`donors` is 0"),
        ("lab: multiple_imputation", "race: multiple_imputation, lab: multiple_imputation", &same, "`race` is the group"),
        ("lab: multiple_imputation", "died: multiple_imputation, lab: multiple_imputation", &same, "`died` is the outcome"),
        ("lab: multiple_imputation", "died: inverse_probability, lab: multiple_imputation", &same, "keeps rows without one"),
        ("lab: multiple_imputation", "lab: inverse_probability", &same, "is for the outcome"),
        ("lab: multiple_imputation, type: multiple_imputation, ", "", &same, "no variable is imputed"),
        ("social: [frail]", "social: [frail, { hospital: { fixed_effects: {} } }]\nsensitivity: {}", &same, "`sensitivity` varies one data set"),
        ("social: [frail]", "social: [frail, hospital]", &same, "identifies hospitals"),
        ("type: { categorical: { base: a } }", "hospital: {}", &same, ""),
        ("lab, {", "lab, {", &no_lab, "`lab` has no value in group Black"),
        ("cluster: hospital\n", "", &many, ""),
        ("types: { hospital: text }", "types: { hospital: text, lab: number }", &empty, "`lab` has no value in any row"),
    ] {
        let text = STUDY
            .replace(from, to)
            .replace("otherwise: error", if to.contains("frail, hospital]") { "otherwise: multiple_imputation" } else { "otherwise: error" });
        study(dir.path(), &text, &edit(patients(0.15)));
        let o = call(dir.path(), &["run", "study.yaml", "--quiet", "--out", "bad"]);
        let err = String::from_utf8_lossy(&o.stderr).into_owned();
        if !says.is_empty() {
            assert!(o.status.code().is_some_and(|c| c == 2 || c == 3), "{to}: {err}");
            assert!(err.contains(says), "{to}: {err}");
        }
        assert_ne!(o.status.code(), Some(70), "{err}");
    }
}

/// Knots of the imputed variable are those of its observed cells, however many are missing.
#[test]
fn splines_of_variables_with_many_holes_have_their_knots() {
    let dir = tempfile::tempdir().unwrap();
    let text = STUDY.replace("clinical: [lab, ", "clinical: [{ lab: { spline: { df: 4 } } }, ").replace(", { interaction: [lab, frail] }", "");
    study(dir.path(), &text, &patients(0.45));
    let rows = results(dir.path(), "out")["decomposition"].as_array().unwrap().len();
    assert!(rows > 10);
}

/// From file to tables: with one 0/1 variable the weighted means are those of strata, and rows without an outcome are counted last.
#[test]
fn missing_outcomes_are_weighted_for() {
    let dir = tempfile::tempdir().unwrap();
    let text = STUDY
        .replace("allowable: [age]\n", "")
        .replace("  clinical: [lab, { type: { categorical: { base: a } } }, { interaction: [lab, frail] }]\n", "");
    let start = text.find("missing:").unwrap();
    let text =
        format!("{}missing: {{ died: inverse_probability, otherwise: error }}\nanalyses:\n  primary: {{ with_and_without: {{}} }}\n", &text[..start]);
    let mut state = 5u64;
    let mut cells: Vec<Vec<String>> = patients(0.0).lines().map(|l| l.split(',').map(str::to_owned).collect()).collect();
    for c in cells.iter_mut().skip(1) {
        if uniform(&mut state) < if c[6] == "1" { 0.4 } else { 0.1 } {
            c[7].clear();
        }
    }
    study(dir.path(), &text, &cells.iter().map(|c| c.join(",")).collect::<Vec<_>>().join("\n"));
    let json = results(dir.path(), "r");
    let gap = &json["gap"][0];
    for (group, key) in [("White", "mean_reference"), ("Black", "mean_index")] {
        let rows: Vec<&Vec<String>> = cells.iter().filter(|c| c[2] == group).collect();
        let stratum = |frail: &str| {
            let all: Vec<_> = rows.iter().filter(|c| c[6] == frail).collect();
            let known: Vec<f64> = all.iter().filter_map(|c| c[7].parse().ok()).collect();
            all.len() as f64 / rows.len() as f64 * known.iter().sum::<f64>() / known.len() as f64
        };
        near(key, gap[key].as_f64().unwrap(), stratum("0") + stratum("1"), 1e-10);
    }
    let missing = cells.iter().filter(|c| c[7].is_empty()).count() as u64;
    let last = json["attrition"].as_array().unwrap().last().unwrap();
    assert_eq!((last["name"].as_str(), last["n_removed"].as_u64()), (Some("outcome known"), Some(missing)));
    assert_eq!(gap["n_reference"].as_u64().unwrap() + gap["n_index"].as_u64().unwrap(), 900 - missing);
    let check = json["diagnostics"].as_array().unwrap().iter().find(|c| c["check"] == "smallest_response_probability").unwrap();
    assert!((check["value"].as_f64().unwrap() - 0.6).abs() < 0.12);
}

fn uniform(state: &mut u64) -> f64 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*state >> 11) as f64 / 2f64.powi(53)
}

/// 400 rows whose outcome is missing by a logit of age and group; `smoker` is 0/1.
fn with_missing_outcomes(family: Family, saturated: bool) -> Design {
    let mut s = 21u64;
    let (mut y, mut group, mut age, mut smoker, mut w) = (vec![], vec![], vec![], vec![], vec![]);
    for _ in 0..400 {
        let r = f64::from(u8::from(uniform(&mut s) < 0.4));
        let smokes = f64::from(u8::from(uniform(&mut s) < 0.3 + 0.2 * r));
        let a = 2.0 * uniform(&mut s) - 1.0;
        let eta = -0.3 + 0.5 * a + 0.7 * smokes + 0.2 * r;
        let u = uniform(&mut s);
        y.push(if family == Family::Gaussian { eta + u } else { f64::from(u8::from(u < expit(eta))) });
        group.push(r);
        age.push(a);
        smoker.push(smokes);
        w.push(1.0 + (3.0 * uniform(&mut s)).floor());
    }
    let columns = Columns {
        family,
        y: y.clone(),
        group,
        allowable: if saturated { vec![] } else { vec![("age", age.clone())] },
        blocks: vec![("habits", vec![("smoker", smoker.clone())])],
        weight: (!saturated).then_some(w),
        cluster: None,
    };
    let mut d = columns.design();
    for i in 0..400 {
        let row = d.cohort_row[i] as usize;
        if uniform(&mut s) < expit(-1.2 + 0.8 * age[row] + 0.9 * smoker[row]) {
            d.y[i] = f64::NAN;
        }
    }
    d
}

fn corrected(d: &Design, m: &dyn Method) -> Decomposition {
    let r = Response::new(d.clone()).unwrap_or_else(|e| panic!("{e:?}"));
    let c = Contrast::new(&r.design, 1);
    let mut out = m.decompose(&Fits::new(&c)).unwrap_or_else(|e| panic!("{e}"));
    r.correct(&mut out, &c);
    out
}

/// The influence of a row, with or without an outcome, is the derivative by the logarithm of its weight, times n: the weights are estimated again.
#[test]
fn influences_with_estimated_response_are_derivatives_by_weights() {
    for family in [Family::Gaussian, Family::Binomial] {
        let mut d = with_missing_outcomes(family, false);
        let methods: [&dyn Method; 2] = [&WithAndWithout { estimator: Estimator::Dr, ..WithAndWithout::default() }, &OaxacaBlinder::default()];
        for m in methods {
            let base = corrected(&d, m);
            let missing: Vec<usize> = (0..400).filter(|&i| d.y[i].is_nan()).take(3).collect();
            for unit in missing.into_iter().chain([5, 150, 320, 390]) {
                let (at, step) = (d.weight[unit], 1e-4);
                d.weight[unit] = at * (1.0 + step);
                let up = corrected(&d, m);
                d.weight[unit] = at * (1.0 - step);
                let down = corrected(&d, m);
                d.weight[unit] = at;
                for ((e, u), l) in base.estimates().iter().zip(up.estimates()).zip(down.estimates()) {
                    let want = 400.0 * (u.value - l.value) / (2.0 * step);
                    near(&format!("{} unit {unit}", m.name()), e.influence[unit], want, 1e-5 * (1.0 + want.abs()));
                }
            }
        }
    }
}

/// With one 0/1 variable the logits are saturated: the mean of a group is that of its strata's observed means, and its influence is the efficient
/// one, `R/p (y - mu_x) + mu_x - theta`.
#[test]
fn saturated_weights_give_the_stratified_mean_and_its_efficient_influence() {
    let d = with_missing_outcomes(Family::Gaussian, true);
    let r = Response::new(d.clone()).unwrap_or_else(|e| panic!("{e:?}"));
    let c = Contrast::new(&r.design, 1);
    let means = gapshare::decompose::moments::group_means(&c);
    let smoker = d.columns.iter().position(|c| c.term == "smoker").unwrap();
    for (g, e) in [(0, &means.reference), (1, &means.index)] {
        let found = r.estimate(e, &c);
        let rows = d.groups[g].rows.clone();
        let n_g = rows.len() as f64;
        let strata: Vec<(f64, f64, f64)> = [0.0, 1.0]
            .iter()
            .map(|x| {
                let all: Vec<usize> = rows.clone().filter(|&i| d.x[[i, smoker]] == *x).collect();
                let seen: Vec<f64> = all.iter().map(|&i| d.y[i]).filter(|y| !y.is_nan()).collect();
                (all.len() as f64 / n_g, seen.len() as f64 / all.len() as f64, seen.iter().sum::<f64>() / seen.len() as f64)
            })
            .collect();
        let theta: f64 = strata.iter().map(|(share, _, mean)| share * mean).sum();
        near("mean", found.value, theta, 1e-10);
        for i in 0..400 {
            let want = if rows.contains(&i) {
                let (_, p, mu) = strata[d.x[[i, smoker]] as usize];
                let own = if d.y[i].is_nan() { 0.0 } else { (d.y[i] - mu) / p };
                400.0 / n_g * (own + mu - theta)
            } else {
                0.0
            };
            near("influence", found.influence[i], want, 1e-7);
        }
    }
}
