//! Everything the report says, as numbers.

use std::borrow::Cow;

use serde::Serialize;

use crate::analysis::{
    ArrivalFigures, Claim, CostPerAck, Diagnosis, Durability, Excess, Expected, ExperimentFigures, ExperimentRuns,
    FailoverFigures, Forecast, KeyWaits, Lag, Latency, LeaderEvidence, Load, Need, Outside, Overhead, Paired,
    RunAtHand, RunFigures, RunParts, SideBySide, Staleness, Summary, Survival, Withheld, WriteLife, claims, diagnose,
};
use crate::config::ExperimentName;
use crate::data::{Contradiction, Manifest, RunData};

mod analysed;
mod comparison;
mod consistency;
mod course;
mod distribution;
mod faults;

pub use analysed::AnalysedRun;
pub use comparison::{ComparedExperiment, ComparedRun};
pub use consistency::{ConsistencyReport, MomentReport};
pub use course::{Course, PlottedWrite};
pub use distribution::{DistributionCurves, DistributionPoint};
pub use faults::FaultReport;

use analysed::Shown;

/// Most simulated runs of an experiment that is only compared with.
const TRIALS_OF_OTHERS: u32 = 400;

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
    /// Its writes, to be drawn.
    #[serde(skip)]
    pub course: Course,
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
        Self::of_analysed(runs.iter().map(AnalysedRun::of).collect(), others, rounds, forecasts)
    }

    /// The same of runs that are analysed already.
    #[must_use]
    pub fn of_analysed(
        mut runs: Vec<AnalysedRun<'_>>,
        others: &[(ExperimentName, Vec<RunData>)],
        rounds: &[RunData],
        forecasts: &[Forecast],
    ) -> Option<Self> {
        runs.sort_by_key(|of| of.run.manifest.quorum);
        let parts =
            runs.into_iter().map(|AnalysedRun { run, figures, shown, pairable }| (run, (shown, (figures, pairable))));
        let (runs, told): (Vec<Cow<'_, RunData>>, Vec<_>) = parts.unzip();
        let (shown, of_runs): (Vec<Shown>, Vec<_>) = told.into_iter().unzip();
        let data: Vec<&RunData> = runs.iter().map(AsRef::as_ref).collect();
        let parts = data.iter().zip(of_runs);
        let parts = parts.map(|(run, (figures, pairable))| RunParts { manifest: &run.manifest, figures, pairable });
        let mut figures = ExperimentFigures::of_parts(parts.collect())?;
        for (figures, run) in figures.runs.iter_mut().zip(&data) {
            figures.latency.add_own_time(run, others.iter().flat_map(|(_, runs)| runs));
        }
        let trials = |config: &_| Expected::affordable_trials(config).map(|trials| trials.min(TRIALS_OF_OTHERS));
        let (other_runs, other_figures): (Vec<&Vec<RunData>>, Vec<_>) =
            (others.iter()).filter_map(|(_, runs)| Some((runs, ExperimentFigures::with_trials(runs, trials)?))).unzip();
        let claims = claims(&figures, &other_figures);
        let evidence: Vec<LeaderEvidence> = shown.iter().map(|of| of.evidence).collect();
        let can_be_diagnosed = data.iter().all(|run| Withheld::of(run, &[Need::IndependentWrites]).is_none());
        let diagnoses = if can_be_diagnosed { diagnose(&figures.config, &evidence) } else { Vec::new() };
        let experiments = comparison::experiments(&figures, &other_figures);
        let side_by_side = {
            let known = shown.iter().map(|of| of.arrivals.as_ref());
            let this = ExperimentRuns::with_arrivals(data.iter().copied().zip(known), &figures);
            let others_beside =
                other_runs.into_iter().zip(&other_figures).map(|(runs, figures)| ExperimentRuns::new(runs, figures));
            let beside: Vec<_> = others_beside.filter(|other| this.is_comparable(other)).collect();
            let systems = if beside.is_empty() { Vec::new() } else { std::iter::once(this).chain(beside).collect() };
            let own = data.iter().zip(&figures.runs).map(|(&run, figures)| RunAtHand { run, figures: Some(figures) });
            let more = others.iter().flat_map(|(_, runs)| runs).chain(rounds).map(RunAtHand::from);
            SideBySide::of(&systems, &own.chain(more).collect::<Vec<_>>())
        };
        let paired = figures.steps().cloned().collect();
        let reports: Vec<_> = figures
            .runs
            .into_iter()
            .zip(data)
            .zip(shown)
            .map(|((figures, run), shown)| RunReport::of(figures, shown, run))
            .collect();
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
    fn of(figures: RunFigures, shown: Shown, run: &RunData) -> Self {
        Self {
            quorum: figures.quorum(),
            summary: figures.summary,
            distribution: DistributionCurves::of(&figures.latency, shown.latencies),
            overhead: OverheadReport { figures: figures.overhead, values_ms: shown.overheads_ms },
            consistency: ConsistencyReport::of(&figures.consistency),
            faults: figures.faults.map(|faults| FaultReport { figures: faults, writes: shown.course.plotted.clone() }),
            failover: figures.failover,
            faults_left_out: figures.faults_left_out,
            load: figures.load,
            arrivals: shown.arrivals,
            is_outside: shown.is_outside,
            has_arrivals: shown.has_arrivals,
            outside: shown.outside,
            survival: figures.survival,
            key_waits: figures.key_waits,
            excess: figures.excess,
            lives: shown.lives,
            withheld: shown.withheld,
            expected: figures.expected,
            manifest: run.manifest.clone(),
            course: shown.course,
            has_trace: shown.has_trace,
            has_stores: shown.has_stores,
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
