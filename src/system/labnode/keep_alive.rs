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

    /// Opens connections beforehand, and asks something over each: a mapped port of a container takes a connection before it
    /// has one to the container.
    ///
    /// # Errors
    /// [`NoHttpAnswer`] if one cannot be opened, or is not answered.
    pub(super) async fn open(&self, connections: usize, question: &Request<Full<Bytes>>) -> Result<(), NoHttpAnswer> {
        let address = self.address();
        let open = async || {
            let mut connection = HttpConnection::open(&address, PURPOSE).await?;
            connection.exchange(question.clone()).await.map(|_| connection)
        };
        let opened = try_join_all((0..connections).map(|_| open())).await?;
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
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    /// A peer that answers every request. Returns its address and counts the requests.
    async fn peer() -> (String, Arc<AtomicUsize>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let count = Arc::clone(&count);
                tokio::spawn(async move {
                    while matches!(stream.read(&mut [0; 4_096]).await, Ok(1..)) {
                        count.fetch_add(1, Ordering::Relaxed);
                        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap();
                    }
                });
            }
        });
        (address, asked)
    }

    #[tokio::test]
    async fn connections_opened_beforehand_lead_to_where_the_leader_was_until_it_moves() {
        let [(first, asked_first), (second, asked_second)] = [peer().await, peer().await];
        let question = Request::get("/health").header("host", &first).body(Full::default()).unwrap();
        let connections = KeepAlive::new(first, Duration::from_secs(10));
        connections.open(3, &question).await.unwrap();
        assert_eq!(asked_first.load(Ordering::Relaxed), 3);
        connections.redirect(&second);
        assert!(connections.idle.take().is_none());
        connections.open(1, &question).await.unwrap();
        assert_eq!(asked_second.load(Ordering::Relaxed), 1);
    }
}
