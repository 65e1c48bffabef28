//! Small counts through the program: neither a check nor a term shows them.

use super::program::{Study, code, stderr};
use std::fs;

/// A share of few units, in a check's value or message, would give the count away.
#[test]
fn checks_do_not_show_shares_of_few_units() {
    let s = Study::new();
    // Four Black patients are of a kind that no White patient is.
    let mut left = 4;
    let text = fs::read_to_string(s.path("patients.csv")).unwrap();
    let changed: Vec<String> = text
        .lines()
        .map(|l| {
            if left > 0 && l.contains(",Black,") {
                left -= 1;
                let mut c: Vec<&str> = l.split(',').collect();
                c[5] = "rare";
                c.join(",")
            } else {
                l.to_owned()
            }
        })
        .collect();
    s.write("patients.csv", &changed.join("\n"));
    let o = s.run();
    assert_eq!(code(&o), 4, "{}", stderr(&o));
    let n = changed.iter().filter(|l| l.contains(",Black,")).count();
    let share = format!("{}", 4.0 / n as f64);
    for file in ["tables/diagnostics.csv", "results.json", "report.html", "run.json"] {
        let text = fs::read_to_string(s.path("results/small").join(file)).unwrap();
        assert!(!text.contains(&share[..7]), "{file} shows {share}");
    }
}

/// A product of a number and a rare level rests on the rare level's units, whichever level is the base.
#[test]
fn products_with_a_rare_level_are_withheld() {
    for base in ["big", "rare"] {
        let dir = tempfile::tempdir().unwrap();
        let mut csv = "g,y,x,t\n".to_owned();
        for i in 0..400usize {
            let t = if i % 41 == 7 { "rare" } else { ["big", "big", "mid"][i % 3] };
            csv.push_str(&format!("{},{},{},{t}\n", if i % 2 == 0 { "A" } else { "B" }, (i * 37 % 101) as f64 / 10.0, (i * 53 % 97) as f64 / 7.0));
        }
        std::fs::write(dir.path().join("d.csv"), csv).unwrap();
        let study = format!(
            "gapshare: 1\nstudy: s\ntables: {{ d: {{ path: d.csv }} }}\ncohort: {{ unit: {{ table: d }} }}\ngroup: {{ column: g, reference: A, index: B }}\n\
             outcome: {{ column: y, family: gaussian }}\nblocks: {{ a: [x, {{ t: {{ categorical: {{ base: {base} }} }} }}, {{ interaction: [x, t] }}] }}\n\
             analyses: {{ primary: {{ oaxaca_blinder: {{ detail: true }} }} }}\n"
        );
        std::fs::write(dir.path().join("s.yaml"), study).unwrap();
        let out = dir.path().join("out");
        let done = std::process::Command::new(env!("CARGO_BIN_EXE_gapshare"))
            .args(["run", "--quiet", "--out"])
            .arg(&out)
            .arg(dir.path().join("s.yaml"))
            .output()
            .unwrap();
        assert_eq!(done.status.code(), Some(0), "{}", String::from_utf8_lossy(&done.stderr));
        let json: serde_json::Value = serde_json::from_slice(&std::fs::read(out.join("results.json")).unwrap()).unwrap();
        let rows = json["decomposition_detail"].as_array().unwrap();
        let rare: Vec<_> = rows.iter().filter(|r| r["term"].as_str().unwrap().contains("rare")).collect();
        assert!(rare.len() >= 4, "{base}: {rows:?}");
        assert!(rare.iter().all(|r| r["estimate"].is_null() && r["withheld"] == true), "{base}: {rare:?}");
        assert!(rows.iter().any(|r| r["term"] == "x" && r["estimate"].is_number()), "{base}");
    }
}
