//! Notices when labctl itself stood still: what it measures meanwhile is its own doing.

use std::convert::Infallible;
use std::sync::Mutex;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use crate::data::{GapFacts, GapKind};
use crate::model::{Micros, TimeSpan, ignore_poison};
use crate::system::Clock;

/// How often labctl looks at the clocks.
const TICK: Duration = Duration::from_millis(10);

/// Less than this is the ordinary work of a scheduler. On two cores with 18 processes ready to
/// run, 99.9 % of 12 472 waits were late by less than 70 ms and six by more than 100 ms, up to a
/// second: in those, latencies were too long by as much. In 100 writes, 10 at a time, a shorter
/// gap moves the mean by less than 10 ms.
pub const MIN_GAP: Duration = Duration::from_millis(100);

/// The gaps seen so far.
#[derive(Debug, Default)]
pub struct Gaps {
    seen: Mutex<Vec<Seen>>,
}

/// One gap, on the load's clock.
#[derive(Debug, Clone, Copy)]
struct Seen {
    start_us: Micros,
    length_us: TimeSpan,
    kind: GapKind,
}

/// What the clocks say at one moment.
#[derive(Debug, Clone, Copy)]
struct Reading {
    /// The load's clock, which stands still while the machine sleeps.
    now_us: Micros,
    /// How far the clock that does not stand still is ahead of the one that does.
    slept_us: TimeSpan,
}

impl Reading {
    fn take(clock: &Clock) -> Self {
        let (awake, all) = (clock_gettime(ClockId::Monotonic), clock_gettime(ClockId::Boottime));
        // Both count from the machine's start: never negative.
        let elapsed = |time| Duration::try_from(time).unwrap_or_default();
        let slept = elapsed(all).saturating_sub(elapsed(awake));
        Self { now_us: clock.now_us().into(), slept_us: slept.into() }
    }

    /// The gaps between this reading and one that was to follow after [`TICK`].
    fn gaps_until(self, next: Self) -> impl Iterator<Item = Seen> {
        let due_us = self.now_us + TimeSpan::from(TICK);
        let stalled = Seen { start_us: due_us, length_us: next.now_us.since(due_us), kind: GapKind::Stalled };
        let slept_us = next.slept_us.saturating_sub(self.slept_us);
        let suspended = Seen { start_us: self.now_us, length_us: slept_us, kind: GapKind::Suspended };
        [stalled, suspended].into_iter().filter(move |gap| gap.length_us >= MIN_GAP.into())
    }
}

impl Gaps {
    /// Looks at the clocks again and again. To be polled by the task that drives the load, so
    /// that it sees what that task sees.
    pub async fn watch(&self, clock: &Clock) -> Infallible {
        let mut last = Reading::take(clock);
        loop {
            clock.sleep(TICK).await;
            let now = Reading::take(clock);
            ignore_poison(self.seen.lock()).extend(last.gaps_until(now));
            last = now;
        }
    }

    /// The gaps since the run's start; times from then.
    #[must_use]
    pub fn since(&self, start_us: Micros) -> Vec<GapFacts> {
        let seen = ignore_poison(self.seen.lock());
        let during = seen.iter().filter(|gap| gap.start_us + gap.length_us >= start_us);
        let facts =
            |gap: &Seen| GapFacts { start_us: gap.start_us - start_us, length_us: gap.length_us, kind: gap.kind };
        during.map(facts).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gaps(before: (u64, u64), after: (u64, u64)) -> Vec<(i64, u64, GapKind)> {
        let reading = |(now_us, slept_us)| Reading { now_us: Micros::from(now_us), slept_us: TimeSpan::new(slept_us) };
        let seen = reading(before).gaps_until(reading(after));
        seen.map(|gap| (gap.start_us.get(), gap.length_us.get(), gap.kind)).collect()
    }

    #[test]
    fn late_by_a_tenth_of_a_second_is_a_gap_and_less_is_not() {
        assert_eq!(gaps((1_000, 7), (110_999, 7)), []);
        assert_eq!(gaps((1_000, 7), (111_000, 7)), [(11_000, 100_000, GapKind::Stalled)]);
    }

    #[test]
    fn a_machine_that_slept_is_told_by_the_clock_that_goes_on() {
        assert_eq!(gaps((1_000, 7), (11_500, 30_000_007)), [(1_000, 30_000_000, GapKind::Suspended)]);
    }

    #[test]
    fn times_are_from_the_runs_start_and_what_was_over_by_then_is_left_out() {
        let gap = |start_us| Seen { start_us, length_us: TimeSpan::new(200_000), kind: GapKind::Stalled };
        let gaps =
            Gaps { seen: Mutex::new(vec![gap(Micros::ZERO), gap(Micros::new(900_000)), gap(Micros::new(2_000_000))]) };
        let found: Vec<i64> = gaps.since(Micros::new(1_000_000)).iter().map(|gap| gap.start_us.get()).collect();
        assert_eq!(found, [-100_000, 1_000_000]);
    }
}
