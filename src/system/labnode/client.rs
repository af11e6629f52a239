//! How labctl talks to the lab's nodes: one trait, so that sessions over HTTP and in the
//! simulation differ in nothing else.

use std::future::Future;
use std::time::Duration;

use labnode::wire::{
    ErrorBody, FollowerRecord, Health, LeaderRecord, PutDone, StoreDump, TraceDump, TraceQuery, Value,
};

use crate::model::{Endpoints, NodeId, Version, WriteOutcome};
use crate::system::session::{PlannedWrite, SessionError, WriteAnswer};

/// Past a write's own time limit by this much, the leader is taken not to answer any more.
pub const ANSWER_MARGIN: Duration = Duration::from_secs(5);

/// How long a node may take to answer a read.
pub const READ_LIMIT: Duration = Duration::from_secs(5);

/// A client of one cluster's nodes.
pub trait Client: Clone + Send + Sync + 'static {
    /// Sends one write to the leader and waits for its answer, or for the client's own deadline.
    fn put(&self, write: &PlannedWrite) -> impl Future<Output = WriteAnswer> + Send;

    /// `GET /kv/{key}`. `None` if the node does not have the key.
    fn value(&self, node: NodeId, key: &str) -> impl Future<Output = Result<Option<Value>, SessionError>> + Send;

    /// `GET /health`.
    fn health(&self, node: NodeId) -> impl Future<Output = Result<Health, SessionError>> + Send;

    /// `GET /debug/store`.
    fn store(&self, node: NodeId) -> impl Future<Output = Result<StoreDump, SessionError>> + Send;

    /// `GET /debug/trace` of the leader.
    fn leader_trace(
        &self,
        query: TraceQuery,
    ) -> impl Future<Output = Result<TraceDump<LeaderRecord>, SessionError>> + Send;

    /// `GET /debug/trace` of a follower.
    fn follower_trace(
        &self,
        node: NodeId,
        query: TraceQuery,
    ) -> impl Future<Output = Result<TraceDump<FollowerRecord>, SessionError>> + Send;

    /// Opens as many connections to the leader for writes as will be used. In this process there are none.
    fn open_for_writes(&self, _connections: usize) -> impl Future<Output = Result<(), SessionError>> + Send {
        std::future::ready(Ok(()))
    }

    /// Finds the nodes here from now on. Nodes in this process stay where they are.
    fn redirect(&self, _endpoints: &Endpoints) {}
}

/// The error of a question to a node.
pub(crate) fn unanswered(node: NodeId, path: &str, reason: impl Into<String>) -> SessionError {
    SessionError::new(node, format!("GET {path}"), reason)
}

/// The answer to a `PUT`, whatever its status.
pub(super) fn from_response(status: u16, body: &[u8]) -> WriteAnswer {
    if status == 200 {
        return match serde_json::from_slice(body) {
            Ok(accepted) => done(status, &accepted),
            Err(error) => {
                WriteAnswer { http_status: Some(status), ..WriteAnswer::none(format!("malformed answer: {error}")) }
            }
        };
    }
    match serde_json::from_slice(body) {
        Ok(said) => refused(status, &said),
        Err(_) => WriteAnswer {
            outcome: WriteOutcome::Failed,
            http_status: Some(status),
            ..WriteAnswer::none(format!("status {status}"))
        },
    }
}

/// The answer of a leader that has acknowledged a write.
#[must_use]
pub fn done(status: u16, done: &PutDone) -> WriteAnswer {
    WriteAnswer {
        outcome: WriteOutcome::Ok,
        http_status: Some(status),
        version: Some(Version::new(done.version)),
        acks: Some(done.acks),
        error: None,
        answered_us: None,
    }
}

/// The answer of a leader that has refused a write.
#[must_use]
pub fn refused(status: u16, said: &ErrorBody) -> WriteAnswer {
    WriteAnswer {
        outcome: WriteOutcome::Failed,
        http_status: Some(status),
        version: said.version.map(Version::new),
        acks: said.acks,
        error: Some(format!("{}: {}", said.error, said.message)),
        answered_us: None,
    }
}
