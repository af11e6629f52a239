//! Which kind of cluster a run gets.

use std::env;
use std::path::PathBuf;

use tokio_util::sync::CancellationToken;

use super::{Cluster, ClusterError, ClusterSpec, ProcessCluster};
use crate::config::BackendChoice;
use crate::host;

/// A backend that was chosen and found to be there.
#[derive(Debug)]
pub enum Backend {
    /// Child processes of labctl.
    Process {
        /// labctl itself.
        program: PathBuf,
        /// Why processes, where nobody asked for them.
        reason: Option<String>,
    },
}

impl Backend {
    /// Makes ready what was asked for; `auto` takes Compose where an engine answers.
    ///
    /// # Errors
    /// When a backend that was named is not to be had.
    pub async fn choose(_choice: BackendChoice, _cancel: &CancellationToken) -> Result<Self, ClusterError> {
        let program = env::current_exe()
            .map_err(|error| ClusterError::Setup(format!("cannot tell where labctl itself is: {error}")))?;
        Ok(Self::Process { program, reason: None })
    }

    /// `compose`, `process` or `sim`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Process { .. } => "process",
        }
    }

    /// The name, and why this one where `auto` chose it.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Process { reason: Some(reason), .. } => format!("process ({reason})"),
            Self::Process { reason: None, .. } => self.name().to_owned(),
        }
    }

    /// A cluster that is not up yet.
    ///
    /// # Errors
    /// When something on this machine keeps it from being prepared.
    pub fn cluster(&self, spec: ClusterSpec) -> Result<Box<dyn Cluster>, ClusterError> {
        match self {
            Self::Process { program, reason } => Ok(Box::new(ProcessCluster::new(spec, program, reason.clone())?)),
        }
    }

    /// SHA-256 of the executable that the nodes run.
    #[must_use]
    pub fn node_sha256(&self) -> Option<String> {
        match self {
            Self::Process { program, .. } => host::file_sha256(program),
        }
    }
}
