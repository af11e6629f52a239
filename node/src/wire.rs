//! The JSON bodies that nodes and their clients exchange.
//!
//! Every type here is public interface: a field is renamed only
//! together with a schema version.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use crate::config::Role;

/// Header with which a client numbers its own write; without it the leader uses the version.
pub const WRITE_ID_HEADER: &str = "x-write-id";

/// `GET /health`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// Always true: a node that answers is healthy.
    pub ok: bool,
    /// What this node is.
    pub role: Role,
    /// `NODE_NAME`.
    pub node: String,
    /// Acknowledgements a write waits for.
    pub write_quorum: u32,
    /// Base URLs of the followers, in index order; empty on a follower.
    pub followers: Vec<String>,
    /// What may still change a follower that can be reached: replications started and not yet
    /// finished, and entries that bring followers up to date; 0 on a follower.
    pub in_flight: u64,
    /// Those of `followers` that lack something and do not answer; empty on a follower, and
    /// where followers are not brought up to date.
    #[serde(default)]
    pub unreachable: Vec<String>,
    /// The first limit of the machine that the node ran into, see [`crate::limits`]; absent
    /// where it met none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exhausted: Option<String>,
    /// This node's clock when it started: another one after each restart.
    pub started_us: u64,
    /// This node's clock when it answered, see [`crate::clock::Clock`].
    pub now_us: u64,
}

/// `GET /kv/{key}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Value {
    /// The key asked for.
    pub key: String,
    /// What this node holds, possibly stale on a follower.
    pub value: String,
    /// The leader's number of that write.
    pub version: u64,
    /// Who answered.
    pub role: Role,
}

/// Body of `PUT /kv/{key}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Put {
    /// The value to store.
    pub value: String,
}

/// Answer 200 to `PUT /kv/{key}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PutDone {
    /// Always `ok`.
    pub status: String,
    /// The key written.
    pub key: String,
    /// The value written.
    pub value: String,
    /// The number the leader gave this write; numbers are dense and start at 1.
    pub version: u64,
    /// Followers that had acknowledged when the answer was sent.
    pub acks: u32,
    /// Acknowledgements that were needed.
    pub required: u32,
}

/// Every error answer; `acks` and `required` are there when a quorum was missed (503, 504).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// A `snake_case` code that programs may match on.
    pub error: String,
    /// The same for people.
    pub message: String,
    /// Followers that had acknowledged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acks: Option<u32>,
    /// Acknowledgements that were needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub required: Option<u32>,
    /// The number the leader gave the refused write, which stays applied on the leader.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u64>,
}

/// Body of `POST /replicate/{key}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Replicate {
    /// The value to store.
    pub value: String,
    /// The leader's number; without one the follower counts on from what it holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u64>,
    /// Whether this is no write under way but what the leader holds, sent to a follower that
    /// may lack it: applied only where it is newer, whatever the replication order.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub catch_up: bool,
}

/// Answer 200 to `POST /replicate/{key}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replicated {
    /// False when the follower keeps what it holds because that is newer.
    pub applied: bool,
    /// The version the follower now holds.
    pub version: u64,
    /// The follower's clock when it started: another one after each restart, which left it
    /// empty. A follower need not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_us: Option<u64>,
}

/// Body of `POST /replicate`: copies that left together. The follower applies them in this order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReplicateBatch<'a> {
    /// The copies.
    #[serde(borrow)]
    pub copies: Vec<ReplicateCopy<'a>>,
}

/// One of several copies, as [`Replicate`] with its key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReplicateCopy<'a> {
    /// The key.
    #[serde(borrow)]
    pub key: Cow<'a, str>,
    /// The value to store.
    #[serde(borrow)]
    pub value: Cow<'a, str>,
    /// As in [`Replicate`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u64>,
    /// As in [`Replicate`].
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub catch_up: bool,
}

/// Answer 200 to `POST /replicate`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchReplicated {
    /// What became of each copy, in their order.
    pub answers: Vec<CopyAnswer>,
    /// As in [`Replicated`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_us: Option<u64>,
}

/// What became of one of several copies: `applied` and `version` as in [`Replicated`], or `error` and
/// `message` as in [`ErrorBody`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CopyAnswer {
    /// False when the follower keeps what it holds because that is newer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub applied: Option<bool>,
    /// The version the follower now holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u64>,
    /// Why the follower did not take this copy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The same for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// `GET /debug/store`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreDump {
    /// `NODE_NAME`.
    pub node: String,
    /// What this node is.
    pub role: Role,
    /// Every key and its value.
    pub store: BTreeMap<String, String>,
    /// Every key and the leader's number of the write it holds. A store that does not number its
    /// writes leaves it out.
    #[serde(default)]
    pub versions: BTreeMap<String, u64>,
}

/// How one replication ended, or that it has not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The follower answered.
    Acked,
    /// `REPLICATION_TIMEOUT_S` passed first: this copy is lost (or arrived unacknowledged).
    Timeout,
    /// The follower refused or could not be reached.
    Failed,
    /// Not over yet.
    Pending,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// One line of the leader's trace: one write on its way to one follower.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaderRecord {
    /// The client's `x-write-id`, or the version where there was none.
    pub write: u64,
    /// The leader's number.
    pub version: u64,
    /// The key written.
    pub key: String,
    /// Index into `followers`, from 0.
    pub follower: u32,
    /// The injected delay that was drawn, in microseconds.
    pub delay_us: u64,
    /// The injected delay of the acknowledgement, in microseconds; absent where there is none.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub ack_delay_us: u64,
    /// When the request was handed to the transport, after the delay; absent while it was not.
    pub sent_us: Option<u64>,
    /// When the acknowledgement came; absent without one.
    pub acked_us: Option<u64>,
    /// How it ended.
    pub outcome: Outcome,
}

/// One line of a follower's trace: one arrival.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FollowerRecord {
    /// The leader's number.
    pub version: u64,
    /// The key written.
    pub key: String,
    /// False when the follower kept something newer.
    pub applied: bool,
    /// Whether it came to bring the follower up to date.
    #[serde(default)]
    pub catch_up: bool,
    /// When it arrived, on this node's clock.
    pub at_us: u64,
}

/// The query of `GET /debug/trace`: which records are asked for. Left out: all that there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TraceQuery {
    /// The number of the first record. They are numbered from 0 in the order in which they began.
    #[serde(default)]
    pub from: u64,
    /// Whether only those are asked for that come before the first replication that has not ended: nothing changes them
    /// any more.
    #[serde(default)]
    pub ended: bool,
}

impl TraceQuery {
    /// All records that are kept, ended or not.
    pub const ALL: Self = Self { from: 0, ended: false };

    /// The path of the request, with the query.
    pub fn path(self) -> String {
        format!("/debug/trace?from={}&ended={}", self.from, self.ended)
    }
}

/// `GET /debug/trace`. Records are in the order in which they began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TraceDump<R> {
    /// `NODE_NAME`.
    pub node: String,
    /// What this node is, and so which records follow.
    pub role: Role,
    /// This node's clock when it answered; the records' times are on the same clock.
    pub now_us: u64,
    /// Records from the first that was asked for on that are forgotten because the trace was full.
    pub dropped: u64,
    /// The number of the record after the last of these.
    #[serde(default)]
    pub next: u64,
    /// The trace.
    pub records: Vec<R>,
}
