//! The methods that equalise a block or a treatment, against peers, published truths and an independent numpy implementation
//! (`tests/known/make_interventions.py`).

use crate::frames::{Block, Columns, Frame, close, expected, label, near};
use crate::{lcg, relatives};
use gapshare::decompose::cdgd::Cdgd;
use gapshare::decompose::fits::Fits;
use gapshare::decompose::interventional::{Estimator, Interventional};
use gapshare::decompose::with_and_without::{self, Target, WithAndWithout};
use gapshare::decompose::{Component, DecomposeError, Decomposition, Inference, Method, Part, Verdict};
use gapshare::design::{Contrast, Design};
use gapshare::estimate::resample::{self, Bootstrap, Resampling};
use gapshare::estimate::{Estimate, Sampling, renumbered};
use gapshare::model::expit;
use gapshare::vocab::{BlockSet, Family, Role};
use std::collections::BTreeMap;

fn run(d: &Design, m: &dyn Method) -> Decomposition {
    let c = Contrast::new(d, 1);
    m.decompose(&Fits::new(&c)).unwrap_or_else(|e| panic!("{m:?}: {e}"))
}

/// The example data of R cdgd, Q as the block, `confounder` as another; `group_a` is the advantaged group.
fn exp_data() -> Option<Design> {
    let f = Frame::read("reference/data/cdgd_exp_data.csv")?;
    let mut d = Columns {
        family: Family::Gaussian,
        y: f.number("outcome"),
        group: f.number("group_a").iter().map(|g| 1.0 - g).collect(),
        allowable: vec![],
        blocks: vec![("Q", vec![("Q", f.number("Q"))]), ("confounder", vec![("confounder", f.number("confounder"))])],
        weight: None,
        cluster: None,
    }
    .design();
    label(&mut d, "treatment", f.text("treatment"));
    Some(d)
}

/// T13, C09: what R cdgd 1.0.1 prints, estimates and errors; its signs are advantaged - disadvantaged.
#[test]
fn c09_cdgd() {
    for (case, given, names) in [
        ("C09.cdgd0_pa.exp_data", None, ["prevalence", "effect", "selection"].to_vec()),
        (
            "C09.cdgd1_pa.exp_data",
            Some(BlockSet::one(0)),
            ["conditional prevalence", "conditional effect", "conditional selection", "Q distribution"].to_vec(),
        ),
    ] {
        let (Some(d), Some(want)) = (exp_data(), expected(case)) else { return };
        let peer = run(&d, &Cdgd { treatment: "treatment".into(), given, eif_only: true });
        let ours = run(&d, &Cdgd { treatment: "treatment".into(), given, eif_only: false });
        let s = Sampling::new(1000, None, 0.95);
        let components = peer.rows.iter().filter(|r| r.part == Part::Explained && r.component != Component::Total);
        let mut pairs: Vec<(&str, usize)> = vec![("total", 0), ("baseline", peer.rows.len() - 1)];
        pairs.extend(names.into_iter().zip(3..));
        assert_eq!(components.count(), pairs.len() - 2);
        for (name, at) in pairs {
            let (value, se) = want[name];
            close(name, -peer.rows[at].estimate.value, value, 1e-9);
            close(name, s.std_error(&peer.rows[at].estimate), se.unwrap(), 1e-8);
            near(name, ours.rows[at].estimate.value, peer.rows[at].estimate.value, 1e-14);
        }
        let jackson = peer.facts.iter().find(|f| f.check == "cdgd_jackson_reduction").unwrap();
        let (value, se) = want[if given.is_none() { "specific|Jackson reduction" } else { "conditional Jackson reduction" }];
        close("Jackson reduction", jackson.value.unwrap(), value, 1e-9);
        assert!(jackson.message.ends_with(&format!("standard error {:.6}", se.unwrap())), "{}", jackson.message);
    }
}

fn total(d: &Decomposition, part: Part) -> f64 {
    d.row(part, Component::Total).unwrap().estimate.value
}

