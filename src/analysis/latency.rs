//! The latency of a run's writes, beside what theory predicts.

use serde::Serialize;

use super::faults::undisturbed;
use super::independence::hangs_together;
use super::ks::{Fit, Tested, ks_predicted};
use super::open_loop::at_once;
use super::overhead::is_saturated_in_real_time;
use super::own_time::{OwnTime, OwnTimeSource, is_wanted};
use super::series::{Dependence, Series};
use super::stats::{Mean, Quantile, Sample};
use super::theory::{NotPredicted, PredictedFigures, Prediction, as_met};
use crate::data::{RunData, WriteOutcome, WriteRow};
use crate::model::{Micros, TimeSpan};

/// Latency at one quorum. Only acknowledged writes have one; the others are counted.
#[cfg_attr(test, derive(schemars::JsonSchema))]
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
    /// Writes whose answer a fault cut off while they were under way. Where there are any, the
    /// slow writes are missing among those acknowledged, and the figures are withheld.
    pub cut_off: u64,
    /// The least that the mean may be then: each write that was cut off counts as long as it had
    /// waited. `None` where nothing was cut off.
    pub mean_at_least_ms: Option<f64>,
    /// Writes that met a fault and were not acknowledged. Where there are any, the figures are of
    /// the writes that the faults spared, not of a random part of all.
    pub missed_in_fault: u64,
    /// Whether latencies of neighbouring writes depend on each other.
    pub dependence: Dependence,
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
    /// The same figures by theory, for software that takes no time.
    pub predicted: Option<PredictedFigures>,
    /// The same for software that takes the time in `own_time`: known of ordered links that change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub predicted_with_own_time: Option<PredictedFigures>,
    /// Where the software's own time is known from, where theory wants it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub own_time: Option<OwnTimeSource>,
    /// Whether theory wants the software's own time and no run tells it; left out of JSON where not.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub lacks_own_time: bool,
    /// Why there is no prediction.
    pub not_predicted: Option<NotPredicted>,
    /// The test of the predicted distribution, where that is continuous and the latencies are
    /// independent.
    pub ks: Option<Fit>,
    /// The predicted distribution.
    #[serde(skip)]
    pub prediction: Result<Prediction, NotPredicted>,
    /// The same with the software's own time.
    #[serde(skip)]
    pub prediction_with_own_time: Option<Prediction>,
}

impl Latency {
    /// The figures of one run.
    #[must_use]
    pub fn of(run: &RunData) -> Self {
        let count = |outcome| run.writes.iter().filter(|write| write.outcome == outcome).count() as u64;
        let series = latency_series(run, |_| true).saturated(is_saturated_in_real_time(run));
        let sample = series.sample();
        let prediction = as_met(run).and_then(|met| Prediction::new(&met, run.manifest.quorum));
        let cut_off = cut_off_us(run);
        let is_whole = cut_off.is_empty();
        let is_testable = is_whole && !series.dependence().is_dependent;
        let test = |prediction| ks_predicted(sample, prediction).map(Fit::alone);
        let ks = prediction.as_ref().ok().filter(|_| is_testable).and_then(test);
        let quantile = |p| series.quantile(p).filter(|_| is_whole);
        Self {
            quorum: run.manifest.quorum.get(),
            n: sample.len() as u64,
            failed: count(WriteOutcome::Failed),
            unknown: count(WriteOutcome::Unknown),
            cut_off: cut_off.len() as u64,
            missed_in_fault: missed_in_fault(run),
            mean_at_least_ms: (!is_whole).then(|| mean_at_least_ms(sample, &cut_off)).flatten(),
            dependence: series.dependence(),
            mean: series.mean().filter(|_| is_whole),
            median: quantile(0.5),
            p95: quantile(0.95),
            p99: quantile(0.99),
            min_ms: sample.min_ms(),
            max_ms: sample.max_ms().filter(|_| is_whole),
            predicted: prediction.as_ref().ok().map(Prediction::figures),
            predicted_with_own_time: None,
            own_time: None,
            lacks_own_time: is_wanted(run) && matches!(prediction, Ok(Prediction::Simulated(_))),
            prediction_with_own_time: None,
            not_predicted: prediction.as_ref().err().copied(),
            ks,
            prediction,
        }
    }

