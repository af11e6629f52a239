//! How far followers lag: from a write's acknowledgement until the last of them has it.

use serde::Serialize;

use super::bounds::Bounds;
use super::copies::{Copies, WriteCopies};
use super::independence::hangs_together;
use super::open_loop::at_once;
use super::overhead::is_saturated_in_real_time;
use super::series::{Dependence, Series};
use super::stats::{Interval, Mean, Quantile, Sample};
use super::theory::{NotPredicted, PredictedFigures, PredictedLag, Prediction, as_met};
use crate::data::RunData;
use crate::model::Micros;

#[cfg(test)]
mod tests;

/// The lag of a write that never reaches every follower: longer than any other.
const NEVER: Micros = Micros::MAX;

/// Lag at one quorum. It is measured from the client's side: 0 where every follower had the
/// write before the client heard of it. A write that some follower never got counts as later than
/// all others.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Lag {
    /// W.
    pub quorum: u32,
    /// Acknowledged writes: what the figures are made of.
    pub n: u64,
    /// Acknowledged writes that some follower never got.
    pub never_everywhere: Bounds<u64>,
    /// Acknowledged writes of which it is not known when they reached every follower, or whether.
    pub not_exact: u64,
    /// Whether lags of neighbouring writes depend on each other, as those do that all wait for the
    /// end of a fault.
    pub dependence: Dependence,
    /// The figures, if of these every copy arrived as early as it may have.
    #[serde(flatten)]
    pub figures: LagFigures,
    /// The same if as late as it may have; absent where nothing is uncertain.
    pub at_latest: Option<LagFigures>,
    /// The same figures by theory.
    pub predicted: Option<PredictedFigures>,
    /// Why there is no prediction.
    pub not_predicted: Option<NotPredicted>,
    /// The share of followers, 0 to 1, that had not received a write when it was acknowledged. The
    /// mean over acknowledged writes.
    pub behind_at_ack: Option<Bounds<f64>>,
    /// The same share for the write that was acknowledged last alone.
    pub behind_at_last_ack: Option<Bounds<f64>>,
    /// The share by theory: (N - W) / N, or less where acknowledgements take time.
    #[cfg_attr(test, schemars(range(min = 0.0, max = 1.0)))]
    pub predicted_behind: Option<f64>,
}

/// A distribution of lags. A write that never reached every follower has an infinite lag: a quantile
/// is absent where it falls on such a write, and mean and maximum are absent if there is one.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct LagFigures {
    /// The mean.
    pub mean: Option<Mean>,
    /// The median.
    pub median: Option<Quantile>,
    /// The 95th percentile.
    pub p95: Option<Quantile>,
    /// The 99th percentile.
    pub p99: Option<Quantile>,
    /// The greatest lag, in milliseconds.
    pub max_ms: Option<f64>,
}

impl Lag {
    /// The lag of one run.
    #[must_use]
    pub fn of(run: &RunData) -> Self {
        Self::by(run, &Copies::of(run))
    }

