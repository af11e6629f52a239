//! HTTP/1.1 connections that carry one request at a time.
//!
//! The task that waits for an answer drives the connection meanwhile: no other task, and no pool that is shared with other
//! peers, stands between a request and its socket, as they do in an ordinary client.

use std::collections::VecDeque;
use std::error::Error;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, Weak};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use axum::http::Request;
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::limits;
use crate::poison::ignore_poison;

/// The most that a connection reads at a time: the answer to some two hundred copies. hyper's own choice
/// grows with what is read.
const READ_BUFFER_BYTES: usize = 8 * 1_024;

/// The longest answer that is read: some five times the one to the most copies in a request.
pub const MAX_ANSWER_BYTES: usize = 64 * 1_024;

type Driver = http1::Connection<TokioIo<TcpStream>, Full<Bytes>>;

/// A connection to one peer. It closes when it is dropped.
#[derive(Debug)]
pub struct HttpConnection {
    requests: SendRequest<Full<Bytes>>,
    /// `None` once it has ended: hyper lets a request wait for its connection as long as this exists.
    driver: Option<Driver>,
    purpose: &'static str,
}

/// A whole answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpAnswer {
    /// The status, 100 to 999.
    pub status: u16,
    /// The body, at most [`MAX_ANSWER_BYTES`].
    pub body: Bytes,
}

/// Why there is no whole answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct NoHttpAnswer {
    /// The status, if the head of the answer came.
    pub status: Option<u16>,
    /// What went wrong, with its causes.
    pub reason: String,
}

impl NoHttpAnswer {
    fn before_any(reason: String) -> Self {
        Self { status: None, reason }
    }
}

impl HttpConnection {
    /// Connects to `HOST:PORT`. `purpose` says what the connection serves, such as `reaching a follower`, where a limit of the
    /// machine is met.
    ///
    /// # Errors
    /// [`NoHttpAnswer`] if there is no connection.
    pub async fn open(address: &str, purpose: &'static str) -> Result<Self, NoHttpAnswer> {
        let refused =
            |error: &dyn Error| NoHttpAnswer::before_any(format!("cannot connect to {address}: {}", chain(error)));
        let stream = TcpStream::connect(address).await.map_err(|error| {
            limits::note(purpose, &error);
            refused(&error)
        })?;
        // Requests are whole: waiting for more to send would only delay them.
        stream.set_nodelay(true).map_err(|error| refused(&error))?;
        let shaken =
            http1::Builder::new().read_buf_exact_size(Some(READ_BUFFER_BYTES)).handshake(TokioIo::new(stream)).await;
        let (requests, driver) = shaken.map_err(|error| refused(&error))?;
        Ok(Self { requests, driver: Some(driver), purpose })
    }

    /// Sends a request and waits for the whole answer. A connection on which this is given up is of no use any more.
    ///
    /// # Errors
    /// [`NoHttpAnswer`] if none came, or not all of it; the request is not sent again.
    pub async fn exchange(&mut self, request: Request<Full<Bytes>>) -> Result<HttpAnswer, NoHttpAnswer> {
        let Self { requests, driver, purpose } = self;
        let told = |error: &(dyn Error + 'static)| {
            limits::note(purpose, error);
            chain(error)
        };
        let mut answered = pin!(async {
            let sent = requests.send_request(request).await;
            let (head, body) = sent.map_err(|error| NoHttpAnswer::before_any(told(&error)))?.into_parts();
            let status = head.status.as_u16();
            let body = Limited::new(body, MAX_ANSWER_BYTES).collect().await;
            let body = body.map_err(|error| NoHttpAnswer { status: Some(status), reason: told(&*error) })?;
            Ok(HttpAnswer { status, body: body.to_bytes() })
        });
        poll_fn(|context| {
            // Before, since there may be a request for the connection, and after, since something may have come.
            if let Poll::Ready(answer) = answered.as_mut().poll(context) {
                return Poll::Ready(answer);
            }
            drive(driver, context);
            answered.as_mut().poll(context)
        })
        .await
    }

    /// Whether it can take a request: the peer has neither closed it nor said that it would.
    fn is_open(&mut self) -> bool {
        drive(&mut self.driver, &mut Context::from_waker(Waker::noop()));
        self.driver.is_some() && self.requests.is_ready()
    }
}

/// Lets a connection do what it can. What is wrong with one that ends then, its request is told as well.
fn drive(driver: &mut Option<Driver>, context: &mut Context<'_>) {
    if driver.as_mut().is_some_and(|driver| pin!(driver).poll(context).is_ready()) {
        *driver = None;
    }
}

/// An error and its causes on one line.
pub fn chain(error: &dyn Error) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        line.push_str(": ");
        line.push_str(&error.to_string());
        cause = error.source();
    }
    line
}

/// Connections to one peer that wait for their next request. Clones share them.
#[derive(Debug, Clone)]
pub struct IdleConnections {
    idle: Arc<Mutex<Idle>>,
    /// How long one is kept, and may be used again.
    limit: Duration,
}

#[derive(Debug, Default)]
struct Idle {
    /// The one used last is the last.
    connections: VecDeque<(Instant, HttpConnection)>,
    /// Whether a task closes those that are not used.
    is_watched: bool,
}

