//! Why a follower does not hold what its leader holds.

use serde::Serialize;

use crate::data::ReplicationOutcome;
use crate::model::{Micros, Version};

/// Why a pair does not match. Times are microseconds from the run's start.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Cause {
    /// The older write arrived after the newer one and replaced it.
    Overtaken {
        /// The version the follower holds, where it is known.
        older_version: Option<Version>,
        /// The leader's version, where it is known.
        newer_version: Option<Version>,
        /// When the older write arrived; seen from outside, by when a reader had seen it.
        older_at_us: Micros,
        /// When the newer write had arrived; seen from outside, by when a reader had seen it.
        newer_at_us: Micros,
        /// How long after the newer one the older one came.
        gap_us: Micros,
        /// Whether readers saw this, and no trace tells it; absent if a trace does.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        #[cfg_attr(test, schemars(default))]
        seen_from_outside: bool,
    },
    /// The leader's version never arrived: its replication ended like this.
    Lost {
        /// The leader's version.
        version: Version,
        /// `timeout` or `failed`.
        #[cfg_attr(test, schemars(schema_with = "crate::model::schema::outcome"))]
        outcome: ReplicationOutcome,
    },
    /// The follower had the leader's version, and was restarted empty afterwards.
    Erased {
        /// The leader's version, where it is known.
        version: Option<Version>,
        /// When the leader had its acknowledgement; seen from outside, by when a reader had seen it.
        acked_us: Micros,
        /// When the follower was back.
        restarted_us: Micros,
        /// Whether readers saw this, and no trace tells it; absent if a trace does.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        #[cfg_attr(test, schemars(default))]
        seen_from_outside: bool,
    },
    /// The leader's version was still on its way.
    Lagging {
        /// The leader's version, where it is known.
        version: Option<Version>,
        /// When it arrived, where it did before the traces were taken.
        arrived_us: Option<Micros>,
    },
    /// Neither a trace nor a reader says.
    Unknown,
}

impl Cause {
    /// Whether it is concluded from what readers saw, and no trace tells it.
    #[must_use]
    pub const fn is_seen_from_outside(self) -> bool {
        matches!(self, Self::Overtaken { seen_from_outside: true, .. } | Self::Erased { seen_from_outside: true, .. })
    }
}
