//! `[experiment.NAME.network]`: how long messages take, and what happens to late ones.

mod bounds;
mod coherence;
mod display;
mod follower;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::setting::{is_default, settings};
use super::timeout::Timeout;
use crate::model::{CatchUp, Distribution, LinkDelays, LinkOrder, NodeId, ReplicationOrder};

pub use coherence::Coherence;
pub use follower::FollowerNetwork;

settings! {
    /// Injected delays, time limits, and what followers do with late writes.
    #[cfg_attr(test, derive(schemars::JsonSchema))]
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    pub struct Network {
        /// Delay of a write on its way to a follower.
        #[serde(flatten, with = "bounds")]
        #[cfg_attr(test, schemars(schema_with = "crate::model::schema::network_delay"))]
        delay: Distribution = bounds::lab(), read_by bounds::read;
        /// Delay of an acknowledgement on its way back. `None`: it takes no time.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(test, schemars(schema_with = "crate::model::schema::delay"))]
        ack_delay: Option<Distribution> = None;
        /// What differs for single followers.
        #[serde(default, skip_serializing_if = "is_default")]
        follower: BTreeMap<NodeId, FollowerNetwork> = BTreeMap::new();
        /// Whether a link keeps copies in order, as one connection does. `None`: as the system has it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(test, schemars(schema_with = "crate::model::schema::link"))]
        link: Option<LinkOrder> = None, words_if_given "{} links";
        /// How long an ordered link's delay stays as it is. `None`: a tenth of the delay's 99th
        /// percentile, at least 1 ms.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(test, schemars(schema_with = "crate::model::schema::millis"))]
        coherence_ms: Option<Coherence> = None, words_if_given "a new delay every {} ms";
        /// Time limit of one replication, injected delays included.
        replication_timeout_s: Timeout = Timeout::constant(2.0), words_if_changed "replication timeout {} s";
        /// Time limit of one client write.
        global_request_timeout_s: Timeout = Timeout::constant(5.0), words_if_changed "request timeout {} s";
        /// Which of two writes to a key a follower keeps.
        #[cfg_attr(test, schemars(schema_with = "crate::model::schema::order"))]
        order: ReplicationOrder = ReplicationOrder::Arrival, words "{} order";
        /// What the leader does for a follower that lacks writes.
        #[serde(default, skip_serializing_if = "is_default")]
        #[cfg_attr(test, schemars(schema_with = "crate::model::schema::catch_up"))]
        catch_up: CatchUp = CatchUp::Off, words_if_changed "catch-up by {}";
    }
}

/// The chance that a message takes longer than what is called a link's longest delay.
const LONGER: f64 = 0.000_1;

impl Network {
    /// The longest that a message of any link takes, nearly always.
    #[must_use]
    pub fn longest_delay(&self, followers: u32) -> Duration {
        let links = self.links(followers);
        let longest_ms = links.iter().map(|link| {
            let ack_ms = link.ack.as_ref().map_or(0.0, |delay| delay.quantile_ms(1.0 - LONGER));
            link.write.quantile_ms(1.0 - LONGER) + ack_ms
        });
        Duration::from_secs_f64(longest_ms.fold(0.0, f64::max) / 1_000.0)
    }

    /// The delays between the leader and each follower, by follower index.
    #[must_use]
    pub fn links(&self, followers: u32) -> Vec<LinkDelays> {
        (0..followers).map(|index| self.link(NodeId::Follower(index))).collect()
    }

    /// The delays of a follower without settings of its own.
    #[must_use]
    pub fn common_link(&self) -> LinkDelays {
        LinkDelays { write: self.delay.clone(), ack: self.ack_delay.clone() }
    }

    fn link(&self, follower: NodeId) -> LinkDelays {
        let common = self.common_link();
        let Some(own) = self.follower.get(&follower) else {
            return common;
        };
        LinkDelays {
            write: own.delay.clone().unwrap_or(common.write).plus(own.extra_ms),
            ack: own.ack_delay.clone().or(common.ack),
        }
    }

    /// The distribution of every write's delay, if all followers have the same one and their
    /// acknowledgements take no time. Order statistics need both.
    #[must_use]
    pub fn common_delay(&self, followers: u32) -> Option<Distribution> {
        let links = self.links(followers);
        let first = links.first()?;
        let is_common = links.iter().all(|link| link.write == first.write) && self.has_instant_acks(followers);
        is_common.then(|| first.write.clone())
    }

    /// Whether acknowledgements from this many followers take no time.
    #[must_use]
    pub fn has_instant_acks(&self, followers: u32) -> bool {
        self.links(followers).iter().all(|link| is_instant(link.ack.as_ref()))
    }

    /// Whether the delays of this many followers never change.
    #[must_use]
    pub fn has_constant_delays(&self, followers: u32) -> bool {
        let is_constant = |delay: &Distribution| delay.as_constant_ms().is_some();
        let links = self.links(followers);
        links.iter().all(|link| is_constant(&link.write) && link.ack.as_ref().is_none_or(is_constant))
    }

    /// Whether any message to or from this many followers is delayed.
    #[must_use]
    pub fn has_delays(&self, followers: u32) -> bool {
        self.links(followers).iter().any(|link| !is_instant(Some(&link.write)) || !is_instant(link.ack.as_ref()))
    }
}

fn is_instant(delay: Option<&Distribution>) -> bool {
    delay.is_none_or(|delay| delay.as_constant_ms() == Some(0.0))
}

#[cfg(test)]
mod reading_tests;
#[cfg(test)]
mod tests;
