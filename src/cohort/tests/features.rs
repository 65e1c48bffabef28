//! Features: what counts, what is counted, and what is refused.

use super::*;
use crate::error::codes;

/// Six units; the third has no index date.
const UNITS: &str = "id,pid,g,y,day,born\n1,p1,a,0,2020-06-10,1950-01-01\n2,p2,b,1,2020-06-20,1950-01-01\n3,p1,a,1,,1950-01-01\n\
                     4,p4,b,0,2020-06-10,2020-06-01\n5,p5,a,0,2020-06-10,1950-01-01\n6,p6,b,1,2020-06-10,1950-01-01\n";

fn days(from: i64, to: i64) -> WindowPlan {
    let bound = |d: i64| Bound { hours: 24 * d, in_hours: false };
    WindowPlan::Between { from: bound(from), to: bound(to) }
}

fn hours(from: i64, to: i64) -> WindowPlan {
    let bound = |hours: i64| Bound { hours, in_hours: true };
    WindowPlan::Between { from: bound(from), to: bound(to) }
}

/// A feature `f` of the table `e` by `id`, of `value` at `at`, relative to `day`.
fn feature(take: Take, window: WindowPlan) -> FeaturePlan {
    FeaturePlan {
        column: named("f"),
        table: named("e"),
        by: vec![(named("id"), named("id"))],
        keep: None,
        value: Some(named("value")),
        at: Some(named("at")),
        index_date: (window != WindowPlan::AnyTime).then(|| named("day")),
        window,
        birth_date: None,
        same_day: None,
        take,
        unit: None,
        plausible: None,
        codes: None,
    }
}

fn study(events: &str, plan: FeaturePlan) -> Study {
    Study::new(UNITS).table("e", events).step(RowStep::Feature(Box::new(plan))).variable(
        "f",
        Coding::Auto,
        MissingRule::Impute { with: Fill::Median, flag: true },
    )
}

/// The values of `f`; NaN is missing.
#[track_caller]
fn values(cohort: &Cohort) -> Vec<f64> {
    match &cohort.columns["f"] {
        Values::Number(v) => v.clone(),
        Values::Category { levels, code } => {
            code.iter().map(|c| levels.get(*c as usize).map_or(f64::NAN, |l| f64::from(u8::from(l == "true")))).collect()
        }
    }
}

#[track_caller]
fn assert_values(cohort: &Cohort, expected: &[f64]) {
    let found = values(cohort);
    assert!(
        found.len() == expected.len() && found.iter().zip(expected).all(|(a, b)| a == b || a.is_nan() && b.is_nan()),
        "{found:?}, not {expected:?}\n{}",
        shown(&cohort.warnings)
    );
}

const NONE: f64 = f64::NAN;

/// Unit 1: two before, one on the day, one after. Unit 2: on both edges of the window and one beyond each. Unit 5: only later events.
const LABS: &str = "id,at,value\n1,2020-06-01,1.0\n1,2020-06-12,9.0\n1,2020-06-09,2.5\n1,2020-06-10,4.0\n2,2020-05-21,7.0\n2,2020-06-20,8.0\n\
                    2,2020-05-20,100.0\n2,2020-06-21,100.0\n5,2020-06-11,3.0\n77,2020-06-01,5.0\n3,2020-06-01,6.0\n";

#[test]
fn windows_include_their_bounds_and_nothing_beyond() {
    for (take, expected) in [
        (Take::First, [1.0, 7.0, NONE, NONE, NONE, NONE]),
        (Take::Last, [4.0, 8.0, NONE, NONE, NONE, NONE]),
        (Take::Min, [1.0, 7.0, NONE, NONE, NONE, NONE]),
        (Take::Max, [4.0, 8.0, NONE, NONE, NONE, NONE]),
        (Take::Mean, [2.5, 7.5, NONE, NONE, NONE, NONE]),
        // Units without an event have 0 and false; the third has no index date, and so no answer.
        (Take::Count, [3.0, 2.0, NONE, 0.0, 0.0, 0.0]),
        (Take::Any, [1.0, 1.0, NONE, 0.0, 0.0, 0.0]),
    ] {
        let mut s = study(LABS, feature(take.clone(), days(-30, 0)));
        if take == Take::Any {
            s.roles.variables[0].missing = MissingRule::Level(crate::vocab::Scalar::new("none"));
        }
        let cohort = s.cohort();
        assert_values(&cohort, &expected);
        let c = cohort.features[0].counts;
        assert_eq!((c.rows, c.matched, c.in_window, c.used, c.same_day), (11, 10, 5, 5, 2), "{take:?}");
        assert_eq!((cohort.features[0].units, cohort.features[0].units_with_event), (6, 2));
    }
    assert_values(&study(LABS, feature(Take::Max, days(-30, -1))).cohort(), &[2.5, 7.0, NONE, NONE, NONE, NONE]);
    assert_values(&study(LABS, feature(Take::Count, days(1, 30))).cohort(), &[1.0, 1.0, NONE, 0.0, 1.0, 0.0]);
    assert_values(&study(LABS, feature(Take::Count, WindowPlan::AnyTime)).cohort(), &[4.0, 4.0, 1.0, 0.0, 1.0, 0.0]);
}

