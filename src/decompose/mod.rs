//! Decomposition methods: pure functions from a [`Contrast`] to a few estimates and the parts they sum to.
//!
//! A method knows nothing of files, tables or study files; `study/plan.rs` builds its settings.

pub mod gelbach;
pub mod oaxaca;
pub mod with_and_without;

use crate::vocab::Family;
use std::fmt::Debug;

/// A decomposition method with its settings.
pub trait Method: Send + Sync + Debug {
    /// The key under `analyses`, such as `with_and_without`.
    fn name(&self) -> &'static str;
    /// Why the method cannot be used with this outcome family, if it cannot.
    fn refuses(&self, family: Family) -> Option<String>;
}
