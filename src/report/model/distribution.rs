//! Distributions as points to draw them through.

use serde::Serialize;

use crate::analysis::{Latency, Prediction, Sample};

/// Most points of a distribution that are kept.
const MOST_POINTS: usize = 400;

/// How far the curve of a tail without end is drawn.
const MOST_SHARE: f64 = 0.999;

/// Points of a predicted curve.
const CURVE_POINTS: u32 = 120;

/// A distribution function as points to draw it through.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DistributionCurves {
    /// W.
    pub quorum: u32,
    /// Measured: every value, or evenly spaced ones among many.
    pub measured: Vec<DistributionPoint>,
    /// Predicted; empty without a prediction, or where it is a single value.
    pub predicted: Vec<DistributionPoint>,
}

/// A share of values at or below one.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct DistributionPoint {
    /// The value, in milliseconds.
    pub ms: f64,
    /// The share at or below it, 0 to 1.
    #[cfg_attr(test, schemars(range(min = 0.0, max = 1.0)))]
    pub share: f64,
}

impl DistributionCurves {
    pub(super) fn of(latency: &Latency, measured: Vec<DistributionPoint>) -> Self {
        let share = |i: u32| f64::from(i) / f64::from(CURVE_POINTS);
        let predicted = match latency.best_prediction() {
            Some(Prediction::Constant(_)) | None => Vec::new(),
            Some(prediction) => (0..=CURVE_POINTS)
                .map(|i| if prediction.is_bounded() { share(i) } else { share(i).min(MOST_SHARE) })
                .map(|share| DistributionPoint { ms: prediction.quantile_ms(share), share })
                .collect(),
        };
        Self { quorum: latency.quorum, measured, predicted }
    }
}

/// The empirical distribution function, through at most [`MOST_POINTS`] evenly spaced ranks,
/// the greatest always among them.
pub(super) fn thinned(sample: &Sample) -> Vec<DistributionPoint> {
    let n = sample.len();
    let kept = n.min(MOST_POINTS);
    let values: Vec<f64> = sample.iter_ms().collect();
    (1..=kept)
        .map(|i| i * n / kept)
        .filter_map(|rank| Some(DistributionPoint { ms: *values.get(rank - 1)?, share: rank as f64 / n as f64 }))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::TimeSpan;

    #[test]
    fn a_small_sample_is_kept_whole_and_a_large_one_thinned() {
        let small: Sample = (1..=100).map(|i| TimeSpan::new(i * 1000)).collect();
        let points = thinned(&small);
        assert_eq!(points.len(), 100);
        assert_eq!((points[0].ms, points[0].share), (1.0, 0.01));
        let large: Sample = (1..=20_001).map(|i| TimeSpan::new(i * 1000)).collect();
        let points = thinned(&large);
        assert_eq!(points.len(), MOST_POINTS);
        assert_eq!(points.last().map(|point| (point.ms, point.share)), Some((20_001.0, 1.0)));
        assert!(points.iter().all(|point| (point.ms / 20_001.0 - point.share).abs() < 1e-9));
        assert!(thinned(&Sample::default()).is_empty());
    }
}
