//! The second Compose file: services that the committed one does not have.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;

use super::{FOLLOWERS_IN_FILE, NODE_PORT};
use crate::cluster::{ClusterError, ClusterSpec};
use crate::config::Link;
use crate::data::follower_name;

/// A temporary file with the followers and relays that `file` lacks; none where it lacks nothing.
pub(super) fn file(file: &Path, spec: &ClusterSpec) -> Result<Option<tempfile::TempPath>, ClusterError> {
    let Some(text) = services(file, spec) else {
        return Ok(None);
    };
    let write = || -> std::io::Result<_> {
        let mut file = tempfile::Builder::new().prefix("labctl-").suffix(".yml").tempfile()?;
        file.write_all(text.as_bytes())?;
        Ok(file.into_temp_path())
    };
    write().map(Some).map_err(|source| ClusterError::Setup(format!("cannot write a Compose override file: {source}")))
}

/// The text of that file.
fn services(file: &Path, spec: &ClusterSpec) -> Option<String> {
    let file = serde_json::Value::from(file.to_string_lossy());
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
             {name}, RELAY_TO: \"{node}:{NODE_PORT}\", RELAY_DELAY_MS: \"{delay_ms}\" }} }}"
        );
    }
    (spec.followers > FOLLOWERS_IN_FILE || !spec.links.is_empty()).then_some(text)
}
