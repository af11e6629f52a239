//! Sessions with etcd: writes to the member that leads, reads and dumps from each.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, join_all};

use super::gateway::{Gateway, GatewayError};
use super::leadership::Leadership;
use super::reads::{self, RANGE};
use super::status::Statuses;
use super::timing::Timing;
use super::wire::{Bytes, PutAnswer, PutRequest, RangeAnswer, RangeRequest, StatusAnswer, TransferRequest};
use crate::config::Experiment;
use crate::model::{Endpoints, Followers, Micros, NodeId, StoreDump, TimeSpan, Version, WriteOutcome};
use crate::system::Clock;
use crate::system::session::{
    Found, LeaderChange, PendingCopies, PlannedWrite, Session, SessionError, SettleLimits, Trace, WriteAnswer,
};

const PUT: &str = "/v3/kv/put";
const STATUS: &str = "/v3/maintenance/status";
const TRANSFER: &str = "/v3/maintenance/transfer-leadership";

/// How long a member may take to say something of itself.
const STATUS_LIMIT: Duration = Duration::from_millis(500);
/// How long to wait before members are asked again which of them leads.
const RETRY_DELAY: Duration = Duration::from_millis(20);
/// Refusals of writes that were not put into the log. After any other error a write may still be applied.
const NOT_APPLIED: [&str; 5] = [
    "etcdserver: no leader",
    "etcdserver: too many requests",
    "etcdserver: request is too large",
    "etcdserver: mvcc: database space exceeded",
    "raft proposal dropped",
];

/// A session with the members of one cluster.
#[derive(Debug)]
pub(super) struct EtcdSession {
    gateway: Gateway,
    followers: Followers,
    clock: Clock,
    timing: Timing,
    /// How long a write is waited for.
    limit: Duration,
    leadership: Leadership,
    /// Held while the leader is looked for.
    search: tokio::sync::Mutex<()>,
    /// When the last write was sent, on the session's clock.
    sent_us: AtomicU64,
}

impl EtcdSession {
    /// A session with the members at `endpoints`.
    ///
    /// # Errors
    /// When the HTTP client cannot be set up.
    pub(super) fn new(
        endpoints: &Endpoints,
        experiment: &Experiment,
        timing: Timing,
        clock: Clock,
    ) -> Result<Self, SessionError> {
        Ok(Self {
            gateway: Gateway::new(endpoints)?,
            followers: experiment.followers,
            clock,
            timing,
            limit: experiment.network.global_request_timeout_s.duration(),
            leadership: Leadership::default(),
            search: tokio::sync::Mutex::default(),
            sent_us: AtomicU64::new(0),
        })
    }

    fn now(&self) -> Micros {
        self.clock.now_us().into()
    }

    /// The time from now until `deadline`. `None` if it has passed.
    fn left(&self, deadline: Micros) -> Option<Duration> {
        let now = self.now();
        (now < deadline).then(|| Duration::from_micros(deadline.since(now).get()))
    }

    /// Sends a write to the member that leads. It is sent once; as long as no connection can be made, the leader is looked
    /// for again.
    async fn put(&self, write: &PlannedWrite) -> WriteAnswer {
        let deadline = self.now() + TimeSpan::from(self.limit);
        let request = PutRequest { key: write.key.as_str().into(), value: write.value.as_str().into() };
        let mut last = "no member says that it leads".to_owned();
        while let (Some(leader), Some(left)) = (self.leader_by(deadline).await, self.left(deadline)) {
            self.sent_us.store(self.clock.now_us(), Ordering::Relaxed);
            match self.gateway.ask::<PutAnswer>(leader, PUT, &request, left).await {
                Ok(answer) => {
                    self.leadership.heard(answer.header.raft_term);
                    return acknowledged(Version::new(answer.header.revision));
                }
                Err(GatewayError::Unreachable(reason)) => {
                    self.leadership.doubt();
                    last = reason;
                    self.clock.sleep(RETRY_DELAY).await;
                }
                Err(GatewayError::Unanswered(_)) if self.left(deadline).is_none() => {
                    self.leadership.doubt();
                    return WriteAnswer::none(format!("no answer within {} s", self.limit.as_secs_f64()));
                }
                Err(GatewayError::Unanswered(reason)) => {
                    self.leadership.doubt();
                    return WriteAnswer::none(reason);
                }
                Err(GatewayError::Refused { status, text }) => {
                    self.leadership.doubt();
                    return refused(status, text);
                }
            }
        }
        WriteAnswer::none(format!("{last}, for {} s", self.limit.as_secs_f64()))
    }

