//! Random intercepts: hospitals' effects as draws from a normal distribution, for describing hospitals. Logit, and least squares.
//!
//! Of the logit the marginal likelihood is integrated hospital by hospital, by Laplace's approximation or by adaptive Gauss-Hermite quadrature;
//! its gradient by the slopes is exact for either. The standard deviation is found by a search in one dimension, with the slopes at their
//! best at every step; it may be 0. Effects are conditional modes, which are shrunken towards 0: they profile hospitals
//! and are no part of a decomposition, where shrinkage would be bias (METHODS 5.5(d)). Source: Pinheiro & Chao (2006)
//! J Comput Graph Stat 15:58-81. With one node it is R's `lme4::glmer(nAGQ = 1)`: tests/it/hospital_models.rs.

use super::arrow::{self, Hospitals, scaling};
use super::glm;
use super::{FitError, ModelMatrix, expit};
use crate::linalg::{Cholesky, accumulate};
use crate::vocab::Family;
use ndarray::Array2;
use std::f64::consts::PI;
use std::ops::Range;

const MAX_STEPS: usize = 200;
/// Variance of the standard logistic distribution.
const LOGISTIC: f64 = PI * PI / 3.0;
/// The search for the standard deviation stays within these limits, on the scale of the linear predictor.
const SMALLEST: f64 = 1e-4;
const LARGEST: f64 = 50.0;

/// A fit with random intercepts.
#[derive(Clone, Debug)]
pub struct MixedFit {
    /// Coefficients in the order of the matrix's terms; 0 for terms that depend on others.
    pub beta: Vec<f64>,
    /// Variance of the hospitals' effects.
    pub variance: f64,
    /// Variance within hospitals: that of the standard logistic distribution for the logit.
    pub residual: f64,
    /// Restricted log-likelihood for least squares, without a constant.
    pub loglik: f64,
    /// Conditional mode of each hospital's effect, and its conditional standard deviation; 0 and the prior's without rows.
    pub effects: Vec<(f64, f64)>,
}

impl MixedFit {
    /// The share of the variance on the scale of the linear predictor that lies between hospitals.
    pub fn intraclass_correlation(&self) -> f64 {
        self.variance / (self.variance + self.residual)
    }

    /// The median odds ratio of two patients alike at two hospitals drawn at random: `exp(sqrt(2 variance) z_.75)`. Source: Larsen & Merlo
    /// (2005) Am J Epidemiol 161:81-88.
    pub fn median_odds_ratio(&self) -> f64 {
        ((2.0 * self.variance).sqrt() * 0.674_489_750_196_081_7).exp()
    }
}

/// Nodes and weights of Gauss-Hermite quadrature for `exp(-z^2)`, by Newton's method on the normalised Hermite polynomial.
fn gauss_hermite(n: usize) -> Vec<(f64, f64)> {
    let mut out: Vec<(f64, f64)> = Vec::new();
    for i in 0..n.div_ceil(2) {
        // Starting points of Press et al. (1992) 4.5.
        let mut z = match i {
            0 => (2.0 * n as f64 + 1.0).sqrt() - 1.85575 * (2.0 * n as f64 + 1.0).powf(-1.0 / 6.0),
            1 => out[0].0 - 1.14 * (n as f64).powf(0.426) / out[0].0,
            2 => 1.86 * out[1].0 - 0.86 * out[0].0,
            3 => 1.91 * out[2].0 - 0.91 * out[1].0,
            _ => 2.0 * out[i - 1].0 - out[i - 2].0,
        };
        let mut slope = 0.0;
        for _ in 0..50 {
            let (mut value, mut before) = (PI.powf(-0.25), 0.0);
            for j in 0..n {
                let next = z * (2.0 / (j as f64 + 1.0)).sqrt() * value - (j as f64 / (j as f64 + 1.0)).sqrt() * before;
                before = value;
                value = next;
            }
            slope = (2.0 * n as f64).sqrt() * before;
            let step = value / slope;
            z -= step;
            if step.abs() < 1e-15 {
                break;
            }
        }
        out.push((z, 2.0 / (slope * slope)));
    }
    let mirrored: Vec<(f64, f64)> = out.iter().take(n / 2).map(|(z, w)| (-z, *w)).collect();
    out.extend(mirrored);
    out
}

