//! What the Docker client and Compose get of the user's environment: what says where the engine is
//! and how to reach it, and nothing else. Everything that a measurement depends on labctl sets itself.

use std::ffi::OsString;

/// Variables that say which engine is used. labctl says so where one of them is set.
const ENGINE: [&str; 7] = [
    "DOCKER_API_VERSION",
    "DOCKER_CERT_PATH",
    "DOCKER_CONFIG",
    "DOCKER_CONTEXT",
    "DOCKER_HOST",
    "DOCKER_TLS",
    "DOCKER_TLS_VERIFY",
];

/// Variables that any program needs to find its files, its user and the network.
const SYSTEM: [&str; 18] = [
    "ALL_PROXY",
    "HOME",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "LOGNAME",
    "NO_PROXY",
    "PATH",
    "SSH_AUTH_SOCK",
    "TEMP",
    "TMP",
    "TMPDIR",
    "USER",
    "XDG_CONFIG_HOME",
    "XDG_RUNTIME_DIR",
    "all_proxy",
    "http_proxy",
    "https_proxy",
    "no_proxy",
];

/// Variables that docker-compose.yml passes on to nodes, or takes for the deployment, when it is
/// used by hand. labctl sets what it needs of them from experiments.toml and ignores the user's.
const IGNORED: [&str; 25] = [
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
    "REPLICATION_ORDER",
    "REPLICATION_TIMEOUT_S",
    "RUST_LOG",
    "TRACE_CAPACITY",
    "WRITE_QUORUM",
];

/// Whether the tools get this variable of the user's environment.
pub(super) fn passes(name: &OsString) -> bool {
    ENGINE.iter().chain(&SYSTEM).any(|allowed| name == allowed)
}

/// The variables of the user's environment that say which engine is used, as `NAME=value`.
#[must_use]
pub fn engine_variables() -> Vec<String> {
    set(&ENGINE).map(|(name, value)| format!("{name}={value}")).collect()
}

/// The variables of the user's environment that would mean something to docker-compose.yml by
/// hand, and that labctl ignores.
#[must_use]
pub fn ignored_variables() -> Vec<&'static str> {
    set(&IGNORED).map(|(name, _)| name).collect()
}

/// Those of these variables that are set and not blank.
fn set(names: &'static [&'static str]) -> impl Iterator<Item = (&'static str, String)> {
    let value = |name: &'static str| Some((name, std::env::var_os(name)?.to_string_lossy().into_owned()));
    names.iter().copied().filter_map(value).filter(|(_, value)| !value.trim().is_empty())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn only_what_leads_to_the_engine_passes() {
        for name in ["PATH", "HOME", "DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG", "XDG_RUNTIME_DIR"] {
            assert!(passes(&name.into()), "{name}");
        }
        for name in ["COMPOSE_PARALLEL_LIMIT", "DOCKER_BUILDKIT", "DOCKER_DEFAULT_PLATFORM", "RUST_LOG", "PATHS", ""] {
            assert!(!passes(&name.into()), "{name}");
        }
    }

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
        assert_eq!(named, IGNORED.iter().map(|name| (*name).to_owned()).collect());
    }
}
