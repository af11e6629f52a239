//! A bug in a leader shows in both worlds: one that cancels replication once the quorum is
//! reached is recognised in virtual time and on real processes, by the same analysis.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod transport;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use labctl::analysis::LeaderDefect;
use labctl::cluster::{Cluster, ClusterSpec, ProcessCluster};
use labctl::config::{Experiment, ExperimentName};
use labctl::data::{BackendFacts, Manifest, RunData, WriteRow};
use labctl::explore::forecast;
use labctl::load::{NoFaults, Progress, RunRecord, await_ready, record};
use labctl::model::{Quorum, uniform_ms};
use labctl::report::{Report, warnings};
use labctl::sim::{simulate_direct, simulate_over};
use labctl::system::System as _;
use labctl::system::labnode::LabNode;
use labnode::clock::Clock;
use labnode::transport::DirectTransport;
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;

use crate::transport::CancellingTransport;

struct Unwatched;

impl Progress for Unwatched {
    fn write_done(&self, _: &WriteRow) {}
    fn settling(&self, _: u64) {}
}

/// The lab, three times as fast.
fn experiment() -> Experiment {
    let mut experiment = Experiment::default();
    experiment.network.delay = uniform_ms(0, 300).unwrap();
    experiment
}

fn name() -> ExperimentName {
    "quorum".parse().unwrap()
}

fn simulated(quorum: Quorum, cancels: bool) -> RunData {
    let (name, experiment, never) = (name(), experiment(), CancellationToken::new());
    if !cancels {
        return simulate_direct(&name, &experiment, quorum, &never).unwrap();
    }
    let run = simulate_over(&name, &experiment, quorum, &never, |followers| {
        let inner = Arc::new(DirectTransport::new(followers.to_vec()));
        Arc::new(CancellingTransport::new(inner, quorum.get()))
    });
    run.unwrap()
}

/// The node with the bug. Cargo builds it before it runs all tests, but not for this file alone.
fn cancelling_node() -> PathBuf {
    let path = Path::new(env!("CARGO_BIN_EXE_labctl")).with_file_name("examples").join("cancelling-leader");
    if !path.is_file() {
        let built = Command::new(env!("CARGO")).args(["build", "--quiet", "--example", "cancelling-leader"]).status();
        assert!(built.unwrap().success());
    }
    path
}

async fn on_processes(quorum: Quorum, program: &Path) -> (RunRecord, BackendFacts) {
    let experiment = experiment();
    let nodes = LabNode.nodes(&experiment, quorum);
    let spec = ClusterSpec::new(&name(), &experiment, quorum, nodes, LabNode.dialer(), true);
    let mut cluster = ProcessCluster::new(spec, program, None);
    let (endpoints, mut cluster) =
        spawn_blocking(move || (cluster.up(&CancellationToken::new()).unwrap(), cluster)).await.unwrap();
    let clock = Clock::monotonic();
    let session = LabNode.connect(&endpoints, &experiment, quorum, clock).unwrap();
    await_ready(session.as_ref(), experiment.followers, &clock).await.unwrap();
    let recorded = record(session.as_ref(), &experiment, &NoFaults, &clock, &Unwatched).await.unwrap();
    let facts = cluster.facts();
    spawn_blocking(move || cluster.down()).await.unwrap().unwrap();
    (recorded, facts)
}

fn quorums() -> impl Iterator<Item = Quorum> {
    (1..=5).map(|quorum| Quorum::try_from(quorum).unwrap())
}

/// What the report says is wrong, and how many pairs did not end as a right leader's would.
fn judged(runs: &[RunData]) -> (Vec<LeaderDefect>, Vec<String>, u64) {
    let forecasts = forecast(runs, &CancellationToken::new()).unwrap();
    let report = Report::of(runs, &[], &[], &forecasts).unwrap();
    let unforeseen = report.forecasts.iter().map(|forecast| forecast.pairs.n - forecast.pairs.agreeing).sum();
    (report.diagnoses.iter().map(|diagnosis| diagnosis.fault).collect(), warnings(&report), unforeseen)
}

#[test]
fn virtual_time_shows_it() {
    let runs: Vec<RunData> = quorums().map(|quorum| simulated(quorum, true)).collect();
    let (faults, warnings, _) = judged(&runs);
    assert_eq!(faults, [LeaderDefect::CancelsAtQuorum]);
    assert!(warnings.iter().any(|warning| warning.contains("cancels replication")), "{warnings:?}");
    let right: Vec<RunData> = quorums().map(|quorum| simulated(quorum, false)).collect();
    assert_eq!(judged(&right).0, []);
}

#[test]
fn real_processes_show_it_and_are_not_as_foreseen() {
    let node = cancelling_node();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let run = |quorum| {
        let (recorded, backend) = runtime.block_on(on_processes(quorum, &node));
        // All else that matters of a manifest is as in the simulation.
        recorded.into_run(Manifest { backend, ..simulated(quorum, false).manifest }, BTreeMap::new())
    };
    let runs: Vec<RunData> = quorums().map(run).collect();
    let (faults, warnings, unforeseen) = judged(&runs);
    assert_eq!(faults, [LeaderDefect::CancelsAtQuorum]);
    assert!(warnings.iter().any(|warning| warning.contains("cancels replication")), "{warnings:?}");
    // At W = 1 alone a follower misses, of the ten writes to a key, the last with chance 0.8.
    assert!(unforeseen > 10, "{unforeseen}");
}
