//! The sensitivity section: known answers of R `sensemakr`, an independent numpy implementation on the LCG data
//! (`tests/known/make_sensitivity.py`), and identities with studies that are written out by hand.

use crate::frames::{Columns, Frame, close, expected, near};
use crate::relatives::design;
use crate::{lcg, oaxaca};
use gapshare::decompose::fits::Fits;
use gapshare::decompose::gelbach::Gelbach;
use gapshare::decompose::khb::Khb;
use gapshare::decompose::with_and_without::{Estimator, Surface, Target, WithAndWithout};
use gapshare::decompose::{Component, DecomposeError, Decomposition, Method, MethodFamily, Part, Vary};
use gapshare::design::{Contrast, Design};
use gapshare::estimate::Sampling;
use gapshare::sensitivity::omitted::{adjusted_gap, partial_r2};
use gapshare::sensitivity::{AllowableSet, Benchmark, Figure, Found, OmittedPlan, Sensitivity, UnmeasuredPlan, Variation, Varied, park, vary};
use gapshare::vocab::{BlockSet, Family, Role};
use std::collections::BTreeMap;

/// C14: R `sensemakr` on its Darfur data, 486 village indicators among the covariates.
#[test]
fn c14_omitted_variable_bounds() {
    let (Some(f), Some(want)) = (Frame::read("reference/data/darfur.csv"), expected("C14.sensemakr.darfur")) else { return };
    let mut villages: Vec<String> = f.text("village").to_vec();
    villages.sort();
    villages.dedup();
    let number = |name: &'static str| (name, f.number(name));
    let mut allowable: Vec<(&str, Vec<f64>)> = ["age", "farmer_dar", "herder_dar", "pastvoted", "hhsize_darfur"].map(number).to_vec();
    allowable.extend(villages.iter().skip(1).map(|v| (v.as_str(), f.is("village", v))));
    let d = Columns {
        family: Family::Gaussian,
        y: f.number("peacefactor"),
        group: f.number("directlyharmed"),
        allowable,
        blocks: vec![("sex", vec![number("female")])],
        weight: None,
        cluster: None,
    }
    .design();
    let c = Contrast::new(&d, 1);
    let fits = Fits::new(&c);
    let gap = adjusted_gap(&fits).unwrap();
    let value = |key: &str| want[key].0;
    close("estimate", gap.estimate, value("estimate"), 1e-9);
    close("standard error", gap.std_error, value("se"), 1e-9);
    close("t", gap.t(), value("t_statistic"), 1e-9);
    close("df", gap.df, value("dof"), 0.0);
    close("partial R2", gap.partial_r2(), value("r2yd.x"), 1e-9);
    close("RV", gap.robustness_value(1.0), value("rv_q"), 1e-9);
    close("RV at 5%", gap.robustness_value_at(1.0, 0.05), value("rv_qa"), 1e-9);
    let female = partial_r2(&fits, |column| column.role == Role::Block(0)).unwrap();
    let by_name = partial_r2(&fits, |column| column.variable == "female").unwrap();
    assert_eq!(female, by_name);
    for multiple in [1.0, 2.0, 3.0] {
        let bound = gap.bound(female, multiple).unwrap();
        let key = |name: &str| value(&format!("bound kd={multiple}|{name}"));
        close("R2 with the group", bound.r2_group, key("r2dz.x"), 1e-9);
        close("R2 with the outcome", bound.r2_outcome, key("r2yz.dx"), 1e-9);
        close("adjusted estimate", bound.adjusted.estimate, key("adjusted_estimate"), 1e-9);
        close("adjusted standard error", bound.adjusted.std_error, key("adjusted_se"), 1e-9);
        close("adjusted t", bound.adjusted.t(), key("adjusted_t"), 1e-9);
    }
}

fn known() -> BTreeMap<String, f64> {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/known/sensitivity.csv")).unwrap();
    let of = |line: &str| line.rsplit_once(',').and_then(|(key, value)| Some((key.to_owned(), value.parse().ok()?)));
    text.lines().filter_map(of).collect()
}

