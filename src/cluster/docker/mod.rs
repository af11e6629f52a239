//! The Docker client: what there is of it, and how it is called.

mod call;

use std::ffi::OsString;
use std::time::Duration;

pub(super) use call::{Call, tail};
use tokio_util::sync::CancellationToken;

use super::ClusterError;

/// How long the engine may take to say which version it is.
const PROBE_LIMIT: Duration = Duration::from_secs(5);

/// The oldest stand-alone Compose that reads our file (it has no `version:`).
const OLDEST_COMPOSE: (u32, u32) = (1, 27);

/// Names or paths of the programs to use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Programs {
    /// The client, `docker`.
    pub docker: OsString,
    /// The stand-alone Compose, `docker-compose`, used where the client has no plug-in.
    pub standalone: OsString,
}

impl Default for Programs {
    fn default() -> Self {
        Self { docker: "docker".into(), standalone: "docker-compose".into() }
    }
}

/// A Docker engine that answers, with a Compose to drive it.
#[derive(Debug, Clone)]
pub struct Docker {
    programs: Programs,
    facts: DockerFacts,
}

/// Which Docker this is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DockerFacts {
    /// The engine's version.
    pub engine: String,
    /// Compose's version.
    pub compose: String,
    /// Whether that is the client's plug-in (`docker compose`) or the stand-alone program.
    pub plugin: bool,
}

/// Why Docker Compose cannot be used. Its text says what was found, [`Self::advice`] what to do.
#[derive(Debug, thiserror::Error)]
pub enum Unavailable {
    /// There is no client.
    #[error("there is no `{0}` program")]
    NoClient(String),
    /// The engine refuses this user.
    #[error("the Docker engine refuses this user: {0}")]
    Denied(String),
    /// No engine answers.
    #[error("no Docker engine answers: {0}")]
    NoEngine(String),
    /// There is an engine, but no usable Compose.
    #[error("there is a Docker engine ({engine}) but no Docker Compose: {detail}")]
    NoCompose {
        /// The engine's version.
        engine: String,
        /// What was seen instead.
        detail: String,
    },
    /// The question itself could not be asked, or was interrupted.
    #[error(transparent)]
    Unasked(ClusterError),
}

impl Unavailable {
    /// What to do about it, as an imperative clause; empty where there is nothing to advise.
    #[must_use]
    pub fn advice(&self) -> &'static str {
        match self {
            Self::NoClient(_) => "install Docker Engine with its Compose plug-in, or use the process backend",
            Self::Denied(_) => {
                "add the user to the group `docker` (`sudo usermod -aG docker $USER`) and log in again, \
                 or use the process backend"
            }
            Self::NoEngine(_) => {
                "start it (`sudo systemctl start docker`), check DOCKER_HOST, or use the process backend"
            }
            Self::NoCompose { .. } => {
                "install the Compose plug-in (package docker-compose-plugin, docker-compose-v2 or docker-compose, \
                 version 2; `.ci/setup` does it on Debian), or use the process backend"
            }
            Self::Unasked(_) => "",
        }
    }
}

impl From<Unavailable> for ClusterError {
    fn from(reason: Unavailable) -> Self {
        match reason {
            Unavailable::Unasked(error) => error,
            reason => Self::Setup(format!("{reason}; {}", reason.advice())),
        }
    }
}

/// Asks which Docker answers, in a few seconds at most.
///
/// # Errors
/// [`Unavailable`].
pub fn probe(programs: &Programs, cancel: &CancellationToken) -> Result<DockerFacts, Unavailable> {
    let engine = probe_engine(programs, cancel)?;
    probe_compose(programs, engine, cancel)
}

