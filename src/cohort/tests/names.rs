//! Names that do not resolve, and names that stand twice.

use super::*;
use crate::error::codes;

const UNITS: &str = "g,y,hospital_id,age\na,0,1,50\nb,1,2,60\n";

#[test]
fn unknown_names_are_all_reported_with_the_nearest() {
    let study = Study::new(UNITS)
        .table("hospitals", "hospital_id,volume\n1,10\n2,20\n")
        .types("t", &[("agee", ColumnType::Number)])
        .key("idd")
        .join("hospitals", &[("hospital_id", "hospital")], Unmatched::Error)
        .join("hospital", &[("hospital_id", "hospital_id")], Unmatched::Error)
        .derive("old", "aeg > 50")
        .keep("k", "volum > 5");
    let problems = study.columns().err().unwrap_or_default();
    assert_eq!(all_codes(&problems), [codes::G203, codes::G203, codes::G203, codes::G201, codes::G203, codes::G203], "{}", shown(&problems));
    assert!(problems[0].help.as_deref().is_some_and(|h| h.contains("`age`")));
    assert_eq!(problems[3].help.as_deref(), Some("write `hospitals`"));
    let p = &problems[4];
    assert_eq!((p.message.as_str(), p.label.as_deref()), ("column `aeg` is not in any table", Some("not found")));
    assert!(p.notes[0].starts_with("found in `t`: age"), "{:?}", p.notes);
    assert!(problems[5].notes[0].starts_with("found in `hospitals`: volume"), "{:?}", problems[5].notes);
}

#[test]
fn a_column_that_is_derived_later_says_so() {
    let p = Study::new(UNITS).derive("a2", "b2 + 1").derive("b2", "age + 1").check_problem();
    assert_eq!(p.code, codes::G203);
    assert!(p.notes[0].contains("derived further down"));
}

#[test]
fn names_that_collide() {
    let hospitals = "hospital_id,age\n1,10\n2,20\n";
    let study = Study::new(UNITS).table("h", hospitals).join("h", &[("hospital_id", "hospital_id")], Unmatched::Error);
    let p = study.check_problem();
    assert_eq!(p.code, codes::G204);
    assert!(p.message.contains("`t`") && p.message.contains("`h`"), "{}", p.message);
    let mut prefixed = Study::new(UNITS).table("h", hospitals).join("h", &[("hospital_id", "hospital_id")], Unmatched::Error);
    if let Some(RowStep::Join(j)) = prefixed.plan.steps.first_mut() {
        j.prefix = Some("h_".to_owned());
    }
    let columns = prefixed.columns().unwrap_or_default();
    assert_eq!(columns.by_name.keys().map(String::as_str).collect::<Vec<_>>(), ["g", "y", "hospital_id", "age", "h_age"], "the key is not doubled");
    assert_eq!(columns.by_name["h_age"].table.as_deref(), Some("h"));
    assert_eq!(Study::new(UNITS).derive("age", "y + 1").check_problem().code, codes::G204);
    assert_eq!(Study::new(UNITS).derive("z", "y + 1").derive("z", "y + 2").check_problem().code, codes::G204);
}

#[test]
fn a_role_that_is_no_column() {
    let study = Study::new(UNITS).x("agee");
    let p = study.problem();
    assert_eq!((p.code, p.help.as_deref().is_some_and(|h| h.contains("`age`"))), (codes::G203, true));
    let columns = study.columns().unwrap_or_default();
    assert_eq!(crate::cohort::unknown_column(&columns, &named("agee")).message, p.message);
}
