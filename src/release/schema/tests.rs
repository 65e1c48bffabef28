//! The tables against the contract and the committed dictionary.

use super::*;
use std::path::Path;

/// The tables of CONTRACT section 3, column by column.
const CONTRACT: [(&str, &str); 19] = [
    ("attrition", "step, name, n_before, n_removed, n_after, n_reference, n_index"),
    ("joins", "joined_table, key, unmatched, n_rows, n_matched, n_unmatched, n_table"),
    (
        "table_one",
        "index_group, block, variable, level, mean_reference, sd_reference, mean_index, sd_index, smd, n_missing_reference, n_missing_index, smd_weighted",
    ),
    (
        "gap",
        "index_group, reference_group, outcome, scale, estimate, std_error, conf_low, conf_high, mean_reference, mean_index, n_reference, n_index",
    ),
    ("models", "index_group, blocks, fitted_in, family, n, events, k, loglik, aic, auc, brier, converged, iterations, analysis, link, with_group"),
    ("coefficients", "index_group, blocks, fitted_in, term, block, estimate, std_error, conf_low, conf_high, analysis, link, with_group, se_kind"),
    (
        "with_and_without",
        "index_group, analysis, blocks, counterfactual_mean, adjusted_gap, std_error, conf_low, conf_high, accounted, accounted_std_error",
    ),
    (
        "decomposition",
        "index_group, analysis, method, part, component, estimate, std_error, conf_low, conf_high, share, share_conf_low, share_conf_high, order_min, order_max, sequential, first_in, last_in, scale",
    ),
    ("decomposition_detail", "index_group, analysis, method, part, block, term, estimate, std_error, conf_low, conf_high, variable"),
    ("hospital", "index_group, analysis, row, family, estimate, std_error, conf_low, conf_high"),
    ("hospital_units", "index_group, hospital, n_reference, n_index, between, within, observed, expected, effect, conf_low, conf_high, withheld"),
    ("sensitivity", "index_group, analysis, variation, setting, component, estimate, std_error, conf_low, conf_high"),
    ("missingness", "group, block, variable, n, n_missing, share_missing, rule"),
    (
        "missing_methods",
        "index_group, analysis, missing, part, component, estimate, std_error, conf_low, conf_high, share, n_reference, n_index, reason",
    ),
    ("diagnostics", "index_group, blocks, check, value, threshold, passed, message"),
    ("features", "feature, table, take, window, n_rows, n_matched"),
    ("code_lists", "feature, table, column, system, code, label, file, n_rows, n_units, withheld"),
    ("coding", "table, column, window, features, place, side, group, n_units, n_places, n_places_large, n_without, share_without, mean_events"),
    ("overlap", "index_group, blocks, low, high, n_reference, n_index, share_reference, share_index"),
];

#[test]
fn columns_begin_as_the_contract_says() {
    assert_eq!(TABLES.len(), CONTRACT.len());
    for (decl, (name, columns)) in TABLES.iter().zip(CONTRACT) {
        assert_eq!(decl.name, name);
        let have: Vec<&str> = decl.columns.iter().map(|c| c.name.as_ref()).collect();
        let want: Vec<&str> = columns.split(", ").collect();
        assert_eq!(have[..want.len()], want[..], "{name}");
        assert!(decl.hidden.iter().all(|c| c.name.starts_with('_')), "{name}");
        assert!(decl.columns.iter().all(|c| !c.name.starts_with('_')), "{name}");
    }
}

/// docs/results.schema.csv is written from the declaration and reviewed when it changes: UPDATE_SCHEMA=1 rewrites it.
#[test]
fn the_committed_dictionary_is_the_declared_one() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/results.schema.csv");
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        std::fs::write(&path, schema_csv(None)).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == schema_csv(None), "docs/results.schema.csv differs from the declaration; run the test with UPDATE_SCHEMA=1");
}
