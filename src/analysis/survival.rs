//! Acknowledged writes that are gone in the end, by what the nodes hold.
//!
//! Values are unique to a write, so that a database tells which writes it holds even where writes
//! have no numbers. Which of two writes of a key is the newer one is told by the clients' clock: one
//! that began after the other had ended. Of writes that were under way together it is what the leader
//! holds, unless the leader was ended or started again; of others it is not known.

use hashbrown::HashMap;

use serde::Serialize;

use super::bounds::Bounds;
use super::written::WrittenValues;
use crate::data::{FaultEvent, RunData, StoreDump, WriteOutcome, WriteRow};
use crate::model::{NodeId, RestartState, WriteId};

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests;

/// Most lost writes that are told one by one.
const MAX_LISTED: usize = 1_000;

/// Which acknowledged writes are left in the end.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Survival {
    /// W.
    pub quorum: u32,
    /// Acknowledged writes.
    pub acknowledged: u64,
    /// Each node whose database could be read, the leader first.
    pub nodes: Vec<NodeSurvival>,
    /// Acknowledged writes that none of these nodes holds, nor a newer write of the same key. `None`
    /// if no node could be asked.
    pub lost: Option<Bounds<u64>>,
    /// These writes by number, at most 1,000.
    pub lost_writes: Vec<GoneWrite>,
    /// Whether the leader came back empty and each follower then takes over what the leader holds.
    pub was_leader_emptied: bool,
}

/// What one node lacks in the end.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct NodeSurvival {
    /// The node.
    pub node: NodeId,
    /// Acknowledged writes that it does not hold, nor a newer write of the same key.
    pub lacking: Bounds<u64>,
}

/// An acknowledged write that no node holds in the end.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GoneWrite {
    /// Its number in the plan.
    pub write: WriteId,
    /// Its key.
    pub key: String,
    /// When its client heard of the quorum, in milliseconds from the run's start.
    pub acknowledged_ms: f64,
    /// False if a node holds a write of the key that was under way together with this one: that may
    /// be the newer one.
    pub is_certain: bool,
}

impl Survival {
    /// Of one run.
    #[must_use]
    pub fn of(run: &RunData) -> Self {
        let written = WrittenValues::of(run, run.settled.values());
        let holders: Vec<(NodeId, Held<'_>)> =
            run.settled.iter().map(|(node, dump)| (*node, Held::of(dump, run, &written))).collect();
        let order = WriteOrder::of(run, &holders);
        let is_final = is_final(run);
        let mut nodes: Vec<NodeSurvival> =
            holders.iter().map(|(node, _)| NodeSurvival { node: *node, lacking: Bounds::default() }).collect();
        let (mut acknowledged, mut lost, mut lost_writes) = (0, Bounds::<u64>::default(), Vec::new());
        for row in run.writes.iter().filter(|row| row.outcome == WriteOutcome::Ok) {
            acknowledged += 1;
            let mut gone = Bounds::exactly(true);
            for (node, (_, held)) in nodes.iter_mut().zip(&holders) {
                let lacks = held.lacks(run, row, &order);
                add(&mut node.lacking, lacks, is_final);
                gone = Bounds { lower: gone.lower && lacks.lower, upper: gone.upper && lacks.upper };
            }
            add(&mut lost, gone, is_final);
            if gone.upper && !holders.is_empty() && lost_writes.len() < MAX_LISTED {
                lost_writes.push(GoneWrite {
                    write: row.write,
                    key: row.key.to_string(),
                    acknowledged_ms: row.end().as_ms(),
                    is_certain: gone.lower && is_final,
                });
            }
        }
        Self {
            quorum: run.manifest.quorum.get(),
            acknowledged,
            nodes,
            lost: (!holders.is_empty()).then_some(lost),
            lost_writes,
            was_leader_emptied: was_leader_emptied(run),
        }
    }
}

/// Counts what is certain, and what is possible. What is still in flight may yet arrive.
fn add(sum: &mut Bounds<u64>, one: Bounds<bool>, is_final: bool) {
    sum.lower += u64::from(one.lower && is_final);
    sum.upper += u64::from(one.upper);
}

/// Whether nothing can arrive any more: the run had settled, or its leader is gone for good.
fn is_final(run: &RunData) -> bool {
    run.manifest.settled || run.manifest.absent_nodes.contains(&NodeId::Leader)
}

/// Whether the leader was started again without what it had held, and followers copy that.
fn was_leader_emptied(run: &RunData) -> bool {
    run.manifest.capabilities().restart == RestartState::Resync
        && run.faults.iter().any(|row| row.node.is_leader() && row.kind == FaultEvent::Restart)
}

/// The writes that one node holds, by name (see [`RunData::name_of`]). `None` of a value that no client wrote.
pub(super) struct Held<'a>(HashMap<&'a str, Option<&'a WriteRow>>);

impl<'a> Held<'a> {
    /// `written` knows at least the values of this dump.
    pub(super) fn of(dump: &'a StoreDump, run: &'a RunData, written: &WrittenValues<'a>) -> Self {
        Self(dump.store.iter().map(|(key, value)| (run.name_of(key, value), written.find(key, value))).collect())
    }

