//! `data/W<n>`: the only reader and writer of run directories.

mod manifest;
mod rows;

use std::collections::BTreeMap;

pub use labnode::wire::StoreDump;
pub use manifest::{BackendFacts, GitFacts, HostFacts, Manifest, SCHEMA};
pub use rows::{ArrivalRow, ReplicationOutcome, ReplicationRow, WriteOutcome, WriteRow};

/// Every node's store at one moment, by node name (`leader`, `f1`, ...).
/// A node that could not be asked (it was down) is absent.
pub type Snapshot = BTreeMap<String, StoreDump>;

/// The leader's name in files, services and figures.
pub const LEADER: &str = "leader";

/// The name of the follower with this index: 0 is `f1`.
#[must_use]
pub fn follower_name(index: usize) -> String {
    format!("f{}", index + 1)
}

/// One run directory, read whole or about to be written.
#[derive(Debug, Clone, PartialEq)]
pub struct RunData {
    /// The conditions.
    pub manifest: Manifest,
    /// One row a client write, by `write`.
    pub writes: Vec<WriteRow>,
    /// One row a write and follower, by `write`, then follower.
    pub replication: Vec<ReplicationRow>,
    /// One row an arrival, by follower, then in order of arrival.
    pub arrivals: Vec<ArrivalRow>,
    /// The nodes' stores the moment the last write was answered.
    pub at_last_ack: Snapshot,
    /// The nodes' stores once nothing was in flight.
    pub settled: Snapshot,
    /// Each node's log.
    pub logs: BTreeMap<String, Vec<u8>>,
}
