//! Shared access to a cluster: the load driver and the fault injector both use it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::cluster::{Cluster, ClusterError, FaultAction};
use crate::load::Injector;
use crate::model::{NodeId, ignore_poison};
use crate::system::Session;

/// How long a node that was started again may take until it answers.
const BACK_LIMIT: Duration = Duration::from_secs(30);
/// How often it is asked.
const BACK_POLL: Duration = Duration::from_millis(5);

/// Runs the cluster's blocking methods on tokio's blocking pool, one at a time.
#[derive(Clone)]
pub(super) struct SharedCluster {
    cluster: Arc<Mutex<Box<dyn Cluster>>>,
}

impl SharedCluster {
    pub(super) fn new(cluster: Box<dyn Cluster>) -> Self {
        Self { cluster: Arc::new(Mutex::new(cluster)) }
    }

    /// Does something blocking with the cluster. A panic in there is carried on here; the
    /// cluster is taken down by being dropped.
    pub(super) async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut (dyn Cluster + 'static)) -> T + Send + 'static,
    ) -> T {
        let cluster = Arc::clone(&self.cluster);
        let done = spawn_blocking(move || {
            let mut cluster = ignore_poison(cluster.lock());
            work(cluster.as_mut())
        });
        match done.await {
            Ok(result) => result,
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }
}

/// Injects faults into a cluster and tells the session where its nodes are afterwards.
pub(super) struct FaultInjector {
    pub(super) cluster: SharedCluster,
    pub(super) session: Arc<dyn Session>,
    pub(super) cancel: CancellationToken,
}

impl Injector for FaultInjector {
    async fn inject(&self, action: &FaultAction) -> Result<(), ClusterError> {
        let (what, cancel) = (action.clone(), self.cancel.clone());
        let endpoints = self.cluster.with(move |cluster| cluster.inject(&what, &cancel)).await?;
        self.session.redirect(&endpoints);
        if action.act.leaves_reachable() == Some(true) { self.await_answer(action.node).await } else { Ok(()) }
    }

    async fn start_epoch(&self) -> Result<(), ClusterError> {
        self.cluster.with(|cluster| cluster.start_epoch()).await
    }
}

impl FaultInjector {
    async fn await_answer(&self, node: NodeId) -> Result<(), ClusterError> {
        let deadline = Instant::now() + BACK_LIMIT;
        while let Err(error) = self.session.ready(node).await {
            if Instant::now() > deadline {
                let reason = format!("it was to be back, and does not answer: {error}");
                return Err(ClusterError::Node { node: node.to_string(), reason, log: String::new() });
            }
            sleep(BACK_POLL).await;
        }
        Ok(())
    }
}
