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
            codes::G209,
            "`small_clusters` leaves out clusters, and the study names none",
            "name the column of hospitals: `cluster: hospital_id`",
        ),
        (
            "analyses:",
            "uncertainty: { bootstrap: { replicates: 100 } }\nanalyses:",
            "uncertainty",
            codes::G505,
            "the standard errors of primary come from influence functions, not from `bootstrap`",
            "resampling is for `interventional` with `estimator: donors`; the two agree where both exist",
        ),
        (
            "with_and_without: {} } }",
            "interventional: { equalize: [hospital], estimator: donors } } }\nuncertainty: { bootstrap: { replicates: 20 } }",
            "uncertainty",
            codes::G213,
            "20 resamples tell no error: at least 50 are needed",
            "write `replicates: 1000`",
        ),
    ]);
    let labels = with("analyses:", "labels: { severty: Severity }\nanalyses:");
    assert!(load_text(&labels).is_ok_and(|plan| plan.warnings.len() == 1));
}

#[test]
fn analyses() {
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
            "with_and_without: { learner: ridge, surface: pooled_main }",
            "ridge",
            codes::G210,
            "a learner goes with `surface: reference_model`, not with a pooled surface",
            "write `surface: reference_model`, or `learner: glm`",
        ),
        (
            "with_and_without: {}",
            "with_and_without: { learner: stack, estimator: gcomp }",
            "gcomp",
            codes::G210,
            "`estimator: gcomp` goes with `learner: glm`: the plug-in of a learner has no valid standard error",
            "remove it, or write `learner: glm`",
        ),
        (
            "with_and_without: {}",
            "with_and_without: { learner: boosted_trees, folds: 21 }",
            "21",
            codes::G213,
            "`folds` is a number from 2 to 20",
            "write `folds: 5`",
        ),
        (
            "with_and_without: {}",
            "with_and_without: { folds: 5 }",
            "5",
            codes::G210,
            "`folds` goes with a learner other than glm, whose models are not cross-fitted",
            "remove it, or write `learner: boosted_trees`",
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
            "oaxaca_blinder: { reference: pooled, se: classical }",
            "oaxaca",
            codes::G209,
            "the analysis `primary`, oaxaca_blinder, cannot be used here: classical errors of a logit model take the coefficients of one group, or a mean of the two groups', not a pooled fit",
            "`gapshare explain oaxaca_blinder` says what it needs",
        ),
        (
            "with_and_without: {}",
            "khb: { ape: true, se: classical }",
            "khb",
            codes::G209,
            "the analysis `primary`, khb, cannot be used here: average partial effects have no classical formula: `se: influence` has errors for them",
            "`gapshare explain khb` says what it needs",
        ),
        (
            "with_and_without: {}",
            "fairlie: { reps: 1 }",
            "1",
            codes::G213,
            "`reps` is the number of random matchings, at least 2",
            "write `reps: 1000`, or remove it",
        ),
        (
            "with_and_without: {}",
            "rank_and_replace: { need: [h_volum] }",
            "h_volum",
            codes::G210,
            "`need` names `h_volum`, which is not a variable of the study",
            "write `h_volume`",
        ),
        (
            "with_and_without: {}",
            "rank_and_replace: { need: [] }",
            "rank",
            codes::G213,
            "`need` names no variable",
            "list the variables that stand for need, or remove the key",
        ),
        (
            "with_and_without: {}",
            "mechanisms: {}",
            "mechanisms",
            codes::G209,
            "mechanisms needs `causal_order`",
            "say which block comes before which: `causal_order: [clinical, hospital]`",
        ),
    ]);
    let fixed = with("h_teaching, h_volume", "{ hospital_id: { fixed_effects: {} } }");
    assert_eq!(problems(&fixed)[0].message, "`hospital_id` enters as fixed effects, and with_and_without then needs `estimator: gcomp`");
    let explicit = fixed.replace("with_and_without: {}", "with_and_without: { estimator: gcomp }");
    assert_eq!(problems(&explicit), vec![]);
}

