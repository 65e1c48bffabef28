//! Wrong orders, rules for missing values, labels and analyses: code, line, column, message, help.

use super::wrong::refused;
use super::*;

#[test]
fn orders_missing_rules_and_labels() {
    refused(&[
        (
            "analyses:",
            "causal_order: [clinical]\nanalyses:",
            "causal_order",
            codes::G210,
            "`causal_order` leaves out hospital",
            "name every block once",
        ),
        (
            "analyses:",
            "causal_order: [clinical, hospitl]\nanalyses:",
            "hospitl",
            codes::G210,
            "`causal_order` names `hospitl`, which is not a block",
            "write `hospital`",
        ),
        (
            "analyses:",
            "causal_order: [hospital, clinical, hospital]\nanalyses:",
            "hospital]",
            codes::G210,
            "`causal_order` names `hospital` twice",
            "remove one of the two",
        ),
        (
            "analyses:",
            "missing: { severty: drop_row }\nanalyses:",
            "severty",
            codes::G210,
            "`severty` is not a variable of the study, so it can have no rule for missing values",
            "write `severity`",
        ),
        (
            "analyses:",
            "missing: { severity: { level: unknown } }\nanalyses:",
            "severity",
            codes::G211,
            "`severity` enters as a number, so it cannot be given a level for missing values",
            "use `impute`, or enter the variable as `categorical`",
        ),
        (
            "analyses:",
            "missing: { sex: { impute: { with: median } } }\nanalyses:",
            "sex",
            codes::G211,
            "`sex` enters as categories, so it cannot be given its median",
            "use `level: unknown`",
        ),
        (
            "analyses:",
            "labels: { severty: Severity }\nanalyses:",
            "severty",
            codes::G203,
            "`labels` names `severty`, which is neither a column nor a block",
            "write `severity`",
        ),
        (
            "analyses:",
            "uncertainty: { influence: { level: 95 } }\nanalyses:",
            "95",
            codes::G213,
            "the coverage of intervals lies between 0 and 1, and 95 does not",
            "write `level: 0.95`",
        ),
        (
            "analyses:",
            "uncertainty: { influence: { small_clusters: cv3 } }\nanalyses:",
            "cv3",
            codes::G109,
            "`small_clusters: cv3` has not been built yet",
            "remove it: intervals use cluster sums with G - 1 degrees of freedom",
        ),
        (
            "analyses:",
            "uncertainty: { bootstrap: { replicates: 100 } }\nanalyses:",
            "uncertainty",
            codes::G109,
            "`bootstrap` has not been built yet",
            "write `uncertainty: { influence: { level: 0.95 } }`",
        ),
    ]);
    let labels = with("analyses:", "labels: { severty: Severity }\nanalyses:");
    assert!(load_text(&labels).is_ok_and(|plan| plan.warnings.len() == 1));
}

#[test]
fn analyses() {
    let remove = "remove it: the blocks are still shown";
    refused(&[
        (
            "analyses: { primary:",
            "analyses: { main:",
            "analyses",
            codes::G105,
            "no analysis is called `primary`",
            "call the analysis that the study is about `primary`",
        ),
        (
            "with_and_without: {}",
            "with_and_without: { surface: pooled_main, estimator: dr }",
            "dr",
            codes::G210,
            "`estimator: dr` goes with `surface: reference_model`, not with a pooled surface",
            "write `estimator: gcomp`, or `surface: reference_model`",
        ),
        (
            "with_and_without: {}",
            "with_and_without: { learner: ridge }",
            "ridge",
            codes::G109,
            "a learner other than glm has not been built yet",
            "write `learner: glm`",
        ),
        (
            "with_and_without: {}",
            "with_and_without: { folds: 5 }",
            "5",
            codes::G109,
            "`folds` has not been built yet",
            "remove it: the models of `learner: glm` are not cross-fitted",
        ),
        (
            "with_and_without: {}",
            "oaxaca_blinder: {}",
            "oaxaca",
            codes::G209,
            "the analysis `primary`, oaxaca_blinder, cannot be used here: without `linear: true` it takes a gaussian outcome in this version, not binomial",
            "write `{ oaxaca_blinder: { linear: true } }` for least squares on this outcome",
        ),
        (
            "with_and_without: {}",
            "gelbach: {}",
            "gelbach",
            codes::G209,
            "the analysis `primary`, gelbach, cannot be used here: it takes a gaussian outcome, or `linear: true`; the outcome is binomial",
            "write `{ gelbach: { linear: true } }` for least squares on this outcome",
        ),
        (
            "with_and_without: {}",
            "oaxaca_blinder: { linear: true, fold: three, reference: pooled }",
            "pooled",
            codes::G210,
            "`fold: three` takes `reference: reference` or `reference: index`, the viewpoint",
            "write `reference: reference`, or `fold: two`",
        ),
        (
            "with_and_without: {}",
            "oaxaca_blinder: { linear: true, detail: true }",
            "true }",
            codes::G109,
            "`detail: true` has not been built yet",
            remove,
        ),
        (
            "with_and_without: {}",
            "oaxaca_blinder: { linear: true, normalize: false }",
            "false",
            codes::G109,
            "`normalize` has not been built yet",
            "remove it: it concerns only the rows of `detail: true`",
        ),
        (
            "with_and_without: {}",
            "gelbach: { linear: true, se: classical }",
            "classical",
            codes::G109,
            "`se: classical` has not been built yet",
            "write `se: influence`",
        ),
        (
            "with_and_without: {}",
            "khb: {}",
            "khb",
            codes::G109,
            "the method `khb` has not been built yet",
            "this version has with_and_without, oaxaca_blinder and gelbach",
        ),
    ]);
    let fixed = with("h_teaching, h_volume", "{ hospital_id: { fixed_effects: {} } }");
    assert_eq!(problems(&fixed)[0].message, "`hospital_id` enters as fixed effects, and with_and_without then needs `estimator: gcomp`");
    let explicit = fixed.replace("with_and_without: {}", "with_and_without: { estimator: gcomp }");
    assert_eq!(problems(&explicit), vec![]);
}