#[test]
fn the_order_of_the_rows_does_not_matter() {
    let mut lines: Vec<&str> = LABS.lines().collect();
    lines[1..].reverse();
    for take in [Take::First, Take::Last, Take::Min, Take::Max, Take::Mean, Take::Count] {
        let (a, b) = (study(LABS, feature(take.clone(), days(-30, 0))).cohort(), study(&lines.join("\n"), feature(take, days(-30, 0))).cohort());
        assert_values(&b, &values(&a));
    }
}

/// Time stamps on the index day: 08:00 before and 20:00 after an operation at 12:00.
const TIMED: &str = "id,at,value\n1,2020-06-10 08:00,1.5\n1,2020-06-10 20:00,9.5\n1,2020-06-09 23:00,0.5\n";

#[test]
fn a_value_after_the_index_date_never_leaks_in() {
    // The index date has no time: what came first on that day is not known, so the day is left out, counted, and said.
    let cohort = study(TIMED, feature(Take::Last, days(-30, 0))).cohort();
    assert_values(&cohort, &[0.5, NONE, NONE, NONE, NONE, NONE]);
    assert_eq!(cohort.features[0].counts.same_day, 2);
    assert!(cohort.warnings.iter().any(|w| w.code == codes::G321 && w.message.contains("2 events")), "{}", shown(&cohort.warnings));
    for (rule, expected) in [(SameDay::Include, 9.5), (SameDay::Exclude, 0.5)] {
        let cohort = study(TIMED, FeaturePlan { same_day: Some(rule), ..feature(Take::Last, days(-30, 0)) }).cohort();
        assert_eq!(values(&cohort)[0], expected);
        assert!(cohort.warnings.iter().all(|w| w.code != codes::G321));
    }
    // Dates under dates: the day is in, as the bounds say, and how many events lie on it is said.
    let cohort = study(LABS, feature(Take::Last, days(-30, 0))).cohort();
    assert!(cohort.warnings.iter().any(|w| w.code == codes::G321 && w.message.contains("2 events lie on the index day and count")));
    // In a window that goes on beyond the day it counts.
    assert_eq!(values(&study(TIMED, feature(Take::Count, days(-30, 1))).cohort())[0], 3.0);
    // With a time, and a date that is midnight, the comparison is exact.
    for (day, expected) in [("2020-06-10 12:00", 1.5), ("2020-06-10 00:00", 0.5), ("2020-06-10 08:00", 1.5), ("2020-06-10 07:59", 0.5)] {
        let units = UNITS.replacen("2020-06-10", day, 1).replace("2020-06-20", "2020-06-20 00:00");
        let exact = |window| {
            let plan = feature(Take::Last, window);
            Study::new(&units).table("e", TIMED).step(RowStep::Feature(Box::new(plan))).variable(
                "f",
                Coding::Auto,
                MissingRule::Impute { with: Fill::Median, flag: true },
            )
        };
        assert_eq!(values(&exact(days(-30, 0)).cohort())[0], expected, "{day}");
        assert_eq!(values(&exact(hours(-24, 0)).cohort())[0], expected, "{day}");
    }
    // Dates of events under an index date with a time: the day itself is not known to come before it.
    let units = UNITS.replacen("2020-06-10", "2020-06-10 12:00", 1);
    let s = Study::new(&units).table("e", LABS).step(RowStep::Feature(Box::new(feature(Take::Last, days(-30, 0)))));
    let s = s.variable("f", Coding::Auto, MissingRule::Impute { with: Fill::Median, flag: true });
    assert_eq!(values(&s.cohort())[0], 2.5);
    let p = study(LABS, feature(Take::Last, hours(-24, 0))).problem();
    assert_eq!((p.code, p.message.contains("in hours")), (codes::G211, true));
}

