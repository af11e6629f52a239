//! `slow`: what the leader sends to the node takes longer.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::config::faults::settings::{FaultEnd, FaultSettings, FaultType};
use crate::config::reader::{Fields, Problems};
use crate::model::{Accepted as _, Act, NodeId, ranged_integer};

/// What the leader sends to the node takes longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slow {
    /// Added delay in milliseconds, 1 to an hour.
    pub delay_ms: u32,
}

ranged_integer!(
    /// What a slow link adds, in milliseconds.
    AddedMillis(u32), "an added delay in milliseconds", 1..=3_600_000
);

impl FaultSettings for Slow {
    fn kind() -> FaultType {
        FaultType { name: "slow", keys: &["delay_ms"], end: FaultEnd::Heal, hides_the_node: |_| false }
    }

    fn read(fields: &mut Fields<'_>, kind: &Range<usize>, problems: &mut Problems<'_>) -> Option<Self> {
        let delay = fields.optional::<AddedMillis>("delay_ms", problems);
        if delay.value.is_none() && delay.good {
            let (path, accepted) = (&fields.path, AddedMillis::accepted());
            let message = format!("{path}kind = \"slow\" needs delay_ms, the milliseconds it adds: {accepted}");
            problems.add(kind.clone(), message);
        }
        Some(Self { delay_ms: delay.value?.get() })
    }

    fn acts(&self) -> Vec<Act> {
        vec![Act::Slow { added_ms: self.delay_ms }]
    }

    fn in_words(&self) -> String {
        format!(" by {} ms", self.delay_ms)
    }

    fn detail(&self) -> Option<String> {
        Some(format!("+{} ms", self.delay_ms))
    }

    fn refusal_of_leader(&self) -> Option<&'static str> {
        Some(
            " must be a follower: what the leader sends to it is slowed. To slow every follower, set the delay of the \
             network",
        )
    }

    fn conflict(&self, earlier: &Self, node: NodeId) -> Option<String> {
        let one = earlier.delay_ms;
        (one != self.delay_ms).then(|| format!("delay_ms must be the same ({one}) in every slow fault of {node}"))
    }
}
