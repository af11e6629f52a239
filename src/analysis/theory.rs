//! What latency at a write quorum should be, were the software free: the W-th smallest of
//! the N injected delays, there and back. Over ordered links that change, what the software takes
//! moves writes from one delay to another, and is simulated where it is known.

mod order_statistic;
mod quadrature;
mod simulated;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use crate::analysis::independence::hangs_together;
use crate::analysis::open_loop::OpenLoop;
use crate::analysis::own_time::OwnTime;
use crate::model::{Distribution, LinkDelays, LinkOrder, Millis, Quorum};
use serde::Serialize;

use self::simulated::SimulatedLag;
use crate::config::{Experiment, Network, Timeout};
use crate::data::RunData;

pub use order_statistic::OrderStatistic;
pub use simulated::{MonteCarlo, RunSpread, Simulated};

/// A time at a write quorum by theory, without the software's own cost.
#[derive(Debug, Clone, PartialEq)]
pub enum Prediction {
    /// Always the same number of milliseconds: no waiting (W = 0), or constant delays.
    Constant(f64),
    /// The W-th smallest of N delays with one distribution: exact.
    OrderStatistic(OrderStatistic),
    /// Drawn, where no formula gives it: followers differ, or acknowledgements take time.
    Simulated(Simulated),
}

/// Why there is no [`Prediction`].
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum NotPredicted {
    /// Every write fails.
    #[error("W is more than there are followers: every write fails")]
    QuorumBeyondFollowers,
    /// Every write fails, or, of a lag, none reaches every follower.
    #[error("delays reach a time limit, and nothing is left to predict")]
    Truncated,
    /// A fault changed the network, or took nodes away, during the load.
    #[error("a fault changed what the writes met")]
    Faults,
    /// The nodes elected another leader, to which the delays of the network do not lead.
    #[error("the nodes elected another leader, between which and its followers there are no delays")]
    AnotherLeader,
    /// Of a lag: followers show a write only some time after they have acknowledged it.
    #[error("a follower acknowledges a write before it shows it")]
    ShownLater,
    /// Writes of an open loop waited until fewer were in flight.
    #[error("as many writes were in flight as `concurrency` allows, and others waited for them to end")]
    HeldUp,
    /// The system draws no delays of its own.
    #[error("latencies of one run hang together")]
    HangsTogether,
}

/// How a prediction came about.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PredictionMethod {
    /// Exact: it is always the same.
    Exact,
    /// Exact: an order statistic of delays with one distribution.
    OrderStatistic,
    /// Simulated with software that takes no time.
    Simulated,
    /// Simulated with the software's own time, as it was measured without delays.
    SimulatedWithOwnTime,
}

/// A prediction's figures, all in milliseconds.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct PredictedFigures {
    /// How they came about.
    pub method: PredictionMethod,
    /// The mean.
    pub mean_ms: f64,
    /// The median.
    pub median_ms: f64,
    /// The 95th percentile.
    pub p95_ms: f64,
    /// The 99th percentile.
    pub p99_ms: f64,
    /// How they were simulated; exact without.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub simulated: Option<MonteCarlo>,
    /// How much they differ from run to run, where the writes of a run hang together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_spread: Option<RunSpread>,
}

