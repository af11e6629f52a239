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

use rustix::io::Errno;
use rustix::process::{self, Pid, WaitOptions, WaitStatus, kill_process, wait};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::family;
use super::log::BoundedLog;
use super::protocol::{NodeOrder, Notice};

/// How long killed processes may take to end.
const KILL_LIMIT: Duration = Duration::from_secs(10);
/// How often they are killed meanwhile, since others may have been started.
const KILL_PAUSE: Duration = Duration::from_millis(2);
/// How long the last of the node's output may take to be read.
const DRAIN_LIMIT: Duration = Duration::from_secs(2);
/// How much of the output is read at a time.
const CHUNK_BYTES: usize = 64 * 1024;

/// What happens to a supervisor.
enum Event {
    Ordered(NodeOrder),
    /// labctl is gone, or somebody asks the supervisor to end.
    Abandoned,
    /// A process of the node has ended.
    Ended(Pid, WaitStatus),
    /// The last process of the node has ended.
    AllEnded,
}

/// Runs a program under supervision until it and all that it started have ended.
#[must_use]
pub fn supervise(program: &OsString, arguments: &[OsString]) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let supervised = runtime.and_then(|runtime| {
        // Before there is a node that a signal could leave behind.
        let signals = runtime.block_on(async { Signals::catch() })?;
        family::adopt()?;
        let (child, drain) = spawn(program, arguments)?;
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
    let is_clean = runtime.block_on(watch(child, events, signals));
    let deadline = Instant::now() + DRAIN_LIMIT;
    while !drain.is_finished() && Instant::now() < deadline {
        thread::sleep(KILL_PAUSE);
    }
    if is_clean { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Signals that ask the supervisor to end.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

impl Signals {
    fn catch() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }
}

/// Starts the program in a new process group, so that it cannot signal its supervisor by
/// signalling its group.
fn spawn(program: &OsString, arguments: &[OsString]) -> io::Result<(Pid, JoinHandle<()>)> {
    let log = BoundedLog::new(File::from(io::stderr().as_fd().try_clone_to_owned()?));
    let (output, input) = io::pipe()?;
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(input.try_clone()?).stderr(input).process_group(0);
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
fn read_orders(events: UnboundedSender<Event>) {
    thread::spawn(move || {
        for line in io::stdin().lock().lines().map_while(Result::ok) {
            match line.parse() {
                Ok(order) => drop(events.send(Event::Ordered(order))),
                Err(reason) => tell(&Notice::Refused(reason)),
            }
        }
        let _ = events.send(Event::Abandoned);
    });
}

/// Takes notice of the end of every process of the node, on a thread of its own. While one of them
/// is left, one is a child of this process.
fn reap(events: UnboundedSender<Event>) {
    thread::spawn(move || {
        loop {
            let event = match wait(WaitOptions::empty()) {
                Ok(Some((pid, status))) => Event::Ended(pid, status),
                Err(Errno::INTR) | Ok(None) => continue,
                Err(_) => Event::AllEnded,
            };
            let was_last = matches!(event, Event::AllEnded);
            if events.send(event).is_err() || was_last {
                return;
            }
        }
    });
}

/// Carries out orders until every process of the node has ended; true if that is so.
async fn watch(child: Pid, mut events: UnboundedReceiver<Event>, mut signals: Signals) -> bool {
    loop {
        let event = tokio::select! {
            biased;
            event = events.recv() => event.unwrap_or(Event::Abandoned),
            _ = signals.terminate.recv() => Event::Abandoned,
            _ = signals.interrupt.recv() => Event::Abandoned,
            _ = signals.hangup.recv() => Event::Abandoned,
        };
        match event {
            Event::Ordered(NodeOrder::Pause) => answer(family::freeze(child)),
            Event::Ordered(NodeOrder::Resume) => answer(family::thaw(child)),
            Event::Ordered(NodeOrder::Stop) => {
                answer(kill_process(child, process::Signal::TERM).map_err(io::Error::from))
            }
            Event::Ordered(NodeOrder::Kill) | Event::Abandoned => return end_all(child, &mut events).await,
            Event::Ended(pid, status) if pid == child => {
                tell(&Notice::Ended(in_words(status)));
                return end_all(child, &mut events).await;
            }
            Event::Ended(..) => {}
            Event::AllEnded => return true,
        }
    }
}

/// Kills every process of the node until none is left; true if that is so in time.
async fn end_all(child: Pid, events: &mut UnboundedReceiver<Event>) -> bool {
    let deadline = Instant::now() + KILL_LIMIT;
    loop {
        family::kill(child);
        let until = tokio::time::Instant::now() + KILL_PAUSE;
        while let Ok(event) = tokio::time::timeout_at(until, events.recv()).await {
            match event {
                Some(Event::AllEnded) | None => return true,
                Some(_) => {}
            }
        }
        if Instant::now() > deadline {
            tell(&Notice::Left(family::left(child)));
            return false;
        }
    }
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
