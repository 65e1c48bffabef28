//! The program as a user calls it, on a small study that runs: what the tests of commands share.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A folder with a small study that runs: 600 patients in 30 hospitals, one table of hospitals.
pub struct Study {
    dir: tempfile::TempDir,
}

pub const STUDY: &str = r#"gapshare: 1
study: small
tables:
  patients: { path: patients.csv }
  hospitals: { path: hospitals.csv }
cohort:
  unit: { table: patients, key: id }
  joins:
    - { table: hospitals, by: hospital, prefix: h_ }
  steps:
    - { name: adults, where: "age >= 18" }
group: { column: race, reference: White, index: [Black] }
outcome: { column: died, family: binomial }
allowable: [age]
blocks:
  clinical: [lab, { type: { categorical: { base: a } } }]
  hospital: [h_volume]
cluster: hospital
analyses:
  primary: { with_and_without: { estimator: gcomp } }
"#;

pub fn patients() -> Vec<String> {
    let mut state = 7u64;
    let mut uniform = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / 2f64.powi(53)
    };
    let mut lines = vec!["id,hospital,race,age,lab,type,died".to_owned()];
    for i in 0..600 {
        let black = uniform() < 0.4;
        let hospital = (uniform() * 30.0).floor();
        let (age, lab) = (40.0 + (uniform() * 40.0).floor(), (uniform() * 100.0).round() / 10.0);
        let kind = ["a", "b", "c"][(uniform() * 3.0) as usize];
        let died = u8::from(uniform() < 0.25 + 0.02 * lab + if black { 0.08 } else { 0.0 });
        lines.push(format!("{i},{hospital},{},{age},{lab},{kind},{died}", if black { "Black" } else { "White" }));
    }
    lines
}

impl Study {
    pub fn new() -> Self {
        let s = Self { dir: tempfile::tempdir().unwrap() };
        s.write("study.yaml", STUDY);
        s.write("patients.csv", &patients().join("\n"));
        let hospitals: Vec<String> = (0..30).map(|h| format!("{h},{}", 100 + h * 37 % 200)).collect();
        s.write("hospitals.csv", &format!("hospital,volume\n{}", hospitals.join("\n")));
        s
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    /// Replaces text in a file; the text must be there.
    pub fn edit(&self, name: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.path(name)).unwrap();
        assert!(text.contains(from), "{name} does not hold {from:?}");
        self.write(name, &text.replace(from, to));
    }

    pub fn call(&self, args: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_gapshare")).current_dir(self.dir.path()).args(args).output().unwrap()
    }

    pub fn run(&self) -> Output {
        self.call(&["run", "study.yaml", "--quiet"])
    }
}

pub fn code(o: &Output) -> i32 {
    o.status.code().unwrap()
}

pub fn stderr(o: &Output) -> String {
    String::from_utf8_lossy(&o.stderr).into_owned()
}

/// Every file below a folder with its bytes.
pub fn contents(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut out = Vec::new();
    let mut open = vec![dir.to_owned()];
    while let Some(d) = open.pop() {
        for e in fs::read_dir(&d).unwrap() {
            let p = e.unwrap().path();
            if p.is_dir() {
                open.push(p);
            } else {
                out.push((p.clone(), fs::read(&p).unwrap()));
            }
        }
    }
    out.sort();
    out
}

/// Edits the cells of patients.csv row by row; row 0 is the header.
pub fn lines(s: &Study, edit: impl Fn(usize, &mut Vec<String>)) {
    let text = fs::read_to_string(s.path("patients.csv")).unwrap();
    let changed: Vec<String> = text
        .lines()
        .enumerate()
        .map(|(i, l)| {
            let mut cells: Vec<String> = l.split(',').map(String::from).collect();
            edit(i, &mut cells);
            cells.join(",")
        })
        .collect();
    s.write("patients.csv", &changed.join("\n"));
}
