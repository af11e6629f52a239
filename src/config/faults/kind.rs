//! The kinds of faults: their parameters, what they do, and what they must fit.

use std::ops::Range;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::config::reader::{Fields, Problems};
use crate::config::setting::choice;
use crate::model::{Accepted as _, ranged_integer};

/// What a fault does: to a node itself, or to the links that lead to it.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum FaultKind {
    /// The node dies (SIGKILL) and comes back empty.
    Kill,
    /// The node is stopped (SIGTERM) and comes back empty.
    Stop,
    /// The node is frozen (SIGSTOP, or the control group's freezer) and keeps what it holds.
    Pause,
    /// The node runs on, but no message gets through.
    Partition {
        /// Whom it cannot reach.
        from: CutFrom,
    },
    /// What the leader sends to the node takes longer.
    Slow {
        /// Added delay in milliseconds, 1 to an hour.
        delay_ms: u32,
    },
}

/// Whom a partitioned node cannot reach, nor be reached by.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CutFrom {
    /// The leader; clients still read the follower.
    Leader,
    /// Everyone, clients too.
    All,
}

choice!(CutFrom);

ranged_integer!(
    /// What a slow link adds, in milliseconds.
    AddedMillis(u32), "an added delay in milliseconds", 1..=3_600_000
);

impl FaultKind {
    /// The parameters in words, to follow the node's name: ` by 20 ms`.
    pub(super) fn parameters_in_words(self) -> String {
        match self {
            Self::Partition { from } => format!(" from {from}"),
            Self::Slow { delay_ms } => format!(" by {delay_ms} ms"),
            Self::Kill | Self::Stop | Self::Pause => String::new(),
        }
    }

    /// Its name in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Kill => "kill",
            Self::Stop => "stop",
            Self::Pause => "pause",
            Self::Partition { .. } => "partition",
            Self::Slow { .. } => "slow",
        }
    }

    /// Whether the node loses what it holds.
    #[must_use]
    pub const fn ends_the_node(self) -> bool {
        matches!(self, Self::Kill | Self::Stop)
    }

    /// Whether clients get no answer from the node while it lasts.
    #[must_use]
    pub const fn hides_the_node(self) -> bool {
        matches!(self, Self::Kill | Self::Stop | Self::Pause | Self::Partition { from: CutFrom::All })
    }

    /// Whether it is done to links, which then lead through proxies.
    #[must_use]
    pub const fn works_on_links(self) -> bool {
        matches!(self, Self::Partition { .. } | Self::Slow { .. })
    }
}

/// `kind`, without its parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    Kill,
    Stop,
    Pause,
    Partition,
    Slow,
}

choice!(Kind);

/// Reads `kind` and its parameters.
pub(super) fn read_kind(fields: &mut Fields<'_>, problems: &mut Problems<'_>) -> Option<FaultKind> {
    let kind = fields.optional::<Kind>("kind", problems);
    let from = fields.optional::<CutFrom>("from", problems);
    let delay = fields.optional::<AddedMillis>("delay_ms", problems);
    let value = kind.value?;
    let path = fields.path.clone();
    if from.value.is_some() && value != Kind::Partition {
        problems.add(from.span, format!("{path}from is for kind = \"partition\" alone; leave it out"));
    }
    if delay.value.is_some() && value != Kind::Slow {
        problems.add(delay.span.clone(), format!("{path}delay_ms is for kind = \"slow\" alone; leave it out"));
    }
    Some(match value {
        Kind::Kill => FaultKind::Kill,
        Kind::Stop => FaultKind::Stop,
        Kind::Pause => FaultKind::Pause,
        Kind::Partition => FaultKind::Partition { from: from.value.unwrap_or(CutFrom::Leader) },
        Kind::Slow => {
            if delay.value.is_none() && delay.good {
                let accepted = AddedMillis::accepted();
                let message = format!("{path}kind = \"slow\" needs delay_ms, the milliseconds it adds: {accepted}");
                problems.add(kind.span, message);
            }
            FaultKind::Slow { delay_ms: delay.value?.get() }
        }
    })
}

/// Reports what cannot be done to a leader.
pub(super) fn check_leader(node: &Range<usize>, kind: FaultKind, fields: &Fields<'_>, problems: &mut Problems<'_>) {
    let path = &fields.path;
    match kind {
        FaultKind::Partition { from: CutFrom::Leader } => {
            problems.add(node.clone(), format!("{path}node: to cut off the leader, set from = \"all\""));
        }
        FaultKind::Slow { .. } => {
            let message = format!(
                "{path}node must be a follower: what the leader sends to it is slowed. To slow every follower, set \
                 the delay of the network"
            );
            problems.add(node.clone(), message);
        }
        _ => {}
    }
}