#[test]
fn equalised_blocks_and_treatments() {
    let from = "with_and_without: {}";
    refused(&[
        (
            from,
            "interventional: {}",
            "interventional",
            codes::G209,
            "interventional needs `equalize`, or `causal_order`, whose last block is then equalised",
            "name the blocks that are equalised: `equalize: [hospital]`",
        ),
        (
            from,
            "interventional: { equalize: [hospitl] }",
            "hospitl",
            codes::G210,
            "`equalize` names `hospitl`, which is not a block",
            "write `hospital`",
        ),
        (
            from,
            "interventional: { equalize: [hospital], given: [allowable, hospital] }",
            "hospital] }",
            codes::G210,
            "`hospital` is equalised and given",
            "take it out of one of the two",
        ),
        (
            "with_and_without: {} } }",
            "interventional: { equalize: [clinical], given: [hospital] } } }\ncausal_order: [clinical, hospital]",
            "hospital]",
            codes::G210,
            "`given` names `hospital`, which comes after `clinical` in `causal_order`",
            "take it out of `given`, or change `causal_order`",
        ),
        (
            from,
            "interventional: { equalize: [hospital], estimator: product }",
            "interventional",
            codes::G209,
            "the analysis `primary`, interventional, cannot be used here: `estimator: product` multiplies least-squares coefficients of a gaussian outcome; \
             the outcome is binomial",
            "`gapshare explain interventional` says what it needs",
        ),
        (from, "cdgd: {}", "cdgd", codes::G209, "cdgd needs `treatment`", "name a column of 0 and 1: `treatment: high_volume`"),
        (
            from,
            "cdgd: { treatment: h_teaching }",
            "h_teaching",
            codes::G206,
            "`h_teaching` is a variable of the study, and cannot be the treatment as well",
            "take it out of the allowables and blocks: they come before the treatment",
        ),
        (from, "cdgd: { treatment: died }", "died", codes::G206, "`died` is the outcome, and cannot be the treatment as well", "name another column"),
        (
            from,
            "cdgd: { treatment: vital_status, given: [hospitl] }",
            "hospitl",
            codes::G210,
            "`given` names `hospitl`, which is not a block",
            "write `hospital`",
        ),
        (
            from,
            "cdgd: { treatment: vital_statu }",
            "vital_statu",
            codes::G203,
            "column `vital_statu` is not in any table",
            "write `vital_status`, or add the file that holds it under `tables`",
        ),
    ]);
    let nothing = with(from, "cdgd: { treatment: vital_status, given: [] }").replace("allowable: [age]\n", "");
    assert!(problems(&nothing).iter().any(|p| p.message == "`given` names nothing"), "{:?}", problems(&nothing));
    let fixed = with("h_teaching, h_volume", "{ hospital_id: { fixed_effects: {} } }").replace(from, "interventional: { equalize: [clinical] }");
    assert_eq!(problems(&fixed)[0].message, "`hospital_id` enters as fixed effects, and interventional then needs `estimator: gcomp`");
}

/// What is left to defaults stands in study.resolved.yaml: the last block of the order, what comes before it, and the seed's replicates in force.
#[test]
fn defaults_of_equalised_blocks() {
    for (options, equalize, given) in [
        ("{}", "BlockSet(2)", "BlockSet(1)"),
        ("{ equalize: [clinical] }", "BlockSet(1)", "BlockSet(0)"),
        ("{ estimator: donors }", "BlockSet(2)", "BlockSet(0)"),
        ("{ given: [] }", "BlockSet(2)", "BlockSet(0)"),
    ] {
        let text = with("with_and_without: {}", &format!("interventional: {options}")) + "causal_order: [clinical, hospital]\n";
        let plan = load_text(&text).unwrap_or_else(|p| panic!("{p:?}"));
        let method = format!("{:?}", plan.analyses[0].method);
        assert!(method.contains(&format!("equalize: {equalize}, given: {given}")), "{method}");
        assert!(method.contains("replicates: 1000"), "{method}");
        assert!(plan.analyses[0].settings["interventional"]["given"][0] == "allowable", "{}", plan.analyses[0].settings);
        let again = load_text(&plan.resolved_yaml).unwrap_or_else(|p| panic!("{p:?}"));
        assert_eq!((format!("{:?}", again.analyses[0].method), again.resolved_yaml), (method, plan.resolved_yaml));
    }
    let clustered = with("with_and_without: {}", "interventional: { equalize: [hospital], estimator: donors }") + "cluster: hospital_id\n";
    let plan = load_text(&clustered).unwrap_or_else(|p| panic!("{p:?}"));
    assert!(format!("{:?}", plan.analyses[0].method).contains("replicates: 200"));
}