/// Fits `y` on the matrix with a random intercept for each hospital. A logit is integrated with so many `nodes`, 1 being Laplace's
/// approximation; a gaussian outcome is fitted by restricted maximum likelihood.
///
/// Errors: as the model without hospitals; [`FitError::NotConverged`]; [`FitError::Layout`] for another family.
pub fn fit(m: &ModelMatrix<'_>, hospitals: Hospitals<'_>, family: Family, nodes: usize, y: &[f64], w: &[f64]) -> Result<MixedFit, FitError> {
    match family {
        Family::Binomial => logit(m, hospitals, nodes, y, w),
        Family::Gaussian => least_squares(m, hospitals, y, w),
        Family::Probit | Family::Poisson => Err(FitError::Layout),
    }
}

/// Restricted maximum likelihood over the ratio of the residual variance to that of hospitals, the penalty of the arrow fit.
fn least_squares(m: &ModelMatrix<'_>, hospitals: Hospitals<'_>, y: &[f64], w: &[f64]) -> Result<MixedFit, FitError> {
    let plain = glm::fit(m, Family::Gaussian, y, w)?;
    let kept: Vec<usize> = (0..m.terms.len()).filter(|&t| plain.is_estimated(t)).collect();
    let reduced = m.clone().keep(|t| plain.is_estimated(t));
    let rows = || m.rows.iter().cloned().flatten().filter(|&i| w[i] > 0.0);
    let df = rows().map(|i| w[i]).sum::<f64>() - kept.len() as f64;
    let at = |log_lambda: f64| -> Result<(f64, f64, arrow::ArrowFit<'_>), FitError> {
        let lambda = log_lambda.exp();
        let fit = arrow::fit(vec![reduced.clone()], hospitals, Family::Gaussian, lambda, y, w)?;
        let squares: f64 = rows().map(|i| w[i] * (y[i] - fit.eta(0, i)).powi(2)).sum();
        let penalty: f64 = fit.effects.iter().map(|u| lambda * u * u).sum();
        let residual = (squares + penalty) / df;
        let loglik = -0.5 * (df * ((2.0 * PI * residual).ln() + 1.0) + fit.log_determinant(lambda));
        Ok((loglik, residual, fit))
    };
    // Golden section; the ratio's limits are 1e-6 and 1e8.
    let (mut low, mut high) = (1e-6_f64.ln(), 1e8_f64.ln());
    let golden = 0.5 * (5f64.sqrt() - 1.0);
    let (mut left, mut right) = (high - golden * (high - low), low + golden * (high - low));
    let (mut f_left, mut f_right) = (at(left)?.0, at(right)?.0);
    while high - low > 1e-8 {
        if f_left > f_right {
            (high, right, f_right) = (right, left, f_left);
            left = high - golden * (high - low);
            f_left = at(left)?.0;
        } else {
            (low, left, f_left) = (left, right, f_right);
            right = low + golden * (high - low);
            f_right = at(right)?.0;
        }
    }
    let best = 0.5 * (low + high);
    let (loglik, residual, fit) = at(best)?;
    let none = best > 1e8_f64.ln() - 1e-3;
    let variance = if none { 0.0 } else { residual / best.exp() };
    let mut beta = vec![0.0; m.terms.len()];
    kept.iter().zip(fit.coefficients(0)).for_each(|(&t, b)| beta[t] = *b);
    let effects = fit.effects.iter().zip(fit.curvatures());
    let effects = effects.map(|(u, d)| if none { (0.0, 0.0) } else { (*u, (residual / d).sqrt()) }).collect();
    Ok(MixedFit { beta, variance, residual, loglik, effects })
}

