//! What is done with missing values: the text behind `gapshare explain multiple_imputation` and its like.

use super::MethodText;

/// Treatments of missing values.
pub const TOPICS: [MethodText; 2] = [
    MethodText {
        name: "multiple_imputation",
        known_as: &["imputation", "mice", "missing", "missing_data", "missing_values", "rubin", "chained_equations", "pmm"],
        estimand: "\
The same as the analysis itself, had the cells been recorded. Each missing cell is drawn several times given everything else, every method runs on
every completed data set, and its rows are pooled. The group and the outcome are never imputed.",
        formula: "\
imputation   within each group by itself. Each incomplete variable in turn given all other variables as the study codes them, the outcome, the
             logarithm of the weight, and with `cluster` the means of all of these over the cluster (of the variable itself over
             the cluster's other units)
numbers      least squares with parameters drawn from their posterior; one of the `donors` units with the nearest predictions lends its value
categories   logit, or multinomial logit, with coefficients drawn from the normal approximation; pseudo-observations under perfect prediction
pooling      Q = mean of the estimates, U = mean of their covariance matrices, B = covariance of the estimates, T = U + (1 + 1/M) B
intervals    t with Barnard and Rubin's degrees of freedom; those of complete data are clusters less 1, or infinite without clusters
shares       from pooled estimates and T (Fieller), never averaged",
        assumptions: "\
Missing at random: whether a cell is missing depends on what is recorded (outcome, group, the other variables), not on the value that is missing. The
imputation models hold: linear in the terms of the study, without products that the study does not list, separate for each group.",
        options: "\
missing: { creatinine: multiple_imputation, otherwise: multiple_imputation }
multiple_imputation: { imputations: 20, cycles: 10, donors: 5, seed: 20260101 }
missing: { compare: [complete_case, indicator, multiple_imputation] } runs the primary analysis with each: tables/missing_methods.csv
Hospital ids cannot be imputed. `sensitivity` is refused beside it. docs/missing.md says when to use which.",
        peers: "\
R mice with methods pmm, logreg, polyreg, split by group; Stata mi impute chained (pmm) (logit) (mlogit), by(). Donors with equal predictions are all
equally likely here, however many there are.",
        citation: "\
Rubin DB (1987) Multiple Imputation for Nonresponse in Surveys. Barnard J, Rubin DB (1999) Biometrika 86:948-955. van Buuren S,
Groothuis-Oudshoorn K (2011) J Stat Softw 45(3). White IR, Royston P, Wood AM (2011) Stat Med 30:377-399. White IR, Daniel R, Royston P (2010)
Comput Stat Data Anal 54:2267-2275.",
    },
    MethodText {
        name: "inverse_probability",
        known_as: &["ipw", "inverse_probability_weighting", "missing_outcome", "response_weights"],
        estimand: "\
The same as the analysis itself, had every outcome been recorded: rows with an outcome are weighted to stand for similar rows without one.",
        formula: "\
p_i      P(outcome known | allowables, blocks), a logit within each group, fitted with the analysis weights
weight   w_i / p_i for rows with an outcome, for every method
error    the influence of every row, with an outcome or without, includes what it moves in the logit: with J the information of the logit,
         psi_j + (sum_i -psi_i (1 - p_i) x_i)' J^-1 x_j w_j (R_j - p_j)",
        assumptions: "\
Outcomes are missing at random given group, allowables and blocks; the logit holds; every kind of unit has a known outcome sometimes
(diagnostics: smallest_response_probability).",
        options: "\
missing: { death_30d: inverse_probability }, with the name of the outcome column. Not together with multiple imputation, `sensitivity`, or methods
that take no weights. Where influences are of hospitals left out or of replicates, weights count as known. Coefficients' errors do too.",
        peers: "Stata teffects ipw and R ipw weight in the same way; errors that take the weights as known are usually too large.",
        citation: "\
Robins JM, Rotnitzky A, Zhao LP (1994) J Am Stat Assoc 89:846-866. Seaman SR, White IR (2013) Stat Methods Med Res 22:278-295.",
    },
];
