//! Everything the report says, as numbers: `summary.json`.

use serde::Serialize;

use super::prose;
use crate::analysis::{Latency, Overhead, RunConsistency, Summary};
use crate::config::ExperimentName;
use crate::data::{Manifest, RunData};

/// Version of `summary.json`.
pub const SCHEMA: u32 = 1;

/// `summary.json`.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The experiment reported on.
    pub experiment: ExperimentName,
    /// What came out, in one paragraph.
    pub answer: String,
    /// Each quorum's run, by W.
    pub runs: Vec<RunReport>,
}

impl Report {
    /// Analyses the runs of one experiment; `None` where there are none.
    #[must_use]
    pub fn of(runs: &[RunData]) -> Option<Self> {
        let experiment = runs.first()?.manifest.experiment.clone();
        let runs: Vec<_> = runs.iter().map(RunReport::of).collect();
        Some(Self { schema: SCHEMA, experiment, answer: prose::answer(&runs), runs })
    }
}

/// What one run came to.
#[derive(Debug, Clone, Serialize)]
pub struct RunReport {
    /// W.
    pub quorum: u32,
    /// The line of `summary.csv`.
    pub summary: Summary,
    /// Latency of acknowledged writes.
    pub latency: Latency,
    /// What the software added to the injected delays.
    pub overhead: Overhead,
    /// Followers against their leader.
    pub consistency: RunConsistency,
    /// Under which conditions it came about.
    pub manifest: Manifest,
}

impl RunReport {
    /// Analyses one run.
    #[must_use]
    pub fn of(run: &RunData) -> Self {
        let (latency, overhead, consistency) = (Latency::of(run), Overhead::of(run), RunConsistency::of(run));
        Self {
            quorum: run.manifest.quorum.get(),
            summary: Summary::from_parts(run, &latency, &overhead, &consistency),
            latency,
            overhead,
            consistency,
            manifest: run.manifest.clone(),
        }
    }
}
