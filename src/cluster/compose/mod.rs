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
pub use image::{NodeImage, labnode_beside};
use project::{Container, LOOKS_AFTER_BREAK, Project};
pub use project::{ProjectLeft, projects_left, remove_project};
use tokio_util::sync::CancellationToken;

use super::{Cluster, ClusterError, ClusterSpec, Endpoints, FaultAction, Owner};
use crate::config::{Link, link_name};
use crate::data::{LEADER, follower_name};
use crate::model::BackendFacts;

/// How long the engine may take to create and start all nodes.
const UP_LIMIT: Duration = Duration::from_mins(2);

/// How many followers the Compose file itself has.
const FOLLOWERS_IN_FILE: u32 = 5;

/// The port on which every node listens in its container.
const NODE_PORT: u16 = 8000;

/// The port on which every relay takes orders in its container. Not the next one: the engine
/// would list the two as a range.
const CONTROL_PORT: u16 = 9000;

/// The project of the cluster to play with.
pub const PLAY_PROJECT: &str = "labctl-play";

/// A cluster of containers, one a node, in a Compose project of its own.
#[derive(Debug)]
pub struct ComposeCluster {
    project: Project,
    image: String,
    reason: Option<String>,
    /// The folder in which labctl runs.
    folder: PathBuf,
    spec: ClusterSpec,
    ports: Ports,
    /// Container ids by node, and by relay.
    containers: BTreeMap<String, String>,
    /// Where each node was reached last, by service.
    urls: BTreeMap<String, String>,
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
        let ports = if spec.followers > FOLLOWERS_IN_FILE { Ports::Free } else { Ports::OfFile };
        Self::named(PLAY_PROJECT, deployment, spec, ports)
    }

    fn named(name: &str, deployment: &Deployment, spec: ClusterSpec, ports: Ports) -> Self {
        Self {
            project: Project::new(deployment.docker.clone(), &deployment.root, name),
            image: deployment.image.id.clone(),
            reason: deployment.reason.clone(),
            folder: deployment.folder.clone(),
            spec,
            ports,
            containers: BTreeMap::new(),
            urls: BTreeMap::new(),
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
        let mut services = self.spec.nodes();
        services.extend(self.spec.links.iter().map(Link::name));
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
        self.urls.extend(ports.map(|(service, port)| (service, format!("http://127.0.0.1:{port}"))));
        // Clients reach a leader that is to be cut off through the relay in front of it.
        let leads = self.spec.links.iter().any(|link| link.node == LEADER);
        let leader = if leads { link_name(LEADER) } else { LEADER.to_owned() };
        let url = |service: String| match self.urls.get(&service) {
            Some(url) => Ok(url.clone()),
            None => Err(ClusterError::Node {
                node: service,
                reason: "the engine published no port for it".into(),
                log: String::new(),
            }),
        };
        Ok(Endpoints { leader: url(leader)?, followers: self.followers().map(url).collect::<Result<_, _>>()? })
    }

    /// Everything that the Compose file takes from its environment.
    fn environment(&self) -> BTreeMap<String, String> {
        let mut env = self.spec.environment();
        let way_to = |name: String| match self.spec.links.iter().find(|link| link.node == name) {
            Some(link) => format!("http://{}:{NODE_PORT}", link.name()),
            None => format!("http://{name}:{NODE_PORT}"),
        };
        let urls: Vec<String> = self.followers().map(way_to).collect();
        env.insert("FOLLOWERS".into(), urls.join(","));
        env.insert("LABNODE_IMAGE".into(), self.image.clone());
        // A health check is a process in the container. labctl asks the nodes itself.
        env.insert("LABNODE_HEALTH_INTERVAL".into(), "1h".into());
        env.insert("LABCTL_OWNER".into(), Owner::this().to_string());
        env.insert("LABCTL_FOLDER".into(), self.folder.to_string_lossy().into_owned());
        if self.ports == Ports::Free {
            env.insert("LEADER_PORT".into(), "0".into());
            let in_file = (0..FOLLOWERS_IN_FILE as usize).map(follower_name);
            env.extend(in_file.map(|name| (format!("{}_PORT", name.to_uppercase()), "0".into())));
        }
        env
    }

    fn followers(&self) -> impl Iterator<Item = String> {
        (0..self.spec.followers as usize).map(follower_name)
    }
}

impl Cluster for ComposeCluster {
    fn up(&mut self, cancel: &CancellationToken) -> Result<Endpoints, ClusterError> {
        let overlay = overlay::write(&self.project, &self.spec)?;
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