/// The experiment with the delays that a run's copies really met. A follower that was slow from
/// before the load to its end is one whose way is longer.
///
/// # Errors
/// [`NotPredicted::HangsTogether`] of a run whose writes do, [`NotPredicted::Faults`] of one whose
/// network changed, or whose nodes stopped, meanwhile, [`NotPredicted::AnotherLeader`] of one whose nodes elected one,
/// [`NotPredicted::HeldUp`] of an open loop whose writes waited for others.
pub(super) fn as_met(run: &RunData) -> Result<Cow<'_, Experiment>, NotPredicted> {
    let config = &run.manifest.config;
    // On ordered links writes hang together as well, and the simulation knows how.
    if hangs_together(run) && config.link_order() == LinkOrder::Independent {
        return Err(NotPredicted::HangsTogether);
    }
    if OpenLoop::of(run).is_some_and(|load| load.is_held_up(run.writes.len())) {
        return Err(NotPredicted::HeldUp);
    }
    let mut met = Cow::Borrowed(config);
    if run.manifest.capabilities().ordered_log {
        // A log waits for a slow follower, and no copy is given up.
        met.to_mut().network.replication_timeout_s = Timeout::MAX;
    }
    if run.faults.is_empty() {
        let is_led_by_one = run.manifest.leader_changes.is_empty();
        return if is_led_by_one { Ok(met) } else { Err(NotPredicted::AnotherLeader) };
    }
    for fault in &config.faults {
        let (Some(delay_ms), true, None) = (fault.kind.added_delay_ms(), fault.at.is_before_load(), fault.until) else {
            return Err(NotPredicted::Faults);
        };
        if fault.node.is_leader() {
            return Err(NotPredicted::Faults);
        }
        let own = met.to_mut().network.follower.entry(fault.node).or_default();
        own.extra_ms = Millis::try_from(own.extra_ms.get() + f64::from(delay_ms)).map_err(|_| NotPredicted::Faults)?;
    }
    if run.faults.len() == config.faults.len() { Ok(met) } else { Err(NotPredicted::Faults) }
}

/// How long after its acknowledgement a write reaches the last follower, and how many are
/// behind when it is acknowledged.
#[derive(Debug, Clone, PartialEq)]
pub struct PredictedLag {
    /// Of writes that reach every follower.
    pub lag: Result<Prediction, NotPredicted>,
    /// The share of followers, 0 to 1, that do not have a write yet when it is acknowledged.
    pub behind: Option<f64>,
}

impl Prediction {
    /// Latency of the writes of an experiment that are acknowledged at quorum W.
    ///
    /// # Errors
    /// Where there are none, see [`NotPredicted`].
    pub fn new(experiment: &Experiment, quorum: Quorum) -> Result<Self, NotPredicted> {
        let Experiment { network, followers, .. } = experiment;
        if quorum.get() == 0 {
            return Ok(Self::Constant(0.0));
        }
        if quorum.get() > followers.get() {
            return Err(NotPredicted::QuorumBeyondFollowers);
        }
        if let Some(constants) = constant_ways_ms(network, followers.get()) {
            return Self::of_constants(constants, quorum, network).ok_or(NotPredicted::Truncated);
        }
        let is_ordered = experiment.link_order() == LinkOrder::Ordered;
        let prediction = match network.common_delay(followers.get()).filter(|_| !is_ordered) {
            Some(delay) => Self::nth_smallest(delay, quorum.get(), followers.get(), limit_ms(network)),
            None => Simulated::latency(experiment, quorum).map(Self::Simulated),
        };
        prediction.ok_or(NotPredicted::Truncated)
    }

    /// The same over ordered links that change, with the software's own time. `None` if links are independent or never change:
    /// there the time of the software only adds to the prediction, and moves nothing.
    #[must_use]
    pub fn with_own_time(experiment: &Experiment, quorum: Quorum, own: &OwnTime) -> Option<Self> {
        let is_simulated = matches!(Self::new(experiment, quorum), Ok(Self::Simulated(_)));
        let is_ordered = experiment.link_order() == LinkOrder::Ordered;
        let simulated = || Simulated::latency_with_own_time(experiment, quorum, own).map(Self::Simulated);
        (is_simulated && is_ordered).then(simulated).flatten()
    }

    /// How it came about.
    #[must_use]
    pub fn method(&self) -> PredictionMethod {
        match self {
            Self::Constant(_) => PredictionMethod::Exact,
            Self::OrderStatistic(_) => PredictionMethod::OrderStatistic,
            Self::Simulated(simulated) if simulated.has_own_time() => PredictionMethod::SimulatedWithOwnTime,
            Self::Simulated(_) => PredictionMethod::Simulated,
        }
    }

