//! What the leader took with it.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::end_us;
use crate::analysis::stats::ms;
use crate::data::{LEADER, RunData, StoreDump, WriteOutcome, WriteRow};

/// What the leader's death cost.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LeaderLoss {
    /// Acknowledged writes whose version is known.
    pub acknowledged: u64,
    /// Followers whose stores could be read at the end.
    pub survivors: Vec<String>,
    /// Acknowledged writes that none of them holds, nor a newer one of the same key; by number.
    pub lost: Vec<LostWrite>,
    /// Writes without an answer that some survivor holds all the same.
    pub turned_up: u64,
}

/// An acknowledged write that went with the leader.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LostWrite {
    /// Its number in the plan.
    pub write: u64,
    /// Its key.
    pub key: String,
    /// The leader's number.
    pub version: u64,
    /// When its client heard of the quorum, in milliseconds from the run's start.
    pub acknowledged_ms: f64,
    /// Survivors on which it had arrived before an older write replaced it, by their own trace.
    pub arrived: u64,
}

impl LeaderLoss {
    pub(super) fn of(run: &RunData) -> Self {
        let survivors: BTreeMap<&str, &StoreDump> =
            run.settled.iter().filter(|(node, _)| *node != LEADER).map(|(node, dump)| (node.as_str(), dump)).collect();
        let acknowledged: Vec<(&WriteRow, u64)> = run
            .writes
            .iter()
            .filter(|row| row.outcome == WriteOutcome::Ok)
            .filter_map(|row| Some((row, row.version?)))
            .collect();
        let is_held = |row: &WriteRow, version: u64| {
            survivors.values().any(|dump| dump.versions.get(&row.key).is_some_and(|held| *held >= version))
        };
        let arrived = |version: u64| {
            let on: BTreeSet<&str> =
                run.arrivals.iter().filter(|row| row.version == version).map(|row| row.follower.as_str()).collect();
            on.into_iter().filter(|follower| survivors.contains_key(follower)).count() as u64
        };
        let lost =
            acknowledged.iter().filter(|(row, version)| !is_held(row, *version)).map(|(row, version)| LostWrite {
                write: row.write,
                key: row.key.clone(),
                version: *version,
                acknowledged_ms: ms(end_us(row)),
                arrived: arrived(*version),
            });
        let turned_up = run
            .writes
            .iter()
            .filter(|row| row.outcome == WriteOutcome::Unknown)
            .filter(|row| survivors.values().any(|dump| dump.store.get(&row.key) == Some(&row.value)));
        Self {
            acknowledged: acknowledged.len() as u64,
            lost: lost.collect(),
            turned_up: turned_up.count() as u64,
            survivors: survivors.keys().map(|node| (*node).to_owned()).collect(),
        }
    }
}
