//! Identities that must hold for every registered method (METHODS 9: T1, T2, T9, T10, T11), on small random data.

use crate::frames::{Columns, label, near};
use gapshare::decompose::fairlie::Fairlie;
use gapshare::decompose::fits::Fits;
use gapshare::decompose::gelbach::Gelbach;
use gapshare::decompose::khb::Khb;
use gapshare::decompose::oaxaca::{Coefficients, OaxacaBlinder};
use gapshare::decompose::with_and_without::{Estimator, WithAndWithout};
use gapshare::decompose::{Component, Decomposition, Inference, Method, Part, registered};
use gapshare::design::{Contrast, Design, Factor};
use gapshare::estimate::Sampling;
use gapshare::model::expit;
use gapshare::vocab::Family;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

const FAMILIES: [Family; 4] = [Family::Gaussian, Family::Binomial, Family::Probit, Family::Poisson];

/// A table of n units: a number and a three-level factor in blocks, one allowable; the factor as its level.
struct Data {
    family: Family,
    y: Vec<f64>,
    group: Vec<f64>,
    age: Vec<f64>,
    lab: Vec<f64>,
    level: Vec<usize>,
    income: Vec<f64>,
    weight: Vec<f64>,
    treated: Vec<f64>,
    site: Vec<usize>,
}

fn data(family: Family, seed: u64, n: usize) -> Data {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut uniform = || (rng.next_u64() >> 11) as f64 / 2f64.powi(53);
    let mut d = Data {
        family,
        y: vec![],
        group: vec![],
        age: vec![],
        lab: vec![],
        level: vec![],
        income: vec![],
        weight: vec![],
        treated: vec![],
        site: vec![],
    };
    for _ in 0..n {
        let r = f64::from(u8::from(uniform() < 0.4));
        let age = 60.0 + 20.0 * (uniform() - 0.5) - 2.0 * r;
        let income = 2.0 * uniform() - 1.0 - 0.3 * r;
        let lab = 1.0 + uniform() + 0.2 * r - 0.2 * income;
        let level = (3.0 * (0.7 * uniform() + 0.3 * r * uniform())).floor() as usize;
        let eta = -0.6 + 0.03 * (age - 60.0) + 0.4 * lab - 0.5 * income + [0.0, 0.3, -0.2][level] + 0.3 * r;
        let u = uniform();
        d.y.push(match family {
            Family::Gaussian => eta + 2.0 * (u - 0.5),
            Family::Binomial | Family::Probit => f64::from(u8::from(u < expit(eta))),
            Family::Poisson => (4.0 * u * eta.exp()).floor(),
        });
        d.group.push(r);
        d.age.push(age);
        d.lab.push(lab);
        d.level.push(level);
        d.income.push(income);
        d.weight.push(1.0 + (uniform() * 3.0).floor());
    }
    for i in 0..n {
        let p = expit(-0.3 + 0.4 * d.income[i] + 0.2 * (d.lab[i] - 1.5) - 0.3 * d.group[i]);
        d.treated.push(f64::from(u8::from(uniform() < p)));
    }
    // Six hospitals that all kinds of units use, in somewhat different shares.
    for i in 0..n {
        let tilt = uniform() + 0.1 * d.group[i] + 0.05 * d.income[i];
        d.site.push(((6.0 * tilt).floor().clamp(0.0, 5.0)) as usize);
    }
    d
}

