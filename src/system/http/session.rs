//! Sessions with the nodes of a system of kind `http`.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use futures_util::stream::{self, StreamExt, TryStreamExt};

use super::client::{ExchangeResult, HttpAnswer, HttpClient, Limits};
use super::done::{Done, explained, outcome, refused};
use super::exchange::{Exchange, FilledRequest};
use super::filter::{Filter, FilterFailure, FilterPool, Outputs, Take, shortened};
use super::judge::{self, Entries, Judged};
use super::placeholders::RequestValues;
use super::rules::{DumpOf, DumpRules, Preparation, ReadRules, Receivers};
use super::settings::{HttpSettings, State};
use crate::config::SystemSettings;
use crate::model::{Endpoints, Followers, Micros, NodeId, Role, StoreDump, WriteOutcome, ignore_poison};
use crate::system::Clock;
use crate::system::explained::Explained;
use crate::system::session::{
    Found, PendingCopies, PlannedWrite, ProbeStep, Session, SessionError, SettleLimits, Trace, WriteAnswer,
};

/// How long and how large answers may be that are no writes' and no dumps'.
const SMALL: Limits = Limits { time: Duration::from_secs(5), bytes: MAX_ANSWER_BYTES };
const READY: Limits = Limits { time: Duration::from_secs(2), bytes: MAX_ANSWER_BYTES };
/// How long and how large a dump may be.
const DUMP: Limits = Limits { time: Duration::from_secs(60), bytes: 32 << 20 };
/// The longest answer that is no dump.
const MAX_ANSWER_BYTES: usize = 1 << 20;
/// Past a write's own time limit by this much, the leader is taken not to answer any more.
const ANSWER_MARGIN: Duration = Duration::from_secs(2);
/// How many keys of a node are read at once.
const READS_AT_ONCE: usize = 8;

/// What a session depends on beside the mapping.
#[derive(Debug, Clone, Copy)]
pub(super) struct HttpConditions {
    pub(super) followers: Followers,
    /// The number that the system is told for W.
    pub(super) quorum: u32,
    /// How long the leader may take for a write.
    pub(super) write_limit: Duration,
    /// How long dumps must stay equal.
    pub(super) quiet: Duration,
}

/// A session with nodes that speak HTTP.
#[derive(Debug)]
pub(super) struct HttpSession {
    client: HttpClient,
    settings: Arc<HttpSettings>,
    /// Where the rules stand in their file.
    table: SystemSettings,
    filters: FilterPool,
    conditions: HttpConditions,
    /// The keys that were written: those of a node that is dumped by reads.
    keys: Mutex<BTreeSet<String>>,
    /// Why the mapping is of no use: a filter that never ends, or eats memory.
    broken: OnceLock<SessionError>,
}

impl HttpSession {
    pub(super) fn new(
        endpoints: &Endpoints,
        (settings, table): (Arc<HttpSettings>, SystemSettings),
        filters: FilterPool,
        conditions: HttpConditions,
        clock: Clock,
    ) -> Result<Self, SessionError> {
        let client = HttpClient::new(endpoints, clock).map_err(|reason| refused(NodeId::Leader, "/", reason))?;
        Ok(Self { client, settings, table, filters, conditions, keys: Mutex::default(), broken: OnceLock::new() })
    }

