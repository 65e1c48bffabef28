//! An adversary adds and subtracts what is shown; no withheld count may come out.

use super::super::schema;
use super::super::table::Cell;
use super::*;
use proptest::prelude::*;

mod hospitals;
mod varied;

const MIN: i64 = 11;

fn rule() -> Rule {
    Rule { min: MIN }
}

/// A new column of estimates cannot stay behind where the rest of its row is withheld.
#[test]
fn every_number_of_a_decomposition_is_an_estimate() {
    let tables = [&schema::DECOMPOSITION, &schema::DECOMPOSITION_DETAIL, &schema::HOSPITAL, &schema::SENSITIVITY, &schema::WITH_AND_WITHOUT];
    for (t, c) in tables.iter().flat_map(|t| t.columns.iter().map(move |c| (t, c))).filter(|(_, c)| c.kind == schema::Kind::Number) {
        assert!(ESTIMATES.contains(&c.name.as_ref()), "{} of {}", c.name, t.name);
    }
}

/// A set of linear functionals with known values, kept in reduced row echelon form. Entries stay small integers and
/// their quotients, so doubles do.
struct Known {
    rows: Vec<Vec<f64>>,
}

impl Known {
    fn reduce(&self, mut f: Vec<f64>) -> Vec<f64> {
        for row in &self.rows {
            let pivot = row.iter().position(|v| v.abs() > 1e-9).unwrap_or(0);
            let times = f[pivot];
            if times.abs() > 1e-9 {
                f.iter_mut().zip(row).for_each(|(a, b)| *a -= times * b);
            }
        }
        f
    }

    fn learn(&mut self, f: Vec<f64>) {
        let mut f = self.reduce(f);
        let Some(pivot) = f.iter().position(|v| v.abs() > 1e-9) else { return };
        let lead = f[pivot];
        f.iter_mut().for_each(|v| *v /= lead);
        for row in &mut self.rows {
            let times = row[pivot];
            row.iter_mut().zip(&f).for_each(|(a, b)| *a -= times * b);
        }
        self.rows.push(f);
    }

    fn knows(&self, f: &[f64]) -> bool {
        self.reduce(f.to_vec()).iter().all(|v| v.abs() < 1e-6)
    }
}

/// removed[k][g]: what step k took from group g (reference, index groups, neither). The groups are known at every level.
fn attrition_table(start: &[i64], removed: &[Vec<i64>]) -> Table {
    let index: Vec<String> = (2..start.len()).map(|g| format!("g{g}")).collect();
    let mut t = Table::attrition(&index);
    let columns = schema::attrition_index_columns(&t);
    let mut now = start.to_vec();
    for (k, step) in removed.iter().enumerate() {
        let before: i64 = now.iter().sum();
        now.iter_mut().zip(step).for_each(|(n, r)| *n -= r);
        let after: i64 = now.iter().sum();
        let mut cells = vec![
            ("step", Cell::from(k)),
            ("name", "s".into()),
            ("n_before", before.into()),
            ("n_removed", (before - after).into()),
            ("n_after", after.into()),
            ("n_reference", now[0].into()),
        ];
        cells.extend(columns.iter().zip(&now[1..]).map(|(c, n)| (c.as_str(), Cell::from(*n))));
        t.push(&cells).unwrap();
    }
    t
}

/// Every count of units that somebody could be counted in: levels and removals over any steps, by group and in total.
fn natural(levels: usize, groups: usize) -> Vec<Vec<f64>> {
    let mut out = Vec::new();
    let sets: Vec<Vec<usize>> = (0..groups).map(|g| vec![g]).chain([(0..groups).collect()]).collect();
    for set in &sets {
        for from in 0..levels {
            for to in std::iter::once(None).chain((from + 1..levels).map(Some)) {
                let mut f = vec![0.0; levels * groups];
                for &g in set {
                    f[from * groups + g] = 1.0;
                    if let Some(to) = to {
                        f[to * groups + g] = -1.0;
                    }
                }
                out.push(f);
            }
        }
    }
    out
}

