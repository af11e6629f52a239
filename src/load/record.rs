//! One run on a running cluster: load it, take both snapshots, fetch the traces.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use futures_util::future::{OptionFuture, try_join3};
use tokio::sync::watch;

use super::driver::{Listeners, drive};
use super::failover::Survivors;
use super::faults::{FaultRun, Injector, LoadState};
use super::plan::Plan;
use super::progress::Progress;
use super::read_back;
use super::readers::{Readers, SentWrites};
use super::settle::quiet::settle_quietly;
use super::settle::settle;
use super::snapshot::snapshot;
use super::traces;
use super::watchdog::LeaderWatchdog;
use crate::cluster::ClusterError;
use crate::config::{AfterLeaderDeath, Experiment};
use crate::data::{
    ArrivalRow, FailoverRecord, FaultRow, Manifest, ReadRow, ReplicationRow, RunData, Snapshot, WriteOutcome, WriteRow,
};
use crate::model::{Capabilities, FailoverKind, Followers, Micros, NodeId, TimeSpan, WriteId, ignore_poison};
use crate::system::{ArrivalRecord, Clock, CopyRecord, Session, SessionError, system_of};

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
pub(super) mod tests;

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
    /// One row a read, if followers were probed.
    pub reads: Vec<ReadRow>,
    /// What was done to the cluster on purpose.
    pub faults: Vec<FaultRow>,
    /// Which follower took the leader's place after its death. `None` unless the experiment asks for that.
    pub failover: Option<FailoverRecord>,
    /// Nodes that could not be dumped afterwards: because of that, or because the system cannot.
    pub absent_nodes: Vec<NodeId>,
    /// The stores the moment the last write was answered.
    pub at_last_ack: Snapshot,
    /// The stores once the run had settled.
    pub settled: Snapshot,
    /// When the run began, on the load's clock.
    pub start_us: Micros,
    /// From the start to the last answer.
    pub load_us: TimeSpan,
    /// From the last answer until the run had settled.
    pub settle_us: TimeSpan,
    /// How long dumps had to stay equal for that. `None` if the system tells what is in flight.
    pub quiet_us: Option<TimeSpan>,
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
        let Self { writes, replication, arrivals, reads, faults, failover, at_last_ack, settled, .. } = self;
        RunData {
            manifest,
            writes,
            replication,
            arrivals,
            reads,
            faults,
            failover,
            at_last_ack,
            settled,
            logs,
            forecast: None,
            contradictions: Vec::new(),
        }
    }
}

/// Waits until every node answers and takes part in replication, and prepares the system for a run; all waiting is on
/// `clock`.
///
/// # Errors
/// The last answer of a node that never became healthy, the first that waiting cannot mend, or that of a node that could not
/// be prepared.
pub async fn await_ready(session: &dyn Session, followers: Followers, clock: &Clock) -> Result<(), SessionError> {
    let deadline_us = now(clock) + TimeSpan::from(session.ready_limit());
    for node in NodeId::all(followers) {
        while let Err(error) = takes_part(session, node).await {
            if error.is_lasting || now(clock) > deadline_us {
                return Err(error);
            }
            clock.sleep(READY_POLL).await;
        }
    }
    session.prepare().await
}

