//! `labctl up W` and `labctl down`: a cluster to play with.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use rustix::process::{Pid, Signal, kill_process};
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;

use super::orphans::{self, Judgement, Keep};
use super::output::{note, say};
use super::signals::Activity;
use super::{presence, select, signals};
use crate::cli::Exit;
use crate::cli::{ExperimentSelection, Paths, Up};
use crate::cluster::{
    Backend, Cluster, ClusterError, ClusterSpec, ComposeCluster, Deployment, Docker, PLAY_PROJECT, ProcessCluster,
    Programs, Unavailable, engine_variables, projects_left, remove_project,
};
use crate::config::{Config, Experiment, Quorum};
use crate::data::Lock;
use crate::load::await_ready;
use crate::model::Endpoints;
use crate::system::{Clock, KINDS, System, system_of};

/// Held in the data folder by a `labctl up` whose nodes are its own processes.
const UP_LOCK: &str = ".up";
/// The leader's port.
const LEADER_PORT: u16 = 8080;
/// How long `labctl down` waits for a `labctl up` to end.
const DOWN_LIMIT: Duration = Duration::from_secs(10);

/// Starts a cluster. In containers it runs on by itself; processes run as long as labctl does.
pub(super) async fn up(paths: &Paths, args: &Up) -> anyhow::Result<Exit> {
    let config = Config::read(&paths.config, &KINDS)?;
    let selection = args.experiment.clone().map(ExperimentSelection::One);
    let (name, experiment) = select::experiments(&config, selection.as_ref())?[0];
    let backend = args.backend.unwrap_or(experiment.backend);
    // What is asked of the system is what the command line says.
    let experiment = &Experiment { backend, quorums: vec![args.quorum], ..experiment.clone() };
    let cancel = signals::cancel_on_signal(Activity::new("stopping the nodes"))?;
    let system = system_of(experiment).with_context(|| format!("experiment {name}"))?;
    // Nothing is broken in a cluster to play with.
    let calm = Experiment { faults: Vec::new(), ..experiment.clone() };
    let nodes = system.nodes(experiment, args.quorum);
    let own_delays = system.capabilities().own_delays;
    let spec = ClusterSpec::new(name, &calm, args.quorum, nodes, system.dialer(), own_delays);
    replace_processes(paths, args.replace).await?;
    let ended = spawn_blocking(orphans::end_processes).await.context("ending processes")?;
    ended.iter().for_each(|done| note!("{done}"));
    let backend = {
        let (cancel, nodes, containers) = (cancel.clone(), spec.nodes.clone(), system.containers());
        let experiment = experiment.clone();
        let choose = move || {
            presence::check(&experiment)?;
            Backend::choose(experiment.backend, &nodes, containers, &|text| note!("{text}"), &cancel)
        };
        spawn_blocking(choose).await??
    };
    note!("backend {}", backend.describe());
    match backend {
        Backend::Compose(deployment) => {
            let cluster = ComposeCluster::play(&deployment, spec);
            let (replace, asked) = (args.replace, cancel.clone());
            spawn_blocking(move || replace_containers(&deployment, replace, &asked)).await??;
            let (mut cluster, endpoints) = started(cluster, &cancel).await?;
            ready(system.as_ref(), experiment, args.quorum, &endpoints, &cancel).await?;
            cluster.start_epoch()?;
            announce(system.as_ref(), &endpoints);
            say!("`labctl down` stops it");
            cluster.detach();
        }
        Backend::Process { labctl, reason, .. } => {
            let _lock = Lock::take(&paths.data, UP_LOCK)?;
            let cluster = ProcessCluster::new(spec, &labctl, reason).on_ports(LEADER_PORT);
            let (mut cluster, endpoints) = started(cluster, &cancel).await?;
            ready(system.as_ref(), experiment, args.quorum, &endpoints, &cancel).await?;
            cluster.start_epoch()?;
            announce(system.as_ref(), &endpoints);
            say!("Ctrl-C here, or `labctl down` elsewhere, stops it");
            cancel.cancelled().await;
            cluster.down()?;
        }
        Backend::Sim => bail!("the sim backend has no cluster to play with: its nodes live in virtual time"),
    }
    Ok(Exit::Success)
}

/// What to do where a cluster of `labctl up` is there already.
const REPLACE: &str = "`labctl up --replace` puts a new one in its place, without what was written to it; `labctl \
                       down` removes it";

/// Makes room for a cluster where another `labctl up` holds this data folder.
async fn replace_processes(paths: &Paths, replace: bool) -> anyhow::Result<()> {
    match Lock::holder(&paths.data, UP_LOCK) {
        Some(pid) if !replace => {
            Err(ClusterError::Setup(format!("the cluster of a labctl up, process {pid}, runs here: {REPLACE}")).into())
        }
        _ => stop_processes(&paths.data).await.map(drop),
    }
}

