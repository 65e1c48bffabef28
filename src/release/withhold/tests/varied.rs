//! Table `sensitivity`: samples and settings that differ by few units, rows that rest on few.

use super::*;

/// Reference and index, or events and units that have none.
type Pair = (u64, u64);

/// Trimmed samples, from all units on: left out of reference and index, and what each estimate is.
fn trimmed(steps: &[(u64, u64)], n: (u64, u64), events: (u64, u64)) -> Table {
    let with_events: Vec<_> = steps.iter().map(|step| (*step, events)).collect();
    trimmed_events(&with_events, n)
}

/// As [`trimmed`], with the events of those that are left.
fn trimmed_events(steps: &[(Pair, Pair)], n: Pair) -> Table {
    let mut t = Table::new(&schema::SENSITIVITY);
    for (at, ((reference, index), events)) in steps.iter().enumerate() {
        t.push(&[
            ("index_group", "B".into()),
            ("analysis", "primary".into()),
            ("variation", "trimming".into()),
            ("setting", at.to_string().into()),
            ("component", "total".into()),
            ("part", "gap".into()),
            ("estimate", 0.05.into()),
            ("n_reference", (n.0 - reference).into()),
            ("n_index", (n.1 - index).into()),
            ("_left_out_reference", (*reference).into()),
            ("_left_out_index", (*index).into()),
            ("_events_reference", events.0.into()),
            ("_events_index", events.1.into()),
        ])
        .unwrap();
    }
    t
}

#[test]
fn trimmed_samples_that_differ_by_few_units_are_withheld() {
    // Against the last one shown, not against the one before; half of those that go have the event.
    let steps = [(0, 0), (0, 5), (40, 24), (40, 30), (50, 80), (120, 80)];
    let t = trimmed_events(&steps.map(|(w, b)| ((w, b), (200 - w / 2, 100 - b / 2))), (1000, 500));
    let (run, _) = withhold(study(), vec![gap_table(100, 500), t], 11).unwrap();
    let t = run.get(&schema::SENSITIVITY).unwrap();
    let shown = |column: &str| (0..6).map(|r| t.number(r, column).is_some()).collect::<Vec<_>>();
    assert_eq!(shown("estimate"), [true, false, true, false, false, true]);
    assert_eq!(shown("n_index"), shown("estimate"));
    assert_eq!(shown("n_reference"), shown("estimate"));
    // Few events, few others, and neither among 40 index units that go.
    for (gone, seen) in [(10, false), (30, false), (0, false), (20, true)] {
        let t = trimmed_events(&[((0, 0), (200, 100)), ((0, 40), (200, 100 - gone))], (1000, 500));
        let (run, _) = withhold(study(), vec![gap_table(100, 500), t], 11).unwrap();
        assert_eq!(run.get(&schema::SENSITIVITY).unwrap().number(1, "estimate").is_some(), seen, "{gone} events");
    }
    // Too few events or units are left.
    for (n, events) in [((1000, 500), (200, 4)), ((1000, 500), (955, 100)), ((1000, 49), (200, 20))] {
        let t = trimmed(&[(40, 40)], n, events);
        let (run, _) = withhold(study(), vec![gap_table(100, 500), t], 11).unwrap();
        assert_eq!(run.get(&schema::SENSITIVITY).unwrap().number(0, "estimate"), None, "{n:?} {events:?}");
    }
}

