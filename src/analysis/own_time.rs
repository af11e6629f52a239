//! What a system's software takes for a write: the latencies of a run of the same system whose links take no time.

use std::sync::Arc;

use serde::Serialize;

use super::system_under_test::SystemUnderTest;
use crate::config::{Experiment, ExperimentName, Workload};
use crate::data::{RunData, WriteOutcome, WriteRow};
use crate::model::{LinkOrder, TimeSpan};

/// The latencies of a run without delays and faults, at one quorum. They hold all that a write meets besides its delays: the
/// client's and the leader's work, the network of the machine, the wait for the other writes under way.
#[derive(Debug, Clone, PartialEq)]
pub struct OwnTime {
    source: OwnTimeSource,
    /// In the order of the writes; never empty.
    latencies_us: Arc<[TimeSpan]>,
}

/// Where the software's own time is known from.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OwnTimeSource {
    /// The experiment whose run at the same quorum tells it.
    pub experiment: ExperimentName,
    /// Writes of that run.
    #[cfg_attr(test, schemars(range(min = 1)))]
    pub writes: u64,
    /// Their mean latency, in milliseconds.
    #[cfg_attr(test, schemars(range(min = 0.0)))]
    pub mean_ms: f64,
}

impl OwnTime {
    /// Of the system that a run measured, from the first of the others that measured the same one without delays. `None` if
    /// none of them did.
    pub(super) fn of<'a>(run: &RunData, others: impl IntoIterator<Item = &'a RunData>) -> Option<Self> {
        others.into_iter().filter(|other| measures_own_time(other, run)).find_map(Self::from_run)
    }

    fn from_run(run: &RunData) -> Option<Self> {
        let mut rows: Vec<_> = run.writes.iter().collect();
        rows.sort_by_key(|row| row.write);
        // Where a write failed, the system did not do the same work.
        let latency_us = |row: &&WriteRow| (row.outcome == WriteOutcome::Ok).then_some(row.latency_us);
        Self::new(run.manifest.experiment.clone(), rows.iter().map(latency_us).collect::<Option<_>>()?)
    }

    /// From latencies; `None` if there are none.
    pub(super) fn new(experiment: ExperimentName, latencies_us: Vec<TimeSpan>) -> Option<Self> {
        let writes = latencies_us.len() as u64;
        let sum_us: TimeSpan = latencies_us.iter().copied().sum();
        (writes > 0).then(|| Self {
            source: OwnTimeSource { experiment, writes, mean_ms: sum_us.get() as f64 / writes as f64 / 1000.0 },
            latencies_us: latencies_us.into(),
        })
    }

    /// Where it is known from.
    #[must_use]
    pub const fn source(&self) -> &OwnTimeSource {
        &self.source
    }

    pub(super) fn latencies_us(&self) -> &[TimeSpan] {
        &self.latencies_us
    }
}

/// Whether `still` tells the own time of what `run` measured: the same program and version on the same kind of machine, at the
/// same quorum, with as many followers and writes at a time or in a second, but without delays and faults.
fn measures_own_time(still: &RunData, run: &RunData) -> bool {
    let same = |of: &RunData| {
        let (manifest, config) = (&of.manifest, &of.manifest.config);
        let Workload { concurrency, pacing, rate_per_s, arrivals, .. } = config.workload;
        let load = (concurrency, pacing, rate_per_s, arrivals, config.followers);
        (SystemUnderTest::of(of), manifest.quorum, load, config.link_order())
    };
    let Experiment { network, followers, faults, .. } = &still.manifest.config;
    let is_still = !network.has_delays(followers.get()) && faults.is_empty() && still.faults.is_empty();
    is_still && still.manifest.system.is_some() && same(still) == same(run)
}

