//! The nodes as containers, driven through Docker Compose.

mod deployment;
mod image;
mod project;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub use deployment::{Deployment, checkout};
pub use image::NodeImage;
use project::{Container, Project};
pub use project::{ProjectLeft, projects_left, remove_project};
use tokio_util::sync::CancellationToken;

use super::{Cluster, ClusterError, ClusterSpec, Endpoints};
use crate::data::{BackendFacts, LEADER, follower_name};

/// How long the engine may take to create and start all nodes.
const UP_LIMIT: Duration = Duration::from_mins(2);

/// How often the engine must say that nothing is left of an `up` that was broken off.
const LOOKS_AFTER_BREAK: u32 = 3;

/// How many followers the Compose file itself has.
const FOLLOWERS_IN_FILE: u32 = 5;

/// The port on which every node listens in its container.
const NODE_PORT: u16 = 8000;

/// The project of the cluster to play with.
pub const PLAY_PROJECT: &str = "labctl-play";

/// A cluster of containers, one a node, in a Compose project of its own.
#[derive(Debug)]
pub struct ComposeCluster {
    project: Project,
    image: String,
    reason: Option<String>,
    spec: ClusterSpec,
    ports: Ports,
    /// Container ids by node.
    containers: BTreeMap<String, String>,
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
            spec,
            ports,
            containers: BTreeMap::new(),
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

    /// Asks the engine whether every node is still running.
    ///
    /// # Errors
    /// [`ClusterError::Node`] for the first that is not, with the end of its log.
    pub fn check(&self, cancel: &CancellationToken) -> Result<(), ClusterError> {
        self.running(cancel).map(drop)
    }

    /// The nodes' containers, all running.
    fn running(&self, cancel: &CancellationToken) -> Result<BTreeMap<String, Container>, ClusterError> {
        let listed = self.project.containers(cancel)?;
        let mut found: BTreeMap<_, _> = listed.into_iter().map(|one| (one.service.clone(), one)).collect();
        let mut running = BTreeMap::new();
        for node in self.spec.nodes() {
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

    /// Everything that the Compose file takes from its environment.
    fn environment(&self) -> BTreeMap<String, String> {
        let mut env = self.spec.environment();
        let urls: Vec<String> = self.followers().map(|name| format!("http://{name}:{NODE_PORT}")).collect();
        env.insert("FOLLOWERS".into(), urls.join(","));
        env.insert("LABNODE_IMAGE".into(), self.image.clone());
        // A health check is a process in the container. labctl asks the nodes itself.
        env.insert("LABNODE_HEALTH_INTERVAL".into(), "1h".into());
        env.insert("LABCTL_OWNER".into(), std::process::id().to_string());
        let folder = std::env::current_dir().unwrap_or_default();
        env.insert("LABCTL_FOLDER".into(), folder.to_string_lossy().into_owned());
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

    /// A second Compose file with the followers that the first lacks.
    fn override_file(&self) -> Result<Option<tempfile::TempPath>, ClusterError> {
        if self.spec.followers <= FOLLOWERS_IN_FILE {
            return Ok(None);
        }
        let text = more_followers(&self.project.file(), self.followers().skip(FOLLOWERS_IN_FILE as usize));
        let write = || -> std::io::Result<_> {
            let mut file = tempfile::Builder::new().prefix("labctl-").suffix(".yml").tempfile()?;
            file.write_all(text.as_bytes())?;
            Ok(file.into_temp_path())
        };
        write()
            .map(Some)
            .map_err(|source| ClusterError::Setup(format!("cannot write a Compose override file: {source}")))
    }
}

impl Cluster for ComposeCluster {
    fn up(&mut self, cancel: &CancellationToken) -> Result<Endpoints, ClusterError> {
        let over = self.override_file()?;
        let mut call = self.project.compose(over.as_deref(), UP_LIMIT);
        for (name, value) in self.environment() {
            call = call.env(name, value);
        }
        self.progress = Progress::Starting;
        call.args(["up", "--detach", "--no-build"]).args(self.spec.nodes()).read(cancel)?;
        self.progress = Progress::Started;
        let running = self.running(cancel)?;
        self.containers = running.values().map(|one| (one.service.clone(), one.id.clone())).collect();
        let url = |node: &str| match running.get(node).and_then(|one| one.port) {
            Some(port) => Ok(format!("http://127.0.0.1:{port}")),
            None => Err(ClusterError::Node {
                node: node.to_owned(),
                reason: "the engine published no port for it".into(),
                log: String::new(),
            }),
        };
        Ok(Endpoints {
            leader: url(LEADER)?,
            followers: self.followers().map(|name| url(&name)).collect::<Result<_, _>>()?,
        })
    }

    fn logs(&mut self) -> BTreeMap<String, Vec<u8>> {
        let project = &self.project;
        thread::scope(|scope| {
            let asked: Vec<_> =
                self.containers.iter().map(|(node, id)| (node, scope.spawn(move || project.log(id)))).collect();
            let answered = asked.into_iter().filter_map(|(node, log)| Some((node.clone(), log.join().ok()?.ok()?)));
            answered.collect()
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

/// The followers `names` as services like `f1`.
fn more_followers(file: &Path, names: impl Iterator<Item = String>) -> String {
    let file = serde_json::Value::from(file.to_string_lossy());
    let mut text = String::from("services:\n");
    for name in names {
        let _ = writeln!(
            text,
            "  {name}: {{ extends: {{ file: {file}, service: f1 }}, environment: {{ NODE_NAME: {name} }} }}"
        );
    }
    text
}
