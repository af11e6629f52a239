//! Bringing followers that lack writes up to date.
//!
//! The leader notes the oldest write that a follower may lack: one whose replication failed
//! or timed out, or all of them when the follower was restarted, which its answers tell. From
//! that write on it sends what it holds itself, one entry after the other in the order of the
//! writes, and the follower applies what is newer than its own. Writes go on meanwhile; those
//! of them that are lost are sent in the next pass, so that a follower that answers lacks
//! nothing in the end. These deliveries do not acknowledge any write.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tracing::{debug, info};

use super::backlog::Backlog;
use super::state::Leader;
use crate::clock::Clock;
use crate::store::Entry;
use crate::wire::Replicate;

/// How often a follower that lacks nothing is asked whether it was restarted, and one that
/// could not be brought up to date is tried again.
pub const POLL_INTERVAL: Duration = Duration::from_millis(200);

/// The pause between two passes to one follower, so that one that loses many copies is not sent
/// everything for each of them.
const RETRY_DELAY: Duration = Duration::from_millis(20);

/// Keeps one follower up to date for as long as there is a leader.
pub(super) struct CatchUpWorker {
    leader: Weak<Leader>,
    follower: u16,
    backlog: Arc<Backlog>,
    clock: Clock,
}

impl CatchUpWorker {
    /// Starts one worker for each follower of a leader that brings them up to date. Each ends
    /// soon after its leader is gone.
    pub(super) fn start_all(leader: &Arc<Leader>) {
        let backlogs = leader.backlogs.iter().flat_map(|backlogs| backlogs.all());
        for (follower, backlog) in (0..).zip(backlogs) {
            let (leader, clock) = (Arc::downgrade(leader), leader.clock);
            tokio::spawn(Self { leader, follower, backlog: Arc::clone(backlog), clock }.run());
        }
    }

    async fn run(self) {
        loop {
            self.wait().await;
            let Some(leader) = self.leader.upgrade() else {
                return;
            };
            match self.backlog.begin() {
                Some(from) => self.bring_up_to_date(&leader, from).await,
                None => self.poll(&leader).await,
            }
            drop(leader);
            self.clock.sleep(RETRY_DELAY).await;
        }
    }

    /// Waits until there is something to do. Returns at once if the last pass left something,
    /// but not if it failed.
    async fn wait(&self) {
        if !self.backlog.is_ready() {
            tokio::select! {
                biased;
                () = self.backlog.due() => {}
                () = self.clock.sleep(POLL_INTERVAL) => {}
            }
        }
    }

    /// Finds out whether the follower was restarted since it answered last.
    async fn poll(&self, leader: &Leader) {
        let question = leader.transport.started_us(usize::from(self.follower));
        if let Ok(Ok(started_us)) = self.clock.timeout(leader.config.replication_timeout, question).await {
            self.backlog.answered(started_us);
        }
    }

    /// Sends everything that was written by write `from` or a later one.
    async fn bring_up_to_date(&self, leader: &Leader, from: u64) {
        let entries = leader.store.since(from);
        let (sent, mut applied) = (entries.len(), 0);
        let pass = self.backlog.counted(sent);
        // A pass sends its entries one after the other over one network: it is late once.
        let mut delay = leader.delays.draw_for_pass(pass, self.follower);
        let mut failure = None;
        for entry in entries {
            match self.deliver(leader, entry, std::mem::take(&mut delay)).await {
                Ok(was_applied) => applied += usize::from(was_applied),
                Err(reason) => {
                    failure = Some(reason);
                    break;
                }
            }
        }
        self.backlog.end(failure.is_none());
        let Some(url) = leader.config.followers.get(usize::from(self.follower)) else {
            return;
        };
        match failure {
            None if applied > 0 => info!("{url} lacked {applied} of {sent} keys and is up to date again"),
            None => debug!("{url} lacked none of {sent} keys"),
            Some(reason) => debug!("cannot bring {url} up to date: {reason}"),
        }
    }

    /// Sends one entry; returns whether the follower applied it.
    async fn deliver(&self, leader: &Leader, entry: Entry, delay: Duration) -> Result<bool, String> {
        let body = Replicate { value: entry.value.as_ref().to_owned(), version: Some(entry.version), catch_up: true };
        let body = Arc::new(body);
        let delivery = async {
            self.clock.sleep(delay).await;
            leader.transport.replicate(usize::from(self.follower), &entry.key, &body).await
        };
        let limit = leader.config.replication_timeout;
        let in_time = self.clock.timeout(limit, delivery).await.map_err(|_elapsed| "timed out".to_owned())?;
        let answer = in_time.map_err(|error| error.to_string())?;
        self.backlog.delivered(answer.started_us);
        Ok(answer.applied)
    }
}