fn known(file: &str, prefix: &str) -> BTreeMap<String, String> {
    let text = std::fs::read_to_string(format!("{}/tests/known/{file}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let rows = text.lines().filter_map(|l| l.strip_prefix(prefix)?.rsplit_once(','));
    rows.map(|(k, v)| (k.to_owned(), v.to_owned())).collect()
}

/// The LCG data with the script's treatment.
fn lcg_design(family: Family, weighted: bool) -> Design {
    let mut d = relatives::design(family, weighted);
    let treated: Vec<String> = lcg::uniforms()
        .iter()
        .zip(lcg::rows())
        .map(|(u, [r, c, s, _, h, _])| {
            let p = expit(-0.2 + 0.5 * c - 0.4 * s + 0.6 * f64::from(u8::from(h == 3.0)) - 0.3 * r);
            (if (104_729.0 * u[1] + 31.0 * u[4]).fract() < p { "true" } else { "False" }).to_owned()
        })
        .collect();
    label(&mut d, "T", &treated);
    d
}

fn set(names: &str) -> BlockSet {
    names.chars().fold(BlockSet::NONE, |s, ch| s.with("SBH".find(ch).unwrap()))
}

const FAMILIES: [(Family, &str); 3] = [(Family::Binomial, "binomial"), (Family::Poisson, "poisson"), (Family::Gaussian, "gaussian")];
const PARTS: [(&str, Part); 4] =
    [("gap", Part::Gap), ("allowable", Part::Allowable), ("explained", Part::Explained), ("unexplained", Part::Unexplained)];

/// Holds an estimate and its errors, of units and of clusters, to the script's.
#[track_caller]
fn held(d: &Design, known: &BTreeMap<String, String>, key: &str, e: &Estimate) {
    let number = |k: &str| known.get(k).unwrap_or_else(|| panic!("no {k}")).parse::<f64>().unwrap();
    let (want, errors) = (number(key), relatives::errors(d, e));
    near(key, e.value, want, 1e-10 * want.abs().max(0.01));
    for (suffix, got) in [("se", errors.0), ("se_cluster", errors.1)] {
        close(&format!("{key} {suffix}"), got, number(&format!("{key}|{suffix}")), 1e-7);
    }
}

#[test]
fn equalised_blocks_agree_with_numpy() {
    for (weighted, w) in [(false, "unweighted"), (true, "weighted")] {
        for (family, name) in FAMILIES {
            let d = lcg_design(family, weighted);
            for (equalize, given) in [("H", "SB"), ("B", ""), ("SB", "H")] {
                for (estimator, word) in [(Estimator::Dr, "dr"), (Estimator::Gcomp, "gcomp"), (Estimator::Product, "product")] {
                    let m = Interventional { equalize: set(equalize), given: set(given), estimator, ..Interventional::default() };
                    if m.refuses(family).is_some() {
                        continue;
                    }
                    let out = run(&d, &m);
                    let k = known("interventions.csv", &format!("{w}|{name}|{word}|{equalize} given {given}|"));
                    for (key, part) in PARTS {
                        held(&d, &k, key, &out.row(part, Component::Total).unwrap().estimate);
                    }
                }
            }
        }
    }
}

#[test]
fn treatments_agree_with_numpy() {
    for (weighted, w) in [(false, "unweighted"), (true, "weighted")] {
        for (family, name) in FAMILIES {
            let d = lcg_design(family, weighted);
            for (given, words) in [(None, "all"), (Some(BlockSet::NONE), "given "), (Some(set("S")), "given S")] {
                let out = run(&d, &Cdgd { treatment: "T".into(), given, eif_only: false });
                let k = known("interventions.csv", &format!("{w}|{name}|cdgd|{words}|"));
                held(&d, &k, "baseline", &out.row(Part::Unexplained, Component::Total).unwrap().estimate);
                let named: Vec<&'static str> =
                    out.rows.iter().filter_map(|r| if let Component::Named(name) = r.component { Some(name) } else { None }).collect();
                assert_eq!(named.len(), if given.is_some() { 4 } else { 3 });
                for name in named {
                    held(&d, &k, name, &out.row(Part::Explained, Component::Named(name)).unwrap().estimate);
                }
            }
        }
    }
}

#[test]
fn donors_agree_with_a_double_loop() {
    let bootstrap = Bootstrap { replicates: 4, seed: 1 };
    for (weighted, w) in [(false, "unweighted"), (true, "weighted")] {
        for (family, name) in FAMILIES {
            let d = lcg_design(family, weighted);
            for (equalize, given) in [("B", ""), ("SB", "H"), ("H", "")] {
                let out = run(&d, &Interventional { equalize: set(equalize), given: set(given), estimator: Estimator::Donors, bootstrap });
                let k = known("interventions.csv", &format!("{w}|{name}|donors|{equalize} given {given}|"));
                for (key, part) in PARTS {
                    near(key, total(&out, part), k[key].parse().unwrap(), 1e-12);
                }
                let merged = out.facts.iter().find(|f| f.check == "donors_merged").unwrap();
                assert_eq!((merged.value, out.inference), (Some(0.0), Inference::Replicates));
            }
        }
    }
}

/// The population GEN-D as weighted rows, every model saturated: an event and a non-event row for each cell.
fn gend(scenario: &str) -> (Design, BTreeMap<String, f64>) {
    let k = known("interventions_gend.csv", &format!("{scenario},"));
    let truths = k.iter().filter_map(|(k, v)| Some((k.clone(), v.parse().ok()?))).collect();
    let cells = k.iter().filter_map(|(k, v)| Some((k.strip_prefix("cell ")?, v)));
    let mut rows: Vec<([usize; 5], f64, f64)> = Vec::new();
    for (cell, v) in cells {
        let digits: Vec<usize> = cell.bytes().map(|b| usize::from(b - b'0')).collect();
        let (p, ey) = v.split_once(' ').unwrap();
        let (p, ey): (f64, f64) = (p.parse().unwrap(), ey.parse().unwrap());
        for y in [0.0, 1.0] {
            rows.push((digits.clone().try_into().unwrap(), y, p * if y == 1.0 { ey } else { 1.0 - ey }));
        }
    }
    assert_eq!(rows.len(), 288);
    // Every product of indicators, by the variables in it.
    let levels = [2, 3, 3, 4];
    let mut columns: Vec<(Vec<usize>, String, Vec<f64>)> = Vec::new();
    for variables in 1u32..16 {
        let within: Vec<usize> = (0..4).filter(|v| variables >> v & 1 == 1).collect();
        let mut cells: Vec<Vec<usize>> = vec![vec![]];
        for v in &within {
            cells = cells.iter().flat_map(|c| (1..levels[*v]).map(move |l| [c.clone(), vec![l]].concat())).collect();
        }
        for cell in cells {
            let is = |r: &[usize; 5]| f64::from(u8::from(within.iter().zip(&cell).all(|(v, l)| r[v + 1] == *l)));
            columns.push((within.clone(), format!("{within:?}{cell:?}"), rows.iter().map(|(r, _, _)| is(r)).collect()));
        }
    }
    let of_block = |v: usize| -> Block<'_> {
        let mine = columns.iter().filter(move |(within, _, _)| within.iter().max() == Some(&v));
        ("SBH".get(v - 1..v).unwrap(), mine.map(|(_, term, x)| (term.as_str(), x.clone())).collect())
    };
    let mut d = Columns {
        family: Family::Binomial,
        y: rows.iter().map(|(_, y, _)| *y).collect(),
        group: rows.iter().map(|(r, _, _)| r[0] as f64).collect(),
        allowable: vec![("C", rows.iter().map(|(r, _, _)| r[1] as f64).collect())],
        blocks: vec![of_block(1), of_block(2), of_block(3)],
        weight: Some(rows.iter().map(|(_, _, w)| *w).collect()),
        cluster: None,
    }
    .design();
    let role = |v: &usize| if *v == 0 { Role::Allowable } else { Role::Block(v - 1) };
    for c in &mut d.columns {
        if let Some((within, _, _)) = columns.iter().find(|(within, term, _)| *term == c.term && within.len() > 1) {
            c.requires = within.iter().map(role).collect();
        }
    }
    (d, truths)
}

/// T21: truths of family B in GEN-D from its population table. Both estimators are exact when their models are saturated.
#[test]
fn population_truths_are_recovered() {
    for scenario in ["base", "interaction"] {
        let (d, truth) = gend(scenario);
        for estimator in [Estimator::Dr, Estimator::Gcomp] {
            let b = |equalize: &str, given: &str| {
                let out = run(&d, &Interventional { equalize: set(equalize), given: set(given), estimator, ..Interventional::default() });
                near("gap", total(&out, Part::Gap), truth["mean_index"] - truth["mean_reference"], 1e-12);
                near("allowable", total(&out, Part::Allowable), truth[&format!("a|{given}")] - truth["mean_reference"], 1e-9);
                let b = truth["mean_index"] - total(&out, Part::Explained);
                near("remaining", total(&out, Part::Unexplained), b - truth[&format!("a|{given}")], 1e-9);
                b
            };
            let mut v = vec![0.0];
            for names in ["S", "B", "SB", "H", "SH", "BH", "SBH"] {
                let found = b(names, "");
                near(names, found, truth[&format!("b|{names}")], 1e-9);
                v.push(truth["mean_index"] - found);
            }
            near("H given S and B", b("H", "SB"), truth["b|H given SB"], 1e-9);
            // METHODS 8.1, columns of family B: averaged over orders.
            let shapley = [
                v[1] / 3.0 + (v[3] - v[2] + v[5] - v[4]) / 6.0 + (v[7] - v[6]) / 3.0,
                v[2] / 3.0 + (v[3] - v[1] + v[6] - v[4]) / 6.0 + (v[7] - v[5]) / 3.0,
                v[4] / 3.0 + (v[5] - v[1] + v[6] - v[2]) / 6.0 + (v[7] - v[3]) / 3.0,
            ];
            let want = if scenario == "base" { [0.023381, 0.008513, 0.025633] } else { [0.035704, 0.009910, 0.037970] };
            shapley.iter().zip(want).for_each(|(got, want)| near("Shapley", *got, want, 6e-7));
        }
    }
}

/// T30: the effects of Plecko and Bareinboim are parts of with_and_without with the reference group as target: TV = DE - IE - SE.
#[test]
fn faircause_effects_are_parts_with_another_name() {
    for scenario in ["base", "interaction"] {
        let (d, truth) = gend(scenario);
        let m = WithAndWithout { target: Target::Reference, estimator: with_and_without::Estimator::Gcomp, ..WithAndWithout::default() };
        let out = run(&d, &m);
        near("DE", total(&out, Part::Unexplained), truth["DE"], 1e-10);
        near("IE", -total(&out, Part::Explained), truth["IE"], 1e-10);
        near("SE", -total(&out, Part::Allowable), truth["SE"], 1e-10);
        near("TV", total(&out, Part::Gap), truth["DE"] - truth["IE"] - truth["SE"], 1e-12);
    }
}

/// T14: causal.decomp `pocr` on its example data. The program fits all four groups together; as a comparison of one with the
/// first, the others' indicators and their products with M stand beside the covariates.
#[test]
fn products_are_those_of_causal_decomp() {
    let Some(f) = Frame::read("reference/data/sdata.csv") else { return };
    let m = f.number("M.num");
    for (level, initial, reduction, remaining) in [
        ("2", 0.6103236167, -0.0663311298, 0.6766547465),
        ("3", -0.8880192396, -0.1780664731, -0.7099527664),
        ("4", -1.0073451646, 0.0233828749, -1.0307280395),
    ] {
        let others: Vec<&str> = ["2", "3", "4"].into_iter().filter(|l| *l != level).collect();
        let times = |l: &str| f.is("R", l).iter().zip(&m).map(|(d, m)| d * m).collect::<Vec<_>>();
        let mut allowable = vec![("C.num", f.number("C.num")), ("C.bin", f.number("C.bin"))];
        allowable.extend(others.iter().map(|l| (*l, f.is("R", l))));
        let d = Columns {
            family: Family::Gaussian,
            y: f.number("Y.num"),
            group: f.is("R", level),
            allowable,
            blocks: vec![("M", vec![("M", m.clone())]), ("L", vec![("X", f.number("X")), ("a", times(others[0])), ("b", times(others[1]))])],
            weight: None,
            cluster: None,
        }
        .design();
        let out = run(&d, &Interventional { equalize: BlockSet::one(0), estimator: Estimator::Product, ..Interventional::default() });
        near("reduction", total(&out, Part::Explained), reduction, 6e-11);
        near("remaining", total(&out, Part::Unexplained), remaining, 6e-11);
        near("initial", total(&out, Part::Explained) + total(&out, Part::Unexplained), initial, 6e-11);
    }
}

/// Noise whose means are 0, variances 1 and covariances 0 exactly, within each group of `n` rows.
fn exact_noise(n: usize, columns: usize, seed: u64) -> Vec<Vec<f64>> {
    let mut rng = resample::stream(seed, 0);
    let mut done: Vec<Vec<f64>> = vec![vec![1.0; n]];
    for _ in 0..columns {
        let mut v: Vec<f64> = (0..n).map(|_| resample::uniform(&mut rng) - 0.5).collect();
        for _ in 0..2 {
            for q in &done {
                let along = v.iter().zip(q).map(|(a, b)| a * b).sum::<f64>() / q.iter().map(|b| b * b).sum::<f64>();
                v.iter_mut().zip(q).for_each(|(a, b)| *a -= along * b);
            }
        }
        let scale = (v.iter().map(|a| a * a).sum::<f64>() / n as f64).sqrt();
        v.iter_mut().for_each(|a| *a /= scale);
        done.push(v);
    }
    done.split_off(1)
}

/// The linear example of METHODS 8.2 with exact moments; S, B, H, Y without noise in Y's slopes.
fn genl() -> Design {
    let n = 200;
    let mut columns: [Vec<f64>; 5] = Default::default();
    for r in [0.0, 1.0] {
        let noise = exact_noise(n, 4, 5 + r as u64);
        for ((e_s, e_b), (e_h, e_y)) in noise[0].iter().zip(&noise[1]).zip(noise[2].iter().zip(&noise[3])) {
            let s = 0.6 * r + e_s;
            let b = 0.2 * r + 0.4 * s + e_b;
            let h = 0.5 * r + 0.3 * s + 0.2 * b + e_h;
            let y = 0.1 * r + 0.2 * s + 0.5 * b + 0.4 * h + e_y;
            columns.iter_mut().zip([r, s, b, h, y]).for_each(|(c, v)| c.push(v));
        }
    }
    let [r, s, b, h, y] = columns;
    let blocks = vec![("S", vec![("S", s)]), ("B", vec![("B", b)]), ("H", vec![("H", h)])];
    Columns { family: Family::Gaussian, y, group: r, allowable: vec![], blocks, weight: None, cluster: None }.design()
}

/// T29: products and donors have the closed forms of the linear model, and so have the regressions. Where blocks are left out of the
/// regressions, what they say of a block is its total effect.
#[test]
fn linear_closed_forms() {
    let d = genl();
    let reduction = |equalize: &str, given: &str, estimator: Estimator| {
        let m = Interventional { equalize: set(equalize), given: set(given), estimator, bootstrap: Bootstrap { replicates: 4, seed: 1 } };
        total(&run(&d, &m), Part::Explained)
    };
    for estimator in [Estimator::Product, Estimator::Donors] {
        for (equalize, want) in [("S", 0.12), ("B", 0.22), ("H", 0.3072), ("SBH", 0.6472)] {
            near(equalize, reduction(equalize, "", estimator), want, 1e-8);
        }
    }
    near("H given S and B, products", reduction("H", "SB", Estimator::Product), 0.2, 1e-8);
    near("S with what follows from it", reduction("S", "", Estimator::Gcomp), 0.3312, 1e-8);
    near("B given S, with what follows from it", reduction("B", "S", Estimator::Gcomp), 0.116, 1e-8);
    near("H given S and B", reduction("H", "SB", Estimator::Gcomp), 0.2, 1e-8);
}

/// With a linear outcome, nothing given and every block equalised, donors are products on any data, and resampling tells the errors
/// of an influence function within its Monte Carlo error.
#[test]
fn donors_are_products_and_resampling_agrees_with_influences() {
    for (weighted, clustered) in [(false, false), (true, false), (false, true)] {
        let mut d = lcg_design(Family::Gaussian, weighted);
        for c in d.columns.iter_mut().filter(|c| c.role == Role::Allowable) {
            c.role = Role::Block(1);
        }
        if !clustered {
            d.clusters = None;
        }
        let m =
            |estimator| Interventional { equalize: set("SBH"), given: BlockSet::NONE, estimator, bootstrap: Bootstrap { replicates: 1000, seed: 7 } };
        let (donors, product) = (run(&d, &m(Estimator::Donors)), run(&d, &m(Estimator::Product)));
        let c = Contrast::new(&d, 1);
        let units = Sampling::new(c.n(), c.clusters().as_deref(), 0.95);
        let resampled = units.of_replicates(1000);
        for (a, b) in donors.rows.iter().zip(&product.rows) {
            near("value", a.estimate.value, b.estimate.value, 1e-8);
            let (boot, want) = (resampled.std_error(&a.estimate), units.std_error(&b.estimate));
            if want > 1e-12 {
                // 1,000 replicates know their error to 2.2%; forty clusters are resampled without the factor G / (G - 1).
                assert!((boot / want - 1.0).abs() < if clustered { 0.12 } else { 0.08 }, "{:?}: {boot} against {want}", a.part);
            } else {
                assert!(boot < 1e-9);
            }
        }
    }
}

/// The standing rule: resampling a method that has an influence function, everything refitted, finds its standard errors.
#[test]
fn resampling_finds_the_errors_of_influence_functions() {
    let d = lcg_design(Family::Binomial, true);
    let replicates = 300;
    let methods: [Box<dyn Method>; 3] = [
        Box::new(Interventional { equalize: set("B"), given: set("S"), ..Interventional::default() }),
        Box::new(Interventional { equalize: set("B"), given: set("S"), estimator: Estimator::Gcomp, ..Interventional::default() }),
        Box::new(Cdgd { treatment: "T".into(), given: None, eif_only: false }),
    ];
    let mut plain = d.clone();
    plain.clusters = None;
    for d in [&plain, &d] {
        let c = Contrast::new(d, 1);
        let n0 = c.reference().len();
        let groups = [0..n0, n0..c.n()];
        let codes = c.clusters().map(|k| renumbered(&k).0);
        let resampling = Resampling { groups: &groups, cluster: codes.as_deref() };
        let units = Sampling::new(c.n(), c.clusters().as_deref(), 0.95);
        for m in &methods {
            let base = run(d, m.as_ref());
            let values: Vec<f64> = base.rows.iter().map(|r| r.estimate.value).collect();
            let found: Vec<Vec<f64>> = (1..=replicates)
                .map(|b| {
                    let mut moved = d.clone();
                    let counts = resampling.counts(&mut resample::stream(3, b));
                    moved.weight.iter_mut().zip(&counts).for_each(|(w, count)| *w *= count);
                    run(&moved, m.as_ref()).rows.iter().map(|r| r.estimate.value).collect()
                })
                .collect();
            let resampled = units.of_replicates(replicates as usize);
            for (e, r) in resample::estimates(&values, &found).iter().zip(&base.rows) {
                let (boot, want) = (resampled.std_error(e), units.std_error(&r.estimate));
                // 300 replicates know their error to 4%. Selection is a small difference of covariances: terms of second order, which no influence
                // function has, add 7% (1,500 resamples of units) and 13% (of 40 clusters) here.
                let within = if r.component == Component::Named("selection") { 0.3 } else { 0.16 };
                assert!(want == 0.0 || (boot / want - 1.0).abs() < within, "{m:?} {:?} {:?}: {boot} against {want}", r.part, r.component);
            }
        }
    }
}

#[test]
fn donors_do_not_depend_on_threads_and_thin_strata_are_merged_in_sight() {
    let d = lcg_design(Family::Binomial, false);
    let m = Interventional { equalize: set("H"), given: set("SB"), estimator: Estimator::Donors, bootstrap: Bootstrap { replicates: 40, seed: 3 } };
    let in_pool = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| run(&d, &m))
    };
    let (one, four) = (in_pool(1), in_pool(4));
    assert_eq!(one.rows, four.rows);
    assert_eq!(one.facts, four.facts);
    let merged = one.facts.iter().find(|f| f.check == "donors_merged").unwrap();
    assert!(matches!(merged.verdict, Verdict::Fails(_)) && merged.value > Some(0.5), "{merged:?}");
    let other = run(&d, &Interventional { bootstrap: Bootstrap { replicates: 40, seed: 4 }, ..m });
    assert_ne!(one.rows[1].estimate.influence, other.rows[1].estimate.influence);
}