impl Data {
    /// `base` is the level without an indicator.
    fn columns(&self, base: usize, weighted: bool) -> Columns<'static> {
        const NAMES: [&str; 3] = ["type=0", "type=1", "type=2"];
        let is = |l: usize| self.level.iter().map(|v| f64::from(u8::from(*v == l))).collect::<Vec<_>>();
        let mut clinical = vec![("lab", self.lab.clone())];
        clinical.extend((0..3).filter(|l| *l != base).map(|l| (NAMES[l], is(l))));
        Columns {
            family: self.family,
            y: self.y.clone(),
            group: self.group.clone(),
            allowable: vec![("age", self.age.clone())],
            blocks: vec![("clinical", clinical), ("social", vec![("income", self.income.clone())])],
            weight: weighted.then(|| self.weight.clone()),
            cluster: None,
        }
    }

    /// The design, the type declared as a factor.
    fn design(&self, base: usize, weighted: bool) -> Design {
        let mut d = self.columns(base, weighted).design();
        let of_type = |d: &Design| (0..d.columns.len()).filter(|&j| d.columns[j].term.starts_with("type=")).collect::<Vec<_>>();
        let columns = of_type(&d);
        for &j in &columns {
            d.columns[j].level = d.columns[j].term.strip_prefix("type=").map(str::to_owned);
            d.columns[j].variable = "type".into();
        }
        d.factors.push(Factor { variable: "type".into(), base: base.to_string(), columns, fixed_effects: false, lost_level: false });
        self.label(&mut d);
        d
    }

    /// The treatment and the hospital that some methods read.
    fn label(&self, d: &mut Design) {
        label(d, "site", &self.site.iter().map(|s| format!("s{s}")).collect::<Vec<_>>());
        label(d, "treated", &self.treated.iter().map(f64::to_string).collect::<Vec<_>>());
    }

    fn rows(&self, order: &[usize]) -> Self {
        let pick = |v: &[f64]| order.iter().map(|&i| v[i]).collect::<Vec<_>>();
        Self {
            family: self.family,
            y: pick(&self.y),
            group: pick(&self.group),
            age: pick(&self.age),
            lab: pick(&self.lab),
            level: order.iter().map(|&i| self.level[i]).collect(),
            income: pick(&self.income),
            weight: pick(&self.weight),
            treated: pick(&self.treated),
            site: order.iter().map(|&i| self.site[i]).collect(),
        }
    }
}

fn run(d: &Design, m: &dyn Method) -> Decomposition {
    let c = Contrast::new(d, 1);
    m.decompose(&Fits::new(&c)).unwrap_or_else(|e| panic!("{m:?}: {e}"))
}

#[track_caller]
fn same(what: &str, m: &dyn Method, a: &Decomposition, b: &Decomposition) {
    assert_eq!((a.rows.len(), a.detail.len(), a.undefined.len()), (b.rows.len(), b.detail.len(), b.undefined.len()), "{m:?}");
    for (x, y) in a.rows.iter().zip(&b.rows) {
        near(&format!("{what}: {m:?} {:?} {:?}", x.part, x.component), x.estimate.value, y.estimate.value, 1e-10);
    }
    for x in &a.detail {
        let y = b.detail.iter().find(|y| y.part == x.part && y.term == x.term && y.role == x.role).unwrap_or_else(|| panic!("{m:?}: no {}", x.term));
        near(&format!("{what}: {m:?} {:?} {}", x.part, x.term), x.estimate.value, y.estimate.value, 1e-10);
    }
}

/// Methods whose errors take a numerical gradient over one standard error: coding a factor otherwise moves them a little.
fn numerical(m: &dyn Method) -> bool {
    matches!(m.name(), "fairlie" | "rank_and_replace")
}

/// The influence of a unit is the derivative of the estimate by the logarithm of its weight, times n: every formula of an
/// influence function against the estimator itself.
#[test]
fn influences_are_derivatives_by_weights() {
    let n = 300;
    for family in FAMILIES {
        let mut d = data(family, 8, n).design(0, true);
        for m in registered(family).iter().filter(|m| !numerical(m.as_ref())) {
            let base = run(&d, m.as_ref());
            // Replicates have no influence of units; those given the hospitals leave out the estimation of the models: see below.
            if matches!(base.inference, Inference::Replicates | Inference::Given) {
                continue;
            }
            for unit in [3, 77, 190, 250, 299] {
                let at = d.weight[unit];
                let step = 1e-4;
                d.weight[unit] = at * (1.0 + step);
                let up = run(&d, m.as_ref());
                d.weight[unit] = at * (1.0 - step);
                let down = run(&d, m.as_ref());
                d.weight[unit] = at;
                let check = |what: &str, e: &gapshare::estimate::Estimate, up: f64, down: f64| {
                    let want = n as f64 * (up - down) / (2.0 * step);
                    let scale = e.influence.iter().map(|v| v * v).sum::<f64>().sqrt() / (n as f64).sqrt();
                    near(&format!("{m:?} {what} unit {unit}"), e.influence[unit], want, 1e-5 * (scale + want.abs()) + 1e-7);
                };
                for (r, (u, l)) in base.rows.iter().zip(up.rows.iter().zip(&down.rows)) {
                    check(&format!("{:?} {:?}", r.part, r.component), &r.estimate, u.estimate.value, l.estimate.value);
                }
                for (t, (u, l)) in base.detail.iter().zip(up.detail.iter().zip(&down.detail)) {
                    check(&format!("{:?} {}", t.part, t.term), &t.estimate, u.estimate.value, l.estimate.value);
                }
            }
        }
    }
}

