//! A Compose file of the user's: what Compose makes of it, and what labctl makes of that.
//!
//! An overlay could add to the user's file, but take nothing away: neither its fixed ports, which the next run or the
//! user's own cluster may hold, nor `container_name`. So Compose resolves the file (`config`), and labctl runs
//! the changed result.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;

use super::generated::offset;
use super::service::{self, Labels, escaped};
use super::yaml;
use crate::cluster::docker::Docker;
use crate::cluster::{ClusterError, ClusterSpec};
use crate::model::{NodeId, NodeSpec, Place, ProjectSpec, Text};
use crate::network::ProxiedLink;

/// How long Compose may take to read a file: no engine is asked, but the old one is a Python program.
const CONFIG_LIMIT: Duration = Duration::from_secs(30);

/// The network of services that name none.
const DEFAULT_NETWORK: &str = "default";

/// What `{folder}` is in a container of the user's.
const FOLDER: &str = "/tmp";

/// A Compose file as Compose understands it: without variables, anchors and relative paths.
#[derive(Debug, Clone)]
pub(super) struct ResolvedFile {
    file: PathBuf,
    content: Map<String, Value>,
}

/// What a run adds to a file.
pub(super) struct Additions<'a> {
    /// The nodes and links.
    pub(super) cluster: &'a ClusterSpec,
    /// Which services are the nodes.
    pub(super) project: &'a ProjectSpec,
    /// The image of each service.
    pub(super) images: &'a BTreeMap<String, String>,
    /// The id of the proxies' image.
    pub(super) proxy_id: &'a str,
    /// The labels by which a labctl finds what another has left behind.
    pub(super) labels: Labels,
    /// The leader's port on the loopback interface, the followers' following it. `None`: free ones.
    pub(super) first_port: Option<u16>,
}

/// A network that a container is on, as the engine knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct JoinedNetwork {
    /// Its name.
    pub(super) name: String,
    /// By which names the container is found there.
    pub(super) aliases: Vec<String>,
    /// The address that the file gives it.
    pub(super) address: Option<String>,
}

impl ResolvedFile {
    /// Has Compose read the file, with `variables` for its `${...}`.
    ///
    /// # Errors
    /// [`ClusterError::Setup`] if there is no such file, Compose does not understand it, or a service is missing.
    pub(super) fn read(
        docker: &Docker,
        project: &ProjectSpec,
        name: &str,
        variables: &BTreeMap<String, String>,
        cancel: &CancellationToken,
    ) -> Result<Self, ClusterError> {
        let file = std::path::absolute(&project.file).unwrap_or_else(|_| project.file.clone());
        let folder = file.parent().unwrap_or(Path::new("/")).to_owned();
        if !file.is_file() {
            return Err(ClusterError::Setup(no_file(&file, &folder, project)));
        }
        let call = docker.compose_with_env_file(CONFIG_LIMIT).args(["-p", name]);
        let call = call.args(["-f".into(), file.clone(), "--project-directory".into(), folder.clone()]);
        let call =
            variables.iter().fold(call.args(["config"]).dir(folder), |call, (name, value)| call.env(name, value));
        let printed = call.read(cancel).map_err(|error| match error {
            ClusterError::Failed { stderr, .. } => not_understood(&file, project, &complaint(&stderr)),
            other => other,
        })?;
        let content = yaml::parse(&printed).map_err(|error| not_understood(&file, project, &error))?;
        let Value::Object(content) = content else {
            return Err(not_understood(&file, project, "it is empty"));
        };
        let resolved = Self { file, content };
        resolved.check(project)?;
        Ok(resolved)
    }

    fn services(&self) -> impl Iterator<Item = (&str, &Map<String, Value>)> {
        let services = self.content.get("services").and_then(Value::as_object).into_iter().flatten();
        services.filter_map(|(name, service)| Some((name.as_str(), service.as_object()?)))
    }

    fn service(&self, name: &str) -> Option<&Map<String, Value>> {
        self.services().find(|(service, _)| *service == name).map(|(_, service)| service)
    }

    /// Whether every node has a service whose port can be published.
    fn check(&self, project: &ProjectSpec) -> Result<(), ClusterError> {
        let (file, setting) = (self.file.display(), &project.setting);
        for service in project.services.values() {
            let Some(found) = self.service(service) else {
                let there: Vec<&str> = self.services().map(|(name, _)| name).collect();
                let what = format!("{file} has no service {service}, which {setting} names");
                return Err(ClusterError::Setup(format!("{what}; its services are {}", there.join(", "))));
            };
            if let Some(mode) = found.get("network_mode").and_then(Value::as_str) {
                let what = format!("the service {service} of {file} has network_mode {mode}");
                return Err(ClusterError::Setup(format!(
                    "{what}, so that none of its ports can be published: leave network_mode out"
                )));
            }
        }
        Ok(())
    }

