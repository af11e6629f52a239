//! Do the followers hold what their leader holds, and where not, why?
//!
//! A pair of follower and key is judged by value. Versions, the trace and what readers saw only explain it.

use std::collections::BTreeSet;

use serde::Serialize;

use self::history::{FirstSeen, History};
use crate::data::{ReplicationOutcome, ReplicationRow, RunData, Snapshot};
use crate::model::{Micros, NodeId, Version, WriteId};

mod cause;
mod history;
mod mechanism;
#[cfg(test)]
mod tests;

pub use cause::Cause;
pub use mechanism::Mechanism;

/// When the stores were looked at.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Moment {
    /// When the last write was answered: followers may still lag.
    AtLastAck,
    /// When nothing was in flight any more: what differs now differs for good.
    Settled,
}

/// What a follower holds for a key, against its leader.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CellState {
    /// The leader's value.
    Match,
    /// Another value of the leader's history for that key.
    Stale,
    /// Nothing, where the leader has something.
    Missing,
    /// A value the leader never had, or a key it does not have.
    Foreign,
}

/// One follower and one key.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cell {
    /// The follower.
    pub follower: NodeId,
    /// The key.
    pub key: String,
    /// How it compares.
    pub state: CellState,
    /// The version of what the follower holds, where it is known.
    pub follower_version: Option<Version>,
    /// The version of what the leader holds, where it is known.
    pub leader_version: Option<Version>,
    /// The number in the plan of the write that the follower holds; `None` of nothing, and of what
    /// no client wrote.
    pub follower_write: Option<WriteId>,
    /// The same of the leader.
    pub leader_write: Option<WriteId>,
    /// Why it does not match; absent where it does.
    pub cause: Option<Cause>,
}

/// How many pairs are in each state.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Counts {
    /// Pairs that match.
    #[serde(rename = "match")]
    pub matching: u64,
    /// Pairs that are stale.
    pub stale: u64,
    /// Pairs that are missing.
    pub missing: u64,
    /// Pairs that are foreign.
    pub foreign: u64,
}

impl Counts {
    /// Every pair.
    #[must_use]
    pub const fn pairs(self) -> u64 {
        self.matching + self.differing()
    }

    /// Pairs that do not match.
    #[must_use]
    pub const fn differing(self) -> u64 {
        self.stale + self.missing + self.foreign
    }
}

/// How one follower compares with its leader.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FollowerConsistency {
    /// The follower.
    pub follower: NodeId,
    /// Its pairs by state; `None` where its store, or the leader's, could not be read.
    pub counts: Option<Counts>,
}

/// Every follower against its leader at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Consistency {
    /// When.
    pub moment: Moment,
    /// Nodes whose stores could not be read, the leader first.
    pub absent: Vec<NodeId>,
    /// All pairs that could be judged, by state.
    pub total: Counts,
    /// Each follower, by index, absent ones too.
    pub followers: Vec<FollowerConsistency>,
    /// Each pair that could be judged, by follower, then key.
    pub cells: Vec<Cell>,
}

impl Consistency {
    /// Whether the leader could be asked; without it nothing is judged.
    #[must_use]
    pub fn has_leader(&self) -> bool {
        self.absent.first().is_none_or(|node| !node.is_leader())
    }

    /// The pairs that do not match.
    pub fn differing(&self) -> impl Iterator<Item = &Cell> {
        self.cells.iter().filter(|cell| cell.state != CellState::Match)
    }
}

/// What can be said of a run's replicas once it is over.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Nothing was in flight, every node answered, and every copy matched.
    Consistent,
    /// Nothing was in flight and some copy did not match.
    Inconsistent,
    /// Something was still in flight, a node did not answer and no other differed, or the run's
    /// files contradict each other.
    Unknown,
}

/// A run's consistency at both moments.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RunConsistency {
    /// W.
    pub quorum: u32,
    /// When the last write was answered.
    pub at_last_ack: Consistency,
    /// When nothing was in flight any more.
    pub settled: Consistency,
    /// What follows from the settled stores.
    pub verdict: Verdict,
}

