//! The generator against the reference implementation's numbers, its tables against its units, and its refusals.

mod spec;
mod tables;
mod truth;

use super::Spec;
use super::spec::parse;
use std::path::Path;

pub const SPEC: &str = include_str!("../../../synthetic_data/cardiac_surgery.spec.yaml");

/// The committed spec with some of its text replaced.
pub fn spec_with(replacements: &[(&str, &str)]) -> Spec {
    let text = replacements.iter().fold(SPEC.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "the spec does not hold `{from}`");
        text.replace(from, to)
    });
    match parse(Path::new("test.spec.yaml"), &"test.spec.yaml".into(), &text) {
        Ok(spec) => spec,
        Err(problems) => panic!("{problems:#?}"),
    }
}

pub fn spec() -> Spec {
    spec_with(&[])
}
