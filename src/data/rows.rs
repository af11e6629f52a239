//! The raw facts of a run, as rows: `writes.csv`, `replication.csv`, `arrivals.csv`, `faults.csv`.
//!
//! Times are microseconds from the run's start on one monotonic clock. They are signed
//! where another node's clock is read, since warm-up lies before the start.

use serde::{Deserialize, Serialize};

use crate::config::FaultEvent;
use crate::model::{Key, Micros, NodeId, ReplicationOutcome, TimeSpan, Version, WriteId, WriteOutcome};

/// One line of `writes.csv`: one client write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WriteRow {
    /// The write's number in the plan, from 0; its `x-write-id`.
    pub write: WriteId,
    /// The key written.
    pub key: Key,
    /// The value written, unique to this write.
    pub value: String,
    /// When the request began; in an open loop, when it was to begin.
    pub start_us: Micros,
    /// From then to the last byte of the answer (or the error).
    pub latency_us: TimeSpan,
    /// How it ended.
    pub outcome: WriteOutcome,
    /// The answer's status, where one came.
    pub http_status: Option<u16>,
    /// The leader's number for it, where it said so.
    pub version: Option<Version>,
    /// Acknowledgements the leader counted when it answered.
    pub acks: Option<u32>,
    /// The error's code and message, where there was one.
    pub error: Option<String>,
    /// When the request really began. Only in an open loop, and a column only of its files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent_us: Option<Micros>,
}

impl WriteRow {
    /// How much later than intended the request began; zero in a closed loop.
    #[must_use]
    pub fn late_by(&self) -> TimeSpan {
        self.sent_us.map_or(TimeSpan::ZERO, |sent_us| sent_us.since(self.start_us))
    }

    /// When the answer was there.
    #[must_use]
    pub fn end(&self) -> Micros {
        self.start_us + self.latency_us
    }
}

/// One line of `replication.csv`: one write on its way to one follower (the leader's trace).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplicationRow {
    /// The write's number in the plan.
    pub write: WriteId,
    /// The leader's number.
    pub version: Version,
    /// The key written.
    pub key: Key,
    /// The follower.
    pub follower: NodeId,
    /// The injected delay drawn for the write.
    pub delay_us: TimeSpan,
    /// The injected delay drawn for its acknowledgement, 0 if none is injected; `None` in a file
    /// from before it was kept.
    pub ack_delay_us: Option<TimeSpan>,
    /// When the request left the leader, after the delay.
    pub sent_us: Option<Micros>,
    /// When the leader had the follower's answer.
    pub acked_us: Option<Micros>,
    /// How it ended.
    pub outcome: ReplicationOutcome,
}

/// One line of `faults.csv`: one thing that was done to the cluster on purpose, in their order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultRow {
    /// When doing it began.
    pub begun_us: Micros,
    /// When it was done.
    pub ended_us: Micros,
    /// To which node.
    pub node: NodeId,
    /// What it was.
    pub kind: FaultEvent,
    /// How: the signal, from whom the node was cut off, or what was added.
    pub detail: Option<String>,
}

/// One line of `arrivals.csv`: one replicate request reaching a follower (the followers' traces).
/// Rows are grouped by follower and within one are in order of arrival.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArrivalRow {
    /// The follower.
    pub follower: NodeId,
    /// The leader's number.
    pub version: Version,
    /// The key written.
    pub key: Key,
    /// False when the follower kept something newer (`version` order).
    pub applied: bool,
    /// When it arrived.
    pub at_us: Micros,
    /// Whether the leader sent it to bring the follower up to date: no write's acknowledgement
    /// follows from it. False in a file from before it was kept.
    #[serde(default)]
    pub catch_up: bool,
}
