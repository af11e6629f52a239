//! How labctl talks to a running system. The load and the recording need nothing else, so they
//! are the same for every system and in the simulation.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::future::{BoxFuture, try_join_all};
use futures_util::{FutureExt, TryFutureExt};

use super::explained::Explained;
use crate::model::{
    Endpoints, Key, Micros, NodeId, ReplicationOutcome, StoreDump, TimeSpan, Version, WriteId, WriteOutcome,
};

/// A session with the nodes of one cluster. Questions about different nodes may be asked at once.
pub trait Session: Send + Sync {
    /// Sends one write to the leader and waits for its answer, or for the session's own deadline.
    fn write<'a>(&'a self, write: &'a PlannedWrite) -> BoxFuture<'a, WriteAnswer>;

    /// Reads a key from one node's own memory. `None` if the node does not have it.
    fn read<'a>(&'a self, node: NodeId, key: &'a str) -> BoxFuture<'a, Result<Option<Found>, SessionError>>;

    /// Whether [`Self::read_many`] takes one request, however many keys it reads.
    fn reads_many(&self) -> bool {
        false
    }

    /// Reads keys from one node's own memory at one time; the answers are in the order of the keys. `None` if the node
    /// does not have one.
    fn read_many<'a>(
        &'a self,
        node: NodeId,
        keys: &'a [&'a str],
    ) -> BoxFuture<'a, Result<Vec<Option<Found>>, SessionError>> {
        try_join_all(keys.iter().map(|key| self.read(node, key))).boxed()
    }

    /// Everything one node holds.
    fn dump(&self, node: NodeId) -> BoxFuture<'_, Result<StoreDump, SessionError>>;

    /// Whether a node takes requests; an error says why not.
    fn ready(&self, node: NodeId) -> BoxFuture<'_, Result<(), SessionError>>;

    /// Whether a node that takes requests also takes part in replication; an error says why not.
    fn joined(&self, node: NodeId) -> BoxFuture<'_, Result<(), SessionError>> {
        let _ = node;
        async { Ok(()) }.boxed()
    }

    /// Gets the system ready for a run, once all its nodes take part in replication and before any write: empties one
    /// that runs already, or sets its quorum by a request.
    fn prepare(&self) -> BoxFuture<'_, Result<(), SessionError>> {
        async { Ok(()) }.boxed()
    }

    /// Opens as many connections to the leader as the load will use, so that no write pays for one. Left as it is, this asks
    /// the leader that many times at once whether it takes requests.
    fn warm_up(&self, connections: usize) -> BoxFuture<'_, Result<(), SessionError>> {
        try_join_all((0..connections).map(|_| self.ready(NodeId::Leader))).map_ok(drop).boxed()
    }

    /// Takes over what has ended of a node's trace, so that a load may be longer than the trace. [`trace`](Self::trace) returns it
    /// with the rest. Left as it is, there is nothing to take.
    fn take_trace(&self, node: NodeId) -> BoxFuture<'_, Result<(), SessionError>> {
        let _ = node;
        async { Ok(()) }.boxed()
    }

    /// Tells a node that was started again, and takes requests, what it was told by requests before the load.
    fn restarted(&self, _node: NodeId) -> BoxFuture<'_, Result<(), SessionError>> {
        async { Ok(()) }.boxed()
    }

    /// Whether a node can be dumped at all.
    fn can_dump(&self, _node: NodeId) -> bool {
        true
    }

    /// Whether some dump is made of reads.
    fn dumps_by_reads(&self) -> bool {
        false
    }

    /// How long dumps must stay equal until the run counts as settled. `None` if [`Self::in_flight`] tells.
    fn quiet(&self) -> Option<Duration> {
        None
    }

    /// One request taken apart. `None` if the system cannot.
    fn explain<'a>(&'a self, _step: ProbeStep<'a>) -> BoxFuture<'a, Option<Explained>> {
        async { None }.boxed()
    }

    /// What has ended the session for good: nothing more can be measured. `None` while it works.
    fn failure(&self) -> Option<SessionError> {
        None
    }

    /// What may still change a follower.
    fn in_flight(&self) -> BoxFuture<'_, Result<PendingCopies, SessionError>>;

    /// How long the nodes of a started cluster may take until they answer.
    fn ready_limit(&self) -> Duration {
        Duration::from_secs(30)
    }

    /// How long the system may take to settle.
    fn settle_limits(&self) -> SettleLimits;

    /// What one node recorded of the run that began at `start_us` on the session's clock. `None`
    /// if the system keeps no trace.
    fn trace(&self, node: NodeId, start_us: Micros) -> BoxFuture<'_, Result<Option<Trace>, SessionError>>;

    /// How much a follower has of what its leader replicated, once the leader is dead: a number that is greater of a
    /// follower that is more advanced. Left as it is, the newest version that the follower holds.
    fn position(&self, node: NodeId) -> BoxFuture<'_, Result<u64, SessionError>> {
        let newest = async move { Ok(self.dump(node).await?.versions.into_values().max().unwrap_or(0)) };
        newest.boxed()
    }

    /// Makes a follower the leader. Only of a system whose followers labctl promotes.
    fn promote(&self, node: NodeId) -> BoxFuture<'_, Result<(), SessionError>> {
        async move { Err(SessionError::new(node, "promote", "its system promotes no follower")) }.boxed()
    }

    /// Whether a node says that it leads. Only of a system that elects its leader.
    fn leads(&self, node: NodeId) -> BoxFuture<'_, Result<bool, SessionError>> {
        async move { Err(SessionError::new(node, "who leads", "its system elects no leader")) }.boxed()
    }

    /// Sends one write to a node that has become the leader, to be acknowledged as that node now does: by itself where
    /// it has no followers yet.
    fn write_to<'a>(&'a self, node: NodeId, _key: &'a str, _value: &'a str) -> BoxFuture<'a, Result<(), SessionError>> {
        async move { Err(SessionError::new(node, "write", "its system has no leader but the first")) }.boxed()
    }

    /// Finds the nodes here from now on: one that was started again may have moved.
    fn redirect(&self, endpoints: &Endpoints);

    /// The version of the running server, asked once it is ready; empty if it tells none.
    fn version(&self) -> BoxFuture<'_, Result<String, SessionError>> {
        async { Ok(String::new()) }.boxed()
    }

    /// When another node became the leader since [`Self::prepare`], on the session's clock. Empty of a system whose
    /// leader stays the same.
    fn leader_changes(&self) -> Vec<LeaderChange> {
        Vec::new()
    }

    /// What the system says of itself at the end of a run, by the name of a log (`leader-info`).
    fn notes(&self) -> BoxFuture<'_, BTreeMap<String, String>> {
        async { BTreeMap::new() }.boxed()
    }
}

