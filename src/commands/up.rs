//! `labctl up W` and `labctl down`: a cluster to play with.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use labnode::clock::Clock;
use rustix::process::{Pid, Signal, kill_process};
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;

use super::leftovers::{self, Keep};
use super::output::{note, say};
use super::signals::Activity;
use super::{select, signals};
use crate::cli::{ExperimentSelection, Paths, Up};
use crate::client::HttpClient;
use crate::cluster::{
    Backend, Cluster, ClusterError, ClusterSpec, ComposeCluster, Docker, Endpoints, ProcessCluster, Programs,
    Unavailable, checkout, end_processes_left,
};
use crate::config::Config;
use crate::data::Lock;
use crate::exit::Exit;
use crate::load::await_ready;

/// Held in the data folder by a `labctl up` whose nodes are its own processes.
const UP_LOCK: &str = ".up";
/// The leader's port.
const LEADER_PORT: u16 = 8080;
/// How long `labctl down` waits for a `labctl up` to end.
const DOWN_LIMIT: Duration = Duration::from_secs(10);

/// Starts a cluster. In containers it runs on by itself; processes run as long as labctl does.
pub(super) async fn up(paths: &Paths, args: &Up) -> anyhow::Result<Exit> {
    let config = Config::read(&paths.config)?;
    let selection = args.experiment.clone().map(ExperimentSelection::One);
    let (name, experiment) = select::experiments(&config, selection.as_ref())?[0];
    let choice = args.backend.map_or(experiment.backend, Into::into);
    let cancel = signals::cancel_on_signal(Activity::new("stopping the nodes"))?;
    let limit = experiment.network.global_request_timeout_s.duration();
    let spec = ClusterSpec::new(name, experiment, args.quorum);
    let backend = {
        let cancel = cancel.clone();
        spawn_blocking(move || Backend::choose(choice, &cancel)).await??
    };
    note!("backend {}", backend.describe());
    match backend {
        Backend::Compose(deployment) => {
            let cluster = ComposeCluster::play(&deployment, spec);
            let (cluster, endpoints) = started(cluster, &cancel).await?;
            ready(&endpoints, limit, &cancel).await?;
            announce(&endpoints);
            say!("`labctl down` stops it");
            cluster.detach();
        }
        Backend::Process { program, reason } => {
            let _lock = Lock::take(&paths.data, UP_LOCK)?;
            let cluster = ProcessCluster::new(spec, &program, reason).on_ports(LEADER_PORT);
            let (mut cluster, endpoints) = started(cluster, &cancel).await?;
            ready(&endpoints, limit, &cancel).await?;
            announce(&endpoints);
            say!("Ctrl-C here, or `labctl down` elsewhere, stops it");
            cancel.cancelled().await;
            cluster.down()?;
        }
        Backend::Sim => bail!("the sim backend has no cluster to play with: its nodes live in virtual time"),
    }
    Ok(Exit::Success)
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
    let said = error.to_string().to_lowercase();
    ["address already in use", "address in use", "port is already allocated"].iter().any(|words| said.contains(words))
}

async fn ready(endpoints: &Endpoints, limit: Duration, cancel: &CancellationToken) -> anyhow::Result<()> {
    let (client, clock) = (HttpClient::new(endpoints, limit)?, Clock::monotonic());
    tokio::select! {
        biased;
        () = cancel.cancelled() => Err(ClusterError::Interrupted.into()),
        ready = await_ready(&client, endpoints.followers.len(), &clock) => Ok(ready?),
    }
}

fn announce(endpoints: &Endpoints) {
    say!("leader     {}", endpoints.leader);
    say!("followers  {}", endpoints.followers.join(" "));
    say!("try        curl -X PUT -d '{{\"value\":\"1\"}}' {}/kv/k0", endpoints.leader);
    say!("           curl {}/kv/k0", endpoints.followers.first().unwrap_or(&endpoints.leader));
}

/// Stops the cluster of `labctl up` and removes what killed labctl have left on the engine.
pub(super) async fn down(paths: &Paths) -> anyhow::Result<Exit> {
    let mut found = stop_processes(&paths.data).await?;
    let ended = end_processes_left();
    ended.iter().for_each(|name| say!("ended {name}, a process which a labctl that was killed had left behind"));
    found += ended.len();
    found += spawn_blocking(remove_all).await.context("removing containers")??;
    if found == 0 {
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

/// Removes the cluster to play with and what killed labctl have left; says how many there were.
fn remove_all() -> anyhow::Result<usize> {
    let cancel = CancellationToken::new();
    match Docker::new(Programs::default(), &cancel) {
        Ok(docker) => {
            let removed = leftovers::remove(&docker, &checkout()?, Keep::Nothing, &cancel)?;
            removed.iter().for_each(|name| say!("removed {name}"));
            Ok(removed.len())
        }
        Err(Unavailable::NoClient(_)) => Ok(0),
        Err(unavailable) => {
            note!("whatever Docker runs stays: {unavailable}");
            Ok(0)
        }
    }
}
