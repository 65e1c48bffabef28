//! EHR tables from a stated causal model, with the true answers beside them.
//!
//! The model is GEN-E: allowables (age, sex), then socioeconomic factors (ZIP area, Medicaid), then biological ones
//! (diabetes, eGFR, LVEF), then the hospital, then the outcome; every equation has a group term of its own that can be
//! switched off. [`generate`] writes what a registry and a record system would hold; [`truth`] computes what every
//! decomposition of the same population should find.

mod draw;
mod geography;
mod history;
mod missing;
mod model;
mod places;
mod renal;
mod scenario;
mod spec;
mod tables;
#[cfg(test)]
mod tests;
mod truth;
mod truth_file;
mod write;

pub use draw::{Unit, draw_units};
pub use missing::{MissingModel, MissingSpec};
pub use model::Switches;
pub use renal::{creatinine_mg_dl, egfr_ckd_epi_2021};
pub use scenario::{Parameters, Scenario};
pub use spec::{Format, Spec, read_spec};
pub use tables::{Table, Tables, Values, generate};
pub use truth::{Figure, Rule, Truth, truth};
pub use write::{Written, WrittenFile, write, write_replicate};

/// The blocks of the model in the order of the study file, which is that of every set of blocks in `truth.json`.
pub const BLOCKS: [&str; 3] = ["biological", "socioeconomic", "hospital"];

/// The mechanisms in causal order: the order of the digits in the name of a vertex such as `1110`.
pub const MECHANISMS: [&str; 4] = ["socioeconomic", "biological", "hospital", "outcome"];
