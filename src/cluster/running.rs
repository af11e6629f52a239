//! Nodes that run already: labctl reaches them, and neither starts nor stops anything.

use std::collections::BTreeMap;

use tokio_util::sync::CancellationToken;

use super::backend::{Backend, PlayCluster};
use super::{Cluster, ClusterError, ClusterSpec};
use crate::model::{Act, BackendFacts, Endpoints, NodeId};

/// The name of this backend in manifests. No list has it: it follows from the system.
const NAME: &str = "running";

/// Nodes of a system that somebody else has started.
#[derive(Debug)]
pub(super) struct RunningBackend {
    /// Where they are reached.
    pub(super) endpoints: Endpoints,
    /// The system's name.
    pub(super) system: String,
}

impl Backend for RunningBackend {
    fn name(&self) -> &'static str {
        NAME
    }

    fn describe(&self) -> String {
        format!("{NAME}: labctl starts no nodes")
    }

    fn cluster(&self, _: ClusterSpec) -> Result<Box<dyn Cluster>, ClusterError> {
        Ok(Box::new(RunningCluster(self.endpoints.clone())))
    }

    fn only_one_at_a_time(&self) -> Option<&'static str> {
        Some("all runs have the same nodes, which run already")
    }

    fn play(&self, _: ClusterSpec) -> Result<PlayCluster, String> {
        Err(format!("the nodes of {} run already: there is nothing to start", self.system))
    }
}

/// A cluster that somebody else has started.
#[derive(Debug)]
struct RunningCluster(Endpoints);

impl Cluster for RunningCluster {
    fn up(&mut self, _: &CancellationToken) -> Result<Endpoints, ClusterError> {
        Ok(self.0.clone())
    }

    /// Always refused: labctl did not start these nodes, so it does not break them.
    fn inject(&mut self, node: NodeId, _: &[Act], _: &CancellationToken) -> Result<Endpoints, ClusterError> {
        Err(ClusterError::Setup(format!("labctl has not started {node}, so it cannot break it")))
    }

    fn start_epoch(&mut self) -> Result<(), ClusterError> {
        Ok(())
    }

    fn check(&mut self, _: &CancellationToken) -> Result<(), ClusterError> {
        Ok(())
    }

    fn logs(&mut self) -> BTreeMap<String, Vec<u8>> {
        BTreeMap::new()
    }

    fn down(&mut self) -> Result<(), ClusterError> {
        Ok(())
    }

    fn facts(&self) -> BackendFacts {
        BackendFacts::named(NAME)
    }
}
