//! How writes and their copies end, and what a node holds.

pub use labnode::wire::{Outcome as ReplicationOutcome, Role, StoreDump};
use serde::{Deserialize, Serialize};

/// How a write ended, as far as its client can know.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WriteOutcome {
    /// Acknowledged with the quorum.
    Ok,
    /// The node said no: the quorum was not reached. The write may still have been applied.
    Failed,
    /// No answer came; the write may or may not have been applied.
    Unknown,
}

/// What a read of one node brought.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReadOutcome {
    /// A value.
    Found,
    /// The node has no value for the key.
    Absent,
    /// No answer came, or none that could be understood.
    Failed,
}