impl IdleConnections {
    /// There are none yet; each is kept for `limit`.
    #[must_use]
    pub fn new(limit: Duration) -> Self {
        Self { idle: Arc::default(), limit }
    }

    /// The connection that was used last, if one is open.
    #[must_use]
    pub fn take(&self) -> Option<HttpConnection> {
        let mut idle = self.lock();
        loop {
            let (since, mut connection) = idle.connections.pop_back()?;
            if since.elapsed() < self.limit && connection.is_open() {
                return Some(connection);
            }
        }
    }

    /// Keeps a connection, if it takes another request. Within a runtime.
    pub fn put(&self, mut connection: HttpConnection) {
        if !connection.is_open() {
            return;
        }
        let mut idle = self.lock();
        idle.connections.push_back((Instant::now(), connection));
        if !std::mem::replace(&mut idle.is_watched, true) {
            tokio::spawn(close_unused(Arc::downgrade(&self.idle), self.limit));
        }
    }

    /// Closes all of them.
    pub fn clear(&self) {
        self.lock().connections.clear();
    }

    fn lock(&self) -> MutexGuard<'_, Idle> {
        ignore_poison(self.idle.lock())
    }
}

/// Closes connections that have not been used for some time, until there are none.
async fn close_unused(idle: Weak<Mutex<Idle>>, limit: Duration) {
    loop {
        tokio::time::sleep(limit / 2).await;
        let Some(idle) = idle.upgrade() else { return };
        let mut idle = ignore_poison(idle.lock());
        idle.connections.retain(|(since, _)| since.elapsed() < limit);
        if idle.connections.is_empty() {
            idle.is_watched = false;
            return;
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

    /// A peer that answers each request on a connection with the next of these texts, and closes it after the last.
    /// Returns its address and counts its connections.
    async fn peer(answers: &'static [&'static str]) -> (String, Arc<AtomicUsize>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let accepted = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&accepted);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(async move {
                    let mut buffer = [0; 4_096];
                    for answer in answers {
                        if !matches!(stream.read(&mut buffer).await, Ok(1..)) {
                            return;
                        }
                        stream.write_all(answer.as_bytes()).await.unwrap();
                    }
                });
            }
        });
        (address, accepted)
    }

    /// What is answered to a request over a connection that is idle, or else a new one.
    async fn asked(idle: &IdleConnections, address: &str) -> Result<HttpAnswer, NoHttpAnswer> {
        let mut connection = match idle.take() {
            Some(connection) => connection,
            None => HttpConnection::open(address, "asking a peer").await?,
        };
        let answer =
            connection.exchange(Request::get("/").header("host", address).body(Full::default()).unwrap()).await?;
        idle.put(connection);
        Ok(answer)
    }

    fn ok() -> Result<HttpAnswer, NoHttpAnswer> {
        Ok(HttpAnswer { status: 200, body: Bytes::from_static(b"ok") })
    }

    #[tokio::test]
    async fn a_connection_carries_one_request_after_the_other() {
        let (address, accepted) = peer(&[OK, OK, OK]).await;
        let idle = IdleConnections::new(Duration::from_secs(10));
        for _ in 0..3 {
            assert_eq!(asked(&idle, &address).await, ok());
        }
        assert_eq!(accepted.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn one_that_the_peer_has_closed_or_that_was_idle_for_too_long_is_not_used_again() {
        let (address, accepted) = peer(&[OK]).await;
        let idle = IdleConnections::new(Duration::from_secs(10));
        for sent in 1..=3 {
            assert_eq!(asked(&idle, &address).await, ok());
            assert_eq!(accepted.load(Ordering::Relaxed), sent);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let (address, accepted) = peer(&[OK, OK]).await;
        let idle = IdleConnections::new(Duration::ZERO);
        for _ in 0..2 {
            assert_eq!(asked(&idle, &address).await, ok());
        }
        assert_eq!(accepted.load(Ordering::Relaxed), 2);
    }

    #[tokio::test]
    async fn a_request_over_a_connection_that_has_ended_is_told_so() {
        let (address, _) = peer(&[OK]).await;
        let mut connection = HttpConnection::open(&address, "asking a peer").await.unwrap();
        let request = || Request::get("/").header("host", &address).body(Full::default()).unwrap();
        assert_eq!(connection.exchange(request()).await, ok());
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert_eq!(connection.exchange(request()).await.unwrap_err().status, None);
    }

    #[tokio::test]
    async fn an_answer_that_is_cut_off_keeps_its_status() {
        let (address, _) = peer(&["HTTP/1.1 503 Service Unavailable\r\ncontent-length: 5\r\n\r\nno"]).await;
        let error = asked(&IdleConnections::new(Duration::ZERO), &address).await.unwrap_err();
        assert_eq!(error.status, Some(503), "{error}");
    }

    #[tokio::test]
    async fn a_peer_that_closes_instead_of_answering_is_told() {
        let (address, _) = peer(&[""]).await;
        let error = asked(&IdleConnections::new(Duration::ZERO), &address).await.unwrap_err();
        assert_eq!(error, NoHttpAnswer::before_any("connection closed before message completed".to_owned()));
    }

    #[tokio::test]
    async fn nobody_listening_is_told() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        drop(listener);
        let error = HttpConnection::open(&address, "asking a peer").await.unwrap_err();
        assert!(error.reason.starts_with(&format!("cannot connect to {address}: ")), "{error}");
    }
}
