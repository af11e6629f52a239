//! One run: a fresh cluster at one quorum, loaded, recorded and taken down.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use jiff::Timestamp;
use tokio::runtime::Builder;
use tokio::task::{block_in_place, spawn_blocking};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::job::Job;
use super::progress::Bar;
use super::turns::Turn;
use super::unplanned::NodeWatch;
use crate::analysis::faults_left_out;
use crate::cluster::{Backend, ClusterError, ClusterSpec};
use crate::commands::descriptors::LimitError;
use crate::commands::host;
use crate::commands::output::note;
use crate::commands::shared_cluster::{FaultInjector, SharedCluster, end_of_a_node, explain};
use crate::config::{Experiment, ExperimentName};
use crate::data::{
    ForecastRow, GapFacts, LeaderChangeFacts, LoadCost, Manifest, RunData, SCHEMA, command_line, config_sha256,
};
use crate::load::{Gaps, Metered, RunRecord, await_ready, record};
use crate::model::{Endpoints, Quorum, StopRequest, SystemName, TimeSpan};
use crate::sim::{foresee, is_foreseeable, simulate};
use crate::system::{Clock, System, limits};

/// How long a system may take to say something of itself at the end.
const NOTES_LIMIT: Duration = Duration::from_secs(5);

/// Runs one quorum of an experiment, when its turn comes, and returns everything there is to keep of it.
///
/// # Errors
/// Whatever the cluster or a node answered; the cluster is down by then.
pub(super) async fn run_quorum(
    job: &Job,
    quorum: Quorum,
    backend: &dyn Backend,
    turn: Turn,
    cancel: &CancellationToken,
) -> anyhow::Result<RunData> {
    let experiment = &job.experiment.at(quorum);
    turn.may_start(cancel).await?;
    let bar = Bar::new(quorum, u64::from(experiment.workload.writes.get()));
    let mut run = match backend.is_virtual_time() {
        true => simulated(&job.name, experiment, quorum, bar, cancel).await,
        false => on_cluster(job, quorum, backend, bar, turn, cancel).await,
    }?;
    for step in faults_left_out(&run) {
        note!("W = {quorum}: the load was over before `{step}`, which was left out");
    }
    let is_simulated_system = run.manifest.system_name() == SystemName::LABNODE;
    if !backend.is_virtual_time() && is_simulated_system && is_foreseeable(experiment) {
        run.forecast = forecast(&job.name, experiment, quorum).await;
    }
    Ok(run)
}

/// What the simulation foresees of a run. Its failure costs the forecast, not the run.
async fn forecast(name: &ExperimentName, experiment: &Experiment, quorum: Quorum) -> Option<Vec<ForecastRow>> {
    let (name, experiment) = (name.clone(), experiment.clone());
    // The simulation brings its own runtime, which must not be started within another.
    let foreseen = spawn_blocking(move || foresee(&name, &experiment, quorum, &CancellationToken::new()));
    match foreseen.await {
        Ok(Ok(rows)) => Some(rows),
        Ok(Err(error)) => {
            note!("W = {quorum}: no forecast is stored: {error}");
            None
        }
        Err(_) => {
            note!("W = {quorum}: no forecast is stored: the simulation panicked");
            None
        }
    }
}

/// Runs in virtual time, on a thread of its own.
async fn simulated(
    name: &ExperimentName,
    experiment: &Experiment,
    quorum: Quorum,
    bar: Bar,
    cancel: &CancellationToken,
) -> anyhow::Result<RunData> {
    let (name, experiment, cancel) = (name.clone(), experiment.clone(), cancel.clone());
    let simulated = spawn_blocking(move || {
        let run = simulate(&name, &experiment, quorum, &bar, &cancel);
        bar.finish();
        run
    });
    Ok(simulated.await.context("the simulation panicked")??)
}

