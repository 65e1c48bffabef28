//! The hospital method against numpy with explicit indicators (tests/known/make_hospitals.py), and what holds on any data: Kitagawa's and
//! the contextual sums, weights as repeated rows, derivatives by weights, populations without some hospitals.

use crate::frames::{Columns, close, near};
use crate::hospital::{by_id, estimate, run, with_hospitals};
use crate::lcg;
use gapshare::decompose::fits::{Fits, FittedIn, GroupTerms, Toward};
use gapshare::decompose::hospital::{Effects, Errors, Hospital, HospitalValue, HospitalsAs, Unsupported};
use gapshare::decompose::with_and_without::{Estimator, WithAndWithout};
use gapshare::decompose::{Component, DecomposeError, Decomposition, Inference, Method, MethodFamily, Part, Verdict};
use gapshare::design::{Contrast, Design};
use gapshare::error::codes;
use gapshare::estimate::{Estimate, Sampling};
use gapshare::model::arrow::{self, Hospitals, LAMBDA};
use gapshare::model::glm;
use gapshare::vocab::{BlockSet, Family, Role};
use std::collections::BTreeMap;

const FAMILIES: [(&str, Family); 3] = [("gaussian", Family::Gaussian), ("binomial", Family::Binomial), ("poisson", Family::Poisson)];

/// The rows of `hospitals_data.csv` by column; the last two columns are hospital and weight.
fn table() -> BTreeMap<&'static str, Vec<f64>> {
    let mut lines = include_str!("../known/hospitals_data.csv").lines();
    let names: Vec<&str> = lines.next().unwrap().split(',').collect();
    let mut out: BTreeMap<&str, Vec<f64>> = names.iter().map(|n| (*n, Vec::new())).collect();
    for line in lines {
        for (name, cell) in names.iter().zip(line.split(',')) {
            out.get_mut(name).unwrap().push(cell.parse().unwrap());
        }
    }
    out
}

/// The design of these rows, in their order; age is allowable, lab the block.
fn design(family: (&str, Family), rows: &[usize], weighted: bool, scale: f64) -> Design {
    let t = table();
    let pick = |name: &str| rows.iter().map(|&i| t[name][i]).collect::<Vec<f64>>();
    let columns = Columns {
        family: family.1,
        y: pick(family.0),
        group: pick("group"),
        allowable: vec![("age", pick("age"))],
        blocks: vec![("clinical", vec![("lab", pick("lab").iter().map(|v| v * scale).collect())]), ("hospital", vec![])],
        weight: weighted.then(|| pick("weight")),
        cluster: None,
    };
    let hospital: Vec<String> = pick("hospital").iter().map(|h| format!("h{h:02}")).collect();
    with_hospitals(columns.design(), &hospital)
}

fn all() -> Vec<usize> {
    (0..700).collect()
}

/// Every number of a decomposition: rows, table, hospitals.
fn numbers(d: &Decomposition) -> Vec<(String, f64)> {
    let mut out: Vec<(String, f64)> = d.rows.iter().map(|r| (format!("{:?} {:?}", r.part, r.component), r.estimate.value)).collect();
    let h = d.hospital.as_ref().unwrap();
    out.extend(h.rows.iter().filter_map(|r| match &r.value {
        HospitalValue::Estimate(e) => Some((format!("{} {:?}", r.name, r.family), e.value)),
        HospitalValue::Number(v) => Some((r.name.to_owned(), *v)),
        HospitalValue::Missing(_) => None,
    }));
    for u in &h.units {
        let (effect, sd) = u.effect.unwrap_or_default();
        let [between, within] = u.adjusted.unwrap();
        let of = [u.raw[0], u.raw[1], u.between_centred, between, within, u.observed, u.expected.unwrap(), effect, sd];
        out.extend(of.into_iter().enumerate().map(|(k, v)| (format!("{} {k}", u.hospital), v)));
    }
    out
}

