//! One node or proxy as a local process, through all its lives.

use std::fs::File;
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::FileExt;
use std::thread;
use std::time::{Duration, Instant};

use tokio::net::TcpSocket;
use tokio_util::sync::CancellationToken;

use super::child::Child;
use super::direct::Direct;
use super::log::BoundedLog;
use super::program::Program;
use super::supervised::Supervised;
use crate::cluster::ClusterError;
use crate::cluster::error::last_lines;
use crate::model::Readiness;
use crate::network::program::CONTROL;

/// How often a process that starts is looked at.
const POLL: Duration = Duration::from_millis(5);
/// How long it may take to connect to a port of this machine.
const CONNECT_LIMIT: Duration = Duration::from_millis(500);

/// A node or proxy and the process that runs it now.
#[derive(Debug)]
pub(super) struct Running {
    /// `leader`, `f1`, `link-f1`, ...
    name: String,
    state: State,
    /// Where it listens, once that is known; the same from one life to the next.
    address: Option<SocketAddr>,
    /// Where it listens for other nodes, if that is another port.
    peer_address: Option<SocketAddr>,
    /// Where it takes orders, if it is a proxy that listens.
    control: Option<SocketAddr>,
    /// What it prints, in all its lives. The file has no name, so that a labctl that is killed
    /// leaves none behind.
    log: File,
    /// Whether the log is kept within bounds by a supervisor.
    is_supervised: bool,
    /// Keeps its ports for it while it is down.
    reserved: Vec<TcpSocket>,
}

#[derive(Debug)]
enum State {
    /// Not started, or ended on purpose.
    Down,
    Up(Box<dyn Child>),
    Paused(Box<dyn Child>),
}

