//! What a method found out about its own answer: lines of table `diagnostics`.

/// A figure about a decomposition: ties, rescaling, peers' values, support. Its message holds no count of units.
#[derive(Clone, Debug, PartialEq)]
pub struct Fact {
    pub check: &'static str,
    pub value: Option<f64>,
    pub message: String,
    pub verdict: Verdict,
    /// The units behind `value` where it counts them or is a share of them, and all units it is a share of: small counts are withheld.
    pub units: Option<(usize, Option<usize>)>,
}

/// What a figure says of the analysis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Verdict {
    /// It only informs.
    Informs,
    /// It is within the threshold.
    Passes(f64),
    /// It is beyond the threshold, and the reader is warned.
    Warns(f64),
    /// It is beyond the threshold, and the estimates of this analysis are marked (exit status 1).
    Fails(f64),
}

impl Fact {
    pub fn informs(check: &'static str, value: Option<f64>, message: impl Into<String>) -> Self {
        Self { check, value, message: message.into(), verdict: Verdict::Informs, units: None }
    }

    pub fn judged(check: &'static str, value: f64, verdict: Verdict, message: impl Into<String>) -> Self {
        Self { check, value: Some(value), message: message.into(), verdict, units: None }
    }

    /// `value` counts `n` units, or is the share of `of` units that they are.
    pub fn counting(mut self, n: usize, of: Option<usize>) -> Self {
        self.units = Some((n, of));
        self
    }
}
