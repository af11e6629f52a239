//! A run's writes, replications and arrivals, indexed for looking up single pairs.

use std::collections::HashMap;

use crate::data::{ArrivalRow, FaultEvent, FaultRow, ReplicationRow, RunData, WriteRow};
use crate::model::{NodeId, Version, WriteId};

/// Lookups only: nothing iterates over the maps, so their order reaches no output.
pub(super) struct History<'a> {
    /// By key and value; values are unique to a write.
    writes: HashMap<(&'a str, &'a str), &'a WriteRow>,
    /// The version of each write the leader's trace knows.
    versions: HashMap<WriteId, Version>,
    /// By follower and version.
    replications: HashMap<(NodeId, Version), &'a ReplicationRow>,
    /// By follower, key and version: the place in the order of arrival, and the last arrival.
    arrivals: HashMap<(NodeId, &'a str, Version), (usize, &'a ArrivalRow)>,
    faults: &'a [FaultRow],
}

impl<'a> History<'a> {
    pub(super) fn new(run: &'a RunData) -> Self {
        Self {
            writes: run.writes.iter().map(|row| ((row.key.as_str(), row.value.as_str()), row)).collect(),
            versions: run.replication.iter().map(|row| (row.write, row.version)).collect(),
            replications: run.replication.iter().map(|row| ((row.follower, row.version), row)).collect(),
            arrivals: run
                .arrivals
                .iter()
                .enumerate()
                .map(|(index, row)| ((row.follower, row.key.as_str(), row.version), (index, row)))
                .collect(),
            faults: &run.faults,
        }
    }

    /// Whether some client wrote this value to this key.
    pub(super) fn has_written(&self, key: &str, value: &str) -> bool {
        self.writes.contains_key(&(key, value))
    }

    /// The number in the plan of the write of this value.
    pub(super) fn write_of(&self, key: &str, value: &str) -> Option<WriteId> {
        self.writes.get(&(key, value)).map(|row| row.write)
    }

    /// The leader's number of the write of this value, from its answer or else its trace.
    pub(super) fn version_of(&self, key: &str, value: &str) -> Option<Version> {
        let row = self.writes.get(&(key, value))?;
        row.version.or_else(|| self.versions.get(&row.write).copied())
    }

    /// How this version's replication to this follower went.
    pub(super) fn replication(&self, follower: NodeId, version: Version) -> Option<&'a ReplicationRow> {
        self.replications.get(&(follower, version)).copied()
    }

    /// The arrival of this version of this key at this follower, and its place in the order
    /// of that follower's arrivals.
    pub(super) fn arrival(&self, follower: NodeId, key: &str, version: Version) -> Option<(usize, &'a ArrivalRow)> {
        self.arrivals.get(&(follower, key, version)).copied()
    }

    /// When a follower was back after its first restart since `at_us`; a restart leaves it empty.
    pub(super) fn restarted_after(&self, follower: NodeId, at_us: i64) -> Option<i64> {
        let restarts = self.faults.iter().filter(|row| row.kind == FaultEvent::Restart && row.node == follower);
        restarts.map(|row| row.ended_us).find(|ended_us| *ended_us >= at_us)
    }
}
