//! The causal layer: mechanisms, interventional, hospital, cdgd. What they read beside the variables, and their settings.

use super::Resolver;
use super::analyses::fixed_effects;
use crate::cohort::plan::Named;
use crate::decompose::Method;
use crate::decompose::cdgd::Cdgd;
use crate::decompose::interventional::{Estimator, Interventional};
use crate::decompose::mechanisms::Mechanisms;
use crate::error::{codes, nearest};
use crate::estimate::resample::Bootstrap;
use crate::study::file::{
    BootstrapFile, CdgdFile, HospitalFile, InterventionalEstimatorFile, InterventionalFile, LearnerFile, MechanismsAttributionFile, MechanismsFile,
    MethodFile, UncertaintyFile,
};
use crate::study::placed::{Placed, Word};
use crate::vocab::BlockSet;

/// What `given` and `equalize` may name beside blocks.
const ALLOWABLE: &str = "allowable";
/// Blocks of `mechanisms`: each one doubles the number of means.
const MOST_MECHANISMS: usize = 6;

impl Resolver<'_> {
    /// Columns that analyses read as labels, once each: what for, and which.
    pub(super) fn labelled(&self) -> Vec<(&'static str, Named)> {
        let mut out: Vec<(&'static str, Named)> = Vec::new();
        for method in self.file.analyses.values() {
            let found = match &method.value {
                MethodFile::Hospital(HospitalFile { id: Some(word), .. }) => ("the hospital id", word),
                MethodFile::Cdgd(CdgdFile { treatment: Some(word), .. }) => ("the treatment", word),
                _ => continue,
            };
            if !out.iter().any(|(_, named)| named.name == found.1.value) {
                out.push((found.0, self.named(found.1)));
            }
        }
        out
    }

    /// The blocks that `key` names; `allowable` may stand among them where `fair` says so. `None` if a name is wrong (reported).
    pub(super) fn block_set(&mut self, key: &str, words: &[Word], fair: bool) -> Option<BlockSet> {
        let file = self.file;
        let names: Vec<&str> = file.blocks.keys().map(|name| name.value.as_str()).collect();
        let mut set = BlockSet::NONE;
        let mut right = true;
        for word in words {
            match names.iter().position(|name| *name == word.value) {
                Some(k) => set = set.with(k),
                None if fair && word.value == ALLOWABLE => {}
                None if !self.complete(&["blocks"]) => right = false,
                None => {
                    let known = names.iter().copied().chain(fair.then_some(ALLOWABLE));
                    let help = match nearest(&word.value, known) {
                        Some(near) => format!("write `{near}`"),
                        None => format!("the blocks are {}", names.join(", ")),
                    };
                    let message = format!("`{key}` names `{}`, which is not a block", word.value);
                    self.error(codes::G210, message, word.span, "not a block", &help);
                    right = false;
                }
            }
        }
        right.then_some(set)
    }

    pub(super) fn mechanisms(
        &mut self,
        method: &Placed<MethodFile>,
        options: &MechanismsFile,
        causal_order: Option<&[usize]>,
    ) -> Option<Box<dyn Method>> {
        if options.learner.value != LearnerFile::Glm {
            self.not_built("a learner other than glm", options.learner.span, "write `learner: glm`");
        }
        if let Some(folds) = &options.folds {
            self.not_built("`folds`", folds.span, "remove it: the models of `learner: glm` are not cross-fitted");
        }
        if self.file.blocks.len() > MOST_MECHANISMS {
            let message = format!("mechanisms takes at most {MOST_MECHANISMS} blocks, and this study has {}", self.file.blocks.len());
            self.error(codes::G213, message, method.span, "too many blocks", "merge blocks: every setting of the switches is a mean of its own");
        }
        if self.file.causal_order.is_none() && self.complete(&["causal_order"]) {
            let names: Vec<&str> = self.file.blocks.keys().map(|name| name.value.as_str()).collect();
            let help = format!("say which block comes before which: `causal_order: [{}]`", names.join(", "));
            self.error(codes::G209, "mechanisms needs `causal_order`", method.span, "needs an order", &help);
        }
        let sequence = causal_order.map(<[usize]>::to_vec).unwrap_or_default();
        Some(Box::new(Mechanisms { shapley: options.attribution == MechanismsAttributionFile::Shapley, sequence }))
    }

    pub(super) fn interventional(
        &mut self,
        method: &Placed<MethodFile>,
        options: &InterventionalFile,
        causal_order: Option<&[usize]>,
    ) -> Option<Box<dyn Method>> {
        let file = self.file;
        let equalize = options.equalize_in_force(file);
        if equalize.is_empty() && self.complete(&["blocks", "causal_order"]) {
            let names: Vec<&str> = file.blocks.keys().map(|name| name.value.as_str()).collect();
            let help = format!("name the blocks that are equalised: `equalize: [{}]`", names.last().copied().unwrap_or_default());
            let message = "interventional needs `equalize`, or `causal_order`, whose last block is then equalised";
            self.error(codes::G209, message, method.span, "nothing is equalised", &help);
        }
        let given = options.given_in_force(file);
        let (equalized, conditional) = (self.block_set("equalize", &equalize, false)?, self.block_set("given", &given, true)?);
        let place = |k: usize| causal_order.and_then(|order| order.iter().position(|b| *b == k));
        let position = |word: &Word| file.blocks.get_index_of(word.value.as_str());
        for word in options.given.iter().flatten() {
            let Some(k) = position(word) else { continue };
            if equalized.contains(k) {
                let message = format!("`{}` is equalised and given", word.value);
                self.error(codes::G210, message, word.span, "in both", "take it out of one of the two");
            } else if let Some(earlier) = equalize.iter().find(|e| position(e).and_then(place) < place(k)) {
                let message = format!("`given` names `{}`, which comes after `{}` in `causal_order`", word.value, earlier.value);
                self.error(codes::G210, message, word.span, "follows from what is equalised", "take it out of `given`, or change `causal_order`");
            }
        }
        if options.estimator == InterventionalEstimatorFile::Dr
            && let Some(column) = fixed_effects(file)
        {
            let message = format!("`{column}` enters as fixed effects, and interventional then needs `estimator: gcomp`");
            let help = "write `estimator: gcomp`; the method `hospital` is made for hospital ids";
            self.error(codes::G209, message, method.span, "needs gcomp", help);
        }
        let estimator = match options.estimator {
            InterventionalEstimatorFile::Dr => Estimator::Dr,
            InterventionalEstimatorFile::Gcomp => Estimator::Gcomp,
            InterventionalEstimatorFile::Donors => Estimator::Donors,
            InterventionalEstimatorFile::Product => Estimator::Product,
        };
        Some(Box::new(Interventional { equalize: equalized, given: conditional, estimator, bootstrap: self.bootstrap() }))
    }

    /// Replicates and seed for what has no influence function. Intervals between percentiles of units need more of them than the error of
    /// resampled clusters (METHODS 6.3).
    fn bootstrap(&self) -> Bootstrap {
        match &self.file.uncertainty {
            UncertaintyFile::Bootstrap(options) => Bootstrap { replicates: options.replicates, seed: options.seed },
            UncertaintyFile::Influence(_) if self.file.cluster.is_some() => Bootstrap::default(),
            UncertaintyFile::Influence(_) => Bootstrap { replicates: BootstrapFile::default().replicates, ..Bootstrap::default() },
        }
    }

    pub(super) fn hospital(
        &mut self,
        method: &Placed<MethodFile>,
        _options: &HospitalFile,
        _causal_order: Option<&[usize]>,
    ) -> Option<Box<dyn Method>> {
        self.method_not_built(method)
    }

    pub(super) fn cdgd(&mut self, method: &Placed<MethodFile>, options: &CdgdFile) -> Option<Box<dyn Method>> {
        let file = self.file;
        let Some(treatment) = &options.treatment else {
            self.error(codes::G209, "cdgd needs `treatment`", method.span, "no treatment", "name a column of 0 and 1: `treatment: high_volume`");
            return None;
        };
        let roles = [("the group", &file.group.column), ("the outcome", &file.outcome.column)];
        let of_role = roles.iter().find(|(_, word)| *word == treatment).map(|(role, _)| *role);
        let is_variable = file.all_variables().any(|v| v.value.column() == Some(treatment.value.as_str()));
        if let Some(role) = of_role.or(is_variable.then_some("a variable of the study")) {
            let help = if is_variable { "take it out of the allowables and blocks: they come before the treatment" } else { "name another column" };
            let message = format!("`{}` is {role}, and cannot be the treatment as well", treatment.value);
            self.error(codes::G206, message, treatment.span, "has a role already", help);
        }
        let given = match &options.given {
            None => None,
            Some(words) => Some(self.block_set("given", words, true)?),
        };
        if given.is_some_and(BlockSet::is_empty) && file.allowable.is_empty() && self.complete(&["allowable"]) {
            self.error(codes::G213, "`given` names nothing", method.span, "empty", "name blocks, or remove the key for the unconditional version");
        }
        Some(Box::new(Cdgd { treatment: treatment.value.clone(), given, eif_only: false }))
    }

    fn method_not_built(&mut self, method: &Placed<MethodFile>) -> Option<Box<dyn Method>> {
        let what = format!("the method `{}`", method.value.name());
        self.not_built(&what, method.span, "this version has with_and_without, oaxaca_blinder, yun, fairlie, gelbach, khb and rank_and_replace");
        None
    }
}