fn attack_attrition(start: &[i64], removed: &[Vec<i64>]) -> Result<(), TestCaseError> {
    let groups = start.len();
    let levels = removed.len() + 1;
    let mut truth: Vec<i64> = start.to_vec();
    let mut now = start.to_vec();
    for step in removed {
        now.iter_mut().zip(step).for_each(|(n, r)| *n -= r);
        truth.extend(&now);
    }
    let mut t = attrition_table(start, removed);
    let columns: Vec<String> = std::iter::once("n_reference".to_owned()).chain(schema::attrition_index_columns(&t)).collect();
    attrition::withhold(&mut t, rule(), &mut Ledger::default()).unwrap();

    let mut known = Known { rows: Vec::new() };
    let whole = |level: usize, sign: f64, f: &mut Vec<f64>| (0..groups).for_each(|g| f[level * groups + g] += sign);
    for row in 0..removed.len() {
        for (column, plus, minus) in [("n_before", Some(row), None), ("n_after", Some(row + 1), None), ("n_removed", Some(row), Some(row + 1))] {
            if t.int(row, column).is_some() {
                let mut f = vec![0.0; levels * groups];
                plus.into_iter().for_each(|l| whole(l, 1.0, &mut f));
                minus.into_iter().for_each(|l| whole(l, -1.0, &mut f));
                known.learn(f);
            }
        }
        for (g, column) in columns.iter().enumerate() {
            if t.int(row, column).is_some() {
                let mut f = vec![0.0; levels * groups];
                f[(row + 1) * groups + g] = 1.0;
                known.learn(f);
            }
        }
    }
    // Table gap shows the sizes at the end that are not small.
    for g in 0..groups - 1 {
        if !rule().small(truth[(levels - 1) * groups + g]) {
            let mut f = vec![0.0; levels * groups];
            f[(levels - 1) * groups + g] = 1.0;
            known.learn(f);
        }
    }
    let natural = natural(levels, groups);
    let value = |f: &[f64]| f.iter().zip(&truth).map(|(a, b)| a * *b as f64).sum::<f64>().round() as i64;
    // What is 0 in total is 0 in every group and at every step between.
    loop {
        let before = known.rows.len();
        for f in &natural {
            if value(f) == 0 && known.knows(f) {
                for g in natural.iter().filter(|g| value(g) == 0 && within(g, f, groups)) {
                    known.learn(g.clone());
                }
            }
        }
        if known.rows.len() == before {
            break;
        }
    }
    for f in &natural {
        prop_assert!(!(rule().small(value(f)) && known.knows(f)), "{} comes out of {:?} {:?}", value(f), start, removed);
    }
    Ok(())
}

/// Whether the units that `part` counts are among those that `whole` counts.
fn within(part: &[f64], whole: &[f64], groups: usize) -> bool {
    let span = |f: &[f64]| {
        let levels: Vec<usize> = f.iter().enumerate().filter(|(_, v)| **v != 0.0).map(|(k, _)| k / groups).collect();
        let from = levels.iter().min().copied().unwrap_or(0);
        let to = f.iter().enumerate().filter(|(_, v)| **v < 0.0).map(|(k, _)| k / groups).max().unwrap_or(usize::MAX);
        let gs: Vec<usize> = f.iter().enumerate().filter(|(_, v)| **v > 0.0).map(|(k, _)| k % groups).collect();
        (from, to, gs)
    };
    let (pf, pt, pg) = span(part);
    let (wf, wt, wg) = span(whole);
    pg.iter().all(|g| wg.contains(g)) && wf <= pf && pt <= wt
}