    /// The member that leads, looked for until `deadline` if that is not known.
    async fn leader_by(&self, deadline: Micros) -> Option<NodeId> {
        if let Some(leader) = self.leadership.leader() {
            return Some(leader);
        }
        // One looks, and the others wait for what it finds.
        let _search = self.search.lock().await;
        while self.leadership.leader().is_none() && self.left(deadline).is_some() {
            self.statuses().await;
            if self.leadership.leader().is_none() {
                self.clock.sleep(RETRY_DELAY).await;
            }
        }
        self.leadership.leader()
    }

    /// Asks all members for their status, and takes note of who leads.
    async fn statuses(&self) -> Statuses {
        let ask = |node| async move { Some((node, self.status(node).await.ok()?)) };
        let answers = join_all(NodeId::all(self.followers).map(ask)).await;
        let statuses = Statuses(answers.into_iter().flatten().collect());
        if let Some((leader, term)) = statuses.leader() {
            self.leadership.found(leader, term, self.now());
        }
        statuses
    }

    async fn status(&self, node: NodeId) -> Result<StatusAnswer, SessionError> {
        self.gateway.told(node, STATUS, &serde_json::json!({}), STATUS_LIMIT).await
    }

    /// Puts a key by way of this member, which need not lead.
    async fn put_to(&self, node: NodeId, key: &str, value: &str) -> Result<(), SessionError> {
        let request = PutRequest { key: key.into(), value: value.into() };
        self.gateway.told::<PutAnswer>(node, PUT, &request, self.limit).await.map(drop)
    }

    /// Has the node of the name `leader` lead, over whose address the delays lie.
    async fn hand_over(&self) -> Result<(), SessionError> {
        let deadline = self.now() + TimeSpan::from(self.ready_limit());
        loop {
            let elected = self.leader_by(deadline).await;
            let refuse = |reason: &str| SessionError::new(NodeId::Leader, format!("POST {TRANSFER}"), reason);
            let Some(elected) = elected.filter(|_| self.left(deadline).is_some()) else {
                return Err(refuse("it does not become the leader"));
            };
            if elected.is_leader() {
                self.leadership.begin();
                return Ok(());
            }
            let target = self.status(NodeId::Leader).await?.header.member_id.to_string();
            // An error is told by who leads then.
            let limit = self.timing.election * 2;
            let handed =
                self.gateway.told::<serde_json::Value>(elected, TRANSFER, &TransferRequest { target }, limit).await;
            self.leadership.doubt();
            if handed.is_err() {
                self.clock.sleep(RETRY_DELAY).await;
            }
        }
    }

    /// What members that answer still have to apply.
    async fn pending(&self) -> PendingCopies {
        let deadline = self.now() + TimeSpan::from(STATUS_LIMIT);
        // A read that is not serializable waits until its leader knows what is committed, which one that was just elected
        // does not know yet.
        let is_known = match self.leader_by(deadline).await {
            Some(leader) => self.knows_committed(leader).await,
            None => false,
        };
        let statuses = self.statuses().await;
        let is_absent = |node: &NodeId| !statuses.0.contains_key(node);
        let absent: BTreeSet<NodeId> = NodeId::all(self.followers).filter(is_absent).collect();
        // A minority that is left changes no more.
        let has_majority = statuses.0.len() > absent.len();
        // What was sent a moment ago may not be committed yet.
        let sent_us = Micros::from(self.sent_us.load(Ordering::Relaxed));
        let is_recent = self.now() < sent_us + TimeSpan::from(self.timing.delay * 2 + RETRY_DELAY);
        let undecided = u64::from((has_majority && !is_known) || is_recent);
        PendingCopies {
            copies: statuses.lag() + undecided,
            unreachable: absent.iter().map(NodeId::to_string).collect(),
        }
    }

    /// Whether a leader knows what is committed.
    async fn knows_committed(&self, leader: NodeId) -> bool {
        let nothing = RangeRequest { key: Bytes(vec![0]), range_end: None, limit: 1, revision: 0, serializable: false };
        let limit = STATUS_LIMIT + self.timing.delay * 2;
        let known = self.gateway.ask::<RangeAnswer>(leader, RANGE, &nothing, limit).await.is_ok();
        if !known {
            self.leadership.doubt();
        }
        known
    }

    /// Whether a member knows a leader.
    async fn is_joined(&self, node: NodeId) -> Result<(), SessionError> {
        match self.status(node).await?.leader {
            0 => Err(SessionError::new(node, format!("POST {STATUS}"), "it knows no leader")),
            _ => Ok(()),
        }
    }
}

