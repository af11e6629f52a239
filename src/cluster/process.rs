//! Nodes as child processes of labctl on free loopback ports.
//!
//! A child
//! holds the read end of a pipe whose other end only labctl has, and exits when that
//! closes, so not even `kill -9` of labctl leaves one behind.

mod child;
mod direct;
mod family;
mod listener;
mod log;
mod orphans;
mod program;
mod protocol;
mod running;
mod supervised;
mod supervisor;

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

pub use orphans::{Orphans, end_orphans};
pub use program::find as find_program;
pub use supervisor::supervise;
use tokio_util::sync::CancellationToken;

use self::program::Program;
use self::running::Running;
use super::folder::OwnedFolder;
use super::{Act, Cluster, ClusterError, ClusterSpec, FaultAction};
use crate::model::{BackendFacts, Endpoints, NodeId, NodeProgram, NodeSpec, Place, ProxyOrder, Readiness, Text};
use crate::network::{ProxiedLink, Proxies, ProxyError, program as proxy};

/// How long a node may take to end after SIGTERM before it is killed.
const STOP_LIMIT: Duration = Duration::from_secs(2);

/// How often a cluster is started whose free ports other programs take before it does.
const TRIES: u32 = 5;

/// A cluster of local processes.
#[derive(Debug)]
pub struct ProcessCluster {
    spec: ClusterSpec,
    /// labctl itself.
    labctl: PathBuf,
    /// Nodes and proxies, by name.
    running: BTreeMap<String, Running>,
    proxies: Proxies,
    /// Holds a folder for each node.
    folder: Option<OwnedFolder>,
    facts: BackendFacts,
    /// The leader's port, the followers' following it; free ones without.
    first_port: Option<u16>,
}

impl ProcessCluster {
    /// A cluster of these nodes; `labctl` is the program of those that run labctl itself, and of
    /// proxies. Nothing is started yet.
    #[must_use]
    pub fn new(spec: ClusterSpec, labctl: &Path, reason: Option<String>) -> Self {
        let facts = BackendFacts { name: "process".to_owned(), reason, engine: None, compose: None, image: None };
        let labctl = labctl.to_owned();
        Self {
            spec,
            labctl,
            running: BTreeMap::new(),
            proxies: Proxies::default(),
            folder: None,
            facts,
            first_port: None,
        }
    }

    /// The same on fixed ports: the leader's, and the followers' following it.
    #[must_use]
    pub fn on_ports(mut self, leader: u16) -> Self {
        self.first_port = Some(leader);
        self
    }

    /// Where a node is to listen, if that is laid down: on its own port after the leader's.
    fn fixed_address(&self, node: NodeId) -> Option<SocketAddr> {
        let offset = node.follower_index().map_or(0, |index| index + 1);
        let port = usize::from(self.first_port?) + offset;
        Some(([127, 0, 0, 1], u16::try_from(port).ok()?).into())
    }

    /// Where a node or proxy listens, if that is known.
    fn address(&self, name: &str) -> Option<SocketAddr> {
        self.running.get(name)?.address()
    }

    /// Where one node reaches another.
    fn address_seen_from(&self, from: NodeId, to: NodeId) -> Option<SocketAddr> {
        self.address(&self.spec.way(from, to).map_or_else(|| to.to_string(), ProxiedLink::name))
    }

    /// Makes the folder of a node, with its files. Returns its path; a node that runs labctl itself
    /// has none.
    fn make_folder(&mut self, spec: &NodeSpec) -> Result<PathBuf, ClusterError> {
        if spec.program == NodeProgram::Labctl {
            return Ok(PathBuf::new());
        }
        if self.folder.is_none() {
            self.folder = Some(OwnedFolder::new().map_err(ClusterError::temporary)?);
        }
        let folder = self.folder.as_ref().map(|all| all.path().join(spec.node.to_string())).unwrap_or_default();
        fs::create_dir_all(&folder).map_err(ClusterError::temporary)?;
        for (name, text) in &spec.files {
            fs::write(folder.join(name), self.fill(spec, text, &folder)).map_err(ClusterError::temporary)?;
        }
        Ok(folder)
    }

