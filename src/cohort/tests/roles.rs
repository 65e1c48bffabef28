//! Group, outcome, weight, exposure, cluster.

use super::*;
use crate::error::codes;

#[test]
fn group_values_follow_the_equality_rule() {
    let csv = "g,y\n0,0\n 1,1\n1.0,1\n0.0,0\n2,0\n";
    let mut study = Study::new(csv);
    study.roles.group = GroupPlan { column: named("g"), reference: value("0"), index: vec![value("1")] };
    let cohort = study.cohort();
    assert_eq!((cohort.group.clone(), cohort.group_labels.clone()), (vec![0, 1, 1, 0], vec!["0".to_owned(), "1".to_owned()]));
    study.roles.group.index.push(value("1.0"));
    assert_eq!(study.problem().code, codes::G210, "two values of the study file that are one");
}

#[test]
fn a_group_value_without_rows() {
    let csv = "g,y\nWhite,0\nBlack,1\nHispanic,1\n";
    for (index, help) in [("black", Some("write `Black`: upper and lower case differ")), ("Blck", Some("write `Black`")), ("Zzz", None)] {
        let mut study = Study::new(csv);
        study.roles.group = GroupPlan { column: named("g"), reference: value("White"), index: vec![value(index)] };
        let p = study.problem();
        assert_eq!((p.code, p.help.as_deref()), (codes::G305, help), "{index}");
        assert!(p.notes[0].contains("found: White, Black, Hispanic"));
    }
}

#[test]
fn binomial_outcomes() {
    let outcome = |csv: &str, event: &[&str]| {
        let mut study = Study::new(csv);
        study.roles.outcome.event = event.iter().map(|e| value(e)).collect();
        study
    };
    for y in [["0", "1"], ["false", "TRUE"], ["0.0", "1.0"], [" 0", "1"]] {
        assert_eq!(outcome(&format!("g,y\na,{}\nb,{}\n", y[0], y[1]), &[]).cohort().outcome, [0.0, 1.0], "{y:?}");
    }
    let three = "g,y\na,alive\nb,dead\na,hospice\nb,\n";
    let p = outcome(three, &[]).problem();
    assert_eq!(p.code, codes::G306);
    assert!(p.message.contains("takes 3 values") && p.help.as_deref().is_some_and(|h| h.contains("event:")), "{}", p.message);
    assert_eq!(outcome("g,y\na,0\nb,1\na,2\n", &[]).problem().code, codes::G306);
    let cohort = outcome(three, &["dead", "hospice", "expired"]).cohort();
    assert_eq!(cohort.outcome, [0.0, 1.0, 1.0]);
    assert!(cohort.warnings.iter().any(|w| w.code == codes::G320 && w.message.contains("`expired`")));
    let p = outcome(three, &["Dead"]).problem();
    assert_eq!((p.code, p.help.as_deref()), (codes::G306, Some("write `dead`")));
    // The third value is in a row that the group removes.
    assert_eq!(outcome("g,y\na,0\nb,1\nc,7\n", &[]).cohort().outcome, [0.0, 1.0]);
}

/// Control outcomes remove no row: what is missing is counted and stays unknown.
#[test]
fn control_outcomes() {
    let with = |csv: &str, family, event: &[&str]| {
        let mut study = Study::new(csv);
        let event = event.iter().map(|e| value(e)).collect();
        study.roles.controls = vec![OutcomePlan { column: named("c"), family, event, exposure: None }];
        study
    };
    let cohort = with("g,y,c\na,0,1\nb,1,\nb,,0\na,1,0\nx,0,7\n", Family::Binomial, &[]).cohort();
    assert_eq!((cohort.n(), cohort.controls[0].len()), (3, 3));
    assert!(cohort.controls[0][0] == 1.0 && cohort.controls[0][1].is_nan() && cohort.controls[0][2] == 0.0);
    let says = "control outcome `c`: missing in 1 of 3 rows, which only its own rows leave out";
    assert!(cohort.warnings.iter().any(|w| w.code == codes::G319 && w.message == says), "{:?}", cohort.warnings);
    assert_eq!(with("g,y,c\na,0,2.5\nb,1,-1\n", Family::Gaussian, &[]).cohort().controls[0], [2.5, -1.0]);
    assert_eq!(with("g,y,c\na,0,no\nb,1,yes\n", Family::Binomial, &["yes"]).cohort().controls[0], [0.0, 1.0]);
    let p = with("g,y,c\na,0,2\nb,1,1\n", Family::Binomial, &[]).problem();
    assert_eq!((p.code, p.message.as_str()), (codes::G306, "control outcome `c` takes 2 values, of which 1 are neither 0 nor 1"));
    assert!(p.help.as_deref().is_some_and(|h| h.contains("{ c: { event: [...] } }")), "{:?}", p.help);
    let p = with("g,y,c\na,0,low\nb,1,1\n", Family::Gaussian, &[]).problem();
    assert_eq!(p.code, codes::G301);
    assert!(p.message.contains("is a control outcome and needs numbers"), "{}", p.message);
    assert_eq!(with("g,y,c\na,0,-1\nb,1,1\n", Family::Poisson, &[]).problem().code, codes::G313);
    let mut missing = with("g,y,c\na,0,1\nb,1,0\n", Family::Binomial, &[]);
    missing.roles.controls[0].column = named("nowhere");
    assert_eq!(missing.problem().code, codes::G203);
}