    /// Adds the prediction with the software's own time, if theory wants that and one of the other runs tells it.
    pub fn add_own_time<'a>(&mut self, run: &RunData, others: impl IntoIterator<Item = &'a RunData>) {
        if !self.lacks_own_time {
            return;
        }
        let (Some(own), Ok(met)) = (OwnTime::of(run, others), as_met(run)) else { return };
        let Some(prediction) = Prediction::with_own_time(&met, run.manifest.quorum, &own) else { return };
        self.lacks_own_time = false;
        self.own_time = Some(own.source().clone());
        self.predicted_with_own_time = Some(prediction.figures());
        self.prediction_with_own_time = Some(prediction);
    }

    /// The prediction that measurements are held against: with the software's own time, if that is known.
    #[must_use]
    pub fn best_prediction(&self) -> Option<&Prediction> {
        self.prediction_with_own_time.as_ref().or(self.prediction.as_ref().ok())
    }

    /// Its figures.
    #[must_use]
    pub fn best_predicted(&self) -> Option<PredictedFigures> {
        self.predicted_with_own_time.or(self.predicted)
    }

    /// Its test, to be corrected together with those of other runs; `None` if there is none.
    pub(super) fn tested(&mut self) -> Option<Tested<'_>> {
        let fit = self.ks.as_mut()?;
        Some(Tested { fit, n: self.n, prediction: self.prediction.as_ref().ok() })
    }
}

/// The latencies of those acknowledged writes that `is_meant` picks, in the order in which the
/// writes started.
pub(super) fn latency_series(run: &RunData, is_meant: impl Fn(&WriteRow) -> bool) -> Series {
    let ok = run.writes.iter().filter(|row| row.outcome == WriteOutcome::Ok && is_meant(row));
    let mut rows: Vec<&WriteRow> = ok.collect();
    rows.sort_by_key(|row| (row.start_us, row.write));
    let latencies = rows.iter().map(|row| row.latency_us.into());
    Series::new(latencies.collect(), at_once(run)).hanging_together(hangs_together(run))
}

/// Writes under way at any time of a fault that were not acknowledged.
fn missed_in_fault(run: &RunData) -> u64 {
    let undisturbed = undisturbed(run);
    run.writes.iter().filter(|row| row.outcome != WriteOutcome::Ok && !undisturbed(row)).count() as u64
}

/// How long each write had waited, in microseconds, when a fault began while it was under way
/// and it was then not acknowledged.
pub(super) fn cut_off_us(run: &RunData) -> Vec<TimeSpan> {
    let begun_us: Vec<Micros> =
        run.faults.iter().filter(|row| row.kind.ended_by().is_some()).map(|row| row.begun_us).collect();
    let waited_us = |row: &WriteRow| {
        let waited = begun_us.iter().map(|begun_us| begun_us.since(row.start_us)).filter(|us| *us > TimeSpan::ZERO);
        waited.min().filter(|us| *us <= row.latency_us)
    };
    run.writes.iter().filter(|row| row.outcome != WriteOutcome::Ok).filter_map(waited_us).collect()
}

/// The mean over acknowledged writes and those cut off, which would have taken longer still.
fn mean_at_least_ms(acknowledged: &Sample, cut_off_us: &[TimeSpan]) -> Option<f64> {
    let n = acknowledged.len() as f64;
    let waited_ms: f64 = cut_off_us.iter().map(|us| us.as_ms()).sum();
    Some((acknowledged.mean_ms()? * n + waited_ms) / (n + cut_off_us.len() as f64))
}

