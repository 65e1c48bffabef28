//! Analyses -> methods with their settings; what this version does not do is refused at its place.

use super::Resolver;
use crate::decompose::Method;
use crate::decompose::gelbach::Gelbach;
use crate::decompose::oaxaca::{Coefficients, Fold, OaxacaBlinder};
use crate::decompose::with_and_without::{Attribution, Estimator, Surface, Target, WithAndWithout};
use crate::error::{Problem, codes, nearest};
use crate::study::file::{
    AttributionFile, CodingFile, CoefficientsFile, EstimatorFile, FamilyFile, FoldFile, GelbachFile, LearnerFile, MethodFile, OaxacaBlinderFile,
    SeFile, SurfaceFile, TargetFile, Variable, WithAndWithoutFile,
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
                let settings = method_in_full(&method.value);
                plans.push(AnalysisPlan { name: name.value.clone(), place: self.place(name.span), method: built, settings });
            }
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
            FamilyFile::Binomial(_) => Family::Binomial,
            FamilyFile::Poisson(_) => Family::Poisson,
        };
        let Some(reason) = built.refuses(family).filter(|_| self.complete(&["outcome"])) else { return };
        let help = match &method.value {
            MethodFile::OaxacaBlinder(_) | MethodFile::Gelbach(_) => {
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
            MethodFile::Gelbach(options) => Some(Box::new(self.gelbach(options))),
            MethodFile::Fairlie(_)
            | MethodFile::Yun(_)
            | MethodFile::RankAndReplace(_)
            | MethodFile::Khb(_)
            | MethodFile::Mechanisms(_)
            | MethodFile::Interventional(_)
            | MethodFile::Hospital(_)
            | MethodFile::Cdgd(_) => {
                let what = format!("the method `{}`", method.value.name());
                self.not_built(&what, method.span, "this version has with_and_without, oaxaca_blinder and gelbach");
                None
            }
        }
    }

    fn with_and_without(&mut self, method: &Placed<MethodFile>, options: &WithAndWithoutFile, causal_order: Option<&[usize]>) -> WithAndWithout {
        if options.learner.value != LearnerFile::Glm {
            self.not_built("a learner other than glm", options.learner.span, "write `learner: glm`");
        }
        if let Some(folds) = &options.folds {
            self.not_built("`folds`", folds.span, "remove it: the models of `learner: glm` are not cross-fitted");
        }
        let surface = match options.surface {
            SurfaceFile::ReferenceModel => Surface::ReferenceModel,
            SurfaceFile::PooledMain => Surface::PooledMain,
            SurfaceFile::PooledInteracted => Surface::PooledInteracted,
        };
        if let Some(asked) = options.estimator.as_ref().filter(|asked| asked.value == EstimatorFile::Dr && surface != Surface::ReferenceModel) {
            let message = "`estimator: dr` goes with `surface: reference_model`, not with a pooled surface";
            self.error(codes::G210, message, asked.span, "not with a pooled surface", "write `estimator: gcomp`, or `surface: reference_model`");
        }
        let explicit_gcomp = options.estimator.as_ref().is_some_and(|asked| asked.value == EstimatorFile::Gcomp);
        let fixed_effects = self.file.all_variables().find_map(|variable| match &variable.value {
            Variable::Column { name, coding: Some(CodingFile::FixedEffects(_)) } => Some(name),
            Variable::Column { .. } | Variable::Interaction(_) => None,
        });
        if let Some(column) = fixed_effects.filter(|_| !explicit_gcomp) {
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
        }
    }

    fn oaxaca_blinder(&mut self, options: &OaxacaBlinderFile) -> OaxacaBlinder {
        let three = options.fold == FoldFile::Three;
        if three && !matches!(options.reference.value, CoefficientsFile::Reference | CoefficientsFile::Index) {
            let message = "`fold: three` takes `reference: reference` or `reference: index`, the viewpoint";
            self.error(codes::G210, message, options.reference.span, "not with three-fold", "write `reference: reference`, or `fold: two`");
        }
        if options.detail.value {
            self.not_built("`detail: true`", options.detail.span, "remove it: the blocks are still shown");
        }
        if let Some(normalize) = &options.normalize {
            self.not_built("`normalize`", normalize.span, "remove it: it concerns only the rows of `detail: true`");
        }
        self.influence_only(&options.se);
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
        }
    }

    fn gelbach(&mut self, options: &GelbachFile) -> Gelbach {
        self.influence_only(&options.se);
        Gelbach { linear: options.linear }
    }

    fn influence_only(&mut self, se: &Placed<SeFile>) {
        if se.value == SeFile::Classical {
            self.not_built("`se: classical`", se.span, "write `se: influence`");
        }
    }
}
