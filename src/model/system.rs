//! What a system under test is, and how much it lets be seen.

use serde::{Deserialize, Serialize};

use super::accepted::{Accepted, one_of};

/// The system a run measured.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SystemFacts {
    /// Its name in the list of systems.
    pub name: String,
    /// The version that the running system told; empty if it tells none.
    pub version: String,
    /// What it lets be seen and done.
    pub capabilities: Capabilities,
    /// Sentences about its settings, for readers of the report.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remarks: Vec<String>,
}

/// What a system lets be seen and done. An analysis that needs more is left out.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capabilities {
    /// Whether it tells from inside when each copy was sent, arrived and was acknowledged.
    pub trace: bool,
    /// Whether answers and dumps carry the leader's number of a write.
    pub versions: bool,
    /// Whether readers can ask a node: for a single key, or for its list of messages.
    #[serde(default = "yes", skip_serializing_if = "bool::clone")]
    pub reads: bool,
    /// Whether it injects delays itself, so that they are known write by write.
    pub own_delays: bool,
    /// How W is set.
    pub quorum: QuorumControl,
    /// Whether its own quorum number counts the leader.
    pub counts_leader: bool,
    /// How it is known that nothing is in flight any more.
    pub settles: Settling,
    /// What a node that was killed has when it comes back.
    pub restart: RestartState,
    /// Whether it replicates one ordered log, in which no write overtakes another.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ordered_log: bool,
    /// Whether its state is one list of messages: dumps hold each under its place.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub append_log: bool,
    /// Whether a follower acknowledges a write before reads of it show the write, as where it first has to hear that a
    /// majority has it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub acks_unseen: bool,
}

/// The default of what every system could do before one came that cannot.
pub(crate) const fn yes() -> bool {
    true
}

impl Capabilities {
    /// Those of the lab's own node.
    pub const LABNODE: Self = Self {
        trace: true,
        versions: true,
        reads: true,
        own_delays: true,
        quorum: QuorumControl::PerStart,
        counts_leader: false,
        settles: Settling::Reported,
        restart: RestartState::Empty,
        ordered_log: false,
        append_log: false,
        acks_unseen: false,
    };
}

/// How a system is told its write quorum.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QuorumControl {
    /// When its nodes start.
    PerStart,
    /// By a request to a running system.
    ByRequest,
    /// With each write.
    PerWrite,
    /// Not at all: it is a majority.
    Majority,
}

impl Accepted for QuorumControl {
    fn accepted() -> String {
        one_of(&["per_start", "by_request", "per_write", "majority"])
    }
}

/// Who opens the connection over which a leader and a follower replicate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dialer {
    /// The leader connects to each follower.
    Leader,
    /// Each follower connects to the leader.
    Follower,
    /// Each node connects to every other, at the one address by which all know it. What the leader sends to a follower
    /// passes over the connection that the follower has opened.
    #[serde(skip)]
    Both,
}

impl Accepted for Dialer {
    fn accepted() -> String {
        one_of(&["leader", "follower"])
    }
}

/// How it is known that a run has settled.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Settling {
    /// The system says what is in flight.
    Reported,
    /// Its dumps stay equal for a while.
    Quiet,
}

impl Accepted for Settling {
    fn accepted() -> String {
        one_of(&["reported", "quiet"])
    }
}

impl Accepted for RestartState {
    fn accepted() -> String {
        one_of(&["empty", "durable", "resync"])
    }
}

/// What a node that was killed has when it comes back.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RestartState {
    /// Nothing.
    Empty,
    /// What it had acknowledged.
    Durable,
    /// What it fetches from the leader.
    Resync,
}
