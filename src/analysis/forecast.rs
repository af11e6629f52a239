//! A run of real nodes against the simulation of the same experiment: what was foreseen of it.
//!
//! The two met the same delays, so they differ by what software and network added. That shifts
//! latencies a little; and where two arrivals at a follower were foreseen close together it may
//! swap them, and with them what the follower ends up with.

use std::collections::BTreeMap;

use hashbrown::HashMap;

use serde::Serialize;

use super::consistency::{CellState, RunConsistency};
use super::stats::{Quantile, Sample};
use crate::data::{ForecastRow, RunData, WriteOutcome};
use crate::model::{Micros, NodeId, TimeSpan, WriteId};

#[cfg(test)]
mod tests;

/// A latency this near to the foreseen one counts as foreseen.
const NEAR: TimeSpan = TimeSpan::new(10_000);

/// The share of neighbouring arrivals whose distance changed by no more than the jitter.
const JITTER: f64 = 0.99;

/// How well the simulation foresaw one run.
#[cfg_attr(test, derive(schemars::JsonSchema))]
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
#[cfg_attr(test, derive(schemars::JsonSchema))]
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
#[cfg_attr(test, derive(schemars::JsonSchema))]
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
#[cfg_attr(test, derive(schemars::JsonSchema))]
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
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Race {
    /// Where: a follower, by arrivals, or the leader, by the clients' requests.
    pub node: NodeId,
    /// The write that was last.
    pub last: WriteId,
    /// The write that was to be last.
    pub foreseen_last: WriteId,
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
    /// Holds a run against what the simulation of the same experiment foresaw of it.
    #[must_use]
    pub fn of(run: &RunData, foreseen: &[ForecastRow]) -> Self {
        Self {
            quorum: run.manifest.quorum.get(),
            other_delays: other_delays(run, foreseen),
            latency: LatencyForecast::of(run, foreseen),
            pairs: PairForecast::of(run, foreseen),
        }
    }
}

fn other_delays(run: &RunData, foreseen: &[ForecastRow]) -> u64 {
    let foreseen: HashMap<(WriteId, NodeId), TimeSpan> =
        foreseen.iter().filter_map(|row| Some(((row.write, row.node), row.delay_us?))).collect();
    let rows = run.replication.iter();
    rows.filter(|row| foreseen.get(&(row.write, row.follower)) != Some(&row.delay_us)).count() as u64
}

impl LatencyForecast {
    fn of(run: &RunData, foreseen: &[ForecastRow]) -> Self {
        let measured = acknowledged(run.writes.iter().map(|row| (row.write, row.outcome, row.latency_us)));
        let foreseen = acknowledged(foreseen.iter().filter_map(|row| Some((row.write, row.outcome?, row.latency_us?))));
        let differences: Vec<Micros> =
            measured.iter().filter_map(|(write, us)| Some(Micros::from(*us) - *foreseen.get(write)?)).collect();
        let greatest = differences.iter().map(|us| us.abs()).max();
        let sample: Sample = differences.iter().copied().collect();
        let n = differences.len();
        Self {
            n: n as u64,
            other_outcome: (measured.len() + foreseen.len() - 2 * n) as u64,
            near: differences.iter().filter(|us| us.abs() <= NEAR).count() as u64,
            p50: sample.quantile(0.5),
            p99: sample.quantile(0.99),
            greatest_ms: greatest.map(TimeSpan::as_ms),
        }
    }
}

/// Latencies of acknowledged writes by number.
fn acknowledged(writes: impl Iterator<Item = (WriteId, WriteOutcome, TimeSpan)>) -> BTreeMap<WriteId, TimeSpan> {
    let ok = writes.filter(|(_, outcome, _)| *outcome == WriteOutcome::Ok);
    ok.map(|(write, _, latency)| (write, latency)).collect()
}

impl PairForecast {
    fn of(run: &RunData, foreseen: &[ForecastRow]) -> Self {
        let consistency = RunConsistency::of(run);
        let rows = run.as_forecast();
        let (measured, foreseen) = (Course::of(&rows), Course::of(foreseen));
        let both: Vec<Pair<'_>> = consistency
            .settled
            .cells
            .iter()
            .filter_map(|cell| {
                let foreseen = foreseen.state(cell.follower, &cell.key)?;
                Some(Pair { follower: cell.follower, key: &cell.key, measured: cell.state, foreseen })
            })
            .collect();
        let diverged = |state: CellState| state != CellState::Match;
        let count = |of: &dyn Fn(bool, bool) -> bool| {
            both.iter().filter(|pair| of(diverged(pair.measured), diverged(pair.foreseen))).count() as u64
        };
        let jitter_us = jitter_us(&measured, &foreseen);
        let surprise = |pair: &Pair<'_>| Surprise {
            follower: pair.follower,
            key: pair.key.to_owned(),
            measured: pair.measured,
            foreseen: pair.foreseen,
            race: race(pair, &measured, &foreseen, jitter_us),
        };
        let is_surprise = |pair: &&Pair<'_>| diverged(pair.measured) != diverged(pair.foreseen);
        Self {
            n: both.len() as u64,
            agreeing: count(&|measured, foreseen| measured == foreseen),
            diverged: count(&|measured, foreseen| measured && foreseen),
            foreseen: count(&|_, foreseen| foreseen),
            jitter_ms: jitter_us.map(|us| us / 1000.0),
            surprises: both.iter().filter(is_surprise).map(surprise).collect(),
        }
    }
}

