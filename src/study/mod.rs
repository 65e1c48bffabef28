//! The study file as written, and the study with everything resolved.

pub mod plan;
