//! Nodes as child processes of labctl on free loopback ports.
//!
//! A child holds the read end of a pipe whose other end only labctl has, and exits when that
//! closes, so not even `kill -9` of labctl leaves one behind.

mod backend;
mod child;
mod direct;
mod ending;
mod family;
mod folders;
mod listener;
mod log;
mod orphans;
mod program;
mod protocol;
mod running;
mod segments;
mod session;
mod supervised;
mod supervisor;
mod user;

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

pub(super) use backend::ProcessKind;
pub use orphans::{Orphans, end_orphans};
pub use session::supervise_session;
pub use supervisor::{Supervision, supervise};
use tokio_util::sync::CancellationToken;

use self::folders::{NodeFolder, NodeFolders};
use self::program::Program;
use self::running::Running;
use super::setup::{StepWriter, shell_arguments};
use super::{Cluster, ClusterError, ClusterSpec};
use crate::model::{Act, BackendFacts, Endpoints, NodeId, NodeProgram, NodeSpec, Place, ProxyOrder, Readiness, Text};
use crate::network::{ProxiedLink, Proxies, ProxyError, program as proxy};
use crate::programs::find_program;

/// The name of this backend in files and messages.
const NAME: &str = "process";

/// How long a proxy may take to end after SIGTERM before it is killed.
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
    folders: NodeFolders,
    facts: BackendFacts,
    /// The leader's port, the followers' following it; free ones without.
    first_port: Option<u16>,
}

