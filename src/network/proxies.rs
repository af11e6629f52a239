//! Orders to the proxies that links lead through.

use std::collections::BTreeMap;
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use super::link;
use crate::model::{NodeId, ProxyOrder};

/// How long a proxy may take for each step of an order.
const ORDER_LIMIT: Duration = Duration::from_secs(5);

/// The proxies of a running cluster.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Proxies {
    /// Where each takes orders, by the node of its link.
    controls: BTreeMap<NodeId, SocketAddr>,
    /// How a fault has each link pass messages; of others they pass.
    states: BTreeMap<NodeId, ProxyOrder>,
}

/// A proxy did not do what it was told.
#[derive(Debug, thiserror::Error)]
#[error("{proxy} does not take orders on {control}: {source}")]
pub struct ProxyError {
    /// Its name.
    pub proxy: String,
    /// Where it takes orders.
    pub control: SocketAddr,
    /// What failed.
    pub source: io::Error,
}

impl Proxies {
    /// Notes where the proxy of a node's link takes orders.
    pub fn insert(&mut self, node: NodeId, control: SocketAddr) {
        self.controls.insert(node, control);
    }

    /// Gives an order to the proxies of all links that lead to a node or away from it: for the leader these are all.
    /// The order is in force when this returns; it blocks until then.
    ///
    /// # Errors
    /// When a proxy cannot be reached, or does not confirm in time.
    pub fn order(&mut self, node: NodeId, order: ProxyOrder) -> Result<(), ProxyError> {
        for (link, control) in self.of(node) {
            send(link, control, order)?;
            if matches!(order, ProxyOrder::Pass | ProxyOrder::Cut | ProxyOrder::Mute | ProxyOrder::Slow { .. }) {
                self.states.insert(link, order);
            }
        }
        Ok(())
    }

    /// Has all links of a node hold what is on its way, until [`Self::drop_held`]: a node takes a while to end, and what it
    /// had sent would arrive meanwhile.
    ///
    /// # Errors
    /// As [`Self::order`].
    pub fn hold(&self, node: NodeId) -> Result<(), ProxyError> {
        self.of(node).into_iter().try_for_each(|(link, control)| send(link, control, ProxyOrder::Cut))
    }

    /// Drops what the links of a node hold, resets their connections, and has them pass messages as before.
    ///
    /// # Errors
    /// As [`Self::order`].
    pub fn drop_held(&self, node: NodeId) -> Result<(), ProxyError> {
        self.of(node).into_iter().try_for_each(|(link, control)| {
            send(link, control, ProxyOrder::Drop)?;
            send(link, control, self.states.get(&link).copied().unwrap_or(ProxyOrder::Pass))
        })
    }

    /// The proxies of all links that lead to a node or away from it.
    fn of(&self, node: NodeId) -> Vec<(NodeId, SocketAddr)> {
        let concerned = self.controls.iter().filter(|(link, _)| node.is_leader() || **link == node);
        concerned.map(|(link, control)| (*link, *control)).collect()
    }

    /// Gives an order to all proxies, as [`Self::order`].
    ///
    /// # Errors
    /// As [`Self::order`].
    pub fn order_all(&self, order: ProxyOrder) -> Result<(), ProxyError> {
        self.controls.iter().try_for_each(|(link, control)| send(*link, *control, order))
    }
}

fn send(link: NodeId, control: SocketAddr, order: ProxyOrder) -> Result<(), ProxyError> {
    let sent = || {
        let stream = TcpStream::connect_timeout(&control, ORDER_LIMIT)?;
        // The order is one small packet, which must not wait for more.
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(ORDER_LIMIT))?;
        stream.set_write_timeout(Some(ORDER_LIMIT))?;
        order.send(stream)
    };
    sent().map_err(|source| ProxyError { proxy: link::name(link), control, source })
}
