//! Expressions: what is refused, what the contract's examples give, and the equation of the main study.

use super::*;
use crate::error::codes;

const UNITS: &str = "g,y,birth_date,admit_date,death_date,creatinine,age,sex,name\n\
    a,0,1950-01-01,2020-01-01,,0.8,50,F,x\n\
    b,1,1960-06-15,2020-06-15,2020-07-15,1.4,70,M,y\n\
    b,0,1970-01-01,2020-01-01,2020-02-01,0.6,30,F,z\n";

#[test]
fn what_looks_at_other_rows_or_the_clock_is_refused() {
    for sql in [
        "COUNT(*)",
        "SUM(age)",
        "age - AVG(age)",
        "MAX(age)",
        "SUM(age) OVER (PARTITION BY g)",
        "ROW_NUMBER() OVER (ORDER BY age)",
        "LAG(age)",
        "(SELECT 1)",
        "age IN (SELECT age FROM t)",
        "EXISTS (SELECT 1)",
        "CURRENT_DATE",
        "NOW()",
        "RANDOM()",
        "age AS a",
        "*",
        "age +",
        "age; DROP TABLE t",
        "NOSUCH(age)",
        "death_date > '2020-01-01'",
        "admit_date + 30",
        "name + 1",
        "SELECT age FROM t",
        "median(age)",
        "FIRST(age)",
    ] {
        let p = Study::new(UNITS).derive("z", sql).columns().err().unwrap_or_else(|| panic!("{sql} was accepted"));
        assert_eq!(all_codes(&p), [codes::G207], "{sql}: {}", shown(&p));
    }
    let p = Study::new(UNITS).keep("k", "age + 1").check_problem();
    assert_eq!(p.code, codes::G211, "{}", p.message);
}

#[test]
fn a_duration_is_no_number() {
    for sql in [
        "CAST(admit_date - birth_date AS DOUBLE)",
        "(admit_date - birth_date)::int / 365",
        "admit_date - birth_date > 30",
        "(admit_date - birth_date) + 1",
        "GREATEST(admit_date - birth_date, 0)",
    ] {
        let p = Study::new(UNITS).derive("z", sql).check_problem();
        assert_eq!(p.code, codes::G208, "{sql}: {}", p.message);
        assert!(p.help.as_deref().is_some_and(|h| h.contains("/ INTERVAL '1 day'")), "{sql}");
    }
    let columns = Study::new(UNITS).derive("z", "admit_date - birth_date").columns().unwrap_or_default();
    assert_eq!(columns.by_name["z"].kind, Kind::Duration);
}

#[test]
fn an_interval_that_cannot_be_read_is_refused() {
    for sql in [
        "admit_date + INTERVAL 'day'",
        "admit_date + interval '30'",
        "admit_date + INTERVAL '30 dys'",
        "'it''s' = 'x' OR admit_date + INTERVAL ' 3' > admit_date",
    ] {
        let p = Study::new(UNITS).derive("z", sql).check_problem();
        assert_eq!((p.code, p.message.ends_with("is not an interval")), (codes::G207, true), "{sql}: {}", p.message);
    }
    assert!(Study::new(UNITS).derive("z", "admit_date + INTERVAL '1 day 6 hours'").columns().is_ok());
}

#[test]
fn names_that_look_like_functions_are_columns() {
    let csv = "g,y,count,first,Length of Stay\na,0,1,2,3\nb,1,2,3,4\n";
    let cohort = Study::new(csv).derive("z", "count + first * \"Length of Stay\"").x("z").cohort();
    assert_eq!(cohort.columns["z"], Values::Number(vec![7.0, 14.0]));
}

#[test]
fn the_examples_of_the_contract() {
    let study = Study::new(UNITS)
        .derive("age_years", "(admit_date - birth_date) / INTERVAL '1 day' / 365.25")
        .derive("died_30d", "CASE WHEN death_date <= admit_date + INTERVAL '30 days' THEN 1 ELSE 0 END")
        .derive("admit_year", "DATE_PART('year', admit_date)")
        .derive("half", "age / 2")
        .keep("adults", "age_years >= 18")
        .x("age_years")
        .x("died_30d")
        .x("admit_year")
        .x("half");
    let columns = study.columns().unwrap_or_else(|p| panic!("{}", shown(&p)));
    for name in ["age_years", "died_30d", "admit_year", "half"] {
        assert_eq!((columns.by_name[name].kind, columns.by_name[name].table.clone()), (Kind::Number, None), "{name}");
    }
    let cohort = study.cohort();
    // Days by the calendar: 1950-01-01..2020-01-01 has 70 years and 17 leap days, 1960-06-15..2020-06-15 60 and 15, 1970..2020 50 and 12.
    let years: Vec<f64> = [70 * 365 + 17, 60 * 365 + 15, 50 * 365 + 12].iter().map(|d| f64::from(*d) / 365.25).collect();
    let Values::Number(got) = &cohort.columns["age_years"] else { panic!("numbers") };
    got.iter().zip(&years).for_each(|(g, e)| assert!((g - e).abs() < 1e-12, "{g} {e}"));
    // 2020-07-15 is 30 days after 2020-06-15, 2020-02-01 is 31 days after 2020-01-01.
    assert_eq!(cohort.columns["died_30d"], Values::Number(vec![0.0, 1.0, 0.0]));
    assert_eq!(cohort.columns["half"], Values::Number(vec![25.0, 35.0, 15.0]));
    assert_eq!(cohort.columns["admit_year"], Values::Number(vec![2020.0; 3]));
}