/// Makes room for a cluster where the containers of another are on the engine.
fn replace_containers(deployment: &Deployment, replace: bool, cancel: &CancellationToken) -> Result<(), ClusterError> {
    let Deployment { docker, folder, .. } = deployment;
    let there = projects_left(docker, cancel)?.into_iter().find(|project| project.name == PLAY_PROJECT);
    let Some(there) = there else { return Ok(()) };
    match orphans::judge(&there, folder, Keep::Nothing) {
        Judgement::LeaveAlone(why) => {
            Err(ClusterError::Setup(format!("there is a cluster of another `labctl up`, {PLAY_PROJECT}: {why}")))
        }
        _ if !replace => {
            Err(ClusterError::Setup(format!("a cluster of `labctl up` is there, {PLAY_PROJECT}: {REPLACE}")))
        }
        _ => {
            remove_project(docker, PLAY_PROJECT)?;
            note!("removed {PLAY_PROJECT}, the cluster of an earlier `labctl up`");
            Ok(())
        }
    }
}

/// A cluster once it is up; an error takes it down again.
async fn started<C: Cluster + 'static>(mut cluster: C, cancel: &CancellationToken) -> anyhow::Result<(C, Endpoints)> {
    let cancel = cancel.clone();
    let up = spawn_blocking(move || cluster.up(&cancel).map(|endpoints| (cluster, endpoints)));
    let started = up.await.context("starting the cluster")?;
    started.map_err(
        |error| if is_port_taken(&error) { anyhow::Error::new(error).context(PORT_TAKEN) } else { error.into() },
    )
}

/// What to do where a port is taken.
const PORT_TAKEN: &str = "a port is taken; `labctl down` stops an earlier cluster of `labctl up`, and `ss -ltnp` tells \
                          who else listens";

/// Whether a node could not have its port, by what it or the engine said.
fn is_port_taken(error: &ClusterError) -> bool {
    if matches!(error, ClusterError::PortTaken { .. }) {
        return true;
    }
    let said = error.to_string().to_lowercase();
    ["address already in use", "address in use", "port is already allocated"].iter().any(|words| said.contains(words))
}

async fn ready(
    system: &dyn System,
    experiment: &Experiment,
    quorum: Quorum,
    endpoints: &Endpoints,
    cancel: &CancellationToken,
) -> anyhow::Result<()> {
    let clock = Clock::monotonic();
    let session = system.connect(endpoints, experiment, quorum, clock)?;
    tokio::select! {
        biased;
        () = cancel.cancelled() => Err(ClusterError::Interrupted.into()),
        ready = await_ready(session.as_ref(), experiment.followers, &clock) => Ok(ready?),
    }
}

fn announce(system: &dyn System, endpoints: &Endpoints) {
    let followers: Vec<String> = endpoints.followers.iter().map(|address| system.url(address)).collect();
    say!("leader     {}", system.url(&endpoints.leader));
    say!("followers  {}", followers.join(" "));
    for (index, example) in system.examples(endpoints).iter().enumerate() {
        say!("{:<10} {example}", if index == 0 { "try" } else { "" });
    }
}

/// Stops the cluster of `labctl up` and removes what killed labctl have left on the engine.
pub(super) async fn down(paths: &Paths) -> anyhow::Result<Exit> {
    let mut found = stop_processes(&paths.data).await?;
    let ended = spawn_blocking(orphans::end_processes).await.context("ending processes")?;
    ended.iter().for_each(|done| say!("{done}"));
    found += ended.len();
    let containers = spawn_blocking(remove_all).await.context("removing containers")??;
    match containers {
        Looked::At(count) if found + count == 0 => say!("nothing is up"),
        Looked::Nowhere(why) => note!("no containers were looked for: {why}"),
        Looked::At(_) => {}
    }
    Ok(Exit::Success)
}

/// What was found of containers.
enum Looked {
    /// So many clusters, removed or left alone.
    At(usize),
    /// There is no engine that could run any; why.
    Nowhere(Unavailable),
}

/// Asks the `labctl up` that holds this folder to end, and waits for it.
async fn stop_processes(data: &Path) -> anyhow::Result<usize> {
    let Some(pid) = Lock::holder(data, UP_LOCK) else {
        return Ok(0);
    };
    let process = i32::try_from(pid).ok().and_then(Pid::from_raw).context("the lock names no process")?;
    kill_process(process, Signal::TERM).with_context(|| format!("cannot stop labctl up, process {pid}"))?;
    let deadline = Instant::now() + DOWN_LIMIT;
    while Lock::holder(data, UP_LOCK).is_some() {
        if Instant::now() > deadline {
            bail!("labctl up, process {pid}, did not end within {} s", DOWN_LIMIT.as_secs());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    say!("stopped labctl up, process {pid}");
    Ok(1)
}

/// Removes the cluster to play with and what killed labctl have left.
fn remove_all() -> anyhow::Result<Looked> {
    let cancel = CancellationToken::new();
    engine_variables().iter().for_each(|variable| note!("used: {variable}"));
    match Docker::new(Programs::default(), &cancel) {
        Ok(docker) => {
            let here = std::env::current_dir().context("cannot tell in which folder labctl runs")?;
            let cleared = orphans::remove(&docker, &here, Keep::Nothing, &cancel)?;
            cleared.removed.iter().for_each(|name| say!("removed {name}"));
            cleared.left_alone.iter().for_each(|project| note!("left alone {project}"));
            Ok(Looked::At(cleared.removed.len() + cleared.left_alone.len()))
        }
        // Any other trouble may hide containers that run.
        Err(unavailable @ (Unavailable::NoClient(_) | Unavailable::NoEngine(_))) => Ok(Looked::Nowhere(unavailable)),
        Err(unavailable) => Err(ClusterError::from(unavailable).into()),
    }
}
