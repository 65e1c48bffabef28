//! Attacks on the released tables: each solves for a count that is withheld from the numbers that are shown, as somebody would who has
//! nothing else. Shown numbers have full precision and counts are whole numbers, so that one equation is often enough.

use crate::real::rows;
use serde_json::Value;
use std::fmt::Write;
use std::path::Path;
use std::process::Command;

/// Patients of one group at one hospital, the first `events` of which have the event.
struct Cell {
    hospital: &'static str,
    group: &'static str,
    n: usize,
    events: usize,
}

const fn cell(hospital: &'static str, group: &'static str, n: usize, events: usize) -> Cell {
    Cell { hospital, group, n, events }
}

/// Six hospitals that may be shown.
fn ordinary() -> Vec<Cell> {
    let of = |h: &'static str, w: (usize, usize), b: (usize, usize)| [cell(h, "white", w.0, w.1), cell(h, "black", b.0, b.1)];
    [
        of("A", (131, 31), (87, 29)),
        of("B", (142, 37), (93, 31)),
        of("C", (123, 27), (79, 23)),
        of("D", (151, 41), (83, 26)),
        of("E", (137, 29), (91, 35)),
        of("F", (127, 33), (77, 19)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// A row of the table: what a test changes about it.
struct Patient {
    hospital: String,
    group: String,
    event: bool,
    level: &'static str,
    treated: bool,
    age: f64,
    income: f64,
}

fn patients(cells: &[Cell]) -> Vec<Patient> {
    let mut x: u64 = 20_240_601;
    let mut next = || {
        x = x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (x >> 11) as f64 / 2f64.powi(53)
    };
    let mut out = Vec::new();
    for c in cells {
        for k in 0..c.n {
            let level = if next() < 0.5 { "x" } else { "y" };
            out.push(Patient {
                hospital: c.hospital.into(),
                group: c.group.into(),
                event: k < c.events,
                level,
                treated: next() < 0.5,
                age: 40.0 + 40.0 * next(),
                income: next() + if c.group == "black" { 0.0 } else { 0.1 },
            });
        }
    }
    out
}

/// What a run gave, and its folder for other files.
struct Run {
    code: i32,
    json: Value,
    text: String,
    stderr: String,
}

/// Everything that a run writes and prints.
fn run_on(patients: &[Patient], study: &str) -> Run {
    let dir = tempfile::tempdir().unwrap();
    let mut csv = String::from("id,hospital,system,group,died,level,treated,age,income,quality\n");
    for (i, p) in patients.iter().enumerate() {
        // TinyClinic and A belong to one system.
        let system = if p.hospital == "TinyClinic" { "A" } else { &p.hospital };
        let quality = p.hospital.bytes().map(f64::from).sum::<f64>() * 0.37 % 1.0;
        let (died, treated) = (u8::from(p.event), u8::from(p.treated));
        writeln!(csv, "{i},{},{system},{},{died},{},{treated},{:.3},{:.4},{quality:.3}", p.hospital, p.group, p.level, p.age, p.income).unwrap();
    }
    std::fs::write(dir.path().join("t.csv"), csv).unwrap();
    let head = "gapshare: 1\nstudy: attack\ntables: { t: { path: t.csv } }\ncohort: { unit: { table: t, key: id } }\n\
                outcome: { column: died, family: binomial }\n";
    let file = dir.path().join("study.yaml");
    std::fs::write(&file, format!("{head}{study}")).unwrap();
    let out = dir.path().join("out");
    let o = Command::new(env!("CARGO_BIN_EXE_gapshare")).args(["run", "--out"]).arg(&out).arg(&file).output().unwrap();
    let stderr = String::from_utf8_lossy(&o.stderr).into_owned();
    let mut text = String::from_utf8_lossy(&o.stdout).into_owned() + &stderr;
    read_all(&out, &mut text);
    let json = std::fs::read(out.join("results.json")).map_or(Value::Null, |b| serde_json::from_slice(&b).unwrap());
    Run { code: o.status.code().unwrap(), json, text, stderr }
}

fn read_all(dir: &Path, text: &mut String) {
    for entry in std::fs::read_dir(dir).into_iter().flatten() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => read_all(&path, text),
            false => text.push_str(&String::from_utf8_lossy(&std::fs::read(&path).unwrap())),
        }
    }
}

const TWO_GROUPS: &str = "group: { column: group, reference: white, index: [black] }\n";
const BLOCKS: &str = "allowable: [age]\nblocks: { ses: [income], hospital: [quality] }\ncausal_order: [ses, hospital]\n";

fn by_hospital(options: &str) -> String {
    format!("{TWO_GROUPS}{BLOCKS}analyses: {{ primary: {{ hospital: {{ id: hospital{options} }} }} }}\n")
}

fn number(row: &Value, key: &str) -> Option<f64> {
    row[key].as_f64()
}

/// Units, events: reference first.
type Counts = [[i64; 2]; 2];

/// The counts of the two hospitals that are withheld (with `None` sizes unknown), as far as totals, the other hospitals' terms and the sums of
/// Kitagawa's division say: every solution in whole numbers. `None`: a number that the equations need is not shown.
fn solve_kitagawa(json: &Value) -> Option<Vec<Counts>> {
    let gap = rows(json, "gap", &[("scale", "risk_difference")])[0];
    let sum = |row: &str| number(rows(json, "hospital", &[("analysis", "primary"), ("row", row)])[0], "estimate");
    let units = rows(json, "hospital_units", &[("analysis", "primary")]);
    let size = [number(gap, "n_reference")?, number(gap, "n_index")?];
    let mut left = [size, [number(gap, "mean_reference")? * size[0], number(gap, "mean_index")? * size[1]]];
    let (mut between, mut within) = (sum("kitagawa_between")?, sum("kitagawa_within")?);
    let mut hidden: Vec<[Option<f64>; 2]> = Vec::new();
    for u in &units {
        let n = ["n_reference", "n_index"].map(|c| number(u, c));
        let (Some(b), Some(w), [Some(n0), Some(n1)]) = (number(u, "between"), number(u, "within"), n) else {
            hidden.push(n);
            continue;
        };
        let s = [n0 / size[0], n1 / size[1]];
        // Two equations: middle and difference of the two means.
        let (middle, apart) = (b / (s[1] - s[0]), 2.0 * w / (s[0] + s[1]));
        left[0] = [left[0][0] - n0, left[0][1] - n1];
        left[1] = [left[1][0] - n0 * (middle - apart / 2.0), left[1][1] - n1 * (middle + apart / 2.0)];
        (between, within) = (between - b, within - w);
    }
    assert_eq!(hidden.len(), 2, "the attack is on two withheld hospitals");
    let left = left.map(|of| of.map(|v| v.round() as i64));
    let candidates = |known: Option<f64>, total: i64| known.map_or(1..total, |n| n as i64..n as i64 + 1);
    let mut out = Vec::new();
    for a0 in candidates(hidden[0][0], left[0][0]) {
        for a1 in candidates(hidden[0][1], left[0][1]) {
            // Of two without sizes the one with fewer index patients comes first.
            if hidden[0][1].is_none() && 2 * a1 > left[0][1] {
                continue;
            }
            let (n0, n1) = ([a0 as f64, (left[0][0] - a0) as f64], [a1 as f64, (left[0][1] - a1) as f64]);
            for e0 in 0..=left[1][0].min(a0) {
                let m0 = [e0 as f64 / n0[0], (left[1][0] - e0) as f64 / n0[1]];
                for e1 in 0..=left[1][1].min(a1) {
                    let m1 = [e1 as f64 / n1[0], (left[1][1] - e1) as f64 / n1[1]];
                    let term = |h: usize| {
                        let s = [n0[h] / size[0], n1[h] / size[1]];
                        [(s[1] - s[0]) * (m1[h] + m0[h]) / 2.0, (m1[h] - m0[h]) * (s[0] + s[1]) / 2.0]
                    };
                    let (p, q) = (term(0), term(1));
                    if (p[0] + q[0] - between).abs() < 1e-12 && (p[1] + q[1] - within).abs() < 1e-12 {
                        out.push([[a0, a1], [e0, e1]]);
                    }
                }
            }
        }
    }
    Some(out)
}

/// No equations, or more than one solution.
fn undetermined(solutions: Option<&Vec<Counts>>) -> bool {
    solutions.is_none_or(|s| s.len() > 1)
}

#[test]
fn a_withheld_hospital_does_not_come_out_of_kitagawas_sums() {
    let mut cells = ordinary();
    cells.extend([cell("TinyClinic", "white", 60, 14), cell("TinyClinic", "black", 5, 2)]);
    let run = run_on(&patients(&cells), &by_hospital(""));
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(!run.text.contains("TinyClinic"));
    let found = solve_kitagawa(&run.json);
    assert!(undetermined(found.as_ref()), "{found:?}");
    // What does not follow from counts stays.
    for row in ["where_they_go", "how_they_fare_there", "standardised_risk", "intraclass_correlation"] {
        assert!(rows(&run.json, "hospital", &[("row", row)]).iter().all(|r| !r["estimate"].is_null()), "{row}");
    }
    assert_eq!(rows(&run.json, "hospital_units", &[]).iter().filter(|u| !u["between"].is_null()).count(), 5);
    assert!(rows(&run.json, "decomposition", &[]).iter().all(|r| !r["estimate"].is_null()));
}

#[test]
fn few_events_at_a_named_hospital_do_not_come_out_of_kitagawas_sums() {
    let mut cells = ordinary();
    cells.extend([cell("X", "white", 80, 20), cell("X", "black", 20, 4)]);
    let run = run_on(&patients(&cells), &by_hospital(""));
    assert_eq!(run.code, 0, "{}", run.stderr);
    let found = solve_kitagawa(&run.json);
    assert!(undetermined(found.as_ref()), "{found:?}");
    let x = rows(&run.json, "hospital_units", &[("hospital", "X")])[0];
    assert_eq!((x["n_index"].as_u64(), x["within"].as_f64()), (Some(20), None));
}

#[test]
fn studies_without_small_hospitals_show_everything() {
    let run = run_on(&patients(&ordinary()), &by_hospital(""));
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(rows(&run.json, "hospital_units", &[]).iter().chain(&rows(&run.json, "hospital", &[])).all(|r| r["withheld"] == false));
}

/// One hospital without reference patients: 23 index patients, 6 with the event.
fn one_group_hospital() -> Vec<Patient> {
    let mut cells = ordinary();
    cells.push(cell("Z", "black", 23, 6));
    patients(&cells)
}

/// Events of the patients that a population leaves out, from the means with and without them.
fn events_left_out(json: &Value, mean: Option<f64>) -> Option<f64> {
    let gap = rows(json, "gap", &[("scale", "risk_difference")])[0];
    let n = number(gap, "n_index")?;
    Some(number(gap, "mean_index")? * n - mean? * (n - 23.0))
}

#[test]
fn few_events_of_a_population_left_out_do_not_come_out() {
    let run = run_on(&one_group_hospital(), &by_hospital(", unsupported: borrow"));
    assert_eq!(run.code, 0, "{}", run.stderr);
    let sum = |row: &str| number(rows(&run.json, "hospital", &[("row", row)])[0], "estimate");
    let reference = number(rows(&run.json, "gap", &[("scale", "risk_difference")])[0], "mean_reference");
    let shared = || Some(sum("kitagawa_between_shared")? + sum("kitagawa_within_shared")? + reference?);
    assert_eq!(events_left_out(&run.json, shared()), None);

    // Restricted, every estimate of the analysis is of that population: the message says so, and what to do.
    let restrict = run_on(&one_group_hospital(), &by_hospital(", unsupported: restrict"));
    assert_eq!(restrict.code, 5, "{}", restrict.stderr);
    assert!(restrict.stderr.contains("its population leaves out") && restrict.stderr.contains("unsupported: borrow"), "{}", restrict.stderr);
    // Beside another primary analysis the rows are withheld.
    let both = by_hospital("")
        .replace("primary: {", "primary: { with_and_without: {} }, hosp: {")
        .replace("id: hospital", "id: hospital, unsupported: restrict");
    let run = run_on(&one_group_hospital(), &both);
    let mean = number(rows(&run.json, "hospital", &[("row", "mean_index"), ("family", "A")])[0], "estimate");
    assert_eq!(events_left_out(&run.json, mean), None);
    let whole = number(rows(&run.json, "hospital", &[("row", "mean_index"), ("family", "B")])[0], "estimate");
    assert!(events_left_out(&run.json, whole).is_some(), "the other family has every index patient: {}", run.stderr);
    let gap = rows(&run.json, "decomposition", &[("analysis", "hosp"), ("part", "gap")])[0];
    assert_eq!((gap["estimate"].as_f64(), gap["withheld"].as_bool()), (None, Some(true)));
}

/// The whole numbers of events that a gap of two means can be of.
fn events_of_gap(gap: f64, n: [i64; 2]) -> Vec<[i64; 2]> {
    let of = |e1: i64| {
        let e0 = (e1 as f64 / n[1] as f64 - gap) * n[0] as f64;
        ((e0 - e0.round()).abs() < 1e-8 && e0.round() >= 0.0 && e0.round() <= n[0] as f64).then_some([e0.round() as i64, e1])
    };
    (0..=n[1]).filter_map(of).collect()
}

#[test]
fn few_events_among_trimmed_patients_do_not_come_out() {
    let at: Vec<String> = (10..45).map(|a| format!("{:.3}", f64::from(a) / 100.0)).collect();
    let study = format!(
        "{TWO_GROUPS}{BLOCKS}analyses: {{ primary: {{ with_and_without: {{}} }} }}\nsensitivity: {{ trimming: {{ at: [{}] }} }}\n",
        at.join(", ")
    );
    let run = run_on(&patients(&ordinary()), &study);
    // Exit status 1: a range gate of this small study.
    assert!(run.code <= 1, "{}", run.stderr);
    let shown: Vec<([i64; 2], Vec<[i64; 2]>)> = rows(&run.json, "sensitivity", &[("variation", "trimming"), ("part", "gap")])
        .into_iter()
        .filter_map(|r| {
            let n = [r["n_reference"].as_i64()?, r["n_index"].as_i64()?];
            Some((n, events_of_gap(number(r, "estimate")?, n)))
        })
        .collect();
    assert!(shown.len() >= 2, "some trimmed sample is shown");
    for (k, (n, events)) in shown.iter().enumerate() {
        for (m, fewer) in &shown[k + 1..] {
            let ([e], [f]) = (events.as_slice(), fewer.as_slice()) else { continue };
            for g in [0, 1].into_iter().filter(|&g| n[g] > m[g]) {
                let (gone, events) = (n[g] - m[g], e[g] - f[g]);
                assert!(events >= 11 && gone - events >= 11, "{events} events among {gone} trimmed patients");
            }
        }
    }
}

#[test]
fn texts_of_failed_fits_hold_no_small_count() {
    // Four index patients are alone at a level, without events.
    let mut all = patients(&ordinary());
    all.iter_mut().filter(|p| p.group == "black" && !p.event).take(4).for_each(|p| p.level = "rare");
    let study = format!(
        "{TWO_GROUPS}allowable: [age]\nblocks: {{ ses: [income, level], hospital: [quality] }}\ncausal_order: [ses, hospital]\nanalyses:\n  \
         primary: {{ mechanisms: {{}} }}\n  cd: {{ cdgd: {{ treatment: treated }} }}\n  ridge: {{ with_and_without: {{ learner: ridge }} }}\n  \
         idr: {{ interventional: {{ equalize: [ses] }} }}\n  hosp: {{ hospital: {{ id: hospital }} }}\n"
    );
    let rare = run_on(&all, &study);
    // One index patient, all of the same outcome: nothing can be fitted in the index group.
    let mut cells = ordinary();
    cells.retain(|c| c.group == "white");
    cells.push(cell("A", "black", 5, 0));
    let tiny = run_on(&patients(&cells), &study);
    for run in [&rare, &tiny] {
        let words: Vec<&str> = run.text.split(|c: char| c.is_whitespace() || c == '<' || c == '"').collect();
        for pair in words.windows(2) {
            let small = pair[0].trim_start_matches('(').parse::<u64>().is_ok_and(|n| (1..11).contains(&n));
            let counts = ["rows", "rows,", "rows.", "units", "units,", "events", "patients", "patients,"].contains(&pair[1]);
            assert!(!(small && counts), "{pair:?}");
        }
        assert!(!run.text.contains("events in"));
    }
}

#[test]
fn few_treated_units_do_not_come_out_of_cdgd() {
    let mut all = patients(&ordinary());
    for (k, p) in all.iter_mut().filter(|p| p.group == "black").enumerate() {
        p.treated = k % 80 == 3;
    }
    let treated = all.iter().filter(|p| p.group == "black" && p.treated).count();
    assert_eq!(treated, 7);
    let study = format!("{TWO_GROUPS}{BLOCKS}analyses: {{ primary: {{ with_and_without: {{}} }}, cd: {{ cdgd: {{ treatment: treated }} }} }}\n");
    let run = run_on(&all, &study);
    let shown: Vec<&Value> = rows(&run.json, "decomposition", &[("analysis", "cd")]).into_iter().filter(|r| !r["estimate"].is_null()).collect();
    assert!(shown.iter().all(|r| r["part"] == "gap"), "{shown:?}");
    // Weights that are nearly equal are worth the units that have them.
    let worth = |check: &str| rows(&run.json, "diagnostics", &[("check", check)]).into_iter().filter_map(|r| number(r, "value")).fold(1e9, f64::min);
    assert!(worth("cdgd_effective_units") > 11.0 && worth("cdgd_largest_weight") > 1e8 || worth("cdgd_largest_weight") < 1.0 / 11.0);
    for line in run.stderr.lines().filter(|l| l.contains("found ")) {
        let found: Option<f64> = line.split("found ").nth(1).and_then(|l| l.split(',').next()).and_then(|v| v.parse().ok());
        assert!(found.is_none_or(|v| !(5.0..=7.5).contains(&v)), "{line}");
    }

    // Enough treated units, with four events.
    let mut all = patients(&ordinary());
    let (mut events, mut others) = (0, 0);
    for p in all.iter_mut().filter(|p| p.group == "black") {
        let n = if p.event { &mut events } else { &mut others };
        *n += 1;
        p.treated = if p.event { *n <= 4 } else { *n % 6 == 0 };
    }
    let run = run_on(&all, &study);
    let shown: Vec<&Value> = rows(&run.json, "decomposition", &[("analysis", "cd")]).into_iter().filter(|r| !r["estimate"].is_null()).collect();
    assert!(shown.iter().all(|r| r["part"] == "gap"), "{shown:?}");
}

#[test]
fn the_terminal_withholds_what_the_tables_withhold() {
    let mut all = patients(&ordinary());
    let mut seen = 0;
    for p in all.iter_mut().filter(|p| p.group == "black") {
        seen += 1;
        p.event = seen % 70 == 3;
    }
    assert_eq!(all.iter().filter(|p| p.group == "black" && p.event).count(), 8);
    let study = format!(
        "{TWO_GROUPS}allowable: [age]\nblocks: {{ ses: [income, level] }}\ncausal_order: [ses]\nanalyses: {{ primary: {{ mechanisms: {{}} }} }}\n"
    );
    let study = study.replace("index: [black]", "index: [black, other]");
    let mut cells = ordinary();
    cells.push(cell("A", "other", 200, 60));
    let mut others = patients(&cells);
    others.retain(|p| p.group == "other");
    all.extend(others);
    let run = run_on(&all, &study);
    assert!(run.stderr.contains("events_per_coefficient for black"), "{}", run.stderr);
    // Events per coefficient times coefficients are the events.
    let lines: Vec<&str> = run.stderr.lines().collect();
    for (k, line) in lines.iter().enumerate().filter(|(_, l)| l.contains("events_per_coefficient for black")) {
        let coefficients = line.split('(').filter_map(|p| p.split(" coefficients").next()?.parse::<f64>().ok()).next_back();
        let found =
            lines[k + 1..].iter().find(|l| l.contains("found")).and_then(|l| l.split("found ").nth(1)?.split(',').next()?.parse::<f64>().ok());
        let events = coefficients.zip(found).map(|(k, v)| (k * v).round());
        assert!(events.is_none_or(|e| e >= 11.0), "{events:?} events from {line}");
    }
}

#[test]
fn small_hospitals_have_no_name_as_a_variable_or_cluster_either() {
    let mut cells = ordinary();
    cells.extend([cell("TinyClinic", "white", 60, 14), cell("TinyClinic", "black", 5, 2)]);
    let all = patients(&cells);
    let fixed = format!(
        "{TWO_GROUPS}allowable: [age]\nblocks: {{ ses: [income], hospital: [{{ hospital: {{ fixed_effects: {{}} }} }}] }}\nanalyses:\n  \
         primary: {{ with_and_without: {{ estimator: gcomp }} }}\n  hosp: {{ hospital: {{}} }}\n"
    );
    let categorical = format!(
        "{TWO_GROUPS}allowable: [age]\nblocks: {{ ses: [income], hospital: [hospital] }}\ncausal_order: [ses, hospital]\ncluster: hospital\nanalyses:\n  \
         primary: {{ with_and_without: {{ estimator: gcomp }} }}\n  ob: {{ oaxaca_blinder: {{}} }}\n  m: {{ mechanisms: {{}} }}\nsensitivity: {{ leave_one_out: {{}}, analyses: [primary] }}\n"
    );
    for study in [&fixed, &categorical] {
        let run = run_on(&all, study);
        assert!(run.code <= 1 || run.code == 4, "{}", run.stderr);
        let at = run.text.find("TinyClinic");
        assert!(at.is_none(), "{}", &run.text[at.unwrap().saturating_sub(200)..at.unwrap() + 30]);
        // Others are named, and withheld ones stand last.
        let levels: Vec<&str> = rows(&run.json, "table_one", &[("variable", "hospital")]).iter().filter_map(|r| r["level"].as_str()).collect();
        let named = levels.iter().take_while(|l| **l != "[withheld]").count();
        assert!(named >= 4 && levels.len() == 7 && levels[named..].iter().all(|l| *l == "[withheld]"), "{levels:?}");
    }
}

#[test]
fn a_hospital_does_not_come_out_of_the_system_that_it_belongs_to() {
    let mut cells = ordinary();
    cells.extend([cell("TinyClinic", "white", 60, 14), cell("TinyClinic", "black", 5, 2)]);
    let study = format!(
        "{TWO_GROUPS}{BLOCKS}analyses:\n  primary: {{ hospital: {{ id: hospital }} }}\n  systems: {{ hospital: {{ id: system, given: [ses] }} }}\n  \
         narrow: {{ hospital: {{ id: hospital, given: [allowable] }} }}\n"
    );
    let run = run_on(&patients(&cells), &study);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let n = |analysis: &str| {
        let listed = rows(&run.json, "hospital_units", &[("analysis", analysis), ("hospital", "A")]);
        listed.first().and_then(|u| u["n_index"].as_i64())
    };
    assert_eq!(n("systems").zip(n("primary")).map(|(system, hospital)| system - hospital), None);
    assert_eq!(n("primary"), n("narrow"));
    assert!(rows(&run.json, "hospital_units", &[("analysis", "systems")]).iter().all(|u| u["hospital"].is_null() && u["observed"].is_null()));
}

/// Reference patients are the same in every comparison: what one withholds another must not show.
#[test]
fn a_hospital_withheld_for_one_index_group_is_for_the_other() {
    let mut cells = ordinary();
    for (h, n) in ["A", "B", "C", "D", "E", "F"].into_iter().zip([60, 64, 71, 68, 30, 75]) {
        cells.push(cell(h, "other", n, n / 3));
    }
    // Small for one of them only: named there, it would be known as one of those that the other withholds.
    cells.extend([cell("TinyClinic", "white", 60, 20), cell("TinyClinic", "black", 40, 12), cell("TinyClinic", "other", 5, 1)]);
    let study = by_hospital("").replace("index: [black]", "index: [black, other]");
    let run = run_on(&patients(&cells), &study);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let hidden = |group: &str| {
        let units = rows(&run.json, "hospital_units", &[("index_group", group)]);
        let named: Vec<String> = units.iter().filter_map(|u| Some(u["hospital"].as_str()?.to_owned())).collect();
        ["A", "B", "C", "D", "E", "F"].into_iter().filter(|h| !named.iter().any(|n| n == h)).collect::<Vec<_>>()
    };
    assert_eq!(hidden("black"), hidden("other"));
    let reference =
        |group: &str| rows(&run.json, "hospital_units", &[("index_group", group)]).iter().filter_map(|u| u["n_reference"].as_i64()).sum::<i64>();
    assert_eq!(reference("black"), reference("other"));
}

/// A model of one variable with levels has each level's events over units as its predictions. Units of the index group at two withheld levels, and
/// reference events there, as far as the counterfactual mean, the intercept and the shown coefficients say.
fn solve_levels(json: &Value) -> Option<Vec<[i64; 2]>> {
    let gap = rows(json, "gap", &[("scale", "risk_difference")])[0];
    let (n0, n1) = (number(gap, "n_reference")?, number(gap, "n_index")?);
    let set = rows(json, "with_and_without", &[("analysis", "primary"), ("blocks", "ses")])[0];
    let mean = number(set, "counterfactual_mean").or_else(|| Some(number(gap, "mean_index")? - number(set, "adjusted_gap")?))?;
    let terms = rows(json, "coefficients", &[("analysis", "primary"), ("blocks", "ses"), ("fitted_in", "reference")]);
    let beta = |term: &str| terms.iter().find(|r| r["term"] == term).map(|r| number(r, "estimate"));
    let intercept = beta("(intercept)")??;
    // Of each level: reference units, index units where shown, reference events where the model shows them.
    let levels: Vec<(f64, Option<f64>, Option<f64>)> = rows(json, "table_one", &[("variable", "level")])
        .into_iter()
        .filter_map(|r| {
            let units = (number(r, "mean_reference")? * n0).round();
            let eta = beta(&format!("level={}", r["level"].as_str()?)).map_or(Some(intercept), |b| b.map(|b| intercept + b));
            let events = eta.map(|eta| (units / (1.0 + (-eta).exp())).round());
            Some((units, number(r, "mean_index").map(|m| (m * n1).round()), events))
        })
        .collect();
    let (hidden, shown): (Vec<_>, Vec<_>) = levels.into_iter().partition(|l| l.1.is_none());
    assert_eq!(hidden.len(), 2, "the attack is on two withheld levels");
    let events = number(gap, "mean_reference")? * n0;
    let rest_n = (n1 - shown.iter().filter_map(|l| l.1).sum::<f64>()).round() as i64;
    let rest_e = (events - shown.iter().filter_map(|l| l.2).sum::<f64>()).round() as i64;
    let rest = mean * n1 - shown.iter().filter_map(|l| Some(l.1? * l.2? / l.0)).sum::<f64>();
    let fits = |n: i64, e: i64| {
        let value = n as f64 * e as f64 / hidden[0].0 + (rest_n - n) as f64 * (rest_e - e) as f64 / hidden[1].0;
        (value - rest).abs() < 1e-8
    };
    Some((1..rest_n).flat_map(|n| (0..=rest_e).map(move |e| [n, e])).filter(|[n, e]| fits(*n, *e)).collect())
}

#[test]
fn a_withheld_level_does_not_come_out_of_a_model_of_its_variable_alone() {
    let mut all = patients(&ordinary());
    let mut seen = 0;
    for p in &mut all {
        seen += 1;
        p.level = ["x", "x", "x", "y", "z"][seen % 5];
        if p.level == "z" && p.group == "black" {
            p.level = "y";
        }
    }
    all.iter_mut().filter(|p| p.group == "black" && p.level == "x").take(6).for_each(|p| p.level = "z");
    let study = |blocks: &str| {
        format!("{TWO_GROUPS}allowable: []\nblocks: {{ {blocks} }}\nanalyses: {{ primary: {{ with_and_without: {{ estimator: gcomp }} }} }}\n")
    };
    let run = run_on(&all, &study("ses: [level]"));
    assert!(rows(&run.json, "gap", &[]).iter().all(|r| !r["estimate"].is_null()), "{}", run.stderr);
    let found = solve_levels(&run.json);
    assert!(found.as_ref().is_none_or(|s| s.len() > 1), "{found:?}");
    // A second variable leaves nothing to solve.
    let run = run_on(&all, &study("ses: [level, income]"));
    assert!(rows(&run.json, "decomposition", &[]).iter().all(|r| r["withheld"] == false), "{}", run.stderr);
}
