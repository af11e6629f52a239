//! The nodes as containers, driven through Docker Compose.

mod backend;
mod deployment;
mod faults;
mod generated;
mod image;
mod orphans;
mod overlay;
mod present;
mod project;
mod proxy_image;
mod service;
mod user_file;
mod user_images;
mod yaml;

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub(super) use backend::ComposeKind;
pub use deployment::Deployment;
use generated::ProjectSetting;
pub use image::NodeImage;
pub(super) use image::binary_beside;
use project::{Container, FOLDER_LABEL, LOOKS_AFTER_BREAK, OWNER_LABEL, Project, control_port};
pub use project::{ProjectLeft, projects_left};
pub use proxy_image::ProxyImage;
use service::Labels;
use tokio_util::sync::CancellationToken;
use user_file::{Additions, JoinedNetwork, ResolvedFile};

use super::docker::Call;
use super::folder::OwnedFolder;
use super::{Cluster, ClusterError, ClusterSpec, FIRST_PLAY_PORT, Owner};
use crate::model::{Act, BackendFacts, ComposeFile, ContainerSpec, Endpoints, NodeId, Place, ProxyOrder};
use crate::network::{ProxiedLink, Proxies};

/// How long the engine may take to create and start all nodes.
const UP_LIMIT: Duration = Duration::from_mins(2);

/// The name of this backend in files and messages.
const NAME: &str = "compose";

/// The project of the cluster to play with.
const PLAY_PROJECT: &str = "labctl-play";

/// A cluster of containers, one a node, in a Compose project of its own.
#[derive(Debug)]
pub struct ComposeCluster {
    project: Project,
    system: ContainerSpec,
    /// The id of the nodes' image.
    image: String,
    proxy_image: ProxyImage,
    /// The ids of the images of a user's Compose file, by service.
    user_images: BTreeMap<String, String>,
    /// Holds the nodes' files.
    files: Option<OwnedFolder>,
    /// The networks of each node of a user's Compose file.
    networks: BTreeMap<NodeId, Vec<JoinedNetwork>>,
    reason: Option<String>,
    /// The folder in which labctl runs.
    folder: PathBuf,
    spec: ClusterSpec,
    ports: Ports,
    /// Container ids by node, and by proxy.
    containers: BTreeMap<String, String>,
    /// Where each node was reached last, by name of the node or of the proxy in front of it.
    addresses: BTreeMap<String, String>,
    proxies: Proxies,
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
    /// 8080 for the leader, 8081.. for the followers, as in the Compose file of the checkout.
    Fixed,
}

impl ComposeCluster {
    /// A cluster for one run, in a project of its own and behind free ports.
    #[must_use]
    pub fn new(deployment: &Deployment, spec: ClusterSpec) -> Self {
        let name = format!("labctl-{}-w{}-{:08x}", spec.experiment, spec.quorum, run_id());
        Self::named(&name, deployment, spec, Ports::Free)
    }

    /// The cluster to play with, on port 8080 and those after it; on free ones if
    /// it has more followers than its Compose file has ports for.
    #[must_use]
    pub fn play(deployment: &Deployment, spec: ClusterSpec) -> Self {
        let ports = match &deployment.containers {
            ContainerSpec::File(file) if spec.followers().count() > file.followers.get() as usize => Ports::Free,
            ContainerSpec::File(_) | ContainerSpec::Image(_) | ContainerSpec::Project(_) => Ports::Fixed,
        };
        Self::named(PLAY_PROJECT, deployment, spec, ports)
    }

    fn named(name: &str, deployment: &Deployment, spec: ClusterSpec, ports: Ports) -> Self {
        let docker = deployment.docker.clone();
        let project = match &deployment.containers {
            ContainerSpec::File(file) => Project::of_file(docker, &deployment.root, file, name),
            ContainerSpec::Image(_) | ContainerSpec::Project(_) => Project::generated(docker, name),
        };
        let built = deployment.image.as_ref().map(|image| image.id.clone());
        Self {
            project,
            system: deployment.containers.clone(),
            image: deployment.foreign_image.clone().or(built).unwrap_or_default(),
            proxy_image: deployment.proxy_image.clone(),
            user_images: deployment.user_images.clone(),
            files: None,
            networks: BTreeMap::new(),
            reason: deployment.reason.clone(),
            folder: deployment.folder.clone(),
            spec,
            ports,
            containers: BTreeMap::new(),
            addresses: BTreeMap::new(),
            proxies: Proxies::default(),
            faulty: BTreeSet::new(),
            progress: Progress::Down,
        }
    }

