//! The words that every floor shares: outcome families, scales, groups, roles of columns, sets of blocks, cell values.

use serde::Serialize;

/// Distribution of the outcome and its link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Family {
    /// Identity link; the gap is a mean difference.
    Gaussian,
    /// Logit link; the gap is a risk difference.
    Binomial,
    /// A binomial outcome with a probit link, which is not the canonical one.
    Probit,
    /// Log link, with an optional exposure; the gap is a rate difference.
    Poisson,
}

impl Family {
    pub fn name(self) -> &'static str {
        match self {
            Self::Gaussian => "gaussian",
            Self::Binomial | Self::Probit => "binomial",
            Self::Poisson => "poisson",
        }
    }

    /// Whether the outcome is 0 or 1.
    pub fn is_binomial(self) -> bool {
        matches!(self, Self::Binomial | Self::Probit)
    }

    /// The name of the link.
    pub fn link(self) -> &'static str {
        match self {
            Self::Gaussian => "identity",
            Self::Binomial => "logit",
            Self::Probit => "probit",
            Self::Poisson => "log",
        }
    }

    /// The additive scale on which gaps of this family are decomposed.
    pub fn scale(self) -> Scale {
        match self {
            Self::Gaussian => Scale::MeanDifference,
            Self::Binomial | Self::Probit => Scale::RiskDifference,
            Self::Poisson => Scale::RateDifference,
        }
    }
}

/// The scale of a gap, as tables name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Scale {
    RiskDifference,
    RiskRatio,
    OddsRatio,
    MeanDifference,
    RateDifference,
    RateRatio,
    LogOdds,
    /// The linear predictor of a probit model.
    ProbitIndex,
}

impl Scale {
    pub fn name(self) -> &'static str {
        match self {
            Self::RiskDifference => "risk_difference",
            Self::RiskRatio => "risk_ratio",
            Self::OddsRatio => "odds_ratio",
            Self::MeanDifference => "mean_difference",
            Self::RateDifference => "rate_difference",
            Self::RateRatio => "rate_ratio",
            Self::LogOdds => "log_odds",
            Self::ProbitIndex => "probit_index",
        }
    }
}

/// What a column of the design is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    Intercept,
    /// 1 for index units, 0 for reference units.
    Group,
    /// Standardised over, credited to no block.
    Allowable,
    /// The block with this position in the study file's order.
    Block(usize),
}

/// A set of blocks as a bit mask: bit k is the block at position k of the study file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BlockSet(pub u32);

impl BlockSet {
    pub const NONE: Self = Self(0);

    /// The set of the first `k` blocks, which is all of them when there are `k`.
    pub fn all(k: usize) -> Self {
        Self((1u32 << k) - 1)
    }

    pub fn one(k: usize) -> Self {
        Self(1 << k)
    }

    pub fn with(self, k: usize) -> Self {
        Self(self.0 | 1 << k)
    }

    pub fn without(self, k: usize) -> Self {
        Self(self.0 & !(1 << k))
    }

    pub fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The blocks of `self` that are not in `other`.
    pub fn minus(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    pub fn contains(self, k: usize) -> bool {
        self.0 >> k & 1 == 1
    }

    pub fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Every subset of `k` blocks, the empty one first.
    pub fn subsets(k: usize) -> impl Iterator<Item = Self> {
        (0..1u32 << k).map(Self)
    }

    /// `none`, or the names joined by `+` in the order of the study file.
    pub fn name(self, blocks: &[String]) -> String {
        if self.is_empty() {
            return "none".to_owned();
        }
        let names: Vec<&str> = blocks.iter().enumerate().filter(|(k, _)| self.contains(*k)).map(|(_, b)| b.as_str()).collect();
        names.join("+")
    }
}

/// A value written in the study file that is compared with cells: a string, a number or a boolean.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct Scalar {
    /// As the study file writes it; the label in outputs.
    pub text: String,
}

impl Scalar {
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into() }
    }

    /// Equal if both read as the same number, otherwise if their trimmed texts are equal (CONTRACT 1, Equality of values).
    pub fn matches(&self, cell: &str) -> bool {
        match (read_number(&self.text), read_number(cell)) {
            (Some(a), Some(b)) => a == b,
            _ => self.text.trim() == cell.trim(),
        }
    }
}

/// Numbers beyond this are refused in data: their squares and sums would overflow.
pub const LARGEST: f64 = 1e100;

/// A finite number, spaces around it trimmed; `None` for anything else (`120 +`, `1,000`, `NA`, `inf`).
pub fn read_number(text: &str) -> Option<f64> {
    let t = text.trim();
    if !t.bytes().any(|b| b.is_ascii_digit()) {
        return None;
    }
    t.parse::<f64>().ok().filter(|v| v.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_equal_as_numbers_or_as_trimmed_texts() {
        for (a, b, equal) in
            [("0", "0.0", true), ("0", " 0", true), ("White", "White ", true), ("White", "white", false), ("01", "1", true), ("a", "1", false)]
        {
            assert_eq!(Scalar::new(a).matches(b), equal, "{a} {b}");
        }
        assert_eq!(read_number("nan"), None);
        assert_eq!(read_number("120 +"), None);
    }

    #[test]
    fn sets_are_named_in_study_order() {
        let blocks: Vec<String> = ["b", "s", "h"].map(String::from).to_vec();
        assert_eq!(BlockSet::NONE.name(&blocks), "none");
        assert_eq!(BlockSet::one(2).with(0).name(&blocks), "b+h");
        assert_eq!(BlockSet::all(3).without(1), BlockSet(0b101));
    }
}
