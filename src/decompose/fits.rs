//! The models that the methods of one comparison share: each is fitted once, whatever asks for it.

use super::{DecomposeError, FailedFit};
use crate::design::Contrast;
use crate::model::glm::{self, Fit};
use crate::model::{FitError, GROUP, ModelMatrix, Term};
use crate::vocab::{BlockSet, Family};
use statrs::function::gamma::ln_gamma;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::rc::Rc;

/// The rows a model is fitted on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FittedIn {
    Reference,
    Index,
    Pooled,
}

impl FittedIn {
    pub fn name(self) -> &'static str {
        match self {
            Self::Reference => "reference",
            Self::Index => "index",
            Self::Pooled => "pooled",
        }
    }
}

/// How the group enters an outcome model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum GroupTerms {
    Without,
    Main,
    /// The indicator and its products with every column.
    Interacted,
}

type OutcomeKey = (FittedIn, BlockSet, GroupTerms, Family);
type GroupKey = (BlockSet, Toward);
type Known<K, V, E> = RefCell<BTreeMap<K, Result<Rc<V>, E>>>;

/// A fitted outcome model, with what it was fitted on.
#[derive(Clone, Debug)]
pub struct OutcomeModel {
    pub fitted_in: FittedIn,
    pub set: BlockSet,
    pub group_terms: GroupTerms,
    pub fit: Rc<Fit>,
}

/// A fitted model of group membership and the odds weights it gives.
#[derive(Clone, Debug)]
pub struct GroupModel {
    pub fit: Fit,
    /// By row of the design: the weight that turns the distribution of the other group into that of the target,
    /// `w pi / (1 - pi)`; 0 for units of the target and for units that have no counterpart there.
    pub odds: Vec<f64>,
    /// By row of the design: weights of the fit; 0 where a level has units of the other group only.
    pub w: Vec<f64>,
    /// Units that left the fit because their level has no unit of the target group: (level, units).
    pub without_target: Vec<(String, usize)>,
}

/// Which units a model of group membership can be fitted on.
#[derive(Clone, Debug)]
pub struct Support {
    /// By row of the design; 0 where a level has units of the other group only.
    pub w: Vec<f64>,
    /// Units at such levels: (level, units).
    pub without_target: Vec<(String, usize)>,
}

/// Which group the other group is weighted to look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Toward {
    Index,
    Reference,
}

/// Fits of one comparison, kept.
pub struct Fits<'a> {
    pub contrast: &'a Contrast<'a>,
    outcome: Known<OutcomeKey, Fit, FitError>,
    /// Outcome models asked for since the last [`Fits::take_used`].
    used: RefCell<BTreeSet<OutcomeKey>>,
    group: Known<GroupKey, GroupModel, DecomposeError>,
}

impl<'a> Fits<'a> {
    pub fn new(contrast: &'a Contrast<'a>) -> Self {
        Self { contrast, outcome: RefCell::default(), used: RefCell::default(), group: RefCell::default() }
    }

    pub fn rows(&self, fitted_in: FittedIn) -> Vec<Range<usize>> {
        match fitted_in {
            FittedIn::Reference => vec![self.contrast.reference()],
            FittedIn::Index => vec![self.contrast.index()],
            FittedIn::Pooled => self.contrast.rows(),
        }
    }

