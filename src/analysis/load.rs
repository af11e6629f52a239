//! How many writes were under way, how many were answered a second, and whether the cluster was
//! saturated.

use serde::Serialize;

use super::need::{Need, Withheld};
use super::overhead::{Overhead, is_saturated};
use crate::data::{RunData, WriteOutcome, WriteRow};

/// The load of one run. In a closed loop the rate is what latency lets through: writes in flight
/// = rate times latency (J. D. C. Little, "A proof for the queuing formula: L = λW", Operations
/// Research 9 (1961), 383-387).
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Load {
    /// Most writes under way together.
    #[cfg_attr(test, schemars(range(min = 1)))]
    pub concurrency: u32,
    /// Writes under way, on average from the first start to the last answer.
    pub in_flight: f64,
    /// Acknowledged writes a second.
    pub rate_per_s: f64,
    /// Whether several writes were under way together and took longer than twice the delays
    /// that were injected: then most of a write's latency is waiting for the others. `None` if the
    /// system does not tell the delays of a write.
    pub is_saturated: Option<bool>,
}

impl Load {
    /// The load of a run with this overhead; `None` of one that took no time.
    #[must_use]
    pub fn of(run: &RunData, overhead: &Overhead) -> Option<Self> {
        let end = run.writes.iter().map(WriteRow::end).max()?;
        let start = run.writes.iter().map(WriteRow::start).min()?;
        let duration_us = (end - start).get() as f64;
        let latency_us: f64 = run.writes.iter().map(|row| row.latency_us as f64).sum();
        let ok = run.writes.iter().filter(|row| row.outcome == WriteOutcome::Ok).count();
        let concurrency = run.manifest.config.workload.concurrency.get();
        (duration_us > 0.0).then(|| Self {
            concurrency,
            in_flight: latency_us / duration_us,
            rate_per_s: ok as f64 / (duration_us / 1e6),
            is_saturated: Withheld::of(run, &[Need::Delays])
                .is_none()
                .then(|| is_saturated(run, overhead.share_of_latency)),
        })
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;
    use crate::analysis::fixture::{RunBuilder, right_leader, without_trace};

    fn load(run: &RunData) -> Load {
        Load::of(run, &Overhead::of(run)).unwrap()
    }

    #[test]
    fn writes_in_flight_are_rate_times_latency() {
        let run = RunBuilder::new(1).load(right_leader).build();
        let load = load(&run);
        let mean_s = run.writes.iter().map(|row| row.latency_us as f64).sum::<f64>() / 100.0 / 1e6;
        assert!((load.in_flight - load.rate_per_s * mean_s).abs() < 1e-9, "{load:?}");
        assert!(load.in_flight <= 10.0 && load.is_saturated == Some(false));
    }

    #[test]
    fn latency_that_is_mostly_overhead_is_saturation_where_writes_overlap() {
        let run = |concurrency: i64| {
            let writes = (0..40).fold(RunBuilder::new(1), |run, i| run.write_with_delays(i, 21_000, &[9_000; 5]));
            writes.configure(|config| config.workload.concurrency = concurrency.try_into().unwrap()).build()
        };
        assert_eq!(load(&run(64)).is_saturated, Some(true));
        assert_eq!(load(&run(1)).is_saturated, Some(false));
        assert_eq!(load(&without_trace(run(64))).is_saturated, None);
    }
}
