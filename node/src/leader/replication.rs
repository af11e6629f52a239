//! One write on its way to the followers.

use std::future::{Future, poll_fn};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;
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

/// A copy that has not been acknowledged or lost yet.
pub(super) struct UnderWay {
    /// Shared with the queue of an ordered link, where a copy may outlive its time limit.
    pub(super) copy: Arc<TrackedCopy>,
    pub(super) passage: Passage,
}

impl UnderWay {
    /// Waits the delay, delivers the write, and waits the acknowledgement's delay.
    async fn deliver(self) -> Result<(), TransportError> {
        let Self { copy, passage } = self;
        let leader = copy.leader();
        match passage {
            Passage::Independent { key, body, delays } => {
                leader.clock.sleep(Duration::from_micros(delays.write_us.into())).await;
                leader.trace.sent(copy.seq, leader.clock.now_us());
                let answer = leader.transport.replicate(copy.follower, &key, &body).await?;
                copy.note_answer(answer.started_us);
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

/// A write on its way to all followers.
pub(super) struct Replication {
    pub(super) leader: Arc<Leader>,
    pub(super) version: u64,
    /// One for each follower, in their order.
    pub(super) copies: Vec<UnderWay>,
    pub(super) results: mpsc::Sender<bool>,
}

impl Replication {
    /// Delivers the copies side by side, and gives up those that are late. Each outcome goes to the trace, and
    /// only then to `results`, where the quorum is counted.
    ///
    /// One task and one time limit serve all copies, since they begin together.
    pub(super) async fn run(self) {
        let Self { leader, version, copies, results } = self;
        let end = |(copy, delivery): (Arc<TrackedCopy>, _), outcome, error| {
            leader.trace.ended(copy.seq, outcome, leader.clock.now_us());
            if let Some(backlogs) = leader.backlogs.as_ref().filter(|_| outcome != Outcome::Acked) {
                backlogs.lost(copy.follower, version);
            }
            leader.log(copy.follower, version, outcome, error);
            // The queue of an ordered link sees by this that the copy is given up.
            drop(delivery);
            // It counts as in flight until now.
            drop(copy);
            // The channel has room for every copy; it is closed once the write was answered.
            let _ = results.try_send(outcome == Outcome::Acked);
        };
        let begin = |under_way: UnderWay| Some((Arc::clone(&under_way.copy), Box::pin(under_way.deliver())));
        let mut deliveries: Vec<_> = copies.into_iter().map(begin).collect();
        let all = poll_fn(|cx| {
            for slot in &mut deliveries {
                let Some((copy, mut delivery)) = slot.take() else { continue };
                match delivery.as_mut().poll(cx) {
                    Poll::Ready(Ok(())) => end((copy, delivery), Outcome::Acked, None),
                    Poll::Ready(Err(error)) => end((copy, delivery), Outcome::Failed, Some(error)),
                    Poll::Pending => *slot = Some((copy, delivery)),
                }
            }
            if deliveries.iter().all(Option::is_none) { Poll::Ready(()) } else { Poll::Pending }
        });
        if leader.clock.timeout(leader.config.replication_timeout, all).await.is_err() {
            for late in deliveries.into_iter().flatten() {
                end(late, Outcome::Timeout, None);
            }
        }
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
