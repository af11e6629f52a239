//! How labctl talks to a running system. The load and the recording need nothing else, so they
//! are the same for every system and in the simulation.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::model::{Endpoints, NodeId, ReplicationOutcome, StoreDump, Version, WriteId, WriteOutcome};

/// A session with the nodes of one cluster. Questions about different nodes may be asked at once.
pub trait Session: Send + Sync {
    /// Sends one write to the leader and waits for its answer, or for the session's own deadline.
    fn write<'a>(&'a self, write: &'a PlannedWrite) -> BoxFuture<'a, WriteAnswer>;

    /// Reads a key from one node's own memory. `None` if the node does not have it.
    fn read<'a>(&'a self, node: NodeId, key: &'a str) -> BoxFuture<'a, Result<Option<Found>, SessionError>>;

    /// Everything one node holds.
    fn dump(&self, node: NodeId) -> BoxFuture<'_, Result<StoreDump, SessionError>>;

    /// Whether a node takes requests; an error says why not.
    fn ready(&self, node: NodeId) -> BoxFuture<'_, Result<(), SessionError>>;

    /// Whether a node that takes requests also takes part in replication; an error says why not.
    fn joined(&self, node: NodeId) -> BoxFuture<'_, Result<(), SessionError>> {
        let _ = node;
        async { Ok(()) }.boxed()
    }

    /// What may still change a follower.
    fn in_flight(&self) -> BoxFuture<'_, Result<PendingCopies, SessionError>>;

    /// How long the system may take to settle.
    fn settle_limits(&self) -> SettleLimits;

    /// What one node recorded of the run that began at `start_us` on the session's clock. `None`
    /// if the system keeps no trace.
    fn trace(&self, node: NodeId, start_us: u64) -> BoxFuture<'_, Result<Option<Trace>, SessionError>>;

    /// Finds the nodes here from now on: one that was started again may have moved.
    fn redirect(&self, endpoints: &Endpoints);

    /// The version of the running server, asked once it is ready; empty if it tells none.
    fn version(&self) -> BoxFuture<'_, Result<String, SessionError>> {
        async { Ok(String::new()) }.boxed()
    }

    /// What the system says of itself at the end of a run, by the name of a log (`leader-info`).
    fn notes(&self) -> BoxFuture<'_, BTreeMap<String, String>> {
        async { BTreeMap::new() }.boxed()
    }
}

/// One write to come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedWrite {
    /// Its number, from 0.
    pub id: WriteId,
    /// The key; needs no percent-encoding.
    pub key: String,
    /// The value, unique to this write.
    pub value: String,
}

/// What became of one write, as far as its client can know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriteAnswer {
    /// How it ended.
    pub outcome: WriteOutcome,
    /// The HTTP status of the answer, if one came.
    pub http_status: Option<u16>,
    /// The leader's number, if it said so.
    pub version: Option<Version>,
    /// Acknowledgements the leader counted.
    pub acks: Option<u32>,
    /// What went wrong.
    pub error: Option<String>,
}

impl WriteAnswer {
    /// No answer: the write may or may not have been applied.
    #[must_use]
    pub fn none(error: impl Into<String>) -> Self {
        Self { outcome: WriteOutcome::Unknown, http_status: None, version: None, acks: None, error: Some(error.into()) }
    }
}

/// What a node holds for one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The value.
    pub value: String,
    /// The leader's number of the write it is from, if the system tells it.
    pub version: Option<Version>,
}

/// What may still change a follower.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingCopies {
    /// Copies under way to followers that can be reached.
    pub copies: u64,
    /// Names of followers that lack something and do not answer.
    pub unreachable: BTreeSet<String>,
}

/// How long a system may take to settle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SettleLimits {
    /// The longest it takes from one copy's end to the next.
    pub step: Duration,
    /// How long it takes to notice that a node is back. `None` if it does not look.
    pub notice: Option<Duration>,
}

/// What one node recorded of a run. Times are microseconds from the run's start on labctl's clock.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trace {
    /// Copies that the node sent, by write, then follower.
    pub copies: Vec<CopyRecord>,
    /// Copies that arrived at the node, in their order.
    pub arrivals: Vec<ArrivalRecord>,
    /// Records that it had to forget.
    pub dropped: u64,
    /// The limit of its machine that it met.
    pub exhausted: Option<String>,
}

/// One write on its way to one follower.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopyRecord {
    /// The write's number in the plan.
    pub write: WriteId,
    /// The leader's number.
    pub version: Version,
    /// The key written.
    pub key: String,
    /// To whom.
    pub follower: NodeId,
    /// The injected delay that was drawn.
    pub delay_us: u64,
    /// The injected delay of the acknowledgement.
    pub ack_delay_us: u64,
    /// When it was sent, after the delay.
    pub sent_us: Option<i64>,
    /// When it was acknowledged.
    pub acked_us: Option<i64>,
    /// How it ended.
    pub outcome: ReplicationOutcome,
}

/// One copy that arrived at a follower.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArrivalRecord {
    /// The leader's number.
    pub version: Version,
    /// The key written.
    pub key: String,
    /// False if the follower kept something newer.
    pub applied: bool,
    /// When it arrived.
    pub at_us: i64,
    /// Whether it came to bring the follower up to date.
    pub catch_up: bool,
}

/// Why a node could not be asked.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{node}: {question}: {reason}")]
pub struct SessionError {
    /// Which node.
    pub node: NodeId,
    /// What was asked, e.g. `GET /health`.
    pub question: String,
    /// What came instead.
    pub reason: String,
}
