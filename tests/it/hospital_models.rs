//! Random intercepts of hospitals against other programs.

use crate::frames::{Columns, Frame, close, expected, near};
use crate::hospital::with_hospitals;
use gapshare::decompose::fits::{Fits, FittedIn, GroupTerms};
use gapshare::design::{Contrast, Design};
use gapshare::model::arrow::Hospitals;
use gapshare::model::mixed;
use gapshare::vocab::{BlockSet, Family};

/// C16: the columns of the model, black first.
fn simulated(family: Family, outcome: impl Fn(&Frame) -> Vec<f64>) -> Option<Design> {
    let f = Frame::read("reference/data/hosp_sim.csv")?;
    let number = |name: &str, centre: f64, unit: f64| f.number(name).iter().map(|v| (v - centre) / unit).collect::<Vec<f64>>();
    let plain = |name: &'static str| (name, f.number(name));
    let columns = Columns {
        family,
        y: outcome(&f),
        group: f.number("black"),
        allowable: vec![
            plain("black"),
            ("age10", number("age", 65.0, 10.0)),
            plain("female"),
            plain("diabetes"),
            plain("ckd"),
            ("ef10", number("ef", 54.0, 10.0)),
            plain("emergent"),
            ("inc10", number("income", 55.0, 10.0)),
            plain("medicaid"),
            plain("rural"),
            ("educhs", f.is("educ", "hs")),
            ("educlt_hs", f.is("educ", "lt_hs")),
        ],
        blocks: vec![],
        weight: None,
        cluster: None,
    };
    Some(with_hospitals(columns.design(), f.text("hosp_id")))
}

fn fitted(d: &Design, nodes: usize) -> (Vec<String>, mixed::MixedFit) {
    let c = Contrast::new(d, 1);
    let fits = Fits::new(&c);
    let m = fits.matrix(FittedIn::Pooled, BlockSet::NONE, GroupTerms::Without).unwrap();
    let labels = c.labels("hospital").unwrap();
    let fit = mixed::fit(&m, Hospitals { code: &labels.code, count: labels.labels.len() }, d.family, nodes, &c.y, &c.w).unwrap();
    (m.terms.iter().map(|t| fits.term_name(*t)).collect(), fit)
}

/// lme4 `glmer(nAGQ = 1)`: fixed effects, variance, log-likelihood and conditional modes. Its optimiser stops at about 1e-5.
#[test]
fn the_random_intercept_logit_is_glmer_s() {
    let Some(d) = simulated(Family::Binomial, |f| f.number("death30")) else { return };
    let Some(known) = expected("C16.glmer.nAGQ1") else { return };
    let (terms, fit) = fitted(&d, 1);
    for (term, beta) in terms.iter().zip(&fit.beta) {
        let name = if term == "(intercept)" { "(Intercept)" } else { term };
        near(name, *beta, known[name].0, 2e-5);
    }
    close("variance", fit.variance, known["var(hosp)"].0, 1e-4);
    close("log-likelihood", fit.loglik, known["logLik"].0, 1e-9);
    assert!(fit.loglik >= known["logLik"].0 - 1e-8, "{} {}", fit.loglik, known["logLik"].0);
    let labels = &d.labelled[0].1.labels;
    for (key, (want, _)) in known.iter().filter(|(k, _)| k.starts_with("ranef|")) {
        let h = labels.iter().position(|l| key.ends_with(l.as_str())).unwrap();
        near(key, fit.effects[h].0, *want, 1e-4);
    }
    near("ICC", fit.intraclass_correlation(), fit.variance / (fit.variance + std::f64::consts::PI.powi(2) / 3.0), 1e-15);
    near("MOR", fit.median_odds_ratio(), ((2.0 * fit.variance).sqrt() * 0.6744897501960817).exp(), 1e-12);
}

