//! Holds a run's files against each other: writes, trace, dumps and manifest tell of the same
//! run, so each bounds what the others can say.
//!
//! Only what cannot be is a contradiction. A leader that answers before its quorum has
//! acknowledged is a finding about that leader; a trace that died with its node, a node that
//! came back empty, or a trace that forgot records contradicts nothing.

mod dumps;
mod facts;
mod trace;
mod writes;

#[cfg(test)]
mod tests;

use std::fmt;

use serde::{Serialize, Serializer};

use self::facts::Facts;
use super::RunData;
use crate::model::NodeId;

/// A file of a run directory.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum RunFile {
    /// `manifest.json`.
    Manifest,
    /// `writes.csv`.
    Writes,
    /// `replication.csv`.
    Replication,
    /// `arrivals.csv`.
    Arrivals,
    /// `at-last-ack/NODE.json`.
    AtLastAck(NodeId),
    /// `NODE.json`.
    Settled(NodeId),
}

impl fmt::Display for RunFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Manifest => f.write_str("manifest.json"),
            Self::Writes => f.write_str("writes.csv"),
            Self::Replication => f.write_str("replication.csv"),
            Self::Arrivals => f.write_str("arrivals.csv"),
            Self::AtLastAck(node) => write!(f, "at-last-ack/{node}.json"),
            Self::Settled(node) => write!(f, "{node}.json"),
        }
    }
}

impl Serialize for RunFile {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Something that a file says and another file of the same run rules out.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Contradiction {
    /// The file that says it, in the run's folder.
    pub file: RunFile,
    /// The line, counted from 1; `None` of a JSON file.
    pub line: Option<u64>,
    /// The node it is about; `None` if it is about none.
    pub node: Option<NodeId>,
    /// The key it is about; `None` if it is about none.
    pub key: Option<String>,
    /// What it says, and what rules that out.
    pub message: String,
}

impl fmt::Display for Contradiction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        f.write_str(": ")?;
        match (&self.node, &self.key) {
            (Some(node), Some(key)) => write!(f, "{node}, key {key}: ")?,
            (Some(node), None) => write!(f, "{node}: ")?,
            (None, Some(key)) => write!(f, "{key}: ")?,
            (None, None) => {}
        }
        f.write_str(&self.message)
    }
}

impl Contradiction {
    fn new(file: RunFile, line: Option<u64>, message: String) -> Self {
        Self { file, line, node: None, key: None, message }
    }

    fn at(mut self, node: NodeId, key: &str) -> Self {
        (self.node, self.key) = (Some(node), Some(key.to_owned()));
        self
    }

    fn of_node(mut self, node: NodeId) -> Self {
        self.node = Some(node);
        self
    }

    fn of_key(mut self, key: &str) -> Self {
        self.key = Some(key.to_owned());
        self
    }
}

impl RunData {
    /// What this run's files say that cannot all be true: first of `writes.csv` and
    /// `manifest.json`, then of the trace, then of the dumps.
    #[must_use]
    pub fn cross_check(&self) -> Vec<Contradiction> {
        let facts = Facts::of(self);
        let mut found = writes::check(&facts);
        found.extend(trace::check(&facts));
        found.extend(dumps::check(&facts));
        found
    }

    /// The run with its contradictions, and without the dumps and the trace that are
    /// contradicted, so that no figure rests on them.
    #[must_use]
    pub fn without_contradicted(mut self) -> Self {
        self.contradictions = self.cross_check();
        for contradiction in &self.contradictions {
            match &contradiction.file {
                RunFile::Settled(node) => drop(self.settled.remove(node)),
                RunFile::AtLastAck(node) => drop(self.at_last_ack.remove(node)),
                RunFile::Replication | RunFile::Arrivals => {
                    self.replication.clear();
                    self.arrivals.clear();
                }
                RunFile::Manifest | RunFile::Writes => {}
            }
        }
        self
    }

    /// Whether `writes.csv` and `manifest.json`, on which every figure rests, are free of
    /// contradictions.
    #[must_use]
    pub fn has_sound_writes(&self) -> bool {
        !self.contradictions.iter().any(|one| matches!(one.file, RunFile::Manifest | RunFile::Writes))
    }
}
