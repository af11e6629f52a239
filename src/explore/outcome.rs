//! One simulated run, in few numbers.

use tokio_util::sync::CancellationToken;

use super::Point;
use super::replay::{ReplayFigures, TracedRun, to_u32};
use crate::analysis::RunConsistency;
use crate::data::{RunData, WriteOutcome};
use crate::sim::SimError;
use crate::sim::simulate_and;

/// One run's contribution to its point.
#[derive(Debug, Clone, PartialEq)]
pub struct RunOutcome {
    /// Writes that missed their quorum.
    pub failed: u64,
    /// Writes without an answer.
    pub unknown: u64,
    /// Latency of each acknowledged write.
    pub latencies_us: Vec<u32>,
    /// Time from the acknowledgement until the last follower had it, of each acknowledged write that
    /// reached all of them.
    pub lags_us: Vec<u32>,
    /// The share of followers that had an acknowledged write when it was acknowledged, averaged
    /// over such writes; `None` without any.
    pub fresh_at_ack: Option<f64>,
    /// Time from the acknowledgement until a follower that lacked the write received it, of each
    /// acknowledged write and such follower.
    pub gaps_us: Vec<u32>,
    /// Arrivals of acknowledged writes before their acknowledgement.
    pub copies_at_ack: u64,
    /// Copies that acknowledged writes were to have: one per follower.
    pub copies: u64,
    /// Whether acknowledgements take no time: then which copies an acknowledgement finds there
    /// is no matter of chance.
    pub has_instant_acks: bool,
    /// Pairs of follower and key.
    pub pairs: u64,
    /// Pairs that differed when the last write was answered.
    pub behind: u64,
    /// Pairs that differed for good.
    pub diverged: u64,
    /// Whether every message had arrived at the end.
    pub settled: bool,
    /// The share of the load during which some acknowledged write was on no follower: the
    /// chance that the leader's death loses one for good.
    pub losing: f64,
    /// Acknowledged writes on no follower, averaged over every instant of the load.
    pub lost: f64,
    /// Acknowledged writes that one random follower lacks, averaged likewise: what promoting it
    /// would lose.
    pub lacking: f64,
}

impl RunOutcome {
    /// Acknowledged writes.
    #[must_use]
    pub fn ok(&self) -> u64 {
        self.latencies_us.len() as u64
    }

    /// Simulates the run of a point with this number, from 0.
    ///
    /// # Errors
    /// As [`simulate_and`].
    pub fn of(point: &Point, number: u64, cancel: &CancellationToken) -> Result<Self, SimError> {
        let experiment = point.run(number);
        simulate_and(&point.name, &experiment, point.quorum, cancel, |run, followers, start_us| {
            let replay = TracedRun {
                rows: &run.writes,
                followers,
                keys: &experiment.workload.key_numbers(experiment.seed),
                start_us,
                load_us: run.manifest.load_us,
            };
            Self::new(run, replay.replay(), followers.len())
        })
    }

    fn new(run: &RunData, replay: ReplayFigures, followers: usize) -> Self {
        let count = |outcome| run.writes.iter().filter(|row| row.outcome == outcome).count() as u64;
        let ok = run.writes.iter().filter(|row| row.outcome == WriteOutcome::Ok);
        let latencies_us: Vec<u32> = ok.map(|row| to_u32(row.latency_us.get())).collect();
        let consistency = RunConsistency::of(run);
        let config = &run.manifest.config;
        let copies = (latencies_us.len() * followers) as u64;
        let load_us = run.manifest.load_us.get() as f64;
        let over_load = |sum: f64| if load_us > 0.0 { sum / load_us } else { 0.0 };
        Self {
            failed: count(WriteOutcome::Failed),
            unknown: count(WriteOutcome::Unknown),
            fresh_at_ack: (copies > 0).then(|| replay.copies_at_ack as f64 / copies as f64),
            gaps_us: replay.gaps_us,
            copies_at_ack: replay.copies_at_ack,
            copies,
            has_instant_acks: config.network.has_instant_acks(config.followers.get()),
            latencies_us,
            lags_us: replay.lags_us,
            pairs: consistency.settled.total.pairs(),
            behind: consistency.at_last_ack.total.differing(),
            diverged: consistency.settled.total.differing(),
            settled: run.manifest.settled,
            losing: over_load(replay.losing_us.get() as f64),
            lost: over_load(replay.lost_write_us as f64),
            lacking: over_load(replay.lacking_write_us as f64) / followers as f64,
        }
    }
}