impl Running {
    /// A node or proxy that is not started yet, and listens at `address` if that is known.
    ///
    /// # Errors
    /// When there is no place for its log.
    pub(super) fn new(name: String, address: Option<SocketAddr>) -> Result<Self, ClusterError> {
        let log = tempfile::tempfile().map_err(ClusterError::temporary)?;
        Ok(Self {
            name,
            state: State::Down,
            address,
            peer_address: None,
            control: None,
            log,
            is_supervised: false,
            reserved: Vec::new(),
        })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Where it listens. `None` if it chooses its port and has not been started yet.
    pub(super) fn address(&self) -> Option<SocketAddr> {
        self.address
    }

    /// Where it listens for other nodes, if that is another port.
    pub(super) fn peer_address(&self) -> Option<SocketAddr> {
        self.peer_address
    }

    /// Chooses a free port for it and keeps that until it starts.
    ///
    /// # Errors
    /// When there is no port to be had.
    pub(super) fn choose_port(&mut self) -> Result<(), ClusterError> {
        self.address = Some(self.reserve_port()?);
        Ok(())
    }

    /// The same for the port on which it listens for other nodes.
    ///
    /// # Errors
    /// When there is no port to be had.
    pub(super) fn choose_peer_port(&mut self) -> Result<(), ClusterError> {
        self.peer_address = Some(self.reserve_port()?);
        Ok(())
    }

    fn reserve_port(&mut self) -> Result<SocketAddr, ClusterError> {
        let chosen = bound(SocketAddr::from(([127, 0, 0, 1], 0))).and_then(|socket| Ok((socket.local_addr()?, socket)));
        let (address, socket) =
            chosen.map_err(|error| self.refuse(format!("there is no free port for it: {error}")))?;
        self.reserved.push(socket);
        Ok(address)
    }

    /// Starts it and waits until it listens.
    pub(super) fn start(&mut self, program: &Program, cancel: &CancellationToken) -> Result<(), ClusterError> {
        self.is_supervised = program.supervisor.is_some();
        let started = match &program.supervisor {
            None => Direct::spawn(&self.name, program, &self.log).map(|child| Box::new(child) as Box<dyn Child>),
            Some(labctl) => {
                // Not every program may bind a port that another socket is bound to.
                self.reserved.clear();
                self.check_port()?;
                Supervised::spawn(&self.name, labctl, program, &self.log).map(|child| Box::new(child) as _)
            }
        };
        self.state = State::Up(started.map_err(|source| {
            let command = format!("{} {}", program.path.display(), program.arguments.join(" "));
            ClusterError::Spawn { command, source }
        })?);
        self.await_listening(program, cancel)?;
        self.reserved.clear();
        Ok(())
    }

    /// Waits until it listens.
    fn await_listening(&mut self, program: &Program, cancel: &CancellationToken) -> Result<(), ClusterError> {
        let deadline = Instant::now() + program.start_limit;
        while !cancel.is_cancelled() {
            let State::Up(process) = &mut self.state else { return Err(self.refuse("it is not running")) };
            // Asked first: a process that has ended has printed all that it will.
            let ended = process.ended();
            let lines = process.new_lines();
            if self.listens(&program.readiness, &lines)? {
                return Ok(());
            }
            match ended {
                Ok(None) if Instant::now() < deadline => thread::sleep(POLL),
                Ok(None) => {
                    let place = self.address.map(|address| format!(" on {address}")).unwrap_or_default();
                    let (limit, others) = (in_words(program.start_limit), self.listens_elsewhere());
                    return Err(self.refuse(format!("it did not listen{place} within {limit}{others}")));
                }
                Ok(Some(status)) => {
                    self.check_port()?;
                    return Err(self.refuse(format!("it ended before it listened ({status})")));
                }
                Err(error) => return Err(self.refuse(format!("cannot tell whether it runs: {error}"))),
            }
        }
        Err(ClusterError::Interrupted)
    }

    /// Whether it listens, by what it has printed or whether its port takes connections.
    fn listens(&mut self, readiness: &Readiness, lines: &[String]) -> Result<bool, ClusterError> {
        if let Some(control) = lines.iter().find_map(|line| line.strip_prefix(CONTROL)) {
            self.control = control.parse().ok();
        }
        match readiness {
            Readiness::Announces(words) => {
                let announced = lines.iter().find_map(|line| line.strip_prefix(words.as_str())?.parse().ok());
                self.address = announced.or(self.address);
                Ok(announced.is_some())
            }
            Readiness::Accepts => {
                let connected = |address: &SocketAddr| TcpStream::connect_timeout(address, CONNECT_LIMIT).is_ok();
                let Some(address) = self.address.filter(connected) else { return Ok(false) };
                match &self.state {
                    State::Up(process) if process.is_anothers(address.port()) => Err(self.port_taken(address)),
                    _ => Ok(true),
                }
            }
        }
    }

    /// Says on which ports it listens instead of its own. Empty if on none.
    fn listens_elsewhere(&self) -> String {
        let State::Up(process) = &self.state else { return String::new() };
        let ports: Vec<String> = process.own_ports().iter().map(ToString::to_string).collect();
        match ports.as_slice() {
            [] => String::new(),
            [port] => format!(", but on port {port}"),
            ports => format!(", but on the ports {}", ports.join(", ")),
        }
    }

    /// Whether no other program listens on its ports, while it does not run.
    fn check_port(&self) -> Result<(), ClusterError> {
        let is_taken =
            |address: &SocketAddr| bound(*address).is_err_and(|error| error.kind() == io::ErrorKind::AddrInUse);
        self.addresses().find(is_taken).map_or(Ok(()), |address| Err(self.port_taken(address)))
    }

    /// Every address on which it listens, but for orders.
    fn addresses(&self) -> impl Iterator<Item = SocketAddr> {
        self.address.into_iter().chain(self.peer_address)
    }

    fn port_taken(&self, address: SocketAddr) -> ClusterError {
        let log = last_lines(&self.log().unwrap_or_default());
        ClusterError::PortTaken { node: self.name.clone(), address, log }
    }

    /// SIGKILL, and its end.
    pub(super) fn kill(&mut self) -> Result<(), ClusterError> {
        let (State::Up(process) | State::Paused(process)) = &mut self.state else {
            return Err(self.refuse("it cannot be killed: it is not running"));
        };
        let ended = process.kill();
        self.ended_on_purpose(ended)
    }

    /// Its stop signal, and its end.
    pub(super) fn stop(&mut self, deadline: Instant) -> Result<(), ClusterError> {
        let State::Up(process) = &mut self.state else {
            return Err(self.refuse("it cannot be stopped: it is paused, or not running"));
        };
        match process.stop(deadline) {
            Ok(true) => self.ended_on_purpose(Ok(())),
            Ok(false) => Err(self.refuse("it does not end when it is asked to")),
            Err(error) => Err(self.refuse(format!("it cannot be stopped: {error}"))),
        }
    }

    fn ended_on_purpose(&mut self, ended: io::Result<()>) -> Result<(), ClusterError> {
        ended.map_err(|error| self.refuse(format!("cannot end it: {error}")))?;
        self.state = State::Down;
        // Binds its ports without listening, so that no other program gets them and a client that
        // connects is refused. Where that does not work, the ports are likely to stay free all the
        // same.
        self.reserved = self.addresses().filter_map(|address| bound(address).ok()).collect();
        Ok(())
    }

    /// Freezes it.
    pub(super) fn pause(&mut self) -> Result<(), ClusterError> {
        let State::Up(process) = &mut self.state else {
            return Err(self.refuse("it cannot be paused: it is not running"));
        };
        process.pause().map_err(|error| self.refuse(format!("it cannot be paused: {error}")))?;
        self.state = match std::mem::replace(&mut self.state, State::Down) {
            State::Up(process) => State::Paused(process),
            other => other,
        };
        Ok(())
    }

    /// Thaws it.
    pub(super) fn resume(&mut self) -> Result<(), ClusterError> {
        let State::Paused(process) = &mut self.state else {
            return Err(self.refuse("it cannot be resumed: it is not paused"));
        };
        process.resume().map_err(|error| self.refuse(format!("it cannot be resumed: {error}")))?;
        self.state = match std::mem::replace(&mut self.state, State::Down) {
            State::Paused(process) => State::Up(process),
            other => other,
        };
        Ok(())
    }

    /// Where it takes orders, if it is a proxy that listens.
    pub(super) fn control(&self) -> Result<SocketAddr, ClusterError> {
        self.control.ok_or_else(|| self.refuse("it takes no orders"))
    }

    /// Whether it runs, unless it was ended on purpose.
    pub(super) fn check(&mut self) -> Result<(), ClusterError> {
        let (State::Up(process) | State::Paused(process)) = &mut self.state else {
            return Ok(());
        };
        match process.ended() {
            Ok(None) => Ok(()),
            Ok(Some(status)) => Err(self.refuse(format!("its process ended ({status})"))),
            Err(error) => Err(self.refuse(format!("cannot tell whether it runs: {error}"))),
        }
    }

    /// Asks it to end, if it runs.
    pub(super) fn ask_to_end(&mut self) {
        if let State::Up(process) | State::Paused(process) = &mut self.state {
            process.ask_to_end();
        }
    }

    /// Waits for its end until `deadline`, and kills it then.
    pub(super) fn end(&mut self, deadline: Instant) -> Result<(), ClusterError> {
        let (State::Up(process) | State::Paused(process)) = &mut self.state else {
            return Ok(());
        };
        let ended = process.end(deadline);
        self.ended_on_purpose(ended)
    }

    /// What it has printed so far, in all its lives; of much, the beginning and the end.
    pub(super) fn log(&self) -> Option<Vec<u8>> {
        if self.is_supervised {
            return BoundedLog::new(self.log.try_clone().ok()?).read().ok();
        }
        let mut bytes = vec![0; usize::try_from(self.log.metadata().ok()?.len()).ok()?];
        // At a place, not where the file stands: that is where its writer goes on.
        self.log.read_exact_at(&mut bytes, 0).ok()?;
        Some(bytes)
    }

    fn refuse(&self, reason: impl Into<String>) -> ClusterError {
        ClusterError::of_node(&self.name, reason, &self.log().unwrap_or_default())
    }
}

/// A duration as a reader would say it.
fn in_words(duration: Duration) -> String {
    match duration.subsec_millis() {
        0 => format!("{} s", duration.as_secs()),
        _ => format!("{} ms", duration.as_millis()),
    }
}

/// A socket bound to an address without listening.
fn bound(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}
