//! Followers against their leader, without the pairs that match.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::analysis::{Cell, Consistency, Counts, FollowerConsistency, Moment, RunConsistency, Verdict};
use crate::model::NodeId;

/// Most keys that a map shows.
const MOST_KEYS: usize = 12;

/// Most differing pairs that are listed.
const MOST_PAIRS: usize = 1000;

/// A run's consistency at both moments.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ConsistencyReport {
    /// What follows from the settled stores.
    pub verdict: Verdict,
    /// When the last write was answered.
    pub at_last_ack: MomentReport,
    /// When nothing was in flight any more.
    pub settled: MomentReport,
}

/// Followers against their leader at one moment.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MomentReport {
    /// When.
    pub moment: Moment,
    /// Nodes whose stores could not be read.
    pub absent: Vec<NodeId>,
    /// All pairs that could be judged, by state.
    pub total: Counts,
    /// Each follower, by index.
    pub followers: Vec<FollowerConsistency>,
    /// How many keys there are.
    pub keys: u64,
    /// The keys that a map shows: all, or else the first of those on which a follower differs.
    pub shown_keys: Vec<String>,
    /// Pairs that differ, by follower, then key: at most 1000.
    pub differing: Vec<Cell>,
}

impl ConsistencyReport {
    pub(super) fn of(consistency: &RunConsistency) -> Self {
        Self {
            verdict: consistency.verdict,
            at_last_ack: MomentReport::of(&consistency.at_last_ack),
            settled: MomentReport::of(&consistency.settled),
        }
    }
}

impl MomentReport {
    fn of(consistency: &Consistency) -> Self {
        let keys: BTreeSet<&str> = consistency.cells.iter().map(|cell| cell.key.as_str()).collect();
        let count = keys.len() as u64;
        let mut shown = keys;
        if shown.len() > MOST_KEYS {
            shown = consistency.differing().map(|cell| cell.key.as_str()).collect();
        }
        let mut shown: Vec<String> = shown.into_iter().map(str::to_owned).collect();
        // k9 before k10.
        shown.sort_by(|a, b| (a.len(), a).cmp(&(b.len(), b)));
        shown.truncate(MOST_KEYS);
        Self {
            moment: consistency.moment,
            absent: consistency.absent.clone(),
            total: consistency.total,
            followers: consistency.followers.clone(),
            keys: count,
            shown_keys: shown,
            differing: consistency.differing().take(MOST_PAIRS).cloned().collect(),
        }
    }

    /// Whether keys had to be left out of the map.
    pub(crate) fn is_partial(&self) -> bool {
        (self.shown_keys.len() as u64) < self.keys
    }

    /// A follower's differing pair on this key, where it is one.
    pub(crate) fn difference(&self, follower: NodeId, key: &str) -> Option<&Cell> {
        self.differing.iter().find(|cell| cell.follower == follower && cell.key == key)
    }
}
