//! What the analyses run on: the coded rows, the completed data sets, or the rows that stand for others.

use crate::cohort::coding;
use crate::cohort::engine::Cohort;
use crate::cohort::impute::chained::Settings;
use crate::cohort::impute::{Imputations, impute};
use crate::cohort::plan::{OutcomeMissing, RolesPlan};
use crate::design::Design;
use crate::error::{Problem, Problems, codes};
use crate::inference::Response;

/// The rows of a study, coded.
pub enum Data<'a> {
    Complete(Design),
    /// With the design of the first completed data set, for what is the same in all.
    Imputed(Box<Imputations<'a>>, Design),
    /// Outcomes are missing.
    Responding(Box<Response>),
}

impl<'a> Data<'a> {
    /// Codes the cohort, after imputing what is to be imputed. Errors: as [`coding::code`] and [`impute`]; G401 where the probability of an outcome
    /// has no model.
    pub fn of(cohort: &'a Cohort, roles: &RolesPlan, settings: &Settings) -> Result<(Self, Problems), Problems> {
        if let Some(imputations) = impute(cohort, roles, settings)? {
            let (first, mut warnings) = imputations.design(0)?;
            warnings.extend(imputations.warnings.iter().cloned());
            return Ok((Self::Imputed(Box::new(imputations), first), warnings));
        }
        let (design, warnings) = coding::code(cohort, roles)?;
        if roles.outcome.missing != OutcomeMissing::InverseProbability || design.y.iter().all(|y| !y.is_nan()) {
            return Ok((Self::Complete(design), warnings));
        }
        let response = Response::new(design).map_err(|e| {
            let message = format!("the probability of a known outcome has no model in group {}: {}", e.group, e.reason);
            vec![
                Problem::error(codes::G401, message)
                    .at(roles.outcome.column.place.clone())
                    .help("merge rare levels, or give the outcome `drop_row` under `missing`"),
            ]
        })?;
        Ok((Self::Responding(Box::new(response)), warnings))
    }

    /// The rows that are analysed; of completed data sets the first.
    pub fn design(&self) -> &Design {
        match self {
            Self::Complete(design) | Self::Imputed(_, design) => design,
            Self::Responding(response) => &response.design,
        }
    }
}
