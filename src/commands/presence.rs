//! Where an experiment's nodes will run, and whether its system is there before they are started.

use std::sync::Arc;

use anyhow::Context;
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;

use super::orphans;
use super::output::note;
use crate::cluster::{Backend, BackendRequest, ClusterError, choose};
use crate::config::Experiment;
use crate::model::{Hosting, NodeSpec};
use crate::system::{Presence, System, presence_of};

/// Ends what labctls that were killed have left running, and chooses the backend of an experiment. Refuses local
/// processes of a system that this machine does not have. `nodes` are those of some run.
///
/// # Errors
/// What is missing and how to get it; or as [`choose`].
pub(super) async fn choose_backend(
    system: &dyn System,
    experiment: &Experiment,
    nodes: &[NodeSpec],
    cancel: &CancellationToken,
) -> anyhow::Result<Arc<dyn Backend>> {
    let (hosting, nodes) = (system.hosting(experiment), nodes.to_vec());
    let (experiment, cancel) = (experiment.clone(), cancel.clone());
    let chosen = spawn_blocking(move || {
        orphans::end_processes().iter().for_each(|done| note!("{done}"));
        chosen(&experiment, &nodes, &hosting, &cancel)
    });
    Ok(chosen.await.context("choosing the backend")??)
}

fn chosen(
    experiment: &Experiment,
    nodes: &[NodeSpec],
    hosting: &Hosting,
    cancel: &CancellationToken,
) -> Result<Arc<dyn Backend>, ClusterError> {
    let containers = match hosting {
        Hosting::Started { containers, .. } => containers.as_ref(),
        Hosting::Running(_) => None,
    };
    let request = BackendRequest {
        system: experiment.system.name.as_str(),
        nodes,
        containers,
        presence: &|| check(experiment),
        tell: &|text| note!("{text}"),
        cancel,
    };
    choose(experiment.backend, hosting, &request)
}

/// Whether this machine has what local processes of the system need; an error says what is missing and how to get it.
fn check(experiment: &Experiment) -> Result<(), String> {
    match presence_of(experiment) {
        Presence::Found(_) => Ok(()),
        Presence::Missing { what, advice } => Err(format!("{what}: {advice}")),
    }
}
