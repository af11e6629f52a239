//! Sessions with Redis servers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::{FutureExt, TryFutureExt};
use redis::{FromRedisValue, RedisError, cmd, pipe};

use super::connections::{RedisConnections, is_an_answer};
use super::info::Info;
use crate::config::Experiment;
use crate::model::{Endpoints, Followers, Micros, NodeId, Quorum, Role, StoreDump, WriteOutcome, ignore_poison};
use crate::system::session::{
    Found, PendingCopies, PlannedWrite, Session, SessionError, SettleLimits, Trace, WriteAnswer,
};

/// How much longer than `WAIT` itself the client waits for the answer.
const ANSWER_MARGIN: Duration = Duration::from_secs(2);
/// A replica acknowledges the log every second. One that has been silent for longer than this, and than its
/// link takes, is out of reach.
const SILENT_S: u64 = 3;
/// How long one question for acknowledgements lasts.
const ACKNOWLEDGEMENT_PROBE_MS: u64 = 20;

/// Every key and value in one step, so that the dump is the state of one moment. `MGET` takes its keys in
/// pieces, because `unpack` has a limit.
const DUMP: &str = "local keys = redis.call('KEYS', '*')
local all = {}
for first = 1, #keys, 1000 do
  local last = math.min(first + 999, #keys)
  local values = redis.call('MGET', unpack(keys, first, last))
  for i = first, last do
    all[#all + 1] = keys[i]
    all[#all + 1] = values[i - first + 1]
  end
end
return all";

/// A session with a leader and its replicas.
#[derive(Debug)]
pub(super) struct RedisSession {
    connections: RedisConnections,
    followers: Followers,
    quorum: Quorum,
    /// How long `WAIT` waits for the quorum.
    wait: Duration,
    /// The longest that a message of a link takes, nearly always.
    link: Duration,
    /// Writes that were sent.
    sent: AtomicU64,
    /// The end of the log after the last write: what every replica has to reach.
    target: Mutex<Option<(u64, u64)>>,
}

impl RedisSession {
    pub(super) fn new(endpoints: &Endpoints, experiment: &Experiment, quorum: Quorum, link: Duration) -> Self {
        let wait = experiment.network.global_request_timeout_s.duration();
        Self {
            connections: RedisConnections::new(endpoints, wait, wait + ANSWER_MARGIN),
            followers: experiment.followers,
            quorum,
            wait,
            link,
            sent: AtomicU64::new(0),
            target: Mutex::new(None),
        }
    }

    /// `SET` and `WAIT`, sent together over one connection: `WAIT` counts the replicas that have the writes of
    /// its own connection.
    async fn set(&self, write: &PlannedWrite) -> WriteAnswer {
        self.sent.fetch_add(1, Ordering::Relaxed);
        let mut connection = match self.connections.for_a_write().await {
            Ok(connection) => connection,
            Err(error) => return WriteAnswer::none(text(&error)),
        };
        let wait_ms = self.wait.as_millis().max(1).to_string();
        let mut both = pipe();
        both.cmd("SET").arg(write.key.as_str()).arg(&write.value).ignore();
        both.cmd("WAIT").arg(self.quorum.get()).arg(wait_ms);
        match both.query_async::<(u32,)>(&mut connection).await {
            Ok((acks,)) => {
                self.connections.keep(connection);
                self.counted(acks)
            }
            Err(error) if is_an_answer(&error) => {
                self.connections.keep(connection);
                refused(&error)
            }
            // The connection goes: its answer may still come.
            Err(error) if error.is_timeout() => {
                WriteAnswer::none(format!("no answer within {} s", (self.wait + ANSWER_MARGIN).as_secs_f64()))
            }
            Err(error) => WriteAnswer::none(format!("the connection broke: {}", text(&error))),
        }
    }

    /// The answer to a write that this many replicas have acknowledged.
    fn counted(&self, acks: u32) -> WriteAnswer {
        let is_enough = acks >= self.quorum.get();
        let missed = || format!("{acks} of {} acknowledgements within {} s", self.quorum, self.wait.as_secs_f64());
        WriteAnswer {
            outcome: if is_enough { WriteOutcome::Ok } else { WriteOutcome::Failed },
            http_status: None,
            version: None,
            acks: Some(acks),
            error: (!is_enough).then(missed),
            answered_us: None,
        }
    }

    /// Asks one node something.
    async fn ask<T: FromRedisValue>(&self, node: NodeId, command: &redis::Cmd) -> Result<T, SessionError> {
        let refuse = |error: &RedisError| {
            let refusal = SessionError::new(node, name(command), text(error));
            if is_lasting(error) { refusal.lasting() } else { refusal }
        };
        let mut connection = self.connections.to(node).await.map_err(|error| refuse(&error))?;
        let answer = command.query_async(&mut connection).await;
        answer.map_err(|error: RedisError| {
            if !is_an_answer(&error) {
                self.connections.close(node);
            }
            refuse(&error)
        })
    }

    async fn info(&self, node: NodeId) -> Result<Info, SessionError> {
        Ok(Info::parse(&self.ask::<String>(node, &cmd("INFO")).await?))
    }

    async fn store(&self, node: NodeId) -> Result<StoreDump, SessionError> {
        let flat: Vec<String> = self.ask(node, cmd("EVAL").arg(DUMP).arg(0)).await?;
        let pairs = flat.chunks_exact(2).filter_map(|pair| Some((pair.first()?.clone(), pair.get(1)?.clone())));
        let role = if node.is_leader() { Role::Leader } else { Role::Follower };
        Ok(StoreDump { node: node.to_string(), role, store: pairs.collect(), versions: BTreeMap::new() })
    }

    /// Whether a node answers, and a follower has its leader's data.
    async fn is_ready(&self, node: NodeId) -> Result<(), SessionError> {
        self.ask::<String>(node, &cmd("PING")).await?;
        // Otherwise a leader that is told to end waits for replicas that lag. Servers before 7.0 do not
        // wait, and do not know the setting.
        let _: Result<String, _> = self.ask(node, cmd("CONFIG").arg("SET").arg("shutdown-timeout").arg(0)).await;
        Ok(())
    }

    /// Whether the leader counts a follower among its replicas.
    async fn is_joined(&self, node: NodeId) -> Result<(), SessionError> {
        if node.is_leader() {
            return Ok(());
        }
        let refuse = |reason: &str| SessionError::new(node, "INFO replication", reason);
        let own = self.info(node).await?;
        if !own.is_linked() {
            return Err(refuse("it does not come online: it has not copied what the leader holds; see its log"));
        }
        let leader = self.leader().await?;
        match leader.replicas().get(&node.to_string()) {
            Some(replica) if replica.has(1) => Ok(()),
            Some(_) => Err(refuse("the leader is still synchronising it")),
            None => Err(refuse("the leader does not list it among its replicas")),
        }
    }

    /// What the leader says of itself and its replicas. Where its log is empty, as after a start, it gets something to
    /// acknowledge that is no write: of a replica that has acknowledged nothing it is not known what it holds.
    async fn leader(&self) -> Result<Info, SessionError> {
        let info = self.info(NodeId::Leader).await?;
        if log_end(&info)? == 0 {
            let _: i64 = self.ask(NodeId::Leader, cmd("PUBLISH").arg("labctl").arg("ready")).await?;
        }
        Ok(info)
    }

    /// How much of its leader's log a replica has, also once the leader is gone.
    async fn replica_position(&self, node: NodeId) -> Result<u64, SessionError> {
        let position = self.info(node).await?.replica_position();
        position.ok_or_else(|| SessionError::new(node, "INFO replication", "it does not say slave_repl_offset"))
    }

    /// What replicas still lack of the log as it was after the last write.
    async fn pending(&self) -> Result<PendingCopies, SessionError> {
        let target = match self.target() {
            Some(target) => target,
            // Before asking for acknowledgements, which is written to the log too.
            None => self.set_target(log_end(&self.leader().await?)?),
        };
        // A replica acknowledges once a second, or when the leader asks, which it does for `WAIT`.
        if let Some(mut writer) = self.connections.idle_writer() {
            let mut wait = cmd("WAIT");
            wait.arg(self.followers.get()).arg(ACKNOWLEDGEMENT_PROBE_MS);
            // Without an answer `INFO` says what is wrong.
            let _: Result<u32, _> = wait.query_async(&mut writer).await;
        }
        let info = self.leader().await?;
        let end = log_end(&info)?;
        if end < target {
            // A leader that was started again begins a new log.
            self.set_target(end);
        }
        let silent_s = SILENT_S + self.link.as_secs().saturating_mul(2);
        let replicas = info.replicas();
        let mut pending = PendingCopies { copies: 0, unreachable: BTreeSet::new() };
        for follower in NodeId::followers(self.followers) {
            let name = follower.to_string();
            match replicas.get(&name) {
                Some(replica) if replica.has(target) => {}
                Some(replica) if replica.is_online && replica.lag_s.is_some_and(|lag_s| lag_s <= silent_s) => {
                    pending.copies += 1;
                }
                _ => drop(pending.unreachable.insert(name)),
            }
        }
        Ok(pending)
    }

    /// The end of the log after the last write, if it is known.
    fn target(&self) -> Option<u64> {
        let (after, target) = (*ignore_poison(self.target.lock()))?;
        (after == self.sent.load(Ordering::Relaxed)).then_some(target)
    }

    fn set_target(&self, target: u64) -> u64 {
        *ignore_poison(self.target.lock()) = Some((self.sent.load(Ordering::Relaxed), target));
        target
    }
}

/// The end of a leader's log.
fn log_end(info: &Info) -> Result<u64, SessionError> {
    info.log_end().ok_or_else(|| silent("INFO replication", "it does not say master_repl_offset"))
}

impl Session for RedisSession {
    fn write<'a>(&'a self, write: &'a PlannedWrite) -> BoxFuture<'a, WriteAnswer> {
        self.set(write).boxed()
    }

    fn read<'a>(&'a self, node: NodeId, key: &'a str) -> BoxFuture<'a, Result<Option<Found>, SessionError>> {
        let found = async move {
            let value: Option<String> = self.ask(node, cmd("GET").arg(key)).await?;
            Ok(value.map(|value| Found { value, version: None }))
        };
        found.boxed()
    }

    fn reads_many(&self) -> bool {
        true
    }

    fn read_many<'a>(
        &'a self,
        node: NodeId,
        keys: &'a [&'a str],
    ) -> BoxFuture<'a, Result<Vec<Option<Found>>, SessionError>> {
        let found = async move {
            let values: Vec<Option<String>> = self.ask(node, cmd("MGET").arg(keys)).await?;
            Ok(values.into_iter().map(|value| value.map(|value| Found { value, version: None })).collect())
        };
        found.boxed()
    }

    fn dump(&self, node: NodeId) -> BoxFuture<'_, Result<StoreDump, SessionError>> {
        self.store(node).boxed()
    }

    fn ready(&self, node: NodeId) -> BoxFuture<'_, Result<(), SessionError>> {
        self.is_ready(node).boxed()
    }

    fn warm_up(&self, connections: usize) -> BoxFuture<'_, Result<(), SessionError>> {
        let refuse = |error| SessionError::new(NodeId::Leader, "connect", text(&error));
        self.connections.open(connections).map_err(refuse).boxed()
    }

    fn in_flight(&self) -> BoxFuture<'_, Result<PendingCopies, SessionError>> {
        self.pending().boxed()
    }

    fn settle_limits(&self) -> SettleLimits {
        SettleLimits { step: self.wait + 2 * self.link + Duration::from_secs(SILENT_S), notice: None }
    }

    fn trace(&self, _: NodeId, _: Micros) -> BoxFuture<'_, Result<Option<Trace>, SessionError>> {
        std::future::ready(Ok(None)).boxed()
    }

    fn position(&self, node: NodeId) -> BoxFuture<'_, Result<u64, SessionError>> {
        self.replica_position(node).boxed()
    }

    fn promote(&self, node: NodeId) -> BoxFuture<'_, Result<(), SessionError>> {
        let promote = async move { self.ask::<()>(node, cmd("REPLICAOF").arg("NO").arg("ONE")).await };
        promote.boxed()
    }

    fn write_to<'a>(&'a self, node: NodeId, key: &'a str, value: &'a str) -> BoxFuture<'a, Result<(), SessionError>> {
        let write = async move { self.ask::<()>(node, cmd("SET").arg(key).arg(value)).await };
        write.boxed()
    }

    fn redirect(&self, endpoints: &Endpoints) {
        self.connections.redirect(endpoints);
    }

    fn joined(&self, node: NodeId) -> BoxFuture<'_, Result<(), SessionError>> {
        self.is_joined(node).boxed()
    }

    fn version(&self) -> BoxFuture<'_, Result<String, SessionError>> {
        let version = async move {
            let version = self.info(NodeId::Leader).await?.version();
            version.ok_or_else(|| silent("INFO server", "it does not say its version"))
        };
        version.boxed()
    }

    fn notes(&self) -> BoxFuture<'_, BTreeMap<String, String>> {
        let notes = async move {
            let mut text = String::new();
            for section in ["server", "replication"] {
                match self.ask::<String>(NodeId::Leader, cmd("INFO").arg(section)).await {
                    Ok(answer) => text.push_str(&answer.replace("\r\n", "\n")),
                    Err(error) => text.push_str(&format!("{error}\n")),
                }
            }
            BTreeMap::from([("leader-info".to_owned(), text)])
        };
        notes.boxed()
    }
}

/// A leader that leaves something out.
fn silent(question: &str, reason: &str) -> SessionError {
    SessionError::new(NodeId::Leader, question, reason)
}

/// A write that the leader refused, as one that has become a replica does.
fn refused(error: &RedisError) -> WriteAnswer {
    WriteAnswer {
        outcome: WriteOutcome::Failed,
        http_status: None,
        version: None,
        acks: None,
        error: Some(format!("the leader refused it: {}", text(error))),
        answered_us: None,
    }
}

/// The command's own name.
fn name(command: &redis::Cmd) -> String {
    match command.args_iter().next() {
        Some(redis::Arg::Simple(bytes)) => String::from_utf8_lossy(bytes).into_owned(),
        _ => "a command".to_owned(),
    }
}

/// Whether the server does not let labctl in. It will not change its mind.
fn is_lasting(error: &RedisError) -> bool {
    matches!(error.code(), Some("NOAUTH" | "NOPERM" | "DENIED"))
}

/// The error, and what to do where labctl knows it.
fn text(error: &RedisError) -> String {
    match error.code() {
        Some("NOAUTH") => {
            "the server wants a password; labctl starts its servers without one: use an image or a program that sets none"
                .to_owned()
        }
        _ => error.to_string(),
    }
}