    /// The Compose project's name.
    #[must_use]
    pub fn project(&self) -> &str {
        self.project.name()
    }

    /// The service of a node or proxy of this name.
    fn service_of(&self, name: &str) -> String {
        match (&self.system, name.parse()) {
            (ContainerSpec::Project(project), Ok(node)) => project.service(node),
            _ => name.to_owned(),
        }
    }

    /// The port on which a node listens in its container, or the proxy in front of it.
    fn port_of(&self, node: NodeId) -> u16 {
        match &self.system {
            ContainerSpec::File(file) => file.port,
            ContainerSpec::Image(image) => image.port,
            ContainerSpec::Project(project) => project.port(node),
        }
    }

    /// Every node, and the proxies between them, by name.
    fn names(&self) -> Vec<String> {
        let mut nodes: Vec<NodeId> = self.spec.nodes.iter().map(|spec| spec.node).collect();
        nodes.sort_unstable();
        let mut names: Vec<String> = nodes.iter().map(NodeId::to_string).collect();
        names.extend(self.spec.links.iter().map(ProxiedLink::name));
        names
    }

    /// The containers of all nodes and proxies that nothing was done to, each running.
    fn running(&self, cancel: &CancellationToken) -> Result<BTreeMap<String, Container>, ClusterError> {
        let listed = self.project.containers(cancel)?;
        let mut found: BTreeMap<_, _> = listed.into_iter().map(|one| (one.service.clone(), one)).collect();
        let mut running = BTreeMap::new();
        for node in self.names().into_iter().filter(|node| !self.faulty.contains(node)) {
            let Some(container) = found.remove(&self.service_of(&node)) else {
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
        // Clients reach a leader that is to be cut off through the proxy in front of it.
        let leader = self.spec.way_of_clients().map_or_else(|| NodeId::Leader.to_string(), ProxiedLink::name);
        let followers = self.spec.followers().map(|follower| (follower, follower.to_string()));
        for (node, name) in followers.chain([(NodeId::Leader, leader.clone())]) {
            if let Some(port) = running.get(&name).and_then(|one| one.ports.get(&self.port_of(node))) {
                self.addresses.insert(name, format!("127.0.0.1:{port}"));
            }
        }
        let address = |name: String| match self.addresses.get(&name) {
            Some(address) => Ok(address.clone()),
            None => Err(ClusterError::Node {
                node: name,
                reason: "the engine published no port for it".into(),
                log: String::new(),
            }),
        };
        Ok(Endpoints {
            leader: address(leader)?,
            followers: self.spec.followers().map(|follower| address(follower.to_string())).collect::<Result<_, _>>()?,
        })
    }

    /// A call of Compose with all files and variables that the project needs.
    fn prepared(&mut self, cancel: &CancellationToken) -> Result<Call, ClusterError> {
        let folder = self.folder.to_string_lossy().into_owned();
        let labels: Labels =
            [(OWNER_LABEL, Owner::this().to_string()), (FOLDER_LABEL, service::escaped(&folder))].into();
        let first_port = (self.ports == Ports::Fixed).then_some(FIRST_PLAY_PORT);
        let proxy_id = match self.spec.links.is_empty() {
            true => String::new(),
            false => self.proxy_image.id(self.project.docker(), cancel)?,
        };
        match self.system.clone() {
            ContainerSpec::File(file) => {
                let call = self.project.compose(overlay::write(&self.project, &self.spec, file)?, UP_LIMIT);
                Ok(self.environment(file).into_iter().fold(call, |call, (name, value)| call.env(name, value)))
            }
            ContainerSpec::Image(image) => {
                let files = OwnedFolder::new().map_err(ClusterError::temporary)?;
                let setting = ProjectSetting {
                    spec: &self.spec,
                    image: &image,
                    image_id: &self.image,
                    proxy_id: &proxy_id,
                    labels,
                    first_port,
                    files: files.path(),
                };
                generated::write(self.project.file(), &setting)?;
                self.files = Some(files);
                Ok(self.project.compose(None, UP_LIMIT))
            }
            ContainerSpec::Project(project) => {
                let variables = user_file::variables(&project, &self.spec.nodes, Some(&self.spec));
                let docker = self.project.docker();
                let file = ResolvedFile::read(docker, &project, self.project.name(), &variables, cancel)?;
                let additions = Additions {
                    cluster: &self.spec,
                    project: &project,
                    images: &self.user_images,
                    proxy_id: &proxy_id,
                    labels,
                    first_port,
                };
                file.write(self.project.file(), &additions)?;
                let networks = project.services.iter();
                let networks = networks.map(|(node, service)| (*node, file.networks(service, self.project.name())));
                self.networks = networks.collect();
                Ok(self.project.compose(None, UP_LIMIT))
            }
        }
    }

    /// Everything that the Compose file takes from its environment.
    fn environment(&self, file: &ComposeFile) -> BTreeMap<String, String> {
        // The file gives each node its name and role; what else they differ in only the leader has.
        let leader = self.spec.nodes.iter().find(|spec| spec.node.is_leader());
        let fill = |place| match place {
            Place::Host => "0.0.0.0".to_owned(),
            Place::Port | Place::PeerPort | Place::PortOf(_) | Place::DirectPortOf(_) => file.port.to_string(),
            Place::DirectHostOf(node) => node.to_string(),
            Place::HostOf(node) => {
                self.spec.way(NodeId::Leader, node).map_or_else(|| node.to_string(), ProxiedLink::name)
            }
            Place::Folder | Place::Storage => String::new(),
        };
        let variables = leader.into_iter().flat_map(|spec| &spec.environment);
        let variables = variables.filter(|(name, _)| file.user_variables.contains(&name.as_str()));
        let mut env: BTreeMap<String, String> = variables.map(|(name, text)| (name.clone(), text.fill(fill))).collect();
        env.insert(file.image_variable.into(), self.image.clone());
        env.extend(file.variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        env.insert("LABCTL_OWNER".into(), Owner::this().to_string());
        env.insert("LABCTL_FOLDER".into(), self.folder.to_string_lossy().into_owned());
        if self.ports == Ports::Free {
            env.insert("LEADER_PORT".into(), "0".into());
            let in_file = NodeId::followers(file.followers);
            env.extend(in_file.map(|node| (format!("{}_PORT", node.to_string().to_uppercase()), "0".into())));
        }
        env
    }
}

impl Cluster for ComposeCluster {
    fn up(&mut self, cancel: &CancellationToken) -> Result<Endpoints, ClusterError> {
        let call = self.prepared(cancel)?.args(["up", "--detach", "--no-build"]);
        self.progress = Progress::Starting;
        match &self.system {
            // What else is in the user's file runs too.
            ContainerSpec::Project(_) => call,
            ContainerSpec::File(_) | ContainerSpec::Image(_) => call.args(self.names()),
        }
        .read(cancel)?;
        self.progress = Progress::Started;
        let running = self.running(cancel)?;
        self.containers = running.iter().map(|(name, one)| (name.clone(), one.id.clone())).collect();
        for link in &self.spec.links {
            let name = link.name();
            let inside = control_port(self.port_of(link.to()));
            let control = running.get(&name).and_then(|proxy| proxy.ports.get(&inside).copied());
            let control = control.ok_or_else(|| ClusterError::of_node(&name, "it has no port for orders", b""))?;
            self.proxies.insert(link.node(), (Ipv4Addr::LOCALHOST, control).into());
        }
        self.locate(&running)
    }

    fn inject(&mut self, node: NodeId, acts: &[Act], cancel: &CancellationToken) -> Result<Endpoints, ClusterError> {
        acts.iter().try_for_each(|act| self.carry_out(node, *act, cancel))?;
        // Only a container that is back on its network may have another port.
        let back = Act::leave_reachable(acts) == Some(true);
        let running = if back { self.running(cancel)? } else { BTreeMap::new() };
        self.locate(&running)
    }

    fn start_epoch(&mut self) -> Result<(), ClusterError> {
        self.proxies.order_all(ProxyOrder::Epoch).map_err(|error| self.disobeyed(error))
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
        self.files = None;
        Ok(())
    }

    fn detach(&mut self) {
        self.progress = Progress::Down;
    }

    fn facts(&self) -> BackendFacts {
        let docker = self.project.docker().facts();
        BackendFacts {
            name: NAME.to_owned(),
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