#[test]
fn every_family_and_weights_agree_with_explicit_indicators() {
    for family in FAMILIES {
        for weighted in [false, true] {
            let d = design(family, &all(), weighted, 1.0);
            let got = run(&d, &by_id(1)).unwrap();
            let s = Sampling::new(700, None, 0.95);
            let part = |p, c| &got.row(p, c).unwrap().estimate;
            let mut compared = 0;
            for line in include_str!("../known/hospitals.csv").lines().skip(1) {
                let cells: Vec<&str> = line.split(',').collect();
                if cells[0] != family.0 || cells[1] != f64::from(u8::from(weighted)).to_string() {
                    continue;
                }
                let e: Estimate = match cells[2] {
                    "gap" => part(Part::Gap, Component::Total).clone(),
                    "allowable" => part(Part::Allowable, Component::Total).clone(),
                    "patients" => part(Part::Explained, Component::Named("patients")).clone(),
                    "none" | "reference" => continue,
                    "standardised_risk" => estimate(&got, cells[2], Some("A")).clone(),
                    "mean_elsewhere" => estimate(&got, cells[2], Some("B")).clone(),
                    key if key.starts_with("mean") => estimate(&got, key, Some("A")).clone(),
                    key => match key.split_once('|') {
                        Some((name, letter)) => estimate(&got, name, Some(letter)).clone(),
                        None => estimate(&got, key, None).clone(),
                    },
                };
                let what = format!("{} {weighted} {}", family.0, cells[2]);
                near(&what, e.value, cells[3].parse().unwrap(), 1e-9);
                if !cells[4].is_empty() {
                    close(&format!("se {what}"), s.std_error(&e), cells[4].parse().unwrap(), 1e-7);
                }
                compared += 1;
            }
            assert_eq!(compared, 20);
        }
    }
}

#[test]
fn weights_are_repeated_rows_and_scales_and_orders_change_nothing() {
    let t = table();
    let repeated: Vec<usize> = all().into_iter().flat_map(|i| std::iter::repeat_n(i, t["weight"][i] as usize)).collect();
    let order: Vec<usize> = (0..700).map(|i| (i * 183 + 71) % 700).collect();
    for family in FAMILIES {
        let same = |what: &str, a: &Design, b: &Design| {
            let (a, b) = (numbers(&run(a, &by_id(1)).unwrap()), numbers(&run(b, &by_id(1)).unwrap()));
            assert_eq!(a.len(), b.len());
            for ((name, x), (_, y)) in a.iter().zip(&b) {
                near(&format!("{what} {} {name}", family.0), *x, *y, 1e-9 + 1e-7 * f64::from(u8::from(name.starts_with(['h', 'i', 'm']))) * y.abs());
            }
        };
        same("repeated", &design(family, &all(), true, 1.0), &design(family, &repeated, false, 1.0));
        same("moved", &design(family, &all(), true, 1.0), &design(family, &order, true, -2e4));
    }
}

/// Rows that are functions of the data alone, and their first stage: every influence against the estimator itself.
#[test]
fn influences_of_kitagawa_and_context_are_derivatives() {
    for family in FAMILIES {
        let mut d = design(family, &all(), true, 1.0);
        let base = run(&d, &by_id(1)).unwrap();
        let names: Vec<&str> = base
            .hospital
            .as_ref()
            .unwrap()
            .rows
            .iter()
            .map(|r| r.name)
            .filter(|n| n.starts_with("kitagawa") || n.starts_with("contextual"))
            .collect();
        assert_eq!(names.len(), 10);
        // Units of hospitals with both groups and of those that lack one.
        let lacking: Vec<usize> = [2usize, 5].iter().map(|h| (0..700).find(|&i| d.labelled[0].1.code[i] == *h as u32).unwrap()).collect();
        for unit in lacking.into_iter().chain([3, 250, 600, 690]) {
            let at = d.weight[unit];
            let step = 1e-4;
            d.weight[unit] = at * (1.0 + step);
            let up = run(&d, &by_id(1)).unwrap();
            d.weight[unit] = at * (1.0 - step);
            let down = run(&d, &by_id(1)).unwrap();
            d.weight[unit] = at;
            for name in &names {
                let want = 700.0 * (estimate(&up, name, None).value - estimate(&down, name, None).value) / (2.0 * step);
                near(&format!("{} {name} unit {unit}", family.0), estimate(&base, name, None).influence[unit], want, 1e-5 * (1.0 + want.abs()));
            }
        }
        for e in names.iter().map(|name| estimate(&base, name, None)) {
            near("mean influence", e.influence.iter().sum::<f64>() / 700.0, 0.0, 1e-9);
        }
    }
}