#[test]
fn several_units_may_share_a_key() {
    let plan = FeaturePlan { by: vec![(named("pid"), named("patient"))], ..feature(Take::Count, WindowPlan::AnyTime) };
    let cohort = study("patient,at,value\np1,2020-01-01,1\np1,2020-01-02,\np4,2020-01-01,1\n,2020-01-01,1\nx,2020-01-01,1\n", plan).cohort();
    assert_values(&cohort, &[1.0, 0.0, 1.0, 1.0, 0.0, 0.0]);
    let c = cohort.features[0].counts;
    assert_eq!((c.rows, c.matched, c.no_value, c.used), (5, 3, 1, 2));
    let said = shown(&cohort.warnings);
    for part in
        ["1 of 5 rows of `e` have no `patient`", "1 of 5 rows of `e` have a `patient` that no unit has", "1 of 3 events in the window have no value"]
    {
        assert!(said.contains(part), "{part}\n{said}");
    }
    let s = study(
        "patient,at,value\nx,2020-01-01,1\n",
        FeaturePlan { by: vec![(named("pid"), named("patient"))], ..feature(Take::Count, WindowPlan::AnyTime) },
    );
    let cohort = s.cohort();
    assert!(shown(&cohort.warnings).contains("no row of `e` has the `patient` of a unit"), "{}", shown(&cohort.warnings));
}

#[test]
fn ties_go_by_the_file_and_are_counted() {
    let events = "id,at,value\n1,2020-06-09,1\n1,2020-06-09,2\n1,2020-06-09,3\n2,2020-06-19,5\n2,2020-06-19,5\n4,2020-06-01,5\n4,2020-06-02,6\n4,2020-06-02,7\n";
    for (take, expected, tied, differing) in
        [(Take::First, [1.0, 5.0, NONE, 5.0, NONE, NONE], 2, 1), (Take::Last, [3.0, 5.0, NONE, 7.0, NONE, NONE], 3, 2)]
    {
        let cohort = study(events, feature(take, days(-30, 0))).cohort();
        assert_values(&cohort, &expected);
        assert_eq!((cohort.features[0].units_tied, cohort.features[0].units_tied_differing), (tied, differing));
        assert!(cohort.warnings.iter().any(|w| w.code == codes::G318 && w.message.contains(&format!("in {differing} units"))));
    }
}

#[test]
fn where_and_missing_times_are_counted() {
    let events = "id,at,value,kind\n1,2020-06-09,1,x\n1,2020-06-08,2,\n1,,3,x\n2,2020-06-19,5,y\n";
    let cohort = study(events, FeaturePlan { keep: Some(named("kind = 'x'")), ..feature(Take::Max, days(-30, 0)) }).cohort();
    assert_values(&cohort, &[1.0, NONE, NONE, NONE, NONE, NONE]);
    let c = cohort.features[0].counts;
    assert_eq!((c.kept, c.where_null, c.no_time, c.used), (2, 1, 1, 1));
    let p = study(events, FeaturePlan { keep: Some(named("kind = 1")), ..feature(Take::Max, days(-30, 0)) }).check_problem();
    assert_eq!(p.code, codes::G207);
    let p = study(events, FeaturePlan { keep: Some(named("value")), ..feature(Take::Max, days(-30, 0)) }).check_problem();
    assert_eq!((p.code, p.message.contains("not true or false")), (codes::G211, true));
    let p = study(events, FeaturePlan { keep: Some(named("knd = 'x'")), ..feature(Take::Max, days(-30, 0)) }).check_problem();
    assert_eq!((p.code, p.help.as_deref()), (codes::G203, Some("write `kind`")));
}

fn creatinine(of: Option<&str>, factors: &[(&str, f64)], on_unknown: OnBadValue) -> FeaturePlan {
    let unit = MeasurePlan {
        column: named("unit"),
        to: named("mg/dL"),
        of: of.map(named),
        unstated: None,
        factors: factors.iter().map(|(u, f)| ((*u).to_owned(), *f)).collect(),
        on_unknown,
    };
    FeaturePlan { unit: Some(unit), ..feature(Take::Max, days(-30, 0)) }
}