/// Removals that are often 0 or small.
fn removal() -> impl Strategy<Value = i64> {
    prop_oneof![3 => Just(0i64), 3 => 1..MIN, 2 => MIN..60]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_small_removal_comes_out_of_the_cohort_flow(
        (start_extra, removed) in (2usize..5, 1usize..6).prop_flat_map(|(groups, steps)| {
            (prop::collection::vec(prop_oneof![1i64..MIN, MIN..300], groups), prop::collection::vec(prop::collection::vec(removal(), groups), steps))
        })
    ) {
        let start: Vec<i64> = (0..start_extra.len()).map(|g| start_extra[g] + removed.iter().map(|r| r[g]).sum::<i64>()).collect();
        attack_attrition(&start, &removed)?;
    }

    /// Levels sum to the known n of the group: nothing small may be left over, alone or as a sum of all that is hidden.
    #[test]
    fn no_small_level_comes_out_of_table_one(counts in prop::collection::vec(prop_oneof![Just(0i64), 1..MIN, MIN..200], 1..7), rest in prop_oneof![3 => Just(0i64), 1 => 1..MIN, 1 => MIN..50]) {
        let n: i64 = counts.iter().sum::<i64>() + rest;
        let mut t = Table::new(&schema::TABLE_ONE);
        for (k, c) in counts.iter().enumerate() {
            let p = *c as f64 / n.max(1) as f64;
            t.push(&[
                ("index_group", "B".into()), ("block", "s".into()), ("variable", "v".into()), ("level", format!("l{k}").into()),
                ("mean_reference", 0.3.into()), ("mean_index", p.into()), ("smd", 0.1.into()), ("n_missing_reference", 0.into()), ("n_missing_index", 0.into()),
                ("_n_reference", 1000.into()), ("_n_index", n.into()), ("_count_reference", 300.into()), ("_count_index", (*c).into()),
            ]).unwrap();
        }
        levels::withhold(&mut t, rule(), &mut Ledger::default());
        let hidden: Vec<i64> = (0..counts.len()).filter(|&r| t.number(r, "mean_index").is_none()).map(|r| counts[r]).chain((rest > 0).then_some(rest)).collect();
        let small_hidden = hidden.iter().any(|&c| rule().small(c));
        for (r, &c) in counts.iter().enumerate() {
            prop_assert!(!(rule().small(c) && t.number(r, "mean_index").is_some()), "a small level is shown");
        }
        if small_hidden {
            let sum: i64 = hidden.iter().sum();
            let everything = hidden.iter().filter(|&&c| c > 0).count() == counts.iter().filter(|&&c| c > 0).count() + usize::from(rest > 0);
            prop_assert!(everything || (hidden.len() >= 2 && sum >= MIN), "{hidden:?} is known by its sum");
            prop_assert!((0..counts.len()).all(|r| t.number(r, "smd").is_none()));
        }
    }
}

fn gap_table(events_index: u64, n_index: u64) -> Table {
    let mut t = Table::new(&schema::GAP);
    t.push(&[
        ("index_group", "B".into()),
        ("reference_group", "W".into()),
        ("outcome", "y".into()),
        ("scale", "risk_difference".into()),
        ("estimate", 0.1.into()),
        ("conf_low", 0.05.into()),
        ("mean_reference", 0.2.into()),
        ("mean_index", (events_index as f64 / n_index as f64).into()),
        ("n_reference", 1000u64.into()),
        ("n_index", n_index.into()),
        ("_events_reference", 200u64.into()),
        ("_events_index", events_index.into()),
    ])
    .unwrap();
    t
}

fn parts() -> Table {
    let mut t = Table::new(&schema::DECOMPOSITION);
    for part in ["gap", "explained"] {
        t.push(&[
            ("index_group", "B".into()),
            ("analysis", "primary".into()),
            ("method", "with_and_without".into()),
            ("part", part.into()),
            ("component", "total".into()),
            ("estimate", 0.1.into()),
            ("scale", "risk_difference".into()),
        ])
        .unwrap();
    }
    t
}

fn study() -> Meta {
    Meta { family: "binomial".into(), primary: "primary".into(), index: vec!["B".into()], ..Meta::default() }
}