/// Given the hospitals, influences are those of the efficient influence function (METHODS 5.5(d)), which hold the estimated models fixed: what
/// estimating them adds is of a smaller order. So they agree with the derivatives on the whole, and exactly where nothing is fitted.
#[test]
fn influences_given_the_hospitals_are_near_the_derivatives() {
    let n = 3000;
    for family in FAMILIES {
        let mut d = data(family, 21, n).design(0, true);
        for m in registered(family) {
            let base = run(&d, m.as_ref());
            if base.inference != Inference::Given {
                continue;
            }
            // Of each row: sums of squares and products of influence and derivative.
            let mut sums = vec![[0.0; 3]; base.rows.len()];
            for unit in (0..60).map(|k| 50 * k + 7) {
                let at = d.weight[unit];
                let step = 1e-3;
                d.weight[unit] = at * (1.0 + step);
                let up = run(&d, m.as_ref());
                d.weight[unit] = at * (1.0 - step);
                let down = run(&d, m.as_ref());
                d.weight[unit] = at;
                for (s, (r, (u, l))) in sums.iter_mut().zip(base.rows.iter().zip(up.rows.iter().zip(&down.rows))) {
                    let (have, want) = (r.estimate.influence[unit], n as f64 * (u.estimate.value - l.estimate.value) / (2.0 * step));
                    if (r.part, r.component) == (Part::Gap, Component::Total) {
                        near(&format!("{m:?} gap unit {unit}"), have, want, 1e-5 * (1.0 + want.abs()));
                    }
                    [have * have, have * want, want * want].into_iter().zip(s).for_each(|(v, s)| *s += v);
                }
            }
            for (r, [hh, hw, ww]) in base.rows.iter().zip(sums).filter(|(r, _)| !r.estimate.influence.iter().all(|v| *v == 0.0)) {
                let (correlation, ratio) = (hw / (hh * ww).sqrt(), (hh / ww).sqrt());
                assert!(correlation > 0.9 && (0.85..1.15).contains(&ratio), "{m:?} {:?} {:?}: {correlation} {ratio}", r.part, r.component);
            }
        }
    }
}

#[test]
fn parts_sum_and_influences_have_mean_zero() {
    for family in FAMILIES {
        let d = data(family, 1, 600).design(0, true);
        for m in registered(family) {
            let out = run(&d, m.as_ref());
            let total = |p: Part| out.row(p, Component::Total).map_or(0.0, |r| r.estimate.value);
            let sum: f64 = m.parts()[1..].iter().map(|p| total(*p)).sum();
            near(&format!("{m:?}"), sum, total(Part::Gap), 1e-11);
            for r in &out.rows {
                let mean = r.estimate.influence.iter().sum::<f64>() / 600.0;
                near(&format!("{m:?} {:?} {:?}", r.part, r.component), mean, 0.0, 1e-9);
            }
        }
    }
}

#[test]
fn the_base_level_changes_nothing() {
    for family in FAMILIES {
        let d = data(family, 2, 600);
        let (a, b) = (d.design(0, false), d.design(2, false));
        for m in registered(family) {
            // The intercept takes up the base level: coefficients and interaction totals are invariant, their detail is not.
            let (x, y) = (run(&a, m.as_ref()), run(&b, m.as_ref()));
            same("base level", m.as_ref(), &x, &y);
            let s = Sampling::new(600, None, 0.95);
            for (p, q) in x.rows.iter().zip(&y.rows) {
                let (a, b) = (s.std_error(&p.estimate), s.std_error(&q.estimate));
                near(&format!("standard error {m:?} {:?} {:?}", p.part, p.component), a, b, if numerical(m.as_ref()) { 0.025 * a } else { 1e-10 });
            }
        }
    }
}