/// Without the leverage the influence is that of METHODS, which has mean 0.
#[test]
fn plain_influences_have_mean_zero() {
    let d = design(FAMILIES[1], &all(), true, 1.0);
    let got = run(&d, &Hospital { errors: Errors::Plain, unsupported: Unsupported::Restrict, ..by_id(1) }).unwrap();
    for r in &got.rows {
        near(&format!("{:?} {:?}", r.part, r.component), r.estimate.influence.iter().sum::<f64>() / 700.0, 0.0, 1e-9);
    }
}

#[test]
fn kitagawa_and_the_contextual_identity_divide_the_gap() {
    for family in FAMILIES {
        let d = design(family, &all(), true, 1.0);
        let got = run(&d, &by_id(1)).unwrap();
        let value = |name: &str| estimate(&got, name, None).value;
        let gap = got.row(Part::Gap, Component::Total).unwrap().estimate.value;
        near("raw", value("kitagawa_between") + value("kitagawa_within"), gap, 1e-13);
        near("context", value("contextual_between") + value("contextual_within"), gap, 1e-12);
        let lambda = value("contextual_lambda");
        near("lambda", lambda * value("contextual_slope_between") + (1.0 - lambda) * value("contextual_within"), gap, 1e-12);
        // The adjusted pair divides the plug-in adjusted gap of the same patients.
        let c = Contrast::new(&d, 1);
        let plug_in = WithAndWithout { estimator: Estimator::Gcomp, ..WithAndWithout::default() }.decompose(&Fits::new(&c)).unwrap();
        let adjusted = plug_in.sets.iter().find(|s| s.set == BlockSet::one(0)).unwrap().adjusted_gap.value;
        near("adjusted", value("kitagawa_between_adjusted") + value("kitagawa_within_adjusted"), adjusted, 1e-9);
        let units = &got.hospital.as_ref().unwrap().units;
        for (name, of) in [("kitagawa_between", 0), ("kitagawa_within", 1)] {
            near(name, units.iter().map(|u| u.raw[of]).sum(), value(name), 1e-13);
            near(name, units.iter().map(|u| u.adjusted.unwrap()[of]).sum(), value(&format!("{name}_adjusted")), 1e-13);
        }
        near("centred", units.iter().map(|u| u.between_centred).sum(), value("kitagawa_between"), 1e-13);
        // By convention a hospital that lacks a group has no part in the difference within.
        assert!(units.iter().filter(|u| u.units.contains(&0)).map(|u| u.raw[1]).eq([0.0, 0.0]));
        // Observed and expected agree in total.
        let n: Vec<f64> = (0..14).map(|h| (0..700).filter(|&i| d.labelled[0].1.code[i] == h).map(|i| d.weight[i]).sum()).collect();
        let total = |f: &dyn Fn(usize) -> f64| (0..14).map(|h| n[h] * f(h)).sum::<f64>();
        near("observed and expected", total(&|h| units[h].observed), total(&|h| units[h].expected.unwrap()), 1e-8);
    }
}

