//! One Compose project: the containers and the network that belong to one name.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::cluster::docker::{Call, Docker, tail};
use crate::cluster::{ClusterError, Owner};
use crate::model::ComposeFile;

/// How long the engine may take to answer a question.
const QUESTION_LIMIT: Duration = Duration::from_secs(20);

/// How long it may take to stop and remove a project.
const DOWN_LIMIT: Duration = Duration::from_secs(60);

/// How often one removes by hand what Compose has left, and the pause in between.
const SWEEPS: u32 = 5;
const SWEEP_PAUSE: Duration = Duration::from_millis(200);

/// How often the engine must say that nothing is left of an `up` that was broken off.
pub(super) const LOOKS_AFTER_BREAK: u32 = 3;

/// What the engine says of a network that is still in use.
const IN_USE: &str = "has active endpoints";

/// The port on which every proxy takes orders in its container, unless that is too near to the nodes' own.
const CONTROL_PORT: u16 = 9000;
/// The port on which it does so then.
const OTHER_CONTROL_PORT: u16 = 9900;

/// The port on which every proxy takes orders, where nodes listen on `node_port`. Not one next to it: the
/// engine would list the two as a range.
pub(super) const fn control_port(node_port: u16) -> u16 {
    if node_port.abs_diff(CONTROL_PORT) <= 1 { OTHER_CONTROL_PORT } else { CONTROL_PORT }
}

/// The label by which Compose, of any version, marks what belongs to a project.
const PROJECT_LABEL: &str = "com.docker.compose.project";

/// The labels by which our file marks what labctl has started.
pub(super) const OWNER_LABEL: &str = "labctl.owner";
pub(super) const FOLDER_LABEL: &str = "labctl.folder";

/// A Compose project of our file.
#[derive(Debug, Clone)]
pub(super) struct Project {
    docker: Docker,
    /// The project's folder.
    root: PathBuf,
    /// Its Compose file.
    file: PathBuf,
    name: String,
}

/// What has become of a project that was to be removed.
#[derive(Debug)]
pub(super) enum Removal {
    /// Nothing of it is left.
    Complete,
    /// Its empty network is left. Docker 20.10 rarely says that a network is in use whose containers are all gone, until the engine
    /// is started anew: nothing can be done about that, and no run is to be lost for it.
    NetworkKept(ClusterError),
}

/// A container of a project, as the engine lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Container {
    /// The service it runs, which is the node's name.
    pub(super) service: String,
    /// The container's id.
    pub(super) id: String,
    /// `created`, `running`, `exited`, ...
    pub(super) state: String,
    /// The ports of the loopback interface that lead to its own, by these.
    pub(super) ports: BTreeMap<u16, u16>,
}

impl Project {
    /// A project of a Compose file of the checkout.
    pub(super) fn of_file(docker: Docker, root: &Path, file: &ComposeFile, name: &str) -> Self {
        let path = root.join(file.compose_file);
        Self { docker, root: root.to_owned(), file: path, name: name.to_owned() }
    }

