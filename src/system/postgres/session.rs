//! Sessions with PostgreSQL servers.

use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::{FutureExt, TryFutureExt};
use tokio_postgres::types::{PgLsn, ToSql, Type};
use tokio_postgres::{Row, SimpleQueryMessage};

use super::connected::{PostgresError, within};
use super::connections::{PostgresConnections, UPSERT};
use super::pending::{LogEnd, STANDBYS, Writers, pending, standbys, writers_question};
use crate::config::Experiment;
use crate::model::{Endpoints, Followers, Micros, NodeId, Quorum, Role, StoreDump, WriteOutcome, ignore_poison};
use crate::system::delays::longest_delay;
use crate::system::session::{
    Found, PendingCopies, PlannedWrite, Session, SessionError, SettleLimits, Trace, WriteAnswer,
};

/// How long a server may take to answer a question.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);
/// How long the nodes may take until they answer, once they listen. In containers their databases are made meanwhile.
const READY_LIMIT: Duration = Duration::from_mins(2);
/// A standby says every second how far it has come. One that has been silent for longer than this, and than its link takes,
/// is out of reach.
const SILENT: Duration = Duration::from_secs(3);

/// Something for the log that is no write, and makes the leader write the log down up to there: of asynchronous commits it
/// may not have done so yet.
const MARK: &str = "SELECT pg_logical_emit_message(true, 'labctl', '')";
/// How much of its leader's log a standby has received, or had before it was copied.
const POSITION: &str = "SELECT greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())";
/// Makes a standby the leader, and waits up to 9 s for that.
const PROMOTE: &str = "SELECT pg_promote(true, 9)";
/// What the leader and its standbys said at the end.
const NOTES: [&str; 3] = [
    "SELECT version(), current_setting('synchronous_standby_names') AS synchronous_standby_names, \
     current_setting('synchronous_commit') AS synchronous_commit_of_questions, current_setting('fsync') AS fsync",
    "SELECT application_name, state, sync_state, sent_lsn, write_lsn, flush_lsn, replay_lsn FROM pg_stat_replication",
    "SELECT application_name, state, wait_event_type, wait_event, count(*) FROM pg_stat_activity \
     WHERE backend_type = 'client backend' GROUP BY 1, 2, 3, 4",
];

/// A value of a question, and its type.
type Value<'a> = (&'a (dyn ToSql + Sync), Type);

/// A session with a primary and its standbys.
#[derive(Debug)]
pub(super) struct PostgresSession {
    connections: PostgresConnections,
    followers: Followers,
    quorum: Quorum,
    /// How long a commit may wait for its quorum.
    wait: Duration,
    /// The longest that a message of a link takes, nearly always.
    link: Duration,
    /// Writes that were sent.
    sent: AtomicU64,
    /// What every standby has to replay.
    target: Mutex<Option<LogEnd>>,
}

impl PostgresSession {
    pub(super) fn new(endpoints: &Endpoints, experiment: &Experiment, quorum: Quorum) -> Self {
        let wait = experiment.network.global_request_timeout_s.duration();
        Self {
            connections: PostgresConnections::new(endpoints, wait),
            followers: experiment.followers,
            quorum,
            wait,
            link: longest_delay(experiment),
            sent: AtomicU64::new(0),
            target: Mutex::new(None),
        }
    }

    /// A write of its own transaction: the server answers once it is committed and its quorum has acknowledged it.
    async fn upsert(&self, write: &PlannedWrite) -> WriteAnswer {
        self.sent.fetch_add(1, Ordering::Relaxed);
        let writer = match self.connections.for_a_write().await {
            Ok(writer) => writer,
            Err(error) if error.is_refusal() => return refused(&error),
            Err(error) => return WriteAnswer::none(error.to_string()),
        };
        let client = &writer.connected.client;
        let written = within(self.wait, client.execute(&writer.upsert, &[&write.key.as_str(), &write.value])).await;
        match (written, writer.connected.warning()) {
            // A server that is told to wait no longer answers with success, and warns that only it has the write.
            (_, Some(warning)) => WriteAnswer::none(format!("the server warned: {warning}")),
            (Ok(_), None) => {
                self.connections.keep(writer);
                answer(WriteOutcome::Ok, None)
            }
            (Err(error), None) if error.is_refusal() => {
                self.connections.keep(writer);
                refused(&error)
            }
            // The connection is closed: its answer may still come.
            (Err(error @ PostgresError::Silent(_)), None) => WriteAnswer::none(error.to_string()),
            (Err(error), None) => WriteAnswer::none(format!("the connection broke: {error}")),
        }
    }

