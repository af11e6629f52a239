//! How many writes were under way, how many were answered a second, and whether the cluster, labctl or its machine was
//! saturated.

use serde::Serialize;

use super::need::{Need, Withheld};
use super::open_loop::{OpenLoop, at_once};
use super::overhead::{Overhead, is_saturated};
use crate::data::{LoadCost, RunData, WriteOutcome, WriteRow};

/// The load of one run. In a closed loop the rate is what latency lets through: writes in flight
/// = rate times latency (J. D. C. Little, "A proof for the queuing formula: L = λW", Operations
/// Research 9 (1961), 383-387).
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Load {
    /// Most writes under way together: by the plan of a closed loop, as it came about in an open one.
    #[cfg_attr(test, schemars(range(min = 1)))]
    pub concurrency: u32,
    /// Writes under way, on average from the first start to the last answer.
    pub in_flight: f64,
    /// Acknowledged writes a second.
    pub rate_per_s: f64,
    /// Whether several writes were under way together and took longer than twice the delays
    /// that were injected: then most of a write's latency is waiting for the others. In an open loop latency has to
    /// have grown too, as where writes queue. `None` if the system does not tell the delays of a write.
    pub is_saturated: Option<bool>,
    /// Whether writes started when they were to; absent of a closed loop.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub open_loop: Option<OpenLoop>,
    /// What driving the load took; absent if the run does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub driver: Option<DriverCost>,
}

/// What driving the load took of the machine.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct DriverCost {
    /// Processor time of labctl for each write, in microseconds.
    pub cpu_us_per_write: f64,
    /// The share of one processor that labctl kept busy; its load runs on one.
    pub of_a_processor: f64,
    /// Whether that was [`CLIENT_BOUND`] or more.
    pub is_bound: bool,
    /// The share of all processors' time, 0 to 1, in which they were busy with whatever ran there. `None` if unknown.
    pub machine_busy: Option<f64>,
    /// Whether that was [`MACHINE_SATURATED`] or more.
    pub is_machine_saturated: Option<bool>,
}

/// From this share of one processor on labctl bounds what it measures.
pub const CLIENT_BOUND: f64 = 0.8;

/// From this share on the machine's processors are what a run waits for.
pub const MACHINE_SATURATED: f64 = 0.95;

impl Load {
    /// The load of a run with this overhead; `None` of one that took no time.
    #[must_use]
    pub fn of(run: &RunData, overhead: &Overhead) -> Option<Self> {
        let end = run.writes.iter().map(WriteRow::end).max()?;
        let start = run.writes.iter().map(|row| row.start_us).min()?;
        let duration_us = (end - start).get() as f64;
        // In an open loop latency counts from when a write was to start: before it was sent, nothing was in flight.
        let in_flight_us = |row: &WriteRow| row.latency_us.get() as f64 - row.late_by().get() as f64;
        let latency_us: f64 = run.writes.iter().map(in_flight_us).sum();
        let ok = run.writes.iter().filter(|row| row.outcome == WriteOutcome::Ok).count();
        (duration_us > 0.0).then(|| Self {
            concurrency: at_once(run),
            in_flight: latency_us / duration_us,
            rate_per_s: ok as f64 / (duration_us / 1e6),
            is_saturated: Withheld::of(run, &[Need::Delays])
                .is_none()
                .then(|| is_saturated(run, overhead.share_of_latency)),
            open_loop: OpenLoop::of(run),
            driver: run.manifest.load_cost.map(|cost| DriverCost::of(cost, run)),
        })
    }
}

impl DriverCost {
    fn of(cost: LoadCost, run: &RunData) -> Self {
        let (cpu_us, load_us) = (cost.cpu_us.get() as f64, run.manifest.load_us.get() as f64);
        let of_a_processor = if load_us > 0.0 { cpu_us / load_us } else { 0.0 };
        Self {
            cpu_us_per_write: cpu_us / run.writes.len().max(1) as f64,
            of_a_processor,
            is_bound: of_a_processor >= CLIENT_BOUND,
            machine_busy: cost.machine_busy,
            is_machine_saturated: cost.machine_busy.map(|busy| busy >= MACHINE_SATURATED),
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;
    use crate::analysis::fixture::{RunBuilder, right_leader, without_trace};
    use crate::analysis::open_loop::tests::open;
    use crate::model::TimeSpan;

    fn load(run: &RunData) -> Load {
        Load::of(run, &Overhead::of(run)).unwrap()
    }

    #[test]
    fn writes_in_flight_are_rate_times_latency() {
        let run = RunBuilder::new(1).load(right_leader).build();
        let load = load(&run);
        let mean_s = run.writes.iter().map(|row| row.latency_us.get() as f64).sum::<f64>() / 100.0 / 1e6;
        assert!((load.in_flight - load.rate_per_s * mean_s).abs() < 1e-9, "{load:?}");
        assert!(load.in_flight <= 10.0 && load.is_saturated == Some(false));
    }

    #[test]
    fn a_write_of_an_open_loop_is_in_flight_from_when_it_was_sent() {
        // Ten writes of 50 ms each, the last of which ends 1,350 ms after the first was to start.
        let load = load(&open(&[(400, 50); 10], 1_000));
        assert!((load.in_flight - 500.0 / 1_350.0).abs() < 1e-9, "{load:?}");
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

    #[test]
    fn an_open_loop_is_saturated_if_its_latency_grows() {
        let run = |taken_ms: &dyn Fn(u64) -> u64| {
            let all: Vec<(u64, u64)> = (0..40).map(|write| (0, taken_ms(write))).collect();
            let mut run = open(&all, 1_000);
            run.replication.iter_mut().for_each(|row| row.delay_us = TimeSpan::new(1_000));
            load(&run).is_saturated
        };
        assert_eq!(run(&|write| 100 + 10 * write), Some(true));
        assert_eq!(run(&|_| 250), Some(false));
    }

    #[test]
    fn the_cost_of_driving_is_held_against_its_limits() {
        let mut run = RunBuilder::new(1).load(right_leader).build();
        assert_eq!(load(&run).driver, None);
        let load_us = run.manifest.load_us.get();
        let mut driver = |cpu_us: u64, machine_busy: Option<f64>| {
            run.manifest.load_cost = Some(LoadCost { cpu_us: TimeSpan::new(cpu_us), machine_busy });
            load(&run).driver.unwrap()
        };
        let light = driver(1_500, Some(0.5));
        assert_eq!((light.cpu_us_per_write, light.is_bound, light.is_machine_saturated), (15.0, false, Some(false)));
        let heavy = driver(load_us * 9 / 10, Some(0.96));
        assert_eq!((heavy.is_bound, heavy.is_machine_saturated), (true, Some(true)));
        assert_eq!(driver(0, None).is_machine_saturated, None);
    }
}