/// Runs on real nodes: starts them, loads them and stops them.
async fn on_cluster(
    job: &Job,
    quorum: Quorum,
    backend: &dyn Backend,
    bar: Bar,
    turn: Turn,
    cancel: &CancellationToken,
) -> anyhow::Result<RunData> {
    let Job { name, system, jobs, .. } = job;
    let (system, experiment) = (system.as_ref(), &job.experiment.at(quorum));
    bar.stage("starting the nodes");
    let started = Timestamp::now();
    let wall = Instant::now();
    let spec = ClusterSpec::new(
        name,
        experiment,
        quorum,
        system.nodes(experiment, quorum),
        system.dialer(),
        system.capabilities().own_delays,
    );
    let cluster = SharedCluster::new(backend.cluster(spec)?);
    let starting = cancel.clone();
    let recorded = match cluster.with(move |cluster| cluster.up(&starting)).await {
        Ok(endpoints) => on_one_thread(async {
            tokio::select! {
                biased;
                () = cancel.cancelled() => Err(ClusterError::Interrupted.into()),
                recorded = load(job, quorum, &endpoints, &cluster, &turn, cancel, &bar) => match recorded {
                    Ok(recorded) => Ok(recorded),
                    Err(error) => Err(explain(error, &cluster, cancel).await),
                },
            }
        }),
        Err(error) => Err(error.into()),
    };
    let finished = Timestamp::now();
    drop(turn);
    bar.stage("stopping the nodes");
    let mut logs = cluster.with(|cluster| cluster.logs()).await;
    let facts = cluster.with(|cluster| cluster.facts()).await;
    let down = cluster.with(|cluster| cluster.down()).await;
    bar.finish();
    // First, since it may be what is behind any other error.
    check_limits(system, &logs, recorded.as_ref().ok().and_then(|measured| measured.recorded.exhausted.as_ref()))?;
    let LoadOutcome { recorded, load_cost, gaps, leader_changes, version, notes } = recorded?;
    down?;
    add_notes(&mut logs, notes);
    if !gaps.is_empty() {
        let length_us: TimeSpan = gaps.iter().map(|gap| gap.length_us).sum();
        note!(
            "W = {quorum}: labctl or this machine stood still during the run ({} ms in all): latencies may be too long",
            length_us.get() / 1_000
        );
    }
    let wall_us = TimeSpan::from(wall.elapsed());
    let manifest = Manifest {
        schema: SCHEMA,
        experiment: name.clone(),
        quorum,
        config: experiment.clone(),
        config_sha256: config_sha256(experiment).context("cannot write the configuration as JSON")?,
        seed: experiment.seed,
        system: Some(system.facts(version)),
        backend: facts,
        node_sha256: backend.node_sha256(),
        git: host::git(),
        labctl_version: env!("CARGO_PKG_VERSION").to_owned(),
        argv: command_line(),
        host: Some(host::facts()),
        started: Some(started.to_string()),
        finished: Some(finished.to_string()),
        load_us: recorded.load_us,
        settle_us: recorded.settle_us,
        quiet_us: recorded.quiet_us,
        settled: recorded.is_settled,
        wall_us,
        trace_dropped: recorded.trace_dropped,
        absent_nodes: recorded.absent_nodes.clone(),
        jobs: jobs.filter(|jobs| jobs.get() > 1),
        // Processor time is that of the whole process, and so of all runs that are measured side by side.
        load_cost: load_cost.filter(|_| jobs.is_none_or(|jobs| jobs.get() == 1)),
        gaps,
        leader_changes,
    };
    Ok(recorded.into_run(manifest, logs))
}

/// Drives a load on a separate runtime, on this thread alone: a write that is handed from one thread to another costs
/// more than the write.
fn on_one_thread<T>(load: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    block_in_place(|| {
        let runtime = Builder::new_current_thread().enable_all().build().context("cannot start a runtime")?;
        let done = runtime.block_on(load);
        // A blocking call may still be under way with the cluster: the next one waits for it.
        runtime.shutdown_background();
        done
    })
}

