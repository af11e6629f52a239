//! The figures of an exploration, each a row of small multiples.

use crate::analysis::{Interval, chance};
use crate::explore::PointRow;
use crate::report::number::{fixed, percent};

/// Half the width of a 95 % interval in standard errors, in large samples.
const Z: f64 = 1.96;

/// A value and its 95 % interval, if it has one.
pub(super) type Value = (f64, Option<Interval>);

/// A figure against W and N.
pub(super) struct Measure {
    /// Its anchor.
    pub(super) id: &'static str,
    /// The PNG file's name.
    pub(super) file: &'static str,
    /// What is on the vertical axis, with its unit.
    pub(super) axis: &'static str,
    /// How to read it.
    pub(super) reading: &'static str,
    /// Whether all panels share one scale. False if values differ by magnitudes between them.
    pub(super) one_scale: bool,
    /// In the axis' unit.
    pub(super) value: fn(&PointRow) -> Option<Value>,
    /// The same by theory, if there is one.
    pub(super) predicted: fn(&PointRow) -> Option<f64>,
    /// A value in words.
    pub(super) words: fn(f64) -> String,
    /// Its name at the beginning of a sentence.
    pub(super) subject: &'static str,
}

/// Mean latency.
pub(super) const LATENCY: Measure = Measure {
    id: "latency-figure",
    file: "latency.png",
    axis: "Mean write latency, ms",
    reading: "One line for each number of followers N. Solid: simulated, with 95 % intervals, most too narrow to be seen. \
              Dashed: the mean of the W-th smallest of N delays, exact if all have one distribution and \
              acknowledgements take no time, otherwise from 100,000 draws; on ordered links that change, from \
              other simulated runs. Each panel has its own scale.",
    one_scale: false,
    value: |point| {
        let value = point.figures.mean_ms?;
        let interval = point.figures.mean_se_ms.map(|error| around(value, error));
        Some((value, interval))
    },
    predicted: |point| point.figures.predicted_mean_ms,
    words: |ms| format!("{} ms", fixed(ms, 1)),
    subject: "Mean latency",
};

/// The share of runs in which some replica diverged.
pub(super) const DIVERGENCE: Measure = Measure {
    id: "divergence-figure",
    file: "divergence.png",
    axis: "Runs in which a replica diverged, %",
    reading: "Runs in which some follower held another value than the leader for some key after every message had \
              arrived, with 95 % intervals. One line for each number of followers N.",
    one_scale: true,
    value: |point| {
        let (share, interval) = chance(point.figures.diverged_runs, point.conditions.seeds)?;
        let ends = Interval {
            lower: interval.lower.map(|lower| lower * 100.0),
            upper: interval.upper.map(|upper| upper * 100.0),
        };
        Some((share * 100.0, Some(ends)))
    },
    predicted: |_| None,
    words: |share| percent(share / 100.0),
    subject: "The share of runs with a diverged replica",
};

/// The chance of a stale read.
pub(super) const STALENESS: Measure = Measure {
    id: "staleness-figure",
    file: "staleness.png",
    axis: "Stale reads at the acknowledgement, %",
    reading: "The chance that a read from one random follower, at the moment a write is acknowledged, does not see \
              that write. One line for each number of followers N. Dashed: by theory, (N - W) / N if \
              acknowledgements take no time, otherwise from 100,000 draws.",
    one_scale: true,
    value: |point| Some((point.figures.stale_at_ack? * 100.0, None)),
    predicted: |point| Some(point.figures.predicted_stale_at_ack? * 100.0),
    words: |share| percent(share / 100.0),
    subject: "The chance of a stale read from one follower",
};

/// The time until nearly all reads are fresh.
pub(super) const VISIBLE: Measure = Measure {
    id: "visible-figure",
    file: "visible.png",
    axis: "Time until 99 % of reads see a write, ms",
    reading: "The time after a write's acknowledgement from which on 99 % of reads from one random follower return it \
              (t-visibility). One line for each number of followers N. Dashed: by theory. Each panel has its own \
              scale.",
    one_scale: false,
    value: |point| Some((point.figures.t99_ms?, None)),
    predicted: |point| point.figures.predicted_t99_ms,
    words: |ms| format!("{} ms", fixed(ms, 1)),
    subject: "The time until 99 % of reads see a write",
};

/// The chance that the leader's death loses something for good.
pub(super) const CRASH: Measure = Measure {
    id: "crash-figure",
    file: "crash.png",
    axis: "Crashes that lose an acknowledged write for good, %",
    reading: "The chance that, when the leader dies at a random moment of the load, some acknowledged write is on no \
              follower: not there yet, or replaced by an older one. One line for each number of followers N.",
    one_scale: true,
    value: |point| Some((point.figures.crash_loses_chance * 100.0, None)),
    predicted: |_| None,
    words: |share| percent(share / 100.0),
    subject: "The chance that a crash loses a write for good",
};

/// How many writes are lost if a random follower takes over.
pub(super) const FAILOVER: Measure = Measure {
    id: "failover-figure",
    file: "failover.png",
    axis: "Acknowledged writes lost by promoting one random follower",
    reading: "How many acknowledged writes a random follower lacks at a random moment of the load: what is lost when \
              it takes over without asking the others. One line for each number of followers N. Each panel has its own scale.",
    one_scale: false,
    value: |point| Some((point.figures.failover_loses, None)),
    predicted: |_| None,
    words: |writes| format!("{} writes", fixed(writes, 2)),
    subject: "The loss when a random follower takes over",
};

fn around(value: f64, error: f64) -> Interval {
    Interval { lower: Some(value - Z * error), upper: Some(value + Z * error) }
}