    /// The same by one account of the run.
    pub(super) fn by(run: &RunData, copies: &Copies<'_>) -> Self {
        let mut acknowledged: Vec<(Micros, &WriteCopies<'_>)> =
            copies.writes.iter().filter_map(|write| Some((write.acknowledged_us()?, write))).collect();
        acknowledged.sort_by_key(|(_, write)| (write.row.start_us, write.row.write));
        let series = |end: fn(&WriteCopies<'_>) -> Option<Micros>| {
            Series::new(lags_us(&acknowledged, end), at_once(run))
                .saturated(is_saturated_in_real_time(run))
                .hanging_together(hangs_together(run))
        };
        let (earliest, latest) =
            (series(|write| write.everywhere().earliest_us), series(|write| write.everywhere().latest_us));
        let not_exact = acknowledged.iter().filter(|(_, write)| !write.everywhere().is_exact()).count() as u64;
        let met = match run.manifest.capabilities().acks_unseen {
            true => Err(NotPredicted::ShownLater),
            false => as_met(run),
        };
        let predicted = met.map_or_else(PredictedLag::none, |met| PredictedLag::new(&met, run.manifest.quorum));
        let prediction = predicted.lag.as_ref();
        let last = acknowledged.iter().max_by_key(|(acknowledged_us, write)| (*acknowledged_us, write.row.write));
        Self {
            quorum: run.manifest.quorum.get(),
            n: acknowledged.len() as u64,
            never_everywhere: Bounds { lower: never(earliest.sample()), upper: never(latest.sample()) },
            not_exact,
            dependence: earliest.dependence(),
            figures: LagFigures::of(&earliest),
            at_latest: (earliest.sample() != latest.sample()).then(|| LagFigures::of(&latest)),
            predicted: prediction.ok().map(Prediction::figures),
            not_predicted: prediction.err().copied(),
            behind_at_ack: behind(&acknowledged),
            behind_at_last_ack: last.and_then(|last| behind(&[*last])),
            predicted_behind: predicted.behind,
        }
    }

    /// A figure at the earliest and at the latest; equal where the data give it exactly.
    #[must_use]
    pub fn ends(&self, figure: impl Fn(&LagFigures) -> Option<f64>) -> (Option<f64>, Option<f64>) {
        (figure(&self.figures), figure(self.at_latest.as_ref().unwrap_or(&self.figures)))
    }
}

impl LagFigures {
    fn of(lags: &Series) -> Self {
        let is_whole = never(lags.sample()) == 0;
        Self {
            mean: lags.mean().filter(|_| is_whole),
            median: quantile(lags, 0.5),
            p95: quantile(lags, 0.95),
            p99: quantile(lags, 0.99),
            max_ms: lags.sample().max_ms().filter(|_| is_whole),
        }
    }
}

/// A quantile with the ends that are times; `None` if it is never reached.
fn quantile(series: &Series, p: f64) -> Option<Quantile> {
    const ROUNDING: f64 = 1e-9;
    let lags = series.sample();
    let reached = lags.len() - never(lags) as usize;
    let position = lags.len().checked_sub(1)? as f64 * p;
    let above = (position - ROUNDING).ceil() as usize;
    if above >= reached {
        return None;
    }
    let quantile = series.quantile(p)?;
    // Not interpolated towards never, by however little.
    let is_last = position.ceil() as usize >= reached;
    let value_ms = if is_last { lags.iter_ms().nth(above)? } else { quantile.value_ms };
    let is_time = |end: &f64| *end < NEVER.as_ms();
    let Interval { lower, upper } = quantile.interval_ms;
    let interval_ms = Interval { lower: lower.filter(is_time), upper: upper.filter(is_time) };
    Some(Quantile { value_ms, interval_ms, ..quantile })
}

/// How many never reached every follower.
fn never(lags: &Sample) -> u64 {
    lags.count_of(NEVER)
}

/// Lags of writes given with the time of their acknowledgement.
fn lags_us(
    acknowledged: &[(Micros, &WriteCopies<'_>)],
    everywhere_us: impl Fn(&WriteCopies<'_>) -> Option<Micros>,
) -> Vec<Micros> {
    let lag = |(acknowledged_us, write): &(Micros, &WriteCopies<'_>)| {
        everywhere_us(write).map_or(NEVER, |at_us| at_us.since(*acknowledged_us).into())
    };
    acknowledged.iter().map(lag).collect()
}

/// The mean share of followers that had not received a write at its acknowledgement.
fn behind(acknowledged: &[(Micros, &WriteCopies<'_>)]) -> Option<Bounds<f64>> {
    let (mut followers, mut certainly, mut possibly) = (0, 0, 0);
    for (acknowledged_us, write) in acknowledged {
        let reached = write.reached(*acknowledged_us);
        followers += write.arrivals.len() as u64;
        certainly += u64::from(reached.0);
        possibly += u64::from(reached.1);
    }
    let share = |reached: u64| (followers - reached) as f64 / followers as f64;
    (followers > 0).then(|| Bounds { lower: share(possibly), upper: share(certainly) })
}
