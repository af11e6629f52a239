//! How labctl talks to nodes: one trait, so that the load and the dumps are the same
//! over HTTP and in the simulation.

mod http;
mod in_process;

use std::future::Future;
use std::time::Duration;

pub use http::HttpClient;
pub use in_process::InProcessClient;
use labnode::wire::{FollowerRecord, Health, LeaderRecord, StoreDump, TraceDump};

use crate::data::WriteOutcome;
use crate::load::PlannedWrite;

/// Past a write's own time limit by this much, the leader is taken not to answer any more.
const ANSWER_MARGIN: Duration = Duration::from_secs(5);

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
        use labnode::wire::{ErrorBody, PutDone};
        if status == 200 {
            return match serde_json::from_slice::<PutDone>(body) {
                Ok(done) => Self {
                    outcome: WriteOutcome::Ok,
                    http_status: Some(status),
                    version: Some(done.version),
                    acks: Some(done.acks),
                    error: None,
                },
                Err(error) => Self { http_status: Some(status), ..Self::none(format!("malformed answer: {error}")) },
            };
        }
        let (version, acks, error) = match serde_json::from_slice::<ErrorBody>(body) {
            Ok(said) => (said.version, said.acks, format!("{}: {}", said.error, said.message)),
            Err(_) => (None, None, format!("status {status}")),
        };
        Self { outcome: WriteOutcome::Failed, http_status: Some(status), version, acks, error: Some(error) }
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