async fn takes_part(session: &dyn Session, node: NodeId) -> Result<(), SessionError> {
    session.ready(node).await?;
    session.joined(node).await
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
    #[error("leader: none of the last {writes} writes was answered; of the last: {last}")]
    Silent {
        /// How many in a row.
        writes: u64,
        /// What came of the last instead of an answer.
        last: String,
    },
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
) -> Result<(RunRecord, Micros), RecordError> {
    let plan = Plan::new(&experiment.workload, experiment.seed);
    let mut faults = FaultRun::new(&experiment.faults, injector, clock);
    let failover = survivors(session, experiment, clock).map(|survivors| (survivors, faults.leader_death()));
    faults.before_load().await?;
    if !faults.is_hidden(NodeId::Leader) {
        session.warm_up(plan.connections()).await?;
    }
    injector.start_epoch().await?;
    progress.load_begins();
    let start_us = now(clock);
    let watchdog = LeaderWatchdog::of(experiment);
    let (load, state) = watch::channel(LoadState::default());
    let (is_acknowledged, taken_with) = (state.clone(), state.clone());
    let sent = SentWrites::default();
    let last = Mutex::new(String::new());
    let drive = async {
        let started = |write: WriteId| {
            sent.push(write);
            load.send_modify(|state| state.started = write.get() + 1);
        };
        let done = |row: &WriteRow| {
            progress.write_done(row);
            if row.outcome == WriteOutcome::Ok {
                load.send_if_modified(|state| {
                    let is_first = state.acknowledged.is_none();
                    state.acknowledged.get_or_insert(row.write);
                    is_first
                });
            }
            if row.outcome == WriteOutcome::Unknown {
                *ignore_poison(last.lock()) = row.error.clone().unwrap_or_default();
            }
            // A session that has ended answers no further write.
            let ended = || (row.outcome == WriteOutcome::Unknown && session.failure().is_some()).then_some(1);
            if let Some(writes) = watchdog.after(row).or_else(ended) {
                load.send_modify(|state| state.unanswered = Some(writes));
            }
        };
        let writes = tokio::select! {
            biased;
            writes = drive(session, &plan, clock, start_us, Listeners { started: &started, done: &done }) => writes,
            Some(writes) = unanswered(load.subscribe()) => {
                let last = ignore_poison(last.lock()).clone();
                return Err(session.failure().map_or(RecordError::Silent { writes, last }, RecordError::Session));
            }
        };
        let last_ack_us = now(clock);
        progress.load_ended();
        load.send_modify(|state| state.over = true);
        Ok((writes, last_ack_us))
    };
    let (over, is_over) = watch::channel(false);
    let run = async {
        let failing_over = failover.map(|(survivors, death)| survivors.take_over(death, start_us));
        let failing_over = async { Ok(OptionFuture::from(failing_over).await.flatten()) };
        let breaking = async { Ok(faults.run(start_us, state).await?) };
        let ((writes, last_ack_us), (), failover) = try_join3(drive, breaking, failing_over).await?;
        let is_asked = |node: &NodeId| !faults.is_hidden(*node) && session.can_dump(*node);
        let (asked, absent_nodes): (Vec<NodeId>, Vec<NodeId>) = NodeId::all(experiment.followers).partition(is_asked);
        let at_last_ack = snapshot(session, &asked).await?;
        let is_settled = match session.quiet() {
            _ if faults.is_hidden(NodeId::Leader) && !elects_its_leader(experiment) => false,
            Some(quiet) => settle_quietly(session, &asked, quiet, clock, progress).await?,
            None => settle(session, &faults.aftermath(), clock, progress).await?,
        };
        let settled_us = now(clock);
        over.send_replace(true);
        Ok(RunRecord {
            writes,
            replication: Vec::new(),
            arrivals: Vec::new(),
            reads: Vec::new(),
            faults: faults.rows(start_us),
            failover,
            absent_nodes,
            at_last_ack,
            settled: snapshot(session, &asked).await?,
            start_us,
            load_us: last_ack_us.since(start_us),
            settle_us: settled_us.since(last_ack_us),
            quiet_us: session.quiet().map(TimeSpan::from),
            is_settled,
            trace_dropped: 0,
            exhausted: None,
        })
    };
    let capabilities = system_of(experiment).map_or(Capabilities::LABNODE, |system| system.capabilities());
    let is_probed = capabilities.reads && experiment.reads.probe.applies(capabilities.trace);
    let is_log = capabilities.append_log;
    let readers = Readers { session, plan: &plan, experiment, clock, start_us, sent: &sent, is_log };
    let probe = async { Ok::<_, RecordError>(if is_probed { readers.run(is_over).await } else { Vec::new() }) };
    let read_back = async {
        let makes_reads = is_probed || session.dumps_by_reads();
        if makes_reads && read_back::applies(&capabilities, experiment) {
            read_back::read_back(session, &plan, experiment, clock, is_acknowledged).await?;
        }
        Ok(())
    };
    let taking = traces::take(session, experiment, taken_with);
    let (recorded, reads, ()) = tokio::select! {
        done = try_join3(run, probe, read_back) => done?,
        never = taking => match never {},
    };
    Ok((RunRecord { reads, ..recorded }, start_us))
}

/// The followers of which one is to take the leader's place after its death. `None` if none is to.
fn survivors<'a>(session: &'a dyn Session, experiment: &Experiment, clock: &'a Clock) -> Option<Survivors<'a>> {
    let is_wanted = experiment.after_leader_death == AfterLeaderDeath::Promote;
    let facts = system_of(experiment).ok().filter(|_| is_wanted)?.failover()?;
    Some(Survivors { session, clock, followers: experiment.followers, facts })
}

/// Whether another node leads once the leader is gone, without being told to.
fn elects_its_leader(experiment: &Experiment) -> bool {
    let facts = system_of(experiment).ok().and_then(|system| system.failover());
    facts.is_some_and(|facts| facts.kind == FailoverKind::Election)
}

/// Waits until too many writes in a row had no answer; says how many.
async fn unanswered(mut load: watch::Receiver<LoadState>) -> Option<u64> {
    load.wait_for(|state| state.unanswered.is_some()).await.ok()?.unanswered
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

fn now(clock: &Clock) -> Micros {
    clock.now_us().into()
}
