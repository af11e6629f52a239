//! The replicated key-value store.

pub mod wire;
