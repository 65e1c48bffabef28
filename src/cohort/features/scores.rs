//! Comorbidity scores: the ICD-10 and enhanced ICD-9-CM code lists of Quan et al. (2005, Med Care 43:1130), in charlson.csv and
//! elixhauser.csv beside this file, with the weights of Charlson et al. (1987, J Chronic Dis 40:373), Quan et al. (2011, Am J
//! Epidemiol 173:676), van Walraven et al. (2009, Med Care 47:626) and Moore et al. (2017, Med Care 55:698; AHRQ).

use super::codes::CodeList;
use crate::cohort::plan::{Icd, ScoreIndex, ScorePlan, Weights};
use crate::error::{Problem, codes};

/// Condition of the Charlson index, weight of 1987, weight of 2011.
const CHARLSON: [(&str, i64, i64); 17] = [
    ("myocardial_infarction", 1, 0),
    ("congestive_heart_failure", 1, 2),
    ("peripheral_vascular", 1, 0),
    ("cerebrovascular", 1, 0),
    ("dementia", 1, 2),
    ("chronic_pulmonary", 1, 1),
    ("rheumatic", 1, 1),
    ("peptic_ulcer", 1, 0),
    ("mild_liver", 1, 2),
    ("diabetes_uncomplicated", 1, 0),
    ("diabetes_complicated", 2, 1),
    ("hemiplegia", 2, 2),
    ("renal", 2, 1),
    ("malignancy", 2, 2),
    ("severe_liver", 3, 4),
    ("metastatic_tumour", 6, 6),
    ("aids", 6, 4),
];

/// Condition of the Elixhauser measure, weight of van Walraven, weight of Moore.
const ELIXHAUSER: [(&str, i64, i64); 31] = [
    ("congestive_heart_failure", 7, 9),
    ("arrhythmia", 5, 0),
    ("valvular", -1, 0),
    ("pulmonary_circulation", 4, 6),
    ("peripheral_vascular", 2, 3),
    ("hypertension_uncomplicated", 0, -1),
    ("hypertension_complicated", 0, -1),
    ("paralysis", 7, 5),
    ("other_neurological", 6, 5),
    ("chronic_pulmonary", 3, 3),
    ("diabetes_uncomplicated", 0, 0),
    ("diabetes_complicated", 0, -3),
    ("hypothyroidism", 0, 0),
    ("renal_failure", 5, 6),
    ("liver", 11, 4),
    ("peptic_ulcer", 0, 0),
    ("aids", 0, 0),
    ("lymphoma", 9, 6),
    ("metastatic_cancer", 12, 14),
    ("solid_tumour", 4, 7),
    ("rheumatoid", 0, 0),
    ("coagulopathy", 3, 11),
    ("obesity", -4, -5),
    ("weight_loss", 6, 9),
    ("fluid_electrolyte", 5, 11),
    ("blood_loss_anaemia", -2, -3),
    ("deficiency_anaemia", -2, -2),
    ("alcohol", 0, -1),
    ("drug", -7, -7),
    ("psychoses", 0, -5),
    ("depression", -3, -5),
];

/// (severe, mild): with the severe form the mild one does not count.
const CHARLSON_HIERARCHY: [(&str, &str); 3] =
    [("severe_liver", "mild_liver"), ("diabetes_complicated", "diabetes_uncomplicated"), ("metastatic_tumour", "malignancy")];
const ELIXHAUSER_HIERARCHY: [(&str, &str); 3] = [
    ("hypertension_complicated", "hypertension_uncomplicated"),
    ("diabetes_complicated", "diabetes_uncomplicated"),
    ("metastatic_cancer", "solid_tumour"),
];

/// A score ready to be computed.
pub(in crate::cohort) struct Score {
    pub(super) list: CodeList,
    /// The condition of each entry of the list, by position.
    pub(super) condition: Vec<u32>,
    weights: Vec<i64>,
    /// Bits of (severe, mild).
    hierarchy: Vec<(u64, u64)>,
}

impl Score {
    /// Errors: `G901`, a list of the program that cannot be read.
    pub(in crate::cohort) fn new(plan: &ScorePlan) -> Result<Self, Box<Problem>> {
        let bug = |what: String| Box::new(Problem::error(codes::G901, format!("the code lists of a score: {what}")));
        let (table, text, hierarchy): (&[(&str, i64, i64)], _, _) = match plan.index {
            ScoreIndex::Charlson => (&CHARLSON, include_str!("charlson.csv"), CHARLSON_HIERARCHY),
            ScoreIndex::Elixhauser => (&ELIXHAUSER, include_str!("elixhauser.csv"), ELIXHAUSER_HIERARCHY),
        };
        let (coding, system) = match plan.coding {
            Icd::Icd9 => ("icd9", "ICD-9-CM"),
            Icd::Icd10 => ("icd10", "ICD-10-CM"),
        };
        let (mut list, mut condition) = (CodeList::default(), Vec::new());
        for line in text.lines().skip(1) {
            let mut cells = line.splitn(3, ',');
            let (Some(name), Some(of), Some(codes_of)) = (cells.next(), cells.next(), cells.next()) else {
                return Err(bug(format!("a line is too short: {line}")));
            };
            if of != coding {
                continue;
            }
            let k = table.iter().position(|c| c.0 == name).ok_or_else(|| bug(format!("unknown condition {name}")))?;
            let entries = CodeList::built_in(codes_of, system, name).map_err(bug)?;
            condition.extend(std::iter::repeat_n(k as u32, entries.len()));
            list.entries.extend(entries);
        }
        let weights = table.iter().map(|c| match plan.weights {
            Weights::Charlson1987 | Weights::VanWalraven => c.1,
            Weights::Quan2011 | Weights::Ahrq => c.2,
            Weights::Count => 1,
        });
        let bit = |name: &str| table.iter().position(|c| c.0 == name).map_or(0, |k| 1u64 << k);
        let hierarchy = hierarchy.iter().map(|(severe, mild)| (bit(severe), bit(mild))).collect();
        Ok(Self { list, condition, weights: weights.collect(), hierarchy })
    }

    /// The score of a set of conditions, given as bits.
    pub(super) fn of(&self, mut conditions: u64) -> i64 {
        for (severe, mild) in &self.hierarchy {
            if conditions & severe != 0 {
                conditions &= !mild;
            }
        }
        self.weights.iter().enumerate().filter(|(k, _)| conditions >> k & 1 == 1).map(|(_, w)| w).sum()
    }
}