    /// A text of a node with every place filled in.
    fn fill(&self, spec: &NodeSpec, text: &Text, folder: &Path) -> String {
        let own = self.address(&spec.node.to_string());
        let port = |address: Option<SocketAddr>| address.map_or(0, |address| address.port()).to_string();
        text.fill(|place| match place {
            Place::Host | Place::HostOf(_) => "127.0.0.1".to_owned(),
            Place::Port => port(own),
            Place::Folder => folder.display().to_string(),
            Place::PortOf(node) => port(self.address_seen_from(spec.node, node)),
        })
    }

    /// The program of a node.
    fn node(&mut self, spec: &NodeSpec) -> Result<Program, ClusterError> {
        let folder = self.make_folder(spec)?;
        let mut variables = program::passed_on(&spec.program);
        let own = spec.environment.iter().map(|(name, text)| (name.into(), self.fill(spec, text, &folder).into()));
        variables.extend(own);
        let (path, supervisor) = match &spec.program {
            NodeProgram::Labctl => (self.labctl.clone(), None),
            NodeProgram::Executable(program) => (program::find(program)?, Some(self.labctl.clone())),
        };
        Ok(Program {
            path,
            arguments: spec.arguments.iter().map(|text| self.fill(spec, text, &folder)).collect(),
            variables,
            folder: supervisor.is_some().then_some(folder),
            start_in: spec.start_in.clone(),
            readiness: spec.readiness.clone(),
            start_limit: spec.start_limit,
            supervisor,
        })
    }

    /// The program of a proxy in front of the node at `target`.
    fn proxy(&self, link: &ProxiedLink, target: SocketAddr) -> Program {
        let anywhere = "127.0.0.1:0";
        let mut variables = link.environment(&target.to_string(), anywhere, anywhere);
        let (name, value) = proxy::ENDS_WITH_LABCTL;
        variables.insert(name.to_owned(), value.to_owned());
        Program {
            path: self.labctl.clone(),
            arguments: vec![proxy::COMMAND.to_owned()],
            variables: variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect(),
            folder: None,
            start_in: None,
            readiness: Readiness::Announces(proxy::LISTENING.to_owned()),
            start_limit: proxy::START_LIMIT,
            supervisor: None,
        }
    }

    /// Starts a node, and waits until it listens.
    fn start_node(&mut self, spec: &NodeSpec, cancel: &CancellationToken) -> Result<(), ClusterError> {
        let program = self.node(spec)?;
        self.find(&spec.node.to_string())?.start(&program, cancel)
    }

    /// Starts every proxy that is not there yet and whose node's address is known.
    fn start_proxies(&mut self, cancel: &CancellationToken) -> Result<(), ClusterError> {
        for link in self.spec.links.clone() {
            let name = link.name();
            let target = self.address(&link.to().to_string());
            let Some(target) = target.filter(|_| !self.running.contains_key(&name)) else { continue };
            let program = self.proxy(&link, target);
            // Kept even where it does not start, so that its log can be read.
            self.running.insert(name.clone(), Running::new(name.clone(), None)?);
            let proxy = self.find(&name)?;
            proxy.start(&program, cancel)?;
            let control = proxy.control()?;
            self.proxies.insert(link.node(), control);
        }
        Ok(())
    }

    /// Starts every node and proxy; the ports of all that are told one are chosen first, so that they may
    /// name each other.
    fn start_all(&mut self, cancel: &CancellationToken) -> Result<(), ClusterError> {
        let nodes = self.spec.nodes.clone();
        for spec in &nodes {
            let name = spec.node.to_string();
            let mut node = Running::new(name.clone(), self.fixed_address(spec.node))?;
            if spec.readiness == Readiness::Accepts && node.address().is_none() {
                node.choose_port()?;
            }
            self.running.insert(name, node);
        }
        self.start_proxies(cancel)?;
        for spec in &nodes {
            self.start_node(spec, cancel)?;
            self.start_proxies(cancel)?;
        }
        Ok(())
    }

