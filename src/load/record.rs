//! One run on a running cluster: load it, take both snapshots, fetch the traces.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::{try_join, try_join_all};
use tokio::sync::watch;

use super::driver::drive;
use super::faults::{FaultRun, Injector, LoadState};
use super::plan::Plan;
use super::progress::Progress;
use super::settle::settle;
use super::watchdog::LeaderWatchdog;
use crate::cluster::ClusterError;
use crate::config::Experiment;
use crate::data::{ArrivalRow, FaultRow, Manifest, ReplicationRow, RunData, Snapshot, WriteRow};
use crate::model::{Followers, Micros, NodeId, WriteId};
use crate::system::{ArrivalRecord, Clock, CopyRecord, Session, SessionError};

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests;

/// How long the nodes of a started cluster may take until they answer.
const READY_LIMIT: Duration = Duration::from_secs(30);
/// How often a node that does not answer yet is asked again.
const READY_POLL: Duration = Duration::from_millis(20);

/// The facts of one run.
#[derive(Debug, Clone, PartialEq)]
pub struct RunRecord {
    /// One row a write.
    pub writes: Vec<WriteRow>,
    /// One row a write and follower.
    pub replication: Vec<ReplicationRow>,
    /// One row an arrival.
    pub arrivals: Vec<ArrivalRow>,
    /// What was done to the cluster on purpose.
    pub faults: Vec<FaultRow>,
    /// Nodes that could not be asked afterwards, because of that.
    pub absent_nodes: Vec<NodeId>,
    /// The stores the moment the last write was answered.
    pub at_last_ack: Snapshot,
    /// The stores once the run had settled.
    pub settled: Snapshot,
    /// When the run began, on the load's clock.
    pub start_us: u64,
    /// From the start to the last answer.
    pub load_us: u64,
    /// From the last answer until the run had settled.
    pub settle_us: u64,
    /// False if something was still in flight, or a follower out of reach that nothing was done
    /// to, when waiting for it was given up.
    pub is_settled: bool,
    /// Trace records that nodes had to forget.
    pub trace_dropped: u64,
    /// A node that met a limit of its machine, and which.
    pub exhausted: Option<(String, String)>,
}

impl RunRecord {
    /// The run made of these facts.
    #[must_use]
    pub fn into_run(self, manifest: Manifest, logs: BTreeMap<String, Vec<u8>>) -> RunData {
        let Self { writes, replication, arrivals, faults, at_last_ack, settled, .. } = self;
        RunData {
            manifest,
            writes,
            replication,
            arrivals,
            faults,
            at_last_ack,
            settled,
            logs,
            forecast: None,
            contradictions: Vec::new(),
        }
    }
}

/// Waits until every node answers and takes part in replication; all waiting is on `clock`.
///
/// # Errors
/// The last answer of a node that never became healthy.
pub async fn await_ready(session: &dyn Session, followers: Followers, clock: &Clock) -> Result<(), SessionError> {
    let deadline_us = after_us(clock, READY_LIMIT);
    for node in NodeId::all(followers) {
        while let Err(error) = takes_part(session, node).await {
            if clock.now_us() > deadline_us {
                return Err(error);
            }
            clock.sleep(READY_POLL).await;
        }
    }
    Ok(())
}

async fn takes_part(session: &dyn Session, node: NodeId) -> Result<(), SessionError> {
    session.ready(node).await?;
    session.joined(node).await
}

/// Opens as many connections to the leader as the load will use, so that no write pays for one.
async fn warm_up(session: &dyn Session, connections: usize) -> Result<(), SessionError> {
    try_join_all((0..connections).map(|_| session.ready(NodeId::Leader))).await.map(drop)
}

/// Why a run could not be recorded.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// A node did not answer.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// A fault could not be brought about.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// The leader has stopped answering, and nothing was done to it.
    #[error("leader: none of the last {0} writes was answered")]
    Silent(u64),
}

/// Runs the experiment's plan on a ready cluster, breaks what is to be broken meanwhile, and
/// collects everything there is to know of it.
///
/// # Errors
/// When a node that nothing was done to does not answer any more, or a fault cannot be
/// brought about.
pub async fn record<I: Injector>(
    session: &dyn Session,
    experiment: &Experiment,
    injector: &I,
    clock: &Clock,
    progress: &dyn Progress,
) -> Result<RunRecord, RecordError> {
    let (mut recorded, start_us) = observe(session, experiment, injector, clock, progress).await?;
    for node in NodeId::all(experiment.followers) {
        if !recorded.settled.contains_key(&node) {
            continue;
        }
        let Some(trace) = session.trace(node, start_us).await? else { continue };
        recorded.trace_dropped += trace.dropped;
        recorded.replication.extend(trace.copies.into_iter().map(replication_row));
        recorded.arrivals.extend(trace.arrivals.into_iter().map(|arrival| arrival_row(node, arrival)));
        recorded.exhausted = recorded.exhausted.or_else(|| trace.exhausted.map(|limit| (node.to_string(), limit)));
    }
    Ok(recorded)
}

