//! Decomposition methods: pure functions from a [`Contrast`](crate::design::Contrast) to a few estimates and the parts they sum to.
//!
//! A method knows nothing of files, tables or study files; `study/plan.rs` builds its settings. The rules that credit
//! blocks (`attribution.rs`) know nothing of models, and the methods know nothing of orders.

pub mod attribution;
pub mod cdgd;
mod coupling;
pub mod crossfit;
mod error;
mod fact;
pub mod fairlie;
pub mod fits;
pub mod gelbach;
pub mod hospital;
pub mod interventional;
pub mod khb;
pub mod kob;
pub mod mechanisms;
mod mediated;
pub mod moments;
pub mod oaxaca;
pub mod rank_and_replace;
mod registry;
mod support;
pub mod with_and_without;
pub mod yun;

pub use error::{DecomposeError, FailedFit};
pub use fact::{Fact, Verdict};
pub use registry::registered;

use crate::design::Design;
use crate::estimate::Estimate;
use crate::vocab::{BlockSet, Family, Role, Scale};
use crossfit::CrossFit;
use fits::Fits;
use hospital::{HospitalTables, HospitalValue};
use std::fmt::Debug;

/// A decomposition method with its settings.
pub trait Method: Send + Sync + Debug {
    /// The key under `analyses`, such as `with_and_without`.
    fn name(&self) -> &'static str;

    /// The family of questions that it belongs to.
    fn family(&self) -> MethodFamily {
        MethodFamily::Peer
    }

    /// Why the method cannot be used with this outcome family, if it cannot.
    fn refuses(&self, family: Family) -> Option<String>;

    /// Decomposes the gap of one comparison.
    ///
    /// Errors: a model that the method needs has no fit, or says nothing about some units.
    fn decompose(&self, fits: &Fits<'_>) -> Result<Decomposition, DecomposeError>;

    /// The parts that the gap is divided into, in the order of the output.
    fn parts(&self) -> &'static [Part] {
        &[Part::Gap, Part::Allowable, Part::Explained, Part::Unexplained]
    }

    /// What `part` is divided into, for the rows of an analysis that could not be estimated.
    fn components(&self, part: Part, n_blocks: usize) -> Vec<Component> {
        match part {
            Part::Explained | Part::Endowments => (0..n_blocks).map(Component::Block).collect(),
            _ => Vec::new(),
        }
    }

    /// The scale of the estimates, for an outcome of this family.
    fn scale(&self, family: Family) -> Scale {
        family.scale()
    }

    /// Why the method cannot be used with analysis weights, if it cannot.
    fn refuses_weights(&self) -> Option<&'static str> {
        self.classical_errors().then_some("classical errors are those of units with equal weights; `se: influence` takes weights")
    }

    /// Whether standard errors follow the classical formula that peers print, which knows neither clusters nor weights.
    fn classical_errors(&self) -> bool {
        false
    }

    /// Whether the estimates compare index units with weighted or modelled reference units, so that they rest on overlap.
    fn rests_on_overlap(&self) -> bool {
        false
    }

    /// Whether standard errors come from resampling, because there is no influence function.
    fn resamples(&self) -> bool {
        false
    }

    /// The same question with one setting changed, for the sensitivity section.
    fn variants(&self) -> Vec<Variant> {
        Vec::new()
    }

    /// How outcome and group are learned; `None` for generalised linear models.
    fn learner(&self) -> Option<CrossFit> {
        None
    }

    /// The same question with outcome and group predicted by a learner, or by generalised linear models (`None`).
    ///
    /// Errors: why the method, as it is set, takes none.
    fn with_learner(&self, _learner: Option<CrossFit>) -> Result<Box<dyn Method>, String> {
        Err(format!("{} takes no learner", self.name()))
    }

    /// Seed of the random streams that the estimates draw from; `None` where nothing is drawn.
    fn seed(&self) -> Option<u64> {
        self.learner().map(|learner| learner.seed)
    }

    /// With every block accounted for: the mean outcome of index units and that of comparable reference units, where the method
    /// compares two means. `d` is what [`Method::decompose`] gave.
    fn adjusted_means(&self, _d: &Decomposition) -> Option<(Estimate, Estimate)> {
        None
    }

    /// What must hold for the numbers to be what a change would bring about, in sentences; empty for methods that make no such claim.
    fn assumptions(&self, _design: &Design) -> Vec<Assumption> {
        Vec::new()
    }

    /// For a method with two estimators of one quantity: both, with every block accounted for.
    ///
    /// Errors: as [`Method::decompose`].
    fn second_estimate(&self, _fits: &Fits<'_>) -> Result<Option<Second>, DecomposeError> {
        Ok(None)
    }
}

