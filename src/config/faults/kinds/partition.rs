//! `partition`: no message reaches the node or leaves it.

use std::ops::Range;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::config::faults::settings::{FaultEnd, FaultSettings, FaultType};
use crate::config::reader::{Fields, Problems};
use crate::config::setting::choice;
use crate::model::Act;

/// The node runs on, but no message gets through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Partition {
    /// Whom it cannot reach.
    pub from: CutFrom,
}

/// Whom a partitioned node cannot reach, nor be reached by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CutFrom {
    /// The leader; clients still read the follower.
    Leader,
    /// Everyone, clients too.
    All,
}

choice!(CutFrom);

/// How a partition from everyone is told in `faults.csv`.
const FROM_ALL: &str = "from all";

impl FaultSettings for Partition {
    fn kind() -> FaultType {
        FaultType {
            name: "partition",
            keys: &["from"],
            end: FaultEnd::Heal,
            hides_the_node: |detail| detail == Some(FROM_ALL),
        }
    }

    fn read(fields: &mut Fields<'_>, _: &Range<usize>, problems: &mut Problems<'_>) -> Option<Self> {
        let from = fields.optional::<CutFrom>("from", problems);
        Some(Self { from: from.value.unwrap_or(CutFrom::Leader) })
    }

    fn acts(&self) -> Vec<Act> {
        match self.from {
            CutFrom::Leader => vec![Act::Cut],
            // First the link to the leader: a cut network is silent, while a container that was taken off its network
            // refuses connections.
            CutFrom::All => vec![Act::Cut, Act::Hide],
        }
    }

    fn in_words(&self) -> String {
        format!(" from {}", self.from)
    }

    fn detail(&self) -> Option<String> {
        Some(match self.from {
            CutFrom::Leader => "from leader".to_owned(),
            CutFrom::All => FROM_ALL.to_owned(),
        })
    }

    fn end_detail(&self) -> Option<String> {
        self.detail()
    }

    fn refusal_of_leader(&self) -> Option<&'static str> {
        (self.from == CutFrom::Leader).then_some(": to cut off the leader, set from = \"all\"")
    }
}
