//! The client of nodes in this process, by their own code.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use labnode::api;
use labnode::clock::Clock;
use labnode::leader::Write;
use labnode::node::Node;
use labnode::store::Store;
use labnode::wire::{FollowerRecord, Health, LeaderRecord, StoreDump, TraceDump, TraceQuery, Value};

use super::client::{ANSWER_MARGIN, Client, done, refused, unanswered};
use crate::model::NodeId;
use crate::system::session::{PlannedWrite, SessionError, WriteAnswer};

/// Calls the nodes below HTTP. Clones share them.
#[derive(Debug, Clone)]
pub struct DirectClient {
    nodes: Arc<BTreeMap<NodeId, Node>>,
    clock: Clock,
    write_limit: Duration,
}

impl DirectClient {
    /// A client of these nodes whose writes the leader answers within `write_limit`
    /// on `clock`.
    #[must_use]
    pub fn new(nodes: BTreeMap<NodeId, Node>, clock: Clock, write_limit: Duration) -> Self {
        Self { nodes: Arc::new(nodes), clock, write_limit: write_limit + ANSWER_MARGIN }
    }

    fn node(&self, name: NodeId, path: &str) -> Result<&Node, SessionError> {
        self.nodes.get(&name).ok_or_else(|| unanswered(name, path, "there is no such node"))
    }
}

/// The answer to `query`; the first of these records has the number `first`.
fn trace_dump<R>(node: &Node, query: TraceQuery, (first, records): (u64, Vec<R>)) -> TraceDump<R> {
    let config = node.config();
    TraceDump {
        node: config.name.clone(),
        role: config.role,
        now_us: node.clock().now_us(),
        dropped: first - query.from,
        next: first + records.len() as u64,
        records,
    }
}

fn store_dump(node: &Node, store: &Store) -> StoreDump {
    let entries = store.snapshot();
    let (name, role) = (node.config().name.clone(), node.config().role);
    StoreDump {
        node: name,
        role,
        store: entries.iter().map(|entry| (entry.key.to_string(), entry.value.to_string())).collect(),
        versions: entries.iter().map(|entry| (entry.key.to_string(), entry.version)).collect(),
    }
}

impl Client for DirectClient {
    async fn put(&self, write: &PlannedWrite) -> WriteAnswer {
        let Some(Node::Leader(leader)) = self.nodes.get(&NodeId::Leader) else {
            return WriteAnswer::none("there is no leader");
        };
        let started_us = self.clock.now_us();
        let write = Write { key: write.key.to_string(), value: write.value.clone(), id: Some(write.id.get()) };
        match self.clock.timeout(self.write_limit, leader.put(write, started_us)).await {
            Ok(Ok(accepted)) => done(200, &accepted),
            Ok(Err(error)) => {
                let (status, body) = api::quorum_refusal(error);
                refused(status.as_u16(), &body)
            }
            Err(_elapsed) => WriteAnswer::none("no answer in time"),
        }
    }

    async fn value(&self, node: NodeId, key: &str) -> Result<Option<Value>, SessionError> {
        let node = self.node(node, "/kv")?;
        let role = node.config().role;
        Ok(node.store().get(key).map(|entry| Value {
            key: key.to_owned(),
            value: entry.value.to_string(),
            version: entry.version,
            role,
        }))
    }

    async fn health(&self, node: NodeId) -> Result<Health, SessionError> {
        Ok(self.node(node, "/health")?.health())
    }

    async fn store(&self, node: NodeId) -> Result<StoreDump, SessionError> {
        let node = self.node(node, "/debug/store")?;
        Ok(store_dump(node, node.store()))
    }

    async fn leader_trace(&self, query: TraceQuery) -> Result<TraceDump<LeaderRecord>, SessionError> {
        match self.node(NodeId::Leader, "/debug/trace")? {
            node @ Node::Leader(leader) => {
                let end = if query.ended { leader.trace().first_pending(query.from) } else { u64::MAX };
                Ok(trace_dump(node, query, leader.records(query.from, end, usize::MAX)))
            }
            Node::Follower(_) => Err(unanswered(NodeId::Leader, "/debug/trace", "it is a follower")),
        }
    }

    async fn follower_trace(&self, node: NodeId, query: TraceQuery) -> Result<TraceDump<FollowerRecord>, SessionError> {
        match self.node(node, "/debug/trace")? {
            found @ Node::Follower(follower) => {
                Ok(trace_dump(found, query, follower.records(query.from, u64::MAX, usize::MAX)))
            }
            Node::Leader(_) => Err(unanswered(node, "/debug/trace", "it is a leader")),
        }
    }
}