#[test]
fn units_of_measurement_are_converted_and_never_guessed() {
    let events = "id,at,value,unit\n1,2020-06-09,88.4,umol/L\n1,2020-06-08,0.5,mg/dL\n2,2020-06-19,0.02,g/L\n4,2020-06-09,176.8,µmol/L\n";
    let cohort = study(events, creatinine(Some("creatinine"), &[], OnBadValue::Error)).cohort();
    assert_values(&cohort, &[1.0, 2.0, NONE, 2.0, NONE, NONE]);
    assert_eq!(cohort.features[0].counts.converted, 3);
    let cohort = study(events, creatinine(None, &[("umol/L", 0.01)], OnBadValue::Error)).cohort();
    assert_values(&cohort, &[0.01 * 88.4, 2.0, NONE, 0.01 * 176.8, NONE, NONE]);

    let p = study(events, creatinine(None, &[], OnBadValue::Error)).problem();
    assert_eq!(p.code, codes::G323);
    assert!(p.message.contains("2 of 4 values") && p.message.contains("`umol/L` (1)"), "{}", p.message);
    assert!(p.help.unwrap_or_default().contains("of: creatinine"));
    let strange = format!("{events}5,2020-06-09,3,furlong\n6,2020-06-09,1,\n");
    let p = study(&strange, creatinine(Some("creatinine"), &[], OnBadValue::Error)).problem();
    assert!(p.message.contains("2 of 6 values") && p.message.contains("`furlong` (1)") && p.message.contains("no unit (1)"), "{}", p.message);
    let cohort = study(&strange, creatinine(Some("creatinine"), &[], OnBadValue::SetNull)).cohort();
    assert_values(&cohort, &[1.0, 2.0, NONE, 2.0, NONE, NONE]);
    assert_eq!(cohort.features[0].counts.unknown_unit, 2);
    let mut plan = creatinine(Some("creatinine"), &[], OnBadValue::SetNull);
    plan.unit.as_mut().expect("a unit").unstated = Some("umol/L".to_owned());
    assert_values(&study(&strange, plan).cohort(), &[1.0, 2.0, NONE, 2.0, NONE, 1.0 / 88.4]);
    // A unit that is not known is no matter where its row does not count.
    let later = format!("{events}5,2020-06-19,3,furlong\n");
    assert_values(&study(&later, creatinine(Some("creatinine"), &[], OnBadValue::Error)).cohort(), &[1.0, 2.0, NONE, 2.0, NONE, NONE]);

    let p = study(events, creatinine(Some("creatinin"), &[], OnBadValue::Error)).check_problem();
    assert_eq!((p.code, p.help.unwrap_or_default().contains("`creatinine`")), (codes::G210, true));
}

#[test]
fn implausible_values_are_set_aside_or_pointed_out() {
    let events = "id,at,value\n1,2020-06-09,1.0\n2,2020-06-19,1e9\n4,2020-06-09,1.2\n5,2020-06-09,0.9\n";
    let cohort = study(events, feature(Take::Max, days(-30, 0))).cohort();
    assert_values(&cohort, &[1.0, 1e9, NONE, 1.2, 0.9, NONE]);
    let said = cohort.warnings.iter().find(|w| w.code == codes::G324).map(|w| w.message.clone());
    assert_eq!(said.as_deref(), Some("feature `f`: 1 of 4 units have a value more than 1000 times the median"));
    let cohort = study(events, FeaturePlan { plausible: Some([0.1, 30.0]), ..feature(Take::Max, days(-30, 0)) }).cohort();
    assert_values(&cohort, &[1.0, NONE, NONE, 1.2, 0.9, NONE]);
    assert_eq!(cohort.features[0].counts.implausible, 1);
    assert!(cohort.warnings.iter().any(|w| w.code == codes::G322 && w.message.contains("1 of 4 values lie outside")));
}

