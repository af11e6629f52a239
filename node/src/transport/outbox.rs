//! What is to be sent to one follower, and the connections that it is sent over.
//!
//! A copy leaves as soon as the tasks that are ready have run, together with all others that are
//! there by then: under load many of them travel in one request (`POST /replicate`), and a copy that
//! is alone travels by itself (`POST /replicate/{key}`). No copy waits for the answers to
//! those before it; each request in flight has a connection of its own.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use axum::http::{Request, StatusCode};
use bytes::Bytes;
use http_body_util::Full;
use serde::de::DeserializeOwned;
use tokio::sync::oneshot;

use super::connection::IDLE_TIMEOUT;
use super::{TransportError, message};
use crate::config::BaseUrl;
use crate::http_connection::{HttpConnection, IdleConnections, NoHttpAnswer};
use crate::poison::ignore_poison;
use crate::wire::{Replicate, Replicated};

/// How many requests to one follower are in flight at once. More copies wait for their turn, inside
/// their replication timeout. A connection costs the leader some 20 kB, and a follower that
/// hangs would otherwise collect one for every write until the timeout.
pub const MAX_IN_FLIGHT: usize = 32;

/// The most copies in one request, so that its answer is short.
const MAX_COPIES: usize = 256;

/// The most that keys and values in one request take together, but for a copy that is larger and travels
/// alone. In JSON no byte takes more than six.
const MAX_BATCH_BYTES: usize = 64 * 1_024;

/// A copy on its way to a follower.
#[derive(Debug)]
pub(super) struct OutgoingCopy {
    pub(super) key: Arc<str>,
    pub(super) body: Arc<Replicate>,
    /// Its receiver is dropped when the copy is given up.
    pub(super) answered: oneshot::Sender<Result<Replicated, TransportError>>,
}

/// The copies for one follower.
#[derive(Debug)]
pub(super) struct Outbox {
    base: BaseUrl,
    idle: IdleConnections,
    queue: Mutex<Queue>,
    /// Whether the follower takes several copies in one request, as far as is known.
    takes_batches: AtomicBool,
}

#[derive(Debug, Default)]
struct Queue {
    waiting: VecDeque<OutgoingCopy>,
    /// Tasks that send, each one request at a time.
    senders: usize,
    /// One of them has not looked into the queue yet.
    is_due: bool,
}

impl Outbox {
    pub(super) fn new(base: BaseUrl) -> Self {
        let idle = IdleConnections::new(IDLE_TIMEOUT);
        Self { base, idle, queue: Mutex::default(), takes_batches: AtomicBool::new(true) }
    }

    pub(super) fn base(&self) -> &BaseUrl {
        &self.base
    }

    /// Sends a copy with the next request.
    pub(super) fn send(self: &Arc<Self>, copy: OutgoingCopy) {
        let mut queue = self.lock();
        queue.waiting.push_back(copy);
        self.start_sender(&mut queue);
    }

    /// Asks the follower when it was started.
    pub(super) async fn started_us(self: &Arc<Self>) -> Result<Option<u64>, TransportError> {
        let mut connection = self.connection().await?;
        let start: message::StartTime = exchange(&mut connection, message::health(self.base.host())?).await?;
        self.idle.put(connection);
        Ok(start.started_us)
    }

    /// Starts a task for what waits, unless one is about to take it or there are enough.
    fn start_sender(self: &Arc<Self>, queue: &mut Queue) {
        let is_taken = queue.is_due && self.takes_batches();
        if !is_taken && queue.senders < MAX_IN_FLIGHT {
            queue.senders += 1;
            queue.is_due = true;
            tokio::spawn(Arc::clone(self).run());
        }
    }

    /// Sends what waits until nothing does.
    async fn run(self: Arc<Self>) {
        // Lets the runtime look at its sockets first: writes that have arrived there are due now, too.
        tokio::task::yield_now().await;
        while let Some(batch) = self.take() {
            self.deliver(batch).await;
        }
    }

    /// Takes what goes into the next request. `None` ends the task that asks.
    fn take(&self) -> Option<Vec<OutgoingCopy>> {
        let most = if self.takes_batches() { MAX_COPIES } else { 1 };
        let mut queue = self.lock();
        queue.is_due = false;
        let mut batch = Vec::new();
        let mut bytes = 0;
        while let Some(copy) = queue.waiting.front() {
            bytes += copy.key.len() + copy.body.value.len();
            if !batch.is_empty() && (batch.len() == most || bytes > MAX_BATCH_BYTES) {
                break;
            }
            // One that was given up meanwhile is not sent.
            batch.extend(queue.waiting.pop_front().filter(|copy| !copy.answered.is_closed()));
        }
        if batch.is_empty() {
            queue.senders -= 1;
        }
        (!batch.is_empty()).then_some(batch)
    }

