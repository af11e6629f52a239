//! Connections that keep copies in order.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::{mpsc, oneshot};
use tokio::task::AbortHandle;

use super::{Transport, TransportError};
use crate::wire::{Replicate, Replicated};

/// What becomes of one copy that was sent.
pub type Answer = BoxFuture<'static, Result<Replicated, TransportError>>;

/// The connection takes no more copies; another one may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the connection is closed")]
pub struct Closed;

/// A connection to one follower: what is sent arrives in the order in which it was sent.
pub trait Connection: Send + Sync + 'static {
    /// Waits until there is room for a copy and sends it. The copy does not wait for the answers to
    /// those before it. If this future is dropped before it is ready, nothing was sent.
    ///
    /// # Errors
    /// If the connection is closed: nothing was sent.
    fn send<'a>(&'a self, key: &'a str, body: &'a Replicate) -> BoxFuture<'a, Result<Answer, Closed>>;

    /// Closes the connection. What has not arrived yet is lost.
    fn close(&self);
}

/// How long an unused connection is kept: well below the
/// [time](crate::server::HEADER_DEADLINE) after which a node closes one, so that a request
/// never meets a connection in the act of closing.
pub(super) const IDLE_TIMEOUT: Duration = Duration::from_secs(10);

/// How many copies wait inside a connection. More wait at their sender, which can still give them up.
pub(super) const MAX_WAITING: usize = 32;

impl From<Closed> for TransportError {
    fn from(closed: Closed) -> Self {
        Self::NoAnswer(closed.to_string())
    }
}

/// The answer that comes through a channel; the channel ends without one if the connection does.
pub(super) fn answer(answered: oneshot::Receiver<Result<Replicated, TransportError>>) -> Answer {
    async { answered.await.unwrap_or_else(|_ended| Err(Closed.into())) }.boxed()
}

/// A connection over a transport whose exchanges take no time: it sends one copy after the other.
#[derive(Debug)]
pub struct SerialConnection {
    copies: mpsc::Sender<Sending>,
    is_closed: AtomicBool,
    task: AbortHandle,
}

/// A copy that waits for its turn.
type Sending = (Arc<str>, Arc<Replicate>, oneshot::Sender<Result<Replicated, TransportError>>);

impl SerialConnection {
    /// A connection to the follower with index `follower` over `transport`.
    pub fn open<T: Transport + ?Sized>(transport: Arc<T>, follower: usize) -> Arc<dyn Connection> {
        let (copies, mut waiting) = mpsc::channel::<Sending>(MAX_WAITING);
        let task = tokio::spawn(async move {
            while let Some((key, body, answer)) = waiting.recv().await {
                // The copy may have been given up meanwhile.
                let _ = answer.send(transport.replicate(follower, &key, &body).await);
            }
        });
        Arc::new(Self { copies, is_closed: AtomicBool::new(false), task: task.abort_handle() })
    }
}

impl Connection for SerialConnection {
    fn send<'a>(&'a self, key: &'a str, body: &'a Replicate) -> BoxFuture<'a, Result<Answer, Closed>> {
        async move {
            let room = self.copies.reserve().await.map_err(|_ended| Closed)?;
            if self.is_closed.load(Ordering::Acquire) {
                return Err(Closed);
            }
            let (sender, answered) = oneshot::channel();
            room.send((Arc::from(key), Arc::new(body.clone()), sender));
            Ok(answer(answered))
        }
        .boxed()
    }

    fn close(&self) {
        // The task ends a little later.
        self.is_closed.store(true, Ordering::Release);
        self.task.abort();
    }
}

impl Drop for SerialConnection {
    fn drop(&mut self) {
        self.close();
    }
}
