//! The one source of time in a node.

mod alarm;

use std::future::Future;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use tokio::time::Instant;
use tokio::time::error::Elapsed;

/// A monotonic clock that counts microseconds: the machine's, or tokio's, real or paused.
///
/// Every wait of a node goes through it. That makes injected delays exact on a real machine,
/// and lets a simulation stretch time: tokio's timers have a resolution of one millisecond,
/// and with a stretch of 1000 one of those is one microsecond of this clock.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    origin: Instant,
    base_us: u64,
    pace: Pace,
}

/// Which timer a clock waits with.
#[derive(Debug, Clone, Copy)]
enum Pace {
    /// The system's clock, see [`alarm`].
    Exact,
    /// tokio's: one unit of this clock is `stretch` units of tokio's.
    Tokio { stretch: u32 },
}

impl Clock {
    /// The machine's monotonic clock: processes of one machine share its time line.
    ///
    /// Its waits need a tokio runtime with I/O enabled, and panic in any other.
    pub fn monotonic() -> Self {
        // Since the machine was started: never negative.
        let now = Duration::try_from(clock_gettime(ClockId::Monotonic)).unwrap_or_default();
        Self { origin: Instant::now(), base_us: now.as_micros() as u64, pace: Pace::Exact }
    }

    /// A clock that reads 0 now. Every node of a simulation gets a copy of the same one.
    pub fn at_zero() -> Self {
        Self { origin: Instant::now(), base_us: 0, pace: Pace::Tokio { stretch: 1 } }
    }

    /// The same clock, for which `stretch` units of tokio's time are one unit.
    ///
    /// Only of use with tokio's clock paused. A stretch of 0 counts as 1.
    #[must_use]
    pub fn stretched(self, stretch: u32) -> Self {
        let stretch = stretch.max(1);
        Self { pace: Pace::Tokio { stretch }, ..self }
    }

    /// Microseconds on this clock.
    pub fn now_us(&self) -> u64 {
        let elapsed = self.origin.elapsed().as_micros() / u128::from(self.stretch());
        // 64 bits hold more than half a million years.
        self.base_us + elapsed as u64
    }

    /// Waits until `delay` has passed; returns at once, without yielding, when it is zero.
    ///
    /// On the machine's clock the wait is some ten microseconds too long, on tokio's
    /// one or two of its milliseconds; never too short.
    pub async fn sleep(&self, delay: Duration) {
        match self.pace {
            // tokio would round a wait of nothing up to its next millisecond.
            _ if delay.is_zero() => {}
            Pace::Exact => alarm::sleep(delay).await,
            Pace::Tokio { stretch } => tokio::time::sleep(delay.saturating_mul(stretch)).await,
        }
    }

    /// Waits until this clock reads `at_us`; returns at once if it does already.
    pub async fn sleep_until_us(&self, at_us: u64) {
        self.sleep(Duration::from_micros(at_us.saturating_sub(self.now_us()))).await;
    }

    /// Runs `future` for at most `limit`; a future that is ready at the deadline wins.
    ///
    /// # Errors
    /// [`Elapsed`] if the limit passed first; the future is dropped.
    pub fn timeout<F: Future>(&self, limit: Duration, future: F) -> impl Future<Output = Result<F::Output, Elapsed>> {
        // Not an `async fn`: that would keep room for the future twice.
        tokio::time::timeout(limit.saturating_mul(self.stretch()), future)
    }

    fn stretch(&self) -> u32 {
        match self.pace {
            Pace::Exact => 1,
            Pace::Tokio { stretch } => stretch,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn starts_at_zero_and_follows_virtual_time() {
        let clock = Clock::at_zero();
        assert_eq!(clock.now_us(), 0);
        clock.sleep(Duration::from_millis(250)).await;
        assert_eq!(clock.now_us(), 250_000);
    }

    #[tokio::test(start_paused = true)]
    async fn a_stretched_clock_resolves_microseconds() {
        let clock = Clock::at_zero().stretched(1_000);
        clock.sleep(Duration::from_micros(1_437)).await;
        assert_eq!(clock.now_us(), 1_437);
        let slow = clock.sleep(Duration::from_micros(12));
        assert!(clock.timeout(Duration::from_micros(11), slow).await.is_err());
        assert_eq!(clock.now_us(), 1_448);
    }

    #[tokio::test(start_paused = true)]
    async fn a_zero_sleep_takes_no_time() {
        let clock = Clock::at_zero();
        clock.sleep(Duration::ZERO).await;
        assert_eq!(clock.now_us(), 0);
    }

    #[tokio::test]
    async fn processes_of_one_machine_share_the_monotonic_time_line() {
        let (a, b) = (Clock::monotonic(), Clock::monotonic());
        assert!(b.now_us().abs_diff(a.now_us()) < 60_000_000);
        assert!(a.now_us() > 0);
    }
}
