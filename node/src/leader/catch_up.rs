//! Bringing followers that lack writes up to date.
//!
//! The leader notes the oldest write that a follower may lack: one whose replication failed
//! or timed out, or all of them when the follower was restarted, which its answers tell. From
//! that write on it sends what it holds itself, one entry after the other in the order of the
//! writes, and the follower applies what is newer than its own. Writes go on meanwhile; those
//! of them that are lost are sent in the next pass, so that a follower that answers lacks
//! nothing in the end. These deliveries are no acknowledgements of any write.

#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::Notify;
use tracing::{debug, info};

use super::Leader;
use crate::clock::Clock;
use crate::store::Entry;
use crate::transport::TransportError;
use crate::wire::Replicate;

/// How often a follower that lacks nothing is asked whether it was restarted, and one that
/// could not be brought up to date is tried again.
pub const LOOK: Duration = Duration::from_millis(200);

/// The least time between two passes to one follower, so that one that loses many copies is
/// not sent everything for each of them.
const REST: Duration = Duration::from_millis(20);

/// After how many failed passes in a row a follower is unreachable: tried again, but no longer
/// waited for.
pub const TRIES: u32 = 3;

/// What every follower lacks, and the tasks that bring it to them.
pub(super) struct Keeper {
    started: AtomicBool,
    lanes: Vec<Arc<Lane>>,
}

impl Keeper {
    pub(super) fn new(followers: usize) -> Self {
        Self { started: AtomicBool::new(false), lanes: (0..followers).map(|_| Arc::default()).collect() }
    }

    /// Starts the tasks, once; each ends soon after its leader is gone.
    pub(super) fn start(&self, leader: &Arc<Leader>) {
        if self.started.swap(true, Ordering::Relaxed) {
            return;
        }
        for (follower, lane) in self.lanes.iter().enumerate() {
            tokio::spawn(keep(Arc::downgrade(leader), follower, Arc::clone(lane), leader.clock));
        }
    }

    /// Notes that a write may not have reached a follower.
    pub(super) fn lost(&self, follower: usize, version: u64) {
        if let Some(lane) = self.lanes.get(follower) {
            lane.change(|known| known.lacks(version));
        }
    }

    /// Notes that a follower answered, and when it said that it was started.
    pub(super) fn answered(&self, follower: usize, started_us: Option<u64>) {
        if let Some(lane) = self.lanes.get(follower) {
            lane.change(|known| known.answered(started_us));
        }
    }

    /// Entries that are still to be sent to followers that may be expected to answer; one for
    /// a follower whose entries are not counted yet.
    pub(super) fn pending(&self) -> u64 {
        self.lanes.iter().map(|lane| lane.known().pending()).sum()
    }

    /// Indices of the followers that lack something and do not answer.
    pub(super) fn unreachable(&self) -> impl Iterator<Item = usize> {
        self.lanes.iter().enumerate().filter(|(_, lane)| lane.known().is_unreachable()).map(|(index, _)| index)
    }
}

/// What the leader knows of one follower.
#[derive(Debug, Default)]
struct Lane {
    known: Mutex<Known>,
    due: Notify,
    passes: AtomicU64,
}

#[derive(Debug, Default)]
struct Known {
    /// When the follower that answered last was started.
    started_us: Option<u64>,
    /// The oldest write that it may lack; none where it lacks nothing.
    lacks_from: Option<u64>,
    /// From which write on a pass sends at this moment.
    sending_from: Option<u64>,
    /// Entries that this pass has still to deliver, once it has counted them.
    left: Option<u64>,
    /// Passes that failed since the follower answered last.
    failed: u32,
}

impl Known {
    fn lacks(&mut self, version: u64) {
        self.lacks_from = Some(self.lacks_from.map_or(version, |from| from.min(version)));
    }

    fn answered(&mut self, started_us: Option<u64>) {
        self.failed = 0;
        let restarted = self.started_us.is_some() && started_us.is_some() && self.started_us != started_us;
        self.started_us = started_us.or(self.started_us);
        if restarted {
            self.lacks(0);
        }
    }

    /// Whether there is something to bring to a follower that may be expected to answer.
    fn is_due(&self) -> bool {
        !self.is_unreachable() && (self.lacks_from.is_some() || self.sending_from.is_some())
    }

    fn is_unreachable(&self) -> bool {
        self.failed >= TRIES
    }

