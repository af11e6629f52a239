//! `mute`: the node hears the leader, and the leader does not hear it.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::config::faults::settings::{FaultEnd, FaultSettings, FaultType};
use crate::config::reader::{Fields, Problems};
use crate::model::Act;

/// Writes reach the node, and nothing that it sends gets back to the leader: a partition in one direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mute {}

impl FaultSettings for Mute {
    fn kind() -> FaultType {
        FaultType { name: "mute", keys: &[], end: FaultEnd::Heal, hides_the_node: |_| false }
    }

    fn read(_: &mut Fields<'_>, _: &Range<usize>, _: &mut Problems<'_>) -> Option<Self> {
        Some(Self {})
    }

    fn acts(&self) -> Vec<Act> {
        vec![Act::Mute]
    }

    fn refusal_of_leader(&self) -> Option<&'static str> {
        Some(" must be a follower: what it sends to the leader is held back")
    }
}
