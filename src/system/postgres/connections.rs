//! Connections to the servers of one cluster.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures_util::future::try_join_all;
use tokio_postgres::Statement;

use super::connected::{Connected, ConnectionPurpose, PostgresError, within};
use crate::model::{Endpoints, NodeId, ignore_poison};

/// How long it may take to connect.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);
/// How long a client waits before it tries again to reach a leader that takes no connections.
const RETRY_DELAY: Duration = Duration::from_millis(20);
/// A write: a row that is new, or takes the place of the one of the same key.
pub(super) const UPSERT: &str =
    "INSERT INTO store (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value";

/// Connections for writes, of which each carries one write at a time, and one for questions to each node.
#[derive(Debug)]
pub(super) struct PostgresConnections {
    addresses: Mutex<BTreeMap<NodeId, String>>,
    /// Connections to the leader that carry no write at the moment.
    idle: Mutex<Vec<Writer>>,
    /// Connections for questions.
    asking: Mutex<BTreeMap<NodeId, Arc<Connected>>>,
    /// How long a leader that takes no connections is tried.
    wait: Duration,
}

/// A connection for writes.
#[derive(Debug)]
pub(super) struct Writer {
    /// The connection.
    pub(super) connected: Connected,
    /// The write, which the server has prepared.
    pub(super) upsert: Statement,
}

impl PostgresConnections {
    pub(super) fn new(endpoints: &Endpoints, wait: Duration) -> Self {
        let addresses = Mutex::new(addresses(endpoints));
        Self { addresses, idle: Mutex::default(), asking: Mutex::default(), wait }
    }

    /// A connection for one write. Give it back with [`Self::keep`] once the write has been answered; otherwise drop it:
    /// that closes it. A leader that takes no connections may be started again: it is tried for as long as a write may take.
    pub(super) async fn for_a_write(&self) -> Result<Writer, PostgresError> {
        let deadline = Instant::now() + self.wait;
        loop {
            match self.writer().await {
                Err(error) if error.may_pass() && Instant::now() + RETRY_DELAY < deadline => {
                    tokio::time::sleep(RETRY_DELAY).await;
                }
                connected => return connected,
            }
        }
    }

    /// Opens connections for writes beforehand, and lets the server prepare the write over each.
    pub(super) async fn open(&self, connections: usize) -> Result<(), PostgresError> {
        let opened = try_join_all((0..connections).map(|_| self.for_a_write())).await?;
        opened.into_iter().for_each(|writer| self.keep(writer));
        Ok(())
    }

    /// A connection for one write, tried once.
    pub(super) async fn writer(&self) -> Result<Writer, PostgresError> {
        let idle = {
            let mut idle = ignore_poison(self.idle.lock());
            // The server closes its connections when it ends.
            idle.retain(|writer| !writer.connected.client.is_closed());
            idle.pop()
        };
        if let Some(writer) = idle {
            return Ok(writer);
        }
        let connected = self.connect(NodeId::Leader, ConnectionPurpose::Writes).await?;
        let upsert = within(CONNECT_LIMIT.min(self.wait), connected.client.prepare(UPSERT)).await?;
        Ok(Writer { connected, upsert })
    }

    /// Keeps a connection for the next write.
    pub(super) fn keep(&self, writer: Writer) {
        ignore_poison(self.idle.lock()).push(writer);
    }

    /// The connection for questions to a node.
    pub(super) async fn to(&self, node: NodeId) -> Result<Arc<Connected>, PostgresError> {
        let open = ignore_poison(self.asking.lock()).get(&node).cloned();
        if let Some(connected) = open.filter(|open| !open.client.is_closed()) {
            return Ok(connected);
        }
        let connected = Arc::new(self.connect(node, ConnectionPurpose::Questions).await?);
        ignore_poison(self.asking.lock()).insert(node, Arc::clone(&connected));
        Ok(connected)
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

    async fn connect(&self, node: NodeId, purpose: ConnectionPurpose) -> Result<Connected, PostgresError> {
        let address = ignore_poison(self.addresses.lock()).get(&node).cloned().unwrap_or_default();
        let limit = match purpose {
            ConnectionPurpose::Writes => CONNECT_LIMIT.min(self.wait),
            ConnectionPurpose::Questions => CONNECT_LIMIT,
        };
        Connected::to(&address, purpose, limit).await
    }
}

fn addresses(endpoints: &Endpoints) -> BTreeMap<NodeId, String> {
    endpoints.addresses().map(|(node, address)| (node, address.to_owned())).collect()
}