/// Another node became the leader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeaderChange {
    /// When labctl noticed it, on the session's clock.
    pub at_us: Micros,
    /// The new leader.
    pub leader: NodeId,
}

/// One write to come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedWrite {
    /// Its number, from 0.
    pub id: WriteId,
    /// The key; needs no percent-encoding.
    pub key: Key,
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
    /// When the answer was complete, on the session's clock. `None`: when [`Session::write`] returns.
    pub answered_us: Option<Micros>,
}

impl WriteAnswer {
    /// No answer: the write may or may not have been applied.
    #[must_use]
    pub fn none(error: impl Into<String>) -> Self {
        Self {
            outcome: WriteOutcome::Unknown,
            http_status: None,
            version: None,
            acks: None,
            error: Some(error.into()),
            answered_us: None,
        }
    }
}

/// A request that can be explained.
#[derive(Debug, Clone, Copy)]
pub enum ProbeStep<'a> {
    /// Whether a node takes requests.
    Ready(NodeId),
    /// A write to the leader.
    Write(&'a PlannedWrite),
    /// A read of a key.
    Read(NodeId, &'a str),
    /// A dump.
    Dump(NodeId),
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
    pub key: Key,
    /// To whom.
    pub follower: NodeId,
    /// The injected delay that was drawn.
    pub delay_us: TimeSpan,
    /// The injected delay of the acknowledgement.
    pub ack_delay_us: TimeSpan,
    /// When it was sent, after the delay.
    pub sent_us: Option<Micros>,
    /// When it was acknowledged.
    pub acked_us: Option<Micros>,
    /// How it ended.
    pub outcome: ReplicationOutcome,
}

/// One copy that arrived at a follower.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArrivalRecord {
    /// The leader's number.
    pub version: Version,
    /// The key written.
    pub key: Key,
    /// False if the follower kept something newer.
    pub applied: bool,
    /// When it arrived.
    pub at_us: Micros,
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
    /// Whether waiting cannot mend it, as where a password is wanted.
    pub is_lasting: bool,
}

impl SessionError {
    /// An error that may pass, as of a node that does not listen yet.
    #[must_use]
    pub fn new(node: NodeId, question: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { node, question: question.into(), reason: reason.into(), is_lasting: false }
    }

    /// The same error as one that waiting cannot mend.
    #[must_use]
    pub fn lasting(self) -> Self {
        Self { is_lasting: true, ..self }
    }
}