    /// A project whose Compose file is generated.
    pub(super) fn generated(docker: Docker, name: &str) -> Self {
        let file = docker.file(&format!("{name}.yml"));
        Self { root: docker.folder().to_owned(), file, docker, name: name.to_owned() }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn docker(&self) -> &Docker {
        &self.docker
    }

    pub(super) fn file(&self) -> &Path {
        &self.file
    }

    /// A file that is only this project's, removed with the Docker.
    pub(super) fn own_file(&self) -> PathBuf {
        self.docker.file(&format!("{}.yml", self.name))
    }

    /// A Compose command on this project, with a second file where there is one.
    pub(super) fn compose(&self, over: Option<PathBuf>, limit: Duration) -> Call {
        let mut args: Vec<OsString> =
            vec!["-p".into(), self.name.clone().into(), "-f".into(), self.file.clone().into()];
        args.extend(over.into_iter().flat_map(|over| ["-f".into(), over.into()]));
        args.extend(["--project-directory".into(), self.root.clone().into()]);
        self.docker.compose(limit).args(args).dir(&self.root)
    }

    /// The project's containers, stopped ones too, by service.
    pub(super) fn containers(&self, cancel: &CancellationToken) -> Result<Vec<Container>, ClusterError> {
        let listing = self
            .docker
            .client(QUESTION_LIMIT)
            .args(["ps", "--all", "--no-trunc", "--filter", &filter(&self.name), "--format"])
            .args([r#"{{.Label "com.docker.compose.service"}}|{{.ID}}|{{.State}}|{{.Ports}}"#])
            .read(cancel)?;
        let mut containers: Vec<Container> = listing.lines().filter_map(parse_container).collect();
        containers.sort_by(|a, b| a.service.cmp(&b.service));
        Ok(containers)
    }

    /// What a container has printed so far, both streams in order.
    pub(super) fn log(&self, id: &str) -> Result<Vec<u8>, ClusterError> {
        let call = self.docker.client(QUESTION_LIMIT).args(["logs", id]).merged();
        call.printed(&CancellationToken::new())
    }

    /// The last lines of a container's log, or why it cannot be had.
    pub(super) fn log_tail(&self, id: &str) -> String {
        self.log(id).map_or_else(|error| format!("its log cannot be had: {error}"), |log| tail(&log))
    }

    /// Stops and removes the project. Compose does it, and what it overlooks is removed here:
    /// an engine goes on with what a client had asked of it before it was killed, so that
    /// containers still turn up later. Therefore one looks `looks` times.
    pub(super) fn down(&self, looks: u32) -> Result<(), ClusterError> {
        let never = CancellationToken::new();
        let arguments = ["down", "--volumes", "--remove-orphans", "--timeout", "2"];
        let problem = self.compose(None, DOWN_LIMIT).args(arguments).read(&never).err();
        if let Removal::NetworkKept(why) = sweep_until_gone(&self.docker, &self.name, looks, problem)? {
            let name = &self.name;
            tracing::warn!("an empty network of the project {name} is left, which the engine does not remove: {why}");
        }
        Ok(())
    }
}

/// Removes what has a project's label until nothing was found `looks` times. `problem` is what went
/// wrong before, the error if that does not work.
fn sweep_until_gone(
    docker: &Docker,
    name: &str,
    looks: u32,
    mut problem: Option<ClusterError>,
) -> Result<Removal, ClusterError> {
    let mut empty = 0;
    for _ in 0..looks + SWEEPS {
        match sweep(docker, name) {
            Ok(true) => empty += 1,
            Ok(false) => empty = 0,
            // An engine that hangs would be waited for again and again.
            Err(error @ ClusterError::Deadline { .. }) => return Err(error),
            Err(error) => problem = Some(error),
        }
        if empty >= looks {
            return Ok(Removal::Complete);
        }
        thread::sleep(SWEEP_PAUSE);
    }
    let problem =
        problem.unwrap_or_else(|| ClusterError::Setup(format!("the Compose project {name} does not go away")));
    if problem.to_string().contains(IN_USE) && ids(docker, name, &["ps", "--all", "--quiet"])?.is_empty() {
        return Ok(Removal::NetworkKept(problem));
    }
    Err(problem)
}

/// Looks for containers, networks and volumes of a project and removes them; true if there were none.
fn sweep(docker: &Docker, name: &str) -> Result<bool, ClusterError> {
    let never = CancellationToken::new();
    let containers = ids(docker, name, &["ps", "--all", "--quiet"])?;
    let networks = ids(docker, name, &["network", "ls", "--quiet"])?;
    let volumes = ids(docker, name, &["volume", "ls", "--quiet"])?;
    let clean = containers.is_empty() && networks.is_empty() && volumes.is_empty();
    if !containers.is_empty() {
        let call = docker.client(DOWN_LIMIT).args(["rm", "--force", "--volumes"]);
        call.args(containers).read(&never)?;
    }
    if !networks.is_empty() {
        docker.client(DOWN_LIMIT).args(["network", "rm"]).args(networks).read(&never)?;
    }
    if !volumes.is_empty() {
        docker.client(DOWN_LIMIT).args(["volume", "rm"]).args(volumes).read(&never)?;
    }
    Ok(clean)
}

fn ids(docker: &Docker, name: &str, question: &[&str]) -> Result<Vec<String>, ClusterError> {
    let call = docker.client(QUESTION_LIMIT).args(question.iter().copied());
    let listing = call.args(["--filter", &filter(name)]).read(&CancellationToken::new())?;
    Ok(listing.lines().map(str::to_owned).collect())
}

fn filter(name: &str) -> String {
    format!("label={PROJECT_LABEL}={name}")
}

/// A line of the listing, e.g. `f1|c12|running|127.0.0.1:32768->8000/tcp`.
fn parse_container(line: &str) -> Option<Container> {
    let mut fields = line.splitn(4, '|').map(str::to_owned);
    let (service, id, state, ports) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
    let ports = ports.split(", ").filter_map(|mapping| {
        let (outside, inside) = mapping.split_once("->")?;
        Some((inside.strip_suffix("/tcp")?.parse().ok()?, outside.rsplit_once(':')?.1.parse().ok()?))
    });
    Some(Container { service, id, state, ports: ports.collect() })
}

/// A project that some labctl has started and that is still there, running or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectLeft {
    /// The project's name.
    pub name: String,
    /// The process that started it.
    pub owner: Owner,
    /// The folder it was started in.
    pub folder: PathBuf,
}

/// Every project on the engine that a labctl has started, by name: those that still run for
/// it, the cluster to play with, and what a killed labctl left behind.
///
/// # Errors
/// [`ClusterError`].
pub fn projects_left(docker: &Docker, cancel: &CancellationToken) -> Result<Vec<ProjectLeft>, ClusterError> {
    let label = |name| format!("{{{{.Label {name:?}}}}}");
    let format = [PROJECT_LABEL, OWNER_LABEL, FOLDER_LABEL].map(label).join("|");
    let filter = format!("label={OWNER_LABEL}");
    let mut found = BTreeMap::new();
    for question in [&["ps", "--all"][..], &["network", "ls"]] {
        let call = docker.client(QUESTION_LIMIT).args(question.iter().copied());
        let listing = call.args(["--filter", &filter, "--format", &format]).read(cancel)?;
        found.extend(listing.lines().filter_map(parse_left).map(|left| (left.name.clone(), left)));
    }
    Ok(found.into_values().collect())
}

/// A project started by hand has the label too, but an empty one.
fn parse_left(line: &str) -> Option<ProjectLeft> {
    let mut fields = line.splitn(3, '|');
    let (name, owner, folder) = (fields.next()?, fields.next()?, fields.next()?);
    (!name.is_empty() && !owner.is_empty()).then(|| ProjectLeft {
        name: name.to_owned(),
        owner: owner.into(),
        folder: folder.into(),
    })
}

/// Removes a project of any system, also one that another labctl started. A labctl may have been
/// killed while the engine was still starting what it had asked for.
///
/// # Errors
/// [`ClusterError`] naming what is left.
pub(super) fn remove_project(docker: &Docker, name: &str) -> Result<Removal, ClusterError> {
    sweep_until_gone(docker, name, LOOKS_AFTER_BREAK, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listing_gives_state_and_port() {
        let read = |line| parse_container(line).map(|c| (c.service, c.id, c.state, c.ports));
        let owned = |service: &str, state: &str, ports: &[(u16, u16)]| {
            Some((service.to_owned(), "c12".to_owned(), state.to_owned(), ports.iter().copied().collect()))
        };
        assert_eq!(read("f1|c12|running|127.0.0.1:32768->8000/tcp"), owned("f1", "running", &[(8000, 32768)]));
        assert_eq!(read("f2|c12|running|8000/tcp, 127.0.0.1:81->8000/tcp"), owned("f2", "running", &[(8000, 81)]));
        assert_eq!(read("f3|c12|exited|"), owned("f3", "exited", &[]));
        assert_eq!(read("f3"), None);
        let proxy = read("link-f1|c12|running|127.0.0.1:90->9000/tcp, 127.0.0.1:81->8000/tcp, 53/udp");
        assert_eq!(proxy, owned("link-f1", "running", &[(8000, 81), (9000, 90)]));
    }

    #[test]
    fn projects_without_an_owner_are_not_ours() {
        let owner = Owner::this();
        let listed = format!("labctl-quorum-w1-00|{owner}|/a b");
        let left = ProjectLeft { name: "labctl-quorum-w1-00".into(), owner, folder: "/a b".into() };
        assert_eq!(parse_left(&listed), Some(left));
        assert_eq!(parse_left("lab||"), None);
        assert_eq!(parse_left(""), None);
    }
}
