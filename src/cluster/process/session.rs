//! `labctl supervise --session`: the parent of a program that talks with labctl over its standard streams.
//!
//! The program has this process's own streams, so that nothing stands between it and labctl. Once labctl closes
//! the program's input, the program has a moment to end by itself. When the pipe of its standard error closes,
//! because labctl has ended or was killed, every process that it has started is killed.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode};
use std::thread;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, WaitStatus};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{Instant, sleep_until};

use super::ending::{Signals, SupervisorEvent, end_all, reap};
use super::family;
use super::orphans::OWNER;
use crate::cluster::Owner;

/// How long a program may take to end by itself once its input is closed.
const CLOSE_LIMIT: Duration = Duration::from_secs(2);
/// The exit code of a program that cannot be started, as shells have it.
const UNSTARTABLE: u8 = 127;
/// What shells add to the number of the signal that has ended a program.
const SIGNALLED: i32 = 128;

/// Runs a program that talks with labctl until it and all that it started have ended. The exit code is the
/// program's.
#[must_use]
pub fn supervise_session(program: &OsString, arguments: &[OsString]) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let started = runtime.and_then(|runtime| {
        // Before there is a process that a signal could leave behind.
        let signals = runtime.block_on(async { Signals::catch() })?;
        family::adopt()?;
        Ok((runtime, signals, spawn(program, arguments)?))
    });
    let (runtime, signals, child) = match started {
        Ok(started) => started,
        Err(error) => {
            let _ = writeln!(io::stderr(), "{} cannot be started: {error}", program.display());
            return UNSTARTABLE.into();
        }
    };
    let (sender, events) = unbounded_channel();
    watch_streams(sender.clone());
    reap(sender);
    runtime.block_on(watch(child, events, signals))
}

/// Starts the program in a new process group, so that it cannot signal its supervisor by signalling its group.
fn spawn(program: &OsString, arguments: &[OsString]) -> io::Result<Pid> {
    let mut command = Command::new(program);
    // Should this process be killed, the next labctl finds what it had started.
    command.args(arguments).env(OWNER, Owner::this().to_string()).process_group(0);
    let child = Pid::from_child(&command.spawn()?);
    // So that labctl sees the end of the output when the program closes it.
    rustix::stdio::dup2_stdout(File::open("/dev/null")?)?;
    Ok(child)
}

/// Starts a thread that reports when labctl closes the program's input, and when labctl is gone.
fn watch_streams(events: UnboundedSender<SupervisorEvent>) {
    thread::spawn(move || {
        let (input, errors) = (io::stdin(), io::stderr());
        let mut is_open = true;
        loop {
            // What is asked for is always told: that the other end was closed.
            let mut streams = vec![PollFd::from_borrowed_fd(errors.as_fd(), PollFlags::empty())];
            if is_open {
                streams.push(PollFd::from_borrowed_fd(input.as_fd(), PollFlags::empty()));
            }
            if poll(&mut streams, None).is_err() {
                continue;
            }
            let is_closed = |stream: Option<&PollFd<'_>>| stream.is_some_and(|stream| !stream.revents().is_empty());
            let event = match (is_closed(streams.first()), is_closed(streams.get(1))) {
                (true, _) => SupervisorEvent::Abandoned,
                (false, true) => SupervisorEvent::Closed,
                (false, false) => continue,
            };
            is_open = false;
            let was_last = matches!(event, SupervisorEvent::Abandoned);
            if events.send(event).is_err() || was_last {
                return;
            }
        }
    });
}

/// Waits for the program's end, or for labctl's, and ends what is left then.
async fn watch(child: Pid, mut events: UnboundedReceiver<SupervisorEvent>, mut signals: Signals) -> ExitCode {
    let mut deadline = None;
    loop {
        let event = tokio::select! {
            biased;
            event = events.recv() => event.unwrap_or(SupervisorEvent::Abandoned),
            () = signals.any() => SupervisorEvent::Abandoned,
            () = sleep_until(deadline.unwrap_or_else(Instant::now)), if deadline.is_some() => SupervisorEvent::Abandoned,
        };
        let code = match event {
            SupervisorEvent::Closed => {
                deadline = Some(Instant::now() + CLOSE_LIMIT);
                continue;
            }
            SupervisorEvent::Ended(pid, status) if pid == child => exit_code(status),
            SupervisorEvent::Ended(..) | SupervisorEvent::Ordered(_) => continue,
            SupervisorEvent::Abandoned | SupervisorEvent::AllEnded => ExitCode::FAILURE,
        };
        if let Err(left) = end_all(child, &mut events).await {
            let _ = writeln!(io::stderr(), "these processes cannot be killed: {left}");
        }
        return code;
    }
}

/// The exit code that says how a program has ended.
fn exit_code(status: WaitStatus) -> ExitCode {
    let code = status.exit_status().or_else(|| status.terminating_signal().map(|signal| SIGNALLED + signal));
    code.and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from)
}