fn logit(m: &ModelMatrix<'_>, hospitals: Hospitals<'_>, nodes: usize, y: &[f64], w: &[f64]) -> Result<MixedFit, FitError> {
    let plain = glm::fit(m, Family::Binomial, y, w)?;
    let mut order: Vec<u32> = m.rows.iter().cloned().flatten().filter(|&i| w[i] > 0.0).map(|i| i as u32).collect();
    order.sort_by_key(|&i| hospitals.code[i as usize]);
    let mut segments: Vec<(usize, Range<usize>)> = Vec::new();
    for (at, &i) in order.iter().enumerate() {
        let h = hospitals.code[i as usize] as usize;
        match segments.last_mut() {
            Some((last, range)) if *last == h => range.end = at + 1,
            _ => segments.push((h, at..at + 1)),
        }
    }
    let inverse = |(t, (centre, sd)): (usize, (f64, f64))| (centre, if plain.is_estimated(t) { 1.0 / sd } else { 0.0 });
    let scaling = scaling(m, &order, w).into_iter().enumerate().map(inverse).collect();
    let data = Data { m, y, w, scaling, order, segments, nodes: gauss_hermite(nodes.max(1)) };

    // The derivative of the likelihood by the variance at 0: without over-dispersion between hospitals there is none.
    let at_zero = |(_, range): &(usize, Range<usize>)| {
        data.order[range.clone()].iter().fold((0.0, 0.0), |(r, v), &i| {
            let mu = expit(m.dot(i as usize, &plain.beta, None));
            (r + w[i as usize] * (y[i as usize] - mu), v + w[i as usize] * mu * (1.0 - mu))
        })
    };
    let score: f64 = data.segments.iter().map(at_zero).map(|(r, v)| r * r - v).sum();
    if score <= 0.0 {
        let effects = vec![(0.0, 0.0); hospitals.count];
        return Ok(MixedFit { variance: 0.0, residual: LOGISTIC, loglik: plain.loglik, effects, beta: plain.beta });
    }

    let mut state = State { beta: data.scaled(&plain.beta), modes: vec![0.0; data.segments.len()] };
    let (mut low, mut high) = (SMALLEST.ln(), LARGEST.ln());
    let mut slope_at = |tau: f64| -> Result<f64, FitError> { Ok(data.best_at(tau, &mut state)?.by_tau) };
    // Step out from a usual value until the derivative has either sign.
    let mut tau = 0.3_f64.ln();
    let mut slope = slope_at(tau)?;
    let (mut at_low, mut at_high): (Option<f64>, Option<f64>) = (None, None);
    while at_low.is_none() || at_high.is_none() {
        if slope > 0.0 {
            (low, at_low) = (tau, Some(slope));
            tau += 0.7;
        } else {
            (high, at_high) = (tau, Some(slope));
            tau -= 0.7;
        }
        if at_low.is_some() && at_high.is_some() {
            break;
        }
        if !(SMALLEST.ln()..=LARGEST.ln()).contains(&tau) {
            return Err(FitError::NotConverged { iterations: 0 });
        }
        slope = slope_at(tau)?;
    }
    // False position with the Illinois rule.
    let (mut f_low, mut f_high) = (at_low.unwrap_or(f64::NAN), at_high.unwrap_or(f64::NAN));
    let mut side = 0;
    for _ in 0..MAX_STEPS {
        tau = (low * f_high - high * f_low) / (f_high - f_low);
        if high - low < 1e-11 {
            break;
        }
        slope = slope_at(tau)?;
        if slope.abs() < 1e-9 {
            break;
        }
        if slope > 0.0 {
            (low, f_low) = (tau, slope);
            if side == 1 {
                f_high *= 0.5;
            }
            side = 1;
        } else {
            (high, f_high) = (tau, slope);
            if side == -1 {
                f_low *= 0.5;
            }
            side = -1;
        }
    }
    let last = data.best_at(tau, &mut state)?;
    let variance = (2.0 * tau).exp();
    let mut effects = vec![(0.0, variance.sqrt()); hospitals.count];
    for (((h, _), mode), d) in data.segments.iter().zip(&state.modes).zip(&last.curvatures) {
        effects[*h] = (*mode, 1.0 / d.sqrt());
    }
    Ok(MixedFit { beta: data.unscaled(&state.beta), variance, residual: LOGISTIC, loglik: last.loglik, effects })
}

struct Data<'d, 'a> {
    m: &'d ModelMatrix<'a>,
    y: &'d [f64],
    w: &'d [f64],
    /// Mean and one over the spread of each term; 0 for terms that depend on others.
    scaling: Vec<(f64, f64)>,
    /// Rows with weight, hospital by hospital.
    order: Vec<u32>,
    segments: Vec<(usize, Range<usize>)>,
    nodes: Vec<(f64, f64)>,
}

/// Where the search stands, kept from step to step.
struct State {
    /// In scaled columns.
    beta: Vec<f64>,
    modes: Vec<f64>,
}

