//! The end of a node that nobody planned, noticed while the load goes on.

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

/// Passes on how a run is getting on, and takes a write that was not acknowledged for a sign that a node may have ended.
/// Every further write could wait for that node until its time limit, so that the load would take hours.
pub(super) struct Suspicion<'a> {
    watched: &'a dyn Progress,
    raised: Notify,
}

impl<'a> Suspicion<'a> {
    /// Passes on to `watched`.
    pub(super) fn new(watched: &'a dyn Progress) -> Self {
        Self { watched, raised: Notify::new() }
    }

    /// Looks at the nodes whenever a write was not acknowledged, and returns once one has ended that nobody ended.
    pub(super) async fn confirmed(&self, cluster: &SharedCluster, cancel: &CancellationToken) -> ClusterError {
        loop {
            self.raised.notified().await;
            if let Some(ended) = check_nodes(cluster, cancel).await {
                return ended;
            }
            sleep(PAUSE).await;
        }
    }
}

impl Progress for Suspicion<'_> {
    fn load_begins(&self) {
        self.watched.load_begins();
    }

    fn write_done(&self, row: &WriteRow) {
        if row.outcome != WriteOutcome::Ok {
            self.raised.notify_one();
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
