//! Followers in the same process, behind their own routers.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http_body_util::Full;
use serde::de::DeserializeOwned;
use tower::ServiceExt;

use super::{Transport, TransportError, message};
use crate::wire::{Replicate, Replicated};

/// Calls the followers' routers directly: all of their code runs, and no socket is opened.
#[derive(Debug)]
pub struct InProcessTransport {
    followers: Vec<Router>,
}

impl InProcessTransport {
    /// A transport to the nodes behind these routers.
    pub fn new(followers: Vec<Router>) -> Self {
        Self { followers }
    }

    async fn deliver(&self, follower: usize, key: &str, body: &Replicate) -> Result<Replicated, TransportError> {
        self.exchange(follower, message::request("", key, body)?).await
    }

    async fn health(&self, follower: usize) -> Result<Option<u64>, TransportError> {
        let start: message::StartTime = self.exchange(follower, message::health("")?).await?;
        Ok(start.started_us)
    }

    async fn exchange<T: DeserializeOwned>(
        &self,
        follower: usize,
        request: Request<Full<Bytes>>,
    ) -> Result<T, TransportError> {
        let router = self.followers.get(follower).ok_or(TransportError::UnknownFollower(follower))?;
        let response = match router.clone().oneshot(request.map(Body::new)).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
        message::answer(response).await
    }
}

impl Transport for InProcessTransport {
    fn replicate<'a>(
        &'a self,
        follower: usize,
        key: &'a Arc<str>,
        body: &'a Arc<Replicate>,
    ) -> BoxFuture<'a, Result<Replicated, TransportError>> {
        self.deliver(follower, key, body).boxed()
    }

    fn started_us(&self, follower: usize) -> BoxFuture<'_, Result<Option<u64>, TransportError>> {
        self.health(follower).boxed()
    }
}
