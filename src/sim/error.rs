//! Why a run in virtual time could not be made.

use std::io;

use crate::cluster::ClusterError;
use crate::load::RecordError;
use crate::model::{NodeId, SystemName};
use crate::system::SessionError;

/// Why a run in virtual time could not be made.
#[derive(Debug, thiserror::Error)]
pub enum SimError {
    /// A node refused its settings, or did not answer.
    #[error("{node}: {reason}")]
    Node {
        /// Which one.
        node: NodeId,
        /// What was seen.
        reason: String,
    },
    /// The experiment measures a system that has no code here.
    #[error("system {0} cannot run in virtual time")]
    System(SystemName),
    /// A fault is for a node that the cluster does not have.
    #[error("there is no node {0}")]
    UnknownNode(NodeId),
    /// A fault could not be injected.
    #[error(transparent)]
    Fault(ClusterError),
    /// The paused clock of tokio could not be set up.
    #[error("cannot start virtual time: {0}")]
    Runtime(#[source] io::Error),
    /// The run's configuration could not be written into its manifest.
    #[error("cannot write the configuration as JSON: {0}")]
    Configuration(#[source] serde_json::Error),
    /// The user asked to stop.
    #[error("interrupted")]
    Interrupted,
}

impl From<RecordError> for SimError {
    fn from(error: RecordError) -> Self {
        match error {
            RecordError::Session(SessionError { node, question, reason, .. }) => {
                Self::Node { node, reason: format!("{question}: {reason}") }
            }
            RecordError::Cluster(error) => Self::Fault(error),
            RecordError::Silent { .. } => Self::Node { node: NodeId::Leader, reason: error.to_string() },
        }
    }
}

/// A fault that could not be injected, as the load driver hears of it.
impl From<SimError> for ClusterError {
    fn from(error: SimError) -> Self {
        match error {
            SimError::Fault(error) => error,
            SimError::Node { node, reason } => Self::Node { node: node.to_string(), reason, log: String::new() },
            SimError::Interrupted => Self::Interrupted,
            SimError::System(_) | SimError::UnknownNode(_) | SimError::Runtime(_) | SimError::Configuration(_) => {
                Self::Setup(error.to_string())
            }
        }
    }
}
