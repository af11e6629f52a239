//! A run of real nodes against the simulation of the same experiment: what was foreseen of it.
//!
//! The two met the same delays, so they differ by what software and network added. That shifts
//! latencies a little; and where two arrivals at a follower were foreseen close together it may
//! swap them, and with them what the follower ends up with.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;

use super::consistency::{Cell, CellState, RunConsistency};
use super::stats::{Quantile, Sample, ms};
use crate::data::{RunData, WriteOutcome};
use crate::model::NodeId;

#[cfg(test)]
mod tests;

/// A latency this near to the foreseen one counts as foreseen, in microseconds.
const NEAR_US: u64 = 10_000;

/// The share of neighbouring arrivals whose distance changed by no more than the jitter.
const JITTER: f64 = 0.99;

/// How well the simulation foresaw one run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Forecast {
    /// W.
    pub quorum: u32,
    /// Replications whose drawn delay is not the simulation's: other than 0, the two are not of
    /// the same experiment and the rest says nothing.
    pub other_delays: u64,
    /// Latencies, write by write.
    pub latency: LatencyForecast,
    /// Pairs of follower and key, as they ended.
    pub pairs: PairForecast,
}

/// How far latencies are from those foreseen.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LatencyForecast {
    /// Writes acknowledged in both: what the figures are made of.
    pub n: u64,
    /// Writes acknowledged in one alone.
    pub other_outcome: u64,
    /// Writes whose latency is at most 10 ms from the foreseen one.
    pub near: u64,
    /// The median of measured less foreseen latency.
    pub p50: Option<Quantile>,
    /// Its 99th percentile.
    pub p99: Option<Quantile>,
    /// The greatest distance either way, in milliseconds.
    pub greatest_ms: Option<f64>,
}

/// Which pairs ended as foreseen.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PairForecast {
    /// Pairs that could be judged in both.
    pub n: u64,
    /// Pairs that diverged in both, or in neither.
    pub agreeing: u64,
    /// Pairs that diverged and were foreseen to.
    pub diverged: u64,
    /// Pairs foreseen to diverge, whatever became of them.
    pub foreseen: u64,
    /// By how much the distance of two neighbouring arrivals of one key at one follower changed
    /// against the simulation, in milliseconds: the 99th percentile.
    pub jitter_ms: Option<f64>,
    /// Each pair that ended otherwise, by follower, then key.
    pub surprises: Vec<Surprise>,
}

/// A pair that did not end as foreseen.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Surprise {
    /// The follower.
    pub follower: NodeId,
    /// The key.
    pub key: String,
    /// How it ended.
    pub measured: CellState,
    /// How it was to end.
    pub foreseen: CellState,
    /// The two writes whose order decided; `None` where the traces do not tell.
    pub race: Option<Race>,
}

/// Two writes of one key that took effect at one node in another order than foreseen.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Race {
    /// Where: a follower, by arrivals, or the leader, by the clients' requests.
    pub node: NodeId,
    /// The write that was last.
    pub last: u64,
    /// The write that was to be last.
    pub foreseen_last: u64,
    /// By how much it was to come later, in milliseconds.
    pub foreseen_gap_ms: f64,
    /// By how much it came earlier, in milliseconds; negative if it came later, as foreseen, so
    /// that their order explains nothing.
    pub gap_ms: f64,
    /// Whether jitter explains it: the two swapped, and their distance changed by no more than the
    /// jitter, by what 99 in 100 of neighbouring arrivals keep to.
    pub within_jitter: bool,
}

impl Forecast {
    /// Holds a run against the simulation of the same experiment at the same quorum.
    #[must_use]
    pub fn of(run: &RunData, simulated: &RunData) -> Self {
        Self {
            quorum: run.manifest.quorum.get(),
            other_delays: other_delays(run, simulated),
            latency: LatencyForecast::of(run, simulated),
            pairs: PairForecast::of(run, simulated),
        }
    }
}

fn other_delays(run: &RunData, simulated: &RunData) -> u64 {
    let foreseen: HashMap<(u64, NodeId), u64> =
        simulated.replication.iter().map(|row| ((row.write, row.follower), row.delay_us)).collect();
    let rows = run.replication.iter();
    rows.filter(|row| foreseen.get(&(row.write, row.follower)) != Some(&row.delay_us)).count() as u64
}

impl LatencyForecast {
    fn of(run: &RunData, simulated: &RunData) -> Self {
        let (measured, foreseen) = (acknowledged(run), acknowledged(simulated));
        let differences: Vec<i64> =
            measured.iter().filter_map(|(write, us)| Some(us.saturating_sub(*foreseen.get(write)?))).collect();
        let greatest_us = differences.iter().map(|us| us.unsigned_abs()).max();
        let sample: Sample = differences.iter().copied().collect();
        let n = differences.len();
        Self {
            n: n as u64,
            other_outcome: (measured.len() + foreseen.len() - 2 * n) as u64,
            near: differences.iter().filter(|us| us.unsigned_abs() <= NEAR_US).count() as u64,
            p50: sample.quantile(0.5),
            p99: sample.quantile(0.99),
            greatest_ms: greatest_us.map(|us| ms(i64::try_from(us).unwrap_or(i64::MAX))),
        }
    }
}

/// Latencies of acknowledged writes by number, in microseconds.
fn acknowledged(run: &RunData) -> BTreeMap<u64, i64> {
    let ok = run.writes.iter().filter(|row| row.outcome == WriteOutcome::Ok);
    ok.map(|row| (row.write, i64::try_from(row.latency_us).unwrap_or(i64::MAX))).collect()
}