#[test]
fn rescaling_columns_and_permuting_rows_changes_nothing() {
    for family in FAMILIES {
        let d = data(family, 3, 500);
        let a = d.design(0, true);
        let order: Vec<usize> = (0..500).map(|i| (i * 183 + 71) % 500).collect();
        let mut scaled = d.rows(&order);
        scaled.lab.iter_mut().for_each(|v| *v *= -37.0);
        scaled.income.iter_mut().for_each(|v| *v *= 2e4);
        let mut shifted = d.rows(&order);
        shifted.lab.iter_mut().for_each(|v| *v = 1000.0 - 37.0 * *v);
        shifted.income.iter_mut().for_each(|v| *v = 5e4 + 2e4 * *v);
        let (b, c) = (scaled.design(0, true), shifted.design(0, true));
        for m in registered(family) {
            let (x, y) = (run(&a, m.as_ref()), run(&c, m.as_ref()));
            same("rescaled", m.as_ref(), &x, &run(&b, m.as_ref()));
            // Where zero stands on a number's scale decides what is its coefficient's part and what the intercept's (Jones 1983): only
            // parts that are differences of means are free of it.
            let of_means = |p: Part| matches!(p, Part::Gap | Part::Allowable | Part::Explained | Part::Endowments);
            for (p, q) in x
                .rows
                .iter()
                .filter(|r| of_means(r.part) || r.component == Component::Total)
                .zip(y.rows.iter().filter(|r| of_means(r.part) || r.component == Component::Total))
            {
                near(&format!("shifted: {m:?} {:?} {:?}", p.part, p.component), p.estimate.value, q.estimate.value, 1e-9);
            }
        }
    }
}

#[test]
fn integer_weights_are_repeated_rows() {
    for family in FAMILIES {
        let d = data(family, 4, 400);
        let repeated: Vec<usize> = (0..400).flat_map(|i| std::iter::repeat_n(i, d.weight[i] as usize)).collect();
        let (a, b) = (d.design(0, true), d.rows(&repeated).design(0, false));
        for m in registered(family) {
            same("repeated", m.as_ref(), &run(&a, m.as_ref()), &run(&b, m.as_ref()));
        }
    }
}

