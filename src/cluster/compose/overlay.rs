//! The second Compose file: services that the committed one does not have.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use super::project::Project;
use super::{CONTROL_PORT, FOLLOWERS_IN_FILE, NODE_PORT};
use crate::cluster::{ClusterError, ClusterSpec};
use crate::config::Link;
use crate::data::follower_name;

/// Writes a file with the followers and relays that the project's own file lacks; `None` where it
/// lacks nothing. A real file, since Compose before 2.0 reads standard input only as its sole file.
///
/// # Errors
/// When the checkout's path cannot be named in a file, or the file cannot be written.
pub(super) fn write(project: &Project, spec: &ClusterSpec) -> Result<Option<PathBuf>, ClusterError> {
    let file = project.file();
    let named = file.to_str().ok_or_else(|| {
        ClusterError::Setup(format!("{}: a path that is not UTF-8 cannot be named to Compose", file.display()))
    })?;
    let Some(text) = services(named, spec) else { return Ok(None) };
    let over = project.docker().file(&format!("{}.yml", project.name()));
    fs::write(&over, text).map_err(ClusterError::temporary)?;
    Ok(Some(over))
}

/// The text of that file; `file` is the path of the project's own.
fn services(file: &str, spec: &ClusterSpec) -> Option<String> {
    // JSON is YAML; and to Compose a dollar sign begins a variable, but a doubled one does not.
    let file = serde_json::Value::from(file).to_string().replace('$', "$$");
    let mut text = String::from("services:\n");
    for name in (FOLLOWERS_IN_FILE as usize..spec.followers as usize).map(follower_name) {
        let _ = writeln!(
            text,
            "  {name}: {{ extends: {{ file: {file}, service: f1 }}, environment: {{ NODE_NAME: {name} }} }}"
        );
    }
    for link in &spec.links {
        let Link { node, delay_ms } = link;
        let name = link.name();
        let _ = writeln!(
            text,
            "  {name}: {{ extends: {{ file: {file}, service: f1 }}, command: [relay], environment: {{ NODE_NAME: \
             {name}, RELAY_TO: \"{node}:{NODE_PORT}\", RELAY_DELAY_MS: \"{delay_ms}\", CONTROL_ADDR: \
             \"0.0.0.0:{CONTROL_PORT}\" }}, ports: [\"127.0.0.1:0:{CONTROL_PORT}\"] }}"
        );
    }
    (spec.followers > FOLLOWERS_IN_FILE || !spec.links.is_empty()).then_some(text)
}
