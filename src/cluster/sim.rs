//! Virtual time as a backend: a simulation runs the nodes inside labctl, and no cluster is started.

use std::sync::Arc;

use super::backend::{Backend, BackendKind, BackendRequest, PlayCluster, Refusal};
use super::{Cluster, ClusterError, ClusterSpec};
use crate::model::VIRTUAL_TIME;

/// Virtual time, in the list of backends and once it was chosen.
#[derive(Debug, Clone, Copy)]
pub(super) struct SimKind;

impl BackendKind for SimKind {
    fn name(&self) -> &'static str {
        VIRTUAL_TIME
    }

    fn title(&self) -> &'static str {
        "virtual time"
    }

    fn merit(&self) -> &'static str {
        "labctl brings it along"
    }

    fn prepare(&self, _: &BackendRequest<'_>, _: Option<String>) -> Result<Arc<dyn Backend>, Refusal> {
        Ok(Arc::new(*self))
    }
}

impl Backend for SimKind {
    fn name(&self) -> &'static str {
        VIRTUAL_TIME
    }

    fn describe(&self) -> String {
        format!("{VIRTUAL_TIME}: virtual time")
    }

    fn cluster(&self, _: ClusterSpec) -> Result<Box<dyn Cluster>, ClusterError> {
        Err(ClusterError::Setup("nodes in virtual time cannot be reached from outside".into()))
    }

    fn play(&self, _: ClusterSpec) -> Result<PlayCluster, String> {
        Err(format!("the {VIRTUAL_TIME} backend has no cluster to play with: its nodes live in virtual time"))
    }

    fn is_virtual_time(&self) -> bool {
        true
    }
}
