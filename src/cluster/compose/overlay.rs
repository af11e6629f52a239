//! The Compose overlay: services that the committed file does not have.

use std::fs;
use std::path::PathBuf;

use serde_json::{Map, Value, json};

use super::project::{Project, control_port};
use crate::cluster::{ClusterError, ClusterSpec};
use crate::model::{ComposeFile, NodeId};
use crate::network::program::COMMAND;

/// Writes a file with the followers and proxies that the project's own file lacks, or returns `None`
/// if it has them all. A real file, since Compose before 2.0 reads standard input only as its sole file.
///
/// # Errors
/// When the checkout's path cannot be named in a file, or the file cannot be written.
pub(super) fn write(
    project: &Project,
    spec: &ClusterSpec,
    containers: &ComposeFile,
) -> Result<Option<PathBuf>, ClusterError> {
    let file = project.file();
    let named = file.to_str().ok_or_else(|| {
        ClusterError::Setup(format!("{}: a path that is not UTF-8 cannot be named to Compose", file.display()))
    })?;
    let Some(text) = services(named, spec, containers) else { return Ok(None) };
    let overlay = project.own_file();
    fs::write(&overlay, text).map_err(ClusterError::temporary)?;
    Ok(Some(overlay))
}

/// The text of that file, as JSON, which is YAML; `file` is the path of the project's own.
fn services(file: &str, spec: &ClusterSpec, containers: &ComposeFile) -> Option<String> {
    // To Compose a dollar sign begins a variable, but a doubled one does not.
    let first_follower = json!({ "file": file.replace('$', "$$"), "service": NodeId::Follower(0) });
    let followers = spec.followers().skip(containers.followers.get() as usize).map(|node| {
        let service = json!({ "extends": first_follower, "environment": { "NODE_NAME": node } });
        (node.to_string(), service)
    });
    let proxies = spec.links.iter().map(|link| {
        let to = format!("{}:{}", link.to(), containers.port);
        let control_port = control_port(containers.port);
        let (listen, control) = (format!("0.0.0.0:{}", containers.port), format!("0.0.0.0:{control_port}"));
        let service = json!({
            "extends": first_follower,
            "command": [COMMAND],
            "environment": link.environment(&to, &listen, &control),
            "ports": [format!("127.0.0.1:0:{control_port}")],
        });
        (link.name(), service)
    });
    let services: Map<String, Value> = followers.chain(proxies).collect();
    (!services.is_empty()).then(|| json!({ "services": services }).to_string())
}
