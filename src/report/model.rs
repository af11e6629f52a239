//! Everything the report says, as numbers.

use serde::Serialize;

use crate::analysis::{
    ArrivalFigures, Claim, CostPerAck, Diagnosis, Durability, Excess, Expected, ExperimentFigures, ExperimentRuns,
    FailoverFigures, Forecast, KeyWaits, Lag, Latency, LeaderEvidence, Load, Need, Outside, Overhead, Paired,
    Prediction, RunFigures, Sample, SideBySide, Staleness, Summary, Survival, Withheld, WriteLife, claims, diagnose,
    ok_latencies, write_lives, write_overheads,
};
use crate::config::ExperimentName;
use crate::data::{Contradiction, Manifest, RunData};

mod comparison;
mod consistency;
mod faults;

pub use comparison::{ComparedExperiment, ComparedRun};
pub use consistency::{ConsistencyReport, MomentReport};
pub use faults::{FaultReport, PlottedWrite};

/// Most points of a distribution that are kept.
const MOST_POINTS: usize = 400;

/// Most simulated runs of an experiment that is only compared with.
const TRIALS_OF_OTHERS: u32 = 400;

/// How far the curve of a tail without end is drawn.
const MOST_SHARE: f64 = 0.999;

/// Points of a predicted curve.
const CURVE_POINTS: u32 = 120;

/// Everything the report says, as numbers.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// The experiment reported on.
    pub experiment: ExperimentName,
    /// Each quorum's run, by W.
    pub runs: Vec<RunReport>,
    /// The same writes at one quorum and the next.
    pub paired: Vec<Paired>,
    /// What one more acknowledgement cost; `None` where no two runs can be compared.
    pub cost_per_ack: Option<CostPerAck>,
    /// The original lab's statements, tested.
    pub claims: Vec<Claim>,
    /// Signs of a broken leader.
    pub diagnoses: Vec<Diagnosis>,
    /// Each run against the simulation of the same seed; empty of simulated runs, of runs with
    /// faults and of large ones.
    pub forecasts: Vec<Forecast>,
    /// This experiment, then the others that have data; empty where no other has.
    pub experiments: Vec<ComparedExperiment>,
    /// This experiment, then the others that measured another system under the same conditions; no systems if
    /// there are none.
    #[serde(flatten)]
    pub side_by_side: SideBySide,
}

/// What one run came to.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Serialize)]
pub struct RunReport {
    /// W.
    pub quorum: u32,
    /// The line of `summary.csv`.
    pub summary: Summary,
    /// Latency of acknowledged writes.
    pub latency: Latency,
    /// Its distribution.
    pub distribution: DistributionCurves,
    /// What the software added to the injected delays.
    pub overhead: OverheadReport,
    /// Writes in flight and a second; `None` of a run that took no time.
    pub load: Option<Load>,
    /// Followers against their leader.
    pub consistency: ConsistencyReport,
    /// What was broken on purpose and what came of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub faults: Option<FaultReport>,
    /// What the leader's death cost once a follower had taken its place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failover: Option<FailoverFigures>,
    /// Planned faults, or ends of faults, before which the load was over.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub faults_left_out: Vec<String>,
    /// What follows from when each copy arrived. `None` if the system keeps no trace and its followers were not asked; if
    /// it keeps none and they were, seen from outside.
    #[serde(flatten)]
    pub arrivals: Option<ArrivalFigures>,
    /// What readers saw of the followers; absent if these were not asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outside: Option<Outside>,
    /// Acknowledged writes that are gone in the end, by what the nodes hold.
    pub survival: Survival,
    /// How writes of one key that were under way together behaved; `None` if nothing can be concluded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_waits: Option<KeyWaits>,
    /// Latency beyond the prediction; `None` where the delays are known write by write, and if nothing is
    /// predicted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub excess: Option<Excess>,
    /// The lives of a median and a worst write; empty without a trace.
    pub lives: Vec<WriteLife>,
    /// What the model expects of a run; absent for a load too large to simulate.
    pub expected: Option<Expected>,
    /// Under which conditions it came about.
    pub manifest: Manifest,
    /// Every write by its number, to be drawn.
    #[serde(skip)]
    pub writes: Vec<PlottedWrite>,
    /// What its system does not let be known.
    #[serde(skip)]
    pub withheld: Vec<Withheld>,
    /// Whether it recorded when copies were sent and arrived.
    #[serde(skip)]
    pub has_trace: bool,
    /// Whether lag, staleness and durability are what readers saw, for want of a trace.
    #[serde(skip)]
    pub is_outside: bool,
    /// Whether it recorded when copies arrived, in traces or in reads.
    #[serde(skip)]
    pub has_arrivals: bool,
    /// Whether it recorded what the nodes held in the end.
    #[serde(skip)]
    pub has_stores: bool,
    /// What its files say that cannot all be true; what rests on that is withheld.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub contradictions: Vec<Contradiction>,
}

