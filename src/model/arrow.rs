//! Generalised linear models with one effect a hospital, by Newton's method through the Schur complement of the hospitals.
//!
//! `eta_i = x_i'b_s + u_h`: slopes of their own for each set of rows (the two groups, or one set), effects that all sets share.
//! Maximises `sum_i w_i l(y_i, eta_i) - lambda / 2 sum_h u_h^2`; slopes and intercepts are not penalised. The information is an arrow:
//! block-diagonal in the hospitals, `D_h = sum_h w V + lambda`, bordered by the slopes, so that thousands of hospitals cost no
//! more than their rows. Indicators are never formed.
//!
//! The penalty only keeps hospitals finite that have no events, or nothing but events. With [`LAMBDA`] it is a prior of 5
//! units of the linear predictor for logit, probit and log links. Least squares are in units of the residual: the same penalty
//! is a prior of 5 residual standard deviations there, and rescaling the outcome rescales the effects and changes nothing
//! else. Source: METHODS 5.5(d).

use super::{FitError, ModelMatrix, Term};
use crate::linalg::{BLOCK, Cholesky, accumulate};
use crate::vocab::Family;
use ndarray::linalg::{general_mat_mul, general_mat_vec_mul};
use ndarray::{Array1, Array2, s};
use std::ops::Range;

/// The penalty of METHODS 5.5(d): a standard deviation of 5 for the effects.
pub const LAMBDA: f64 = 0.04;
const MAX_STEPS: usize = 100;
const STEP_TOLERANCE: f64 = 1e-10;
/// A Newton step moves no coefficient by more than this.
const LONGEST_STEP: f64 = 3.0;
/// A slope per standard deviation of its column beyond this is a separated fit, as for models without hospitals.
const LARGEST_SLOPE: f64 = 15.0;

/// The hospital of each row of the design, and how many hospitals there are.
#[derive(Clone, Copy, Debug)]
pub struct Hospitals<'a> {
    pub code: &'a [u32],
    pub count: usize,
}

/// Rows that share slopes.
#[derive(Clone, Debug)]
struct Slopes<'a> {
    matrix: ModelMatrix<'a>,
    /// Mean and spread of each term; the intercept's are 0 and 1.
    scaling: Vec<(f64, f64)>,
    /// Rows with a positive weight, hospital by hospital.
    order: Vec<u32>,
    /// Position of its first coefficient.
    start: usize,
}

/// A converged fit.
#[derive(Clone, Debug)]
pub struct ArrowFit<'a> {
    pub family: Family,
    /// One a hospital; 0 for hospitals without rows in the fit.
    pub effects: Vec<f64>,
    pub iterations: usize,
    /// Coefficients of the sets, one after the other, on the scale of the design.
    beta: Vec<Vec<f64>>,
    sets: Vec<Slopes<'a>>,
    hospitals: Hospitals<'a>,
    /// Weighted curvatures of a hospital, `sum_h w V + lambda`.
    d: Vec<f64>,
    /// (hospitals, coefficients): `sum_h w V x` in scaled columns.
    b: Array2<f64>,
    schur: Cholesky,
}

/// Derivatives of a quantity by the coefficients (in scaled columns) and by the effects.
#[derive(Clone, Debug)]
pub struct Gradient {
    slopes: Vec<f64>,
    pub effects: Vec<f64>,
}

/// `J^-1 g`: how the coefficients and effects move with a score.
pub struct Direction {
    slopes: Vec<f64>,
    effects: Vec<f64>,
}

struct Pass {
    loglik: f64,
    /// Score and information of the slopes.
    score: Array1<f64>,
    information: Array2<f64>,
    /// Of each hospital in turn: score, curvature, and `sum w V x`.
    hospitals: Vec<(u32, f64, f64, Vec<f64>)>,
}

