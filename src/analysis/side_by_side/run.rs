//! One run of a system among several.

use serde::Serialize;

use super::known::Known;
use super::own_cost::OwnCost;
use super::throughput::{MIN_WRITES, Throughput};
use crate::analysis::arrivals::ArrivalFigures;
use crate::analysis::bounds::Bounds;
use crate::analysis::consistency::Verdict;
use crate::analysis::failover::FailoverFigures;
use crate::analysis::key_waits::KeyWaits;
use crate::analysis::latency::Latency;
use crate::analysis::need::{Need, Withheld};
use crate::analysis::run_figures::RunFigures;
use crate::analysis::series::NoInterval;
use crate::analysis::stats::{Mean, Quantile};
use crate::analysis::system_under_test::SystemUnderTest;
use crate::analysis::theory::PredictedFigures;
use crate::config::ExperimentName;
use crate::data::RunData;

/// One run of a system among several.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SystemRun {
    /// W.
    pub quorum: u32,
    /// N.
    pub followers: u32,
    /// Acknowledged writes.
    pub n: u64,
    /// Their mean latency.
    pub mean_ms: Option<f64>,
    /// The mean that is predicted of the network.
    pub predicted_mean_ms: Option<f64>,
    /// Their latency.
    pub latency: Known<SystemLatency>,
    /// Why it has no intervals; left out if it has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_interval: Option<String>,
    /// What is predicted of the network, for software that takes no time.
    pub predicted: Option<PredictedFigures>,
    /// What the system's software adds to the delays.
    pub own_cost: Known<OwnCost>,
    /// Writes a second without delays.
    pub throughput_per_s: Known<f64>,
    /// The chance, 0 to 1, that a read from one random follower at the acknowledgement misses the write.
    pub stale_at_ack: Known<Bounds<f64>>,
    /// Pairs of follower and key that did not match when the last write was answered.
    pub behind_at_last_ack: Known<u64>,
    /// What can be said of its replicas.
    pub verdict: Verdict,
    /// Pairs of follower and key.
    pub pairs: u64,
    /// Those that differed once nothing was in flight; `None` where that is not known.
    pub diverged: Option<u64>,
    /// Acknowledged writes that no node holds in the end, nor a newer one of the key; `None` if no
    /// node could be asked.
    pub lost: Option<Bounds<u64>>,
    /// The most acknowledged writes that would have been lost at any instant had the leader died, and the most advanced
    /// follower taken its place.
    pub would_be_lost: Known<Bounds<f64>>,
    /// Acknowledged writes that were lost where the leader did die.
    pub lost_with_leader: Known<LossAtLeaderDeath>,
    /// How writes of one key that were under way together behaved; `None` if nothing can be concluded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_waits: Option<KeyWaits>,
}

/// Latency of acknowledged writes. An end that the run does not give is absent.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct SystemLatency {
    /// The mean.
    pub mean: Mean,
    /// The median.
    pub median: Quantile,
    /// The 95th percentile.
    pub p95: Quantile,
    /// The 99th percentile.
    pub p99: Quantile,
}

/// What the leader's death cost a system whose most advanced follower took its place.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LossAtLeaderDeath {
    /// The experiment in which it died.
    pub experiment: ExperimentName,
    /// Acknowledged writes that the follower does not hold, nor a newer one of their key.
    pub lost: Bounds<u64>,
    /// Acknowledged writes of that run.
    pub acknowledged: u64,
}

