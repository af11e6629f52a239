//! How labctl talks to nodes: one trait, so that the load and the dumps are the same
//! over HTTP and in the simulation.

use std::future::Future;
use std::time::Duration;

use labnode::wire::{ErrorBody, FollowerRecord, Health, LeaderRecord, PutDone, StoreDump, TraceDump};

use crate::data::WriteOutcome;
use crate::load::PlannedWrite;

/// Past a write's own time limit by this much, the leader is taken not to answer any more.
pub const ANSWER_MARGIN: Duration = Duration::from_secs(5);

/// A client of one cluster's nodes. Nodes go by name: `leader`, `f1`, ...
pub trait Client: Clone + Send + Sync + 'static {
    /// Sends one write to the leader and waits for its answer, or for the client's own deadline.
    fn put(&self, write: &PlannedWrite) -> impl Future<Output = Answer> + Send;

    /// `GET /health`.
    fn health(&self, node: &str) -> impl Future<Output = Result<Health, ClientError>> + Send;

    /// `GET /debug/store`.
    fn store(&self, node: &str) -> impl Future<Output = Result<StoreDump, ClientError>> + Send;

    /// `GET /debug/trace` of the leader.
    fn leader_trace(&self) -> impl Future<Output = Result<TraceDump<LeaderRecord>, ClientError>> + Send;

    /// `GET /debug/trace` of a follower.
    fn follower_trace(&self, node: &str)
    -> impl Future<Output = Result<TraceDump<FollowerRecord>, ClientError>> + Send;
}

/// What became of one write, as far as its client can know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// How it ended.
    pub outcome: WriteOutcome,
    /// The answer's status, where one came.
    pub http_status: Option<u16>,
    /// The leader's number, where it said so.
    pub version: Option<u64>,
    /// Acknowledgements the leader counted.
    pub acks: Option<u32>,
    /// What went wrong.
    pub error: Option<String>,
}

impl Answer {
    /// No answer: the write may or may not have been applied.
    #[must_use]
    pub fn none(error: impl Into<String>) -> Self {
        Self { outcome: WriteOutcome::Unknown, http_status: None, version: None, acks: None, error: Some(error.into()) }
    }

    /// The node's answer to a `PUT`, whatever its status.
    #[must_use]
    pub fn from_response(status: u16, body: &[u8]) -> Self {
        if status == 200 {
            return match serde_json::from_slice(body) {
                Ok(done) => Self::done(status, &done),
                Err(error) => Self { http_status: Some(status), ..Self::none(format!("malformed answer: {error}")) },
            };
        }
        match serde_json::from_slice(body) {
            Ok(said) => Self::refused(status, &said),
            Err(_) => {
                let error = Some(format!("status {status}"));
                Self { outcome: WriteOutcome::Failed, http_status: Some(status), version: None, acks: None, error }
            }
        }
    }

    /// The write was acknowledged.
    #[must_use]
    pub fn done(status: u16, done: &PutDone) -> Self {
        Self {
            outcome: WriteOutcome::Ok,
            http_status: Some(status),
            version: Some(done.version),
            acks: Some(done.acks),
            error: None,
        }
    }

    /// The node said no.
    #[must_use]
    pub fn refused(status: u16, said: &ErrorBody) -> Self {
        Self {
            outcome: WriteOutcome::Failed,
            http_status: Some(status),
            version: said.version,
            acks: said.acks,
            error: Some(format!("{}: {}", said.error, said.message)),
        }
    }
}

/// Why a node could not be asked.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{node}: GET {path}: {reason}")]
pub struct ClientError {
    /// Which node.
    pub node: String,
    /// What was asked for.
    pub path: String,
    /// What came instead.
    pub reason: String,
}