/// Units that lack a control outcome, and figures that count units, follow the rule of every count.
#[test]
fn controls_on_few_units_or_events_are_withheld() {
    let shown = |left_out: (u64, u64), n: (u64, u64), events: Option<(u64, u64)>, scale: &str, count: Option<u64>| {
        let mut t = Table::new(&schema::SENSITIVITY);
        t.push(&[
            ("index_group", "B".into()),
            ("analysis", "primary".into()),
            ("variation", if count.is_some() { "learner" } else { "negative_control" }.into()),
            ("setting", "x".into()),
            ("component", "total".into()),
            ("estimate", 0.05.into()),
            ("scale", scale.into()),
            ("n_reference", (n.0 - left_out.0).into()),
            ("n_index", (n.1 - left_out.1).into()),
            ("_left_out_reference", left_out.0.into()),
            ("_left_out_index", left_out.1.into()),
            ("_events_reference", events.map(|e| e.0).into()),
            ("_events_index", events.map(|e| e.1).into()),
            ("_count", count.into()),
            ("_of", count.map(|_| 1500u64).into()),
        ])
        .unwrap();
        let (run, _) = withhold(study(), vec![gap_table(100, 500), t], 11).unwrap();
        let t = run.get(&schema::SENSITIVITY).unwrap();
        ["estimate", "n_reference", "n_index"].map(|c| t.number(0, c).is_some())
    };
    let n = (1000, 500);
    assert_eq!(shown((0, 40), n, Some((300, 100)), "risk_difference", None), [true, true, true]);
    // Three index units lack it: known units less these would tell, and so would a gap of means over what is left.
    assert_eq!(shown((0, 3), n, Some((300, 100)), "risk_difference", None), [false, true, false]);
    assert!(!shown((0, 40), n, Some((300, 4)), "risk_difference", None)[0]);
    assert!(!shown((0, 40), n, Some((995, 100)), "risk_difference", None)[0]);
    assert!(shown((0, 40), n, Some((995, 800)), "rate_difference", None)[0]);
    assert_eq!(shown((0, 492), n, None, "mean_difference", None), [false, true, false]);
    assert_eq!([0, 3, 40, 1495].map(|count| shown((0, 0), n, None, "", Some(count))[0]), [true, false, true, false]);
}

/// Moved by itself, a variable takes its own contribution with it, and a benchmark is a function of its proportions.
#[test]
fn rows_about_one_variable_with_a_small_level_are_withheld() {
    let mut one = Table::new(&schema::TABLE_ONE);
    for (variable, count) in [("rare", 3u64), ("common", 40)] {
        one.push(&[
            ("index_group", "B".into()),
            ("block", "s".into()),
            ("variable", variable.into()),
            ("mean_index", (count as f64 / 500.0).into()),
            ("_n_reference", 1000.into()),
            ("_n_index", 500.into()),
            ("_count_reference", 300.into()),
            ("_count_index", count.into()),
        ])
        .unwrap();
    }
    let mut t = Table::new(&schema::SENSITIVITY);
    let both = format!("common{SEPARATOR}rare");
    for variables in [None, Some("rare"), Some("common"), Some(both.as_str())] {
        t.push(&[
            ("index_group", "B".into()),
            ("analysis", "primary".into()),
            ("variation", "contested".into()),
            ("component", "s".into()),
            ("estimate", 0.05.into()),
            ("_variables", variables.into()),
        ])
        .unwrap();
    }
    let (run, _) = withhold(study(), vec![gap_table(100, 500), one, t], 11).unwrap();
    let t = run.get(&schema::SENSITIVITY).unwrap();
    assert_eq!((0..4).map(|r| t.number(r, "estimate").is_some()).collect::<Vec<_>>(), [true, false, true, false]);
    assert!(t.columns.iter().all(|c| !c.starts_with('_')));
}

/// Complete cases that are few units fewer give those away by a difference.
#[test]
fn samples_that_differ_by_few_units_are_withheld() {
    let mut t = Table::new(&schema::MISSING_METHODS);
    for (missing, n, left, events) in
        [("study", 100u64, 0i64, 50u64), ("complete_case", 95, 5, 48), ("indicator", 89, 11, 45), ("multiple_imputation", 100, 0, 5)]
    {
        t.push(&[
            ("index_group", "B".into()),
            ("analysis", "primary".into()),
            ("missing", missing.into()),
            ("part", "gap".into()),
            ("component", "total".into()),
            ("estimate", 0.1.into()),
            ("n_reference", 1000u64.into()),
            ("n_index", n.into()),
            ("_left_out_reference", 0i64.into()),
            ("_left_out_index", left.into()),
            ("_events_reference", 200u64.into()),
            ("_events_index", events.into()),
        ])
        .unwrap();
    }
    let run = withhold(study(), vec![gap_table(50, 100), t], 11).unwrap().0;
    let t = run.get(&schema::MISSING_METHODS).unwrap();
    let shown: Vec<bool> = (0..4).map(|r| t.number(r, "estimate").is_some() && t.int(r, "n_index").is_some()).collect();
    assert_eq!(shown, [true, false, true, false]);
}
