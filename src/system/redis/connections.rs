//! Connections to the servers of one cluster.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use futures_util::future::try_join_all;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, RedisError, RedisResult};

use crate::model::{Endpoints, NodeId, ignore_poison};

/// How long it may take to connect.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);
/// How long a client waits before it tries again to reach a leader that takes no connections.
const RETRY_DELAY: Duration = Duration::from_millis(20);
/// How long a server may take to answer anything but a write.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);

/// Connections for writes, of which each carries one write at a time, and one for questions to each node.
#[derive(Debug)]
pub(super) struct RedisConnections {
    addresses: Mutex<BTreeMap<NodeId, String>>,
    /// Connections to the leader that carry no write at the moment.
    idle: Mutex<Vec<MultiplexedConnection>>,
    /// Connections for questions.
    asking: Mutex<BTreeMap<NodeId, MultiplexedConnection>>,
    /// How long a leader that takes no connections is tried.
    wait: Duration,
    /// How long the leader may take to answer a write.
    write_limit: Duration,
}

impl RedisConnections {
    pub(super) fn new(endpoints: &Endpoints, wait: Duration, write_limit: Duration) -> Self {
        Self {
            addresses: Mutex::new(addresses(endpoints)),
            idle: Mutex::default(),
            asking: Mutex::default(),
            wait,
            write_limit,
        }
    }

    /// A connection to the leader for one write. Give it back with [`Self::keep`] once the write has been
    /// answered; otherwise drop it: a late answer must not be taken for the next write's.
    pub(super) async fn for_a_write(&self) -> RedisResult<MultiplexedConnection> {
        let idle = ignore_poison(self.idle.lock()).pop();
        match idle {
            Some(connection) => Ok(connection),
            None => self.reach_leader().await,
        }
    }

    /// Opens connections for writes beforehand.
    pub(super) async fn open(&self, connections: usize) -> RedisResult<()> {
        let opened = try_join_all((0..connections).map(|_| self.reach_leader())).await?;
        opened.into_iter().for_each(|connection| self.keep(connection));
        Ok(())
    }

    /// A new connection to the leader. One that is gone may be started again: it is tried for as long as it may take to
    /// acknowledge a write. As a process it refuses connections; in its place as a container Docker accepts and resets them.
    async fn reach_leader(&self) -> RedisResult<MultiplexedConnection> {
        let deadline = Instant::now() + self.wait;
        loop {
            match self.connect(NodeId::Leader, self.write_limit).await {
                Err(error) if error.is_connection_dropped() && Instant::now() + RETRY_DELAY < deadline => {
                    tokio::time::sleep(RETRY_DELAY).await;
                }
                connected => return connected,
            }
        }
    }

    /// Keeps a connection for the next write.
    pub(super) fn keep(&self, connection: MultiplexedConnection) {
        ignore_poison(self.idle.lock()).push(connection);
    }

    /// A connection over which a write has been sent, if one is idle.
    pub(super) fn idle_writer(&self) -> Option<MultiplexedConnection> {
        ignore_poison(self.idle.lock()).last().cloned()
    }

    /// The connection for questions to a node.
    pub(super) async fn to(&self, node: NodeId) -> RedisResult<MultiplexedConnection> {
        let open = ignore_poison(self.asking.lock()).get(&node).cloned();
        if let Some(connection) = open {
            return Ok(connection);
        }
        let connection = self.connect(node, ANSWER_LIMIT).await?;
        ignore_poison(self.asking.lock()).insert(node, connection.clone());
        Ok(connection)
    }

    /// Closes the connection for questions to a node after an error: the next question opens another.
    pub(super) fn close(&self, node: NodeId) {
        ignore_poison(self.asking.lock()).remove(&node);
    }

    /// Finds the nodes here from now on.
    pub(super) fn redirect(&self, endpoints: &Endpoints) {
        let now = addresses(endpoints);
        let before = std::mem::replace(&mut *ignore_poison(self.addresses.lock()), now.clone());
        ignore_poison(self.asking.lock()).retain(|node, _| before.get(node) == now.get(node));
        if before.get(&NodeId::Leader) != now.get(&NodeId::Leader) {
            ignore_poison(self.idle.lock()).clear();
        }
    }

    async fn connect(&self, node: NodeId, answer_limit: Duration) -> RedisResult<MultiplexedConnection> {
        let address = ignore_poison(self.addresses.lock()).get(&node).cloned().unwrap_or_default();
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT_LIMIT.min(answer_limit)))
            .set_response_timeout(Some(answer_limit));
        Client::open(format!("redis://{address}"))?.get_multiplexed_async_connection_with_config(&config).await
    }
}

fn addresses(endpoints: &Endpoints) -> BTreeMap<NodeId, String> {
    endpoints.addresses().map(|(node, address)| (node, address.to_owned())).collect()
}

/// Whether the server itself has answered with this error, so that the connection is still of use.
pub(super) fn is_an_answer(error: &RedisError) -> bool {
    // Not `code`: of commands that were sent together it tells only those codes that the client knows.
    error.clone().into_server_errors().is_some()
}
