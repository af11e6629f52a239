//! The second Compose file: services that the committed one does not have.

use std::fmt::Write as _;
use std::path::Path;

use super::{FOLLOWERS_IN_FILE, NODE_PORT};
use crate::cluster::ClusterSpec;
use crate::config::Link;
use crate::data::follower_name;

/// The text of a file with the followers and relays that `file` lacks; none where it lacks nothing.
pub(super) fn services(file: &Path, spec: &ClusterSpec) -> Option<String> {
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
