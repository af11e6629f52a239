//! What followers held, seen from outside: what probing readers found out, and what that cost.

use hashbrown::{HashMap, HashSet};
use serde::Serialize;

use super::arrivals::ArrivalFigures;
use super::bounds::Bounds;
use super::censored::{Censored, CensoredQuantile, CensoredSample, CensoredShare, NEVER_US};
use super::copies::{Copies, Sightings};
use super::early::EarlyFollower;
use super::stats::{Interval, Sample};
use crate::data::{ReadOutcome, ReadPurpose, RunData};
use crate::model::{Micros, TimeSpan, WriteId};

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod acceptance;
#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod misleading;

/// Quantiles of the lag that are estimated.
const QUANTILES: [f64; 3] = [0.5, 0.95, 0.99];

/// Parts of a curve.
const CURVE_PARTS: i64 = 80;

/// What readers saw of the followers at one quorum. A write arrived at a follower after the last answer without it
/// was asked for, and before the first answer with it came: figures lie between those that follow if each came as
/// early as it may have, and as late.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Outside {
    /// W.
    pub quorum: u32,
    /// After how many milliseconds a follower was to be asked again.
    #[cfg_attr(test, schemars(range(min = 1.0)))]
    pub probe_ms: f64,
    /// After how many milliseconds it was asked again for a key of which it had not shown every write, the median. More than
    /// `probe_ms` where that would have been too many requests, or answers took longer. Absent if no key was asked for twice.
    pub asked_every_ms: Option<f64>,
    /// Reads that were made to find out what followers have.
    pub reads: u64,
    /// Of these reads, those without an answer that could be understood.
    pub failed_reads: u64,
    /// Their share of all requests of labctl's clients, 0 to 1.
    #[cfg_attr(test, schemars(range(min = 0.0, max = 1.0)))]
    pub share_of_requests: f64,
    /// Copies of acknowledged writes: one for each follower.
    pub copies: u64,
    /// Copies of which it is known between which times they arrived.
    pub resolved: u64,
    /// Copies that no reader saw, while a newer write of the same key was seen there. Where copies may overtake each other
    /// they may have arrived before, later, or never.
    pub hidden: u64,
    /// The median length of the intervals in which resolved copies arrived, in milliseconds; absent if there are none.
    pub median_width_ms: Option<f64>,
    /// Quantiles of the lag of the last follower, estimated from the intervals.
    pub lag_estimates: Vec<LagEstimate>,
    /// The share of acknowledged writes that every follower had, against the time since the acknowledgement.
    pub lag_curve: Vec<LagPoint>,
    /// Followers that showed writes sooner than their links let them arrive. What they showed is in no figure.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(test, schemars(default))]
    pub early: Vec<EarlyFollower>,
    /// What follows from what was seen. Absent where the system keeps no trace: then the figures of these names beside
    /// `outside` are those seen from outside.
    #[serde(flatten)]
    pub figures: Option<ArrivalFigures>,
}

/// A point of the distribution of lags.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct LagPoint {
    /// Milliseconds since the acknowledgement.
    #[cfg_attr(test, schemars(range(min = 0.0)))]
    pub ms: f64,
    /// Between these shares it lies for certain.
    pub bounds: Bounds<f64>,
    /// Turnbull's estimate; it has two ends within an interval.
    pub estimate: Bounds<f64>,
    /// The share by the system's own trace; absent if it keeps none.
    pub traced: Option<Bounds<f64>>,
}

/// A quantile of times that are known only to lie in intervals: the least time by which a share of them has passed.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct LagEstimate {
    /// Which quantile, 0 to 1.
    #[cfg_attr(test, schemars(range(min = 0.0, max = 1.0)))]
    pub p: f64,
    /// Turnbull's estimate in milliseconds: the maximum likelihood estimate for interval-censored times, which leaves open
    /// where between these ends. Without an upper end it may be never.
    pub estimate_ms: Interval,
    /// Between which ends the quantile of these writes lies for certain, in milliseconds.
    pub bounds_ms: Interval,
}

