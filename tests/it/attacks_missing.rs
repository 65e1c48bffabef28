//! Attacks on the counts of missing values: other tables count the same units, so that a small count may be the difference of two shown ones.

use crate::real::rows;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::process::Command;

/// Units of each group.
const N: usize = 300;
const MIN: i64 = 11;

/// Whether the k-th unit of group 0 or 1 lacks a column.
type Lacks = fn(usize, usize) -> bool;

/// A study of four columns and the results of it.
fn run_on(lacks: [Lacks; 4], missing: &str) -> Value {
    let dir = tempfile::tempdir().unwrap();
    let mut x: u64 = 7;
    let mut next = || {
        x = x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (x >> 11) as f64 / 2f64.powi(53)
    };
    let mut csv = String::from("id,g,y,w,x,z\n");
    for i in 0..2 * N {
        let (g, k) = (i % 2, i / 2);
        let values = [f64::from(next() < 0.5), next(), next(), next()];
        let cells = values.iter().zip(lacks).map(|(v, lacks)| if lacks(g, k) { String::new() } else { format!("{v:.4}") });
        writeln!(csv, "{i},{},{}", ["A", "B"][g], cells.collect::<Vec<_>>().join(",")).unwrap();
    }
    std::fs::write(dir.path().join("t.csv"), csv).unwrap();
    let study = format!(
        "gapshare: 1\nstudy: s\ntables: {{ t: {{ path: t.csv }} }}\ncohort: {{ unit: {{ table: t, key: id }} }}\n\
         group: {{ column: g, reference: A, index: [B] }}\noutcome: {{ column: y, family: binomial }}\nblocks: {{ one: [w, x], two: [z] }}\n\
         missing: {{ {missing}, otherwise: drop_row }}\nanalyses: {{ primary: {{ gelbach: {{ linear: true }} }} }}\n"
    );
    std::fs::write(dir.path().join("s.yaml"), study).unwrap();
    let out = dir.path().join("out");
    let done =
        Command::new(env!("CARGO_BIN_EXE_gapshare")).args(["run", "--quiet", "--out"]).arg(&out).arg(dir.path().join("s.yaml")).output().unwrap();
    assert!(done.status.code().is_some_and(|c| c <= 1), "{}", String::from_utf8_lossy(&done.stderr));
    serde_json::from_slice(&std::fs::read(out.join("results.json")).unwrap()).unwrap()
}

fn table<'a>(json: &'a Value, name: &str) -> Vec<&'a Value> {
    json[name].as_array().map_or(Vec::new(), |_| rows(json, name, &[]))
}

/// Every count that somebody gets out of the tables about one group by a sum or a difference.
fn derived(json: &Value, side: &str, group: &str) -> BTreeSet<i64> {
    let (n, n_missing) = (format!("n_{side}"), format!("n_missing_{side}"));
    let mut sizes: BTreeSet<i64> =
        ["attrition", "gap", "missing_methods"].iter().flat_map(|t| table(json, t)).filter_map(|r| r[&n].as_i64()).collect();
    let of_group: Vec<&Value> = rows(json, "missingness", &[("group", group)]);
    let missing: Vec<(&str, i64)> =
        of_group.iter().filter_map(|r| Some((r["variable"].as_str()?, r["n_missing"].as_i64()?))).filter(|m| m.1 > 0).collect();
    sizes.extend(of_group.iter().filter_map(|r| r["n"].as_i64()));
    sizes.extend(of_group.iter().filter_map(|r| Some((r["n_missing"].as_f64()? / r["share_missing"].as_f64().filter(|s| *s > 0.0)?).round() as i64)));
    let mut out = sizes.clone();
    out.extend(sizes.iter().flat_map(|a| sizes.iter().map(move |b| a - b)).filter(|d| *d > 0));
    let gone: Vec<i64> = out.iter().copied().collect();
    let sums = |sum: i64| gone.iter().map(move |d| (d - sum).abs()).collect::<Vec<i64>>();
    let all: i64 = missing.iter().map(|m| m.1).sum();
    out.extend(sums(all));
    for (k, (variable, m)) in missing.iter().enumerate() {
        out.insert(*m);
        out.extend(sums(*m));
        let at_end = rows(json, "table_one", &[("variable", variable)]).into_iter().filter_map(|r| r[&n_missing].as_i64());
        out.extend(at_end.map(|end| (m - end).abs()));
        for (_, other) in &missing[k + 1..] {
            out.insert((m - other).abs());
            out.extend(sums(m + other));
        }
    }
    out
}

const NEVER: Lacks = |_, _| false;

#[test]
fn few_units_do_not_come_out_of_missingness_and_other_tables() {
    let impute = "w: { impute: { with: median } }";
    let both = "w: { impute: { with: median } }, x: { impute: { with: median } }";
    let compared = format!("{both}, compare: [complete_case]");
    let cases: [(&str, [Lacks; 4], &str); 8] = [
        ("few are dropped", [NEVER, |_, k| (100..150).contains(&k), |g, k| k < 2 + g, NEVER], impute),
        ("few after the outcome", [|_, k| k < 40, NEVER, |_, k| (40..43).contains(&k), NEVER], impute),
        ("few lack two", [NEVER, |_, k| k < 40, |_, k| (37..80).contains(&k), NEVER], "w: drop_row"),
        ("few after two", [NEVER, |_, k| k < 40, |_, k| (40..80).contains(&k), |_, k| (80..83).contains(&k)], "w: drop_row"),
        ("few lack one alone of two", [NEVER, |_, k| k < 40, |_, k| k < 43, NEVER], both),
        ("few of the dropped lack another", [NEVER, |_, k| (37..97).contains(&k), |_, k| k < 40, NEVER], impute),
        ("few lack one but not the other", [NEVER, |_, k| k < 40, |_, k| (20..43).contains(&k), NEVER], &compared),
        ("few in one group", [NEVER, |_, k| k < 40, |g, k| k >= 250 && (g == 0 || k >= 295), NEVER], "w: drop_row"),
    ];
    for (case, lacks, missing) in cases {
        let json = run_on(lacks, missing);
        assert!(!table(&json, "missingness").is_empty(), "{case}");
        for (side, group) in [("reference", "A"), ("index", "B")] {
            let small: Vec<i64> = derived(&json, side, group).into_iter().filter(|n| (1..MIN).contains(n)).collect();
            assert!(small.is_empty(), "{case}: {small:?} of group {group}: {:?}", table(&json, "missingness"));
        }
    }
}

/// Where no such count is small everything is shown.
#[test]
fn counts_of_missing_values_stay_where_none_is_small() {
    let lacks: [Lacks; 4] = [|_, k| k < 40, |_, k| (40..140).contains(&k), |_, k| (120..200).contains(&k), |_, k| k >= 272];
    let json = run_on(lacks, "w: drop_row, x: drop_row, z: { impute: { with: median } }");
    let missing = table(&json, "missingness");
    assert_eq!(missing.len(), 8);
    assert!(missing.iter().all(|r| r["withheld"] == false && r["n"].is_i64()), "{missing:?}");
    let of = |variable: &str| rows(&json, "missingness", &[("group", "A"), ("variable", variable)])[0]["n_missing"].as_i64();
    assert_eq!(["y", "w", "x", "z"].map(of), [Some(40), Some(100), Some(80), Some(28)]);
}
