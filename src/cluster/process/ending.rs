//! What every supervisor does: it takes notice of how the processes below it end, and ends them.

use std::io;
use std::thread;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::process::{Pid, WaitOptions, WaitStatus, wait};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};

use super::family;
use super::protocol::NodeOrder;

/// How long killed processes may take to end.
const KILL_LIMIT: Duration = Duration::from_secs(10);
/// How often they are killed meanwhile, since others may have been started.
pub(super) const KILL_PAUSE: Duration = Duration::from_millis(2);

/// What happens to a supervisor.
pub(super) enum SupervisorEvent {
    /// labctl gives an order.
    Ordered(NodeOrder),
    /// labctl has closed the input of a session.
    Closed,
    /// labctl is gone, or somebody asks the supervisor to end.
    Abandoned,
    /// A process below the supervisor has ended.
    Ended(Pid, WaitStatus),
    /// The last of them has ended.
    AllEnded,
}

/// Signals that ask a supervisor to end.
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

impl Signals {
    /// Catches them from now on; within a runtime.
    pub(super) fn catch() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// Waits for one of them.
    pub(super) async fn any(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
            _ = self.hangup.recv() => {}
        }
    }
}

/// Takes notice of the end of every process below this one, on a thread of its own. While one of them
/// is left, one is a child of this process.
pub(super) fn reap(events: UnboundedSender<SupervisorEvent>) {
    thread::spawn(move || {
        loop {
            let event = match wait(WaitOptions::empty()) {
                Ok(Some((pid, status))) => SupervisorEvent::Ended(pid, status),
                Err(Errno::INTR) | Ok(None) => continue,
                Err(_) => SupervisorEvent::AllEnded,
            };
            let was_last = matches!(event, SupervisorEvent::AllEnded);
            if events.send(event).is_err() || was_last {
                return;
            }
        }
    });
}

/// Kills every process below this one until none is left; `child` is the one that this process started.
///
/// # Errors
/// The ids of those that are left after the time limit.
pub(super) async fn end_all(child: Pid, events: &mut UnboundedReceiver<SupervisorEvent>) -> Result<(), String> {
    let deadline = Instant::now() + KILL_LIMIT;
    loop {
        family::kill(child);
        let until = tokio::time::Instant::now() + KILL_PAUSE;
        while let Ok(event) = tokio::time::timeout_at(until, events.recv()).await {
            match event {
                Some(SupervisorEvent::AllEnded) | None => return Ok(()),
                Some(_) => {}
            }
        }
        if Instant::now() > deadline {
            return Err(family::left(child));
        }
    }
}
