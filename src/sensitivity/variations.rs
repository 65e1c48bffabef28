//! The same method on the same units with one choice changed: settings, orders, samples, variables, blocks, allowables.

use super::{AllowableSet, Figure, Found, Retained, Subject, Variation, Varied, gate_fails, rests_on, sampling};
use crate::decompose::fits::{Fits, FittedIn, GroupTerms, Toward};
use crate::decompose::{Component, DecomposeError, Decomposition, Method, Variant, Vary};
use crate::design::{Contrast, Design};
use crate::inference::{infer_decomposition, sampling_of};
use crate::vocab::{BlockSet, Family, Role};

type Reported = Result<Decomposition, DecomposeError>;

impl Subject<'_> {
    /// Rows of a decomposition under one setting.
    pub(super) fn rows(&self, variation: Variation, setting: &str, fits: &Fits<'_>, method: &dyn Method, found: &Reported) -> Vec<Varied> {
        let d = match found {
            Ok(d) => d,
            Err(e) => return vec![Varied::failed(variation, setting, e.clone())],
        };
        let c = fits.contrast;
        let sampling = sampling(c, self.level);
        let blinded = gate_fails(fits, method, d, &sampling);
        let mut out: Vec<Varied> = infer_decomposition(d, &sampling_of(d, &sampling))
            .into_iter()
            .map(|r| {
                let found = match r.component {
                    Component::Block(k) if c.design.is_empty_block(k) => Found::Undefined("no variable of the block is left".into()),
                    _ => Found::Estimate(r.value),
                };
                Varied::new(variation, setting, Figure::Part(r.part, r.component), found)
            })
            .collect();
        out.extend(
            d.undefined.iter().map(|u| Varied::new(variation, setting, Figure::Part(u.part, u.component), Found::Undefined(u.reason.clone()))),
        );
        let (population, least) = rests_on(d);
        out.iter_mut().for_each(|v| {
            (v.scale, v.blinded) = (Some(d.scale), blinded);
            (v.population, v.least) = (population, least);
        });
        out
    }

    /// The method as it is, on another design.
    pub(super) fn on_design(&self, variation: Variation, setting: &str, design: &Design, index_group: usize) -> Vec<Varied> {
        self.method_on_design(variation, setting, design, index_group, self.method)
    }

    pub(super) fn method_on_design(
        &self,
        variation: Variation,
        setting: &str,
        design: &Design,
        index_group: usize,
        method: &dyn Method,
    ) -> Vec<Varied> {
        let c = Contrast::new(design, index_group);
        let fits = Fits::new(&c);
        self.rows(variation, setting, &fits, method, &method.decompose(&fits))
    }

    /// The smallest and the largest contribution of each block over all orders.
    pub(super) fn order(&self) -> Vec<Varied> {
        let d = match &self.reported {
            Ok(d) => d,
            Err(e) => return vec![Varied::failed(Variation::Order, "all orders", e.clone())],
        };
        let mut out = Vec::new();
        for (r, rules) in d.rows.iter().filter_map(|r| Some((r, r.rules?))) {
            for (setting, value) in [("smallest", rules.order_min), ("largest", rules.order_max)] {
                let row = Varied::new(Variation::Order, setting, Figure::Part(r.part, r.component), Found::Number(value)).on(d.scale);
                out.push(Varied { blinded: self.blinded, ..row });
            }
        }
        if out.is_empty() {
            out.push(Varied::undefined(Variation::Order, "all orders", format!("{} credits blocks without an order", self.method.name())));
        }
        out
    }

    /// The method with its other choices of one setting.
    pub(super) fn settings(&self, vary: Vary) -> Vec<Varied> {
        let variation = Variation::Setting(vary);
        let design = self.fits.contrast.design;
        if vary != Vary::Target && design.factors.iter().any(|f| f.fixed_effects) {
            let reason = "with fixed effects only the plug-in of the other group's model is offered: a group model has no fit with them";
            return vec![Varied::undefined(variation, "all", reason)];
        }
        let variants: Vec<_> = self.method.variants().into_iter().filter(|v| v.vary == vary).collect();
        if variants.is_empty() {
            let reason = format!("{}, as it is set here, has no other {}", self.method.name(), vary.name());
            return vec![Varied::undefined(variation, "all", reason)];
        }
        let of = |v: &Variant| self.rows(variation, v.setting, self.fits, v.method.as_ref(), &v.method.decompose(self.fits));
        variants.iter().flat_map(of).collect()
    }

    /// The sample without units whose probability of being index, given every block, is near 0 or 1 (METHODS S4). Models are
    /// fitted again.
    pub(super) fn trimming(&self) -> Vec<Varied> {
        let c = self.fits.contrast;
        let design = c.design;
        let nobody = self.retained(c);
        let mut out = self.rows(Variation::Trimming, "0", self.fits, self.method, &self.reported);
        out.iter_mut().for_each(|v| v.retained = Some(nobody));
        let probability = match self.probabilities() {
            Ok(p) => p,
            Err(e) => {
                let failed = |a: &f64| Varied::failed(Variation::Trimming, a.to_string(), e.clone());
                out.extend(self.plan.trimming.iter().map(failed));
                return out;
            }
        };
        for a in &self.plan.trimming {
            let trimmed = design.with_rows(c, |i| (*a..=1.0 - a).contains(&probability[i]));
            let small = Contrast::new(&trimmed, 1);
            let retained = self.retained(&small);
            let mut rows = match retained.n {
                (0, _) | (_, 0) => vec![Varied::undefined(Variation::Trimming, a.to_string(), "a group has no unit left")],
                _ if retained.left_out == (0, 0) => self.rows(Variation::Trimming, &a.to_string(), self.fits, self.method, &self.reported),
                _ => self.on_design(Variation::Trimming, &a.to_string(), &trimmed, 1),
            };
            rows.iter_mut().for_each(|v| v.retained = Some(retained));
            out.extend(rows);
        }
        out
    }

    /// P(index | allowables, every block), by row of the design; 0 for units at levels without index units.
    fn probabilities(&self) -> Result<Vec<f64>, DecomposeError> {
        let c = self.fits.contrast;
        let set = BlockSet::all(c.design.blocks.len());
        let group = self.fits.group(set, Toward::Index)?;
        let m = self.fits.matrix(FittedIn::Pooled, set, GroupTerms::Without)?;
        let mut out = vec![0.0; c.y.len()];
        for i in c.units().filter(|&i| group.w[i] > 0.0) {
            out[i] = Family::Binomial.mean(m.dot(i, &group.fit.beta, None));
        }
        Ok(out)
    }

    pub(super) fn retained(&self, c: &Contrast<'_>) -> Retained {
        let all = self.fits.contrast;
        let n = (c.reference().len(), c.index().len());
        let count = |rows: std::ops::Range<usize>| rows.map(|i| c.design.y[i]).sum::<f64>();
        let events = (c.design.family != Family::Gaussian).then(|| (count(c.reference()), count(c.index())));
        Retained { n, left_out: (all.reference().len() - n.0, all.index().len() - n.1), events }
    }

    /// Each variable of a block left out in turn, with its products.
    pub(super) fn leave_one_out(&self) -> Vec<Varied> {
        let c = self.fits.contrast;
        let variables = c.design.variables().into_iter().filter(|(_, role)| matches!(role, Role::Block(_)));
        let without = |(left_out, _): (String, Role)| {
            let design = c.design.with_roles(|v, role| (v != left_out).then_some(role));
            self.on_design(Variation::LeaveOneOut, &left_out, &design, c.index_group)
        };
        variables.flat_map(without).collect()
    }

    /// Variables that could belong elsewhere, moved there.
    pub(super) fn contested(&self) -> Vec<Varied> {
        let c = self.fits.contrast;
        let known = c.design.variables();
        let mut out = Vec::new();
        for (variable, places) in &self.plan.contested {
            for place in places {
                let to = match place {
                    Role::Block(k) => c.design.blocks[*k].as_str(),
                    Role::Intercept | Role::Group | Role::Allowable => "allowable",
                };
                let setting = format!("{variable} to {to}");
                if !known.iter().any(|(v, _)| v == variable) {
                    let reason = "no column of the variable is in the analysis: it does not vary, or depends on others";
                    out.push(Varied::undefined(Variation::Contested, setting, reason));
                    continue;
                }
                let design = c.design.with_roles(|v, role| Some(if v == variable { *place } else { role }));
                let mut rows = self.on_design(Variation::Contested, &setting, &design, c.index_group);
                rows.iter_mut().for_each(|v| v.variables.push(variable.clone()));
                out.extend(rows);
            }
        }
        out
    }

    /// Other lists of allowables. A present allowable that is not on the list is left out.
    pub(super) fn allowables(&self) -> Vec<Varied> {
        let c = self.fits.contrast;
        let with = |set: &AllowableSet| {
            let fair = |v: &str, role: Role| set.variables.iter().any(|s| s == v) || matches!(role, Role::Block(k) if set.blocks.contains(&k));
            let design = c.design.with_roles(|v, role| match (fair(v, role), role) {
                (true, _) => Some(Role::Allowable),
                (false, Role::Allowable) => None,
                (false, role) => Some(role),
            });
            let mut rows = self.on_design(Variation::Allowable, &set.name, &design, c.index_group);
            rows.iter_mut().for_each(|v| v.variables.clone_from(&set.variables));
            rows
        };
        self.plan.allowable.iter().flat_map(with).collect()
    }
}