/// What the hospital method needs to know.
#[test]
fn hospitals() {
    refused(&[
        (
            "with_and_without: {}",
            "hospital: {}",
            "hospital: {}",
            codes::G209,
            "`hospital` needs `id`, the column of hospital ids",
            "write `{ hospital: { id: hospital_id } }` with the column that says where each unit was treated, or `effects: characteristics`",
        ),
        (
            "with_and_without: {}",
            "hospital: { id: hospital_id, given: [clinicl] }",
            "clinicl",
            codes::G210,
            "`given` names `clinicl`, which is not a block",
            "write `clinical`",
        ),
        (
            "with_and_without: {}",
            "hospital: { effects: characteristics, given: [clinical, hospital] }",
            "hospital: { effects",
            codes::G210,
            "`given` names every block, and none is left for the hospitals",
            "leave the block of the hospitals' characteristics out of `given`",
        ),
        (
            "with_and_without: {}",
            "hospital: { effects: characteristics, hospitals_as: sample }",
            "hospital: { effects",
            codes::G210,
            "`hospitals_as` goes with `effects: ids`: characteristics are an ordinary block",
            "remove it",
        ),
        (
            "with_and_without: {}",
            "hospital: { effects: characteristics, unsupported: restrict }",
            "hospital: { effects",
            codes::G210,
            "`unsupported` goes with `effects: ids`: characteristics are an ordinary block",
            "remove it",
        ),
        (
            "with_and_without: {}",
            "hospital: { id: hospital_id, quadrature: 0 }",
            "0 }",
            codes::G213,
            "`quadrature` is the number of nodes, from 1 to 50",
            "write `quadrature: 1` for Laplace's approximation",
        ),
        (
            "with_and_without: {}",
            "hospital: { id: hospitl_id }",
            "hospitl_id",
            codes::G203,
            "column `hospitl_id` is not in any table",
            "write `hospital_id`, or add the file that holds it under `tables`",
        ),
    ]);
    // The only column of fixed effects is the id, and its block stands for the hospitals.
    let fixed = with("h_teaching, h_volume", "{ hospital_id: { fixed_effects: {} } }").replace("with_and_without: {}", "hospital: {}");
    let plan = load_text(&fixed).unwrap_or_else(|p| panic!("{p:?}"));
    let settings = format!("{:?}", plan.analyses[0].method);
    assert!(settings.contains("id: Some(\"hospital_id\")") && settings.contains("given: BlockSet(1), block: Some(1)"), "{settings}");
    // In causal order the blocks before the hospital's are given, whatever the order of `blocks`.
    let ordered = with("with_and_without: {}", "hospital: { id: hospital_id }") + "causal_order: [hospital, clinical]\n";
    let plan = load_text(&ordered).unwrap_or_else(|p| panic!("{p:?}"));
    assert!(format!("{:?}", plan.analyses[0].method).contains("given: BlockSet(2), block: Some(0)"), "{:?}", plan.analyses[0].method);
    let own = fixed.replace("hospital: {} }", "hospital: { given: [hospital] } }");
    assert_eq!(problems(&own)[0].message, "`given` names `hospital`, the block that holds the hospital ids");
    // What follows from where patients go is not given.
    let after = fixed.replace("hospital: {} }", "hospital: { given: [clinical] } }") + "causal_order: [hospital, clinical]\n";
    assert_eq!(problems(&after)[0].message, "`given` names `clinical`, which comes after `hospital`, the hospital block, in `causal_order`");
    // Ids that are in no block stand for themselves: every block can be given.
    let all = with("with_and_without: {}", "hospital: { id: hospital_id, given: [clinical, hospital] }");
    let plan = load_text(&all).unwrap_or_else(|p| panic!("{p:?}"));
    assert!(format!("{:?}", plan.analyses[0].method).contains("given: BlockSet(3), block: None"), "{:?}", plan.analyses[0].method);
}

/// A gaussian outcome has no curved link: yun says what is the same, khb what it needs.
#[test]
fn methods_of_curved_links() {
    for (method, says) in [("yun: {}", "oaxaca_blinder with `detail: true` is the same"), ("khb: {}", "the outcome is gaussian")] {
        let text = with("with_and_without: {}", method).replace("family: binomial", "family: gaussian");
        let found = problems(&text);
        assert!(found.iter().any(|p| p.code == codes::G209 && p.message.contains(says)), "{method}: {found:?}");
    }
}

/// Classical errors know neither weights (refused) nor clusters (said).
#[test]
fn classical_errors_and_weights() {
    for method in ["oaxaca_blinder: { se: classical }", "yun: { se: classical }", "khb: { se: classical }", "fairlie: { reps: 100 }"] {
        let text = with("with_and_without: {}", method) + "weight: h_volume\n";
        let found = problems(&text);
        assert!(found.iter().any(|p| p.code == codes::G209 && p.message.contains("cannot be used with `weight`")), "{method}: {found:?}");
    }
    // An exposure is a weight too.
    for method in ["oaxaca_blinder: { linear: true, se: classical }", "fairlie: { reps: 100 }"] {
        let text = with("with_and_without: {}", method).replace("family: binomial", "family: poisson, exposure: h_volume");
        let found = problems(&text);
        assert!(found.iter().any(|p| p.message.contains("cannot be used with `exposure`")), "{method}: {found:?}");
    }
    let plan = load_text(&with("with_and_without: {}", "khb: { se: classical }")).unwrap_or_else(|p| panic!("{p:?}"));
    let clustered = load_text(&(with("with_and_without: {}", "khb: { se: classical }") + "cluster: hospital_id\n"));
    let warned = |plan: &StudyPlan| plan.warnings.iter().any(|w| w.code == codes::G504);
    assert_eq!((warned(&plan), clustered.map(|p| warned(&p)).unwrap_or_default()), (GOOD.contains("cluster:"), true));
}
