//! What can be done to a node and to its links.

/// One thing that is done to a node, or to the links that lead to it. Faults are made of these: every cluster does
/// each of them, and so does the simulation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// End its program with SIGKILL. What it had sent and proxies still delay is dropped.
    Kill,
    /// Ask its program to end by its stop signal, SIGTERM unless it needs another, and wait for the end. What it had sent is dropped as well.
    Stop,
    /// Start its program again where it was, with what its durable folder holds: without one, empty.
    Start,
    /// Freeze its program.
    Freeze,
    /// Let it go on.
    Thaw,
    /// Let nothing pass over its links. Those of a leader are all links, also the one that clients take.
    Cut,
    /// Let nothing pass that it sends over its link; what the leader sends arrives.
    Mute,
    /// Delay what the leader sends over its link.
    Slow {
        /// Milliseconds to add, at most an hour.
        added_ms: u32,
    },
    /// Let everything pass over its links without further delay.
    Pass,
    /// Hide it from clients. A leader is hidden once its links are cut.
    Hide,
    /// Let clients reach it again.
    Show,
}

impl Act {
    /// What undoes it. `None` if it mends something.
    #[must_use]
    pub const fn undone_by(self) -> Option<Self> {
        match self {
            Self::Kill | Self::Stop => Some(Self::Start),
            Self::Freeze => Some(Self::Thaw),
            Self::Cut | Self::Mute | Self::Slow { .. } => Some(Self::Pass),
            Self::Hide => Some(Self::Show),
            Self::Start | Self::Thaw | Self::Pass | Self::Show => None,
        }
    }

    /// Whether clients reach the node afterwards. `None` if that does not change.
    #[must_use]
    pub const fn leaves_reachable(self) -> Option<bool> {
        match self {
            Self::Kill | Self::Stop | Self::Freeze | Self::Hide => Some(false),
            Self::Start | Self::Thaw | Self::Show => Some(true),
            Self::Cut | Self::Mute | Self::Slow { .. } | Self::Pass => None,
        }
    }

    /// Whether clients reach the node after all of these. `None` if that does not change.
    #[must_use]
    pub fn leave_reachable(acts: &[Self]) -> Option<bool> {
        acts.iter().rev().find_map(|act| act.leaves_reachable())
    }
}
