//! The lab's node in containers: the committed `docker-compose.yml`.

use crate::model::{ComposeFile, Followers, ImageRecipe};

/// What the committed `docker-compose.yml` is made of.
pub(super) static CONTAINERS: ComposeFile = ComposeFile {
    compose_file: "docker-compose.yml",
    followers: Followers::constant(5),
    port: 8000,
    recipe: ImageRecipe::LAB,
    image_variable: "LABNODE_IMAGE",
    // A health check is a process in the container. labctl asks the nodes itself.
    variables: &[("LABNODE_HEALTH_INTERVAL", "1h")],
    user_variables: &[
        "ACK_DELAY",
        "DELAY",
        "DELAY_SEED",
        "F1_PORT",
        "F2_PORT",
        "F3_PORT",
        "F4_PORT",
        "F5_PORT",
        "FOLLOWERS",
        "FOLLOWER_ACK_DELAYS",
        "FOLLOWER_DELAYS",
        "GLOBAL_REQUEST_TIMEOUT_S",
        "LABNODE_BINARY",
        "LABNODE_HEALTH_INTERVAL",
        "LABNODE_IMAGE",
        "LABNODE_STAGE",
        "LEADER_PORT",
        "MAX_DELAY_MS",
        "MIN_DELAY_MS",
        "REPLICATION_CATCH_UP",
        "REPLICATION_COHERENCE_MS",
        "REPLICATION_LINK",
        "REPLICATION_ORDER",
        "REPLICATION_TIMEOUT_S",
        "RUST_LOG",
        "TRACE_CAPACITY",
        "WRITE_QUORUM",
    ],
};

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn what_the_compose_file_takes_from_the_user_is_ignored_by_name() {
        let file = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docker-compose.yml")).unwrap();
        let variable = |text: &str| {
            let end = text.find(|c: char| !(c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_'));
            text[..end.unwrap_or(text.len())].to_owned()
        };
        let interpolated = file.split("${").skip(1).map(&variable);
        // `  NAME:` without a value is passed on from the shell.
        let passed_on = file.lines().filter_map(|line| line.trim().strip_suffix(':')).map(&variable);
        let named = interpolated.chain(passed_on).filter(|name| name.len() > 1 && !name.starts_with("LABCTL_"));
        let named: BTreeSet<String> = named.collect();
        assert_eq!(named, CONTAINERS.user_variables.iter().map(|name| (*name).to_owned()).collect());
    }
}