impl PairForecast {
    fn of(run: &RunData, simulated: &RunData) -> Self {
        let (measured, foreseen) = (Ends::of(run), Ends::of(simulated));
        let both: Vec<(&Cell, &Cell)> =
            measured.cells.iter().filter_map(|(pair, cell)| Some((cell, foreseen.cells.get(pair)?))).collect();
        let diverged = |cell: &Cell| cell.state != CellState::Match;
        let count = |of: &dyn Fn(&Cell, &Cell) -> bool| both.iter().filter(|(a, b)| of(a, b)).count() as u64;
        let jitter_us = jitter_us(&measured, &foreseen);
        let surprise = |(a, b): &(&Cell, &Cell)| Surprise {
            follower: a.follower,
            key: a.key.clone(),
            measured: a.state,
            foreseen: b.state,
            race: race(a, b, &measured, &foreseen, jitter_us),
        };
        Self {
            n: both.len() as u64,
            agreeing: count(&|a, b| diverged(a) == diverged(b)),
            diverged: count(&|a, b| diverged(a) && diverged(b)),
            foreseen: count(&|_, b| diverged(b)),
            jitter_ms: jitter_us.map(|us| us / 1000.0),
            surprises: both.iter().filter(|(a, b)| diverged(a) != diverged(b)).map(surprise).collect(),
        }
    }
}

/// How a run's pairs ended, and the times that decided it.
struct Ends {
    /// By follower and key.
    cells: BTreeMap<(NodeId, String), Cell>,
    /// The write that has this number on the leader.
    writes: HashMap<u64, u64>,
    /// By node, key and write: when it took effect there; at the leader when it was requested.
    times_us: BTreeMap<(NodeId, String, u64), i64>,
}

impl Ends {
    fn of(run: &RunData) -> Self {
        let cells = RunConsistency::of(run).settled.cells;
        let answered = run.writes.iter().filter_map(|row| Some((row.version?, row.write)));
        let writes: HashMap<u64, u64> =
            run.replication.iter().map(|row| (row.version, row.write)).chain(answered).collect();
        let requests = run.writes.iter().map(|row| {
            let start_us = i64::try_from(row.start_us).unwrap_or(i64::MAX);
            ((NodeId::Leader, row.key.clone(), row.write), start_us)
        });
        let arrivals = run
            .arrivals
            .iter()
            .filter_map(|row| Some(((row.follower, row.key.clone(), *writes.get(&row.version)?), row.at_us)));
        Self {
            times_us: requests.chain(arrivals).collect(),
            cells: cells.into_iter().map(|cell| ((cell.follower, cell.key.clone()), cell)).collect(),
            writes,
        }
    }

    fn write(&self, version: Option<u64>) -> Option<u64> {
        self.writes.get(&version?).copied()
    }

    /// How long after `earlier` the write `later` took effect at a node, in microseconds.
    fn gap_us(&self, node: NodeId, key: &str, earlier: u64, later: u64) -> Option<i64> {
        let at = |write| self.times_us.get(&(node, key.to_owned(), write));
        Some(at(later)?.saturating_sub(*at(earlier)?))
    }
}

/// The two writes that decided: those that the follower ended with, or else the leader.
fn race(a: &Cell, b: &Cell, measured: &Ends, foreseen: &Ends, jitter_us: Option<f64>) -> Option<Race> {
    let at = |node: NodeId, last: Option<u64>, foreseen_last: Option<u64>| {
        let (last, foreseen_last) = (measured.write(last)?, foreseen.write(foreseen_last)?);
        if last == foreseen_last {
            return None;
        }
        let gap_us = measured.gap_us(node, &a.key, foreseen_last, last)?;
        let foreseen_gap_us = foreseen.gap_us(node, &a.key, last, foreseen_last)?;
        let moved_us = gap_us.saturating_add(foreseen_gap_us);
        let have_swapped = gap_us >= 0 && foreseen_gap_us >= 0;
        Some(Race {
            node,
            last,
            foreseen_last,
            foreseen_gap_ms: ms(foreseen_gap_us),
            gap_ms: ms(gap_us),
            within_jitter: have_swapped && jitter_us.is_some_and(|jitter_us| moved_us as f64 <= jitter_us),
        })
    };
    at(a.follower, a.follower_version, b.follower_version)
        .or_else(|| at(NodeId::Leader, a.leader_version, b.leader_version))
}

/// By how much the distance of neighbouring arrivals of one key at one follower changed. Their
/// order is that of the simulation.
fn jitter_us(measured: &Ends, foreseen: &Ends) -> Option<f64> {
    let mut arrivals: Vec<(NodeId, &str, i64, i64)> = foreseen
        .times_us
        .iter()
        .filter(|((node, ..), _)| !node.is_leader())
        .filter_map(|(place, foreseen_us)| {
            Some((place.0, place.1.as_str(), *foreseen_us, *measured.times_us.get(place)?))
        })
        .collect();
    arrivals.sort_unstable();
    let changes = arrivals.windows(2).filter(|pair| (pair[0].0, pair[0].1) == (pair[1].0, pair[1].1)).map(|pair| {
        let (foreseen_us, measured_us) = (pair[1].2.saturating_sub(pair[0].2), pair[1].3.saturating_sub(pair[0].3));
        measured_us.saturating_sub(foreseen_us).saturating_abs()
    });
    changes.collect::<Sample>().quantile_ms(JITTER).map(|ms| ms * 1000.0)
}
