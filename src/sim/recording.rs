//! Records a run in virtual time.

use labnode::clock::Clock;
use tokio_util::sync::CancellationToken;

use super::error::SimError;
use crate::config::Experiment;
use crate::load::{Injector, Progress, RecordError, RunRecord, record};
use crate::system::labnode::{Client, LabSession};

/// Records a run through a client, unless it is cancelled.
pub(super) async fn record_unless_cancelled<C: Client, I: Injector>(
    client: C,
    experiment: &Experiment,
    injector: &I,
    clock: &Clock,
    progress: &dyn Progress,
    cancel: &CancellationToken,
) -> Result<RunRecord, SimError> {
    let session = LabSession::new(client, experiment, *clock);
    unless_cancelled(record(&session, experiment, injector, clock, progress), cancel).await
}

/// What `work` brings, unless it is cancelled.
pub(super) async fn unless_cancelled<T>(
    work: impl Future<Output = Result<T, RecordError>>,
    cancel: &CancellationToken,
) -> Result<T, SimError> {
    tokio::select! {
        biased;
        () = cancel.cancelled() => Err(SimError::Interrupted),
        done = work => Ok(done?),
    }
}
