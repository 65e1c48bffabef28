//! The dirt of real tables: counts are those of the README.md and COLUMNS.md beside them.

use super::*;
use crate::cohort::coding::code;
use crate::error::codes;

fn study(folder: &str, file: &str) -> Option<Study> {
    let dir = shared(folder)?;
    let mut study = Study::new("g,y\na,0\nb,1\n");
    study.plan.tables.insert("t".to_owned(), table_plan("t", file, dir.join(file), Format::Csv));
    Some(study)
}

fn group(study: &mut Study, column: &str, reference: &str, index: &[&str]) {
    study.roles.group = GroupPlan { column: named(column), reference: value(reference), index: index.iter().map(|v| value(v)).collect() };
}

fn outcome(study: &mut Study, column: &str, event: &[&str]) {
    study.roles.outcome.column = named(column);
    study.roles.outcome.event = event.iter().map(|e| value(e)).collect();
}

#[test]
fn right_heart_catheterization() {
    let Some(study) = study("rhc", "rhc.csv") else { return };
    let mut study = study
        .key("ptid")
        .nulls("t", &["", "NA"])
        .types("t", &[("aps1", ColumnType::Number), ("urin1", ColumnType::Number)])
        .derive("kilo", "NULLIF(CAST(TRIM(wtkilo1) AS DOUBLE), 0)");
    group(&mut study, "race", "white", &["black"]);
    outcome(&mut study, "dth30", &["Yes"]);
    let kinds = study.columns().unwrap_or_else(|p| panic!("{}", shown(&p)));
    assert_eq!(
        (kinds.by_name["age"].kind, kinds.by_name["ptid"].kind, kinds.by_name["sadmdte"].kind),
        (Kind::Text, Kind::Text, Kind::Number),
        "padded, leading zeros, plain"
    );
    assert_eq!(kinds.by_name["aps1"].kind, Kind::Number);

    let study = study.x("aps1").x("dnr1").variable("kilo", Coding::Auto, MissingRule::Impute { with: Fill::Median, flag: true }).variable(
        "cat2",
        Coding::Auto,
        MissingRule::Level(Scalar::new("none")),
    );
    let cohort = study.cohort();
    assert_eq!(cohort.attrition[0].n_after, 5735);
    assert_eq!(cohort.attrition[0].by_group, [4460, 920]);
    assert_eq!(cohort.n(), 5380);
    let Values::Category { levels, .. } = &cohort.columns["dnr1"] else { panic!("text") };
    assert_eq!(levels.len(), 3, "{levels:?}");
    assert!(levels.iter().any(|l| l.contains("\"No\"")), "the third level has quotes in it: {levels:?}");
    let Values::Category { code: cat2, .. } = &cohort.columns["cat2"] else { panic!("text") };
    assert!(cat2.iter().filter(|c| **c == u32::MAX).count() > 4000);
    assert!(matches!(&cohort.columns["aps1"], Values::Number(v) if v.iter().all(|v| v.is_finite() && *v >= 3.0 && *v <= 147.0)));
    let (design, warnings) = code(&cohort, &study.roles).unwrap_or_else(|p| panic!("{}", shown(&p)));
    assert_eq!(design.groups[0].rows, 0..4460);
    assert!(warnings.iter().any(|w| w.code == codes::G319 && w.message.contains("`kilo`")), "515 weights of 0 mean missing");

    // age is padded: text and a warning; with a type it is a number.
    let study = study.x("age");
    let warned = study.cohort();
    assert!(matches!(warned.columns["age"], Values::Category { .. }));
    assert!(warned.warnings.iter().any(|w| w.code == codes::G315 && w.message.contains("`age`")));
    let typed = study.types("t", &[("age", ColumnType::Number)]).cohort();
    let Values::Number(age) = &typed.columns["age"] else { panic!("a number") };
    assert!(age.iter().all(|a| (18.0..=102.0).contains(a)));
    assert_eq!(age[0], 70.25098);
}

#[test]
fn sparcs() {
    let Some(study) = study("sparcs_ny_2022", "sparcs_2022_extract.csv") else { return };
    let mut study = study.x("Total Costs");
    group(&mut study, "Race", "White", &["Black/African American"]);
    outcome(&mut study, "Patient Disposition", &["Expired"]);
    let text = study.cohort();
    assert!(
        text.warnings.iter().any(|w| w.code == codes::G315 && w.message.contains("`Total Costs`") && w.message.contains("11991 of its 11999")),
        "{}",
        shown(&text.warnings)
    );

    let study = study.types("t", &[("Total Costs", ColumnType::Number), ("Length of Stay", ColumnType::Integer)]).x("Length of Stay");
    let problems = study.build().err().unwrap_or_default();
    assert_eq!(all_codes(&problems), [codes::G301, codes::G301]);
    assert!(problems[0].message.contains("15 of 11999 cells of `Length of Stay`"), "{}", problems[0].message);
    assert!(problems[1].message.contains("8 of 11999 cells of `Total Costs`"), "{}", problems[1].message);

    let nulled = study.nulls("t", &["", "120 +", "##########"]).x("Permanent Facility Id").cohort();
    assert_eq!(nulled.attrition[0].by_group, [3625, 3116]);
    let Values::Number(days) = &nulled.columns["Length of Stay"] else { panic!("numbers") };
    assert!(days.iter().all(|d| (1.0..=119.0).contains(d)));
}

#[test]
fn diabetes() {
    let Some(study) = study("diabetes130", "diabetic_data.csv") else { return };
    let by = RowStep::First(FirstPlan { name: "first encounter".to_owned(), per: vec![named("patient_nbr")], by: vec![named("encounter_id")] });
    let mut study = study.key("encounter_id").nulls("t", &["", "?"]).step(by).x("A1Cresult").x("payer_code").x("time_in_hospital");
    group(&mut study, "race", "Caucasian", &["AfricanAmerican"]);
    outcome(&mut study, "readmitted", &["<30"]);
    let cohort = study.cohort();
    let names: Vec<(&str, u64, u64)> = cohort.attrition.iter().map(|r| (r.name.as_str(), r.n_before, r.n_after)).collect();
    assert_eq!(names[0], ("rows of t", 101_766, 101_766));
    assert_eq!(names[1], ("first encounter", 101_766, 71_518));
    assert_eq!(cohort.attrition[0].by_group, [76_099, 19_210]);
    assert_eq!(names[4].0, "missing: payer_code");
    let Values::Category { levels, .. } = &cohort.columns["A1Cresult"] else { panic!("text") };
    assert!(levels.iter().any(|l| l == "None"), "a level, not a missing value");
    let Values::Category { levels, .. } = &cohort.columns["payer_code"] else { panic!("text") };
    assert!(levels.len() <= 17 && !levels.iter().any(|l| l == "?"), "18 with `?`: {levels:?}");
    let (design, _) = code(&cohort, &study.roles).unwrap_or_else(|p| panic!("{}", shown(&p)));
    assert_eq!(design.factors[0].base, "None");
}
