//! A run's writes, replications, arrivals and reads, indexed for looking up single pairs.

use hashbrown::HashMap;

use crate::analysis::early::EarlyFollower;
use crate::analysis::written::WrittenValues;
use crate::data::{ArrivalRow, FaultEvent, ReadRow, ReplicationRow, RunData, WriteRow};
use crate::model::{Micros, NodeId, RestartState, Version, WriteId};

/// By follower and key: what was read, in its order.
type Reads<'a> = HashMap<(NodeId, &'a str), Vec<&'a ReadRow>>;

/// Lookups only: nothing iterates over the maps, so their order reaches no output.
pub(super) struct History<'a> {
    run: &'a RunData,
    /// The writes of what the nodes held at both moments.
    writes: WrittenValues<'a>,
    /// The version of each write the leader's trace knows.
    versions: HashMap<WriteId, Version>,
    /// By follower and version.
    replications: HashMap<(NodeId, Version), &'a ReplicationRow>,
    /// By follower, key and version: the place in the order of arrival, and the last arrival.
    arrivals: HashMap<(NodeId, &'a str, Version), (usize, &'a ArrivalRow)>,
    reads: Reads<'a>,
}

/// When readers saw a write at a follower.
#[derive(Debug, Clone, Copy)]
pub(super) struct FirstSeen {
    /// When the first answer with it had come.
    pub(super) first_us: Micros,
    /// When the last answer with it was asked for.
    pub(super) last_asked_us: Micros,
}

impl<'a> History<'a> {
    pub(super) fn new(run: &'a RunData) -> Self {
        Self {
            writes: WrittenValues::of(run, run.at_last_ack.values().chain(run.settled.values())),
            run,
            versions: run.replication.iter().map(|row| (row.write, row.version)).collect(),
            replications: run.replication.iter().map(|row| ((row.follower, row.version), row)).collect(),
            arrivals: run
                .arrivals
                .iter()
                .enumerate()
                .map(|(index, row)| ((row.follower, row.key.as_str(), row.version), (index, row)))
                .collect(),
            reads: reads_of(run),
        }
    }

    /// Whether some client wrote this value to this key.
    pub(super) fn has_written(&self, key: &str, value: &str) -> bool {
        self.write(key, value).is_some()
    }

    /// The number in the plan of the write of this value.
    pub(super) fn write_of(&self, key: &str, value: &str) -> Option<WriteId> {
        self.write(key, value).map(|row| row.write)
    }

    fn write(&self, key: &str, value: &str) -> Option<&'a WriteRow> {
        self.writes.find(key, value)
    }

    /// The leader's number of the write of this value, from its answer or else its trace.
    pub(super) fn version_of(&self, key: &str, value: &str) -> Option<Version> {
        let row = self.write(key, value)?;
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
    pub(super) fn restarted_after(&self, follower: NodeId, at_us: Micros) -> Option<Micros> {
        let restarts = self.run.faults.iter().filter(|row| row.kind == FaultEvent::Restart && row.node == follower);
        restarts.map(|row| row.ended_us).find(|ended_us| *ended_us >= at_us)
    }

    /// When readers saw a follower with a write, in answers that had come by a moment. `None` if they did not, and if the
    /// leader was started again, so that what it holds in the end need not be the newest.
    pub(super) fn seen(&self, follower: NodeId, key: &str, write: WriteId, by_us: Micros) -> Option<FirstSeen> {
        if self.restarted_after(NodeId::Leader, Micros::MIN).is_some() {
            return None;
        }
        let mut rows = self.reads_of(follower, key, write).filter(|row| row.end() <= by_us);
        let first = rows.next()?;
        Some(FirstSeen { first_us: first.end(), last_asked_us: rows.last().unwrap_or(first).start_us })
    }

    /// When the first answer with a write had come that came after a moment.
    pub(super) fn seen_after(&self, follower: NodeId, key: &str, write: WriteId, after_us: Micros) -> Option<Micros> {
        self.reads_of(follower, key, write).map(ReadRow::end).find(|end_us| *end_us > after_us)
    }

    fn reads_of<'s>(
        &'s self,
        follower: NodeId,
        key: &'s str,
        write: WriteId,
    ) -> impl Iterator<Item = &'a ReadRow> + use<'s, 'a> {
        let rows = self.reads.get(&(follower, key)).map_or(&[][..], Vec::as_slice);
        rows.iter().copied().filter(move |row| row.write == Some(write))
    }

    /// Whether a follower may have died at a moment or later.
    pub(super) fn ended_after(&self, follower: NodeId, at_us: Micros) -> bool {
        let ends = |kind: FaultEvent| kind.ends_the_node() || kind == FaultEvent::Restart;
        self.run.faults.iter().any(|row| row.node == follower && ends(row.kind) && row.ended_us >= at_us)
    }

    /// Whether a node that was killed comes back with nothing.
    pub(super) fn comes_back_empty(&self) -> bool {
        self.run.manifest.capabilities().restart == RestartState::Empty
    }
}

/// What readers saw of followers that show no write sooner than their links allow.
fn reads_of(run: &RunData) -> Reads<'_> {
    let early = EarlyFollower::all(run);
    let mut reads = Reads::new();
    for row in run.reads.iter().filter(|row| early.iter().all(|of| of.follower != row.node)) {
        reads.entry((row.node, &row.key)).or_default().push(row);
    }
    reads
}