/// T19, and METHODS 5.5(a), (b), on the LCG data. Four hospitals are too few for the pair, so their characteristics stand for them.
#[test]
fn the_golden_numbers_of_kitagawa_and_context() {
    let rows = lcg::rows();
    let hospital: Vec<String> = rows.iter().map(|r| r[4].to_string()).collect();
    let d = with_hospitals(lcg::columns().design(), &hospital);
    let settings = Hospital { effects: Effects::Characteristics, block: Some(2), unsupported: Unsupported::Auto, ..by_id(2) };
    let got = run(&d, &settings).unwrap();
    for (name, want) in [
        ("kitagawa_between", 0.029505491863365),
        ("kitagawa_within", 0.126332297797954),
        ("contextual_within", 0.131122985717),
        ("contextual_slope_between", 0.836361724933),
        ("contextual_lambda", 0.035044592094),
        ("contextual_between", 0.024714803944),
    ] {
        near(name, estimate(&got, name, None).value, want, 1e-12);
    }
    // The block's columns say which hospital it is: where they go is the last block's part of the models with and without.
    let c = Contrast::new(&d, 1);
    let full = WithAndWithout::default().decompose(&Fits::new(&c)).unwrap();
    let mean = |set: BlockSet| full.sets.iter().find(|s| s.set == set).unwrap().counterfactual_mean.value;
    let go = mean(BlockSet::all(3)) - mean(BlockSet::all(2));
    near("where they go", estimate(&got, "where_they_go", Some("A")).value, go, 1e-14);
    near("where they go", got.row(Part::Explained, Component::Named("where_they_go")).unwrap().estimate.value, go, 1e-14);
    assert_eq!(got.inference, Inference::Units);
    // With ids the same data are refused, and the reason says what is missing.
    match run(&d, &by_id(2)) {
        Err(e @ DecomposeError::Refused { .. }) => {
            assert_eq!(e.code(), codes::G407);
            assert!(e.to_string().contains("4 hospitals have units of both groups, and at least 5"), "{e}");
        }
        other => panic!("{other:?}"),
    }
}

/// Restriction is leaving the units out, for the family that needs it; the parts are those of the gap of the rest.
#[test]
fn restricting_is_leaving_hospitals_out() {
    let t = table();
    let family = FAMILIES[1];
    let d = design(family, &all(), false, 1.0);
    let got = run(&d, &Hospital { unsupported: Unsupported::Restrict, ..by_id(1) }).unwrap();
    let without = |h: f64| all().into_iter().filter(|&i| t["hospital"][i] != h).collect::<Vec<_>>();
    // Family A needs reference units everywhere (none at 5), family B index units (none at 2).
    for (letter, lost) in [("A", 5.0), ("B", 2.0)] {
        let rest = design(family, &without(lost), false, 1.0);
        let want = run(&rest, &by_id(1)).unwrap();
        let s = Sampling::new(rest.y.len(), None, 0.95);
        for name in ["where_they_go", "how_they_fare_there", "adjusted_gap", "mean_index"] {
            let (a, b) = (estimate(&got, name, Some(letter)), estimate(&want, name, Some(letter)));
            near(&format!("{letter} {name}"), a.value, b.value, 1e-12);
            near("error", Sampling::new(700, None, 0.95).std_error(a), s.std_error(b), 1e-12);
        }
        if letter == "A" {
            for (x, y) in got.rows.iter().zip(&want.rows) {
                near(&format!("{:?} {:?}", x.part, x.component), x.estimate.value, y.estimate.value, 1e-12);
            }
            assert_eq!(got.hospital.as_ref().unwrap().left_out.units, [0, 700 - rest.y.len()]);
        }
    }
    // Neither hospital in the difference of the two.
    let both: Vec<usize> = without(5.0).into_iter().filter(|&i| t["hospital"][i] != 2.0).collect();
    let want = run(&design(family, &both, false, 1.0), &by_id(1)).unwrap();
    near("difference", estimate(&got, "difference", Some("A,B")).value, estimate(&want, "difference", Some("A,B")).value, 1e-12);
    let fact = got.facts.iter().find(|f| f.check == "unsupported_index_share").unwrap();
    let index: Vec<usize> = all().into_iter().filter(|&i| t["group"][i] == 1.0).collect();
    let there = index.iter().filter(|&&i| t["hospital"][i] == 5.0).count();
    assert_eq!(fact.units, Some((there, Some(index.len()))));
    near("share", fact.value.unwrap(), there as f64 / index.len() as f64, 1e-12);
}

