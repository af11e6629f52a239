//! A client in virtual time whose links to the nodes can be broken.

use std::sync::{Arc, RwLock};
use std::time::Duration;

use labnode::clock::Clock;
use labnode::wire::{FollowerRecord, Health, LeaderRecord, StoreDump, TraceDump, TraceQuery, Value};

use super::link_state::{NodeLink, Refused};
use crate::model::{NodeId, ignore_poison};
use crate::system::labnode::{ANSWER_MARGIN, Client, READ_LIMIT, unanswered};
use crate::system::{PlannedWrite, SessionError, WriteAnswer};

/// Asks nodes through another client; its writes go through the link to the leader, and a follower is read only while it
/// answers. Other questions get through: the fault injector knows which nodes not to ask. Clones share everything.
#[derive(Debug, Clone)]
pub(super) struct GatedClient<C> {
    inner: Arc<RwLock<C>>,
    link: NodeLink,
    /// How each follower is.
    followers: Vec<NodeLink>,
    clock: Clock,
    write_limit: Duration,
}

impl<C: Client> GatedClient<C> {
    /// A client behind `link` whose writes the leader answers within `write_limit`.
    #[must_use]
    pub(super) fn new(inner: C, link: NodeLink, followers: Vec<NodeLink>, clock: Clock, write_limit: Duration) -> Self {
        let write_limit = write_limit + ANSWER_MARGIN;
        Self { inner: Arc::new(RwLock::new(inner)), link, followers, clock, write_limit }
    }

    /// Asks through this client from now on, also for every clone: a node was started again.
    pub(super) fn replace(&self, inner: C) {
        *ignore_poison(self.inner.write()) = inner;
    }

    fn inner(&self) -> C {
        ignore_poison(self.inner.read()).clone()
    }

    /// Gets a write to the leader and its answer back.
    async fn exchange(&self, write: &PlannedWrite) -> Result<WriteAnswer, Refused> {
        self.link.pass(&self.clock).await?;
        self.link.thawed().await?;
        let answer = self.inner().put(write).await;
        self.link.thawed().await?;
        self.link.healed().await?;
        Ok(answer)
    }
}

impl<C: Client> Client for GatedClient<C> {
    async fn put(&self, write: &PlannedWrite) -> WriteAnswer {
        let exchange = self.clock.timeout(self.write_limit, self.exchange(write));
        tokio::select! {
            biased;
            () = self.link.broken() => WriteAnswer::none(Refused.to_string()),
            answer = exchange => match answer {
                Ok(Ok(answer)) => answer,
                Ok(Err(refused)) => WriteAnswer::none(refused.to_string()),
                Err(_elapsed) => WriteAnswer::none("no answer in time"),
            },
        }
    }

    async fn value(&self, node: NodeId, key: &str) -> Result<Option<Value>, SessionError> {
        let Some(link) = node.follower_index().and_then(|index| self.followers.get(index)) else {
            return self.inner().value(node, key).await;
        };
        let unanswered = |reason: String| Err(unanswered(node, &format!("/kv/{key}"), reason));
        match self.clock.timeout(READ_LIMIT, link.answers_clients()).await {
            Ok(Ok(())) => self.inner().value(node, key).await,
            Ok(Err(refused)) => unanswered(refused.to_string()),
            Err(_elapsed) => unanswered("no answer in time".to_owned()),
        }
    }

    async fn health(&self, node: NodeId) -> Result<Health, SessionError> {
        self.inner().health(node).await
    }

    async fn store(&self, node: NodeId) -> Result<StoreDump, SessionError> {
        self.inner().store(node).await
    }

    async fn leader_trace(&self, query: TraceQuery) -> Result<TraceDump<LeaderRecord>, SessionError> {
        self.inner().leader_trace(query).await
    }

    async fn follower_trace(&self, node: NodeId, query: TraceQuery) -> Result<TraceDump<FollowerRecord>, SessionError> {
        self.inner().follower_trace(node, query).await
    }
}
