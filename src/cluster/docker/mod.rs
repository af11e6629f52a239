//! The Docker client: what there is of it, and how it is called.

mod advice;
mod call;
mod environment;

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

pub(super) use advice::advice;
pub(super) use call::{Call, tail};
pub(super) use environment::{engine_variables, ignored_variables};
use tokio_util::sync::CancellationToken;

use super::ClusterError;
use super::folder::OwnedFolder;

/// How long the engine may take to say which version it is.
const PROBE_LIMIT: Duration = Duration::from_secs(5);

/// How long Compose may take to say which it is: no engine is asked, but the old one is a Python
/// program, which takes its time to start on a busy machine.
const COMPOSE_PROBE_LIMIT: Duration = Duration::from_secs(30);

/// The oldest stand-alone Compose that reads our file (it has no `version:`).
const OLDEST_COMPOSE: (u32, u32) = (1, 27);

/// An empty file: where Compose is told to look for variables.
const NO_VARIABLES: &str = "no-variables";

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
    /// Files that its programs read; removed with the last clone.
    files: Arc<OwnedFolder>,
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
    /// An engine is there and says nothing in time.
    #[error("no Docker engine answers: nothing heard within {} s", .0.as_secs())]
    Silent(Duration),
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
            Self::NoEngine(_) | Self::Silent(_) => {
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
    let call = tool(&programs.docker, PROBE_LIMIT).args(["version", "--format", "{{.Server.Version}}"]);
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
        Err(ClusterError::Deadline { limit, .. }) => Err(Unavailable::Silent(limit)),
        Err(error) => Err(Unavailable::Unasked(error)),
    }
}

fn probe_compose(programs: &Programs, engine: String, cancel: &CancellationToken) -> Result<DockerFacts, Unavailable> {
    let plugin = tool(&programs.docker, COMPOSE_PROBE_LIMIT).args(["compose", "version", "--short"]);
    let standalone = tool(&programs.standalone, COMPOSE_PROBE_LIMIT).args(["version", "--short"]);
    let mut seen = String::new();
    for (call, plugin) in [(plugin, true), (standalone, false)] {
        match call.read(cancel) {
            Ok(version) if new_enough(&version) => {
                let compose = version.trim_start_matches('v').to_owned();
                return Ok(DockerFacts { engine, compose, plugin });
            }
            Ok(version) => seen = format!("version {version} is too old"),
            // Either the plug-in or the separate program is enough.
            Err(ClusterError::Spawn { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {}
            Err(ClusterError::Failed { stderr, status, .. }) => {
                if seen.is_empty() {
                    seen = stderr.lines().next().map_or(status, str::to_owned);
                }
            }
            Err(error @ (ClusterError::Interrupted | ClusterError::Temporary { .. })) => {
                return Err(Unavailable::Unasked(error));
            }
            Err(error) => seen = error.to_string(),
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
        let made = OwnedFolder::new().and_then(|files| fs::write(files.path().join(NO_VARIABLES), "").map(|()| files));
        let files = made.map_err(|source| Unavailable::Unasked(ClusterError::temporary(source)))?;
        Ok(Self { programs, facts, files: Arc::new(files) })
    }

    /// Which Docker this is.
    #[must_use]
    pub fn facts(&self) -> &DockerFacts {
        &self.facts
    }

    /// A call of the client.
    pub(super) fn client(&self, limit: Duration) -> Call {
        tool(&self.programs.docker, limit)
    }

    /// A call of Compose, whichever there is, that reads no `.env` of the project's folder.
    pub(super) fn compose(&self, limit: Duration) -> Call {
        self.compose_with_env_file(limit).args(["--env-file".into(), self.file(NO_VARIABLES)])
    }

    /// A call of Compose that reads the `.env` of the project's folder.
    pub(super) fn compose_with_env_file(&self, limit: Duration) -> Call {
        if self.facts.plugin { self.client(limit).args(["compose"]) } else { tool(&self.programs.standalone, limit) }
    }

    /// The folder of those files.
    pub(super) fn folder(&self) -> &Path {
        self.files.path()
    }

    /// A file of this name that is removed when this Docker and its clones are dropped.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.files.path().join(name)
    }
}

/// A call that depends on labctl, but for where the engine is.
fn tool(program: &OsString, limit: Duration) -> Call {
    // Python, in which old Compose is written, takes file names for ASCII without a locale.
    Call::new(program, limit).keep_env(environment::passes).env("LANG", "C.UTF-8")
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
