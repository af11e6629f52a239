//! One line a run: the columns of `summary.csv`.

use serde::Serialize;

use super::consistency::{Consistency, RunConsistency};
use super::latency::Latency;
use super::overhead::Overhead;
use crate::data::{RunData, WriteRow};

/// One quorum's line. Fields are in the order of the columns.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// W.
    pub quorum: u32,
    /// Acknowledged writes, which the latency figures are made from.
    pub n: u64,
    /// Writes that missed their quorum.
    pub failed: u64,
    /// Writes without an answer.
    pub unknown: u64,
    /// Mean latency.
    pub mean_ms: Option<f64>,
    /// Median latency.
    pub median_ms: Option<f64>,
    /// 95th percentile of latency.
    pub p95_ms: Option<f64>,
    /// 99th percentile of latency.
    pub p99_ms: Option<f64>,
    /// Mean latency by theory.
    pub predicted_mean_ms: Option<f64>,
    /// Median latency by theory.
    pub predicted_median_ms: Option<f64>,
    /// 95th percentile of latency by theory.
    pub predicted_p95_ms: Option<f64>,
    /// 99th percentile of latency by theory.
    pub predicted_p99_ms: Option<f64>,
    /// Median of latency beyond the W-th smallest injected delay.
    pub overhead_p50_ms: Option<f64>,
    /// 99th percentile of the same.
    pub overhead_p99_ms: Option<f64>,
    /// Pairs of follower and key that did not match when the last write was answered;
    /// `None` if the leader could not be asked, or the run's files contradict each other.
    pub behind_at_last_ack: Option<u64>,
    /// Pairs that did not match once nothing was in flight; `None` where that was not
    /// reached, the leader could not be asked, or the run's files contradict each other. Pairs of absent followers are not counted.
    pub diverged: Option<u64>,
    /// The run's duration, cluster start and end included, in seconds.
    pub wall_s: f64,
    /// Writes that were under way while labctl or the machine stood still: their latencies may
    /// be too long by that. 0 in a run without such gaps.
    pub writes_in_gaps: u64,
}

impl Summary {
    /// The line of one run.
    #[must_use]
    pub fn of(run: &RunData) -> Self {
        Self::from_parts(run, &Latency::of(run), &Overhead::of(run), &RunConsistency::of(run))
    }

    /// The line of one run whose parts are at hand.
    #[must_use]
    pub fn from_parts(run: &RunData, latency: &Latency, overhead: &Overhead, consistency: &RunConsistency) -> Self {
        let predicted = latency.predicted;
        let is_sound = run.contradictions.is_empty();
        let differing = |at: &Consistency| (is_sound && at.has_leader()).then(|| at.total.differing());
        Self {
            quorum: latency.quorum,
            n: latency.n,
            failed: latency.failed,
            unknown: latency.unknown,
            mean_ms: latency.mean.map(|mean| mean.value_ms),
            median_ms: latency.median.map(|quantile| quantile.value_ms),
            p95_ms: latency.p95.map(|quantile| quantile.value_ms),
            p99_ms: latency.p99.map(|quantile| quantile.value_ms),
            predicted_mean_ms: predicted.map(|figures| figures.mean_ms),
            predicted_median_ms: predicted.map(|figures| figures.median_ms),
            predicted_p95_ms: predicted.map(|figures| figures.p95_ms),
            predicted_p99_ms: predicted.map(|figures| figures.p99_ms),
            overhead_p50_ms: overhead.p50.map(|quantile| quantile.value_ms),
            overhead_p99_ms: overhead.p99.map(|quantile| quantile.value_ms),
            behind_at_last_ack: differing(&consistency.at_last_ack),
            diverged: differing(&consistency.settled).filter(|_| run.manifest.settled),
            wall_s: run.manifest.wall_us.as_secs(),
            writes_in_gaps: writes_in_gaps(run),
        }
    }
}

