//! What the leader took with it.

use serde::Serialize;

use super::spells;
use crate::analysis::bounds::Bounds;
use crate::analysis::copies::Copies;
use crate::data::{FaultEvent, RunData, WriteOutcome};
use crate::model::{Micros, NodeId, Version, WriteId};

/// What the leader's death cost: acknowledged writes that its successor does not hold, once
/// everything that was sent has arrived, and before any leader writes again.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LeaderLoss {
    /// Acknowledged writes whose version is known.
    pub acknowledged: u64,
    /// Followers that could be asked then.
    pub survivors: Vec<NodeId>,
    /// Lost if the survivor that has received the newest write is promoted, the first by name of
    /// several.
    pub most_advanced: Bounds<f64>,
    /// Lost on average if a random survivor is promoted.
    pub random: Bounds<f64>,
    /// Lost if what all followers hold is put together.
    pub union: Bounds<u64>,
    /// Acknowledged writes that no follower is known to hold, nor a newer one of the same key; by
    /// number.
    pub lost: Vec<LostWrite>,
    /// Writes without an answer that some survivor holds all the same in the end.
    pub turned_up: u64,
}

/// An acknowledged write that went with the leader.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LostWrite {
    /// Its number in the plan.
    pub write: WriteId,
    /// Its key.
    pub key: String,
    /// The leader's number.
    pub version: Version,
    /// When its client heard of the quorum, in milliseconds from the run's start.
    pub acknowledged_ms: f64,
    /// Followers on which it had arrived before it was replaced there, or they died.
    pub arrived: u64,
    /// Whether it is certain that no follower holds it.
    pub is_certain: bool,
}

impl LeaderLoss {
    pub(super) fn of(run: &RunData) -> Self {
        let copies = Copies::of(run);
        let mut replay = copies.replay();
        let until_us = reckoning_us(run);
        copies.events().into_iter().take_while(|(at_us, _)| *at_us < until_us).for_each(|(at_us, event)| {
            replay.play(at_us, event);
        });
        let losses = replay.losses();
        let mut lost: Vec<LostWrite> = replay
            .unprotected()
            .filter_map(|(key, place, held)| {
                let write = copies.write(key, place)?;
                Some(LostWrite {
                    write: write.row.write,
                    key: write.row.key.to_string(),
                    version: write.version?,
                    acknowledged_ms: write.row.end().as_ms(),
                    arrived: write.reached(until_us).0.into(),
                    is_certain: held.upper == 0,
                })
            })
            .collect();
        lost.sort_by_key(|write| write.write);
        let survivors: Vec<NodeId> = replay.survivors().collect();
        let dumps = || run.settled.iter().filter(|(node, _)| !node.is_leader()).map(|(_, dump)| dump);
        let unanswered = run.writes.iter().filter(|row| row.outcome == WriteOutcome::Unknown);
        Self {
            acknowledged: replay.acknowledged(),
            survivors,
            most_advanced: losses.most_advanced,
            random: losses.random,
            union: Bounds {
                lower: lost.iter().filter(|write| write.is_certain).count() as u64,
                upper: lost.len() as u64,
            },
            lost,
            turned_up: unanswered
                .filter(|row| dumps().any(|dump| dump.store.values().any(|value| *value == row.value)))
                .count() as u64,
        }
    }
}

/// Until when what the dead leader had sent may arrive: its restart, or for good.
fn reckoning_us(run: &RunData) -> Micros {
    let restarts = run.faults.iter().filter(|row| row.node.is_leader() && row.kind == FaultEvent::Restart);
    let death = spells(run).into_iter().find(|span| span.row.node.is_leader() && span.row.kind.ends_the_node());
    let died_us = death.map_or(Micros::MIN, |span| span.row.begun_us);
    restarts.map(|row| row.begun_us).find(|begun_us| *begun_us >= died_us).unwrap_or(Micros::MAX)
}