    /// Asks one node something, in one request.
    async fn ask(&self, node: NodeId, sql: &str, values: &[Value<'_>]) -> Result<Vec<Row>, SessionError> {
        let asked = async {
            let connected = self.connections.to(node).await?;
            within(ANSWER_LIMIT, connected.client.query_typed(sql, values)).await
        };
        asked.await.map_err(|error| self.unanswered(node, sql, &error))
    }

    /// Asks one node something that has one row for an answer.
    async fn ask_one(&self, node: NodeId, sql: &str) -> Result<Row, SessionError> {
        let rows = self.ask(node, sql, &[]).await?;
        rows.into_iter().next().ok_or_else(|| SessionError::new(node, sql, "it answers with no row"))
    }

    /// Why a question has no answer; the next one takes another connection, unless the server has refused this one.
    fn unanswered(&self, node: NodeId, question: &str, error: &PostgresError) -> SessionError {
        if !error.is_refusal() {
            self.connections.close(node);
        }
        let unanswered = SessionError::new(node, question, error.to_string());
        if error.is_lasting() { unanswered.lasting() } else { unanswered }
    }

    async fn store(&self, node: NodeId) -> Result<StoreDump, SessionError> {
        let rows = self.ask(node, "SELECT key, value FROM store", &[]).await?;
        let store = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
        let role = if node.is_leader() { Role::Leader } else { Role::Follower };
        Ok(StoreDump { node: node.to_string(), role, store, versions: BTreeMap::new() })
    }

    /// What one node holds for these keys, in their order.
    async fn values_of(&self, node: NodeId, keys: &[&str]) -> Result<Vec<Option<Found>>, SessionError> {
        let sql = "SELECT key, value FROM store WHERE key = ANY($1)";
        let rows = self.ask(node, sql, &[(&keys, Type::TEXT_ARRAY)]).await?;
        let mut values: HashMap<&str, &str> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
        let found = |value: &str| Found { value: value.to_owned(), version: None };
        Ok(keys.iter().map(|key| values.remove(key).map(found)).collect())
    }

    /// Whether a node answers. Of a leader a connection for writes is asked, which then is there for one: asked for as many
    /// times as there are writes at a time, it has as many connections.
    async fn is_ready(&self, node: NodeId) -> Result<(), SessionError> {
        const QUESTION: &str = "SELECT 1";
        if !node.is_leader() {
            return self.ask(node, QUESTION, &[]).await.map(drop);
        }
        let asked = async {
            let writer = self.connections.writer().await?;
            within(ANSWER_LIMIT, writer.connected.client.simple_query(QUESTION)).await?;
            Ok(writer)
        };
        let writer = asked.await.map_err(|error| self.unanswered(node, QUESTION, &error))?;
        self.connections.keep(writer);
        Ok(())
    }

    /// Whether the leader streams its log to a follower.
    async fn is_joined(&self, node: NodeId) -> Result<(), SessionError> {
        if node.is_leader() {
            return Ok(());
        }
        let rows = self.ask(NodeId::Leader, STANDBYS, &[(&PgLsn::from(0), Type::PG_LSN)]).await?;
        if standbys(&rows).contains_key(&node.to_string()) {
            return Ok(());
        }
        let reason = "the leader does not list it among its standbys; see its log";
        Err(SessionError::new(node, "pg_stat_replication", reason))
    }

    /// What standbys still lack of the log as it was after the last write.
    async fn in_flight_now(&self) -> Result<PendingCopies, SessionError> {
        let leader = NodeId::Leader;
        let writers = Writers::of(&self.ask_one(leader, &writers_question()).await?);
        let sent = self.sent.load(Ordering::Relaxed);
        let known = ignore_poison(self.target.lock()).filter(|end| end.is_after_all(sent, writers));
        let target = match known {
            Some(end) => end.lsn,
            None => {
                self.ask(leader, MARK, &[]).await?;
                let lsn = self.ask_one(leader, "SELECT pg_current_wal_flush_lsn()").await?.get(0);
                *ignore_poison(self.target.lock()) = Some(LogEnd { sent, writers, lsn });
                lsn
            }
        };
        let standbys = standbys(&self.ask(leader, STANDBYS, &[(&target, Type::PG_LSN)]).await?);
        Ok(pending(self.followers, self.quorum, &standbys, writers, SILENT + 2 * self.link))
    }

    /// A question and its answer as text.
    async fn noted(&self, sql: &str) -> String {
        let asked = async {
            let connected = self.connections.to(NodeId::Leader).await?;
            within(ANSWER_LIMIT, connected.client.simple_query(sql)).await
        };
        let answer = match asked.await {
            Ok(messages) => messages.iter().filter_map(line).collect::<Vec<_>>().join("\n"),
            Err(error) => error.to_string(),
        };
        format!("{sql}\n{answer}\n\n")
    }
}

/// A row as `name=value name=value`.
fn line(message: &SimpleQueryMessage) -> Option<String> {
    let SimpleQueryMessage::Row(row) = message else { return None };
    let columns = row.columns().iter().enumerate();
    let columns = columns.map(|(index, column)| format!("{}={}", column.name(), row.get(index).unwrap_or("")));
    Some(columns.collect::<Vec<_>>().join(" "))
}

fn answer(outcome: WriteOutcome, error: Option<String>) -> WriteAnswer {
    WriteAnswer { outcome, http_status: None, version: None, acks: None, error, answered_us: None }
}

/// A write that the leader refused.
fn refused(error: &PostgresError) -> WriteAnswer {
    answer(WriteOutcome::Failed, Some(format!("the leader refused it: {error}")))
}

impl Session for PostgresSession {
    fn write<'a>(&'a self, write: &'a PlannedWrite) -> BoxFuture<'a, WriteAnswer> {
        self.upsert(write).boxed()
    }