/// Writes that were under way during a gap.
fn writes_in_gaps(run: &RunData) -> u64 {
    let is_in_gap = |write: &&WriteRow| run.manifest.gaps.iter().any(|gap| gap.overlaps(write.start_us, write.end()));
    run.writes.iter().filter(is_in_gap).count() as u64
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;
    use crate::analysis::fixture::RunBuilder;
    use crate::model::{Micros, NodeId, TimeSpan};

    #[test]
    fn serializes_to_the_columns_of_the_issue() {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.serialize(Summary::of(&RunBuilder::new(1).build())).unwrap();
        let text = String::from_utf8(writer.into_inner().unwrap()).unwrap();
        assert_eq!(
            text.lines().next(),
            Some(
                "quorum,n,failed,unknown,mean_ms,median_ms,p95_ms,p99_ms,predicted_mean_ms,\
                 predicted_median_ms,predicted_p95_ms,predicted_p99_ms,overhead_p50_ms,\
                 overhead_p99_ms,behind_at_last_ack,diverged,wall_s,writes_in_gaps"
            )
        );
    }

    #[test]
    fn takes_each_figure_from_its_place() {
        let run = RunBuilder::new(2)
            .write_with_delays(0, 21_000, &[10_000, 20_000, 30_000, 40_000, 50_000])
            .write_with_delays(10, 43_000, &[50_000, 40_000, 900_000, 800_000, 70_000])
            .build();
        let summary = Summary::of(&run);
        assert_eq!((summary.quorum, summary.n, summary.failed, summary.unknown), (2, 2, 0, 0));
        assert_eq!((summary.mean_ms, summary.median_ms), (Some(32.0), Some(32.0)));
        assert_eq!((summary.overhead_p50_ms, summary.overhead_p99_ms), (Some(-3.0), Some(0.92)));
        assert_eq!((summary.behind_at_last_ack, summary.diverged), (Some(4), Some(0)));
        assert_eq!(summary.wall_s, run.manifest.wall_us.as_secs());
    }

    #[test]
    fn writes_under_way_in_a_gap_are_counted_once() {
        use crate::data::{GapFacts, GapKind};
        // Writes start every ten seconds; these take 10, 30 and 50 ms.
        let run = (0..3).fold(RunBuilder::new(1), |run, i| run.write_with_delays(i, 10_000 + i * 20_000, &[1_000; 5]));
        let mut run = run.build();
        assert_eq!(Summary::of(&run).writes_in_gaps, 0);
        let gap = |start_us, length_us, kind| GapFacts {
            start_us: Micros::new(start_us),
            length_us: TimeSpan::new(length_us),
            kind,
        };
        run.manifest.gaps = vec![
            gap(-500_000, 400_000, GapKind::Stalled),
            gap(5_000, 5_000_000, GapKind::Stalled),
            gap(9_000, 200_000, GapKind::Stalled),
            // On the run's clock that is one moment, between two writes.
            gap(10_040_000, 60_000_000, GapKind::Suspended),
            gap(20_040_000, 60_000_000, GapKind::Suspended),
        ];
        assert_eq!(Summary::of(&run).writes_in_gaps, 2);
    }

    #[test]
    fn a_run_that_did_not_settle_has_no_divergence_to_report() {
        let mut run = RunBuilder::new(1).write_with_delays(0, 9, &[1; 5]).build();
        run.manifest.settled = false;
        assert_eq!(Summary::of(&run).diverged, None);
        run.at_last_ack.remove(&NodeId::Leader);
        assert_eq!(Summary::of(&run).behind_at_last_ack, None);
    }

    #[test]
    fn an_impossible_quorum_leaves_every_latency_empty() {
        let mut run = RunBuilder::new(6).write_with_delays(0, 9, &[1; 5]).build();
        run.writes[0].outcome = crate::data::WriteOutcome::Failed;
        let summary = Summary::of(&run);
        assert_eq!((summary.n, summary.failed), (0, 1));
        assert_eq!((summary.mean_ms, summary.predicted_mean_ms, summary.overhead_p50_ms), (None, None, None));
    }
}
