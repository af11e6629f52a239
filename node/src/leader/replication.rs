//! One write on its way to one follower.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::mpsc;
use tracing::{debug, info, warn};

use super::state::Leader;
use crate::delay::Delays;
use crate::trace::Seq;
use crate::transport::TransportError;
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

pub(super) struct Replication {
    pub(super) in_flight: InFlight,
    pub(super) follower: usize,
    pub(super) delays: Delays,
    pub(super) seq: Seq,
    pub(super) version: u64,
    pub(super) key: Arc<str>,
    pub(super) body: Arc<Replicate>,
    pub(super) results: mpsc::Sender<bool>,
}

impl Replication {
    /// Waits the delay, delivers the write, waits the acknowledgement's delay, and notes the
    /// outcome in the trace. Only then it sends the result to `results`, where the quorum is
    /// counted.
    pub(super) async fn run(self) {
        let leader = Arc::clone(&self.in_flight.0);
        let limit = leader.config.replication_timeout;
        let (outcome, error) = match leader.clock.timeout(limit, self.deliver(&leader)).await {
            Ok(Ok(())) => (Outcome::Acked, None),
            Ok(Err(error)) => (Outcome::Failed, Some(error)),
            Err(_elapsed) => (Outcome::Timeout, None),
        };
        leader.trace.ended(self.seq, outcome, leader.clock.now_us());
        if let Some(backlogs) = leader.backlogs.as_ref().filter(|_| outcome != Outcome::Acked) {
            backlogs.lost(self.follower, self.version);
        }
        leader.log(self.follower, self.version, outcome, error);
        drop(self.in_flight);
        // The channel has room for every replication; it is closed once the write was answered.
        let _ = self.results.try_send(outcome == Outcome::Acked);
    }

    async fn deliver(&self, leader: &Leader) -> Result<(), TransportError> {
        leader.clock.sleep(Duration::from_micros(self.delays.write_us.into())).await;
        leader.trace.sent(self.seq, leader.clock.now_us());
        let answer = leader.transport.replicate(self.follower, &self.key, &self.body).await?;
        if let Some(backlogs) = &leader.backlogs {
            backlogs.answered(self.follower, answer.started_us);
        }
        leader.clock.sleep(Duration::from_micros(self.delays.ack_us.into())).await;
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
