//! One write on its way to one follower.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tracing::{debug, info, warn};

use super::ordered::CopyProgress;
use super::state::Leader;
use crate::delay::Delays;
use crate::trace::Seq;
use crate::transport::{Closed, TransportError};
use crate::wire::{Outcome, Replicate};

/// Counts a replication as in flight while it lives.
pub(super) struct InFlight(Arc<Leader>);

impl InFlight {
    pub(super) fn enter(leader: Arc<Leader>) -> Self {
        leader.in_flight.fetch_add(1, Ordering::AcqRel);
        Self(leader)
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::AcqRel);
    }
}

/// A copy of a write for one follower, as the leader keeps account of it. It counts as in flight
/// while it lives.
pub(super) struct TrackedCopy {
    pub(super) in_flight: InFlight,
    pub(super) follower: usize,
    pub(super) seq: Seq,
}

impl TrackedCopy {
    fn leader(&self) -> &Arc<Leader> {
        &self.in_flight.0
    }

    /// Notes that the follower answered, and when it said that it was started.
    fn note_answer(&self, started_us: Option<u64>) {
        if let Some(backlogs) = &self.leader().backlogs {
            backlogs.answered(self.follower, started_us);
        }
    }
}

impl CopyProgress for TrackedCopy {
    fn left(&self, now_us: u64) {
        self.leader().trace.sent(self.seq, now_us);
    }

    fn answered(&self, started_us: Option<u64>, ack_delay_us: u32) {
        self.note_answer(started_us);
        self.leader().trace.ack_delayed(self.seq, ack_delay_us);
    }
}

/// How a copy gets to its follower.
pub(super) enum Passage {
    /// By itself, with these delays.
    Independent { key: Arc<str>, body: Arc<Replicate>, delays: Delays },
    /// In the queue of its link, which tells when its acknowledgement is back, on the leader's
    /// clock.
    Ordered(oneshot::Receiver<Result<u64, TransportError>>),
}

pub(super) struct Replication {
    /// Shared with the queue of an ordered link, where a copy may outlive its time limit.
    pub(super) copy: Arc<TrackedCopy>,
    pub(super) passage: Passage,
    pub(super) version: u64,
    pub(super) results: mpsc::Sender<bool>,
}

impl Replication {
    /// Waits the delay, delivers the write, waits the acknowledgement's delay, and notes the
    /// outcome in the trace. Only then it sends the result to `results`, where the quorum is
    /// counted.
    pub(super) async fn run(mut self) {
        let leader = Arc::clone(self.copy.leader());
        let (follower, limit) = (self.copy.follower, leader.config.replication_timeout);
        let (outcome, error) = match leader.clock.timeout(limit, self.deliver(&leader)).await {
            Ok(Ok(())) => (Outcome::Acked, None),
            Ok(Err(error)) => (Outcome::Failed, Some(error)),
            Err(_elapsed) => (Outcome::Timeout, None),
        };
        leader.trace.ended(self.copy.seq, outcome, leader.clock.now_us());
        if let Some(backlogs) = leader.backlogs.as_ref().filter(|_| outcome != Outcome::Acked) {
            backlogs.lost(follower, self.version);
        }
        leader.log(follower, self.version, outcome, error);
        let Self { copy, passage, results, .. } = self;
        // The queue of an ordered link sees by this that the copy is given up.
        drop(passage);
        drop(copy);
        // The channel has room for every replication; it is closed once the write was answered.
        let _ = results.try_send(outcome == Outcome::Acked);
    }

    async fn deliver(&mut self, leader: &Leader) -> Result<(), TransportError> {
        match &mut self.passage {
            Passage::Independent { key, body, delays } => {
                leader.clock.sleep(Duration::from_micros(delays.write_us.into())).await;
                leader.trace.sent(self.copy.seq, leader.clock.now_us());
                let answer = leader.transport.replicate(self.copy.follower, key, body).await?;
                self.copy.note_answer(answer.started_us);
                leader.clock.sleep(Duration::from_micros(delays.ack_us.into())).await;
            }
            Passage::Ordered(acknowledged) => {
                let back_us = acknowledged.await.unwrap_or_else(|_ended| Err(Closed.into()))?;
                leader.clock.sleep_until_us(back_us).await;
            }
        }
        Ok(())
    }
}

impl Leader {
    /// Logs that a follower began to lose copies, or stopped doing so; at level debug each lost
    /// copy.
    fn log(&self, follower: usize, version: u64, outcome: Outcome, error: Option<TransportError>) {
        let failed = outcome != Outcome::Acked;
        let (Some(url), Some(failing)) = (self.config.followers.get(follower), self.failing.get(follower)) else {
            return;
        };
        let reason = error.map_or_else(|| "timed out".to_owned(), |error| error.to_string());
        let before = failing.swap(failed, Ordering::Relaxed);
        match (before, failed) {
            (false, true) => warn!("replication to {url} fails: {reason}"),
            (true, false) => info!("replication to {url} works again"),
            (true, true) => debug!("write {version} to {url} is lost: {reason}"),
            (false, false) => {}
        }
    }
}