    /// Where clients reach the nodes.
    fn endpoints(&self) -> Endpoints {
        let address = |name: String| self.address(&name).map(|address| address.to_string()).unwrap_or_default();
        // Clients use the link to the leader too.
        let leader = self.spec.way_of_clients().map_or_else(|| NodeId::Leader.to_string(), ProxiedLink::name);
        let followers = self.spec.followers().map(|follower| address(follower.to_string()));
        Endpoints { leader: address(leader), followers: followers.collect() }
    }

    fn find(&mut self, name: &str) -> Result<&mut Running, ClusterError> {
        self.running.get_mut(name).ok_or_else(|| ClusterError::Setup(format!("there is no process {name}")))
    }

    /// Gives an order to the proxies of the links of a node.
    fn order(&self, node: NodeId, order: ProxyOrder) -> Result<(), ClusterError> {
        self.proxies.order(node, order).map_err(|error| self.disobeyed(error))
    }

    /// Why a proxy did not do what it was told.
    fn disobeyed(&self, error: ProxyError) -> ClusterError {
        let log = self.running.get(&error.proxy).and_then(Running::log).unwrap_or_default();
        ClusterError::of_node(&error.proxy, error.to_string(), &log)
    }
}

impl Cluster for ProcessCluster {
    fn up(&mut self, cancel: &CancellationToken) -> Result<Endpoints, ClusterError> {
        let mut tries = 1;
        loop {
            match self.start_all(cancel) {
                // Some other program was quicker. What had been started was told the port.
                Err(ClusterError::PortTaken { .. }) if self.first_port.is_none() && tries < TRIES => {
                    self.down()?;
                    tries += 1;
                }
                started => return started.map(|()| self.endpoints()),
            }
        }
    }

    fn inject(&mut self, action: &FaultAction, cancel: &CancellationToken) -> Result<Endpoints, ClusterError> {
        let node = &*action.node.to_string();
        match action.act {
            Act::Kill => {
                self.find(node)?.kill()?;
                self.order(action.node, ProxyOrder::Drop)?;
            }
            Act::Stop => {
                self.find(node)?.stop(Instant::now() + STOP_LIMIT)?;
                self.order(action.node, ProxyOrder::Drop)?;
            }
            Act::Pause => self.find(node)?.pause()?,
            Act::Resume => self.find(node)?.resume()?,
            // It listens where it did before.
            Act::Restart => {
                let spec = self.spec.nodes.iter().find(|spec| spec.node == action.node).cloned();
                let spec = spec.ok_or_else(|| ClusterError::Setup(format!("there is no node {node}")))?;
                self.start_node(&spec, cancel)?;
            }
            // labctl is the only client and asks no node that is cut off.
            Act::Partition(_) => self.order(action.node, ProxyOrder::Cut)?,
            Act::Slow { delay_ms } => self.order(action.node, ProxyOrder::Slow { added_ms: delay_ms })?,
            Act::Heal(_) | Act::Hasten => self.order(action.node, ProxyOrder::Pass)?,
        }
        Ok(self.endpoints())
    }

    fn start_epoch(&mut self) -> Result<(), ClusterError> {
        self.proxies.order_all(ProxyOrder::Epoch).map_err(|error| self.disobeyed(error))
    }

    fn check(&mut self, _: &CancellationToken) -> Result<(), ClusterError> {
        self.running.values_mut().try_for_each(Running::check)
    }

    fn logs(&mut self) -> BTreeMap<String, Vec<u8>> {
        self.running.values().filter_map(|one| Some((one.name().to_owned(), one.log()?))).collect()
    }

    fn down(&mut self) -> Result<(), ClusterError> {
        self.running.values_mut().for_each(Running::ask_to_end);
        let deadline = Instant::now() + STOP_LIMIT;
        let mut left = Vec::new();
        for mut one in std::mem::take(&mut self.running).into_values() {
            if let Err(error) = one.end(deadline) {
                left.push(error.to_string());
            }
        }
        self.proxies = Proxies::default();
        self.folder = None;
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
