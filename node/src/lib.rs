//! The replicated key-value store.

pub mod clock;
pub mod wire;
