//! A bug to be found: what a leader does that gives replication up once the quorum is reached.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use labnode::transport::{Transport, TransportError};
use labnode::wire::{Replicate, Replicated};

/// Sends a write to no more followers once as many as the quorum have acknowledged it.
pub(crate) struct CancellingTransport {
    inner: Arc<dyn Transport>,
    quorum: u32,
    /// Acknowledgements by version.
    acks: Mutex<HashMap<Option<u64>, u32>>,
}

impl CancellingTransport {
    pub(crate) fn new(inner: Arc<dyn Transport>, quorum: u32) -> Self {
        Self { inner, quorum, acks: Mutex::default() }
    }

    fn acks<T>(&self, version: Option<u64>, look: impl FnOnce(&mut u32) -> T) -> T {
        look(self.acks.lock().unwrap_or_else(PoisonError::into_inner).entry(version).or_default())
    }
}

impl Transport for CancellingTransport {
    fn replicate<'a>(
        &'a self,
        follower: usize,
        key: &'a Arc<str>,
        body: &'a Arc<Replicate>,
    ) -> BoxFuture<'a, Result<Replicated, TransportError>> {
        async move {
            if self.acks(body.version, |acks| *acks >= self.quorum) {
                return Err(TransportError::NoAnswer("cancelled".to_owned()));
            }
            let answer = self.inner.replicate(follower, key, body).await?;
            self.acks(body.version, |acks| *acks += 1);
            Ok(answer)
        }
        .boxed()
    }

    fn started_us(&self, follower: usize) -> BoxFuture<'_, Result<Option<u64>, TransportError>> {
        self.inner.started_us(follower)
    }
}