    fn values(&self) -> RequestValues<'_> {
        RequestValues { quorum: self.conditions.quorum, ..RequestValues::default() }
    }

    /// Sends a request, runs filters on the answer, and judges it. `judge` makes a result of the answer and of what the
    /// filters gave; `tell` says in words what it is.
    async fn exchange<T>(
        &self,
        node: NodeId,
        request: FilledRequest,
        limits: Limits,
        filters: (Vec<(&'static str, &Filter)>, Take),
        judge: impl FnOnce(&HttpAnswer, Vec<Outputs>) -> Judged<Result<T, String>>,
        tell: impl FnOnce(&T) -> String,
    ) -> Done<T> {
        let sent = match self.broken.get() {
            Some(broken) => {
                let now = self.client.now();
                ExchangeResult { status: None, answer: Err(broken.reason.clone()), sent_us: now, ended_us: now }
            }
            None => self.client.send(node, &request, limits).await,
        };
        let (filters, take) = filters;
        let (rules, result) = match &sent.answer {
            Err(reason) => (Vec::new(), Err(reason.clone())),
            Ok(answer) => match self.run(&filters, take, answer).await {
                Ok(outputs) => {
                    let Judged { mut rules, result } = judge(answer, outputs);
                    for rule in &mut rules {
                        rule.place = self.table.place(rule.key).map(str::to_owned);
                    }
                    let failed = rules.iter().find(|rule| rule.gave.is_err()).map(|rule| rule.key);
                    let result = result.map_err(|reason| self.at_place(failed, reason));
                    (rules, result)
                }
                Err(failure) => (Vec::new(), Err(self.broken_by(node, &request, &filters, &failure, answer))),
            },
        };
        let explained = explained(node, request, &sent, rules, result.as_ref().map(tell).map_err(Clone::clone));
        Done { explained, sent, result }
    }

    async fn run(
        &self,
        filters: &[(&'static str, &Filter)],
        take: Take,
        answer: &HttpAnswer,
    ) -> Result<Vec<Outputs>, FilterFailure> {
        let filters: Vec<&Filter> = filters.iter().map(|(_, filter)| *filter).collect();
        self.filters.run(&filters, take, &answer.body).await
    }

    /// A problem with a rule, after the place where the rule stands, if it is the file's own.
    fn at_place(&self, rule: Option<&str>, problem: String) -> String {
        match rule.and_then(|rule| self.table.place(rule)) {
            Some(place) => format!("{place}: {problem}"),
            None => problem,
        }
    }

    /// Remembers that the filters cannot be run: nothing can be measured with this mapping.
    fn broken_by(
        &self,
        node: NodeId,
        request: &FilledRequest,
        filters: &[(&'static str, &Filter)],
        failure: &FilterFailure,
        answer: &HttpAnswer,
    ) -> String {
        let all = filters.iter().map(|(_, filter)| format!("`{filter}`")).collect::<Vec<_>>().join(" and ");
        let body = shortened(&String::from_utf8_lossy(&answer.body));
        let own = filters.iter().map(|(key, _)| *key).find(|key| self.table.place(key).is_some());
        let reason = self.at_place(own, format!("{failure}: {all}; the answer was: {body}"));
        let question = format!("{} {}", request.method, request.path);
        self.broken.get_or_init(|| refused(node, &question, reason)).reason.clone()
    }

    async fn send_write(&self, write: &PlannedWrite) -> (WriteAnswer, Explained) {
        let rules = &self.settings.write;
        ignore_poison(self.keys.lock()).insert(write.key.to_string());
        let values = RequestValues { key: &write.key, value: &write.value, write: write.id.get(), ..self.values() };
        let limits = Limits { time: self.conditions.write_limit + ANSWER_MARGIN, bytes: MAX_ANSWER_BYTES };
        let judge = |answer: &HttpAnswer, outputs: Vec<Outputs>| {
            let Judged { rules, mut result } = rules.judge(answer, outputs);
            if result.outcome == WriteOutcome::Unknown {
                let failed = rules.iter().find(|rule| rule.gave.is_err()).map(|rule| rule.key);
                result.error = result.error.map(|error| self.at_place(failed, error));
            }
            Judged { rules, result: Ok(result) }
        };
        let tell = |answer: &WriteAnswer| {
            let (outcome, version) = (outcome(answer), answer.version);
            let version = version.map(|version| format!(", version {version}")).unwrap_or_default();
            let error = answer.error.as_ref().map(|error| format!(": {error}")).unwrap_or_default();
            format!("{outcome}{version}{error}")
        };
        let filters = (rules.filters(), Take::First);
        let done = self.exchange(NodeId::Leader, rules.exchange.fill(&values), limits, filters, judge, tell).await;
        let answer = done.result.unwrap_or_else(WriteAnswer::none);
        let answer = WriteAnswer { http_status: done.sent.status, answered_us: Some(done.sent.ended_us), ..answer };
        (answer, done.explained)
    }

    async fn send_read(&self, rules: &ReadRules, node: NodeId, key: &str) -> Done<Option<Found>> {
        let request = rules.exchange.fill(&RequestValues { key, ..self.values() });
        let filters = (rules.filters(), Take::First);
        let tell = |found: &Option<Found>| match found {
            Some(Found { value, version: Some(version) }) => format!("{}, version {version}", shortened(value)),
            Some(Found { value, version: None }) => shortened(value),
            None => "the node does not have the key".to_owned(),
        };
        self.exchange(node, request, SMALL, filters, |answer, outputs| rules.judge(answer, outputs), tell).await
    }

    async fn send_dump(&self, rules: &DumpRules, exchange: &Exchange, node: NodeId) -> Done<Entries> {
        let is_log = self.settings.state == State::Log;
        let judge = |answer: &HttpAnswer, outputs: Vec<Outputs>| {
            let mut judged = judge::dump(exchange, &rules.entries, is_log, answer, outputs);
            judged.result = judged.result.and_then(|entries| self.with_versions(entries));
            judged
        };
        let filters = (vec![("dump.entries", &rules.entries)], Take::All);
        let tell = |entries: &Entries| format!("{} entries", entries.store.len());
        self.exchange(node, exchange.fill(&self.values()), DUMP, filters, judge, tell).await
    }

    /// Entries of a system whose versions are known all have one; of any other, none.
    fn with_versions(&self, entries: Entries) -> Result<Entries, String> {
        if self.settings.write.version.is_none() {
            return Ok(Entries { versions: Default::default(), ..entries });
        }
        match entries.store.keys().find(|key| !entries.versions.contains_key(*key)) {
            Some(key) => {
                Err(format!("`write` has a version, and entry {key} of the dump has none: give both or neither"))
            }
            None => Ok(entries),
        }
    }

    async fn send_ready(&self, node: NodeId) -> Done<()> {
        let any = Exchange { status: Vec::new(), ..Exchange::constant("GET /", None) };
        let exchange = self.settings.ready.as_ref().unwrap_or(&any);
        let judge = |answer: &HttpAnswer, _| judge::plain("ready.status", exchange, answer);
        let filters = (Vec::new(), Take::First);
        self.exchange(node, exchange.fill(&self.values()), READY, filters, judge, |()| "it takes requests".to_owned())
            .await
    }

    /// Sends a request before the load to those of these nodes that get it.
    async fn send_preparation(
        &self,
        preparation: &Preparation,
        key: &'static str,
        nodes: impl Iterator<Item = NodeId>,
    ) -> Result<(), SessionError> {
        for node in nodes.filter(|node| node.is_leader() || preparation.to == Receivers::All) {
            let exchange = &preparation.exchange;
            let judge = |answer: &HttpAnswer, _| judge::plain(key, exchange, answer);
            let filters = (Vec::new(), Take::First);
            let done =
                self.exchange(node, exchange.fill(&self.values()), SMALL, filters, judge, |()| String::new()).await;
            done.into_result()?;
        }
        Ok(())
    }

    /// Tells these nodes W, if it is told by a request.
    async fn send_quorum(&self, nodes: impl Iterator<Item = NodeId>) -> Result<(), SessionError> {
        match &self.settings.set_quorum {
            Some(set) => self.send_preparation(set, "set_quorum.status", nodes).await,
            None => Ok(()),
        }
    }

    /// The dump of a node by reading each key that was written.
    async fn read_all(&self, rules: &ReadRules, node: NodeId) -> Result<Entries, SessionError> {
        let keys: Vec<String> = ignore_poison(self.keys.lock()).iter().cloned().collect();
        let read = |key: String| async move {
            let found = self.send_read(rules, node, &key).await.into_result()?;
            Ok::<_, SessionError>((key, found))
        };
        let found: Vec<(String, Option<Found>)> =
            stream::iter(keys).map(read).buffer_unordered(READS_AT_ONCE).try_collect().await?;
        let mut entries = Entries::default();
        for (key, found) in found {
            let Some(found) = found else { continue };
            if let Some(version) = found.version {
                entries.versions.insert(key.clone(), version.get());
            }
            entries.store.insert(key, found.value);
        }
        self.with_versions(entries).map_err(|reason| refused(node, &rules.exchange.request.to_string(), reason))
    }

    /// The rules of a dump, and its request if the node answers one.
    fn dump_rules(&self, node: NodeId) -> Option<(&DumpRules, Option<&Exchange>)> {
        let rules = self.settings.dump.as_ref()?;
        let answers = rules.of == DumpOf::All || !node.is_leader();
        Some((rules, rules.exchange.as_ref().filter(|_| answers)))
    }

    async fn entries(&self, node: NodeId) -> Result<Entries, SessionError> {
        match (self.dump_rules(node), &self.settings.read) {
            (Some((rules, Some(exchange))), _) => self.send_dump(rules, exchange, node).await.into_result(),
            (Some((_, None)), Some(read)) => self.read_all(read, node).await,
            _ => Err(refused(node, "dump", "its mapping has no dump of this node".to_owned())),
        }
    }
}

impl Session for HttpSession {
    fn write<'a>(&'a self, write: &'a PlannedWrite) -> BoxFuture<'a, WriteAnswer> {
        async move { self.send_write(write).await.0 }.boxed()
    }

    fn read<'a>(&'a self, node: NodeId, key: &'a str) -> BoxFuture<'a, Result<Option<Found>, SessionError>> {
        let read = async move {
            match &self.settings.read {
                Some(rules) => self.send_read(rules, node, key).await.into_result(),
                None => Err(refused(node, "read", "its mapping has no table read".to_owned())),
            }
        };
        read.boxed()
    }

    fn dump(&self, node: NodeId) -> BoxFuture<'_, Result<StoreDump, SessionError>> {
        let role = if node.is_leader() { Role::Leader } else { Role::Follower };
        let dump = async move {
            let Entries { store, versions } = self.entries(node).await?;
            Ok(StoreDump { node: node.to_string(), role, store, versions })
        };
        dump.boxed()
    }

    fn can_dump(&self, node: NodeId) -> bool {
        self.dump_rules(node).is_some_and(|(_, exchange)| exchange.is_some() || self.settings.read.is_some())
    }

    fn dumps_by_reads(&self) -> bool {
        self.settings.dump.as_ref().is_some_and(|rules| rules.exchange.is_none() || rules.of == DumpOf::Followers)
    }

    fn ready(&self, node: NodeId) -> BoxFuture<'_, Result<(), SessionError>> {
        async move { self.send_ready(node).await.into_result() }.boxed()
    }

    fn prepare(&self) -> BoxFuture<'_, Result<(), SessionError>> {
        let nodes = || NodeId::followers(self.conditions.followers).chain([NodeId::Leader]);
        let prepare = async move {
            if let Some(reset) = &self.settings.reset {
                self.send_preparation(reset, "reset.status", nodes()).await?;
            }
            self.send_quorum(nodes()).await
        };
        prepare.boxed()
    }

    fn restarted(&self, node: NodeId) -> BoxFuture<'_, Result<(), SessionError>> {
        self.send_quorum(std::iter::once(node)).boxed()
    }

    fn failure(&self) -> Option<SessionError> {
        self.broken.get().cloned()
    }

    fn in_flight(&self) -> BoxFuture<'_, Result<PendingCopies, SessionError>> {
        // Nothing tells; see `quiet`.
        std::future::ready(Ok(PendingCopies { copies: 0, unreachable: BTreeSet::new() })).boxed()
    }

    fn ready_limit(&self) -> Duration {
        self.settings.start.start_limit()
    }

    fn settle_limits(&self) -> SettleLimits {
        SettleLimits { step: self.conditions.quiet, notice: None }
    }

    fn quiet(&self) -> Option<Duration> {
        Some(self.conditions.quiet)
    }

    fn trace(&self, _: NodeId, _: Micros) -> BoxFuture<'_, Result<Option<Trace>, SessionError>> {
        std::future::ready(Ok(None)).boxed()
    }

    fn redirect(&self, endpoints: &Endpoints) {
        self.client.redirect(endpoints);
    }

    fn explain<'a>(&'a self, step: ProbeStep<'a>) -> BoxFuture<'a, Option<Explained>> {
        let explain = async move {
            match step {
                ProbeStep::Ready(node) => Some(self.send_ready(node).await.explained),
                ProbeStep::Write(write) => {
                    let (answer, explained) = self.send_write(write).await;
                    let is_ok = answer.outcome == WriteOutcome::Ok;
                    let result = explained.result.and_then(|told| if is_ok { Ok(told) } else { Err(told) });
                    Some(Explained { result, ..explained })
                }
                ProbeStep::Read(node, key) => {
                    Some(self.send_read(self.settings.read.as_ref()?, node, key).await.explained)
                }
                ProbeStep::Dump(node) => {
                    let (rules, exchange) = self.dump_rules(node)?;
                    Some(self.send_dump(rules, exchange?, node).await.explained)
                }
            }
        };
        explain.boxed()
    }
}
