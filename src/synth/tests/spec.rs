use super::SPEC;
use crate::error::Problems;
use crate::synth::spec::parse;
use crate::synth::{Scenario, read_spec};
use std::path::Path;

fn problems(from: &str, to: &str) -> Problems {
    assert!(SPEC.contains(from), "the spec does not hold `{from}`");
    match parse(Path::new("a.spec.yaml"), &"a.spec.yaml".into(), &SPEC.replace(from, to)) {
        Ok(_) => panic!("accepted with `{to}`"),
        Err(problems) => problems,
    }
}

/// Line and column of the first occurrence of `needle`, from 1.
fn at(text: &str, needle: &str) -> (usize, usize) {
    let before = &text[..text.find(needle).expect("the needle is in the text")];
    (before.matches('\n').count() + 1, before.chars().rev().take_while(|c| *c != '\n').count() + 1)
}

#[test]
fn a_wrong_spec_is_refused_with_code_and_place() {
    #[rustfmt::skip]
    let cases = [
        // text                      becomes                    code    where                help
        ("scenario: base ",          "scenario: bass ",         "G210", "bass ",             "write `base`"),
        ("index_share: 0.25",        "index_share: 1",          "G213", "1 }",               "write a number between 0 and 1"),
        ("index_share: 0.25",        "index_shar: 0.25",        "G103", "index_shar",        "write `index_share`"),
        ("units: 20000",             "units: many",             "G104", "many",              ""),
        ("units: 20000",             "units: 0",                "G213", "0, seed",           "write a whole number from 1 to 10000000"),
        ("  death: 0.18",            "  death: 1.8",            "G213", "1.8",               "write a number from 0 to 1"),
        ("stroke: 0.10",             "stroke: 0.20",            "G213", "{ stroke",          "let the probabilities sum to 1"),
        ("\"2019-01-01\"",           "\"January\"",             "G104", "\"January\"",       "write it as 2019-01-31"),
        ("parameters: {}",           "parameters: { tau: 1 }",  "G103", "tau",               ""),
        ("gapshare_synth: 1",        "gapshare_synth: 2",       "G107", "2\nname",           "this program reads `gapshare_synth: 1`"),
        ("name: cardiac_surgery",    "name: Cardiac",           "G108", "Cardiac",           "names are made of a-z, 0-9 and _"),
        ("index: Black",             "index: White",            "G210", "White, index_share","name two groups"),
        ("  late_death: 0.06",       "  death: 0.06",           "G102", "death: 0.06",       ""),
        ("group: {",                 "group: [",                "G101", "",                  ""),
    ];
    for (from, to, code, needle, help) in cases {
        let found = problems(from, to);
        let first = &found[0];
        assert_eq!(first.code.0, code, "{to}: {first:#?}");
        let place = first.place.as_ref().unwrap_or_else(|| panic!("{to}: no place"));
        assert!(!place.text.is_empty() && place.col <= place.text.chars().count() + 1, "{to}: {place:?}");
        if !needle.is_empty() {
            assert_eq!((place.line, place.col), at(&SPEC.replace(from, to), needle), "{to}");
        }
        if !help.is_empty() {
            assert_eq!(first.help.as_deref(), Some(help), "{to}");
        }
    }
}

#[test]
fn a_missing_key_is_named() {
    let found = problems("dates: { first_operation: \"2019-01-01\", last_operation: \"2023-12-31\" }", "");
    assert_eq!((found[0].code.0, found[0].message.contains("dates")), ("G105", true), "{found:#?}");
}

#[test]
fn every_value_out_of_range_is_reported() {
    let text = SPEC.replace("late_death: 0.06", "late_death: 6").replace("older_echo: 0.30", "older_echo: -0.3").replace("units: 20000", "units: 0");
    let found = parse(Path::new("a.spec.yaml"), &"a.spec.yaml".into(), &text).map(|_| ()).unwrap_err();
    assert_eq!(found.len(), 3, "{found:#?}");
}

#[test]
fn a_missing_file_is_a_problem() {
    let found = read_spec(Path::new("no/such/file.spec.yaml")).map(|_| ()).unwrap_err();
    assert_eq!(found[0].code.0, "G202");
}

#[test]
fn parameters_of_the_spec_stand_in_for_the_scenarios() {
    let text = SPEC.replace("parameters: {}", "parameters: { outcome_shift: 0.3 }");
    let spec = parse(Path::new("dir/a.spec.yaml"), &"a.spec.yaml".into(), &text).expect("a good spec");
    assert_eq!(spec.parameters.outcome_shift, 0.3);
    assert_eq!(spec.parameters.sorting, Scenario::Base.parameters().sorting);
    assert_eq!(spec.default_out_dir(), Path::new("dir/cardiac_surgery"));
}
