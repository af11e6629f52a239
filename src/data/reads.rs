//! `reads.csv`: what clients read from which node, and when.

use serde::{Deserialize, Serialize};

use crate::model::{Key, Micros, NodeId, ReadOutcome, TimeSpan, Version, WriteId};

/// What a read was made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReadPurpose {
    /// To find out which writes a follower has.
    Probe,
    /// As part of the load.
    Load,
}

/// One line of `reads.csv`: one node that a read asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadRow {
    /// The read's number, from 0; a read that asks several nodes has a row for each.
    pub read: u64,
    /// What it was made for.
    pub purpose: ReadPurpose,
    /// Who read: the number of a session, which asks for a key anew only once it has its answer.
    pub session: u32,
    /// Which node was asked.
    pub node: NodeId,
    /// For which key.
    pub key: Key,
    /// When the request began.
    pub start_us: Micros,
    /// From the request's begin to the last byte of the answer (or the error).
    pub latency_us: TimeSpan,
    /// What it brought.
    pub outcome: ReadOutcome,
    /// The write whose value was found, by its number in the plan; `None` if nothing was found, or the value is of
    /// no write of the run.
    pub write: Option<WriteId>,
    /// The leader's number of the write found, where the node said so.
    pub version: Option<Version>,
    /// What went wrong, where something did.
    pub error: Option<String>,
}

impl ReadRow {
    /// When the answer was there.
    #[must_use]
    pub fn end(&self) -> Micros {
        self.start_us + self.latency_us
    }

    /// What is wrong with its fields, which do not fit each other; `None` if they do.
    pub(super) fn refuse(&self) -> Option<String> {
        let found = self.write.is_some() || self.version.is_some();
        match self.outcome {
            ReadOutcome::Absent | ReadOutcome::Failed if found => {
                Some(format!("read {} has a write or a version, and found no value", self.read))
            }
            ReadOutcome::Failed if self.error.is_none() => {
                Some(format!("read {} failed, and does not say why", self.read))
            }
            _ => None,
        }
    }
}
