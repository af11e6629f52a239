//! What a leader does with a client's write.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use super::catch_up::CatchUpWorker;
use super::quorum::{self, QuorumError};
use super::replication::{InFlight, Replication};
use super::state::Leader;
use crate::delay::Delays;
use crate::trace::{Sending, Seq};
use crate::wire::{PutDone, Replicate};

/// A client's write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write {
    /// The key.
    pub key: String,
    /// The value.
    pub value: String,
    /// The client's number of this write. `None` stands for its version.
    pub id: Option<u64>,
}

impl Leader {
    /// Applies and numbers a write, sends it to every follower, and waits for the quorum, but
    /// for no longer than what is left of the request timeout since `started_us` on the
    /// leader's clock.
    ///
    /// Replication does not depend on the caller: it goes on when the quorum is reached, is
    /// missed, or when this future is dropped.
    ///
    /// # Errors
    /// If the quorum is out of reach or late. The write stays applied here and is still
    /// replicated as far as possible.
    pub async fn put(self: &Arc<Self>, write: Write, started_us: u64) -> Result<PutDone, QuorumError> {
        let (version, results) = self.begin(&write);
        let required = self.config.write_quorum;
        let spent = Duration::from_micros(self.clock.now_us().saturating_sub(started_us));
        let left = self.config.request_timeout.saturating_sub(spent);
        let (acks, reached) = quorum::wait(&self.clock, left, results, required).await;
        match reached {
            Ok(()) => {
                Ok(PutDone { status: "ok".to_owned(), key: write.key, value: write.value, version, acks, required })
            }
            Err(failure) => Err(QuorumError { failure, acks, required, version }),
        }
    }

    /// Applies a write and starts its replications; returns its number and where each of them
    /// will tell whether it was acknowledged.
    fn begin(self: &Arc<Self>, write: &Write) -> (u64, mpsc::Receiver<bool>) {
        // Before the first write there is nothing that a follower could lack.
        self.first_write.call_once(|| CatchUpWorker::start_all(self));
        let (version, sendings) = self.store.write(&write.key, &write.value, |key, version| {
            let id = write.id.unwrap_or(version);
            let begin = |(follower, _)| {
                let delays = self.delays.draw(id, u32::from(follower));
                let record = Sending::new(id, version, key, follower, delays);
                (follower, delays, self.trace.push(record))
            };
            let sendings: Vec<(u16, Delays, Seq)> = (0..).zip(&self.config.followers).map(begin).collect();
            (version, sendings)
        });
        let (results, receiver) = mpsc::channel(sendings.len().max(1));
        let key: Arc<str> = Arc::from(write.key.as_str());
        let body = Arc::new(Replicate { value: write.value.clone(), version: Some(version), catch_up: false });
        for (follower, delays, seq) in sendings {
            let replication = Replication {
                in_flight: InFlight::enter(Arc::clone(self)),
                follower: usize::from(follower),
                delays,
                seq,
                version,
                key: Arc::clone(&key),
                body: Arc::clone(&body),
                results: results.clone(),
            };
            tokio::spawn(replication.run());
        }
        (version, receiver)
    }
}
