//! Analyses -> methods with their settings; what this version does not do is refused at its place.

use super::Resolver;
use crate::decompose::crossfit::CrossFit;
use crate::decompose::fairlie::Fairlie;
use crate::decompose::gelbach::Gelbach;
use crate::decompose::khb::Khb;
use crate::decompose::oaxaca::{Coefficients, Fold, OaxacaBlinder};
use crate::decompose::rank_and_replace::RankAndReplace;
use crate::decompose::with_and_without::{Attribution, Estimator, Surface, Target, WithAndWithout};
use crate::decompose::yun::Yun;
use crate::decompose::{Method, StdErrors};
use crate::error::{Problem, codes, nearest};
use crate::model::learner::LearnerKind;
use crate::study::file::{
    AttributionFile, CodingFile, CoefficientsFile, EstimatorFile, FairlieAttributionFile, FairlieFile, FamilyFile, FoldFile, LearnerFile, Link,
    MethodFile, MissingRuleFile, ModelCoefficientsFile, OaxacaBlinderFile, RankAndReplaceFile, SeFile, StudyFile, SurfaceFile, TargetFile,
    UncertaintyFile, Variable, VariantFile, WithAndWithoutFile,
};
use crate::study::placed::{Placed, Word};
use crate::study::plan::AnalysisPlan;
use crate::study::resolved::method_in_full;
use crate::vocab::Family;