#[test]
fn estimates_on_few_events_units_or_non_events_are_withheld() {
    // (events, n, withheld): 10 of 100, 11 of 100, 90 non-events, 10 non-events, 9 units
    for (events, n, gone) in [(10, 100, true), (11, 100, false), (90, 101, false), (91, 101, true), (5, 9, true), (0, 100, true)] {
        let run = withhold(study(), vec![gap_table(events, n)], 11).unwrap().0;
        let t = run.get(&schema::GAP).unwrap();
        assert_eq!(t.number(0, "estimate").is_none(), gone, "{events} of {n}");
        assert_eq!(t.number(0, "mean_index").is_none(), gone, "{events} of {n}");
        assert_eq!(t.flag(0, "withheld"), gone);
        assert_eq!(t.int(0, "n_index").is_none(), n < 11);
        assert!(t.number(0, "mean_reference").is_some());
        assert!(t.columns.iter().all(|c| !c.starts_with('_')), "hidden columns are gone");
    }
}

#[test]
fn a_study_with_nothing_left_ends_with_g601() {
    let problems = withhold(study(), vec![gap_table(3, 100), parts()], 11).unwrap_err();
    assert_eq!(problems[0].code, codes::G601);
    // Withholding switched off shows everything.
    let (all, warnings) = withhold(study(), vec![gap_table(3, 100), parts()], 0).unwrap();
    assert!(warnings.is_empty());
    assert_eq!(all.get(&schema::DECOMPOSITION).unwrap().number(1, "estimate"), Some(0.1));
}

#[test]
fn withholding_is_counted_in_one_warning() {
    let (run, warnings) = withhold(study(), vec![gap_table(3, 100)], 11).unwrap();
    assert_eq!(warnings.len(), 1);
    assert_eq!(warnings[0].code, codes::G602);
    // estimate, conf_low and mean_index
    assert_eq!(warnings[0].notes, ["gap: 3"]);
    assert_eq!(run.meta.problems.len(), 1);
}

/// p_index = contribution / coefficient + p_reference: with one of them away, it cannot be had.
#[test]
fn a_withheld_level_does_not_come_back_through_its_coefficient() {
    let mut one = Table::new(&schema::TABLE_ONE);
    for (level, index) in [("a", 3u64), ("b", 47), ("c", 50)] {
        one.push(&[
            ("index_group", "B".into()),
            ("block", "s".into()),
            ("variable", "v".into()),
            ("level", level.into()),
            ("mean_reference", 0.3.into()),
            ("mean_index", (index as f64 / 100.0).into()),
            ("n_missing_reference", 0.into()),
            ("n_missing_index", 0.into()),
            ("_n_reference", 1000.into()),
            ("_n_index", 100.into()),
            ("_count_reference", 300.into()),
            ("_count_index", index.into()),
        ])
        .unwrap();
    }
    let mut coefficients = Table::new(&schema::COEFFICIENTS);
    let mut detail = Table::new(&schema::DECOMPOSITION_DETAIL);
    for (term, variable, level, n) in
        [("x", "x", None, None), ("v=a", "v", Some("a"), Some(3u64)), ("v=b", "v", Some("b"), Some(47)), ("z", "z", None, None)]
    {
        let shared = [
            ("index_group", Cell::from("B")),
            ("term", term.into()),
            ("block", "s".into()),
            ("estimate", 0.5.into()),
            ("_variable", variable.into()),
            ("_level", level.into()),
            ("_n_level_reference", n.map(|_| 300u64).into()),
            ("_n_level_index", n.into()),
        ];
        let mut cells = shared.to_vec();
        cells.extend([("blocks", "s".into()), ("fitted_in", "reference".into()), ("_events_level", n.map(|_| 100u64).into())]);
        coefficients.push(&cells).unwrap();
        let mut cells = shared.to_vec();
        cells.extend([("analysis", "by_hand".into()), ("method", "oaxaca_blinder".into()), ("part", "explained".into())]);
        detail.push(&cells).unwrap();
    }
    let (run, _) = withhold(study(), vec![gap_table(50, 100), one, coefficients, detail], 11).unwrap();
    let shown = |decl: &schema::TableDecl, column: &str| -> Vec<bool> {
        let t = run.get(decl).unwrap();
        (0..t.rows.len()).map(|r| t.number(r, column).is_some()).collect()
    };
    // b goes with a: 100 less b and c would be a.
    assert_eq!(shown(&schema::TABLE_ONE, "mean_index"), [false, false, true]);
    assert_eq!(shown(&schema::TABLE_ONE, "mean_reference"), [true, true, true]);
    assert_eq!(shown(&schema::COEFFICIENTS, "estimate"), [true, false, false, true]);
    assert_eq!(shown(&schema::DECOMPOSITION_DETAIL, "estimate"), [true, false, false, true]);
}

