//! Shared access to a cluster: the load driver and the fault injector both use it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::cluster::{Cluster, ClusterError};
use crate::config::FaultAction;
use crate::data::LEADER;
use crate::load::{Injector, RecordError};
use crate::model::{Act, NodeId, RestartState, StopSignal, ignore_poison};
use crate::system::{Session, SessionError};

/// How long the end of a node may stay unseen after its first unanswered request: the kernel closes
/// the sockets of a dying process before its parent can wait for it, and Docker takes longer still.
const DEATH_NOTICE: Duration = Duration::from_secs(1);
/// How often the nodes are looked at meanwhile.
const DEATH_POLL: Duration = Duration::from_millis(20);
/// How often the nodes are looked at while they start.
const START_POLL: Duration = Duration::from_millis(500);
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
    /// The signal that stops a node.
    pub(super) stop_signal: StopSignal,
    /// What a node that was killed has when it comes back.
    pub(super) restart: RestartState,
}

impl Injector for FaultInjector {
    async fn inject(&self, action: &FaultAction) -> Result<(), ClusterError> {
        let (what, cancel) = (action.clone(), self.cancel.clone());
        let endpoints = self.cluster.with(move |cluster| cluster.inject(what.node, &what.acts, &cancel)).await?;
        self.session.redirect(&endpoints);
        if Act::leave_reachable(&action.acts) != Some(true) {
            return Ok(());
        }
        self.await_answer(action.node).await?;
        if action.acts.contains(&Act::Start) {
            let told = self.session.restarted(action.node).await;
            told.map_err(|error| {
                back(action.node, &format!("it is back, and cannot be told what it has to know: {error}"))
            })?;
        }
        Ok(())
    }

    fn detail(&self, action: &FaultAction) -> Option<String> {
        match action.acts.as_slice() {
            [Act::Stop] => Some(self.stop_signal.to_string()),
            [Act::Start] if self.restart == RestartState::Durable => Some("with its data".to_owned()),
            _ => action.detail.clone(),
        }
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
                return Err(back(node, &format!("it was to be back, and does not answer: {error}")));
            }
            sleep(BACK_POLL).await;
        }
        Ok(())
    }
}

/// What is wrong with a node that was to be back.
fn back(node: NodeId, reason: &str) -> ClusterError {
    ClusterError::of_node(&node.to_string(), reason, b"")
}

/// What is behind an error, where a node is: that it has died, or else the end of its log.
pub(super) async fn explain(
    error: anyhow::Error,
    cluster: &SharedCluster,
    cancel: &CancellationToken,
) -> anyhow::Error {
    let noticed = Instant::now();
    loop {
        if let Some(cause) = check_nodes(cluster, cancel).await {
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
        (Some(RecordError::Silent { writes, last }), _) => {
            let reason = format!("it runs, but none of the last {writes} writes was answered; of the last: {last}");
            (LEADER.to_owned(), reason)
        }
        _ => return error,
    };
    let reason = reason.trim_start_matches(&format!("{node}: ")).to_owned();
    let log = cluster.with(|cluster| cluster.logs()).await.remove(&node).unwrap_or_default();
    ClusterError::of_node(&node, reason, &log).into()
}

/// Waits until a node has ended by itself; it would be waited for in vain.
pub(super) async fn end_of_a_node(cluster: &SharedCluster, cancel: &CancellationToken) -> ClusterError {
    loop {
        sleep(START_POLL).await;
        if let Some(ended) = check_nodes(cluster, cancel).await {
            return ended;
        }
    }
}

/// The node that has ended by itself, if one has.
pub(super) async fn check_nodes(cluster: &SharedCluster, cancel: &CancellationToken) -> Option<ClusterError> {
    let cancel = cancel.clone();
    match cluster.with(move |cluster| cluster.check(&cancel)).await {
        Err(ended @ ClusterError::Node { .. }) => Some(ended),
        _ => None,
    }
}
