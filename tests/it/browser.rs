//! The report in a browser: tests/browser/report.mjs on the report of a small study. Skipped, and said so, without node or a browser.

use super::program::{Study, code, stderr};
use std::path::Path;
use std::process::Command;

/// More than the defaults, so that most kinds of figure are drawn.
const MORE: &str = "analyses:
  primary: { with_and_without: { attribution: shapley } }
  twofold: { oaxaca_blinder: { reference: pooled, detail: true } }
  causal: { mechanisms: {} }
sensitivity:
  order: {}
  estimator: {}
  leave_one_out: {}
  ovb: { benchmarks: [clinical, hospital] }
causal_order: [clinical, hospital]
";

#[test]
fn the_report_works_in_a_browser() {
    let s = Study::new();
    s.edit("study.yaml", "analyses:\n  primary: { with_and_without: { estimator: gcomp } }\n", MORE);
    let o = s.run();
    assert!(matches!(code(&o), 0 | 1), "{}", stderr(&o));
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser/report.mjs");
    let report = s.path("results/small/report.html");
    let Ok(told) = Command::new("node").arg("--experimental-websocket").arg(script).arg(report).output() else {
        eprintln!("skipped: node was not found");
        return;
    };
    let text = String::from_utf8_lossy(&told.stdout).into_owned();
    eprintln!("{text}");
    match told.status.code() {
        Some(77) => {}
        Some(0) => assert!(text.contains("ok   ")),
        other => panic!("exit code {other:?}\n{text}{}", stderr(&told)),
    }
}
