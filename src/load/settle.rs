//! Waiting until nothing can change a node any more.

use std::collections::BTreeSet;
use std::time::Duration;

use labnode::clock::Clock;
use labnode::leader::{CATCH_UP_ATTEMPTS, CATCH_UP_POLL_INTERVAL};
use labnode::wire::Health;

use super::progress::Progress;
use crate::config::{CatchUp, Network};
use crate::data::{LEADER, follower_name};
use crate::system::labnode::{Client, ClientError};

#[cfg(test)]
mod tests;

/// How often the leader is asked.
const POLL: Duration = Duration::from_millis(5);
/// What a leader may take beyond what it promises.
const MARGIN: Duration = Duration::from_secs(5);

/// What faults have left behind when the load is over.
#[derive(Debug, Default)]
pub(super) struct Aftermath {
    /// Nodes under a fault that has begun and not ended.
    pub(super) broken: BTreeSet<String>,
    /// When a fault ended last, on the load's clock.
    pub(super) mended_us: Option<u64>,
}

/// Waits until the run has settled: nothing is in flight, and each follower that cannot be
/// reached is under a fault that has not ended. False if the leader makes no progress for longer
/// than it promises.
///
/// # Errors
/// When the leader does not answer.
pub(super) async fn settle<C: Client>(
    client: &C,
    network: &Network,
    aftermath: &Aftermath,
    clock: &Clock,
    progress: &dyn Progress,
) -> Result<bool, ClientError> {
    let noticed_us = noticed_us(network, aftermath);
    let mut patience = Patience::new(network, clock.now_us());
    loop {
        let health = client.health(LEADER).await?;
        progress.settling(health.in_flight);
        let unreachable = unreachable(&health);
        let now_us = clock.now_us();
        if health.in_flight == 0 && now_us >= noticed_us && unreachable.is_subset(&aftermath.broken) {
            return Ok(true);
        }
        if !patience.lasts(health.in_flight, unreachable, now_us.max(noticed_us)) {
            return Ok(false);
        }
        clock.sleep(POLL).await;
    }
}

/// The followers that the leader names, by their own names.
fn unreachable(health: &Health) -> BTreeSet<String> {
    let name = |url: &String| match health.followers.iter().position(|follower| follower == url) {
        Some(index) => follower_name(index),
        None => url.clone(),
    };
    health.unreachable.iter().map(name).collect()
}

/// When a leader that catches up has noticed that a follower is back, even one to which no copy
/// was lost: it is asked every [`CATCH_UP_POLL_INTERVAL`], and a question from before it was back may
/// hang for a replication timeout.
fn noticed_us(network: &Network, aftermath: &Aftermath) -> u64 {
    match (network.catch_up, aftermath.mended_us) {
        (CatchUp::Snapshot, Some(mended_us)) => {
            mended_us.saturating_add(micros(network.replication_timeout_s.duration() + 3 * CATCH_UP_POLL_INTERVAL))
        }
        (CatchUp::Snapshot, None) | (CatchUp::Off, _) => 0,
    }
}

/// How long the leader is waited for.
#[derive(Debug)]
struct Patience {
    /// The longest that a leader takes between two steps forward: a replication ends within its
    /// timeout, and a follower is given up after [`CATCH_UP_ATTEMPTS`] more.
    limit_us: u64,
    deadline_us: u64,
    /// The least that was in flight.
    least: u64,
    /// Followers that could not be reached a moment ago.
    unreachable: BTreeSet<String>,
    /// Those that came back: each is waited for once, not whenever it comes and goes.
    returned: BTreeSet<String>,
}

impl Patience {
    fn new(network: &Network, now_us: u64) -> Self {
        let timeout = network.replication_timeout_s.duration();
        let limit = MARGIN
            + match network.catch_up {
                CatchUp::Off => timeout,
                CatchUp::Snapshot => (CATCH_UP_ATTEMPTS + 1) * (timeout + 2 * CATCH_UP_POLL_INTERVAL),
            };
        let limit_us = micros(limit);
        let (unreachable, returned) = (BTreeSet::new(), BTreeSet::new());
        Self { limit_us, deadline_us: now_us.saturating_add(limit_us), least: u64::MAX, unreachable, returned }
    }

    /// Whether to wait on, given what the leader says at this time.
    fn lasts(&mut self, in_flight: u64, unreachable: BTreeSet<String>, now_us: u64) -> bool {
        let mut is_forward = in_flight < self.least;
        for back in self.unreachable.difference(&unreachable) {
            is_forward |= self.returned.insert(back.clone());
        }
        if is_forward {
            self.least = in_flight;
            self.deadline_us = now_us.saturating_add(self.limit_us);
        }
        self.unreachable = unreachable;
        now_us <= self.deadline_us
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