    /// Whether the node certainly, and possibly, holds neither this write nor a newer one of its key.
    pub(super) fn lacks(&self, run: &RunData, row: &WriteRow, order: &WriteOrder<'_>) -> Bounds<bool> {
        match self.0.get(run.name_of(&row.key, &row.value)) {
            Some(Some(held)) if held.write == row.write => Bounds::exactly(false),
            Some(Some(held)) => order.is_newer_or_may_be(row, held),
            Some(None) | None => Bounds::exactly(true),
        }
    }
}

/// Which write of a key is the newer one, as far as that is known.
pub(super) struct WriteOrder<'a> {
    /// By key, the number of the write that the leader applied last.
    newest: HashMap<&'a str, WriteId>,
}

impl<'a> WriteOrder<'a> {
    /// A leader that never lost anything holds what it applied last. Where it holds less than it has
    /// acknowledged by then, it has lost something, and its word does not count.
    pub(super) fn of(run: &RunData, holders: &[(NodeId, Held<'a>)]) -> Self {
        let ends = |kind: FaultEvent| kind.ends_the_node() || kind == FaultEvent::Restart;
        let was_ended = run.faults.iter().any(|row| row.node.is_leader() && ends(row.kind));
        let leader = holders.iter().find(|(node, _)| node.is_leader() && !was_ended);
        let held =
            leader.into_iter().flat_map(|(_, held)| held.0.iter()).filter_map(|(key, row)| Some((*key, (*row)?)));
        let mut last: HashMap<&str, &WriteRow> = HashMap::new();
        for row in run.writes.iter().filter(|row| row.outcome == WriteOutcome::Ok) {
            let last = last.entry(row.key.as_str()).or_insert(row);
            *last = if row.start_us > last.start_us { row } else { last };
        }
        let is_last = |held: &WriteRow| {
            let last = last.get(held.key.as_str()).filter(|last| last.write != held.write);
            last.is_none_or(|last| !began_after(last, held))
        };
        Self { newest: held.filter(|(_, row)| is_last(row)).map(|(key, row)| (key, row.write)).collect() }
    }

    /// Whether one write is certainly, and possibly, newer than another of its key.
    fn is_newer_or_may_be(&self, row: &WriteRow, other: &WriteRow) -> Bounds<bool> {
        let newest = self.newest.get(row.key.as_str()).copied();
        Bounds { lower: is_newer(row, other, newest), upper: !is_newer(other, row, newest) }
    }
}

/// Whether one write is certainly newer than another of its key, of which `newest` was applied last, if that is known.
fn is_newer(newer: &WriteRow, older: &WriteRow, newest: Option<WriteId>) -> bool {
    match newest {
        Some(newest) if newest == newer.write => true,
        Some(newest) if newest == older.write => false,
        _ => began_after(newer, older),
    }
}

/// Whether one write began after another had ended. One without an acknowledgement may have been
/// applied at any time since its start.
fn began_after(newer: &WriteRow, older: &WriteRow) -> bool {
    let has_ended = older.outcome == WriteOutcome::Ok;
    has_ended && newer.start_us >= older.end()
}
