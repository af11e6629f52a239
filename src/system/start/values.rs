//! What placeholders in commands and environments stand for.

use super::follower_list::FollowerList;
use super::placeholders::of_the_node;
use crate::config::{Experiment, Network};
use crate::model::{NodeId, Place, Text};

/// What placeholders stand for in one run.
#[derive(Debug, Clone, Copy)]
pub(super) struct StartValues<'a> {
    pub(super) experiment: &'a Experiment,
    /// The number that the system is told for W.
    pub(super) quorum: u32,
    pub(super) list: &'a FollowerList,
}

impl StartValues<'_> {
    /// What a placeholder stands for at a node. Empty for one that is unknown.
    pub(super) fn text(&self, node: NodeId, placeholder: &str) -> Text {
        let network = &self.experiment.network;
        let followers = self.experiment.followers;
        let (min_ms, max_ms) = delay_bounds_ms(network, followers.get()).unwrap_or_default();
        let text = match placeholder {
            "host" => return Text::new().place(Place::Host),
            "port" => return Text::new().place(Place::Port),
            "folder" => return Text::new().place(Place::Folder),
            "followers" => return self.list.text(NodeId::followers(followers)),
            "leader" => return Text::new().address_of(NodeId::Leader),
            "leader_url" => return Text::new().url_of(NodeId::Leader),
            "quorum" => self.quorum.to_string(),
            "follower_count" => followers.to_string(),
            "min_delay_ms" => min_ms.to_string(),
            "max_delay_ms" => max_ms.to_string(),
            "min_delay_s" => (min_ms / 1_000.0).to_string(),
            "max_delay_s" => (max_ms / 1_000.0).to_string(),
            "replication_timeout_s" => network.replication_timeout_s.to_string(),
            "request_timeout_s" => network.global_request_timeout_s.to_string(),
            "seed" => self.experiment.seed.to_string(),
            own => of_the_node(node, own),
        };
        Text::from(text)
    }
}

/// The shortest and the longest delay of every copy, in milliseconds. `None` if followers have different delays, if
/// acknowledgements are delayed too, or if the delay is neither uniform nor constant.
pub(super) fn delay_bounds_ms(network: &Network, followers: u32) -> Option<(f64, f64)> {
    let delay = network.common_delay(followers)?;
    delay.as_uniform_ms().or_else(|| delay.as_constant_ms().map(|ms| (ms, ms)))
}
