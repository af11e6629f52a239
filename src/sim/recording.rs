//! Records a run in virtual time.

use labnode::clock::Clock;
use tokio_util::sync::CancellationToken;

use crate::cluster::ClusterError;
use crate::config::Experiment;
use crate::load::{Injector, Progress, RecordError, Recorded, record};
use crate::model::NodeId;
use crate::system::SessionError;
use crate::system::labnode::{Client, LabSession};

/// Records a run through a client, unless it is cancelled.
pub(super) async fn record_unless_cancelled<C: Client, I: Injector>(
    client: C,
    experiment: &Experiment,
    injector: &I,
    clock: &Clock,
    progress: &dyn Progress,
    cancel: &CancellationToken,
) -> Result<Recorded, ClusterError> {
    let session = LabSession::new(client, experiment, *clock);
    unless_cancelled(record(&session, experiment, injector, clock, progress), cancel).await
}

/// What `work` brings, unless it is cancelled.
pub(super) async fn unless_cancelled<T>(
    work: impl Future<Output = Result<T, RecordError>>,
    cancel: &CancellationToken,
) -> Result<T, ClusterError> {
    tokio::select! {
        biased;
        () = cancel.cancelled() => Err(ClusterError::Interrupted),
        done = work => done.map_err(|error| match error {
            RecordError::Session(SessionError { node, question, reason }) => {
                ClusterError::Node { node: node.to_string(), reason: format!("{question}: {reason}"), log: String::new() }
            }
            RecordError::Cluster(error) => error,
            RecordError::Silent(_) => {
                ClusterError::Node { node: NodeId::Leader.to_string(), reason: error.to_string(), log: String::new() }
            }
        }),
    }
}
