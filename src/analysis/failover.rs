//! What the leader's death cost once a follower had taken its place: acknowledged writes that the follower does not
//! hold, and the time without a leader.

use serde::Serialize;

use super::bounds::Bounds;
use super::survival::{Held, WriteOrder};
use super::written::WrittenValues;
use crate::data::{FailoverRecord, RunData, StoreDump, WriteOutcome, WriteRow};
use crate::model::{FailoverFacts, FailoverKind, Micros, NodeId, Version, WriteId};

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests;

/// What the leader's death cost one run.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FailoverFigures {
    /// W.
    pub quorum: u32,
    /// How the system has a leader again, and what it promises of that.
    #[serde(flatten)]
    pub facts: FailoverFacts,
    /// Followers that could be asked after the death.
    pub survivors: Vec<NodeId>,
    /// The one that took the leader's place, or was read in its stead. `None` if none could be asked.
    pub chosen: Option<NodeId>,
    /// Writes that were acknowledged before the new leader was read: what an elected leader acknowledges afterwards is
    /// not among them.
    pub acknowledged: u64,
    /// Writes that were under way when the leader died: sent before, and without an answer until then.
    pub waiting: u64,
    /// Acknowledged writes that the chosen node holds neither, nor a newer one of their key. `None` if what it holds is not
    /// known.
    pub lost: Option<Bounds<u64>>,
    /// These writes, by number.
    pub lost_writes: Vec<FailoverLoss>,
    /// Writes without an answer that the chosen node holds all the same. `None` if it could not be asked.
    pub turned_up: Option<u64>,
    /// From the order to end the leader until a follower had been promoted or elected, in milliseconds.
    pub promoted_after_ms: Option<f64>,
    /// From that order until the new leader had acknowledged its first write, in milliseconds.
    pub leaderless_ms: Option<f64>,
    /// Why there is no more to tell.
    pub error: Option<String>,
}

/// An acknowledged write that the new leader does not hold.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FailoverLoss {
    /// Its number in the plan.
    pub write: WriteId,
    /// Its key.
    pub key: String,
    /// When its client heard of the quorum, in milliseconds from the run's start.
    pub acknowledged_ms: f64,
    /// False if the node holds a write of the key that was under way together with this one: that may be the newer one.
    pub is_certain: bool,
}

impl FailoverFigures {
    /// Of one run. `None` if no leader died in it for whom a follower was to step in.
    #[must_use]
    pub fn of(run: &RunData) -> Option<Self> {
        let FailoverRecord { died_us, facts, survivors, chosen, promoted_us, first_ack_us, held, error } =
            run.failover.as_ref()?;
        let rows = |outcome| run.writes.iter().filter(move |row| row.outcome == outcome);
        // It was read right after its first acknowledgement.
        let acknowledged: Vec<&WriteRow> =
            rows(WriteOutcome::Ok).filter(|row| first_ack_us.is_none_or(|read_us| row.end() <= read_us)).collect();
        let lacks = held.as_ref().map(|dump| Lacks::of(dump, run));
        let missing = |row: &WriteRow| lacks.as_ref().map_or(Bounds::exactly(false), |lacks| lacks.write(row));
        let lost_writes: Vec<FailoverLoss> = acknowledged
            .iter()
            .map(|row| (row, missing(row)))
            .filter(|(_, is_missing)| is_missing.upper)
            .map(|(row, is_missing)| FailoverLoss {
                write: row.write,
                key: row.key.to_string(),
                acknowledged_ms: row.end().as_ms(),
                is_certain: is_missing.lower,
            })
            .collect();
        let after_ms = |at_us: &Option<Micros>| at_us.map(|at_us| at_us.since(*died_us).as_ms());
        let is_held = |row: &&WriteRow| {
            held.as_ref().is_some_and(|dump| {
                dump.store.get(run.name_of(&row.key, &row.value)).is_some_and(|value| *value == row.value)
            })
        };
        Some(Self {
            quorum: run.manifest.quorum.get(),
            facts: facts.clone(),
            survivors: survivors.iter().map(|row| row.node).collect(),
            chosen: *chosen,
            acknowledged: acknowledged.len() as u64,
            waiting: run.writes.iter().filter(|row| row.start_us < *died_us && row.end() >= *died_us).count() as u64,
            lost: held.as_ref().map(|_| Bounds {
                lower: lost_writes.iter().filter(|write| write.is_certain).count() as u64,
                upper: lost_writes.len() as u64,
            }),
            turned_up: held.as_ref().map(|_| rows(WriteOutcome::Unknown).filter(is_held).count() as u64),
            promoted_after_ms: after_ms(promoted_us),
            leaderless_ms: after_ms(first_ack_us),
            lost_writes,
            error: error.clone(),
        })
    }

    /// Whether the system promises that no acknowledged write is lost at this W.
    #[must_use]
    pub fn promises_none_lost(&self) -> bool {
        self.facts.none_lost_from.is_some_and(|least| self.quorum >= least)
    }

    /// Whether the system has a new leader, and was not only read.
    #[must_use]
    pub fn has_new_leader(&self) -> bool {
        self.facts.kind != FailoverKind::ReadBack && self.chosen.is_some()
    }
}

/// Which writes one node lacks: by the leader's numbers where there are any, otherwise by the order that clients know.
struct Lacks<'a> {
    run: &'a RunData,
    dump: &'a StoreDump,
    held: Held<'a>,
    order: WriteOrder<'a>,
}

impl<'a> Lacks<'a> {
    fn of(dump: &'a StoreDump, run: &'a RunData) -> Self {
        let held = Held::of(dump, run, &WrittenValues::of(run, [dump]));
        Self { run, dump, held, order: WriteOrder::of(run, &[]) }
    }

    /// Whether the node certainly, and possibly, holds neither this write nor a newer one of its key.
    fn write(&self, row: &WriteRow) -> Bounds<bool> {
        let held = self.dump.versions.get(row.key.as_str()).copied().map(Version::new);
        match (row.version, held) {
            (Some(version), Some(held)) => Bounds::exactly(held < version),
            _ => self.held.lacks(self.run, row, &self.order),
        }
    }
}