/// Whether theory would need the software's own time for a run: its links change and keep their order, and its time is real.
pub(super) fn is_wanted(run: &RunData) -> bool {
    run.manifest.config.link_order() == LinkOrder::Ordered && !run.manifest.backend.is_virtual_time()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;
    use crate::analysis::fixture::RunBuilder;
    use crate::analysis::{Latency, PredictionMethod};
    use crate::model::{Capabilities, SystemFacts, uniform_ms};

    /// A run over ordered links as processes, of ten writes that take 1 to 10 ms longer than `delay_ms`.
    fn run(name: &str, delay_ms: u32) -> RunData {
        let latency_us = |write: u64| u64::from(delay_ms) * 1000 + (write + 1) * 1000;
        let builder = RunBuilder::new(2).configure(|config| {
            config.network.link = Some(LinkOrder::Ordered);
            config.network.delay = uniform_ms(0, delay_ms).unwrap();
        });
        let mut run = (0..10).fold(builder, |run, i| run.write_with_delays(i, latency_us(i), &[1; 5])).build();
        let (system, version) = ("store".to_owned(), "1".to_owned());
        run.manifest.experiment = name.parse().unwrap();
        run.manifest.system =
            Some(SystemFacts { name: system, version, capabilities: Capabilities::LABNODE, remarks: Vec::new() });
        run.manifest.backend.name = "process".to_owned();
        run
    }

    fn own_time(run: &RunData, others: &[RunData]) -> Option<OwnTimeSource> {
        let mut latency = Latency::of(run);
        latency.add_own_time(run, others);
        assert_eq!(latency.lacks_own_time, latency.own_time.is_none());
        assert_eq!(latency.own_time.is_some(), latency.predicted_with_own_time.is_some());
        latency.own_time
    }

    #[test]
    fn is_taken_from_the_first_run_of_the_same_system_without_delays() {
        let jitter = run("jitter", 200);
        let source = own_time(&jitter, &[jitter.clone(), run("still", 0), run("still-too", 0)]).unwrap();
        assert_eq!((source.experiment.to_string().as_str(), source.writes, source.mean_ms), ("still", 10, 5.5));
        assert_eq!(own_time(&jitter, std::slice::from_ref(&jitter)), None);
    }

    #[test]
    fn predicts_longer_latencies_and_says_so() {
        let jitter = run("jitter", 200);
        let mut latency = Latency::of(&jitter);
        let alone = latency.clone();
        latency.add_own_time(&jitter, &[run("still", 0)]);
        let (before, with) = (latency.predicted.unwrap(), latency.predicted_with_own_time.unwrap());
        assert_eq!((latency.predicted, alone.predicted_with_own_time), (alone.predicted, None));
        assert_eq!((before.method, with.method), (PredictionMethod::Simulated, PredictionMethod::SimulatedWithOwnTime));
        assert!(with.mean_ms > before.mean_ms && with.run_spread.is_some(), "{with:?} {before:?}");
        assert_eq!((latency.best_predicted(), alone.best_predicted()), (Some(with), Some(before)));
    }

    #[test]
    fn is_not_taken_from_a_run_that_measures_something_else() {
        let changes: [fn(&mut RunData); 9] = [
            |run| run.manifest.system.as_mut().unwrap().name = "redis".to_owned(),
            |run| run.manifest.system.as_mut().unwrap().version = "2".to_owned(),
            |run| run.manifest.node_sha256 = Some("another build".to_owned()),
            |run| run.manifest.backend.name = "compose".to_owned(),
            |run| run.manifest.quorum = 3.try_into().unwrap(),
            |run| run.manifest.config.workload.concurrency = 11.try_into().unwrap(),
            |run| run.manifest.config.followers = 4.try_into().unwrap(),
            |run| run.manifest.config.network.link = None,
            |run| run.writes[3].outcome = WriteOutcome::Failed,
        ];
        for (i, change) in changes.into_iter().enumerate() {
            let mut still = run("still", 0);
            change(&mut still);
            assert_eq!(own_time(&run("jitter", 200), &[still]), None, "change {i}");
        }
    }

    #[test]
    fn is_not_wanted_where_it_moves_nothing() {
        let lacks = |change: fn(&mut RunData)| {
            let mut run = run("jitter", 200);
            change(&mut run);
            Latency::of(&run).lacks_own_time
        };
        assert!(lacks(|_| ()));
        assert!(!lacks(|run| run.manifest.backend.name = "sim".to_owned()));
        assert!(!lacks(|run| run.manifest.config.network.link = None));
        assert!(!lacks(|run| run.manifest.config.network.delay = uniform_ms(20, 20).unwrap()));
    }
}