    /// The matrix of a model; the group's own terms stand after the intercept, products at the end.
    pub fn matrix(&self, fitted_in: FittedIn, set: BlockSet, group_terms: GroupTerms) -> Result<ModelMatrix<'a>, DecomposeError> {
        let columns = self.contrast.columns(set);
        let mut terms: Vec<Term> = columns.iter().map(|&j| Term::Column(j)).collect();
        if group_terms != GroupTerms::Without {
            terms.insert(1, Term::Column(GROUP));
        }
        if group_terms == GroupTerms::Interacted {
            terms.extend(columns.iter().skip(1).map(|&j| Term::ByGroup(j)));
        }
        ModelMatrix::new(self.contrast.design.x.view(), terms, self.rows(fitted_in)).map_err(|e| self.failed(fitted_in, set, &e))
    }

    /// The outcome model with the blocks of `set`. `family` is gaussian for least squares on any outcome.
    ///
    /// Errors: [`DecomposeError::Fit`] names the blocks, the rows, and for separation the level.
    pub fn outcome(&self, fitted_in: FittedIn, set: BlockSet, group_terms: GroupTerms, family: Family) -> Result<Rc<Fit>, DecomposeError> {
        let key = (fitted_in, set, group_terms, family);
        self.used.borrow_mut().insert(key);
        let known = self.outcome.borrow().get(&key).cloned();
        let result = match known {
            Some(r) => r,
            None => {
                let matrix = self.matrix(fitted_in, set, group_terms)?;
                let r = glm::fit(&matrix, family, &self.contrast.y, &self.contrast.w).map(|mut fit| {
                    if family == Family::Poisson {
                        fit.loglik += self.poisson_constant(fitted_in);
                    }
                    Rc::new(fit)
                });
                self.outcome.borrow_mut().insert(key, r.clone());
                r
            }
        };
        result.map_err(|e| self.failed(fitted_in, set, &e))
    }

    /// What the likelihood of counts holds beside that of rates: `sum w (y log e - log y!)`, as R's `logLik` counts it.
    fn poisson_constant(&self, fitted_in: FittedIn) -> f64 {
        let (c, d) = (self.contrast, self.contrast.design);
        let exposure = |i: usize| d.exposure.as_ref().map_or(1.0, |e| e[i]);
        let rows = self.rows(fitted_in).into_iter().flatten().filter(|&i| c.w[i] > 0.0);
        rows.map(|i| d.weight[i] * (d.y[i] * exposure(i).ln() - ln_gamma(d.y[i] + 1.0))).sum()
    }

    /// The logistic model of group membership given the allowables and the blocks of `set`, as odds weights.
    ///
    /// A level with units of the weighted group only gets weight 0 and leaves the fit, counted (METHODS 1.3).
    /// Errors: [`DecomposeError::NoSupport`] for a level with units of the target group only.
    pub fn group(&self, set: BlockSet, toward: Toward) -> Result<Rc<GroupModel>, DecomposeError> {
        let known = self.group.borrow().get(&(set, toward)).cloned();
        match known {
            Some(r) => r,
            None => {
                let r = self.fit_group(set, toward).map(Rc::new);
                self.group.borrow_mut().insert((set, toward), r.clone());
                r
            }
        }
    }

    /// Weights of a model of group membership given the allowables and the blocks of `set`, by row of the design: 0 at levels with units of
    /// the weighted group only, which are counted.
    ///
    /// Errors: [`DecomposeError::NoSupport`] for a level with units of the target group only.
    pub fn support(&self, set: BlockSet, toward: Toward) -> Result<Support, DecomposeError> {
        let c = self.contrast;
        let m = self.matrix(FittedIn::Pooled, set, GroupTerms::Without)?;
        let (target, other) = self.sides(toward);
        let mut w = c.w.clone();
        let mut without_target = Vec::new();
        let levels = self.levels(&m);
        // Taking units out can empty another level; there are at most as many rounds as levels.
        for _ in 0..=levels.len() {
            let mut changed = false;
            for level in &levels {
                let count = |rows: &Range<usize>| rows.clone().filter(|&i| w[i] > 0.0 && level.holds(&m, i)).count();
                let (on_target, on_other) = (count(&target), count(&other));
                if on_target > 0 && on_other == 0 {
                    let terms = vec![(level.name().to_owned(), on_target)];
                    return Err(DecomposeError::NoSupport { blocks: self.set_name(set), fitted_in: fitted_side(toward).name(), n: on_target, terms });
                }
                if on_target == 0 && on_other > 0 {
                    other.clone().filter(|&i| level.holds(&m, i)).for_each(|i| w[i] = 0.0);
                    without_target.push((level.name().to_owned(), on_other));
                    changed = true;
                }
            }
            if !changed {
                break;
            }
        }
        Ok(Support { w, without_target })
    }

    /// Rows of the target and of the group that is weighted to look like it.
    pub fn sides(&self, toward: Toward) -> (Range<usize>, Range<usize>) {
        match toward {
            Toward::Index => (self.contrast.index(), self.contrast.reference()),
            Toward::Reference => (self.contrast.reference(), self.contrast.index()),
        }
    }

    /// By row of the design: 1 for units of the target.
    pub fn in_target(&self, toward: Toward) -> Vec<f64> {
        match toward {
            Toward::Index => self.contrast.r.clone(),
            Toward::Reference => self.contrast.r.iter().map(|r| 1.0 - r).collect(),
        }
    }

    fn fit_group(&self, set: BlockSet, toward: Toward) -> Result<GroupModel, DecomposeError> {
        let c = self.contrast;
        let m = self.matrix(FittedIn::Pooled, set, GroupTerms::Without)?;
        let Support { w, without_target } = self.support(set, toward)?;
        let (_, other) = self.sides(toward);
        let y = self.in_target(toward);
        let fit = glm::fit(&m, Family::Binomial, &y, &w)
            .map_err(|e| DecomposeError::GroupFit { blocks: self.set_name(set), reason: self.describe(&e, "the group") })?;
        let mut odds = vec![0.0; c.y.len()];
        for i in other {
            if w[i] > 0.0 {
                odds[i] = w[i] * m.dot(i, &fit.beta, None).exp();
            }
        }
        Ok(GroupModel { fit, odds, w, without_target })
    }

    /// Levels by which units can be told apart: both values of 0/1 terms, and the base levels of factors.
    fn levels(&self, m: &ModelMatrix<'_>) -> Vec<Level> {
        let rows: Vec<usize> = m.rows.iter().cloned().flatten().filter(|&i| self.contrast.w[i] > 0.0).collect();
        let mut out = Vec::new();
        for &term in m.terms.iter().skip(1) {
            let mut seen = [false; 2];
            let binary = rows.iter().all(|&i| match m.value(i, term, None) {
                0.0 => {
                    seen[0] = true;
                    true
                }
                1.0 => {
                    seen[1] = true;
                    true
                }
                _ => false,
            });
            if binary && seen == [true, true] {
                let name = self.term_name(term);
                out.push(Level::Value { term, value: 0.0, name: format!("not {name}") });
                out.push(Level::Value { term, value: 1.0, name });
            }
        }
        for f in &self.contrast.design.factors {
            if f.columns.len() > 1 && f.columns.iter().all(|&j| m.terms.contains(&Term::Column(j))) {
                out.push(Level::Base { columns: f.columns.clone(), name: format!("{}={}", f.variable, f.base) });
            }
        }
        out
    }

    /// Every outcome model that was fitted, in a fixed order.
    pub fn outcome_models(&self) -> Vec<OutcomeModel> {
        let fits = self.outcome.borrow();
        fits.iter().filter_map(|(key, r)| r.as_ref().ok().map(|f| outcome_model(key, f))).collect()
    }

    /// The outcome models that were asked for since the last call, fitted for it or before, in a fixed order.
    pub fn take_used(&self) -> Vec<OutcomeModel> {
        let used = self.used.take();
        let fits = self.outcome.borrow();
        used.iter().filter_map(|key| fits.get(key)?.as_ref().ok().map(|f| outcome_model(key, f))).collect()
    }

    pub fn set_name(&self, set: BlockSet) -> String {
        set.name(&self.contrast.design.blocks)
    }

    pub fn term_name(&self, term: Term) -> String {
        let columns = &self.contrast.design.columns;
        match term {
            Term::Column(j) => columns[j].term.clone(),
            Term::ByGroup(j) => format!("(group):{}", columns[j].term),
        }
    }

    /// The error of a prediction for units that the fit says nothing about.
    pub fn no_support(&self, fitted_in: FittedIn, set: BlockSet, n: usize, terms: &[(usize, usize)], m: &ModelMatrix<'_>) -> DecomposeError {
        let named = terms.iter().filter(|(_, n)| *n > 0).map(|&(t, n)| (self.term_name(m.terms[t]), n)).collect();
        DecomposeError::NoSupport { blocks: self.set_name(set), fitted_in: fitted_in.name(), n, terms: named }
    }

    /// Errors: a column of a pooled model that was dropped for what the group says, so that its coefficient is the group's.
    pub fn told_from_the_group(&self, m: &ModelMatrix<'_>, fit: &Fit) -> Result<(), DecomposeError> {
        let Some(at) = m.terms.iter().position(|t| *t == Term::Column(GROUP)) else { return Ok(()) };
        let terms: Vec<String> = fit.dropped_with(at).into_iter().map(|t| self.term_name(m.terms[t])).collect();
        if terms.is_empty() { Ok(()) } else { Err(DecomposeError::Rank { fitted_in: FittedIn::Pooled.name(), terms }) }
    }

    pub fn failed(&self, fitted_in: FittedIn, set: BlockSet, e: &FitError) -> DecomposeError {
        let separated = match e {
            FitError::Separated { .. } => self.separated_level(fitted_in, set).or_else(|| match e {
                FitError::Separated { term, n: Some(n), events: Some(events), at_one } => Some(SeparatedLevel {
                    level: if *at_one { self.term_name(*term) } else { format!("not {}", self.term_name(*term)) },
                    n: *n,
                    events: *events,
                }),
                _ => None,
            }),
            _ => None,
        };
        DecomposeError::Fit(Box::new(FailedFit {
            blocks: self.set_name(set),
            fitted_in: fitted_in.name(),
            error: e.clone(),
            reason: self.describe(e, "the outcome"),
            separated,
        }))
    }

    /// The error of a model of `response`, with its term named.
    pub fn describe(&self, e: &FitError, response: &str) -> String {
        match e {
            FitError::Separated { term, .. } => format!("{} ({})", e.of(response), self.term_name(*term)),
            _ => e.of(response),
        }
    }

    /// A level of a categorical variable, the base included, without events or without non-events.
    fn separated_level(&self, fitted_in: FittedIn, set: BlockSet) -> Option<SeparatedLevel> {
        let c = self.contrast;
        let in_model = c.columns(set);
        for f in c.design.factors.iter().filter(|f| f.columns.iter().any(|j| in_model.contains(j))) {
            let mut counts = vec![(0usize, 0.0f64); f.columns.len() + 1];
            for i in self.rows(fitted_in).into_iter().flatten().filter(|&i| c.w[i] > 0.0) {
                let level = f.columns.iter().position(|&j| c.design.x[[i, j]] == 1.0).map_or(0, |l| l + 1);
                counts[level].0 += 1;
                counts[level].1 += c.y[i];
            }
            for (level, &(n, events)) in counts.iter().enumerate() {
                if n > 0 && (events == 0.0 || c.design.family.is_binomial() && events == n as f64) {
                    let name = match level {
                        0 => format!("{}={}", f.variable, f.base),
                        l => c.design.columns[f.columns[l - 1]].term.clone(),
                    };
                    return Some(SeparatedLevel { level: name, n, events });
                }
            }
        }
        None
    }
}

