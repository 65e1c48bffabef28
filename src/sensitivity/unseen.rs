//! What factors that nobody measured could do: E-values, omitted-variable bias, confounders of a block, grids.

use super::e_value::{e_value, e_value_of_limit};
use super::omitted::{self, Coefficient};
use super::unmeasured::{adjusted, frontier, slope_at_mean};
use super::{Benchmark, Figure, Found, OmittedPlan, Subject, UnmeasuredPlan, Variation, Varied, park, sampling};
use crate::decompose::moments::group_means;
use crate::decompose::{Component, MethodFamily, Part};
use crate::inference::{Inferred, infer, infer_ratio, sampling_of};
use crate::vocab::{Family, Role, Scale};

impl Subject<'_> {
    /// The risk ratio of index and comparable reference units with every block accounted for, and its E-values (METHODS S7).
    pub(super) fn e_value(&self) -> Vec<Varied> {
        const WHAT: &str = "every block";
        let d = match &self.reported {
            Ok(d) => d,
            Err(e) => return vec![Varied::failed(Variation::EValue, WHAT, e.clone())],
        };
        let c = self.fits.contrast;
        let Some((index, reference)) = self.method.adjusted_means(d) else {
            let reason = format!("{} does not compare two means with every block accounted for", self.method.name());
            return vec![Varied::undefined(Variation::EValue, WHAT, reason)];
        };
        if c.design.family == Family::Gaussian || index.value <= 0.0 || reference.value <= 0.0 {
            return vec![Varied::undefined(Variation::EValue, WHAT, "a ratio needs an outcome of counts or events, and two means above 0")];
        }
        let all = sampling(c, self.level);
        let ratio = infer_ratio(&index.ln().minus(&reference.ln()), &sampling_of(d, &all));
        let scale = if c.design.family == Family::Poisson { Scale::RateRatio } else { Scale::RiskRatio };
        let number = |v: Option<f64>| v.map_or_else(|| Found::Undefined("the ratio has no interval".into()), Found::Number);
        [
            ("ratio", Found::Estimate(ratio)),
            ("e_value", number(e_value(ratio.estimate))),
            ("e_value_of_limit", number(e_value_of_limit(ratio.estimate, ratio.conf_low, ratio.conf_high))),
        ]
        .map(|(name, found)| Varied { blinded: self.blinded, ..Varied::new(Variation::EValue, WHAT, Figure::Named(name), found).on(scale) })
        .to_vec()
    }

    /// The linear adjusted gap, its robustness values, and bounds by observed factors (METHODS S8).
    pub(super) fn omitted(&self, plan: &OmittedPlan) -> Vec<Varied> {
        let c = self.fits.contrast;
        let linear = match omitted::adjusted_gap(self.fits) {
            Ok(linear) => linear,
            Err(e) => return vec![Varied::failed(Variation::Omitted, "linear", e)],
        };
        let alpha = 1.0 - self.level;
        let scale = c.design.family.scale();
        let named = |setting: &str, name, found| Varied::new(Variation::Omitted, setting, Figure::Named(name), found);
        let mut out = vec![
            named("linear", "adjusted_gap", Found::Estimate(self.classical(&linear))).on(scale),
            named("linear", "t", Found::Number(linear.t())),
            named("linear", "partial_r2", Found::Number(linear.partial_r2())),
            named("linear", "robustness_value", Found::Number(linear.robustness_value(1.0))),
            named("linear", "robustness_value_of_limit", Found::Number(linear.robustness_value_at(1.0, alpha))),
        ];
        for benchmark in &plan.benchmarks {
            let (name, observed) = match benchmark {
                Benchmark::Block(k) => (c.design.blocks[*k].clone(), omitted::partial_r2(self.fits, |col| col.role == Role::Block(*k))),
                Benchmark::Variable(v) => (v.clone(), omitted::partial_r2(self.fits, |col| col.variable == *v)),
            };
            let observed = match observed {
                Ok(observed) => observed,
                Err(e) => {
                    out.push(Varied { figure: Figure::Named("adjusted_gap"), ..Varied::failed(Variation::Omitted, name, e) });
                    continue;
                }
            };
            let from = out.len();
            for multiple in &plan.multiples {
                let setting = format!("{multiple} x {name}");
                let Some(bound) = linear.bound(observed, *multiple) else {
                    let reason = "a factor so strong would explain all of the group";
                    out.push(named(&setting, "adjusted_gap", Found::Undefined(reason.into())).on(scale));
                    continue;
                };
                // A factor that explains the outcome fully leaves no residual, so no error either.
                let beyond = || Found::Undefined("the multiple asks for more than all of the outcome's variation".into());
                let (gap, t) = match bound.capped {
                    true => (beyond(), beyond()),
                    false => (Found::Estimate(self.classical(&bound.adjusted)), Found::Number(bound.adjusted.t())),
                };
                out.extend([
                    named(&setting, "r2_with_group", Found::Number(bound.r2_group)),
                    named(&setting, "r2_with_outcome", Found::Number(bound.r2_outcome)),
                    named(&setting, "adjusted_gap", gap).on(scale),
                    named(&setting, "t", t),
                ]);
            }
            let alone = match benchmark {
                Benchmark::Block(k) => self.only_variable(*k),
                Benchmark::Variable(v) => Some(v.clone()),
            };
            out[from..].iter_mut().for_each(|v| v.variables.extend(alone.clone()));
        }
        out
    }

    /// The one variable of a block that has no other.
    fn only_variable(&self, block: usize) -> Option<String> {
        let variables = self.fits.contrast.design.variables();
        let mut own = variables.into_iter().filter(|(_, role)| *role == Role::Block(block)).map(|(v, _)| v);
        own.next().filter(|_| own.next().is_none())
    }

    /// Limits with t of the residual degrees of freedom.
    fn classical(&self, c: &Coefficient) -> Inferred {
        let half = omitted::t_quantile(0.5 + self.level / 2.0, c.df) * c.std_error;
        Inferred { estimate: c.estimate, std_error: c.std_error, conf_low: c.estimate - half, conf_high: c.estimate + half }
    }

    /// The reduction that equalising each block brings, and what a confounder of block and outcome could do to it (METHODS S9).
    pub(super) fn park(&self) -> Vec<Varied> {
        let c = self.fits.contrast;
        let scale = c.design.family.scale();
        let all = sampling(c, self.level);
        let mut out = Vec::new();
        for (k, block) in c.design.blocks.iter().enumerate() {
            if c.design.is_empty_block(k) {
                out.push(Varied::undefined(Variation::Park, block, "no variable of the block is left"));
                continue;
            }
            let r = match park::reduction(self.fits, k) {
                Ok(r) => r,
                Err(e) => {
                    out.push(Varied::failed(Variation::Park, block, e));
                    continue;
                }
            };
            let from = out.len();
            let name = if r.score { format!("{block} (score of its columns)") } else { block.clone() };
            let of_limit = r.product.robustness_value_at(all.quantile(), all.std_error(&r.reduction));
            let named = |setting: String, name, found| Varied::new(Variation::Park, setting, Figure::Named(name), found);
            out.extend([
                named(name.clone(), "reduction", Found::Estimate(infer(&r.reduction, &all))).on(scale),
                named(name.clone(), "remaining", Found::Estimate(infer(&r.remaining, &all))).on(scale),
                named(name.clone(), "robustness_value", Found::Number(r.product.robustness_value())),
                named(name.clone(), "robustness_value_of_limit", Found::Number(of_limit)),
            ]);
            for (r_y, r_m) in self.plan.park.iter().flat_map(|y| self.plan.park.iter().map(move |m| (*y, *m))) {
                let setting = format!("{name}, r_y {r_y}, r_m {r_m}");
                let (against, along) = r.product.adjusted(r_y, r_m);
                // What leaves the reduction stays in the gap.
                let remaining = |reduction: f64| r.remaining.value + r.reduction.value - reduction;
                for (name, value) in [
                    ("reduction_if_against", against),
                    ("reduction_if_along", along),
                    ("remaining_if_against", remaining(against)),
                    ("remaining_if_along", remaining(along)),
                ] {
                    out.push(named(setting.clone(), name, Found::Number(value)).on(scale));
                }
            }
            let alone = self.only_variable(k);
            out[from..].iter_mut().for_each(|v| v.variables.extend(alone.clone()));
        }
        out
    }

    /// What an unmeasured factor of each mechanism would leave of its contribution (METHODS S10).
    pub(super) fn unmeasured(&self, plan: &UnmeasuredPlan) -> Vec<Varied> {
        if self.method.family() != MethodFamily::M {
            let reason = format!("the grid is of mechanisms, and {} switches none", self.method.name());
            return vec![Varied::undefined(Variation::Unmeasured, "all blocks", reason)];
        }
        let d = match &self.reported {
            Ok(d) => d,
            Err(e) => return vec![Varied::failed(Variation::Unmeasured, "all blocks", e.clone())],
        };
        let c = self.fits.contrast;
        let mean = group_means(c).index.value;
        let Some(slope) = slope_at_mean(c.design.family, mean) else {
            return vec![Varied::undefined(Variation::Unmeasured, "all blocks", "every index unit has the same outcome")];
        };
        let mut out = Vec::new();
        for r in d.rows.iter().filter(|r| r.part == Part::Explained) {
            let Component::Block(k) = r.component else { continue };
            let block = &c.design.blocks[k];
            for gamma in &plan.gamma {
                for delta in &plan.delta {
                    let left = Found::Number(adjusted(r.estimate.value, *delta, *gamma, slope));
                    let setting = format!("delta {delta}, gamma {gamma}");
                    out.push(Varied::new(Variation::Unmeasured, setting, Figure::Part(r.part, r.component), left).on(d.scale));
                }
                let at_zero = frontier(r.estimate.value, *gamma, slope);
                let found = at_zero.map_or_else(|| Found::Undefined("a factor without weight accounts for nothing".into()), Found::Number);
                out.push(Varied::new(Variation::Unmeasured, format!("{block}, gamma {gamma}"), Figure::Named("delta_at_zero"), found));
            }
        }
        if out.is_empty() {
            out.push(Varied::undefined(Variation::Unmeasured, "all blocks", format!("{} credits no block", self.method.name())));
        }
        out.iter_mut().for_each(|v| v.blinded = self.blinded);
        out
    }
}