/// Fits `y` on the matrices, each with slopes of its own over its own rows, and effects of the hospitals that they share.
///
/// `y` and `w` are as long as the design; rows with weight 0 take no part. `y` may lie between 0 and 1 for binomial. The terms
/// of a matrix are design columns that are independent in its rows, the intercept first.
/// Errors: as for models without hospitals; [`FitError::Separated`] names a slope that has no bound.
pub fn fit<'a>(
    matrices: Vec<ModelMatrix<'a>>,
    hospitals: Hospitals<'a>,
    family: Family,
    lambda: f64,
    y: &[f64],
    w: &[f64],
) -> Result<ArrowFit<'a>, FitError> {
    let mut sets = Vec::new();
    let mut at: Vec<f64> = Vec::new();
    for matrix in matrices {
        let order = by_hospital(&matrix, hospitals, w);
        if order.is_empty() {
            return Err(FitError::NoRows);
        }
        let scaling = scaling(&matrix, &order, w);
        let start = at.len();
        at.push(first_intercept(family, &order, y, w)?);
        at.resize(start + scaling.len(), 0.0);
        sets.push(Slopes { matrix, scaling, order, start });
    }
    let k = at.len();
    let mut u = vec![0.0; hospitals.count];
    let run = |at: &[f64], u: &[f64]| State::new(passes(&sets, hospitals, family, y, w, at, u), k, lambda, u);
    let spread = if family == Family::Gaussian { deviation(&sets, y, w) } else { 1.0 };
    let mut state = run(&at, &u);
    let mut iterations = 0;
    loop {
        let schur = state.schur();
        if !schur.dropped.is_empty() {
            return Err(separated(&sets, &schur.dropped));
        }
        let step = solve(&schur, &state.b, &state.d, &state.score, &state.effect_scores);
        let size = step.slopes.iter().chain(&step.effects).fold(0.0_f64, |a, v| a.max(v.abs()));
        if !size.is_finite() {
            return Err(FitError::NotConverged { iterations });
        }
        let unit = if family == Family::Gaussian { at.iter().fold(spread, |a, v| a.max(v.abs())) } else { 1.0 };
        if size < STEP_TOLERANCE * unit {
            move_by(&mut at, &step.slopes, 1.0);
            move_by(&mut u, &step.effects, 1.0);
            let State { d, b, .. } = state;
            let beta = sets.iter().map(|set| set.unscaled(&at)).collect();
            let out = ArrowFit { family, effects: u, iterations, beta, hospitals, d, b, schur, sets };
            return match out.unbounded(&at) {
                Some(e) => Err(e),
                None => Ok(out),
            };
        }
        if iterations == MAX_STEPS {
            return Err(FitError::NotConverged { iterations });
        }
        iterations += 1;
        let mut factor = if family == Family::Gaussian { 1.0 } else { (LONGEST_STEP / size).min(1.0) };
        let (old_at, old_u, old) = (at.clone(), u.clone(), state.objective);
        loop {
            (at, u) = (old_at.clone(), old_u.clone());
            move_by(&mut at, &step.slopes, factor);
            move_by(&mut u, &step.effects, factor);
            state = run(&at, &u);
            if state.objective.is_finite() && state.objective >= old - 1e-10 * (1.0 + old.abs()) {
                break;
            }
            factor *= 0.5;
            if factor < 1e-6 {
                return Err(FitError::NotConverged { iterations });
            }
        }
        if family != Family::Gaussian && at.iter().enumerate().any(|(j, v)| v.abs() > 10.0 * LARGEST_SLOPE && !sets.iter().any(|s| s.start == j)) {
            return Err(separated(&sets, &[largest(&sets, &at)]));
        }
    }
}

/// The sums of a pass over the rows, put together.
struct State {
    objective: f64,
    score: Array1<f64>,
    information: Array2<f64>,
    effect_scores: Vec<f64>,
    d: Vec<f64>,
    b: Array2<f64>,
}

impl State {
    fn new(passes: Vec<(usize, Pass)>, k: usize, lambda: f64, u: &[f64]) -> Self {
        let mut out = Self {
            objective: -0.5 * lambda * u.iter().map(|v| v * v).sum::<f64>(),
            score: Array1::zeros(k),
            information: Array2::zeros((k, k)),
            effect_scores: u.iter().map(|v| -lambda * v).collect(),
            d: vec![lambda; u.len()],
            b: Array2::zeros((u.len(), k)),
        };
        for (start, pass) in passes {
            let at = start..start + pass.score.len();
            out.objective += pass.loglik;
            let mut score = out.score.slice_mut(s![at.clone()]);
            score += &pass.score;
            let mut information = out.information.slice_mut(s![at.clone(), at]);
            information += &pass.information;
            for (h, score, curvature, sums) in pass.hospitals {
                let h = h as usize;
                out.effect_scores[h] += score;
                out.d[h] += curvature;
                for (j, v) in sums.into_iter().enumerate() {
                    out.b[[h, start + j]] += v;
                }
            }
        }
        out
    }