/// Who is matched on fewer variables for the most part is not compared given what the study says.
#[test]
fn mostly_merged_donors_fail_a_gate_that_names_the_variables() {
    let mut d = lcg_design(Family::Binomial, false);
    let m = Interventional { equalize: set("H"), given: set("SB"), estimator: Estimator::Donors, bootstrap: Bootstrap { replicates: 50, seed: 3 } };
    let reference = d.groups[0].rows.clone();
    reference.filter(|i| i % 4 != 0).for_each(|i| d.weight[i] = 0.0);
    let got = run(&d, &m);
    let merged = got.facts.iter().find(|f| f.check == "donors_merged").unwrap();
    assert!(matches!(merged.verdict, Verdict::Fails(_)) && merged.value > Some(0.5), "{merged:?}");
    assert!(merged.message.contains("all are matched on C, and on S, B only where there are donors"), "{}", merged.message);
}

/// Whatever the estimator, the same overlap: none of them says more about index units that have no counterpart.
#[test]
fn every_estimator_is_held_to_the_overlap() {
    let m = |estimator| Interventional { equalize: set("S"), given: BlockSet::NONE, estimator, bootstrap: Bootstrap { replicates: 50, seed: 1 } };
    let near = lcg_design(Family::Gaussian, false);
    let mut far = near.clone();
    let s = far.columns.iter().position(|c| c.term == "S").unwrap();
    let spread = near.x.column(s).std(0.0);
    // One index unit in twenty stays where the reference units are.
    let moved = far.groups[1].rows.clone().filter(|i| i % 20 != 0);
    moved.for_each(|i| far.x[[i, s]] += 4.0 * spread);
    let mut apart = near.clone();
    apart.groups[1].rows.clone().for_each(|i| apart.x[[i, s]] += 60.0 * spread);
    let weights = |d: &Design, estimator| -> Vec<(&'static str, Option<f64>, Verdict)> {
        let facts = run(d, &m(estimator)).facts;
        let weights = facts.iter().filter(|f| f.check.starts_with("interventional_effective") || f.check.starts_with("interventional_largest"));
        weights.map(|f| (f.check, f.value, f.verdict)).collect()
    };
    for estimator in [Estimator::Gcomp, Estimator::Donors, Estimator::Product] {
        for d in [&near, &far] {
            let (got, want) = (weights(d, estimator), weights(d, Estimator::Dr));
            assert_eq!(got, want, "{estimator:?}");
            assert_eq!(got.len(), 4);
        }
        assert!(weights(&near, estimator).iter().all(|f| matches!(f.2, Verdict::Passes(_))));
        assert!(weights(&far, estimator).iter().any(|f| matches!(f.2, Verdict::Fails(_))), "{estimator:?}");
        // Without any overlap the group model has no fit, and that is a failure too.
        let facts = run(&apart, &m(estimator)).facts;
        assert!(facts.iter().any(|f| f.check == "interventional_overlap" && matches!(f.verdict, Verdict::Fails(_))), "{estimator:?}");
    }
}

