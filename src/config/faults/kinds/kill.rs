//! `kill`: the node dies.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::config::faults::settings::{FaultEnd, FaultSettings, FaultType};
use crate::config::reader::{Fields, Problems};
use crate::model::Act;

/// The node dies (SIGKILL) and comes back empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kill {}

impl FaultSettings for Kill {
    fn kind() -> FaultType {
        FaultType { name: "kill", keys: &[], end: FaultEnd::Restart, hides_the_node: |_| true }
    }

    fn read(_: &mut Fields<'_>, _: &Range<usize>, _: &mut Problems<'_>) -> Option<Self> {
        Some(Self {})
    }

    fn acts(&self) -> Vec<Act> {
        vec![Act::Kill]
    }

    fn detail(&self) -> Option<String> {
        Some("SIGKILL".to_owned())
    }

    fn end_detail(&self) -> Option<String> {
        Some("empty".to_owned())
    }
}
