//! `labctl up W` and `labctl down`: a cluster to play with.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use rustix::process::{Pid, Signal, kill_process};
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;

use super::output::{note, say};
use super::signals::Activity;
use super::{orphans, presence, select, signals};
use crate::cli::Exit;
use crate::cli::{ExperimentSelection, Paths, Up};
use crate::cluster::{BACKENDS, Cleared, Cluster, ClusterError, ClusterSpec, PlayCluster, REPLACE_ADVICE};
use crate::config::{Config, Experiment};
use crate::data::Lock;
use crate::load::await_ready;
use crate::model::{Endpoints, Quorum};
use crate::system::{Clock, KINDS, System, system_of};

/// Held in the data folder by a `labctl up` whose nodes are its own processes.
const UP_LOCK: &str = ".up";
/// How long `labctl down` waits for a `labctl up` to end.
const DOWN_LIMIT: Duration = Duration::from_secs(10);

/// Starts a cluster. In containers it runs on by itself; processes run as long as labctl does.
pub(super) async fn up(paths: &Paths, args: &Up) -> anyhow::Result<Exit> {
    let config = Config::read(&paths.config, &KINDS)?;
    let selection = args.experiment.clone().map(|name| ExperimentSelection::Some(vec![name]));
    let (name, experiment) = select::experiments(&config, selection.as_ref())?[0];
    let backend = args.backend.unwrap_or(experiment.backend);
    // What is asked of the system is what the command line says.
    let experiment = &Experiment { backend, quorums: vec![args.quorum], ..experiment.at(args.quorum) };
    let cancel = signals::cancel_on_signal(Activity::new("stopping the nodes"))?;
    let system = system_of(experiment).with_context(|| format!("experiment {name}"))?;
    // Nothing is broken in a cluster to play with.
    let calm = Experiment { faults: Vec::new(), ..experiment.clone() };
    let nodes = system.nodes(experiment, args.quorum);
    let own_delays = system.capabilities().own_delays;
    let spec = ClusterSpec::new(name, &calm, args.quorum, nodes, system.dialer(), own_delays);
    replace_processes(paths, args.replace).await?;
    let backend = presence::choose_backend(system.as_ref(), experiment, &spec.nodes, &cancel).await?;
    note!("backend {}", backend.describe());
    let PlayCluster { cluster, outlives_labctl } = backend.play(spec).map_err(anyhow::Error::msg)?;
    let _lock = if outlives_labctl { None } else { Some(Lock::take(&paths.data, UP_LOCK)?) };
    let (replace, asked) = (args.replace, cancel.clone());
    spawn_blocking(move || backend.make_room(replace, &|text| note!("{text}"), &asked)).await??;
    let (mut cluster, endpoints) = started(cluster, &cancel).await?;
    ready(system.as_ref(), experiment, args.quorum, &endpoints, &cancel).await?;
    cluster.start_epoch()?;
    announce(system.as_ref(), &endpoints);
    if outlives_labctl {
        say!("`labctl down` stops it");
        cluster.detach();
    } else {
        say!("Ctrl-C here, or `labctl down` elsewhere, stops it");
        cancel.cancelled().await;
        cluster.down()?;
    }
    Ok(Exit::Success)
}

/// Makes room for a cluster where another `labctl up` holds this data folder.
async fn replace_processes(paths: &Paths, replace: bool) -> anyhow::Result<()> {
    match Lock::holder(&paths.data, UP_LOCK) {
        Some(pid) if !replace => {
            let there = format!("the cluster of a labctl up, process {pid}, runs here: {REPLACE_ADVICE}");
            Err(ClusterError::Setup(there).into())
        }
        _ => stop_processes(&paths.data).await.map(drop),
    }
}

/// A cluster once it is up; an error takes it down again.
async fn started(
    mut cluster: Box<dyn Cluster>,
    cancel: &CancellationToken,
) -> anyhow::Result<(Box<dyn Cluster>, Endpoints)> {
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

/// Stops the cluster of `labctl up` and removes what killed labctls have left.
pub(super) async fn down(paths: &Paths) -> anyhow::Result<Exit> {
    let mut found = stop_processes(&paths.data).await?;
    let ended = spawn_blocking(orphans::end_processes).await.context("ending processes")?;
    ended.iter().for_each(|done| say!("{done}"));
    found += ended.len();
    let mut has_looked = true;
    for (_, kind) in BACKENDS {
        let remove = move || kind.remove_all(&|text| note!("{text}"), &CancellationToken::new());
        let Cleared { removed, left_alone, not_looked } =
            spawn_blocking(remove).await.context("removing what is left")??;
        removed.iter().for_each(|name| say!("removed {name}"));
        left_alone.iter().for_each(|project| note!("left alone {project}"));
        not_looked.iter().for_each(|why| note!("{why}"));
        found += removed.len() + left_alone.len();
        has_looked &= not_looked.is_none();
    }
    if found == 0 && has_looked {
        say!("nothing is up");
    }
    Ok(Exit::Success)
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