/// T11: swapping the groups swaps the reference coefficients and flips every sign.
#[test]
fn swapping_groups_flips_signs() {
    for family in FAMILIES {
        let d = data(family, 5, 600);
        let mut swapped = d.rows(&(0..600).collect::<Vec<_>>());
        swapped.group.iter_mut().for_each(|g| *g = 1.0 - *g);
        let (a, b) = (d.design(0, true), swapped.design(0, true));
        for (of_a, of_b) in [
            (Coefficients::Reference, Coefficients::Index),
            (Coefficients::Pooled, Coefficients::Pooled),
            (Coefficients::Neumark, Coefficients::Neumark),
            (Coefficients::Cotton, Coefficients::Cotton),
            (Coefficients::Reimers, Coefficients::Reimers),
        ] {
            let settings = |reference| OaxacaBlinder { reference, linear: true, ..OaxacaBlinder::default() };
            let (x, y) = (run(&a, &settings(of_a)), run(&b, &settings(of_b)));
            for (p, q) in x.rows.iter().zip(&y.rows) {
                near(&format!("{of_a:?} {:?}", p.part), p.estimate.value, -q.estimate.value, 1e-10);
            }
        }
        let flipped = |what: &str, x: &Decomposition, y: &Decomposition| {
            for (p, q) in x.rows.iter().zip(&y.rows).filter(|(p, _)| !matches!(p.part, Part::UnexplainedIndex | Part::UnexplainedReference)) {
                near(&format!("{what} {:?} {:?}", p.part, p.component), p.estimate.value, -q.estimate.value, 1e-10);
            }
        };
        let (swap, same) = ((Coefficients::Reference, Coefficients::Index), (Coefficients::Pooled, Coefficients::Pooled));
        for (of_a, of_b) in [swap, same] {
            let curved = |reference| OaxacaBlinder { reference, detail: true, ..OaxacaBlinder::default() };
            // A pooled fit with a group indicator has its intercept in the reference group: with a curved link the choice of that
            // group is part of the decomposition, so only the swap of coefficients flips.
            if of_a != Coefficients::Pooled || family == Family::Gaussian {
                flipped("curved", &run(&a, &curved(of_a)), &run(&b, &curved(of_b)));
                let fairlie = |coefficients| Fairlie { coefficients, ..Fairlie::default() };
                flipped("fairlie", &run(&a, &fairlie(of_a)), &run(&b, &fairlie(of_b)));
            }
        }
        flipped("gelbach", &run(&a, &Gelbach { linear: true, ..Gelbach::default() }), &run(&b, &Gelbach { linear: true, ..Gelbach::default() }));
        if family.is_binomial() {
            for ape in [false, true] {
                flipped("khb", &run(&a, &Khb { ape, ..Khb::default() }), &run(&b, &Khb { ape, ..Khb::default() }));
            }
        }
        for estimator in [Estimator::Dr, Estimator::Gcomp] {
            use gapshare::decompose::with_and_without::Target;
            let settings = |target| WithAndWithout { estimator, target, ..WithAndWithout::default() };
            for (of_a, of_b) in [(Target::Index, Target::Reference), (Target::Reference, Target::Index), (Target::Pooled, Target::Pooled)] {
                let (x, y) = (run(&a, &settings(of_a)), run(&b, &settings(of_b)));
                for (p, q) in x.rows.iter().zip(&y.rows) {
                    near(&format!("{estimator:?} {of_a:?} {:?}", p.part), p.estimate.value, -q.estimate.value, 1e-9);
                }
            }
        }
    }
}

/// T2: two blocks that are copies of one another get equal Shapley values.
#[test]
fn copies_get_equal_contributions() {
    let d = data(Family::Binomial, 6, 800);
    let mut columns = d.columns(0, false);
    columns.blocks[1].1[0].1 = d.lab.clone();
    columns.blocks[0].1.truncate(1);
    let out = run(&columns.design(), &WithAndWithout::default());
    let of = |k| out.row(Part::Explained, Component::Block(k)).unwrap().estimate.value;
    near("copies", of(0), of(1), 1e-10);
    near("together", of(0) + of(1), out.row(Part::Explained, Component::Total).unwrap().estimate.value, 1e-12);
}

/// Counts with an exposure are rates: doubling count and exposure of every unit changes nothing but precision.
#[test]
fn rates_are_counts_over_exposure() {
    let d = data(Family::Poisson, 7, 400);
    let exposure: Vec<f64> = (0..400).map(|i| 0.5 + f64::from(i % 5)).collect();
    let design = |scale: f64| {
        let mut design = d.design(0, false);
        design.y.mapv_inplace(|v| v * scale);
        design.exposure = Some(design.cohort_row.iter().map(|&i| exposure[i as usize] * scale).collect());
        design
    };
    let (a, b) = (design(1.0), design(3.0));
    for m in registered(Family::Poisson) {
        let (x, y) = (run(&a, m.as_ref()), run(&b, m.as_ref()));
        // More events weigh more against the fixed penalty of hospitals' effects.
        if x.inference != Inference::Given {
            same("exposure", m.as_ref(), &x, &y);
        }
    }
    let c = Contrast::new(&a, 1);
    let out = run(&a, &WithAndWithout::default());
    let rate = |rows: std::ops::Range<usize>| rows.clone().map(|i| a.y[i]).sum::<f64>() / rows.map(|i| a.exposure.as_ref().unwrap()[i]).sum::<f64>();
    near("crude rates", out.row(Part::Gap, Component::Total).unwrap().estimate.value, rate(c.index()) - rate(c.reference()), 1e-12);
}

