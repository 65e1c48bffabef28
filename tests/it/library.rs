//! The crate as a library: the same numbers as the program, and a design from arrays.

use super::frames::near;
use super::program::{Study as Files, code, patients};
use gapshare::decompose::fits::Fits;
use gapshare::decompose::with_and_without::{Estimator, WithAndWithout};
use gapshare::decompose::{Component, Method, Part};
use gapshare::design::Contrast;
use gapshare::design::arrays::Arrays;
use gapshare::estimate::Sampling;
use gapshare::inference::infer_decomposition;
use gapshare::vocab::Family;
use std::fs;

#[test]
fn a_study_runs_in_memory_and_writes_what_the_program_writes() {
    let s = Files::new();
    assert_eq!(code(&s.run()), 0);
    let study = gapshare::Study::load(s.path("study.yaml")).unwrap();
    assert_eq!(study.name(), "small");
    let steps = std::sync::Mutex::new(Vec::new());
    let results = study.run_with(&|step| steps.lock().unwrap().push((step.stage, step.done, step.of))).unwrap();
    assert!(results.complete());
    // Every stage is told, in order, and no step is beyond the number announced.
    let steps = steps.into_inner().unwrap();
    assert!(steps.windows(2).all(|w| w[0].0 <= w[1].0) && steps.iter().all(|(_, done, of)| done < of), "{steps:?}");
    assert_eq!(results.decomposition("primary").len(), 6);
    assert!(results.decomposition("none").is_empty() && results.table("nothing").is_none());
    let gap = &results.decomposition("primary")[0];
    assert_eq!((gap.part.as_str(), gap.component.as_str(), gap.share), ("gap", "total", None));
    results.write(s.path("out")).unwrap();
    for file in ["results.json", "report.html", "tables/decomposition.csv", "tables/coefficients.csv"] {
        assert_eq!(fs::read(s.path("out").join(file)).unwrap(), fs::read(s.path("results/small").join(file)).unwrap(), "{file}");
    }
}

#[test]
fn an_error_names_every_problem_with_its_place() {
    let s = Files::new();
    s.edit("study.yaml", "[h_volume]", "[h_volum]");
    s.edit("study.yaml", "allowable: [age]", "allowable: [agee]");
    let error = gapshare::Study::load(s.path("study.yaml")).err().unwrap();
    let text = error.to_string();
    assert!(text.contains("error[G203]") && text.contains("study.yaml:17:14") && text.contains("study.yaml:14:13"), "{text}");
    let boxed: Box<dyn std::error::Error> = error.into();
    assert!(boxed.to_string().contains("h_volum"));
}

/// The program's numbers from the same columns as arrays, in any order of rows.
#[test]
fn arrays_give_the_numbers_of_the_study() {
    let s = Files::new();
    let study = gapshare::Study::load(s.path("study.yaml")).unwrap();
    let results = study.run().unwrap();
    let rows: Vec<Vec<String>> = patients().iter().skip(1).rev().map(|l| l.split(',').map(String::from).collect()).collect();
    let number = |column: usize| rows.iter().map(|r| r[column].parse::<f64>().unwrap()).collect::<Vec<f64>>();
    let level = |name: &str| rows.iter().map(|r| f64::from(u8::from(r[5] == name))).collect::<Vec<f64>>();
    let volume = rows.iter().map(|r| (100 + r[1].parse::<usize>().unwrap() * 37 % 200) as f64).collect();
    let data = Arrays {
        family: Family::Binomial,
        outcome: number(6),
        index: rows.iter().map(|r| r[2] == "Black").collect(),
        allowable: vec![("age", number(3))],
        blocks: vec![
            ("clinical", vec![("lab", number(4)), ("type=b", level("b")), ("type=c", level("c"))]),
            ("hospital", vec![("h_volume", volume)]),
        ],
        weight: None,
        cluster: Some(rows.iter().map(|r| r[1].clone()).collect()),
    };
    let design = data.design().unwrap();
    let contrast = Contrast::new(&design, 1);
    let method = WithAndWithout { estimator: Estimator::Gcomp, ..WithAndWithout::default() };
    let d = method.decompose(&Fits::new(&contrast)).unwrap();
    let sampling = Sampling::new(contrast.n(), contrast.clusters().as_deref(), 0.95);
    let found = infer_decomposition(&d, &sampling);
    for row in results.decomposition("primary") {
        let component = match row.component.as_str() {
            "total" => Component::Total,
            name => Component::Block(design.blocks.iter().position(|b| b == name).unwrap()),
        };
        let part = [Part::Gap, Part::Allowable, Part::Explained, Part::Unexplained].into_iter().find(|p| p.name() == row.part).unwrap();
        let same = found.iter().find(|f| f.part == part && f.component == component).unwrap();
        near("estimate", same.value.estimate, row.estimate.unwrap(), 1e-10);
        near("standard error", same.value.std_error, row.std_error.unwrap(), 1e-10);
    }
}
