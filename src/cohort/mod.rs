//! Tables -> eligible rows -> one row per unit -> Design.
//!
//! [`plan`] says what is to be done as plain data. [`engine::columns`] is the dry run of `gapshare check` (headers and a
//! sample), [`engine::build`] runs the plan, [`coding::code`] turns the rows into the matrix.

pub mod coding;
pub mod design_file;
pub mod engine;
pub mod plan;
pub mod size;

mod attrition;
mod categories;
mod fill;
mod infer;
mod joins;
mod keys;
mod layout;
mod levels;
mod problems;
mod rank;
mod read;
mod roles;
mod source;
mod sql;
mod steps;
mod text;
mod typed;

pub use attrition::AttritionRow;
pub use problems::unknown_column;
pub use roles::Values;
pub use source::{InputFile, ReadFile};

#[cfg(test)]
mod tests;