impl RunConsistency {
    /// Compares a run's followers with their leader.
    #[must_use]
    pub fn of(run: &RunData) -> Self {
        let history = History::new(run);
        let settled = compare(run, &history, Moment::Settled);
        Self {
            quorum: run.manifest.quorum.get(),
            at_last_ack: compare(run, &history, Moment::AtLastAck),
            verdict: verdict(run, &settled),
            settled,
        }
    }
}

/// One lost node does not undo what another was seen to hold, but no node may be presumed right.
fn verdict(run: &RunData, settled: &Consistency) -> Verdict {
    if !run.contradictions.is_empty() || !run.manifest.settled || !settled.has_leader() {
        Verdict::Unknown
    } else if settled.total.differing() > 0 {
        Verdict::Inconsistent
    } else if settled.absent.is_empty() {
        Verdict::Consistent
    } else {
        Verdict::Unknown
    }
}

/// Compares at one moment.
fn compare(run: &RunData, history: &History<'_>, moment: Moment) -> Consistency {
    let (snapshot, moment_us) = match moment {
        Moment::AtLastAck => (&run.at_last_ack, run.manifest.last_ack_us()),
        Moment::Settled => (&run.settled, run.manifest.settled_us()),
    };
    let later = (moment == Moment::AtLastAck).then_some(&run.settled);
    let judge = Judge { snapshot, later, history, moment_us };
    let followers = NodeId::followers(run.manifest.config.followers);
    let mut consistency = Consistency {
        moment,
        absent: Vec::new(),
        total: Counts::default(),
        followers: Vec::with_capacity(followers.len()),
        cells: Vec::new(),
    };
    if !snapshot.contains_key(&NodeId::Leader) {
        consistency.absent.push(NodeId::Leader);
    }
    for follower in followers {
        if !snapshot.contains_key(&follower) {
            consistency.absent.push(follower);
        }
        let cells = judge.cells(follower);
        let counts = cells.as_deref().map(count);
        consistency.cells.extend(cells.unwrap_or_default());
        consistency.followers.push(FollowerConsistency { follower, counts });
    }
    consistency.total = count(&consistency.cells);
    consistency
}

/// Counts cells by state.
fn count(cells: &[Cell]) -> Counts {
    let of = |state| cells.iter().filter(|cell| cell.state == state).count() as u64;
    Counts {
        matching: of(CellState::Match),
        stale: of(CellState::Stale),
        missing: of(CellState::Missing),
        foreign: of(CellState::Foreign),
    }
}

/// Everything one snapshot is judged by.
struct Judge<'a> {
    snapshot: &'a Snapshot,
    /// What the nodes held in the end, if that is later.
    later: Option<&'a Snapshot>,
    history: &'a History<'a>,
    moment_us: Micros,
}