/// CV3: leaving hospitals out in turn, by hand, with weights of 0.
#[test]
fn hospitals_as_a_sample_are_left_out_in_turn() {
    // Two halves of every hospital stand for 28 of them.
    let mut d = design(FAMILIES[1], &all(), false, 1.0);
    let labels = &mut d.labelled[0].1;
    labels.labels = labels.labels.iter().flat_map(|l| [format!("{l}a"), format!("{l}b")]).collect();
    labels.code.iter_mut().enumerate().for_each(|(i, c)| *c = 2 * *c + (i % 2) as u32);
    let settings = Hospital { hospitals_as: HospitalsAs::Sample, ..by_id(1) };
    let got = run(&d, &settings).unwrap();
    assert_eq!(got.inference, Inference::Hospitals);
    let g = 28;
    let s = Sampling::new(700, None, 0.95).of_jackknife(g);
    let left_out: Vec<Decomposition> = (0..g as u32)
        .map(|h| {
            let mut rest = d.clone();
            (0..700).filter(|&i| d.labelled[0].1.code[i] == h).for_each(|i| rest.weight[i] = 0.0);
            run(&rest, &by_id(1)).unwrap()
        })
        .collect();
    let check = |what: &str, e: &Estimate, of: &dyn Fn(&Decomposition) -> f64| {
        let sum: f64 = left_out.iter().map(|d| (of(d) - e.value).powi(2)).sum();
        near(what, s.variance(e).sqrt(), ((g - 1) as f64 / g as f64 * sum).sqrt(), 1e-10);
    };
    for (name, family) in
        [("how_they_fare_there", Some("A")), ("how_they_fare_there", Some("B")), ("kitagawa_within", None), ("contextual_lambda", None)]
    {
        check(name, estimate(&got, name, family), &|d| estimate(d, name, family).value);
    }
    let total = |d: &Decomposition, p| d.row(p, Component::Total).unwrap().estimate.clone();
    check("gap", &total(&got, Part::Gap), &|d| total(d, Part::Gap).value);
    // Fewer than 40 hospitals give where they go no interval of this kind, fewer than 20 none at all.
    assert!(s.std_error(estimate(&got, "where_they_go", Some("A"))).is_nan());
    let few = design(FAMILIES[1], &all(), false, 1.0);
    assert!(run(&few, &settings).unwrap_err().to_string().contains("14 hospitals are too few"));
}

#[test]
fn thin_data_are_refused_family_by_family() {
    let t = table();
    let family = FAMILIES[1];
    // Most index units at hospitals that no reference unit uses: family A has no estimate, and family B divides the gap.
    let rows: Vec<usize> = all().into_iter().filter(|&i| t["group"][i] == 1.0 || ![8.0, 9.0, 10.0, 11.0, 12.0].contains(&t["hospital"][i])).collect();
    let got = run(&design(family, &rows, false, 1.0), &Hospital { unsupported: Unsupported::Auto, ..by_id(1) }).unwrap();
    let missing = got.hospital.as_ref().unwrap().rows.iter().find(|r| r.name == "where_they_go" && r.family == Some("A")).unwrap();
    assert!(
        matches!(&missing.value, HospitalValue::Missing(reason) if reason.contains("of index units are at hospitals without reference units")),
        "{missing:?}"
    );
    let go = got.row(Part::Explained, Component::Named("where_they_go")).unwrap().estimate.value;
    near("headline", go, estimate(&got, "where_they_go", Some("B")).value, 1e-15);
    assert!(got.facts.iter().any(|f| f.check == "family_refused" && f.message.contains("the parts of the gap are those of family B")));
    // The rows name the family whose pair they hold.
    assert_eq!(got.family, Some(MethodFamily::B));
    assert_eq!(run(&design(family, &all(), false, 1.0), &by_id(1)).unwrap().family, Some(MethodFamily::A));
    // Few events: neither has.
    let mut d = design(family, &all(), false, 1.0);
    let index = d.groups[1].rows.clone();
    index.skip(10).for_each(|i| d.y[i] = 0.0);
    let e = run(&d, &by_id(1)).unwrap_err();
    assert!(e.to_string().contains("the index group has fewer than 20 events or non-events"), "{e}");
}

