//! Fits that do not exist are named; GLMs agree with statsmodels.

use crate::frames::Columns;
use crate::lcg;
use gapshare::decompose::fits::{Fits, FittedIn, GroupTerms};
use gapshare::decompose::with_and_without::WithAndWithout;
use gapshare::decompose::{DecomposeError, Method};
use gapshare::design::{Contrast, Design};
use gapshare::diagnostics;
use gapshare::error::codes;
use gapshare::vocab::{BlockSet, Family};

fn decompose(d: &Design) -> Result<(), DecomposeError> {
    let c = Contrast::new(d, 1);
    WithAndWithout::default().decompose(&Fits::new(&c)).map(|_| ())
}

/// LCG data with one more 0/1 column in a block of its own.
fn with_column(f: impl Fn(usize, f64, f64) -> f64) -> Columns<'static> {
    let mut columns = lcg::columns();
    let extra: Vec<f64> = (0..2000).map(|i| f(i, columns.group[i], columns.y[i])).collect();
    columns.blocks.push(("X", vec![("insurance=none", extra)]));
    columns
}

#[test]
fn a_level_without_events_is_named() {
    // In reference rows nobody with the level has the event.
    let d = with_column(|i, r, y| f64::from(u8::from(i % 20 == 0 && (r == 1.0 || y == 0.0)))).design();
    let e = decompose(&d).unwrap_err();
    assert_eq!(e.code(), codes::G311);
    assert!(e.to_string().contains("`insurance=none` has no events"), "{e}");
}

#[test]
fn a_combination_that_predicts_perfectly_is_separation_too() {
    let d = with_column(|i, _, y| 100.0 * (y - 0.5) + (i % 7) as f64).design();
    assert_eq!(decompose(&d).unwrap_err().code(), codes::G311);
}

#[test]
fn index_units_at_a_level_without_reference_units_stop_the_estimate() {
    let d = with_column(|i, r, _| if r == 1.0 { f64::from(u8::from(i % 10 == 0)) } else { 0.0 }).design();
    let n = (0..d.y.len()).filter(|&i| d.x[[i, d.x.ncols() - 1]] == 1.0).count();
    match decompose(&d).unwrap_err() {
        DecomposeError::NoSupport { n: got, terms, .. } => assert_eq!((got, terms), (n, vec![("insurance=none".to_owned(), n)])),
        other => panic!("{other}"),
    }
}

#[test]
fn reference_units_at_a_level_without_index_units_leave_the_group_model_and_are_counted() {
    let d = with_column(|i, r, _| if r == 0.0 { f64::from(u8::from(i % 10 == 0)) } else { 0.0 }).design();
    decompose(&d).unwrap();
    let c = Contrast::new(&d, 1);
    let fits = Fits::new(&c);
    let found: Vec<_> = diagnostics::overlap(&fits, true).into_iter().flat_map(|o| o.checks).filter(|c| c.check == "reference_only_levels").collect();
    let n = (0..d.y.len()).filter(|&i| d.x[[i, d.x.ncols() - 1]] == 1.0).count();
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].value, Some(n as f64));
}

/// METHODS 2 and T28: no reference unit of the LCG data has S > 1; .240 of index units lie outside the reference range.
#[test]
fn the_lcg_data_fail_the_overlap_gate() {
    let d = lcg::columns().design();
    let c = Contrast::new(&d, 1);
    let fits = Fits::new(&c);
    let checks: Vec<_> = diagnostics::overlap(&fits, true).into_iter().flat_map(|o| o.checks).collect();
    let full = checks.iter().find(|c| c.check == "index_outside_reference_range" && c.set == Some(BlockSet::all(3))).unwrap();
    assert!(full.fails_gate());
    assert!((full.value.unwrap() - 0.240).abs() < 5e-4, "{full:?}");
    assert!(diagnostics::overlap(&fits, false).iter().flat_map(|o| &o.checks).all(|c| !c.fails_gate()));
}

#[test]
fn results_do_not_depend_on_threads() {
    let d = lcg::columns().design();
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let c = Contrast::new(&d, 1);
            let out = WithAndWithout::default().decompose(&Fits::new(&c)).unwrap();
            out.rows.iter().map(|r| r.estimate.value.to_bits()).collect::<Vec<_>>()
        })
    };
    assert_eq!(run(1), run(16));
}