/// A setting that can be varied without changing the question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Vary {
    Estimator,
    Surface,
    Target,
}

impl Vary {
    /// The word for it in tables and in the study file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Estimator => "estimator",
            Self::Surface => "surface",
            Self::Target => "target",
        }
    }
}

/// A method with one setting changed.
pub struct Variant {
    pub vary: Vary,
    /// The choice, as the study file writes it.
    pub setting: &'static str,
    pub method: Box<dyn Method>,
}

/// A condition under which numbers may be read causally.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assumption {
    /// Its usual name, such as exchangeability.
    pub name: &'static str,
    /// What it says in this study.
    pub text: String,
}

/// The same quantity by the estimator that is reported and by another one.
pub struct Second {
    pub reported: Estimate,
    pub other: Estimate,
}

/// Which question a method asks: the name that stands beside each of its numbers (METHODS 0).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MethodFamily {
    /// With and without: index units against comparable reference units.
    A,
    /// Interventional: index units' own outcomes, with blocks distributed as among reference units.
    B,
    /// Mechanisms switched one by one.
    M,
    /// A binary treatment: who gets it, and what it does.
    Treatment,
    /// A convention of other programs.
    Peer,
}

impl MethodFamily {
    pub fn name(self) -> &'static str {
        match self {
            Self::A => "A",
            Self::B => "B",
            Self::M => "M",
            Self::Treatment => "treatment",
            Self::Peer => "peer",
        }
    }
}

/// The part of a gap that a row stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    Gap,
    Allowable,
    Explained,
    Endowments,
    Unexplained,
    Coefficients,
    Interaction,
    /// The index group's half of what is not explained.
    UnexplainedIndex,
    /// The reference group's half of what is not explained.
    UnexplainedReference,
    /// Means of the index group with some mechanisms as among reference units, which the parts are differences of.
    CounterfactualMean,
}

impl Part {
    pub fn name(self) -> &'static str {
        match self {
            Self::Gap => "gap",
            Self::Allowable => "allowable",
            Self::Explained => "explained",
            Self::Unexplained => "unexplained",
            Self::Endowments => "endowments",
            Self::Coefficients => "coefficients",
            Self::Interaction => "interaction",
            Self::UnexplainedIndex => "unexplained_index",
            Self::UnexplainedReference => "unexplained_reference",
            Self::CounterfactualMean => "counterfactual_mean",
        }
    }
}

/// What of a part a row stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Component {
    Total,
    /// The block with this position in the study file's order.
    Block(usize),
    /// What the allowables account for in a part that is not explained by means.
    Allowable,
    Intercept,
    /// The difference of observed and predicted means, with a link that is not the canonical one.
    Misfit,
    /// Several blocks together; tables name it by the blocks joined by `+`.
    Set(BlockSet),
    /// What a method has a word of its own for, such as `where_they_go`.
    Named(&'static str),
}

/// One row of a decomposition, in the unit of the outcome.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    pub part: Part,
    pub component: Component,
    pub estimate: Estimate,
    /// What other rules of attribution give, where the method has them.
    pub rules: Option<Rules>,
    /// The standard error by a classical formula, where the settings ask for it.
    pub classical: Option<f64>,
}

/// How standard errors are computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum StdErrors {
    /// From influences: stochastic regressors, heteroskedastic, clustered.
    #[default]
    Influence,
    /// By the formula that peers print.
    Classical,
}

/// What one term contributes to a part.
#[derive(Clone, Debug, PartialEq)]
pub struct Detail {
    pub part: Part,
    pub role: Role,
    pub term: String,
    pub variable: String,
    pub level: Option<String>,
    /// The design's column of the term; `None` where it has none of its own.
    pub column: Option<usize>,
    /// For a base level, or a cell of a product with one: its covariate as a combination of the design's columns, 0 for units
    /// that the row says nothing of. Empty for other rows.
    pub covariate: Vec<(usize, f64)>,
    pub estimate: Estimate,
    pub classical: Option<f64>,
}