    fn pending(&self) -> u64 {
        if !self.is_due() {
            return 0;
        }
        let sending = self.sending_from.map_or(0, |_| self.left.unwrap_or(0).max(1));
        sending + u64::from(self.lacks_from.is_some())
    }
}

impl Lane {
    fn known(&self) -> MutexGuard<'_, Known> {
        // Nothing panics while it holds the lock.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut Known)) {
        let mut known = self.known();
        let before = known.is_due();
        change(&mut known);
        let after = known.is_due();
        drop(known);
        if after && !before {
            self.due.notify_one();
        }
    }

    /// Begins a pass if the follower lacks something: from which write on.
    fn begin(&self) -> Option<u64> {
        let mut known = self.known();
        known.sending_from = known.lacks_from.take();
        known.sending_from
    }

    fn end(&self, delivered: bool) {
        let mut known = self.known();
        known.left = None;
        if let Some(from) = known.sending_from.take().filter(|_| !delivered) {
            known.lacks(from);
            known.failed = known.failed.saturating_add(1);
        }
    }

    /// Waits until there is something to do: at once where a pass has left something, but
    /// not where it failed.
    async fn wait(&self, clock: &Clock) {
        let left = {
            let known = self.known();
            known.is_due() && known.failed == 0
        };
        if !left {
            tokio::select! {
                biased;
                () = self.due.notified() => {}
                () = clock.sleep(LOOK) => {}
            }
        }
    }
}

/// Keeps one follower up to date for as long as there is a leader.
async fn keep(leader: Weak<Leader>, follower: usize, lane: Arc<Lane>, clock: Clock) {
    loop {
        lane.wait(&clock).await;
        let Some(leader) = leader.upgrade() else {
            return;
        };
        match lane.begin() {
            Some(from) => leader.bring_up_to_date(follower, from, &lane).await,
            None => leader.look(follower, &lane).await,
        }
        drop(leader);
        clock.sleep(REST).await;
    }
}

impl Leader {
    /// Finds out whether a follower was restarted since it answered last.
    async fn look(&self, follower: usize, lane: &Lane) {
        let asked = self.clock.timeout(self.config.replication_timeout, self.transport.started_us(follower)).await;
        if let Ok(Ok(started_us)) = asked {
            lane.change(|known| known.answered(started_us));
        }
    }

    /// Sends a follower everything that was written from a write on.
    async fn bring_up_to_date(&self, follower: usize, from: u64, lane: &Lane) {
        let entries = self.store.since(from);
        let (sent, mut applied) = (entries.len(), 0);
        lane.change(|known| known.left = Some(sent as u64));
        let pass = lane.passes.fetch_add(1, Ordering::Relaxed);
        // All of a pass goes one after the other over the same network: it is late once.
        let mut delay = self.delays.draw_for_pass(pass, u32::try_from(follower).unwrap_or(u32::MAX));
        let mut failure = None;
        for entry in entries {
            match self.bring(follower, entry, std::mem::take(&mut delay), lane).await {
                Ok(was_applied) => applied += usize::from(was_applied),
                Err(reason) => {
                    failure = Some(reason);
                    break;
                }
            }
        }
        lane.end(failure.is_none());
        let Some(url) = self.config.followers.get(follower) else {
            return;
        };
        match failure {
            None if applied > 0 => info!("{url} lacked {applied} of {sent} keys and is up to date again"),
            None => debug!("{url} lacked none of {sent} keys"),
            Some(reason) => debug!("cannot bring {url} up to date: {reason}"),
        }
    }

    /// Sends one entry; whether the follower applied it.
    async fn bring(&self, follower: usize, entry: Entry, delay: Duration, lane: &Lane) -> Result<bool, String> {
        let body = Replicate { value: entry.value.as_ref().to_owned(), version: Some(entry.version), catch_up: true };
        let delivery = async {
            self.clock.sleep(delay).await;
            self.transport.replicate(follower, &entry.key, &body).await
        };
        let answer = self
            .clock
            .timeout(self.config.replication_timeout, delivery)
            .await
            .map_err(|_elapsed| "timed out".to_owned())?
            .map_err(|error: TransportError| error.to_string())?;
        lane.change(|known| {
            known.answered(answer.started_us);
            known.left = known.left.map(|left| left.saturating_sub(1));
        });
        Ok(answer.applied)
    }
}
