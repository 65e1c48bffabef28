//! Methods and their options as the study file writes them. The first choice of each option is its default.

use crate::study::placed::{Placed, Word};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A method and its options: a map with one key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MethodFile {
    /// Models with and without the blocks: how much of the gap disappears when index units are compared with like reference units.
    WithAndWithout(WithAndWithoutFile),
    /// Kitagawa-Oaxaca-Blinder.
    OaxacaBlinder(OaxacaBlinderFile),
    /// Fairlie's nonlinear decomposition.
    Fairlie(FairlieFile),
    /// Yun's weights.
    Yun(YunFile),
    /// Rank and replace (the IOM definition of disparity).
    RankAndReplace(RankAndReplaceFile),
    /// Gelbach's conditional decomposition.
    Gelbach(GelbachFile),
    /// Karlson-Holm-Breen.
    Khb(KhbFile),
    /// Mechanisms switched one by one, in causal order.
    Mechanisms(MechanismsFile),
    /// Equalising a block, given others.
    Interventional(InterventionalFile),
    /// Where they go against how they fare there.
    Hospital(HospitalFile),
    /// Prevalence, effect and selection of a treatment.
    Cdgd(CdgdFile),
}

impl MethodFile {
    /// The key under `analyses`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::WithAndWithout(_) => "with_and_without",
            Self::OaxacaBlinder(_) => "oaxaca_blinder",
            Self::Fairlie(_) => "fairlie",
            Self::Yun(_) => "yun",
            Self::RankAndReplace(_) => "rank_and_replace",
            Self::Gelbach(_) => "gelbach",
            Self::Khb(_) => "khb",
            Self::Mechanisms(_) => "mechanisms",
            Self::Interventional(_) => "interventional",
            Self::Hospital(_) => "hospital",
            Self::Cdgd(_) => "cdgd",
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct WithAndWithoutFile {
    /// The rule that credits the blocks.
    pub attribution: AttributionFile,
    /// The model that stands for comparable reference units.
    pub surface: SurfaceFile,
    /// dr (with `surface: reference_model` the default) or gcomp (with a pooled surface the only choice).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub estimator: Option<Placed<EstimatorFile>>,
    /// The population over which the allowables are standardised.
    pub target: TargetFile,
    /// The learner of the outcome and group models.
    pub learner: Placed<LearnerFile>,
    /// Number of folds of cross-fitting, with a learner other than glm.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub folds: Option<Placed<u32>>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct OaxacaBlinderFile {
    /// The reference coefficients; with three-fold, the viewpoint.
    pub reference: Placed<CoefficientsFile>,
    /// Explained and unexplained, or endowments, coefficients and interaction.
    pub fold: FoldFile,
    /// Least squares on a binomial or poisson outcome.
    pub linear: bool,
    /// The two halves and the components of what is not explained, and a row for each term.
    pub detail: bool,
    /// Whether coefficients of categories are normalised to sum to zero over all levels, the base included.
    pub normalize: bool,
    /// Standard errors from influence functions, or by the classical formula.
    pub se: Placed<SeFile>,
}

impl Default for OaxacaBlinderFile {
    fn default() -> Self {
        Self {
            reference: Placed::default_of(CoefficientsFile::default()),
            fold: FoldFile::default(),
            linear: false,
            detail: false,
            normalize: true,
            se: Placed::default_of(SeFile::default()),
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct FairlieFile {
    /// The group whose model gives the coefficients, or both together.
    pub coefficients: ModelCoefficientsFile,
    /// The rule that credits the blocks.
    pub attribution: FairlieAttributionFile,
    /// Number of random matchings, for the classical version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reps: Option<Placed<u32>>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct YunFile {
    /// The group whose model gives the coefficients, or both together.
    pub coefficients: ModelCoefficientsFile,
    /// Standard errors from influence functions, or by the classical formula.
    pub se: SeFile,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RankAndReplaceFile {
    /// Variables that stand for need; the allowables unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub need: Option<Vec<Word>>,
    /// Ranks of need alone, or combined with the other variables.
    pub variant: VariantFile,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct GelbachFile {
    /// Least squares on a binomial or poisson outcome.
    pub linear: bool,
    /// Standard errors from influence functions, or by the classical formula.
    pub se: Placed<SeFile>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct KhbFile {
    /// Standard errors from influence functions, or by the classical formula.
    pub se: SeFile,
    /// Average partial effects in place of log-odds.
    pub ape: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MechanismsFile {
    /// The rule that credits the blocks.
    pub attribution: MechanismsAttributionFile,
    /// The learner of the outcome and group models.
    pub learner: Placed<LearnerFile>,
    /// Number of folds of cross-fitting, with a learner other than glm.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub folds: Option<Placed<u32>>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct InterventionalFile {
    /// The blocks that are equalised.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub equalize: Option<Vec<Word>>,
    /// What the equalisation conditions on: allowable, and blocks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub given: Option<Vec<Word>>,
    /// How the counterfactual mean is estimated.
    pub estimator: InterventionalEstimatorFile,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct HospitalFile {
    /// Column of hospital ids.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<Word>,
    /// Hospitals as such, or by their characteristics.
    pub effects: HospitalEffectsFile,
    /// Allowable, and blocks; unless given those before the hospital block.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub given: Option<Vec<Word>>,
    /// Hospitals that only one group uses.
    pub unsupported: UnsupportedFile,
    /// Whether the hospitals are all there are or a sample of more.
    pub hospitals_as: HospitalsAsFile,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CdgdFile {
    /// Column of the treatment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub treatment: Option<Word>,
    /// What selection into treatment may depend on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub given: Option<Vec<Word>>,
}

/// Declares a set of words; the first is the default.
macro_rules! words {
    ($($(#[$meta:meta])* $name:ident { $(#[$first_meta:meta])* $first:ident $(, $(#[$rest_meta:meta])* $rest:ident)* })*) => { $(
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum $name {
            $(#[$first_meta])*
            #[default]
            $first,
            $($(#[$rest_meta])* $rest,)*
        }
    )* };
}

words! {
    AttributionFile {
        /// Averaged over all orders of the blocks.
        Shapley,
        /// In `causal_order` where given, otherwise in the order of `blocks`.
        Sequential,
        /// Each block as if it came first.
        FirstIn,
        /// Each block as if it came last.
        LastIn
    }
    SurfaceFile {
        /// Fitted in the reference group only.
        ReferenceModel,
        /// Fitted in both groups, with a group indicator.
        PooledMain,
        /// Fitted in both groups, every column times the group indicator.
        PooledInteracted
    }
    EstimatorFile {
        /// One-step, doubly robust.
        Dr,
        /// Plug-in of the outcome model.
        Gcomp
    }
    TargetFile { Index, Reference, Pooled }
    LearnerFile { Glm, Ridge, ElasticNet, RandomForest, BoostedTrees, Stack }
    CoefficientsFile {
        Reference,
        Index,
        /// Pooled with a group indicator, whose coefficient is dropped.
        Pooled,
        /// Pooled without a group indicator.
        Neumark,
        /// Mean of the two groups' coefficients, weighted by their sizes.
        Cotton,
        /// Plain mean of the two groups' coefficients.
        Reimers
    }
    FoldFile { Two, Three }
    SeFile { Influence, Classical }
    ModelCoefficientsFile { Reference, Index, Pooled }
    FairlieAttributionFile { Shapley, Sequential }
    VariantFile { Rank, Combined }
    MechanismsAttributionFile { Sequential, Shapley }
    InterventionalEstimatorFile { Dr, Gcomp, Donors, Product }
    HospitalEffectsFile { Ids, Characteristics }
    UnsupportedFile {
        /// Borrow up to 2% of the mass, restrict above.
        Auto,
        Borrow,
        Restrict
    }
    HospitalsAsFile { Population, Sample }
}
