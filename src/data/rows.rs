//! The raw facts of a run, as rows: `writes.csv`, `replication.csv`, `arrivals.csv`, `faults.csv`.
//!
//! Times are microseconds from the run's start on one monotonic clock. They are signed
//! where another node's clock is read, since warm-up lies before the start.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::model::{Micros, NodeId, ReplicationOutcome, Version, WriteId, WriteOutcome};

/// One line of `writes.csv`: one client write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WriteRow {
    /// The write's number in the plan, from 0; its `x-write-id`.
    pub write: WriteId,
    /// The key written.
    pub key: String,
    /// The value written, unique to this write.
    pub value: String,
    /// When the request began.
    pub start_us: u64,
    /// From the request's begin to the last byte of the answer (or the error).
    pub latency_us: u64,
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
}

impl WriteRow {
    /// When the request began.
    #[must_use]
    pub fn start(&self) -> Micros {
        self.start_us.into()
    }

    /// How long the answer took.
    #[must_use]
    pub fn latency(&self) -> Micros {
        self.latency_us.into()
    }

    /// When the answer was there.
    #[must_use]
    pub fn end(&self) -> Micros {
        self.start() + self.latency()
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
    pub key: String,
    /// The follower.
    pub follower: NodeId,
    /// The injected delay drawn for the write.
    pub delay_us: u64,
    /// The injected delay drawn for its acknowledgement, 0 if none is injected; `None` in a file
    /// from before it was kept.
    pub ack_delay_us: Option<u64>,
    /// When the request left the leader, after the delay.
    pub sent_us: Option<i64>,
    /// When the leader had the follower's answer.
    pub acked_us: Option<i64>,
    /// How it ended.
    pub outcome: ReplicationOutcome,
}

/// What was done to a node on purpose.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultEvent {
    /// It was ended with SIGKILL.
    Kill,
    /// It was ended with SIGTERM.
    Stop,
    /// It was frozen.
    Pause,
    /// It was cut off.
    Partition,
    /// What the leader sends to it was delayed.
    Slow,
    /// It was started again, empty; ended when it answered.
    Restart,
    /// It was thawed.
    Resume,
    /// It was cut off or slow, and is no more.
    Heal,
}

impl fmt::Display for FaultEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Kill => "kill",
            Self::Stop => "stop",
            Self::Pause => "pause",
            Self::Partition => "partition",
            Self::Slow => "slow",
            Self::Restart => "restart",
            Self::Resume => "resume",
            Self::Heal => "heal",
        })
    }
}

/// One line of `faults.csv`: one thing that was done to the cluster on purpose, in their order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultRow {
    /// When doing it began.
    pub begun_us: i64,
    /// When it was done.
    pub ended_us: i64,
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
    pub key: String,
    /// False when the follower kept something newer (`version` order).
    pub applied: bool,
    /// When it arrived.
    pub at_us: i64,
    /// Whether the leader sent it to bring the follower up to date: no write's acknowledgement
    /// follows from it. False in a file from before it was kept.
    #[serde(default)]
    pub catch_up: bool,
}
