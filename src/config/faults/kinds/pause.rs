//! `pause`: the node is frozen.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::config::faults::settings::{FaultEnd, FaultSettings, FaultType};
use crate::config::reader::{Fields, Problems};
use crate::model::Act;

/// The node is frozen (SIGSTOP, or the control group's freezer) and keeps what it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {}

impl FaultSettings for Pause {
    fn kind() -> FaultType {
        FaultType { name: "pause", keys: &[], end: FaultEnd::Resume, hides_the_node: |_| true }
    }

    fn read(_: &mut Fields<'_>, _: &Range<usize>, _: &mut Problems<'_>) -> Option<Self> {
        Some(Self {})
    }

    fn acts(&self) -> Vec<Act> {
        vec![Act::Freeze]
    }
}
