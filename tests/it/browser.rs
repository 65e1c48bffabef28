//! Reports in a browser, by `tests/browser/report.mjs`: no request, no console error, no text on text, titles and descriptions, tables that sort
//! and are not cut off in print, and what axe-core finds where it is installed (`npm install --prefix tests/browser`). Where node or Chromium
//! is missing the test says that it skips.

use super::program::{Study, code, patients, stderr};
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

const ANALYSES: &str = "analyses:\n  primary: { with_and_without: { estimator: gcomp } }\n";

fn works(s: &Study) {
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

#[test]
fn the_report_works_in_a_browser() {
    let s = Study::new();
    s.edit("study.yaml", ANALYSES, MORE);
    let o = s.run();
    assert!(matches!(code(&o), 0 | 1), "{}", stderr(&o));
    works(&s);
}

/// Hospitals one by one, with their figures.
#[test]
fn the_report_of_hospitals_works_in_a_browser() {
    let s = Study::new();
    s.edit("study.yaml", ANALYSES, "analyses:\n  primary: { hospital: { id: hospital } }\nrelease: { min_cell: 0 }\n");
    let o = s.run();
    assert!(matches!(code(&o), 0 | 1), "{}", stderr(&o));
    works(&s);
}

/// Where nothing could be estimated there is still a page.
#[test]
fn the_report_without_estimates_works_in_a_browser() {
    let s = Study::new();
    let nobody_white_died = |line: String| match line.strip_suffix(",1") {
        Some(rest) if rest.contains(",White,") => format!("{rest},0"),
        _ => line,
    };
    s.write("patients.csv", &patients().into_iter().map(nobody_white_died).collect::<Vec<_>>().join("\n"));
    let o = s.run();
    assert_eq!(code(&o), 4, "{}", stderr(&o));
    works(&s);
}
