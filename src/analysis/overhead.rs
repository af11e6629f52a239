//! What the software itself costs: measured latency minus the delay that was injected.

use std::collections::BTreeMap;

use serde::Serialize;

use super::faults::undisturbed;
use super::independence::hangs_together;
use super::open_loop::{at_once, has_growing_latency};
use super::series::{Dependence, Series};
use super::stats::{Quantile, Sample};
use crate::config::Pacing;
use crate::data::{ReplicationRow, RunData, WriteOutcome, WriteRow};
use crate::model::{Micros, TimeSpan, WriteId};

/// One acknowledged write's latency beyond the W-th smallest of its own drawn delays, there and
/// back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WriteOverhead {
    /// The write's number in the plan.
    pub write: WriteId,
    /// When it started.
    pub start_us: Micros,
    /// The W-th smallest delay drawn for it; 0 at W = 0.
    pub injected_us: TimeSpan,
    /// Latency less that delay; negative where the leader did not wait for it.
    pub overhead_us: Micros,
}

/// The overhead of a run's acknowledged writes, free of the chance in the delays. Writes that
/// met a fault are left out: what they waited for was not the software.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Overhead {
    /// W.
    pub quorum: u32,
    /// Writes that the figures are made from.
    pub n: u64,
    /// Acknowledged writes left out because not all of their delays are stored.
    pub without_trace: u64,
    /// Whether overheads of neighbouring writes depend on each other.
    pub dependence: Dependence,
    /// The share of these writes' latency, 0 to 1, that was overhead.
    pub share_of_latency: Option<f64>,
    /// The first writes beside the others; `None` of too few.
    pub warm_up: Option<WarmUp>,
    /// The median.
    pub p50: Option<Quantile>,
    /// The 95th percentile.
    pub p95: Option<Quantile>,
    /// The 99th percentile.
    pub p99: Option<Quantile>,
    /// The least, in milliseconds.
    pub min_ms: Option<f64>,
    /// The greatest, in milliseconds.
    pub max_ms: Option<f64>,
}

/// What the first writes cost, which find connections not yet open and caches empty.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct WarmUp {
    /// The first writes of the plan: as many as are under way together.
    pub n: u64,
    /// Their median overhead in milliseconds.
    pub p50_ms: f64,
    /// That of all others.
    pub rest_p50_ms: f64,
}

impl WarmUp {
    /// Of overheads by write.
    fn of(overheads: &[WriteOverhead], concurrency: usize) -> Option<Self> {
        let (first, rest) =
            overheads.split_at_checked(concurrency).filter(|(first, rest)| rest.len() >= first.len())?;
        let median =
            |part: &[WriteOverhead]| part.iter().map(|write| write.overhead_us).collect::<Sample>().quantile_ms(0.5);
        Some(Self { n: first.len() as u64, p50_ms: median(first)?, rest_p50_ms: median(rest)? })
    }
}

impl Overhead {
    /// The overhead figures of one run.
    #[must_use]
    pub fn of(run: &RunData) -> Self {
        let overheads = write_overheads(run);
        let ok = acknowledged(run).count();
        let concurrency = at_once(run);
        let latency_us: f64 =
            overheads.iter().map(|write| write.overhead_us.get() as f64 + write.injected_us.get() as f64).sum();
        let overhead_us: f64 = overheads.iter().map(|write| write.overhead_us.get() as f64).sum();
        let mut in_order: Vec<&WriteOverhead> = overheads.iter().collect();
        in_order.sort_by_key(|write| (write.start_us, write.write));
        let share_of_latency = (latency_us > 0.0).then_some(overhead_us / latency_us);
        let series = Series::new(in_order.iter().map(|write| write.overhead_us).collect(), concurrency)
            .saturated(is_saturated(run, share_of_latency) && !is_virtual(run))
            .hanging_together(hangs_together(run));
        let sample = series.sample();
        Self {
            quorum: run.manifest.quorum.get(),
            n: sample.len() as u64,
            without_trace: (ok - sample.len()) as u64,
            dependence: series.dependence(),
            share_of_latency,
            warm_up: WarmUp::of(&overheads, concurrency as usize),
            p50: series.quantile(0.5),
            p95: series.quantile(0.95),
            p99: series.quantile(0.99),
            min_ms: sample.min_ms(),
            max_ms: sample.max_ms(),
        }
    }
}

/// From this share of overhead in the latency on, writes mostly wait for each other.
const SATURATED: f64 = 0.5;

/// Whether several writes of a run were under way together and took longer than twice the delays
/// that were injected: then most of a write's latency is waiting for the others. Not so in an open loop whose latency
/// does not grow: there it may be the software's own time.
pub(super) fn is_saturated(run: &RunData, share_of_latency: Option<f64>) -> bool {
    let is_mostly_overhead = share_of_latency.is_some_and(|share| share >= SATURATED);
    is_mostly_overhead
        && match run.manifest.config.workload.pacing {
            Pacing::Open => has_growing_latency(run),
            Pacing::Window | Pacing::Batch => at_once(run) > 1,
        }
}

/// Whether a run was, in real time. Its figures then differ from run to run by more than one run
/// shows: in 20 runs of 100,000 writes each the interval of a run's mean covered the mean of all in 6.
pub(super) fn is_saturated_in_real_time(run: &RunData) -> bool {
    !is_virtual(run) && is_saturated(run, Overhead::of(run).share_of_latency)
}

