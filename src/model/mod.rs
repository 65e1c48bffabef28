//! Outcome and group models: the matrix of a model as a choice of the design's columns and rows, never a copy of them.

pub mod arrow;
pub mod glm;
pub mod learner;
pub mod mixed;
pub mod sandwich;
pub mod spline;

use crate::linalg::accumulate;
use crate::vocab::Family;
use ndarray::ArrayView2;
use statrs::function::erf::erfc;
use std::fmt;
use std::ops::Range;

/// Position of the intercept and of the group indicator in every design.
pub const INTERCEPT: usize = 0;
pub const GROUP: usize = 1;

/// A column of a model matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Term {
    /// A column of the design.
    Column(usize),
    /// A column of the design times the group indicator.
    ByGroup(usize),
}

/// Rows and columns of a design that a model is fitted on. Holds no data of its own.
#[derive(Clone, Debug)]
pub struct ModelMatrix<'a> {
    x: &'a [f64],
    p: usize,
    /// The intercept first.
    pub terms: Vec<Term>,
    /// Rows of the design, ascending and disjoint.
    pub rows: Vec<Range<usize>>,
}

impl<'a> ModelMatrix<'a> {
    /// `x` is a design's matrix (row-major); `terms` starts with the intercept.
    ///
    /// Errors: [`FitError::Layout`] if `x` is not row-major or the first term is not the intercept.
    pub fn new(x: ArrayView2<'a, f64>, terms: Vec<Term>, rows: Vec<Range<usize>>) -> Result<Self, FitError> {
        let p = x.ncols();
        match x.to_slice() {
            Some(x) if terms.first() == Some(&Term::Column(INTERCEPT)) => Ok(Self { x, p, terms, rows }),
            _ => Err(FitError::Layout),
        }
    }

    /// The same rows with the terms at some positions only.
    pub fn keep(mut self, keep: impl Fn(usize) -> bool) -> Self {
        let mut at = 0;
        self.terms.retain(|_| {
            at += 1;
            keep(at - 1)
        });
        self
    }

    pub fn n_rows(&self) -> usize {
        self.rows.iter().map(|r| r.len()).sum()
    }

    /// Value of a term in a row; `group` replaces the row's own group indicator.
    #[inline]
    pub fn value(&self, row: usize, term: Term, group: Option<f64>) -> f64 {
        let x = &self.x[row * self.p..(row + 1) * self.p];
        match (term, group) {
            (Term::Column(GROUP), Some(g)) => g,
            (Term::Column(j), _) => x[j],
            (Term::ByGroup(j), g) => x[j] * g.unwrap_or(x[GROUP]),
        }
    }

    /// `x_i'c` of one row.
    #[inline]
    pub fn dot(&self, row: usize, c: &[f64], group: Option<f64>) -> f64 {
        self.terms.iter().zip(c).map(|(t, c)| self.value(row, *t, group) * c).sum()
    }

    /// `sum_i v(i) x_i` over `rows`, as long as `terms`.
    pub fn weighted_sum(&self, rows: &[Range<usize>], group: Option<f64>, v: impl Fn(usize) -> f64 + Sync + Send) -> Vec<f64> {
        let k = self.terms.len();
        accumulate(
            rows,
            |chunk| {
                let mut out = vec![0.0; k];
                for i in chunk {
                    let vi = v(i);
                    if vi != 0.0 {
                        for (o, t) in out.iter_mut().zip(&self.terms) {
                            *o += vi * self.value(i, *t, group);
                        }
                    }
                }
                out
            },
            |total, part| total.iter_mut().zip(part).for_each(|(t, p)| *t += p),
        )
        .unwrap_or_else(|| vec![0.0; k])
    }
}

/// Why a model has no fit. Its text holds no count of rows or events: it is passed on as it is, and the counts may be too small to show.
#[derive(Clone, Debug, PartialEq)]
pub enum FitError {
    /// The matrix is not row-major or has no intercept: a bug.
    Layout,
    /// No row has a positive weight.
    NoRows,
    /// The outcome does not vary in the rows of the fit: no events, or no non-events.
    NoVariation {
        n: usize,
        events: f64,
    },
    /// As many coefficients as rows, or more.
    TooFewRows {
        n: usize,
        k: usize,
    },
    /// A term predicts the outcome perfectly. `n` rows have it (value 1 of a 0/1 column, or 0 when `at_one` is false), with `events` events;
    /// both are `None` where no single 0/1 column does it.
    Separated {
        term: Term,
        at_one: bool,
        n: Option<usize>,
        events: Option<f64>,
    },
    NotConverged {
        iterations: usize,
    },
}

impl fmt::Display for FitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Layout => write!(f, "the model matrix is not laid out as expected"),
            Self::NoRows => write!(f, "no rows with a positive weight"),
            Self::NoVariation { events: 0.0, .. } => write!(f, "the outcome does not vary: no events"),
            Self::NoVariation { n, events } if *events == *n as f64 => write!(f, "the outcome does not vary: nothing but events"),
            Self::NoVariation { .. } => write!(f, "the outcome does not vary"),
            Self::TooFewRows { k, .. } => write!(f, "{k} coefficients, and no more rows than that"),
            Self::Separated { events: Some(e), .. } => {
                let which = if *e == 0.0 { "no events" } else { "nothing but events" };
                write!(f, "a level has {which}, so its coefficient is unbounded")
            }
            Self::Separated { .. } => write!(f, "a combination of columns predicts the outcome perfectly"),
            Self::NotConverged { iterations } => write!(f, "no convergence in {iterations} steps"),
        }
    }
}

