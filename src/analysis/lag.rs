//! How far followers lag: from a write's acknowledgement until the last of them has it.

use serde::Serialize;

use super::ks::{KsTest, ks_predicted};
use super::stats::{Mean, Quantile, Sample};
use super::theory::{NotPredicted, PredictedFigures, PredictedLag, Prediction};
use super::trace::{TracedWrite, traced_writes};
use crate::data::RunData;

#[cfg(test)]
mod tests;

/// Lag at one quorum. It is measured from the client's side: 0 where every follower had the
/// write before the client heard of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Lag {
    /// W.
    pub quorum: u32,
    /// Acknowledged writes known to have reached every follower: what the figures are made of.
    pub n: u64,
    /// Acknowledged writes that some follower never got.
    pub never_everywhere: u64,
    /// Acknowledged writes whose trace is not complete.
    pub without_trace: u64,
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
    /// The same figures by theory.
    pub predicted: Option<PredictedFigures>,
    /// Why there is no prediction.
    pub not_predicted: Option<NotPredicted>,
    /// The distance from the predicted distribution, where that is continuous.
    pub ks: Option<KsTest>,
    /// The share of followers, 0 to 1, that did not have a write yet when it was acknowledged:
    /// the chance of a stale read there and then. The mean over acknowledged, traced writes.
    pub behind_at_ack: Option<f64>,
    /// The same share for the write that was acknowledged last alone.
    pub behind_at_last_ack: Option<f64>,
    /// The share by theory: (N - W) / N, or less where acknowledgements take time.
    pub predicted_behind: Option<f64>,
}

impl Lag {
    /// The lag of one run.
    #[must_use]
    pub fn of(run: &RunData) -> Self {
        let writes = traced_writes(run);
        let acked = writes.iter().filter(|write| write.acknowledged_us().is_some()).count() as u64;
        let traced: Vec<(i64, &TracedWrite<'_>)> = writes
            .iter()
            .filter(|write| write.is_complete())
            .filter_map(|write| Some((write.acknowledged_us()?, write)))
            .collect();
        let sample = lags(&traced);
        let predicted = PredictedLag::new(&run.manifest.config, run.manifest.quorum);
        let prediction = predicted.lag.as_ref();
        let ks = prediction.ok().and_then(|prediction| ks_predicted(&sample, prediction));
        let last = traced.iter().max_by_key(|(acknowledged_us, write)| (*acknowledged_us, write.row.write));
        Self {
            quorum: run.manifest.quorum.get(),
            n: sample.len() as u64,
            never_everywhere: (traced.len() - sample.len()) as u64,
            without_trace: acked - traced.len() as u64,
            mean: sample.mean(),
            median: sample.quantile(0.5),
            p95: sample.quantile(0.95),
            p99: sample.quantile(0.99),
            max_ms: sample.max_ms(),
            predicted: prediction.ok().map(Prediction::figures),
            not_predicted: prediction.err().copied(),
            ks,
            behind_at_ack: behind(&traced),
            behind_at_last_ack: last.and_then(|last| behind(&[*last])),
            predicted_behind: predicted.behind,
        }
    }
}

/// The lags of a run's acknowledged writes that are known to have reached every follower.
#[must_use]
pub fn write_lags(run: &RunData) -> Sample {
    let writes = traced_writes(run);
    let traced: Vec<_> = writes.iter().filter_map(|write| Some((write.acknowledged_us()?, write))).collect();
    lags(&traced)
}

/// Lags of writes given with the time of their acknowledgement.
fn lags(acknowledged: &[(i64, &TracedWrite<'_>)]) -> Sample {
    let lag =
        |(acknowledged_us, write): &(i64, &TracedWrite<'_>)| Some((write.everywhere_us()? - acknowledged_us).max(0));
    acknowledged.iter().filter_map(lag).collect()
}

/// The mean share of followers without a write at its acknowledgement.
fn behind(acknowledged: &[(i64, &TracedWrite<'_>)]) -> Option<f64> {
    let (mut followers, mut copies) = (0, 0);
    for (acknowledged_us, write) in acknowledged {
        followers += write.arrived_us.len();
        copies += write.copies_at(*acknowledged_us);
    }
    (followers > 0).then(|| (followers - copies) as f64 / followers as f64)
}
