//! Writes a second without delays, of several systems that ran in turn.

use std::cmp::Reverse;

use jiff::Timestamp;
use serde::Serialize;

use crate::analysis::latency::ok_latencies;
use crate::analysis::load::Load;
use crate::analysis::overhead::Overhead;
use crate::analysis::run_figures::RunFigures;
use crate::analysis::system_under_test::{SystemUnderTest, version};
use crate::config::ExperimentName;
use crate::data::{RunData, WriteOutcome};

/// Fewest writes of a run that tells a throughput: opening connections would weigh too much in a shorter one.
pub const MIN_WRITES: u32 = 1_000;

/// Writes a second of one system at one W under one load, round by round.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Throughput {
    /// The experiment that measured it.
    pub experiment: ExperimentName,
    /// The system's name.
    pub system: String,
    /// Its version; `None` if it told none.
    pub version: Option<String>,
    /// W.
    pub quorum: u32,
    /// N.
    pub followers: u32,
    /// Writes at a time.
    pub concurrency: u32,
    /// Keys.
    pub keys: u32,
    /// Writes of a round.
    pub writes: u32,
    /// Acknowledged writes a second, by round.
    pub rounds_per_s: Vec<f64>,
    /// Their median.
    pub median_per_s: f64,
    /// The median over the rounds of a round's median latency, in milliseconds.
    pub latency_ms: f64,
    /// Writes of all rounds that were not acknowledged.
    pub not_acknowledged: u64,
    /// Rounds during which labctl or the machine stood still, and which may be slow for that.
    pub rounds_with_gaps: u32,
    /// Whether no other system ran a later round under this load before this one's earlier round. `None` of one round,
    /// and where no time of day is kept.
    pub in_turn: Option<bool>,
    #[serde(skip)]
    under_test: SystemUnderTest,
}

impl Throughput {
    /// Whether it is of the program that a run measured, at the run's quorum.
    pub(super) fn is_of(&self, run: &RunData) -> bool {
        self.quorum == run.manifest.quorum.get() && self.under_test == SystemUnderTest::of(run)
    }
}

/// A run at hand. Of one whose figures are known the rows are not looked at, unless it tells of a failover.
#[derive(Debug, Clone, Copy)]
pub struct RunAtHand<'a> {
    /// The run.
    pub run: &'a RunData,
    /// Its figures, if they are known.
    pub figures: Option<&'a RunFigures>,
}

impl<'a> From<&'a RunData> for RunAtHand<'a> {
    fn from(run: &'a RunData) -> Self {
        Self { run, figures: None }
    }
}

/// One round.
struct Round {
    started: Option<Timestamp>,
    rate_per_s: f64,
    latency_ms: f64,
    not_acknowledged: u64,
    has_gaps: bool,
}

impl Round {
    /// Of a run without faults, whose median latency is that of all acknowledged writes.
    fn of(RunAtHand { run, figures }: RunAtHand<'_>) -> Option<Self> {
        let (rate_per_s, latency_ms, not_acknowledged) = match figures {
            Some(figures) => {
                let latency = &figures.latency;
                (figures.load?.rate_per_s, latency.median?.value_ms, latency.failed + latency.unknown)
            }
            None => (
                Load::of(run, &Overhead::of(run))?.rate_per_s,
                ok_latencies(run).quantile_ms(0.5)?,
                run.writes.iter().filter(|row| row.outcome != WriteOutcome::Ok).count() as u64,
            ),
        };
        Some(Self {
            started: run.manifest.started.as_deref().and_then(|started| started.parse().ok()),
            rate_per_s,
            latency_ms,
            not_acknowledged,
            has_gaps: !run.manifest.gaps.is_empty(),
        })
    }
}