    /// The services that are built, with the image that each names, if it names one.
    pub(super) fn built(&self) -> impl Iterator<Item = (&str, &Value, Option<&str>)> {
        let built = self.services().filter_map(|(name, service)| Some((name, service.get("build")?, service)));
        built.map(|(name, build, service)| (name, build, service.get("image").and_then(Value::as_str)))
    }

    /// The services that run from an image that exists, and its name.
    pub(super) fn images(&self) -> impl Iterator<Item = (&str, &str)> {
        let others = self.services().filter(|(_, service)| !service.contains_key("build"));
        others.filter_map(|(name, service)| Some((name, service.get("image")?.as_str()?)))
    }

    /// The networks that a service is on, in a project of this name.
    pub(super) fn networks(&self, service: &str, project: &str) -> Vec<JoinedNetwork> {
        let own = self.service(service);
        let joined = |key: &String| {
            let at = |place: &str| own?.get("networks")?.get(key)?.get(place);
            let declared = self.content.get("networks").and_then(|networks| networks.get(key)?.get("name")?.as_str());
            let more = at("aliases").and_then(Value::as_array).into_iter().flatten();
            let more = more.filter_map(|alias| Some(alias.as_str()?.to_owned()));
            JoinedNetwork {
                name: declared.map_or_else(|| format!("{project}_{key}"), str::to_owned),
                aliases: std::iter::once(service.to_owned()).chain(more).collect(),
                address: at("ipv4_address").and_then(Value::as_str).map(str::to_owned),
            }
        };
        own.map(network_keys).unwrap_or_default().iter().map(joined).collect()
    }

    /// Writes the Compose file of a run.
    ///
    /// # Errors
    /// When it cannot be written, or the user's file has a service with the name of a proxy.
    pub(super) fn write(&self, target: &Path, additions: &Additions<'_>) -> Result<(), ClusterError> {
        let changed = Value::Object(self.changed(additions)?);
        fs::write(target, changed.to_string()).map_err(ClusterError::temporary)
    }

    fn changed(&self, additions: &Additions<'_>) -> Result<Map<String, Value>, ClusterError> {
        let Additions { cluster, project, labels, .. } = additions;
        let mut services = Map::new();
        for (name, service) in self.services() {
            services.insert(name.to_owned(), Value::Object(additions.bystander(name, service)));
        }
        for spec in &cluster.nodes {
            let name = project.service(spec.node);
            let Some(service) = services.get_mut(&name).and_then(Value::as_object_mut) else { continue };
            additions.make_node(spec, service);
        }
        for link in &cluster.links {
            let to = project.service(link.to());
            let port = project.port(link.to());
            let mut proxy = service::proxy(link, &to, port, additions.proxy_id, labels);
            let from = link.from().map(|node| project.service(node));
            let ends = from.iter().chain([&to]).filter_map(|service| self.service(service));
            let networks: BTreeSet<String> = ends.flat_map(network_keys).collect();
            proxy.insert("networks".into(), json!(networks));
            if services.insert(link.name(), Value::Object(proxy)).is_some() {
                let (name, file) = (link.name(), self.file.display());
                return Err(ClusterError::Setup(format!(
                    "{file} has a service {name}, which is the name of a proxy of labctl's: give it another name"
                )));
            }
        }
        let mut content = self.content.clone();
        // labctl says the project's name; without `version` the stand-alone Compose takes the file for one of the
        // Compose specification.
        content.retain(|key, _| key != "name" && key != "version");
        let uses_default = services.values().filter_map(Value::as_object).any(|service| {
            !service.contains_key("network_mode") && network_keys(service).iter().any(|key| key == DEFAULT_NETWORK)
        });
        change(&mut content, "networks", |networks| {
            let default = uses_default.then(|| DEFAULT_NETWORK.to_owned());
            let keys: BTreeSet<String> = networks.keys().cloned().chain(default).collect();
            for key in keys {
                change(networks, &key, |network| {
                    let is_ours = network.get("external").is_none_or(|external| *external == Value::Bool(false));
                    if is_ours {
                        label(network, labels);
                    }
                });
            }
        });
        content.insert("services".into(), Value::Object(services));
        Ok(content)
    }
}