/// The mean of known values times their number is a whole number, so it would tell how many are missing.
#[test]
fn few_missing_values_take_the_mean_with_them() {
    let mut one = Table::new(&schema::TABLE_ONE);
    one.push(&[
        ("index_group", "B".into()),
        ("block", "s".into()),
        ("variable", "x".into()),
        ("mean_reference", 2.0.into()),
        ("mean_index", 3.0.into()),
        ("sd_index", 1.0.into()),
        ("smd", 0.4.into()),
        ("n_missing_reference", 0.into()),
        ("n_missing_index", 4.into()),
        ("_n_reference", 1000.into()),
        ("_n_index", 96.into()),
    ])
    .unwrap();
    let (run, _) = withhold(study(), vec![gap_table(50, 100), one], 11).unwrap();
    let t = run.get(&schema::TABLE_ONE).unwrap();
    for column in ["n_missing_index", "mean_index", "sd_index", "smd"] {
        assert!(t.cell(0, column).is_null(), "{column}");
    }
    assert_eq!(t.int(0, "n_missing_reference"), Some(0));
    assert_eq!(t.number(0, "mean_reference"), Some(2.0));
}

#[test]
fn a_lone_small_hospital_takes_another_with_it() {
    let mut t = Table::new(&schema::HOSPITAL_UNITS);
    for (name, reference, index) in [("a", 500u64, 300u64), ("b", 400, 4), ("c", 300, 40), ("d", 90, 0)] {
        t.push(&[
            ("index_group", "B".into()),
            ("analysis", "a".into()),
            ("hospital", name.into()),
            ("n_reference", reference.into()),
            ("n_index", index.into()),
        ])
        .unwrap();
    }
    let (run, _) = withhold(study(), vec![gap_table(50, 100), t], 11).unwrap();
    let t = run.get(&schema::HOSPITAL_UNITS).unwrap();
    let names: Vec<&str> = (0..4).map(|r| t.text(r, "hospital")).collect();
    assert_eq!(names, ["a", "d", "", ""]);
    assert_eq!(t.int(1, "n_index"), Some(0));
}

