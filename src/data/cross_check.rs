//! Holds a run's files against each other: writes, trace, dumps and manifest tell of the same
//! run, so each bounds what the others can say.
//!
//! Only what cannot be is a contradiction. A leader that answers before its quorum has
//! acknowledged is a finding about that leader; a trace that died with its node, a node that
//! came back empty, or a trace that forgot records contradicts nothing.

mod contradiction;
mod dumps;
mod facts;
mod reads;
mod trace;
mod writes;

#[cfg(test)]
mod tests;

pub use contradiction::{Contradiction, RunFile};

use self::facts::Facts;
use super::RunData;

impl RunData {
    /// What this run's files say that cannot all be true: first of `writes.csv` and
    /// `manifest.json`, then of the reads, then of the trace, then of the dumps, then of the failover.
    #[must_use]
    pub fn cross_check(&self) -> Vec<Contradiction> {
        let facts = Facts::of(self);
        let mut found = writes::check(&facts);
        found.extend(reads::check(&facts));
        found.extend(trace::check(&facts));
        found.extend(dumps::check(&facts));
        let failover = self.failover.as_ref().and_then(|failover| failover.contradicts(&self.faults));
        found.extend(failover.map(|message| Contradiction::new(RunFile::Failover, None, message)));
        found
    }

    /// The run with its contradictions, and without the dumps, the trace and the reads that are
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
                RunFile::Reads => self.reads.clear(),
                RunFile::Failover => self.failover = None,
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
