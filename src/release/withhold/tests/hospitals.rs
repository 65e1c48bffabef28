//! Hospitals: an adversary who adds and subtracts what is shown of them, and the totals.

use super::*;

/// Units and events of a hospital, reference first.
type Counts = [[i64; 2]; 2];

fn units(lists: &[(&str, Vec<Counts>)]) -> Table {
    let mut t = Table::new(&schema::HOSPITAL_UNITS);
    for (group, list) in lists {
        for (h, [n, events]) in list.iter().enumerate().filter(|(_, [n, _])| n[0] + n[1] > 0) {
            t.push(&[
                ("index_group", (*group).into()),
                ("analysis", "h".into()),
                ("hospital", format!("h{h}").into()),
                ("n_reference", n[0].into()),
                ("n_index", n[1].into()),
                ("between", 0.1.into()),
                ("within", 0.1.into()),
                ("observed", 0.2.into()),
                ("expected", 0.2.into()),
                ("effect", 0.2.into()),
                ("_events_reference", events[0].into()),
                ("_events_index", events[1].into()),
                ("_id", "hospital".into()),
            ])
            .unwrap();
        }
    }
    t
}

fn gap(groups: &[(&str, Counts)]) -> Table {
    let mut t = Table::new(&schema::GAP);
    for (group, [n, events]) in groups {
        t.push(&[
            ("index_group", (*group).into()),
            ("reference_group", "W".into()),
            ("outcome", "y".into()),
            ("scale", "risk_difference".into()),
            ("estimate", 0.1.into()),
            ("mean_reference", (events[0] as f64 / n[0] as f64).into()),
            ("mean_index", (events[1] as f64 / n[1] as f64).into()),
            ("n_reference", n[0].into()),
            ("n_index", n[1].into()),
            ("_events_reference", events[0].into()),
            ("_events_index", events[1].into()),
        ])
        .unwrap();
    }
    t
}

fn total(list: &[Counts]) -> Counts {
    list.iter().fold([[0; 2]; 2], |t, c| [0, 1].map(|k| [0, 1].map(|g| t[k][g] + c[k][g])))
}

fn sums(group: &str) -> Vec<Vec<(&'static str, Cell)>> {
    ["kitagawa_between", "kitagawa_within", "contextual_lambda"]
        .map(|row| {
            vec![("index_group", group.into()), ("analysis", "h".into()), ("row", row.into()), ("estimate", 0.1.into()), ("_of_counts", true.into())]
        })
        .to_vec()
}

/// Attacks the lists of one or two index groups, which share the reference group.
fn attack(lists: &[Vec<Counts>]) -> Result<(), TestCaseError> {
    let groups = &["B", "H"][..lists.len()];
    let pairs: Vec<(&str, Vec<Counts>)> = groups.iter().copied().zip(lists.iter().cloned()).collect();
    let totals: Vec<(&str, Counts)> = pairs.iter().map(|(g, l)| (*g, total(l))).collect();
    let mut rows = Table::new(&schema::HOSPITAL);
    groups.iter().flat_map(|g| sums(g)).for_each(|cells| rows.push(&cells).unwrap());
    let tables = vec![gap(&totals), units(&pairs), rows];
    let run = withhold(study(), tables, 11).unwrap().0;
    let (t, shown_gap, rows) = (run.get(&schema::HOSPITAL_UNITS).unwrap(), run.get(&schema::GAP).unwrap(), run.get(&schema::HOSPITAL).unwrap());

    // Unknown: units and events of reference, first and second index group of each hospital.
    let hospitals = lists[0].len();
    let at = |h: usize, of: usize, kind: usize| (h * 3 + of) * 2 + kind;
    let unit = |entries: &[(usize, f64)]| {
        let mut f = vec![0.0; 6 * hospitals];
        entries.iter().for_each(|(k, v)| f[*k] += v);
        f
    };
    let mut known = Known { rows: Vec::new() };
    for (g, group) in groups.iter().enumerate() {
        for (of, n, mean) in [(0, "n_reference", "mean_reference"), (g + 1, "n_index", "mean_index")] {
            for (kind, column) in [(0, n), (1, mean)] {
                if shown_gap.number(g, column).is_some() {
                    known.learn(unit(&(0..hospitals).map(|h| (at(h, of, kind), 1.0)).collect::<Vec<_>>()));
                }
            }
        }
        let mut whole = true;
        let of_group: Vec<usize> = (0..t.rows.len()).filter(|&r| t.text(r, "index_group") == *group).collect();
        for &r in &of_group {
            let Ok(h) = t.text(r, "hospital").trim_start_matches('h').parse::<usize>() else {
                whole = false;
                continue;
            };
            known.learn(unit(&[(at(h, 0, 0), 1.0)]));
            known.learn(unit(&[(at(h, g + 1, 0), 1.0)]));
            let together = t.number(r, "observed").is_some() || t.number(r, "effect").is_some();
            let by_group = t.number(r, "between").is_some() || t.number(r, "within").is_some();
            whole &= by_group && together;
            let none = |of: usize| if lists[g][h][0][of] == 0 { vec![unit(&[(at(h, if of == 0 { 0 } else { g + 1 }, 1), 1.0)])] } else { Vec::new() };
            (0..2).flat_map(none).for_each(|f| known.learn(f));
            if together {
                known.learn(unit(&[(at(h, 0, 1), 1.0), (at(h, g + 1, 1), 1.0)]));
            }
            if by_group {
                known.learn(unit(&[(at(h, 0, 1), 1.0)]));
                known.learn(unit(&[(at(h, g + 1, 1), 1.0)]));
            }
        }
        // A sum in full precision is one more equation, whatever it is of.
        let reaches = (0..rows.rows.len()).any(|r| rows.text(r, "index_group") == *group && rows.number(r, "estimate").is_some());
        prop_assert!(!reaches || whole, "a sum over hospitals is shown, and a hospital is not");
    }
    for h in 0..hospitals {
        for of in 0..=lists.len() {
            let g = of.saturating_sub(1);
            let [n, e] = [0, 1].map(|kind| lists[g][h][kind][usize::from(of > 0)]);
            let (units, events) = (unit(&[(at(h, of, 0), 1.0)]), unit(&[(at(h, of, 1), 1.0)]));
            let others = unit(&[(at(h, of, 0), 1.0), (at(h, of, 1), -1.0)]);
            for (count, f, what) in [(n, &units, "units"), (e, &events, "events"), (n - e, &others, "others")] {
                prop_assert!(!(rule().small(count) && known.knows(f)), "{count} {what} of group {of} at hospital {h} come out of {lists:?}");
            }
        }
    }
    Ok(())
}

