//! How a leader reaches its followers.

mod connection;
mod direct;
mod http;
mod in_process;
mod message;
mod outbox;
mod pipeline;

use std::sync::Arc;

use futures_util::future::BoxFuture;

use crate::wire::{Replicate, Replicated};
pub use connection::{Answer, Closed, Connection, SerialConnection};
pub use direct::DirectTransport;
pub use http::HttpTransport;
pub use in_process::InProcessTransport;
pub use outbox::MAX_IN_FLIGHT;

/// A way to deliver one write to one follower, once.
///
/// An implementation does not retry, and does not bound the time: the leader does that by
/// dropping the future.
pub trait Transport: Send + Sync + 'static {
    /// Delivers `body` for `key` to the follower with index `follower`, from 0.
    ///
    /// # Errors
    /// If the follower did not confirm it. It may have applied it nevertheless.
    fn replicate<'a>(
        &'a self,
        follower: usize,
        key: &'a Arc<str>,
        body: &'a Arc<Replicate>,
    ) -> BoxFuture<'a, Result<Replicated, TransportError>>;

    /// Asks the follower with index `follower` when it was started, on its clock. `None`
    /// if it does not say.
    ///
    /// # Errors
    /// If it did not answer.
    fn started_us(&self, follower: usize) -> BoxFuture<'_, Result<Option<u64>, TransportError>>;

    /// Opens a connection to the follower with index `follower`, from 0, on which what is sent
    /// arrives in the order in which it was sent. If the follower cannot be reached, the answers say so.
    ///
    /// By default it delivers one copy after the other: enough where a delivery takes no time.
    fn connect(self: Arc<Self>, follower: usize) -> Arc<dyn Connection> {
        SerialConnection::open(self, follower)
    }
}

/// Why a delivery is not known to have succeeded.
#[derive(Debug, Clone, thiserror::Error)]
pub enum TransportError {
    /// There is no follower with this index.
    #[error("no follower has index {0}")]
    UnknownFollower(usize),
    /// The request could not be sent or the connection broke before the answer was whole.
    #[error("no answer: {0}")]
    NoAnswer(String),
    /// The follower answered, but not with success.
    #[error("answered {status}: {body}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The beginning of the answer's body.
        body: String,
    },
    /// The follower answered with success and a body that is not a
    /// [`Replicated`].
    #[error("answered with an unexpected body: {0}")]
    BadAnswer(String),
}
