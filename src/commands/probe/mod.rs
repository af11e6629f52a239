//! `labctl probe`: one write, one read and one dump, with what each rule of the mapping made of the answers.

mod ask;
mod show;

use anyhow::{Context, bail};
use tokio_util::sync::CancellationToken;

use self::ask::Probed;
use super::output::{note, say};
use super::presence;
use super::shared_cluster::{SharedCluster, end_of_a_node, explain};
use super::signals::{self, Activity};
use crate::cli::{Exit, Format, Paths, Probe};
use crate::cluster::{ClusterError, ClusterSpec};
use crate::config::{Config, Experiment, ExperimentName, default_experiment};
use crate::load::await_ready;
use crate::model::Endpoints;
use crate::system::{Clock, KINDS, System, system_of};

/// Starts a system, asks it one of each, and says what came of it.
pub(super) async fn probe(paths: &Paths, args: &Probe) -> anyhow::Result<Exit> {
    let config = Config::read(&paths.config, &KINDS)?;
    let (name, experiment) = find(&config, &args.name)?;
    let backend = args.backend.unwrap_or(experiment.backend);
    let quorum = args.quorum.or_else(|| experiment.quorums.first().copied()).context("the experiment has no quorum")?;
    // Nothing is broken while a mapping is tried.
    let experiment = &Experiment { backend, quorums: vec![quorum], faults: Vec::new(), ..experiment.at(quorum) };
    let cancel = signals::cancel_on_signal(Activity::new("stopping the nodes"))?;
    let system = system_of(experiment).with_context(|| format!("experiment {name}"))?;
    let nodes = system.nodes(experiment, quorum);
    let (dialer, own_delays) = (system.dialer(), system.capabilities().own_delays);
    let spec = ClusterSpec::new(&name, experiment, quorum, nodes, dialer, own_delays);
    let backend = presence::choose_backend(system.as_ref(), experiment, &spec.nodes, &cancel).await?;
    note!("backend {}", backend.describe());
    let cluster = SharedCluster::new(backend.cluster(spec)?);
    let starting = cancel.clone();
    let probed = match cluster.with(move |cluster| cluster.up(&starting)).await {
        Ok(endpoints) => match asked(system.as_ref(), experiment, &endpoints, &cluster, &cancel).await {
            Ok(probed) => Ok(probed),
            Err(error) => Err(explain(error, &cluster, &cancel).await),
        },
        Err(error) => Err(error.into()),
    };
    let down = cluster.with(|cluster| cluster.down()).await;
    let probed = probed?;
    down?;
    match args.format {
        Format::Text => show::text(&probed),
        Format::Json => say!("{}", show::json(&name, experiment, quorum, backend.name(), &probed)?),
    }
    Ok(if probed.problems.is_empty() { Exit::Success } else { Exit::Usage })
}

/// The experiment of this name, or else one of the system of this name: the first that the file has, or the lab's.
fn find(config: &Config, name: &str) -> anyhow::Result<(ExperimentName, Experiment)> {
    let by_name = name.parse::<ExperimentName>().ok();
    if let Some(name) = by_name
        && let Some(experiment) = config.experiments.get(&name)
    {
        return Ok((name, experiment.clone()));
    }
    let of_system = config.experiments.iter().find(|(_, experiment)| experiment.system.name.as_str() == name);
    if let Some((name, experiment)) = of_system {
        return Ok((name.clone(), experiment.clone()));
    }
    let system = config.systems.iter().find(|(table, _)| table.as_str() == name);
    match (system, name.parse()) {
        (Some((_, system)), Ok(name)) => Ok((name, default_experiment(system.clone(), &KINDS))),
        _ => {
            let experiments = config.experiments.keys().map(ToString::to_string);
            let mut names: Vec<String> = experiments.chain(config.systems.keys().map(ToString::to_string)).collect();
            names.sort_unstable();
            names.dedup();
            bail!("there is no experiment and no system `{name}`; choose one of {}", names.join(", "));
        }
    }
}

/// Connects to the nodes and asks them.
async fn asked(
    system: &dyn System,
    experiment: &Experiment,
    endpoints: &Endpoints,
    cluster: &SharedCluster,
    cancel: &CancellationToken,
) -> anyhow::Result<Probed> {
    let clock = Clock::monotonic();
    let quorum = experiment.quorums.first().copied().context("the experiment has no quorum")?;
    let session = system.connect(endpoints, experiment, quorum, clock)?;
    let asking = async {
        tokio::select! {
            biased;
            ready = await_ready(session.as_ref(), experiment.followers, &clock) => ready?,
            ended = end_of_a_node(cluster, cancel) => return Err(ended.into()),
        }
        cluster.with(|cluster| cluster.start_epoch()).await?;
        anyhow::Ok(ask::ask(session.as_ref(), experiment, &clock).await)
    };
    tokio::select! {
        biased;
        () = cancel.cancelled() => Err(ClusterError::Interrupted.into()),
        probed = asking => probed,
    }
}