impl SystemRun {
    pub(super) fn of(
        run: &RunData,
        arrivals: Option<&ArrivalFigures>,
        figures: &RunFigures,
        throughput: &[Throughput],
        all: &[&RunData],
    ) -> Self {
        let arrivals = || Ok(arrivals.cloned().unwrap_or_else(|| ArrivalFigures::of(run)));
        let arrivals = Withheld::of(run, &[Need::Arrivals]).map_or_else(arrivals, Err);
        let stale = |of: &ArrivalFigures| of.staleness.at_ack.first()?.misses_write;
        let exposed = |of: &ArrivalFigures| Some(of.durability.as_ref()?.loss.most_advanced.max_writes);
        let unknown = "no acknowledged write has a known arrival at every follower";
        let quorum = figures.quorum();
        Self {
            quorum,
            followers: run.manifest.config.followers.get(),
            n: figures.latency.n,
            mean_ms: figures.summary.mean_ms,
            predicted_mean_ms: figures.summary.predicted_mean_ms,
            latency: latency(&figures.latency),
            no_interval: figures.latency.dependence.no_interval.map(|why| no_interval(why).to_owned()),
            predicted: figures.latency.predicted,
            own_cost: OwnCost::of(figures),
            throughput_per_s: Known::or(fastest(run, throughput), || {
                format!("no run of this system at this W without delays and with {MIN_WRITES} writes or more is here")
            }),
            stale_at_ack: of_arrivals(&arrivals, stale, unknown),
            behind_at_last_ack: Known::or(figures.summary.behind_at_last_ack, || {
                "the leader could not be asked when the last write was answered".to_owned()
            }),
            verdict: figures.consistency.verdict,
            pairs: figures.consistency.settled.total.pairs(),
            diverged: figures.summary.diverged,
            lost: figures.survival.lost,
            would_be_lost: Withheld::of(run, &[Need::Received]).map_or_else(
                || of_arrivals(&arrivals, exposed, unknown),
                |why| Known::Withheld { withheld: why.to_string() },
            ),
            lost_with_leader: Known::or(lost_with_leader(run, all), || {
                "no run of this system at this W behind these delays is here in which the leader died for good"
                    .to_owned()
            }),
            key_waits: figures.key_waits,
        }
    }
}

fn latency(of: &Latency) -> Known<SystemLatency> {
    let figures = || Some(SystemLatency { mean: of.mean?, median: of.median?, p95: of.p95?, p99: of.p99? });
    Known::or(figures(), || match of.n {
        0 => "no write was acknowledged".to_owned(),
        _ => "a fault cut off writes, and the slow ones are missing among those that were acknowledged".to_owned(),
    })
}

const fn no_interval(why: NoInterval) -> &'static str {
    match why {
        NoInterval::TooShort => "latencies depend on each other, and the run is too short to tell how far chance goes",
        NoInterval::Saturated => "the run was saturated, and runs then differ by more than one of them shows",
        NoInterval::HangsTogether => "latencies of one run hang together, so that only several runs give an interval",
    }
}

fn of_arrivals<T>(
    arrivals: &Result<ArrivalFigures, Withheld>,
    figure: impl Fn(&ArrivalFigures) -> Option<T>,
    unknown: &str,
) -> Known<T> {
    match arrivals {
        Ok(of) => Known::or(figure(of), || unknown.to_owned()),
        Err(why) => Known::Withheld { withheld: why.to_string() },
    }
}

/// The system's median of writes a second without delays, of the load with the most writes at a time.
fn fastest(run: &RunData, throughput: &[Throughput]) -> Option<f64> {
    let own = throughput.iter().filter(|of| of.is_of(run));
    own.max_by_key(|of| of.concurrency).map(|of| of.median_per_s)
}

/// What was lost in the first run of the same system in which the leader died, behind the same delays.
fn lost_with_leader(run: &RunData, all: &[&RunData]) -> Option<LossAtLeaderDeath> {
    let links = |run: &RunData| run.manifest.config.network.links(run.manifest.config.followers.get());
    let is_meant = |other: &&&RunData| {
        let is_same_system =
            other.manifest.quorum == run.manifest.quorum && SystemUnderTest::of(other) == SystemUnderTest::of(run);
        is_same_system && links(other) == links(run)
    };
    std::iter::once(&run).chain(all).filter(is_meant).find_map(|other| {
        let FailoverFigures { lost, acknowledged, .. } = FailoverFigures::of(other)?;
        Some(LossAtLeaderDeath { experiment: other.manifest.experiment.clone(), lost: lost?, acknowledged })
    })
}
