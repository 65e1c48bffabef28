//! The decompositions of completed data sets as one, row by row, by Rubin's rules ([`crate::estimate::pool`]).

use super::sampling_of;
use crate::decompose::hospital::{HospitalUnit, HospitalValue};
use crate::decompose::{Component, DecomposeError, Decomposition, Part, Rules, Undefined};
use crate::estimate::{Estimate, Rubin, Sampling, pool};

/// A decomposition of one data set whose estimates are condensed, and their sampling.
pub struct Condensed {
    decomposition: Decomposition,
    sampling: Sampling,
}

impl Condensed {
    /// `sampling` is that of the units; the method's own kind of inference is taken into account.
    pub fn new(mut d: Decomposition, sampling: &Sampling) -> Self {
        let sampling = sampling_of(&d, sampling).condense(&mut d.estimates_mut());
        Self { decomposition: d, sampling }
    }
}

/// The pooled decomposition and the sampling of its estimates. A row that one data set leaves undefined is undefined; orders of blocks
/// and figures without a standard error are means over the data sets.
///
/// Errors: [`DecomposeError::Refused`] if the data sets do not give the same rows.
pub fn pool_decompositions(of: Vec<Condensed>) -> Result<(Decomposition, Sampling), DecomposeError> {
    let (mut all, samplings): (Vec<Decomposition>, Vec<Sampling>) = of.into_iter().map(|c| (c.decomposition, c.sampling)).unzip();
    leave_out_undefined(&mut all);
    let differ = || DecomposeError::Refused {
        reason: "the completed data sets give different rows".to_owned(),
        help: "merge rare levels of the variables that are imputed, or leave a variable out",
    };
    let Some(first) = all.first() else { return Err(differ()) };
    if all.iter().any(|d| keys(d) != keys(first)) {
        return Err(differ());
    }
    let mut out = first.clone();
    let parts: Vec<Vec<&Estimate>> = all.iter().map(Decomposition::estimates).collect();
    for (k, e) in out.estimates_mut().into_iter().enumerate() {
        *e = pool(&parts.iter().map(|p| p[k]).collect::<Vec<_>>());
    }
    let m = all.len() as f64;
    let mean = |f: &dyn Fn(&Decomposition) -> f64| all.iter().map(f).sum::<f64>() / m;
    let root = |f: &dyn Fn(&Decomposition) -> Option<f64>| {
        let squares: Option<Vec<f64>> = all.iter().map(|d| f(d).map(|se| se * se)).collect();
        squares.map(|s| (s.iter().sum::<f64>() / m).sqrt())
    };
    for (k, r) in out.rows.iter_mut().enumerate() {
        r.classical = root(&|d| d.rows[k].classical);
        r.rules = r.rules.map(|_| {
            let of = |f: fn(&Rules) -> f64| mean(&|d| d.rows[k].rules.as_ref().map_or(f64::NAN, f));
            Rules {
                order_min: of(|r| r.order_min),
                order_max: of(|r| r.order_max),
                sequential: of(|r| r.sequential),
                first_in: of(|r| r.first_in),
                last_in: of(|r| r.last_in),
                shapley: of(|r| r.shapley),
            }
        });
    }
    for (k, t) in out.detail.iter_mut().enumerate() {
        t.classical = root(&|d| d.detail[k].classical);
    }
    if let Some(h) = &mut out.hospital {
        let tables: Vec<_> = all.iter().flat_map(|d| &d.hospital).collect();
        for (k, r) in h.rows.iter_mut().enumerate() {
            if let HospitalValue::Number(v) = &mut r.value {
                let values = tables.iter().filter_map(|t| if let HospitalValue::Number(v) = t.rows[k].value { Some(v) } else { None });
                *v = values.sum::<f64>() / m;
            }
        }
        for (k, u) in h.units.iter_mut().enumerate() {
            *u = unit(&tables.iter().map(|t| &t.units[k]).collect::<Vec<_>>(), u);
        }
    }
    let sampling = Sampling::pooled(samplings).ok_or_else(differ)?;
    Ok((out, sampling))
}

