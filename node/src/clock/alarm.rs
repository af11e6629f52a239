//! Waits that are exact to a tenth of a millisecond.
//!
//! tokio's timers fire one to two milliseconds late: it rounds a deadline up to the next
//! millisecond and then hands whole milliseconds to the system. A timer descriptor (timerfd_create(2))
//! has no such granularity. Each runtime has one, which is armed for the earliest deadline of all
//! its waits; it wakes the runtime where sockets do, so no other thread is involved.

#[cfg(target_os = "linux")]
mod timer;

use std::time::Duration;

/// Waits until `delay` has passed on the system's clock.
///
/// Where there is no timer descriptor it waits with tokio's timers.
#[cfg(target_os = "linux")]
pub(super) async fn sleep(delay: Duration) {
    match timer::Alarms::of_this_runtime() {
        Ok(alarms) => alarms.wait(delay).await,
        Err(error) => {
            crate::limits::note("making a timer", &error);
            tokio::time::sleep(delay).await;
        }
    }
}

/// Waits until `delay` has passed on the system's clock.
#[cfg(not(target_os = "linux"))]
pub(super) async fn sleep(delay: Duration) {
    tokio::time::sleep(delay).await;
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[tokio::test]
    async fn a_sleep_is_never_too_short_and_sleeps_end_in_the_order_of_their_deadlines() {
        let (sender, mut ends) = tokio::sync::mpsc::unbounded_channel();
        let start = Instant::now();
        for ms in [60_u64, 1, 30] {
            let sender = sender.clone();
            tokio::spawn(async move {
                sleep(Duration::from_millis(ms)).await;
                sender.send((ms, start.elapsed())).ok();
            });
        }
        drop(sender);
        for expected in [1, 30, 60] {
            let ended = ends.recv().await;
            assert!(
                ended.is_some_and(|(ms, took)| ms == expected && took >= Duration::from_millis(ms)),
                "{expected}: {ended:?}"
            );
        }
    }

    #[test]
    fn every_runtime_has_its_own_timer() {
        for _ in 0..3 {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
            let slept = runtime.map(|runtime| {
                runtime.block_on(async {
                    let sleeps = (0..20).map(|ms| tokio::spawn(sleep(Duration::from_millis(ms))));
                    futures_util::future::join_all(sleeps).await.len()
                })
            });
            assert!(matches!(slept, Ok(20)), "{slept:?}");
        }
    }
}