const WEIGHTS: [(&str, bool); 2] = [("unweighted", false), ("weighted", true)];
pub const GCOMP: WithAndWithout = WithAndWithout {
    attribution: gapshare::decompose::with_and_without::Attribution::Shapley,
    surface: Surface::ReferenceModel,
    estimator: Estimator::Gcomp,
    target: Target::Index,
    sequence: Vec::new(),
    learner: None,
};

/// All 2,000 units as independent, and in their 40 hospitals.
fn errors(d: &Design, e: &gapshare::estimate::Estimate) -> (f64, f64) {
    let code = d.clusters.as_ref().unwrap().code.clone();
    (Sampling::new(2000, None, 0.95).std_error(e), Sampling::new(2000, Some(&code), 0.95).std_error(e))
}

#[test]
fn odds_weighted_means_agree_with_numpy() {
    let k = known();
    for (w, weighted) in WEIGHTS {
        let d = design(Family::Binomial, weighted);
        let c = Contrast::new(&d, 1);
        let out = WithAndWithout { estimator: Estimator::Ipw, ..WithAndWithout::default() }.decompose(&Fits::new(&c)).unwrap();
        for (set, name) in [(BlockSet::NONE, "none"), (BlockSet::one(0), "S"), (BlockSet::all(3), "SBH")] {
            let a = &out.sets.iter().find(|s| s.set == set).unwrap().counterfactual_mean;
            let key = |what: &str| k[&format!("{w}|ipw|{name}|{what}")];
            close(name, a.value, key("a"), 1e-11);
            let (independent, clustered) = errors(&d, a);
            close("independent", independent, key("se_ij"), 3e-7);
            close("clustered", clustered, key("se_ij_cluster"), 3e-7);
        }
    }
}

pub fn on(d: &Design, plan: &Sensitivity, method: &dyn Method) -> Vec<Varied> {
    let c = Contrast::new(d, 1);
    vary(plan, &[], &Fits::new(&c), method, 0.95)
}

#[track_caller]
pub fn value(v: &Varied) -> f64 {
    match &v.found {
        Found::Estimate(e) => e.estimate,
        Found::Number(v) => *v,
        other => panic!("{v:?}: {other:?}"),
    }
}

#[track_caller]
pub fn find<'a>(rows: &'a [Varied], setting: &str, figure: Figure) -> &'a Varied {
    rows.iter().find(|v| v.setting == setting && v.figure == figure).unwrap_or_else(|| panic!("no {setting} {figure:?}"))
}

pub const fn total(part: Part) -> Figure {
    Figure::Part(part, Component::Total)
}

#[test]
fn trimmed_samples_agree_with_numpy() {
    let k = known();
    for (w, weighted) in WEIGHTS {
        let d = design(Family::Binomial, weighted);
        let rows = on(&d, &Sensitivity { trimming: vec![0.05, 0.1, 0.2], ..Sensitivity::default() }, &GCOMP);
        for cut in ["0.05", "0.1", "0.2"] {
            let key = |what: &str| k[&format!("{w}|trim|{cut}|{what}")];
            for (part, name) in [(Part::Gap, "gap"), (Part::Explained, "explained"), (Part::Unexplained, "unexplained")] {
                close(name, value(find(&rows, cut, total(part))), key(name), 1e-9);
            }
            let n = find(&rows, cut, total(Part::Gap)).retained.unwrap();
            assert_eq!((n.n.0 as f64, n.n.1 as f64), (key("n_reference"), key("n_index")));
            assert_eq!((n.n.0 + n.left_out.0, n.n.1 + n.left_out.1), (1320, 680));
        }
        let all = find(&rows, "0", total(Part::Gap)).retained.unwrap();
        assert_eq!((all.n, all.left_out), ((1320, 680), (0, 0)));
    }
}

