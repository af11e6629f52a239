//! Followers over HTTP.

use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use super::{Transport, TransportError, message};
use crate::config::BaseUrl;
use crate::wire::{Replicate, Replicated};

/// How long an unused connection is kept: well below the
/// [time](crate::server::HEADER_DEADLINE) after which a node closes one, so that a request
/// never meets a connection in the act of closing.
const IDLE: Duration = Duration::from_secs(10);

/// Sends writes to followers over pooled HTTP/1.1 connections.
///
/// No proxy, no redirect, no cookie, no retry: a request whose first byte has left is never
/// sent again, so a follower sees each write at most once.
#[derive(Debug)]
pub struct HttpTransport {
    client: Client<HttpConnector, Full<Bytes>>,
    followers: Vec<BaseUrl>,
}

impl HttpTransport {
    /// A transport to these followers; connects when first used.
    pub fn new(followers: Vec<BaseUrl>) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .build(connector);
        Self { client, followers }
    }

    async fn deliver(&self, follower: usize, key: &str, body: &Replicate) -> Result<Replicated, TransportError> {
        let base = self.followers.get(follower).ok_or(TransportError::UnknownFollower(follower))?;
        let request = message::request(base.as_str(), key, body)?;
        let response =
            self.client.request(request).await.map_err(|error| TransportError::NoAnswer(message::chain(&error)))?;
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
}