/// The latencies of a run's acknowledged writes.
#[must_use]
pub fn ok_latencies(run: &RunData) -> Sample {
    run.writes.iter().filter(|write| write.outcome == WriteOutcome::Ok).map(|write| write.latency_us).collect()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;
    use crate::analysis::fixture::RunBuilder;
    use crate::analysis::{Interval, NoInterval};
    use crate::config::{Fault, FaultKind, Slow, Trigger};
    use crate::data::{FaultEvent, FaultRow, LEADER};
    use crate::model::NodeId;

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

    fn fault(begun_us: Micros, node: &str, kind: FaultEvent) -> FaultRow {
        FaultRow { begun_us, ended_us: begun_us + TimeSpan::new(10), node: node.parse().unwrap(), kind, detail: None }
    }

    #[test]
    fn figures_that_lack_the_writes_a_fault_cut_off_are_withheld_and_bounded() {
        let mut run =
            (0..3).fold(RunBuilder::new(1), |run, i| run.write_with_delays(i, 10_000 * (i + 1), &[1; 5])).build();
        // The third starts at 2 us and has waited 20 ms when the leader dies.
        run.writes[2].outcome = WriteOutcome::Unknown;
        let start_us = run.writes[2].start_us;
        run.faults = vec![fault(start_us + TimeSpan::new(20_000), LEADER, FaultEvent::Kill)];
        let latency = Latency::of(&run);
        assert_eq!((latency.n, latency.cut_off), (2, 1));
        assert_eq!((latency.mean, latency.p99, latency.max_ms, latency.ks), (None, None, None, None));
        let at_least_ms = (10.0 + 20.0 + 20.0) / 3.0;
        assert!((latency.mean_at_least_ms.unwrap() - at_least_ms).abs() < 1e-9, "{latency:?}");
        assert_eq!(latency.not_predicted, Some(NotPredicted::Faults));
    }

    #[test]
    fn a_write_that_starts_after_the_fault_is_not_cut_off() {
        let mut run = RunBuilder::new(1).write_with_delays(500, 10_000, &[1; 5]).build();
        run.writes[0].outcome = WriteOutcome::Failed;
        run.faults = vec![fault(Micros::new(400), "f5", FaultEvent::Kill)];
        assert_eq!(Latency::of(&run).cut_off, 0);
    }

    #[test]
    fn a_follower_that_is_slow_all_along_is_part_of_the_prediction() {
        let slow = Fault {
            at: Trigger::Write(0),
            node: NodeId::Follower(2),
            kind: FaultKind::Slow(Slow { delay_ms: 1_500 }),
            until: None,
        };
        let mut run = RunBuilder::new(4).configure(|config| config.faults = vec![slow.clone()]).build();
        run.faults = vec![fault(Micros::new(-5), "f3", FaultEvent::Slow)];
        // Without f3 the slowest of the other four is waited for: 1000 * 4 / 5 ms.
        let predicted = Latency::of(&run).predicted.unwrap();
        assert!((predicted.mean_ms - 800.0).abs() < 5.0 && predicted.simulated.is_some(), "{predicted:?}");
        run.faults[0].kind = FaultEvent::Partition;
        run.manifest.config.faults[0].at = Trigger::Write(30);
        assert_eq!(Latency::of(&run).not_predicted, Some(NotPredicted::Faults));
    }

    #[test]
    fn a_saturated_run_whose_latencies_hang_together_has_no_interval_in_real_time() {
        let latency_us = |write| 20_000 + write / 50 % 2 * 50_000 + write * 37 % 100 * 10;
        let mut run =
            (0..2_000).fold(RunBuilder::new(1), |run, i| run.write_with_delays(i, latency_us(i), &[1_000; 5])).build();
        let none = Interval { lower: None, upper: None };
        run.manifest.backend.name = "process".to_owned();
        let latency = Latency::of(&run);
        assert_eq!(latency.dependence.no_interval, Some(NoInterval::Saturated));
        assert_eq!(
            (latency.mean.map(|mean| mean.interval_ms), latency.p95.map(|p95| p95.interval_ms)),
            (Some(none), Some(none))
        );
        // Virtual time has no machine that differs from run to run, and one write at a time waits for none.
        run.manifest.backend.name = "sim".to_owned();
        assert!(Latency::of(&run).dependence.batches.is_some());
        run.manifest.backend.name = "process".to_owned();
        run.manifest.config.workload.concurrency = 1.try_into().unwrap();
        assert!(Latency::of(&run).dependence.batches.is_some());
    }

    #[test]
    fn writes_that_a_fault_took_are_counted_beside_those_it_spared() {
        let mut run = (0..4).fold(RunBuilder::new(1), |run, i| run.write_with_delays(i * 100, 10_000, &[1; 5])).build();
        run.writes[1].outcome = WriteOutcome::Failed;
        run.writes[2].outcome = WriteOutcome::Failed;
        let start_us = run.writes[2].start_us;
        run.faults = vec![fault(start_us - TimeSpan::new(50), "f5", FaultEvent::Kill)];
        // The one that failed before the fault is no work of its.
        assert_eq!(Latency::of(&run).missed_in_fault, 1);
    }

    #[test]
    fn no_prediction_comes_with_its_reason() {
        let latency = Latency::of(&RunBuilder::new(6).build());
        assert_eq!((latency.n, latency.mean, latency.predicted), (0, None, None));
        assert_eq!(latency.not_predicted, Some(NotPredicted::QuorumBeyondFollowers));
    }
}