/// T9 with products: a number by a factor and a factor by a factor. Whatever the base levels, every normalised row of the
/// detail is the same.
#[test]
fn products_are_normalised_whatever_the_base_levels() {
    let mut compared = 0;
    for family in [Family::Gaussian, Family::Binomial, Family::Poisson] {
        let d = data(family, 14, 900);
        let side: Vec<usize> = (0..900).map(|i| usize::from(d.income[i] + 0.7 * d.lab[(i * 7 + 3) % 900] > 0.9)).collect();
        let design = |type_base: usize, side_base: usize| {
            let is = |v: &[usize], l: usize| v.iter().map(|x| f64::from(u8::from(*x == l))).collect::<Vec<_>>();
            let times = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).collect::<Vec<_>>();
            let mut columns: Vec<(String, Vec<f64>)> = vec![("lab".into(), d.lab.clone())];
            let types: Vec<usize> = (0..3).filter(|l| *l != type_base).collect();
            let sides: Vec<usize> = (0..2).filter(|l| *l != side_base).collect();
            columns.extend(types.iter().map(|l| (format!("type={l}"), is(&d.level, *l))));
            columns.extend(sides.iter().map(|l| (format!("side={l}"), is(&side, *l))));
            let (mut slopes, mut cells) = (Vec::new(), Vec::new());
            for t in &types {
                slopes.push((format!("lab:type={t}"), times(&d.lab, &is(&d.level, *t))));
                cells.extend(sides.iter().map(|s| (format!("type={t}:side={s}"), times(&is(&d.level, *t), &is(&side, *s)))));
            }
            columns.extend(slopes);
            columns.extend(cells);
            let names: Vec<&str> = columns.iter().map(|(n, _)| n.as_str()).collect();
            let block = names.iter().zip(&columns).map(|(n, (_, v))| (*n, v.clone())).collect();
            let mut design = Columns {
                family,
                y: d.y.clone(),
                group: d.group.clone(),
                allowable: vec![("age", d.age.clone())],
                blocks: vec![("all", block)],
                weight: None,
                cluster: None,
            }
            .design();
            for c in &mut design.columns {
                let term = c.term.clone();
                if let Some((a, b)) = term.split_once(':') {
                    c.product = Some((a.into(), b.into()));
                    c.variable = if a == "lab" { "lab:type".into() } else { "type:side".into() };
                } else if let Some((variable, level)) = term.split_once('=') {
                    c.variable = variable.into();
                    c.level = Some(level.into());
                }
            }
            for (variable, base) in [("type", type_base), ("side", side_base)] {
                let columns = (0..design.columns.len()).filter(|&j| design.columns[j].variable == variable).collect();
                design.factors.push(Factor { variable: variable.into(), base: base.to_string(), columns, fixed_effects: false, lost_level: false });
            }
            design
        };
        let (a, b) = (design(0, 0), design(2, 1));
        for reference in [Coefficients::Reference, Coefficients::Pooled, Coefficients::Cotton] {
            let m = OaxacaBlinder { reference, detail: true, ..OaxacaBlinder::default() };
            let (x, y) = (run(&a, &m), run(&b, &m));
            // Lab, three types, two sides, three slopes, six cells, age; with the intercept where it has a part.
            let explained = x.detail.iter().filter(|t| t.part == Part::Explained).count();
            assert_eq!(explained, if x.undefined.iter().any(|u| u.part == Part::Explained) { 0 } else { 15 }, "{family:?} {reference:?}");
            compared += explained;
            same("products", &m, &x, &y);
            assert!(x.facts.is_empty(), "{:?}", x.facts);
        }
    }
    assert!(compared >= 90, "{compared}");
}