#[test]
fn events_before_birth_are_set_aside() {
    let events = "id,at,value\n4,2020-05-31,1\n4,2020-06-01,2\n1,1949-12-31,3\n1,2020-06-01,4\n";
    let cohort = study(events, FeaturePlan { birth_date: Some(named("born")), ..feature(Take::First, WindowPlan::AnyTime) }).cohort();
    assert_values(&cohort, &[4.0, NONE, NONE, 2.0, NONE, NONE]);
    assert_eq!(cohort.features[0].counts.before_birth, 2);
    assert!(shown(&cohort.warnings).contains("2 of 4 events are dated before the birth"), "{}", shown(&cohort.warnings));
}

fn coded(list: Vec<CodeSource>) -> FeaturePlan {
    FeaturePlan { codes: Some(CodesPlan { column: named("code"), list, system: None }), value: None, ..feature(Take::Count, WindowPlan::AnyTime) }
}

fn inline(list: &[&str]) -> Vec<CodeSource> {
    list.iter().map(|c| CodeSource::Code(named(c))).collect()
}

const CODES: &str =
    "id,at,code\n1,2020-06-01,E11.9\n1,2020-06-02,E1165\n2,2020-06-03,I25.10\n4,2020-06-01,I26.0\n5,2020-06-01,e10\n9,2020-06-01,E10.1\n";

#[test]
fn code_lists() {
    for (list, expected) in [
        (&["E11*"][..], [2.0, 0.0, 0.0, 0.0, 0.0, 0.0]),
        (&["E119"], [1.0, 0.0, 0.0, 0.0, 0.0, 0.0]),
        (&["I20-I25"], [0.0, 1.0, 0.0, 0.0, 0.0, 0.0]),
        (&["I20-I26", "E10"], [0.0, 1.0, 0.0, 1.0, 1.0, 0.0]),
    ] {
        assert_values(&study(CODES, coded(inline(list))).cohort(), &expected);
    }
    let cohort = study(CODES, coded(inline(&["E11*", "E13*", "E10"]))).cohort();
    let found: Vec<(&str, u64, u64)> = cohort.features[0].codes.iter().map(|c| (c.code.as_str(), c.rows, c.units)).collect();
    assert_eq!(found, [("E11*", 2, 1), ("E13*", 0, 0), ("E10", 1, 1)]);
    assert!(shown(&cohort.warnings).contains("codes of its list that match no event of the cohort: E13*"), "{}", shown(&cohort.warnings));
    let p = study(CODES, coded(inline(&["I25-I20"]))).check_problem();
    assert_eq!((p.code, p.message.as_str()), (codes::G210, "the range `I25-I20` is upside down"));
}