fn is_virtual(run: &RunData) -> bool {
    run.manifest.backend.is_virtual_time()
}

/// Acknowledged writes that met no fault.
fn acknowledged(run: &RunData) -> impl Iterator<Item = &WriteRow> {
    let undisturbed = undisturbed(run);
    run.writes.iter().filter(move |write| write.outcome == WriteOutcome::Ok && undisturbed(write))
}

/// The overhead of each acknowledged write whose delays are all in the trace and that met no
/// fault, by write.
#[must_use]
pub fn write_overheads(run: &RunData) -> Vec<WriteOverhead> {
    let quorum = run.manifest.quorum.get() as usize;
    let followers = run.manifest.config.followers.get() as usize;
    let network = &run.manifest.config.network;
    let has_ack_delays = network.links(run.manifest.config.followers.get()).iter().any(|link| link.ack.is_some());
    // Old files lack the acknowledgements' delays: 0 only if the experiment has none.
    let drawn_us = |row: &ReplicationRow| {
        let ack_us = row.ack_delay_us.or((!has_ack_delays).then_some(TimeSpan::ZERO))?;
        Some(row.delay_us + ack_us)
    };
    let mut delays: BTreeMap<WriteId, Vec<TimeSpan>> = BTreeMap::new();
    for row in &run.replication {
        delays.entry(row.write).or_default().extend(drawn_us(row));
    }
    let injected = |write: WriteId| match quorum.checked_sub(1) {
        None => Some(TimeSpan::ZERO),
        Some(index) => {
            let mut drawn = delays.get(&write).filter(|drawn| drawn.len() == followers)?.clone();
            drawn.sort_unstable();
            drawn.get(index).copied()
        }
    };
    acknowledged(run)
        .filter_map(|row| {
            let injected_us = injected(row.write)?;
            let overhead_us = Micros::from(row.latency_us) - injected_us;
            Some(WriteOverhead { write: row.write, start_us: row.start_us, injected_us, overhead_us })
        })
        .collect()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;
    use crate::analysis::fixture::RunBuilder;
    use crate::model::NodeId;

    /// Five followers; write 0 draws 50, 10, 40, 20, 30 ms and takes 32.5 ms.
    fn run(quorum: u32) -> RunData {
        RunBuilder::new(quorum).write_with_delays(0, 32_500, &[50_000, 10_000, 40_000, 20_000, 30_000]).build()
    }

    #[test]
    fn is_latency_less_the_wth_smallest_delay() {
        for (quorum, expected_ms) in [(0, 32.5), (1, 22.5), (2, 12.5), (3, 2.5), (4, -7.5), (5, -17.5)] {
            let overhead = Overhead::of(&run(quorum));
            assert_eq!(overhead.p50.map(|q| q.value_ms), Some(expected_ms), "W = {quorum}");
            assert_eq!((overhead.n, overhead.without_trace), (1, 0));
        }
    }

    #[test]
    fn a_write_with_a_gap_in_its_trace_is_counted_not_used() {
        let mut run = RunBuilder::new(1)
            .write_with_delays(0, 9_000, &[8_000; 5])
            .write_with_delays(1, 9_000, &[1_000; 5])
            .build();
        run.replication.retain(|row| row.write != WriteId::new(0) || row.follower != NodeId::Follower(1));
        let overhead = Overhead::of(&run);
        assert_eq!((overhead.n, overhead.without_trace), (1, 1));
        assert_eq!(overhead.p99.map(|q| q.value_ms), Some(8.0));
    }

    #[test]
    fn the_delays_of_acknowledgements_are_the_stored_ones() {
        let mut run = run(1);
        run.manifest.config.network.ack_delay = Some("uniform(0,50)".parse().unwrap());
        // There and back: 51, 31, 41, 22, 31 ms.
        for (row, ack_ms) in run.replication.iter_mut().zip([1, 21, 1, 2, 1]) {
            row.ack_delay_us = Some(TimeSpan::new(ack_ms * 1_000));
        }
        let overheads = write_overheads(&run);
        assert_eq!((overheads[0].injected_us, overheads[0].overhead_us), (TimeSpan::new(22_000), Micros::new(10_500)));
        // A file from before they were kept: they are not drawn anew.
        run.replication[0].ack_delay_us = None;
        let overhead = Overhead::of(&run);
        assert_eq!((overhead.n, overhead.without_trace, overhead.p50), (0, 1, None));
    }

    #[test]
    fn the_first_writes_are_told_apart() {
        let latency_us = |write| if write < 10 { 3_750 } else { 2_120 };
        let writes = (0..40).fold(RunBuilder::new(1), |run, i| run.write_with_delays(i, latency_us(i), &[1_000; 5]));
        let overhead = Overhead::of(&writes.build());
        assert_eq!(overhead.warm_up, Some(WarmUp { n: 10, p50_ms: 2.75, rest_p50_ms: 1.12 }));
        assert_eq!(overhead.share_of_latency, Some((10.0 * 2.75 + 30.0 * 1.12) / (10.0 * 3.75 + 30.0 * 2.12)));
        assert_eq!(Overhead::of(&run(1)).warm_up, None);
    }

    #[test]
    fn without_acknowledged_writes_there_are_no_figures() {
        let mut run = run(3);
        run.writes[0].outcome = WriteOutcome::Failed;
        let overhead = Overhead::of(&run);
        assert_eq!((overhead.n, overhead.without_trace, overhead.p50), (0, 0, None));
    }
}
