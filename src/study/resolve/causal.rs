//! The causal layer: mechanisms, interventional, hospital, cdgd. What they read beside the variables, and their settings.

use super::Resolver;
use crate::cohort::plan::Named;
use crate::decompose::Method;
use crate::decompose::mechanisms::Mechanisms;
use crate::error::{codes, nearest};
use crate::study::file::{CdgdFile, HospitalFile, InterventionalFile, LearnerFile, MechanismsAttributionFile, MechanismsFile, MethodFile};
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
        _options: &InterventionalFile,
        _causal_order: Option<&[usize]>,
    ) -> Option<Box<dyn Method>> {
        self.method_not_built(method)
    }

    pub(super) fn hospital(
        &mut self,
        method: &Placed<MethodFile>,
        _options: &HospitalFile,
        _causal_order: Option<&[usize]>,
    ) -> Option<Box<dyn Method>> {
        self.method_not_built(method)
    }

    pub(super) fn cdgd(&mut self, method: &Placed<MethodFile>, _options: &CdgdFile) -> Option<Box<dyn Method>> {
        self.method_not_built(method)
    }

    fn method_not_built(&mut self, method: &Placed<MethodFile>) -> Option<Box<dyn Method>> {
        let what = format!("the method `{}`", method.value.name());
        self.not_built(&what, method.span, "this version has with_and_without, oaxaca_blinder, yun, fairlie, gelbach, khb and rank_and_replace");
        None
    }
}
