//! Units, joins, steps, attrition.

use super::*;
use crate::error::codes;

fn names_and_counts(cohort: &Cohort) -> Vec<(String, u64, u64, Vec<u64>)> {
    cohort.attrition.iter().map(|r| (r.name.clone(), r.n_removed, r.n_after, r.by_group.clone())).collect()
}

fn row(name: &str, removed: u64, after: u64, by: &[u64]) -> (String, u64, u64, Vec<u64>) {
    (name.to_owned(), removed, after, by.to_vec())
}

#[test]
fn unit_keys() {
    let csv = "id,g,y\n1,a,0\n2,b,1\n1,a,1\n3,b,0\n1,a,0\n";
    let p = Study::new(csv).key("id").problem();
    assert_eq!(p.code, codes::G302);
    assert!(p.message.contains("2 rows") && p.notes[0].contains("rows 3, 5"), "{} {:?}", p.message, p.notes);
    assert!(Study::new(csv).cohort().warnings.iter().any(|w| w.code == codes::G316));
    let p = Study::new("id,g,y\n1,a,0\n,b,1\n").key("id").problem();
    assert_eq!((p.code, p.notes[0].contains("row 2")), (codes::G302, true));
}

const UNITS: &str = "id,g,y,h\n1,a,0,10\n2,b,1,20\n3,a,1,10\n4,b,0,\n5,a,0,99\n";

#[test]
fn joins_are_many_to_one() {
    let p = Study::new(UNITS).table("h", "h,v\n10,1\n20,2\n10,3\n").join("h", &[("h", "h")], Unmatched::Keep).problem();
    assert_eq!(p.code, codes::G303);
    assert!(p.message.starts_with("1 rows of `h`") && p.notes[0].contains("row 3"), "{} {:?}", p.message, p.notes);

    let hospitals = "h,v\n20,2\n10,1\n";
    let p = Study::new(UNITS).table("h", hospitals).join("h", &[("h", "h")], Unmatched::Error).problem();
    assert_eq!((p.code, p.message.contains("2 of 5 rows")), (codes::G304, true));

    let dropped = Study::new(UNITS).table("h", hospitals).join("h", &[("h", "h")], Unmatched::Drop).x("v").cohort();
    assert_eq!(dropped.columns["v"], Values::Number(vec![1.0, 2.0, 1.0]));
    let expected = [
        row("rows of t", 0, 5, &[3, 2]),
        row("join h", 2, 3, &[2, 1]),
        row("group is reference or index", 0, 3, &[2, 1]),
        row("outcome known", 0, 3, &[2, 1]),
    ];
    assert_eq!(names_and_counts(&dropped), expected);
    assert_eq!(dropped.unit_row, [0, 1, 2]);

    let kept = Study::new(UNITS).table("h", hospitals).join("h", &[("h", "h")], Unmatched::Keep).variable(
        "v",
        Coding::Auto,
        MissingRule::Impute { with: Fill::Mean, flag: true },
    );
    let Values::Number(v) = &kept.cohort().columns["v"] else { panic!("numbers") };
    assert_eq!(v.iter().map(|v| v.is_nan()).collect::<Vec<_>>(), [false, false, false, true, true]);
    assert!(kept.cohort().warnings.iter().any(|w| w.code == codes::G304 && w.message.contains("2 of 5")));
}

#[test]
fn keys_of_two_types_follow_the_equality_rule_or_are_refused() {
    let texts = "h,v\n0010,1\n20,2\nx99,3\n";
    let cohort = Study::new(UNITS).table("h", texts).join("h", &[("h", "h")], Unmatched::Drop).x("v").cohort();
    assert_eq!(cohort.columns["v"], Values::Number(vec![1.0, 2.0, 1.0]));
    let p = Study::new(UNITS).table("h", "h,v\ntrue,1\nfalse,2\n").join("h", &[("h", "h")], Unmatched::Keep).problem();
    assert_eq!(p.code, codes::G211);
    assert!(p.message.contains("integer") && p.message.contains("boolean"), "{}", p.message);
    let none = Study::new(UNITS).table("h", "h,v\n7,1\n8,2\n").join("h", &[("h", "h")], Unmatched::Keep).cohort();
    assert!(none.warnings.iter().any(|w| w.message.contains("no row has a row in `h`")));
}

#[test]
fn a_group_column_of_a_later_join_counts_in_every_line() {
    let study = Study::new("id,p,y,z\n1,1,0,1\n2,2,1,1\n3,1,1,0\n4,2,0,1\n")
        .table("people", "p,race\n1,White\n2,Black\n")
        .step(RowStep::Present(PresentPlan { name: "all".to_owned(), columns: vec![named("z")] }))
        .keep("z", "z = 1")
        .join("people", &[("p", "p")], Unmatched::Error);
    let mut study = study;
    study.roles.group = GroupPlan { column: named("race"), reference: value("White"), index: vec![value("Black")] };
    let cohort = study.cohort();
    assert_eq!(cohort.attrition[0].by_group, [2, 2]);
    assert_eq!(names_and_counts(&cohort)[2], row("z", 1, 3, &[1, 2]));
    assert_eq!((cohort.group.clone(), cohort.group_labels.clone()), (vec![0, 1, 1], vec!["White".to_owned(), "Black".to_owned()]));
}

