//! Small tables for tests: reading reference files, and designs from columns.

use gapshare::design::{Clusters, Column, Described, Design, Group};
use gapshare::vocab::{Family, Role};
use ndarray::{Array1, Array2};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// A file of the shared reference material, or `None` with a line that says the test skips.
pub fn shared(path: &str) -> Option<PathBuf> {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared").join(path);
    if file.exists() {
        return Some(file);
    }
    eprintln!("skipped: ../shared/{path} is not here");
    None
}

/// Cells by column, as text.
pub struct Frame {
    pub columns: BTreeMap<String, Vec<String>>,
}

fn split(line: &str) -> Vec<String> {
    let (mut out, mut cell, mut quoted) = (Vec::new(), String::new(), false);
    for ch in line.chars() {
        match ch {
            '"' => quoted = !quoted,
            ',' if !quoted => out.push(std::mem::take(&mut cell)),
            _ => cell.push(ch),
        }
    }
    out.push(cell);
    out
}

impl Frame {
    pub fn read(path: &str) -> Option<Self> {
        let text = std::fs::read_to_string(shared(path)?).unwrap();
        let mut lines = text.lines().filter(|l| !l.is_empty());
        let header = split(lines.next().unwrap());
        let mut columns: BTreeMap<String, Vec<String>> = header.iter().map(|h| (h.clone(), Vec::new())).collect();
        for line in lines {
            for (name, cell) in header.iter().zip(split(line)) {
                columns.get_mut(name).unwrap().push(cell);
            }
        }
        Some(Self { columns })
    }

    pub fn text(&self, name: &str) -> &[String] {
        self.columns.get(name).unwrap_or_else(|| panic!("no column {name}"))
    }

    /// Numbers; an empty cell or NA is NaN.
    pub fn number(&self, name: &str) -> Vec<f64> {
        self.text(name).iter().map(|c| c.parse().unwrap_or(f64::NAN)).collect()
    }

    pub fn is(&self, name: &str, level: &str) -> Vec<f64> {
        self.text(name).iter().map(|c| f64::from(u8::from(c == level))).collect()
    }
}

/// What the peers printed: (case, key) -> (value, standard error).
pub fn expected(case: &str) -> Option<BTreeMap<String, (f64, Option<f64>)>> {
    let f = Frame::read("reference/peers/expected.csv")?;
    let rows = f.text("case").iter().zip(f.text("key")).zip(f.text("value").iter().zip(f.text("se")));
    let out: BTreeMap<_, _> =
        rows.filter(|((c, _), _)| *c == case).map(|((_, k), (v, s))| (k.clone(), (v.parse().unwrap_or(f64::NAN), s.parse().ok()))).collect();
    assert!(!out.is_empty(), "no case {case}");
    Some(out)
}

/// A block: its name and its columns by term.
pub type Block<'a> = (&'a str, Vec<(&'a str, Vec<f64>)>);

/// Columns of an analysis in any row order; `group` is 1 for index units.
pub struct Columns<'a> {
    pub family: Family,
    pub y: Vec<f64>,
    pub group: Vec<f64>,
    pub allowable: Vec<(&'a str, Vec<f64>)>,
    pub blocks: Vec<Block<'a>>,
    pub weight: Option<Vec<f64>>,
    pub cluster: Option<Vec<String>>,
}

impl Columns<'_> {
    /// The design, reference rows first in their order; rows with a NaN in any column are left out.
    pub fn design(&self) -> Design {
        let mut parts: Vec<(&str, Role, &Vec<f64>)> = self.allowable.iter().map(|(t, v)| (*t, Role::Allowable, v)).collect();
        for (k, (_, columns)) in self.blocks.iter().enumerate() {
            parts.extend(columns.iter().map(|(t, v)| (*t, Role::Block(k), v)));
        }
        let complete = |i: &usize| self.y[*i].is_finite() && self.group[*i].is_finite() && parts.iter().all(|(_, _, v)| v[*i].is_finite());
        let of = |g: f64| (0..self.y.len()).filter(complete).filter(move |&i| self.group[i] == g).collect::<Vec<_>>();
        let (reference, index) = (of(0.0), of(1.0));
        let (n0, n1) = (reference.len(), index.len());
        let rows: Vec<usize> = reference.into_iter().chain(index).collect();
        let n = rows.len();
        let mut x = Array2::zeros((n, parts.len() + 2));
        let column =
            |term: &str, role| Column { term: term.to_owned(), variable: term.to_owned(), role, requires: Vec::new(), level: None, product: None };
        let mut columns = vec![column("(intercept)", Role::Intercept), column("(group)", Role::Group)];
        columns.extend(parts.iter().map(|(t, r, _)| column(t, *r)));
        for (r, &i) in rows.iter().enumerate() {
            x[[r, 0]] = 1.0;
            x[[r, 1]] = self.group[i];
            for (j, (_, _, v)) in parts.iter().enumerate() {
                x[[r, j + 2]] = v[i];
            }
        }
        let clusters = self.cluster.as_ref().map(|c| {
            let mut labels: Vec<String> = c.clone();
            labels.sort();
            labels.dedup();
            Clusters { code: rows.iter().map(|&i| labels.binary_search(&c[i]).unwrap() as u32).collect(), labels }
        });
        Design {
            family: self.family,
            y: rows.iter().map(|&i| self.y[i]).collect(),
            x,
            columns,
            factors: Vec::new(),
            blocks: self.blocks.iter().map(|(b, _)| (*b).to_owned()).collect(),
            groups: vec![Group { label: "reference".into(), rows: 0..n0 }, Group { label: "index".into(), rows: n0..n0 + n1 }],
            weight: self.weight.as_ref().map_or_else(|| Array1::ones(n), |w| rows.iter().map(|&i| w[i]).collect()),
            weighted: self.weight.is_some(),
            clusters,
            exposure: None,
            described: Vec::<Described>::new(),
            cohort_row: rows.iter().map(|&i| i as u32).collect(),
            labelled: Vec::new(),
            dropped: Vec::new(),
        }
    }
}

/// Gives a design a column of labels; `values` are in the order of the rows that the design was made of.
pub fn label(d: &mut Design, name: &str, values: &[String]) {
    let mut labels: Vec<String> = values.to_vec();
    labels.sort();
    labels.dedup();
    let code = d.cohort_row.iter().map(|&i| labels.binary_search(&values[i as usize]).unwrap() as u32).collect();
    d.labelled.push((name.to_owned(), Clusters { code, labels }));
}

/// Relative closeness; `scale` keeps values near 0 honest.
#[track_caller]
pub fn close(what: &str, got: f64, want: f64, tolerance: f64) {
    let error = (got - want).abs() / want.abs().max(1e-300);
    assert!(error <= tolerance, "{what}: got {got:.15}, want {want:.15}, relative error {error:.1e}");
}

/// Absolute closeness.
#[track_caller]
pub fn near(what: &str, got: f64, want: f64, tolerance: f64) {
    assert!((got - want).abs() <= tolerance, "{what}: got {got:.15}, want {want:.15}");
}
