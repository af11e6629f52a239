//! Writes and reads drawn at random: the WARS model.

use crate::model::{Distribution, LinkDelays};
use rand::Rng;
use rand::rngs::ChaCha8Rng;

use super::reading::{DrawnRead, ReadPath, Reader};
use super::visibility::Visible;
use crate::analysis::chance::Chance;
use crate::analysis::stats::Sample;

/// A message that never arrives.
const NEVER: i64 = i64::MAX;

/// The WARS model of P. Bailis and others, "Probabilistically Bounded Staleness for Practical
/// Partial Quorums", Proceedings of the VLDB Endowment 5 (2012), 776-787: the write (W) and
/// its acknowledgement (A) on each link, then the read's request (R) and response (S). One
/// write at a time; the leader is not among the N.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Wars {
    /// By follower: W and A.
    pub(super) links: Vec<LinkDelays>,
    /// The write quorum.
    pub(super) quorum: u32,
    /// R and S.
    pub(super) path: ReadPath,
    /// From this many microseconds on a follower's copy is lost if the write is not there, and
    /// does not count if its acknowledgement is not back.
    pub(super) replication_limit_us: u64,
    /// From this many microseconds on a write is not acknowledged.
    pub(super) request_limit_us: u64,
}

/// What came of many trials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Trials {
    /// Latency of each acknowledged write.
    pub(super) writes: Sample,
    pub(super) reads: Vec<ReadTrials>,
}

/// Reads of one kind, one after each acknowledged write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ReadTrials {
    pub(super) replicas: u32,
    pub(super) reader: Reader,
    /// Ascending: how long after the acknowledgement each read has to begin.
    waits_us: Vec<u64>,
    latencies_us: Vec<u64>,
}

impl Wars {
    /// Draws `trials` writes, and after each acknowledged one a read of each kind from each
    /// number of followers R.
    pub(super) fn simulate(&self, replicas: &[u32], trials: u32, rng: &mut ChaCha8Rng) -> Trials {
        let mut reads: Vec<ReadTrials> = self
            .path
            .readers()
            .iter()
            .flat_map(|reader| replicas.iter().map(|replicas| ReadTrials::new(*replicas, *reader)))
            .collect();
        let mut latencies_us: Vec<u64> = Vec::with_capacity(trials as usize);
        let mut write = Write::new(self.links.len());
        let mut reading = DrawnRead::new(&self.path, self.links.len());
        for _ in 0..trials {
            reading.draw(rng);
            let Some(latency_us) = self.write(&mut write, rng) else { continue };
            latencies_us.push(latency_us);
            for reader in self.path.readers() {
                reading.waits(*reader, &write.lead_us, |asked, wait_us, latency_us| {
                    let kinds = reads.iter_mut().filter(|kind| kind.reader == *reader);
                    kinds.filter(|kind| kind.replicas as usize == asked).for_each(|kind| kind.add(wait_us, latency_us));
                });
            }
        }
        reads.iter_mut().for_each(|kind| kind.waits_us.sort_unstable());
        Trials { writes: latencies_us.into_iter().collect(), reads }
    }

    /// Draws `trials` writes; answers when each follower has each of the acknowledged ones, in
    /// microseconds after its acknowledgement, negative before it, [`i64::MAX`] never.
    pub(super) fn leads(&self, trials: u32, rng: &mut ChaCha8Rng) -> Vec<Vec<i64>> {
        let mut write = Write::new(self.links.len());
        (0..trials).filter_map(|_| self.write(&mut write, rng).map(|_| write.lead_us.clone())).collect()
    }

    /// Draws a write; answers its latency, if it was acknowledged.
    fn write(&self, write: &mut Write, rng: &mut ChaCha8Rng) -> Option<u64> {
        let limit_us = i64::try_from(self.replication_limit_us).unwrap_or(NEVER);
        let mut pick = |way: &Distribution| i64::from(way.pick_us(rng.next_u64()));
        for ((link, lead_us), acked_us) in self.links.iter().zip(&mut write.lead_us).zip(&mut write.acked_us) {
            let there_us = pick(&link.write);
            let back_us = there_us + link.ack.as_ref().map_or(0, &mut pick);
            *lead_us = if there_us < limit_us { there_us } else { NEVER };
            *acked_us = if back_us < limit_us { back_us } else { NEVER };
        }
        write.acked_us.sort_unstable();
        let acknowledged_us = match self.quorum.checked_sub(1) {
            None => 0,
            Some(index) => write.acked_us.get(index as usize).copied()?,
        };
        for lead_us in write.lead_us.iter_mut().filter(|lead_us| **lead_us != NEVER) {
            *lead_us -= acknowledged_us;
        }
        u64::try_from(acknowledged_us).ok().filter(|us| *us < self.request_limit_us && acknowledged_us != NEVER)
    }
}

/// One write, in buffers that all trials share.
struct Write {
    /// By follower: how long after the acknowledgement it is there; negative before it.
    lead_us: Vec<i64>,
    /// When acknowledgements come back, ascending.
    acked_us: Vec<i64>,
}

impl Write {
    fn new(followers: usize) -> Self {
        Self { lead_us: vec![0; followers], acked_us: vec![0; followers] }
    }
}

impl Trials {
    pub(super) fn of(&self, (reader, replicas): (Reader, u32)) -> Option<&ReadTrials> {
        self.reads.iter().find(|kind| (kind.reader, kind.replicas) == (reader, replicas))
    }
}

impl ReadTrials {
    fn new(replicas: u32, reader: Reader) -> Self {
        Self { replicas, reader, waits_us: Vec::new(), latencies_us: Vec::new() }
    }

    fn add(&mut self, wait_us: i64, latency_us: i64) {
        // Neither is negative.
        self.waits_us.push(wait_us.unsigned_abs());
        self.latencies_us.push(latency_us.unsigned_abs());
    }

    /// What the reads took.
    pub(super) fn latencies(&self) -> Sample {
        self.latencies_us.iter().copied().collect()
    }
}

impl Visible for ReadTrials {
    fn seen(&self, t_us: u64) -> Option<Chance> {
        let seen = self.waits_us.partition_point(|wait_us| *wait_us <= t_us);
        Chance::of_trials(seen as u64, self.waits_us.len() as u64)
    }

    fn pairs(&self) -> Option<u64> {
        Some(self.waits_us.len() as u64)
    }

    fn last_us(&self) -> u64 {
        self.waits_us.iter().copied().rfind(|wait_us| *wait_us != NEVER.unsigned_abs()).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests;