#[test]
fn where_keeps_what_is_true_and_counts_nulls() {
    let csv = "g,y,age\na,0,20\nb,1,\na,1,10\nb,0,30\na,0,40\n";
    let cohort = Study::new(csv).keep("adults", "age >= 18").cohort();
    assert_eq!(names_and_counts(&cohort)[1], row("adults", 2, 3, &[2, 1]));
    assert!(cohort.warnings.iter().any(|w| w.code == codes::G319 && w.message.contains("1 of the 2 removed rows")));
}

fn first(per: &[&str], by: &[&str]) -> RowStep {
    let list = |names: &[&str]| names.iter().map(|n| named(n)).collect();
    RowStep::First(FirstPlan { name: "first".to_owned(), per: list(per), by: list(by) })
}

#[test]
fn the_first_row_of_each_unit() {
    let csv = "g,y,p,d\na,0,1,2020-03-01\nb,1,2,2020-01-05\na,1,1,2020-02-01\nb,0,2,2020-01-05\na,1,1,2020-02-01\nb,1,3,2021-01-01\n";
    let cohort = Study::new(csv).step(first(&["p"], &["d"])).cohort();
    assert_eq!(cohort.unit_row, [1, 2, 5]);
    assert!(cohort.warnings.iter().any(|w| w.code == codes::G318 && w.message.contains("in 2 units")));
    let by_two = Study::new(csv).step(first(&["p"], &["d", "y"])).cohort();
    assert_eq!(by_two.unit_row, [2, 3, 5], "the second column breaks ties");

    let p = Study::new("g,y,p,d\na,0,1,\nb,1,2,2020-01-05\n").step(first(&["p"], &["d"])).problem();
    assert_eq!((p.code, p.message.contains("1 rows have no `d`")), (codes::G309, true));
    let gone = Study::new("g,y,p,d\na,0,1,\na,0,1,2020-01-01\nb,1,2,2020-01-05\n").keep("dated", "d IS NOT NULL").step(first(&["p"], &["d"]));
    assert_eq!(gone.cohort().unit_row, [1, 2], "rows that went before do not count");
}

#[test]
fn variables_that_drop_rows_have_their_line() {
    let csv = "g,y,x,z\na,0,1,1\nb,1,,2\na,1,3,\nb,0,,\nb,1,4,5\na,,1,1\nc,0,1,1\n";
    let cohort = Study::new(csv).x("x").x("z").cohort();
    let expected = [
        row("rows of t", 0, 7, &[3, 3]),
        row("group is reference or index", 1, 6, &[3, 3]),
        row("outcome known", 1, 5, &[2, 3]),
        row("missing: x", 2, 3, &[2, 1]),
        row("missing: z", 1, 2, &[1, 1]),
    ];
    assert_eq!(names_and_counts(&cohort), expected);
    assert!(cohort.attrition.windows(2).all(|w| w[0].n_after == w[1].n_before));
    let p = Study::new(csv).variable("x", Coding::Auto, MissingRule::Error).problem();
    assert_eq!((p.code, p.message.contains("missing in 2 of 5")), (codes::G312, true), "{}", p.message);
}

#[test]
fn steps_that_empty_a_group_or_everything() {
    let csv = "g,y,x\na,0,1\nb,1,2\na,1,3\n";
    let p = Study::new(csv).keep("odd", "x <> 2").problem();
    assert_eq!(p.code, codes::G308);
    assert!(p.message.contains("`b`") && p.message.contains("`odd`"), "{}", p.message);
    let p = Study::new(csv).keep("none", "x > 9").problem();
    assert_eq!((p.code, p.message.contains("`none`")), (codes::G307, true), "{}", p.message);
    assert_eq!(Study::new("g,y,x\n").build().err().map(|p| p.iter().any(|p| p.code == codes::G307)), Some(true));
}

/// LEAST and GREATEST skip missing values: a derived column with a value from nothing is counted among the rows that are left.
#[test]
fn values_from_missing_ones_are_counted() {
    let csv = "g,y,creatinine,age,sex\na,0,1.0,60,F\nb,1,,61,F\na,1,,62,M\nb,0,2.0,,M\na,1,,,F\nb,1,,30,F\n";
    let warned = |sql: &str| {
        let cohort = Study::new(csv).derive("egfr", sql).keep("old", "age > 40 OR age IS NULL").cohort();
        let of = cohort.warnings.iter().filter(|w| w.code == codes::G329);
        of.map(|w| w.message.clone()).collect::<Vec<_>>()
    };
    // Of the five rows that are left two have no creatinine and an age; without an age the product is missing.
    let found = warned("POWER(LEAST(creatinine / CASE WHEN sex = 'F' THEN 0.7 ELSE 0.9 END, 1.0), -0.3) * GREATEST(creatinine / 0.7, 1.0) * age");
    assert_eq!(found, ["derived column `egfr` has a value in 2 of 5 rows where `creatinine` has none: LEAST and GREATEST skip missing values"]);
    for fine in [
        "CASE WHEN creatinine IS NOT NULL THEN LEAST(creatinine, 1.0) END",
        "COALESCE(LEAST(creatinine, age), 0)",
        "creatinine * age",
        "creatinine + GREATEST(0, 1)",
        "CASE WHEN creatinine > 1 THEN 1 ELSE 0 END",
    ] {
        assert!(warned(fine).is_empty(), "{fine}");
    }
}