/// Two and a half million pairs: donors are drawn, and the answer stays where all pairs have it.
#[test]
fn many_pairs_are_drawn_from() {
    let d = lcg_design(Family::Binomial, false);
    let mut many = d.clone();
    // Rows repeated four times give sixteen times the pairs.
    let rows: Vec<usize> =
        [d.groups[0].rows.clone(), d.groups[1].rows.clone()].into_iter().flat_map(|r| (0..4).flat_map(move |_| r.clone())).collect();
    many.x = d.x.select(ndarray::Axis(0), &rows);
    many.y = d.y.select(ndarray::Axis(0), &rows);
    many.weight = d.weight.select(ndarray::Axis(0), &rows);
    // Values that differ a little, so that each donor is one of its own.
    many.x.column_mut(4).iter_mut().enumerate().for_each(|(i, v)| *v += 1e-9 * i as f64);
    many.clusters = None;
    many.labelled.clear();
    many.groups[0].rows = 0..4 * d.groups[0].rows.len();
    many.groups[1].rows = many.groups[0].rows.end..rows.len();
    let m = Interventional {
        equalize: set("B"),
        estimator: Estimator::Donors,
        bootstrap: Bootstrap { replicates: 3, seed: 3 },
        ..Interventional::default()
    };
    let (few, drawn) = (run(&d, &m), run(&many, &m));
    assert!(drawn.facts.iter().any(|f| f.check == "donors_drawn" && f.value == Some(25.0)) && !few.facts.iter().any(|f| f.check == "donors_drawn"));
    for (part, tolerance) in [(Part::Gap, 1e-12), (Part::Allowable, 1e-8), (Part::Explained, 1e-3), (Part::Unexplained, 1e-3)] {
        near("drawn", total(&drawn, part), total(&few, part), tolerance);
    }
}