    /// `S = A - sum_h B_h B_h' / D_h`, factored.
    fn schur(&self) -> Cholesky {
        let mut scaled = self.b.clone();
        for (mut row, d) in scaled.rows_mut().into_iter().zip(&self.d) {
            row.mapv_inplace(|v| v / d.sqrt());
        }
        let mut s = self.information.clone();
        general_mat_mul(-1.0, &scaled.t(), &scaled, 1.0, &mut s);
        Cholesky::new(&s)
    }
}

fn solve(schur: &Cholesky, b: &Array2<f64>, d: &[f64], slopes: &Array1<f64>, effects: &[f64]) -> Direction {
    let over: Array1<f64> = effects.iter().zip(d).map(|(g, d)| g / d).collect();
    let right = slopes - &b.t().dot(&over);
    let slopes = schur.solve(&right.to_vec());
    let crossed = b.dot(&Array1::from_vec(slopes.clone()));
    let effects = effects.iter().zip(&crossed).zip(d).map(|((g, c), d)| (g - c) / d).collect();
    Direction { slopes, effects }
}

fn move_by(at: &mut [f64], step: &[f64], factor: f64) {
    at.iter_mut().zip(step).for_each(|(a, s)| *a += factor * s);
}

/// Rows with weight, hospital by hospital, in the order of the design within a hospital.
fn by_hospital(m: &ModelMatrix<'_>, hospitals: Hospitals<'_>, w: &[f64]) -> Vec<u32> {
    let rows = || m.rows.iter().cloned().flatten().filter(|&i| w[i] > 0.0);
    let mut next = vec![0usize; hospitals.count + 1];
    for i in rows() {
        next[hospitals.code[i] as usize + 1] += 1;
    }
    for h in 0..hospitals.count {
        next[h + 1] += next[h];
    }
    let mut out = vec![0; next[hospitals.count]];
    for i in rows() {
        let place = &mut next[hospitals.code[i] as usize];
        out[*place] = i as u32;
        *place += 1;
    }
    out
}

/// Mean and standard deviation of each term over the rows; a term without spread keeps the scale 1.
pub(super) fn scaling(m: &ModelMatrix<'_>, order: &[u32], w: &[f64]) -> Vec<(f64, f64)> {
    let sum_w: f64 = order.iter().map(|&i| w[i as usize]).sum();
    let column = |&t: &Term| {
        let values = || order.iter().map(move |&i| (w[i as usize], m.value(i as usize, t, None)));
        let mean = values().map(|(w, x)| w * x).sum::<f64>() / sum_w;
        let sd = (values().map(|(w, x)| w * (x - mean) * (x - mean)).sum::<f64>() / sum_w).sqrt();
        (mean, if sd > 0.0 { sd } else { 1.0 })
    };
    std::iter::once((0.0, 1.0)).chain(m.terms.iter().skip(1).map(column)).collect()
}

fn first_intercept(family: Family, order: &[u32], y: &[f64], w: &[f64]) -> Result<f64, FitError> {
    let (mut sum_w, mut sum, mut events) = (0.0, 0.0, 0.0);
    for &i in order {
        sum_w += w[i as usize];
        sum += w[i as usize] * y[i as usize];
        events += y[i as usize];
    }
    let mean = sum / sum_w;
    let flat = FitError::NoVariation { n: order.len(), events };
    match family {
        Family::Gaussian => Ok(mean),
        Family::Binomial | Family::Probit if mean <= 0.0 || mean >= 1.0 => Err(flat),
        Family::Binomial => Ok((mean / (1.0 - mean)).ln()),
        // The slope of the logit at 0 is 1/4, that of the probit 0.4: near enough to start from.
        Family::Probit => Ok(0.6 * (mean / (1.0 - mean)).ln()),
        Family::Poisson if mean <= 0.0 => Err(flat),
        Family::Poisson => Ok(mean.ln()),
    }
}

