//! Which kind of cluster a run gets.

use std::env;
use std::path::PathBuf;

use tokio_util::sync::CancellationToken;

use super::{
    Cluster, ClusterError, ClusterSpec, ComposeCluster, Deployment, Docker, ProcessCluster, Programs, Unavailable,
};
use crate::config::BackendChoice;
use crate::host;

/// A backend that was chosen and found to be there.
#[derive(Debug, Clone)]
pub enum Backend {
    /// Containers.
    Compose(Deployment),
    /// Child processes of labctl.
    Process {
        /// labctl itself.
        program: PathBuf,
        /// Why processes, where nobody asked for them.
        reason: Option<String>,
    },
    /// Virtual time in this process.
    Sim,
}

impl Backend {
    /// Makes ready what was asked for; `auto` takes Compose where an engine answers. Blocks:
    /// the node's image may have to be built.
    ///
    /// # Errors
    /// When a backend that was named is not to be had, or the image cannot be built.
    pub fn choose(choice: BackendChoice, cancel: &CancellationToken) -> Result<Self, ClusterError> {
        match choice {
            BackendChoice::Compose => Self::compose(Docker::new(Programs::default(), cancel)?, None, cancel),
            BackendChoice::Process => Self::process(None),
            BackendChoice::Auto => match Docker::new(Programs::default(), cancel) {
                Ok(docker) => Self::compose(docker, Some("a Docker engine answers".to_owned()), cancel),
                Err(Unavailable::Unasked(error)) => Err(error),
                Err(unavailable) => Self::process(Some(unavailable.to_string())),
            },
            BackendChoice::Sim => Ok(Self::Sim),
        }
    }

    fn compose(docker: Docker, reason: Option<String>, cancel: &CancellationToken) -> Result<Self, ClusterError> {
        Deployment::prepare(docker, reason, cancel).map(Self::Compose)
    }

    fn process(reason: Option<String>) -> Result<Self, ClusterError> {
        let program = env::current_exe()
            .map_err(|error| ClusterError::Setup(format!("cannot tell where labctl itself is: {error}")))?;
        Ok(Self::Process { program, reason })
    }

    /// `compose`, `process` or `sim`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Compose(_) => "compose",
            Self::Process { .. } => "process",
            Self::Sim => "sim",
        }
    }

    /// The name, with versions, or with why this one where `auto` chose it.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Compose(deployment) => {
                let facts = deployment.docker.facts();
                format!("compose: Docker Engine {}, Compose {}", facts.engine, facts.compose)
            }
            Self::Process { reason: Some(reason), .. } => format!("process: {reason}"),
            Self::Process { reason: None, .. } => "process".to_owned(),
            Self::Sim => "sim: virtual time".to_owned(),
        }
    }

    /// A cluster that is not up yet.
    ///
    /// # Errors
    /// When something on this machine keeps it from being prepared, and in virtual time, where
    /// nothing is up outside a [simulation](crate::simulation).
    pub fn cluster(&self, spec: ClusterSpec) -> Result<Box<dyn Cluster>, ClusterError> {
        match self {
            Self::Compose(deployment) => Ok(Box::new(ComposeCluster::new(deployment, spec))),
            Self::Process { program, reason } => Ok(Box::new(ProcessCluster::new(spec, program, reason.clone()))),
            Self::Sim => Err(ClusterError::Setup("nodes in virtual time cannot be reached from outside".into())),
        }
    }

    /// SHA-256 of the executable that the nodes run; none where it was compiled in a container,
    /// and in virtual time.
    #[must_use]
    pub fn node_sha256(&self) -> Option<String> {
        match self {
            Self::Compose(deployment) => deployment.image.node_sha256.clone(),
            Self::Process { program, .. } => host::file_sha256(program),
            Self::Sim => None,
        }
    }
}
