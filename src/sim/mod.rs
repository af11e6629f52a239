//! Whole runs in virtual time: the nodes' own code, the same load, the same record of it. A
//! run is a function of the experiment and the quorum alone.

mod breakable;
mod cluster;
mod connection;
mod error;
mod faulty;
mod forecast;
mod gated;
mod link_state;
mod log;
mod recording;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use labnode::clock::Clock;
pub use labnode::follower::Follower;
use labnode::transport::Transport;
use tokio_util::sync::CancellationToken;
use tracing::subscriber::{NoSubscriber, with_default};

pub use self::cluster::can_simulate;
use self::cluster::{SimCluster, SimSpec, direct, in_virtual_time, over_http, routers};
pub use self::error::SimError;
use self::faulty::Reach;
pub use self::forecast::{foresee, is_foreseeable};
use self::recording::{record_unless_cancelled, unless_cancelled};
use crate::config::{Experiment, ExperimentName};
use crate::data::{LEADER, Manifest, RunData, SCHEMA, WriteRow, config_sha256};
use crate::load::{NoFaults, Progress, RunRecord, observe};
use crate::model::{BackendFacts, Micros, NodeId, Quorum, TimeSpan, VIRTUAL_TIME};
use crate::system::System as _;
use crate::system::labnode::{DirectClient, InProcessClient, LabNode, LabSession, VERSION};

/// Runs one quorum of an experiment in virtual time, through the nodes' HTTP routes.
///
/// # Errors
/// When the nodes refuse their settings or do not answer; `Interrupted` once `cancel` is
/// cancelled.
pub fn simulate(
    name: &ExperimentName,
    experiment: &Experiment,
    quorum: Quorum,
    progress: &dyn Progress,
    cancel: &CancellationToken,
) -> Result<RunData, SimError> {
    let spec = SimSpec { name: name.clone(), experiment: experiment.clone(), quorum };
    let limit = experiment.network.global_request_timeout_s.duration();
    let (run, printed) = log::captured(|| {
        in_virtual_time(async |clock| {
            let recorded = if experiment.faults.is_empty() {
                let cluster = SimCluster::over(&spec, clock, over_http)?;
                let client = InProcessClient::new(routers(cluster.nodes()), clock, limit);
                record_unless_cancelled(client, experiment, &NoFaults, &clock, progress, cancel).await?
            } else {
                faulty::run(&spec, clock, OVER_HTTP, progress, cancel).await?
            };
            run_data(&spec, recorded, TimeSpan::new(clock.now_us()))
        })
    });
    let mut run = run??;
    // Followers print nothing.
    run.logs.insert(LEADER.to_owned(), printed);
    Ok(run)
}

/// The same run, but for the leader's log, with messages instead of HTTP in half the time.
///
/// # Errors
/// As [`simulate`].
pub fn simulate_direct(
    name: &ExperimentName,
    experiment: &Experiment,
    quorum: Quorum,
    cancel: &CancellationToken,
) -> Result<RunData, SimError> {
    unheard(name, experiment, quorum, async |spec, clock| match experiment.faults.as_slice() {
        [] => messages(spec, experiment, clock, cancel, direct).await,
        _ => faulty::run(spec, clock, DIRECT, &Unwatched, cancel).await,
    })
}

/// As [`simulate_direct`], without faults, and with a leader that reaches its followers as
/// `connect` says.
///
/// # Errors
/// As [`simulate`].
pub fn simulate_over(
    name: &ExperimentName,
    experiment: &Experiment,
    quorum: Quorum,
    cancel: &CancellationToken,
    connect: impl FnOnce(&[Arc<Follower>]) -> Arc<dyn Transport>,
) -> Result<RunData, SimError> {
    unheard(name, experiment, quorum, async |spec, clock| messages(spec, experiment, clock, cancel, connect).await)
}

/// A run whose nodes' log goes nowhere.
fn unheard(
    name: &ExperimentName,
    experiment: &Experiment,
    quorum: Quorum,
    record: impl AsyncFnOnce(&SimSpec, Clock) -> Result<RunRecord, SimError>,
) -> Result<RunData, SimError> {
    let spec = SimSpec { name: name.clone(), experiment: experiment.clone(), quorum };
    let run = with_default(NoSubscriber::new(), || {
        in_virtual_time(async |clock| {
            let recorded = record(&spec, clock).await?;
            run_data(&spec, recorded, TimeSpan::new(clock.now_us()))
        })
    });
    run?
}