    /// Delivers copies, and tells each what became of it. Once all have been given up, so is the
    /// request, and its connection with it.
    async fn deliver(self: &Arc<Self>, mut batch: Vec<OutgoingCopy>) {
        let connected = tokio::select! {
            biased;
            connected = self.connection() => connected,
            () = given_up(&mut batch) => return,
        };
        batch.retain(|copy| !copy.answered.is_closed());
        let ready = connected.and_then(|connection| Ok((connection, request(self.base.host(), &batch)?)));
        let (mut connection, request) = match ready {
            Ok(ready) => ready,
            Err(error) => return fail(batch, &error),
        };
        let copies = batch.len();
        let exchanged = tokio::select! {
            biased;
            exchanged = delivered(&mut connection, request, copies) => exchanged,
            () = given_up(&mut batch) => return,
        };
        self.idle.put(connection);
        match exchanged {
            Ok(answers) => {
                for (copy, answer) in batch.into_iter().zip(answers) {
                    // The copy may have been given up meanwhile.
                    let _ = copy.answered.send(answer);
                }
            }
            Err(error) if batch.len() > 1 && is_unknown_request(&error) => self.send_singly(batch),
            Err(error) => fail(batch, &error),
        }
    }

    /// Sends copies again, each by itself, to a follower that does not know requests with several: it
    /// has not taken any of them.
    fn send_singly(self: &Arc<Self>, batch: Vec<OutgoingCopy>) {
        self.takes_batches.store(false, Ordering::Relaxed);
        let mut queue = self.lock();
        for copy in batch.into_iter().rev() {
            queue.waiting.push_front(copy);
            self.start_sender(&mut queue);
        }
    }

    async fn connection(self: &Arc<Self>) -> Result<HttpConnection, TransportError> {
        match self.idle.take() {
            Some(connection) => Ok(connection),
            None => Ok(HttpConnection::open(&self.base.address(), "reaching a follower").await?),
        }
    }

    fn takes_batches(&self) -> bool {
        self.takes_batches.load(Ordering::Relaxed)
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        ignore_poison(self.queue.lock())
    }
}

/// The request that delivers these copies.
fn request(host: &str, batch: &[OutgoingCopy]) -> Result<Request<Full<Bytes>>, TransportError> {
    match batch {
        [copy] => message::request(host, &copy.key, &copy.body),
        _ => message::batch_request(host, batch.iter().map(|copy| (&*copy.key, &*copy.body))),
    }
}

type Answers = Vec<Result<Replicated, TransportError>>;

/// Sends the request that delivers copies; returns an answer for each of them.
async fn delivered(
    connection: &mut HttpConnection,
    request: Request<Full<Bytes>>,
    copies: usize,
) -> Result<Answers, TransportError> {
    match copies {
        1 => Ok(vec![Ok(exchange(connection, request).await?)]),
        _ => message::batch_answers(exchange(connection, request).await?, copies),
    }
}

/// Sends a request; returns what its answer of success says.
async fn exchange<T: DeserializeOwned>(
    connection: &mut HttpConnection,
    request: Request<Full<Bytes>>,
) -> Result<T, TransportError> {
    let answer = connection.exchange(request).await?;
    message::parse_answer(answer.status, &answer.body)
}

impl From<NoHttpAnswer> for TransportError {
    fn from(none: NoHttpAnswer) -> Self {
        Self::NoAnswer(none.reason)
    }
}

/// Ready once all of these copies have been given up.
async fn given_up(batch: &mut [OutgoingCopy]) {
    for copy in batch {
        copy.answered.closed().await;
    }
}

fn fail(batch: Vec<OutgoingCopy>, error: &TransportError) {
    for copy in batch {
        let _ = copy.answered.send(Err(error.clone()));
    }
}

/// Whether a follower knows no such request.
fn is_unknown_request(error: &TransportError) -> bool {
    const UNKNOWN: [StatusCode; 2] = [StatusCode::NOT_FOUND, StatusCode::METHOD_NOT_ALLOWED];
    matches!(error, TransportError::Refused { status, .. } if UNKNOWN.iter().any(|unknown| unknown.as_u16() == *status))
}

#[cfg(test)]
mod tests;
