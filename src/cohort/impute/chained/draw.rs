//! Draws of the missing cells of one variable, given its predictors.

use crate::estimate::resample::uniform;
use crate::linalg::Cholesky;
use crate::model::{FitError, expit};
use ndarray::{Array1, Array2, ArrayView1};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_distr::{ChiSquared, Distribution, StandardNormal};

/// A variable with missing cells in a group; rows are those of the group.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub variable: usize,
    pub missing: Vec<usize>,
    pub observed: Vec<usize>,
    /// Whether the means of clusters are among its predictors.
    pub with_means: bool,
}

/// Values for the missing cells, and whether pseudo-observations were needed.
pub(super) struct Cells {
    pub values: Vec<f64>,
    pub augmented: bool,
}

/// One value for each missing cell. `x` holds the predictors of all rows, the intercept first; `y` the observed cells; `levels` the number
/// of levels of a category, whose values are their positions.
pub(super) fn cells(x: &Array2<f64>, t: &Target, y: &[f64], levels: Option<usize>, donors: usize, rng: &mut ChaCha8Rng) -> Result<Cells, FitError> {
    let plain = |values| Cells { values, augmented: false };
    if y.iter().all(|v| *v == y[0]) {
        return Ok(plain(vec![y[0]; t.missing.len()]));
    }
    match levels {
        None => matched(x, t, y, donors, rng).map(plain),
        Some(k) => {
            // Levels that the group does not have cannot be imputed in it.
            let seen: Vec<usize> = (0..k).filter(|l| y.iter().any(|v| *v as usize == *l)).collect();
            let code: Vec<usize> = y.iter().map(|v| seen.iter().position(|l| l == &(*v as usize)).unwrap_or_default()).collect();
            let (drawn, augmented) = levels_drawn(x, t, &code, seen.len(), rng)?;
            Ok(Cells { values: drawn.into_iter().map(|l| seen[l] as f64).collect(), augmented })
        }
    }
}

fn dot(x: ArrayView1<'_, f64>, b: &[f64]) -> f64 {
    x.iter().zip(b).map(|(x, b)| x * b).sum()
}

fn normals(n: usize, rng: &mut ChaCha8Rng) -> Vec<f64> {
    (0..n).map(|_| rng.sample(StandardNormal)).collect()
}

/// Predictive mean matching (Little 1988; type 1 of van Buuren 2018, 3.4.2): the prediction of a missing cell by drawn coefficients is compared with
/// those of observed cells by estimated ones, and one of the nearest lends its value.
fn matched(x: &Array2<f64>, t: &Target, y: &[f64], donors: usize, rng: &mut ChaCha8Rng) -> Result<Vec<f64>, FitError> {
    let p = x.ncols();
    let (mut gram, mut xy) = (Array2::<f64>::zeros((p, p)), vec![0.0; p]);
    for (&i, y) in t.observed.iter().zip(y) {
        let row = x.row(i);
        add_outer(&mut gram, row, 1.0);
        xy.iter_mut().zip(row).for_each(|(s, x)| *s += x * y);
    }
    mirror(&mut gram);
    let factor = Cholesky::new(&gram);
    let beta = factor.solve(&xy);
    let fitted: Vec<f64> = t.observed.iter().map(|&i| dot(x.row(i), &beta)).collect();
    let rss: f64 = y.iter().zip(&fitted).map(|(y, f)| (y - f).powi(2)).sum();
    let df = (y.len() - factor.kept.len()) as f64;
    let chi = ChiSquared::new(df).map_err(|_| FitError::TooFewRows { n: y.len(), k: factor.kept.len() })?;
    let sigma = (rss / chi.sample(rng)).sqrt();
    let moved = factor.draw(&normals(factor.kept.len(), rng));
    let drawn: Vec<f64> = beta.iter().zip(&moved).map(|(b, m)| b + sigma * m).collect();

    let mut order: Vec<(f64, usize)> = fitted.iter().enumerate().map(|(k, f)| (*f, k)).collect();
    order.sort_by(|a, b| a.0.total_cmp(&b.0));
    let k = donors.min(order.len());
    let mut below = |n: usize| ((uniform(rng) * n as f64) as usize).min(n - 1);
    let mut lend = |prediction: f64| {
        // The window of k donors around the prediction, moved while the next one above is nearer than the last one below.
        let middle = order.partition_point(|d| d.0 < prediction);
        let mut start = middle.saturating_sub(k).min(order.len() - k);
        while start + k < order.len() && (order[start + k].0 - prediction).abs() < (prediction - order[start].0).abs() {
            start += 1;
        }
        // Donors with equal predictions are equally near, however many there are.
        let nearest = order[start + below(k)].0;
        let (first, end) = (order.partition_point(|d| d.0 < nearest), order.partition_point(|d| d.0 <= nearest));
        y[order[first + below(end - first)].1]
    };
    Ok(t.missing.iter().map(|&i| lend(dot(x.row(i), &drawn))).collect())
}

