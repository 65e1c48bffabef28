//! How far results move when choices and assumptions do: other estimators, orders, samples and blocks, and factors that nobody
//! measured (METHODS 7). Pure functions of a comparison and a method; `study/` says what is asked for.

mod control;
pub mod e_value;
mod learners;
pub mod omitted;
pub mod park;
mod splines;
pub mod unmeasured;
mod unseen;
mod variations;

pub use control::Control;
pub use learners::Tried;

use crate::decompose::fits::Fits;
use crate::decompose::{Component, DecomposeError, Decomposition, Method, Part, Vary, Verdict};
use crate::design::Contrast;
use crate::diagnostics::{self, Check, Gate};
use crate::estimate::Sampling;
use crate::inference::Inferred;
use crate::vocab::{Role, Scale};

/// What the study file asks for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sensitivity {
    /// Positions of the analyses that are varied.
    pub analyses: Vec<usize>,
    pub order: bool,
    /// Settings of the method that are varied.
    pub vary: Vec<Vary>,
    /// What predicts outcome and group instead.
    pub learner: Vec<Tried>,
    /// Units whose probability of being index lies outside `[a, 1 - a]` are left out; empty: no trimming.
    pub trimming: Vec<f64>,
    pub leave_one_out: bool,
    /// Variables, and where else each could belong.
    pub contested: Vec<(String, Vec<Role>)>,
    pub allowable: Vec<AllowableSet>,
    pub e_value: bool,
    pub omitted: Option<OmittedPlan>,
    /// Values of `r_Y` and `r_M`; empty: no such bounds.
    pub park: Vec<f64>,
    pub unmeasured: Option<UnmeasuredPlan>,
}

/// Another list of allowables: variables by name, and whole blocks.
#[derive(Clone, Debug, PartialEq)]
pub struct AllowableSet {
    pub name: String,
    pub variables: Vec<String>,
    pub blocks: Vec<usize>,
}

/// Observed factors to compare a left-out one with, and how many times as strong it may be.
#[derive(Clone, Debug, PartialEq)]
pub struct OmittedPlan {
    pub benchmarks: Vec<Benchmark>,
    pub multiples: Vec<f64>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Benchmark {
    Block(usize),
    Variable(String),
}

/// Group differences in an unmeasured factor, and what a unit of it adds to the linear predictor.
#[derive(Clone, Debug, PartialEq)]
pub struct UnmeasuredPlan {
    pub delta: Vec<f64>,
    pub gamma: Vec<f64>,
}

/// What a row of the section is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Variation {
    Order,
    Setting(Vary),
    Learner,
    Trimming,
    LeaveOneOut,
    Contested,
    Allowable,
    EValue,
    Omitted,
    Park,
    Unmeasured,
    NegativeControl,
}

impl Variation {
    /// The key in the study file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Order => "order",
            Self::Setting(vary) => vary.name(),
            Self::Learner => "learner",
            Self::Trimming => "trimming",
            Self::LeaveOneOut => "leave_one_out",
            Self::Contested => "contested",
            Self::Allowable => "allowable",
            Self::EValue => "e_value",
            Self::Omitted => "ovb",
            Self::Park => "park",
            Self::Unmeasured => "unmeasured",
            Self::NegativeControl => "negative_control",
        }
    }
}

/// What a row holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Figure {
    /// A row of a decomposition.
    Part(Part, Component),
    /// A figure of another kind, by its name.
    Named(&'static str),
}

/// A figure, or why there is none.
#[derive(Clone, Debug, PartialEq)]
pub enum Found {
    Estimate(Inferred),
    /// Without a standard error.
    Number(f64),
    Failed(DecomposeError),
    Undefined(String),
}

/// Units of a sample that was changed, and how many fewer they are than in the study; events of outcomes that have them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Retained {
    pub n: (usize, usize),
    pub left_out: (usize, usize),
    pub events: Option<(f64, f64)>,
}

