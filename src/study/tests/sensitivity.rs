//! The section `sensitivity`: what is refused and where, what it stands for, and how it resolves.

use super::wrong::refused;
use super::*;
use crate::decompose::Vary;
use crate::decompose::crossfit::CrossFit;
use crate::model::learner::LearnerKind;
use crate::sensitivity::{Benchmark, Tried};
use crate::vocab::{Family, Role};

fn of(section: &str) -> String {
    with("analyses:", &format!("sensitivity: {section}\nanalyses:"))
}

#[test]
fn wrong_sections() {
    let written = |section: &'static str| -> &'static str { Box::leak(format!("sensitivity: {section}\nanalyses:").into_boxed_str()) };
    refused(&[
        (
            "analyses:",
            written("{ analyses: [primry], order: {} }"),
            "primry",
            codes::G210,
            "`sensitivity` names `primry`, which is not an analysis",
            "write `primary`",
        ),
        (
            "analyses:",
            written("{ analyses: [primary, primary], order: {} }"),
            "primary], order",
            codes::G210,
            "`sensitivity` names the analysis `primary` twice",
            "remove one of the two",
        ),
        (
            "analyses:",
            written("{ trimming: { at: [0.1, 0.5] } }"),
            "0.5",
            codes::G213,
            "`at` takes numbers above 0 and below 0.5, and 0.5 is none",
            "write `at: [0.01, 0.02, 0.05, 0.1]`",
        ),
        ("analyses:", written("{ park: { at: [] } }"), "sensitivity", codes::G213, "`at` is empty", "write `at: [0.1, 0.2, 0.3]`"),
        (
            "analyses:",
            written("{ contested: { severty: hospital } }"),
            "severty",
            codes::G210,
            "`contested` names `severty`, which is not a variable of the study",
            "write `severity`",
        ),
        (
            "analyses:",
            written("{ contested: { severity: [hospitl] } }"),
            "hospitl",
            codes::G210,
            "`severity` is moved to `hospitl`, which is not a block",
            "write `hospital`",
        ),
        (
            "analyses:",
            written("{ contested: { severity: clinical } }"),
            "clinical",
            codes::G210,
            "`severity` stands in `clinical` already",
            "name the other block that it could belong to",
        ),
        (
            "analyses:",
            written("{ contested: { severity: [] } }"),
            "severity",
            codes::G213,
            "`contested` says nowhere to move `severity` to",
            "name the other block that it could belong to",
        ),
        (
            "analyses:",
            written("{ allowable: { more: [age, clinicl] } }"),
            "clinicl",
            codes::G210,
            "`allowable` names `clinicl`, which is neither a block nor a variable of the study",
            "write `clinical`",
        ),
        (
            "analyses:",
            written("{ ovb: { benchmarks: [h_volum] } }"),
            "h_volum",
            codes::G210,
            "`benchmarks` names `h_volum`, which is neither a block nor a variable of the study",
            "write `h_volume`",
        ),
        (
            "analyses:",
            written("{ ovb: { multiples: [1, 0] } }"),
            "0",
            codes::G213,
            "`multiples` takes numbers above 0, and 0 is none",
            "write `multiples: [1, 2, 3]`",
        ),
        (
            "analyses:",
            written("{ unmeasured: { delta: [0.1] } }"),
            "delta",
            codes::G209,
            "`unmeasured` is of an analysis by `mechanisms`, and none is varied here",
            "name one under `sensitivity: { analyses: [...] }`",
        ),
        ("analyses:", written("{ learner: { try: [ridge, ridge] } }"), "ridge] }", codes::G210, "`try` names `ridge` twice", "remove one of the two"),
        (
            "analyses:",
            written("{ learner: { try: [] } }"),
            "sensitivity",
            codes::G213,
            "`try` is empty",
            "write `try: [splines, ridge, boosted_trees]`, or remove the key",
        ),
        ("analyses:", written("{ learner: { folds: 1 } }"), "1", codes::G213, "`folds` is a number from 2 to 20", "write `folds: 5`"),
        (
            "analyses:",
            written("{ negative_control: { outcomes: [] } }"),
            "sensitivity",
            codes::G213,
            "`outcomes` names no column",
            "name a column that the blocks cannot have affected, or remove the key",
        ),
        (
            "analyses:",
            written("{ negative_control: { outcomes: [died] } }"),
            "died",
            codes::G206,
            "`died` is the outcome and cannot be the outcome of a negative control",
            "name a column that the blocks cannot have affected",
        ),
        (
            "analyses:",
            written("{ negative_control: { outcomes: [severity] } }"),
            "severity",
            codes::G206,
            "`severity` is a variable of the study and cannot be the outcome of a negative control",
            "name a column that the blocks cannot have affected",
        ),
        (
            "analyses:",
            written("{ negative_control: { outcomes: [days, { days: { family: gaussian } }] } }"),
            "days: {",
            codes::G210,
            "`outcomes` names `days` twice",
            "remove one of the two",
        ),
        (
            "analyses:",
            written("{ negative_control: { outcomes: [{ days: { family: gaussian, event: 1 } }] } }"),
            "1 } }]",
            codes::G210,
            "`event` is for a binomial outcome, and this one is gaussian",
            "remove `event`, or write `family: binomial`",
        ),
        (
            "analyses:",
            written("{ negative_control: { outcomes: [vital_status] } }"),
            "vital_status",
            codes::G211,
            "`vital_status` holds text, so it must be said which values are the event",
            "write `{ vital_status: { event: [value] } }`",
        ),
        (
            "analyses:",
            written("{ negative_control: { outcomes: [{ admitted: { family: gaussian } }] } }"),
            "admitted",
            codes::G211,
            "a gaussian outcome is a column of numbers, and `admitted` holds dates",
            "say its type under `tables: { name: { types: ... } }`, or derive a column from it under `cohort.derive`",
        ),
        (
            "analyses:",
            written("{ order: }"),
            "order",
            codes::G104,
            "`sensitivity.order` takes a map, not nothing",
            "write a map after the colon, or remove the key",
        ),
    ]);
    let gaussian = of("{ e_value: {} }").replace("family: binomial", "family: gaussian");
    let found: Vec<_> = problems(&gaussian).into_iter().map(|p| (p.code, p.message)).collect();
    assert_eq!(found, vec![(codes::G209, "`e_value` is of a ratio of risks or rates, and the outcome is gaussian".to_owned())]);
}