/// Outcomes of a hospital with few events are withheld, its counts stay; a lone one takes another with it. Populations that leave few
/// units out are withheld whole.
#[test]
fn outcomes_of_few_events_and_nearly_equal_populations_are_withheld() {
    let mut t = Table::new(&schema::HOSPITAL_UNITS);
    for (name, events) in [("a", (100u64, 50u64)), ("b", (90, 4)), ("c", (30, 40)), ("d", (3, 5))] {
        t.push(&[
            ("index_group", "B".into()),
            ("analysis", "h".into()),
            ("hospital", name.into()),
            ("n_reference", 500u64.into()),
            ("n_index", 300u64.into()),
            ("between", 0.1.into()),
            ("observed", 0.2.into()),
            ("expected", 0.3.into()),
            ("_events_reference", events.0.into()),
            ("_events_index", events.1.into()),
        ])
        .unwrap();
    }
    let mut rows = Table::new(&schema::HOSPITAL);
    for (left_out, events) in [(0u64, 0u64), (3, 1), (40, 20), (40, 6), (40, 35)] {
        let cells = [("index_group", "B".into()), ("analysis", "h".into()), ("row", "where_they_go".into()), ("estimate", 0.1.into())];
        let without = [("_population_without_index", left_out.into()), ("_population_without_events_index", events.into())];
        rows.push(&[cells.as_slice(), &without].concat()).unwrap();
    }
    for row in ["kitagawa_between", "contextual_lambda"] {
        let cells =
            [("index_group", "B".into()), ("analysis", "h".into()), ("row", row.into()), ("estimate", 0.1.into()), ("_of_counts", true.into())];
        rows.push(&cells).unwrap();
    }
    let (run, _) = withhold(study(), vec![gap_table(50, 100), t, rows], 11).unwrap();
    let t = run.get(&schema::HOSPITAL_UNITS).unwrap();
    let shown = |column: &str| (0..4).map(|r| t.number(r, column).is_some()).collect::<Vec<_>>();
    assert_eq!((0..4).map(|r| t.text(r, "hospital")).collect::<Vec<_>>(), ["a", "b", "c", "d"]);
    // c goes with d, whose eight events of both groups its own would give, and with them those by group.
    assert_eq!(shown("between"), [true, false, false, false]);
    // Alone, the eight events of d would follow from the total: c goes with it.
    assert_eq!(shown("observed"), [true, true, false, false]);
    assert_eq!(shown("expected"), [true; 4]);
    assert_eq!(shown("n_index"), [true; 4]);
    let rows = run.get(&schema::HOSPITAL).unwrap();
    // No unit is left out; few are; enough, with enough events and others; with few events; with few others. Sums over hospitals are withheld.
    assert_eq!((0..7).map(|r| rows.number(r, "estimate").is_some()).collect::<Vec<_>>(), [true, false, true, false, false, false, false]);
}

#[test]
fn shares_of_units_are_counts_too() {
    let mut t = Table::new(&schema::DIAGNOSTICS);
    for (count, of) in [(3u64, 1000u64), (30, 1000), (995, 1000), (0, 1000)] {
        t.push(&[
            ("index_group", "B".into()),
            ("check", "outside".into()),
            ("value", (count as f64 / of as f64).into()),
            ("passed", true.into()),
            ("message", "m".into()),
            ("_count", count.into()),
            ("_of", of.into()),
        ])
        .unwrap();
    }
    let (run, _) = withhold(study(), vec![gap_table(50, 100), t], 11).unwrap();
    let t = run.get(&schema::DIAGNOSTICS).unwrap();
    assert_eq!((0..4).map(|r| t.number(r, "value").is_some()).collect::<Vec<_>>(), [false, true, false, true]);
    assert_eq!(t.cell(0, "passed").bool(), Some(true));
}

#[test]
fn a_missing_count_is_a_bug_and_not_a_leak() {
    let mut t = Table::new(&schema::GAP);
    t.push(&[
        ("index_group", "B".into()),
        ("reference_group", "W".into()),
        ("outcome", "y".into()),
        ("scale", "risk_difference".into()),
        ("n_reference", 5u64.into()),
        ("n_index", 50u64.into()),
    ])
    .unwrap();
    assert_eq!(withhold(study(), vec![t], 11).unwrap_err()[0].code, codes::G901);
    assert_eq!(withhold(study(), vec![parts()], 11).unwrap_err()[0].code, codes::G901);
}

#[test]
fn free_text_shows_counts_through_the_same_rule() {
    assert_eq!(["0", "fewer than 11", "fewer than 11", "11"], [0, 1, 10, 11].map(|n| shown_count(n, 11)).each_ref().map(String::as_str));
    assert_eq!(shown_count(3, 0), "3");
}

#[test]
fn warnings_show_counts_only_if_none_is_small_or_computable() {
    use super::shown_text;
    let keeps = "`bp`: 79 (53 white, 26 black) missing values were filled with the median 63";
    assert_eq!(shown_text(keeps, 11), keeps);
    assert_eq!(shown_text("`bp`: 80 (3 > $50k, 77 $11-$25k) missing", 11), "`bp`: [withheld] ([withheld] > $50k, [withheld] $11-$25k) missing");
    // 23,660 - 23,655 patients have a row.
    assert_eq!(shown_text("23655 of 23660 rows have no row", 11), "[withheld] of [withheld] rows have no row");
    assert_eq!(shown_text("3 of 5", 0), "3 of 5");
}