/// Of those of the runs that have neither delays nor faults, and enough writes: by load, the one with the most writes at a time
/// first, then by W and experiment. Runs of one experiment, system and W are rounds.
pub(super) fn throughputs<'a>(runs: &[impl Into<RunAtHand<'a>> + Copy]) -> Vec<Throughput> {
    let mut series: Vec<(Throughput, Vec<Round>)> = Vec::new();
    for at_hand in runs.iter().map(|run| (*run).into()).filter(|of| tells_throughput(of.run)) {
        let Some(round) = Round::of(at_hand) else { continue };
        let new = Throughput::before_any_round(at_hand.run);
        match series.iter_mut().find(|(of, _)| *of == new) {
            Some((_, rounds)) => rounds.push(round),
            None => series.push((new, vec![round])),
        }
    }
    for (_, rounds) in &mut series {
        rounds.sort_by_key(|round| round.started);
    }
    let in_turn: Vec<Option<bool>> = (0..series.len()).map(|index| is_in_turn(&series, index)).collect();
    let mut all: Vec<Throughput> =
        series.into_iter().zip(in_turn).map(|((of, rounds), in_turn)| of.with(&rounds, in_turn)).collect();
    all.sort_by_key(|of| (Reverse(of.concurrency), of.load(), of.quorum, of.experiment.clone()));
    all
}

fn tells_throughput(run: &RunData) -> bool {
    let config = &run.manifest.config;
    let is_still =
        !config.network.has_delays(config.followers.get()) && config.faults.is_empty() && run.faults.is_empty();
    // In virtual time a write without delays takes no time.
    is_still && config.workload.writes.get() >= MIN_WRITES && !run.manifest.backend.is_virtual_time()
}

impl Throughput {
    fn before_any_round(run: &RunData) -> Self {
        let (manifest, workload) = (&run.manifest, &run.manifest.config.workload);
        Self {
            experiment: manifest.experiment.clone(),
            system: manifest.system_name().to_owned(),
            version: manifest.system.as_ref().and_then(version),
            quorum: manifest.quorum.get(),
            followers: manifest.config.followers.get(),
            concurrency: workload.concurrency.get(),
            keys: workload.keys.get(),
            writes: workload.writes.get(),
            rounds_per_s: Vec::new(),
            median_per_s: 0.0,
            latency_ms: 0.0,
            not_acknowledged: 0,
            rounds_with_gaps: 0,
            in_turn: None,
            under_test: SystemUnderTest::of(run),
        }
    }

    fn with(self, rounds: &[Round], in_turn: Option<bool>) -> Self {
        Self {
            rounds_per_s: rounds.iter().map(|round| round.rate_per_s).collect(),
            median_per_s: median(rounds.iter().map(|round| round.rate_per_s)),
            latency_ms: median(rounds.iter().map(|round| round.latency_ms)),
            not_acknowledged: rounds.iter().map(|round| round.not_acknowledged).sum(),
            rounds_with_gaps: rounds.iter().map(|round| u32::from(round.has_gaps)).sum(),
            in_turn,
            ..self
        }
    }

    /// Under which load: writes at a time, keys, writes.
    #[must_use]
    pub const fn load(&self) -> (u32, u32, u32) {
        (self.concurrency, self.keys, self.writes)
    }
}

/// Whether each round of a series began after the earlier rounds of all others under the same load at the same W.
fn is_in_turn(series: &[(Throughput, Vec<Round>)], index: usize) -> Option<bool> {
    let (own, rounds) = series.get(index)?;
    let is_beside = |of: &Throughput| of.load() == own.load() && of.quorum == own.quorum;
    let mut others = series.iter().enumerate().filter(|(other, (of, _))| *other != index && is_beside(of)).peekable();
    others.peek().filter(|_| rounds.len() > 1)?;
    let mut is_in_turn = true;
    for (earlier, later) in others.flat_map(|(_, (_, theirs))| theirs.iter().zip(rounds.iter().skip(1))) {
        is_in_turn &= earlier.started? < later.started?;
    }
    Some(is_in_turn)
}

/// The middle value, or the mean of the two in the middle; 0 of none.
fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = values.collect();
    sorted.sort_by(f64::total_cmp);
    let middle = |index: usize| sorted.get(index).copied().unwrap_or_default();
    match sorted.len() {
        0 => 0.0,
        n => f64::midpoint(middle((n - 1) / 2), middle(n / 2)),
    }
}