#[test]
fn an_empty_section_stands_for_a_default_set() {
    let plan = load_text(&of("{}")).unwrap_or_else(|problems| panic!("{problems:#?}"));
    let section = plan.sensitivity.unwrap_or_default();
    assert_eq!((section.analyses.as_slice(), section.vary.as_slice()), (&[0][..], &[Vary::Estimator][..]));
    assert!(section.order && section.leave_one_out && section.e_value && section.trimming.is_empty() && section.park.is_empty());
    let omitted = section.omitted.unwrap_or_else(|| panic!("ovb"));
    assert_eq!(omitted.benchmarks, vec![Benchmark::Block(0), Benchmark::Block(1)]);
    assert_eq!(omitted.multiples, vec![1.0, 2.0, 3.0]);
    for line in ["benchmarks:", "leave_one_out: {}", "- primary", "e_value: {}"] {
        assert!(plan.resolved_yaml.contains(line), "{line}\n{}", plan.resolved_yaml);
    }
    let gaussian = of("{}").replace("family: binomial", "family: gaussian");
    assert!(!load_text(&gaussian).unwrap_or_else(|problems| panic!("{problems:#?}")).sensitivity.unwrap_or_default().e_value);
    assert_eq!(load_text(GOOD).unwrap_or_else(|problems| panic!("{problems:#?}")).sensitivity, None);
}

#[test]
fn sections_resolve_to_themselves() {
    for section in [
        "{}",
        "{ allowable: {} }",
        "{ learner: {} }",
        "{ negative_control: { outcomes: [days, { vital_status: { event: [dead] } }, { survey_weight: { family: gaussian } }] } }",
        "{ trimming: { at: [0.2, 0.05, 0.2] }, contested: { severity: [hospital, allowable], age: clinical }, surface: {}, target: {}, park: {} }",
    ] {
        let first = load_text(&of(section)).unwrap_or_else(|problems| panic!("{problems:#?}"));
        let second = load_text(&first.resolved_yaml).unwrap_or_else(|problems| panic!("{problems:#?}\n{}", first.resolved_yaml));
        assert_eq!(first.resolved_yaml, second.resolved_yaml);
        assert_eq!(first.sensitivity, second.sensitivity);
    }
    let plan = load_text(&of("{ trimming: { at: [0.2, 0.05, 0.2] }, contested: { severity: [hospital, allowable] }, allowable: {} }"));
    let section = plan.unwrap_or_else(|problems| panic!("{problems:#?}")).sensitivity.unwrap_or_default();
    assert_eq!(section.trimming, vec![0.05, 0.2]);
    assert_eq!(section.contested, vec![("severity".to_owned(), vec![Role::Block(1), Role::Allowable])]);
    let sets: Vec<_> = section.allowable.iter().map(|s| (s.name.as_str(), s.variables.join(","), s.blocks.clone())).collect();
    assert_eq!(
        sets,
        vec![("none", String::new(), vec![]), ("with clinical", "age".to_owned(), vec![0]), ("with hospital", "age".to_owned(), vec![1])]
    );
}

#[test]
fn learners_and_controls_resolve_with_every_default() {
    let section = |text: &str| {
        let plan = load_text(text).unwrap_or_else(|problems| panic!("{problems:#?}"));
        (plan.sensitivity.unwrap_or_default(), plan.roles.controls, plan.resolved_yaml)
    };
    let trees = CrossFit::new(LearnerKind::BoostedTrees);
    let (found, _, yaml) = section(&of("{ learner: { seed: 7, folds: 3 } }"));
    let of_seven = |cf: CrossFit| Tried::Learner(CrossFit { seed: 7, folds: 3, ..cf });
    assert_eq!(found.learner, vec![Tried::Splines, of_seven(CrossFit::new(LearnerKind::Ridge)), of_seven(trees)]);
    for line in ["try:\n    - splines\n    - ridge\n    - boosted_trees", "folds: 3", "seed: 7"] {
        assert!(yaml.contains(line), "{line}\n{yaml}");
    }
    // The models of the study are another choice for an analysis that has a learner.
    let (found, ..) = section(&of("{ learner: {} }").replace("with_and_without: {}", "with_and_without: { learner: stack }"));
    assert_eq!(found.learner, vec![Tried::Glm, Tried::Splines, Tried::Learner(CrossFit::new(LearnerKind::Ridge)), Tried::Learner(trees)]);

    let (_, controls, yaml) =
        section(&of("{ negative_control: { outcomes: [days, { vital_status: { event: [dead] } }, { survey_weight: { family: gaussian } }] } }"));
    let shown: Vec<_> = controls.iter().map(|c| (c.column.name.as_str(), c.family, c.event.len(), c.column.place.is_some())).collect();
    assert_eq!(
        shown,
        vec![("days", Family::Binomial, 0, true), ("vital_status", Family::Binomial, 1, true), ("survey_weight", Family::Gaussian, 0, true)]
    );
    assert!(yaml.contains("- days:\n        family:\n          binomial:"), "{yaml}");
}
