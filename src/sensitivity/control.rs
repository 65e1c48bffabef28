//! Negative controls: the same decomposition of an outcome that the blocks cannot have affected (METHODS S11).
//!
//! What the blocks account for, and what is not explained, should then be near 0; where they are not, something else that differs between
//! the groups passes for an effect of care. Lipsitch, Tchetgen Tchetgen & Cohen (2010) Epidemiology 21, 383.

use super::{Subject, Variation, Varied};
use crate::design::Contrast;
use crate::vocab::Family;

/// A control outcome.
#[derive(Clone, Debug, PartialEq)]
pub struct Control {
    /// Its column.
    pub name: String,
    pub family: Family,
    /// By row of the design; NaN where it is missing.
    pub y: Vec<f64>,
}

impl Subject<'_> {
    /// The method on the control outcome, of the units for which it is known.
    pub(super) fn control(&self, control: &Control) -> Vec<Varied> {
        let c = self.fits.contrast;
        if let Some(reason) = self.method.refuses(control.family) {
            return vec![Varied::undefined(Variation::NegativeControl, &control.name, reason)];
        }
        let known = |i: &usize| !control.y[*i].is_nan();
        let y = c.units().filter(known).map(|i| control.y[i]).collect();
        let design = c.design.with_rows(c, |i| known(&i)).with_outcome(control.family, y);
        let retained = self.retained(&Contrast::new(&design, 1));
        let mut rows = match retained.n {
            (0, _) | (_, 0) => vec![Varied::undefined(Variation::NegativeControl, &control.name, "it is known of no unit of a group")],
            _ => self.on_design(Variation::NegativeControl, &control.name, &design, 1),
        };
        rows.iter_mut().for_each(|v| v.retained = Some(retained));
        rows
    }
}
