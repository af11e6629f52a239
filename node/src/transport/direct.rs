//! Followers in the same process, called by their own code.

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};

use super::{Transport, TransportError};
use crate::follower::Follower;
use crate::wire::{Replicate, Replicated};

/// Calls the followers below HTTP, where only speed matters: what they do is the same.
#[derive(Debug)]
pub struct DirectTransport {
    followers: Vec<Arc<Follower>>,
}

impl DirectTransport {
    /// A transport to these followers.
    pub fn new(followers: Vec<Arc<Follower>>) -> Self {
        Self { followers }
    }
}

impl Transport for DirectTransport {
    fn replicate<'a>(
        &'a self,
        follower: usize,
        key: &'a Arc<str>,
        body: &'a Arc<Replicate>,
    ) -> BoxFuture<'a, Result<Replicated, TransportError>> {
        let deliver = |node: &Arc<Follower>| node.replicate(key, body);
        let answer = self.followers.get(follower).map(deliver);
        ready(answer.ok_or(TransportError::UnknownFollower(follower))).boxed()
    }

    fn started_us(&self, follower: usize) -> BoxFuture<'_, Result<Option<u64>, TransportError>> {
        let started = self.followers.get(follower).map(|node| Some(node.started_us()));
        ready(started.ok_or(TransportError::UnknownFollower(follower))).boxed()
    }
}