/// Whether labctl or a process of the run met a limit of the machine: by what it says itself, or,
/// of one that can no longer be asked, by its log.
///
/// # Errors
/// [`LimitError::Met`] if so.
fn check_limits(
    system: &dyn System,
    logs: &BTreeMap<String, Vec<u8>>,
    told: Option<&(String, String)>,
) -> Result<(), LimitError> {
    let of_labctl = limits::met().map(|what| ("labctl".to_owned(), what.to_owned()));
    let logged = || logs.iter().find_map(|(node, log)| Some((node.clone(), system.limit_met(log)?)));
    of_labctl.or_else(|| told.cloned()).or_else(logged).map_or(Ok(()), |(who, what)| Err(LimitError::Met { who, what }))
}

/// Puts what a system says of itself beside the logs. What a node printed is worth more than a
/// note of the same name.
fn add_notes(logs: &mut BTreeMap<String, Vec<u8>>, notes: BTreeMap<String, String>) {
    for (name, text) in notes {
        logs.entry(name).or_insert_with(|| text.into_bytes());
    }
}

/// What a run brought, and when labctl could not measure.
struct LoadOutcome {
    recorded: RunRecord,
    load_cost: Option<LoadCost>,
    gaps: Vec<GapFacts>,
    leader_changes: Vec<LeaderChangeFacts>,
    /// The version of the running server.
    version: String,
    /// What the system said of itself at the end.
    notes: BTreeMap<String, String>,
}

async fn load(
    job: &Job,
    quorum: Quorum,
    endpoints: &Endpoints,
    cluster: &SharedCluster,
    turn: &Turn,
    cancel: &CancellationToken,
    bar: &Bar,
) -> anyhow::Result<LoadOutcome> {
    let (system, experiment) = (job.system.as_ref(), &job.experiment.at(quorum));
    let clock = Clock::monotonic();
    let session = system.connect(endpoints, experiment, quorum, clock)?;
    tokio::select! {
        biased;
        ready = await_ready(session.as_ref(), experiment.followers, &clock) => ready?,
        ended = end_of_a_node(cluster, cancel) => return Err(ended.into()),
    }
    let version = session.version().await?;
    bar.stage("waiting for its turn");
    turn.may_measure().await;
    let nodes = system.nodes(experiment, quorum);
    let injector = FaultInjector {
        cluster: cluster.clone(),
        session: Arc::clone(&session),
        cancel: cancel.clone(),
        stop_signal: nodes.first().map_or_else(StopRequest::default, |node| node.lifecycle.stop).signal,
        restart: system.capabilities().restart,
    };
    let (gaps, metered) = (Gaps::default(), Metered::new(bar));
    let watch = NodeWatch::new(&metered);
    let recorded = tokio::select! {
        recorded = record(session.as_ref(), experiment, &injector, &clock, &watch) => recorded?,
        ended = watch.ended_node(cluster, cancel) => return Err(ended.into()),
        never = gaps.watch(&clock) => match never {},
    };
    // They are worth having, but not waiting for.
    let notes = timeout(NOTES_LIMIT, session.notes()).await.unwrap_or_default();
    let changes = session.leader_changes().into_iter();
    let leader_changes = changes
        .map(|change| LeaderChangeFacts { at_us: change.at_us - recorded.start_us, leader: change.leader })
        .collect();
    let (gaps, load_cost) = (gaps.since(recorded.start_us), metered.cost());
    Ok(LoadOutcome { gaps, load_cost, leader_changes, recorded, version, notes })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_lie_beside_the_logs_and_replace_none() {
        let mut logs = BTreeMap::from([("leader".to_owned(), b"starts".to_vec())]);
        let notes = [("leader", "info"), ("leader-info", "role:master")];
        add_notes(&mut logs, notes.map(|(name, text)| (name.to_owned(), text.to_owned())).into());
        assert_eq!((logs["leader"].as_slice(), logs["leader-info"].as_slice()), (&b"starts"[..], &b"role:master"[..]));
    }
}
