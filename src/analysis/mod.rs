//! What the raw facts of a run say. Every function here is pure: the same data give the
//! same figures, in the same order, on any machine.
//!
//! Times come in as integer microseconds and go out as milliseconds. A figure that the data
//! cannot give is `None`, never NaN and never a guess.

mod account;
mod arrivals;
mod bounds;
mod censored;
mod chance;
mod claims;
mod compare;
mod consistency;
mod copies;
mod diagnosis;
mod durability;
mod early;
mod excess;
mod expected;
mod failover;
mod faults;
mod figures;
mod forecast;
mod independence;
mod key_waits;
mod ks;
mod lag;
mod latency;
mod load;
mod multiple;
mod need;
mod open_loop;
mod outside;
mod overhead;
mod own_time;
mod paired;

mod random;
mod run_figures;
mod series;
mod side_by_side;
mod staleness;
mod stats;
mod summary;
mod survival;
mod system_under_test;
mod theory;
mod timeline;
mod way;
mod written;

#[cfg(test)]
mod coverage;
#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod fixture;
#[cfg(test)]
mod tests;

#[cfg(test)]
pub(crate) use fixture::without_trace;

pub use account::Account;
pub use arrivals::ArrivalFigures;
pub use bounds::Bounds;
pub use chance::{Chance, chance};
pub use claims::{Claim, ClaimFinding, Counterexample, Divergence, Evidence, Step, TailShape, claims};
pub use compare::{Comparison, ConditionDifference, PairAgreement, PairDisagreement, RunComparison, Shift, compare};
pub use consistency::{
    Cause, Cell, CellState, Consistency, Counts, FollowerConsistency, Mechanism, Moment, RunConsistency, Verdict,
};
pub use diagnosis::{Diagnosis, LeaderDefect, LeaderEvidence, Sign, diagnose};
pub use durability::{
    BreachedWrite, Durability, ExpectedLoss, Exposure, GuaranteeBreach, Loss, LossAtDeath, LossExpectation,
};
pub use early::EarlyFollower;
pub use excess::Excess;
pub use expected::{Expectation, Expected};
pub use failover::{FailoverFigures, FailoverLoss};
pub use faults::{FaultFigures, LeaderLoss, LostCopies, LostWrite, Met, Returned, Spell, Spread, faults_left_out};
pub use figures::{CostPerAck, ExperimentFigures, RunParts};
pub use forecast::{Forecast, LatencyForecast, PairForecast, Race, Surprise};
pub use key_waits::KeyWaits;
pub use ks::{Fit, KsTest, ks_one_sample};
pub use lag::{Lag, LagFigures};
pub use latency::{Latency, ok_latencies};
pub use load::{CLIENT_BOUND, DriverCost, Load, MACHINE_SATURATED};
pub use need::{Need, Withheld};
pub use open_loop::{LATE_MS, OpenLoop};
pub use outside::{LagEstimate, LagPoint, Outside};
pub use overhead::{Overhead, WarmUp, WriteOverhead, write_overheads};
pub use own_time::{OwnTime, OwnTimeSource};
pub use paired::{Pairable, Paired, PairedTest, paired};
pub use run_figures::RunFigures;
pub use series::{Dependence, NoInterval, Series};
pub use side_by_side::{
    ComparedSystem, Concern, DifferingCondition, ExperimentRuns, Known, LossAtLeaderDeath, MIN_WRITES, OwnCost,
    OwnCostBasis, RunAtHand, SideBySide, SystemLatency, SystemRun, Throughput,
};
pub use staleness::{
    Basis, Curve, CurvePoint, ModelLatency, ReadStaleness, Reader, SeenAt, StaleAtAck, Staleness, Visibility,
    VisibleAfter, is_enough, predicted_visible_ms,
};
pub use stats::{Difference, Interval, Mean, Quantile, Sample, quantile_ranks};
pub use summary::Summary;
pub use survival::{GoneWrite, NodeSurvival, Survival};
pub use theory::{
    MonteCarlo, NotPredicted, OrderStatistic, PredictedFigures, PredictedLag, Prediction, PredictionMethod, RunSpread,
    Simulated,
};
pub use timeline::{Exemplar, FollowerLeg, WriteLife, write_lives};