fn deviation(sets: &[Slopes<'_>], y: &[f64], w: &[f64]) -> f64 {
    let rows = || sets.iter().flat_map(|s| &s.order).map(|&i| i as usize);
    let (sum_w, sum) = rows().fold((0.0, 0.0), |(sw, s), i| (sw + w[i], s + w[i] * y[i]));
    let mean = sum / sum_w;
    (rows().map(|i| w[i] * (y[i] - mean).powi(2)).sum::<f64>() / sum_w).sqrt().max(1e-300)
}

/// The slope that is farthest from 0.
fn largest(sets: &[Slopes<'_>], at: &[f64]) -> usize {
    let slopes = (0..at.len()).filter(|j| !sets.iter().any(|s| s.start == *j));
    slopes.max_by(|&a, &b| at[a].abs().total_cmp(&at[b].abs())).unwrap_or(0)
}

fn separated(sets: &[Slopes<'_>], positions: &[usize]) -> FitError {
    let at = positions.first().copied().unwrap_or(0);
    let term = sets.iter().rev().find(|s| s.start <= at).and_then(|s| s.matrix.terms.get(at - s.start)).copied();
    FitError::Separated { term: term.unwrap_or(Term::Column(super::INTERCEPT)), at_one: true, n: None, events: None }
}

/// One pass over the rows of every set: (position of its first coefficient, sums).
fn passes(sets: &[Slopes<'_>], hospitals: Hospitals<'_>, family: Family, y: &[f64], w: &[f64], at: &[f64], u: &[f64]) -> Vec<(usize, Pass)> {
    sets.iter().filter_map(|set| Some((set.start, set.pass(hospitals, family, y, w, at, u)?))).collect()
}

impl Slopes<'_> {
    fn k(&self) -> usize {
        self.scaling.len()
    }

    fn pass(&self, hospitals: Hospitals<'_>, family: Family, y: &[f64], w: &[f64], at: &[f64], u: &[f64]) -> Option<Pass> {
        let k = self.k();
        let b = Array1::from_vec(at[self.start..self.start + k].to_vec());
        let map = |chunk: Range<usize>| {
            let mut pass = Pass { loglik: 0.0, score: Array1::zeros(k), information: Array2::zeros((k, k)), hospitals: Vec::new() };
            let mut packed = Array2::<f64>::zeros((BLOCK, k));
            let mut eta = Array1::<f64>::zeros(BLOCK);
            let mut start = chunk.start;
            while start < chunk.end {
                let rows = &self.order[start..(start + BLOCK).min(chunk.end)];
                let mut a = packed.slice_mut(s![..rows.len(), ..]);
                let mut e = eta.slice_mut(s![..rows.len()]);
                for (mut cells, &i) in a.rows_mut().into_iter().zip(rows) {
                    self.scaled_row(i as usize, cells.iter_mut());
                }
                general_mat_vec_mul(1.0, &a, &b, 0.0, &mut e);
                for (r, &i) in rows.iter().enumerate() {
                    let (i, h) = (i as usize, hospitals.code[i as usize]);
                    let eta = e[r] + u[h as usize];
                    pass.loglik += w[i] * family.log_likelihood(y[i], eta);
                    let (score, curvature) = family.score(y[i], eta);
                    let (score, curvature) = (w[i] * score, w[i] * curvature);
                    if pass.hospitals.last().is_none_or(|last| last.0 != h) {
                        pass.hospitals.push((h, 0.0, 0.0, vec![0.0; k]));
                    }
                    let root = curvature.sqrt();
                    if let Some((_, s, c, sums)) = pass.hospitals.last_mut() {
                        *s += score;
                        *c += curvature;
                        sums.iter_mut().zip(a.row(r)).for_each(|(o, x)| *o += curvature * x);
                    }
                    // The score takes x, the information x sqrt(W): the residual is scaled, not the row twice.
                    e[r] = if root > 0.0 { score / root } else { 0.0 };
                    a.row_mut(r).mapv_inplace(|v| v * root);
                }
                general_mat_vec_mul(1.0, &a.t(), &e, 1.0, &mut pass.score);
                general_mat_mul(1.0, &a.t(), &a, 1.0, &mut pass.information);
                start += BLOCK;
            }
            pass
        };
        let add = |total: &mut Pass, part: Pass| {
            total.loglik += part.loglik;
            total.score += &part.score;
            total.information += &part.information;
            total.hospitals.extend(part.hospitals);
        };
        accumulate(std::slice::from_ref(&(0..self.order.len())), map, add)
    }

    fn scaled_row<'c>(&self, row: usize, cells: impl Iterator<Item = &'c mut f64>) {
        for ((cell, t), (centre, sd)) in cells.zip(&self.matrix.terms).zip(&self.scaling) {
            *cell = (self.matrix.value(row, *t, None) - centre) / sd;
        }
    }

    /// Coefficients of this set on the scale of the design.
    fn unscaled(&self, at: &[f64]) -> Vec<f64> {
        let mut out: Vec<f64> = at[self.start..self.start + self.k()].iter().zip(&self.scaling).map(|(b, (_, sd))| b / sd).collect();
        let moved: f64 = out.iter().zip(&self.scaling).skip(1).map(|(b, (centre, _))| b * centre).sum();
        out[0] -= moved;
        out
    }
}

impl ArrowFit<'_> {
    fn unbounded(&self, at: &[f64]) -> Option<FitError> {
        let worst = largest(&self.sets, at);
        let far = self.family != Family::Gaussian && !self.sets.iter().any(|s| s.start == worst) && at[worst].abs() > LARGEST_SLOPE;
        far.then(|| separated(&self.sets, &[worst]))
    }

    /// Coefficients of a set of rows on the scale of the design, in the order of its terms.
    pub fn coefficients(&self, set: usize) -> &[f64] {
        &self.beta[set]
    }

    /// The linear predictor of a row with the slopes of a set, without the effect of its hospital.
    pub fn patient(&self, set: usize, row: usize) -> f64 {
        self.sets[set].matrix.dot(row, &self.beta[set], None)
    }

    /// The linear predictor of a row at its own hospital.
    pub fn eta(&self, set: usize, row: usize) -> f64 {
        self.patient(set, row) + self.effects[self.hospitals.code[row] as usize]
    }

    /// `log |J|` less that of the penalty, `sum_h log(D_h / lambda) + log |S|`, with slopes in scaled columns.
    pub fn log_determinant(&self, lambda: f64) -> f64 {
        self.d.iter().map(|d| (d / lambda).ln()).sum::<f64>() + self.schur.log_determinant()
    }

    /// Of each hospital, `sum_h w V + lambda`.
    pub fn curvatures(&self) -> &[f64] {
        &self.d
    }

    /// A gradient of 0.
    pub fn no_gradient(&self) -> Gradient {
        Gradient { slopes: vec![0.0; self.b.ncols()], effects: vec![0.0; self.effects.len()] }
    }

    /// Adds `v x_i` to the derivatives by the slopes of a set.
    pub fn add_slopes(&self, g: &mut Gradient, set: usize, row: usize, v: f64) {
        let set = &self.sets[set];
        let terms = set.matrix.terms.iter().zip(&set.scaling);
        for (out, (t, (centre, sd))) in g.slopes[set.start..].iter_mut().zip(terms) {
            *out += v * (set.matrix.value(row, *t, None) - centre) / sd;
        }
    }

    /// Adds `v (x_i, e_h)`: the derivatives of `v eta_i` for a row at its own hospital.
    pub fn add_row(&self, g: &mut Gradient, set: usize, row: usize, v: f64) {
        self.add_slopes(g, set, row, v);
        g.effects[self.hospitals.code[row] as usize] += v;
    }

    /// `J^-1 g`, with `J` minus the second derivative of the penalised likelihood.
    pub fn solve(&self, g: &Gradient) -> Direction {
        solve(&self.schur, &self.b, &self.d, &Array1::from_vec(g.slopes.clone()), &g.effects)
    }

    /// `(x_i, e_h)'d`: the derivative by the row's score of the quantity whose direction it is.
    pub fn along(&self, set: usize, row: usize, d: &Direction) -> f64 {
        let s = &self.sets[set];
        let terms = s.matrix.terms.iter().zip(&s.scaling).zip(&d.slopes[s.start..]);
        let slopes: f64 = terms.map(|((t, (centre, sd)), v)| v * (s.matrix.value(row, *t, None) - centre) / sd).sum();
        slopes + d.effects[self.hospitals.code[row] as usize]
    }

    /// Leverage of each row of the fit, by row of the design: `w V [1/D_h + x~'S^-1 x~]` with `x~ = x - B_h / D_h`; 0 for other rows.
    pub fn leverage(&self, y: &[f64], w: &[f64]) -> Vec<f64> {
        let inverse = self.schur.inverse();
        let mut out = vec![0.0; w.len()];
        // Of each hospital: S^-1 c and c'S^-1 c with c = B_h / D_h.
        let mut c = self.b.clone();
        for (mut row, d) in c.rows_mut().into_iter().zip(&self.d) {
            row.mapv_inplace(|v| v / d);
        }
        let solved = c.dot(&inverse);
        for (s, set) in self.sets.iter().enumerate() {
            let k = set.k();
            let block = inverse.slice(s![set.start..set.start + k, set.start..set.start + k]);
            let mut x = Array1::<f64>::zeros(k);
            for &row in &set.order {
                let (i, h) = (row as usize, self.hospitals.code[row as usize] as usize);
                set.scaled_row(i, x.iter_mut());
                let own = x.dot(&block.dot(&x));
                let crossed = x.dot(&solved.slice(s![h, set.start..set.start + k]));
                let rest = c.row(h).dot(&solved.row(h));
                let (_, curvature) = self.family.score(y[i], self.eta(s, i));
                out[i] = w[i] * curvature * (1.0 / self.d[h] + own - 2.0 * crossed + rest);
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::expit;
    use ndarray::Array2;

    /// Newton's method with dense indicators: coefficients of both sets, then effects, and leverages of the rows.
    fn dense(x: &Array2<f64>, n0: usize, code: &[u32], count: usize, family: Family, y: &[f64], w: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let (n, p) = (x.nrows(), x.ncols() - 1);
        let k = 2 * p + count;
        let terms: Vec<usize> = (0..x.ncols()).filter(|j| *j != 1).collect();
        let mut z = Array2::<f64>::zeros((n, k));
        for i in 0..n {
            for (j, t) in terms.iter().enumerate() {
                z[[i, if i < n0 { j } else { p + j }]] = x[[i, *t]];
            }
            z[[i, 2 * p + code[i] as usize]] = 1.0;
        }
        let mut b = vec![0.0; k];
        for step in 0..60 {
            let mut g = vec![0.0; k];
            let mut a = Array2::<f64>::zeros((k, k));
            let mut v = vec![0.0; n];
            for i in 0..n {
                let eta: f64 = (0..k).map(|j| z[[i, j]] * b[j]).sum();
                let (score, curvature) = match family {
                    Family::Gaussian => (y[i] - eta, 1.0),
                    Family::Poisson => (y[i] - eta.exp(), eta.exp()),
                    _ => (y[i] - expit(eta), expit(eta) * (1.0 - expit(eta))),
                };
                v[i] = w[i] * curvature;
                for j in 0..k {
                    g[j] += w[i] * score * z[[i, j]];
                    for l in 0..k {
                        a[[j, l]] += v[i] * z[[i, j]] * z[[i, l]];
                    }
                }
            }
            for j in 2 * p..k {
                g[j] -= LAMBDA * b[j];
                a[[j, j]] += LAMBDA;
            }
            let factor = Cholesky::new(&a);
            let step_by = factor.solve(&g);
            let size = step_by.iter().fold(0.0_f64, |a, s| a.max(s.abs()));
            let f = if family == Family::Gaussian { 1.0 } else { (1.0 / size).min(1.0) };
            b.iter_mut().zip(&step_by).for_each(|(b, s)| *b += f * s);
            if size < 1e-12 || step == 59 {
                let inverse = factor.inverse();
                let leverage = (0..n).map(|i| v[i] * z.row(i).dot(&inverse.dot(&z.row(i)))).collect();
                return (b, leverage);
            }
        }
        unreachable!()
    }

    /// Rows of two groups in 9 hospitals, one of them without events, one without rows of the second group.
    fn rows(family: Family) -> (Array2<f64>, Vec<u32>, Vec<f64>, Vec<f64>, usize) {
        let mut state: u64 = 11;
        let mut uniform = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 11) as f64 / 2f64.powi(53)
        };
        let (n0, n1) = (170, 130);
        let mut x = Array2::zeros((n0 + n1, 4));
        let (mut code, mut y, mut w) = (Vec::new(), Vec::new(), Vec::new());
        for i in 0..n0 + n1 {
            let r = f64::from(u8::from(i >= n0));
            let mut h = (9.0 * uniform()) as u32;
            if h == 8 && r == 1.0 {
                h = 0;
            }
            let row = [1.0, r, 100.0 + 30.0 * uniform(), uniform() - 0.2 * r];
            let eta = -1.0 + 0.01 * (row[2] - 100.0) + row[3] + 0.2 * f64::from(h);
            let u = uniform();
            x.row_mut(i).iter_mut().zip(row).for_each(|(c, v)| *c = v);
            y.push(match family {
                Family::Gaussian => eta + u,
                Family::Poisson => (3.0 * u * eta.exp()).floor(),
                _ if h == 3 => 0.0,
                _ => f64::from(u8::from(u < expit(eta))),
            });
            code.push(h);
            w.push(1.0 + (2.0 * uniform()).floor());
        }
        (x, code, y, w, n0)
    }

    #[test]
    fn the_arrow_is_the_dense_fit_with_penalised_indicators() {
        for family in [Family::Binomial, Family::Gaussian, Family::Poisson] {
            let (x, code, y, w, n0) = rows(family);
            let n = x.nrows();
            let (want, leverage) = dense(&x, n0, &code, 9, family, &y, &w);
            let matrix = |rows| ModelMatrix::new(x.view(), vec![Term::Column(0), Term::Column(2), Term::Column(3)], vec![rows]).unwrap();
            let hospitals = Hospitals { code: &code, count: 9 };
            let got = fit(vec![matrix(0..n0), matrix(n0..n)], hospitals, family, LAMBDA, &y, &w).unwrap();
            let mine = got.coefficients(0).iter().chain(got.coefficients(1)).chain(&got.effects);
            for (a, b) in mine.zip(&want) {
                assert!((a - b).abs() < 1e-9 * (1.0 + b.abs()), "{family:?}: {a} {b}");
            }
            for (a, b) in got.leverage(&y, &w).iter().zip(&leverage) {
                assert!((a - b).abs() < 1e-9, "{family:?}: leverage {a} {b}");
            }
        }
    }

    /// `J^-1 g` against the change of a prediction when one row's weight moves.
    #[test]
    fn directions_are_derivatives_by_weights() {
        let (x, code, y, mut w, n0) = rows(Family::Binomial);
        let n = x.nrows();
        let matrix = |rows| ModelMatrix::new(x.view(), vec![Term::Column(0), Term::Column(2), Term::Column(3)], vec![rows]).unwrap();
        let run = |w: &[f64]| {
            let hospitals = Hospitals { code: &code, count: 9 };
            fit(vec![matrix(0..n0), matrix(n0..n)], hospitals, Family::Binomial, LAMBDA, &y, w).unwrap()
        };
        let base = run(&w);
        // The first group's slopes at a row of the second.
        let mut g = base.no_gradient();
        base.add_row(&mut g, 0, n0 + 5, 1.0);
        let d = base.solve(&g);
        for i in [4, n0 + 9] {
            let set = usize::from(i >= n0);
            let score = y[i] - expit(base.eta(set, i));
            let at = w[i];
            w[i] = at + 1e-4;
            let up = run(&w).eta(0, n0 + 5);
            w[i] = at - 1e-4;
            let down = run(&w).eta(0, n0 + 5);
            w[i] = at;
            let want = (up - down) / 2e-4;
            let got = base.along(set, i, &d) * score;
            assert!((got - want).abs() < 1e-7, "{got} {want}");
        }
    }
}
