//! Tables -> eligible rows -> one row per unit -> Design.

pub mod plan;
