//! What a cluster is asked to be.

use std::collections::BTreeMap;

use crate::config::{Experiment, ExperimentName, RelayedLink, relayed_links};
use crate::model::{Dialer, NodeId, NodeSpec, Quorum};

/// A cluster to start.
#[derive(Debug, Clone, PartialEq)]
pub struct ClusterSpec {
    /// The experiment's name, for projects and messages.
    pub experiment: ExperimentName,
    /// W, for projects and messages.
    pub quorum: Quorum,
    /// The nodes in the order in which they start.
    pub nodes: Vec<NodeSpec>,
    /// Who opens the connections of a link, and so on which side its relay stands.
    pub dialer: Dialer,
    /// Links that lead through a relay.
    pub links: Vec<RelayedLink>,
}

impl ClusterSpec {
    /// The cluster of one run of an experiment, made of these nodes. Every link to a follower leads
    /// through a relay unless the nodes delay their messages themselves (`own_delays`); then only
    /// those do on which a fault works.
    #[must_use]
    pub fn new(
        name: &ExperimentName,
        experiment: &Experiment,
        quorum: Quorum,
        nodes: Vec<NodeSpec>,
        dialer: Dialer,
        own_delays: bool,
    ) -> Self {
        let broken = relayed_links(&experiment.faults, experiment.followers);
        let delayed = NodeId::followers(experiment.followers).filter(|_| !own_delays);
        let delayed = delayed.map(|node| (node, RelayedLink { node, delay_ms: 0 }));
        let links: BTreeMap<NodeId, RelayedLink> =
            delayed.chain(broken.into_iter().map(|link| (link.node, link))).collect();
        Self { experiment: name.clone(), quorum, nodes, dialer, links: links.into_values().collect() }
    }

    /// The followers, in order.
    pub fn followers(&self) -> impl Iterator<Item = NodeId> {
        let mut followers: Vec<NodeId> = self.nodes.iter().map(|spec| spec.node).collect();
        followers.retain(|node| !node.is_leader());
        followers.sort_unstable();
        followers.into_iter()
    }

    /// The relay through which clients reach the leader. `None` if they reach it directly.
    #[must_use]
    pub fn way_of_clients(&self) -> Option<&RelayedLink> {
        self.links.iter().find(|link| link.node.is_leader())
    }

    /// The relay through which a node reaches another one. `None` if it reaches it directly.
    #[must_use]
    pub fn way(&self, from: NodeId, to: NodeId) -> Option<&RelayedLink> {
        let follower = match (self.dialer, from, to) {
            (Dialer::Leader, NodeId::Leader, follower @ NodeId::Follower(_))
            | (Dialer::Follower, follower @ NodeId::Follower(_), NodeId::Leader) => follower,
            _ => return None,
        };
        self.links.iter().find(|link| link.node == follower)
    }

    /// The node in front of which the relay of a link stands.
    #[must_use]
    pub fn behind(&self, link: &RelayedLink) -> NodeId {
        match self.dialer {
            Dialer::Leader => link.node,
            Dialer::Follower => NodeId::Leader,
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;
    use crate::config::{CutFrom, Fault, FaultKind, Trigger};

    fn spec(dialer: Dialer, own_delays: bool, cut: Option<NodeId>) -> ClusterSpec {
        let kind = FaultKind::Partition { from: CutFrom::All };
        let faults = cut.map(|node| Fault { at: Trigger::Write(1), node, kind, until: None });
        let experiment = Experiment {
            faults: faults.into_iter().collect(),
            followers: 2.try_into().unwrap(),
            ..Experiment::default()
        };
        ClusterSpec::new(&"a".parse().unwrap(), &experiment, 1.try_into().unwrap(), Vec::new(), dialer, own_delays)
    }

    fn links(spec: &ClusterSpec) -> Vec<String> {
        spec.links.iter().map(RelayedLink::name).collect()
    }

    const F1: NodeId = NodeId::Follower(0);

    #[test]
    fn a_system_without_delays_of_its_own_has_a_relay_on_every_link() {
        assert!(links(&spec(Dialer::Leader, true, None)).is_empty());
        assert_eq!(links(&spec(Dialer::Leader, true, Some(F1))), ["link-f1"]);
        assert_eq!(links(&spec(Dialer::Leader, false, None)), ["link-f1", "link-f2"]);
        assert_eq!(links(&spec(Dialer::Follower, false, Some(NodeId::Leader))), ["link-leader", "link-f1", "link-f2"]);
    }

    #[test]
    fn a_relay_stands_in_front_of_the_node_that_is_dialled() {
        let name = |link: Option<&RelayedLink>| link.map(RelayedLink::name);
        let leader_dials = spec(Dialer::Leader, false, None);
        assert_eq!(name(leader_dials.way(NodeId::Leader, F1)).as_deref(), Some("link-f1"));
        assert_eq!(name(leader_dials.way(F1, NodeId::Leader)), None);
        assert_eq!(leader_dials.behind(&leader_dials.links[0]), F1);
        let followers_dial = spec(Dialer::Follower, false, Some(NodeId::Leader));
        assert_eq!(name(followers_dial.way(F1, NodeId::Leader)).as_deref(), Some("link-f1"));
        assert_eq!(name(followers_dial.way(NodeId::Leader, F1)), None);
        assert_eq!(name(followers_dial.way(F1, NodeId::Follower(1))), None);
        assert!(followers_dial.links.iter().all(|link| followers_dial.behind(link).is_leader()));
        assert_eq!(name(followers_dial.way_of_clients()).as_deref(), Some("link-leader"));
    }
}
