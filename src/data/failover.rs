//! `failover.json`: who took the place of a leader that had died, and what it held.

use serde::{Deserialize, Serialize};

use super::FaultRow;
use crate::model::{FailoverFacts, Micros, NodeId, StoreDump};

/// `failover.json`. Times are microseconds from the run's start, on labctl's clock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailoverRecord {
    /// When the fault began that ended the leader: it was dead at some moment from then on.
    pub died_us: Micros,
    /// How the system has a leader again, and what it promises of that.
    #[serde(flatten)]
    pub facts: FailoverFacts,
    /// Followers that could be asked after the death, and how far each had come.
    pub survivors: Vec<SurvivorRow>,
    /// The follower that took the leader's place, or was read in its stead. `None` if none could be asked.
    pub chosen: Option<NodeId>,
    /// When it had been promoted, or elected.
    pub promoted_us: Option<Micros>,
    /// When it had acknowledged its first write, which labctl sent and no figure counts.
    pub first_ack_us: Option<Micros>,
    /// What it held then, without that write.
    pub held: Option<StoreDump>,
    /// Why there is no more to tell.
    pub error: Option<String>,
}

/// A follower that outlived the leader.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SurvivorRow {
    /// Its name.
    pub node: NodeId,
    /// How much it had of what the leader replicated: greater of one that is more advanced. What it counts is the
    /// system's: bytes of a log, or the newest version.
    pub position: u64,
}

impl FailoverRecord {
    /// What in it contradicts the faults of the run, or itself. `None` if nothing does.
    pub(super) fn contradicts(&self, faults: &[FaultRow]) -> Option<String> {
        let killed = |row: &FaultRow| row.node.is_leader() && row.kind.ends_the_node() && row.begun_us == self.died_us;
        if !faults.iter().any(killed) {
            return Some(format!("the leader died at {} us, and by faults.csv nothing ended it then", self.died_us));
        }
        let chosen = self.chosen?;
        let times = [Some(self.died_us), self.promoted_us, self.first_ack_us];
        if !times.iter().flatten().is_sorted() {
            return Some(format!("{chosen} was promoted before the leader died, or wrote before it was promoted"));
        }
        (!self.survivors.iter().any(|row| row.node == chosen))
            .then(|| format!("{chosen} took the leader's place, and is not among the survivors"))
    }
}
