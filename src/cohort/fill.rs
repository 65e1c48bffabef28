//! Missing cells of a variable: filled, flagged or made a level, each with a counted line.

use super::plan::{Fill, MissingRule, Named};
use crate::error::{Problem, Problems, codes};
use crate::model::spline::quantile;

/// Who the rows are, for the counts.
pub(super) struct Sample<'a> {
    /// Group label of each range of design rows.
    pub groups: &'a [crate::design::Group],
}

impl Sample<'_> {
    /// `31 (20 White, 11 Black)`: how many of the rows, and in which groups.
    pub fn count(&self, is: impl Fn(usize) -> bool) -> (usize, String) {
        let counts: Vec<(usize, &str)> = self.groups.iter().map(|g| (g.rows.clone().filter(|i| is(*i)).count(), g.label.as_str())).collect();
        let total = counts.iter().map(|c| c.0).sum();
        let list: Vec<String> = counts.iter().map(|(n, label)| format!("{n} {label}")).collect();
        (total, format!("{total} ({})", list.join(", ")))
    }
}

/// Numbers without a hole, and 1 where one was if the rule asks for a flag.
pub(super) struct Filled {
    pub values: Vec<f64>,
    pub flag: Option<Vec<f64>>,
}

/// Fills NaN cells by the rule; medians and means are unweighted, over the observed cells of all groups.
/// Errors: G210 (a level for numbers), G312 (nothing to fill with).
pub(super) fn numbers(named: &Named, values: Vec<f64>, rule: &MissingRule, sample: &Sample, warnings: &mut Problems) -> Result<Filled, Box<Problem>> {
    let (missing, counts) = sample.count(|i| values[i].is_nan());
    let name = &named.name;
    match rule {
        MissingRule::Impute { with, flag } => {
            let mut filled = values.clone();
            if missing > 0 {
                let mut observed: Vec<f64> = values.iter().copied().filter(|v| !v.is_nan()).collect();
                let (fill, what) = match with {
                    Fill::Constant(c) => (*c, format!("the constant {c}")),
                    Fill::Median | Fill::Mean if observed.is_empty() => {
                        return Err(Box::new(
                            Problem::error(codes::G312, format!("`{name}` has no value in the analysis rows, so missing ones cannot be filled"))
                                .at(named.place.clone()),
                        ));
                    }
                    Fill::Median => {
                        observed.sort_by(f64::total_cmp);
                        let median = quantile(&observed, 0.5);
                        (median, format!("the median {median} of the analysis rows of all groups, unweighted"))
                    }
                    Fill::Mean => {
                        let mean = observed.iter().sum::<f64>() / observed.len() as f64;
                        (mean, format!("the mean {mean} of the analysis rows of all groups, unweighted"))
                    }
                };
                filled.iter_mut().filter(|v| v.is_nan()).for_each(|v| *v = fill);
                warnings.push(
                    Problem::warning(codes::G319, format!("`{name}`: {counts} missing values were filled with {what}")).at(named.place.clone()),
                );
            }
            let flag = flag.then(|| values.iter().map(|v| f64::from(v.is_nan())).collect());
            Ok(Filled { values: filled, flag })
        }
        MissingRule::Level(_) if missing > 0 => Err(Box::new(
            Problem::error(codes::G210, format!("`{name}` enters as a number, so its {missing} missing values cannot be a level"))
                .at(named.place.clone())
                .help(format!("impute it: {name}: {{ impute: {{ with: median, flag: true }} }}, or enter it as categories")),
        )),
        MissingRule::Level(_) | MissingRule::DropRow | MissingRule::Error | MissingRule::MultipleImputation if missing == 0 => {
            Ok(Filled { values, flag: None })
        }
        MissingRule::Level(_) | MissingRule::DropRow | MissingRule::Error | MissingRule::MultipleImputation => {
            Err(Box::new(unhandled(named, missing)))
        }
    }
}

/// The level that missing cells of a category become, if the rule says so and some are missing. Errors: G210.
pub(super) fn level(
    named: &Named,
    missing: usize,
    counts: &str,
    rule: &MissingRule,
    warnings: &mut Problems,
) -> Result<Option<String>, Box<Problem>> {
    match rule {
        MissingRule::Impute { .. } => Err(Box::new(
            Problem::error(codes::G210, format!("`{}` enters as categories, so missing values cannot be imputed with a number", named.name))
                .at(named.place.clone())
                .help(format!("give them a level: {}: {{ level: unknown }}", named.name)),
        )),
        _ if missing == 0 => Ok(None),
        MissingRule::Level(level) => {
            let text = level.text.trim().to_owned();
            warnings.push(
                Problem::warning(codes::G319, format!("`{}`: {counts} missing values became the level `{text}`", named.name)).at(named.place.clone()),
            );
            Ok(Some(text))
        }
        MissingRule::DropRow | MissingRule::Error | MissingRule::MultipleImputation => Err(Box::new(unhandled(named, missing))),
    }
}

fn unhandled(named: &Named, missing: usize) -> Problem {
    Problem::error(codes::G901, format!("`{}` has {missing} missing values that its rule should have removed", named.name)).at(named.place.clone())
}
