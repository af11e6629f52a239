//! One child process: a node or a relay, through all its lives.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::net::SocketAddr;
use std::os::unix::fs::FileExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};
use tokio::net::TcpSocket;
use tokio_util::sync::CancellationToken;

use super::orphans::OWNER;
use crate::cluster::relay;
use crate::cluster::{ClusterError, Owner};
use crate::model::RelayMode;

/// How long a program may take until it listens.
const START_LIMIT: Duration = Duration::from_secs(10);
/// What a program prints before its address once it listens.
const LISTENING: &str = "listening on ";
/// What a relay prints before the address where it takes orders.
const CONTROL: &str = "control on ";

/// What is to run.
#[derive(Debug)]
pub(super) struct Program {
    /// `leader`, `f1`, `link-f1`, ...
    pub(super) name: String,
    /// The executable, usually labctl itself.
    pub(super) path: PathBuf,
    /// Its arguments.
    pub(super) arguments: Vec<String>,
    /// Whether it is a relay.
    pub(super) is_relay: bool,
    /// Where it is to listen.
    pub(super) listen: String,
    /// Its whole environment but name and address.
    pub(super) variables: BTreeMap<String, String>,
}

/// A program and the process that runs it now.
#[derive(Debug)]
pub(super) struct Running {
    program: Program,
    state: State,
    /// Where it takes orders, if it is a relay that listens.
    control: Option<SocketAddr>,
    /// What it prints, in all its lives. The file has no name, so that a labctl that is killed
    /// leaves none behind.
    log: File,
    /// Keeps its port for it while it is down.
    reserved: Option<TcpSocket>,
}

#[derive(Debug)]
enum State {
    /// Not started, or ended on purpose.
    Down,
    Up(Child),
    Paused(Child),
}

impl Running {
    /// A program that is not started yet.
    ///
    /// # Errors
    /// When there is no place for its log.
    pub(super) fn new(program: Program) -> Result<Self, ClusterError> {
        let log = tempfile::tempfile().map_err(ClusterError::temporary)?;
        Ok(Self { program, state: State::Down, control: None, log, reserved: None })
    }

    pub(super) fn name(&self) -> &str {
        &self.program.name
    }

    pub(super) fn is_relay(&self) -> bool {
        self.program.is_relay
    }

    /// Starts it and waits until it listens; returns its base URL, which stays the same from
    /// one life to the next.
    pub(super) fn start(&mut self, cancel: &CancellationToken) -> Result<String, ClusterError> {
        let spawn_error = |source| {
            let command = format!("{} {}", self.program.path.display(), self.program.arguments.join(" "));
            ClusterError::Spawn { command, source }
        };
        let mut child = self.spawn().map_err(spawn_error)?;
        let stdout = child.stdout.take();
        self.state = State::Up(child);
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            for line in stdout.into_iter().flat_map(|stdout| BufReader::new(stdout).lines()).map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        self.program.listen = self.await_address(&lines, cancel)?;
        self.reserved = None;
        Ok(format!("http://{}", self.program.listen))
    }

