//! `labctl supervise`: the parent of a program that knows nothing of labctl.
//!
//! It inherits whatever the program starts, takes orders on its standard input and tells on its
//! standard output what becomes of the program. Its standard error is the file of the node's log.
//! Once its input ends, because labctl has ended or was killed, it kills every process of the node and
//! ends too.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufRead, PipeReader, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::process::{self, Pid, WaitStatus, kill_process};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::ending::{KILL_PAUSE, Signals, SupervisorEvent, end_all, reap};
use super::family;
use super::log::BoundedLog;
use super::protocol::{NodeOrder, Notice};
use super::segments;
use crate::model::{RunAs, StopSignal};

/// How long the last of the node's output may take to be read.
const DRAIN_LIMIT: Duration = Duration::from_secs(2);
/// How much of the output is read at a time.
const CHUNK_BYTES: usize = 64 * 1024;

/// What a supervisor does for its program beyond starting it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Supervision {
    /// Who runs the program. `None`: the supervisor's own user.
    pub user: Option<RunAs>,
    /// The signal that asks it to end.
    pub stop_signal: StopSignal,
}

impl Default for Supervision {
    fn default() -> Self {
        Self { user: None, stop_signal: StopSignal::Terminate }
    }
}

impl Supervision {
    /// The same as arguments of the supervisor.
    pub(super) fn arguments(self) -> Vec<String> {
        let user = self.user.map(|user| format!("--user={user}"));
        user.into_iter().chain([format!("--stop-signal={}", self.stop_signal)]).collect()
    }

    fn signal(self) -> process::Signal {
        match self.stop_signal {
            StopSignal::Terminate => process::Signal::TERM,
            StopSignal::Interrupt => process::Signal::INT,
        }
    }
}

/// Runs a program under supervision until it and all that it started have ended.
#[must_use]
pub fn supervise(supervision: Supervision, program: &OsString, arguments: &[OsString]) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let supervised = runtime.and_then(|runtime| {
        // Before there is a node that a signal could leave behind.
        let signals = runtime.block_on(async { Signals::catch() })?;
        family::adopt()?;
        let (child, drain) = spawn(supervision.user, program, arguments)?;
        Ok((runtime, signals, child, drain))
    });
    let (runtime, signals, child, drain) = match supervised {
        Ok(supervised) => supervised,
        Err(error) => {
            tell(&Notice::Unstartable(error.to_string()));
            return ExitCode::FAILURE;
        }
    };
    tell(&Notice::Started);
    let (sender, events) = unbounded_channel();
    read_orders(sender.clone());
    reap(sender);
    let (is_clean, ended) = runtime.block_on(watch(child, supervision.signal(), events, signals));
    let deadline = Instant::now() + DRAIN_LIMIT;
    while !drain.is_finished() && Instant::now() < deadline {
        thread::sleep(KILL_PAUSE);
    }
    // After the log is complete: on this notice labctl looks for the reason in it.
    if let Some(status) = ended {
        tell(&Notice::Ended(status));
    }
    if is_clean { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Starts the program in a new process group, so that it cannot signal its supervisor by
/// signalling its group.
fn spawn(user: Option<RunAs>, program: &OsString, arguments: &[OsString]) -> io::Result<(Pid, JoinHandle<()>)> {
    let log = BoundedLog::new(File::from(io::stderr().as_fd().try_clone_to_owned()?));
    log.reserve();
    let (output, input) = io::pipe()?;
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(input.try_clone()?).stderr(input).process_group(0);
    if let Some(RunAs { uid, gid }) = user {
        // Without the groups of the supervisor's user: the standard library drops them with the user.
        command.uid(uid).gid(gid);
    }
    let child = command.spawn()?;
    // `command`, which ends here, holds the write end of the pipe.
    Ok((Pid::from_child(&child), thread::spawn(move || drain(output, &log))))
}

/// Writes what the node prints to its log. A log that cannot be written, as on a full disk, must
/// not stop the node: its output is read all the same.
fn drain(mut output: PipeReader, log: &BoundedLog) {
    let mut buffer = vec![0; CHUNK_BYTES];
    loop {
        match output.read(&mut buffer) {
            Ok(0) => return,
            Ok(length) => drop(log.write(&buffer[..length])),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return,
        }
    }
}

/// Reads labctl's orders on a thread of their own.
fn read_orders(events: UnboundedSender<SupervisorEvent>) {
    thread::spawn(move || {
        for line in io::stdin().lock().lines().map_while(Result::ok) {
            match line.parse() {
                Ok(order) => drop(events.send(SupervisorEvent::Ordered(order))),
                Err(reason) => tell(&Notice::Refused(reason)),
            }
        }
        let _ = events.send(SupervisorEvent::Abandoned);
    });
}

/// Carries out orders until every process of the node has ended. True if that is so, and how the program ended, if by itself.
async fn watch(
    child: Pid,
    stop_signal: process::Signal,
    mut events: UnboundedReceiver<SupervisorEvent>,
    mut signals: Signals,
) -> (bool, Option<String>) {
    loop {
        let event = tokio::select! {
            biased;
            event = events.recv() => event.unwrap_or(SupervisorEvent::Abandoned),
            () = signals.any() => SupervisorEvent::Abandoned,
        };
        match event {
            SupervisorEvent::Ordered(NodeOrder::Pause) => answer(family::freeze(child)),
            SupervisorEvent::Ordered(NodeOrder::Resume) => answer(family::thaw(child)),
            SupervisorEvent::Ordered(NodeOrder::Stop) => {
                answer(kill_process(child, stop_signal).map_err(io::Error::from))
            }
            SupervisorEvent::Ordered(NodeOrder::Kill) | SupervisorEvent::Abandoned => {
                return (kill_all(child, &mut events).await, None);
            }
            SupervisorEvent::Ended(pid, status) if pid == child => {
                return (kill_all(child, &mut events).await, Some(in_words(status)));
            }
            SupervisorEvent::Ended(..) | SupervisorEvent::Closed => {}
            SupervisorEvent::AllEnded => return (true, None),
        }
    }
}

/// Kills every process of the node until none is left; true if that is so in time.
async fn kill_all(child: Pid, events: &mut UnboundedReceiver<SupervisorEvent>) -> bool {
    let mut creators = family::descendants(process::getpid());
    creators.push(child);
    let ended = end_all(child, events).await;
    segments::remove(&creators);
    ended.map_err(|left| tell(&Notice::Left(left))).is_ok()
}

fn answer(done: io::Result<()>) {
    tell(&done.map_or_else(|error| Notice::Refused(error.to_string()), |()| Notice::Done));
}

/// Tells labctl something. Where labctl is gone, the end of the orders will say so.
fn tell(notice: &Notice) {
    let mut output = io::stdout().lock();
    let _ = writeln!(output, "{notice}").and_then(|()| output.flush());
}

/// How a process ended.
fn in_words(status: WaitStatus) -> String {
    match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => format!("exit status {code}"),
        (None, Some(signal)) => format!("killed by signal {signal}"),
        (None, None) => format!("{status:?}"),
    }
}