/// A row that the method would have and the data do not define.
#[derive(Clone, Debug, PartialEq)]
pub struct Undefined {
    pub part: Part,
    pub component: Component,
    pub reason: String,
}

/// What the influences of a decomposition's estimates are of, and which intervals follow from them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Inference {
    /// Units, or their clusters: normal, or t(G - 1).
    #[default]
    Units,
    /// Units whose influences are skewed: t with `2 n / (kurtosis - 1)` degrees of freedom (METHODS 5.1).
    Skewed,
    /// Units, given the hospitals: normal, whatever the clusters (METHODS 5.5(d)).
    Given,
    /// Hospitals left out in turn: `influence` holds one value a hospital, `(G - 1)(theta - theta_without_h)`; t(G - 1).
    Hospitals,
    /// Bootstrap replicates: `influence` holds one value a replicate, `B (theta_b - mean theta) / sqrt(B - 1)`.
    Replicates,
}

/// What a method has computed, before it is held to its sums.
#[derive(Clone, Debug, Default)]
pub struct Draft {
    pub rows: Vec<Row>,
    /// Of `with_and_without`: one row a set of blocks.
    pub sets: Vec<SetRow>,
    pub detail: Vec<Detail>,
    pub undefined: Vec<Undefined>,
    pub facts: Vec<Fact>,
    pub inference: Inference,
    /// The family of the rows, where the data decide it; else that of the method.
    pub family: Option<MethodFamily>,
    /// Of `hospital`: its tables.
    pub hospital: Option<HospitalTables>,
    /// The smallest counts that it rests on, where it fits parts of the groups by themselves.
    pub least: Option<Least>,
}

/// Of the parts of the data that a method fits by themselves: the fewest units, and the fewest events (or non-events, of an outcome
/// that has them). Estimates on fewer than may be shown are withheld.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Least {
    pub units: usize,
    /// `None` of a gaussian outcome.
    pub events: Option<u64>,
}

/// The contribution of one block by each rule; range over all orders in which the blocks can enter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rules {
    pub order_min: f64,
    pub order_max: f64,
    pub sequential: f64,
    pub first_in: f64,
    pub last_in: f64,
    /// Averaged over all orders.
    pub shapley: f64,
}

/// A set of blocks that was accounted for.
#[derive(Clone, Debug, PartialEq)]
pub struct SetRow {
    pub set: BlockSet,
    /// Mean outcome that index units would show with the outcome of comparable reference units.
    pub counterfactual_mean: Estimate,
    pub adjusted_gap: Estimate,
    /// By how much the adjusted gap without blocks is larger.
    pub accounted: Estimate,
}

impl Draft {
    /// Keeps the classical errors only where the settings ask for them.
    pub fn with_errors(mut self, se: StdErrors) -> Self {
        if se == StdErrors::Influence {
            self.rows.iter_mut().for_each(|r| r.classical = None);
            self.detail.iter_mut().for_each(|d| d.classical = None);
        }
        self
    }
}

/// The parts of a gap. Its constructor promises that they sum to it.
#[derive(Clone, Debug)]
pub struct Decomposition {
    pub scale: Scale,
    pub rows: Vec<Row>,
    pub sets: Vec<SetRow>,
    pub detail: Vec<Detail>,
    pub undefined: Vec<Undefined>,
    pub facts: Vec<Fact>,
    pub inference: Inference,
    /// The family of the rows, where the data decide it; else that of the method.
    pub family: Option<MethodFamily>,
    pub hospital: Option<HospitalTables>,
    pub least: Option<Least>,
}

/// The parts whose totals sum to the gap, whatever the method.
const ADDITIVE: [Part; 6] = [Part::Allowable, Part::Explained, Part::Unexplained, Part::Endowments, Part::Coefficients, Part::Interaction];