/// The answer to a write that a majority has in its log.
fn acknowledged(version: Version) -> WriteAnswer {
    WriteAnswer {
        outcome: WriteOutcome::Ok,
        http_status: Some(200),
        version: Some(version),
        acks: None,
        error: None,
        answered_us: None,
    }
}

/// The answer to a write that a member refused.
fn refused(status: u16, text: String) -> WriteAnswer {
    let is_in_no_log = NOT_APPLIED.iter().any(|known| text.contains(known));
    let outcome = if is_in_no_log { WriteOutcome::Failed } else { WriteOutcome::Unknown };
    WriteAnswer { outcome, http_status: Some(status), ..WriteAnswer::none(text) }
}

impl Session for EtcdSession {
    fn write<'a>(&'a self, write: &'a PlannedWrite) -> BoxFuture<'a, WriteAnswer> {
        self.put(write).boxed()
    }

    fn read<'a>(&'a self, node: NodeId, key: &'a str) -> BoxFuture<'a, Result<Option<Found>, SessionError>> {
        reads::value(&self.gateway, node, key).boxed()
    }

    fn reads_many(&self) -> bool {
        true
    }

    fn read_many<'a>(
        &'a self,
        node: NodeId,
        keys: &'a [&'a str],
    ) -> BoxFuture<'a, Result<Vec<Option<Found>>, SessionError>> {
        reads::values(&self.gateway, node, keys).boxed()
    }

    fn dump(&self, node: NodeId) -> BoxFuture<'_, Result<StoreDump, SessionError>> {
        reads::store(&self.gateway, node).boxed()
    }

    fn ready(&self, node: NodeId) -> BoxFuture<'_, Result<(), SessionError>> {
        self.status(node).map(|status| status.map(drop)).boxed()
    }

    fn joined(&self, node: NodeId) -> BoxFuture<'_, Result<(), SessionError>> {
        self.is_joined(node).boxed()
    }

    fn prepare(&self) -> BoxFuture<'_, Result<(), SessionError>> {
        self.hand_over().boxed()
    }

    fn in_flight(&self) -> BoxFuture<'_, Result<PendingCopies, SessionError>> {
        self.pending().map(Ok).boxed()
    }

    fn settle_limits(&self) -> SettleLimits {
        SettleLimits { step: self.limit + 2 * (self.timing.delay + self.timing.election), notice: None }
    }

    fn trace(&self, _: NodeId, _: Micros) -> BoxFuture<'_, Result<Option<Trace>, SessionError>> {
        std::future::ready(Ok(None)).boxed()
    }

    fn position(&self, node: NodeId) -> BoxFuture<'_, Result<u64, SessionError>> {
        self.status(node).map(|status| Ok(status?.committed)).boxed()
    }

    fn leads(&self, node: NodeId) -> BoxFuture<'_, Result<bool, SessionError>> {
        self.status(node).map(|status| Ok(status?.leads())).boxed()
    }

    fn write_to<'a>(&'a self, node: NodeId, key: &'a str, value: &'a str) -> BoxFuture<'a, Result<(), SessionError>> {
        self.put_to(node, key, value).boxed()
    }

    fn redirect(&self, endpoints: &Endpoints) {
        self.gateway.redirect(endpoints);
    }

    fn version(&self) -> BoxFuture<'_, Result<String, SessionError>> {
        async { Ok(format!("etcd {}", self.status(NodeId::Leader).await?.version)) }.boxed()
    }

    fn leader_changes(&self) -> Vec<LeaderChange> {
        self.leadership.changes()
    }

    fn notes(&self) -> BoxFuture<'_, BTreeMap<String, String>> {
        async { BTreeMap::from([("members".to_owned(), self.statuses().await.lines())]) }.boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_write_is_unknown_unless_it_was_not_put_into_the_log() {
        let outcome = |text: &str| refused(503, text.to_owned()).outcome;
        assert_eq!(outcome("etcdserver: request timed out"), WriteOutcome::Unknown);
        assert_eq!(
            outcome("etcdserver: request timed out, possibly due to previous leader failure"),
            WriteOutcome::Unknown
        );
        assert_eq!(outcome("etcdserver: leader changed"), WriteOutcome::Unknown);
        assert_eq!(outcome("etcdserver: too many requests"), WriteOutcome::Failed);
        assert_eq!(outcome("raft proposal dropped"), WriteOutcome::Failed);
        assert_eq!(refused(503, String::new()).http_status, Some(503));
    }
}
