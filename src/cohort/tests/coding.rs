//! The design matrix.

use super::*;
use crate::cohort::coding::code;
use crate::design::{DescribedValues, Design};
use crate::error::codes;

#[track_caller]
fn design(study: &Study) -> (Design, Problems) {
    code(&study.cohort(), &study.roles).unwrap_or_else(|p| panic!("{}", shown(&p)))
}

#[track_caller]
fn refused(study: &Study) -> Problems {
    code(&study.cohort(), &study.roles).expect_err("a problem")
}

fn terms(d: &Design) -> Vec<&str> {
    d.columns.iter().map(|c| c.term.as_str()).collect()
}

fn column(d: &Design, term: &str) -> Vec<f64> {
    let k = d.columns.iter().position(|c| c.term == term).unwrap_or_else(|| panic!("no {term} in {:?}", terms(d)));
    d.x.column(k).to_vec()
}

const CSV: &str = "g,y,age,educ,smoker,h,c\n\
    b,1,30,hs,true,9,7\n\
    a,0,40,college,false,10,7\n\
    c,1,50,hs,false,9,7\n\
    a,1,60,none,true,10,7\n\
    b,0,70,hs,false,9,7\n\
    a,0,80,college,true,11,7\n";

#[test]
fn rows_are_sorted_by_group_and_terms_are_named() {
    let mut study = Study::new(CSV).variable_as("age", Role::Allowable, Coding::Auto, MissingRule::DropRow).x("educ").x("smoker").x("c");
    study.roles.group.index = vec![value("c"), value("b")];
    let (d, warnings) = design(&study);
    assert_eq!(d.cohort_row, [1, 3, 5, 2, 0, 4]);
    assert_eq!(d.groups.iter().map(|g| (g.label.as_str(), g.rows.clone())).collect::<Vec<_>>(), [("a", 0..3), ("c", 3..4), ("b", 4..6)]);
    assert_eq!(terms(&d), ["(intercept)", "(group)", "age", "educ=college", "educ=none", "smoker=true"]);
    assert_eq!(column(&d, "(group)"), [0.0, 0.0, 0.0, 1.0, 1.0, 1.0]);
    assert_eq!(column(&d, "age"), [40.0, 60.0, 80.0, 50.0, 30.0, 70.0]);
    assert_eq!(column(&d, "educ=college"), [1.0, 0.0, 1.0, 0.0, 0.0, 0.0]);
    assert_eq!(d.columns[2].role, Role::Allowable);
    assert_eq!((d.columns[3].role, d.columns[3].level.as_deref(), d.columns[3].variable.as_str()), (Role::Block(0), Some("college"), "educ"));
    let factors: Vec<_> = d.factors.iter().map(|f| (f.variable.as_str(), f.base.as_str(), f.columns.clone(), f.fixed_effects)).collect();
    // smoker: three each, the first in text order is the base.
    assert_eq!(factors, [("educ", "hs", vec![3, 4], false), ("smoker", "false", vec![5], false)]);
    let (h, _) = design(&Study::new(CSV).variable("h", Coding::FixedEffects, MissingRule::DropRow));
    // 9 and 10 twice each: the tie goes by text, the columns by number.
    assert_eq!((terms(&h)[2..].to_vec(), h.factors[0].base.as_str(), h.factors[0].fixed_effects), (vec!["h=9", "h=11"], "10", true));
    assert_eq!(column(&h, "h=9"), [0.0, 0.0, 0.0, 1.0, 1.0]);
    assert_eq!(d.dropped.iter().map(|x| x.0.as_str()).collect::<Vec<_>>(), ["c"]);
    assert_eq!(all_codes(&warnings), [codes::G314]);
    assert_eq!(d.y.to_vec(), [0.0, 1.0, 0.0, 1.0, 1.0, 0.0]);
    assert!(!d.weighted && d.weight.iter().all(|w| *w == 1.0));
    assert_eq!(d.described.iter().map(|x| x.variable.as_str()).collect::<Vec<_>>(), ["age", "educ", "smoker", "c"]);
}