/// The marginal log-likelihood and its derivatives.
struct Pass {
    loglik: f64,
    by_tau: f64,
    gradient: Vec<f64>,
    /// Minus its second derivative by the slopes, nearly.
    information: Array2<f64>,
    /// Per hospital: mode of the effect, and the curvature there.
    modes: Vec<f64>,
    curvatures: Vec<f64>,
}

impl Data<'_, '_> {
    fn scaled(&self, beta: &[f64]) -> Vec<f64> {
        let mut out: Vec<f64> = beta.iter().zip(&self.scaling).map(|(b, (_, inverse))| if *inverse > 0.0 { b / inverse } else { 0.0 }).collect();
        out[0] += beta.iter().zip(&self.scaling).map(|(b, (centre, _))| b * centre).sum::<f64>();
        out
    }

    fn unscaled(&self, beta: &[f64]) -> Vec<f64> {
        let mut out: Vec<f64> = beta.iter().zip(&self.scaling).map(|(b, (_, inverse))| b * inverse).collect();
        let moved: f64 = out.iter().zip(&self.scaling).map(|(b, (centre, _))| b * centre).sum();
        out[0] -= moved;
        out
    }

    /// The value of a term in scaled columns.
    fn cell(&self, row: u32, term: usize) -> f64 {
        let (centre, inverse) = self.scaling[term];
        (self.m.value(row as usize, self.m.terms[term], None) - centre) * inverse
    }

    /// The slopes that maximise the likelihood at this standard deviation, from those at hand.
    fn best_at(&self, tau: f64, state: &mut State) -> Result<Pass, FitError> {
        let mut pass = self.pass(tau, state);
        for iterations in 0..MAX_STEPS {
            state.modes.clone_from(&pass.modes);
            let factor = Cholesky::new(&pass.information);
            let step = factor.solve(&pass.gradient);
            // Twice what the step promises: the square of its length in standard errors.
            let promise: f64 = step.iter().zip(&pass.gradient).map(|(s, g)| s * g).sum();
            if !promise.is_finite() {
                return Err(FitError::NotConverged { iterations });
            }
            if promise < 1e-18 * (1.0 + pass.loglik.abs()) {
                return Ok(pass);
            }
            let old = state.beta.clone();
            let mut length = 1.0;
            loop {
                state.beta.iter_mut().zip(&old).zip(&step).for_each(|((b, o), s)| *b = o + length * s);
                let next = self.pass(tau, state);
                if next.loglik.is_finite() && next.loglik >= pass.loglik - 1e-11 * (1.0 + pass.loglik.abs()) {
                    pass = next;
                    break;
                }
                length *= 0.5;
                if length < 1e-6 {
                    return Err(FitError::NotConverged { iterations });
                }
            }
        }
        Err(FitError::NotConverged { iterations: MAX_STEPS })
    }

    /// One pass over the hospitals at the slopes and modes at hand.
    fn pass(&self, tau: f64, state: &State) -> Pass {
        let k = self.m.terms.len();
        let zero = || Pass {
            loglik: 0.0,
            by_tau: 0.0,
            gradient: vec![0.0; k],
            information: Array2::zeros((k, k)),
            modes: Vec::new(),
            curvatures: Vec::new(),
        };
        let map = |chunk: Range<usize>| {
            let mut pass = zero();
            for s in chunk {
                self.hospital(&self.order[self.segments[s].1.clone()], tau, &state.beta, state.modes[s], &mut pass);
            }
            pass
        };
        let add = |total: &mut Pass, part: Pass| {
            total.loglik += part.loglik;
            total.by_tau += part.by_tau;
            total.gradient.iter_mut().zip(part.gradient).for_each(|(t, p)| *t += p);
            total.information += &part.information;
            total.modes.extend(part.modes);
            total.curvatures.extend(part.curvatures);
        };
        accumulate(std::slice::from_ref(&(0..self.segments.len())), map, add).unwrap_or_else(zero)
    }