/// a(A) is in the rows of both families, so both need comparable reference units, whatever the hospitals (METHODS 5.5(d) limits the weights by
/// hospital alone).
#[test]
fn both_families_need_comparable_reference_units() {
    let d = design(FAMILIES[1], &all(), false, 1.0);
    let passes = |d: &Decomposition, check: &str| {
        let f = d.facts.iter().find(|f| f.check == check).unwrap_or_else(|| panic!("no {check}"));
        (f.value.unwrap(), f.verdict)
    };
    let got = run(&d, &by_id(1)).unwrap();
    // Kish's number of the odds of the group given age and lab, and the largest of them.
    let c = Contrast::new(&d, 1);
    let odds = Fits::new(&c).group(BlockSet::one(0), Toward::Index).unwrap().odds.clone();
    let (sum, squares) = odds.iter().fold((0.0, 0.0), |(s, q), w| (s + w, q + w * w));
    let (ess, verdict) = passes(&got, "effective_size_patients");
    near("units", ess, sum * sum / squares, 1e-9 * ess);
    assert!(matches!(verdict, Verdict::Passes(_)));
    near("largest", passes(&got, "largest_weight_patients").0, odds.iter().fold(0.0_f64, |a, v| a.max(*v)) / sum, 1e-12);
    // Index units with values of the block that few reference units have.
    let lab = d.columns.iter().position(|col| col.term == "lab").unwrap();
    for shift in [2.0, 4.0] {
        let mut far = d.clone();
        let spread = d.x.column(lab).std(0.0);
        d.groups[1].rows.clone().for_each(|i| far.x[[i, lab]] += shift * spread);
        let e = run(&far, &by_id(1)).unwrap_err().to_string();
        assert!(e.contains("make reference units like index units, hospitals aside"), "{e}");
    }
}

