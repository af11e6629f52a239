//! How much longer writes took than theory foresees of the network, where it is not known which
//! delays each write met.

use serde::Serialize;

use super::latency::Latency;

/// Latency less what is predicted, figure by figure. Unlike the overhead of single writes, it holds
/// the chance in the delays as well: a run that drew long ones has more of it.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Excess {
    /// W.
    pub quorum: u32,
    /// Acknowledged writes.
    pub n: u64,
    /// Mean latency less the predicted mean, in milliseconds.
    pub mean_ms: Option<f64>,
    /// The same of the median.
    pub median_ms: Option<f64>,
    /// The same of the 95th percentile.
    pub p95_ms: Option<f64>,
    /// The same of the 99th percentile.
    pub p99_ms: Option<f64>,
}

impl Excess {
    /// Of one run's latency. `None` if nothing is predicted.
    #[must_use]
    pub fn of(latency: &Latency) -> Option<Self> {
        let predicted = latency.predicted?;
        let less = |measured: Option<f64>, predicted: f64| measured.map(|measured| measured - predicted);
        Some(Self {
            quorum: latency.quorum,
            n: latency.n,
            mean_ms: less(latency.mean.map(|of| of.value_ms), predicted.mean_ms),
            median_ms: less(latency.median.map(|of| of.value_ms), predicted.median_ms),
            p95_ms: less(latency.p95.map(|of| of.value_ms), predicted.p95_ms),
            p99_ms: less(latency.p99.map(|of| of.value_ms), predicted.p99_ms),
        })
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;
    use crate::analysis::fixture::RunBuilder;

    #[test]
    fn is_each_figure_less_its_prediction() {
        let writes = [22_000, 23_000, 24_000];
        let run = (0..).zip(writes).fold(RunBuilder::new(2).delay_ms(20, 20), |run, (i, latency_us)| {
            run.write_with_delays(i, latency_us, &[20_000; 5])
        });
        let mut latency = Latency::of(&run.build());
        let excess = Excess::of(&latency).unwrap();
        assert_eq!((excess.n, excess.mean_ms, excess.median_ms), (3, Some(3.0), Some(3.0)));
        assert!((excess.p99_ms.unwrap() - 3.98).abs() < 1e-9, "{excess:?}");
        latency.mean = None;
        assert_eq!(Excess::of(&latency).unwrap().mean_ms, None);
        latency.predicted = None;
        assert_eq!(Excess::of(&latency), None);
    }
}
