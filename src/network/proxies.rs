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
    pub fn order(&self, node: NodeId, order: ProxyOrder) -> Result<(), ProxyError> {
        let concerned = self.controls.iter().filter(|(link, _)| node.is_leader() || **link == node);
        concerned.into_iter().try_for_each(|(link, control)| send(*link, *control, order))
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