/// One row of the section, for one analysis and index group.
#[derive(Clone, Debug, PartialEq)]
pub struct Varied {
    pub variation: Variation,
    /// What it was set to, in the words of the study file; a block or variable where there is one of each.
    pub setting: String,
    pub figure: Figure,
    pub scale: Option<Scale>,
    pub found: Found,
    pub retained: Option<Retained>,
    /// Units that a figure counts or is a share of, and all units that it is a share of: small counts are withheld.
    pub counted: Option<(usize, Option<usize>)>,
    /// A diagnostic gate that this row rests on failed.
    pub blinded: bool,
    /// Variables that were moved by themselves, or that a benchmark is made of.
    pub variables: Vec<String>,
}

impl Varied {
    fn new(variation: Variation, setting: impl Into<String>, figure: Figure, found: Found) -> Self {
        Self { variation, setting: setting.into(), figure, scale: None, found, retained: None, counted: None, blinded: false, variables: Vec::new() }
    }

    /// Why a whole variation has no rows.
    fn undefined(variation: Variation, setting: impl Into<String>, reason: impl Into<String>) -> Self {
        let all = Figure::Part(Part::Gap, Component::Total);
        Self::new(variation, setting, all, Found::Undefined(reason.into()))
    }

    fn failed(variation: Variation, setting: impl Into<String>, error: DecomposeError) -> Self {
        Self::new(variation, setting, Figure::Part(Part::Gap, Component::Total), Found::Failed(error))
    }

    fn on(self, scale: Scale) -> Self {
        Self { scale: Some(scale), ..self }
    }
}

/// What every variation of one analysis reads.
struct Subject<'a> {
    plan: &'a Sensitivity,
    fits: &'a Fits<'a>,
    method: &'a dyn Method,
    /// Coverage of the intervals.
    level: f64,
    /// What the analysis itself gives, and whether a gate fails that it rests on.
    reported: Result<Decomposition, DecomposeError>,
    blinded: bool,
}

/// Every variation that `plan` asks for, of one analysis of one comparison, and the analysis of each control outcome. `fits` keeps the
/// models of the section apart from those of the analyses.
pub fn vary(plan: &Sensitivity, controls: &[Control], fits: &Fits<'_>, method: &dyn Method, level: f64) -> Vec<Varied> {
    let reported = method.decompose(fits);
    let blinded = reported.as_ref().is_ok_and(|d| gate_fails(fits, method, d, &sampling(fits.contrast, level)));
    let subject = Subject { plan, fits, method, level, reported, blinded };
    let mut out = Vec::new();
    if plan.order {
        out.extend(subject.order());
    }
    out.extend(plan.vary.iter().flat_map(|v| subject.settings(*v)));
    out.extend(plan.learner.iter().flat_map(|tried| subject.learner(*tried)));
    if !plan.trimming.is_empty() {
        out.extend(subject.trimming());
    }
    if plan.leave_one_out {
        out.extend(subject.leave_one_out());
    }
    out.extend(subject.contested());
    out.extend(subject.allowables());
    if plan.e_value {
        out.extend(subject.e_value());
    }
    out.extend(plan.omitted.iter().flat_map(|p| subject.omitted(p)));
    if !plan.park.is_empty() {
        out.extend(subject.park());
    }
    out.extend(plan.unmeasured.iter().flat_map(|p| subject.unmeasured(p)));
    out.extend(controls.iter().flat_map(|control| subject.control(control)));
    out
}

fn sampling(c: &Contrast<'_>, level: f64) -> Sampling {
    Sampling::new(c.n(), c.clusters().as_deref(), level)
}

/// Whether a gate fails that a decomposition on these data rests on.
fn gate_fails(fits: &Fits<'_>, method: &dyn Method, d: &Decomposition, sampling: &Sampling) -> bool {
    let gap = d.row(Part::Gap, Component::Total);
    let intervals = gap.iter().flat_map(|r| diagnostics::clusters(sampling, &r.estimate)).any(|c| c.fails_gate() && c.gate == Gate::Intervals);
    let own = d.facts.iter().any(|f| matches!(f.verdict, Verdict::Fails(_)));
    intervals || own || method.rests_on_overlap() && diagnostics::overlap(fits, true).iter().flat_map(|o| &o.checks).any(Check::fails_gate)
}