/// `tests/known/make_statsmodels_glm.py`: poisson with exposure, gaussian, frequency weights, on the LCG data.
#[test]
fn glms_agree_with_statsmodels() {
    use gapshare::model::expit;
    let u = lcg::uniforms();
    let base = lcg::columns();
    let column = |k: usize| base.blocks[k].1[0].1.clone();
    let (c, s, b) = (base.allowable[0].1.clone(), column(0), column(1));
    let eta: Vec<f64> = (0..2000).map(|i| -1.2 + 0.5 * c[i] + 0.4 * s[i] + 0.7 * b[i] + 0.2 * base.group[i]).collect();
    let exposure: Vec<f64> = u.iter().map(|u| 1.0 + (4.0 * u[4]).floor()).collect();
    let count: Vec<f64> = (0..2000).map(|i| (2.5 * u[i][5] * exposure[i] * eta[i].exp()).floor()).collect();
    let value: Vec<f64> = (0..2000).map(|i| eta[i] + 3.0 * u[i][5]).collect();
    let binary: Vec<f64> = (0..2000).map(|i| f64::from(u8::from(u[i][5] < expit(eta[i])))).collect();
    let weight: Vec<f64> = u.iter().map(|u| 1.0 + (3.0 * u[2]).floor()).collect();

    let known: Vec<Vec<&str>> = include_str!("../known/statsmodels_glm.csv").lines().skip(2).map(|l| l.split(',').collect()).collect();
    for (model, family, y, weighted, rate) in [
        ("poisson", Family::Poisson, &count, false, true),
        ("poisson.weighted", Family::Poisson, &count, true, true),
        ("gaussian", Family::Gaussian, &value, false, false),
        ("binomial.weighted", Family::Binomial, &binary, true, false),
    ] {
        let columns = Columns { family, y: y.clone(), weight: weighted.then(|| weight.clone()), ..lcg::columns() };
        let mut d = columns.design();
        if rate {
            d.exposure = Some(d.cohort_row.iter().map(|&i| exposure[i as usize]).collect());
        }
        let contrast = Contrast::new(&d, 1);
        // The intercept, the group, C, S, B: the blocks S and B.
        let fit = Fits::new(&contrast).outcome(FittedIn::Pooled, BlockSet(0b011), GroupTerms::Main, family).unwrap();
        let want: Vec<&Vec<&str>> = known.iter().filter(|k| k[0] == model).collect();
        assert_eq!(want.len(), 5);
        crate::frames::close("log-likelihood", fit.loglik, want[0][4].parse().unwrap(), 1e-12);
        // Rows repeated w times leave more degrees of freedom than rows; only the gaussian dispersion would show it.
        for (k, se) in fit.std_errors().iter().enumerate() {
            crate::frames::close(want[k][1], fit.beta[k], want[k][2].parse().unwrap(), 1e-8);
            crate::frames::close(want[k][1], *se, want[k][3].parse().unwrap(), 1e-6);
        }
    }
}

/// A column that is the group says nothing about differences at the same group: no method treats it as if it were not there.
#[test]
fn a_column_that_is_the_group_is_refused_by_every_method() {
    use gapshare::decompose::hospital::{Effects, Hospital};
    use gapshare::decompose::interventional::{Estimator, Interventional};
    use gapshare::decompose::registered;
    let mut d = with_column(|_, r, _| r).design();
    crate::frames::label(&mut d, "treated", &(0..2000).map(|i| (i % 2).to_string()).collect::<Vec<_>>());
    // Neumark's fit leaves the group out by definition: there the column is a covariate like any other.
    // Equalising a block looks at no other, and hospitals are compared given some: the column's own block is equalised, or given, below.
    let knows_the_group = |m: &dyn Method| !format!("{m:?}").contains("Neumark") && !["interventional", "hospital"].contains(&m.name());
    let mut methods: Vec<Box<dyn Method>> = registered(Family::Binomial).into_iter().filter(|m| knows_the_group(m.as_ref())).collect();
    for estimator in [Estimator::Dr, Estimator::Gcomp, Estimator::Donors, Estimator::Product] {
        for (equalize, given) in [(BlockSet::one(3), BlockSet::NONE), (BlockSet::one(1), BlockSet::one(3))] {
            methods.push(Box::new(Interventional { equalize, given, estimator, ..Interventional::default() }));
        }
    }
    crate::frames::label(&mut d, "hospital", &(0..2000).map(|i| format!("{}", i % 7)).collect::<Vec<_>>());
    let by_id = crate::hospital::by_id(1);
    methods.push(Box::new(Hospital { given: BlockSet::one(3), ..by_id.clone() }));
    methods.push(Box::new(Hospital { effects: Effects::Characteristics, block: Some(3), ..by_id }));
    for m in methods {
        let c = Contrast::new(&d, 1);
        match m.decompose(&Fits::new(&c)) {
            Err(e) => assert_eq!(e.code(), codes::G402, "{m:?}: {e}"),
            Ok(_) => panic!("{m:?} has an answer"),
        }
    }
}
