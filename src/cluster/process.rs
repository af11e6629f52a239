//! Nodes as child processes of labctl on free loopback ports.
//!
//! labctl is its own node: every child is this very executable as `labctl node`. A child
//! holds the read end of a pipe whose other end only labctl has, and exits when that
//! closes, so not even `kill -9` of labctl leaves one behind.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use super::{Cluster, ClusterError, ClusterSpec, Endpoints};
use crate::data::{BackendFacts, LEADER, follower_name};

/// How long a node may take until it listens.
const START_LIMIT: Duration = Duration::from_secs(10);
/// How long a node may take to end after SIGTERM before it is killed.
const STOP_LIMIT: Duration = Duration::from_secs(2);
/// How many of a log's last lines go into an error.
const LOG_LINES: usize = 8;
/// What a node prints before its address once it listens.
const LISTENING: &str = "listening on ";

/// A cluster of local processes.
#[derive(Debug)]
pub struct ProcessCluster {
    spec: ClusterSpec,
    program: PathBuf,
    logs: TempDir,
    nodes: Vec<Node>,
    facts: BackendFacts,
    /// The leader's port, the followers' following it; free ones without.
    first_port: Option<u16>,
}

/// One running child.
#[derive(Debug)]
struct Node {
    name: String,
    child: Child,
}

impl ProcessCluster {
    /// A cluster whose nodes are `program node`; nothing is started yet.
    ///
    /// # Errors
    /// When no temporary folder can be made for the logs.
    pub fn new(spec: ClusterSpec, program: &Path, reason: Option<String>) -> Result<Self, ClusterError> {
        let logs = tempfile::Builder::new()
            .prefix("labctl-")
            .tempdir()
            .map_err(|error| ClusterError::Setup(format!("cannot make a temporary folder for logs: {error}")))?;
        let facts = BackendFacts { name: "process".to_owned(), reason, engine: None, compose: None, image: None };
        Ok(Self { spec, program: program.to_owned(), logs, nodes: Vec::new(), facts, first_port: None })
    }

    /// The same on fixed ports: the leader's, and the followers' following it.
    #[must_use]
    pub fn on_ports(mut self, leader: u16) -> Self {
        self.first_port = Some(leader);
        self
    }

    /// Where the next node is to listen: they start followers first, the leader last.
    fn address(&self, name: &str) -> String {
        let port = match self.first_port {
            Some(first) if name == LEADER => first,
            Some(first) => first.saturating_add(u16::try_from(self.nodes.len()).unwrap_or(u16::MAX)).saturating_add(1),
            None => 0,
        };
        format!("127.0.0.1:{port}")
    }

    fn log_path(&self, node: &str) -> PathBuf {
        self.logs.path().join(format!("{node}.log"))
    }

    /// Starts one node and waits until it listens.
    fn start(
        &mut self,
        name: &str,
        variables: &[(&str, String)],
        cancel: &CancellationToken,
    ) -> Result<String, ClusterError> {
        let command_line = || format!("{} node", self.program.display());
        let spawn_error = |source| ClusterError::Spawn { command: command_line(), source };
        let log = File::create(self.log_path(name)).map_err(spawn_error)?;
        let mut child = Command::new(&self.program)
            .arg("node")
            .env_clear()
            .envs(self.spec.environment())
            .envs(variables.iter().map(|(variable, value)| (*variable, value)))
            .env("NODE_NAME", name)
            .env("LISTEN_ADDR", self.address(name))
            .env("EXIT_WITH_PARENT", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            // A Ctrl-C on the terminal is labctl's to handle.
            .process_group(0)
            .spawn()
            .map_err(spawn_error)?;
        let stdout = child.stdout.take();
        self.nodes.push(Node { name: name.to_owned(), child });
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            for line in stdout.into_iter().flat_map(|stdout| BufReader::new(stdout).lines()).map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        self.await_address(name, &lines, cancel)
    }

    /// Waits for the line that names a node's address.
    fn await_address(
        &self,
        name: &str,
        lines: &mpsc::Receiver<String>,
        cancel: &CancellationToken,
    ) -> Result<String, ClusterError> {
        let deadline = Instant::now() + START_LIMIT;
        let refuse = |reason: String| ClusterError::Node {
            node: name.to_owned(),
            reason,
            log: last_lines(&fs::read(self.log_path(name)).unwrap_or_default()),
        };
        loop {
            if cancel.is_cancelled() {
                return Err(ClusterError::Interrupted);
            }
            match lines.recv_timeout(Duration::from_millis(20)) {
                Ok(line) => {
                    if let Some(address) = line.strip_prefix(LISTENING) {
                        return Ok(format!("http://{address}"));
                    }
                }
                Err(mpsc::RecvTimeoutError::Disconnected) => {
                    return Err(refuse("the node ended before it listened".into()));
                }
                Err(mpsc::RecvTimeoutError::Timeout) if Instant::now() > deadline => {
                    return Err(refuse(format!("the node did not listen within {} s", START_LIMIT.as_secs())));
                }
                Err(mpsc::RecvTimeoutError::Timeout) => {}
            }
        }
    }
}

impl Cluster for ProcessCluster {
    fn up(&mut self, cancel: &CancellationToken) -> Result<Endpoints, ClusterError> {
        let mut followers = Vec::new();
        for index in 0..self.spec.followers as usize {
            let role = [("ROLE", "follower".to_owned())];
            followers.push(self.start(&follower_name(index), &role, cancel)?);
        }
        let role = [("ROLE", "leader".to_owned()), ("FOLLOWERS", followers.join(","))];
        let leader = self.start(LEADER, &role, cancel)?;
        Ok(Endpoints { leader, followers })
    }

    fn logs(&mut self) -> BTreeMap<String, Vec<u8>> {
        let read = |node: &Node| Some((node.name.clone(), fs::read(self.log_path(&node.name)).ok()?));
        self.nodes.iter().filter_map(read).collect()
    }

    fn down(&mut self) -> Result<(), ClusterError> {
        for node in &self.nodes {
            if let Some(pid) = i32::try_from(node.child.id()).ok().and_then(Pid::from_raw) {
                // It may have ended already; the wait below tells.
                let _ = kill_process(pid, Signal::TERM);
            }
        }
        let deadline = Instant::now() + STOP_LIMIT;
        let mut left = Vec::new();
        for mut node in self.nodes.drain(..) {
            if !ended_by(&mut node.child, deadline) {
                let killed = node.child.kill().and_then(|()| node.child.wait());
                if let Err(error) = killed {
                    left.push(format!("{} (pid {}): {error}", node.name, node.child.id()));
                }
            }
        }
        if left.is_empty() { Ok(()) } else { Err(ClusterError::Setup(format!("cannot stop {}", left.join(", ")))) }
    }

    fn facts(&self) -> BackendFacts {
        self.facts.clone()
    }
}

impl Drop for ProcessCluster {
    fn drop(&mut self) {
        if let Err(error) = self.down() {
            tracing::warn!("{error}");
        }
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

/// The last lines of a log, for an error message.
fn last_lines(log: &[u8]) -> String {
    let text = String::from_utf8_lossy(log);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(LOG_LINES)..].join("\n")
}