/// METHODS 5.5(c), (d): a(A), a(A, H) and b put together here from the five fits; a(A) and the adjusted gap without blocks are those of the models with and
/// without.
#[test]
fn the_means_are_those_of_the_five_fits() {
    let given = BlockSet::all(1);
    for (family, weighted) in FAMILIES.into_iter().flat_map(|f| [(f, false), (f, true)]) {
        let d = design(family, &all(), weighted, 1.0);
        let got = run(&d, &by_id(1)).unwrap();
        let c = Contrast::new(&d, 1);
        let fits = Fits::new(&c);
        let labels = c.labels("hospital").unwrap();
        let at = Hospitals { code: &labels.code, count: labels.labels.len() };
        let matrix = |fitted_in| fits.matrix(fitted_in, given, GroupTerms::Without).unwrap();
        let (reference, index, pooled) = (matrix(FittedIn::Reference), matrix(FittedIn::Index), matrix(FittedIn::Pooled));
        let mean = |eta: f64| family.1.mean(eta);

        let g = glm::fit(&pooled, Family::Binomial, &c.r, &c.w).unwrap();
        let pi = arrow::fit(vec![pooled.clone()], at, Family::Binomial, LAMBDA, &c.r, &c.w).unwrap();
        let mu = glm::fit(&reference, family.1, &c.y, &c.w).unwrap();
        let outcome = arrow::fit(vec![reference.clone(), index], at, family.1, LAMBDA, &c.y, &c.w).unwrap();
        let [m0, m1] = [0, 1].map(|r| (0..700).map(|i| mean(outcome.eta(r, i))).collect::<Vec<f64>>());
        let smooth = glm::fit(&reference, family.1, &m1, &c.w).unwrap();

        let odds = |i: usize| pooled.dot(i, &g.beta, None).exp();
        let odds_at = |i: usize| pi.eta(0, i).exp();
        let normal = |f: &dyn Fn(usize) -> f64| -> Vec<f64> {
            let raw: Vec<f64> = (0..700).map(|i| c.w[i] * f(i)).collect();
            let sum: f64 = raw.iter().sum();
            raw.iter().map(|v| v / sum).collect()
        };
        let wr = normal(&|i| c.r[i]);
        let wg = normal(&|i| (1.0 - c.r[i]) * odds(i));
        let w_pi = normal(&|i| (1.0 - c.r[i]) * odds_at(i));
        let w_omega = normal(&|i| c.r[i] * odds(i) / odds_at(i));
        let sum = |w: &[f64], f: &dyn Fn(usize) -> f64| (0..700).map(|i| w[i] * f(i)).sum::<f64>();
        let of_patients = |i: usize| mean(reference.dot(i, &mu.beta, None));
        let smoothed = |i: usize| mean(reference.dot(i, &smooth.beta, None));
        let a = sum(&wr, &of_patients) + sum(&wg, &|i| c.y[i] - of_patients(i));
        let a_h = sum(&wr, &|i| m0[i]) + sum(&w_pi, &|i| c.y[i] - m0[i]);
        let b = sum(&wr, &smoothed) + sum(&wg, &|i| m1[i] - smoothed(i)) + sum(&w_omega, &|i| c.y[i] - m1[i]);
        let y1 = sum(&wr, &|i| c.y[i]);

        let value = |name: &str, letter: &str| estimate(&got, name, Some(letter)).value;
        for (name, letter, want) in [
            ("mean_patients", "A", a),
            ("mean_patients_and_hospital", "A", a_h),
            ("mean_elsewhere", "B", b),
            ("where_they_go", "A", a_h - a),
            ("how_they_fare_there", "A", y1 - a_h),
            ("where_they_go", "B", y1 - b),
            ("how_they_fare_there", "B", b - a),
            ("difference", "A,B", (y1 - b) - (a_h - a)),
        ] {
            near(&format!("{} {weighted} {name} {letter}", family.0), value(name, letter), want, 1e-12 * (1.0 + y1.abs()));
        }
        let with_and_without = WithAndWithout::default();
        let l2 = |set| with_and_without.counterfactual_mean_with(&fits, set).unwrap().value;
        near("a(A)", value("mean_patients", "A"), l2(given), 1e-12 * (1.0 + y1.abs()));
        // The patients' part and the pair sum to the gap at the same allowables.
        let total = |p| got.row(p, Component::Total).unwrap().estimate.value;
        let patients = got.row(Part::Explained, Component::Named("patients")).unwrap().estimate.value;
        near("patients", patients, a - l2(BlockSet::NONE), 1e-12 * (1.0 + y1.abs()));
        for letter in ["A", "B"] {
            let sum = patients + value("where_they_go", letter) + value("how_they_fare_there", letter);
            near("adjusted gap", sum, y1 - l2(BlockSet::NONE), 1e-12 * (1.0 + y1.abs()));
        }
        near("adjusted gap", total(Part::Gap) - total(Part::Allowable), y1 - l2(BlockSet::NONE), 1e-12 * (1.0 + y1.abs()));
    }
}

