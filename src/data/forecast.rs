//! `forecast.csv`: what the simulation of the same experiment and seed foresaw of a run.
//!
//! It is stored beside the run, so that a later labctl, whose simulation may differ, says the
//! same of it.

use hashbrown::HashMap;

use serde::{Deserialize, Serialize};

use super::RunData;
use crate::model::{Key, Micros, NodeId, TimeSpan, Version, WriteId, WriteOutcome};

/// One line of `forecast.csv`: one write at one node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForecastRow {
    /// The write's number in the plan.
    pub write: WriteId,
    /// The node.
    pub node: NodeId,
    /// The key written.
    pub key: Key,
    /// When the write takes effect here: at the leader when its client asks, at a follower when
    /// it arrives; `None` if it never does.
    pub at_us: Option<Micros>,
    /// The client's latency; at the leader only.
    pub latency_us: Option<TimeSpan>,
    /// How the write ends for its client; at the leader only.
    pub outcome: Option<WriteOutcome>,
    /// The injected delay on the way to this follower; `None` at the leader, and if the write was
    /// never replicated.
    pub delay_us: Option<TimeSpan>,
    /// Whether the node has this write's value of the key at the end; `None` if it cannot be asked
    /// then.
    pub kept: Option<bool>,
}

impl RunData {
    /// This run, which is a simulated one, as the forecast of a real one.
    #[must_use]
    pub fn as_forecast(&self) -> Vec<ForecastRow> {
        let answered = self.writes.iter().filter_map(|row| Some((row.version?, row.write)));
        let writes: HashMap<Version, WriteId> =
            self.replication.iter().map(|row| (row.version, row.write)).chain(answered).collect();
        let delays: HashMap<(WriteId, NodeId), TimeSpan> =
            self.replication.iter().map(|row| ((row.write, row.follower), row.delay_us)).collect();
        let arrivals: HashMap<(WriteId, NodeId), Micros> = self
            .arrivals
            .iter()
            .filter_map(|row| Some(((*writes.get(&row.version)?, row.follower), row.at_us)))
            .collect();
        let nodes = NodeId::all(self.manifest.config.followers);
        let row = |write: &super::WriteRow, node: NodeId| ForecastRow {
            write: write.write,
            node,
            key: write.key.clone(),
            at_us: if node.is_leader() { Some(write.start_us) } else { arrivals.get(&(write.write, node)).copied() },
            latency_us: node.is_leader().then_some(write.latency_us),
            outcome: node.is_leader().then_some(write.outcome),
            delay_us: delays.get(&(write.write, node)).copied(),
            // Values are unique to a write.
            kept: self.settled.get(&node).map(|dump| dump.store.get(write.key.as_str()) == Some(&write.value)),
        };
        self.writes
            .iter()
            .flat_map(|write| nodes.clone().map(move |node| (write, node)))
            .map(|(w, n)| row(w, n))
            .collect()
    }
}