impl Additions<'_> {
    /// A service as it runs beside the nodes: found by its label, without ports and names that another run could need.
    fn bystander(&self, name: &str, service: &Map<String, Value>) -> Map<String, Value> {
        let mut service = service.clone();
        // Ports and names of the whole machine may be taken, by another run or by the user's own cluster.
        service.retain(|key, _| !["ports", "container_name", "build"].contains(&key.as_str()));
        if let Some(image) = self.images.get(name) {
            service.insert("image".into(), json!(image));
        }
        service.insert("pull_policy".into(), json!("never"));
        service.entry("logging").or_insert_with(service::logging);
        label(&mut service, &self.labels);
        // The stand-alone Compose prints a number where it wants a text.
        for part in ["limits", "reservations"] {
            let resources = service.get_mut("deploy").and_then(|deploy| deploy.get_mut("resources")?.get_mut(part));
            if let Some(cpus) = resources.and_then(|resources| resources.get_mut("cpus"))
                && cpus.is_number()
            {
                *cpus = json!(cpus.to_string());
            }
        }
        service
    }

    /// Makes a service one node: a single container, that is not started again unless labctl does it.
    fn make_node(&self, spec: &NodeSpec, service: &mut Map<String, Value>) {
        service.remove("scale");
        if let Some(deploy) = service.get_mut("deploy").and_then(Value::as_object_mut) {
            deploy.retain(|key, _| key != "replicas" && key != "restart_policy");
        }
        service.insert("restart".into(), json!("no"));
        service.insert("stop_grace_period".into(), json!("2s"));
        service.insert("logging".into(), service::logging());
        change(service, "environment", |environment| {
            for (name, text) in &spec.environment {
                let value = fill(self.project, Some(self.cluster), spec.node, text);
                environment.insert(name.clone(), json!(escaped(&value)));
            }
        });
        let outside = self.first_port.map_or(0, |first| u32::from(first) + offset(spec.node));
        service.insert("ports".into(), json!([format!("127.0.0.1:{outside}:{}", self.project.port(spec.node))]));
    }
}

/// The variables that are the same at every node, for the `${...}` of the file: as the leader sees them.
pub(super) fn variables(
    project: &ProjectSpec,
    nodes: &[NodeSpec],
    cluster: Option<&ClusterSpec>,
) -> BTreeMap<String, String> {
    let Some(leader) = nodes.iter().find(|spec| spec.node.is_leader()) else { return BTreeMap::new() };
    let shared = leader
        .environment
        .iter()
        .filter(|(name, text)| nodes.iter().all(|other| other.environment.get(*name) == Some(*text)));
    shared.map(|(name, text)| (name.clone(), fill(project, cluster, NodeId::Leader, text))).collect()
}

/// A text of a node with every place filled in.
fn fill(project: &ProjectSpec, cluster: Option<&ClusterSpec>, node: NodeId, text: &Text) -> String {
    text.fill(|place| match place {
        Place::Host => "0.0.0.0".to_owned(),
        Place::Port | Place::PeerPort => project.port(node).to_string(),
        Place::PortOf(other) | Place::DirectPortOf(other) => project.port(other).to_string(),
        // What a service keeps its own file says.
        Place::Folder | Place::Storage => FOLDER.to_owned(),
        Place::DirectHostOf(other) => project.service(other),
        Place::HostOf(other) => cluster
            .and_then(|cluster| cluster.way(node, other))
            .map_or_else(|| project.service(other), ProxiedLink::name),
    })
}

/// The keys of the networks of a service.
fn network_keys(service: &Map<String, Value>) -> Vec<String> {
    match service.get("networks") {
        Some(Value::Object(networks)) if !networks.is_empty() => networks.keys().cloned().collect(),
        Some(Value::Array(networks)) => networks.iter().filter_map(|key| Some(key.as_str()?.to_owned())).collect(),
        _ => vec![DEFAULT_NETWORK.to_owned()],
    }
}

/// Changes the table under a key; without one an empty one.
fn change(table: &mut Map<String, Value>, key: &str, change: impl FnOnce(&mut Map<String, Value>)) {
    let mut inner = match table.remove(key) {
        Some(Value::Object(inner)) => inner,
        _ => Map::new(),
    };
    change(&mut inner);
    table.insert(key.to_owned(), Value::Object(inner));
}

/// Adds labels to a service or a network.
fn label(table: &mut Map<String, Value>, labels: &Labels) {
    change(table, "labels", |own| own.extend(labels.iter().map(|(name, value)| ((*name).to_owned(), json!(value)))));
}

fn no_file(file: &Path, folder: &Path, project: &ProjectSpec) -> String {
    let names = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.file_name());
    let mut there: Vec<String> = names
        .filter_map(|name| name.into_string().ok())
        .filter(|name| [".yml", ".yaml"].iter().any(|ending| name.ends_with(ending)))
        .collect();
    there.sort();
    let there = if there.is_empty() { "no Compose file".to_owned() } else { there.join(", ") };
    let (file, folder, setting) = (file.display(), folder.display(), &project.setting);
    format!("there is no {file}, which {setting} names; in {folder} there is {there}")
}

fn not_understood(file: &Path, project: &ProjectSpec, why: &str) -> ClusterError {
    let (file, setting) = (file.display(), &project.setting);
    ClusterError::Setup(format!("Compose does not understand {file}, which {setting} names: {why}"))
}

/// What Compose complains of, in one line, without its warnings.
fn complaint(said: &str) -> String {
    let lines = said.lines().map(str::trim).filter(|line| !line.is_empty() && !line.contains("level=warning"));
    lines.collect::<Vec<_>>().join(" ")
}