    fn spawn(&self) -> io::Result<Child> {
        let program = &self.program;
        Command::new(&program.path)
            .args(&program.arguments)
            .env_clear()
            .envs(&program.variables)
            .env("NODE_NAME", &program.name)
            .env("LISTEN_ADDR", &program.listen)
            .env("EXIT_WITH_PARENT", "1")
            .env(OWNER, Owner::this().to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(self.log.try_clone()?)
            // A Ctrl-C on the terminal is labctl's to handle. A group of its own also has the
            // kernel wake and end a frozen process once labctl is gone, mostly: see `Self::pause`.
            .process_group(0)
            .spawn()
    }

    /// Waits for the line that names its address.
    fn await_address(
        &mut self,
        lines: &mpsc::Receiver<String>,
        cancel: &CancellationToken,
    ) -> Result<String, ClusterError> {
        let deadline = Instant::now() + START_LIMIT;
        loop {
            if cancel.is_cancelled() {
                return Err(ClusterError::Interrupted);
            }
            match lines.recv_timeout(Duration::from_millis(20)) {
                Ok(line) => {
                    if let Some(address) = line.strip_prefix(LISTENING) {
                        return Ok(address.to_owned());
                    }
                    if let Some(address) = line.strip_prefix(CONTROL) {
                        self.control = address.parse().ok();
                    }
                }
                Err(mpsc::RecvTimeoutError::Disconnected) => {
                    return Err(self.refuse("the node ended before it listened"));
                }
                Err(mpsc::RecvTimeoutError::Timeout) if Instant::now() > deadline => {
                    return Err(self.refuse(format!("the node did not listen within {} s", START_LIMIT.as_secs())));
                }
                Err(mpsc::RecvTimeoutError::Timeout) => {}
            }
        }
    }

    /// SIGKILL, and its end.
    pub(super) fn kill(&mut self) -> Result<(), ClusterError> {
        let (State::Up(child) | State::Paused(child)) = &mut self.state else {
            return Err(self.refuse("it cannot be killed: it is not running"));
        };
        let ended = child.kill().and_then(|()| child.wait());
        self.ended_on_purpose(ended.map(drop))
    }

    /// SIGTERM, and its end.
    pub(super) fn stop(&mut self, deadline: Instant) -> Result<(), ClusterError> {
        self.signal(Signal::TERM)?;
        let State::Up(child) = &mut self.state else {
            return Err(self.refuse("it cannot be stopped: it is paused"));
        };
        if !ended_by(child, deadline) {
            return Err(self.refuse("it does not end on SIGTERM"));
        }
        self.ended_on_purpose(Ok(()))
    }

    fn ended_on_purpose(&mut self, ended: io::Result<()>) -> Result<(), ClusterError> {
        ended.map_err(|error| self.refuse(format!("cannot end it: {error}")))?;
        self.state = State::Down;
        self.reserve();
        Ok(())
    }

    /// SIGSTOP. A frozen process cannot see that labctl is gone, but it is alone in its
    /// process group, and POSIX has the kernel send SIGHUP and SIGCONT to the stopped members of
    /// a group that is orphaned (`_exit`, "Consequences of Process Termination"). It is not
    /// orphaned where labctl's heir is of the same session, as in some containers; then the
    /// next labctl finds it: see `orphans`.
    pub(super) fn pause(&mut self) -> Result<(), ClusterError> {
        self.signal(Signal::STOP)?;
        self.await_change(WaitIdOptions::STOPPED)?;
        self.state = match std::mem::replace(&mut self.state, State::Down) {
            State::Up(child) => State::Paused(child),
            other => other,
        };
        Ok(())
    }

    /// SIGCONT.
    pub(super) fn resume(&mut self) -> Result<(), ClusterError> {
        self.signal(Signal::CONT)?;
        self.await_change(WaitIdOptions::CONTINUED)?;
        self.state = match std::mem::replace(&mut self.state, State::Down) {
            State::Paused(child) => State::Up(child),
            other => other,
        };
        Ok(())
    }

    /// Puts a relay into a mode; the mode is in force when this returns.
    pub(super) fn order(&self, mode: RelayMode) -> Result<(), ClusterError> {
        let control = self.control.ok_or_else(|| self.refuse("it takes no orders"))?;
        relay::order(control, mode)
            .map_err(|error| self.refuse(format!("it does not take orders on {control}: {error}")))
    }

    /// Sends a signal to the process, which must be there.
    fn signal(&self, signal: Signal) -> Result<(), ClusterError> {
        let sent = self.pid().map(|pid| kill_process(pid, signal));
        match sent {
            Some(Ok(())) => Ok(()),
            Some(Err(error)) => Err(self.refuse(format!("cannot signal it: {error}"))),
            None => Err(self.refuse("it cannot be signalled: it is not running")),
        }
    }

    /// Waits until the kernel has frozen or thawed it, or it has ended, which `check` will tell.
    fn await_change(&self, change: WaitIdOptions) -> Result<(), ClusterError> {
        let Some(pid) = self.pid() else { return Ok(()) };
        // Its end is left for `Child` to see.
        let options = change | WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        match waitid(WaitId::Pid(pid), options) {
            Ok(_) => Ok(()),
            Err(error) => Err(self.refuse(format!("cannot tell whether it stands still: {error}"))),
        }
    }

    fn pid(&self) -> Option<Pid> {
        match &self.state {
            State::Down => None,
            State::Up(child) | State::Paused(child) => Some(Pid::from_child(child)),
        }
    }

    /// Binds its port without listening, so that no other program gets it and a client that connects is
    /// refused. Where that does not work, the port is likely to stay free all the same.
    fn reserve(&mut self) {
        self.reserved = bound(&self.program.listen);
    }

    /// Whether it runs, unless it was ended on purpose.
    pub(super) fn check(&mut self) -> Result<(), ClusterError> {
        let (State::Up(child) | State::Paused(child)) = &mut self.state else {
            return Ok(());
        };
        match child.try_wait() {
            Ok(None) => Ok(()),
            Ok(Some(status)) => Err(self.refuse(format!("its process ended ({})", status_text(status)))),
            Err(error) => Err(self.refuse(format!("cannot tell whether it runs: {error}"))),
        }
    }

    /// Sends SIGTERM, if it runs; frozen, it has to wake up to take notice.
    pub(super) fn ask_to_end(&self) {
        if let Some(pid) = self.pid() {
            // It may have ended already; `end` tells.
            let _ = kill_process(pid, Signal::TERM);
            let _ = kill_process(pid, Signal::CONT);
        }
    }

    /// Waits for its end until `deadline`, and kills it then.
    pub(super) fn end(&mut self, deadline: Instant) -> Result<(), ClusterError> {
        let (State::Up(child) | State::Paused(child)) = &mut self.state else {
            return Ok(());
        };
        let ended = if ended_by(child, deadline) { Ok(()) } else { child.kill().and_then(|()| child.wait().map(drop)) };
        self.ended_on_purpose(ended)
    }

    /// What it has printed so far, in all its lives.
    pub(super) fn log(&self) -> Option<Vec<u8>> {
        let mut bytes = vec![0; usize::try_from(self.log.metadata().ok()?.len()).ok()?];
        // At a place, not where the file stands: that is where its writer goes on.
        self.log.read_exact_at(&mut bytes, 0).ok()?;
        Some(bytes)
    }

    fn refuse(&self, reason: impl Into<String>) -> ClusterError {
        ClusterError::of_node(&self.program.name, reason, &self.log().unwrap_or_default())
    }
}

/// Polls a child until it has ended or the deadline passes.
fn ended_by(child: &mut Child, deadline: Instant) -> bool {
    loop {
        match child.try_wait() {
            Ok(Some(_)) => return true,
            Ok(None) if Instant::now() < deadline => thread::sleep(Duration::from_millis(2)),
            Ok(None) | Err(_) => return false,
        }
    }
}

/// A socket bound to an address without listening. `None` if the address cannot be bound.
fn bound(address: &str) -> Option<TcpSocket> {
    let address: SocketAddr = address.parse().ok()?;
    let socket = TcpSocket::new_v4().ok()?;
    socket.set_reuseaddr(true).ok()?;
    socket.bind(address).ok()?;
    Some(socket)
}

fn status_text(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit status {code}"),
        (None, Some(signal)) => format!("killed by signal {signal}"),
        (None, None) => status.to_string(),
    }
}
