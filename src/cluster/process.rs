//! Nodes as child processes of labctl on free loopback ports.
//!
//! labctl is its own node: every child is this very executable as `labctl node`. A child
//! holds the read end of a pipe whose other end only labctl has, and exits when that
//! closes, so not even `kill -9` of labctl leaves one behind.

mod child;
mod orphans;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use labnode::relay::Mode;
pub use orphans::end_orphans;
use tokio_util::sync::CancellationToken;

use self::child::{Program, Running};
use super::{Act, Cluster, ClusterError, ClusterSpec, Endpoints, FaultAction};
use crate::config::{Link, link_name};
use crate::data::{LEADER, follower_name};
use crate::model::BackendFacts;

/// How long a node may take to end after SIGTERM before it is killed.
const STOP_LIMIT: Duration = Duration::from_secs(2);

/// A cluster of local processes.
#[derive(Debug)]
pub struct ProcessCluster {
    spec: ClusterSpec,
    program: PathBuf,
    /// Nodes and relays, in the order in which they were started.
    running: Vec<Running>,
    endpoints: Endpoints,
    facts: BackendFacts,
    /// The leader's port, the followers' following it; free ones without.
    first_port: Option<u16>,
}

impl ProcessCluster {
    /// A cluster whose nodes are `program node`; nothing is started yet.
    #[must_use]
    pub fn new(spec: ClusterSpec, program: &Path, reason: Option<String>) -> Self {
        let facts = BackendFacts { name: "process".to_owned(), reason, engine: None, compose: None, image: None };
        let endpoints = Endpoints { leader: String::new(), followers: Vec::new() };
        Self { spec, program: program.to_owned(), running: Vec::new(), endpoints, facts, first_port: None }
    }

    /// The same on fixed ports: the leader's, and the followers' following it.
    #[must_use]
    pub fn on_ports(mut self, leader: u16) -> Self {
        self.first_port = Some(leader);
        self
    }

    /// Where a node is to listen: `offset` ports after the leader, or anywhere.
    fn address(&self, offset: usize) -> String {
        let offset = u16::try_from(offset).unwrap_or(u16::MAX);
        format!("127.0.0.1:{}", self.first_port.map_or(0, |first| first.saturating_add(offset)))
    }

    /// Starts a program, waits until it listens, and returns its address.
    fn start(&mut self, program: Program, cancel: &CancellationToken) -> Result<String, ClusterError> {
        // Kept even where it does not start, so that its log can be read.
        self.running.push(Running::new(program)?);
        match self.running.last_mut() {
            Some(last) => last.start(cancel),
            None => Err(ClusterError::Interrupted),
        }
    }

    /// A node of the experiment.
    fn node(&self, name: &str, offset: usize, role: &[(&str, String)]) -> Program {
        let mut variables = self.spec.environment();
        variables.extend(role.iter().map(|(variable, value)| ((*variable).to_owned(), value.clone())));
        self.program(name, "node", self.address(offset), variables)
    }

    /// A relay in front of the node at `address`.
    fn relay(&self, link: &Link, address: &str) -> Program {
        let to = address.trim_start_matches("http://").to_owned();
        let control = ("CONTROL_ADDR", "127.0.0.1:0".to_owned());
        let variables = [("RELAY_TO", to), ("RELAY_DELAY_MS", link.delay_ms.to_string()), control];
        let variables = variables.map(|(variable, value)| (variable.to_owned(), value)).into();
        self.program(&link.name(), "relay", "127.0.0.1:0".to_owned(), variables)
    }

    fn program(&self, name: &str, verb: &'static str, listen: String, variables: BTreeMap<String, String>) -> Program {
        Program { name: name.to_owned(), path: self.program.clone(), verb, listen, variables }
    }

    /// Starts the relay in front of a node, if there is to be one; returns where the node is
    /// then reached.
    fn linked(&mut self, node: &str, address: String, cancel: &CancellationToken) -> Result<String, ClusterError> {
        match self.spec.links.iter().find(|link| link.node == node) {
            Some(link) => self.start(self.relay(link, &address), cancel),
            None => Ok(address),
        }
    }

    fn find(&mut self, name: &str) -> Result<&mut Running, ClusterError> {
        let found = self.running.iter_mut().find(|one| one.name() == name);
        found.ok_or_else(|| ClusterError::Setup(format!("there is no process {name}")))
    }

    /// Puts the relays that lead to a node into a mode: for the leader those are all there are.
    fn set_links(&self, node: &str, mode: Mode) -> Result<(), ClusterError> {
        let name = link_name(node);
        let mut relays = self.running.iter().filter(|one| one.is_relay() && (node == LEADER || one.name() == name));
        relays.try_for_each(|relay| relay.order(mode))
    }
}

impl Cluster for ProcessCluster {
    fn up(&mut self, cancel: &CancellationToken) -> Result<Endpoints, ClusterError> {
        let mut links = Vec::new();
        for index in 0..self.spec.followers as usize {
            let name = follower_name(index);
            let address = self.start(self.node(&name, index + 1, &[("ROLE", "follower".to_owned())]), cancel)?;
            links.push(self.linked(&name, address.clone(), cancel)?);
            self.endpoints.followers.push(address);
        }
        let role = [("ROLE", "leader".to_owned()), ("FOLLOWERS", links.join(","))];
        let leader = self.start(self.node(LEADER, 0, &role), cancel)?;
        self.endpoints.leader = self.linked(LEADER, leader, cancel)?;
        Ok(self.endpoints.clone())
    }

    fn inject(&mut self, action: &FaultAction, cancel: &CancellationToken) -> Result<Endpoints, ClusterError> {
        let node = &*action.node.to_string();
        match action.act {
            Act::Kill => self.find(node)?.kill()?,
            Act::Stop => self.find(node)?.stop(Instant::now() + STOP_LIMIT)?,
            Act::Pause => self.find(node)?.pause()?,
            Act::Resume => self.find(node)?.resume()?,
            // It listens where it did before.
            Act::Restart => drop(self.find(node)?.start(cancel)?),
            // labctl is the only client and asks no node that is cut off.
            Act::Partition(_) => self.set_links(node, Mode::Cut)?,
            Act::Slow { .. } => self.set_links(node, Mode::Slow)?,
            Act::Heal(_) | Act::Hasten => self.set_links(node, Mode::Pass)?,
        }
        Ok(self.endpoints.clone())
    }

    fn check(&mut self, _: &CancellationToken) -> Result<(), ClusterError> {
        self.running.iter_mut().try_for_each(Running::check)
    }

    fn logs(&mut self) -> BTreeMap<String, Vec<u8>> {
        self.running.iter().filter_map(|one| Some((one.name().to_owned(), one.log()?))).collect()
    }

    fn down(&mut self) -> Result<(), ClusterError> {
        self.running.iter().for_each(Running::ask_to_end);
        let deadline = Instant::now() + STOP_LIMIT;
        let mut left = Vec::new();
        for mut one in self.running.drain(..) {
            if let Err(error) = one.end(deadline) {
                left.push(error.to_string());
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
