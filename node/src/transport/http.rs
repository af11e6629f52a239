//! Followers over HTTP.

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::oneshot;

use super::outbox::{Outbox, OutgoingCopy};
use super::pipeline::PipelinedConnection;
use super::{Closed, Connection, SerialConnection, Transport, TransportError};
use crate::config::BaseUrl;
use crate::wire::{Replicate, Replicated};

/// Sends writes to followers over HTTP/1.1 connections that are kept.
///
/// What is to leave for one follower at the same time travels in one request. No proxy, no
/// redirect, no cookie, no retry: a copy whose first byte has left is never sent again, so a
/// follower sees each write at most once.
#[derive(Debug)]
pub struct HttpTransport {
    followers: Vec<Arc<Outbox>>,
}

impl HttpTransport {
    /// A transport to these followers; connects when first used.
    pub fn new(followers: Vec<BaseUrl>) -> Self {
        Self { followers: followers.into_iter().map(Outbox::new).map(Arc::new).collect() }
    }

    fn outbox(&self, follower: usize) -> Result<&Arc<Outbox>, TransportError> {
        self.followers.get(follower).ok_or(TransportError::UnknownFollower(follower))
    }
}

impl Transport for HttpTransport {
    fn replicate<'a>(
        &'a self,
        follower: usize,
        key: &'a Arc<str>,
        body: &'a Arc<Replicate>,
    ) -> BoxFuture<'a, Result<Replicated, TransportError>> {
        async move {
            let outbox = self.outbox(follower)?;
            let (sender, answered) = oneshot::channel();
            outbox.send(OutgoingCopy { key: Arc::clone(key), body: Arc::clone(body), answered: sender });
            answered.await.unwrap_or_else(|_ended| Err(Closed.into()))
        }
        .boxed()
    }

    fn started_us(&self, follower: usize) -> BoxFuture<'_, Result<Option<u64>, TransportError>> {
        async move { self.outbox(follower)?.started_us().await }.boxed()
    }

    fn connect(self: Arc<Self>, follower: usize) -> Arc<dyn Connection> {
        match self.followers.get(follower) {
            Some(outbox) => Arc::new(PipelinedConnection::open(outbox.base().clone())),
            None => SerialConnection::open(self, follower),
        }
    }
}
