//! The named parameter sets of the model.

use serde::{Deserialize, Serialize};

macro_rules! parameters {
    ($($(#[doc = $doc:literal])* $name:ident = $base:literal;)*) => {
        /// Parameters of the structural equations, with the symbol of the model's description in brackets.
        #[derive(Clone, Debug, PartialEq, Serialize)]
        pub struct Parameters {
            $($(#[doc = $doc])* pub $name: f64,)*
        }

        impl Parameters {
            /// Scenario `base`.
            fn base() -> Self {
                Self { $($name: $base,)* }
            }

            /// Each name with its value.
            pub fn entries(&self) -> Vec<(&'static str, f64)> {
                vec![$((stringify!($name), self.$name),)*]
            }

            /// The values of `other` where it gives one.
            pub fn overridden(mut self, other: &Overrides) -> Self {
                $(if let Some(value) = other.$name { self.$name = value; })*
                self
            }
        }

        /// Parameters that a spec sets itself; the others keep the scenario's value.
        #[derive(Clone, Debug, Default, PartialEq, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct Overrides {
            $(pub $name: Option<f64>,)*
        }
    };
}

parameters! {
    /// Log odds of living in an area by its deprivation, index patients only \[seg\].
    segregation = 0.9;
    /// Group term of Medicaid \[λ\].
    medicaid_shift = 0.5;
    /// Multiplies the effect of deprivation on diabetes, eGFR and LVEF \[κ_SB\].
    deprivation_to_biology = 1.0;
    /// Group term of diabetes, eGFR and LVEF \[γ_B\].
    biology_shift = 0.35;
    /// Preference for hospitals by quality, without group term \[.3\].
    quality_choice = 0.3;
    /// Group term of the preference for quality, subtracted \[sort\].
    sorting = 0.5;
    /// Multiplies the effect of hospital quality on the outcome \[κ_H\].
    quality_to_outcome = 1.0;
    /// Multiplies the effects of deprivation and Medicaid on the outcome \[κ_SY\].
    socioeconomic_to_outcome = 1.0;
    /// Group term of the outcome \[τ\].
    outcome_shift = 0.12;
    /// Its change with hospital quality, subtracted \[τ_q\].
    outcome_shift_by_quality = 0.0;
    /// Group term of mean age, years.
    age_shift = -3.0;
    /// Group term of the probability of being female.
    female_shift = 0.08;
    /// Intercept of the outcome model, at age 66, eGFR 75, LVEF 55 and quality 0.
    outcome_intercept = -2.7;
}

/// A named parameter set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Scenario {
    /// No group term anywhere.
    Null,
    /// Only biology differs.
    PureBio,
    /// Only socioeconomic factors differ, and act on the outcome directly.
    PureSes,
    /// Only the choice of hospital differs.
    PureSort,
    /// Only the outcome differs, at equal factors.
    Within,
    /// Only socioeconomic factors differ, and act through biology and the hospital alone.
    MediatedSes,
    /// Every mechanism differs.
    Base,
    /// As base, and the group term of the outcome changes with hospital quality.
    Interaction,
}

impl Scenario {
    pub const ALL: [Self; 8] =
        [Self::Null, Self::PureBio, Self::PureSes, Self::PureSort, Self::Within, Self::MediatedSes, Self::Base, Self::Interaction];

    pub fn parameters(self) -> Parameters {
        let base = Parameters::base();
        let equal = Parameters { segregation: 0.0, medicaid_shift: 0.0, biology_shift: 0.0, sorting: 0.0, outcome_shift: 0.0, ..base.clone() };
        match self {
            Self::Null => Parameters { age_shift: 0.0, female_shift: 0.0, ..equal },
            Self::PureBio => Parameters { biology_shift: 0.9, ..equal },
            Self::PureSes => Parameters { segregation: 1.2, medicaid_shift: 0.8, deprivation_to_biology: 0.0, quality_to_outcome: 0.0, ..equal },
            Self::PureSort => Parameters { sorting: 1.2, ..equal },
            Self::Within => Parameters { outcome_shift: 0.5, ..equal },
            Self::MediatedSes => {
                Parameters { segregation: base.segregation, medicaid_shift: base.medicaid_shift, socioeconomic_to_outcome: 0.0, ..equal }
            }
            Self::Base => base,
            Self::Interaction => Parameters { outcome_shift: 0.1, outcome_shift_by_quality: 0.35, ..base },
        }
    }
}
