//! The latency of a run's writes, beside what theory predicts.

use serde::Serialize;

use super::ks::{KsTest, ks_predicted};
use super::stats::{Mean, Quantile, Sample};
use super::theory::{NotPredicted, PredictedFigures, Prediction};
use crate::data::{RunData, WriteOutcome};

/// Latency at one quorum. Only acknowledged writes have one; the others are counted.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Latency {
    /// W.
    pub quorum: u32,
    /// Acknowledged writes: what the figures are made from.
    pub n: u64,
    /// Writes that missed their quorum.
    pub failed: u64,
    /// Writes without an answer.
    pub unknown: u64,
    /// The mean.
    pub mean: Option<Mean>,
    /// The median.
    pub median: Option<Quantile>,
    /// The 95th percentile.
    pub p95: Option<Quantile>,
    /// The 99th percentile.
    pub p99: Option<Quantile>,
    /// The fastest write, in milliseconds.
    pub min_ms: Option<f64>,
    /// The slowest write, in milliseconds.
    pub max_ms: Option<f64>,
    /// The same figures by theory.
    pub predicted: Option<PredictedFigures>,
    /// Why there is no prediction.
    pub not_predicted: Option<NotPredicted>,
    /// The distance from the predicted distribution, where that is continuous.
    pub ks: Option<KsTest>,
    /// The predicted distribution.
    #[serde(skip)]
    pub prediction: Result<Prediction, NotPredicted>,
}

impl Latency {
    /// The figures of one run.
    #[must_use]
    pub fn of(run: &RunData) -> Self {
        let count = |outcome| run.writes.iter().filter(|write| write.outcome == outcome).count() as u64;
        let sample = ok_latencies(run);
        let prediction = Prediction::new(&run.manifest.config, run.manifest.quorum);
        let ks = prediction.as_ref().ok().and_then(|prediction| ks_predicted(&sample, prediction));
        Self {
            quorum: run.manifest.quorum.get(),
            n: sample.len() as u64,
            failed: count(WriteOutcome::Failed),
            unknown: count(WriteOutcome::Unknown),
            mean: sample.mean(),
            median: sample.quantile(0.5),
            p95: sample.quantile(0.95),
            p99: sample.quantile(0.99),
            min_ms: sample.min_ms(),
            max_ms: sample.max_ms(),
            predicted: prediction.as_ref().ok().map(Prediction::figures),
            not_predicted: prediction.as_ref().err().copied(),
            ks,
            prediction,
        }
    }
}

/// The latencies of a run's acknowledged writes.
#[must_use]
pub fn ok_latencies(run: &RunData) -> Sample {
    run.writes.iter().filter(|write| write.outcome == WriteOutcome::Ok).map(|write| write.latency_us).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::fixture::RunBuilder;

    #[test]
    fn only_acknowledged_writes_have_a_latency() {
        let mut run =
            (0..4).fold(RunBuilder::new(1), |run, i| run.write_with_delays(i, 10_000 * (i + 1), &[1; 5])).build();
        run.writes[1].outcome = WriteOutcome::Failed;
        run.writes[3].outcome = WriteOutcome::Unknown;
        let latency = Latency::of(&run);
        assert_eq!((latency.quorum, latency.n, latency.failed, latency.unknown), (1, 2, 1, 1));
        assert_eq!(latency.mean.map(|mean| mean.value_ms), Some(20.0));
        assert_eq!((latency.min_ms, latency.max_ms), (Some(10.0), Some(30.0)));
        assert!(latency.predicted.is_some() && latency.ks.is_some());
    }

    #[test]
    fn a_point_prediction_is_not_tested_by_distance() {
        let run = RunBuilder::new(3).delay_ms(20, 20).write_with_delays(0, 21_000, &[20_000; 5]).build();
        let latency = Latency::of(&run);
        assert_eq!((latency.predicted.map(|figures| figures.p99_ms), latency.ks), (Some(20.0), None));
    }

    #[test]
    fn no_prediction_comes_with_its_reason() {
        let latency = Latency::of(&RunBuilder::new(6).build());
        assert_eq!((latency.n, latency.mean, latency.predicted), (0, None, None));
        assert_eq!(latency.not_predicted, Some(NotPredicted::QuorumBeyondFollowers));
    }
}