/// What a row is, without its figures.
fn keys(d: &Decomposition) -> Vec<String> {
    let rows = d.rows.iter().map(|r| format!("{:?} {:?} {}", r.part, r.component, r.rules.is_some()));
    let sets = d.sets.iter().map(|s| format!("{:?}", s.set));
    let terms = d.detail.iter().map(|t| format!("{:?} {:?} {}", t.part, t.role, t.term));
    let hospital = d.hospital.iter().flat_map(|h| {
        let rows = h.rows.iter().map(|r| format!("{} {:?} {}", r.name, r.family, matches!(r.value, HospitalValue::Estimate(_))));
        rows.chain(h.units.iter().map(|u| u.hospital.clone())).collect::<Vec<_>>()
    });
    rows.chain(sets).chain(terms).chain(hospital).collect()
}

/// What one data set leaves undefined is undefined in all.
fn leave_out_undefined(all: &mut [Decomposition]) {
    let mut undefined: Vec<Undefined> = Vec::new();
    for u in all.iter().flat_map(|d| &d.undefined) {
        if !undefined.iter().any(|o| (o.part, o.component) == (u.part, u.component)) {
            undefined.push(u.clone());
        }
    }
    let is = |part: Part, component: Component| undefined.iter().any(|u| (u.part, u.component) == (part, component));
    let reasons: Vec<Option<String>> = (0..all.first().and_then(|d| d.hospital.as_ref()).map_or(0, |h| h.rows.len()))
        .map(|k| {
            let mut rows = all.iter().filter_map(|d| d.hospital.as_ref()?.rows.get(k));
            rows.find_map(|r| if let HospitalValue::Missing(reason) = &r.value { Some(reason.clone()) } else { None })
        })
        .collect();
    for d in all.iter_mut() {
        d.rows.retain(|r| !is(r.part, r.component));
        d.detail.retain(|t| !is(t.part, Component::Total));
        d.undefined.clone_from(&undefined);
        let rows = d.hospital.iter_mut().flat_map(|h| &mut h.rows);
        for (r, reason) in rows.zip(&reasons) {
            if let Some(reason) = reason {
                r.value = HospitalValue::Missing(reason.clone());
            }
        }
    }
}

/// The means of a hospital's figures; the spread of its effect by Rubin's rules.
fn unit(of: &[&HospitalUnit], first: &HospitalUnit) -> HospitalUnit {
    let m = of.len();
    let mean = |f: &dyn Fn(&HospitalUnit) -> f64| of.iter().map(|u| f(u)).sum::<f64>() / m as f64;
    let both = |f: &dyn Fn(&HospitalUnit) -> Option<f64>| {
        let values: Option<Vec<f64>> = of.iter().map(|u| f(u)).collect();
        values.map(|v| v.iter().sum::<f64>() / m as f64)
    };
    let effects: Option<Vec<(f64, f64)>> = of.iter().map(|u| u.effect).collect();
    HospitalUnit {
        raw: [mean(&|u| u.raw[0]), mean(&|u| u.raw[1])],
        between_centred: mean(&|u| u.between_centred),
        adjusted: both(&|u| u.adjusted.map(|a| a[0])).zip(both(&|u| u.adjusted.map(|a| a[1]))).map(|(a, b)| [a, b]),
        observed: mean(&|u| u.observed),
        expected: both(&|u| u.expected),
        effect: effects.map(|e| {
            let mode = e.iter().map(|(v, _)| v).sum::<f64>() / m as f64;
            let within = e.iter().map(|(_, sd)| sd * sd).sum::<f64>() / m as f64;
            let between = e.iter().map(|(v, _)| (v - mode).powi(2)).sum::<f64>() / (m as f64 - 1.0);
            (mode, Rubin::new(within, between, m, None).total.sqrt())
        }),
        ..first.clone()
    }
}
