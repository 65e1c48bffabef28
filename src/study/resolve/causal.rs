//! The causal layer: mechanisms, interventional, hospital, cdgd. What they read beside the variables, and their settings.

use super::Resolver;
use super::analyses::fixed_effects;
use crate::cohort::plan::Named;
use crate::decompose::Method;
use crate::decompose::cdgd::Cdgd;
use crate::decompose::hospital::{Effects, Errors, Hospital, HospitalsAs, Unsupported};
use crate::decompose::interventional::{Estimator, Interventional};
use crate::decompose::mechanisms::Mechanisms;
use crate::error::{codes, nearest};
use crate::estimate::resample::Bootstrap;
use crate::study::file::{
    BootstrapFile, CdgdFile, HospitalEffectsFile, HospitalFile, HospitalsAsFile, InterventionalEstimatorFile, InterventionalFile,
    MechanismsAttributionFile, MechanismsFile, MethodFile, UncertaintyFile, UnsupportedFile, Variable,
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
                MethodFile::Hospital(options) => self.hospital_id(options).map(|named| ("the hospital id", named)),
                MethodFile::Cdgd(CdgdFile { treatment: Some(word), .. }) => Some(("the treatment", self.named(word))),
                _ => None,
            };
            out.extend(found.filter(|(_, named)| !out.iter().any(|(_, known)| known.name == named.name)));
        }
        out
    }

    /// The column of hospital ids: the one that is named, or the only one that enters as fixed effects.
    fn hospital_id(&self, options: &HospitalFile) -> Option<Named> {
        options.id_in_force(self.file).map(|word| self.named(&word))
    }

    /// The blocks that `key` names; `allowable` may stand among them where `fair` says so. `None` if a name is wrong (reported).
    pub(super) fn block_set(&mut self, key: &str, words: &[Word], fair: bool) -> Option<BlockSet> {
        let file = self.file;
        let names: Vec<&str> = file.blocks.keys().map(|name| name.value.as_str()).collect();
        let mut set = BlockSet::NONE;
        let mut right = true;
        for word in words {
            match names.iter().position(|name| *name == word.value) {
                Some(k) if set.contains(k) => {
                    self.error(codes::G210, format!("`{key}` names `{}` twice", word.value), word.span, "repeated", "remove one of the two");
                    right = false;
                }
                Some(k) => set = set.with(k),
                None if fair && word.value == ALLOWABLE => {}
                None if !self.complete(&["blocks"]) => right = false,
                None => {
                    let known = names.iter().copied().chain(fair.then_some(ALLOWABLE));
                    let help = match nearest(&word.value, known) {
                        Some(near) => format!("write `{near}`"),
                        None if names.is_empty() => "the study has no blocks".to_owned(),
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
        let learner = self.cross_fit(options.learner.value, options.folds.as_ref());
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
        Some(Box::new(Mechanisms { shapley: options.attribution == MechanismsAttributionFile::Shapley, sequence, learner }))
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
            let message = match options.equalize {
                Some(_) => "`equalize` names no block, so nothing is equalised",
                None => "interventional needs `equalize`, or `causal_order`, whose last block is then equalised",
            };
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

    pub(super) fn hospital(&mut self, method: &Placed<MethodFile>, options: &HospitalFile) -> Option<Box<dyn Method>> {
        let file = self.file;
        let id = self.hospital_id(options);
        let ids = options.effects == HospitalEffectsFile::Ids;
        if id.is_none() && ids {
            let help =
                "write `{ hospital: { id: hospital_id } }` with the column that says where each unit was treated, or `effects: characteristics`";
            self.error(codes::G209, "`hospital` needs `id`, the column of hospital ids", method.span, "no hospital ids", help);
        }
        for (set, key) in
            [(options.hospitals_as != HospitalsAsFile::Population, "hospitals_as"), (options.unsupported != UnsupportedFile::Auto, "unsupported")]
        {
            if set && !ids {
                let message = format!("`{key}` goes with `effects: ids`: characteristics are an ordinary block");
                self.error(codes::G210, message, method.span, "not with characteristics", "remove it");
            }
        }
        if !(1..=50).contains(&options.quadrature.value) {
            let message = "`quadrature` is the number of nodes, from 1 to 50";
            self.error(codes::G213, message, options.quadrature.span, "not a number of nodes", "write `quadrature: 1` for Laplace's approximation");
        }
        let named = match &options.given {
            Some(words) => Some(self.block_set("given", words, true)?),
            None => None,
        };
        let block = options.block_in_force(file);
        if block.is_none() && !ids {
            let help = "leave the block of the hospitals' characteristics out of `given`";
            self.error(codes::G210, "`given` names every block, and none is left for the hospitals", method.span, "no hospital block", help);
            return None;
        }
        if let Some((k, _)) = block.zip(named).filter(|(k, set)| set.contains(*k)) {
            let name = file.blocks.keys().nth(k).map_or("", |name| name.value.as_str());
            let message = format!("`given` names `{name}`, the block that holds the hospital ids");
            self.error(codes::G210, message, method.span, "the hospitals themselves", "leave it out of `given`");
            return None;
        }
        if let (Some(block), Some(words)) = (block, &options.given) {
            self.hospitals_come_last(words, block);
        }
        if let Some(id) = &options.id {
            self.no_other_role(id, "the hospital id", false);
        }
        let before =
            options.given_in_force(file).iter().filter_map(|w| file.blocks.get_index_of(w.value.as_str())).fold(BlockSet::NONE, BlockSet::with);
        Some(Box::new(Hospital {
            id: id.map(|named| named.name),
            effects: if ids { Effects::Ids } else { Effects::Characteristics },
            given: named.unwrap_or(before),
            block,
            unsupported: match options.unsupported {
                UnsupportedFile::Auto => Unsupported::Auto,
                UnsupportedFile::Borrow => Unsupported::Borrow,
                UnsupportedFile::Restrict => Unsupported::Restrict,
            },
            hospitals_as: match options.hospitals_as {
                HospitalsAsFile::Population => HospitalsAs::Population,
                HospitalsAsFile::Sample => HospitalsAs::Sample,
            },
            quadrature: options.quadrature.value,
            errors: Errors::Leverage,
        }))
    }

    /// Blocks that patients are compared given come before the hospital: what follows from where they go is part of what is divided.
    fn hospitals_come_last(&mut self, given: &[Word], hospital: usize) {
        let file = self.file;
        let Some((hospital, _)) = file.blocks.get_index(hospital) else { return };
        let after: Vec<&Word> = file.causal_order.iter().flatten().skip_while(|b| *b != hospital).skip(1).collect();
        for word in given.iter().filter(|word| after.contains(word)) {
            let message = format!("`given` names `{}`, which comes after `{}`, the hospital block, in `causal_order`", word.value, hospital.value);
            let help = format!("take `{}` out of `given`, or change `causal_order`", word.value);
            self.error(codes::G210, message, word.span, "follows from where patients go", &help);
        }
    }

    /// A column that an analysis reads as labels has no other role: not the group, the outcome or an allowable, nor, where it comes after them
    /// all, in a block.
    fn no_other_role(&mut self, column: &Word, what: &str, nor_in_blocks: bool) {
        let file = self.file;
        let roles = [("the group", &file.group.column), ("the outcome", &file.outcome.column)];
        let of_role = roles.iter().find(|(_, word)| *word == column).map(|(role, _)| *role);
        let is = |v: &Placed<Variable>| v.value.column() == Some(column.value.as_str());
        let is_variable = if nor_in_blocks { file.all_variables().any(is) } else { file.allowable.iter().any(is) };
        let role = if nor_in_blocks { "a variable of the study" } else { "an allowable" };
        if let Some(role) = of_role.or(is_variable.then_some(role)) {
            let help = match (is_variable, nor_in_blocks) {
                (true, true) => "take it out of the allowables and blocks: they come before the treatment",
                (true, false) => "take it out of the allowables: given the hospital itself, nothing is left of where patients go",
                (false, _) => "name another column",
            };
            let message = format!("`{}` is {role}, and cannot be {what} as well", column.value);
            self.error(codes::G206, message, column.span, "has a role already", help);
        }
    }

    pub(super) fn cdgd(&mut self, method: &Placed<MethodFile>, options: &CdgdFile) -> Option<Box<dyn Method>> {
        let file = self.file;
        let Some(treatment) = &options.treatment else {
            self.error(codes::G209, "cdgd needs `treatment`", method.span, "no treatment", "name a column of 0 and 1: `treatment: high_volume`");
            return None;
        };
        self.no_other_role(treatment, "the treatment", true);
        let given = match &options.given {
            None => None,
            Some(words) => Some(self.block_set("given", words, true)?),
        };
        if given.is_some_and(BlockSet::is_empty) && file.allowable.is_empty() && self.complete(&["allowable"]) {
            self.error(codes::G213, "`given` names nothing", method.span, "empty", "name blocks, or remove the key for the unconditional version");
        }
        Some(Box::new(Cdgd { treatment: treatment.value.clone(), given, eif_only: false }))
    }
}
