//! The variables by which a node is told of its experiment.

use std::collections::BTreeMap;

use crate::config::Experiment;
use crate::model::{LinkDelays, NodeId, Quorum, as_uniform_ms};

/// The variables that describe an experiment to a node; the node's role, name, address and
/// followers are not among them.
#[must_use]
pub fn environment(experiment: &Experiment, quorum: Quorum) -> BTreeMap<String, String> {
    let network = &experiment.network;
    let mut pairs = vec![
        ("WRITE_QUORUM", quorum.to_string()),
        ("REPLICATION_TIMEOUT_S", network.replication_timeout_s.secs().to_string()),
        ("GLOBAL_REQUEST_TIMEOUT_S", network.global_request_timeout_s.secs().to_string()),
        ("REPLICATION_ORDER", network.order.to_string()),
        ("REPLICATION_CATCH_UP", network.catch_up.to_string()),
        ("REPLICATION_LINK", experiment.link_order().to_string()),
        // Blank is as good as not set.
        ("REPLICATION_COHERENCE_MS", network.coherence_ms.map(|ms| ms.to_string()).unwrap_or_default()),
        ("DELAY_SEED", experiment.seed.to_string()),
    ];
    pairs.extend(delays(experiment));
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// The variables that describe the delays. Those that are not needed are blank, which is as good
/// as not set, so that none of the user's own takes their place.
fn delays(experiment: &Experiment) -> Vec<(&'static str, String)> {
    let network = &experiment.network;
    let (min, max, delay) = match as_uniform_ms(&network.delay) {
        Some((min, max)) => (min.to_string(), max.to_string(), String::new()),
        None => (String::new(), String::new(), network.delay.to_string()),
    };
    let common = network.common_link();
    let links = network.links(experiment.followers.get());
    let differing = |text: &dyn Fn(&LinkDelays) -> Option<String>| {
        let named = NodeId::followers(experiment.followers)
            .zip(&links)
            .filter_map(|(follower, link)| Some(format!("{follower}={}", text(link)?)));
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

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use std::time::Duration;

    use labnode::config::NodeConfig;

    use super::*;
    use crate::config::{FollowerNetwork, Network};
    use crate::model::{CatchUp, LinkOrder};

    /// What the leader of such a network makes of its environment.
    fn leader(network: Network) -> (BTreeMap<String, String>, NodeConfig) {
        let experiment = Experiment { network, followers: 3.try_into().unwrap(), ..Experiment::default() };
        let environment = environment(&experiment, 1.try_into().unwrap());
        let mut variables = environment.clone();
        variables.insert("ROLE".to_owned(), "leader".to_owned());
        variables.insert("FOLLOWERS".to_owned(), "http://f1:1,http://f2:1,http://f3:1".to_owned());
        let config = NodeConfig::from_vars(|name| variables.get(name).cloned()).unwrap();
        (environment, config)
    }

    #[test]
    fn a_node_has_the_links_of_the_configuration() {
        let far = FollowerNetwork {
            delay: Some("lognormal(90,0.1)".parse().unwrap()),
            ack_delay: Some("empirical(1,2,2.5)".parse().unwrap()),
            extra_ms: 3.5.try_into().unwrap(),
        };
        let overrides = [
            ("f2", FollowerNetwork { extra_ms: 1500.0.try_into().unwrap(), ..FollowerNetwork::default() }),
            ("f3", far),
        ];
        let follower = overrides.map(|(name, own)| (name.to_owned().try_into().unwrap(), own));
        let network = Network {
            delay: "mixture(0.38*pareto(1.05,1.51),0.62*exponential(5.46448087431694))".parse().unwrap(),
            ack_delay: Some("uniform(0.1,0.2)".parse().unwrap()),
            follower: follower.into(),
            catch_up: CatchUp::Snapshot,
            link: Some(LinkOrder::Ordered),
            coherence_ms: Some(2.5.try_into().unwrap()),
            ..Network::default()
        };
        let (_, config) = leader(network.clone());
        assert_eq!(config.links, network.links(3));
        assert_eq!(config.catch_up, CatchUp::Snapshot);
        assert_eq!((config.link_order, config.coherence), (LinkOrder::Ordered, Some(Duration::from_micros(2_500))));
        // A follower that this cluster does not have is none of the nodes' business.
        let more = [("f5".to_owned().try_into().unwrap(), FollowerNetwork::default())].into();
        assert_eq!(leader(Network { follower: more, ..network }).1.links.len(), 3);
    }

    #[test]
    fn a_plain_network_says_its_bounds() {
        let (environment, config) = leader(Network::default());
        assert_eq!((environment["MIN_DELAY_MS"].as_str(), environment["MAX_DELAY_MS"].as_str()), ("0", "1000"));
        // Blank, so that those of the user's shell do not get through.
        assert!(
            ["DELAY", "ACK_DELAY", "FOLLOWER_DELAYS", "FOLLOWER_ACK_DELAYS"]
                .iter()
                .all(|name| environment[*name].is_empty())
        );
        assert_eq!(config.links, Network::default().links(3));
        assert_eq!((config.link_order, config.coherence), (LinkOrder::Independent, None));
    }
}
