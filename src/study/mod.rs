//! The study file as written, and the study with everything resolved.

pub mod file;
pub mod placed;
pub mod places;
pub mod plan;
mod read;