#[test]
fn number_outcomes() {
    let with = |csv: &str, family| {
        let mut study = Study::new(csv);
        study.roles.outcome.family = family;
        study
    };
    let p = with("g,y\na,1.5\nb,120 +\na,2\n", Family::Gaussian).problem();
    assert_eq!(p.code, codes::G301);
    assert!(p.notes[0].contains("1 of its 3 values") && p.notes[0].contains("row 2"), "{:?}", p.notes);
    assert_eq!(with("g,y\na,-1\nb,2\n", Family::Gaussian).cohort().outcome, [-1.0, 2.0]);
    assert_eq!(with("g,y\na,-1\nb,2\n", Family::Poisson).problem().code, codes::G313);
    let exposure = |csv: &str| {
        let mut study = with(csv, Family::Poisson);
        study.roles.outcome.exposure = Some(named("days"));
        study
    };
    assert_eq!(exposure("g,y,days\na,1,3\nb,2,4.5\n").cohort().exposure, Some(vec![3.0, 4.5]));
    assert_eq!(exposure("g,y,days\na,1,3\nb,2,0\n").problem().code, codes::G313);
    assert_eq!(exposure("g,y,days\na,1,3\nb,2,\n").problem().code, codes::G312);
}

#[test]
fn weights_and_clusters() {
    let with = |csv: &str| {
        let mut study = Study::new(csv);
        study.roles.weight = Some(named("w"));
        study.roles.cluster = Some(named("h"));
        study
    };
    // A row of weight 0 says nothing, and leaves in a line of its own.
    let cohort = with("g,y,w,h\na,0,1.5,x\nb,1,3,y\nb,0,0,y\na,1,2,x\n").cohort();
    assert_eq!(cohort.weight, Some(vec![1.5, 3.0, 2.0]));
    let last = &cohort.attrition[cohort.attrition.len() - 1];
    assert_eq!((last.name.as_str(), last.n_removed, last.n_after), ("weight above 0", 1, 3));
    assert_eq!(cohort.cluster.as_ref().map(|c| (c.code.clone(), c.labels.clone())), Some((vec![0, 1, 0], vec!["x".to_owned(), "y".to_owned()])));
    assert_eq!(with("g,y,w,h\na,0,-1,x\nb,1,1,y\n").problem().code, codes::G313);
    let both = with("g,y,w,h\na,0,,x\nb,1,1,\n").build().err().unwrap_or_default();
    assert_eq!(all_codes(&both), [codes::G312, codes::G312], "{}", shown(&both));
}

#[test]
fn variables_of_the_wrong_kind() {
    let csv = "g,y,d,t\na,0,2020-01-01,5 kg\nb,1,2020-01-02,6\n";
    assert_eq!(Study::new(csv).x("d").problem().code, codes::G211);
    assert_eq!(Study::new(csv).derive("z", "d - DATE '2020-01-01'").x("z").problem().code, codes::G208);
    let p = Study::new(csv).variable("t", Coding::Spline { df: 3 }, MissingRule::DropRow).problem();
    assert_eq!(p.code, codes::G301, "{}", p.message);
}
