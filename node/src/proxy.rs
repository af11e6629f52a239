//! A proxy: a network link with delays that can be cut or slowed while it is used.
//!
//! It passes TCP connections on to one node. It stands between a leader and a follower, or between clients and a
//! leader, if that link has delays that the system does not inject itself, or if an experiment disturbs it. Orders
//! come to a second port ([`Order`]), so nothing that a client sends can change the link.
//!
//! Each direction of the link has its own delays, drawn as [`OrderedDirection`](crate::delay::OrderedDirection)
//! says. Slots and draws belong to the link: all connections share them. The order of arrival belongs to the
//! connection, as in TCP: nothing overtakes what was sent before it over the same connection, and no connection waits
//! for another. What is read in one piece is passed on in one piece. The end and the reset of a connection are
//! messages too: they take the link's delay and come after what was sent before them. Connecting takes no delay.

mod config;
mod connection;
mod control;
mod flow;
mod order;
mod queue;
mod state;
#[cfg(test)]
mod tests;

use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;

pub use config::{ProxyConfig, WriteSource};
use connection::{Link, Socket};
use futures_util::FutureExt;
pub use order::Order;
use rand::Rng;
use state::LinkState;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tracing::warn;

use crate::clock::Clock;

/// How many orders may wait for those before them.
const MAX_WAITING_ORDERS: usize = 16;

/// Passes connections on, as the orders to `control` say, and returns at once when `shutdown` is ready.
pub async fn run(listener: TcpListener, control: TcpListener, config: ProxyConfig, shutdown: impl Future<Output = ()>) {
    let (orders, received) = mpsc::channel(MAX_WAITING_ORDERS);
    tokio::select! {
        biased;
        () = shutdown => {}
        () = Proxy::new(listener, config).serve(received) => {}
        () = control::serve(control, orders) => {}
    }
}

struct Proxy {
    listener: TcpListener,
    link: Link,
    state: watch::Sender<LinkState>,
    /// Closed once all connections that have a copy of the sender are gone.
    open: (mpsc::Sender<Infallible>, mpsc::Receiver<Infallible>),
}

impl Proxy {
    fn new(listener: TcpListener, config: ProxyConfig) -> Self {
        let seed = config.seed.unwrap_or_else(|| rand::rng().next_u64());
        let (sender, state) = watch::channel(LinkState::default());
        let link = Link { config: Arc::new(config), seed, clock: Clock::monotonic(), state };
        Self { listener, link, state: sender, open: mpsc::channel(1) }
    }

    /// Passes connections on and carries orders out, for ever.
    async fn serve(mut self, mut orders: mpsc::Receiver<control::Request>) {
        loop {
            tokio::select! {
                biased;
                Some((order, in_force)) = orders.recv() => {
                    self.obey(order).await;
                    // The connection over which it came may be gone.
                    let _ = in_force.send(());
                }
                dialer = control::accept(&self.listener) => self.pass_on(dialer),
            }
        }
    }

    fn pass_on(&self, dialer: TcpStream) {
        if let Err(error) = dialer.set_nodelay(true) {
            warn!("a connection may be slow: {error}");
        }
        let (link, open) = (self.link.clone(), self.open.0.clone());
        let connect = connection::connect(self.link.config.to.clone(), link.state.clone());
        tokio::spawn(async move {
            connection::carry(dialer, connect, link).await;
            drop(open);
        });
    }

    /// Carries an order out; it is in force when this returns.
    async fn obey(&mut self, order: Order) {
        let now_us = self.link.clock.now_us();
        // Every connection looks at the state before it passes anything on.
        self.state.send_modify(|state| state.obey(order, now_us));
        if order == Order::Drop {
            // Those that have not been accepted yet belong to the past as well.
            while let Some(Ok((dialer, _))) = self.listener.accept().now_or_never() {
                dialer.reset();
            }
            let (sender, mut gone) = std::mem::replace(&mut self.open, mpsc::channel(1));
            drop(sender);
            // Nothing is ever sent: it waits until the last copy of the sender is gone.
            let _ = gone.recv().await;
        }
    }
}