/// Fixed effects of hospitals in the models with and without are the arrow's without its penalty: its plug-in mean of two small penalties, taken
/// to a penalty of 0.
#[test]
fn hospitals_as_indicators_are_the_arrow_without_penalty() {
    let t = table();
    let rows: Vec<usize> = all().into_iter().filter(|&i| ![2.0, 5.0].contains(&t["hospital"][i])).collect();
    let used: Vec<f64> = (0..14).map(f64::from).filter(|h| ![2.0, 5.0].contains(h)).collect();
    const NAMES: [&str; 12] = ["h=0", "h=1", "h=3", "h=4", "h=6", "h=7", "h=8", "h=9", "h=10", "h=11", "h=12", "h=13"];
    for family in FAMILIES {
        let pick = |name: &str| rows.iter().map(|&i| t[name][i]).collect::<Vec<f64>>();
        let indicators =
            used.iter().zip(NAMES).skip(1).map(|(h, name)| (name, pick("hospital").iter().map(|v| f64::from(u8::from(v == h))).collect()));
        let columns = Columns {
            family: family.1,
            y: pick(family.0),
            group: pick("group"),
            allowable: vec![("age", pick("age"))],
            blocks: vec![("clinical", vec![("lab", pick("lab"))]), ("hospital", indicators.collect())],
            weight: Some(pick("weight")),
            cluster: None,
        };
        let d = with_hospitals(columns.design(), &pick("hospital").iter().map(|h| format!("h{h:02}")).collect::<Vec<_>>());
        let c = Contrast::new(&d, 1);
        let fits = Fits::new(&c);
        let gcomp = WithAndWithout { estimator: Estimator::Gcomp, ..WithAndWithout::default() };
        let want = gcomp.counterfactual_mean_with(&fits, BlockSet::all(2)).unwrap().value;
        let labels = c.labels("hospital").unwrap();
        let at = Hospitals { code: &labels.code, count: labels.labels.len() };
        let index_mean = |penalty: f64| {
            let m = fits.matrix(FittedIn::Reference, BlockSet::all(1), GroupTerms::Without).unwrap();
            let fit = arrow::fit(vec![m], at, family.1, penalty, &c.y, &c.w).unwrap();
            let total: f64 = c.index().map(|i| c.w[i]).sum();
            c.index().map(|i| c.w[i] * family.1.mean(fit.eta(0, i))).sum::<f64>() / total
        };
        let got = 2.0 * index_mean(5e-5) - index_mean(1e-4);
        near(family.0, got, want, 1e-9 * (1.0 + want.abs()));
        assert!((index_mean(LAMBDA) - want).abs() > 1e-7, "the penalty of the method is not 0");
    }
}

/// A block that is taken to be the hospitals', because the study does not say what is given, has their own columns; what is given of theirs is said.
#[test]
fn the_block_of_hospitals_is_the_same_within_them() {
    let d = design(FAMILIES[1], &all(), false, 1.0);
    let e = run(&d, &Hospital { given: BlockSet::NONE, block: Some(0), ..by_id(0) }).unwrap_err().to_string();
    assert!(e.contains("is taken to be the hospitals'") && e.contains("differs between units of one hospital"), "{e}");
    let mut own = d.clone();
    let column = own.columns.iter().position(|c| c.role == Role::Block(0)).unwrap();
    let codes = own.labelled.iter().find(|(name, _)| name == "hospital").unwrap().1.code.clone();
    (0..own.y.len()).for_each(|i| own.x[[i, column]] = f64::from(codes[i] % 3));
    own.columns.iter_mut().enumerate().filter(|(j, c)| c.role == Role::Block(0) && *j != column).for_each(|(_, c)| c.role = Role::Allowable);
    let taken = run(&own, &Hospital { given: BlockSet::NONE, block: Some(0), ..by_id(0) }).unwrap();
    let by_itself = run(&own, &Hospital { given: BlockSet::NONE, ..by_id(0) }).unwrap();
    assert_eq!(taken.rows, by_itself.rows);
    let said = |got: &Decomposition| got.facts.iter().any(|f| f.check == "given_of_hospitals" && matches!(f.verdict, Verdict::Warns(_)));
    assert!(!said(&taken) && said(&run(&own, &by_id(1)).unwrap()) && !said(&run(&d, &by_id(1)).unwrap()));
}
