//! One line of the results: a point's conditions and its figures.

use serde::{Deserialize, Serialize};

use super::{Point, PointFigures, Predicted, RunOutcome};
use crate::analysis::{PredictedLag, Prediction, predicted_visible_ms};
use crate::config::{KeyOrder, Pacing, Rate};
use crate::model::{LinkOrder, ReplicationOrder, as_uniform_ms};

/// A point and its figures. Fields are in the order of the columns.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PointRow {
    /// The point's conditions.
    pub conditions: PointConditions,
    /// The figures of its runs.
    pub figures: PointFigures,
}

/// A point's conditions: a column each.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PointConditions {
    /// The experiment that was varied.
    pub experiment: String,
    /// N.
    pub followers: u32,
    /// W.
    pub quorum: u32,
    /// The shortest injected delay, of a uniform one in whole milliseconds.
    pub min_delay_ms: Option<u32>,
    /// The longest.
    pub max_delay_ms: Option<u32>,
    /// Its distribution, as `--delay` takes it.
    pub delay: String,
    /// The distribution for acknowledgements. `None` if they take no time.
    pub ack_delay: Option<String>,
    /// What followers do with older writes.
    pub order: ReplicationOrder,
    /// Whether links keep copies in order. Files from before ordered links do not say.
    #[serde(default)]
    pub link: LinkOrder,
    /// Writes per run.
    pub writes: u32,
    /// Number of keys.
    pub keys: u32,
    /// Writes at a time.
    pub concurrency: u32,
    /// When the next write starts.
    pub pacing: Pacing,
    /// Which key each write sets. Files from before it was a choice do not say.
    #[serde(default)]
    pub key_order: KeyOrder,
    /// How many writes start in a second in an open loop.
    #[serde(default)]
    pub rate_per_s: Option<u32>,
    /// The first run's seed; the others follow it.
    pub seed: u64,
    /// How many runs.
    pub seeds: u64,
    /// SHA-256 of the whole configuration, hexadecimal.
    pub config_sha256: String,
}

impl PointConditions {
    /// The columns of a point.
    ///
    /// # Errors
    /// If its configuration cannot be written as JSON.
    pub fn of(point: &Point) -> serde_json::Result<Self> {
        let experiment = &point.experiment;
        let (network, workload) = (&experiment.network, &experiment.workload);
        let range = as_uniform_ms(&network.delay);
        Ok(Self {
            experiment: point.name.to_string(),
            followers: experiment.followers.get(),
            quorum: point.quorum.get(),
            min_delay_ms: range.map(|(min, _)| min),
            max_delay_ms: range.map(|(_, max)| max),
            delay: network.delay.to_string(),
            ack_delay: network.ack_delay.as_ref().map(ToString::to_string),
            order: network.order,
            link: experiment.link_order(),
            writes: workload.writes.get(),
            keys: workload.keys.get(),
            concurrency: workload.concurrency.get(),
            pacing: workload.pacing,
            key_order: workload.key_order,
            rate_per_s: workload.rate_per_s.map(Rate::get),
            seed: experiment.seed,
            seeds: point.seeds,
            config_sha256: point.sha256()?,
        })
    }
}

impl PointConditions {
    /// The injected delays in words.
    #[must_use]
    pub fn delays_in_words(&self) -> String {
        let write = match (self.min_delay_ms, self.max_delay_ms) {
            (Some(_), Some(0)) => "no delay".to_owned(),
            (Some(min), Some(max)) => format!("{min} to {max} ms"),
            _ => self.delay.clone(),
        };
        match &self.ack_delay {
            Some(ack) => format!("{write}, back {ack}"),
            None => write,
        }
    }
}

impl PointRow {
    /// The columns of CSV, in order.
    pub const COLUMNS: [&str; 43] = [
        "experiment",
        "followers",
        "quorum",
        "min_delay_ms",
        "max_delay_ms",
        "delay",
        "ack_delay",
        "order",
        "link",
        "writes",
        "keys",
        "concurrency",
        "pacing",
        "key_order",
        "rate_per_s",
        "seed",
        "seeds",
        "config_sha256",
        "ok",
        "failed",
        "unknown",
        "unsettled_runs",
        "mean_ms",
        "mean_se_ms",
        "median_ms",
        "p95_ms",
        "p99_ms",
        "predicted_mean_ms",
        "pairs",
        "behind",
        "diverged",
        "diverged_se",
        "diverged_runs",
        "stale_at_ack",
        "predicted_stale_at_ack",
        "t99_ms",
        "t999_ms",
        "predicted_t99_ms",
        "lag_mean_ms",
        "lag_p99_ms",
        "crash_loses_chance",
        "crash_loses",
        "failover_loses",
    ];

    /// The row of a point, from its runs in the order of their numbers.
    ///
    /// # Errors
    /// If its configuration cannot be written as JSON.
    pub fn of(point: &Point, runs: &[RunOutcome]) -> serde_json::Result<Self> {
        let experiment = &point.experiment;
        let predicted = Predicted {
            mean_ms: Prediction::new(experiment, point.quorum).ok().map(|prediction| prediction.mean_ms()),
            stale_at_ack: PredictedLag::new(experiment, point.quorum).behind,
            t99_ms: predicted_visible_ms(experiment, point.quorum, 0.99),
        };
        let figures = PointFigures::of(runs, predicted);
        Ok(Self { conditions: PointConditions::of(point)?, figures })
    }
}
