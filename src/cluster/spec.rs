//! What a cluster is asked to be.

use crate::config::{Experiment, ExperimentName};
use crate::model::{Dialer, NodeId, NodeSpec, Quorum};
use crate::network::{ProxiedLink, link_between, proxied_links};

/// A cluster to start.
#[derive(Debug, Clone, PartialEq)]
pub struct ClusterSpec {
    /// The experiment's name, for projects and messages.
    pub experiment: ExperimentName,
    /// W, for projects and messages.
    pub quorum: Quorum,
    /// The nodes in the order in which they start.
    pub nodes: Vec<NodeSpec>,
    /// Links that lead through a proxy.
    pub links: Vec<ProxiedLink>,
}

impl ClusterSpec {
    /// The cluster of one run of an experiment, made of these nodes. `dialer` opens the connections
    /// over which they replicate; `own_delays` says whether they inject the delays themselves.
    #[must_use]
    pub fn new(
        name: &ExperimentName,
        experiment: &Experiment,
        quorum: Quorum,
        nodes: Vec<NodeSpec>,
        dialer: Dialer,
        own_delays: bool,
    ) -> Self {
        let links = proxied_links(experiment, dialer, own_delays);
        Self { experiment: name.clone(), quorum, nodes, links }
    }

    /// The followers, in order.
    pub fn followers(&self) -> impl Iterator<Item = NodeId> {
        let mut followers: Vec<NodeId> = self.nodes.iter().map(|spec| spec.node).collect();
        followers.retain(|node| !node.is_leader());
        followers.sort_unstable();
        followers.into_iter()
    }

    /// Whether a node listens for other nodes on another port than for clients.
    #[must_use]
    pub fn has_peer_port(&self, node: NodeId) -> bool {
        self.nodes.iter().any(|spec| spec.node == node && spec.has_peer_port())
    }

    /// The link through whose proxy clients reach the leader. `None` if they reach it directly.
    #[must_use]
    pub fn way_of_clients(&self) -> Option<&ProxiedLink> {
        link_between(&self.links, None, NodeId::Leader)
    }

    /// The link through whose proxy a node reaches another one. `None` if it reaches it directly.
    #[must_use]
    pub fn way(&self, from: NodeId, to: NodeId) -> Option<&ProxiedLink> {
        link_between(&self.links, Some(from), to)
    }
}
