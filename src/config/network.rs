//! `[experiment.NAME.network]`: how long messages take, and what happens to late ones.

mod words;
mod written;

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use labnode::delay::{Distribution, LinkDelays, Millis, Uniform};
use serde::{Deserialize, Serialize};

use crate::data::follower_name;
use crate::model::{Accepted, CatchUp, ReplicationOrder};

/// The injected network delay of every message, the time limits, and what followers do with
/// what comes late.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "written::Written", into = "written::Written")]
pub struct Network {
    /// Of a write, on its way to a follower.
    pub delay: Distribution,
    /// Of its acknowledgement, on its way back; none takes no time.
    pub ack_delay: Option<Distribution>,
    /// Followers whose ways are others.
    pub follower: BTreeMap<FollowerName, Override>,
    /// Bounds one replication, injected delays included.
    pub replication_timeout_s: Timeout,
    /// Bounds one client write.
    pub global_request_timeout_s: Timeout,
    /// What a follower does with an older write.
    pub order: ReplicationOrder,
    /// What the leader does for a follower that lacks writes.
    pub catch_up: CatchUp,
}

/// `[experiment.NAME.network.follower.fI]`: what differs for this follower.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Override {
    /// Instead of the network's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay: Option<Distribution>,
    /// Instead of the network's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ack_delay: Option<Distribution>,
    /// What comes on top of each write's delay, but not of its acknowledgement's.
    #[serde(default, skip_serializing_if = "Millis::is_zero")]
    pub extra_ms: Millis,
}

impl Network {
    /// The ways between the leader and so many followers, by their index.
    #[must_use]
    pub fn links(&self, followers: u32) -> Vec<LinkDelays> {
        (0..followers).map(|index| self.link(FollowerName(index))).collect()
    }

    /// The way of a follower about which nothing is said.
    #[must_use]
    pub fn common_link(&self) -> LinkDelays {
        LinkDelays { write: self.delay.clone(), ack: self.ack_delay.clone() }
    }

    fn link(&self, follower: FollowerName) -> LinkDelays {
        let common = self.common_link();
        let Some(own) = self.follower.get(&follower) else {
            return common;
        };
        LinkDelays {
            write: own.delay.clone().unwrap_or(common.write).plus(own.extra_ms),
            ack: own.ack_delay.clone().or(common.ack),
        }
    }

    /// The one distribution that all of so many followers' delays have, where acknowledgements
    /// take no time: what order statistics can be told of.
    #[must_use]
    pub fn common_delay(&self, followers: u32) -> Option<Distribution> {
        let links = self.links(followers);
        let first = links.first()?;
        let is_common = links.iter().all(|link| link.write == first.write) && self.has_instant_acks(followers);
        is_common.then(|| first.write.clone())
    }

    /// Whether no acknowledgement from so many followers takes any time.
    #[must_use]
    pub fn has_instant_acks(&self, followers: u32) -> bool {
        self.links(followers).iter().all(|link| is_instant(link.ack.as_ref()))
    }

    /// Whether any message to or from so many followers is delayed.
    #[must_use]
    pub fn has_delays(&self, followers: u32) -> bool {
        self.links(followers).iter().any(|link| !is_instant(Some(&link.write)) || !is_instant(link.ack.as_ref()))
    }
}

fn is_instant(delay: Option<&Distribution>) -> bool {
    delay.is_none_or(|delay| delay.as_constant_ms() == Some(0.0))
}

/// `f1`, `f2`, ...
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FollowerName(u32);

impl FollowerName {
    /// From 0.
    #[must_use]
    pub const fn index(self) -> u32 {
        self.0
    }
}

impl fmt::Display for FollowerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&follower_name(self.0 as usize))
    }
}

impl TryFrom<String> for FollowerName {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        let number = name.strip_prefix('f').and_then(|number| number.parse::<u32>().ok());
        // One way to write it, so that no follower is there twice.
        let follower = number.and_then(|number| number.checked_sub(1)).map(Self);
        follower
            .filter(|follower| follower.to_string() == name)
            .ok_or_else(|| format!("a follower must be f1, f2, ..., not `{name}`"))
    }
}