/// Rows 0.. of attrition, and joins that stand after some of its steps: what is shown of a join never gives a small count.
#[test]
fn joins_show_no_more_than_attrition() {
    let join = |unmatched: &str, step: i64, rows: i64, matched: i64, table: i64| {
        vec![
            ("joined_table", Cell::from("t")),
            ("key", Cell::from("k")),
            ("unmatched", Cell::from(unmatched)),
            ("n_rows", Cell::from(rows)),
            ("n_matched", Cell::from(matched)),
            ("n_unmatched", Cell::from(rows - matched)),
            ("n_table", Cell::from(table)),
            ("_after_step", Cell::from(step)),
        ]
    };
    // Attrition: 1000 rows, a join that drops `dropped`, a step that removes 200.
    for (dropped, joins, shown) in [
        // Nothing small.
        (100, vec![join("drop", 0, 1000, 900, 50), join("keep", 1, 900, 850, 40)], vec![[true, true, true], [true, true, true]]),
        // Few are dropped: attrition hides the rows before, and so do the joins.
        (5, vec![join("drop", 0, 1000, 995, 50), join("keep", 1, 995, 900, 40)], vec![[false, false, true], [true, true, true]]),
        // Few have no match, or nearly all of another join's matches.
        (100, vec![join("keep", 0, 1000, 997, 50), join("keep", 1, 900, 850, 40)], vec![[true, false, true], [true, true, true]]),
        (100, vec![join("keep", 0, 1000, 850, 50), join("keep", 1, 900, 853, 40)], vec![[true, true, true], [true, false, true]]),
        // All, or none, have one; a table of few rows.
        (100, vec![join("error", 0, 1000, 1000, 7), join("keep", 1, 900, 0, 40)], vec![[true, true, false], [true, true, true]]),
    ] {
        let mut attrition = attrition_table(&[500, 500], &[vec![0, 0], vec![dropped / 2, dropped - dropped / 2], vec![100, 100]]);
        let mut ledger = Ledger::default();
        attrition::withhold(&mut attrition, rule(), &mut ledger).unwrap();
        let mut table = Table::new(&schema::JOINS);
        joins.iter().for_each(|j| table.push(j).unwrap());
        super::joins(&mut table, &shown_flow(&attrition), rule(), &mut ledger);
        for (row, want) in shown.iter().enumerate() {
            let is = ["n_rows", "n_matched", "n_table"].map(|c| !table.cell(row, c).is_null());
            assert_eq!(is, *want, "dropped {dropped}, row {row}");
            assert_eq!(table.cell(row, "n_matched").is_null(), table.cell(row, "n_unmatched").is_null());
            assert_eq!(table.flag(row, "withheld"), want.contains(&false));
        }
    }
}

#[test]
fn few_missing_values_are_withheld_in_every_group() {
    let mut t = Table::new(&schema::MISSINGNESS);
    for (group, variable, n, missing) in
        [("W", "a", 1000u64, 90u64), ("B", "a", 100, 5), ("W", "b", 1000, 90), ("B", "b", 100, 30), ("W", "c", 1000, 0), ("B", "c", 100, 95)]
    {
        t.push(&[
            ("group", group.into()),
            ("variable", variable.into()),
            ("n", n.into()),
            ("n_missing", missing.into()),
            ("share_missing", (missing as f64 / n as f64).into()),
            ("rule", "drop_row".into()),
        ])
        .unwrap();
    }
    let flow = attrition_table(&[1000, 100], &[vec![0, 0]]);
    let run = withhold(study(), vec![gap_table(50, 100), flow, t], 11).unwrap().0;
    let t = run.get(&schema::MISSINGNESS).unwrap();
    let shown: Vec<Option<i64>> = (0..6).map(|r| t.int(r, "n_missing")).collect();
    assert_eq!(shown, [None, None, Some(90), Some(30), None, None]);
    assert!((0..6).all(|r| t.number(r, "share_missing").is_some() == shown[r].is_some() && t.int(r, "n").is_some()));
}