impl Resolver<'_> {
    /// Positions of the blocks in causal order.
    pub(super) fn causal_order(&mut self) -> Option<Vec<usize>> {
        let file = self.file;
        let order = file.causal_order.as_ref()?;
        if !self.complete(&["blocks", "causal_order"]) {
            return None;
        }
        let names: Vec<&str> = file.blocks.keys().map(|name| name.value.as_str()).collect();
        let mut positions = Vec::new();
        for name in order {
            match file.blocks.get_index_of(name.value.as_str()) {
                None => {
                    let help = match nearest(&name.value, names.iter().copied()) {
                        Some(near) => format!("write `{near}`"),
                        None => format!("the blocks are {}", names.join(", ")),
                    };
                    self.error(codes::G210, format!("`causal_order` names `{}`, which is not a block", name.value), name.span, "not a block", &help);
                }
                Some(position) if positions.contains(&position) => {
                    self.error(codes::G210, format!("`causal_order` names `{}` twice", name.value), name.span, "repeated", "remove one of the two");
                }
                Some(position) => positions.push(position),
            }
        }
        let left_out: Vec<&str> = names.iter().enumerate().filter(|(k, _)| !positions.contains(k)).map(|(_, name)| *name).collect();
        if !left_out.is_empty() && positions.len() == order.len() {
            let message = format!("`causal_order` leaves out {}", left_out.join(", "));
            self.error(codes::G210, message, self.section("causal_order"), "not all blocks", "name every block once");
        }
        Some(positions)
    }

    pub(super) fn analyses(&mut self, causal_order: Option<&[usize]>) -> Vec<AnalysisPlan> {
        let file = self.file;
        let mut plans = Vec::new();
        for (name, method) in &file.analyses {
            if let Some(built) = self.method(method, causal_order) {
                self.check_family(name, method, built.as_ref());
                self.check_errors(name, method, built.as_ref());
                let settings = method_in_full(&method.value, file);
                plans.push(AnalysisPlan { name: name.value.clone(), place: self.place(name.span), method: built, settings });
            }
        }
        let by_influence: Vec<&str> = plans.iter().filter(|plan| !plan.method.resamples()).map(|plan| plan.name.as_str()).collect();
        if let UncertaintyFile::Bootstrap(_) = file.uncertainty
            && !by_influence.is_empty()
        {
            let message = format!("the standard errors of {} come from influence functions, not from `bootstrap`", by_influence.join(", "));
            let problem = Problem::warning(codes::G505, message)
                .at(self.place(self.section("uncertainty")))
                .label("for methods without influence functions")
                .help("resampling is for `interventional` with `estimator: donors`; the two agree where both exist");
            self.problems.push(problem);
        }
        if !file.analyses.contains_key("primary") && self.complete(&["analyses"]) {
            let names: Vec<&str> = file.analyses.keys().map(|name| name.value.as_str()).collect();
            let problem = Problem::error(codes::G105, "no analysis is called `primary`")
                .at(self.place(self.section("analyses")))
                .label("`primary` is missing")
                .note(format!("found: {}", names.join(", ")))
                .help("call the analysis that the study is about `primary`");
            self.problems.push(problem);
        }
        plans
    }

    fn check_family(&mut self, name: &Word, method: &Placed<MethodFile>, built: &dyn Method) {
        let family = match self.file.outcome.family.value {
            FamilyFile::Gaussian(_) => Family::Gaussian,
            FamilyFile::Binomial(ref options) if options.link.value == Link::Probit => Family::Probit,
            FamilyFile::Binomial(_) => Family::Binomial,
            FamilyFile::Poisson(_) => Family::Poisson,
        };
        let Some(reason) = built.refuses(family).filter(|_| self.complete(&["outcome"])) else { return };
        let help = match &method.value {
            MethodFile::Gelbach(_) => {
                format!("write `{{ {}: {{ linear: true }} }}` for least squares on this outcome", built.name())
            }
            _ => format!("`gapshare explain {}` says what it needs", built.name()),
        };
        let message = format!("the analysis `{}`, {}, cannot be used here: {reason}", name.value, built.name());
        self.error(codes::G209, message, method.span, "not for this outcome", &help);
    }

    fn method(&mut self, method: &Placed<MethodFile>, causal_order: Option<&[usize]>) -> Option<Box<dyn Method>> {
        match &method.value {
            MethodFile::WithAndWithout(options) => Some(Box::new(self.with_and_without(method, options, causal_order))),
            MethodFile::OaxacaBlinder(options) => Some(Box::new(self.oaxaca_blinder(options))),
            MethodFile::Gelbach(options) => Some(Box::new(Gelbach { linear: options.linear, se: errors(options.se.value) })),
            MethodFile::Fairlie(options) => Some(Box::new(self.fairlie(options, causal_order))),
            MethodFile::Yun(options) => Some(Box::new(Yun { coefficients: of_model(options.coefficients), se: errors(options.se) })),
            MethodFile::RankAndReplace(options) => Some(Box::new(self.rank_and_replace(method, options))),
            MethodFile::Khb(options) => Some(Box::new(Khb { se: errors(options.se), ape: options.ape })),
            MethodFile::Mechanisms(options) => self.mechanisms(method, options, causal_order),
            MethodFile::Interventional(options) => self.interventional(method, options, causal_order),
            MethodFile::Hospital(options) => self.hospital(method, options),
            MethodFile::Cdgd(options) => self.cdgd(method, options),
        }
    }

    fn with_and_without(&mut self, method: &Placed<MethodFile>, options: &WithAndWithoutFile, causal_order: Option<&[usize]>) -> WithAndWithout {
        let learner = self.cross_fit(options.learner.value, options.folds.as_ref());
        let surface = match options.surface {
            SurfaceFile::ReferenceModel => Surface::ReferenceModel,
            SurfaceFile::PooledMain => Surface::PooledMain,
            SurfaceFile::PooledInteracted => Surface::PooledInteracted,
        };
        if let Some(asked) = options.estimator.as_ref().filter(|asked| asked.value == EstimatorFile::Dr && surface != Surface::ReferenceModel) {
            let message = "`estimator: dr` goes with `surface: reference_model`, not with a pooled surface";
            self.error(codes::G210, message, asked.span, "not with a pooled surface", "write `estimator: gcomp`, or `surface: reference_model`");
        }
        if learner.is_some() && surface != Surface::ReferenceModel {
            let message = "a learner goes with `surface: reference_model`, not with a pooled surface";
            self.error(
                codes::G210,
                message,
                options.learner.span,
                "not with a pooled surface",
                "write `surface: reference_model`, or `learner: glm`",
            );
        }
        let gcomp = options.estimator.as_ref().filter(|asked| asked.value == EstimatorFile::Gcomp);
        if let Some(asked) = gcomp.filter(|_| learner.is_some() && surface == Surface::ReferenceModel) {
            let message = "`estimator: gcomp` goes with `learner: glm`: the plug-in of a learner has no valid standard error";
            self.error(codes::G210, message, asked.span, "not with a learner", "remove it, or write `learner: glm`");
        }
        let explicit_gcomp = options.estimator.as_ref().is_some_and(|asked| asked.value == EstimatorFile::Gcomp);
        if let Some(column) = fixed_effects(self.file).filter(|_| !explicit_gcomp) {
            let message = format!("`{column}` enters as fixed effects, and with_and_without then needs `estimator: gcomp`");
            let span = options.estimator.as_ref().map_or(method.span, |asked| asked.span);
            self.error(codes::G209, message, span, "needs gcomp", "write `{ with_and_without: { estimator: gcomp } }`");
        }
        WithAndWithout {
            attribution: match options.attribution {
                AttributionFile::Shapley => Attribution::Shapley,
                AttributionFile::Sequential => Attribution::Sequential,
                AttributionFile::FirstIn => Attribution::FirstIn,
                AttributionFile::LastIn => Attribution::LastIn,
            },
            surface,
            estimator: match options.estimator_in_force() {
                EstimatorFile::Dr => Estimator::Dr,
                EstimatorFile::Gcomp => Estimator::Gcomp,
            },
            target: match options.target {
                TargetFile::Index => Target::Index,
                TargetFile::Reference => Target::Reference,
                TargetFile::Pooled => Target::Pooled,
            },
            sequence: causal_order.map(<[usize]>::to_vec).unwrap_or_default(),
            learner,
        }
    }

    /// How outcome and group are learned; `None` for GLMs, which are not cross-fitted.
    pub(super) fn cross_fit(&mut self, learner: LearnerFile, folds: Option<&Placed<u32>>) -> Option<CrossFit> {
        let kind = match learner {
            LearnerFile::Glm => None,
            LearnerFile::Ridge => Some(LearnerKind::Ridge),
            LearnerFile::ElasticNet => Some(LearnerKind::ElasticNet),
            LearnerFile::RandomForest => Some(LearnerKind::RandomForest),
            LearnerFile::BoostedTrees => Some(LearnerKind::BoostedTrees),
            LearnerFile::Stack => Some(LearnerKind::Stack),
        };
        match (kind, folds) {
            (None, Some(folds)) => {
                let message = "`folds` goes with a learner other than glm, whose models are not cross-fitted";
                self.error(codes::G210, message, folds.span, "not with glm", "remove it, or write `learner: boosted_trees`");
            }
            (Some(_), Some(folds)) if !(2..=20).contains(&folds.value) => {
                self.error(codes::G213, "`folds` is a number from 2 to 20", folds.span, "out of range", "write `folds: 5`");
            }
            _ => {}
        }
        let fit = CrossFit::new(kind?);
        Some(CrossFit { folds: folds.map_or(fit.folds, |folds| folds.value as usize), ..fit })
    }

    fn oaxaca_blinder(&mut self, options: &OaxacaBlinderFile) -> OaxacaBlinder {
        let three = options.fold == FoldFile::Three;
        if three && !matches!(options.reference.value, CoefficientsFile::Reference | CoefficientsFile::Index) {
            let message = "`fold: three` takes `reference: reference` or `reference: index`, the viewpoint";
            self.error(codes::G210, message, options.reference.span, "not with three-fold", "write `reference: reference`, or `fold: two`");
        }
        OaxacaBlinder {
            reference: match options.reference.value {
                CoefficientsFile::Reference => Coefficients::Reference,
                CoefficientsFile::Index => Coefficients::Index,
                CoefficientsFile::Pooled => Coefficients::Pooled,
                CoefficientsFile::Neumark => Coefficients::Neumark,
                CoefficientsFile::Cotton => Coefficients::Cotton,
                CoefficientsFile::Reimers => Coefficients::Reimers,
            },
            fold: match options.fold {
                FoldFile::Two => Fold::Two,
                FoldFile::Three => Fold::Three,
            },
            linear: options.linear,
            detail: options.detail,
            normalize: options.normalize,
            se: errors(options.se.value),
        }
    }

    fn fairlie(&mut self, options: &FairlieFile, causal_order: Option<&[usize]>) -> Fairlie {
        if let Some(reps) = options.reps.as_ref().filter(|reps| reps.value < 2) {
            self.error(codes::G213, "`reps` is the number of random matchings, at least 2", reps.span, "too few", "write `reps: 1000`, or remove it");
        }
        Fairlie {
            coefficients: of_model(options.coefficients),
            sequential: options.attribution == FairlieAttributionFile::Sequential,
            reps: options.reps.as_ref().map(|reps| reps.value),
            sequence: causal_order.map(<[usize]>::to_vec).unwrap_or_default(),
        }
    }

    fn rank_and_replace(&mut self, method: &Placed<MethodFile>, options: &RankAndReplaceFile) -> RankAndReplace {
        let file = self.file;
        let names: Vec<&str> = file.all_variables().filter_map(|variable| variable.value.column()).collect();
        match &options.need {
            None if file.allowable.is_empty() && self.complete(&["allowable"]) => {
                let message = "rank_and_replace needs variables that stand for need, and nothing is allowable";
                self.error(codes::G209, message, method.span, "needs `need`", "list them: `{ rank_and_replace: { need: [age_years, sex] } }`");
            }
            Some(need) if need.is_empty() => {
                self.error(
                    codes::G213,
                    "`need` names no variable",
                    method.span,
                    "empty",
                    "list the variables that stand for need, or remove the key",
                );
            }
            _ => {}
        }
        for word in options.need.iter().flatten().filter(|word| !names.contains(&word.value.as_str())) {
            if !self.complete(&["allowable", "blocks"]) {
                continue;
            }
            let help = match nearest(&word.value, names.iter().copied()) {
                Some(near) => format!("write `{near}`"),
                None => format!("list `{}` as an allowable or in a block as well", word.value),
            };
            let message = format!("`need` names `{}`, which is not a variable of the study", word.value);
            self.error(codes::G210, message, word.span, "not a variable", &help);
        }
        RankAndReplace {
            need: options.need.iter().flatten().map(|word| word.value.clone()).collect(),
            combined: options.variant == VariantFile::Combined,
        }
    }

    /// Classical errors know neither weights nor clusters; the first is refused, the second said.
    fn check_errors(&mut self, name: &Word, method: &Placed<MethodFile>, built: &dyn Method) {
        // An exposure is a weight too: a rate counts as much as its exposure.
        let responding = self.file.missing.rules.values().any(|r| r.value == MissingRuleFile::InverseProbability);
        let weighted =
            [("weight", self.file.weight.is_some()), ("exposure", self.file.outcome.exposure.is_some()), ("inverse_probability", responding)];
        for (key, _) in weighted.into_iter().filter(|(_, given)| *given) {
            if let Some(reason) = built.refuses_weights() {
                let message = format!("the analysis `{}`, {}, cannot be used with `{key}`: {reason}", name.value, built.name());
                self.error(codes::G209, message, method.span, "not with weights", &format!("remove `{key}`, or the option"));
            }
        }
        if built.classical_errors() && self.file.cluster.is_some() {
            let problem =
                Problem::warning(codes::G504, format!("the classical standard errors of the analysis `{}` take no account of `cluster`", name.value))
                    .at(self.place(method.span))
                    .label("independent units")
                    .help("they are there to be compared with other programs; `se: influence` has cluster sums");
            self.problems.push(problem);
        }
    }
}

/// A variable that enters as fixed effects.
pub(super) fn fixed_effects(file: &StudyFile) -> Option<&str> {
    file.all_variables().find_map(|variable| match &variable.value {
        Variable::Column { name, coding: Some(CodingFile::FixedEffects(_)) } => Some(name.as_str()),
        Variable::Column { .. } | Variable::Interaction(_) => None,
    })
}

fn errors(se: SeFile) -> StdErrors {
    match se {
        SeFile::Influence => StdErrors::Influence,
        SeFile::Classical => StdErrors::Classical,
    }
}

fn of_model(coefficients: ModelCoefficientsFile) -> Coefficients {
    match coefficients {
        ModelCoefficientsFile::Reference => Coefficients::Reference,
        ModelCoefficientsFile::Index => Coefficients::Index,
        ModelCoefficientsFile::Pooled => Coefficients::Pooled,
    }
}