#[test]
fn categories_of_numbers_with_base_and_merge() {
    let merge = [("big".to_owned(), vec![Scalar::new("10.0"), Scalar::new(" 11")])].into_iter().collect();
    let study = Study::new(CSV).variable("h", Coding::Categorical { base: Some(Scalar::new("big")), merge }, MissingRule::DropRow);
    let (d, _) = design(&study);
    assert_eq!(terms(&d)[2..], ["h=9"]);
    assert_eq!(d.factors[0].base, "big");
    assert!(matches!(&d.described[0].values, DescribedValues::Category { levels, .. } if levels.len() == 3), "9, 10, 11: as it was before merging");
}

#[test]
fn imputation_fills_flags_and_counts() {
    let csv = "g,y,x,full,s\na,0,1,1,u\na,1,,2,\nb,0,4,3,v\nb,1,,4,\nb,1,10,5,v\n";
    let rule = |with, flag| MissingRule::Impute { with, flag };
    let study = Study::new(csv).variable("x", Coding::Auto, rule(Fill::Median, true)).variable("full", Coding::Auto, rule(Fill::Mean, true));
    let (d, warnings) = design(&study);
    let (level, level_warnings) = design(&Study::new(csv).variable("s", Coding::Auto, MissingRule::Level(Scalar::new("unknown"))));
    assert_eq!(terms(&d), ["(intercept)", "(group)", "x", "x.missing", "full"]);
    // One u, two v, two unknown: the tie goes to `unknown`, the first in text order.
    assert_eq!((terms(&level)[2..].to_vec(), level.factors[0].base.as_str()), (vec!["s=u", "s=v"], "unknown"));
    assert_eq!(column(&d, "x"), [1.0, 4.0, 4.0, 4.0, 10.0], "the median of 1, 4, 10");
    assert_eq!(column(&d, "x.missing"), [0.0, 1.0, 0.0, 1.0, 0.0]);
    assert_eq!(d.dropped[0].0, "full.missing");
    let text = shown(&warnings);
    assert!(text.contains("`x`: 2 (1 a, 1 b) missing values were filled with the median 4"), "{text}");
    let text = shown(&level_warnings);
    assert!(text.contains("`s`: 2 (1 a, 1 b) missing values became the level `unknown`"), "{text}");
    assert!(matches!(&d.described[0].values, DescribedValues::Number(v) if v.iter().filter(|v| v.is_nan()).count() == 2));

    let mean = Study::new(csv).variable("x", Coding::Auto, rule(Fill::Mean, false));
    assert_eq!(column(&design(&mean).0, "x"), [1.0, 5.0, 4.0, 5.0, 10.0]);
    let constant = Study::new(csv).variable("x", Coding::Auto, rule(Fill::Constant(1.2), false));
    assert_eq!(column(&design(&constant).0, "x")[1], 1.2);
    assert_eq!(all_codes(&refused(&Study::new(csv).variable("s", Coding::Auto, rule(Fill::Mean, false)))), [codes::G210]);
    assert_eq!(all_codes(&refused(&Study::new(csv).variable("x", Coding::Auto, MissingRule::Level(Scalar::new("u"))))), [codes::G210]);
    assert_eq!(all_codes(&refused(&Study::new(csv).variable("s", Coding::Auto, MissingRule::Level(Scalar::new("v"))))), [codes::G210]);
}

