//! Whether a set of weights rests on enough units: Kish's effective number and the largest share of one unit, judged.

use super::{Fact, Verdict};

/// Two figures of a set of weights.
pub struct Spread {
    /// `(sum w)^2 / sum w^2` (Kish 1965).
    pub effective: f64,
    /// The largest weight over their sum.
    pub largest: f64,
}

impl Spread {
    pub fn of(weights: impl Iterator<Item = f64>) -> Self {
        let (sum, squares, largest) = weights.fold((0.0, 0.0, 0.0_f64), |(s, q, m), v| (s + v, q + v * v, m.max(v)));
        Self { effective: sum * sum / squares, largest: largest / sum }
    }

    /// Both figures as facts; `names` are those of the two checks, `of` says in words which units are weighted and how.
    pub fn facts(&self, names: [&'static str; 2], gates: &Gates, of: &str) -> [Fact; 2] {
        let (good, least) = gates.effective;
        let verdict = match self.effective {
            e if e >= good => Verdict::Passes(good),
            e if e >= least => Verdict::Warns(good),
            _ => Verdict::Fails(least),
        };
        let effective = Fact::judged(names[0], self.effective, verdict, format!("effective number of {of}: (sum w)^2 / sum w^2"));
        let (good, most) = gates.largest;
        let verdict = match self.largest {
            l if l <= good => Verdict::Passes(good),
            l if l <= most => Verdict::Warns(good),
            _ => Verdict::Fails(most),
        };
        [effective, Fact::judged(names[1], self.largest, verdict, format!("largest weight of one unit as a share of all weights, of {of}"))]
    }
}

/// Thresholds: from the first on all is well, beyond the second the analysis fails; a warning in between.
pub struct Gates {
    pub effective: (f64, f64),
    pub largest: (f64, f64),
}

/// Weights of several modelled odds (METHODS 5.1): coverage was 94 to 95% above, 90 to 94% between, less below.
pub const ODDS: Gates = Gates { effective: (200.0, 100.0), largest: (0.02, 0.05) };
/// Inverse probabilities of a treatment, as METHODS 5.5(d) for weights by hospital.
pub const TREATMENT: Gates = Gates { effective: (100.0, 50.0), largest: (0.05, 0.10) };
