//! Writes and reads drawn at random: the WARS model.

use crate::model::{Distribution, LinkDelays, Micros, TimeSpan};
use rand::Rng;
use rand::rngs::ChaCha8Rng;

use super::reading::{DrawnRead, ReadPath, Reader};
use super::visibility::Visible;
use crate::analysis::chance::Chance;
use crate::analysis::stats::Sample;

/// A message that never arrives.
const NEVER: Micros = Micros::MAX;

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
    /// From this time after its start on a follower's copy is lost if the write is not there, and
    /// does not count if its acknowledgement is not back.
    pub(super) replication_limit_us: TimeSpan,
    /// From this time after its start on a write is not acknowledged.
    pub(super) request_limit_us: TimeSpan,
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
    waits_us: Vec<TimeSpan>,
    latencies_us: Vec<TimeSpan>,
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
        let mut latencies_us: Vec<TimeSpan> = Vec::with_capacity(trials as usize);
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

    /// Draws `trials` writes; answers when each follower has each of the acknowledged ones,
    /// from its acknowledgement on: negative before it, [`Micros::MAX`] never.
    pub(super) fn leads(&self, trials: u32, rng: &mut ChaCha8Rng) -> Vec<Vec<Micros>> {
        let mut write = Write::new(self.links.len());
        (0..trials).filter_map(|_| self.write(&mut write, rng).map(|_| write.lead_us.clone())).collect()
    }

    /// Draws a write; answers its latency, if it was acknowledged.
    fn write(&self, write: &mut Write, rng: &mut ChaCha8Rng) -> Option<TimeSpan> {
        let limit_us = Micros::from(self.replication_limit_us);
        let mut pick = |way: &Distribution| Micros::from(way.pick_us(rng.next_u64()));
        for ((link, lead_us), acked_us) in self.links.iter().zip(&mut write.lead_us).zip(&mut write.acked_us) {
            let there_us = pick(&link.write);
            let back_us = there_us + link.ack.as_ref().map_or(Micros::ZERO, &mut pick);
            *lead_us = if there_us < limit_us { there_us } else { NEVER };
            *acked_us = if back_us < limit_us { back_us } else { NEVER };
        }
        write.acked_us.sort_unstable();
        let acknowledged_us = match self.quorum.checked_sub(1) {
            None => Micros::ZERO,
            Some(index) => write.acked_us.get(index as usize).copied()?,
        };
        for lead_us in write.lead_us.iter_mut().filter(|lead_us| **lead_us != NEVER) {
            *lead_us = *lead_us - acknowledged_us;
        }
        Some(acknowledged_us.abs()).filter(|us| *us < self.request_limit_us && acknowledged_us != NEVER)
    }
}

/// One write, in buffers that all trials share.
struct Write {
    /// By follower: how long after the acknowledgement it is there; negative before it.
    lead_us: Vec<Micros>,
    /// When acknowledgements come back, ascending.
    acked_us: Vec<Micros>,
}

impl Write {
    fn new(followers: usize) -> Self {
        Self { lead_us: vec![Micros::ZERO; followers], acked_us: vec![Micros::ZERO; followers] }
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

    fn add(&mut self, wait_us: TimeSpan, latency_us: TimeSpan) {
        self.waits_us.push(wait_us);
        self.latencies_us.push(latency_us);
    }

    /// What the reads took.
    pub(super) fn latencies(&self) -> Sample {
        self.latencies_us.iter().copied().collect()
    }
}

impl Visible for ReadTrials {
    fn seen(&self, t_us: TimeSpan) -> Option<Chance> {
        let seen = self.waits_us.partition_point(|wait_us| *wait_us <= t_us);
        Chance::of_trials(seen as u64, self.waits_us.len() as u64)
    }

    fn pairs(&self) -> Option<u64> {
        Some(self.waits_us.len() as u64)
    }

    fn last_us(&self) -> TimeSpan {
        self.waits_us.iter().copied().rfind(|wait_us| *wait_us != TimeSpan::MAX).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