    /// The W-th smallest of constant delays there and back, in whatever order links keep: a link whose
    /// delay never changes holds nothing up.
    fn of_constants(mut ways_ms: Vec<f64>, quorum: Quorum, network: &Network) -> Option<Self> {
        ways_ms.retain(|way_ms| *way_ms < network.replication_timeout_s.secs() * 1000.0);
        ways_ms.sort_by(f64::total_cmp);
        let latency_ms = ways_ms.get((quorum.get() as usize).checked_sub(1)?).copied()?;
        (latency_ms < limit_ms(network)).then_some(Self::Constant(latency_ms))
    }

    /// The `rank`-th smallest of `of` delays where it is below a limit, a rank there is; `None`
    /// where it never is.
    fn nth_smallest(delay: Distribution, rank: u32, of: u32, limit_ms: f64) -> Option<Self> {
        match delay.as_constant_ms() {
            Some(constant_ms) => (constant_ms < limit_ms).then_some(Self::Constant(constant_ms)),
            None => OrderStatistic::new(delay, rank, of, limit_ms).map(Self::OrderStatistic),
        }
    }

    /// The mean in milliseconds.
    #[must_use]
    pub fn mean_ms(&self) -> f64 {
        match self {
            Self::Constant(value_ms) => *value_ms,
            Self::OrderStatistic(statistic) => statistic.mean_ms(),
            Self::Simulated(simulated) => simulated.mean_ms(),
        }
    }

    /// The `p` quantile in milliseconds.
    #[must_use]
    pub fn quantile_ms(&self, p: f64) -> f64 {
        match self {
            Self::Constant(value_ms) => *value_ms,
            Self::OrderStatistic(statistic) => statistic.quantile_ms(p),
            Self::Simulated(simulated) => simulated.quantile_ms(p),
        }
    }

    /// The chance of at most `x_ms`.
    #[must_use]
    pub fn cdf(&self, x_ms: f64) -> f64 {
        match self {
            Self::Constant(value_ms) if x_ms < *value_ms => 0.0,
            Self::Constant(_) => 1.0,
            Self::OrderStatistic(statistic) => statistic.cdf(x_ms),
            Self::Simulated(simulated) => simulated.cdf(x_ms),
        }
    }

    /// Whether no single value has a chance of its own.
    #[must_use]
    pub fn is_continuous(&self) -> bool {
        match self {
            Self::Constant(_) => false,
            Self::OrderStatistic(statistic) => statistic.is_continuous(),
            Self::Simulated(simulated) => simulated.is_continuous(),
        }
    }

    /// Whether there is a greatest value that the distribution itself sets.
    #[must_use]
    pub fn is_bounded(&self) -> bool {
        match self {
            Self::Constant(_) => true,
            Self::OrderStatistic(statistic) => statistic.is_bounded(),
            Self::Simulated(_) => false,
        }
    }

    /// How many draws the distribution is known from; `None` where it is exact.
    #[must_use]
    pub fn draws(&self) -> Option<usize> {
        match self {
            Self::Constant(_) | Self::OrderStatistic(_) => None,
            Self::Simulated(simulated) => Some(simulated.n()),
        }
    }

    /// The figures that summaries hold measurements against.
    #[must_use]
    pub fn figures(&self) -> PredictedFigures {
        PredictedFigures {
            method: self.method(),
            mean_ms: self.mean_ms(),
            median_ms: self.quantile_ms(0.5),
            p95_ms: self.quantile_ms(0.95),
            p99_ms: self.quantile_ms(0.99),
            simulated: match self {
                Self::Constant(_) | Self::OrderStatistic(_) => None,
                Self::Simulated(simulated) => Some(simulated.method()),
            },
            run_spread: match self {
                Self::Constant(_) | Self::OrderStatistic(_) => None,
                Self::Simulated(simulated) => simulated.spread(),
            },
        }
    }
}

