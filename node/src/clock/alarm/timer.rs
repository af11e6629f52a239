//! The timer descriptor of a runtime, and who waits for it.

use std::collections::{BTreeMap, HashMap};
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};
use tokio::net::unix::pipe;
use tokio::runtime::{Handle, Id};

use crate::poison::ignore_poison;

/// The timers of all runtimes of this process.
static RUNTIMES: LazyLock<Mutex<HashMap<Id, Arc<Alarms>>>> = LazyLock::new(Mutex::default);

/// The waits of one runtime.
#[derive(Debug)]
pub(super) struct Alarms {
    pending: Mutex<Pending>,
    /// The timer. tokio registers no other descriptors without unsafe code than those of sockets and
    /// pipes; what it does with this one is to wait until it can be read, and to read it.
    timer: pipe::Receiver,
}

#[derive(Debug, Default)]
struct Pending {
    /// Tells equal deadlines apart.
    next_number: u64,
    wakers: BTreeMap<(Instant, u64), Waker>,
}

impl Alarms {
    /// The waits of the runtime that runs this task. The first call starts the task that ends them.
    pub(super) fn of_this_runtime() -> io::Result<Arc<Self>> {
        let id = Handle::current().id();
        let mut runtimes = ignore_poison(RUNTIMES.lock());
        if let Some(alarms) = runtimes.get(&id) {
            return Ok(Arc::clone(alarms));
        }
        let timer = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
        let timer = pipe::Receiver::from_owned_fd_unchecked(timer)?;
        let alarms = Arc::new(Self { pending: Mutex::default(), timer });
        runtimes.insert(id, Arc::clone(&alarms));
        tokio::spawn(Registered { id, alarms: Arc::clone(&alarms) }.run());
        Ok(alarms)
    }

    /// Waits until `delay` has passed.
    pub(super) fn wait(self: Arc<Self>, delay: Duration) -> Alarm {
        let mut pending = self.lock();
        let number = pending.next_number;
        pending.next_number += 1;
        drop(pending);
        Alarm { alarms: self, place: (Instant::now() + delay, number) }
    }

    /// Lets the timer expire at the earliest deadline, which is later than `now`.
    fn arm(&self, pending: &Pending, now: Instant) {
        let Some(((deadline, _), _)) = pending.wakers.first_key_value() else { return };
        let left = deadline.saturating_duration_since(now);
        let once = Itimerspec {
            it_interval: Timespec { tv_sec: 0, tv_nsec: 0 },
            // Zero would disarm it. No delay has more seconds than fit.
            it_value: Timespec { tv_sec: left.as_secs() as i64, tv_nsec: i64::from(left.subsec_nanos().max(1)) },
        };
        // It fails for a bad descriptor and for bad times only: these are neither.
        let _ = timerfd_settime(&self.timer, TimerfdTimerFlags::empty(), &once);
    }

    /// Wakes those whose time has come.
    fn ring(&self) {
        let mut pending = self.lock();
        let now = Instant::now();
        let mut due = Vec::new();
        while let Some(first) = pending.wakers.first_entry().filter(|first| first.key().0 <= now) {
            due.push(first.remove());
        }
        self.arm(&pending, now);
        // What a waker wakes may want the lock.
        drop(pending);
        due.into_iter().for_each(Waker::wake);
    }

    fn lock(&self) -> MutexGuard<'_, Pending> {
        ignore_poison(self.pending.lock())
    }
}

/// The task that ends the waits of a runtime. It is dropped with its runtime, and with it the timer.
struct Registered {
    id: Id,
    alarms: Arc<Alarms>,
}

impl Registered {
    async fn run(self) {
        let timer = &self.alarms.timer;
        while timer.readable().await.is_ok() {
            // How often it expired, or that another wake-up had already read that.
            let _ = timer.try_read(&mut [0; 8]);
            self.alarms.ring();
        }
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        ignore_poison(RUNTIMES.lock()).remove(&self.id);
    }
}

/// One wait; one that is given up leaves nothing behind.
#[derive(Debug)]
pub(super) struct Alarm {
    alarms: Arc<Alarms>,
    place: (Instant, u64),
}

impl Future for Alarm {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let now = Instant::now();
        if now >= self.place.0 {
            return Poll::Ready(());
        }
        let mut pending = self.alarms.lock();
        pending.wakers.insert(self.place, cx.waker().clone());
        if pending.wakers.first_key_value().is_some_and(|(first, _)| *first == self.place) {
            self.alarms.arm(&pending, now);
        }
        Poll::Pending
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        self.alarms.lock().wakers.remove(&self.place);
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn a_wait_that_is_given_up_leaves_nothing_behind() {
        let alarms = Alarms::of_this_runtime().unwrap();
        let mut alarm = Arc::clone(&alarms).wait(Duration::from_secs(60));
        assert_eq!((&mut alarm).now_or_never(), None);
        assert_eq!(alarms.lock().wakers.len(), 1);
        drop(alarm);
        assert_eq!(alarms.lock().wakers.len(), 0);
    }

    #[test]
    fn a_timer_goes_with_its_runtime() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let alarms = runtime.block_on(async {
            Alarms::of_this_runtime().unwrap().wait(Duration::from_millis(1)).await;
            Arc::downgrade(&Alarms::of_this_runtime().unwrap())
        });
        drop(runtime);
        assert_eq!(alarms.strong_count(), 0);
    }
}