/// Runs the plan and takes both snapshots, but leaves the traces where they are. Returns the
/// run's start on `clock` as well.
///
/// # Errors
/// As [`record`].
pub async fn observe<I: Injector>(
    session: &dyn Session,
    experiment: &Experiment,
    injector: &I,
    clock: &Clock,
    progress: &dyn Progress,
) -> Result<(RunRecord, u64), RecordError> {
    let plan = Plan::new(&experiment.workload);
    let mut faults = FaultRun::new(&experiment.faults, injector, clock);
    faults.before_load().await?;
    if !faults.is_hidden(NodeId::Leader) {
        warm_up(session, plan.concurrency).await?;
    }
    injector.start_epoch().await?;
    let start_us = clock.now_us();
    let watchdog = LeaderWatchdog::of(experiment);
    let (load, state) = watch::channel(LoadState::default());
    let drive = async {
        let started = |write: WriteId| load.send_modify(|state| state.started = write.get() + 1);
        let done = |row: &WriteRow| {
            progress.write_done(row);
            if let Some(writes) = watchdog.after(row) {
                load.send_modify(|state| state.unanswered = Some(writes));
            }
        };
        let writes = tokio::select! {
            biased;
            writes = drive(session, &plan, clock, start_us, &started, &done) => writes,
            Some(writes) = unanswered(load.subscribe()) => return Err(RecordError::Silent(writes)),
        };
        load.send_modify(|state| state.over = true);
        Ok((writes, clock.now_us()))
    };
    let ((writes, last_ack_us), ()) = try_join(drive, async { Ok(faults.run(start_us, state).await?) }).await?;

    let asked: Vec<NodeId> = NodeId::all(experiment.followers).filter(|node| !faults.is_hidden(*node)).collect();
    let at_last_ack = snapshot(session, &asked).await?;
    let is_settled = !faults.is_hidden(NodeId::Leader) && settle(session, &faults.aftermath(), clock, progress).await?;
    let settled_us = clock.now_us();
    let recorded = RunRecord {
        writes,
        replication: Vec::new(),
        arrivals: Vec::new(),
        faults: faults.rows(start_us),
        absent_nodes: faults.hidden(),
        at_last_ack,
        settled: snapshot(session, &asked).await?,
        start_us,
        load_us: last_ack_us - start_us,
        settle_us: settled_us - last_ack_us,
        is_settled,
        trace_dropped: 0,
        exhausted: None,
    };
    Ok((recorded, start_us))
}

/// Waits until too many writes in a row had no answer; says how many.
async fn unanswered(mut load: watch::Receiver<LoadState>) -> Option<u64> {
    load.wait_for(|state| state.unanswered.is_some()).await.ok()?.unanswered
}

/// These nodes' stores, asked for all at once.
async fn snapshot(session: &dyn Session, nodes: &[NodeId]) -> Result<Snapshot, SessionError> {
    let dumps = nodes.iter().map(|node| async move { Ok((*node, session.dump(*node).await?)) });
    Ok(try_join_all(dumps).await?.into_iter().collect::<BTreeMap<_, _>>())
}

fn replication_row(copy: CopyRecord) -> ReplicationRow {
    ReplicationRow {
        write: copy.write,
        version: copy.version,
        key: copy.key,
        follower: copy.follower,
        delay_us: copy.delay_us,
        ack_delay_us: Some(copy.ack_delay_us),
        sent_us: copy.sent_us,
        acked_us: copy.acked_us,
        outcome: copy.outcome,
    }
}

fn arrival_row(follower: NodeId, arrival: ArrivalRecord) -> ArrivalRow {
    let ArrivalRecord { version, key, applied, at_us, catch_up } = arrival;
    ArrivalRow { follower, version, key, applied, at_us, catch_up }
}

/// What the clock will read when `limit` has passed.
fn after_us(clock: &Clock, limit: Duration) -> u64 {
    clock.now_us().saturating_add(Micros::from(limit).length())
}