impl Judge<'_> {
    /// A follower's cells by key; `None` where its store or the leader's is not there.
    fn cells(&self, follower: NodeId) -> Option<Vec<Cell>> {
        let leader = self.snapshot.get(&NodeId::Leader)?;
        let own = self.snapshot.get(&follower)?;
        let keys: BTreeSet<&String> = leader.store.keys().chain(own.store.keys()).collect();
        Some(keys.into_iter().map(|key| self.cell(follower, key)).collect())
    }

    fn cell(&self, follower: NodeId, key: &str) -> Cell {
        let (leader_value, leader_version) = self.held(NodeId::Leader, key);
        let (own_value, follower_version) = self.held(follower, key);
        let state = match (leader_value, own_value) {
            (Some(leader), Some(own)) if leader == own => CellState::Match,
            (Some(_), Some(own)) if self.history.has_written(key, own) => CellState::Stale,
            (_, Some(_)) => CellState::Foreign,
            (_, None) => CellState::Missing,
        };
        let write = |value: Option<&str>| self.history.write_of(key, value?);
        let (follower_write, leader_write) = (write(own_value), write(leader_value));
        let cause = match state {
            CellState::Match => None,
            CellState::Foreign => Some(Cause::Unknown),
            CellState::Stale | CellState::Missing => {
                let traced = leader_version.and_then(|newest| self.cause(follower, key, follower_version, newest));
                let seen = || {
                    self.seen_cause(
                        (follower, key),
                        (leader_write?, leader_version),
                        (follower_write, follower_version),
                    )
                };
                let lagging = || {
                    let is_there_later = self.later?.get(&follower)?.store.get(key).map(String::as_str) == leader_value;
                    is_there_later.then_some(Cause::Lagging { version: leader_version, arrived_us: None })
                };
                Some(traced.or_else(seen).or_else(lagging).unwrap_or(Cause::Unknown))
            }
        };
        let key = key.to_owned();
        Cell { follower, key, state, follower_version, leader_version, follower_write, leader_write, cause }
    }

    /// What a node holds for a key, and its version: by the client's own record of that
    /// value, else as the node numbers it.
    fn held(&self, node: NodeId, key: &str) -> (Option<&str>, Option<Version>) {
        let Some(dump) = self.snapshot.get(&node) else {
            return (None, None);
        };
        let value = dump.store.get(key).map(String::as_str);
        let known = value.and_then(|value| self.history.version_of(key, value));
        (value, known.or_else(|| value.and_then(|_| dump.versions.get(key).copied()).map(Version::new)))
    }

    /// Why the follower does not hold the leader's `newest` but the version `own`, or nothing.
    fn cause(&self, follower: NodeId, key: &str, own: Option<Version>, newest: Version) -> Option<Cause> {
        let replication = self.history.replication(follower, newest);
        let Some((newest_index, arrival)) = self.history.arrival(follower, key, newest) else {
            return self.cause_without_arrival(follower, replication?);
        };
        if let Some((own_index, older)) = own.and_then(|own| self.history.arrival(follower, key, own))
            && own_index > newest_index
            && older.applied
            && arrival.applied
        {
            return Some(Cause::Overtaken {
                older_version: Some(older.version),
                newer_version: Some(newest),
                older_at_us: older.at_us,
                newer_at_us: arrival.at_us,
                gap_us: older.at_us - arrival.at_us,
                seen_from_outside: false,
            });
        }
        let arrived_later = arrival.at_us >= self.moment_us;
        arrived_later.then_some(Cause::Lagging { version: Some(newest), arrived_us: Some(arrival.at_us) })
    }

    /// The cause where no arrival of the leader's version was recorded.
    fn cause_without_arrival(&self, follower: NodeId, replication: &ReplicationRow) -> Option<Cause> {
        let ReplicationRow { version, outcome, acked_us, .. } = *replication;
        match outcome {
            ReplicationOutcome::Timeout | ReplicationOutcome::Failed => Some(Cause::Lost { version, outcome }),
            ReplicationOutcome::Pending => Some(Cause::Lagging { version: Some(version), arrived_us: None }),
            ReplicationOutcome::Acked => {
                let acked_us = acked_us?;
                if acked_us >= self.moment_us {
                    return Some(Cause::Lagging { version: Some(version), arrived_us: None });
                }
                let restarted_us = self.history.restarted_after(follower, acked_us)?;
                Some(Cause::Erased { version: Some(version), acked_us, restarted_us, seen_from_outside: false })
            }
        }
    }

    /// The cause where readers saw the follower with what the leader holds, before it held something else, or nothing.
    fn seen_cause(
        &self,
        (follower, key): (NodeId, &str),
        (newest, newer_version): (WriteId, Option<Version>),
        (own, older_version): (Option<WriteId>, Option<Version>),
    ) -> Option<Cause> {
        let FirstSeen { first_us, last_asked_us } = self.history.seen(follower, key, newest, self.moment_us)?;
        if self.history.ended_after(follower, first_us) {
            let restarted_us =
                self.history.restarted_after(follower, first_us).filter(|_| self.history.comes_back_empty())?;
            let (version, acked_us) = (newer_version, first_us);
            return Some(Cause::Erased { version, acked_us, restarted_us, seen_from_outside: true });
        }
        let older_at_us = self.history.seen_after(follower, key, own?, last_asked_us).unwrap_or(self.moment_us);
        let older_at_us = older_at_us.min(self.moment_us);
        Some(Cause::Overtaken {
            older_version,
            newer_version,
            older_at_us,
            newer_at_us: first_us,
            gap_us: older_at_us - first_us,
            seen_from_outside: true,
        })
    }
}
