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

/// Whether the tools get this variable of the user's environment.
pub(super) fn passes(name: &OsString) -> bool {
    ENGINE.iter().chain(&SYSTEM).any(|allowed| name == allowed)
}

/// The variables of the user's environment that say which engine is used, as `NAME=value`.
pub(in crate::cluster) fn engine_variables() -> Vec<String> {
    set(&ENGINE).map(|(name, value)| format!("{name}={value}")).collect()
}

/// Those of `names`, variables that a Compose file takes from its user, that are set; labctl
/// ignores them.
pub(in crate::cluster) fn ignored_variables(names: &'static [&'static str]) -> Vec<&'static str> {
    set(names).map(|(name, _)| name).collect()
}

/// Those of these variables that are set and not blank.
fn set(names: &'static [&'static str]) -> impl Iterator<Item = (&'static str, String)> {
    let value = |name: &'static str| Some((name, std::env::var_os(name)?.to_string_lossy().into_owned()));
    names.iter().copied().filter_map(value).filter(|(_, value)| !value.trim().is_empty())
}

#[cfg(test)]
mod tests {
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
}
