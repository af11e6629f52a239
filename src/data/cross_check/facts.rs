//! A run's rows, indexed for holding them against each other.

use hashbrown::HashMap;

use crate::data::{FaultEvent, ReplicationRow, RunData, WriteRow};
use crate::model::{Micros, NodeId, TimeSpan, Version, WriteId};

/// How far two readings of one clock may be apart by rounding, in microseconds. All nodes of a
/// run read the clock of one machine.
pub(super) const TOLERANCE: TimeSpan = TimeSpan::new(1_000);

/// A run and lookups into it.
pub(super) struct Facts<'a> {
    pub(super) run: &'a RunData,
    /// Writes by the leader's number, from the client's answer or else from the leader's trace.
    pub(super) by_version: HashMap<Version, &'a WriteRow>,
    /// Writes by their number in the plan; empty if no other file tells of writes by it.
    pub(super) by_number: HashMap<WriteId, &'a WriteRow>,
    /// Writes whose version is in no file.
    pub(super) unnumbered: Vec<&'a WriteRow>,
    /// Copies by version and follower, with their line.
    pub(super) copies: HashMap<(Version, NodeId), (u64, &'a ReplicationRow)>,
    /// Keys by version, as the leader's trace has them.
    pub(super) traced_keys: HashMap<Version, &'a str>,
    /// The number of each write that the leader's trace knows.
    pub(super) traced_versions: HashMap<WriteId, Version>,
}

impl<'a> Facts<'a> {
    pub(super) fn of(run: &'a RunData) -> Self {
        let traced_versions: HashMap<WriteId, Version> =
            run.replication.iter().map(|row| (row.write, row.version)).collect();
        let is_looked_up = !run.replication.is_empty() || !run.reads.is_empty();
        let version = |row: &WriteRow| row.version.or_else(|| traced_versions.get(&row.write).copied());
        Self {
            by_version: run.writes.iter().filter_map(|row| Some((version(row)?, row))).collect(),
            by_number: run.writes.iter().filter(|_| is_looked_up).map(|row| (row.write, row)).collect(),
            unnumbered: run.writes.iter().filter(|row| version(row).is_none()).collect(),
            copies: lines(&run.replication).map(|(line, row)| ((row.version, row.follower), (line, row))).collect(),
            traced_keys: run.replication.iter().map(|row| (row.version, row.key.as_str())).collect(),
            traced_versions,
            run,
        }
    }

    /// Whether the nodes kept a trace at all.
    pub(super) fn has_trace(&self) -> bool {
        !self.run.replication.is_empty() || !self.run.arrivals.is_empty()
    }

    /// Whether the system tells the number of each write.
    pub(super) fn has_versions(&self) -> bool {
        self.run.manifest.capabilities().versions
    }

    /// Whether the leader's trace is there from the run's start to its end.
    pub(super) fn has_whole_leader_trace(&self) -> bool {
        self.has_trace() && self.run.settled.contains_key(&NodeId::Leader) && self.is_whole(NodeId::Leader)
    }

    /// Whether a node that was asked for its trace forgot none of it.
    pub(super) fn is_whole(&self, node: NodeId) -> bool {
        self.run.manifest.trace_dropped == 0 && !self.was_restarted(node)
    }

    /// Whether a node was started anew, empty, during the run.
    pub(super) fn was_restarted(&self, node: NodeId) -> bool {
        self.run.faults.iter().any(|row| row.node == node && row.kind == FaultEvent::Restart)
    }

    /// Whether a node lost its trace at `at_us` or later.
    pub(super) fn lost_trace_since(&self, node: NodeId, at_us: Micros) -> bool {
        let ends = |kind: FaultEvent| kind.ends_the_node() || kind == FaultEvent::Restart;
        self.run.faults.iter().any(|row| row.node == node && ends(row.kind) && row.ended_us >= at_us - TOLERANCE)
    }

    /// The key of the write with this number.
    pub(super) fn key_of(&self, version: Version) -> Option<&'a str> {
        self.by_version.get(&version).map(|row| row.key.as_str()).or_else(|| self.traced_keys.get(&version).copied())
    }
}

/// The rows of a CSV file without line breaks in its fields, with their lines.
pub(super) fn lines<T>(rows: &[T]) -> impl Iterator<Item = (u64, &T)> {
    (2..).zip(rows)
}

/// The rows of `writes.csv` with their lines.
pub(super) fn write_lines(rows: &[WriteRow]) -> impl Iterator<Item = (u64, &WriteRow)> {
    lines_of(rows, |row| [Some(row.key.as_str()), Some(&row.value), row.error.as_deref()])
}

/// The rows of a CSV file with their lines, given their texts: one may be of several lines.
pub(super) fn lines_of<T, const N: usize>(
    rows: &[T],
    texts: impl Fn(&T) -> [Option<&str>; N],
) -> impl Iterator<Item = (u64, &T)> {
    rows.iter().scan(2, move |next, row| {
        let line = *next;
        let breaks = texts(row).into_iter().flatten().map(|text| text.matches('\n').count() as u64);
        *next += 1 + breaks.sum::<u64>();
        Some((line, row))
    })
}