fn outcome_model(&(fitted_in, set, group_terms, _): &OutcomeKey, fit: &Rc<Fit>) -> OutcomeModel {
    OutcomeModel { fitted_in, set, group_terms, fit: fit.clone() }
}

/// A level that predicts the outcome perfectly.
#[derive(Clone, Debug, PartialEq)]
pub struct SeparatedLevel {
    pub level: String,
    pub n: usize,
    pub events: f64,
}

fn fitted_side(toward: Toward) -> FittedIn {
    match toward {
        Toward::Index => FittedIn::Reference,
        Toward::Reference => FittedIn::Index,
    }
}

/// A set of units that one 0/1 term, or the base level of a factor, picks out.
#[derive(Clone, Debug)]
enum Level {
    Value { term: Term, value: f64, name: String },
    Base { columns: Vec<usize>, name: String },
}

impl Level {
    fn holds(&self, m: &ModelMatrix<'_>, row: usize) -> bool {
        match self {
            Self::Value { term, value, .. } => m.value(row, *term, None) == *value,
            Self::Base { columns, .. } => columns.iter().all(|&j| m.value(row, Term::Column(j), None) == 0.0),
        }
    }

    fn name(&self) -> &str {
        match self {
            Self::Value { name, .. } | Self::Base { name, .. } => name,
        }
    }
}
