//! Known answers of other programs, from the shared reference material (case names as there).

use crate::frames::{Columns, Frame, close, expected, near};
use crate::oaxaca::{chicago, decompose, total};
use gapshare::decompose::fits::{Fits, FittedIn, GroupTerms};
use gapshare::decompose::gelbach::Gelbach;
use gapshare::decompose::oaxaca::{Coefficients, Fold, OaxacaBlinder};
use gapshare::decompose::with_and_without::{Estimator, WithAndWithout};
use gapshare::decompose::{Component, Part};
use gapshare::design::{Contrast, Design};
use gapshare::estimate::Sampling;
use gapshare::model::glm::Fit;
use gapshare::model::sandwich::cluster_std_errors;
use gapshare::vocab::{BlockSet, Family};

fn block<'a>(f: &Frame, name: &'a str, terms: &[&'a str]) -> (&'a str, Vec<(&'a str, Vec<f64>)>) {
    (name, terms.iter().map(|t| (*t, f.number(t))).collect())
}

/// C01: R `oaxaca` 0.1.5. Its weight w means `b* = w b_A + (1 - w) b_B` with A our index group.
#[test]
fn c01_oaxaca_two_and_three_fold() {
    let (Some(d), Some(want)) = (chicago(), expected("C01")) else { return };
    assert_eq!((d.groups[1].rows.len(), d.groups[0].rows.len()), (287, 379));
    for (reference, w) in [
        (Coefficients::Reference, "0"),
        (Coefficients::Index, "1"),
        (Coefficients::Reimers, "0.5"),
        (Coefficients::Cotton, "nA/n"),
        (Coefficients::Neumark, "-1"),
        (Coefficients::Pooled, "-2"),
    ] {
        let out = decompose(&d, &OaxacaBlinder { reference, ..OaxacaBlinder::default() });
        close("gap", total(&out, Part::Gap), want["y|y.diff"].0, 1e-9);
        close(w, total(&out, Part::Explained), want[&format!("twofold|w={w}|coef(explained)")].0, 1e-8);
        close(w, total(&out, Part::Unexplained), want[&format!("twofold|w={w}|coef(unexplained)")].0, 1e-8);
        assert_eq!(total(&out, Part::Allowable), 0.0);
    }
    let out = decompose(&d, &OaxacaBlinder { fold: Fold::Three, ..OaxacaBlinder::default() });
    for (part, key) in [(Part::Endowments, "endowments"), (Part::Coefficients, "coefficients"), (Part::Interaction, "interaction")] {
        close(key, total(&out, part), want[&format!("threefold|coef({key})")].0, 1e-8);
    }
    let education: f64 =
        ["LTHS", "some.college", "college", "advanced.degree"].iter().map(|t| want[&format!("threefold.var|{t}|coef(endowments)")].0).sum();
    close("education", out.row(Part::Endowments, Component::Block(2)).unwrap().estimate.value, education, 1e-8);
}

/// C03: statsmodels 0.15 `OaxacaBlinder` on its credit-card data; "nuemark" is its spelling of Neumark.
#[test]
fn c03_statsmodels_ccard() {
    let (Some(f), Some(want)) = (Frame::read("reference/data/ccard.csv"), expected("C03.ccard")) else { return };
    let blocks = vec![block(&f, "age", &["AGE"]), block(&f, "income", &["INCOME", "INCOMESQ"])];
    let d = Columns {
        family: Family::Gaussian,
        y: f.number("AVGEXP"),
        group: f.number("OWNRENT"),
        allowable: vec![],
        blocks,
        weight: None,
        cluster: None,
    }
    .design();
    for (reference, key) in [
        (Coefficients::Pooled, "pooled"),
        (Coefficients::Neumark, "nuemark"),
        (Coefficients::Reimers, "reimers"),
        (Coefficients::Reference, "self_submitted=0"),
        (Coefficients::Index, "self_submitted=1"),
    ] {
        let out = decompose(&d, &OaxacaBlinder { reference, ..OaxacaBlinder::default() });
        for (part, name) in [(Part::Gap, "gap"), (Part::Explained, "explained"), (Part::Unexplained, "unexplained")] {
            close(key, total(&out, part), want[&format!("two_fold|{key}|{name}")].0, 1e-8);
        }
    }
    // Cotton (1988) weighs each group's coefficients by that group's size. statsmodels takes the sizes before it swaps the groups
    // (gap < 0 in file order, as here), so each group's coefficients get the other group's size.
    let (p, q) = (27.0 / 72.0, 45.0 / 72.0);
    let (of_index, of_reference) = (want["two_fold|self_submitted=1|explained"].0, want["two_fold|self_submitted=0|explained"].0);
    let out = decompose(&d, &OaxacaBlinder { reference: Coefficients::Cotton, ..OaxacaBlinder::default() });
    close("Cotton", total(&out, Part::Explained), p * of_index + q * of_reference, 1e-8);
    close("statsmodels' Cotton", want["two_fold|cotton|explained"].0, q * of_index + p * of_reference, 1e-8);
    let out = decompose(&d, &OaxacaBlinder { fold: Fold::Three, ..OaxacaBlinder::default() });
    for (part, key) in [(Part::Endowments, "characteristic"), (Part::Coefficients, "coefficient"), (Part::Interaction, "interaction")] {
        close(key, total(&out, part), want[&format!("three_fold|{key}")].0, 1e-8);
    }
    // T6 and METHODS 3.4: pooled Oaxaca-Blinder is Gelbach, block by block, when nothing is allowable.
    let (pooled, gelbach) =
        (decompose(&d, &OaxacaBlinder { reference: Coefficients::Pooled, ..OaxacaBlinder::default() }), decompose(&d, &Gelbach::default()));
    for (a, b) in pooled.rows.iter().zip(&gelbach.rows) {
        near("Gelbach", a.estimate.value, b.estimate.value, 1e-8);
    }
}

/// METHODS 4.3: influence-function errors without small-sample factor, chicago wages in dollars.
#[test]
fn oaxaca_influence_errors_have_the_golden_values() {
    let Some(mut d) = chicago() else { return };
    d.y.mapv_inplace(f64::exp);
    // In R's w = 1 the index (native) coefficients are the reference coefficients.
    let out = decompose(&d, &OaxacaBlinder { reference: Coefficients::Index, ..OaxacaBlinder::default() });
    let s = Sampling::new(666, None, 0.95);
    near("explained", total(&out, Part::Explained), 0.1822482246, 1e-10);
    near("SE explained", s.std_error(&out.row(Part::Explained, Component::Total).unwrap().estimate), 0.6944528, 6e-8);
    near("SE unexplained", s.std_error(&out.row(Part::Unexplained, Component::Total).unwrap().estimate), 0.8899240, 6e-8);
}

/// T4: with an identity link the full set of `with_and_without` by g-computation is two-fold Oaxaca-Blinder.
#[test]
fn least_squares_with_and_without_is_oaxaca_blinder() {
    let Some(d) = chicago() else { return };
    let a = decompose(&d, &WithAndWithout { estimator: Estimator::Gcomp, ..WithAndWithout::default() });
    let b = decompose(&d, &OaxacaBlinder::default());
    let s = Sampling::new(666, None, 0.95);
    for part in [Part::Gap, Part::Unexplained] {
        let (x, y) = (&a.row(part, Component::Total).unwrap().estimate, &b.row(part, Component::Total).unwrap().estimate);
        close("value", x.value, y.value, 1e-9);
        close("standard error", s.std_error(x), s.std_error(y), 1e-9);
    }
}

fn outcome(d: &Design, fitted_in: FittedIn, with_group: bool, check: impl Fn(&Fit, &[String], Option<Vec<f64>>)) {
    let c = Contrast::new(d, 1);
    let fits = Fits::new(&c);
    let all = BlockSet::all(d.blocks.len());
    let terms = if with_group { GroupTerms::Main } else { GroupTerms::Without };
    let fit = fits.outcome(fitted_in, all, terms, d.family).unwrap();
    let m = fits.matrix(fitted_in, all, terms).unwrap();
    let names: Vec<String> = fit.terms.iter().map(|t| fits.term_name(*t)).collect();
    let clustered = d.clusters.as_ref().map(|k| cluster_std_errors(&m, &fit, &c.y, &c.w, &k.code).unwrap());
    check(&fit, &names, clustered);
}

/// C05: R `glm(binomial)` on home computers, by group and pooled.
#[test]
fn c05_logit_by_group_and_pooled() {
    let Some(f) = Frame::read("reference/data/homecomp_bw.csv") else { return };
    let terms = ["female", "age", "hsgrad", "somecol", "college", "married", "prevmar"];
    let blocks = vec![block(&f, "all", &terms)];
    let columns = Columns {
        family: Family::Binomial,
        y: f.number("homecomp"),
        group: f.number("black"),
        allowable: vec![],
        blocks,
        weight: None,
        cluster: None,
    };
    for (fitted_in, with_group, case) in [
        (FittedIn::Reference, false, "C05.glm.homecomp.white"),
        (FittedIn::Index, false, "C05.glm.homecomp.black"),
        (FittedIn::Pooled, true, "C05.glm.homecomp.pooled+black"),
    ] {
        let Some(want) = expected(case) else { return };
        outcome(&columns.design(), fitted_in, with_group, |fit, names, _| {
            for ((name, b), se) in names.iter().zip(&fit.beta).zip(fit.std_errors()) {
                let r = match name.as_str() {
                    "(intercept)" => "(Intercept)",
                    "(group)" => "black",
                    other => other,
                };
                let (value, error) = want[&format!("ml|{r}")];
                close(name, *b, value, 1e-8);
                close("standard error", se, error.unwrap(), 1e-6);
            }
            close("logLik", fit.loglik, want["logLik"].0, 1e-10);
            assert_eq!(fit.n as f64, want["n"].0);
        });
    }
    // R's glm diverged with the raw sampling weights (coefficients of 1e15: CASES.md, C05); weights only scale the likelihood,
    // so the answer is that of svyglm, which rescales them.
    let weighted = Columns { weight: Some(f.number("wgt")), ..columns };
    let Some(want) = expected("C05.svyglm.homecomp.pw") else { return };
    outcome(&weighted.design(), FittedIn::Pooled, true, |fit, names, _| {
        for (name, b) in names.iter().zip(&fit.beta) {
            let r = if name == "(intercept)" {
                "(Intercept)"
            } else if name == "(group)" {
                "black"
            } else {
                name.as_str()
            };
            let key = want.keys().find(|k| k.ends_with(&format!("|{r}"))).unwrap();
            close(name, *b, want[key].0, 1e-8);
        }
    });
}

/// C15: R `glm` with `sandwich::vcovCL` on simulated hospital stays, 60 hospitals.
#[test]
fn c15_logit_with_clustered_errors() {
    let Some(f) = Frame::read("reference/data/hosp_sim.csv") else { return };
    let base = |blocks| Columns {
        family: Family::Binomial,
        y: f.number("death30"),
        group: f.number("black"),
        allowable: vec![],
        blocks,
        weight: None,
        cluster: Some(f.text("hosp_id").to_vec()),
    };
    let clinical = block(&f, "clinical", &["age", "female", "diabetes", "ckd", "ef", "emergent"]);
    for (columns, case) in [(base(vec![]), "C15.glm.hosp.m0"), (base(vec![clinical]), "C15.glm.hosp.m1")] {
        let Some(want) = expected(case) else { return };
        outcome(&columns.design(), FittedIn::Pooled, true, |fit, names, clustered| {
            let clustered = clustered.unwrap();
            for (((name, b), se), cluster_se) in names.iter().zip(&fit.beta).zip(fit.std_errors()).zip(clustered) {
                let r = if name == "(intercept)" {
                    "(Intercept)"
                } else if name == "(group)" {
                    "black"
                } else {
                    name.as_str()
                };
                let (value, error) = want[&format!("ml|{r}")];
                close(name, *b, value, 1e-8);
                close("standard error", se, error.unwrap(), 1e-6);
                close("clustered", cluster_se, want[&format!("cluster-HC0|{r}")].1.unwrap(), 1e-6);
            }
            close("logLik", fit.loglik, want["logLik"].0, 1e-10);
            close("AIC", fit.aic(), want["AIC"].0, 1e-10);
        });
    }
}

/// C07: pyfixest's Gelbach decomposition; its "direct effect" is the short, its "full effect" the long coefficient.
#[test]
fn c07_gelbach_blocks() {
    let (Some(f), Some(want)) = (Frame::read("reference/data/hosp_sim.csv"), expected("C07.pyfixest.hosp")) else { return };
    let clinical = block(&f, "bio", &["age", "female", "diabetes", "ckd", "ef", "emergent"]);
    let mut ses = block(&f, "ses", &["income", "medicaid", "rural"]);
    for level in ["hs", "lt_hs"] {
        ses.1.push((level, f.is("educ", level)));
    }
    let hospital = block(&f, "hospital", &["log_volume", "nurse_ratio", "teaching"]);
    let d = Columns {
        family: Family::Binomial,
        y: f.number("death30"),
        group: f.number("black"),
        allowable: vec![],
        blocks: vec![clinical, ses, hospital],
        weight: None,
        cluster: None,
    }
    .design();
    let out = decompose(&d, &Gelbach { linear: true, ..Gelbach::default() });
    let level = |k: &str| want[&format!("{k}|Levels (units)")].0;
    // pyfixest prints 12 digits of numbers near 0.01.
    near("short", total(&out, Part::Gap) - total(&out, Part::Allowable), level("direct_effect"), 1e-10);
    near("long", total(&out, Part::Unexplained), level("full_effect"), 1e-10);
    for (k, name) in ["bio", "ses", "hospital"].iter().enumerate() {
        near(name, out.row(Part::Explained, Component::Block(k)).unwrap().estimate.value, level(name), 1e-10);
    }
}