/// Quadrature against the integral of every hospital by 4,000 steps of the trapezoidal rule, at the fitted values; and its fit is where that
/// likelihood is highest.
#[test]
fn quadrature_is_the_integral() {
    let Some(d) = simulated(Family::Binomial, |f| f.number("death30")) else { return };
    let c = Contrast::new(&d, 1);
    let labels = c.labels("hospital").unwrap();
    let (_, laplace) = fitted(&d, 1);
    let (_, fit) = fitted(&d, 15);
    let terms: Vec<usize> = (0..d.x.ncols()).filter(|j| *j != 1).collect();
    let loglik = |beta: &[f64], variance: f64| -> f64 {
        let sd = variance.sqrt();
        let of = |h: u32| {
            let rows: Vec<(f64, f64)> = c
                .units()
                .filter(|&i| labels.code[i] == h)
                .map(|i| (c.y[i], terms.iter().zip(beta).map(|(&j, b)| d.x[[i, j]] * b).sum::<f64>()))
                .collect();
            let step = 16.0 * sd / 4000.0;
            let sum: f64 = (0..=4000)
                .map(|k| {
                    let u = -8.0 * sd + step * f64::from(k);
                    let log: f64 = rows.iter().map(|(y, eta)| Family::Binomial.log_likelihood(*y, eta + u)).sum();
                    (log - 0.5 * u * u / variance).exp()
                })
                .sum();
            (sum * step / (sd * (2.0 * std::f64::consts::PI).sqrt())).ln()
        };
        (0..labels.labels.len() as u32).map(of).sum()
    };
    let best = loglik(&fit.beta, fit.variance);
    close("log-likelihood", fit.loglik, best, 1e-10);
    assert!(best > loglik(&laplace.beta, laplace.variance));
    for (at, step) in [(0, 1e-3), (2, 1e-3), (5, -1e-3)] {
        let mut beta = fit.beta.clone();
        beta[at] += step;
        assert!(loglik(&beta, fit.variance) < best);
    }
    for factor in [0.98, 1.02] {
        assert!(loglik(&fit.beta, factor * fit.variance) < best);
    }
    assert!((fit.variance - laplace.variance).abs() < 0.02 && fit.variance != laplace.variance);
}

/// Restricted maximum likelihood against its closed form for balanced data: `s_w^2 = SSW/(G(n-1))`, `s_b^2 = (SSB/(G-1) - s_w^2)/n`.
#[test]
fn random_intercepts_of_balanced_data_have_a_closed_form() {
    let (g, n) = (12usize, 20usize);
    let mut state: u64 = 5;
    let mut uniform = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / 2f64.powi(53)
    };
    let hospital: Vec<usize> = (0..g * n).map(|i| i % g).collect();
    let effect: Vec<f64> = (0..g).map(|_| 2.0 * uniform()).collect();
    let y: Vec<f64> = hospital.iter().map(|&h| effect[h] + 3.0 * uniform()).collect();
    let make = |y: Vec<f64>| {
        let columns = Columns {
            family: Family::Gaussian,
            y,
            group: (0..g * n).map(|i| f64::from(u8::from(i % 3 == 0))).collect(),
            allowable: vec![],
            blocks: vec![],
            weight: None,
            cluster: None,
        };
        let ids: Vec<String> = hospital.iter().map(|h| format!("{h:02}")).collect();
        with_hospitals(columns.design(), &ids)
    };
    let mean = |h: usize| (0..g * n).filter(|&i| hospital[i] == h).map(|i| y[i]).sum::<f64>() / n as f64;
    let grand = y.iter().sum::<f64>() / (g * n) as f64;
    let within: f64 = (0..g * n).map(|i| (y[i] - mean(hospital[i])).powi(2)).sum::<f64>() / (g * (n - 1)) as f64;
    let between: f64 = n as f64 * (0..g).map(|h| (mean(h) - grand).powi(2)).sum::<f64>() / (g - 1) as f64;
    let (_, fit) = fitted(&make(y.clone()), 1);
    close("residual", fit.residual, within, 1e-9);
    close("variance", fit.variance, (between - within) / n as f64, 1e-9);
    close("ICC", fit.intraclass_correlation(), fit.variance / (fit.variance + within), 1e-9);
    let shrink = 1.0 - within / between;
    for h in 0..g {
        near("effect", fit.effects[h].0, shrink * (mean(h) - grand), 1e-9);
    }
    // Hospitals that differ less than chance makes them have no variance.
    let flat: Vec<f64> = (0..g * n).map(|i| f64::from(u8::from((i / g) % 2 == 0))).collect();
    assert_eq!(fitted(&make(flat), 1).1.variance, 0.0);
}