#[test]
fn codes_keep_their_zeros() {
    // As numbers these would be 389 and 250.
    let events = "id,at,code\n1,2020-06-01,0389\n2,2020-06-02,250.00\n4,2020-06-02,250.0\n5,2020-06-02,33510\n";
    assert_values(&study(events, coded(inline(&["038.9"]))).cohort(), &[1.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
    assert_values(&study(events, coded(inline(&["25000"]))).cohort(), &[0.0, 1.0, 0.0, 0.0, 0.0, 0.0]);
    let events = "id,at,code\n1,2020-06-01,250.00\n2,2020-06-02,250.83\n5,2020-06-02,33510\n";
    assert_values(&study(events, coded(inline(&["250.00", "33510-33536"]))).cohort(), &[1.0, 0.0, 0.0, 0.0, 1.0, 0.0]);
}

#[test]
fn code_lists_in_files() {
    let with_file = |text: &str| {
        let s = Study::new(UNITS).table("e", CODES);
        let path = s.dir.path().join("codes.csv");
        std::fs::write(&path, text).expect("written");
        let mut plan = coded(vec![CodeSource::File { path: "codes.csv".to_owned(), resolved: path, place: None }]);
        plan.at = None;
        s.step(RowStep::Feature(Box::new(plan))).x("f")
    };
    let cohort = with_file("code,system,label\nE11*,ICD-10-CM,Type 2 diabetes\nI20-I25,ICD-10-CM,\"Coronary, heart disease\"\n").cohort();
    assert_values(&cohort, &[2.0, 1.0, 0.0, 0.0, 0.0, 0.0]);
    let c = &cohort.features[0].codes[1];
    assert_eq!((c.label.as_deref(), c.system.as_deref(), c.file.as_deref()), (Some("Coronary, heart disease"), Some("ICD-10-CM"), Some("codes.csv")));
    let input = cohort.inputs.iter().find(|i| i.table == "cohort.features.f.codes").expect("an input");
    assert_eq!((input.files[0].rows, input.files[0].sha256.len()), (2, 64));
    assert_eq!(cohort.rows_read.get("e"), Some(&6));

    let p = with_file("code,sytem,label\nE11*,x,y\n").check_problem();
    let place = p.place.clone().expect("a place");
    assert_eq!((p.code, place.file.as_ref(), place.line, place.col, place.len), (codes::G203, "codes.csv", 1, 6, 5));
    assert_eq!((p.message.as_str(), p.help.as_deref()), ("the code list `codes.csv` has a column `sytem`", Some("write `system`")));
    let p = with_file("kode\nE11*\n").check_problem();
    assert_eq!((p.code, p.help.as_deref()), (codes::G203, Some("write `code`")));
    let p = with_file("id,name\nE11*,x\n").check_problem();
    assert_eq!((p.code, p.message.as_str()), (codes::G203, "the code list `codes.csv` has no column `code`"));
    let p = with_file("code\nE11*\n\"\"\n").check_problem();
    assert!(p.message.contains("has no code in 1 rows (row 2)"), "{}", p.message);
    let p = with_file("code\n").check_problem();
    assert_eq!(p.message, "the code list of `f` is empty");
}

#[test]
fn features_feed_expressions_steps_and_dates() {
    // The index date is itself a feature: the first row of kind `op`.
    let events = "id,at,value,kind\n1,2020-06-10,0,op\n1,2020-06-01,1.5,lab\n1,2020-06-11,9.5,lab\n2,2020-06-20,0,op\n2,2020-06-19,2.5,lab\n4,2020-06-19,2.5,lab\n5,2020-06-10,0,op\n";
    let op =
        FeaturePlan { column: named("op"), value: Some(named("at")), keep: Some(named("kind = 'op'")), ..feature(Take::First, WindowPlan::AnyTime) };
    let lab = FeaturePlan { keep: Some(named("kind = 'lab'")), index_date: Some(named("op_day")), ..feature(Take::Last, days(-30, 0)) };
    let mut s = Study::new(UNITS).table("e", events);
    let derives =
        vec![DerivePlan { column: named("op_day"), sql: named("op") }, DerivePlan { column: named("twice"), sql: named("2 * COALESCE(f, -1)") }];
    s.plan.steps = super::super::features::ordered(derives, vec![lab, op]).expect("an order");
    let s = s.keep("operated", "op IS NOT NULL").x("twice");
    let cohort = s.cohort();
    assert_eq!(cohort.columns["twice"], Values::Number(vec![3.0, 5.0, -2.0]));
    assert_eq!(cohort.unit_row, [0, 1, 4]);
    let tables: Vec<&str> = cohort.inputs.iter().map(|i| i.table.as_str()).collect();
    assert_eq!(tables, ["t", "e"]);
    assert_eq!(cohort.features.len(), 2);
}

#[test]
fn all_formats_give_the_same() {
    use polars::prelude::{Column, DataFrame, IpcWriter, JsonFormat, JsonWriter, NamedFrom, ParquetWriter, SerWriter, Series};
    let text = |name: &str, v: &[&str]| -> Column { Series::new(name.into(), v).into() };
    let at = ["2020-06-01", "2020-06-12", "2020-06-09", "2020-06-10", "2020-05-21", "2020-06-20"];
    let columns = vec![
        Column::from(Series::new("id".into(), &[1i64, 1, 1, 1, 2, 2])),
        text("at", &at),
        Column::from(Series::new("value".into(), &[1.0, 9.0, 2.5, 4.0, 7.0, 8.0])),
        text("code", &["E11.9", "E11.9", "I10", "E11.9", "E11.9", "E10"]),
    ];
    let mut frame = DataFrame::new(6, columns).expect("a frame");
    let (mut json, mut parquet, mut ipc) = (Vec::new(), Vec::new(), Vec::new());
    JsonWriter::new(&mut json).with_json_format(JsonFormat::JsonLines).finish(&mut frame).expect("written");
    ParquetWriter::new(&mut parquet).finish(&mut frame).expect("written");
    IpcWriter::new(&mut ipc).finish(&mut frame).expect("written");
    for (file, format, bytes) in [("e.ndjson", Format::Ndjson, json), ("e.parquet", Format::Parquet, parquet), ("e.arrow", Format::Ipc, ipc)] {
        let plan = FeaturePlan {
            codes: Some(CodesPlan { column: named("code"), list: inline(&["E11*"]), system: None }),
            ..feature(Take::Last, days(-30, 0))
        };
        let s = Study::new(UNITS).file("e", file, format, &bytes).step(RowStep::Feature(Box::new(plan))).variable(
            "f",
            Coding::Auto,
            MissingRule::Impute { with: Fill::Median, flag: true },
        );
        let s = s.types("e", &[("at", ColumnType::Date { format: None })]);
        let cohort = s.cohort();
        assert_values(&cohort, &[4.0, 7.0, NONE, NONE, NONE, NONE]);
        assert_eq!(cohort.inputs[1].files[0].rows, 6, "{file}");
    }
}

#[test]
fn a_word_on_the_last_row_is_found() {
    let mut events = "id,at,value\n".to_owned();
    (0..150_000).for_each(|k| events.push_str(&format!("{},2020-06-01,{}\n", k % 7, k % 10)));
    let cohort = study(&events, feature(Take::Max, days(-30, 0))).cohort();
    assert_values(&cohort, &[9.0, 9.0, NONE, 9.0, 9.0, 9.0]);
    assert_eq!(cohort.features[0].counts.rows, 150_000);
    events.push_str("1,2020-06-01,high\n");
    let p = study(&events, feature(Take::Max, days(-30, 0))).problem();
    assert_eq!((p.code, p.message.contains("`value` holds text")), (codes::G211, true), "{}", p.message);
    let s = study(&events, feature(Take::Max, days(-30, 0))).types("e", &[("value", ColumnType::Number)]);
    let p = s.problem();
    assert_eq!(p.code, codes::G301);
    assert!(p.message.contains("1 of 150001 cells of `value`") && p.notes[0].contains("row 150001"), "{} {:?}", p.message, p.notes);
}

#[test]
fn kinds_of_values() {
    let p = study(LABS, FeaturePlan { at: Some(named("value")), ..feature(Take::Last, days(-30, 0)) }).check_problem();
    assert_eq!((p.code, p.message.as_str()), (codes::G211, "the time of events is a column of dates, and `value` holds number"));
    let p = study("id,at,value\n1,2020-01-01,x\n", feature(Take::Mean, days(-30, 0))).check_problem();
    assert_eq!((p.code, p.message.as_str()), (codes::G211, "`take: mean` takes numbers or dates, and `value` holds text"));
    let p = study(LABS, FeaturePlan { value: Some(named("vlue")), ..feature(Take::Mean, days(-30, 0)) }).check_problem();
    assert_eq!((p.code, p.help.as_deref()), (codes::G203, Some("write `value`")));
    let p = study(LABS, FeaturePlan { by: vec![(named("id"), named("at"))], ..feature(Take::Count, days(-30, 0)) }).problem();
    assert_eq!(p.code, codes::G211);
}

/// Scores against comorbidipy (tests/known/make_comorbidity.py): patients with each head of a list, codes beside them, and mixtures.
#[test]
fn scores_agree_with_another_program() {
    let known = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/known/comorbidity.csv")).expect("the fixture");
    for (coding, icd) in [("icd10", Icd::Icd10), ("icd9", Icd::Icd9)] {
        let patients: Vec<Vec<&str>> = known.lines().skip(1).map(|l| l.split(',').collect::<Vec<_>>()).filter(|l| l[1] == coding).collect();
        assert!(patients.len() > 800);
        let (mut units, mut events) = ("id,g,y\n".to_owned(), "id,code\n".to_owned());
        for (k, p) in patients.iter().enumerate() {
            units.push_str(&format!("{},{},{}\n", p[0], if k % 2 == 0 { "a" } else { "b" }, k / 2 % 2));
            p[2].split(' ').for_each(|code| events.push_str(&format!("{},{code}\n", p[0])));
        }
        for (column, index, weights) in [
            (3, ScoreIndex::Charlson, Weights::Charlson1987),
            (4, ScoreIndex::Charlson, Weights::Quan2011),
            (5, ScoreIndex::Elixhauser, Weights::VanWalraven),
            (6, ScoreIndex::Elixhauser, Weights::Ahrq),
            (7, ScoreIndex::Elixhauser, Weights::Count),
        ] {
            let take = Take::Score(ScorePlan { index, column: named("code"), coding: icd, weights });
            let plan = FeaturePlan { value: None, at: None, ..feature(take, WindowPlan::AnyTime) };
            let cohort = Study::new(&units).table("e", &events).step(RowStep::Feature(Box::new(plan))).x("f").cohort();
            let expected: Vec<f64> = patients.iter().map(|p| p[column].parse().expect("a score")).collect();
            let wrong: Vec<_> = patients.iter().zip(values(&cohort)).filter(|(p, v)| p[column].parse() != Ok(*v)).take(5).collect();
            assert!(wrong.is_empty(), "{coding} {weights:?}: {wrong:?}");
            assert!(expected.iter().any(|v| *v > 5.0));
            // Each code of the lists is found in some patient.
            let missed: Vec<&str> = cohort.features[0].codes.iter().filter(|c| c.rows == 0).map(|c| c.code.as_str()).collect();
            assert_eq!(missed, [""; 0], "{coding}");
        }
    }
}

/// Time stamps without a zone, and dates among time stamps, are counted and told where an hour decides.
#[test]
fn zones_and_missing_times_of_day_are_counted() {
    let timed = UNITS.replace("2020-06-10", "2020-06-10 12:00").replace("2020-06-20", "2020-06-20 12:00");
    let run = |events: &str, units: &str, declared: bool| {
        let plan = feature(Take::Last, days(-30, 0));
        let mut s = Study::new(units).table("e", events).step(RowStep::Feature(Box::new(plan))).variable(
            "f",
            Coding::Auto,
            MissingRule::Impute { with: Fill::Median, flag: true },
        );
        if declared {
            s = s.types("e", &[("at", ColumnType::Datetime { format: None })]);
        }
        let cohort = s.cohort();
        let c = cohort.features[0].counts;
        let told: Vec<String> =
            cohort.warnings.iter().filter(|w| w.code == codes::G322 && w.message.contains("times in")).map(|w| w.message.clone()).collect();
        (values(&cohort)[0], (c.no_zone, c.no_time_of_day), told)
    };
    let plain = "id,at,value\n1,2020-06-10 08:00,1.5\n1,2020-06-10 13:00,9.5\n2,2020-06-20 10:00,2.5\n";
    assert_eq!(run(plain, &timed, false), (1.5, (Some(3), Some(0)), Vec::new()));
    // A date is midnight, before the operation at noon, whenever it was.
    let dated = format!("{plain}1,2020-06-10,7.5\n");
    let (value, counts, told) = run(&dated, &timed, false);
    assert_eq!((value, counts), (1.5, (Some(3), Some(1))));
    assert_eq!(told, ["1 of 4 times in `at` of `e` have no time of day and were read as midnight"]);
    assert!(run(&dated, UNITS, false).2.is_empty(), "days are compared");
    // Zones alone, and mixed as only a declared type allows.
    let zoned = "id,at,value\n1,2020-06-10T08:00:00Z,1.5\n1,2020-06-10T11:00:00Z,2.5\n2,2020-06-20T10:00:00Z,2.5\n";
    assert_eq!(
        run(zoned, &timed, false),
        (2.5, (Some(0), Some(0)), vec!["3 of 3 times in `at` of `e` say their zone and were read as UTC".to_owned()])
    );
    // With an index date in UTC as well nothing moves; with one alone it does.
    let utc: String = timed.lines().map(|l| l.replace(" 12:00", "T12:00:00Z") + "\n").collect();
    assert!(run(zoned, &utc, false).2.is_empty());
    let told = run(plain, &utc, false).2;
    assert!(told.len() == 1 && told[0].starts_with("3 of 3 times in `at` of `e` say no zone"), "{told:?}");
    let mixed = format!("{zoned}2,2020-06-20 11:00,3.5\n1,,1\n");
    for units in [timed.as_str(), UNITS] {
        let (_, counts, told) = run(&mixed, units, true);
        assert_eq!(counts, (Some(1), Some(0)));
        assert_eq!(told, ["3 of 4 times in `at` of `e` say their zone and were read as UTC; 1 say none and were read as they stand"]);
    }
    // Dates have no zone to say.
    assert_eq!(run(LABS, UNITS, false).1, (None, None));
}