impl ProcessCluster {
    /// A cluster of these nodes; `labctl` is the program of those that run labctl itself, and of
    /// proxies. Nothing is started yet.
    #[must_use]
    pub fn new(spec: ClusterSpec, labctl: &Path, reason: Option<String>) -> Self {
        let facts = BackendFacts { reason, ..BackendFacts::named(NAME) };
        let labctl = labctl.to_owned();
        Self {
            spec,
            labctl,
            running: BTreeMap::new(),
            proxies: Proxies::default(),
            folders: NodeFolders::default(),
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

    /// Where other nodes reach a node without a proxy.
    fn peer_address(&self, node: NodeId) -> Option<SocketAddr> {
        let running = self.running.get(&node.to_string())?;
        running.peer_address().or(running.address())
    }

    /// Where one node reaches another.
    fn address_seen_from(&self, from: NodeId, to: NodeId) -> Option<SocketAddr> {
        match self.spec.way(from, to) {
            Some(link) => self.address(&link.name()),
            None => self.peer_address(to),
        }
    }

    /// A text of a node with every place filled in.
    fn fill(&self, spec: &NodeSpec, text: &Text, folder: &NodeFolder) -> String {
        let own = self.running.get(&spec.node.to_string());
        let port = |address: Option<SocketAddr>| address.map_or(0, |address| address.port()).to_string();
        text.fill(|place| match place {
            Place::Host | Place::HostOf(_) | Place::DirectHostOf(_) => "127.0.0.1".to_owned(),
            Place::Port => port(own.and_then(Running::address)),
            Place::PeerPort => port(own.and_then(Running::peer_address)),
            Place::Folder => folder.own.display().to_string(),
            Place::Storage => folder.storage.display().to_string(),
            Place::PortOf(node) => port(self.address_seen_from(spec.node, node)),
            Place::DirectPortOf(node) => port(self.address(&node.to_string())),
        })
    }

    /// The program of a node.
    fn node(&mut self, spec: &NodeSpec) -> Result<Program, ClusterError> {
        let lifecycle = &spec.lifecycle;
        let user = lifecycle.user.as_ref().map_or(Ok(None), user::find)?;
        let folder = self.folders.make(spec, user)?;
        for (name, text) in &spec.files {
            fs::write(folder.own.join(name), self.fill(spec, text, &folder)).map_err(ClusterError::temporary)?;
        }
        if let Some(start_in) = spec.start_in.as_deref().filter(|start_in| !start_in.is_dir()) {
            let start_in = std::path::absolute(start_in).unwrap_or_else(|_| start_in.to_owned());
            let reason = format!("there is no folder {}, in which it starts", start_in.display());
            return Err(ClusterError::of_node(&spec.node.to_string(), reason, b""));
        }
        let mut variables = program::passed_on(&spec.program);
        let own = spec.environment.iter().map(|(name, text)| (name.into(), self.fill(spec, text, &folder).into()));
        variables.extend(own);
        let (mut path, supervisor) = match &spec.program {
            NodeProgram::Labctl => (self.labctl.clone(), None),
            NodeProgram::Executable(program) => {
                (find_program(program, spec.start_in.as_deref())?, Some(self.labctl.clone()))
            }
        };
        let mut arguments: Vec<String> = spec.arguments.iter().map(|text| self.fill(spec, text, &folder)).collect();
        if !lifecycle.setup.is_empty() {
            arguments.insert(0, path.display().to_string());
            arguments = self.prepared(spec, &folder, arguments);
            path = find_program(Path::new("sh"), None)?;
        }
        Ok(Program {
            path,
            arguments,
            variables,
            folder: supervisor.is_some().then_some(folder.own),
            start_in: spec.start_in.clone(),
            readiness: spec.readiness.clone(),
            start_limit: spec.start_limit,
            supervisor,
            supervision: Supervision { user, stop_signal: lifecycle.stop.signal },
        })
    }

    /// The arguments with which a shell prepares a node, and then becomes `program`.
    fn prepared(&self, spec: &NodeSpec, folder: &NodeFolder, program: Vec<String>) -> Vec<String> {
        let writer = StepWriter {
            program: &|path| path.display().to_string(),
            fill: &|text| self.fill(spec, text, folder),
            folder: &folder.own.display().to_string(),
            storage: &folder.storage.display().to_string(),
        };
        shell_arguments(&spec.lifecycle.setup, &writer, program)
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
            supervision: Supervision::default(),
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
            let target =
                if link.is_for_clients() { self.address(&link.to().to_string()) } else { self.peer_address(link.to()) };
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
            if spec.has_peer_port() {
                node.choose_peer_port()?;
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

    fn spec_of(&self, node: NodeId) -> Result<&NodeSpec, ClusterError> {
        let spec = self.spec.nodes.iter().find(|spec| spec.node == node);
        spec.ok_or_else(|| ClusterError::Setup(format!("there is no node {node}")))
    }

    /// Does one thing to a node or to its links.
    fn carry_out(&mut self, node: NodeId, act: Act, cancel: &CancellationToken) -> Result<(), ClusterError> {
        let name = &*node.to_string();
        match act {
            Act::Kill => {
                self.proxies.hold(node).map_err(|error| self.disobeyed(error))?;
                self.find(name)?.kill()?;
                self.proxies.drop_held(node).map_err(|error| self.disobeyed(error))
            }
            Act::Stop => {
                let limit = self.spec_of(node)?.lifecycle.stop.limit;
                self.find(name)?.stop(Instant::now() + limit)?;
                self.order(node, ProxyOrder::Drop)
            }
            // It listens where it did before.
            Act::Start => {
                let spec = self.spec_of(node)?.clone();
                self.start_node(&spec, cancel)
            }
            Act::Freeze => self.find(name)?.pause(),
            Act::Thaw => self.find(name)?.resume(),
            Act::Cut => self.order(node, ProxyOrder::Cut),
            Act::Mute => self.order(node, ProxyOrder::Mute),
            Act::Slow { added_ms } => self.order(node, ProxyOrder::Slow { added_ms }),
            Act::Pass => self.order(node, ProxyOrder::Pass),
            // labctl is the only client, and asks no node that is hidden.
            Act::Hide | Act::Show => Ok(()),
        }
    }

    /// Gives an order to the proxies of the links of a node.
    fn order(&mut self, node: NodeId, order: ProxyOrder) -> Result<(), ClusterError> {
        let done = self.proxies.order(node, order);
        done.map_err(|error| self.disobeyed(error))
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

    fn inject(&mut self, node: NodeId, acts: &[Act], cancel: &CancellationToken) -> Result<Endpoints, ClusterError> {
        acts.iter().try_for_each(|act| self.carry_out(node, *act, cancel))?;
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
        let limits = self.spec.nodes.iter().map(|spec| spec.lifecycle.stop.limit);
        let deadline = Instant::now() + limits.fold(STOP_LIMIT, Duration::max);
        let mut left = Vec::new();
        for mut one in std::mem::take(&mut self.running).into_values() {
            if let Err(error) = one.end(deadline) {
                left.push(error.to_string());
            }
        }
        self.proxies = Proxies::default();
        self.folders = NodeFolders::default();
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
