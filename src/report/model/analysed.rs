//! One run, and all that a report tells of it alone.

use std::borrow::Cow;

use super::course::Course;
use super::distribution::{DistributionPoint, thinned};
use crate::analysis::{
    Account, ArrivalFigures, Expected, LeaderEvidence, Need, Outside, Pairable, RunFigures, Sample, Withheld,
    WriteLife, ok_latencies, write_lives, write_overheads,
};
use crate::data::RunData;

/// One run, and all that a report tells of it alone.
#[derive(Debug)]
pub struct AnalysedRun<'a> {
    pub(super) run: Cow<'a, RunData>,
    pub(super) figures: RunFigures,
    pub(super) shown: Shown,
    pub(super) pairable: Option<Pairable>,
}

/// What is shown of a run beside its figures.
#[derive(Debug)]
pub(super) struct Shown {
    pub(super) evidence: LeaderEvidence,
    pub(super) arrivals: Option<ArrivalFigures>,
    pub(super) outside: Option<Outside>,
    /// The latencies of acknowledged writes, or evenly spaced ones among many. Empty if a fault cut off writes.
    pub(super) latencies: Vec<DistributionPoint>,
    pub(super) overheads_ms: Vec<f64>,
    pub(super) course: Course,
    pub(super) lives: Vec<WriteLife>,
    pub(super) withheld: Vec<Withheld>,
    pub(super) has_trace: bool,
    pub(super) is_outside: bool,
    pub(super) has_arrivals: bool,
    pub(super) has_stores: bool,
}

impl<'a> AnalysedRun<'a> {
    /// Analyses a run.
    #[must_use]
    pub fn of(run: &'a RunData) -> Self {
        let (figures, shown) = analyse(run);
        Self { run: Cow::Borrowed(run), figures, shown, pairable: Pairable::of(run) }
    }

    /// The run.
    #[must_use]
    pub fn run(&self) -> &RunData {
        &self.run
    }

    /// Its acknowledged writes.
    #[must_use]
    pub const fn acknowledged(&self) -> u64 {
        self.figures.latency.n
    }
}

impl AnalysedRun<'static> {
    /// Analyses a run and drops its rows and dumps, which are nearly all of the memory that a run takes. They are kept if another
    /// part of the report reads them again: where followers were read from, the leader died, or the run was foreseen.
    #[must_use]
    pub fn reduced(mut run: RunData) -> Self {
        let ((figures, shown), pairable) = (analyse(&run), Pairable::of(&run));
        let is_needed = !run.reads.is_empty() || run.failover.is_some() || run.forecast.is_some();
        if !is_needed {
            run.writes = Vec::new();
            run.replication = Vec::new();
            run.arrivals = Vec::new();
            run.at_last_ack.clear();
            run.settled.clear();
        }
        Self { run: Cow::Owned(run), figures, shown, pairable }
    }
}

impl AsRef<RunData> for AnalysedRun<'_> {
    fn as_ref(&self) -> &RunData {
        self.run()
    }
}

fn analyse(run: &RunData) -> (RunFigures, Shown) {
    let account = Account::of(run);
    let figures = RunFigures::by(&account, Expected::affordable_trials(&run.manifest.config));
    let shown = Shown::of(run, &account, &figures);
    (figures, shown)
}

impl Shown {
    fn of(run: &RunData, account: &Account<'_>, figures: &RunFigures) -> Self {
        let withheld = Withheld::all(run);
        let keeps_trace = withheld.iter().all(|of| of.need() != Need::Trace);
        let keeps_arrivals = withheld.iter().all(|of| of.need() != Need::Arrivals);
        let mut outside = Outside::of(run);
        let arrivals = if keeps_trace {
            Some(ArrivalFigures::by_account(account).with_model(run))
        } else {
            // Listed once: `outside` keeps its own only beside those of a trace.
            outside.as_mut().filter(|_| keeps_arrivals).and_then(|seen| seen.figures.take())
        };
        let has_trace = !run.replication.is_empty() || run.writes.is_empty();
        let overheads: Sample = write_overheads(run).iter().map(|write| write.overhead_us).collect();
        // Without the slow writes that a fault cut off it would be that of the fast ones.
        let is_whole = figures.latency.cut_off == 0;
        Self {
            evidence: LeaderEvidence::by(account, &figures.latency, &figures.consistency),
            arrivals,
            is_outside: !keeps_trace && keeps_arrivals && outside.is_some(),
            has_arrivals: if keeps_trace { has_trace } else { outside.is_some() },
            outside,
            latencies: if is_whole { thinned(&ok_latencies(run)) } else { Vec::new() },
            overheads_ms: thinned(&overheads).into_iter().map(|point| point.ms).collect(),
            course: Course::of(run),
            lives: if keeps_trace { write_lives(account) } else { Vec::new() },
            withheld,
            has_trace,
            has_stores: !run.settled.is_empty(),
        }
    }
}
