//! The Compose file of a system that runs from an image: services for its nodes and proxies.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::{Map, Value, json};

use super::service::{self, Labels, escaped};
use crate::cluster::setup::{StepWriter, shell_arguments};
use crate::cluster::{ClusterError, ClusterSpec};
use crate::model::{ImageSpec, Lifecycle, NodeId, NodeSpec, Place, Text};
use crate::network::ProxiedLink;

/// The folder of each node in its container: in memory, gone once the container stops.
// Below /dev, which is new at each start: runc gives a tmpfs over a folder that is left from an earlier start the
// mode of that folder, so that another user could not write to it any more.
const FOLDER: &str = "/dev/labctl";

/// What the services of a project have in common.
pub(super) struct ProjectSetting<'a> {
    /// The nodes and links.
    pub(super) spec: &'a ClusterSpec,
    /// How a node runs from its image.
    pub(super) image: &'a ImageSpec,
    /// The id of that image.
    pub(super) image_id: &'a str,
    /// The id of the proxies' image.
    pub(super) proxy_id: &'a str,
    /// The labels by which a labctl finds what another has left behind.
    pub(super) labels: Labels,
    /// The leader's port on the loopback interface, the followers' following it. `None`: free ones.
    pub(super) first_port: Option<u16>,
    /// Where the nodes' files are written.
    pub(super) files: &'a Path,
}

/// Writes the Compose file and the files that it names.
///
/// # Errors
/// When a file cannot be written, or its path cannot be named in another.
pub(super) fn write(file: &Path, setting: &ProjectSetting<'_>) -> Result<(), ClusterError> {
    let mut services = Map::new();
    for node in &setting.spec.nodes {
        services.insert(node.node.to_string(), setting.node(node)?);
    }
    // Compose gives them the project's label, by which all that is left of a project is found.
    let stored = setting.spec.nodes.iter().filter(|spec| spec.lifecycle.storage.is_some());
    let volumes: BTreeMap<String, Value> = stored.map(|spec| (volume(spec.node), json!({}))).collect();
    for link in &setting.spec.links {
        let port = setting.port_of(link.to());
        let proxy = service::proxy(link, &link.to().to_string(), port, setting.proxy_id, &setting.labels);
        services.insert(link.name(), Value::Object(proxy));
    }
    // No `version`: the stand-alone Compose takes the file for one of the Compose specification.
    let networks = json!({ "default": { "labels": setting.labels } });
    let text = json!({ "services": services, "networks": networks, "volumes": volumes });
    fs::write(file, text.to_string()).map_err(ClusterError::temporary)
}

impl ProjectSetting<'_> {
    /// The service of a node.
    fn node(&self, spec: &NodeSpec) -> Result<Value, ClusterError> {
        let node = spec.node;
        let fill = |text: &Text| self.fill(node, text);
        let Lifecycle { setup, storage, user, stop } = &spec.lifecycle;
        let arguments = spec.arguments.iter().map(fill);
        let mut command: Vec<String> = self.image.command.iter().cloned().chain(arguments).collect();
        let mut entry_point = None;
        if !setup.is_empty() {
            let name = |program: &Path| program.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let writer = StepWriter { program: &name, fill: &fill, folder: FOLDER, storage: self.image.storage };
            command = shell_arguments(setup, &writer, command);
            entry_point = Some(["/bin/sh"]);
        }
        let command: Vec<String> = command.iter().map(|word| escaped(word)).collect();
        let environment = spec.environment.iter().map(|(name, text)| (name.clone(), escaped(&fill(text))));
        let environment: BTreeMap<String, String> = environment.collect();
        let mut volumes = Vec::new();
        for (name, text) in &spec.files {
            let file = self.files.join(node.to_string()).join(name);
            let folder = file.parent().unwrap_or(self.files);
            fs::create_dir_all(folder).and_then(|()| fs::write(&file, fill(text))).map_err(ClusterError::temporary)?;
            let source = file.to_str().ok_or_else(|| {
                ClusterError::Setup(format!("{}: a path that is not UTF-8 cannot be named to Compose", file.display()))
            })?;
            // The long form: with the short one the engine makes a folder of a file that it does not see.
            let target = format!("{FOLDER}/{}", escaped(name));
            volumes.push(json!({ "type": "bind", "source": escaped(source), "target": target, "read_only": true }));
        }
        if storage.is_some() {
            volumes.push(json!({ "type": "volume", "source": volume(node), "target": self.image.storage }));
        }
        let outside = self.first_port.map_or(0, |first| u32::from(first) + offset(node));
        let port = self.image.port;
        let mut service = service::common(self.image_id, &self.labels, &[format!("127.0.0.1:{outside}:{port}")]);
        service.insert("environment".into(), json!(environment));
        service.insert("tmpfs".into(), json!([format!("{FOLDER}:mode=1777")]));
        service.insert("volumes".into(), json!(volumes));
        service.insert("stop_signal".into(), json!(stop.signal.name()));
        service.insert("stop_grace_period".into(), json!(format!("{}s", stop.limit.as_secs())));
        service.extend(user.iter().map(|user| ("user".to_owned(), json!(user.name))));
        service.extend(entry_point.map(|shell| ("entrypoint".to_owned(), json!(shell))));
        if !command.is_empty() {
            service.insert("command".into(), json!(command));
        }
        Ok(Value::Object(service))
    }

    /// The port at which other nodes reach a node.
    fn port_of(&self, node: NodeId) -> u16 {
        let port = self.image.port;
        if self.spec.has_peer_port(node) { peer_port(port) } else { port }
    }

    /// A text of a node with every place filled in.
    fn fill(&self, node: NodeId, text: &Text) -> String {
        text.fill(|place| match place {
            Place::Host => "0.0.0.0".to_owned(),
            Place::Port | Place::DirectPortOf(_) => self.image.port.to_string(),
            Place::PeerPort => peer_port(self.image.port).to_string(),
            Place::PortOf(other) => self.port_of(other).to_string(),
            Place::Folder => FOLDER.to_owned(),
            Place::Storage => self.image.storage.to_owned(),
            Place::DirectHostOf(other) => other.to_string(),
            Place::HostOf(other) => self.spec.way(node, other).map_or_else(|| other.to_string(), ProxiedLink::name),
        })
    }
}

/// The port on which a node listens for other nodes in its container, if it has one for them, by its port for clients.
pub(super) const fn peer_port(port: u16) -> u16 {
    port + 1
}

/// The volume of a node's durable folder.
fn volume(node: NodeId) -> String {
    format!("{node}-storage")
}

/// The place of a node among all nodes, the leader first.
pub(super) const fn offset(node: NodeId) -> u32 {
    match node {
        NodeId::Leader => 0,
        NodeId::Follower(index) => index + 1,
    }
}
