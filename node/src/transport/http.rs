//! Followers over HTTP.

use std::time::Duration;

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

use super::{Transport, TransportError, message};
use crate::config::BaseUrl;
use crate::limits;
use crate::wire::{Replicate, Replicated};

/// How long an unused connection is kept: well below the
/// [time](crate::server::HEADER_DEADLINE) after which a node closes one, so that a request
/// never meets a connection in the act of closing.
const IDLE: Duration = Duration::from_secs(10);

/// How many requests to one follower are under way at once; more wait for their turn, inside
/// their replication timeout. A connection costs the leader some 20 kB, and a follower that
/// hangs would otherwise collect one for every write until the timeout.
pub const REQUESTS_AT_ONCE: usize = 32;

/// What a connection reads at a time. An answer has about 150 bytes; hyper's own choice, 8 KiB
/// a connection, came to 5 MB on a leader under load.
const READ_BUFFER: usize = 1_024;

/// Sends writes to followers over pooled HTTP/1.1 connections.
///
/// No proxy, no redirect, no cookie, no retry: a request whose first byte has left is never
/// sent again, so a follower sees each write at most once.
#[derive(Debug)]
pub struct HttpTransport {
    client: Client<HttpConnector, Full<Bytes>>,
    followers: Vec<Lane>,
}

/// The way to one follower.
#[derive(Debug)]
struct Lane {
    base: BaseUrl,
    /// Bounds how many requests, and so connections, there are at once.
    places: Semaphore,
}

impl HttpTransport {
    /// A transport to these followers; connects when first used.
    pub fn new(followers: Vec<BaseUrl>) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .http1_read_buf_exact_size(READ_BUFFER)
            .build(connector);
        let lane = |base| Lane { base, places: Semaphore::new(REQUESTS_AT_ONCE) };
        Self { client, followers: followers.into_iter().map(lane).collect() }
    }

    async fn deliver(&self, follower: usize, key: &str, body: &Replicate) -> Result<Replicated, TransportError> {
        let lane = self.followers.get(follower).ok_or(TransportError::UnknownFollower(follower))?;
        // The semaphore is never closed.
        let _place = lane.places.acquire().await;
        // Boxed, so that a delivery that still waits for its turn is small: when a follower
        // lags there are thousands.
        async { self.exchange(message::request(lane.base.as_str(), key, body)?).await }.boxed().await
    }

    async fn health(&self, follower: usize) -> Result<Option<u64>, TransportError> {
        let lane = self.followers.get(follower).ok_or(TransportError::UnknownFollower(follower))?;
        let life: message::Life = self.exchange(message::health(lane.base.as_str())?).await?;
        Ok(life.started_us)
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
}
