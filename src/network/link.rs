//! The links that lead through a proxy, and what each proxy is told of its link.

use std::collections::BTreeMap;

use crate::config::{Experiment, Fault};
use crate::model::{Dialer, Distribution, LinkDelays, NodeId};

/// A link that leads through a proxy. Where nodes connect [both ways](Dialer::Both), all links between the leader and its
/// followers are one: the leader has one address for all of them.
#[derive(Debug, Clone, PartialEq)]
pub struct ProxiedLink {
    node: NodeId,
    dialer: Dialer,
    /// What the proxy delays. `None`: the system does that itself, or it is the way of clients, which takes no time.
    delays: Option<LinkDelays>,
    seed: u64,
    /// How long a delay stays as it is; empty if the experiment does not say.
    coherence_ms: String,
}

impl ProxiedLink {
    /// The follower at its end; the leader for the link between clients and the leader, and for all links in one.
    #[must_use]
    pub fn node(&self) -> NodeId {
        self.node
    }

    /// The name of the link, and of its proxy's service, process and log: `link-f1`.
    #[must_use]
    pub fn name(&self) -> String {
        name(self.node)
    }

    /// Whether clients connect to the proxy.
    #[must_use]
    pub fn is_for_clients(&self) -> bool {
        self.node.is_leader() && self.dialer != Dialer::Both
    }

    /// The node that connects to the proxy. `None` if clients do, or all followers.
    #[must_use]
    pub fn from(&self) -> Option<NodeId> {
        match (self.node, self.dialer) {
            (NodeId::Leader, _) => None,
            (NodeId::Follower(_), Dialer::Leader) => Some(NodeId::Leader),
            (follower @ NodeId::Follower(_), Dialer::Follower | Dialer::Both) => Some(follower),
        }
    }

    /// The node to which the proxy connects.
    #[must_use]
    pub fn to(&self) -> NodeId {
        match self.dialer {
            Dialer::Leader => self.node,
            Dialer::Follower | Dialer::Both => NodeId::Leader,
        }
    }

    /// Whether `from` reaches a node through its proxy; `from` is `None` for clients.
    fn leads(&self, from: Option<NodeId>, to: NodeId) -> bool {
        let is_taken = if self.dialer == Dialer::Both { from.is_some() } else { from == self.from() };
        is_taken && to == self.to()
    }

