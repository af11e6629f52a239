//! What a leader does with a client's write.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use super::catch_up::CatchUpWorker;
use super::ordered::{CopyProgress, OrderedCopy};
use super::quorum::{self, QuorumError};
use super::replication::{InFlight, Passage, Replication, TrackedCopy, UnderWay};
use super::state::Leader;
use crate::bounds::elapsed_us;
use crate::delay::Delays;
use crate::trace::Sending;
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
        let (results, receiver) = mpsc::channel(self.config.followers.len().max(1));
        let written_key: Arc<str> = Arc::from(write.key.as_str());
        // While the store is locked, so that copies enter ordered links in the order of versions.
        let (version, copies) = self.store.write(&write.key, &write.value, |key, version| {
            let id = write.id.unwrap_or(version);
            let body = Arc::new(Replicate { value: write.value.clone(), version: Some(version), catch_up: false });
            let track = |follower: u16, delays| {
                let seq = self.trace.push(Sending::new(id, version, key, follower, delays));
                let in_flight = InFlight::enter(Arc::clone(self));
                Arc::new(TrackedCopy { in_flight, follower: usize::from(follower), seq })
            };
            let begin = |(follower, _)| {
                let (key, body) = (Arc::clone(&written_key), Arc::clone(&body));
                let (copy, passage) = match self.ordered_links() {
                    Some(links) => {
                        let now_us = self.clock.now_us();
                        let departs_us = links.departure_us(follower, now_us);
                        let delays = Delays { write_us: elapsed_us(now_us, departs_us), ack_us: 0 };
                        let (copy, (acknowledged, receiver)) = (track(follower, delays), oneshot::channel());
                        let progress = Arc::clone(&copy) as Arc<dyn CopyProgress>;
                        links.queue(follower, OrderedCopy { key, body, progress, acknowledged }, departs_us);
                        (copy, Passage::Ordered(receiver))
                    }
                    None => {
                        let delays = self.delays.draw(id, u32::from(follower));
                        (track(follower, delays), Passage::Independent { key, body, delays })
                    }
                };
                UnderWay { copy, passage }
            };
            let copies: Vec<UnderWay> = (0..).zip(&self.config.followers).map(begin).collect();
            (version, copies)
        });
        tokio::spawn(Replication { leader: Arc::clone(self), version, copies, results }.run());
        (version, receiver)
    }
}