/// T8: the reduced model of Karlson, Holm and Breen, fitted: the likelihood of the full model, and the coefficient that needs no fit.
#[test]
fn the_reduced_model_has_the_full_model_s_likelihood() {
    use gapshare::decompose::fits::{FittedIn, GroupTerms};
    use gapshare::vocab::BlockSet;
    for family in [Family::Binomial, Family::Probit] {
        let d = data(family, 12, 700).design(0, true);
        let c = Contrast::new(&d, 1);
        let full = Fits::new(&c).outcome(FittedIn::Pooled, BlockSet::all(2), GroupTerms::Main, family).unwrap();
        // The blocks' columns less their least-squares fit on group and age.
        let mut reduced = d.clone();
        for j in 3..d.x.ncols() {
            let y = d.x.column(j).to_vec();
            let fits = Fits::new(&c);
            let m = fits.matrix(FittedIn::Pooled, BlockSet::NONE, GroupTerms::Main).unwrap();
            let fit = gapshare::model::glm::fit(&m, Family::Gaussian, &y, &c.w).unwrap();
            for (i, value) in y.iter().enumerate() {
                reduced.x[[i, j]] = value - m.dot(i, &fit.beta, None);
            }
        }
        let rc = Contrast::new(&reduced, 1);
        let fit = Fits::new(&rc).outcome(FittedIn::Pooled, BlockSet::all(2), GroupTerms::Main, family).unwrap();
        near("log-likelihood", fit.loglik, full.loglik, 1e-10 * full.loglik.abs());
        let khb = run(&d, &Khb::default());
        near("reduced", khb.row(Part::Gap, Component::Total).unwrap().estimate.value, fit.beta[1], 1e-10);
    }
}

/// T7: with allowables, weights and a column that depends on others, the parts are still short minus long.
#[test]
fn gelbach_drops_a_dependent_column_and_keeps_the_sum() {
    let d = data(Family::Gaussian, 13, 500);
    let mut columns = d.columns(0, true);
    let copy: Vec<f64> = d.lab.iter().zip(&d.income).map(|(a, b)| 2.0 * a - b).collect();
    columns.blocks[1].1.push(("copy", copy));
    let (with, without) = (run(&columns.design(), &Gelbach::default()), run(&d.columns(0, true).design(), &Gelbach::default()));
    for (a, b) in with.rows.iter().zip(&without.rows) {
        near(&format!("{:?} {:?}", a.part, a.component), a.estimate.value, b.estimate.value, 1e-10);
    }
}

/// A level that neither group of the comparison has (another group may) is no level in it.
#[test]
fn a_level_without_units_here_changes_nothing() {
    for family in [Family::Gaussian, Family::Binomial] {
        let d = data(family, 15, 600);
        let plain = d.design(0, true);
        let mut columns = d.columns(0, true);
        columns.blocks[0].1.push(("type=elsewhere", vec![0.0; 600]));
        let mut with = columns.design();
        d.label(&mut with);
        let of_type: Vec<usize> = (0..with.columns.len()).filter(|&j| with.columns[j].term.starts_with("type=")).collect();
        for &j in &of_type {
            with.columns[j].level = with.columns[j].term.strip_prefix("type=").map(str::to_owned);
            with.columns[j].variable = "type".into();
        }
        with.factors.push(Factor { variable: "type".into(), base: "0".into(), columns: of_type, fixed_effects: false, lost_level: false });
        // The base may be the level that is nowhere: another level then stands in for it.
        let mut empty_base = d.design(0, true);
        empty_base.x = with.x.clone();
        empty_base.columns = with.columns.clone();
        let at_0: Vec<f64> = (0..600).map(|i| f64::from(u8::from(with.factors[0].columns.iter().all(|&j| with.x[[i, j]] == 0.0)))).collect();
        let last = *with.factors[0].columns.last().unwrap();
        empty_base.x.column_mut(last).iter_mut().zip(&at_0).for_each(|(x, v)| *x = *v);
        empty_base.columns[last].term = "type=0".into();
        empty_base.columns[last].level = Some("0".into());
        empty_base.factors = with.factors.clone();
        empty_base.factors[0].base = "elsewhere".into();
        for m in registered(family) {
            let want = run(&plain, m.as_ref());
            for (what, design) in [("level", &with), ("base", &empty_base)] {
                let got = run(design, m.as_ref());
                for (x, y) in want.rows.iter().zip(&got.rows) {
                    near(&format!("{what} {m:?} {:?} {:?}", x.part, x.component), x.estimate.value, y.estimate.value, 1e-9);
                }
                if m.name() == "oaxaca_blinder" {
                    same(what, m.as_ref(), &want, &got);
                }
            }
        }
    }
}