    /// Adds one hospital: `log of the integral over u of exp g(u)`, `g(u) = sum w l(y, eta + u) - u^2 / 2s^2 - log s - log(2 pi) / 2`,
    /// around the mode of g, with the derivatives of the quadrature itself.
    fn hospital(&self, rows: &[u32], tau: f64, beta: &[f64], start: f64, pass: &mut Pass) {
        let k = self.m.terms.len();
        let precision = (-2.0 * tau).exp();
        let eta: Vec<f64> = rows.iter().map(|&i| (0..k).map(|t| self.cell(i, t) * beta[t]).sum()).collect();
        let each = || rows.iter().map(|&i| (self.y[i as usize], self.w[i as usize])).zip(&eta);
        let mut u = start;
        let mut d = precision;
        for _ in 0..100 {
            let (mut score, mut curvature) = (-precision * u, precision);
            for ((y, w), eta) in each() {
                let mu = expit(eta + u);
                score += w * (y - mu);
                curvature += w * mu * (1.0 - mu);
            }
            d = curvature;
            let step = (score / curvature).clamp(-2.0, 2.0);
            u += step;
            if step.abs() < 1e-13 * (1.0 + u.abs()) {
                break;
            }
        }
        // Integrand at each node, its derivative by u, and what they weigh.
        let width = (2.0 / d).sqrt();
        let at = |u: f64| {
            let (mut value, mut slope) = (-0.5 * precision * u * u - tau - 0.5 * (2.0 * PI).ln(), -precision * u);
            for ((y, w), eta) in each() {
                value += w * Family::Binomial.log_likelihood(y, eta + u);
                slope += w * (y - expit(eta + u));
            }
            (value, slope)
        };
        let nodes: Vec<(f64, f64, f64)> = self
            .nodes
            .iter()
            .map(|&(z, weight)| {
                let (value, slope) = at(u + width * z);
                (u + width * z, weight.ln() + z * z + value, slope)
            })
            .collect();
        let top = nodes.iter().map(|n| n.1).fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = nodes.iter().map(|n| (n.1 - top).exp()).sum();
        pass.loglik += top + sum.ln() + width.ln();
        let weighed: Vec<(f64, f64, f64)> = nodes.iter().map(|&(v, log, slope)| (v, (log - top).exp() / sum, slope)).collect();
        let drift: f64 = weighed.iter().map(|(_, p, slope)| p * slope).sum();
        let stretch: f64 = weighed.iter().map(|(v, p, slope)| p * slope * (v - u)).sum();

        let bend: f64 = each().map(|((_, w), eta)| w * Family::Binomial.bend(eta + u)).sum();
        let by_tau_mode = 2.0 * u * precision / d;
        let by_tau_log_d = (bend * by_tau_mode - 2.0 * precision) / d;
        let own: f64 = weighed.iter().map(|(v, p, _)| p * (v * v * precision - 1.0)).sum();
        pass.by_tau += own + drift * by_tau_mode - 0.5 * (stretch + 1.0) * by_tau_log_d;

        let mut b = vec![0.0; k];
        let mut x = vec![0.0; k];
        for (((y, w), eta), &i) in each().zip(rows) {
            let mu = expit(eta + u);
            let v = mu * (1.0 - mu);
            let residual: f64 = weighed.iter().map(|(at, p, _)| p * (y - expit(eta + at))).sum();
            let of_bend = v * (1.0 - 2.0 * mu) - bend / d * v;
            let c = w * (residual - drift / d * v - 0.5 * (stretch + 1.0) / d * of_bend);
            for (t, cell) in x.iter_mut().enumerate() {
                *cell = self.cell(i, t);
                pass.gradient[t] += c * *cell;
                b[t] += w * v * *cell;
            }
            for (s, xs) in x.iter().enumerate() {
                for (t, xt) in x.iter().enumerate() {
                    pass.information[[s, t]] += w * v * xs * xt;
                }
            }
        }
        for (s, bs) in b.iter().enumerate() {
            for (t, bt) in b.iter().enumerate() {
                pass.information[[s, t]] -= bs * bt / d;
            }
        }
        pass.modes.push(u);
        pass.curvatures.push(d);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hermite_nodes_integrate_polynomials() {
        for n in [1, 2, 5, 10, 15] {
            let nodes = gauss_hermite(n);
            assert_eq!(nodes.len(), n);
            // Moments of exp(-z^2): sqrt(pi) times 1, 1/2, 3/4.
            for (power, want) in [(0, 1.0), (2, 0.5), (4, 0.75)].into_iter().filter(|(p, _)| p / 2 < n) {
                let got: f64 = nodes.iter().map(|(z, w)| w * z.powi(power)).sum();
                assert!((got - want * PI.sqrt()).abs() < 1e-12, "{n} {power}: {got}");
            }
        }
    }
}
