//! What a cluster is asked to be, and where it then listens.

use std::collections::BTreeMap;

use crate::config::{DelayRange, Experiment, ExperimentName, Link, Network, Quorum, links};
use crate::data::{LEADER, follower_name};

/// A cluster to start: everything that a node's environment depends on.
#[derive(Debug, Clone, PartialEq)]
pub struct ClusterSpec {
    /// The experiment's name, for projects and messages.
    pub experiment: ExperimentName,
    /// W.
    pub quorum: Quorum,
    /// N.
    pub followers: u32,
    /// Delays, limits and order.
    pub network: Network,
    /// Seed of the nodes' delays.
    pub delay_seed: u64,
    /// Ways that lead through a relay, for faults to work on; none without such faults.
    pub links: Vec<Link>,
}

impl ClusterSpec {
    /// The cluster of one run of an experiment.
    #[must_use]
    pub fn new(name: &ExperimentName, experiment: &Experiment, quorum: Quorum) -> Self {
        Self {
            experiment: name.clone(),
            quorum,
            followers: experiment.followers.get(),
            network: experiment.network.clone(),
            delay_seed: experiment.seed,
            links: links(&experiment.faults, (0..experiment.followers.get() as usize).map(follower_name)),
        }
    }

    /// `leader`, `f1`, ...: every node of the cluster, the leader first.
    #[must_use]
    pub fn nodes(&self) -> Vec<String> {
        std::iter::once(LEADER.to_owned()).chain((0..self.followers as usize).map(follower_name)).collect()
    }

    /// The variables that describe the experiment to a node (DESIGN, section 2), all but
    /// its role, name, address and followers.
    #[must_use]
    pub fn environment(&self) -> BTreeMap<String, String> {
        let network = &self.network;
        let mut pairs = vec![
            ("WRITE_QUORUM", self.quorum.to_string()),
            ("REPLICATION_TIMEOUT_S", network.replication_timeout_s.secs().to_string()),
            ("GLOBAL_REQUEST_TIMEOUT_S", network.global_request_timeout_s.secs().to_string()),
            ("REPLICATION_ORDER", network.order.to_string()),
            ("REPLICATION_CATCH_UP", network.catch_up.to_string()),
            ("DELAY_SEED", self.delay_seed.to_string()),
        ];
        pairs.extend(delays(network, self.followers));
        pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

/// The variables that describe the delays. Those that are not needed are blank, which is as good
/// as not set, so that none of the user's own takes their place.
fn delays(network: &Network, followers: u32) -> Vec<(&'static str, String)> {
    let (min, max, delay) = match DelayRange::of(&network.delay) {
        Some(range) => (range.min_ms().to_string(), range.max_ms().to_string(), String::new()),
        None => (String::new(), String::new(), network.delay.to_string()),
    };
    let common = network.common_link();
    let links = network.links(followers);
    let differing = |text: &dyn Fn(&labnode::delay::LinkDelays) -> Option<String>| {
        let named = links
            .iter()
            .enumerate()
            .filter_map(|(index, link)| Some(format!("{}={}", follower_name(index), text(link)?)));
        named.collect::<Vec<_>>().join(";")
    };
    vec![
        ("MIN_DELAY_MS", min),
        ("MAX_DELAY_MS", max),
        ("DELAY", delay),
        ("ACK_DELAY", common.ack.as_ref().map(ToString::to_string).unwrap_or_default()),
        ("FOLLOWER_DELAYS", differing(&|link| (link.write != common.write).then(|| link.write.to_string()))),
        (
            "FOLLOWER_ACK_DELAYS",
            differing(&|link| (link.ack != common.ack).then(|| link.ack.as_ref().map(ToString::to_string))?),
        ),
    ]
}

/// Base URLs of a running cluster, reachable from labctl.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoints {
    /// The leader's, e.g. `http://127.0.0.1:8080`.
    pub leader: String,
    /// The followers', in index order.
    pub followers: Vec<String>,
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use labnode::config::NodeConfig;

    use super::*;
    use crate::config::{CatchUp, Override};

    /// What the leader of such a network makes of its environment.
    fn leader(network: Network) -> (ClusterSpec, NodeConfig) {
        let experiment = Experiment { network, followers: 3.try_into().unwrap(), ..Experiment::default() };
        let spec = ClusterSpec::new(&"a".parse().unwrap(), &experiment, 1.try_into().unwrap());
        let mut variables = spec.environment();
        variables.insert("ROLE".to_owned(), "leader".to_owned());
        variables.insert("FOLLOWERS".to_owned(), "http://f1:1,http://f2:1,http://f3:1".to_owned());
        let config = NodeConfig::from_vars(|name| variables.get(name).cloned()).unwrap();
        (spec, config)
    }

    #[test]
    fn a_node_has_the_links_of_the_configuration() {
        let far = Override {
            delay: Some("lognormal(90,0.1)".parse().unwrap()),
            ack_delay: Some("empirical(1,2,2.5)".parse().unwrap()),
            extra_ms: 3.5.try_into().unwrap(),
        };
        let overrides = [("f2", Override { extra_ms: 1500.0.try_into().unwrap(), ..Override::default() }), ("f3", far)];
        let follower = overrides.map(|(name, own)| (name.to_owned().try_into().unwrap(), own));
        let network = Network {
            delay: "mixture(0.38*pareto(1.05,1.51),0.62*exponential(5.46448087431694))".parse().unwrap(),
            ack_delay: Some("uniform(0.1,0.2)".parse().unwrap()),
            follower: follower.into(),
            catch_up: CatchUp::Snapshot,
            ..Network::default()
        };
        let (_, config) = leader(network.clone());
        assert_eq!(config.links, network.links(3));
        assert_eq!(config.catch_up, labnode::config::CatchUp::Snapshot);
        // A follower that this cluster does not have is none of the nodes' business.
        let more = [("f5".to_owned().try_into().unwrap(), Override::default())].into();
        assert_eq!(leader(Network { follower: more, ..network }).1.links.len(), 3);
    }

    #[test]
    fn a_plain_network_says_its_bounds() {
        let (spec, config) = leader(Network::default());
        let environment = spec.environment();
        assert_eq!((environment["MIN_DELAY_MS"].as_str(), environment["MAX_DELAY_MS"].as_str()), ("0", "1000"));
        // Blank, so that those of the user's shell do not get through.
        assert!(
            ["DELAY", "ACK_DELAY", "FOLLOWER_DELAYS", "FOLLOWER_ACK_DELAYS"]
                .iter()
                .all(|name| environment[*name].is_empty())
        );
        assert_eq!(config.links, Network::default().links(3));
    }
}