/// The delay of each follower there and back in milliseconds; `None` if any of them changes.
fn constant_ways_ms(network: &Network, followers: u32) -> Option<Vec<f64>> {
    let way_ms = |link: LinkDelays| {
        let ack_ms = link.ack.as_ref().map_or(Some(0.0), Distribution::as_constant_ms)?;
        Some(link.write.as_constant_ms()? + ack_ms)
    };
    network.links(followers).into_iter().map(way_ms).collect()
}

/// Neither a copy nor a write may take as long, in milliseconds.
fn limit_ms(network: &Network) -> f64 {
    network.replication_timeout_s.secs().min(network.global_request_timeout_s.secs()) * 1000.0
}

impl PredictedLag {
    /// No prediction, for this reason.
    pub(super) fn none(why: NotPredicted) -> Self {
        Self { lag: Err(why), behind: None }
    }

    /// Of the writes of an experiment at quorum W.
    ///
    /// Exact where all delays are uniform: the greatest less the W-th smallest of N such delays
    /// has the distribution of the (N - W)-th smallest of N delays from 0 to b - a (David and
    /// Nagaraja, "Order Statistics", 3rd edition (2003), section 2.5).
    #[must_use]
    pub fn new(experiment: &Experiment, quorum: Quorum) -> Self {
        let Experiment { network, followers, .. } = experiment;
        let waited_for = quorum.get();
        let Some(rest) = followers.get().checked_sub(waited_for) else {
            return Self::none(NotPredicted::QuorumBeyondFollowers);
        };
        let common = network.common_delay(followers.get());
        let is_constant = common.as_ref().is_some_and(|delay| delay.as_constant_ms().is_some());
        let has_formula = is_constant || experiment.link_order() == LinkOrder::Independent;
        if let Some(lag) =
            common.as_ref().filter(|_| has_formula).and_then(|delay| exact(delay, waited_for, followers.get(), network))
        {
            // If all copies of a write arrive together, either no follower is behind or all are.
            let differs = common.is_some_and(|delay| delay.as_constant_ms().is_none());
            let behind = differs.then(|| f64::from(rest) / f64::from(followers.get()));
            return Self { lag: Ok(lag), behind };
        }
        let SimulatedLag { lag, behind } = Simulated::lag(experiment, quorum);
        let behind = if tells_apart(network, followers.get()) {
            Some(f64::from(rest) / f64::from(followers.get()))
        } else {
            behind
        };
        Self { lag: lag.map(Prediction::Simulated).ok_or(NotPredicted::Truncated), behind }
    }
}

/// Whether those whose acknowledgements were waited for, and no others, have a write when it is
/// acknowledged: acknowledgements take no time, and no two copies arrive together.
fn tells_apart(network: &Network, followers: u32) -> bool {
    network.has_instant_acks(followers) && network.links(followers).iter().all(|link| link.write.is_continuous())
}

/// The lag where a formula gives it: no delay reaches a limit, and all are one or uniform.
fn exact(delay: &Distribution, waited_for: u32, followers: u32, network: &Network) -> Option<Prediction> {
    let constant = delay.as_constant_ms().map(|ms| (ms, ms));
    let (min_ms, max_ms) = delay.as_uniform_ms().or(constant)?;
    let limit_ms = limit_ms(network);
    if max_ms >= limit_ms {
        return None;
    }
    if waited_for == 0 {
        return Prediction::nth_smallest(delay.clone(), followers, followers, limit_ms);
    }
    let rank = followers - waited_for;
    if rank == 0 || min_ms == max_ms {
        return Some(Prediction::Constant(0.0));
    }
    let spread = crate::model::Uniform::new(Millis::ZERO, Millis::try_from(max_ms - min_ms).ok()?).ok()?;
    Prediction::nth_smallest(spread.into(), rank, followers, limit_ms)
}