impl Decomposition {
    /// Errors: [`DecomposeError::NotAdditive`] if totals do not sum to the gap, components to their total, or terms to their
    /// component, within 1e-9 of the larger of the gap and the outcome's standard deviation `sd`. Sums that the data leave
    /// undefined are not held to anything.
    pub fn new(scale: Scale, draft: Draft, sd: f64) -> Result<Self, DecomposeError> {
        let Draft { mut rows, sets, detail, undefined, facts, inference, family, hospital, least } = draft;
        let total_of = |rows: &[Row], part: Part| rows.iter().find(|r| r.part == part && r.component == Component::Total).map(|r| r.estimate.value);
        let gap = total_of(&rows, Part::Gap).unwrap_or(f64::NAN);
        let size = gap.abs().max(sd);
        let tolerance = 1e-9 * size;
        // Where nothing is treated as fair, what is left of it is rounding.
        for e in rows.iter_mut().filter(|r| r.part == Part::Allowable).map(|r| &mut r.estimate) {
            if e.value.abs() < 1e-12 * size && e.influence.iter().all(|v| v.abs() < 1e-10 * size) {
                e.value = 0.0;
                e.influence.iter_mut().for_each(|v| *v = 0.0);
            }
        }
        let total = |part: Part| total_of(&rows, part);
        let check = |part: &'static str, total: f64, sum: f64| {
            let held = (sum - total).abs() <= tolerance && total.is_finite() && sum.is_finite();
            if held { Ok(()) } else { Err(DecomposeError::NotAdditive { part, total, sum }) }
        };
        let lost = |part: Part| undefined.iter().any(|u| u.part == part && u.component == Component::Total);
        let whole = !ADDITIVE.iter().any(|p| lost(*p));
        if whole {
            check("gap", gap, ADDITIVE.iter().filter_map(|p| total(*p)).sum())?;
        }
        for part in ADDITIVE {
            let components: Vec<f64> = rows.iter().filter(|r| r.part == part && r.component != Component::Total).map(|r| r.estimate.value).collect();
            let divided = !components.is_empty() && !undefined.iter().any(|u| u.part == part);
            if let Some(total) = total(part).filter(|_| divided) {
                check(part.name(), total, components.iter().sum())?;
            }
        }
        for r in &rows {
            let role = match r.component {
                Component::Total if r.part == Part::Allowable => Role::Allowable,
                Component::Allowable => Role::Allowable,
                Component::Block(k) => Role::Block(k),
                Component::Total | Component::Intercept | Component::Misfit | Component::Set(_) | Component::Named(_) => continue,
            };
            let terms: Vec<f64> = detail.iter().filter(|d| d.part == r.part && d.role == role).map(|d| d.estimate.value).collect();
            if !terms.is_empty() {
                check(r.part.name(), r.estimate.value, terms.iter().sum())?;
            }
        }
        Ok(Self { scale, rows, sets, detail, undefined, facts, inference, family, hospital, least })
    }

    pub fn row(&self, part: Part, component: Component) -> Option<&Row> {
        self.rows.iter().find(|r| r.part == part && r.component == component)
    }

    /// Every estimate: of the rows, the sets, the terms and the hospital tables, in this order.
    pub fn estimates(&self) -> Vec<&Estimate> {
        let sets = self.sets.iter().flat_map(|s| [&s.counterfactual_mean, &s.adjusted_gap, &s.accounted]);
        let hospital = self.hospital.iter().flat_map(|h| &h.rows).filter_map(|r| match &r.value {
            HospitalValue::Estimate(e) => Some(e),
            HospitalValue::Number(_) | HospitalValue::Missing(_) => None,
        });
        let rows = self.rows.iter().map(|r| &r.estimate);
        rows.chain(sets).chain(self.detail.iter().map(|d| &d.estimate)).chain(hospital).collect()
    }

    /// The same, to be changed.
    pub fn estimates_mut(&mut self) -> Vec<&mut Estimate> {
        let sets = self.sets.iter_mut().flat_map(|s| [&mut s.counterfactual_mean, &mut s.adjusted_gap, &mut s.accounted]);
        let hospital = self.hospital.iter_mut().flat_map(|h| &mut h.rows).filter_map(|r| match &mut r.value {
            HospitalValue::Estimate(e) => Some(e),
            HospitalValue::Number(_) | HospitalValue::Missing(_) => None,
        });
        let rows = self.rows.iter_mut().map(|r| &mut r.estimate);
        rows.chain(sets).chain(self.detail.iter_mut().map(|d| &mut d.estimate)).chain(hospital).collect()
    }

    /// The estimate that shares divide by: gap less the allowable part.
    pub fn share_denominator(&self) -> Option<Estimate> {
        let gap = &self.row(Part::Gap, Component::Total)?.estimate;
        let allowable = &self.row(Part::Allowable, Component::Total)?.estimate;
        Some(gap.minus(allowable))
    }
}

/// A row without other rules.
pub fn row(part: Part, component: Component, estimate: Estimate) -> Row {
    Row { part, component, estimate, rules: None, classical: None }
}