/// A distribution function as points to draw it through.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DistributionCurves {
    /// W.
    pub quorum: u32,
    /// Measured: every value, or evenly spaced ones among many.
    pub measured: Vec<DistributionPoint>,
    /// Predicted; empty without a prediction, or where it is a single value.
    pub predicted: Vec<DistributionPoint>,
}

/// A share of values at or below one.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct DistributionPoint {
    /// The value, in milliseconds.
    pub ms: f64,
    /// The share at or below it, 0 to 1.
    #[cfg_attr(test, schemars(range(min = 0.0, max = 1.0)))]
    pub share: f64,
}

/// Overhead and the values behind it.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OverheadReport {
    /// The figures.
    #[serde(flatten)]
    pub figures: Overhead,
    /// Every write's overhead in milliseconds, ascending, or evenly spaced ones among many.
    pub values_ms: Vec<f64>,
}

impl Report {
    /// Analyses the runs of one experiment, beside those of others, further rounds of any of them, and what was forecast;
    /// `None` if there are none.
    #[must_use]
    pub fn of(
        runs: &[RunData],
        others: &[(ExperimentName, Vec<RunData>)],
        rounds: &[RunData],
        forecasts: &[Forecast],
    ) -> Option<Self> {
        let mut data: Vec<&RunData> = runs.iter().collect();
        data.sort_by_key(|run| run.manifest.quorum);
        let mut figures = ExperimentFigures::of(runs)?;
        for (figures, run) in figures.runs.iter_mut().zip(&data) {
            figures.latency.add_own_time(run, others.iter().flat_map(|(_, runs)| runs));
        }
        let all: Vec<&RunData> = runs.iter().chain(others.iter().flat_map(|(_, runs)| runs)).chain(rounds).collect();
        let trials = |config: &_| Expected::affordable_trials(config).map(|trials| trials.min(TRIALS_OF_OTHERS));
        let (other_runs, others): (Vec<&Vec<RunData>>, Vec<_>) =
            (others.iter()).filter_map(|(_, runs)| Some((runs, ExperimentFigures::with_trials(runs, trials)?))).unzip();
        let claims = claims(&figures, &others);
        let evidence: Vec<_> = data
            .iter()
            .zip(&figures.runs)
            .map(|(run, figures)| LeaderEvidence::of(run, &figures.latency, &figures.consistency))
            .collect();
        let can_be_diagnosed = data.iter().all(|run| Withheld::of(run, &[Need::IndependentWrites]).is_none());
        let diagnoses = if can_be_diagnosed { diagnose(&figures.config, &evidence) } else { Vec::new() };
        let experiments = comparison::experiments(&figures, &others);
        let side_by_side = {
            let this = ExperimentRuns::new(data.iter().copied(), &figures);
            let others = other_runs.into_iter().zip(&others).map(|(runs, figures)| ExperimentRuns::new(runs, figures));
            let others: Vec<_> = others.filter(|other| this.is_comparable(other)).collect();
            let systems = if others.is_empty() { Vec::new() } else { std::iter::once(this).chain(others).collect() };
            SideBySide::of(&systems, &all)
        };
        let paired = figures.steps().cloned().collect();
        let reports: Vec<_> =
            figures.runs.into_iter().zip(data).map(|(figures, run)| RunReport::of(figures, run)).collect();
        Some(Self {
            experiment: figures.name,
            runs: reports,
            paired,
            cost_per_ack: figures.cost_per_ack,
            claims,
            diagnoses,
            forecasts: forecasts.to_vec(),
            experiments,
            side_by_side,
        })
    }
}

