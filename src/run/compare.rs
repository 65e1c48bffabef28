//! The primary analysis with missing values treated in other ways: what they change.

use super::analyse::{self, AnalysisResult, Mask};
use super::data::Data;
use crate::cohort::Values;
use crate::cohort::engine::{self, Cohort};
use crate::cohort::plan::{Coding, Fill, MissingRule, RolesPlan};
use crate::design::Design;
use crate::error::Problems;
use crate::release::shown_text;
use crate::study::plan::{MissingMethod, StudyPlan};
use crate::vocab::{Family, Scalar};

/// The level that missing categories get with indicators.
const MISSING_LEVEL: &str = "(missing)";

/// One treatment of missing values, for every index group.
pub struct Compared {
    pub method: MissingMethod,
    pub groups: Vec<ComparedGroup>,
}

/// The primary analysis of one comparison, or why there is none, and the units it rests on.
pub struct ComparedGroup {
    pub result: Result<AnalysisResult, String>,
    pub size: Option<Size>,
}

/// Units of both groups (reference, index), and their events.
#[derive(Clone, Copy)]
pub struct Size {
    pub n: [usize; 2],
    pub events: Option<[f64; 2]>,
}

impl Size {
    pub fn of(design: &Design, index_group: usize) -> Self {
        let rows = [0, index_group].map(|g| design.groups[g].rows.clone());
        let count = |r: &std::ops::Range<usize>| r.clone().map(|i| design.y[i]).sum::<f64>();
        let events = (design.family != Family::Gaussian).then(|| [count(&rows[0]), count(&rows[1])]);
        Self { n: [rows[0].len(), rows[1].len()], events }
    }
}

/// Every treatment that `missing: { compare: [...] }` names.
pub fn compare(plan: &StudyPlan, cohort: &Cohort, progress: &dyn Fn(&str)) -> Vec<Compared> {
    let each = plan.missing.compare.iter().map(|&method| {
        progress(&format!("missing values by {}", method.name()));
        let groups = match one(plan, cohort, method) {
            Ok(groups) => groups,
            Err(problems) => {
                let reason = problems.iter().find(|p| p.is_error()).map_or_else(String::new, |p| shown_text(&p.message, plan.min_cell));
                plan.roles.group.index.iter().map(|_| ComparedGroup { result: Err(reason.clone()), size: None }).collect()
            }
        };
        Compared { method, groups }
    });
    each.collect()
}

fn one(plan: &StudyPlan, cohort: &Cohort, method: MissingMethod) -> Result<Vec<ComparedGroup>, Problems> {
    let roles = roles_with(&plan.roles, cohort, method);
    let cohort = engine::build(&plan.cohort, &roles)?;
    let (data, _) = Data::of(&cohort, &roles, &plan.missing.settings)?;
    let mask = &Mask::new(plan, data.design());
    let found = analyse::decompositions(plan, &data, &[true], &[plan.primary])?.into_iter().flatten();
    let groups = found.enumerate().flat_map(|(k, analyses)| {
        let size = Some(Size::of(data.design(), k + 1));
        analyses.into_iter().map(move |r| ComparedGroup { result: r.map_err(|e| e.shown(mask)), size })
    });
    Ok(groups.collect())
}

/// The roles with one rule for every variable; rows without a hospital's id are dropped whatever the rule.
fn roles_with(roles: &RolesPlan, cohort: &Cohort, method: MissingMethod) -> RolesPlan {
    let mut out = roles.clone();
    let cluster = roles.cluster.as_ref().map(|c| c.name.as_str());
    for v in &mut out.variables {
        let identifies = v.coding == Coding::FixedEffects || cluster == Some(v.column.name.as_str());
        let number = matches!(cohort.columns.get(&v.column.name), Some(Values::Number(_))) && !matches!(v.coding, Coding::Categorical { .. });
        v.missing = match method {
            _ if identifies => MissingRule::DropRow,
            MissingMethod::CompleteCase => MissingRule::DropRow,
            MissingMethod::Indicator if number => MissingRule::Impute { with: Fill::Median, flag: true },
            MissingMethod::Indicator => MissingRule::Level(Scalar::new(MISSING_LEVEL)),
            MissingMethod::MultipleImputation => MissingRule::MultipleImputation,
        };
    }
    out
}