impl From<FollowerName> for String {
    fn from(name: FollowerName) -> Self {
        name.to_string()
    }
}

/// A uniform delay between two bounds in whole milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DelayRange {
    min_ms: u32,
    max_ms: u32,
}

impl DelayRange {
    /// The longest delay that makes sense, one hour in milliseconds.
    pub const LIMIT_MS: u32 = 3_600_000;

    /// A range in milliseconds.
    ///
    /// # Errors
    /// When it is reversed or goes past [`Self::LIMIT_MS`].
    pub fn new(min_ms: u32, max_ms: u32) -> Result<Self, String> {
        if max_ms > Self::LIMIT_MS {
            return Err(format!("max_delay_ms must be at most {} (an hour), not {max_ms}", Self::LIMIT_MS));
        }
        if min_ms > max_ms {
            return Err(format!("min_delay_ms ({min_ms}) must not exceed max_delay_ms ({max_ms})"));
        }
        Ok(Self { min_ms, max_ms })
    }

    /// The range that a distribution is, if it is one.
    #[must_use]
    pub fn of(distribution: &Distribution) -> Option<Self> {
        let (min_ms, max_ms) = distribution.as_uniform_ms()?;
        let is_plain = distribution.extra().is_zero();
        let whole = |ms: f64| is_plain && ms.fract() == 0.0 && ms <= f64::from(Self::LIMIT_MS);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole, and 0 to an hour")]
        let millis = |ms: f64| whole(ms).then_some(ms as u32);
        Self::new(millis(min_ms)?, millis(max_ms)?).ok()
    }

    /// The shortest delay in milliseconds.
    #[must_use]
    pub const fn min_ms(self) -> u32 {
        self.min_ms
    }

    /// The longest delay in milliseconds.
    #[must_use]
    pub const fn max_ms(self) -> u32 {
        self.max_ms
    }
}

impl From<DelayRange> for Distribution {
    fn from(range: DelayRange) -> Self {
        // An hour in microseconds fits, and the bounds are in order.
        let [min_us, max_us] = [range.min_ms, range.max_ms].map(|ms| ms.saturating_mul(1_000));
        Uniform::from_us(min_us, max_us).unwrap_or(Uniform::ZERO).into()
    }
}

/// A time limit: positive, at most an hour, in seconds with fractions.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Timeout(f64);

impl Timeout {
    /// The limit as a duration.
    #[must_use]
    pub fn duration(self) -> Duration {
        Duration::from_secs_f64(self.0)
    }

    /// The limit in seconds.
    #[must_use]
    pub const fn secs(self) -> f64 {
        self.0
    }
}

impl TryFrom<f64> for Timeout {
    type Error = String;

    fn try_from(secs: f64) -> Result<Self, String> {
        if (0.001..=3_600.0).contains(&secs) {
            Ok(Self(secs))
        } else {
            Err(format!("a time limit must be {}, not {secs}", Self::accepted()))
        }
    }
}

impl Accepted for Timeout {
    fn accepted() -> String {
        "a number of seconds from 0.001 to 3600".to_owned()
    }
}

impl From<Timeout> for f64 {
    fn from(limit: Timeout) -> Self {
        limit.0
    }
}

impl Default for Network {
    /// The lab's: 0 to 1000 ms on the way there, none back.
    fn default() -> Self {
        Self {
            delay: DelayRange { min_ms: 0, max_ms: 1000 }.into(),
            ack_delay: None,
            follower: BTreeMap::new(),
            replication_timeout_s: Timeout(2.0),
            global_request_timeout_s: Timeout(5.0),
            order: ReplicationOrder::Arrival,
            catch_up: CatchUp::Off,
        }
    }
}

#[cfg(test)]
mod tests;
