//! The placeholders of commands and environments.

use crate::model::NodeId;

/// The placeholders that are known once it is known which node is meant.
pub(super) const OF_THE_NODE: [&str; 3] = ["role", "name", "index"];

/// All placeholders of commands and environments.
pub(super) const ALL: [&str; 18] = [
    "role",
    "name",
    "index",
    "host",
    "port",
    "folder",
    "quorum",
    "followers",
    "follower_count",
    "leader",
    "leader_url",
    "min_delay_ms",
    "max_delay_ms",
    "min_delay_s",
    "max_delay_s",
    "replication_timeout_s",
    "request_timeout_s",
    "seed",
];

/// Those that need a delay with bounds.
pub(super) const DELAYS: [&str; 4] = ["min_delay_ms", "max_delay_ms", "min_delay_s", "max_delay_s"];

/// What a placeholder of [`OF_THE_NODE`] stands for.
pub(super) fn of_the_node(node: NodeId, placeholder: &str) -> String {
    match placeholder {
        "role" => if node.is_leader() { "leader" } else { "follower" }.to_owned(),
        "name" => node.to_string(),
        "index" => node.follower_index().map_or(0, |index| index + 1).to_string(),
        _ => String::new(),
    }
}
