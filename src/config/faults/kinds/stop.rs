//! `stop`: the node is asked to end.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::config::faults::settings::{FaultEnd, FaultSettings, FaultType};
use crate::config::reader::{Fields, Problems};
use crate::model::Act;

/// The node is stopped (SIGTERM) and comes back empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stop {}

impl FaultSettings for Stop {
    fn kind() -> FaultType {
        FaultType { name: "stop", keys: &[], end: FaultEnd::Restart, hides_the_node: |_| true }
    }

    fn read(_: &mut Fields<'_>, _: &Range<usize>, _: &mut Problems<'_>) -> Option<Self> {
        Some(Self {})
    }

    fn acts(&self) -> Vec<Act> {
        vec![Act::Stop]
    }

    fn detail(&self) -> Option<String> {
        Some("SIGTERM".to_owned())
    }

    fn end_detail(&self) -> Option<String> {
        Some("empty".to_owned())
    }
}
