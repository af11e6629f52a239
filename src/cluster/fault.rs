//! One thing to do to a running cluster, on purpose.

use std::fmt;

use crate::config::{CutFrom, Fault, FaultKind};
use crate::model::NodeId;

/// What is done to which node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FaultAction {
    /// The node.
    pub node: NodeId,
    /// What is done.
    pub act: Act,
}

/// What is done to a node, or to the links that lead to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// SIGKILL.
    Kill,
    /// SIGTERM, and waiting for its end.
    Stop,
    /// Freezing it.
    Pause,
    /// Cutting its links.
    Partition(CutFrom),
    /// Delaying what the leader sends to it.
    Slow {
        /// By so much.
        delay_ms: u32,
    },
    /// Starting it again, empty, where it was.
    Restart,
    /// Thawing it.
    Resume,
    /// Opening its links again.
    Heal(CutFrom),
    /// Delaying no longer.
    Hasten,
}

impl FaultAction {
    /// What begins a fault.
    #[must_use]
    pub fn beginning(fault: &Fault) -> Self {
        let act = match fault.kind {
            FaultKind::Kill => Act::Kill,
            FaultKind::Stop => Act::Stop,
            FaultKind::Pause => Act::Pause,
            FaultKind::Partition { from } => Act::Partition(from),
            FaultKind::Slow { delay_ms } => Act::Slow { delay_ms },
        };
        Self { node: fault.node, act }
    }

    /// What ends it.
    #[must_use]
    pub fn ending(fault: &Fault) -> Self {
        let act = match fault.kind {
            FaultKind::Kill | FaultKind::Stop => Act::Restart,
            FaultKind::Pause => Act::Resume,
            FaultKind::Partition { from } => Act::Heal(from),
            FaultKind::Slow { .. } => Act::Hasten,
        };
        Self { node: fault.node, act }
    }

    /// Details for `faults.csv` beyond the event and the node.
    #[must_use]
    pub fn detail(&self) -> Option<String> {
        match self.act {
            Act::Kill => Some("SIGKILL".to_owned()),
            Act::Stop => Some("SIGTERM".to_owned()),
            Act::Partition(from) | Act::Heal(from) => Some(format!("from {from}")),
            Act::Slow { delay_ms } => Some(format!("+{delay_ms} ms")),
            Act::Restart => Some("empty".to_owned()),
            Act::Pause | Act::Resume | Act::Hasten => None,
        }
    }
}

impl Act {
    /// What it is called; both partitions and slowness heal.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Kill => "kill",
            Self::Stop => "stop",
            Self::Pause => "pause",
            Self::Partition(_) => "partition",
            Self::Slow { .. } => "slow",
            Self::Restart => "restart",
            Self::Resume => "resume",
            Self::Heal(_) | Self::Hasten => "heal",
        }
    }

    /// Whether the node answers its clients afterwards. `None` if that does not change.
    #[must_use]
    pub const fn leaves_reachable(self) -> Option<bool> {
        match self {
            Self::Kill | Self::Stop | Self::Pause | Self::Partition(CutFrom::All) => Some(false),
            Self::Restart | Self::Resume | Self::Heal(CutFrom::All) => Some(true),
            Self::Partition(CutFrom::Leader) | Self::Heal(CutFrom::Leader) | Self::Slow { .. } | Self::Hasten => None,
        }
    }
}

impl fmt::Display for FaultAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.act.name(), self.node)
    }
}