#[test]
fn what_is_no_binary_treatment_is_refused() {
    let base = lcg_design(Family::Binomial, false);
    let refused = |values: &dyn Fn(usize) -> String| {
        let mut d = base.clone();
        d.labelled.clear();
        label(&mut d, "T", &(0..2000).map(values).collect::<Vec<_>>());
        let c = Contrast::new(&d, 1);
        match (Cdgd { treatment: "T".into(), ..Cdgd::default() }).decompose(&Fits::new(&c)) {
            Err(e @ DecomposeError::Refused { .. }) => e.to_string(),
            other => panic!("{other:?}"),
        }
    };
    assert!(refused(&|i| (i % 3).to_string()).contains("not a column of 0 and 1 (or false and true): it has 0, 1, 2"));
    assert!(refused(&|i| ["high", "low"][i % 2].to_owned()).contains("it has high, low"));
    let r = lcg::rows();
    assert!(refused(&|i| if r[i][0] == 1.0 { "0".into() } else { (i % 2).to_string() }).contains("no index unit has the treatment `T`"));
    assert!(refused(&|i| f64::from(u8::from(r[i][1] > 0.2)).to_string()).contains("the model of the treatment (`T`) has no fit"));
}

/// What the study must claim names its blocks: what is given, what is left out of the models, what is kept.
#[test]
fn assumptions_name_what_is_in_the_models_and_what_is_not() {
    let d = lcg_design(Family::Gaussian, false);
    let text = |given: &str, estimator| {
        let m = Interventional { equalize: set("H"), given: set(given), estimator, ..Interventional::default() };
        m.assumptions(&d).into_iter().map(|a| a.text).collect::<Vec<_>>()
    };
    let dr = text("S", Estimator::Dr);
    assert!(
        dr[0].contains("given the allowables and S, which values of H") && dr[0].contains("Not in the models: B; what of it comes before H"),
        "{dr:?}"
    );
    let donors = text("", Estimator::Donors);
    assert!(donors[0].contains("given the allowables, S and B,") && donors[0].contains("Kept as index units have it: S and B"), "{donors:?}");
    assert!(donors[3].contains("what is given (the allowables) comes before H"), "{donors:?}");
    assert!(text("SB", Estimator::Dr)[0].ends_with("at others"));
}

/// Where nothing is treated as fair, nothing goes with it: not a rounding error with an interval of its own.
#[test]
fn without_allowables_their_part_is_zero() {
    use gapshare::decompose::mechanisms::Mechanisms;
    let mut d = lcg_design(Family::Binomial, false);
    let blocks: Vec<usize> = (0..d.columns.len()).filter(|&j| d.columns[j].role != Role::Allowable).collect();
    d.columns = blocks.iter().map(|&j| d.columns[j].clone()).collect();
    d.x = d.x.select(ndarray::Axis(1), &blocks).as_standard_layout().to_owned();
    let c = Contrast::new(&d, 1);
    let methods: [Box<dyn Method>; 3] = [
        Box::new(Mechanisms::default()),
        Box::new(WithAndWithout::default()),
        Box::new(Interventional { equalize: set("H"), ..Interventional::default() }),
    ];
    for m in methods {
        let got = m.decompose(&Fits::new(&c)).unwrap();
        let part = &got.row(Part::Allowable, Component::Total).unwrap().estimate;
        assert!(part.value == 0.0 && part.influence.iter().all(|v| *v == 0.0), "{}: {:e}", m.name(), part.value);
    }
}
