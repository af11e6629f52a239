//! Followers over HTTP.

use std::sync::Arc;

use axum::http::Request;
use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use serde::de::DeserializeOwned;
use tokio::sync::Semaphore;

use super::connection::IDLE_TIMEOUT;
use super::pipeline::PipelinedConnection;
use super::{Connection, SerialConnection, Transport, TransportError, message};
use crate::config::BaseUrl;
use crate::limits;
use crate::wire::{Replicate, Replicated};

/// How many requests to one follower are in flight at once. More wait for their turn, inside
/// their replication timeout. A connection costs the leader some 20 kB, and a follower that
/// hangs would otherwise collect one for every write until the timeout.
pub const MAX_IN_FLIGHT: usize = 32;

/// The most that a connection reads at a time. An answer has about 150 bytes; hyper's own choice, 8 KiB
/// a connection, came to 5 MB on a leader under load.
const READ_BUFFER_BYTES: usize = 1_024;

/// Sends writes to followers over pooled HTTP/1.1 connections.
///
/// No proxy, no redirect, no cookie, no retry: a request whose first byte has left is never
/// sent again, so a follower sees each write at most once.
#[derive(Debug)]
pub struct HttpTransport {
    client: Client<HttpConnector, Full<Bytes>>,
    followers: Vec<FollowerPool>,
}

/// The connections to one follower.
#[derive(Debug)]
struct FollowerPool {
    base: BaseUrl,
    /// Bounds the requests in flight, and so the connections.
    permits: Semaphore,
}

impl HttpTransport {
    /// A transport to these followers; connects when first used.
    pub fn new(followers: Vec<BaseUrl>) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_TIMEOUT)
            .http1_read_buf_exact_size(READ_BUFFER_BYTES)
            .build(connector);
        let pool = |base| FollowerPool { base, permits: Semaphore::new(MAX_IN_FLIGHT) };
        Self { client, followers: followers.into_iter().map(pool).collect() }
    }

    async fn deliver(&self, follower: usize, key: &str, body: &Replicate) -> Result<Replicated, TransportError> {
        let pool = self.followers.get(follower).ok_or(TransportError::UnknownFollower(follower))?;
        // The semaphore is never closed.
        let _permit = pool.permits.acquire().await;
        // Boxed, so that a delivery that still waits for its turn is small: when a follower
        // lags there are thousands.
        async { self.exchange(message::request(pool.base.as_str(), key, body)?).await }.boxed().await
    }

    async fn health(&self, follower: usize) -> Result<Option<u64>, TransportError> {
        let pool = self.followers.get(follower).ok_or(TransportError::UnknownFollower(follower))?;
        let start: message::StartTime = self.exchange(message::health(pool.base.as_str())?).await?;
        Ok(start.started_us)
    }

    async fn exchange<T: DeserializeOwned>(&self, request: Request<Full<Bytes>>) -> Result<T, TransportError> {
        let response = self.client.request(request).await.map_err(|error| {
            limits::note("reaching a follower", &error);
            TransportError::NoAnswer(message::chain(&error))
        })?;
        message::answer(response).await
    }
}

impl Transport for HttpTransport {
    fn replicate<'a>(
        &'a self,
        follower: usize,
        key: &'a str,
        body: &'a Replicate,
    ) -> BoxFuture<'a, Result<Replicated, TransportError>> {
        self.deliver(follower, key, body).boxed()
    }

    fn started_us(&self, follower: usize) -> BoxFuture<'_, Result<Option<u64>, TransportError>> {
        self.health(follower).boxed()
    }

    fn connect(self: Arc<Self>, follower: usize) -> Arc<dyn Connection> {
        match self.followers.get(follower) {
            Some(pool) => Arc::new(PipelinedConnection::open(pool.base.clone())),
            None => SerialConnection::open(self, follower),
        }
    }
}
