//! The causal layer: mechanisms, interventional, hospital, cdgd. What they read beside the variables, and their settings.

use super::Resolver;
use crate::cohort::plan::Named;
use crate::decompose::Method;
use crate::decompose::hospital::{Effects, Errors, Hospital, HospitalsAs, Unsupported};
use crate::error::{codes, nearest};
use crate::study::file::{
    CdgdFile, CodingFile, HospitalEffectsFile, HospitalFile, HospitalsAsFile, InterventionalFile, MechanismsFile, MethodFile, UnsupportedFile,
    Variable,
};
use crate::study::placed::{Placed, Word};
use crate::vocab::BlockSet;

/// What `given` and `equalize` may name beside blocks.
const ALLOWABLE: &str = "allowable";

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
        if let Some(word) = &options.id {
            return Some(self.named(word));
        }
        let mut fixed = self.file.all_variables().filter_map(|variable| match &variable.value {
            Variable::Column { name, coding: Some(CodingFile::FixedEffects(_)) } => Some((name, variable.span)),
            Variable::Column { .. } | Variable::Interaction(_) => None,
        });
        match (fixed.next(), fixed.next()) {
            (Some((name, span)), None) => Some(Named { name: name.clone(), place: self.place(span) }),
            _ => None,
        }
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
        _options: &MechanismsFile,
        _causal_order: Option<&[usize]>,
    ) -> Option<Box<dyn Method>> {
        self.method_not_built(method)
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
        options: &HospitalFile,
        causal_order: Option<&[usize]>,
    ) -> Option<Box<dyn Method>> {
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
        let order: Vec<usize> = causal_order.map_or_else(|| (0..file.blocks.len()).collect(), <[usize]>::to_vec);
        let holds_id = |list: &[Placed<Variable>]| list.iter().any(|v| id.as_ref().is_some_and(|id| v.value.column() == Some(id.name.as_str())));
        let of_ids = file.blocks.values().position(|list| holds_id(list));
        let named = match &options.given {
            Some(words) => Some(self.block_set("given", words, true)?),
            None => None,
        };
        // The block of the hospitals: the one with their ids, or the last that patients are not compared given.
        let block = of_ids.or_else(|| order.iter().rev().copied().find(|k| !named.is_some_and(|set| set.contains(*k))));
        let Some(block) = block else {
            let help = "leave the block of the hospitals out of `given`";
            self.error(codes::G210, "`given` names every block, and none is left for the hospitals", method.span, "no hospital block", help);
            return None;
        };
        if let Some((k, _)) = named.map(|set| (block, set)).filter(|(k, set)| set.contains(*k)) {
            let name = file.blocks.keys().nth(k).map_or("", |name| name.value.as_str());
            let message = format!("`given` names `{name}`, the block that holds the hospital ids");
            self.error(codes::G210, message, method.span, "the hospitals themselves", "leave it out of `given`");
            return None;
        }
        let before = order.iter().copied().take_while(|k| *k != block).fold(BlockSet::NONE, BlockSet::with);
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

    pub(super) fn cdgd(&mut self, method: &Placed<MethodFile>, _options: &CdgdFile) -> Option<Box<dyn Method>> {
        self.method_not_built(method)
    }

    fn method_not_built(&mut self, method: &Placed<MethodFile>) -> Option<Box<dyn Method>> {
        let what = format!("the method `{}`", method.value.name());
        self.not_built(
            &what,
            method.span,
            "this version has with_and_without, oaxaca_blinder, yun, fairlie, gelbach, khb, rank_and_replace and hospital",
        );
        None
    }
}
