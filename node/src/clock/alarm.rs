//! Waits that are exact to a fraction of a millisecond.
//!
//! tokio's timers fire one to two milliseconds late: it rounds a deadline up to the next
//! millisecond and then hands whole milliseconds to the system. One thread that sleeps on a
//! condition variable does better by a factor of ten, at the price of that thread.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use crate::poison::ignore_poison;

/// Waits until `delay` has passed on the system's clock.
pub(super) async fn sleep(delay: Duration) {
    match AlarmClock::shared().map(|clock| clock.set(Instant::now() + delay)) {
        // The sender is dropped when the time has come.
        Some(mut alarm) => drop((&mut alarm.rings).await),
        None => tokio::time::sleep(delay).await,
    }
}

/// The deadlines that the thread waits for; the number tells equal ones apart.
type Alarms = BTreeMap<(Instant, u64), oneshot::Sender<()>>;

#[derive(Debug, Default)]
struct AlarmClock {
    alarms: Mutex<(u64, Alarms)>,
    changed: Condvar,
}

/// One wait; a wait that is given up leaves nothing behind.
struct Alarm<'a> {
    clock: &'a AlarmClock,
    place: (Instant, u64),
    rings: oneshot::Receiver<()>,
}

impl Drop for Alarm<'_> {
    fn drop(&mut self) {
        self.clock.lock().1.remove(&self.place);
    }
}

impl AlarmClock {
    /// The process's alarm clock, started at its first use. `None` if no thread can be started.
    fn shared() -> Option<&'static Arc<Self>> {
        static SHARED: OnceLock<Option<Arc<AlarmClock>>> = OnceLock::new();
        SHARED.get_or_init(|| Self::start().ok()).as_ref()
    }

    fn start() -> io::Result<Arc<Self>> {
        let clock = Arc::new(Self::default());
        let thread = Arc::clone(&clock);
        std::thread::Builder::new()
            .name("alarm-clock".to_owned())
            .stack_size(64 * 1_024)
            .spawn(move || thread.run())?;
        Ok(clock)
    }

    fn set(&self, deadline: Instant) -> Alarm<'_> {
        let (sender, rings) = oneshot::channel();
        let mut alarms = self.lock();
        let number = alarms.0;
        alarms.0 += 1;
        alarms.1.insert((deadline, number), sender);
        let is_next = alarms.1.keys().next() == Some(&(deadline, number));
        drop(alarms);
        if is_next {
            self.changed.notify_one();
        }
        Alarm { clock: self, place: (deadline, number), rings }
    }

    fn run(&self) {
        let mut alarms = self.lock();
        loop {
            let Some((&(deadline, _), _)) = alarms.1.first_key_value() else {
                alarms = ignore_poison(self.changed.wait(alarms));
                continue;
            };
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                // Dropping the sender wakes the task.
                alarms.1.pop_first();
            } else {
                alarms = ignore_poison(self.changed.wait_timeout(alarms, left)).0;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, (u64, Alarms)> {
        ignore_poison(self.alarms.lock())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_that_is_given_up_leaves_nothing_behind() {
        let clock = AlarmClock::default();
        let alarm = clock.set(Instant::now());
        assert_eq!(clock.lock().1.len(), 1);
        drop(alarm);
        assert_eq!(clock.lock().1.len(), 0);
    }

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
}