/// `G += v x x'` in the lower triangle.
fn add_outer(g: &mut Array2<f64>, x: ArrayView1<'_, f64>, v: f64) {
    for (j, mut row) in g.outer_iter_mut().enumerate() {
        let scaled = v * x[j];
        row.iter_mut().take(j + 1).zip(x).for_each(|(g, x)| *g += scaled * x);
    }
}

fn mirror(g: &mut Array2<f64>) {
    for i in 0..g.nrows() {
        for j in 0..i {
            g[[j, i]] = g[[i, j]];
        }
    }
}

/// Levels drawn from a multinomial logit (a logit for two) with coefficients drawn from the normal approximation to their posterior.
///
/// Where predictors tell a level perfectly, coefficients are not finite: pseudo-observations with the weight of as many units as a level
/// has coefficients are then added half a standard deviation around the mean of each predictor, the same for every level (White, Daniel &
/// Royston 2010). True: they were.
fn levels_drawn(x: &Array2<f64>, t: &Target, code: &[usize], k: usize, rng: &mut ChaCha8Rng) -> Result<(Vec<usize>, bool), FitError> {
    let (fit, augmented) = match Multinomial::fit(x, &t.observed, code, k, false) {
        Ok(fit) => (fit, false),
        Err(_) => (Multinomial::fit(x, &t.observed, code, k, true)?, true),
    };
    let moved = fit.information.draw(&normals(fit.information.kept.len(), rng));
    let drawn: Vec<f64> = fit.beta.iter().zip(&moved).map(|(b, m)| b + m).collect();
    let of = |&i: &usize| {
        let p = probabilities(x.row(i), &drawn, k);
        let u = uniform(rng);
        let mut sum = 0.0;
        p.iter()
            .position(|p| {
                sum += p;
                u < sum
            })
            // Rounding can leave the sum below the number drawn.
            .unwrap_or(k - 1)
    };
    Ok((t.missing.iter().map(of).collect(), augmented))
}

/// Probabilities of the levels; `beta` holds the coefficients of levels 1.. one after another.
fn probabilities(x: ArrayView1<'_, f64>, beta: &[f64], k: usize) -> Vec<f64> {
    let p = x.len();
    if k == 2 {
        let one = expit(dot(x, beta));
        return vec![1.0 - one, one];
    }
    let eta: Vec<f64> = std::iter::once(0.0).chain((0..k - 1).map(|l| dot(x, &beta[l * p..(l + 1) * p]))).collect();
    let top = eta.iter().fold(f64::NEG_INFINITY, |a, e| a.max(*e));
    let e: Vec<f64> = eta.iter().map(|v| (v - top).exp()).collect();
    let sum: f64 = e.iter().sum();
    e.into_iter().map(|v| v / sum).collect()
}

/// A multinomial logit with level 0 as the base; predictors have mean 0 and standard deviation 1, except the intercept.
pub(super) struct Multinomial {
    /// Coefficients of level 1, then of level 2, ...; 0 for columns that depend on others.
    pub beta: Vec<f64>,
    /// Factor of minus the second derivative of the log-likelihood.
    pub information: Cholesky,
}

const MAX_STEPS: usize = 50;
const STEP_TOLERANCE: f64 = 1e-8;
/// A coefficient per standard deviation beyond this is that of a separated fit, as in [`crate::model::glm`].
const FAR: f64 = 15.0;

