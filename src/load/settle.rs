//! Waiting until nothing can change a node any more.

use std::collections::BTreeSet;
use std::time::Duration;

use super::progress::Progress;
use crate::model::{Micros, TimeSpan};
use crate::system::{Clock, Session, SessionError, SettleLimits};

pub(super) mod quiet;
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
    pub(super) mended_us: Option<Micros>,
}

/// Waits until the run has settled: nothing is in flight, and each follower that cannot be
/// reached is under a fault that has not ended. False if the leader makes no progress for longer
/// than it promises.
///
/// # Errors
/// When the leader does not answer.
pub(super) async fn settle(
    session: &dyn Session,
    aftermath: &Aftermath,
    clock: &Clock,
    progress: &dyn Progress,
) -> Result<bool, SessionError> {
    let limits = session.settle_limits();
    let noticed_us = noticed_us(limits, aftermath);
    let mut patience = Patience::new(limits.step, clock.now_us().into());
    loop {
        let in_flight = session.in_flight().await?;
        progress.settling(in_flight.copies);
        let unreachable = in_flight.unreachable;
        let now_us = Micros::from(clock.now_us());
        if in_flight.copies == 0 && now_us >= noticed_us && unreachable.is_subset(&aftermath.broken) {
            return Ok(true);
        }
        if !patience.lasts(in_flight.copies, unreachable, now_us.max(noticed_us)) {
            return Ok(false);
        }
        clock.sleep(POLL).await;
    }
}

/// When the system has noticed that a node is back, even one to which no copy was lost.
fn noticed_us(limits: SettleLimits, aftermath: &Aftermath) -> Micros {
    let noticed = limits.notice.zip(aftermath.mended_us);
    noticed.map_or(Micros::ZERO, |(notice, mended_us)| mended_us + TimeSpan::from(notice))
}

/// How long the leader is waited for.
#[derive(Debug)]
struct Patience {
    /// The longest wait for a step forward.
    limit_us: TimeSpan,
    deadline_us: Micros,
    /// The least that was in flight.
    least: u64,
    /// Followers that could not be reached a moment ago.
    unreachable: BTreeSet<String>,
    /// Those that came back: each is waited for once, not whenever it comes and goes.
    returned: BTreeSet<String>,
}

impl Patience {
    fn new(step: Duration, now_us: Micros) -> Self {
        let limit_us = TimeSpan::from(MARGIN + step);
        let (unreachable, returned) = (BTreeSet::new(), BTreeSet::new());
        Self { limit_us, deadline_us: now_us + limit_us, least: u64::MAX, unreachable, returned }
    }

    /// Whether to wait on, given what the leader says at this time.
    fn lasts(&mut self, in_flight: u64, unreachable: BTreeSet<String>, now_us: Micros) -> bool {
        let mut is_forward = in_flight < self.least;
        for back in self.unreachable.difference(&unreachable) {
            is_forward |= self.returned.insert(back.clone());
        }
        if is_forward {
            self.least = in_flight;
            self.deadline_us = now_us + self.limit_us;
        }
        self.unreachable = unreachable;
        now_us <= self.deadline_us
    }
}
