//! The nodes as containers, driven through Docker Compose.

mod deployment;
mod faults;
mod image;
mod overlay;
mod project;

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub use deployment::{Deployment, checkout, checkout_around};
pub use image::{NodeImage, binary_beside};
use project::{Container, LOOKS_AFTER_BREAK, Project};
pub use project::{ProjectLeft, projects_left, remove_project};
use tokio_util::sync::CancellationToken;

use super::{Cluster, ClusterError, ClusterSpec, FaultAction, Owner};
use crate::config::RelayedLink;
use crate::model::{BackendFacts, ContainerSpec, Endpoints, NodeId, Place};

/// How long the engine may take to create and start all nodes.
const UP_LIMIT: Duration = Duration::from_mins(2);

/// The project of the cluster to play with.
pub const PLAY_PROJECT: &str = "labctl-play";

/// A cluster of containers, one a node, in a Compose project of its own.
#[derive(Debug)]
pub struct ComposeCluster {
    project: Project,
    system: &'static ContainerSpec,
    image: String,
    reason: Option<String>,
    /// The folder in which labctl runs.
    folder: PathBuf,
    spec: ClusterSpec,
    ports: Ports,
    /// Container ids by node, and by relay.
    containers: BTreeMap<String, String>,
    /// Where each node was reached last, by service.
    addresses: BTreeMap<String, String>,
    /// Where each relay takes orders.
    controls: BTreeMap<String, SocketAddr>,
    /// Nodes that were stopped, frozen or cut off on purpose.
    faulty: BTreeSet<String>,
    progress: Progress,
}

/// How far a cluster has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Progress {
    /// There is nothing to take down.
    Down,
    /// `up` is under way, or was broken off: the engine may not be done with it.
    Starting,
    /// All containers have been started.
    Started,
}

/// Behind which ports of the loopback interface the nodes are reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ports {
    /// Free ones of the engine's choice.
    Free,
    /// Those of the Compose file: 8080 for the leader, 8081.. for the followers.
    OfFile,
}

impl ComposeCluster {
    /// A cluster for one run, in a project of its own and behind free ports.
    #[must_use]
    pub fn new(deployment: &Deployment, spec: ClusterSpec) -> Self {
        let name = format!("labctl-{}-w{}-{:08x}", spec.experiment, spec.quorum, run_id());
        Self::named(&name, deployment, spec, Ports::Free)
    }

    /// The cluster to play with, [`PLAY_PROJECT`], behind the ports of the Compose file; free
    /// ones where it has more followers than the file.
    #[must_use]
    pub fn play(deployment: &Deployment, spec: ClusterSpec) -> Self {
        let in_file = deployment.containers.followers as usize;
        let ports = if spec.followers().count() > in_file { Ports::Free } else { Ports::OfFile };
        Self::named(PLAY_PROJECT, deployment, spec, ports)
    }

    fn named(name: &str, deployment: &Deployment, spec: ClusterSpec, ports: Ports) -> Self {
        Self {
            project: Project::new(deployment.docker.clone(), &deployment.root, deployment.containers, name),
            system: deployment.containers,
            image: deployment.image.id.clone(),
            reason: deployment.reason.clone(),
            folder: deployment.folder.clone(),
            spec,
            ports,
            containers: BTreeMap::new(),
            addresses: BTreeMap::new(),
            controls: BTreeMap::new(),
            faulty: BTreeSet::new(),
            progress: Progress::Down,
        }
    }

    /// The Compose project's name.
    #[must_use]
    pub fn project(&self) -> &str {
        self.project.name()
    }

    /// Lets the cluster run on when this value is dropped.
    pub fn detach(mut self) {
        self.progress = Progress::Down;
    }

    /// Every service: the nodes, and the relays between them.
    fn services(&self) -> Vec<String> {
        let mut nodes: Vec<NodeId> = self.spec.nodes.iter().map(|spec| spec.node).collect();
        nodes.sort_unstable();
        let mut services: Vec<String> = nodes.iter().map(NodeId::to_string).collect();
        services.extend(self.spec.links.iter().map(RelayedLink::name));
        services
    }

    /// The containers of all services that nothing was done to, each running.
    fn running(&self, cancel: &CancellationToken) -> Result<BTreeMap<String, Container>, ClusterError> {
        let listed = self.project.containers(cancel)?;
        let mut found: BTreeMap<_, _> = listed.into_iter().map(|one| (one.service.clone(), one)).collect();
        let mut running = BTreeMap::new();
        for node in self.services().into_iter().filter(|node| !self.faulty.contains(node)) {
            let Some(container) = found.remove(&node) else {
                let reason = "the engine lists no container for it".to_owned();
                return Err(ClusterError::Node { node, reason, log: String::new() });
            };
            if container.state != "running" {
                let reason = format!("its container is not running ({})", container.state);
                let log = self.project.log_tail(&container.id);
                return Err(ClusterError::Node { node, reason, log });
            }
            running.insert(node, container);
        }
        Ok(running)
    }

