//! The connections over which writes go to the leader.

use std::sync::RwLock;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::try_join_all;
use http_body_util::Full;
use hyper::Request;
use labnode::http_connection::{HttpAnswer, HttpConnection, IdleConnections, NoHttpAnswer};

use crate::model::ignore_poison;

/// Where labctl says what it did when it met a limit of the machine.
const PURPOSE: &str = "asking a node";

/// Connections to one address.
#[derive(Debug)]
pub(super) struct KeepAlive {
    /// `host:port`.
    address: RwLock<String>,
    idle: IdleConnections,
}

impl KeepAlive {
    /// None is open yet. One that was idle for `idle_limit` is not used again.
    pub(super) fn new(address: impl Into<String>, idle_limit: Duration) -> Self {
        Self { address: RwLock::new(address.into()), idle: IdleConnections::new(idle_limit) }
    }

    /// The host and port that requests are to name.
    pub(super) fn address(&self) -> String {
        ignore_poison(self.address.read()).clone()
    }

    /// Connects to this address from now on.
    pub(super) fn redirect(&self, address: &str) {
        let mut current = ignore_poison(self.address.write());
        if *current != address {
            address.clone_into(&mut current);
            self.idle.clear();
        }
    }

    /// Opens connections beforehand.
    ///
    /// # Errors
    /// [`NoHttpAnswer`] if one cannot be opened.
    pub(super) async fn open(&self, connections: usize) -> Result<(), NoHttpAnswer> {
        let address = self.address();
        let opened = try_join_all((0..connections).map(|_| HttpConnection::open(&address, PURPOSE))).await?;
        opened.into_iter().for_each(|connection| self.idle.put(connection));
        Ok(())
    }

    /// Sends a request, and waits for the whole answer.
    ///
    /// # Errors
    /// [`NoHttpAnswer`] if none came, or not all of it; the request is not sent again.
    pub(super) async fn send(&self, request: Request<Full<Bytes>>) -> Result<HttpAnswer, NoHttpAnswer> {
        let mut connection = match self.idle.take() {
            Some(connection) => connection,
            None => HttpConnection::open(&self.address(), PURPOSE).await?,
        };
        let answer = connection.exchange(request).await?;
        self.idle.put(connection);
        Ok(answer)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn connections_opened_beforehand_lead_to_where_the_leader_was_until_it_moves() {
        let [first, second] =
            [TcpListener::bind("127.0.0.1:0").await.unwrap(), TcpListener::bind("127.0.0.1:0").await.unwrap()];
        let connections = KeepAlive::new(first.local_addr().unwrap().to_string(), Duration::from_secs(10));
        connections.open(3).await.unwrap();
        for _ in 0..3 {
            first.accept().await.unwrap();
        }
        connections.redirect(&second.local_addr().unwrap().to_string());
        assert!(connections.idle.take().is_none());
        connections.open(1).await.unwrap();
        second.accept().await.unwrap();
    }
}
