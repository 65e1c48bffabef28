//! Identities that must hold for every registered method (METHODS 9: T1, T2, T9, T10, T11), on small random data.

use crate::frames::{Columns, near};
use gapshare::decompose::fits::Fits;
use gapshare::decompose::oaxaca::{Coefficients, OaxacaBlinder};
use gapshare::decompose::with_and_without::{Estimator, WithAndWithout};
use gapshare::decompose::{Component, Decomposition, Method, Part, registered};
use gapshare::design::{Contrast, Design};
use gapshare::estimate::Sampling;
use gapshare::model::expit;
use gapshare::vocab::Family;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

const FAMILIES: [Family; 3] = [Family::Gaussian, Family::Binomial, Family::Poisson];

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
}

fn data(family: Family, seed: u64, n: usize) -> Data {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut uniform = || (rng.next_u64() >> 11) as f64 / 2f64.powi(53);
    let mut d = Data { family, y: vec![], group: vec![], age: vec![], lab: vec![], level: vec![], income: vec![], weight: vec![] };
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
            Family::Binomial => f64::from(u8::from(u < expit(eta))),
            Family::Poisson => (4.0 * u * eta.exp()).floor(),
        });
        d.group.push(r);
        d.age.push(age);
        d.lab.push(lab);
        d.level.push(level);
        d.income.push(income);
        d.weight.push(1.0 + (uniform() * 3.0).floor());
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
        }
    }
}

fn run(d: &Design, m: &dyn Method) -> Decomposition {
    let c = Contrast::new(d, 1);
    m.decompose(&Fits::new(&c)).unwrap_or_else(|e| panic!("{m:?}: {e}"))
}

#[track_caller]
fn same(what: &str, m: &dyn Method, a: &Decomposition, b: &Decomposition) {
    for (x, y) in a.rows.iter().zip(&b.rows) {
        near(&format!("{what}: {m:?} {:?} {:?}", x.part, x.component), x.estimate.value, y.estimate.value, 1e-10);
    }
}

#[test]
fn parts_sum_and_influences_have_mean_zero() {
    for family in FAMILIES {
        let d = data(family, 1, 600).columns(0, true).design();
        for m in registered() {
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
        let (a, b) = (d.columns(0, false).design(), d.columns(2, false).design());
        for m in registered() {
            // The intercept takes up the base level: coefficients and interaction totals are invariant, their detail is not.
            let (x, y) = (run(&a, m.as_ref()), run(&b, m.as_ref()));
            same("base level", m.as_ref(), &x, &y);
            let s = Sampling::new(600, None, 0.95);
            for (p, q) in x.rows.iter().zip(&y.rows) {
                near("standard error", s.std_error(&p.estimate), s.std_error(&q.estimate), 1e-10);
            }
        }
    }
}

#[test]
fn rescaling_columns_and_permuting_rows_changes_nothing() {
    for family in FAMILIES {
        let d = data(family, 3, 500);
        let a = d.columns(0, true).design();
        let order: Vec<usize> = (0..500).map(|i| (i * 183 + 71) % 500).collect();
        let mut moved = d.rows(&order);
        moved.lab.iter_mut().for_each(|v| *v = 1000.0 - 37.0 * *v);
        moved.income.iter_mut().for_each(|v| *v = 5e4 + 2e4 * *v);
        let b = moved.columns(0, true).design();
        for m in registered() {
            same("rescaled", m.as_ref(), &run(&a, m.as_ref()), &run(&b, m.as_ref()));
        }
    }
}

#[test]
fn integer_weights_are_repeated_rows() {
    for family in FAMILIES {
        let d = data(family, 4, 400);
        let repeated: Vec<usize> = (0..400).flat_map(|i| std::iter::repeat_n(i, d.weight[i] as usize)).collect();
        let (a, b) = (d.columns(0, true).design(), d.rows(&repeated).columns(0, false).design());
        for m in registered() {
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
        let (a, b) = (d.columns(0, true).design(), swapped.columns(0, true).design());
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
        let mut design = d.columns(0, false).design();
        design.y.mapv_inplace(|v| v * scale);
        design.exposure = Some(design.cohort_row.iter().map(|&i| exposure[i as usize] * scale).collect());
        design
    };
    let (a, b) = (design(1.0), design(3.0));
    for m in registered() {
        same("exposure", m.as_ref(), &run(&a, m.as_ref()), &run(&b, m.as_ref()));
    }
    let c = Contrast::new(&a, 1);
    let out = run(&a, &WithAndWithout::default());
    let rate = |rows: std::ops::Range<usize>| rows.clone().map(|i| a.y[i]).sum::<f64>() / rows.map(|i| a.exposure.as_ref().unwrap()[i]).sum::<f64>();
    near("crude rates", out.row(Part::Gap, Component::Total).unwrap().estimate.value, rate(c.index()) - rate(c.reference()), 1e-12);
}