fn count() -> impl Strategy<Value = i64> {
    prop_oneof![1 => Just(0i64), 1 => 1..MIN, 4 => MIN..200]
}

fn hospital() -> impl Strategy<Value = [[i64; 2]; 3]> {
    let events = || prop_oneof![2 => 0..100i64, 1 => 30..70i64];
    ((count(), count(), count()), (events(), events(), events()))
        .prop_map(|((a, b, c), (x, y, z))| [[a, a * x / 100], [b, b * y / 100], [c, c * z / 100]])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn no_small_count_comes_out_of_hospitals(hospitals in prop::collection::vec(hospital(), 5..9)) {
        let list = |g: usize| hospitals.iter().map(|[w, a, b]| { let i = if g == 0 { a } else { b }; [[w[0], i[0]], [w[1], i[1]]] }).collect::<Vec<Counts>>();
        let lists = [list(0), list(1)];
        let enough = |t: Counts| (0..2).all(|g| t[1][g] >= MIN && t[0][g] - t[1][g] >= MIN);
        prop_assume!(lists.iter().all(|l| enough(total(l))));
        attack(&lists)?;
        attack(&lists[..1])?;
    }
}

/// Expected outcomes, and means of both groups together, sum to the events of both: those of one group that are too few would be the rest.
#[test]
fn hospitals_do_not_give_the_total_of_a_group_with_few_events() {
    let list: Vec<Counts> = vec![[[100, 50], [30, 4]], [[90, 60], [25, 3]], [[80, 40], [20, 0]]];
    let run = withhold(study(), vec![gap(&[("B", total(&list))]), units(&[("B", list)])], 11).unwrap().0;
    let t = run.get(&schema::HOSPITAL_UNITS).unwrap();
    for column in ["observed", "expected", "between", "within"] {
        assert!((0..3).all(|r| t.number(r, column).is_none()), "{column}");
    }
}

/// Two lists by different columns: only one is shown, that of the primary analysis.
#[test]
fn one_list_of_hospitals_is_shown() {
    let list: Vec<Counts> = vec![[[100, 50], [30, 14]]; 3];
    let mut t = units(&[("B", list.clone())]);
    let first: Vec<Vec<Cell>> = t.rows.clone();
    for row in first {
        let (analysis, id) = (t.position("analysis").unwrap(), t.position("_id").unwrap());
        let mut other = row;
        (other[analysis], other[id]) = ("primary".into(), "system".into());
        t.rows.push(other);
    }
    let run = withhold(study(), vec![gap(&[("B", total(&list))]), t], 11).unwrap().0;
    let t = run.get(&schema::HOSPITAL_UNITS).unwrap();
    let named = |analysis: &str| (0..6).filter(|&r| t.text(r, "analysis") == analysis && !t.cell(r, "hospital").is_null()).count();
    assert_eq!((named("primary"), named("h")), (3, 0));
}