impl Multinomial {
    /// Fits `code`, 0..k, one a row of `rows`, on the columns of `x`, with pseudo-observations or without.
    ///
    /// Errors: [`FitError::NotConverged`], also where coefficients run away.
    pub fn fit(x: &Array2<f64>, rows: &[usize], code: &[usize], k: usize, pseudo: bool) -> Result<Self, FitError> {
        let mut beta = vec![0.0; (k - 1) * x.ncols()];
        let mut pass = Pass::new(x, rows, code, &beta, k, pseudo);
        let mut rank = None;
        for iterations in 0..MAX_STEPS {
            mirror(&mut pass.information);
            let factor = Cholesky::new(&pass.information);
            // At 0 the information is a multiple of the Gram matrix; a column that is lost later has a fitted probability of 0 or 1.
            let lost = factor.kept.len() < *rank.get_or_insert(factor.kept.len());
            if !pseudo && (lost || beta.iter().any(|b| b.abs() > FAR)) {
                return Err(FitError::NotConverged { iterations });
            }
            let step = factor.solve(&pass.score);
            let size = step.iter().fold(0.0_f64, |a, s| a.max(s.abs()));
            if !size.is_finite() {
                return Err(FitError::NotConverged { iterations });
            }
            if size < STEP_TOLERANCE {
                beta.iter_mut().zip(&step).for_each(|(b, s)| *b += s);
                return Ok(Self { beta, information: factor });
            }
            let (before, old) = (beta.clone(), pass.loglik);
            let mut length = 1.0;
            loop {
                beta.iter_mut().zip(&before).zip(&step).for_each(|((b, o), s)| *b = o + length * s);
                pass = Pass::new(x, rows, code, &beta, k, pseudo);
                if pass.loglik.is_finite() && pass.loglik >= old - 1e-10 * (1.0 + old.abs()) {
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
}

/// The likelihood at some coefficients, with its derivatives.
struct Pass {
    loglik: f64,
    score: Vec<f64>,
    /// Lower triangle.
    information: Array2<f64>,
}

impl Pass {
    fn new(x: &Array2<f64>, rows: &[usize], code: &[usize], beta: &[f64], k: usize, pseudo: bool) -> Self {
        let p = x.ncols();
        let mut pass = Self { loglik: 0.0, score: vec![0.0; (k - 1) * p], information: Array2::zeros(((k - 1) * p, (k - 1) * p)) };
        for (&i, &c) in rows.iter().zip(code) {
            pass.add(x.row(i), c, 1.0, beta, k);
        }
        if !pseudo {
            return pass;
        }
        // (p + 1) units in all over p predictors, two sides and k levels.
        let predictors = p - 1;
        let weight = (predictors + 1) as f64 / (2 * predictors.max(1) * k) as f64;
        let mut at = Array1::<f64>::zeros(p);
        at[0] = 1.0;
        for j in 1..p {
            for side in [0.5, -0.5] {
                at[j] = side;
                (0..k).for_each(|c| pass.add(at.view(), c, weight, beta, k));
            }
            at[j] = 0.0;
        }
        pass
    }

    fn add(&mut self, x: ArrayView1<'_, f64>, code: usize, weight: f64, beta: &[f64], k: usize) {
        let p = x.len();
        let pi = probabilities(x, beta, k);
        self.loglik += weight * pi[code].ln();
        for a in 0..k - 1 {
            let rest = weight * (f64::from(u8::from(code == a + 1)) - pi[a + 1]);
            self.score[a * p..(a + 1) * p].iter_mut().zip(x).for_each(|(s, x)| *s += rest * x);
            for b in 0..=a {
                let v = weight * pi[a + 1] * (f64::from(u8::from(a == b)) - pi[b + 1]);
                for j in 0..p {
                    let scaled = v * x[j];
                    let width = if a == b { j + 1 } else { p };
                    let row = self.information.row_mut(a * p + j);
                    row.into_iter().skip(b * p).take(width).zip(x).for_each(|(g, x)| *g += scaled * x);
                }
            }
        }
    }
}
