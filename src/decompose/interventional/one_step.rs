//! `b(T | A) = E_{A|R=1} E_0[ mu_1(T, A) | A ]` by its two regressions, and the one-step estimate with the weights of both (METHODS 5.2):
//!
//! `b = mean_1 eta(A) + sum W_g (mu_1 - eta) / sum W_g + sum W_o (Y - mu_1) / sum W_o`, with `W_g = w g / (1 - g)` on reference units,
//! `W_o = w g / (1 - g) (1 - pi) / pi` on index units, `g = P(R = 1 | A)` and `pi = P(R = 1 | T, A)`, both logits.
//! Influences carry the estimation of all four models; the regression eta has a fitted outcome, so that of mu_1 passes through it.

use crate::decompose::fits::{Fits, FittedIn, GroupModel, GroupTerms, Toward};
use crate::decompose::moments::{self, add_score_influence};
use crate::decompose::support::{ODDS, Spread};
use crate::decompose::with_and_without::supported;
use crate::decompose::{DecomposeError, Fact, Verdict};
use crate::design::Contrast;
use crate::estimate::{Estimate, Sampling};
use crate::model::{ModelMatrix, glm};
use crate::vocab::BlockSet;
use std::rc::Rc;

/// The mean outcome of index units with T equalised.
pub(super) struct Equalised {
    pub estimate: Estimate,
    plug_in: f64,
    /// Of the weights on reference and on index units.
    spreads: Option<[Spread; 2]>,
}

impl Equalised {
    pub fn facts(&self, c: &Contrast<'_>) -> Vec<Fact> {
        let Some([reference, index]) = &self.spreads else { return Vec::new() };
        let mut out = judged([reference, index], "");
        let error = Sampling::new(c.n(), c.clusters().as_deref(), 0.95).std_error(&self.estimate);
        let ratio = (self.estimate.value - self.plug_in).abs() / error;
        let verdict = if ratio <= 1.0 { Verdict::Passes(1.0) } else { Verdict::Warns(1.0) };
        let message = format!(
            "difference of the one-step and the plug-in mean with the blocks equalised, in standard errors of the first; the plug-in mean is {:.6}",
            self.plug_in
        );
        out.push(Fact::judged("interventional_dr_minus_gcomp", ratio, verdict, message));
        out
    }
}

/// What the weights of reference and of index units rest on.
fn judged([reference, index]: [&Spread; 2], unused: &str) -> Vec<Fact> {
    let mut out = Vec::new();
    let names = ["interventional_effective_reference", "interventional_largest_reference"];
    out.extend(reference.facts(names, &ODDS, &format!("reference units weighted to look like index units in what is given{unused}")));
    let names = ["interventional_effective_index", "interventional_largest_index"];
    out.extend(index.facts(names, &ODDS, &format!("index units weighted to have what is equalised as reference units have it{unused}")));
    out
}

/// What estimators without weights rest on: the overlap that the weights of the one-step estimate show.
pub(super) fn overlap(fits: &Fits<'_>, equalised: BlockSet, given: BlockSet) -> Vec<Fact> {
    match Odds::fit(fits, equalised.union(given), given) {
        Ok(odds) => judged(odds.spreads(fits.contrast).each_ref(), " (not used by this estimator, which rests on the same overlap)"),
        Err(_) => vec![Fact::judged(
            "interventional_overlap",
            f64::NAN,
            Verdict::Fails(0.0),
            "the model of group membership that would show the overlap has no fit: the groups hardly overlap in what is given and equalised",
        )],
    }
}

/// The two group models, and the weights that follow, by row of the design.
struct Odds<'a> {
    g: Rc<GroupModel>,
    pi: Rc<GroupModel>,
    g_m: ModelMatrix<'a>,
    pi_m: ModelMatrix<'a>,
    w: Vec<f64>,
}

impl<'a> Odds<'a> {
    /// Errors: a group model has no fit.
    fn fit(fits: &Fits<'a>, both: BlockSet, given: BlockSet) -> Result<Self, DecomposeError> {
        let c = fits.contrast;
        let g = fits.group(given, Toward::Index)?;
        let pi = fits.group(both, Toward::Reference)?;
        let g_m = fits.matrix(FittedIn::Pooled, given, GroupTerms::Without)?;
        let pi_m = fits.matrix(FittedIn::Pooled, both, GroupTerms::Without)?;
        let mut w = g.odds.clone();
        c.index().for_each(|i| w[i] = pi.odds[i] * g_m.dot(i, &g.fit.beta, None).exp());
        Ok(Self { g, pi, g_m, pi_m, w })
    }

    fn spreads(&self, c: &Contrast<'_>) -> [Spread; 2] {
        [c.reference(), c.index()].map(|rows| Spread::of(rows.map(|i| self.w[i])))
    }
}

