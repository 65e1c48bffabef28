//! The analysis with other models of its nuisances: generalised linear models, splines, cross-fitted learners (METHODS S2).

use super::splines::with_splines;
use super::{Figure, Found, Subject, Variation, Varied};
use crate::decompose::Method;
use crate::decompose::crossfit::CrossFit;

/// Columns of the splines that numbers enter as: five knots.
pub const SPLINE_DF: usize = 4;

/// Figures of a learner that stand beside its estimates: nothing is moved to a limit without a count.
const TOLD: [&str; 2] = ["split_range", "clipped_group_probabilities"];

/// What predicts outcome and group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tried {
    /// Generalised linear models of the study's own terms.
    Glm,
    /// The same with a spline of every number.
    Splines,
    Learner(CrossFit),
}

impl Tried {
    /// The word for it in tables and in the study file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Glm => "glm",
            Self::Splines => "splines",
            Self::Learner(cf) => cf.learner.name(),
        }
    }

    /// Seed of its random streams; `None` where nothing is drawn.
    pub fn seed(self) -> Option<u64> {
        match self {
            Self::Glm | Self::Splines => None,
            Self::Learner(cf) => Some(cf.seed),
        }
    }
}

impl Subject<'_> {
    pub(super) fn learner(&self, tried: Tried) -> Vec<Varied> {
        match tried {
            Tried::Splines => self.splines(),
            Tried::Glm => self.learned(tried.name(), None),
            Tried::Learner(cf) => self.learned(tried.name(), Some(cf)),
        }
    }

    fn learned(&self, setting: &str, learner: Option<CrossFit>) -> Vec<Varied> {
        let undefined = |reason: String| vec![Varied::undefined(Variation::Learner, setting, reason)];
        let method = match self.method.with_learner(learner) {
            Ok(method) => method,
            Err(reason) => return undefined(reason),
        };
        if learner.is_some() && self.fits.contrast.design.factors.iter().any(|f| f.fixed_effects) {
            return undefined("learners need a group model, which has no fit with fixed effects".into());
        }
        let again = (method.learner() != self.method.learner()).then(|| method.decompose(self.fits));
        let found = again.as_ref().unwrap_or(&self.reported);
        let mut out = self.rows(Variation::Learner, setting, self.fits, method.as_ref(), found);
        let blinded = out.iter().any(|v| v.blinded);
        for fact in found.iter().flat_map(|d| &d.facts).filter(|f| TOLD.contains(&f.check)) {
            let Some(value) = fact.value else { continue };
            let row = Varied::new(Variation::Learner, setting, Figure::Named(fact.check), Found::Number(value));
            out.push(Varied { counted: fact.units, blinded, ..row });
        }
        out
    }

    /// Generalised linear models with splines in place of numbers.
    fn splines(&self) -> Vec<Varied> {
        let c = self.fits.contrast;
        let setting = Tried::Splines.name();
        let (design, bent) = with_splines(c.design, SPLINE_DF);
        if bent == 0 {
            let reason = "no variable enters as a number that takes enough values for a spline";
            return vec![Varied::undefined(Variation::Learner, setting, reason)];
        }
        // Methods without learners have no others than their own models.
        let glm: Option<Box<dyn Method>> = self.method.with_learner(None).ok();
        self.method_on_design(Variation::Learner, setting, &design, c.index_group, glm.as_deref().unwrap_or(self.method))
    }
}