#[test]
fn reductions_and_their_robustness_agree_with_numpy() {
    let k = known();
    for (w, weighted) in WEIGHTS {
        let d = design(Family::Binomial, weighted);
        let c = Contrast::new(&d, 1);
        let fits = Fits::new(&c);
        for (block, name) in ["S", "B", "H"].into_iter().enumerate() {
            let key = |kind: &str, what: &str| k[&format!("{w}|{kind}|{name}|{what}")];
            let r = park::reduction(&fits, block).unwrap();
            close("reduction", r.reduction.value, key("park", "reduction"), 1e-10);
            close("remaining", r.remaining.value, key("park", "remaining"), 1e-10);
            close("standard error", errors(&d, &r.reduction).0, key("park", "se_reduction"), 3e-7);
            close("robustness value", r.product.robustness_value(), key("park", "rv"), 1e-9);
            close(
                "of the limit",
                r.product.robustness_value_at(1.959_963_984_540_054, r.product.std_error(0.0, 0.0)),
                key("park", "rv_of_limit"),
                1e-8,
            );
            close("against", r.product.adjusted(0.1, 0.2).0, key("park", "against 0.1 0.2"), 1e-9);
            assert_eq!(r.score, name == "H");
            let observed = partial_r2(&fits, |column| column.role == Role::Block(block)).unwrap();
            near("R2 with the group", observed.of_group, key("ovb", "r2_group"), 1e-12);
            near("R2 with the outcome", observed.of_outcome, key("ovb", "r2_outcome"), 1e-12);
        }
    }
}

/// The robustness value of the limit is that of the interval printed beside it: 0 where it holds 0, whatever classical errors say.
#[test]
fn the_robustness_of_a_limit_is_that_of_the_printed_interval() {
    let mut differ = 0;
    for clusters in [0, 2, 3, 5, 40] {
        let mut columns = lcg::columns();
        columns.cluster = (clusters > 0).then(|| (0..2000).map(|i| format!("{:02}", i * 7 % clusters)).collect());
        let d = columns.design();
        let rows = on(&d, &Sensitivity { park: vec![0.1], ..Sensitivity::default() }, &GCOMP);
        let c = Contrast::new(&d, 1);
        let s = Sampling::new(2000, c.clusters().as_deref(), 0.95);
        for (block, setting) in ["S", "B", "H (score of its columns)"].into_iter().enumerate() {
            let Found::Estimate(reduction) = find(&rows, setting, Figure::Named("reduction")).found else { panic!("no reduction") };
            let limit = value(find(&rows, setting, Figure::Named("robustness_value_of_limit")));
            let p = park::reduction(&Fits::new(&c), block).unwrap().product;
            if reduction.conf_low <= 0.0 && reduction.conf_high >= 0.0 {
                assert_eq!(limit, 0.0, "{clusters} {setting} {reduction:?}");
                differ += usize::from(p.robustness_value_at(s.normal_quantile(), p.std_error(0.0, 0.0)) > 0.0);
            } else {
                // Where the printed half-width, widened as U widens the classical one, reaches 0.
                let half = 0.5 * (reduction.conf_high - reduction.conf_low) * p.std_error(limit, limit) / p.std_error(0.0, 0.0);
                assert!(limit > 0.0);
                near(setting, p.reduction().abs() - p.bias(limit, limit), half, 1e-10);
            }
        }
    }
    assert!(differ > 0);
}

/// A left-out factor that would have to explain more than all of the outcome has no adjusted gap, not one without an error.
#[test]
fn impossible_multiples_have_no_gap() {
    let d = design(Family::Gaussian, false);
    let plan = OmittedPlan { benchmarks: vec![Benchmark::Block(0), Benchmark::Block(1)], multiples: vec![1.0, 5.0, 20.0, 50.0] };
    let rows = on(&d, &Sensitivity { omitted: Some(plan), ..Sensitivity::default() }, &GCOMP);
    let capped: Vec<&Varied> = rows.iter().filter(|v| v.figure == Figure::Named("r2_with_outcome") && v.found == Found::Number(1.0)).collect();
    assert!(!capped.is_empty());
    for v in capped {
        for figure in ["adjusted_gap", "t"] {
            let found = &find(&rows, &v.setting, Figure::Named(figure)).found;
            assert!(matches!(found, Found::Undefined(reason) if reason.contains("more than all of the outcome's variation")), "{found:?}");
        }
    }
    for v in &rows {
        assert!(!matches!(v.found, Found::Estimate(e) if e.std_error <= 0.0), "{v:?}");
    }
}