    /// Notes where the containers are reached, and says where the nodes are.
    fn locate(&mut self, running: &BTreeMap<String, Container>) -> Result<Endpoints, ClusterError> {
        let ports = running.values().filter_map(|one| Some((one.service.clone(), one.port?)));
        self.addresses.extend(ports.map(|(service, port)| (service, format!("127.0.0.1:{port}"))));
        // Clients reach a leader that is to be cut off through the relay in front of it.
        let leader = self.spec.way_of_clients().map_or_else(|| NodeId::Leader.to_string(), RelayedLink::name);
        let address = |service: String| match self.addresses.get(&service) {
            Some(address) => Ok(address.clone()),
            None => Err(ClusterError::Node {
                node: service,
                reason: "the engine published no port for it".into(),
                log: String::new(),
            }),
        };
        Ok(Endpoints {
            leader: address(leader)?,
            followers: self.spec.followers().map(|follower| address(follower.to_string())).collect::<Result<_, _>>()?,
        })
    }

    /// Everything that the Compose file takes from its environment.
    fn environment(&self) -> BTreeMap<String, String> {
        // The file gives each node its name and role; what else they differ in only the leader has.
        let leader = self.spec.nodes.iter().find(|spec| spec.node.is_leader());
        let fill = |place| match place {
            Place::Host => "0.0.0.0".to_owned(),
            Place::Port | Place::PortOf(_) => self.system.port.to_string(),
            Place::HostOf(node) => {
                self.spec.way(NodeId::Leader, node).map_or_else(|| node.to_string(), RelayedLink::name)
            }
            Place::Folder => String::new(),
        };
        let variables = leader.into_iter().flat_map(|spec| &spec.environment);
        let variables = variables.filter(|(name, _)| self.system.user_variables.contains(&name.as_str()));
        let mut env: BTreeMap<String, String> = variables.map(|(name, text)| (name.clone(), text.fill(fill))).collect();
        env.insert(self.system.image_variable.into(), self.image.clone());
        env.extend(self.system.variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        env.insert("LABCTL_OWNER".into(), Owner::this().to_string());
        env.insert("LABCTL_FOLDER".into(), self.folder.to_string_lossy().into_owned());
        if self.ports == Ports::Free {
            env.insert("LEADER_PORT".into(), "0".into());
            let in_file = (0..self.system.followers).map(NodeId::Follower);
            env.extend(in_file.map(|node| (format!("{}_PORT", node.to_string().to_uppercase()), "0".into())));
        }
        env
    }
}

impl Cluster for ComposeCluster {
    fn up(&mut self, cancel: &CancellationToken) -> Result<Endpoints, ClusterError> {
        let overlay = overlay::write(&self.project, &self.spec, self.system)?;
        let mut call = self.project.compose(overlay, UP_LIMIT);
        for (name, value) in self.environment() {
            call = call.env(name, value);
        }
        self.progress = Progress::Starting;
        call.args(["up", "--detach", "--no-build"]).args(self.services()).read(cancel)?;
        self.progress = Progress::Started;
        let running = self.running(cancel)?;
        self.containers = running.values().map(|one| (one.service.clone(), one.id.clone())).collect();
        let controls = running.values().filter_map(|one| Some((one.service.clone(), one.control?)));
        self.controls = controls.map(|(relay, port)| (relay, (Ipv4Addr::LOCALHOST, port).into())).collect();
        self.locate(&running)
    }

    fn inject(&mut self, action: &FaultAction, cancel: &CancellationToken) -> Result<Endpoints, ClusterError> {
        self.carry_out(action, cancel)?;
        // Only a container that is back on its network may have another port.
        let back = action.act.leaves_reachable() == Some(true);
        let running = if back { self.running(cancel)? } else { BTreeMap::new() };
        self.locate(&running)
    }

    fn check(&mut self, cancel: &CancellationToken) -> Result<(), ClusterError> {
        self.running(cancel).map(drop)
    }

    fn logs(&mut self) -> BTreeMap<String, Vec<u8>> {
        let project = &self.project;
        thread::scope(|scope| {
            let asked: Vec<_> =
                self.containers.iter().map(|(node, id)| (node, scope.spawn(move || project.log(id)))).collect();
            let answered = asked.into_iter().filter_map(|(node, log)| Some((node.clone(), log.join().ok()?)));
            let told = answered.map(|(node, log)| {
                (node, log.unwrap_or_else(|error| format!("labctl: the log cannot be had: {error}\n").into_bytes()))
            });
            told.collect()
        })
    }

    fn down(&mut self) -> Result<(), ClusterError> {
        match self.progress {
            Progress::Down => return Ok(()),
            Progress::Starting => self.project.down(LOOKS_AFTER_BREAK)?,
            Progress::Started => self.project.down(1)?,
        }
        self.progress = Progress::Down;
        Ok(())
    }

    fn facts(&self) -> BackendFacts {
        let docker = self.project.docker().facts();
        BackendFacts {
            name: "compose".into(),
            reason: self.reason.clone(),
            engine: Some(docker.engine.clone()),
            compose: Some(docker.compose.clone()),
            image: Some(self.image.clone()),
        }
    }
}

impl Drop for ComposeCluster {
    fn drop(&mut self) {
        if let Err(error) = self.down() {
            tracing::error!("cannot take down the Compose project {}: {error}", self.project.name());
        }
    }
}

/// Tells the runs of this machine apart: their start in nanoseconds, mixed with the process.
fn run_id() -> u32 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    now.subsec_nanos() ^ std::process::id().rotate_left(16) ^ u32::try_from(now.as_secs() & 0xffff).unwrap_or_default()
}