    /// The environment of its proxy, which passes on to `to`, listens on `listen` and takes orders on `control`: all are
    /// `HOST:PORT`.
    #[must_use]
    pub fn environment(&self, to: &str, listen: &str, control: &str) -> BTreeMap<String, String> {
        // What clients send to a leader are writes.
        let dialer_writes = self.is_for_clients() || self.dialer == Dialer::Leader;
        let text = |delay: Option<&Distribution>| delay.map(ToString::to_string).unwrap_or_default();
        let (write, ack) = self.delays.as_ref().map_or((None, None), |link| (Some(&link.write), link.ack.as_ref()));
        // A container that is described like a node's has the node's variables too: what is blank counts as not set.
        let variables = [
            ("NODE_NAME", self.name()),
            ("PROXY_TO", to.to_owned()),
            ("LISTEN_ADDR", listen.to_owned()),
            ("CONTROL_ADDR", control.to_owned()),
            ("WRITES_FROM", if dialer_writes { "dialer" } else { "target" }.to_owned()),
            ("DELAY", text(write)),
            ("ACK_DELAY", text(ack)),
            ("DELAY_SEED", self.seed.to_string()),
            ("REPLICATION_COHERENCE_MS", self.coherence_ms.clone()),
        ];
        variables.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

/// The name of the proxy of a link, by the link's node.
pub(super) fn name(node: NodeId) -> String {
    format!("link-{node}")
}

/// Every link that leads through a proxy, by node. Those to followers all do, unless the system injects the delays
/// itself (`own_delays`); then only those do that faults cut or slow. A leader is cut off from all nodes, so that takes
/// all links. Where nodes connect [both ways](Dialer::Both), one proxy stands for all links, which then have one delay.
#[must_use]
pub fn proxied_links(experiment: &Experiment, dialer: Dialer, own_delays: bool) -> Vec<ProxiedLink> {
    let followers = experiment.followers;
    let links = if own_delays { Vec::new() } else { experiment.network.links(followers.get()) };
    let seed = experiment.seed;
    let coherence_ms = experiment.network.coherence_ms.map(|ms| ms.to_string()).unwrap_or_default();
    if dialer == Dialer::Both {
        return vec![ProxiedLink {
            node: NodeId::Leader,
            dialer,
            delays: links.into_iter().next(),
            seed,
            coherence_ms,
        }];
    }
    let mut delays: BTreeMap<NodeId, LinkDelays> = NodeId::followers(followers).zip(links).collect();
    let is_disturbed = |node: NodeId| experiment.faults.iter().any(|fault| works_on(fault, node));
    let link = |node| match delays.remove(&node) {
        None if !is_disturbed(node) => None,
        delays => Some(ProxiedLink { node, dialer, delays, seed, coherence_ms: coherence_ms.clone() }),
    };
    NodeId::all(followers).filter_map(link).collect()
}

/// The link through whose proxy `from` reaches a node; `from` is `None` for clients. `None` if the way is direct.
#[must_use]
pub fn link_between(links: &[ProxiedLink], from: Option<NodeId>, to: NodeId) -> Option<&ProxiedLink> {
    links.iter().find(|link| link.leads(from, to))
}

/// Whether a fault cuts or slows the link of a node.
fn works_on(fault: &Fault, node: NodeId) -> bool {
    fault.kind.works_on_links() && (fault.node.is_leader() || fault.node == node)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;
    use crate::config::{CutFrom, FaultKind, FollowerNetwork, Kill, Network, Partition, Slow, Trigger};

    fn fault(node: &str, kind: FaultKind) -> Fault {
        Fault { at: Trigger::Write(1), node: node.parse().unwrap(), kind, until: None }
    }

    fn cut(node: &str) -> Fault {
        fault(node, FaultKind::Partition(Partition { from: CutFrom::All }))
    }

    fn experiment(network: Network, faults: Vec<Fault>) -> Experiment {
        Experiment { network, faults, followers: 3.try_into().unwrap(), ..Experiment::default() }
    }

    /// No delays but that f2 takes 5 ms, and its acknowledgements 2 ms.
    fn only_f2_takes_time() -> Network {
        let far = FollowerNetwork {
            ack_delay: Some("constant(2)".parse().unwrap()),
            extra_ms: 5.0.try_into().unwrap(),
            ..FollowerNetwork::default()
        };
        Network {
            delay: "constant(0)".parse().unwrap(),
            follower: [(NodeId::Follower(1), far)].into(),
            ..Network::default()
        }
    }

    fn names(links: &[ProxiedLink]) -> Vec<String> {
        links.iter().map(ProxiedLink::name).collect()
    }

    #[test]
    fn a_system_with_its_own_delays_has_a_proxy_where_a_fault_works_on_a_link() {
        let links = |faults| names(&proxied_links(&experiment(Network::default(), faults), Dialer::Leader, true));
        assert_eq!(links(vec![fault("f1", FaultKind::Kill(Kill {}))]), [""; 0]);
        assert_eq!(links(vec![fault("f2", FaultKind::Slow(Slow { delay_ms: 9 })), cut("f2")]), ["link-f2"]);
        assert_eq!(links(vec![cut("leader")]), ["link-leader", "link-f1", "link-f2", "link-f3"]);
    }

    #[test]
    fn a_system_without_has_one_on_every_link() {
        let links = |faults| names(&proxied_links(&experiment(Network::default(), faults), Dialer::Follower, false));
        assert_eq!(links(Vec::new()), ["link-f1", "link-f2", "link-f3"]);
        assert_eq!(links(vec![cut("f1")]), ["link-f1", "link-f2", "link-f3"]);
        assert_eq!(links(vec![cut("leader")]), ["link-leader", "link-f1", "link-f2", "link-f3"]);
    }

    #[test]
    fn a_proxy_is_told_where_it_stands_and_what_it_delays() {
        let told = |dialer, own_delays, link: usize| {
            let links = proxied_links(&experiment(only_f2_takes_time(), vec![cut("leader")]), dialer, own_delays);
            let told = links[link].environment("f2:8000", "0.0.0.0:8000", "0.0.0.0:9000");
            ["NODE_NAME", "WRITES_FROM", "DELAY", "ACK_DELAY"].map(|name| told[name].clone())
        };
        assert_eq!(told(Dialer::Leader, false, 2), ["link-f2", "dialer", "5+constant(0)", "constant(2)"]);
        assert_eq!(told(Dialer::Follower, false, 2), ["link-f2", "target", "5+constant(0)", "constant(2)"]);
        assert_eq!(told(Dialer::Follower, false, 3), ["link-f3", "target", "constant(0)", ""]);
        assert_eq!(told(Dialer::Leader, true, 2), ["link-f2", "dialer", "", ""], "a node's own delays are not its");
        assert_eq!(told(Dialer::Follower, false, 0), ["link-leader", "dialer", "", ""]);
        let told = |network: Network| {
            let link = &proxied_links(&experiment(network, Vec::new()), Dialer::Leader, false)[0];
            let told = link.environment("f1:8000", "0.0.0.0:8000", "0.0.0.0:9000");
            ["PROXY_TO", "LISTEN_ADDR", "CONTROL_ADDR", "DELAY_SEED", "REPLICATION_COHERENCE_MS"]
                .map(|name| told[name].clone())
        };
        assert_eq!(told(Network::default()), ["f1:8000", "0.0.0.0:8000", "0.0.0.0:9000", "42", ""]);
        let coherent = Network { coherence_ms: Some(2.5.try_into().unwrap()), ..Network::default() };
        assert_eq!(told(coherent)[4], "2.5");
    }

    #[test]
    fn nodes_that_connect_both_ways_reach_their_leader_through_one_proxy() {
        let links = proxied_links(&experiment(only_f2_takes_time(), Vec::new()), Dialer::Both, false);
        assert_eq!(names(&links), ["link-leader"]);
        assert!(!links[0].is_for_clients());
        let told = links[0].environment("leader:1", "0.0.0.0:1", "0.0.0.0:9000");
        assert_eq!((told["WRITES_FROM"].as_str(), told["DELAY"].as_str()), ("target", "constant(0)"));
        let (leader, f1, f2) = (NodeId::Leader, NodeId::Follower(0), NodeId::Follower(1));
        let between = |from, to| link_between(&links, from, to).is_some();
        // The leader too: all nodes have to be told the same address of it.
        assert!([leader, f1, f2].iter().all(|from| between(Some(*from), leader)));
        assert!(!between(None, leader) && !between(Some(leader), f1) && !between(Some(f2), f1));
    }

    #[test]
    fn a_proxy_stands_in_front_of_the_node_that_is_dialled() {
        let all = |dialer| proxied_links(&experiment(Network::default(), vec![cut("leader")]), dialer, true);
        let (leader, f3) = (NodeId::Leader, NodeId::Follower(2));
        let between = |dialer, from, to| link_between(&all(dialer), from, to).map(ProxiedLink::node);
        for dialer in [Dialer::Leader, Dialer::Follower] {
            assert_eq!(between(dialer, None, leader), Some(leader));
            assert_eq!(between(dialer, None, f3), None, "clients reach followers directly");
        }
        assert_eq!(between(Dialer::Leader, Some(leader), f3), Some(f3));
        assert_eq!(between(Dialer::Leader, Some(f3), leader), None);
        assert_eq!(between(Dialer::Follower, Some(f3), leader), Some(f3));
        assert_eq!(between(Dialer::Follower, Some(leader), f3), None);
    }
}