/// The LCG data with the variables in these places; None: not in the study.
fn placed(place: &[(&'static str, Option<&str>)]) -> Design {
    let mut columns = lcg::columns();
    columns.cluster = Some((0..2000).map(|i| format!("{:02}", i * 7 % 40)).collect());
    let values: BTreeMap<&str, Vec<f64>> =
        columns.allowable.iter().chain(columns.blocks.iter().flat_map(|(_, c)| c)).map(|(t, v)| (*t, v.clone())).collect();
    let of = |name: &str| place.iter().filter(|(_, p)| *p == Some(name)).map(|(t, _)| (*t, values[t].clone())).collect::<Vec<_>>();
    columns.allowable = of("allowable");
    columns.blocks = ["S", "B", "H"].map(|b| (b, of(b))).to_vec();
    columns.design()
}

const HERE: [(&str, Option<&str>); 6] =
    [("C", Some("allowable")), ("S", Some("S")), ("B", Some("B")), ("H=1", Some("H")), ("H=2", Some("H")), ("H=3", Some("H"))];

/// The rows of a variation are those of the study written out by hand.
#[track_caller]
pub fn as_by_hand(what: &str, rows: &[Varied], variation: Variation, setting: &str, by_hand: &Design, method: &dyn Method) {
    let c = Contrast::new(by_hand, 1);
    let d = method.decompose(&Fits::new(&c)).unwrap();
    let sampling = Sampling::new(c.n(), c.clusters().as_deref(), 0.95);
    for r in &d.rows {
        let v = rows.iter().find(|v| v.variation == variation && v.setting == setting && v.figure == Figure::Part(r.part, r.component));
        let Some(v) = v else { panic!("{what}: no {:?} {:?}", r.part, r.component) };
        match (&v.found, r.component) {
            (Found::Undefined(_), Component::Block(k)) if by_hand.is_empty_block(k) => near(what, r.estimate.value, 0.0, 1e-12),
            (Found::Estimate(e), _) => {
                near(what, e.estimate, r.estimate.value, 1e-12);
                near(what, e.std_error, sampling.std_error(&r.estimate), 1e-12);
            }
            other => panic!("{what}: {other:?}"),
        }
    }
}

#[test]
fn variations_are_the_studies_written_out_by_hand() {
    let plan = Sensitivity {
        leave_one_out: true,
        contested: vec![("S".into(), vec![Role::Block(2), Role::Allowable]), ("C".into(), vec![Role::Block(1)])],
        allowable: vec![
            AllowableSet { name: "none".into(), variables: vec![], blocks: vec![] },
            AllowableSet { name: "S for C".into(), variables: vec!["S".into()], blocks: vec![] },
            AllowableSet { name: "with H".into(), variables: vec!["C".into()], blocks: vec![2] },
        ],
        ..Sensitivity::default()
    };
    let d = placed(&HERE);
    let moved = |changes: &[(&str, Option<&'static str>)]| {
        placed(&HERE.map(|(t, p)| (t, changes.iter().find(|(c, _)| *c == t || (*c == "H" && t.starts_with("H="))).map_or(p, |(_, to)| *to))))
    };
    let methods: [&dyn Method; 3] = [&WithAndWithout::default(), &GCOMP, &Gelbach { linear: true, ..Gelbach::default() }];
    for method in methods {
        let rows = on(&d, &plan, method);
        for out in ["S", "B", "H=2"] {
            as_by_hand(out, &rows, Variation::LeaveOneOut, out, &moved(&[(out, None)]), method);
        }
        for (setting, change) in [("S to H", ("S", "H")), ("S to allowable", ("S", "allowable")), ("C to B", ("C", "B"))] {
            as_by_hand(setting, &rows, Variation::Contested, setting, &moved(&[(change.0, Some(change.1))]), method);
        }
        as_by_hand("none", &rows, Variation::Allowable, "none", &moved(&[("C", None)]), method);
        as_by_hand("S for C", &rows, Variation::Allowable, "S for C", &moved(&[("C", None), ("S", Some("allowable"))]), method);
        as_by_hand("with H", &rows, Variation::Allowable, "with H", &moved(&[("H", Some("allowable"))]), method);
        let left_out: std::collections::BTreeSet<&str> =
            rows.iter().filter(|v| v.variation == Variation::LeaveOneOut).map(|v| v.setting.as_str()).collect();
        assert_eq!(left_out.into_iter().collect::<Vec<_>>(), ["B", "H=1", "H=2", "H=3", "S"]);
    }
    assert!(!d.is_empty_block(0) && moved(&[("S", None)]).is_empty_block(0));
}

/// T10 in another guise: a sample of some rows is the study of those rows.
#[test]
fn a_sample_of_rows_is_the_study_of_those_rows() {
    let mut columns = lcg::columns();
    let keep = |i: usize| !i.is_multiple_of(3);
    columns.cluster = Some((0..2000).map(|i| format!("{:02}", if i < 300 { i % 2 } else { i * 7 % 40 })).collect());
    columns.weight = Some((0..2000).map(|i| 1.0 + f64::from(i % 4)).collect());
    let d = columns.design();
    let some = |v: &[f64]| (0..2000).filter(|i| keep(*i)).map(|i| v[i]).collect::<Vec<_>>();
    let named = |list: &[(&'static str, Vec<f64>)]| list.iter().map(|(t, v)| (*t, some(v))).collect::<Vec<_>>();
    let all = lcg::columns();
    let by_hand = Columns {
        family: Family::Binomial,
        y: some(&all.y),
        group: some(&all.group),
        allowable: named(&all.allowable),
        blocks: all.blocks.iter().map(|(b, c)| (*b, named(c))).collect(),
        weight: columns.weight.as_deref().map(some),
        cluster: columns.cluster.as_ref().map(|c| (0..2000).filter(|i| keep(*i)).map(|i| c[i].clone()).collect()),
    }
    .design();
    let c = Contrast::new(&d, 1);
    let sample = d.with_rows(&c, |row| keep(d.cohort_row[row] as usize));
    assert_eq!((sample.x.view(), sample.y.view(), &sample.groups), (by_hand.x.view(), by_hand.y.view(), &by_hand.groups));
    let run = |d: &Design| {
        let c = Contrast::new(d, 1);
        let s = Sampling::new(c.n(), c.clusters().as_deref(), 0.95);
        let out = WithAndWithout::default().decompose(&Fits::new(&c)).unwrap();
        out.rows.iter().map(|r| (r.estimate.value, s.std_error(&r.estimate))).collect::<Vec<_>>()
    };
    for ((a, b), (x, y)) in run(&sample).into_iter().zip(run(&by_hand)) {
        near("value", a, x, 1e-12);
        near("standard error", b, y, 1e-12);
    }
}

/// A product goes with its parts, and enters where all of them do.
#[test]
fn products_follow_their_parts() {
    let mut columns = lcg::columns();
    let product: Vec<f64> = columns.blocks[0].1[0].1.iter().zip(&columns.allowable[0].1).map(|(a, b)| a * b).collect();
    columns.blocks[1].1.push(("S:C", product));
    let mut d = columns.design();
    let at = d.columns.iter().position(|c| c.term == "S:C").unwrap();
    d.columns[at].product = Some(("S".into(), "C".into()));
    d.columns[at].requires = vec![Role::Block(0), Role::Allowable];
    let names = |d: &Design| d.columns.iter().map(|c| c.term.clone()).collect::<Vec<_>>().join(" ");
    let without = d.with_roles(|v, role| (v != "S").then_some(role));
    assert_eq!(names(&without), "(intercept) (group) C B H=1 H=2 H=3");
    let moved = d.with_roles(|v, role| Some(if v == "S" { Role::Block(2) } else { role }));
    let product = moved.columns.iter().find(|c| c.term == "S:C").unwrap();
    assert_eq!((product.role, product.requires.as_slice()), (Role::Block(1), &[Role::Block(2), Role::Allowable][..]));
    assert_eq!(names(&moved), "(intercept) (group) C B S:C S H=1 H=2 H=3");
    let c = Contrast::new(&moved, 1);
    let (with, without) = (c.columns(BlockSet::one(1).with(2)), c.columns(BlockSet::one(1)));
    let product = moved.columns.iter().position(|c| c.term == "S:C").unwrap();
    assert!(with.contains(&product) && !without.contains(&product));
}

#[test]
fn other_choices_of_the_method_are_all_run() {
    let d = lcg::columns().design();
    let c = Contrast::new(&d, 1);
    let fits = Fits::new(&c);
    let plan = Sensitivity { order: true, vary: vec![Vary::Estimator, Vary::Surface, Vary::Target], e_value: true, ..Sensitivity::default() };
    let own = WithAndWithout::default();
    let rows = on(&d, &plan, &own);
    let explained = |m: WithAndWithout| {
        let out = m.decompose(&fits).unwrap();
        out.row(Part::Explained, Component::Total).unwrap().estimate.value
    };
    for (setting, method) in [
        ("gcomp", GCOMP.clone()),
        ("ipw", WithAndWithout { estimator: Estimator::Ipw, ..own.clone() }),
        ("pooled_main", WithAndWithout { surface: Surface::PooledMain, ..GCOMP.clone() }),
        ("pooled_interacted", WithAndWithout { surface: Surface::PooledInteracted, ..GCOMP.clone() }),
        ("reference", WithAndWithout { target: Target::Reference, ..own.clone() }),
        ("pooled", WithAndWithout { target: Target::Pooled, ..own.clone() }),
    ] {
        assert_eq!(value(find(&rows, setting, total(Part::Explained))), explained(method), "{setting}");
    }
    let settings: Vec<&str> = rows.iter().filter(|v| v.figure == total(Part::Gap)).map(|v| v.setting.as_str()).collect();
    assert_eq!(settings, ["gcomp", "ipw", "pooled_main", "pooled_interacted", "reference", "pooled"]);
    // METHODS 3.2: a(SBH) by dr is .362625897083; no reference patient has S > 1, so the overlap gate fails (T28).
    let ratio = find(&rows, "every block", Figure::Named("ratio"));
    close("adjusted ratio", value(ratio), 0.407352941176 / 0.362625897083, 1e-10);
    assert!(ratio.blinded && rows.iter().filter(|v| matches!(v.variation, Variation::Setting(Vary::Estimator))).all(|v| v.blinded));
    let rr: f64 = 0.407352941176 / 0.362625897083;
    close("E-value", value(find(&rows, "every block", Figure::Named("e_value"))), rr + (rr * (rr - 1.0)).sqrt(), 1e-9);
    assert_eq!(value(find(&rows, "every block", Figure::Named("e_value_of_limit"))), 1.0);
    let out = own.decompose(&fits).unwrap();
    for k in 0..3 {
        let rules = out.row(Part::Explained, Component::Block(k)).unwrap().rules.unwrap();
        let figure = Figure::Part(Part::Explained, Component::Block(k));
        assert_eq!((value(find(&rows, "smallest", figure)), value(find(&rows, "largest", figure))), (rules.order_min, rules.order_max));
    }
}

/// Ratios of other targets: index and reference units change places, not the direction of the ratio.
#[test]
fn adjusted_means_differ_by_the_adjusted_gap() {
    let d = lcg::columns().design();
    let c = Contrast::new(&d, 1);
    let fits = Fits::new(&c);
    let observed = gapshare::decompose::moments::group_means(&c);
    for surface in [Surface::ReferenceModel, Surface::PooledMain, Surface::PooledInteracted] {
        for target in [Target::Index, Target::Reference, Target::Pooled] {
            let method = WithAndWithout { surface, target, ..GCOMP.clone() };
            let out = method.decompose(&fits).unwrap();
            let (index, reference) = method.adjusted_means(&out).unwrap();
            let gap = out.row(Part::Unexplained, Component::Total).unwrap().estimate.value;
            near("gap", index.value - reference.value, gap, 1e-12);
            // A canonical link fits the observed mean of the group that it is averaged over.
            match target {
                Target::Index => near("index", index.value, observed.index.value, 1e-9),
                Target::Reference => near("reference", reference.value, observed.reference.value, 1e-9),
                Target::Pooled => assert!(index.value > reference.value),
            }
        }
    }
}

/// A method of family M, as far as the section is concerned.
#[derive(Debug)]
struct OfMechanisms;

impl Method for OfMechanisms {
    fn name(&self) -> &'static str {
        "mechanisms"
    }
    fn family(&self) -> MethodFamily {
        MethodFamily::M
    }
    fn refuses(&self, _: Family) -> Option<String> {
        None
    }
    fn decompose(&self, fits: &Fits<'_>) -> Result<Decomposition, DecomposeError> {
        GCOMP.decompose(fits)
    }
}

#[test]
fn an_unmeasured_factor_takes_its_part_of_a_mechanism() {
    let d = lcg::columns().design();
    let plan = Sensitivity { unmeasured: Some(UnmeasuredPlan { delta: vec![0.5], gamma: vec![0.4, 0.0] }), ..Sensitivity::default() };
    let rows = on(&d, &plan, &OfMechanisms);
    // T16: Shapley of S .059020897976; index mean .407352941176.
    let slope = 0.407352941176 * (1.0 - 0.407352941176);
    let block = Figure::Part(Part::Explained, Component::Block(0));
    near("left", value(find(&rows, "delta 0.5, gamma 0.4", block)), 0.059020897976 - 0.2 * slope, 1e-10);
    near("frontier", value(find(&rows, "S, gamma 0.4", Figure::Named("delta_at_zero"))), 0.059020897976 / (0.4 * slope), 1e-9);
    assert!(matches!(find(&rows, "S, gamma 0", Figure::Named("delta_at_zero")).found, Found::Undefined(_)));
    // The same of the method itself, by its own contributions.
    let method = gapshare::decompose::mechanisms::Mechanisms { sequence: vec![0, 1, 2], ..Default::default() };
    let c = Contrast::new(&d, 1);
    let reported = method.decompose(&Fits::new(&c)).unwrap();
    let rows = on(&d, &plan, &method);
    for k in 0..3 {
        let figure = Figure::Part(Part::Explained, Component::Block(k));
        let contribution = reported.row(Part::Explained, Component::Block(k)).unwrap().estimate.value;
        near("left", value(find(&rows, "delta 0.5, gamma 0.4", figure)), contribution - 0.2 * slope, 1e-10);
    }
    let other = on(&d, &plan, &GCOMP);
    assert!(other.len() == 1 && matches!(other[0].found, Found::Undefined(_)));
}

/// What cannot be varied or estimated has a row that says why; nothing stops the rest.
#[test]
fn what_has_no_estimate_says_why() {
    let everything = Sensitivity {
        order: true,
        vary: vec![Vary::Estimator],
        trimming: vec![0.05, 0.499],
        leave_one_out: true,
        contested: vec![("nowhere".into(), vec![Role::Block(0)])],
        allowable: vec![],
        e_value: true,
        omitted: Some(OmittedPlan { benchmarks: vec![Benchmark::Block(0), Benchmark::Variable("H=1".into())], multiples: vec![1.0, 1e4] }),
        park: vec![0.1],
        ..Sensitivity::default()
    };
    let d = lcg::columns().design();
    let rows = on(&d, &everything, &Khb::default());
    let reason = |setting: &str, variation: Variation| -> String {
        let found =
            rows.iter().find(|v| v.variation == variation && v.setting == setting && !matches!(v.found, Found::Estimate(_) | Found::Number(_)));
        match found.map(|v| &v.found) {
            Some(Found::Undefined(reason)) => reason.clone(),
            Some(Found::Failed(e)) => e.to_string(),
            other => panic!("{setting}: {other:?}"),
        }
    };
    assert_eq!(reason("all orders", Variation::Order), "khb credits blocks without an order");
    assert_eq!(reason("all", Variation::Setting(Vary::Estimator)), "khb, as it is set here, has no other estimator");
    assert_eq!(reason("every block", Variation::EValue), "khb does not compare two means with every block accounted for");
    assert!(reason("nowhere to S", Variation::Contested).starts_with("no column of the variable"));
    assert_eq!(reason("10000 x S", Variation::Omitted), "a factor so strong would explain all of the group");
    assert!(!reason("0.499", Variation::Trimming).is_empty());
    assert!(rows.iter().any(|v| v.variation == Variation::Park && matches!(v.found, Found::Estimate(_))));
    // The pooled coefficients of least squares: the adjusted gap is Oaxaca-Blinder's pooled unexplained part (T6).
    let pooled = gapshare::decompose::oaxaca::OaxacaBlinder {
        reference: gapshare::decompose::oaxaca::Coefficients::Pooled,
        linear: true,
        ..gapshare::decompose::oaxaca::OaxacaBlinder::default()
    };
    let unexplained = oaxaca::total(&oaxaca::decompose(&d, &pooled), Part::Unexplained);
    near("linear adjusted gap", value(find(&rows, "linear", Figure::Named("adjusted_gap"))), unexplained, 1e-11);
}