impl Outside {
    /// What readers saw of one run; `None` if followers were not probed.
    #[must_use]
    pub fn of(run: &RunData) -> Option<Self> {
        let probes = || run.reads.iter().filter(|row| row.purpose == ReadPurpose::Probe);
        let reads = probes().count() as u64;
        if reads == 0 {
            return None;
        }
        let copies = Copies::by_reads(run);
        let Sightings { copies: all, resolved, hidden, widths_us } = copies.sightings().unwrap_or_default();
        let widths: Sample = widths_us.into_iter().collect();
        let requests = run.writes.len() + run.reads.len();
        Some(Self {
            quorum: run.manifest.quorum.get(),
            probe_ms: run.manifest.config.probe_interval().into(),
            asked_every_ms: asked_every_ms(run),
            reads,
            failed_reads: probes().filter(|row| row.outcome == ReadOutcome::Failed).count() as u64,
            share_of_requests: reads as f64 / requests as f64,
            copies: all,
            resolved,
            hidden,
            median_width_ms: widths.quantile_ms(0.5),
            lag_estimates: lag_estimates(&lags(&copies)),
            lag_curve: lag_curve(run, &lags(&copies)),
            early: EarlyFollower::all(run),
            figures: Some(ArrivalFigures::by(run, &copies)),
        })
    }
}

/// The median time from one question for a key to the next by the same reader, while it waited for a write of the key.
fn asked_every_ms(run: &RunData) -> Option<f64> {
    /// When a reader asked for a key if it had not seen all of its writes, and which it had seen.
    type Waiting = (Option<Micros>, HashSet<WriteId>);
    let mut started_us: HashMap<&str, Vec<Micros>> = HashMap::new();
    run.writes.iter().for_each(|row| started_us.entry(&row.key).or_default().push(row.start_us));
    started_us.values_mut().for_each(|started_us| started_us.sort_unstable());
    let mut waiting: HashMap<(u32, &str), Waiting> = HashMap::new();
    let mut gaps_us: Vec<TimeSpan> = Vec::new();
    for row in run.reads.iter().filter(|row| row.purpose == ReadPurpose::Probe) {
        let (asked_us, seen) = waiting.entry((row.session, &row.key)).or_default();
        // Several messages of one answer were asked for once.
        gaps_us
            .extend(asked_us.filter(|asked_us| *asked_us < row.start_us).map(|asked_us| row.start_us.since(asked_us)));
        seen.extend(row.write);
        let started_us = started_us.get(row.key.as_str()).map_or(&[][..], Vec::as_slice);
        let sent = started_us.partition_point(|started_us| *started_us <= row.start_us);
        *asked_us = (seen.len() < sent).then_some(row.start_us);
    }
    gaps_us.into_iter().collect::<Sample>().quantile_ms(0.5)
}

/// The times from writes' acknowledgements until the last follower has them.
fn lags(copies: &Copies<'_>) -> CensoredSample {
    let lags = copies.writes.iter().filter_map(|write| {
        let acknowledged_us = write.acknowledged_us()?;
        let after = |at_us: Option<Micros>| at_us.map_or(NEVER_US, |at_us| (at_us - acknowledged_us).get().max(0));
        let everywhere = write.everywhere();
        Some(Censored::between(after(everywhere.earliest_us), after(everywhere.latest_us)))
    });
    CensoredSample::new(lags)
}

fn lag_estimates(lags: &CensoredSample) -> Vec<LagEstimate> {
    let time = |us: i64| (us != NEVER_US).then(|| Micros::new(us).as_ms());
    let ends = |of: Bounds<i64>| Interval { lower: time(of.lower), upper: time(of.upper) };
    let estimate = |p| {
        let CensoredQuantile { bounds, estimate } = lags.quantile(p)?;
        Some(LagEstimate { p, estimate_ms: ends(estimate), bounds_ms: ends(bounds) })
    };
    QUANTILES.into_iter().filter_map(estimate).collect()
}

/// The distribution of lags until nearly all writes are everywhere.
fn lag_curve(run: &RunData, lags: &CensoredSample) -> Vec<LagPoint> {
    let traced = run.manifest.capabilities().trace.then(|| self::lags(&Copies::of(run)));
    let nearly_all = |end: fn(Bounds<i64>) -> i64| lags.quantile(0.99).map_or(0, |of| end(of.bounds));
    let last_us = match nearly_all(|bounds| bounds.upper) {
        NEVER_US => nearly_all(|bounds| bounds.lower),
        known_us => known_us,
    };
    let last_us = if last_us == NEVER_US { 0 } else { last_us };
    let mut times_us: Vec<i64> = (0..=CURVE_PARTS).map(|part| last_us / CURVE_PARTS * part).collect();
    times_us.dedup();
    let point = |at_us: i64| {
        let CensoredShare { bounds, estimate } = lags.share_by(at_us)?;
        let traced = traced.as_ref().and_then(|lags| lags.share_by(at_us)).map(|share| share.bounds);
        Some(LagPoint { ms: Micros::new(at_us).as_ms(), bounds, estimate, traced })
    };
    times_us.into_iter().filter_map(point).collect()
}
