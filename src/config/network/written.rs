//! A network as manifests record it.

use std::collections::BTreeMap;

use labnode::delay::Distribution;
use serde::{Deserialize, Serialize};

use super::{DelayRange, FollowerName, Network, Override, Timeout};
use crate::model::{CatchUp, ReplicationOrder};

/// The fields of a [`Network`]. A uniform delay in whole milliseconds is written as its two
/// bounds and what is not used is left out: so it was before there was more, and the SHA-256 of
/// the same configuration is the same.
#[derive(Serialize, Deserialize)]
pub(super) struct Written {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    min_delay_ms: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    max_delay_ms: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    delay: Option<Distribution>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ack_delay: Option<Distribution>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    follower: BTreeMap<FollowerName, Override>,
    replication_timeout_s: Timeout,
    global_request_timeout_s: Timeout,
    order: ReplicationOrder,
    #[serde(default, skip_serializing_if = "is_default")]
    catch_up: CatchUp,
}

impl TryFrom<Written> for Network {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let delay = match (written.delay, written.min_delay_ms, written.max_delay_ms) {
            (Some(delay), None, None) => delay,
            (None, Some(min), Some(max)) => DelayRange::new(min, max)?.into(),
            _ => return Err("a network has either delay, or min_delay_ms and max_delay_ms".to_owned()),
        };
        Ok(Self {
            delay,
            ack_delay: written.ack_delay,
            follower: written.follower,
            replication_timeout_s: written.replication_timeout_s,
            global_request_timeout_s: written.global_request_timeout_s,
            order: written.order,
            catch_up: written.catch_up,
        })
    }
}

impl From<Network> for Written {
    fn from(network: Network) -> Self {
        let range = DelayRange::of(&network.delay);
        Self {
            min_delay_ms: range.map(DelayRange::min_ms),
            max_delay_ms: range.map(DelayRange::max_ms),
            delay: range.is_none().then_some(network.delay),
            ack_delay: network.ack_delay,
            follower: network.follower,
            replication_timeout_s: network.replication_timeout_s,
            global_request_timeout_s: network.global_request_timeout_s,
            order: network.order,
            catch_up: network.catch_up,
        }
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
