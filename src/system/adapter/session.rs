//! Sessions with a store through adapters.

use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::adapters::{Adapters, Purpose};
use super::failure::Failure;
use super::protocol::{AdapterAnswer, Question};
use super::settings::AdapterSettings;
use crate::model::{Endpoints, Micros, NodeId, QuorumControl, Role, Settling, StoreDump, TimeSpan};
use crate::system::Clock;
use crate::system::explained::Explained;
use crate::system::session::{
    Found, PendingCopies, PlannedWrite, ProbeStep, Session, SessionError, SettleLimits, Trace, WriteAnswer,
};

/// How much longer than the store itself labctl waits for the answer to a write.
const ANSWER_MARGIN: Duration = Duration::from_secs(2);
/// How long the answer to anything else may take.
const QUESTION_LIMIT: Duration = Duration::from_secs(10);

/// A session with the store behind an adapter.
#[derive(Debug)]
pub(super) struct AdapterSession {
    adapters: Adapters,
    settings: AdapterSettings,
    conditions: AdapterConditions,
    clock: Clock,
    /// What has ended the session.
    failure: OnceLock<SessionError>,
}

/// What of an experiment a session needs.
#[derive(Debug, Clone, Copy)]
pub(super) struct AdapterConditions {
    /// W as the store counts it.
    pub(super) quorum: u32,
    /// How long a write may take.
    pub(super) timeout: Duration,
    /// How long dumps must stay equal until the run counts as settled.
    pub(super) quiet: Duration,
}

/// Where nodes listen, if labctl knows it.
pub(super) fn addresses(endpoints: &Endpoints) -> BTreeMap<NodeId, String> {
    let known = endpoints.addresses().filter(|(_, address)| !address.is_empty());
    known.map(|(node, address)| (node, address.to_owned())).collect()
}

impl AdapterSession {
    pub(super) fn new(
        adapters: Adapters,
        settings: AdapterSettings,
        conditions: AdapterConditions,
        clock: Clock,
    ) -> Self {
        Self { adapters, settings, conditions, clock, failure: OnceLock::new() }
    }

    /// Asks something and makes of the answer what `read` makes of it.
    async fn ask<T>(
        &self,
        purpose: Purpose,
        question: &Question<'_>,
        limit: Duration,
        read: impl FnOnce(&AdapterAnswer) -> Result<T, String>,
    ) -> Result<T, SessionError> {
        if let Some(failure) = self.failure.get() {
            return Err(failure.clone());
        }
        let answer = self.adapters.ask(purpose, question, limit).await;
        let read = answer.and_then(|answer| read(&answer).map_err(Failure::Broken));
        read.map_err(|failure| self.refuse(question, &failure))
    }

    /// Asks a question that the adapter may refuse.
    async fn question<T>(
        &self,
        purpose: Purpose,
        question: Question<'_>,
        read: impl FnOnce(&AdapterAnswer) -> Result<T, String>,
    ) -> Result<T, SessionError> {
        let answer = self.answer_to(purpose, &question).await?;
        match answer.error() {
            Some(error) => Err(self.refuse(&question, &Failure::Refused(error))),
            None => read(&answer).map_err(|why| self.refuse(&question, &Failure::Broken(why))),
        }
    }

    /// Why a question was not answered. What is broken ends the session.
    fn refuse(&self, question: &Question<'_>, failure: &Failure) -> SessionError {
        let command = self.settings.session.words().join(" ");
        let error = SessionError::new(question.node(), question.name(), format!("the adapter `{command}`: {failure}"));
        if matches!(failure, Failure::Broken(_)) {
            return self.failure.get_or_init(|| error.lasting()).clone();
        }
        error
    }

    /// Now, on the session's clock.
    pub(super) fn now(&self) -> Micros {
        self.clock.now_us().into()
    }

    /// Whether versions are read, and whether the store's number counts the leader.
    pub(super) const fn reads(&self) -> (bool, bool) {
        (self.settings.versions, self.settings.counts_leader)
    }

    /// The answer to a question as it came.
    pub(super) async fn answer_to(
        &self,
        purpose: Purpose,
        question: &Question<'_>,
    ) -> Result<AdapterAnswer, SessionError> {
        let limit = if purpose == Purpose::Writes { self.conditions.timeout + ANSWER_MARGIN } else { QUESTION_LIMIT };
        self.ask(purpose, question, limit, |answer| Ok(answer.clone())).await
    }

