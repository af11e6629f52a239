use std::collections::BTreeSet;
use std::sync::Mutex;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::*;
use crate::config::FaultAction;
use crate::load::NoFaults;
use crate::model::{Endpoints, Role, StoreDump, WriteOutcome};
use crate::system::{Found, PendingCopies, PlannedWrite, SettleLimits, Trace, WriteAnswer};

/// A system of one store, which all nodes show; it keeps no trace and numbers no write.
#[derive(Default)]
pub(in crate::load) struct OneStore {
    pub(in crate::load) held: Mutex<BTreeMap<String, String>>,
    pub(in crate::load) is_down: bool,
    /// Whether reads find nothing.
    pub(in crate::load) is_blind: bool,
    /// Whether a node that is down stays so.
    pub(in crate::load) is_barred: bool,
}

impl Session for OneStore {
    fn write<'a>(&'a self, write: &'a PlannedWrite) -> BoxFuture<'a, WriteAnswer> {
        self.held.lock().unwrap().insert(write.key.to_string(), write.value.clone());
        let answer = WriteAnswer {
            outcome: WriteOutcome::Ok,
            http_status: None,
            version: None,
            acks: None,
            error: None,
            answered_us: None,
        };
        async move { answer }.boxed()
    }

    fn read<'a>(&'a self, _: NodeId, key: &'a str) -> BoxFuture<'a, Result<Option<Found>, SessionError>> {
        let value = self.held.lock().unwrap().get(key).filter(|_| !self.is_blind).cloned();
        async move { Ok(value.map(|value| Found { value, version: None })) }.boxed()
    }

    fn dump(&self, node: NodeId) -> BoxFuture<'_, Result<StoreDump, SessionError>> {
        let store = self.held.lock().unwrap().clone();
        let role = if node.is_leader() { Role::Leader } else { Role::Follower };
        async move { Ok(StoreDump { node: node.to_string(), role, store, versions: BTreeMap::new() }) }.boxed()
    }

    fn ready(&self, node: NodeId) -> BoxFuture<'_, Result<(), SessionError>> {
        let refusal = SessionError::new(node, "ping", "connection refused");
        let refusal = if self.is_barred { refusal.lasting() } else { refusal };
        let answer = if self.is_down { Err(refusal) } else { Ok(()) };
        async move { answer }.boxed()
    }

    fn in_flight(&self) -> BoxFuture<'_, Result<PendingCopies, SessionError>> {
        async { Ok(PendingCopies { copies: 0, unreachable: BTreeSet::new() }) }.boxed()
    }

    fn settle_limits(&self) -> SettleLimits {
        SettleLimits { step: Duration::from_secs(1), notice: None }
    }

    fn trace(&self, _: NodeId, _: Micros) -> BoxFuture<'_, Result<Option<Trace>, SessionError>> {
        async { Ok(None) }.boxed()
    }

    fn redirect(&self, _: &Endpoints) {}
}

struct Unwatched;

impl Progress for Unwatched {
    fn write_done(&self, _: &WriteRow) {}
    fn settling(&self, _: u64) {}
}

#[tokio::test(start_paused = true)]
async fn a_node_that_never_answers_is_given_up() {
    let clock = Clock::at_zero();
    let session = OneStore { is_down: true, ..OneStore::default() };
    let error = await_ready(&session, Followers::constant(3), &clock).await.unwrap_err();
    assert_eq!(error.node, NodeId::Leader);
    let (waited, limit) = (Duration::from_micros(clock.now_us()), session.ready_limit());
    assert!((limit..2 * limit).contains(&waited), "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn what_waiting_cannot_mend_is_told_at_once() {
    let clock = Clock::at_zero();
    let session = OneStore { is_down: true, is_barred: true, ..OneStore::default() };
    await_ready(&session, Followers::constant(3), &clock).await.unwrap_err();
    assert_eq!(clock.now_us(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_system_without_a_trace_is_loaded_and_recorded_all_the_same() {
    let (session, clock, experiment) = (OneStore::default(), Clock::at_zero(), Experiment::default());
    let recorded = record(&session, &experiment, &NoFaults, &clock, &Unwatched).await.unwrap();
    assert_eq!((recorded.writes.len(), recorded.settled.len(), recorded.is_settled), (100, 6, true));
    assert_eq!((recorded.replication, recorded.arrivals, recorded.trace_dropped), (Vec::new(), Vec::new(), 0));
    let read = session.read(NodeId::Follower(4), "k9").await.unwrap().unwrap();
    assert_eq!((read.value.as_str(), &recorded.settled[&NodeId::Follower(4)].store["k9"]), ("v99", &read.value));
}

/// Notes when the delays of the proxies begin, and how many writes the leader had got by then.
struct Epochs<'a> {
    session: &'a OneStore,
    clock: Clock,
    begun: Mutex<Vec<(Micros, usize)>>,
}

impl Injector for Epochs<'_> {
    async fn inject(&self, _: &FaultAction) -> Result<(), ClusterError> {
        Ok(())
    }

    async fn start_epoch(&self) -> Result<(), ClusterError> {
        self.clock.sleep(Duration::from_millis(3)).await;
        self.begun.lock().unwrap().push((self.clock.now_us().into(), self.session.held.lock().unwrap().len()));
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn the_delays_of_proxies_begin_once_right_before_the_first_write() {
    let (session, clock) = (OneStore::default(), Clock::at_zero());
    let epochs = Epochs { session: &session, clock, begun: Mutex::default() };
    let recorded = record(&session, &Experiment::default(), &epochs, &clock, &Unwatched).await.unwrap();
    assert_eq!(epochs.begun.into_inner().unwrap(), [(recorded.start_us, 0)]);
}
