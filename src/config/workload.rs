//! `[experiment.NAME.workload]`: the load.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use super::setting::{choice, is_default, settings};
use crate::model::ranged_integer;

settings! {
    /// The writes of a run.
    #[cfg_attr(test, derive(schemars::JsonSchema))]
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
    pub struct Workload {
        /// Number of writes.
        writes: WriteCount = WriteCount::constant(100), words "{} writes";
        /// Number of writes in flight at a time.
        concurrency: Concurrency = Concurrency::constant(10), words "{} at a time";
        /// Number of keys; write i sets key k(i mod keys).
        keys: KeyCount = KeyCount::constant(10), words "{} keys";
        /// When the next write starts.
        pacing: Pacing = Pacing::Window, words "{} pacing";
        /// Length of each written value: it begins with the write's number and is filled up. 0: no filling.
        #[serde(default, skip_serializing_if = "is_default")]
        value_bytes: ValueBytes = ValueBytes::default(), words_if_changed "values of {} bytes";
    }
}

ranged_integer!(
    /// Number of writes of a run.
    WriteCount(u32), "the number of writes", 1..=10_000_000
);
ranged_integer!(
    /// Number of writes in flight at a time.
    Concurrency(u32), "the concurrency", 1..=10_000
);
ranged_integer!(
    /// Number of keys.
    KeyCount(u32), "the number of keys", 1..=1_000_000
);
ranged_integer!(
    /// Length of each written value in bytes, or 0 for the shortest.
    #[derive(Default)]
    ValueBytes(u32), "the length of a value in bytes", 0..=65_536
);

/// When the next write starts.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pacing {
    /// As soon as one ends
    Window,
    /// In batches: a batch starts when all of the one before have ended
    Batch,
}

choice!(Pacing);