    fn read<'a>(&'a self, node: NodeId, key: &'a str) -> BoxFuture<'a, Result<Option<Found>, SessionError>> {
        async move { Ok(self.values_of(node, &[key]).await?.pop().flatten()) }.boxed()
    }

    fn reads_many(&self) -> bool {
        true
    }

    fn read_many<'a>(
        &'a self,
        node: NodeId,
        keys: &'a [&'a str],
    ) -> BoxFuture<'a, Result<Vec<Option<Found>>, SessionError>> {
        self.values_of(node, keys).boxed()
    }

    fn dump(&self, node: NodeId) -> BoxFuture<'_, Result<StoreDump, SessionError>> {
        self.store(node).boxed()
    }

    fn ready(&self, node: NodeId) -> BoxFuture<'_, Result<(), SessionError>> {
        self.is_ready(node).boxed()
    }

    fn joined(&self, node: NodeId) -> BoxFuture<'_, Result<(), SessionError>> {
        self.is_joined(node).boxed()
    }

    fn in_flight(&self) -> BoxFuture<'_, Result<PendingCopies, SessionError>> {
        self.in_flight_now().boxed()
    }

    fn warm_up(&self, connections: usize) -> BoxFuture<'_, Result<(), SessionError>> {
        let refuse = |error: PostgresError| SessionError::new(NodeId::Leader, "connect", error.to_string());
        self.connections.open(connections).map_err(refuse).boxed()
    }

    fn ready_limit(&self) -> Duration {
        READY_LIMIT
    }

    fn settle_limits(&self) -> SettleLimits {
        SettleLimits { step: self.wait + 2 * self.link + SILENT, notice: None }
    }

    fn trace(&self, _: NodeId, _: Micros) -> BoxFuture<'_, Result<Option<Trace>, SessionError>> {
        std::future::ready(Ok(None)).boxed()
    }

    fn position(&self, node: NodeId) -> BoxFuture<'_, Result<u64, SessionError>> {
        let position = async move { Ok(self.ask_one(node, POSITION).await?.get::<_, PgLsn>(0).into()) };
        position.boxed()
    }

    fn promote(&self, node: NodeId) -> BoxFuture<'_, Result<(), SessionError>> {
        let promote = async move {
            let is_done: bool = self.ask_one(node, PROMOTE).await?.get(0);
            is_done.then_some(()).ok_or_else(|| SessionError::new(node, PROMOTE, "it is still a standby"))
        };
        promote.boxed()
    }

    fn write_to<'a>(&'a self, node: NodeId, key: &'a str, value: &'a str) -> BoxFuture<'a, Result<(), SessionError>> {
        async move { self.ask(node, UPSERT, &[(&key, Type::TEXT), (&value, Type::TEXT)]).await.map(drop) }.boxed()
    }

    fn redirect(&self, endpoints: &Endpoints) {
        self.connections.redirect(endpoints);
    }

    fn version(&self) -> BoxFuture<'_, Result<String, SessionError>> {
        let version = async move {
            let said: String = self.ask_one(NodeId::Leader, "SHOW server_version").await?.get(0);
            // `15.18 (Debian 15.18-0+deb12u1)`.
            Ok(format!("PostgreSQL {}", said.split_whitespace().next().unwrap_or_default()))
        };
        version.boxed()
    }

    fn notes(&self) -> BoxFuture<'_, BTreeMap<String, String>> {
        let notes = async move {
            let mut text = String::new();
            for sql in NOTES {
                text.push_str(&self.noted(sql).await);
            }
            BTreeMap::from([("leader-info".to_owned(), text)])
        };
        notes.boxed()
    }
}
