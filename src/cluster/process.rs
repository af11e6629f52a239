//! Nodes as child processes of labctl on free loopback ports.
//!
//! A child
//! holds the read end of a pipe whose other end only labctl has, and exits when that
//! closes, so not even `kill -9` of labctl leaves one behind.

mod child;
mod orphans;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

pub use orphans::end_orphans;
use tokio_util::sync::CancellationToken;

use self::child::{Program, Running};
use super::{Act, Cluster, ClusterError, ClusterSpec, FaultAction};
use crate::config::{RelayedLink, link_name};
use crate::model::{BackendFacts, Endpoints, NodeId, NodeSpec, RelayMode};

/// How long a node may take to end after SIGTERM before it is killed.
const STOP_LIMIT: Duration = Duration::from_secs(2);

/// A cluster of local processes.
#[derive(Debug)]
pub struct ProcessCluster {
    spec: ClusterSpec,
    program: PathBuf,
    /// Nodes and relays, in the order in which they were started.
    running: Vec<Running>,
    /// Base URLs of the nodes that listen.
    urls: BTreeMap<NodeId, String>,
    facts: BackendFacts,
    /// The leader's port, the followers' following it; free ones without.
    first_port: Option<u16>,
}

impl ProcessCluster {
    /// A cluster whose nodes are run by `program`; nothing is started yet.
    #[must_use]
    pub fn new(spec: ClusterSpec, program: &Path, reason: Option<String>) -> Self {
        let facts = BackendFacts { name: "process".to_owned(), reason, engine: None, compose: None, image: None };
        Self { spec, program: program.to_owned(), running: Vec::new(), urls: BTreeMap::new(), facts, first_port: None }
    }

    /// The same on fixed ports: the leader's, and the followers' following it.
    #[must_use]
    pub fn on_ports(mut self, leader: u16) -> Self {
        self.first_port = Some(leader);
        self
    }

    /// Where a node is to listen: on its own port after the leader's, or anywhere.
    fn address(&self, node: NodeId) -> String {
        let offset = match node {
            NodeId::Leader => 0,
            NodeId::Follower(index) => index + 1,
        };
        format!("127.0.0.1:{}", self.first_port.map_or(0, |first| u32::from(first) + offset))
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

    /// The program of a node; `links` are the URLs at which other nodes are reached.
    fn node(&self, spec: &NodeSpec, links: &BTreeMap<NodeId, String>) -> Program {
        let url = |node: NodeId| links.get(&node).cloned().unwrap_or_default();
        let variables = spec.environment.iter().map(|(name, value)| (name.clone(), value.resolve(url)));
        Program {
            name: spec.node.to_string(),
            path: self.program.clone(),
            arguments: spec.arguments.clone(),
            is_relay: false,
            listen: self.address(spec.node),
            variables: variables.collect(),
        }
    }

    /// The program of a relay in front of the node at `address`.
    fn relay(&self, link: &RelayedLink, address: &str) -> Program {
        let to = address.trim_start_matches("http://").to_owned();
        let control = ("CONTROL_ADDR", "127.0.0.1:0".to_owned());
        let variables = [("RELAY_TO", to), ("RELAY_DELAY_MS", link.delay_ms.to_string()), control];
        Program {
            name: link.name(),
            path: self.program.clone(),
            arguments: vec!["relay".to_owned()],
            is_relay: true,
            listen: "127.0.0.1:0".to_owned(),
            variables: variables.map(|(variable, value)| (variable.to_owned(), value)).into(),
        }
    }

    /// Starts the relay in front of a node, if there is to be one; returns where the node is
    /// then reached.
    fn linked(&mut self, node: NodeId, address: String, cancel: &CancellationToken) -> Result<String, ClusterError> {
        match self.spec.link_to(node).cloned() {
            Some(link) => self.start(self.relay(&link, &address), cancel),
            None => Ok(address),
        }
    }

    /// Where clients reach the nodes.
    fn endpoints(&self) -> Endpoints {
        let url = |node| self.urls.get(&node).cloned().unwrap_or_default();
        Endpoints { leader: url(NodeId::Leader), followers: self.spec.followers().map(url).collect() }
    }

    fn find(&mut self, name: &str) -> Result<&mut Running, ClusterError> {
        let found = self.running.iter_mut().find(|one| one.name() == name);
        found.ok_or_else(|| ClusterError::Setup(format!("there is no process {name}")))
    }

    /// Puts the relays that lead to a node into a mode: for the leader those are all there are.
    fn set_links(&self, node: NodeId, mode: RelayMode) -> Result<(), ClusterError> {
        let name = link_name(node);
        let mut relays = self.running.iter().filter(|one| one.is_relay() && (node.is_leader() || one.name() == name));
        relays.try_for_each(|relay| relay.order(mode))
    }
}

impl Cluster for ProcessCluster {
    fn up(&mut self, cancel: &CancellationToken) -> Result<Endpoints, ClusterError> {
        let mut links = BTreeMap::new();
        for spec in self.spec.nodes.clone() {
            let address = self.start(self.node(&spec, &links), cancel)?;
            let link = self.linked(spec.node, address.clone(), cancel)?;
            // Clients use the link to the leader too.
            self.urls.insert(spec.node, if spec.node.is_leader() { link.clone() } else { address });
            links.insert(spec.node, link);
        }
        Ok(self.endpoints())
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
            Act::Partition(_) => self.set_links(action.node, RelayMode::Cut)?,
            Act::Slow { .. } => self.set_links(action.node, RelayMode::Slow)?,
            Act::Heal(_) | Act::Hasten => self.set_links(action.node, RelayMode::Pass)?,
        }
        Ok(self.endpoints())
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