async fn messages(
    spec: &SimSpec,
    experiment: &Experiment,
    clock: Clock,
    cancel: &CancellationToken,
    connect: impl FnOnce(&[Arc<Follower>]) -> Arc<dyn Transport>,
) -> Result<RunRecord, SimError> {
    let limit = experiment.network.global_request_timeout_s.duration();
    let client = DirectClient::new(SimCluster::over(spec, clock, connect)?.nodes(), clock, limit);
    record_unless_cancelled(client, experiment, &NoFaults, &clock, &Unwatched, cancel).await
}

/// HTTP between all.
const OVER_HTTP: Reach<InProcessClient> =
    Reach { followers: over_http, nodes: |nodes, clock, limit| InProcessClient::new(routers(nodes), clock, limit) };

/// Messages between all.
const DIRECT: Reach<DirectClient> = Reach { followers: direct, nodes: DirectClient::new };

/// What `read` makes of the same run below HTTP, given the run without its traces, the
/// followers with them, and the run's start on their clock. Takes far less memory than a whole
/// run: some 500 bytes a write.
///
/// # Errors
/// As [`simulate`].
pub fn simulate_and<T>(
    name: &ExperimentName,
    experiment: &Experiment,
    quorum: Quorum,
    cancel: &CancellationToken,
    read: impl FnOnce(&RunData, &[Arc<Follower>], Micros) -> T,
) -> Result<T, SimError> {
    let spec = SimSpec { name: name.clone(), experiment: experiment.clone(), quorum };
    let limit = experiment.network.global_request_timeout_s.duration();
    let writes = experiment.workload.writes.get() as usize;
    let result = in_virtual_time(async |clock| {
        let cluster = SimCluster::untraced(&spec, clock, writes)?;
        let client = DirectClient::new(cluster.nodes(), clock, limit);
        let followers = cluster.followers();
        let session = LabSession::new(client, experiment, clock);
        let observed = observe(&session, experiment, &NoFaults, &clock, &Unwatched);
        let (recorded, start_us) = unless_cancelled(observed, cancel).await?;
        let run = run_data(&spec, recorded, TimeSpan::new(clock.now_us()))?;
        Ok(read(&run, followers, start_us))
    });
    result?
}

/// Progress that is not shown.
struct Unwatched;

impl Progress for Unwatched {
    fn write_done(&self, _: &WriteRow) {}
    fn settling(&self, _: u64) {}
}

/// The run with its manifest, which nothing but the experiment bears on.
fn run_data(spec: &SimSpec, recorded: RunRecord, wall_us: TimeSpan) -> Result<RunData, SimError> {
    let experiment = &spec.experiment;
    let config_sha256 = config_sha256(experiment).map_err(SimError::Configuration)?;
    let manifest = Manifest {
        schema: SCHEMA,
        experiment: spec.name.clone(),
        quorum: spec.quorum,
        config: experiment.clone(),
        config_sha256,
        seed: experiment.seed,
        system: Some(LabNode.facts(VERSION.to_owned())),
        backend: BackendFacts::named(VIRTUAL_TIME),
        node_sha256: None,
        git: None,
        labctl_version: env!("CARGO_PKG_VERSION").to_owned(),
        argv: Vec::new(),
        host: None,
        started: None,
        finished: None,
        load_us: recorded.load_us,
        settle_us: recorded.settle_us,
        quiet_us: None,
        settled: recorded.is_settled,
        wall_us,
        trace_dropped: recorded.trace_dropped,
        absent_nodes: recorded.absent_nodes.clone(),
        jobs: None,
        load_cost: None,
        gaps: Vec::new(),
        leader_changes: Vec::new(),
    };
    let logs = NodeId::all(experiment.followers).map(|node| (node.to_string(), Vec::new())).collect();
    Ok(recorded.into_run(manifest, logs))
}