/// One follower's value for one key, as it ended and as it was to end.
struct Pair<'a> {
    follower: NodeId,
    key: &'a str,
    measured: CellState,
    foreseen: CellState,
}

/// When each write took effect where, and which of them the nodes ended with.
struct Course<'a> {
    /// By node, key and write.
    times_us: BTreeMap<(NodeId, &'a str, WriteId), Micros>,
    /// By node and key: the write whose value the node has at the end; `None` in place of a write
    /// that has no value of the key. A node that could not be asked is absent.
    last: BTreeMap<(NodeId, &'a str), Option<WriteId>>,
}

impl<'a> Course<'a> {
    fn of(rows: &'a [ForecastRow]) -> Self {
        let mut last: BTreeMap<(NodeId, &str), Option<WriteId>> = BTreeMap::new();
        for row in rows {
            if let Some(kept) = row.kept {
                let last = last.entry((row.node, &row.key)).or_default();
                *last = last.or(kept.then_some(row.write));
            }
        }
        let time = |row: &'a ForecastRow| Some(((row.node, row.key.as_str(), row.write), row.at_us?));
        Self { times_us: rows.iter().filter_map(time).collect(), last }
    }

    /// How a follower's value for a key compares with the leader's at the end; `None` if one of the
    /// two could not be asked, or neither has a value.
    fn state(&self, follower: NodeId, key: &str) -> Option<CellState> {
        match (*self.last.get(&(NodeId::Leader, key))?, *self.last.get(&(follower, key))?) {
            (None, None) => None,
            (None, Some(_)) => Some(CellState::Foreign),
            (Some(_), None) => Some(CellState::Missing),
            (Some(leader), Some(own)) => Some(if leader == own { CellState::Match } else { CellState::Stale }),
        }
    }

    /// How long after `earlier` the write `later` took effect at a node.
    fn gap_us(&self, node: NodeId, key: &str, earlier: WriteId, later: WriteId) -> Option<Micros> {
        let at = |write| self.times_us.get(&(node, key, write));
        Some(*at(later)? - *at(earlier)?)
    }
}

/// The two writes that decided: those that the follower ended with, or else the leader.
fn race(pair: &Pair<'_>, measured: &Course<'_>, foreseen: &Course<'_>, jitter_us: Option<f64>) -> Option<Race> {
    let at = |node: NodeId| {
        let last = (*measured.last.get(&(node, pair.key))?)?;
        let foreseen_last = (*foreseen.last.get(&(node, pair.key))?)?;
        if last == foreseen_last {
            return None;
        }
        let gap_us = measured.gap_us(node, pair.key, foreseen_last, last)?;
        let foreseen_gap_us = foreseen.gap_us(node, pair.key, last, foreseen_last)?;
        let moved_us = gap_us + foreseen_gap_us;
        let have_swapped = gap_us >= Micros::ZERO && foreseen_gap_us >= Micros::ZERO;
        Some(Race {
            node,
            last,
            foreseen_last,
            foreseen_gap_ms: foreseen_gap_us.as_ms(),
            gap_ms: gap_us.as_ms(),
            within_jitter: have_swapped && jitter_us.is_some_and(|jitter_us| moved_us.get() as f64 <= jitter_us),
        })
    };
    at(pair.follower).or_else(|| at(NodeId::Leader))
}

/// By how much the distance of neighbouring arrivals of one key at one follower changed. Their
/// order is that of the simulation.
fn jitter_us(measured: &Course<'_>, foreseen: &Course<'_>) -> Option<f64> {
    let mut arrivals: Vec<(NodeId, &str, Micros, Micros)> = foreseen
        .times_us
        .iter()
        .filter(|((node, ..), _)| !node.is_leader())
        .filter_map(|(place, foreseen_us)| Some((place.0, place.1, *foreseen_us, *measured.times_us.get(place)?)))
        .collect();
    arrivals.sort_unstable();
    let changes = arrivals.windows(2).filter(|pair| (pair[0].0, pair[0].1) == (pair[1].0, pair[1].1)).map(|pair| {
        let (foreseen_us, measured_us) = (pair[1].2 - pair[0].2, pair[1].3 - pair[0].3);
        (measured_us - foreseen_us).abs()
    });
    changes.collect::<Sample>().quantile_ms(JITTER).map(|ms| ms * 1000.0)
}