/// CKD-EPI 2021 creatinine equation without race: Inker et al., N Engl J Med 2021;385:1737.
#[test]
fn ckd_epi_2021_in_sql() {
    let spelt = [
        "142 * POWER(LEAST(creatinine / CASE WHEN sex = 'F' THEN 0.7 ELSE 0.9 END, 1.0), CASE WHEN sex = 'F' THEN -0.241 ELSE -0.302 END) \
         * POWER(GREATEST(creatinine / CASE WHEN sex = 'F' THEN 0.7 ELSE 0.9 END, 1.0), -1.2) \
         * POWER(0.9938, age) * CASE WHEN sex = 'F' THEN 1.012 ELSE 1.0 END",
        "CASE WHEN sex = 'F' THEN 142 * POWER(LEAST(creatinine / 0.7, 1.0), -0.241) * POWER(GREATEST(creatinine / 0.7, 1.0), -1.2) * POWER(0.9938, age) * 1.012 \
         ELSE 142 * POWER(LEAST(creatinine / 0.9, 1.0), -0.302) * POWER(GREATEST(creatinine / 0.9, 1.0), -1.2) * POWER(0.9938, age) END",
        "CASE WHEN sex = 'F' THEN 142 * POWER(LEAST(creatinine / 0.7, 1), -0.241) * POWER(GREATEST(creatinine / 0.7, 1), -1.2) * POWER(0.9938, age) * 1.012 \
         ELSE 142 * POWER(LEAST(creatinine / 0.9, 1), -0.302) * POWER(GREATEST(creatinine / 0.9, 1), -1.2) * POWER(0.9938, age) END",
    ];
    // By hand, in full precision: 142 * (0.8/0.7)^-1.2 * 0.9938^50 * 1.012; 142 * (1.4/0.9)^-1.2 * 0.9938^70; 142 * (0.6/0.7)^-0.241 * 0.9938^30 * 1.012.
    let expected = [
        142.0 * (0.8f64 / 0.7).powf(-1.2) * 0.9938f64.powi(50) * 1.012,
        142.0 * (1.4f64 / 0.9).powf(-1.2) * 0.9938f64.powi(70),
        142.0 * (0.6f64 / 0.7).powf(-0.241) * 0.9938f64.powi(30) * 1.012,
    ];
    for (k, sql) in spelt.iter().enumerate() {
        let study = Study::new(UNITS).derive("egfr", sql).x("egfr");
        let cohort = study.build().unwrap_or_else(|p| panic!("spelling {k}: {}", shown(&p)));
        let Values::Number(got) = &cohort.columns["egfr"] else { panic!("numbers") };
        got.iter().zip(expected).for_each(|(g, e)| assert!((g - e).abs() < 1e-9, "spelling {k}: {g} {e}"));
    }
}

#[test]
fn nulls_stay_nulls_and_casts_that_fail_are_data_errors() {
    let csv = "g,y,x,t\na,0,1,5\nb,1,,6 units\na,1,3,7\nb,0,4,8\n";
    let cohort = Study::new(csv).derive("z", "x + 1").x("z").cohort();
    assert_eq!(cohort.columns["z"], Values::Number(vec![2.0, 4.0, 5.0]));
    let p = Study::new(csv).derive("z", "CAST(t AS DOUBLE)").x("z").problem();
    assert_eq!(p.code, codes::G301, "{}", p.message);
    assert!(!shown(&[p]).contains("units"), "values are not shown");
    let cohort = Study::new(csv).derive("z", "TRY_CAST(t AS DOUBLE)").x("z").cohort();
    assert_eq!(cohort.columns["z"], Values::Number(vec![5.0, 7.0, 8.0]));
    // The logarithm of 0 is a missing value, and counted.
    let cohort = Study::new(csv).derive("z", "LN(y)").variable("z", Coding::Auto, MissingRule::Impute { with: Fill::Mean, flag: true }).cohort();
    let Values::Number(z) = &cohort.columns["z"] else { panic!("a number") };
    assert_eq!(z.iter().map(|v| v.is_nan()).collect::<Vec<_>>(), [true, false, false, true]);
    assert!(cohort.warnings.iter().any(|w| w.code == codes::G330 && w.message.contains("2 values are not defined")));
}

#[test]
fn a_column_without_any_value_fits_every_expression() {
    let csv = "g,y,admit_date,death_date\na,0,2020-01-01,\nb,1,2020-01-01,\n";
    let study = Study::new(csv).derive("died", "CASE WHEN death_date <= admit_date + INTERVAL '30 days' THEN 1 ELSE 0 END").x("died");
    assert!(study.columns().is_ok(), "{}", shown(&study.columns().err().unwrap_or_default()));
    assert_eq!(study.cohort().columns["died"], Values::Number(vec![0.0, 0.0]));
    let p = Study::new(csv).derive("n", "death_date + INTERVAL '1 day'").check_problem();
    assert!(p.help.as_deref().is_some_and(|h| h.contains("`death_date` has no value")), "{:?}", p.help);
    let declared = Study::new(csv).types("t", &[("death_date", ColumnType::Date { format: None })]).derive("n", "death_date + INTERVAL '1 day'");
    assert!(declared.columns().is_ok());
}

#[test]
fn a_first_date_far_down_is_found_by_the_dry_run() {
    let mut csv = String::from("g,y,d\n");
    (0..12_000).for_each(|i| csv.push_str(&format!("{},{},{}\n", ["a", "b"][i % 2], i % 3 % 2, if i == 11_990 { "2020-01-01" } else { "" })));
    let study = Study::new(&csv).keep("late", "d > DATE '2019-01-01'");
    assert_eq!(study.columns().map(|c| c.by_name["d"].kind), Ok(Kind::Date));
}
