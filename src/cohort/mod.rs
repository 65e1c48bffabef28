//! Tables -> eligible rows -> one row per unit -> Design.
//!
//! [`plan`] says what is to be done as plain data. [`engine::columns`] is the dry run of `gapshare check` (headers and a
//! sample), [`engine::build`] runs the plan, [`coding::code`] turns the rows into the matrix.

pub mod coding;
pub mod design_file;
pub mod engine;
pub mod features;
pub mod impute;
pub mod inputs;
pub mod plan;
pub mod size;
pub mod sources;

mod attrition;
mod categories;
mod database;
mod fill;
mod finite;
mod infer;
mod joins;
mod keys;
mod layout;
mod levels;
mod odd_cells;
mod problems;
mod rank;
mod read;
mod roles;
mod source;
mod sql;
mod steps;
mod text;
mod typed;

pub use attrition::{AttritionRow, Missingness};
pub use joins::JoinRow;
pub use problems::unknown_column;
pub use roles::Values;
pub use source::{InputFile, ReadFile};

#[cfg(test)]
mod tests;
