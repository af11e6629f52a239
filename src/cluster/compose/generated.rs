//! The Compose file of a system that runs from an image: services for its nodes and proxies.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::{Map, Value, json};

use super::project::control_port;
use crate::cluster::{ClusterError, ClusterSpec};
use crate::model::{ImageSpec, NodeId, NodeSpec, Place, Text};
use crate::network::ProxiedLink;
use crate::network::program::COMMAND;

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
    pub(super) labels: BTreeMap<&'static str, String>,
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
    for link in &setting.spec.links {
        services.insert(link.name(), setting.proxy(link));
    }
    // No `version`: the stand-alone Compose takes the file for one of the Compose specification.
    let text = json!({ "services": services, "networks": { "default": { "labels": setting.labels } } });
    fs::write(file, text.to_string()).map_err(ClusterError::temporary)
}

impl ProjectSetting<'_> {
    /// The service of a node.
    fn node(&self, spec: &NodeSpec) -> Result<Value, ClusterError> {
        let node = spec.node;
        let fill = |text: &Text| self.fill(node, text);
        let arguments: Vec<String> = spec.arguments.iter().map(fill).collect();
        let command: Vec<String> = self.image.command.iter().chain(&arguments).map(|word| escaped(word)).collect();
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
        let outside = self.first_port.map_or(0, |first| first + u16::try_from(offset(node)).unwrap_or_default());
        let port = self.image.port;
        let mut service = self.service(self.image_id, &[format!("127.0.0.1:{outside}:{port}")]);
        service.insert("environment".into(), json!(environment));
        service.insert("tmpfs".into(), json!([format!("{FOLDER}:mode=1777")]));
        service.insert("volumes".into(), json!(volumes));
        if !command.is_empty() {
            service.insert("command".into(), json!(command));
        }
        Ok(Value::Object(service))
    }

    /// The service of a proxy.
    fn proxy(&self, link: &ProxiedLink) -> Value {
        let port = self.image.port;
        let control = control_port(port);
        let (to, listen) = (format!("{}:{port}", link.to()), format!("0.0.0.0:{port}"));
        let mut ports = vec![format!("127.0.0.1:0:{control}")];
        // Clients reach the leader through this one.
        ports.extend(link.from().is_none().then(|| format!("127.0.0.1:0:{port}")));
        let mut service = self.service(self.proxy_id, &ports);
        service.insert("command".into(), json!([COMMAND]));
        let environment = link.environment(&to, &listen, &format!("0.0.0.0:{control}"));
        let escaped: BTreeMap<String, String> =
            environment.into_iter().map(|(name, value)| (name, escaped(&value))).collect();
        service.insert("environment".into(), json!(escaped));
        Value::Object(service)
    }

    /// What all services have.
    fn service(&self, image: &str, ports: &[String]) -> Map<String, Value> {
        let service = json!({
            "image": image,
            // It is there: see `Deployment::prepare`.
            "pull_policy": "never",
            "restart": "no",
            "stop_grace_period": "2s",
            // A health check is a process in the container. labctl asks the nodes itself.
            "healthcheck": { "disable": true },
            "logging": { "driver": "json-file", "options": { "max-size": "10m", "max-file": "2" } },
            "labels": self.labels,
            "ports": ports,
        });
        match service {
            Value::Object(service) => service,
            _ => Map::new(),
        }
    }

    /// A text of a node with every place filled in.
    fn fill(&self, node: NodeId, text: &Text) -> String {
        text.fill(|place| match place {
            Place::Host => "0.0.0.0".to_owned(),
            Place::Port | Place::PortOf(_) => self.image.port.to_string(),
            Place::Folder => FOLDER.to_owned(),
            Place::HostOf(other) => self.spec.way(node, other).map_or_else(|| other.to_string(), ProxiedLink::name),
        })
    }
}

/// The place of a node among all nodes, the leader first.
fn offset(node: NodeId) -> usize {
    node.follower_index().map_or(0, |index| index + 1)
}

/// Text that Compose takes as it is: to it a dollar sign begins a variable, but a doubled one does not.
fn escaped(text: &str) -> String {
    text.replace('$', "$$")
}
