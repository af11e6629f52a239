//! Everything that one run says on its own.

use serde::Serialize;

use super::account::Account;
use super::consistency::{Mechanism, RunConsistency};
use super::excess::Excess;
use super::expected::Expected;
use super::failover::FailoverFigures;
use super::faults::{FaultFigures, faults_left_out};
use super::key_waits::KeyWaits;
use super::latency::Latency;
use super::load::Load;
use super::need::{Need, Withheld};
use super::overhead::Overhead;
use super::summary::Summary;
use super::survival::Survival;
use crate::data::RunData;

/// The figures of one run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunFigures {
    /// Its line in the summary.
    pub summary: Summary,
    /// Latency, with intervals and theory.
    pub latency: Latency,
    /// Latency beyond the injected delays.
    pub overhead: Overhead,
    /// Writes in flight and a second; `None` of a run that took no time.
    pub load: Option<Load>,
    /// The followers against their leader.
    pub consistency: RunConsistency,
    /// Why the run could not end but consistent; `None` if only luck could bring that about.
    pub mechanism: Option<Mechanism>,
    /// Acknowledged writes that an older one replaced on some follower, for good or for a while. `None`
    /// if the system does not tell what arrived where.
    pub replaced: Option<u64>,
    /// Acknowledged writes that are gone in the end.
    pub survival: Survival,
    /// How writes of one key that were under way together behaved; `None` if nothing can be concluded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_waits: Option<KeyWaits>,
    /// Latency beyond the prediction, where the delays are not known write by write; `None` where they
    /// are, and if nothing is predicted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub excess: Option<Excess>,
    /// What the model expects; `None` of a load too large to simulate, where something was broken,
    /// which the model does not know, and of a system that the model is not of.
    pub expected: Option<Expected>,
    /// What the faults did; `None` where there were none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub faults: Option<FaultFigures>,
    /// What the leader's death cost; `None` if no follower was to take its place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failover: Option<FailoverFigures>,
    /// See [`faults_left_out`].
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub faults_left_out: Vec<String>,
}

impl RunFigures {
    /// The figures of one run, with as many trials of the model as given, or none.
    #[must_use]
    pub fn of(run: &RunData, trials: Option<u32>) -> Self {
        Self::by(&Account::of(run), trials)
    }

    /// The same by an account of the run that others use too.
    #[must_use]
    pub fn by(account: &Account<'_>, trials: Option<u32>) -> Self {
        let run = account.run;
        let (latency, overhead, consistency) = (Latency::of(run), Overhead::of(run), RunConsistency::of(run));
        let (config, quorum) = (&run.manifest.config, run.manifest.quorum);
        let has_trace = Withheld::of(run, &[Need::Trace]).is_none();
        Self {
            summary: Summary::from_parts(run, &latency, &overhead, &consistency),
            expected: trials
                .filter(|_| config.faults.is_empty() && Withheld::of(run, &[Need::OwnDelays]).is_none())
                .map(|trials| Expected::simulate(config, quorum, trials)),
            faults: FaultFigures::of(run, &consistency),
            failover: FailoverFigures::of(run),
            faults_left_out: faults_left_out(run),
            mechanism: Mechanism::of(run),
            replaced: has_trace.then(|| account.copies().tally().overwritten_writes),
            survival: Survival::of(run),
            key_waits: KeyWaits::of(run, &latency),
            excess: Withheld::of(run, &[Need::Delays]).and_then(|_| Excess::of(&latency)),
            load: Load::of(run, &overhead),
            latency,
            overhead,
            consistency,
        }
    }

    /// W.
    #[must_use]
    pub fn quorum(&self) -> u32 {
        self.latency.quorum
    }
}