/// Errors: a model has no fit; reference units have values of T that no index unit has, or the reverse for A.
pub(super) fn mean(fits: &Fits<'_>, equalised: BlockSet, given: BlockSet, one_step: bool) -> Result<Equalised, DecomposeError> {
    let c = fits.contrast;
    let family = c.design.family;
    let both = equalised.union(given);
    let (index, reference) = (c.index(), c.reference());
    let (of_index, of_reference) = (std::slice::from_ref(&index), std::slice::from_ref(&reference));

    // The index group's outcome, for units of both groups.
    let m = fits.matrix(FittedIn::Index, both, GroupTerms::Without)?;
    let outcome = supported(fits, FittedIn::Index, both, &reference)?;
    let (mu, mu_slope) = predictions(c, &m, &outcome);
    // Its mean among reference units with the same A, for units of both groups.
    let inner_m = fits.matrix(FittedIn::Reference, given, GroupTerms::Without)?;
    let inner = glm::fit(&inner_m, family, &mu, &c.w).map_err(|e| fits.failed(FittedIn::Reference, given, &e))?;
    let (unknown, by_term) = inner.unsupported(&inner_m, of_index, &c.w);
    if unknown > 0 {
        return Err(fits.no_support(FittedIn::Reference, given, unknown, &by_term, &inner_m));
    }
    let (eta, eta_slope) = predictions(c, &inner_m, &inner);

    let n = c.n() as f64;
    let plug_in = moments::mean(c, &index, |i| eta[i]);
    let mut value = plug_in.value;
    let mut influence = plug_in.influence;
    let sum: f64 = index.clone().map(|i| c.w[i]).sum();
    let mut by_inner = inner_m.weighted_sum(of_index, None, |i| c.w[i] * eta_slope[i] / sum);
    // What one unit of mu_1 at a reference unit is worth.
    let mut worth = vec![0.0; c.y.len()];
    let mut by_outcome = vec![0.0; m.terms.len()];
    let mut spreads = None;
    if one_step {
        let odds = Odds::fit(fits, both, given)?;
        spreads = Some(odds.spreads(c));
        let Odds { g, pi, g_m, pi_m, w } = odds;
        let sums = [&reference, &index].map(|rows| rows.clone().map(|i| w[i]).sum::<f64>());
        let inner_residual = |i: usize| mu[i] - eta[i];
        let residual = |i: usize| c.y[i] - mu[i];
        let d_inner = reference.clone().map(|i| w[i] * inner_residual(i)).sum::<f64>() / sums[0];
        let d = index.clone().map(|i| w[i] * residual(i)).sum::<f64>() / sums[1];
        value += d_inner + d;
        reference.clone().for_each(|i| influence[c.unit(i)] += n * w[i] * (inner_residual(i) - d_inner) / sums[0]);
        index.clone().for_each(|i| influence[c.unit(i)] += n * w[i] * (residual(i) - d) / sums[1]);

        let correction = inner_m.weighted_sum(of_reference, None, |i| w[i] * eta_slope[i] / sums[0]);
        by_inner.iter_mut().zip(correction).for_each(|(b, v)| *b -= v);
        reference.clone().for_each(|i| worth[i] = w[i] / sums[0]);
        by_outcome = m.weighted_sum(of_index, None, |i| -w[i] * mu_slope[i] / sums[1]);

        let mut by_g = g_m.weighted_sum(of_reference, None, |i| w[i] * (inner_residual(i) - d_inner) / sums[0]);
        let of_both = g_m.weighted_sum(of_index, None, |i| w[i] * (residual(i) - d) / sums[1]);
        by_g.iter_mut().zip(of_both).for_each(|(b, v)| *b += v);
        add_score_influence(c, &g_m, &g.fit, &by_g, &c.r, &g.w, &mut influence);
        let by_pi = pi_m.weighted_sum(of_index, None, |i| w[i] * (residual(i) - d) / sums[1]);
        let outside: Vec<f64> = c.r.iter().map(|r| 1.0 - r).collect();
        add_score_influence(c, &pi_m, &pi.fit, &by_pi, &outside, &pi.w, &mut influence);
    }

    add_score_influence(c, &inner_m, &inner, &by_inner, &mu, &c.w, &mut influence);
    let lambda = inner.solve(&by_inner);
    for i in reference.clone() {
        // The score is linear in the outcome.
        let eta_i = inner_m.dot(i, &inner.beta, None);
        let by_y = family.score(1.0, eta_i).0 - family.score(0.0, eta_i).0;
        worth[i] += c.w[i] * by_y * inner_m.dot(i, &lambda, None);
    }
    let through = m.weighted_sum(of_reference, None, |i| worth[i] * mu_slope[i]);
    by_outcome.iter_mut().zip(through).for_each(|(b, v)| *b += v);
    add_score_influence(c, &m, &outcome, &by_outcome, &c.y, &c.w, &mut influence);
    Ok(Equalised { estimate: Estimate { value, influence }, plug_in: plug_in.value, spreads })
}

/// Mean and its derivative by the linear predictor, by row of the design.
fn predictions(c: &Contrast<'_>, m: &ModelMatrix<'_>, fit: &glm::Fit) -> (Vec<f64>, Vec<f64>) {
    let (mut mean, mut slope) = (vec![0.0; c.y.len()], vec![0.0; c.y.len()]);
    for i in c.units() {
        let eta = m.dot(i, &fit.beta, None);
        mean[i] = fit.family.mean(eta);
        slope[i] = fit.family.slope(eta);
    }
    (mean, slope)
}