#[test]
fn splines_logs_and_interactions() {
    let mut csv = String::from("g,y,x,z\n");
    for i in 0..101 {
        csv.push_str(&format!("{},{},{i},{}\n", ["a", "b"][i % 2], i % 3 % 2, ["u", "v", "w"][i % 3]));
    }
    let study = Study::new(&csv).variable("x", Coding::Spline { df: 4 }, MissingRule::DropRow).x("z").variable(
        "x:z",
        Coding::Interaction { of: ["x".to_owned(), "z".to_owned()] },
        MissingRule::DropRow,
    );
    let (d, _) = design(&study);
    assert_eq!(terms(&d)[2..6], ["x.s1", "x.s2", "x.s3", "x.s4"]);
    assert_eq!(terms(&d)[8..11], ["x.s1:z=v", "x.s1:z=w", "x.s2:z=v"]);
    assert_eq!(d.columns.len(), 2 + 4 + 2 + 8);
    let (x, s2) = (column(&d, "x.s1"), column(&d, "x.s2"));
    // Knots at 5, 27.5, 50, 72.5, 95 of 0..100. Hmisc: rcspline.eval(60, knots = c(5, 27.5, 50, 72.5, 95), norm = 2)[1] = (60 - 5)^3 / 90^2.
    let at = x.iter().position(|v| *v == 60.0).unwrap_or_default();
    assert!((s2[at] - 55f64.powi(3) / 8100.0).abs() < 1e-12);
    let product = column(&d, "x.s1:z=v");
    assert!(product.iter().zip(&x).zip(column(&d, "z=v")).all(|((p, x), z)| *p == x * z));

    let log = Study::new(&csv).variable("x", Coding::Log { offset: 1.0 }, MissingRule::DropRow);
    let (d, _) = design(&log);
    assert_eq!(terms(&d)[2], "log(x)");
    assert!((column(&d, "log(x)")[1] - 3f64.ln()).abs() < 1e-15, "the second row of group a has x = 2");
    assert_eq!(all_codes(&refused(&Study::new(&csv).variable("x", Coding::Log { offset: 0.0 }, MissingRule::DropRow))), [codes::G313]);
    let few = Study::new(CSV).variable("h", Coding::Spline { df: 4 }, MissingRule::DropRow);
    assert_eq!(all_codes(&refused(&few)), [codes::G310]);
    assert_eq!(all_codes(&refused(&Study::new(&csv).variable("x", Coding::Spline { df: 9 }, MissingRule::DropRow))), [codes::G213]);
}

#[test]
fn an_interaction_of_columns_that_stand_nowhere_else() {
    let csv = "g,y,x,z\na,0,1,2\nb,1,3,4\na,1,,4\nb,0,5,6\n";
    let study = Study::new(csv).variable("x:z", Coding::Interaction { of: ["x".to_owned(), "z".to_owned()] }, MissingRule::DropRow);
    let cohort = study.cohort();
    assert_eq!(cohort.attrition.last().map(|r| (r.name.as_str(), r.n_removed)), Some(("missing: x:z", 1)));
    assert_eq!(column(&design(&study).0, "x:z"), [2.0, 12.0, 30.0]);
}

#[test]
fn many_levels_are_quick() {
    let mut csv = String::from("g,y,h\n");
    for i in 0..20_000 {
        csv.push_str(&format!("{},{},hospital {}\n", ["a", "b"][i % 2], i % 3 % 2, i % 400));
    }
    let started = std::time::Instant::now();
    let (d, _) = design(&Study::new(&csv).variable("h", Coding::FixedEffects, MissingRule::DropRow));
    assert_eq!(d.columns.len(), 2 + 399);
    assert!(d.x.column(5).sum() == 50.0);
    assert!(started.elapsed().as_secs() < 20);
}

#[test]
fn numbers_that_were_read_as_text_do_not_become_thousands_of_columns() {
    let mut csv = String::from("g,y,x\n");
    for i in 0..2_000 {
        csv.push_str(&format!("{},{}, {}\n", ["a", "b"][i % 2], i % 3 % 2, i % 1_500));
    }
    let problems = refused(&Study::new(&csv).x("x"));
    assert_eq!(all_codes(&problems), [codes::G211]);
    assert!(problems[0].message.contains("1500 levels in 2000 rows"), "{}", problems[0].message);
}
