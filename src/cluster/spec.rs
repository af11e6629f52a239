//! What a cluster is asked to be.

use crate::config::{Experiment, ExperimentName, RelayedLink, relayed_links};
use crate::model::{NodeId, NodeSpec, Quorum};

/// A cluster to start.
#[derive(Debug, Clone, PartialEq)]
pub struct ClusterSpec {
    /// The experiment's name, for projects and messages.
    pub experiment: ExperimentName,
    /// W, for projects and messages.
    pub quorum: Quorum,
    /// The nodes in the order in which they start.
    pub nodes: Vec<NodeSpec>,
    /// Links that lead through a relay because a fault works on them.
    pub links: Vec<RelayedLink>,
}

impl ClusterSpec {
    /// The cluster of one run of an experiment, made of these nodes.
    #[must_use]
    pub fn new(name: &ExperimentName, experiment: &Experiment, quorum: Quorum, nodes: Vec<NodeSpec>) -> Self {
        let links = relayed_links(&experiment.faults, experiment.followers);
        Self { experiment: name.clone(), quorum, nodes, links }
    }

    /// The followers, in order.
    pub fn followers(&self) -> impl Iterator<Item = NodeId> {
        let mut followers: Vec<NodeId> = self.nodes.iter().map(|spec| spec.node).collect();
        followers.retain(|node| !node.is_leader());
        followers.sort_unstable();
        followers.into_iter()
    }

    /// The link that leads to a node through a relay. `None` if it leads there directly.
    #[must_use]
    pub fn link_to(&self, node: NodeId) -> Option<&RelayedLink> {
        self.links.iter().find(|link| link.node == node)
    }
}
