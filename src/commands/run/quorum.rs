//! One run: a fresh cluster at one quorum, loaded, recorded and taken down.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use jiff::Timestamp;
use tokio::task::spawn_blocking;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::job::Job;
use super::progress::Bar;
use super::shared_cluster::{FaultInjector, SharedCluster};
use crate::analysis::faults_left_out;
use crate::cluster::{Backend, ClusterError, ClusterSpec};
use crate::commands::descriptors::LimitError;
use crate::commands::host;
use crate::commands::output::note;
use crate::config::{Experiment, ExperimentName, Quorum};
use crate::data::{ForecastRow, GapFacts, LEADER, Manifest, RunData, SCHEMA, command_line, config_sha256};
use crate::load::{Gaps, RecordError, RunRecord, await_ready, record};
use crate::model::{Endpoints, Micros, SystemName};
use crate::sim::{foresee, is_foreseeable, simulate};
use crate::system::{Clock, SessionError, System, limits};

/// How long the end of a node may stay unseen after its first unanswered request: the kernel closes
/// the sockets of a dying process before its parent can wait for it, and Docker takes longer still.
const DEATH_NOTICE: Duration = Duration::from_secs(1);
/// How long a system may take to say something of itself at the end.
const NOTES_LIMIT: Duration = Duration::from_secs(5);
/// How often the nodes are looked at meanwhile.
const DEATH_POLL: Duration = Duration::from_millis(20);

/// Runs one quorum of an experiment and returns everything there is to keep of it.
///
/// # Errors
/// Whatever the cluster or a node answered; the cluster is down by then.
pub(super) async fn run_quorum(
    job: &Job,
    quorum: Quorum,
    backend: &Backend,
    cancel: &CancellationToken,
) -> anyhow::Result<RunData> {
    let Job { name, experiment, system, .. } = job;
    let bar = Bar::new(quorum, u64::from(experiment.workload.writes.get()));
    let mut run = match backend {
        Backend::Sim => simulated(name, experiment, quorum, bar, cancel).await,
        _ => on_cluster(system.as_ref(), name, experiment, quorum, backend, bar, cancel).await,
    }?;
    for step in faults_left_out(&run) {
        note!("W = {quorum}: the load was over before `{step}`, which was left out");
    }
    let is_simulated_system = run.manifest.system_name() == SystemName::LABNODE;
    if !matches!(backend, Backend::Sim) && is_simulated_system && is_foreseeable(experiment) {
        run.forecast = forecast(name, experiment, quorum).await;
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
    system: &dyn System,
    name: &ExperimentName,
    experiment: &Experiment,
    quorum: Quorum,
    backend: &Backend,
    bar: Bar,
    cancel: &CancellationToken,
) -> anyhow::Result<RunData> {
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
        Ok(endpoints) => tokio::select! {
            biased;
            () = cancel.cancelled() => Err(ClusterError::Interrupted.into()),
            recorded = load(system, experiment, quorum, &endpoints, &cluster, cancel, &bar) => match recorded {
                Ok(recorded) => Ok(recorded),
                Err(error) => Err(explain(error, &cluster, cancel).await),
            },
        },
        Err(error) => Err(error.into()),
    };
    let finished = Timestamp::now();
    bar.stage("stopping the nodes");
    let mut logs = cluster.with(|cluster| cluster.logs()).await;
    let facts = cluster.with(|cluster| cluster.facts()).await;
    let down = cluster.with(|cluster| cluster.down()).await;
    bar.finish();
    // First, since it may be what is behind any other error.
    check_limits(system, &logs, recorded.as_ref().ok().and_then(|measured| measured.recorded.exhausted.as_ref()))?;
    let Measured { recorded, gaps, version, notes } = recorded?;
    down?;
    add_notes(&mut logs, notes);
    if !gaps.is_empty() {
        let length_us: u64 = gaps.iter().map(|gap| gap.length_us).sum();
        note!(
            "W = {quorum}: labctl or this machine stood still during the run ({} ms in all): latencies may be too long",
            length_us / 1_000
        );
    }
    let wall_us = Micros::from(wall.elapsed()).length();
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
        settled: recorded.is_settled,
        wall_us,
        trace_dropped: recorded.trace_dropped,
        absent_nodes: recorded.absent_nodes.clone(),
        gaps,
    };
    Ok(recorded.into_run(manifest, logs))
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
struct Measured {
    recorded: RunRecord,
    gaps: Vec<GapFacts>,
    /// The version of the running server.
    version: String,
    /// What the system said of itself at the end.
    notes: BTreeMap<String, String>,
}

async fn load(
    system: &dyn System,
    experiment: &Experiment,
    quorum: Quorum,
    endpoints: &Endpoints,
    cluster: &SharedCluster,
    cancel: &CancellationToken,
    bar: &Bar,
) -> anyhow::Result<Measured> {
    let clock = Clock::monotonic();
    let session = system.connect(endpoints, experiment, quorum, clock)?;
    await_ready(session.as_ref(), experiment.followers, &clock).await?;
    let version = session.version().await?;
    bar.stage("writes");
    let injector = FaultInjector { cluster: cluster.clone(), session: Arc::clone(&session), cancel: cancel.clone() };
    let gaps = Gaps::default();
    let recorded = tokio::select! {
        recorded = record(session.as_ref(), experiment, &injector, &clock, bar) => recorded?,
        never = gaps.watch(&clock) => match never {},
    };
    // They are worth having, but not waiting for.
    let notes = timeout(NOTES_LIMIT, session.notes()).await.unwrap_or_default();
    Ok(Measured { gaps: gaps.since(recorded.start_us), recorded, version, notes })
}

/// What is behind an error, where a node is: that it has died, or else the end of its log.
async fn explain(error: anyhow::Error, cluster: &SharedCluster, cancel: &CancellationToken) -> anyhow::Error {
    let noticed = Instant::now();
    loop {
        let cancel = cancel.clone();
        if let Err(cause @ ClusterError::Node { .. }) = cluster.with(move |cluster| cluster.check(&cancel)).await {
            return cause.into();
        }
        if noticed.elapsed() > DEATH_NOTICE {
            break;
        }
        sleep(DEATH_POLL).await;
    }
    let (node, reason) = match (error.downcast_ref(), error.downcast_ref()) {
        (Some(RecordError::Session(silent)), _) | (_, Some(silent @ SessionError { .. })) => {
            (silent.node.to_string(), silent.to_string())
        }
        (Some(RecordError::Silent(writes)), _) => {
            (LEADER.to_owned(), format!("it runs, but none of the last {writes} writes was answered"))
        }
        _ => return error,
    };
    let reason = reason.trim_start_matches(&format!("{node}: ")).to_owned();
    let log = cluster.with(|cluster| cluster.logs()).await.remove(&node).unwrap_or_default();
    ClusterError::of_node(&node, reason, &log).into()
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