    pub(super) fn question_of<'a>(&self, write: &'a PlannedWrite) -> Question<'a> {
        Question::Write { key: &write.key, value: &write.value, quorum: self.conditions.quorum }
    }

    async fn send(&self, write: &PlannedWrite) -> WriteAnswer {
        let question = self.question_of(write);
        let AdapterSettings { versions, counts_leader, .. } = self.settings;
        let read = |answer: &AdapterAnswer| answer.written(versions, counts_leader);
        let limit = self.conditions.timeout + ANSWER_MARGIN;
        let began = self.now();
        let answered = self.ask(Purpose::Writes, &question, limit, read).await;
        answered.unwrap_or_else(|error| WriteAnswer {
            // Not when the process that takes the place of this one was there.
            answered_us: Some(self.now().min(began + TimeSpan::from(limit))),
            ..WriteAnswer::none(error.reason)
        })
    }

    async fn store(&self, node: NodeId) -> Result<StoreDump, SessionError> {
        let versions = self.settings.versions;
        let read = |answer: &AdapterAnswer| answer.entries(versions);
        let entries = self.question(Purpose::Questions, Question::Dump { node }, read).await?;
        let version = |(key, found): (&String, &Found)| Some((key.clone(), found.version?.get()));
        Ok(StoreDump {
            node: node.to_string(),
            role: if node.is_leader() { Role::Leader } else { Role::Follower },
            versions: entries.iter().filter_map(version).collect(),
            store: entries.into_iter().map(|(key, found)| (key, found.value)).collect(),
        })
    }
}

impl Drop for AdapterSession {
    /// A broken adapter has no time to end by itself.
    fn drop(&mut self) {
        if self.failure.get().is_some() {
            self.adapters.kill();
        }
    }
}

impl Session for AdapterSession {
    fn write<'a>(&'a self, write: &'a PlannedWrite) -> BoxFuture<'a, WriteAnswer> {
        self.send(write).boxed()
    }

    fn read<'a>(&'a self, node: NodeId, key: &'a str) -> BoxFuture<'a, Result<Option<Found>, SessionError>> {
        if !self.settings.reads {
            let error = SessionError::new(node, "read", "its table says reads = false");
            return std::future::ready(Err(error)).boxed();
        }
        let versions = self.settings.versions;
        let question = Question::Read { node, key };
        self.question(Purpose::Reads, question, move |answer| answer.found(versions)).boxed()
    }

    fn dump(&self, node: NodeId) -> BoxFuture<'_, Result<StoreDump, SessionError>> {
        self.store(node).boxed()
    }

    fn ready(&self, node: NodeId) -> BoxFuture<'_, Result<(), SessionError>> {
        // The load asks the leader as often at once as it writes, so that no write has to wait for a process.
        let purpose = if node.is_leader() { Purpose::Writes } else { Purpose::Questions };
        self.question(purpose, Question::Ready { node }, |_| Ok(())).boxed()
    }

    fn prepare(&self) -> BoxFuture<'_, Result<(), SessionError>> {
        let prepared = async move {
            let question = Question::Prepare { quorum: self.conditions.quorum };
            self.question(Purpose::Questions, question, |_| Ok(())).await?;
            let started = self.adapters.start_asked().await;
            started.map_err(|failure| self.refuse(&Question::Ready { node: NodeId::Leader }, &failure))
        };
        prepared.boxed()
    }

    fn restarted(&self, node: NodeId) -> BoxFuture<'_, Result<(), SessionError>> {
        let told = async move {
            if self.settings.quorum != QuorumControl::ByRequest {
                return Ok(());
            }
            let question = Question::SetQuorum { node, quorum: self.conditions.quorum };
            self.question(Purpose::Questions, question, |_| Ok(())).await
        };
        told.boxed()
    }

    fn failure(&self) -> Option<SessionError> {
        self.failure.get().cloned()
    }

    fn quiet(&self) -> Option<Duration> {
        (self.settings.settles == Settling::Quiet).then_some(self.conditions.quiet)
    }

    fn in_flight(&self) -> BoxFuture<'_, Result<PendingCopies, SessionError>> {
        self.question(Purpose::Questions, Question::InFlight, AdapterAnswer::pending).boxed()
    }

    fn settle_limits(&self) -> SettleLimits {
        SettleLimits { step: self.conditions.timeout, notice: None }
    }

    fn trace(&self, _: NodeId, _: Micros) -> BoxFuture<'_, Result<Option<Trace>, SessionError>> {
        std::future::ready(Ok(None)).boxed()
    }

    fn redirect(&self, endpoints: &Endpoints) {
        self.adapters.redirect(addresses(endpoints));
    }

    fn explain<'a>(&'a self, step: ProbeStep<'a>) -> BoxFuture<'a, Option<Explained>> {
        if matches!(step, ProbeStep::Read(..)) && !self.settings.reads {
            return std::future::ready(None).boxed();
        }
        self.explained(step).map(Some).boxed()
    }

    fn version(&self) -> BoxFuture<'_, Result<String, SessionError>> {
        std::future::ready(Ok(self.adapters.version())).boxed()
    }

    fn notes(&self) -> BoxFuture<'_, BTreeMap<String, String>> {
        let said = self.adapters.said();
        let notes = if said.is_empty() { BTreeMap::new() } else { BTreeMap::from([("adapter".to_owned(), said)]) };
        std::future::ready(notes).boxed()
    }
}