fn probe_engine(programs: &Programs, cancel: &CancellationToken) -> Result<String, Unavailable> {
    let call = Call::new(&programs.docker, PROBE_LIMIT).args(["version", "--format", "{{.Server.Version}}"]);
    match call.read(cancel) {
        Ok(version) if !version.is_empty() => Ok(version),
        Ok(_) => Err(Unavailable::NoEngine("it told no version".into())),
        Err(ClusterError::Spawn { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
            Err(Unavailable::NoClient(programs.docker.to_string_lossy().into_owned()))
        }
        Err(ClusterError::Failed { stderr, status, .. }) => {
            let said = stderr.lines().last().map_or(status, str::to_owned);
            Err(if said.to_lowercase().contains("permission denied") {
                Unavailable::Denied(said)
            } else {
                Unavailable::NoEngine(said)
            })
        }
        Err(ClusterError::Deadline { limit, .. }) => {
            Err(Unavailable::NoEngine(format!("nothing heard within {} s", limit.as_secs())))
        }
        Err(error) => Err(Unavailable::Unasked(error)),
    }
}

fn probe_compose(programs: &Programs, engine: String, cancel: &CancellationToken) -> Result<DockerFacts, Unavailable> {
    let plugin = Call::new(&programs.docker, PROBE_LIMIT).args(["compose", "version", "--short"]);
    let standalone = Call::new(&programs.standalone, PROBE_LIMIT).args(["version", "--short"]);
    let mut seen = String::new();
    for (call, plugin) in [(plugin, true), (standalone, false)] {
        match call.read(cancel) {
            Ok(version) if new_enough(&version) => {
                let compose = version.trim_start_matches('v').to_owned();
                return Ok(DockerFacts { engine, compose, plugin });
            }
            Ok(version) => seen = format!("version {version} is too old"),
            Err(ClusterError::Interrupted) => return Err(Unavailable::Unasked(ClusterError::Interrupted)),
            Err(ClusterError::Failed { stderr, .. }) if seen.is_empty() => {
                seen = stderr.lines().next().unwrap_or_default().to_owned();
            }
            Err(_) => {}
        }
    }
    Err(Unavailable::NoCompose { engine, detail: seen })
}

/// Whether a Compose of this version (`2.26.1-4`, `v2.10.0`, `1.29.2`) reads our file.
fn new_enough(version: &str) -> bool {
    let mut parts = version.trim_start_matches('v').split('.').map(str::parse::<u32>);
    matches!((parts.next(), parts.next()), (Some(Ok(major)), Some(Ok(minor))) if (major, minor) >= OLDEST_COMPOSE)
}

impl Docker {
    /// The Docker that [`probe`] finds.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub fn new(programs: Programs, cancel: &CancellationToken) -> Result<Self, Unavailable> {
        let facts = probe(&programs, cancel)?;
        Ok(Self { programs, facts })
    }

    /// Which Docker this is.
    #[must_use]
    pub fn facts(&self) -> &DockerFacts {
        &self.facts
    }

    /// A call of the client.
    pub(super) fn client(&self, limit: Duration) -> Call {
        clean(Call::new(&self.programs.docker, limit))
    }

    /// A call of Compose, whichever there is.
    pub(super) fn compose(&self, limit: Duration) -> Call {
        if self.facts.plugin {
            self.client(limit).args(["compose"])
        } else {
            clean(Call::new(&self.programs.standalone, limit))
        }
    }
}

/// Keeps out what in the user's environment would make our calls mean something else.
fn clean(call: Call) -> Call {
    let foreign = |name: &OsString| name.to_string_lossy().starts_with("COMPOSE_");
    let names = std::env::vars_os().map(|(name, _)| name).filter(foreign);
    names.fold(call.env_remove("RUST_LOG"), Call::env_remove)
}

#[cfg(test)]
mod tests {
    use super::new_enough;

    #[test]
    fn compose_versions_are_compared_as_numbers() {
        for version in ["1.27.0", "1.29.2", "2.26.1-4", "v2.5.0", "2.40.3+ds1"] {
            assert!(new_enough(version), "{version}");
        }
        for version in ["1.9.0", "1.26.2", "", "dev"] {
            assert!(!new_enough(version), "{version}");
        }
    }
}
