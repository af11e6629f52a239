//! Notices during the load that a node has ended which labctl did not stop.

use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::cluster::ClusterError;
use crate::commands::shared_cluster::{SharedCluster, check_nodes};
use crate::data::{WriteOutcome, WriteRow};
use crate::load::Progress;

/// How long the nodes are left alone after they were looked at: asking a Docker engine takes processor time from the
/// measurement.
const PAUSE: Duration = Duration::from_secs(2);

/// Passes on how a run is getting on, and has the nodes looked at after a write that was not acknowledged. If a node has ended,
/// every further write may wait for it until its time limit, and the load may take hours.
pub(super) struct NodeWatch<'a> {
    watched: &'a dyn Progress,
    write_failed: Notify,
}

impl<'a> NodeWatch<'a> {
    /// Passes on to `watched`.
    pub(super) fn new(watched: &'a dyn Progress) -> Self {
        Self { watched, write_failed: Notify::new() }
    }

    /// Looks at the nodes after writes that were not acknowledged. Returns once a node has ended that labctl did not stop.
    pub(super) async fn ended_node(&self, cluster: &SharedCluster, cancel: &CancellationToken) -> ClusterError {
        loop {
            self.write_failed.notified().await;
            if let Some(ended) = check_nodes(cluster, cancel).await {
                return ended;
            }
            sleep(PAUSE).await;
        }
    }
}

impl Progress for NodeWatch<'_> {
    fn load_begins(&self) {
        self.watched.load_begins();
    }

    fn write_done(&self, row: &WriteRow) {
        if row.outcome != WriteOutcome::Ok {
            self.write_failed.notify_one();
        }
        self.watched.write_done(row);
    }

    fn load_ended(&self) {
        self.watched.load_ended();
    }

    fn settling(&self, in_flight: u64) {
        self.watched.settling(in_flight);
    }
}
