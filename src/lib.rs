//! gapshare: how much of a gap in health outcomes travels with clinical, socioeconomic and hospital factors.
//!
//! From Rust: [`Study::load`] reads and checks a study file, [`Study::run`] gives [`Results`]; `examples/` holds a study that is run and
//! a method that is called on arrays.
//!
//! The house, floor by floor. Imports run downwards only (`tests/it/layering.rs`), and nothing below floor 7 knows
//! polars, a file, a screen or a clock.
//!
//! ```text
//! 11  cli.rs (and main.rs)      argv, exit codes, terminal
//! 10  run.rs                    check -> cohort -> design -> decompose -> diagnose -> withhold -> write
//!     export.rs                 result tables -> parquet, xlsx, LaTeX, Word, HTML, Stata
//!  9  study/                    the study file as written -> StudyPlan, resolved and checked
//!     report/                   result tables -> one self-contained report.html
//!  8  release.rs                result tables and their schema, withholding, writers, run manifest
//!  7  cohort/                   tables -> eligible rows -> one row per unit -> Design
//!     synth/                    EHR tables from a stated causal model, with the true answers beside them
//!  6  inference.rs, describe.rs, diagnostics.rs, sensitivity/
//!  5  decompose/                one file a method, plus attribution.rs
//!  4  estimate.rs               Estimate { value, influence } and its arithmetic
//!  3  model/                    outcome and group models
//!  2  design.rs                 y, X, groups, weights, clusters; columns and their blocks in one struct
//!  1  linalg.rs                 weighted Gram matrices, Cholesky with rank detection
//!  0  vocab.rs, error.rs        the words; codes, places, fixes
//! ```

pub mod cli;
pub mod cohort;
pub mod decompose;
pub mod describe;
pub mod design;
pub mod diagnostics;
pub mod error;
pub mod estimate;
pub mod export;
pub mod inference;
pub mod linalg;
pub mod model;
pub mod release;
pub mod report;
pub mod run;
pub mod sensitivity;
pub mod study;
pub mod synth;
pub mod vocab;

pub use run::{DecompositionRow, Error, Results, Study};