impl RunReport {
    fn of(figures: RunFigures, run: &RunData) -> Self {
        let writes = PlottedWrite::all(run);
        let withheld = Withheld::all(run);
        let keeps_trace = withheld.iter().all(|of| of.need() != Need::Trace);
        let keeps_arrivals = withheld.iter().all(|of| of.need() != Need::Arrivals);
        let mut outside = Outside::of(run);
        let arrivals = if keeps_trace {
            Some(ArrivalFigures::of(run).with_model(run))
        } else {
            // Listed once: `outside` keeps its own only beside those of a trace.
            outside.as_mut().filter(|_| keeps_arrivals).and_then(|seen| seen.figures.take())
        };
        let has_trace = !run.replication.is_empty() || run.writes.is_empty();
        let overheads: Sample = write_overheads(run).iter().map(|write| write.overhead_us).collect();
        Self {
            quorum: figures.quorum(),
            summary: figures.summary,
            distribution: DistributionCurves::of(run, &figures.latency),
            overhead: OverheadReport {
                figures: figures.overhead,
                values_ms: thinned(&overheads).into_iter().map(|point| point.ms).collect(),
            },
            consistency: ConsistencyReport::of(&figures.consistency),
            faults: figures.faults.map(|faults| FaultReport::new(faults, &writes)),
            failover: figures.failover,
            faults_left_out: figures.faults_left_out,
            load: figures.load,
            arrivals,
            is_outside: !keeps_trace && keeps_arrivals && outside.is_some(),
            has_arrivals: if keeps_trace { has_trace } else { outside.is_some() },
            outside,
            survival: figures.survival,
            key_waits: figures.key_waits,
            excess: figures.excess,
            lives: if keeps_trace { write_lives(run) } else { Vec::new() },
            withheld,
            expected: figures.expected,
            manifest: run.manifest.clone(),
            writes,
            has_trace,
            has_stores: !run.settled.is_empty(),
            contradictions: run.contradictions.clone(),
            latency: figures.latency,
        }
    }

    /// How long followers lagged, if that is known.
    #[must_use]
    pub fn lag(&self) -> Option<&Lag> {
        self.arrivals.as_ref().map(|arrivals| &arrivals.lag)
    }

    /// How stale reads from followers are, if that is known.
    #[must_use]
    pub fn staleness(&self) -> Option<&Staleness> {
        self.arrivals.as_ref().map(|arrivals| &arrivals.staleness)
    }

    /// What the leader's death would have cost, if that is known.
    #[must_use]
    pub fn durability(&self) -> Option<&Durability> {
        self.arrivals.as_ref()?.durability.as_ref()
    }

    /// Whether delays were injected.
    #[must_use]
    pub fn has_delays(&self) -> bool {
        self.manifest.config.network.has_delays(self.followers())
    }

    /// Why its system leaves it without what these needs stand for; `None` if it does not.
    #[must_use]
    pub fn withheld(&self, needs: &[Need]) -> Option<&Withheld> {
        self.withheld.iter().find(|of| needs.contains(&of.need()))
    }

    /// N.
    #[must_use]
    pub fn followers(&self) -> u32 {
        self.manifest.config.followers.get()
    }
}

impl DistributionCurves {
    fn of(run: &RunData, latency: &Latency) -> Self {
        let share = |i: u32| f64::from(i) / f64::from(CURVE_POINTS);
        let predicted = match latency.best_prediction() {
            Some(Prediction::Constant(_)) | None => Vec::new(),
            Some(prediction) => (0..=CURVE_POINTS)
                .map(|i| if prediction.is_bounded() { share(i) } else { share(i).min(MOST_SHARE) })
                .map(|share| DistributionPoint { ms: prediction.quantile_ms(share), share })
                .collect(),
        };
        // Without the slow writes that a fault cut off it would be that of the fast ones.
        let measured = if latency.cut_off == 0 { thinned(&ok_latencies(run)) } else { Vec::new() };
        Self { quorum: run.manifest.quorum.get(), measured, predicted }
    }
}

/// The empirical distribution function, through at most [`MOST_POINTS`] evenly spaced ranks,
/// the greatest always among them.
fn thinned(sample: &Sample) -> Vec<DistributionPoint> {
    let n = sample.len();
    let kept = n.min(MOST_POINTS);
    let values: Vec<f64> = sample.iter_ms().collect();
    (1..=kept)
        .map(|i| i * n / kept)
        .filter_map(|rank| Some(DistributionPoint { ms: *values.get(rank - 1)?, share: rank as f64 / n as f64 }))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::TimeSpan;

    #[test]
    fn a_small_sample_is_kept_whole_and_a_large_one_thinned() {
        let small: Sample = (1..=100).map(|i| TimeSpan::new(i * 1000)).collect();
        let points = thinned(&small);
        assert_eq!(points.len(), 100);
        assert_eq!((points[0].ms, points[0].share), (1.0, 0.01));
        let large: Sample = (1..=20_001).map(|i| TimeSpan::new(i * 1000)).collect();
        let points = thinned(&large);
        assert_eq!(points.len(), MOST_POINTS);
        assert_eq!(points.last().map(|point| (point.ms, point.share)), Some((20_001.0, 1.0)));
        assert!(points.iter().all(|point| (point.ms / 20_001.0 - point.share).abs() < 1e-9));
        assert!(thinned(&Sample::default()).is_empty());
    }
}