impl FitError {
    /// The text for a model of something else than the outcome.
    pub fn of(&self, response: &str) -> String {
        self.to_string().replace("the outcome", response)
    }
}

/// `1 / (1 + exp(-eta))` without overflow.
#[inline]
pub fn expit(eta: f64) -> f64 {
    let e = (-eta.abs()).exp();
    if eta >= 0.0 { 1.0 / (1.0 + e) } else { e / (1.0 + e) }
}

/// Weighted share of pairs in which the unit with the event is ranked above the one without, ties counting half; `None`
/// without both kinds.
pub fn auc(event: &[f64], score: &[f64], weight: &[f64]) -> Option<f64> {
    let mut order: Vec<usize> = (0..event.len()).collect();
    order.sort_by(|&a, &b| score[a].total_cmp(&score[b]));
    let (mut below, mut pairs, mut events) = (0.0, 0.0, 0.0);
    let mut start = 0;
    while start < order.len() {
        let mut end = start;
        let (mut with, mut without) = (0.0, 0.0);
        while end < order.len() && score[order[end]] == score[order[start]] {
            if event[order[end]] > 0.5 {
                with += weight[order[end]]
            } else {
                without += weight[order[end]]
            }
            end += 1;
        }
        pairs += with * (below + without / 2.0);
        below += without;
        events += with;
        start = end;
    }
    (events > 0.0 && below > 0.0).then(|| pairs / (events * below))
}

/// Standard normal density.
#[inline]
fn normal_density(x: f64) -> f64 {
    (-0.5 * x * x).exp() * std::f64::consts::FRAC_1_SQRT_2 * std::f64::consts::FRAC_2_SQRT_PI * 0.5
}

/// Standard normal distribution function, with full relative precision in the lower tail.
#[inline]
fn normal_below(x: f64) -> f64 {
    0.5 * erfc(-x * std::f64::consts::FRAC_1_SQRT_2)
}

impl Family {
    /// Inverse of the link.
    #[inline]
    pub fn mean(self, eta: f64) -> f64 {
        match self {
            Self::Gaussian => eta,
            Self::Binomial => expit(eta),
            Self::Probit => normal_below(eta),
            Self::Poisson => eta.exp(),
        }
    }

    /// Derivative of the mean by the linear predictor.
    #[inline]
    pub fn slope(self, eta: f64) -> f64 {
        match self {
            Self::Gaussian => 1.0,
            Self::Binomial => {
                let mu = expit(eta);
                mu * (1.0 - mu)
            }
            Self::Probit => normal_density(eta),
            Self::Poisson => eta.exp(),
        }
    }

    /// Second derivative of the mean by the linear predictor.
    #[inline]
    pub fn bend(self, eta: f64) -> f64 {
        match self {
            Self::Gaussian => 0.0,
            Self::Binomial => {
                let mu = expit(eta);
                mu * (1.0 - mu) * (1.0 - 2.0 * mu)
            }
            Self::Probit => -eta * normal_density(eta),
            Self::Poisson => eta.exp(),
        }
    }

    /// The variance function: that of one unit with this mean, without dispersion.
    #[inline]
    pub fn variance(self, mu: f64) -> f64 {
        match self {
            Self::Gaussian => 1.0,
            Self::Binomial | Self::Probit => mu * (1.0 - mu),
            Self::Poisson => mu,
        }
    }

    /// Derivative of a unit's log-likelihood by its linear predictor: `y - mu` with a canonical link. Also minus its second
    /// derivative, which is the slope of the mean with a canonical link.
    #[inline]
    pub fn score(self, y: f64, eta: f64) -> (f64, f64) {
        match self {
            Self::Gaussian => (y - eta, 1.0),
            Self::Binomial => {
                let mu = expit(eta);
                (y - mu, mu * (1.0 - mu))
            }
            Self::Poisson => {
                let mu = eta.exp();
                (y - mu, mu)
            }
            Self::Probit => {
                // Ratios of density to tail on both sides; the log-likelihood is concave, so both curvatures are positive.
                let density = normal_density(eta);
                let (above, below) = (density / normal_below(eta), density / normal_below(-eta));
                (y * above - (1.0 - y) * below, y * above * (above + eta) + (1.0 - y) * below * (below - eta))
            }
        }
    }

    /// A unit's log-likelihood, without what depends on the outcome alone; a gaussian outcome with variance 1.
    pub fn log_likelihood(self, y: f64, eta: f64) -> f64 {
        match self {
            Self::Gaussian => -0.5 * (y - eta) * (y - eta),
            Self::Binomial => y * eta - (eta.max(0.0) + (-eta.abs()).exp().ln_1p()),
            Self::Probit => {
                // 0 times the logarithm of an underflow is 0.
                let part = |weight: f64, p: f64| if weight == 0.0 { 0.0 } else { weight * p.ln() };
                part(y, normal_below(eta)) + part(1.0 - y, normal_below(-eta))
            }
            Self::Poisson => y * eta - eta.exp(),
        }
    }

    /// The expected value of the curvature that [`Family::score`] gives, at the model's own mean.
    #[inline]
    pub fn information(self, eta: f64) -> f64 {
        match self {
            Self::Probit => normal_density(eta).powi(2) / (normal_below(eta) * normal_below(-eta)),
            canonical => canonical.slope(eta),
        }
    }
}
